//! Which of the loaded rules to compile.

use crate::failure::{Failure, count};
use crate::tag::logsource;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use sigmatag::rule::ast::{Collection, Level, LogSource, Rule};
use sigmatag::rule::diagnostic::{did_you_mean, similar};
use std::collections::{BTreeMap, BTreeSet};

const STATUSES: [&str; 5] = ["stable", "test", "experimental", "deprecated", "unsupported"];
const LEVELS: [&str; 5] = ["informational", "low", "medium", "high", "critical"];

/// Which rules to keep.
#[derive(Debug, Default, clap::Args)]
pub struct Selection {
    /// Leave out the rule with this id. May be repeated; ids may be separated by commas.
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    exclude_id: Vec<String>,
    /// Leave out rules below this level. Rules without a level stay.
    #[arg(long, value_name = "LEVEL", value_parser = PossibleValuesParser::new(LEVELS))]
    min_level: Option<String>,
    /// Keep rules of this status only. May be repeated; names may be separated by commas.
    #[arg(long, value_name = "STATUS", value_delimiter = ',', value_parser = PossibleValuesParser::new(STATUSES))]
    status: Vec<String>,
    /// Keep rules that may be about this log source; parts may be empty, as in `windows//`. May be
    /// repeated.
    #[arg(long, value_name = "PRODUCT/CATEGORY/SERVICE", value_parser = logsource)]
    logsource: Vec<String>,
}

/// A document that is not compiled.
#[derive(Debug)]
pub struct LeftOut {
    /// Its title.
    pub title: String,
    /// Its id.
    pub id: Option<String>,
    /// The option that left it out; `rules` for a correlation of rules that were left out.
    pub by: &'static str,
    /// Why, for people.
    pub reason: String,
}

impl LeftOut {
    /// As an element of `left_out`.
    pub fn json(&self) -> Value {
        json!({ "id": self.id, "title": self.title, "by": self.by, "reason": self.reason })
    }
}

impl Selection {
    /// Takes the rules out that are not wanted.
    ///
    /// # Errors
    /// If an id or a part of a log source is not that of any rule: nothing would be left out, or
    /// everything.
    pub fn apply(&self, collection: &mut Collection) -> Result<Vec<LeftOut>, Failure> {
        self.check_ids(collection)?;
        for wanted in &self.logsource {
            check_logsource(wanted, collection)?;
        }
        let mut left_out = Vec::new();
        let mut gone: BTreeSet<String> = BTreeSet::new();
        collection.rules.retain(|rule| {
            let Some((by, reason)) = self.against(rule) else { return true };
            gone.extend([&rule.meta.id, &rule.meta.name].into_iter().flatten().cloned());
            let (title, id) = (rule.meta.title.clone(), rule.meta.id.clone());
            left_out.push(LeftOut { title, id, by, reason });
            false
        });
        // Correlations of correlations: until nothing changes.
        loop {
            let before = left_out.len();
            collection.correlations.retain(|correlation| {
                let Some(rule) = correlation.rules.iter().find(|rule| gone.contains(&rule.value))
                else {
                    return true;
                };
                let meta = &correlation.meta;
                gone.extend([&meta.id, &meta.name].into_iter().flatten().cloned());
                left_out.push(LeftOut {
                    title: meta.title.clone(),
                    id: meta.id.clone(),
                    by: "rules",
                    reason: format!("its rule `{}` is left out", rule.value),
                });
                false
            });
            if left_out.len() == before {
                return Ok(left_out);
            }
        }
    }

    fn against(&self, rule: &Rule) -> Option<(&'static str, String)> {
        let meta = &rule.meta;
        if meta.id.as_ref().is_some_and(|id| self.exclude_id.contains(id)) {
            return Some(("--exclude-id", "excluded by its id".to_owned()));
        }
        let least = self.min_level.as_deref().and_then(Level::parse);
        if let (Some(least), Some(level)) = (least, meta.level)
            && level < least
        {
            return Some(("--min-level", format!("level {}", level.as_str())));
        }
        let status = meta.status.as_deref();
        if !self.status.is_empty() && !self.status.iter().any(|kept| Some(&**kept) == status) {
            let status = status.map_or("no status".to_owned(), |status| format!("status {status}"));
            return Some(("--status", status));
        }
        if !self.logsource.is_empty() {
            let own = parts(&rule.logsource);
            let may = |wanted: &String| {
                let wanted = wanted.to_lowercase();
                let mut pairs = own.iter().zip(wanted.split('/').map(str::trim));
                pairs.all(|(own, part)| own.is_empty() || part.is_empty() || *own == part)
            };
            if !self.logsource.iter().any(may) {
                return Some(("--logsource", format!("log source {}", own.join("/"))));
            }
        }
        None
    }

    fn check_ids(&self, collection: &Collection) -> Result<(), Failure> {
        let ids: BTreeSet<&str> =
            collection.rules.iter().filter_map(|rule| rule.meta.id.as_deref()).collect();
        for id in &self.exclude_id {
            if ids.contains(id.as_str()) {
                continue;
            }
            let of_title =
                collection.rules.iter().find(|rule| rule.meta.title.eq_ignore_ascii_case(id));
            let suggestion = of_title
                .and_then(|rule| rule.meta.id.as_deref())
                .or_else(|| similar(id, ids.iter().copied()));
            let did_you_mean = did_you_mean(suggestion);
            let message = format!("--exclude-id: no rule has the id `{id}`{did_you_mean}");
            return Err(Failure::Unusable(message));
        }
        Ok(())
    }
}

fn parts(logsource: &LogSource) -> [&str; 3] {
    [&logsource.product, &logsource.category, &logsource.service]
        .map(|part| part.as_deref().unwrap_or_default())
}

fn check_logsource(wanted: &str, collection: &Collection) -> Result<(), Failure> {
    let folded = wanted.to_lowercase();
    for (at, part) in folded.split('/').map(str::trim).enumerate() {
        let known: BTreeSet<&str> =
            collection.rules.iter().map(|rule| parts(&rule.logsource)[at]).collect();
        if !part.is_empty() && !known.contains(part) {
            let attribute = ["product", "category", "service"][at];
            let suggestion = did_you_mean(similar(part, known));
            return Err(Failure::Unusable(format!(
                "--logsource {wanted}: no rule has the {attribute} `{part}`{suggestion}"
            )));
        }
    }
    Ok(())
}

/// How many were left out by which option, one line each.
pub fn summary(left_out: &[LeftOut]) -> String {
    let mut by: BTreeMap<&str, u64> = BTreeMap::new();
    for document in left_out {
        *by.entry(document.by).or_default() += 1;
    }
    let mut text = String::new();
    for (by, number) in by {
        let line = match by {
            "rules" => {
                format!("{} left out with the rules", count(number, "correlation"))
            }
            option => format!("{} left out by {option}", count(number, "rule")),
        };
        text.push_str(&line);
        text.push('\n');
    }
    text
}
