//! String patterns: Sigma's escapes and wildcards, flag dashes, and matching.

use super::text::{self, Character, is_word};

/// One element of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Token {
    /// This character.
    Literal(Character),
    /// `?`: any one character.
    One,
    /// `*`: any number of characters.
    Many,
    /// A flag dash of `windash`: any one of [`DASHES`].
    Dash,
}

/// What introduces a flag on a Windows command line.
pub const DASHES: [char; 5] = ['-', '/', '–', '—', '―'];

/// Reads a rule's text: a backslash in front of `*`, `?` or a backslash makes that character
/// literal and disappears; any other backslash stands for itself.
pub fn parse(rule_text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = rule_text.chars().peekable();
    while let Some(scalar) = rest.next() {
        tokens.push(match scalar {
            '*' => Token::Many,
            '?' => Token::One,
            '\\' => match rest.next_if(|next| ['*', '?', '\\'].contains(next)) {
                Some(escaped) => literal(escaped),
                None => literal('\\'),
            },
            _ => literal(scalar),
        });
    }
    tokens
}

fn literal(scalar: char) -> Token {
    Token::Literal(Character::Scalar(scalar))
}

/// A pattern that stands for exactly these bytes.
pub fn literals(bytes: &[u8]) -> Vec<Token> {
    text::characters(bytes).into_iter().map(Token::Literal).collect()
}

/// `windash`: a dash between no word character and a word character is a flag dash (pySigma's
/// `\B[-/]\b`, with all five dashes). Wildcards are no word characters.
pub fn mark_flag_dashes(tokens: &mut [Token]) {
    let word = |token: Option<&Token>| matches!(token, Some(Token::Literal(character)) if is_word(*character));
    let flags: Vec<usize> = (0..tokens.len())
        .filter(|&at| DASHES.iter().any(|&dash| tokens[at] == literal(dash)))
        .filter(|&at| !word(at.checked_sub(1).map(|before| &tokens[before])))
        .filter(|&at| word(tokens.get(at + 1)))
        .collect();
    for at in flags {
        tokens[at] = Token::Dash;
    }
}

/// Every spelling of a pattern with flag dashes, as patterns without.
pub fn spell_out_dashes(tokens: &[Token]) -> Vec<Vec<Token>> {
    let mut spellings = vec![Vec::new()];
    for &token in tokens {
        let choices = match token {
            Token::Dash => DASHES.map(literal).to_vec(),
            _ => vec![token],
        };
        spellings = spellings
            .iter()
            .flat_map(|start| choices.iter().map(move |&choice| [&start[..], &[choice]].concat()))
            .collect();
    }
    spellings
}

/// The pattern that folded texts are compared with.
pub fn folded(tokens: &[Token]) -> Vec<Token> {
    tokens
        .iter()
        .map(|token| match token {
            Token::Literal(character) => Token::Literal(text::fold(*character)),
            _ => *token,
        })
        .collect()
}

impl Token {
    fn accepts(self, character: Character) -> bool {
        match self {
            Token::Literal(literal) => literal == character,
            Token::One => true,
            Token::Dash => DASHES.iter().any(|&dash| Character::Scalar(dash) == character),
            Token::Many => false,
        }
    }
}

/// Whether the pattern covers the whole text. Only the last `*` is ever retried: what an earlier
/// one could take over, the last one can take as well, so time is at most the product of the
/// two lengths.
pub fn matches(tokens: &[Token], text: &[Character]) -> bool {
    let (mut token, mut at) = (0, 0);
    // The token behind the last `*`, and where in the text it was last tried.
    let mut retry = None;
    loop {
        match tokens.get(token) {
            Some(Token::Many) => {
                token += 1;
                retry = Some((token, at));
                continue;
            }
            Some(expected) if at < text.len() && expected.accepts(text[at]) => {
                token += 1;
                at += 1;
                continue;
            }
            None if at == text.len() => return true,
            _ => {}
        }
        match retry {
            Some((behind, tried)) if tried < text.len() => {
                (token, at) = (behind, tried + 1);
                retry = Some((behind, tried + 1));
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every text over the alphabet up to the length.
    fn texts(alphabet: &[char], length: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut longest = all.clone();
        for _ in 0..length {
            longest = longest
                .iter()
                .flat_map(|start| alphabet.iter().map(move |&last| format!("{start}{last}")))
                .collect();
            all.extend(longest.iter().cloned());
        }
        all
    }

    /// Escapes, wildcards and matching at once, straight from the definition, by recursion.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        let same = |expected: char, rest: &[char]| {
            text.first() == Some(&expected) && naive(rest, &text[1..])
        };
        match pattern {
            [] => text.is_empty(),
            ['*', rest @ ..] => (0..=text.len()).any(|skipped| naive(rest, &text[skipped..])),
            ['?', rest @ ..] => !text.is_empty() && naive(rest, &text[1..]),
            ['\\', escaped @ ('*' | '?' | '\\'), rest @ ..] => same(*escaped, rest),
            [character, rest @ ..] => same(*character, rest),
        }
    }

    #[test]
    fn a_small_world_completely() {
        let patterns = texts(&['a', '*', '?', '\\'], 4);
        let values = texts(&['a', '\\', '*', 'b'], 4);
        assert_eq!((patterns.len(), values.len()), (341, 341));
        let mut positive = 0;
        for pattern in &patterns {
            let tokens = parse(pattern);
            let pattern: Vec<char> = pattern.chars().collect();
            for value in &values {
                let expected = naive(&pattern, &value.chars().collect::<Vec<_>>());
                let got = matches(&tokens, &text::characters(value.as_bytes()));
                assert_eq!(got, expected, "{pattern:?} on {value:?}");
                positive += usize::from(expected);
            }
        }
        assert!(positive > 10_000 && positive < 100_000, "{positive}");
    }

    #[test]
    fn escapes() {
        let star = [Token::Many];
        for (rule_text, before, wildcards) in [
            (r"\x", r"\x", &[][..]),
            (r"a\", r"a\", &[]),
            (r"\\", r"\", &[]),
            (r"\*", "*", &[]),
            (r"\?", "?", &[]),
            (r"\\*", r"\", &star),
            (r"\\\*", r"\*", &[]),
            (r"\\\\", r"\\", &[]),
            (r"\\\x", r"\\x", &[]),
            (r"\\\\*", r"\\", &star),
        ] {
            let expected = [&literals(before.as_bytes())[..], wildcards].concat();
            assert_eq!(parse(rule_text), expected, "{rule_text}");
        }
    }

    #[test]
    fn a_question_mark_is_one_scalar_or_one_invalid_byte() {
        let one = parse("?");
        for (value, expected) in [
            (&b"a"[..], true),
            ("é😀".as_bytes(), false),
            ("😀".as_bytes(), true),
            (b"\xff", true),
            (b"\xe2\x82", false),
        ] {
            assert_eq!(matches(&one, &text::characters(value)), expected, "{value:?}");
        }
    }

    #[test]
    fn flag_dashes_are_found_by_position() {
        for (rule_text, flags) in [
            ("-enc", &[0][..]),
            (" -enc ", &[1]),
            ("/c", &[0]),
            ("–a —b ―c", &[0, 3, 6]),
            ("-param-1", &[0]),
            (" - ", &[]),
            ("-", &[]),
            ("a-b", &[]),
            ("a_-b", &[]),
            ("é-b", &[]),
            ("-é", &[0]),
            ("-\u{301}", &[]),
            ("--all", &[1]),
            ("*-a", &[1]),
            ("-*", &[]),
            ("-?", &[]),
            ("a*-b", &[2]),
            (r"\*-b", &[1]),
            (r"-\*b", &[]),
            ("http://x", &[6]),
            ("-a -b/c", &[0, 3]),
        ] {
            let mut tokens = parse(rule_text);
            mark_flag_dashes(&mut tokens);
            let found: Vec<usize> =
                (0..tokens.len()).filter(|&at| tokens[at] == Token::Dash).collect();
            assert_eq!(found, flags, "{rule_text}");
        }
    }

    #[test]
    fn a_flag_dash_is_any_dash() {
        let mut tokens = parse("-a /b");
        mark_flag_dashes(&mut tokens);
        let spellings = spell_out_dashes(&tokens);
        assert_eq!(spellings.len(), 25);
        for first in DASHES {
            for second in DASHES {
                let value = text::characters(format!("{first}a {second}b").as_bytes());
                assert!(matches(&tokens, &value), "{first} {second}");
                assert_eq!(spellings.iter().filter(|one| matches(one, &value)).count(), 1);
            }
        }
        assert!(!matches(&tokens, &text::characters(b"+a -b")));
        assert!(!matches(&tokens, &text::characters(b"a -b")));
    }
}
