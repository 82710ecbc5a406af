//! Padding as CKAN puts it on. Not a check of the callback's name: CKAN has none.

/// `callback(json);`, with the name escaped as HTML and otherwise as it came, even if it is empty
/// or a whole statement.
pub(super) fn pad(callback: &str, json: &str) -> String {
    let mut padded = String::with_capacity(callback.len() + json.len() + 3);
    for character in callback.chars() {
        match character {
            // The entities of Python's `html.escape`.
            '&' => padded.push_str("&amp;"),
            '<' => padded.push_str("&lt;"),
            '>' => padded.push_str("&gt;"),
            '"' => padded.push_str("&quot;"),
            '\'' => padded.push_str("&#x27;"),
            other => padded.push(other),
        }
    }
    padded.push('(');
    padded.push_str(json);
    padded.push_str(");");
    padded
}

#[cfg(test)]
mod tests {
    use super::pad;

    #[test]
    fn the_name_is_escaped_as_html_and_not_checked() {
        assert_eq!(pad("window.cb", "{}"), "window.cb({});");
        assert_eq!(pad("a[\"b\"]", "{}"), "a[&quot;b&quot;]({});");
        assert_eq!(pad("<&'>", "{}"), "&lt;&amp;&#x27;&gt;({});");
        assert_eq!(pad("alert(1);f", "{}"), "alert(1);f({});");
        assert_eq!(pad("", "{}"), "({});");
    }
}
