//! From what is written to what is meant: layers laid over each other, and the checks that need
//! more than one value.

use std::path::Path;

use crate::portal::{self, OpenTargets, Registry, Terms};
use crate::{allowance, cors};
use crate::{server, upstream};

use super::file::{self, File};
use super::portal::{open_targets, portal};
use super::terms::{cors, freshness, limits, size};
use super::value::Time;
use super::{Admin, Cache, Config};

/// What the whole file means.
/// Relative paths begin at `root`.
pub(super) fn config(file: File, root: &Path) -> Result<Config, String> {
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
    let open = file.open_targets.map(|open| open_targets(open, &defaults)).transpose()?;
    if open.is_some() && file.portals.0.iter().any(|(id, _)| id.0.as_str() == OpenTargets::ID) {
        return Err("portals.open: beside `open_targets`, that name is theirs".to_owned());
    }
    let portals = file
        .portals
        .0
        .into_iter()
        .map(|(id, entry)| portal(id.0, entry, &defaults, root))
        .collect::<Result<Vec<_>, _>>()?;
    let defaults = Config::default();
    let server = file.server;
    check_server(&server)?;
    let base = server::Options::default();
    Ok(Config {
        listen: server.listen.as_ref().map_or(defaults.listen, |listen| listen.0.0),
        server: server::Options {
            public_url: server.public_url.as_ref().map(|url| url.0.0.clone()),
            trusted_proxies: server.trusted_proxies.iter().map(|range| range.0.0).collect(),
            clients: clients(&server.clients),
            hsts: server.tls.as_ref().and_then(|tls| Some(tls.hsts?.0)),
            cors,
            at_root: None,
            content_bytes: size(server.content_bytes, base.content_bytes),
            content_time: server.content_time.map_or(base.content_time, |time| time.0),
        },
        admin: server.admin.as_ref().map(admin),
        tls: tls(&server)?,
        server_limits: server_limits(&server),
        cache: Cache {
            memory: file.cache.memory.map_or(defaults.cache.memory, |size| size.0),
            buffer: size(file.cache.buffer, defaults.cache.buffer),
            offline: false,
            disk: disk(file.cache.disk)?,
            patience: file.cache.patience.map_or(defaults.cache.patience, |time| time.0),
        },
        registry: Registry::new(portals).opening(open),
        notices,
    })
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
        None => check_figures(server),
        Some((name, _)) => Err(format!("server.{name} is zero, which would let nothing through")),
    }
}

/// Figures that let somebody in cannot be zero.
fn check_figures(server: &file::Server) -> Result<(), String> {
    let clients = &server.clients;
    let figures = [
        ("connections", server.connections),
        ("clients.rate", clients.rate),
        ("clients.burst", clients.burst),
        ("clients.fetches", clients.fetches),
        ("clients.connections", clients.connections),
    ];
    match figures.iter().find(|(_, figure)| *figure == Some(0)) {
        None => Ok(()),
        Some((name, _)) => Err(format!("server.{name} is zero, which would let nobody in")),
    }
}

fn admin(written: &file::Admin) -> Admin {
    let base = Admin::default();
    Admin {
        listen: written.listen.as_ref().map_or(base.listen, |listen| listen.0.0),
        token_file: written.token_file.clone(),
    }
}

/// TLS, and where it is pointed to from.
fn tls(server: &file::Server) -> Result<Option<super::Tls>, String> {
    let Some(written) = &server.tls else { return Ok(None) };
    let public = server.public_url.as_ref().map(|url| url.0.0.scheme());
    if written.redirect.is_some() && public != Some("https") {
        return Err(
            "server.tls.redirect leads to `server.public_url`, which has to be an https URL: \
                    `Host` is never trusted for it"
                .to_owned(),
        );
    }
    Ok(Some(super::Tls {
        files: server::CertificateFiles {
            certificate: written.certificate.clone(),
            key: written.key.clone(),
        },
        redirect: written.redirect.as_ref().map(|address| address.0.0),
    }))
}

fn clients(written: &file::Clients) -> allowance::Options {
    let base = allowance::Options::default();
    let figure = |over: Option<u32>, base| over.map_or(base, |figure| figure as usize);
    allowance::Options {
        rate: written.rate.unwrap_or(base.rate),
        burst: written.burst.unwrap_or(base.burst),
        fetches: figure(written.fetches, base.fetches),
        connections: figure(written.connections, base.connections),
        exempt: match &written.exempt {
            Some(networks) => networks.iter().map(|network| network.0.0).collect(),
            None => base.exempt,
        },
    }
}

fn server_limits(server: &file::Server) -> server::Limits {
    let (base, clients) = (server::Limits::default(), clients(&server.clients));
    let time = |over: Option<Time>, base| over.map_or(base, |time| time.0);
    server::Limits {
        connections: server.connections.map_or(base.connections, |n| (n as usize).max(1)),
        client_connections: clients.connections,
        exempt: server
            .trusted_proxies
            .iter()
            .map(|range| range.0.0)
            .chain(clients.exempt)
            .collect(),
        header_time: time(server.header_time, base.header_time),
        idle_time: time(server.idle_time, base.idle_time),
        stall_time: time(server.stall_time, base.stall_time),
        connection_time: time(server.connection_time, base.connection_time),
        leave_time: time(server.leave_time, base.leave_time),
        drain_time: time(server.drain_time, base.drain_time),
        ..base
    }
}
