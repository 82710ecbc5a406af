//! The portal as a whole, asked as a gateway asks it. Not its parts, which are tested where they are.

mod files;
mod http;
mod questions;
mod recordings;

use std::sync::LazyLock;

use ::http::{HeaderMap, Method, Response};
use bytes::Bytes;
use serde_json::Value;

use super::{BASE_PATH, Demo};

static DEMO: LazyLock<Demo> = LazyLock::new(Demo::new);

const DATASTORE: &str = "datastore_search?resource_id=e5f516c7-456f-50aa-804b-81826abed5b5";

fn ask(method: &Method, target: &str) -> Response<Bytes> {
    let (path, query) = target.split_once('?').map_or((target, None), |(p, q)| (p, Some(q)));
    DEMO.answer(method, &format!("{BASE_PATH}/{path}"), query)
}

/// Status and body of an action.
fn act(target: &str) -> (u16, String) {
    let answer = ask(&Method::GET, &format!("api/3/action/{target}"));
    (answer.status().as_u16(), text(&answer))
}

fn result(target: &str) -> Value {
    let (status, body) = act(target);
    assert_eq!(status, 200, "{target}: {body}");
    let mut envelope: Value = serde_json::from_str(&body).expect("JSON");
    envelope["result"].take()
}

fn text(answer: &Response<Bytes>) -> String {
    String::from_utf8(answer.body().to_vec()).expect("UTF-8")
}

fn field<'a>(fields: &'a HeaderMap, name: &str) -> &'a str {
    fields.get(name).map_or("", |value| value.to_str().expect("ASCII"))
}
