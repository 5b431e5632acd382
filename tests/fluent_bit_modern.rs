//! What only newer versions of Fluent Bit can do: YAML, processors, hot reload, counters,
//! groups. Set FLUENT_BIT to run them; what the one at hand cannot do is named on standard
//! error, never passed over in silence.

#[allow(dead_code)] // each test binary uses its own part
mod fluent_bit_support;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use fluent_bit_support::host::{
    FILE_OUT, Host, classic, connect, filter_section, free_port, has, json, json_ids,
    receive_forward, workplace,
};
use fluent_bit_support::{
    EVIL, EVIL_ID, ODD, ODD_ID, compile_rules, encode, filter_object, tagged_ids, without,
};

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

/// The whole answer; empty while nobody listens.
fn http(port: u16, request: &str) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) {
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        // A server that keeps the connection open ends the read by the timeout.
        let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_end(&mut bytes));
    }
    String::from_utf8_lossy(&bytes).into_owned()
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
    let mut expected =
        [("matches", 3), ("records", 3), ("malformed", 0), ("unexamined", 0), ("errors", 0)]
            .map(|(name, value)| {
                format!("fluentbit_filter_sigmatag_{name}_total{{name=\"sigmatag.0\"}} {value}")
            })
            .to_vec();
    for (name, labels, value) in [
        ("rule_matches", format!("rule=\"{EVIL_ID}\""), 3),
        ("level_matches", "level=\"high\"".to_owned(), 3),
        ("level_matches", "level=\"low\"".to_owned(), 0),
        ("passed", "reason=\"unrouted\"".to_owned(), 3),
    ] {
        expected.push(format!(
            "fluentbit_filter_sigmatag_{name}_total{{name=\"sigmatag.0\",{labels}}} {value}"
        ));
    }
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
