//! From what is written to what is meant: layers laid over each other, and the checks that need
//! more than one value.

use std::sync::Arc;

use ring::digest;
use tokio::sync::Semaphore;

use crate::cors;
use crate::jsonp::CallbackName;
use crate::portal::{self, Base, FieldRules, PortalId, Registry, Route, Terms};
use crate::{server, upstream};

use super::file::{self, File};
use super::section;
use super::value::{OriginRules, Size, Time};
use super::{Admin, Cache, Config};

/// What the whole file means.
pub(super) fn config(file: File) -> Result<Config, String> {
    let notices = Vec::new();
    if file.portals.0.is_empty() {
        return Err("`portals` is empty: a gateway needs at least one portal".to_owned());
    }
    let cors = cors(&cors::Policy::default(), &file.cors.0, "cors")?;
    let defaults = Terms {
        freshness: freshness(&portal::Freshness::default(), &file.defaults.freshness),
        limits: limits(&upstream::Limits::default(), &file.defaults.limits.0),
        cors: cors.clone(),
    };
    let portals = file
        .portals
        .0
        .into_iter()
        .map(|(id, entry)| portal(id.0, entry, &defaults))
        .collect::<Result<Vec<_>, _>>()?;
    let defaults = Config::default();
    let server = file.server;
    check_server(&server)?;
    let base = server::Options::default();
    Ok(Config {
        listen: server.listen.as_ref().map_or(defaults.listen, |listen| listen.0.0),
        server: server::Options {
            public_url: server.public_url.as_ref().map(|url| url.0.0.clone()),
            cors,
            at_root: None,
            content_bytes: size(server.content_bytes, base.content_bytes),
            content_time: server.content_time.map_or(base.content_time, |time| time.0),
        },
        admin: server.admin.as_ref().map(admin),
        server_limits: server_limits(&server),
        cache: Cache {
            memory: file.cache.memory.map_or(defaults.cache.memory, |size| size.0),
            buffer: size(file.cache.buffer, defaults.cache.buffer),
            offline: false,
            disk: disk(file.cache.disk)?,
            patience: file.cache.patience.map_or(defaults.cache.patience, |time| time.0),
        },
        registry: Registry::new(portals),
        notices,
    })
}

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
        callback: callback_name(&id)?,
        id,
        title: Some(host),
        home: None,
        base,
        dialect,
        ask: dialect.ask(),
        drop_query: dialect.drop_query().iter().map(ToString::to_string).collect(),
        fields: FieldRules::default(),
        downloads: Vec::new(),
        allow_cidr,
        licence: None,
        attribution: None,
        terms: Arc::default(),
        routes: Vec::new(),
    })
}

fn portal(id: PortalId, entry: file::Portal, defaults: &Terms) -> Result<portal::Portal, String> {
    let dialect = match entry.dialect {
        file::Dialect::Ckan => portal::Dialect::Ckan,
        file::Dialect::Plain => portal::Dialect::Plain,
        file::Dialect::Transparent if !entry.dangerous_transparent => {
            return Err(format!(
                "portals.{id}: a `transparent` portal gets everything clients send, and browsers \
                 obey everything it sends: only for an origin server of your own, with \
                 `dangerous_transparent: true`"
            ));
        }
        file::Dialect::Transparent => portal::Dialect::Transparent,
    };
    let ask = match entry.ask {
        None => dialect.ask(),
        Some(file::Ask::Json) => portal::Ask::Json,
        Some(file::Ask::Jsonp) if dialect.callback_parameter().is_none() => {
            return Err(format!("portals.{id}: a `{dialect}` portal cannot be asked for JSONP"));
        }
        Some(file::Ask::Jsonp) => portal::Ask::Jsonp,
    };
    let fields = fields(&id, dialect, entry.fields)?;
    let base = dialect_terms(defaults, dialect, &fields);
    let at = format!("portals.{id}");
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
    let dropped = || dialect.drop_query().iter().map(ToString::to_string).collect();
    Ok(portal::Portal {
        callback: callback_name(&id)?,
        id,
        title: entry.title,
        home: entry.home.map(|url| url.0.0),
        base: entry.base.0,
        dialect,
        ask,
        drop_query: entry.drop_query.unwrap_or_else(dropped),
        fields,
        downloads: entry.downloads.into_iter().map(|rule| rule.0).collect(),
        allow_cidr: entry.allow_cidr.into_iter().map(|range| range.0.0).collect(),
        licence: entry.licence,
        attribution: entry.attribution,
        terms: Arc::new(own),
        routes,
    })
}

/// The terms that a portal of a dialect begins with.
fn dialect_terms(defaults: &Terms, dialect: portal::Dialect, fields: &FieldRules) -> Terms {
    let mut base = defaults.clone();
    if dialect != portal::Dialect::Ckan {
        // Where the portal decides freshness, only what is said of this very portal may add to it.
        base.freshness.default = None;
        base.freshness.stale_while_revalidate = None;
    }
    if dialect == portal::Dialect::Transparent {
        // An operator's own origin server gets every request, and clients get what it says.
        base.limits.failures = 0;
    }
    // What passes is of no use to a page that may not read it.
    let cors = std::mem::take(&mut base.cors);
    base.cors = match dialect {
        portal::Dialect::Transparent => cors.exposing_all().with_any_method(),
        _ if fields.any_response => cors.exposing_all(),
        _ => cors.exposing(&fields.response),
    };
    base
}

/// The disk tier as far as it is said.
fn disk(written: Option<file::DiskOrNot>) -> Result<super::Disk, String> {
    let default = super::Disk::default();
    let written = match written {
        None => return Ok(default),
        Some(file::DiskOrNot::Not(false)) => return Ok(super::Disk { off: true, ..default }),
        Some(file::DiskOrNot::Not(true)) => file::Disk::default(),
        Some(file::DiskOrNot::Disk(disk)) => disk,
    };
    let size = written.size.map_or(default.size, |size| size.0);
    if size < super::SMALLEST_DISK {
        return Err(format!(
            "cache.disk.size is below {} MiB, which would hold next to nothing: give it more, or \
             write `disk: false`",
            super::SMALLEST_DISK >> 20
        ));
    }
    let share = written.share.unwrap_or(default.share);
    if !(1..=100).contains(&share) {
        return Err("cache.disk.share is a percentage, from 1 to 100".to_owned());
    }
    Ok(super::Disk { off: false, path: written.path, size, share })
}

/// The fields an entry lets through, which only a `plain` portal can have: CKAN's answers are made
/// anew, and a `transparent` portal's pass anyway.
fn fields(
    id: &PortalId,
    dialect: portal::Dialect,
    written: Option<file::Fields>,
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

fn terms(
    base: &Terms,
    over: &section::Freshness,
    limits_over: &section::Limits,
    cors_over: &section::Cors,
    at: &str,
) -> Result<Terms, String> {
    Ok(Terms {
        freshness: freshness(&base.freshness, over),
        limits: limits(&base.limits, limits_over),
        cors: cors(&base.cors, cors_over, &format!("{at}.cors"))?,
    })
}

fn freshness(base: &portal::Freshness, over: &section::Freshness) -> portal::Freshness {
    let time = |over: Option<Time>| over.map(|time| time.0);
    portal::Freshness {
        default: time(over.default).or(base.default),
        not_found: time(over.not_found).unwrap_or(base.not_found),
        error: time(over.error).unwrap_or(base.error),
        stale_while_revalidate: time(over.stale_while_revalidate).or(base.stale_while_revalidate),
        stale_if_error: time(over.stale_if_error).unwrap_or(base.stale_if_error),
    }
}

fn limits(base: &upstream::Limits, over: &section::Limits) -> upstream::Limits {
    let time = |over: Option<Time>, base| over.map_or(base, |time| time.0);
    upstream::Limits {
        json_bytes: size(over.json_bytes, base.json_bytes),
        file_bytes: over.file_bytes.map_or(base.file_bytes, |size| size.0),
        ratio: over.ratio.unwrap_or(base.ratio),
        field_bytes: size(over.field_bytes, base.field_bytes),
        connect_time: time(over.connect_time, base.connect_time),
        first_byte_time: time(over.first_byte_time, base.first_byte_time),
        idle_time: time(over.idle_time, base.idle_time),
        buffer_time: time(over.buffer_time, base.buffer_time),
        total_time: time(over.total_time, base.total_time),
        redirects: over.redirects.unwrap_or(base.redirects),
        // More permits than a semaphore has are as good as all of them.
        concurrency: over.concurrency.unwrap_or(base.concurrency).min(Semaphore::MAX_PERMITS),
        queue: over.queue.unwrap_or(base.queue),
        failures: over.failures.unwrap_or(base.failures),
    }
}

fn cors(base: &cors::Policy, over: &section::Cors, at: &str) -> Result<cors::Policy, String> {
    let origins = over.origins.as_ref().map_or(base.origins(), |OriginRules(rules)| rules);
    let credentials = over.credentials.unwrap_or(base.credentials());
    let max_age = over.max_age.map_or(base.max_age(), |time| time.0);
    base.refined(origins.clone(), credentials, max_age).map_err(|error| format!("{at}: {error}"))
}

/// The times in which a client must do something cannot be zero.
fn check_server(server: &file::Server) -> Result<(), String> {
    let times = [
        ("header_time", server.header_time),
        ("idle_time", server.idle_time),
        ("stall_time", server.stall_time),
        ("connection_time", server.connection_time),
        ("content_time", server.content_time),
    ];
    match times.iter().find(|(_, time)| time.is_some_and(|time| time.0.is_zero())) {
        None if server.connections == Some(0) => {
            Err("server.connections is zero, which would let nobody in".to_owned())
        }
        None => Ok(()),
        Some((name, _)) => Err(format!("server.{name} is zero, which would let nothing through")),
    }
}

fn admin(written: &file::Admin) -> Admin {
    let base = Admin::default();
    Admin {
        listen: written.listen.as_ref().map_or(base.listen, |listen| listen.0.0),
        token_file: written.token_file.clone(),
    }
}

fn server_limits(server: &file::Server) -> server::Limits {
    let base = server::Limits::default();
    let time = |over: Option<Time>, base| over.map_or(base, |time| time.0);
    server::Limits {
        connections: server.connections.map_or(base.connections, |n| (n as usize).max(1)),
        header_time: time(server.header_time, base.header_time),
        idle_time: time(server.idle_time, base.idle_time),
        stall_time: time(server.stall_time, base.stall_time),
        connection_time: time(server.connection_time, base.connection_time),
        drain_time: time(server.drain_time, base.drain_time),
        ..base
    }
}

fn size(over: Option<Size>, base: usize) -> usize {
    over.map_or(base, |size| usize::try_from(size.0).unwrap_or(usize::MAX))
}
