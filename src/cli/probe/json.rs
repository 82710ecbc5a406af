//! A report for a program: the same as the one for a person, as one JSON object.

use serde_json::{Value, json};

use crate::probe::{
    Allowed, Cors, Files, Jsonp, Names, Preflight, Report, Revalidated, Same, Sliced, entry,
    remedies,
};

/// The report as an object.
pub(super) fn object(report: &Report) -> Value {
    let verdict = report.verdict();
    let found = report.found.as_ref().ok();
    let remedies = remedies(report);
    json!({
        "asked": report.asked.as_str(),
        "verdict": { "word": verdict.word(), "sentence": verdict.to_string() },
        "error": report.found.as_ref().err(),
        "software": found.and_then(|found| found.software),
        "dialect": found.map(|found| found.dialect),
        "version": found.and_then(|found| found.version.as_deref()),
        "title": found.and_then(|found| found.title.as_deref()),
        "base": found.map(|found| &found.base),
        "endpoint": found.map(|found| &found.endpoint),
        "jsonp": found.map(|found| jsonp(&found.jsonp)),
        "cors": found.map(|found| cors(&found.cors)),
        "files": found.map(|found| files(&found.files)),
        "speed": found.and_then(|found| found.speed).map(|speed| json!({
            "median_ms": milliseconds(speed.median),
            "worst_ms": milliseconds(speed.worst),
            "samples": speed.samples,
        })),
        "requests": report.requests,
        "took_ms": milliseconds(report.took),
        "entry": entry(report),
        "operator": remedies
            .iter()
            .map(|remedy| json!({ "place": remedy.place, "lines": remedy.lines }))
            .collect::<Vec<_>>(),
    })
}

fn milliseconds(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn jsonp(jsonp: &Jsonp) -> Value {
    match jsonp {
        Jsonp::Works(padded) => json!({
            "state": "works",
            "parameter": padded.parameter,
            "shape": padded.shape,
            "semicolon": padded.semicolon,
            "comment": padded.comment,
            "guard": padded.guard,
            "content_type": padded.content_type,
            "is_script": padded.is_script,
            "same_as_plain": match padded.same {
                Same::Yes => "yes",
                Same::No => "no",
                Same::Changing => "changing",
                Same::Unknown => "unknown",
            },
            "odd_names": match padded.names {
                Names::Kept => "kept",
                Names::HtmlEscaped => "html-escaped",
                Names::Changed => "changed",
                Names::Refused => "refused",
                Names::Unknown => "unknown",
            },
        }),
        Jsonp::Ignored => json!({ "state": "ignored" }),
        Jsonp::OtherName(came) => json!({ "state": "other-name", "excerpt": came }),
        Jsonp::Refused(why, came) => json!({ "state": "refused", "why": why, "excerpt": came }),
        Jsonp::NotTried(why) => json!({ "state": "not-tried", "why": why }),
    }
}

fn cors(cors: &Cors) -> Value {
    let (preflight, why) = match &cors.preflight {
        Preflight::Passes => (true, None),
        Preflight::Fails(why) => (false, Some(why)),
    };
    json!({
        "answers": allowed(&cors.answers),
        "errors": cors.errors.as_ref().map(allowed),
        "vary_origin": cors.varies,
        "preflight": { "passes": preflight, "why": why },
    })
}

fn allowed(allowed: &Allowed) -> Value {
    match allowed {
        Allowed::Yes(value) => json!({ "state": "on", "allow_origin": value }),
        Allowed::No => json!({ "state": "off" }),
        Allowed::Wrong(value) => json!({ "state": "wrong", "allow_origin": value }),
        Allowed::Unknown(why) => json!({ "state": "unknown", "why": why }),
    }
}

fn files(files: &Files) -> Value {
    let ranges = match &files.sliced {
        Sliced::Part => json!({ "state": "work", "status": 206 }),
        Sliced::Whole => json!({ "state": "ignored", "status": 200 }),
        Sliced::Status(status) => json!({ "state": "unknown", "status": status }),
        Sliced::Unknown(why) => json!({ "state": "unknown", "why": why }),
    };
    let validation = match &files.revalidated {
        Revalidated::NotModified => json!({ "state": "works", "status": 304 }),
        Revalidated::SentAgain => json!({ "state": "ignored", "status": 200 }),
        Revalidated::Status(status) => json!({ "state": "unknown", "status": status }),
        Revalidated::NoValidator => json!({ "state": "no-validator" }),
        Revalidated::Unknown(why) => json!({ "state": "unknown", "why": why }),
    };
    json!({
        "url": files.url,
        "is_file": files.is_file,
        "redirects_to": files.redirects_to,
        "ranges": ranges,
        "etag": files.etag,
        "last_modified": files.last_modified,
        "validation": validation,
    })
}
