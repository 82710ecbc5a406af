//! `unpad cache` as people use it: against a server of the same program, over its administration.

mod process;

use std::process::Output;

use process::{Server, TOKEN, file, program, run};
use serde_json::Value;

const LIST: &str = "/p/demo/api/3/action/package_list?limit=5";
const STATUS: &str = "/p/demo/api/3/action/status_show";

/// The demonstration with administration.
struct Demo {
    _server: Server,
    admin: String,
}

impl Demo {
    fn start() -> Self {
        let server = Server::start(&["demo"]);
        let admin = server.admin();
        Self { _server: server, admin }
    }

    /// `unpad cache …` from a folder without a registry.
    fn cache(&self, arguments: &[&str], stdin: &str) -> Output {
        let mut command = program();
        command.current_dir("/").arg("cache").args(arguments).args(["--admin", &self.admin]);
        run(command.env("UNPAD_ADMIN_TOKEN", TOKEN), stdin)
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = self.cache(arguments, "");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        text(&output.stdout)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.told(arguments)).expect("JSON")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_was_filled_is_listed_and_what_was_purged_is_gone() {
    let demo = Demo::start();
    assert_eq!(demo.told(&["ls"]), "nothing is stored that matches\n");
    assert_eq!(demo.told(&["fill", STATUS, LIST]), "2 filled (625 B), 0 of them there already\n");
    let listed = demo.told(&["ls", "--limit", "1", "--contains", "status"]);
    let rows: Vec<Vec<_>> = listed.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["STATUS", "SIZE", "AGE", "LEFT", "TYPE", "PATH"]);
    // Between them stand its age and its time, which are the clock's.
    assert_eq!(rows[1][..3], ["200", "421", "B"]);
    assert_eq!(rows[1][rows[1].len() - 2..], ["application/json", STATUS]);
    assert!(
        demo.told(&["ls", "--limit", "1"]).ends_with("There is more: --limit N shows N of them.\n")
    );
    let list = demo.json(&["ls", "--json"]);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
    assert!(demo.told(&["stat"]).contains("memory: "));
    assert_eq!(demo.json(&["stat", "--json"])["entries"], 2);
    for (arguments, told) in [
        (&["purge", LIST][..], "1 stored answer purged\n"),
        (&["purge", LIST], "0 stored answers purged\n"),
        (&["purge", "--portal", "nowhere"], "0 stored answers purged\n"),
        (&["purge", "--pattern", "status_show$"], "1 stored answer purged\n"),
        (&["purge", "--all"], "0 stored answers purged\n"),
    ] {
        assert_eq!(demo.told(arguments), told, "{arguments:?}");
    }
    assert_eq!(demo.json(&["purge", "--all", "--json"])["purged"], 0);
}

#[test]
fn fill_reads_lines_and_tells_what_failed_and_why() {
    let demo = Demo::start();
    let lines = format!(
        "# for the class\n{STATUS}\n\n  {STATUS}\nhttps://elsewhere.example/x\n\
                         /p/demo/api/3/action/package_show?id=none\n"
    );
    let output = demo.cache(&["fill", "--concurrency", "1", "-f", "-"], &lines);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(text(&output.stdout), @"
    STATUS  WHY                                                                                                    URL
         -  `url` is nothing of a registered portal's: write /p/{portal}/{path}?{query}, or the portal's own URL.  https://elsewhere.example/x
       404  the portal's own answer                                                                                /p/demo/api/3/action/package_show?id=none
    1 filled (421 B), 0 of them there already
    ");
    let said = text(&output.stderr);
    assert!(said.ends_with("3 of 3 (100 %), 2 failed\n2 of 3 failed\n"), "{said}");
    let urls = file("urls.txt", STATUS);
    let filled = demo.json(&["fill", "--json", "-f", urls.to_str().expect("a path")]);
    assert_eq!((&filled[0]["status"], &filled[0]["bytes"]), (&200.into(), &421.into()));
    assert!(filled[0]["cache"].as_str().is_some_and(|cache| cache.starts_with("unpad; hit")));
    std::fs::remove_file(urls).expect("removed");
}

#[test]
fn an_answer_that_cannot_be_had_is_told_with_advice() {
    let demo = Demo::start();
    let wrong = |admin: &str, token: &str| {
        let mut command = program();
        let arguments = ["cache", "fill", STATUS, LIST, "--admin", admin];
        let output =
            run(command.current_dir("/").args(arguments).env("UNPAD_ADMIN_TOKEN", token), "");
        assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(1), ""));
        let said = text(&output.stderr);
        assert_eq!(said.lines().count(), 1, "{said}");
        said
    };
    assert!(wrong("127.0.0.1:1", TOKEN).starts_with("nothing answers at http://127.0.0.1:1/ ("));
    assert!(wrong(&demo.admin, "another-token-of-sixteen").contains("has another token"));
    assert!(wrong(&demo.admin, "").starts_with("there is no token: set UNPAD_ADMIN_TOKEN"));
    let refused = demo.cache(&["ls", "--pattern", "("], "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).starts_with("`pattern`: it is not a regular expression"));
}

#[test]
fn a_wrong_use_exits_with_2() {
    for arguments in [
        &["cache"][..],
        &["cache", "purge"],
        &["cache", "purge", "/p/a/b", "--all"],
        &["cache", "purge", "--portal", "a", "--pattern", "b"],
        &["cache", "fill"],
        &["cache", "fill", "x", "--concurrency", "0"],
        &["cache", "ls", "--limit", "0"],
        &["cache", "ls", "--state", "old"],
        &["cache", "ls", "--admin", "https://a.example"],
    ] {
        assert_eq!(run(program().args(arguments), "").status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn the_registry_says_where_the_administration_is() {
    let demo = Demo::start();
    let address = demo.admin.trim_start_matches("http://").trim_end_matches('/');
    let token = file("found-token", &format!("{TOKEN}\n"));
    let name = token.file_name().and_then(|name| name.to_str()).expect("a name");
    let registry = file(
        "found.yaml",
        &format!(
            "server: {{ admin: {{ listen: \"{address}\", token_file: {name} }} }}\n\
             portals: {{ city: {{ base: https://a.example }} }}\n"
        ),
    );
    // A relative path begins at the registry's folder, wherever the command runs.
    let arguments = ["cache", "ls", "--config", registry.to_str().expect("a path")];
    let output = run(program().current_dir("/").args(arguments), "");
    assert_eq!(
        text(&output.stdout),
        "nothing is stored that matches\n",
        "{}",
        text(&output.stderr)
    );
    for path in [token, registry] {
        std::fs::remove_file(path).expect("removed");
    }
}
