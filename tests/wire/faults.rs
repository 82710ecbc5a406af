//! Portals that misbehave: what a client is told, and that nothing else happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_compression::tokio::write::{BrotliEncoder, GzipEncoder};
use insta::assert_snapshot;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;

use crate::support::portal::Gate;
use crate::support::{FakePortal, Reply, World, city};

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(bytes).await.expect("memory");
    encoder.shutdown().await.expect("memory");
    encoder.into_inner()
}

async fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = BrotliEncoder::new(Vec::new());
    encoder.write_all(bytes).await.expect("memory");
    encoder.shutdown().await.expect("memory");
    encoder.into_inner()
}

/// The problem that a client gets when the portal answers so.
async fn problem_of(reply: Reply) -> (u16, String, serde_json::Value) {
    problem_with("", reply).await
}

async fn problem_with(limits: &str, reply: Reply) -> (u16, String, serde_json::Value) {
    let portal = FakePortal::new(move |_| reply.clone()).await;
    let world = World::with(&format!("{}    limits: {{ {limits} }}\n", city(&portal))).await;
    let answer = world.get("/p/city/api/3/action/x").await;
    assert_eq!(answer.field("access-control-allow-origin"), Some("*"));
    // Each portal of a test has a port of its own.
    let text = answer.text().replace(&portal.origin(), "http://portal");
    (answer.status, answer.problem(), serde_json::from_str(&text).expect("JSON"))
}

#[tokio::test]
async fn a_web_page_with_status_200_is_not_jsonp() {
    let (status, _, json) =
        problem_of(Reply::html(200, "<!DOCTYPE html><html><body>Request blocked</body></html>"))
            .await;
    assert_eq!(status, 502);
    assert_snapshot!(format!("{json:#}"), @r#"
    {
      "type": "/problems#not-jsonp",
      "title": "Not JSONP",
      "status": 502,
      "detail": "The portal's answer is neither the JSONP that was asked for nor JSON: it is a web page (HTML), at byte 0.",
      "success": false,
      "error": {
        "__type": "Not JSONP",
        "message": "The portal's answer is neither the JSONP that was asked for nor JSON: it is a web page (HTML), at byte 0."
      },
      "reason": "not-jsonp",
      "offset": 0,
      "found": "<!DOCTYPE html><html><body>Reque",
      "portal_status": 200,
      "portal": "city",
      "portal_url": "http://portal/data/api/3/action/x"
    }
    "#);
}

#[tokio::test]
async fn a_web_page_with_an_error_status_is_a_failed_portal() {
    let (status, _, json) = problem_of(Reply::html(500, "<h1>\"Σφάλμα\"</h1>")).await;
    assert_eq!(status, 502);
    assert_snapshot!(format!("{json:#}"), @r#"
    {
      "type": "/problems#portal-failed",
      "title": "Portal failed",
      "status": 502,
      "detail": "The portal answered with an error that is not JSON (status 500).",
      "success": false,
      "error": {
        "__type": "Portal failed",
        "message": "The portal answered with an error that is not JSON (status 500)."
      },
      "portal_status": 500,
      "found": "<h1>\\\"\\xce\\xa3\\xcf\\x86\\xce\\xac",
      "portal": "city",
      "portal_url": "http://portal/data/api/3/action/x"
    }
    "#);
    let found = json["found"].as_str().expect("an excerpt");
    assert!(found.len() <= 32 && found.is_ascii());
}

#[tokio::test]
async fn what_is_not_our_padding_is_named() {
    for (body, reason) in [
        ("somebodyElse({\"a\":1});", "callback-mismatch"),
        ("", "empty"),
        ("CB();", "no-argument"),
        ("CB({},200);", "multiple-arguments"),
        ("CB({\"a\":NaN});", "not-json"),
        ("CB({});alert(1)", "trailing-data"),
        ("CB(\"\u{fffd}\");", "invalid-utf8"),
    ] {
        let portal = FakePortal::new(move |request| {
            let padded = body.replace("CB", request.callback()).into_bytes();
            // A lone byte of Latin-1 where the replacement character stands.
            let replaced: Vec<u8> = String::from_utf8_lossy(&padded)
                .chars()
                .flat_map(|c| if c == '\u{fffd}' { vec![0xe9] } else { c.to_string().into_bytes() })
                .collect();
            Reply::ckan(replaced)
        })
        .await;
        let answer = World::city(&portal).await.get("/p/city/x").await;
        assert_eq!(answer.status, 502, "{body}");
        assert_eq!(answer.problem(), "not-jsonp", "{body}");
        assert_eq!(answer.json()["reason"], reason, "{body}");
    }
}

#[tokio::test]
async fn content_that_breaks_off_is_incomplete() {
    for reply in [
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":"),
        Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n"),
        Reply::raw("HTTP/1.1 200 OK\r\n\r\n{\"a\":"),
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}").then_reset(),
    ] {
        let (status, kind, _) = problem_of(reply.clone()).await;
        assert_eq!((status, &*kind), (502, "response-incomplete"), "{reply:?}");
    }
}

#[tokio::test]
async fn content_over_a_limit_is_refused_before_it_is_read() {
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n";
    for reply in [
        Reply::raw(announced).then_silence(),
        Reply::raw("HTTP/1.1 200 OK\r\n\r\n").repeat([b' '; 1000], 1_000_000),
    ] {
        let (status, kind, json) = problem_with("json_bytes: 64 KiB", reply).await;
        assert_eq!((status, &*kind), (502, "response-too-large"));
        assert_eq!(json["limit_bytes"], 65536);
    }
}

#[tokio::test]
async fn compression_bombs_are_refused() {
    let blanks = gzip(&vec![b' '; 300 << 16]).await;
    let bomb = Reply::http(200, "Content-Encoding: gzip\r\n", blanks);
    let (status, kind, json) = problem_of(bomb).await;
    assert_eq!((status, &*kind), (502, "response-too-large"));
    assert!(json["detail"].as_str().is_some_and(|d| d.contains("200 decoded bytes")), "{json}");
}

#[tokio::test]
async fn content_codings_are_taken_off_all_of_them() {
    let json = br#"{"a": [1, 2, 3]}"#;
    // Two gzip members, cut in the middle of the JSON.
    let members = [gzip(&json[..7]).await, gzip(&json[7..]).await].concat();
    for (coding, content) in [
        ("gzip", members),
        ("br", brotli(json).await),
        ("gzip, gzip", gzip(&gzip(json).await).await),
        ("identity", json.to_vec()),
    ] {
        let reply = Reply::http(200, &format!("Content-Encoding: {coding}\r\n"), content);
        let portal = FakePortal::new(move |_| reply.clone()).await;
        let answer = World::city(&portal).await.get("/p/city/x").await;
        assert_eq!((answer.status, &answer.content[..]), (200, &json[..]), "{coding}");
        assert_eq!(answer.field("content-encoding"), None);
    }
    for coding in ["gzip", "br"] {
        let mut content = if coding == "gzip" { gzip(json).await } else { brotli(json).await };
        content.extend_from_slice(b"trailing");
        let reply = Reply::http(200, &format!("Content-Encoding: {coding}\r\n"), content);
        assert_eq!(problem_of(reply).await.0, 502, "{coding}");
    }
    let cut = gzip(json).await;
    let (_, kind, _) =
        problem_of(Reply::http(200, "Content-Encoding: gzip\r\n", &cut[..cut.len() - 9])).await;
    assert_eq!(kind, "response-incomplete");
    for broken in ["Content-Encoding: gzip\r\n", "Content-Encoding: compress\r\n"] {
        assert_eq!(problem_of(Reply::http(200, broken, json)).await.1, "portal-failed");
    }
}

#[tokio::test]
async fn statuses_that_mean_nothing_here_are_a_failed_portal() {
    for status in [204, 206, 304, 999] {
        let reply = Reply::raw(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"));
        let (told, kind, json) = problem_of(reply).await;
        assert_eq!((told, &*kind), (502, "portal-failed"), "{status}");
        assert_eq!(json["portal_status"], status);
    }
}

#[tokio::test]
async fn what_is_not_http_is_a_failed_portal() {
    for nonsense in ["SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 abc\r\n\r\n"] {
        let (told, kind, _) = problem_of(Reply::raw(nonsense)).await;
        assert_eq!((told, &*kind), (502, "portal-failed"), "{nonsense}");
    }
}

#[tokio::test]
async fn a_transfer_coding_nobody_asked_for_is_a_failed_portal() {
    for coding in ["gzip, chunked", "xchunked", "identity", "chunked, chunked"] {
        let head = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n");
        let (told, kind, _) = problem_of(Reply::raw(head).send("2\r\n{}\r\n0\r\n\r\n")).await;
        assert_eq!((told, &*kind), (502, "portal-failed"), "{coding}");
    }
}

#[tokio::test]
async fn a_flood_of_fields_is_refused() {
    let long = format!("X-Long: {}\r\n", "a".repeat(40_000));
    assert_eq!(problem_of(Reply::http(200, &long, "1")).await.1, "response-too-large");
    let many = "X-A: 1\r\n".repeat(500);
    assert_eq!(problem_of(Reply::http(200, &many, "1")).await.1, "response-too-large");
}

#[tokio::test]
async fn a_portal_that_says_nothing_is_a_timeout() {
    for (limits, reply) in [
        ("first_byte_time: 50ms", Reply::default().then_silence()),
        ("total_time: 50ms", Reply::raw("HTTP/1.1 200 OK\r\n\r\n{").then_silence()),
        ("idle_time: 50ms", Reply::raw("HTTP/1.1 200 OK\r\n\r\n{").then_silence()),
    ] {
        let (status, kind, json) = problem_with(limits, reply).await;
        assert_eq!((status, &*kind), (504, "portal-timeout"), "{limits}");
        assert_eq!(json["after_ms"], 50);
    }
}

#[tokio::test]
async fn a_broken_connection_is_tried_once_more_and_not_more() {
    let portal = FakePortal::new(|_| Reply::default().then_reset()).await;
    let world = World::city(&portal).await;
    assert_eq!(world.get("/p/city/x").await.problem(), "portal-unreachable");
    assert_eq!(portal.targets().len(), 2);
    let first = AtomicBool::new(true);
    portal.now(move |request| {
        if first.swap(false, Ordering::Relaxed) {
            Reply::default().then_reset()
        } else {
            Reply::ckan(format!("{}(1);", request.callback()))
        }
    });
    assert_eq!(world.get("/p/city/x").await.status, 200);
}

#[tokio::test]
async fn a_portal_that_is_not_there_is_unreachable() {
    // Bound and never listening: it refuses, and no other test can be given its port.
    let held = tokio::net::TcpSocket::new_v4().expect("a socket");
    held.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let gone = held.local_addr().expect("an address");
    let world = World::with(&format!(
        "portals: {{ city: {{ base: \"http://{gone}\", allow_cidr: [127.0.0.1/32] }} }}"
    ))
    .await;
    let answer = world.get("/p/city/x").await;
    assert_eq!((answer.status, &*answer.problem()), (502, "portal-unreachable"));
}

#[tokio::test]
async fn an_address_that_the_entry_does_not_allow_is_never_dialled() {
    let portal = FakePortal::padding("1").await;
    let port = portal.address().port();
    for (host, allowed) in [
        ("127.0.0.1", "[]"),
        ("127.0.0.1", "[127.0.0.2/32, 10.0.0.0/8]"),
        ("0x7f.1", "[]"),
        ("2130706433", "[]"),
        ("[::ffff:127.0.0.1]", "[]"),
        ("localhost", "[]"),
        ("localhost", "[10.0.0.0/8]"),
    ] {
        let world = World::with(&format!(
            "portals: {{ city: {{ base: \"http://{host}:{port}\", allow_cidr: {allowed} }} }}"
        ))
        .await;
        let answer = world.get("/p/city/x").await;
        assert_eq!((answer.status, &*answer.problem()), (502, "address-prohibited"), "{host}");
        assert!(!answer.text().contains("127."), "the address is not told");
    }
    assert_eq!(portal.connections(), 0);
}

#[tokio::test]
async fn redirects_on_the_site_are_followed_and_no_others() {
    let other = FakePortal::padding("\"other\"").await;
    let elsewhere = other.origin();
    let portal = FakePortal::new(move |request| {
        let to = |location: &str| Reply::http(302, &format!("Location: {location}\r\n"), "");
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        match request.target.split('?').next().unwrap_or_default() {
            "/data/moved" => to(&format!("/data/here?{query}")),
            "/data/loop" => to("/data/loop"),
            "/data/other" => to(&format!("{elsewhere}/data/here")),
            "/data/metadata" => to("http://169.254.169.254/latest"),
            "/data/file" => to("file:///etc/passwd"),
            "/data/userinfo" => to("http://a@127.0.0.1/"),
            "/data/nowhere" => Reply::http(302, "", ""),
            _ => Reply::ckan(format!("{}(1);", request.callback())),
        }
    })
    .await;
    let world = World::city(&portal).await;
    assert_eq!(world.get("/p/city/moved").await.status, 200);
    for target in ["loop", "other", "metadata", "file", "userinfo", "nowhere"] {
        let answer = world.get(&format!("/p/city/{target}")).await;
        assert_eq!((answer.status, &*answer.problem()), (502, "portal-failed"), "{target}");
        assert_eq!(answer.json()["portal_status"], 302, "{target}");
    }
    assert_eq!(other.connections(), 0);
    let looped = portal.targets().iter().filter(|t| t.starts_with("/data/loop")).count();
    assert_eq!(looped, 6, "the first request and five redirects");
    assert!(portal.received().iter().all(|r| r.field("referer").is_none()));
}

#[tokio::test]
async fn a_portal_that_fails_five_times_is_left_alone_for_a_while() {
    let portal = FakePortal::new(|_| Reply::html(502, "<h1>Bad Gateway</h1>")).await;
    let world = World::city(&portal).await;
    for n in 0..5 {
        assert_eq!(world.get(&format!("/p/city/{n}")).await.problem(), "portal-failed");
    }
    let answer = world.get("/p/city/x").await;
    assert_eq!((answer.status, &*answer.problem()), (503, "portal-suspended"));
    let wait: u64 = answer.field("retry-after").and_then(|w| w.parse().ok()).expect("a wait");
    assert!((1..=10).contains(&wait));
    assert_eq!(portal.targets().len(), 5);
    assert_eq!(world.get("/p/city").await.json()["health"]["state"], "suspended");
    portal.now(|request| Reply::ckan(format!("{}(1);", request.callback())));
    world.clock.advance(Duration::from_secs(wait));
    assert_eq!(world.get("/p/city/x").await.status, 200);
    assert_eq!(world.get("/p/city").await.json()["health"]["state"], "ok");
}

#[tokio::test]
async fn a_portal_that_asks_for_a_pause_gets_it() {
    for status in [429, 503] {
        let portal =
            FakePortal::new(move |_| Reply::http(status, "Retry-After: 60\r\n", "slow")).await;
        let world = World::city(&portal).await;
        let asked = world.get("/p/city/x").await;
        assert_eq!((asked.status, &*asked.problem()), (503, "portal-suspended"), "{status}");
        assert_eq!(asked.json()["portal_status"], status);
        let wait = asked.field("retry-after").and_then(|w| w.parse::<u64>().ok());
        assert!(wait.is_some_and(|w| (60..=61).contains(&w)), "{wait:?}");
        assert_eq!(world.get("/p/city/y").await.status, 503);
        assert_eq!(portal.targets().len(), 1);
        world.clock.advance(Duration::from_secs(61));
        world.get("/p/city/y").await;
        assert_eq!(portal.targets().len(), 2);
    }
}

#[tokio::test]
async fn a_portals_concurrency_is_bounded_and_the_rest_is_told_to_come_back() {
    let portal = FakePortal::new(|_| Reply::default().then_silence()).await;
    let yaml = format!(
        "{}    limits: {{ concurrency: 1, queue: 0, first_byte_time: 10s }}\n",
        city(&portal)
    );
    let world = World::with(&yaml).await;
    let client = world.client;
    let first = tokio::spawn(async move { client.get("/p/city/a").await });
    portal.has_received(1).await;
    let answer = world.get("/p/city/b").await;
    assert_eq!((answer.status, &*answer.problem()), (503, "busy"));
    assert_eq!(answer.field("retry-after"), Some("1"));
    first.abort();
}

#[tokio::test]
async fn a_refused_request_makes_no_connection() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    for (method, target, fields, status, kind) in [
        ("GET", "/p/city/../admin", "", 400, "invalid-path"),
        ("GET", "/p/city/%2e%2e/admin", "", 400, "invalid-path"),
        ("GET", "/p/city/..%2f..%2fadmin", "", 400, "invalid-path"),
        ("GET", "/p/city/a%5c..%5cb", "", 400, "invalid-path"),
        ("GET", "/p/city/a%00b", "", 400, "invalid-path"),
        ("GET", "/p/city/a%0d%0aX:%201", "", 400, "invalid-path"),
        ("GET", "/p/nobody/x", "", 404, "unknown-portal"),
        ("GET", "/p/City/x", "", 404, "unknown-portal"),
        ("GET", "/p/c%69ty/x", "", 404, "unknown-portal"),
        ("GET", "/p/city/x", "CDN-Loop: a, unpad; v=1\r\n", 508, "loop-detected"),
        ("GET", "/p/city/x", "Via: 1.1 a, 1.1 unpad\r\n", 508, "loop-detected"),
        ("GET", "/p/city/x", "Content-Length: 1\r\n\r\nx", 400, "bad-request"),
        ("DELETE", "/p/city/x", "", 405, "about:blank"),
        ("TRACE", "/p/city/x", "", 405, "about:blank"),
    ] {
        let answer = world.client.request(method, target, fields).await;
        assert_eq!((answer.status, &*answer.problem()), (status, kind), "{method} {target}");
    }
    assert_eq!(portal.connections(), 0);
}

#[tokio::test]
async fn a_portal_that_answers_and_then_stalls_is_suspended() {
    let portal = FakePortal::new(|_| Reply::raw("HTTP/1.1 200 OK\r\n\r\n{").then_silence()).await;
    let yaml = format!("{}    limits: {{ idle_time: 20ms }}\n", city(&portal));
    let world = World::with(&yaml).await;
    for n in 0..5 {
        assert_eq!(world.get(&format!("/p/city/{n}")).await.problem(), "portal-timeout");
    }
    assert_eq!(world.get("/p/city/x").await.problem(), "portal-suspended");
}

#[tokio::test]
async fn what_is_no_failure_of_the_portals_ends_its_suspension() {
    let portal = FakePortal::new(|_| Reply::html(502, "<h1>")).await;
    let world = World::city(&portal).await;
    for n in 0..5 {
        world.get(&format!("/p/city/{n}")).await;
    }
    assert_eq!(world.get("/p/city/x").await.problem(), "portal-suspended");
    portal.now(|request| {
        if request.target.contains("moved") {
            Reply::http(302, "Location: https://elsewhere.example/\r\n", "")
        } else {
            Reply::ckan(format!("{}(1);", request.callback()))
        }
    });
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.get("/p/city/moved").await.problem(), "portal-failed");
    assert_eq!(world.get("/p/city/x").await.status, 200);
}

#[tokio::test]
async fn waiting_for_a_turn_is_not_the_portals_failure() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = FakePortal::new(move |request| {
        Reply::ckan(format!("{}(1);", request.callback())).behind(&held)
    })
    .await;
    let world = World::with(&format!(
        "{}    limits: {{ concurrency: 1, queue_time: 20ms }}\n",
        city(&portal)
    ))
    .await;
    let client = world.client;
    let long = tokio::spawn(async move { client.get("/p/city/long").await });
    portal.has_received(1).await;
    for n in 0..6 {
        assert_eq!(world.get(&format!("/p/city/short/{n}")).await.problem(), "busy");
    }
    assert_eq!(world.get("/p/city").await.json()["health"]["state"], "ok");
    gate.open();
    assert_eq!(long.await.expect("an answer").status, 200);
}

#[tokio::test]
async fn received_bytes_are_limited_too() {
    let empty_member = gzip(b"").await;
    let reply = Reply::raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        .repeat(empty_member, 100_000);
    let (status, kind, _) = problem_with("json_bytes: 64 KiB", reply).await;
    assert_eq!((status, &*kind), (502, "response-too-large"));
}

#[tokio::test]
async fn layers_that_give_nothing_on_are_refused_and_hold_nobody_up() {
    // Megabytes of empty members, packed twice more: nothing comes out at the end.
    let members = gzip(b"").await.repeat(200_000);
    let bomb = gzip(&gzip(&members).await).await;
    assert!(bomb.len() < 20_000, "{}", bomb.len());
    let reply = Reply::http(200, "Content-Encoding: gzip, gzip, gzip\r\n", bomb);
    let (status, kind, _) = problem_of(reply).await;
    assert_eq!((status, &*kind), (502, "response-too-large"));
    // One layer of them is within every size; then time decides, and others are served meanwhile.
    let endless = Reply::raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")
        .send(&members)
        .then_silence();
    let portal = FakePortal::new(move |_| endless.clone()).await;
    let limits = "total_time: 300ms, first_byte_time: 10s";
    let world = World::with(&format!("{}    limits: {{ {limits} }}\n", city(&portal))).await;
    let client = world.client;
    let slow = tokio::spawn(async move { client.get("/p/city/x").await.problem() });
    portal.has_received(1).await;
    assert_eq!(world.get("/healthz").await.status, 200);
    assert_eq!(slow.await.expect("an answer"), "portal-timeout");
}

#[tokio::test]
async fn blanks_around_a_payload_are_no_part_of_it_however_many() {
    let portal = FakePortal::new(|request| {
        Reply::ckan(format!("{}({{}});{}", request.callback(), "\n".repeat(1 << 20)))
    })
    .await;
    let world = World::city(&portal).await;
    let answer = world.get("/p/city/x").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
}

#[tokio::test]
async fn more_codings_than_three_are_refused() {
    for (codings, expected) in [("gzip, gzip, gzip", 200), ("gzip, gzip, gzip, gzip", 502)] {
        let mut content = b"{}".to_vec();
        for _ in codings.split(',') {
            content = gzip(&content).await;
        }
        let reply = Reply::http(200, &format!("Content-Encoding: {codings}\r\n"), &content);
        let portal = FakePortal::new(move |_| reply.clone()).await;
        let answer = World::city(&portal).await.get("/p/city/x").await;
        assert_eq!(answer.status, expected, "{codings}: {answer}");
    }
}

#[tokio::test]
async fn interim_responses_are_no_answer() {
    let hints = "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n".repeat(3);
    let silent = Reply::raw(&hints).then_silence();
    let (status, kind, _) = problem_with("first_byte_time: 100ms", silent).await;
    assert_eq!((status, &*kind), (504, "portal-timeout"));
    let portal = FakePortal::new(move |_| {
        Reply::raw(&hints).send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    })
    .await;
    let answer = World::city(&portal).await.get("/p/city/x").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
    assert!(answer.field("link").is_some_and(|link| !link.contains("preload")), "{answer}");
}

#[tokio::test]
async fn a_redirect_to_a_named_host_is_judged_by_its_address_too() {
    let portal = FakePortal::padding("1").await;
    let inside = portal.beside([127, 0, 0, 2], |_| Reply::http(200, "", "\"inside\"")).await;
    let target = format!("{}/data/x", inside.origin());
    portal.now(move |_| Reply::http(302, &format!("Location: {target}\r\n"), ""));
    // The entry names the host, and no range that it lies in.
    let world = World::with(&format!("{}    downloads: [127.0.0.2]\n", city(&portal))).await;
    let answer = world.get("/p/city/x").await;
    assert_eq!((answer.status, &*answer.problem()), (502, "address-prohibited"));
    assert_eq!(portal.targets().len(), 1);
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn where_there_is_no_connection_none_is_tried_again_at_once() {
    // It hangs up, so no TLS handshake can succeed.
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let accepted = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&accepted);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let world = World::with(&format!(
        "portals:\n  city:\n    base: https://127.0.0.1:{port}/data\n    \
         allow_cidr: [\"127.0.0.1/32\"]\n"
    ))
    .await;
    assert_eq!(world.get("/p/city/x").await.problem(), "portal-unreachable");
    assert_eq!(accepted.load(Ordering::Relaxed), 1);
}
