//! A report for a person, at 80 columns: the verdict, what was found, the entry, and what the portal's
//! operator could do. What is printed of a portal's has been made fit for a terminal by `probe`.

use std::fmt::Write as _;
use std::time::Duration;

use crate::cli::words;
use crate::probe::{
    Allowed, Cors, Files, Findings, Jsonp, Names, Padded, Preflight, REQUESTS, Report, Revalidated,
    Same, Sliced, entry, remedies,
};

/// Columns of a report: those of the classic terminal.
const WIDTH: usize = 80;

/// Where what is said of something begins.
const INDENT: usize = 14;

/// The whole report.
pub(super) fn text(report: &Report) -> String {
    let mut text = String::new();
    wrapped(&mut text, "", 0, &report.verdict().to_string());
    text.push('\n');
    line(&mut text, "asked", report.asked.as_str());
    if let Ok(found) = &report.found {
        findings(&mut text, found);
    }
    let took = format!("{:.1} s", report.took.as_secs_f64());
    let requests = words::count(report.requests as u64, "request", "requests");
    line(&mut text, "cost", &format!("{requests} (of at most {REQUESTS}) in {took}"));
    if let Some(entry) = entry(report) {
        text.push_str(
            "\nThe entry for a registry (`unpad check` says whether a registry is right):\n\n",
        );
        text.push_str(&entry);
    }
    let remedies = remedies(report);
    if !remedies.is_empty() {
        text.push_str("\nWith one of these the portal's operator makes all this unnecessary:\n");
    }
    for remedy in remedies {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n  # {}", remedy.place);
        for line in remedy.lines.lines() {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

fn findings(text: &mut String, found: &Findings) {
    let software = match (found.software, &found.version) {
        (Some(name), Some(version)) => format!("{name} {version}"),
        (Some(name), None) => format!("{name}; it does not say which version"),
        (None, _) if found.is_json => "unknown; it answers JSON".to_owned(),
        (None, _) => "unknown; what it answers is no JSON".to_owned(),
    };
    line(text, "software", &software);
    if let Some(title) = &found.title {
        line(text, "title", title);
    }
    line(text, "base", &found.base);
    line(text, "tried on", &found.endpoint);
    line(text, "JSONP", &jsonp(&found.jsonp));
    line(text, "CORS", &cors(&found.cors));
    line(
        text,
        "preflight",
        &match &found.cors.preflight {
            Preflight::Passes => "passes".to_owned(),
            Preflight::Fails(why) => format!("fails: {why}"),
        },
    );
    files(text, &found.files);
    let speed = found.speed.map(|speed| {
        let (median, worst) = (milliseconds(speed.median), milliseconds(speed.worst));
        format!("median {median} ms, worst {worst} ms, of {} answers", speed.samples)
    });
    line(text, "speed", speed.as_deref().unwrap_or("no answer to measure"));
}

/// Tenths where they matter.
fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    let decimals = usize::from(milliseconds < 10.0);
    format!("{milliseconds:.decimals$}")
}

fn jsonp(jsonp: &Jsonp) -> String {
    match jsonp {
        Jsonp::Works(padded) => works(padded),
        Jsonp::Ignored => "no: the callback is ignored, and bare JSON comes".to_owned(),
        Jsonp::OtherName(came) => {
            format!("no: another function is called than the one asked for: {came}")
        }
        Jsonp::Refused(why, came) if came.is_empty() => format!("no: {why}"),
        Jsonp::Refused(why, came) => format!("no: {why}; it begins: {came}"),
        Jsonp::NotTried(why) => format!("not tried: {why}"),
    }
}

fn works(padded: &Padded) -> String {
    let mut text = format!("works, by `{}`, as `{}`", padded.parameter, padded.shape);
    text.push_str(match padded.same {
        Same::Yes => "; inside is the plain answer, byte for byte",
        Same::No => "; what is inside differs from the plain answer",
        Same::Changing => "; the answer changes by itself, so it cannot be compared",
        Same::Unknown => "; there was no plain answer to compare it with",
    });
    text.push_str("; sent as ");
    text.push_str(padded.content_type.as_deref().unwrap_or("nothing"));
    if !padded.is_script {
        text.push_str(", which is no script's type");
    }
    text.push_str(match padded.names {
        Names::Kept => "; any name comes back as it was",
        Names::HtmlEscaped => "; quotes in a name come back as HTML entities",
        Names::Changed => "; a name with quotes does not come back",
        Names::Refused => "; a name with quotes is refused",
        Names::Unknown => "",
    });
    text
}

fn cors(cors: &Cors) -> String {
    let mut text = match &cors.answers {
        Allowed::Yes(value) => format!("on: {value}"),
        Allowed::No => "off: no Access-Control-Allow-Origin".to_owned(),
        Allowed::Wrong(value) => format!("off: it allows {value}"),
        Allowed::Unknown(why) => format!("not known: {why}"),
    };
    if matches!(&cors.answers, Allowed::Yes(value) if value != "*") && !cors.varies {
        text.push_str(", without Vary: Origin, so that caches mix origins up");
    }
    text.push_str(match (&cors.errors, cors.answers.is_yes()) {
        (None | Some(Allowed::Unknown(_)), _) => "",
        (Some(Allowed::Yes(_)), true) => "; on errors too",
        (Some(Allowed::Yes(_)), false) => "; on, for errors",
        (Some(_), true) => "; off for errors, which a page then cannot read",
        (Some(_), false) => "; neither on errors",
    });
    text
}

fn files(text: &mut String, files: &Files) {
    let name = if files.is_file { "file" } else { "no file" };
    let url = if files.is_file { &*files.url } else { "none was found; tried on the API instead" };
    line(text, name, url);
    if let Some(host) = &files.redirects_to {
        line(text, "downloads", &format!("redirect to {host}, which the entry names"));
        return;
    }
    line(
        text,
        "ranges",
        &match &files.sliced {
            Sliced::Part => "work: the first byte comes alone (206)".to_owned(),
            Sliced::Whole => "do not work: all of it comes (200)".to_owned(),
            Sliced::Status(status) => format!("not known: it is answered with {status}"),
            Sliced::Unknown(why) => format!("not known: {why}"),
        },
    );
    let has = match (files.etag, files.last_modified) {
        (true, true) => "ETag and Last-Modified",
        (true, false) => "ETag",
        (false, true) => "Last-Modified",
        (false, false) => "none",
    };
    line(
        text,
        "validators",
        &match &files.revalidated {
            Revalidated::NotModified => format!("{has}; they work (304)"),
            Revalidated::SentAgain => format!("{has}; they do not work: all of it comes again"),
            Revalidated::Status(status) => format!("{has}; asked with it, {status} comes"),
            Revalidated::NoValidator => "none".to_owned(),
            Revalidated::Unknown(why) => format!("not known: {why}"),
        },
    );
}

fn line(text: &mut String, name: &str, said: &str) {
    wrapped(text, &format!("  {name}"), INDENT, said);
}

/// Words in lines of [`WIDTH`], the first behind `name`, all from column `indent` on. A word that is
/// too long for a line, such as a URL, stays whole, so that it can be copied.
fn wrapped(text: &mut String, name: &str, indent: usize, said: &str) {
    let mut line = format!("{name:<indent$}");
    let mut is_first = true;
    for word in said.split(' ') {
        if !is_first && line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(line.trim_end());
            text.push('\n');
            line = " ".repeat(indent);
            is_first = true;
        }
        if !is_first {
            line.push(' ');
        }
        line.push_str(word);
        is_first = false;
    }
    text.push_str(line.trim_end());
    text.push('\n');
}
