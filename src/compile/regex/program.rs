//! From the graph of an expression to its program.

use super::graph::{Graph, Step, Symbol};
use crate::ruleset::regexes::program::{
    self as tables, CharClass, CharRange, ClassRead, Exit, Joint, MAX_TARGETS, Moves, Part, joint,
};
use crate::ruleset::tables::{NONE, Text};
use foldhash::HashMap;
use regex_syntax::hir::{Class, Hir, HirKind, Look};
use std::rc::Rc;

/// Adds programs to tables; equal classes are stored once.
#[derive(Default)]
pub struct Programs {
    classes: HashMap<Symbol, u32>,
}

impl Programs {
    /// Adds the program of an expression; returns its index.
    ///
    /// # Errors
    /// If it has more steps than [`crate::limits::MAX_REGEX_STEPS`].
    pub fn add(&mut self, hir: &Hir, tables: &mut tables::Programs) -> Result<u32, String> {
        let graph = Graph::new(hir)?;
        let word = if hir.properties().look_set().contains_word_unicode() {
            self.word_class(tables)?
        } else {
            NONE
        };
        // What is behind branches is written out if that is not too much, and asked for otherwise.
        let states = States::new(&graph, false);
        let program = match states.lead() {
            Some(leads) => Writer::default().write(&states, &leads),
            None => None,
        };
        let program = match program {
            Some(program) => program,
            None => {
                let states = States::new(&graph, true);
                let leads = states.lead().ok_or("a step leads to too many others")?;
                let program = Writer::default().write(&states, &leads);
                program.ok_or("a state leads to too many others")?
            }
        };
        let Written { writer, begin, readers } = program;
        let rows = self.rows(&graph, &readers, writer.moves.len());
        let mut parts = writer.parts;
        let mut classes = Vec::new();
        for (symbol, states) in by_symbol(&graph, &readers) {
            if !graph.symbols[symbol].ranges.is_empty() {
                let class = self.class(&graph.symbols[symbol], tables);
                let states = add_states(&states, &mut parts);
                classes.push(ClassRead { class, states });
            }
        }
        let is_end = |joint: &&Joint| joint.kind == joint::END;
        let ends = writer.joints.iter().rev().take_while(is_end).count() as u32;
        tables.list.push(tables::Program {
            first: graph.first_bytes(),
            anchored: hir.properties().look_set_prefix().contains(Look::Start).into(),
            bytes: graph.bytes.into(),
            word,
            readers: readers.len() as u32,
            ends,
            joints: append(&mut tables.joints, writer.joints),
            moves: append(&mut tables.moves, writer.moves),
            exits: append(&mut tables.exits, writer.exits),
            classes: append(&mut tables.classes_read, classes),
            parts: append(&mut tables.parts, parts),
            begin,
            rows: append(&mut tables.rows, rows.sets),
        });
        tables.columns.extend(rows.columns);
        Ok(tables.list.len() as u32 - 1)
    }

    fn word_class(&mut self, tables: &mut tables::Programs) -> Result<u32, String> {
        match regex_syntax::parse(r"\w").map_err(|e| e.to_string())?.kind() {
            HirKind::Class(Class::Unicode(class)) => Ok(self.class(&Symbol::class(class), tables)),
            _ => Err(r"`\w` is not a class".to_owned()),
        }
    }

    fn class(&mut self, symbol: &Symbol, tables: &mut tables::Programs) -> u32 {
        if let Some(&class) = self.classes.get(symbol) {
            return class;
        }
        let records = symbol.ranges.iter().map(|&(first, last)| CharRange { first, last });
        let ranges = append(&mut tables.ranges, records.collect());
        tables.classes.push(CharClass { ascii: [symbol.bytes[0], symbol.bytes[1]], ranges });
        let class = tables.classes.len() as u32 - 1;
        self.classes.insert(symbol.clone(), class);
        class
    }

    /// The states that read each byte.
    fn rows(&self, graph: &Graph, readers: &[u32], words: usize) -> Rows {
        let symbols = by_symbol(graph, readers);
        let mut columns = [0; 256];
        let mut known: HashMap<Vec<usize>, u8> = HashMap::default();
        let mut sets = Vec::new();
        for byte in 0..=255u8 {
            let reading =
                (0..symbols.len()).filter(|&at| graph.symbols[symbols[at].0].has(byte)).collect();
            // There are at most as many columns as bytes.
            let new = known.len() as u8;
            columns[usize::from(byte)] = *known.entry(reading).or_insert_with_key(|reading| {
                let mut set = vec![0u64; words];
                for &state in reading.iter().flat_map(|&at| &symbols[at].1) {
                    set[state as usize / 64] |= 1 << (state % 64);
                }
                sets.extend(set);
                new
            });
        }
        Rows { columns, sets }
    }
}

struct Rows {
    columns: [u8; 256],
    sets: Vec<u64>,
}

/// The states that read each symbol.
fn by_symbol(graph: &Graph, readers: &[u32]) -> Vec<(usize, Vec<u32>)> {
    let mut states = vec![Vec::new(); graph.symbols.len()];
    for (state, &step) in (0..).zip(readers) {
        if let Step::Read(symbol, _) = graph.steps[step as usize] {
            states[symbol as usize].push(state);
        }
    }
    states.into_iter().enumerate().collect()
}

fn append<T>(pool: &mut Vec<T>, elements: Vec<T>) -> Text {
    let text = Text { start: pool.len() as u32, len: elements.len() as u32 };
    pool.extend(elements);
    text
}

/// Adds a set of states, ascending.
fn add_states(states: &[u32], parts: &mut Vec<Part>) -> Text {
    let of_a_word = states.chunk_by(|one, other| one / 64 == other / 64);
    let part = |states: &[u32]| Part {
        word: states[0] / 64,
        states: states.iter().fold(0, |all, state| all | 1 << (state % 64)),
    };
    append(parts, of_a_word.map(part).collect())
}

/// The steps that are states: those that read, in the order of texts, and joints behind them, of
/// which those that ask for the end of the text come last.
struct States<'a> {
    graph: &'a Graph,
    /// Branches are joints.
    branches: bool,
    /// The state of each step, or [`NONE`].
    numbers: Vec<u32>,
    /// The steps of states that read.
    readers: Vec<u32>,
    /// The steps of joints.
    joints: Vec<u32>,
}

/// What follows from a step without reading: states, ascending.
type Lead = Rc<[u32]>;

/// What steps lead to.
struct Leads {
    begin: Lead,
    readers: Vec<Lead>,
    joints: Vec<Vec<u32>>,
    /// For each reader whether another leads to the same.
    shared: Vec<bool>,
}

impl<'a> States<'a> {
    fn new(graph: &'a Graph, branches: bool) -> States<'a> {
        let mut numbers = vec![NONE; graph.steps.len()];
        let (mut readers, mut joints) = (Vec::new(), Vec::new());
        // What is behind a step was written before it.
        for step in (0..graph.steps.len() as u32).rev() {
            match graph.steps[step as usize] {
                Step::Read(..) => readers.push(step),
                Step::Split(..) if !branches => {}
                Step::Split(..) | Step::Look(..) | Step::Match => joints.push(step),
            }
        }
        joints.sort_by_key(|&step| match graph.steps[step as usize] {
            Step::Look(kind, _) => kind == joint::END,
            _ => false,
        });
        for (number, &step) in (0..).zip(readers.iter().chain(&joints)) {
            numbers[step as usize] = number;
        }
        States { graph, branches, numbers, readers, joints }
    }

    /// What all states lead to; nothing if that is too much.
    fn lead(&self) -> Option<Leads> {
        // Every step at most some times on average.
        let mut most = self.graph.steps.len() * 16 + (1 << 16);
        let mut seen = vec![NONE; self.graph.steps.len()];
        let mut known: HashMap<u32, (Lead, bool)> = HashMap::default();
        let mut targets: Vec<u32> = Vec::with_capacity(self.readers.len());
        for &step in &self.readers {
            let Step::Read(_, next) = self.graph.steps[step as usize] else { continue };
            targets.push(next);
            if let Some((lead, shared)) = known.get_mut(&next) {
                *shared = true;
                most = most.checked_sub(lead.len())?;
            } else {
                let lead = self.follow(&[next], &mut seen, known.len() as u32, &mut most)?;
                known.insert(next, (lead.into(), false));
            }
        }
        let mut stamp = known.len() as u32;
        let mut joints = Vec::new();
        for &step in &self.joints {
            let next: &[u32] = match self.graph.steps[step as usize] {
                Step::Split(one, other) => &[one, other],
                Step::Look(_, next) => &[next],
                Step::Read(..) | Step::Match => &[],
            };
            joints.push(self.follow(next, &mut seen, stamp, &mut most)?);
            stamp += 1;
        }
        let begin = self.follow(&[self.graph.begin], &mut seen, stamp, &mut most)?.into();
        let (readers, shared) = targets.iter().map(|next| known[next].clone()).unzip();
        Some(Leads { begin, readers, joints, shared })
    }

    /// The states that follow from steps. `stamp` is another one each time, at most `most` steps are
    /// followed.
    fn follow(
        &self,
        steps: &[u32],
        seen: &mut [u32],
        stamp: u32,
        most: &mut usize,
    ) -> Option<Vec<u32>> {
        let mut found = Vec::new();
        let mut stack = steps.to_vec();
        while let Some(step) = stack.pop() {
            if std::mem::replace(&mut seen[step as usize], stamp) == stamp {
                continue;
            }
            *most = most.checked_sub(1)?;
            match self.graph.steps[step as usize] {
                Step::Split(one, other) if !self.branches => stack.extend([one, other]),
                _ => found.push(self.numbers[step as usize]),
            }
        }
        found.sort_unstable();
        Some(found)
    }
}

/// Tables of one program.
#[derive(Default)]
struct Writer {
    moves: Vec<Moves>,
    exits: Vec<Exit>,
    joints: Vec<Joint>,
    parts: Vec<Part>,
    /// Sets of states that were written, and where.
    known: HashMap<Vec<u32>, Text>,
}

struct Written {
    writer: Writer,
    begin: Text,
    readers: Vec<u32>,
}

impl Writer {
    /// Nothing if one position of a text may cost too much.
    fn write(mut self, states: &States<'_>, leads: &Leads) -> Option<Written> {
        let readers = states.readers.len() as u32;
        let words = (states.readers.len() + states.joints.len()).div_ceil(64);
        let mut targets = 0;
        for word in 0..words as u32 {
            let (mut chain, mut stay, mut leave) = (0u64, 0u64, 0u64);
            // Most states of a word leave for the same few sets.
            let mut exits: Vec<Exit> = Vec::new();
            for bit in 0..64 {
                let state = word * 64 + bit;
                if state >= readers {
                    break;
                }
                let lead = &leads.readers[state as usize];
                let near = |to: u32| to == state || to == state + 1 && to < readers;
                let far: Vec<u32> = lead.iter().copied().filter(|&to| !near(to)).collect();
                let mut target = &far[..];
                if !far.is_empty() && leads.shared[state as usize] {
                    // The whole set, so that it is the same as that of others.
                    target = lead;
                } else {
                    chain |= u64::from(state + 1 < readers && lead.contains(&(state + 1))) << bit;
                    stay |= u64::from(lead.contains(&state)) << bit;
                }
                if !target.is_empty() {
                    leave |= 1 << bit;
                    let to = self.set(target);
                    match exits.iter_mut().find(|exit| exit.to == to) {
                        Some(exit) => exit.states |= 1 << bit,
                        None => exits.push(Exit { states: 1 << bit, to }),
                    }
                }
            }
            targets += exits.iter().map(|exit| exit.to.len as usize).sum::<usize>();
            let exits = append(&mut self.exits, exits);
            self.moves.push(Moves { chain, stay, leave, exits });
        }
        for (&step, lead) in states.joints.iter().zip(&leads.joints) {
            let kind = match states.graph.steps[step as usize] {
                Step::Look(kind, _) => kind,
                Step::Match => joint::MATCH,
                Step::Split(..) | Step::Read(..) => joint::BRANCH,
            };
            let to = self.set(lead);
            targets += to.len as usize;
            self.joints.push(Joint { kind, to });
        }
        let begin = self.set(&leads.begin);
        let written = Written { writer: self, begin, readers: states.readers.clone() };
        (targets <= MAX_TARGETS / 2 * words).then_some(written)
    }

    /// A set of states, written once.
    fn set(&mut self, states: &[u32]) -> Text {
        if let Some(&known) = self.known.get(states) {
            return known;
        }
        let text = add_states(states, &mut self.parts);
        self.known.insert(states.to_vec(), text);
        text
    }
}
