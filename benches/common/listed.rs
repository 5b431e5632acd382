//! Lists of indicators of any length, of which generated events have none.

use sigmatag::ioc::{self, Reading, Set};
use std::sync::Arc;

/// A number that looks like any other.
fn mixed(number: u32, round: u32) -> u32 {
    (number ^ round.wrapping_mul(0x85eb_ca6b)).wrapping_mul(0x9e37_79b1).rotate_left(15) ^ number
}

/// As many different values: domains, addresses, hashes and URLs.
fn list(size: u32) -> String {
    let value = |number: u32| {
        let [a, b, c] = [1, 2, 3].map(|round| mixed(number, round));
        match number % 10 {
            0..4 => format!("h{a:x}.z{number}.example\n"),
            4..7 => format!("100.{}.{}.{}\n", number >> 16, number >> 8 & 255, number & 255),
            7..9 => format!("{a:08x}{b:08x}{c:08x}{number:08x}{a:08x}{b:08x}{c:08x}{number:08x}\n"),
            _ => format!("http://u{b:x}.example/{c:x}/{number}\n"),
        }
    };
    (0..size).map(value).collect()
}

/// A set of so many indicators.
pub fn set(size: u32) -> Arc<Set> {
    let reading = Reading { of: None, at: 1_780_000_000 };
    let feed = ioc::read("list", list(size).as_bytes(), reading).expect("a list");
    assert_eq!(feed.indicators.len(), size as usize, "{:?}", feed.report);
    Arc::new(Set::new(vec![feed], 4).expect("a set"))
}
