//! How JSONP does: whether the callback is used, in which shape the answer comes, and whether it is
//! the plain answer inside. It judges answers; the grammar is `jsonp`'s.

use http::header::CONTENT_TYPE;

use crate::jsonp::{self, CallbackName, Form, Limits, Reason, Shape};

use super::ask::{Answer, Asker};
use super::find::Specimen;
use super::shown::{shown, shown_bytes};

/// The name that is asked for: letters and digits, which every software lets through.
const NAME: &str = "unpadProbe1";

/// A name with characters that software escapes, drops or refuses, percent-encoded and as it is.
const ODD_NAME: (&str, &str) = ("unpad%5B%22probe%22%5D", "unpad[\"probe\"]");

/// How JSONP does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Jsonp {
    /// The callback that was asked for is called with JSON.
    Works(Box<Padded>),
    /// JSON comes without padding: the parameter means nothing to the portal.
    Ignored,
    /// Another function is called; what came, for its name.
    OtherName(String),
    /// Neither padding nor JSON: why, and what came.
    Refused(String, String),
    /// It was not tried, and why.
    NotTried(String),
}

/// Padding that works.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each part of a padding is there or not")]
pub struct Padded {
    /// The parameter.
    pub parameter: &'static str,
    /// What stands around the JSON, such as `/**/cb({…});`.
    pub shape: String,
    /// Whether a semicolon ends it.
    pub semicolon: bool,
    /// Whether a comment stands before it.
    pub comment: bool,
    /// Whether a guard (`typeof cb === …`) stands before it.
    pub guard: bool,
    /// The content type it has.
    pub content_type: Option<String>,
    /// Whether that is one of JavaScript's.
    pub is_script: bool,
    /// What is inside, compared with the plain answer.
    pub same: Same,
    /// What becomes of a name with brackets and quotes.
    pub names: Names,
}

/// The padded JSON and the plain answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    /// Byte for byte the same.
    Yes,
    /// Different.
    No,
    /// Two plain answers differ too, so nothing can be said.
    Changing,
    /// There was nothing to compare with.
    Unknown,
}

/// What becomes of a name with brackets and quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// It comes back as it was.
    Kept,
    /// Its quotes come back as HTML entities.
    HtmlEscaped,
    /// It is answered with another name, or without padding.
    Changed,
    /// It is refused.
    Refused,
    /// It was not tried.
    Unknown,
}

/// Tries JSONP. `again` is a second plain answer, if there is one.
pub(super) async fn examine(asker: &Asker, specimen: &Specimen, again: Option<&Answer>) -> Jsonp {
    let why = if specimen.is_json {
        "nothing was found to try it on"
    } else {
        "what answers here is no JSON"
    };
    let mut result = Jsonp::NotTried(why.to_owned());
    for (parameter, template) in &specimen.padded {
        let Ok(url) = template.replace("{callback}", NAME).parse() else { continue };
        result = match asker.get(&url).await {
            Ok(answer) => judge(&answer, parameter, specimen.plain.as_ref(), again),
            Err(failure) => Jsonp::NotTried(failure.to_string()),
        };
        if let Jsonp::Works(padded) = &mut result {
            padded.names = odd_name(asker, template).await;
            break;
        }
    }
    result
}

async fn odd_name(asker: &Asker, template: &str) -> Names {
    let Ok(url) = template.replace("{callback}", ODD_NAME.0).parse() else { return Names::Unknown };
    let Ok(answer) = asker.get(&url).await else { return Names::Unknown };
    let begins = String::from_utf8_lossy(&answer.body[..answer.body.len().min(256)]);
    if answer.status >= 400 {
        Names::Refused
    } else if begins.contains(&format!("{}(", ODD_NAME.1)) {
        Names::Kept
    } else if begins.contains("&quot;") || begins.contains("&#34;") {
        Names::HtmlEscaped
    } else {
        Names::Changed
    }
}

/// What an answer that was asked for with [`NAME`] shows.
fn judge(
    answer: &Answer,
    parameter: &'static str,
    plain: Option<&Answer>,
    again: Option<&Answer>,
) -> Jsonp {
    let name = CallbackName::new(NAME).expect("letters and a digit");
    let body = &*answer.body;
    if answer.status >= 400 {
        let why = format!("it is answered with {}", answer.status);
        return Jsonp::Refused(why, shown_bytes(body));
    }
    let payload = match jsonp::unwrap(body, &name, &Shape::default(), &Limits::default()) {
        Ok(payload) if payload.form == Form::Bare => return Jsonp::Ignored,
        Ok(payload) => payload.range,
        Err(error) if error.reason() == Reason::CallbackMismatch => {
            return Jsonp::OtherName(shown_bytes(&body[..body.len().min(64)]));
        }
        Err(error) => return Jsonp::Refused(error.sentence().to_owned(), shown_bytes(body)),
    };
    let (before, json, after) =
        (&body[..payload.start], &body[payload.clone()], &body[payload.end..]);
    let inner = |answer: &Answer| {
        let plain = jsonp::validate(&answer.body, &Shape::default(), &Limits::default()).ok()?;
        answer.whole.then(|| answer.body.slice(plain.range))
    };
    let same = match (plain.and_then(inner), again.and_then(inner)) {
        (None, _) => Same::Unknown,
        (Some(plain), _) if plain == json => Same::Yes,
        (Some(plain), Some(again)) if plain != again => Same::Changing,
        _ => Same::No,
    };
    let content_type = answer.field(&CONTENT_TYPE).map(shown);
    let is_script = content_type.as_deref().is_some_and(is_script);
    let before = String::from_utf8_lossy(before);
    Jsonp::Works(Box::new(Padded {
        parameter,
        shape: shape(&before, json, after),
        semicolon: after.contains(&b';'),
        comment: before.contains("/*") || before.contains("//"),
        guard: before.contains("&&"),
        content_type,
        is_script,
        same,
        names: Names::Unknown,
    }))
}

/// The padding as it stands, around what the JSON begins and ends with.
fn shape(before: &str, json: &[u8], after: &[u8]) -> String {
    let after = String::from_utf8_lossy(after);
    let (first, last) = match json.first() {
        Some(b'{') => ("{", "}"),
        Some(b'[') => ("[", "]"),
        _ => ("", ""),
    };
    shown(&format!("{}{first}…{last}{}", before.trim().replace(NAME, "cb"), after.trim()))
}

/// The HTML standard's JavaScript MIME types, as far as they are met.
fn is_script(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(
        &*essence,
        "application/javascript"
            | "text/javascript"
            | "application/x-javascript"
            | "text/x-javascript"
            | "application/ecmascript"
            | "text/ecmascript"
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let fields = http::HeaderMap::new();
        let body = body.to_owned().into();
        Answer { status, fields, body, whole: true, took: Duration::ZERO }
    }

    fn judged(body: &str) -> Jsonp {
        judge(&answer(200, body), "callback", Some(&answer(200, " {\"a\": 1}\n")), None)
    }

    #[test]
    fn every_shape_is_told_as_it_stands() {
        for (body, shape, semicolon, comment, guard) in [
            ("unpadProbe1({\"a\": 1});", "cb({…});", true, false, false),
            ("unpadProbe1({\"a\": 1})\n", "cb({…})", false, false, false),
            ("/**/unpadProbe1({\"a\": 1})", "/**/cb({…})", false, true, false),
            (
                "/**/ typeof unpadProbe1 === 'function' && unpadProbe1({\"a\": 1});",
                "/**/ typeof cb === 'function' && cb({…});",
                true,
                true,
                true,
            ),
            ("unpadProbe1([1]);", "cb([…]);", true, false, false),
        ] {
            let Jsonp::Works(padded) = judged(body) else { panic!("{body}") };
            assert_eq!(padded.shape, shape);
            assert_eq!(
                (padded.semicolon, padded.comment, padded.guard),
                (semicolon, comment, guard)
            );
            assert_eq!(padded.same == Same::Yes, body.contains('a') && body.contains("\"a\""));
            assert!(!padded.is_script);
        }
    }

    #[test]
    fn what_is_no_padding_is_told_apart() {
        assert_eq!(judged("{\"a\": 1}"), Jsonp::Ignored);
        assert_eq!(judged("other({\"a\": 1});"), Jsonp::OtherName("other({\"a\": 1});".to_owned()));
        let Jsonp::Refused(why, excerpt) = judged("<html>\x1b]0;") else { panic!() };
        assert!(why.contains("markup"), "{why}");
        assert_eq!(excerpt, r"<html>\u{1b}]0;");
    }

    #[test]
    fn an_answer_that_changes_by_itself_is_not_blamed_on_the_padding() {
        let padded = answer(200, "unpadProbe1([3]);");
        let (one, two) = (answer(200, "[1]"), answer(200, "[2]"));
        let same = |plain, again| match judge(&padded, "callback", plain, again) {
            Jsonp::Works(padded) => padded.same,
            other => panic!("{other:?}"),
        };
        assert_eq!(same(Some(&one), Some(&two)), Same::Changing);
        assert_eq!(same(Some(&one), Some(&one)), Same::No);
        assert_eq!(same(None, None), Same::Unknown);
    }
}
