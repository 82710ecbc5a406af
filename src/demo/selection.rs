//! Which rows, which columns, in which order: the questions `datastore_search` and the dump have in
//! common. Not how the rows are written.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::cell::{Cell, Kind};
use super::outcome::Failure;
use super::parameters::{Parameters, natural};
use super::sort_key::{self, SortKey};
use super::table::{Row, Table};
use super::words::{fold, is_blank};

/// A question to the table, every name in it checked.
#[derive(Debug)]
pub(super) struct Selection {
    /// Places of the columns asked for; all of them without `fields`.
    pub(super) columns: Vec<usize>,
    /// `filters` as they were given.
    pub(super) filters: Option<Map<String, Value>>,
    /// `q`, if it says anything.
    pub(super) words: Option<Words>,
    tests: Vec<Test>,
    sort: Vec<SortKey>,
}

/// A full-text query.
#[derive(Debug)]
pub(super) enum Words {
    /// These words anywhere in a row.
    Anywhere(Vec<String>),
    /// These words in these columns.
    In(Vec<(usize, Vec<String>)>),
}

/// One filter: a column and what may be in it.
#[derive(Debug)]
struct Test {
    column: usize,
    null: bool,
    /// **Invariant:** sorted, of the column's type, without NULL.
    values: Vec<Cell>,
}

impl Selection {
    pub(super) fn parse(table: &Table, parameters: &Parameters) -> Result<Self, Failure> {
        let filters = filters(parameters)?;
        let tests = filters.iter().flatten().map(|(id, value)| {
            let column = column(table, "filters", id)?;
            Ok(Test::new(column, table.columns[column].kind, value))
        });
        let sort = parameters.value("sort").unwrap_or_default();
        Ok(Self {
            columns: columns(table, parameters)?,
            words: words(table, parameters)?,
            tests: tests.collect::<Result<_, _>>()?,
            sort: sort_key::parse(table, sort)?,
            filters,
        })
    }

    /// All rows that fit, sorted.
    pub(super) fn rows<'t>(&self, table: &'t Table) -> Vec<&'t Row> {
        let mut rows: Vec<&Row> = table.rows.iter().filter(|row| self.holds(row)).collect();
        // Stable: what is equal stays in the order of `_id`.
        rows.sort_by(|one, other| sort_key::compare(&self.sort, one, other));
        rows
    }

    fn holds(&self, row: &Row) -> bool {
        self.tests.iter().all(|test| test.holds(&row.cells[test.column]))
            && self.words.as_ref().is_none_or(|words| words.hold(row))
    }
}

impl Test {
    fn new(column: usize, kind: Kind, value: &Value) -> Self {
        let values = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        let wanted = values.iter().filter_map(|value| kind.wanted(value));
        let (nulls, mut values): (Vec<Cell>, _) = wanted.partition(|cell| *cell == Cell::Null);
        // Searched by halves, so that a long list does not cost its length for every row.
        values.sort_by(Cell::compare);
        Self { column, null: !nulls.is_empty(), values }
    }

    fn holds(&self, cell: &Cell) -> bool {
        match cell {
            Cell::Null => self.null,
            cell => self.values.binary_search_by(|value| value.compare(cell)).is_ok(),
        }
    }
}

impl Words {
    fn hold(&self, row: &Row) -> bool {
        let all =
            |text: &str, words: &[String]| words.iter().all(|word| text.contains(word.as_str()));
        match self {
            Self::Anywhere(words) => all(&row.words, words),
            Self::In(columns) => columns.iter().all(|(column, words)| {
                row.cells[*column].text().is_some_and(|text| all(&fold(&text), words))
            }),
        }
    }
}

/// A natural number of the datastore's, with the words of its two validators.
pub(super) fn number(
    parameters: &Parameters,
    name: &'static str,
) -> Result<Option<usize>, Failure> {
    let value = parameters.value(name).filter(|value| !value.is_empty());
    value.map(natural).transpose().map_err(|message| Failure::validation(name, message))
}

/// The place of a column that `parameter` names.
fn column(table: &Table, parameter: &'static str, id: &str) -> Result<usize, Failure> {
    table.position(id).ok_or_else(|| Failure::invalid_value(parameter, id))
}

fn filters(parameters: &Parameters) -> Result<Option<Map<String, Value>>, Failure> {
    let Some(text) = parameters.value("filters").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(filters)) => Ok(Some(filters)),
        _ => Err(Failure::validation("filters", "Cannot parse JSON")),
    }
}

/// `fields` is a list of names, with commas or as JSON, once or several times.
fn columns(table: &Table, parameters: &Parameters) -> Result<Vec<usize>, Failure> {
    let mut names = Vec::new();
    for value in parameters.values("fields").filter(|value| !value.is_empty()) {
        match serde_json::from_str::<Vec<String>>(value) {
            Ok(list) => names.extend(list),
            Err(_) => {
                names.extend(value.split(',').map(|name| name.trim().trim_matches('"').to_owned()));
            }
        }
    }
    if names.is_empty() {
        return Ok((0..table.columns.len()).collect());
    }
    let mut columns = Vec::with_capacity(table.columns.len());
    for name in &names {
        let column = column(table, "fields", name)?;
        // A name given again adds nothing, so a row is never wider than the table.
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    Ok(columns)
}

fn words(table: &Table, parameters: &Parameters) -> Result<Option<Words>, Failure> {
    let Some(q) = parameters.value("q").filter(|q| !q.is_empty()) else {
        return Ok(None);
    };
    let split = |text: &str| {
        let folded = fold(text);
        let words: BTreeSet<&str> = folded.split_whitespace().collect();
        words.into_iter().map(|word| format!(" {word} ")).collect::<Vec<_>>()
    };
    if let Ok(Value::Object(columns)) = serde_json::from_str(q) {
        let columns = columns.iter().map(|(id, text)| {
            Ok((column(table, "q", id)?, split(text.as_str().unwrap_or_default())))
        });
        return Ok(Some(Words::In(columns.collect::<Result<_, _>>()?)));
    }
    Ok((!is_blank(&fold(q))).then(|| Words::Anywhere(split(q))))
}
