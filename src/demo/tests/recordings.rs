//! The portal's answers against the recordings of CKAN 2.12.0. Not its behaviour where nothing was
//! recorded.

use http::{Method, header};

use super::super::{SITE_URL, json};
use super::{DATASTORE, act, ask, field};

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../../../fixtures/recorded/ckan-2.12.0/", $name))
    };
}

/// Where the recorded CKAN said it lived.
const RECORDED_SITE: &str = "http://127.0.0.1:15000";

#[test]
fn the_fields_are_those_of_the_recordings() {
    let heads = [
        ("api/3/action/status_show", recorded!("001-status_show.head")),
        ("api/3/action/status_show?callback=cb", recorded!("002-status_show-cb.head")),
        ("api/3/action/package_show?id=no-such&callback=cb", recorded!("042-err-404-cb.head")),
        ("api/3/action/package_show?callback=cb", recorded!("043-err-409-missing-id-cb.head")),
        ("api/3/action/no_such_action", recorded!("049-err-unknown-action-cb.head")),
        ("api/3/action/", recorded!("053-err-404-path.head")),
        ("nothing-here?callback=cb", recorded!("055-err-404-html.head")),
    ];
    for (target, head) in heads {
        let answer = ask(&Method::GET, target);
        let mut lines = head.lines();
        assert!(
            lines.next().is_some_and(|line| line.contains(answer.status().as_str())),
            "{target}"
        );
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            match name {
                "Content-Type" | "Cache-Control" | "Vary" => {
                    assert_eq!(field(answer.headers(), name), value, "{target}");
                }
                "Set-Cookie" => assert!(answer.headers().contains_key(name), "{target}"),
                _ => {}
            }
        }
        let cookie = answer.headers().contains_key(header::SET_COOKIE);
        assert_eq!(cookie, head.contains("Set-Cookie"), "{target}");
        assert!(!answer.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN), "{target}");
    }
}

#[test]
fn an_error_is_never_padded_and_reads_as_recorded() {
    let id = "857c3b3a-9b47-49f2-8cfe-48252f6eedc8";
    let bad_format = format!("{DATASTORE}&records_format=yaml");
    let errors = [
        ("package_show?id=no-such", 404, recorded!("042-err-404-cb.body")),
        ("package_show?", 409, recorded!("043-err-409-missing-id-cb.body")),
        ("package_search?rows=abc", 409, recorded!("044-err-409-cb.body")),
        ("package_search?nonsense=1", 400, recorded!("045-err-unknown-param-cb.body")),
        ("no_such_action?", 400, recorded!("049-err-unknown-action-cb.body")),
        (&bad_format, 409, recorded!("113-ds-odd-badformat.body")),
    ];
    for (target, status, body) in errors {
        let body = body.replace(RECORDED_SITE, SITE_URL).replace(id, "");
        assert_eq!(act(target), (status, body.clone()), "{target}");
        assert_eq!(act(&format!("{target}&callback=cb")), (status, body), "{target}");
    }
}

#[test]
fn packages_are_written_byte_for_byte_as_recorded() {
    for (target, body) in [
        ("package_show?id=qualitat-aire-2005", recorded!("003-package_show.body")),
        (
            "package_show?id=7d72f905-9fa4-40bd-b146-b088e64e5807",
            recorded!("003-package_show.body"),
        ),
    ] {
        assert_eq!(act(target), (200, body.replace(RECORDED_SITE, SITE_URL)), "{target}");
    }
    let search = recorded!("007-package_search.body");
    let found = act("package_search?q=name:qualitat-aire-2012&rows=1").1;
    let package = found.split_once("\"results\": [").expect("results").1;
    let package = package.split_once("], \"sort\"").expect("sort").0;
    assert!(search.contains(package), "{package}");
    assert_eq!(keys(&found), keys(search));
    let result = |body: &str| body.split_once("\"result\": ").expect("a result").1.to_owned();
    let inner = |body: &str| keys(result(body).strip_suffix('}').expect("an envelope"));
    assert_eq!(inner(&found), inner(search));
}

#[test]
fn a_datastore_answer_has_the_members_and_the_two_escapings_of_the_recording() {
    let (_, body) = act(&format!("{DATASTORE}&limit=7"));
    let members = |body: &str| {
        let result = body.split_once("\"result\": ").expect("a result").1;
        keys(result.strip_suffix('}').expect("an envelope"))
    };
    assert_eq!(members(&body), members(recorded!("108-ds-odd.body")));
    assert!(body.contains("\"records\": [{\"_id\":1,\"id_mesura\":9007199254740993,"), "{body}");
    assert!(body.contains("\"valor\":1.00,"));
    assert!(body.contains("\"Sant Adrià de Besòs\""));
    assert!(body.contains("línia\u{2028}separada"));
    assert!(body.contains("\"data_hora\":\"2026-01-01T08:00:00.000\""));
    assert!(body.contains("{\"id\": \"poblaci\\u00f3\", \"type\": \"int4\""));
    assert!(body.ends_with(", \"total\": 2400}}"));
}

/// The keys of a JSON object in the order they are written.
fn keys(object: &str) -> Vec<String> {
    let value: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(object).expect("an object");
    let place = |key: &String| object.find(&format!("{}: ", json::ascii(key)));
    let mut keys: Vec<String> = value.keys().cloned().collect();
    keys.sort_by_key(place);
    keys
}
