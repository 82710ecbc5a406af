//! From a caller's query to the portal's: what is left out, what is added, and where the callback
//! goes. Parameters that are kept stay as they were written, byte for byte.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::asking::Asking;
use super::dialect::Call;
use super::target::decoded_name;

/// What is escaped in a parameter that is added: all that has a meaning in a query, or none.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'@');

/// A caller's query, and how the portal is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Query<'a> {
    pub text: &'a str,
    pub asking: &'a Asking,
}

impl<'a> Query<'a> {
    /// How the callback is asked for at a path, if the request brings JSON.
    pub(super) fn call(self, path: &str) -> Option<&'a Call> {
        self.asking.calls.iter().find(|call| call.brings_json(path, |name| self.value(name)))
    }

    /// The query without a callback.
    pub(super) fn plain(self, call: Option<&Call>) -> Written {
        self.written(call, false)
    }

    /// The query with the callback, which comes last.
    pub(super) fn padded(self, call: &Call) -> Written {
        let mut query = self.written(Some(call), true);
        for (name, value) in call.set.iter() {
            query.add(name, value);
        }
        // What the caller says in the same parameter beside a callback stays.
        let mut value = String::new();
        if !call.before.is_empty() {
            let own = self.value(&call.parameter).unwrap_or_default();
            for part in own.split(';').filter(|part| !part.starts_with(&*call.before)) {
                value.push_str(part);
                value.push(';');
            }
        }
        value.push_str(&call.before);
        value.push_str(self.asking.callback.as_str());
        query.add(&call.parameter, value.trim_start_matches(';'));
        query
    }

    fn written(self, call: Option<&Call>, padded: bool) -> Written {
        let mut query = Written(String::with_capacity(self.text.len() + 64));
        for parameter in self.parameters() {
            if !self.drops(parameter, call, padded) {
                query.begin();
                query.0.push_str(parameter);
            }
        }
        let added = self.asking.query.iter().map(|(name, value)| (&**name, &**value));
        for (name, value) in call.and_then(Call::added).into_iter().chain(added) {
            let set = padded && call.is_some_and(|call| sets(call, name));
            if self.value(name).is_none() && !set {
                query.add(name, value);
            }
        }
        query
    }

    fn parameters(self) -> impl Iterator<Item = &'a str> {
        // An empty query has no parameter, and `a&&b` has an empty one, which stays.
        self.text.split('&').filter(move |_| !self.text.is_empty())
    }

    fn drops(self, parameter: &str, call: Option<&Call>, padded: bool) -> bool {
        let name = name(parameter);
        if self.asking.drop_query.iter().any(|dropped| name == *dropped) {
            return true;
        }
        let takes_callback =
            |call: &Call| call.before.is_empty() && is_named(call, &name, &call.parameter);
        // A caller's own callback is of no use to the caller.
        self.asking.calls.iter().any(takes_callback)
            || padded
                && call
                    .is_some_and(|call| is_named(call, &name, &call.parameter) || sets(call, &name))
    }

    /// The decoded value of a caller's parameter, the first of that name.
    fn value(self, wanted: &str) -> Option<Cow<'a, str>> {
        self.parameters().find_map(|parameter| {
            if !name(parameter).eq_ignore_ascii_case(wanted) {
                return None;
            }
            let value = parameter.split_once('=').map_or("", |(_, value)| value);
            let spaced = value.replace('+', " ");
            let decoded = percent_decode_str(&spaced).decode_utf8_lossy().into_owned();
            Some(Cow::Owned(decoded))
        })
    }
}

/// A parameter's name as the portal will read it.
fn name(parameter: &str) -> Cow<'_, str> {
    decoded_name(parameter.split('=').next().unwrap_or(parameter))
}

/// Whether two names are one. Software that chooses formats by a parameter reads names in any case.
fn is_named(call: &Call, one: &str, other: &str) -> bool {
    if call.format.is_some() { one.eq_ignore_ascii_case(other) } else { one == other }
}

fn sets(call: &Call, name: &str) -> bool {
    call.set.iter().any(|(set, _)| is_named(call, name, set))
}

/// A portal's query, with its question mark if there is any.
#[derive(Debug)]
pub(super) struct Written(pub String);

impl Written {
    /// Begins a parameter.
    fn begin(&mut self) {
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
    }

    /// Adds a parameter of ours.
    fn add(&mut self, name: &str, value: &str) {
        self.begin();
        self.0.extend(utf8_percent_encode(name, ESCAPED));
        self.0.push('=');
        self.0.extend(utf8_percent_encode(value, ESCAPED));
    }
}
