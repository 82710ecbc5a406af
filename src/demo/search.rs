//! `package_search`: a small query language over the catalogue. Not Solr: no relevance worth the
//! name, no `OR`, no ranges, no stemming.

use super::catalogue::Catalogue;
use super::hit::{Hit, order};
use super::outcome::{Failure, Outcome};
use super::package::Package;
use super::parameters::{Parameters, natural};
use super::words::{fold, is_blank};
use super::{facet, json};

/// What CKAN gives without `rows`.
const DEFAULT_ROWS: usize = 10;
/// CKAN's `ckan.search.rows_max`; more is cut without a word.
const MAX_ROWS: usize = 1000;
const DEFAULT_SORT: &str = "score desc, metadata_modified desc";

/// The parameters CKAN knows; those without effect here are accepted, as a caller may send them.
const KNOWN: [&str; 24] = [
    "q",
    "fq",
    "fq_list",
    "rows",
    "start",
    "sort",
    "facet",
    "facet.field",
    "facet.limit",
    "facet.mincount",
    "fl",
    "wt",
    "qf",
    "bf",
    "boost",
    "tie",
    "defType",
    "mm",
    "df",
    "q.op",
    "include_private",
    "include_drafts",
    "include_deleted",
    "use_default_schema",
];

/// A condition of `q` or `fq`.
struct Term {
    excluded: bool,
    test: Test,
}

enum Test {
    Everything,
    /// A word or phrase, folded, somewhere in the package.
    Text(String),
    Title(String),
    Notes(String),
    /// A field whose value must be exactly this.
    Field(String, String),
}

pub(super) fn package_search(catalogue: &Catalogue, parameters: &Parameters) -> Outcome {
    if let Some(name) = parameters.unknown(&KNOWN) {
        let message = format!("\"Invalid search parameters: ['{name}']\"");
        return Err(Failure::SearchQuery(format!("Search Query is invalid: {message}")));
    }
    let rows = rows(parameters)?;
    let start = match parameters.value("start").map(natural) {
        None => 0,
        Some(Ok(start)) => start,
        Some(Err(message)) => return Err(Failure::validation("start", message)),
    };
    let sort = match parameters.value("sort") {
        None | Some("") => DEFAULT_SORT,
        Some(sort) => sort,
    };
    let q = terms(parameters.value("q").unwrap_or_default());
    let filters: Vec<Term> =
        parameters.values("fq").chain(parameters.values("fq_list")).flat_map(terms).collect();
    let all = |package: &&Package| q.iter().chain(&filters).all(|term| term.holds(package));
    let score = |package| q.iter().map(|term| term.score(package)).sum();
    let mut hits: Vec<Hit<'_>> = catalogue
        .packages
        .iter()
        .filter(all)
        .map(|package| Hit { score: score(package), package })
        .collect();
    order(&mut hits, sort)?;

    let packages: Vec<&Package> = hits.iter().map(|hit| hit.package).collect();
    let (facets, search_facets) = facet::count(&packages, parameters.value("facet.field"))?;
    let results = json::list(packages.iter().skip(start).take(rows).map(|package| &package.found));
    Ok(format!(
        "{{\"count\": {}, \"facets\": {facets}, \"results\": {results}, \"sort\": {}, \
         \"search_facets\": {search_facets}}}",
        packages.len(),
        json::ascii(sort),
    ))
}

fn rows(parameters: &Parameters) -> Result<usize, Failure> {
    let Some(text) = parameters.value("rows") else {
        return Ok(DEFAULT_ROWS);
    };
    natural(text).map(|rows| rows.min(MAX_ROWS)).map_err(|message| {
        let mut messages = vec![message.to_owned()];
        if message == "Invalid integer" {
            // The second validator of the chain, the one that cuts at the maximum.
            messages.push("Please enter an integer value".to_owned());
        }
        Failure::Validation("rows", messages)
    })
}

/// Splits at spaces outside quotes; `AND`, `+` and parentheses add nothing, as all terms must hold.
fn terms(query: &str) -> Vec<Term> {
    let mut quoted = false;
    query
        .split(|c: char| {
            quoted ^= c == '"';
            c.is_whitespace() && !quoted
        })
        .filter(|word| !matches!(*word, "" | "AND" | "&&"))
        .map(Term::parse)
        .collect()
}

impl Term {
    fn parse(word: &str) -> Self {
        let word = word.trim_start_matches(['+', '(']).trim_end_matches(')');
        let (excluded, word) = word.strip_prefix('-').map_or((false, word), |rest| (true, rest));
        let test = match word.split_once(':') {
            Some(("*", _) | (_, "*")) => Test::Everything,
            Some(("title", value)) => Test::Title(folded(value)),
            Some(("notes", value)) => Test::Notes(folded(value)),
            Some((field, value)) if !value.is_empty() => {
                let value = value.trim_start_matches('(').trim_matches('"');
                Test::Field(field.to_owned(), value.to_owned())
            }
            _ => Test::Text(folded(word)),
        };
        Self { excluded, test }
    }

    fn holds(&self, package: &Package) -> bool {
        let holds = match &self.test {
            Test::Everything => true,
            Test::Text(text) => says(&package.text, text),
            Test::Title(text) => says(&package.title, text),
            Test::Notes(text) => says(&package.notes, text),
            Test::Field(field, value) => has(package, field, value),
        };
        holds != self.excluded
    }

    /// Words of the title weigh four times, as in Solr's `qf` of CKAN.
    fn score(&self, package: &Package) -> u32 {
        match &self.test {
            Test::Text(text) if says(&package.title, text) => 4,
            Test::Text(_) | Test::Title(_) | Test::Notes(_) => 1,
            Test::Everything | Test::Field(..) => 0,
        }
    }
}

/// Folds a word; `air*` stays open at its end.
fn folded(word: &str) -> String {
    let mut text = fold(word);
    if word.ends_with('*') && !is_blank(&text) {
        text.pop();
    }
    text
}

fn says(text: &str, wanted: &str) -> bool {
    is_blank(wanted) || text.contains(wanted)
}

fn has(package: &Package, field: &str, value: &str) -> bool {
    match field {
        "organization" => package.organization.0 == value,
        "tags" => package.tags.iter().any(|tag| tag == value),
        "groups" => package.groups.iter().any(|(name, _)| name == value),
        "res_format" => package.formats.iter().any(|format| format == value),
        "license_id" => package.license == value,
        "name" => package.name == value,
        "id" => package.id == value,
        "state" => value == "active",
        "capacity" => value == "public",
        "type" | "dataset_type" => value == "dataset",
        _ => false,
    }
}
