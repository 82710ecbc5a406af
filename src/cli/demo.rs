//! `unpad demo`: a built-in portal, and the gateway in front of it, on loopback alone.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use clap::Args;

use crate::clock::SystemClock;
use crate::config::{self, Config};
use crate::demo;
use crate::portal::Registry;

use super::admin::{AdminOptions, administer};
use super::compose::{Composed, Signals, listen, run};
use super::log::Log;
use super::reload::Hangups;

/// Options of `unpad demo`.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Address and port of the gateway
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", env = "UNPAD_LISTEN")]
    listen: SocketAddr,
    #[command(flatten)]
    admin: AdminOptions,
    #[command(flatten)]
    log: Log,
}

impl Demo {
    /// Serves until the process is asked to end.
    pub(super) fn run(self) -> Result<(), String> {
        self.log.start();
        run(async {
            let (signals, hangups) = (Signals::new()?, Hangups::new()?);
            let gateway = listen(self.listen, "--listen", 8088).await?;
            let portal = listen((Ipv4Addr::LOCALHOST, 0).into(), "--listen", 8088).await?;
            let at = |listener: &tokio::net::TcpListener| {
                listener.local_addr().map_err(|error| error.to_string())
            };
            let (gateway_at, portal_at) = (at(&gateway)?, at(&portal)?);
            let config = config(portal_at)?;
            let admin = self.admin.listen(self.admin.over(None)).await?;
            super::print(announcement(gateway_at, portal_at).as_bytes())?;
            let portal = tokio::spawn(demo::serve(portal, std::future::pending()));
            let composed = administer(Composed::new(config, Arc::new(SystemClock))?, admin)?;
            hangups.reload(composed.reloader(), signals.terminal_gone());
            composed.serve(gateway, signals.asked_to_end()).await;
            portal.abort();
            Ok(())
        })
    }
}

fn config(portal_at: SocketAddr) -> Result<Config, String> {
    let base = format!("http://{portal_at}{}", demo::BASE_PATH);
    let mut portal = config::single_portal(&base, vec![portal_at.ip().into()])?;
    portal.id = "demo".parse().map_err(|error| format!("{error}"))?;
    portal.title = Some("The demonstration portal".to_owned());
    // So that the links in its answers, by its own name for itself, are known for its own.
    portal.home = demo::SITE_URL.parse().ok();
    portal.licence = Some("CC-BY-4.0".to_owned());
    portal.attribution = Some("unpad's demonstration (invented data)".to_owned());
    Ok(Config { registry: Registry::new(vec![portal]), ..Config::default() })
}

fn announcement(gateway: SocketAddr, portal: SocketAddr) -> String {
    let examples = demo::EXAMPLES.iter().map(|demo::Example { target, description }| {
        format!("  # {description}\n  curl -i 'http://{gateway}/p/demo/{target}'\n")
    });
    format!(
        "A demonstration portal answers at http://{portal}{}/, by JSONP only.\n\
         The gateway in front of it: any page, any notebook, any program may read these:\n\n\
         {}\nWhat else is here: http://{gateway}/, a page to find data and look at it. Ctrl-C ends it.\n",
        demo::BASE_PATH,
        examples.collect::<String>()
    )
}
