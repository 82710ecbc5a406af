//! JSON text in the two hands CKAN writes it: Python's `json.dumps` around, `PostgreSQL`'s own
//! inside `records`. Not a JSON library.

use std::fmt::Write as _;

use serde_json::Value;

/// A string as Python writes it: ASCII, everything else as `\uXXXX`.
pub(super) fn ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_ascii(&mut out, text);
    out
}

/// Appends a string as Python writes it.
pub(super) fn push_ascii(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        if push_short_escape(out, character) {
            continue;
        }
        if matches!(character, ' '..='~') {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                push_unit(out, *unit);
            }
        }
    }
    out.push('"');
}

/// Appends a string as `PostgreSQL` writes it: raw UTF-8, also U+2028 and U+007F; only what JSON
/// forbids is escaped.
pub(super) fn push_utf8(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        if push_short_escape(out, character) {
            continue;
        }
        match u8::try_from(character) {
            Ok(control @ 0..=0x1f) => push_unit(out, control.into()),
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// A value as Python writes it, with `", "` and `": "`. `value` was parsed, so its depth is bounded
/// by `serde_json`'s 128. Keys are in the parser's order, not always in the caller's.
pub(super) fn python(value: &Value) -> String {
    match value {
        Value::String(text) => ascii(text),
        Value::Array(items) => list(items.iter().map(python)),
        Value::Object(members) => {
            object(members.iter().map(|(key, value)| (key.as_str(), python(value))))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// `[a, b]` of JSON texts.
pub(super) fn list(items: impl Iterator<Item = impl AsRef<str>>) -> String {
    let mut out = String::from("[");
    for item in items {
        if out.len() > 1 {
            out.push_str(", ");
        }
        out.push_str(item.as_ref());
    }
    out.push(']');
    out
}

/// `{"key": value, …}` of JSON texts.
pub(super) fn object<'k>(members: impl Iterator<Item = (&'k str, impl AsRef<str>)>) -> String {
    let mut out = String::from("{");
    for (key, value) in members {
        if out.len() > 1 {
            out.push_str(", ");
        }
        push_ascii(&mut out, key);
        out.push_str(": ");
        out.push_str(value.as_ref());
    }
    out.push('}');
    out
}

fn push_short_escape(out: &mut String, character: char) -> bool {
    out.push_str(match character {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        _ => return false,
    });
    true
}

fn push_unit(out: &mut String, unit: u16) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\u{unit:04x}");
}

#[cfg(test)]
mod tests {
    use super::{ascii, push_utf8, python};

    #[test]
    fn python_escapes_all_but_printable_ascii() {
        assert_eq!(ascii("é\u{7f}🌍\"\\\n\u{2028}/"), r#""\u00e9\u007f\ud83c\udf0d\"\\\n\u2028/""#);
    }

    #[test]
    fn postgresql_escapes_only_what_json_forbids() {
        let mut out = String::new();
        push_utf8(&mut out, "é\u{7f}\u{7}\t\u{2028}\"");
        assert_eq!(out, "\"é\u{7f}\\u0007\\t\u{2028}\\\"\"");
    }

    #[test]
    fn values_have_python_separators() {
        let value = serde_json::json!({"a": [1, true, null, "α"]});
        assert_eq!(python(&value), r#"{"a": [1, true, null, "\u03b1"]}"#);
    }
}
