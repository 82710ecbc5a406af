//! Parts and conditions: JSON and files that are kept in memory. Long files are in `disk`.

use std::time::Duration;

use crate::support::{Answer, FakePortal, Reply, World, city, files};

/// A thousand bytes of JSON.
fn json() -> String {
    format!("\"{}\"", "0123456789".repeat(100).get(..998).expect("ASCII"))
}

/// Ten times the digits, with a validator, for a minute.
async fn digits() -> FakePortal {
    FakePortal::new(|request| {
        let fields = "ETag: \"v1\"\r\nLast-Modified: Sat, 21 Nov 2026 08:00:00 GMT\r\n\
             Date: Sat, 21 Nov 2026 09:00:00 GMT\r\nContent-Type: application/octet-stream\r\n\
             Cache-Control: max-age=60\r\n";
        match request.field("range") {
            Some("bytes=0-9") => {
                let part = format!("{fields}Content-Range: bytes 0-9/100\r\n");
                Reply::http(206, &part, "0123456789")
            }
            _ => Reply::http(200, fields, "0123456789".repeat(10)),
        }
    })
    .await
}

fn status(answer: &Answer) -> &str {
    answer.field("cache-status").unwrap_or_default()
}

async fn part(world: &World, target: &str, range: &str) -> Answer {
    world.client.request("GET", target, &format!("Range: {range}\r\n")).await
}

#[tokio::test]
async fn a_part_of_json_is_cut_from_all_of_it_which_is_stored() {
    let portal =
        FakePortal::new(|request| Reply::ckan(format!("{}({});", request.callback(), json())))
            .await;
    let world = World::city(&portal).await;
    let first = part(&world, "/p/city/x", "bytes=1-10").await;
    assert_eq!((first.status, first.text().as_str()), (206, "0123456789"));
    assert_eq!(first.field("content-range"), Some("bytes 1-10/1000"));
    assert_eq!(status(&first), "unpad; fwd=uri-miss; fwd-status=200; stored; ttl=300");
    // It is the whole content's.
    assert_eq!(first.field("content-digest"), None);
    assert_eq!(portal.received()[0].field("range"), None);
    let whole = world.get("/p/city/x").await;
    assert_eq!((whole.status, whole.text(), status(&whole)), (200, json(), "unpad; hit; ttl=300"));
    assert_eq!(whole.field("etag"), first.field("etag"));
    assert_eq!(portal.targets().len(), 1);
}

#[tokio::test]
async fn what_is_a_range_is_cut_and_what_is_none_is_ignored() {
    let portal =
        FakePortal::new(|request| Reply::ckan(format!("{}({});", request.callback(), json())))
            .await;
    let plain = digits().await;
    let world = World::with(&format!(
        "{}{}",
        city(&portal),
        files(&plain).trim_start_matches("portals:\n")
    ))
    .await;
    for (target, whole) in [("/p/city/x", json()), ("/p/files/x", "0123456789".repeat(10))] {
        world.get(target).await;
        let length = whole.len();
        let last = length - 1;
        for (range, from, to) in [
            ("bytes=0-0".to_owned(), 0, 1),
            ("Bytes=3-5".to_owned(), 3, 6),
            ("bytes=-7".to_owned(), length - 7, length),
            ("bytes=7-".to_owned(), 7, length),
            (format!("bytes={last}-{last}"), last, length),
            ("bytes=90-99999999999999999999999".to_owned(), 90, length),
            ("bytes=-99999".to_owned(), 0, length),
        ] {
            let answer = part(&world, target, &range).await;
            assert_eq!((answer.status, answer.text().as_str()), (206, &whole[from..to]), "{range}");
            let said = format!("bytes {from}-{}/{length}", to - 1);
            assert_eq!(answer.field("content-range"), Some(&*said), "{range}");
            assert_eq!(answer.field("content-length"), Some(&*(to - from).to_string()), "{range}");
        }
        for range in
            ["bytes=5-2", "bytes=", "bytes=-", "bytes=a-b", "items=0-1", "0-1", "bytes=0-1,3-4"]
        {
            let answer = part(&world, target, range).await;
            assert_eq!((answer.status, answer.text()), (200, whole.clone()), "{range}");
            assert_eq!(answer.field("content-range"), None, "{range}");
        }
        for range in [format!("bytes={length}-"), "bytes=-0".to_owned()] {
            let answer = part(&world, target, &range).await;
            assert_eq!((answer.status, answer.content.len()), (416, 0), "{range}");
            let said = format!("bytes */{length}");
            assert_eq!(answer.field("content-range"), Some(&*said), "{range}");
            // A cache that knows no ranges must not keep it for others.
            assert_eq!(answer.field("cache-control"), Some("no-store"), "{range}");
            assert_eq!(answer.field("etag"), None, "{range}");
        }
        // RFC 9110 §14.2: a range is for GET alone.
        let head = world.client.request("HEAD", target, "Range: bytes=0-1\r\n").await;
        assert_eq!((head.status, head.field("content-length")), (200, Some(&*length.to_string())));
    }
    assert_eq!((portal.targets().len(), plain.targets().len()), (1, 1));
}

#[tokio::test]
async fn a_part_of_a_file_that_is_not_stored_is_asked_for_as_such() {
    let portal = digits().await;
    let world = World::with(&files(&portal)).await;
    for _ in 0..2 {
        let answer = part(&world, "/p/files/x", "bytes=0-9").await;
        assert_eq!((answer.status, answer.text().as_str()), (206, "0123456789"));
        assert_eq!(answer.field("content-range"), Some("bytes 0-9/100"));
        assert_eq!(status(&answer), "unpad; fwd=uri-miss; fwd-status=206");
    }
    assert_eq!(portal.received()[1].field("range"), Some("bytes=0-9"));
    // The portal takes no notice of this one, and sends everything.
    let answer = part(&world, "/p/files/x", "bytes=20-24").await;
    assert_eq!((answer.status, answer.text().as_str()), (206, "01234"));
    assert_eq!(answer.field("content-range"), Some("bytes 20-24/100"));
    // None of these was taken for the file.
    let whole = world.get("/p/files/x").await;
    assert_eq!((whole.status, whole.content.len()), (200, 100));
    assert_eq!(status(&whole), "unpad; fwd=uri-miss; fwd-status=200; stored; ttl=60");
    let answer = part(&world, "/p/files/x", "bytes=0-9").await;
    assert_eq!((answer.status, status(&answer)), (206, "unpad; hit; ttl=60"));
    assert_eq!(portal.targets().len(), 4);
}

#[tokio::test]
async fn a_part_of_what_is_stale_is_cut_from_what_is_fetched_anew() {
    let portal = digits().await;
    let world = World::with(&files(&portal)).await;
    world.get("/p/files/x").await;
    world.clock.advance(Duration::from_secs(61));
    let answer = part(&world, "/p/files/x", "bytes=0-9").await;
    assert_eq!((answer.status, answer.text().as_str()), (206, "0123456789"));
    assert!(status(&answer).starts_with("unpad; fwd=stale; fwd-status=200; stored"));
    assert_eq!(portal.received()[1].field("range"), None);
    // And of what is stale while the portal is down.
    world.clock.advance(Duration::from_secs(3600));
    portal.now(|_| Reply::default().then_reset());
    let answer = part(&world, "/p/files/x", "bytes=5-6").await;
    assert_eq!((answer.status, answer.text().as_str()), (206, "56"));
    assert!(status(&answer).ends_with("detail=stale-if-error"));
}

#[tokio::test]
async fn if_range_lets_a_part_pass_only_of_what_the_client_has() {
    let portal = digits().await;
    let world = World::with(&files(&portal)).await;
    world.get("/p/files/x").await;
    for (condition, status) in [
        ("\"v1\"", 206),
        ("\"v2\"", 200),
        ("W/\"v1\"", 200),
        ("Sat, 21 Nov 2026 08:00:00 GMT", 206),
        ("Sat, 21 Nov 2026 08:00:01 GMT", 200),
        ("nonsense", 200),
    ] {
        let fields = format!("Range: bytes=0-9\r\nIf-Range: {condition}\r\n");
        let answer = world.client.request("GET", "/p/files/x", &fields).await;
        assert_eq!(answer.status, status, "{condition}");
    }
    assert_eq!(portal.targets().len(), 1);
}

#[tokio::test]
async fn conditions_are_weighed_in_the_order_of_the_standard() {
    let portal = digits().await;
    let world = World::with(&files(&portal)).await;
    world.get("/p/files/x").await;
    let (then, before) = ("Sat, 21 Nov 2026 08:00:00 GMT", "Sat, 21 Nov 2026 07:59:59 GMT");
    for (fields, status) in [
        (format!("If-Modified-Since: {then}\r\n"), 304),
        (format!("If-Modified-Since: {before}\r\n"), 200),
        ("If-Modified-Since: yesterday\r\n".to_owned(), 200),
        // If-None-Match alone counts where both are.
        (format!("If-None-Match: \"v2\"\r\nIf-Modified-Since: {then}\r\n"), 200),
        (format!("If-None-Match: \"v1\"\r\nIf-Modified-Since: {before}\r\n"), 304),
        // A client that has it needs no part of it.
        ("If-None-Match: \"v1\"\r\nRange: bytes=0-9\r\n".to_owned(), 304),
        ("If-None-Match: \"v2\"\r\nRange: bytes=0-9\r\n".to_owned(), 206),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = world.client.request(method, "/p/files/x", &fields).await;
            let status = if method == "HEAD" && status == 206 { 200 } else { status };
            assert_eq!(answer.status, status, "{method} {fields}");
            if status == 304 {
                assert_eq!(answer.field("etag"), Some("\"v1\""), "{fields}");
                assert!(answer.content.is_empty(), "{fields}");
                assert_eq!(answer.field("content-type"), None, "{fields}");
            }
        }
    }
    assert_eq!(portal.targets().len(), 1);
}

#[tokio::test]
async fn an_error_is_never_sent_in_part() {
    let portal = FakePortal::new(|_| Reply::ckan_error(404, "{\"success\": false}")).await;
    let world = World::city(&portal).await;
    for _ in 0..2 {
        let answer = part(&world, "/p/city/x", "bytes=0-3").await;
        assert_eq!((answer.status, answer.text().as_str()), (404, "{\"success\": false}"));
        assert_eq!(answer.field("content-range"), None);
    }
}
