//! What there is at which path, in one table: requests are matched by it, and the API reference is made
//! from it. It answers nothing.

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Page,
    ClientFile,
    Projects,
    Project,
    Portals,
    Resolve,
    Status,
    Problems,
    OpenApi,
    Reference,
    Healthy,
    Ready,
    Metrics,
    Portal,
    Bridge,
    Resource,
    WholeUrl,
    Raw,
}

/// A path and what is there.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub name: Name,
    /// The path as `OpenAPI` writes it: what stands in braces is a parameter.
    pub path: &'static str,
    /// Whether it is there, too, where a portal has the root.
    pub at_root: AtRoot,
    pub group: &'static str,
    pub summary: &'static str,
    pub description: &'static str,
    pub parameters: &'static [Parameter],
    /// The media type of its answer.
    pub media_type: &'static str,
}

/// Whose a path is where a portal has the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtRoot {
    /// Ours: what operation needs.
    Ours,
    /// Ours, as no portal's software has it; but an origin server of the operator's own may.
    OursUnlessTransparent,
    /// The portal's.
    Portals,
}

/// A parameter of a request.
#[derive(Debug)]
pub(super) struct Parameter {
    pub name: &'static str,
    pub place: &'static str,
    pub description: &'static str,
    pub example: &'static str,
}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";
const HTML: &str = "text/html";

/// The groups, in the order of the reference.
pub(super) const GROUPS: [(&str, &str); 4] = [
    ("Data", "What the portals have, readable from any page, notebook or program."),
    ("Portals", "Which portals there are, and how they are doing."),
    ("Helpers", "For notebooks and web pages."),
    ("Operation", "For whoever runs the gateway."),
];

const PORTAL: Parameter = Parameter {
    name: "portal",
    place: "path",
    description: "The portal's id, as `/portals` lists them.",
    example: "demo",
};

const URL: Parameter = Parameter {
    name: "url",
    place: "query",
    description: "A whole URL, percent-encoded.",
    example: "https://data.example/api/3/action/status_show",
};

/// All of them.
pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        name: Name::Bridge,
        path: "/p/{portal}/{path}",
        at_root: AtRoot::Ours,
        group: "Data",
        summary: "Something of a portal's",
        description: "What the portal has at this path and query: clean JSON, never a script, or a \
                      file, byte for byte. The path may have slashes. A callback parameter is taken \
                      off; `Range`, `If-None-Match` and `Accept-Encoding` work. CKAN's actions that \
                      read may be posted, too.",
        parameters: &[
            PORTAL,
            Parameter {
                name: "path",
                place: "path",
                description: "The portal's own path, with its query behind it.",
                example: "api/3/action/package_search",
            },
        ],
        media_type: JSON,
    },
    Endpoint {
        name: Name::Resource,
        path: "/p/{portal}/-/resource/{id}",
        at_root: AtRoot::Ours,
        group: "Data",
        summary: "The file of a CKAN resource",
        description: "Wherever the portal keeps it, if that is a host that the portal's entry names.",
        parameters: &[
            PORTAL,
            Parameter {
                name: "id",
                place: "path",
                description: "The resource's id.",
                example: "e5f516c7-456f-50aa-804b-81826abed5b5",
            },
        ],
        media_type: "application/octet-stream",
    },
    Endpoint {
        name: Name::WholeUrl,
        path: "/{url}",
        at_root: AtRoot::Ours,
        group: "Data",
        summary: "A portal's URL, whole",
        description: "`/https://host/path`: the same as `/p/{portal}/{path}` for a URL of a registered \
                      portal, for clients of other gateways. `/?url=` does the same.",
        parameters: &[Parameter { place: "path", ..URL }],
        media_type: JSON,
    },
    Endpoint {
        name: Name::Raw,
        path: "/raw",
        at_root: AtRoot::Portals,
        group: "Data",
        summary: "A portal's URL as a parameter",
        description: "The same for a URL of a registered portal in the query.",
        parameters: &[URL],
        media_type: JSON,
    },
    Endpoint {
        name: Name::Portals,
        path: "/portals",
        at_root: AtRoot::Ours,
        group: "Portals",
        summary: "All portals",
        description: "The registry, with the terms under which answers are handed on.",
        parameters: &[],
        media_type: JSON,
    },
    Endpoint {
        name: Name::Portal,
        path: "/p/{portal}",
        at_root: AtRoot::Ours,
        group: "Portals",
        summary: "One portal",
        description: "Its entry, and URLs to try.",
        parameters: &[PORTAL],
        media_type: JSON,
    },
    Endpoint {
        name: Name::Resolve,
        path: "/resolve",
        at_root: AtRoot::OursUnlessTransparent,
        group: "Portals",
        summary: "What a link stands for",
        description: "Takes what people copy from a portal (the page of a dataset or a resource, a \
                      download, a call of the API), a portal's id with or without a path, or a path \
                      below `/p/`, and says what brings it here. Nobody is asked.",
        parameters: &[Parameter {
            description: "The link, percent-encoded.",
            example: "demo/dataset/qualitat-aire-mesures",
            ..URL
        }],
        media_type: JSON,
    },
    Endpoint {
        name: Name::Status,
        path: "/status",
        at_root: AtRoot::OursUnlessTransparent,
        group: "Portals",
        summary: "How the portals are doing",
        description: "Health, hit ratio, time to answer and last failure of each portal, since the \
                      start.",
        parameters: &[],
        media_type: JSON,
    },
    Endpoint {
        name: Name::ClientFile,
        path: "/client/{file}",
        at_root: AtRoot::OursUnlessTransparent,
        group: "Helpers",
        summary: "A helper",
        description: "`unpad.js` (an ES module) with `unpad.d.ts`, `saveJSONP.js`, and the Python \
                      wheel. `/client/` is the page, also where a portal has the root.",
        parameters: &[Parameter {
            name: "file",
            place: "path",
            description: "The name of the file.",
            example: "unpad.js",
        }],
        media_type: "text/javascript",
    },
    Endpoint {
        name: Name::Projects,
        path: "/simple/",
        at_root: AtRoot::OursUnlessTransparent,
        group: "Helpers",
        summary: "The package index",
        description: "The simple repository API (PEP 503, PEP 691) with one project.",
        parameters: &[],
        media_type: HTML,
    },
    Endpoint {
        name: Name::Project,
        path: "/simple/{project}/",
        at_root: AtRoot::OursUnlessTransparent,
        group: "Helpers",
        summary: "The wheel of a project",
        description: "The simple repository API (PEP 503, PEP 691).",
        parameters: &[Parameter {
            name: "project",
            place: "path",
            description: "The project's name.",
            example: "unpad",
        }],
        media_type: HTML,
    },
    Endpoint {
        name: Name::Page,
        path: "/",
        at_root: AtRoot::Portals,
        group: "Helpers",
        summary: "The page",
        description: "To find data, look at it, and copy how to get it.",
        parameters: &[],
        media_type: HTML,
    },
    Endpoint {
        name: Name::Problems,
        path: "/problems",
        at_root: AtRoot::Ours,
        group: "Operation",
        summary: "The problem types",
        description: "What each means and what can be done about it, as Markdown.",
        parameters: &[],
        media_type: "text/markdown",
    },
    Endpoint {
        name: Name::OpenApi,
        path: "/openapi.json",
        at_root: AtRoot::OursUnlessTransparent,
        group: "Operation",
        summary: "This description",
        description: "OpenAPI 3.1.",
        parameters: &[],
        media_type: JSON,
    },
    Endpoint {
        name: Name::Reference,
        path: "/docs",
        at_root: AtRoot::Portals,
        group: "Operation",
        summary: "This description, to read",
        description: "A page.",
        parameters: &[],
        media_type: HTML,
    },
    Endpoint {
        name: Name::Healthy,
        path: "/healthz",
        at_root: AtRoot::Ours,
        group: "Operation",
        summary: "Alive",
        description: "The process answers.",
        parameters: &[],
        media_type: TEXT,
    },
    Endpoint {
        name: Name::Ready,
        path: "/readyz",
        at_root: AtRoot::Ours,
        group: "Operation",
        summary: "Ready",
        description: "It takes new work; 503 while it drains.",
        parameters: &[],
        media_type: TEXT,
    },
    Endpoint {
        name: Name::Metrics,
        path: "/metrics",
        at_root: AtRoot::Ours,
        group: "Operation",
        summary: "Metrics",
        description: "OpenMetrics text, as Prometheus reads it.",
        parameters: &[],
        media_type: "application/openmetrics-text",
    },
];

/// What stands at a path of ours, with the value of its parameter. What is below `/p/`, and whole URLs,
/// are found elsewhere.
pub(super) fn find(path: &str) -> Option<(&'static Endpoint, &str)> {
    ENDPOINTS.iter().find_map(|endpoint| {
        let elsewhere = endpoint.path.starts_with("/p/") || endpoint.name == Name::WholeUrl;
        let (before, after) = match endpoint.path.split_once('{') {
            Some((before, rest)) => (before, rest.split_once('}').map_or("", |(_, after)| after)),
            None => (endpoint.path, ""),
        };
        if elsewhere || !endpoint.path.contains('{') && path != endpoint.path {
            return None;
        }
        let value = path.strip_prefix(before)?.strip_suffix(after)?;
        Some((endpoint, value)).filter(|_| !value.contains('/'))
    })
}
