//! What docs/deployment.md shows of examples/deploy stands there, every registry there is right, and every
//! setting of the server has its row.
//! Nothing is run in front of the gateway here: that is tests/deploy/run.sh.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(at(path)).expect(path)
}

#[test]
fn what_is_shown_stands_in_the_file_that_is_named() {
    let block = Regex::new(r"(?s)<!-- (examples/\S+) -->\n```\w+\n(.*?)```\n").expect("a pattern");
    let guide = text("docs/deployment.md");
    let shown: Vec<_> = block.captures_iter(&guide).collect();
    for excerpt in &shown {
        assert!(
            text(&excerpt[1]).contains(&excerpt[2]),
            "{} has not:\n{}",
            &excerpt[1],
            &excerpt[2]
        );
    }
    assert!(shown.len() >= 5, "{} excerpts are shown", shown.len());
    // Only the command of a container engine is of no file.
    assert_eq!(guide.matches("\n```").count() / 2, shown.len() + 1);
}

#[test]
fn every_example_of_a_registry_is_right() {
    let folder = fs::read_dir(at("examples/deploy")).expect("the folder");
    let files = folder.map(|entry| entry.expect("an entry").path());
    let registries = files.filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    let mut checked = 0;
    for path in registries {
        let check = Command::new(env!("CARGO_BIN_EXE_unpad")).arg("check").arg(&path).output();
        let said = check.expect("unpad runs");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        checked += 1;
    }
    assert!(checked >= 5, "{checked} registries were checked");
}

/// The settings of a section of the schema and those of its own sections: names, and what is told of each.
fn settings(section: &str, prefix: &str, schema: &serde_json::Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let properties = schema["$defs"][section]["properties"].as_object().expect("a section");
    for (name, setting) in properties {
        let name = format!("{prefix}.{name}");
        let refers = [&setting["$ref"], &setting["anyOf"][0]["$ref"]];
        if let Some(inner) = refers.iter().find_map(|refers| refers.as_str()) {
            let inner = inner.trim_start_matches("#/$defs/");
            found.extend(settings(inner, &name, schema));
        } else {
            let told = setting["description"].as_str().unwrap_or_default();
            found.push((name, told.replace('\n', " ")));
        }
    }
    found
}

#[test]
fn every_setting_of_the_server_has_a_row_with_its_default() {
    let guide = text("docs/deployment.md");
    let default = Regex::new(r"\(([^()]+)\)").expect("a pattern");
    let settings = settings("Server", "server", &unpad::config::schema());
    assert!(settings.len() > 20, "{} settings", settings.len());
    for (name, told) in &settings {
        let start = format!("| `{name}` |");
        let rows: Vec<_> = guide.lines().filter(|line| line.starts_with(&start)).collect();
        let [row] = rows[..] else { panic!("{name}: {} rows", rows.len()) };
        if let Some(default) = default.captures_iter(told).last() {
            let cell = row.split('|').nth(2).unwrap_or_default().trim();
            assert_eq!(cell, &default[1], "{name}");
        }
    }
    let rows = guide.lines().filter(|line| line.starts_with("| `server.")).count();
    // The one of another table is about idle connections.
    assert_eq!(rows, settings.len(), "rows of settings that are not there");
}
