//! From files to an engine that is ready, the files in the system's cache.

use crate::engines::{From, Rules, Variant, compiled, rsigma_cache};
use crate::workload::Workload;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Each is loaded so often, in turns.
const LOADS: usize = 5;

/// What engines and children read. Goes away with the value.
pub struct Files {
    folder: PathBuf,
    pub ids: PathBuf,
    pub events: PathBuf,
    sgt: PathBuf,
    cache: PathBuf,
    yaml: PathBuf,
}

impl Files {
    /// Writes them to a folder of this process.
    pub fn write(workload: &Workload, rules: &Rules) -> Files {
        let folder = std::env::temp_dir().join(format!("sigmatag-rivals-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for temporary files");
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            std::fs::write(&path, bytes).expect("a temporary file");
            path
        };
        let ids: Vec<&str> = rules.keys().map(String::as_str).collect();
        let mut events = Vec::new();
        for event in &workload.events {
            events.extend_from_slice(event.logsource.join("/").as_bytes());
            events.push(b'\t');
            events.extend_from_slice(&event.json);
            events.push(b'\n');
        }
        Files {
            ids: write("ids", ids.join("\n").as_bytes()),
            events: write("events", &events),
            sgt: write("rules.sgt", &compiled(&workload.rules, rules)),
            cache: write("rsigma.cache", &rsigma_cache(&workload.rules, rules)),
            yaml: workload.rules.clone(),
            folder,
        }
    }

    /// From what an engine loads.
    pub fn rules(&self, variant: Variant, from: From) -> &PathBuf {
        match (from, variant) {
            (From::Yaml, _) => &self.yaml,
            (From::Compiled, Variant::Sigmatag) => &self.sgt,
            (From::Compiled, _) => &self.cache,
        }
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // Files that stay behind in the temporary folder do no harm.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// How long an engine takes to be ready.
pub struct Loading {
    pub variant: Variant,
    pub from: From,
    /// Bytes of the compiled form.
    pub bytes: Option<u64>,
    /// Ascending.
    pub times: Vec<Duration>,
}

impl Loading {
    /// The time in the middle.
    pub fn median(&self) -> Duration {
        self.times[self.times.len() / 2]
    }
}

/// The ways in which the engines of a workload can be loaded.
pub fn ways(workload: &Workload) -> Vec<(Variant, From)> {
    let alone = crate::variants(workload).filter(|variant| variant.is_loaded_alone());
    alone
        .flat_map(|variant| {
            let compiled = variant.has_compiled_form().then_some((variant, From::Compiled));
            [Some((variant, From::Yaml)), compiled].into_iter().flatten()
        })
        .collect()
}

/// Loads each engine in turns.
pub fn measure(workload: &Workload, files: &Files, rules: &Rules) -> Vec<Loading> {
    let mut all: Vec<Loading> = ways(workload)
        .into_iter()
        .map(|(variant, from)| {
            let path = files.rules(variant, from);
            let size = std::fs::metadata(path).map(|found| found.len()).ok();
            let bytes = size.filter(|_| from == From::Compiled);
            Loading { variant, from, bytes, times: Vec::new() }
        })
        .collect();
    for _ in 0..LOADS {
        for loading in &mut all {
            let path = files.rules(loading.variant, loading.from);
            let start = Instant::now();
            let engine = loading.variant.load(path, loading.from, rules, workload.is_routed);
            loading.times.push(start.elapsed());
            drop(engine);
        }
    }
    for loading in &mut all {
        loading.times.sort_unstable();
    }
    all
}
