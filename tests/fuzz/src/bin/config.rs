//! `portals.yaml` (`src/config`): any text is a configuration or is refused with a sentence of bounded
//! length; what is accepted means the same each time. Not a test of what it means.
#![no_main]

use std::collections::HashSet;

use libfuzzer_sys::fuzz_target;
use unpad::config;

/// What a refusal may be long beside the text that it is about.
const SENTENCE: usize = 4096;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = match config::parse("portals.yaml", text) {
        Err(error) => {
            let told = error.to_string();
            assert!(told.contains("portals.yaml"), "{told}");
            assert!(told.len() <= SENTENCE + 8 * text.len(), "{} bytes", told.len());
            return;
        }
        Ok(read) => read,
    };
    let again = config::parse("portals.yaml", text).expect("it was read");
    assert_eq!(format!("{again:?}"), format!("{read:?}"));
    let mut ids = HashSet::new();
    for portal in read.registry.iter() {
        assert!(ids.insert(portal.id.as_str()), "{} stands there twice", portal.id);
        // Whatever the base, the rewriting and the query: a target is below the base.
        for path in ["", "api/3/action/package_search", "a/b.csv"] {
            let Ok(target) = portal.target(path, Some("q=1")) else { continue };
            let base = portal.base.to_string();
            for url in [Some(target.url()), target.padded()].into_iter().flatten() {
                assert!(url.as_str().starts_with(&base), "{url} is not below {base}");
            }
        }
        let limits = &portal.terms(portal.id.as_str()).limits;
        assert!(limits.json_bytes > 0 && !limits.total_time.is_zero());
    }
});
