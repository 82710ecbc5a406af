//! What is known of a portal: its name, its place, how it is asked, and the terms under which its
//! answers are handed on. Data with invariants; it fetches nothing and decides nothing about a
//! particular answer.
//!
//! A portal is one entry of the registry. Its [`Dialect`] says how it is asked; its routes refine
//! its [`Terms`] for some paths; [`Portal::target`] turns what a caller wrote behind
//! `/p/{portal}/` into the URI to ask for, and is the only place where caller's bytes meet a
//! portal's URL.

mod action;
mod asking;
mod dialect;
mod fields;
mod id;
mod link;
mod open;
mod query;
mod target;
mod terms;

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use regex::Regex;
use url::Url;

use crate::cache::freshness::Policy;
use crate::upstream::{HostRule, SiteRules};

pub use asking::{ApiKey, Asking, KeyPlace, Rewrite};
pub use dialect::{Ask, At, Call, Dialect, Form, Format, InBand, Missing, Text, Traits, Values};
pub use fields::{FieldRefusal, FieldRules};
pub use id::{PortalId, PortalIdError};
pub use link::{Kind, Link};
pub use open::OpenTargets;
pub use target::{Base, BaseError, PathRefusal, Target};
pub use terms::{Freshness, Terms};

/// One entry of the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portal {
    /// Its name in paths, metrics and logs.
    pub id: PortalId,
    /// Its name for people.
    pub title: Option<String>,
    /// Its home page.
    pub home: Option<Url>,
    /// Its country, as ISO 3166-1 has it.
    pub country: Option<String>,
    /// The software it runs, for people, where the dialect does not say it.
    pub software: Option<String>,
    /// What is known of it, for people.
    pub notes: Option<String>,
    /// Where its paths begin.
    pub base: Base,
    /// The folder that it is.
    pub folder: Option<PathBuf>,
    /// How it speaks.
    pub dialect: Dialect,
    /// How it is asked.
    pub asking: Asking,
    /// Fields that are handed on beside the usual ones.
    pub fields: FieldRules,
    /// Hosts its files may come from.
    pub downloads: Vec<HostRule>,
    /// Whether its files may come from any public host.
    pub any_download: bool,
    /// Address ranges it may be reached at beyond public space.
    pub allow_cidr: Vec<ipnet::IpNet>,
    /// An SPDX identifier or a URL.
    pub licence: Option<String>,
    /// Whom to name as the source.
    pub attribution: Option<String>,
    /// The terms where no route says otherwise.
    pub terms: Arc<Terms>,
    /// Refinements, the first that matches counts.
    pub routes: Vec<Route>,
}

/// Terms for the paths that a pattern matches.
#[derive(Debug, Clone)]
pub struct Route {
    /// Matched against the path after `/p/{portal}`, with its leading slash, percent-encoded.
    pub path: Regex,
    /// The terms.
    pub terms: Arc<Terms>,
}

/// Routes are the same when their patterns are written the same.
impl PartialEq for Route {
    fn eq(&self, other: &Self) -> bool {
        self.path.as_str() == other.path.as_str() && self.terms == other.terms
    }
}

impl Eq for Route {}

impl Portal {
    /// The terms for a path (without its leading slash), in whatever spelling.
    #[must_use]
    pub fn terms(&self, path: &str) -> &Arc<Terms> {
        if self.routes.is_empty() {
            return &self.terms;
        }
        let path = format!("/{}", target::plain_spelling(path));
        let route = self.routes.iter().find(|route| route.path.is_match(&path));
        route.map_or(&self.terms, |route| &route.terms)
    }

    /// Where fetches for this portal may go.
    #[must_use]
    pub fn site_rules(&self) -> SiteRules {
        SiteRules {
            base: self.base.url().clone(),
            downloads: self.downloads.clone(),
            any_download: self.any_download,
            allow_cidr: self.allow_cidr.clone(),
        }
    }

    /// Paths to try, relative to the portal.
    #[must_use]
    pub fn examples(&self) -> &'static [&'static str] {
        self.dialect.traits().examples
    }

    /// What the cache needs to know for a path under `terms`.
    #[must_use]
    pub fn cache_policy(&self, terms: &Terms, path: &str) -> Policy {
        terms.cache_policy(self.dialect, &target::plain_spelling(path))
    }

    /// A path as it is judged: without needless escapes and empty segments.
    #[must_use]
    pub fn plain_path(path: &str) -> Cow<'_, str> {
        target::plain_spelling(path)
    }

    /// The name of a query parameter as the portal will read it.
    #[must_use]
    pub fn parameter_name(parameter: &str) -> Cow<'_, str> {
        target::decoded_name(parameter.split('=').next().unwrap_or(parameter))
    }

    /// The licence as a URL, which is what a `Link` needs.
    #[must_use]
    pub fn licence_url(&self) -> Option<String> {
        let licence = self.licence.as_deref()?;
        Some(match Url::parse(licence) {
            Ok(url) => url.into(),
            Err(_) => format!("https://spdx.org/licenses/{licence}"),
        })
    }
}

/// The portals, in the order of the file, and what needs no entry.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    portals: Vec<Arc<Portal>>,
    open: Option<OpenTargets>,
}

impl Registry {
    /// A registry of `portals`, whose ids differ.
    #[must_use]
    pub fn new(portals: Vec<Portal>) -> Self {
        Self { portals: portals.into_iter().map(Arc::new).collect(), open: None }
    }

    /// The same registry with targets that need no entry.
    #[must_use]
    pub fn opening(self, open: Option<OpenTargets>) -> Self {
        Self { open, ..self }
    }

    /// The targets that need no entry.
    #[must_use]
    pub const fn open(&self) -> Option<&OpenTargets> {
        self.open.as_ref()
    }

    /// All portals.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Portal>> {
        self.portals.iter()
    }
}
