//! What docs/deployment.md shows of examples/deploy stands there, and every registry there is right.
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
