//! Programs and automata against the `regex` crate: hand-picked expressions, and random ones over
//! an alphabet in which every assertion and every kind of damaged UTF-8 occurs.

use super::{automaton, prepare, program};
use crate::ruleset::regexes::program::{MAX_TARGETS, Programs, joint};
use crate::ruleset::regexes::{RegexCache, RegexRecord, Regexes};
use crate::ruleset::tables::{NONE, Text};

/// The expression alone, with and without its automaton.
fn tables(source: &str, flags: u32) -> Option<[Regexes; 2]> {
    let prepared = prepare(source, flags).ok()?;
    let mut plain = Regexes::default();
    let program = program::Programs::default().add(&prepared.hir, &mut plain.programs).ok()?;
    let mut fast = plain.clone();
    let (text, min_len) = (Text { start: 0, len: 0 }, prepared.min_len);
    let record = RegexRecord { source: text, flags, min_len, program, automaton: NONE };
    plain.list.push(record);
    let automaton = automaton::add(&prepared.hir, &mut fast).unwrap_or(NONE);
    fast.list.push(RegexRecord { automaton, ..record });
    for tables in [&plain, &fast] {
        assert_eq!(tables.verify(), Ok(()), "{source}");
    }
    Some([plain, fast])
}

fn reference(source: &str, flags: u32) -> Option<regex::bytes::Regex> {
    // The dialect's `$` is not Rust's.
    let source = prepare(source, flags).ok()?.source;
    regex::bytes::RegexBuilder::new(&source)
        .case_insensitive(flags & 1 != 0)
        .multi_line(flags & 2 != 0)
        .dot_matches_new_line(flags & 4 != 0)
        .size_limit(1 << 26)
        .build()
        .ok()
}

/// Compares on every text; returns how many matched.
fn compare(source: &str, flags: u32, texts: &[Vec<u8>], cache: &mut RegexCache) -> usize {
    let (Some(tables), Some(reference)) = (tables(source, flags), reference(source, flags)) else {
        panic!("{source} cannot be built");
    };
    let mut matched = 0;
    for text in texts {
        let expected = reference.is_match(text);
        matched += usize::from(expected);
        for (tables, engine) in tables.iter().zip(["program", "automaton"]) {
            let found = tables.is_match(0, text, cache);
            let shown = String::from_utf8_lossy(text);
            assert_eq!(found, expected, "{engine} of {source:?} ({flags}) on {shown:?} {text:x?}");
        }
    }
    matched
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % bound
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    fn expression(&mut self, depth: usize) -> String {
        const ATOMS: [&str; 38] = [
            "a",
            "b",
            "k",
            "é",
            "_",
            " ",
            ".",
            r"\w",
            r"\W",
            r"\d",
            r"\s",
            r"\S",
            "[^a]",
            "[a-c]",
            "[é-ſ]",
            "[ab]",
            "[^b\\n]",
            r"\b",
            r"\B",
            "^",
            "$",
            r"\A",
            r"\z",
            r"\b{start}",
            r"\b{end}",
            r"\b{start-half}",
            r"\b{end-half}",
            r"(?-u:\b)",
            r"(?-u:\B)",
            "(?m:^)",
            "(?m:$)",
            "(?mR:^)",
            "(?mR:$)",
            r"(?-u:\xff)",
            r"(?-u:[\x80-\xff])",
            "(?-u:.)",
            r"(?-u:\b{start-half})",
            "ab",
        ];
        if depth == 0 {
            return self.pick(&ATOMS).to_owned();
        }
        match self.below(6) {
            0 => self.pick(&ATOMS).to_owned(),
            1 => format!("(?:{}|{})", self.expression(depth - 1), self.expression(depth - 1)),
            2 => {
                let times = self.pick(&["*", "+", "?", "{2}", "{1,3}", "{2,}", "{0,2}"]);
                format!("(?:{}){times}", self.expression(depth - 1))
            }
            _ => self.expression(depth - 1) + &self.expression(depth - 1),
        }
    }

    fn text(&mut self) -> Vec<u8> {
        const PIECES: [&[u8]; 20] = [
            b"a",
            b"a",
            b"b",
            b"ab",
            b"K",
            b"k",
            "K".as_bytes(),
            "é".as_bytes(),
            "ſ".as_bytes(),
            "€".as_bytes(),
            "😀".as_bytes(),
            b"_",
            b" ",
            b"1",
            b"\n",
            b"\r",
            b"\r\n",
            b"\xff",
            b"\xc3",
            b"\x80",
        ];
        (0..self.below(9)).flat_map(|_| PIECES[self.below(PIECES.len())].to_vec()).collect()
    }
}

#[test]
fn random_expressions_agree_with_the_regex_crate() {
    let mut random = Random(0x5347_5431);
    let mut cache = RegexCache::default();
    let (mut texts, mut matched, mut automata) = (0, 0, 0);
    for _ in 0..4_000 {
        let depth = random.below(5);
        let source = random.expression(depth);
        let flags = random.below(8) as u32;
        if reference(&source, flags).is_none() {
            continue;
        }
        let list: Vec<Vec<u8>> = (0..40).map(|_| random.text()).collect();
        texts += list.len();
        matched += compare(&source, flags, &list, &mut cache);
        automata += tables(&source, flags).map_or(0, |[_, fast]| fast.automata.len());
    }
    assert!(texts > 100_000 && matched > texts / 4 && matched < texts - texts / 10, "{matched}");
    assert!(automata > 3_000, "only {automata} automata");
}

#[test]
fn expressions_of_rules_agree_with_the_regex_crate() {
    let sources = [
        r"(?:\w{20,40}\W[a-z]{3,9}$)",
        r"\bn\w{2}\b",
        r"^[^/]{100,}$",
        r"k[0-9]+q",
        r".{300,}",
        r"(?i)load_file\s*\(",
        r"\s+-e\s+|[a-z]{2}\d?é*$",
        r"[^\x00-\x7F]{3}",
        r"",
        r"a*",
        r"[^\s\S]",
        r"(a|b|é)*c\b.{2}$",
        // Beyond ASCII alone, where only the program goes.
        r"^a[é-ſ]\w",
        r"^[é-ſ]\w|\b[ſk]$",
    ];
    let mut random = Random(0x5347_5432);
    let mut cache = RegexCache::default();
    let mut texts: Vec<Vec<u8>> = (0..3_000).map(|_| random.text()).collect();
    for length in [99, 100, 299, 300, 301] {
        texts.push(vec![b'a'; length]);
        texts.push("é".repeat(length).into_bytes());
    }
    texts.push(b"abcdefghijklmnopqrstuvwxyz_0123456789 words\n".to_vec());
    texts.push("x Load_File \u{2003}( k00q ne\u{301} né1".as_bytes().to_vec());
    for source in sources {
        for flags in 0..8 {
            compare(source, flags, &texts, &mut cache);
        }
    }
}

/// An expression with large counts, and texts that have about as many characters as it counts.
fn counted(random: &mut Random) -> (String, Vec<Vec<u8>>) {
    const UNITS: [&str; 15] = [
        ".",
        "[^/]",
        "a",
        r"[\da-c]",
        "[A-Za-z0-9+/=]",
        "é",
        "[a-é]",
        "(?-u:.)",
        r"(?-u:[a\xff])",
        "(?:a|bc)",
        "(?:ab?c?)",
        "(?:a?b?)",
        "(?:a?b?c?)",
        r"(?:\b|a)",
        "(?:a|b|é/?)",
    ];
    const AROUND: [&str; 12] =
        ["", "", "", "^", "/", "a", r"\b", "é", "(?:b|^)", "[^a]", ".*", r"(?:x\d?|y)"];
    const BEHIND: [&str; 12] =
        ["", "", "$", r"\z", "/", "b", r"\b", "é$", "(?:b|$)", "[^a]", ".*/", "(?m:$)"];
    const PIECES: [&[u8]; 12] = [
        b"a",
        b"a",
        b"b",
        b"abc",
        b"c",
        b"/",
        b"_",
        b"\n",
        "é".as_bytes(),
        "😀".as_bytes(),
        b"\xff",
        b"\x80",
    ];
    let count = [3, 20, 62, 63, 64, 65, 100, 127, 128, 129, 150][random.below(11)];
    let more = count + random.below(70);
    let times = match random.below(4) {
        0 => format!("{{{count}}}"),
        1 => format!("{{{count},}}"),
        2 => format!("{{0,{more}}}"),
        _ => format!("{{{count},{more}}}"),
    };
    let (before, unit, behind) = (random.pick(&AROUND), random.pick(&UNITS), random.pick(&BEHIND));
    let second = if random.below(4) == 0 {
        random.pick(&UNITS).to_owned() + "{5,70}"
    } else {
        String::new()
    };
    let source = format!("{before}{unit}{times}{second}{behind}");
    let mut texts = Vec::new();
    for bound in [count, more] {
        for length in [bound - 1, bound, bound + 1, 2 * bound + 3] {
            for prefix in [&b""[..], b"/", b"x1", b"\n\xc3", "é".as_bytes()] {
                let piece = PIECES[random.below(PIECES.len())];
                let mut text = prefix.to_vec();
                // Mostly one thing, now and then something else.
                for _ in 0..length {
                    let odd = random.below(150) == 0;
                    let other = PIECES[random.below(PIECES.len())];
                    text.extend(if odd { other } else { piece });
                }
                text.extend(PIECES[random.below(PIECES.len())]);
                texts.push(text);
            }
        }
    }
    (source, texts)
}

#[test]
fn counted_repetitions_agree_with_the_regex_crate() {
    let mut random = Random(0x5347_5433);
    let mut cache = RegexCache::default();
    let (mut all, mut matched, mut long, mut branches) = (0, 0, 0, 0);
    for _ in 0..500 {
        let (source, texts) = counted(&mut random);
        all += texts.len();
        matched += compare(&source, 0, &texts, &mut cache);
        let Some([plain, _]) = tables(&source, 0) else { panic!("{source}") };
        long += usize::from(plain.programs.moves.len() > 1);
        branches += usize::from(plain.programs.joints.iter().any(|j| j.kind == joint::BRANCH));
    }
    println!("{all} texts, {matched} matched, {long} long, {branches} with branches");
    assert!(matched > all / 6 && matched < all - all / 6, "{matched} of {all}");
    assert!(long > 200 && branches > 5, "{long} long, {branches} with branches");
}

/// A value near those of tables, or far from them.
fn damage(random: &mut Random, value: &mut u32) {
    *value = match random.below(5) {
        0 => value.wrapping_add(1),
        1 => value.wrapping_sub(1),
        2 => *value ^ 1 << random.below(32),
        3 => random.below(300) as u32,
        _ => u32::MAX,
    };
}

fn damage_part(random: &mut Random, part: &mut Text) {
    if random.below(2) == 0 {
        damage(random, &mut part.start);
    } else {
        damage(random, &mut part.len);
    }
}

#[test]
fn damaged_programs_are_refused_or_end() {
    let mut random = Random(0x5347_5434);
    let mut cache = RegexCache::default();
    let sources = [
        r"(ab|c)[^/]{2,70}(?:xé|yd?)$",
        r"\bn\w{2,70}\b(?:k|ſ)*",
        r"(?:a?b?c?){220}$",
        r"(?-u:[a\xff]){60,}\W",
    ];
    let texts: Vec<Vec<u8>> = (0..30).map(|_| random.text()).collect();
    let (mut refused, mut run) = (0, 0);
    for source in sources {
        let Some([plain, _]) = tables(source, 0) else { panic!("{source}") };
        for _ in 0..3_000 {
            let mut tables = plain.clone();
            let p = &mut tables.programs;
            let program = &mut p.list[0];
            let bit = 1u64 << random.below(64);
            match random.below(16) {
                0 => damage(&mut random, &mut program.readers),
                1 => damage(&mut random, &mut program.ends),
                2 => damage(&mut random, &mut program.word),
                3 => damage_part(&mut random, &mut program.joints),
                4 => damage_part(&mut random, &mut program.moves),
                5 => damage_part(&mut random, &mut program.exits),
                6 => damage_part(&mut random, &mut program.classes),
                7 => damage_part(&mut random, &mut program.parts),
                8 => damage_part(&mut random, &mut program.begin),
                9 => damage_part(&mut random, &mut program.rows),
                10 => {
                    let index = random.below(p.joints.len());
                    let joint = &mut p.joints[index];
                    if random.below(2) == 0 {
                        damage(&mut random, &mut joint.kind);
                    } else {
                        damage_part(&mut random, &mut joint.to);
                    }
                }
                11 => {
                    let index = random.below(p.moves.len());
                    let moves = &mut p.moves[index];
                    match random.below(4) {
                        0 => moves.chain ^= bit,
                        1 => moves.stay ^= bit,
                        2 => moves.leave ^= bit,
                        _ => damage_part(&mut random, &mut moves.exits),
                    }
                }
                12 => {
                    let index = random.below(p.exits.len().max(1));
                    if let Some(exit) = p.exits.get_mut(index) {
                        exit.states ^= bit;
                        damage_part(&mut random, &mut exit.to);
                    }
                }
                13 => {
                    let index = random.below(p.parts.len());
                    let part = &mut p.parts[index];
                    if random.below(2) == 0 {
                        damage(&mut random, &mut part.word);
                    } else {
                        part.states ^= bit;
                    }
                }
                14 => {
                    let index = random.below(p.rows.len());
                    p.rows[index] ^= bit;
                }
                _ => p.columns[random.below(256)] ^= 1 << random.below(8),
            }
            if tables.verify().is_err() {
                refused += 1;
                continue;
            }
            run += 1;
            for text in &texts {
                tables.is_match(0, text, &mut cache);
            }
        }
    }
    assert!(refused > 3_000 && run > 1_000, "{refused} refused, {run} run");
}

#[test]
fn one_position_costs_a_program_what_its_states_allow() {
    let Some([mut tables, _]) = tables(r"(ab|c)[^/]{2,70}(?:xé|yd?)$", 0) else { panic!() };
    let p = &mut tables.programs;
    let part = p.parts[0];
    let more = MAX_TARGETS * p.moves.len() + 1;
    p.parts.resize(more, part);
    p.list[0].parts.len = more as u32;
    p.joints[0].to = Text { start: 0, len: more as u32 };
    assert_eq!(tables.verify(), Err("states lead to too many others"));
}

#[test]
fn programs_are_bounded() {
    let mut tables = Programs::default();
    let long = prepare("(?:a{1000}){300}", 0).map(|p| p.hir);
    let Ok(long) = long else { panic!("not parsed") };
    let refused = program::Programs::default().add(&long, &mut tables);
    assert!(refused.is_err_and(|message| message.contains("lower its repetition counts")));
}
