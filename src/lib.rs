//! unpad: JSON with padding, without the padding. A gateway (RFC 9110 §3.7) between open-data
//! portals that answer other origins only by JSONP and clients that can only read CORS.
//!
//! The rooms, bottom to top; a room imports only what stands above it in this list, and
//! `tests/layering.rs` holds that:
//!
//! - [`clock`]: the only `now()`.
//! - [`allowance`]: what one client may ask of the portals.
//! - [`jsonp`]: a body in, the JSON inside out.
//! - [`cors`]: who may read an answer.
//! - [`cache`]: what was stored, and whether it may be reused.
//! - [`upstream`]: the only room that dials.
//! - [`portal`]: what is known of a portal.
//! - [`gateway`]: the story of one request.
//! - [`server`]: HTTP in and out.
//! - [`config`]: the registry, `portals.yaml`.
//! - [`probe`]: what a URL is, and how it must be asked.
//! - [`demo`]: a portal to try things on.
//! - [`cli`]: the commands, where everything is put together.

pub mod allowance;
pub mod cache;
pub mod cli;
pub mod clock;
pub mod config;
pub mod cors;
pub mod demo;
pub mod gateway;
pub mod jsonp;
pub mod portal;
pub mod probe;
pub mod server;
pub mod upstream;
