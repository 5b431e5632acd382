//! One event in the shape of every shipper has the same fields, and templates of values without
//! names cannot be mistaken for each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::built_in;
use super::event_tests::{Bench, Seen};

/// What the head of an event is to rules, whatever shippers call it.
const HEAD: [&str; 4] = ["Channel", "EventID", "Provider_Name", "Computer"];

fn samples(family: &str, prefix: &str) -> Vec<(String, Json)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(family);
    let mut samples: Vec<(String, Json)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .filter(|(name, _)| name.starts_with(prefix))
        .map(|(name, path)| (name, serde_json::from_slice(&fs::read(path).unwrap()).unwrap()))
        .collect();
    samples.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(!samples.is_empty(), "no samples {family}/{prefix}");
    samples
}

/// Names of an event's own data: what the flat shape has besides the head.
fn data_names(flat: &Json) -> Vec<String> {
    let head = [
        "Provider_Guid",
        "Version",
        "Level",
        "Task",
        "Opcode",
        "Keywords",
        "TimeCreated_SystemTime",
        "EventRecordID",
        "Execution_ProcessID",
        "Execution_ThreadID",
        "Security_UserID",
    ];
    let names = flat.as_object().unwrap().keys();
    names.filter(|name| !head.contains(&name.as_str())).cloned().collect()
}

fn fields(bench: &Bench, record: &Json, names: &[String]) -> (Seen, BTreeMap<String, String>) {
    let (mut seen, _) = bench.both(record);
    assert_eq!(seen.len(), 1);
    let seen = seen.remove(0);
    let fields = names.iter().filter_map(|name| Some((name.clone(), seen.text(name)?))).collect();
    (seen, fields)
}

#[test]
fn one_event_has_the_same_fields_in_every_shape() {
    // In the audit log a process has Sysmon's names as well.
    let renamed = ["Image", "ParentImage", "User", "ParentUser", "LogonId", "IntegrityLevel"];
    for (prefix, more) in [("file-", &[][..]), ("process-", &[]), ("security-process-", &renamed)] {
        let all = samples("windows", prefix);
        let flat = &all.iter().find(|(name, _)| *name == format!("{prefix}flat")).unwrap().1;
        let mut names = data_names(flat);
        names.extend(more.iter().map(|name| (*name).to_owned()));
        let referenced: Vec<&str> = names.iter().map(String::as_str).collect();
        let bench = Bench::new(&built_in(), &referenced);
        let (expected, all_fields) = fields(&bench, flat, &names);
        assert_eq!(all_fields.len(), names.len(), "{prefix}flat lacks fields: {all_fields:?}");
        let mut compared = 0;
        for (name, record) in &all {
            // Other events, and one whose values have no known template.
            if name.contains("-of-") && !name.contains("record-of") || name.contains("another") {
                continue;
            }
            let (seen, found) = fields(&bench, record, &names);
            if name.ends_with("unknown-template") {
                assert!(found.keys().all(|name| HEAD.contains(&name.as_str())), "{found:?}");
                continue;
            }
            assert_eq!(seen.logsources, expected.logsources, "{name}");
            // Older templates have fewer fields; what is there is the same.
            let older = name.contains("-schema-") || name.contains("-version-");
            for (field, text) in &all_fields {
                match found.get(field) {
                    Some(other) if field == "Channel" => {
                        assert!(text.eq_ignore_ascii_case(other), "{name}: {other}");
                    }
                    Some(other) => assert_eq!(other, text, "{name}: {field}"),
                    None => assert!(older, "{name} lacks {field}"),
                }
            }
            assert!(found.len() >= 10, "{name}: {found:?}");
            compared += 1;
        }
        assert!(compared >= 7, "only {compared} shapes of {prefix}");
    }
}

#[test]
fn endpoint_products_agree_on_what_matters() {
    let names = ["Image", "TargetFilename", "CommandLine", "ParentImage"];
    let bench = Bench::new(&built_in(), &names);
    let core = |family: &str, sample: &str, names: &[&str]| -> Vec<Option<String>> {
        let record = &samples(family, sample)[0].1;
        let (seen, _) = bench.both(record);
        names.iter().map(|name| Some(seen[0].text(name)?.to_lowercase())).collect()
    };
    for (names, sysmon, others) in [
        (
            &["Image", "TargetFilename"][..],
            "file-flat",
            &[("ecs", "file-windows"), ("defender", "file-row"), ("asim", "file-windows")],
        ),
        (
            &["Image", "CommandLine", "ParentImage"],
            "process-flat",
            &[("ecs", "process-windows"), ("defender", "process-row"), ("asim", "process-windows")],
        ),
    ] {
        let expected = core("windows", sysmon, names);
        assert!(expected.iter().all(Option::is_some));
        for (family, sample) in others {
            assert_eq!(core(family, sample, names), expected, "{family}/{sample}");
        }
    }
}

#[test]
fn templates_of_one_event_differ_in_their_length() {
    let mut templates = 0;
    for source in built_in() {
        for (index, item) in source.positions.iter().enumerate() {
            for other in &source.positions[..index] {
                if item.path == other.path && item.when == other.when {
                    assert_ne!(item.names.len(), other.names.len(), "{:?}", item.names);
                }
            }
            let names: BTreeSet<&String> = item.names.iter().flatten().collect();
            assert_eq!(names.len(), item.names.iter().flatten().count());
            templates += 1;
        }
    }
    assert!(templates > 60, "{templates}");
}
