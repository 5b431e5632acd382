//! Records of MySQL Enterprise Audit and of Percona's audit_log_filter.

use super::audit::{Audit, Kind};
use super::percona::escaped;
use super::{Dialect, Reason, Record};
use serde_json::{Value, json};

/// Their formats, and where they may stand.
pub const DIALECTS: [Dialect; 8] = [
    ("Enterprise JSON", |event| Ok(Record::Object(enterprise(event)?, 0))),
    ("Enterprise JSON, a line of the array", |event| {
        line(format!("{{ \"id\": 7, {},", &enterprise(event)?.to_string()[1..]))
    }),
    ("Enterprise JSON, the first line", |event| line(format!("[{},", enterprise(event)?))),
    ("Enterprise JSON, the last line", |event| line(format!("{} ]\n", enterprise(event)?))),
    ("Enterprise JSON, behind a comma", |event| line(format!(",\n{:#}", enterprise(event)?))),
    ("audit_log_filter JSON", |event| line(format!("{:#},", filter(event)?))),
    ("Enterprise NEW", |event| line(new(event)?)),
    ("Enterprise OLD", |event| line(old(event)?)),
];

fn line(text: String) -> Result<Record, Reason> {
    Ok(Record::Line(text.into_bytes()))
}

fn enterprise(event: &Value) -> Result<Value, Reason> {
    let audit = Audit::read(event)?;
    json_record(&audit, audit.user())
}

/// Percona's have the whole account where statements are logged.
fn filter(event: &Value) -> Result<Value, Reason> {
    let audit = Audit::read(event)?;
    let account = audit.account();
    json_record(&audit, if audit.kind == Kind::Statement { &account } else { audit.user() })
}

fn json_record(audit: &Audit<'_>, user: &str) -> Result<Value, Reason> {
    let text = |name: &str| audit.text(name);
    let (class, name, data, event) = match audit.kind {
        Kind::Statement => {
            let data = json!({"command": "Query", "sql_command": "select",
                "query": text("sql_text"), "status": audit.code()});
            ("general", "general_data", data, "status")
        }
        Kind::Table => {
            let data = json!({"db": audit.db(), "table": text("table"),
                "query": text("sql_text"), "sql_command": "select"});
            let event = match text("event_subclass") {
                "READ" => "read",
                "INSERT" => "insert",
                "UPDATE" => "update",
                _ => "delete",
            };
            ("table_access", "table_access_data", data, event)
        }
        kind => {
            let data = json!({"connection_type": "tcp/ip", "status": audit.code(),
                "db": audit.db(), "connection_attributes": {"_os": "Linux", "_pid": "4242"}});
            let event = match kind {
                Kind::Connect => "connect",
                Kind::Disconnect => "disconnect",
                _ => "change_user",
            };
            ("connection", "connection_data", data, event)
        }
    };
    let mut record = json!({"timestamp": "2026-03-04 05:06:07", "id": 3, "class": class,
        "event": event, "connection_id": 4711,
        "account": {"user": user, "host": audit.host()},
        "login": {"user": user, "os": "", "ip": text("ip"), "proxy": ""}});
    record[name] = data;
    Ok(record)
}

fn members(event: &Value) -> Result<Vec<(&'static str, String)>, Reason> {
    let audit = Audit::read(event)?;
    let text = |name: &str| audit.text(name).to_owned();
    let name = match (audit.kind, audit.text("event_subclass")) {
        (Kind::Statement, _) => "Query",
        (Kind::Connect, _) => "Connect",
        (Kind::Disconnect, _) => "Quit",
        (Kind::ChangeUser, _) => "Change user",
        (Kind::Table, "READ") => "TableRead",
        (Kind::Table, "INSERT") => "TableInsert",
        (Kind::Table, "UPDATE") => "TableUpdate",
        (Kind::Table, _) => "TableDelete",
    };
    let code = audit.code();
    let user =
        if audit.kind == Kind::Statement { audit.account() } else { audit.user().to_owned() };
    let mut members = vec![
        ("TIMESTAMP", "2026-03-04T05:06:07 UTC".to_owned()),
        ("RECORD_ID", "815_2026-03-04T00:00:00".to_owned()),
        ("NAME", name.to_owned()),
        ("CONNECTION_ID", "4711".to_owned()),
        ("STATUS", code.to_string()),
        ("STATUS_CODE", u8::from(code > 0).to_string()),
        ("USER", user),
        ("OS_LOGIN", String::new()),
        ("HOST", audit.host().to_owned()),
        ("IP", text("ip")),
        ("COMMAND_CLASS", "select".to_owned()),
    ];
    match audit.kind {
        Kind::Statement => members.push(("SQLTEXT", text("sql_text"))),
        Kind::Table => {
            members.push(("SQLTEXT", text("sql_text")));
            members.push(("DB", audit.db().to_owned()));
            members.push(("TABLE", text("table")));
        }
        _ => {
            members.push(("CONNECTION_TYPE", "TCP/IP".to_owned()));
            members.push(("PRIV_USER", audit.user().to_owned()));
            members.push(("DB", audit.db().to_owned()));
        }
    }
    Ok(members)
}

fn new(event: &Value) -> Result<String, Reason> {
    let element = |(name, value): (&str, String)| match &value[..] {
        "" => format!("  <{name}/>\n"),
        value => format!("  <{name}>{}</{name}>\n", escaped(value)),
    };
    let elements: String = members(event)?.into_iter().map(element).collect();
    // Attributes have names of their own, which are no names of records.
    let attributes = "  <CONNECTION_ATTRIBUTES><ATTRIBUTE><NAME>_pid</NAME><VALUE>42</VALUE>\
        </ATTRIBUTE></CONNECTION_ATTRIBUTES>\n";
    Ok(format!(" <AUDIT_RECORD>\n{elements}{attributes} </AUDIT_RECORD>\n"))
}

fn old(event: &Value) -> Result<String, Reason> {
    let attribute = |(name, value): (&str, String)| format!(" {name}=\"{}\"", escaped(&value));
    let attributes: String = members(event)?.into_iter().map(attribute).collect();
    Ok(format!("<AUDIT_RECORD{attributes}/>"))
}
