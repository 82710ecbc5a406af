//! Every route, on one page. Paths are matched as received: a decoded path is no longer what the
//! caller wrote, and `/p/{portal}/{path}` must reach the portal byte for byte.

use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use hyper::body::Incoming;

use super::{Located, Service, bridge, operations, problem, registry};

/// Hands a request to its handler.
pub(super) async fn route(
    service: &Service,
    located: Located<'_>,
    request: &Parts,
    content: Incoming,
) -> Response<Body> {
    match located {
        Located::Bridge { place, terms, path } => {
            bridge::answer(service, place, terms, path, request, content).await
        }
        Located::Entry(place) => registry::entry(service, place),
        Located::UnknownPortal => problem::unknown_portal(service).response(service),
        Located::Own("/portals") => registry::all(service),
        Located::Own("/problems") => operations::problems(),
        Located::Own("/healthz") => operations::healthy(),
        Located::Own("/readyz") => operations::ready(service),
        Located::Own("/metrics") => operations::metrics(service),
        Located::Own("/") => operations::index(service),
        Located::Own(_) => problem::no_such_path().response(service),
    }
}
