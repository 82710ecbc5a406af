//! CKAN's actions by POST: what reaches the portal, what is stored, and what is refused.

use crate::support::{Client, FakePortal, Reply, World, city};

/// A portal that answers with what it was sent.
async fn echo() -> FakePortal {
    FakePortal::new(|request| {
        let line = request.head.lines().next().unwrap_or_default();
        let line = line.trim_end_matches(" HTTP/1.1");
        let token = request.field("authorization").unwrap_or("-");
        let json = format!(
            "{{\"success\": true, \"line\": \"{line}\", \"token\": \"{token}\", \"sent\": {}}}",
            if request.content.is_empty() { "null" } else { &request.content }
        );
        match request.callback() {
            "" => Reply::http(200, "Content-Type: application/json\r\n", json),
            callback => Reply::ckan(format!("{callback}({json});")),
        }
    })
    .await
}

async fn post(
    client: Client,
    target: &str,
    media_type: &str,
    content: &str,
) -> crate::support::Answer {
    let fields = match media_type {
        "" => String::new(),
        media_type => format!("Content-Type: {media_type}\r\n"),
    };
    client
        .raw(format!(
            "POST {target} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n{fields}\
             Content-Length: {}\r\n\r\n{content}",
            content.len()
        ))
        .await
}

const SHOW: &str = "/p/city/api/3/action/package_show";

#[tokio::test]
async fn what_reads_is_posted_as_json_without_a_query_and_a_callback() {
    let portal = echo().await;
    let world = World::city(&portal).await;
    let expected = "{\"success\": true, \"line\": \"POST /data/api/3/action/package_show\", \
                    \"token\": \"-\", \"sent\": {\"b\":[1, 2.50],\"id\":\"é\"}}";
    for (media_type, query, content) in [
        ("application/json", "", "{\"id\": \"é\", \"b\": [1, 2.50]}"),
        ("application/json; charset=utf-8", "?id=other", "{\"b\": [1, 2.50], \"id\": \"é\"}"),
        ("text/plain", "?callback=x", "\u{feff}{\"id\": \"é\", \"b\": [1, 2.50], \"callback\": 1}"),
        ("", "", " {\"id\": \"é\", \"b\": [1, 2.50]}"),
    ] {
        let answer = post(world.client, &format!("{SHOW}{query}"), media_type, content).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, expected), "{media_type}");
        assert_eq!(answer.field("content-type"), Some("application/json"));
        assert_eq!(answer.field("access-control-allow-origin"), Some("*"));
    }
    // One question, however it is written.
    assert_eq!(portal.targets(), ["/data/api/3/action/package_show"]);
    let received = portal.received().remove(0);
    assert_eq!(received.field("content-type"), Some("application/json"));
}

#[tokio::test]
async fn forms_and_queries_are_posted_as_json_too() {
    let portal = echo().await;
    let world = World::city(&portal).await;
    let form = "application/x-www-form-urlencoded";
    for (query, content, expected) in [
        ("", "id=a+b&fields=x&fields=%C3%A0", "{\"fields\":[\"x\",\"à\"],\"id\":\"a b\"}"),
        ("?id=q&callback=x&_=1", "", "{\"id\":\"q\"}"),
        ("?id=q", "{\"id\": 1}", "{\"id\":1}"),
        ("", "", "{}"),
    ] {
        let answer = post(world.client, &format!("{SHOW}{query}"), form, content).await;
        assert_eq!(answer.json()["sent"].to_string(), expected, "{query} {content}");
    }
}

#[tokio::test]
async fn answers_to_different_content_are_told_apart_and_each_is_stored() {
    let portal = echo().await;
    let world = World::city(&portal).await;
    for _ in 0..2 {
        for id in ["1", "2"] {
            let content = format!("{{\"id\": {id}}}");
            let answer = post(world.client, SHOW, "application/json", &content).await;
            assert_eq!(answer.json()["sent"]["id"].to_string(), id);
        }
    }
    assert_eq!(portal.targets().len(), 2);
    // A GET is another question: the portal may read its texts otherwise.
    assert_eq!(world.get(&format!("{SHOW}?id=1")).await.json()["sent"].to_string(), "null");
}

#[tokio::test]
async fn what_writes_is_refused_as_ckan_would() {
    let portal = echo().await;
    let world = World::city(&portal).await;
    let target = "/p/city/api/action/package_create";
    let answer = post(world.client, target, "application/json", "{\"name\": \"x\"}").await;
    assert_eq!((answer.status, answer.problem().as_str()), (403, "action-not-allowed"));
    let told = answer.json();
    assert_eq!(told["success"], false);
    assert_eq!(told["error"]["__type"], "Authorization Error");
    for action in ["datastore_upsert", "package_patch", "user_create", "%70ackage_delete"] {
        let target = format!("/p/city/api/3/action/{action}");
        assert_eq!(post(world.client, &target, "application/json", "{}").await.status, 403);
    }
    assert_eq!(post(world.client, "/p/city/dataset/new", "text/plain", "x").await.status, 405);
    assert_eq!(portal.targets().len(), 0);
}

#[tokio::test]
async fn content_that_is_of_no_use_is_refused_with_the_reason() {
    let portal = echo().await;
    let world = World::city(&portal).await;
    for (media_type, content) in [
        ("application/json", "[1]"),
        ("application/json", "{\"id\": NaN}"),
        ("text/plain", "id=1"),
        ("multipart/form-data; boundary=x", "--x--"),
    ] {
        let answer = post(world.client, SHOW, media_type, content).await;
        assert_eq!(
            (answer.status, answer.json()["title"].as_str()),
            (400, Some("Invalid content"))
        );
    }
    assert_eq!(portal.targets().len(), 0);
}

#[tokio::test]
async fn a_token_reaches_the_portal_where_its_entry_says_so_and_nothing_is_shared() {
    let portal = echo().await;
    let yaml = format!("{}    authorization: true\n", city(&portal));
    let world = World::with(&yaml).await;
    let target = format!("{SHOW}?id=1");
    for token in ["t1", "t2"] {
        let fields = format!("Authorization: {token}\r\n");
        let answer = world.client.request("GET", &target, &fields).await;
        assert_eq!(answer.json()["token"], token);
        assert_eq!(answer.json()["line"], "GET /data/api/3/action/package_show?id=1");
        assert_eq!(answer.field("cache-control"), Some("private, no-store"));
    }
    let answer = world.get(&target).await;
    assert_eq!(answer.json()["token"], "-");
    assert_eq!(portal.targets().len(), 3);
}

#[tokio::test]
async fn a_token_stays_here_where_the_entry_does_not_say_so() {
    let portal = echo().await;
    let world = World::city(&portal).await;
    let answer =
        world.client.request("GET", &format!("{SHOW}?id=1"), "Authorization: t1\r\n").await;
    assert_eq!(answer.json()["token"], "-");
}

#[tokio::test]
async fn a_portal_that_wants_post_is_asked_by_post() {
    let portal = echo().await;
    let world = World::with(&format!("{}    method: POST\n", city(&portal))).await;
    let answer = world.get(&format!("{SHOW}?id=1&fq=a:b")).await;
    assert_eq!(answer.json()["line"], "POST /data/api/3/action/package_show");
    assert_eq!(answer.json()["sent"].to_string(), "{\"fq\":\"a:b\",\"id\":\"1\"}");
    let again =
        post(world.client, SHOW, "application/json", "{\"id\": \"1\", \"fq\": \"a:b\"}").await;
    assert_eq!(again.text(), answer.text());
    assert_eq!(portal.targets().len(), 1);
}
