//! The description of the API (`OpenAPI` 3.1), made from the table of endpoints, the types of the answers
//! and the list of problems. Nothing in it is written twice.

use axum::response::Response;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::endpoint::{ENDPOINTS, Endpoint, GROUPS, Name, Parameter};
use super::{Service, document, operations, registry, resolve, status};

/// The description.
pub(super) fn answer(service: &Service) -> Response {
    super::json(&description(service))
}

fn description(service: &Service) -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut schemas = settings.into_generator();
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        let get = operation(endpoint, &mut schemas);
        let mut item = json!({ "get": get });
        if endpoint.name == Name::Bridge {
            item["post"] = question(endpoint, &mut schemas);
        }
        paths.insert(endpoint.path.to_owned(), item);
    }
    let problem = response::<document::Document<'_>>(
        &mut schemas,
        "application/problem+json",
        &format!(
            "A problem (RFC 9457), in the shape of CKAN's errors at the same time. The fragment of \
             `type` is its name: {}. `/problems` explains them.",
            problems()
        ),
    );
    let groups = GROUPS.map(|(name, about)| json!({ "name": name, "description": about }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "unpad",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Open data, readable from any page, notebook or program.",
            "description": "Every answer carries CORS fields. `Cache-Status` (RFC 9211) and `Age` say \
                            what the cache did, `Link` where the answer comes from and under which \
                            licence, `Unpad-Attribution` whom to name.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": service.link("/") }],
        "tags": groups,
        "paths": paths,
        "components": {
            "schemas": schemas.take_definitions(true),
            "responses": { "Problem": problem },
        },
    })
}

/// Reading.
fn operation(endpoint: &Endpoint, schemas: &mut SchemaGenerator) -> Value {
    json!({
        "tags": [endpoint.group],
        "operationId": format!("{:?}", endpoint.name),
        "summary": endpoint.summary,
        "description": endpoint.description,
        "parameters": endpoint.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "responses": {
            "200": answered(endpoint, schemas),
            "default": { "$ref": "#/components/responses/Problem" },
        },
    })
}

/// Asking a question by POST.
fn question(endpoint: &Endpoint, schemas: &mut SchemaGenerator) -> Value {
    let mut operation = operation(endpoint, schemas);
    operation["operationId"] = json!("Question");
    operation["summary"] = json!("One of CKAN's actions that read");
    operation["description"] =
        json!("The action's parameters as JSON or as a form, as CKAN takes them.");
    operation["requestBody"] = json!({
        "content": { "application/json": { "schema": { "type": "object" } } },
    });
    operation
}

fn parameter(parameter: &Parameter) -> Value {
    json!({
        "name": parameter.name,
        "in": parameter.place,
        "required": true,
        "description": parameter.description,
        "schema": { "type": "string" },
        "example": parameter.example,
    })
}

/// The answer to expect.
fn answered(endpoint: &Endpoint, schemas: &mut SchemaGenerator) -> Value {
    let (media_type, about) = (endpoint.media_type, "As described.");
    match endpoint.name {
        Name::Portals => response::<registry::Portals<'_>>(schemas, media_type, about),
        Name::Portal => response::<registry::Entry<'_>>(schemas, media_type, about),
        Name::Resolve => response::<resolve::Resolved<'_>>(schemas, media_type, about),
        Name::Status => response::<status::Status<'_>>(schemas, media_type, about),
        _ => json!({ "description": about, "content": { media_type: {} } }),
    }
}

fn response<T: JsonSchema>(schemas: &mut SchemaGenerator, media_type: &str, about: &str) -> Value {
    let schema = schemas.subschema_for::<T>();
    json!({ "description": about, "content": { media_type: { "schema": schema } } })
}

/// The names of the problem types: the headings of their explanation.
fn problems() -> String {
    let headings = operations::PROBLEMS.lines().filter_map(|line| line.strip_prefix("## "));
    headings.map(|name| format!("`{}`", name.trim_matches('`'))).collect::<Vec<_>>().join(", ")
}
