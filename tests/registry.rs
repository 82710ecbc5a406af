//! The registry that is shipped: every entry of `portals.yaml` is one that can be asked. Not
//! whether the portals answer: no test asks a portal.

use std::collections::HashSet;
use std::path::Path;

use unpad::config::{self, Config};
use unpad::portal::{Ask, Dialect, Form};

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
fn there_are_sixty_portals_or_more_and_no_two_are_the_same() {
    let registry = shipped().registry;
    let all = registry.iter().count();
    assert!(all >= 60, "{all} portals");
    let ids: HashSet<_> = registry.iter().map(|portal| portal.id.as_str()).collect();
    assert_eq!(ids.len(), all, "two entries have one id");
    let bases: HashSet<_> = registry.iter().map(|portal| portal.base.to_string()).collect();
    assert_eq!(bases.len(), all, "two entries have one base");
    let callbacks: HashSet<_> =
        registry.iter().map(|portal| portal.asking.callback.as_str()).collect();
    assert_eq!(callbacks.len(), all, "two portals are asked for one callback name");
}

#[test]
fn every_entry_says_what_it_is_whose_and_where_people_read_of_it() {
    for portal in shipped().registry.iter() {
        let id = &portal.id;
        assert!(portal.title.as_ref().is_some_and(|title| !title.is_empty()), "{id}: no title");
        assert!(portal.home.is_some(), "{id}: no home");
        let country = portal.country.as_deref().unwrap_or_default();
        let is_code =
            matches!(country.len(), 2 | 3) && country.bytes().all(|b| b.is_ascii_uppercase());
        assert!(is_code && (country.len() == 2 || country == "INT"), "{id}: country {country:?}");
    }
}

#[test]
fn nothing_is_claimed_that_has_to_be_looked_up_at_the_portal() {
    for portal in shipped().registry.iter() {
        let claims = [&portal.licence, &portal.attribution];
        assert_eq!(
            claims,
            [&None, &None],
            "{}: the head of the file says there is none",
            portal.id
        );
    }
}

#[test]
fn every_base_ends_before_the_api() {
    for portal in shipped().registry.iter() {
        let path = portal.base.url().path();
        assert!(!path.contains("/api"), "{}: write `base` without `/api`: {path}", portal.id);
    }
}

#[test]
fn every_ckan_is_asked_for_its_status_at_one_action_path() {
    for portal in shipped().registry.iter().filter(|portal| portal.dialect == Dialect::Ckan) {
        let id = &portal.id;
        let target = portal.target(STATUS, None).unwrap_or_else(|why| panic!("{id}: {why}"));
        assert_eq!(target.form, Form::Json, "{id}");
        let path = portal.asking.rewritten(STATUS);
        assert_eq!(path == STATUS, portal.asking.rewrite.is_empty(), "{id}: a rule without effect");
        let url = format!("{}/{path}", portal.base);
        assert_eq!(target.url().as_str(), url, "{id}");
        assert_eq!(url.matches("/status_show").count(), 1, "{id}: {url}");
        assert!(url.matches("/action/").count() <= 1, "{id}: {url}");
        let padded = target.padded().map(|url| url.to_string());
        let asks = portal.asking.way != Ask::Json && !portal.asking.post;
        let callback = portal.asking.callback.as_str();
        assert_eq!(padded, asks.then(|| format!("{url}?callback={callback}")), "{id}");
    }
}

#[test]
fn every_other_portal_is_asked_as_its_dialect_says() {
    for portal in shipped().registry.iter().filter(|portal| portal.dialect != Dialect::Ckan) {
        let id = &portal.id;
        let (path, query, asked) = match portal.dialect {
            Dialect::Socrata => ("resource/a-b.json", "$limit=1", "$limit=1&$jsonp=NAME"),
            Dialect::Nominatim => ("search", "q=a", "q=a&format=jsonv2&json_callback=NAME"),
            Dialect::Overpass => {
                ("api/interpreter", "data=[out:json];out;", "data=[out:json];out;&jsonp=NAME")
            }
            Dialect::MediaWiki => {
                ("w/api.php", "action=query", "action=query&format=json&smaxage=300&callback=NAME")
            }
            Dialect::Erddap => ("erddap/info/index.json", "page=1", "page=1&.jsonp=NAME"),
            Dialect::Generic if portal.base.to_string().contains("worldbank") => {
                ("v2/country", "date=2020", "date=2020&format=jsonP&prefix=NAME")
            }
            Dialect::Generic => ("api/records/1.0/search", "rows=1", "rows=1&callback=NAME"),
            Dialect::Plain => ("api/1/datasets", "page=1", ""),
            other => panic!("{id}: say here how a portal of the dialect `{other}` is asked"),
        };
        let target = portal.target(path, Some(query)).unwrap_or_else(|why| panic!("{id}: {why}"));
        let form = if portal.dialect == Dialect::Plain { Form::File } else { Form::Json };
        assert_eq!(target.form, form, "{id}");
        let asked = asked.replace("NAME", portal.asking.callback.as_str());
        let url = format!("{}/{path}?{asked}", portal.base);
        let padded = target.padded().map(|url| url.to_string());
        assert_eq!(padded, (form == Form::Json).then_some(url), "{id}");
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
