//! What docs/security.md says: every requirement has its row, and every test that is named is there.

use std::fs;
use std::path::Path;

use regex::Regex;

/// A text of the package.
fn text(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(file).expect(path)
}

#[test]
fn every_test_that_a_requirement_names_is_there() {
    let pattern = r"`(?:((?:src|tests)/[\w/]+\.rs): )?([a-z][a-z0-9]*(?:_[a-z0-9]+){3,})`";
    let named = Regex::new(pattern).expect("a pattern");
    let (mut file, mut tests) = (String::new(), 0);
    for name in named.captures_iter(&text("docs/security.md")) {
        if let Some(path) = name.get(1) {
            file = text(path.as_str());
        }
        let test = &name[2];
        // Options have such names too.
        if !test.starts_with("dangerous_") {
            assert!(file.contains(&format!("fn {test}(")), "{test} is not where it is said to be");
            tests += 1;
        }
    }
    assert!(tests > 100, "{tests} tests are named");
}

#[test]
fn every_requirement_has_one_row() {
    let row = Regex::new(r"(?m)^\| (\d+)(?: to (\d+))? \| ").expect("a pattern");
    let numbers: Vec<u32> = row
        .captures_iter(&text("docs/security.md"))
        .flat_map(|row| {
            let first = row[1].parse().expect("a number");
            let last = row.get(2).map_or(first, |last| last.as_str().parse().expect("a number"));
            first..=last
        })
        .collect();
    assert_eq!(numbers, (1..=60).collect::<Vec<_>>());
}
