//! The `unpad` program. All it does is in [`unpad::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    unpad::cli::run()
}
