//! Why a fetch failed. Statuses and sentences for callers are not decided here.

use std::fmt;
use std::time::Duration;

/// Where time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Connecting, with name resolution and TLS.
    Connect,
    /// Waiting for the response to begin.
    FirstByte,
    /// Waiting for the next piece of content.
    Idle,
    /// The whole of it.
    Total,
}

/// What was too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// Bytes of content, received or decoded.
    Content(u64),
    /// Decoded bytes per received byte.
    Ratio(u64),
    /// Bytes of response fields.
    Fields(usize),
}

/// Why there is no connection, or none any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// Nothing could be dialled.
    NoConnection,
    /// Nobody listens.
    Refused,
    /// Its certificate is not trusted.
    Certificate,
    /// TLS could not be agreed on.
    Handshake,
    /// The connection broke before the response began.
    Closed,
}

impl Unreachable {
    /// It as a sentence.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NoConnection => "no connection could be made",
            Self::Refused => "the connection was refused",
            Self::Certificate => "its certificate is not trusted",
            Self::Handshake => "the TLS handshake failed",
            Self::Closed => "the connection was closed before the answer began",
        }
    }
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

/// Why a redirect was not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectRefusal {
    /// There were too many.
    TooMany,
    /// It has no `Location`, or one that is no URL.
    NoTarget,
    /// It leads from https to http.
    Downgrade,
    /// It leads to a scheme, host or port the registry entry does not name, or has user
    /// information.
    Elsewhere,
}

/// Why a fetch failed. Cloned for every request that waited for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The guard refused every address.
    #[error("the address is not allowed")]
    AddressProhibited,
    /// The name has no address.
    #[error("the name could not be resolved")]
    Unresolvable,
    /// No connection.
    #[error("no connection: {0}")]
    Unreachable(Unreachable),
    /// The connection broke before the response began.
    #[error("the connection was closed before the answer began")]
    Closed,
    /// Time ran out.
    #[error("{phase:?} took longer than {after:?}")]
    Timeout {
        /// Where.
        phase: Phase,
        /// The limit.
        after: Duration,
    },
    /// A limit in bytes was hit.
    #[error("too large: {0:?}")]
    TooLarge(Excess),
    /// The content ended before it was complete.
    #[error("the content broke off")]
    Incomplete,
    /// The content has a coding that is unknown, or is not what its coding says.
    #[error("the content coding is unknown or broken")]
    Coding,
    /// The response is not HTTP as it should be.
    #[error("not a valid response: {0}")]
    Malformed(&'static str),
    /// A redirect that is not followed.
    #[error("redirect with status {status} not followed: {why:?}")]
    Redirect {
        /// The redirect's status.
        status: u16,
        /// Why.
        why: RedirectRefusal,
    },
    /// The site is left alone for a while.
    #[error("suspended for {0:?}")]
    Suspended(Duration),
    /// This machine has no descriptor, port or buffer left for another connection.
    #[error("this machine has nothing left for another connection")]
    Exhausted,
    /// Too many fetches wait for this site.
    #[error("too many requests wait for this portal")]
    Busy,
}

impl Error {
    /// What the error says of the site's health: `Some(false)` if it failed, `Some(true)` if it
    /// answered, though not with something of use, `None` if it was not asked at all.
    pub(super) const fn is_sign_of_life(&self) -> Option<bool> {
        match self {
            Self::Unresolvable
            | Self::Unreachable(_)
            | Self::Closed
            | Self::Timeout { .. }
            | Self::Incomplete => Some(false),
            Self::TooLarge(_) | Self::Coding | Self::Malformed(_) | Self::Redirect { .. } => {
                Some(true)
            }
            Self::AddressProhibited | Self::Suspended(_) | Self::Exhausted | Self::Busy => None,
        }
    }

    /// Whether trying once more may help: the connection broke before anything came back, which
    /// is what an idle connection that the site closed looks like. Where there was none, another
    /// attempt would only double the load on a site that is down.
    pub(super) const fn is_worth_a_retry(&self) -> bool {
        matches!(self, Self::Closed)
    }
}
