//! Clients: one that sends what it is told, as applications do, and MariaDB's own programs.

use std::path::PathBuf;
use std::process::Command;

use super::server::Server;
use super::{Output, program, run, succeed};

/// An account and its password.
#[derive(Clone, Copy)]
pub struct Account {
    pub user: &'static str,
    pub password: &'static str,
}

/// By the socket, with every right.
pub const ROOT: Account = Account { user: "root", password: "" };

/// What a client asks of the server.
#[derive(Clone)]
pub enum Ask {
    /// A statement as text.
    Text(String),
    /// A statement that is prepared on the server, and its values.
    Prepared(&'static str, &'static [&'static str]),
    /// Going on under another account.
    Become(Account),
    /// Another database.
    Database(&'static str),
    /// Several statements in one from here on.
    Several,
    /// Whether the server is there.
    Ping,
}

pub fn texts(statements: &[&str]) -> Vec<Ask> {
    statements.iter().map(|statement| Ask::Text((*statement).to_owned())).collect()
}

/// What came of a session.
pub struct Session {
    /// None: the login was refused.
    pub connection: Option<u64>,
    /// The error of each request, 0 where there was none.
    pub errors: Vec<u32>,
}

/// The client and the library of functions, compiled.
pub struct Programs {
    client: PathBuf,
    /// A shared library of user-defined functions.
    pub library: PathBuf,
}

impl Programs {
    /// Both by gcc, in the server's folder.
    pub fn build(server: &Server) -> Programs {
        let source = |name: &str| {
            std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/mariadb_support")
                .join(name)
        };
        let folder = server.path("tmp");
        let mut pkg_config = Command::new("pkg-config");
        let flags = succeed(pkg_config.args(["--cflags", "--libs", "libmariadb"]), b"", &folder);
        let strict = ["-O1", "-Wall", "-Wextra", "-Werror"];
        let client = server.path("client");
        let mut gcc = Command::new("gcc");
        gcc.args(strict).arg("-o").arg(&client).arg(source("client.c"));
        succeed(gcc.args(flags.split_whitespace()), b"", &folder);
        let library = server.path("functions.so");
        let mut gcc = Command::new("gcc");
        gcc.args(strict).args(["-s", "-shared", "-fPIC", "-nostdlib", "-Wl,-z,max-page-size=4096"]);
        succeed(gcc.arg("-o").arg(&library).arg(source("function.c")), b"", &folder);
        Programs { client, library }
    }

    /// One connection, one request after the other.
    pub fn session(
        &self,
        server: &Server,
        account: Account,
        database: &str,
        asks: &[Ask],
    ) -> Session {
        let mut input = Vec::new();
        for ask in asks {
            let (kind, text) = match ask {
                Ask::Text(sql) => ('Q', sql.clone()),
                Ask::Prepared(sql, values) => ('S', [&[*sql][..], values].concat().join("\u{1f}")),
                Ask::Become(other) => ('U', format!("{}\u{1f}{}", other.user, other.password)),
                Ask::Database(name) => ('D', (*name).to_owned()),
                Ask::Several => ('M', String::new()),
                Ask::Ping => ('P', String::new()),
            };
            input.push(kind as u8);
            input.extend_from_slice(text.as_bytes());
            input.push(0);
        }
        let place = match account.user {
            "root" => server.text("socket"),
            _ => "127.0.0.1".to_owned(),
        };
        let mut command = Command::new(&self.client);
        command.args([&place, &server.port.to_string(), account.user, account.password, database]);
        let out = succeed(&mut command, &input, &server.path("tmp"));
        let mut session = Session { connection: None, errors: Vec::new() };
        for line in out.lines() {
            let number = |text: &str| text.parse::<u64>().expect("a number");
            match line.split_once(' ') {
                Some(("id", id)) => session.connection = Some(number(id)),
                Some(("error", error)) => session.errors.push(number(error) as u32),
                Some(("refused", _)) => {}
                None if line == "ok" => session.errors.push(0),
                _ => panic!("the client says {line}"),
            }
        }
        let expected = if session.connection.is_some() { asks.len() } else { 0 };
        assert_eq!(session.errors.len(), expected, "{out}");
        session
    }
}

/// A program of MariaDB's, under an account.
pub fn tool(
    server: &Server,
    account: Account,
    name: &str,
    arguments: &[&str],
    input: &[u8],
) -> Output {
    let mut command = Command::new(program(name).expect("installed with the server"));
    command.arg("--no-defaults").arg(format!("--user={}", account.user));
    match account.user {
        "root" => command.arg(format!("--socket={}", server.text("socket"))),
        _ => command.args(["--host=127.0.0.1", &format!("--port={}", server.port)]),
    };
    command.args(arguments).env("MYSQL_PWD", account.password);
    run(&mut command, input, &server.path("tmp"))
}
