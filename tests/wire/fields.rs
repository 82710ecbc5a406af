//! What an entry of a `plain` portal lets through beside the usual fields, both ways.

use crate::support::{FakePortal, Reply, World, files};

fn letting(portal: &FakePortal, fields: &str) -> String {
    format!("{}    fields: {fields}\n", files(portal))
}

#[tokio::test]
async fn a_named_field_reaches_the_portal_and_selects_what_is_stored() {
    let portal = FakePortal::new(|request| {
        let language = request.field("accept-language").unwrap_or("none").to_owned();
        let fields = "Content-Type: text/plain\r\nCache-Control: max-age=60\r\n\
                      Vary: Accept-Language, Accept-Encoding\r\n";
        Reply::http(200, fields, language)
    })
    .await;
    let world = World::with(&letting(&portal, "{ request: [Accept-Language] }")).await;
    let ask = async |fields: &str| world.client.request("GET", "/p/files/x", fields).await;
    for (fields, text, cache) in [
        ("Accept-Language: ca\r\nX-Other: 1\r\nCookie: a=b\r\n", "ca", "fwd=uri-miss"),
        ("Accept-Language: es\r\n", "es", "fwd=vary-miss"),
        ("Accept-Language: CA\r\nAccept-Encoding: br\r\n", "ca", "hit"),
        ("Accept-Language: es\r\n", "es", "hit"),
        ("", "none", "fwd=vary-miss"),
    ] {
        let answer = ask(fields).await;
        assert_eq!(answer.text(), text, "{fields}");
        let said = answer.field("cache-status").unwrap_or_default();
        assert!(said.starts_with(&format!("unpad; {cache}")), "{fields}: {said}");
        assert_eq!(answer.field("vary"), Some("Accept-Language, Accept-Encoding"));
    }
    let received = portal.received();
    assert_eq!(received.len(), 3);
    assert_eq!((received[0].field("x-other"), received[0].field("cookie")), (None, None));
}

#[tokio::test]
async fn fields_of_a_response_pass_by_name_or_all_but_those_that_act_on_the_gateways_origin() {
    let portal = FakePortal::new(|_| {
        let fields = "Content-Type: text/csv\r\nX-Total-Count: 7\r\nX-Other: 1\r\n\
                      Set-Cookie: a=b\r\nContent-Security-Policy: default-src *\r\n\
                      Access-Control-Allow-Origin: https://evil.example\r\n\
                      Clear-Site-Data: \"*\"\r\nStrict-Transport-Security: max-age=1\r\n\
                      Refresh: 0; url=https://evil.example\r\n\
                      X-Accel-Redirect: /internal/x\r\nX-Accel-Buffering: no\r\n\
                      X-Sendfile: /etc/passwd\r\nX-Reproxy-URL: http://10.0.0.1/\r\n\
                      WWW-Authenticate: Basic realm=x\r\nX-Hop: 1\r\nConnection: X-Hop, close\r\n";
        Reply::http(200, fields, "a,b\n")
    })
    .await;
    for (rules, total, other) in [
        ("{ response: [X-Total-Count, Set-Cookie] }", Some("7"), None),
        ("{ response: [\"*\"] }", Some("7"), Some("1")),
        ("{}", None, None),
    ] {
        let world = World::with(&letting(&portal, rules)).await;
        let answer = world.get("/p/files/x").await;
        assert_eq!(answer.field("x-total-count"), total, "{rules}");
        assert_eq!(answer.field("x-other"), other, "{rules}");
        for field in [
            "set-cookie",
            "clear-site-data",
            "strict-transport-security",
            "refresh",
            "x-hop",
            "x-accel-redirect",
            "x-accel-buffering",
            "x-sendfile",
            "x-reproxy-url",
            "www-authenticate",
        ] {
            assert_eq!(answer.field(field), None, "{rules}: {field}");
        }
        assert_eq!(answer.field("access-control-allow-origin"), Some("*"));
        let policy = "default-src 'none'; sandbox";
        assert_eq!(answer.field("content-security-policy"), Some(policy));
    }
}

#[tokio::test]
async fn a_redirect_without_a_target_and_an_unknown_coding_pass_as_they_are() {
    let portal = FakePortal::new(|request| match &*request.target {
        "/moved" => Reply::http(301, "Content-Type: text/plain\r\n", "nowhere"),
        _ => Reply::http(200, "Content-Type: text/plain\r\nContent-Encoding: zpaq\r\n", "coded"),
    })
    .await;
    let world = World::with(&files(&portal)).await;
    let moved = world.get("/p/files/moved").await;
    assert_eq!((moved.status, moved.text().as_str()), (301, "nowhere"));
    let coded = world.get("/p/files/coded").await;
    assert_eq!((coded.field("content-encoding"), coded.text().as_str()), (Some("zpaq"), "coded"));
}

#[tokio::test]
async fn a_page_may_read_what_is_let_through() {
    let portal = FakePortal::new(|_| Reply::http(200, "X-Total-Count: 7\r\n", "x")).await;
    let exposed = async |rules: &str| {
        let world = World::with(&letting(&portal, rules)).await;
        world.get("/p/files/x").await.field("access-control-expose-headers").map(str::to_owned)
    };
    let named = exposed("{ response: [X-Total-Count] }").await.expect("a list");
    assert!(
        named.starts_with("Accept-Ranges, Age") && named.ends_with(", x-total-count"),
        "{named}"
    );
    assert_eq!(exposed("{ response: [\"*\"] }").await.as_deref(), Some("*"));
    let listed =
        "{ response: [\"*\"] }\n    cors: { origins: [\"https://a.example\"], credentials: true }";
    let listed = exposed(listed).await.expect("a list");
    assert!(!listed.contains('*'), "with credentials it would mean a field of that name");
}

#[tokio::test]
async fn a_page_may_use_any_method_of_a_transparent_portal_and_read_of_others() {
    let portal = FakePortal::padding("1").await;
    for (more, methods) in [
        ("    dialect: transparent\n    dangerous_transparent: true\n", "PUT"),
        ("    dialect: plain\n", "GET, HEAD, OPTIONS"),
    ] {
        let base = portal.origin();
        let entry =
            format!("portals:\n  x:\n    base: {base}\n    allow_cidr: [\"127.0.0.1/32\"]\n");
        let world = World::with(&format!("{entry}{more}")).await;
        let fields = "Origin: https://a.example\r\nAccess-Control-Request-Method: PUT\r\n";
        let answer = world.client.request("OPTIONS", "/p/x/y", fields).await;
        assert_eq!(answer.field("access-control-allow-methods"), Some(methods), "{more}");
    }
    assert_eq!(portal.connections(), 0);
}
