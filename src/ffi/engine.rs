//! Making, reloading and freeing an engine.

use std::ffi::c_char;
use std::sync::Arc;

use super::contain::{catch, explained, silent};
use super::failure::Failure;
use super::handle::{Handle, Shared, borrow, give_shared, take_shared};
use super::load;
use super::memory::{Place, bytes, read_struct};
use super::status::Status;
use super::totals::Totals;
use super::types::{
    SIGMATAG_LOGSOURCE_AUTO, SIGMATAG_LOGSOURCE_NONE, SIGMATAG_LOGSOURCE_STRICT,
    SIGMATAG_MATCH_METADATA, SIGMATAG_MAX_RECORD, sigmatag_error, sigmatag_options,
};
use crate::engine::{Engine, LogsourceMode, Options};
use crate::ruleset::RuleSet;

/// Records of this many bytes are examined unless the options say otherwise.
const DEFAULT_MAX_RECORD: u32 = 4 << 20;

/// An engine: a rule set and its totals. Any thread may use it, any number at once. Freed by
/// sigmatag_free.
pub struct sigmatag {
    pub(super) engine: Engine,
    pub(super) totals: Totals,
}

impl Handle for sigmatag {
    type Ownership = Shared;
}

// C uses an engine from every thread.
const fn shared_by_threads<T: Send + Sync>() {}
const _: () = shared_by_threads::<sigmatag>();

impl sigmatag {
    fn start(rules: Arc<RuleSet>, options: Options) -> Result<*mut sigmatag, Failure> {
        check_destination(&rules, &options)?;
        let engine = Engine::new(rules, options);
        Ok(give_shared(Arc::new(sigmatag { engine, totals: Totals::new() })))
    }

    /// Loads aside, then publishes. Whatever happens, the outcome is counted.
    fn reload(&self, load: impl FnOnce() -> Result<Arc<RuleSet>, Failure>) -> Result<(), Failure> {
        let outcome = catch(|| {
            let rules = load()?;
            check_destination(&rules, self.engine.options())?;
            self.engine.reload(rules);
            Ok(())
        })
        .unwrap_or_else(|()| {
            self.totals.count_panic();
            Err(Failure::from(Status::Panic))
        });
        self.totals.count_reload(outcome.is_ok());
        outcome
    }
}

/// Whether the rules have the destination that the options name.
fn check_destination(rules: &RuleSet, options: &Options) -> Result<(), Failure> {
    let Some(name) = &options.normalize else { return Ok(()) };
    let found = rules.destination(name).map(drop);
    found.map_err(|why| Failure::new(Status::BadArgument, format!("options: normalize: {why}")))
}

/// Checks the caller's options; NULL means the defaults.
///
/// # Safety
/// As for `read_struct`, and `disable_rules` and `normalize` are readable.
unsafe fn options(pointer: *const sigmatag_options) -> Result<Options, Failure> {
    if pointer.is_null() {
        return Ok(Options { max_record: DEFAULT_MAX_RECORD, ..Options::default() });
    }
    let refuse = |why: &str| Failure::new(Status::BadArgument, why);
    // SAFETY: the caller's promise.
    let given = unsafe { read_struct(pointer) }.map_err(|status| {
        Failure::of_argument(status, "options", "set struct_size to sizeof(sigmatag_options)")
    })?;
    if given.flags & !SIGMATAG_MATCH_METADATA != 0 {
        return Err(refuse("options: unknown flags; zero the struct before use"));
    }
    if given.reserved0 != 0 || given.reserved != [0; 2] {
        return Err(refuse("options: reserved must be 0; zero the struct before use"));
    }
    if given.max_record > SIGMATAG_MAX_RECORD {
        return Err(refuse("options: max_record is above SIGMATAG_MAX_RECORD (1 GiB)"));
    }
    let min_level = match u8::try_from(given.min_level) {
        Ok(level @ 0..=5) => level,
        _ => return Err(refuse("options: min_level is not a SIGMATAG_LEVEL_ (0 to 5)")),
    };
    let logsource_mode = match given.logsource_mode {
        SIGMATAG_LOGSOURCE_AUTO => LogsourceMode::Auto,
        SIGMATAG_LOGSOURCE_STRICT => LogsourceMode::Strict,
        SIGMATAG_LOGSOURCE_NONE => LogsourceMode::None,
        _ => return Err(refuse("options: logsource_mode is not a SIGMATAG_LOGSOURCE_ (0 to 2)")),
    };
    // SAFETY: the caller's promise.
    let disable_rules =
        unsafe { bytes(given.disable_rules, given.disable_rules_len) }.map_err(|status| {
            let why = "disable_rules: NULL with a length, or a length beyond PTRDIFF_MAX";
            Failure::new(status, format!("options: {why}"))
        })?;
    let Ok(disable_rules) = std::str::from_utf8(disable_rules) else {
        return Err(refuse("options: disable_rules is not UTF-8; give ids of rules"));
    };
    // SAFETY: the caller's promise.
    let normalize = unsafe { bytes(given.normalize, given.normalize_len) }.map_err(|status| {
        let why = "normalize: NULL with a length, or a length beyond PTRDIFF_MAX";
        Failure::new(status, format!("options: {why}"))
    })?;
    let Ok(normalize) = std::str::from_utf8(normalize) else {
        return Err(refuse("options: normalize is not UTF-8; give the name of a destination"));
    };
    let max_record = if given.max_record == 0 { DEFAULT_MAX_RECORD } else { given.max_record };
    Ok(Options {
        min_level,
        max_record,
        logsource_mode,
        disable_rules: disable_rules
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|id| !id.is_empty())
            .map(str::to_owned)
            .collect(),
        match_metadata: given.flags & SIGMATAG_MATCH_METADATA != 0,
        normalize: (!normalize.is_empty()).then(|| normalize.to_owned()),
    })
}

/// The place for the new engine.
///
/// # Safety
/// As for `Place::required`.
unsafe fn engine_place(out: *mut *mut sigmatag) -> Result<Place<*mut sigmatag>, Failure> {
    // SAFETY: the caller's promise.
    unsafe { Place::required(out) }
        .map_err(|status| Failure::of_argument(status, "out", "give the address of a sigmatag *"))
}

/// The bytes of a path.
///
/// # Safety
/// As for `bytes`.
unsafe fn path_bytes<'a>(path: *const c_char, len: usize) -> Result<&'a [u8], Failure> {
    // SAFETY: the caller's promise.
    unsafe { bytes(path.cast(), len) }
        .map_err(|status| Failure::of_argument(status, "path", "path_len is beyond PTRDIFF_MAX"))
}

/// The bytes of a rule file in memory.
///
/// # Safety
/// As for `bytes`.
unsafe fn file_bytes<'a>(data: *const u8, len: usize) -> Result<&'a [u8], Failure> {
    // SAFETY: the caller's promise.
    unsafe { bytes(data, len) }
        .map_err(|status| Failure::of_argument(status, "data", "len is beyond PTRDIFF_MAX"))
}

/// Makes an engine of a compiled rule file (.sgt, made by `sigmatag compile`). The file is read
/// once and not kept open; only regular files are read. path need not be NUL-terminated.
///
/// Statuses: the common ones, SIGMATAG_IO, SIGMATAG_NOT_SGT, SIGMATAG_UNSUPPORTED_VERSION,
/// SIGMATAG_TRUNCATED, SIGMATAG_CORRUPT, SIGMATAG_TOO_LARGE, SIGMATAG_NO_MEMORY. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_init(
    path: *const c_char,
    path_len: usize,
    options: *const sigmatag_options,
    out: *mut *mut sigmatag,
    error: *mut sigmatag_error,
) -> i32 {
    // SAFETY: pointers as the header asks of the caller.
    unsafe {
        explained(error, || {
            let out = engine_place(out)?;
            let options = self::options(options)?;
            let rules = load::from_file(path_bytes(path, path_len)?)?;
            out.write(sigmatag::start(rules, options)?);
            Ok(())
        })
    }
}

/// Makes an engine of a compiled rule file in memory. The bytes are copied; they need not outlive
/// the call.
///
/// Statuses: those of sigmatag_init but SIGMATAG_IO. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_init_bytes(
    data: *const u8,
    len: usize,
    options: *const sigmatag_options,
    out: *mut *mut sigmatag,
    error: *mut sigmatag_error,
) -> i32 {
    // SAFETY: pointers as the header asks of the caller.
    unsafe {
        explained(error, || {
            let out = engine_place(out)?;
            let options = self::options(options)?;
            let rules = load::from_bytes(file_bytes(data, len)?)?;
            out.write(sigmatag::start(rules, options)?);
            Ok(())
        })
    }
}

/// Makes an engine of the rule pack for MySQL that is part of the library. All engines made so
/// share one copy of it.
///
/// Statuses: the common ones, and SIGMATAG_IO if this library was built without a pack. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_init_default(
    options: *const sigmatag_options,
    out: *mut *mut sigmatag,
    error: *mut sigmatag_error,
) -> i32 {
    // SAFETY: pointers as the header asks of the caller.
    unsafe {
        explained(error, || {
            let out = engine_place(out)?;
            let options = self::options(options)?;
            let rules = load::from_embedded()?;
            out.write(sigmatag::start(rules, options)?);
            Ok(())
        })
    }
}

/// Makes another engine of the rule set that an engine has in force, with options and totals of its
/// own. The rules are shared, not copied; from then on the two are independent: a reload of one
/// changes nothing for the other, and they may be freed in any order.
///
/// Statuses: the common ones, SIGMATAG_NO_MEMORY. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_share(
    engine: *const sigmatag,
    options: *const sigmatag_options,
    out: *mut *mut sigmatag,
    error: *mut sigmatag_error,
) -> i32 {
    // SAFETY: pointers as the header asks of the caller.
    unsafe {
        explained(error, || {
            let engine =
                borrow(engine).map_err(|status| Failure::of_argument(status, "engine", ""))?;
            let out = engine_place(out)?;
            let options = self::options(options)?;
            out.write(sigmatag::start(engine.engine.rules(), options)?);
            Ok(())
        })
    }
}

/// Lets go of an engine. NULL is allowed. Scratches of the engine stay valid and must still be
/// freed, before or after; the memory of the engine goes with the last of them. Any thread, but no
/// other call may be using this pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_free(engine: *mut sigmatag) {
    // SAFETY: pointers as the header asks of the caller.
    silent(|| drop(unsafe { take_shared(engine) }));
}

/// Replaces the rule set by that of another file. The file is loaded and verified aside and then
/// put in force at once: calls that run finish with the old set, later calls use the new one. If it
/// fails, the old set stays in force.
///
/// Statuses: those of sigmatag_init. Any thread, also while others match.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_reload(
    engine: *mut sigmatag,
    path: *const c_char,
    path_len: usize,
    error: *mut sigmatag_error,
) -> i32 {
    // SAFETY: pointers as the header asks of the caller.
    unsafe {
        explained(error, || {
            let engine = borrow(engine.cast_const())
                .map_err(|status| Failure::of_argument(status, "engine", ""))?;
            engine.reload(|| load::from_file(path_bytes(path, path_len)?))
        })
    }
}

/// Like sigmatag_reload, with a compiled rule file in memory. The bytes are copied.
///
/// Statuses: those of sigmatag_init_bytes. Any thread, also while others match.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_reload_bytes(
    engine: *mut sigmatag,
    data: *const u8,
    len: usize,
    error: *mut sigmatag_error,
) -> i32 {
    // SAFETY: pointers as the header asks of the caller.
    unsafe {
        explained(error, || {
            let engine = borrow(engine.cast_const())
                .map_err(|status| Failure::of_argument(status, "engine", ""))?;
            engine.reload(|| load::from_bytes(file_bytes(data, len)?))
        })
    }
}
