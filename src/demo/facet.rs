//! The facets of a search: how many of the packages found have each value of a field. Not a filter.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use super::json;
use super::outcome::Failure;
use super::package::Package;

/// The members `facets` and `search_facets` of a search, as JSON. `fields` is a JSON list of names;
/// a field that is not counted here is empty, as a field without values is in CKAN.
pub(super) fn count(found: &[&Package], fields: Option<&str>) -> Result<(String, String), Failure> {
    let mut fields: Vec<String> = match fields {
        None | Some("") => Vec::new(),
        Some(text) => serde_json::from_str(text)
            .map_err(|_| Failure::validation("facet.field", "Cannot parse JSON"))?,
    };
    let mut seen = HashSet::new();
    fields.retain(|field| seen.insert(field.clone()));
    let counted: Vec<Facet> = fields.into_iter().map(|field| Facet::of(field, found)).collect();
    let facets = counted.iter().map(|facet| (facet.field.as_str(), facet.counts()));
    let search_facets = counted.iter().map(|facet| (facet.field.as_str(), facet.items()));
    Ok((json::object(facets), json::object(search_facets)))
}

struct Facet {
    field: String,
    /// Name → title and count.
    values: BTreeMap<String, (String, usize)>,
}

impl Facet {
    fn of(field: String, found: &[&Package]) -> Self {
        let mut values = BTreeMap::new();
        for (name, title) in found.iter().flat_map(|package| values_of(package, &field)) {
            values.entry(name).or_insert((title, 0)).1 += 1;
        }
        Self { field, values }
    }

    /// `{"name": count, …}`, the most frequent first.
    fn counts(&self) -> String {
        let mut counts: Vec<_> =
            self.values.iter().map(|(name, (_, count))| (name.as_str(), *count)).collect();
        counts.sort_by_key(|(_, count)| Reverse(*count));
        json::object(counts.into_iter().map(|(name, count)| (name, count.to_string())))
    }

    /// The same with titles, by title, the last one first, as CKAN has it.
    fn items(&self) -> String {
        let mut values: Vec<_> = self.values.iter().collect();
        values.sort_by_key(|(_, (title, _))| Reverse(title.as_str()));
        let items = values.into_iter().map(|(name, (title, count))| {
            let members = [
                ("name", json::ascii(name)),
                ("display_name", json::ascii(title)),
                ("count", count.to_string()),
            ];
            json::object(members.into_iter())
        });
        let members = [("title", json::ascii(&self.field)), ("items", json::list(items))];
        json::object(members.into_iter())
    }
}

/// Name and title of each value.
fn values_of(package: &Package, field: &str) -> Vec<(String, String)> {
    let plain =
        |values: &[String]| values.iter().map(|value| (value.clone(), value.clone())).collect();
    match field {
        "organization" => vec![package.organization.clone()],
        "groups" => package.groups.clone(),
        "tags" => plain(&package.tags),
        "res_format" => plain(&package.formats),
        "license_id" => plain(std::slice::from_ref(&package.license)),
        _ => Vec::new(),
    }
}
