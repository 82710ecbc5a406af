//! Sockets that whoever starts the process has opened for it (systemd's socket activation: `LISTEN_FDS`).
//! They stay open while one process ends and the next one begins, so that nobody is turned away.

use listenfd::ListenFd;
use tokio::net::TcpListener;

/// The sockets, in their order: the gateway's, and that of the redirect to TLS.
pub(super) struct Inherited(ListenFd);

impl Inherited {
    /// What this process was given.
    pub(super) fn new() -> Self {
        Self(ListenFd::from_env())
    }

    /// The socket of this number, if there is one.
    pub(super) fn take(&mut self, number: usize) -> Result<Option<TcpListener>, String> {
        let listener = self.0.take_tcp_listener(number).and_then(|listener| {
            let Some(listener) = listener else { return Ok(None) };
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener).map(Some)
        });
        listener.map_err(|error| {
            format!("the socket {number} that was handed over (LISTEN_FDS) cannot be used: {error}")
        })
    }
}
