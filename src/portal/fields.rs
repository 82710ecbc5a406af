//! Fields that an entry lets through beside the usual ones: of clients' requests to the portal, and
//! of its responses to clients. Which are usual is the gateway's to say.

use std::str::FromStr;

use http::HeaderName;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, IF_MATCH,
    IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, ORIGIN, RANGE, REFERER, TE,
    TRANSFER_ENCODING, UPGRADE, VIA,
};

/// Fields of a request that an entry cannot let through: they belong to a connection or to the
/// gateway, or say who is asking.
const NEVER: [HeaderName; 18] = [
    ACCEPT_ENCODING,
    AUTHORIZATION,
    CONNECTION,
    CONTENT_LENGTH,
    COOKIE,
    HOST,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    ORIGIN,
    RANGE,
    REFERER,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    VIA,
];

/// Why a field cannot be let through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldRefusal {
    /// It is no field name.
    #[error("`{0}` is not a field name")]
    NotAName(String),
    /// It is never forwarded.
    #[error(
        "`{0}` is never forwarded: it belongs to the connection, to the gateway or to a person"
    )]
    Never(HeaderName),
}

/// Fields that are let through beside the usual ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldRules {
    /// Of a client's request. They select what is stored where the portal's `Vary` says so.
    pub request: Vec<HeaderName>,
    /// Of a response.
    pub response: Vec<HeaderName>,
    /// Whether all fields of a response are let through but those that would act on the gateway's
    /// own origin.
    pub any_response: bool,
}

impl FieldRules {
    /// Reads the name of a request field that may be let through.
    ///
    /// # Errors
    /// [`FieldRefusal`] with the reason.
    pub fn request_field(text: &str) -> Result<HeaderName, FieldRefusal> {
        let name =
            HeaderName::from_str(text).map_err(|_| FieldRefusal::NotAName(text.to_owned()))?;
        if NEVER.contains(&name) { Err(FieldRefusal::Never(name)) } else { Ok(name) }
    }
}
