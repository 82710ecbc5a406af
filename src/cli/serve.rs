//! `unpad serve`: the gateway to the portals of a registry, or to one portal without one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use ipnet::IpNet;
use url::{Host, Url};

use crate::clock::SystemClock;
use crate::config::{self, Config};
use crate::portal::Registry;
use crate::server::Socket;

use super::admin::{AdminOptions, administer};
use super::compose::{Composed, Signals, listen, run};
use super::log::Log;
use super::reload::Hangups;
use super::sockets::Inherited;
use super::words;

/// Options of `unpad serve`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    unpad serve\n  \
    unpad serve --config /etc/unpad/portals.yaml --listen 0.0.0.0:8080\n  \
    unpad serve --portal https://data.city.example/prefix\n  \
    unpad serve --portal https://data.city.example --at-root\n  \
    unpad serve --offline\n\n\
    SIGHUP reads the registry again. Administration: docs/admin.md; it needs a token.\n\
    UNPAD_ADMIN_TOKEN in the environment holds the token itself.")]
pub(super) struct Serve {
    /// The registry
    #[arg(long, value_name = "FILE", default_value = "portals.yaml", env = "UNPAD_CONFIG")]
    config: PathBuf,
    /// Address and port to listen on, instead of the registry's [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", env = "UNPAD_LISTEN")]
    listen: Option<SocketAddr>,
    /// Serve this CKAN portal alone, without a registry
    ///
    /// An address literal or `localhost` in the URL is its own permission to be dialled.
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    portal: Option<String>,
    /// With --portal: also allow this address range, such as 10.1.0.0/16
    #[arg(long, value_name = "CIDR", requires = "portal")]
    allow_cidr: Vec<IpNet>,
    /// Serve the only portal at / with its own paths, so that it can be put in front of it
    #[arg(long)]
    at_root: bool,
    /// The URL at which clients reach the gateway, instead of the registry's
    #[arg(long, value_name = "URL", env = "UNPAD_PUBLIC_URL", value_parser = config::public_url)]
    public_url: Option<Url>,
    /// Directory of the disk cache, instead of the registry's [default: unpad in the user's cache
    /// directory, such as ~/.cache/unpad]
    #[arg(long, value_name = "DIR", env = "UNPAD_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    /// Keep what is stored in memory only
    #[arg(long, conflicts_with = "offline")]
    no_disk: bool,
    /// Ask no portal: serve what is stored on disk, however old, and nothing else
    #[arg(long)]
    offline: bool,
    #[arg(long, env = "CACHE_DIRECTORY", hide = true)]
    of_service: Option<PathBuf>,
    #[arg(long, env = "XDG_CACHE_HOME", hide = true)]
    of_user: Option<PathBuf>,
    #[arg(long, env = "HOME", hide = true)]
    home: Option<PathBuf>,
    #[command(flatten)]
    admin: AdminOptions,
    #[command(flatten)]
    log: Log,
}

impl Serve {
    /// Serves until the process is asked to end.
    pub(super) fn run(self) -> Result<(), String> {
        self.log.start();
        let mut config = self.config()?;
        run(async {
            let (signals, hangups) = (Signals::new()?, Hangups::new()?);
            let composed = self.composed(&mut config)?;
            let mut inherited = Inherited::new();
            let socket = match inherited.take(0)? {
                Some(listener) => Socket { is_inherited: true, ..listener.into() },
                None => listen(config.listen, "--listen", 8088).await?.into(),
            };
            let redirect = match config.tls.as_ref().and_then(|tls| tls.redirect) {
                Some(at) => match inherited.take(1)? {
                    Some(listener) => Some(listener),
                    None => Some(listen(at, "server.tls.redirect", 8088).await?),
                },
                None => None,
            };
            let mut composed = composed.redirecting(redirect);
            let admin = self.admin.listen(config.admin.clone()).await?;
            let address = socket.listener.local_addr().map_err(|error| error.to_string())?;
            super::print(announcement(&config, address).as_bytes())?;
            if self.portal.is_none() {
                composed = composed.reloading(move || self.config());
            }
            let composed = administer(composed, admin)?;
            hangups.reload(composed.reloader(), signals.terminal_gone());
            composed.serve(socket, signals.asked_to_end()).await;
            Ok(())
        })
    }

    /// Puts the gateway together. A cache directory that nobody named is a convenience, and not having
    /// it is no reason not to serve.
    fn composed(&self, config: &mut Config) -> Result<Composed, String> {
        let clock = Arc::new(SystemClock);
        match Composed::new(config.clone(), clock.clone()) {
            Err(why) if config.cache.disk.path == self.usual_cache_dir() && !self.offline => {
                tracing::warn!("{why}; what is stored is kept in memory only");
                config.cache.disk.off = true;
                Composed::new(config.clone(), clock)
            }
            composed => composed,
        }
    }

    /// The XDG base directory specification: `$XDG_CACHE_HOME`, else `~/.cache`. The one that a
    /// service manager made for this service comes first.
    fn usual_cache_dir(&self) -> Option<PathBuf> {
        let absolute = |path: &&PathBuf| path.is_absolute();
        let of_service = self.of_service.as_ref().filter(absolute).cloned();
        let of_user = self.of_user.as_ref().filter(absolute).cloned();
        let of_home = self.home.as_ref().filter(absolute).map(|home| home.join(".cache"));
        of_service.or_else(|| of_user.or(of_home).map(|caches| caches.join("unpad")))
    }

    fn config(&self) -> Result<Config, String> {
        let mut config = match &self.portal {
            Some(url) => self.without_registry(url)?,
            None => config::load(&self.config).map_err(|error| {
                let missing = !self.config.exists();
                let advice = if missing {
                    "\nName a registry with --config, serve one portal with --portal URL, or try \
                     `unpad demo`."
                } else {
                    ""
                };
                format!("{error}{advice}")
            })?,
        };
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        let disk = &mut config.cache.disk;
        if let Some(path) = &self.cache_dir {
            (disk.off, disk.path) = (false, Some(path.clone()));
        }
        disk.off |= self.no_disk;
        if disk.path.is_none() {
            disk.path = self.usual_cache_dir();
        }
        disk.off |= disk.path.is_none();
        if self.offline && disk.off {
            return Err(
                "--offline serves what is stored on disk, and there is no disk cache: name \
                        its directory with --cache-dir"
                    .to_owned(),
            );
        }
        config.cache.offline = self.offline;
        config.admin = self.admin.over(config.admin);
        if let Some(url) = &self.public_url {
            config.server.public_url = Some(url.clone());
        }
        if self.at_root {
            let mut portals = config.registry.iter();
            match (portals.next(), portals.next()) {
                (Some(only), None) => config.server.at_root = Some(only.id.to_string()),
                _ => {
                    return Err("--at-root serves one portal, and the registry has several: use \
                                --portal URL, or a registry with one entry"
                        .to_owned());
                }
            }
        }
        Ok(config)
    }

    fn without_registry(&self, url: &str) -> Result<Config, String> {
        let mut allowed = self.allow_cidr.clone();
        // Whoever types an address means that address; nothing else becomes reachable.
        if let Ok(url) = Url::parse(url) {
            allowed.extend(own_address(&url));
        }
        let portal =
            config::single_portal(url, allowed).map_err(|why| format!("--portal: {why}"))?;
        Ok(Config { registry: Registry::new(vec![portal]), ..Config::default() })
    }
}

/// The addresses that a URL itself names.
pub(super) fn own_address(url: &Url) -> Vec<IpNet> {
    let addresses: Vec<IpAddr> = match url.host() {
        Some(Host::Ipv4(v4)) => vec![v4.into()],
        Some(Host::Ipv6(v6)) => vec![v6.into()],
        Some(Host::Domain("localhost")) => {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        }
        _ => Vec::new(),
    };
    addresses.into_iter().map(IpNet::from).collect()
}

fn announcement(config: &Config, address: SocketAddr) -> String {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let portals = config.registry.iter().map(|portal| {
        let title = portal.title.as_deref().unwrap_or_default();
        match &config.server.at_root {
            Some(_) => format!("  {scheme}://{address}/ is {title} ({})", portal.base),
            None => format!("  {scheme}://{address}/p/{}/  {title}", portal.id),
        }
    });
    let portals: Vec<_> = portals.collect();
    let many = if portals.len() == 1 { "portal" } else { "portals" };
    let disk = match &config.cache.disk {
        config::Disk { off: false, path: Some(path), size, .. } => {
            format!(" and {} in {}", words::size(*size), path.display())
        }
        _ => String::new(),
    };
    format!(
        "unpad serves {} {many} at {scheme}://{address}/\n{}\nIt keeps up to {} in memory{disk}.\n\
         Ctrl-C ends it.\n",
        portals.len(),
        portals.join("\n"),
        words::size(config.cache.memory),
    )
}
