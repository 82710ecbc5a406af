//! `portals.yaml`: the registry and the only configuration file. It turns text into the other
//! rooms' option types, checks everything once, and is imported by the commands alone.
//!
//! Layers refine each other: built-in defaults, `defaults`, a portal, one of its routes. What an
//! operator wrote wins over what a dialect would choose.
//!
//! **Invariant:** what is not understood is refused, with file, line, column and what would be
//! right; nothing is corrected silently.
//!
//! **Invariant:** aliases, anchors and files over [`FILE_BYTES`] are refused: a configuration needs
//! neither, and an alias bomb is made of them.

mod entry;
mod error;
mod file;
mod portal;
mod resolve;
mod section;
mod terms;
mod value;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_saphyr::Options;

use crate::portal::Registry;
use crate::{cors, server};

pub use error::ConfigError;
pub use file::schema;
pub use portal::single_portal;

/// The longest configuration file: 1 MiB, several thousand portals.
pub const FILE_BYTES: u64 = 1 << 20;

/// Everything a configuration file says.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// How to serve.
    pub server: server::Options,
    /// The administration listener, if it is configured.
    pub admin: Option<Admin>,
    /// TLS, if it is spoken.
    pub tls: Option<Tls>,
    /// The limits of the server's side.
    pub server_limits: server::Limits,
    /// The cache.
    pub cache: Cache,
    /// The portals.
    pub registry: Registry,
    /// What was understood but has no effect in this version, as sentences.
    pub notices: Vec<String>,
}

/// TLS for clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificate.
    pub files: server::CertificateFiles,
    /// Where plain HTTP is answered with a redirect.
    pub redirect: Option<SocketAddr>,
}

/// The administration listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Where it listens: 127.0.0.1:8081.
    pub listen: SocketAddr,
    /// The file with its token.
    pub token_file: Option<PathBuf>,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8081)), token_file: None }
    }
}

/// The cache's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cache {
    /// Bytes of memory: 256 MiB.
    pub memory: u64,
    /// The longest file that is held whole in memory: 2 MiB. Longer ones are passed on as they come,
    /// and stored only on the disk.
    pub buffer: usize,
    /// How long requests wait for another's fetch before one of them fetches too: 5 s.
    pub patience: Duration,
    /// Whether what is stored is served without asking any portal.
    pub offline: bool,
    /// The disk tier.
    pub disk: Disk,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            buffer: 2 << 20,
            patience: Duration::from_secs(5),
            offline: false,
            disk: Disk::default(),
        }
    }
}

/// The smallest disk tier: 16 MiB. One entry may take a quarter of it.
pub const SMALLEST_DISK: u64 = 16 << 20;

/// The disk tier as far as it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Whether there is to be none.
    pub off: bool,
    /// Its directory; `None` leaves it to the command.
    pub path: Option<PathBuf>,
    /// The most bytes it may hold: 10 GiB, a catalogue with its tables and many files, and a
    /// fraction of a laptop's disk. Over it, what has not been used for longest goes.
    pub size: u64,
    /// The most that one portal may have of it, in percent, if there are several: 50.
    pub share: u8,
}

impl Default for Disk {
    fn default() -> Self {
        Self { off: false, path: None, size: 10 << 30, share: 50 }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            server: server::Options { cors: cors::Policy::default(), ..Default::default() },
            admin: None,
            tls: None,
            server_limits: server::Limits::default(),
            cache: Cache::default(),
            registry: Registry::default(),
            notices: Vec::new(),
        }
    }
}

/// Reads and checks a configuration file.
///
/// # Errors
/// [`ConfigError`] with the place in the file.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    use std::io::Read as _;
    let name = path.display().to_string();
    let unreadable = |error: std::io::Error| ConfigError::unreadable(&name, &error);
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES {
        return Err(ConfigError::too_long(&name));
    }
    let text = String::from_utf8(bytes).map_err(|_| ConfigError::not_text(&name))?;
    let root = path.parent().unwrap_or(path);
    let mut config = parsed(&name, &text, root)?;
    if let Some(file) = config.admin.as_mut().and_then(|admin| admin.token_file.as_mut()) {
        // Beside the registry, wherever the process was started.
        *file = root.join(&*file);
    }
    if let Some(tls) = &mut config.tls {
        tls.files.certificate = root.join(&tls.files.certificate);
        tls.files.key = root.join(&tls.files.key);
    }
    Ok(config)
}

/// Checks the text of a configuration file; `name` is for messages. Folders are looked for where the
/// process was started.
///
/// # Errors
/// [`ConfigError`] with the place in the text.
pub fn parse(name: &str, text: &str) -> Result<Config, ConfigError> {
    parsed(name, text, Path::new(""))
}

fn parsed(name: &str, text: &str, root: &Path) -> Result<Config, ConfigError> {
    let file: file::File = serde_saphyr::from_str_with_options(text, strict())
        .map_err(|error| ConfigError::of_yaml(name, &error))?;
    resolve::config(file, root).map_err(|sentence| ConfigError::of_meaning(name, sentence))
}

/// Reads a public URL as the file's would be read.
///
/// # Errors
/// A sentence that says what would be right.
pub fn public_url(text: &str) -> Result<url::Url, String> {
    text.parse().map(|value::Link(url)| url)
}

fn strict() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_aliases: 0, max_anchors: 0, max_documents: 1 },
        merge_keys: serde_saphyr::options::MergeKeyPolicy::Error,
        duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::Error,
    }
}

#[cfg(test)]
mod tests;
