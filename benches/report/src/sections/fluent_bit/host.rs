//! Runs of Fluent Bit over a file, each to its end, with the processor time that it took.

use crate::common::root;
use crate::context::Context;
use crate::tools::{run as run_program, target};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// No run takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// A Fluent Bit and the filter.
pub struct Host {
    program: PathBuf,
    /// What it calls itself.
    pub version: String,
    filter: PathBuf,
    /// A folder in memory if there is one, else on disk. Goes away with the value.
    folder: PathBuf,
}

/// A file of records.
pub struct Input {
    pub path: PathBuf,
    pub records: usize,
}

/// A configuration.
pub struct Run {
    config: PathBuf,
    log: PathBuf,
    /// What the log says if our filter runs; each of the others is there without a word.
    says: Option<&'static str>,
}

/// What our filter, and our script, say when they start.
const OURS: [(&str, &str); 2] =
    [("Name sigmatag", "[filter:sigmatag"), ("Call sigmatag", "[filter:lua:sigmatag] rules from")];

/// Seconds of processor time.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub user: f64,
    pub system: f64,
}

impl Host {
    /// The Fluent Bit that `FLUENT_BIT` names, an installed one, or 1.8.15, built if need be.
    ///
    /// # Errors
    /// If there is none and it cannot be built.
    pub fn find(context: &Context, filter: PathBuf) -> Result<Host, String> {
        let installed = || {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let folders = std::env::split_paths(&path).chain(["/opt/fluent-bit/bin".into()]);
            folders.map(|folder| folder.join("fluent-bit")).find(|file| file.is_file())
        };
        let named = std::env::var_os("FLUENT_BIT").map(PathBuf::from);
        let program = match named.or_else(installed) {
            Some(program) => program,
            None => {
                let script = root().join("scripts/fluent-bit-from-npm.sh");
                let mut command = Command::new(script);
                run_program(command.arg(target()).env_remove("MAKEFLAGS"))?.trim().into()
            }
        };
        let printed = run_program(Command::new(&program).arg("--version"))?;
        let version = printed.lines().next().unwrap_or_default().trim().to_owned();
        let shared = Path::new("/dev/shm");
        let parent = if shared.is_dir() { shared } else { context.work.as_path() };
        let folder = parent.join(format!("sigmatag-report-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        Ok(Host { program, version, filter, folder })
    }

    /// Records over and over, up to a size, as lines.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn input(&self, name: &str, values: &[Value], size: usize) -> Result<Input, String> {
        let lines: Vec<String> = values.iter().map(|value| format!("{value}\n")).collect();
        let (mut bytes, mut records) = (Vec::with_capacity(size + 4096), 0);
        for line in lines.iter().cycle() {
            if bytes.len() >= size {
                break;
            }
            bytes.extend_from_slice(line.as_bytes());
            records += 1;
        }
        let path = self.write(&format!("{name}.jsonl"), &bytes)?;
        Ok(Input { path, records })
    }

    /// A configuration with one filter, or none.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn configure(
        &self,
        case: &str,
        name: &str,
        filter: &str,
        input: &Path,
    ) -> Result<Run, String> {
        let plugins = format!("[PLUGINS]\n    Path {}\n", self.filter.display());
        let plugins = self.write("plugins.conf", plugins.as_bytes())?;
        let parsers = self.write("parsers.conf", b"[PARSER]\n    Name json\n    Format json\n")?;
        let filter =
            if filter.is_empty() { String::new() } else { format!("[FILTER]\n    {filter}") };
        let text = format!(
            "[SERVICE]\n    Flush 0.5\n    Grace 1\n    Log_Level info\n    HTTP_Server Off\n    \
             HTTP_Listen 127.0.0.1\n    Parsers_File {}\n    Plugins_File {}\n\
             [INPUT]\n    Name tail\n    Path {}\n    Parser json\n    Tag logs\n    \
             Read_From_Head On\n    Exit_On_Eof On\n    Buffer_Max_Size 256k\n{filter}\
             [OUTPUT]\n    Name null\n    Match *\n",
            parsers.display(),
            plugins.display(),
            input.display(),
        );
        let config = self.write(&format!("{case}-{name}.conf"), text.as_bytes())?;
        let log = self.folder.join(format!("{case}-{name}.log"));
        let says = OURS.iter().find(|(line, _)| filter.contains(line)).map(|(_, words)| *words);
        Ok(Run { config, log, says })
    }

    /// Runs it to the end of the file.
    ///
    /// # Errors
    /// If it fails, or does not do what its configuration says.
    pub fn run(&self, run: &Run) -> Result<Usage, String> {
        let before = children()?;
        let log = File::create(&run.log).map_err(|e| format!("{}: {e}", run.log.display()))?;
        let error = log.try_clone().map_err(|e| format!("{}: {e}", run.log.display()))?;
        let child = Command::new(&self.program)
            .arg("-c")
            .arg(&run.config)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(error)
            .spawn()
            .map_err(|e| format!("Fluent Bit does not start: {e}"))?;
        let is_success = wait(child)?;
        let after = children()?;
        let text = fs::read_to_string(&run.log).unwrap_or_default();
        // A filter that was not loaded costs nothing.
        let is_as_asked =
            OURS.iter().all(|(_, words)| text.contains(words) == (run.says == Some(words)));
        if !is_success || !is_as_asked || text.contains("[error]") {
            return Err(format!("Fluent Bit with {}: {text}", run.config.display()));
        }
        Ok(Usage { user: after.user - before.user, system: after.system - before.system })
    }

    /// A file beside the configurations.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
        let path = self.folder.join(name);
        fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Memory that stays taken would be worse than a message nobody can act on.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Whether it ended well; it is ended if it takes too long.
fn wait(mut child: Child) -> Result<bool, String> {
    let begin = Instant::now();
    loop {
        let ended = child.try_wait().map_err(|e| format!("Fluent Bit: {e}"))?;
        if let Some(status) = ended {
            return Ok(status.success());
        }
        if begin.elapsed() > PATIENCE {
            // Errors mean it is gone already.
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("Fluent Bit did not end within {PATIENCE:?}"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What all children took that have ended: between two calls, it is what one took.
fn children() -> Result<Usage, String> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|e| format!("getrusage: {e}"))?;
    let seconds =
        |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(Usage { user: seconds(usage.user_time()), system: seconds(usage.system_time()) })
}
