//! Detection items: every chain of modifiers with every kind of value it takes.

use super::Rng;
use super::event::State;
use super::rule::Val;

/// The kind of an item's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Text,
    Wildcard,
    Empty,
    Int,
    Float,
    Bool,
    Null,
    Regex,
    Network,
    Field,
    Placeholder,
    Time,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The field; for keywords, the field of the event that gets the witness.
    pub slot: String,
    pub keyword: bool,
    pub chain: &'static str,
    pub kind: Kind,
    pub values: Vec<Val>,
    /// For each value a text that is likely to match, where the value does not say it.
    pub hints: Vec<String>,
}

use Kind::*;

const TEXTS: &[Kind] = &[Text, Wildcard, Empty];
const SCALARS: &[Kind] = &[Text, Wildcard, Empty, Int, Float, Bool];
const PLAIN: &[Kind] = &[Text, Wildcard, Empty, Int, Float, Bool, Null];
const ENCODED: &[Kind] = &[Text];
const NUMBERS: &[Kind] = &[Int, Float];

/// Chains for fields, with the kinds of values each takes.
pub const CHAINS: &[(&str, &[Kind])] = &[
    ("", PLAIN),
    ("contains", SCALARS),
    ("startswith", SCALARS),
    ("endswith", SCALARS),
    ("all", &[Text, Wildcard, Int]),
    ("contains|all", &[Text, Wildcard, Int]),
    ("startswith|all", &[Text]),
    ("neq", PLAIN),
    ("contains|neq", TEXTS),
    ("all|neq", &[Text]),
    ("contains|all|neq", &[Text]),
    ("cased", TEXTS),
    ("cased|contains", TEXTS),
    ("startswith|cased", &[Text, Wildcard]),
    ("endswith|cased|neq", &[Text, Wildcard]),
    ("contains|cased|all", &[Text]),
    ("windash", &[Text, Wildcard]),
    ("windash|contains", &[Text, Wildcard]),
    ("startswith|windash|cased", &[Text]),
    ("endswith|windash", &[Text]),
    ("contains|windash|all", &[Text]),
    ("wide", ENCODED),
    ("utf16le|contains", &[Text, Wildcard]),
    ("utf16be", ENCODED),
    ("utf16", ENCODED),
    ("utf16|startswith", ENCODED),
    ("base64", ENCODED),
    ("base64|contains", ENCODED),
    ("base64|cased", ENCODED),
    ("base64offset", ENCODED),
    ("base64offset|contains", ENCODED),
    ("wide|base64offset|contains", ENCODED),
    ("utf16be|base64|contains", ENCODED),
    ("utf16|base64offset|contains", ENCODED),
    ("re", &[Regex]),
    ("re|i", &[Regex]),
    ("re|m", &[Regex]),
    ("re|s", &[Regex]),
    ("re|i|m|s", &[Regex]),
    ("re|all", &[Regex]),
    ("re|neq", &[Regex]),
    ("re|contains", &[Regex]),
    ("cidr", &[Network]),
    ("cidr|neq", &[Network]),
    ("exists", &[Bool]),
    ("exists|neq", &[Bool]),
    ("gt", NUMBERS),
    ("gte", NUMBERS),
    ("lt", NUMBERS),
    ("lte", NUMBERS),
    ("gte|neq", NUMBERS),
    ("lt|all", NUMBERS),
    ("fieldref", &[Field]),
    ("fieldref|cased", &[Field]),
    ("fieldref|startswith", &[Field]),
    ("fieldref|endswith|cased", &[Field]),
    ("fieldref|contains", &[Field]),
    ("fieldref|neq", &[Field]),
    ("minute", &[Time]),
    ("hour", &[Time]),
    ("day", &[Time]),
    ("week", &[Time]),
    ("month", &[Time]),
    ("year", &[Time]),
    ("hour|gte", &[Time]),
    ("minute|lt", &[Time]),
    ("year|gt|neq", &[Time]),
    ("week|lte", &[Time]),
    ("expand", &[Placeholder]),
    ("expand|contains", &[Placeholder]),
    ("re|expand", &[Placeholder]),
    ("windash|expand|startswith", &[Placeholder]),
];

/// Chains for keywords.
pub const KEYWORD_CHAINS: &[(&str, &[Kind])] = &[
    ("", &[Text, Wildcard, Int]),
    ("all", &[Text, Wildcard]),
    ("contains", &[Text]),
    ("contains|all", &[Text]),
    ("startswith", &[Text]),
    ("endswith", &[Text, Wildcard]),
    ("neq", &[Text]),
    ("cased", &[Text]),
    ("re", &[Regex]),
    ("re|i", &[Regex]),
    ("windash", &[Text]),
    ("wide|base64offset|contains", &[Text]),
    ("expand", &[Placeholder]),
];

/// What `%words%` stands for.
pub const PLACEHOLDER: [&str; 7] = ["admin", "Ж*", "42", "true", "é?s", "-flag", "*x"];

/// What `%patterns%` stands for in regular expressions, and texts that they find.
pub const PATTERNS: [(&str, &str); 5] =
    [("admin", "admin"), ("Ж+", "ЖЖ"), ("4[0-9]", "42"), ("true", "true"), ("é.s", "éxs")];

/// Date, its ISO week.
pub const DATES: [((u32, u32, u32), u32); 10] = [
    ((2024, 7, 10), 28),
    ((2024, 12, 30), 1),
    ((2021, 1, 3), 53),
    ((2020, 12, 31), 53),
    ((2024, 2, 29), 9),
    ((1999, 12, 31), 52),
    ((2000, 1, 1), 52),
    ((2026, 1, 1), 1),
    ((2023, 3, 26), 12),
    ((2010, 10, 10), 40),
];

pub const NETWORKS: [(&str, &str); 8] = [
    ("10.0.0.0/8", "10.1.2.3"),
    ("192.168.4.0/22", "192.168.7.255"),
    ("fe80::/10", "fe80::1"),
    ("::1", "0:0:0:0:0:0:0:1"),
    ("0.0.0.0/0", "8.8.8.8"),
    ("2001:db8::/32", "2001:DB8:0::5"),
    ("1.2.3.4", "1.2.3.4"),
    ("::/0", "::ffff:10.1.2.3"),
];

pub const INTS: [i128; 14] = [
    0,
    1,
    -1,
    42,
    4688,
    -5,
    (1 << 31) - 1,
    (1 << 53) + 1,
    i64::MAX as i128,
    i64::MIN as i128,
    u64::MAX as i128,
    u64::MAX as i128 + 1,
    100_000_000_000_000_000_000,
    1000,
];

pub const FLOATS: [&str; 16] = [
    "0.5",
    "1.5",
    "2.0",
    "-0.0",
    "1e3",
    "1e15",
    "1e16",
    "1e17",
    "1e21",
    "1e-7",
    "0.1",
    "1e300",
    "9007199254740993.0",
    "4688.0",
    "-123456.789",
    "1e20",
];

const WORDS: [&str; 24] = [
    "admin",
    "cmd.exe",
    "\\Windows\\System32\\",
    "-encodedcommand",
    " /c ",
    "SELECT",
    "kiosk",
    "a",
    "s",
    "ab",
    "abc",
    "abcd",
    "sk",
    "powershell -nop -w hidden",
    "http://x.example/?q=1",
    "100%",
    "C:\\*",
    "what?",
    "\\\\server\\share",
    "x--y",
    "'; DROP TABLE users;--",
    "line\nbreak",
    "Kk Ss",
    "aaaaaaaa",
];

const FOREIGN: [&str; 14] = [
    "Ärger",
    "ΣΑΣ",
    "οδος",
    "Жук",
    "naïve café",
    "日本",
    "😀",
    "K",
    "ſet",
    "İstanbul",
    "straße",
    "–flag",
    "é",
    "x\u{301}y",
];

/// Texts of UTF-16 code units that are not UTF-8 once encoded.
const LATIN: [&str; 5] = ["é", "Ärger", "ÿ", "naïve", "ßx"];

impl Item {
    /// An item whose values can match something in `state`, as far as that is possible.
    pub fn new(
        rng: &mut Rng,
        chain: &'static str,
        kind: Kind,
        slot: &str,
        keyword: bool,
        state: State,
    ) -> Item {
        let mut item = Item {
            slot: slot.to_owned(),
            keyword,
            chain,
            kind,
            values: Vec::new(),
            hints: Vec::new(),
        };
        let all = item.has("all");
        let count = match kind {
            Null | Empty | Field => 1,
            Bool if item.has("exists") => 1,
            _ if all => 2 + rng.below(2),
            _ => *rng.pick(&[1, 1, 2, 3, 5]),
        };
        for index in 0..count {
            // One value can only satisfy all of them if they are related.
            let related = all && index > 0 && rng.chance(60);
            let (value, hint) = match item.related(rng).filter(|_| related) {
                Some(value) => (value, item.hints[0].clone()),
                None => item.value(rng, state),
            };
            item.values.push(value);
            item.hints.push(hint);
        }
        item
    }

    pub fn has(&self, modifier: &str) -> bool {
        self.chain.split('|').any(|name| name == modifier)
    }

    /// Whether values are whole: no modifier opens an end.
    pub fn exact(&self) -> bool {
        let open = ["contains", "startswith", "endswith"].iter().any(|name| self.has(name));
        !open && !self.keyword
    }

    /// Another value that holds where the first one does, or nearly.
    fn related(&self, rng: &mut Rng) -> Option<Val> {
        let Val::Str(first) = self.values.first()? else { return self.values.first().cloned() };
        let literal = super::witness::literal_text(first);
        Some(Val::Str(match self.kind {
            Wildcard => {
                (*rng.pick(&["*", "?*", "*?"])).to_owned() + if rng.chance(30) { first } else { "" }
            }
            Text if self.exact() && rng.chance(50) => escaped(rng, &literal.to_uppercase()),
            Text if self.exact() => escaped(rng, &literal.to_lowercase()),
            Text => {
                let from = if self.has("startswith") { 0 } else { rng.below(2) };
                let part: String = literal.chars().skip(from).take(1 + rng.below(4)).collect();
                escaped(rng, &part)
            }
            _ => first.clone(),
        }))
    }

    fn value(&self, rng: &mut Rng, state: State) -> (Val, String) {
        match self.kind {
            Null => (Val::Null, String::new()),
            Empty => {
                let stars = if self.exact() { &[""][..] } else { &["", "*", "**"] };
                (Val::Str((*rng.pick(stars)).to_owned()), String::new())
            }
            Bool => (Val::Bool(rng.chance(50)), String::new()),
            Int => {
                let number = if rng.chance(70) {
                    *rng.pick(&INTS)
                } else {
                    i128::from(rng.below(200) as u32)
                };
                (Val::Number(number.to_string()), String::new())
            }
            Float => (Val::Number((*rng.pick(&FLOATS)).to_owned()), String::new()),
            Text => {
                let text = self.base(rng, state);
                (Val::Str(escaped(rng, &text)), String::new())
            }
            Wildcard => {
                let text = self.base(rng, state);
                let text = with_wildcards(rng, &text);
                let text = if text.contains(['*', '?']) { text } else { format!("{text}*") };
                (Val::Str(text), String::new())
            }
            Regex => {
                let base = self.base(rng, state);
                let (pattern, hint) = regex(rng, base);
                (Val::Str(pattern), hint)
            }
            Network => {
                let (network, address) = rng.pick(&NETWORKS);
                (Val::Str((*network).to_owned()), (*address).to_owned())
            }
            Field => (Val::Str(format!("ref {}", self.slot.replace('.', "_"))), String::new()),
            Placeholder if self.has("re") => {
                let text = *rng.pick(&["%patterns%", "x?%patterns%", "^%patterns%$"]);
                (Val::Str(text.to_owned()), String::new())
            }
            Placeholder => {
                let text = *rng.pick(&[
                    "%words%",
                    "%words%",
                    "x%words%",
                    "5%-6%%words%",
                    "%words%-/z",
                    "\\%%words%",
                ]);
                (Val::Str(text.to_owned()), String::new())
            }
            Time => {
                let ((year, month, day), week) = *rng.pick(&DATES);
                let (hour, minute) = (rng.below(24) as u32, rng.below(60) as u32);
                let part = match self.chain.split('|').next() {
                    Some("minute") => minute,
                    Some("hour") => hour,
                    Some("day") => day,
                    Some("week") => week,
                    Some("month") => month,
                    _ => year,
                };
                let hint = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:00Z");
                (Val::Number(part.to_string()), hint)
            }
        }
    }

    fn base(&self, rng: &mut Rng, state: State) -> String {
        let encoded = ["wide", "utf16le", "utf16be", "utf16"].iter().any(|name| self.has(name));
        match state {
            State::Number => number_text(rng),
            State::Bool => {
                let text = *rng.pick(&["true", "false", "True", "FALSE"]);
                if self.has("cased") { text.to_lowercase() } else { text.to_owned() }
            }
            State::Invalid if encoded => (*rng.pick(&LATIN)).to_owned(),
            State::NonAscii if encoded || self.has("base64") => {
                // Only a folded `k` or `s` makes encoded text foreign.
                (*rng.pick(&["kiosk", "Kk Ss", "sk", "ksks"])).to_owned()
            }
            State::NonAscii => {
                let word = if rng.chance(40) { *rng.pick(&WORDS) } else { "" };
                format!("{}{word}", rng.pick(&FOREIGN))
            }
            _ if rng.chance(10) => number_text(rng),
            _ if rng.chance(5) => "true".to_owned(),
            _ if rng.chance(10) => format!("{}{}", rng.pick(&WORDS), rng.pick(&FOREIGN)),
            _ => {
                let second = if rng.chance(40) { *rng.pick(&WORDS) } else { "" };
                format!("{}{second}", rng.pick(&WORDS))
            }
        }
    }
}

/// An expression with a literal and a text that it finds.
pub fn regex(rng: &mut Rng, base: String) -> (String, String) {
    let quoted = self::quoted(&base);
    let first: String = base.chars().take(1).collect();
    let rest: String = base.chars().skip(1).collect();
    let tail = self::quoted(&rest);
    match rng.below(14) {
        0 => (format!("^{quoted}$"), base),
        1 => (format!("{quoted}|zzz[0-9]+"), base),
        2 => (format!("(?i){quoted}"), base.to_lowercase()),
        3 => (format!(".{tail}"), base),
        4 => (format!("(?:{quoted}){{1,3}}$"), format!("{base}{base}")),
        5 => (format!("{}+{tail}", self::quoted(&first)), format!("{first}{base}")),
        6 => (format!("{quoted}.*end"), format!("{base} - end")),
        7 => (format!("[^x]{quoted}?"), base),
        8 => (r"\d+".to_owned(), format!("{base}7")),
        9 => (format!(r"\b{}", self::quoted(&base)), base),
        10 => (r"\w{2,}\b".to_owned(), format!("{base}ab")),
        11 => (format!("{quoted}(?:\\s|$)"), format!("{base} ")),
        12 => (r"(?-u)[\x80-\xff]|true|4\d".to_owned(), base),
        _ => (quoted, base),
    }
}

fn number_text(rng: &mut Rng) -> String {
    match rng.below(3) {
        0 => (*rng.pick(&["0.5", "1.5", "-123456.789", "0.1"])).to_owned(),
        1 => rng.below(300).to_string(),
        _ => rng.pick(&INTS).to_string(),
    }
}

/// Escapes what is special in a regular expression.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for scalar in text.chars() {
        if "\\.+*?()|[]{}^$#&-~%/".contains(scalar) && scalar != '%' && scalar != '/' {
            out.push('\\');
        }
        out.push(scalar);
    }
    out
}

/// The rule text of a literal, in one of its spellings.
pub fn escaped(rng: &mut Rng, text: &str) -> String {
    let mut out = String::new();
    let mut scalars = text.chars().peekable();
    while let Some(scalar) = scalars.next() {
        match scalar {
            '*' | '?' => out.extend(['\\', scalar]),
            '\\' if matches!(scalars.peek(), Some('*' | '?' | '\\')) || rng.chance(50) => {
                out.push_str("\\\\");
            }
            _ => out.push(scalar),
        }
    }
    out
}

/// Puts wildcards into a literal: between, instead of and around its characters.
pub fn with_wildcards(rng: &mut Rng, text: &str) -> String {
    let length = text.chars().count().max(1);
    let at = rng.below(length);
    let form = rng.below(7);
    let mut out = String::new();
    for (index, scalar) in text.chars().enumerate() {
        let one = escaped(rng, &scalar.to_string());
        // A single backslash before a wildcard would make it literal.
        let one = if scalar == '\\' { "\\\\".to_owned() } else { one };
        match form {
            0 if index == at => out.push('?'),
            1 if index == at => out.push_str(&format!("{one}*")),
            2 if index == at => out.push('*'),
            3 if index % 3 == 2 => out.push('?'),
            4 if index == at => out.push_str(&format!("*?{one}")),
            _ => out.push_str(&one),
        }
    }
    match form {
        5 => format!("*{out}"),
        6 => format!("?{out}*"),
        _ => out,
    }
}
