//! The shape of one portal's entry, as it is written. What it means is decided in `portal`. The doc
//! comments become the JSON Schema's descriptions, which editors show.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::portal::Base;
use crate::upstream::HostRule;

use super::section::{CheckedCors, Freshness, Pattern, PortalLimits, RouteLimits};
use super::value::{Link, Range, Text};

/// A portal.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Portal {
    /// Its name for people.
    pub title: Option<String>,
    /// Its home page.
    pub home: Option<Text<Link>>,
    /// Its country, as ISO 3166-1 has it (`ES`), or `EU`, or `INT`.
    pub country: Option<String>,
    /// The software it runs, for people, where `dialect` does not say it.
    pub software: Option<String>,
    /// What is known of it, for people.
    pub notes: Option<String>,
    /// Where its paths begin; ends before `/api`. All dialects but `files` have it.
    pub base: Option<Text<Base>>,
    /// For `dialect: files`: the folder; a relative path begins at this file's folder.
    pub folder: Option<PathBuf>,
    /// How it speaks.
    #[serde(default)]
    pub dialect: Dialect,
    /// Whether it is asked for JSONP or JSON; the dialect's way if not said.
    pub ask: Option<Ask>,
    /// For `dialect: generic`: the query parameter that takes the callback's name (`callback`), or
    /// more about it.
    pub callback: Option<CallbackOrName>,
    /// Query parameters that are added to requests that do not have them.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Query parameters that are removed before it is asked (CKAN: `_`).
    pub drop_query: Option<Vec<String>>,
    /// How paths are rewritten before it is asked, one rule after the other.
    #[serde(default)]
    pub rewrite: Vec<Rewrite>,
    /// The method with which a CKAN's actions are asked for: GET, or POST where something in front
    /// of it refuses a GET with a query. Answers to POST are not padded.
    pub method: Option<Method>,
    /// The `User-Agent` it is asked with, where it refuses others.
    pub user_agent: Option<String>,
    /// Fields of every request to it.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A key that it wants.
    pub api_key: Option<ApiKey>,
    /// Whether a client's `Authorization` and `X-CKAN-API-Key` are sent to it. Such requests are asked
    /// for without a callback, and neither answered from the cache nor stored.
    #[serde(default)]
    pub authorization: bool,
    /// Prefixes against JSON hijacking that it sends, such as `)]}',`.
    #[serde(default)]
    pub prefix: Vec<String>,
    /// Whether a second argument may follow the JSON: the status of the answer, or the id of the
    /// request (`generic`: true).
    pub second_argument: Option<bool>,
    /// Whether the call may stand in `try { … } catch (e) { }`.
    #[serde(default)]
    pub try_catch: bool,
    /// What becomes of `NaN` and infinities, which are not JSON: `refuse`, or `null`.
    #[serde(default)]
    pub non_finite: NonFinite,
    /// For `dialect: transparent`: says that its operator trusts this origin server with everything
    /// a client sends and with everything a browser obeys on the gateway's origin.
    #[serde(default)]
    pub dangerous_transparent: bool,
    /// Fields that are let through beside the usual ones; for `plain` portals.
    pub fields: Option<Fields>,
    /// Hosts its files may come from by redirect: `files.example.org`, or `.example.org` for all
    /// below it.
    #[serde(default)]
    pub downloads: Vec<Text<HostRule>>,
    /// Address ranges it may be reached at beyond public space, such as `10.1.0.0/16`.
    #[serde(default)]
    pub allow_cidr: Vec<Text<Range>>,
    /// An SPDX identifier (`CC-BY-4.0`) or a URL.
    pub licence: Option<String>,
    /// Whom to name as the source.
    pub attribution: Option<String>,
    /// How long its answers are kept and reused.
    #[serde(default)]
    pub freshness: Freshness,
    /// Which origins may read its answers.
    #[serde(default)]
    pub cors: CheckedCors,
    /// How far a fetch from it may go.
    #[serde(default)]
    pub limits: PortalLimits,
    /// Refinements for some paths; the first that matches counts.
    #[serde(default)]
    pub routes: Vec<Route>,
}

/// A refinement for some paths.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    /// A regular expression on the path after `/p/{portal}`, such as
    /// `^/api/3/action/datastore_search$`.
    pub path: Text<Pattern>,
    /// How long answers are kept and reused.
    #[serde(default)]
    pub freshness: Freshness,
    /// Which origins may read the answers.
    #[serde(default)]
    pub cors: CheckedCors,
    /// How far a fetch may go.
    #[serde(default)]
    pub limits: RouteLimits,
}

/// How a portal speaks.
#[derive(Debug, Clone, Copy, Default, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Dialect {
    /// CKAN.
    #[default]
    Ckan,
    /// Socrata, SODA 1 and 2.
    Socrata,
    /// ArcGIS REST services.
    ArcGis,
    /// GeoServer's WFS.
    GeoServer,
    /// Nominatim.
    Nominatim,
    /// The Overpass API.
    Overpass,
    /// MediaWiki, Wikidata.
    MediaWiki,
    /// ERDDAP.
    Erddap,
    /// Other software that pads JSON, as `callback` and `query` say.
    Generic,
    /// JSON or files without JSONP.
    Plain,
    /// The operator's own origin server: every method and every field passes, both ways. Needs
    /// `dangerous_transparent: true`.
    Transparent,
    /// A folder of this machine: see `folder`.
    Files,
}

/// Fields that are let through beside the usual ones.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Fields {
    /// Of a client's request, such as `Accept-Language`: sent to the portal.
    pub request: Vec<String>,
    /// Of the portal's response, such as `X-Total-Count`; `"*"` for all but those that would act on
    /// this gateway's own origin (cookies, security policies, CORS).
    pub response: Vec<String>,
}

/// How a portal is asked.
#[derive(Debug, Clone, Copy, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Ask {
    /// With a callback.
    Jsonp,
    /// Without one.
    Json,
    /// Without one, and with one where that brings no JSON; what worked is remembered.
    Auto,
}

/// A method.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
}

/// A path that the portal has under another name.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rewrite {
    /// A regular expression on the path after `/p/{portal}`, such as `^/api/3/action/`.
    pub from: Text<Pattern>,
    /// What stands in place of the first match; `$1` is what the first group matched.
    pub to: String,
}

/// A key that a portal wants. It goes to the portal's own origin and nowhere else.
#[derive(Debug, Clone, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApiKey {
    /// The environment variable that has it.
    pub env: String,
    /// The field it is sent in, such as `X-App-Token`.
    pub header: Option<String>,
    /// The query parameter it is sent in, such as `wskey`.
    pub parameter: Option<String>,
}

/// How a callback is asked for.
#[derive(Debug, Clone, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Callback {
    /// The query parameter that takes the callback's name (`callback`).
    pub parameter: Option<String>,
    /// What stands before the name in the parameter's value, such as `responseHandler:`.
    pub before: Option<String>,
    /// The name of the function that it calls, where it calls always the same.
    pub name: Option<String>,
    /// Parameters that must have these values for an answer to be padded, such as `format: jsonP`.
    pub query: BTreeMap<String, String>,
}

/// The name of a query parameter, or more about it.
#[derive(Debug, Clone, JsonSchema)]
#[serde(untagged)]
pub(super) enum CallbackOrName {
    /// The parameter's name.
    Name(String),
    /// More.
    Callback(Callback),
}

// By hand, because of an untagged enum nobody is told which field was wrong, and where.
impl<'de> Deserialize<'de> for CallbackOrName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = CallbackOrName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a query parameter, or a mapping")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<CallbackOrName, E> {
                Ok(CallbackOrName::Name(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<CallbackOrName, A::Error> {
                Callback::deserialize(MapAccessDeserializer::new(map)).map(CallbackOrName::Callback)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// What becomes of `NaN` and infinities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum NonFinite {
    #[default]
    Refuse,
    Null,
}

// By hand, because `null` without quotation marks is no text.
impl<'de> Deserialize<'de> for NonFinite {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Policy;
        impl Visitor<'_> for Policy {
            type Value = NonFinite;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`refuse` or `null`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<NonFinite, E> {
                match text {
                    "refuse" => Ok(NonFinite::Refuse),
                    "null" => Ok(NonFinite::Null),
                    other => Err(E::unknown_variant(other, &["refuse", "null"])),
                }
            }

            fn visit_unit<E: de::Error>(self) -> Result<NonFinite, E> {
                Ok(NonFinite::Null)
            }
        }
        deserializer.deserialize_any(Policy)
    }
}

impl JsonSchema for NonFinite {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NonFinite".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "enum": ["refuse", "null", null] })
    }
}
