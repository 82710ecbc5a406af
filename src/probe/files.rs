//! How files do: whether parts of them can be had (RFC 9110 §14), and whether a copy can be validated
//! (§13). On a file of the portal's own if its catalogue names one, else on its API.

use http::header::{
    ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED, LOCATION, RANGE,
};
use http::{HeaderName, HeaderValue, Method};
use url::Url;

use crate::upstream::{HostRule, Manner};

use super::ask::{Answer, Asker};
use super::find::{Found, Specimen};
use super::place::{below, named};
use super::recognise::json;

/// Packages whose resources are looked through for a file: 10, one page of a search.
const PACKAGES: &str = "api/3/action/package_search?rows=10";

/// How files do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// What was asked for.
    pub url: String,
    /// Whether it is a file of the catalogue, and not the API.
    pub is_file: bool,
    /// Another host that it redirects to, for `downloads`.
    pub redirects_to: Option<String>,
    /// What a request for its first byte gets.
    pub sliced: Sliced,
    /// Whether it has an `ETag`.
    pub etag: bool,
    /// Whether it has a `Last-Modified`.
    pub last_modified: bool,
    /// What a request with its validator gets.
    pub revalidated: Revalidated,
}

/// What a request for the first byte gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sliced {
    /// 206, the part.
    Part,
    /// 200, the whole.
    Whole,
    /// Another status.
    Status(u16),
    /// Nothing, and why.
    Unknown(String),
}

/// What a request with a validator gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revalidated {
    /// 304.
    NotModified,
    /// All of it again.
    SentAgain,
    /// Another status.
    Status(u16),
    /// There is no validator to ask with.
    NoValidator,
    /// Nothing, and why.
    Unknown(String),
}

/// Looks for a file, and asks for a part of it and whether it has changed.
pub(super) async fn examine(asker: &Asker, found: &Found, specimen: &Specimen) -> Files {
    let file = file(asker, found).await;
    let is_file = file.is_some();
    let mut url = file.unwrap_or_else(|| specimen.url.clone());
    let mut answer = part(asker, &url).await;
    let mut redirects_to = None;
    if let Some(to) = answer.as_ref().ok().and_then(|answer| leads_to(answer, &url)) {
        if to.host() == url.host() && to.scheme() == url.scheme() && to.port() == url.port() {
            answer = part(asker, &to).await;
            url = to;
        } else {
            // Only what an entry could name.
            let host = to.host_str().filter(|host| host.parse::<HostRule>().is_ok());
            redirects_to = host.map(str::to_owned);
        }
    }
    let mut files = Files {
        url: url.to_string(),
        is_file,
        redirects_to,
        sliced: Sliced::Whole,
        etag: false,
        last_modified: false,
        revalidated: Revalidated::NoValidator,
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(why) => {
            files.sliced = Sliced::Unknown(why.clone());
            files.revalidated = Revalidated::Unknown(why);
            return files;
        }
    };
    files.sliced = match answer.status {
        206 => Sliced::Part,
        200 => Sliced::Whole,
        status => Sliced::Status(status),
    };
    files.etag = answer.fields.contains_key(ETAG);
    files.last_modified = answer.fields.contains_key(LAST_MODIFIED);
    files.revalidated = revalidate(asker, &url, &answer).await;
    files
}

async fn part(asker: &Asker, url: &Url) -> Result<Answer, String> {
    let fields = one(RANGE, HeaderValue::from_static("bytes=0-0"));
    let answer = asker.ask(Method::GET, url, fields, Manner::Raw).await;
    answer.map_err(|failure| failure.to_string())
}

async fn revalidate(asker: &Asker, url: &Url, answer: &Answer) -> Revalidated {
    let fields = &answer.fields;
    let condition = match (fields.get(ETAG), fields.get(LAST_MODIFIED)) {
        (Some(etag), _) => one(IF_NONE_MATCH, etag.clone()),
        (None, Some(date)) => one(IF_MODIFIED_SINCE, date.clone()),
        (None, None) => return Revalidated::NoValidator,
    };
    match asker.ask(Method::GET, url, condition, Manner::Raw).await {
        Ok(answer) if answer.status == 304 => Revalidated::NotModified,
        Ok(answer) if answer.status == 200 => Revalidated::SentAgain,
        Ok(answer) => Revalidated::Status(answer.status),
        Err(failure) => Revalidated::Unknown(failure.to_string()),
    }
}

fn one(name: HeaderName, value: HeaderValue) -> HeaderMap {
    super::ask::fields([(name, value)])
}

fn leads_to(answer: &Answer, url: &Url) -> Option<Url> {
    let redirects = (300..400).contains(&answer.status) && answer.status != 304;
    let location = redirects.then(|| answer.field(&LOCATION)).flatten()?;
    named(url, location)
}

/// A file of a CKAN portal's own host.
async fn file(asker: &Asker, found: &Found) -> Option<Url> {
    found.software.filter(|software| software.dialect == "ckan")?;
    let prefix = found.base.path().trim_end_matches('/');
    let answer = asker.get(&below(&found.base, prefix, PACKAGES)?).await.ok()?;
    let packages = json(&answer)?;
    let packages = packages["result"]["results"].as_array()?.iter();
    let resources = packages.filter_map(|package| package["resources"].as_array()).flatten();
    let own = found.traits.own_url.as_deref();
    let mut urls =
        resources.filter_map(|resource| own_url(resource["url"].as_str()?, own, &found.base));
    urls.next()
}

/// A resource's URL, if it is the portal's own: of the host that was asked, or below the URL that the
/// portal has for itself, which may be a name that only its operator resolves.
fn own_url(resource: &str, own: Option<&str>, base: &Url) -> Option<Url> {
    let below_own = own
        .filter(|own| own.starts_with("http"))
        .and_then(|own| resource.strip_prefix(own.trim_end_matches('/'))?.strip_prefix('/'));
    if let Some(rest) = below_own {
        let here = format!("{}/{rest}", base.as_str().trim_end_matches('/'));
        return named(base, &here);
    }
    // Joining would take a relative one for a path of the portal's.
    Url::parse(resource).ok()?;
    let url = named(base, resource)?;
    let same = url.host() == base.host()
        && url.scheme() == base.scheme()
        && url.port_or_known_default() == base.port_or_known_default();
    // User information would be sent along.
    (same && url.username().is_empty() && url.password().is_none()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_portals_own_files_are_asked_for() {
        let base = Url::parse("https://a.example/data/").expect("a URL");
        let own = |resource| {
            let url = own_url(resource, Some("http://inside.example/data/"), &base);
            url.map(String::from)
        };
        let here = "https://a.example/data/dataset/x.csv";
        assert_eq!(own("http://inside.example/data/dataset/x.csv").as_deref(), Some(here));
        assert_eq!(own(here).as_deref(), Some(here));
        for other in [
            "https://b.example/x.csv",
            "http://a.example/x.csv",
            "https://a.example:8443/x.csv",
            "https://u:p@a.example/x.csv",
            "http://inside.example/data.evil.example/x",
            "x.csv",
            "",
        ] {
            assert_eq!(own(other), None, "{other}");
        }
    }
}
