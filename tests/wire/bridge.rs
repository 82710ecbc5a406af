//! The bridge: what a portal is asked, and what comes back.

use insta::assert_snapshot;

use crate::support::{FakePortal, Reply, World, city};

#[tokio::test]
async fn the_padding_is_taken_off_and_the_bytes_are_the_portals_own() {
    let json = r#"{"id": 12345678901234567890123, "a": 1.00, "a": 2, "t": "\ud800 à <b>"}"#;
    let portal = FakePortal::padding(json).await;
    let world = World::city(&portal).await;
    let answer = world.get("/p/city/api/3/action/package_show?id=x").await;
    assert_snapshot!(answer.to_string().replace(&portal.origin(), "PORTAL"), @r#"
    200
    access-control-allow-origin: *
    access-control-expose-headers: Accept-Ranges, Age, Allow, Cache-Status, Content-Digest, Content-Disposition, Content-Encoding, Content-Length, Content-Range, Date, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, Unpad-Attribution, Unpad-Rewritten, Vary, X-SODA2-Fields, X-SODA2-Types
    cache-control: public, max-age=300, stale-while-revalidate=60, stale-if-error=604800
    cache-status: unpad; fwd=uri-miss; fwd-status=200; stored; ttl=300
    connection: close
    content-digest: sha-256=:eVV8eAPCzUDLP/RBHUz03NbqmjISUIV7UWLR+kKH1o4=:
    content-length: 72
    content-security-policy: default-src 'none'; sandbox
    content-type: application/json
    cross-origin-resource-policy: cross-origin
    date: Sat, 21 Nov 2026 09:00:00 GMT
    etag: "eVV8eAPCzUDLP_RBHUz03N"
    link: <PORTAL/data/api/3/action/package_show?id=x>; rel="via"
    timing-allow-origin: *
    x-content-type-options: nosniff
    x-robots-tag: noindex

    {"id": 12345678901234567890123, "a": 1.00, "a": 2, "t": "\ud800 à <b>"}
    "#);
}

#[tokio::test]
async fn the_portal_is_asked_with_our_fields_and_none_of_the_clients() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    let fields = "Cookie: s=1\r\nAccept-Language: ca\r\nX-Forwarded-Host: evil\r\n\
         User-Agent: me\r\nReferer: https://a.example/\r\nOrigin: https://a.example\r\n";
    world.client.request("GET", "/p/city/api/3/action/status_show", fields).await;
    let head = portal.received()[0].head.replace(&portal.origin()["http://".len()..], "PORTAL");
    assert_snapshot!(head, @r#"
    GET /data/api/3/action/status_show?callback=unpad11a62c2341 HTTP/1.1
    via: 1.1 unpad
    cdn-loop: unpad
    accept-encoding: gzip, br, zstd
    accept: */*
    user-agent: unpad/0.1.0
    host: PORTAL
    "#);
}

#[tokio::test]
async fn path_and_query_go_through_byte_for_byte_with_our_callback_last() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    for (asked, forwarded) in [
        ("/api/3/action/x", "/api/3/action/x?callback=CB"),
        ("/api/3/action/x?q=a%20b+c&&=&x", "/api/3/action/x?q=a%20b+c&&=&x&callback=CB"),
        ("/a//b%2fc/%E0;v=1?q=%zz;x", "/a//b%2fc/%E0;v=1?q=%zz;x&callback=CB"),
        ("/x?callback=evil&q=1&c%61llback=%28", "/x?q=1&callback=CB"),
        ("/x?q=2&_=1700000000001", "/x?q=2&callback=CB"),
        ("/", "/?callback=CB"),
    ] {
        let before = portal.targets().len();
        let answer = world.get(&format!("/p/city{asked}")).await;
        assert_eq!(answer.status, 200, "{asked}");
        let request = portal.received().swap_remove(before);
        let expected = format!("/data{forwarded}").replace("CB", request.callback());
        assert_eq!(request.target, expected, "{asked}");
    }
}

#[tokio::test]
async fn the_callback_name_is_the_same_for_every_request_to_a_portal() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    world.get("/p/city/a").await;
    world.get("/p/city/b").await;
    let names: Vec<_> = portal.received().iter().map(|r| r.callback().to_owned()).collect();
    assert_eq!(names[0], names[1]);
    assert!(names[0].len() <= 32 && names[0].bytes().all(|b| b.is_ascii_alphanumeric()));
}

#[tokio::test]
async fn errors_in_bare_json_pass_with_their_status() {
    let portal = FakePortal::new(|_| {
        Reply::ckan_error(404, r#"{"success": false, "error": {"__type": "Not Found Error"}}"#)
    })
    .await;
    let world = World::city(&portal).await;
    let answer = world.get("/p/city/api/3/action/package_show?id=none").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.field("content-type"), Some("application/json"));
    assert_eq!(answer.field("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.text(), r#"{"success": false, "error": {"__type": "Not Found Error"}}"#);
}

#[tokio::test]
async fn an_error_that_is_a_bare_json_string_passes() {
    let portal = FakePortal::new(|_| Reply::ckan_error(400, r#""Bad request: Action""#)).await;
    let world = World::city(&portal).await;
    let answer = world.get("/p/city/api/3/action/nothing").await;
    assert_eq!((answer.status, answer.text().as_str()), (400, r#""Bad request: Action""#));
}

#[tokio::test]
async fn head_is_answered_with_the_fields_of_get_and_no_content() {
    let portal = FakePortal::padding(r#"{"a": 1}"#).await;
    let world = World::city(&portal).await;
    let head = world.client.request("HEAD", "/p/city/api/3/action/status_show", "").await;
    let get = world.get("/p/city/api/3/action/status_show").await;
    assert_eq!((head.status, head.content.len()), (200, 0));
    for field in ["content-length", "content-type", "etag", "content-digest"] {
        assert_eq!(head.field(field), get.field(field), "{field}");
    }
    assert!(portal.received()[0].head.starts_with("GET "));
    assert_eq!(portal.received().len(), 1);
}

#[tokio::test]
async fn a_portal_that_is_asked_for_json_gets_no_callback() {
    let portal = FakePortal::new(|_| Reply::http(200, "", " [1]\n")).await;
    let world = World::with(&format!("{}    ask: json\n", city(&portal))).await;
    let answer = world.get("/p/city/api/3/action/x?callback=me&q=1").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "[1]"));
    assert_eq!(portal.targets(), ["/data/api/3/action/x?q=1"]);
}

#[tokio::test]
async fn a_byte_order_mark_and_blanks_around_the_json_are_not_part_of_it() {
    let portal = FakePortal::new(|request| {
        Reply::ckan(format!("\u{feff}/**/ {} ( {{\"a\":1}} ) ; \n", request.callback()))
    })
    .await;
    let world = World::city(&portal).await;
    assert_eq!(world.get("/p/city/x").await.text(), r#"{"a":1}"#);
}

#[tokio::test]
async fn secrets_in_a_query_are_forwarded_and_not_told() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    let answer = world.get("/p/city/x?api_key=s3cret&q=1").await;
    assert!(portal.targets()[0].contains("api_key=s3cret"));
    let link = answer.field("link").unwrap_or_default();
    assert!(link.contains("api_key=REDACTED&q=1") && !link.contains("s3cret"), "{link}");
}

#[tokio::test]
async fn licence_and_attribution_are_told() {
    let portal = FakePortal::padding("1").await;
    let world = World::with(&format!(
        "{}    licence: CC-BY-4.0\n    attribution: Diputació de Barcelona\n",
        city(&portal)
    ))
    .await;
    let answer = world.get("/p/city/x").await;
    let links: Vec<_> = answer.fields.iter().filter(|(n, _)| n == "link").collect();
    assert!(links[1].1.contains("<https://spdx.org/licenses/CC-BY-4.0>; rel=\"license\""));
    let name = answer.field("unpad-attribution");
    assert_eq!(name, Some("%\"Diputaci%c3%b3 de Barcelona\""));
}

#[tokio::test]
async fn no_field_of_a_portals_acts_on_this_origin() {
    let portal = FakePortal::new(|request| {
        let fields = "Content-Type: text/html\r\nSet-Cookie: a=b\r\nServer: x\r\n\
             Access-Control-Allow-Origin: https://evil.example\r\n\
             Access-Control-Allow-Credentials: true\r\nContent-Security-Policy: default-src *\r\n\
             Location: https://evil.example/\r\nRefresh: 0; url=https://evil.example/\r\n\
             Clear-Site-Data: \"*\"\r\nX-Accel-Redirect: /internal\r\nX-Sendfile: /etc/passwd\r\n\
             WWW-Authenticate: Basic realm=x\r\nContent-Disposition: inline\r\n";
        Reply::http(200, fields, format!("{}(1);", request.callback()))
    })
    .await;
    let world = World::city(&portal).await;
    for how in ["fetched", "stored"] {
        let answer = world.get("/p/city/x").await;
        assert_eq!(answer.text(), "1", "{how}");
        for field in [
            "set-cookie",
            "server",
            "access-control-allow-credentials",
            "location",
            "refresh",
            "clear-site-data",
            "x-accel-redirect",
            "x-sendfile",
            "www-authenticate",
            "content-disposition",
        ] {
            assert_eq!(answer.field(field), None, "{how}: {field}");
        }
        for (field, value) in [
            ("content-type", "application/json"),
            ("access-control-allow-origin", "*"),
            ("content-security-policy", "default-src 'none'; sandbox"),
        ] {
            let lines: Vec<_> = answer.fields.iter().filter(|(name, _)| name == field).collect();
            assert_eq!(lines.len(), 1, "{how}: {field}");
            assert_eq!(lines[0].1, value, "{how}");
        }
    }
    assert_eq!(portal.targets().len(), 1);
}

#[tokio::test]
async fn nothing_of_a_request_is_repeated_where_it_is_refused() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    for line in [
        "GET /p/canary/x",
        "GET /canary?canary=1",
        "GET /p/city/../canary?callback=canary",
        "GET /?url=https%3A%2F%2Fcanary.example%2Fx",
        "GET /https://canary.example/x",
        "GET /?url=canary",
        "CANARY /p/city/x?callback=canary",
        "POST /p/city/canary",
        "GET http://canary.example/nothing",
    ] {
        let request = format!(
            "{line} HTTP/1.1\r\nHost: canary.example\r\nConnection: close\r\n\
             Origin: https://canary.example\r\nReferer: https://canary.example/\r\n\
             User-Agent: canary\r\nX-Forwarded-Host: canary.example\r\n\r\n"
        );
        let answer = world.client.raw(request).await;
        assert!(answer.status >= 400, "{line}");
        assert!(!answer.to_string().to_lowercase().contains("canary"), "{line}: {answer}");
    }
    assert_eq!(portal.connections(), 0);
}
