//! CORS on every answer: who may read, and what a preflight is told.

use insta::assert_snapshot;

use crate::support::{Answer, FakePortal, Reply, World, city};

const ORIGIN: &str = "Origin: https://class.example.org\r\n";

fn listed(portal: &FakePortal) -> String {
    format!(
        "cors:\n  origins: [\"https://class.example.org\", \"~https://[a-z]+\\\\.school\\\\.example\"]\n{}",
        city(portal)
    )
}

fn allowed(answer: &Answer) -> Option<&str> {
    answer.field("access-control-allow-origin")
}

#[tokio::test]
async fn every_kind_of_answer_can_be_read_from_any_origin() {
    let portal = FakePortal::new(|request| match request.target.as_str() {
        t if t.starts_with("/data/html") => Reply::html(500, "<h1>no</h1>"),
        t if t.starts_with("/data/busy") => Reply::http(503, "Retry-After: 7\r\n", ""),
        _ => Reply::ckan(format!("{}(1);", request.callback())),
    })
    .await;
    let world = World::city(&portal).await;
    let etag = world.get("/p/city/ok").await.field("etag").expect("an ETag").to_owned();
    for (method, target, fields, status) in [
        ("GET", "/p/city/ok", String::new(), 200),
        ("GET", "/p/city/ok", format!("If-None-Match: {etag}\r\n"), 304),
        ("HEAD", "/p/city/ok", String::new(), 200),
        ("GET", "/p/city/html", String::new(), 502),
        ("GET", "/p/city/busy", String::new(), 503),
        ("GET", "/p/city/..", String::new(), 400),
        ("GET", "/p/nobody/x", String::new(), 404),
        ("GET", "/nothing", String::new(), 404),
        ("POST", "/p/city/ok", String::new(), 405),
        ("OPTIONS", "/p/city/ok", String::new(), 204),
        ("GET", "/healthz", String::new(), 200),
        ("GET", "/portals", String::new(), 200),
    ] {
        let answer = world.client.request(method, target, &format!("{ORIGIN}{fields}")).await;
        assert_eq!(answer.status, status, "{method} {target}");
        assert_eq!(allowed(&answer), Some("*"), "{method} {target}");
        assert_eq!(answer.field("access-control-allow-credentials"), None);
        assert_eq!(answer.field("cross-origin-resource-policy"), Some("cross-origin"));
        assert_eq!(answer.field("timing-allow-origin"), Some("*"));
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.field("vary"), None, "{method} {target}");
        assert!(answer.field("access-control-expose-headers").is_some_and(|e| e.contains("ETag")));
    }
}

#[tokio::test]
async fn a_list_answers_listed_origins_only_and_always_varies() {
    let portal = FakePortal::padding("1").await;
    let world = World::with(&listed(&portal)).await;
    for (origin, expected) in [
        ("https://class.example.org", Some("https://class.example.org")),
        ("https://north.school.example", Some("https://north.school.example")),
        ("https://class.example.org.evil.example", None),
        ("https://evil.example", None),
        ("null", None),
    ] {
        let fields = format!("Origin: {origin}\r\n");
        let answer = world.client.request("GET", "/p/city/x", &fields).await;
        assert_eq!(answer.status, 200, "{origin}");
        assert_eq!(allowed(&answer), expected, "{origin}");
        assert_eq!(answer.field("vary"), Some("Origin"), "{origin}");
    }
    let without = world.get("/p/city/x").await;
    assert_eq!((allowed(&without), without.field("vary")), (None, Some("Origin")));
}

#[tokio::test]
async fn a_preflight_is_answered_here() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    let fields = format!(
        "{ORIGIN}Access-Control-Request-Method: GET\r\n\
         Access-Control-Request-Headers: x-requested-with,range\r\n"
    );
    let mut answer = world.client.request("OPTIONS", "/p/city/api/3/action/x", &fields).await;
    // `Date` comes from the machine's clock here.
    answer.fields.retain(|(name, _)| name != "date");
    assert_snapshot!(answer.to_string(), @"
    204
    access-control-allow-headers: x-requested-with, range
    access-control-allow-methods: GET, HEAD, POST, OPTIONS
    access-control-allow-origin: *
    access-control-max-age: 600
    connection: close
    x-content-type-options: nosniff
    x-request-id: ID
    x-robots-tag: noindex
    ");
    assert_eq!(portal.connections(), 0);
}

#[tokio::test]
async fn a_preflight_from_an_origin_that_is_not_listed_is_told_nothing() {
    let portal = FakePortal::padding("1").await;
    let world = World::with(&listed(&portal)).await;
    let fields = "Origin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n";
    let answer = world.client.request("OPTIONS", "/p/city/x", fields).await;
    assert_eq!((answer.status, allowed(&answer)), (204, None));
    assert_eq!(answer.field("access-control-allow-methods"), None);
    assert_eq!(answer.field("vary"), Some("Origin"));
}

#[tokio::test]
async fn options_without_an_origin_is_no_preflight() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    let answer = world.client.request("OPTIONS", "/p/city/x", "").await;
    assert_eq!((answer.status, answer.field("allow")), (204, Some("GET, HEAD, OPTIONS")));
    assert_eq!(answer.field("access-control-allow-methods"), None);
}

#[tokio::test]
async fn a_portal_and_a_route_have_policies_of_their_own() {
    let portal = FakePortal::padding("1").await;
    let world = World::with(&format!(
        "{}    cors: {{ origins: [\"https://portal.example\"], credentials: true }}\n    routes:\n\
         \x20     - path: ^/open\n        cors: {{ origins: \"*\", credentials: false }}\n",
        city(&portal)
    ))
    .await;
    let ask = async |target: &str| {
        world.client.request("GET", target, "Origin: https://portal.example\r\n").await
    };
    let closed = ask("/p/city/closed").await;
    assert_eq!(allowed(&closed), Some("https://portal.example"));
    assert_eq!(closed.field("access-control-allow-credentials"), Some("true"));
    let open = ask("/p/city/open").await;
    assert_eq!((allowed(&open), open.field("vary")), (Some("*"), None));
    assert_eq!(open.field("access-control-allow-credentials"), None);
    assert_eq!(allowed(&ask("/portals").await), Some("*"));
}

#[tokio::test]
async fn no_page_is_let_into_a_private_network() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    let fields = format!(
        "{ORIGIN}Access-Control-Request-Method: GET\r\n\
         Access-Control-Request-Private-Network: true\r\n\
         Access-Control-Request-Local-Network: true\r\n"
    );
    for (method, target) in
        [("OPTIONS", "/p/city/x"), ("OPTIONS", "/portals"), ("GET", "/p/city/x")]
    {
        let answer = world.client.request(method, target, &fields).await;
        assert_eq!(allowed(&answer), Some("*"), "{method} {target}");
        let grants = answer.fields.iter().any(|(name, _)| name.ends_with("-network"));
        assert!(!grants, "{method} {target}: {answer}");
    }
}
