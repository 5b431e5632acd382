//! A real MariaDB with its audit log, the clients that use it, and what they do.

pub mod attack;
pub mod client;
pub mod server;
pub mod traffic;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What a program of a test may take, on a machine that builds something else meanwhile.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a program wrote.
pub struct Output {
    pub status: ExitStatus,
    pub out: String,
    pub err: String,
}

/// Waits for the end of a process, and ends it if that takes too long.
pub fn wait(child: &mut Child, what: &str) -> ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("wait") {
            return status;
        }
        if started.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{what}: still running after {PATIENCE:?}");
        }
        sleep(Duration::from_millis(5));
    }
}

/// Runs a program with this standard input, in files so that no pipe fills up.
pub fn run(command: &mut Command, input: &[u8], folder: &Path) -> Output {
    let at = |name: &str| folder.join(name);
    std::fs::write(at("in"), input).expect("write");
    let file = |name: &str| File::create(at(name)).expect("create");
    let what = format!("{command:?}");
    let mut child = command
        .stdin(Stdio::from(File::open(at("in")).expect("open")))
        .stdout(Stdio::from(file("out")))
        .stderr(Stdio::from(file("err")))
        .spawn()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let status = wait(&mut child, &what);
    let read =
        |name: &str| String::from_utf8_lossy(&std::fs::read(at(name)).expect("read")).into_owned();
    Output { status, out: read("out"), err: read("err") }
}

/// As `run`, of a program that must succeed.
pub fn succeed(command: &mut Command, input: &[u8], folder: &Path) -> String {
    let output = run(command, input, folder);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        output.out,
        output.err
    );
    output.out
}

/// A program on PATH or in one of the folders for servers, which PATH need not have.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = ["/usr/sbin", "/usr/libexec", "/usr/bin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(places).map(|part| part.join(name)).find(|p| p.is_file())
}
