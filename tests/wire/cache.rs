//! The cache as clients see it: hits, ages, conditional requests, staleness, collapsing.

use std::time::Duration;

use crate::support::portal::Gate;
use crate::support::{Answer, FakePortal, Reply, World, city, until};

fn status(answer: &Answer) -> &str {
    answer.field("cache-status").unwrap_or_default()
}

async fn numbered() -> FakePortal {
    let count = std::sync::atomic::AtomicU32::new(0);
    FakePortal::new(move |request| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        Reply::ckan(format!("{}({n});", request.callback()))
    })
    .await
}

#[tokio::test]
async fn the_second_request_is_a_hit_that_tells_its_age() {
    let portal = numbered().await;
    let world = World::city(&portal).await;
    let first = world.get("/p/city/api/3/action/package_show?id=1").await;
    assert_eq!(status(&first), "unpad; fwd=uri-miss; fwd-status=200; stored; ttl=300");
    assert_eq!(first.field("age"), None);
    let said = "public, max-age=300, stale-while-revalidate=60, stale-if-error=604800";
    assert_eq!(first.field("cache-control"), Some(said));
    world.clock.advance(Duration::from_secs(12));
    let second = world.get("/p/city/api/3/action/package_show?id=1").await;
    assert_eq!((status(&second), second.field("age")), ("unpad; hit; ttl=288", Some("12")));
    assert_eq!((second.text().as_str(), second.field("date")), ("1", first.field("date")));
    assert_eq!(portal.targets().len(), 1);
}

#[tokio::test]
async fn ckan_actions_have_lifetimes_of_their_own_unless_the_registry_says_one() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    for (action, ttl) in [
        ("status_show", 3600),
        ("package_search", 300),
        ("datastore_search", 60),
        ("datastore_search_sql", 60),
    ] {
        let answer = world.get(&format!("/p/city/api/3/action/{action}")).await;
        assert!(status(&answer).ends_with(&format!("ttl={ttl}")), "{action}");
    }
    let said = World::with(&format!(
        "defaults: {{ freshness: {{ default: 7s }} }}\n{}    routes:\n\
         \x20     - path: ^/api/3/action/datastore_search$\n        freshness: {{ default: 2s }}\n",
        city(&portal)
    ))
    .await;
    for (action, ttl) in [("status_show", 7), ("datastore_search", 2), ("datastore_info", 7)] {
        let answer = said.get(&format!("/p/city/api/3/action/{action}")).await;
        assert!(status(&answer).ends_with(&format!("ttl={ttl}")), "{action}");
    }
}

#[tokio::test]
async fn a_client_that_has_it_gets_304() {
    let portal = FakePortal::padding("{}").await;
    let world = World::city(&portal).await;
    let etag = world.get("/p/city/x").await.field("etag").expect("an ETag").to_owned();
    for (sent, expected) in [
        (etag.clone(), 304),
        (format!("W/{etag}"), 304),
        (format!("\"other\", {etag}"), 304),
        ("*".to_owned(), 304),
        ("\"other\"".to_owned(), 200),
        (etag.trim_matches('"').to_owned(), 200),
    ] {
        let fields = format!("If-None-Match: {sent}\r\n");
        let answer = world.client.request("GET", "/p/city/x", &fields).await;
        assert_eq!(answer.status, expected, "{sent}");
        assert_eq!(answer.content.is_empty(), expected == 304, "{sent}");
        assert_eq!(answer.field("etag"), Some(&*etag), "{sent}");
    }
    assert_eq!(portal.targets().len(), 1);
}

#[tokio::test]
async fn a_stale_answer_is_served_while_it_is_validated() {
    let portal = numbered().await;
    let world = World::city(&portal).await;
    world.get("/p/city/x").await;
    world.clock.advance(Duration::from_secs(310));
    let stale = world.get("/p/city/x").await;
    assert_eq!(stale.text(), "1");
    assert_eq!(status(&stale), "unpad; hit; ttl=-10; detail=stale-while-revalidate");
    portal.has_received(2).await;
    // The background fetch has been answered when the next answer is the new one.
    loop {
        let fresh = world.get("/p/city/x").await;
        if fresh.text() == "2" {
            assert!(status(&fresh).starts_with("unpad; hit; ttl=300"));
            break;
        }
    }
    assert_eq!(portal.targets().len(), 2);
}

#[tokio::test]
async fn after_both_windows_the_portal_is_asked_again() {
    let portal = numbered().await;
    let world = World::city(&portal).await;
    world.get("/p/city/x").await;
    world.clock.advance(Duration::from_secs(361));
    let answer = world.get("/p/city/x").await;
    assert_eq!(answer.text(), "2");
    assert_eq!(status(&answer), "unpad; fwd=stale; fwd-status=200; stored; ttl=300");
}

#[tokio::test]
async fn a_portal_that_fails_is_covered_by_what_is_stored_for_seven_days() {
    let portal = numbered().await;
    let world = World::city(&portal).await;
    world.get("/p/city/x").await;
    for failure in [
        Reply::html(500, "<h1>Server Error</h1>"),
        Reply::ckan_error(500, "{\"success\": false}"),
        Reply::html(200, "<h1>Maintenance</h1>"),
        Reply::default().then_reset(),
    ] {
        world.clock.advance(Duration::from_secs(24 * 3600));
        portal.now(move |_| failure.clone());
        let answer = world.get("/p/city/x").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "1"));
        let said = status(&answer);
        assert!(said.starts_with("unpad; fwd=stale; ttl=-"), "{said}");
        assert!(said.ends_with("detail=stale-if-error"), "{said}");
        let age: u64 = answer.field("age").and_then(|a| a.parse().ok()).expect("an age");
        assert!(age >= 24 * 3600);
    }
    world.clock.advance(Duration::from_secs(4 * 24 * 3600));
    assert_eq!(world.get("/p/city/x").await.status, 502);
}

#[tokio::test]
async fn error_answers_are_kept_for_seconds_only() {
    let portal = FakePortal::new(|request| {
        let status = if request.target.contains("none") { 404 } else { 409 };
        Reply::ckan_error(status, "{}")
    })
    .await;
    let world = World::city(&portal).await;
    for (target, seconds) in [("/p/city/none", 30), ("/p/city/bad", 5)] {
        world.get(target).await;
        let before = portal.targets().len();
        world.clock.advance(Duration::from_secs(seconds - 1));
        world.get(target).await;
        assert_eq!(portal.targets().len(), before, "{target}");
        world.clock.advance(Duration::from_secs(1));
        world.get(target).await;
        assert_eq!(portal.targets().len(), before + 1, "{target}");
    }
}

#[tokio::test]
async fn problems_are_never_stored() {
    let portal = FakePortal::new(|_| Reply::html(200, "<h1>Login</h1>")).await;
    let world = World::city(&portal).await;
    let failed = world.get("/p/city/x").await;
    assert_eq!((failed.status, failed.field("cache-control")), (502, Some("no-store")));
    portal.now(|request| Reply::ckan(format!("{}(1);", request.callback())));
    assert_eq!(world.get("/p/city/x").await.status, 200);
}

#[tokio::test]
async fn what_the_portal_forbids_to_store_is_not_stored() {
    let portal = FakePortal::new(|request| {
        let content = format!("{}(1);", request.callback());
        Reply::http(200, "Cache-Control: private, max-age=60\r\n", content)
    })
    .await;
    let world = World::city(&portal).await;
    for _ in 0..2 {
        let answer = world.get("/p/city/x").await;
        assert_eq!(status(&answer), "unpad; fwd=uri-miss; fwd-status=200");
        assert_eq!(answer.field("cache-control"), Some("no-store"));
    }
    assert_eq!(portal.targets().len(), 2);
}

#[tokio::test]
async fn no_cache_validates_at_most_once_in_ten_seconds() {
    let portal = numbered().await;
    let world = World::city(&portal).await;
    world.get("/p/city/x").await;
    let reload =
        async || world.client.request("GET", "/p/city/x", "Cache-Control: no-cache\r\n").await;
    assert_eq!(reload().await.text(), "1");
    world.clock.advance(Duration::from_secs(10));
    let reloaded = reload().await;
    assert_eq!(reloaded.text(), "2");
    assert_eq!(status(&reloaded), "unpad; fwd=request; fwd-status=200; stored; ttl=300");
    assert_eq!(reload().await.text(), "2");
}

#[tokio::test]
async fn authorization_leaves_the_shared_cache_out() {
    let portal = numbered().await;
    let world = World::city(&portal).await;
    world.get("/p/city/x").await;
    let token = "Authorization: secret\r\n";
    let answer = world.client.request("GET", "/p/city/x", token).await;
    assert_eq!(answer.text(), "2");
    assert_eq!(status(&answer), "unpad; fwd=bypass; fwd-status=200");
    assert_eq!(portal.received()[1].field("authorization"), None);
    assert_eq!(world.get("/p/city/x").await.text(), "1");
}

#[tokio::test]
async fn only_if_cached_never_asks_the_portal() {
    let portal = numbered().await;
    let world = World::city(&portal).await;
    let fields = "Cache-Control: only-if-cached\r\n";
    assert_eq!(world.client.request("GET", "/p/city/x", fields).await.status, 504);
    assert_eq!(portal.connections(), 0);
}

#[tokio::test]
async fn requests_that_ask_for_the_same_share_one_entry() {
    let portal = numbered().await;
    let world = World::city(&portal).await;
    for target in ["/p/city/x?q=1", "/p/city/x?callback=a&q=1", "/p/city/x?q=1&_=17"] {
        assert_eq!(world.get(target).await.text(), "1", "{target}");
    }
    for target in ["/p/city/x?q=1&q=1", "/p/city/x?q=%31", "/p/city/x/?q=1", "/p/city/X?q=1"] {
        assert_ne!(world.get(target).await.text(), "1", "{target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn identical_misses_become_one_request() {
    let portal = FakePortal::padding("{}").await;
    let gate = Gate::closed();
    let held = gate.clone();
    portal.now(move |request| Reply::ckan(format!("{}({{}});", request.callback())).behind(&held));
    let world = World::city(&portal).await;
    let client = world.client;
    let asked: Vec<_> =
        (0..50).map(|_| tokio::spawn(async move { client.get("/p/city/x").await })).collect();
    portal.has_received(1).await;
    gate.open();
    for answer in asked {
        assert_eq!(answer.await.expect("an answer").status, 200);
    }
    assert_eq!(portal.targets().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_does_not_cancel_the_fetch() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = FakePortal::new(move |request| {
        Reply::ckan(format!("{}(1);", request.callback())).behind(&held)
    })
    .await;
    let world = World::city(&portal).await;
    let client = world.client;
    let impatient = tokio::spawn(async move { client.get("/p/city/x").await });
    portal.has_received(1).await;
    impatient.abort();
    let _ = impatient.await;
    let patient = tokio::spawn(async move { client.get("/p/city/x").await });
    gate.open();
    assert_eq!(patient.await.expect("an answer").text(), "1");
    assert_eq!(portal.targets().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_who_waits_learns_of_a_failure_and_the_next_request_tries_again() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = FakePortal::new(move |_| Reply::html(200, "<h1>").behind(&held)).await;
    let world = World::city(&portal).await;
    let client = world.client;
    let asked: Vec<_> =
        (0..20).map(|_| tokio::spawn(async move { client.get("/p/city/x").await })).collect();
    portal.has_received(1).await;
    gate.open();
    for answer in asked {
        assert_eq!(answer.await.expect("an answer").problem(), "not-jsonp");
    }
    portal.now(|request| Reply::ckan(format!("{}(1);", request.callback())));
    assert_eq!(world.get("/p/city/x").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiters_for_an_answer_that_may_not_be_shared_get_their_own() {
    let gate = Gate::closed();
    let held = gate.clone();
    let count = std::sync::atomic::AtomicU32::new(0);
    let portal = FakePortal::new(move |request| {
        let n = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let content = format!("{}({n});", request.callback());
        Reply::http(200, "Cache-Control: no-store\r\n", content).behind(&held)
    })
    .await;
    let world = World::city(&portal).await;
    let client = world.client;
    let asked: Vec<_> =
        (0..8).map(|_| tokio::spawn(async move { client.get("/p/city/x").await })).collect();
    portal.has_received(1).await;
    gate.open();
    let mut texts = Vec::new();
    for answer in asked {
        texts.push(answer.await.expect("an answer").text());
    }
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 8, "nobody got another's answer");
}

#[tokio::test]
async fn an_error_that_is_not_kept_does_not_uncover_what_is_stored() {
    let portal = numbered().await;
    let world = World::city(&portal).await;
    world.get("/p/city/x").await;
    world.clock.advance(Duration::from_secs(3600));
    for reply in [
        Reply::ckan_error(429, "{\"success\": false}"),
        Reply::ckan_error(522, "{\"success\": false}"),
        Reply::html(502, "<h1>"),
    ] {
        portal.now(move |_| reply.clone());
        let answer = world.get("/p/city/x").await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "1"));
        world.clock.advance(Duration::from_secs(30));
    }
}

#[tokio::test]
async fn what_the_portal_withdraws_is_forgotten() {
    let portal = numbered().await;
    let world = World::city(&portal).await;
    world.get("/p/city/x").await;
    world.clock.advance(Duration::from_secs(3600));
    portal.now(|_| Reply::ckan_error(401, "{\"success\": false}"));
    assert_eq!(world.get("/p/city/x").await.status, 401);
    portal.now(|_| Reply::html(500, "<h1>"));
    assert_eq!(world.get("/p/city/x").await.status, 502);
}

#[tokio::test]
async fn what_is_asked_for_again_and_again_is_still_told_apart_and_still_ages() {
    let portal = numbered().await;
    let town = city(&portal).replace("portals:\n", "").replace("city:", "town:");
    let world = World::with(&format!("{}{town}", city(&portal))).await;
    let targets = [
        "/p/city/a",
        "/p/town/a",
        "/p/city/a?b=1",
        "/p/city/a?B=1",
        "/p/city/a%3Fb=1",
        "/p/city//a",
    ];
    for _ in 0..4 {
        for (target, number) in targets.iter().zip(1..) {
            assert_eq!(world.get(target).await.text(), number.to_string(), "{target}");
        }
        // None of these is another question.
        assert_eq!(world.get("/p/city/a?").await.text(), "1");
        assert_eq!(world.get("/p/city/a?callback=f&_=7").await.text(), "1");
    }
    assert_eq!(portal.targets().len(), targets.len());
    let reload = world.client.request("GET", "/p/city/a", "Cache-Control: no-cache\r\n").await;
    assert_eq!((status(&reload), reload.text().as_str()), ("unpad; hit; ttl=300", "1"));
    world.clock.advance(Duration::from_secs(361));
    let later = world.get("/p/city/a").await;
    assert_eq!(status(&later), "unpad; fwd=stale; fwd-status=200; stored; ttl=300");
    assert_eq!(world.get("/p/city/a").await.text(), "7");
}

#[tokio::test]
async fn host_is_no_part_of_what_is_stored() {
    let portal = numbered().await;
    let world = World::city(&portal).await;
    for line in ["GET /p/city/x", "GET http://other.example/p/city/x"] {
        for host in ["a.example", "b.example:81"] {
            let request = format!("{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            assert_eq!(world.client.raw(request).await.text(), "1", "{line} {host}");
        }
    }
}

#[tokio::test]
async fn memory_is_counted_in_bytes_and_kept_within_its_limit() {
    let portal = FakePortal::new(|request| {
        Reply::ckan(format!("{}(\"{}\");", request.callback(), "x".repeat(20_000)))
    })
    .await;
    let world = World::with(&format!("cache: {{ memory: 1 MiB }}\n{}", city(&portal))).await;
    for number in 0..200 {
        assert_eq!(world.get(&format!("/p/city/{number}")).await.status, 200);
    }
    until("what is over the limit is gone", async || {
        let metrics = world.get("/metrics").await.text();
        let figure = |name: &str| -> Option<u64> {
            metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        };
        let (entries, bytes) =
            (figure("unpad_cache_memory_entries "), figure("unpad_cache_memory_bytes "));
        entries.is_some_and(|entries| (1..=52).contains(&entries))
            && bytes.is_some_and(|bytes| bytes > 20_000 && bytes <= 1 << 20)
    })
    .await;
}
