//! What is counted in a window, and whether the condition holds of it.

use super::Entry;
use crate::reference::number::Number;
use crate::rule::ast::{Comparison, Correlation, CorrelationCondition, CorrelationKind, Expr};
use std::collections::BTreeSet;

/// Whether a correlation's condition holds of what is in the window, in order of arrival.
pub fn holds(of: &Correlation, entries: &[Entry]) -> bool {
    let present: BTreeSet<usize> = entries.iter().map(|entry| entry.source).collect();
    let is_ordered = of.kind == CorrelationKind::TemporalOrdered;
    match &of.condition {
        CorrelationCondition::Default => {
            let met = if is_ordered { in_order(entries, of.rules.len()) } else { present.len() };
            met == of.rules.len()
        }
        CorrelationCondition::Expression(condition) => {
            let occurs = |name: &str| present.iter().any(|at| of.rules[*at].value == name);
            let order = !is_ordered || in_order(entries, of.rules.len()) == present.len();
            order && satisfied(&condition.expr, &occurs)
        }
        CorrelationCondition::Compare { tests, percentile, .. } => {
            let Some(measure) = measure(of, entries, *percentile) else { return false };
            tests.iter().all(|(operator, threshold)| match operator {
                Comparison::Gt => measure > *threshold,
                Comparison::Gte => measure >= *threshold,
                Comparison::Lt => measure < *threshold,
                Comparison::Lte => measure <= *threshold,
                Comparison::Eq => measure == *threshold,
                Comparison::Neq => measure != *threshold,
            })
        }
    }
}

/// How many of the listed rules occur one after the other in the order in which they are listed.
fn in_order(entries: &[Entry], rules: usize) -> usize {
    // The longest such row that ends with each rule.
    let mut longest = vec![0; rules];
    for entry in entries {
        let before = longest[..entry.source].iter().copied().max().unwrap_or(0);
        longest[entry.source] = longest[entry.source].max(before + 1);
    }
    longest.into_iter().max().unwrap_or(0)
}

fn satisfied(expr: &Expr, occurs: &dyn Fn(&str) -> bool) -> bool {
    match expr {
        Expr::Or(parts) => parts.iter().any(|part| satisfied(part, occurs)),
        Expr::And(parts) => parts.iter().all(|part| satisfied(part, occurs)),
        Expr::Not(part) => !satisfied(part, occurs),
        Expr::Search(name) => occurs(name),
        // Conditions over rules have no quantifiers.
        Expr::Of(..) => false,
    }
}

/// The number that the condition is about; `None` where there is none to compare.
fn measure(of: &Correlation, entries: &[Entry], percentile: Option<f64>) -> Option<f64> {
    let mut once: Vec<&Entry> = Vec::new();
    for entry in entries {
        if once.iter().all(|known| known.event != entry.event) {
            once.push(entry);
        }
    }
    let number = |entry: &&Entry| {
        let text = entry.values.as_ref()?.first()?;
        Number::from_plain_decimal(text.as_bytes())?.text().parse::<f64>().ok()
    };
    let mut numbers: Vec<f64> = once.iter().filter_map(number).collect();
    let count = |count: usize| Some(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    match of.kind {
        CorrelationKind::EventCount => count(once.len()),
        CorrelationKind::ValueCount => {
            let values: BTreeSet<&Vec<String>> =
                once.iter().filter_map(|entry| entry.values.as_ref()).collect();
            count(values.len())
        }
        CorrelationKind::Temporal => {
            count(entries.iter().map(|entry| entry.source).collect::<BTreeSet<_>>().len())
        }
        CorrelationKind::TemporalOrdered => count(in_order(entries, of.rules.len())),
        CorrelationKind::ValueSum => Some(numbers.iter().sum()),
        CorrelationKind::ValueAvg => {
            let sum: f64 = numbers.iter().sum();
            (!numbers.is_empty()).then(|| sum / count(numbers.len()).unwrap_or(1.0))
        }
        CorrelationKind::ValueMedian => quantile(&mut numbers, 50.0),
        CorrelationKind::ValuePercentile => quantile(&mut numbers, percentile.unwrap_or(50.0)),
    }
}

/// The value below which so many percent lie, between two values in proportion.
fn quantile(numbers: &mut [f64], percent: f64) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let last = numbers.len().checked_sub(1)?;
    let place = percent / 100.0 * f64::from(u32::try_from(last).ok()?);
    // A percentile is from 0 to 100, so both are places in the list.
    let (below, above) = (numbers[place.floor() as usize], numbers[place.ceil() as usize]);
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(sources: &[usize]) -> Vec<Entry> {
        let entry = |(at, source): (usize, &usize)| Entry {
            time: 0,
            event: (at as u64, None),
            source: *source,
            values: None,
        };
        sources.iter().enumerate().map(entry).collect()
    }

    #[test]
    fn a_row_may_have_others_between() {
        for (sources, expected) in [
            (&[0, 1, 2][..], 3),
            (&[0, 2, 1], 2),
            (&[2, 1, 0], 1),
            (&[1, 0, 2, 0, 1, 1, 2], 3),
            (&[], 0),
        ] {
            assert_eq!(in_order(&entries(sources), 3), expected, "{sources:?}");
        }
    }

    #[test]
    fn percentiles_lie_between_values() {
        let quantile = |numbers: &[f64], percent| super::quantile(&mut numbers.to_vec(), percent);
        assert_eq!(quantile(&[], 50.0), None);
        assert_eq!(quantile(&[7.0], 99.0), Some(7.0));
        assert_eq!(quantile(&[4.0, 1.0], 50.0), Some(2.5));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0, 5.0], 100.0), Some(5.0));
        assert_eq!(quantile(&[1.0, 2.0, 3.0, 4.0, 5.0], 10.0), Some(1.4));
    }
}
