//! Wildcard patterns. Between two `*` the leftmost place that fits is always right, so nothing
//! is ever tried again further back: no exponential time.

use crate::event::fold::{char_len, is_boundary};
use crate::ruleset::tables::{Tables, Token, token};

/// The length of the dash that `text` begins with, 0 if it begins with none: `-`, `/`, or one of
/// U+2013 to U+2015, which `windash` holds equal to them.
fn dash_len(text: &[u8]) -> usize {
    match text {
        [b'-' | b'/', ..] => 1,
        [0xE2, 0x80, 0x93..=0x95, ..] => 3,
        _ => 0,
    }
}

/// The length of the dash that `text` ends with.
fn last_dash_len(text: &[u8]) -> usize {
    match text {
        [.., b'-' | b'/'] => 1,
        [.., 0xE2, 0x80, 0x93..=0x95] => 3,
        _ => 0,
    }
}

struct Glob<'a> {
    tables: &'a Tables,
    text: &'a [u8],
    ragged: bool,
}

/// Whether `text` as a whole matches the tokens. `ragged` literals may only begin and end
/// between characters.
pub fn matches(tables: &Tables, tokens: &[Token], text: &[u8], ragged: bool) -> bool {
    let glob = Glob { tables, text, ragged };
    let mut runs = tokens.split(|t| t.kind == token::ANY);
    // The first run is anchored at the start, the last at the end; those between are found
    // one after the other.
    let Some(first) = runs.next() else { return text.is_empty() };
    let Some(mut at) = glob.run_at(first, 0) else { return false };
    let Some(mut run) = runs.next() else { return at == text.len() };
    for next in runs {
        match glob.find(run, at) {
            Some(end) => at = end,
            None => return false,
        }
        run = next;
    }
    glob.is_tail(run, at)
}

impl Glob<'_> {
    fn needle(&self, token: &Token) -> &[u8] {
        &self.tables.needles[token.a as usize..(token.a + token.b) as usize]
    }

    /// The end of a run that begins at `at`, if it fits there.
    fn run_at(&self, run: &[Token], mut at: usize) -> Option<usize> {
        for token in run {
            let rest = self.text.get(at..)?;
            at += match token.kind {
                token::LITERAL => {
                    let needle = self.needle(token);
                    let end = at + needle.len();
                    let fits = rest.starts_with(needle)
                        && (!self.ragged
                            || is_boundary(self.text, at) && is_boundary(self.text, end));
                    if !fits {
                        return None;
                    }
                    needle.len()
                }
                token::ONE => match char_len(rest) {
                    0 => return None,
                    len => len,
                },
                _ => match dash_len(rest) {
                    0 => return None,
                    len => len,
                },
            };
        }
        Some(at)
    }

    /// The end of the leftmost fit of a run at or behind `at`.
    fn find(&self, run: &[Token], mut at: usize) -> Option<usize> {
        let Some(first) = run.first() else { return Some(at) };
        loop {
            // To where it can fit: most places of a text are no dash and no beginning of a literal.
            at += match first.kind {
                token::LITERAL => memchr::memmem::find(self.text.get(at..)?, self.needle(first))?,
                token::DASH => memchr::memchr3(b'-', b'/', 0xE2, self.text.get(at..)?)?,
                _ => 0,
            };
            if let Some(end) = self.run_at(run, at) {
                return Some(end);
            }
            at += char_len(self.text.get(at..)?).max(1);
            if at > self.text.len() {
                return None;
            }
        }
    }

    /// Whether a run fits so that it ends with the text and begins at or behind `from`.
    fn is_tail(&self, run: &[Token], from: usize) -> bool {
        let mut end = self.text.len();
        for token in run.iter().rev() {
            let Some(before) = self.text.get(from..end) else { return false };
            let len = match token.kind {
                token::LITERAL => {
                    let needle = self.needle(token);
                    let start = end.wrapping_sub(needle.len());
                    let fits = before.ends_with(needle)
                        && (!self.ragged
                            || is_boundary(self.text, start) && is_boundary(self.text, end));
                    if !fits {
                        return false;
                    }
                    needle.len()
                }
                token::ONE => match last_char_len(before) {
                    0 => return false,
                    len => len,
                },
                _ => match last_dash_len(before) {
                    0 => return false,
                    len => len,
                },
            };
            end -= len;
        }
        true
    }
}

/// The length of the last character of `text`.
fn last_char_len(text: &[u8]) -> usize {
    let longest = text.len().min(4);
    (1..=longest)
        .rev()
        .find(|&len| len > 1 && char_len(&text[text.len() - len..]) == len)
        .unwrap_or(longest.min(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tokens of a pattern in which `*`, `?` and `-` mean any, one and dash.
    fn tables(pattern: &str) -> Tables {
        let mut tables = Tables::default();
        for c in pattern.chars() {
            let start = tables.needles.len() as u32;
            let kind = match c {
                '*' => token::ANY,
                '?' => token::ONE,
                '-' => token::DASH,
                c => {
                    tables.needles.extend_from_slice(c.to_string().as_bytes());
                    token::LITERAL
                }
            };
            let len = tables.needles.len() as u32 - start;
            tables.tokens.push(Token { kind, a: start, b: len });
        }
        tables
    }

    /// Obvious and exponential.
    fn naive(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('*', rest)) => (0..=text.len()).any(|skip| naive(rest, &text[skip..])),
            Some((p, rest)) => text.split_first().is_some_and(|(t, tail)| {
                (*p == '?' || *p == *t || *p == '-' && "-/–—―".contains(*t)) && naive(rest, tail)
            }),
        }
    }

    #[test]
    fn small_world() {
        let words = |alphabet: &str, max: usize| {
            let mut all = vec![String::new()];
            let mut last = all.clone();
            for _ in 0..max {
                last = last
                    .iter()
                    .flat_map(|w| alphabet.chars().map(move |c| format!("{w}{c}")))
                    .collect();
                all.extend(last.iter().cloned());
            }
            all
        };
        let texts = words("aé–", 4);
        for pattern in words("aé*?-", 4) {
            let tables = tables(&pattern);
            let chars: Vec<char> = pattern.chars().collect();
            for text in &texts {
                let expected = naive(&chars, &text.chars().collect::<Vec<_>>());
                for ragged in [false, true] {
                    let found = matches(&tables, &tables.tokens, text.as_bytes(), ragged);
                    assert_eq!(found, expected, "{pattern} on {text}");
                }
            }
        }
    }

    #[test]
    fn many_stars_stay_polynomial() {
        let tables = tables(&"a*".repeat(40));
        let text = "a".repeat(2000) + "b";
        assert!(matches(&tables, &tables.tokens, text.as_bytes(), false));
    }

    #[test]
    fn invalid_bytes_are_characters() {
        let tables = tables("?");
        assert!(matches(&tables, &tables.tokens, b"\xff", false));
        assert!(!matches(&tables, &tables.tokens, b"\xff\xff", false));
    }
}
