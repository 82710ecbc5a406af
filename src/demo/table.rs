//! The table of the datastore, read from the CSV file that is also offered for download. Not the
//! questions one may ask of it.

use serde_json::Value;
use serde_json::value::RawValue;

use super::cell::{Cell, Kind};
use super::csv;
use super::words::fold;

/// The file.
pub(super) const CONTENT: &str = include_str!("../../fixtures/demo/qualitat-aire-mesures.csv");

const FIELDS: &str = include_str!("../../fixtures/demo/fields.json");

/// The resource the table belongs to.
pub(super) const RESOURCE: &str = "e5f516c7-456f-50aa-804b-81826abed5b5";

/// Columns and rows, in the order of the file, `_id` first.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) id: String,
    /// The column's JSON in `fields`, as CKAN writes it.
    pub(super) json: String,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) struct Row {
    /// **Invariant:** one for each column.
    pub(super) cells: Vec<Cell>,
    /// All words of the row, folded.
    pub(super) words: String,
}

impl Table {
    /// The table in the program.
    pub(super) fn built_in() -> Self {
        Self::parse(FIELDS, CONTENT).expect("the built-in table fits its columns")
    }

    /// The place of the column called `id`.
    pub(super) fn position(&self, id: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.id == id)
    }

    fn parse(fields: &str, content: &str) -> Option<Self> {
        let raw: Vec<Box<RawValue>> = serde_json::from_str(fields).ok()?;
        let columns = raw.iter().map(|raw| Column::parse(raw)).collect::<Option<Vec<_>>>()?;
        // The header line only repeats the names of the columns.
        let records = csv::parse(content).into_iter().skip(1);
        let rows = (1..).zip(records).map(|(id, record)| Row::parse(id, record, &columns));
        Some(Self { rows: rows.collect::<Option<_>>()?, columns })
    }
}

impl Column {
    fn parse(raw: &RawValue) -> Option<Self> {
        let value: Value = serde_json::from_str(raw.get()).ok()?;
        Some(Self {
            id: value["id"].as_str()?.to_owned(),
            kind: Kind::of(value["type"].as_str()?)?,
            json: raw.get().to_owned(),
        })
    }
}

impl Row {
    fn parse(id: i64, record: Vec<Option<String>>, columns: &[Column]) -> Option<Self> {
        let (_, named) = columns.split_first()?;
        if record.len() != named.len() {
            return None;
        }
        let mut cells = vec![Cell::Integer(id)];
        for (column, field) in named.iter().zip(record) {
            cells.push(column.kind.read(field)?);
        }
        let text: Vec<_> = cells.iter().skip(1).filter_map(Cell::text).collect();
        Some(Self { words: fold(&text.join(" ")), cells })
    }
}
