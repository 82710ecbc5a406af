//! One line of the log: an event as text or as a JSON object. What is logged is decided where it happens.
//!
//! **Invariant:** whatever a value has in it, an event is one line: characters that control a terminal or
//! turn the direction of text are escaped, and a value is at most [`LONGEST`] bytes.

use std::fmt::{self, Debug, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// The longest value, in bytes as it is written: 1 KiB. What is longer is cut and ends with `...`.
const LONGEST: usize = 1024;

const CUT: &str = "...";

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// `TIME LEVEL target: message name=value …`
    Text,
    /// An object with `timestamp`, `level`, `target`, `message` and the fields.
    Json,
}

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let (level, target) = (event.metadata().level(), event.metadata().target());
        let mut values = Values { lines: *self, message: String::new(), fields: String::new() };
        event.record(&mut values);
        let Values { message, fields, .. } = values;
        match self {
            Self::Text => {
                SystemTime.format_time(&mut writer)?;
                match (writer.has_ansi_escapes(), colour(*level)) {
                    (true, colour) => write!(writer, " \x1b[{colour}m{level:>5}\x1b[0m")?,
                    (false, _) => write!(writer, " {level:>5}")?,
                }
                writeln!(writer, " {target}: {message}{fields}")
            }
            Self::Json => {
                writer.write_str("{\"timestamp\":\"")?;
                SystemTime.format_time(&mut writer)?;
                write!(writer, "\",\"level\":\"{level}\",\"target\":\"{target}\"")?;
                writeln!(writer, ",\"message\":\"{message}\"{fields}}}")
            }
        }
    }
}

fn colour(level: Level) -> u8 {
    match level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        _ => 34,
    }
}

/// The fields of an event, as they are written.
struct Values {
    lines: Lines,
    message: String,
    fields: String,
}

impl Values {
    fn bare(&mut self, field: &Field, value: impl fmt::Display) {
        // Writing to a String cannot fail.
        let _ = match self.lines {
            Lines::Text => write!(self.fields, " {}={value}", field.name()),
            Lines::Json => write!(self.fields, ",\"{}\":{value}", field.name()),
        };
    }

    fn text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let mut escaped = Escaped { lines: self.lines, text: String::new(), cut: false };
        let _ = escaped.write_fmt(value);
        let text = escaped.text;
        if field.name() == "message" {
            self.message = text;
        } else if self.lines == Lines::Json
            || text.is_empty()
            || text.contains([' ', '"', '=', '\\'])
        {
            self.bare(field, format_args!("\"{text}\""));
        } else {
            self.bare(field, text);
        }
    }
}

impl Visit for Values {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.bare(field, value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.bare(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, format_args!("{value:?}"));
    }
}

/// Writes at most [`LONGEST`] bytes, and nothing that acts on who reads them.
struct Escaped {
    lines: Lines,
    text: String,
    cut: bool,
}

impl fmt::Write for Escaped {
    fn write_str(&mut self, value: &str) -> fmt::Result {
        for c in value.chars() {
            let before = self.text.len();
            match c {
                _ if self.cut => return Ok(()),
                '\\' => self.text.push_str("\\\\"),
                '"' => self.text.push_str("\\\""),
                '\n' => self.text.push_str("\\n"),
                _ if !acts(c) => self.text.push(c),
                _ if self.lines == Lines::Text => self.text.extend(c.escape_unicode()),
                _ => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        write!(self.text, "\\u{unit:04x}")?;
                    }
                }
            }
            if self.text.len() > LONGEST - CUT.len() {
                self.text.truncate(before);
                self.text.push_str(CUT);
                self.cut = true;
            }
        }
        Ok(())
    }
}

/// Whether a character does something else than being seen: control characters, ends of lines, marks that
/// turn the direction of text or join, and what has no width.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged, without its time.
    fn logged(lines: Lines, event: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .event_format(lines)
            .finish();
        tracing::subscriber::with_default(subscriber, event);
        let bytes = kept.0.lock().expect("not poisoned").clone();
        String::from_utf8(bytes).expect("text")
    }

    const HARMFUL: &str = "a\n2026 ERROR x\x1b[31m\u{202e}\u{2066}\0\u{9b}b\u{e0041} \"é\\";

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let text = logged(
            Lines::Text,
            || tracing::info!(target: "t", path = HARMFUL, %HARMFUL, n = 3, "{HARMFUL}"),
        );
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("  INFO t: a\\n2026 ERROR x\\u{1b}[31m"), "{text}");
        assert!(text.trim_end().ends_with(" n=3") && text.contains(" path=\"a\\n2026"), "{text}");
        assert!(!text.trim_end().chars().any(acts), "{text}");
        let json = logged(
            Lines::Json,
            || tracing::info!(target: "t", path = HARMFUL, n = 3, ok = true, "m"),
        );
        assert_eq!(json.lines().count(), 1, "{json}");
        assert!(!json.trim_end().chars().any(acts), "{json}");
        let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(
            (&json["path"], &json["n"], &json["ok"]),
            (&HARMFUL.into(), &3.into(), &true.into())
        );
        assert_eq!((&json["message"], &json["level"]), (&"m".into(), &"INFO".into()));
    }

    #[test]
    fn a_value_is_a_kibibyte_at_most() {
        for value in ["x".repeat(100_000), "\u{202e}".repeat(5000), "é".repeat(513)] {
            for lines in [Lines::Text, Lines::Json] {
                let line = logged(lines, || tracing::info!(target: "t", path = value, "m"));
                assert!(line.contains("...") && line.len() < LONGEST + 120, "{}", line.len());
            }
        }
        let all = logged(Lines::Json, || tracing::info!(path = "x".repeat(1000), "m"));
        assert!(all.contains(&"x".repeat(1000)));
    }
}
