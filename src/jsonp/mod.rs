//! A JSONP body in, the JSON inside out. Not a JavaScript engine, and not a JSON parser: nothing
//! is executed, decoded or built; the answer is a range of the bytes that came in.
//!
//! # What is accepted
//!
//! ```text
//! body     = start *filler call *filler
//!          / start *filler "try" *WS "{" *filler call *filler
//!            "}" *WS "catch" *WS "(" *WS name *WS ")" *WS "{" *WS "}" *filler  ; if try_catch
//!          / start JSON *WS
//! start    = [BOM] *WS [prefix *WS]                                           ; if in prefixes
//! call     = [guard] callback *WS "(" *WS JSON *WS [second] ")"
//! second   = "," *WS ( 3DIGIT / string ) *WS                                  ; if second_argument
//! guard    = test *WS "&&" *WS / callback *WS "&&" *WS
//!          / "if" *WS "(" *WS ( test / ["window."] callback ) *WS ")" *WS
//! test     = "typeof" 1*WS callback *WS "===" *WS quote "function" quote
//! filler   = WS / ";" / comment
//! comment  = "/*" … "*/" / "//" … LF                   ; the last one may end with the body
//! WS       = space / tab / LF / CR
//! ```
//!
//! The callback is compared byte for byte with the name that was asked for; `window.cb(` is a call
//! of another function than `cb(`. JSON is RFC 8259 and nothing else: whatever JavaScript would
//! also read (single quotes, trailing commas) is refused with a sentence that says so and
//! [`Kind::JavaScript`]. Bare JSON is a form of its own, because portals pad only some of their
//! answers. Lone surrogate escapes, duplicate names and numbers of any size are valid by the
//! grammar and pass through.
//!
//! A [`Shape`] admits what a portal is known to send beyond that: the lines of the grammar that say
//! "if", and [`NonFinite::Null`] the words `NaN`, `Infinity` and `-Infinity` as values. By default
//! nothing of it is admitted. A second argument is a status from 100 to 599 or a string; a number
//! that goes on behind a comma (`cb(1,200)`) is none, but refused as a decimal comma.
//!
//! # What is refused
//!
//! Every refusal has a [`Reason`] and the offset at which it became certain. The rules between
//! reasons:
//!
//! * A body that ends while everything so far could begin an accepted body is
//!   [`Reason::Truncated`]; one with nothing but blanks, comments and semicolons is
//!   [`Reason::Empty`].
//! * A well-formed call of something else, also of a member expression or in a guard, is
//!   [`Reason::CallbackMismatch`]: a sign of a cache that ignores the parameter. Keywords
//!   (`while(1)`, `function`) call nothing and are [`Reason::NotJsonp`].
//! * A body that is not UTF-8 is [`Reason::InvalidUtf8`] whatever else is wrong with it, since
//!   that is the cause (a charset, a missing decompression) and the rest are consequences. Only
//!   limits go first, and a sequence cut by the end of the body is a truncation.
//!
//! # How
//!
//! `payload` tells the story. `padding` reads what stands before the call, `call` its guard and
//! name (`foreign` recognises calls of others), `closing` what stands behind the JSON, and both use
//! `comment`. `json` checks the text with `string` (over `stops`), `number`, `nesting` and
//! `non_finite`, and `fault` finds the words once something is wrong. `scan` is the only way the
//! validator looks at bytes.
//!
//! **Invariants:** offsets only grow, so the work is linear in the length of the body (counted in
//! tests, not timed). Nothing recurses, and nothing is allocated but by [`Payload::json`], which
//! rewrites a payload with numbers that are not finite, once it was accepted. UTF-8 is checked only if a byte
//! of 0x80 or above stands in the JSON, and the whole body only when it is refused. The
//! room uses `std`, `memchr` and `simdutf8` and nothing of the rest of this crate.

mod call;
mod callback;
mod closing;
mod comment;
mod error;
mod fault;
mod foreign;
mod json;
mod limits;
mod nesting;
mod non_finite;
mod number;
mod padding;
mod payload;
mod scan;
mod shape;
mod stops;
mod string;
#[cfg(test)]
mod tests;

pub use callback::{CallbackName, CallbackNameError};
pub use error::{Error, Kind, Reason};
pub use limits::Limits;
pub use payload::{Form, Payload, unwrap, validate};
pub use shape::{NonFinite, Prefix, PrefixError, Shape};
