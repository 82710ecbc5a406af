//! What operators ask of the cache: a list, figures, to forget, to fetch ahead. What is stored is
//! the gateway's; here it becomes JSON.

use std::time::Duration;

use futures_util::StreamExt as _;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::cache::Content;
use crate::cache::DiskTier;
use crate::gateway::{Filter, Item, Request, Selection, Totals};
use crate::server::document::Problem;
use crate::server::{Located, Service, problem};

use super::parameters::{self, Parameters};
use super::refusal;

/// Entries of a part of a list unless the request says so.
const LIMIT: usize = 100;

/// The most entries of a part of a list: some 500 KiB of JSON.
const LONGEST: usize = 1000;

/// The longest content of a request: a URL of 32 KiB, escaped.
const CONTENT: usize = 64 << 10;

/// Time for the content of a request to arrive.
const CONTENT_TIME: Duration = Duration::from_secs(10);

/// `GET /cache`.
pub(super) async fn list(service: &Service, query: &str) -> Result<Value, Problem> {
    let known = ["portal", "contains", "pattern", "state", "limit", "after"];
    let given = Parameters::read(query, &known)?;
    let fresh = match given.value("state") {
        None => None,
        Some("fresh") => Some(true),
        Some("stale") => Some(false),
        Some(_) => return Err(refusal::bad("`state` is fresh or stale.")),
    };
    let limit = match given.value("limit").map(str::parse) {
        None => LIMIT,
        Some(Ok(limit)) if (1..=LONGEST).contains(&limit) => limit,
        Some(_) => return Err(refusal::bad(format!("`limit` is a number from 1 to {LONGEST}."))),
    };
    let after = match given.value("after").map(|text| u128::from_str_radix(text, 16)) {
        None => None,
        Some(Ok(after)) => Some(after),
        Some(Err(_)) => return Err(refusal::bad("`after` is the `next` of the part before.")),
    };
    let filter = Filter {
        portal: given.value("portal").map(str::to_owned),
        contains: given.value("contains").map(str::to_owned),
        pattern: given.value("pattern").map(parameters::pattern).transpose()?,
        fresh,
    };
    let page = service.gateway.list(filter, limit, after).await;
    let items: Vec<_> = page.items.iter().map(describe).collect();
    Ok(json!({ "items": items, "next": page.next.map(|id| format!("{id:032x}")) }))
}

fn describe(item: &Item) -> Value {
    let entry = &item.entry;
    json!({
        "portal": item.portal,
        "url": item.url,
        "path": item.path,
        "status": entry.status.as_u16(),
        "content_type": entry.content_type.as_ref().and_then(|value| value.to_str().ok()),
        "bytes": entry.bytes,
        "age_s": entry.age_s,
        "ttl_s": entry.ttl_s,
        "tier": entry.tier,
    })
}

/// `DELETE /cache`.
pub(super) async fn purge(service: &Service, query: &str) -> Result<Value, Problem> {
    let one_of_them = || {
        refusal::bad(
            "Say what to purge with exactly one of url, portal, pattern and all=true.".to_owned(),
        )
    };
    let given = Parameters::read(query, &["url", "portal", "pattern", "all"])?;
    let selection = match given.only().ok_or_else(one_of_them)? {
        ("url", text) => {
            let (located, query) = locate(service, text)?;
            let Located::Bridge { place, path, .. } = service.locate(&located) else {
                return Err(not_a_portals());
            };
            place.selection(path, query.as_deref()).map_err(|why| {
                refusal::bad(format!("`url`: the path would not be forwarded: {why}."))
            })?
        }
        ("portal", id) => Selection::Portal(id.to_owned()),
        ("pattern", text) => Selection::Pattern(parameters::pattern(text)?),
        ("all", "true") => Selection::All,
        _ => return Err(one_of_them()),
    };
    let purged = service.gateway.purge(selection).await;
    tracing::info!(purged, "purged");
    Ok(json!({ "purged": purged }))
}

/// `GET /cache/stats`.
pub(super) async fn stats(service: &Service) -> Value {
    service.tiers.memory.upkeep();
    let mut totals = service.gateway.totals().await;
    let registered = service.gateway.places().map(|place| place.portal.id.to_string());
    for id in registered {
        totals.entry(id).or_default();
    }
    let sum = |figure: fn(&Totals) -> u64| totals.values().map(figure).sum::<u64>();
    let portals: serde_json::Map<_, _> = totals
        .iter()
        .map(|(id, totals)| {
            let answers = service.metrics.answers_by_cache(id);
            let answers: serde_json::Map<_, _> =
                answers.into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
            let of_portal = json!({
                "entries": totals.entries,
                "fresh": totals.fresh,
                "bytes": totals.bytes,
                "answers": answers,
            });
            (id.clone(), of_portal)
        })
        .collect();
    let memory = service.tiers.memory.usage();
    json!({
        "entries": sum(|totals| totals.entries),
        "fresh": sum(|totals| totals.fresh),
        "bytes": sum(|totals| totals.bytes),
        "memory": {
            "entries": memory.entries,
            "bytes": memory.bytes,
            "capacity_bytes": memory.capacity,
        },
        "disk": service.tiers.disk.as_ref().map(disk),
        "portals": portals,
    })
}

/// The disk tier's figures.
fn disk(tier: &DiskTier) -> Value {
    let (usage, counters) = (tier.usage(), tier.counters());
    json!({
        "entries": usage.entries,
        "bytes": usage.bytes,
        "capacity_bytes": usage.budget,
        "complete": usage.scanned,
        "written": counters.stored,
        "dropped": counters.dropped,
        "evicted": counters.evicted,
        "damaged": counters.damaged,
        "slow": counters.slow,
        "read_errors": counters.read_errors,
        "write_errors": counters.write_errors,
    })
}

/// `POST /cache/fill`.
pub(super) async fn fill(service: &Service, body: Incoming) -> Result<Value, Problem> {
    let url = url_in(body).await?;
    let (located, query) = locate(service, &url)?;
    let Located::Bridge { place, terms, path, file: None } = service.locate(&located) else {
        return Err(not_a_portals());
    };
    let fields = HeaderMap::new();
    let asked = Request {
        place,
        terms,
        method: &Method::GET,
        path,
        query: query.as_deref(),
        file: None,
        fields: &fields,
        content: None,
        claim: None,
    };
    let problem = match service.gateway.answer(asked).await {
        Ok(answered) => match drain(answered.content).await {
            Ok(bytes) => {
                return Ok(json!({
                    "url": url,
                    "status": answered.status.as_u16(),
                    "bytes": bytes,
                    "cache": answered.cache.to_string(),
                }));
            }
            Err((bytes, why)) => {
                tracing::warn!(portal = place.portal.id.as_str(), %why, "content broke off");
                problem::broke_off(bytes)
            }
        },
        Err(error) => problem::of(&error, place),
    };
    Ok(json!({
        "url": url,
        "status": problem.status().as_u16(),
        "bytes": 0,
        "cache": null,
        "problem": json!(problem.document(service)),
    }))
}

/// The `url` of a request's content.
async fn url_in(body: Incoming) -> Result<String, Problem> {
    let collected = tokio::time::timeout(CONTENT_TIME, Limited::new(body, CONTENT).collect());
    let content = collected.await.map_err(|_| refusal::too_slow())?;
    let content = content.map_err(|_| refusal::too_long(CONTENT))?.to_bytes();
    let value: Value = serde_json::from_slice(&content).unwrap_or_default();
    match (value["url"].as_str(), value.as_object().map(serde_json::Map::len)) {
        (Some(url), Some(1)) => Ok(url.to_owned()),
        _ => Err(refusal::bad("The content is JSON of the form { \"url\": \"…\" }.")),
    }
}

/// Reads content to its end and keeps none of it.
async fn drain(content: Content) -> Result<u64, (u64, String)> {
    let mut stream = match content {
        Content::Buffer(bytes) => return Ok(bytes.len() as u64),
        Content::Stream(stream, _) => stream,
    };
    let mut bytes = 0;
    while let Some(piece) = stream.next().await {
        bytes += piece.map_err(|why| (bytes, why.to_string()))?.len() as u64;
    }
    Ok(bytes)
}

/// What a URL stands for, as the path and query that a client would ask for: `/p/{portal}/…`, the
/// same at any http or https address, or a portal's own URL.
fn locate(service: &Service, text: &str) -> Result<(String, Option<String>), Problem> {
    let text = text.split('#').next().unwrap_or(text);
    let asked = if let Some((place, below)) = service.gateway.place_of_url(text) {
        format!("/p/{}/{below}", place.portal.id)
    } else if text.starts_with('/') {
        text.to_owned()
    } else {
        let behind = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let path = behind.and_then(|rest| rest.find('/').map(|at| rest[at..].to_owned()));
        path.ok_or_else(not_a_portals)?
    };
    Ok(match asked.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (asked, None),
    })
}

fn not_a_portals() -> Problem {
    refusal::bad(
        "`url` is nothing of a registered portal's: write /p/{portal}/{path}?{query}, or the \
         portal's own URL.",
    )
}
