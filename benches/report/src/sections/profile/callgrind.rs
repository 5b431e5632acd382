//! A program under valgrind's callgrind: instructions by function.

use crate::tools::run;
use std::path::Path;
use std::process::Command;

/// What a program executed.
pub struct Profile {
    /// Instructions and names of functions, most first.
    pub functions: Vec<(f64, String)>,
}

impl Profile {
    /// Runs a command under callgrind, which counts inside a function only if one is named; `out`
    /// is for what it writes.
    ///
    /// # Errors
    /// If one of the programs fails.
    pub fn of(command: &Command, only: Option<&str>, out: &Path) -> Result<Profile, String> {
        let mut valgrind = Command::new("valgrind");
        valgrind.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", out.display()));
        if let Some(function) = only {
            valgrind.arg("--collect-atstart=no").arg(format!("--toggle-collect=*{function}*"));
        }
        run(valgrind.arg(command.get_program()).args(command.get_args()))?;
        let mut annotate = Command::new("callgrind_annotate");
        let text = run(annotate.args(["--threshold=100", "--auto=no"]).arg(out))?;
        let functions = functions(&text);
        if functions.is_empty() {
            return Err(format!("callgrind counted nothing in {}", only.unwrap_or("the program")));
        }
        Ok(Profile { functions })
    }

    /// All instructions.
    pub fn total(&self) -> f64 {
        self.functions.iter().map(|(count, _)| count).sum()
    }
}

/// Instructions inside the function `inner` of each call of `outer`, in turn; `out` is for what
/// callgrind writes. Two functions, because callgrind does one thing to a function.
///
/// # Errors
/// If callgrind fails, or does not see `count` calls.
pub fn by_call(
    command: &Command,
    outer: &str,
    inner: &str,
    count: usize,
    out: &Path,
) -> Result<Vec<f64>, String> {
    let mut valgrind = Command::new("valgrind");
    valgrind.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", out.display()));
    valgrind.arg("--collect-atstart=no").arg(format!("--toggle-collect=*{inner}*"));
    valgrind.arg(format!("--dump-after=*{outer}*"));
    run(valgrind.arg(command.get_program()).args(command.get_args()))?;
    let call = |number: usize| {
        let path = out.with_added_extension(number.to_string());
        let text =
            std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
        let total = total.and_then(|total| total.trim().parse().ok());
        total.filter(|&total| total > 0.0).ok_or_else(|| format!("{}: no total", path.display()))
    };
    (1..=count).map(call).collect()
}

/// Instructions and short names of functions, most first, from `callgrind_annotate`.
fn functions(text: &str) -> Vec<(f64, String)> {
    let line = |line: &str| {
        let (count, rest) = line.trim_start().split_once(' ')?;
        let count: f64 = count.replace(',', "").parse().ok()?;
        let (_, place) = rest.split_once(')')?;
        // FILE:FUNCTION [OBJECT]
        let function = place.trim().rsplit_once(" [").map_or(place.trim(), |(before, _)| before);
        let name = function.split_once(':').map_or(function, |(_, name)| name);
        (!name.contains("PROGRAM TOTALS")).then(|| (count, short_name(name)))
    };
    let mut found: Vec<(f64, String)> = Vec::new();
    // A function that was inlined from several files has a line for each.
    for (count, name) in text.lines().filter_map(line) {
        match found.iter_mut().find(|(_, known)| *known == name) {
            Some((sum, _)) => *sum += count,
            None => found.push((count, name)),
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found
}

/// Without the hash at the end, and without what would break a table.
fn short_name(name: &str) -> String {
    let is_hash = |end: &str| end.len() == 16 && end.bytes().all(|byte| byte.is_ascii_hexdigit());
    let named = name.rsplit_once("::h").filter(|(_, end)| is_hash(end));
    let name = named.map_or(name, |(before, _)| before).replace(['|', '`'], "");
    if name.chars().count() <= 90 {
        return name;
    }
    let cut: String = name.chars().take(90).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hash_at_the_end_is_cut() {
        let name = "core::hash::BuildHasher::hash_one";
        assert_eq!(short_name(name), name);
        assert_eq!(short_name(&format!("{name}::h0123456789abcdef")), name);
    }

    #[test]
    fn annotations_are_read() {
        let text = "\
--------------------------------------------------------------------------------
 7,000 (100.0%)  PROGRAM TOTALS

 4,000 (57.14%)  src/engine/scan.rs:sigmatag::engine::scan::Scan::run::h0123456789abcdef [/x/report]
 2,000 (28.57%)  ???:__memcpy_avx_unaligned_erms [/lib/libc.so.6]
 1,000 (14.29%)  /rustc/library/core/src/slice.rs:sigmatag::engine::scan::Scan::run::h0123456789abcdef
";
        let found = functions(text);
        let names: Vec<(f64, &str)> = found.iter().map(|(n, name)| (*n, name.as_str())).collect();
        assert_eq!(
            names,
            [
                (5000.0, "sigmatag::engine::scan::Scan::run"),
                (2000.0, "__memcpy_avx_unaligned_erms")
            ]
        );
    }
}
