//! Content that arrives piece by piece, and those who read it meanwhile.

use std::time::Duration;

use std::pin::pin;

use futures_util::FutureExt as _;

use super::*;

#[tokio::test]
async fn readers_that_follow_get_the_same_bytes_early_late_and_in_ranges() {
    let bench = Bench::new(64 * MIB).await;
    let whole = bytes(3_000_001, 1);
    let mut draft = bench.begin("city", 1, None).await.expect("a draft");
    let growing = draft.growing();
    let follow = |start: u64, end: u64| tokio::spawn(collect(growing.stream(start..end)));
    let early = [(0, u64::MAX), (5, 9), (2_000_000, u64::MAX), (1_000_000, 1_500_000), (9, 9)];
    let readers: Vec<_> = early.iter().map(|(start, end)| follow(*start, *end)).collect();
    let mut rest = whole.clone();
    while rest.len() > 1_500_000 {
        draft.write(rest.split_to(10_007)).await.expect("room");
    }
    let late = follow(0, u64::MAX);
    draft.write(rest).await.expect("room");
    let object = draft.finish().await.expect("an object");
    let after = follow(100, 3_000_000);
    for (reader, (start, end)) in readers.into_iter().zip(early) {
        let read = reader.await.expect("no panic").expect("content");
        let (start, end) = (start.min(3_000_001), end.min(3_000_001));
        let range = usize::try_from(start).unwrap()..usize::try_from(end).unwrap();
        assert_eq!(read, whole.slice(range), "{start}..{end}");
    }
    assert_eq!(late.await.expect("no panic").expect("content"), whole);
    assert_eq!(after.await.expect("no panic").expect("content"), whole.slice(100..3_000_000));
    let digest = ring::digest::digest(&ring::digest::SHA256, &whole);
    assert_eq!(object.sha256(), digest.as_ref());
    let reader = object.open().await.expect("a reader");
    assert_eq!(collect(reader.stream(0..u64::MAX)).await.expect("content"), whole);
}

#[tokio::test]
async fn a_small_piece_can_be_read_before_the_next_arrives() {
    let bench = Bench::new(16 * MIB).await;
    let mut draft = bench.begin("city", 1, None).await.expect("a draft");
    let mut pieces = draft.growing().stream(0..u64::MAX);
    for seed in 0..3 {
        let piece = bytes(100, seed);
        draft.write(piece.clone()).await.expect("room");
        assert_eq!(pieces.try_next().await.expect("content"), Some(piece));
    }
    assert!(pieces.try_next().now_or_never().is_none());
    draft.finish().await.expect("an object");
    assert_eq!(pieces.try_next().await.expect("the end"), None);
}

#[tokio::test]
async fn an_abandoned_draft_fails_its_readers_and_leaves_nothing() {
    let bench = Bench::new(16 * MIB).await;
    let mut draft = bench.begin("city", 1, Some(1_000_000)).await.expect("a draft");
    assert!(bench.usage().bytes > 1_000_000);
    let mut pieces = draft.growing().stream(0..u64::MAX);
    draft.write(bytes(10, 1)).await.expect("room");
    assert_eq!(pieces.try_next().await.expect("content"), Some(bytes(10, 1)));
    let waiting = tokio::spawn(async move { pieces.try_next().await });
    drop(draft);
    assert!(waiting.await.expect("no panic").is_err());
    bench.flush().await;
    assert!(bench.files().is_empty());
    // The thread that wrote may still be about to let go of the file, and of its room with it.
    let free = async {
        while bench.usage().bytes > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), free).await.expect("its room is free again");
    assert_eq!(bench.counters(), Counters::default());
}

#[tokio::test]
async fn an_object_that_is_never_stored_goes() {
    let bench = Bench::new(16 * MIB).await;
    let object = object(&bench, 1, &bytes(100_000, 1)).await;
    bench.flush().await;
    assert_eq!(bench.files().len(), 1);
    assert!(bench.usage().bytes > 100_000);
    drop(object);
    bench.flush().await;
    assert_eq!((bench.files().len(), bench.usage().bytes), (0, 0));
}

#[tokio::test]
async fn two_drafts_of_one_key_do_not_hurt_each_other() {
    let bench = Bench::new(64 * MIB).await;
    let contents = [bytes(3_000_000, 1), bytes(3_000_000, 2), bytes(3_000_000, 2)];
    let mut objects = Vec::new();
    for content in &contents {
        objects.push(object(&bench, 1, content).await);
    }
    for (object, whole) in objects.into_iter().zip(contents) {
        let content = Content::Object(object);
        let head = Bytes::from_static(b"h");
        bench.put(record_of("city", 1, vec![Variant { head, content }])).await;
        assert_eq!(content_of(&bench).await, whole);
    }
    bench.flush().await;
    assert_eq!(bench.files().len(), 2);
    assert_eq!((bench.counters().stored, bench.counters().damaged), (3, 0));
    assert_eq!(bench.usage().bytes, bench.taken());
}

async fn content_of(bench: &Bench) -> Bytes {
    content(bench, 1).await.expect("content")
}

#[tokio::test]
async fn an_open_reader_finishes_what_has_been_replaced() {
    let bench = Bench::new(64 * MIB).await;
    let whole = bytes(3_000_000, 1);
    let object = stored_object(&bench, 1, &whole).await;
    let reader = object.open().await.expect("a reader");
    let mut pieces = reader.stream(0..u64::MAX);
    let mut read = pieces.try_next().await.expect("content").expect("a piece").to_vec();
    bench.put(record(1, bytes(10, 1))).await;
    assert_eq!(bench.files().len(), 1);
    while let Some(piece) = pieces.try_next().await.expect("content") {
        read.extend(piece);
    }
    assert_eq!(read, whole);
    // It is gone for those who come later, and that is no damage.
    assert!(object.open().await.is_none());
    assert_eq!(bench.counters().damaged, 0);
    assert!(loaded(&bench, 1).await.is_some());
}

#[tokio::test]
async fn a_draft_with_a_slow_disk_makes_its_writer_wait() {
    let bench = Bench::new(64 * MIB).await;
    let mut draft = bench.begin("city", 1, None).await.expect("a draft");
    let engine = bench.shared();
    let changes = engine.changes();
    let held = {
        let mut held = 0;
        // No room can be made now, so nothing is written.
        while let Some(written) = pin!(draft.write(bytes(65_536, 1))).now_or_never() {
            written.expect("room");
            held += 65_536;
            assert!(held <= 2_000_000, "a draft holds no more than about a megabyte");
        }
        held
    };
    assert!(held >= 400_000);
    drop(changes);
    drop(draft);
    bench.flush().await;
    assert!(bench.files().is_empty());
}

#[tokio::test]
async fn an_empty_content_is_an_object_too() {
    let bench = Bench::new(16 * MIB).await;
    let object = object(&bench, 1, &Bytes::new()).await;
    let reader = object.open().await.expect("a reader");
    assert_eq!(collect(reader.stream(0..u64::MAX)).await.expect("content").len(), 0);
}

#[tokio::test]
async fn content_shorter_than_announced_gives_its_room_back() {
    let bench = Bench::new(64 * MIB).await;
    let mut draft = bench.begin("city", 1, Some(8_000_000)).await.expect("a draft");
    draft.write(bytes(1000, 1)).await.expect("room");
    let object = draft.finish().await.expect("an object");
    assert_eq!(object.length(), 1000);
    assert_eq!(bench.usage().bytes, 4096);
    assert_eq!(bench.taken(), 4096);
}
