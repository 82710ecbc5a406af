//! Whether JSON that came with status 200 tells of a failure, by the members its dialect names. It
//! judges no other answers.

use std::collections::HashMap;

use serde_json::value::RawValue;

use crate::portal::InBand;

/// The longest content that is looked at, in bytes: 64 KiB. An answer that tells of a failure is
/// short; a longer one is data.
const LONGEST: usize = 64 << 10;

/// Whether one of the members at the top of the JSON says so.
pub(super) fn tells_of_failure(members: &[InBand], json: &[u8]) -> bool {
    if members.is_empty() || json.len() > LONGEST || json.first() != Some(&b'{') {
        return false;
    }
    // Of a name that stands twice, the last counts, as for most readers.
    let Ok(top) = serde_json::from_slice::<HashMap<String, &RawValue>>(json) else { return false };
    members.iter().any(|member| match member {
        InBand::Member(name) => top.contains_key(*name),
        InBand::False(name) => top.get(*name).is_some_and(|value| value.get() == "false"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_members_at_the_top_count() {
        let error = |json: &str| tells_of_failure(&[InBand::Member("error")], json.as_bytes());
        assert!(error(r#"{"error": {"code": 400}}"#));
        assert!(error(r#"{"a": 1, "\u0065rror": null}"#));
        assert!(!error(r#"{"a": {"error": 1}}"#));
        assert!(!error(r#"[{"error": 1}]"#));
        let failure = |json: &str| tells_of_failure(&[InBand::False("success")], json.as_bytes());
        assert!(failure(r#"{"help": "", "success": false}"#));
        assert!(!failure(r#"{"success": true}"#));
        assert!(!failure(r#"{"success": "false"}"#));
        let long = format!(r#"{{"success": false, "x": "{}"}}"#, "x".repeat(LONGEST));
        assert!(!failure(&long));
    }
}
