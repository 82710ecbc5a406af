//! What is stored, as operators see it: by portal and URL instead of by key. Secrets' values are not
//! told, and what is not told cannot be searched for.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use regex::{Regex, RegexBuilder};
use url::Url;

use crate::cache::{CacheKey, Listed, Matches};
use crate::portal::{PathRefusal, Portal};

use super::aim::{Named, key};
use super::{Gateway, Place, provenance};

/// The largest compiled pattern in bytes: URLs are simple, so more is a mistake. Over it the
/// pattern is refused.
const PATTERN_SIZE: usize = 256 << 10;

/// The text is no regular expression, or compiles to more than 256 KiB.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not a regular expression: {0}")]
pub struct PatternError(String);

/// Which entries to list. What is `None` does not restrict.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this portal.
    pub portal: Option<String>,
    /// With this text in their URL.
    pub contains: Option<String>,
    /// With a URL that the pattern matches; see [`Filter::pattern`].
    pub pattern: Option<Regex>,
    /// Fresh, or stale.
    pub fresh: Option<bool>,
}

/// What to purge.
#[derive(Debug, Clone)]
pub enum Selection {
    /// One answer.
    One(CacheKey),
    /// All of a portal's, registered or not.
    Portal(String),
    /// Those with a URL that the pattern matches.
    Pattern(Regex),
    /// Everything.
    All,
}

/// A stored response, as operators see it.
#[derive(Debug, Clone)]
pub struct Item {
    /// The portal's id.
    pub portal: String,
    /// The portal's URL, as it may be told.
    pub url: String,
    /// How a client asks for it; `None` if the portal is not registered any more, or elsewhere.
    pub path: Option<String>,
    /// The cache's account.
    pub entry: Listed,
}

/// A part of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// The entries.
    pub items: Vec<Item>,
    /// After which the next part begins; `None` if this is the last.
    pub next: Option<u128>,
}

/// How much is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Stored responses.
    pub entries: u64,
    /// Those that are reused without being validated.
    pub fresh: u64,
    /// Bytes of content.
    pub bytes: u64,
}

impl Filter {
    /// A pattern, searched for in an entry's URL as it is told.
    ///
    /// # Errors
    /// [`PatternError`] with the reason.
    pub fn pattern(text: &str) -> Result<Regex, PatternError> {
        RegexBuilder::new(text).size_limit(PATTERN_SIZE).build().map_err(|error| {
            let text = error.to_string();
            // The last line has the reason; those before draw the pattern.
            let reason = text.lines().last().unwrap_or_default();
            PatternError(reason.trim_start_matches("error: ").to_owned())
        })
    }

    fn matches(&self, entry: &Listed) -> bool {
        let Some(named) = Named::of(&entry.key) else { return false };
        if self.portal.as_ref().is_some_and(|portal| portal != named.portal)
            || self.fresh.is_some_and(|fresh| fresh != entry.is_fresh())
        {
            return false;
        }
        if self.contains.is_none() && self.pattern.is_none() {
            return true;
        }
        let url = named.told();
        self.contains.as_ref().is_none_or(|part| url.contains(part))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(&url))
    }
}

impl Named<'_> {
    /// The URL as it may be told.
    fn told(&self) -> String {
        let Ok(url) = Url::parse(self.url) else { return String::new() };
        provenance::without_secrets(&url).into()
    }
}

impl Gateway {
    /// What is stored, in parts of at most `limit`.
    pub async fn list(&self, filter: Filter, limit: usize, after: Option<u128>) -> Page {
        let owner = filter.portal.as_deref().map(Arc::from);
        let list = self.cache.list(owner, move |entry| filter.matches(entry), limit, after).await;
        let items = list.entries.into_iter().filter_map(|entry| self.item(entry)).collect();
        Page { items, next: list.next }
    }

    fn item(&self, entry: Listed) -> Option<Item> {
        let named = Named::of(&entry.key)?;
        let (portal, url) = (named.portal.to_owned(), named.told());
        let path = self.place(&portal).and_then(|place| {
            let below = below(&place.portal, &url)?;
            Some(format!("/p/{portal}/{below}"))
        });
        Some(Item { portal, url, path, entry })
    }

    /// Forgets what is selected, stored or under way; says how many stored responses that were.
    pub async fn purge(&self, what: Selection) -> u64 {
        match what {
            Selection::One(key) => u64::from(self.cache.purge_key(&key).await),
            Selection::Portal(id) => {
                let owner: Arc<str> = id.into();
                let of_portal = Arc::clone(&owner);
                let matches: Matches = Arc::new(move |key| *key.owner() == *of_portal);
                self.cache.purge(Some(owner), matches).await
            }
            Selection::Pattern(pattern) => {
                let matches: Matches = Arc::new(move |key| {
                    Named::of(key).is_some_and(|named| pattern.is_match(&named.told()))
                });
                self.cache.purge(None, matches).await
            }
            Selection::All => self.cache.purge(None, Arc::new(|_| true)).await,
        }
    }

    /// How much is stored of each portal.
    pub async fn totals(&self) -> BTreeMap<String, Totals> {
        let totals: Arc<Mutex<BTreeMap<String, Totals>>> = Arc::default();
        let counted = Arc::clone(&totals);
        // What several tiers have is counted once.
        let seen: Mutex<HashSet<u128>> = Mutex::default();
        self.cache
            .visit(
                None,
                Arc::new(move |entry: &Listed| {
                    let Some(named) = Named::of(&entry.key) else { return };
                    if !seen.lock().unwrap_or_else(PoisonError::into_inner).insert(entry.key.id()) {
                        return;
                    }
                    let mut totals = counted.lock().unwrap_or_else(PoisonError::into_inner);
                    let of_portal = totals.entry(named.portal.to_owned()).or_default();
                    of_portal.entries += 1;
                    of_portal.fresh += u64::from(entry.is_fresh());
                    of_portal.bytes += entry.bytes;
                }),
            )
            .await;
        std::mem::take(&mut *totals.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The portal whose own URL this is, and what stands behind its base. Of several, the one with
    /// the longest base.
    #[must_use]
    pub fn place_of_url(&self, url: &str) -> Option<(&Place, String)> {
        // As the `url` crate writes it, which is how bases are written.
        let url = Url::parse(url).ok()?;
        self.places()
            .filter_map(|place| Some((place, below(&place.portal, url.as_str())?.to_owned())))
            .min_by_key(|(_, below)| below.len())
    }
}

impl Gateway {
    /// The id of the portal that a target is below, by its scheme, host, port and path, and what
    /// stands behind the portal's base; `written` is the target's path and query as written. A target
    /// by http is taken for one by https, if that is how the portal is asked.
    #[must_use]
    pub fn place_of_target(&self, url: &Url, written: &str) -> Option<(&str, String)> {
        let found = |place: &'_ Place| {
            let base = place.portal.base.url();
            let upgraded = (url.scheme(), base.scheme()) == ("http", "https");
            let same = base.host_str() == url.host_str()
                && (base.origin() == url.origin()
                    || upgraded && base.port().is_none() && url.port().is_none());
            let rest = written.strip_prefix(base.path().trim_end_matches('/'))?;
            let below = rest
                .strip_prefix('/')
                .or_else(|| (rest.is_empty() || rest.starts_with('?')).then_some(rest))?;
            same.then(|| below.to_owned())
        };
        self.places()
            .filter(|place| place.portal.folder.is_none())
            .filter_map(|place| Some((place.portal.id.as_str(), found(place)?)))
            .min_by_key(|(_, below)| below.len())
    }
}

impl Place {
    /// The selection of one answer.
    ///
    /// # Errors
    /// [`PathRefusal`], as a request for it would be refused.
    pub fn selection(&self, path: &str, query: Option<&str>) -> Result<Selection, PathRefusal> {
        let target = self.portal.target(path, query)?;
        if self.portal.asking.post && self.portal.action(&Portal::plain_path(path)).is_some() {
            // What is asked for by POST is stored by what was posted.
            let posted = super::action::form(query.unwrap_or_default().as_bytes(), &self.portal);
            let url = self.portal.target(path, None)?;
            return Ok(Selection::One(key(
                &self.portal,
                url.form,
                url.text(),
                posted.ok().as_ref(),
            )));
        }
        Ok(Selection::One(key(&self.portal, target.form, target.text(), None)))
    }
}

/// What stands behind a portal's base in a URL of its own.
fn below<'a>(portal: &Portal, url: &'a str) -> Option<&'a str> {
    url.strip_prefix(&portal.base.to_string())?.strip_prefix('/')
}
