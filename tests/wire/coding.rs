//! Content codings of the gateway's own: who gets which, and that each has a validator of its own.
//! Those of portals are in `codings`.

use std::io::Read as _;

use crate::support::origin::{Origin, http};
use crate::support::{
    Answer, Client, Directory, FakePortal, Reply, World, city, files, noise, until,
};

/// JSON that is worth coding.
fn json() -> String {
    let rows: Vec<_> =
        (0..500).map(|n| format!("{{\"id\": {n}, \"name\": \"row {n}\"}}")).collect();
    format!("[{}]", rows.join(", "))
}

async fn rows() -> FakePortal {
    FakePortal::new(|request| Reply::ckan(format!("{}({});", request.callback(), json()))).await
}

async fn ask(client: Client, method: &str, target: &str, accept: &str) -> Answer {
    client.request(method, target, &format!("Accept-Encoding: {accept}\r\n")).await
}

/// Asks until the answer has this coding.
async fn coded(client: Client, target: &str, accept: &str, coding: &str) -> Answer {
    let mut answer = ask(client, "GET", target, accept).await;
    until(coding, async || {
        answer = ask(client, "GET", target, accept).await;
        answer.field("content-encoding") == Some(coding)
    })
    .await;
    answer
}

fn decoded(answer: &Answer) -> Vec<u8> {
    let mut content = Vec::new();
    match answer.field("content-encoding") {
        Some("gzip") => {
            let mut decoder = flate2::read::GzDecoder::new(&*answer.content);
            decoder.read_to_end(&mut content).expect("gzip");
        }
        Some("br") => {
            let mut decoder = brotli::Decompressor::new(&*answer.content, 4096);
            decoder.read_to_end(&mut content).expect("Brotli");
        }
        other => {
            assert_eq!(other, None);
            content.clone_from(&answer.content);
        }
    }
    content
}

fn varies(answer: &Answer) -> Vec<&str> {
    let lines = answer.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("vary"));
    lines.map(|(_, value)| value.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_answer_is_as_it_is_and_later_ones_are_coded() {
    let portal = rows().await;
    let world = World::city(&portal).await;
    let first = ask(world.client, "GET", "/p/city/x", "gzip, br").await;
    assert_eq!((first.field("content-encoding"), first.text()), (None, json()));
    assert_eq!(varies(&first), ["Accept-Encoding"]);
    let etag = first.field("etag").expect("an ETag").trim_matches('"').to_owned();
    for (accept, coding) in [("gzip, br", "br"), ("gzip", "gzip")] {
        let answer = coded(world.client, "/p/city/x", accept, coding).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.field("etag"), Some(&*format!("\"{etag}-{coding}\"")));
        assert_eq!(varies(&answer), ["Accept-Encoding"]);
        // RFC 9530: it would be of the content as it is.
        assert_eq!(answer.field("content-digest"), None);
        assert_eq!(answer.field("content-type"), Some("application/json"));
        assert_eq!(answer.field("content-length"), Some(&*answer.content.len().to_string()));
        assert!(answer.content.len() < json().len() / 2, "{coding}");
        assert_eq!(decoded(&answer), json().into_bytes(), "{coding}");
    }
    let plain = world.get("/p/city/x").await;
    assert_eq!((plain.field("content-encoding"), plain.text()), (None, json()));
    assert_eq!(plain.field("etag"), first.field("etag"));
    assert_eq!(varies(&plain), ["Accept-Encoding"]);
    assert_eq!(portal.targets().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variant_that_the_client_has_is_304_and_another_is_not() {
    let portal = rows().await;
    let world = World::city(&portal).await;
    let plain = world.get("/p/city/x").await.field("etag").expect("an ETag").to_owned();
    let br = coded(world.client, "/p/city/x", "br", "br").await;
    let br = br.field("etag").expect("an ETag").to_owned();
    let gzip = coded(world.client, "/p/city/x", "gzip", "gzip").await;
    let gzip = gzip.field("etag").expect("an ETag").to_owned();
    assert!(br != gzip && gzip != plain && plain != br);
    for (accept, own) in [("br", &br), ("gzip", &gzip), ("identity", &plain)] {
        for known in [&br, &gzip, &plain] {
            let fields = format!("Accept-Encoding: {accept}\r\nIf-None-Match: {known}\r\n");
            let answer = world.client.request("GET", "/p/city/x", &fields).await;
            // The content as it is would do for anybody, so who has that has enough.
            let has_it = known == own || *known == plain;
            let (expected, etag) = if has_it { (304, known) } else { (200, own) };
            assert_eq!(answer.status, expected, "{accept} {known}");
            assert_eq!(answer.field("etag"), Some(&**etag), "{accept} {known}");
            assert_eq!(varies(&answer), ["Accept-Encoding"], "{accept} {known}");
            if expected == 304 {
                assert_eq!(answer.field("content-encoding"), None, "{accept}");
                assert!(answer.content.is_empty(), "{accept}");
            }
        }
        let all = format!("Accept-Encoding: {accept}\r\nIf-None-Match: {br}, {gzip}, {plain}\r\n");
        assert_eq!(world.client.request("GET", "/p/city/x", &all).await.status, 304, "{accept}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn weights_decide_and_head_tells_the_variants_length() {
    let portal = rows().await;
    let world = World::city(&portal).await;
    world.get("/p/city/x").await;
    let br = coded(world.client, "/p/city/x", "br", "br").await.content.len();
    let gzip = coded(world.client, "/p/city/x", "gzip", "gzip").await.content.len();
    let plain = json().len();
    for (accept, coding, length) in [
        ("br;q=0.1, gzip;q=0.9", Some("gzip"), gzip),
        ("gzip;q=0.9, br", Some("br"), br),
        ("GZIP", Some("gzip"), gzip),
        ("x-gzip", Some("gzip"), gzip),
        ("*", Some("br"), br),
        ("br;q=0, *", Some("gzip"), gzip),
        ("identity, gzip;q=0.5", None, plain),
        ("gzip;q=0, br;q=0", None, plain),
        ("gzip;q=2", None, plain),
        ("zstd, deflate", None, plain),
        ("", None, plain),
    ] {
        for method in ["GET", "HEAD"] {
            let answer = ask(world.client, method, "/p/city/x", accept).await;
            assert_eq!(answer.field("content-encoding"), coding, "{method} {accept}");
            let length = length.to_string();
            assert_eq!(answer.field("content-length"), Some(&*length), "{method} {accept}");
            assert_eq!(answer.content.is_empty(), method == "HEAD", "{method} {accept}");
            assert_eq!(varies(&answer), ["Accept-Encoding"], "{method} {accept}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_always_one_of_the_content_as_it_is() {
    let portal = rows().await;
    let world = World::city(&portal).await;
    let plain = world.get("/p/city/x").await;
    let br = coded(world.client, "/p/city/x", "br", "br").await;
    let etag = plain.field("etag").expect("an ETag");
    for condition in [String::new(), format!("If-Range: {etag}\r\n")] {
        let fields = format!("Accept-Encoding: br\r\nRange: bytes=10-19\r\n{condition}");
        let answer = world.client.request("GET", "/p/city/x", &fields).await;
        assert_eq!((answer.status, answer.text().as_str()), (206, &json()[10..20]));
        assert_eq!((answer.field("content-encoding"), answer.field("etag")), (None, Some(etag)));
        assert_eq!(varies(&answer), ["Accept-Encoding"]);
    }
    // Who has a coded variant has no part of this one, and gets all of it.
    let known = br.field("etag").expect("an ETag");
    let fields = format!("Accept-Encoding: br\r\nRange: bytes=10-19\r\nIf-Range: {known}\r\n");
    let answer = world.client.request("GET", "/p/city/x", &fields).await;
    assert_eq!((answer.status, decoded(&answer)), (200, json().into_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_coded_where_it_saves_something() {
    let portal = FakePortal::new(|request| {
        let fields = |media_type: &str| {
            format!("Content-Type: {media_type}\r\nCache-Control: max-age=60\r\nETag: W/\"v1\"\r\n")
        };
        let lines = "1,2,3,4\n".repeat(2_000).into_bytes();
        let (media_type, content) = match &*request.target {
            "/table.csv" => ("text/csv", lines),
            "/short.csv" => ("text/csv", b"1,2\n".to_vec()),
            "/noise.csv" => ("text/csv", noise(3, 20_000)),
            _ => ("application/zip", lines),
        };
        Reply::http(200, &fields(media_type), content)
    })
    .await;
    let world = World::with(&files(&portal)).await;
    let table = coded(world.client, "/p/files/table.csv", "br", "br").await;
    // A weak validator stays weak, and is the variant's own.
    assert_eq!(table.field("etag"), Some("W/\"v1-br\""));
    assert_eq!(decoded(&table), "1,2,3,4\n".repeat(2_000).into_bytes());
    for target in ["/p/files/short.csv", "/p/files/data.zip"] {
        for _ in 0..3 {
            let answer = ask(world.client, "GET", target, "br, gzip").await;
            assert_eq!(answer.field("content-encoding"), None, "{target}");
            assert!(varies(&answer).is_empty(), "{target}");
        }
    }
    // That it does not become shorter is known when it has been tried.
    until("it is not negotiated", async || {
        let answer = ask(world.client, "GET", "/p/files/noise.csv", "br").await;
        assert_eq!(answer.field("content-encoding"), None);
        assert_eq!((answer.field("etag"), &answer.content), (Some("W/\"v1\""), &noise(3, 20_000)));
        varies(&answer).is_empty()
    })
    .await;
}

#[tokio::test]
async fn no_transform_is_obeyed() {
    let portal = FakePortal::new(|_| {
        let fields = "Content-Type: text/csv\r\nCache-Control: max-age=60, no-transform\r\n";
        Reply::http(200, fields, "1,2,3,4\n".repeat(2_000))
    })
    .await;
    let world = World::with(&files(&portal)).await;
    for _ in 0..20 {
        let answer = ask(world.client, "GET", "/p/files/x.csv", "br, gzip").await;
        assert_eq!((answer.field("content-encoding"), varies(&answer).len()), (None, 0));
        assert_eq!(answer.content.len(), 16_000);
    }
}

#[tokio::test]
async fn a_transparent_portals_answers_are_never_coded() {
    let origin = Origin::new(|_| {
        let fields =
            "Content-Type: application/json\r\nCache-Control: max-age=60\r\nETag: \"a\"\r\n";
        http(200, fields, &json())
    })
    .await;
    let world = World::with(&origin.yaml("")).await;
    for _ in 0..20 {
        let answer = ask(world.client, "GET", "/p/own/x", "br, gzip").await;
        assert_eq!((answer.field("content-encoding"), varies(&answer).len()), (None, 0));
        assert_eq!((answer.field("etag"), answer.text()), (Some("\"a\""), json()));
    }
    assert_eq!(origin.times("/x"), 1);
    // Whether the origin server codes is between it and the client.
    assert_eq!(origin.received()[0].field("Accept-Encoding"), Some("br, gzip"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_validator_means_the_same_bytes_after_a_restart() {
    let directory = Directory::new();
    let portal = rows().await;
    let yaml = format!("{}{}", directory.yaml(), city(&portal));
    let world = World::with(&yaml).await;
    let before = coded(world.client, "/p/city/x", "gzip", "gzip").await;
    world.end().await;
    let later = std::time::Duration::from_secs(9);
    let world = World::later(later, &yaml, |_| {}, |composed| composed).await;
    let after = coded(world.client, "/p/city/x", "gzip", "gzip").await;
    assert_eq!(after.field("etag"), before.field("etag"));
    assert_eq!(after.content, before.content);
    assert_eq!(portal.targets().len(), 1);
}
