//! Files: plain portals and CKAN's dumps and uploads, kept whole or passed through.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::portal::Gate;
use crate::support::{FakePortal, Reply, World, city, files};

#[tokio::test]
async fn a_file_passes_as_it_is_with_the_fields_that_are_allowed() {
    let portal = FakePortal::new(|_| {
        let fields = "Content-Type: text/csv; charset=utf-8\r\nETag: \"v1\"\r\n\
             Last-Modified: Sat, 21 Nov 2026 09:00:00 GMT\r\nCache-Control: max-age=60\r\n\
             Set-Cookie: a=b\r\nX-Frame-Options: DENY\r\nAccess-Control-Allow-Origin: https://x\r\n\
             Content-Security-Policy: none\r\nServer: apache\r\n";
        Reply::http(200, fields, "a,b\n1,2\n")
    })
    .await;
    let world = World::with(&files(&portal)).await;
    let answer = world.get("/p/files/data.csv?callback=x").await;
    insta::assert_snapshot!(
        answer.to_string().replace(&portal.origin(), "PORTAL").replace('\r', ""), @r#"
    200
    accept-ranges: bytes
    access-control-allow-origin: *
    access-control-expose-headers: Accept-Ranges, Age, Allow, Cache-Status, Content-Digest, Content-Disposition, Content-Encoding, Content-Length, Content-Range, Date, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, Unpad-Attribution, Unpad-Rewritten, Vary, X-SODA2-Fields, X-SODA2-Types
    cache-control: max-age=60
    cache-status: unpad; fwd=uri-miss; fwd-status=200; stored; ttl=60
    connection: close
    content-digest: sha-256=:SS1epJYFbxpqZZIkEDL6t2TDIVljF5MLT6Dh6Lw7dHA=:
    content-length: 8
    content-security-policy: default-src 'none'; sandbox
    content-type: text/csv; charset=utf-8
    cross-origin-resource-policy: cross-origin
    date: Sat, 21 Nov 2026 09:00:00 GMT
    etag: "v1"
    last-modified: Sat, 21 Nov 2026 09:00:00 GMT
    link: <PORTAL/data.csv?callback=x>; rel="via"
    timing-allow-origin: *
    x-content-type-options: nosniff
    x-robots-tag: noindex

    a,b
    1,2
    "#);
    assert_eq!(portal.targets(), ["/data.csv?callback=x"]);
    let again = world
        .client
        .request("GET", "/p/files/data.csv?callback=x", "If-None-Match: \"v1\"\r\n")
        .await;
    assert_eq!((again.status, portal.targets().len()), (304, 1));
}

#[tokio::test]
async fn what_a_browser_would_run_is_handed_over_as_a_download() {
    let portal = FakePortal::new(|_| Reply::html(200, "<script>alert(1)</script>")).await;
    let answer = World::with(&files(&portal)).await.get("/p/files/page.html").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("content-disposition"), Some("attachment"));
    assert_eq!(answer.field("content-security-policy"), Some("default-src 'none'; sandbox"));
    assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.field("set-cookie"), None);
}

#[tokio::test]
async fn a_media_type_that_is_none_is_bytes() {
    for said in ["text/html, text/csv", "nonsense", "text/<b>"] {
        let portal =
            FakePortal::new(move |_| Reply::http(200, &format!("Content-Type: {said}\r\n"), "x"))
                .await;
        let answer = World::with(&files(&portal)).await.get("/p/files/x").await;
        assert_eq!(answer.field("content-type"), Some("application/octet-stream"), "{said}");
    }
}

#[tokio::test]
async fn a_script_of_a_portals_is_text() {
    for said in [
        "text/javascript; charset=utf-8",
        "Application/JavaScript",
        "application/x-javascript",
        "text/ecmascript",
        "text/javascript1.5",
        "text/jscript",
    ] {
        let portal =
            FakePortal::new(move |_| Reply::http(200, &format!("Content-Type: {said}\r\n"), "x"))
                .await;
        let answer = World::with(&files(&portal)).await.get("/p/files/x.js").await;
        assert_eq!(answer.field("content-type"), Some("text/plain"), "{said}");
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
    }
}

#[tokio::test]
async fn a_plain_portals_errors_pass_with_their_status() {
    let portal =
        FakePortal::new(|_| Reply::http(404, "Content-Type: text/plain\r\n", "gone")).await;
    let answer = World::with(&files(&portal)).await.get("/p/files/x").await;
    assert_eq!((answer.status, answer.text().as_str()), (404, "gone"));
}

#[tokio::test]
async fn a_long_file_streams_through_and_is_not_stored() {
    let portal = FakePortal::new(|_| {
        Reply::raw(
            "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\nCache-Control: max-age=60\r\n\r\n",
        )
        .repeat([b'x'; 1000], 3000)
    })
    .await;
    let world = World::with(&format!("cache: {{ buffer: 64 KiB }}\n{}", files(&portal))).await;
    for _ in 0..2 {
        let answer = world.get("/p/files/big.bin").await;
        assert_eq!((answer.status, answer.content.len()), (200, 3_000_000));
        assert_eq!(answer.field("content-length"), Some("3000000"));
        assert_eq!(answer.field("cache-status"), Some("unpad; fwd=uri-miss; fwd-status=200"));
    }
    assert_eq!(portal.targets().len(), 2);
}

#[tokio::test]
async fn a_long_file_of_unknown_length_streams_through() {
    let portal = FakePortal::new(|_| {
        Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .repeat(format!("3e8\r\n{}\r\n", "y".repeat(1000)), 500)
            .send("0\r\n\r\n")
    })
    .await;
    let world = World::with(&format!("cache: {{ buffer: 64 KiB }}\n{}", files(&portal))).await;
    let answer = world.get("/p/files/big.bin").await;
    assert_eq!((answer.status, answer.content.len()), (200, 500_000));
}

#[tokio::test]
async fn a_long_file_that_breaks_off_does_not_end_properly() {
    let portal = FakePortal::new(|_| {
        Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .repeat(format!("3e8\r\n{}\r\n", "y".repeat(1000)), 500)
    })
    .await;
    let world = World::with(&format!("cache: {{ buffer: 64 KiB }}\n{}", files(&portal))).await;
    let mut stream = tokio::net::TcpStream::connect(world.address()).await.expect("a connection");
    let request = "GET /p/files/big.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all).await;
    assert!(!all.ends_with(b"0\r\n\r\n"), "a cut file must not look complete");
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_or_cut_but_never_looks_complete() {
    let limits = "    limits: { file_bytes: 100 kB }\n";
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n";
    let portal = FakePortal::new(move |_| Reply::raw(announced).then_silence()).await;
    let yaml = format!("cache: {{ buffer: 64 KiB }}\n{}{limits}", files(&portal));
    let world = World::with(&yaml).await;
    assert_eq!(world.get("/p/files/x").await.problem(), "response-too-large");
    portal.now(|_| Reply::raw("HTTP/1.1 200 OK\r\n\r\n").repeat([b'x'; 1000], 1000));
    let answer = world.get("/p/files/y").await;
    assert_eq!(answer.field("transfer-encoding"), Some("chunked"));
    assert!(answer.content.len() <= 100_000, "{}", answer.content.len());
}

#[tokio::test]
async fn a_files_head_is_asked_for_as_such() {
    let portal = FakePortal::new(|_| {
        Reply::raw(
            "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\nContent-Type: text/csv\r\n\r\n",
        )
    })
    .await;
    let world = World::with(&files(&portal)).await;
    let answer = world.client.request("HEAD", "/p/files/big.csv", "").await;
    assert_eq!((answer.status, answer.field("content-length")), (200, Some("1000000000")));
    assert!(portal.received()[0].head.starts_with("HEAD "));
}

#[tokio::test]
async fn a_stored_file_is_validated_with_the_portals_own_validators() {
    let portal = FakePortal::new(|request| {
        let fields = "ETag: \"v1\"\r\nLast-Modified: Sat, 21 Nov 2026 09:00:00 GMT\r\n\
             Cache-Control: max-age=60\r\n";
        if request.field("if-none-match") == Some("\"v1\"") {
            Reply::raw(format!("HTTP/1.1 304 X\r\n{fields}\r\n"))
        } else {
            Reply::http(200, fields, "content")
        }
    })
    .await;
    let world = World::with(&files(&portal)).await;
    world.get("/p/files/x").await;
    world.clock.advance(std::time::Duration::from_secs(61));
    let answer = world.get("/p/files/x").await;
    assert_eq!(answer.text(), "content");
    let status = answer.field("cache-status");
    assert_eq!(status, Some("unpad; fwd=stale; fwd-status=304; stored; ttl=60"));
    let since = portal.received()[1].field("if-modified-since").map(str::to_owned);
    assert_eq!(since.as_deref(), Some("Sat, 21 Nov 2026 09:00:00 GMT"));
    assert!(world.get("/p/files/x").await.field("cache-status").is_some_and(|s| s.contains("hit")));
}

#[tokio::test]
async fn ckans_dumps_and_uploads_are_files() {
    let portal =
        FakePortal::new(|_| Reply::http(200, "Content-Type: text/csv\r\n", "a\r\n1\n")).await;
    let world = World::with(&city(&portal)).await;
    for path in ["/datastore/dump/0-1?bom=true", "/dataset/a/resource/b/download/c.csv"] {
        let answer = world.get(&format!("/p/city{path}")).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "a\r\n1\n"), "{path}");
        assert_eq!(answer.field("content-type"), Some("text/csv"));
    }
    assert!(portal.targets().iter().all(|t| !t.contains("callback")));
}

#[tokio::test]
async fn a_304_that_is_about_another_response_does_not_confirm_the_stored_one() {
    let portal = FakePortal::new(|request| match request.field("if-none-match") {
        Some(_) => Reply::raw("HTTP/1.1 304 X\r\nETag: \"v2\"\r\n\r\n"),
        None => Reply::http(200, "ETag: \"v1\"\r\nCache-Control: max-age=60\r\n", "content"),
    })
    .await;
    let world = World::with(&files(&portal)).await;
    world.get("/p/files/x").await;
    world.clock.advance(std::time::Duration::from_secs(61));
    let answer = world.get("/p/files/x").await;
    let status = answer.field("cache-status");
    assert_eq!(status, Some("unpad; fwd=stale; fwd-status=200; stored; ttl=60"));
    assert_eq!(portal.targets().len(), 3);
}

#[tokio::test]
async fn head_says_only_lengths_that_are_true() {
    let portal = FakePortal::new(|_| {
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 77\r\n\r\n")
    })
    .await;
    let world = World::with(&files(&portal)).await;
    let coded = world.client.request("HEAD", "/p/files/x.csv", "").await;
    assert_eq!((coded.status, coded.field("content-length")), (200, None));
    portal.now(|_| Reply::raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
    let unknown = world.client.request("HEAD", "/p/files/z.csv", "").await;
    assert_eq!((unknown.status, unknown.field("content-length")), (200, None));
    portal.now(|_| Reply::http(200, "ETag: \"v\"\r\nCache-Control: max-age=9\r\n", "content"));
    world.get("/p/files/y").await;
    let fields = "If-None-Match: \"v\"\r\n";
    let unchanged = world.client.request("HEAD", "/p/files/y", fields).await;
    assert_eq!((unchanged.status, unchanged.field("content-length")), (304, None));
}

#[tokio::test]
async fn a_head_in_the_stale_window_does_not_validate() {
    let portal = FakePortal::new(|_| {
        let fields = "Cache-Control: max-age=1, stale-while-revalidate=60\r\n";
        Reply::http(200, fields, "content")
    })
    .await;
    let world = World::with(&files(&portal)).await;
    world.get("/p/files/x").await;
    world.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(world.client.request("HEAD", "/p/files/x", "").await.status, 200);
    assert_eq!(portal.targets().len(), 1);
}

#[tokio::test]
async fn a_slow_file_streams_instead_of_failing() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = FakePortal::new(move |_| {
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n1234").then_gate(&held).send("5678")
    })
    .await;
    let yaml = format!("{}    limits: {{ buffer_time: 50ms, total_time: 60ms }}\n", files(&portal));
    let world = World::with(&yaml).await;
    let mut stream = tokio::net::TcpStream::connect(world.address()).await.expect("a connection");
    let request = "GET /p/files/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut all = Vec::new();
    while !all.ends_with(b"1234") {
        all.push(stream.read_u8().await.expect("the first half"));
    }
    gate.open();
    stream.read_to_end(&mut all).await.expect("the second half");
    assert!(all.ends_with(b"12345678"));
}

#[tokio::test]
async fn a_guess_at_freshness_does_not_win_over_the_operator() {
    let portal = FakePortal::new(|_| {
        Reply::http(200, "Last-Modified: Sat, 21 Nov 2026 08:59:50 GMT\r\n", "x")
    })
    .await;
    let world =
        World::with(&format!("{}    freshness: {{ default: 10m }}\n", files(&portal))).await;
    let status = world.get("/p/files/x").await.field("cache-status").map(str::to_owned);
    assert!(status.is_some_and(|s| s.ends_with("ttl=600")));
}

#[tokio::test]
async fn a_long_error_page_does_not_uncover_what_is_stored() {
    let portal =
        FakePortal::new(|_| Reply::http(200, "Cache-Control: max-age=1\r\n", "content")).await;
    let world = World::with(&format!("cache: {{ buffer: 1 KiB }}\n{}", files(&portal))).await;
    world.get("/p/files/x").await;
    portal.now(|_| Reply::http(500, "", vec![b'x'; 10_000]));
    for _ in 0..2 {
        world.clock.advance(std::time::Duration::from_secs(10));
        assert_eq!(world.get("/p/files/x").await.text(), "content");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_is_not_believed() {
    let portal = FakePortal::new(|_| {
        let fields = "Cache-Control: max-age=60\r\nContent-Length: 2\r\n\
                      Transfer-Encoding: chunked\r\n";
        Reply::raw(format!("HTTP/1.1 200 OK\r\n{fields}\r\n5\r\nabcde\r\n0\r\n\r\n"))
    })
    .await;
    let world = World::with(&files(&portal)).await;
    for method in ["GET", "HEAD"] {
        let answer = world.client.request(method, "/p/files/x", "").await;
        assert_eq!((answer.status, answer.field("content-length")), (200, Some("5")), "{method}");
        assert_eq!(answer.text(), if method == "GET" { "abcde" } else { "" });
    }
}
