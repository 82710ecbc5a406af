//! A folder of this machine as a portal.

use std::fs;

use crate::support::{Directory, World};

fn folder() -> (Directory, String) {
    let directory = Directory::new();
    let path = directory.path().join("data");
    fs::create_dir_all(path.join("sub")).expect("a folder");
    fs::write(path.join("aire.csv"), "a,b\n1,2\n").expect("a file");
    fs::write(path.join("sub/à b.json"), "[1]").expect("a file");
    fs::write(path.join("page.html"), "<h1>").expect("a file");
    fs::write(path.join(".secret"), "no").expect("a file");
    fs::write(directory.path().join("outside.txt"), "no").expect("a file");
    std::os::unix::fs::symlink("../outside.txt", path.join("link.txt")).expect("a link");
    std::os::unix::fs::symlink(".secret", path.join("shown.txt")).expect("a link");
    let yaml = format!(
        "portals:\n  class:\n    dialect: files\n    folder: {}\n    attribution: Ms Vila\n",
        path.display()
    );
    (directory, yaml)
}

#[tokio::test]
async fn a_file_is_sent_with_cors_ranges_and_validators() {
    let (_kept, yaml) = folder();
    let world = World::with(&yaml).await;
    let origin = "Origin: https://class.example.org\r\n";
    let whole = world.client.request("GET", "/p/class/aire.csv", origin).await;
    assert_eq!((whole.status, whole.text().as_str()), (200, "a,b\n1,2\n"));
    assert_eq!(whole.field("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(whole.field("content-length"), Some("8"));
    assert_eq!(whole.field("accept-ranges"), Some("bytes"));
    assert_eq!(whole.field("access-control-allow-origin"), Some("*"));
    assert_eq!(whole.field("unpad-attribution"), Some("\"Ms Vila\""));
    let etag = whole.field("etag").expect("one").to_owned();
    let part = world.client.request("GET", "/p/class/aire.csv", "Range: bytes=-4\r\n").await;
    assert_eq!((part.status, part.text().as_str()), (206, "1,2\n"));
    assert_eq!(part.field("content-range"), Some("bytes 4-7/8"));
    assert_eq!(part.field("etag"), Some(&*etag));
    let beyond = world.client.request("GET", "/p/class/aire.csv", "Range: bytes=8-\r\n").await;
    assert_eq!((beyond.status, beyond.field("content-range")), (416, Some("bytes */8")));
    let same = format!("If-None-Match: {etag}\r\n");
    assert_eq!(world.client.request("GET", "/p/class/aire.csv", &same).await.status, 304);
    let head = world.client.request("HEAD", "/p/class/aire.csv", "").await;
    assert_eq!((head.status, head.field("content-length")), (200, Some("8")));
    let json = world.get("/p/class/sub/%C3%A0%20b.json").await;
    assert_eq!(
        (json.text().as_str(), json.field("content-type")),
        ("[1]", Some("application/json"))
    );
    let page = world.get("/p/class/page.html").await;
    assert_eq!(page.field("content-disposition"), Some("attachment"));
    assert!(page.field("content-security-policy").expect("one").contains("sandbox"));
}

#[tokio::test]
async fn what_is_saved_is_seen_at_once() {
    let (directory, yaml) = folder();
    let world = World::with(&yaml).await;
    let before = world.get("/p/class/aire.csv").await;
    fs::write(directory.path().join("data/aire.csv"), "a,b\n3,4\n5,6\n").expect("a file");
    let after = world.get("/p/class/aire.csv").await;
    assert_eq!(after.text(), "a,b\n3,4\n5,6\n");
    assert_ne!(before.field("etag"), after.field("etag"));
}

#[tokio::test]
async fn nothing_outside_the_folder_and_nothing_hidden_is_there() {
    let (_kept, yaml) = folder();
    let world = World::with(&yaml).await;
    for (path, status) in [
        ("nothing.csv", 404),
        ("link.txt", 404),
        ("shown.txt", 404),
        (".secret", 404),
        ("%2esecret", 404),
        ("../outside.txt", 400),
        ("%2e%2e/outside.txt", 400),
        ("sub/..%2f..%2foutside.txt", 400),
        ("/etc/passwd", 404),
        ("aire.csv%00", 400),
        ("aire.csv/x", 404),
        ("%ff", 404),
    ] {
        assert_eq!(world.get(&format!("/p/class/{path}")).await.status, status, "{path}");
    }
    let post = world.client.request("POST", "/p/class/aire.csv", "Content-Length: 0\r\n").await;
    assert_eq!(post.status, 405);
}

#[tokio::test]
async fn the_folder_lists_what_it_has() {
    let (_kept, yaml) = folder();
    let world = World::with(&yaml).await;
    let list = world.get("/p/class/").await.json();
    let paths: Vec<_> =
        list["files"].as_array().expect("a list").iter().map(|f| &f["path"]).collect();
    assert_eq!(paths, ["aire.csv", "page.html", "sub/à b.json"]);
    let entry = world.get("/portals").await.json();
    assert_eq!(entry["portals"][0]["dialect"], "files");
    assert!(!entry.to_string().contains("data"), "{entry}");
}
