//! What every host is tested with: a library that was installed, a thousand events, and what has to
//! become of them.

// Every test program compiles this folder and uses its own part of it.
#![allow(dead_code)]

pub mod events;
pub mod expected;

use crate::common::{root, run, scratch_folder};
use expected::{Expected, Rules, expect};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// No host takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where a library was installed to.
pub struct Installed {
    /// What stands for `/`.
    pub destination: PathBuf,
}

impl Installed {
    pub fn library_folder(&self) -> PathBuf {
        self.destination.join("usr/lib")
    }

    pub fn include_folder(&self) -> PathBuf {
        self.destination.join("usr/include")
    }

    /// The shared library.
    pub fn shared(&self) -> PathBuf {
        self.library_folder().join("libsigmatag.so.0")
    }

    /// A command that finds what is installed by pkg-config, and the shared library when it runs.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .env("PKG_CONFIG_LIBDIR", self.library_folder().join("pkgconfig"))
            .env("PKG_CONFIG_SYSROOT_DIR", &self.destination)
            .env("LD_LIBRARY_PATH", self.library_folder());
        command
    }
}

/// The library as `make install-library` leaves it, and nothing of the source tree.
pub fn installed() -> &'static Installed {
    static INSTALLED: OnceLock<Installed> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let destination = scratch_folder("installed");
        install("install-library", &destination);
        Installed { destination }
    })
}

/// Runs a part of `make install`.
pub fn install(part: &str, destination: &Path) {
    // The folder in which tests/instructions.rs builds the same library.
    run(Command::new("make")
        .current_dir(root())
        .args([part, "PREFIX=/usr"])
        .arg(format!("DESTDIR={}", destination.display()))
        .arg(format!("CARGO={}", env!("CARGO")))
        .env("CARGO_TARGET_DIR", root().join("target"))
        .env_remove("MAKEFLAGS"));
}

/// The events, and where the rules are.
pub struct Common {
    pub rules: PathBuf,
    pub events: Vec<Expected>,
}

/// Made once for a test program.
pub fn common() -> &'static Common {
    static COMMON: OnceLock<Common> = OnceLock::new();
    COMMON.get_or_init(|| {
        let rules = Rules::compiled();
        let path = scratch_folder("hosts").join("rules.sgt");
        let own = path.with_extension(std::process::id().to_string());
        std::fs::write(&own, &rules.file).expect("write");
        std::fs::rename(&own, &path).expect("the same folder");
        Common { rules: path, events: expect(&rules) }
    })
}

impl Common {
    /// The events as frames: their length in four bytes, least first, and their bytes.
    pub fn frames(&self, of: impl Fn(&Expected) -> &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for expected in &self.events {
            let bytes = of(expected);
            out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            out.extend_from_slice(bytes);
        }
        out
    }

    /// The events as lines of JSON.
    pub fn lines(&self, of: impl Fn(&Expected) -> &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for expected in &self.events {
            out.extend_from_slice(of(expected));
            out.push(b'\n');
        }
        out
    }
}

/// Fails at the first byte that differs.
pub fn assert_same(host: &str, found: &[u8], right: &[u8]) {
    let Some(at) = (0..found.len().max(right.len())).find(|&at| found.get(at) != right.get(at))
    else {
        return;
    };
    let around = |bytes: &[u8]| {
        let from = at.saturating_sub(200).min(bytes.len());
        bytes[from..(at + 100).min(bytes.len())].escape_ascii().to_string()
    };
    panic!("{host} differs at byte {at}:\n{}\nright:\n{}", around(found), around(right));
}

/// Runs a program to its end with some input.
pub fn with_input(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    // A program that ends early closes the pipe; its status says why.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().expect("wait");
    writer.join().expect("the writer");
    output
}

/// What a program that must succeed wrote.
pub fn output_of(command: &mut Command, input: &[u8]) -> Vec<u8> {
    let output = with_input(command, input);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Waits until something is so.
pub fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < PATIENCE, "no {what} after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
