//! What the disk tier holds. Every test has a directory of its own, which goes with it.

mod damage;
mod drafts;
mod failures;
mod records;
mod room;
mod start;

use std::fs;
use std::ops::Deref;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::TryStreamExt as _;

use super::*;
use crate::clock::ManualClock;

const MIB: u64 = 1024 * 1024;

/// A directory that is removed with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let name = format!("unpad-disk-{}-{serial}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
        let _ = fs::remove_file(&self.0);
    }
}

/// A tier in a directory, and its clock.
struct Bench {
    disk: Disk,
    clock: Arc<ManualClock>,
    folder: Folder,
}

impl Deref for Bench {
    type Target = Disk;

    fn deref(&self) -> &Disk {
        &self.disk
    }
}

impl Bench {
    async fn new(size: u64) -> Self {
        Self::with(size, |_| {}).await
    }

    async fn with(size: u64, change: impl Fn(&mut Options)) -> Self {
        let folder = Folder::new();
        let clock = clock();
        let disk = open(&folder.0, size, &clock, change);
        disk.flush().await;
        Self { disk, clock, folder }
    }

    /// Ends the tier and opens the directory again.
    async fn again(self, size: u64) -> Self {
        let Self { disk, clock, folder } = self;
        drop(disk);
        let disk = open(&folder.0, size, &clock, |_| {});
        disk.flush().await;
        Self { disk, clock, folder }
    }

    async fn put(&self, record: Record) {
        self.disk.store(record);
        self.disk.flush().await;
    }

    fn head_path(&self, id: u128) -> PathBuf {
        self.disk.engine().layout.head("city", id)
    }

    fn object_path(&self, object: &Object) -> PathBuf {
        let name = layout::ObjectName::new(object.mark().id, object.sha256());
        self.disk.engine().layout.object("city", name)
    }

    fn files(&self) -> Vec<PathBuf> {
        files(&self.folder.0)
    }

    /// What the files take, by the file system's own account.
    fn taken(&self) -> u64 {
        self.files().iter().filter_map(|f| f.metadata().ok()).map(|m| m.blocks() * 512).sum()
    }
}

fn clock() -> Arc<ManualClock> {
    let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    Arc::new(ManualClock::starting_at(wall))
}

/// Opens a directory as soon as whoever had it has let go of it.
fn open(path: &Path, size: u64, clock: &Arc<ManualClock>, change: impl Fn(&mut Options)) -> Disk {
    loop {
        let mut options = Options::new(path.to_owned(), size);
        // A busy machine is no slow disk.
        options.patience = Duration::from_secs(3600);
        change(&mut options);
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        match Disk::open(options, clock) {
            Err(OpenError::InUse(_)) => thread::yield_now(),
            opened => return opened.expect("a directory that can be opened"),
        }
    }
}

/// All files below `portals` and `new`.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut folders = vec![root.join("portals"), root.join("new")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let kind = entry.file_type().expect("a kind");
            if kind.is_dir() { &mut folders } else { &mut files }.push(entry.path());
        }
    }
    files
}

/// Bytes that repeat at no chunk's length.
fn bytes(length: usize, seed: u32) -> Bytes {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    (0..length).map(|_| next()).collect::<Vec<_>>().into()
}

fn variant(head: &'static str, content: Bytes) -> Variant {
    Variant { head: Bytes::from_static(head.as_bytes()), content: Content::Bytes(content) }
}

fn record_of(owner: &str, id: u128, variants: Vec<Variant>) -> Record {
    Record { id, owner: owner.into(), key: format!("key {id}").into(), variants }
}

fn record(id: u128, content: Bytes) -> Record {
    record_of("city", id, vec![variant("head", content)])
}

async fn loaded(disk: &Disk, id: u128) -> Option<Record> {
    disk.load("city", id, &format!("key {id}")).await
}

async fn content(disk: &Disk, id: u128) -> Option<Bytes> {
    match loaded(disk, id).await?.variants.remove(0).content {
        Content::Bytes(bytes) => Some(bytes),
        Content::Object(object) => {
            let reader = object.open().await?;
            collect(reader.stream(0..u64::MAX)).await.ok()
        }
    }
}

async fn collect(pieces: Pieces) -> std::io::Result<Bytes> {
    let all = pieces.try_fold(Vec::new(), |mut all, piece| async move {
        all.extend_from_slice(&piece);
        Ok(all)
    });
    all.await.map(Bytes::from)
}

/// Writes content through a draft.
async fn object(disk: &Disk, id: u128, content: &Bytes) -> Arc<Object> {
    let length = content.len() as u64;
    let mut draft = disk.begin("city", id, Some(length)).await.expect("a draft");
    draft.write(content.clone()).await.expect("room");
    draft.finish().await.expect("an object")
}

/// Stores content through a draft, and gives its object.
async fn stored_object(bench: &Bench, id: u128, content: &Bytes) -> Arc<Object> {
    let object = object(bench, id, content).await;
    let content = Content::Object(Arc::clone(&object));
    let head = Bytes::from_static(b"head");
    bench.put(record_of("city", id, vec![Variant { head, content }])).await;
    object
}
