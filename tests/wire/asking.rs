//! How portals are asked, as their dialects and entries say, and what is made of their answers.

use std::time::Duration;

use crate::support::{FakePortal, Reply, World};

/// A registry of one portal with these lines.
fn portal_with(portal: &FakePortal, lines: &[&str]) -> String {
    format!(
        "portals:\n  city:\n    base: {}\n    allow_cidr: [\"127.0.0.1/32\"]\n    {}\n",
        portal.origin(),
        lines.join("\n    ")
    )
}

#[tokio::test]
async fn each_dialect_is_asked_in_its_own_way_and_its_padding_comes_off() {
    for (dialect, target, parameter, before, after) in [
        ("socrata", "/resource/a-b.json?$limit=1", "$jsonp", "", ");"),
        ("arcgis", "/rest/services?f=json", "callback", "", ");"),
        ("nominatim", "/search?q=a&format=jsonv2", "json_callback", "", ")"),
        ("overpass", "/api/interpreter?data=[out:json];out;", "jsonp", "", ");\n"),
        ("mediawiki", "/w/api.php?action=query&format=json", "callback", "/**/", ")"),
        ("erddap", "/erddap/tabledap/a.json?time", ".jsonp", "", ")\n"),
        ("generic", "/x", "callback", "/* CouchDB */", ");"),
    ] {
        let portal = FakePortal::new(move |request| {
            let callback = request.query(parameter).unwrap_or("nobody").to_owned();
            Reply::http(200, "", format!("{before}{callback}({{\"a\": 1.50}}{after}"))
        })
        .await;
        let world = World::with(&portal_with(&portal, &[&format!("dialect: {dialect}")])).await;
        let answer = world.get(&format!("/p/city{target}")).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "{\"a\": 1.50}"), "{dialect}");
        assert!(portal.targets()[0].starts_with(target), "{dialect}: {:?}", portal.targets());
        let via = answer.field("link").expect("a source");
        assert!(!via.contains("unpad"), "{dialect}: {via}");
    }
}

#[tokio::test]
async fn geoservers_callback_stands_among_its_format_options() {
    let portal = FakePortal::new(|request| {
        let callback = request.query("format_options").and_then(|o| o.split("callback:").nth(1));
        let fields = "Content-Type: text/javascript\r\n";
        Reply::http(200, fields, format!("{}({{}})", callback.unwrap_or("parseResponse")))
    })
    .await;
    let world = World::with(&portal_with(&portal, &["dialect: geoserver"])).await;
    let wfs = "/p/city/ows?service=WFS&request=GetFeature&outputFormat=application/json";
    assert_eq!(world.get(wfs).await.text(), "{}");
    assert!(portal.targets()[0].contains("&outputFormat=text/javascript&format_options=callback:"));
}

#[tokio::test]
async fn a_generic_entry_says_how_it_is_asked() {
    let portal = FakePortal::new(|request| match request.query("format") {
        Some("jsonP") => {
            let name = request.query("prefix").unwrap_or("none").to_owned();
            Reply::http(200, "", format!("{name}([1])"))
        }
        other => Reply::http(200, "", format!("<{}/>", other.unwrap_or("xml"))),
    })
    .await;
    let world = World::with(&portal_with(
        &portal,
        &[
            "dialect: generic",
            "callback: { parameter: prefix, query: { format: jsonP } }",
            "query: { format: json, per_page: \"100\" }",
        ],
    ))
    .await;
    assert_eq!(world.get("/p/city/v2/country?format=xml&date=2020").await.text(), "[1]");
    let target = &portal.targets()[0];
    assert!(target.starts_with("/v2/country?date=2020&per_page=100&format=jsonP&prefix=unpad"));
}

#[tokio::test]
async fn a_handler_in_a_parameter_of_several_parts_keeps_the_callers_other_parts() {
    let portal = FakePortal::new(|request| {
        let handler = request.query("tqx").and_then(|tqx| tqx.split("responseHandler:").nth(1));
        let name = handler.unwrap_or("google.visualization.Query.setResponse").to_owned();
        Reply::http(200, "", format!("/*O_o*/\n{name}({{\"status\":\"ok\"}});"))
    })
    .await;
    let callback = "callback: { parameter: tqx, before: \"responseHandler:\" }";
    let world = World::with(&portal_with(&portal, &["dialect: generic", callback])).await;
    let answer = world.get("/p/city/gviz/tq?tqx=reqId:7;responseHandler:x").await;
    assert_eq!(answer.text(), "{\"status\":\"ok\"}");
    assert!(portal.targets()[0].starts_with("/gviz/tq?tqx=reqId:7;responseHandler:unpad"));
}

#[tokio::test]
async fn a_failure_told_with_status_200_is_kept_for_seconds() {
    let portal = FakePortal::new(|request| {
        let json = "{\"error\":{\"code\":400,\"message\":\"no\"}}";
        Reply::http(200, "", format!("{}({json});", request.callback()))
    })
    .await;
    let world = World::with(&portal_with(&portal, &["dialect: arcgis"])).await;
    let first = world.get("/p/city/0/query").await;
    assert_eq!(first.status, 200);
    assert!(first.field("cache-status").expect("one").contains("ttl=5"));
    portal.now(|request| Reply::http(200, "", format!("{}({{}});", request.callback())));
    world.clock.advance(Duration::from_secs(6));
    assert_eq!(world.get("/p/city/0/query").await.text(), "{}");
}

#[tokio::test]
async fn other_charsets_are_transcoded_and_that_is_told() {
    let portal = FakePortal::new(|request| {
        let mut content = format!("{}([\"", request.callback()).into_bytes();
        content.extend(b"\xe0 \x80\"]);");
        Reply::http(200, "Content-Type: text/javascript; charset=ISO-8859-1\r\n", content)
    })
    .await;
    let world = World::with(&portal_with(&portal, &[])).await;
    let answer = world.get("/p/city/x").await;
    assert_eq!(answer.text(), "[\"à €\"]");
    assert_eq!(answer.field("content-type"), Some("application/json"));
    assert_eq!(answer.field("unpad-rewritten"), Some("charset=\"windows-1252\""));
    let utf16: Vec<u8> = "\u{feff}[\"α\"]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    portal.now(move |_| Reply::http(200, "", utf16.clone()));
    let answer = world.get("/p/city/y").await;
    assert_eq!(answer.text(), "[\"α\"]");
    assert_eq!(answer.field("unpad-rewritten"), Some("charset=\"UTF-16LE\""));
}

#[tokio::test]
async fn an_undeclared_charset_is_refused_with_the_reason() {
    let portal = FakePortal::new(|_| Reply::http(200, "", b"[\"\xe0\"]")).await;
    let world = World::with(&portal_with(&portal, &["ask: json"])).await;
    let answer = world.get("/p/city/x").await;
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (502, Some("invalid-utf8")));
}

#[tokio::test]
async fn auto_asks_for_json_and_remembers_where_only_jsonp_works() {
    let portal = FakePortal::new(|request| match request.callback() {
        "" => Reply::html(200, "<html>no</html>"),
        callback => Reply::ckan(format!("{callback}(1);")),
    })
    .await;
    let world = World::with(&portal_with(&portal, &["ask: auto"])).await;
    assert_eq!(world.get("/p/city/a").await.text(), "1");
    assert_eq!(portal.targets().len(), 2);
    assert_eq!(world.get("/p/city/b").await.text(), "1");
    assert_eq!(portal.targets().len(), 3);
    // Once in a while the cheaper way is tried again, and it works now.
    portal.now(|_| Reply::http(200, "Content-Type: application/json\r\n", "2"));
    world.clock.advance(Duration::from_secs(3601));
    assert_eq!(world.get("/p/city/c").await.text(), "2");
    assert_eq!(world.get("/p/city/d").await.text(), "2");
    assert_eq!(portal.targets().len(), 5);
    assert_eq!(portal.targets()[3..], ["/c".to_owned(), "/d".to_owned()]);
}

#[tokio::test]
async fn what_an_entry_says_goes_to_its_own_origin_and_nowhere_else() {
    let portal = FakePortal::padding("1").await;
    let other = portal.beside([127, 0, 0, 2], |_| Reply::http(200, "", "[2]")).await;
    let away = format!("{}/there", other.origin());
    portal.now(move |_| Reply::http(302, &format!("Location: {away}\r\n"), ""));
    // Whoever runs the tests has this variable.
    let key = "api_key: { env: CARGO_PKG_NAME, header: X-App-Token }";
    let lines = [
        "ask: json",
        key,
        "user_agent: Mozilla/5.0",
        "headers: { X-Kept: ca }",
        "downloads: [127.0.0.2]",
        "authorization: true",
    ];
    let yaml = portal_with(&portal, &lines).replace("127.0.0.1/32", "127.0.0.0/8");
    let world = World::with(&yaml).await;
    let answer = world.client.request("GET", "/p/city/x", "Authorization: mine\r\n").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "[2]"));
    let (own, away) = (&portal.received()[0], &other.received()[0]);
    for (field, value) in [("x-app-token", "unpad"), ("x-kept", "ca"), ("authorization", "mine")] {
        assert_eq!(own.field(field), Some(value));
        assert_eq!(away.field(field), None, "{field}");
    }
    assert_eq!(away.field("user-agent"), Some("Mozilla/5.0"));
}

#[tokio::test]
async fn a_key_in_a_parameter_is_told_to_the_portal_alone() {
    let portal = FakePortal::padding("1").await;
    let key = "api_key: { env: CARGO_PKG_NAME, parameter: wskey }";
    let world = World::with(&portal_with(&portal, &["dialect: generic", key])).await;
    let answer = world.get("/p/city/x?q=1").await;
    assert_eq!(portal.received()[0].query("wskey"), Some("unpad"));
    assert!(!answer.to_string().contains("wskey"), "{answer}");
    portal.now(|_| Reply::html(500, "<html>"));
    let failed = world.get("/p/city/y").await;
    assert!(failed.text().contains("portal_url") && !failed.text().contains("wskey"), "{failed}");
}

#[tokio::test]
async fn paths_are_rewritten_as_the_entry_says_and_judged_afterwards() {
    let portal = FakePortal::padding("1").await;
    let rewrite = "rewrite: [{ from: \"^/api/3/action/\", to: \"/api/action/\" }, \
                   { from: \"^/up/(.*)$\", to: \"/$1/../x\" }]";
    let world = World::with(&portal_with(&portal, &[rewrite])).await;
    assert_eq!(world.get("/p/city/api/3/action/tag_list").await.text(), "1");
    assert!(portal.targets()[0].starts_with("/api/action/tag_list?callback="));
    assert_eq!(world.get("/p/city/up/a").await.status, 400);
}

#[tokio::test]
async fn a_login_page_is_told_as_one() {
    let page = "<!DOCTYPE html><title>Sign in</title><input type=\"password\">";
    let portal = FakePortal::new(move |_| Reply::html(403, page)).await;
    let world = World::with(&portal_with(&portal, &[])).await;
    let answer = world.get("/p/city/x").await;
    assert_eq!(
        answer.json()["detail"],
        "The portal answered with a login page (HTML, status 403)."
    );
}

#[tokio::test]
async fn what_is_no_number_becomes_null_where_the_entry_says_so() {
    let portal =
        FakePortal::padding("{\"a\": NaN, \"b\": [-Infinity, 1.50], \"c\": \"NaN\"}").await;
    let refusing = World::with(&portal_with(&portal, &[])).await;
    let answer = refusing.get("/p/city/x").await;
    assert_eq!((answer.status, answer.json()["kind"].as_str()), (502, Some("non-finite")));
    for policy in ["non_finite: null", "non_finite: \"null\""] {
        let world = World::with(&portal_with(&portal, &[policy])).await;
        let answer = world.get("/p/city/x").await;
        assert_eq!(answer.text(), "{\"a\": null, \"b\": [null, 1.50], \"c\": \"NaN\"}");
        assert_eq!(answer.field("unpad-rewritten"), Some("non-finite=2"));
    }
}

#[tokio::test]
async fn a_status_in_the_second_argument_is_the_status() {
    let portal = FakePortal::new(|request| {
        Reply::http(200, "", format!("{} ({{\"a\": 1}}, 404);", request.callback()))
    })
    .await;
    let world = World::with(&portal_with(&portal, &["dialect: generic"])).await;
    let answer = world.get("/p/city/x").await;
    assert_eq!((answer.status, answer.text().as_str()), (404, "{\"a\": 1}"));
    // As long as any 404.
    assert!(answer.field("cache-status").expect("one").contains("ttl=30"), "{answer}");
    // One that says all is well says nothing new.
    portal.now(|request| Reply::http(200, "", format!("{} (1, 204);", request.callback())));
    let fine = world.get("/p/city/fine").await;
    assert_eq!((fine.status, fine.text().as_str()), (200, "1"));
    // A failure is covered by what is stored, as any is.
    world.clock.advance(Duration::from_secs(1000));
    portal.now(|request| Reply::http(200, "", format!("{} (0, 500);", request.callback())));
    let covered = world.get("/p/city/fine").await;
    assert_eq!((covered.status, covered.text().as_str()), (200, "1"));
    portal.now(|request| {
        Reply::http(200, "", format!("{} ({{\"a\": 1}}, 404);", request.callback()))
    });
    let strict = World::with(&portal_with(&portal, &[])).await;
    assert_eq!(strict.get("/p/city/x").await.json()["reason"], "multiple-arguments");
}

#[tokio::test]
async fn a_prefix_against_hijacking_comes_off_where_the_entry_names_it() {
    let portal = FakePortal::new(|_| Reply::http(200, "", ")]}',\n[1]")).await;
    let named = ["ask: json", "prefix: [\")]}',\"]"];
    let world = World::with(&portal_with(&portal, &named)).await;
    assert_eq!(world.get("/p/city/x").await.text(), "[1]");
    let strict = World::with(&portal_with(&portal, &[])).await;
    assert_eq!(strict.get("/p/city/x").await.json()["kind"], "hijacking-prefix");
}
