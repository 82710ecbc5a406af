//! How the process logs: to standard error, as text for people or JSON for machines.

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

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
        let builder = tracing_subscriber::fmt()
            .with_max_level(self.log_level)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
        // An error means that a logger is installed already, which then is the one to use.
        let _ = match self.log_format {
            Format::Text => builder.try_init(),
            Format::Json => builder.json().flatten_event(true).try_init(),
        };
    }
}
