//! Every case of every suite against the rules in force.

use super::bed::Bed;
use super::correlate::{Judge, StreamVerdict};
use super::files::Suite;
use crate::failure::Failure;
use crate::rules::{self, Read};
use sigmatag::compile::{self, Options};
use sigmatag::rule::ast::{Collection, Filter, FilterRules, Rule};
use sigmatag::rule_test::{self, Case, Expected};
use sigmatag::ruleset::RuleSet;

/// What became of one case.
pub struct Verdict<'a> {
    pub case: &'a Case,
    /// Why it failed; none: it holds.
    pub failure: Option<String>,
    /// What decided, of a case that failed.
    pub explanation: Vec<String>,
    /// What the event differs in from the one before it.
    pub changed: Vec<String>,
}

/// The tests of one document.
pub struct Subject<'a> {
    /// `rule`, `filter` or `correlation`.
    pub kind: &'static str,
    pub title: &'a str,
    pub id: Option<&'a str>,
    /// The file it is in.
    pub file: &'a str,
    /// The test file, if there is one.
    pub tests: Option<String>,
    pub verdicts: Vec<Verdict<'a>>,
    /// Those of a correlation.
    pub streams: Vec<StreamVerdict<'a>>,
    /// What is doubtful about the tests.
    pub warnings: Vec<String>,
}

impl Subject<'_> {
    /// How many tests there are, and how many of them failed.
    pub fn numbers(&self) -> (usize, usize) {
        let cases = self.verdicts.iter().map(|verdict| verdict.failure.is_some());
        let streams = self.streams.iter().map(|verdict| verdict.failure.is_some());
        let failed: Vec<bool> = cases.chain(streams).collect();
        (failed.len(), failed.iter().filter(|failed| **failed).count())
    }
}

/// All results.
#[derive(Default)]
pub struct Results<'a> {
    pub subjects: Vec<Subject<'a>>,
    /// `FILE:LINE: message` of lines that are no cases.
    pub problems: Vec<String>,
}

impl Results<'_> {
    /// Cases that failed.
    pub fn failed(&self) -> usize {
        self.subjects.iter().map(|subject| subject.numbers().1).sum()
    }

    /// Lines that are no cases.
    pub fn problems(&self) -> usize {
        self.problems.len()
    }

    /// Documents of a kind.
    pub fn of(&self, kind: &str) -> impl Iterator<Item = &Subject<'_>> {
        self.subjects.iter().filter(move |subject| subject.kind == kind)
    }

    /// Rules and correlations without any test.
    pub fn untested(&self) -> impl Iterator<Item = &Subject<'_>> {
        self.subjects.iter().filter(|s| s.kind != "filter" && s.numbers().0 == 0)
    }
}

/// The rules that tests are run against.
struct Beds<'a> {
    read: &'a Read,
    /// The rules without filters.
    alone: Bed,
    /// What is going to be shipped, if it is what is tested.
    shipped: Option<Bed>,
}

/// Runs everything. `shipped`: what to test instead of the rules as read.
pub fn all<'a>(
    read: &'a Read,
    shipped: Option<RuleSet>,
    suites: &'a [Suite],
) -> Result<Results<'a>, Failure> {
    let mut results = Results::default();
    let alone = Bed::new(compiled_with(Vec::new(), read)?);
    let mut beds = Beds { read, alone, shipped: shipped.map(Bed::new) };
    let mut judge = Judge::new(read);
    let collection = &read.collection;
    for suite in suites {
        let place = |line: u32| format!("{}:{line}", suite.path.display());
        for problem in &suite.problems {
            results.problems.push(format!("{}: {}", place(problem.line), problem.message));
        }
        let of_file = |file: &str| file == suite.of;
        let rules: Vec<&Rule> =
            collection.rules.iter().filter(|rule| of_file(&rule.meta.place.file)).collect();
        let filters: Vec<&Filter> =
            collection.filters.iter().filter(|filter| of_file(&filter.meta.place.file)).collect();
        let cases = suite.cases.as_deref().unwrap_or_default();
        let mut taken = vec![false; cases.len()];
        for rule in &rules {
            let bed = beds.shipped.as_mut().unwrap_or(&mut beds.alone);
            let subject = of_rule(rule, rules.len(), suite, &mut taken, bed)?;
            results.subjects.push(subject);
        }
        for filter in &filters {
            let subject = of_filter(filter, filters.len(), suite, &mut taken, &mut beds)?;
            results.subjects.push(subject);
        }
        let correlations: Vec<usize> = (0..collection.correlations.len())
            .filter(|at| of_file(&collection.correlations[*at].meta.place.file))
            .collect();
        let mut streams_taken = vec![false; suite.streams.len()];
        for &at in &correlations {
            let bed = beds.shipped.as_mut().unwrap_or(&mut beds.alone);
            let is_only = correlations.len() == 1;
            results.subjects.push(judge.subject(at, is_only, suite, &mut streams_taken, bed)?);
        }
        for (stream, taken) in suite.streams.iter().zip(streams_taken) {
            if !taken {
                let message = match correlations.len() {
                    0 => "the file has no correlation: `stream` is for those",
                    1 => "no correlation of the file has the id or title in `correlation`",
                    _ => "the file has several correlations: add `correlation`",
                };
                let place = place(stream.line);
                results.problems.push(format!("{place}: {}: {message}", stream.name));
            }
        }
        for (case, taken) in cases.iter().zip(taken) {
            if !taken {
                let message = untaken(case, rules.len(), filters.len());
                results.problems.push(format!("{}: {}: {message}", place(case.line), case.name));
            }
        }
    }
    Ok(results)
}

fn untaken(case: &Case, rules: usize, filters: usize) -> &'static str {
    match (&case.expected, rules, filters) {
        (Expected::Match { .. }, 0, 0) => "the file has correlations only: use `stream`",
        (Expected::Match { .. }, 0, _) => "the file has no rule: use `suppressed`",
        (Expected::Match { .. }, 1, _) => "no rule of the file has the id or title in `rule`",
        (Expected::Match { .. }, ..) => {
            "the file has several rules: add `rule` with the id or title of one"
        }
        (Expected::Suppressed { .. }, _, 0) => "the file has no filter: use `match`",
        (Expected::Suppressed { .. }, ..) => {
            "the file has several filters: keep each in a file of its own"
        }
    }
}

fn of_rule<'a>(
    rule: &'a Rule,
    rules_in_file: usize,
    suite: &'a Suite,
    taken: &mut [bool],
    bed: &mut Bed,
) -> Result<Subject<'a>, Failure> {
    let meta = &rule.meta;
    let id = meta.id.as_deref();
    let index = bed.find(id, &meta.title);
    let mut verdicts = Vec::new();
    let mut warnings = Vec::new();
    let cases = suite.cases.as_deref().unwrap_or_default();
    for (case, taken) in cases.iter().zip(taken) {
        let Expected::Match { matches, rule: named } = &case.expected else { continue };
        let is_meant = match named {
            Some(named) => id == Some(named) || meta.title == *named,
            None => rules_in_file == 1,
        };
        if !is_meant {
            continue;
        }
        *taken = true;
        let record = case.record.to_string().into_bytes();
        let (mut failure, mut explanation) = (None, Vec::new());
        match index {
            None => failure = Some("the compiled file does not have the rule".to_owned()),
            Some(index) => {
                if bed.matches(index, &record)? != *matches {
                    let what = if *matches {
                        "must match and does not"
                    } else {
                        "must not match and does"
                    };
                    failure = Some(what.to_owned());
                    explanation = bed.explain(index, &record);
                }
            }
        }
        verdicts.push(Verdict { case, failure, explanation, changed: case.changed.clone() });
    }
    doubts(&verdicts, &mut warnings);
    Ok(Subject {
        kind: "rule",
        title: &meta.title,
        id,
        file: &suite.of,
        tests: suite.tests(),
        verdicts,
        streams: Vec::new(),
        warnings,
    })
}

/// What tests of a rule should have and do not.
fn doubts(verdicts: &[Verdict<'_>], warnings: &mut Vec<String>) {
    let of = |matches| verdicts.iter().filter(move |v| v.case.expected.is_match() == matches);
    for (matches, what) in [(true, "must match"), (false, "must not match")] {
        if !verdicts.is_empty() && of(matches).next().is_none() {
            warnings.push(format!("no case says what {what}"));
        }
    }
    for negative in of(false) {
        let case = negative.case;
        let differs = if case.changed.is_empty() {
            let all = of(true).map(|v| rule_test::differences(&v.case.record, &case.record));
            let nearest = all.min_by_key(Vec::len);
            nearest.unwrap_or_default()
        } else {
            case.changed.clone()
        };
        if differs.len() > 1 {
            const SHOWN: usize = 4;
            let more = if differs.len() > SHOWN { ", ..." } else { "" };
            warnings.push(format!(
                "line {}: {}: differs in {} values from what must match ({}{more}): change one, so \
                 that the case says what the decision hangs on",
                case.line,
                case.name,
                differs.len(),
                differs[..differs.len().min(SHOWN)].join(", ")
            ));
        }
    }
}

fn of_filter<'a>(
    filter: &'a Filter,
    filters_in_file: usize,
    suite: &'a Suite,
    taken: &mut [bool],
    beds: &mut Beds<'a>,
) -> Result<Subject<'a>, Failure> {
    let meta = &filter.meta;
    let mut subject = Subject {
        kind: "filter",
        title: &meta.title,
        id: meta.id.as_deref(),
        file: &suite.of,
        tests: suite.tests(),
        verdicts: Vec::new(),
        streams: Vec::new(),
        warnings: Vec::new(),
    };
    let cases = suite.cases.as_deref().unwrap_or_default();
    let has_cases = cases.iter().any(|case| matches!(case.expected, Expected::Suppressed { .. }));
    if filters_in_file > 1 || !has_cases {
        return Ok(subject);
    }
    let read = beds.read;
    let without = &mut beds.alone;
    let mut own;
    let bed = match &mut beds.shipped {
        Some(shipped) => shipped,
        None => {
            own = Bed::new(compiled_with(vec![filter.clone()], read)?);
            &mut own
        }
    };
    for (case, taken) in cases.iter().zip(taken) {
        let Expected::Suppressed { suppressed, rules } = &case.expected else { continue };
        *taken = true;
        let rules: Vec<&String> = match (&filter.rules, rules.is_empty()) {
            (FilterRules::Listed(listed), true) => listed.iter().map(|rule| &rule.value).collect(),
            _ => rules.iter().collect(),
        };
        let mut verdict =
            Verdict { case, failure: None, explanation: Vec::new(), changed: case.changed.clone() };
        if rules.is_empty() {
            verdict.failure = Some("add `rules`: the ids of the rules concerned".to_owned());
        }
        let record = case.record.to_string().into_bytes();
        for name in rules {
            let found = rule(&read.collection, name);
            let index =
                |bed: &Bed| found.and_then(|r| bed.find(r.meta.id.as_deref(), &r.meta.title));
            let (Some(with), Some(alone)) = (index(bed), index(without)) else {
                verdict.failure = Some(format!("no rule has the id or name `{name}`"));
                break;
            };
            let title = found.map_or("", |rule| &rule.meta.title);
            let (what, explanation) = if !without.matches(alone, &record)? {
                let what =
                    format!("without the filter `{title}` does not match: nothing is proved");
                (what, without.explain(alone, &record))
            } else if bed.matches(with, &record)? == *suppressed {
                let what = if *suppressed { "is not suppressed" } else { "is suppressed" };
                (format!("`{title}` {what}"), bed.explain(with, &record))
            } else {
                continue;
            };
            (verdict.failure, verdict.explanation) = (Some(what), explanation);
            break;
        }
        subject.verdicts.push(verdict);
    }
    for (suppressed, what) in [(true, "suppress"), (false, "let pass")] {
        let is = |v: &Verdict<'_>| v.case.expected.is_match() != suppressed;
        if !subject.verdicts.iter().any(is) {
            subject.warnings.push(format!("no case says what the filter must {what}"));
        }
    }
    Ok(subject)
}

fn rule<'a>(collection: &'a Collection, name: &str) -> Option<&'a Rule> {
    let is = |own: &Option<String>| own.as_deref() == Some(name);
    collection.rules.iter().find(|rule| is(&rule.meta.id) || is(&rule.meta.name))
}

/// The rules with these filters only.
fn compiled_with(filters: Vec<Filter>, read: &Read) -> Result<RuleSet, Failure> {
    let collection = Collection { filters, ..read.collection.clone() };
    let options = Options { sources: read.sources.clone(), ..Options::default() };
    let compiled = compile::compile(&collection, &options).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Failure::Refused(errors.join("\n"))
    })?;
    rules::verified(&compiled)
}
