//! Texts around literals: whole and nearly, at every alignment, at the ends of the text, among
//! neighbours that look like other literals.

use super::Rng;
use super::event::State;
use super::item::Item;
use super::{mutate, witness};

/// A text that may match some of these items.
pub fn text(rng: &mut Rng, items: &[&Item]) -> Vec<u8> {
    if rng.chance(2) {
        return Vec::new();
    }
    let mut core = changed(rng, items);
    if rng.chance(15) {
        // Overlapping, or one behind the other.
        let other = changed(rng, items);
        let shared = rng.below(core.len().min(other.len()) + 1).min(rng.below(4));
        core.truncate(core.len() - shared);
        core.extend(other);
    }
    let total = match rng.below(6) {
        0 | 1 => core.len(),
        2 => core.len() + 1 + rng.below(9),
        3 => 1 + rng.below(40),
        4 => 56 + rng.below(17),
        _ => 120 + rng.below(17),
    };
    let room = total.saturating_sub(core.len());
    let left = match rng.below(4) {
        0 => 0,
        1 => room,
        _ => rng.below(room + 1),
    };
    let mut out = neighbour(rng, items, &core, left);
    let right = neighbour(rng, items, &core, room - left);
    out.extend(core);
    out.extend(right);
    out
}

/// An instance of a value, whole or nearly.
fn changed(rng: &mut Rng, items: &[&Item]) -> Vec<u8> {
    let mut text = instance(rng, items);
    let at = rng.below(text.len().max(1));
    match rng.below(16) {
        0 if !text.is_empty() => text[at] ^= *rng.pick(&[0x01, 0x20, 0x80, 0x5f]),
        1 if !text.is_empty() => drop(text.drain(..(1 + rng.below(4)).min(text.len()))),
        2 => text.truncate(text.len().saturating_sub(1 + rng.below(4))),
        3 if !text.is_empty() => drop(text.remove(at)),
        4 => text.insert(at, *rng.pick(b"x\n \0A\xff")),
        5..=7 => mutate::flip_case(rng, &mut text),
        8 => text = mutate::foreign_letters(&text),
        9 => {
            // Only one letter foreign: the rest of the text stays as it was.
            let foreign = mutate::foreign_letters(&text[at.min(text.len())..]);
            text.truncate(at);
            text.extend(foreign);
        }
        10 => text.extend(text.clone()),
        _ => {}
    }
    text
}

fn instance(rng: &mut Rng, items: &[&Item]) -> Vec<u8> {
    let item = *rng.pick(items);
    let index = rng.below(item.values.len());
    witness::instance(rng, item, index, State::String)
}

/// `len` bytes to stand beside a literal.
fn neighbour(rng: &mut Rng, items: &[&Item], core: &[u8], len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len);
    let kind = rng.below(8);
    while out.len() < len {
        match kind {
            0 => out.push(*rng.pick(b"ab")),
            // The beginning of the literal again and again.
            1 if !core.is_empty() => out.extend(&core[..core.len().min(1 + len % 5)]),
            // Pieces of the literals of the set.
            2 | 3 => {
                let other = instance(rng, items);
                let from = rng.below(other.len() + 1);
                out.extend(other[from..].iter().take(1 + rng.below(6)));
                out.push(b' ');
            }
            4 => out.extend(rng.word(&["é", "\u{212a}", "ſ", "日", "😀", "x"]).bytes()),
            5 if rng.chance(10) => out.push(*rng.pick(b"\xff\x80\xe2\0")),
            6 => out.push(*rng.pick(b" \\/-.:\n")),
            _ => out.push(b' ' + rng.below(95) as u8),
        }
    }
    out.truncate(len);
    out
}
