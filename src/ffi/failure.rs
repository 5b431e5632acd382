//! Why a call failed, in words, and the `sigmatag_error` that takes them to C.

use std::ffi::c_char;

use super::memory::Output;
use super::status::Status;
use super::types::{SIGMATAG_NO_OFFSET, sigmatag_error};
use crate::ruleset::LoadError;

/// A status with its place and its explanation.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: Status,
    pub(super) offset: u64,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(status: Status, message: impl Into<String>) -> Failure {
        Failure { status, offset: SIGMATAG_NO_OFFSET, message: message.into() }
    }

    /// Says which argument a check was about.
    pub(super) fn of_argument(status: Status, name: &str, repair: &str) -> Failure {
        match status {
            Status::NullArgument => Failure::new(status, format!("{name} is NULL")),
            _ => Failure::new(status, format!("{name}: {repair}")),
        }
    }

    /// Puts the file's name in front.
    pub(super) fn in_file(mut self, name: &str) -> Failure {
        self.message = format!("{name}: {}", self.message);
        self
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        Failure::new(status, status.text())
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Failure {
        Failure {
            status: error.kind.into(),
            offset: error.offset.unwrap_or(SIGMATAG_NO_OFFSET),
            message: error.message,
        }
    }
}

/// The caller's `sigmatag_error`, if there is one.
pub(super) struct ErrorPlace(Option<Output<sigmatag_error>>);

impl ErrorPlace {
    /// # Safety
    /// `pointer` is NULL or points to a struct of `struct_size` bytes that is the caller's to be
    /// written until the call returns.
    pub(super) unsafe fn new(pointer: *mut sigmatag_error) -> Result<ErrorPlace, Status> {
        // SAFETY: the caller's promise.
        unsafe { Output::optional(pointer).map(ErrorPlace) }
    }

    pub(super) fn write(self, failure: &Failure) {
        let Some(output) = self.0 else { return };
        let mut error = sigmatag_error {
            struct_size: 0,
            status: failure.status.code(),
            offset: failure.offset,
            message: [0; 512],
        };
        copy_text(&failure.message, &mut error.message);
        output.write(&error);
    }
}

/// Copies text as a NUL-terminated line: control characters (a log line must stay one line, and
/// NUL would end it) become spaces, and what does not fit is cut between characters.
pub(super) fn copy_text(text: &str, out: &mut [c_char]) {
    let mut at = 0;
    for character in text.chars() {
        let character = if character.is_control() { ' ' } else { character };
        let mut room = [0; 4];
        let encoded = character.encode_utf8(&mut room).as_bytes();
        if at + encoded.len() >= out.len() {
            break;
        }
        for byte in encoded {
            out[at] = *byte as c_char;
            at += 1;
        }
    }
    out[at..].fill(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied(text: &str, size: usize) -> Vec<u8> {
        let mut out = vec![1; size];
        copy_text(text, &mut out);
        out.iter().map(|c| *c as u8).collect()
    }

    #[test]
    fn text_is_cut_between_characters_and_always_ends() {
        assert_eq!(copied("ab", 4), b"ab\0\0");
        assert_eq!(copied("abcd", 4), b"abc\0");
        assert_eq!(copied("aäö", 4), "aä\0".as_bytes());
        assert_eq!(copied("ab€", 4), b"ab\0\0");
        assert_eq!(copied("", 1), b"\0");
    }

    #[test]
    fn text_stays_one_line() {
        assert_eq!(copied("a\n\0\u{1b}b", 8), b"a   b\0\0\0");
    }
}
