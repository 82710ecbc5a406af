//! Files that are not what was written: never a wrong byte, and the entry goes.

use super::*;

/// Writes each damaged form of a file in its place, and expects a miss that deletes the entry.
async fn every_damage(whole: &[u8], mut check: impl AsyncFnMut(&[u8], String)) {
    for at in 0..whole.len() {
        for bit in [0x01, 0x80] {
            let mut damaged = whole.to_vec();
            damaged[at] ^= bit;
            check(&damaged, format!("byte {at} ^ {bit:#x}")).await;
        }
    }
    for length in 0..whole.len() {
        check(&whole[..length], format!("cut at {length}")).await;
    }
    let mut longer = whole.to_vec();
    longer.push(0);
    check(&longer, "one byte more".to_owned()).await;
}

#[tokio::test]
async fn every_flip_and_truncation_of_a_head_file_is_a_miss_and_deletes_the_entry() {
    let bench = Bench::new(MIB).await;
    let record = record_of("city", 1, vec![variant("one", bytes(20, 1)), variant("", bytes(9, 2))]);
    bench.put(record.clone()).await;
    let path = bench.head_path(1);
    let whole = fs::read(&path).expect("a head file");
    let mut damaged = 0;
    every_damage(&whole, async |file, what| {
        fs::write(&path, file).expect("a damaged file");
        assert!(loaded(&bench, 1).await.is_none(), "{what}");
        damaged += 1;
        assert_eq!(bench.counters().damaged, damaged, "{what}");
        assert!(!path.exists() && bench.usage().entries == 0, "{what}");
        bench.put(record.clone()).await;
    })
    .await;
    assert!(loaded(&bench, 1).await.is_some());
}

#[tokio::test]
async fn every_flip_and_truncation_of_an_object_is_an_error_and_deletes_the_entry() {
    let bench = Bench::with(16 * MIB, |options| options.whole = 0).await;
    let content = bytes(50, 1);
    let object = stored_object(&bench, 1, &content).await;
    let path = bench.object_path(&object);
    let whole = fs::read(&path).expect("an object file");
    let mut damaged = 0;
    every_damage(&whole, async |file, what| {
        fs::write(&path, file).expect("a damaged file");
        let read = match object.open().await {
            Some(reader) => collect(reader.stream(0..50)).await.ok(),
            None => None,
        };
        assert_eq!(read, None, "{what}");
        damaged += 1;
        assert_eq!(bench.counters().damaged, damaged, "{what}");
        assert!(bench.files().is_empty() && bench.usage().bytes == 0, "{what}");
        stored_object(&bench, 1, &content).await;
    })
    .await;
    assert_eq!(super::content(&bench, 1).await, Some(content));
}

#[tokio::test]
async fn a_damaged_object_that_would_be_loaded_whole_is_a_miss() {
    let bench = Bench::new(16 * MIB).await;
    let object = stored_object(&bench, 1, &bytes(100_000, 1)).await;
    let path = bench.object_path(&object);
    let mut file = fs::read(&path).expect("an object file");
    file[70_000] ^= 1;
    fs::write(&path, &file).expect("a damaged file");
    assert!(loaded(&bench, 1).await.is_none());
    assert_eq!((bench.counters().damaged, bench.files().len()), (1, 0));
}

#[tokio::test]
async fn damage_far_inside_ends_the_stream_after_what_is_whole() {
    let bench = Bench::new(32 * MIB).await;
    let content = bytes(3_000_000, 1);
    let object = stored_object(&bench, 1, &content).await;
    let path = bench.object_path(&object);
    let mut file = fs::read(&path).expect("an object file");
    file[2_000_000] ^= 1;
    fs::write(&path, &file).expect("a damaged file");
    let reader = object.open().await.expect("a reader");
    let head = collect(reader.stream(0..1_900_000)).await.expect("whole chunks");
    assert_eq!(head, content.slice(..1_900_000));
    assert_eq!(bench.counters().damaged, 0);
    let mut pieces = reader.stream(1_000_000..3_000_000);
    let mut given = Vec::new();
    let error = loop {
        match pieces.try_next().await {
            Ok(piece) => given.extend(piece.expect("no end before the damage")),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    assert_eq!(given, content.slice(1_000_000..1_000_000 + given.len()));
    assert!(matches!(pieces.try_next().await, Ok(None)));
    assert_eq!((bench.counters().damaged, bench.files().len()), (1, 0));
    assert!(object.open().await.is_none());
    assert_eq!(bench.counters().damaged, 1);
}

#[tokio::test]
async fn an_object_that_has_gone_takes_its_entry_along() {
    let bench = Bench::new(32 * MIB).await;
    let object = stored_object(&bench, 1, &bytes(3_000_000, 1)).await;
    fs::remove_file(bench.object_path(&object)).expect("removed");
    assert!(object.open().await.is_none());
    assert_eq!((bench.counters().damaged, bench.usage().entries), (1, 0));
    assert!(bench.files().is_empty());
}

#[tokio::test]
async fn another_format_and_a_foreign_file_are_misses() {
    let bench = Bench::new(MIB).await;
    let mut older = {
        bench.put(record(1, bytes(10, 1))).await;
        fs::read(bench.head_path(1)).expect("a head file")
    };
    // Whole but for its format: header, front and checksum are those of format 0.
    older[8] = 0;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&older[..32]);
    hasher.update(&older[36..older.len() - 10]);
    older[32..36].copy_from_slice(&hasher.finalize().to_le_bytes());
    let foreign = [older, b"<html>".to_vec(), vec![0xff; 5 * 1024 * 1024]];
    for (damaged, file) in (1..).zip(foreign) {
        bench.put(record(1, bytes(10, 1))).await;
        fs::write(bench.head_path(1), file).expect("a foreign file");
        assert!(loaded(&bench, 1).await.is_none());
        assert_eq!(bench.counters().damaged, damaged);
        assert!(!bench.head_path(1).exists());
    }
}

#[tokio::test]
async fn a_whole_entry_under_another_name_is_a_miss() {
    let bench = Bench::new(MIB).await;
    bench.put(record(1, bytes(10, 1))).await;
    bench.put(record(2, bytes(10, 2))).await;
    fs::copy(bench.head_path(1), bench.head_path(2)).expect("copied");
    assert!(bench.load("city", 2, "key 1").await.is_none());
    assert_eq!(bench.counters().damaged, 1);
    assert!(loaded(&bench, 1).await.is_some());
}
