//! Reading the registry again while requests go on: on SIGHUP, and when administration asks for it.
//! What it means for the portals is the gateway's; what cannot change is told here.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Mutex, Notify};

use crate::config::{self, Config};
use crate::server::{self, Live, Reloaded, Tls};
use crate::upstream::Clients;

/// Reads the configuration again, flags laid over it.
pub(super) type Source = Arc<dyn Fn() -> Result<Config, String> + Send + Sync>;

/// Puts another registry in place of the one that is served.
pub(super) struct Reloader {
    live: Arc<Live>,
    clients: Clients,
    tls: Option<Arc<Tls>>,
    fixed: Fixed,
    source: OnceLock<Source>,
    /// One reload after the other.
    turn: Mutex<()>,
}

/// What a running process cannot change.
struct Fixed {
    listen: SocketAddr,
    admin: Option<config::Admin>,
    tls: Option<config::Tls>,
    cache: (u64, config::Disk, Duration),
    limits: server::Limits,
    public_url: Option<url::Url>,
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloader")
            .field("reloads", &self.source.get().is_some())
            .finish_non_exhaustive()
    }
}

impl Reloader {
    /// Reloads what `live` serves, which was made of `config`.
    pub(super) fn new(
        live: Arc<Live>,
        clients: Clients,
        tls: Option<Arc<Tls>>,
        config: &Config,
    ) -> Self {
        Self {
            live,
            clients,
            tls,
            fixed: Fixed::of(config),
            source: OnceLock::new(),
            turn: Mutex::default(),
        }
    }

    /// From now on there is something to read again.
    pub(super) fn read_from(&self, source: Source) {
        // The first one stays.
        let _ = self.source.set(source);
    }

    /// Reads the registry again.
    ///
    /// # Errors
    /// A sentence that says why everything stays as it is.
    pub(super) async fn reload(&self) -> Result<Reloaded, String> {
        let _turn = self.turn.lock().await;
        let reloaded = self.try_reload().await;
        match &reloaded {
            Ok(reloaded) => {
                let Reloaded { portals, changes, notices } = reloaded;
                for notice in notices {
                    tracing::warn!("{notice}");
                }
                let (added, removed) = (changes.added.len(), changes.removed.len());
                let changed = changes.changed.len();
                tracing::info!(portals, added, removed, changed, "the registry was read again");
            }
            Err(why) => {
                self.live.note_refused_reload();
                tracing::error!("the registry stays as it was: {why}");
            }
        }
        reloaded
    }

    async fn try_reload(&self) -> Result<Reloaded, String> {
        let Some(source) = self.source.get().cloned() else {
            return Err("there is nothing to read again: no registry is served (`unpad demo` and \
                        `--portal` have none); start `unpad serve --config FILE` for one"
                .to_owned());
        };
        // A file may lie on a disk that is slow.
        let config = tokio::task::spawn_blocking(move || source())
            .await
            .map_err(|_| "the registry could not be read: this is a bug".to_owned())??;
        let mut notices = self.fixed.differences(&Fixed::of(&config));
        notices.extend(config.notices);
        if let Some(tls) = self.tls.clone() {
            let refreshed = tokio::task::spawn_blocking(move || tls.refresh()).await;
            if let Ok(Err(why)) = refreshed {
                notices.push(format!("the certificate stays as it was: {why}"));
            }
        }
        let portals = config.registry.iter().count();
        let changes = self.live.swap(
            |gateway| gateway.reloaded(&config.registry, &self.clients, config.cache.buffer),
            config.server,
        );
        Ok(Reloaded { portals, changes, notices })
    }
}

impl Fixed {
    fn of(config: &Config) -> Self {
        Self {
            listen: config.listen,
            admin: config.admin.clone(),
            tls: config.tls.clone(),
            cache: (config.cache.memory, config.cache.disk.clone(), config.cache.patience),
            limits: config.server_limits.clone(),
            public_url: config.server.public_url.clone(),
        }
    }

    /// What another configuration says and this process does not do.
    fn differences(&self, other: &Self) -> Vec<String> {
        let differs = [
            ("server.listen", self.listen != other.listen),
            ("server.admin", self.admin != other.admin),
            ("server.tls (files and redirect)", self.tls != other.tls),
            ("server (its limits)", self.limits != other.limits),
            ("cache (memory, disk, patience)", self.cache != other.cache),
            ("server.public_url (as portals see it)", self.public_url != other.public_url),
        ];
        let names = differs.into_iter().filter(|(_, differs)| *differs);
        names
            .map(|(name, _)| format!("{name} is another: takes effect at the next start"))
            .collect()
    }
}

/// SIGHUPs. From the moment this exists they no longer end the process by themselves.
#[derive(Debug)]
pub(super) struct Hangups {
    signals: Signal,
    had_terminal: bool,
}

impl Hangups {
    /// Begins to listen for SIGHUP.
    pub(super) fn new() -> Result<Self, String> {
        let signals = signal(SignalKind::hangup())
            .map_err(|error| format!("signals cannot be listened for: {error}"))?;
        Ok(Self { signals, had_terminal: std::io::stderr().is_terminal() })
    }

    /// Reloads at each, until `gone` is notified because the terminal is.
    ///
    /// SIGHUP says two things: that the configuration is to be read again, and, of old, that the
    /// terminal is gone. A process that was started on a terminal ends with it.
    pub(super) fn reload(mut self, reloader: Arc<Reloader>, gone: Arc<Notify>) {
        tokio::spawn(async move {
            while self.signals.recv().await.is_some() {
                if self.had_terminal && !std::io::stderr().is_terminal() {
                    gone.notify_one();
                    return;
                }
                // It has said what came of it.
                let _ = reloader.reload().await;
            }
        });
    }
}
