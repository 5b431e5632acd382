//! Tactics and techniques of a rule, from its tags, in the names of one version of ATT&CK.

use sigmatag::attack::{TACTICS, Version};
use std::collections::BTreeSet;

/// A tactic and the techniques that stand with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Short names of tactics; none where the tags have techniques only.
    pub tactics: Vec<String>,
    /// Numbers, such as `T1059.001`.
    pub techniques: Vec<String>,
}

/// Reads tags: techniques belong to the tactics that stand right before them.
pub fn groups(tags: &[String], version: Version) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for name in tags.iter().filter_map(|tag| tag.strip_prefix("attack.")) {
        let is_tactic =
            TACTICS.iter().any(|tactic| tactic.short == name) || name == "defense-evasion";
        let is_technique = name
            .strip_prefix('t')
            .is_some_and(|number| number.starts_with(|first: char| first.is_ascii_digit()));
        if !is_tactic && !is_technique {
            continue;
        }
        let new = || Group { tactics: Vec::new(), techniques: Vec::new() };
        match groups.last_mut() {
            Some(group) if is_technique => group.techniques.push(format!("T{}", &name[1..])),
            Some(group) if group.techniques.is_empty() => group.tactics.push(name.to_owned()),
            _ => {
                groups.push(new());
                let Some(group) = groups.last_mut() else { continue };
                if is_technique {
                    group.techniques.push(format!("T{}", &name[1..]));
                } else {
                    group.tactics.push(name.to_owned());
                }
            }
        }
    }
    for group in &mut groups {
        group.techniques = in_version(&group.techniques, version);
        group.tactics = in_version(&group.tactics, version);
        // A rule that has the old name only: what is new in the numbers says which it is.
        let both = ["stealth", "defense-impairment"];
        if group.tactics.len() >= 2
            && both.iter().all(|new| group.tactics.iter().any(|tactic| tactic == new))
            && !both.iter().any(|new| tags.contains(&format!("attack.{new}")))
        {
            let impairs = |id: &String| (685..=690).any(|n| id.starts_with(&format!("T1{n}")));
            let is_other = if group.techniques.iter().any(impairs) { both[0] } else { both[1] };
            group.tactics.retain(|tactic| tactic != is_other);
        }
    }
    groups
}

/// Names in a version. One that has its counterpart beside it is not translated.
fn in_version(names: &[String], version: Version) -> Vec<String> {
    let own: Vec<&String> = names.iter().filter(|name| version.has(name)).collect();
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for name in names {
        let translated = version.names_of(name);
        // Itself, or a part of it where several old names became one.
        let is_there =
            |new: &String| own.iter().any(|own| *own == new || own.starts_with(&format!("{new}.")));
        if version.has(name) || !translated.iter().any(is_there) {
            out.extend(translated.into_iter().filter(|name| seen.insert(name.clone())));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(tags: &str, version: Version) -> String {
        let tags: Vec<String> = tags.split(' ').map(|tag| format!("attack.{tag}")).collect();
        let groups = groups(&tags, version);
        let show =
            |group: &Group| format!("{}: {}", group.tactics.join(","), group.techniques.join(","));
        groups.iter().map(show).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn techniques_belong_to_the_tactics_before_them() {
        for (tags, expected) in [
            (
                "collection t1005 credential-access t1552.001",
                "collection: T1005; credential-access: T1552.001",
            ),
            ("persistence execution t1053", "persistence,execution: T1053"),
            (
                "persistence t1574 privilege-escalation",
                "persistence: T1574; privilege-escalation: ",
            ),
            ("t1190", ": T1190"),
            ("g0032 s0154", ""),
        ] {
            assert_eq!(shown(tags, Version::V19), expected, "{tags}");
        }
    }

    #[test]
    fn both_versions_are_served() {
        let both = "defense-impairment defense-evasion t1685 t1562.001";
        assert_eq!(shown(both, Version::V19), "defense-impairment: T1685");
        assert_eq!(shown(both, Version::V18), "defense-evasion: T1562.001");
        assert_eq!(shown("defense-evasion t1562.001", Version::V19), "defense-impairment: T1685");
        assert_eq!(shown("defense-evasion t1027", Version::V19), "stealth: T1027");
        assert_eq!(shown("stealth t1027", Version::V18), "defense-evasion: T1027");
        assert_eq!(shown("defense-impairment t1685", Version::V18), "defense-evasion: T1562");
        assert_eq!(
            shown("stealth defense-impairment t1685.005", Version::V18),
            "defense-evasion: T1070.001"
        );
    }
}
