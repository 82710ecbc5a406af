//! `sort` of the datastore, with `PostgreSQL`'s rules for NULL. Not the order without `sort`, which is
//! that of `_id`.

use std::cmp::Ordering;

use super::cell::Cell;
use super::outcome::Failure;
use super::table::{Row, Table};

/// One column of `sort`.
#[derive(Debug)]
pub(super) struct SortKey {
    column: usize,
    descending: bool,
    nulls_first: bool,
}

/// `valor desc nulls last, "municipi"`. A column that comes again decides nothing more.
pub(super) fn parse(table: &Table, sort: &str) -> Result<Vec<SortKey>, Failure> {
    let mut keys: Vec<SortKey> = Vec::new();
    for text in sort.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let key = SortKey::new(table, text)?;
        if keys.iter().all(|earlier| earlier.column != key.column) {
            keys.push(key);
        }
    }
    Ok(keys)
}

/// The order of two rows by all keys in turn.
pub(super) fn compare(keys: &[SortKey], one: &Row, other: &Row) -> Ordering {
    keys.iter().fold(Ordering::Equal, |order, key| order.then_with(|| key.compare(one, other)))
}

impl SortKey {
    fn new(table: &Table, text: &str) -> Result<Self, Failure> {
        let (id, order) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let column = table
            .position(id.trim_matches('"'))
            .ok_or_else(|| Failure::invalid_value("sort", id))?;
        let order = order.to_ascii_lowercase();
        let words: Vec<&str> = order.split_whitespace().collect();
        let (descending, nulls) = match words.split_first() {
            Some((&"desc", nulls)) => (true, nulls),
            Some((&"asc", nulls)) => (false, nulls),
            _ => (false, words.as_slice()),
        };
        let nulls_first = match nulls {
            // To PostgreSQL, NULL is greater than everything.
            [] => descending,
            ["nulls", "first"] => true,
            ["nulls", "last"] => false,
            _ => return Err(Failure::invalid_value("sort", text)),
        };
        Ok(Self { column, descending, nulls_first })
    }

    fn compare(&self, one: &Row, other: &Row) -> Ordering {
        let (one, other) = (&one.cells[self.column], &other.cells[self.column]);
        match (*one == Cell::Null, *other == Cell::Null) {
            (false, false) if self.descending => other.compare(one),
            (false, false) => one.compare(other),
            (one, other) if self.nulls_first => other.cmp(&one),
            (one, other) => one.cmp(&other),
        }
    }
}
