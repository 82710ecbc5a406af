//! Behaviour over the wire: a gateway and fake portals on loopback, asserted on what was sent.

mod admin;
mod bridge;
mod cache;
mod codings;
mod cors;
mod demo;
mod faults;
mod files;
mod problems;
mod recorded;
mod registry;
mod server;
mod support;
