//! TLS with certificate files, which are read again when they change. It issues no certificates.
//!
//! **Invariant:** a certificate that cannot be used never replaces one that can.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::deadline::Deadlined;

/// How often the files are looked at: every 10 s. They are small, and a certificate is renewed days
/// before the old one ends.
const LOOK: Duration = Duration::from_secs(10);

/// The longest certificate or key file: 1 MiB. Over it, it is none.
const FILE_BYTES: u64 = 1 << 20;

/// The files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate and those that lead to the root, in PEM.
    pub certificate: PathBuf,
    /// Its private key, in PEM.
    pub key: PathBuf,
}

/// TLS for connections that come in, with HTTP/2 where the client knows it (RFC 7301).
pub struct Tls {
    acceptor: TlsAcceptor,
    presented: Arc<Presented>,
}

/// The certificate of the moment.
#[derive(Debug)]
struct Presented {
    files: CertificateFiles,
    provider: Arc<CryptoProvider>,
    // Held for the time of a reference count.
    current: RwLock<(Vec<u8>, Arc<CertifiedKey>)>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("files", &self.presented.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// TLS with the certificate in these files.
    ///
    /// # Errors
    /// A sentence that says why they cannot be used.
    pub fn new(files: CertificateFiles) -> Result<Arc<Self>, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let current = RwLock::new(read(&files, &provider)?);
        let presented = Arc::new(Presented { files, provider: Arc::clone(&provider), current });
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&presented) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(Self { acceptor: Arc::new(config).into(), presented }))
    }

    /// Reads the files again, and says whether something has changed.
    ///
    /// # Errors
    /// A sentence that says why the certificate stays as it was.
    pub fn refresh(&self) -> Result<bool, String> {
        let read = read(&self.presented.files, &self.presented.provider)?;
        let mut current = self.presented.current.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = current.0 != read.0;
        if is_new {
            *current = read;
        }
        Ok(is_new)
    }

    /// Looks for a new certificate again and again; never resolves.
    pub async fn watch(self: Arc<Self>) {
        let mut looks = tokio::time::interval(LOOK);
        let mut told = None;
        loop {
            looks.tick().await;
            let tls = Arc::clone(&self);
            let refreshed = tokio::task::spawn_blocking(move || tls.refresh()).await;
            match refreshed.unwrap_or_else(|error| Err(error.to_string())) {
                Ok(true) => tracing::info!("the certificate was read again"),
                Ok(false) => {}
                Err(why) if told.as_ref() == Some(&why) => continue,
                Err(why) => {
                    tracing::error!("the certificate stays as it was: {why}");
                    told = Some(why);
                    continue;
                }
            }
            told = None;
        }
    }

    pub(super) async fn accept(&self, stream: Deadlined) -> io::Result<TlsStream<Deadlined>> {
        self.acceptor.accept(stream).await
    }
}

impl ResolvesServerCert for Presented {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current.1))
    }
}

/// The certificate and its key, with the bytes they were read from.
fn read(
    files: &CertificateFiles,
    provider: &CryptoProvider,
) -> Result<(Vec<u8>, Arc<CertifiedKey>), String> {
    let mut bytes = bytes(&files.certificate)?;
    let key = self::bytes(&files.key)?;
    let of = |path: &Path, why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| of(&files.certificate, &error))?;
    if chain.is_empty() {
        return Err(of(&files.certificate, &"there is no certificate in it (PEM is wanted)"));
    }
    let private = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|error| of(&files.key, &format!("there is no private key in it: {error}")))?;
    let certified = CertifiedKey::from_der(chain, private, provider).map_err(|error| {
        of(&files.key, &format!("the key does not go with the certificate: {error}"))
    })?;
    bytes.extend(key);
    Ok((bytes, Arc::new(certified)))
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let unreadable = |error: io::Error| format!("{} cannot be read: {error}", path.display());
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}
