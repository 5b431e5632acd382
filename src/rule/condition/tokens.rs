//! A condition's words, parentheses and everything else.

pub(super) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Open,
    Close,
    Pipe,
    Other,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    pub kind: Kind,
    pub text: &'t str,
    /// In characters.
    pub offset: usize,
}

pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut characters = text.char_indices().enumerate().peekable();
    while let Some((offset, (start, character))) = characters.next() {
        let is_word = |c: char| c == '*' || u8::try_from(c).is_ok_and(is_word_byte);
        let kind = match character {
            _ if character.is_whitespace() => continue,
            '(' => Kind::Open,
            ')' => Kind::Close,
            '|' => Kind::Pipe,
            _ if is_word(character) => Kind::Word,
            _ => Kind::Other,
        };
        let mut end = start + character.len_utf8();
        if kind == Kind::Word {
            while let Some((_, (at, next))) = characters.next_if(|(_, (_, next))| is_word(*next)) {
                end = at + next.len_utf8();
            }
        }
        tokens.push(Token { kind, text: &text[start..end], offset });
    }
    tokens
}
