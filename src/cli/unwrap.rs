//! `unpad unwrap`: the parser as a filter, for shells and for the curious.

use std::io::Read as _;

use clap::Args;

use crate::jsonp::{self, CallbackName, Limits, Shape};

/// Options of `unpad unwrap`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 done, 1 refused (`reason at offset N: …` on stderr, nothing \
    on stdout), 2 usage.\n\nExample:\n  \
    curl -s 'https://portal.example/api/3/action/status_show?callback=cb' | \
    unpad unwrap --callback cb"
)]
pub(super) struct Unwrap {
    /// The callback name that was asked for
    #[arg(long, value_name = "NAME", value_parser = callback_name)]
    callback: CallbackName,
    /// The longest body in bytes
    #[arg(long, value_name = "BYTES", default_value_t = Limits::default().bytes)]
    max_bytes: usize,
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
        let payload = jsonp::unwrap(&body, &self.callback, &Shape::default(), &limits)
            .map_err(|refusal| refusal.to_string())?;
        super::print(&body[payload.range])
    }
}

fn callback_name(text: &str) -> Result<CallbackName, String> {
    CallbackName::new(text).map_err(|error| error.to_string())
}
