//! Numbers as the document shows them.

/// An integer with its thousands apart.
pub fn thousands(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if number <= -0.5 { format!("-{out}") } else { out }
}

/// Three digits that say something.
pub fn short(number: f64) -> String {
    match number.abs() {
        n if n >= 100.0 => thousands(number),
        n if n >= 10.0 => format!("{number:.1}"),
        n if n >= 0.1 || n == 0.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

/// A time given in nanoseconds.
pub fn time(nanoseconds: f64) -> String {
    let steps = [(1e9, "s"), (1e6, "ms"), (1e3, "µs")];
    match steps.iter().find(|(step, _)| nanoseconds >= *step) {
        Some((step, unit)) => format!("{} {unit}", short(nanoseconds / step)),
        None => format!("{nanoseconds:.0} ns"),
    }
}

/// A number of bytes.
pub fn bytes(count: f64) -> String {
    match count {
        n if n >= 1e6 => format!("{} MB", short(n / 1e6)),
        n if n >= 1e3 => format!("{} kB", short(n / 1e3)),
        n => format!("{n:.0} B"),
    }
}

/// How many times.
pub fn ratio(number: f64) -> String {
    format!("{}×", short(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let all = [0.0, 999.0, 1000.0, 1_234_567.0, -4321.0, -0.2].map(thousands);
        assert_eq!(all, ["0", "999", "1,000", "1,234,567", "-4,321", "0"]);
        assert_eq!([0.0123, 1.234, 12.34, 1234.0].map(short), ["0.012", "1.23", "12.3", "1,234"]);
        let all = [12.0, 1500.0, 2_500_000.0, 3e9].map(time);
        assert_eq!(all, ["12 ns", "1.50 µs", "2.50 ms", "3.00 s"]);
        assert_eq!([12.0, 1500.0, 8e6].map(bytes), ["12 B", "1.50 kB", "8.00 MB"]);
        assert_eq!(ratio(20.0), "20.0×");
    }
}
