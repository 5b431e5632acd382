//! Azure's own spellings of an audit event, and the wrappers that pipelines put around it.

use super::{Dialect, Reason, Record};
use serde_json::{Map, Value, json};

/// All of them.
pub const DIALECTS: [Dialect; 11] = [
    ("Single Server", |event| object(single(event))),
    ("Event Hubs envelope", |event| Ok(Record::Object(json!({"records": [ordinary(), event]}), 1))),
    ("text in message", |event| object(json!({"message": event.to_string(), "host": "collector"}))),
    ("text in log", |event| object(json!({"log": event.to_string(), "stream": "stdout"}))),
    ("object in log", |event| object(json!({"log": event}))),
    ("envelope as text in message", |event| {
        Ok(Record::Object(
            json!({"message": json!({"records": [ordinary(), event]}).to_string()}),
            1,
        ))
    }),
    ("properties as text", |event| object(text_properties(event))),
    ("escaped slashes in text", |event| {
        object(json!({"message": event.to_string().replace('/', "\\/")}))
    }),
    ("AzureDiagnostics", |event| object(diagnostics(event))),
    ("MySqlAuditLogs", |event| object(table_row(event))),
    ("MySqlAuditLogs in message", |event| object(json!({"message": table_row(event).to_string()}))),
];

fn object(record: Value) -> Result<Record, Reason> {
    Ok(Record::Object(record, 0))
}

/// An event that no rule matches.
fn ordinary() -> Value {
    json!({"category": "MySqlAuditLogs", "properties": {"event_class": "general_log",
        "event_subclass": "LOG", "error_code": 0, "sql_text": "SELECT 1"}})
}

fn properties(event: &Value) -> &Map<String, Value> {
    event["properties"].as_object().expect("properties")
}

/// The retired Single Server: the server's name and the time stand at the top.
fn single(event: &Value) -> Value {
    let mut own = properties(event).clone();
    own.remove("category");
    own.remove("replication_set_role");
    json!({
        "LogicalServerName": "shop-db-1",
        "SubscriptionId": "0a1b2c3d-1111-2222-3333-444455556666",
        "ResourceGroup": "shop-prod",
        "time": "2026-03-04T05:06:07Z",
        "resourceId": "/SUBSCRIPTIONS/0A1B2C3D-1111-2222-3333-444455556666/RESOURCEGROUPS/SHOP-PROD/PROVIDERS/MICROSOFT.DBFORMYSQL/SERVERS/SHOP-DB-1",
        "category": "MySqlAuditLogs",
        "operationName": "LogEvent",
        "properties": own,
    })
}

fn text_properties(event: &Value) -> Value {
    let mut record = event.clone();
    record["properties"] = Value::String(event["properties"].to_string());
    record
}

/// A row of AzureDiagnostics: every property is a column with the type in its name.
fn diagnostics(event: &Value) -> Value {
    let mut row = json!({
        "TimeGenerated": "2026-03-04T05:06:07Z",
        "Category": "MySqlAuditLogs",
        "ResourceProvider": "MICROSOFT.DBFORMYSQL",
        "Resource": "SHOP-DB-1",
        "Type": "AzureDiagnostics",
    });
    for (name, value) in properties(event) {
        let column = match name.as_str() {
            "category" => continue,
            "event_time" => "event_time_t".to_owned(),
            "error_code" | "status" | "thread_id" | "connection_id" => format!("{name}_d"),
            _ => format!("{name}_s"),
        };
        row[column] = value.clone();
    }
    row
}

/// A row of the table of its own.
fn table_row(event: &Value) -> Value {
    let mut row = json!({"TimeGenerated": "2026-03-04T05:06:07Z", "Type": "MySqlAuditLogs"});
    for (name, value) in properties(event) {
        let column = match name.as_str() {
            "category" => continue,
            "event_class" => "EventClass",
            "event_subclass" => "EventSubclass",
            "event_time" => "EventTime",
            "replication_set_role" => "ReplicationSetRole",
            "error_code" => "ErrorCode",
            "status" => "Status",
            "thread_id" => "ThreadId",
            "connection_id" => "ConnectionId",
            "host" => "Host",
            "ip" => "Ip",
            "user" => "User",
            "db" => "Db",
            "table" => "Table",
            "sql_text" => "SqlText",
            other => panic!("no column for `{other}`"),
        };
        row[column] = value.clone();
    }
    row
}
