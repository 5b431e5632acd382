//! Debian packages and what else is handed out, made, checked by lintian, installed and removed.
//!
//! Optimised builds of everything are needed for that, so it belongs to `make test-long`: without
//! `SIGMATAG_LONG` only what needs no build is looked at. Needs `dpkg-dev` and `lintian`.

mod common;

use common::{root, run, scratch_folder};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The packages, by name. The bytes hang on the sources and `SOURCE_DATE_EPOCH` only.
fn packages(folder: &str) -> Vec<PathBuf> {
    let out = scratch_folder(folder);
    let printed = run(Command::new(root().join("scripts/deb"))
        .args(["--reuse", "--lintian", "--out"])
        .arg(&out)
        .env("SOURCE_DATE_EPOCH", "1795000000")
        .env("CARGO_TARGET_DIR", root().join("target")));
    let printed = String::from_utf8(printed.stdout).expect("UTF-8");
    let files: Vec<PathBuf> = printed.lines().map(PathBuf::from).collect();
    assert_eq!(files.len(), 5, "{printed}");
    files
}

/// An empty system that dpkg knows.
fn system() -> PathBuf {
    let root = scratch_folder("deb-root");
    std::fs::remove_dir_all(&root).expect("a folder");
    for folder in ["var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log"] {
        std::fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    for file in ["var/lib/dpkg/status", "var/lib/dpkg/available"] {
        std::fs::write(root.join(file), "").expect("a file");
    }
    root
}

/// dpkg on that system. What packages depend on is not installed in it.
fn dpkg(system: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("dpkg");
    command
        .arg(format!("--root={}", system.display()))
        .args(["--force-not-root", "--force-depends", "--force-script-chrootless"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// All that is there but dpkg's own data.
fn files(system: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![system.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(system).expect("below").display().to_string();
            if name == "var" {
                continue;
            }
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else {
                found.insert(name);
            }
        }
    }
    found
}

#[test]
fn debian_packages_are_reproducible_installed_and_removed() {
    if std::env::var_os("SIGMATAG_LONG").is_none() {
        println!("skipped, SIGMATAG_LONG is not set: Debian packages");
        return;
    }
    let first = packages("deb-1");
    let second = packages("deb-2");
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first.file_name(), second.file_name());
        let [a, b] = [first, second].map(|file| std::fs::read(file).expect("a package"));
        assert!(a == b, "{} and {} differ", first.display(), second.display());
    }
    let system = system();
    run(dpkg(&system, &["--install"]).args(&first));
    let installed = files(&system);
    let multiarch = run(Command::new("dpkg-architecture").arg("-qDEB_HOST_MULTIARCH")).stdout;
    let multiarch = String::from_utf8(multiarch).expect("UTF-8").trim().to_owned();
    for file in [
        "usr/bin/sigmatag",
        "usr/include/sigmatag.h",
        "usr/lib/fluent-bit/flb-filter_sigmatag.so",
        "usr/lib/lua/5.4/sigmatag.so",
        "usr/share/sigmatag/fluent-bit/sigmatag.lua",
        "usr/share/man/man1/sigmatag.1.gz",
        "usr/share/bash-completion/completions/sigmatag",
        "usr/share/zsh/vendor-completions/_sigmatag",
        "usr/share/fish/vendor_completions.d/sigmatag.fish",
        "usr/share/doc/libsigmatag-dev/examples/c/match.c",
        "usr/share/doc/libsigmatag-dev/examples/go/go.mod",
        &format!("usr/lib/{multiarch}/libsigmatag.so.0"),
        &format!("usr/lib/{multiarch}/libsigmatag.a"),
        &format!("usr/lib/{multiarch}/pkgconfig/sigmatag.pc"),
        &format!("usr/lib/{multiarch}/cmake/sigmatag/sigmatagConfig.cmake"),
    ] {
        assert!(installed.contains(file), "{file} is not installed: {installed:#?}");
    }
    run(&mut dpkg(&system, &["--verify"]));

    let rules = scratch_folder("deb-rules").join("rules.sgt");
    run(Command::new(system.join("usr/bin/sigmatag"))
        .arg("compile")
        .arg(root().join("tests/c/rules.yml"))
        .arg("-o")
        .arg(&rules));
    // A program that is built against what the packages installed.
    let build = scratch_folder("deb-examples");
    run(Command::new("cmake")
        .args(["-G", "Unix Makefiles", "-S"])
        .arg(system.join("usr/share/doc/libsigmatag-dev/examples/c"))
        .arg("-B")
        .arg(&build)
        .arg(format!("-DCMAKE_PREFIX_PATH={}", system.join("usr").display()))
        .arg(format!("-DCMAKE_LIBRARY_ARCHITECTURE={multiarch}"))
        .env_remove("MAKEFLAGS"));
    run(Command::new("cmake").arg("--build").arg(&build).env_remove("MAKEFLAGS"));
    let printed = run(Command::new(build.join("match"))
        .arg(&rules)
        .arg(r#"{"statement":"DROP TABLE users"}"#)
        .env("LD_LIBRARY_PATH", system.join("usr/lib").join(&multiarch)));
    assert_eq!(String::from_utf8_lossy(&printed.stdout).lines().count(), 2);

    let names =
        ["vector-sigmatag", "fluent-bit-sigmatag", "sigmatag", "libsigmatag-dev", "libsigmatag0"];
    run(dpkg(&system, &["--remove"]).args(names));
    run(dpkg(&system, &["--purge"]).args(names));
    assert_eq!(files(&system), BTreeSet::new(), "something is left behind");
}

/// What the container file copies is there, or is what `make install` installs.
#[test]
fn the_container_file_names_what_there_is() {
    let text = read("packaging/container/Dockerfile").replace("\\\n", " ");
    let makefile = read("Makefile") + &read("plugin/fluent-bit/Makefile");
    let (mut stages, mut copied) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match &words[..] {
            ["FROM", image, rest @ ..] => {
                let (_, version) = image.split_once(':').expect("a version of each image");
                assert_ne!(version, "latest");
                stages.extend(rest.get(1).copied());
            }
            ["COPY", from, sources @ .., to] if from.starts_with("--from=") => {
                assert!(stages.contains(&from["--from=".len()..]), "{line}");
                for source in sources {
                    let name = Path::new(source).file_name().expect("a name").to_str();
                    assert!(makefile.contains(name.expect("UTF-8")), "{line}");
                    copied.insert((*to).to_owned());
                }
            }
            ["COPY", ".", _] => {}
            ["COPY", sources @ .., _] => {
                for source in sources {
                    assert!(root().join(source).exists(), "{line}: {source}");
                }
            }
            _ => {}
        }
    }
    let plugins = read("packaging/container/plugins.conf");
    let plugin = plugins.split("Path ").nth(1).expect("a plugin").trim();
    assert!(copied.contains(plugin), "the configuration loads {plugin}, {copied:?} is copied");
    let rust = read("Cargo.toml");
    let minimum = rust.split("rust-version = \"").nth(1).and_then(|rest| rest.split('"').next());
    assert!(text.contains(&format!("FROM rust:{}-", minimum.expect("a version"))));
}

/// The symbols of the package are the functions that the library exports.
#[test]
fn the_symbols_are_the_exports() {
    let symbols = read("packaging/debian/libsigmatag0.symbols");
    let of_package: Vec<&str> = symbols
        .lines()
        .filter_map(|line| line.strip_prefix(' ')?.split_once("@Base "))
        .map(|(name, _)| name)
        .collect();
    let exports = read("tests/c/exports.expected");
    let of_library: Vec<&str> =
        exports.lines().filter_map(|line| line.strip_prefix("T ")).collect();
    assert_eq!(of_package, of_library, "packaging/debian/libsigmatag0.symbols");
}
