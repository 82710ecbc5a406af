//! Every route, on one page. Paths are matched as received: a decoded path is no longer what the
//! caller wrote, and `/p/{portal}/{path}` must reach the portal byte for byte.

use axum::body::Body;
use axum::response::Response;
use http::request::Parts;

use super::endpoint::Name;
use super::peer::Inbound;
use super::{
    Located, Service, bridge, client, openapi, operations, problem, registry, resolve, status,
};

/// Hands a request to its handler.
pub(super) async fn route(
    service: &Service,
    located: Located<'_>,
    request: &Parts,
    inbound: Inbound,
) -> Response<Body> {
    match located {
        Located::Bridge { place, terms, path, file } => {
            bridge::answer(service, place, terms, path, file, request, inbound).await
        }
        Located::Entry(place) => registry::entry(service, place),
        Located::UnknownPortal => problem::unknown_portal(service).response(service),
        Located::Own(endpoint, value) => own(service, endpoint.name, value, request),
        Located::Nothing => problem::no_such_path().response(service),
    }
}

/// Something of ours.
fn own(service: &Service, name: Name, value: &str, request: &Parts) -> Response<Body> {
    let file = |file: Option<&client::File>| match file {
        Some(file) => file.answer(&request.headers),
        None => problem::no_such_path().response(service),
    };
    match name {
        Name::Page => file(client::page()),
        Name::Reference => file(client::reference()),
        Name::ClientFile => file(client::find(value)),
        Name::Projects => client::projects(service, &request.headers),
        Name::Project if value == client::PROJECT => client::project(service, &request.headers),
        Name::Portals => registry::all(service),
        Name::Resolve => resolve::answer(service, request.uri.query()),
        Name::Status => status::answer(service),
        Name::Problems => operations::problems(),
        Name::OpenApi => openapi::answer(service),
        Name::Healthy => operations::healthy(),
        Name::Ready => operations::ready(service),
        Name::Metrics => operations::metrics(service),
        Name::Raw => problem::bad_target().response(service),
        // Found elsewhere, or not at all.
        Name::Project | Name::Portal | Name::Bridge | Name::Resource | Name::WholeUrl => {
            problem::no_such_path().response(service)
        }
    }
}
