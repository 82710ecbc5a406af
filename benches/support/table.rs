//! A bench's figures, printed as they come, and the bounds that were not kept. It measures nothing.

use std::fmt::Display;
use std::process::ExitCode;

use super::float;

pub(crate) const MEBIBYTE: u64 = 1 << 20;

/// The figures, printed as they come, and the bounds that were not kept.
#[derive(Default)]
pub(crate) struct Table {
    title: String,
    broken: Vec<String>,
}

impl Table {
    pub(crate) fn title(&mut self, title: &str) {
        println!("\n{title}");
        title.clone_into(&mut self.title);
    }

    #[expect(clippy::unused_self, reason = "a row of this table like any other")]
    pub(crate) fn row(&self, name: &str, value: impl Display) {
        println!("  {name:<24} {value}");
    }

    pub(crate) fn must(&mut self, name: &str, value: impl Display, bound: &str, kept: bool) {
        let verdict = if kept { "ok" } else { "NOT KEPT" };
        println!("  {name:<24} {value}  (must be {bound}: {verdict})");
        if !kept {
            self.broken.push(format!("{}: {name} is {value}, must be {bound}", self.title));
        }
    }

    pub(crate) fn end(self) -> ExitCode {
        for broken in &self.broken {
            println!("\nFAILED  {broken}");
        }
        if self.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", float(bytes) / float(MEBIBYTE))
}
