//! A real MariaDB with its audit log, followed by a real Fluent Bit with the shipped filter, rules
//! and example configuration: a shop at work, and an attack on it.
//!
//! Every step of the attack names the rules that must find it, and no other rule may. What is
//! ordinary may not be louder than `low`. What the server does not log, no rule can see; steps say
//! where that is so.

mod common;
#[allow(dead_code)] // each test binary uses its own part
mod fluent_bit_support;
mod mariadb_support;
mod pack;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use fluent_bit_support::examples::installed as example;
use fluent_bit_support::host::{Host, free_port, json, say, workplace};
use fluent_bit_support::{root, target_dir};
use mariadb_support::attack::{attack, refused};
use mariadb_support::client::Programs;
use mariadb_support::server::{Installed, Server, installed};
use mariadb_support::traffic::{ordinary, set_up};

/// The server, or why there is none. SIGMATAG_SKIP_NOTHING makes that a failure.
fn mariadb(test: &str) -> Option<Installed> {
    match installed(&target_dir()) {
        Ok(installed) => {
            say(&format!("{test}: {}", installed.version));
            Some(installed)
        }
        Err(reason) => {
            let line = format!("SKIPPED {test}: {reason}");
            assert!(std::env::var_os("SIGMATAG_SKIP_NOTHING").is_none(), "{line}");
            say(&line);
            None
        }
    }
}

/// What a rule is called here, and its level, by its id.
fn names() -> BTreeMap<String, (String, String)> {
    let rules = pack::loaded().collection.rules;
    rules
        .iter()
        .map(|rule| {
            let stem = pack::file_stem(rule);
            let name = stem.strip_prefix("mysql_audit_").unwrap_or(&stem).to_owned();
            let level = rule.meta.level.expect("a level").as_str().to_owned();
            (rule.meta.id.clone().expect("an id"), (name, level))
        })
        .collect()
}

/// A record of the audit log as it came out of Fluent Bit.
struct Record {
    line: String,
    connection: u64,
    operation: String,
    user: String,
    /// Name and level of each rule in its tag.
    rules: Vec<(String, String)>,
}

fn records(lines: &[String]) -> Vec<Record> {
    let names = names();
    lines
        .iter()
        .map(|text| {
            let record = json(text);
            let line = record["log"].as_str().expect("a line").to_owned();
            let columns: Vec<&str> = line.splitn(8, ',').collect();
            let tagged = record["sigma"]["rules"].as_array().cloned().unwrap_or_default();
            let rule =
                |rule: &serde_json::Value| names[rule["id"].as_str().expect("an id")].clone();
            Record {
                connection: columns[4].parse().expect("a connection"),
                operation: columns[6].to_owned(),
                user: columns[2].to_owned(),
                rules: tagged.iter().map(rule).collect(),
                line,
            }
        })
        .collect()
}

fn is_loud((_, level): &&(String, String)) -> bool {
    !matches!(level.as_str(), "informational" | "low")
}

#[test]
fn an_attack_on_a_shop_is_found_step_by_step() {
    let Some(installed) = mariadb("an_attack_on_a_shop_is_found_step_by_step") else { return };
    let mut server = Server::start(&installed, free_port());
    let programs = Programs::build(&server);

    // As a user has it: the example, its variables set.
    let directory = workplace();
    let pack: PathBuf = root().join("rules/mysql");
    let (mut variables, _) = example(directory.path(), &[&pack]);
    variables.retain(|(name, _)| name != "MARIADB_AUDIT_LOG");
    variables.push(("MARIADB_AUDIT_LOG".to_owned(), server.text("server_audit.log")));
    let config = directory.path().join("mariadb-audit.conf");
    let mut host = Host::start_with(directory, &config, &variables);

    let set_up = set_up(&server, &programs);
    ordinary(&server, &programs);
    let failed = refused(&server, &programs);
    let done = attack(&server, &programs);
    server.stop();
    let logged = server.audit_lines();
    let lines = host.wait_for_lines(logged.len());
    let log = host.stop();
    assert!(log.contains("0 malformed, 0 unexamined, 0 failed calls"), "{log}");
    let records = records(&lines);
    let came: Vec<&str> = records.iter().map(|record| record.line.as_str()).collect();
    assert_eq!(came, logged, "every line of the audit log, in its order");
    if let Some(path) = std::env::var_os("SIGMATAG_KEEP") {
        std::fs::write(path, lines.join("\n")).expect("write");
    }

    let mut wrong = Vec::new();
    // What each step is found by.
    for done in &done {
        let own = records.iter().filter(|record| record.connection == done.connection);
        let found: BTreeSet<&str> = own
            .clone()
            .flat_map(|record| &record.rules)
            .map(|(name, _)| name.as_str())
            .filter(|name| *name != "connection")
            .collect();
        let expected: BTreeSet<&str> = done.step.rules.iter().copied().collect();
        if found != expected {
            let lines: Vec<String> = own
                .map(|record| {
                    format!(
                        "    {:?} {}",
                        record.rules,
                        record.line.get(..300).unwrap_or(&record.line)
                    )
                })
                .collect();
            let name = done.step.name;
            wrong.push(format!(
                "{name}: found by {found:?}, not {expected:?}:\n{}",
                lines.join("\n")
            ));
        }
    }
    // One of the two is a byte shorter than the limit.
    let cut: Vec<usize> = records
        .iter()
        .filter(|record| record.line.contains("SELECT 1 /* xxx"))
        .filter(|record| record.rules.iter().any(|(name, _)| name == "text_truncated"))
        .map(|record| record.line.split_once(",'").expect("a statement").1.len() - "',0".len())
        .collect();
    assert_eq!(cut, [1024, 1023]);
    // Every refused login once.
    let tagged: Vec<&str> = records
        .iter()
        .filter(|record| record.operation == "FAILED_CONNECT")
        .filter(|record| record.rules.iter().any(|(name, _)| name == "login_failed"))
        .map(|record| record.user.as_str())
        .collect();
    assert_eq!(tagged, failed);
    // What is neither the attack nor the set-up.
    let attacking: BTreeSet<u64> = done.iter().map(|done| done.connection).collect();
    let mut seen = 0;
    for record in &records {
        let is_ordinary = !attacking.contains(&record.connection)
            && record.connection != set_up
            && record.operation != "FAILED_CONNECT";
        seen += usize::from(is_ordinary);
        let loud: Vec<_> = record.rules.iter().filter(is_loud).collect();
        if is_ordinary && !loud.is_empty() {
            wrong.push(format!("ordinary: {loud:?} {}", record.line));
        }
    }
    assert!(seen > 300, "{seen} ordinary records: the test needs many");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // The server did what was asked.
    for name in ["s.php", "h.phtml", "l.txt", "i.php", "v.jsp", "g.php", "s2.php", "a.php"] {
        assert!(server.path("www/html").join(name).is_file(), "{name} was not written");
    }
    assert!(logged.iter().all(|line| !line.contains("unseen")), "what is not logged was logged");
}
