//! The budget, the shares, and who goes first.

use super::*;

#[tokio::test]
async fn the_budget_is_never_exceeded_while_many_times_its_size_is_stored() {
    let size = 4 * MIB;
    let bench = Bench::new(size).await;
    for id in 0..300 {
        let length = [100, 5_000, 60_000, 70_000, 300_000][usize::try_from(id % 5).unwrap()];
        bench.put(record(id, bytes(length, 1))).await;
        assert!(bench.usage().bytes <= size);
        assert!(bench.taken() <= size, "{} bytes after {id}", bench.taken());
        assert_eq!(bench.usage().bytes, bench.taken());
        assert!(loaded(&bench, id).await.is_some(), "what was just stored is there");
    }
    let counters = bench.counters();
    assert_eq!((counters.stored, counters.dropped, counters.write_errors), (300, 0, 0));
    assert!(counters.evicted > 200);
    assert_eq!(bench.usage().entries, 300 - counters.evicted);
}

#[tokio::test]
async fn drafts_make_room_and_what_is_too_long_is_refused_or_breaks_off() {
    let size = 8 * MIB;
    let bench = Bench::new(size).await;
    for id in 0..200 {
        bench.put(record(id, bytes(60_000, 1))).await;
    }
    assert!(bench.begin("city", 900, Some(2 * MIB)).await.is_none(), "a quarter with its table");
    let mut known = bench.begin("city", 901, Some(MIB)).await.expect("a draft");
    assert!(bench.usage().bytes <= size && bench.taken() <= size);
    let mut unknown = bench.begin("city", 902, None).await.expect("a draft");
    let growing = unknown.growing();
    known.write(bytes(1_000_000, 1)).await.expect("room");
    let mut written = 0;
    let error = loop {
        match unknown.write(bytes(100_000, 2)).await {
            Ok(()) => written += 100_000,
            Err(error) => break error,
        }
        assert!(bench.usage().bytes <= size && bench.taken() <= size);
    };
    assert_eq!(error, DraftError::TooLong);
    assert!(written > 1_900_000);
    // It goes on to one who reads all of it, and to nobody else.
    unknown.hand_over(Box::pin(futures_util::stream::iter([Ok(bytes(10, 3))])));
    assert!(collect(growing.stream(0..3_000_000)).await.is_err());
    let all = collect(growing.stream(0..u64::MAX)).await.expect("content");
    let sent = [bytes(100_000, 2).repeat(written / 100_000 + 1), bytes(10, 3).to_vec()].concat();
    assert!(all == sent, "{} of {}", all.len(), sent.len());
    assert!(collect(growing.stream(0..u64::MAX)).await.is_err());
    drop(growing);
    drop(known.finish().await.expect("an object"));
    bench.flush().await;
    assert_eq!(bench.usage().bytes, bench.taken());
    assert_eq!(bench.counters().write_errors, 0);
}

#[tokio::test]
async fn what_is_being_written_cannot_push_itself_out() {
    let bench = Bench::new(MIB).await;
    let mut drafts = Vec::new();
    for id in 0..10 {
        drafts.push(bench.begin("city", id, Some(200_000)).await);
    }
    assert_eq!(drafts.iter().flatten().count(), 5);
    // All room is promised, and none can be made.
    bench.put(record(20, bytes(60_000, 1))).await;
    assert_eq!(bench.counters().dropped, 1);
    drop(drafts);
    bench.flush().await;
    bench.put(record(20, bytes(60_000, 1))).await;
    assert_eq!(bench.counters().stored, 1);
}

#[tokio::test]
async fn one_owner_may_have_all_until_another_comes_and_then_its_share() {
    let size = 2 * MIB;
    let bench = Bench::new(size).await;
    for id in 0..100 {
        bench.put(record(id, bytes(30_000, 1))).await;
    }
    let bytes_of = |owner| bench.ids(Some(owner)).iter().map(|entry| entry.bytes).sum::<u64>();
    assert!(bytes_of("city") > size * 9 / 10);
    for id in 0..10 {
        bench.put(record_of("town", id, vec![variant("h", bytes(30_000, 1))])).await;
    }
    assert_eq!(bench.ids(Some("town")).len(), 10);
    for id in 100..200 {
        bench.put(record(id, bytes(30_000, 1))).await;
        assert!(bytes_of("city") <= size / 2);
        assert!(bench.usage().bytes <= size);
    }
    assert_eq!(bench.ids(Some("town")).len(), 10);
}

#[tokio::test]
async fn what_was_not_used_for_long_goes_first() {
    let bench = Bench::new(8 * MIB).await;
    let count = 1000_u128;
    for id in 0..count {
        bench.put(record(id, bytes(4_000, 1))).await;
    }
    assert_eq!(bench.usage().entries, 1000);
    bench.clock.advance(Duration::from_secs(60));
    for id in (0..count).step_by(2) {
        assert!(loaded(&bench, id).await.is_some());
    }
    for id in count..count + 1300 {
        bench.put(record(id, bytes(4_000, 1))).await;
    }
    let left: Vec<_> = bench.ids(None).iter().map(|entry| entry.id).collect();
    let used = left.iter().filter(|id| **id < count && **id % 2 == 0).count();
    let unused = left.iter().filter(|id| **id < count && **id % 2 == 1).count();
    assert!(used > 400 && unused < 300, "{used} used, {unused} unused");
}

#[tokio::test]
async fn among_few_entries_the_order_of_eviction_is_exact() {
    let bench = Bench::new(10 * 4096).await;
    for id in 0..10 {
        bench.put(record(id, bytes(1, 1))).await;
        bench.clock.advance(Duration::from_secs(1));
    }
    assert!(loaded(&bench, 0).await.is_some());
    bench.put(record(10, bytes(1, 1))).await;
    assert!(loaded(&bench, 0).await.is_some());
    assert!(loaded(&bench, 1).await.is_none());
}

#[tokio::test]
async fn a_record_larger_than_a_quarter_is_not_stored() {
    let bench = Bench::new(MIB).await;
    bench.put(record(1, bytes(270_000, 1))).await;
    let long = variant("h", bytes(1, 1));
    let head = vec![b'x'; 5 * 1024 * 1024].into();
    bench.put(record_of("city", 2, vec![Variant { head, ..long }])).await;
    assert_eq!((bench.counters().dropped, bench.files().len()), (2, 0));
}

#[test]
fn an_entry_costs_less_than_its_bound_in_memory() {
    assert_eq!(index::SLOT_BYTES, 28);
    assert_eq!(index::PLACE_BYTES, 20);
}
