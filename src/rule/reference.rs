//! References between documents: unique ids and names, correlations that lead to rules.

use std::collections::HashMap;

use super::ast::{Collection, Correlation, Metadata, Pos, Rule, Search};
use super::diagnostic::{Diagnostic, Mark, Severity, did_you_mean, quoted, similar};

/// What a reference leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Rule(usize),
    Correlation(usize),
    /// Several different documents have that name.
    Ambiguous,
}

/// Refuses duplicate ids and correlations that do not lead to rules. Returns how many documents
/// were refused.
pub(super) fn check(collection: &mut Collection, diagnostics: &mut Vec<Diagnostic>) -> usize {
    let before = collection.rules.len() + collection.correlations.len() + collection.filters.len();
    duplicate_ids(collection, diagnostics);
    duplicate_names(collection, diagnostics);
    correlations(collection, diagnostics);
    before - collection.rules.len() - collection.correlations.len() - collection.filters.len()
}

fn finding(
    severity: Severity,
    code: &'static str,
    meta: &Metadata,
    pos: Pos,
    message: String,
    help: impl Into<String>,
) -> Diagnostic {
    let mark = Mark { pos, length: 0 };
    let mut diagnostic = Diagnostic::new(severity, code, &meta.place.file, mark, message);
    diagnostic.help(help);
    diagnostic.subject = Some(meta.title.clone());
    diagnostic
}

/// The first document keeps an id; a second one is refused unless it is the same rule.
fn duplicate_ids(collection: &mut Collection, diagnostics: &mut Vec<Diagnostic>) {
    let Collection { rules, correlations, filters, .. } = collection;
    let mut owners: HashMap<&str, (&Metadata, Option<&Rule>)> = HashMap::new();
    let is_free = |(meta, rule)| {
        let (meta, rule): (&Metadata, Option<&Rule>) = (meta, rule);
        let Some(id) = &meta.id else { return true };
        let Some((first, first_rule)) = owners.get(&**id) else {
            owners.insert(id, (meta, rule));
            return true;
        };
        if let (Some(first), Some(rule)) = (first_rule, rule)
            && without_places(first) == without_places(rule)
        {
            return true;
        }
        let message = format!("the id {} belongs to {} already", quoted(id), first.place);
        let help = "give one of the two a new random UUID";
        diagnostics.push(finding(
            Severity::Error,
            "duplicate-id",
            meta,
            meta.place.pos,
            message,
            help,
        ));
        false
    };
    let documents = rules.iter().map(|rule| (&rule.meta, Some(rule)));
    let documents = documents.chain(correlations.iter().map(|document| (&document.meta, None)));
    let documents = documents.chain(filters.iter().map(|document| (&document.meta, None)));
    let kept: Vec<bool> = documents.map(is_free).collect();
    let mut kept = kept.into_iter();
    rules.retain(|_| kept.next() != Some(false));
    correlations.retain(|_| kept.next() != Some(false));
    filters.retain(|_| kept.next() != Some(false));
}

/// The same rule without places, for comparison.
fn without_places(rule: &Rule) -> Rule {
    let mut rule = rule.clone();
    rule.meta.place = super::ast::Place::default();
    rule.meta.related.iter_mut().for_each(|relation| relation.pos = Pos::default());
    rule.logsource_pos = Pos::default();
    for search in &mut rule.detection.searches {
        search.pos = Pos::default();
        clear(&mut search.body);
    }
    for condition in &mut rule.detection.conditions {
        condition.pos = Pos::default();
    }
    rule
}

/// A search nests two levels at most.
fn clear(search: &mut Search) {
    match search {
        Search::Any(members) => members.iter_mut().for_each(clear),
        Search::All(items) => {
            for item in items {
                item.pos = Pos::default();
                item.modifiers.iter_mut().for_each(|modifier| modifier.pos = Pos::default());
                item.values.iter_mut().for_each(|value| value.pos = Pos::default());
            }
        }
    }
}

fn duplicate_names(collection: &Collection, diagnostics: &mut Vec<Diagnostic>) {
    let mut first: HashMap<&str, &Metadata> = HashMap::new();
    let metas = collection.rules.iter().map(|rule| &rule.meta);
    let metas = metas.chain(collection.correlations.iter().map(|correlation| &correlation.meta));
    for meta in metas {
        let Some(name) = &meta.name else { continue };
        if let Some(first) = first.get(name.as_str()) {
            if first.id.is_some() && first.id == meta.id {
                continue;
            }
            let message = format!("the name {} belongs to {} already", quoted(name), first.place);
            diagnostics.push(finding(
                Severity::Warning,
                "duplicate-name",
                meta,
                meta.place.pos,
                message,
                "give each rule a name of its own: correlations cannot refer to this one",
            ));
        } else {
            first.insert(name, meta);
        }
    }
}

fn targets(collection: &Collection) -> HashMap<String, Target> {
    let mut targets: HashMap<String, Target> = HashMap::new();
    let mut add = |key: &Option<String>, target: Target, id: &Option<String>| {
        let Some(key) = key else { return };
        match targets.get(key) {
            None => {
                targets.insert(key.clone(), target);
            }
            Some(Target::Rule(known))
                if *id == collection.rules[*known].meta.id && id.is_some() => {}
            Some(known) if *known == target => {}
            Some(_) => {
                targets.insert(key.clone(), Target::Ambiguous);
            }
        }
    };
    for (at, rule) in collection.rules.iter().enumerate() {
        add(&rule.meta.id, Target::Rule(at), &rule.meta.id);
        add(&rule.meta.name, Target::Rule(at), &rule.meta.id);
    }
    for (at, correlation) in collection.correlations.iter().enumerate() {
        add(&correlation.meta.id, Target::Correlation(at), &correlation.meta.id);
        add(&correlation.meta.name, Target::Correlation(at), &correlation.meta.id);
    }
    targets
}

/// Refuses every correlation that does not lead to rules.
fn correlations(collection: &mut Collection, diagnostics: &mut Vec<Diagnostic>) {
    if collection.correlations.is_empty() {
        return;
    }
    let targets = targets(collection);
    let all = &collection.correlations;
    let mut accepted = vec![false; all.len()];
    // Why a correlation is refused already.
    let mut refused = vec![false; all.len()];
    // Kahn's algorithm: a correlation is accepted once everything that it lists is.
    let mut waiting = vec![0usize; all.len()];
    let mut parents: Vec<Vec<usize>> = vec![Vec::new(); all.len()];
    for (at, correlation) in all.iter().enumerate() {
        for rule in &correlation.rules {
            match targets.get(&rule.value) {
                Some(Target::Rule(_)) => {}
                Some(Target::Correlation(child)) => {
                    waiting[at] += 1;
                    parents[*child].push(at);
                }
                Some(Target::Ambiguous) => {
                    refused[at] = true;
                    let message = format!("{} is the name of several rules", quoted(&rule.value));
                    let help = "refer to the rule by its id";
                    diagnostics.push(finding(
                        Severity::Error,
                        "correlation-ambiguous",
                        &correlation.meta,
                        rule.pos,
                        message,
                        help,
                    ));
                }
                None => {
                    refused[at] = true;
                    diagnostics.push(unresolved(correlation, &rule.value, rule.pos, &targets));
                }
            }
        }
        refused[at] |= !aliases_resolve(correlation, &targets, diagnostics);
    }
    let mut ready: Vec<usize> =
        (0..all.len()).filter(|at| waiting[*at] == 0 && !refused[*at]).collect();
    while let Some(at) = ready.pop() {
        accepted[at] = true;
        for &parent in &parents[at] {
            waiting[parent] -= 1;
            if waiting[parent] == 0 && !refused[parent] {
                ready.push(parent);
            }
        }
    }
    for (at, correlation) in all.iter().enumerate() {
        if !accepted[at] && !refused[at] {
            diagnostics.push(stuck(at, correlation, all, &targets, &accepted));
        }
    }
    let mut keep = accepted.into_iter();
    collection.correlations.retain(|_| keep.next().unwrap_or(false));
}

fn unresolved(
    correlation: &Correlation,
    reference: &str,
    pos: Pos,
    targets: &HashMap<String, Target>,
) -> Diagnostic {
    let mut known: Vec<&str> = targets.keys().map(String::as_str).collect();
    known.sort_unstable();
    let suggestion = did_you_mean(similar(reference, known));
    let message = format!("no rule has the id or name {}{suggestion}", quoted(reference));
    let help = "load the rule together with this correlation, repair it if it was refused, or correct the reference";
    finding(Severity::Error, "correlation-unresolved", &correlation.meta, pos, message, help)
}

/// Aliases must speak about rules that the correlation lists.
fn aliases_resolve(
    correlation: &Correlation,
    targets: &HashMap<String, Target>,
    diagnostics: &mut Vec<Diagnostic>,
) -> bool {
    let listed = |reference: &str| {
        correlation.rules.iter().any(|rule| {
            rule.value == reference
                || targets
                    .get(&rule.value)
                    .is_some_and(|target| Some(target) == targets.get(reference))
        })
    };
    let mut resolve = true;
    for (alias, fields) in &correlation.aliases {
        for (reference, _) in fields {
            if !listed(reference) {
                resolve = false;
                let known = correlation.rules.iter().map(|rule| rule.value.as_str());
                let suggestion = did_you_mean(similar(reference, known));
                let message = format!(
                    "the alias {} names {}, which is not listed under `rules`{suggestion}",
                    quoted(alias),
                    quoted(reference)
                );
                let pos = correlation.meta.place.pos;
                let help = "use the ids or names of listed rules";
                diagnostics.push(finding(
                    Severity::Error,
                    "correlation-alias",
                    &correlation.meta,
                    pos,
                    message,
                    help,
                ));
            }
        }
    }
    resolve
}

/// A correlation whose own references are fine but that leads to a refused one or to itself.
fn stuck(
    start: usize,
    correlation: &Correlation,
    all: &[Correlation],
    targets: &HashMap<String, Target>,
    accepted: &[bool],
) -> Diagnostic {
    // Follow the first reference that is not accepted until one repeats or is refused itself.
    let mut path = vec![start];
    let mut seen = vec![false; all.len()];
    seen[start] = true;
    let mut at = start;
    loop {
        let next = all[at].rules.iter().find_map(|rule| match targets.get(&rule.value) {
            Some(Target::Correlation(child)) if !accepted[*child] => Some(*child),
            _ => None,
        });
        let Some(next) = next else { break };
        path.push(next);
        at = next;
        if seen[at] {
            break;
        }
        seen[at] = true;
    }
    let pos = correlation.rules.first().map_or(correlation.meta.place.pos, |rule| rule.pos);
    if path.len() > 1 && path[..path.len() - 1].contains(&at) {
        const SHOWN: usize = 8;
        let titles: Vec<String> =
            path.iter().take(SHOWN).map(|at| quoted(&all[*at].meta.title)).collect();
        let message = format!("the correlation leads back to itself: {}", titles.join(" -> "));
        let help = "remove one of the references";
        return finding(
            Severity::Error,
            "correlation-cycle",
            &correlation.meta,
            pos,
            message,
            help,
        );
    }
    let message = format!("{} is listed here but was refused", quoted(&all[at].meta.title));
    let help = "repair that correlation first";
    finding(Severity::Error, "correlation-unresolved", &correlation.meta, pos, message, help)
}
