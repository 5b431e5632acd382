//! Audit events as Amazon's activity streams and Google's Cloud SQL write them.

use super::audit::{Audit, Kind};
use super::mariadb;
use super::{Dialect, Reason, Record};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Amazon's activity streams.
pub const ACTIVITY_STREAM: [Dialect; 4] = [
    ("activity stream", |event| Ok(Record::Object(stream(event, 0)?, 0))),
    ("activity stream behind a heartbeat", |event| {
        let mut record = stream(event, 1)?;
        record["databaseActivityEventList"]
            .as_array_mut()
            .expect("a list")
            .insert(0, json!({"type": "heartbeat"}));
        Ok(Record::Object(record, 1))
    }),
    ("activity stream as text in message", |event| {
        Ok(Record::Object(json!({"message": stream(event, 0)?.to_string()}), 0))
    }),
    ("activity stream, statement quoted twice", |event| Ok(Record::Object(stream(event, 2)?, 0))),
];

/// Google's Cloud SQL.
pub const CLOUD_SQL: [Dialect; 3] = [
    ("Cloud SQL", |event| Ok(Record::Object(entry(event)?, 0))),
    ("Cloud SQL as text in message", |event| {
        Ok(Record::Object(json!({"message": entry(event)?.to_string()}), 0))
    }),
    ("Cloud SQL, pushed by Pub/Sub", |event| {
        let data = STANDARD.encode(entry(event)?.to_string());
        let message = json!({"data": data, "messageId": "815", "attributes": {}});
        Ok(Record::Object(json!({"message": message, "subscription": "audit"}), 0))
    }),
];

/// A record of a stream. `quoted`: how often the statement is.
fn stream(event: &Value, quoted: usize) -> Result<Value, Reason> {
    let audit = Audit::read(event)?;
    let command = match audit.kind {
        Kind::Statement => "QUERY",
        Kind::Connect if audit.code() > 0 => "FAILED_CONNECT",
        Kind::Connect => "CONNECT",
        Kind::Disconnect => "DISCONNECT",
        Kind::ChangeUser => "CHANGEUSER",
        Kind::Table => return Err(Reason::NotLogged),
    };
    let mut text = audit.text("sql_text").to_owned();
    for _ in 0..quoted {
        text = mariadb::escaped(&text);
    }
    let host = match audit.text("ip") {
        "" => "localhost",
        ip => ip,
    };
    Ok(json!({"type": "DatabaseActivityMonitoringRecord", "clusterId": "cluster-SHOP",
        "instanceId": "db-SHOP1", "databaseActivityEventList": [{
            "logTime": "2026-03-04 05:06:07.267214+00", "type": "record",
            "clientApplication": null, "pid": 2830, "dbUserName": audit.user(),
            "databaseName": audit.db(), "remoteHost": host, "remotePort": "11053",
            "command": command, "commandText": text, "paramList": null, "objectType": "TABLE",
            "objectName": "", "statementId": 65464, "substatementId": 1,
            "exitCode": audit.code().to_string(), "sessionId": "4711", "rowCount": 0,
            "serverHost": "shop-db-1", "serverType": "MySQL",
            "serviceName": "Amazon Aurora MySQL", "serverVersion": "MySQL 8.0.39",
            "startTime": "2026-03-04 05:06:07.267207+00", "class": "MAIN"}]}))
}

/// An entry of Cloud Logging.
fn entry(event: &Value) -> Result<Value, Reason> {
    let audit = Audit::read(event)?;
    let command = match audit.kind {
        Kind::Statement => "select",
        Kind::Connect => "connect",
        Kind::Disconnect => "disconnect",
        Kind::ChangeUser => "change_user",
        Kind::Table => return Err(Reason::NotLogged),
    };
    let mut request = json!({
        "@type": "type.googleapis.com/google.cloud.sql.audit.v1.MysqlAuditEntry",
        "cmd": command, "date": "2026-03-04T05:06:07.595085Z", "ip": audit.text("ip"),
        "msgType": "activity", "privUser": audit.user(), "user": audit.user(),
        "queryId": "128150", "threadId": "4711", "status": "successful"});
    if audit.kind == Kind::Statement {
        request["query"] = json!(audit.text("sql_text"));
        let objects = json!([{"db": audit.db(), "name": "items", "objType": "TABLE"}]);
        request["objects"] = objects;
    }
    if audit.code() > 0 {
        request["status"] = json!("unsuccessful");
        request["errCode"] = json!(audit.code().to_string());
    }
    Ok(json!({"insertId": "2#1#cloudsql_mysql_audit#1#0-0@a1",
        "logName": "projects/shop/logs/cloudaudit.googleapis.com%2Fdata_access",
        "protoPayload": {"@type": "type.googleapis.com/google.cloud.audit.AuditLog",
            "methodName": "cloudsql.instances.query", "request": request,
            "resourceName": "instances/shop-db-1", "serviceName": "cloudsql.googleapis.com"},
        "resource": {"labels": {"database_id": "shop:shop-db-1", "project_id": "shop"},
            "type": "cloudsql_database"},
        "severity": "INFO", "timestamp": "2026-03-04T05:06:07.595085Z"}))
}
