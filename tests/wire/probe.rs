//! `unpad probe` against the demonstration portal and portals that the test plays.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::net::TcpListener;

use unpad::demo;

use crate::support::portal::Received;
use crate::support::{FakePortal, Reply};

/// What the program said.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

async fn unpad(arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_unpad"));
    command.args(arguments).env_remove("UNPAD_CONFIG");
    let output = tokio::task::spawn_blocking(move || command.output().expect("the program runs"));
    let output = output.await.expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
}

async fn probed(url: &str) -> Value {
    let said = unpad(&["probe", "--json", url]).await;
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    serde_json::from_str(&said.out).expect("JSON")
}

fn file(content: &str) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("unpad-probe-{}-{number}.yaml", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, content).expect("a file");
    path
}

/// `unpad check` of the entry that a report has.
async fn is_right(report: &Value) -> bool {
    let path = file(report["entry"].as_str().expect("an entry"));
    let said = unpad(&["check", path.to_str().expect("a path")]).await;
    std::fs::remove_file(path).expect("removed");
    assert!(said.err.is_empty(), "{}", said.err);
    said.code == Some(0)
}

/// The demonstration portal's origin.
async fn demo() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(demo::serve(listener, std::future::pending()));
    origin
}

const STATUS: &str = r#"{"help":"x","success":true,"result":{"ckan_version":"2.10.4","site_title":"City","site_url":"https://city.example"}}"#;

/// A CKAN at the root with these fields, which answers its status as `padded` says.
async fn ckan(
    fields: &'static str,
    padded: impl Fn(&str, &str) -> String + Send + Sync + 'static,
) -> FakePortal {
    FakePortal::new(move |request| {
        let json = format!("Content-Type: application/json\r\n{fields}");
        if !request.target.starts_with("/api/3/action/status_show") {
            return Reply::http(404, &json, "{}");
        }
        match request.query("callback") {
            Some(name) => Reply::http(200, &json, padded(name, STATUS)),
            None => Reply::http(200, &json, STATUS),
        }
    })
    .await
}

#[tokio::test]
async fn the_demonstration_portal_needs_unpad_and_is_found_from_its_host() {
    let origin = demo().await;
    let said = unpad(&["probe", &origin]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    let report = said.out.replace(&origin, "http://PORTAL");
    let steady = |line: &&str| !line.starts_with("  speed ") && !line.starts_with("  cost ");
    let report: Vec<_> = report.lines().filter(steady).collect();
    assert!(report.iter().all(|line| line.chars().count() <= 80 || line.contains("://")));
    let first: Vec<_> = report.iter().copied().take(28).collect();
    insta::assert_snapshot!(first.join("\n"), @r#"
    needs unpad: CORS is off, JSONP works

      asked       http://PORTAL/
      software    CKAN 2.12.0
      title       Dades obertes de demostració · Ανοικτά δεδομένα
      base        http://PORTAL/data
      tried on    http://PORTAL/data/api/3/action/status_show
      JSONP       works, by `callback`, as `cb({…});`; inside is the plain answer,
                  byte for byte; sent as application/javascript;charset=utf-8;
                  quotes in a name come back as HTML entities
      CORS        off: no Access-Control-Allow-Origin; neither on errors
      preflight   fails: 200 without CORS fields
      file        http://PORTAL/data/dataset/a80ca47a-54d8-5833-ad93-8d514455e99b/resource/e5f516c7-456f-50aa-804b-81826abed5b5/download/qualitat-aire-mesures.csv
      ranges      work: the first byte comes alone (206)
      validators  ETag and Last-Modified; they work (304)

    The entry for a registry (`unpad check` says whether a registry is right):

    portals:
      "127-0-0-1":
        title: "Dades obertes de demostració · Ανοικτά δεδομένα"
        home: http://PORTAL
        base: http://PORTAL/data
        dialect: ckan
        ask: jsonp
        allow_cidr: ["127.0.0.1/32"]

    With one of these the portal's operator makes all this unnecessary:
    "#);
    assert!(said.out.contains("Header always set Access-Control-Allow-Origin"));
}

#[tokio::test]
async fn json_says_the_same_and_its_entry_is_right() {
    let origin = demo().await;
    let page = format!("{origin}/data/dataset/qualitat-aire?x=1");
    let report = probed(&page).await;
    assert_eq!(report["base"], format!("{origin}/data"));
    assert_eq!(report["verdict"]["word"], "needs unpad");
    assert_eq!(report["jsonp"]["shape"], "cb({…});");
    assert_eq!(report["jsonp"]["same_as_plain"], "yes");
    assert_eq!(report["jsonp"]["odd_names"], "html-escaped");
    assert_eq!(report["files"]["ranges"]["state"], "work");
    assert_eq!(report["files"]["validation"]["state"], "works");
    assert_eq!(report["operator"].as_array().map(Vec::len), Some(3));
    assert!(is_right(&report).await);
}

#[tokio::test]
async fn a_portal_with_cors_does_not_need_unpad() {
    let cors = "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\n";
    let portal = ckan(cors, |name, json| format!("/**/{name}({json})")).await;
    let report = probed(&portal.origin()).await;
    assert_eq!(report["verdict"]["sentence"], "does not need unpad: it has CORS");
    assert_eq!(report["cors"]["errors"]["state"], "on");
    assert_eq!(report["jsonp"]["shape"], "/**/cb({…})");
    assert_eq!(report["jsonp"]["is_script"], false);
    assert_eq!(report["operator"], serde_json::json!([]));
    assert!(is_right(&report).await);
    let origins = portal.received().into_iter().filter(|r| r.field("origin").is_some());
    let methods: Vec<_> = origins.map(|request| method(&request)).collect();
    assert_eq!(methods, ["GET", "GET", "OPTIONS"]);
}

fn method(request: &Received) -> String {
    request.head.split(' ').next().expect("a method").to_owned()
}

#[tokio::test]
async fn a_portal_that_ignores_the_callback_is_asked_for_json() {
    let portal = ckan("", |_, json| json.to_owned()).await;
    let report = probed(&portal.origin()).await;
    let sentence = "cannot be bridged by JSONP: it ignores the callback; ask: json";
    assert_eq!(report["verdict"]["sentence"], sentence);
    assert!(report["entry"].as_str().is_some_and(|entry| entry.contains("ask: json\n")));
    assert!(is_right(&report).await);
}

#[tokio::test]
async fn a_callback_that_is_not_ours_is_told_with_what_came() {
    let portal = ckan("", |_, json| format!("cached\u{9b}31m({json});")).await;
    let report = probed(&portal.origin()).await;
    assert_eq!(report["jsonp"]["state"], "refused");
    let portal = ckan("", |_, json| format!("cached({json});")).await;
    let report = probed(&portal.origin()).await;
    assert_eq!(report["jsonp"]["state"], "other-name");
    assert!(report["jsonp"]["excerpt"].as_str().is_some_and(|came| came.starts_with("cached(")));
    assert_eq!(report["verdict"]["word"], "ask: json");
}

#[tokio::test]
async fn pages_without_an_api_are_files_and_a_wall_is_a_failure() {
    let portal = FakePortal::new(|_| Reply::html(200, "<h1>Welcome</h1>")).await;
    let report = probed(&format!("{}/open/", portal.origin())).await;
    assert_eq!((&report["software"], &report["dialect"]), (&Value::Null, &"plain".into()));
    assert_eq!(report["verdict"]["word"], "files only");
    assert_eq!(report["base"], format!("{}/open", portal.origin()));
    assert!(is_right(&report).await);
    let count = portal.received().len();
    assert!(count <= unpad::probe::REQUESTS, "{count}");
    let safe = |request: &Received| matches!(&*method(request), "GET" | "OPTIONS");
    assert!(portal.received().iter().all(safe));
    portal.now(|_| Reply::html(403, "<h1>No</h1>"));
    let said = unpad(&["probe", &portal.origin()]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.out.starts_with("could not be probed: nothing known answers there, and"));
}

#[tokio::test]
async fn a_silent_portal_is_given_up_after_a_few_questions() {
    let portal = FakePortal::new(|_| Reply::default().then_silence()).await;
    let said = unpad(&["probe", "--timeout", "1", &portal.origin()]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.out.starts_with("could not be probed: no answer within 1 s"), "{}", said.out);
    let count = portal.received().len();
    assert!(count <= 10, "{count}");
}

#[tokio::test]
async fn a_portal_that_cannot_be_reached_is_a_report_too() {
    let said = unpad(&["probe", "--json", "http://127.0.0.1:1/"]).await;
    assert_eq!(said.code, Some(1));
    let report: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(report["error"], "the connection was refused");
    assert_eq!(report["entry"], Value::Null);
    assert_eq!(said.err, "http://127.0.0.1:1/: the connection was refused\n");
}

#[tokio::test]
async fn a_redirect_to_another_host_is_told_and_not_followed() {
    let to = "Location: http://10.0.0.1/secret\r\n";
    let portal = FakePortal::new(move |_| Reply::http(302, to, "")).await;
    let said = unpad(&["probe", &portal.origin()]).await;
    assert_eq!(said.code, Some(1));
    let told =
        "nothing known answers there, and it redirects to http://10.0.0.1/secret: probe that\n";
    assert!(said.err.ends_with(told), "{}", said.err);
}

#[tokio::test]
async fn a_start_page_that_redirects_does_not_hide_the_portal() {
    let portal = FakePortal::new(|request| match &*request.target {
        "/open" | "/open/" => Reply::http(302, "Location: /en/\r\n", ""),
        target if target.starts_with("/open/api/3/action/status_show") => {
            Reply::http(200, "", STATUS)
        }
        _ => Reply::html(404, ""),
    })
    .await;
    let report = probed(&format!("{}/open", portal.origin())).await;
    assert_eq!(report["base"], format!("{}/open", portal.origin()));
}

#[tokio::test]
async fn a_portal_that_asks_for_fewer_requests_gets_no_more() {
    let portal = FakePortal::new(|_| Reply::html(429, "")).await;
    let said = unpad(&["probe", &portal.origin()]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("it asks for fewer requests (429)"), "{}", said.out);
    let count = portal.received().len();
    assert!(count <= 10, "{count}");
}

#[tokio::test]
async fn an_address_that_nobody_allowed_is_not_dialled() {
    let portal = FakePortal::padding("{}").await;
    let registry = file(&format!("portals: {{ city: {{ base: \"{}\" }} }}\n", portal.origin()));
    let path = registry.to_str().expect("a path");
    let said = unpad(&["probe", "--all", "--config", path]).await;
    assert_eq!(said.code, Some(1));
    assert!(said.out.contains("its address is not a public one"), "{}", said.out);
    assert_eq!(portal.connections(), 0);
    std::fs::remove_file(registry).expect("removed");
}

#[tokio::test]
async fn socrata_is_tried_on_a_dataset_of_its_own() {
    let portal = FakePortal::new(|request| {
        let json = "Content-Type: application/json\r\n";
        if request.target.starts_with("/api/catalog/v1?") {
            let body = r#"{"results":[{"resource":{"id":"h243-v2q5"}}],"resultSetSize":1}"#;
            return Reply::http(200, json, body);
        }
        if !request.target.starts_with("/resource/h243-v2q5.json?$limit=1") {
            return Reply::html(404, "");
        }
        match request.query("$jsonp") {
            Some(name) => Reply::http(200, json, format!("{name}([{{\"a\":1}}]);")),
            None => Reply::http(200, json, "[{\"a\":1}]"),
        }
    })
    .await;
    let report = probed(&portal.origin()).await;
    assert_eq!((&report["software"], &report["dialect"]), (&"Socrata".into(), &"socrata".into()));
    assert_eq!(report["jsonp"]["parameter"], "$jsonp");
    assert_eq!(report["jsonp"]["shape"], "cb([…]);");
    assert_eq!(report["verdict"]["word"], "needs unpad");
    assert!(is_right(&report).await);
}

#[tokio::test]
async fn json_of_unknown_software_is_tried_with_the_common_parameters() {
    let portal = FakePortal::new(|request| {
        let guard = |name: &str| format!("/**/ typeof {name} === 'function' && {name}([1]);");
        match request.query("jsonp") {
            _ if !request.target.starts_with("/feeds/air.json") => Reply::html(404, ""),
            Some(name) => Reply::http(200, "Content-Type: text/javascript\r\n", guard(name)),
            None => Reply::http(200, "Content-Type: application/json\r\n", "[1]"),
        }
    })
    .await;
    let report = probed(&format!("{}/feeds/air.json?city=1", portal.origin())).await;
    assert_eq!((&report["software"], &report["dialect"]), (&Value::Null, &"generic".into()));
    assert_eq!(report["base"], format!("{}/feeds", portal.origin()));
    assert_eq!(report["jsonp"]["parameter"], "jsonp");
    assert_eq!(report["jsonp"]["shape"], "/**/ typeof cb === 'function' && cb([…]);");
    assert_eq!(report["verdict"]["word"], "needs unpad");
    assert!(is_right(&report).await);
}

#[tokio::test]
async fn arcgis_is_found_at_its_usual_prefix() {
    let portal = FakePortal::new(|request| {
        if !request.target.starts_with("/arcgis/rest/info?f=json") {
            return Reply::html(404, "");
        }
        let json = r#"{"currentVersion":11.3,"fullVersion":"11.3.0","authInfo":{}}"#;
        match request.query("callback") {
            Some(name) => Reply::http(200, "", format!("{name}({json});")),
            None => Reply::http(200, "", json),
        }
    })
    .await;
    let report = probed(&portal.origin()).await;
    assert_eq!(
        (&report["software"], &report["version"]),
        (&"ArcGIS REST".into(), &"11.3.0".into())
    );
    assert_eq!(report["base"], format!("{}/arcgis", portal.origin()));
    assert_eq!(report["jsonp"]["content_type"], Value::Null);
    assert!(is_right(&report).await);
}

#[tokio::test]
async fn nothing_a_portal_calls_itself_acts_on_a_terminal_or_on_the_entry() {
    let status = r#"{"help":"x","success":true,"result":{"ckan_version":"\u001b]0;x\u0007",
        "site_title":"\u001b[2J\u202e\"\n  evil: \u009b31m #'","site_url":"javascript:x"}}"#;
    let portal = FakePortal::new(move |request| {
        if request.target.starts_with("/api/3/action/status_show") {
            Reply::http(200, "Access-Control-Allow-Origin: \u{9b}31m\r\n", status)
        } else {
            Reply::html(404, "\x1b[2J")
        }
    })
    .await;
    let said = unpad(&["probe", &portal.origin()]).await;
    assert_eq!(said.code, Some(0), "{}", said.err);
    let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!said.out.contains(acts), "{}", said.out.escape_debug());
    let said = unpad(&["probe", "--json", &portal.origin()]).await;
    assert!(!said.out.contains(acts));
    let report: Value = serde_json::from_str(&said.out).expect("JSON");
    assert!(!report.to_string().contains(acts));
    assert!(is_right(&report).await);
}

#[tokio::test]
async fn all_portals_of_a_registry_are_probed_and_one_that_is_dead_is_told() {
    let origin = demo().await;
    let allow = "allow_cidr: [\"127.0.0.1/32\"]";
    let registry = file(&format!(
        "portals:\n  good: {{ base: \"{origin}/data\", {allow} }}\n  \
         dead: {{ base: \"http://127.0.0.1:1\", {allow} }}\n"
    ));
    let path = registry.to_str().expect("a path");
    let said = unpad(&["probe", "--all", "--config", path]).await;
    assert_eq!((said.code, said.err.as_str()), (Some(1), "1 of 2 could not be probed\n"));
    let rows: Vec<Vec<_>> = said.out.lines().map(|row| row.split_whitespace().collect()).collect();
    let titles = ["ID", "SOFTWARE", "VERSION", "JSONP", "CORS", "RANGES", "MS", "VERDICT"];
    assert_eq!(rows[0], titles);
    assert_eq!(rows[1][..6], ["good", "CKAN", "2.12.0", "yes", "no", "yes"]);
    assert_eq!(rows[1][7..], ["needs", "unpad"]);
    assert_eq!(rows[2][..8], ["dead", "-", "-", "-", "-", "-", "-", "failed:"]);
    let said = unpad(&["probe", "--all", "--json", "--config", path]).await;
    let lines: Vec<Value> =
        said.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        (lines.len(), &lines[0]["id"], &lines[1]["id"]),
        (2, &"good".into(), &"dead".into())
    );
    assert_eq!(lines[1]["verdict"]["word"], "failed");
    std::fs::remove_file(registry).expect("removed");
}
