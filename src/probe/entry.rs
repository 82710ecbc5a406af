//! The registry entry that a report comes to, as YAML. What an entry means is `config`'s to say.

use std::fmt::Write as _;

use crate::portal::{Dialect, PortalId};

use super::{Findings, Jsonp, Report};

/// How an entry names the software.
struct Written {
    dialect: &'static str,
    ask: &'static str,
    comment: Option<String>,
}

/// The dialect as this build can read it: by name if it knows the name, else as `plain`.
fn written(dialect: &'static str, jsonp: &Jsonp) -> Written {
    // These two are for what an operator has herself, and no probe finds them.
    let own = [Dialect::Transparent, Dialect::Files];
    let known = Dialect::ALL.iter().filter(|dialect| !own.contains(dialect));
    let is_known = known.into_iter().any(|known| known.to_string() == dialect);
    if !is_known {
        let comment = format!("It is `{dialect}`, which this version has no dialect for.");
        return Written { dialect: "plain", ask: "json", comment: Some(comment) };
    }
    let ask = if matches!(jsonp, Jsonp::Works(_)) { "jsonp" } else { "json" };
    Written { dialect, ask, comment: None }
}

/// The entry, as a registry of its own; `None` of a portal that was not reached.
#[must_use]
pub fn entry(report: &Report) -> Option<String> {
    let found = report.found.as_ref().ok()?;
    let host = url::Url::parse(&found.base).ok()?.host_str()?.to_owned();
    let id = PortalId::of_host(&host);
    let written = written(found.dialect, &found.jsonp);
    let mut text = format!("portals:\n  {}:\n", scalar(id.as_str()));
    let mut line = |written: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    {written}");
    };
    line(format!("title: {}", scalar(found.title.as_deref().unwrap_or(&host))));
    line(format!("home: {}", scalar(&home(found))));
    line(format!("base: {}", scalar(&found.base)));
    if let Some(comment) = written.comment {
        line(format!("# {comment}"));
    }
    line(format!("dialect: {}", written.dialect));
    line(format!("ask: {}", written.ask));
    if let Some(host) = &found.files.redirects_to {
        line(format!("downloads: [{}]", scalar(host)));
    }
    if !found.allow_cidr.is_empty() {
        let ranges = found.allow_cidr.iter().map(|range| format!("\"{range}\""));
        line(format!("allow_cidr: [{}]", ranges.collect::<Vec<_>>().join(", ")));
    }
    Some(text)
}

/// The root of its host, where its pages mostly are.
fn home(found: &Findings) -> String {
    url::Url::parse(&found.base).map_or_else(
        |_| found.base.clone(),
        |mut url| {
            url.set_path("");
            url.as_str().trim_end_matches('/').to_owned()
        },
    )
}

/// A scalar of YAML, quoted unless it can be read in one way only.
fn scalar(text: &str) -> String {
    const WORDS: [&str; 11] =
        ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"];
    let plain = |c: char| c.is_alphanumeric() || " -_./+%".contains(c);
    let body = text.replace("://", "");
    let is_plain = text.starts_with(char::is_alphabetic)
        && !text.ends_with(' ')
        && body.chars().all(|c| plain(c) || c == ':' && !body.ends_with(':'))
        && !body.contains(": ")
        && !WORDS.contains(&&*text.to_ascii_lowercase());
    if is_plain {
        text.to_owned()
    } else {
        // What JSON escapes is escaped in YAML's double quotes in the same way; the rest of what
        // those may not hold has been taken out by `shown`.
        serde_json::Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_read_in_two_ways_is_quoted() {
        for (text, written) in [
            ("Open Data BCN", "Open Data BCN"),
            ("https://a.example:8443/data", "https://a.example:8443/data"),
            ("Dades: obertes", "\"Dades: obertes\""),
            ("a #b", "\"a #b\""),
            ("127-0-0-1", "\"127-0-0-1\""),
            ("No", "\"No\""),
            ("", "\"\""),
            ("- a", "\"- a\""),
            ("a:", "\"a:\""),
            ("say \"hi\"", "\"say \\\"hi\\\"\""),
            (r"a\u{1b}", "\"a\\\\u{1b}\""),
            ("https://[::1]/", "\"https://[::1]/\""),
        ] {
            assert_eq!(scalar(text), written);
        }
    }
}
