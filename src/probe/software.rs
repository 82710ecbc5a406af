//! What runs portals: a table of which cheap question each software answers, where it usually lives,
//! and how it is asked for JSONP. Data: what an answer means is in `recognise`.

use super::recognise::{self, Recognise};

/// One kind of software.
#[derive(Debug)]
pub(super) struct Software {
    /// Its name for people.
    pub name: &'static str,
    /// Its name in a registry.
    pub dialect: &'static str,
    /// Words of its start pages, in lower case: a page with one has it tried first.
    pub hints: &'static [&'static str],
    /// Prefixes at which it usually lives, beside what the URL suggests.
    pub prefixes: &'static [&'static str],
    /// What to ask; the first is tried at every prefix, the others only where the URL points.
    pub endpoints: &'static [Endpoint],
    /// What to ask for JSONP.
    pub way: Way,
    /// A target that is an error.
    pub error: &'static str,
}

/// A cheap question, and what recognises its answer. `{host}` is the portal's host.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub target: &'static str,
    pub recognise: Recognise,
}

/// The same question plain and with a callback. `{endpoint}` is the target that was recognised,
/// `{sample}` what its recogniser found to try things on, `{callback}` the name. Where no `?` stands,
/// the first `&` becomes one.
#[derive(Debug)]
pub(super) struct Way {
    pub plain: &'static str,
    pub padded: &'static str,
    pub parameter: &'static str,
}

/// Prefixes of CKAN portals, from public lists of portals: 96 in 100 have none; these are the others'.
const CKAN_PREFIXES: [&str; 12] = [
    "/data",
    "/ckan",
    "/catalog",
    "/opendata",
    "/katalog",
    "/catalogue",
    "/en-data",
    "/busca",
    "/dataset",
    "/catalogo",
    "/portal",
    "/dados",
];

/// The table, the commonest first.
pub(super) const SOFTWARE: &[Software] = &[
    Software {
        name: "CKAN",
        dialect: "ckan",
        hints: &["ckan"],
        prefixes: &CKAN_PREFIXES,
        endpoints: &[
            Endpoint { target: "api/3/action/status_show", recognise: recognise::ckan },
            Endpoint { target: "api/action/status_show", recognise: recognise::ckan },
            Endpoint { target: "api/3/action/package_search?rows=0", recognise: recognise::ckan },
        ],
        way: Way {
            plain: "{endpoint}",
            padded: "{endpoint}&callback={callback}",
            parameter: "callback",
        },
        error: "api/3/action/package_show?id=unpad-probe-none",
    },
    Software {
        name: "Socrata",
        dialect: "socrata",
        hints: &["socrata", "tyler data"],
        prefixes: &[],
        endpoints: &[
            Endpoint {
                target: "api/catalog/v1?limit=1&only=dataset&domains={host}&search_context={host}",
                recognise: recognise::socrata_catalog,
            },
            Endpoint {
                target: "api/views/metadata/v1?limit=1",
                recognise: recognise::socrata_views,
            },
        ],
        way: Way {
            plain: "resource/{sample}.json?$limit=1",
            padded: "resource/{sample}.json?$limit=1&$jsonp={callback}",
            parameter: "$jsonp",
        },
        error: "resource/none-none.json?$limit=1",
    },
    Software {
        name: "ArcGIS REST",
        dialect: "arcgis",
        hints: &["arcgis", "esri"],
        prefixes: &["/arcgis", "/server"],
        endpoints: &[
            Endpoint { target: "rest/info?f=json", recognise: recognise::arcgis },
            Endpoint { target: "rest/services?f=json", recognise: recognise::arcgis },
        ],
        way: Way {
            plain: "{endpoint}",
            padded: "{endpoint}&callback={callback}",
            parameter: "callback",
        },
        error: "rest/services/unpad-probe-none/MapServer?f=json",
    },
    Software {
        name: "GeoServer",
        dialect: "geoserver",
        hints: &["geoserver"],
        prefixes: &["/geoserver"],
        endpoints: &[Endpoint {
            target: "ows?service=WFS&version=1.0.0&request=GetCapabilities",
            recognise: recognise::geoserver,
        }],
        way: Way {
            plain: "ows?service=WFS&version=1.0.0&request=GetFeature&typeName={sample}\
                    &maxFeatures=1&outputFormat=application/json",
            padded: "ows?service=WFS&version=1.0.0&request=GetFeature&typeName={sample}\
                     &maxFeatures=1&outputFormat=text/javascript\
                     &format_options=callback:{callback}",
            parameter: "format_options=callback:",
        },
        error: "ows?service=WFS&version=1.0.0&request=GetFeature&typeName=unpad-probe-none",
    },
    Software {
        name: "Nominatim",
        dialect: "nominatim",
        hints: &["nominatim"],
        prefixes: &["/nominatim"],
        endpoints: &[Endpoint { target: "status?format=json", recognise: recognise::nominatim }],
        way: Way {
            plain: "{endpoint}",
            padded: "{endpoint}&json_callback={callback}",
            parameter: "json_callback",
        },
        error: "lookup?format=json",
    },
    Software {
        name: "Overpass",
        dialect: "overpass",
        hints: &["overpass"],
        prefixes: &[],
        endpoints: &[Endpoint { target: "api/status", recognise: recognise::overpass }],
        way: Way {
            plain: "api/interpreter?data=%5Bout%3Ajson%5D%3Bnode%281%29%3Bout%20ids%3B",
            padded: "api/interpreter?data=%5Bout%3Ajson%5D%3Bnode%281%29%3Bout%20ids%3B\
                     &jsonp={callback}",
            parameter: "jsonp",
        },
        error: "api/interpreter?data=none",
    },
    Software {
        name: "MediaWiki",
        dialect: "mediawiki",
        hints: &["mediawiki"],
        prefixes: &["/w", "/wiki"],
        endpoints: &[Endpoint {
            target: "api.php?action=query&meta=siteinfo&format=json",
            recognise: recognise::mediawiki,
        }],
        way: Way {
            plain: "{endpoint}",
            padded: "{endpoint}&callback={callback}",
            parameter: "callback",
        },
        error: "api.php?action=unpad-probe-none&format=json",
    },
    Software {
        name: "ERDDAP",
        dialect: "erddap",
        hints: &["erddap"],
        prefixes: &["/erddap"],
        endpoints: &[Endpoint { target: "version", recognise: recognise::erddap }],
        way: Way {
            plain: "info/index.json?page=1&itemsPerPage=1",
            padded: "info/index.json?page=1&itemsPerPage=1&.jsonp={callback}",
            parameter: ".jsonp",
        },
        error: "info/unpad-probe-none/index.json",
    },
    Software {
        name: "Opendatasoft",
        dialect: "opendatasoft",
        hints: &["opendatasoft", "huwise"],
        prefixes: &[],
        endpoints: &[Endpoint {
            target: "api/explore/v2.1/catalog/datasets?limit=1",
            recognise: recognise::opendatasoft,
        }],
        way: Way {
            plain: "api/datasets/1.0/search/?rows=1",
            padded: "api/datasets/1.0/search/?rows=1&callback={callback}",
            parameter: "callback",
        },
        error: "api/explore/v2.1/catalog/datasets/unpad-probe-none",
    },
];

/// Parameters that are tried on JSON whose software is not known.
pub(super) const COMMON_PARAMETERS: [&str; 2] = ["callback", "jsonp"];

/// The dialects of JSON and of anything else where the software is not known.
pub(super) const OF_JSON: &str = "generic";
pub(super) const OF_ANYTHING: &str = "plain";
