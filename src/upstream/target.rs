//! Which URLs a site's fetches may go to: the portal's own place, and the hosts its files come
//! from. It judges URLs; addresses are judged in `address`.

use std::fmt;
use std::str::FromStr;

use ipnet::IpNet;
use url::{Host, Url};

use super::RedirectRefusal;
use super::address::may_dial;

/// Why a text is no host rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a host: write `files.example.org`, or `.example.org` for all below it")]
pub struct HostRuleError(String);

/// A host (`files.example.org`), or every host below a name (`.example.org`, on label boundaries).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRule {
    name: String,
    below: bool,
}

impl HostRule {
    /// Whether the rule names this host.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        if self.below {
            // A suffix alone would let badexample.org through for example.org.
            host.strip_suffix(&self.name).is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
        } else {
            host == self.name
        }
    }
}

impl FromStr for HostRule {
    type Err = HostRuleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || HostRuleError(text.to_owned());
        let (below, name) = match text.strip_prefix('.') {
            Some(name) => (true, name),
            None => (false, text),
        };
        match Host::parse(name) {
            Ok(Host::Domain(canonical)) if canonical == name && is_full_name(name) => {
                Ok(Self { name: canonical, below })
            }
            Ok(Host::Ipv4(v4)) if !below && v4.to_string() == name => {
                Ok(Self { name: name.to_owned(), below })
            }
            _ => Err(refuse()),
        }
    }
}

/// Whether a name has several labels and none of the characters a URL allows but a host name does
/// not have, such as `*`.
fn is_full_name(name: &str) -> bool {
    let label = |l: &str| {
        !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    name.contains('.') && name.split('.').all(label)
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.below { "." } else { "" }, self.name)
    }
}

/// Where a site's fetches may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteRules {
    /// The portal's base URL; its scheme, host and port are the site.
    pub base: Url,
    /// Hosts its files may come from by redirect.
    pub downloads: Vec<HostRule>,
    /// Whether its files may come from any host, at the ports of http and https.
    pub any_download: bool,
    /// Address ranges allowed beyond public space.
    pub allow_cidr: Vec<IpNet>,
}

impl SiteRules {
    /// Judges a redirect's target.
    pub(super) fn follow(&self, from: &Url, location: &str) -> Result<Url, RedirectRefusal> {
        let to = from.join(location).map_err(|_| RedirectRefusal::NoTarget)?;
        if from.scheme() == "https" && to.scheme() == "http" {
            return Err(RedirectRefusal::Downgrade);
        }
        if !self.names(&to) {
            return Err(RedirectRefusal::Elsewhere);
        }
        Ok(to)
    }

    /// Whether an address literal in a URL may be dialled. Names are judged when they resolve:
    /// the resolver never sees literals, so they must be caught here.
    pub(super) fn may_dial_literal(&self, url: &Url) -> bool {
        match url.host() {
            Some(Host::Ipv4(v4)) => may_dial(v4.into(), &self.allow_cidr),
            Some(Host::Ipv6(v6)) => may_dial(v6.into(), &self.allow_cidr),
            Some(Host::Domain(_)) => true,
            None => false,
        }
    }

    /// Whether a URL is of the portal's own place or of a host that its files may come from.
    #[must_use]
    pub fn names(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none();
        let port = url.port_or_known_default();
        let port_named =
            matches!(port, Some(80 | 443)) || port == self.base.port_or_known_default();
        let host_named = self.base.host_str() == Some(host)
            || self.any_download
            || self.downloads.iter().any(|rule| rule.matches(host));
        plain && port_named && host_named
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> SiteRules {
        SiteRules {
            base: "https://data.example.org:8443/data".parse().expect("a URL"),
            downloads: vec![".files.example".parse().expect("a rule")],
            any_download: false,
            allow_cidr: Vec::new(),
        }
    }

    fn follow(location: &str) -> Result<String, RedirectRefusal> {
        let from = "https://data.example.org:8443/data/x".parse().expect("a URL");
        rules().follow(&from, location).map(String::from)
    }

    #[test]
    fn a_redirect_stays_on_the_site_or_goes_to_a_named_host() {
        assert_eq!(follow("/y").as_deref(), Ok("https://data.example.org:8443/y"));
        assert_eq!(follow("https://a.files.example/y").as_deref(), Ok("https://a.files.example/y"));
        for elsewhere in [
            "https://files.example/y",
            "https://badfiles.example/y",
            "https://evil.example/y",
            "https://data.example.org.evil.example/",
            "https://data.example.org:22/",
            "https://user@data.example.org:8443/",
            "file:///etc/passwd",
            "ftp://data.example.org/",
            "//evil.example/",
        ] {
            assert_eq!(follow(elsewhere), Err(RedirectRefusal::Elsewhere), "{elsewhere}");
        }
        assert_eq!(follow("http://data.example.org:8443/"), Err(RedirectRefusal::Downgrade));
        assert_eq!(follow("https://["), Err(RedirectRefusal::NoTarget));
    }

    #[test]
    fn address_literals_are_judged_in_every_spelling() {
        for url in [
            "http://2130706433/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://①②⑦.0.0.1/",
            "http://%31%32%37.0.0.1/",
        ] {
            assert!(!rules().may_dial_literal(&url.parse().expect(url)), "{url}");
        }
    }

    #[test]
    fn a_host_rule_is_a_full_name() {
        for bad in [
            "",
            ".",
            "org",
            ".org",
            "a b.example",
            "https://a.example",
            "a.example:80",
            "*.example.org",
            "A.example",
            "127.1",
        ] {
            assert!(bad.parse::<HostRule>().is_err(), "{bad}");
        }
        assert!(HostRule::from_str("a.example").expect("a rule").matches("a.example."));
    }
}
