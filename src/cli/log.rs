//! How the process logs: to standard error, as text for people or JSON for machines. How a line is written
//! is in `line`.

use std::panic::{self, PanicHookInfo};

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

use super::line::Lines;

/// Logging options.
#[derive(Debug, Args)]
pub(super) struct Log {
    /// How log lines look
    #[arg(long, value_enum, default_value_t = Format::Text, env = "UNPAD_LOG_FORMAT")]
    log_format: Format,
    /// The least important lines to write: error, warn, info, debug, trace or off
    #[arg(long, default_value = "info", env = "UNPAD_LOG_LEVEL")]
    log_level: LevelFilter,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For machines, one object a line
    Json,
}

impl Log {
    /// Starts logging. A second call has no effect.
    pub(super) fn start(&self) {
        let lines = match self.log_format {
            Format::Text => Lines::Text,
            Format::Json => Lines::Json,
        };
        let builder = tracing_subscriber::fmt()
            .with_max_level(self.log_level)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
            .event_format(lines);
        // An error means that a logger is installed already, which then is the one to use.
        if builder.try_init().is_ok() {
            panic::set_hook(Box::new(tell));
        }
    }
}

/// A panic is a line of the log as well, and no text among lines of JSON.
fn tell(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    let (location, reason) = (location.as_deref(), panic.payload_as_str().unwrap_or("-"));
    tracing::error!(location, reason, "a bug of this program");
}
