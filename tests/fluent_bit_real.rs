//! The shipped filter inside a real Fluent Bit: the one FLUENT_BIT names, else one on
//! PATH or in /opt/fluent-bit, else 1.8.15 built by scripts/fluent-bit-from-npm.sh.
//! What only newer versions can do is in fluent_bit_modern.rs.

#[allow(dead_code)] // each test binary uses its own part
mod fluent_bit_support;

use std::fs;
use std::io::Write;
use std::path::Path;

use fluent_bit_support::host::{
    FILE_OUT, Host, classic, connect, expected_ids, filter_section, free_port, json, json_ids,
    run_to_file, through_forward, workplace,
};
use fluent_bit_support::{
    EVIL, EVIL_ID, ODD, ODD_ID, compile_rules, encode, filter_object, get, map, tagged_ids, without,
};
use rmpv::Value;

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
    assert!(ecs.get("rule").is_some() && ecs["sigma"].get("ids").is_some(), "{ecs}");
}

/// Records of three chunks: all dropped, some dropped, an envelope that is split.
#[test]
fn records_are_dropped_and_split_where_asked_for() {
    let source = workplace();
    let path = source.path().join("in.log");
    let envelope = r#"{"records":[{"category":"MySqlAuditLogs","message":"odd"},{"category":"MySqlAuditLogs","message":"plain"},{"category":"MySqlAuditLogs","message":"evil"}]}"#;
    let harmless = "{\"message\":\"plain\"}\n";
    fs::write(&path, harmless.repeat(50)).expect("write");
    let directory = workplace();
    compile_rules(&[EVIL, ODD], &directory.path().join("rules.sgt"));
    let filter = filter_section(
        "    rules @/rules.sgt\n    only_matching on\n    split_records on\n    logsource t=marker//\n",
    );
    let config = classic(&directory, &format!("{}{filter}{FILE_OUT}", tail_input(&path)));
    let mut host = Host::start(directory, &config);
    host.wait_for("the first lines", |host| host.log().contains("inotify_fs_add"));
    let mut file = fs::OpenOptions::new().append(true).open(&path).expect("open");
    file.write_all(format!("{harmless}{envelope}\n{harmless}").as_bytes()).expect("write");
    let lines = host.wait_for_lines(2);
    let found: Vec<_> = lines.iter().map(|line| json_ids(&json(line), "sigma")).collect();
    assert_eq!(found, [Some(vec![ODD_ID.to_owned()]), Some(vec![EVIL_ID.to_owned()])]);
    let log = host.stop();
    assert!(log.contains("53 records, 1 tagged, 2 rule matches"), "{log}");
    assert!(log.contains("53 dropped, 1 split, 0 stripped"), "{log}");
}

/// Lines of MariaDB's audit log, and one of something else.
#[test]
fn documents_are_written_where_asked_for() {
    let source = workplace();
    let path = source.path().join("audit.log");
    let lines = "20261122 09:15:02,shop-db-1,app,203.0.113.9,41,911,QUERY,shop,'DROP TABLE items',0\n\
                 hello\n\
                 20261122 09:15:09,shop-db-1,root,198.51.100.7,42,0,FAILED_CONNECT,,,1045\n";
    fs::write(&path, lines).expect("write");
    let input = tail_input(&path).replace("    Parser json\n", "    Key log\n");
    let filter = filter_section("    rules @/rules.sgt\n    normalize ecs\n");
    let (lines, log) = run_to_file(&(input + &filter), &[EVIL], 3);
    let found: Vec<_> = lines.iter().map(|line| json(line)).collect();
    assert_eq!(found[0]["db"]["statement"], "DROP TABLE items", "{}", found[0]);
    assert_eq!(found[0]["event"]["outcome"], "success");
    assert_eq!(found[0]["source"]["ip"], "203.0.113.9");
    assert_eq!(found[1], serde_json::json!({ "log": "hello" }));
    assert_eq!(found[2]["event"]["outcome"], "failure");
    assert_eq!(found[2]["error"]["code"], "1045");
    assert!(log.contains("2 normalized, 1 unmapped"), "{log}");
}

/// Longer than a line of a classic file may be: by a variable.
#[test]
fn rules_are_disabled_by_a_long_list() {
    let ids: Vec<String> = (0..400).map(|n| format!("00000000-0000-4000-8000-{n:012}")).collect();
    let variable = ("DISABLED_RULES".to_owned(), format!("{}, {ODD_ID}", ids.join(", ")));
    let directory = workplace();
    compile_rules(&[EVIL, ODD], &directory.path().join("rules.sgt"));
    let input = "[INPUT]\n    Name dummy\n    Tag d\n    Dummy {\"message\":\"odd and evil\"}\n    Rate 20\n    Samples 1\n";
    let filter = filter_section("    rules @/rules.sgt\n    disable_rules ${DISABLED_RULES}\n");
    let config = classic(&directory, &format!("{input}{filter}{FILE_OUT}"));
    let mut host = Host::start_with(directory, &config, &[variable]);
    let line = host.wait_for_lines(1).remove(0);
    assert_eq!(json_ids(&json(&line), "sigma"), Some(vec![EVIL_ID.to_owned()]));
    let log = host.stop();
    let warning = "option `disable_rules`: 400 of its ids are not in the rule set";
    assert!(log.contains(warning), "{log}");
    assert!(log.contains("(1 disabled, 0 skipped when compiled)"), "{log}");
}

#[test]
fn wrong_configurations_are_refused_with_the_reason() {
    let cases = [
        ("    rules @/missing.sgt\n", "missing.sgt"),
        ("    rules @/rule.yml\n", "`sigmatag compile"),
        ("    rules @/renamed.sgt\n", "`sigmatag compile"),
        (
            "    rules @/rules.sgt\n    min_level hihg\n",
            "option `min_level`: unknown value `hihg`; did you mean `high`?",
        ),
        ("    rules @/rules.sgt\n    tag_format yaml\n", "(values: nested, flat, ecs)"),
        ("    ruels @/rules.sgt\n", "unknown option `ruels`; did you mean `rules`?"),
        (
            "    rules @/rules.sgt\n    logsource a.*=windows//, b\n",
            "option `logsource`: entry 2 `b` has no tag pattern",
        ),
        (
            "    rules @/rules.sgt\n    only_matching maybe\n",
            "option `only_matching`: unknown value `maybe`",
        ),
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

#[test]
fn forward_output_carries_the_tags() {
    let (bytes, records) = forward_messages();
    let through = |filter: &str| {
        let directory = workplace();
        compile_rules(&[EVIL, ODD], &directory.path().join("rules.sgt"));
        through_forward(filter_object(), directory, filter, &bytes, records.len()).0
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
