//! Why a request has no answer: one variant for each problem a caller can be told of. Statuses,
//! titles and sentences are the server's.

use std::time::Duration;

use crate::allowance::Exceeded;
use crate::portal::PathRefusal;
use crate::upstream::{self, Excess, RedirectRefusal};

use super::web_page::WebPage;

/// Why the portal's answer cannot be handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortalFailure {
    /// It is an error, and not in JSON.
    NotJson,
    /// It is an error, and a web page.
    Page(WebPage),
    /// Its status is none that can be handed on.
    Status,
    /// It leads elsewhere.
    Redirect(RedirectRefusal),
    /// Its content coding is unknown or broken.
    Coding,
    /// It is not HTTP as it should be.
    Malformed,
}

/// The limit that was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Bytes of content.
    Content(u64),
    /// Decoded bytes per received byte.
    Ratio(u64),
    /// Bytes of fields.
    Fields(u64),
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The path could lead elsewhere.
    #[error("invalid path: {0}")]
    InvalidPath(PathRefusal),
    /// The action may change something.
    #[error("action not allowed")]
    ActionNotAllowed(String),
    /// The content of a request is not what the action needs.
    #[error("invalid content: {0}")]
    InvalidContent(&'static str),
    /// There is no such path of ours below the portal.
    #[error("no such path")]
    NoSuchPath,
    /// The folder has no such file.
    #[error("not in the folder")]
    NotInFolder,
    /// The resource has no file.
    #[error("no file")]
    NoFile,
    /// The resource's file is at a host that the portal's entry does not name.
    #[error("file at another host: {0}")]
    FileElsewhere(String),
    /// The request came through this gateway before.
    #[error("loop detected")]
    LoopDetected,
    /// The guard refused the portal's address.
    #[error("address prohibited")]
    AddressProhibited,
    /// The portal's name has no address.
    #[error("portal unresolvable")]
    PortalUnresolvable,
    /// No connection to the portal.
    #[error("portal unreachable: {0}")]
    PortalUnreachable(&'static str),
    /// The portal took too long.
    #[error("portal took longer than {after:?}")]
    PortalTimeout {
        /// The limit.
        after: Duration,
    },
    /// The portal answered with something that cannot be handed on.
    #[error("portal failed with status {status:?}: {why:?}")]
    PortalFailed {
        /// Its status.
        status: Option<u16>,
        /// Why.
        why: PortalFailure,
        /// At most 32 escaped characters of what it said.
        found: Option<String>,
    },
    /// The portal's answer is over a limit.
    #[error("response too large: {0:?}")]
    ResponseTooLarge(Limit),
    /// The portal's answer broke off.
    #[error("response incomplete at {offset:?}")]
    ResponseIncomplete {
        /// Where, if it was noticed while unwrapping.
        offset: Option<usize>,
    },
    /// The portal's answer is neither padded as asked nor JSON.
    #[error("not JSONP: {reason} at offset {offset}")]
    NotJsonp {
        /// The portal's status.
        status: u16,
        /// The reason's name.
        reason: &'static str,
        /// The name of a finer kind of it, where there is one.
        kind: Option<&'static str>,
        /// The reason as a sentence.
        sentence: &'static str,
        /// Where.
        offset: usize,
        /// At most 32 escaped characters of what was found there.
        found: String,
    },
    /// The portal is left alone for a while.
    #[error("portal suspended for {retry_after:?}")]
    PortalSuspended {
        /// How long.
        retry_after: Duration,
        /// The status with which it asked for it, if it did.
        status: Option<u16>,
    },
    /// Too much is asked of this portal at once.
    #[error("busy")]
    Busy,
    /// The client asks for more than it is allowed.
    #[error("{0}")]
    TooManyRequests(Exceeded),
    /// The request said `only-if-cached`.
    #[error("not stored")]
    NotStored,
    /// The gateway is offline, and nothing usable is stored.
    #[error("not stored, and offline")]
    Offline,
    /// A bug.
    #[error("internal error")]
    Internal,
}

impl Error {
    /// Whether it is about what a portal did, or did not do.
    #[must_use]
    pub const fn is_of_the_portal(&self) -> bool {
        matches!(
            self,
            Self::PortalUnresolvable
                | Self::PortalUnreachable(_)
                | Self::PortalTimeout { .. }
                | Self::PortalFailed { .. }
                | Self::ResponseTooLarge(_)
                | Self::ResponseIncomplete { .. }
                | Self::NotJsonp { .. }
        )
    }

    /// A word from a fixed set, for metrics and logs; the problem type's name.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::InvalidPath(_) => "invalid-path",
            Self::ActionNotAllowed(_) => "action-not-allowed",
            Self::InvalidContent(_) => "invalid-content",
            Self::NoSuchPath | Self::NoFile | Self::NotInFolder => "not-found",
            Self::FileElsewhere(_) => "target-not-allowed",
            Self::LoopDetected => "loop-detected",
            Self::AddressProhibited => "address-prohibited",
            Self::PortalUnresolvable => "portal-unresolvable",
            Self::PortalUnreachable(_) => "portal-unreachable",
            Self::PortalTimeout { .. } => "portal-timeout",
            Self::PortalFailed { .. } => "portal-failed",
            Self::ResponseTooLarge(_) => "response-too-large",
            Self::ResponseIncomplete { .. } => "response-incomplete",
            Self::NotJsonp { .. } => "not-jsonp",
            Self::PortalSuspended { .. } => "portal-suspended",
            Self::Busy => "busy",
            Self::TooManyRequests(_) => "too-many-requests",
            Self::NotStored => "not-stored",
            Self::Offline => "offline",
            Self::Internal => "internal",
        }
    }
}

impl From<upstream::Error> for Error {
    fn from(error: upstream::Error) -> Self {
        let failed = |status, why| Self::PortalFailed { status, why, found: None };
        match error {
            upstream::Error::AddressProhibited => Self::AddressProhibited,
            upstream::Error::Unresolvable => Self::PortalUnresolvable,
            upstream::Error::Unreachable(why) => Self::PortalUnreachable(why),
            upstream::Error::Closed => {
                Self::PortalUnreachable("the connection was closed before the answer began")
            }
            upstream::Error::Timeout { after, .. } => Self::PortalTimeout { after },
            upstream::Error::TooLarge(excess) => Self::ResponseTooLarge(match excess {
                Excess::Content(bytes) => Limit::Content(bytes),
                Excess::Ratio(ratio) => Limit::Ratio(ratio),
                Excess::Fields(bytes) => Limit::Fields(bytes as u64),
            }),
            upstream::Error::Incomplete => Self::ResponseIncomplete { offset: None },
            upstream::Error::Coding => failed(None, PortalFailure::Coding),
            upstream::Error::Malformed(_) => failed(None, PortalFailure::Malformed),
            upstream::Error::Redirect { status, why } => {
                failed(Some(status), PortalFailure::Redirect(why))
            }
            upstream::Error::Suspended(retry_after) => {
                Self::PortalSuspended { retry_after, status: None }
            }
            upstream::Error::Busy | upstream::Error::Exhausted => Self::Busy,
        }
    }
}
