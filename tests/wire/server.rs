//! The server's side: connections, heads, methods, draining, operations.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::portal::Gate;
use crate::support::{FakePortal, Reply, World, city};

/// How long a test waits for what must happen before it fails instead of hanging.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// Reads until the gateway closes; what it said before.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said).await;
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn a_request_without_exactly_one_valid_host_is_refused() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    for hosts in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a b\r\n",
        "Host: a@b\r\n",
        "Host: a/b\r\n",
        "Host: \r\n",
        "Host: :80\r\n",
        "Host: a:b\r\n",
        "Host: a:99999\r\n",
    ] {
        let request = format!("GET /p/city/x HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n");
        let answer = world.client.raw(request).await;
        assert_eq!((answer.status, &*answer.problem()), (400, "bad-request"), "{hosts:?}");
        assert_eq!(answer.field("access-control-allow-origin"), Some("*"));
    }
    assert_eq!(portal.connections(), 0);
}

#[tokio::test]
async fn http_1_0_needs_no_host() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    assert_eq!(world.client.raw("GET /healthz HTTP/1.0\r\n\r\n").await.status, 200);
    let two = "GET /healthz HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n";
    assert_eq!(world.client.raw(two).await.status, 400);
}

#[tokio::test]
async fn methods_outside_the_list_are_405_with_the_list() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "get"] {
        let answer = world.client.request(method, "/p/city/x", "").await;
        assert_eq!((answer.status, answer.field("allow")), (405, Some("GET, HEAD, OPTIONS")));
    }
}

#[tokio::test]
async fn odd_request_targets_are_answered_and_not_a_panic() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    for (line, status) in [
        ("OPTIONS *", 204),
        ("GET *", 404),
        ("GET http://evil.example/p/city/x", 200),
        ("GET http://evil.example", 200),
        ("GET /p", 404),
        ("GET /p/", 404),
        ("GET /p//x", 404),
        ("CONNECT a:1", 405),
    ] {
        let request = format!("{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = world.client.raw(request).await;
        assert_eq!(answer.status, status, "{line}");
    }
}

#[tokio::test]
async fn silent_and_slow_connections_are_closed() {
    let portal = FakePortal::padding("1").await;
    let yaml = format!("server: {{ header_time: 100ms, idle_time: 100ms }}\n{}", city(&portal));
    let world = World::with(&yaml).await;
    for begun in ["", "GET /p/city", "GET / HTTP/1.1\r\nHost: a\r\n", "PRI * HTTP/2.0\r\n"] {
        let mut stream = TcpStream::connect(world.address()).await.expect("a connection");
        stream.write_all(begun.as_bytes()).await.expect("sent");
        let said = until_closed(stream).await;
        assert!(!said.contains("200 OK"), "{begun:?}: {said}");
    }
    // An idle connection after an answer.
    let mut stream = TcpStream::connect(world.address()).await.expect("a connection");
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    assert!(until_closed(stream).await.ends_with("ok\n"));
}

#[tokio::test]
async fn an_answer_that_takes_longer_than_the_deadlines_for_requests_is_given() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = FakePortal::new(move |request| {
        Reply::ckan(format!("{}(1);", request.callback())).behind(&held)
    })
    .await;
    let yaml = format!("server: {{ header_time: 50ms, idle_time: 50ms }}\n{}", city(&portal));
    let world = World::with(&yaml).await;
    let client = world.client;
    let slow = tokio::spawn(async move { client.get("/p/city/x").await });
    portal.has_received(1).await;
    // A connection that is closed for silence shows that the deadline has passed.
    let silent = TcpStream::connect(world.address()).await.expect("a connection");
    until_closed(silent).await;
    gate.open();
    assert_eq!(slow.await.expect("an answer").text(), "1");
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_closed() {
    let portal = FakePortal::new(|_| {
        Reply::raw("HTTP/1.1 200 OK\r\n\r\n").repeat(vec![b'x'; 1 << 16], 1_000_000)
    })
    .await;
    let world = World::with(&format!(
        "server: {{ stall_time: 100ms }}\n{}    dialect: plain\n",
        city(&portal)
    ))
    .await;
    let mut stream = TcpStream::connect(world.address()).await.expect("a connection");
    stream.write_all(b"GET /p/city/big HTTP/1.1\r\nHost: a\r\n\r\n").await.expect("sent");
    // Nothing is read. The portal would send for ever; that it stops shows that the gateway let go.
    let let_go = tokio::time::timeout(PATIENCE, portal.has_ended(1)).await;
    assert!(let_go.is_ok(), "the connection was kept");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(100_000));
    let answer = world.client.try_raw(long).await;
    assert!(answer.is_none_or(|a| matches!(a.status, 414 | 431)));
    // Each of these is within what the server would take by itself.
    for fields in [format!("X-A: {}\r\n", "a".repeat(100_000)), "X-A: 1\r\n".repeat(80)] {
        let head = format!("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n");
        let answer = world.client.try_raw(head).await;
        assert!(answer.is_none_or(|a| a.status == 431), "{} bytes of fields", fields.len());
    }
    for fields in [format!("X-A: {}\r\n", "a".repeat(20_000)), "X-A: 1\r\n".repeat(60)] {
        assert_eq!(world.client.request("GET", "/healthz", &fields).await.status, 200);
    }
}

#[tokio::test]
async fn connections_over_the_cap_wait_for_a_place() {
    let portal = FakePortal::padding("1").await;
    let world = World::with(&format!("server: {{ connections: 1 }}\n{}", city(&portal))).await;
    let first = TcpStream::connect(world.address()).await.expect("a connection");
    let client = world.client;
    let mut second = tokio::spawn(async move { client.get("/healthz").await });
    let early = tokio::time::timeout(std::time::Duration::from_millis(100), &mut second).await;
    assert!(early.is_err(), "answered although the only place is taken");
    drop(first);
    assert_eq!(second.await.expect("an answer").status, 200);
}

#[tokio::test]
async fn an_answer_under_way_is_finished_when_the_process_is_asked_to_end() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = FakePortal::new(move |request| {
        Reply::ckan(format!("{}(1);", request.callback())).behind(&held)
    })
    .await;
    let mut world = World::city(&portal).await;
    let client = world.client;
    let asked = tokio::spawn(async move { client.get("/p/city/x").await });
    portal.has_received(1).await;
    world.stop();
    // The listener is closed before the answer is given.
    while TcpStream::connect(world.address()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    gate.open();
    let answer = asked.await.expect("an answer");
    assert_eq!((answer.text().as_str(), answer.field("connection")), ("1", Some("close")));
    world.stop().await.expect("the server ended");
}

#[tokio::test]
async fn operations_are_told_apart_and_cheap() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    for (path, text) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let answer = world.get(path).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, text));
        assert_eq!(answer.field("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn metrics_have_labels_from_fixed_sets_only() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    for target in ["/p/city/x", "/p/city/x", "/p/evil%22label/x", "/nothing?evil", "/p/city/../y"] {
        world.get(target).await;
    }
    world.client.request("EVIL", "/p/city/x", "").await;
    let metrics = world.get("/metrics").await.text();
    assert!(!metrics.contains("evil") && !metrics.contains("EVIL"));
    for line in [
        "unpad_answers_total{portal=\"city\",status=\"2xx\"} 2",
        "unpad_answers_total{portal=\"city\",status=\"4xx\"} 2",
        "unpad_answers_total{portal=\"-\",status=\"4xx\"} 2",
        "unpad_cache_results_total{portal=\"city\",result=\"hit\"} 1",
        "unpad_problems_total{portal=\"city\",problem=\"invalid-path\"} 1",
        "unpad_problems_total{portal=\"-\",problem=\"unknown-portal\"} 1",
        "unpad_requests_total{method=\"other\"} 1",
        "unpad_sent_bytes_total{portal=\"city\"} ",
        "unpad_portal_fetches_total{portal=\"city\",outcome=\"answered\"} 1",
        "unpad_portal_received_bytes_total{portal=\"city\"} ",
        "unpad_portal_fetching{portal=\"city\"} 0",
        "unpad_cache_memory_entries ",
        "unpad_draining 0",
        "unpad_panics_total 0",
        "process_open_fds ",
        "process_max_fds ",
        "unpad_portal_suspended{portal=\"city\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn a_head_that_drips_has_no_more_time_than_one_that_stops() {
    let portal = FakePortal::padding("1").await;
    let yaml = format!("server: {{ header_time: 200ms, idle_time: 200ms }}\n{}", city(&portal));
    let world = World::with(&yaml).await;
    let mut stream = TcpStream::connect(world.address()).await.expect("a connection");
    stream.write_all(b"GET /p/city/x HTTP/1.1\r\nHost: a\r\nX-Slow: ").await.expect("sent");
    let drips = async {
        let between = std::time::Duration::from_millis(20);
        // A byte, and a look whether the gateway has had enough.
        while stream.write_all(b"x").await.is_ok() {
            if tokio::time::timeout(between, stream.read_u8()).await.is_ok() {
                break;
            }
        }
    };
    assert!(tokio::time::timeout(PATIENCE, drips).await.is_ok(), "the connection was kept");
    assert_eq!(portal.connections(), 0);
}

#[tokio::test]
async fn content_is_refused_however_it_is_announced() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    for method in ["GET", "HEAD", "OPTIONS"] {
        for content in [
            "Content-Length: 1\r\n\r\nx",
            "Content-Length: 00\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ] {
            let request = format!("{method} /p/city/x HTTP/1.1\r\nHost: a\r\n{content}");
            let answered = tokio::time::timeout(PATIENCE, world.client.raw(request)).await;
            let answer = answered.expect("an answer, and the end of the connection");
            assert_eq!(answer.status, 400, "{method} {content:?}");
            assert_eq!(answer.field("connection"), Some("close"), "{method} {content:?}");
        }
    }
    assert_eq!(portal.connections(), 0);
    assert_eq!(world.client.request("GET", "/p/city/x", "Content-Length: 0\r\n").await.status, 200);
}

#[tokio::test]
async fn content_that_does_not_arrive_in_time_is_not_waited_for() {
    let portal = FakePortal::padding("1").await;
    let world = World::with(&format!("server: {{ content_time: 100ms }}\n{}", city(&portal))).await;
    let request = "POST /p/city/api/3/action/package_show HTTP/1.1\r\nHost: a\r\n\
                   Connection: close\r\nContent-Type: application/json\r\n\
                   Content-Length: 100\r\n\r\n{\"id\":";
    let answered = tokio::time::timeout(PATIENCE, world.client.raw(request)).await;
    assert_eq!(answered.expect("an answer in time").status, 408);
    assert_eq!(portal.connections(), 0);
}
