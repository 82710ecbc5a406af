//! What docs/operations.md says of the log and of alerts. That it explains every metric is held where there
//! is a gateway to ask (`tests/wire/seeing.rs`).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

const TEXT: &str = include_str!("../docs/operations.md");

/// Values that serde-saphyr reads.
type Rules = serde_json::Value;

/// The Rust files below a folder.
fn sources(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push(path);
        }
    }
}

/// The names of the fields of an event: what stands before `=`, or alone, between the macro's commas.
fn fields_of(call: &str) -> Vec<String> {
    let named = Regex::new(r"^(?:(\w+)\s*=[^=]|[%?]?(\w+)$)").expect("a pattern");
    let (mut depth, mut text, mut escaped, mut part) = (0, false, false, String::new());
    let mut parts = Vec::new();
    for c in call.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if text => escaped = true,
            '"' => text = !text,
            _ if text => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    parts.push(part);
    let parts = parts.iter().map(|part| part.trim());
    parts
        .filter_map(|part| {
            let found = named.captures(part)?;
            Some(found.get(1).or(found.get(2))?.as_str().to_owned())
        })
        .collect()
}

/// Every event of the program: its target, if it says one, and its fields.
fn events() -> Vec<(Option<String>, Vec<String>)> {
    let begins = Regex::new(r"tracing::(?:error|warn|info)!\(").expect("a pattern");
    let target = Regex::new(r#"^\s*target: "([^"]+)""#).expect("a pattern");
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut events = Vec::new();
    for file in files {
        let code = fs::read_to_string(&file).expect("text");
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        for found in begins.find_iter(code) {
            let call = &code[found.end()..];
            let target = target.captures(call).map(|target| target[1].to_owned());
            events.push((target, fields_of(call)));
        }
    }
    events
}

/// The names in the first column of the table that follows a text.
fn table_after(text: &str) -> BTreeSet<String> {
    let name = Regex::new("`(\\w+)`").expect("a pattern");
    let (_, after) = TEXT.split_once(text).expect(text);
    let rows = after.lines().skip_while(|line| !line.starts_with("| ")).skip(2);
    rows.take_while(|line| line.starts_with("| "))
        .flat_map(|row| {
            let first = row.split('|').nth(1).unwrap_or_default();
            name.captures_iter(first).map(|name| name[1].to_owned()).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_field_of_the_access_log_is_explained_and_nothing_else() {
    let explained = table_after("has the target `unpad::access`");
    let logged =
        events().into_iter().filter(|(target, _)| target.as_deref() == Some("unpad::access"));
    let logged: Vec<_> = logged.flat_map(|(_, fields)| fields).collect();
    assert_eq!(logged.iter().cloned().collect::<BTreeSet<_>>(), explained);
    assert_eq!(logged.len(), 10);
}

#[test]
fn every_field_of_other_events_is_explained_and_nothing_else() {
    let explained = table_after("Other events have:");
    let events = events();
    assert!(events.len() > 10, "{events:?}");
    let mut logged = BTreeSet::new();
    for (target, fields) in events {
        match target.as_deref() {
            Some("unpad::access") => {}
            Some("unpad::admin") => {
                assert_eq!(fields, ["request_id", "method", "path", "status"]);
            }
            Some(other) => panic!("say in docs/operations.md what has the target {other}"),
            None => logged.extend(fields),
        }
    }
    // The id is explained above.
    logged.remove("request_id");
    assert_eq!(logged, explained);
}

#[test]
fn the_alerts_are_rules_over_metrics_that_there_are() {
    let (_, block) = TEXT.split_once("```yaml\n").expect("a block");
    let (block, _) = block.split_once("```").expect("its end");
    let rules: Rules = serde_saphyr::from_str(block).expect("YAML");
    let rules = rules["groups"][0]["rules"].as_array().expect("rules");
    assert!(rules.len() >= 8);
    let metric = Regex::new(r"\b(?:unpad|process)_\w+").expect("a pattern");
    let explained: BTreeSet<_> = TEXT
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(['`', '{']).next())
        .collect();
    for rule in rules {
        let (name, expression) = (&rule["alert"], rule["expr"].as_str().expect("an expression"));
        assert!(rule["labels"]["severity"].is_string(), "{name}");
        assert!(rule["annotations"]["summary"].is_string(), "{name}");
        let open = expression.matches('(').count();
        assert_eq!(open, expression.matches(')').count(), "{name}");
        let named: Vec<_> = metric.find_iter(expression).map(|found| found.as_str()).collect();
        assert!(!named.is_empty(), "{name}");
        for metric in named {
            let metric = metric.strip_suffix("_bucket").unwrap_or(metric);
            assert!(explained.contains(metric), "{name}: there is no {metric}");
        }
    }
}
