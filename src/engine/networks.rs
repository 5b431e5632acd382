//! Which networks of a field an address is in.

use crate::ruleset::tables::{FieldIndex, Network, Tables};
use std::net::IpAddr;

/// Shows the predicate of every network of a field's index that has the address.
///
/// What this rests on was proved by `verify`: the order, and that each network lies in those that it
/// leads to.
pub(super) fn containing(
    tables: &Tables,
    index: &FieldIndex,
    address: IpAddr,
    mut show: impl FnMut(u32),
) {
    let (version, bits) = Network::number(address);
    let list = if version == 4 { index.v4 } else { index.v6 }.of(&tables.nested);
    let has_it = |predicate: u32| {
        let predicate = &tables.predicates[predicate as usize];
        tables.networks[predicate.a as usize].contains(address)
    };
    let mut at = list.partition_point(|nested| nested.first as u128 <= bits).checked_sub(1);
    let mut is_inside = false;
    while let Some(nested) = at.and_then(|at| list.get(at)) {
        is_inside = is_inside || has_it(nested.predicate);
        if is_inside {
            show(nested.predicate);
        }
        at = nested.outer();
    }
}
