//! What a search of the packages and of the table finds. Not how the answer is written.

use super::super::catalogue::Catalogue;
use super::{DATASTORE, act, result};

#[test]
fn the_datastore_filters_sorts_and_pages() {
    let rows = |query: &str| result(&format!("{DATASTORE}&{query}"));
    let found = rows("filters={\"municipi\":[\"Αθήνα\",\"Vic\"],\"contaminant\":\"O3\"}&limit=1");
    assert_eq!(found["total"], 60);
    assert_eq!(found["filterops"]["value"].as_array().map(Vec::len), Some(2));
    let highest = rows("sort=valor desc nulls last&limit=2&fields=valor,municipi");
    assert!(highest["records"][0]["valor"].as_f64() >= highest["records"][1]["valor"].as_f64());
    assert_eq!(highest["fields"].as_array().map(Vec::len), Some(2));
    assert!(rows("sort=valor desc&limit=1")["records"][0]["valor"].is_null());
    assert_eq!(rows("offset=2399")["records"].as_array().map(Vec::len), Some(1));
    assert_eq!(rows("offset=9999")["records"].as_array().map(Vec::len), Some(0));
    assert_eq!(rows("limit=40000")["limit"], 32_000);
    assert_eq!(rows("limit=0&include_total=false").get("total"), None);
    assert_eq!(rows("q=L'HOSPITALET&limit=1")["total"], 120);
    assert_eq!(rows("q={\"municipi\":\"besos\"}&limit=1")["total"], 120);
    assert_eq!(rows("fields=municipi&distinct=true")["total"], 20);
    assert_eq!(rows("filters={\"id_mesura\":9007199254740993}")["total"], 1);
    assert_eq!(rows("limit=1&records_format=lists")["records"][0][0], 1);
    assert!(
        rows("limit=1&records_format=tsv")["records"].as_str().is_some_and(|r| r.ends_with('\n'))
    );
}

#[test]
fn the_datastore_refuses_what_it_does_not_know() {
    for (query, parameter) in [
        ("_=1700000000001", "__extras"),
        ("fields=nope", "fields"),
        ("filters=notjson", "filters"),
        ("filters={\"nope\":1}", "filters"),
        ("sort=valor sideways", "sort"),
        ("limit=-1", "limit"),
        ("offset=x", "offset"),
    ] {
        let (status, body) = act(&format!("{DATASTORE}&{query}"));
        assert_eq!(status, 409, "{query}");
        assert!(body.contains(&format!("\"error\": {{\"{parameter}\": [")), "{query}: {body}");
    }
    assert_eq!(act("datastore_search?resource_id=no-such").0, 404);
}

#[test]
fn a_search_finds_words_without_case_and_accents() {
    let count = |query: &str| result(&format!("package_search?{query}"))["count"].clone();
    assert_eq!(count("q=*:*"), Catalogue::built_in().packages.len());
    assert_eq!(count(""), count("q="));
    assert!(count("q=aire").as_u64() > Some(5));
    assert_eq!(count("q=AÏRE"), count("q=aire"));
    assert_eq!(count("q=πληθυσμος"), count("q=Πληθυσμός"));
    assert_eq!(count("q=air*%20qualitat"), count("q=qualitat%20air*"));
    assert_eq!(count("q=no-such-thing"), 0);
    assert_eq!(count("fq=organization:transport-agency"), 4);
    assert_eq!(count("fq=organization:transport-agency+AND+res_format:CSV"), 2);
    assert_eq!(count("fq=%2Borganization:transport-agency+-res_format:CSV"), 2);
    let first = result("package_search?sort=name+desc&rows=1&start=1");
    let names = result("package_list");
    let names = names.as_array().expect("a list");
    assert_eq!(first["results"][0]["name"], names[names.len() - 2]);
    assert_eq!(act("package_search?sort=nonsense").0, 400);
}

#[test]
fn facets_count_what_was_found() {
    let found = result("package_search?rows=0&facet.field=[\"organization\",\"tags\",\"nope\"]");
    assert_eq!(found["facets"]["organization"]["transport-agency"], 4);
    assert_eq!(found["search_facets"]["tags"]["items"][0]["count"], 1);
    assert_eq!(found["facets"]["nope"], serde_json::json!({}));
}
