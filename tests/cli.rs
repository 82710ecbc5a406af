//! The program as people start it: arguments, exit codes, what is printed where.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

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
        &["nothing"],
        &["serve", "--listen", "nowhere"],
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
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = unpad(&["demo", "--listen", &address], b"");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--listen 127.0.0.1:8088"));
}

#[test]
fn every_command_explains_itself() {
    for command in ["serve", "demo", "check", "unwrap"] {
        let output = unpad(&[command, "--help"], b"");
        assert_eq!(output.status.code(), Some(0), "{command}");
        assert!(text(&output.stdout).contains("Usage:"), "{command}");
    }
}
