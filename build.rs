//! Link arguments of the shared library; nothing else.
//!
//! Which symbols it exports is rustc's doing: for a cdylib it hands the linker a version script with
//! the `no_mangle` functions and `local: *`. GNU ld refuses a second anonymous version script, so
//! there is none of ours; `tests/c/exports.expected` is what proves the list.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return;
    }
    for argument in [
        // The number grows when a function or struct of the ABI changes or goes away.
        "-Wl,-soname,libsigmatag.so.0",
        // A host that calls dlclose must not unmap code that its threads may still be in.
        "-Wl,-z,nodelete",
        // An unresolved symbol is an error here and not at the host's start.
        "-Wl,-z,defs",
    ] {
        println!("cargo:rustc-cdylib-link-arg={argument}");
    }
}
