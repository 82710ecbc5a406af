//! The packages, resources and organizations, and the actions that list and show them. Not the
//! search, which has its own file.

use serde_json::Value;
use serde_json::value::RawValue;

use super::json;
use super::outcome::{Failure, Outcome};
use super::package::Package;
use super::parameters::{Parameters, natural};

const PACKAGES: &str = include_str!("../../fixtures/demo/packages.json");
const ORGANIZATIONS: &str = include_str!("../../fixtures/demo/organizations.json");

/// Everything the portal has to offer but the table.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// By name, as `package_list` has them.
    pub(super) packages: Vec<Package>,
    organizations: Vec<Organization>,
}

#[derive(Debug)]
struct Organization {
    id: String,
    name: String,
    json: String,
}

impl Catalogue {
    /// The catalogue in the program.
    pub(super) fn built_in() -> Self {
        Self::parse(PACKAGES, ORGANIZATIONS).expect("the built-in catalogue is valid JSON")
    }

    fn parse(packages: &str, organizations: &str) -> serde_json::Result<Self> {
        let raw: Vec<Box<RawValue>> = serde_json::from_str(packages)?;
        let mut packages =
            raw.iter().map(|raw| Package::parse(raw)).collect::<Result<Vec<_>, _>>()?;
        packages.sort_by(|one, other| one.name.cmp(&other.name));
        let raw: Vec<Box<RawValue>> = serde_json::from_str(organizations)?;
        let organizations =
            raw.iter().map(|raw| Organization::parse(raw)).collect::<Result<_, _>>()?;
        Ok(Self { packages, organizations })
    }

    pub(super) fn package_show(&self, parameters: &Parameters) -> Outcome {
        let reference = match parameters.value("id").or_else(|| parameters.value("name_or_id")) {
            None | Some("") => return Err(Failure::validation("name_or_id", "Missing value")),
            Some(reference) => reference,
        };
        let package = self.packages.iter().find(|package| package.is(reference));
        package.map(|package| package.shown.clone()).ok_or_else(Failure::not_found)
    }

    pub(super) fn package_list(&self, parameters: &Parameters) -> Outcome {
        let number = |name: &'static str| {
            let value = parameters.value(name).filter(|value| !value.is_empty());
            value.map(natural).transpose().map_err(|message| Failure::validation(name, message))
        };
        let limit = number("limit")?.unwrap_or(usize::MAX);
        let offset = number("offset")?.unwrap_or(0);
        let names = self.packages.iter().skip(offset).take(limit);
        Ok(json::list(names.map(|package| json::ascii(&package.name))))
    }

    pub(super) fn resource_show(&self, parameters: &Parameters) -> Outcome {
        let id = required_id(parameters)?;
        let mut resources = self.packages.iter().flat_map(|package| &package.resources);
        resources
            .find(|(own, _)| own == id)
            .map(|(_, json)| json.clone())
            .ok_or_else(Failure::not_found)
    }

    pub(super) fn organization_list(&self, parameters: &Parameters) -> String {
        let all_fields = parameters.flag("all_fields", false);
        json::list(self.organizations.iter().map(|organization| {
            if all_fields { organization.json.clone() } else { json::ascii(&organization.name) }
        }))
    }

    pub(super) fn organization_show(&self, parameters: &Parameters) -> Outcome {
        let reference = required_id(parameters)?;
        let organization = self
            .organizations
            .iter()
            .find(|organization| organization.id == reference || organization.name == reference)
            .ok_or_else(Failure::not_found)?;
        let members = organization.json.trim_end_matches('}');
        // The lists that `organization_list` leaves out; all empty here.
        Ok(format!("{members}, \"extras\": [], \"groups\": [], \"tags\": [], \"users\": []}}"))
    }
}

impl Organization {
    fn parse(raw: &RawValue) -> serde_json::Result<Self> {
        let value: Value = serde_json::from_str(raw.get())?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        Ok(Self { id: text("id"), name: text("name"), json: raw.get().to_owned() })
    }
}

fn required_id(parameters: &Parameters) -> Result<&str, Failure> {
    match parameters.value("id") {
        None | Some("") => Err(Failure::validation("id", "Missing value")),
        Some(id) => Ok(id),
    }
}
