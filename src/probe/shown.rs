//! A portal's text made fit to be shown: short, on one line, and without anything a terminal would
//! obey. It judges no meaning.

/// The longest excerpt of a portal's text, in characters: a line of a terminal. What is longer ends
/// with `…`.
pub(super) const LONGEST: usize = 80;

/// The text with what is invisible or acts on a terminal written as `\u{…}`, cut to
/// [`LONGEST`] characters.
pub(super) fn shown(text: &str) -> String {
    let mut result = String::new();
    let mut length = 0;
    for character in text.trim().chars() {
        let piece = if is_unsafe(character) {
            character.escape_unicode().to_string()
        } else {
            character.to_string()
        };
        length += piece.chars().count();
        if length > LONGEST {
            result.push('…');
            return result;
        }
        result.push_str(&piece);
    }
    result
}

/// The same of bytes that may be no text.
pub(super) fn shown_bytes(bytes: &[u8]) -> String {
    // More bytes than can be shown need not be decoded.
    shown(&String::from_utf8_lossy(&bytes[..bytes.len().min(8 * LONGEST)]))
}

/// Control characters (C0, DEL, C1), line and paragraph separators, and format characters that hide
/// or reorder what stands around them.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(
            shown("a\x1b[31mb\u{9b}c\r\n\u{202e}d"),
            r"a\u{1b}[31mb\u{9b}c\u{d}\u{a}\u{202e}d"
        );
        assert_eq!(shown("  Dades obertes · Ανοικτά  "), "Dades obertes · Ανοικτά");
        assert_eq!(shown_bytes(b"\xff\x07x"), "\u{fffd}\\u{7}x");
    }

    #[test]
    fn an_excerpt_is_short() {
        assert_eq!(shown(&"a".repeat(100_000)).chars().count(), LONGEST + 1);
        assert!(shown(&"\x1b".repeat(100_000)).chars().count() <= LONGEST + 1);
    }
}
