//! The only ways the validator looks at the body: a byte, several at once, blanks.
//! Not a cursor: offsets go in and come out.
//!
//! **Invariant:** every look is counted in tests (`looks`), which is how linear work is proved.

#[inline]
pub(super) fn byte(body: &[u8], at: usize) -> Option<u8> {
    #[cfg(test)]
    looks::count();
    body.get(at).copied()
}

/// The next `N` bytes, or `None` where the body has fewer left.
#[inline]
pub(super) fn bytes<const N: usize>(body: &[u8], at: usize) -> Option<&[u8; N]> {
    #[cfg(test)]
    looks::count();
    body.get(at..)?.first_chunk()
}

/// RFC 8259 §2, insignificant whitespace: space, horizontal tab, line feed, carriage return.
#[inline]
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

/// The first offset from `at` on that is not whitespace.
#[inline]
pub(super) fn skip_space(body: &[u8], mut at: usize) -> usize {
    while byte(body, at).is_some_and(is_space) {
        at += 1;
    }
    at
}

/// Where the next token starts if the next one is `mark`, whitespace around it skipped.
#[inline]
pub(super) fn behind(body: &[u8], at: usize, mark: u8) -> Option<usize> {
    // Nearly all documents have the mark at once, and one blank behind it (Python) or none.
    match bytes(body, at) {
        Some(&[one, b' ', three]) if one == mark && three > b' ' => Some(at + 2),
        Some(&[one, two, _]) if one == mark && two > b' ' => Some(at + 1),
        _ => {
            let at = skip_space(body, at);
            (byte(body, at) == Some(mark)).then(|| skip_space(body, at + 1))
        }
    }
}

/// How often this thread has looked at a body.
#[cfg(test)]
pub(super) mod looks {
    use std::cell::Cell;

    thread_local!(static LOOKS: Cell<usize> = const { Cell::new(0) });

    pub(in super::super) fn count() {
        LOOKS.set(LOOKS.get() + 1);
    }

    pub(in super::super) fn take() -> usize {
        LOOKS.replace(0)
    }
}
