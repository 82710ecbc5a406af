//! A stored response's own bytes, `src/cache/record.rs`, included by path with a stand-in for the room
//! around it: what is written is read back as it was, and what is read is written in one form.
//! Not a test of the checksums over them (`head`), nor of particular outcomes.
#![no_main]

#[allow(dead_code)]
#[path = "../../../../src/cache/record.rs"]
mod record;
#[allow(dead_code, unreachable_pub)]
#[path = "../../../../src/cache/vary.rs"]
mod vary;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::StatusCode;
use libfuzzer_sys::fuzz_target;
use record::Anchor;
use stored::Kept;
use unpad::cache::{CacheKey, Fields, freshness};
use unpad::clock::{self, Clock as _, ManualClock};
use unpad_fuzz::fields;
use vary::Selecting;

/// As the room has it, of which `record` makes and reads the fields.
#[derive(Debug)]
struct StoredResponse {
    key: CacheKey,
    status: StatusCode,
    fields: Fields,
    validators: Option<Box<Validators>>,
    selecting: Selecting,
    lifetime: freshness::Lifetime,
    received: Instant,
    content: Kept,
    coded: Option<Arc<()>>,
}

#[derive(Debug, PartialEq)]
struct Validators {
    etag: Option<http::HeaderValue>,
    last_modified: Option<http::HeaderValue>,
}

impl Validators {
    fn aside(self) -> Option<Box<Self>> {
        (self.etag.is_some() || self.last_modified.is_some()).then(|| Box::new(self))
    }
}

mod stored {
    use super::{Bytes, Fields};

    #[derive(Debug)]
    pub(super) enum Kept {
        Buffer(Bytes),
    }

    pub(super) fn compact(fields: &http::HeaderMap, content: Kept) -> (Fields, Kept) {
        (Fields::of(fields), content)
    }
}

fuzz_target!(|data: &[u8]| {
    as_it_came(data);
    written(data);
});

/// A run that began in 2023 and has gone on for an hour.
fn run() -> (Anchor, Instant) {
    let clock =
        ManualClock::starting_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    let anchor = Anchor::now(&clock);
    clock.advance(Duration::from_secs(3600));
    (anchor, clock.now())
}

fn read(bytes: &[u8], anchor: &Anchor, now: Instant) -> Option<StoredResponse> {
    let content = Kept::Buffer(Bytes::from_static(b"x"));
    record::decode(&CacheKey::new("city", &["k"]), bytes, content, anchor, now)
}

/// Bytes from a disk, whatever they are. Their form may differ (names in upper case, the order of fields,
/// a time to come), but what was read is written in one form.
fn as_it_came(bytes: &[u8]) {
    let (anchor, now) = run();
    let Some(first) = read(bytes, &anchor, now) else { return };
    assert!(first.received <= now, "nothing was received in the future");
    let form = record::encode(&first, &anchor);
    let second = read(&form, &anchor, now).expect("what is written is read");
    same(&first, &second);
    assert_eq!(record::encode(&second, &anchor), form);
    for length in 0..form.len() {
        assert!(read(&form[..length], &anchor, now).is_none(), "cut at {length}");
    }
    assert!(read(&[&form[..], b"\0"].concat(), &anchor, now).is_none(), "a byte too many");
}

/// A response made of fields, a request's and the response's, with times from the input.
fn written(data: &[u8]) {
    let Some((numbers, rest)) = data.split_first_chunk::<12>() else { return };
    let (request, response) = fields::halves(rest);
    let (request, response) = (fields::of_lines(request), fields::of_lines(response));
    let (anchor, now) = run();
    let time = |at: usize| {
        Duration::from_millis(u64::from(u16::from_be_bytes([numbers[at], numbers[at + 1]])) << 20)
    };
    let stored = StoredResponse {
        key: CacheKey::new("city", &["k"]),
        status: StatusCode::from_u16(200 + u16::from(numbers[0])).expect("a status"),
        selecting: Selecting::of(&response, &request),
        validators: Validators {
            etag: response.get("etag").cloned(),
            last_modified: response.get("last-modified").cloned(),
        }
        .aside(),
        fields: Fields::of(&response),
        lifetime: freshness::Lifetime {
            fresh: time(2),
            initial_age: time(4),
            while_revalidating: time(6),
            if_error: time(8),
        },
        // Within the last minutes, which every machine that runs this has been up for.
        received: now - Duration::from_millis(u64::from(numbers[10])),
        content: Kept::Buffer(Bytes::from_static(b"x")),
        coded: (numbers[11] % 2 == 0).then(Arc::default),
    };
    let bytes = record::encode(&stored, &anchor);
    let back = read(&bytes, &anchor, now).expect("what is written is read");
    same(&stored, &back);
    assert_eq!(back.received, stored.received);
    assert_eq!(record::encode(&back, &anchor), bytes);
}

fn same(one: &StoredResponse, other: &StoredResponse) {
    assert_eq!(one.key, other.key);
    assert_eq!(one.status, other.status);
    assert_eq!(one.fields, other.fields);
    assert_eq!(one.validators, other.validators);
    assert_eq!(one.selecting, other.selecting);
    assert_eq!(one.lifetime, other.lifetime);
    assert_eq!(one.coded.is_some(), other.coded.is_some());
    let (Kept::Buffer(one), Kept::Buffer(other)) = (&one.content, &other.content);
    assert_eq!(one, other);
}
