//! Rules and events that several sections need.

use crate::common::azure::Traffic;
use crate::common::{self, Corpus};
use crate::events::Events;
use crate::measure::{Bounds, engine};
use serde_json::Value;
use sigmatag::compile::{Options, compile};
use sigmatag::engine::{Engine, Format, LogsourceMode, Scratch};
use sigmatag::rule::ast::{Collection, Placeholders};
use sigmatag::rule::descriptor::{built_in, destinations};
use sigmatag::rule::load::load_paths;
use std::path::PathBuf;

/// Seed of generated traffic.
pub const SEED: u64 = 20_260_305;

/// Rules as they were written and compiled, with all built-in sources.
pub struct Rules {
    /// Their name in tables.
    pub name: &'static str,
    pub collection: Collection,
    /// The compiled file's bytes,
    pub bytes: Vec<u8>,
    /// and the file.
    pub file: PathBuf,
    /// Where they were read.
    pub folder: PathBuf,
}

impl Rules {
    fn new(name: &'static str, folder: PathBuf, work: &std::path::Path) -> Result<Rules, String> {
        let collection = load_paths(std::slice::from_ref(&folder), &Placeholders::new()).collection;
        let bytes = compiled(&collection);
        let file = work.join(format!("{name}.sgt"));
        std::fs::write(&file, &bytes).map_err(|e| format!("{}: {e}", file.display()))?;
        Ok(Rules { name, collection, bytes, file, folder })
    }

    /// An engine of them.
    pub fn engine(&self, mode: LogsourceMode) -> Engine {
        engine(&self.bytes, mode)
    }
}

/// Rules as `sigmatag compile` compiles them.
pub fn compiled(collection: &Collection) -> Vec<u8> {
    let options =
        Options { sources: built_in(), destinations: destinations(), ..Options::default() };
    compile(collection, &options).expect("the rules compile").bytes
}

/// What needs the corpus.
pub struct SigmaHq {
    pub rules: Rules,
    /// Windows events.
    pub windows: Vec<Value>,
    /// Those of them that are process creations of Sysmon and match no rule.
    pub process_creation: Vec<Value>,
}

/// Everything that sections share.
pub struct Context {
    pub quick: bool,
    pub bounds: Bounds,
    /// For temporary files.
    pub work: PathBuf,
    pub pack: Rules,
    pub sigmahq: Option<SigmaHq>,
    /// Audit records of the corpus; generated ones without it.
    pub azure: Vec<Value>,
}

/// Why something of the corpus is left out.
pub const NO_CORPUS: &str = "set SIGMATAG_CORPUS to the unpacked corpus";

impl Context {
    /// Reads and compiles all.
    ///
    /// # Errors
    /// If files cannot be written.
    pub fn new(quick: bool, work: PathBuf) -> Result<Context, String> {
        let pack = Rules::new("pack", common::root().join("rules/mysql"), &work)?;
        let corpus = Corpus::open();
        let step = if quick { 50 } else { 1 };
        let some = |values: Vec<Value>| values.into_iter().step_by(step).collect::<Vec<_>>();
        let azure = match &corpus {
            Some(corpus) => some(corpus.azure_records()),
            None => some(generated(20_000)),
        };
        let sigmahq = match &corpus {
            Some(corpus) => {
                let rules = Rules::new("sigmahq", corpus.rules_folder(), &work)?;
                let windows = some(corpus.windows_events());
                let process_creation = without_match(&rules, &windows);
                Some(SigmaHq { rules, windows, process_creation })
            }
            None => None,
        };
        Ok(Context { quick, bounds: Bounds::new(quick), work, pack, sigmahq, azure })
    }

    /// What the Azure records are.
    pub fn azure_name(&self) -> &'static str {
        if self.sigmahq.is_some() { "Azure MySQL" } else { "Azure MySQL, generated" }
    }
}

/// Audit events of Azure Database for MySQL from the project's generator.
pub fn generated(count: usize) -> Vec<Value> {
    let mut traffic = Traffic::new(SEED);
    (0..count).map(|_| traffic.event().value).collect()
}

/// Process creations of Sysmon that match no rule.
fn without_match(rules: &Rules, windows: &[Value]) -> Vec<Value> {
    let engine = rules.engine(LogsourceMode::Auto);
    let mut scratch = Scratch::new(&engine);
    let mut is_quiet = |value: &Value| {
        let events = Events::new(Format::Msgpack, [value]);
        let event = events.iter().next().expect("one event");
        scratch.match_event(&engine, &event).is_ok_and(|found| found.hits == 0)
    };
    let process_creation = |value: &&Value| {
        value["EventID"] == 1 && value["Channel"] == "Microsoft-Windows-Sysmon/Operational"
    };
    windows.iter().filter(process_creation).filter(|value| is_quiet(value)).cloned().collect()
}
