//! Events and rules that the benches share; each uses a part of them.
#![allow(dead_code)]

#[path = "../../tests/generator/azure/mod.rs"]
pub mod azure;
pub mod clones;
pub mod foreign;
pub mod listed;
#[path = "../../tests/generator/rng.rs"]
pub mod rng;

use serde_json::{Value, json};
use sigmatag::compile::{Options, compile};
use sigmatag::rule::ast::{Collection, Placeholders};
use sigmatag::rule::descriptor::{built_in, destinations};
use sigmatag::rule::load::load_paths;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The project's folder: of the crate that is being built, or of the one that it lies in.
pub fn root() -> &'static Path {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    folders.find(|folder| folder.join("rules/mysql").is_dir()).expect("a folder of the project")
}

/// The unpacked corpus.
pub struct Corpus {
    folder: PathBuf,
}

impl Corpus {
    /// The corpus that `SIGMATAG_CORPUS` names.
    pub fn open() -> Option<Corpus> {
        let folder = PathBuf::from(std::env::var_os("SIGMATAG_CORPUS")?);
        folder.join("rules.d").is_dir().then_some(Corpus { folder })
    }

    /// Where SigmaHQ's rules are.
    pub fn rules_folder(&self) -> PathBuf {
        self.folder.join("rules.d")
    }

    /// All rules that load.
    pub fn rules(&self) -> Collection {
        load_paths(&[self.rules_folder()], &Placeholders::new()).collection
    }

    /// Audit records of Azure Database for MySQL.
    pub fn azure_records(&self) -> Vec<Value> {
        self.lines("azure_mysql_20k.jsonl.gz")
    }

    /// The Windows events.
    pub fn windows_events(&self) -> Vec<Value> {
        self.lines("windows_events_5k.jsonl.gz")
    }

    fn lines(&self, name: &str) -> Vec<Value> {
        let output = Command::new("gzip")
            .arg("-dc")
            .arg(self.folder.join(name))
            .output()
            .expect("gzip unpacks the corpus");
        let text = String::from_utf8(output.stdout).expect("the corpus is UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }
}

/// The compiled rules of `rules/mysql`.
pub fn pack() -> Vec<u8> {
    let loaded = load_paths(&[root().join("rules/mysql")], &Placeholders::new());
    let options =
        Options { sources: built_in(), destinations: destinations(), ..Options::default() };
    compile(&loaded.collection, &options).expect("the pack compiles").bytes
}

/// An audit record of Azure Database for MySQL of about 500 bytes that matches no rule.
pub fn azure_record() -> Value {
    json!({
        "LogicalServerName": "shop01",
        "SubscriptionId": "8d6b1c04-7a36-4a55-b1c2-0f6a7f7f2a11",
        "ResourceGroup": "shop",
        "time": "2026-03-05T12:46:45Z",
        "resourceId": "/SUBSCRIPTIONS/8D6B1C04-7A36-4A55-B1C2-0F6A7F7F2A11/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.DBFORMYSQL/SERVERS/SHOP01",
        "category": "MySqlAuditLogs",
        "operationName": "LogEvent",
        "properties": {
            "event_class": "general_log",
            "event_subclass": "LOG",
            "event_time": "2026-03-05T12:46:44Z",
            "error_code": 0,
            "thread_id": 7304732,
            "host": "",
            "ip": "10.20.0.7",
            "user": "shop[shop] @  [10.20.0.7]",
            "sql_text": "SELECT id, name, price FROM products WHERE category_id = 7 LIMIT 20"
        }
    })
}

/// A line of MariaDB's audit log as a tail input gives it.
pub fn mariadb_record() -> Value {
    let line = "20261122 09:15:02,shop-db-1,app,203.0.113.9,41,907,QUERY,shop,\
                'SELECT id, name, price FROM products WHERE category_id = 7 LIMIT 20',0";
    json!({ "log": line, "file": "/var/lib/mysql/server_audit.log" })
}

/// A statement as Percona Server's audit_log writes it in the format that it calls OLD.
pub fn percona_record() -> Value {
    let text = "<AUDIT_RECORD\n  NAME=\"Query\"\n  RECORD=\"31_2026-11-22T09:00:00\"\n  \
        TIMESTAMP=\"2026-11-22T09:15:02 UTC\"\n  COMMAND_CLASS=\"select\"\n  CONNECTION_ID=\"41\"\n  \
        STATUS=\"0\"\n  SQLTEXT=\"SELECT id, name, price FROM products WHERE category_id = 7 LIMIT 20\"\n  \
        USER=\"app[app] @  [203.0.113.9]\"\n  HOST=\"\"\n  OS_USER=\"\"\n  IP=\"203.0.113.9\"\n  DB=\"shop\"\n/>";
    json!({ "log": text, "file": "/var/lib/mysql/audit.log" })
}

/// A new file as Sysmon for Linux writes it to syslog.
pub fn sysmon_line() -> Value {
    let data = "<Data Name=\"RuleName\">-</Data><Data Name=\"UtcTime\">2026-11-22 09:15:02.881</Data>\
        <Data Name=\"ProcessGuid\">{7d1a2b60-51f0-6720-3a01-000000000b00}</Data>\
        <Data Name=\"ProcessId\">812</Data><Data Name=\"Image\">/usr/sbin/mysqld</Data>\
        <Data Name=\"TargetFilename\">/var/lib/mysql/shop/items.ibd</Data>\
        <Data Name=\"CreationUtcTime\">2026-11-22 09:15:02.881</Data><Data Name=\"User\">mysql</Data>";
    let line = format!(
        "Nov 22 09:15:02 shop-db-1 sysmon: <Event><System><Provider Name=\"Linux-Sysmon\" \
         Guid=\"{{ff032593-a8d3-4f13-b0d6-01fc615a0f97}}\"/><EventID>11</EventID><Version>2</Version>\
         <Level>4</Level><Task>11</Task><Opcode>0</Opcode><Keywords>0x8000000000000000</Keywords>\
         <TimeCreated SystemTime=\"2026-11-22T09:15:02.883154Z\"/><EventRecordID>70411</EventRecordID>\
         <Correlation/><Execution ProcessID=\"700\" ThreadID=\"700\"/>\
         <Channel>Linux-Sysmon/Operational</Channel><Computer>shop-db-1</Computer>\
         <Security UserId=\"0\"/></System><EventData>{data}</EventData></Event>"
    );
    json!({ "log": line, "file": "/var/log/syslog" })
}

/// A JSON value as msgpack.
pub fn to_msgpack(value: &Value) -> Vec<u8> {
    fn convert(value: &Value) -> rmpv::Value {
        match value {
            Value::Null => rmpv::Value::Nil,
            Value::Bool(b) => (*b).into(),
            Value::Number(n) => match (n.as_i64(), n.as_u64()) {
                (Some(i), _) => i.into(),
                (_, Some(u)) => u.into(),
                _ => n.as_f64().unwrap_or_default().into(),
            },
            Value::String(s) => s.as_str().into(),
            Value::Array(a) => rmpv::Value::Array(a.iter().map(convert).collect()),
            Value::Object(o) => {
                rmpv::Value::Map(o.iter().map(|(k, v)| (k.as_str().into(), convert(v))).collect())
            }
        }
    }
    let mut out = Vec::new();
    rmpv::encode::write_value(&mut out, &convert(value)).expect("writing to memory");
    out
}
