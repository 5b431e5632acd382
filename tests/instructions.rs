//! What matching costs, in instructions: the same on a busy machine as on an idle one.
//!
//! The library as it is released does the calls of `tests/c/instructions.c` under callgrind. Counts
//! that differ by more than [`TOLERANCE`] from those of `tests/data/instructions.txt` fail, higher or
//! lower; `SIGMATAG_BLESS=1` writes the file. A count belongs to the compiler, C library, valgrind
//! and processor that it was made with: with others it is printed and not compared.
#![cfg(feature = "compile")]

mod common;
#[path = "../benches/common/mod.rs"]
mod samples;

use samples::{azure_record, foreign, mariadb_record, percona_record, sysmon_line, to_msgpack};
use serde_json::{Value, json};
use sigmatag::compile::{Options, compile};
use sigmatag::rule::descriptor::built_in;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// How far a count may be from the committed one.
const TOLERANCE: f64 = 0.03;
/// The committed counts.
const BASELINE: &str = "tests/data/instructions.txt";
/// How often the events of a case are counted.
const PASSES: u64 = 2;

/// A way through the library that the processor or the host chooses at run time. Each has counts of
/// its own.
struct CodePath {
    name: &'static str,
    /// What makes the library take it.
    environment: &'static [(&'static str, &'static str)],
}

const PATHS: [CodePath; 2] = [
    CodePath { name: "plain", environment: &[("SIGMATAG_VECTORS", "plain")] },
    CodePath { name: "avx2", environment: &[("SIGMATAG_VECTORS", "avx2")] },
];

/// Calls that are counted together.
struct Case {
    name: &'static str,
    format: &'static str,
    call: &'static str,
    events: Vec<Vec<u8>>,
}

impl Case {
    fn matching(name: &'static str, format: &'static str, events: Vec<Vec<u8>>) -> Case {
        Case { name, format, call: "match", events }
    }
}

/// Rules, how events are routed to them or what documents are written, and what is asked of them.
struct Plan {
    /// Of the rules.
    name: &'static str,
    rules: PathBuf,
    mode: &'static str,
    cases: Vec<Case>,
}

/// A folder of this test's own.
fn folder() -> PathBuf {
    common::scratch_folder("instructions")
}

/// The program, linked to the library as it is released. It shares its target folder with
/// `make library`.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let root = common::root();
        let target = root.join("target/library");
        common::run(
            Command::new(env!("CARGO"))
                .current_dir(root)
                .args(["build", "--release", "--locked", "--no-default-features", "--lib"])
                .arg("--target-dir")
                .arg(&target),
        );
        let out = folder().join("instructions");
        common::run(
            Command::new("gcc")
                .current_dir(root)
                .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-Iinclude", "-Itests/c"])
                .arg("tests/c/instructions.c")
                .arg(target.join("release/libsigmatag.a"))
                .args(["-lpthread", "-ldl", "-lm", "-o"])
                .arg(&out),
        );
        out
    })
}

fn packed(record: &Value) -> Vec<Vec<u8>> {
    vec![to_msgpack(record)]
}

/// The rules that are built in, on records of databases.
fn pack() -> Plan {
    let azure = azure_record();
    let as_text = json!({ "log": azure.to_string(), "stream": "stdout" });
    let mut attack = azure.clone();
    attack["properties"]["sql_text"] =
        "SELECT '<?php system($_GET[c]); ?>' INTO OUTFILE '/var/www/html/shop/s.php'".into();
    let chunk = |record: &Value, count: usize| {
        vec![[b"\x92\xce\x65\x53\xf1\x00", &to_msgpack(record)[..]].concat().repeat(count)]
    };
    let tagging = |case| Case { call: "tag", ..case };
    Plan {
        name: "pack",
        rules: common::root().join("rules/mysql/pack.sgt"),
        mode: "auto",
        cases: vec![
            Case::matching("azure record, msgpack", "msgpack", packed(&azure)),
            Case::matching("azure record, JSON", "json", vec![azure.to_string().into()]),
            Case::matching("azure record as text in a field", "msgpack", packed(&as_text)),
            Case::matching("mariadb line", "msgpack", packed(&mariadb_record())),
            Case::matching("percona record as XML", "msgpack", packed(&percona_record())),
            Case::matching("sysmon line of syslog", "msgpack", packed(&sysmon_line())),
            Case::matching("foreign record", "msgpack", packed(&foreign::container())),
            Case::matching("chunk of 64 azure records", "chunk", chunk(&azure, 64)),
            tagging(Case::matching("azure attack, tag planned", "msgpack", packed(&attack))),
            // All tags of a chunk are in one buffer: one of a thousand costs no more than one alone.
            tagging(Case::matching("chunk of 1024 azure attacks", "chunk", chunk(&attack, 1024))),
        ],
    }
}

/// The same records where documents of a destination are written in their place.
fn normalized() -> [Plan; 3] {
    let azure = azure_record();
    let as_text = json!({ "log": azure.to_string(), "stream": "stdout" });
    let destinations = [
        ("pack, sekoia", "normalize:sekoia"),
        ("pack, ecs", "normalize:ecs"),
        ("pack, asim", "normalize:asim"),
    ];
    destinations.map(|(name, mode)| {
        let case = |name, record: &Value| Case {
            call: "tag",
            ..Case::matching(name, "msgpack", packed(record))
        };
        let mut json = case("azure record, JSON", &azure);
        (json.format, json.events) = ("json", vec![azure.to_string().into()]);
        let cases = vec![
            case("azure record, msgpack", &azure),
            json,
            case("azure record as text in a field", &as_text),
            case("mariadb line", &mariadb_record()),
        ];
        Plan { name, rules: common::root().join("rules/mysql/pack.sgt"), mode, cases }
    })
}

/// All of SigmaHQ's rules on Windows events, routed and not.
fn sigmahq() -> Option<[Plan; 2]> {
    common::corpus("instructions with SigmaHQ")?;
    let corpus = samples::Corpus::open().expect("SIGMATAG_CORPUS names an unpacked corpus");
    let options = Options { sources: built_in(), ..Options::default() };
    let bytes = compile(&corpus.rules(), &options).expect("SigmaHQ compiles").bytes;
    let rules = folder().join("sigmahq.sgt");
    fs::write(&rules, bytes).expect("a file under target/");
    let events = corpus.windows_events();
    let processes: Vec<Vec<u8>> =
        events.iter().filter(|event| event["EventID"] == 1).step_by(6).map(to_msgpack).collect();
    let all: Vec<Vec<u8>> = events.iter().step_by(25).map(to_msgpack).collect();
    Some([
        Plan {
            name: "sigmahq",
            rules: rules.clone(),
            mode: "auto",
            cases: vec![Case::matching("sysmon process creation, routed", "msgpack", processes)],
        },
        Plan {
            name: "sigmahq",
            rules,
            mode: "none",
            cases: vec![Case::matching("windows events, not routed", "msgpack", all)],
        },
    ])
}

/// Instructions per event of every case of a plan, and of the load.
fn count(plan: &Plan, path: &CodePath) -> Vec<(String, u64)> {
    let folder = folder();
    let dumps = tempfile::tempdir_in(&folder).expect("a folder under target/");
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--collect-atstart=no"])
        .arg(format!("--callgrind-out-file={}", dumps.path().join("dump").display()))
        .arg(program())
        .arg(&plan.rules)
        .args([plan.mode, &PASSES.to_string()])
        .envs(path.environment.iter().copied());
    for (number, case) in plan.cases.iter().enumerate() {
        let file = dumps.path().join(format!("{number}.events"));
        let framed: Vec<u8> = case
            .events
            .iter()
            .flat_map(|event| [&(event.len() as u32).to_le_bytes()[..], event].concat())
            .collect();
        fs::write(&file, framed).expect("a file under target/");
        command.args([case.name, case.format, case.call]).arg(file);
    }
    common::run(&mut command);
    let cases = plan.cases.iter().map(|case| (case.name, PASSES * case.events.len() as u64));
    [("load", 1)]
        .into_iter()
        .chain(cases)
        .enumerate()
        .map(|(number, (name, calls))| {
            // Dumps are numbered from 1.
            let dump = dumps.path().join(format!("dump.{}", number + 1));
            let total = total(&fs::read_to_string(&dump).expect("a dump"), name);
            (format!("{}, {}: {name}", path.name, plan.name), total / calls)
        })
        .collect()
}

/// The instructions of a dump, which must be that of a name.
fn total(dump: &str, name: &str) -> u64 {
    let trigger = format!("desc: Trigger: Client Request: {name}");
    assert!(dump.lines().any(|line| line == trigger), "no `{trigger}` in the dump");
    let totals = dump.lines().find_map(|line| line.strip_prefix("totals: "));
    totals.and_then(|count| count.parse().ok()).expect("totals of the dump")
}

/// What counts depend on beside the code.
fn conditions() -> String {
    let line = |program: &str| {
        let output = common::run(Command::new(program).arg("--version"));
        String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned()
    };
    // `ldd (Debian GLIBC 2.36-9) 2.36`
    let libc = line("ldd").split(' ').next_back().unwrap_or_default().to_owned();
    #[cfg(target_arch = "x86_64")]
    let processor =
        if std::is_x86_feature_detected!("avx2") { "x86-64 with AVX2" } else { "x86-64" };
    #[cfg(not(target_arch = "x86_64"))]
    let processor = std::env::consts::ARCH;
    format!("{}; libc {libc}; {}; {processor}", line("rustc"), line("valgrind"))
}

/// The committed counts and the conditions that they were made under.
fn committed() -> (String, BTreeMap<String, u64>) {
    let text = fs::read_to_string(common::root().join(BASELINE)).unwrap_or_default();
    let mut lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let conditions = lines.next().unwrap_or_default().to_owned();
    let counts = lines.map(|line| {
        let (name, count) = line.rsplit_once(' ').expect("NAME COUNT");
        (name.trim_end().to_owned(), count.parse().expect("a count"))
    });
    (conditions, counts.collect())
}

fn bless(conditions: &str, counts: &BTreeMap<String, u64>) {
    let mut text = String::from(
        "# Instructions for one event, or for one load of the rules, as callgrind counts them.\n\
         # Written by SIGMATAG_CORPUS=FOLDER SIGMATAG_BLESS=1 cargo test --test instructions\n\
         # Counted with:\n",
    );
    let _ = writeln!(text, "{conditions}\n");
    for (name, count) in counts {
        let _ = writeln!(text, "{name:60} {count}");
    }
    fs::write(common::root().join(BASELINE), text).expect("the file of counts");
}

#[test]
fn events_cost_what_they_did() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("skipped, valgrind is not installed: instructions");
        return;
    }
    let own: Vec<Plan> = [pack()].into_iter().chain(normalized()).collect();
    let others = sigmahq();
    let complete = others.is_some();
    let plans: Vec<Plan> = own.into_iter().chain(others.into_iter().flatten()).collect();
    let mut counts = BTreeMap::new();
    for path in &PATHS {
        counts.extend(plans.iter().flat_map(|plan| count(plan, path)));
    }
    let (conditions, (counted_with, mut baseline)) = (conditions(), committed());
    let mut wrong = String::new();
    for (name, &count) in &counts {
        let change = baseline.get(name).map(|before| count as f64 / *before as f64 - 1.0);
        let shown = change.map_or("new".to_owned(), |change| format!("{:+.1} %", change * 100.0));
        println!("{name:60} {count:>10}  {shown}");
        if change.is_none_or(|change| change.abs() > TOLERANCE) {
            let _ = writeln!(wrong, "{name}: {count} ({shown})");
        }
    }
    for name in baseline.keys().filter(|name| complete && !counts.contains_key(*name)) {
        let _ = writeln!(wrong, "{name}: committed, and not counted any more");
    }
    if std::env::var_os("SIGMATAG_BLESS").is_some() {
        if counted_with != conditions || complete {
            // Without the corpus its counts stay, if these were counted with the same.
            baseline.clear();
        }
        baseline.extend(counts);
        bless(&conditions, &baseline);
    } else if counted_with != conditions {
        println!(
            "not compared: counted with {conditions}; the committed counts with {counted_with}"
        );
    } else {
        assert!(
            wrong.is_empty(),
            "counts are more than {:.0} % from {BASELINE}. If that is meant, or if they are lower, \
             run the test with SIGMATAG_BLESS=1 and say in the commit why they changed.\n{wrong}",
            TOLERANCE * 100.0
        );
    }
}
