//! What stands behind the links that people copy from a portal: the page of a dataset or a resource, a
//! download, a call of the API. It reads the text; whether the thing is there, only the portal knows.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::target::decoded_name;
use super::{Dialect, Form, PathRefusal, Portal};

/// What is at the other end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The portal itself.
    Portal,
    /// A dataset (CKAN's package).
    Dataset,
    /// A resource: one file, wherever the portal keeps it.
    Resource,
    /// A resource's rows, in the portal's datastore.
    Table,
    /// A file.
    File,
    /// An answer of the portal's API.
    Api,
}

/// What a link stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it is.
    pub kind: Kind,
    /// The dataset's name or id, where the link has one.
    pub dataset: Option<String>,
    /// The resource's id, where the link has one.
    pub resource: Option<String>,
    /// The portal's path and query that bring it, without a leading slash.
    pub path: String,
}

/// What stands for itself in the value of a parameter (RFC 3986 §2.3).
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The words after which CKAN's pages have a dataset's name. What stands before them is a language.
const PAGES: [&str; 2] = ["dataset", "datasets"];

/// Words of CKAN's own that stand where a name would, and the name behind them.
const ABOUT: [&str; 4] = ["activity", "edit", "followers", "groups"];

impl Portal {
    /// Reads a link: a path below the portal's base, without its leading slash, with its query, both
    /// as written.
    ///
    /// # Errors
    /// [`PathRefusal`], as a request for the path would be refused.
    pub fn link(&self, written: &str) -> Result<Link, PathRefusal> {
        let written = written.split('#').next().unwrap_or_default();
        let (path, query) =
            written.split_once('?').map_or((written, None), |(path, query)| (path, Some(query)));
        let target = self.target(path, query)?;
        let plain = Self::plain_path(path);
        let segments: Vec<_> = plain.split('/').filter(|segment| !segment.is_empty()).collect();
        if segments.is_empty() && query.is_none() {
            return Ok(Link::new(Kind::Portal, String::new()));
        }
        let read = match self.dialect {
            Dialect::Ckan => ckan(&segments, query, written),
            Dialect::Socrata => socrata(&segments, written),
            _ => None,
        };
        let kind = if target.form == Form::Json { Kind::Api } else { Kind::File };
        Ok(read.unwrap_or_else(|| Link::new(kind, written.to_owned())))
    }

    /// Reads a link to a web page of the portal that is not below its base: only that of a dataset
    /// or a resource is of use.
    #[must_use]
    pub fn page(&self, path: &str) -> Option<Link> {
        let plain = Self::plain_path(path);
        let segments: Vec<_> = plain.split('/').filter(|segment| !segment.is_empty()).collect();
        match self.dialect {
            _ if segments.is_empty() => Some(Link::new(Kind::Portal, String::new())),
            Dialect::Ckan => ckan_page(&segments, None),
            Dialect::Socrata => socrata_page(&segments),
            _ => None,
        }
    }
}

impl Link {
    const fn new(kind: Kind, path: String) -> Self {
        Self { kind, dataset: None, resource: None, path }
    }

    fn of_dataset(self, name: &str) -> Self {
        Self { dataset: Some(decoded(name)), ..self }
    }

    fn of_resource(self, id: &str) -> Self {
        Self { resource: Some(decoded(id)), ..self }
    }
}

/// First segments of CKAN's own pages, which are no dataset's name.
const OTHERS: [&str; 9] = [
    "about",
    "api",
    "dashboard",
    "datastore",
    "feeds",
    "group",
    "organization",
    "showcase",
    "user",
];

/// What CKAN's paths stand for.
fn ckan(segments: &[&str], query: Option<&str>, written: &str) -> Option<Link> {
    match segments {
        // As people shorten it: a name alone is a dataset's.
        [name] if !PAGES.contains(name) && !OTHERS.contains(name) && !name.contains('.') => {
            Some(ckan_dataset(name))
        }
        ["-", "resource", id, ..] => Some(resource_file(id)),
        ["datastore", "dump", id] => {
            Some(Link::new(Kind::Table, written.to_owned()).of_resource(id))
        }
        ["api", .., "action", name] => {
            let id = |parameter| query.and_then(|query| value(query, parameter));
            Some(match (*name, id("resource_id"), id("id")) {
                ("datastore_search", Some(id), _) => {
                    Link { resource: Some(id), ..Link::new(Kind::Table, written.to_owned()) }
                }
                ("package_show", _, dataset) => {
                    Link { dataset, ..Link::new(Kind::Api, written.to_owned()) }
                }
                ("resource_show", _, resource) => {
                    Link { resource, ..Link::new(Kind::Api, written.to_owned()) }
                }
                _ => Link::new(Kind::Api, written.to_owned()),
            })
        }
        _ => ckan_page(segments, Some(written)),
    }
}

/// What CKAN's pages about datasets and resources stand for; `written` is what a download is below
/// the base, if it is.
fn ckan_page(segments: &[&str], written: Option<&str>) -> Option<Link> {
    let at = segments.iter().position(|segment| PAGES.contains(segment))?;
    match &segments[at + 1..] {
        [] => Some(Link::new(Kind::Portal, String::new())),
        [dataset, "resource", id, "download", ..] => {
            let file = written.map(|written| Link::new(Kind::File, written.to_owned()));
            Some(file.unwrap_or_else(|| resource_file(id)).of_dataset(dataset).of_resource(id))
        }
        [dataset, "resource", id, ..] => Some(resource_file(id).of_dataset(dataset)),
        [about, dataset, ..] if ABOUT.contains(about) => Some(ckan_dataset(dataset)),
        [dataset, ..] => Some(ckan_dataset(dataset)),
    }
}

fn ckan_dataset(name: &str) -> Link {
    let id = encoded(name);
    Link::new(Kind::Dataset, format!("api/3/action/package_show?id={id}")).of_dataset(name)
}

fn resource_file(id: &str) -> Link {
    Link::new(Kind::Resource, format!("-/resource/{}", encoded(id))).of_resource(id)
}

/// What Socrata's paths stand for.
fn socrata(segments: &[&str], written: &str) -> Option<Link> {
    let kind = match segments {
        ["resource", file] if has_extension(file, "json") => Kind::Api,
        ["resource", ..] => Kind::File,
        ["api", .., file] if file.contains('.') && !has_extension(file, "json") => Kind::File,
        ["api", ..] => Kind::Api,
        _ => return socrata_page(segments),
    };
    let id = segments.iter().map(|segment| segment.split('.').next().unwrap_or(segment));
    let link = Link::new(kind, written.to_owned());
    Some(match id.into_iter().find(|id| is_four_by_four(id)) {
        Some(id) => link.of_dataset(id).of_resource(id),
        None => link,
    })
}

/// What Socrata's pages about datasets stand for: a dataset is one table there, and has one file.
fn socrata_page(segments: &[&str]) -> Option<Link> {
    let id = segments.iter().find(|segment| is_four_by_four(segment))?;
    let path = format!("api/views/{id}/rows.csv?accessType=DOWNLOAD");
    Some(Link::new(Kind::Resource, path).of_dataset(id).of_resource(id))
}

/// Socrata's ids: `abcd-1234`.
fn is_four_by_four(text: &str) -> bool {
    let part = |part: &str| part.len() == 4 && part.bytes().all(|b| b.is_ascii_alphanumeric());
    text.split_once('-').is_some_and(|(one, other)| part(one) && part(other))
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| found.eq_ignore_ascii_case(extension))
}

/// The first value of a parameter.
fn value(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(found, _)| decoded_name(found) == name)?;
    Some(decoded_name(value).into_owned()).filter(|value| !value.is_empty())
}

fn decoded(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

fn encoded(segment: &str) -> String {
    utf8_percent_encode(&decoded(segment), VALUE).to_string()
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
