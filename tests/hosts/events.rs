//! A thousand events, the same in every run: recorded records, statements and files in the dialects
//! of those that write them, records of nobody we know, and what encodings differ in.
//!
//! Each event hangs on its number only, and recorded records are drawn by their names, so that one
//! more record changes few events.

use crate::common::families::FAMILIES;
use crate::common::root;
use crate::dialects::{self, Dialect, Record, endpoint};
use rng::Rng;
use serde_json::{Map, Value, json};
use std::path::Path;

#[path = "../generator/rng.rs"]
mod rng;

/// How many there are.
pub const COUNT: usize = 1_000;

/// Texts hold any byte: U+F700 to U+F7FF stand for the bytes 0x00 to 0xFF as they are.
const RAW: u32 = 0xF700;

/// An event in both encodings.
pub struct Generated {
    /// Where it comes from.
    pub kind: String,
    /// On one line.
    pub json: Vec<u8>,
    pub msgpack: Vec<u8>,
    /// Whether it ends too early: hosts pass it on.
    pub is_cut: bool,
}

/// All of them.
pub fn generate() -> Vec<Generated> {
    let recorded = Recorded::read();
    (0..COUNT).map(|number| one(number, &recorded)).collect()
}

fn one(number: usize, recorded: &Recorded) -> Generated {
    let mut rng = Rng::new(0x5167_6d61 + number as u64 * 0x1_0001);
    let (mut kind, mut record) = match number % 8 {
        0..=2 => in_dialect(&mut rng, &dialects::audit(), audit_event),
        3 => in_dialect(&mut rng, &endpoint::WINDOWS, |rng| file_event(rng, true)),
        4 if rng.chance(50) => in_dialect(&mut rng, &endpoint::LINUX, |rng| file_event(rng, false)),
        4 => in_dialect(&mut rng, &endpoint::BOTH, |rng| {
            let is_windows = rng.chance(50);
            file_event(rng, is_windows)
        }),
        5 => recorded.draw(rng.next()),
        6 => foreign(&mut rng),
        _ => marked(&mut rng),
    };
    if number % 8 != 7 && rng.chance(10) {
        kind += ", decorated";
        decorate(&mut rng, &mut record);
    }
    let mut json = raw_bytes(record.to_string().as_bytes());
    let mut msgpack = Vec::new();
    pack(&mut rng, &record, &mut msgpack);
    let is_cut = number % 50 == 49;
    if is_cut {
        kind += ", cut";
        json.truncate(json.len() - 1 - rng.below(json.len() / 2));
        msgpack.truncate(msgpack.len() - 1 - rng.below(msgpack.len() / 2));
    }
    Generated { kind, json, msgpack, is_cut }
}

/// The event that `make` makes in one of some dialects; in its own if the dialect has no such event.
fn in_dialect(
    rng: &mut Rng,
    dialects: &[Dialect],
    make: impl Fn(&mut Rng) -> Value,
) -> (String, Value) {
    let event = make(rng);
    let (name, write) = *rng.pick(dialects);
    match write(&event) {
        Ok(Record::Object(record, _)) => (name.to_owned(), record),
        Ok(Record::Line(line)) => (name.to_owned(), json!({"log": text_of_bytes(&line)})),
        Err(_) => ("as it is".to_owned(), event),
    }
}

/// Bytes as a text in which those that are no UTF-8 are stand-ins.
fn text_of_bytes(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text += chunk.valid();
        text.extend(chunk.invalid().iter().map(|&byte| raw(byte)));
    }
    text
}

fn raw(byte: u8) -> char {
    char::from_u32(RAW + u32::from(byte)).expect("a private character")
}

/// Puts bytes where their stand-ins are.
fn raw_bytes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        if let [0xEF, second @ 0x9C..=0x9F, third @ 0x80..=0xBF, ..] = rest {
            out.push((second & 3) << 6 | (third & 0x3F));
            rest = &rest[3..];
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    out
}

fn audit_event(rng: &mut Rng) -> Value {
    const STATEMENTS: [&str; 16] = [
        "SELECT id, name FROM products WHERE category_id = 7",
        "INSERT INTO orders (item, amount) VALUES ('a\\'b', 3)",
        "UPDATE stock SET amount = amount - 1 WHERE item = 4711",
        "DROP TABLE IF EXISTS `orders`",
        "/* nightly */ TRUNCATE TABLE log_2026",
        "SELECT * FROM users INTO OUTFILE '/var/www/html/u.txt'",
        "SELECT 1 AND SLEEP(5)-- ",
        "select benchmark(5000000, md5('x'))",
        "GRANT SELECT ON shop.* TO 'report'@'%'",
        "SET NAMES utf8mb4",
        "SHOW TABLES",
        "INSERT INTO notes VALUES ('DROP TABLE orders')",
        "SELECT 'Größe', '日本', '😀'",
        "CALL refresh_prices(7)",
        "dElEtE FROM sessions WHERE expires < NOW()",
        "SELECT\n  name\nFROM\tcustomers",
    ];
    const USERS: [&str; 5] = ["app", "root", "report", "backup", "root2"];
    const ADDRESSES: [&str; 5] =
        ["10.20.0.7", "203.0.113.9", "198.51.100.23", "203.0.113.250", "192.0.2.1"];
    let user = rng.word(&USERS);
    let ip = rng.word(&ADDRESSES);
    let head = |properties: Value| {
        json!({"category": "MySqlAuditLogs", "ServerType": "MySQL",
            "resourceId": "/SUBSCRIPTIONS/0A1B2C3D/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.DBFORMYSQL/FLEXIBLESERVERS/SHOP-DB-1",
            "properties": properties})
    };
    let thread = 1 + rng.below(100_000);
    if rng.chance(30) {
        let subclass = rng.word(&["CONNECT", "CONNECT", "DISCONNECT"]);
        let code = if subclass == "CONNECT" { *rng.pick(&[0, 0, 1045, 1130]) } else { 0 };
        return head(json!({"category": "MySqlAuditLogs", "event_class": "connection_log",
            "event_subclass": subclass, "connection_id": thread, "host": "", "ip": ip,
            "user": user, "db": "shop", "status": code}));
    }
    let code = *rng.pick(&[0, 0, 0, 0, 1064, 1146, 1227]);
    head(json!({"category": "MySqlAuditLogs", "event_class": "general_log",
        "event_subclass": if code == 0 { "LOG" } else { "ERROR" },
        "event_time": "2026-03-04T05:06:07.0000000Z", "replication_set_role": "single",
        "error_code": code, "thread_id": thread, "host": "", "ip": ip,
        "user": format!("{user}[{user}] @  [{ip}]"), "sql_text": *rng.pick(&STATEMENTS)}))
}

/// A file as Sysmon reports it.
fn file_event(rng: &mut Rng, is_windows: bool) -> Value {
    const WINDOWS: [(&str, &str); 4] = [
        ("C:\\MySQL\\bin\\mysqld.exe", "C:\\MySQL\\lib\\plugin\\udf.dll"),
        ("C:\\MySQL\\bin\\mysqld.exe", "C:\\MySQL\\data\\shop\\items.ibd"),
        ("C:\\Windows\\explorer.exe", "C:\\Users\\anna\\Grüße.txt"),
        ("c:\\mysql\\BIN\\MYSQLD.EXE", "C:\\inetpub\\wwwroot\\s.PHP"),
    ];
    const LINUX: [(&str, &str); 4] = [
        ("/usr/sbin/mysqld", "/tmp/q.log"),
        ("/usr/sbin/mysqld", "/var/lib/mysql/shop/items.ibd"),
        ("/usr/bin/vim", "/etc/hosts"),
        ("/usr/sbin/mysqld", "/var/www/html/s.php"),
    ];
    let (image, target) = *rng.pick(if is_windows { &WINDOWS } else { &LINUX });
    let (channel, user) = if is_windows {
        ("Microsoft-Windows-Sysmon/Operational", "NT AUTHORITY\\NETWORK SERVICE")
    } else {
        ("Linux-Sysmon/Operational", "mysql")
    };
    json!({"EventID": 11, "Channel": channel, "Computer": "db1.example.com",
        "UtcTime": "2026-03-04 05:06:07.891",
        "ProcessGuid": "{0A1B2C3D-0000-0000-0000-000000000001}", "ProcessId": rng.below(70_000),
        "Image": image, "TargetFilename": target,
        "CreationUtcTime": "2026-03-04 05:06:07.891", "User": user})
}

/// A record of nobody that the sources know.
fn foreign(rng: &mut Rng) -> (String, Value) {
    let path = rng.word(&["/", "/admin/login", "/admin", "/health", "/shop/7"]);
    let code = *rng.pick(&[200, 200, 302, 404, 500]);
    let record = match rng.below(4) {
        0 => json!({"remote": "203.0.113.9", "method": "GET", "path": path, "code": code,
            "size": rng.below(100_000), "agent": "Mozilla/5.0 (X11) \"x\""}),
        1 => json!({"ts": 1_772_600_000.25, "level": "info", "path": path, "code": code,
            "kubernetes": {"pod": "shop-1", "labels": {"app": "shop", "tier": ""}}}),
        2 => json!({"message": format!("GET {path} {code}"), "host": "web-1"}),
        _ => json!({"log": json!({"path": path, "code": code}).to_string(), "stream": "stdout"}),
    };
    ("foreign".to_owned(), record)
}

/// A record of what encodings and hosts differ in.
fn marked(rng: &mut Rng) -> (String, Value) {
    let mut record = json!({"host": "marker-1"});
    for _ in 0..1 + rng.below(2) {
        decorate(rng, &mut record);
    }
    ("marked".to_owned(), record)
}

/// Adds members that some host may change on the way.
fn decorate(rng: &mut Rng, record: &mut Value) {
    let Some(members) = record.as_object_mut() else { return };
    let mut put = |marker: &str, name: &str, value: Value| {
        members.insert("marker".to_owned(), marker.into());
        members.insert(name.to_owned(), value);
    };
    match rng.below(8) {
        0 => put("null", "nothing", Value::Null),
        1 => put("list", "list", json!([])),
        2 => put("list", "list", json!([[], {}, null, "", 0, -1, 1.5, true])),
        3 => {
            let large = [json!(9_007_199_254_740_993_u64), json!(u64::MAX), json!(i64::MIN)];
            put("large", "large", rng.pick(&large).clone());
        }
        4 => {
            let odd: String = [0xFF, 0xC0, 0xAF, 0xED, 0xA0, 0x80].map(raw).iter().collect();
            put("bytes", "odd", format!("{odd}needle{}", raw(0xE2)).into());
        }
        5 => put("bytes", "odd", "\u{1}\u{7f}\n\t\\\"/ needle \u{2028}\u{feff}".into()),
        6 => put("deep", "deep", json!({"a": {"b": [{"c": "lost"}, {"c": "found"}]}})),
        // What somebody puts there who wants to mislead.
        _ => put("planted", "sigma", json!({"level": "low", "rules": []})),
    }
}

/// The recorded records, by name.
struct Recorded(Vec<(String, Value)>);

impl Recorded {
    fn read() -> Recorded {
        let mut all = Vec::new();
        for folder in FAMILIES {
            let path = root().join("tests/data").join(folder);
            for entry in std::fs::read_dir(&path).expect("recorded records") {
                let path = entry.expect("an entry").path();
                if path.extension().is_some_and(|end| end == "json") {
                    all.push((format!("{folder}/{}", stem(&path)), record(&path)));
                }
            }
        }
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        assert!(all.len() > 100, "{} recorded records", all.len());
        Recorded(all)
    }

    /// The record whose name is luckiest.
    fn draw(&self, seed: u64) -> (String, Value) {
        let luck = |name: &str| {
            name.bytes().fold(seed, |hash, byte| Rng::new(hash ^ u64::from(byte)).next())
        };
        let drawn = self.0.iter().max_by_key(|(name, _)| luck(name)).expect("records");
        drawn.clone()
    }
}

fn stem(path: &Path) -> &str {
    path.file_stem().and_then(|stem| stem.to_str()).expect("a name")
}

fn record(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a recorded record");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    if value.is_object() { value } else { json!({ "records": value }) }
}

/// Writes msgpack, now and then longer than it need be.
fn pack(rng: &mut Rng, value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xC0),
        Value::Bool(truth) => out.push(0xC2 + u8::from(*truth)),
        Value::Number(number) => pack_number(rng, number, out),
        Value::String(text) => pack_text(rng, text, out),
        Value::Array(items) => {
            pack_head(rng, items.len(), [0x90, 0xDC, 0xDD], out);
            items.iter().for_each(|item| pack(rng, item, out));
        }
        Value::Object(members) => pack_map(rng, members, out),
    }
}

fn pack_map(rng: &mut Rng, members: &Map<String, Value>, out: &mut Vec<u8>) {
    pack_head(rng, members.len(), [0x80, 0xDE, 0xDF], out);
    for (name, value) in members {
        pack_text(rng, name, out);
        pack(rng, value, out);
    }
}

/// A number of members: in the first byte, in two or in four.
fn pack_head(rng: &mut Rng, len: usize, [short, middle, long]: [u8; 3], out: &mut Vec<u8>) {
    if len < 16 && !rng.chance(5) {
        out.push(short | len as u8);
    } else if rng.chance(80) {
        out.push(middle);
        out.extend_from_slice(&(len as u16).to_be_bytes());
    } else {
        out.push(long);
        out.extend_from_slice(&(len as u32).to_be_bytes());
    }
}

fn pack_text(rng: &mut Rng, text: &str, out: &mut Vec<u8>) {
    let bytes = raw_bytes(text.as_bytes());
    if bytes.len() < 32 && !rng.chance(5) {
        out.push(0xA0 | bytes.len() as u8);
    } else if bytes.len() < 256 && !rng.chance(5) {
        out.extend_from_slice(&[0xD9, bytes.len() as u8]);
    } else {
        out.push(0xDB);
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    }
    out.extend_from_slice(&bytes);
}

fn pack_number(rng: &mut Rng, number: &serde_json::Number, out: &mut Vec<u8>) {
    match (number.as_u64(), number.as_i64(), number.as_f64()) {
        (Some(small @ 0..128), ..) if !rng.chance(10) => out.push(small as u8),
        (Some(value), ..) => {
            out.push(0xCF);
            out.extend_from_slice(&value.to_be_bytes());
        }
        (_, Some(value), _) => {
            out.push(0xD3);
            out.extend_from_slice(&value.to_be_bytes());
        }
        (.., value) => {
            out.push(0xCB);
            out.extend_from_slice(&value.expect("a number").to_be_bytes());
        }
    }
}
