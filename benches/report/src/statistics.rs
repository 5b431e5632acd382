//! What is made of many measured values.

use crate::common::rng::Rng;

/// Samples of a bootstrap.
const RESAMPLES: usize = 2000;

/// Sorts numbers that are all numbers.
pub fn ascending(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_by(f64::total_cmp);
    values
}

/// The value that so many of a hundred do not exceed: always one that occurs.
pub fn percentile<T: Copy>(ascending: &[T], percent: usize) -> T {
    let rank = (ascending.len() * percent).div_ceil(100);
    ascending[rank.saturating_sub(1)]
}

/// The mean.
pub fn mean(values: &[u64]) -> f64 {
    values.iter().sum::<u64>() as f64 / values.len() as f64
}

/// The value in the middle.
pub fn median(values: &[f64]) -> f64 {
    let sorted = ascending(values.to_vec());
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    } else {
        sorted[middle]
    }
}

/// A value and the interval that holds it with 95 %.
#[derive(Debug, Clone, Copy)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// `figure` of some rounds, and where it lies if rounds are drawn again with replacement.
pub fn bootstrap(rounds: usize, figure: impl Fn(&[usize]) -> f64) -> Estimate {
    let all: Vec<usize> = (0..rounds).collect();
    let mut rng = Rng::new(1);
    let drawn = (0..RESAMPLES).map(|_| {
        let sample: Vec<usize> = all.iter().map(|_| rng.below(rounds)).collect();
        figure(&sample)
    });
    let drawn = ascending(drawn.collect());
    let at = |share: f64| drawn[(share * (drawn.len() - 1) as f64).round() as usize];
    Estimate { value: figure(&all), low: at(0.025), high: at(0.975) }
}

/// The exponent of a power law through the points: the slope of the line that fits their logarithms
/// best.
pub fn exponent(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let (x, y) = (
        logs.iter().map(|point| point.0).sum::<f64>() / count,
        logs.iter().map(|point| point.1).sum::<f64>() / count,
    );
    let spread: f64 = logs.iter().map(|point| (point.0 - x).powi(2)).sum();
    logs.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / spread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occur() {
        let all: Vec<u64> = (1..=200).collect();
        assert_eq!([50, 90, 99, 100].map(|p| percentile(&all, p)), [100, 180, 198, 200]);
        assert_eq!([1, 50, 100].map(|p| percentile(&[7], p)), [7, 7, 7]);
        assert!((mean(&all) - 100.5).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 3.0]) - 3.0).abs() < 1e-9);
    }

    #[test]
    fn exponents_are_found() {
        for power in [0.0, 1.0, 2.0] {
            let points: Vec<(f64, f64)> =
                (0..9).map(|n| f64::from(1 << n)).map(|x| (x, 3.0 * x.powf(power))).collect();
            assert!((exponent(&points) - power).abs() < 1e-9);
        }
    }

    #[test]
    fn intervals_hold_the_value() {
        let rounds: Vec<f64> = (0..21).map(f64::from).collect();
        let found = bootstrap(rounds.len(), |sample| {
            median(&sample.iter().map(|&round| rounds[round]).collect::<Vec<_>>())
        });
        assert!((found.value - 10.0).abs() < 1e-9);
        assert!(found.low > 2.0 && found.low < 10.0 && found.high > 10.0 && found.high < 18.0);
    }
}
