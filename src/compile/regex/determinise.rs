//! From a nondeterministic automaton to a deterministic one.
//!
//! Nobody asks where a match is, only whether there is one. So a state in which a match is reached
//! is the decision itself and has no successors, and the order of alternatives means nothing: a
//! state is a plain set. General determinisers keep both apart and build many times the states,
//! to be merged afterwards.

use crate::limits;
use crate::ruleset::regexes::automaton::row;
use foldhash::HashMap;
use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::look::{Look, LookMatcher};
use regex_automata::util::primitives::StateID;

/// Most transitions before the automaton is made smaller: hardly more than it may have in the end,
/// as few states of sets can be merged.
const MAX_TRANSITIONS: usize = limits::MAX_REGEX_DFA / 2 + (1 << 12);
/// Most members of all sets together: what time and memory grow with.
const MAX_MEMBERS: usize = 1 << 17;

/// Targets that are decisions; the states come behind them.
pub const FIRST: u32 = row::COUNT as u32;

/// States as rows of targets: one for each class of bytes that no state tells apart, and one for
/// the end of the text.
pub struct States {
    /// The class of each byte.
    pub columns: [u8; 256],
    /// Length of a row.
    pub stride: usize,
    /// Rows of all states; a target is a decision or [`FIRST`] and the state's number.
    pub rows: Vec<u32>,
    /// Where a text begins.
    pub start: u32,
}

/// The byte before a place, as far as assertions tell bytes apart.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    LineFeed,
    Return,
    Word,
    Other,
}

impl Before {
    fn byte(byte: u8) -> Before {
        match byte {
            b'\n' => Before::LineFeed,
            b'\r' => Before::Return,
            byte if byte.is_ascii_alphanumeric() || byte == b'_' => Before::Word,
            _ => Before::Other,
        }
    }

    /// A text that ends like this.
    fn text(self) -> &'static [u8] {
        match self {
            Before::Nothing => b"",
            Before::LineFeed => b"\n",
            Before::Return => b"\r",
            Before::Word => b"a",
            Before::Other => b" ",
        }
    }
}

/// Where the automaton may be: places that read a byte, or that wait for an assertion to hold.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Set {
    places: Vec<StateID>,
    /// The byte before, as a number of [`Before`]; always the same where no assertion waits, so
    /// that equal sets are equal.
    before: u8,
}

/// Reached a match.
struct Match;

struct Determiniser<'a> {
    nfa: &'a NFA,
    looks: LookMatcher,
    /// When each place was last added to a set.
    seen: Vec<u32>,
    stamp: u32,
    stack: Vec<StateID>,
    numbers: HashMap<Set, u32>,
    open: Vec<(Set, Before)>,
    members: usize,
}

/// The states of `nfa`; with `ascii_only`, bytes beyond ASCII lead to [`row::QUIT`]. `None` if they
/// are too many.
pub fn determinise(nfa: &NFA, ascii_only: bool) -> Option<States> {
    let classes = nfa.byte_classes();
    let mut columns: [u8; 256] = std::array::from_fn(|byte| classes.get(byte as u8));
    if ascii_only {
        let other = columns[0x7F] + 1;
        columns[0x80..].fill(other);
    }
    let count = usize::from(columns[255]) + 1;
    let mut bytes = vec![0u8; count];
    for (byte, &column) in (0..=255u8).zip(&columns).rev() {
        bytes[usize::from(column)] = byte;
    }
    let mut d = Determiniser {
        nfa,
        looks: LookMatcher::new(),
        seen: vec![0; nfa.states().len()],
        stamp: 0,
        stack: Vec::new(),
        numbers: HashMap::default(),
        open: Vec::new(),
        members: 0,
    };
    let start = d.number(&[nfa.start_unanchored()], Before::Nothing);
    let no_assertions = nfa.look_set_any().is_empty();
    let stride = count + 1;
    let mut rows = Vec::new();
    let mut targets: Vec<Vec<StateID>> = vec![Vec::new(); count];
    let mut done = 0;
    while let Some((set, before)) = d.open.get(done).cloned() {
        if rows.len() + stride > MAX_TRANSITIONS || d.members > MAX_MEMBERS {
            return None;
        }
        done += 1;
        let waits = set.places.iter().any(|&place| matches!(nfa.state(place), State::Look { .. }));
        if !waits {
            targets.iter_mut().for_each(Vec::clear);
            set.places.iter().for_each(|&place| read_all(nfa.state(place), &columns, &mut targets));
        }
        let first = rows.len();
        for (column, &byte) in bytes.iter().enumerate() {
            if ascii_only && !byte.is_ascii() {
                rows.push(row::QUIT as u32);
                continue;
            }
            if waits {
                let Ok(places) = d.holding(&set.places, before, Some(byte)) else {
                    rows.push(row::MATCH as u32);
                    continue;
                };
                let read = |&place: &StateID| read(nfa.state(place), byte);
                let targets: Vec<StateID> = places.iter().filter_map(read).collect();
                rows.push(d.number(&targets, Before::byte(byte)));
                continue;
            }
            // Most bytes lead to the same few places.
            let same = |other: &usize| {
                targets[*other] == targets[column]
                    && (no_assertions || Before::byte(bytes[*other]) == Before::byte(byte))
            };
            match (0..column).find(same) {
                Some(other) => rows.push(rows[first + other]),
                None => rows.push(d.number(&targets[column], Before::byte(byte))),
            }
        }
        let matches = waits && d.holding(&set.places, before, None).is_err();
        rows.push(if matches { row::MATCH } else { row::DEAD } as u32);
    }
    Some(States { columns, stride, rows, start })
}

impl Determiniser<'_> {
    /// The state that reading leads to: a decision, or the number of a set.
    fn number(&mut self, targets: &[StateID], before: Before) -> u32 {
        let Ok(mut places) = self.follow(targets, |_, look| match look {
            // All that is known before the next byte is.
            Look::Start if before != Before::Nothing => Some(false),
            _ => None,
        }) else {
            return row::MATCH as u32;
        };
        if places.is_empty() {
            return row::DEAD as u32;
        }
        places.sort_unstable();
        let waits = |&place: &StateID| matches!(self.nfa.state(place), State::Look { .. });
        let known = if places.iter().any(waits) { before } else { Before::Other };
        let next = FIRST + self.open.len() as u32;
        let members = places.len();
        let set = Set { places, before: known as u8 };
        let number = *self.numbers.entry(set.clone()).or_insert(next);
        if number == next {
            self.members += members;
            self.open.push((set, known));
        }
        number
    }

    /// The places that read a byte once the assertions are decided by the byte before and the next
    /// one (none: the text ends).
    fn holding(
        &mut self,
        places: &[StateID],
        before: Before,
        next: Option<u8>,
    ) -> Result<Vec<StateID>, Match> {
        let before = before.text();
        let mut window = before.to_vec();
        window.extend(next);
        self.follow(places, |looks, look| Some(looks.matches(ascii(look), &window, before.len())))
    }

    /// All places that follow from `places` without reading; `decide` says whether an assertion
    /// holds, or nothing if it must wait.
    fn follow(
        &mut self,
        places: &[StateID],
        decide: impl Fn(&LookMatcher, Look) -> Option<bool>,
    ) -> Result<Vec<StateID>, Match> {
        self.stamp += 1;
        self.stack.clear();
        self.stack.extend_from_slice(places);
        let mut found = Vec::with_capacity(places.len());
        while let Some(place) = self.stack.pop() {
            if std::mem::replace(&mut self.seen[place.as_usize()], self.stamp) == self.stamp {
                continue;
            }
            match self.nfa.state(place) {
                State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => found.push(place),
                State::Look { look, next } => match decide(&self.looks, *look) {
                    Some(true) => self.stack.push(*next),
                    Some(false) => {}
                    None => found.push(place),
                },
                State::Union { alternates } => self.stack.extend_from_slice(alternates),
                State::BinaryUnion { alt1, alt2 } => self.stack.extend([*alt1, *alt2]),
                State::Capture { next, .. } => self.stack.push(*next),
                State::Fail => {}
                State::Match { .. } => return Err(Match),
            }
        }
        Ok(found)
    }
}

/// Unicode's word boundaries are asked about between ASCII characters only.
fn ascii(look: Look) -> Look {
    match look {
        Look::WordUnicode => Look::WordAscii,
        Look::WordUnicodeNegate => Look::WordAsciiNegate,
        Look::WordStartUnicode => Look::WordStartAscii,
        Look::WordEndUnicode => Look::WordEndAscii,
        Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
        Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
        look => look,
    }
}

/// Where a place goes with a byte.
fn read(state: &State, byte: u8) -> Option<StateID> {
    match state {
        State::ByteRange { trans } => trans.matches_byte(byte).then_some(trans.next),
        State::Sparse(sparse) => sparse.matches_byte(byte),
        State::Dense(dense) => dense.matches_byte(byte),
        _ => None,
    }
}

/// Where a place goes with the bytes of each class.
fn read_all(state: &State, columns: &[u8; 256], targets: &mut [Vec<StateID>]) {
    let mut range = |start: u8, end: u8, next: StateID| {
        let (first, last) = (columns[usize::from(start)], columns[usize::from(end)]);
        for targets in &mut targets[usize::from(first)..=usize::from(last)] {
            if targets.last() != Some(&next) {
                targets.push(next);
            }
        }
    };
    match state {
        State::ByteRange { trans } => range(trans.start, trans.end, trans.next),
        State::Sparse(sparse) => {
            sparse.transitions.iter().for_each(|trans| range(trans.start, trans.end, trans.next));
        }
        State::Dense(dense) => {
            for byte in 0..=255 {
                if let Some(next) = dense.matches_byte(byte) {
                    range(byte, byte, next);
                }
            }
        }
        _ => {}
    }
}
