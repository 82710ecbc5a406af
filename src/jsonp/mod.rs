//! A JSONP body in, the JSON inside out. Not a JavaScript engine, and not a JSON parser: nothing
//! is executed, decoded, rewritten or built; the answer is a range of the bytes that came in.
//!
//! # What is accepted
//!
//! ```text
//! body     = [BOM] *( WS / comment / ";" ) [guard] callback *WS "(" *WS JSON *WS ")" *( WS / ";" )
//!          / [BOM] *WS JSON *WS
//! guard    = "typeof" 1*WS callback *WS "===" *WS quote "function" quote *WS "&&" *WS
//!          / callback *WS "&&" *WS
//! comment  = "/*" … "*/" / "//" … LF
//! WS       = space / tab / LF / CR
//! ```
//!
//! The callback is compared byte for byte with the name that was asked for. Exactly one argument
//! is accepted, and JSON is RFC 8259 and nothing else: whatever JavaScript would also read
//! (`NaN`, single quotes, trailing commas) is refused with a sentence that says so. Bare JSON is
//! a form of its own, because portals pad only some of their answers. Lone surrogate escapes,
//! duplicate names and numbers of any size are valid by the grammar and pass through.
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
//! `payload` tells the story, `padding` reads what stands around the JSON (`foreign` recognises
//! calls of others), `json` checks the text with `string` (over `stops`), `number` and `nesting`,
//! and `fault` finds the words once something is wrong. `scan` is the only way the validator looks
//! at bytes.
//!
//! **Invariants:** offsets only grow, so the work is linear in the length of the body (counted in
//! tests, not timed). Nothing is allocated and nothing recurses. UTF-8 is checked only if a byte
//! of 0x80 or above stands in the JSON, and the whole body only when it is refused. The
//! room uses `std`, `memchr` and `simdutf8` and nothing of the rest of this crate.

mod callback;
mod error;
mod fault;
mod foreign;
mod json;
mod limits;
mod nesting;
mod number;
mod padding;
mod payload;
mod scan;
mod stops;
mod string;
#[cfg(test)]
mod tests;

pub use callback::{CallbackName, CallbackNameError};
pub use error::{Error, Reason};
pub use limits::Limits;
pub use payload::{Form, Payload, unwrap, validate};
