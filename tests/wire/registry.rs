//! The registry as it is told, links, prefixes, and one portal at the root.

use insta::assert_snapshot;

use crate::support::{FakePortal, World, city, files};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the snapshot is the test")]
async fn the_registry_is_told_as_json() {
    let portal = FakePortal::padding("1").await;
    let world = World::with(&format!(
        "{}    title: The City\n    home: https://city.example/\n    routes:\n\
         \x20     - path: ^/api/3/action/datastore_search$\n        freshness: {{ default: 1m }}\n",
        city(&portal)
    ))
    .await;
    let all = world.get("/portals").await;
    assert_eq!(all.field("content-type"), Some("application/json"));
    let one = world.get("/p/city").await;
    assert_eq!(all.json()["portals"][0], one.json());
    assert_snapshot!(one.text().replace(&portal.origin(), "PORTAL"), @r#"
    {
      "id": "city",
      "title": "The City",
      "country": null,
      "software": "ckan",
      "dialect": "ckan",
      "unverified": false,
      "notes": null,
      "home": "https://city.example/",
      "base": "PORTAL/data",
      "ask": "jsonp",
      "licence": null,
      "attribution": null,
      "url": "/p/city/",
      "policy": {
        "freshness": {
          "decided_by": "registry",
          "default_s": 300,
          "not_found_s": 30,
          "error_s": 5,
          "stale_while_revalidate_s": 60,
          "stale_if_error_s": 604800
        },
        "cors": {
          "origins": [
            "*"
          ]
        },
        "limits": {
          "json_bytes": 33554432,
          "file_bytes": 17179869184,
          "total_time_s": 30.0
        },
        "routes": [
          {
            "freshness": {
              "decided_by": "registry",
              "default_s": 60,
              "not_found_s": 30,
              "error_s": 5,
              "stale_while_revalidate_s": 60,
              "stale_if_error_s": 604800
            },
            "cors": {
              "origins": [
                "*"
              ]
            },
            "limits": {
              "json_bytes": 33554432,
              "file_bytes": 17179869184,
              "total_time_s": 30.0
            },
            "path": "^/api/3/action/datastore_search$"
          }
        ]
      },
      "health": {
        "state": "ok"
      },
      "examples": [
        "/p/city/api/3/action/status_show",
        "/p/city/api/3/action/package_search?q=*:*&rows=2",
        "/p/city/api/3/action/organization_list"
      ]
    }
    "#);
}

#[tokio::test]
async fn links_come_from_the_public_url_and_never_from_host() {
    let portal = FakePortal::padding("1").await;
    let world = World::with(&format!(
        "server: {{ public_url: \"https://data.example.org/unpad\" }}\n{}",
        city(&portal)
    ))
    .await;
    let answer = world
        .client
        .raw("GET /portals HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nConnection: close\r\n\r\n")
        .await;
    assert_eq!(answer.json()["portals"][0]["url"], "https://data.example.org/unpad/p/city/");
    assert!(!answer.text().contains("evil.example"));
    let problem = world.get("/p/nobody/x").await.json();
    assert_eq!(problem["type"], "https://data.example.org/unpad/problems#unknown-portal");
    // A front server may leave the prefix on or take it off.
    for path in ["/p/city/api/3/action/status_show", "/unpad/p/city/api/3/action/status_show"] {
        assert_eq!(world.get(path).await.status, 200, "{path}");
    }
    let agent = portal.received()[0].field("user-agent").map(str::to_owned);
    assert!(agent.is_some_and(|a| a.contains("(+https://data.example.org/unpad)")));
}

#[tokio::test]
async fn one_portal_can_stand_at_the_root_with_its_own_paths() {
    let portal = FakePortal::padding("1").await;
    let world = World::adjusted(&city(&portal), |config| {
        config.server.at_root = Some("city".to_owned());
    })
    .await;
    assert_eq!(world.get("/api/3/action/status_show?x=1").await.text(), "1");
    assert_eq!(world.get("//double").await.status, 200);
    assert_eq!(world.get("/healthz").await.text(), "ok\n");
    assert_eq!(world.get("/../x").await.status, 400);
    let targets = portal.targets();
    assert!(targets[0].starts_with("/data/api/3/action/status_show?x=1&callback="), "{targets:?}");
    assert!(targets[1].starts_with("/data//double?"), "{targets:?}");
}

#[tokio::test]
async fn two_portals_do_not_share_entries() {
    let (one, two) = (FakePortal::padding("1").await, FakePortal::padding("2").await);
    let second = city(&two).replace("portals:\n", "").replace("city", "town");
    let world = World::with(&format!("{}{second}", city(&one))).await;
    assert_eq!(world.get("/p/city/x").await.text(), "1");
    assert_eq!(world.get("/p/town/x").await.text(), "2");
}

#[tokio::test]
async fn a_plain_portals_registry_entry_says_who_decides() {
    let portal = FakePortal::padding("1").await;
    let world = World::with(&files(&portal)).await;
    let entry = world.get("/p/files").await.json();
    assert_eq!(entry["policy"]["freshness"]["decided_by"], "portal");
}

#[tokio::test]
async fn a_route_holds_for_every_spelling_of_its_path() {
    let portal = FakePortal::padding("1").await;
    let world = World::with(&format!(
        "{}    routes:\n      - path: ^/api/3/action/datastore_search$\n\
         \x20       cors: {{ origins: [\"https://class.example\"] }}\n",
        city(&portal)
    ))
    .await;
    for path in [
        "/api/3/action/datastore_search",
        "/api/3/action/datastore%5Fsearch",
        "/api/3/action/%64atastore_search",
        "//api/3//action/datastore_search",
    ] {
        let answer = world.get(&format!("/p/city{path}")).await;
        assert_eq!(answer.field("access-control-allow-origin"), None, "{path}");
        let status = answer.field("cache-status").unwrap_or_default();
        assert!(status.ends_with("ttl=60"), "{path}: {status}");
    }
    assert!(portal.targets()[1].contains("datastore%5Fsearch"));
}
