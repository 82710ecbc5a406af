//! `Cache-Control` directives (RFC 9111 §5.2), of requests and of responses, and the field that is
//! meant for caches like this one (RFC 9213). It reads them; what follows is decided in `freshness`.

use std::time::Duration;

use http::header::{CACHE_CONTROL, HeaderName, PRAGMA};
use http::{HeaderMap, HeaderValue};
use sfv::{BareItem, Dictionary, ListEntry};

/// The longest time a directive can say: 2^31 seconds (RFC 9111 §1.2.2).
const LONGEST: u64 = 1 << 31;

/// RFC 9213 §3.1: the targeted field for caches of content delivery networks.
const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// The directives of one message.
#[expect(clippy::struct_excessive_bools, reason = "directives are flags, and any may stand")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directives {
    /// `no-store`.
    pub no_store: bool,
    /// `no-cache`, with or without field names; also `Pragma: no-cache` alone in a request.
    pub no_cache: bool,
    /// `private`, with or without field names.
    pub private: bool,
    /// `public`.
    pub public: bool,
    /// `must-revalidate`.
    pub must_revalidate: bool,
    /// `proxy-revalidate`.
    pub proxy_revalidate: bool,
    /// `must-understand`.
    pub must_understand: bool,
    /// Whether they come from a targeted field, beside which `Expires` does not count either.
    pub targeted: bool,
    /// `only-if-cached`.
    pub only_if_cached: bool,
    /// `max-age`.
    pub max_age: Option<Duration>,
    /// `s-maxage`.
    pub s_maxage: Option<Duration>,
    /// `min-fresh`.
    pub min_fresh: Option<Duration>,
    /// `max-stale`; without a value, any staleness.
    pub max_stale: Option<Duration>,
    /// `stale-while-revalidate` (RFC 5861 §3).
    pub stale_while_revalidate: Option<Duration>,
    /// `stale-if-error` (RFC 5861 §4).
    pub stale_if_error: Option<Duration>,
}

impl Directives {
    /// Reads a response's directives.
    #[must_use]
    pub fn of_response(fields: &HeaderMap) -> Self {
        // RFC 9213 §2.2: the first field of the target list with a valid, non-empty value, whereby
        // all other such fields, Cache-Control and Expires are to be ignored.
        if let Some(targeted) = Self::targeted(fields) {
            return targeted;
        }
        let mut directives = Self::default();
        for line in fields.get_all(CACHE_CONTROL) {
            // A field that is no text cannot be trusted to permit anything.
            match line.to_str() {
                Ok(text) => directives.read(text),
                Err(_) => directives.no_store = true,
            }
        }
        directives
    }

    /// Reads a request's `Cache-Control`, and `Pragma` where that is missing (RFC 9111 §5.4).
    #[must_use]
    pub fn of_request(fields: &HeaderMap) -> Self {
        let mut directives = Self::default();
        for text in fields.get_all(CACHE_CONTROL).iter().filter_map(|l| l.to_str().ok()) {
            directives.read(text);
        }
        if !fields.contains_key(CACHE_CONTROL) {
            directives.no_cache = fields
                .get_all(PRAGMA)
                .iter()
                .filter_map(|l| l.to_str().ok())
                .flat_map(|l| l.split(','))
                .any(|d| d.trim().eq_ignore_ascii_case("no-cache"));
        }
        directives
    }

    /// RFC 9213 §2.1: a Dictionary structured field. One that does not parse is ignored, and so is
    /// a member whose value has another type than its directive takes.
    fn targeted(fields: &HeaderMap) -> Option<Self> {
        let mut lines = fields.get_all(CDN_CACHE_CONTROL).iter().map(HeaderValue::as_bytes);
        let first = lines.next()?.to_vec();
        let text = lines.fold(first, |joined, line| [&joined, &b", "[..], line].concat());
        let members = sfv::Parser::new(&text).parse::<Dictionary>().ok()?;
        if members.is_empty() {
            return None;
        }
        let mut directives = Self { targeted: true, ..Self::default() };
        for (name, value) in &members {
            let ListEntry::Item(item) = value else { continue };
            match &item.bare_item {
                BareItem::Boolean(true) => directives.set(name.as_str()),
                BareItem::Integer(seconds) => {
                    // RFC 9111 §4.2.1: invalid freshness information is considered stale.
                    let seconds = u64::try_from(i64::from(*seconds)).unwrap_or(0).min(LONGEST);
                    directives.set_time(name.as_str(), Duration::from_secs(seconds));
                }
                _ => {}
            }
        }
        Some(directives)
    }

    fn read(&mut self, text: &str) {
        for (name, value) in split(text) {
            let name = name.to_ascii_lowercase();
            self.set(&name);
            let unsaid = if name == "max-stale" { LONGEST } else { 0 };
            self.set_time(&name, value.map_or(Duration::from_secs(unsaid), delta_seconds));
        }
    }

    /// Sets a directive that is there or not; with field names (`no-cache="a"`) it holds for all of
    /// the response, which is allowed and safe. RFC 9111 §5.2.3: a cache MUST ignore unrecognized
    /// cache directives.
    fn set(&mut self, name: &str) {
        match name {
            "no-store" => self.no_store = true,
            "no-cache" => self.no_cache = true,
            "private" => self.private = true,
            "public" => self.public = true,
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "must-understand" => self.must_understand = true,
            "only-if-cached" => self.only_if_cached = true,
            _ => {}
        }
    }

    /// Sets a directive that is a time. RFC 9111 §4.2.1: when one appears more than once, the first
    /// occurrence is used.
    fn set_time(&mut self, name: &str, time: Duration) {
        let slot = match name {
            "max-age" => &mut self.max_age,
            "s-maxage" => &mut self.s_maxage,
            "min-fresh" => &mut self.min_fresh,
            "max-stale" => &mut self.max_stale,
            "stale-while-revalidate" => &mut self.stale_while_revalidate,
            "stale-if-error" => &mut self.stale_if_error,
            _ => return,
        };
        slot.get_or_insert(time);
    }
}

/// RFC 9111 §1.2.2: delta-seconds are digits; a value too great is 2^31. Anything else makes the
/// response stale (§4.2.1: invalid freshness information is considered stale).
fn delta_seconds(text: &str) -> Duration {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Duration::ZERO;
    }
    Duration::from_secs(text.parse().unwrap_or(LONGEST).min(LONGEST))
}

/// Splits `name[=value]` pairs at commas outside quoted strings.
fn split(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let end = unquoted_comma(rest);
            let item = rest[..end].trim_matches([' ', '\t']);
            rest = rest.get(end + 1..).unwrap_or("");
            if item.is_empty() {
                continue;
            }
            return Some(match item.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (item, None),
            });
        }
        None
    })
}

fn unquoted_comma(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn response(lines: &[&'static str]) -> Directives {
        let mut fields = HeaderMap::new();
        for line in lines {
            fields.append(CACHE_CONTROL, HeaderValue::from_static(line));
        }
        Directives::of_response(&fields)
    }

    #[test]
    fn directives_are_read_over_several_lines_in_any_case() {
        let read = response(&["Max-Age=60, pUbLiC", "s-maxage=7"]);
        assert_eq!(read.max_age, Some(Duration::from_secs(60)));
        assert_eq!(read.s_maxage, Some(Duration::from_secs(7)));
        assert!(read.public);
    }

    #[test]
    fn a_comma_in_a_quoted_string_does_not_end_a_directive() {
        let read = response(&["private=\"a, max-age=9, b\", max-age=5"]);
        assert!(read.private);
        assert_eq!(read.max_age, Some(Duration::from_secs(5)));
    }

    #[test]
    fn the_first_of_several_values_counts_and_nonsense_is_stale() {
        assert_eq!(response(&["max-age=1, max-age=100"]).max_age, Some(Duration::from_secs(1)));
        for nonsense in ["max-age=-1", "max-age=1.5", "max-age=", "max-age", "max-age=1s"] {
            assert_eq!(response(&[nonsense]).max_age, Some(Duration::ZERO), "{nonsense}");
        }
    }

    #[test]
    fn a_huge_value_is_two_to_the_thirty_first() {
        let huge = response(&["max-age=99999999999999999999999"]);
        assert_eq!(huge.max_age, Some(Duration::from_secs(LONGEST)));
    }

    #[test]
    fn a_targeted_field_stands_for_all_others_if_it_is_valid() {
        let read = |cdn: &'static str| {
            let mut fields = HeaderMap::new();
            fields.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=1, private"));
            fields.insert(CDN_CACHE_CONTROL, HeaderValue::from_static(cdn));
            Directives::of_response(&fields)
        };
        let targeted = read("max-age=60, must-revalidate, other=(1 2), no-store=?0");
        assert_eq!(targeted.max_age, Some(Duration::from_secs(60)));
        assert!(targeted.targeted && targeted.must_revalidate);
        assert!(!targeted.private && !targeted.no_store);
        assert_eq!(read("max-age=-1").max_age, Some(Duration::ZERO));
        assert_eq!(read("max-age=\"60\"").max_age, None, "another type is no value");
        for ignored in ["", "Max-Age=60", "max-age=60 no-store", "max-age=", "&"] {
            assert!(!read(ignored).targeted, "{ignored}");
            assert!(read(ignored).private, "{ignored}");
        }
    }

    #[test]
    fn pragma_counts_only_without_cache_control() {
        let mut fields = HeaderMap::new();
        fields.insert(PRAGMA, HeaderValue::from_static("no-cache"));
        assert!(Directives::of_request(&fields).no_cache);
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=9"));
        assert!(!Directives::of_request(&fields).no_cache);
    }
}
