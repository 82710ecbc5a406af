//! What a link stands for, as JSON, so that the helpers and the page find the way in one manner. The
//! reading is the gateway's.

use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use crate::gateway::ReferenceError;
use crate::portal::Kind;

use super::document::Problem;
use super::problem;
use super::{Service, drop_in, json};

/// What a link stands for.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Resolved<'a> {
    /// The portal's id.
    portal: &'a str,
    /// How the portal is asked.
    dialect: &'a str,
    /// `portal`, `dataset`, `resource` (a file, wherever it is), `table` (rows in the portal's
    /// datastore), `file`, or `api` (JSON).
    kind: &'static str,
    /// The dataset's name or id, where the link has one.
    dataset: Option<&'a str>,
    /// The resource's id, where the link has one.
    resource: Option<&'a str>,
    /// What brings it here: absolute where the gateway knows its public URL, else relative to the URL of
    /// this answer.
    url: String,
}

/// Reads the link in a query.
pub(super) fn answer(service: &Service, query: Option<&str>) -> Response {
    let Some(text) = query.and_then(drop_in::url_parameter) else {
        return problem::unreadable_link().response();
    };
    // Our own links, as we write them.
    let own = match &service.options.public_url {
        Some(url) => text.strip_prefix(url.as_str().trim_end_matches('/')),
        None => None,
    };
    match service.gateway.reference(own.filter(|own| own.starts_with('/')).unwrap_or(&text)) {
        Ok(found) => json(&Resolved {
            portal: found.place.portal.id.as_str(),
            dialect: found.place.portal.dialect.traits().name,
            kind: word(found.link.kind),
            dataset: found.link.dataset.as_deref(),
            resource: found.link.resource.as_deref(),
            url: match service.options.public_url {
                Some(_) => service.link(&found.path),
                // Right also below a prefix that a front server takes off, of which nobody told us.
                None => format!(".{}", found.path),
            },
        }),
        Err(error) => refusal(service, &error).response(),
    }
}

fn refusal(service: &Service, error: &ReferenceError) -> Problem {
    match error {
        ReferenceError::Unreadable => problem::unreadable_link(),
        ReferenceError::UnknownPortal => problem::unknown_portal(service),
        ReferenceError::UnknownHost => problem::target_not_allowed(service),
        ReferenceError::Path(why) => problem::invalid_path(*why),
    }
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Portal => "portal",
        Kind::Dataset => "dataset",
        Kind::Resource => "resource",
        Kind::Table => "table",
        Kind::File => "file",
        Kind::Api => "api",
    }
}
