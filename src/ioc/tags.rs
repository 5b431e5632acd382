//! Tags out of what feeds say: tactics by the phases of a kill chain, techniques, labels.

/// Most tags of an indicator.
const MOST: usize = 8;
/// Most characters of a tag.
const LONGEST: usize = 60;

/// Phases of the kill chain of Lockheed Martin as tactics of ATT&CK; what its last phase is for is
/// said by no tactic.
const PHASES: [(&str, &str); 6] = [
    ("reconnaissance", "reconnaissance"),
    ("weaponization", "resource-development"),
    ("delivery", "initial-access"),
    ("exploitation", "execution"),
    ("installation", "persistence"),
    ("command-and-control", "command-and-control"),
];

/// The tag of a phase, if it is one of ATT&CK or has one there.
pub fn of_phase(chain: &str, phase: &str) -> Option<String> {
    let phase = plain(phase)?.replace(['_', ' '], "-");
    match chain.to_ascii_lowercase().as_str() {
        "mitre-attack" | "mitre-mobile-attack" | "mitre-ics-attack" => {
            Some(format!("attack.{phase}"))
        }
        // Lists that name the phase alone mean this chain.
        "lockheed-martin-cyber-kill-chain" | "" => {
            let tactic = PHASES.iter().find(|(name, _)| *name == phase)?.1;
            Some(format!("attack.{tactic}"))
        }
        _ => None,
    }
}

/// The tag of a technique's number, as in `T1071.001`.
pub fn of_technique(number: &str) -> Option<String> {
    let digits = number.strip_prefix(['T', 't'])?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    (is_number && matches!(digits.len(), 4 | 8))
        .then(|| format!("attack.{}", number.to_lowercase()))
}

/// A label as a tag: in lower case, without commas and white space around it.
pub fn plain(label: &str) -> Option<String> {
    let label: String = label.trim().chars().take(LONGEST).collect();
    let is_plain = |c: char| !c.is_control() && c != ',';
    (!label.is_empty() && label.chars().all(is_plain)).then(|| label.to_lowercase())
}

/// Each tag once, in order, and not too many.
pub fn distinct(tags: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for tag in tags {
        if out.len() < MOST && !out.contains(&tag) {
            out.push(tag);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_have_tactics() {
        for (chain, phase, tag) in [
            ("mitre-attack", "command-and-control", Some("attack.command-and-control")),
            ("MITRE-ATTACK", "Initial Access", Some("attack.initial-access")),
            ("lockheed-martin-cyber-kill-chain", "delivery", Some("attack.initial-access")),
            ("lockheed-martin-cyber-kill-chain", "actions-on-objectives", None),
            ("", "command_and_control", Some("attack.command-and-control")),
            ("own-chain", "delivery", None),
            ("mitre-attack", "a,b", None),
        ] {
            assert_eq!(of_phase(chain, phase).as_deref(), tag, "{chain} {phase}");
        }
        assert_eq!(of_technique("T1071.001").as_deref(), Some("attack.t1071.001"));
        assert_eq!((of_technique("T107"), of_technique("G0001")), (None, None));
    }
}
