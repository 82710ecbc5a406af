//! What a portal's operator would write to turn CORS on, for its software and for the servers that
//! stand before it. Texts; nothing here is run.

use super::{Allowed, Report};

/// Lines for one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remedy {
    /// Where they go.
    pub place: &'static str,
    /// The lines.
    pub lines: &'static str,
}

const CKAN: Remedy = Remedy {
    place: "CKAN, in ckan.ini (or only some origins, by the two lines below it)",
    lines: "ckan.cors.origin_allow_all = true\n\
            # ckan.cors.origin_allow_all = false\n\
            # ckan.cors.origin_whitelist = https://class.example.org\n",
};

/// `if` takes no fields over from around it, so they stand twice.
const NGINX: Remedy = Remedy {
    place: "nginx, in the portal's `location`",
    lines: "add_header Access-Control-Allow-Origin * always;\n\
            if ($request_method = OPTIONS) {\n    \
            add_header Access-Control-Allow-Origin * always;\n    \
            add_header Access-Control-Allow-Methods \"GET, HEAD, OPTIONS\" always;\n    \
            add_header Access-Control-Allow-Headers * always;\n    \
            add_header Access-Control-Max-Age 86400 always;\n    \
            return 204;\n\
            }\n",
};

const APACHE: Remedy = Remedy {
    place: "Apache, with mod_headers and mod_rewrite",
    lines: "Header always set Access-Control-Allow-Origin \"*\"\n\
            Header always set Access-Control-Allow-Methods \"GET, HEAD, OPTIONS\"\n\
            Header always set Access-Control-Allow-Headers \"*\"\n\
            RewriteEngine On\n\
            RewriteCond %{REQUEST_METHOD} OPTIONS\n\
            RewriteRule ^ - [R=204,L]\n",
};

/// What would turn CORS on; nothing where it is on, or was not seen.
#[must_use]
pub fn remedies(report: &Report) -> Vec<Remedy> {
    let Ok(found) = &report.found else { return Vec::new() };
    if !matches!(found.cors.answers, Allowed::No | Allowed::Wrong(_)) {
        return Vec::new();
    }
    let mut all = vec![NGINX, APACHE];
    if found.dialect == "ckan" {
        all.insert(0, CKAN);
    }
    all
}
