//! What reaches a portal, and what is refused before.

use std::sync::Arc;

use super::*;
use crate::jsonp::CallbackName;
use crate::portal::{Asking, FieldRules, Terms};

/// A portal of which nothing else is known.
pub(in crate::portal) fn portal(base: &str, dialect: Dialect) -> Portal {
    Portal {
        id: "x".parse().expect("an id"),
        title: None,
        home: None,
        country: None,
        software: None,
        notes: None,
        folder: None,
        base: base.parse().expect("a base"),
        dialect,
        asking: Asking::of(dialect, CallbackName::new("cb").expect("a name")),
        fields: FieldRules::default(),
        downloads: Vec::new(),
        any_download: false,
        allow_cidr: Vec::new(),
        licence: None,
        attribution: None,
        terms: Arc::new(Terms::default()),
        routes: Vec::new(),
    }
}

fn asked(path: &str, query: Option<&str>) -> Result<String, PathRefusal> {
    let target = portal("https://a.example/data", Dialect::Ckan).target(path, query)?;
    let padded = target.padded().expect("a callback is asked for");
    Ok(padded.as_str().trim_start_matches("https://a.example/data").to_owned())
}

#[test]
fn the_callback_comes_last_and_the_rest_goes_through_byte_for_byte() {
    for (query, expected) in [
        (None, "/x?callback=cb"),
        (Some(""), "/x?callback=cb"),
        (Some("q=a%20b+c&&=&q=%C3%A0;y=%zz"), "/x?q=a%20b+c&&=&q=%C3%A0;y=%zz&callback=cb"),
        (Some("callback=evil&q=1"), "/x?q=1&callback=cb"),
        (Some("q=1&callback=a&callback=b"), "/x?q=1&callback=cb"),
        (Some("c%61llback=evil&%63%61%6c%6c%62%61%63%6b"), "/x?callback=cb"),
        (
            Some("Callback=1&callback2=1&callback%20=1"),
            "/x?Callback=1&callback2=1&callback%20=1&callback=cb",
        ),
        (Some("x=1;callback=cb"), "/x?x=1;callback=cb&callback=cb"),
        (Some("c%2561llback=1"), "/x?c%2561llback=1&callback=cb"),
        (Some("_=123&limit=1"), "/x?limit=1&callback=cb"),
        (Some("&a=1"), "/x?&a=1&callback=cb"),
    ] {
        assert_eq!(asked("x", query).as_deref(), Ok(expected), "{query:?}");
    }
}

#[test]
fn paths_go_through_byte_for_byte() {
    for path in
        ["", "a//b", "a%2fb", "%E0%ff", "a;b=c", "l'aire", "a:b@c", "...", "a..b", "%252e%252e/x"]
    {
        assert_eq!(asked(path, None), Ok(format!("/{path}?callback=cb")), "{path}");
    }
}

#[test]
fn paths_that_could_lead_elsewhere_are_refused() {
    for (path, why) in [
        ("..", PathRefusal::DotSegment),
        ("a/../b", PathRefusal::DotSegment),
        ("./a", PathRefusal::DotSegment),
        ("%2e%2e/admin", PathRefusal::DotSegment),
        (".%2E/admin", PathRefusal::DotSegment),
        ("..%2f..%2fadmin", PathRefusal::DotSegment),
        ("a/..;x=1/b", PathRefusal::DotSegment),
        ("..\\admin", PathRefusal::Backslash),
        ("%5cadmin", PathRefusal::Backslash),
        ("a%00b", PathRefusal::Control),
        ("a%0d%0ab", PathRefusal::Control),
        ("a%7fb", PathRefusal::Control),
    ] {
        assert_eq!(asked(path, None), Err(why), "{path}");
    }
}

#[test]
fn what_looks_like_an_authority_stays_a_path() {
    for path in ["@evil.example/", "//evil.example/", ":80/", "https://evil.example/"] {
        let url = portal("https://a.example", Dialect::Ckan).target(path, None).expect(path).url();
        assert_eq!(url.host_str(), Some("a.example"), "{path}");
    }
}

#[test]
fn a_plain_portal_is_asked_without_a_callback() {
    let url = portal("http://a.example/", Dialect::Plain).target("f.csv", Some("callback=x"));
    assert_eq!(
        url.map(|t| t.text().to_owned()),
        Ok("http://a.example/f.csv?callback=x".to_owned())
    );
}

#[test]
fn a_base_ends_before_the_api() {
    for (written, right) in [
        ("https://a.example/data/api/3/action", "https://a.example/data"),
        ("https://a.example/api/3/action/", "https://a.example"),
        ("https://a.example/api", "https://a.example"),
        ("https://a.example/katalog/api/action/package_search", "https://a.example/katalog"),
    ] {
        let error = written.parse::<Base>().expect_err(written);
        assert_eq!(error, BaseError::IntoApi(right.to_owned()));
        assert_eq!(Base::lenient(written).map(|b| b.to_string()), Ok(right.to_owned()));
    }
    for fine in ["https://a.example/data", "https://a.example/api/hub/search/ckan"] {
        assert_eq!(fine.parse::<Base>().map(|b| b.to_string()), Ok(fine.to_owned()));
    }
    for bad in ["a.example", "ftp://a.example", "https://", "https://u@a.example", "http://a/?q"] {
        assert!(bad.parse::<Base>().is_err(), "{bad}");
    }
}

proptest::proptest! {
    #[test]
    fn what_need_not_be_parsed_is_what_the_parser_would_write(
        path in "[-A-Za-z0-9._~!$&()*+,;=:@/%?]{0,40}",
        query in "[-A-Za-z0-9._~!$&()*+,;=:@/%?]{0,40}",
    ) {
        let portal = portal("https://a.example/data", Dialect::Ckan);
        let path = path.replace('?', "");
        if let Ok(target) = portal.target(&path, Some(&query)) {
            let url = Url::parse(target.text()).expect("a URL");
            proptest::prop_assert_eq!(url.as_str(), target.text());
            proptest::prop_assert!(url.path().starts_with("/data/"));
        }
    }

    #[test]
    fn whatever_is_written_stays_below_the_base(path in ".{0,30}", query in ".{0,30}") {
        let portal = portal("https://a.example/data", Dialect::Ckan);
        if let Ok(target) = portal.target(&path, Some(&query)) {
            let url = target.url();
            proptest::prop_assert_eq!(url.as_str(), target.text());
            proptest::prop_assert!(target.text().starts_with("https://a.example/data/"));
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn each_dialect_asks_for_its_callback_in_its_own_way() {
    let of = |dialect, path, query| {
        let target = portal("https://a.example", dialect).target(path, Some(query)).expect(path);
        let padded = target.padded().map_or("-".to_owned(), |url| url.as_str()[17..].to_owned());
        let plain = target.text()[17..].to_owned();
        (target.form, plain, padded)
    };
    let json = |plain: &str, padded: &str| (Form::Json, plain.to_owned(), padded.to_owned());
    let file = |plain: &str| (Form::File, plain.to_owned(), "-".to_owned());
    for (dialect, path, query, expected) in [
        (
            Dialect::Socrata,
            "resource/h243-v2q5.json",
            "$limit=2&$jsonp=evil",
            json(
                "/resource/h243-v2q5.json?$limit=2",
                "/resource/h243-v2q5.json?$limit=2&$jsonp=cb",
            ),
        ),
        (
            Dialect::Socrata,
            "api/views/h243-v2q5/rows.json",
            "",
            json("/api/views/h243-v2q5/rows.json", "/api/views/h243-v2q5/rows.json?jsonp=cb"),
        ),
        (Dialect::Socrata, "resource/h.csv", "$limit=2", file("/resource/h.csv?$limit=2")),
        (
            Dialect::ArcGis,
            "s/0/query",
            "where=1%3D1",
            json("/s/0/query?where=1%3D1&f=json", "/s/0/query?where=1%3D1&f=json&callback=cb"),
        ),
        (Dialect::ArcGis, "s/0/query", "f=pbf", file("/s/0/query?f=pbf")),
        (Dialect::ArcGis, "s", "F=PJSON&Callback=x", json("/s?F=PJSON", "/s?F=PJSON&callback=cb")),
        (
            Dialect::GeoServer,
            "ows",
            "request=GetFeature&outputformat=application/json&format_options=dpi:180;callback:x",
            json(
                "/ows?request=GetFeature&outputformat=application/json&format_options=dpi:180;callback:x",
                "/ows?request=GetFeature&outputFormat=text/javascript&format_options=dpi:180;callback:cb",
            ),
        ),
        (
            Dialect::GeoServer,
            "ows",
            "request=GetCapabilities",
            file("/ows?request=GetCapabilities"),
        ),
        (
            Dialect::Nominatim,
            "search",
            "q=a",
            json("/search?q=a&format=jsonv2", "/search?q=a&format=jsonv2&json_callback=cb"),
        ),
        (Dialect::Nominatim, "search", "q=a&format=xml", file("/search?q=a&format=xml")),
        (
            Dialect::Nominatim,
            "status",
            "",
            json("/status?format=json", "/status?format=json&json_callback=cb"),
        ),
        (
            Dialect::Overpass,
            "api/interpreter",
            "data=[out:json];node(1);out;",
            json(
                "/api/interpreter?data=[out:json];node(1);out;",
                "/api/interpreter?data=[out:json];node(1);out;&jsonp=cb",
            ),
        ),
        (
            Dialect::Overpass,
            "api/interpreter",
            "data=node(1);out;",
            file("/api/interpreter?data=node(1);out;"),
        ),
        (
            Dialect::MediaWiki,
            "w/api.php",
            "action=query",
            json(
                "/w/api.php?action=query&format=json",
                "/w/api.php?action=query&format=json&callback=cb",
            ),
        ),
        (
            Dialect::Erddap,
            "erddap/tabledap/x.json",
            "time&time>=2020",
            json(
                "/erddap/tabledap/x.json?time&time%3E=2020",
                "/erddap/tabledap/x.json?time&time%3E=2020&.jsonp=cb",
            ),
        ),
        (Dialect::Erddap, "erddap/tabledap/x.csv", "time", file("/erddap/tabledap/x.csv?time")),
    ] {
        assert_eq!(of(dialect, path, query), expected, "{dialect} {path}?{query}");
    }
}
