//! Small changes of a value: some keep a match, most do not.

use super::Rng;
use super::event::Ev;

/// Characters that fold together, or seem to.
const VARIANTS: [(char, char); 15] = [
    ('k', 'K'),
    ('K', 'K'),
    ('s', 'ſ'),
    ('S', 'ſ'),
    ('Σ', 'ς'),
    ('σ', 'ς'),
    ('ς', 'Σ'),
    ('é', 'É'),
    ('i', 'İ'),
    ('i', 'ı'),
    ('Ä', 'ä'),
    ('ß', 'ẞ'),
    ('Ж', 'ж'),
    ('-', '–'),
    ('-', '/'),
];

pub const DASHES: [&str; 5] = ["-", "/", "–", "—", "―"];

/// Flips the case of ASCII letters at random.
pub fn flip_case(rng: &mut Rng, bytes: &mut [u8]) {
    for byte in bytes.iter_mut() {
        if byte.is_ascii_alphabetic() && rng.chance(40) {
            *byte ^= 0x20;
        }
    }
}

/// Replaces `k` and `s` by the foreign characters that fold to them.
pub fn foreign_letters(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in text {
        match byte {
            b'k' | b'K' => out.extend("K".bytes()),
            b's' | b'S' => out.extend("ſ".bytes()),
            _ => out.push(byte),
        }
    }
    out
}

pub fn value(rng: &mut Rng, value: &Ev) -> Ev {
    match value {
        Ev::Str(bytes) => Ev::Str(text(rng, bytes)),
        Ev::Bool(value) => match rng.below(4) {
            0 => Ev::text(if *value { "True" } else { "false" }),
            1 => Ev::Int(i128::from(*value)),
            _ => Ev::Bool(!value),
        },
        Ev::Int(value) => match rng.below(6) {
            0 => Ev::Float(*value as f64),
            1 => Ev::text(&value.to_string()),
            2 => Ev::Int(value.saturating_neg()),
            3 => Ev::Int(value.saturating_mul(10)),
            4 => Ev::Int(value.saturating_sub(1)),
            _ => Ev::Int(value.saturating_add(1)),
        },
        Ev::Float(value) => match rng.below(5) {
            0 => Ev::Float(f64::from_bits(value.to_bits() ^ 1)),
            1 => Ev::Float(-value),
            2 if value.abs() < 1e30 => Ev::Int(*value as i128),
            3 => Ev::text(&format!("{value}")),
            _ => Ev::Float(value + 1.0),
        },
        Ev::Array(elements) => {
            let mut elements = elements.clone();
            if !elements.is_empty() {
                let at = rng.below(elements.len());
                match rng.below(4) {
                    0 => drop(elements.remove(at)),
                    1 => elements[at] = Ev::Array(vec![elements[at].clone()]),
                    2 => elements[at] = Ev::Object(vec![(b"x".to_vec(), elements[at].clone())]),
                    _ => elements[at] = self::value(rng, &elements[at]),
                }
            }
            Ev::Array(elements)
        }
        Ev::Object(entries) => {
            let mut entries = entries.clone();
            if !entries.is_empty() {
                let at = rng.below(entries.len());
                entries[at].1 = self::value(rng, &entries[at].1);
            }
            Ev::Object(entries)
        }
        Ev::Null => Ev::text(if rng.chance(50) { "" } else { "null" }),
        Ev::Ext => Ev::Null,
    }
}

fn text(rng: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let at = if out.is_empty() { 0 } else { rng.below(out.len()) };
    match rng.below(15) {
        0 => flip_case(rng, &mut out),
        1 if !out.is_empty() => out[at] = out[at].wrapping_add(1) & 0x7f | out[at] & 0x80,
        2 if !out.is_empty() => drop(out.remove(at)),
        3 => out.insert(at, b'\n'),
        4 => out.push(*rng.pick(b" \nx0")),
        5 => out.insert(0, *rng.pick(b" \nx0-")),
        6 => return foreign_letters(bytes),
        7 => return one_variant(rng, bytes),
        8 => {
            // A combining accent, a byte order mark, a zero-width space.
            let mark = *rng.pick(&["\u{301}", "\u{feff}", "\u{200b}", "é"]);
            out.splice(at..at, mark.bytes());
        }
        9 => out.insert(at, *rng.pick(&[0xff, 0x80, 0xe2, 0xc3])),
        10 => {
            if let Some(dash) = bytes.iter().position(|&byte| byte == b'-' || byte == b'/') {
                let other = *rng.pick(&DASHES);
                out.splice(dash..=dash, other.bytes());
            }
        }
        11 => out = [bytes, bytes].concat(),
        12 => out.truncate(at),
        13 => {
            // Latin-1 instead of UTF-8.
            if let Ok(text) = std::str::from_utf8(bytes) {
                return text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
            }
        }
        _ => {
            if let Ok(text) = std::str::from_utf8(bytes) {
                return if rng.chance(50) { text.to_uppercase() } else { text.to_lowercase() }
                    .into_bytes();
            }
        }
    }
    out
}

fn one_variant(rng: &mut Rng, bytes: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(bytes) else { return bytes.to_vec() };
    let start = rng.below(VARIANTS.len());
    for index in 0..VARIANTS.len() {
        let (from, to) = VARIANTS[(start + index) % VARIANTS.len()];
        if text.contains(from) {
            return text.replacen(from, &to.to_string(), 1).into_bytes();
        }
    }
    bytes.to_vec()
}
