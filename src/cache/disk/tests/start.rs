//! Opening a directory: whose it is, and what is found there.

use super::*;

fn try_open(path: &Path) -> Result<Disk, OpenError> {
    Disk::open(Options::new(path.to_owned(), MIB), clock())
}

#[tokio::test]
async fn after_a_restart_everything_is_there() {
    let bench = Bench::new(64 * MIB).await;
    for id in 0..20 {
        bench.put(record(id, bytes(1000, 1))).await;
    }
    let whole = bytes(3_000_000, 1);
    stored_object(&bench, 100, &whole).await;
    bench.put(record(101, bytes(100_000, 1))).await;
    let before = bench.usage();
    let bench = bench.again(64 * MIB).await;
    assert_eq!(bench.usage(), before);
    assert_eq!(content(&bench, 100).await, Some(whole));
    assert_eq!(content(&bench, 7).await, Some(bytes(1000, 1)));
    assert_eq!(bench.usage().bytes, bench.taken());
    assert_eq!(bench.counters(), Counters::default());
}

#[tokio::test]
async fn look_ups_work_before_the_scan_has_ended() {
    let bench = Bench::new(MIB).await;
    bench.put(record(1, bytes(1000, 1))).await;
    let Bench { disk, clock, folder } = bench;
    drop(disk);
    let layout = loop {
        match Layout::occupy(&folder.0) {
            Ok(layout) => break layout,
            Err(_) => thread::yield_now(),
        }
    };
    // A tier without its thread: the scan never ends.
    let mut options = Options::new(folder.0.clone(), MIB);
    options.patience = Duration::from_secs(3600);
    let disk = Disk(Arc::new(Handle(Arc::new(Engine::new(options, layout, clock)))));
    assert!(!disk.usage().scanned);
    assert_eq!(content(&disk, 1).await, Some(bytes(1000, 1)));
    assert!(loaded(&disk, 2).await.is_none());
    assert!(disk.begin("city", 3, None).await.is_none());
    disk.store(record(2, bytes(10, 1)));
    assert_eq!(content(&disk, 2).await, Some(bytes(10, 1)));
    assert_eq!(files(&folder.0).len(), 1);
}

#[tokio::test]
async fn leftovers_and_foreign_files_are_cleaned_up() {
    let bench = Bench::new(64 * MIB).await;
    let object = stored_object(&bench, 1, &bytes(3_000_000, 1)).await;
    bench.put(record(2, bytes(10, 1))).await;
    let orphan = layout::ObjectName { digest: 1, ..layout::ObjectName::new(1, object.sha256()) };
    let layout = &bench.engine().layout;
    let headless = layout::ObjectName { id: 9, digest: 9 };
    let head = layout.head("city", 2);
    let left: Vec<PathBuf> = vec![
        layout.new_files().join("7"),
        layout.object("city", orphan),
        layout.object("city", headless),
        head.with_file_name("index.html"),
        head.with_file_name(format!("{:032X}", 0xabc)),
        // The right name in the wrong place.
        head.with_file_name(format!("{:032x}", u128::MAX)),
        layout.object("city", headless).with_file_name(format!("{:032x}", 3)),
    ];
    for path in &left {
        fs::write(path, "left over").expect("a file");
    }
    let path = bench.object_path(&object);
    drop(object);
    let bench = bench.again(64 * MIB).await;
    for path in &left {
        assert!(!path.exists(), "{}", path.display());
    }
    assert!(path.exists());
    assert_eq!((bench.files().len(), bench.usage().entries), (3, 2));
    assert_eq!(bench.usage().bytes, bench.taken());
}

#[tokio::test]
async fn a_smaller_budget_after_a_restart_is_kept_too() {
    let bench = Bench::new(16 * MIB).await;
    for id in 0..100 {
        bench.put(record(id, bytes(50_000, 1))).await;
    }
    let bench = bench.again(MIB).await;
    assert!(bench.usage().bytes <= MIB && bench.taken() <= MIB);
    assert!(bench.usage().entries > 10);
}

#[tokio::test]
async fn the_order_of_eviction_survives_a_restart() {
    let bench = Bench::new(10 * 4096).await;
    for id in 0..10 {
        bench.put(record(id, bytes(1, 1))).await;
        let file = fs::File::open(bench.head_path(id)).expect("a head file");
        let day = Duration::from_secs(86_400 * u64::try_from(id).unwrap());
        let used = SystemTime::UNIX_EPOCH + Duration::from_secs(3_900_000_000) + day;
        file.set_modified(used).expect("a time");
    }
    // Use is written to the file, if it is long ago.
    assert!(loaded(&bench, 0).await.is_some());
    let bench = bench.again(10 * 4096).await;
    bench.put(record(10, bytes(1, 1))).await;
    assert!(loaded(&bench, 0).await.is_some());
    assert!(loaded(&bench, 1).await.is_none());
}

#[tokio::test]
async fn a_directory_is_open_once() {
    let bench = Bench::new(MIB).await;
    let error = try_open(&bench.folder.0).expect_err("in use");
    assert!(matches!(error, OpenError::InUse(_)), "{error}");
    assert!(error.to_string().contains("in use by another process"));
}

#[test]
fn a_directory_that_is_not_ours_is_refused() {
    let folder = Folder::new();
    fs::write(folder.0.join("thesis.tex"), "all of it").expect("a file");
    assert!(matches!(try_open(&folder.0), Err(OpenError::Foreign(_))));
    assert_eq!(fs::read_dir(&folder.0).expect("a directory").count(), 1);
    fs::write(folder.0.join("unpad-cache"), "unpad-cache 99\n").expect("a file");
    assert!(matches!(try_open(&folder.0), Err(OpenError::Format(..))));
    let file = folder.0.join("thesis.tex");
    assert!(matches!(try_open(&file), Err(OpenError::Io(..))));
}

#[tokio::test]
async fn a_new_file_system_is_as_good_as_empty() {
    let folder = Folder::new();
    fs::create_dir(folder.0.join("lost+found")).expect("a directory");
    let disk = try_open(&folder.0).expect("opened");
    disk.flush().await;
    assert!(disk.usage().scanned);
}

#[tokio::test]
async fn twenty_thousand_entries_are_found_again() {
    let bench = Bench::new(256 * MIB).await;
    let spread = |n: u128| n.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    for n in 0..20_000 {
        bench.disk.store(record(spread(n), bytes(20, 1)));
        if n % 1000 == 999 {
            bench.flush().await;
        }
    }
    bench.flush().await;
    assert_eq!(bench.counters().stored, 20_000);
    let bench = bench.again(256 * MIB).await;
    let usage = bench.usage();
    assert_eq!((usage.entries, usage.bytes), (20_000, 20_000 * 4096));
    assert!(loaded(&bench, spread(12_345)).await.is_some());
}
