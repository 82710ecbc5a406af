//! One value of the table, with the type its column has in `PostgreSQL`. Not a general value: the
//! types are those of the demonstration's columns.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::Value;

use super::json;

/// The types of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `int`, `int4` and `int8`.
    Integer,
    /// `numeric`: all digits are kept, also trailing zeros.
    Numeric,
    /// `text`.
    Text,
    /// `timestamp`, without a zone.
    Timestamp,
    /// `bool`.
    Bool,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Null,
    Integer(i64),
    /// As it was written, and what it is worth for comparing.
    Numeric(String, f64),
    Text(String),
    /// With milliseconds, as CKAN 2.12 shows it.
    Timestamp(String),
    Bool(bool),
}

impl Kind {
    /// The type `PostgreSQL` calls `name`.
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "int" | "int4" | "int8" => Self::Integer,
            "numeric" => Self::Numeric,
            "text" => Self::Text,
            "timestamp" => Self::Timestamp,
            "bool" => Self::Bool,
            _ => return None,
        })
    }

    /// Reads a field of the CSV file.
    pub(super) fn read(self, field: Option<String>) -> Option<Cell> {
        let Some(field) = field else {
            return Some(Cell::Null);
        };
        Some(match self {
            Self::Integer => Cell::Integer(field.parse().ok()?),
            Self::Numeric => {
                let worth = field.parse().ok()?;
                Cell::Numeric(field, worth)
            }
            Self::Text => Cell::Text(field),
            Self::Timestamp => Cell::Timestamp(format!("{field}.000")),
            Self::Bool => Cell::Bool(field.parse().ok()?),
        })
    }

    /// Reads a value of a filter; nothing if no cell of this type can be that. Text is accepted for
    /// every type, as a query has no other.
    pub(super) fn wanted(self, value: &Value) -> Option<Cell> {
        if value.is_null() {
            return Some(Cell::Null);
        }
        let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
        Some(match self {
            Self::Integer => Cell::Integer(text.parse().ok()?),
            Self::Numeric => Cell::Numeric(String::new(), text.parse().ok()?),
            Self::Text => Cell::Text(value.as_str().map_or(text, str::to_owned)),
            Self::Timestamp => {
                let text = text.replace(' ', "T");
                // `2026-01-01` is its midnight, and a whole second has no milliseconds.
                let rest = "0000-00-00T00:00:00.000".get(text.len()..).unwrap_or_default();
                Cell::Timestamp(text + rest)
            }
            Self::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "t" => Cell::Bool(true),
                "false" | "f" => Cell::Bool(false),
                _ => return None,
            },
        })
    }
}

impl Cell {
    /// Appends the value as `PostgreSQL`'s JSON.
    pub(super) fn push_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Integer(number) => out.push_str(&number.to_string()),
            Self::Numeric(digits, _) => out.push_str(digits),
            Self::Text(text) | Self::Timestamp(text) => json::push_utf8(out, text),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        }
    }

    /// The value as `PostgreSQL`'s CSV has it; nothing for NULL.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Null => return None,
            Self::Integer(number) => number.to_string().into(),
            Self::Numeric(text, _) | Self::Text(text) | Self::Timestamp(text) => text.into(),
            Self::Bool(value) => if *value { "t" } else { "f" }.into(),
        })
    }

    /// The order of two values of one column; NULL compares as equal and is placed elsewhere.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => one.cmp(other),
            (Self::Numeric(_, one), Self::Numeric(_, other)) => one.total_cmp(other),
            (Self::Text(one), Self::Text(other))
            | (Self::Timestamp(one), Self::Timestamp(other)) => one.cmp(other),
            (Self::Bool(one), Self::Bool(other)) => one.cmp(other),
            _ => Ordering::Equal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;
    use serde_json::json;

    #[test]
    fn numbers_keep_their_digits() {
        let mut out = String::new();
        for (kind, field) in [(Kind::Numeric, "1.00"), (Kind::Integer, "9007199254740993")] {
            let cell = kind.read(Some(field.to_owned())).expect("a number");
            cell.push_json(&mut out);
            out.push(' ');
        }
        assert_eq!(out, "1.00 9007199254740993 ");
    }

    #[test]
    fn a_filter_finds_a_value_however_it_is_written() {
        let finds = |kind: Kind, field: &str, wanted: serde_json::Value| {
            let cell = kind.read(Some(field.to_owned())).expect("a value");
            kind.wanted(&wanted).is_some_and(|wanted| wanted.compare(&cell).is_eq())
        };
        assert!(finds(Kind::Numeric, "1.00", json!(1)));
        assert!(finds(Kind::Numeric, "1.00", json!("1.0")));
        assert!(!finds(Kind::Numeric, "1.00", json!("one")));
        assert!(finds(Kind::Integer, "9007199254740993", json!(9_007_199_254_740_993_i64)));
        assert!(!finds(Kind::Integer, "9007199254740993", json!(9_007_199_254_740_992_i64)));
        assert!(finds(Kind::Timestamp, "2026-01-01T00:00:00", json!("2026-01-01")));
        assert!(finds(Kind::Timestamp, "2026-01-01T08:00:00", json!("2026-01-01 08:00")));
        assert!(finds(Kind::Bool, "true", json!("True")));
        assert!(finds(Kind::Text, "5", json!(5)));
    }
}
