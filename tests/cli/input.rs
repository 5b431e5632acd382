//! Input in every form.

use crate::harness::{empty_folder, golden, run};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;
use std::fs;
use std::io::Write;

const TAG: &str = "tag --rules rules.yml --summary none";
const MATCHING: &str = r#"{"sql_text":"DROP USER x","user":"app","ip":"192.0.2.1"}"#;
const OTHER: &str = r#"{"sql_text":"SELECT 1","user":"app","ip":"192.0.2.1"}"#;

/// Tags bytes from standard input.
fn tagged(input: &[u8], options: &str) -> Vec<u8> {
    let output = run(&format!("{TAG}{options}"), &empty_folder("input"), input);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The output with the tags taken out again.
fn without_tags(output: &[u8]) -> String {
    let text = String::from_utf8(output.to_vec()).expect("UTF-8");
    let tag = r#","sigma":\{"level":[^\[]*\[(\{[^\[\]]*(\[[^\]]*\])?[^\[\]]*\},?)*\]\}"#;
    let tag = regex::Regex::new(tag).expect("a pattern");
    tag.replace_all(&text, "").into_owned()
}

fn count_of_tags(output: &[u8]) -> usize {
    output.windows(8).filter(|window| window == b"\"sigma\":").count()
}

#[test]
fn files_of_every_form() {
    golden(
        "forms",
        &[
            "tag --rules rules.yml array.json",
            "tag --rules rules.yml --only-matching array.json",
            "tag --rules rules.yml pretty.json",
            "tag --rules rules.yml --only-matching --summary json pretty.json",
            "tag --rules rules.yml --only-matching text.log",
            "tag --rules rules.yml --input-format lines events.jsonl",
            "explain --rules rules.yml --rule 0b9d3a6e-1f0b-4a86-9c55-8f3b6a0e1c04 text.log",
            "explain --rules rules.yml --rule 0b9d3a6e-1f0b-4a86-9c55-8f3b6a0e1c01 array.json",
            "tag --rules outfile.yml --only-matching mariadb.log",
        ],
    );
}

#[test]
fn every_byte_of_json_stays() {
    for text in [
        format!("[{MATCHING},\n\t{OTHER} ,{MATCHING}]\n"),
        format!("{MATCHING}{OTHER}\n\n{MATCHING}"),
        format!("[{OTHER}]\n[{MATCHING}]\n[]\n"),
        "{\n  \"sql_text\": \"DROP USER x\",\r\n  \"user\": \"root\"\n}\n".to_owned(),
        format!("{MATCHING}\r\n{OTHER}"),
        format!("\u{feff}{MATCHING}\n"),
        format!("\u{feff}[{MATCHING}]\n"),
    ] {
        let output = tagged(text.as_bytes(), "");
        assert!(count_of_tags(&output) > 0, "{text}");
        assert_eq!(without_tags(&output), text);
    }
}

#[test]
fn only_matching_records_of_arrays_are_arrays() {
    let text = format!("[{OTHER},{MATCHING}, {OTHER},{MATCHING}]\n[{OTHER}]{MATCHING}{OTHER}");
    let output = tagged(text.as_bytes(), " --logsource mysql//audit --only-matching");
    assert_eq!(without_tags(&output), format!("[{MATCHING},\n{MATCHING}]\n[]\n{MATCHING}\n"));
}

#[test]
fn gzip_and_utf16_are_unpacked() {
    let text = format!("{MATCHING}\n{OTHER}\n");
    let gzip = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    };
    // Two members one behind the other, as rotated logs are joined.
    let packed = [gzip(text.as_bytes()), gzip(text.as_bytes())].concat();
    assert_eq!(without_tags(&tagged(&packed, "")), text.repeat(2));
    let wide: Vec<u8> =
        format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(without_tags(&tagged(&wide, "")), text);
    let half = &packed[..packed.len() / 3];
    let output = run(TAG, &empty_folder("gzip"), half);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("<stdin>: cannot be read"), "{error}");
}

#[test]
fn chunks_of_fluent_bit_become_json_lines() {
    let map = |pairs: &[(&str, rmpv::Value)]| {
        let pairs = pairs.iter().map(|(key, value)| ((*key).into(), value.clone()));
        rmpv::Value::Map(pairs.collect())
    };
    let record = map(&[("sql_text", "DROP USER x".into()), ("user", "app".into())]);
    let time = rmpv::Value::Ext(0, [1_772_600_767u32.to_be_bytes(), [0, 0, 0, 9]].concat());
    let head = rmpv::Value::Array(vec![time, map(&[])]);
    let entry = rmpv::Value::Array(vec![head, record]);
    let mut bytes = Vec::new();
    for _ in 0..2 {
        rmpv::encode::write_value(&mut bytes, &entry).expect("memory");
    }
    let output = String::from_utf8(tagged(&bytes, "")).expect("UTF-8");
    assert_eq!(output.lines().count(), 2);
    for line in output.lines() {
        let value: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(value["sigma"]["rules"][0]["title"], "Account dropped");
        assert!(line.starts_with(r#"{"date":1772600767.000000009,"sql_text""#), "{line}");
    }
}

#[test]
fn text_that_is_no_utf8_becomes_json() {
    let input = b"started /bin/sh \xff\xfe\r\n\r\nplain\n";
    let output = run("tag --rules rules.yml --summary json", &empty_folder("bytes"), input);
    let lines: Vec<Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["log"], "started /bin/sh \u{FFFD}\u{FFFD}");
    assert_eq!(lines[0]["sigma"]["rules"][0]["title"], "Shell started");
    let summary: Value = serde_json::from_slice(&output.stderr).expect("JSON");
    assert_eq!((&summary["replaced_characters"], &summary["records"]), (&2.into(), &2.into()));
}

#[test]
fn a_huge_array_streams() {
    // More than one buffer, with a record over the limit in the middle.
    let huge = format!("{{\"user\":\"root\",\"pad\":\"{}\"}}", "x".repeat(200_000));
    let mut text = "[".to_owned();
    for number in 0..20_000 {
        text += &format!("{{\"n\":{number},\"sql_text\":\"drop user x\",\"user\":\"root\"}},\n");
        if number == 10_000 {
            text += &format!("{huge},\n");
        }
    }
    text += "{}]\n";
    let out = empty_folder("huge_array");
    fs::write(out.join("array.json"), &text).expect("written");
    let output =
        run("tag --rules rules.yml --summary json --max-record 100000 $OUT/array.json", &out, b"");
    let summary: Value = serde_json::from_slice(&output.stderr).expect("JSON");
    assert_eq!(summary["matched_records"], 20_000);
    assert_eq!(summary["unexamined_records"], 1);
    let place = summary["first_unread"][0]["place"].as_str().expect("a place").to_owned();
    assert!(place.ends_with("array.json:10002"), "{place}");
    assert_eq!(without_tags(&output.stdout), text);
}
