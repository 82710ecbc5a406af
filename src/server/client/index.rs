//! A package index with one project (the simple repository API: PEP 503 as HTML, PEP 691 as JSON), so
//! that installers find the wheel by its name.

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::WHEEL;
use super::wheel::{self, PROJECT, REQUIRES_PYTHON};
use crate::server::Service;

const JSON: &str = "application/vnd.pypi.simple.v1+json";

/// The projects: one.
pub(in crate::server) fn projects(service: &Service, request: &HeaderMap) -> Response {
    let json = || json!({ "meta": { "api-version": "1.0" }, "projects": [{ "name": PROJECT }] });
    let html = || format!("<a href=\"{PROJECT}/\">{PROJECT}</a>");
    answer(service, request, json, html)
}

/// The files of the project.
pub(in crate::server) fn project(service: &Service, request: &HeaderMap) -> Response {
    let name = wheel::name();
    let url = match service.options.public_url {
        Some(_) => service.link(&format!("/client/{name}")),
        None => format!("../../client/{name}"),
    };
    let digest = WHEEL.sha256();
    let json = || {
        json!({
            "meta": { "api-version": "1.0" },
            "name": PROJECT,
            "files": [{
                "filename": name,
                "url": url,
                "hashes": { "sha256": digest },
                "size": WHEEL.length(),
                "requires-python": REQUIRES_PYTHON,
            }],
        })
    };
    let html = || {
        let python = REQUIRES_PYTHON.replace('>', "&gt;");
        format!("<a href=\"{url}#sha256={digest}\" data-requires-python=\"{python}\">{name}</a>")
    };
    answer(service, request, json, html)
}

fn answer(
    service: &Service,
    request: &HeaderMap,
    json: impl FnOnce() -> Value,
    html: impl FnOnce() -> String,
) -> Response {
    // Without a public URL the links are relative, which micropip resolves in HTML alone.
    let (media_type, text) = if takes_json(request, service.options.public_url.is_some()) {
        (JSON, format!("{:#}\n", json()))
    } else {
        let title = format!("<title>{PROJECT}</title>");
        ("text/html; charset=utf-8", format!("<!DOCTYPE html>\n{title}\n{}\n", html()))
    };
    let mut response = Response::new(Body::from(text));
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    fields.insert(VARY, HeaderValue::from_static("Accept"));
    response
}

/// Whether a client is to get JSON: it asks for it, and for HTML only if it must.
fn takes_json(request: &HeaderMap, preferred: bool) -> bool {
    let mut lines = request.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let accepted: Vec<_> = lines
        .by_ref()
        .flat_map(|line| line.split(','))
        .map(|member| member.split(';').next().unwrap_or(member).trim().to_ascii_lowercase())
        .collect();
    let names = |wanted: &[&str]| accepted.iter().any(|named| wanted.contains(&named.as_str()));
    let takes_html = names(&["*/*", "text/*", "text/html", "application/vnd.pypi.simple.v1+html"]);
    names(&[JSON, "application/vnd.pypi.simple.latest+json"]) && (preferred || !takes_html)
}
