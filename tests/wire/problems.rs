//! `docs/problems.md` and the problems that are told.

use crate::support::{FakePortal, Reply, World};

/// Every problem type the surface names in this version.
const TYPES: [&str; 20] = [
    "unknown-portal",
    "invalid-path",
    "target-not-allowed",
    "action-not-allowed",
    "invalid-content",
    "bad-request",
    "loop-detected",
    "address-prohibited",
    "portal-unresolvable",
    "portal-unreachable",
    "portal-timeout",
    "portal-failed",
    "response-too-large",
    "response-incomplete",
    "not-jsonp",
    "portal-suspended",
    "busy",
    "too-many-requests",
    "offline",
    "internal",
];

#[test]
fn every_problem_type_is_explained_and_nothing_else() {
    let text = include_str!("../../docs/problems.md");
    let headings: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(headings, TYPES);
}

#[test]
fn every_type_in_the_code_is_a_heading() {
    let code = include_str!("../../src/server/problem.rs");
    let mut named: Vec<_> = code
        .split("Problem::new(")
        .skip(1)
        .filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next())
        .filter(|slug| !slug.is_empty())
        .collect();
    named.sort_unstable();
    named.dedup();
    let mut types = TYPES.to_vec();
    types.sort_unstable();
    assert_eq!(named, types);
}

#[test]
fn every_reason_is_explained() {
    let text = include_str!("../../docs/problems.md");
    for reason in unpad::jsonp::Reason::ALL {
        // These two are problems of their own.
        let own =
            matches!(reason, unpad::jsonp::Reason::Truncated | unpad::jsonp::Reason::TooLarge);
        assert!(own || text.contains(&format!("`{}`", reason.name())), "{}", reason.name());
    }
}

#[tokio::test]
async fn a_problem_is_what_ckans_clients_expect_at_the_same_time() {
    let portal = FakePortal::new(|_| Reply::html(200, "<html>")).await;
    let world = World::city(&portal).await;
    let unknown = world.get("/p/nobody/x").await;
    assert_eq!(unknown.field("content-type"), Some("application/problem+json"));
    assert_eq!(unknown.json()["success"], false);
    assert_eq!(unknown.json()["error"]["__type"], "Not Found Error");
    let failed = world.get("/p/city/x").await.json();
    assert_eq!(failed["error"]["__type"], "Not JSONP");
    assert_eq!(failed["error"]["message"], failed["detail"]);
    assert_eq!(failed["portal"], "city");
}

#[tokio::test]
async fn a_problems_type_leads_to_its_explanation() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    let uri = world.get("/p/nobody/x").await.json()["type"].as_str().expect("a type").to_owned();
    let (path, slug) = uri.split_once('#').expect("a fragment");
    let page = world.get(path).await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains(&format!("\n## {slug}\n")));
}
