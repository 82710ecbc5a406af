//! The only room that dials. It fetches one URL from one portal's site within limits, and knows
//! nothing of JSONP, caching or clients.
//!
//! What stands between a request and a socket, in order:
//!
//! 1. `target`: scheme, host, port and user information of every URL, the first and each
//!    redirect's; redirects are followed here, never by the client.
//! 2. `suspend`: a site that failed again and again, or asked for a pause, is left alone.
//! 3. The site's bulkhead: so many fetches at once, so many waiting, the rest refused at once.
//! 4. [`address`]: every address, whether written in the URL or answered by a resolver, is judged
//!    before it is dialled, and the resolver's judged answer is exactly what is dialled.
//! 5. `body`: content is read with its codings taken off (`coding`), counted before and after
//!    (`meter`).
//!
//! **Invariant:** `reqwest` is named in this room alone, and its clients are built in one place,
//! without proxies, redirects, `Referer` or automatic decoding.
//!
//! **Invariant:** nothing is read without a limit in bytes and in time.

pub mod address;
mod body;
mod cause;
mod client;
mod coding;
mod error;
mod fetch;
mod limits;
mod meter;
mod suspend;
mod target;
mod turns;

pub use body::{Body, Read};
pub use client::{Clients, NoCertificates};
pub use error::{Error, Excess, Phase, RedirectRefusal};
pub use fetch::{Fetch, Manner, Response, Site};
pub use limits::Limits;
pub use suspend::Health;
pub use target::{HostRule, HostRuleError, SiteRules};
pub use turns::Turn;
