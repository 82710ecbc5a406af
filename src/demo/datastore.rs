//! `datastore_search`: the question, and the result with all that CKAN repeats of the question.
//! Not SQL, and no operators in filters.

use std::collections::HashSet;

use serde_json::Value;

use super::json;
use super::outcome::{Failure, Outcome};
use super::parameters::Parameters;
use super::records::{Format, Records};
use super::selection::{Selection, Words, number};
use super::table::{RESOURCE, Row, Table};

/// CKAN's default for `limit`.
const DEFAULT_LIMIT: usize = 100;
/// CKAN's `ckan.datastore.search.rows_max`; more is cut, and `limit` in the result says so.
pub(super) const MAX_LIMIT: usize = 32_000;

/// What the first word found is worth to `PostgreSQL`'s `ts_rank`; all rows found rank alike here.
const RANK: &str = "0.06079271";

const KNOWN: [&str; 15] = [
    "resource_id",
    "id",
    "limit",
    "offset",
    "q",
    "filters",
    "fields",
    "sort",
    "distinct",
    "include_total",
    "records_format",
    "plain",
    "language",
    "total_estimation_threshold",
    "full_text",
];

/// A member of the result: its name and its JSON.
type Member = (&'static str, String);

pub(super) fn datastore_search(table: &Table, parameters: &Parameters) -> Outcome {
    let resource = parameters.value("resource_id").or_else(|| parameters.value("id"));
    let resource = match resource {
        None | Some("") => return Err(Failure::validation("resource_id", "Missing value")),
        Some(resource) => resource,
    };
    let limit = natural_limit(parameters)?;
    let offset = number(parameters, "offset")?;
    let format = format(parameters)?;
    if resource != RESOURCE {
        let message = format!("Not found: Resource \"{resource}\" was not found.");
        return Err(Failure::NotFound(message));
    }
    if let Some(name) = parameters.unknown(&KNOWN) {
        return Err(Failure::invalid_value("__extras", name));
    }
    let selection = Selection::parse(table, parameters)?;
    let records = Records {
        table,
        columns: &selection.columns,
        format,
        ranks: ranks(table, selection.words.as_ref()),
    };
    let mut rows = selection.rows(table);
    if parameters.flag("distinct", false) {
        keep_distinct(&mut rows, &records);
    }
    let total = rows.len();
    let page: Vec<&Row> = rows.into_iter().skip(offset.unwrap_or(0)).take(limit).collect();

    let fields = json::list(selection.columns.iter().map(|place| &table.columns[*place].json));
    let some_fields = parameters.value("fields").is_some_and(|fields| !fields.is_empty());
    let mut members = echo(parameters, &selection, &records, limit);
    if some_fields {
        // What was asked for is replaced in its place by what it means.
        let place = members.partition_point(|(name, _)| *name < "fields");
        members.insert(place, ("fields", fields.clone()));
    }
    members.extend(filter_operators(&selection));
    members.push(("records", records.member(&page)));
    if !some_fields {
        members.push(("fields", fields));
    }
    if parameters.flag("include_total", true) {
        members.push(("total", total.to_string()));
    }
    Ok(json::object(members.into_iter()))
}

fn natural_limit(parameters: &Parameters) -> Result<usize, Failure> {
    number(parameters, "limit")
        .map(|limit| limit.map_or(DEFAULT_LIMIT, |limit| limit.min(MAX_LIMIT)))
        .map_err(|failure| match failure {
            // `limit` has a second validator, the one that cuts at the maximum.
            Failure::Validation(name, mut messages) if messages == ["Invalid integer"] => {
                messages.push("Please enter an integer value".to_owned());
                Failure::Validation(name, messages)
            }
            other => other,
        })
}

fn format(parameters: &Parameters) -> Result<Format, Failure> {
    let name = parameters.value("records_format").filter(|name| !name.is_empty());
    Format::of(name.unwrap_or("objects")).ok_or_else(|| {
        let message = "Value must be one of ['objects', 'lists', 'csv', 'tsv']";
        Failure::validation("records_format", message)
    })
}

/// The question as CKAN repeats it, in the order of the alphabet.
fn echo(
    parameters: &Parameters,
    selection: &Selection,
    records: &Records<'_>,
    limit: usize,
) -> Vec<Member> {
    let mut members = Vec::new();
    if parameters.value("distinct").is_some() {
        members.push(("distinct", parameters.flag("distinct", false).to_string()));
    }
    if let Some(filters) = &selection.filters {
        members.push(("filters", json::python(&Value::Object(filters.clone()))));
    }
    members.push(("include_next_page", "false".to_owned()));
    members.push(("include_total", parameters.flag("include_total", true).to_string()));
    members.push(("limit", limit.to_string()));
    if let Ok(Some(offset)) = number(parameters, "offset") {
        members.push(("offset", offset.to_string()));
    }
    if let Some(q) = parameters.value("q").filter(|q| !q.is_empty()) {
        let object = serde_json::from_str(q).ok().filter(Value::is_object);
        members.push(("q", object.map_or_else(|| json::ascii(q), |object| json::python(&object))));
    }
    members.push(("records_format", json::ascii(records.format.name())));
    members.push(("resource_id", json::ascii(RESOURCE)));
    if let Some(sort) = parameters.value("sort").filter(|sort| !sort.is_empty()) {
        members.push(("sort", json::ascii(sort)));
    }
    members
}

/// CKAN 2.12 also shows the filters in the form it works with.
fn filter_operators(selection: &Selection) -> Option<Member> {
    let filters = selection.filters.as_ref().filter(|filters| !filters.is_empty())?;
    let each = filters.iter().map(|(id, value)| {
        let operator = if value.is_array() { "in" } else { "eq" };
        let members = [
            ("op", json::ascii(operator)),
            ("field", json::ascii(id)),
            ("value", json::python(value)),
        ];
        json::object(members.into_iter())
    });
    let all =
        [("op", json::ascii("$and")), ("field", "null".to_owned()), ("value", json::list(each))];
    Some(("filterops", json::object(all.into_iter())))
}

fn ranks(table: &Table, words: Option<&Words>) -> Vec<(String, &'static str)> {
    match words {
        None => Vec::new(),
        Some(Words::Anywhere(_)) => vec![("rank".to_owned(), RANK)],
        Some(Words::In(columns)) => columns
            .iter()
            .map(|(column, _)| (format!("rank {}", table.columns[*column].id), RANK))
            .collect(),
    }
}

fn keep_distinct(rows: &mut Vec<&Row>, records: &Records<'_>) {
    let mut seen = HashSet::new();
    rows.retain(|row| {
        let mut text = String::new();
        records.push(&mut text, row);
        seen.insert(text)
    });
}
