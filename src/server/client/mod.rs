//! What runs on the reader's side: the page, and the helpers for notebooks and web pages. They are part
//! of the program, so that a class needs nothing from anywhere else. It says how they are sent; what
//! they do is said in `clients/`.
//!
//! **Invariant:** nothing here depends on `Host`: who decided what an index links to would decide what
//! notebooks run.

mod file;
mod files;
mod index;
mod wheel;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(super) use file::File;
pub(super) use index::{project, projects};
pub(super) use wheel::PROJECT;

/// All files, by name.
static FILES: LazyLock<HashMap<&'static str, File>> = LazyLock::new(|| {
    let all = files::JAVASCRIPT.iter().chain(files::PAGE);
    all.map(|(name, text)| (*name, File::text(name, text))).collect()
});

/// The wheel: made when it is first asked for, from the same sources always the same.
static WHEEL: LazyLock<File> = LazyLock::new(|| File::archive(wheel::build(files::PYTHON)));

/// The page, whose files are one step down.
pub(super) fn page() -> Option<&'static File> {
    FILES.get("index.html")
}

/// The reference of the API.
pub(super) fn reference() -> Option<&'static File> {
    FILES.get("docs.html")
}

/// Links of our pages as they stand at the root, and as they stand below `/client/`, where the files are
/// beside them.
const LINKS: [(&str, &str); 4] = [
    ("\"client/", "\""),
    ("\"docs\"", "\"docs.html\""),
    ("\"portals\"", "\"../portals\""),
    ("\"openapi.json\"", "\"../openapi.json\""),
];

/// Our pages below `/client/`, where they are also if a portal has the root.
static PAGES_BELOW: LazyLock<HashMap<&'static str, File>> = LazyLock::new(|| {
    let below = |text: &str| {
        LINKS.iter().fold(text.to_owned(), |text, (here, below)| text.replace(here, below))
    };
    let pages = files::PAGE.iter().filter(|(name, _)| name.strip_suffix(".html").is_some());
    pages.map(|(name, text)| (*name, File::text(name, &below(text)))).collect()
});

/// A file of `/client/`. The wheel has the name of any version, so that a notebook that names an older
/// one goes on working.
pub(super) fn find(name: &str) -> Option<&'static File> {
    let name = if name.is_empty() { "index.html" } else { name };
    if wheel::is_name(name) {
        return Some(&WHEEL);
    }
    PAGES_BELOW.get(name).or_else(|| FILES.get(name))
}
