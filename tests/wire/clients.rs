//! What one client may have: requests to portals, connections, and who counts as one.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};

use crate::support::portal::Gate;
use crate::support::{Answer, Client, FakePortal, Reply, World, city, until};

/// A gateway to a fake CKAN with these settings of the server.
async fn with(portal: &FakePortal, server: &str) -> World {
    World::with(&format!("server: {{ {server} }}\n{}", city(portal))).await
}

/// Asks from another address of this machine: as many clients as there are of those.
async fn ask_from(from: [u8; 4], to: SocketAddr, target: &str) -> Answer {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((from, 0).into()).expect("an address of this machine");
    let stream = socket.connect(to).await.expect("a connection");
    Client::new(to).on(stream, target).await
}

fn refused(answer: &Answer) -> bool {
    answer.status == 429 && answer.problem() == "too-many-requests"
}

#[tokio::test]
async fn thirty_notebooks_behind_one_address_ask_for_ten_things_each_at_once_and_again() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = FakePortal::new(move |request| {
        Reply::ckan(format!("{}(1);", request.callback())).behind(&held)
    })
    .await;
    let world = World::city(&portal).await;
    for round in ["one", "two", "three"] {
        let asked: Vec<_> = (0..300)
            .map(|number| {
                let (at, target) = (world.address(), format!("/p/city/{round}/{number}"));
                tokio::spawn(async move { ask_from([127, 0, 0, 30], at, &target).await.status })
            })
            .collect();
        portal.has_received(64).await;
        gate.open();
        for answer in asked {
            assert_eq!(answer.await.expect("an answer"), 200);
        }
    }
    assert_eq!(portal.targets().len(), 900);
}

#[tokio::test]
async fn what_is_stored_costs_nothing_and_what_is_not_is_counted() {
    let portal = FakePortal::padding("1").await;
    let world = with(&portal, "clients: { rate: 1, burst: 2, exempt: [] }").await;
    let first = world.get("/p/city/a").await;
    assert_eq!(first.field("ratelimit-policy"), Some("\"client\";q=2;w=2"));
    assert_eq!(first.field("ratelimit"), Some("\"client\";r=1;t=1"));
    let tag = format!("If-None-Match: {}\r\n", first.field("etag").expect("a tag"));
    let preflight = "Origin: https://a.example\r\nAccess-Control-Request-Method: GET\r\n";
    for _ in 0..10 {
        let hit = world.get("/p/city/a").await;
        assert_eq!((hit.status, hit.field("ratelimit")), (200, None));
        assert_eq!(world.client.request("GET", "/p/city/a", &tag).await.status, 304);
        assert_eq!(world.client.request("OPTIONS", "/p/city/b", preflight).await.status, 204);
        assert_eq!(world.get("/portals").await.status, 200);
        assert_eq!(world.client.request("GET", "/p/city/../b", "").await.status, 400);
    }
    let second = world.get("/p/city/b").await;
    assert_eq!((second.status, second.field("ratelimit")), (200, Some("\"client\";r=0;t=2")));
    let third = world.client.request("GET", "/p/city/c", "Origin: https://a.example\r\n").await;
    assert!(refused(&third), "{third}");
    assert_eq!(third.field("retry-after"), Some("2"));
    assert_eq!(third.field("ratelimit"), Some("\"client\";r=0;t=2"));
    assert_eq!(third.field("access-control-allow-origin"), Some("*"));
    assert!(third.field("access-control-expose-headers").is_some_and(|f| f.contains("RateLimit")));
    assert_eq!(world.get("/p/city/a").await.status, 200);
    assert_eq!(portal.targets().len(), 2);
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(world.get("/p/city/c").await.status, 200);
    assert!(refused(&world.get("/p/city/d").await));
}

#[tokio::test]
async fn a_validation_that_nobody_asked_for_is_nobodys() {
    let portal = FakePortal::padding("1").await;
    let world = with(&portal, "clients: { rate: 1, burst: 1, exempt: [] }").await;
    assert_eq!(world.get("/p/city/a").await.status, 200);
    world.clock.advance(Duration::from_secs(330));
    assert_eq!(world.get("/p/city/a").await.status, 200);
    portal.has_received(2).await;
    assert_eq!(world.get("/p/city/b").await.status, 200);
}

#[tokio::test]
async fn everybody_has_an_allowance_of_their_own() {
    let portal = FakePortal::padding("1").await;
    let world = with(&portal, "clients: { rate: 1, burst: 1, exempt: [127.0.0.9] }").await;
    let ask = async |from, target: &str| ask_from(from, world.address(), target).await.status;
    assert_eq!(ask([127, 0, 0, 1], "/p/city/a").await, 200);
    assert_eq!(ask([127, 0, 0, 1], "/p/city/b").await, 429);
    assert_eq!(ask([127, 0, 0, 2], "/p/city/c").await, 200);
    for target in ["/p/city/d", "/p/city/e", "/p/city/f"] {
        assert_eq!(ask([127, 0, 0, 9], target).await, 200);
    }
}

#[tokio::test]
async fn a_front_server_says_who_the_client_is_if_it_is_trusted() {
    let portal = FakePortal::padding("1").await;
    let settings = "clients: { rate: 1, burst: 1, exempt: [] }, trusted_proxies: [127.0.0.1/32]";
    let world = with(&portal, settings).await;
    let ask = async |number: u8, fields: &str| {
        world.client.request("GET", &format!("/p/city/{number}"), fields).await.status
    };
    assert_eq!(ask(1, "X-Forwarded-For: 203.0.113.7\r\n").await, 200);
    assert_eq!(ask(2, "X-Forwarded-For: 203.0.113.7\r\n").await, 429);
    // What the client wrote itself stands before what the front server wrote.
    assert_eq!(ask(3, "X-Forwarded-For: 198.51.100.1, 203.0.113.7\r\n").await, 429);
    assert_eq!(ask(4, "Forwarded: for=203.0.113.8\r\n").await, 200);
    assert_eq!(ask(5, "Forwarded: for=\"[2001:db8::1]\"\r\n").await, 200);
    assert_eq!(ask(6, "Forwarded: for=\"[2001:db8::2]\"\r\n").await, 429);
    // Of anybody else it is believed no word.
    let stranger = [127, 0, 0, 2];
    assert_eq!(ask_from(stranger, world.address(), "/p/city/7").await.status, 200);
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((stranger, 0).into()).expect("an address of this machine");
    let stream = socket.connect(world.address()).await.expect("a connection");
    let fields = "X-Forwarded-For: 203.0.113.99\r\n";
    let spoofed = world.client.on_with(stream, "/p/city/8", fields).await;
    assert!(refused(&spoofed), "{spoofed}");
}

#[tokio::test]
async fn what_a_client_has_under_way_at_once_is_bounded() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = FakePortal::new(move |request| {
        Reply::ckan(format!("{}(1);", request.callback())).behind(&held)
    })
    .await;
    let world = with(&portal, "clients: { fetches: 1, exempt: [] }").await;
    let client = world.client;
    let first = tokio::spawn(async move { client.get("/p/city/a").await });
    portal.has_received(1).await;
    let second = world.get("/p/city/b").await;
    assert!(refused(&second), "{second}");
    assert_eq!(second.field("retry-after"), Some("1"));
    gate.open();
    assert_eq!(first.await.expect("an answer").status, 200);
    until("the place is free", async || world.get("/p/city/b").await.status == 200).await;
}

#[tokio::test]
async fn connections_of_one_client_are_bounded_and_a_refusal_can_be_read() {
    let portal = FakePortal::padding("1").await;
    let world = with(&portal, "clients: { connections: 2, exempt: [] }").await;
    let open = async || TcpStream::connect(world.address()).await.expect("a connection");
    let (first, _second) = (open().await, open().await);
    let mut third = open().await;
    let mut said = String::new();
    third.read_to_string(&mut said).await.expect("text");
    assert!(said.starts_with("HTTP/1.1 429 "), "{said}");
    assert!(said.contains("\r\nAccess-Control-Allow-Origin: *\r\n"), "{said}");
    assert_eq!(ask_from([127, 0, 0, 2], world.address(), "/healthz").await.status, 200);
    drop(first);
    until("the place is free", async || world.get("/healthz").await.status == 200).await;
}

#[tokio::test]
async fn front_servers_and_exempt_clients_may_have_all_connections() {
    let portal = FakePortal::padding("1").await;
    for settings in [
        "clients: { connections: 1, exempt: [] }, trusted_proxies: [127.0.0.1/32]",
        "clients: { connections: 1, exempt: [127.0.0.0/8] }",
        "clients: { connections: 1 }",
    ] {
        let world = with(&portal, settings).await;
        let mut held = Vec::new();
        for _ in 0..5 {
            held.push(TcpStream::connect(world.address()).await.expect("a connection"));
        }
        assert_eq!(world.get("/healthz").await.status, 200);
    }
}
