//! Aligned tables that fit the terminal: what is too long for it is shortened in the middle, where
//! URLs differ least. Without a terminal nothing is shortened.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

/// The narrowest that a column is made.
const NARROWEST: usize = 16;

/// What stands between two columns.
const GAP: usize = 2;

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// From the left.
    Left(&'static str),
    /// To the right, for numbers.
    Right(&'static str),
    /// From the left, and shortened where there is no room.
    Flexible(&'static str),
}

impl Column {
    const fn title(self) -> &'static str {
        match self {
            Self::Left(title) | Self::Right(title) | Self::Flexible(title) => title,
        }
    }
}

/// Lays rows out under the columns' titles, in at most `width` characters if that is possible.
pub(super) fn table(columns: &[Column], rows: &[Vec<String>], width: Option<usize>) -> String {
    let mut widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = rows.iter().filter_map(|row| row.get(index));
            cells.map(|cell| cell.chars().count()).fold(column.title().len(), usize::max)
        })
        .collect();
    if let Some(width) = width {
        fit(columns, &mut widths, width);
    }
    let titles: Vec<_> = columns.iter().map(|column| column.title().to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&titles).chain(rows) {
        let mut line = String::new();
        for ((column, width), cell) in columns.iter().zip(&widths).zip(row) {
            let cell = shortened(cell, *width);
            if !line.is_empty() {
                line.push_str(&" ".repeat(GAP));
            }
            // Writing to a String cannot fail.
            let _ = match column {
                Column::Right(_) => write!(line, "{cell:>width$}"),
                Column::Left(_) | Column::Flexible(_) => write!(line, "{cell:<width$}"),
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Takes from the widest flexible column until all fit.
fn fit(columns: &[Column], widths: &mut [usize], width: usize) {
    let gaps = GAP * columns.len().saturating_sub(1);
    let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
    while over > 0 {
        let flexible = columns.iter().zip(widths.iter_mut());
        let widest = flexible
            .filter(|(column, width)| matches!(column, Column::Flexible(_)) && **width > NARROWEST)
            .max_by_key(|(_, width)| **width);
        let Some((_, widest)) = widest else { return };
        *widest -= 1;
        over -= 1;
    }
}

/// A text of at most `width` characters: its beginning and its end.
fn shortened(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let tail = kept / 2;
    let head: String = text.chars().take(kept - tail).collect();
    let tail: String = text.chars().skip(length - tail).collect();
    format!("{head}…{tail}")
}

/// The width of the terminal that standard output is, if it is one. One that does not tell its
/// size is taken for the classic one.
pub(super) fn terminal_width() -> Option<usize> {
    let size = std::io::stdout().is_terminal().then(terminal_size::terminal_size)?;
    Some(size.map_or(80, |(width, _)| usize::from(width.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_its_width_by_what_is_flexible() {
        let columns = [Column::Right("SIZE"), Column::Left("KIND"), Column::Flexible("URL")];
        let rows = [
            vec!["7 B".to_owned(), "json".to_owned(), "/p/city/a".to_owned()],
            vec!["1.4 MiB".to_owned(), "csv".to_owned(), "/p/city/0123456789/end".to_owned()],
        ];
        let whole = table(&columns, &rows, None);
        insta::assert_snapshot!(whole, @r"
           SIZE  KIND  URL
            7 B  json  /p/city/a
        1.4 MiB  csv   /p/city/0123456789/end
        ");
        let narrow = table(&columns, &rows, Some(32));
        insta::assert_snapshot!(narrow, @r"
           SIZE  KIND  URL
            7 B  json  /p/city/a
        1.4 MiB  csv   /p/city/…6789/end
        ");
        assert!(table(&columns, &rows, Some(1)).contains("/p/city/…789/end"));
    }
}
