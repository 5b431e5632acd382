//! A stand-in for one generation of Fluent Bit: tests/fake_host/fake_host.c, built with gcc and
//! driven over its standard input.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rmpv::Value;

use super::{decode_all, encode, filter_object, map, root, run, tagged_ids, target_dir};

/// A row of fake_host.c's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    V1_8_12 = 0,
    V1_9_0 = 1,
    V1_9_3 = 2,
    V2_1_0 = 3,
    V2_1_4 = 4,
    V2_2 = 5,
    V3_2 = 6,
    V5_0_3 = 7,
    Unknown = 8,
    V1_8WithoutMetrics = 9,
}
use Generation::*;

pub const SUPPORTED: [Generation; 7] =
    [V1_8_12, V1_9_0, V1_9_3, V2_2, V3_2, V5_0_3, V1_8WithoutMetrics];
pub const RELOADING: [Generation; 3] = [V2_2, V3_2, V5_0_3];

impl Generation {
    pub fn executable(self) -> PathBuf {
        static BUILT: [OnceLock<PathBuf>; 10] = [const { OnceLock::new() }; 10];
        let build = || {
            let out = target_dir().join(format!("fluent-bit-filter/fake_host_{}", self as u8));
            fs::create_dir_all(out.parent().expect("a directory")).expect("create directory");
            run(Command::new("gcc")
                .args(["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-rdynamic"])
                .arg(format!("-DGENERATION={}", self as u8))
                .arg(root().join("tests/fake_host/fake_host.c"))
                .arg("-o")
                .arg(&out)
                .args(["-lpthread", "-ldl"]));
            out
        };
        BUILT[self as usize].get_or_init(build).clone()
    }
}

pub struct FakeHost {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl FakeHost {
    pub fn start(generation: Generation, layout: Option<&str>) -> FakeHost {
        FakeHost::run(Command::new(generation.executable()), generation, layout)
    }

    /// Reports what valgrind finds as its exit status, see `end`.
    pub fn under_valgrind(generation: Generation) -> FakeHost {
        let mut command = Command::new("valgrind");
        // Rule sets are kept for a reload, held by pointers into their memory.
        command
            .args(["-q", "--error-exitcode=99", "--leak-check=full"])
            .args([
                "--show-leak-kinds=definite,indirect",
                "--errors-for-leak-kinds=definite,indirect",
            ])
            .arg(generation.executable());
        FakeHost::run(command, generation, None)
    }

    fn run(mut command: Command, generation: Generation, layout: Option<&str>) -> FakeHost {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).env_remove("SIGMATAG_FLB_LAYOUT");
        command.env_remove("SIGMATAG_TEST_UNSET").env("SIGMATAG_TEST_WORD", "high");
        if let Some(layout) = layout {
            command.env("SIGMATAG_FLB_LAYOUT", layout);
        }
        let mut child = command.spawn().expect("start fake host");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut host = FakeHost { child, input, lines };
        let loaded = host.command(&format!("load {}", filter_object().display()));
        assert!(
            loaded.iter().any(|line| line.contains("name sigmatag map (nil)")),
            "{generation:?}: {loaded:?}"
        );
        host
    }

    /// Sends one command and gives the lines before its "ok".
    pub fn command(&mut self, command: &str) -> Vec<String> {
        writeln!(self.input, "{command}")
            .unwrap_or_else(|error| panic!("`{command:.80}`: host is gone: {error}"));
        let mut answer = Vec::new();
        loop {
            match self.lines.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line == "ok" => break,
                Ok(line) => answer.push(line),
                Err(error) => panic!(
                    "`{command:.80}`: no answer ({error}) after {answer:?}: the host crashed or hangs"
                ),
            }
        }
        assert!(
            !answer.iter().any(|line| line.starts_with("fault ")),
            "`{command:.80}`: {answer:?}"
        );
        answer
    }

    /// Ends it in good order.
    pub fn end(mut self) -> ExitStatus {
        writeln!(self.input, "quit").expect("a host that runs");
        self.child.wait().expect("wait")
    }

    pub fn result(&mut self, command: &str) -> (i32, Vec<String>) {
        let answer = self.command(command);
        let result =
            answer.iter().find_map(|line| line.strip_prefix("result ")).expect("a result line");
        (result.split(' ').next().and_then(|word| word.parse().ok()).expect("a number"), answer)
    }

    pub fn instance(&mut self, n: usize, properties: &[(&str, &str)]) {
        self.command(&format!("instance {n} sigmatag.{n}"));
        for (key, value) in properties {
            self.command(&format!("set {n} {key} {value}"));
        }
    }

    /// Starts an instance that must start; what it logged.
    pub fn started(&mut self, n: usize, properties: &[(&str, &str)]) -> Vec<String> {
        self.instance(n, properties);
        let (result, answer) = self.result(&format!("start {n}"));
        assert_eq!(result, 0, "{answer:?}");
        answer
    }

    /// Starts an instance that must be refused; the reason.
    pub fn refused(&mut self, n: usize, properties: &[(&str, &str)]) -> String {
        self.instance(n, properties);
        let (result, answer) = self.result(&format!("start {n}"));
        assert_eq!(result, -1, "{answer:?}");
        let reasons: Vec<&String> =
            answer.iter().filter(|line| line.starts_with("log 1 ")).collect();
        assert_eq!(reasons.len(), 1, "one reason: {answer:?}");
        reasons[0].clone()
    }

    /// None: NOTOUCH.
    pub fn filter(&mut self, n: usize, context: &str, chunk: &[u8]) -> Option<Vec<u8>> {
        let (result, answer) = self.result(&format!("filter {n} {context} {}", hex(chunk)));
        match result {
            2 => None,
            1 => {
                let line =
                    answer.iter().find_map(|line| line.strip_prefix("result 1 ")).expect("bytes");
                Some(unhex(line))
            }
            other => panic!("cb_filter gave {other}: {answer:?}"),
        }
    }

    pub fn counter(&mut self, n: usize, name: &str) -> Option<u64> {
        self.series(n, name, "")
    }

    /// One label value of a counter; `labels` are those behind the name, "rule=x,reason=y".
    pub fn series(&mut self, n: usize, name: &str, labels: &str) -> Option<u64> {
        let comma = if labels.is_empty() { "" } else { "," };
        let wanted = format!(
            "counter fluentbit_filter_sigmatag_{name}_total{{name=sigmatag.{n}{comma}{labels}}} "
        );
        let answer = self.command(&format!("metrics {n}"));
        answer
            .iter()
            .find_map(|line| line.strip_prefix(&wanted))
            .map(|value| value.parse().expect("a number"))
    }

    /// How many label values a counter has.
    pub fn series_count(&mut self, n: usize, name: &str) -> usize {
        let start = format!("counter fluentbit_filter_sigmatag_{name}_total{{");
        let answer = self.command(&format!("metrics {n}"));
        answer.iter().filter(|line| line.starts_with(&start)).count()
    }

    /// The records that go on, and the very bytes if the host keeps them.
    pub fn records(&mut self, n: usize, chunk: &[u8]) -> Vec<Value> {
        decode_all(&self.filter(n, "own", chunk).unwrap_or_else(|| chunk.to_vec()))
    }

    pub fn ids(&mut self, n: usize, message: &str) -> Option<Vec<String>> {
        let tagged = self.filter(n, "own", &v2(message))?;
        tagged_ids(&decode_all(&tagged)[0][1], "sigma")
    }
}

impl Drop for FakeHost {
    fn drop(&mut self) {
        // Errors mean it is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex"))
        .collect()
}

pub fn body(message: &str) -> Value {
    map(&[("message", Value::from(message)), ("n", Value::from(7))])
}

pub fn event_time() -> Value {
    Value::Ext(0, vec![0x6b, 0x02, 0xd5, 0xc5, 0x23, 0x8a, 0xde, 0xca])
}

/// A record as Fluent Bit 2.1 and later store it.
pub fn v2(message: &str) -> Vec<u8> {
    let header = Value::Array(vec![event_time(), map(&[("origin", Value::from("test"))])]);
    encode(&Value::Array(vec![header, body(message)]))
}

/// The same with metadata and a body of one's own.
pub fn v2_record(metadata: Value, body: Value) -> Vec<u8> {
    encode(&Value::Array(vec![Value::Array(vec![event_time(), metadata]), body]))
}

/// A record as earlier versions store it, and in_forward still.
pub fn legacy(message: &str) -> Vec<u8> {
    encode(&Value::Array(vec![event_time(), body(message)]))
}
