//! The work is linear in the length of the body, counted in looks at it.
//! Not the outcomes: those are held from outside, in `tests/jsonp.rs`.

use proptest::prelude::*;

use super::scan::looks;
use super::{CallbackName, Limits, NonFinite, Prefix, Shape, unwrap, validate};

/// The most expensive bytes are brackets with nothing between them, with five looks each; blanks
/// behind a value are looked at twice.
const LOOKS_PER_BYTE: usize = 6;
const LOOKS_PER_BODY: usize = 32;

fn assert_linear(body: &[u8]) {
    let callback = CallbackName::new("cb").unwrap();
    let lenient = Shape {
        prefixes: vec![Prefix::new(")]}'").unwrap(), Prefix::new("{}&&").unwrap()],
        second_argument: true,
        try_catch: true,
        non_finite: NonFinite::Null,
    };
    for limits in [Limits::default(), Limits::new(usize::MAX, usize::MAX, usize::MAX)] {
        for shape in [&Shape::default(), &lenient] {
            looks::take();
            let outcome = unwrap(body, &callback, shape, &limits).map(|payload| payload.range);
            let unwrapping = looks::take();
            let _ = validate(body, shape, &limits);
            let most = LOOKS_PER_BYTE * body.len() + LOOKS_PER_BODY;
            assert!(unwrapping.max(looks::take()) <= most, "{outcome:?}");
        }
    }
}

fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let bytes = b"\"\\{}[]():,;/*-.eE019tfnulcb&=_ \n\r\t\x00\x1f\x80\xc3\xa9".to_vec();
    prop::collection::vec(prop::sample::select(bytes), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn work_is_linear_whatever_is_repeated(
        start in prop::sample::select(vec![
            "", "cb(", "cb(\"", "cb([", "cb([1,", "/*", "a['", " ", ")]}'", "try{", "if(", "cb({},\"",
            "cb(1)//", "cb(1)/*", "cb([NaN,",
        ]),
        fragments in prop::collection::vec((fragment(), 0_usize..200), 0..4),
    ) {
        let repeated = fragments.iter().flat_map(|(fragment, times)| fragment.repeat(*times));
        assert_linear(&start.bytes().chain(repeated).collect::<Vec<u8>>());
    }
}

#[test]
fn work_is_linear_for_what_was_made_to_be_slow() {
    for (start, unit, end) in [
        ("cb(", "[", ""),
        ("cb(", "[]", ""),
        ("cb([", "[],", "[]])"),
        ("cb([[", "[ \n ] , ", "1]])"),
        ("cb({", "\"\":{},", "\"\":0})"),
        ("cb([", "0 ,", "1   ])"),
        ("cb(\"", "\\\\", "\")"),
        ("cb(\"", "\\u0041", "\")"),
        ("cb([1", " ", "])"),
        ("cb(1", " ", ")"),
        ("cb([1,", " ", "]"),
        ("", " ", "cb(1)"),
        ("", "/**/", "cb(1)"),
        ("", "// \n;", "cb(1)"),
        ("/*", "*", "*/cb(1)"),
        ("a", ".a", "(1)"),
        ("a", "[0]", ""),
        ("a", " ", ""),
        ("typeof cb", " ", "=== 'function' && cb(1)"),
        ("cb(1)", ";", ""),
        ("cb(1)", "/**/", ""),
        ("cb(1)//", "x", ""),
        ("cb(1)/*", "*", "*/"),
        ("cb(1,\"", "\\\\", "\")"),
        ("cb(1", ",1", ")"),
        ("cb([", "NaN,", "NaN])"),
        ("cb([", "-Infinity ,", "1])"),
        ("try{", " ", "cb(1)}catch(e){}"),
        ("try{cb(1)", ";", "}catch(e){}"),
        ("try{cb(1)}catch(", "e", "){}"),
        ("if(", " ", "cb)cb(1)"),
        ("if(cb)", " ", "cb(1)"),
        (")]}'", " ", "[]"),
        ("{}&&", " ", "[]"),
        ("-", "0123456789", ""),
    ] {
        assert_linear(format!("{start}{}{end}", unit.repeat(20_000)).as_bytes());
    }
}
