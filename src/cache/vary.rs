//! Which request fields selected a stored response (RFC 9111 §4.1). It compares; it stores nothing.

use http::header::{ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE, HeaderName, VARY};
use http::{HeaderMap, HeaderValue};

/// The values that the fields nominated by `Vary` had in the request that a response answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selecting(Vec<(HeaderName, Option<Vec<u8>>)>);

impl Selecting {
    /// What `response` says it depends on, with the values that `request` has.
    #[must_use]
    pub fn of(response: &HeaderMap, request: &HeaderMap) -> Self {
        let mut names: Vec<_> =
            nominated(response).filter_map(|name| HeaderName::from_bytes(name).ok()).collect();
        names.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        names.dedup();
        Self(names.into_iter().map(|name| (name.clone(), normal(request, &name))).collect())
    }

    /// Reads back what [`Selecting::iter`] gave.
    pub(super) fn from_parts(parts: Vec<(HeaderName, Option<Vec<u8>>)>) -> Self {
        Self(parts)
    }

    /// The names and normal values.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(HeaderName, Option<Vec<u8>>)> {
        self.0.iter()
    }

    /// RFC 9111 §4.1: whether all nominated fields of a request have the values of the stored one's.
    #[must_use]
    pub fn matches(&self, request: &HeaderMap) -> bool {
        self.0.iter().all(|(name, value)| normal(request, name) == *value)
    }
}

/// RFC 9111 §4.1: a stored response with a Vary header field value containing a member `*` always
/// fails to match.
#[must_use]
pub(super) fn by_everything(response: &HeaderMap) -> bool {
    nominated(response).any(|name| name == b"*")
}

fn nominated(response: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    response
        .get_all(VARY)
        .iter()
        .flat_map(|line| line.as_bytes().split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|name| !name.is_empty())
}

/// RFC 9111 §4.1: two values match if one can be transformed to the other by adding or removing
/// whitespace, combining lines, or normalizing them in a way known to have identical semantics.
fn normal(request: &HeaderMap, name: &HeaderName) -> Option<Vec<u8>> {
    let mut lines = request.get_all(name).iter().peekable();
    lines.peek()?;
    let mut members: Vec<Vec<u8>> = lines.flat_map(members).collect();
    if [ACCEPT, ACCEPT_CHARSET, ACCEPT_ENCODING, ACCEPT_LANGUAGE].contains(name) {
        // Preferences are weighed by `q`, not by their order, and their names have no case.
        for member in &mut members {
            member.retain(|b| !b.is_ascii_whitespace());
            member.make_ascii_lowercase();
        }
        members.sort_unstable();
    }
    Some(members.join(&b','))
}

/// The members of one line, trimmed; commas within quoted strings do not divide.
fn members(line: &HeaderValue) -> Vec<Vec<u8>> {
    let (mut quoted, mut escaped) = (false, false);
    let divide = |byte: &u8| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' => return !quoted,
            _ => {}
        }
        false
    };
    line.as_bytes().split(divide).map(|member| member.trim_ascii().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        fields
    }

    fn same(
        response: &'static str,
        a: &[(&'static str, &'static str)],
        b: &[(&'static str, &'static str)],
    ) -> bool {
        Selecting::of(&fields(&[("vary", response)]), &fields(a)).matches(&fields(b))
    }

    #[test]
    fn a_response_is_selected_by_the_nominated_fields_alone() {
        assert!(same("foo", &[("foo", "1"), ("bar", "1")], &[("foo", "1"), ("bar", "2")]));
        assert!(!same("foo", &[("foo", "1")], &[("foo", "2")]));
        assert!(!same("foo", &[], &[("foo", "1")]));
        assert!(!same("foo", &[("foo", "")], &[]));
        assert!(same(" , Foo ,", &[], &[]));
    }

    #[test]
    fn white_space_and_lines_make_no_difference() {
        assert!(same("foo", &[("foo", "1,  2")], &[("foo", "1"), ("foo", "2")]));
        assert!(!same("foo", &[("foo", "\"1, 2\"")], &[("foo", "\"1,2\"")]));
        assert!(!same("foo", &[("foo", "1,2")], &[("foo", "2,1")]));
    }

    #[test]
    fn the_order_and_case_of_preferences_make_no_difference() {
        let accept = "accept-language";
        assert!(same(accept, &[(accept, "de; q=0.5, EN")], &[(accept, "en,de;q=0.5")]));
        assert!(!same(accept, &[(accept, "de")], &[(accept, "de;q=0.5")]));
    }

    #[test]
    fn a_star_anywhere_is_everything() {
        assert!(by_everything(&fields(&[("vary", "foo"), ("vary", "bar, *")])));
        assert!(!by_everything(&fields(&[("vary", "foo*")])));
    }
}
