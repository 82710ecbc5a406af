//! Writing a record: objects first, then the head that refers to them, then the end of what the
//! old head referred to. Each file is written beside and renamed, so that a killed process leaves
//! the old entry or the new one.
//!
//! Nothing is synchronised with the disk: a power loss may lose entries or damage them, and what
//! is damaged does not verify. For a cache that is a miss, and a sync with every entry would cost
//! milliseconds each.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use bytes::Bytes;

use super::changes::Changes;
use super::head::{Front, Place, Placed};
use super::layout::{ObjectName, unlink};
use super::options::{HEAD_LONGEST, INLINE_TOTAL, Options, blocks};
use super::record::{Content, Record};
use super::seal::{Mark, object_length};

/// Why a record was not written.
#[derive(Debug)]
pub(super) enum Unwritten {
    /// It is too large, or refers to an object that is not there.
    Unfit,
    /// There is no room, and none can be made.
    NoRoom,
    /// The disk failed.
    Failed(io::Error),
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// The files of a record.
struct Plan {
    head: Vec<u8>,
    objects: Vec<Planned>,
}

struct Planned {
    mark: Mark,
    /// The content and what follows it, if it is in memory.
    file: Option<(Bytes, Vec<u8>)>,
}

impl Changes<'_> {
    /// Writes a record in place of what is stored under its key.
    pub(super) fn write(&self, record: &Record) -> Result<(), Unwritten> {
        let engine = self.engine;
        let (owner, id) = (&record.owner, record.id);
        let mut plan = Plan::of(record, &engine.options).ok_or(Unwritten::Unfit)?;
        let head_blocks = blocks(plan.head.len() as u64);
        let object_blocks: u64 = plan.objects.iter().map(Planned::blocks).sum();
        if head_blocks + object_blocks > engine.largest(owner) {
            return Err(Unwritten::Unfit);
        }
        for planned in &mut plan.objects {
            if self.is_there(owner, planned.mark)? {
                // Equal content, stored before under this key.
                planned.file = None;
            } else if planned.file.is_none() {
                return Err(Unwritten::Unfit);
            }
        }
        let missing = plan.objects.iter().filter(|planned| planned.file.is_some());
        let needed = head_blocks + missing.map(Planned::blocks).sum::<u64>();
        let room = self.reserve(owner, needed, id).map_err(|_| Unwritten::NoRoom)?;
        let had_objects = {
            let index = engine.index();
            index.has(owner, id) && index.may_have_objects(owner, id)
        };
        if let Err(error) = self.place_all(owner, id, &plan) {
            // What was written may be referred to by nothing.
            let _ = self.sweep(owner, id);
            return Err(error.into());
        }
        if had_objects {
            let names: Vec<_> = plan.objects.iter().map(Planned::name).collect();
            if let Err(error) = self.delete_objects(owner, id, |name| names.contains(&name)) {
                engine.faults.delete_failed(engine.clock.now(), &error);
            }
        }
        drop(room);
        record.adopt_objects();
        let (total, objects) = (head_blocks + object_blocks, !plan.objects.is_empty());
        engine.index().put(owner, id, total, objects, engine.seconds());
        Ok(())
    }

    fn is_there(&self, owner: &str, mark: Mark) -> io::Result<bool> {
        let path = self.engine.layout.object(owner, ObjectName::new(mark.id, &mark.sha256));
        match fs::metadata(path) {
            Ok(found) => Ok(found.is_file() && found.len() == object_length(mark.length)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn place_all(&self, owner: &str, id: u128, plan: &Plan) -> io::Result<()> {
        let layout = &self.engine.layout;
        for planned in &plan.objects {
            if let Some((content, end)) = &planned.file {
                self.place(&layout.object(owner, planned.name()), &[content, end])?;
            }
        }
        self.place(&layout.head(owner, id), &[&plan.head])
    }

    /// Writes a file beside, and renames it.
    fn place(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        let layout = &self.engine.layout;
        let new = self.engine.new_path();
        let written = layout.within(&new, || {
            let mut file = File::create(&new)?;
            parts.iter().try_for_each(|part| file.write_all(part))
        });
        let placed = written.and_then(|()| layout.within(path, || fs::rename(&new, path)));
        placed.inspect_err(|_| {
            let _ = unlink(&new);
        })
    }
}

impl Plan {
    /// The files of a record; `None` if its head file would be too long, or an object is of
    /// another key.
    fn of(record: &Record, options: &Options) -> Option<Self> {
        let mut inline: Vec<&[u8]> = Vec::new();
        let mut inline_total = 0;
        let mut objects: Vec<Planned> = Vec::new();
        let mut variants = Vec::with_capacity(record.variants.len());
        for variant in &record.variants {
            let planned = match &variant.content {
                Content::Bytes(bytes)
                    if bytes.len() <= options.inline
                        && inline_total + bytes.len() <= INLINE_TOTAL =>
                {
                    inline_total += bytes.len();
                    inline.push(bytes);
                    let place = Place::inline(bytes)?;
                    variants.push(Placed { head: variant.head.clone(), place });
                    continue;
                }
                Content::Bytes(bytes) => {
                    let (mark, end) = Mark::of(record.id, bytes);
                    Planned { mark, file: Some((bytes.clone(), end)) }
                }
                Content::Object(object) if object.is_of(&record.owner, record.id) => {
                    Planned { mark: object.mark(), file: None }
                }
                Content::Object(_) => return None,
            };
            let Mark { length, sha256, .. } = planned.mark;
            let place = Place::Object { length, sha256 };
            variants.push(Placed { head: variant.head.clone(), place });
            match objects.iter_mut().find(|known| known.name() == planned.name()) {
                Some(known) => known.file = known.file.take().or(planned.file),
                None => objects.push(planned),
            }
        }
        let (owner, key) = (record.owner.clone(), record.key.clone());
        let mut head = Front { id: record.id, owner, key, variants }.encode()?;
        for content in inline {
            head.extend_from_slice(content);
        }
        (head.len() <= HEAD_LONGEST).then_some(Self { head, objects })
    }
}

impl Planned {
    fn name(&self) -> ObjectName {
        ObjectName::new(self.mark.id, &self.mark.sha256)
    }

    fn blocks(&self) -> u64 {
        blocks(object_length(self.mark.length))
    }
}

impl Record {
    fn adopt_objects(&self) {
        for variant in &self.variants {
            if let Content::Object(object) = &variant.content {
                object.adopt();
            }
        }
    }
}
