//! What an audit event beside a rule says, for those that write it in another dialect.

use super::Reason;
use serde_json::Value;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Statement,
    Connect,
    Disconnect,
    ChangeUser,
    /// A read, insert, update or delete.
    Table,
}

/// An event of Azure, read.
pub struct Audit<'e> {
    of: &'e Value,
    pub kind: Kind,
}

impl<'e> Audit<'e> {
    /// Reads an event; one that no server writes has no kind.
    pub fn read(event: &'e Value) -> Result<Audit<'e>, Reason> {
        let of = &event["properties"];
        let text = |name: &str| of[name].as_str().unwrap_or_default();
        let kind = match (text("event_class"), text("event_subclass")) {
            ("general_log", "LOG" | "ERROR") => Kind::Statement,
            ("connection_log", "CONNECT") => Kind::Connect,
            ("connection_log", "DISCONNECT") => Kind::Disconnect,
            ("connection_log", "CHANGE USER") => Kind::ChangeUser,
            ("table_access_log", "READ" | "INSERT" | "UPDATE" | "DELETE") => Kind::Table,
            _ => return Err(Reason::NoSuchEvent),
        };
        // What Azure cuts. Those that use this cut nothing, so the statement would be another.
        if text("sql_text").len() >= 2048 {
            return Err(Reason::NoLimit);
        }
        Ok(Audit { of, kind })
    }

    pub fn text(&self, name: &str) -> &'e str {
        self.of[name].as_str().unwrap_or_default()
    }

    /// The name of the account.
    pub fn user(&self) -> &'e str {
        self.text("user").split('[').next().unwrap_or_default()
    }

    /// `app[app] @ host [ip]`, as logs of statements have it.
    pub fn account(&self) -> String {
        format!("{0}[{0}] @ {1} [{2}]", self.user(), self.host(), self.text("ip"))
    }

    /// Where the client is: an address has no name.
    pub fn host(&self) -> &'static str {
        if self.text("ip").is_empty() { "localhost" } else { "" }
    }

    pub fn db(&self) -> &'e str {
        match self.of.get("db").and_then(Value::as_str) {
            Some(db) => db,
            None if self.kind == Kind::Statement => "shop",
            None => "",
        }
    }

    pub fn code(&self) -> u64 {
        let number = |value: &Value| match value {
            Value::String(digits) => digits.parse().ok(),
            value => value.as_u64(),
        };
        number(&self.of["error_code"]).or_else(|| number(&self.of["status"])).unwrap_or(0)
    }
}

/// A syslog line around a message.
pub fn syslog(ident: &str, message: &str) -> String {
    format!("<14>Mar  4 05:06:07 shop-db-1 {ident}: {message}")
}
