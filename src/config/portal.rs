//! From one portal's entry to a portal: how it is asked, and the checks that need more than one value
//! of it.

use std::path::Path;
use std::sync::Arc;

use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use ring::digest;

use crate::jsonp::{CallbackName, NonFinite, Prefix, Shape};
use crate::portal::{
    self, ApiKey, Asking, Base, Call, FieldRules, KeyPlace, OpenTargets, PortalId, Rewrite, Route,
    Terms,
};
use crate::upstream;

use super::terms::{dialect_terms, terms};
use super::{entry, file};

/// A registry of one CKAN portal, for `--portal`.
///
/// # Errors
/// A sentence that says why the URL is no portal's.
pub fn single_portal(url: &str, allow_cidr: Vec<ipnet::IpNet>) -> Result<portal::Portal, String> {
    let base = Base::lenient(url).map_err(|error| error.to_string())?;
    let host = base.url().host_str().unwrap_or_default().to_owned();
    let dialect = portal::Dialect::Ckan;
    let id = PortalId::of_host(&host);
    Ok(portal::Portal {
        asking: Asking::of(dialect, callback_name(&id)?),
        id,
        title: Some(host),
        home: None,
        country: None,
        software: None,
        notes: None,
        base,
        folder: None,
        dialect,
        fields: FieldRules::default(),
        downloads: Vec::new(),
        any_download: false,
        allow_cidr,
        licence: None,
        attribution: None,
        terms: Arc::new(dialect_terms(&Terms::default(), dialect, &FieldRules::default())),
        routes: Vec::new(),
    })
}

/// What an entry means; relative paths begin at `root`.
pub(super) fn portal(
    id: PortalId,
    entry: entry::Portal,
    defaults: &Terms,
    root: &Path,
) -> Result<portal::Portal, String> {
    let at = format!("portals.{id}");
    let refuse = |sentence: String| format!("{at}: {sentence}");
    let dialect = dialect(&entry).map_err(refuse)?;
    let asking = asking(&id, dialect, &entry).map_err(refuse)?;
    let fields = fields(&id, dialect, entry.fields)?;
    let base = dialect_terms(defaults, dialect, &fields);
    let own = terms(&base, &entry.freshness, &entry.limits.0, &entry.cors.0, &at)?;
    let routes = entry
        .routes
        .iter()
        .enumerate()
        .map(|(index, route)| {
            let at = format!("{at}.routes[{index}]");
            let terms = terms(&own, &route.freshness, &route.limits.0, &route.cors.0, &at)?;
            Ok(Route { path: route.path.0.0.clone(), terms: Arc::new(terms) })
        })
        .collect::<Result<_, String>>()?;
    let is_folder = dialect == portal::Dialect::Files;
    if is_folder && asking != Asking::of(dialect, asking.callback.clone()) {
        let sentence = "a `files` portal is read and not asked: leave out how it would be";
        return Err(refuse(sentence.to_owned()));
    }
    let base = match (entry.base, is_folder) {
        (Some(base), false) => base.0,
        // Never dialled: a name that no resolver has (RFC 6761 §6.4).
        (None, true) => {
            format!("http://{id}.invalid").parse().map_err(|error| format!("{at}: {error}"))?
        }
        (None, false) => return Err(refuse("`base` is missing: where its paths begin".to_owned())),
        (Some(_), true) => {
            return Err(refuse("a `files` portal has a `folder` and no `base`".to_owned()));
        }
    };
    let folder = match (entry.folder, is_folder) {
        (Some(folder), true) => Some(root.join(folder)),
        (None, false) => None,
        (None, true) => return Err(refuse("`folder` is missing: the folder to serve".to_owned())),
        (Some(_), false) => {
            return Err(refuse("only a portal with `dialect: files` has a `folder`".to_owned()));
        }
    };
    Ok(portal::Portal {
        id,
        title: entry.title,
        home: entry.home.map(|url| url.0.0),
        country: entry.country,
        software: entry.software,
        notes: entry.notes,
        base,
        folder,
        dialect,
        asking,
        fields,
        downloads: entry.downloads.into_iter().map(|rule| rule.0).collect(),
        any_download: false,
        allow_cidr: entry.allow_cidr.into_iter().map(|range| range.0.0).collect(),
        licence: entry.licence,
        attribution: entry.attribution,
        terms: Arc::new(own),
        routes,
    })
}

/// What the open targets mean.
pub(super) fn open_targets(
    written: file::OpenTargets,
    defaults: &Terms,
) -> Result<OpenTargets, String> {
    if written.hosts.is_empty() && !written.dangerous_any_public_host {
        return Err("open_targets: name `hosts`, or leave it out".to_owned());
    }
    let base = dialect_terms(defaults, portal::Dialect::Plain, &FieldRules::default());
    let base = Terms { limits: open_limits(&base.limits), ..base };
    let at = "open_targets";
    let terms = terms(&base, &written.freshness, &written.limits.0, &written.cors.0, at)?;
    Ok(OpenTargets {
        hosts: written.hosts.into_iter().map(|rule| rule.0).collect(),
        any_public_host: written.dangerous_any_public_host,
        allow_cidr: written.allow_cidr.into_iter().map(|range| range.0.0).collect(),
        terms: Arc::new(terms),
        callback: callback_name(&OpenTargets::ID.parse().map_err(|_| "an id".to_owned())?)?,
    })
}

/// What strangers may have of hosts that nobody chose: files of 256 MiB, and 8 fetches at once.
fn open_limits(base: &upstream::Limits) -> upstream::Limits {
    upstream::Limits {
        file_bytes: base.file_bytes.min(256 << 20),
        concurrency: base.concurrency.min(8),
        queue: base.queue.min(64),
        ..base.clone()
    }
}

fn dialect(entry: &entry::Portal) -> Result<portal::Dialect, String> {
    Ok(match entry.dialect {
        entry::Dialect::Ckan => portal::Dialect::Ckan,
        entry::Dialect::Socrata => portal::Dialect::Socrata,
        entry::Dialect::ArcGis => portal::Dialect::ArcGis,
        entry::Dialect::GeoServer => portal::Dialect::GeoServer,
        entry::Dialect::Nominatim => portal::Dialect::Nominatim,
        entry::Dialect::Overpass => portal::Dialect::Overpass,
        entry::Dialect::MediaWiki => portal::Dialect::MediaWiki,
        entry::Dialect::Erddap => portal::Dialect::Erddap,
        entry::Dialect::Generic => portal::Dialect::Generic,
        entry::Dialect::Plain => portal::Dialect::Plain,
        entry::Dialect::Transparent if !entry.dangerous_transparent => {
            return Err("a `transparent` portal gets everything clients send, and browsers obey \
                        everything it sends: only for an origin server of your own, with \
                        `dangerous_transparent: true`"
                .to_owned());
        }
        entry::Dialect::Transparent => portal::Dialect::Transparent,
        entry::Dialect::Files => portal::Dialect::Files,
    })
}

fn asking(
    id: &PortalId,
    dialect: portal::Dialect,
    entry: &entry::Portal,
) -> Result<Asking, String> {
    let mut asking = Asking::of(dialect, callback_name(id)?);
    let jsonp = matches!(entry.ask, Some(entry::Ask::Jsonp | entry::Ask::Auto));
    if jsonp && asking.calls.is_empty() {
        return Err(format!("a `{dialect}` portal cannot be asked for JSONP"));
    }
    match entry.ask {
        None => {}
        Some(entry::Ask::Json) => asking.way = portal::Ask::Json,
        Some(entry::Ask::Jsonp) => asking.way = portal::Ask::Jsonp,
        Some(entry::Ask::Auto) => asking.way = portal::Ask::Auto,
    }
    if let Some(written) = &entry.callback {
        if dialect != portal::Dialect::Generic {
            return Err("only a `generic` portal has a `callback`; the others know theirs".into());
        }
        let callback = match written {
            entry::CallbackOrName::Name(name) => {
                entry::Callback { parameter: Some(name.clone()), ..Default::default() }
            }
            entry::CallbackOrName::Callback(callback) => callback.clone(),
        };
        if let Some(name) = &callback.name {
            asking.callback =
                CallbackName::new(name).map_err(|error| format!("callback.name: {error}"))?;
        }
        asking.calls = vec![generic_call(callback)].into();
    }
    asking.query = entry.query.clone().into_iter().collect();
    if let Some(dropped) = &entry.drop_query {
        asking.drop_query.clone_from(dropped);
    }
    let rewrite =
        |rule: &entry::Rewrite| Rewrite { from: rule.from.0.0.clone(), to: rule.to.clone() };
    asking.rewrite = entry.rewrite.iter().map(rewrite).collect();
    asking.post = entry.method == Some(entry::Method::Post);
    if asking.post && dialect != portal::Dialect::Ckan {
        return Err("only a `ckan` portal can be asked by POST".to_owned());
    }
    asking.headers = headers(entry)?;
    asking.api_key = entry.api_key.as_ref().map(api_key).transpose()?;
    asking.authorization = entry.authorization;
    asking.shape = shape(&asking.shape, entry)?;
    Ok(asking)
}

/// What is accepted beside one argument of plain JSON.
fn shape(base: &Shape, entry: &entry::Portal) -> Result<Shape, String> {
    let prefix = |text: &String| Prefix::new(text).map_err(|error| format!("prefix: {error}"));
    Ok(Shape {
        prefixes: entry.prefix.iter().map(prefix).collect::<Result<_, _>>()?,
        second_argument: entry.second_argument.unwrap_or(base.second_argument),
        try_catch: entry.try_catch,
        non_finite: match entry.non_finite {
            entry::NonFinite::Refuse => NonFinite::Refuse,
            entry::NonFinite::Null => NonFinite::Null,
        },
    })
}

fn generic_call(written: entry::Callback) -> Call {
    let set = written.query.into_iter().map(|(name, value)| (name.into(), value.into()));
    Call {
        at: portal::At::Anywhere,
        format: None,
        parameter: written.parameter.unwrap_or_else(|| "callback".to_owned()).into(),
        before: written.before.unwrap_or_default().into(),
        set: set.collect::<Vec<_>>().into(),
    }
}

/// The fields of every request to a portal.
fn headers(entry: &entry::Portal) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    let agent = entry.user_agent.iter().map(|agent| ("user-agent", agent));
    for (name, value) in entry.headers.iter().map(|(n, v)| (&**n, v)).chain(agent) {
        let at = |sentence: String| format!("headers: {sentence}");
        let name = FieldRules::request_field(name).map_err(|error| at(error.to_string()))?;
        let value = HeaderValue::try_from(value)
            .map_err(|_| at(format!("the value of `{name}` cannot stand in a field")))?;
        if headers.insert(name.clone(), value).is_some() && name == USER_AGENT {
            return Err(at("`User-Agent` is said twice".to_owned()));
        }
    }
    Ok(headers)
}

/// Reads a key from the environment.
fn api_key(written: &entry::ApiKey) -> Result<ApiKey, String> {
    let at = |sentence: String| format!("api_key: {sentence}");
    let place = match (&written.header, &written.parameter) {
        (Some(name), None) => match HeaderName::try_from(name) {
            Ok(AUTHORIZATION) => KeyPlace::Field(AUTHORIZATION),
            Ok(_) => KeyPlace::Field(
                FieldRules::request_field(name).map_err(|error| at(error.to_string()))?,
            ),
            Err(_) => return Err(at(format!("`{name}` is not a field name"))),
        },
        (None, Some(name)) => KeyPlace::Parameter(name.clone()),
        _ => {
            return Err(at("say in which `header` or in which `parameter` it is sent".to_owned()));
        }
    };
    #[expect(clippy::disallowed_methods, reason = "secrets stand in the environment, not in files")]
    let secret = std::env::var(&written.env);
    let secret = secret.map_err(|_| {
        at(format!("the environment has no `{}`, or it is not text: set it", written.env))
    })?;
    let mut secret = HeaderValue::try_from(secret.trim())
        .map_err(|_| at(format!("what `{}` has cannot stand in a field", written.env)))?;
    secret.set_sensitive(true);
    Ok(ApiKey { place, secret })
}

/// The fields an entry lets through, which only a `plain` portal can have: CKAN's answers are made
/// anew, and a `transparent` portal's pass anyway.
fn fields(
    id: &PortalId,
    dialect: portal::Dialect,
    written: Option<entry::Fields>,
) -> Result<FieldRules, String> {
    let Some(written) = written else { return Ok(FieldRules::default()) };
    if dialect != portal::Dialect::Plain {
        return Err(format!("portals.{id}.fields: only a `plain` portal has them"));
    }
    let at = |error: portal::FieldRefusal| format!("portals.{id}.fields: {error}");
    let any_response = written.response.iter().any(|name| name == "*");
    let response = written
        .response
        .iter()
        .filter(|name| *name != "*")
        .map(|name| name.parse().map_err(|_| at(portal::FieldRefusal::NotAName(name.clone()))));
    let request = written.request.iter().map(|name| FieldRules::request_field(name).map_err(at));
    Ok(FieldRules {
        request: request.collect::<Result<_, _>>()?,
        response: response.collect::<Result<_, _>>()?,
        any_response,
    })
}

/// The callback name of a portal: always the same, so that caches in front of the portal can keep
/// its answers; nothing is executed here, so it need not be a secret.
fn callback_name(id: &PortalId) -> Result<CallbackName, String> {
    use std::fmt::Write as _;
    let digest = digest::digest(&digest::SHA256, id.as_str().as_bytes());
    let mut name = String::from("unpad");
    for byte in &digest.as_ref()[..5] {
        // Writing to a String cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    CallbackName::new(&name).map_err(|error| error.to_string())
}
