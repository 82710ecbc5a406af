//! One portal for each way of asking, as a registry would have it. Nobody asks them.

use std::sync::{Arc, LazyLock};

use unpad::portal::{Portal, Registry};

/// All dialects that have a base, with what an entry can say about queries and paths, and what needs no
/// entry.
const REGISTRY: &str = r#"
open_targets: { hosts: [open.example, .below.example] }
portals:
  ckan: { base: "https://a.example/data" }
  root: { base: "https://a.example" }
  socrata: { base: "https://a.example:8443/x/y", dialect: socrata }
  arcgis: { base: "http://[2001:db8::1]:8080/arcgis", dialect: arcgis }
  geoserver: { base: "http://192.0.2.1/geoserver", dialect: geoserver, query: { exceptions: text/javascript } }
  nominatim: { base: "https://a.example", dialect: nominatim }
  overpass: { base: "https://a.example/o", dialect: overpass }
  mediawiki: { base: "https://xn--mller-kva.example", dialect: mediawiki }
  erddap: { base: "https://a.example/b%20c", dialect: erddap }
  bank: { base: "https://a.example", dialect: generic, callback: { parameter: prefix, query: { format: jsonP } }, query: { format: json } }
  sheets: { base: "https://a.example", dialect: generic, callback: { parameter: tqx, before: "responseHandler:" } }
  odd: { base: "https://a.example", dialect: generic, callback: "c b&=%é", drop_query: ["a b", "é"], query: { "ü+": "1&2" } }
  moved: { base: "https://a.example/data", rewrite: [{ from: "^/api/3/", to: "/api/" }, { from: "/x(.*)y", to: "/$1/" }] }
  plain: { base: "https://a.example/files", dialect: plain, downloads: [files.example, .more.example] }
  own: { base: "http://a.example:3000/app", dialect: transparent, dangerous_transparent: true }
"#;

static READ: LazyLock<Registry> =
    LazyLock::new(|| unpad::config::parse("portals.yaml", REGISTRY).expect("a registry").registry);

static PORTALS: LazyLock<Vec<Arc<Portal>>> = LazyLock::new(|| READ.iter().cloned().collect());

/// All of them.
pub fn registry() -> &'static Registry {
    &READ
}

/// The portal that a byte chooses.
pub fn portal(chosen: u8) -> &'static Portal {
    &PORTALS[usize::from(chosen) % PORTALS.len()]
}

/// A portal, and the text for it: the first byte of an input chooses, the rest is UTF-8 without spaces and
/// control characters, which the HTTP library refuses in a request's target.
pub fn asked(data: &[u8]) -> Option<(&'static Portal, &str)> {
    let (chosen, text) = data.split_first()?;
    let text = std::str::from_utf8(text).ok()?;
    text.bytes().all(|b| b > b' ' && b != 0x7f).then_some((portal(*chosen), text))
}
