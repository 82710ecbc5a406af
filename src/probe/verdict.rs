//! What follows from a report: whether a portal needs a gateway, and how that one asks it. It reads
//! the report and nothing else.

use std::fmt;

use super::{Allowed, Jsonp, Report};

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// CORS is off, and JSONP works.
    Needed,
    /// Pages may read it as it is; whether they may read its errors too.
    NotNeeded(bool),
    /// CORS is off and JSONP does not work, and why; its JSON can be asked for.
    AskJson(String),
    /// CORS is off and there is no JSON, only files.
    Files,
    /// CORS could not be asked for, and why.
    Unclear(String),
    /// Nothing answered, and why.
    Unreached(String),
}

impl Verdict {
    pub(super) fn of(report: &Report) -> Self {
        let found = match &report.found {
            Ok(found) => found,
            Err(why) => return Self::Unreached(why.clone()),
        };
        if found.cors.answers.is_yes() {
            let errors = found.cors.errors.as_ref().is_none_or(Allowed::is_yes);
            return Self::NotNeeded(errors);
        }
        if let Allowed::Unknown(why) = &found.cors.answers {
            return Self::Unclear(why.clone());
        }
        match &found.jsonp {
            Jsonp::Works(_) => Self::Needed,
            Jsonp::Ignored => Self::AskJson("it ignores the callback".to_owned()),
            Jsonp::OtherName(_) => Self::AskJson("it calls another function".to_owned()),
            Jsonp::NotTried(_) if !found.is_json => Self::Files,
            Jsonp::Refused(why, _) | Jsonp::NotTried(why) => Self::AskJson(why.clone()),
        }
    }

    /// One or two words, for a table.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Needed => "needs unpad",
            Self::NotNeeded(_) => "has CORS",
            Self::AskJson(_) => "ask: json",
            Self::Files => "files only",
            Self::Unclear(_) => "unclear",
            Self::Unreached(_) => "failed",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Needed => f.write_str("needs unpad: CORS is off, JSONP works"),
            Self::NotNeeded(true) => f.write_str("does not need unpad: it has CORS"),
            Self::NotNeeded(false) => {
                f.write_str("does not need unpad: it has CORS, though not on its errors")
            }
            Self::AskJson(why) => write!(f, "cannot be bridged by JSONP: {why}; ask: json"),
            Self::Files => {
                f.write_str("needs unpad for its files: CORS is off, and no API was found")
            }
            Self::Unclear(why) => write!(f, "unclear: CORS could not be asked for: {why}"),
            Self::Unreached(why) => write!(f, "could not be probed: {why}"),
        }
    }
}
