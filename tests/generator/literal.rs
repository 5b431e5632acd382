//! Literals as rule sets have them by the hundred: in families that share beginnings, ends, grams
//! and lengths, so that tables collide.

use super::Rng;

/// What the literals of a set are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Pieces of command lines and paths.
    Words,
    /// Two letters: everything overlaps with everything.
    Narrow,
    /// Any ASCII but controls.
    Printable,
    /// Characters that differ in nothing but the bit that tells cases apart.
    CaseTwins,
    /// One to three bytes.
    Short,
    /// Around 64 and 128 bytes, with long heads and tails in common.
    Long,
    /// One beginning again and again.
    Periodic,
    /// `SHA256=...` and the like.
    Hashes,
    /// Names and values with `=` between them, some like others on one side of it.
    Marked,
    /// Characters beyond ASCII, of which some fold to ASCII.
    Foreign,
    /// Options with dashes.
    Options,
    /// Texts of numbers and booleans.
    Numbers,
}

const PIECES: [&str; 20] = [
    "\\cmd.exe",
    "\\powershell.exe",
    "C:\\Windows\\System32\\",
    "C:\\Windows\\SysWOW64\\",
    "HKLM\\Software\\",
    " -enc ",
    " /c ",
    "http://",
    ".exe",
    ".dll",
    "SELECT ",
    "DROP TABLE ",
    "admin",
    "Invoke-",
    "mimikatz",
    "kiosk",
    "task",
    "%TEMP%",
    "'; --",
    "line\nbreak",
];

const FOREIGN: [&str; 16] = [
    "é", "É", "Ж", "ж", "Σ", "ς", "日本", "😀", "\u{212a}", "ſ", "ß", "İ", "–", "\u{301}",
    "\u{feff}", "ÿ",
];

/// `count` literals, none empty. Some may be equal.
pub fn literals(rng: &mut Rng, style: Style, count: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::with_capacity(count);
    while out.len() < count {
        let text = if out.is_empty() || rng.chance(60) {
            fresh(rng, style)
        } else {
            let other = rng.pick(&out).clone();
            relative(rng, style, other)
        };
        let len = if style == Style::Short { 3 } else { 200 };
        let text: String = text.chars().take(len).collect();
        if style == Style::Marked && !is_marked(&text) {
            continue;
        }
        if !text.is_empty() {
            out.push(text);
        }
    }
    out
}

/// Whether a literal has `=` with eight bytes behind it.
fn is_marked(text: &str) -> bool {
    text.split_once('=').is_some_and(|(_, behind)| behind.len() >= 8)
}

/// A literal that has nothing to do with another.
fn fresh(rng: &mut Rng, style: Style) -> String {
    match style {
        Style::Words => {
            let pieces = 1 + rng.below(3);
            (0..pieces).map(|_| rng.word(&PIECES)).collect()
        }
        Style::Narrow => from(rng, "ab", 1, 40),
        Style::Printable => (0..1 + rng.below(40)).map(|_| printable(rng)).collect(),
        Style::CaseTwins => from(rng, "aA@`[{]}\\|^~_\u{7f}P0\u{10}", 2, 12),
        Style::Short => {
            let alphabet =
                if rng.chance(80) { "abkKsS /-.\\1é" } else { "abcdefghijklmnopqrstuvwxyz" };
            from(rng, alphabet, 1, 3)
        }
        Style::Long => {
            let len = *rng.pick(&[60, 63, 64, 65, 66, 72, 127, 128, 129, 140]);
            // The same words in the same order: literals differ only somewhere.
            let mut text: String = PIECES.concat().chars().cycle().take(len).collect();
            if rng.chance(70) {
                let at = rng.below(len);
                text.replace_range(at..=at, "~");
            }
            text
        }
        Style::Periodic => {
            let unit = from(rng, "abc", 1, 3);
            let mut text = unit.repeat(1 + rng.below(24));
            if rng.chance(60) {
                text.push(*rng.pick(&['x', 'a', 'Z']));
            }
            text
        }
        Style::Hashes => {
            let (name, len) =
                *rng.pick(&[("MD5=", 32), ("SHA1=", 40), ("SHA256=", 64), ("IMPHASH=", 32)]);
            let name = if rng.chance(80) { name } else { "" };
            let hex = (0..len).map(|_| *rng.pick(&['0', '1', '7', '9', 'A', 'b', 'c', 'F']));
            name.chars().chain(hex).collect()
        }
        Style::Marked => {
            let mut text = rng.word(&["", "k", "Mask", "md5", "a=b", "==", "key "]).to_owned();
            for _ in 0..1 + rng.below(2) {
                text.push_str(rng.word(&["=", "=", "=", "=="]));
                if rng.chance(3) {
                    text.push_str(rng.word(&["ks01", "12345678", "Masks1234", "a"]));
                }
                text.push_str(&from(rng, "0123456789abcdefkKsS", 1, 20));
            }
            text.push_str(&from(rng, "0123456789abcdefkKsS", 16, 60));
            text
        }
        Style::Foreign => {
            let mut text = String::new();
            for _ in 0..1 + rng.below(4) {
                if rng.chance(60) {
                    text.push_str(&from(rng, "ksKSiaéx ", 1, 6));
                }
                text.push_str(rng.word(&FOREIGN));
            }
            text
        }
        Style::Options => {
            let dash = rng.word(&["-", "/", " -", " /", "--", "–", " – -"]);
            format!("{dash}{}{}", from(rng, "encuk", 1, 6), rng.word(&["", " ", " -x", "/y z"]))
        }
        Style::Numbers => match rng.below(5) {
            0 => (*rng.pick(&["true", "false", "0.5", "-7.25", "1e21"])).to_owned(),
            1 => rng.below(10).to_string(),
            2 => format!("-{}", rng.below(1000)),
            _ => rng.below(100_000).to_string(),
        },
    }
}

/// A literal that shares something with another.
fn relative(rng: &mut Rng, style: Style, other: String) -> String {
    let chars: Vec<char> = other.chars().collect();
    let len = chars.len();
    let tail = |from: usize| chars[from.min(len)..].iter().collect::<String>();
    let head = |to: usize| chars[..to.min(len)].iter().collect::<String>();
    match rng.below(8) {
        // The same head, as keys of several lengths see it.
        0 => head(*rng.pick(&[4, 8, 16, 24, 64])) + &fresh(rng, style),
        // The same tail.
        1 => fresh(rng, style) + &tail(len.saturating_sub(*rng.pick(&[4, 8, 16, 24, 64]))),
        // One character changed.
        2 => {
            let at = rng.below(len);
            head(at) + &fresh(rng, style).chars().take(1).collect::<String>() + &tail(at + 1)
        }
        // A part: what contains it, contains both.
        3 => head(1 + rng.below(len)),
        4 => tail(rng.below(len)),
        // The same length and ends.
        5 if len > 17 => {
            let middle: String = fresh(rng, style).chars().cycle().take(len - 16).collect();
            head(8) + &middle + &tail(len - 8)
        }
        6 => other.to_uppercase(),
        _ => other.to_lowercase(),
    }
}

fn from(rng: &mut Rng, alphabet: &str, least: usize, most: usize) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    (0..least + rng.below(most - least + 1)).map(|_| *rng.pick(&alphabet)).collect()
}

fn printable(rng: &mut Rng) -> char {
    char::from(b' ' + rng.below(95) as u8)
}
