//! Content coded with zstd: what is taken off, and what is refused. Frames are written by hand
//! where an encoder would not write them.

use async_compression::tokio::write::{GzipEncoder, ZstdEncoder};
use tokio::io::AsyncWriteExt as _;

use crate::support::{Answer, FakePortal, Reply, World, city};

const JSON: &[u8] = br#"{"a": [1, 2, 3]}"#;

async fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZstdEncoder::new(Vec::new());
    encoder.write_all(bytes).await.expect("memory");
    encoder.shutdown().await.expect("memory");
    encoder.into_inner()
}

async fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(bytes).await.expect("memory");
    encoder.shutdown().await.expect("memory");
    encoder.into_inner()
}

/// A frame of one raw block that asks for a window (RFC 8878 §3.1.1.1.2: a byte of five bits of
/// exponent above 10, and three of mantissa).
fn frame(window: u8, content: &[u8]) -> Vec<u8> {
    let header = u32::try_from(content.len()).expect("a short block") << 3 | 1;
    let header = &header.to_le_bytes()[..3];
    [&[0x28, 0xb5, 0x2f, 0xfd, 0, window], header, content].concat()
}

/// RFC 8878 §3.1.2: a frame that decoders skip.
fn skippable(length: u32) -> Vec<u8> {
    let content = vec![0; usize::try_from(length).expect("a length")];
    [&[0x50, 0x2a, 0x4d, 0x18], &length.to_le_bytes()[..], &content].concat()
}

async fn asked(limits: &str, coding: &str, reply: impl FnOnce(&str) -> Reply) -> Answer {
    let reply = reply(&format!("Content-Encoding: {coding}\r\n"));
    let portal = FakePortal::new(move |_| reply.clone()).await;
    let world = World::with(&format!("{}    limits: {{ {limits} }}\n", city(&portal))).await;
    world.get("/p/city/api/3/action/x").await
}

async fn answer(coding: &str, content: Vec<u8>) -> Answer {
    asked("", coding, |fields| Reply::http(200, fields, content)).await
}

#[tokio::test]
async fn zstd_is_taken_off_every_frame_of_it() {
    let frames = [zstd(&JSON[..7]).await, zstd(&JSON[7..]).await].concat();
    let among_skippable = [
        skippable(0),
        zstd(&JSON[..7]).await,
        skippable(100),
        zstd(&JSON[7..]).await,
        skippable(9),
    ];
    for (coding, content) in [
        ("zstd", zstd(JSON).await),
        ("ZSTD", frames),
        ("zstd", among_skippable.concat()),
        ("zstd, gzip", gzip(&zstd(JSON).await).await),
    ] {
        let answer = answer(coding, content).await;
        assert_eq!((answer.status, &answer.content[..]), (200, JSON), "{coding}");
        assert_eq!(answer.field("content-encoding"), None);
    }
}

#[tokio::test]
async fn a_zstd_window_of_8_mib_is_taken_and_a_greater_one_refused() {
    let taken = answer("zstd", frame(13 << 3, JSON)).await;
    assert_eq!((taken.status, &taken.content[..]), (200, JSON));
    for window in [13 << 3 | 1, 14 << 3, 31 << 3 | 7] {
        let refused = answer("zstd", frame(window, JSON)).await;
        assert_eq!((refused.status, &*refused.problem()), (502, "portal-failed"), "{window}");
    }
}

#[tokio::test]
async fn zstd_that_is_cut_or_followed_by_something_is_refused() {
    let whole = zstd(JSON).await;
    for end in 0..whole.len() {
        let cut = answer("zstd", whole[..end].to_vec()).await;
        assert_eq!(cut.status, 502, "{end}");
        if end > 0 {
            assert_eq!(cut.problem(), "response-incomplete", "{end}");
        }
    }
    for garbage in [&b"trailing"[..], b"\0", b"{}", &whole[..3], &[0x50, 0x2a, 0x4d, 0x18]] {
        assert_eq!(answer("zstd", [&whole, garbage].concat()).await.status, 502, "{garbage:?}");
    }
    assert_eq!(answer("zstd", JSON.to_vec()).await.problem(), "portal-failed");
}

#[tokio::test]
async fn bombs_of_zstd_are_refused() {
    let blanks = answer("zstd", zstd(&vec![b' '; 300 << 16]).await).await;
    assert_eq!((blanks.status, &*blanks.problem()), (502, "response-too-large"));
    assert!(blanks.text().contains("200 decoded bytes"), "{blanks}");
    // Frames that give nothing on, packed once more: what passes each layer counts.
    let nothing = gzip(&skippable(0).repeat(3 << 20)).await;
    let packed = answer("zstd, gzip", nothing).await;
    assert_eq!((packed.status, &*packed.problem()), (502, "response-too-large"));
}

#[tokio::test]
async fn skippable_frames_without_end_are_refused_by_their_length() {
    let endless = |fields: &str| {
        let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        Reply::raw(head).repeat(skippable(1000), 1_000_000)
    };
    let answer = asked("json_bytes: 64 KiB", "zstd", endless).await;
    assert_eq!((answer.status, &*answer.problem()), (502, "response-too-large"));
    assert_eq!(answer.json()["limit_bytes"], 65536);
}
