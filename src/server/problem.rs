//! Where an error becomes a status and a problem document. It decides nothing else.
//!
//! Every problem says what happened and what can be done about it, and nothing of our insides.

use http::HeaderValue;

use crate::allowance::Exceeded;
use crate::gateway::{Error, Limit, Place, PortalFailure, WebPage};
use crate::portal::PathRefusal;
use crate::upstream::RedirectRefusal;

use super::Service;
use super::document::Problem;
use super::shown::loggable;

/// No portal has that id. The id is not repeated: it is the caller's text.
pub(super) fn unknown_portal(service: &Service) -> Problem {
    let ids: Vec<_> = service.gateway.places().map(|place| place.portal.id.as_str()).collect();
    // A list that is read at a glance; a longer one is a page of its own.
    let few = if ids.len() <= 10 { format!(" ({})", ids.join(", ")) } else { String::new() };
    let detail = format!(
        "No portal with this id is registered here. {} lists the ones that are{few}.",
        service.link("/portals")
    );
    Problem::new("unknown-portal", 404, "Unknown portal", detail)
}

/// A target that no entry names. It is not repeated: it is the caller's text.
pub(super) fn target_not_allowed(service: &Service) -> Problem {
    let detail = format!(
        "No portal that is registered here has this target; {} lists those that are. The operator \
         can add an entry for it, or name its host under `open_targets.hosts`.",
        service.link("/portals")
    );
    Problem::new("target-not-allowed", 403, "Target not allowed", detail)
}

/// A target that is no URL.
pub(super) fn bad_target() -> Problem {
    let detail = "The target is not a URL: write http or https, a host and a path, \
                  percent-encoded where it is the value of `url`.";
    Problem::new("invalid-path", 400, "Invalid path", detail.to_owned())
}

/// A link of which nothing can be made.
pub(super) fn unreadable_link() -> Problem {
    let detail = "Give as `url` a link of a portal (a dataset's page, a download, a call of its API) or \
                  a portal's id, percent-encoded.";
    Problem::new("invalid-path", 400, "Invalid path", detail.to_owned())
}

/// A path that is not forwarded.
pub(super) fn invalid_path(why: PathRefusal) -> Problem {
    problem(&Error::InvalidPath(why))
}

/// No such path of ours.
pub(super) fn no_such_path() -> Problem {
    let detail = "There is nothing at this path. Portals are under /p/{portal}/, and /portals \
                  lists them.";
    Problem::blank(404, "Not Found", detail.to_owned())
}

/// RFC 9110 §15.5.6.
pub(super) fn method_not_allowed(allow: HeaderValue) -> Problem {
    let detail = "This gateway reads from portals: use GET or HEAD. A CKAN's actions that read can be \
                  posted, too.";
    Problem::blank(405, "Method Not Allowed", detail.to_owned()).allowing(allow)
}

/// RFC 9110 §15.5.14.
pub(super) fn content_too_large(most: usize) -> Problem {
    let detail = format!(
        "The request's content is over the limit of {most} bytes; the operator can raise it \
         (`server.content_bytes`)."
    );
    Problem::blank(413, "Content Too Large", detail).with("limit_bytes", most)
}

/// RFC 9110 §15.5.9.
pub(super) fn request_timeout(after: std::time::Duration) -> Problem {
    let detail = format!("The request's content did not arrive within {} s.", after.as_secs_f64());
    Problem::blank(408, "Request Timeout", detail)
}

/// The request is not as HTTP has it.
pub(super) fn bad_request(why: &str) -> Problem {
    let detail = format!("The request is not valid HTTP: {why}.");
    Problem::new("bad-request", 400, "Bad request", detail)
}

/// A bug.
pub(super) fn internal() -> Problem {
    let detail = "This gateway has a bug, and its log says more. Other requests are not affected.";
    Problem::new("internal", 500, "Internal error", detail.to_owned())
}

/// Content of a portal's broke off after so many bytes, when its status had been told already.
pub(super) fn broke_off(offset: u64) -> Problem {
    problem(&Error::ResponseIncomplete { offset: usize::try_from(offset).ok() })
}

/// What an error of the gateway's means for a caller.
pub(super) fn of(error: &Error, place: &Place) -> Problem {
    problem(error).with("portal", place.portal.id.as_str())
}

#[expect(clippy::too_many_lines, reason = "one arm for each variant, all on one page")]
fn problem(error: &Error) -> Problem {
    match error {
        Error::InvalidPath(why) => {
            let detail = format!("The path was not forwarded: {why}.");
            Problem::new("invalid-path", 400, "Invalid path", detail)
        }
        Error::ActionNotAllowed(action) => {
            let detail = format!(
                "The action `{action}` is not known to change nothing, so it is not handed on. \
                 Only actions that read can be asked for here."
            );
            Problem::new("action-not-allowed", 403, "Action not allowed", detail)
        }
        Error::NoSuchPath => no_such_path(),
        Error::NotInFolder => {
            let detail = "The folder has no such file. Its own path lists what it has.";
            Problem::blank(404, "Not Found", detail.to_owned())
        }
        Error::NoFile => {
            let detail = "The portal says of no file where this resource's data is.";
            Problem::blank(404, "Not Found", detail.to_owned())
        }
        Error::FileElsewhere(host) => {
            let detail = format!(
                "The file is at {}, a host that the portal's entry does not name. The operator can \
                 name it under `downloads`.",
                loggable(host)
            );
            Problem::new("target-not-allowed", 403, "Target not allowed", detail)
        }
        Error::InvalidContent(why) => {
            let detail = format!("The content of the request is of no use: {why}.");
            Problem::new("invalid-content", 400, "Invalid content", detail)
        }
        Error::LoopDetected => {
            let detail = "The request has been through this gateway before (Via or CDN-Loop): a \
                          portal's base URL leads back here.";
            Problem::new("loop-detected", 508, "Loop detected", detail.to_owned())
        }
        Error::AddressProhibited => {
            let detail = "The portal's address is not a public one, and its registry entry does \
                          not allow it. The operator can name its range under `allow_cidr`.";
            Problem::new("address-prohibited", 502, "Address prohibited", detail.to_owned())
        }
        Error::PortalUnresolvable => {
            let detail = "The portal's name has no address. It may be gone for good, or the name \
                          service fails for the moment.";
            Problem::new("portal-unresolvable", 502, "Portal unresolvable", detail.to_owned())
        }
        Error::PortalUnreachable(why) => {
            let detail = format!("The portal cannot be reached: {why}. Try again later.");
            Problem::new("portal-unreachable", 502, "Portal unreachable", detail)
        }
        Error::PortalTimeout { after } => {
            let detail = format!(
                "The portal did not answer within {} s. Ask for less at once (a smaller `limit` \
                 or `rows`), or try again later.",
                after.as_secs_f64()
            );
            Problem::new("portal-timeout", 504, "Portal timeout", detail)
                .with("after_ms", u64::try_from(after.as_millis()).unwrap_or(u64::MAX))
        }
        Error::PortalFailed { status, why, found } => portal_failed(*status, *why, found.as_ref()),
        Error::ResponseTooLarge(limit) => too_large(*limit),
        Error::ResponseIncomplete { offset } => {
            let detail = "The portal's answer broke off before its end. Try again; if it always \
                          breaks off, ask for less at once.";
            let problem =
                Problem::new("response-incomplete", 502, "Response incomplete", detail.to_owned());
            match offset {
                Some(offset) => problem.with("offset", *offset),
                None => problem,
            }
        }
        Error::NotJsonp { status, reason, kind, sentence, offset, found } => {
            let detail = format!(
                "The portal's answer is neither the JSONP that was asked for nor JSON: \
                 {sentence}, at byte {offset}."
            );
            let problem = Problem::new("not-jsonp", 502, "Not JSONP", detail);
            let problem = match kind {
                Some(kind) => problem.with("kind", *kind),
                None => problem,
            };
            problem
                .with("reason", *reason)
                .with("offset", *offset)
                .with("found", found.as_str())
                .with("portal_status", *status)
        }
        Error::PortalSuspended { retry_after, status } => {
            let detail = match status {
                Some(_) => "The portal asks everybody to come back later.",
                None => {
                    "The portal failed several times in a row or asked for a pause, and is \
                         left alone for a while."
                }
            };
            let problem =
                Problem::new("portal-suspended", 503, "Portal suspended", detail.to_owned())
                    .after(*retry_after);
            match status {
                Some(status) => problem.with("portal_status", *status),
                None => problem,
            }
        }
        Error::Busy => {
            let detail = "Too much is asked of this portal, or of this gateway, at once. Try again in a \
                          moment.";
            Problem::new("busy", 503, "Busy", detail.to_owned()).after(std::time::Duration::ZERO)
        }
        Error::TooManyRequests(Exceeded { retry_after, at_once, .. }) => {
            let detail = if *at_once {
                "Too many requests of your address are under way at portals at once. Wait for some of \
                 them to end; answers that are stored here are not counted."
            } else {
                "Your address asks portals too often. Wait a moment, and ask for less or for the same \
                 again: answers that are stored here are not counted. The operator can exempt a network \
                 (`server.clients.exempt`)."
            };
            Problem::new("too-many-requests", 429, "Too many requests", detail.to_owned())
                .after(*retry_after)
        }
        Error::NotStored => {
            let detail = "The request says `only-if-cached`, and nothing usable is stored.";
            Problem::blank(504, "Gateway Timeout", detail.to_owned())
        }
        Error::Offline => {
            let detail = "This gateway serves what it has stored, without asking any portal, and \
                          this is not stored. Ask for it once while it is online.";
            Problem::new("offline", 504, "Offline", detail.to_owned())
        }
        Error::Internal => internal(),
    }
}

fn portal_failed(status: Option<u16>, why: PortalFailure, found: Option<&String>) -> Problem {
    let answered = match (status, why) {
        (Some(status), PortalFailure::Page(_)) => format!(" (HTML, status {status})"),
        (Some(status), _) => format!(" (status {status})"),
        (None, _) => String::new(),
    };
    let what = match why {
        PortalFailure::NotJson => "an error that is not JSON",
        PortalFailure::Page(WebPage::Login) => "a login page",
        PortalFailure::Page(WebPage::Other) => "a web page instead of JSON",
        PortalFailure::Status => "a status that nothing can be done with",
        PortalFailure::Redirect(RedirectRefusal::TooMany) => "too many redirects",
        PortalFailure::Redirect(RedirectRefusal::NoTarget) => "a redirect without a target",
        PortalFailure::Redirect(RedirectRefusal::Downgrade) => {
            "a redirect from https to http, which is not followed"
        }
        PortalFailure::Redirect(RedirectRefusal::Elsewhere) => {
            "a redirect to a place its registry entry does not name; the operator can correct \
             `base`, or name the host under `downloads`"
        }
        PortalFailure::Coding => "content whose coding is unknown or broken",
        PortalFailure::Malformed => "something that is not valid HTTP",
    };
    let is_page = matches!(why, PortalFailure::NotJson | PortalFailure::Page(WebPage::Other));
    let detail = match status {
        Some(404 | 410) if is_page => {
            format!(
                "The portal has nothing at this address{answered}. Is the name or the id right?"
            )
        }
        _ => format!("The portal answered with {what}{answered}."),
    };
    let mut problem = Problem::new("portal-failed", 502, "Portal failed", detail);
    if let Some(status) = status {
        problem = problem.with("portal_status", status);
    }
    match found {
        Some(found) => problem.with("found", found.as_str()),
        None => problem,
    }
}

fn too_large(limit: Limit) -> Problem {
    let problem = |what: String| {
        let detail = format!(
            "The portal's answer is over the limit of {what}. Ask for less at once (a smaller \
             `limit` or `rows`); the operator can raise the limit."
        );
        Problem::new("response-too-large", 502, "Response too large", detail)
    };
    match limit {
        Limit::Content(bytes) => {
            problem(format!("{bytes} bytes of content")).with("limit_bytes", bytes)
        }
        Limit::Fields(bytes) => {
            problem(format!("{bytes} bytes of header fields")).with("limit_bytes", bytes)
        }
        Limit::Ratio(ratio) => problem(format!("{ratio} decoded bytes per received byte")),
    }
}
