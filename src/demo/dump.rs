//! `/datastore/dump/{resource}`: the whole table as a file. Not an action: never padded, and its
//! errors are pages.

use bytes::Bytes;
use http::header::{CONTENT_DISPOSITION, HeaderValue};
use http::{Response, StatusCode};

use super::parameters::Parameters;
use super::records::{Format, Records};
use super::selection::{Selection, number};
use super::table::{RESOURCE, Table};
use super::{csv, response};

/// The dump of the table, or a page that says no more than a number.
pub(super) fn answer(table: &Table, resource: &str, parameters: &Parameters) -> Response<Bytes> {
    if resource != RESOURCE {
        return response::page(StatusCode::NOT_FOUND);
    }
    let (format, disposition) = match parameters.value("format") {
        None | Some("csv" | "") => (Format::Csv, disposition("csv")),
        Some("tsv") => (Format::Tsv, disposition("tsv")),
        // CKAN also dumps JSON and XML; asked for what it does not know, it breaks like this.
        Some(_) => return response::page(StatusCode::INTERNAL_SERVER_ERROR),
    };
    match content(table, format, parameters) {
        Some(content) => {
            let mut answer = response::octets(content);
            answer.headers_mut().insert(CONTENT_DISPOSITION, disposition);
            answer
        }
        None => response::page(StatusCode::BAD_REQUEST),
    }
}

fn disposition(extension: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("attachment; filename=\"{RESOURCE}.{extension}\""))
        .unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

fn content(table: &Table, format: Format, parameters: &Parameters) -> Option<String> {
    let limit = number(parameters, "limit").ok()?.unwrap_or(usize::MAX);
    let offset = number(parameters, "offset").ok()?.unwrap_or(0);
    let selection = Selection::parse(table, parameters).ok()?;
    if limit == 0 {
        // Not even a header line.
        return Some(String::new());
    }
    let delimiter = if format == Format::Tsv { '\t' } else { ',' };
    let mut out = String::new();
    if parameters.flag("bom", false) {
        out.push('\u{feff}');
    }
    for (position, column) in selection.columns.iter().enumerate() {
        if position > 0 {
            out.push(delimiter);
        }
        csv::push(&mut out, Some(&table.columns[*column].id), delimiter);
    }
    // Python's csv module wrote the header line, PostgreSQL the others.
    out.push_str("\r\n");
    let records = Records { table, columns: &selection.columns, format, ranks: Vec::new() };
    for row in selection.rows(table).into_iter().skip(offset).take(limit) {
        records.push(&mut out, row);
    }
    Some(out)
}
