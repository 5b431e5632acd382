//! Statuses: one fixed number per reason, never renumbered. Failures are negative.

use std::ffi::CStr;

use crate::engine::MatchError;
use crate::ruleset::LoadErrorKind;

/// The call did what it says.
pub const SIGMATAG_OK: i32 = 0;
/// Success of sigmatag_tag_prepare: there is nothing to write, the input stays as it is.
pub const SIGMATAG_UNCHANGED: i32 = 1;
/// A pointer that is required is NULL.
pub const SIGMATAG_NULL_ARGUMENT: i32 = -1;
/// An argument is outside what this header allows: an unknown format, shape or level, a
/// struct_size that does not fit, a reserved field that is not 0, a length beyond PTRDIFF_MAX,
/// buffers that overlap, or a scratch of another engine.
pub const SIGMATAG_BAD_ARGUMENT: i32 = -2;
/// The scratch is inside another call, or a plan of sigmatag_tag_prepare is pending on it.
pub const SIGMATAG_IN_USE: i32 = -3;
/// An earlier call on this scratch returned SIGMATAG_PANIC. Free it and make a new one.
pub const SIGMATAG_POISONED: i32 = -4;
/// A bug in this library stopped the call. The scratch is poisoned; the engine is not.
pub const SIGMATAG_PANIC: i32 = -5;
/// The rule file cannot be read.
pub const SIGMATAG_IO: i32 = -6;
/// The bytes are not a compiled rule file. Rules in YAML: run `sigmatag compile` first.
pub const SIGMATAG_NOT_SGT: i32 = -7;
/// The rule file was made by a compiler that is too new or too old for this library.
pub const SIGMATAG_UNSUPPORTED_VERSION: i32 = -8;
/// The rule file is shorter than its header says.
pub const SIGMATAG_TRUNCATED: i32 = -9;
/// The checksum or the verification of the rule file failed.
pub const SIGMATAG_CORRUPT: i32 = -10;
/// The rule file is over a limit of the loader.
pub const SIGMATAG_TOO_LARGE: i32 = -11;
/// The event is not what its format says.
pub const SIGMATAG_MALFORMED: i32 = -12;
/// The event is over max_record or nested too deep. It was not matched: pass it on and count it.
pub const SIGMATAG_UNEXAMINED: i32 = -13;
/// The caller's buffer is too small. The size needed has been written.
pub const SIGMATAG_SMALL_BUFFER: i32 = -14;
/// sigmatag_tag_write without a plan of sigmatag_tag_prepare.
pub const SIGMATAG_NO_PLAN: i32 = -15;
/// sigmatag_tag_write was given other data than sigmatag_tag_prepare saw. The plan stays pending.
pub const SIGMATAG_OTHER_DATA: i32 = -16;
/// The rule index is beyond the rule set that the scratch holds.
pub const SIGMATAG_OUT_OF_RANGE: i32 = -17;
/// Memory for the rule file or for a batch could not be had.
pub const SIGMATAG_NO_MEMORY: i32 = -18;

/// Why a call failed, inside Rust. There is no `Ok` here: success is `Result::Ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Status {
    NullArgument = SIGMATAG_NULL_ARGUMENT,
    BadArgument = SIGMATAG_BAD_ARGUMENT,
    InUse = SIGMATAG_IN_USE,
    Poisoned = SIGMATAG_POISONED,
    Panic = SIGMATAG_PANIC,
    Io = SIGMATAG_IO,
    NotSgt = SIGMATAG_NOT_SGT,
    UnsupportedVersion = SIGMATAG_UNSUPPORTED_VERSION,
    Truncated = SIGMATAG_TRUNCATED,
    Corrupt = SIGMATAG_CORRUPT,
    TooLarge = SIGMATAG_TOO_LARGE,
    Malformed = SIGMATAG_MALFORMED,
    Unexamined = SIGMATAG_UNEXAMINED,
    SmallBuffer = SIGMATAG_SMALL_BUFFER,
    NoPlan = SIGMATAG_NO_PLAN,
    OtherData = SIGMATAG_OTHER_DATA,
    OutOfRange = SIGMATAG_OUT_OF_RANGE,
    NoMemory = SIGMATAG_NO_MEMORY,
}

impl Status {
    pub(super) fn code(self) -> i32 {
        self as i32
    }

    pub(super) fn text(self) -> &'static str {
        text(self.code()).to_str().unwrap_or("")
    }
}

impl From<&MatchError> for Status {
    fn from(error: &MatchError) -> Status {
        match error {
            MatchError::Malformed { .. } => Status::Malformed,
            MatchError::Unexamined { .. } => Status::Unexamined,
            MatchError::PlanPending => Status::InUse,
            MatchError::NoPlan => Status::NoPlan,
            MatchError::OtherData => Status::OtherData,
            MatchError::SmallBuffer { .. } => Status::SmallBuffer,
        }
    }
}

impl From<LoadErrorKind> for Status {
    fn from(kind: LoadErrorKind) -> Status {
        match kind {
            LoadErrorKind::NotSgt => Status::NotSgt,
            LoadErrorKind::UnsupportedVersion => Status::UnsupportedVersion,
            LoadErrorKind::Truncated => Status::Truncated,
            LoadErrorKind::Corrupt => Status::Corrupt,
            LoadErrorKind::TooLarge => Status::TooLarge,
        }
    }
}

/// One line for a log. Says what to do where that does not depend on the call.
pub(super) fn text(status: i32) -> &'static CStr {
    match status {
        SIGMATAG_OK => c"ok",
        SIGMATAG_UNCHANGED => c"nothing to write: the input stays as it is",
        SIGMATAG_NULL_ARGUMENT => c"a required pointer is NULL",
        SIGMATAG_BAD_ARGUMENT => c"an argument is outside what sigmatag.h allows",
        SIGMATAG_IN_USE => c"scratch is in use by another call, or a tag plan is pending on it",
        SIGMATAG_POISONED => c"an earlier call on this scratch panicked: free it, make a new one",
        SIGMATAG_PANIC => {
            c"a bug in libsigmatag stopped this call: free the scratch, please report"
        }
        SIGMATAG_IO => c"rule file cannot be read",
        SIGMATAG_NOT_SGT => c"not a compiled rule file: run `sigmatag compile` on the rules",
        SIGMATAG_UNSUPPORTED_VERSION => {
            c"rule file of an unsupported version: compile the rules with this release"
        }
        SIGMATAG_TRUNCATED => c"rule file is cut short: copy or compile it again",
        SIGMATAG_CORRUPT => c"rule file is damaged: copy or compile it again",
        SIGMATAG_TOO_LARGE => c"rule file is over a limit of the loader",
        SIGMATAG_MALFORMED => c"event is not what its format says",
        SIGMATAG_UNEXAMINED => c"event is too large or nested too deep: not matched",
        SIGMATAG_SMALL_BUFFER => c"buffer too small: the size needed has been written",
        SIGMATAG_NO_PLAN => c"sigmatag_tag_write without sigmatag_tag_prepare",
        SIGMATAG_OTHER_DATA => c"sigmatag_tag_write needs the data that sigmatag_tag_prepare saw",
        SIGMATAG_OUT_OF_RANGE => c"no rule has this index in the scratch's rule set",
        SIGMATAG_NO_MEMORY => c"out of memory",
        _ => c"unknown status",
    }
}

/// One line of English for a status, NUL-terminated, valid for ever. Never NULL, also for numbers
/// that are no status. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn sigmatag_status_text(status: i32) -> *const std::ffi::c_char {
    // Nothing here can panic: a table of constants.
    text(status).as_ptr()
}
