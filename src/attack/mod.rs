//! Names of MITRE ATT&CK: tactics, techniques of Enterprise, and what was renamed.
//!
//! Version 19 divided Defense Evasion into Stealth and Defense Impairment and gave new numbers to what
//! had been Impair Defenses. Products go on with the old names for years, so rules may carry both, and
//! whoever writes a report chooses by [`Version`].

use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The version that techniques are listed of.
pub const VERSION: u32 = 19;

/// Numbers of Enterprise lie between these, and of other matrices among them: numbers that are not
/// listed mean nothing only where Enterprise is alone.
const LEAST_OTHER: u32 = 1398;
const MOST: u32 = 1695;

const TECHNIQUES: &str = include_str!("techniques.txt");
const RENAMED: &str = include_str!("renamed.txt");

/// A tactic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tactic {
    /// Number, such as `TA0001`.
    pub id: &'static str,
    /// As in tags: `initial-access`.
    pub short: &'static str,
    /// For people.
    pub name: &'static str,
}

const fn tactic(id: &'static str, short: &'static str, name: &'static str) -> Tactic {
    Tactic { id, short, name }
}

/// The tactics in the order of the matrix.
pub const TACTICS: [Tactic; 15] = [
    tactic("TA0043", "reconnaissance", "Reconnaissance"),
    tactic("TA0042", "resource-development", "Resource Development"),
    tactic("TA0001", "initial-access", "Initial Access"),
    tactic("TA0002", "execution", "Execution"),
    tactic("TA0003", "persistence", "Persistence"),
    tactic("TA0004", "privilege-escalation", "Privilege Escalation"),
    tactic("TA0005", "stealth", "Stealth"),
    tactic("TA0112", "defense-impairment", "Defense Impairment"),
    tactic("TA0006", "credential-access", "Credential Access"),
    tactic("TA0007", "discovery", "Discovery"),
    tactic("TA0008", "lateral-movement", "Lateral Movement"),
    tactic("TA0009", "collection", "Collection"),
    tactic("TA0011", "command-and-control", "Command and Control"),
    tactic("TA0010", "exfiltration", "Exfiltration"),
    tactic("TA0040", "impact", "Impact"),
];

/// What became of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The version that renamed it.
    pub version: u32,
    /// The names that took its place; none: it was withdrawn.
    pub to: Vec<&'static str>,
}

#[derive(Default)]
struct Names {
    /// Sub-techniques and name of each technique.
    techniques: BTreeMap<&'static str, (Vec<u32>, &'static str)>,
    /// Names of sub-techniques.
    parts: BTreeMap<&'static str, &'static str>,
    renamed: BTreeMap<&'static str, Renamed>,
}

/// The tables; they are the program's own, and tests look at each line.
fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        let mut names = Names::default();
        let lines = |text: &'static str| text.lines().filter(|line| !line.starts_with('#'));
        for line in lines(TECHNIQUES) {
            let Some((id, rest)) = line.split_once(' ') else { continue };
            if id.contains('.') {
                names.parts.insert(id, rest);
            } else if let Some((parts, name)) = rest.split_once(' ') {
                names.techniques.insert(id, (numbers(parts), name));
            }
        }
        for line in lines(RENAMED) {
            let mut words = line.split(' ');
            let version = words.next().and_then(|word| word.parse().ok()).unwrap_or_default();
            if let Some(old) = words.next() {
                names.renamed.insert(old, Renamed { version, to: words.collect() });
            }
        }
        names
    })
}

/// `1-3,5` as numbers; `-` has none.
fn numbers(text: &str) -> Vec<u32> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<u32>().ok()?..=last.parse::<u32>().ok()?)
    };
    text.split(',').filter_map(range).flatten().collect()
}

/// What is known of a technique's number, such as `T1059.001`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It is one of Enterprise.
    Technique,
    /// It was one.
    Renamed(Renamed),
    /// It is none.
    Unknown,
    /// It may be one of another matrix, mobile or industrial.
    Other,
}

/// Looks a technique up.
pub fn technique(id: &str) -> Known {
    let names = names();
    if let Some(renamed) = names.renamed.get(id) {
        return Known::Renamed(renamed.clone());
    }
    let (main, part) = id.split_once('.').map_or((id, None), |(main, part)| (main, Some(part)));
    if let Some((parts, _)) = names.techniques.get(main) {
        let has = |part: &str| part.parse().is_ok_and(|number| parts.contains(&number));
        return if part.is_none_or(has) { Known::Technique } else { Known::Unknown };
    }
    let number = main.strip_prefix('T').and_then(|digits| digits.parse::<u32>().ok());
    match number {
        Some(0..=999 | LEAST_OTHER..=MOST) => Known::Other,
        _ => Known::Unknown,
    }
}

/// What became of a tactic's short name; `None` if it is still one, or never was.
pub fn renamed_tactic(short: &str) -> Option<&'static Renamed> {
    names().renamed.get(short)
}

/// The name of a technique: of a sub-technique its own where it is known, else that of the technique
/// that it is part of.
pub fn name(id: &str) -> Option<&'static str> {
    let names = names();
    let main = id.split('.').next().unwrap_or(id);
    names.parts.get(id).copied().or_else(|| names.techniques.get(main).map(|(_, name)| *name))
}

/// Which names a report is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// With Defense Evasion.
    V18,
    /// With Stealth and Defense Impairment.
    V19,
}

impl Version {
    /// Its number.
    pub fn number(self) -> u32 {
        match self {
            Version::V18 => 18,
            Version::V19 => 19,
        }
    }

    /// Whether a technique or the short name of a tactic belongs to it, as far as renaming tells.
    pub fn has(self, name: &str) -> bool {
        let renamed = &names().renamed;
        let is_gone = renamed.get(name).is_some_and(|own| own.version <= self.number());
        let came = renamed.values().filter(|own| own.to.contains(&name)).map(|own| own.version);
        !is_gone && came.max().is_none_or(|version| version <= self.number())
    }

    /// The names by which this version knows what `name` means: itself, or what took its place.
    /// Where an older version has several names for it, it is the technique that they are part of.
    pub fn names_of(self, name: &str) -> Vec<String> {
        if self.has(name) {
            return vec![name.to_owned()];
        }
        let renamed = &names().renamed;
        if let Some(own) = renamed.get(name).filter(|own| own.version <= self.number()) {
            return own.to.iter().map(|name| (*name).to_owned()).collect();
        }
        let old: Vec<&str> = renamed
            .iter()
            .filter(|(old, own)| own.to.contains(&name) && self.has(old))
            .map(|(old, _)| *old)
            .collect();
        match &old[..] {
            [] => Vec::new(),
            [only] => vec![(*only).to_owned()],
            [first, rest @ ..] => {
                let main = first.split('.').next().unwrap_or(first);
                let is_part = |old: &&str| old.split('.').next() == Some(main);
                if rest.iter().all(is_part) { vec![main.to_owned()] } else { Vec::new() }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_read() {
        let names = names();
        let lines = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(names.techniques.len() + names.parts.len(), lines(TECHNIQUES));
        assert_eq!(names.renamed.len(), lines(RENAMED));
        assert!(names.techniques.len() > 210, "{}", names.techniques.len());
        let count: usize = names.techniques.values().map(|(parts, _)| parts.len()).sum();
        assert!(count > 470, "{count}");
        for id in names.parts.keys() {
            assert_eq!(technique(id), Known::Technique, "{id}");
        }
        for (old, renamed) in &names.renamed {
            assert!((8..=19).contains(&renamed.version), "{old}");
            for new in &renamed.to {
                let is_tactic = TACTICS.iter().any(|tactic| tactic.short == *new);
                assert!(is_tactic || technique(new) == Known::Technique, "{old}: {new}");
            }
        }
    }

    #[test]
    fn numbers_are_told_apart() {
        for id in ["T1059", "T1059.013", "T1685.006", "T1027.018", "T1053.007"] {
            assert_eq!(technique(id), Known::Technique, "{id}");
        }
        for id in ["T1059.014", "T1005.001", "T1053.001x", "T1299", "T1999", "T1696"] {
            assert_eq!(technique(id), Known::Unknown, "{id}");
        }
        // Mobile and industrial ones.
        for id in ["T1417", "T0803", "T1691.001"] {
            assert_eq!(technique(id), Known::Other, "{id}");
        }
        let renamed = |id: &str| match technique(id) {
            Known::Renamed(renamed) => renamed.to.join(" "),
            other => panic!("{id}: {other:?}"),
        };
        assert_eq!(renamed("T1562.008"), "T1685.002");
        assert_eq!(renamed("T1086"), "T1059.001");
        assert_eq!(renamed("T1064"), "");
        assert_eq!(name("T1505.003"), Some("Web Shell"));
        assert_eq!(name("T1505.006"), Some("Server Software Component"));
        assert_eq!(name("T9999"), None);
    }

    #[test]
    fn versions_have_their_own_names() {
        let (old, new) = (Version::V18, Version::V19);
        for (name, in_old, in_new) in [
            ("T1059", true, true),
            ("T1562.001", true, false),
            ("T1685", false, true),
            ("T1574.001", true, true),
            ("T1574.002", false, false),
            ("defense-evasion", true, false),
            ("stealth", false, true),
            ("impact", true, true),
        ] {
            assert_eq!((old.has(name), new.has(name)), (in_old, in_new), "{name}");
        }
        assert_eq!(new.names_of("T1562.001"), ["T1685"]);
        assert_eq!(new.names_of("defense-evasion"), ["stealth", "defense-impairment"]);
        assert_eq!(old.names_of("stealth"), ["defense-evasion"]);
        assert_eq!(old.names_of("T1685.005"), ["T1070.001"]);
        // Three old ones became this.
        assert_eq!(old.names_of("T1685"), ["T1562"]);
        assert_eq!(old.names_of("T1190"), ["T1190"]);
    }
}
