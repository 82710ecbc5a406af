//! What can be seen of a request from outside: its id, how long it took, why it failed, what is counted.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use unpad::clock::{Clock, ManualClock};

use crate::support::portal::Gate;
use crate::support::{Answer, Directory, FakePortal, Reply, World, city, until};

fn id(answer: &Answer) -> String {
    answer.field("x-request-id").expect("an id").to_owned()
}

#[tokio::test]
async fn every_answer_has_an_id_of_its_own_and_a_problem_repeats_it() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    let mut ids = HashSet::new();
    for (method, target, status) in [
        ("GET", "/p/city/x", 200),
        ("GET", "/p/city/x", 200),
        ("HEAD", "/p/city/x", 200),
        ("OPTIONS", "/p/city/x", 204),
        ("GET", "/healthz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/p/nobody/x", 404),
        ("GET", "/p/city/..", 400),
        ("POST", "/p/city/x", 405),
        ("GET", "/nothing", 404),
    ] {
        let answer = world.client.request(method, target, "").await;
        assert_eq!(answer.status, status, "{method} {target}");
        assert!(ids.insert(id(&answer)), "{method} {target}: an id for the second time");
        if status >= 400 {
            assert_eq!(answer.json()["request_id"], id(&answer), "{method} {target}");
        }
    }
}

#[tokio::test]
async fn an_id_that_a_server_in_front_gave_is_kept_if_it_is_harmless() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    let given = "6f1c2a4e-93b0-4d57-8f6a-2f0c1d7f9b3e";
    for target in ["/p/city/x", "/p/city/x", "/p/nobody/x"] {
        let field = format!("X-Request-Id: {given}\r\n");
        assert_eq!(id(&world.client.request("GET", target, &field).await), given);
    }
    for harmful in ["short", "a b c d e f g h", "\"quoted-id\"", &"x".repeat(65), "<script>1234"] {
        let field = format!("X-Request-Id: {harmful}\r\n");
        let answer = world.client.request("GET", "/p/nobody/x", &field).await;
        assert_ne!(id(&answer), *harmful);
        assert!(!answer.text().contains(harmful), "{harmful}");
    }
}

#[tokio::test]
async fn an_id_of_the_portals_is_not_taken_for_the_requests() {
    let portal = FakePortal::new(|_| {
        Reply::http(200, "X-Request-Id: of-the-portal\r\nCache-Control: max-age=60\r\n", "1")
    })
    .await;
    let yaml =
        format!("{}    dialect: transparent\n    dangerous_transparent: true\n", city(&portal));
    let world = World::with(&yaml).await;
    let (first, second) = (world.get("/p/city/x").await, world.get("/p/city/x").await);
    assert_eq!(second.field("age"), Some("0"));
    assert_ne!(id(&first), id(&second));
    assert!(id(&first) != "of-the-portal" && id(&second) != "of-the-portal");
}

#[tokio::test]
async fn an_answer_tells_how_long_it_took_and_the_portal_of_it() {
    let clock = Arc::new(std::sync::OnceLock::<Arc<ManualClock>>::new());
    let moved = Arc::clone(&clock);
    let portal = FakePortal::new(move |request| {
        moved.get().expect("a clock").advance(Duration::from_micros(123_450));
        Reply::ckan(format!("{}(1);", request.callback()))
    })
    .await;
    let world = World::city(&portal).await;
    clock.set(Arc::clone(&world.clock)).expect("once");
    for (target, told) in [
        ("/p/city/x", "cache;desc=uri-miss, portal;dur=123.45, total;dur=123.45"),
        ("/p/city/x", "cache;desc=hit, total;dur=0"),
        ("/p/nobody/x", "total;dur=0.00"),
        ("/portals", "total;dur=0.00"),
    ] {
        let answer = world.get(target).await;
        assert_eq!(answer.field("server-timing"), Some(told), "{target}");
        assert_eq!(answer.field("timing-allow-origin"), Some("*"), "{target}");
    }
}

#[tokio::test]
async fn who_may_not_read_an_answer_may_not_time_it() {
    let portal = FakePortal::padding("1").await;
    let yaml = format!("cors: {{ origins: [\"https://class.example\"] }}\n{}", city(&portal));
    let world = World::with(&yaml).await;
    for (origin, told) in [
        ("Origin: https://class.example\r\n", Some("https://class.example")),
        ("Origin: https://other.example\r\n", None),
        ("", None),
    ] {
        let answer = world.client.request("GET", "/p/city/x", origin).await;
        assert_eq!(answer.field("timing-allow-origin"), told, "{origin}");
    }
}

#[tokio::test]
async fn what_a_portal_did_is_told_in_the_words_of_the_registry() {
    for (reply, told) in [
        (Reply::html(500, "<h1>no</h1>"), "unpad;received-status=500;details=\"portal-failed\""),
        (Reply::html(200, "<h1>no</h1>"), "unpad;received-status=200;details=\"not-jsonp\""),
        (
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"),
            "unpad;error=http_response_incomplete;details=\"response-incomplete\"",
        ),
        (Reply::raw(""), "unpad;error=connection_terminated;details=\"portal-unreachable\""),
        (
            Reply::raw("no HTTP at all\r\n\r\n"),
            "unpad;error=http_protocol_error;details=\"portal-failed\"",
        ),
        (
            Reply::http(200, "Content-Encoding: lzma\r\n", "x"),
            "unpad;error=http_response_content_coding;details=\"portal-failed\"",
        ),
        (
            Reply::http(302, "Location: https://elsewhere.example/\r\n", ""),
            "unpad;received-status=302;details=\"portal-failed\"",
        ),
        (
            Reply::http(503, "Retry-After: 7\r\n", ""),
            "unpad;error=destination_unavailable;received-status=503;details=\"portal-suspended\"",
        ),
    ] {
        let portal = FakePortal::new(move |_| reply.clone()).await;
        let world = World::city(&portal).await;
        let answer = world.get("/p/city/x").await;
        assert_eq!(answer.field("proxy-status"), Some(told), "{answer}");
    }
}

#[tokio::test]
async fn what_is_refused_is_told_as_a_proxys_and_what_is_ours_is_not() {
    let portal = FakePortal::padding("1").await;
    let yaml = format!(
        "{}  inside:\n    base: http://127.0.0.1:9/\n  gone:\n    base: http://gone.invalid/\n  closed:\n    \
         base: http://127.0.0.1:9/\n    allow_cidr: [\"127.0.0.1/32\"]\n",
        city(&portal)
    );
    let world = World::with(&yaml).await;
    for (method, target, fields, told) in [
        ("GET", "/p/nobody/x", "", Some("error=destination_not_found;details=\"unknown-portal\"")),
        ("GET", "/p/city/..", "", Some("error=http_request_error;details=\"invalid-path\"")),
        ("PUT", "/p/city/x", "", Some("error=http_request_error")),
        (
            "GET",
            "/http://a.example/",
            "",
            Some("error=http_request_denied;details=\"target-not-allowed\""),
        ),
        (
            "GET",
            "/p/city/x",
            "CDN-Loop: unpad\r\n",
            Some("error=proxy_loop_detected;details=\"loop-detected\""),
        ),
        (
            "GET",
            "/p/city/x",
            "Cache-Control: only-if-cached\r\n",
            Some("error=proxy_internal_response"),
        ),
        (
            "GET",
            "/p/inside/x",
            "",
            Some("error=destination_ip_prohibited;details=\"address-prohibited\""),
        ),
        ("GET", "/p/gone/x", "", Some("error=dns_error;details=\"portal-unresolvable\"")),
        ("GET", "/p/closed/x", "", Some("error=connection_refused;details=\"portal-unreachable\"")),
        ("GET", "/p/city/x", "", None),
        ("GET", "/p/city/x", "", None),
        ("GET", "/nothing", "", None),
        ("PUT", "/portals", "", None),
        ("GET", "/portals", "", None),
    ] {
        let answer = world.client.request(method, target, fields).await;
        let told = told.map(|told| format!("unpad;{told}"));
        assert_eq!(answer.field("proxy-status"), told.as_deref(), "{method} {target}");
    }
}

#[tokio::test]
async fn our_own_data_cannot_run_as_a_page() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    for target in [
        "/portals",
        "/status",
        "/p/city",
        "/openapi.json",
        "/problems",
        "/nothing",
        "/p/city/..",
        "/metrics",
    ] {
        let answer = world.get(target).await;
        let policy = Some("default-src 'none'; sandbox");
        assert_eq!(answer.field("content-security-policy"), policy, "{target}");
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"), "{target}");
        let resource = if target == "/metrics" { "same-origin" } else { "cross-origin" };
        assert_eq!(answer.field("cross-origin-resource-policy"), Some(resource), "{target}");
    }
    let page = world.get("/").await;
    assert!(
        page.field("content-security-policy").is_some_and(|policy| policy.contains("script-src"))
    );
}

#[tokio::test]
async fn no_page_may_read_what_is_counted() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    let origin = "Origin: https://page.example\r\n";
    let preflight = format!("{origin}Access-Control-Request-Method: GET\r\n");
    for (method, fields) in
        [("GET", origin), ("HEAD", origin), ("OPTIONS", &*preflight), ("PUT", origin)]
    {
        let answer = world.client.request(method, "/metrics", fields).await;
        let cors = answer
            .fields
            .iter()
            .find(|(name, _)| name.starts_with("access-control-") || name == "timing-allow-origin");
        assert_eq!(cors, None, "{method}");
    }
}

#[tokio::test]
async fn every_metric_is_explained_and_nothing_else() {
    let portal = FakePortal::padding("1").await;
    let directory = Directory::new();
    let world = World::with(&format!("{}{}", directory.yaml(), city(&portal))).await;
    for target in ["/p/city/x", "/p/city/x", "/p/nobody/x"] {
        world.get(target).await;
    }
    let text = world.get("/metrics").await.text();
    let mut told: Vec<_> = text
        .lines()
        .filter_map(|line| {
            let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
            Some(match kind {
                "counter" => format!("{name}_total"),
                "info" => format!("{name}_info"),
                _ => name.to_owned(),
            })
        })
        .collect();
    let named = include_str!("../../docs/operations.md");
    let mut explained: Vec<_> = named
        .lines()
        .filter_map(|line| {
            let name = line.strip_prefix("| `")?.split(['`', '{']).next()?;
            (name.starts_with("unpad_") || name.starts_with("process_")).then(|| name.to_owned())
        })
        .collect();
    told.sort();
    told.dedup();
    explained.sort();
    assert_eq!(told, explained);
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn what_the_disk_lost_is_counted() {
    let portal = FakePortal::padding("1").await;
    let directory = Directory::new();
    let yaml = format!("{}{}", directory.yaml(), city(&portal));
    let world = World::with(&yaml).await;
    world.get("/p/city/x").await;
    world.end().await;
    assert!(directory.damage("heads") > 0);
    let world = World::later(Duration::from_secs(1), &yaml, |_| {}, |composed| composed).await;
    assert_eq!(world.get("/p/city/x").await.status, 200);
    let metrics = world.get("/metrics").await.text();
    assert!(metrics.contains("unpad_cache_disk_damaged_total 1\n"), "{metrics}");
}

/// A clock that panics when it is read for the time it is armed for.
#[derive(Debug)]
struct Trap(Arc<ManualClock>, AtomicI64);

impl Trap {
    fn arm(&self, reading: i64) {
        self.1.store(reading, Ordering::SeqCst);
    }

    /// Whether it has gone off.
    fn disarm(&self) -> bool {
        self.1.swap(0, Ordering::SeqCst) <= 0
    }
}

impl Clock for Trap {
    fn now(&self) -> Instant {
        assert_ne!(self.1.fetch_sub(1, Ordering::SeqCst), 1, "the clock is a trap");
        self.0.now()
    }

    fn wall(&self) -> SystemTime {
        self.0.wall()
    }
}

async fn trapped(portal: &FakePortal) -> (World, Arc<Trap>) {
    let mut trap = None;
    let world = World::clocked(&city(portal), |clock| {
        let made = Arc::new(Trap(clock, AtomicI64::new(0)));
        trap = Some(Arc::clone(&made));
        made
    })
    .await;
    (world, trap.expect("a clock"))
}

#[tokio::test]
async fn a_panic_wherever_it_is_costs_one_request_which_is_answered() {
    let portal = FakePortal::padding("1").await;
    let (world, trap) = trapped(&portal).await;
    let mut failed = 0;
    for target in ["/p/city/a", "/p/city/b", "/p/city/c", "/healthz", "/p/nobody/x"] {
        // Each reading of the clock in turn, first on the way to the portal and then from what is stored.
        for reading in 1..=12 {
            trap.arm(reading);
            let answer = world
                .client
                .try_raw(format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
            let answer = answer.await.expect("an answer");
            let gone_off = trap.disarm();
            assert_eq!(answer.field("access-control-allow-origin"), Some("*"), "{answer}");
            assert!(answer.field("x-request-id").is_some(), "{answer}");
            if answer.status == 500 {
                assert!(gone_off, "{answer}");
                assert_eq!(answer.problem(), "internal", "{answer}");
                assert_eq!(answer.json()["request_id"], id(&answer));
                failed += 1;
            }
            let again = world.get(target).await;
            assert!(matches!(again.status, 200 | 404), "{target} {reading}: {again}");
        }
    }
    assert!(failed >= 10, "{failed} requests failed");
    let metrics = world.get("/metrics").await.text();
    assert!(!metrics.contains("unpad_panics_total 0\n"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_fetch_lets_all_who_wait_for_it_go() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = FakePortal::new(move |request| {
        Reply::ckan(format!("{}(1);", request.callback())).behind(&held)
    })
    .await;
    let (world, trap) = trapped(&portal).await;
    let client = world.client;
    let ask = move || tokio::spawn(async move { client.get("/p/city/x").await });
    let mut asking = vec![ask()];
    portal.has_received(1).await;
    asking.extend((0..3).map(|_| ask()));
    until("four connections", async || {
        // One of them is this.
        world.get("/metrics").await.text().contains("unpad_connections 5\n")
    })
    .await;
    trap.arm(1);
    gate.open();
    for asked in asking {
        let answer = asked.await.expect("an answer");
        assert!(matches!(answer.status, 200 | 500), "{answer}");
    }
    trap.disarm();
    assert_eq!(world.get("/p/city/x").await.status, 200);
}
