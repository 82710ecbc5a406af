//! From a configuration to a running server: the composition root.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};

use crate::cache::disk::{self, Disk};
use crate::cache::{Cache, DiskTier, Memory, Tiers};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::gateway::Gateway;
use crate::server::{self, Admin, Ending, Live, Service, Socket, Tls, ToTls, Token};
use crate::upstream::Clients;

use super::reload::Reloader;

/// How often the memory tier evicts what is over its capacity.
const UPKEEP: Duration = Duration::from_secs(1);

/// How long the process waits for threads that hang in system calls before it ends.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// How long the end waits for what is being written to the disk tier; the rest is only not cached.
const FLUSH_TIME: Duration = Duration::from_secs(5);

/// Descriptors kept for files, upstream connections and the process itself, if there are so many.
const SPARE_DESCRIPTORS: u64 = 256;

/// Connections to the administration at once, and to the redirect to TLS. Over it new ones wait in
/// the kernel's queue.
const BESIDE_CONNECTIONS: usize = 64;

/// A gateway, put together and ready to serve.
#[derive(Debug)]
pub struct Composed {
    live: Arc<Live>,
    tiers: Tiers,
    limits: server::Limits,
    reloader: Arc<Reloader>,
    admin: Option<(TcpListener, Arc<Admin>)>,
    tls: Option<Arc<Tls>>,
    redirect: Option<TcpListener>,
}

impl Composed {
    /// Puts a gateway together, with nothing to reload and without administration. There is a disk
    /// tier if its path is said.
    ///
    /// # Errors
    /// A sentence that says why the disk tier or the certificate cannot be opened.
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, String> {
        for notice in &config.notices {
            tracing::warn!("{notice}");
        }
        let contact = config.server.public_url.as_ref().map(url::Url::as_str);
        let (clients, missing) = Clients::new(contact);
        if let Some(missing) = missing {
            tracing::warn!("{missing}");
        }
        let memory = Memory::new(config.cache.memory);
        let disk = open_disk(&config.cache, &clock)?;
        let patience = config.cache.patience;
        let tiers = Tiers { memory, disk };
        let cache = Cache::new(tiers.clone(), patience, Arc::clone(&clock));
        let gateway = Gateway::new(
            &config.registry,
            &clients,
            cache,
            Arc::clone(&clock),
            config.cache.buffer,
            config.cache.offline,
        );
        let options = config.server.clone();
        let files = config.tls.as_ref().map(|tls| tls.files.clone());
        let tls = files.map(Tls::new).transpose()?;
        let live = Live::new(Service::new(gateway, tiers.clone(), clock, options));
        let reloader = Arc::new(Reloader::new(Arc::clone(&live), clients, tls.clone(), &config));
        let limits = within_descriptors(config.server_limits);
        Ok(Self { live, tiers, limits, reloader, admin: None, tls, redirect: None })
    }

    /// A reload reads the configuration from `source`, which says in a sentence what is wrong with
    /// it.
    #[must_use]
    pub fn reloading(
        self,
        source: impl Fn() -> Result<Config, String> + Send + Sync + 'static,
    ) -> Self {
        self.reloader.read_from(Arc::new(source));
        self
    }

    /// Serves the administration too.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn administered(mut self, listener: TcpListener, token: Token) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let reloader = Arc::clone(&self.reloader);
        let reload: server::Reload = Arc::new(move || {
            let reloader = Arc::clone(&reloader);
            Box::pin(async move { reloader.reload().await })
        });
        let admin = Admin::new(Arc::clone(&self.live), token, address, reload);
        self.admin = Some((listener, admin));
        Ok(self)
    }

    /// Answers plain HTTP at another listener with where the gateway is by TLS.
    #[must_use]
    pub fn redirecting(self, listener: Option<TcpListener>) -> Self {
        Self { redirect: listener, ..self }
    }

    /// What reads the registry again.
    pub(super) fn reloader(&self) -> Arc<Reloader> {
        Arc::clone(&self.reloader)
    }

    /// Serves until `stop` resolves and the answers under way have ended.
    pub async fn serve(self, socket: impl Into<Socket>, stop: impl Future<Output = Ending>) {
        let upkeep = tokio::spawn(keep_up(self.tiers.memory.clone(), self.tls.clone()));
        let (ending, ended) = watch::channel(None);
        let stop = async move {
            let how = stop.await;
            ending.send_replace(Some(how));
            how
        };
        let socket = Socket { tls: self.tls, ..socket.into() };
        let few = server::Limits { connections: BESIDE_CONNECTIONS, ..self.limits.clone() };
        let redirection = beside(
            self.redirect.map(|at| (at, ToTls::new(Arc::clone(&self.live)))),
            few.clone(),
            ended.clone(),
        );
        let few = server::Limits { client_connections: BESIDE_CONNECTIONS, ..few };
        let administration = beside(self.admin, few, ended);
        let serving = server::serve(self.live, socket, self.limits, stop);
        tokio::join!(serving, administration, redirection);
        upkeep.abort();
        if let Some(disk) = self.tiers.disk
            && tokio::time::timeout(FLUSH_TIME, disk.flush()).await.is_err()
        {
            tracing::warn!("the disk cache is slow: what was not written yet is lost");
        }
    }
}

/// What goes on beside requests.
async fn keep_up(memory: Memory, tls: Option<Arc<Tls>>) {
    let evicting = async {
        let mut tick = tokio::time::interval(UPKEEP);
        loop {
            tick.tick().await;
            memory.upkeep();
        }
    };
    match tls {
        Some(tls) => tokio::join!(evicting, tls.watch()).0,
        None => evicting.await,
    }
}

/// Serves another listener, if there is one, until the first one ends.
async fn beside<H: server::Handler>(
    what: Option<(TcpListener, Arc<H>)>,
    limits: server::Limits,
    mut ended: watch::Receiver<Option<Ending>>,
) {
    let Some((listener, handler)) = what else { return };
    let stop = async move {
        let how = ended.wait_for(Option::is_some).await;
        how.ok().and_then(|how| *how).unwrap_or(Ending::AtOnce)
    };
    server::serve(handler, listener.into(), limits, stop).await;
}

/// Opens the disk tier, if its path is said.
fn open_disk(cache: &config::Cache, clock: &Arc<dyn Clock>) -> Result<Option<DiskTier>, String> {
    let config::Disk { off: false, path: Some(path), size, share } = &cache.disk else {
        return Ok(None);
    };
    let mut options = disk::Options::new(path.clone(), *size);
    options.share = *share;
    options.whole = cache.buffer as u64;
    let opened = Disk::open(options, Arc::clone(clock)).map_err(|error| error.to_string())?;
    Ok(Some(DiskTier::new(opened, Arc::clone(clock))))
}

/// Runs a command to its end. A thread that hangs in a system call, such as a name look-up, does
/// not hold up the end of the process.
pub(super) fn run(command: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the runtime cannot be started: {error}"))?;
    let result = runtime.block_on(command);
    runtime.shutdown_timeout(LAST_MOMENT);
    result
}

/// Connections that have been made and wait to be accepted: 4,096, more than a class or a load test opens in a
/// moment. Over it a client's first packet is lost, and it tries again after a second.
const BACKLOG: u32 = 4096;

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Connections of a process that has ended do not keep the next one from listening.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Listens, or says what is in the way, and with which flag and port it is avoided.
pub(super) async fn listen(
    address: SocketAddr,
    flag: &str,
    port: u16,
) -> Result<TcpListener, String> {
    bind(address).map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AddrInUse => format!(
                ": something else listens there; choose another port with {flag}, such as \
                 `{flag} 127.0.0.1:{port}` (port 0 takes any free one)"
            ),
            std::io::ErrorKind::PermissionDenied => {
                format!(": ports below 1024 need a privilege; choose a higher one with {flag}")
            }
            _ => String::new(),
        };
        format!("cannot listen on {address} ({error}){advice}")
    })
}

/// As many connections as there are descriptors for.
fn within_descriptors(mut limits: server::Limits) -> server::Limits {
    // The soft limit is often 1,024 for the sake of programs that use select(2); this is none.
    let Ok(most) = rlimit::increase_nofile_limit(u64::MAX) else { return limits };
    let spare = SPARE_DESCRIPTORS.min(most / 2);
    let connections = usize::try_from(most - spare).unwrap_or(usize::MAX);
    if connections < limits.connections {
        limits.connections = connections.max(1);
        tracing::warn!(connections, "connections are limited by the descriptors (ulimit -n)");
    }
    limits
}

/// The signals that ask the process to end. From the moment this exists they no longer end it by
/// themselves.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    terminal_gone: Arc<Notify>,
}

impl Signals {
    /// Begins to listen for SIGTERM and Ctrl-C.
    pub(super) fn new() -> Result<Self, String> {
        let listen =
            |kind| signal(kind).map_err(|error| format!("signals cannot be listened for: {error}"));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            terminal_gone: Arc::default(),
        })
    }

    /// Notified, it asks the process to end because its terminal is gone.
    pub(super) fn terminal_gone(&self) -> Arc<Notify> {
        Arc::clone(&self.terminal_gone)
    }

    /// Resolves at the first; a second one ends the process at once.
    pub(super) async fn asked_to_end(mut self) -> Ending {
        let ending = self.next().await;
        tracing::info!("ending: answers under way are finished");
        tokio::spawn(async move {
            self.next().await;
            tracing::warn!("ending at once");
            // A second signal means now.
            std::process::exit(130);
        });
        ending
    }

    /// SIGTERM is a service manager's, behind which others may still send requests; the others are of
    /// somebody who waits at a terminal.
    async fn next(&mut self) -> Ending {
        tokio::select! {
            _ = self.interrupt.recv() => Ending::AtOnce,
            _ = self.terminate.recv() => Ending::Announced,
            () = self.terminal_gone.notified() => Ending::AtOnce,
        }
    }
}
