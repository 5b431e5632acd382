//! What a rule set may ask of the compiler: whatever a few bytes of rules can multiply is counted
//! before it is built.

use super::CompileError;
use super::ir::Ir;
use crate::limits;
use crate::rule::ast::{Collection, Detection, FilterRules, Place, Search};
use std::collections::HashSet;

/// An error that leaving out one rule does not repair.
pub fn whole(message: String) -> CompileError {
    CompileError { place: Place::default(), subject: String::new(), message }
}

/// Refuses collections of too many documents.
///
/// # Errors
/// The limit and the repair.
pub fn documents(collection: &Collection) -> Result<(), CompileError> {
    let rules = collection.rules.len();
    if rules > limits::RULES {
        let most = limits::RULES;
        return Err(whole(format!(
            "{rules} rules, the limit is {most}: compile several rule sets"
        )));
    }
    let listed = |rules: &FilterRules| match rules {
        FilterRules::Any => 1,
        FilterRules::Listed(references) => references.len().max(1),
    };
    let references: usize = collection.filters.iter().map(|filter| listed(&filter.rules)).sum();
    if references > limits::FILTER_REFERENCES {
        let most = limits::FILTER_REFERENCES;
        return Err(whole(format!(
            "filters list {references} rules, the limit is {most}: use `rules: any` or fewer filters"
        )));
    }
    Ok(())
}

/// What the rules up to now come to.
#[derive(Default)]
pub struct Sum {
    tests: u64,
    /// Source and flags of every regular expression.
    regexes: HashSet<(String, u32)>,
    regexes_size: u64,
}

impl Sum {
    /// Refuses a detection before it is lowered, if its values alone are too many.
    ///
    /// # Errors
    /// The limit and the repair.
    pub fn expect(&self, detection: &Detection) -> Result<(), String> {
        let values = detection.searches.iter().map(|search| values(&search.body));
        self.fits(values.fold(0, u64::saturating_add))
    }

    /// Adds the tests of a condition.
    ///
    /// # Errors
    /// The limit and the repair.
    pub fn add_tests(&mut self, tests: u64) -> Result<(), String> {
        self.fits(tests)?;
        self.tests += tests;
        Ok(())
    }

    fn fits(&self, tests: u64) -> Result<(), String> {
        let (before, most) = (self.tests, limits::TESTS);
        if before.saturating_add(tests) <= most {
            return Ok(());
        }
        Err(format!(
            "{tests} tests with every name of the condition written out, behind {before} of other \
             rules; the limit of a rule set is {most}: name long lists once, or compile several rule \
             sets"
        ))
    }

    /// Adds a regular expression, if it is another.
    ///
    /// # Errors
    /// The limit and the repair.
    pub fn add_regex(&mut self, source: &str, flags: u32, size: u64) -> Result<(), String> {
        if size > limits::MAX_REGEX_STEPS as u64 {
            // Without the steps that join its parts; the program counts all.
            let most = limits::MAX_REGEX_STEPS;
            return Err(format!(
                "a regular expression has more than {most} steps: lower its repetition counts"
            ));
        }
        let key = (source.to_owned(), flags);
        if self.regexes.contains(&key) {
            return Ok(());
        }
        if self.regexes.len() == limits::REGEXES {
            let most = limits::REGEXES;
            return Err(format!(
                "more than {most} different regular expressions in a rule set: use `contains` or \
                 wildcards, or compile several rule sets"
            ));
        }
        let together = self.regexes_size.saturating_add(size);
        if together > limits::REGEXES_SIZE {
            let most = limits::REGEXES_SIZE;
            return Err(format!(
                "the regular expressions of the rule set up to this one have more than size {most} \
                 with their repetitions multiplied out: lower the counts"
            ));
        }
        self.regexes_size = together;
        self.regexes.insert(key);
        Ok(())
    }
}

/// Values of a search. Recursion is bounded by the depth of YAML.
fn values(search: &Search) -> u64 {
    match search {
        Search::All(items) => items.iter().map(|item| item.values.len() as u64).sum(),
        Search::Any(parts) => parts.iter().map(values).sum(),
    }
}

/// Tests of a condition.
pub fn tests(ir: &Ir) -> u64 {
    match ir {
        Ir::True | Ir::False | Ir::Predicate(_) => 1,
        Ir::Not(part) => tests(part),
        Ir::And(parts) | Ir::Or(parts) | Ir::AtLeast(_, parts) => parts.iter().map(tests).sum(),
    }
}
