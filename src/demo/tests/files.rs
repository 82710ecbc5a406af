//! The file and the dump. Not the action API.

use bytes::Bytes;
use http::{Method, Request, StatusCode};

use super::super::{BASE_PATH, EXAMPLES, Example, SITE_URL, table};
use super::{DEMO, ask, field, result, text};

#[test]
fn the_resource_of_the_table_is_the_file() {
    let resource = result("resource_show?id=e5f516c7-456f-50aa-804b-81826abed5b5");
    assert_eq!(resource["size"], table::CONTENT.len());
    let url = resource["url"].as_str().expect("a URL");
    let path = url.strip_prefix(SITE_URL).expect("on the portal").trim_start_matches('/');
    let answer = ask(&Method::GET, path);
    assert_eq!(text(&answer), table::CONTENT);
    assert_eq!(field(answer.headers(), "content-type"), "text/csv");
    let organization = result("organization_show?id=ajuntament-vilanova");
    assert_eq!(
        organization["package_count"],
        result("package_search?fq=organization:ajuntament-vilanova")["count"]
    );
}

#[test]
fn the_file_answers_conditional_and_range_requests() {
    let is_file = |example: &&Example| example.target.starts_with("dataset/");
    let path = EXAMPLES.iter().find(is_file).expect("a file").target;
    let ask = |name: &str, value: &str| {
        let request = Request::get(format!("{BASE_PATH}/{path}")).header(name, value);
        DEMO.answer_request(&request.body(Bytes::new()).expect("a request"))
    };
    let whole = ask("accept", "*/*");
    let etag = field(whole.headers(), "etag");
    let same = ask("if-none-match", etag);
    assert_eq!((same.status(), same.body().len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(ask("if-none-match", "\"other\"").status(), StatusCode::OK);
    let part = ask("range", "bytes=10-19");
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.body(), &whole.body()[10..20]);
    let range = format!("bytes 10-19/{}", table::CONTENT.len());
    assert_eq!(field(part.headers(), "content-range"), range);
    assert_eq!(ask("range", "bytes=99999999-").status(), StatusCode::RANGE_NOT_SATISFIABLE);
}

#[test]
fn a_dump_is_the_table_as_csv() {
    let dump =
        ask(&Method::GET, "datastore/dump/e5f516c7-456f-50aa-804b-81826abed5b5?bom=true&limit=2");
    let body = text(&dump);
    assert!(body.starts_with("\u{feff}_id,id_mesura,municipi,"), "{body}");
    assert!(body.contains("\r\n1,9007199254740993,l'Hospitalet de Llobregat,NO2,46.00,"), "{body}");
    assert_eq!(body.lines().count(), 3);
    assert_eq!(field(dump.headers(), "content-type"), "application/octet-stream");
    assert!(field(dump.headers(), "content-disposition").starts_with("attachment"));
    assert_eq!(ask(&Method::GET, "datastore/dump/no-such").status(), StatusCode::NOT_FOUND);
}
