//! The only ways the room looks at the body: a byte, eight bytes, blanks.
//! Not a cursor: offsets go in and come out, so that nothing here can step back unseen.
//!
//! **Invariant:** every look is counted in tests (`looks`), which is how linear work is proved.

use super::chunk;

#[inline(always)]
pub(super) fn byte(body: &[u8], at: usize) -> Option<u8> {
    #[cfg(test)]
    looks::count(1);
    body.get(at).copied()
}

/// Eight bytes from `at` on, or `None` where the body has fewer left.
#[inline(always)]
pub(super) fn chunk(body: &[u8], at: usize) -> Option<u64> {
    #[cfg(test)]
    looks::count(1);
    body.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// RFC 8259 §2: "Insignificant whitespace": space, horizontal tab, line feed, carriage return.
#[inline(always)]
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

/// The first offset from `at` on that is not whitespace. Mostly there is none or a single blank.
#[inline(always)]
pub(super) fn skip_space(body: &[u8], at: usize) -> usize {
    match byte(body, at) {
        Some(one) if is_space(one) => match byte(body, at + 1) {
            Some(two) if is_space(two) => skip_long_space(body, at + 2),
            _ => at + 1,
        },
        _ => at,
    }
}

#[inline(never)]
fn skip_long_space(body: &[u8], mut at: usize) -> usize {
    while let Some(one) = byte(body, at) {
        if one == b' ' {
            // Indentation: many of the same.
            at += chunk(body, at).map_or(1, chunk::spaces);
        } else if is_space(one) {
            at += 1;
        } else {
            break;
        }
    }
    at
}

/// How often a thread has looked at a body.
#[cfg(test)]
pub(super) mod looks {
    use std::cell::Cell;

    thread_local!(static LOOKS: Cell<usize> = const { Cell::new(0) });

    pub(in super::super) fn count(looks: usize) {
        LOOKS.set(LOOKS.get() + looks);
    }

    pub(in super::super) fn take() -> usize {
        LOOKS.replace(0)
    }
}
