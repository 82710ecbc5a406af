//! The program as people start it: arguments, exit codes, what is printed where.

mod process;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn unpad(arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_unpad"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that refuses its arguments does not read.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin);
    child.wait_with_output().expect("the program ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn file(name: &str, content: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("unpad-cli-{}-{name}", std::process::id()));
    std::fs::write(&path, content).expect("a file");
    path
}

#[test]
fn unwrap_writes_the_json_and_nothing_else() {
    let output = unpad(&["unwrap", "--callback", "cb"], b" cb({\"a\": 1.00}) ;\n");
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"{\"a\": 1.00}"[..]));
    assert!(output.stderr.is_empty());
}

#[test]
fn unwrap_refuses_with_one_line_on_stderr_and_nothing_on_stdout() {
    let output = unpad(&["unwrap", "--callback", "cb"], b"cb({\"a\": 1});alert(1)");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let said = text(&output.stderr);
    assert!(said.starts_with("trailing-data at offset 13: "), "{said}");
    assert_eq!(said.lines().count(), 1);
}

#[test]
fn unwrap_takes_the_shapes_it_is_told() {
    let output = unpad(
        &[
            "unwrap",
            "--callback=cb[0]",
            "--second-argument",
            "--prefix=while(1);",
            "--prefix=)]}'",
            "--non-finite=null",
        ],
        b")]}'\ncb[0] ([NaN, \"NaN\"], 404);",
    );
    assert_eq!((output.status.code(), &output.stdout[..]), (Some(0), &b"[null, \"NaN\"]"[..]));
    assert_eq!(text(&output.stderr), "the second argument is status 404\n");
}

#[test]
fn unwrap_bounds_what_it_reads() {
    let output = unpad(&["unwrap", "--callback", "cb", "--max-bytes", "8"], b"cb([1,2,3]);");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("too-large at offset 8: "));
}

#[test]
fn a_wrong_use_is_told_and_exits_with_2() {
    for arguments in [
        &["unwrap"][..],
        &["unwrap", "--callback", "a b"],
        &["unwrap", "--callback", "cb", "--prefix", "/*"],
        &["unwrap", "--callback", "cb", "--non-finite", "zero"],
        &["nothing"],
        &["serve", "--listen", "nowhere"],
        &["probe"],
        &["probe", "ftp://a.example"],
        &["probe", "https://user:secret@a.example"],
        &["probe", "https://a.example", "--all"],
        &["probe", "https://a.example", "--timeout", "0"],
    ] {
        assert_eq!(unpad(arguments, b"").status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn check_says_whether_a_registry_is_right() {
    let right = file("right.yaml", "portals: { city: { base: https://a.example } }\n");
    let output = unpad(&["check", right.to_str().expect("a path")], b"");
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("right, 1 portals"));
    let wrong = file("wrong.yaml", "portals:\n  city:\n    bse: https://a.example\n");
    let output = unpad(&["check", wrong.to_str().expect("a path")], b"");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    let said = text(&output.stderr);
    assert!(said.contains("wrong.yaml:3:5: unknown field `bse`"), "{said}");
    for path in [right, wrong] {
        std::fs::remove_file(path).expect("removed");
    }
}

#[test]
fn check_prints_the_schema() {
    let output = unpad(&["check", "--schema"], b"");
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(schema["title"], "portals.yaml");
}

#[test]
fn serve_without_a_registry_says_what_to_do() {
    let output = unpad(&["serve", "--config", "/nowhere/portals.yaml"], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("unpad demo"), "{}", text(&output.stderr));
}

#[test]
fn a_port_in_use_is_told_with_advice() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = unpad(&["demo", "--listen", &address], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--listen 127.0.0.1:8088"));
}

const CITY: &str = "portals: { city: { base: https://a.example } }\n";

#[test]
fn sighup_reads_the_registry_again_and_a_wrong_one_changes_nothing() {
    let registry = file("reload.yaml", CITY);
    let mut server =
        process::Server::start(&["serve", "--config", registry.to_str().expect("a path")]);
    server.admin();
    let town = "  town: { base: https://b.example }\n";
    let two = format!("portals:\n  city: {{ base: https://a.example }}\n{town}");
    std::fs::write(&registry, two).expect("written");
    server.signal("HUP");
    let said = server.says("the registry was read again");
    assert!(said.contains("portals=2 added=1 removed=0 changed=0"), "{said}");
    std::fs::write(&registry, "portals: 1\n").expect("written");
    server.signal("HUP");
    assert!(server.says("the registry stays as it was: ").contains("reload.yaml:1:10"));
    assert!(server.runs());
    std::fs::remove_file(registry).expect("removed");
}

#[test]
fn sighup_without_a_registry_says_that_there_is_nothing_to_read() {
    let mut server = process::Server::start(&["demo"]);
    server.admin();
    server.signal("HUP");
    server.says("there is nothing to read again");
    assert!(server.runs());
}

#[test]
fn a_token_file_that_is_of_no_use_is_refused() {
    let registry = file("token.yaml", CITY);
    let (empty, short) = (file("empty-token", " \n"), file("short-token", "short\n"));
    let path = |path: &PathBuf| path.to_str().expect("a path").to_owned();
    for (token, said) in [
        (path(&empty), "the token file is empty"),
        (path(&short), "it has 5 characters, and a token has at least 16"),
        ("/nowhere/token".to_owned(), "the token file cannot be read"),
    ] {
        let arguments = [
            "serve",
            "--config",
            &path(&registry),
            "--listen",
            "127.0.0.1:0",
            "--admin-token-file",
            &token,
        ];
        let output = process::run(process::program().args(arguments), "");
        assert_eq!(output.status.code(), Some(1), "{token}");
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
    for path in [registry, empty, short] {
        std::fs::remove_file(path).expect("removed");
    }
}

#[test]
fn administration_without_a_token_is_off_and_says_so() {
    let registry = file("off.yaml", &format!("server: {{ admin: {{}} }}\n{CITY}"));
    let arguments = ["serve", "--config", registry.to_str().expect("a path")];
    let mut server = process::Server::start_with(&arguments, "");
    assert!(server.says("administration is off").contains("UNPAD_ADMIN_TOKEN"));
    assert!(server.runs());
    std::fs::remove_file(registry).expect("removed");
}

#[test]
fn every_command_explains_itself() {
    for command in ["serve", "demo", "check", "unwrap", "probe", "cache", "cache ls", "cache stat"]
    {
        let mut arguments: Vec<_> = command.split(' ').collect();
        arguments.push("--help");
        let output = unpad(&arguments, b"");
        assert_eq!(output.status.code(), Some(0), "{command}");
        assert!(text(&output.stdout).contains("Usage:"), "{command}");
    }
}

/// A portal that answers everything with this JSON, one connection a request.
fn portal(json: &'static str) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).is_ok() {
                head.extend(byte);
            }
            let length = json.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{json}"
            );
        }
    });
    address
}

/// Serves one portal at the root; where.
fn at_root(portal: &str, more: &[&str], environment: &[(&str, &str)]) -> (process::Server, String) {
    let arguments = [&["serve", "--portal", portal, "--at-root"][..], more].concat();
    let server = process::Server::start_in(&arguments, process::TOKEN, environment);
    let address = server.says("portal at http://").trim_end_matches('/').to_owned();
    (server, address)
}

/// An answer, all of it.
fn ask(address: &str, target: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    let request = format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    text(&answer)
}

#[test]
fn the_environments_proxy_is_not_used() {
    let proxy = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    proxy.set_nonblocking(true).expect("a listener that does not wait");
    let url = format!("http://{}", proxy.local_addr().expect("an address"));
    let names =
        ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
    let environment = [
        &names.map(|name| (name, &*url))[..],
        // What would keep some clients from using a proxy by themselves.
        &[("no_proxy", ""), ("NO_PROXY", "")],
    ]
    .concat();
    let portal = format!("http://{}", portal("{\"asked\": true}"));
    let (_server, address) = at_root(&portal, &[], &environment);
    let answer = ask(&address, "/api/3/action/x");
    assert!(answer.ends_with("{\"asked\": true}"), "{answer}");
    assert_eq!(proxy.accept().expect_err("no connection").kind(), ErrorKind::WouldBlock);
}

#[test]
fn it_ends_with_0_when_it_is_asked_to_and_at_once_when_it_is_asked_twice() {
    let (mut idle, _) = at_root("http://127.0.0.1:9", &[], &[]);
    idle.signal("INT");
    assert_eq!(idle.ends(), Some(0));
    // It accepts and says nothing, so the answer stays under way.
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let portal = format!("http://{}", silent.local_addr().expect("an address"));
    let (mut server, address) = at_root(&portal, &[], &[]);
    let mut waiting = TcpStream::connect(&address).expect("a connection");
    waiting.write_all(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    let _held = silent.accept().expect("a connection");
    server.signal("TERM");
    server.says("ending: ");
    assert!(server.runs());
    server.signal("TERM");
    assert_eq!(server.ends(), Some(130));
}

#[test]
fn a_socket_that_is_handed_over_outlives_the_process() {
    let socket = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = socket.local_addr().expect("an address").to_string();
    let registry = process::file(
        "handed-over.yaml",
        "server: { leave_time: 0s }\nportals: { city: { base: \"https://data.city.example\" } }\n",
    );
    let registry = registry.to_str().expect("a path");
    let arguments = ["serve", "--no-disk", "--config", registry];
    let mut first = process::Server::start_at(&socket, &arguments);
    assert!(first.says("portal at http://").starts_with(&address));
    assert!(ask(&address, "/healthz").contains("ok"));
    first.signal("TERM");
    assert_eq!(first.ends(), Some(0));
    // Nobody accepts, and nobody is turned away.
    let mut waiting = TcpStream::connect(&address).expect("a connection");
    waiting.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").expect("sent");
    let _second = process::Server::start_at(&socket, &arguments);
    let mut said = String::new();
    waiting.read_to_string(&mut said).expect("an answer");
    assert!(said.starts_with("HTTP/1.0 200 "), "{said}");
}

#[test]
fn the_log_has_no_query_no_password_and_no_endless_path() {
    // The portal is never asked.
    let arguments = ["serve", "--portal", "http://127.0.0.1:9", "--log-format", "json"];
    let server = process::Server::start(&arguments);
    let address = server.says("portal at http://").trim_end_matches('/').to_owned();
    let logged = |target: &str| {
        ask(&address, target);
        server.says("\"path\":\"")
    };
    for (target, told) in [
        ("/nothing?api_key=s3cret", "/nothing\""),
        ("/p/nobody/%1b[31m?s3cret", "/p/nobody/%1b[31m\""),
        ("/https://bob:s3cret@a.example/x", "/https://REDACTED@a.example/x\""),
        ("/?url=https%3A%2F%2Fbob%3As3cret%40a.example%2Fx", "/\""),
    ] {
        let line = logged(target);
        assert!(line.starts_with(told) && !line.contains("s3cret"), "{target}: {line}");
    }
    let line = logged(&format!("/{}", "x".repeat(5000)));
    assert!(line.starts_with("/xxx") && line.contains("x...\""), "{line}");
    assert!(line.matches('x').count() <= 1024, "{line}");
}
