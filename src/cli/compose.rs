//! From a configuration to a running server: the composition root.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cache::{Cache, Memory};
use crate::clock::Clock;
use crate::config::Config;
use crate::gateway::Gateway;
use crate::server::{self, Service};
use crate::upstream::Clients;

/// How often the memory tier evicts what is over its capacity.
const UPKEEP: Duration = Duration::from_secs(1);

/// How long the process waits for threads that hang in system calls before it ends.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Descriptors kept for files, upstream connections and the process itself, if there are so many.
const SPARE_DESCRIPTORS: u64 = 256;

/// A gateway, put together and ready to serve.
#[derive(Debug)]
pub struct Composed {
    service: Arc<Service>,
    memory: Memory,
    limits: server::Limits,
}

impl Composed {
    /// Puts a gateway together.
    #[must_use]
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Self {
        for notice in &config.notices {
            tracing::warn!("{notice}");
        }
        let contact = config.server.public_url.as_ref().map(url::Url::as_str);
        let (clients, missing) = Clients::new(contact);
        if let Some(missing) = missing {
            tracing::warn!("{missing}");
        }
        let memory = Memory::new(config.cache.memory);
        let cache = Cache::new(vec![Arc::new(memory.clone())], Arc::clone(&clock));
        let gateway = Gateway::new(
            &config.registry,
            &clients,
            cache,
            Arc::clone(&clock),
            config.cache.buffer,
        );
        let service = Service::new(gateway, memory.clone(), clock, config.server);
        Self { service, memory, limits: within_descriptors(config.server_limits) }
    }

    /// Serves until `stop` resolves and the answers under way have ended.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let memory = self.memory;
        let upkeep = tokio::spawn(async move {
            let mut tick = tokio::time::interval(UPKEEP);
            loop {
                tick.tick().await;
                memory.upkeep();
            }
        });
        server::serve(self.service, listener, self.limits, stop).await;
        upkeep.abort();
    }
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

/// Listens, or says what is in the way.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| {
        let advice = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                ": something else listens there; choose another port with --listen, such as \
                 `--listen 127.0.0.1:8088` (port 0 takes any free one)"
            }
            std::io::ErrorKind::PermissionDenied => {
                ": ports below 1024 need a privilege; choose a higher one with --listen"
            }
            _ => "",
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
}

impl Signals {
    /// Begins to listen for SIGTERM and Ctrl-C.
    pub(super) fn new() -> Result<Self, String> {
        let listen =
            |kind| signal(kind).map_err(|error| format!("signals cannot be listened for: {error}"));
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    /// Resolves at the first; a second one ends the process at once.
    pub(super) async fn asked_to_end(mut self) {
        self.next().await;
        tracing::info!("ending: no new connections; answers under way are finished");
        tokio::spawn(async move {
            self.next().await;
            tracing::warn!("ending at once");
            // A second signal means now.
            std::process::exit(130);
        });
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
