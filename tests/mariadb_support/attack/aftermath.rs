//! What comes after: ways back in, destruction, and the end of the audit log.

use super::{Step, step};
use crate::mariadb_support::client::{Account, Ask};
use crate::mariadb_support::server::Server;
use crate::mariadb_support::traffic::{DBA, MONITOR};

/// Accounts, rights, and ways back in.
pub fn staying() -> Vec<Step> {
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
pub fn destruction() -> Vec<Step> {
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
pub fn tampering(server: &Server) -> Vec<Step> {
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
