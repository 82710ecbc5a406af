//! The second door: plain HTTP is answered with where the gateway is by TLS. It serves nothing else.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ALLOW, CONNECTION, LOCATION};
use http::{HeaderValue, Method, StatusCode, Uri};
use hyper::body::Incoming;

use super::{Handler, Live, Peer, Service};

/// Sends everybody to the public URL.
#[derive(Debug)]
pub struct ToTls {
    live: Arc<Live>,
}

impl ToTls {
    /// Sends everybody to where `live` is served.
    #[must_use]
    pub fn new(live: Arc<Live>) -> Arc<Self> {
        Arc::new(Self { live })
    }
}

impl Handler for ToTls {
    async fn answer(&self, request: hyper::Request<Incoming>, _: Peer) -> Response {
        let service = self.live.service();
        let mut response = Response::new(Body::empty());
        let fields = response.headers_mut();
        fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        if service.is_draining() {
            fields.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let is_reading = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        *response.status_mut() = match location(&service, request.uri()) {
            _ if !is_reading => {
                // It has been sent in clear text already, and is not to be sent again without a thought.
                fields.insert(ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
                StatusCode::METHOD_NOT_ALLOWED
            }
            Some(location) => {
                fields.insert(LOCATION, location);
                // RFC 9110 §15.4.9: the method stays.
                StatusCode::PERMANENT_REDIRECT
            }
            None => StatusCode::BAD_REQUEST,
        };
        response
    }
}

/// The same target at the public URL's origin.
fn location(service: &Service, target: &Uri) -> Option<HeaderValue> {
    let origin = service.options.public_url.as_ref()?.origin().ascii_serialization();
    let target = target.path_and_query()?.as_str();
    let target = target.starts_with('/').then_some(target)?;
    HeaderValue::try_from(format!("{origin}{target}")).ok()
}
