//! Targets that no entry names, but which an operator lets everybody ask for. Each is made a plain
//! portal of its own origin; it asks nobody.

use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;
use url::{Host, Origin, Url};

use crate::jsonp::CallbackName;
use crate::upstream::HostRule;

use super::{Asking, Dialect, FieldRules, Portal, PortalId, Terms};

/// Which targets may be asked for without an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenTargets {
    /// Hosts, at any port.
    pub hosts: Vec<HostRule>,
    /// Whether every host with a name and a public address, at the ports of http and https.
    pub any_public_host: bool,
    /// Address ranges they may be reached at beyond public space.
    pub allow_cidr: Vec<IpNet>,
    /// The terms for all of them.
    pub terms: Arc<Terms>,
    /// The callback name, which is never asked for.
    pub callback: CallbackName,
}

impl OpenTargets {
    /// The id under which they are counted and stored, which no entry may have beside them.
    pub const ID: &'static str = "open";

    /// The portal of a URL's origin, if it may be asked for.
    #[must_use]
    pub fn portal(&self, url: &Url) -> Option<Portal> {
        let host = url.host_str()?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none();
        let listed = self.hosts.iter().any(|rule| rule.matches(host));
        let usual_port = matches!(url.port_or_known_default(), Some(80 | 443));
        // Open data has a name; an address without one is somebody looking around.
        let named = matches!(url.host(), Some(Host::Domain(_)));
        if !plain || !(listed || self.any_public_host && usual_port && named) {
            return None;
        }
        let Origin::Tuple(..) = url.origin() else { return None };
        Some(Portal {
            id: Self::ID.parse::<PortalId>().ok()?,
            title: Some(host.to_owned()),
            home: None,
            country: None,
            software: None,
            notes: None,
            base: url.origin().ascii_serialization().parse().ok()?,
            folder: None::<PathBuf>,
            dialect: Dialect::Plain,
            asking: Asking::of(Dialect::Plain, self.callback.clone()),
            fields: FieldRules::default(),
            downloads: self.hosts.clone(),
            any_download: self.any_public_host,
            allow_cidr: self.allow_cidr.clone(),
            licence: None,
            attribution: None,
            terms: Arc::clone(&self.terms),
            routes: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(hosts: &[&str], any_public_host: bool) -> OpenTargets {
        OpenTargets {
            hosts: hosts.iter().map(|host| host.parse().expect("a rule")).collect(),
            any_public_host,
            allow_cidr: Vec::new(),
            terms: Arc::default(),
            callback: CallbackName::new("cb").expect("a name"),
        }
    }

    fn base(open: &OpenTargets, url: &str) -> Option<String> {
        open.portal(&url.parse().expect(url)).map(|portal| portal.base.to_string())
    }

    #[test]
    fn listed_hosts_are_open_on_label_boundaries() {
        let listed = open(&["a.example", ".b.example"], false);
        assert_eq!(
            base(&listed, "https://a.example:8443/x").as_deref(),
            Some("https://a.example:8443")
        );
        assert_eq!(base(&listed, "http://x.b.example/y").as_deref(), Some("http://x.b.example"));
        for other in [
            "https://b.example/",
            "https://xb.example/",
            "https://a.example.evil/",
            "https://u@a.example/",
            "ftp://a.example/",
            "file:///etc/passwd",
        ] {
            assert_eq!(base(&listed, other), None, "{other}");
        }
    }

    #[test]
    fn any_public_host_is_open_by_its_name_and_at_the_usual_ports_alone() {
        let any = open(&[], true);
        assert_eq!(base(&any, "https://c.example/x").as_deref(), Some("https://c.example"));
        for other in [
            "http://c.example:22/x",
            "http://8.8.8.8/",
            "http://0x8080808/",
            "http://[2620:fe::fe]/",
        ] {
            assert_eq!(base(&any, other), None, "{other}");
        }
        let listed = open(&["8.8.8.8"], true);
        assert_eq!(base(&listed, "http://8.8.8.8/").as_deref(), Some("http://8.8.8.8"));
    }
}
