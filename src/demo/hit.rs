//! What a search found, and in which order. Not how it was found.

use std::cmp::Ordering;

use super::outcome::Failure;
use super::package::Package;

/// A package that was found, and how well it fits.
pub(super) struct Hit<'c> {
    pub(super) score: u32,
    pub(super) package: &'c Package,
}

type Compare = fn(&Hit<'_>, &Hit<'_>) -> Ordering;

/// Sorts by every key of `sort` in turn: `name asc, metadata_modified desc`.
pub(super) fn order(hits: &mut [Hit<'_>], sort: &str) -> Result<(), Failure> {
    let keys = sort.split(',').map(sort_key).collect::<Option<Vec<_>>>().ok_or_else(|| {
        Failure::SearchQuery("Search Query is invalid: 'Invalid \"sort\" parameter'".to_owned())
    })?;
    hits.sort_by(|one, other| {
        keys.iter().fold(Ordering::Equal, |order, (compare, descending)| {
            order.then_with(|| {
                let order = compare(one, other);
                if *descending { order.reverse() } else { order }
            })
        })
    });
    Ok(())
}

/// How one key compares, and whether it descends.
fn sort_key(key: &str) -> Option<(Compare, bool)> {
    let mut parts = key.split_whitespace();
    let compare: Compare = match parts.next()? {
        "name" => |one, other| one.package.name.cmp(&other.package.name),
        "title_string" => |one, other| one.package.title.cmp(&other.package.title),
        "metadata_created" => |one, other| one.package.created.cmp(&other.package.created),
        "metadata_modified" => |one, other| one.package.modified.cmp(&other.package.modified),
        "score" => |one, other| one.score.cmp(&other.score),
        _ => return None,
    };
    match (parts.next(), parts.next()) {
        (Some("desc"), None) => Some((compare, true)),
        (Some("asc") | None, None) => Some((compare, false)),
        _ => None,
    }
}
