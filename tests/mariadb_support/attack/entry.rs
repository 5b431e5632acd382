//! The way in: injection by the shop's forms, and a look around with an administrator's password.

use super::{Step, step};
use crate::mariadb_support::client::Ask;
use crate::mariadb_support::traffic::{APP, DBA};

/// Statements that the shop sends for somebody who puts SQL into its forms.
pub fn injection() -> Vec<Step> {
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

/// Looking around with an administrator's password.
pub fn looking() -> Vec<Step> {
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
