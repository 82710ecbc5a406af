//! The registry that is shipped: every entry of `portals.yaml` is one that can be asked. Not
//! whether the portals answer: no test asks a portal.

use std::collections::HashSet;
use std::path::Path;

use unpad::config::{self, Config};
use unpad::portal::Form;

const REGISTRY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/portals.yaml");

/// The path that every CKAN portal has.
const STATUS: &str = "api/3/action/status_show";

fn shipped() -> Config {
    config::load(Path::new(REGISTRY)).expect("`unpad check portals.yaml` says what is wrong")
}

#[test]
fn the_shipped_registry_is_right_and_says_nothing_without_effect() {
    assert_eq!(shipped().notices, [""; 0]);
}

#[test]
fn barcelona_comes_first() {
    let registry = shipped().registry;
    let first = registry.iter().next().map(|portal| portal.id.as_str().to_owned());
    assert_eq!(first.as_deref(), Some("barcelona"));
}

#[test]
fn there_are_twelve_portals_or_more_and_no_two_are_the_same() {
    let registry = shipped().registry;
    let all = registry.iter().count();
    assert!(all >= 12, "{all} portals");
    let ids: HashSet<_> = registry.iter().map(|portal| portal.id.as_str()).collect();
    assert_eq!(ids.len(), all, "two entries have one id");
    let bases: HashSet<_> = registry.iter().map(|portal| portal.base.to_string()).collect();
    assert_eq!(bases.len(), all, "two entries have one base");
    let callbacks: HashSet<_> =
        registry.iter().map(|portal| portal.asking.callback.as_str()).collect();
    assert_eq!(callbacks.len(), all, "two portals are asked for one callback name");
}

#[test]
fn every_base_ends_before_the_api() {
    for portal in shipped().registry.iter() {
        let base = portal.base.to_string();
        assert!(!base.contains("/api"), "{}: write `base` without `/api`: {base}", portal.id);
    }
}

#[test]
fn every_portal_is_asked_for_its_status_by_jsonp_at_one_action_path() {
    for portal in shipped().registry.iter() {
        let id = &portal.id;
        let target = portal.target(STATUS, None).unwrap_or_else(|why| panic!("{id}: {why}"));
        assert_eq!(target.form, Form::Json, "{id}");
        let padded = target.padded().expect("a callback is asked for");
        let url = padded.as_str();
        assert_eq!(url.matches("/api/3/action").count(), 1, "{id}: {url}");
        let asked =
            format!("{}/{STATUS}?callback={}", portal.base, portal.asking.callback.as_str());
        assert_eq!(url, asked, "{id}");
    }
}

#[test]
fn every_portal_is_asked_by_https_or_its_entry_says_why_not() {
    let text = std::fs::read_to_string(REGISTRY).unwrap_or_else(|error| panic!("{error}"));
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    for (number, line) in lines.iter().enumerate() {
        if line.starts_with("base: http:") {
            let above = number.checked_sub(1).map_or("", |above| lines[above]);
            assert!(
                above.starts_with('#'),
                "portals.yaml:{}: no https: say why in a comment above `base`",
                number + 1
            );
        }
    }
}
