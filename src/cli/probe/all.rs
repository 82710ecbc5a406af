//! `unpad probe --all`: every portal of a registry, a few at a time, as a table or as lines of JSON.

use std::io::IsTerminal as _;

use futures_util::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::table::{Column, table, terminal_width};
use crate::config;
use crate::portal::Portal;
use crate::probe::{Jsonp, Report, Sliced};

use super::{Probe, Prober, json};

/// Probes all, in the registry's order.
pub(super) async fn run(options: &Probe, prober: &Prober) -> Result<(), String> {
    let config = config::load(&options.config).map_err(|error| error.to_string())?;
    let portals: Vec<_> = config.registry.iter().collect();
    let bar = bar(portals.len());
    let mut probing = futures_util::stream::iter(&portals)
        .map(|portal| async {
            let url = portal.base.url();
            let report = prober.probe(url, portal.allow_cidr.clone()).await;
            if let Some(bar) = &bar {
                bar.inc(1);
            }
            (*portal, report)
        })
        .buffered(options.concurrency.into());
    let (mut rows, mut failed) = (Vec::new(), 0);
    while let Some((portal, report)) = probing.next().await {
        failed += usize::from(report.found.is_err());
        if options.json {
            print_line(bar.as_ref(), portal, &report)?;
        } else {
            rows.push(row(portal, &report));
        }
    }
    drop(probing);
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    if !options.json {
        super::print(table(&COLUMNS, &rows, terminal_width()).as_bytes())?;
    }
    match failed {
        0 => Ok(()),
        _ => Err(format!("{failed} of {} could not be probed", portals.len())),
    }
}

const COLUMNS: [Column; 8] = [
    Column::Flexible("ID"),
    Column::Left("SOFTWARE"),
    Column::Left("VERSION"),
    Column::Left("JSONP"),
    Column::Left("CORS"),
    Column::Left("RANGES"),
    Column::Right("MS"),
    Column::Flexible("VERDICT"),
];

fn row(portal: &Portal, report: &Report) -> Vec<String> {
    let found = report.found.as_ref().ok();
    let none = || "-".to_owned();
    let said = |text: Option<&str>| text.map_or_else(none, str::to_owned);
    let yes = |is: Option<bool>| said(is.map(|is| if is { "yes" } else { "no" }));
    vec![
        portal.id.to_string(),
        said(found.map(|found| found.software.unwrap_or("unknown"))),
        said(found.and_then(|found| found.version.as_deref())),
        yes(found.map(|found| matches!(found.jsonp, Jsonp::Works(_)))),
        yes(found.map(|found| found.cors.answers.is_yes())),
        yes(found.map(|found| found.files.sliced == Sliced::Part)),
        found
            .and_then(|found| found.speed)
            .map_or_else(none, |speed| speed.median.as_millis().to_string()),
        match &report.found {
            Ok(_) => report.verdict().word().to_owned(),
            Err(why) => format!("failed: {why}"),
        },
    ]
}

fn print_line(bar: Option<&ProgressBar>, portal: &Portal, report: &Report) -> Result<(), String> {
    let mut object = json::object(report);
    object["id"] = portal.id.as_str().into();
    let print = || super::print(format!("{object}\n").as_bytes());
    // A bar is taken off the terminal while something else is written there.
    bar.map_or_else(print, |bar| bar.suspend(print))
}

fn bar(portals: usize) -> Option<ProgressBar> {
    std::io::stderr().is_terminal().then(|| {
        let bar = ProgressBar::new(portals as u64);
        match ProgressStyle::with_template("{wide_bar} {pos} of {len}, {elapsed}") {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    })
}
