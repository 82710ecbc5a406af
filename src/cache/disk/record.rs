//! What is stored under one key, as its owner sees it. It does not know what a head means.

use std::sync::Arc;

use bytes::Bytes;

use super::object::Object;

/// All that is stored under one key.
#[derive(Debug, Clone)]
pub struct Record {
    /// The id of the key.
    pub id: u128,
    /// Whose it is: a portal id.
    pub owner: Arc<str>,
    /// The whole text of the key, compared when it is loaded: two keys may share an id.
    pub key: Arc<str>,
    /// What is stored, in the order in which it was given.
    pub variants: Vec<Variant>,
}

/// One stored response of a key.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Opaque to this folder.
    pub head: Bytes,
    /// The content.
    pub content: Content,
}

/// Content, in memory or on the disk.
#[derive(Debug, Clone)]
pub enum Content {
    /// All of it.
    Bytes(Bytes),
    /// A file, to be opened.
    Object(Arc<Object>),
}

/// What is stored under one key, without contents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The id of the key.
    pub id: u128,
    /// Whose it is.
    pub owner: Arc<str>,
    /// The whole text of the key.
    pub key: Arc<str>,
    /// Each variant's head and the length of its content in bytes.
    pub variants: Vec<(Bytes, u64)>,
}

/// One line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Whose it is.
    pub owner: Arc<str>,
    /// The id of its key.
    pub id: u128,
    /// The bytes of disk blocks that it takes; 0 while it waits to be written.
    pub bytes: u64,
}

impl Record {
    /// The record without its contents.
    pub(super) fn outline(&self) -> Outline {
        let variants = self.variants.iter().map(|v| (v.head.clone(), v.content.length()));
        Outline {
            id: self.id,
            owner: Arc::clone(&self.owner),
            key: Arc::clone(&self.key),
            variants: variants.collect(),
        }
    }

    /// What it holds in memory, in bytes.
    pub(super) fn held(&self) -> usize {
        let variants = self.variants.iter().map(|variant| {
            let content = match &variant.content {
                Content::Bytes(bytes) => bytes.len(),
                Content::Object(_) => 0,
            };
            variant.head.len() + content
        });
        variants.sum::<usize>() + self.key.len()
    }
}

impl Content {
    /// The length in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Object(object) => object.length(),
        }
    }
}
