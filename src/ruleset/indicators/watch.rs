//! In which fields indicators are looked for.

use super::super::codec::record;
use super::super::tables::Text;

/// How the text of a field is read; the values of [`Watch::form`].
pub mod form {
    /// Whatever stands in it between blanks, quotes and punctuation.
    pub const WORDS: u8 = 0;
    /// It is a URL as a whole.
    pub const URL: u8 = 1;
    /// It is a path or a file's name as a whole.
    pub const PATH: u8 = 2;
    /// A mail address as a whole, or words of which some are.
    pub const EMAIL: u8 = 3;
    /// Number of forms.
    pub const COUNT: u8 = 4;
}

record! {
    /// A field in which indicators are looked for.
    pub struct Watch {
        /// The field.
        pub field: u32,
        /// A field that is looked at instead where an event has it, or [`NONE`](crate::ruleset::tables::NONE).
        pub unless: u32,
        /// The kinds that are looked for, see [`kind::bit`](super::kind::bit).
        pub kinds: u16,
        /// See [`form`].
        pub form: u8,
        /// Its name, in `names`.
        pub name: Text,
    }
}

/// The fields that are looked at.
// PERF: slices, which a loop over fields keeps in registers.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// For each field one more than its watch, or 0.
    pub(super) of: &'a [u8],
    pub(super) watches: &'a [Watch],
}

impl<'a> Watched<'a> {
    /// Whether a field is looked at.
    #[inline]
    pub fn has(self, field: u32) -> bool {
        self.of.get(field as usize).is_some_and(|number| *number != 0)
    }

    /// How a field is looked at, if it is.
    #[inline]
    pub fn get(self, field: u32) -> Option<&'a Watch> {
        let number = *self.of.get(field as usize)?;
        self.watches.get(usize::from(number.checked_sub(1)?))
    }
}
