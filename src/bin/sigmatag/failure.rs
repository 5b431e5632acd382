//! How a subcommand ends when it cannot do its work, and the exit codes.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// The last words of `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  rules were refused
  2  wrong usage, or a file could not be read or written
  3  done, and the answer is no: denied findings, failed tests, nothing recognised,
     indicators that could not be read";

/// Why a subcommand ended early.
#[derive(Debug)]
pub enum Failure {
    /// Rules were refused. Exit code 1.
    Refused(String),
    /// The arguments do not fit, or a file could not be read or written. Exit code 2.
    Unusable(String),
    /// The work is done and its result is not what was asked for. Exit code 3.
    Negative(String),
    /// Whoever read the output has gone: nothing is wrong. Exit code 0, no message.
    ReaderGone,
}

impl Failure {
    /// A file could not be `verb`, for example "read".
    pub fn file(path: &Path, verb: &str, error: &io::Error) -> Failure {
        Failure::Unusable(format!("{}: cannot be {verb}: {error}", path.display()))
    }

    /// Writing to standard output failed.
    pub fn output(error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Failure::ReaderGone
        } else {
            Failure::Unusable(format!("standard output: cannot be written: {error}"))
        }
    }

    /// Prints the message and gives the exit code.
    pub fn report(&self) -> ExitCode {
        match self {
            Failure::Refused(message) => {
                say(format_args!("error: {message}"));
                ExitCode::from(1)
            }
            Failure::Unusable(message) => {
                say(format_args!("error: {message}"));
                ExitCode::from(2)
            }
            Failure::Negative(message) => {
                say(format_args!("{message}"));
                ExitCode::from(3)
            }
            Failure::ReaderGone => ExitCode::SUCCESS,
        }
    }
}

/// Prints a line to standard error. That it cannot be printed is nothing anybody could be told.
pub fn say(line: fmt::Arguments<'_>) {
    let _ = io::Write::write_fmt(&mut io::stderr().lock(), format_args!("{line}\n"));
}

/// Prints to standard output.
///
/// # Errors
/// If it cannot be written; a reader that has gone is [`Failure::ReaderGone`].
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    io::Write::write_all(&mut out, text.as_bytes())
        .and_then(|()| io::Write::flush(&mut out))
        .map_err(|error| Failure::output(&error))
}

/// `1 rule`, `2 rules`, `3 matches`.
pub fn count(number: impl Into<u64>, noun: &str) -> String {
    let number = number.into();
    let ending = match noun.as_bytes() {
        _ if number == 1 => "",
        [.., b'x'] | [.., b'c', b'h'] => "es",
        _ => "s",
    };
    format!("{} {noun}{ending}", thousands(number))
}

/// A number with commas between groups of three digits.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A size that a person can read.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1000), "1,000");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(count(1u32, "rule"), "1 rule");
        assert_eq!(count(0u32, "rule"), "0 rules");
        assert_eq!(count(1000u32, "match"), "1,000 matches");
        assert_eq!(count(2u32, "regex"), "2 regexes");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(3 << 20), "3.0 MiB");
    }
}
