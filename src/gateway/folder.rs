//! A folder of this machine as a portal: its files as they are at the moment, with ranges and
//! validators, and what it holds as a list. Nothing of it is cached, so that what is saved is seen.
//!
//! **Invariant:** nothing outside the folder is read: dot segments, hidden names and links that lead
//! out are not there.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use futures_util::stream;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, LAST_MODIFIED,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::cache::{CacheStatus, Content, ContentError, Forward};

use super::select::{Selected, select};
use super::{Error, Request, Response, fields, provenance};

/// What is read at once, in bytes: 128 KiB.
const PIECE: u64 = 128 << 10;

/// The most files that a list has: 10,000. A longer one says that there are more.
const LISTED: usize = 10_000;

/// How deep folders in the folder are listed.
const DEPTH: usize = 8;

/// Media types by the ends of names; what is not here are bytes.
const MEDIA_TYPES: &[(&str, &str)] = &[
    ("arrow", "application/vnd.apache.arrow.file"),
    ("csv", "text/csv; charset=utf-8"),
    ("geojson", "application/geo+json"),
    ("gz", "application/gzip"),
    ("html", "text/html; charset=utf-8"),
    ("ipynb", "application/json"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("jsonl", "application/jsonl"),
    ("ndjson", "application/x-ndjson"),
    ("parquet", "application/vnd.apache.parquet"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("tsv", "text/tab-separated-values; charset=utf-8"),
    ("txt", "text/plain; charset=utf-8"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];

/// A file that is being answered with.
struct Opened {
    file: File,
    length: u64,
    modified: SystemTime,
    etag: String,
}

/// Answers a request for something of a folder.
pub(super) async fn answer(folder: &Path, request: &Request<'_>) -> Result<Response, Error> {
    // Judged as any portal's path, and then read as a server reads it: once.
    request.place.portal.target(request.path, None).map_err(Error::InvalidPath)?;
    let decoded = percent_decode_str(request.path).decode_utf8().map_err(|_| Error::NotInFolder)?;
    let (folder, below) = (folder.to_owned(), PathBuf::from(decoded.trim_matches('/')));
    let name = below.clone();
    let found = tokio::task::spawn_blocking(move || look_up(&folder, &below)).await;
    match found.map_err(|_| Error::Internal)? {
        Found::Nothing => Err(Error::NotInFolder),
        Found::Folder(list) => Ok(listed(&list, request)),
        Found::File(opened) => Ok(file(opened, &name, request)),
    }
}

enum Found {
    Nothing,
    Folder(serde_json::Value),
    File(Opened),
}

fn look_up(folder: &Path, below: &Path) -> Found {
    if below.components().any(|part| is_hidden(part.as_os_str())) {
        return Found::Nothing;
    }
    let inside = || -> io::Result<PathBuf> {
        let (root, path) = (folder.canonicalize()?, folder.join(below).canonicalize()?);
        if path.starts_with(&root) { Ok(path) } else { Err(io::ErrorKind::NotFound.into()) }
    };
    let Ok(path) = inside() else { return Found::Nothing };
    if path.is_dir() {
        return Found::Folder(list(&path));
    }
    open(&path).map_or(Found::Nothing, Found::File)
}

fn is_hidden(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn open(path: &Path) -> io::Result<Opened> {
    // Of what is no file, such as a pipe, an open would wait for its other end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let modified = metadata.modified()?;
    // A file that is written again has another time, another length or another node.
    let etag = format!(
        "\"{:x}-{:x}-{:x}.{:x}\"",
        metadata.ino(),
        metadata.len(),
        metadata.mtime(),
        metadata.mtime_nsec()
    );
    Ok(Opened { file, length: metadata.len(), modified, etag })
}

/// What a folder holds, with paths from there.
fn list(path: &Path) -> serde_json::Value {
    let (mut files, mut more) = (Vec::new(), false);
    let mut folders = vec![(path.to_owned(), String::new(), 0)];
    while let Some((folder, before, depth)) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let (Some(name), false) = (name.to_str(), is_hidden(&name)) else { continue };
            let Ok(metadata) = entry.metadata() else { continue };
            let path = format!("{before}{name}");
            if metadata.is_dir() && depth < DEPTH {
                folders.push((entry.path(), format!("{path}/"), depth + 1));
            } else if metadata.is_file() && files.len() < LISTED {
                files.push((path, metadata.len(), metadata.modified().ok()));
            } else if metadata.is_file() {
                more = true;
            }
        }
    }
    files.sort();
    let files: Vec<_> = files
        .into_iter()
        .map(|(path, bytes, modified)| {
            json!({
                "path": path,
                "bytes": bytes,
                "modified": modified.map(httpdate::fmt_http_date),
            })
        })
        .collect();
    json!({ "files": files, "more": more })
}

fn listed(list: &serde_json::Value, request: &Request<'_>) -> Response {
    let mut text = format!("{list:#}");
    text.push('\n');
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    provenance::add_terms(&mut fields, &request.place.portal);
    let content = Content::Buffer(Bytes::from(text));
    Response {
        status: StatusCode::OK,
        fields,
        content,
        cache: CacheStatus::forwarded(Forward::Bypass),
    }
}

fn file(opened: Opened, name: &Path, request: &Request<'_>) -> Response {
    let mut fields = fields_of(&opened, name);
    provenance::add_terms(&mut fields, &request.place.portal);
    let selected = select(request.method, request.fields, &fields, Some(opened.length));
    let status = selected.head(&mut fields);
    let length = opened.length;
    let content = match selected {
        Selected::NotModified | Selected::Unsatisfiable { .. } => Content::Buffer(Bytes::new()),
        Selected::Whole if *request.method == Method::HEAD => {
            Content::Stream(Box::pin(stream::empty()), Some(length))
        }
        Selected::Whole => read(opened.file, 0..length),
        Selected::Part { range, .. } => read(opened.file, range),
    };
    Response { status, fields, content, cache: CacheStatus::forwarded(Forward::Bypass) }
}

fn fields_of(opened: &Opened, name: &Path) -> HeaderMap {
    let mut fields = HeaderMap::new();
    let extension = name.extension().and_then(|end| end.to_str()).unwrap_or_default();
    let media_type = MEDIA_TYPES
        .iter()
        .find(|(end, _)| extension.eq_ignore_ascii_case(end))
        .map_or("application/octet-stream", |(_, media_type)| media_type);
    let media_type = HeaderValue::from_static(media_type);
    if fields::is_active(&media_type) {
        fields.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    }
    fields.insert(CONTENT_TYPE, media_type);
    fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Whoever has it asks each time whether it is still the same.
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let modified = httpdate::fmt_http_date(opened.modified);
    for (name, text) in [(ETAG, &opened.etag), (LAST_MODIFIED, &modified)] {
        if let Ok(value) = HeaderValue::try_from(text) {
            fields.insert(name, value);
        }
    }
    fields
}

/// The bytes of a range, piece by piece. A file that became shorter meanwhile breaks off.
fn read(file: File, range: Range<u64>) -> Content {
    let length = range.end - range.start;
    let begun = (Arc::new(file), range);
    let pieces = stream::try_unfold(begun, |(file, range)| async move {
        let end = range.end.min(range.start + PIECE);
        if range.start == end {
            return Ok(None);
        }
        let (reading, at) = (Arc::clone(&file), range.start);
        let mut piece = vec![0; usize::try_from(end - at).map_err(ContentError::from)?];
        let read = tokio::task::spawn_blocking(move || {
            reading.read_exact_at(&mut piece, at).map(|()| Bytes::from(piece))
        });
        Ok::<_, ContentError>(Some((read.await??, (file, end..range.end))))
    });
    Content::Stream(Box::pin(pieces), Some(length))
}
