//! TLS for clients: both versions of HTTP over it, its certificate, and the way there from plain HTTP.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;

use crate::support::client::{Answer, exchange};
use crate::support::portal::Gate;
use crate::support::{Directory, FakePortal, Reply, World, city, until};

type Http2 = hyper::client::conn::http2::SendRequest<Empty<bytes::Bytes>>;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name)
}

/// A configuration with this certificate.
fn with_tls(portal: &FakePortal, certificate: &Path, key: &Path, server: &str) -> String {
    let (certificate, key) = (certificate.display(), key.display());
    format!(
        "server:\n  tls: {{ certificate: {certificate}, key: {key}, hsts: 365d }}\n{server}{}",
        city(portal)
    )
}

async fn world(portal: &FakePortal, server: &str) -> World {
    World::with(&with_tls(portal, &fixture("one.pem"), &fixture("one.key"), server)).await
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// A connection that trusts one certificate, and speaks one of these protocols.
async fn try_connect(
    world: &World,
    trusted: &str,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(fixture(trusted)).expect("a certificate");
    roots.add(certificate).expect("a root");
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(world.address()).await.expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn connect(world: &World, protocols: &[&str]) -> TlsStream<TcpStream> {
    try_connect(world, "one.pem", protocols).await.expect("a handshake")
}

async fn get(world: &World, target: &str) -> Answer {
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let stream = connect(world, &["http/1.1"]).await;
    exchange(stream, request.as_bytes()).await.expect("an answer")
}

async fn http2(world: &World) -> Http2 {
    let stream = connect(world, &["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let executor = TokioExecutor::new();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(executor, TokioIo::new(stream)).await.expect("h2");
    tokio::spawn(connection);
    sender
}

fn request(target: &str) -> http::Request<Empty<bytes::Bytes>> {
    let uri = format!("https://localhost{target}");
    http::Request::get(uri).body(Empty::new()).expect("a request")
}

#[tokio::test]
async fn https_answers_and_says_that_it_stays() {
    let portal = FakePortal::padding("{\"a\":1}").await;
    let world = world(&portal, "").await;
    let answer = get(&world, "/p/city/x").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "{\"a\":1}"));
    assert_eq!(answer.field("strict-transport-security"), Some("max-age=31536000"));
    assert_eq!(answer.field("access-control-allow-origin"), Some("*"));
    // Who speaks plain HTTP to it is not understood.
    let plain = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    assert!(world.client.try_raw(plain).await.is_none());
}

#[tokio::test]
async fn http_2_is_spoken_where_the_client_knows_it() {
    let portal = FakePortal::padding("{\"a\":1}").await;
    let world = world(&portal, "").await;
    let mut client = http2(&world).await;
    let answers: Vec<_> =
        (0..50).map(|number| client.send_request(request(&format!("/p/city/{number}")))).collect();
    for answer in answers {
        let answer = answer.await.expect("an answer");
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["access-control-allow-origin"], "*");
        assert!(!answer.headers().contains_key("connection"));
        let content = answer.into_body().collect().await.expect("content").to_bytes();
        assert_eq!(content, "{\"a\":1}");
    }
    // RFC 9113 §8.3.1.
    let mut two_hosts = request("/healthz");
    two_hosts.headers_mut().insert("host", "evil.example".parse().expect("a value"));
    assert_eq!(client.send_request(two_hosts).await.expect("an answer").status(), 400);
    let mut too_long = request("/healthz");
    too_long.headers_mut().insert("x-long", "x".repeat(20_000).parse().expect("a value"));
    let answer = client.send_request(too_long).await.expect("an answer");
    assert_eq!(answer.status(), 431);
    assert_eq!(client.send_request(request("/healthz")).await.expect("an answer").status(), 200);
}

#[tokio::test]
async fn a_stream_that_nobody_takes_holds_neither_the_portal_nor_the_other_streams() {
    let portal = FakePortal::new(|_| {
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\n\r\n")
            .repeat(vec![b'x'; 1 << 20], 64)
    })
    .await;
    let yaml = with_tls(
        &portal,
        &fixture("one.pem"),
        &fixture("one.key"),
        "  stall_time: 200ms\ncache: { buffer: 1 KiB }\n",
    );
    let world = World::with(&yaml.replace("/data\n", "\n    dialect: plain\n")).await;
    let mut client = http2(&world).await;
    let stalled = client.send_request(request("/p/city/long")).await.expect("an answer");
    portal.has_ended(1).await;
    assert_eq!(client.send_request(request("/healthz")).await.expect("an answer").status(), 200);
    assert!(stalled.into_body().collect().await.is_err());
}

#[tokio::test]
async fn an_idle_connection_of_http_2_ends() {
    let portal = FakePortal::padding("1").await;
    let world = world(&portal, "  idle_time: 100ms\n  stall_time: 100ms\n").await;
    let mut client = http2(&world).await;
    assert_eq!(client.send_request(request("/healthz")).await.expect("an answer").status(), 200);
    until("it has ended", async || client.is_closed()).await;
}

#[tokio::test]
async fn a_connection_of_http_2_is_told_of_the_end_and_what_is_under_way_is_answered() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = FakePortal::new(move |request| {
        Reply::ckan(format!("{}(1);", request.callback())).behind(&held)
    })
    .await;
    let mut world = world(&portal, "  leave_time: 100ms\n").await;
    let mut client = http2(&world).await;
    let under_way = client.send_request(request("/p/city/x"));
    portal.has_received(1).await;
    world.leave();
    until("it is closed", async || TcpStream::connect(world.address()).await.is_err()).await;
    gate.open();
    assert_eq!(under_way.await.expect("an answer").status(), 200);
    until("it takes no more requests", async || client.is_closed()).await;
    world.leave().await.expect("the server ended");
}

#[tokio::test]
async fn a_silent_handshake_is_not_waited_for() {
    let portal = FakePortal::padding("1").await;
    let world = world(&portal, "  header_time: 100ms\n").await;
    let mut stream = TcpStream::connect(world.address()).await.expect("a connection");
    let mut said = Vec::new();
    let ended = stream.read_to_end(&mut said);
    let _ = tokio::time::timeout(Duration::from_secs(20), ended).await.expect("it is closed");
    assert!(said.is_empty());
}

#[tokio::test]
async fn a_new_certificate_is_presented_when_it_can_be_used() {
    let portal = FakePortal::padding("1").await;
    let directory = Directory::new();
    let (certificate, key) = (directory.path().join("now.pem"), directory.path().join("now.key"));
    std::fs::create_dir_all(directory.path()).expect("a folder");
    let put = |name: &str| {
        std::fs::copy(fixture(&format!("{name}.pem")), &certificate).expect("a copy");
        std::fs::copy(fixture(&format!("{name}.key")), &key).expect("a copy");
    };
    put("one");
    let files =
        unpad::server::CertificateFiles { certificate: certificate.clone(), key: key.clone() };
    let tls = unpad::server::Tls::new(files).expect("TLS");
    assert_eq!(tls.refresh(), Ok(false));
    // A key that does not go with it, as it is while only one file was written.
    std::fs::copy(fixture("two.pem"), &certificate).expect("a copy");
    let why = tls.refresh().expect_err("they do not fit");
    assert!(why.contains("now.key: the key does not go with the certificate"), "{why}");
    std::fs::write(&certificate, "no certificate").expect("written");
    let why = tls.refresh().expect_err("there is none");
    assert!(why.contains("now.pem: there is no certificate in it"), "{why}");
    put("one");
    let yaml = with_tls(&portal, &certificate, &key, "");
    let source = yaml.clone();
    let world = World::composed(
        &yaml,
        |_| {},
        |composed| {
            composed.reloading(move || {
                unpad::config::parse("portals.yaml", &source).map_err(|error| error.to_string())
            })
        },
    )
    .await;
    assert!(try_connect(&world, "one.pem", &[]).await.is_ok());
    assert!(try_connect(&world, "two.pem", &[]).await.is_err());
    put("two");
    assert_eq!(tls.refresh(), Ok(true));
}

#[tokio::test]
async fn plain_http_is_sent_to_the_public_url_and_never_to_the_host_it_names() {
    let portal = FakePortal::padding("1").await;
    let beside = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let at = beside.local_addr().expect("an address");
    let public = "  public_url: https://data.example.org/unpad\n";
    let yaml = with_tls(&portal, &fixture("one.pem"), &fixture("one.key"), public);
    let _world =
        World::composed(&yaml, |_| {}, |composed| composed.redirecting(Some(beside))).await;
    let client = crate::support::Client::new(at);
    let answer = client.request("GET", "/p/city/x?q=1", "").await;
    let to = "https://data.example.org/p/city/x?q=1";
    assert_eq!((answer.status, answer.field("location")), (308, Some(to)));
    assert_eq!(answer.field("access-control-allow-origin"), Some("*"));
    let strange = client
        .raw(
            "GET http://evil.example/x HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        )
        .await;
    assert_eq!(strange.field("location"), Some("https://data.example.org/x"));
    assert_eq!(client.request("POST", "/p/city/x", "Content-Length: 0\r\n").await.status, 405);
    assert_eq!(client.request("OPTIONS", "*", "").await.status, 400);
    assert_eq!(portal.connections(), 0);
}

#[tokio::test]
async fn a_portals_certificate_that_nobody_signed_is_not_trusted() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let at = listener.local_addr().expect("an address");
    let certificate = CertificateDer::from_pem_file(fixture("one.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(fixture("one.key")).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let asked = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        acceptor.accept(stream).await.is_ok()
    });
    let yaml = format!(
        "portals: {{ city: {{ base: \"https://localhost:{}\", allow_cidr: [127.0.0.1/32, \"::1/128\"] }} }}",
        at.port()
    );
    let world = World::with(&yaml).await;
    let answer = world.get("/p/city/x").await;
    assert_eq!((answer.status, &*answer.problem()), (502, "portal-unreachable"));
    assert!(answer.text().contains("certificate is not trusted"), "{answer}");
    assert!(!asked.await.expect("a handshake"), "nothing was asked");
}
