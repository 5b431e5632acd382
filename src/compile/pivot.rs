//! Pivots: for each rule a set of indexed predicates of which at least one holds whenever the
//! rule matches. A pivot may only over-approximate; a rule without one is always evaluated.

use super::ir::Ir;

/// What a rule may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wait {
    /// The index reports this predicate.
    Report(u32),
    /// This field is there: so much every predicate asks for, except that it be missing.
    Presence(u32),
}

/// A pivot and the share of events that it is expected to let through.
#[derive(Debug, Clone, PartialEq)]
pub struct Pivot {
    /// Of these at least one is so.
    pub waits: Vec<Wait>,
    /// Sum of their expected frequencies.
    pub cost: f64,
}

/// The cheapest pivot of a condition. `wait_of` says what shows that a predicate may hold, and in
/// which share of events it does; `None` if nothing does.
pub fn choose(ir: &Ir, wait_of: &dyn Fn(u32) -> Option<(Wait, f64)>) -> Option<Pivot> {
    find(ir, false, wait_of)
}

/// The pivot of `ir`, or of its opposite.
fn find(ir: &Ir, negated: bool, wait_of: &dyn Fn(u32) -> Option<(Wait, f64)>) -> Option<Pivot> {
    let all = |parts: &[Ir]| {
        parts
            .iter()
            .filter_map(|part| find(part, negated, wait_of))
            .min_by(|a, b| a.cost.total_cmp(&b.cost))
    };
    let any = |parts: &[Ir]| {
        let mut union = Pivot { waits: Vec::new(), cost: 0.0 };
        for part in parts {
            let pivot = find(part, negated, wait_of)?;
            union.cost += pivot.cost;
            union.waits.extend(pivot.waits);
        }
        Some(union)
    };
    match (ir, negated) {
        // A condition that never holds needs no event to look at it.
        (Ir::False, false) | (Ir::True, true) => Some(Pivot { waits: Vec::new(), cost: 0.0 }),
        (Ir::True, false) | (Ir::False, true) => None,
        (Ir::Predicate(id), false) => {
            wait_of(*id).map(|(wait, cost)| Pivot { waits: vec![wait], cost })
        }
        (Ir::Predicate(_), true) => None,
        (Ir::Not(part), _) => find(part, !negated, wait_of),
        (Ir::And(parts), false) | (Ir::Or(parts), true) => all(parts),
        (Ir::Or(parts), false) | (Ir::And(parts), true) => any(parts),
        (Ir::AtLeast(count, parts), false) => {
            // Of n parts at most n - count may fail, so any n - count + 1 contain one that holds.
            let needed = parts.len() + 1 - *count as usize;
            let mut pivots: Vec<Pivot> =
                parts.iter().filter_map(|part| find(part, false, wait_of)).collect();
            if pivots.len() < needed {
                return None;
            }
            pivots.sort_by(|a, b| a.cost.total_cmp(&b.cost));
            pivots.truncate(needed);
            Some(Pivot {
                cost: pivots.iter().map(|p| p.cost).sum(),
                waits: pivots.into_iter().flat_map(|p| p.waits).collect(),
            })
        }
        (Ir::AtLeast(..), true) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Predicates 0 to 3 are indexed and cheaper the higher, 4 is not indexed.
    fn wait_of(id: u32) -> Option<(Wait, f64)> {
        (id < 4).then(|| (Wait::Report(id), 0.1 / f64::from(id + 1)))
    }

    fn pivot(ir: &Ir) -> Option<Vec<u32>> {
        let id = |wait| match wait {
            Wait::Report(id) | Wait::Presence(id) => id,
        };
        choose(ir, &wait_of).map(|p| p.waits.into_iter().map(id).collect())
    }

    #[test]
    fn pivots_are_necessary() {
        let p = Ir::Predicate;
        assert_eq!(pivot(&Ir::and([p(0), p(2), p(4)])), Some(vec![2]));
        assert_eq!(pivot(&Ir::or([p(0), p(2)])), Some(vec![0, 2]));
        assert_eq!(pivot(&Ir::or([p(0), p(4)])), None);
        assert_eq!(pivot(&Ir::and([p(1), Ir::negate(p(3))])), Some(vec![1]));
        assert_eq!(pivot(&Ir::negate(p(3))), None);
        let both = Ir::negate(Ir::or([Ir::negate(p(0)), p(1)]));
        assert_eq!(pivot(&both), Some(vec![0]));
        assert_eq!(pivot(&Ir::AtLeast(2, vec![p(0), p(1), p(3)])), Some(vec![3, 1]));
        assert_eq!(pivot(&Ir::AtLeast(2, vec![p(0), p(1), p(4)])), Some(vec![1, 0]));
        assert_eq!(pivot(&Ir::AtLeast(2, vec![p(0), p(4), p(4)])), None);
    }

    /// All conditions over three predicates up to a size, against all truth assignments: if the
    /// condition holds, a predicate of the pivot holds.
    #[test]
    fn pivots_over_approximate_in_a_small_world() {
        fn holds(ir: &Ir, truth: u32) -> bool {
            match ir {
                Ir::True => true,
                Ir::False => false,
                Ir::Predicate(id) => truth >> id & 1 == 1,
                Ir::And(parts) => parts.iter().all(|part| holds(part, truth)),
                Ir::Or(parts) => parts.iter().any(|part| holds(part, truth)),
                Ir::Not(part) => !holds(part, truth),
                Ir::AtLeast(count, parts) => {
                    parts.iter().filter(|part| holds(part, truth)).count() >= *count as usize
                }
            }
        }
        let mut world: Vec<Ir> = [0, 1, 4].map(Ir::Predicate).to_vec();
        for _ in 0..2 {
            let base = world.clone();
            for a in &base {
                world.push(Ir::negate(a.clone()));
                for b in base.iter().take(12) {
                    world.push(Ir::and([a.clone(), b.clone()]));
                    world.push(Ir::or([a.clone(), b.clone()]));
                    let three = vec![a.clone(), b.clone(), Ir::Predicate(1)];
                    world.push(Ir::at_least(2, three));
                }
            }
            world.truncate(3000);
        }
        let mut with_pivot = 0;
        for ir in &world {
            let Some(pivot) = pivot(ir) else { continue };
            with_pivot += 1;
            for truth in 0..32 {
                if holds(ir, truth) {
                    assert!(pivot.iter().any(|id| truth >> id & 1 == 1), "{ir:?} at {truth:b}");
                }
            }
        }
        assert!(with_pivot > 500);
    }
}
