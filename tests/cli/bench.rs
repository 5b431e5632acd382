//! `bench`: that it measures what it says. No test looks at a time.

use crate::harness::{empty_folder, golden, run};
use serde_json::Value;

/// The report of a run that succeeds.
fn report(arguments: &str) -> Value {
    let output = run(&format!("bench --json {arguments}"), &empty_folder("bench"), b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn counts_are_those_of_tag() {
    for format in ["json", "msgpack"] {
        let arguments = format!("--rules rules.yml --events events.jsonl --format {format}");
        let report = report(&format!("{arguments} --passes 3"));
        let counts = ["records", "events", "matches", "matched_records", "passes"];
        assert_eq!(counts.map(|name| &report[name]), [5, 5, 4, 2, 3], "{format}");
        assert_eq!(report["rules"]["count"], 4);
        assert_eq!(report["format"], format);
    }
}

#[test]
fn figures_are_in_order() {
    let report = report("--events azure.jsonl --events events.jsonl --passes 60");
    let times = ["p50", "p90", "p99", "max"];
    let times = times.map(|name| report["ns_per_record"][name].as_u64().expect("a time"));
    assert!(times.is_sorted() && times[0] > 0, "{times:?}");
    let mean = report["ns_per_record"]["mean"].as_f64().expect("a time");
    assert!(mean > 0.0 && mean <= times[3] as f64, "{mean}");
    for rate in ["records_per_second", "bytes_per_second"] {
        assert!(report[rate].as_f64().is_some_and(|rate| rate > 0.0), "{rate}");
    }
    assert_eq!(report["rules"]["from"], "built in");
    let pack = sigmatag::ruleset::embedded::pack();
    assert_eq!(report["rules"]["file_bytes"], pack.len());
    assert!(report["load"]["median_ns"].as_u64().is_some_and(|time| time > 0));
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_measured_where_it_can_be() {
    // The tables alone are larger; what loading took and gave back comes on top.
    let built_in = report("--events events.jsonl --passes 1");
    let tables = built_in["rules"]["resident_bytes"].as_u64().expect("a size");
    let load = built_in["resident_growth"]["load"].as_u64().expect("a size");
    assert!(load > tables / 2 && load < 100 * tables, "{load} of {tables}");
    assert!(built_in["resident_growth"]["scratch"].is_u64());
    let compiled_now = report("--rules rules.yml --events events.jsonl --passes 1");
    assert!(compiled_now["resident_growth"]["load"].is_null());
    assert!(compiled_now["resident_growth"]["scratch"].is_u64());
}

#[test]
fn what_cannot_be_examined_is_counted_and_not_measured() {
    let report = report("--rules rules.yml --events malformed.jsonl --passes 1");
    assert_eq!(report["records"], 1);
    let counts = ["malformed_records", "unexamined_records", "unpacked_records"];
    assert_eq!(counts.map(|name| &report[name]), [12, 1, 0]);
    let first = report["first_left_out"].as_str().expect("a text");
    assert!(first.starts_with("malformed.jsonl:1: "), "{first}");
}

#[test]
fn half_a_surrogate_pair_is_no_msgpack() {
    let out = empty_folder("bench-surrogate");
    let events = b"{\"a\":\"\\ud800\"}\n{\"a\":1}\n";
    let run = |format| {
        let command = format!("bench --events - --json --passes 1 --format {format}");
        let output = run(&command, &out, events);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let (json, msgpack) = (run("json"), run("msgpack"));
    assert_eq!((&json["records"], &json["unpacked_records"]), (&2.into(), &0.into()));
    assert_eq!((&msgpack["records"], &msgpack["unpacked_records"]), (&1.into(), &1.into()));
}

#[test]
fn time_bounds_the_passes() {
    let report = report("--events events.jsonl --passes 1000000 --max-seconds 0");
    assert_eq!(report["passes"], 1);
}

#[test]
fn routing_is_as_asked() {
    let matches = |mode: &str| {
        report(&format!("--events events.jsonl --passes 1 --logsource-mode {mode}"))["matches"]
            .as_u64()
            .expect("a number")
    };
    assert!(matches("none") >= matches("auto") && matches("strict") == 0);
}

#[test]
fn a_table_for_people() {
    let out = empty_folder("bench-text");
    let output = run("bench --rules rules.yml --events events.jsonl --passes 2", &out, b"");
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    for row in ["compiled now: 4 rules", "5 records with 5 events", "4 matches in 2 records"] {
        assert!(text.contains(row), "{text}");
    }
    for row in ["load ", "memory ", "passes         2 in ", "ns per record  p50 ", "throughput "] {
        assert!(text.lines().any(|line| line.starts_with(row)), "{row}: {text}");
    }
}

#[test]
fn nothing_to_measure() {
    let commands = [
        "bench --rules rules.yml",
        "bench --events missing.jsonl",
        "bench --events folder",
        "bench --events events.jsonl --passes 0",
        "bench --events events.jsonl --rules missing.sgt",
        "bench --events events.jsonl --rules refused.yml",
        "bench --events events.jsonl --sources site.yml",
        "bench --events events.jsonl --logsource mysql",
        "bench --events empty.txt",
    ];
    golden("bench", &commands);
}
