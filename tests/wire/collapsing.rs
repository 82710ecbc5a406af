//! Who waits for whom, and for how long; and requests that nobody may wait for: those of a
//! transparent portal that change something.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::support::origin::{Origin, http};
use crate::support::portal::{Gate, Received};
use crate::support::{Answer, Client, FakePortal, Reply, World, city, files, until};

fn status(answer: &Answer) -> &str {
    answer.field("cache-status").unwrap_or_default()
}

/// A portal whose answers depend on how many requests came before.
async fn counting(
    answer: impl Fn(usize, &Received) -> Reply + Send + Sync + 'static,
) -> FakePortal {
    let count = AtomicUsize::new(0);
    FakePortal::new(move |request| answer(count.fetch_add(1, Ordering::Relaxed), request)).await
}

fn padded(request: &Received, json: impl std::fmt::Display) -> Reply {
    Reply::ckan(format!("{}({json});", request.callback()))
}

/// So many clients that ask for the same at once.
fn clients(
    count: usize,
    client: Client,
    target: &'static str,
) -> Vec<tokio::task::JoinHandle<Answer>> {
    (0..count).map(|_| tokio::spawn(async move { client.get(target).await })).collect()
}

async fn answers(asked: Vec<tokio::task::JoinHandle<Answer>>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for answer in asked {
        answers.push(answer.await.expect("an answer"));
    }
    answers
}

/// Waits until so many connections are open, and what came over them has been read. For tests on
/// one thread, where each turn comes in order.
async fn have_asked(world: &World, count: usize) {
    until("the connections are open", async || {
        let metrics = world.get("/metrics").await.text();
        let open = metrics.lines().find_map(|line| line.strip_prefix("unpad_connections "));
        open.and_then(|open| open.parse().ok()).is_some_and(|open: usize| open > count)
    })
    .await;
    for _ in 0..3 {
        world.get("/healthz").await;
    }
}

#[tokio::test]
async fn who_waits_for_what_may_not_be_shared_is_let_go_when_its_fields_are_there() {
    let (before_head, before_content) = (Gate::closed(), Gate::closed());
    let (first, second) = (before_head.clone(), before_content.clone());
    let portal = counting(move |number, request| {
        let content = format!("{}({number});", request.callback());
        let head = format!(
            "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: {}\r\n\r\n",
            content.len()
        );
        match number {
            0 => Reply::raw(head).behind(&first).then_gate(&second).send(content),
            _ => Reply::raw(head).send(content),
        }
    })
    .await;
    let world = World::city(&portal).await;
    let leader = clients(1, world.client, "/p/city/x");
    portal.has_received(1).await;
    let waiters = clients(50, world.client, "/p/city/x");
    have_asked(&world, 51).await;
    assert_eq!(portal.targets().len(), 1, "they wait");
    before_head.open();
    // The leader's content never comes before they are all answered.
    let mut texts: Vec<_> = answers(waiters).await.iter().map(Answer::text).collect();
    before_content.open();
    texts.extend(answers(leader).await.iter().map(Answer::text));
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 51, "nobody got another's answer");
    assert_eq!(portal.targets().len(), 51);
}

#[tokio::test]
async fn a_fetch_that_hangs_is_joined_by_one_more_at_a_time_which_answers_everyone() {
    let patience = Duration::from_millis(150);
    // The first two hang; the third is answered.
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = counting(move |number, request| {
        let reply = padded(request, number);
        if number < 2 { reply.behind(&held) } else { reply }
    })
    .await;
    let yaml = format!("cache: {{ patience: 150ms }}\n{}", city(&portal));
    let world = World::with(&yaml).await;
    let begun = Instant::now();
    let mut asked = clients(1, world.client, "/p/city/x");
    portal.has_received(1).await;
    asked.extend(clients(20, world.client, "/p/city/x"));
    for answer in answers(asked).await {
        assert_eq!((answer.status, answer.text().as_str()), (200, "2"), "{answer}");
    }
    let (took, requests) = (begun.elapsed(), portal.targets().len());
    assert!(took >= 2 * patience, "{took:?}");
    // Three, unless this machine took longer than patience for the third.
    let turns = usize::try_from(took.as_millis() / patience.as_millis()).expect("few");
    assert!((3..=1 + turns).contains(&requests), "{requests} requests in {took:?}");
    gate.open();
}

#[tokio::test]
async fn who_asks_for_the_head_or_a_part_of_a_file_keeps_nobody_from_waiting() {
    for (method, fields) in
        [("HEAD", ""), ("GET", "Range: bytes=0-1\r\n"), ("GET", "Cache-Control: no-store\r\n")]
    {
        let portal =
            FakePortal::new(|_| Reply::http(200, "Cache-Control: max-age=60\r\n", "content")).await;
        let world = World::with(&files(&portal)).await;
        world.client.request(method, "/p/files/x", fields).await;
        let gate = Gate::closed();
        let held = gate.clone();
        portal.now(move |_| {
            Reply::http(200, "Cache-Control: max-age=60\r\n", "content").behind(&held)
        });
        let asked = clients(20, world.client, "/p/files/x");
        have_asked(&world, 20).await;
        gate.open();
        answers(asked).await;
        assert_eq!(portal.targets().len(), 2, "{method} {fields}");
    }
}

#[tokio::test]
async fn a_portal_that_hangs_is_covered_by_what_is_stale_after_patience() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = counting(move |number, request| {
        let reply = padded(request, number);
        if number == 1 { reply.behind(&held) } else { reply }
    })
    .await;
    let world = World::with(&format!("cache: {{ patience: 50ms }}\n{}", city(&portal))).await;
    world.get("/p/city/x").await;
    world.clock.advance(Duration::from_secs(400));
    for answer in answers(clients(5, world.client, "/p/city/x")).await {
        assert_eq!((answer.status, answer.text().as_str()), (200, "0"));
        assert_eq!(status(&answer), "unpad; fwd=stale; ttl=-100; detail=stale-if-error");
        assert_eq!(answer.field("age"), Some("400"));
    }
    assert_eq!(portal.targets().len(), 2, "one of them asked");
    // What it brings late is stored.
    gate.open();
    until("the late answer is stored", async || world.get("/p/city/x").await.text() == "1").await;
    assert_eq!(portal.targets().len(), 2);
}

#[tokio::test]
async fn what_must_not_be_served_stale_is_not_when_a_portal_hangs() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = counting(move |number, _| {
        let fields = "Cache-Control: max-age=1, must-revalidate\r\n";
        let reply = Reply::http(200, fields, number.to_string());
        if number == 1 { reply.behind(&held) } else { reply }
    })
    .await;
    let world = World::with(&format!("cache: {{ patience: 50ms }}\n{}", files(&portal))).await;
    assert_eq!(world.get("/p/files/x").await.text(), "0");
    world.clock.advance(Duration::from_secs(10));
    for answer in answers(clients(5, world.client, "/p/files/x")).await {
        assert_ne!(answer.text(), "0", "{answer}");
        assert!(!status(&answer).contains("ttl=-"), "{answer}");
    }
    gate.open();
}

#[tokio::test]
async fn a_failure_is_everyones_and_costs_one_request() {
    // What broke before an answer began is tried once more (RFC 9110 §9.2.2).
    for (failure, requests) in [
        (Reply::html(200, "<h1>Maintenance</h1>"), 1),
        (Reply::html(500, "<h1>Server Error</h1>"), 1),
        (Reply::ckan_error(503, "{\"success\": false}"), 1),
        (Reply::default().then_reset(), 2),
    ] {
        let gate = Gate::closed();
        let held = gate.clone();
        let portal = FakePortal::new(move |_| failure.clone().behind(&held)).await;
        let world = World::city(&portal).await;
        let mut asked = clients(1, world.client, "/p/city/x");
        portal.has_received(1).await;
        asked.extend(clients(20, world.client, "/p/city/x"));
        have_asked(&world, 21).await;
        gate.open();
        for answer in answers(asked).await {
            assert!([502, 503].contains(&answer.status), "{answer}");
        }
        assert_eq!(portal.targets().len(), requests);
        portal.now(|request| padded(request, 1));
        assert_eq!(world.get("/p/city/x").await.status, 200);
    }
}

#[tokio::test]
async fn thirty_requests_for_what_is_stale_make_one_validation() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = counting(move |number, request| {
        let reply = padded(request, number);
        if number == 0 { reply } else { reply.behind(&held) }
    })
    .await;
    let world = World::city(&portal).await;
    world.get("/p/city/x").await;
    world.clock.advance(Duration::from_secs(310));
    for answer in answers(clients(30, world.client, "/p/city/x")).await {
        assert_eq!(answer.text(), "0");
        assert_eq!(status(&answer), "unpad; hit; ttl=-10; detail=stale-while-revalidate");
    }
    portal.has_received(2).await;
    gate.open();
    until("the new answer is stored", async || world.get("/p/city/x").await.text() == "1").await;
    assert_eq!(portal.targets().len(), 2);
}

/// Sends a request with content to the transparent portal.
async fn send(world: &World, method: &str, target: &str, fields: &str, content: &str) -> Answer {
    let length = content.len();
    world
        .client
        .raw(format!(
            "{method} {target} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n{fields}\
             Content-Length: {length}\r\n\r\n{content}"
        ))
        .await
}

/// An origin server whose things are fresh for an hour, and that answers what changes something as
/// `changed` says: status and fields.
async fn things(changed: impl Fn(&Origin) -> (u16, String) + Send + Sync + 'static) -> Origin {
    let own: Arc<std::sync::OnceLock<Origin>> = Arc::default();
    let known = Arc::clone(&own);
    let origin = Origin::new(move |message| match message.method.as_str() {
        "GET" => http(200, "Cache-Control: max-age=3600\r\n", &message.target),
        _ => {
            let (status, fields) = changed(known.get().expect("it is known"));
            http(status, &format!("X-Method: {}\r\n{fields}", message.method), "done")
        }
    })
    .await;
    assert!(own.set(origin.clone()).is_ok());
    origin
}

#[tokio::test]
async fn what_changes_something_passes_with_its_content_and_forgets_what_it_names() {
    let origin = things(|origin| {
        let address = origin.address;
        (201, format!("Location: http://{address}/new\r\nContent-Location: ../p/part\r\n"))
    })
    .await;
    let world = World::with(&origin.yaml("")).await;
    let mut rounds = 0;
    for method in ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH"] {
        for target in ["/thing", "/new", "/p/part", "/other"] {
            let path = format!("/p/own{target}");
            world.get(&path).await;
            assert!(status(&world.get(&path).await).starts_with("unpad; hit"), "{method} {target}");
        }
        rounds += 1;
        let content = format!("content of {method}");
        let answer = send(&world, method, "/p/own/thing", "X-Own: 1\r\n", &content).await;
        assert_eq!((answer.status, answer.text().as_str()), (201, "done"));
        assert_eq!(answer.field("x-method"), Some(method));
        assert_eq!(status(&answer), "unpad; fwd=method; fwd-status=201");
        let received = origin.received().pop().expect("a request");
        assert_eq!((&*received.method, &*received.target), (method, "/thing"));
        assert_eq!(received.field("x-own"), Some("1"));
        assert_eq!(received.content, content.into_bytes());
        for (target, kept) in
            [("/thing", false), ("/new", false), ("/p/part", false), ("/other", true)]
        {
            let again = world.get(&format!("/p/own{target}")).await;
            assert_eq!(status(&again).starts_with("unpad; hit"), kept, "{method} {target}");
        }
    }
    // Once for each round and once more where it was forgotten last; of the other, once.
    assert_eq!((origin.times("/new"), origin.times("/other")), (rounds + 1, 1));
}

#[tokio::test]
async fn an_answer_to_post_is_reused_where_it_says_what_it_is_and_for_how_long() {
    for (fields, reused) in [
        ("Content-Location: /thing\r\nCache-Control: max-age=60\r\n", true),
        ("Content-Location: /thing\r\n", false),
        ("Content-Location: /other\r\nCache-Control: max-age=60\r\n", false),
        ("Cache-Control: max-age=60\r\n", false),
        ("Content-Location: /thing\r\nCache-Control: max-age=60, no-store\r\n", false),
    ] {
        let origin = things(move |_| (200, fields.to_owned())).await;
        let world = World::with(&origin.yaml("")).await;
        send(&world, "POST", "/p/own/thing", "", "x").await;
        let answer = world.get("/p/own/thing").await;
        let expected = if reused { "done" } else { "/thing" };
        assert_eq!(answer.text(), expected, "{fields}");
        assert_eq!(status(&answer).starts_with("unpad; hit"), reused, "{fields}");
        // One that is sent again is not answered from there.
        send(&world, "POST", "/p/own/thing", "", "x").await;
        let posts = origin.received().iter().filter(|message| message.method == "POST").count();
        assert_eq!(posts, 2, "{fields}");
    }
}

#[tokio::test]
async fn what_failed_forgets_nothing_and_neither_does_what_is_elsewhere() {
    for (refused, fields) in [
        (500, "Location: /new\r\nContent-Location: /part\r\n"),
        (503, "Location: /new\r\n"),
        (409, "Location: /new\r\n"),
    ] {
        let origin = things(move |_| (refused, fields.to_owned())).await;
        let world = World::with(&origin.yaml("")).await;
        for target in ["/thing", "/new", "/part"] {
            world.get(&format!("/p/own{target}")).await;
        }
        for method in ["POST", "DELETE", "M-SEARCH"] {
            assert_eq!(send(&world, method, "/p/own/thing", "", "x").await.status, refused);
            for target in ["/thing", "/new", "/part"] {
                let answer = world.get(&format!("/p/own{target}")).await;
                assert!(status(&answer).starts_with("unpad; hit"), "{refused} {method} {target}");
            }
        }
    }
    // Another origin's URL with the same path names nothing here.
    let origin = things(|_| (204, "Location: http://elsewhere.example/new\r\n".to_owned())).await;
    let world = World::with(&origin.yaml("")).await;
    world.get("/p/own/new").await;
    send(&world, "POST", "/p/own/thing", "", "x").await;
    assert!(status(&world.get("/p/own/new").await).starts_with("unpad; hit"));
}

#[tokio::test]
async fn an_answer_to_authorization_is_shared_only_if_it_says_so() {
    let origin = Origin::new(|message| {
        let directives = match message.target.as_str() {
            "/public" => "public, max-age=60",
            "/must-revalidate" => "must-revalidate, max-age=60",
            "/s-maxage" => "s-maxage=60",
            "/private" => "private, max-age=60",
            _ => "max-age=60",
        };
        let who = message.field("authorization").unwrap_or("nobody").to_owned();
        http(200, &format!("Cache-Control: {directives}\r\n"), &who)
    })
    .await;
    let world = World::with(&origin.yaml("")).await;
    for (target, shared) in [
        ("/public", true),
        ("/must-revalidate", true),
        ("/s-maxage", true),
        ("/private", false),
        ("/plain", false),
    ] {
        let path = format!("/p/own{target}");
        let ask = async |who: &str| {
            let fields = format!("Authorization: {who}\r\n");
            world.client.request("GET", &path, &fields).await
        };
        assert_eq!(ask("alice").await.text(), "alice", "{target}");
        assert_eq!(ask("bob").await.text(), if shared { "alice" } else { "bob" }, "{target}");
        let anybody = world.get(&path).await.text();
        assert_eq!(anybody, if shared { "alice" } else { "nobody" }, "{target}");
        assert_eq!(origin.times(target), if shared { 1 } else { 3 }, "{target}");
    }
}

#[tokio::test]
async fn content_over_the_limit_is_refused_before_the_origin_server_is_asked() {
    let origin = things(|_| (200, String::new())).await;
    let world =
        World::with(&format!("server: {{ content_bytes: 1 KiB }}\n{}", origin.yaml(""))).await;
    let most = "x".repeat(1024);
    assert_eq!(send(&world, "POST", "/p/own/x", "", &most).await.status, 200);
    assert_eq!(origin.received()[0].content, most.as_bytes());
    let over = "x".repeat(1025);
    let answer = send(&world, "POST", "/p/own/x", "", &over).await;
    assert_eq!((answer.status, &answer.json()["limit_bytes"]), (413, &1024.into()));
    let chunked = world
        .client
        .raw(format!(
            "PUT /p/own/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
             Transfer-Encoding: chunked\r\n\r\n401\r\n{over}\r\n0\r\n\r\n"
        ))
        .await;
    assert_eq!(chunked.status, 413);
    assert_eq!(origin.received().len(), 1);
}

#[tokio::test]
async fn preflights_are_answered_here_and_other_options_are_not() {
    let origin = things(|_| (200, "Allow: GET, PUT\r\n".to_owned())).await;
    let world = World::with(&origin.yaml("")).await;
    let fields = "Origin: https://page.example\r\nAccess-Control-Request-Method: PUT\r\n";
    let answer = world.client.request("OPTIONS", "/p/own/x", fields).await;
    assert_eq!((answer.status, answer.field("access-control-allow-origin")), (204, Some("*")));
    assert!(answer.field("access-control-allow-methods").is_some());
    assert!(origin.received().is_empty());
    let answer = world.client.request("OPTIONS", "/p/own/x", "").await;
    assert_eq!((answer.status, answer.field("allow")), (200, Some("GET, PUT")));
    assert_eq!(origin.received().len(), 1);
}

#[tokio::test]
async fn nobody_gets_a_tunnel_or_a_reflection() {
    let origin = things(|_| (200, String::new())).await;
    let at_root =
        |config: &mut unpad::config::Config| config.server.at_root = Some("own".to_owned());
    let world = World::adjusted(&origin.yaml(""), at_root).await;
    for (method, target) in [
        ("TRACE", "/p/own/x"),
        ("TRACE", "/x"),
        ("CONNECT", "elsewhere.example:443"),
        ("CONNECT", "gateway.test:80"),
    ] {
        assert_eq!(world.client.request(method, target, "").await.status, 405, "{method} {target}");
    }
    assert!(origin.received().is_empty());
}
