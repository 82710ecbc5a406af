//! The administration listener's two options, as `serve` and `demo` take them, and where its token
//! is found. What the listener answers is the server's.

use std::io::Read as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use tokio::net::TcpListener;

use crate::config;
use crate::server::Token;

use super::compose::{Composed, listen};

/// The longest token file, in bytes; a token has a hundred at most.
const FILE_BYTES: u64 = 4096;

/// Options of the administration listener.
#[derive(Debug, Args)]
pub(super) struct AdminOptions {
    /// Address and port of the administration listener, instead of the registry's
    /// [default: 127.0.0.1:8081]; it listens when there is a token
    #[arg(long, value_name = "ADDRESS", env = "UNPAD_ADMIN_LISTEN")]
    admin_listen: Option<SocketAddr>,
    /// A file with the token that administration needs, instead of the registry's
    #[arg(long, value_name = "FILE", env = "UNPAD_ADMIN_TOKEN_FILE")]
    admin_token_file: Option<PathBuf>,
}

impl AdminOptions {
    /// Lays the options over what the registry says.
    pub(super) fn over(&self, configured: Option<config::Admin>) -> Option<config::Admin> {
        if self.admin_listen.is_none() && self.admin_token_file.is_none() {
            return configured;
        }
        let mut admin = configured.unwrap_or_default();
        admin.listen = self.admin_listen.unwrap_or(admin.listen);
        admin.token_file = self.admin_token_file.clone().or(admin.token_file);
        Some(admin)
    }

    /// Begins to listen, if there is a token.
    pub(super) async fn listen(
        &self,
        configured: Option<config::Admin>,
    ) -> Result<Option<(TcpListener, Token)>, String> {
        let told = configured.is_some();
        let admin = configured.unwrap_or_default();
        // What is said on the command line counts more than the environment, and that more than
        // the registry.
        let file = admin.token_file.as_deref();
        let found = find_token(self.admin_token_file.as_deref(), file)?;
        let Some((text, source)) = found else {
            if told {
                tracing::warn!(
                    "administration is off: it is configured and has no token; write one of at \
                     least 32 characters into a file and name it as `server.admin.token_file`, or \
                     set UNPAD_ADMIN_TOKEN"
                );
            }
            return Ok(None);
        };
        let token = Token::new(&text).map_err(|why| format!("{source}: {why}"))?;
        Ok(Some((listen(admin.listen, "--admin-listen", 8082).await?, token)))
    }
}

/// Adds the administration to what is served, and tells where it is.
pub(super) fn administer(
    composed: Composed,
    admin: Option<(TcpListener, Token)>,
) -> Result<Composed, String> {
    let Some((listener, token)) = admin else { return Ok(composed) };
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    super::print(format!("Administration, with its token: http://{address}/\n").as_bytes())?;
    composed.administered(listener, token).map_err(|error| error.to_string())
}

/// The token and where it was found: in `first`, the environment, or `last`.
pub(super) fn find_token(
    first: Option<&Path>,
    last: Option<&Path>,
) -> Result<Option<(String, String)>, String> {
    if let Some(file) = first {
        return read_token(file).map(Some);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the command line would read it only for a flag, and flags stand in process lists"
    )]
    let given = std::env::var("UNPAD_ADMIN_TOKEN").ok().filter(|token| !token.trim().is_empty());
    match given {
        Some(token) => Ok(Some((token.trim().to_owned(), "UNPAD_ADMIN_TOKEN".to_owned()))),
        None => last.map(read_token).transpose(),
    }
}

fn read_token(path: &Path) -> Result<(String, String), String> {
    let name = path.display();
    let unreadable =
        |error: std::io::Error| format!("{name}: the token file cannot be read: {error}");
    let file = std::fs::File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.permissions().mode() & 0o007 != 0 {
        tracing::warn!(
            "{name}: everybody on this machine can read the administration token: `chmod 600 {name}`"
        );
    }
    let mut text = String::new();
    file.take(FILE_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    match text.trim() {
        "" => Err(format!(
            "{name}: the token file is empty: write a token of at least 32 characters into it, \
             such as `openssl rand -hex 32` makes"
        )),
        token => Ok((token.to_owned(), name.to_string())),
    }
}
