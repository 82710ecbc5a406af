//! Recorded answers of real CKANs, replayed byte for byte: unwrapped, the padded one is its plain
//! twin.

use std::path::PathBuf;

use crate::support::{FakePortal, Reply, World, city};

/// Padded and plain recordings of the same request.
const TWINS: [(&str, &str, &str); 9] = [
    ("ckan-2.12.0", "002", "001"),
    ("ckan-2.12.0", "004", "003"),
    ("ckan-2.12.0", "008", "007"),
    ("ckan-2.12.0", "093", "092"),
    ("ckan-2.12.0", "109", "108"),
    ("ckan-2.10.11", "002", "001"),
    ("ckan-2.10.11", "004", "003"),
    ("ckan-2.10.11", "008", "007"),
    ("ckan-2.10.11", "093", "092"),
];

/// The recording whose name begins with a number: head and body.
fn recording(version: &str, number: &str) -> (String, Vec<u8>) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/recorded").join(version);
    let body = std::fs::read_dir(&folder)
        .expect("the recordings")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            name.starts_with(number) && path.extension().is_some_and(|e| e == "body")
        })
        .expect("a recording of that number");
    let head = std::fs::read_to_string(body.with_extension("head")).expect("its head");
    (head, std::fs::read(body).expect("its body"))
}

/// A recorded head as it can be sent again: one connection, one answer.
fn replayable(head: &str, length: usize) -> String {
    let mut lines: Vec<_> = head
        .lines()
        .filter(|l| !l.is_empty())
        .filter(|l| {
            let name = l.split(':').next().unwrap_or_default().to_ascii_lowercase();
            !matches!(name.as_str(), "content-length" | "connection" | "transfer-encoding")
        })
        .map(str::to_owned)
        .collect();
    lines.push(format!("Content-Length: {length}"));
    lines.push("Connection: close\r\n\r\n".to_owned());
    lines.join("\r\n")
}

#[tokio::test]
async fn recorded_padded_answers_come_out_as_their_plain_twins() {
    for (version, padded, plain) in TWINS {
        let (head, body) = recording(version, padded);
        let portal = FakePortal::new(move |request| {
            // The recording was asked for as `cb`; the portal pads with what it is asked for.
            let called = body.strip_prefix(b"cb(").expect("a padded recording");
            let mut padded = format!("{}(", request.callback()).into_bytes();
            padded.extend_from_slice(called);
            Reply::raw(replayable(&head, padded.len())).send(padded)
        })
        .await;
        let world = World::city(&portal).await;
        let answer = world.get("/p/city/api/3/action/recorded").await;
        assert_eq!(answer.status, 200, "{version} {padded}");
        assert_eq!(answer.content, recording(version, plain).1, "{version} {padded}");
        assert_eq!(answer.field("set-cookie"), None);
        // Not the portal's, but what is true of coded variants.
        let negotiated = (answer.content.len() >= 1024).then_some("Accept-Encoding");
        assert_eq!(answer.field("vary"), negotiated);
    }
}

#[tokio::test]
async fn recorded_errors_pass_with_their_status_and_bytes() {
    for (number, status) in [("042", 404), ("043", 409), ("045", 400), ("046", 403), ("049", 400)] {
        let (head, body) = recording("ckan-2.12.0", number);
        let sent = body.clone();
        let portal =
            FakePortal::new(move |_| Reply::raw(replayable(&head, sent.len())).send(&sent)).await;
        let world = World::with(&city(&portal)).await;
        let answer = world.get("/p/city/api/3/action/recorded").await;
        assert_eq!((answer.status, &answer.content), (status, &body), "{number}");
    }
}
