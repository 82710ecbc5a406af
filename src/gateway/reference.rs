//! What a reference stands for: a link that somebody copied from a portal, or a short form of our own,
//! to the path of ours that brings it. It reads text and the registry; it asks nobody.

use std::sync::Arc;

use url::Url;

use crate::portal::{Dialect, Kind, Link, PathRefusal, Portal};

use super::{Gateway, Place};

/// The longest reference that is read, in bytes: 8 KiB, more than any link that browsers copy whole.
/// Over it: [`ReferenceError::Unreadable`].
const LONGEST: usize = 8 << 10;

/// What a reference stands for.
#[derive(Debug)]
pub struct Reference {
    /// The portal.
    pub place: Place,
    /// What it is there.
    pub link: Link,
    /// The path and query of ours that bring it.
    pub path: String,
}

/// Why a reference stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It is no link and no portal's id.
    #[error("it is neither a link nor the id of a portal")]
    Unreadable,
    /// No portal has this id, and it is no link.
    #[error("no portal has this id")]
    UnknownPortal,
    /// It is a link to a host that no entry names.
    #[error("no portal's entry names this host")]
    UnknownHost,
    /// The path is not forwarded.
    #[error(transparent)]
    Path(#[from] PathRefusal),
}

impl Gateway {
    /// Reads a reference: a portal's link; a path below `/p/`; or a portal's id, with or without a
    /// path of the portal behind it.
    ///
    /// # Errors
    /// [`ReferenceError`].
    pub fn reference(&self, text: &str) -> Result<Reference, ReferenceError> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control) {
            return Err(ReferenceError::Unreadable);
        }
        // Blanks before a fragment stand at the end, as those behind it did.
        let text = text.split('#').next().unwrap_or_default().trim_end();
        if let Some(own) = text.strip_prefix("/p/") {
            return self.own_path(own).unwrap_or(Err(ReferenceError::UnknownPortal));
        }
        if is_http(text) {
            return self.by_url(text);
        }
        if let Some(read) = self.own_path(text) {
            return read;
        }
        let host = text.split(['/', '?']).next().unwrap_or_default();
        if host.contains('.') && !host.starts_with('.') {
            // As address bars show it.
            return self.by_url(&format!("https://{text}"));
        }
        Err(ReferenceError::UnknownPortal)
    }

    /// A portal's id and, behind it, a path of the portal's; `None` if no portal has the id.
    fn own_path(&self, text: &str) -> Option<Result<Reference, ReferenceError>> {
        let end = text.find(['/', '?']).unwrap_or(text.len());
        let place = self.place(&text[..end])?;
        let below = text[end..].strip_prefix('/').unwrap_or(&text[end..]);
        Some(place.portal.link(below).map(|link| Reference::new(place, link)).map_err(Into::into))
    }

    fn by_url(&self, text: &str) -> Result<Reference, ReferenceError> {
        let url = Url::parse(text).map_err(|_| ReferenceError::Unreadable)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ReferenceError::Unreadable);
        }
        let rest = after_authority(text);
        if let Some((id, below)) = self.place_of_target(&url, rest)
            && let Some(place) = self.place(id)
        {
            return Ok(Reference::new(place, place.portal.link(&below)?));
        }
        if let Some(found) = self.by_page(&url, rest) {
            return Ok(found);
        }
        if let Some(place) = self.open_place(&url).or_else(|| self.place_of_file(&url)) {
            return Ok(Reference::elsewhere(place, &url));
        }
        Err(ReferenceError::UnknownHost)
    }

    /// A link to a portal's host, or to that of its home page, that is not below its base: a web page,
    /// or the API by another name of the host.
    fn by_page(&self, url: &Url, rest: &str) -> Option<Reference> {
        // http and https are one place here: links are older than certificates.
        let place = |url: &Url| {
            let port = url.port_or_known_default().filter(|port| !matches!(port, 80 | 443));
            url.host_str().map(|host| (host.to_owned(), port))
        };
        let asked = place(url)?;
        let at_host = |other: &Url| place(other).as_ref() == Some(&asked);
        self.places().filter(|place| place.portal.folder.is_none()).find_map(|place| {
            let portal = &place.portal;
            let base = portal.base.url();
            if !(at_host(base) || portal.home.as_ref().is_some_and(at_host)) {
                return None;
            }
            let api = || {
                let below =
                    rest.strip_prefix(base.path().trim_end_matches('/'))?.strip_prefix('/')?;
                let link = portal.link(below).ok()?;
                (link.kind == Kind::Table || link.path.starts_with("api/")).then_some(link)
            };
            Some(Reference::new(place, portal.page(url.path()).or_else(api)?))
        })
    }

    /// The portal whose entry names the host of a file under `downloads`. What is beside a portal's
    /// base on its own host is not a file of its. Where several name the host, nobody can say whose
    /// the file is, so it has no licence and no attribution.
    #[must_use]
    pub fn place_of_file(&self, url: &Url) -> Option<Place> {
        let host = url.host_str()?;
        let mut naming = self.places().filter(|place| {
            let portal = &place.portal;
            portal.dialect != Dialect::Transparent
                && portal.base.url().host_str() != Some(host)
                && portal.downloads.iter().any(|rule| rule.matches(host))
                && portal.site_rules().names(url)
        });
        let mut place = naming.next()?.clone();
        if naming.next().is_some() {
            let portal = Portal { licence: None, attribution: None, ..(*place.portal).clone() };
            place.portal = Arc::new(portal);
        }
        Some(place)
    }
}

impl Reference {
    fn new(place: &Place, link: Link) -> Self {
        let id = &place.portal.id;
        let path = match link.kind {
            Kind::Portal => format!("/p/{id}"),
            _ => format!("/p/{id}/{}", link.path.trim_start_matches('/')),
        };
        Self { place: place.clone(), link, path }
    }

    /// A file that is not below a portal's base, in the form for whole URLs.
    fn elsewhere(place: Place, url: &Url) -> Self {
        let link = Link { kind: Kind::File, dataset: None, resource: None, path: String::new() };
        Self { place, link, path: format!("/{url}") }
    }
}

fn is_http(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
    matches!(scheme.as_deref(), Some("http" | "https"))
}

/// What stands behind scheme and authority, as written.
fn after_authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    rest.find(['/', '?']).map_or("", |at| &rest[at..])
}
