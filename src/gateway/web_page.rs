//! Whether content is a web page where JSON was expected, and of which kind, so that people are told
//! what they would have seen. It renders nothing.

/// How much of the content is looked at, in bytes: 16 KiB, more than a page's head.
const LOOK: usize = 16 << 10;

/// A web page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebPage {
    /// One that asks for a password.
    Login,
    /// Another one.
    Other,
}

impl WebPage {
    /// The kind of page, if it is one.
    pub(super) fn of(content: &[u8]) -> Option<Self> {
        let start = content.strip_prefix("\u{feff}".as_bytes()).unwrap_or(content);
        let start = start.trim_ascii_start();
        let look = start[..start.len().min(LOOK)].to_ascii_lowercase();
        let is_page = look.starts_with(b"<!doctype html")
            || look.starts_with(b"<html")
            || (look.starts_with(b"<") && memchr::memmem::find(&look, b"<html").is_some());
        if !is_page {
            return None;
        }
        let has = |text: &str| memchr::memmem::find(&look, text.as_bytes()).is_some();
        let title = memchr::memmem::find(&look, b"<title").map_or(&b""[..], |from| {
            let rest = &look[from..];
            &rest[..memchr::memmem::find(rest, b"</title").unwrap_or(rest.len())]
        });
        let titled = |text: &str| memchr::memmem::find(title, text.as_bytes()).is_some();
        let asks = has("type=\"password\"") || has("type='password'") || has("type=password");
        let names = ["login", "log in", "sign in", "sign-in"].iter().any(|name| titled(name));
        Some(if asks || names { Self::Login } else { Self::Other })
    }

    /// What it is, in words.
    pub(super) const fn sentence(self) -> &'static str {
        match self {
            Self::Login => "it is a login page (HTML)",
            Self::Other => "it is a web page (HTML)",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_apart() {
        for (content, expected) in [
            ("<!DOCTYPE html><title>Sign in</title>", Some(WebPage::Login)),
            ("\n<html><form><input type=\"password\">", Some(WebPage::Login)),
            ("\u{feff}<html><body>log in here</body>", Some(WebPage::Other)),
            ("<?xml version=\"1.0\"?><html/>", Some(WebPage::Other)),
            ("<?xml version=\"1.0\"?><ServiceException/>", None),
            ("{\"a\": \"<html>\"}", None),
            ("", None),
        ] {
            assert_eq!(WebPage::of(content.as_bytes()), expected, "{content}");
        }
    }
}
