//! The Python helper as a wheel (the binary distribution format of Python, PEP 427): a ZIP archive with
//! the sources and their metadata. It is pure Python and needs nothing, so one wheel is for all.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// The project's name, and the package's.
pub(in crate::server) const PROJECT: &str = "unpad";

/// The version: that of the program, whose answers it reads.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What it runs on.
pub(super) const REQUIRES_PYTHON: &str = ">=3.9";

/// What follows the version in a wheel's name: any Python 3, any ABI, any platform.
const TAGS: &str = "py3-none-any";

/// The wheel's file name.
pub(super) fn name() -> String {
    format!("{PROJECT}-{VERSION}-{TAGS}.whl")
}

/// Whether a file name is that of the wheel, in whatever version.
pub(super) fn is_name(name: &str) -> bool {
    let version = name
        .strip_prefix(PROJECT)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(|rest| rest.strip_suffix(".whl"))
        .and_then(|rest| rest.strip_suffix(TAGS))
        .and_then(|rest| rest.strip_suffix('-'));
    version.is_some_and(|version| !version.is_empty() && !version.contains('-'))
}

/// The wheel of these sources (name below the root, text): the same bytes each time.
pub(super) fn build(sources: &[(&str, &str)]) -> Vec<u8> {
    let info = format!("{PROJECT}-{VERSION}.dist-info");
    let metadata = format!(
        "Metadata-Version: 2.1\nName: {PROJECT}\nVersion: {VERSION}\n\
         Summary: Reads open data through an unpad gateway, in notebooks and programs\n\
         License: MIT OR Apache-2.0\nRequires-Python: {REQUIRES_PYTHON}\n"
    );
    let about = format!(
        "Wheel-Version: 1.0\nGenerator: unpad {VERSION}\nRoot-Is-Purelib: true\nTag: {TAGS}\n"
    );
    let mut files: Vec<_> =
        sources.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    files.push((format!("{info}/METADATA"), metadata));
    files.push((format!("{info}/WHEEL"), about));
    let record = format!("{info}/RECORD");
    let mut rows = files.iter().map(|(name, text)| row(name, text)).collect::<String>();
    // The list has itself without a digest.
    rows += &record;
    rows += ",,\n";
    files.push((record, rows));
    archive(&files).expect("writing to memory does not fail, and the names are short")
}

/// A line of RECORD: name, digest, length.
fn row(name: &str, text: &str) -> String {
    let digest = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()));
    format!("{name},sha256={digest},{}\n", text.len())
}

fn archive(files: &[(String, String)]) -> zip::result::ZipResult<Vec<u8>> {
    // The earliest date there is in a ZIP archive: an archive of the same sources is the same.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        archive.start_file(name.as_str(), options)?;
        archive.write_all(text.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wheel_is_known_by_the_name_of_any_version() {
        assert!(is_name(&name()));
        for (name, expected) in [
            ("unpad-0.0.1-py3-none-any.whl", true),
            ("unpad-1.0rc1-py3-none-any.whl", true),
            ("unpad-py3-none-any.whl", false),
            ("unpad--py3-none-any.whl", false),
            ("unpad-1-1-py3-none-any.whl", false),
            ("other-1.0-py3-none-any.whl", false),
            ("unpad-1.0.tar.gz", false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
    }

    #[test]
    fn a_wheel_of_the_same_sources_is_the_same() {
        let sources = [("unpad/__init__.py", "x = 1\n")];
        assert_eq!(build(&sources), build(&sources));
    }
}
