//! The rule pack that is part of the library.

/// `rules/mysql/pack.sgt`: the rules of `rules/mysql` as `make pack` compiled them. A test compares
/// it with the rules.
pub fn pack() -> &'static [u8] {
    include_bytes!("../../rules/mysql/pack.sgt")
}
