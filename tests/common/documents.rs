//! What hosts with `normalize` have to make of some records: what the command makes of them.

use super::run;
use std::process::Command;

/// The destinations that come with sigmatag.
pub const DESTINATIONS: [&str; 3] = ["sekoia", "ecs", "asim"];

/// Records of Azure Database for MySQL, one a line. The first matches rules of the built-in pack, and so does
/// the last event of the envelope. No document is for the third.
pub const RECORDS: &str = concat!(
    r#"{"LogicalServerName":"shop-db-1","ResourceGroup":"shop","time":"2026-03-04T05:06:07Z","#,
    r#""category":"MySqlAuditLogs","properties":{"event_class":"general_log","event_subclass":"LOG","#,
    r#""connection_id":7304735,"error_code":0,"ip":"198.51.100.23","user":"app[app] @  [198.51.100.23]","#,
    r#""sql_text":"DROP TABLE orders"}}"#,
    "\n",
    r#"{"LogicalServerName":"shop-db-1","time":"2026-03-04T05:06:08Z","category":"MySqlAuditLogs","#,
    r#""properties":{"event_class":"general_log","event_subclass":"LOG","connection_id":7304736,"host":"","#,
    r#""ip":"10.0.0.9","user":"app","db":"shop","sql_text":"SELECT 1"}}"#,
    "\n",
    r#"{"message":"GET / 200","n":[1,-70000,1.5]}"#,
    "\n",
    r#"{"records":[{"LogicalServerName":"shop-db-1","category":"MySqlAuditLogs","properties":"#,
    r#"{"event_class":"general_log","event_subclass":"LOG","error_code":0,"ip":"203.0.113.9","user":"app","#,
    r#""sql_text":"SELECT 'Größe', \"]}\""}},{"LogicalServerName":"shop-db-1","category":"MySqlAuditLogs","#,
    r#""properties":{"event_class":"general_log","event_subclass":"LOG","error_code":0,"ip":"203.0.113.9","#,
    r#""user":"app","sql_text":"SELECT LOAD_FILE('/etc/passwd')"}}]}"#,
    "\n",
);

/// A line of MariaDB's audit log that matches.
pub const MARIADB: &str = r#"20260304 05:06:09,shop-db-2,app,203.0.113.9,41,911,QUERY,shop,'SELECT LOAD_FILE("/etc/passwd")',0"#;

/// What `sigmatag tag --normalize` writes for some lines with the built-in pack.
pub fn by_the_command(destination: &str, lines: &str) -> String {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), lines).expect("write");
    let mut command = Command::new(env!("CARGO_BIN_EXE_sigmatag"));
    let output = run(command.args(["tag", "--normalize", destination]).arg(file.path()));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Those of its lines that have a tag.
pub fn matching(lines: &str) -> Vec<&str> {
    let found: Vec<&str> = lines.lines().filter(|line| line.contains(r#""sigma":{"#)).collect();
    assert!(!found.is_empty(), "nothing matches: {lines}");
    found
}
