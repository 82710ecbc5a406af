//! What the freshness rules decide, case by case.

use super::*;
use http::header::{CACHE_CONTROL, ETAG, VARY};

const RECEIVED: Duration = Duration::from_secs(1_800_000_000);

fn policy(authority: Authority) -> Policy {
    Policy {
        authority,
        lifetime: (authority == Authority::Registry).then_some(Duration::from_secs(300)),
        not_found: Duration::from_secs(30),
        error: Duration::from_secs(5),
        stale_while_revalidate: Duration::from_secs(60),
        stale_if_error: Duration::from_secs(600),
        no_cache_pause: Duration::ZERO,
        may_code: false,
    }
}

fn assess(authority: Authority, status: u16, fields: &[(HeaderName, &str)]) -> Option<Lifetime> {
    let fields = fields
        .iter()
        .map(|(n, v)| (n.clone(), HeaderValue::from_str(v).expect("a field value")))
        .collect();
    let status = StatusCode::from_u16(status).expect("a status");
    let received = SystemTime::UNIX_EPOCH + RECEIVED;
    lifetime(&policy(authority), false, status, &fields, &Validators::of(&fields), received)
}

fn fresh(authority: Authority, status: u16, fields: &[(HeaderName, &str)]) -> Option<u64> {
    assess(authority, status, fields).map(|l| l.fresh.as_secs())
}

fn date_at(offset: i64) -> String {
    let at = RECEIVED.as_secs().checked_add_signed(offset).expect("a time");
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(at))
}

#[test]
fn the_registry_overrides_what_ckan_says_about_age() {
    let ckan = [(CACHE_CONTROL, "public, max-age=0, must-revalidate"), (VARY, "Cookie")];
    let lifetime = assess(Authority::Registry, 200, &ckan).expect("storable");
    assert_eq!(lifetime.fresh.as_secs(), 300);
    assert_eq!(lifetime.while_revalidating.as_secs(), 60);
    assert_eq!(lifetime.if_error.as_secs(), 600);
}

#[test]
fn nobody_overrides_no_store_private_or_vary_star() {
    for authority in [Authority::Registry, Authority::Origin] {
        for refusal in [
            (CACHE_CONTROL, "no-store"),
            (CACHE_CONTROL, "private"),
            (CACHE_CONTROL, "max-age=60, private=\"x\""),
            (VARY, "Accept, *"),
        ] {
            assert_eq!(fresh(authority, 200, std::slice::from_ref(&refusal)), None, "{refusal:?}");
        }
    }
}

#[test]
fn the_registry_keeps_errors_for_seconds_and_never_serves_them_stale() {
    for (status, seconds) in [(404, 30), (410, 30), (400, 5), (403, 5), (409, 5), (500, 5)] {
        let lifetime = assess(Authority::Registry, status, &[]).expect("storable");
        assert_eq!(lifetime.fresh.as_secs(), seconds, "{status}");
        assert!(lifetime.if_error.is_zero() && lifetime.while_revalidating.is_zero());
    }
    for status in [401, 429, 503] {
        assert_eq!(fresh(Authority::Registry, status, &[]), None, "{status}");
    }
}

#[test]
fn s_maxage_beats_max_age_beats_expires() {
    let (soon, later) = (date_at(10), date_at(1000));
    let of = |fields: &[(HeaderName, &str)]| fresh(Authority::Origin, 200, fields);
    assert_eq!(of(&[(CACHE_CONTROL, "max-age=60, s-maxage=5"), (EXPIRES, &later)]), Some(5));
    assert_eq!(of(&[(CACHE_CONTROL, "max-age=60"), (EXPIRES, &soon)]), Some(60));
    assert_eq!(of(&[(EXPIRES, &soon), (DATE, &date_at(0))]), Some(10));
    assert_eq!(of(&[(EXPIRES, "0"), (ETAG, "\"v\"")]), Some(0));
}

#[test]
fn expires_counts_from_date_not_from_now() {
    let fields = [(EXPIRES, &*date_at(50)), (DATE, &*date_at(-50))];
    let lifetime = assess(Authority::Origin, 200, &fields).expect("storable");
    assert_eq!((lifetime.fresh.as_secs(), lifetime.initial_age.as_secs()), (100, 50));
}

#[test]
fn without_a_word_about_age_a_tenth_of_the_time_since_modification_is_fresh() {
    let fields = [(LAST_MODIFIED, &*date_at(-1000)), (DATE, &*date_at(0))];
    assert_eq!(fresh(Authority::Origin, 200, &fields), Some(100));
    assert_eq!(fresh(Authority::Origin, 403, &fields), None);
}

#[test]
fn age_is_the_first_member_and_digits_only() {
    let age = |value| {
        let fields = [(CACHE_CONTROL, "max-age=9000"), (AGE, value)];
        assess(Authority::Origin, 200, &fields).map(|l| l.initial_age.as_secs())
    };
    assert_eq!(age("7200"), Some(7200));
    assert_eq!(age("7200, 0"), Some(7200));
    assert_eq!(age("1.5"), Some(0));
    assert_eq!(age("99999999999999"), Some(u64::from(u32::MAX >> 1)));
}

#[test]
fn must_revalidate_and_s_maxage_forbid_stale_reuse() {
    for said in ["max-age=1, must-revalidate", "max-age=1, proxy-revalidate", "s-maxage=1"] {
        let lifetime = assess(Authority::Origin, 200, &[(CACHE_CONTROL, said)]).expect(said);
        assert!(lifetime.if_error.is_zero() && lifetime.while_revalidating.is_zero(), "{said}");
    }
}

#[test]
fn the_operators_lifetime_is_for_good_answers() {
    let told = Policy { lifetime: Some(Duration::from_secs(3600)), ..policy(Authority::Origin) };
    let fresh = |status: u16, fields: &[(HeaderName, &'static str)]| {
        let fields: HeaderMap =
            fields.iter().map(|(n, v)| (n.clone(), HeaderValue::from_static(v))).collect();
        let status = StatusCode::from_u16(status).expect("a status");
        let received = SystemTime::UNIX_EPOCH + RECEIVED;
        let validators = Validators::of(&fields);
        lifetime(&told, false, status, &fields, &validators, received).map(|l| l.fresh.as_secs())
    };
    assert_eq!(fresh(200, &[]), Some(3600));
    assert_eq!(fresh(404, &[]), Some(30));
    assert_eq!(fresh(500, &[(CACHE_CONTROL, "public")]), Some(5));
    assert_eq!(fresh(200, &[(CACHE_CONTROL, "max-age=9")]), Some(9));
}
