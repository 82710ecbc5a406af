//! The `Cache-Status` field (RFC 9211): how one request was handled. It decides nothing.

use std::fmt;

use http::{HeaderValue, StatusCode};

/// Why a request went to the origin server (RFC 9211 §2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forward {
    /// The cache was configured not to handle it.
    Bypass,
    /// The request's method has to be forwarded.
    Method,
    /// Nothing is stored for the key.
    UriMiss,
    /// Something is stored for the key, and the request's fields select none of it.
    VaryMiss,
    /// A stored response was stale.
    Stale,
    /// The request's own directives asked for it.
    Request,
}

impl Forward {
    const fn name(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Stale => "stale",
            Self::Request => "request",
        }
    }
}

/// How the cache handled one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheStatus {
    /// Why the request went forward; `None` is a hit.
    pub forward: Option<Forward>,
    /// The status the origin server answered with.
    pub forward_status: Option<StatusCode>,
    /// Seconds of freshness left; negative when stale.
    pub ttl: Option<i64>,
    /// Whether the response was stored.
    pub stored: bool,
    /// Whether the request waited for another's fetch.
    pub collapsed: bool,
    /// A token that says more.
    pub detail: Option<&'static str>,
}

/// Room for most of what is told, so that it is made in one piece, in bytes.
const LENGTH: usize = 64;

impl CacheStatus {
    /// A request satisfied from the cache.
    #[must_use]
    pub const fn hit(ttl: i64) -> Self {
        let mut status = Self::forwarded(Forward::UriMiss);
        status.forward = None;
        status.ttl = Some(ttl);
        status
    }

    /// A request that went forward.
    #[must_use]
    pub const fn forwarded(why: Forward) -> Self {
        Self {
            forward: Some(why),
            forward_status: None,
            ttl: None,
            stored: false,
            collapsed: false,
            detail: None,
        }
    }

    /// A word from a fixed set, for metrics and logs.
    #[must_use]
    pub const fn label(&self) -> &'static str {
        match (self.forward, self.ttl) {
            (_, Some(ttl)) if ttl < 0 => "stale",
            (None, _) => "hit",
            (Some(_), _) if self.collapsed => "collapsed",
            (Some(why), _) => why.name(),
        }
    }

    /// The field's value.
    #[must_use]
    pub fn field(&self) -> HeaderValue {
        use fmt::Write as _;
        let mut text = String::with_capacity(LENGTH);
        // Writing to a String cannot fail, and what is written is tokens, digits and separators.
        let _ = write!(text, "{self}");
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("unpad"))
    }
}

impl fmt::Display for CacheStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unpad")?;
        match self.forward {
            None => f.write_str("; hit")?,
            Some(why) => write!(f, "; fwd={}", why.name())?,
        }
        if let Some(status) = self.forward_status {
            write!(f, "; fwd-status={}", status.as_u16())?;
        }
        if self.stored {
            f.write_str("; stored")?;
        }
        if self.collapsed {
            f.write_str("; collapsed")?;
        }
        if let Some(ttl) = self.ttl {
            write!(f, "; ttl={ttl}")?;
        }
        if let Some(detail) = self.detail {
            f.write_str("; detail=")?;
            f.write_str(detail)?;
        }
        Ok(())
    }
}
