//! What the gateway has for its readers: the page, the helpers, the package index, the description of
//! the API, and how the portals are doing.

use serde_json::Value;

use crate::support::{Answer, FakePortal, Reply, World, city};

const JSON_INDEX: &str = "application/vnd.pypi.simple.v1+json";

fn public(portal: &FakePortal) -> String {
    format!("server: {{ public_url: \"https://data.example.org/unpad\" }}\n{}", city(portal))
}

async fn world() -> World {
    World::city(&FakePortal::padding("1").await).await
}

async fn accepting(world: &World, target: &str, accept: &str) -> Answer {
    world.client.request("GET", target, &format!("Accept: {accept}\r\n")).await
}

#[tokio::test]
async fn the_page_runs_our_scripts_and_no_others() {
    let world = world().await;
    for path in ["/", "/client/", "/docs", "/client/docs.html"] {
        let page = world.get(path).await;
        assert_eq!(
            (page.status, page.field("content-type")),
            (200, Some("text/html; charset=utf-8"))
        );
        let policy = page.field("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(
            page.text().starts_with("<!DOCTYPE html>")
                || page.text().starts_with("<!doctype html>")
        );
    }
    // Its files are one step down from the root, and beside it below `/client/`; and a link to a part of
    // the page stays on it.
    for (path, link) in [
        ("/", "src=\"client/page.js\""),
        ("/", "href=\"docs\""),
        ("/client/", "src=\"page.js\""),
        ("/client/", "href=\"docs.html\""),
        ("/client/docs.html", "href=\"../openapi.json\""),
    ] {
        assert!(world.get(path).await.text().contains(link), "{path}: {link}");
    }
    assert!(!world.get("/").await.text().contains("<base"));
}

#[tokio::test]
async fn helpers_are_validated_and_coded_and_readable_from_any_page() {
    let world = world().await;
    let plain = world.get("/client/unpad.js").await;
    assert_eq!(plain.field("content-type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(plain.field("access-control-allow-origin"), Some("*"));
    assert_eq!(plain.field("cross-origin-resource-policy"), Some("cross-origin"));
    assert_eq!(plain.field("cache-control"), Some("no-cache"));
    assert_eq!(plain.field("vary"), Some("Accept-Encoding"));
    let ask = async |fields: &str| world.client.request("GET", "/client/unpad.js", fields).await;
    for coding in ["br", "gzip"] {
        let coded = ask(&format!("Accept-Encoding: {coding}\r\n")).await;
        assert_eq!(coded.field("content-encoding"), Some(coding));
        assert!(coded.content.len() < plain.content.len() / 2);
        assert_ne!(coded.field("etag"), plain.field("etag"));
        let etag = coded.field("etag").expect("an entity tag");
        let again = ask(&format!("Accept-Encoding: {coding}\r\nIf-None-Match: {etag}\r\n")).await;
        assert_eq!((again.status, again.content.len()), (304, 0));
    }
    let head = world.client.request("HEAD", "/client/unpad.js", "").await;
    assert_eq!(head.field("content-length"), Some(plain.content.len().to_string().as_str()));
    assert_eq!(world.get("/client/nothing.js").await.status, 404);
    assert_eq!(world.get("/client/../portals.yaml").await.status, 404);
}

#[tokio::test]
async fn the_wheel_has_the_name_of_any_version() {
    let world = world().await;
    let name = format!("unpad-{}-py3-none-any.whl", env!("CARGO_PKG_VERSION"));
    let wheel = world.get(&format!("/client/{name}")).await;
    assert_eq!(wheel.field("content-type"), Some("application/zip"));
    assert!(wheel.content.starts_with(b"PK\x03\x04"));
    let older = world.get("/client/unpad-0.0.1-py3-none-any.whl").await;
    assert_eq!(older.content, wheel.content);
    assert_eq!(world.get("/client/unpad-py3-none-any.whl").await.status, 404);
}

#[tokio::test]
async fn installers_find_the_wheel_by_its_name() {
    let world = world().await;
    let json = accepting(&world, "/simple/unpad/", JSON_INDEX).await;
    assert_eq!(json.field("content-type"), Some(JSON_INDEX));
    let file = &json.json()["files"][0];
    let name = format!("unpad-{}-py3-none-any.whl", env!("CARGO_PKG_VERSION"));
    assert_eq!(file["filename"], name.as_str());
    assert_eq!(file["url"], format!("../../client/{name}"));
    let wheel = world.get(&format!("/client/{name}")).await;
    assert_eq!(file["size"], wheel.content.len());
    let digest = file["hashes"]["sha256"].as_str().expect("a digest");
    assert_eq!(digest.len(), 64);
    // Relative links are resolved by micropip in HTML alone, and it says that it takes anything.
    let micropip = format!("{JSON_INDEX}, */*;q=0.01");
    let html = accepting(&world, "/simple/unpad/", &micropip).await;
    assert_eq!(html.field("content-type"), Some("text/html; charset=utf-8"));
    assert!(html.text().contains(&format!("href=\"../../client/{name}#sha256={digest}\"")));
    assert_eq!(html.field("vary"), Some("Accept"));
    let all = accepting(&world, "/simple/", JSON_INDEX).await;
    assert_eq!(all.json()["projects"][0]["name"], "unpad");
    assert_eq!(world.get("/simple/requests/").await.status, 404);
}

#[tokio::test]
async fn a_gateway_with_a_public_url_says_it_in_its_index() {
    let world = World::with(&public(&FakePortal::padding("1").await)).await;
    let micropip = format!("{JSON_INDEX}, */*;q=0.01");
    let answer = accepting(&world, "/unpad/simple/unpad/", &micropip).await;
    let url = answer.json()["files"][0]["url"].clone();
    let url = url.as_str().unwrap_or_default();
    assert!(url.starts_with("https://data.example.org/unpad/client/unpad-"), "{url}");
    // Not where the request says: who decided that would decide what notebooks run.
    let evil = "GET /simple/unpad/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert!(!world.client.raw(evil).await.text().contains("evil.example"));
}

#[tokio::test]
async fn helpers_stand_beside_a_portal_that_has_the_root() {
    let portal = FakePortal::padding("1").await;
    let world = World::adjusted(&city(&portal), |config| {
        config.server.at_root = Some("city".to_owned());
    })
    .await;
    for path in [
        "/client/",
        "/client/unpad.js",
        "/simple/unpad/",
        "/status",
        "/resolve?url=city",
        "/openapi.json",
    ] {
        assert_eq!(world.get(path).await.status, 200, "{path}");
    }
    assert!(portal.targets().is_empty());
    for path in ["/", "/docs", "/client/app.js", "/simple/requests/"] {
        assert_eq!(world.get(path).await.text(), "1", "{path}");
    }
}

#[tokio::test]
async fn an_origin_server_of_ones_own_keeps_all_paths_but_those_of_operation() {
    let portal = FakePortal::new(|_| Reply::http(200, "", "own")).await;
    let yaml = format!(
        "portals:\n  own:\n    base: {}\n    dialect: transparent\n    dangerous_transparent: true\n\
         \x20   allow_cidr: [\"127.0.0.1/32\"]\n",
        portal.origin()
    );
    let world = World::adjusted(&yaml, |config| {
        config.server.at_root = Some("own".to_owned());
    })
    .await;
    for path in ["/status", "/resolve", "/client/", "/client/unpad.js", "/simple/", "/openapi.json"]
    {
        assert_eq!(world.get(path).await.text(), "own", "{path}");
    }
    assert_eq!(world.get("/healthz").await.text(), "ok\n");
}

#[tokio::test]
async fn the_status_says_how_a_portal_has_been_doing() {
    let portal = FakePortal::new(|request| {
        if request.target.contains("broken") {
            return Reply::html(500, "<p>no</p>");
        }
        Reply::ckan(format!("{}(1);", request.callback()))
    })
    .await;
    let world = World::city(&portal).await;
    let status = async || world.get("/status").await.json()["portals"][0].clone();
    let before = status().await;
    for name in ["hit_ratio", "portal_ms", "last_error"] {
        assert_eq!(before[name], Value::Null, "{name}");
    }
    for _ in 0..4 {
        assert_eq!(world.get("/p/city/x").await.status, 200);
    }
    assert_eq!(world.get("/p/city/broken").await.status, 502);
    let after = status().await;
    assert_eq!((&after["answers"], &after["hits"]), (&Value::from(4), &Value::from(3)));
    assert_eq!(after["portal_ms"]["count"], 2);
    assert_eq!(after["last_error"]["type"], "portal-failed");
    assert_eq!(after["last_error"]["at"], "2026-11-21T09:00:00Z");
}

#[tokio::test]
async fn the_description_of_the_api_names_every_path_and_only_schemas_that_it_has() {
    let world = world().await;
    let answer = world.get("/openapi.json").await;
    let description = answer.json();
    assert_eq!(description["openapi"], "3.1.0");
    let text = answer.text();
    let has = |pointer: &str| description.pointer(pointer).is_some();
    let references = text.split("\"$ref\": \"#").skip(1);
    let mut count = 0;
    for pointer in references.filter_map(|rest| rest.split('"').next()) {
        assert!(has(pointer), "{pointer}");
        count += 1;
    }
    assert!(count > 20, "{count}");
    // Each path that takes no parameters is there, and says what it said it would.
    for (path, item) in description["paths"].as_object().expect("paths") {
        if path.contains('{') || path == "/raw" || path == "/resolve" {
            continue;
        }
        let answered = world.get(path).await;
        assert_eq!(answered.status, 200, "{path}");
        let said = item["get"]["responses"]["200"]["content"].as_object().expect("content");
        let media_type = answered.field("content-type").unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default();
        assert!(said.contains_key(essence), "{path}: {media_type}");
    }
}
