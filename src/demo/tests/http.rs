//! Methods, padding and the socket. Not what the answers say.

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::super::{BASE_PATH, EXAMPLES, serve};
use super::{DEMO, act, ask, field, text};

#[test]
fn a_padded_body_without_its_padding_is_the_bare_body() {
    for example in EXAMPLES {
        let bare = ask(&Method::GET, example.target);
        assert_eq!(bare.status(), StatusCode::OK, "{}", example.target);
        let join = if example.target.contains('?') { '&' } else { '?' };
        let asked = format!("{}{join}callback=cb", example.target);
        let padded = text(&ask(&Method::GET, &asked));
        if example.target.starts_with("api/") {
            assert_eq!(padded, format!("cb({});", text(&bare)), "{}", example.target);
            serde_json::from_slice::<Value>(bare.body()).expect("JSON");
        } else {
            assert_eq!(padded, text(&bare), "{}", example.target);
        }
    }
}

#[test]
fn head_shows_the_length_of_the_bare_answer_and_has_no_body() {
    for example in EXAMPLES {
        let bare = ask(&Method::GET, example.target);
        let head = ask(&Method::HEAD, example.target);
        assert_eq!(head.headers(), bare.headers(), "{}", example.target);
        assert!(head.body().is_empty());
    }
    let head = ask(&Method::HEAD, "api/3/action/status_show?callback=cb");
    assert_eq!(head.headers(), ask(&Method::GET, "api/3/action/status_show").headers());
}

#[test]
fn a_post_is_read_where_there_is_no_query() {
    let post = |query: &str, media_type: &str, content: &'static str| {
        let uri = format!("{BASE_PATH}/api/3/action/package_show{query}");
        let request = Request::post(uri).header(header::CONTENT_TYPE, media_type);
        DEMO.answer_request(&request.body(Bytes::from(content)).expect("a request"))
    };
    let id = "{\"id\": \"parades-bus\", \"callback\": \"cb\"}";
    let answer = post("", "application/json", id);
    assert_eq!(text(&answer), act("package_show?id=parades-bus").1);
    assert_eq!(post("?callback=cb", "application/json", id).status(), StatusCode::CONFLICT);
    assert_eq!(post("", "text/plain", id).status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(post("", "application/json", "[1]").status(), StatusCode::BAD_REQUEST);
}

#[test]
fn other_methods_and_unknown_paths_are_pages() {
    for (method, path, status) in [
        (Method::PUT, "/data/api/3/action/status_show", 405),
        (Method::DELETE, "/data/api/3/action/status_show", 405),
        (Method::GET, "/api/3/action/status_show", 404),
        (Method::GET, "/database", 404),
        (Method::GET, "", 404),
        (Method::GET, "/data/api/3/action/status_show/", 404),
    ] {
        let answer = DEMO.answer(&method, path, None);
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert_eq!(field(answer.headers(), "content-type"), "text/html; charset=utf-8");
        assert!(answer.body().len() > 2_000);
    }
    let options = ask(&Method::OPTIONS, "api/3/action/status_show");
    assert_eq!((options.status(), options.body().len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn the_portal_answers_on_a_socket_until_it_is_stopped() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    let portal = tokio::spawn(serve(listener, async {
        let _ = stopped.await;
    }));
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = "GET /data/api/action/status_show?callback=cb HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut start = [0; 15];
    stream.read_exact(&mut start).await.expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 200 OK");
    stop.send(()).expect("still serving");
    portal.await.expect("no panic").expect("no error");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.expect("the connection is dropped");
    assert!(rest.ends_with("\"ckan_version\": \"2.12.0\"}});"), "{rest}");
}
