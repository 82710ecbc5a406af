//! The files of `clients/` that are part of the program. A test compares them with the folders.

/// Names and texts of files below a folder of `clients/`.
macro_rules! files {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../clients/", $folder, "/", $name)))),+]
    };
}

/// The Python package, as it stands in the wheel.
pub(super) const PYTHON: &[(&str, &str)] = files!(
    "python":
    "unpad/__init__.py",
    "unpad/_browser.py",
    "unpad/_ckan.py",
    "unpad/_csv.py",
    "unpad/_errors.py",
    "unpad/_frames.py",
    "unpad/_gateway.py",
    "unpad/_http.py",
    "unpad/_listings.py",
    "unpad/_progress.py",
    "unpad/_provenance.py",
    "unpad/_reading.py",
    "unpad/_references.py",
    "unpad/_table.py",
    "unpad/_transport.py",
    "unpad/_values.py",
    "unpad/py.typed",
    "unpad/sync.py",
);

/// The JavaScript module.
pub(super) const JAVASCRIPT: &[(&str, &str)] = files!(
    "javascript":
    "saveJSONP.js",
    "unpad.d.ts",
    "unpad.js",
);

/// The pages.
pub(super) const PAGE: &[(&str, &str)] = files!(
    "page":
    "chart.js",
    "data.js",
    "docs.css",
    "docs.html",
    "docs.js",
    "dom.js",
    "grid.js",
    "index.html",
    "page.css",
    "page.js",
    "preview.js",
    "snippets.js",
    "status.js",
    "tree.js",
    "values.js",
    "verdict.js",
);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The files below a folder of `clients/`, by their names from there.
    fn found(folder: &str) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(folder);
        let mut folders = vec![root.clone()];
        let mut names = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder that can be read") {
                let path = entry.expect("an entry").path();
                if path.is_dir() && path.file_name().is_some_and(|name| name != "__pycache__") {
                    folders.push(path);
                } else if path.is_file() {
                    let name = path.strip_prefix(&root).expect("a path below the root");
                    names.push(name.to_str().expect("a name in UTF-8").to_owned());
                }
            }
        }
        names.sort();
        names
    }

    #[test]
    fn every_file_of_the_clients_is_part_of_the_program() {
        for (folder, files) in [("python", PYTHON), ("javascript", JAVASCRIPT), ("page", PAGE)] {
            let mut listed: Vec<_> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
            listed.sort();
            assert_eq!(listed, found(folder), "clients/{folder} and files.rs differ");
        }
    }
}
