//! Cache directories of tests: each its own, looked into and damaged by hand, removed in the end.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, io};

/// A directory for a disk tier, removed with all that is in it when the test ends.
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// One that nobody else has; the gateway makes it.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("unpad-wire-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The section of a registry that has the disk tier there.
    pub(crate) fn yaml(&self) -> String {
        format!("cache: {{ disk: {{ path: \"{}\" }} }}\n", self.0.display())
    }

    /// The files below the portals whose folder is called so: `heads` or `objects`.
    pub(crate) fn files(&self, kind: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        // What is being moved while it is looked at is seen the next time.
        let _ = collect(&self.0.join("portals"), &mut files);
        files.retain(|file| file.components().any(|part| part.as_os_str() == kind));
        files.sort();
        files
    }

    /// Changes one bit in the middle of every file of a kind; how many files that were.
    pub(crate) fn damage(&self, kind: &str) -> usize {
        let files = self.files(kind);
        for file in &files {
            let mut bytes = fs::read(file).expect("a file");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0x10;
            fs::write(file, bytes).expect("a file");
        }
        files.len()
    }

    /// Removes it, whatever it is by now.
    pub(crate) fn remove(&self) {
        // The tier may be writing at this moment.
        while self.0.symlink_metadata().is_ok() {
            let _ = fs::remove_dir_all(&self.0);
            let _ = fs::remove_file(&self.0);
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.remove();
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
