//! The disk tier as clients see it: what is there after a restart, and what a failing disk costs.

use std::time::Duration;

use tokio::net::TcpListener;

use unpad::server::Token;

use crate::long::{BIG, file};
use crate::support::origin::{Origin, http};
use crate::support::portal::{Gate, Received};
use crate::support::stream::Download;
use crate::support::{
    Answer, Client, Directory, FakePortal, Reply, World, city, files, noise, until,
};

const DAY: Duration = Duration::from_secs(24 * 3600);

const TOKEN: &str = "correct-horse-battery-staple-again";

pub(crate) fn status(answer: &Answer) -> &str {
    answer.field("cache-status").unwrap_or_default()
}

pub(crate) async fn later(after: Duration, yaml: &str) -> World {
    World::later(after, yaml, |_| {}, |composed| composed).await
}

async fn offline(after: Duration, yaml: &str) -> World {
    World::later(after, yaml, |config| config.cache.offline = true, |composed| composed).await
}

/// Waits until the tier has looked at what is in its directory: before that, nothing is written.
pub(crate) async fn writes(world: &World, directory: &Directory, target: &str) {
    assert_eq!(world.get(target).await.status, 200);
    until("something is written", async || !directory.files("heads").is_empty()).await;
}

/// What a portal of files answers where a test is not about it.
pub(crate) fn small() -> Reply {
    Reply::http(200, "Cache-Control: max-age=60\r\n", "small")
}

#[tokio::test]
async fn what_was_fetched_with_a_token_is_not_for_who_has_another() {
    let directory = Directory::new();
    let portal = FakePortal::padding("1").await;
    let entry = |more: &str| format!("{}{}{more}", directory.yaml(), city(&portal));
    let world = World::with(&entry("    headers: { X-Token: one }\n")).await;
    world.get("/p/city/x").await;
    world.end().await;
    for (more, cache) in [
        ("    headers: { X-Token: one }\n    title: Another\n", "unpad; hit"),
        ("    headers: { X-Token: two }\n", "unpad; fwd=uri-miss"),
        ("", "unpad; fwd=uri-miss"),
        ("    api_key: { env: CARGO_PKG_NAME, header: X-Key }\n", "unpad; fwd=uri-miss"),
        ("    api_key: { env: CARGO_PKG_NAME, parameter: key }\n", "unpad; fwd=uri-miss"),
        ("    non_finite: \"null\"\n", "unpad; fwd=uri-miss"),
    ] {
        let world = later(Duration::from_secs(1), &entry(more)).await;
        let answer = world.get("/p/city/x").await;
        assert!(status(&answer).starts_with(cache), "{more}: {}", status(&answer));
        world.end().await;
    }
}

#[tokio::test]
async fn a_stored_answer_survives_a_restart_and_has_aged_meanwhile() {
    let directory = Directory::new();
    let portal = FakePortal::padding("{\"a\": 1.00}").await;
    let yaml = format!("{}{}", directory.yaml(), city(&portal));
    let world = World::with(&yaml).await;
    let first = world.get("/p/city/x").await;
    world.clock.advance(Duration::from_secs(20));
    world.end().await;
    let world = later(Duration::from_secs(100), &yaml).await;
    let second = world.get("/p/city/x").await;
    assert_eq!((status(&second), second.field("age")), ("unpad; hit; ttl=200", Some("100")));
    for name in ["date", "etag", "content-digest", "cache-control", "content-type", "link"] {
        assert_eq!(second.field(name), first.field(name), "{name}");
    }
    assert_eq!(second.text(), "{\"a\": 1.00}");
    // What was read from the disk is kept in memory, and ages on.
    world.clock.advance(Duration::from_secs(30));
    let third = world.get("/p/city/x").await;
    assert_eq!((status(&third), third.field("age")), ("unpad; hit; ttl=170", Some("130")));
    let known = format!("If-None-Match: {}\r\n", first.field("etag").expect("an ETag"));
    assert_eq!(world.client.request("GET", "/p/city/x", &known).await.status, 304);
    assert_eq!(portal.targets().len(), 1);
    world.end().await;
    // A restart stores nothing anew: the age is still that of the first answer.
    let world = later(Duration::from_secs(310), &yaml).await;
    let stale = world.get("/p/city/x").await;
    assert_eq!(status(&stale), "unpad; hit; ttl=-10; detail=stale-while-revalidate");
    assert_eq!(stale.field("age"), Some("310"));
}

#[tokio::test]
async fn what_a_portal_confirmed_is_confirmed_after_a_restart_too() {
    let directory = Directory::new();
    let portal = FakePortal::new(|request| {
        let fields = "ETag: \"v1\"\r\nCache-Control: max-age=60\r\n";
        match request.field("if-none-match") {
            Some("\"v1\"") => Reply::raw(format!("HTTP/1.1 304 X\r\n{fields}\r\n")),
            _ => Reply::http(200, fields, "content"),
        }
    })
    .await;
    let yaml = format!("{}{}", directory.yaml(), files(&portal));
    let world = World::with(&yaml).await;
    world.get("/p/files/x").await;
    world.end().await;
    let world = later(Duration::from_secs(100), &yaml).await;
    // The portal's own validators were kept.
    let answer = world.get("/p/files/x").await;
    assert_eq!(status(&answer), "unpad; fwd=stale; fwd-status=304; stored; ttl=60");
    world.end().await;
    let world = later(Duration::from_secs(150), &yaml).await;
    let answer = world.get("/p/files/x").await;
    assert_eq!((status(&answer), answer.field("age")), ("unpad; hit; ttl=10", Some("50")));
    assert_eq!((answer.text().as_str(), portal.targets().len()), ("content", 2));
}

#[tokio::test]
async fn a_portal_that_is_down_is_covered_after_a_restart_for_seven_days() {
    let directory = Directory::new();
    let portal = FakePortal::padding("1").await;
    let yaml = format!("{}{}", directory.yaml(), city(&portal));
    let world = World::with(&yaml).await;
    world.get("/p/city/x").await;
    world.end().await;
    portal.now(|_| Reply::default().then_reset());
    let fresh = Duration::from_secs(300);
    let world = later(fresh + 6 * DAY, &yaml).await;
    let answer = world.get("/p/city/x").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "1"));
    assert_eq!(status(&answer), "unpad; fwd=stale; ttl=-518400; detail=stale-if-error");
    assert_eq!(answer.field("age"), Some("518700"));
    world.end().await;
    let world = later(fresh + 6 * DAY + Duration::from_secs(86_399), &yaml).await;
    assert_eq!(world.get("/p/city/x").await.field("age"), Some("605099"));
    world.clock.advance(Duration::from_secs(1));
    let answer = world.get("/p/city/x").await;
    assert_eq!((answer.status, answer.problem().as_str()), (502, "portal-unreachable"));
}

#[tokio::test]
async fn offline_serves_what_is_on_disk_however_old_and_asks_nobody() {
    let directory = Directory::new();
    let portal = FakePortal::padding("1").await;
    let yaml = format!("{}{}", directory.yaml(), city(&portal));
    let world = World::with(&yaml).await;
    world.get("/p/city/x").await;
    world.end().await;
    let before = portal.connections();
    let world = offline(Duration::from_secs(10), &yaml).await;
    assert_eq!(status(&world.get("/p/city/x").await), "unpad; hit; ttl=290");
    // Nor is it validated in the background.
    world.clock.advance(Duration::from_secs(310));
    let answer = world.get("/p/city/x").await;
    assert_eq!(status(&answer), "unpad; hit; ttl=-20; detail=stale-while-revalidate");
    world.end().await;
    let world = offline(30 * DAY, &yaml).await;
    let answer = world.get("/p/city/x").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "1"));
    assert_eq!(status(&answer), "unpad; hit; ttl=-2591700; detail=offline");
    assert_eq!(answer.field("age"), Some("2592000"));
    let reload = "Cache-Control: no-cache\r\n";
    assert_eq!(world.client.request("GET", "/p/city/x", reload).await.status, 200);
    for (method, fields) in [
        ("GET", ""),
        ("HEAD", ""),
        ("GET", "Range: bytes=0-0\r\n"),
        ("GET", "Authorization: secret\r\n"),
    ] {
        for target in ["/p/city/y", "/p/city/datastore/dump/y"] {
            let answer = world.client.request(method, target, fields).await;
            assert_eq!(answer.status, 504, "{method} {target} {fields}");
            if method == "GET" && fields != "Authorization: secret\r\n" {
                assert_eq!(answer.problem(), "offline", "{target} {fields}");
            }
        }
    }
    assert_eq!(portal.connections(), before);
}

#[tokio::test]
async fn json_that_is_too_long_for_its_head_file_survives_a_restart() {
    // One is read into memory again, one is sent from its file.
    for size in [300 << 10, 3 << 20] {
        let directory = Directory::new();
        let json = format!("\"{}\"", "0123456789".repeat(size / 10));
        let padded = json.clone();
        let portal = FakePortal::new(move |request| {
            Reply::ckan(format!("{}({padded});", request.callback()))
        })
        .await;
        let yaml = format!("{}{}", directory.yaml(), city(&portal));
        let world = World::with(&yaml).await;
        let first = world.get("/p/city/x").await;
        world.end().await;
        assert_eq!(directory.files("objects").len(), 1);
        let world = later(Duration::from_secs(60), &yaml).await;
        let second = world.get("/p/city/x").await;
        assert_eq!(status(&second), "unpad; hit; ttl=240");
        assert!(second.content == json.as_bytes(), "{size}");
        for name in ["etag", "content-digest", "content-type"] {
            assert_eq!(second.field(name), first.field(name), "{name}");
        }
        assert_eq!(second.field("content-length"), Some(&*json.len().to_string()));
        assert_eq!(portal.targets().len(), 1);
    }
}

/// What stands under a path of [`shelf`].
fn book(target: &str) -> Vec<u8> {
    let number: u64 = target.trim_start_matches("/book").parse().unwrap_or(0);
    let lengths = [100, 5_000, 60_000, 300_000, 1_500_000, BIG];
    noise(number + 10, lengths[usize::try_from(number).expect("a number") % lengths.len()])
}

/// A portal of files of many lengths.
async fn shelf() -> FakePortal {
    FakePortal::new(|request: &Received| file(&book(&request.target), None, true)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_damaged_byte_is_served_after_a_restart() {
    for kind in ["heads", "objects"] {
        let directory = Directory::new();
        let portal = shelf().await;
        let yaml = format!("{}{}", directory.yaml(), files(&portal));
        let world = World::with(&yaml).await;
        writes(&world, &directory, "/p/files/book0").await;
        let targets: Vec<_> = (0..12).map(|number| format!("/book{number}")).collect();
        for target in &targets {
            world.get(&format!("/p/files{target}")).await;
        }
        until("all is stored", async || directory.files("heads").len() == targets.len()).await;
        world.end().await;
        let damaged = directory.damage(kind);
        // Three of six lengths do not fit their head files.
        assert_eq!(damaged, if kind == "heads" { targets.len() } else { targets.len() / 2 });
        let asked = portal.targets().len();
        let world = later(Duration::from_secs(1), &yaml).await;
        let mut cut = 0;
        for target in &targets {
            let path = format!("/p/files{target}");
            let read = Download::begin(world.address(), &path, "").await.rest().await;
            let right = book(target);
            assert!(right.starts_with(&read.content), "{kind} {target}: a wrong byte");
            assert_eq!(read.complete, read.content.len() == right.len(), "{kind} {target}");
            cut += usize::from(!read.complete);
            // What proved damaged is gone: at the latest the next answer is right.
            until("the next answer is right", async || {
                let again = Download::begin(world.address(), &path, "").await.rest().await;
                assert!(right.starts_with(&again.content), "{kind} {target}: a wrong byte");
                again.complete
            })
            .await;
        }
        // Every damaged entry was fetched anew, and no other; what is read piece by piece breaks
        // off where the damage is.
        assert_eq!(portal.targets().len(), asked + damaged, "{kind}");
        assert_eq!(cut, if kind == "heads" { 0 } else { 2 }, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_go_on_when_the_cache_directory_is_removed_or_becomes_a_file() {
    let directory = Directory::new();
    let portal = shelf().await;
    let world = World::with(&format!("{}{}", directory.yaml(), files(&portal))).await;
    writes(&world, &directory, "/p/files/book0").await;
    let right = async |numbers: std::ops::Range<u32>| {
        for target in numbers.map(|number| format!("/book{number}")) {
            let answer = world.get(&format!("/p/files{target}")).await;
            assert_eq!(answer.status, 200, "{target}");
            assert!(answer.content == book(&target), "{target}");
        }
    };
    right(0..12).await;
    until("all is stored", async || directory.files("heads").len() == 12).await;
    directory.remove();
    right(0..24).await;
    // It is used again.
    until("it is made again", async || !directory.files("heads").is_empty()).await;
    directory.remove();
    std::fs::write(directory.path(), "not a directory").expect("a file");
    right(0..36).await;
    let written = std::fs::read_to_string(directory.path()).expect("still the file");
    assert_eq!(written, "not a directory");
    directory.remove();
    // After the pause that follows a failed write.
    world.clock.advance(Duration::from_secs(11));
    right(0..48).await;
    until("it is made again", async || !directory.files("heads").is_empty()).await;
}

/// A gateway with administration that starts so much later.
async fn administered(after: Duration, yaml: &str) -> (World, Client) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let admin = Client::new(listener.local_addr().expect("an address"));
    let token = Token::new(TOKEN).expect("a token");
    let more = |composed: unpad::cli::Composed| {
        composed.administered(listener, token).expect("an address")
    };
    (World::later(after, yaml, |_| {}, more).await, admin)
}

/// How many stored answers a purge says it has forgotten.
async fn purge(admin: Client, selector: &str) -> serde_json::Value {
    let answer = admin
        .raw(format!(
            "DELETE /cache?{selector} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Bearer {TOKEN}\r\n\r\n"
        ))
        .await;
    assert_eq!(answer.status, 200, "{answer}");
    answer.json()["purged"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_holds_for_the_disk_too() {
    for (selector, count, left) in [
        ("url=/p/files/book3", 1, vec![0, 5]),
        ("pattern=book[35]", 2, vec![0]),
        ("all=true", 3, vec![]),
    ] {
        let directory = Directory::new();
        let portal = shelf().await;
        let yaml = format!("{}{}", directory.yaml(), files(&portal));
        let world = World::with(&yaml).await;
        writes(&world, &directory, "/p/files/book0").await;
        for number in [3, 5] {
            world.get(&format!("/p/files/book{number}")).await;
        }
        until("all is stored", async || directory.files("heads").len() == 3).await;
        world.end().await;
        // Right at the start, when not everything on disk has been found yet.
        let (world, admin) = administered(Duration::from_secs(1), &yaml).await;
        assert_eq!(purge(admin, selector).await, count, "{selector}");
        world.end().await;
        assert_eq!(directory.files("heads").len(), left.len(), "{selector}");
        let world = later(Duration::from_secs(2), &yaml).await;
        for number in [0, 3, 5] {
            let answer = world.get(&format!("/p/files/book{number}")).await;
            let hit = status(&answer).starts_with("unpad; hit");
            assert_eq!(hit, left.contains(&number), "{selector} {number}: {}", status(&answer));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_beats_a_long_file_that_is_being_stored() {
    let directory = Directory::new();
    let (content, gate) = (noise(4, BIG), Gate::closed());
    let (sent, closed) = (content.clone(), gate.clone());
    let portal = FakePortal::new(move |request| match &*request.target {
        "/big" => file(&sent, Some(&closed), true),
        _ => small(),
    })
    .await;
    let yaml = format!("{}{}", directory.yaml(), files(&portal));
    let (world, admin) = administered(Duration::ZERO, &yaml).await;
    writes(&world, &directory, "/p/files/small").await;
    let mut before = Download::begin(world.address(), "/p/files/big", "").await;
    before.reach(2 << 20).await;
    purge(admin, "url=/p/files/big").await;
    // Who asks after the purge does not get what was asked for before it.
    let mut after = Download::begin(world.address(), "/p/files/big", "Range: bytes=0-\r\n").await;
    portal.has_received(3).await;
    gate.open();
    let before = before.rest().await;
    assert!(before.complete && before.content == content);
    after.reach(2 << 20).await;
    let after = after.rest().await;
    assert!(after.complete && after.content == content);
    world.end().await;
    assert_eq!(directory.files("heads").len(), 1, "that of the small one");
    let world = later(Duration::from_secs(1), &yaml).await;
    assert!(status(&world.get("/p/files/big").await).starts_with("unpad; fwd=uri-miss"));
}

#[tokio::test]
async fn all_variants_of_a_transparent_portals_answer_survive_a_restart() {
    let directory = Directory::new();
    let origin = Origin::new(|message| {
        let language = message.field("accept-language").unwrap_or("none").to_owned();
        http(200, "Vary: Accept-Language\r\nCache-Control: max-age=60\r\n", &language)
    })
    .await;
    let yaml = format!("{}{}", directory.yaml(), origin.yaml(""));
    let world = World::with(&yaml).await;
    let ask = async |world: &World, language: &str| {
        let fields = format!("Accept-Language: {language}\r\n");
        world.client.request("GET", "/p/own/x", &fields).await
    };
    assert_eq!(
        status(&ask(&world, "ca").await),
        "unpad; fwd=uri-miss; fwd-status=200; stored; ttl=60"
    );
    assert_eq!(
        status(&ask(&world, "de").await),
        "unpad; fwd=vary-miss; fwd-status=200; stored; ttl=60"
    );
    world.end().await;
    let world = later(Duration::from_secs(7), &yaml).await;
    for language in ["ca", "de", "ca"] {
        let answer = ask(&world, language).await;
        assert_eq!((status(&answer), answer.text().as_str()), ("unpad; hit; ttl=53", language));
    }
    assert!(status(&ask(&world, "fr").await).starts_with("unpad; fwd=vary-miss"));
    assert_eq!(origin.times("/x"), 3);
}

#[tokio::test]
async fn the_cache_directory_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = Directory::new();
    let portal = shelf().await;
    let _world = World::with(&format!("{}{}", directory.yaml(), files(&portal))).await;
    let mode = std::fs::metadata(directory.path()).expect("it is made").permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "{mode:o}");
}
