//! What several targets share: portals to ask, and fields to read. No target, and no test.

pub mod fields;
pub mod portals;
