//! The same event as other products and pipelines write it.
//!
//! The events beside the rules have one shape: that of Azure's Flexible
//! Server for what a database does, and Sysmon's for files and processes. A dialect
//! is another one; it turns an event into a record of its own, or says why it cannot.

// Every test program compiles this folder and uses its own part of it.
#![allow(dead_code)]

pub mod audit;
pub mod azure;
pub mod cloud;
pub mod endpoint;
pub mod enterprise;
pub mod mariadb;
pub mod percona;

use serde_json::Value;

/// What a record of a dialect is.
pub enum Record {
    /// An object, and the index of the event in it.
    Object(Value, u32),
    /// One line of a log, which need not be UTF-8.
    Line(Vec<u8>),
}

/// Why a dialect has no such event. The texts are for the reader of a failing test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The event has a class or subclass that the product does not write: the test made it up to
    /// show that the rule looks at it.
    NoSuchEvent,
    /// Rows of tables say that a table was written to and not by which statement, and carry no
    /// statement.
    RowsWithoutStatement,
    /// The product cuts statements at another length.
    OtherLimit,
    /// The product does not log accesses to tables.
    NotLogged,
    /// The product cuts no statements.
    NoLimit,
}

/// The dialects of all servers and services.
pub fn audit() -> Vec<Dialect> {
    let own = azure::DIALECTS.into_iter().chain(mariadb::DIALECTS).chain(percona::DIALECTS);
    let cloud = cloud::ACTIVITY_STREAM.into_iter().chain(cloud::CLOUD_SQL);
    own.chain(enterprise::DIALECTS).chain(cloud).collect()
}

/// A dialect: its name and what turns an event into its record.
pub type Dialect = (&'static str, fn(&Value) -> Result<Record, Reason>);
