//! Lines of MariaDB's audit plug-in.

use super::{Dialect, Reason, Record};
use serde_json::{Value, json};

/// Where such a line may stand.
pub const DIALECTS: [Dialect; 9] = [
    ("MariaDB line in log", |event| Ok(Record::Line(line(event)?))),
    ("MariaDB line in message", |event| {
        let text = String::from_utf8(line(event)?).expect("the events are UTF-8");
        Ok(Record::Object(json!({"message": text, "file": "server_audit.log"}), 0))
    }),
    ("MariaDB line of syslog", |event| {
        let line = format!("<14>Mar  4 05:06:07 mysql-server_auditing: shop {}\n", message(event)?);
        Ok(Record::Line(line.into_bytes()))
    }),
    ("MariaDB line of syslog in a file", |event| {
        let line = format!("Mar  4 05:06:07 db-1 mysql-server_auditing[17]:  {}", message(event)?);
        Ok(Record::Line(line.into_bytes()))
    }),
    ("MariaDB, syslog parsed", |event| {
        let record = json!({"pri": "14", "ident": "mysql-server_auditing",
            "message": format!("shop prod {}", message(event)?)});
        Ok(Record::Object(record, 0))
    }),
    ("MariaDB in the journal", |event| {
        let record = json!({"SYSLOG_IDENTIFIER": "mysql-server_auditing", "_COMM": "mariadbd",
            "MESSAGE": format!(" {}", message(event)?)});
        Ok(Record::Object(record, 0))
    }),
    ("MariaDB 12, a port and another time", |event| {
        let text = String::from_utf8(line(event)?).expect("the events are UTF-8");
        let mut columns: Vec<&str> = text.splitn(5, ',').collect();
        columns[0] = "2026-03-04T05:06:07";
        let host = format!("{}:51022", columns[3]);
        if !columns[3].is_empty() {
            columns[3] = &host;
        }
        Ok(Record::Line(columns.join(",").into_bytes()))
    }),
    ("RDS, a kind of connection", |event| {
        let mut text = String::from_utf8(line(event)?).expect("the events are UTF-8");
        if text.contains("CONNECT,") {
            text.push_str(",TCP/IP");
        }
        Ok(Record::Line(text.into_bytes()))
    }),
    ("Aurora", |event| {
        let text = String::from_utf8(line(event)?).expect("the events are UTF-8");
        let rest = text.split_once(',').expect("a comma").1;
        Ok(Record::Line(format!("1772600767123456,{rest}").into_bytes()))
    }),
];

/// The line without its time, as it goes to syslog.
fn message(event: &Value) -> Result<String, Reason> {
    let text = String::from_utf8(line(event)?).expect("the events are UTF-8");
    Ok(text.split_once(',').expect("a comma").1.to_owned())
}

/// The plug-in's default for the longest statement.
const LIMIT: usize = 1024;

/// The event as the plug-in writes it.
pub fn line(event: &Value) -> Result<Vec<u8>, Reason> {
    let of = &event["properties"];
    let text = |name: &str| of[name].as_str().unwrap_or_default();
    let number = |name: &str| match &of[name] {
        Value::Number(number) => number.as_u64(),
        Value::String(digits) => digits.parse().ok(),
        _ => None,
    };
    match (text("event_class"), text("event_subclass")) {
        ("general_log", "LOG" | "ERROR") => {
            let account = text("user");
            let user = account.split('[').next().unwrap_or_default();
            let sql = escaped(text("sql_text"));
            if sql.len() >= LIMIT && text("sql_text").len() < 2048 {
                return Err(Reason::OtherLimit);
            }
            let sql = &sql[..sql.len().min(LIMIT)];
            let code = number("error_code").unwrap_or(0);
            let db = of["db"].as_str().unwrap_or("shop");
            Ok(row(user, text("ip"), 12, "QUERY", db, &format!("'{sql}',{code}")))
        }
        ("connection_log", "CONNECT") => {
            let code = number("status").unwrap_or(0);
            let operation = if code == 0 { "CONNECT" } else { "FAILED_CONNECT" };
            Ok(row(text("user"), text("ip"), 0, operation, text("db"), &format!(",{code}")))
        }
        ("connection_log", "DISCONNECT") => {
            Ok(row(text("user"), text("ip"), 0, "DISCONNECT", text("db"), ",0"))
        }
        // Neither the account before nor the one after.
        ("connection_log", "CHANGE USER") => Ok(row("", "", 0, "CHANGEUSER", "", ",0")),
        ("table_access_log", "READ") => {
            let object = format!("{},", text("table"));
            Ok(row("app", "198.51.100.23", 12, "READ", text("db"), &object))
        }
        ("table_access_log", "INSERT" | "UPDATE" | "DELETE") => Err(Reason::RowsWithoutStatement),
        _ => Err(Reason::NoSuchEvent),
    }
}

fn row(user: &str, ip: &str, query: u32, operation: &str, db: &str, rest: &str) -> Vec<u8> {
    // A change of account has no host, a socket has this one.
    let host = match (operation, ip) {
        ("CHANGEUSER", _) => "",
        (_, "") => "localhost",
        (_, ip) => ip,
    };
    format!("20260304 05:06:07,shop-db-1,{user},{host},4711,{query},{operation},{db},{rest}")
        .into_bytes()
}

/// What the plug-in escapes within the quotes.
pub fn escaped(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    for letter in sql.chars() {
        match letter {
            '\'' => out.push_str("\\'"),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            other => out.push(other),
        }
    }
    out
}

#[test]
fn lines_are_escaped_as_the_plug_in_does() {
    let event = json!({"properties": {"event_class": "general_log", "event_subclass": "LOG",
        "user": "app[app] @  [192.0.2.4]", "ip": "192.0.2.4", "error_code": 1064,
        "sql_text": "SELECT 'a\\b',\n\t\"c\""}});
    let line = String::from_utf8(line(&event).expect("a line")).expect("UTF-8");
    assert_eq!(
        line,
        r#"20260304 05:06:07,shop-db-1,app,192.0.2.4,4711,12,QUERY,shop,'SELECT \'a\\b\',\n\t"c"',1064"#
    );
}
