//! Resident memory of this process, on Linux.

/// Bytes that are in memory; none where the system does not say.
///
/// `smaps_rollup` and not `statm`: the latter's counters lag behind by as much as a small rule set
/// takes, and are in pages of a size that only a system call tells.
pub fn resident() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/self/smaps_rollup").ok()?)
}

fn parse(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// What came in between.
pub fn growth(before: Option<u64>, after: Option<u64>) -> Option<u64> {
    Some(after?.saturating_sub(before?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_form() {
        let text = "5566-7ffd [rollup]\nRss:                1828 kB\nPss:    155 kB\n";
        assert_eq!(parse(text), Some(1828 * 1024));
        assert_eq!(parse("Pss: 1 kB\n"), None);
        assert_eq!(growth(Some(5), Some(9)), Some(4));
        assert_eq!(growth(None, Some(9)), None);
    }
}
