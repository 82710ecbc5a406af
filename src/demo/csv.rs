//! CSV as `PostgreSQL`'s `COPY … CSV` reads and writes it: an empty field is NULL, a quoted empty
//! field is the empty text. Not a reader of other people's CSV.

/// The records of `text`, without trust in their number of fields.
pub(super) fn parse(text: &str) -> Vec<Vec<Option<String>>> {
    let mut records = Vec::new();
    let mut record = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (field, after) = field(rest);
        record.push(field);
        if let Some(next) = after.strip_prefix(',') {
            rest = next;
            if rest.is_empty() {
                record.push(None);
            }
            continue;
        }
        records.push(std::mem::take(&mut record));
        rest = after.strip_prefix('\r').unwrap_or(after);
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    if !record.is_empty() {
        records.push(record);
    }
    records
}

/// Appends one field; NULL is nothing at all, the empty text is `""`.
pub(super) fn push(out: &mut String, field: Option<&str>, delimiter: char) {
    let Some(field) = field else { return };
    let quoted = |c: char| c == delimiter || matches!(c, '"' | '\n' | '\r');
    if field.is_empty() || field.contains(quoted) {
        out.push('"');
        out.push_str(&field.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(field);
    }
}

/// One field, and what follows it.
fn field(text: &str) -> (Option<String>, &str) {
    let Some(mut rest) = text.strip_prefix('"') else {
        let end = text.find([',', '\r', '\n']).unwrap_or(text.len());
        let (field, rest) = text.split_at(end);
        return ((!field.is_empty()).then(|| field.to_owned()), rest);
    };
    let mut field = String::new();
    while let Some((part, after)) = rest.split_once('"') {
        field.push_str(part);
        match after.strip_prefix('"') {
            Some(next) => {
                field.push('"');
                rest = next;
            }
            None => return (Some(field), after),
        }
    }
    // A quote that is never closed ends with the text.
    field.push_str(rest);
    (Some(field), "")
}

#[cfg(test)]
mod tests {
    use super::{parse, push};

    fn own<const N: usize>(record: [Option<&str>; N]) -> Vec<Option<String>> {
        record.into_iter().map(|field| field.map(str::to_owned)).collect()
    }

    #[test]
    fn null_and_the_empty_text_are_told_apart() {
        assert_eq!(
            parse("a,,\"\"\r\n\"b,\"\"c\"\"\nd\",e,\n"),
            [own([Some("a"), None, Some("")]), own([Some("b,\"c\"\nd"), Some("e"), None])]
        );
        assert_eq!(parse("a,"), [own([Some("a"), None])]);
        assert_eq!(parse("\"a"), [own([Some("a")])]);
    }

    #[test]
    fn what_was_written_is_read_back() {
        let record = own([Some("a"), None, Some(""), Some("b,\"c\"\nd"), Some("\u{2028}")]);
        let mut line = String::new();
        for (position, field) in record.iter().enumerate() {
            if position > 0 {
                line.push(',');
            }
            push(&mut line, field.as_deref(), ',');
        }
        assert_eq!(parse(&line), [record]);
    }
}
