//! Member expressions such as `a.b`, `window['x']` and `callbacks[0]`: what a script may call.
//! Not the whole of JavaScript's expressions, and not their meaning: one is recognised, so that a
//! call of another function can be told from a page that is no script at all.

use super::callback::is_reserved;
use super::scan::{byte, skip_space};

/// The offset behind the longest member expression that starts at `at`, or `None` if none does.
///
/// A word that JavaScript reserves is not the start of one, except `this` before a member.
pub(super) fn expression(body: &[u8], at: usize) -> Option<usize> {
    let mut end = identifier(body, at)?;
    let first = &body[at..end];
    loop {
        let next = skip_space(body, end);
        end = match byte(body, next) {
            Some(b'.') => identifier(body, skip_space(body, next + 1))?,
            Some(b'[') => subscript(body, skip_space(body, next + 1))?,
            _ => break,
        };
    }
    let lone = end == at + first.len();
    (!is_reserved(first) || (first == b"this" && !lone)).then_some(end)
}

/// Whether an identifier goes on at `at`.
pub(super) fn continues(body: &[u8], at: usize) -> bool {
    part(body, at).is_some()
}

/// ECMA-262 §12.7, `IdentifierName`.
pub(super) fn identifier(body: &[u8], start: usize) -> Option<usize> {
    if byte(body, start)?.is_ascii_digit() {
        return None;
    }
    let mut at = part(body, start)?;
    while let Some(end) = part(body, at) {
        at = end;
    }
    Some(at)
}

/// ECMA-262 §12.7, `IdentifierPart`: a letter or digit of any script, or its escape.
fn part(body: &[u8], at: usize) -> Option<usize> {
    match byte(body, at)? {
        b'_' | b'$' => Some(at + 1),
        b'\\' => unicode_escape(body, at),
        0x80.. => letter(body, at),
        one => one.is_ascii_alphanumeric().then_some(at + 1),
    }
}

fn letter(body: &[u8], at: usize) -> Option<usize> {
    let most = &body[at..body.len().min(at + 4)];
    let one = (2..=most.len()).find_map(|length| std::str::from_utf8(&most[..length]).ok())?;
    let letter = one.chars().next()?;
    letter.is_alphanumeric().then_some(at + letter.len_utf8())
}

fn unicode_escape(body: &[u8], at: usize) -> Option<usize> {
    let digits = |from: usize, most: usize| {
        (0..most)
            .take_while(|n| byte(body, from + n).is_some_and(|d| d.is_ascii_hexdigit()))
            .count()
    };
    match (byte(body, at + 1)?, byte(body, at + 2)?) {
        (b'u', b'{') => {
            let end = at + 3 + digits(at + 3, 6);
            (end > at + 3 && byte(body, end) == Some(b'}')).then_some(end + 1)
        }
        (b'u', _) => (digits(at + 2, 4) == 4).then_some(at + 6),
        _ => None,
    }
}

/// What stands in brackets: a string, an index or a name. Returns the offset behind the bracket.
fn subscript(body: &[u8], start: usize) -> Option<usize> {
    let mut at = match byte(body, start)? {
        quote @ (b'\'' | b'"') => quoted(body, start + 1, quote)?,
        b'0'..=b'9' => start + 1,
        _ => identifier(body, start)?,
    };
    if byte(body, start)?.is_ascii_digit() {
        while byte(body, at)?.is_ascii_digit() {
            at += 1;
        }
    }
    at = skip_space(body, at);
    (byte(body, at) == Some(b']')).then_some(at + 1)
}

fn quoted(body: &[u8], mut at: usize, quote: u8) -> Option<usize> {
    loop {
        match byte(body, at)? {
            b'\n' | b'\r' => return None,
            b'\\' => at += 2,
            one if one == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn member_expressions_are_recognised_to_their_end() {
        for (text, length) in [
            ("a(1)", 1),
            ("_$9 (", 3),
            ("a.b.c(", 5),
            ("a . b(", 5),
            ("window['x'](", 11),
            ("window[\"a\\\"]\"](", 14),
            ("callbacks[10].f(", 15),
            ("this.x(", 6),
            ("été(", 5),
            ("\\u0061b(", 7),
            ("\\u{61}(", 6),
            ("a\u{200b}b(", 1),
        ] {
            assert_eq!(expression(text.as_bytes(), 0), Some(length), "{text}");
        }
    }

    #[test]
    fn other_texts_are_not_member_expressions() {
        for text in [
            "", "1a", "(", "<a", "while(1)", "this(1)", "a.", "a[", "a['x", "a[]", "a['x\n']",
            "\\x(",
        ] {
            assert_eq!(expression(text.as_bytes(), 0), None, "{text}");
        }
    }
}
