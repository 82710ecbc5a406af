//! A disk that fails: nothing panics, nothing waits for ever, and it is used again afterwards.

use super::*;

/// Takes the place of a directory, so that nothing can be done in it, not even by root.
fn block(path: &Path) {
    fs::remove_dir_all(path).expect("a directory");
    fs::write(path, "in the way").expect("a file");
}

#[tokio::test]
async fn a_directory_that_was_removed_is_made_again() {
    let bench = Bench::new(16 * MIB).await;
    bench.put(record(1, bytes(10, 1))).await;
    stored_object(&bench, 2, &bytes(3_000_000, 1)).await;
    fs::remove_dir_all(&bench.folder.0).expect("removed");
    assert!(loaded(&bench, 1).await.is_none());
    bench.put(record(3, bytes(100_000, 1))).await;
    assert!(loaded(&bench, 3).await.is_some());
    let object = object(&bench, 4, &bytes(3_000_000, 1)).await;
    assert!(object.open().await.is_some());
    assert!(loaded(&bench, 2).await.is_none());
    drop(object);
    bench.flush().await;
    assert_eq!((bench.usage().entries, bench.usage().bytes), (1, bench.taken()));
    assert!(fs::exists(bench.folder.0.join("unpad-cache")).expect("a look"));
    let second = Disk::open(
        Options::new(bench.folder.0.clone(), MIB),
        Arc::clone(&bench.clock) as Arc<dyn Clock>,
    );
    assert!(matches!(second, Err(OpenError::InUse(_))));
}

#[tokio::test]
async fn after_a_failed_write_writing_pauses_and_then_resumes() {
    let bench = Bench::new(16 * MIB).await;
    bench.put(record(1, bytes(10, 1))).await;
    let new = bench.folder.0.join("new");
    block(&new);
    bench.put(record(2, bytes(10, 1))).await;
    let counters = bench.counters();
    assert_eq!((counters.write_errors, counters.dropped), (1, 1));
    assert!(loaded(&bench, 2).await.is_none());
    assert!(loaded(&bench, 1).await.is_some(), "what is there can be read");
    assert!(bench.begin("city", 3, None).await.is_none());
    fs::remove_file(&new).expect("out of the way");
    bench.put(record(2, bytes(10, 1))).await;
    assert_eq!(bench.counters().dropped, 2, "paused");
    bench.clock.advance(Duration::from_secs(10));
    bench.put(record(2, bytes(10, 1))).await;
    assert!(loaded(&bench, 2).await.is_some());
    assert_eq!(bench.usage().bytes, bench.taken());
}

#[tokio::test]
async fn a_head_that_cannot_be_written_leaves_no_objects() {
    let bench = Bench::new(16 * MIB).await;
    bench.put(record(1, bytes(10, 1))).await;
    let heads = bench.folder.0.join("portals/city/heads");
    block(&heads);
    bench.put(record(2, bytes(100_000, 1))).await;
    assert_eq!(bench.counters().write_errors, 1);
    fs::remove_file(&heads).expect("out of the way");
    bench.clock.advance(Duration::from_secs(10));
    bench.put(record(2, bytes(100, 1))).await;
    assert!(loaded(&bench, 2).await.is_some());
}

#[tokio::test]
async fn a_draft_whose_disk_fails_says_so_and_leaves_nothing() {
    let bench = Bench::new(16 * MIB).await;
    let mut draft = bench.begin("city", 1, None).await.expect("a draft");
    draft.write(bytes(10, 1)).await.expect("room");
    let follower = tokio::spawn(collect(draft.growing().stream(0..u64::MAX)));
    block(&bench.folder.0.join("portals"));
    assert!(matches!(draft.finish().await, Err(DraftError::Disk(_))));
    // All of the content had arrived.
    assert_eq!(follower.await.expect("no panic").expect("content"), bytes(10, 1));
    bench.flush().await;
    assert!(bench.files().is_empty());
    assert_eq!((bench.counters().write_errors > 0, bench.usage().bytes), (true, 0));
}

#[tokio::test]
async fn a_removal_that_fails_hides_the_entry() {
    let bench = Bench::new(16 * MIB).await;
    bench.put(record(1, bytes(10, 1))).await;
    let path = bench.head_path(1);
    fs::remove_file(&path).expect("removed");
    // A directory cannot be unlinked.
    fs::create_dir(&path).expect("in the way");
    assert!(!bench.remove("city", 1).await);
    assert!(loaded(&bench, 1).await.is_none());
    assert_eq!(bench.counters().read_errors, 0, "it is not even looked at");
    fs::remove_dir(&path).expect("out of the way");
    assert!(bench.remove("city", 1).await);
    bench.put(record(1, bytes(10, 1))).await;
    assert!(loaded(&bench, 1).await.is_some());
}

#[tokio::test]
async fn a_disk_that_cannot_be_read_deletes_nothing() {
    let bench = Bench::new(16 * MIB).await;
    bench.put(record(1, bytes(10, 1))).await;
    let (portals, aside) = (bench.folder.0.join("portals"), bench.folder.0.join("aside"));
    fs::rename(&portals, &aside).expect("aside");
    fs::write(&portals, "in the way").expect("a file");
    assert!(loaded(&bench, 1).await.is_none());
    assert_eq!((bench.counters().read_errors, bench.counters().damaged), (1, 0));
    fs::remove_file(&portals).expect("out of the way");
    fs::rename(&aside, &portals).expect("back");
    assert!(loaded(&bench, 1).await.is_some());
}

#[tokio::test]
async fn a_look_up_that_takes_too_long_is_a_miss_and_counted() {
    let bench = Bench::with(16 * MIB, |options| {
        // Nobody may read, so every look-up waits.
        options.reads = 0;
        options.patience = Duration::from_millis(1);
    })
    .await;
    bench.put(record(1, bytes(10, 1))).await;
    assert!(loaded(&bench, 1).await.is_none());
    assert_eq!(bench.counters().slow, 1);
    assert_eq!(bench.usage().entries, 1);
}

#[tokio::test]
async fn what_waits_when_the_tier_ends_is_let_go() {
    let bench = Bench::new(16 * MIB).await;
    let content = Content::Object(object(&bench, 5, &Bytes::new()).await);
    let engine = bench.shared();
    let changes = engine.changes();
    bench.store(record_of("city", 5, vec![Variant { head: Bytes::new(), content }]));
    let removals = [1, 2].map(|id| engine.queue.remove("city".into(), id));
    let Bench { disk, folder, .. } = bench;
    drop(disk);
    drop(changes);
    let [_, last] = removals;
    // Whether the writer came to it or not, nobody waits.
    let _ = last.await;
    assert!(engine.queue.next().is_none());
    // Neither the thread nor anything in the queue holds the tier any more.
    while Arc::strong_count(&engine) > 1 {
        thread::yield_now();
    }
    drop(folder);
}
