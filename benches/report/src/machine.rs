//! What the figures were measured on.

use crate::common::root;
use std::process::Command;

/// Rows of a table: what, and its value.
pub fn describe() -> Vec<(&'static str, String)> {
    let changed = output("git", &["status", "--porcelain", "--", ".", ":!README.md", ":!docs"]);
    let state = if changed.is_empty() { "" } else { ", with changes that are not committed" };
    vec![
        ("processor", processor()),
        ("cores", cores()),
        ("caches", caches()),
        ("memory", memory()),
        ("system", format!("{}, Linux {}", system(), output("uname", &["-r"]))),
        ("rustc", output("rustc", &["--version"])),
        ("C compiler", first_line(&output("cc", &["--version"]))),
        ("commit", format!("{}{state}", output("git", &["rev-parse", "--short=12", "HEAD"]))),
        ("date", output("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
    ]
}

/// Processes that were ready to run, on average over the last minute: others disturb.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// Bytes of the cache of a level that the first core has; none where the system does not say.
pub fn cache(level: u32) -> Option<usize> {
    let folder = std::path::Path::new("/sys/devices/system/cpu/cpu0/cache");
    (0..8).map(|index| folder.join(format!("index{index}"))).find_map(|cache| {
        let read = |name: &str| std::fs::read_to_string(cache.join(name)).ok();
        let is_wanted =
            read("level")?.trim() == level.to_string() && read("type")?.trim() != "Instruction";
        let size = read("size")?;
        let kilobytes: usize = size.trim().strip_suffix('K')?.parse().ok()?;
        is_wanted.then_some(kilobytes * 1024)
    })
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_once(':')).map_or("unknown", |(_, value)| value.trim())
    };
    let (family, model) = (value("cpu family"), value("model\t"));
    let guest = if value("flags").contains("hypervisor") { ", a virtual machine" } else { "" };
    format!("{} (family {family}, model {model}){guest}", value("model name"))
}

fn cores() -> String {
    std::thread::available_parallelism().map_or("unknown".to_owned(), |cores| cores.to_string())
}

fn caches() -> String {
    let levels = (1..=3).filter_map(|level| {
        let size = cache(level)?;
        Some(format!("L{level} {} KiB", size / 1024))
    });
    let levels: Vec<String> = levels.collect();
    if levels.is_empty() { "unknown".to_owned() } else { levels.join(", ") }
}

fn memory() -> String {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|line| line.trim().strip_suffix("kB"))
        .and_then(|number| number.trim().parse::<f64>().ok());
    kilobytes.map_or("unknown".to_owned(), |size| format!("{:.1} GiB", size / 1_048_576.0))
}

fn system() -> String {
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.unwrap_or("unknown").trim_matches('"').to_owned()
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).current_dir(root()).output();
    output.map_or("unknown".to_owned(), |output| {
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    })
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
