//! Whether an answer is what a software answers, and what it says of itself. Pure functions of
//! status, fields and body; which question was asked is in the table of `software`.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::ask::Answer;
use super::shown::shown;

/// What an answer tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Traits {
    pub version: Option<String>,
    pub title: Option<String>,
    /// The URL that it has for itself, which its links begin with.
    pub own_url: Option<String>,
    /// Something to try further questions on, percent-encoded.
    pub sample: Option<String>,
}

/// The longest name of a dataset that is tried: 128 bytes.
const SAMPLE_BYTES: usize = 128;

/// Recognises an answer.
pub(super) type Recognise = fn(&Answer) -> Option<Traits>;

/// The action API's envelope: `success` and `result`, and mostly `help`.
pub(super) fn ckan(answer: &Answer) -> Option<Traits> {
    let json = json(answer)?;
    let result = json.get("result").filter(|result| result.is_object())?;
    let is_status = result.get("ckan_version").is_some();
    let is_search =
        result.get("count").is_some_and(Value::is_u64) && result.get("results").is_some();
    if json["success"] != true || !(is_status || is_search) {
        return None;
    }
    Some(Traits {
        version: text(&result["ckan_version"]),
        title: text(&result["site_title"]),
        own_url: result["site_url"].as_str().map(str::to_owned),
        sample: None,
    })
}

pub(super) fn socrata_catalog(answer: &Answer) -> Option<Traits> {
    let json = json(answer)?;
    json.get("resultSetSize")?.as_u64()?;
    let first = json.get("results")?.as_array()?.first();
    let sample = first.and_then(|first| encoded(&first["resource"]["id"]));
    Some(Traits { sample, ..Traits::default() })
}

pub(super) fn socrata_views(answer: &Answer) -> Option<Traits> {
    let json = json(answer)?;
    let first = json.as_array()?.first()?;
    first.get("dataUri").or_else(|| first.get("webUri"))?;
    Some(Traits { sample: encoded(&first["id"]), ..Traits::default() })
}

pub(super) fn arcgis(answer: &Answer) -> Option<Traits> {
    let json = json(answer)?;
    let version = json.get("currentVersion")?;
    let rest = ["fullVersion", "authInfo", "services", "folders", "owningSystemUrl"];
    if !version.is_number() || !rest.iter().any(|name| json.get(name).is_some()) {
        return None;
    }
    let version = text(&json["fullVersion"]).unwrap_or_else(|| version.to_string());
    Some(Traits { version: Some(version), ..Traits::default() })
}

/// Its capabilities are XML, of any length; what tells is in the first lines.
pub(super) fn geoserver(answer: &Answer) -> Option<Traits> {
    let text = String::from_utf8_lossy(ok(answer)?);
    if !text.contains("WFS_Capabilities") || !text.to_ascii_lowercase().contains("geoserver") {
        return None;
    }
    let types = text.split_once("<FeatureType>").map_or("", |(_, types)| types);
    let name = element(types, "Name").filter(|name| name.len() <= SAMPLE_BYTES);
    let sample = name.map(|name| utf8_percent_encode(name, NON_ALPHANUMERIC).to_string());
    let title = element(&text, "Title").map(shown).filter(|title| !title.is_empty());
    Some(Traits { title, sample, ..Traits::default() })
}

pub(super) fn nominatim(answer: &Answer) -> Option<Traits> {
    let json = json(answer)?;
    json.get("software_version").and(json.get("data_updated"))?;
    Some(Traits { version: text(&json["software_version"]), ..Traits::default() })
}

pub(super) fn overpass(answer: &Answer) -> Option<Traits> {
    let text = String::from_utf8_lossy(ok(answer)?);
    (text.contains("Connected as:") && text.contains("Rate limit:")).then(Traits::default)
}

pub(super) fn mediawiki(answer: &Answer) -> Option<Traits> {
    let json = json(answer)?;
    let general = json.get("query")?.get("general")?;
    let version = general["generator"].as_str()?.strip_prefix("MediaWiki")?;
    let title = text(&general["sitename"]);
    Some(Traits { version: Some(shown(version)), title, ..Traits::default() })
}

pub(super) fn erddap(answer: &Answer) -> Option<Traits> {
    let text = std::str::from_utf8(ok(answer)?).ok()?;
    let version = text.trim().strip_prefix("ERDDAP_version=")?;
    Some(Traits { version: Some(shown(version)), ..Traits::default() })
}

pub(super) fn opendatasoft(answer: &Answer) -> Option<Traits> {
    let json = json(answer)?;
    json.get("total_count")?.as_u64()?;
    json.get("results")?.as_array()?;
    Some(Traits::default())
}

/// The JSON of an answer that succeeded.
pub(super) fn json(answer: &Answer) -> Option<Value> {
    let body = ok(answer)?;
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    serde_json::from_slice(body).ok().filter(|json: &Value| json.is_object() || json.is_array())
}

fn ok(answer: &Answer) -> Option<&[u8]> {
    (answer.status == 200).then_some(&*answer.body)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(shown).filter(|text| !text.is_empty())
}

fn encoded(value: &Value) -> Option<String> {
    let id = value.as_str().filter(|id| id.len() <= SAMPLE_BYTES)?;
    // Socrata's ids have a hyphen, which nothing needs escaped.
    Some(utf8_percent_encode(id, NON_ALPHANUMERIC).to_string().replace("%2D", "-"))
}

/// The text of the first element of this name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(text, _)| text)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        let (fields, took) = (http::HeaderMap::new(), Duration::ZERO);
        Answer { status, fields, body: body.into(), whole: true, took }
    }

    fn version(recognise: Recognise, body: &'static str) -> Option<String> {
        recognise(&answer(200, body)).and_then(|traits| traits.version)
    }

    #[test]
    fn each_software_is_recognised_by_its_own_answer() {
        let status = r#"{"help": "x", "success": true, "result": {"ckan_version": "2.9.5",
            "site_title": "City\u001b[31m", "site_url": "https://a.example"}}"#;
        let found = ckan(&answer(200, status)).expect("CKAN");
        assert_eq!(found.version.as_deref(), Some("2.9.5"));
        assert_eq!(found.title.as_deref(), Some(r"City\u{1b}[31m"));
        let info = r#"{"currentVersion": 10.91, "fullVersion": "10.9.1", "authInfo": {}}"#;
        assert_eq!(version(arcgis, info).as_deref(), Some("10.9.1"));
        let folders = r#"{"currentVersion":11,"folders":[],"services":[]}"#;
        assert_eq!(version(arcgis, folders).as_deref(), Some("11"));
        let status = r#"{"status":0,"data_updated":"2026","software_version":"4.4.0"}"#;
        assert_eq!(version(nominatim, status).as_deref(), Some("4.4.0"));
        let wiki = r#"{"query":{"general":{"sitename":"W","generator":"MediaWiki 1.43.0"}}}"#;
        assert_eq!(version(mediawiki, wiki).as_deref(), Some("1.43.0"));
        assert_eq!(version(erddap, "ERDDAP_version=2.23\n").as_deref(), Some("2.23"));
        let status = "Connected as: 1\nCurrent time: x\nRate limit: 2\n";
        assert!(overpass(&answer(200, status)).is_some());
        assert!(opendatasoft(&answer(200, r#"{"total_count":3,"results":[]}"#)).is_some());
        let catalog = r#"{"results":[{"resource":{"id":"h243-v2q5"}}],"resultSetSize":9}"#;
        let found = socrata_catalog(&answer(200, catalog)).expect("Socrata");
        assert_eq!(found.sample.as_deref(), Some("h243-v2q5"));
        let views = r#"[{"id":"h243-v2q5","dataUri":"https://a.example/resource/h243-v2q5"}]"#;
        assert_eq!(socrata_views(&answer(200, views)), Some(found));
        let xml = "<WFS_Capabilities xmlns:t=\"http://geoserver.sf.net\"><Title>Maps</Title>\
                   <FeatureType><Name>topp:states</Name>";
        let found = geoserver(&answer(200, xml)).expect("GeoServer");
        assert_eq!(found.sample.as_deref(), Some("topp%3Astates"));
    }

    #[test]
    fn what_others_answer_is_recognised_by_none() {
        let all: [Recognise; 10] = [
            ckan,
            socrata_catalog,
            socrata_views,
            arcgis,
            geoserver,
            nominatim,
            overpass,
            mediawiki,
            erddap,
            opendatasoft,
        ];
        for body in [
            "",
            "{}",
            "[]",
            "null",
            "<!doctype html><title>404</title>",
            r#"{"success": true}"#,
            r#"{"success": true, "result": []}"#,
            r#"{"success": false, "result": {"ckan_version": "2"}}"#,
            r#"{"currentVersion": 1}"#,
            r#"{"query": {"general": {"generator": "Other"}}}"#,
        ] {
            for recognise in all {
                assert_eq!(recognise(&answer(200, body)), None, "{body}");
            }
        }
        let right = r#"{"success":true,"result":{"ckan_version":"2"}}"#;
        assert_eq!(ckan(&answer(404, right)), None);
    }
}
