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

/// The page below `/client/`, where its files are beside it.
static PAGE_BELOW: LazyLock<File> = LazyLock::new(|| {
    let page = files::PAGE.iter().find(|(name, _)| *name == "index.html");
    let text = page.map_or_else(String::new, |(_, text)| {
        text.replacen("<base href=\"./\">", "<base href=\"../\">", 1)
    });
    File::text("index.html", &text)
});

/// A file of `/client/`. The wheel has the name of any version, so that a notebook that names an older
/// one goes on working.
pub(super) fn find(name: &str) -> Option<&'static File> {
    if name.is_empty() {
        return Some(&PAGE_BELOW);
    }
    if wheel::is_name(name) { Some(&WHEEL) } else { FILES.get(name) }
}
