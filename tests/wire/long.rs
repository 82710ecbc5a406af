//! Long files: stored while they are sent, read by many meanwhile, and sent in parts afterwards.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use crate::disk::{later, small, status, writes};
use crate::support::portal::Gate;
use crate::support::stream::{Download, Downloaded};
use crate::support::{Directory, FakePortal, Reply, World, files, noise, until};

/// Longer than what is kept in memory, which is 2 MiB.
pub(crate) const BIG: usize = 6 << 20;

/// A file with a length, or without one, that is held back half way if there is a gate.
pub(crate) fn file(content: &[u8], gate: Option<&Gate>, length: bool) -> Reply {
    let (first, second) = content.split_at(content.len() / 2);
    let hold = |reply: Reply| match gate {
        Some(gate) => reply.then_gate(gate),
        None => reply,
    };
    if length {
        let length = format!("Content-Length: {}", content.len());
        return hold(head(&length).send(first)).send(second);
    }
    let begun = hold(head("Transfer-Encoding: chunked").send(chunk(first)));
    begun.send(chunk(second)).send("0\r\n\r\n")
}

fn head(framing: &str) -> Reply {
    let fields = "Content-Type: application/octet-stream\r\nCache-Control: max-age=60\r\n";
    Reply::raw(format!("HTTP/1.1 200 OK\r\n{framing}\r\n{fields}\r\n"))
}

fn chunk(bytes: &[u8]) -> Vec<u8> {
    [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

fn content_digest(content: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(digest(&SHA256, content)))
}

/// Eight clients read a file of which the portal has sent half, one of them a part that crosses
/// the middle; then the portal sends the rest.
async fn eight_readers(length: bool) -> (World, FakePortal, Directory, Vec<u8>) {
    let directory = Directory::new();
    let (content, gate) = (noise(1, BIG), Gate::closed());
    let (sent, held) = (content.clone(), gate.clone());
    let portal = FakePortal::new(move |request| match &*request.target {
        "/big" => file(&sent, Some(&held), length),
        _ => small(),
    })
    .await;
    let world = World::with(&format!("{}{}", directory.yaml(), files(&portal))).await;
    writes(&world, &directory, "/p/files/small").await;
    let middle = BIG / 2;
    let range = format!("Range: bytes={}-{}\r\n", middle - 500_000, middle + 499_999);
    let mut readers = Vec::new();
    for number in 0..8 {
        let fields = if number == 5 { &*range } else { "" };
        let mut reader = Download::begin(world.address(), "/p/files/big", fields).await;
        // All but the last piece of the first half: what is smaller than a piece may wait.
        reader.reach(if number == 5 && length { 200_000 } else { 2 << 20 }).await;
        readers.push(reader);
    }
    assert_eq!(portal.targets(), ["/small", "/big"]);
    gate.open();
    let reading = readers.into_iter().map(|reader| tokio::spawn(reader.rest()));
    for (number, reading) in reading.collect::<Vec<_>>().into_iter().enumerate() {
        let Downloaded { head, content: got, complete } = reading.await.expect("it is read");
        assert!(complete, "{number}: {head}");
        // A part of what has no known length is all of it.
        if number == 5 && length {
            assert!(head.starts_with("http/1.1 206"), "{head}");
            assert!(got == content[middle - 500_000..middle + 500_000], "{head}");
        } else {
            assert!(head.starts_with("http/1.1 200"), "{head}");
            assert!(got == content, "{number}: {} bytes", got.len());
        }
    }
    assert_eq!(portal.targets(), ["/small", "/big"]);
    (world, portal, directory, content)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_is_stored_while_eight_clients_read_it() {
    let (world, portal, _directory, content) = eight_readers(true).await;
    is_a_hit_with_parts(&world, &content).await;
    assert_eq!(portal.targets(), ["/small", "/big"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_of_unknown_length_is_stored_while_eight_clients_read_it() {
    let (world, portal, directory, content) = eight_readers(false).await;
    is_a_hit_with_parts(&world, &content).await;
    world.end().await;
    let yaml = format!("{}{}", directory.yaml(), files(&portal));
    let world = later(Duration::from_secs(30), &yaml).await;
    is_a_hit_with_parts(&world, &content).await;
    assert_eq!(portal.targets(), ["/small", "/big"]);
}

/// What is stored has a length, a digest and a validator, and is sent in parts.
async fn is_a_hit_with_parts(world: &World, content: &[u8]) {
    let ask = async |method: &str, fields: &str| {
        world.client.request(method, "/p/files/big", fields).await
    };
    let mut head = ask("HEAD", "").await;
    // The file is put in its place behind the last byte that is sent of it.
    until("it is stored", async || {
        head = ask("HEAD", "").await;
        status(&head).starts_with("unpad; hit")
    })
    .await;
    let length = content.len();
    assert_eq!(head.field("content-length"), Some(&*length.to_string()));
    assert_eq!(head.field("accept-ranges"), Some("bytes"));
    assert_eq!(head.field("content-digest"), Some(&*content_digest(content)));
    let etag = head.field("etag").expect("an ETag").to_owned();
    assert!(etag.starts_with('"'), "{etag}");
    let whole = ask("GET", "").await;
    assert_eq!((whole.status, whole.field("etag")), (200, Some(&*etag)));
    assert!(whole.content == content);
    for (range, part) in [
        ("bytes=0-9", 0..10),
        ("bytes=-10", length - 10..length),
        ("bytes=3000000-3999999", 3_000_000..4_000_000),
        ("bytes=6291450-9999999", 6_291_450..length),
    ] {
        for condition in [String::new(), format!("If-Range: {etag}\r\n")] {
            let answer = ask("GET", &format!("Range: {range}\r\n{condition}")).await;
            let said = format!("bytes {}-{}/{length}", part.start, part.end - 1);
            assert_eq!((answer.status, answer.field("content-range")), (206, Some(&*said)));
            assert_eq!(answer.field("content-length"), Some(&*part.len().to_string()));
            assert_eq!(answer.field("content-digest"), None, "it is the whole content's");
            assert!(answer.content == content[part.clone()], "{range}");
        }
    }
    let other = ask("GET", "Range: bytes=0-9\r\nIf-Range: \"other\"\r\n").await;
    assert_eq!((other.status, other.content.len()), (200, length));
    let beyond = ask("GET", &format!("Range: bytes={length}-\r\n")).await;
    assert_eq!((beyond.status, beyond.content.len()), (416, 0));
    assert_eq!(beyond.field("content-range"), Some(&*format!("bytes */{length}")));
    assert_eq!(ask("GET", &format!("If-None-Match: {etag}\r\n")).await.status, 304);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_file_that_breaks_off_is_broken_for_its_readers_and_never_stored() {
    for length in [true, false] {
        let directory = Directory::new();
        let (content, gate) = (noise(2, BIG), Gate::closed());
        let (half, closed) = (content[..BIG / 2].to_vec(), gate.clone());
        let portal = FakePortal::new(move |request| {
            if request.target != "/big" {
                return small();
            }
            let begun = if length {
                head(&format!("Content-Length: {BIG}")).send(&half)
            } else {
                head("Transfer-Encoding: chunked").send(chunk(&half))
            };
            begun.then_gate(&closed).then_reset()
        })
        .await;
        let world = World::with(&format!("{}{}", directory.yaml(), files(&portal))).await;
        writes(&world, &directory, "/p/files/small").await;
        let mut readers = Vec::new();
        for _ in 0..3 {
            let mut reader = Download::begin(world.address(), "/p/files/big", "").await;
            reader.reach(2 << 20).await;
            readers.push(reader);
        }
        gate.open();
        for reader in readers {
            let read = reader.rest().await;
            assert!(!read.complete, "{}", read.head);
            assert!(content.starts_with(&read.content));
        }
        assert_eq!(portal.targets(), ["/small", "/big"]);
        let sent = content.clone();
        portal.now(move |_| file(&sent, None, length));
        let again = world.get("/p/files/big").await;
        assert_eq!(status(&again), "unpad; fwd=uri-miss; fwd-status=200; stored; ttl=60");
        assert!(again.content == content, "length {length}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_proves_too_long_for_the_disk_can_be_had() {
    let directory = Directory::new();
    let content = noise(5, BIG);
    let sent = content.clone();
    let portal = FakePortal::new(move |request| match &*request.target {
        "/big" => file(&sent, None, false),
        _ => small(),
    })
    .await;
    // A quarter of it is the most for one entry.
    let tier = format!(
        "cache: {{ disk: {{ path: \"{}\", size: 16 MiB }} }}\n",
        directory.path().display()
    );
    let world = World::with(&format!("{tier}{}", files(&portal))).await;
    writes(&world, &directory, "/p/files/small").await;
    for round in 0..3 {
        let read = Download::begin(world.address(), "/p/files/big", "").await.rest().await;
        assert!(read.complete && read.content == content, "{round}: {}", read.content.len());
    }
    // Nor does it keep several clients from having it at once, as soon as that is known.
    let (client, mut asked) = (world.client, Vec::new());
    for _ in 0..4 {
        asked.push(tokio::spawn(async move { client.get("/p/files/big").await }));
    }
    for answer in asked {
        assert!(answer.await.expect("an answer").content == content);
    }
    assert_eq!(portal.targets().len(), 1 + 3 + 4);
    assert_eq!(directory.files("objects").len(), 0);
}
