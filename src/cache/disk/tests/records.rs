//! Storing, loading and removing, while nothing is wrong.

use super::*;

#[tokio::test]
async fn a_record_comes_back_with_all_variants_inline_and_as_objects() {
    let bench = Bench::new(64 * MIB).await;
    let contents = [bytes(0, 1), bytes(100, 2), bytes(65_536, 3), bytes(65_537, 4)];
    let long = bytes(3_000_000, 5);
    let mut variants: Vec<_> = contents.iter().map(|c| variant("head", c.clone())).collect();
    variants.push(variant("", long.clone()));
    bench.put(record_of("city", 7, variants)).await;
    let found = loaded(&bench, 7).await.expect("a record");
    assert_eq!((&*found.owner, &*found.key, found.id), ("city", "key 7", 7));
    for (variant, content) in found.variants.iter().zip(&contents) {
        assert_eq!(variant.head, "head");
        assert!(matches!(&variant.content, Content::Bytes(bytes) if bytes == content));
    }
    let Content::Object(object) = &found.variants[4].content else { panic!("an object") };
    let reader = object.open().await.expect("a reader");
    assert_eq!(object.length(), 3_000_000);
    assert_eq!(collect(reader.stream(0..u64::MAX)).await.expect("content"), long);
    assert_eq!(bench.files().len(), 3);
    assert_eq!(bench.counters(), Counters { stored: 1, ..Counters::default() });
}

#[tokio::test]
async fn every_range_of_an_object_is_what_was_stored() {
    let bench = Bench::new(64 * MIB).await;
    let whole = bytes(700_001, 1);
    let reader = object(&bench, 1, &whole).await.open().await.expect("a reader");
    for (start, end) in [
        (0, 1),
        (0, 0),
        (65_535, 65_537),
        (262_143, 262_145),
        (1, 700_001),
        (700_000, 700_001),
        (700_001, 700_001),
        (5, 524_288),
    ] {
        let range = collect(reader.stream(start..end)).await.expect("content");
        let (start, end) = (usize::try_from(start).unwrap(), usize::try_from(end).unwrap());
        assert_eq!(range, whole.slice(start..end), "{start}..{end}");
    }
    assert_eq!(collect(reader.stream(800_000..900_000)).await.expect("nothing").len(), 0);
}

#[tokio::test]
async fn many_short_contents_overflow_into_objects() {
    let bench = Bench::new(64 * MIB).await;
    let contents: Vec<_> = (0..40).map(|seed| bytes(60_000, seed)).collect();
    let variants = contents.iter().map(|c| variant("h", c.clone())).collect();
    bench.put(record_of("city", 1, variants)).await;
    assert!(bench.files().len() > 1);
    let found = loaded(&bench, 1).await.expect("a record");
    for (variant, content) in found.variants.iter().zip(&contents) {
        assert!(matches!(&variant.content, Content::Bytes(bytes) if bytes == content));
    }
}

#[tokio::test]
async fn another_key_with_the_same_id_is_a_miss_and_deletes_nothing() {
    let bench = Bench::new(MIB).await;
    bench.put(record(1, bytes(10, 1))).await;
    assert!(bench.load("city", 1, "another key").await.is_none());
    assert!(bench.load("town", 1, "key 1").await.is_none());
    assert!(bench.load("../city", 1, "key 1").await.is_none());
    assert!(loaded(&bench, 1).await.is_some());
    assert_eq!(bench.counters().damaged, 0);
}

#[tokio::test]
async fn what_waits_to_be_written_is_already_there_and_what_was_removed_is_not() {
    let bench = Bench::new(16 * MIB).await;
    // Nobody may change files, so the writer stands still.
    let engine = bench.shared();
    let changes = engine.changes();
    bench.store(record(1, bytes(10, 1)));
    bench.store(record(1, bytes(10, 2)));
    assert_eq!(content(&bench, 1).await, Some(bytes(10, 2)));
    assert_eq!(bench.ids(Some("city")).len(), 1);
    assert_eq!(bench.peek("city", 1).await.expect("an outline").variants[0].1, 10);
    let (owner, id) = (Arc::from("city"), 1);
    let removal = engine.queue.remove(owner, id);
    assert!(loaded(&bench, 1).await.is_none());
    assert!(bench.peek("city", 1).await.is_none());
    bench.store(record(1, bytes(10, 3)));
    assert_eq!(content(&bench, 1).await, Some(bytes(10, 3)));
    drop(changes);
    assert!(removal.await.expect("an answer"));
    bench.flush().await;
    assert_eq!(content(&bench, 1).await, Some(bytes(10, 3)));
    assert!(bench.remove("city", 1).await);
    assert!(loaded(&bench, 1).await.is_none());
    assert!(bench.files().is_empty());
}

#[tokio::test]
async fn a_full_queue_drops_and_counts() {
    let bench = Bench::with(16 * MIB, |o| (o.queue_entries, o.queue_bytes) = (3, 10_000)).await;
    let engine = bench.shared();
    let changes = engine.changes();
    bench.store(record(1, bytes(20_000, 1)));
    assert_eq!(bench.counters().dropped, 1);
    for id in 2..10 {
        bench.store(record(id, bytes(10, 1)));
    }
    assert_eq!(bench.counters().dropped, 6);
    assert!(loaded(&bench, 9).await.is_none());
    drop(changes);
    bench.flush().await;
    assert_eq!(bench.counters().stored, 3);
    bench.put(record(1, bytes(9_000, 1))).await;
    assert_eq!(bench.counters().stored, 4);
}

#[tokio::test]
async fn a_name_that_is_no_owner_is_not_stored() {
    let bench = Bench::new(MIB).await;
    for owner in ["", ".", "..", "a/b", "City", "-a", "a.b", "ä", &"a".repeat(64)] {
        bench.put(record_of(owner, 1, vec![variant("h", bytes(1, 1))])).await;
        assert!(bench.load(owner, 1, "key 1").await.is_none());
        assert!(!bench.remove(owner, 1).await);
        assert!(bench.begin(owner, 1, None).await.is_none());
    }
    assert_eq!(bench.counters().dropped, 9);
    assert!(bench.files().is_empty());
}

#[tokio::test]
async fn equal_content_is_not_written_again_and_replaced_content_goes() {
    use std::os::unix::fs::MetadataExt as _;
    let bench = Bench::new(64 * MIB).await;
    let content = bytes(100_000, 1);
    bench.put(record(1, content.clone())).await;
    let object =
        |bench: &Bench| bench.files().into_iter().find(|f| f.to_string_lossy().contains("objects"));
    let first = object(&bench).expect("an object");
    let inode = first.metadata().expect("a file").ino();
    let again = vec![variant("a", content.clone()), variant("b", content)];
    bench.put(record_of("city", 1, again)).await;
    assert_eq!(object(&bench).expect("an object").metadata().expect("a file").ino(), inode);
    assert_eq!(bench.files().len(), 2);
    bench.put(record(1, bytes(100_000, 2))).await;
    assert!(!first.exists());
    assert_eq!(bench.files().len(), 2);
    bench.put(record(1, bytes(10, 2))).await;
    assert_eq!(bench.files().len(), 1);
    assert_eq!(bench.usage().bytes, 4096);
}

#[tokio::test]
async fn a_record_read_from_disk_can_be_stored_again_with_its_object() {
    let bench = Bench::new(64 * MIB).await;
    let whole = bytes(3_000_000, 1);
    bench.put(record(1, whole.clone())).await;
    let mut found = loaded(&bench, 1).await.expect("a record");
    found.variants[0].head = Bytes::from_static(b"freshened");
    let stranger = Record { id: 2, ..found.clone() };
    bench.put(found).await;
    assert_eq!(loaded(&bench, 1).await.expect("a record").variants[0].head, "freshened");
    assert_eq!(content(&bench, 1).await, Some(whole));
    // An object belongs to its key.
    bench.put(stranger).await;
    assert_eq!(bench.counters().dropped, 1);
}

#[tokio::test]
async fn a_listing_has_every_entry_with_its_bytes() {
    let bench = Bench::new(16 * MIB).await;
    bench.put(record(1, bytes(10, 1))).await;
    bench.put(record_of("town", 2, vec![variant("h", bytes(5000, 1))])).await;
    assert_eq!(bench.ids(None).len(), 2);
    let town = bench.ids(Some("town"));
    assert_eq!(town, [Listed { owner: "town".into(), id: 2, bytes: 8192 }]);
    let outline = bench.peek("town", 2).await.expect("an outline");
    assert_eq!((&*outline.key, outline.variants[0].1), ("key 2", 5000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_at_once_no_byte_is_wrong_and_nothing_looks_damaged() {
    let bench = Bench::with(2 * MIB, |options| options.whole = 100_000).await;
    let tasks: Vec<_> =
        (0..6).map(|task| tokio::spawn(turmoil(bench.disk.clone(), task))).collect();
    for task in tasks {
        task.await.expect("no wrong byte");
    }
    bench.flush().await;
    let counters = bench.counters();
    assert_eq!((counters.damaged, counters.read_errors, counters.write_errors), (0, 0, 0));
    assert!(counters.stored > 100 && counters.evicted > 0, "{counters:?}");
    assert!(bench.taken() <= 2 * MIB);
    assert_eq!(bench.usage().bytes, bench.taken());
}

/// Stores, loads and removes what other tasks do too. The head names the content.
async fn turmoil(disk: Disk, task: u32) {
    for step in 0..150 {
        let seed = task * 1000 + step;
        let id = u128::from(seed % 17);
        let length = [50, 70_000, 400_000][usize::try_from(seed % 3).unwrap()];
        let whole = bytes(length, seed);
        let head = Bytes::from(format!("{length} {seed}"));
        match seed % 5 {
            0 | 1 => {
                let content = Content::Bytes(whole);
                disk.store(record_of("city", id, vec![Variant { head, content }]));
            }
            2 => {
                let Some(mut draft) = disk.begin("city", id, None).await else { continue };
                let follower = collect(draft.growing().stream(0..u64::MAX));
                if draft.write(whole.clone()).await.is_err() {
                    continue;
                }
                let Ok(object) = draft.finish().await else { continue };
                assert_eq!(follower.await.expect("content"), whole);
                let content = Content::Object(object);
                disk.store(record_of("city", id, vec![Variant { head, content }]));
            }
            3 => check(loaded(&disk, id).await).await,
            _ if step % 20 == 0 => assert!(disk.remove("city", id).await),
            _ => check(loaded(&disk, id).await).await,
        }
    }
}

async fn check(record: Option<Record>) {
    let Some(Variant { head, content }) = record.and_then(|mut r| r.variants.pop()) else { return };
    let head = String::from_utf8(head.to_vec()).expect("text");
    let (length, seed) = head.split_once(' ').expect("two numbers");
    let whole = bytes(length.parse().expect("a length"), seed.parse().expect("a seed"));
    match content {
        Content::Bytes(found) => assert!(found == whole),
        Content::Object(object) => {
            if let Some(reader) = object.open().await {
                assert!(collect(reader.stream(0..u64::MAX)).await.expect("content") == whole);
            }
        }
    }
}
