//! The `Server-Timing` field (W3C Server Timing): what the cache did and how long things took, for whoever
//! looks at the network panel of a browser. It measures nothing itself.

use std::fmt::{self, Write as _};
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::metrics::Account;

pub(super) const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Room for all of it, so that it is made in one piece, in bytes.
const LENGTH: usize = 80;

/// What nearly every answer says, ready made: found in the cache in less than [`AT_ONCE`].
const HIT: HeaderValue = HeaderValue::from_static("cache;desc=hit, total;dur=0");

/// The time of a hit below which the very time says nothing about it.
const AT_ONCE: Duration = Duration::from_millis(1);

/// The field's value, for an answer that took so long.
pub(super) fn field(told: &Account, total: Duration) -> HeaderValue {
    if told.cache == Some("hit") && total < AT_ONCE {
        return HIT;
    }
    let mut text = String::with_capacity(LENGTH);
    // Writing to a String cannot fail, and what is written is tokens, digits and separators.
    let _ = write(&mut text, told, total);
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("total"))
}

fn write(text: &mut String, told: &Account, total: Duration) -> fmt::Result {
    if let Some(cache) = told.cache {
        text.push_str("cache;desc=");
        text.push_str(cache);
        text.push_str(", ");
    }
    if let Some(portal) = told.portal_time {
        text.push_str("portal;dur=");
        milliseconds(text, portal)?;
        text.push_str(", ");
    }
    text.push_str("total;dur=");
    milliseconds(text, total)
}

/// In milliseconds, to a hundredth.
fn milliseconds(text: &mut String, time: Duration) -> fmt::Result {
    let microseconds = time.subsec_micros();
    let whole = time.as_secs().saturating_mul(1000) + u64::from(microseconds / 1000);
    write!(text, "{whole}.{:02}", microseconds % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_told_in_milliseconds() {
        let hit = Account { cache: Some("hit"), ..Account::default() };
        assert_eq!(field(&hit, Duration::from_micros(999)), "cache;desc=hit, total;dur=0");
        let slow = Duration::from_micros(1049);
        assert_eq!(field(&hit, slow), "cache;desc=hit, total;dur=1.04");
        let portal_time = Some(Duration::from_micros(123_456));
        let miss = Account { cache: Some("uri-miss"), portal_time, ..hit };
        let field = |told, total| field(told, Duration::from_micros(total));
        assert_eq!(
            field(&miss, 125_199),
            "cache;desc=uri-miss, portal;dur=123.45, total;dur=125.19"
        );
        assert_eq!(field(&Account::default(), 1_000_000), "total;dur=1000.00");
    }
}
