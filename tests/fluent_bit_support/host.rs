//! A real Fluent Bit: found or built, run in a directory of its own, ended by its process id.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rmpv::Value;
use serde_json::Value as Json;

use super::{EVIL_ID, ODD_ID, compile_rules, decode_all, filter_object, root, run, target_dir};

pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct FluentBit {
    pub path: PathBuf,
    pub version: (u32, u32, u32),
}

pub fn fluent_bit() -> &'static FluentBit {
    static FOUND: OnceLock<FluentBit> = OnceLock::new();
    FOUND.get_or_init(|| {
        let on_path = std::env::var_os("PATH").and_then(|path| {
            std::env::split_paths(&path)
                .map(|part| part.join("fluent-bit"))
                .find(|file| file.is_file())
        });
        let installed = PathBuf::from("/opt/fluent-bit/bin/fluent-bit");
        let path = match std::env::var_os("FLUENT_BIT") {
            Some(path) => PathBuf::from(path),
            None => {
                on_path.or_else(|| installed.is_file().then_some(installed)).unwrap_or_else(|| {
                    let script = root().join("scripts/fluent-bit-from-npm.sh");
                    PathBuf::from(
                        run(Command::new(script).arg(target_dir()).env_remove("MAKEFLAGS")).trim(),
                    )
                })
            }
        };
        let printed = run(Command::new(&path).arg("--version"));
        let version = printed
            .split_once("Fluent Bit v")
            .expect("a version")
            .1
            .split_whitespace()
            .next()
            .expect("a version");
        let mut numbers = version.split('.').map(|part| part.parse().expect("a number"));
        let mut next = || numbers.next().expect("three numbers");
        let version = (next(), next(), next());
        say(&format!("Fluent Bit {}.{}.{} at {}", version.0, version.1, version.2, path.display()));
        FluentBit { path, version }
    })
}

/// To standard error past the test harness, which keeps what passing tests print.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether this Fluent Bit has what a test needs; says what is skipped if not.
pub fn has(minimum: (u32, u32, u32), test: &str, what: &str) -> bool {
    let version = fluent_bit().version;
    if version < minimum {
        let ((a, b, c), (x, y, z)) = (version, minimum);
        say(&format!(
            "SKIPPED {test}: {what} needs Fluent Bit {x}.{y}.{z} or later, this is {a}.{b}.{c} (set FLUENT_BIT)"
        ));
    }
    version >= minimum
}

/// One run of Fluent Bit in a directory of its own.
pub struct Host {
    pub child: Child,
    pub directory: tempfile::TempDir,
}

/// A place for the files of one run.
pub fn workplace() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary directory")
}

pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    listener.local_addr().expect("an address").port()
}

/// Sections after [SERVICE]; `@` stands for the directory.
pub fn classic(directory: &tempfile::TempDir, sections: &str) -> PathBuf {
    classic_with(filter_object(), directory, sections)
}

/// The same with another file of the filter.
pub fn classic_with(filter: &Path, directory: &tempfile::TempDir, sections: &str) -> PathBuf {
    let at = directory.path().display().to_string();
    let write = |name: &str, text: &str| {
        fs::write(directory.path().join(name), text.replace('@', &at)).expect("write")
    };
    write("plugins.conf", &format!("[PLUGINS]\n    Path {}\n", filter.display()));
    write("parsers.conf", "[PARSER]\n    Name json\n    Format json\n");
    write(
        "fluent-bit.conf",
        &format!(
            "[SERVICE]\n    Flush 0.2\n    Grace 1\n    Log_Level info\n    HTTP_Server Off\n    HTTP_Listen 127.0.0.1\n    \
             Parsers_File @/parsers.conf\n    Plugins_File @/plugins.conf\n{sections}"
        ),
    );
    directory.path().join("fluent-bit.conf")
}

pub const FILE_OUT: &str =
    "[OUTPUT]\n    Name file\n    Match *\n    Path @\n    File out.jsonl\n    Format plain\n";

pub fn filter_section(options: &str) -> String {
    format!("[FILTER]\n    Name sigmatag\n    Match *\n{options}")
}

impl Host {
    pub fn start(directory: tempfile::TempDir, config: &Path) -> Host {
        Host::start_with(directory, config, &[])
    }

    /// With variables for the configuration.
    pub fn start_with(
        directory: tempfile::TempDir,
        config: &Path,
        variables: &[(String, String)],
    ) -> Host {
        let log = File::create(directory.path().join("log")).expect("log file");
        let child = Command::new(&fluent_bit().path)
            .arg("-c")
            .arg(config)
            .current_dir(directory.path())
            .env_remove("SIGMATAG_FLB_LAYOUT")
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("log file"))
            .stderr(log)
            .spawn()
            .expect("start Fluent Bit");
        Host { child, directory }
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.directory.path().join("log")).unwrap_or_default())
            .into_owned()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Whole lines of the output file so far: out.jsonl, or tagged.jsonl of the examples.
    pub fn lines(&self) -> Vec<String> {
        // Records may hold any byte.
        let read = |name: &str| fs::read(self.path(name));
        let text = read("out.jsonl").or_else(|_| read("tagged.jsonl")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    pub fn wait_for(&mut self, what: &str, mut done: impl FnMut(&Host) -> bool) {
        let started = Instant::now();
        while !done(self) {
            let ended = self.child.try_wait().expect("wait");
            assert!(
                ended.is_none() || done(self),
                "Fluent Bit ended ({ended:?}) before {what}:\n{}",
                self.log()
            );
            assert!(started.elapsed() < PATIENCE, "no {what} after {PATIENCE:?}:\n{}", self.log());
            sleep(Duration::from_millis(50));
        }
    }

    pub fn wait_for_lines(&mut self, count: usize) -> Vec<String> {
        self.wait_for(&format!("{count} lines"), |host| host.lines().len() >= count);
        self.lines()
    }

    pub fn signal(&self, name: &str) {
        run(Command::new("kill").arg(name).arg(self.child.id().to_string()));
    }

    pub fn wait_for_end(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("wait") {
                return status;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "still running after {PATIENCE:?}:\n{}",
                self.log()
            );
            sleep(Duration::from_millis(50));
        }
    }

    /// Ends it as an operator would; its whole log.
    pub fn stop(mut self) -> String {
        self.signal("-TERM");
        self.wait_for_end();
        self.log()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Errors mean it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs until `count` records came out; their lines, and the log.
pub fn run_to_file(sections: &str, rules: &[&str], count: usize) -> (Vec<String>, String) {
    let directory = workplace();
    compile_rules(rules, &directory.path().join("rules.sgt"));
    let config = classic(&directory, &format!("{sections}{FILE_OUT}"));
    let mut host = Host::start(directory, &config);
    let lines = host.wait_for_lines(count);
    assert_eq!(lines.len(), count, "{lines:?}");
    (lines, host.stop())
}

pub fn json(line: &str) -> Json {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

pub fn json_ids(record: &Json, key: &str) -> Option<Vec<String>> {
    let rules = record.get(key)?.get("rules")?.as_array()?;
    let mut ids: Vec<String> =
        rules.iter().map(|rule| rule["id"].as_str().expect("an id").to_owned()).collect();
    ids.sort();
    Some(ids)
}

pub fn expected_ids(message: &str) -> Option<Vec<String>> {
    let mut ids = Vec::new();
    if message.contains("evil") {
        ids.push(EVIL_ID.to_owned());
    }
    if message.contains("odd") {
        ids.push(ODD_ID.to_owned());
    }
    (!ids.is_empty()).then_some(ids)
}

/// Entries ([time, record]) of the Forward messages that arrive, until `count` came.
pub fn receive_forward(listener: &TcpListener, host: &mut Host, count: usize) -> Vec<Value> {
    listener.set_nonblocking(true).expect("nonblocking");
    let mut streams: Vec<(TcpStream, Vec<u8>)> = Vec::new();
    let mut entries = Vec::new();
    host.wait_for(&format!("{count} forwarded entries"), |_| {
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true).expect("nonblocking");
            streams.push((stream, Vec::new()));
        }
        entries.clear();
        for (stream, bytes) in &mut streams {
            let mut buffer = [0; 4096];
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                bytes.extend_from_slice(&buffer[..n]);
            }
            let mut rest = &bytes[..];
            while let Ok(message) = rmpv::decode::read_value(&mut rest) {
                match &message.as_array().expect("a Forward message")[1] {
                    Value::Array(list) => entries.extend(list.iter().cloned()),
                    Value::Binary(packed) => entries.extend(decode_all(packed)),
                    Value::String(packed) => entries.extend(decode_all(packed.as_bytes())),
                    other => panic!("Forward message with {other}"),
                }
            }
        }
        entries.len() >= count
    });
    entries
}

/// Sends Forward messages through a filter of the file `object`, whose rules are in `directory`: the
/// entries that come out, until `count` did, and the log.
pub fn through_forward(
    object: &Path,
    directory: tempfile::TempDir,
    filter: &str,
    messages: &[u8],
    count: usize,
) -> (Vec<Value>, String) {
    let receiver = TcpListener::bind("127.0.0.1:0").expect("bind");
    let (port, out) = (free_port(), receiver.local_addr().expect("an address").port());
    let sections = format!(
        "[INPUT]\n    Name forward\n    Listen 127.0.0.1\n    Port {port}\n{filter}\
         [OUTPUT]\n    Name forward\n    Match *\n    Host 127.0.0.1\n    Port {out}\n"
    );
    let config = classic_with(object, &directory, &sections);
    let mut host = Host::start(directory, &config);
    connect(&mut host, port).write_all(messages).expect("send");
    let entries = receive_forward(&receiver, &mut host, count);
    (entries, host.stop())
}

/// Connects once the input listens.
pub fn connect(host: &mut Host, port: u16) -> TcpStream {
    let mut stream = None;
    host.wait_for("listening input", |_| {
        stream = TcpStream::connect(("127.0.0.1", port)).ok();
        stream.is_some()
    });
    stream.expect("connected")
}
