//! Other ways to name what is wanted: URL forms of other gateways, open targets, and resources by
//! their ids.

use crate::support::{FakePortal, Reply, World, city};

const HOST: &str = "127.0.0.1";

#[tokio::test]
async fn url_forms_of_other_gateways_lead_to_the_portal_that_has_the_target() {
    let portal = FakePortal::new(|request| {
        let json =
            format!("{{\"asked\": \"{}\"}}", request.target.split("callback").next().unwrap_or(""));
        Reply::ckan(format!("{}({json});", request.callback()))
    })
    .await;
    let world = World::city(&portal).await;
    let target = format!("{}/data/api/3/action/x?q=a%20b&r=1", portal.origin());
    let collapsed = target.replace("://", ":/");
    let escaped: String =
        percent_encoding::utf8_percent_encode(&target, percent_encoding::NON_ALPHANUMERIC)
            .collect();
    for form in [
        format!("/{target}"),
        format!("/{collapsed}"),
        format!("/?url={escaped}"),
        format!("/raw?url={escaped}"),
        format!("/raw?disableCache=true&url={escaped}"),
        format!("/?url={target}"),
    ] {
        let answer = world.get(&form).await;
        assert_eq!(answer.status, 200, "{form}: {answer}");
        assert_eq!(answer.json()["asked"], "/data/api/3/action/x?q=a%20b&r=1&", "{form}");
        assert_eq!(answer.field("access-control-allow-origin"), Some("*"));
    }
    // One target, one stored answer.
    assert_eq!(portal.targets().len(), 1);
}

#[tokio::test]
async fn targets_that_nobody_registered_are_refused_with_what_to_do() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    for form in [
        "/https://evil.example/x".to_owned(),
        "/?url=https%3A%2F%2Fevil.example%2F".to_owned(),
        // Beside the portal's base.
        format!("/{}/admin", portal.origin()),
        format!("/{}/database", portal.origin()),
        format!("/{}/data", portal.origin().replace(HOST, "127.0.0.2")),
    ] {
        let answer = world.get(&form).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (403, "target-not-allowed"),
            "{form}"
        );
        assert!(answer.text().contains("open_targets"));
        assert_eq!(answer.field("access-control-allow-origin"), Some("*"));
    }
    for form in ["/?url=nothing", "/raw?url=ftp%3A%2F%2Fa.example%2F", "/https://", "/?url="] {
        assert_eq!(world.get(form).await.status, 400, "{form}");
    }
    let dots = format!("/{}/data/../x", portal.origin());
    assert_eq!(world.get(&dots).await.status, 400);
    assert_eq!(portal.targets().len(), 0);
}

#[tokio::test]
async fn open_targets_are_handed_on_as_they_are_within_the_guard() {
    let portal = FakePortal::padding("1").await;
    let other = FakePortal::new(|request| {
        assert_eq!(request.callback(), "");
        Reply::http(200, "Content-Type: text/csv\r\n", "a,b\n")
    })
    .await;
    let yaml = format!(
        "open_targets: {{ hosts: [{HOST}], allow_cidr: [127.0.0.1/32] }}\n{}",
        city(&portal)
    );
    let world = World::with(&yaml).await;
    let form = format!("/{}/x.csv?a=%20", other.origin());
    for _ in 0..2 {
        let answer = world.get(&form).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "a,b\n"));
        assert_eq!(answer.field("content-type"), Some("text/csv"));
    }
    assert_eq!(other.targets()[0], "/x.csv?a=%20");
    assert_eq!(world.get("/https://evil.example/").await.status, 403);
    // Without the range, the guard holds for open targets as for any.
    let closed = format!("open_targets: {{ hosts: [{HOST}] }}\n{}", city(&portal));
    let world = World::with(&closed).await;
    assert_eq!(world.get(&form).await.problem(), "address-prohibited");
}

#[tokio::test]
async fn whoever_chooses_origins_does_not_undo_the_suspension_of_one() {
    let failing = FakePortal::new(|_| Reply::default().then_reset()).await;
    let world = World::with(&format!(
        "open_targets: {{ hosts: [{HOST}], allow_cidr: [127.0.0.1/32] }}\n{}",
        city(&failing)
    ))
    .await;
    let ask = async |origin: &str| world.get(&format!("/{origin}/x")).await.problem();
    for _ in 0..5 {
        assert_eq!(ask(&failing.origin()).await, "portal-unreachable");
    }
    assert_eq!(ask(&failing.origin()).await, "portal-suspended");
    // More origins than are remembered, where nobody answers.
    for port in 1..=520 {
        ask(&format!("http://{HOST}:{port}")).await;
    }
    assert_eq!(ask(&failing.origin()).await, "portal-suspended");
}

/// A CKAN whose resources are of all kinds.
async fn ckan(files: &FakePortal) -> FakePortal {
    let elsewhere = format!("{}/far.csv?x=1", files.origin());
    FakePortal::new(move |request| {
        let json = |url: &str, kind: &str| {
            format!("{{\"success\": true, \"result\": {{\"id\": \"i\", \"url\": \"{url}\", \"url_type\": \"{kind}\"}}}}")
        };
        let shown = match request.query("id") {
            Some("up") => json("http://internal:5000/dataset/d/resource/up/download/f.csv", "upload"),
            Some("table") => json("http://internal:5000/datastore/dump/i", "datastore"),
            Some("far") => json(&elsewhere, ""),
            Some("evil") => json("https://evil.example/f.csv", ""),
            Some("odd") => json("javascript:alert(1)", ""),
            _ => {
                let error = "{\"success\": false, \"error\": {\"__type\": \"Not Found Error\"}}";
                return if request.target.contains("resource_show") {
                    Reply::ckan_error(404, error)
                } else {
                    Reply::http(200, "Content-Type: text/csv\r\n", format!("{}\n", request.target))
                };
            }
        };
        Reply::ckan(format!("{}({shown});", request.callback()))
    })
    .await
}

#[tokio::test]
async fn a_resource_is_found_by_its_id_wherever_its_file_is() {
    let files = FakePortal::new(|request| {
        Reply::http(200, "Content-Type: text/csv\r\nETag: \"v\"\r\n", request.target.clone())
    })
    .await;
    let portal = ckan(&files).await;
    // The same address at another port is another place; its port is the entry's own here.
    let yaml = format!("{}    downloads: [{HOST}]\n", city(&portal));
    let world = World::with(&yaml).await;
    let get = async |id: &str| world.get(&format!("/p/city/-/resource/{id}")).await;
    assert_eq!(get("up").await.text(), "/data/dataset/d/resource/up/download/f.csv\n");
    assert_eq!(get("table").await.text(), "/data/datastore/dump/i\n");
    let missing = get("none").await;
    assert_eq!(
        (missing.status, missing.json()["error"]["__type"].as_str()),
        (404, Some("Not Found Error"))
    );
    let evil = get("evil").await;
    assert_eq!((evil.status, evil.problem().as_str()), (403, "target-not-allowed"));
    assert!(evil.text().contains("evil.example") && evil.text().contains("downloads"));
    assert_eq!(get("odd").await.status, 404);
    assert_eq!(get("").await.status, 404);
    assert_eq!(world.get("/p/city/-/nothing").await.status, 404);
    let part = world.client.request("GET", "/p/city/-/resource/up", "Range: bytes=0-4\r\n").await;
    assert_eq!((part.status, part.text().as_str()), (206, "/data"));
}

#[tokio::test]
async fn a_dump_without_its_end_is_refused_and_never_stored() {
    for (format, whole, cut) in [
        ("csv", "a,b\r\n1,2\n", "a,b\r\n1,"),
        ("json", "{\n  \"records\": [\n    [1]\n]}\n", "{\n  \"records\": [\n    [1],\n"),
        ("xml", "<data>\n<row/>\n</data>\n", "<data>\n<row/>\n"),
    ] {
        let portal = FakePortal::new(move |_| Reply::http(200, "", cut)).await;
        let world = World::city(&portal).await;
        let target = format!("/p/city/datastore/dump/i?format={format}");
        assert_eq!(world.get(&target).await.problem(), "response-incomplete", "{format}");
        portal.now(move |_| Reply::http(200, "", whole));
        assert_eq!(world.get(&target).await.text(), whole);
        assert!(world.get(&target).await.field("cache-status").expect("one").contains("hit"));
    }
}

/// A CKAN of one resource with this URL, which shows at which host what arrived.
async fn one_resource(url: impl Fn(&FakePortal) -> String + Send + 'static) -> FakePortal {
    let portal = FakePortal::padding("0").await;
    let url = url(&portal);
    portal.now(move |request| {
        if request.target.contains("resource_show") {
            let shown =
                format!("{{\"success\": true, \"result\": {{\"id\": \"r\", \"url\": \"{url}\"}}}}");
            return match request.callback() {
                "" => Reply::http(200, "", shown),
                callback => Reply::ckan(format!("{callback}({shown});")),
            };
        }
        Reply::http(200, "Content-Type: text/csv\r\n", format!("{}\n", request.target))
    });
    portal
}

#[tokio::test]
async fn a_resource_that_names_itself_is_a_file_like_any_other() {
    let portal = one_resource(|portal| format!("{}/data/-/resource/r#part", portal.origin())).await;
    let world = World::city(&portal).await;
    let answer = world.get("/p/city/-/resource/r").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "/data/-/resource/r\n"));
    assert_eq!(portal.targets().len(), 2);
}

#[tokio::test]
async fn what_is_for_the_portal_does_not_follow_a_resource_elsewhere() {
    let portal = one_resource(|portal| {
        format!("{}/f.csv", portal.origin().replace("127.0.0.1", "127.0.0.2"))
    })
    .await;
    let other = portal.beside([127, 0, 0, 2], |_| Reply::http(200, "", "a\n")).await;
    let yaml = format!(
        "{}    downloads: [127.0.0.2]\n    authorization: true\n    headers: {{ X-Secret: s }}\n    \
         api_key: {{ env: CARGO_PKG_NAME, parameter: wskey }}\n",
        city(&portal).replace("127.0.0.1/32", "127.0.0.0/8")
    );
    let world = World::with(&yaml).await;
    let fields = "Authorization: mine\r\nX-CKAN-API-Key: mine\r\n";
    let answer = world.client.request("GET", "/p/city/-/resource/r", fields).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "a\n"));
    assert_eq!(portal.received()[0].field("authorization"), Some("mine"));
    let received = &other.received()[0];
    assert_eq!(received.target, "/f.csv");
    for field in ["authorization", "x-ckan-api-key", "x-secret"] {
        assert_eq!(received.field(field), None, "{field}");
    }
}

#[tokio::test]
async fn nothing_is_posted_to_a_resource_or_behind_another_path() {
    let portal = one_resource(|portal| format!("{}/data/user/delete/x", portal.origin())).await;
    let world = World::city(&portal).await;
    for path in [
        "-/resource/r",
        "-/resource/r/api/3/action/package_show",
        "user/delete/api/3/action/package_show",
        "api/3/action/package_delete%3F/api/3/action/package_show",
        "api/3/action/package_delete;/api/3/action/package_show",
    ] {
        let path = format!("/p/city/{path}");
        let answer = world.client.request("POST", &path, "Content-Length: 0\r\n").await;
        assert_eq!(answer.status, 405, "{path}");
    }
    assert_eq!(portal.targets().len(), 0);
}

#[tokio::test]
async fn a_resource_is_sent_under_the_terms_of_its_file() {
    let portal = one_resource(|portal| format!("{}/data/files/f.csv", portal.origin())).await;
    let route = "routes: [{ path: ^/files/, cors: { origins: [\"https://class.example.org\"] } }]";
    let world = World::with(&format!("{}    {route}\n", city(&portal))).await;
    let origin = "Origin: https://other.example\r\n";
    for path in ["files/f.csv", "-/resource/r"] {
        let answer = world.client.request("GET", &format!("/p/city/{path}"), origin).await;
        assert_eq!(answer.field("access-control-allow-origin"), None, "{path}");
    }
}

#[tokio::test]
async fn targets_that_read_otherwise_than_they_are_written_are_refused() {
    let portal = FakePortal::padding("1").await;
    let world = World::city(&portal).await;
    let host = portal.origin().replace("http://", "");
    for form in [
        format!("/http://bob:hunter2@{host}/data/x"),
        format!("/?url=http%3A%2F%2Fbob%40{host}%2Fdata%2Fx"),
        format!("/raw?url=http%3A%2F%2F{host}%5Cdata%5Cx"),
        format!("/raw?url=http%3A%2F%2F%2F{host}%2Fdata%2Fx"),
        format!("/raw?url=http%3A%2F{host}%2Fa%3A%2F%2Fb%2Fdata%2Fx"),
    ] {
        assert_eq!(world.get(&form).await.status, 400, "{form}");
    }
    let escaped = format!("http%3A%2F%2F{host}%2Fdata%2Fx");
    let answer = world.get(&format!("/?url={escaped}&ref=https://foo.example/")).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "1"));
    assert_eq!(portal.targets().len(), 1);
}

#[tokio::test]
async fn a_resource_at_a_named_host_is_judged_by_its_address_too() {
    let elsewhere =
        |portal: &FakePortal| portal.origin().replace("127.0.0.1", "127.0.0.2") + "/f.csv";
    let portal = one_resource(elsewhere).await;
    let inside = portal.beside([127, 0, 0, 2], |_| Reply::http(200, "", "inside\n")).await;
    // The entry names the host, and no range that it lies in.
    let world = World::with(&format!("{}    downloads: [127.0.0.2]\n", city(&portal))).await;
    let answer = world.get("/p/city/-/resource/r").await;
    assert_eq!((answer.status, answer.problem().as_str()), (502, "address-prohibited"));
    assert_eq!((portal.targets().len(), inside.connections()), (1, 0));
    // Nor is anybody's name and password sent along.
    let named = |portal: &FakePortal| portal.origin().replace("://", "://bob:pw@") + "/data/f.csv";
    let portal = one_resource(named).await;
    let answer = World::city(&portal).await.get("/p/city/-/resource/r").await;
    assert_eq!((answer.status, answer.problem().as_str()), (403, "target-not-allowed"));
    assert_eq!(portal.targets().len(), 1);
}
