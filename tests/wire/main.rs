//! Behaviour over the wire: a gateway and fake portals on loopback, asserted on what was sent.

mod actions;
mod admin;
mod asking;
mod bridge;
mod cache;
mod coding;
mod codings;
mod collapsing;
mod cors;
mod demo;
mod dialects;
mod disk;
mod faults;
mod fields;
mod files;
mod folder;
mod long;
mod probe;
mod problems;
mod ranges;
mod recorded;
mod registry;
mod server;
mod support;
mod targets;
