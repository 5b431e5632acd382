//! From a parsed expression to a small automaton, if there is one.
//!
//! `regex-automata` determinises; the result is made smaller here. A search asks only whether there
//! is a match, so all states behind which the answer is certain are one. Expressions with large
//! classes (`\w`, `\d`) get an automaton for ASCII text, which leaves other text to the program.

use crate::limits;
use crate::ruleset::regexes::Regexes;
use crate::ruleset::regexes::automaton::{Automaton, row};
use crate::ruleset::tables::Text;
use regex_automata::Anchored;
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind, Repetition};
use std::collections::HashMap;

/// Ranges beyond ASCII that an expression's classes may have, repetitions multiplied out, for an
/// automaton that decides all texts: `[^/]` and `.` have one, `\w` more than seven hundred.
const MAX_RANGES: u64 = 64;
/// Memory of an automaton before it is made smaller, in bytes.
const MAX_DENSE: usize = 4 * limits::MAX_REGEX_DFA;

/// Adds the automaton of an expression; `None` if it would be too large.
pub fn add(hir: &Hir, tables: &mut Regexes) -> Option<u32> {
    let word = hir.properties().look_set().contains_word_unicode();
    let full = (!word && ranges(hir) <= MAX_RANGES).then(|| build(hir, false)).flatten();
    let (small, ascii_only) = match full {
        Some(small) => (small, false),
        None => (build(&ascii(hir), true)?, true),
    };
    let automaton = Automaton {
        columns: tables.columns.len() as u32,
        transitions: Text { start: tables.transitions.len() as u32, len: small.rows.len() as u32 },
        stride: small.stride as u32,
        start: small.start as u32,
        ascii_only: ascii_only.into(),
    };
    tables.columns.extend(small.columns);
    tables.transitions.extend(small.rows);
    tables.automata.push(automaton);
    Some(tables.automata.len() as u32 - 1)
}

/// Ranges beyond ASCII in classes, repetitions multiplied out.
fn ranges(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            class.ranges().iter().filter(|range| !range.end().is_ascii()).count() as u64
        }
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            ranges(&repetition.sub).saturating_mul(times.into())
        }
        HirKind::Capture(capture) => ranges(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(ranges).fold(0, u64::saturating_add)
        }
        _ => 0,
    }
}

/// The expression as far as ASCII text can match it.
fn ascii(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            let mut class = class.clone();
            class.intersect(&ClassUnicode::new([ClassUnicodeRange::new('\0', '\x7F')]));
            Hir::class(Class::Unicode(class))
        }
        HirKind::Repetition(repetition) => Hir::repetition(Repetition {
            sub: Box::new(ascii(&repetition.sub)),
            ..repetition.clone()
        }),
        HirKind::Capture(capture) => ascii(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(ascii).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(ascii).collect()),
        _ => hir.clone(),
    }
}

/// An automaton of its own: rows of columns, states are the index of their row.
struct Small {
    columns: [u8; 256],
    rows: Vec<u16>,
    stride: usize,
    start: usize,
}

fn build(hir: &Hir, ascii_only: bool) -> Option<Small> {
    let nfa = thompson::Compiler::new()
        .configure(
            thompson::Config::new()
                .utf8(false)
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(MAX_DENSE)),
        )
        .build_from_hir(hir)
        .ok()?;
    let mut config = dense::Config::new()
        .start_kind(StartKind::Unanchored)
        .unicode_word_boundary(true)
        .dfa_size_limit(Some(MAX_DENSE))
        .determinize_size_limit(Some(2 * MAX_DENSE));
    if ascii_only {
        for byte in 0x80..=0xFF {
            config = config.quit(byte, true);
        }
    }
    let dfa = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?;
    States::of(&dfa, ascii_only)?.smallest()
}

/// The states of a dense automaton that can be reached, as rows of 257 targets: one for each byte,
/// one for the end.
struct States {
    rows: Vec<[u32; END + 1]>,
    start: u32,
}

/// The column of the end.
const END: usize = 256;
/// Targets that are decisions; the states come behind them.
const FIRST: u32 = row::COUNT as u32;

impl States {
    fn of(dfa: &dense::DFA<Vec<u32>>, ascii_only: bool) -> Option<States> {
        let start = dfa.start_state(&start::Config::new().anchored(Anchored::No)).ok()?;
        let mut numbers: HashMap<StateID, u32> = HashMap::new();
        let mut open = Vec::new();
        let mut number = |state: StateID, open: &mut Vec<StateID>| {
            // A match is reported one byte late; what is reported is certain.
            if dfa.is_match_state(state) {
                return row::MATCH as u32;
            }
            if dfa.is_dead_state(state) {
                return row::DEAD as u32;
            }
            if dfa.is_quit_state(state) {
                return row::QUIT as u32;
            }
            let next = FIRST + numbers.len() as u32;
            *numbers.entry(state).or_insert_with(|| {
                open.push(state);
                next
            })
        };
        let start = number(start, &mut open);
        let mut rows = Vec::new();
        while let Some(&state) = open.get(rows.len()) {
            let mut targets = [row::QUIT as u32; END + 1];
            let known = if ascii_only { 0x80 } else { 0x100 };
            for byte in 0..known {
                targets[byte] = number(dfa.next_state(state, byte as u8), &mut open);
            }
            targets[END] = number(dfa.next_eoi_state(state), &mut open);
            rows.push(targets);
        }
        Some(States { rows, start })
    }

    /// Merges states that no text tells apart (Moore's partition refinement) and bytes that no
    /// state tells apart.
    fn smallest(self) -> Option<Small> {
        let States { rows, start } = self;
        let columns = same_columns(&rows);
        let stride = columns.iter().map(|&c| usize::from(c)).max()? + 2;
        // One byte of each column.
        let mut bytes = vec![END; stride];
        for byte in (0..256).rev() {
            bytes[usize::from(columns[byte])] = byte;
        }
        let mut class: Vec<u32> = vec![FIRST; rows.len()];
        let mut count = 1;
        loop {
            let of = |target: u32, class: &[u32]| match target {
                decided if decided < FIRST => decided,
                state => class[(state - FIRST) as usize],
            };
            let mut known: HashMap<(u32, Vec<u32>), u32> = HashMap::new();
            let mut next = Vec::with_capacity(rows.len());
            for (state, targets) in rows.iter().enumerate() {
                let row: Vec<u32> = bytes.iter().map(|&byte| of(targets[byte], &class)).collect();
                let all = |decision: usize| row.iter().all(|&target| target == decision as u32);
                next.push(if class[state] < FIRST {
                    class[state]
                } else if all(row::MATCH) {
                    row::MATCH as u32
                } else if all(row::DEAD) {
                    row::DEAD as u32
                } else {
                    let fresh = FIRST + known.len() as u32;
                    *known.entry((class[state], row)).or_insert(fresh)
                });
            }
            let decided = next.iter().filter(|&&c| c < FIRST).count();
            let before = class.iter().filter(|&&c| c < FIRST).count();
            let stable = known.len() == count && decided == before;
            count = known.len();
            class = next;
            if stable {
                break;
            }
        }
        let len = (row::COUNT + count) * stride;
        if len * 2 > limits::MAX_REGEX_DFA {
            return None;
        }
        let at = |target: u32| {
            let class = if target < FIRST { target } else { class[(target - FIRST) as usize] };
            class as usize * stride
        };
        let mut out = vec![0u16; len];
        for decision in 0..row::COUNT {
            out[decision * stride..][..stride].fill((decision * stride) as u16);
        }
        for (state, targets) in rows.iter().enumerate() {
            let row = at(FIRST + state as u32);
            if row < row::COUNT * stride {
                continue;
            }
            for (column, &byte) in bytes.iter().enumerate() {
                out[row + column] = at(targets[byte]) as u16;
            }
        }
        Some(Small { columns, rows: out, stride, start: at(start) })
    }
}

/// Numbers the columns: bytes that lead to the same states from everywhere share one.
fn same_columns(rows: &[[u32; END + 1]]) -> [u8; 256] {
    let mut columns = [0u8; 256];
    let mut known: HashMap<Vec<u32>, u8> = HashMap::new();
    for (byte, column) in columns.iter_mut().enumerate() {
        let targets = rows.iter().map(|row| row[byte]).collect();
        let fresh = known.len() as u8;
        *column = *known.entry(targets).or_insert(fresh);
    }
    columns
}
