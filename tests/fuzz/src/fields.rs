//! Fields of a message from lines such as `Name: value`. It judges nothing: what cannot stand in a
//! message is left out, as the HTTP library would have refused it.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The most fields that are read, far more than any message has.
const MOST: usize = 64;

/// The fields of some lines. A value may have any byte that HTTP allows.
pub fn of_lines(text: &[u8]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in text.split(|b| *b == b'\n').take(MOST) {
        let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            fields.append(name, value);
        }
    }
    fields
}

/// Two parts of an input, which a line of its own divides: `--`.
pub fn halves(data: &[u8]) -> (&[u8], &[u8]) {
    let bar = b"\n--\n";
    match data.windows(bar.len()).position(|window| window == bar) {
        Some(at) => (&data[..at], &data[at + bar.len()..]),
        None => (data, &[]),
    }
}
