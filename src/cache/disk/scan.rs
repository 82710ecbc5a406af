//! The look around at the start: what is there, how large, how old. It reads the names of all
//! files, and of those entries that have objects the fronts; contents are verified when they are
//! asked for. What belongs to nothing is deleted. Look-ups go on meanwhile.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use super::changes::Changes;
use super::engine::Engine;
use super::layout::{ObjectName, is_owner, parse_id, shard, unlink};
use super::options::blocks;
use super::read::Miss;
use super::seal::object_length;

/// Fills the index.
pub(super) fn run(engine: &Arc<Engine>) {
    for left_over in entries(engine, &engine.layout.new_files()) {
        delete(engine, &left_over);
    }
    for owner in entries(engine, &engine.layout.portals()) {
        let name = owner.file_name();
        let Some(owner) = name.to_str().filter(|name| is_owner(name)) else { continue };
        for shard in 0..=u8::MAX {
            if engine.queue.is_closed() {
                return;
            }
            // The lock is taken for each directory, so that look-ups in doubt do not wait for all.
            let changes = engine.changes();
            scan_heads(engine, owner, shard);
            scan_objects(&changes, owner, shard);
        }
    }
    engine.changes().settle();
    engine.index().end_scan();
}

fn scan_heads(engine: &Engine, owner: &str, at: u8) {
    for entry in entries(engine, &engine.layout.heads(owner, at)) {
        let id = entry.file_name().to_str().and_then(parse_id).filter(|id| shard(*id) == at);
        match (id, entry.metadata()) {
            (Some(id), Ok(metadata)) if metadata.is_file() => {
                let used = engine.used(&metadata);
                engine.index().put(owner, id, blocks(metadata.len()), false, used);
            }
            _ => delete(engine, &entry),
        }
    }
}

fn scan_objects(changes: &Changes<'_>, owner: &str, at: u8) {
    let engine = changes.engine;
    let mut objects: BTreeMap<u128, Vec<(ObjectName, u64)>> = BTreeMap::new();
    for entry in entries(engine, &engine.layout.objects(owner, at)) {
        let name = entry.file_name().to_str().and_then(ObjectName::parse);
        let name = name.filter(|name| shard(name.id) == at);
        match (name, entry.metadata()) {
            (Some(name), Ok(metadata)) if metadata.is_file() => {
                objects.entry(name.id).or_default().push((name, metadata.len()));
            }
            _ => delete(engine, &entry),
        }
    }
    for (id, objects) in objects {
        scan_objects_of(changes, owner, id, &objects);
    }
}

/// Counts the objects that the head refers to, and deletes the others.
fn scan_objects_of(changes: &Changes<'_>, owner: &str, id: u128, objects: &[(ObjectName, u64)]) {
    let engine = changes.engine;
    let now = engine.clock.now();
    let referenced: Vec<_> = match engine.front(owner, id) {
        Ok(front) => front
            .references()
            .map(|(length, sha256)| (ObjectName::new(id, sha256), object_length(length)))
            .collect(),
        Err(Miss::Absent) => Vec::new(),
        Err(Miss::Failed(error)) => {
            engine.faults.read_failed(now, &error);
            objects.to_vec()
        }
        Err(Miss::Doubt | Miss::OtherKey) => return changes.delete_damaged(owner, id),
    };
    for (name, length) in objects {
        if referenced.contains(&(*name, *length)) {
            engine.index().add_object(owner, id, blocks(*length));
        } else if let Err(error) = unlink(&engine.layout.object(owner, *name)) {
            engine.faults.delete_failed(now, &error);
        }
    }
}

/// What is in a directory. What cannot be read is counted, and not scanned.
fn entries(engine: &Engine, path: &Path) -> Vec<DirEntry> {
    let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    entries.unwrap_or_else(|error| {
        if error.kind() != ErrorKind::NotFound {
            engine.faults.read_failed(engine.clock.now(), &error);
        }
        Vec::new()
    })
}

/// Deletes a file that belongs to nothing. A directory is nobody's leftover, and stays.
fn delete(engine: &Engine, entry: &DirEntry) {
    if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
        return;
    }
    if let Err(error) = unlink(&entry.path()) {
        engine.faults.delete_failed(engine.clock.now(), &error);
    }
}
