//! The dialects, one row each: how software that exists is asked, and how it answers. Where a fact
//! comes from stands beside it; which rows were held against the software itself is `recorded`.

use std::borrow::Cow;
use std::time::Duration;

use crate::cache::freshness::Authority;

use super::call::{At, Call, Format, Missing, Text, Values};
use super::{Dialect, InBand, Lifetime, Traits};

const fn text(text: &'static str) -> Text {
    Cow::Borrowed(text)
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

/// A day: what others edit together, and what is measured once, changes slowly or not at all.
const DAY: Duration = minutes(24 * 60);

/// What most rows have: JSON that the registry decides the freshness of, reused for a minute while it
/// is validated.
const JSON: Traits = Traits {
    name: "",
    calls: &[],
    drop_query: &[],
    authority: Authority::Registry,
    lifetimes: &[],
    lifetime: Some(minutes(5)),
    stale_while_revalidate: minutes(1),
    in_band: &[],
    response_fields: &[],
    second_argument: false,
    read_only: &[],
    examples: &[],
    recorded: false,
    no_cache_pause: Duration::from_secs(10),
};

/// Bytes as they are, under the origin server's own rules.
const FILES: Traits = Traits {
    authority: Authority::Origin,
    lifetime: None,
    stale_while_revalidate: Duration::ZERO,
    recorded: true,
    ..JSON
};

/// A callback whose name a parameter takes as it is.
const fn callback(parameter: &'static str, at: At, format: Option<Format>) -> Call {
    Call { at, format, parameter: text(parameter), before: text(""), set: Cow::Borrowed(&[]) }
}

/// `ckan/views/api.py`: only GET and 200 are padded. Catalogues change daily at most, tables may be
/// fed all the time, and a version number hardly ever changes.
pub(super) static CKAN: Traits = Traits {
    name: "ckan",
    calls: &[callback("callback", At::NotCkanFiles, None)],
    // jQuery's cache-busting parameter, which `datastore_search` refuses.
    drop_query: &["_"],
    lifetimes: &[
        Lifetime { at: At::Ending(&["status_show"]), lifetime: minutes(60) },
        Lifetime { at: At::Having("datastore_"), lifetime: minutes(1) },
        Lifetime { at: At::Having("datastore/dump/"), lifetime: minutes(1) },
    ],
    in_band: &[InBand::False("success")],
    read_only: &[
        "*_show",
        "*_list",
        "*_search",
        "*_autocomplete",
        "*_count",
        "*_list_authz",
        "*_list_for_user",
        "activity_diff",
        "am_following_*",
        "current_package_list_with_resources",
        "datastore_info",
        "datastore_search_sql",
        "site_read",
    ],
    examples: &[
        "api/3/action/status_show",
        "api/3/action/package_search?q=*:*&rows=2",
        "api/3/action/organization_list",
    ],
    recorded: true,
    ..JSON
};

/// SODA 2 pads `/resource/….json` by `$jsonp`, SODA 1 `/api/views/….json` by `jsonp`. Tables are fed
/// once a day mostly, and some every few minutes.
pub(super) static SOCRATA: Traits = Traits {
    name: "socrata",
    calls: &[
        callback("jsonp", At::Having("api/views"), None),
        callback("$jsonp", At::Ending(&[".json", ".geojson"]), None),
        callback("$jsonp", At::Having("api/catalog/"), None),
    ],
    response_fields: &["x-soda2-fields", "x-soda2-types"],
    examples: &["api/catalog/v1?limit=2"],
    ..JSON
};

/// The output format `json` takes `callback`; an error has status 200 and a member `error` with a
/// `code` (ArcGIS REST API, "Output formats" and "Handling errors").
pub(super) static ARCGIS: Traits = Traits {
    name: "arcgis",
    calls: &[callback(
        "callback",
        At::Anywhere,
        Some(Format {
            parameter: text("f"),
            json: Values::Of(&["json", "pjson", "geojson"]),
            missing: Missing::Add("json"),
        }),
    )],
    in_band: &[InBand::Member("error")],
    examples: &["arcgis/rest/services"],
    ..JSON
};

/// `JSONType.java`: the format is `text/javascript`, the name stands in `format_options`, and it has
/// to be turned on (`ENABLE_JSONP`). A failure is padded where the request says
/// `exceptions=text/javascript`; it has a member `exceptions`.
pub(super) static GEOSERVER: Traits = Traits {
    name: "geoserver",
    calls: &[Call {
        at: At::Anywhere,
        format: Some(Format {
            parameter: text("outputFormat"),
            json: Values::Of(&["application/json", "json", "text/javascript"]),
            missing: Missing::File,
        }),
        parameter: text("format_options"),
        before: text("callback:"),
        set: Cow::Borrowed(&[(text("outputFormat"), text("text/javascript"))]),
    }],
    lifetime: Some(minutes(60)),
    in_band: &[InBand::Member("exceptions")],
    ..JSON
};

/// How Nominatim is asked where it answers in these formats, the first of which is asked for.
const fn nominatim(at: At, json: &'static [&'static str]) -> Call {
    let missing = Missing::Add(json[0]);
    let format = Format { parameter: text("format"), json: Values::Of(json), missing };
    callback("json_callback", at, Some(format))
}

/// `server_glue.py`: `json_callback`, of each of the JSON formats; only 200 is padded. What is not a
/// search for places has one JSON format and refuses the others. Places stay where they are, and the
/// usage policy asks for caching.
pub(super) static NOMINATIM: Traits = Traits {
    name: "nominatim",
    calls: &[
        nominatim(At::Ending(&["status", "details", "deletable", "polygons"]), &["json"]),
        nominatim(At::Ending(&["status.php", "details.php"]), &["json"]),
        nominatim(At::Anywhere, &["jsonv2", "json", "geojson", "geocodejson"]),
    ],
    lifetimes: &[Lifetime { at: At::Ending(&["status", "status.php"]), lifetime: minutes(1) }],
    lifetime: Some(DAY),
    examples: &["search?q=Vilanova&format=jsonv2"],
    recorded: true,
    ..JSON
};

/// `output_json.cc`: padded by `jsonp` where the query says `[out:json]`, and labelled as JSON. A
/// query that failed half way has a `remark`.
pub(super) static OVERPASS: Traits = Traits {
    name: "overpass",
    calls: &[callback(
        "jsonp",
        At::Having("interpreter"),
        Some(Format {
            parameter: text("data"),
            json: Values::Having("[out:json"),
            missing: Missing::File,
        }),
    )],
    lifetime: Some(minutes(60)),
    in_band: &[InBand::Member("remark")],
    ..JSON
};

/// `ApiFormatJson.php`: `/**/name({…})`; a callback makes the request anonymous. Errors have status
/// 200 and a member `error`, or `errors` where the request says an `errorformat`. Answers are
/// `private`, and thereby not kept, unless the request says `smaxage`.
pub(super) static MEDIAWIKI: Traits = Traits {
    name: "mediawiki",
    calls: &[callback(
        "callback",
        At::Ending(&["api.php"]),
        Some(Format {
            parameter: text("format"),
            json: Values::Of(&["json"]),
            missing: Missing::Add("json"),
        }),
    )],
    in_band: &[InBand::Member("error"), InBand::Member("errors")],
    examples: &["w/api.php?action=query&meta=siteinfo&format=json"],
    recorded: true,
    ..JSON
};

/// `TableWriterJson.java`: `.jsonp=name` at the end of the query of the JSON file types.
pub(super) static ERDDAP: Traits = Traits {
    name: "erddap",
    calls: &[callback(".jsonp", At::Ending(&[".json", ".geoJson", ".ncoJson"]), None)],
    lifetime: Some(minutes(60)),
    examples: &["erddap/info/index.json?page=1&itemsPerPage=2"],
    ..JSON
};

/// Whatever an entry says.
pub(super) static GENERIC: Traits = Traits {
    name: "generic",
    calls: &[callback("callback", At::Anywhere, None)],
    second_argument: true,
    ..JSON
};

pub(super) static PLAIN: Traits = Traits { name: "plain", ..FILES };

/// A client's `no-cache` counts each time: an operator's own origin server gets what RFC 9111 says.
pub(super) static TRANSPARENT: Traits =
    Traits { name: "transparent", no_cache_pause: Duration::ZERO, ..FILES };

/// What is asked for is read again each time: a teacher who saves a file sees it at once.
pub(super) static FOLDER: Traits = Traits { name: "files", ..FILES };

impl Dialect {
    /// Its row.
    #[must_use]
    pub fn traits(self) -> &'static Traits {
        match self {
            Self::Ckan => &CKAN,
            Self::Socrata => &SOCRATA,
            Self::ArcGis => &ARCGIS,
            Self::GeoServer => &GEOSERVER,
            Self::Nominatim => &NOMINATIM,
            Self::Overpass => &OVERPASS,
            Self::MediaWiki => &MEDIAWIKI,
            Self::Erddap => &ERDDAP,
            Self::Generic => &GENERIC,
            Self::Plain => &PLAIN,
            Self::Transparent => &TRANSPARENT,
            Self::Files => &FOLDER,
        }
    }
}
