//! How a callback is asked for: which parameter takes its name, which others have to stand beside
//! it, and which requests bring JSON that can be padded at all. Data and its reading; it makes no
//! URLs.

use std::borrow::Cow;

/// A text of the table, or one that an entry says.
pub type Text = Cow<'static, str>;

/// One way to ask for a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The paths where it is asked for so.
    pub at: At,
    /// The parameter by which a request chooses a format, if there is one.
    pub format: Option<Format>,
    /// The parameter that takes the callback's name, as it is written in a query.
    pub parameter: Text,
    /// What stands before the name in the parameter's value, such as `responseHandler:`.
    pub before: Text,
    /// Parameters that must have these values where a callback is asked for.
    pub set: Cow<'static, [(Text, Text)]>,
}

/// Some of a portal's paths, as they are written without escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// All of them.
    Anywhere,
    /// Those that end in one of these.
    Ending(&'static [&'static str]),
    /// Those with this text in them.
    Having(&'static str),
    /// All but CKAN's files.
    NotCkanFiles,
}

/// A parameter that says in which format to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// Its name.
    pub parameter: Text,
    /// The values that mean JSON.
    pub json: Values,
    /// What is answered where it is missing.
    pub missing: Missing,
}

/// Some values of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// These, in any case.
    Of(&'static [&'static str]),
    /// Those with this text in them.
    Having(&'static str),
}

/// What a request without the format parameter brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// JSON.
    Json,
    /// Something else, so that the parameter is added with this value.
    Add(&'static str),
    /// Something else, which the client gets.
    File,
}

impl At {
    /// Whether it is one of them.
    #[must_use]
    pub fn covers(self, path: &str) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Ending(endings) => {
                let path = path.trim_end_matches('/');
                endings.iter().any(|ending| path.ends_with(ending))
            }
            Self::Having(text) => path.contains(text),
            Self::NotCkanFiles => !is_ckan_file(path),
        }
    }
}

impl Values {
    fn have(self, value: &str) -> bool {
        match self {
            Self::Of(values) => values.iter().any(|one| value.eq_ignore_ascii_case(one)),
            Self::Having(text) => value.contains(text),
        }
    }
}

impl Call {
    /// Whether a request for a path brings JSON; `value` gives the value of a parameter.
    #[must_use]
    pub fn brings_json<'a>(
        &self,
        path: &str,
        value: impl Fn(&str) -> Option<Cow<'a, str>>,
    ) -> bool {
        let chosen = |format: &Format| match value(&format.parameter) {
            Some(chosen) => format.json.have(&chosen),
            None => format.missing != Missing::File,
        };
        self.at.covers(path) && self.format.as_ref().is_none_or(chosen)
    }

    /// The parameter that is added to a request for JSON that does not have it.
    #[must_use]
    pub fn added(&self) -> Option<(&str, &'static str)> {
        let format = self.format.as_ref()?;
        match format.missing {
            Missing::Add(value) => Some((&format.parameter, value)),
            Missing::Json | Missing::File => None,
        }
    }
}

/// CKAN's files, which ignore the callback: `datastore/dump/{id}`, `…/resource/{id}/download[/{name}]`,
/// `feeds/…`, and catalogues and datasets as RDF. A language prefix may stand before them.
fn is_ckan_file(path: &str) -> bool {
    const RDF: [&str; 6] = [".atom", ".jsonld", ".n3", ".rdf", ".ttl", ".xml"];
    if RDF.iter().any(|end| path.ends_with(end)) {
        return true;
    }
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "datastore" if segments.peek() == Some(&"dump") => return true,
            "feeds" => return true,
            "resource" => {
                let mut rest = segments.clone().skip(1);
                if rest.next() == Some("download") {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ckan_pads_everything_but_its_files() {
        let pads = |path| At::NotCkanFiles.covers(path);
        assert!(pads("api/3/action/package_search"));
        assert!(pads("anything/else"));
        assert!(!pads("datastore/dump/0b1c"));
        assert!(!pads("ca/dataset/a/resource/b/download/c.csv"));
        assert!(!pads("dataset/a/resource/b/download"));
        assert!(pads("dataset/a/resource/b"));
        assert!(!pads("feeds/dataset.atom"));
        assert!(!pads("ca/feeds/group/x"));
        assert!(!pads("catalog.xml"));
    }

    #[test]
    fn the_format_parameter_decides_where_there_is_one() {
        let call = |missing| Call {
            at: At::Ending(&["query"]),
            format: Some(Format {
                parameter: "f".into(),
                json: Values::Of(&["json", "geojson"]),
                missing,
            }),
            parameter: "callback".into(),
            before: "".into(),
            set: Cow::Borrowed(&[]),
        };
        let brings = |missing, path, f: Option<&'static str>| {
            call(missing).brings_json(path, |_| f.map(Cow::Borrowed))
        };
        assert!(brings(Missing::File, "0/query", Some("GeoJSON")));
        assert!(brings(Missing::File, "0/query/", Some("json")));
        assert!(!brings(Missing::File, "0/query", Some("pbf")));
        assert!(!brings(Missing::File, "0/query", None));
        assert!(brings(Missing::Add("json"), "0/query", None));
        assert!(!brings(Missing::Json, "0/other", None));
    }
}
