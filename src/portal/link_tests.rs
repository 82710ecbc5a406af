//! What links that people copy stand for.

use super::*;
use crate::portal::target::tests::portal;

/// A link in one line: kind, dataset, resource, path.
fn read(dialect: Dialect, written: &str) -> String {
    match portal("https://a.example/data", dialect).link(written) {
        Ok(link) => told(&link),
        Err(refusal) => format!("refused: {refusal:?}"),
    }
}

fn told(link: &Link) -> String {
    let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "-".to_owned());
    format!("{:?} {} {} {}", link.kind, name(&link.dataset), name(&link.resource), link.path)
}

#[test]
fn what_people_copy_from_a_ckan_is_understood() {
    for (written, expected) in [
        ("", "Portal - - "),
        ("dataset", "Portal - - "),
        ("ca/dataset?q=aire", "Portal - - "),
        ("dataset/menors", "Dataset menors - api/3/action/package_show?id=menors"),
        ("ca/dataset/menors?x=1#top", "Dataset menors - api/3/action/package_show?id=menors"),
        ("/dataset//menors/", "Dataset menors - api/3/action/package_show?id=menors"),
        ("menors", "Dataset menors - api/3/action/package_show?id=menors"),
        ("about", "Api - - about"),
        ("robots.txt", "Api - - robots.txt"),
        ("dataset/activity/menors", "Dataset menors - api/3/action/package_show?id=menors"),
        ("dataset/a%20b%26c", "Dataset a b&c - api/3/action/package_show?id=a%20b%26c"),
        ("dataset/0b1c/population-of-towns", "Dataset 0b1c - api/3/action/package_show?id=0b1c"),
        ("ca/dataset/menors/resource/r-1", "Resource menors r-1 -/resource/r-1"),
        ("dataset/menors/resource/r-1/view/v", "Resource menors r-1 -/resource/r-1"),
        ("-/resource/r-1/menors.csv", "Resource - r-1 -/resource/r-1"),
        (
            "dataset/d/resource/r-1/download/x%20y.csv?v=2",
            "File d r-1 dataset/d/resource/r-1/download/x%20y.csv?v=2",
        ),
        ("datastore/dump/r-1?bom=true", "Table - r-1 datastore/dump/r-1?bom=true"),
        (
            "api/3/action/datastore_search?limit=5&resource%5Fid=r+1",
            "Table - r 1 api/3/action/datastore_search?limit=5&resource%5Fid=r+1",
        ),
        ("api/action/datastore_search", "Api - - api/action/datastore_search"),
        ("api/3/action/package_show?id=menors", "Api menors - api/3/action/package_show?id=menors"),
        ("api/3/action/resource_show?id=r-1", "Api - r-1 api/3/action/resource_show?id=r-1"),
        (
            "api/3/action/package_search?q=a&callback=f",
            "Api - - api/3/action/package_search?q=a&callback=f",
        ),
        ("../x", "refused: DotSegment"),
        ("dataset/%2e%2e/x", "refused: DotSegment"),
    ] {
        assert_eq!(read(Dialect::Ckan, written), expected, "{written}");
    }
}

#[test]
fn what_people_copy_from_a_socrata_is_understood() {
    let rows = "api/views/abcd-1234/rows.csv?accessType=DOWNLOAD";
    for (written, expected) in [
        ("Health/Flu-shots/abcd-1234/about_data", format!("Resource abcd-1234 abcd-1234 {rows}")),
        ("d/abcd-1234", format!("Resource abcd-1234 abcd-1234 {rows}")),
        (
            "resource/abcd-1234.json?$limit=2",
            "Api abcd-1234 abcd-1234 resource/abcd-1234.json?$limit=2".to_owned(),
        ),
        ("resource/abcd-1234.csv", "File abcd-1234 abcd-1234 resource/abcd-1234.csv".to_owned()),
        (rows, format!("File abcd-1234 abcd-1234 {rows}")),
        ("api/catalog/v1?q=x", "Api - - api/catalog/v1?q=x".to_owned()),
        ("browse", "File - - browse".to_owned()),
    ] {
        assert_eq!(read(Dialect::Socrata, written), expected, "{written}");
    }
}

#[test]
fn other_software_has_files_and_answers() {
    assert_eq!(read(Dialect::Plain, "a/b.json?x=1"), "File - - a/b.json?x=1");
    assert_eq!(read(Dialect::Generic, "a/dataset/b"), "Api - - a/dataset/b");
}

#[test]
fn a_page_elsewhere_is_of_use_when_it_is_about_a_dataset() {
    let page = |path| portal("https://a.example/api-host", Dialect::Ckan).page(path);
    let told = |path| page(path).map(|link| told(&link));
    assert_eq!(told("").as_deref(), Some("Portal - - "));
    let dataset = "Dataset menors - api/3/action/package_show?id=menors";
    assert_eq!(told("ca/dataset/menors").as_deref(), Some(dataset));
    let download = "dataset/menors/resource/r-1/download/x.csv";
    assert_eq!(told(download).as_deref(), Some("Resource menors r-1 -/resource/r-1"));
    assert_eq!(told("about"), None);
}
