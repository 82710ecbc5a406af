//! Collapsing, step by step: an origin that answers when the test says so, and requests that are
//! all waiting before it does.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::StatusCode;
use http::header::CACHE_CONTROL;
use http::{HeaderMap, HeaderValue};
use tokio::sync::Semaphore;

use super::freshness::{Authority, Policy};
use super::*;
use crate::clock::ManualClock;

/// What an origin does once it is let.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Answer,
    AnswerPrivately,
    AskToWait,
    Fail,
    Panic,
}

/// An origin that waits for a permit before each answer.
#[derive(Debug, Clone)]
struct Told {
    deed: Deed,
    asked: Arc<AtomicUsize>,
    permits: Arc<Semaphore>,
}

impl Told {
    fn to(deed: Deed) -> Self {
        Self { deed, asked: Arc::default(), permits: Arc::new(Semaphore::new(0)) }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Origin for Told {
    type Error = &'static str;

    fn fetch(
        &self,
        _: Option<&Validators>,
        _: bool,
    ) -> impl Future<Output = Result<Arrival<&'static str>, &'static str>> + Send + 'static {
        let told = self.clone();
        async move {
            let number = told.asked.fetch_add(1, Ordering::Relaxed);
            told.permits.acquire().await.expect("never closed").forget();
            let mut fields = HeaderMap::new();
            let mut status = StatusCode::OK;
            match told.deed {
                Deed::Answer => {}
                Deed::AskToWait => status = StatusCode::TOO_MANY_REQUESTS,
                Deed::AnswerPrivately => {
                    fields.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
                }
                Deed::Fail => return Err("failed"),
                Deed::Panic => panic!("as told"),
            }
            let content = Content::Buffer(Bytes::from(number.to_string()));
            let head = Head { status, fields: fields.clone(), validators: Validators::default() };
            Ok(Arrival::Response(
                head,
                Box::pin(std::future::ready(Ok(Received::new(fields, content)))),
            ))
        }
    }
}

fn cache() -> Arc<Cache<&'static str>> {
    let clock = ManualClock::starting_at(SystemTime::UNIX_EPOCH);
    let tiers = Tiers { memory: Memory::new(1 << 20), disk: None };
    Cache::new(tiers, Duration::from_secs(5), Arc::new(clock))
}

fn ask() -> Ask {
    Ask {
        key: CacheKey::new("city", &["k"]),
        policy: Policy {
            authority: Authority::Registry,
            lifetime: Some(Duration::from_secs(60)),
            not_found: Duration::ZERO,
            error: Duration::ZERO,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            no_cache_pause: Duration::ZERO,
            may_code: false,
        },
        directives: Directives::default(),
        fields: Arc::default(),
        authorized: false,
        offline: false,
        part: Part::Full,
    }
}

/// How long a test waits for what must happen before it fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(20);

/// Three requests that all wait, then `permits` answers.
async fn three(told: &Told, permits: usize) -> [Result<Reply, Failure<&'static str>>; 3] {
    let cache = cache();
    let asking = ask();
    let request = || cache.answer(&asking, || told.clone());
    let release = async {
        // The three above have been polled, so they wait; the leader has begun.
        while told.asked() == 0 {
            tokio::task::yield_now().await;
        }
        told.permits.add_permits(permits);
    };
    let all = async { tokio::join!(request(), request(), request(), release) };
    let (a, b, c, ()) =
        tokio::time::timeout(PATIENCE, Box::pin(all)).await.expect("nobody waits in vain");
    [a, b, c]
}

fn content(reply: &Reply) -> Bytes {
    let content = match &reply.answer {
        Answer::Stored(stored) => {
            stored.content(None).now_or_never().flatten().expect("it is in memory")
        }
        Answer::Passing(Passing { content: Content::Buffer(bytes), .. }) => {
            Content::Buffer(bytes.clone())
        }
        Answer::Passing(_) => panic!("a buffer"),
    };
    match content {
        Content::Buffer(bytes) => bytes,
        Content::Stream(..) => panic!("a buffer"),
    }
}

#[tokio::test]
async fn waiters_get_what_the_leader_brought_and_say_so() {
    let told = Told::to(Deed::Answer);
    let replies = three(&told, 1).await.map(|reply| reply.expect("a reply"));
    assert_eq!(told.asked(), 1);
    let collapsed = replies.iter().filter(|reply| reply.status.collapsed).count();
    let stored = replies.iter().filter(|reply| reply.status.stored).count();
    assert_eq!((collapsed, stored), (2, 1));
    assert!(replies.iter().all(|reply| content(reply) == "0"));
}

#[tokio::test]
async fn what_may_not_be_shared_is_fetched_by_everyone() {
    let told = Told::to(Deed::AnswerPrivately);
    let mut contents =
        three(&told, 3).await.map(|reply| content(&reply.expect("a reply"))).to_vec();
    contents.sort();
    assert_eq!(contents, ["0", "1", "2"]);
}

#[tokio::test]
async fn an_error_that_is_not_kept_is_told_to_everyone_who_waits() {
    let told = Told::to(Deed::AskToWait);
    for reply in three(&told, 1).await {
        let reply = reply.expect("a reply");
        assert_eq!(reply.status.forward_status, Some(StatusCode::TOO_MANY_REQUESTS));
        assert_eq!(content(&reply), "0");
        assert!(!reply.status.stored);
    }
    assert_eq!(told.asked(), 1);
}

#[tokio::test]
async fn a_failure_is_everyones_and_is_fetched_once() {
    let told = Told::to(Deed::Fail);
    for reply in three(&told, 1).await {
        assert_eq!(reply.err(), Some(Failure::Fetch("failed")));
    }
    assert_eq!(told.asked(), 1);
}

#[tokio::test]
async fn a_panic_lets_the_waiters_go() {
    let told = Told::to(Deed::Panic);
    for reply in three(&told, 1).await {
        assert_eq!(reply.err(), Some(Failure::Abandoned));
    }
    assert_eq!(told.asked(), 1);
}

#[tokio::test]
async fn a_key_that_proved_not_storable_is_not_waited_for_until_it_is_stored() {
    let cache = cache();
    let private = Told::to(Deed::AnswerPrivately);
    private.permits.add_permits(1);
    cache.answer(&ask(), || private).await.expect("a reply");
    assert!(cache.flights.go_alone(&ask().key, cache.clock.now()));
    let public = Told::to(Deed::Answer);
    public.permits.add_permits(1);
    assert!(cache.answer(&ask(), || public).await.expect("a reply").status.stored);
    assert!(!cache.flights.go_alone(&ask().key, cache.clock.now()));
}

#[tokio::test]
async fn who_waited_before_a_purge_gets_the_old_answer_and_who_comes_after_it_the_new() {
    let cache = cache();
    let (before, after) = (Told::to(Deed::Answer), Told::to(Deed::Answer));
    after.asked.store(7, Ordering::Relaxed);
    let asking = ask();
    let request = || cache.answer(&asking, || before.clone());
    let purge = async {
        while before.asked() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(cache.purge(None, Arc::new(|key| *key == ask().key)).await, 0);
        after.permits.add_permits(1);
        let new = cache.answer(&ask(), || after.clone()).await.expect("a reply");
        before.permits.add_permits(1);
        new
    };
    let all = async { tokio::join!(request(), request(), purge) };
    let (a, b, new) = tokio::time::timeout(PATIENCE, all).await.expect("nobody waits in vain");
    for old in [a, b] {
        let old = old.expect("a reply");
        assert_eq!((content(&old), old.status.stored), (Bytes::from("0"), false));
    }
    assert_eq!((content(&new), new.status.stored), (Bytes::from("7"), true));
    let kept = cache.answer(&ask(), || before.clone()).await.expect("a reply");
    assert_eq!((content(&kept), before.asked()), (Bytes::from("7"), 1));
}

#[tokio::test]
async fn a_purge_of_other_keys_leaves_a_fetch_alone() {
    let cache = cache();
    let told = Told::to(Deed::Answer);
    let purge = async {
        while told.asked() == 0 {
            tokio::task::yield_now().await;
        }
        cache.purge(None, Arc::new(|key| *key != ask().key)).await;
        told.permits.add_permits(1);
    };
    let asking = ask();
    let (reply, ()) = tokio::join!(cache.answer(&asking, || told.clone()), purge);
    assert!(reply.expect("a reply").status.stored);
}

#[test]
fn a_closed_flight_that_ends_leaves_the_next_one_open() {
    let flights = Flights::<()>::new(Duration::from_secs(5));
    let key = ask().key;
    let Seat::Leader(first) = flights.join(&key) else { panic!("nobody leads yet") };
    flights.close(&|_| true);
    let Seat::Leader(second) = flights.join(&key) else { panic!("the first is closed") };
    drop(first);
    assert!(matches!(flights.join(&key), Seat::Waiter(_)));
    drop(second);
    assert!(matches!(flights.join(&key), Seat::Leader(_)));
}
