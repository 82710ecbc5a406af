//! Names in the cache directory, and the directory itself: its marker and its lock. It knows
//! where a file belongs, not what stands in it.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use super::engine::lock;
use super::options::OpenError;

/// The file that makes a directory ours, and its only line.
const MARKER: &str = "unpad-cache";
const FORMAT: &str = "unpad-cache 1\n";

/// What a new file system holds by itself.
const NOT_FOREIGN: &str = "lost+found";

/// The longest owner's name: that of a portal id.
const OWNER_LONGEST: usize = 63;

/// The directory and the lock on it, which is held as long as this lives.
#[derive(Debug)]
pub(super) struct Layout {
    root: PathBuf,
    lock: Mutex<File>,
}

/// The name of an object: its key's id and the first half of its content's SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ObjectName {
    pub(super) id: u128,
    pub(super) digest: u128,
}

impl ObjectName {
    pub(super) fn new(id: u128, sha256: &[u8; 32]) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(&sha256[..16]);
        Self { id, digest: u128::from_be_bytes(half) }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        let (id, digest) = name.split_once('.')?;
        Some(Self { id: parse_id(id)?, digest: parse_id(digest)? })
    }
}

/// Makes the directory, if it is missing, for its owner alone: what was asked for is nobody else's.
fn make_root(root: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(root)
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}.{:032x}", self.id, self.digest)
    }
}

impl Layout {
    /// Takes the directory for this process.
    pub(super) fn occupy(root: &Path) -> Result<Self, OpenError> {
        let failed = |error| OpenError::Io(root.to_owned(), error);
        make_root(root).map_err(failed)?;
        let marker = root.join(MARKER);
        match fs::read(&marker) {
            Ok(found) if found == FORMAT.as_bytes() => {}
            Ok(found) => {
                let found = String::from_utf8_lossy(&found[..found.len().min(64)]).into_owned();
                return Err(OpenError::Format(root.to_owned(), found));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                if !is_empty(root).map_err(failed)? {
                    return Err(OpenError::Foreign(root.to_owned()));
                }
                write_marker(&marker).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        let lock = match take_lock(root) {
            Ok(file) => Mutex::new(file),
            Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(root.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        };
        let layout = Self { root: root.to_owned(), lock };
        fs::create_dir_all(layout.new_files()).map_err(failed)?;
        fs::create_dir_all(layout.portals()).map_err(failed)?;
        Ok(layout)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn new_files(&self) -> PathBuf {
        self.root.join("new")
    }

    pub(super) fn portals(&self) -> PathBuf {
        self.root.join("portals")
    }

    pub(super) fn heads(&self, owner: &str, shard: u8) -> PathBuf {
        self.portals().join(owner).join("heads").join(format!("{shard:02x}"))
    }

    pub(super) fn objects(&self, owner: &str, shard: u8) -> PathBuf {
        self.portals().join(owner).join("objects").join(format!("{shard:02x}"))
    }

    pub(super) fn head(&self, owner: &str, id: u128) -> PathBuf {
        self.heads(owner, shard(id)).join(format!("{id:032x}"))
    }

    pub(super) fn object(&self, owner: &str, name: ObjectName) -> PathBuf {
        self.objects(owner, shard(name.id)).join(name.to_string())
    }

    /// The objects of a key that are there, referenced or not.
    pub(super) fn objects_of(&self, owner: &str, id: u128) -> io::Result<Vec<ObjectName>> {
        let entries = match fs::read_dir(self.objects(owner, shard(id))) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            found.extend(entry?.file_name().to_str().and_then(ObjectName::parse));
        }
        found.retain(|name| name.id == id);
        Ok(found)
    }

    /// Does something that needs the directory above `path`, which is made if it is missing.
    pub(super) fn within<T>(
        &self,
        path: &Path,
        mut deed: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        match deed() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.restore()?;
                if let Some(above) = path.parent() {
                    fs::create_dir_all(above)?;
                }
                deed()
            }
            done => done,
        }
    }

    /// Makes the directory ours again after somebody removed it.
    fn restore(&self) -> io::Result<()> {
        let marker = self.root.join(MARKER);
        if marker.try_exists()? {
            return Ok(());
        }
        make_root(&self.root)?;
        if !is_empty(&self.root)? {
            return Err(io::Error::other("the cache directory lost its marker"));
        }
        write_marker(&marker)?;
        *lock(&self.lock) = take_lock(&self.root).map_err(io::Error::from)?;
        Ok(())
    }
}

/// Whether a name is an owner's: `[a-z0-9][a-z0-9-]{0,62}`, which needs no escaping in a path.
pub(super) fn is_owner(name: &str) -> bool {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.bytes().next().is_some_and(legal)
        && name.bytes().all(|b| legal(b) || b == b'-')
        && name.len() <= OWNER_LONGEST
}

/// The id that a head file is named by: 32 lower-case hexadecimal digits.
pub(super) fn parse_id(name: &str) -> Option<u128> {
    let legal = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if name.len() != 32 || !name.bytes().all(legal) {
        return None;
    }
    u128::from_str_radix(name, 16).ok()
}

/// The directory that an id belongs to: its first byte.
pub(super) const fn shard(id: u128) -> u8 {
    id.to_be_bytes()[0]
}

/// Deletes a file; one that is not there is deleted.
pub(super) fn unlink(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn is_empty(root: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(root)? {
        if entry?.file_name() != NOT_FOREIGN {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The one file that must survive a power loss whole: without it, the directory is refused.
fn write_marker(path: &Path) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(FORMAT.as_bytes())?;
    file.sync_all()
}

fn take_lock(root: &Path) -> Result<File, TryLockError> {
    let path = root.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(path);
    let file = file.map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}
