//! The shipped filter inside a real Fluent Bit: the one FLUENT_BIT names, else one on
//! PATH or in /opt/fluent-bit, else 1.8.15 built by scripts/fluent-bit-from-npm.sh.
//! What a version cannot do is named on standard error, never passed over in silence.

mod fluent_bit_support;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use fluent_bit_support::{
    EVIL, EVIL_ID, ODD, ODD_ID, compile_rules, decode_all, encode, filter_object, get, map, root,
    run, tagged_ids, target_dir, without,
};
use rmpv::Value;
use serde_json::Value as Json;

const PATIENCE: Duration = Duration::from_secs(30);

struct FluentBit {
    path: PathBuf,
    version: (u32, u32, u32),
}

fn fluent_bit() -> &'static FluentBit {
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
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Whether this Fluent Bit has what a test needs; says what is skipped if not.
fn has(minimum: (u32, u32, u32), test: &str, what: &str) -> bool {
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
struct Host {
    child: Child,
    directory: tempfile::TempDir,
}

/// A place for the files of one run.
fn workplace() -> tempfile::TempDir {
    tempfile::tempdir().expect("temporary directory")
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    listener.local_addr().expect("an address").port()
}

/// Sections after [SERVICE]; `@` stands for the directory.
fn classic(directory: &tempfile::TempDir, sections: &str) -> PathBuf {
    let at = directory.path().display().to_string();
    let write = |name: &str, text: &str| {
        fs::write(directory.path().join(name), text.replace('@', &at)).expect("write")
    };
    write("plugins.conf", &format!("[PLUGINS]\n    Path {}\n", filter_object().display()));
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

const FILE_OUT: &str =
    "[OUTPUT]\n    Name file\n    Match *\n    Path @\n    File out.jsonl\n    Format plain\n";

fn filter_section(options: &str) -> String {
    format!("[FILTER]\n    Name sigmatag\n    Match *\n{options}")
}

impl Host {
    fn start(directory: tempfile::TempDir, config: &Path) -> Host {
        let log = File::create(directory.path().join("log")).expect("log file");
        let child = Command::new(&fluent_bit().path)
            .arg("-c")
            .arg(config)
            .current_dir(directory.path())
            .env_remove("SIGMATAG_FLB_LAYOUT")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("log file"))
            .stderr(log)
            .spawn()
            .expect("start Fluent Bit");
        Host { child, directory }
    }

    fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.directory.path().join("log")).unwrap_or_default())
            .into_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Whole lines of the output file so far.
    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("out.jsonl")).unwrap_or_default();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(str::to_owned).collect()
    }

    fn wait_for(&mut self, what: &str, mut done: impl FnMut(&Host) -> bool) {
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

    fn wait_for_lines(&mut self, count: usize) -> Vec<String> {
        self.wait_for(&format!("{count} lines"), |host| host.lines().len() >= count);
        self.lines()
    }

    fn signal(&self, name: &str) {
        run(Command::new("kill").arg(name).arg(self.child.id().to_string()));
    }

    fn wait_for_end(&mut self) -> ExitStatus {
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
    fn stop(mut self) -> String {
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
fn run_to_file(sections: &str, rules: &[&str], count: usize) -> (Vec<String>, String) {
    let directory = workplace();
    compile_rules(rules, &directory.path().join("rules.sgt"));
    let config = classic(&directory, &format!("{sections}{FILE_OUT}"));
    let mut host = Host::start(directory, &config);
    let lines = host.wait_for_lines(count);
    assert_eq!(lines.len(), count, "{lines:?}");
    (lines, host.stop())
}

fn json(line: &str) -> Json {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn json_ids(record: &Json, key: &str) -> Option<Vec<String>> {
    let rules = record.get(key)?.get("rules")?.as_array()?;
    let mut ids: Vec<String> =
        rules.iter().map(|rule| rule["id"].as_str().expect("an id").to_owned()).collect();
    ids.sort();
    Some(ids)
}

fn expected_ids(message: &str) -> Option<Vec<String>> {
    let mut ids = Vec::new();
    if message.contains("evil") {
        ids.push(EVIL_ID.to_owned());
    }
    if message.contains("odd") {
        ids.push(ODD_ID.to_owned());
    }
    (!ids.is_empty()).then_some(ids)
}

/// Lines of one run with the filter against one without: untouched records are the
/// same text, tagged ones differ by their tag only.
fn assert_only_tags_differ(plain: &[String], filtered: &[String]) {
    assert_eq!(plain.len(), filtered.len());
    let mut tagged = 0;
    for (before, after) in plain.iter().zip(filtered) {
        let (original, mut record) = (json(before), json(after));
        let expected = expected_ids(original["message"].as_str().unwrap_or_default());
        assert_eq!(json_ids(&record, "sigma"), expected, "{after}");
        if expected.is_none() {
            assert_eq!(before, after, "an untouched record changed");
        } else {
            tagged += 1;
            record.as_object_mut().expect("an object").remove("sigma");
            assert_eq!(record, original, "{after}");
        }
    }
    assert!(
        tagged > 0 && tagged < plain.len(),
        "{tagged} of {} tagged: the test needs both",
        plain.len()
    );
}

fn tail_input(directory_lines: &Path) -> String {
    format!(
        "[INPUT]\n    Name tail\n    Path {}\n    Tag t\n    Parser json\n    Read_from_Head On\n    Refresh_Interval 1\n",
        directory_lines.display()
    )
}

#[test]
fn records_of_tail_come_out_identical_but_for_tags() {
    let source = workplace();
    let path = source.path().join("in.log");
    let mut text = String::new();
    for i in 0..400 {
        let message = match i % 40 {
            0 => "an evil thing",
            7 => "odd",
            13 => "odd and evil",
            _ => "SELECT 1",
        };
        text += &format!(
            "{{\"i\":{i},\"message\":\"{message}\",\"nested\":{{\"list\":[1,-2,3.5,null,true],\"deep\":{{\"k\":\"v\"}}}},\
             \"unicode\":\"Grüße \\\"q\\\" \\u65e5\",\"big\":9007199254740993,\"empty\":\"\",\"none\":null}}\n"
        );
    }
    fs::write(&path, text).expect("write");
    let input = tail_input(&path);
    let (plain, _) = run_to_file(&input, &[EVIL, ODD], 400);
    let (filtered, log) =
        run_to_file(&(input + &filter_section("    rules @/rules.sgt\n")), &[EVIL, ODD], 400);
    assert_only_tags_differ(&plain, &filtered);
    assert!(log.contains("[filter:sigmatag:sigmatag.0] 2 rules from /"), "{log}");
    assert!(log.contains("done: 400 records, 30 tagged, 40 rule matches, 0 malformed, 0 unexamined, 0 failed calls"), "{log}");
}

#[test]
fn records_of_dummy_are_tagged_one_by_one() {
    let input = "[INPUT]\n    Name dummy\n    Tag d\n    Dummy {\"message\":\"an evil dummy\"}\n    Rate 20\n    Samples 3\n";
    let (lines, log) = run_to_file(
        &(input.to_owned() + &filter_section("    rules @/rules.sgt\n")),
        &[EVIL, ODD],
        3,
    );
    for line in &lines {
        let record = json(line);
        assert_eq!(json_ids(&record, "sigma"), Some(vec![EVIL_ID.to_owned()]));
        assert_eq!(record["sigma"]["level"], "high");
        assert_eq!(record["message"], "an evil dummy");
    }
    assert!(log.contains("done: 3 records, 3 tagged, 3 rule matches"), "{log}");
}

#[test]
fn options_apply() {
    let input = "[INPUT]\n    Name dummy\n    Tag d\n    Dummy {\"message\":\"odd and evil\"}\n    Rate 20\n    Samples 1\n";
    let record = |options: &str| {
        let (lines, _) =
            run_to_file(&(input.to_owned() + &filter_section(options)), &[EVIL, ODD], 1);
        json(&lines[0])
    };
    let both = Some(vec![EVIL_ID.to_owned(), ODD_ID.to_owned()]);
    assert_eq!(json_ids(&record("    Rules @/rules.sgt\n    Tag_Key found\n"), "found"), both);
    assert_eq!(
        json_ids(&record("    rules @/rules.sgt\n    min_level medium\n"), "sigma"),
        Some(vec![EVIL_ID.to_owned()]),
        "a low rule is below min_level medium"
    );
    assert_eq!(json_ids(&record("    rules @/rules.sgt\n    tag_format nested\n"), "sigma"), both);
    let flat = record("    rules @/rules.sgt\n    tag_format flat\n");
    assert!(flat.get("SigmaIds").is_some() && flat.get("sigma").is_none(), "{flat}");
    let ecs = record("    rules @/rules.sgt\n    tag_format ecs\n");
    assert!(ecs.get("rule").is_some() && ecs.get("sigma").is_none(), "{ecs}");
}

#[test]
fn wrong_configurations_are_refused_with_the_reason() {
    let cases = [
        ("    rules @/missing.sgt\n", "missing.sgt"),
        ("    rules @/rule.yml\n", "run `sigmatag compile"),
        ("    rules @/renamed.sgt\n", "run `sigmatag compile"),
        (
            "    rules @/rules.sgt\n    min_level hihg\n",
            "option `min_level`: unknown value `hihg`; did you mean `high`?",
        ),
        ("    rules @/rules.sgt\n    tag_format yaml\n", "(values: nested, flat, ecs)"),
        ("    ruels @/rules.sgt\n", "unknown option `ruels`; did you mean `rules`?"),
        // The host itself refuses a key without a value.
        ("    rules @/rules.sgt\n    min_level\n", "value"),
    ];
    for (options, reason) in cases {
        let directory = workplace();
        compile_rules(&[EVIL], &directory.path().join("rules.sgt"));
        fs::write(directory.path().join("rule.yml"), EVIL).expect("write");
        fs::write(directory.path().join("renamed.sgt"), EVIL).expect("write");
        let input = "[INPUT]\n    Name dummy\n    Tag d\n".to_owned();
        let config = classic(&directory, &(input + &filter_section(options) + FILE_OUT));
        let mut host = Host::start(directory, &config);
        let status = host.wait_for_end();
        assert!(!status.success(), "{options}: {status}\n{}", host.log());
        assert!(host.log().contains(reason), "{options}: `{reason}` not in\n{}", host.log());
        assert!(host.lines().is_empty(), "{options}: records went out");
    }
}

/// Connects once the input listens.
fn connect(host: &mut Host, port: u16) -> TcpStream {
    let mut stream = None;
    host.wait_for("listening input", |_| {
        stream = TcpStream::connect(("127.0.0.1", port)).ok();
        stream.is_some()
    });
    stream.expect("connected")
}

fn forward_record(i: u32, message: &str) -> Value {
    let inner = map(&[("list", Value::Array(vec![Value::from(i), Value::Nil, Value::F64(0.5)]))]);
    map(&[("message", Value::from(message)), ("i", Value::from(i)), ("inner", inner)])
}

/// Message, Forward and PackedForward, with EventTime, integer and zero timestamps.
fn forward_messages() -> (Vec<u8>, Vec<Value>) {
    let event_time = Value::Ext(0, vec![0x65, 0x53, 0xf1, 0x00, 0x00, 0x00, 0x00, 0x07]);
    let records: Vec<Value> =
        ["an evil thing", "harmless", "odd", "plain", "evil and odd", "nothing", "evil"]
            .iter()
            .zip(0..)
            .map(|(message, i)| forward_record(i, message))
            .collect();
    let entry = |time: &Value, record: &Value| Value::Array(vec![time.clone(), record.clone()]);
    let tag = Value::from("fw.test");
    let seconds = Value::from(1_700_000_000u32);
    let message = Value::Array(vec![tag.clone(), event_time.clone(), records[0].clone()]);
    let plain = Value::Array(vec![tag.clone(), seconds.clone(), records[1].clone()]);
    let forward = Value::Array(vec![
        tag.clone(),
        Value::Array(vec![entry(&seconds, &records[2]), entry(&event_time, &records[3])]),
    ]);
    let packed = [&records[4], &records[5], &records[6]]
        .map(|record| encode(&entry(&event_time, record)))
        .concat();
    // 1.8 reads the option map without asking whether there is one.
    let packed = Value::Array(vec![tag, Value::Binary(packed), map(&[("size", Value::from(3))])]);
    ([message, plain, forward, packed].iter().flat_map(encode).collect(), records)
}

#[test]
fn forward_input_is_tagged() {
    let (bytes, records) = forward_messages();
    let through = |filter: &str| {
        let directory = workplace();
        compile_rules(&[EVIL, ODD], &directory.path().join("rules.sgt"));
        let port = free_port();
        let input = format!("[INPUT]\n    Name forward\n    Listen 127.0.0.1\n    Port {port}\n");
        let config = classic(&directory, &(input + filter + FILE_OUT));
        let mut host = Host::start(directory, &config);
        connect(&mut host, port).write_all(&bytes).expect("send");
        let lines = host.wait_for_lines(records.len());
        host.stop();
        lines
    };
    assert_only_tags_differ(&through(""), &through(&filter_section("    rules @/rules.sgt\n")));
}

/// Entries ([time, record]) of the Forward messages that arrive, until `count` came.
fn receive_forward(listener: &TcpListener, host: &mut Host, count: usize) -> Vec<Value> {
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

#[test]
fn forward_output_carries_the_tags() {
    let (bytes, records) = forward_messages();
    let through = |filter: &str| {
        let directory = workplace();
        compile_rules(&[EVIL, ODD], &directory.path().join("rules.sgt"));
        let receiver = TcpListener::bind("127.0.0.1:0").expect("bind");
        let (port, out) = (free_port(), receiver.local_addr().expect("an address").port());
        let sections = format!(
            "[INPUT]\n    Name forward\n    Listen 127.0.0.1\n    Port {port}\n{filter}\
             [OUTPUT]\n    Name forward\n    Match *\n    Host 127.0.0.1\n    Port {out}\n"
        );
        let config = classic(&directory, &sections);
        let mut host = Host::start(directory, &config);
        connect(&mut host, port).write_all(&bytes).expect("send");
        let entries = receive_forward(&receiver, &mut host, records.len());
        host.stop();
        entries
    };
    let (plain, filtered) = (through(""), through(&filter_section("    rules @/rules.sgt\n")));
    assert_eq!((plain.len(), filtered.len()), (records.len(), records.len()));
    for ((before, after), record) in plain.iter().zip(&filtered).zip(&records) {
        let expected =
            expected_ids(get(record, "message").and_then(Value::as_str).expect("a message"));
        assert_eq!(tagged_ids(&after[1], "sigma"), expected);
        assert_eq!(&without(&after[1], "sigma"), record);
        assert_eq!(after[0], before[0], "timestamp");
        if expected.is_none() {
            assert_eq!(encode(after), encode(before), "an untouched record changed");
        }
    }
}

// ---- what only newer versions have; classic configuration is all 1.8 knows ----

/// YAML after `service:` and `plugins:`; `@` stands for the directory.
fn yaml(directory: &tempfile::TempDir, service: &str, pipeline: &str) -> PathBuf {
    let at = directory.path().display().to_string();
    let path = directory.path().join("fluent-bit.yaml");
    let object = filter_object().display();
    let text = format!(
        "service:\n  flush: 0.2\n  grace: 1\n  log_level: info\n  http_listen: 127.0.0.1\n{service}\
         plugins:\n  - {object}\npipeline:\n{pipeline}"
    );
    fs::write(&path, text.replace('@', &at)).expect("write");
    path
}

const YAML_FILE_OUT: &str = "  outputs:\n    - name: file\n      match: '*'\n      path: '@'\n      file: out.jsonl\n      format: plain\n";

#[test]
fn yaml_filters_and_processors_tag() {
    if !has((3, 2, 0), "yaml_filters_and_processors_tag", "YAML `plugins` with processors") {
        return;
    }
    let input = "  inputs:\n    - name: dummy\n      tag: d\n      dummy: '{\"message\":\"evil\"}'\n      rate: 20\n      samples: 2\n";
    let filter = "  filters:\n    - name: sigmatag\n      match: '*'\n      rules: '@/rules.sgt'\n";
    let processor = "      processors:\n        logs:\n          - name: sigmatag\n            rules: '@/rules.sgt'\n";
    for pipeline in
        [format!("{input}{filter}{YAML_FILE_OUT}"), format!("{input}{processor}{YAML_FILE_OUT}")]
    {
        let directory = workplace();
        compile_rules(&[EVIL], &directory.path().join("rules.sgt"));
        let config = yaml(&directory, "", &pipeline);
        let mut host = Host::start(directory, &config);
        for line in host.wait_for_lines(2) {
            assert_eq!(json_ids(&json(&line), "sigma"), Some(vec![EVIL_ID.to_owned()]), "{line}");
        }
        let log = host.stop();
        assert!(log.contains("host layout 2, metrics on"), "{log}");
    }
}

#[test]
fn hot_reload_changes_rules_and_survives_bad_ones() {
    if !has(
        (3, 2, 0),
        "hot_reload_changes_rules_and_survives_bad_ones",
        "hot reload of a YAML configuration",
    ) {
        return;
    }
    let directory = workplace();
    let rules = directory.path().join("rules.sgt");
    compile_rules(&[EVIL], &rules);
    let pipeline = format!(
        "  inputs:\n    - name: dummy\n      tag: d\n      dummy: '{{\"message\":\"odd and evil\"}}'\n      rate: 20\n  \
         filters:\n    - name: sigmatag\n      match: '*'\n      rules: '@/rules.sgt'\n{YAML_FILE_OUT}"
    );
    let config = yaml(&directory, "  hot_reload: on\n", &pipeline);
    let mut host = Host::start(directory, &config);
    let last_ids =
        |host: &Host| host.lines().last().and_then(|line| json_ids(&json(line), "sigma"));
    let (evil, odd) = (Some(vec![EVIL_ID.to_owned()]), Some(vec![ODD_ID.to_owned()]));
    host.wait_for("evil", |host| last_ids(host) == evil);

    compile_rules(&[ODD], &rules);
    host.signal("-HUP");
    host.wait_for("odd after the reload", |host| last_ids(host) == odd);

    fs::write(&rules, b"broken").expect("write");
    host.signal("-HUP");
    host.wait_for("a halted reload", |host| host.log().contains("halted"));
    let seen = host.lines().len();
    host.wait_for("more records from the old rules", |host| host.lines().len() > seen + 20);
    assert_eq!(last_ids(&host), odd, "{}", host.log());
    host.stop();
}

fn http(port: u16, request: &str) -> String {
    let mut answer = String::new();
    let exchange = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        stream.write_all(request.as_bytes())?;
        let mut bytes = Vec::new();
        // A server that keeps the connection ends the read by the timeout.
        let _ = stream.read_to_end(&mut bytes);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    if let Ok(text) = exchange() {
        answer = text;
    }
    answer
}

#[test]
fn counters_are_exported() {
    if !has((2, 2, 0), "counters_are_exported", "/api/v2/metrics") {
        return;
    }
    let directory = workplace();
    compile_rules(&[EVIL], &directory.path().join("rules.sgt"));
    let input = "[INPUT]\n    Name dummy\n    Tag d\n    Dummy {\"message\":\"evil\"}\n    Rate 20\n    Samples 3\n".to_owned();
    let config =
        classic(&directory, &(input + &filter_section("    rules @/rules.sgt\n") + FILE_OUT));
    let port = free_port();
    let text = fs::read_to_string(&config).expect("read");
    fs::write(
        &config,
        text.replace("HTTP_Server Off", &format!("HTTP_Server On\n    HTTP_Port {port}")),
    )
    .expect("write");
    let mut host = Host::start(directory, &config);
    host.wait_for_lines(3);
    let request =
        "GET /api/v2/metrics/prometheus HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let expected =
        [("matches", 3), ("records", 3), ("malformed", 0), ("unexamined", 0), ("errors", 0)].map(
            |(name, value)| {
                format!("fluentbit_filter_sigmatag_{name}_total{{name=\"sigmatag.0\"}} {value}")
            },
        );
    host.wait_for("counters", |_| {
        let answer = http(port, request);
        expected.iter().all(|line| answer.contains(line))
    });
    host.stop();
}

/// Group markers (resource and scope of OpenTelemetry) stay where they are, byte for byte.
#[test]
fn groups_of_opentelemetry_are_kept() {
    if !has((3, 2, 0), "groups_of_opentelemetry_are_kept", "metadata (v2 records) with groups") {
        return;
    }
    let logs = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"db"}}]},"scopeLogs":[{"scope":{"name":"audit"},"logRecords":[{"timeUnixNano":"1700000000000000000","body":{"kvlistValue":{"values":[{"key":"message","value":{"stringValue":"evil"}}]}}},{"timeUnixNano":"1700000001000000000","body":{"kvlistValue":{"values":[{"key":"message","value":{"stringValue":"plain"}}]}}}]}]}]}"#;
    let through = |filter: &str| {
        let directory = workplace();
        compile_rules(&[EVIL], &directory.path().join("rules.sgt"));
        let receiver = TcpListener::bind("127.0.0.1:0").expect("bind");
        let (port, out) = (free_port(), receiver.local_addr().expect("an address").port());
        let pipeline = format!(
            "  inputs:\n    - name: opentelemetry\n      listen: 127.0.0.1\n      port: {port}\n{filter}  \
             outputs:\n    - name: forward\n      match: '*'\n      host: 127.0.0.1\n      port: {out}\n      \
             retain_metadata_in_forward_mode: true\n"
        );
        let config = yaml(&directory, "", &pipeline);
        let mut host = Host::start(directory, &config);
        drop(connect(&mut host, port));
        let answer = http(
            port,
            &format!(
                "POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n\
                 Content-Length: {}\r\n\r\n{logs}",
                logs.len()
            ),
        );
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
        let entries = receive_forward(&receiver, &mut host, 2);
        host.stop();
        entries
    };
    let filter = "  filters:\n    - name: sigmatag\n      match: '*'\n      rules: '@/rules.sgt'\n";
    let (plain, filtered) = (through(""), through(filter));
    assert_eq!(plain.len(), filtered.len(), "no entry is lost or added, markers included");
    let mut tagged = 0;
    for (before, after) in plain.iter().zip(&filtered) {
        if tagged_ids(&after[1], "sigma").is_some() {
            tagged += 1;
            assert_eq!(without(&after[1], "sigma"), before[1]);
            assert_eq!(after[0], before[0], "timestamp and metadata");
        } else {
            assert_eq!(encode(after), encode(before));
        }
    }
    assert_eq!(tagged, 1, "{filtered:?}");
}
