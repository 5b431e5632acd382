//! Values inside longer texts: statements, lists, addresses with ports.
//!
//! A *word* is a run of letters and digits of ASCII, `.`, `-` and `_`; what may be an address, a hash,
//! a name or a file's name is one word. IPv6 addresses, mail addresses and URLs are found by the `:`
//! and `@` in them. Characters beyond ASCII end a word: texts in scripts without blanks name domains
//! between them.
//!
//! Nothing that is looked up is without a mark. So a first pass finds [`marks`](super::marks), many
//! bytes at a time, and only what stands around one without a gap is taken apart into words.
//!
//! A backslash is both an escape and a separator of paths. Two of them are one separator; behind a
//! single one a letter that makes an escape may belong to the word or not (`\nevil.example`,
//! `C:\new.exe`), so the word is looked up with it and without it.

use super::Search;
use super::look::LONGEST_NAME;
use super::marks::Marks;
use crate::engine::vector::next_mark;
use crate::event::address::octets;
use crate::ruleset::indicators::{kind, url};

/// A byte of a word.
const WORD: u8 = 1;
/// A hexadecimal digit.
const HEX: u8 = 2;
/// A digit or a dot.
const NUMERIC: u8 = 4;
const DOT: u8 = 8;
/// A byte of an IPv6 address.
const V6: u8 = 16;
/// Not of a word, and says something about those beside it.
const SPECIAL: u8 = 32;
/// Ends a URL.
const URL_END: u8 = 64;
/// Ends a URL in some writing: punctuation around it.
const URL_BREAK: u8 = 128;

static CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        table[at] = match byte {
            b'0'..=b'9' => WORD | HEX | NUMERIC | V6,
            b'a'..=b'f' | b'A'..=b'F' => WORD | HEX | V6,
            b'g'..=b'z' | b'G'..=b'Z' | b'-' | b'_' => WORD,
            b'.' => WORD | NUMERIC | DOT | V6,
            b'/' | b'@' => SPECIAL,
            b'\\' => SPECIAL | URL_END | URL_BREAK,
            b':' => SPECIAL | V6,
            0..=b' ' | 0x7f | b'\'' | b'"' | b'`' | b'<' | b'>' => URL_END | URL_BREAK,
            b'(' | b')' | b',' | b';' | b'|' | b'^' | b'{' | b'}' => URL_BREAK,
            _ => 0,
        };
        at += 1;
    }
    table
};

#[inline(always)]
fn has(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

/// The length of the word that a text begins with, and the classes that one and that all of its bytes
/// have.
#[inline(always)]
fn classes(text: &[u8]) -> (usize, u8, u8) {
    let (mut len, mut any, mut all) = (0, 0, u8::MAX);
    for &byte in text {
        let class = CLASSES[byte as usize];
        if class & WORD == 0 {
            break;
        }
        any |= class;
        all &= class;
        len += 1;
    }
    (len, any, all)
}

/// Whether a byte may stand before the `@` of a mail address.
fn is_local(byte: u8) -> bool {
    has(byte, WORD) || matches!(byte, b'%' | b'+')
}

/// Whether a byte makes an escape of the backslash before it.
fn is_escape(byte: u8) -> bool {
    matches!(byte, b'n' | b'r' | b't' | b'b' | b'0' | b'Z')
}

/// The longest text of an IPv6 address.
const LONGEST_V6: usize = 45;
/// The longest part before the `@` of a mail address.
const LONGEST_LOCAL: usize = 64;
/// Most URLs that are looked up in a text without blanks and quotes: each of them reaches to its end.
const URLS_IN_A_ROW: u32 = 8;

/// How far a pass has come.
#[derive(Default)]
struct Pass {
    /// What stands before the next word separates the parts of a path.
    in_path: bool,
    /// The next word's first letter may belong to an escape.
    escape: bool,
    /// The end of the last text that may have been an IPv6 address.
    v6_end: usize,
    /// The end of the last text that may have been a URL, and how many began in it.
    url_end: usize,
    urls: u32,
}

impl Search<'_> {
    /// Looks for all kinds of this field inside a text.
    #[inline]
    pub(super) fn words(&mut self, text: &[u8]) {
        // PERF: what most fields have that are looked at.
        if let Some(octets) = octets(text) {
            return self.numeric(text, octets);
        }
        let marks = Marks::of(self.kinds);
        // PERF: most texts have none, and are done without a call.
        if let Some(mark) = next_mark(self.seeker.vectors, marks, text, 0) {
            self.words_around(text, mark, marks);
        }
    }

    /// Looks for all kinds around the first mark of a text, and behind that.
    #[inline(never)]
    fn words_around(&mut self, text: &[u8], first: usize, marks: Marks) {
        let vectors = self.seeker.vectors;
        let mut pass = Pass::default();
        let (mut at, mut next) = (0, Some(first));
        while let Some(mark) = next {
            let before = text[at..mark].iter().rev();
            let start = mark - before.take_while(|byte| has(**byte, WORD | SPECIAL)).count();
            at = self.words_from(text, start, &mut pass);
            next = next_mark(vectors, marks, text, at);
        }
    }

    /// Takes apart what begins at `start`, to the next byte that is neither of a word nor says
    /// something about one beside it: where that is.
    fn words_from(&mut self, text: &[u8], start: usize, pass: &mut Pass) -> usize {
        (pass.in_path, pass.escape) = (false, false);
        let mut at = start;
        while let Some(&byte) = text.get(at) {
            let class = CLASSES[byte as usize];
            if class & WORD != 0 {
                let (len, any, all) = classes(&text[at..]);
                let word = &text[at..at + len];
                self.word(word, any, all, pass.in_path);
                if pass.escape {
                    let (_, any, all) = classes(&word[1..]);
                    self.word(&word[1..], any, all, pass.in_path);
                }
                (pass.in_path, pass.escape) = (false, false);
                at += len;
            } else if class & SPECIAL != 0 {
                at += self.special(text, at, pass);
            } else {
                break;
            }
        }
        at
    }

    /// What stands between words and says something about them: how many bytes it has.
    fn special(&mut self, text: &[u8], at: usize, pass: &mut Pass) -> usize {
        let next = text.get(at + 1);
        pass.in_path = matches!(text[at], b'/' | b'\\');
        pass.escape = text[at] == b'\\' && next.is_some_and(|next| is_escape(*next));
        match text[at] {
            b'\\' if next == Some(&b'\\') => return 2,
            b':' => self.colon(text, at, pass),
            b'@' if self.wants(kind::bit(kind::EMAIL)) => self.at_sign(text, at),
            _ => {}
        }
        1
    }

    /// Looks a word up as all that it may be.
    #[inline]
    fn word(&mut self, word: &[u8], any: u8, all: u8, in_path: bool) {
        if word.is_empty() {
            return;
        }
        if all & HEX != 0 {
            if word.len() >= 32 && self.wants(kind::HASHES) {
                self.hash(word);
            }
        } else if any & DOT == 0
            && matches!(word, [b'0', b'x' | b'X', ..])
            && self.wants(kind::HASHES)
        {
            self.hash(&word[2..]);
        }
        if any & DOT == 0 && !in_path {
            return;
        }
        let mut word = word;
        while let Some(rest) = word.strip_suffix(b".") {
            word = rest;
        }
        if all & NUMERIC != 0
            && let Some(octets) = octets(word)
        {
            return self.numeric(word, octets);
        }
        let domain = if any & DOT != 0 { kind::bit(kind::DOMAIN) } else { 0 };
        self.name(word, domain | kind::bit(kind::FILE_NAME));
    }

    /// Looks up a word that is an IPv4 address, which may also be the name of a file.
    fn numeric(&mut self, word: &[u8], octets: [u8; 4]) {
        if self.wants(kind::ADDRESSES) {
            self.ipv4(octets);
        }
        self.name(word, kind::bit(kind::DOMAIN) | kind::bit(kind::FILE_NAME));
    }

    /// What a `:` may be in: a URL, an IPv6 address.
    fn colon(&mut self, text: &[u8], at: usize, pass: &mut Pass) {
        if text[at + 1..].starts_with(b"//") {
            if self.wants(kind::bit(kind::URL)) {
                self.url_at(text, at, pass);
            }
            return;
        }
        if at < pass.v6_end || !self.wants(kind::ADDRESSES) {
            return;
        }
        let before = text[at.saturating_sub(LONGEST_V6)..at].iter().rev();
        let mut start = at - before.take_while(|byte| has(**byte, V6)).count();
        let behind = text[at..].iter().take(LONGEST_V6 + 1).take_while(|byte| has(**byte, V6));
        let mut end = at + behind.count();
        pass.v6_end = end;
        while text[start..end].ends_with(b".") {
            end -= 1;
        }
        if text[start..end].ends_with(b":") && !text[start..end].ends_with(b"::") {
            end -= 1;
        }
        if text[start..end].starts_with(b":") && !text[start..end].starts_with(b"::") {
            start += 1;
        }
        let run = &text[start..end];
        // PERF: most are times. An address without `::` has seven colons, or six before an IPv4 one.
        let colons = run.iter().filter(|byte| **byte == b':').count();
        if colons >= 6 || colons >= 2 && run.windows(2).any(|pair| pair == b"::") {
            self.ipv6(run);
        }
    }

    /// The URL whose scheme ends at `at`: to the end of the text without blanks and quotes, without
    /// punctuation at its end, and to the first punctuation that may stand behind it.
    fn url_at(&mut self, text: &[u8], at: usize, pass: &mut Pass) {
        if at >= pass.url_end {
            pass.urls = 0;
        }
        if pass.urls == URLS_IN_A_ROW {
            return;
        }
        let Some(start) = url::scheme_start(text, at) else { return };
        let rest = &text[at..];
        let class = |class: u8| move |byte: &u8| has(*byte, class);
        let len = rest.iter().position(class(URL_END)).unwrap_or(rest.len());
        pass.url_end = at + len;
        pass.urls += 1;
        let broken = rest[..len].iter().position(class(URL_BREAK)).unwrap_or(len);
        let whole = &text[start..at + len];
        let bare = without_punctuation(whole);
        let short = without_punctuation(&text[start..at + broken]);
        self.url(whole);
        if bare.len() < whole.len() {
            self.url(bare);
        }
        if short.len() < bare.len() {
            self.url(short);
        }
    }

    /// The mail address around an `@`.
    fn at_sign(&mut self, text: &[u8], at: usize) {
        let before = text[at.saturating_sub(LONGEST_LOCAL)..at].iter().rev();
        let start = at - before.take_while(|byte| is_local(**byte)).count();
        let behind = text[at + 1..].iter().take(LONGEST_NAME).take_while(|byte| has(**byte, WORD));
        let mut end = at + 1 + behind.count();
        while end > at + 1 && text[end - 1] == b'.' {
            end -= 1;
        }
        if start == at || end == at + 1 {
            return;
        }
        self.email(&text[start..end]);
        let escaped = start > 0 && text[start - 1] == b'\\' && is_escape(text[start]);
        if escaped && start + 1 < at {
            self.email(&text[start + 1..end]);
        }
    }
}

/// A URL without what may be punctuation of the text around it.
fn without_punctuation(mut url: &[u8]) -> &[u8] {
    while let [
        rest @ ..,
        b'.' | b',' | b';' | b':' | b'!' | b'?' | b')' | b']' | b'}' | b'|' | b'*',
    ] = url
    {
        url = rest;
    }
    url
}
