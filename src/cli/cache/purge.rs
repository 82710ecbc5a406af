//! `unpad cache purge`: forgetting what is stored, and what is being fetched.

use clap::{ArgGroup, Args};
use http::Method;
use url::form_urlencoded::Serializer;

use super::client::ANSWER_TIME;
use super::{Listener, print_json};
use crate::cli::words;

/// Options of `unpad cache purge`.
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("what").required(true).args(["url", "portal", "pattern", "all"])),
    after_help = "What is being fetched meanwhile is not stored either. What is purged is fetched again when \
    somebody asks for it.\n\nExamples:\n  \
    unpad cache purge '/p/barcelona/api/3/action/package_show?id=aire'\n  \
    unpad cache purge 'https://data.city.example/api/3/action/package_show?id=aire'\n  \
    unpad cache purge --portal barcelona\n  \
    unpad cache purge --pattern 'resource_id=0b1c'\n  \
    unpad cache purge --all"
)]
pub(super) struct Purge {
    /// One answer: as a client asks for it, or the portal's own URL
    #[arg(value_name = "URL")]
    url: Option<String>,
    /// All of this portal's
    #[arg(long, value_name = "ID")]
    portal: Option<String>,
    /// Those with a portal's URL that this regular expression matches
    #[arg(long, value_name = "REGEX")]
    pattern: Option<String>,
    /// Everything
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    listener: Listener,
}

impl Purge {
    pub(super) async fn run(self) -> Result<(), String> {
        let client = self.listener.client()?;
        let mut query = Serializer::new(String::new());
        for (name, value) in [
            ("url", self.url.as_deref()),
            ("portal", self.portal.as_deref()),
            ("pattern", self.pattern.as_deref()),
            ("all", self.all.then_some("true")),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let target = format!("/cache?{}", query.finish());
        let answer = client.ask(Method::DELETE, &target, None, ANSWER_TIME).await?;
        if self.listener.json {
            return print_json(&answer);
        }
        let purged = answer["purged"].as_u64().unwrap_or_default();
        let told = words::count(purged, "stored answer", "stored answers");
        crate::cli::print(format!("{told} purged\n").as_bytes())
    }
}
