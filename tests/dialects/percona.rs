//! Records of Percona Server's audit_log plug-in.

use super::audit::{Audit, Kind, syslog};
use super::{Dialect, Reason, Record};
use serde_json::{Value, json};

/// Its formats, and where they may stand.
pub const DIALECTS: [Dialect; 9] = [
    ("Percona JSON", |event| object(record(event)?)),
    ("Percona JSON in log", |event| line(json_line(event)?)),
    ("Percona JSON in syslog", |event| line(syslog("percona-audit", &json_line(event)?))),
    ("Percona JSON, syslog parsed", |event| {
        object(json!({"ident": "percona-audit", "message": json_line(event)?}))
    }),
    ("Percona OLD", |event| line(old(event)?)),
    ("Percona NEW", |event| line(new(event)?)),
    ("Percona NEW, first of a file", |event| {
        line(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<AUDIT>\n{}\n", new(event)?))
    }),
    ("Percona CSV", |event| line(csv(event)?)),
    ("Percona CSV, in message", |event| object(json!({"message": csv(event)? + "\n"}))),
];

fn object(record: Value) -> Result<Record, Reason> {
    Ok(Record::Object(record, 0))
}

fn line(text: String) -> Result<Record, Reason> {
    Ok(Record::Line(text.into_bytes()))
}

const RECORD: &str = "815_2026-03-04T00:00:00";
const TIME: &str = "2026-03-04T05:06:07 UTC";

/// The members of the record in their order.
fn members(event: &Value) -> Result<Vec<(&'static str, Value)>, Reason> {
    let audit = Audit::read(event)?;
    let name = match audit.kind {
        Kind::Statement => "Query",
        Kind::Connect => "Connect",
        Kind::Disconnect => "Quit",
        Kind::ChangeUser => "Change user",
        Kind::Table => return Err(Reason::NotLogged),
    };
    let head = [("name", json!(name)), ("record", json!(RECORD)), ("timestamp", json!(TIME))];
    let (id, status) = (("connection_id", json!("4711")), ("status", json!(audit.code())));
    let where_from =
        [("host", json!(audit.host())), ("ip", json!(audit.text("ip"))), ("db", json!(audit.db()))];
    let [host, ip, db] = where_from;
    Ok(if audit.kind == Kind::Statement {
        let verb = audit.text("sql_text").split_whitespace().next().unwrap_or_default();
        let class = ("command_class", json!(verb.to_ascii_lowercase()));
        let text = ("sqltext", json!(audit.text("sql_text")));
        let user = ("user", json!(audit.account()));
        head.into_iter()
            .chain([class, id, status, text, user, host, ("os_user", json!("")), ip, db])
            .collect()
    } else {
        let user = ("user", json!(audit.user()));
        let account = ("priv_user", json!(audit.user()));
        let others = [("os_login", json!("")), ("proxy_user", json!(""))];
        head.into_iter()
            .chain([id, status, user, account])
            .chain(others)
            .chain([host, ip, db])
            .collect()
    })
}

fn record(event: &Value) -> Result<Value, Reason> {
    let members: serde_json::Map<String, Value> =
        members(event)?.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok(json!({"audit_record": members}))
}

/// The plug-in escapes slashes.
fn json_line(event: &Value) -> Result<String, Reason> {
    Ok(record(event)?.to_string().replace('/', "\\/"))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What XML needs, and control characters.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            control if control < ' ' => out.push_str(&format!("&#{};", u32::from(control))),
            other => out.push(other),
        }
    }
    out
}

fn old(event: &Value) -> Result<String, Reason> {
    let attribute = |(name, value): (&str, Value)| {
        format!("  {}=\"{}\"\n", name.to_ascii_uppercase(), escaped(&text(&value)))
    };
    let attributes: String = members(event)?.into_iter().map(attribute).collect();
    Ok(format!("<AUDIT_RECORD\n{attributes}/>"))
}

fn new(event: &Value) -> Result<String, Reason> {
    let element = |(name, value): (&str, Value)| {
        let name = name.to_ascii_uppercase();
        format!("  <{name}>{}</{name}>\n", escaped(&text(&value)))
    };
    let elements: String = members(event)?.into_iter().map(element).collect();
    Ok(format!("<AUDIT_RECORD>\n{elements}</AUDIT_RECORD>"))
}

fn csv(event: &Value) -> Result<String, Reason> {
    let cell = |(_, value): (&str, Value)| match value {
        Value::String(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        number => number.to_string(),
    };
    let cells: Vec<String> = members(event)?.into_iter().map(cell).collect();
    Ok(cells.join(","))
}
