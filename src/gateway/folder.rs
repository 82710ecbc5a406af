//! A folder of this machine as a portal: its files as they are at the moment, with ranges and
//! validators, and what it holds as a list. Nothing of it is cached, so that what is saved is seen.
//!
//! **Invariant:** nothing outside the folder is read: dot segments, hidden names and links that lead
//! out are not there.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
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
use rustix::fs::OFlags;
use serde_json::json;

use crate::cache::{CacheStatus, Content, ContentError, Forward};

use super::select::{Selected, select};
use super::{Error, Request, Response, fields, provenance};

/// What is read at once, in bytes: 128 KiB.
const PIECE: u64 = 128 << 10;

/// How many names a list looks at: 10,000. Where there are more, it says so.
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
    let inside = || -> io::Result<PathBuf> {
        let (root, path) = (folder.canonicalize()?, folder.join(below).canonicalize()?);
        // Judged after links are followed, and before: both names are what the file is called.
        let inside = path.strip_prefix(&root).map_err(io::Error::other)?;
        let mut names = inside.components().chain(below.components());
        if names.any(|part| is_hidden(part.as_os_str())) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(path)
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
    // Without waiting: of a pipe, an open would wait for its other end.
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC).bits();
    let file = File::options()
        .read(true)
        .custom_flags(i32::try_from(flags).map_err(io::Error::other)?)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
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
    let (mut files, mut seen) = (Vec::new(), 0);
    let mut folders = vec![(path.to_owned(), String::new(), 0)];
    while let Some((folder, before, depth)) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            seen += 1;
            if seen > LISTED {
                break;
            }
            let name = entry.file_name();
            let (Some(name), false) = (name.to_str(), is_hidden(&name)) else { continue };
            let Ok(metadata) = entry.metadata() else { continue };
            let path = format!("{before}{name}");
            if metadata.is_dir() && depth < DEPTH {
                folders.push((entry.path(), format!("{path}/"), depth + 1));
            } else if metadata.is_file() {
                files.push((path, metadata.len(), metadata.modified().ok()));
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
    json!({ "files": files, "more": seen > LISTED })
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
        terms: None,
        portal_time: None,
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
    Response {
        status,
        fields,
        content,
        cache: CacheStatus::forwarded(Forward::Bypass),
        terms: None,
        portal_time: None,
    }
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
