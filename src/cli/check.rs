//! `unpad check`: whether a registry is right, and the schema with which editors help to write it.

use std::path::PathBuf;

use clap::Args;

use crate::config;

/// Options of `unpad check`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 right, 1 refused (with file, line and column), 2 usage.")]
pub(super) struct Check {
    /// The registry
    #[arg(value_name = "FILE", default_value = "portals.yaml")]
    file: PathBuf,
    /// Print the JSON Schema of the registry instead, for editors
    #[arg(long, conflicts_with = "file")]
    schema: bool,
}

impl Check {
    /// Checks, or prints the schema.
    pub(super) fn run(self) -> Result<(), String> {
        if self.schema {
            return super::print(format!("{:#}\n", config::schema()).as_bytes());
        }
        let config = config::load(&self.file).map_err(|error| error.to_string())?;
        for notice in &config.notices {
            eprintln!("{}: {notice}", self.file.display());
        }
        let portals = config.registry.iter().count();
        super::print(format!("{}: right, {portals} portals\n", self.file.display()).as_bytes())
    }
}
