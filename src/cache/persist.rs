//! The disk tier as the cache sees it: entries of stored responses. How they lie on the disk is not
//! known here, and what HTTP is, is not known there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::clock::Clock;

use super::disk::{Content, Counters, Disk, Draft, Record, Usage, Variant};
use super::record::{Anchor, decode, encode};
use super::stored::Kept;
use super::{CacheKey, Entry, Listed, StoredResponse};

/// How long a request waits for the disk to remove something or to make room: 2 s. A disk that hangs
/// must not hold up who asks a portal.
const PATIENCE: Duration = Duration::from_secs(2);

/// Stored responses on disk.
#[derive(Debug, Clone)]
pub struct DiskTier {
    disk: Disk,
    anchor: Anchor,
    clock: Arc<dyn Clock>,
}

impl DiskTier {
    /// The tier in an opened directory.
    #[must_use]
    pub fn new(disk: Disk, clock: Arc<dyn Clock>) -> Self {
        Self { disk, anchor: Anchor::now(&*clock), clock }
    }

    /// How full it is.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.disk.usage()
    }

    /// What happened to it since the start.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.disk.counters()
    }

    /// Waits until everything that was to be stored is.
    pub async fn flush(&self) {
        self.disk.flush().await;
    }

    /// What is stored for a key.
    pub(super) async fn load(&self, key: &CacheKey) -> Option<Entry> {
        let record = self.disk.load(key.owner(), key.id(), key.text()).await?;
        let now = self.clock.now();
        let read = |variant: Variant| {
            let content = match variant.content {
                Content::Bytes(bytes) => Kept::Buffer(bytes),
                Content::Object(object) => Kept::Object(object),
            };
            decode(key, &variant.head, content, &self.anchor, now).map(Arc::new)
        };
        let variants: Option<Vec<_>> = record.variants.into_iter().map(read).collect();
        let entry = variants.and_then(Entry::new);
        if entry.is_none() {
            // Another version's, and of no use to this one.
            self.remove(key).await;
        }
        entry
    }

    /// Keeps an entry, some time soon. What cannot be kept is only a miss later on.
    pub(super) fn store(&self, entry: &Entry) {
        let write = |stored: &Arc<StoredResponse>| {
            let content = match &stored.content {
                Kept::Buffer(bytes) => Content::Bytes(bytes.clone()),
                Kept::Object(object) => Content::Object(Arc::clone(object)),
                Kept::Growing(..) | Kept::Elsewhere(_) => return None,
            };
            Some(Variant { head: encode(stored, &self.anchor), content })
        };
        self.disk.store(Record {
            id: entry.key().id(),
            owner: entry.key().owner().into(),
            key: entry.key().text().into(),
            variants: entry.variants().filter_map(write).collect(),
        });
    }

    /// Forgets what is stored for a key.
    pub(super) async fn remove(&self, key: &CacheKey) {
        let removed = self.disk.remove(key.owner(), key.id());
        // Whatever becomes of its files, it is out of sight from here on.
        let _ = tokio::time::timeout(PATIENCE, removed).await;
    }

    /// Shows all that is stored, of one owner or of all, as it is at `now`. Heads are read one after
    /// the other, so that nobody else waits for the disk.
    pub(super) async fn visit(
        &self,
        owner: Option<&str>,
        now: Instant,
        each: &(dyn Fn(&Listed) + Send + Sync),
    ) {
        for found in self.disk.ids(owner) {
            let Some(outline) = self.disk.peek(&found.owner, found.id).await else { continue };
            let key = CacheKey::of_text(outline.key);
            let read = |(head, length): (Bytes, u64)| {
                let content = Kept::Elsewhere(length);
                decode(&key, &head, content, &self.anchor, now).map(Arc::new)
            };
            let variants: Option<Vec<_>> = outline.variants.into_iter().map(read).collect();
            if let Some(entry) = variants.and_then(Entry::new) {
                each(&Listed::of(&entry, now, "disk"));
            }
        }
    }

    /// A place for content that arrives piece by piece.
    pub(super) async fn begin(&self, key: &CacheKey, length: Option<u64>) -> Option<Draft> {
        let begun = self.disk.begin(key.owner(), key.id(), length);
        tokio::time::timeout(PATIENCE, begun).await.ok()?
    }
}
