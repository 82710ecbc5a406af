//! The limits of a fetch. They are figures; what happens when one is hit is in `error`.

use std::time::Duration;

/// Limits of a fetch from one portal. Each can be refined per portal and per route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The longest JSON or JSONP content, before and after content codings: 32 MiB. CKAN's largest
    /// datastore answer (32,000 rows) is about 8 MB; it must fit in memory because it is checked
    /// whole. Over it: `response-too-large`.
    pub json_bytes: usize,
    /// The longest file, before and after content codings: 16 GiB. Files stream, so this bounds
    /// traffic, not memory. Over it the transfer is cut, so that it cannot pass for complete.
    pub file_bytes: u64,
    /// Decoded bytes per received byte once a mebibyte is decoded: 200. JSON compresses up to
    /// about 60 times; bombs reach a thousand and more. Over it: `response-too-large`.
    pub ratio: u64,
    /// Field lines and their bytes: 100 lines of 32 KiB together. Over it: `response-too-large`.
    pub field_bytes: usize,
    /// Time to a connection, resolving and TLS included: 5 s. Over it: `portal-timeout`.
    pub connect_time: Duration,
    /// Time from sending the request to the response's fields: 15 s. Over it: `portal-timeout`.
    pub first_byte_time: Duration,
    /// Time between two pieces of content: 30 s. Over it: `portal-timeout`.
    pub idle_time: Duration,
    /// Time for which a file is read before it is handed on as it comes: 5 s; its client should not
    /// wait longer for the first byte. A file that is complete by then can be stored.
    pub buffer_time: Duration,
    /// Time from a fetch's turn to the end of JSON content: 30 s; people do not wait longer. Files
    /// are bound by `idle_time` instead. Over it: `portal-timeout`.
    pub total_time: Duration,
    /// Redirects followed: 5. Over it: `portal-failed`.
    pub redirects: usize,
    /// Fetches from the portal at once, and as many long files being handed on: 64, so that a class
    /// whose answers cannot be shared is served in one turn; more would be impolite. Other fetches wait; over it, a long file is `busy`.
    pub concurrency: usize,
    /// Fetches that wait for their turn: 1,000. Over it: `busy`.
    pub queue: usize,
    /// The longest that one waits: 10 s, which is as long as people do. Over it, and at once where it would
    /// be longer by the pace of the last fetches: `busy`.
    pub queue_time: Duration,
    /// Fetches a second; who would be earlier waits in the queue. 0: as many as `concurrency` gives,
    /// which a portal that is slow bounds by itself.
    pub rate: u32,
    /// Failures in a row, each within a minute of the one before, after which the portal is left
    /// alone for a while: 5, so that a dead portal costs nobody's time. 0: never, and what it asks
    /// for by `Retry-After` is only handed on. Over it: `portal-suspended`.
    pub failures: u32,
}

/// The most field lines of a response.
pub(super) const FIELD_LINES: usize = 100;

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_bytes: 32 << 20,
            file_bytes: 16 << 30,
            ratio: 200,
            field_bytes: 32 << 10,
            connect_time: Duration::from_secs(5),
            first_byte_time: Duration::from_secs(15),
            idle_time: Duration::from_secs(30),
            buffer_time: Duration::from_secs(5),
            total_time: Duration::from_secs(30),
            redirects: 5,
            concurrency: 64,
            queue: 1000,
            queue_time: Duration::from_secs(10),
            rate: 0,
            failures: 5,
        }
    }
}
