//! What a caller asked of an action, from a query or from the content of a `POST`. Not the
//! judgement of it: every action knows its own parameters.

use http::HeaderValue;
use serde_json::Value;
use url::form_urlencoded;

/// Names and values in the order they came. Of a name given twice the first value counts.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    pairs: Vec<(String, String)>,
    callback: Option<String>,
}

/// Why the content of a `POST` was not read.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Neither JSON nor a form.
    MediaType,
    /// Not a JSON object; with CKAN's words.
    Content(String),
}

impl Parameters {
    pub(super) fn of_query(query: Option<&str>) -> Self {
        Self::of_form(query.unwrap_or_default().as_bytes())
    }

    /// The parameters of a `POST`. With any query the content is ignored, as CKAN ignores it.
    pub(super) fn of_post(
        media_type: Option<&HeaderValue>,
        query: Option<&str>,
        content: &[u8],
    ) -> Result<Self, Refusal> {
        if query.is_some_and(|query| !query.is_empty()) {
            return Ok(Self::of_query(query));
        }
        let media_type = media_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if content.is_empty() {
            Ok(Self::default())
        } else if essence.eq_ignore_ascii_case("application/json") {
            Self::of_json(content)
        } else if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Ok(Self::of_form(content))
        } else {
            Err(Refusal::MediaType)
        }
    }

    /// The name to pad with, if one was asked for, even an empty one.
    pub(super) fn callback(&self) -> Option<&str> {
        self.callback.as_deref()
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first name that is not among `known`.
    pub(super) fn unknown(&self, known: &[&str]) -> Option<&str> {
        self.pairs.iter().map(|(name, _)| name.as_str()).find(|name| !known.contains(name))
    }

    /// What Python's `boolean_validator` takes for true.
    pub(super) fn flag(&self, name: &str, default: bool) -> bool {
        self.value(name).map_or(default, |value| {
            matches!(value.to_ascii_lowercase().as_str(), "true" | "yes" | "t" | "y" | "1" | "on")
        })
    }

    fn of_form(form: &[u8]) -> Self {
        Self::of_pairs(form_urlencoded::parse(form).into_owned())
    }

    fn of_json(content: &[u8]) -> Result<Self, Refusal> {
        match serde_json::from_slice(content) {
            Ok(Value::Object(members)) => {
                let text = |value| match value {
                    Value::Null => None,
                    Value::String(text) => Some(text),
                    // Filters and lists are read as JSON text, which is how a query brings them.
                    other => Some(other.to_string()),
                };
                let pairs =
                    members.into_iter().filter_map(|(key, value)| Some((key, text(value)?)));
                Ok(Self::of_pairs(pairs))
            }
            Ok(other) => Err(Refusal::Content(format!(
                "Bad request: JSON Error: Request data JSON decoded to {other} but it needs to be a dictionary."
            ))),
            Err(_) => Err(Refusal::Content(String::from(
                "Bad request: JSON Error: Error decoding JSON data. Error: <BadRequest '400: Bad Request'> JSON data extracted from the request: {}",
            ))),
        }
    }

    fn of_pairs(pairs: impl Iterator<Item = (String, String)>) -> Self {
        let mut parameters = Self::default();
        for (name, value) in pairs {
            if name == "callback" {
                parameters.callback.get_or_insert(value);
            } else {
                parameters.pairs.push((name, value));
            }
        }
        parameters
    }
}

/// A natural number as CKAN's `natural_number_validator` reads it, or the words of its refusal.
pub(super) fn natural(text: &str) -> Result<usize, &'static str> {
    match text.trim().parse::<i64>() {
        Ok(number) => usize::try_from(number).map_err(|_| "Must be a natural number"),
        Err(_) => Err("Invalid integer"),
    }
}

#[cfg(test)]
mod tests {
    use super::Parameters;

    #[test]
    fn the_first_callback_wins_and_is_no_parameter() {
        let parameters = Parameters::of_query(Some("callback=one&q=a+b&callback=two&q=c"));
        assert_eq!(parameters.callback(), Some("one"));
        assert_eq!(parameters.value("q"), Some("a b"));
        assert_eq!(parameters.unknown(&["q"]), None);
    }

    #[test]
    fn only_the_exact_name_is_a_callback() {
        assert_eq!(Parameters::of_query(Some("Callback=a&jsonp=b")).callback(), None);
        assert_eq!(Parameters::of_query(Some("callback")).callback(), Some(""));
    }
}
