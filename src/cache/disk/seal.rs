//! The end of an object file: a table of checksums, then a footer of fixed size. The content
//! stands before it, unchanged. It knows how content is verified, not where files are.
//!
//! ```text
//! content
//! CRC-32 of each 64 KiB of it, u32
//! magic [8]  format u32  chunk u32  id u128  content length u64  SHA-256 [32]  CRC-32 u32
//! ```
//!
//! Numbers are little-endian; the last checksum is over the table and the footer before it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use crc32fast::Hasher;
use ring::digest::{Context, SHA256};

use super::head::Cursor;

const MAGIC: &[u8; 8] = b"unpad-ob";

/// Raised with every change of the format.
const FORMAT: u32 = 1;

/// What one checksum covers, in bytes: short enough that a small range costs little, long enough
/// that the table is a sixteen-thousandth of the content.
pub(super) const CHUNK: usize = CHUNK_BYTES as usize;
const CHUNK_BYTES: u32 = 64 * 1024;

const FOOTER: usize = 8 + 4 + 4 + 16 + 8 + 32 + 4;

/// What a content is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) id: u128,
    pub(super) length: u64,
    pub(super) sha256: [u8; 32],
}

/// Computes the checksums of a content that passes by.
pub(super) struct Sealer {
    sha256: Context,
    chunk: Hasher,
    filled: usize,
    table: Vec<u8>,
    length: u64,
}

impl Sealer {
    pub(super) fn new() -> Self {
        let (sha256, chunk) = (Context::new(&SHA256), Hasher::new());
        Self { sha256, chunk, filled: 0, table: Vec::new(), length: 0 }
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    pub(super) fn update(&mut self, mut content: &[u8]) {
        self.sha256.update(content);
        self.length += content.len() as u64;
        while !content.is_empty() {
            let (part, rest) = content.split_at(content.len().min(CHUNK - self.filled));
            self.chunk.update(part);
            self.filled += part.len();
            if self.filled == CHUNK {
                self.end_chunk();
            }
            content = rest;
        }
    }

    /// What is to be known of the content, and what is to be written after it.
    pub(super) fn finish(mut self, id: u128) -> (Mark, Vec<u8>) {
        if self.filled > 0 {
            self.end_chunk();
        }
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.sha256.finish().as_ref());
        let mark = Mark { id, length: self.length, sha256 };
        let mut end = self.table;
        end.extend(mark.footer());
        let crc = crc32fast::hash(&end);
        end.extend(crc.to_le_bytes());
        (mark, end)
    }

    fn end_chunk(&mut self) {
        let crc = std::mem::take(&mut self.chunk).finalize();
        self.table.extend(crc.to_le_bytes());
        self.filled = 0;
    }
}

impl Mark {
    /// The mark of a content in memory, and what is to be written after it.
    pub(super) fn of(id: u128, content: &[u8]) -> (Self, Vec<u8>) {
        let mut sealer = Sealer::new();
        sealer.update(content);
        sealer.finish(id)
    }

    fn footer(&self) -> Vec<u8> {
        let mut footer = Vec::with_capacity(FOOTER);
        footer.extend(MAGIC);
        footer.extend(FORMAT.to_le_bytes());
        footer.extend(CHUNK_BYTES.to_le_bytes());
        footer.extend(self.id.to_le_bytes());
        footer.extend(self.length.to_le_bytes());
        footer.extend(self.sha256);
        footer
    }

    /// Reads the table of a file that should be this content; `None` if it is not.
    pub(super) fn table(&self, file: &File) -> io::Result<Option<Vec<u32>>> {
        if file.metadata()?.len() != object_length(self.length) {
            return Ok(None);
        }
        let Ok(length) = usize::try_from(object_length(self.length) - self.length) else {
            return Ok(None);
        };
        let mut end = vec![0; length];
        file.read_exact_at(&mut end, self.length)?;
        let (signed, crc) = end.split_at(length - 4);
        let (table, footer) = signed.split_at(length - FOOTER);
        if footer != self.footer() || Cursor(crc).u32() != Some(crc32fast::hash(signed)) {
            return Ok(None);
        }
        let mut table = Cursor(table);
        Ok(Some(std::iter::from_fn(|| table.u32()).collect()))
    }
}

/// The length of the file of a content.
pub(super) const fn object_length(content: u64) -> u64 {
    content.saturating_add(content.div_ceil(CHUNK as u64) * 4).saturating_add(FOOTER as u64)
}
