//! What a server saw.

use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds to it.
    pub fn add(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Since the start, over all connections.
#[derive(Debug, Default)]
pub struct Counts {
    /// Connections accepted.
    pub connections: Count,
    /// Lines with something in them.
    pub lines: Count,
    /// Lines of which something matched.
    pub matched: Count,
    /// Matches of rules.
    pub hits: Count,
    /// Lines, and texts in them, that begin like JSON and cannot be read; matched as texts.
    pub malformed: Count,
    /// Lines too long or nested too deep.
    pub unexamined: Count,
    /// Events of no known source.
    pub unrouted: Count,
    /// Documents that a destination has for events, whether these match or not.
    pub normalized: Count,
    /// Events that the destination has no document for.
    pub unmapped: Count,
    /// Connections that were closed because of an error.
    pub broken: Count,
    /// Reloads that brought rules into force.
    pub reloads: Count,
    /// Reloads that did not.
    pub failed_reloads: Count,
}

impl Counts {
    /// As one object.
    pub fn json(&self, ruleset: &str) -> Value {
        json!({
            "connections": self.connections.get(),
            "lines": self.lines.get(),
            "matched": self.matched.get(),
            "hits": self.hits.get(),
            "malformed": self.malformed.get(),
            "unexamined": self.unexamined.get(),
            "unrouted": self.unrouted.get(),
            "normalized": self.normalized.get(),
            "unmapped": self.unmapped.get(),
            "broken_connections": self.broken.get(),
            "reloads": self.reloads.get(),
            "failed_reloads": self.failed_reloads.get(),
            "ruleset": ruleset,
        })
    }
}
