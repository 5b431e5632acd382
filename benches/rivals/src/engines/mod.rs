//! The engines, each behind the same interface.
//!
//! All of them get the bytes of one event and say which rules match; one thread, the system's
//! allocator. A variant says how an engine is configured.

mod rsigma;
mod sigma_rust;
mod sigmatag;

use crate::workload::{Event, Workload};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

pub use sigma_rust::detections;
pub use sigmatag::compiled;

/// The rules in a comparison by their ids, in lower case.
pub type Rules = Arc<BTreeMap<String, u32>>;

/// An engine that is ready.
pub trait Engine {
    /// Gets the events beforehand, if that is its configuration. Not part of any time.
    fn prepare(&mut self, _events: &[Event]) {}

    /// Matches one event: the number of rules.
    fn count(&mut self, index: usize, event: &Event) -> usize;

    /// Matches one event: the rules.
    fn matches(&mut self, index: usize, event: &Event) -> Vec<u32>;
}

/// From what an engine is made ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// Rule files.
    Yaml,
    /// What the engine wrote before: a `.sgt` file, a cache.
    Compiled,
}

/// An engine and how it is configured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    Sigmatag,
    Rsigma,
    RsigmaBloom,
    RsigmaCrossRule,
    RsigmaParsed,
    SigmaRust,
    SigmaRustParsed,
}

impl Variant {
    /// All, ours first.
    pub const ALL: [Variant; 7] = [
        Variant::Sigmatag,
        Variant::Rsigma,
        Variant::RsigmaBloom,
        Variant::RsigmaCrossRule,
        Variant::RsigmaParsed,
        Variant::SigmaRust,
        Variant::SigmaRustParsed,
    ];

    /// Its name in results and on the command line of children.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Sigmatag => "sigmatag",
            Variant::Rsigma => "rsigma",
            Variant::RsigmaBloom => "rsigma-bloom",
            Variant::RsigmaCrossRule => "rsigma-cross-rule",
            Variant::RsigmaParsed => "rsigma-parsed",
            Variant::SigmaRust => "sigma-rust",
            Variant::SigmaRustParsed => "sigma-rust-parsed",
        }
    }

    /// The crate.
    pub fn engine(self) -> &'static str {
        match self {
            Variant::Sigmatag => "sigmatag",
            Variant::Rsigma
            | Variant::RsigmaBloom
            | Variant::RsigmaCrossRule
            | Variant::RsigmaParsed => "rsigma-eval",
            Variant::SigmaRust | Variant::SigmaRustParsed => "sigma-rust",
        }
    }

    /// How it is configured.
    pub fn about(self) -> &'static str {
        match self {
            Variant::Sigmatag => "built-in sources compiled in, JSON bytes in",
            Variant::Rsigma => "defaults (candidate index on), serde_json and JsonEvent",
            Variant::RsigmaBloom => "as rsigma, set_bloom_prefilter(true)",
            Variant::RsigmaCrossRule => "as rsigma, daachorse-index, set_cross_rule_ac(true)",
            Variant::RsigmaParsed => "as rsigma, events parsed beforehand: not the whole work",
            Variant::SigmaRust => {
                "defaults, event_from_json, `|re|i` written as `(?i)`; it has no index, no routing"
            }
            Variant::SigmaRustParsed => "as sigma-rust, events parsed beforehand",
        }
    }

    /// Whether it can do what a workload asks for.
    pub fn can(self, workload: &Workload) -> bool {
        !workload.is_routed || self.engine() != "sigma-rust"
    }

    /// Whether there is anything to be read but rule files.
    pub fn has_compiled_form(self) -> bool {
        matches!(self, Variant::Sigmatag | Variant::Rsigma)
    }

    /// Whether times of loading and memory are of interest: the others load like these.
    pub fn is_loaded_alone(self) -> bool {
        !matches!(self, Variant::RsigmaParsed | Variant::SigmaRustParsed)
    }

    /// Makes the engine ready: the time from the files to the first event.
    pub fn load(self, path: &Path, from: From, rules: &Rules, is_routed: bool) -> Box<dyn Engine> {
        match self {
            Variant::Sigmatag => sigmatag::load(path, from, rules, is_routed),
            Variant::SigmaRust | Variant::SigmaRustParsed => sigma_rust::load(self, path, rules),
            _ => rsigma::load(self, path, from, rules, is_routed),
        }
    }
}

/// The ids of rules that each engine takes, and why it refuses the others.
pub struct Accepted {
    /// By engine: ids in lower case.
    pub ids: Vec<(&'static str, Vec<String>)>,
    /// Engine, rule, reason.
    pub refused: Vec<(&'static str, String, String)>,
}

/// Asks every engine.
pub fn accepted(rules: &Path) -> Accepted {
    let mut refused = Vec::new();
    let ids = vec![
        ("sigmatag", sigmatag::accepted(rules, &mut refused)),
        ("rsigma-eval", rsigma::accepted(rules, &mut refused)),
        ("sigma-rust", sigma_rust::accepted(rules, &mut refused)),
    ];
    Accepted { ids, refused }
}

/// The cache that rsigma writes.
pub fn rsigma_cache(rules: &Path, wanted: &Rules) -> Vec<u8> {
    rsigma::cache(rules, wanted)
}
