//! The administration listener: who may ask, what is stored, forgetting it, asking ahead, and
//! reading the registry again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::TcpListener;

use unpad::config;
use unpad::server::Token;

use crate::support::portal::Gate;
use crate::support::{Answer, Client, FakePortal, Reply, World, city};

const TOKEN: &str = "correct-horse-battery-staple-again";

/// A gateway with administration, and the file it would read again.
struct Operated {
    world: World,
    admin: Client,
    file: Arc<Mutex<String>>,
}

impl Operated {
    async fn city(portal: &FakePortal) -> Self {
        Self::with(&city(portal)).await
    }

    async fn with(yaml: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let admin = Client::new(listener.local_addr().expect("an address"));
        let file = Arc::new(Mutex::new(yaml.to_owned()));
        let read = Arc::clone(&file);
        let token = Token::new(TOKEN).expect("a token");
        let world = World::composed(
            yaml,
            |_| {},
            |composed| {
                let reads = move || {
                    let text = read.lock().expect("not poisoned").clone();
                    config::parse("portals.yaml", &text).map_err(|error| error.to_string())
                };
                composed.reloading(reads).administered(listener, token).expect("an address")
            },
        )
        .await;
        Self { world, admin, file }
    }

    async fn asks(&self, method: &str, target: &str, content: &str) -> Answer {
        let length = content.len();
        self.admin
            .raw(format!(
                "{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                 Authorization: Bearer {TOKEN}\r\nContent-Length: {length}\r\n\r\n{content}"
            ))
            .await
    }

    async fn json(&self, method: &str, target: &str) -> Value {
        let answer = self.asks(method, target, "").await;
        assert_eq!(answer.status, 200, "{answer}");
        answer.json()
    }

    async fn fills(&self, url: &str) -> Value {
        let answer = self.asks("POST", "/cache/fill", &json!({ "url": url }).to_string()).await;
        assert_eq!(answer.status, 200, "{answer}");
        answer.json()
    }

    async fn reloads(&self, yaml: &str) -> Answer {
        yaml.clone_into(&mut self.file.lock().expect("not poisoned"));
        self.asks("POST", "/reload", "").await
    }
}

fn urls(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().expect("items");
    let mut urls: Vec<_> =
        items.iter().map(|item| item["path"].as_str().unwrap_or("-").to_owned()).collect();
    urls.sort();
    urls
}

#[tokio::test]
async fn nothing_is_answered_without_the_token() {
    let portal = FakePortal::padding("1").await;
    let operated = Operated::city(&portal).await;
    for target in ["/cache", "/cache/stats", "/reload", "/nothing"] {
        for fields in [
            String::new(),
            "Authorization: Bearer wrong-token-of-good-length\r\n".to_owned(),
            format!("Authorization: Basic {TOKEN}\r\n"),
            format!("Authorization: Bearer {TOKEN}x\r\n"),
        ] {
            let request = format!(
                "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}\r\n"
            );
            let answer = operated.admin.raw(request).await;
            assert_eq!(answer.status, 401, "{target} {fields}");
            assert_eq!(answer.field("www-authenticate"), Some("Bearer realm=\"unpad admin\""));
            assert_eq!(answer.json()["status"], 401);
            assert_eq!(answer.json()["request_id"], answer.field("x-request-id").expect("an id"));
        }
        operated.world.clock.advance(Duration::from_secs(60));
    }
    assert_eq!(operated.asks("GET", "/cache", "").await.status, 200);
}

#[tokio::test]
async fn five_wrong_tokens_a_minute_are_answered_and_the_right_one_always_is() {
    let portal = FakePortal::padding("1").await;
    let operated = Operated::city(&portal).await;
    let guess = async |number: u32| {
        let request = format!(
            "GET /cache HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Authorization: Bearer guess-number-{number}\r\n\r\n"
        );
        operated.admin.raw(request).await
    };
    for number in 0..5 {
        assert_eq!(guess(number).await.status, 401, "{number}");
    }
    operated.world.clock.advance(Duration::from_secs(10));
    for number in 5..20 {
        let answer = guess(number).await;
        assert_eq!((answer.status, answer.field("retry-after")), (429, Some("51")), "{number}");
        assert_eq!(operated.asks("GET", "/cache", "").await.status, 200);
    }
    // Who sends no token is told to send one.
    let none = "GET /cache HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(operated.admin.raw(none).await.status, 401);
    operated.world.clock.advance(Duration::from_secs(50));
    assert_eq!(guess(20).await.status, 401);
    assert!(
        operated.world.get("/metrics").await.text().contains("unpad_admin_failures_total 22\n")
    );
}

#[tokio::test]
async fn no_page_can_reach_it() {
    let portal = FakePortal::padding("1").await;
    let operated = Operated::city(&portal).await;
    let address = operated.admin.address;
    let origin = "Origin: https://page.example\r\n";
    for (request, status) in [
        (
            format!(
                "GET /cache HTTP/1.1\r\nHost: {address}\r\n{origin}Authorization: Bearer {TOKEN}\r\n"
            ),
            200,
        ),
        (format!("GET /cache HTTP/1.1\r\nHost: {address}\r\n{origin}"), 401),
        (
            format!(
                "OPTIONS /cache HTTP/1.1\r\nHost: {address}\r\n{origin}\
                 Access-Control-Request-Method: DELETE\r\n\
                 Access-Control-Request-Headers: authorization\r\n"
            ),
            401,
        ),
    ] {
        let answer = operated.admin.raw(format!("{request}Connection: close\r\n\r\n")).await;
        assert_eq!(answer.status, status, "{request}");
        let cors = answer.fields.iter().any(|(name, _)| name.starts_with("access-control-"));
        assert!(!cors, "{answer}");
    }
}

#[tokio::test]
async fn on_loopback_only_loopback_names_are_its_own() {
    let portal = FakePortal::padding("1").await;
    let operated = Operated::city(&portal).await;
    for (host, status) in [
        ("localhost", 200),
        ("LOCALHOST:8081", 200),
        ("127.0.0.1:8081", 200),
        ("[::1]:8081", 200),
        ("rebound.example:8081", 421),
        ("127.0.0.1.rebound.example", 421),
        ("localhost.rebound.example", 421),
        ("a b", 400),
    ] {
        let request = format!(
            "GET /cache HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Authorization: Bearer {TOKEN}\r\n\r\n"
        );
        assert_eq!(operated.admin.raw(request).await.status, status, "{host}");
    }
    let absolute = format!(
        "GET http://rebound.example/cache HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {TOKEN}\r\n\r\n"
    );
    assert_eq!(operated.admin.raw(absolute).await.status, 421);
}

#[tokio::test]
async fn what_is_wrong_is_told_as_a_problem() {
    let portal = FakePortal::padding("1").await;
    let operated = Operated::city(&portal).await;
    for (method, target, content, status) in [
        ("GET", "/nothing", "", 404),
        ("POST", "/cache", "", 405),
        ("GET", "/reload", "", 405),
        ("GET", "/cache?limit=0", "", 400),
        ("GET", "/cache?limit=1001", "", 400),
        ("GET", "/cache?state=old", "", 400),
        ("GET", "/cache?pattern=(", "", 400),
        ("GET", "/cache?pattern=(a{999}){999}", "", 400),
        ("GET", "/cache?after=x", "", 400),
        ("GET", "/cache?portal=a&portal=b", "", 400),
        ("GET", "/cache?typo=1", "", 400),
        ("DELETE", "/cache", "", 400),
        ("DELETE", "/cache?all=false", "", 400),
        ("DELETE", "/cache?all=true&portal=city", "", 400),
        ("DELETE", "/cache?url=https://elsewhere.example/x", "", 400),
        ("DELETE", "/cache?url=/p/city/../x", "", 400),
        ("POST", "/cache/fill", "", 400),
        ("POST", "/cache/fill", "{\"url\": 1}", 400),
        ("POST", "/cache/fill", "{\"url\": \"/p/nowhere/x\"}", 400),
    ] {
        let answer = operated.asks(method, target, content).await;
        assert_eq!(answer.status, status, "{method} {target} {content}: {answer}");
        assert_eq!(answer.field("content-type"), Some("application/problem+json"));
        assert!(answer.json()["detail"].as_str().is_some_and(|detail| detail.len() > 20));
    }
    let long = operated.asks("POST", "/cache/fill", &"x".repeat(100_000)).await;
    assert_eq!(long.status, 413);
}

#[tokio::test]
async fn the_list_tells_what_is_stored_and_no_secret() {
    let portal = FakePortal::padding("[1,2,3]").await;
    let operated = Operated::city(&portal).await;
    operated.world.get("/p/city/api/3/action/package_show?id=a&api_key=s3cret").await;
    operated.world.clock.advance(Duration::from_secs(310));
    let list = operated.json("GET", "/cache").await.to_string();
    insta::assert_snapshot!(
        list.replace(&portal.origin(), "http://portal.test"),
        @r#"{"items":[{"portal":"city","url":"http://portal.test/data/api/3/action/package_show?id=a&api_key=REDACTED","path":"/p/city/api/3/action/package_show?id=a&api_key=REDACTED","status":200,"content_type":"application/json","bytes":7,"age_s":310,"ttl_s":-10,"tier":"memory"}],"next":null}"#
    );
    assert!(operated.json("GET", "/cache?contains=s3cret").await["items"] == json!([]));
}

#[tokio::test]
async fn a_list_is_filtered_and_paged() {
    let portal = FakePortal::padding("1").await;
    let two = format!(
        "{}  town:\n    base: {}/town\n    allow_cidr: [\"127.0.0.1/32\"]\n",
        city(&portal),
        portal.origin()
    );
    let operated = Operated::with(&two).await;
    for target in ["/p/city/a", "/p/city/b?q=1", "/p/city/status_show", "/p/town/a"] {
        operated.world.get(target).await;
    }
    operated.world.clock.advance(Duration::from_secs(600));
    for (filter, expected) in [
        ("portal=town", &["/p/town/a"][..]),
        ("contains=/b%3Fq", &["/p/city/b?q=1"]),
        ("pattern=/(town|data)/a$", &["/p/city/a", "/p/town/a"]),
        ("state=fresh", &["/p/city/status_show"]),
        ("state=stale&portal=city", &["/p/city/a", "/p/city/b?q=1"]),
        ("contains=callback", &[]),
        ("portal=nowhere", &[]),
    ] {
        assert_eq!(urls(&operated.json("GET", &format!("/cache?{filter}")).await), expected);
    }
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = operated.json("GET", &format!("/cache?limit=1{after}")).await;
        all.extend(urls(&page));
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    all.sort();
    assert_eq!(all, ["/p/city/a", "/p/city/b?q=1", "/p/city/status_show", "/p/town/a"]);
}

#[tokio::test]
async fn a_purge_forgets_what_it_names_and_nothing_else() {
    let portal = FakePortal::padding("1").await;
    let two = format!(
        "{}  town:\n    base: {}/town\n    allow_cidr: [\"127.0.0.1/32\"]\n",
        city(&portal),
        portal.origin()
    );
    let operated = Operated::with(&two).await;
    let own = format!("{}/data/a?q=1%262", portal.origin());
    let encode = |url: &str| url.replace('%', "%25").replace('&', "%26").replace('?', "%3F");
    for (selector, purged) in [
        (format!("url={}", encode("/p/city/a?q=1%262")), 1),
        (format!("url={}", encode("https://any.example/p/city/a?q=1%262&callback=f")), 1),
        (format!("url={}", encode(&own)), 1),
        ("url=/p/city/a".to_owned(), 0),
        ("portal=city".to_owned(), 2),
        ("portal=nowhere".to_owned(), 0),
        ("pattern=/b$".to_owned(), 2),
        ("all=true".to_owned(), 4),
    ] {
        for target in ["/p/city/a?q=1%262", "/p/city/b", "/p/town/a", "/p/town/b"] {
            operated.world.get(target).await;
        }
        let told = operated.json("DELETE", &format!("/cache?{selector}")).await;
        assert_eq!(told, json!({ "purged": purged }), "{selector}");
        let left = urls(&operated.json("GET", "/cache").await).len();
        assert_eq!(left, 4 - usize::try_from(purged).expect("a number"), "{selector}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_beats_a_fetch_under_way() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = FakePortal::new(move |request| {
        Reply::ckan(format!("{}(\"before\");", request.callback())).behind(&held)
    })
    .await;
    let operated = Operated::city(&portal).await;
    let client = operated.world.client;
    let leader = tokio::spawn(async move { client.get("/p/city/x").await });
    portal.has_received(1).await;
    assert_eq!(operated.json("DELETE", "/cache?url=/p/city/x").await, json!({ "purged": 0 }));
    portal.now(|request| Reply::ckan(format!("{}(\"after\");", request.callback())));
    // Who asks after the purge does not wait for what was asked for before it.
    assert_eq!(operated.world.get("/p/city/x").await.text(), "\"after\"");
    gate.open();
    let before = leader.await.expect("an answer");
    assert_eq!(before.text(), "\"before\"");
    assert_eq!(before.field("cache-status"), Some("unpad; fwd=uri-miss; fwd-status=200; ttl=300"));
    let kept = operated.world.get("/p/city/x").await;
    assert_eq!(
        (kept.text().as_str(), kept.field("cache-status")),
        ("\"after\"", Some("unpad; hit; ttl=300"))
    );
    assert_eq!(portal.targets().len(), 2);
}

#[tokio::test]
async fn figures_are_told_for_all_and_for_each_portal() {
    let portal = FakePortal::padding("[1]").await;
    let operated = Operated::city(&portal).await;
    for target in ["/p/city/a", "/p/city/a", "/p/city/b"] {
        operated.world.get(target).await;
    }
    let mut stats = operated.json("GET", "/cache/stats").await;
    assert_eq!(stats["memory"]["entries"], 2);
    stats["memory"]["bytes"] = json!("…");
    insta::assert_snapshot!(stats, @r#"{"entries":2,"fresh":2,"bytes":6,"memory":{"entries":2,"bytes":"…","capacity_bytes":268435456},"disk":null,"portals":{"city":{"entries":2,"fresh":2,"bytes":6,"answers":{"hit":1,"stale":0,"collapsed":0,"uri-miss":2,"vary-miss":0,"request":0,"method":0,"bypass":0}}}}"#);
}

#[tokio::test]
async fn a_fill_asks_as_a_client_would_and_tells_what_came() {
    let portal = FakePortal::padding("[1,2]").await;
    let operated = Operated::city(&portal).await;
    let own = format!("{}/data/x?q=1", portal.origin());
    for (url, cache) in [
        ("/p/city/x?q=1", "unpad; fwd=uri-miss; fwd-status=200; stored; ttl=300"),
        ("http://gateway.example/p/city/x?q=1", "unpad; hit; ttl=300"),
        (&*own, "unpad; hit; ttl=300"),
    ] {
        let told = operated.fills(url).await;
        assert_eq!(told, json!({ "url": url, "status": 200, "bytes": 5, "cache": cache }));
    }
    assert_eq!(operated.world.get("/p/city/x?q=1").await.field("age"), Some("0"));
    portal.now(|_| Reply::html(200, "<h1>Login</h1>"));
    let failed = operated.fills("/p/city/y").await;
    assert_eq!((&failed["status"], &failed["bytes"]), (&json!(502), &json!(0)));
    assert!(failed["problem"]["type"].as_str().is_some_and(|uri| uri.ends_with("#not-jsonp")));
    // A file is drained, however long; that it breaks off is told.
    portal.now(|_| {
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n").repeat([b'x'; 10_000], 300)
    });
    let cut = operated.fills("/p/city/datastore/dump/x").await;
    assert!(
        cut["problem"]["type"].as_str().is_some_and(|uri| uri.ends_with("#response-incomplete"))
    );
    portal.now(|_| Reply::http(200, "", [&vec![b'x'; 2_999_999][..], b"\n"].concat()));
    assert_eq!(operated.fills("/p/city/datastore/dump/y").await["bytes"], 3_000_000);
}

#[tokio::test]
async fn a_reload_puts_another_registry_in_place_and_keeps_what_is_stored() {
    let portal = FakePortal::padding("1").await;
    let operated = Operated::city(&portal).await;
    operated.world.get("/p/city/x").await;
    let town = format!(
        "server: {{ public_url: https://data.example }}\ncors: {{ origins: https://a.example }}\n\
         {}    title: City\n  town:\n    base: {}/town\n    allow_cidr: [\"127.0.0.1/32\"]\n",
        city(&portal),
        portal.origin()
    );
    let told = operated.reloads(&town).await.json();
    assert_eq!((&told["portals"], &told["added"]), (&json!(2), &json!(["town"])));
    assert_eq!((&told["removed"], &told["changed"]), (&json!([]), &json!(["city"])));
    assert_eq!(operated.world.get("/p/town/x").await.text(), "1");
    let kept = operated.world.get("/p/city/x").await;
    assert_eq!(kept.field("cache-status"), Some("unpad; hit; ttl=300"));
    assert_eq!(kept.field("access-control-allow-origin"), None);
    let entry = operated.world.get("/p/city").await.json();
    assert_eq!(entry["url"], "https://data.example/p/city/");
    let same = operated.reloads(&town).await.json();
    assert_eq!((&same["added"], &same["changed"]), (&json!([]), &json!([])));
    let told = operated.reloads(&city(&portal).replace("city", "other")).await.json();
    assert_eq!(told["removed"], json!(["city", "town"]));
    assert_eq!(operated.world.get("/p/city/x").await.problem(), "unknown-portal");
    // What is left of a portal that is gone can still be seen and purged.
    assert_eq!(urls(&operated.json("GET", "/cache?portal=city").await), ["-"]);
    assert_eq!(operated.json("DELETE", "/cache?portal=city").await["purged"], 1);
}

#[tokio::test]
async fn a_file_that_is_wrong_changes_nothing_and_says_why() {
    let portal = FakePortal::padding("1").await;
    let operated = Operated::city(&portal).await;
    let refused = operated.reloads("portals:\n  city:\n    bse: http://a.example\n").await;
    assert_eq!(refused.status, 409);
    let detail = refused.json()["detail"].as_str().expect("a sentence").to_owned();
    assert!(detail.starts_with("portals.yaml:3:5: unknown field `bse`"), "{detail}");
    assert_eq!(operated.world.get("/p/city/x").await.text(), "1");
    assert_eq!(operated.reloads(&city(&portal)).await.status, 200);
    let metrics = operated.world.get("/metrics").await.text();
    for line in
        ["unpad_reloads_total{result=\"refused\"} 1", "unpad_reloads_total{result=\"ok\"} 1"]
    {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test]
async fn what_cannot_change_while_it_runs_is_told() {
    let portal = FakePortal::padding("1").await;
    let operated = Operated::city(&portal).await;
    let other = format!(
        "server: {{ listen: \"127.0.0.1:9\", idle_time: 1s, admin: {{}} }}\n\
         cache: {{ memory: 1 MiB }}\n{}",
        city(&portal)
    );
    let told = operated.reloads(&other).await.json();
    let notices: Vec<_> = told["notices"].as_array().into_iter().flatten().collect();
    assert_eq!(notices.len(), 4, "{notices:?}");
    assert!(notices.iter().all(|n| n.as_str().is_some_and(|n| n.ends_with("the next start"))));
}

#[tokio::test]
async fn a_portal_that_stays_keeps_its_suspension_and_a_moved_one_does_not() {
    let portal = FakePortal::new(|_| {
        Reply::http(503, "Retry-After: 600\r\nContent-Type: text/html\r\n", "later")
    })
    .await;
    let operated = Operated::city(&portal).await;
    assert_eq!(operated.world.get("/p/city/x").await.problem(), "portal-suspended");
    let health = async || operated.world.get("/p/city").await.json()["health"]["state"].clone();
    assert_eq!(health().await, "suspended");
    operated.reloads(&format!("{}    title: City\n", city(&portal))).await;
    assert_eq!(health().await, "suspended");
    operated.reloads(&city(&portal).replace("/data", "/moved")).await;
    assert_eq!(health().await, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_keeps_the_registry_it_began_with() {
    let gate = Gate::closed();
    let held = gate.clone();
    let portal = FakePortal::new(move |request| {
        Reply::ckan(format!("{}(1);", request.callback())).behind(&held)
    })
    .await;
    let operated = Operated::city(&portal).await;
    let client = operated.world.client;
    let asked = tokio::spawn(async move { client.get("/p/city/x").await });
    portal.has_received(1).await;
    assert_eq!(operated.reloads(&city(&portal).replace("city", "other")).await.status, 200);
    gate.open();
    assert_eq!(asked.await.expect("an answer").text(), "1");
    assert_eq!(operated.world.get("/p/city/x").await.status, 404);
}

#[tokio::test]
async fn where_nothing_can_be_read_again_that_is_told() {
    let portal = FakePortal::padding("1").await;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let admin = Client::new(listener.local_addr().expect("an address"));
    let token = Token::new(TOKEN).expect("a token");
    let world = World::composed(
        &city(&portal),
        |_| {},
        |composed| composed.administered(listener, token).expect("an address"),
    )
    .await;
    let file = Arc::default();
    let answer = Operated { world, admin, file }.asks("POST", "/reload", "").await;
    assert_eq!(answer.status, 409);
    assert!(answer.text().contains("nothing to read again"));
}

#[tokio::test]
async fn a_range_that_a_reload_takes_away_is_no_longer_dialled() {
    let portal = FakePortal::padding("1").await;
    let operated = Operated::city(&portal).await;
    assert_eq!(operated.world.get("/p/city/a").await.status, 200);
    let narrower = city(&portal).replace("127.0.0.1/32", "127.0.0.2/32");
    assert_eq!(operated.reloads(&narrower).await.status, 200);
    assert_eq!(operated.world.get("/p/city/b").await.problem(), "address-prohibited");
    assert_eq!(portal.connections(), 1);
}
