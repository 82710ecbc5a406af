//! Allowances by the clock.

use std::net::IpAddr;
use std::time::SystemTime;

use super::*;
use crate::clock::ManualClock;

fn allowances(options: Options) -> (Arc<Allowances>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::starting_at(SystemTime::UNIX_EPOCH));
    (Allowances::new(options, clock.clone()), clock)
}

fn client(address: &str) -> Client {
    address.parse::<IpAddr>().expect("an address").into()
}

fn few() -> Options {
    Options { rate: 2, burst: 3, fetches: 100, ..Options::default() }
}

#[test]
fn a_client_has_a_burst_and_then_its_rate() {
    let (allowances, clock) = allowances(few());
    let ask = || Claim::new(&allowances, client("192.0.2.1")).make();
    for _ in 0..3 {
        assert_eq!(ask(), Ok(()));
    }
    let exceeded = ask().expect_err("nothing is left");
    assert_eq!(exceeded.retry_after, Duration::from_millis(500));
    assert!(!exceeded.at_once);
    clock.advance(Duration::from_millis(500));
    assert_eq!(ask(), Ok(()));
    assert!(ask().is_err());
    clock.advance(Duration::from_secs(3600));
    for _ in 0..3 {
        assert_eq!(ask(), Ok(()));
    }
    assert!(ask().is_err());
}

#[test]
fn a_claim_counts_once_and_says_how_the_client_stands() {
    let (allowances, _) = allowances(few());
    let claim = Claim::new(&allowances, client("192.0.2.1"));
    assert_eq!(claim.standing(), None);
    assert_eq!((claim.make(), claim.make()), (Ok(()), Ok(())));
    let standing = claim.standing().expect("a standing");
    let (window, reset) = (Duration::from_millis(1500), Duration::from_millis(500));
    assert_eq!(standing, Standing { quota: 3, window, remaining: 2, reset });
}

#[test]
fn what_is_under_way_at_once_is_bounded_and_given_back() {
    let (allowances, _) = allowances(Options { fetches: 2, ..Options::default() });
    let claims: Vec<_> = (0..3).map(|_| Claim::new(&allowances, client("192.0.2.1"))).collect();
    assert_eq!((claims[0].make(), claims[1].make()), (Ok(()), Ok(())));
    assert!(claims[2].make().expect_err("too much at once").at_once);
    let [_, second, third] = <[_; 3]>::try_from(claims).expect("three");
    assert_eq!(third.make(), Ok(()));
    drop((second, third));
}

#[test]
fn clients_are_told_apart_by_address_or_by_the_half_of_it_that_is_theirs() {
    for (one, other, same) in [
        ("192.0.2.1", "192.0.2.2", false),
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
    ] {
        assert_eq!(client(one) == client(other), same, "{one} {other}");
    }
    assert_eq!(client("2001:db8::7").to_string(), "2001:db8::/64");
}

#[test]
fn exempt_networks_are_not_bounded() {
    let exempt = ["10.0.0.0/8", "2001:db8::/32"].map(|net| net.parse().expect("a network"));
    let (allowances, _) =
        allowances(Options { rate: 1, burst: 1, exempt: exempt.into(), ..Options::default() });
    let asks = |address| {
        let claims = (0..5).map(|_| Claim::new(&allowances, client(address)).make());
        claims.flatten().count()
    };
    assert_eq!((asks("10.1.2.3"), asks("2001:db8:5::1"), asks("192.0.2.1")), (5, 5, 1));
}

#[test]
fn the_table_is_bounded_however_many_come() {
    let (allowances, _) = allowances(few());
    for number in 0..70_000_u32 {
        let address = IpAddr::from(Ipv4Addr::from(number));
        assert_eq!(Claim::new(&allowances, address.into()).make(), Ok(()));
    }
    allowances.clients.run_pending_tasks();
    assert!(allowances.clients.entry_count() <= CLIENTS);
}
