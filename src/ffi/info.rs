//! What the library, an engine and a rule are.

use std::ffi::c_char;

use super::contain::status_of;
use super::engine::sigmatag;
use super::failure::copy_text;
use super::handle::borrow;
use super::memory::Output;
use super::scratch::sigmatag_scratch;
use super::status::Status;
use super::types::{
    SIGMATAG_ABI_VERSION, sigmatag_info_t, sigmatag_rule, sigmatag_source_t, sigmatag_stats_t,
};

/// SIGMATAG_ABI_VERSION of the loaded library. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn sigmatag_abi_version() -> u32 {
    SIGMATAG_ABI_VERSION
}

/// Version of the loaded library, "0.1.0": NUL-terminated, valid for ever. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn sigmatag_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Describes the rule with an index from a hit, in the rule set that the scratch used last.
///
/// Statuses: the common ones, SIGMATAG_OUT_OF_RANGE, SIGMATAG_IN_USE, SIGMATAG_POISONED. Any thread,
/// with a scratch that no other call uses.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_rule_info(
    scratch: *const sigmatag_scratch,
    rule: u32,
    out: *mut sigmatag_rule,
) -> i32 {
    status_of(|| {
        // SAFETY: pointers as the header asks of the caller.
        let (scratch, out) = unsafe { (borrow(scratch)?, Output::required(out)?) };
        scratch.lease(|leased| {
            let found = leased.scratch.rules().rule(rule).ok_or(Status::OutOfRange)?;
            out.write(&sigmatag_rule {
                struct_size: 0,
                level: i32::from(found.level),
                id: found.id.as_ptr().cast(),
                id_len: found.id.len(),
                title: found.title.as_ptr().cast(),
                title_len: found.title.len(),
                author: found.author.as_ptr().cast(),
                author_len: found.author.len(),
                tags: found.tags.as_ptr().cast(),
                tags_len: found.tags.len(),
                logsource: found.logsource.as_ptr().cast(),
                logsource_len: found.logsource.len(),
            });
            Ok(())
        })
    })
}

/// Describes the rule set in force.
///
/// Statuses: the common ones. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_info(engine: *const sigmatag, out: *mut sigmatag_info_t) -> i32 {
    status_of(|| {
        // SAFETY: pointers as the header asks of the caller.
        let (engine, out) = unsafe { (borrow(engine)?, Output::required(out)?) };
        let current = engine.engine.current();
        let rules = &current.rules;
        let mut info = sigmatag_info_t {
            struct_size: 0,
            generation: current.generation,
            rules: rules.rule_count(),
            format_version: rules.format_version(),
            skipped_rules: rules.skipped_rules(),
            regexes: rules.regex_count(),
            disabled_rules: current.disabled_rules,
            unknown_disabled_rules: current.unknown_disabled_rules,
            sources: rules.source_count(),
            reserved0: 0,
            bytes: rules.resident_bytes(),
            ruleset: [0; 65],
            reserved: [0; 7],
        };
        copy_text(rules.identity(), &mut info.ruleset);
        out.write(&info);
        Ok(())
    })
}

/// Describes a source of the rule set in force, and what the engine saw of it. index is below
/// sigmatag_info_t.sources; the sources of another rule set may have other indices, but keep their
/// totals by name. While others match, the numbers may be of slightly different moments.
///
/// Statuses: the common ones, SIGMATAG_OUT_OF_RANGE. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_source_info(
    engine: *const sigmatag,
    index: u32,
    out: *mut sigmatag_source_t,
) -> i32 {
    status_of(|| {
        // SAFETY: pointers as the header asks of the caller.
        let (engine, out) = unsafe { (borrow(engine)?, Output::required(out)?) };
        let rules = engine.engine.rules();
        let found = engine.totals.source(&rules, index).ok_or(Status::OutOfRange)?;
        out.write(&found);
        Ok(())
    })
}

/// Writes the totals of the engine. While others match, the numbers may be of slightly different
/// moments.
///
/// Statuses: the common ones. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sigmatag_get_stats(
    engine: *const sigmatag,
    out: *mut sigmatag_stats_t,
) -> i32 {
    status_of(|| {
        // SAFETY: pointers as the header asks of the caller.
        let (engine, out) = unsafe { (borrow(engine)?, Output::required(out)?) };
        out.write(&engine.totals.read());
        Ok(())
    })
}
