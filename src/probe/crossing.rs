//! How CORS does: what a page of another origin may read, on answers, on errors, and after a
//! preflight (Fetch standard, §3.3). It sends what a browser would, and judges as one does.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method};
use url::Url;

use crate::upstream::Manner;

use super::ask::{Answer, Asker, Failure, fields};
use super::shown::shown;

/// The origin that asks: one that no portal can have on a list of its own.
const OTHER: HeaderValue = HeaderValue::from_static("https://class.example.org");

/// What may be read from another origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// It may: the value of `Access-Control-Allow-Origin`.
    Yes(String),
    /// There is no such field.
    No,
    /// There is one that does not fit, or several, which browsers refuse.
    Wrong(String),
    /// It could not be asked, and why.
    Unknown(String),
}

/// How a preflight is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preflight {
    /// It lets GET with `Content-Type` through.
    Passes,
    /// It does not, and why.
    Fails(String),
}

/// How CORS does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cors {
    /// On an answer.
    pub answers: Allowed,
    /// On an error; `None` if what was to be one was none.
    pub errors: Option<Allowed>,
    /// Whether an answer that names the origin also says `Vary: Origin`.
    pub varies: bool,
    /// On a preflight.
    pub preflight: Preflight,
}

impl Allowed {
    /// Whether a page may read it.
    #[must_use]
    pub const fn is_yes(&self) -> bool {
        matches!(self, Self::Yes(_))
    }
}

/// Asks from another origin. The second value is the answer, which is a plain one too.
pub(super) async fn examine(asker: &Asker, url: &Url, error: &Url) -> (Cors, Option<Answer>) {
    let from_there = || fields([(ORIGIN, OTHER)]);
    let answer = asker.ask(Method::GET, url, from_there(), Manner::Lenient).await;
    let on_error = asker.ask(Method::GET, error, from_there(), Manner::Lenient).await;
    let preflight = fields([
        (ORIGIN, OTHER),
        (ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("GET")),
        (ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue::from_static("content-type")),
    ]);
    let preflight = asker.ask(Method::OPTIONS, url, preflight, Manner::Raw).await;
    let varies = answer.as_ref().is_ok_and(|answer| varies(&answer.fields));
    let cors = Cors {
        answers: allowed(&answer),
        errors: match &on_error {
            Ok(answer) if answer.status < 400 => None,
            _ => Some(allowed(&on_error)),
        },
        varies,
        preflight: passes(&preflight),
    };
    (cors, answer.ok())
}

fn allowed(answer: &Result<Answer, Failure>) -> Allowed {
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) => return Allowed::Unknown(failure.to_string()),
    };
    let mut values = answer.fields.get_all(ACCESS_CONTROL_ALLOW_ORIGIN).iter();
    let Some(value) = values.next() else { return Allowed::No };
    let text = shown(&String::from_utf8_lossy(value.as_bytes()));
    if values.next().is_some() {
        return Allowed::Wrong(format!("sent twice, first as {text}; browsers refuse two"));
    }
    if value == "*" || value == OTHER { Allowed::Yes(text) } else { Allowed::Wrong(text) }
}

fn varies(fields: &HeaderMap) -> bool {
    let mut lines = fields.get_all(VARY).iter().filter_map(|line| line.to_str().ok());
    lines.any(|line| line.to_ascii_lowercase().split(',').any(|name| name.trim() == "origin"))
}

fn passes(answer: &Result<Answer, Failure>) -> Preflight {
    let why = match (answer, allowed(answer)) {
        (Err(failure), _) => failure.to_string(),
        (Ok(answer), _) if !(200..300).contains(&answer.status) => {
            format!("it is answered with {}", answer.status)
        }
        (Ok(_), Allowed::Wrong(value)) => format!("it allows {value}"),
        (Ok(answer), Allowed::Yes(_)) => {
            let lines = answer.fields.get_all(ACCESS_CONTROL_ALLOW_HEADERS).iter();
            let mut lines = lines.filter_map(|line| line.to_str().ok());
            let fits = |name: &str| matches!(name.trim(), "*" | "content-type");
            if lines.any(|line| line.to_ascii_lowercase().split(',').any(fits)) {
                return Preflight::Passes;
            }
            "it does not allow the field Content-Type".to_owned()
        }
        (Ok(answer), _) => format!("{} without CORS fields", answer.status),
    };
    Preflight::Fails(why)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    type Asked = Result<Answer, Failure>;

    fn answer(status: u16, lines: &[(&'static str, &'static str)]) -> Answer {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(*name, HeaderValue::from_static(value));
        }
        let body = bytes::Bytes::new();
        Answer { status, fields, body, whole: true, took: Duration::ZERO }
    }

    const ANY: (&str, &str) = ("access-control-allow-origin", "*");

    #[test]
    fn a_page_may_read_what_names_it_or_everybody_once() {
        assert!(allowed(&Asked::Ok(answer(200, &[ANY]))).is_yes());
        let named = [("access-control-allow-origin", "https://class.example.org")];
        assert!(allowed(&Asked::Ok(answer(500, &named))).is_yes());
        assert_eq!(allowed(&Asked::Ok(answer(200, &[]))), Allowed::No);
        let other = [("access-control-allow-origin", "https://a.example")];
        assert_eq!(
            allowed(&Asked::Ok(answer(200, &other))),
            Allowed::Wrong("https://a.example".to_owned())
        );
        let Allowed::Wrong(why) = allowed(&Asked::Ok(answer(200, &[ANY, ANY]))) else { panic!() };
        assert!(why.contains("twice"), "{why}");
    }

    #[test]
    fn a_preflight_passes_with_a_good_status_and_the_field_that_was_asked_for() {
        let fields = ("access-control-allow-headers", "Authorization, Content-Type");
        assert_eq!(passes(&Asked::Ok(answer(204, &[ANY, fields]))), Preflight::Passes);
        for (status, lines, why) in [
            (405, &[ANY, fields][..], "answered with 405"),
            (200, &[], "200 without CORS fields"),
            (200, &[ANY], "does not allow the field"),
        ] {
            let Preflight::Fails(said) = passes(&Asked::Ok(answer(status, lines))) else {
                panic!("{why}")
            };
            assert!(said.contains(why), "{said}");
        }
    }
}
