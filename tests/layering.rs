//! The order of the rooms, held: which room imports which, which crate is named where, and that
//! files stay short. It reads the source as text; that it compiles is the compiler's to say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, bottom to top, and what each imports. A room imports only rooms above it in this
/// table, so no two can depend on each other.
const ROOMS: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("allowance", &["clock"]),
    // Written as if it were a crate of its own: not even `crate::`.
    ("jsonp", &[]),
    ("cors", &[]),
    ("cache", &["clock"]),
    ("upstream", &["clock"]),
    ("portal", &["jsonp", "cors", "cache", "upstream"]),
    ("gateway", &["clock", "allowance", "jsonp", "cache", "upstream", "portal"]),
    ("server", &["clock", "allowance", "cors", "cache", "upstream", "portal", "gateway"]),
    ("config", &["allowance", "jsonp", "cors", "cache", "upstream", "portal", "server"]),
    ("probe", &["clock", "jsonp", "upstream", "portal"]),
    ("demo", &[]),
    (
        "cli",
        &[
            "clock",
            "allowance",
            "jsonp",
            "cors",
            "cache",
            "upstream",
            "portal",
            "gateway",
            "server",
            "config",
            "probe",
            "demo",
        ],
    ),
];

/// Where a room needs only a few names of another, those names.
const NARROW: &[(&str, &str, &[&str])] = &[
    // Option types: the portal room knows terms, and neither caches nor dials.
    ("portal", "cache", &["freshness"]),
    ("portal", "upstream", &["HostRule", "Limits", "SiteRules"]),
    // To know who decides freshness.
    ("config", "cache", &["freshness"]),
    // To say how a portal is doing, and what came between a request and its answer.
    ("server", "upstream", &["Health", "Load", "Phase", "RedirectRefusal", "Unreachable"]),
    // To write an entry.
    ("probe", "portal", &["Dialect", "PortalId"]),
];

/// The crates that one room stands for, and the rooms that may name them.
const CRATES: &[(&str, &[&str])] = &[
    ("async_compression", &["upstream"]),
    ("axum", &["server"]),
    ("base64", &["gateway", "server"]),
    ("brotli", &["cache"]),
    ("clap", &["cli"]),
    ("crc32fast", &["cache"]),
    ("encoding_rs", &["gateway"]),
    ("flate2", &["cache"]),
    ("governor", &["clock", "allowance", "upstream"]),
    ("http_body_util", &["server", "demo", "cli"]),
    ("hyper", &["upstream", "server", "demo", "cli"]),
    ("hyper_util", &["server", "demo", "cli"]),
    ("indicatif", &["cli"]),
    ("listenfd", &["cli"]),
    ("memchr", &["jsonp", "gateway"]),
    ("moka", &["allowance", "cache"]),
    ("prometheus_client", &["server"]),
    ("regex", &["cors", "portal", "gateway", "server", "config"]),
    ("reqwest", &["upstream"]),
    ("ring", &["cache", "upstream", "gateway", "server", "config"]),
    ("rlimit", &["cli"]),
    ("rustix", &["cache", "upstream", "gateway"]),
    ("rustls", &["upstream", "server"]),
    ("rustls_native_certs", &["upstream"]),
    ("schemars", &["server", "config"]),
    ("serde", &["gateway", "server", "config"]),
    ("serde_json", &["gateway", "server", "config", "probe", "demo", "cli"]),
    ("serde_saphyr", &["config"]),
    ("sfv", &["cache", "server"]),
    ("simdutf8", &["jsonp"]),
    ("terminal_size", &["cli"]),
    ("humantime", &["server"]),
    ("tokio_rustls", &["server"]),
    ("tracing_subscriber", &["cli"]),
    ("zip", &["server"]),
];

/// All that a pure room may name of the dependencies.
const PURE: &[(&str, &[&str])] = &[
    ("clock", &["governor"]),
    ("jsonp", &["memchr", "simdutf8"]),
    ("cors", &["http", "regex", "thiserror", "url"]),
];

/// The longest source file, in lines. Over 250, ask what the second thing is that lives there.
const LINES: usize = 400;

#[test]
fn a_room_imports_only_rooms_above_it_in_the_table() {
    for (index, (room, imports)) in ROOMS.iter().enumerate() {
        for import in *imports {
            assert!(
                ROOMS[..index].iter().any(|(above, _)| above == import),
                "the table lets `{room}` import `{import}`, which is not above it: move the rows, \
                 or take the import out, so that there is no cycle"
            );
        }
    }
}

#[test]
fn every_file_and_folder_of_src_is_in_the_table() {
    let mut found = BTreeSet::new();
    for path in entries(&source_root()) {
        let name = stem(&path);
        if path.is_dir() || (name != "lib" && name != "main") {
            found.insert(name);
        }
    }
    for name in &found {
        assert!(
            ROOMS.iter().any(|(room, _)| room == name),
            "src/{name} is in no table: add a row to ROOMS in tests/layering.rs with what it may \
             import, and a line to the list in src/lib.rs"
        );
    }
    for (room, _) in ROOMS {
        assert!(
            found.contains(*room),
            "ROOMS in tests/layering.rs has `{room}`, and src/ has not: take the row out"
        );
    }
}

#[test]
fn a_room_imports_only_what_the_table_allows() {
    let mut faults = Vec::new();
    for source in sources() {
        let Some((room, allowed)) = ROOMS.iter().find(|(room, _)| *room == source.room) else {
            continue;
        };
        for path in source.paths() {
            let other = path[0].as_str();
            let at = &source.name;
            if !ROOMS.iter().any(|(room, _)| *room == other) {
                faults.push(format!("{at}: `crate::{other}` is no room: name the room it is in"));
            } else if other == *room {
                if *room == "jsonp" {
                    faults.push(format!("{at}: write `super::` instead of `crate::jsonp`"));
                }
            } else if !allowed.contains(&other) {
                faults.push(format!(
                    "{at}: `{room}` may not import `{other}`. Let its caller pass in what it \
                     needs, or move the code to a room that may; if the order itself has to \
                     change, change ROOMS in tests/layering.rs and say why in docs/architecture.md"
                ));
            } else if let Some(name) = too_much(room, other, path.get(1)) {
                faults.push(format!(
                    "{at}: of `{other}`, `{room}` may not import `{name}`: see NARROW in \
                     tests/layering.rs"
                ));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The name that a narrow import may not have.
fn too_much(room: &str, other: &str, name: Option<&String>) -> Option<String> {
    let (_, _, names) = NARROW.iter().find(|(r, o, _)| *r == room && *o == other)?;
    let name = name.map_or("self", String::as_str);
    (!names.contains(&name)).then(|| name.to_owned())
}

#[test]
fn the_program_is_the_command_line_and_nothing_else() {
    for source in sources().iter().filter(|source| source.room.is_empty()) {
        let code = source.code.as_str();
        if source.name.ends_with("main.rs") {
            for path in paths_after(code, "unpad") {
                let room = &path[0];
                assert_eq!(room, "cli", "src/main.rs names `{room}`: call it from `cli`");
            }
        } else {
            let other: Vec<_> = code
                .split(';')
                .map(str::trim)
                .filter(|item| !item.is_empty() && !item.starts_with("pub mod "))
                .collect();
            assert!(other.is_empty(), "src/lib.rs lists rooms and has no code: move {other:?}");
        }
    }
}

#[test]
fn a_crate_is_named_only_in_the_rooms_that_stand_for_it() {
    let mut faults = Vec::new();
    for source in sources() {
        for (dependency, rooms) in CRATES {
            if source.mentions(dependency) && !rooms.contains(&source.room.as_str()) {
                faults.push(format!(
                    "{}: `{dependency}` is named only in {}: ask that room for what is needed, or \
                     give the room a row in CRATES in tests/layering.rs",
                    source.name,
                    rooms.join(", ")
                ));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_pure_room_names_no_dependency_beyond_its_few() {
    let dependencies = dependencies();
    assert!(dependencies.len() > 10, "[dependencies] of Cargo.toml was not found");
    let mut faults = Vec::new();
    for source in sources() {
        let Some((_, few)) = PURE.iter().find(|(room, _)| *room == source.room) else { continue };
        for dependency in &dependencies {
            if source.mentions(dependency) && !few.contains(&dependency.as_str()) {
                faults.push(format!(
                    "{}: `{}` is pure and may not name `{dependency}`: do that work in the room \
                     that calls it",
                    source.name, source.room
                ));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_file_begins_by_saying_what_it_is() {
    for source in sources() {
        assert!(
            source.text.starts_with("//! "),
            "{}: begin with `//!`: what the file is, then what it is not",
            source.name
        );
    }
}

#[test]
fn no_file_is_too_long() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(
            lines <= LINES,
            "{}: {lines} lines, and {LINES} are allowed: find the second thing that lives there, \
             and give it a file",
            source.name
        );
    }
}

#[test]
fn imports_are_read_in_every_form() {
    let code = without_comments(
        "use crate::{a, b::{c, d::e}, f as g}; /* crate::no */ // crate::no\n\
         fn x<'a>(y: &'a str) -> crate::h::I { let _ = \"crate::no\"; let _ = r#\"crate::\"no\"#; \
         let _ = ('\"', '\\'', b'\"'); crate::j!() } pub(in crate::k) use my_crate::no;",
    );
    let found: Vec<_> = paths_after(&code, "crate").iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["a", "b::c", "b::d::e", "f", "h::I", "j", "k"]);
}

/// One file of `src`.
struct Source {
    /// Its path from the package's root.
    name: String,
    /// The room it belongs to; empty for `lib.rs` and `main.rs`.
    room: String,
    text: String,
    /// The text without comments and literals.
    code: String,
}

impl Source {
    fn new(path: &Path) -> Self {
        let below = path.strip_prefix(source_root()).expect("a path below src");
        let first = stem(Path::new(below.iter().next().expect("a file name")));
        let room = if first == "lib" || first == "main" { String::new() } else { first };
        let text = fs::read_to_string(path).expect("a source file is UTF-8 text");
        let code = without_comments(&text);
        Self { name: format!("src/{}", below.display()), room, text, code }
    }

    /// The paths into the crate, from the room on: by `crate::`, and by `super::` where that is
    /// the crate's root.
    fn paths(&self) -> Vec<Vec<String>> {
        let mut paths = paths_after(&self.code, "crate");
        let of_the_root = |path: &&Vec<String>| {
            ROOMS.iter().any(|(room, _)| *room == path[0]) && !self.has(&path[0])
        };
        let is_the_room = self.name.ends_with("/mod.rs") || !self.name[4..].contains('/');
        if is_the_room {
            paths.extend(paths_after(&self.code, "super").iter().filter(of_the_root).cloned());
        }
        paths
    }

    /// Whether the room has a file of that name, so that `super::name` in it means that file.
    fn has(&self, name: &str) -> bool {
        source_root().join(&self.room).join(format!("{name}.rs")).exists()
    }

    fn mentions(&self, dependency: &str) -> bool {
        words(&self.code, dependency).any(|at| {
            let before = self.code[..at].trim_end();
            let after = self.code[at + dependency.len()..].trim_start();
            let is_root = !before.ends_with("::") && !before.ends_with('.');
            let imported = before.ends_with("use") || before.ends_with("extern crate");
            is_root && (after.starts_with("::") || imported)
        })
    }
}

fn source_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<Source> {
    let mut folders = vec![source_root()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for path in entries(&folder) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(Source::new(&path));
            }
        }
    }
    assert!(found.len() > ROOMS.len(), "src was not read");
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).expect("a folder that can be read");
    let mut all: Vec<_> = read.map(|entry| entry.expect("an entry").path()).collect();
    all.retain(|path| !stem(path).starts_with('.'));
    all.sort();
    all
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The names under `[dependencies]`, as Rust writes them.
fn dependencies() -> Vec<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let text = fs::read_to_string(manifest).expect("the manifest");
    let section = text.lines().skip_while(|line| line.trim() != "[dependencies]").skip(1);
    section
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name.trim().trim_end_matches(".workspace").replace('-', "_"))
        .filter(|name| !name.starts_with('#'))
        .collect()
}

/// The paths that follow `root::` in some code.
fn paths_after(code: &str, root: &str) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for at in words(code, root) {
        let rest = code[at + root.len()..].trim_start();
        if let Some(tree) = rest.strip_prefix("::") {
            read_tree(tree, &[], &mut paths);
        }
    }
    paths
}

/// Reads one path or one `{…}` of paths, and returns what stands behind it.
fn read_tree<'a>(code: &'a str, before: &[String], paths: &mut Vec<Vec<String>>) -> &'a str {
    let mut rest = code.trim_start();
    if let Some(group) = rest.strip_prefix('{') {
        rest = group.trim_start();
        while !rest.starts_with('}') && !rest.is_empty() {
            rest = read_tree(rest, before, paths);
            let end = rest.find([',', '}']).unwrap_or(rest.len());
            rest = rest[end..].trim_start_matches(',').trim_start();
        }
        return rest.get(1..).unwrap_or_default();
    }
    let length = rest.find(|c: char| !is_word(c) && c != '*').unwrap_or(rest.len());
    let mut path = before.to_vec();
    path.push(rest[..length].to_owned());
    match rest[length..].trim_start().strip_prefix("::") {
        Some(deeper) => read_tree(deeper, &path, paths),
        None => {
            paths.push(path);
            &rest[length..]
        }
    }
}

/// Where a word stands in some code.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = code[..*at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The code without comments and without what stands in literals.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(length) = raw_string(rest, code.chars().next_back()) {
            length
        } else if first == '"' {
            quoted(rest, '"')
        } else if first == '\'' && is_character(rest) {
            quoted(rest, '\'')
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        code.push(' ');
        rest = &rest[length..];
    }
    code
}

/// The length of a block comment, with those inside it.
fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while let Some(next) = text[at..].find(['/', '*']) {
        at += next;
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    text.len()
}

/// The length of a raw string, if one stands here.
fn raw_string(text: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(|c| is_word(c) && c != 'b') {
        return None;
    }
    let marked = text.strip_prefix('r')?;
    let quoted = marked.trim_start_matches('#');
    let end = format!("\"{}", "#".repeat(marked.len() - quoted.len()));
    let inside = quoted.strip_prefix('"')?;
    let length = inside.find(&end).map_or(inside.len(), |at| at + end.len());
    Some(text.len() - inside.len() + length)
}

/// The length of a literal between two of `quote`.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// Whether an apostrophe begins a character, not a lifetime.
fn is_character(text: &str) -> bool {
    let mut inside = text.chars().skip(1);
    match inside.next() {
        Some('\\') => true,
        Some(_) => inside.next() == Some('\''),
        None => false,
    }
}
