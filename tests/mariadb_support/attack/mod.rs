//! The attack, step by step, with what each step must be found by.

mod aftermath;
mod entry;
mod files;

use super::client::{Account, Ask, Programs, texts};
use super::server::Server;
use super::traffic::APP;

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

/// Does it all; the last step ends the log.
pub fn attack(server: &Server, programs: &Programs) -> Vec<Done> {
    let steps = [
        entry::injection(),
        entry::looking(),
        files::files(server),
        files::functions(server, &programs.library),
        files::logs(server),
        aftermath::staying(),
        aftermath::destruction(),
        aftermath::tampering(server),
    ];
    let do_it = |step: Step| {
        let session = programs.session(server, step.account, step.database, &step.asks);
        let connection = session.connection.unwrap_or_else(|| panic!("{}: refused", step.name));
        assert_eq!(session.errors, step.errors, "{}: what the server said", step.name);
        Done { step, connection }
    };
    steps.into_iter().flatten().map(do_it).collect()
}
