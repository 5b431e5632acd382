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
/// States of the nondeterministic automaton; one of more has never been small as a deterministic
/// one, and finding that out takes longest.
const MAX_STATES: usize = 1_000;
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
    if nfa.states().len() > MAX_STATES {
        return None;
    }
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
    States::of(&dfa)?.smallest()
}

/// The states of a dense automaton that can be reached, as rows of targets: one for each class of
/// bytes that it does not tell apart, and one for the end.
struct States {
    columns: [u8; 256],
    stride: usize,
    rows: Vec<u32>,
    start: u32,
}

/// Targets that are decisions; the states come behind them.
const FIRST: u32 = row::COUNT as u32;

impl States {
    fn of(dfa: &dense::DFA<Vec<u32>>) -> Option<States> {
        let start = dfa.start_state(&start::Config::new().anchored(Anchored::No)).ok()?;
        let columns: [u8; 256] = std::array::from_fn(|byte| dfa.byte_classes().get(byte as u8));
        let count = columns.iter().map(|&column| usize::from(column)).max()? + 1;
        let mut bytes = vec![0u8; count];
        for byte in (0..=255u8).rev() {
            bytes[usize::from(columns[usize::from(byte)])] = byte;
        }
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
        let mut done = 0;
        while let Some(&state) = open.get(done) {
            for &byte in &bytes {
                rows.push(number(dfa.next_state(state, byte), &mut open));
            }
            rows.push(number(dfa.next_eoi_state(state), &mut open));
            done += 1;
        }
        Some(States { columns, stride: count + 1, rows, start })
    }

    /// Merges states that no text tells apart (Moore's partition refinement), then bytes that no
    /// state tells apart.
    fn smallest(self) -> Option<Small> {
        let stride = self.stride;
        let states = self.rows.len() / stride;
        let mut class = vec![FIRST; states];
        let mut last = (1, 0);
        let mut targets = Vec::with_capacity(self.rows.len() + states);
        loop {
            let of = |target: u32| match target {
                decided if decided < FIRST => decided,
                state => class[(state - FIRST) as usize],
            };
            targets.clear();
            for (row, &class) in self.rows.chunks_exact(stride).zip(&class) {
                targets.extend(row.iter().map(|&target| of(target)));
                targets.push(class);
            }
            let mut known: HashMap<&[u32], u32> = HashMap::new();
            let mut decided = 0;
            let next: Vec<u32> = targets
                .chunks_exact(stride + 1)
                .map(|row| {
                    let all = |decision: usize| {
                        row[..stride].iter().all(|&target| target == decision as u32)
                    };
                    if row[stride] < FIRST || all(row::MATCH) || all(row::DEAD) {
                        decided += 1;
                        // Where all its targets are.
                        return row[0];
                    }
                    let fresh = FIRST + known.len() as u32;
                    *known.entry(row).or_insert(fresh)
                })
                .collect();
            let found = (known.len(), decided);
            class = next;
            if found == last {
                return self.merged(&class, found.0);
            }
            last = found;
        }
    }

    /// The automaton whose states are `count` classes of states.
    fn merged(&self, class: &[u32], count: usize) -> Option<Small> {
        let of = |target: u32| {
            let state = target.checked_sub(FIRST);
            state.map_or(target, |state| class[state as usize])
        };
        let mut rows = vec![0u32; (row::COUNT + count) * self.stride];
        for decision in 0..row::COUNT {
            rows[decision * self.stride..][..self.stride].fill(decision as u32);
        }
        for (state, row) in self.rows.chunks_exact(self.stride).enumerate() {
            let at = class[state] as usize;
            if at >= row::COUNT {
                let out = &mut rows[at * self.stride..][..self.stride];
                out.iter_mut().zip(row).for_each(|(out, &target)| *out = of(target));
            }
        }
        // The end keeps a column of its own, the last.
        let mut known: HashMap<Vec<u32>, usize> = HashMap::new();
        let mut kept = Vec::new();
        let narrow: Vec<usize> = (0..self.stride - 1)
            .map(|column| {
                let targets = rows.chunks_exact(self.stride).map(|row| row[column]).collect();
                *known.entry(targets).or_insert_with(|| {
                    kept.push(column);
                    kept.len() - 1
                })
            })
            .collect();
        kept.push(self.stride - 1);
        let stride = kept.len();
        if (row::COUNT + count) * stride * 2 > limits::MAX_REGEX_DFA {
            return None;
        }
        let rows = rows
            .chunks_exact(self.stride)
            .flat_map(|row| kept.iter().map(move |&column| (row[column] as usize * stride) as u16));
        Some(Small {
            columns: self.columns.map(|column| narrow[usize::from(column)] as u8),
            rows: rows.collect(),
            stride,
            start: of(self.start) as usize * stride,
        })
    }
}
