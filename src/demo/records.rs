//! Rows as text: the four formats of `records`. Not the envelope around them.

use super::csv;
use super::json;
use super::table::{Row, Table};

/// A value of `records_format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Objects,
    Lists,
    Csv,
    Tsv,
}

impl Format {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "objects" => Self::Objects,
            "lists" => Self::Lists,
            "csv" => Self::Csv,
            "tsv" => Self::Tsv,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Lists => "lists",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
        }
    }
}

/// The rows of an answer, written one by one.
pub(super) struct Records<'t> {
    pub(super) table: &'t Table,
    /// Places of the columns to write.
    pub(super) columns: &'t [usize],
    pub(super) format: Format,
    /// Name and value of columns that are in no table: the `rank` of a full-text query.
    pub(super) ranks: Vec<(String, &'static str)>,
}

impl Records<'_> {
    /// The member `records`: `PostgreSQL`'s JSON, or one JSON string that holds CSV.
    pub(super) fn member(&self, rows: &[&Row]) -> String {
        let mut out = String::new();
        match self.format {
            Format::Csv | Format::Tsv => {
                for row in rows {
                    self.push(&mut out, row);
                }
                return json::ascii(&out);
            }
            Format::Objects | Format::Lists => {}
        }
        out.push('[');
        for (position, row) in rows.iter().enumerate() {
            if position > 0 {
                out.push(',');
            }
            self.push(&mut out, row);
        }
        out.push(']');
        out
    }

    /// One row; a line of CSV ends with a line feed.
    pub(super) fn push(&self, out: &mut String, row: &Row) {
        match self.format {
            Format::Objects => self.push_json(out, row, '{', '}'),
            Format::Lists => self.push_json(out, row, '[', ']'),
            Format::Csv => self.push_line(out, row, ','),
            Format::Tsv => self.push_line(out, row, '\t'),
        }
    }

    fn push_json(&self, out: &mut String, row: &Row, open: char, close: char) {
        let mut before = open;
        let mut key = |out: &mut String, name: &str| {
            out.push(before);
            before = ',';
            if open == '{' {
                json::push_utf8(out, name);
                out.push(':');
            }
        };
        for column in self.columns {
            key(out, &self.table.columns[*column].id);
            row.cells[*column].push_json(out);
        }
        for (name, value) in &self.ranks {
            key(out, name);
            out.push_str(value);
        }
        out.push(close);
    }

    fn push_line(&self, out: &mut String, row: &Row, delimiter: char) {
        for (position, column) in self.columns.iter().enumerate() {
            if position > 0 {
                out.push(delimiter);
            }
            csv::push(out, row.cells[*column].text().as_deref(), delimiter);
        }
        for (_, value) in &self.ranks {
            out.push(delimiter);
            out.push_str(value);
        }
        out.push('\n');
    }
}
