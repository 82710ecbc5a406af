//! The end of a gateway that others still send requests to.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::portal::Gate;
use crate::support::{FakePortal, Reply, World, city, until};

const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

async fn read_some(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let read = stream.read(&mut bytes).await.expect("bytes");
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

#[tokio::test]
async fn the_end_is_announced_before_anybody_is_turned_away() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = FakePortal::new(move |request| {
        let reply = Reply::ckan(format!("{}(1);", request.callback()));
        if request.target.contains("held") { reply.behind(&held) } else { reply }
    })
    .await;
    let yaml = format!("server: {{ leave_time: 500ms }}\n{}", city(&portal));
    let mut world = World::with(&yaml).await;
    let client = world.client;
    let mut kept = TcpStream::connect(world.address()).await.expect("a connection");
    kept.write_all(REQUEST).await.expect("sent");
    assert!(!read_some(&mut kept).await.contains("connection: close"));
    let under_way = tokio::spawn(async move { client.get("/p/city/held").await });
    portal.has_received(1).await;

    world.leave();
    until("it is not ready", async || client.get("/readyz").await.status == 503).await;
    // New connections are served, and told that their answer is the last.
    let answer = client.get("/p/city/new").await;
    assert_eq!((answer.status, answer.field("connection")), (200, Some("close")));
    assert_eq!(client.get("/healthz").await.status, 200);
    // So is one that was open before.
    kept.write_all(REQUEST).await.expect("sent");
    let mut said = String::new();
    kept.read_to_string(&mut said).await.expect("the end of the connection");
    assert!(said.starts_with("HTTP/1.1 200 ") && said.contains("connection: close"), "{said}");
    // Then nobody is let in any more, and the answer under way is given.
    until("it is closed", async || TcpStream::connect(client.address).await.is_err()).await;
    gate.open();
    assert_eq!(under_way.await.expect("an answer").text(), "1");
    world.leave().await.expect("the server ended");
}

#[tokio::test]
async fn who_has_connected_when_the_door_closes_is_served() {
    let portal = FakePortal::padding("1").await;
    let mut world = World::city(&portal).await;
    let mut waiting = Vec::new();
    for _ in 0..50 {
        let stream = TcpStream::connect(world.address()).await.expect("a connection");
        waiting.push(stream);
    }
    world.stop();
    for mut stream in waiting {
        stream.write_all(REQUEST).await.expect("sent");
        let mut said = String::new();
        stream.read_to_string(&mut said).await.expect("an answer");
        assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    }
    world.stop().await.expect("the server ended");
}
