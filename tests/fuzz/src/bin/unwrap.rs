//! Arbitrary bodies for the room `jsonp`, and what must hold for all of them.
//! Not a test of particular outcomes: those are in `tests/jsonp.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use unpad::jsonp::{self, CallbackName, Form, Limits, NonFinite, Payload, Prefix, Reason, Shape};

fuzz_target!(|body: &[u8]| {
    let callback = CallbackName::new("cb").expect("a valid name");
    let limits = Limits::default();
    match jsonp::unwrap(body, &callback, &Shape::default(), &limits) {
        Ok(payload) => {
            accepted(&body[payload.range.clone()], &limits);
            if payload.form == Form::Padded {
                cut(body, payload.range.end, &callback, &limits);
            }
        }
        Err(error) => assert!(error.offset() <= body.len(), "{error}"),
    }
    bare(body, &callback, &limits);
    lenient(body, &callback, &limits);
});

fn accepted(json: &[u8], limits: &Limits) {
    assert!(is_json(json));
    assert_eq!(json, json.trim_ascii());
    let whole = Payload { range: 0..json.len(), form: Form::Bare, status: None, non_finite: 0 };
    assert_eq!(jsonp::validate(json, &Shape::default(), limits), Ok(whole));
}

/// With everything admitted, what is accepted is JSON once it was rewritten.
fn lenient(body: &[u8], callback: &CallbackName, limits: &Limits) {
    let prefix = |text| Prefix::new(text).expect("a prefix");
    let shape = Shape {
        prefixes: vec![prefix(")]}'"), prefix("while(1);"), prefix("{}&&")],
        second_argument: true,
        try_catch: true,
        non_finite: NonFinite::Null,
    };
    match jsonp::unwrap(body, callback, &shape, limits) {
        Ok(payload) => {
            let json = payload.json(body);
            assert!(is_json(&json));
            assert_eq!(json[..] == body[payload.range.clone()], payload.non_finite == 0);
            assert!(payload.status.is_none_or(|status| (100..600).contains(&status)));
        }
        Err(error) => assert!(error.offset() <= body.len(), "{error}"),
    }
}

/// Cuts everywhere in a short body, and in some fifty places of a long one.
fn cut(body: &[u8], json_end: usize, callback: &CallbackName, limits: &Limits) {
    let blanks = body[json_end..].iter().take_while(|&&byte| byte != b')').count();
    let last = json_end + blanks;
    for end in (0..=last).rev().step_by(1 + last / 50) {
        let error = jsonp::unwrap(&body[..end], callback, &Shape::default(), limits)
            .expect_err("a cut body");
        assert!(matches!(error.reason(), Reason::Truncated | Reason::Empty | Reason::InvalidUtf8));
    }
}

fn bare(body: &[u8], callback: &CallbackName, limits: &Limits) {
    let outcome = jsonp::validate(body, &Shape::default(), limits);
    if outcome.as_ref().is_err_and(|error| error.reason().is_limit()) {
        return;
    }
    let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    assert_eq!(outcome.is_ok(), is_json(text), "{outcome:?}");
    if outcome.is_ok() {
        assert_eq!(jsonp::unwrap(body, callback, &Shape::default(), limits), outcome);
    }
}

fn is_json(text: &[u8]) -> bool {
    std::str::from_utf8(text)
        .is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}
