//! Bodies as other software pads them (`fixtures/dialects`), sent by a portal that is asked as an
//! entry of that dialect says: what comes out is the JSON, byte for byte. That a row of the table
//! exists does not mean that its software was here: see the folder's README.

use std::path::PathBuf;

use unpad::portal::Dialect;

use crate::support::{Answer, FakePortal, Reply, World};

/// What stands in a body where the portal writes the name that it was asked for.
const PLACEHOLDER: &str = "CALLBACK";

/// How something of a portal is asked for.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// The lines of the entry that say how.
    entry: &'static str,
    target: &'static str,
    /// The parameter in which the name arrives, and what stands before it there.
    parameter: &'static str,
    before: &'static str,
}

const fn way(entry: &'static str, target: &'static str, parameter: &'static str) -> Way {
    Way { entry, target, parameter, before: "" }
}

const SOCRATA: Way = way("dialect: socrata", "/resource/h2aq-99zz.json?$limit=2", "$jsonp");
const SODA1: Way = way("dialect: socrata", "/api/views/h2aq-99zz/rows.json", "jsonp");
const ARCGIS: Way = way("dialect: arcgis", "/rest/services/City/MapServer/0/query", "callback");
const GEOSERVER: Way = Way {
    before: "callback:",
    ..way(
        "dialect: geoserver",
        "/ows?request=GetFeature&outputFormat=application/json",
        "format_options",
    )
};
const NOMINATIM: Way = way("dialect: nominatim", "/lookup?osm_ids=N1", "json_callback");
const OVERPASS: Way =
    way("dialect: overpass", "/api/interpreter?data=[out:json];node(1);out;", "jsonp");
const MEDIAWIKI: Way =
    way("dialect: mediawiki", "/w/api.php?action=query&list=allpages", "callback");
const ERDDAP: Way = way("dialect: erddap", "/erddap/tabledap/far.json?time", ".jsonp");
const WORLD_BANK: Way = way(
    "dialect: generic\n    callback: { parameter: prefix, query: { format: jsonP } }",
    "/v2/country/XX/indicator/SP.POP.TOTL?date=2020",
    "prefix",
);
const VISUALIZATION: Way = Way {
    before: "responseHandler:",
    ..way(
        "dialect: generic\n    callback: { parameter: tqx, before: \"responseHandler:\" }",
        "/spreadsheets/d/a/gviz/tq",
        "tqx",
    )
};

/// Software without a row of its own, asked by `callback`.
const fn generic(target: &'static str) -> Way {
    way("dialect: generic\n    callback: callback", target, "callback")
}

/// Bodies with data, and how they are asked for.
const BODIES: [(&str, Way); 17] = [
    ("socrata", SOCRATA),
    ("socrata", SODA1),
    ("arcgis", ARCGIS),
    ("geoserver", GEOSERVER),
    ("nominatim", NOMINATIM),
    ("nominatim-status", Way { target: "/status", ..NOMINATIM }),
    ("nominatim-details", Way { target: "/details?osmtype=N&osmid=1", ..NOMINATIM }),
    ("overpass", OVERPASS),
    ("mediawiki", MEDIAWIKI),
    ("erddap", ERDDAP),
    ("generic-worldbank", WORLD_BANK),
    ("generic-couchdb", generic("/city/_all_docs")),
    ("generic-wcf", generic("/City.svc/Places")),
    ("generic-wcf-created", generic("/City.svc/Places/7")),
    ("generic-adobe", way("dialect: generic\n    callback: handler", "/is/image/far", "handler")),
    ("generic-visualization", VISUALIZATION),
    ("generic-opendatasoft", generic("/api/records/1.0/search/?dataset=places")),
];

/// Bodies that tell of a failure with status 200.
const FAILURES: [(&str, Way); 5] = [
    ("arcgis-failure", ARCGIS),
    ("geoserver-failure", GEOSERVER),
    ("overpass-failure", OVERPASS),
    ("mediawiki-failure", MEDIAWIKI),
    ("mediawiki-failure-errorformat", MEDIAWIKI),
];

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/dialects").join(name)
}

fn fixture(name: &str, kind: &str) -> Vec<u8> {
    std::fs::read(path(&format!("{name}.{kind}"))).expect(name)
}

/// A portal that answers everything with a body, padded with the name that it is asked for.
async fn portal(name: &'static str, way: Way) -> FakePortal {
    let head = String::from_utf8(fixture(name, "head")).expect("a head is text");
    let body = String::from_utf8(fixture(name, "body")).expect("a body is text");
    FakePortal::new(move |request| {
        let handler = request.query(way.parameter).unwrap_or_default();
        let asked = handler.rsplit(';').find_map(|part| part.strip_prefix(way.before));
        let body = body.replacen(PLACEHOLDER, asked.unwrap_or("nobody"), 1);
        let kept = head.lines().filter(|line| {
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            !line.is_empty() && !["connection", "content-length"].contains(&&*name)
        });
        let kept = kept.flat_map(|line| [line, "\r\n"]).collect::<String>();
        let own = format!("Connection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        Reply::raw(kept).send(own).send(body)
    })
    .await
}

/// What a gateway answers in front of such a portal.
async fn answer(name: &'static str, way: Way) -> Answer {
    let portal = portal(name, way).await;
    let world = World::with(&format!(
        "portals:\n  city:\n    base: {}\n    allow_cidr: [\"127.0.0.1/32\"]\n    {}\n",
        portal.origin(),
        way.entry
    ))
    .await;
    world.get(&format!("/p/city{}", way.target)).await
}

#[tokio::test]
async fn bodies_of_each_dialect_come_out_as_their_json_byte_for_byte() {
    for (name, way) in BODIES {
        let answer = answer(name, way).await;
        assert_eq!(answer.status, 200, "{name}: {answer}");
        assert_eq!(answer.content, fixture(name, "json"), "{name}: {answer}");
        assert_eq!(answer.field("content-type"), Some("application/json"), "{name}");
        let status = answer.field("cache-status").expect("one");
        assert!(status.contains("stored; ttl=") && !status.ends_with("ttl=5"), "{name}: {status}");
    }
}

#[tokio::test]
async fn failures_with_status_200_are_handed_on_and_kept_for_seconds() {
    for (name, way) in FAILURES {
        let answer = answer(name, way).await;
        assert_eq!(answer.status, 200, "{name}: {answer}");
        assert_eq!(answer.content, fixture(name, "json"), "{name}: {answer}");
        let status = answer.field("cache-status").expect("one");
        // MediaWiki calls its errors `private`, so that they are not kept at all.
        let kept = if name.starts_with("mediawiki") { "fwd-status=200" } else { "ttl=5" };
        assert!(status.ends_with(kept), "{name}: {status}");
    }
}

#[tokio::test]
async fn an_error_that_was_not_padded_keeps_its_status_and_bytes() {
    let answer = answer("nominatim-error", Way { target: "/reverse?lat=x&lon=1", ..NOMINATIM });
    let answer = answer.await;
    assert_eq!((answer.status, answer.content), (400, fixture("nominatim-error", "json")));
}

#[test]
fn every_dialect_that_pads_has_a_body_and_every_body_is_told_of() {
    let padding = Dialect::ALL.into_iter().filter(|dialect| !dialect.traits().calls.is_empty());
    // What CKAN pads is recorded beside this folder.
    for dialect in padding.filter(|dialect| *dialect != Dialect::Ckan) {
        let name = dialect.to_string();
        let has = |(body, _): &(&str, Way)| body.split('-').next() == Some(&*name);
        assert!(BODIES.iter().any(has), "{name}: no body in fixtures/dialects");
        let tells = FAILURES.iter().any(has);
        assert_eq!(tells, !dialect.traits().in_band.is_empty(), "{name}: failures with status 200");
    }
    let told = String::from_utf8(fixture("README", "md")).expect("text");
    for entry in std::fs::read_dir(path("")).expect("the folder") {
        let name = entry.expect("a file").file_name().into_string().expect("text");
        let stem = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
        assert!(stem == "README" || told.contains(&format!("| `{stem}` |")), "{stem}: not told of");
    }
}
