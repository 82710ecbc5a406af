//! The demonstration portal: a small CKAN 2.12 that lives in the program. It is not a part of the
//! gateway, and nothing of ours is imported here.
//!
//! Who tries unpad for the first time has no portal at hand, perhaps no network either, and who
//! tests it wants a portal that answers the same way every time. So the program brings one: a
//! catalogue of nineteen packages and one table of 2,400 rows, read from `fixtures/demo` when it
//! was compiled.
//!
//! The portal has the faults of a real one, on purpose. It pads `GET` answers of status 200 and
//! no others, it never sends a CORS field, it calls everything `max-age=0`, its errors are JSON
//! here and HTML with a cookie there, and `datastore_search` refuses a parameter it does not know.
//! These habits are CKAN 2.12.0's, and tests hold them against the answers in `fixtures/recorded`;
//! what CKAN has and this portal lacks is answered as CKAN answers what it lacks itself.
//!
//! A request goes one way: [`serve`] → [`Demo::answer_request`] → the action API, a file or a
//! dump → `response`, which gives every answer its fields. All but `serve` is pure.

mod action;
mod catalogue;
mod cell;
mod csv;
mod datastore;
mod dump;
mod examples;
mod facet;
mod file;
mod hit;
mod json;
mod outcome;
mod package;
mod padding;
mod parameters;
mod records;
mod response;
mod search;
mod selection;
mod serve;
mod sort_key;
mod table;
#[cfg(test)]
mod tests;
mod words;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use percent_encoding::percent_decode_str;

use catalogue::Catalogue;
use file::Download;
use parameters::{Parameters, Refusal};
use table::Table;

pub use examples::{EXAMPLES, Example};
pub use serve::serve;

/// Where the portal lives below its origin, as Barcelona's does: `{origin}/data/api/3/action/…`.
pub const BASE_PATH: &str = "/data";

/// The portal's own name for itself, without a slash at the end: all absolute URLs in its answers
/// start with it, whatever `Host` was asked. No resolver will ever find it (RFC 6761 §6.4).
pub const SITE_URL: &str = "http://demo.invalid/data";

/// The portal's catalogue, table and file, parsed once; answers are made from memory.
#[derive(Debug)]
pub struct Demo {
    catalogue: Catalogue,
    table: Table,
    download: Download,
}

/// One request, as the rooms of the portal see it.
struct Asked<'a> {
    method: &'a Method,
    path: &'a str,
    query: Option<&'a str>,
    fields: &'a HeaderMap,
    content: &'a [u8],
}

impl Demo {
    /// Parses the built-in catalogue and table; a few milliseconds.
    #[must_use]
    pub fn new() -> Self {
        Self {
            catalogue: Catalogue::built_in(),
            table: Table::built_in(),
            download: Download::built_in(),
        }
    }

    /// The answer to a request without header fields or content. No I/O; never panics.
    ///
    /// `path` starts with [`BASE_PATH`] where anything is to be found, and is percent-encoded;
    /// `raw_query` is what stood behind the `?`.
    #[must_use]
    pub fn answer(&self, method: &Method, path: &str, raw_query: Option<&str>) -> Response<Bytes> {
        self.route(&Asked {
            method,
            path,
            query: raw_query,
            fields: &HeaderMap::new(),
            content: &[],
        })
    }

    /// The answer to a whole request: also conditional and range requests for the file, and `POST`
    /// to the action API.
    #[must_use]
    pub fn answer_request(&self, request: &Request<Bytes>) -> Response<Bytes> {
        self.route(&Asked {
            method: request.method(),
            path: request.uri().path(),
            query: request.uri().query(),
            fields: request.headers(),
            content: request.body(),
        })
    }

    fn route(&self, asked: &Asked<'_>) -> Response<Bytes> {
        let answer = match *asked.method {
            Method::OPTIONS => response::options(),
            Method::GET | Method::HEAD | Method::POST => self.find(asked),
            _ => response::page(StatusCode::METHOD_NOT_ALLOWED),
        };
        if asked.method == Method::HEAD { answer.map(|_| Bytes::new()) } else { answer }
    }

    fn find(&self, asked: &Asked<'_>) -> Response<Bytes> {
        let path = percent_decode_str(asked.path).decode_utf8_lossy();
        let Some(rest) = path.strip_prefix(BASE_PATH) else {
            return response::page(StatusCode::NOT_FOUND);
        };
        let segments: Vec<&str> = rest.split('/').collect();
        match segments.as_slice() {
            ["", "api", "3", "action", name] | ["", "api", "action", name] if !name.is_empty() => {
                self.act(name, asked)
            }
            _ if asked.method == Method::POST => response::page(StatusCode::METHOD_NOT_ALLOWED),
            ["", "dataset", package, "resource", resource, "download", name] => {
                self.download.answer(package, resource, name, asked)
            }
            ["", "datastore", "dump", resource] => {
                dump::answer(&self.table, resource, &Parameters::of_query(asked.query))
            }
            _ => response::page(StatusCode::NOT_FOUND),
        }
    }

    fn act(&self, name: &str, asked: &Asked<'_>) -> Response<Bytes> {
        let parameters = if asked.method == Method::POST {
            let media_type = asked.fields.get(header::CONTENT_TYPE);
            match Parameters::of_post(media_type, asked.query, asked.content) {
                Ok(parameters) => parameters,
                Err(Refusal::MediaType) => {
                    return response::page(StatusCode::UNSUPPORTED_MEDIA_TYPE);
                }
                Err(Refusal::Content(message)) => {
                    return response::json(StatusCode::BAD_REQUEST, json::ascii(&message));
                }
            }
        } else {
            Parameters::of_query(asked.query)
        };
        let (status, body) = action::answer(self, name, &parameters);
        match parameters.callback() {
            // CKAN pads `GET` only, so `HEAD` shows the length and the type of the bare answer.
            Some(callback) if status == StatusCode::OK && asked.method == Method::GET => {
                response::script(padding::pad(callback, &body))
            }
            _ => response::json(status, body),
        }
    }
}

impl Default for Demo {
    fn default() -> Self {
        Self::new()
    }
}
