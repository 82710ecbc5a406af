//! A head file: the front (whose it is, the whole key, each variant's head and where its content
//! is), then the contents that are short. It reads and writes bytes; what does not verify is
//! nothing, and who deletes it is decided elsewhere.
//!
//! ```text
//! magic [8]  format u32  front length u32  id u128  CRC-32 of the header so far and the front
//! front: owner  key  number of variants u16, and for each
//!        head  0 length u32 CRC-32 u32 | 1 length u64 SHA-256 [32]
//! contents of kind 0, in order, to the end of the file
//! ```
//!
//! Numbers are little-endian; owner, key and head follow their length as u32.
//!
//! **Invariant:** every byte of the file is under a checksum that is compared before the byte is
//! given out.

use std::sync::Arc;

use bytes::Bytes;
use crc32fast::Hasher;

use super::options::HEAD_LONGEST;

const MAGIC: &[u8; 8] = b"unpad-hd";

/// Raised with every change of the format: older files are then misses, and go.
const FORMAT: u32 = 1;

/// The bytes before the front.
pub(super) const HEADER: usize = 36;

/// The front of a head file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Front {
    pub(super) id: u128,
    pub(super) owner: Arc<str>,
    pub(super) key: Arc<str>,
    pub(super) variants: Vec<Placed>,
}

/// A variant: its head, and where its content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) head: Bytes,
    pub(super) place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// After the front.
    Inline { length: u32, crc: u32 },
    /// An object of this key.
    Object { length: u64, sha256: [u8; 32] },
}

impl Place {
    pub(super) fn inline(content: &[u8]) -> Option<Self> {
        let length = u32::try_from(content.len()).ok()?;
        Some(Self::Inline { length, crc: crc32fast::hash(content) })
    }

    pub(super) const fn length(&self) -> u64 {
        match self {
            Self::Inline { length, .. } => *length as u64,
            Self::Object { length, .. } => *length,
        }
    }
}

impl Front {
    /// The header and the front; `None` if that is longer than a head file may be.
    pub(super) fn encode(&self) -> Option<Vec<u8>> {
        let mut file = vec![0; HEADER];
        push(&mut file, self.owner.as_bytes())?;
        push(&mut file, self.key.as_bytes())?;
        file.extend(u16::try_from(self.variants.len()).ok()?.to_le_bytes());
        for variant in &self.variants {
            push(&mut file, &variant.head)?;
            match &variant.place {
                Place::Inline { length, crc } => {
                    file.push(0);
                    file.extend(length.to_le_bytes());
                    file.extend(crc.to_le_bytes());
                }
                Place::Object { length, sha256 } => {
                    file.push(1);
                    file.extend(length.to_le_bytes());
                    file.extend(sha256);
                }
            }
        }
        if file.len() > HEAD_LONGEST {
            return None;
        }
        let length = u32::try_from(file.len() - HEADER).ok()?;
        file[..8].copy_from_slice(MAGIC);
        file[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        file[12..16].copy_from_slice(&length.to_le_bytes());
        file[16..32].copy_from_slice(&self.id.to_le_bytes());
        let crc = checksum(&file[..32], &file[HEADER..]);
        file[32..HEADER].copy_from_slice(&crc.to_le_bytes());
        Some(file)
    }

    /// Where the front ends, as its header says.
    pub(super) fn end(header: &[u8]) -> Option<usize> {
        let mut header = Cursor(header);
        let magic = header.take(8)?;
        let format = header.u32()?;
        let length = usize::try_from(header.u32()?).ok()?;
        let end = HEADER.checked_add(length)?;
        (magic == MAGIC && format == FORMAT && end <= HEAD_LONGEST).then_some(end)
    }

    /// Reads the header and the front from the beginning of a file.
    pub(super) fn decode(file: &[u8]) -> Option<Self> {
        let end = Self::end(file)?;
        let mut header = Cursor(file.get(16..HEADER)?);
        let id = header.u128()?;
        let crc = header.u32()?;
        let front = file.get(HEADER..end)?;
        if crc != checksum(&file[..32], front) {
            return None;
        }
        let mut front = Cursor(front);
        let owner = front.text()?.into();
        let key = front.text()?.into();
        let mut variants = Vec::new();
        for _ in 0..front.u16()? {
            let head = Bytes::copy_from_slice(front.prefixed()?);
            let place = match front.take(1)? {
                [0] => Place::Inline { length: front.u32()?, crc: front.u32()? },
                [1] => {
                    Place::Object { length: front.u64()?, sha256: front.take(32)?.try_into().ok()? }
                }
                _ => return None,
            };
            variants.push(Placed { head, place });
        }
        front.0.is_empty().then_some(Self { id, owner, key, variants })
    }

    /// The inline contents, each `None` where the variant's content is an object. `file` is all
    /// of the file.
    pub(super) fn contents(&self, file: &[u8]) -> Option<Vec<Option<Bytes>>> {
        let mut rest = Cursor(file.get(Self::end(file)?..)?);
        let mut contents = Vec::with_capacity(self.variants.len());
        for variant in &self.variants {
            contents.push(match variant.place {
                Place::Inline { length, crc } => {
                    let content = rest.take(usize::try_from(length).ok()?)?;
                    if crc32fast::hash(content) != crc {
                        return None;
                    }
                    // Copied, so that one variant in memory does not keep all of the file there.
                    Some(Bytes::copy_from_slice(content))
                }
                Place::Object { .. } => None,
            });
        }
        rest.0.is_empty().then_some(contents)
    }

    /// Length and SHA-256 of each object that it refers to.
    pub(super) fn references(&self) -> impl Iterator<Item = (u64, &[u8; 32])> {
        self.variants.iter().filter_map(|variant| match &variant.place {
            Place::Inline { .. } => None,
            Place::Object { length, sha256 } => Some((*length, sha256)),
        })
    }
}

fn checksum(header: &[u8], front: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(header);
    hasher.update(front);
    hasher.finalize()
}

fn push(file: &mut Vec<u8>, part: &[u8]) -> Option<()> {
    file.extend(u32::try_from(part.len()).ok()?.to_le_bytes());
    file.extend_from_slice(part);
    Some(())
}

/// Bytes that are taken from the front, and never more than there are.
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_le_bytes)
    }

    fn prefixed(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        self.take(length)
    }

    fn text(&mut self) -> Option<&'a str> {
        str::from_utf8(self.prefixed()?).ok()
    }
}
