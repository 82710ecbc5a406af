//! `unpad cache`: what a running gateway has stored, asked over its administration listener. It
//! looks into no cache by itself.

mod client;
mod fill;
mod ls;
mod purge;
mod stat;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::config;

use super::admin::find_token;
use super::print_json;
use super::table::{self, terminal_width};
use client::{Address, Client};

/// Options of `unpad cache`.
#[derive(Debug, Args)]
#[command(
    after_help = "The administration listener has to be on: `unpad serve` begins it when it \
    finds a token (docs/admin.md).\n\nExamples:\n  \
    export UNPAD_ADMIN_TOKEN=$(cat /etc/unpad/token)\n  \
    unpad cache stat\n  \
    unpad cache ls --portal barcelona --state stale\n  \
    unpad cache purge --portal barcelona\n  \
    unpad cache fill '/p/barcelona/api/3/action/package_list'"
)]
pub(super) struct Cache {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what is stored
    Ls(ls::Ls),
    /// Tell how much is stored, and how often it was used
    Stat(stat::Stat),
    /// Forget what is stored; asks nothing
    Purge(purge::Purge),
    /// Ask for URLs ahead, so that the next who does gets them from the cache
    Fill(fill::Fill),
}

/// Where the administration listener is, and its token.
#[derive(Debug, Args)]
struct Listener {
    /// The administration listener: an address or http URL, instead of the registry's
    /// [default: 127.0.0.1:8081]
    #[arg(long, value_name = "ADDRESS", env = "UNPAD_ADMIN")]
    admin: Option<Address>,
    /// A file with the token, instead of `UNPAD_ADMIN_TOKEN` in the environment or the registry's
    #[arg(long, value_name = "FILE", env = "UNPAD_ADMIN_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// The registry, to find both [default: portals.yaml, if there is one]
    #[arg(long, value_name = "FILE", env = "UNPAD_CONFIG")]
    config: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

impl Cache {
    /// Runs the command.
    pub(super) fn run(self) -> Result<(), String> {
        super::compose::run(async {
            match self.command {
                Command::Ls(ls) => ls.run().await,
                Command::Stat(stat) => stat.run().await,
                Command::Purge(purge) => purge.run().await,
                Command::Fill(fill) => fill.run().await,
            }
        })
    }
}

impl Listener {
    /// A client of the listener.
    fn client(&self) -> Result<Client, String> {
        let configured = self.configured()?;
        let address = match (&self.admin, &configured) {
            (Some(address), _) => address.clone(),
            (None, Some(admin)) => Address::of_socket(admin.listen),
            (None, None) => Address::of_socket(config::Admin::default().listen),
        };
        let last = configured.as_ref().and_then(|admin| admin.token_file.as_deref());
        let Some((token, _)) = find_token(self.token_file.as_deref(), last)? else {
            return Err("there is no token: set UNPAD_ADMIN_TOKEN, name its file with \
                        --token-file, or name the gateway's registry with --config"
                .to_owned());
        };
        Ok(Client::new(address, token))
    }

    /// What the registry says of the administration.
    fn configured(&self) -> Result<Option<config::Admin>, String> {
        let (path, meant) = match &self.config {
            Some(path) => (path.as_path(), true),
            None => (Path::new("portals.yaml"), false),
        };
        if !meant && !path.exists() {
            return Ok(None);
        }
        match config::load(path) {
            Ok(config) => Ok(config.admin),
            Err(error) if meant => Err(error.to_string()),
            Err(error) => {
                // It may be about to be corrected, and is not what the gateway runs with.
                let error = error.to_string();
                eprintln!("not read: {}", error.lines().next().unwrap_or(&error));
                Ok(None)
            }
        }
    }
}
