//! Events of files and processes as agents and products write them. The events beside the rules are
//! those of Sysmon with all fields at the top level.

use super::{Dialect, Reason, Record};
use serde_json::{Value, json};

/// What writes events of Windows only.
pub const WINDOWS: [Dialect; 9] = [
    ("winevtlog, values without names", |event| object(winevtlog(event))),
    ("winevtlog, values with names", |event| object(winevtlog_map(event))),
    ("Winlogbeat", |event| object(winlogbeat(event))),
    ("Winlogbeat's module for Sysmon", |event| object(winlogbeat_module(event))),
    ("winevtlog as XML", |event| object(json!({"System": xml(event), "Message": "File created:"}))),
    ("winevtlog as XML, text in log", |event| {
        object(json!({"log": json!({"System": xml(event)}).to_string()}))
    }),
    ("XML in message", |event| object(json!({"message": format!("\n  {}\n", xml(event))}))),
    ("NXLog", |event| object(nxlog(event))),
    ("NXLog, text in message", |event| object(json!({"message": nxlog(event).to_string()}))),
];

/// What writes events of Linux only.
pub const LINUX: [Dialect; 7] = [
    ("Sysmon for Linux, values in an object", |event| object(sysmon_linux(event))),
    ("Sysmon for Linux, text in log", |event| object(json!({"log": event.to_string()}))),
    ("Sysmon for Linux, a line of syslog", |event| {
        let line = format!("Mar  4 05:06:07 shop-db-1 sysmon: {}", xml(event));
        Ok(Record::Line(line.into_bytes()))
    }),
    ("Sysmon for Linux, syslog parsed", |event| {
        object(json!({"ident": "sysmon", "message": xml(event)}))
    }),
    ("Sysmon for Linux, in the journal", |event| {
        object(json!({"SYSLOG_IDENTIFIER": "sysmon", "MESSAGE": xml(event)}))
    }),
    ("LAUREL", |event| object(laurel(event))),
    ("LAUREL, text in log", |event| object(json!({"log": laurel(event).to_string()}))),
];

/// What writes events of both.
pub const BOTH: [Dialect; 4] = [
    ("Elastic Defend", |event| object(ecs(event))),
    ("Defender, a row", |event| object(defender(event))),
    ("Defender, streamed", |event| {
        let record = json!({"time": "2026-03-04T05:06:08Z", "category": defender_table(event),
            "operationName": "Publish", "properties": defender(event)});
        object(json!({"records": [record]}))
    }),
    ("ASIM", |event| object(asim(event))),
];

/// The values of the events in the order of Sysmon's templates.
const FILE_CREATED: [&str; 8] = [
    "RuleName",
    "UtcTime",
    "ProcessGuid",
    "ProcessId",
    "Image",
    "TargetFilename",
    "CreationUtcTime",
    "User",
];
const PROCESS_CREATED: [&str; 23] = [
    "RuleName",
    "UtcTime",
    "ProcessGuid",
    "ProcessId",
    "Image",
    "FileVersion",
    "Description",
    "Product",
    "Company",
    "OriginalFileName",
    "CommandLine",
    "CurrentDirectory",
    "User",
    "LogonGuid",
    "LogonId",
    "TerminalSessionId",
    "IntegrityLevel",
    "Hashes",
    "ParentProcessGuid",
    "ParentProcessId",
    "ParentImage",
    "ParentCommandLine",
    "ParentUser",
];

fn object(record: Value) -> Result<Record, Reason> {
    Ok(Record::Object(record, 0))
}

fn is_process(event: &Value) -> bool {
    event["EventID"] == 1
}

fn is_linux(event: &Value) -> bool {
    event["Channel"] == "Linux-Sysmon/Operational"
}

fn template(event: &Value) -> &'static [&'static str] {
    if is_process(event) { &PROCESS_CREATED } else { &FILE_CREATED }
}

/// A value as text; what the event does not have is a dash, as Sysmon writes it.
fn text(event: &Value, name: &str) -> String {
    match &event[name] {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn head(event: &Value) -> Value {
    json!({"ProviderName": "Microsoft-Windows-Sysmon", "EventID": event["EventID"], "Version": 5,
        "Level": 4, "Channel": event["Channel"], "Computer": event["Computer"],
        "TimeCreated": "2026-03-04 05:06:07 +0000", "EventRecordID": 815})
}

fn winevtlog(event: &Value) -> Value {
    let mut record = head(event);
    let values: Vec<String> = template(event).iter().map(|name| text(event, name)).collect();
    record["StringInserts"] = json!(values);
    record
}

/// The values by name.
fn data(event: &Value) -> Value {
    template(event).iter().map(|name| ((*name).to_owned(), json!(text(event, name)))).collect()
}

fn winevtlog_map(event: &Value) -> Value {
    let mut record = head(event);
    record["EventData"] = data(event);
    record
}

fn winlogbeat(event: &Value) -> Value {
    json!({"@timestamp": "2026-03-04T05:06:07.891Z",
        "event": {"code": text(event, "EventID"), "kind": "event"},
        "winlog": {"channel": event["Channel"], "event_id": text(event, "EventID"),
            "provider_name": "Microsoft-Windows-Sysmon", "computer_name": event["Computer"],
            "event_data": data(event)}})
}

/// The module moves the values to fields of its schema.
fn winlogbeat_module(event: &Value) -> Value {
    let mut record = winlogbeat(event);
    record["event"]["module"] = json!("sysmon");
    record["winlog"]["event_data"] = json!({"RuleName": "-"});
    record["process"] = json!({"executable": event["Image"], "pid": event["ProcessId"]});
    record["user"] = json!({"name": event["User"]});
    if is_process(event) {
        record["process"]["command_line"] = event["CommandLine"].clone();
        record["process"]["parent"] = json!({"executable": event["ParentImage"],
            "command_line": event["ParentCommandLine"]});
    } else {
        record["file"] = json!({"path": event["TargetFilename"]});
    }
    record
}

fn nxlog(event: &Value) -> Value {
    let mut record = data(event);
    record["EventTime"] = json!("2026-03-04 05:06:07");
    record["Hostname"] = event["Computer"].clone();
    record["SourceName"] = json!("Microsoft-Windows-Sysmon");
    record["EventType"] = json!("INFO");
    record["EventID"] = event["EventID"].clone();
    record["Channel"] = event["Channel"].clone();
    record
}

fn sysmon_linux(event: &Value) -> Value {
    json!({"ProviderName": "Linux-Sysmon", "EventID": event["EventID"],
        "Channel": event["Channel"], "Computer": event["Computer"], "EventData": data(event)})
}

/// The event as Windows and Sysmon for Linux render it.
fn xml(event: &Value) -> String {
    let provider = if is_linux(event) { "Linux-Sysmon" } else { "Microsoft-Windows-Sysmon" };
    let data: String = template(event)
        .iter()
        .map(|name| {
            let value = super::percona::escaped(&text(event, name));
            format!("<Data Name='{name}'>{value}</Data>")
        })
        .collect();
    format!(
        "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
        <Provider Name='{provider}' Guid='{{5770385f-c22a-43e0-bf4c-06f5698ffbd9}}'/>\
        <EventID>{}</EventID><Version>2</Version><Level>4</Level><Keywords>0x8000000000000000</Keywords>\
        <TimeCreated SystemTime='2026-03-04T05:06:07.891Z'/><EventRecordID>815</EventRecordID>\
        <Correlation/><Execution ProcessID='3000' ThreadID='4000'/><Channel>{}</Channel>\
        <Computer>{}</Computer><Security UserID='S-1-5-18'/></System><EventData>{data}</EventData></Event>",
        event["EventID"],
        text(event, "Channel"),
        text(event, "Computer"),
    )
}

/// All records of an audit event in one object.
fn laurel(event: &Value) -> Value {
    let words =
        |name: &str| -> Vec<String> { text(event, name).split(' ').map(str::to_owned).collect() };
    let mut record = json!({"ID": "1772600767.891:4711", "NODE": event["Computer"],
        "SYSCALL": {"arch": "0xc000003e", "syscall": 59, "success": "yes", "exit": 0, "ppid": 812,
            "pid": 4242, "uid": 112, "exe": event["Image"], "UID": event["User"]},
        "CWD": {"cwd": "/var/lib/mysql"}});
    if is_process(event) {
        let words = words("CommandLine");
        record["EXECVE"] = json!({"argc": words.len(), "ARGV": words});
        record["PARENT_INFO"] = json!({"exe": event["ParentImage"], "ppid": 1,
            "ARGV": self::text(event, "ParentCommandLine").split(' ').collect::<Vec<_>>()});
    } else {
        let path = text(event, "TargetFilename");
        let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
        record["SYSCALL"]["syscall"] = json!(257);
        record["PATH"] = json!([{"item": 0, "name": format!("{folder}/"), "nametype": "PARENT"},
            {"item": 1, "name": path, "nametype": "CREATE"}]);
    }
    record
}

fn ecs(event: &Value) -> Value {
    let system = if is_linux(event) { "linux" } else { "windows" };
    let mut record = json!({"@timestamp": "2026-03-04T05:06:07.891Z",
        "host": {"name": event["Computer"], "os": {"type": system}},
        "process": {"executable": event["Image"], "pid": event["ProcessId"]},
        "user": {"name": event["User"]}});
    if is_process(event) {
        record["event"] = json!({"kind": "event", "category": ["process"], "type": ["start"]});
        record["process"]["command_line"] = event["CommandLine"].clone();
        record["process"]["parent"] = json!({"executable": event["ParentImage"],
            "command_line": event["ParentCommandLine"]});
    } else {
        record["event"] = json!({"kind": "event", "category": ["file"], "type": ["creation"],
            "action": "creation"});
        record["file"] = json!({"path": event["TargetFilename"]});
    }
    record
}

fn defender_table(event: &Value) -> &'static str {
    if is_process(event) {
        "AdvancedHunting-DeviceProcessEvents"
    } else {
        "AdvancedHunting-DeviceFileEvents"
    }
}

/// Paths of the process that did it are mostly in lower case.
fn defender(event: &Value) -> Value {
    let lower = |name: &str| text(event, name).to_ascii_lowercase();
    let mut row = json!({"Timestamp": "2026-03-04T05:06:07.891Z", "DeviceId": "0a1b2c3d",
        "DeviceName": event["Computer"], "InitiatingProcessAccountName": "mysql"});
    if is_process(event) {
        row["ActionType"] = json!("ProcessCreated");
        row["FolderPath"] = event["Image"].clone();
        row["ProcessCommandLine"] = event["CommandLine"].clone();
        row["InitiatingProcessFolderPath"] = json!(lower("ParentImage"));
        row["InitiatingProcessCommandLine"] = event["ParentCommandLine"].clone();
    } else {
        row["ActionType"] = json!("FileCreated");
        row["FolderPath"] = event["TargetFilename"].clone();
        row["InitiatingProcessFolderPath"] = json!(lower("Image"));
    }
    row
}

fn asim(event: &Value) -> Value {
    let system = if is_linux(event) { "Linux" } else { "Windows" };
    let mut row = json!({"TimeGenerated": "2026-03-04T05:06:07.891Z", "DvcOs": system,
        "DvcHostname": event["Computer"], "ActorUsername": event["User"]});
    if is_process(event) {
        row["EventSchema"] = json!("ProcessEvent");
        row["EventType"] = json!("ProcessCreated");
        row["TargetProcessName"] = event["Image"].clone();
        row["TargetProcessCommandLine"] = event["CommandLine"].clone();
        row["ActingProcessName"] = event["ParentImage"].clone();
        row["ActingProcessCommandLine"] = event["ParentCommandLine"].clone();
    } else {
        row["EventSchema"] = json!("FileEvent");
        row["EventType"] = json!("FileCreated");
        row["ActingProcessName"] = event["Image"].clone();
        row["TargetFilePath"] = event["TargetFilename"].clone();
        // The parser for Sysmon on Linux leaves it empty.
        row["TargetFileName"] = json!("");
    }
    row
}
