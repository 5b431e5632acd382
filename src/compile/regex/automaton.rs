//! From a parsed expression to a small automaton, if there is one.
//!
//! A search asks only whether there is a match, so all states behind which the answer is certain
//! are one. Expressions with large classes (`\w`, `\d`) get an automaton for ASCII text, which leaves
//! other text to the program.

use super::determinise::{FIRST, States, determinise};
use crate::limits;
use crate::ruleset::regexes::Regexes;
use crate::ruleset::regexes::automaton::{Automaton, row};
use crate::ruleset::tables::Text;
use foldhash::HashMap;
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Repetition};

/// Ranges beyond ASCII that an expression's classes may have, repetitions multiplied out, for an
/// automaton that decides all texts: `[^/]` and `.` have one, `\w` more than seven hundred.
const MAX_RANGES: u64 = 64;
/// States of the nondeterministic automaton; one of more has never been small as a deterministic
/// one, and finding that out takes longest.
const MAX_STATES: usize = 1_000;
/// Memory of the nondeterministic automaton, in bytes.
const MAX_MEMORY: usize = 4 * limits::MAX_REGEX_DFA;

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

/// The expression as far as ASCII text can match it. Where it reads other characters it reads any
/// byte beyond ASCII instead, so that it still waits there: the automaton leaves such text to the
/// program.
fn ascii(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => {
            let byte = |c: char| u8::try_from(c).unwrap_or(u8::MAX);
            let bytes = class.iter().map(|range| match range.end() {
                end if end.is_ascii() => ClassBytesRange::new(byte(range.start()), byte(end)),
                _ if range.start().is_ascii() => ClassBytesRange::new(byte(range.start()), u8::MAX),
                _ => ClassBytesRange::new(0x80, u8::MAX),
            });
            Hir::class(Class::Bytes(ClassBytes::new(bytes)))
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
                .nfa_size_limit(Some(MAX_MEMORY)),
        )
        .build_from_hir(hir)
        .ok()?;
    if nfa.states().len() > MAX_STATES {
        return None;
    }
    determinise(&nfa, ascii_only)?.smallest()
}

impl States {
    /// Merges states that lead to the same states with every byte, until there are none, then bytes
    /// that no state tells apart. States that are the same only if they are taken for the same stay
    /// apart: of those, sets leave few, and finding them takes longer than all else.
    fn smallest(self) -> Option<Small> {
        let stride = self.stride;
        let states = self.rows.len() / stride;
        // What each state was merged with, itself at first. That may have been merged again.
        let mut class: Vec<u32> = (FIRST..).take(states).collect();
        let end_of = |class: &[u32], mut target: u32| {
            while target >= FIRST && class[(target - FIRST) as usize] != target {
                target = class[(target - FIRST) as usize];
            }
            target
        };
        let mut targets = vec![0; stride];
        loop {
            let mut merged = false;
            let mut known: HashMap<Vec<u32>, u32> = HashMap::default();
            // What a state leads to comes behind it as a rule, and is merged before it then.
            for state in (0..states).rev() {
                let own = FIRST + state as u32;
                if class[state] != own {
                    continue;
                }
                let row = &self.rows[state * stride..][..stride];
                for (out, &target) in targets.iter_mut().zip(row) {
                    *out = end_of(&class, target);
                }
                let all = |decision: usize| targets.iter().all(|&to| to == decision as u32);
                if all(row::MATCH) || all(row::DEAD) {
                    class[state] = targets[0];
                } else if let Some(&same) = known.get(&targets) {
                    class[state] = same;
                } else {
                    known.insert(targets.clone(), own);
                }
                merged |= class[state] != own;
            }
            if !merged {
                break;
            }
        }
        // Numbers without gaps.
        let mut number = vec![0; states];
        let mut next = FIRST;
        for (state, own) in (0..states).zip(FIRST..) {
            if class[state] == own {
                number[state] = next;
                next += 1;
            }
        }
        let class: Vec<u32> = (FIRST..)
            .take(states)
            .map(|state| match end_of(&class, state).checked_sub(FIRST) {
                Some(end) => number[end as usize],
                None => end_of(&class, state),
            })
            .collect();
        self.merged(&class, (next - FIRST) as usize)
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
        let mut known: HashMap<Vec<u32>, usize> = HashMap::default();
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
