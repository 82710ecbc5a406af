//! A stored response as bytes and back: all but its content. What stands in a file is not trusted:
//! whatever does not read as written is no response.
//!
//! Times are of the wall clock, because a restarted machine has no other that it shares with the
//! last run; within one run they never jump, because the wall time of an instant is counted from the
//! start of the run.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::clock::Clock;

use super::freshness::Lifetime;
use super::stored::{Kept, compact};
use super::{CacheKey, Selecting, StoredResponse, Validators};

/// The version of this form. Another one is not read.
const VERSION: u8 = 1;

/// Where the monotonic and the wall clock stood at the start of the run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Anchor {
    instant: Instant,
    wall: SystemTime,
}

impl Anchor {
    /// The clocks as they stand now.
    pub(super) fn now(clock: &dyn Clock) -> Self {
        Self { instant: clock.now(), wall: clock.wall() }
    }

    /// The wall time of an instant, in milliseconds since 1970.
    fn wall_of(&self, instant: Instant) -> u64 {
        let wall = match instant.checked_duration_since(self.instant) {
            Some(since) => self.wall + since,
            None => self.wall - self.instant.duration_since(instant),
        };
        let since = wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Writes everything but the key and the content.
pub(super) fn encode(stored: &StoredResponse, anchor: &Anchor) -> Bytes {
    let mut out = Vec::with_capacity(512);
    out.push(VERSION);
    out.extend(stored.status.as_u16().to_be_bytes());
    out.push(u8::from(stored.coded.is_some()));
    out.extend(anchor.wall_of(stored.received).to_be_bytes());
    let Lifetime { fresh, initial_age, while_revalidating, if_error } = stored.lifetime;
    for time in [fresh, initial_age, while_revalidating, if_error] {
        out.extend(u64::try_from(time.as_millis()).unwrap_or(u64::MAX).to_be_bytes());
    }
    let validators = stored.validators.as_deref();
    for validator in [
        validators.and_then(|validators| validators.etag.as_ref()),
        validators.and_then(|validators| validators.last_modified.as_ref()),
    ] {
        put_option(&mut out, validator.map(HeaderValue::as_bytes));
    }
    put_count(&mut out, stored.selecting.iter().count());
    for (name, value) in stored.selecting.iter() {
        put(&mut out, name.as_str().as_bytes());
        put_option(&mut out, value.as_deref());
    }
    put_count(&mut out, stored.fields.iter().count());
    for (name, value) in stored.fields.iter() {
        put(&mut out, name.as_str().as_bytes());
        put(&mut out, value.as_bytes());
    }
    out.into()
}

/// Reads what [`encode`] wrote; `None` if it did not.
pub(super) fn decode(
    key: &CacheKey,
    head: &[u8],
    content: Kept,
    anchor: &Anchor,
    now: Instant,
) -> Option<StoredResponse> {
    let mut rest = Rest(head);
    (rest.byte()? == VERSION).then_some(())?;
    let status = StatusCode::from_u16(u16::from_be_bytes(rest.array()?)).ok()?;
    let codable = rest.byte()? != 0;
    let received = rest.number()?;
    let mut time = || rest.number().map(Duration::from_millis);
    let mut lifetime = Lifetime {
        fresh: time()?,
        initial_age: time()?,
        while_revalidating: time()?,
        if_error: time()?,
    };
    let value = |bytes: &[u8]| HeaderValue::from_bytes(bytes).ok();
    let Perhaps(etag) = rest.option(value)?;
    let Perhaps(last_modified) = rest.option(value)?;
    let mut selecting = Vec::new();
    for _ in 0..rest.count()? {
        let (name, Perhaps(selected)) = (rest.name()?, rest.option(|bytes| Some(bytes.to_vec()))?);
        selecting.push((name, selected));
    }
    let mut fields = HeaderMap::new();
    for _ in 0..rest.count()? {
        let name = rest.name()?;
        // A map has room for 32,768 fields, and a head for more.
        let value = HeaderValue::from_bytes(rest.bytes()?).ok()?;
        fields.try_append(name, value).ok()?;
    }
    rest.0.is_empty().then_some(())?;
    let received = match anchor.wall_of(now).checked_sub(received).map(Duration::from_millis) {
        Some(since) => now.checked_sub(since).unwrap_or_else(|| {
            // This machine has been up for less than that, and its clock cannot say so.
            lifetime.initial_age = lifetime.initial_age.saturating_add(since);
            now
        }),
        // Stored in what is now the future: the clock was set back in between, and nobody knows the
        // age. It is stale, so that it will be validated.
        None => {
            lifetime.initial_age = lifetime.initial_age.max(lifetime.fresh);
            now
        }
    };
    let coded = (codable && matches!(content, Kept::Buffer(_))).then(Default::default);
    let (fields, content) = compact(&fields, content);
    Some(StoredResponse {
        key: key.clone(),
        status,
        fields,
        validators: Validators { etag, last_modified }.aside(),
        selecting: Selecting::from_parts(selecting),
        lifetime,
        received,
        coded,
        content,
    })
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    put_count(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_option(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    out.push(u8::from(bytes.is_some()));
    if let Some(bytes) = bytes {
        put(out, bytes);
    }
}

/// Counts and lengths are of fields that were received within limits, far below 2^32.
fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend(u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}

/// Something that may be missing, as opposed to something that cannot be read.
struct Perhaps<T>(Option<T>);

/// What has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(u32::from_be_bytes(self.array()?)).ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.count()?;
        self.take(length)
    }

    /// Bytes that may be missing, read by `read`.
    fn option<T>(&mut self, read: impl FnOnce(&'a [u8]) -> Option<T>) -> Option<Perhaps<T>> {
        match self.byte()? {
            0 => Some(Perhaps(None)),
            1 => Some(Perhaps(Some(read(self.bytes()?)?))),
            _ => None,
        }
    }

    fn name(&mut self) -> Option<HeaderName> {
        HeaderName::from_bytes(self.bytes()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Fields;
    use super::*;
    use crate::clock::ManualClock;
    use http::header::{ETAG, VARY};

    fn stored(received: Instant) -> StoredResponse {
        let mut fields = HeaderMap::new();
        fields.append(VARY, HeaderValue::from_static("foo"));
        fields.append(ETAG, HeaderValue::from_bytes(b"\"\xe4\"").expect("a value"));
        let mut request = HeaderMap::new();
        request.insert("foo", HeaderValue::from_static("1"));
        StoredResponse {
            key: CacheKey::new("city", &["k"]),
            status: StatusCode::OK,
            selecting: Selecting::of(&fields, &request),
            validators: Validators::of(&fields).aside(),
            fields: Fields::of(&fields),
            lifetime: Lifetime {
                fresh: Duration::from_secs(60),
                initial_age: Duration::from_secs(1),
                while_revalidating: Duration::ZERO,
                if_error: Duration::from_secs(600),
            },
            received,
            content: Kept::Buffer(Bytes::from_static(b"x")),
            coded: Some(Arc::default()),
        }
    }

    fn read(head: &[u8], anchor: &Anchor, now: Instant) -> Option<StoredResponse> {
        let content = Kept::Buffer(Bytes::from_static(b"x"));
        decode(&CacheKey::new("city", &["k"]), head, content, anchor, now)
    }

    fn at(wall: u64) -> ManualClock {
        ManualClock::starting_at(SystemTime::UNIX_EPOCH + Duration::from_secs(wall))
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_cut_off_it_is() {
        let clock = at(1_000_000);
        let anchor = Anchor::now(&clock);
        let written = stored(clock.now());
        let head = encode(&written, &anchor);
        clock.advance(Duration::from_secs(5));
        let back = read(&head, &anchor, clock.now()).expect("it reads");
        assert_eq!((back.status, &back.fields), (written.status, &written.fields));
        assert_eq!(back.validators, written.validators);
        assert_eq!(back.selecting, written.selecting);
        assert_eq!(back.age(clock.now()), Duration::from_secs(6));
        assert!(back.coded.is_some());
        for length in 0..head.len() {
            assert!(read(&head[..length], &anchor, clock.now()).is_none(), "{length}");
        }
        assert!(read(&[&head[..], b"x"].concat(), &anchor, clock.now()).is_none());
    }

    #[test]
    fn no_byte_makes_it_panic() {
        let clock = at(1_000_000);
        let anchor = Anchor::now(&clock);
        let head = encode(&stored(clock.now()), &anchor);
        for position in 0..head.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = head.to_vec();
                damaged[position] ^= flip;
                let _ = read(&damaged, &anchor, clock.now());
            }
        }
    }

    #[test]
    fn more_fields_than_a_map_has_room_for_are_no_response() {
        let clock = at(1_000_000);
        let anchor = Anchor::now(&clock);
        let head = encode(
            &StoredResponse { fields: Fields::of(&HeaderMap::new()), ..stored(clock.now()) },
            &anchor,
        );
        let mut many = head[..head.len() - 4].to_vec();
        put_count(&mut many, 40_000);
        for number in 0..40_000 {
            put(&mut many, format!("x{number}").as_bytes());
            put(&mut many, b"");
        }
        assert!(read(&head, &anchor, clock.now()).is_some());
        assert!(read(&many, &anchor, clock.now()).is_none());
    }

    #[test]
    fn age_goes_on_while_nobody_runs() {
        let before = at(1_000_000);
        let head = encode(&stored(before.now()), &Anchor::now(&before));
        let after = at(1_000_000 + 3600);
        let back = read(&head, &Anchor::now(&after), after.now()).expect("it reads");
        assert_eq!(back.age(after.now()), Duration::from_secs(3601));
    }

    #[test]
    fn what_was_stored_in_the_future_is_stale_and_ages_from_now() {
        let before = at(1_000_000);
        let head = encode(&stored(before.now()), &Anchor::now(&before));
        let after = at(900_000);
        let back = read(&head, &Anchor::now(&after), after.now()).expect("it reads");
        assert_eq!(back.age(after.now()), Duration::from_secs(60));
        assert_eq!(back.lifetime_left(after.now()), 0);
    }
}
