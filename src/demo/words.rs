//! Words of a text without case and accents, for matching. Not a language: no stems, no stop words.

/// The words of `text`, lower-case and without accents, each with a space on both sides: `" l aire "`.
/// So a word is found as `" aire "`, a phrase as `" l aire "` and a prefix as `" ai"`.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len() + 2);
    folded.push(' ');
    for character in text.chars().flat_map(char::to_lowercase).filter(|c| !is_mark(*c)) {
        if character.is_alphanumeric() {
            folded.push(base(character));
        } else if !folded.ends_with(' ') {
            folded.push(' ');
        }
    }
    if !folded.ends_with(' ') {
        folded.push(' ');
    }
    folded
}

/// Whether what [`fold`] made of a text says nothing.
pub(super) fn is_blank(folded: &str) -> bool {
    folded == " "
}

/// Combining accents, and the dot inside Catalan `l·l`, are part of a word and no letters.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '·')
}

/// The letter below the accent, for the languages of the demonstration: Catalan and its
/// neighbours, and modern Greek.
fn base(character: char) -> char {
    match character {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        'ŀ' => 'l',
        'ά' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{fold, is_blank};

    #[test]
    fn case_and_accents_do_not_matter() {
        assert_eq!(fold("Qualitat de l'AIRE"), " qualitat de l aire ");
        assert_eq!(fold("Αέρας"), fold("αερασ"));
        assert_eq!(fold("Geltrú, paral·lel"), " geltru parallel ");
        assert_eq!(fold("e\u{301}"), fold("é"));
        assert!(is_blank(&fold(" 🟢 – ")));
        assert!(is_blank(&fold("")));
    }
}
