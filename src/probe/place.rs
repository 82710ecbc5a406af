//! Where a portal may begin: the URL as given, its parents, and the prefixes that portals use. Pure:
//! it asks nothing.

use url::Url;

/// How many levels of the URL's own path are tried: 4, the deepest portal known has three.
const LEVELS: usize = 4;

/// The longest URL of a portal's that is followed or asked for: 2,048 bytes, as in a sitemap. What is
/// longer is passed over, because it is also printed.
const LONGEST: usize = 2048;

/// Where an API or a page of a portal begins in a path: what stands before may be the base. The first
/// that is found counts, because some portals have `/dataset` for a prefix of `/api`.
const TAILS: [&str; 12] = [
    "/api/",
    "/rest/",
    "/resource/",
    "/dataset",
    "/organization",
    "/tabledap",
    "/griddap",
    "/ows",
    "/wfs",
    "/explore",
    "/browse",
    "/wiki/",
];

/// The bases that a URL itself suggests: what stands before its API or page, then the parents to the
/// root of its host, last the URL as it is.
pub(super) fn suggested(url: &Url) -> Vec<String> {
    let path = url.path().trim_end_matches('/');
    let mut paths = Vec::new();
    let whole = (!is_file(path)).then(|| path.to_owned());
    let path = format!("{path}/");
    let end = TAILS.iter().find_map(|tail| path.find(tail)).unwrap_or(path.len() - 1);
    let mut rest = &path[..end];
    if is_file(rest) {
        rest = parent(rest);
    }
    for _ in 0..LEVELS {
        paths.push(rest.to_owned());
        rest = parent(rest);
    }
    paths.push(String::new());
    paths.extend(whole);
    let mut seen = std::collections::BTreeSet::new();
    paths.retain(|path| seen.insert(path.clone()));
    paths
}

/// The URL of a target (path and query, without its first slash) below a prefix, on a URL's host.
pub(super) fn below(url: &Url, prefix: &str, target: &str) -> Option<Url> {
    let origin = &url[..url::Position::BeforePath];
    Url::parse(&format!("{origin}{prefix}/{target}")).ok()
}

/// A URL that a portal named, by itself or from another.
pub(super) fn named(from: &Url, text: &str) -> Option<Url> {
    from.join(text).ok().filter(|url| url.as_str().len() <= LONGEST)
}

fn parent(path: &str) -> &str {
    path.rfind('/').map_or("", |at| &path[..at])
}

/// Whether the last segment is a file's name.
pub(super) fn is_file(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|last| last.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> Vec<String> {
        suggested(&Url::parse(url).expect("a URL"))
    }

    #[test]
    fn a_url_suggests_itself_what_stands_before_its_api_and_their_parents() {
        assert_eq!(of("https://a.example"), [""]);
        assert_eq!(of("https://a.example/data/"), ["/data", ""]);
        assert_eq!(
            of("https://a.example/data/api/3/action/package_show?id=x"),
            ["/data", "", "/data/api/3/action/package_show"]
        );
        assert_eq!(of("https://a.example/dataset/api/3"), ["/dataset", "", "/dataset/api/3"]);
        assert_eq!(of("https://a.example/x/dataset/trees"), ["/x", "", "/x/dataset/trees"]);
        assert_eq!(of("https://a.example/w/api.php?action=query"), ["/w", ""]);
        assert_eq!(of("https://a.example/a/b/index.html"), ["/a/b", "/a", ""]);
    }

    #[test]
    fn a_deep_url_suggests_no_more_than_a_handful() {
        assert_eq!(of(&format!("https://a.example{}", "/x".repeat(500))).len(), LEVELS + 1);
    }
}
