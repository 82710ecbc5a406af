//! The room `jsonp` from outside: recorded shapes, `JSONTestSuite`, and properties.
//! Not its units (they live beside the code), and not its speed (`benches/unwrap.rs`).

use std::ops::RangeInclusive;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::Value;
use unpad::jsonp::{
    self, CallbackName, Error, Form, Kind, Limits, NonFinite, Payload, Prefix, Reason, Shape,
};

#[test]
fn every_shape_comes_out_as_expected() {
    check_all(include_str!("../fixtures/jsonp/shapes.jsonl"), 116..=1000);
}

#[test]
fn the_json_test_suite_comes_out_as_expected() {
    check_all(include_str!("../fixtures/jsonp/jsontestsuite.jsonl"), 316..=316);
}

fn check_all(lines: &str, number: RangeInclusive<usize>) {
    let cases: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("one object per line"))
        .collect();
    assert!(number.contains(&cases.len()), "{} cases", cases.len());
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(case: &Value) -> Result<(), String> {
    let body = body(case);
    let callback = CallbackName::new(case["callback"].as_str().expect("a name")).expect("valid");
    let outcome = jsonp::unwrap(&body, &callback, &shape(case), &Limits::default());
    let complain = |what: &str| Err(format!("{}: {what}: {outcome:?}", case["id"]));
    match (&outcome, case["expect"].as_str()) {
        (Ok(payload), Some("ok" | "either")) => {
            let json = &*payload.json(&body);
            if payload.status.map(u64::from) != case["status"].as_u64() {
                return complain("another status");
            }
            if serde_json::from_slice::<serde::de::IgnoredAny>(json).is_err() {
                return complain("serde_json refuses the payload");
            }
            if !is_expected_json(case, json) {
                return complain("other bytes");
            }
            match (case["form"].as_str(), payload.form) {
                (None, _) | (Some("padded"), Form::Padded) | (Some("bare"), Form::Bare) => Ok(()),
                _ => complain("another form"),
            }
        }
        (Err(error), Some("reject" | "either")) => {
            match (case["reason"].as_str(), case["kind"].as_str()) {
                (Some(reason), _) if reason != error.reason().name() => complain(reason),
                (_, Some(kind)) if Some(kind) != error.kind().map(Kind::name) => complain(kind),
                _ => Ok(()),
            }
        }
        _ => complain("accepted or refused against the expectation"),
    }
}

fn shape(case: &Value) -> Shape {
    let shape = &case["shape"];
    let prefix = |text: &Value| Prefix::new(text.as_str().expect("a text")).expect("a prefix");
    Shape {
        prefixes: shape["prefixes"].as_array().into_iter().flatten().map(prefix).collect(),
        second_argument: shape["second_argument"] == true,
        try_catch: shape["try_catch"] == true,
        non_finite: if shape["non_finite"] == "null" { NonFinite::Null } else { NonFinite::Refuse },
    }
}

fn body(case: &Value) -> Vec<u8> {
    if let Some(parts) = case["body_repeat"].as_array() {
        let part = |part: &Value| {
            let times = part[1].as_u64().and_then(|n| usize::try_from(n).ok());
            part[0].as_str().expect("a text").repeat(times.expect("a number"))
        };
        return parts.iter().map(part).collect::<String>().into_bytes();
    }
    bytes(case, "body", "body_base64").expect("a body")
}

fn bytes(case: &Value, text: &str, base64: &str) -> Option<Vec<u8>> {
    let plain = case[text].as_str().map(|text| text.as_bytes().to_vec());
    plain.or_else(|| Some(STANDARD.decode(case[base64].as_str()?).expect("base64")))
}

fn is_expected_json(case: &Value, json: &[u8]) -> bool {
    if let Some(hash) = case["json_sha256"].as_str() {
        let digest = ring::digest::digest(&ring::digest::SHA256, json);
        let byte = |n: usize| u8::from_str_radix(&hash[2 * n..2 * n + 2], 16).expect("a digit");
        let expected: Vec<u8> = (0..hash.len() / 2).map(byte).collect();
        return digest.as_ref() == expected;
    }
    bytes(case, "json", "json_base64").as_deref() == Some(json)
}

#[test]
fn refusals_are_reported_with_reason_and_offset() {
    let wrong: Vec<String> = REFUSALS
        .iter()
        .map(|&(body, reason, offset)| (body, reason, offset, unwrap(body.as_bytes())))
        .filter(|(_, reason, offset, outcome)| {
            outcome.as_ref().map_err(|error| (error.reason(), error.offset()))
                != Err((*reason, *offset))
        })
        .map(|case| format!("{case:?}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Beyond the recorded shapes: where the grammar has a corner.
const REFUSALS: &[(&str, Reason, usize)] = &[
    // Ends too early, wherever the beginning was right.
    ("_", Reason::Truncated, 1),
    ("__jb", Reason::Truncated, 4),
    ("__jb \n", Reason::Truncated, 6),
    ("__jb &", Reason::Truncated, 6),
    ("__jb && __j", Reason::Truncated, 11),
    ("t", Reason::Truncated, 1),
    ("tru", Reason::Truncated, 3),
    ("typeof", Reason::Truncated, 6),
    ("typeof __jb ==", Reason::Truncated, 14),
    ("typeof __jb === 'func", Reason::Truncated, 21),
    ("typeof __jb === 'function'", Reason::Truncated, 26),
    ("/", Reason::Truncated, 1),
    ("/* x *", Reason::Truncated, 6),
    ("// x", Reason::Truncated, 4),
    ("-", Reason::Truncated, 1),
    ("1.", Reason::Truncated, 2),
    ("1e+", Reason::Truncated, 3),
    ("\"\\", Reason::Truncated, 2),
    ("\"\\u00", Reason::Truncated, 5),
    ("[1", Reason::Truncated, 2),
    ("__jb(1", Reason::Truncated, 6),
    ("__jb(nul", Reason::Truncated, 8),
    ("/* a */ ;; // b\n ", Reason::Empty, 17),
    // Calls of others.
    ("a.b.c (1)", Reason::CallbackMismatch, 0),
    (" window [ 'x' ] . y(1)", Reason::CallbackMismatch, 1),
    ("this.cb(1)", Reason::CallbackMismatch, 0),
    ("été(1)", Reason::CallbackMismatch, 0),
    ("\\u005f_jb(1)", Reason::CallbackMismatch, 0),
    ("__jb[0](1)", Reason::CallbackMismatch, 0),
    ("typeof cb === 'function' && cb(1);", Reason::CallbackMismatch, 7),
    ("typeof __jb === 'function' && cb(1);", Reason::CallbackMismatch, 30),
    ("cb && cb(1);", Reason::CallbackMismatch, 0),
    ("nullable(1)", Reason::CallbackMismatch, 0),
    // No calls at all.
    ("hello", Reason::NotJsonp, 0),
    ("hello world (1)", Reason::NotJsonp, 0),
    ("typeof(__jb)", Reason::NotJsonp, 0),
    ("typeof __jb === 'function\" && __jb(1)", Reason::NotJsonp, 16),
    ("typeof __jb === 'function'; __jb(1)", Reason::NotJsonp, 26),
    ("__jb && __jb && __jb(1)", Reason::NotJsonp, 13),
    ("__jb = 1", Reason::NotJsonp, 5),
    ("function(){}", Reason::NotJsonp, 0),
    ("if(1)__jb(1)", Reason::NotJsonp, 0),
    ("(__jb)(1)", Reason::NotJsonp, 0),
    ("this(1)", Reason::NotJsonp, 0),
    ("/x/", Reason::NotJsonp, 0),
    (";{}", Reason::NotJsonp, 1),
    ("/**/1", Reason::NotJsonp, 4),
    // Bare JSON that ends too late or is none.
    ("{};", Reason::TrailingData, 2),
    ("true(1)", Reason::TrailingData, 4),
    ("1,2", Reason::TrailingData, 1),
    ("012", Reason::NotJson, 1),
    ("{\"a\":NaN}", Reason::NotJson, 5),
    ("-Infinity", Reason::NotJson, 1),
    ("[1}", Reason::NotJson, 2),
    ("__jb(1,", Reason::MultipleArguments, 6),
    ("__jb(,1)", Reason::NotJson, 5),
    ("__jb(1)(2)", Reason::TrailingData, 7),
];

#[test]
fn utf8_is_blamed_before_the_grammar_and_after_limits_and_cuts() {
    for (body, reason, offset) in [
        (&b"\xff"[..], Reason::InvalidUtf8, 0),
        (b"hello \xe9t\xe9", Reason::InvalidUtf8, 6),
        (b"__jb(1);\xff", Reason::InvalidUtf8, 8),
        (b"__jb(\"\xff", Reason::InvalidUtf8, 6),
        (b"__jb(\"\xe2\x82", Reason::Truncated, 8),
        (b"\xef\xbb", Reason::Truncated, 2),
        (b"hello \xe2\x82", Reason::InvalidUtf8, 6),
        (b"/*\xff*/", Reason::InvalidUtf8, 2),
    ] {
        let error = unwrap(body).expect_err("refused");
        assert_eq!((error.reason(), error.offset()), (reason, offset), "{body:?}");
    }
    let limits = Limits { bytes: 3, ..Limits::default() };
    let error = jsonp::unwrap(b"\xff\xff\xff\xff", &ours(), &Shape::default(), &limits)
        .expect_err("refused");
    assert_eq!((error.reason(), error.offset()), (Reason::TooLarge, 3));
    let error = unwrap(&[b"[".repeat(513), b"\xff".to_vec()].concat()).expect_err("refused");
    assert_eq!((error.reason(), error.offset()), (Reason::TooDeep, 512));
}

#[test]
fn a_comment_that_is_not_utf8_does_not_spoil_the_json() {
    assert!(unwrap(b"/*\xe9*/__jb(\"\xc3\xa9\")").is_ok());
}

#[test]
fn limits_admit_exactly_what_they_say() {
    let limits = Limits { bytes: 16, depth: 2, prefix: 4 };
    let outcome = |body: &str| {
        jsonp::unwrap(body.as_bytes(), &ours(), &Shape::default(), &limits)
            .map(|payload| payload.range)
            .map_err(|error| (error.reason(), error.offset()))
    };
    assert_eq!(outcome("/**/__jb([[]])"), Ok(9..13));
    assert_eq!(outcome(" ;; __jb([[]]);\n"), Ok(9..13));
    assert_eq!(outcome(" ;; __jb([[]]);\n\n"), Err((Reason::TooLarge, 16)));
    assert_eq!(outcome("/**/ __jb(1)"), Err((Reason::PrefixTooLong, 4)));
    assert_eq!(outcome("/***/__jb(1)"), Err((Reason::PrefixTooLong, 4)));
    assert_eq!(outcome("     __jb(1)"), Err((Reason::PrefixTooLong, 4)));
    assert_eq!(outcome("__jb&&__jb(1)"), Err((Reason::PrefixTooLong, 4)));
    assert_eq!(outcome("     [[]]"), Ok(5..9));
    assert_eq!(outcome("     true"), Ok(5..9));
    assert_eq!(outcome("__jb(    [[]] )"), Ok(9..13));
    assert_eq!(outcome("[[{"), Err((Reason::TooDeep, 2)));
}

#[test]
fn a_literal_that_could_be_our_name_cut_short_is_truncated() {
    let outcome = |body: &str, name: &str| {
        let name = CallbackName::new(name).expect("valid");
        jsonp::unwrap(body.as_bytes(), &name, &Shape::default(), &Limits::default())
            .map_err(|error| error.reason())
    };
    let bare = |range| Ok(plain(range, Form::Bare));
    assert_eq!(outcome("null", "nullable"), Err(Reason::Truncated));
    assert_eq!(outcome("null\n", "nullable"), bare(0..4));
    assert_eq!(outcome("null", "cb"), bare(0..4));
    assert_eq!(outcome("nullable(1)", "nullable").map(|found| found.form), Ok(Form::Padded));
    assert_eq!(outcome("type", "typeset"), Err(Reason::Truncated));
    assert_eq!(outcome("App.", "App.on_data"), Err(Reason::Truncated));
    assert_eq!(outcome("App .on_data(1)", "App.on_data"), Err(Reason::CallbackMismatch));
}

#[test]
fn the_sentence_tells_javascript_from_json() {
    for (body, part) in [
        ("[NaN]", "NaN is JavaScript"),
        ("[-Infinity]", "Infinity is JavaScript"),
        ("{'a':1}", "single quotes"),
        ("['a']", "single quotes"),
        ("{a:1}", "without quotation marks"),
        ("[1,]", "comma stands before a closing bracket"),
        ("{\"a\":1,}", "comma stands before a closing bracket"),
        ("[01]", "leading zero"),
        ("[\"\n\"]", "control character"),
        ("[undefined]", "undefined is JavaScript"),
        ("[True]", "Python"),
        ("<html>", "markup"),
        ("while(1);{}", "hijacking"),
        (")]}',\n{}", "the portal's entry can name it (prefix)"),
        ("[NaN]", "the portal's entry can have null put there (non_finite: null)"),
        ("__jb({}, 201)", "the portal's entry can allow that (second_argument)"),
        ("try{__jb(1)}catch(e){}", "the portal's entry can allow that (try_catch)"),
        ("__jb(undefined)", "the portal said nothing"),
        ("__jb()", "the portal said nothing"),
        ("var x = {};", "a variable is assigned"),
    ] {
        let error = unwrap(body.as_bytes()).expect_err(body);
        assert!(error.to_string().contains(part), "{body}: {error}");
    }
}

#[test]
fn validation_takes_json_and_nothing_around_it() {
    let outcome = |body: &str| {
        jsonp::validate(body.as_bytes(), &Shape::default(), &Limits::default())
            .map(|payload| (payload.range, payload.form))
            .map_err(|error| (error.reason(), error.offset()))
    };
    assert_eq!(outcome("\u{feff} [1] \n"), Ok((4..7, Form::Bare)));
    assert_eq!(outcome(" "), Err((Reason::Empty, 1)));
    assert_eq!(outcome("__jb(1)"), Err((Reason::NotJson, 0)));
    assert_eq!(outcome("/**/1"), Err((Reason::NotJson, 0)));
    assert_eq!(outcome("1;"), Err((Reason::TrailingData, 1)));
    assert_eq!(outcome("[1"), Err((Reason::Truncated, 2)));
}

fn plain(range: std::ops::Range<usize>, form: Form) -> Payload {
    Payload { range, form, status: None, non_finite: 0 }
}

fn ours() -> CallbackName {
    CallbackName::new("__jb").expect("a valid name")
}

fn unwrap(body: &[u8]) -> Result<Payload, Error> {
    jsonp::unwrap(body, &ours(), &Shape::default(), &Limits::default())
}

/// JSON texts with whitespace in all places, and strings of all kinds.
fn json() -> impl Strategy<Value = String> {
    let string = r#"([ !#-\[\]-~é€😀]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}){0,24}"#;
    let number = "-?(0|[1-9][0-9]{0,20})([.][0-9]{1,20})?([eE][+-]?[0-9]{1,3})?";
    let leaf = prop_oneof![
        prop::sample::select(vec!["true", "false", "null", "{}", "[]"]).prop_map(str::to_owned),
        number,
        string.prop_map(|text| format!("\"{text}\"")),
    ];
    let name = (blank(), string, blank()).prop_map(|(a, name, b)| format!("{a}\"{name}\"{b}"));
    let name = name.boxed();
    leaf.prop_recursive(6, 48, 6, move |inner| {
        let value = (blank(), inner, blank()).prop_map(|(a, value, b)| format!("{a}{value}{b}"));
        let value = value.boxed();
        let member = (name.clone(), value.clone()).prop_map(|(n, v)| format!("{n}:{v}"));
        prop_oneof![
            prop::collection::vec(value, 1..6).prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec(member, 1..6).prop_map(|all| format!("{{{}}}", all.join(","))),
        ]
    })
}

fn blank() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 2 => Just(" ".to_owned()), 1 => "[ \t\r\n]{0,20}"]
}

fn filler() -> impl Strategy<Value = String> {
    prop_oneof![blank(), Just(";".to_owned()), r"/\*[ -)+-~\né]{0,20}\*/", "//[ -~é]{0,20}\n",]
}

fn guard() -> impl Strategy<Value = String> {
    let test = (blank(), blank(), blank(), blank(), prop::sample::select(vec!['"', '\'']))
        .prop_map(|(a, b, c, d, q)| format!("typeof {a}__jb{b}==={c}{q}function{q}{d}&&{a}"));
    let plain = (blank(), blank()).prop_map(|(a, b)| format!("__jb{a}&&{b}"));
    let condition = (blank(), blank(), prop::sample::select(vec!["", "window."]), blank())
        .prop_map(|(a, b, window, c)| format!("if{a}({b}{window}__jb{a}){c}"));
    prop_oneof![2 => Just(String::new()), 1 => test, 1 => plain, 1 => condition]
}

#[derive(Debug, Clone)]
struct Padded {
    before: String,
    json: String,
    after: String,
    tail: String,
}

impl Padded {
    fn body(&self) -> String {
        format!("{}{}{}{}", self.before, self.json, self.after, self.tail)
    }
}

fn padded() -> impl Strategy<Value = Padded> {
    let mark = prop::sample::select(vec!["", "\u{feff}"]);
    let fillers = prop::collection::vec(filler(), 0..4).prop_map(|all| all.concat());
    let before = (mark, fillers, guard(), blank(), blank())
        .prop_map(|(mark, fillers, guard, a, b)| format!("{mark}{fillers}{guard}__jb{a}({b}"));
    let after = blank().prop_map(|blank| format!("{blank})"));
    let tail = prop_oneof!["[; \t\r\n]{0,5}", filler()];
    (before, json(), after, tail).prop_map(|(before, json, after, tail)| Padded {
        before,
        json,
        after,
        tail,
    })
}

/// A change that a line, a disk or a bug might make.
fn mutate(body: &mut Vec<u8>, changes: &[(prop::sample::Index, u8, u8)]) {
    for (place, kind, byte) in changes {
        if body.is_empty() {
            return;
        }
        let at = place.index(body.len());
        match kind % 4 {
            0 => body[at] = *byte,
            1 => drop(body.remove(at)),
            2 => body.insert(at, *byte),
            _ => body.truncate(at),
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<(prop::sample::Index, u8, u8)>> {
    let byte = prop_oneof![
        prop::sample::select(b"\"\\{}[]():,;/*+-.eEu0123456789tfn \n\x00\x1f\x80\xc3\xe2".to_vec()),
        any::<u8>(),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), byte), 1..4)
}

/// What `serde_json` says about a body that is to be JSON alone.
fn is_json_by_serde(body: &[u8]) -> bool {
    let text = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    std::str::from_utf8(text)
        .is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok())
}

/// Everything that a shape can admit.
fn lenient() -> Shape {
    let prefixes = [")]}'", ")]}',", "while(1);", "for(;;);", "&&&START&&&", "{}&&"];
    Shape {
        prefixes: prefixes.map(|text| Prefix::new(text).expect("a prefix")).to_vec(),
        second_argument: true,
        try_catch: true,
        non_finite: NonFinite::Null,
    }
}

/// JSON in a call with whatever a shape can admit, and the status that is said.
fn shaped() -> impl Strategy<Value = (Padded, Option<u16>)> {
    let prefix = prop::sample::select(vec!["", ")]}'\n", ")]}',", "while(1);", "{}&& "]);
    let second = prop_oneof![
        Just((String::new(), None)),
        (100_u16..600, blank()).prop_map(|(n, blank)| (format!(" ,{blank}{n}{blank}"), Some(n))),
        (r"[ !#-\[\]-~é]{0,9}", blank())
            .prop_map(|(id, blank)| (format!(", \"{id}\"{blank}"), None)),
    ];
    let tails = prop::collection::vec(filler(), 0..3).prop_map(|all| all.concat());
    let parts = (prefix, any::<bool>(), guard(), json(), second, tails, blank());
    parts.prop_map(|(prefix, tried, guard, json, (second, status), tail, blank)| {
        let (open, close) = if tried {
            (format!("try{blank}{{{blank}"), format!("{blank}}}{blank}catch(e_1){blank}{{}}"))
        } else {
            (String::new(), String::new())
        };
        let before = format!("{prefix}{open}{guard}__jb({blank}");
        let after = format!("{second}){close}");
        (Padded { before, json, after, tail }, status)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_admitted_shape_comes_off((padded, status) in shaped()) {
        let body = padded.body();
        let payload = jsonp::unwrap(body.as_bytes(), &ours(), &lenient(), &Limits::default())
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(&body[payload.range.clone()], &padded.json);
        prop_assert_eq!(&*payload.json(body.as_bytes()), padded.json.as_bytes());
        let expected = Payload { status, ..plain(payload.range.clone(), Form::Padded) };
        prop_assert_eq!(payload, expected);
    }

    #[test]
    fn every_truncation_of_an_admitted_shape_is_rejected((padded, _) in shaped()) {
        let body = padded.body();
        let end = body.len() - padded.tail.len();
        for cut in 0..end {
            let outcome =
                jsonp::unwrap(&body.as_bytes()[..cut], &ours(), &lenient(), &Limits::default());
            let reason = outcome.expect_err("a cut body").reason();
            let empty = reason == Reason::Empty && cut < padded.before.len();
            prop_assert!(reason == Reason::Truncated || empty, "{:?} gave {reason}", &body[..cut]);
        }
    }

    #[test]
    fn null_stands_for_every_number_that_is_not_finite(
        parts in prop::collection::vec(
            (json(), prop::sample::select(vec!["NaN", "Infinity", "-Infinity"]), blank()), 1..5
        ),
    ) {
        let written = |word: &dyn Fn(&str) -> String| {
            let all: Vec<_> = parts
                .iter()
                .map(|(json, name, blank)| format!("{json},\"{name}\",{blank}{}", word(name)))
                .collect();
            format!("[{}]", all.join(","))
        };
        let body = format!("__jb({})", written(&str::to_owned));
        let payload = jsonp::unwrap(body.as_bytes(), &ours(), &lenient(), &Limits::default())
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(payload.non_finite, parts.len());
        let nulled = written(&|_| "null".to_owned());
        prop_assert_eq!(&*payload.json(body.as_bytes()), nulled.as_bytes());
        let refused = unwrap(body.as_bytes()).expect_err("not JSON");
        prop_assert_eq!((refused.reason(), refused.kind()), (Reason::NotJson, Some(Kind::NonFinite)));
    }

    #[test]
    fn what_survives_of_a_mutated_shape_is_json((padded, _) in shaped(), changes in changes()) {
        let mut body = padded.body().into_bytes();
        mutate(&mut body, &changes);
        match jsonp::unwrap(&body, &ours(), &lenient(), &Limits::default()) {
            Ok(payload) => prop_assert!(is_json_by_serde(&payload.json(&body))),
            Err(error) => prop_assert!(error.offset() <= body.len()),
        }
    }

    #[test]
    fn unwrapping_undoes_wrapping(padded in padded()) {
        let body = padded.body();
        let payload = unwrap(body.as_bytes()).map_err(|e| TestCaseError::fail(e.to_string()))?;
        prop_assert_eq!(&body[payload.range], padded.json);
        prop_assert_eq!(payload.form, Form::Padded);
    }

    #[test]
    fn bare_json_comes_back_as_it_is(a in blank(), json in json(), b in blank()) {
        let body = format!("{a}{json}{b}");
        let payload = plain(a.len()..a.len() + json.len(), Form::Bare);
        prop_assert_eq!(unwrap(body.as_bytes()), Ok(payload.clone()));
        prop_assert_eq!(jsonp::validate(body.as_bytes(), &Shape::default(), &Limits::default()), Ok(payload));
    }

    #[test]
    fn every_truncation_of_a_padded_body_is_rejected(padded in padded()) {
        let body = padded.body();
        let end = body.len() - padded.tail.len();
        for cut in 0..end {
            let error = unwrap(&body.as_bytes()[..cut]).expect_err("a cut body");
            let reason = error.reason();
            // Before the name there may be nothing yet but what may stand before it.
            let empty = reason == Reason::Empty && cut < padded.before.len();
            prop_assert!(reason == Reason::Truncated || empty, "{:?} gave {error}", &body[..end]);
            prop_assert_eq!(error.offset(), cut);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic_and_agree_with_serde(
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..64),
            prop::collection::vec(
                prop::sample::select(b"\"\\{}[](),:;/*-.eE019tfnulNaIiy _jb\n\xc3\xa9".to_vec()), 0..24
            ),
        ],
    ) {
        let _ = unwrap(&body);
        if let Ok(payload) = jsonp::unwrap(&body, &ours(), &lenient(), &Limits::default()) {
            prop_assert!(is_json_by_serde(&payload.json(&body)));
        }
        let accepted = jsonp::validate(&body, &Shape::default(), &Limits::default()).is_ok();
        prop_assert_eq!(accepted, is_json_by_serde(&body));
    }

    #[test]
    fn mutated_json_is_judged_as_by_serde(json in json(), changes in changes()) {
        let mut body = json.into_bytes();
        mutate(&mut body, &changes);
        let outcome = jsonp::validate(&body, &Shape::default(), &Limits::default());
        prop_assert_eq!(outcome.is_ok(), is_json_by_serde(&body), "{:?}", outcome);
    }

    #[test]
    fn what_survives_of_a_mutated_body_is_json(padded in padded(), changes in changes()) {
        let mut body = padded.body().into_bytes();
        mutate(&mut body, &changes);
        match unwrap(&body) {
            Ok(payload) => {
                let json = &body[payload.range];
                prop_assert!(is_json_by_serde(json));
                prop_assert_eq!(json, json.trim_ascii());
            }
            Err(error) => {
                prop_assert!(error.offset() <= body.len());
                let not_utf8 = std::str::from_utf8(&body).err().map(|utf8| utf8.valid_up_to());
                if error.reason() == Reason::InvalidUtf8 {
                    prop_assert_eq!(Some(error.offset()), not_utf8);
                } else if error.reason() != Reason::Truncated && !error.reason().is_limit() {
                    prop_assert_eq!(None, not_utf8);
                }
            }
        }
    }
}
