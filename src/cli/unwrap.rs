//! `unpad unwrap`: the parser as a filter, for shells and for the curious.

use std::io::Read as _;

use clap::{Args, ValueEnum};

use crate::jsonp::{self, CallbackName, Limits, Prefix, Shape};

/// Options of `unpad unwrap`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, 1 refused (`reason at offset N: …` on stderr, nothing \
    on stdout), 2 usage.\n\nExamples:\n  \
    curl -s 'https://portal.example/api/3/action/status_show?callback=cb' | \
    unpad unwrap --callback cb\n  \
    echo 'cb ({\"a\":1}, 201);' | unpad unwrap --callback cb --second-argument\n  \
    echo 'while(1);cb([NaN])' | unpad unwrap --callback cb --prefix 'while(1);' --non-finite null"
)]
pub(super) struct Unwrap {
    /// The callback name that was asked for: `cb`, `App.on_data`, `cb[0]`, `a["b"].c`
    #[arg(long, value_name = "NAME", value_parser = callback_name)]
    callback: CallbackName,
    /// The longest body in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().bytes)]
    max_bytes: usize,
    /// Allow a second argument: a status (100 to 599, told on stderr) or a string (dropped)
    #[arg(long)]
    second_argument: bool,
    /// Allow the call to stand in `try { … } catch (e) {}`
    #[arg(long)]
    try_catch: bool,
    /// Take this text off the start, such as `while(1);` or `)]}',`; may be given several times
    #[arg(long, value_name = "TEXT", value_parser = prefix)]
    prefix: Vec<Prefix>,
    /// What becomes of `NaN`, `Infinity` and `-Infinity`, which JSON does not have
    #[arg(long, value_name = "POLICY", value_enum, default_value_t = NonFinite::Refuse)]
    non_finite: NonFinite,
}

/// What becomes of numbers that JSON cannot write.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum NonFinite {
    /// Refuse the body
    Refuse,
    /// Write null in their places
    Null,
}

impl Unwrap {
    /// Reads a body from stdin and writes its JSON to stdout.
    pub(super) fn run(self) -> Result<(), String> {
        let limits = Limits { bytes: self.max_bytes, ..Limits::default() };
        let mut body = Vec::new();
        // One byte more than allowed is enough to know that it is too much.
        let most = (self.max_bytes as u64).saturating_add(1);
        std::io::stdin()
            .take(most)
            .read_to_end(&mut body)
            .map_err(|error| format!("standard input cannot be read: {error}"))?;
        let shape = Shape {
            prefixes: self.prefix,
            second_argument: self.second_argument,
            try_catch: self.try_catch,
            non_finite: match self.non_finite {
                NonFinite::Refuse => jsonp::NonFinite::Refuse,
                NonFinite::Null => jsonp::NonFinite::Null,
            },
        };
        let payload = jsonp::unwrap(&body, &self.callback, &shape, &limits)
            .map_err(|refusal| refusal.to_string())?;
        if let Some(status) = payload.status {
            eprintln!("the second argument is status {status}");
        }
        super::print(&payload.json(&body))
    }
}

fn callback_name(text: &str) -> Result<CallbackName, String> {
    CallbackName::new(text).map_err(|error| error.to_string())
}

fn prefix(text: &str) -> Result<Prefix, String> {
    Prefix::new(text).map_err(|error| error.to_string())
}
