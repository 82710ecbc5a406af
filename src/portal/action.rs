//! CKAN's actions by their paths. It knows no content.

use super::Portal;

impl Portal {
    /// The name of the action at a path (without needless escapes), if the portal has actions:
    /// `api/3/action/package_show`, `api/action/package_show`. A language may stand before it.
    #[must_use]
    pub fn action<'a>(&self, path: &'a str) -> Option<&'a str> {
        action(path).filter(|_| self.dialect.takes_post())
    }
}

fn action(path: &str) -> Option<&str> {
    let (before, name) = path.trim_end_matches('/').rsplit_once("/action/")?;
    let mut before = before.rsplit('/');
    let is_version = |part: &str| part.len() == 1 && part.bytes().all(|b| b.is_ascii_digit());
    let is_language = |part: &str| {
        (2..=12).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_alphabetic() || b"_-".contains(&b))
    };
    // Nothing else: a server in front of CKAN might take another part of the path for the action.
    let is_api = match before.next()? {
        "api" => true,
        version => is_version(version) && before.next() == Some("api"),
    } && before.next().is_none_or(is_language)
        && before.next().is_none();
    // What CKAN's own names are made of: a server in front of it may cut a path at other characters.
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (is_api && !name.is_empty() && name.bytes().all(is_name)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_the_last_segment_of_its_path() {
        for (path, expected) in [
            ("api/3/action/package_show", Some("package_show")),
            ("api/action/package_show/", Some("package_show")),
            ("ca/api/3/action/tag_list", Some("tag_list")),
            ("api/33/action/tag_list", None),
            ("api/3/action/", None),
            ("api/3/action/a/b", None),
            ("api/3/action/package_delete%3F/api/3/action/package_show", None),
            ("api/3/action/package_delete;/api/3/action/package_show", None),
            ("-/resource/x/api/3/action/package_show", None),
            ("user/delete/api/3/action/package_show", None),
            ("pt_BR/api/action/package_show", Some("package_show")),
            ("api/3/action/package_create;x_show", None),
            ("api/3/action/package_create%3Fx_show", None),
            ("action/tag_list", None),
            ("dataset/action/x", None),
        ] {
            assert_eq!(action(path), expected, "{path}");
        }
    }
}
