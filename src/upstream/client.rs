//! Building HTTP clients: the one door to `reqwest`. No proxies, no redirects, no `Referer`, no
//! decoding, and a resolver that answers only what may be dialled.

use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::address::may_dial;
use super::limits::FIELD_LINES;
use super::{Limits, SiteRules};

/// How long an idle connection is kept: under the five seconds after which node servers close
/// theirs, so that a request is rarely written into a closing connection.
const POOL_IDLE: Duration = Duration::from_secs(4);

/// How long a name may take to resolve, its turn included. Over it, the name has no address.
const RESOLVE_TIME: Duration = Duration::from_secs(3);

/// Names that are looked up at once, of all portals: 64. The system's resolver blocks a thread for as
/// long as it likes, whatever became of the request, and the pool that the threads are of has other work
/// too. Over it, a look-up waits, and fails after [`RESOLVE_TIME`].
const LOOK_UPS: usize = 64;

/// The machine has no certificates to trust, so no https portal can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no CA certificates found: https portals cannot be reached; install the system's \
         `ca-certificates` package, or point SSL_CERT_FILE at a bundle"
)]
pub struct NoCertificates;

/// What all clients share: the TLS configuration and our name.
#[derive(Debug, Clone)]
pub struct Clients {
    tls: rustls::ClientConfig,
    agent: String,
    look_ups: Arc<Semaphore>,
}

impl Clients {
    /// Loads the machine's certificates once. `contact` is a URL at which a portal's operator
    /// finds who we are.
    ///
    /// The second value warns that there are none; http portals work all the same.
    ///
    /// # Panics
    /// Never: the cryptography provider supports the protocol versions rustls has by default.
    #[must_use]
    pub fn new(contact: Option<&str>) -> (Self, Option<NoCertificates>) {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let missing = roots.is_empty().then_some(NoCertificates);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring supports TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let version = env!("CARGO_PKG_VERSION");
        let agent = match contact {
            Some(url) => format!("unpad/{version} (+{url})"),
            None => format!("unpad/{version}"),
        };
        (Self { tls, agent, look_ups: Arc::new(Semaphore::new(LOOK_UPS)) }, missing)
    }

    /// A client for one site.
    #[expect(clippy::disallowed_methods, reason = "the one door to reqwest")]
    pub(super) fn client(&self, rules: &SiteRules, limits: &Limits) -> reqwest::Client {
        let resolver = GuardedResolver {
            allowed: rules.allow_cidr.clone().into(),
            look_ups: Arc::clone(&self.look_ups),
            patience: RESOLVE_TIME,
        };
        reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .http1_only()
            .http1_max_headers(FIELD_LINES)
            .dns_resolver(resolver)
            .connect_timeout(limits.connect_time)
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(limits.concurrency)
            .user_agent(&self.agent)
            .default_headers(HeaderMap::new())
            .tls_backend_preconfigured(self.tls.clone())
            .build()
            .expect("a client without files or system services can always be built")
    }
}

/// Every address of a name was refused.
#[derive(Debug, thiserror::Error)]
#[error("every address of the name is refused")]
pub(super) struct EveryAddressRefused;

/// The name did not resolve.
#[derive(Debug, thiserror::Error)]
#[error("the name did not resolve")]
pub(super) struct NotResolved;

/// Resolves names, and answers only addresses that may be dialled. What it answers is what is
/// dialled: there is no second look-up in between.
struct GuardedResolver {
    allowed: Arc<[IpNet]>,
    look_ups: Arc<Semaphore>,
    patience: Duration,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = Arc::clone(&self.allowed);
        let looking = look_up(Arc::clone(&self.look_ups), name.as_str().to_owned());
        let patience = self.patience;
        Box::pin(async move {
            let found = match tokio::time::timeout(patience, looking).await {
                Ok(Some(found)) if !found.is_empty() => found,
                _ => return Err(NotResolved.into()),
            };
            let dialled: Vec<_> =
                found.into_iter().filter(|a| may_dial(a.ip(), &allowed)).collect();
            if dialled.is_empty() {
                return Err(EveryAddressRefused.into());
            }
            Ok(Box::new(dialled.into_iter()) as Addrs)
        })
    }
}

/// The addresses of a name. The turn is given back when the thread is, not when nobody waits any more.
async fn look_up(look_ups: Arc<Semaphore>, name: String) -> Option<Vec<SocketAddr>> {
    let turn = look_ups.acquire_owned().await.ok()?;
    let looking = tokio::task::spawn_blocking(move || {
        let found = (name.as_str(), 0).to_socket_addrs();
        drop(turn);
        found
    });
    Some(looking.await.ok()?.ok()?.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver(turns: usize) -> GuardedResolver {
        GuardedResolver {
            allowed: Arc::new(["127.0.0.0/8".parse().expect("a range")]),
            look_ups: Arc::new(Semaphore::new(turns)),
            patience: if turns == 0 { Duration::from_millis(1) } else { RESOLVE_TIME },
        }
    }

    fn localhost() -> Name {
        "localhost".parse().expect("a name")
    }

    #[tokio::test]
    async fn a_look_up_has_a_turn_and_gives_it_back() {
        let resolver = resolver(1);
        for _ in 0..2 {
            let found: Vec<_> = resolver.resolve(localhost()).await.expect("addresses").collect();
            assert!(found.iter().all(|address| address.ip().is_loopback()) && !found.is_empty());
        }
        assert_eq!(resolver.look_ups.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_look_up_that_gets_no_turn_fails() {
        let failed = resolver(0).resolve(localhost()).await.err().expect("no addresses");
        assert!(failed.is::<NotResolved>());
    }
}
