//! Texts: bytes read as characters, simple case folding, word characters.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};
use std::sync::LazyLock;

/// What `?` stands for and what two texts are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Character {
    /// A Unicode scalar value.
    Scalar(char),
    /// A byte that is not part of valid UTF-8; equal only to itself.
    Invalid(u8),
}

/// Reads bytes as UTF-8; every byte that does not belong to a valid sequence stands for itself.
pub fn characters(bytes: &[u8]) -> Vec<Character> {
    let mut characters = Vec::new();
    for chunk in bytes.utf8_chunks() {
        characters.extend(chunk.valid().chars().map(Character::Scalar));
        characters.extend(chunk.invalid().iter().map(|&byte| Character::Invalid(byte)));
    }
    characters
}

/// The bytes that these characters were read from.
pub fn bytes(characters: &[Character]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for character in characters {
        match character {
            Character::Scalar(scalar) => {
                bytes.extend_from_slice(scalar.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Character::Invalid(byte) => bytes.push(*byte),
        }
    }
    bytes
}

/// The representative of all characters that differ only in case: the smallest scalar of the
/// class that `(?i)` of a regex gives. This is Unicode simple case folding (C and S).
pub fn fold(character: Character) -> Character {
    match character {
        // The smallest of a class with an ASCII letter is always the ASCII capital: no scalar
        // below the capitals has case.
        Character::Scalar(scalar) if scalar.is_ascii() => {
            Character::Scalar(scalar.to_ascii_uppercase())
        }
        Character::Scalar(scalar) => {
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(scalar, scalar)]);
            class.case_fold_simple();
            Character::Scalar(class.ranges()[0].start())
        }
        Character::Invalid(_) => character,
    }
}

/// Folds each character.
pub fn folded(characters: &[Character]) -> Vec<Character> {
    characters.iter().map(|&character| fold(character)).collect()
}

/// What `\w` means in Python's `re`, which the position rule of `windash` is defined by: letters,
/// numbers and the underscore, not combining marks.
pub fn is_word(character: Character) -> bool {
    static WORD: LazyLock<regex::Regex> =
        LazyLock::new(|| regex::Regex::new(r"\A[\p{L}\p{N}_]\z").expect("a valid regex"));
    match character {
        Character::Scalar(scalar) => WORD.is_match(scalar.encode_utf8(&mut [0; 4])),
        Character::Invalid(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Character::{Invalid, Scalar};

    #[test]
    fn invalid_bytes_stand_for_themselves() {
        let text = b"a\xc3\xa9\xff\xe2\x82z\xed\xa0\x80";
        let expected = [
            Scalar('a'),
            Scalar('é'),
            Invalid(0xff),
            Invalid(0xe2),
            Invalid(0x82),
            Scalar('z'),
            Invalid(0xed),
            Invalid(0xa0),
            Invalid(0x80),
        ];
        assert_eq!(characters(text), expected);
        assert_eq!(bytes(&expected), text);
        assert_eq!(fold(Invalid(b'a')), Invalid(b'a'));
    }

    #[test]
    fn folding_is_the_relation_of_case_insensitive_regexes() {
        let mut cased = 0;
        for scalar in '\0'..=char::MAX {
            let mut class = ClassUnicode::new([ClassUnicodeRange::new(scalar, scalar)]);
            class.case_fold_simple();
            let members: Vec<char> =
                class.iter().flat_map(|range| range.start()..=range.end()).collect();
            let Scalar(representative) = fold(Scalar(scalar)) else { panic!("{scalar:?}") };
            // Equal representatives exactly within the class: it contains the representative,
            // and all members have the same one.
            assert!(members.contains(&representative), "{scalar:?}");
            for &member in &members {
                assert_eq!(fold(Scalar(member)), Scalar(representative), "{scalar:?} {member:?}");
            }
            if members.len() > 1 {
                cased += 1;
                let regex = regex::Regex::new(&format!("(?i)\\A\\u{{{:x}}}\\z", scalar as u32));
                let regex = regex.unwrap();
                assert!(regex.is_match(&representative.to_string()), "{scalar:?}");
            }
        }
        assert!(cased > 2800, "only {cased} cased scalars");
    }

    #[test]
    fn folding_agrees_with_the_unicode_data_of_another_crate() {
        for scalar in '\0'..=char::MAX {
            let mapped = unicode_case_mapping::case_folded(scalar)
                .map_or(scalar, |code| char::from_u32(code.get()).expect("a scalar"));
            assert_eq!(fold(Scalar(scalar)), fold(Scalar(mapped)), "{scalar:?}");
            // And nothing more is equal: what folds to itself there represents one class here.
            let Scalar(representative) = fold(Scalar(scalar)) else { panic!("{scalar:?}") };
            let theirs = unicode_case_mapping::case_folded(representative)
                .map_or(representative, |code| char::from_u32(code.get()).expect("a scalar"));
            assert_eq!(theirs, mapped, "{scalar:?}");
        }
    }

    #[test]
    fn folding_examples() {
        let equal = |a: char, b: char| fold(Scalar(a)) == fold(Scalar(b));
        for (a, b) in [
            ('ä', 'Ä'),
            ('σ', 'ς'),
            ('Σ', 'ς'),
            ('k', '\u{212a}'),
            ('s', 'ſ'),
            ('ẞ', 'ß'),
            ('д', 'Д'),
        ] {
            assert!(equal(a, b), "{a} {b}");
        }
        for (a, b) in [('i', 'İ'), ('I', 'ı'), ('ß', 's'), ('e', 'é'), ('A', 'Α')] {
            assert!(!equal(a, b), "{a} {b}");
        }
    }

    #[test]
    fn word_characters_are_letters_numbers_and_underscore() {
        for scalar in ['a', 'Z', '0', '_', 'é', 'Ж', '中', '٣', '½', 'Ⅷ', 'ª'] {
            assert!(is_word(Scalar(scalar)), "{scalar:?}");
        }
        for scalar in ['-', '/', ' ', '*', '\u{301}', '\u{200d}', '‿', '–', '\0', '😀'] {
            assert!(!is_word(Scalar(scalar)), "{scalar:?}");
        }
        assert!(!is_word(Invalid(0xe9)));
    }
}
