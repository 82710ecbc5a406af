//! One package of the catalogue: its JSON as CKAN writes it, and the few of its members that are
//! searched and sorted by. Not a model of a package.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::words::fold;

/// The members of a package in the order of `package_show`.
const SHOWN: [&str; 30] = [
    "author",
    "author_email",
    "creator_user_id",
    "id",
    "isopen",
    "license_id",
    "license_title",
    "license_url",
    "maintainer",
    "maintainer_email",
    "metadata_created",
    "metadata_modified",
    "name",
    "notes",
    "num_resources",
    "num_tags",
    "organization",
    "owner_org",
    "private",
    "state",
    "title",
    "type",
    "url",
    "version",
    "extras",
    "groups",
    "resources",
    "tags",
    "relationships_as_subject",
    "relationships_as_object",
];

/// Where `package_search` differs: its last members come in the order of the search index.
const FOUND_TAIL: [&str; 6] = [
    "extras",
    "resources",
    "tags",
    "groups",
    "relationships_as_subject",
    "relationships_as_object",
];

/// A package, ready to be searched and shown.
#[derive(Debug)]
pub(super) struct Package {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) created: String,
    pub(super) modified: String,
    pub(super) license: String,
    /// The organization's name and title.
    pub(super) organization: (String, String),
    /// Name and title of each group.
    pub(super) groups: Vec<(String, String)>,
    pub(super) tags: Vec<String>,
    /// The formats of the resources, each once.
    pub(super) formats: Vec<String>,
    /// Words of title and name, folded.
    pub(super) title: String,
    /// Words of the notes, folded.
    pub(super) notes: String,
    /// Words of everything that a query without a field searches, folded.
    pub(super) text: String,
    /// JSON of the package as `package_show` has it.
    pub(super) shown: String,
    /// JSON of the package as `package_search` has it.
    pub(super) found: String,
    /// Id and JSON of each resource.
    pub(super) resources: Vec<(String, String)>,
}

impl Package {
    /// Reads one package of the built-in catalogue.
    pub(super) fn parse(raw: &RawValue) -> serde_json::Result<Self> {
        let value: Value = serde_json::from_str(raw.get())?;
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(raw.get())?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let organization = named(&value["organization"]);
        let mut formats = each(&value["resources"], |resource| string(&resource["format"]));
        formats.sort();
        formats.dedup();
        let tags = each(&value["tags"], |tag| string(&tag["name"]));
        let title = format!("{} {}", text("title"), text("name"));
        let all = [&title, &text("notes"), &tags.join(" "), &organization.0, &organization.1];
        Ok(Self {
            text: fold(&all.map(String::as_str).join(" ")),
            id: text("id"),
            name: text("name"),
            created: text("metadata_created"),
            modified: text("metadata_modified"),
            license: text("license_id"),
            groups: each(&value["groups"], named),
            organization,
            tags,
            formats,
            title: fold(&title),
            notes: fold(&text("notes")),
            shown: written(&members, SHOWN.into_iter()),
            found: written(&members, SHOWN[..24].iter().chain(&FOUND_TAIL).copied()),
            resources: resources(&members)?,
        })
    }

    /// Whether `reference` is the package's id or name.
    pub(super) fn is(&self, reference: &str) -> bool {
        self.id == reference || self.name == reference
    }
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn named(value: &Value) -> (String, String) {
    (string(&value["name"]), string(&value["title"]))
}

fn each<T>(list: &Value, read: impl Fn(&Value) -> T) -> Vec<T> {
    list.as_array().into_iter().flatten().map(read).collect()
}

/// The members in the order of `keys`, each as the recording has it.
fn written<'k>(
    members: &BTreeMap<String, Box<RawValue>>,
    keys: impl Iterator<Item = &'k str>,
) -> String {
    super::json::object(keys.filter_map(|key| Some((key, members.get(key)?.get()))))
}

fn resources(
    members: &BTreeMap<String, Box<RawValue>>,
) -> serde_json::Result<Vec<(String, String)>> {
    let list = members.get("resources").map_or("[]", |raw| raw.get());
    let raw: Vec<Box<RawValue>> = serde_json::from_str(list)?;
    raw.iter()
        .map(|resource| {
            let value: Value = serde_json::from_str(resource.get())?;
            Ok((string(&value["id"]), resource.get().to_owned()))
        })
        .collect()
}
