//! What a newcomer should try first, in the order of a first lesson. Not the reference of what the
//! portal understands.

/// One request worth trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// Path and query relative to the portal's base, without a slash in front, percent-encoded.
    pub target: &'static str,
    /// What one sees, in one line.
    pub description: &'static str,
}

/// Requests that all answer 200.
pub const EXAMPLES: &[Example] = &[
    Example {
        target: "api/3/action/status_show",
        description: "who this portal is, and its CKAN version",
    },
    Example {
        target: "api/3/action/package_search?q=aire&rows=2",
        description: "two of the packages about air (aire)",
    },
    Example {
        target: "api/3/action/package_search?fq=organization:transport-agency+AND+res_format:CSV&sort=name+asc",
        description: "the transport agency's packages that have a CSV file",
    },
    Example {
        target: "api/3/action/package_search?rows=0&facet.field=%5B%22organization%22,%22res_format%22%5D",
        description: "how many packages each organization and each format has",
    },
    Example {
        target: "api/3/action/package_show?id=qualitat-aire-mesures",
        description: "one package with its resources",
    },
    Example {
        target: "api/3/action/package_list?limit=5",
        description: "the names of five packages",
    },
    Example {
        target: "api/3/action/organization_list?all_fields=true",
        description: "the organizations that publish here",
    },
    Example {
        target: "api/3/action/organization_show?id=ajuntament-vilanova",
        description: "one organization",
    },
    Example {
        target: "api/3/action/resource_show?id=e5f516c7-456f-50aa-804b-81826abed5b5",
        description: "one resource: the measurements as a CSV file",
    },
    Example {
        target: "api/3/action/datastore_search?resource_id=e5f516c7-456f-50aa-804b-81826abed5b5&limit=5",
        description: "five rows of the measurements; look at id_mesura and valor",
    },
    Example {
        target: "api/3/action/datastore_search?resource_id=e5f516c7-456f-50aa-804b-81826abed5b5&filters=%7B%22municipi%22:%22%CE%98%CE%B5%CF%83%CF%83%CE%B1%CE%BB%CE%BF%CE%BD%CE%AF%CE%BA%CE%B7%22,%22contaminant%22:%5B%22NO2%22,%22O3%22%5D%7D&sort=valor+desc+nulls+last&limit=3",
        description: "the three highest values of NO2 and O3 in Thessaloniki",
    },
    Example {
        target: "api/3/action/datastore_search?resource_id=e5f516c7-456f-50aa-804b-81826abed5b5&q=hospitalet&fields=municipi,data_hora,valor&records_format=csv&limit=5",
        description: "rows that mention l'Hospitalet, as CSV inside the JSON",
    },
    Example {
        target: "datastore/dump/e5f516c7-456f-50aa-804b-81826abed5b5?bom=true",
        description: "the whole table as CSV, for a spreadsheet",
    },
    Example {
        target: "dataset/a80ca47a-54d8-5833-ad93-8d514455e99b/resource/e5f516c7-456f-50aa-804b-81826abed5b5/download/qualitat-aire-mesures.csv",
        description: "the file the table was made from",
    },
];
