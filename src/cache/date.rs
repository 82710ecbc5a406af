//! HTTP-dates (RFC 9110 §5.6.7) as caches are to read them: in all three formats, in any case, and
//! with any day's name, because a wrong one does not make the time doubtful. Nothing is written here.

use std::time::{Duration, SystemTime};

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The time that a field value says; `None` if it is no HTTP-date. `now` places a year of two
/// digits.
pub(super) fn parse(text: &str, now: SystemTime) -> Option<SystemTime> {
    // RFC 9111 §4.2: recipients SHOULD be case-insensitive where a date is to be calculated with.
    let text = text.trim().to_ascii_lowercase();
    match text.split_once(", ") {
        Some((day, rest)) if is_day(day, 3) => fixdate(rest),
        Some((day, rest)) if is_day(day, usize::MAX) => rfc850(rest, now),
        None => asctime(&text),
        Some(_) => None,
    }
}

/// `06 Nov 1994 08:49:37 GMT`
fn fixdate(text: &str) -> Option<SystemTime> {
    let mut parts = text.split(' ');
    let (day, month) = (number(parts.next()?, 2)?, month(parts.next()?)?);
    let (year, time) = (number(parts.next()?, 4)?, clock(parts.next()?)?);
    (parts.next()? == "gmt" && parts.next().is_none()).then_some(())?;
    moment(year, month, day, time)
}

/// `06-Nov-94 08:49:37 GMT`
fn rfc850(text: &str, now: SystemTime) -> Option<SystemTime> {
    let mut parts = text.split(' ');
    let mut date = parts.next()?.split('-');
    let (day, month) = (number(date.next()?, 2)?, month(date.next()?)?);
    let year = number(date.next()?, 2)?;
    let time = clock(parts.next()?)?;
    let ended = date.next().is_none() && parts.next()? == "gmt" && parts.next().is_none();
    ended.then_some(())?;
    // RFC 9110 §5.6.7: a timestamp that appears to be more than 50 years in the future represents
    // the most recent year in the past that had the same last two digits.
    let latest = now + Duration::from_secs(50 * 365 * 86_400 + 12 * 86_400);
    let said = moment(2000 + year, month, day, time)?;
    if said > latest { moment(1900 + year, month, day, time) } else { Some(said) }
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(text: &str) -> Option<SystemTime> {
    let mut parts = text.split(' ');
    is_day(parts.next()?, 3).then_some(())?;
    let month = month(parts.next()?)?;
    let day = match parts.next()? {
        "" => number(parts.next()?, 1)?,
        digits => number(digits, 2)?,
    };
    let (time, year) = (clock(parts.next()?)?, number(parts.next()?, 4)?);
    parts.next().is_none().then_some(())?;
    moment(year, month, day, time)
}

/// Whether a text is the name of a day, cut to so many letters.
fn is_day(text: &str, letters: usize) -> bool {
    DAYS.iter().any(|name| &name[..letters.min(name.len())] == text)
}

fn month(text: &str) -> Option<u64> {
    let index = MONTHS.iter().position(|name| *name == text)?;
    Some(index as u64 + 1)
}

/// `08:49:37` as seconds of the day.
fn clock(text: &str) -> Option<u64> {
    let mut parts = text.split(':').map(|part| number(part, 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    // RFC 9110 §5.6.7: 60 is a leap second.
    let right = parts.next().is_none() && hour < 24 && minute < 60 && second <= 60;
    right.then_some(hour * 3600 + minute * 60 + second)
}

fn number(text: &str, digits: usize) -> Option<u64> {
    let plain = text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// The moment of a date of the Gregorian calendar from 1970 on; an earlier one is as stale as that.
fn moment(year: u64, month: u64, day: u64, seconds: u64) -> Option<SystemTime> {
    let is_leap = |y: u64| (y.is_multiple_of(4) && !y.is_multiple_of(100)) || y.is_multiple_of(400);
    let length = |m| match m {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    };
    if day == 0 || day > length(month) {
        return None;
    }
    if year < 1970 {
        return Some(SystemTime::UNIX_EPOCH);
    }
    let leaps = |y: u64| y / 4 - y / 100 + y / 400;
    let years = (year - 1970) * 365 + leaps(year - 1) - leaps(1969);
    let months: u64 = (1..month).map(length).sum();
    let days = years + months + day - 1;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(days * 86_400 + seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_251_600);
        let read = parse(text, now)?;
        read.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs())
    }

    #[test]
    fn the_three_formats_say_the_same() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "sUN, 06 nOV 1994 08:49:37 gmt",
            "Mon, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(seconds(text), Some(784_111_777), "{text}");
        }
        assert_eq!(seconds("Tue, 29 Feb 2028 00:00:00 GMT"), Some(1_835_395_200));
        assert_eq!(seconds("Thursday, 18-Aug-50 02:01:18 GMT"), Some(2_544_400_878));
        assert_eq!(seconds("Wed, 01 Jan 1800 00:00:00 GMT"), Some(0));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "0",
            "",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 +0000",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06  Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Wed, 29 Feb 2023 00:00:00 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Xyz, 06 Nov 1994 08:49:37 GMT",
            "06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_written_as_an_http_date_is_read_back() {
        for seconds in (0..4_000_000_000_u64).step_by(86_399 * 97) {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(parse(&httpdate::fmt_http_date(time), time), Some(time));
        }
    }
}
