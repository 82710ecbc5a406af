//! What people copy from a portal, and what it comes to here.

use crate::support::{FakePortal, Reply, World, city};

/// A gateway to a CKAN with a home page and a host for its files, and to a Socrata.
async fn world(portal: &FakePortal) -> World {
    World::with(&format!(
        "{}    home: https://www.city.example/open\n    downloads: [\".files.city.example\"]\n\
         \x20 soda:\n    base: https://soda.example\n    dialect: socrata\n",
        city(portal)
    ))
    .await
}

fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).collect()
}

/// An answer in one line.
async fn resolve(world: &World, link: &str) -> String {
    let answer = world.get(&format!("/resolve?url={}", escaped(link))).await;
    if answer.status != 200 {
        return format!("{} {}", answer.status, answer.problem());
    }
    let json = answer.json();
    let member = |name: &str| json[name].as_str().unwrap_or("-").to_owned();
    let names = ["portal", "kind", "dataset", "resource", "url"];
    names.map(member).join(" ")
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the table is the test")]
async fn links_of_a_portal_are_led_here() {
    let portal = FakePortal::padding("1").await;
    let world = world(&portal).await;
    let base = format!("{}/data", portal.origin());
    let show = "/p/city/api/3/action/package_show?id=aire";
    for (link, expected) in [
        (base.clone(), "city portal - - ./p/city".to_owned()),
        (format!("{base}/"), "city portal - - ./p/city".to_owned()),
        (format!("{base}/ca/dataset/aire#x"), format!("city dataset aire - .{show}")),
        (format!("{base}/dataset/a\nb"), "400 invalid-path".to_owned()),
        (format!(" {base}/dataset/aire "), format!("city dataset aire - .{show}")),
        ("city/dataset/aire #x".to_owned(), format!("city dataset aire - .{show}")),
        ("city/x/%2e%2e  # y".to_owned(), "400 invalid-path".to_owned()),
        (
            format!("{base}/dataset/aire/resource/r-1"),
            "city resource aire r-1 ./p/city/-/resource/r-1".to_owned(),
        ),
        (
            format!("{base}/dataset/aire/resource/r-1/download/a%20b.csv?x=1"),
            "city file aire r-1 ./p/city/dataset/aire/resource/r-1/download/a%20b.csv?x=1"
                .to_owned(),
        ),
        (
            format!("{base}/datastore/dump/r-1"),
            "city table - r-1 ./p/city/datastore/dump/r-1".to_owned(),
        ),
        (
            format!("{base}/api/3/action/package_search?q=a&rows=2"),
            "city api - - ./p/city/api/3/action/package_search?q=a&rows=2".to_owned(),
        ),
        // By another name of the host.
        (
            "https://www.city.example/ca/dataset/aire".to_owned(),
            format!("city dataset aire - .{show}"),
        ),
        ("www.city.example/ca/dataset/aire".to_owned(), format!("city dataset aire - .{show}")),
        ("https://www.city.example/".to_owned(), "city portal - - ./p/city".to_owned()),
        (
            "https://www.city.example/data/datastore/dump/r-1".to_owned(),
            "city table - r-1 ./p/city/datastore/dump/r-1".to_owned(),
        ),
        ("https://www.city.example/about".to_owned(), "403 target-not-allowed".to_owned()),
        // A host for its files.
        (
            "https://a.files.city.example/x.csv?y=1".to_owned(),
            "city file - - ./https://a.files.city.example/x.csv?y=1".to_owned(),
        ),
        (
            "https://soda.example/Health/Shots/abcd-1234/about_data".to_owned(),
            "soda resource abcd-1234 abcd-1234 \
             ./p/soda/api/views/abcd-1234/rows.csv?accessType=DOWNLOAD"
                .to_owned(),
        ),
        // Short forms of our own.
        ("city".to_owned(), "city portal - - ./p/city".to_owned()),
        ("city/dataset/aire".to_owned(), format!("city dataset aire - .{show}")),
        (show.to_owned(), format!("city api aire - .{show}")),
        ("city/aire".to_owned(), format!("city dataset aire - .{show}")),
        // What is none.
        ("nobody".to_owned(), "404 unknown-portal".to_owned()),
        ("/p/nobody/x".to_owned(), "404 unknown-portal".to_owned()),
        ("https://evil.example/x".to_owned(), "403 target-not-allowed".to_owned()),
        // Another gateway's, or another server at the portal's host.
        (format!("http://127.0.0.1:1{show}"), "403 target-not-allowed".to_owned()),
        ("http://127.0.0.1:1/data/dataset/aire".to_owned(), "403 target-not-allowed".to_owned()),
        (format!("{}/admin", portal.origin()), "403 target-not-allowed".to_owned()),
        ("https://me:secret@soda.example/".to_owned(), "400 invalid-path".to_owned()),
        (format!("{base}/%2e%2e/x"), "400 invalid-path".to_owned()),
        ("city/../x".to_owned(), "400 invalid-path".to_owned()),
        ("javascript:alert(1)".to_owned(), "404 unknown-portal".to_owned()),
        (String::new(), "400 invalid-path".to_owned()),
        ("x".repeat(9000), "400 invalid-path".to_owned()),
    ] {
        assert_eq!(resolve(&world, &link).await, expected, "{link}");
    }
    assert_eq!(world.get("/resolve").await.problem(), "invalid-path");
    assert!(portal.targets().is_empty(), "nobody is asked");
}

#[tokio::test]
async fn a_link_that_nobody_escaped_is_understood_too() {
    let portal = FakePortal::padding("1").await;
    let world = world(&portal).await;
    let link = format!("{}/data/api/3/action/package_search?q=a&rows=2", portal.origin());
    let answer = world.get(&format!("/resolve?url={link}")).await;
    assert_eq!(answer.json()["url"], "./p/city/api/3/action/package_search?q=a&rows=2");
}

#[tokio::test]
async fn links_are_absolute_where_the_public_url_is_known() {
    let portal = FakePortal::padding("1").await;
    let world = World::with(&format!(
        "server: {{ public_url: \"https://data.example.org/unpad\" }}\n{}",
        city(&portal)
    ))
    .await;
    let url = "https://data.example.org/unpad/p/city/api/3/action/package_show?id=aire";
    for link in ["city/dataset/aire", url] {
        let answer = world.get(&format!("/resolve?url={}", escaped(link))).await;
        assert_eq!(answer.json()["url"], url, "{link}");
    }
}

#[tokio::test]
async fn a_file_at_a_host_that_an_entry_names_is_handed_on_by_its_whole_url() {
    let portal = FakePortal::padding("1").await;
    let file = |target: &str| Reply::http(200, "Content-Type: text/csv\r\n", format!("{target}\n"));
    let other = portal.beside([127, 0, 0, 2], move |request| file(&request.target)).await;
    let elsewhere = other.origin();
    let yaml = format!("{}    downloads: [127.0.0.2]\n", city(&portal));
    let world = World::with(&yaml.replace("127.0.0.1/32", "127.0.0.0/8")).await;
    let answer = world.get(&format!("/{elsewhere}/x.csv?y=1")).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "/x.csv?y=1\n"), "{answer}");
    assert_eq!(answer.field("access-control-allow-origin"), Some("*"));
    let link = answer.field("link").unwrap_or_default();
    assert!(link.contains(&format!("<{elsewhere}/x.csv?y=1>; rel=\"via\"")), "{link}");
    for path in ["a%5cb", "a%00b", "..%2fb"] {
        let refused = world.get(&format!("/{elsewhere}/{path}")).await;
        assert_eq!(refused.problem(), "invalid-path", "{path}");
    }
    assert_eq!(other.targets(), ["/x.csv?y=1"]);
    // Nothing may be posted there.
    let posted =
        world.client.request("POST", &format!("/{elsewhere}/api/3/action/x_show"), "").await;
    assert_eq!(posted.status, 405);
}

#[tokio::test]
async fn a_file_has_a_licence_where_one_portal_alone_names_its_host() {
    let portal = FakePortal::padding("1").await;
    let other = portal.beside([127, 0, 0, 2], |_| Reply::http(200, "", "x")).await;
    let entry = |id: &str| {
        let city = city(&portal).replace("127.0.0.1/32", "127.0.0.0/8").replace("city", id);
        format!("{}    downloads: [127.0.0.2]\n    licence: CC0-1.0\n", &city["portals:\n".len()..])
    };
    for (ids, licensed) in [(&["one"][..], true), (&["one", "two"], false)] {
        let entries: String = ids.iter().map(|id| entry(id)).collect();
        let world = World::with(&format!("portals:\n{entries}")).await;
        let answer = world.get(&format!("/{}/x", other.origin())).await;
        let links = answer.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("link"));
        let told = links.map(|(_, value)| value.as_str()).collect::<String>();
        assert!(told.contains("rel=\"via\""), "{answer}");
        assert_eq!(told.contains("rel=\"license\""), licensed, "{answer}");
    }
}

#[tokio::test]
async fn an_origin_server_of_ones_own_lets_nobody_through_to_other_hosts() {
    let portal = FakePortal::padding("1").await;
    let other = portal.beside([127, 0, 0, 2], |_| Reply::http(200, "", "x")).await;
    let world = World::with(&format!(
        "portals:\n  own:\n    base: {}\n    dialect: transparent\n    dangerous_transparent: true\n\
         \x20   downloads: [127.0.0.2]\n    allow_cidr: [\"127.0.0.0/8\"]\n",
        portal.origin()
    ))
    .await;
    let answer = world.client.request("DELETE", &format!("/{}/x", other.origin()), "").await;
    assert_ne!(answer.status, 200);
    assert!(other.targets().is_empty());
}
