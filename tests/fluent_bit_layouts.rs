//! The shipped filter inside stand-ins for every generation of Fluent Bit's plugin
//! interface: tests/fake_host/fake_host.c, one executable per row of its table.

#[allow(dead_code)] // each test binary uses its own part
mod fluent_bit_support;

use std::fs;
use std::path::Path;
use std::process::Command;

use fluent_bit_support::fake_host::Generation::*;
use fluent_bit_support::fake_host::{FakeHost, RELOADING, SUPPORTED, hex, legacy, v2};
use fluent_bit_support::{
    EVIL, EVIL_ID, ODD, ODD_ID, compile_rules, decode_all, filter_object, get, run, tagged_ids,
    without,
};

fn rules_file(directory: &Path, rules: &[&str]) -> String {
    let path = directory.join("rules.sgt");
    compile_rules(rules, &path);
    path.display().to_string()
}

#[test]
fn every_supported_generation_tags_matching_records() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let rules = rules_file(directory.path(), &[EVIL, ODD]);
    for generation in SUPPORTED {
        let mut host = FakeHost::start(generation, None);
        let log = host.started(0, &[("Rules", &rules)]).join("\n");
        let metrics = if generation == V1_8WithoutMetrics { "metrics off" } else { "metrics on" };
        let layout =
            if RELOADING.contains(&generation) { "host layout 2" } else { "host layout 1" };
        for part in ["2 rules", "rule set ", "format ", "MiB", metrics, layout] {
            assert!(log.contains(part), "{generation:?}: {part} not in {log}");
        }

        for record in [v2 as fn(&str) -> Vec<u8>, legacy] {
            assert_eq!(host.filter(0, "own", &record("harmless")), None, "{generation:?}");
            let chunk =
                [record("harmless"), record("an evil one"), record("odd and evil")].concat();
            for context in ["own", "garbage"] {
                let out = host
                    .filter(0, context, &chunk)
                    .unwrap_or_else(|| panic!("{generation:?}: nothing tagged"));
                assert!(
                    out.starts_with(&record("harmless")),
                    "{generation:?}: untouched record changed"
                );
                let (before, after) = (decode_all(&chunk), decode_all(&out));
                assert_eq!(after.len(), 3, "{generation:?}");
                assert_eq!(
                    tagged_ids(&after[1][1], "sigma"),
                    Some(vec![EVIL_ID.to_owned()]),
                    "{generation:?}"
                );
                assert_eq!(
                    tagged_ids(&after[2][1], "sigma"),
                    Some(vec![EVIL_ID.to_owned(), ODD_ID.to_owned()])
                );
                for i in 0..3 {
                    assert_eq!(
                        without(&after[i][1], "sigma"),
                        before[i][1],
                        "{generation:?} record {i}"
                    );
                    assert_eq!(
                        after[i][0], before[i][0],
                        "{generation:?}: timestamp and metadata of record {i}"
                    );
                }
            }
        }

        let expected =
            [("records", 14), ("matches", 12), ("malformed", 0), ("unexamined", 0), ("errors", 0)];
        for (name, value) in expected {
            let value = (generation != V1_8WithoutMetrics).then_some(value);
            assert_eq!(host.counter(0, name), value, "{generation:?} {name}");
        }
        let done = host.command("exit 0").join("\n");
        assert!(
            done.contains("done: 14 records, 8 tagged, 12 rule matches"),
            "{generation:?}: {done}"
        );
    }
}

#[test]
fn version_2_1_is_refused_unless_forced() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let rules = rules_file(directory.path(), &[EVIL]);
    for generation in [V2_1_0, V2_1_4] {
        let reason = FakeHost::start(generation, None).refused(0, &[("rules", &rules)]);
        assert!(
            reason.contains("2.1.x: upgrade to 2.2 or later, or set SIGMATAG_FLB_LAYOUT=1"),
            "{reason}"
        );

        let mut host = FakeHost::start(generation, Some("1"));
        host.started(0, &[("rules", &rules)]);
        assert_eq!(host.ids(0, "evil"), Some(vec![EVIL_ID.to_owned()]), "{generation:?}");
        assert_eq!(host.counter(0, "matches"), Some(1), "{generation:?}: context offset found");
    }
}

#[test]
fn an_unknown_layout_is_refused() {
    let reason = FakeHost::start(Unknown, None).refused(0, &[]);
    assert!(
        reason.contains("refusing to run: this Fluent Bit does not lay out its plugins as"),
        "{reason}"
    );
}

#[test]
fn a_wrong_override_is_refused() {
    for (generation, layout) in [(V1_8_12, "2"), (V2_2, "1"), (V3_2, "1"), (V5_0_3, "1")] {
        let reason = FakeHost::start(generation, Some(layout)).refused(0, &[]);
        assert!(reason.contains("does not lay out its plugins"), "{generation:?}: {reason}");
    }
    for layout in ["3", "2:81", "2:", "two", "11"] {
        let reason = FakeHost::start(V5_0_3, Some(layout)).refused(0, &[]);
        assert!(reason.contains("SIGMATAG_FLB_LAYOUT is not understood"), "{layout}: {reason}");
    }
}

#[test]
fn an_override_without_offset_runs_without_metrics() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let rules = rules_file(directory.path(), &[EVIL]);
    let mut host = FakeHost::start(V5_0_3, Some("2:0"));
    let log = host.started(0, &[("rules", &rules)]).join("\n");
    assert!(log.contains("metrics off"), "{log}");
    assert_eq!(host.ids(0, "evil"), Some(vec![EVIL_ID.to_owned()]));

    let mut host = FakeHost::start(V5_0_3, Some("2:80"));
    host.started(0, &[("rules", &rules)]);
    assert_eq!(host.ids(0, "evil"), Some(vec![EVIL_ID.to_owned()]));
    assert_eq!(host.counter(0, "matches"), Some(1));
}

/// The order of a real hot reload: object opened again, new instance checked, old
/// one stopped, new one started.
#[test]
fn a_hot_reload_takes_new_rules_and_survives_bad_ones() {
    for generation in RELOADING {
        let directory = tempfile::tempdir().expect("temporary directory");
        let path = rules_file(directory.path(), &[EVIL]);
        let properties = [("rules", path.as_str())];
        let evil = Some(vec![EVIL_ID.to_owned()]);
        let odd = Some(vec![ODD_ID.to_owned()]);
        let reopen = format!("load {}", filter_object().display());
        let mut host = FakeHost::start(generation, None);
        host.started(0, &properties);
        assert_eq!(
            (host.ids(0, "evil"), host.ids(0, "odd")),
            (evil.clone(), None),
            "{generation:?}"
        );

        // New rules.
        compile_rules(&[ODD], Path::new(&path));
        host.command(&reopen);
        host.instance(1, &properties);
        assert_eq!(host.result("check 1").0, 0);
        assert_eq!(
            host.ids(0, "evil"),
            evil,
            "{generation:?}: the old pipeline keeps its rules until it stops"
        );
        host.command("exit 0");
        assert_eq!(host.result("start 1").0, 0);
        assert_eq!(
            (host.ids(1, "evil"), host.ids(1, "odd")),
            (None, odd.clone()),
            "{generation:?}"
        );

        // A broken file: the check refuses, the old pipeline goes on.
        fs::write(&path, b"no rules at all").expect("write");
        host.instance(2, &properties);
        let (result, answer) = host.result("check 2");
        assert_eq!(result, -1, "{generation:?}: {answer:?}");
        assert!(
            answer.iter().any(|line| line.starts_with("log 1 ") && line.contains(&path)),
            "{answer:?}"
        );
        assert_eq!(host.ids(1, "odd"), odd, "{generation:?}");
        host.command("exit 2");

        // Good at the check, gone at the start: what was verified is used.
        compile_rules(&[EVIL, ODD], Path::new(&path));
        host.instance(3, &properties);
        assert_eq!(host.result("check 3").0, 0);
        fs::remove_file(&path).expect("remove");
        host.command("exit 1");
        assert_eq!(host.result("start 3").0, 0, "{generation:?}");
        assert_eq!(
            (host.ids(3, "evil"), host.ids(3, "odd")),
            (evil.clone(), odd.clone()),
            "{generation:?}"
        );

        // Never checked (a processor) and gone: the last good rules, and the log says so.
        host.command("exit 3");
        let log = host.started(4, &properties).join("\n");
        assert!(
            log.contains("log 2 ") && log.contains("keeping the rules last loaded"),
            "{generation:?}: {log}"
        );
        assert_eq!((host.ids(4, "evil"), host.ids(4, "odd")), (evil, odd), "{generation:?}");
    }
}

#[test]
fn a_first_start_without_usable_rules_is_refused_with_the_reason() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let missing = directory.path().join("missing.sgt").display().to_string();
    let source = directory.path().join("rule.yml");
    let renamed = directory.path().join("renamed.sgt");
    fs::write(&source, EVIL).expect("write");
    fs::write(&renamed, EVIL).expect("write");
    let (source, renamed) = (source.display().to_string(), renamed.display().to_string());
    for generation in SUPPORTED {
        let mut host = FakeHost::start(generation, None);
        let reason = host.refused(0, &[("rules", &missing)]);
        assert!(reason.contains(&missing), "{generation:?}: {reason}");
        for path in [&source, &renamed] {
            let reason = host.refused(1, &[("rules", path)]);
            assert!(
                reason.contains(path.as_str()) && reason.contains("`sigmatag compile"),
                "{generation:?}: {reason}"
            );
        }
        let reason = host.refused(2, &[("rules", "no/such.sgt")]);
        assert!(reason.contains("(working directory: /"), "{generation:?}: {reason}");
    }
}

#[test]
fn wrong_options_are_refused_with_the_repair() {
    let cases: [(&[(&str, &str)], &str); 9] = [
        (&[("ruls", "x")], "unknown option `ruls`; did you mean `rules`?"),
        (
            &[("verbosity", "x")],
            "unknown option `verbosity` (options: rules, disable_rules, min_level, logsource_mode, logsource, \
             match_metadata, tag_format, tag_key, split_records, only_matching, strip_foreign, normalize)",
        ),
        (&[("min_level", "low"), ("MIN_LEVEL", "high")], "option `min_level` is set twice"),
        (
            &[("min_level", "hihg")],
            "unknown value `hihg`; did you mean `high`? (values: informational, low, medium, high, critical)",
        ),
        (&[("tag_format", "json")], "unknown value `json` (values: nested, flat, ecs)"),
        (&[("tag_key", "-")], "option `tag_key` is empty"),
        (&[("rules", "-")], "option `rules` is empty"),
        (&[("min_level", "-")], "option `min_level` is empty"),
        (
            &[("rules", "${SIGMATAG_TEST_UNSET}/x.sgt")],
            "${SIGMATAG_TEST_UNSET} is not set in the environment",
        ),
    ];
    for generation in SUPPORTED {
        let mut host = FakeHost::start(generation, None);
        for (n, (properties, expected)) in cases.iter().enumerate() {
            let reason = host.refused(n % 8, properties);
            assert!(reason.contains(expected), "{generation:?}: {reason}");
        }
    }
}

#[test]
fn options_change_what_is_tagged_and_how() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let rules = rules_file(directory.path(), &[EVIL, ODD]);
    let mut host = FakeHost::start(V5_0_3, None);

    // The host's own properties stay in the list and are not ours to refuse.
    host.started(
        0,
        &[
            ("rules", &rules),
            ("min_level", "${SIGMATAG_TEST_WORD}"),
            ("active", "true"),
            ("_debug.x", "1"),
        ],
    );
    assert_eq!(host.ids(0, "odd"), None, "low is below min_level high");
    assert_eq!(host.ids(0, "odd evil"), Some(vec![EVIL_ID.to_owned()]));

    host.started(1, &[("rules", &rules), ("tag_key", "detections")]);
    let tagged = host.filter(1, "own", &v2("evil")).expect("tagged");
    assert_eq!(
        tagged_ids(&decode_all(&tagged)[0][1], "detections"),
        Some(vec![EVIL_ID.to_owned()])
    );

    for (format, key) in [("Flat", "SigmaIds"), ("ecs", "rule")] {
        host.started(2, &[("rules", &rules), ("tag_format", format)]);
        let tagged = host.filter(2, "own", &v2("evil")).expect("tagged");
        let record = decode_all(&tagged)[0][1].clone();
        assert!(get(&record, key).is_some(), "{format}: {record}");
        // The ecs shape has a mark there, by which a later run knows its members as ours.
        let nested = get(&record, "sigma").and_then(|mark| get(mark, "rules"));
        assert!(nested.is_none(), "{format}: {record}");
        host.command("exit 2");
    }

    let log =
        host.started(3, &[("rules", &rules), ("tag_format", "flat"), ("tag_key", "x")]).join("\n");
    assert!(log.contains("`tag_key` has no effect with tag_format flat"), "{log}");
}

#[test]
fn without_rules_the_built_in_pack_is_used() {
    for generation in SUPPORTED {
        let mut host = FakeHost::start(generation, None);
        let log = host.started(0, &[]).join("\n");
        assert!(log.contains("rules from the built-in MySQL pack"), "{generation:?}: {log}");
        assert_eq!(host.filter(0, "own", &v2("SELECT 1")), None, "{generation:?}");
    }
}

#[test]
fn malformed_bytes_pass_and_are_counted() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let rules = rules_file(directory.path(), &[EVIL]);
    for generation in SUPPORTED {
        let mut host = FakeHost::start(generation, None);
        host.started(0, &[("rules", &rules)]);
        assert_eq!(host.filter(0, "own", b"\x92\xc1 no record"), None, "{generation:?}");
        let mut cut = [v2("evil"), v2("evil")].concat();
        cut.truncate(cut.len() - 3);
        let out = host.filter(0, "own", &cut).expect("the whole record before the cut is tagged");
        let tail = &cut[v2("evil").len()..];
        assert!(out.ends_with(tail), "{generation:?}: the cut record passes as it came");
        if generation != V1_8WithoutMetrics {
            assert_eq!(
                (host.counter(0, "malformed"), host.counter(0, "matches")),
                (Some(2), Some(1)),
                "{generation:?}"
            );
        }
    }
}

#[test]
fn one_instance_entered_from_many_threads_at_once_stays_sound() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let rules = rules_file(directory.path(), &[EVIL]);
    let mut host = FakeHost::start(V5_0_3, None);
    host.started(0, &[("rules", &rules)]);
    let chunk = v2("evil").repeat(50);
    let (_, answer) = host.result(&format!("parallel 0 2000 {}", hex(&chunk)));
    let line = answer.iter().find_map(|line| line.strip_prefix("result ")).expect("a result");
    let numbers: Vec<u64> =
        line.split(' ').map(|number| number.parse().expect("a number")).collect();
    assert_eq!(numbers.iter().sum::<u64>(), 8000, "every call answered");
    assert!(numbers[0] > 0 && numbers[2] == 0, "{numbers:?}");
    assert_eq!(host.ids(0, "evil"), Some(vec![EVIL_ID.to_owned()]), "still works");
    assert_eq!(host.counter(0, "matches"), Some(50 * numbers[0] + 1));
    assert_eq!(
        host.counter(0, "errors"),
        Some(numbers[1]),
        "each call that found it busy is counted"
    );
}

/// Two instances, one stopped: the other keeps its context, and a call for the
/// stopped one finds nothing.
#[test]
fn instances_do_not_mix() {
    let directory = tempfile::tempdir().expect("temporary directory");
    let (first, second) = (directory.path().join("1.sgt"), directory.path().join("2.sgt"));
    compile_rules(&[EVIL], &first);
    compile_rules(&[ODD], &second);
    for generation in SUPPORTED {
        let mut host = FakeHost::start(generation, None);
        for _ in 0..3 {
            host.started(0, &[("rules", &first.display().to_string())]);
            host.started(1, &[("rules", &second.display().to_string())]);
            assert_eq!((host.ids(0, "odd"), host.ids(1, "evil")), (None, None), "{generation:?}");
            assert_eq!(host.ids(1, "odd"), Some(vec![ODD_ID.to_owned()]), "{generation:?}");
            host.command("exit 0");
            assert_eq!(host.ids(1, "odd"), Some(vec![ODD_ID.to_owned()]), "{generation:?}");
            host.command("exit 1");
        }
        host.instance(2, &[]);
        assert_eq!(host.filter(2, "garbage", &v2("evil")), None, "{generation:?}: never started");
    }
}

/// One file to mount: it exports its plugin object only, stays mapped through a
/// reload, and needs nothing that a small image lacks.
#[test]
fn the_object_is_self_contained() {
    let exported = run(Command::new("nm").args(["-D", "--defined-only"]).arg(filter_object()));
    let names: Vec<&str> =
        exported.lines().filter_map(|line| line.split(' ').next_back()).collect();
    assert_eq!(names, ["filter_sigmatag_plugin"]);
    let dynamic = run(Command::new("readelf").args(["-dW"]).arg(filter_object()));
    for flag in ["SYMBOLIC", "NODELETE"] {
        assert!(dynamic.contains(flag), "{flag} not in {dynamic}");
    }
    let allowed = [
        "libc.so.6",
        "libm.so.6",
        "libpthread.so.0",
        "libdl.so.2",
        "librt.so.1",
        "libutil.so.1",
        "ld-linux-",
    ];
    for line in dynamic.lines().filter(|line| line.contains("(NEEDED)")) {
        assert!(allowed.iter().any(|name| line.contains(name)), "needs more than libc: {line}");
    }
}
