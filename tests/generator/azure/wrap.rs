//! What pipelines make of events on their way to a log shipper.

use super::{Record, Traffic, properties};
use serde_json::{Value, json};

/// The next record.
pub fn record(traffic: &mut Traffic) -> Record {
    let form = traffic.rng.below(100);
    let first = traffic.event();
    let mut attacks = vec![first.attack];
    let value = match form {
        0..40 => first.value,
        40..55 => envelope(traffic, first.value, &mut attacks),
        55..67 => json!({"message": first.value.to_string(), "host": "collector-1"}),
        67..77 => json!({"log": first.value.to_string(), "stream": "stdout"}),
        77..80 => json!({"log": first.value}),
        80..85 => {
            json!({"message": envelope(traffic, first.value, &mut attacks).to_string()})
        }
        // Some producers escape slashes.
        85..88 => json!({"message": first.value.to_string().replace('/', "\\/")}),
        88..91 => text_properties(first.value),
        91..97 => table_row(&first.value),
        _ => diagnostics_row(&first.value),
    };
    Record { value, attacks }
}

fn envelope(traffic: &mut Traffic, first: Value, attacks: &mut Vec<Option<&'static str>>) -> Value {
    let mut records = vec![first];
    for _ in 0..traffic.rng.below(8) {
        let event = traffic.event();
        records.push(event.value);
        attacks.push(event.attack);
    }
    json!({ "records": records })
}

fn text_properties(mut event: Value) -> Value {
    event["properties"] = Value::String(event["properties"].to_string());
    event
}

/// A row of the resource-specific table.
fn table_row(event: &Value) -> Value {
    let mut row = json!({
        "TimeGenerated": "2026-03-05T06:00:00Z",
        "Type": event["category"],
        "_ResourceId": event["resourceId"].as_str().map(str::to_lowercase),
    });
    for (name, value) in properties(event) {
        if let Some(column) = column(name) {
            row[column] = value.clone();
        }
    }
    row
}

/// The column of a property, if the tables have one.
fn column(property: &str) -> Option<&'static str> {
    Some(match property {
        "event_class" => "EventClass",
        "event_subclass" => "EventSubclass",
        "event_time" => "EventTime",
        "start_time" => "StartTime",
        "replication_set_role" => "ReplicationSetRole",
        "error_code" => "ErrorCode",
        "status" => "Status",
        "thread_id" => "ThreadId",
        "connection_id" => "ConnectionId",
        "server_id" => "ServerId",
        "rows_sent" => "RowsSent",
        "rows_examined" => "RowsExamined",
        "last_insert_id" => "LastInsertId",
        "insert_id" => "InsertId",
        "host" => "Host",
        "ip" => "Ip",
        "user" => "User",
        "db" => "Db",
        "table" => "Table",
        "sql_text" => "SqlText",
        _ => return None,
    })
}

/// A row of AzureDiagnostics: every property is a column with its type in the name.
fn diagnostics_row(event: &Value) -> Value {
    let mut row = json!({
        "TimeGenerated": "2026-03-05T06:00:00Z",
        "Category": event["category"],
        "ResourceProvider": "MICROSOFT.DBFORMYSQL",
        "ResourceId": event["resourceId"],
        "Type": "AzureDiagnostics",
    });
    for (name, value) in properties(event) {
        let column = match name.as_str() {
            "category" => continue,
            "event_time" | "start_time" => format!("{name}_t"),
            _ if value.is_number() => format!("{name}_d"),
            _ => format!("{name}_s"),
        };
        row[column] = value.clone();
    }
    row
}
