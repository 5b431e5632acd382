//! The configurations of examples/fluent-bit: the classic ones run in a real Fluent Bit on records
//! of their kind, the YAML ones say the same option by option and run where Fluent Bit is new enough.

#[allow(dead_code)] // each test binary uses its own part
mod fluent_bit_support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use fluent_bit_support::examples::{Ports, folder, installed, usual_variables};
use fluent_bit_support::host::{Host, connect, has, json, workplace};
use fluent_bit_support::{encode, root};
use rmpv::Value;
use saphyr_parser::{Event, Parser};
use serde_json::{Value as Json, json};

const OUTFILE_SCRIPT: &str = "c584c34a-7dc6-4bfb-acf2-7f5ac25295cb";
const UDF_CREATE: &str = "88f910a6-d4fb-4442-a80e-3fdcb3447195";
const LOGIN_FAILED: &str = "f17a8a3b-81a5-4c01-80a2-03ae045e2f4e";
const SYSMON_FILE: &str = "c61daa90-3c1e-4f18-af62-8f288b5c9aaf";

const ALL: [&str; 7] = [
    "mariadb-audit",
    "azure-mysql",
    "windows-aggregator",
    "windows-agent",
    "output-file",
    "output-sekoia",
    "output-sentinel",
];

/// A record that goes in, the record that comes out but for its tag, and the rule that must have
/// tagged it; None: it must come out untouched.
struct Case {
    sent: Json,
    out: Json,
    rule: Option<&'static str>,
}

fn case(sent: Json, rule: Option<&'static str>) -> Case {
    Case { out: sent.clone(), sent, rule }
}

/// Ids of a nested tag.
fn tag_ids(record: &Json) -> Vec<String> {
    let rules = record["sigma"]["rules"].as_array().cloned().unwrap_or_default();
    rules.iter().map(|rule| rule["id"].as_str().expect("an id").to_owned()).collect()
}

fn assert_outcome(lines: &[String], cases: &[Case]) {
    let mut rest: Vec<Json> = lines.iter().map(|line| json(line)).collect();
    for case in cases {
        let found = rest.iter().position(|record| {
            let mut bare = record.clone();
            bare.as_object_mut().expect("an object").remove("sigma");
            bare == case.out
        });
        let record = rest.remove(found.unwrap_or_else(|| panic!("{} not in {lines:#?}", case.out)));
        match case.rule {
            Some(id) => assert!(tag_ids(&record).iter().any(|found| found == id), "{id}: {record}"),
            None => assert_eq!(record, case.out, "untouched"),
        }
    }
    assert!(rest.is_empty(), "more than expected: {rest:?}");
}

fn run(
    config: &str,
    rules: &[PathBuf],
    cases: &[Case],
    send: impl FnOnce(&mut Host, Ports, &[Case]),
) -> String {
    let directory = workplace();
    let rules: Vec<_> = rules.iter().map(PathBuf::as_path).collect();
    let (variables, ports) = installed(directory.path(), &rules);
    let config = directory.path().join(config);
    let mut host = Host::start_with(directory, &config, &variables);
    send(&mut host, ports, cases);
    let lines = host.wait_for_lines(cases.len());
    assert_outcome(&lines, cases);
    let log = host.stop();
    assert!(log.contains(" rules from /"), "{log}");
    assert!(!log.contains("is used but not set"), "{log}");
    log
}

/// Classic always, YAML where this Fluent Bit reads it.
fn variants(test: &str, name: &str) -> Vec<String> {
    let mut all = vec![format!("{name}.conf")];
    if has((3, 2, 0), test, "YAML") {
        all.push(format!("{name}.yaml"));
    }
    all
}

// ---- what is sent ----

fn mariadb_cases() -> Vec<Case> {
    let line = |text: &str| json!({ "log": text });
    let at = "20261122 09:15:02,shop-db-1,app,203.0.113.9,41";
    vec![
        case(line(&format!("{at},911,QUERY,shop,'SELECT name FROM items WHERE id = 7',0")), None),
        case(
            line(&format!(
                "{at},912,QUERY,shop,'SELECT \\'<?php x(); ?>\\' INTO OUTFILE \\'/var/www/html/s.php\\'',0"
            )),
            Some(OUTFILE_SCRIPT),
        ),
        case(line(&format!("{at},913,READ,shop,items,")), None),
        case(
            line("20261122 09:15:09,shop-db-1,root,198.51.100.7,42,0,FAILED_CONNECT,,,1045"),
            Some(LOGIN_FAILED),
        ),
        case(
            line(&format!(
                "{at},914,QUERY,shop,'CREATE FUNCTION run RETURNS STRING SONAME \\'u.so\\'',1127"
            )),
            Some(UDF_CREATE),
        ),
        case(line("not a line of the audit log"), None),
    ]
}

fn azure_event(sql: &str) -> Json {
    json!({
        "category": "MySqlAuditLogs",
        "ServerType": "MySQL",
        "resourceId": "/SUBSCRIPTIONS/0A1B2C3D-1111-2222-3333-444455556666/RESOURCEGROUPS/SHOP-PROD/\
                       PROVIDERS/MICROSOFT.DBFORMYSQL/FLEXIBLESERVERS/SHOP-DB-1",
        "properties": {
            "event_class": "general_log",
            "event_subclass": "LOG",
            "event_time": "2026-11-22T09:15:02.0000000Z",
            "error_code": 0,
            "thread_id": 4711,
            "ip": "198.51.100.23",
            "user": "app[app] @  [198.51.100.23]",
            "sql_text": sql,
        },
    })
}

const HARMLESS: &str = "SELECT name FROM items WHERE id = 7";
const SHELL: &str = "SELECT 'x' INTO OUTFILE '/var/www/html/s.php'";
const FUNCTION: &str = "CREATE FUNCTION run RETURNS STRING SONAME 'u.so'";

/// `sent` for what goes over HTTP, null for what an envelope holds; see `send_azure`.
fn azure_cases() -> Vec<Case> {
    let inner = |sql: &str, rule| Case { sent: Json::Null, out: azure_event(sql), rule };
    vec![
        case(azure_event(HARMLESS), None),
        case(azure_event(FUNCTION), Some(UDF_CREATE)),
        inner("SELECT 1", None),
        inner(SHELL, Some(OUTFILE_SCRIPT)),
        inner("SELECT 2", None),
    ]
}

/// One envelope of the Event Hub over Forward, the others over HTTP.
fn send_azure(host: &mut Host, ports: Ports, cases: &[Case]) {
    let inside: Vec<Json> =
        cases.iter().filter(|case| case.sent.is_null()).map(|case| case.out.clone()).collect();
    send_forward(host, ports.forward, "azure.mysql", &[json!({ "records": inside })]);
    drop(connect(host, ports.http));
    for case in cases.iter().filter(|case| !case.sent.is_null()) {
        post(ports.http, "/azure.mysql", &case.sent);
    }
}

fn winevtlog_cases() -> Vec<Case> {
    let event = |image: &str, file: &str| {
        let values = [
            "-",
            "2026-11-22 09:15:02.123",
            "{0A1B2C3D-0000-0000-0000-000000000001}",
            "4242",
            image,
            file,
            "2026-11-22 09:15:02.123",
            "NT AUTHORITY\\NETWORK SERVICE",
        ];
        let names = [
            "RuleName",
            "UtcTime",
            "ProcessGuid",
            "ProcessId",
            "Image",
            "TargetFilename",
            "CreationUtcTime",
            "User",
        ];
        let system = json!({
            "ProviderName": "Microsoft-Windows-Sysmon",
            "EventID": 11,
            "Channel": "Microsoft-Windows-Sysmon/Operational",
            "Computer": "shop-db-1.example.com",
            "TimeCreated": "2026-11-22 09:15:02 +0000",
            "EventRecordID": 77,
        });
        let (mut list, mut map) = (system.clone(), system);
        list["StringInserts"] = json!(values);
        map["EventData"] = names
            .iter()
            .zip(values)
            .map(|(name, value)| (name.to_string(), json!(value)))
            .collect();
        [list, map]
    };
    let server = "C:\\Program Files\\MySQL\\MySQL Server 8.0\\bin\\mysqld.exe";
    let library = "C:\\Program Files\\MySQL\\MySQL Server 8.0\\lib\\plugin\\u.dll";
    let tables = "C:\\ProgramData\\MySQL\\Data\\shop\\items.ibd";
    let mut cases: Vec<Case> = Vec::new();
    cases.extend(event(server, library).map(|sent| case(sent, Some(SYSMON_FILE))));
    cases.extend(event(server, tables).map(|sent| case(sent, None)));
    cases.extend(event("C:\\Windows\\explorer.exe", library).map(|sent| case(sent, None)));
    cases
}

fn msgpack(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(value) => Value::from(*value),
        Json::Number(value) => Value::from(value.as_i64().expect("an integer")),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => Value::Array(items.iter().map(msgpack).collect()),
        Json::Object(members) => {
            Value::Map(members.iter().map(|(k, v)| (Value::from(k.as_str()), msgpack(v))).collect())
        }
    }
}

/// One message of the Forward protocol.
fn send_forward(host: &mut Host, port: u16, tag: &str, records: &[Json]) {
    let entry = |record: &Json| Value::Array(vec![Value::from(1_700_000_000u32), msgpack(record)]);
    let entries = Value::Array(records.iter().map(entry).collect());
    let message = Value::Array(vec![Value::from(tag), entries]);
    connect(host, port).write_all(&encode(&message)).expect("send");
}

fn post(port: u16, path: &str, body: &Json) {
    let body = body.to_string();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("connect");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("send");
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 201", "{}", String::from_utf8_lossy(&answer));
}

// ---- running them ----

fn pack() -> Vec<PathBuf> {
    vec![root().join("rules/mysql")]
}

#[test]
fn mariadb_audit_lines_are_tagged() {
    for config in variants("mariadb_audit_lines_are_tagged", "mariadb-audit") {
        let cases = mariadb_cases();
        run(&config, &pack(), &cases, |host, _, cases| {
            let text = |case: &Case| case.sent["log"].as_str().expect("a line").to_owned() + "\n";
            // Written while Fluent Bit runs, in two goes, as the server does.
            let path = host.path("server_audit.log");
            let lines: Vec<String> = cases.iter().map(text).collect();
            fs::write(&path, lines[..2].concat()).expect("write");
            host.wait_for_lines(2);
            let mut file = fs::OpenOptions::new().append(true).open(&path).expect("open");
            file.write_all(lines[2..].concat().as_bytes()).expect("write");
        });
    }
}

#[test]
fn azure_records_are_split_and_tagged() {
    for config in variants("azure_records_are_split_and_tagged", "azure-mysql") {
        let log = run(&config, &pack(), &azure_cases(), send_azure);
        assert!(log.contains("1 split"), "{log}");
    }
}

#[test]
fn windows_events_of_agents_are_tagged() {
    for config in variants("windows_events_of_agents_are_tagged", "windows-aggregator") {
        run(&config, &pack(), &winevtlog_cases(), |host, ports, cases| {
            let records: Vec<Json> = cases.iter().map(|case| case.sent.clone()).collect();
            send_forward(host, ports.forward, "winevt", &records);
        });
    }
}

/// The flat columns, as for Sentinel, by the variable alone.
#[test]
fn the_shape_of_tags_is_a_variable() {
    let directory = workplace();
    let rules = root().join("rules/mysql");
    let (mut variables, ports) = installed(directory.path(), &[&rules]);
    variables.retain(|(name, _)| name != "SIGMATAG_TAG_FORMAT");
    variables.push(("SIGMATAG_TAG_FORMAT".to_owned(), "flat".to_owned()));
    let config = directory.path().join("azure-mysql.conf");
    let mut host = Host::start_with(directory, &config, &variables);
    send_forward(&mut host, ports.forward, "azure.mysql", &[azure_event(SHELL)]);
    let record = json(&host.wait_for_lines(1)[0]);
    let ids = record["SigmaIds"].as_array().expect("ids");
    assert!(ids.contains(&json!(OUTFILE_SCRIPT)), "{record}");
    assert!(record.get("sigma").is_none(), "{record}");
    host.stop();
}

/// What the intake receives: one POST with the key, a gzipped array of records as they came but for
/// the tag. TLS is left out, for which a server of the test would need a certificate.
#[test]
fn sekoia_receives_records_in_their_own_shape() {
    let directory = workplace();
    let rules = root().join("rules/mysql");
    let (mut variables, ports) = installed(directory.path(), &[&rules]);
    let intake = TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = intake.local_addr().expect("an address").port();
    for (name, value) in [
        ("SEKOIA_INTAKE_HOST", "127.0.0.1".to_owned()),
        ("SEKOIA_INTAKE_PORT", port.to_string()),
        ("SEKOIA_INTAKE_KEY", "intake-key-1".to_owned()),
    ] {
        variables.retain(|(known, _)| known != name);
        variables.push((name.to_owned(), value));
    }
    let change = |name: &str, from: &str, to: &str| {
        let path = directory.path().join(name);
        let text = fs::read_to_string(&path).expect("read");
        assert!(text.contains(from), "`{from}` not in {name}");
        fs::write(&path, text.replace(from, to)).expect("write");
    };
    change("azure-mysql.conf", "# @INCLUDE output-sekoia.conf", "@INCLUDE output-sekoia.conf");
    change("output-sekoia.conf", "tls            On", "tls            Off");
    let config = directory.path().join("azure-mysql.conf");
    let mut host = Host::start_with(directory, &config, &variables);
    send_forward(
        &mut host,
        ports.forward,
        "azure.mysql",
        &[azure_event(SHELL), azure_event(HARMLESS)],
    );

    let (head, body) = receive_post(&intake, &mut host);
    assert!(head.starts_with("POST /jsons HTTP/1.1\r\n"), "{head}");
    for header in [
        "X-SEKOIAIO-INTAKE-KEY: intake-key-1",
        "Content-Encoding: gzip",
        "Content-Type: application/json",
    ] {
        assert!(head.contains(header), "{header} not in {head}");
    }
    let records: Json = serde_json::from_slice(&unzipped(&host, &body)).expect("JSON");
    let records: Vec<String> =
        records.as_array().expect("an array").iter().map(Json::to_string).collect();
    assert_outcome(
        &records,
        &[case(azure_event(SHELL), Some(OUTFILE_SCRIPT)), case(azure_event(HARMLESS), None)],
    );
    host.stop();
}

fn unzipped(host: &Host, body: &[u8]) -> Vec<u8> {
    let path = host.path("body.gz");
    fs::write(&path, body).expect("write");
    let output = std::process::Command::new("gzip").arg("-dc").arg(&path).output().expect("gzip");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Head and body of one request, answered with 200.
fn receive_post(listener: &TcpListener, host: &mut Host) -> (String, Vec<u8>) {
    listener.set_nonblocking(true).expect("nonblocking");
    let mut accepted = None;
    host.wait_for("a request", |_| {
        accepted = listener.accept().ok();
        accepted.is_some()
    });
    let (mut stream, _) = accepted.expect("accepted");
    stream.set_nonblocking(false).expect("blocking");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).expect("a head");
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).expect("text");
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
    let mut body = vec![0; length.expect("a length").trim().parse().expect("a number")];
    stream.read_exact(&mut body).expect("a body");
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"event_ids\":[]}";
    stream.write_all(answer.as_bytes()).expect("answer");
    (head, body)
}

// ---- comparing them ----

/// Sections in order, with their options in lower case, and the files included.
#[derive(Debug, Default, PartialEq)]
struct Config {
    sections: Vec<(String, BTreeMap<String, String>)>,
    includes: Vec<String>,
}

/// As the host takes options: names without case, switches in either spelling.
fn option(name: &str, value: &str) -> (String, String) {
    let value = match value.to_lowercase().as_str() {
        "on" | "true" => "on".to_owned(),
        "off" | "false" => "off".to_owned(),
        _ => value.to_owned(),
    };
    (name.to_lowercase(), value)
}

fn classic(name: &str) -> Config {
    let text = fs::read_to_string(folder().join(name)).expect(name);
    let mut config = Config::default();
    for line in
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(file) = line.strip_prefix("@INCLUDE ") {
            config.includes.push(file.trim_end_matches(".conf").to_owned());
        } else if let Some(kind) = line.strip_prefix('[') {
            config.sections.push((kind.trim_end_matches(']').to_lowercase(), BTreeMap::new()));
        } else {
            let (key, value) = line.split_once(char::is_whitespace).expect("an option");
            let (key, value) = option(key, value.trim());
            let (kind, options) = config.sections.last_mut().expect("a section");
            let twice = options.insert(key.clone(), value);
            assert!(twice.is_none(), "{name}: {kind}: {key} is set twice");
        }
    }
    config
}

/// A YAML document of maps, lists and texts.
fn yaml_value<'a>(events: &mut impl Iterator<Item = Event<'a>>, first: Event<'a>) -> Json {
    match first {
        Event::Scalar(text, ..) => Json::from(text.as_ref()),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match events.next().expect("an end") {
                    Event::SequenceEnd => return Json::from(items),
                    event => items.push(yaml_value(events, event)),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut members = serde_json::Map::new();
            loop {
                let key = match events.next().expect("an end") {
                    Event::MappingEnd => return Json::from(members),
                    event => yaml_value(events, event).as_str().expect("a text").to_owned(),
                };
                let event = events.next().expect("a value");
                let twice = members.insert(key.clone(), yaml_value(events, event));
                assert!(twice.is_none(), "{key} is there twice");
            }
        }
        other => panic!("{other:?} in a configuration"),
    }
}

fn yaml(name: &str) -> Config {
    let text = fs::read_to_string(folder().join(name)).expect(name);
    let mut events =
        Parser::new_from_str(&text).map(|event| event.expect(name).0).filter(|event| {
            !matches!(event, Event::StreamStart | Event::DocumentStart(..) | Event::Nothing)
        });
    let first = events.next().expect("a document");
    let document = yaml_value(&mut events, first);
    let mut config = Config::default();
    let texts = |map: &Json| -> BTreeMap<String, String> {
        let members = map.as_object().expect("a map").iter();
        members.map(|(key, value)| option(key, value.as_str().expect("a text"))).collect()
    };
    for (key, value) in document.as_object().expect("a map") {
        match key.as_str() {
            "service" => config.sections.push(("service".to_owned(), texts(value))),
            "includes" => {
                let files = value.as_array().expect("a list").iter();
                let file = |file: &Json| {
                    file.as_str().expect("a text").trim_end_matches(".yaml").to_owned()
                };
                config.includes = files.map(file).collect();
            }
            "pipeline" => {}
            other => panic!("{name}: {other}"),
        }
    }
    for kind in ["input", "filter", "output"] {
        let parts =
            document["pipeline"][format!("{kind}s")].as_array().cloned().unwrap_or_default();
        config.sections.extend(parts.iter().map(|part| (kind.to_owned(), texts(part))));
    }
    config
}

#[test]
fn yaml_and_classic_say_the_same() {
    for name in ALL {
        let (classic, yaml) = (classic(&format!("{name}.conf")), yaml(&format!("{name}.yaml")));
        assert!(!classic.sections.is_empty(), "{name}");
        assert_eq!(classic, yaml, "{name}");
    }
}

/// Every variable that a file uses is in sigmatag.env, and every one of it is used.
#[test]
fn all_variables_are_listed() {
    let mut used = BTreeSet::new();
    for name in ALL {
        for extension in ["conf", "yaml"] {
            let text =
                fs::read_to_string(folder().join(format!("{name}.{extension}"))).expect(name);
            for part in text.split("${").skip(1) {
                used.insert(part.split_once('}').expect("a closing brace").0.to_owned());
            }
        }
    }
    let listed: BTreeSet<String> = usual_variables().into_keys().collect();
    assert_eq!(used, listed);
}

/// The files of the folder are those that are tested and described.
#[test]
fn no_example_is_left_out() {
    let readme = fs::read_to_string(folder().join("README.md")).expect("README.md");
    let mut files: BTreeSet<String> =
        ALL.iter().flat_map(|name| [format!("{name}.conf"), format!("{name}.yaml")]).collect();
    files.extend(["README.md", "plugins.conf", "sigmatag.env"].map(str::to_owned));
    let found: BTreeSet<String> = fs::read_dir(folder())
        .expect("examples")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
        .collect();
    assert_eq!(found, files);
    for name in ALL {
        assert!(readme.contains(&format!("`{name}`")), "{name} is not in README.md");
    }
}
