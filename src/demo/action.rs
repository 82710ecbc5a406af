//! The action API: which action, and the envelope around what it says. Not the padding, which is
//! put on last and only on success.

use http::StatusCode;

use super::outcome::{Failure, Outcome};
use super::parameters::Parameters;
use super::{Demo, SITE_URL, datastore, json, search};

/// Status and body of one action, not yet padded.
pub(super) fn answer(demo: &Demo, name: &str, parameters: &Parameters) -> (StatusCode, String) {
    match perform(demo, name, parameters) {
        Ok(result) => {
            let help = help(name);
            (StatusCode::OK, format!("{{{help}, \"success\": true, \"result\": {result}}}"))
        }
        Err(failure) => refuse(name, &failure),
    }
}

fn perform(demo: &Demo, name: &str, parameters: &Parameters) -> Outcome {
    let catalogue = &demo.catalogue;
    match name {
        "status_show" => Ok(status()),
        "package_search" => search::package_search(catalogue, parameters),
        "package_show" => catalogue.package_show(parameters),
        "package_list" => catalogue.package_list(parameters),
        "resource_show" => catalogue.resource_show(parameters),
        "organization_list" => Ok(catalogue.organization_list(parameters)),
        "organization_show" => catalogue.organization_show(parameters),
        "datastore_search" => datastore::datastore_search(&demo.table, parameters),
        _ => Err(Failure::UnknownAction),
    }
}

fn status() -> String {
    let title = json::ascii("Dades obertes de demostració · Ανοικτά δεδομένα");
    format!(
        "{{\"site_title\": {title}, \"site_description\": \"\", \"site_url\": \"{SITE_URL}\", \
         \"error_emails_to\": \"\", \"locale_default\": \"en\", \"extensions\": [\"datastore\"], \
         \"ckan_version\": \"2.12.0\"}}"
    )
}

fn refuse(name: &str, failure: &Failure) -> (StatusCode, String) {
    let (status, error) = match failure {
        Failure::NotFound(message) => {
            (StatusCode::NOT_FOUND, explained("Not Found Error", message))
        }
        Failure::SearchQuery(message) => {
            (StatusCode::BAD_REQUEST, explained("Search Query Error", message))
        }
        Failure::Validation(parameter, messages) => {
            let messages = json::list(messages.iter().map(|message| json::ascii(message)));
            let kind = json::ascii("Validation Error");
            let members = [(*parameter, messages), ("__type", kind)];
            (StatusCode::CONFLICT, json::object(members.into_iter()))
        }
        Failure::UnknownAction => {
            let message = format!("Bad request: Action name not known: {name}");
            return (StatusCode::BAD_REQUEST, json::ascii(&message));
        }
    };
    (status, format!("{{{}, \"error\": {error}, \"success\": false}}", help(name)))
}

fn explained(kind: &str, message: &str) -> String {
    let members = [("__type", json::ascii(kind)), ("message", json::ascii(message))];
    json::object(members.into_iter())
}

/// The first member of every envelope. `name` is an action that exists, so it needs no escaping.
fn help(name: &str) -> String {
    format!("\"help\": \"{SITE_URL}/api/3/action/help_show?name={name}\"")
}
