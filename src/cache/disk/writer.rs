//! The one thread that carries out what the queue holds, after it has looked at what is there.
//! Nobody waits for it except who asks to.

use std::sync::Arc;

use super::engine::Engine;
use super::faults::Event;
use super::layout::unlink;
use super::queue::Job;
use super::record::Record;
use super::scan;
use super::write::Unwritten;

/// Closes the queue when the thread ends, however it does: nobody may wait for a dead writer.
struct Closing(Arc<Engine>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.queue.close();
    }
}

/// Scans, then works until the queue is closed.
pub(super) fn run(engine: Arc<Engine>) {
    let closing = Closing(engine);
    let engine = &closing.0;
    scan::run(engine);
    while let Some(job) = engine.queue.next() {
        perform(engine, job);
    }
}

fn perform(engine: &Arc<Engine>, job: Job) {
    match job {
        Job::Store { serial, record } => {
            store(engine, &record);
            engine.queue.end_store(serial, &record);
        }
        Job::Remove { serial, owner, id, done } => {
            let removed = remove(engine, &owner, id);
            if removed {
                engine.queue.end_remove(serial, &owner, id);
            }
            // Whoever asked may have stopped waiting.
            let _ = done.send(removed);
        }
        Job::Sweep { owner, id, room } => {
            if let Err(error) = engine.changes().sweep(&owner, id) {
                engine.faults.delete_failed(engine.clock.now(), &error);
            }
            drop(room);
        }
        Job::Discard { path, body } => {
            if let Err(error) = unlink(&path) {
                engine.faults.delete_failed(engine.clock.now(), &error);
            }
            drop(body);
        }
        Job::Flush(done) => {
            let _ = done.send(());
        }
    }
}

fn store(engine: &Arc<Engine>, record: &Record) {
    let now = engine.clock.now();
    if engine.faults.paused(now) {
        engine.faults.count(Event::Dropped);
        return;
    }
    let written = engine.changes().write(record);
    match written {
        Ok(()) => engine.faults.count(Event::Stored),
        Err(Unwritten::Unfit | Unwritten::NoRoom) => engine.faults.count(Event::Dropped),
        Err(Unwritten::Failed(error)) => {
            engine.faults.write_failed(now, &error);
            engine.faults.count(Event::Dropped);
        }
    }
}

/// Whether the files of an entry are gone.
fn remove(engine: &Arc<Engine>, owner: &str, id: u128) -> bool {
    if engine.index().lacks(owner, id) {
        return true;
    }
    let deleted = engine.changes().delete(owner, id);
    deleted.inspect_err(|error| engine.faults.delete_failed(engine.clock.now(), error)).is_ok()
}
