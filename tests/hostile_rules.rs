//! Rule sets made to exhaust the compiler: what exceeds a limit is refused with the limit and the
//! repair, and what stays below all of them compiles in bounded time and memory.
#![cfg(feature = "compile")]

mod memory;

use memory::Held;
use sigmatag::compile::{self, Options};
use sigmatag::limits;
use sigmatag::rule::ast::Placeholders;
use sigmatag::rule::diagnostic::Severity;
use sigmatag::rule::load::{Loaded, load_paths, load_text};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// What a rule set may hold while it is read and compiled, or refused.
const MOST_MEMORY: usize = 1 << 30;
/// What that may take on a busy machine without optimisation.
const MOST_TIME: Duration = Duration::from_secs(60);

/// A rule with this detection, flow style, without its braces.
fn rule(title: &str, detection: &str) -> String {
    format!("title: {title}\nlogsource: {{product: test}}\ndetection: {{{detection}}}\n---\n")
}

/// `count` values of a list.
fn list(count: usize, value: impl Fn(usize) -> String) -> String {
    (0..count).map(value).collect::<Vec<_>>().join(", ")
}

/// The errors of loading and compiling.
fn outcome(loaded: &Loaded) -> Vec<String> {
    let errors = loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error);
    let errors: Vec<String> = errors.map(ToString::to_string).collect();
    if !errors.is_empty() {
        return errors;
    }
    match compile::compile(&loaded.collection, &Options::default()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// Looks at rules within the bounds of time and memory.
fn bounded(what: &str, work: impl FnOnce() -> Vec<String>) -> Vec<String> {
    let (start, memory) = (Instant::now(), Held::begin());
    let errors = work();
    let (took, peak) = (start.elapsed(), memory.peak());
    println!("{what}: {took:?}, {} MiB, {:?}", peak >> 20, errors.first());
    assert!(took <= MOST_TIME, "{what}: {took:?}");
    assert!(peak <= MOST_MEMORY, "{what}: {peak} bytes");
    errors
}

fn examined(what: &str, rules: &str, placeholders: &Placeholders) -> Vec<String> {
    bounded(what, || outcome(&load_text("rules.yml", rules, placeholders)))
}

/// Rules that must be refused: the message names place, limit and repair.
fn refused(what: &str, rules: &str, place: &str, limit: impl ToString, repair: &str) {
    refused_with(what, rules, &Placeholders::new(), place, &limit.to_string(), repair);
}

fn refused_with(
    what: &str,
    rules: &str,
    placeholders: &Placeholders,
    place: &str,
    limit: &str,
    repair: &str,
) {
    let errors = examined(what, rules, placeholders);
    let error = errors.first().unwrap_or_else(|| panic!("{what} compiles"));
    for part in [place, limit, repair] {
        assert!(error.contains(part), "{what}: no `{part}` in: {error}");
    }
}

fn compiles(what: &str, rules: &str) {
    assert_eq!(examined(what, rules, &Placeholders::new()), [""; 0], "{what}");
}

#[test]
fn conditions_that_multiply_lists() {
    let values = list(10_000, |number| format!("v{number}"));
    let named = vec!["a"; 5_000].join(" or ");
    let rules = rule("Bomb", &format!("a: {{f: [{values}]}}, condition: {named}"));
    refused(
        "one list, named often",
        &rules,
        "rules.yml:1:1: rule `Bomb`",
        limits::TESTS,
        "name long lists once",
    );

    let searches = list(limits::SEARCHES, |number| format!("s{number}: {{f: [v{number}, w]}}"));
    let terms = vec!["1 of s*"; 1_000].join(" and ");
    let rules = rule("Bomb", &format!("{searches}, condition: {terms}"));
    refused(
        "many searches, named often",
        &rules,
        "rule `Bomb`",
        limits::TESTS,
        "name long lists once",
    );

    let values = list(1_000, |number| format!("v{number}"));
    let named = vec!["a"; 100].join(" or ");
    let filter = format!(
        "title: F\nlogsource: {{product: test}}\nfilter: {{rules: any, a: {{f: [{values}]}}, \
         condition: not ({named})}}\n---\n"
    );
    let rules = |count: usize| -> String {
        (0..count).map(|at| rule(&format!("R{at}"), "s: {g: x}, condition: s")).collect()
    };
    compiles("a long filter for some rules", &(filter.clone() + &rules(19)));
    let many = filter + &rules(400);
    let repair = "compile several rule sets";
    refused("a long filter for many rules", &many, "rule `R", limits::TESTS, repair);
}

#[test]
fn long_lists_of_conditions() {
    let long = vec!["a"; 3_000].join(" or ");
    let conditions = list(8, |_| long.clone());
    let rules = rule("Long", &format!("a: {{f: x}}, condition: [{conditions}]"));
    refused(
        "conditions together",
        &rules,
        "rules.yml:3",
        limits::CONDITION_BYTES,
        "split the rule",
    );
    let rules =
        rule("Many", &format!("a: {{f: x}}, condition: [{}]", list(300, |_| "a".to_owned())));
    refused("conditions", &rules, "rules.yml:3", limits::CONDITIONS, "join them with `or`");
}

#[test]
fn too_many_rules_and_references() {
    // More than one file may have.
    let errors = bounded("rules", || {
        let text: String = (0..=limits::RULES / 2)
            .map(|at| rule(&format!("R{at}"), "s: {f: x}, condition: s"))
            .collect();
        let mut loaded = load_text("a.yml", &text, &Placeholders::new());
        let more = load_text("b.yml", &text.replace("title: R", "title: S"), &Placeholders::new());
        loaded.collection.rules.extend(more.collection.rules);
        outcome(&loaded)
    });
    let expected = "65538 rules, the limit is 65536: compile several rule sets";
    assert_eq!(errors, [expected]);

    let names = list(limits::FILTER_REFERENCES + 1, |at| format!("n{at}"));
    let filter = format!(
        "title: F\nlogsource: {{product: test}}\nfilter: {{rules: [{names}], a: {{f: x}}, \
         condition: not a}}\n---\n"
    );
    let rules = filter + &rule("R", "s: {f: x}, condition: s");
    refused(
        "references of filters",
        &rules,
        "65537 rules",
        limits::FILTER_REFERENCES,
        "rules: any",
    );
}

#[test]
fn too_many_fields_and_searches() {
    let fields = list(limits::FIELDS + 1, |at| format!("f{at}: x"));
    let rules = rule("Wide", &format!("s: {{{fields}}}, condition: s"));
    refused("fields", &rules, "rule `Wide`", limits::FIELDS, "several rule sets");
    let searches = list(limits::SEARCHES + 1, |at| format!("s{at}: {{f: x}}"));
    let rules = rule("Split", &format!("{searches}, condition: s1"));
    refused("searches", &rules, "rules.yml:3", limits::SEARCHES, "split the rule");
}

#[test]
fn values_that_are_too_long() {
    for chain in ["", "|contains", "|endswith|cased", "|base64offset|contains", "|wide|base64"] {
        let value = "x".repeat(limits::VALUE_BYTES + 1);
        let rules = rule("Giant", &format!("s: {{\"f{chain}\": {value}}}, condition: s"));
        refused("a giant literal", &rules, "rules.yml:3", limits::VALUE_BYTES, "shorten it");
        // At the limit, each of them other: what is made of them is a few times their size.
        let values = list(20, |at| format!("{at:03}{}", "x".repeat(limits::VALUE_BYTES - 3)));
        let rules = rule("Large", &format!("s: {{\"f{chain}\": [{values}]}}, condition: s"));
        compiles(&format!("literals of 64 KiB{chain}"), &rules);
    }
}

#[test]
fn values_of_many_wildcards() {
    for (chain, piece) in [("", "a*"), ("|contains", "a?"), ("|windash", " -a")] {
        let with = |pieces: usize| {
            let value = piece.repeat(pieces / 2);
            rule("Stars", &format!("s: {{\"f{chain}\": '{value}'}}, condition: s"))
        };
        compiles("some wildcards", &with(limits::PATTERN_PIECES - 2));
        let many = with(limits::PATTERN_PIECES + 2);
        refused("wildcards", &many, "rule `Stars`", limits::PATTERN_PIECES, "several values");
    }
}

#[test]
fn placeholders_that_combine() {
    let values: Vec<String> = (0..1000).map(|at| at.to_string()).collect();
    let placeholders = Placeholders::from([("p".to_owned(), values)]);
    for (value, limit) in [
        ("%p%".repeat(3), limits::EXPANSIONS),
        (format!("%p%{}", "x".repeat(60_000)), limits::EXPANSION_BYTES),
    ] {
        let rules = rule("Many", &format!("s: {{\"f|expand\": \"{value}\"}}, condition: s"));
        let repair = "use fewer in one value";
        refused_with(
            "placeholders",
            &rules,
            &placeholders,
            "rule `Many`",
            &limit.to_string(),
            repair,
        );
    }
}

#[test]
fn regular_expressions() {
    let one = |title: &str, pattern: &str| {
        rule(title, &format!("s: {{\"f|re\": '{pattern}'}}, condition: s"))
    };
    let place = "rules.yml:3";
    let long = "a".repeat(limits::REGEX_BYTES + 1);
    refused("a long expression", &one("Long", &long), place, limits::REGEX_BYTES, "shorten it");
    let large = one("Large", "(?:a{1000}){2000}");
    refused("large repetitions", &large, place, limits::REGEX_SIZE, "lower its repetition counts");
    let classes = one("Classes", &r"\pL".repeat(20_000));
    refused("classes", &classes, place, limits::REGEX_SIZE, "shorten it");
    let deep = one("Deep", &format!("{}a{}", "(".repeat(200), ")".repeat(200)));
    refused("a deep expression", &deep, place, "nest", "");
    let steps = one("Steps", "(?:a{1000}){300}");
    let repair = "lower its repetition counts";
    refused("a long program", &steps, place, limits::MAX_REGEX_STEPS, repair);

    let many: String =
        (0..=limits::REGEXES).map(|at| one(&format!("R{at}"), &format!("x{at}$"))).collect();
    refused("expressions", &many, "rule `R", limits::REGEXES, "use `contains`");
    let together: String =
        (0..40).map(|at| one(&format!("R{at}"), &format!("{at}(?:a{{1000}}){{250}}"))).collect();
    refused("expressions together", &together, "rule `R", limits::REGEXES_SIZE, "lower the counts");
}

/// Automata that would have a state for every subset, expressions whose literals combine, Unicode
/// classes again and again.
#[test]
fn expressions_that_explode_are_cut_short() {
    let mut rules = String::new();
    for at in 0..20 {
        for pattern in [
            format!("{at}[ab]*a[ab]{{{}}}c", 10 + at),
            format!(r"(?i)\w{{1,{}}}[^\d]\W\S{at}", 8 + at),
            format!("({at}[a-d]?[a-d]?[a-d]?[a-d]?[a-d]?[a-d]?[a-d]?)+"),
            format!(
                "(?:{})+$",
                (0..200).map(|word| format!("{word}x{at}")).collect::<Vec<_>>().join("|")
            ),
        ] {
            let title = format!("R{}", rules.len());
            rules += &rule(&title, &format!("s: {{\"f|re\": '{pattern}'}}, condition: s"));
        }
    }
    compiles("expressions that explode", &rules);
}

#[test]
fn yaml_of_too_many_parts() {
    let repair = "split it into several files";
    let values = "a,".repeat(limits::YAML_NODES);
    let rules = rule("Nodes", &format!("s: {{f: [{values}]}}, condition: s"));
    refused("values of a file", &rules, "rules.yml:3", limits::YAML_NODES, repair);
    let documents = "---\n".repeat(limits::YAML_NODES + 1);
    refused("documents of a file", &documents, "rules.yml:", limits::YAML_NODES, repair);
    let brackets = format!("a: {}{}", "[".repeat(200), "]".repeat(200));
    refused("brackets", &brackets, "rules.yml:1", limits::YAML_DEPTH, "six levels");
    let wrong = "- x\n---\n".repeat(200_000);
    assert!(!examined("wrong documents", &wrong, &Placeholders::new()).is_empty());
}

#[test]
fn files_that_are_too_large_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let comment = format!("#{}\n", "x".repeat(1023)).repeat((15 << 20) / 1024);
    for name in ["a", "b", "c", "d", "e"] {
        std::fs::write(folder.path().join(format!("{name}.yml")), &comment).expect("a file");
    }
    let paths = [folder.path().to_owned()];
    let errors = bounded("files", || outcome(&load_paths(&paths, &Placeholders::new())));
    let mut expected = String::new();
    let _ = write!(expected, "more than {} bytes together", limits::ALL_FILES_BYTES);
    assert!(errors.len() == 1 && errors[0].contains(&expected), "{errors:?}");
    assert!(errors[0].contains("e.yml") && errors[0].contains("were not read"), "{errors:?}");
}

#[test]
fn long_chains_of_correlations() {
    let mut text = rule("R", "s: {f: x}, condition: s").replace("title: R", "title: R\nname: c0");
    for at in 1..30_000 {
        let _ = write!(
            text,
            "title: C{at}\nname: c{at}\ncorrelation: {{type: event_count, rules: [c{}], \
             timespan: 1m, group-by: [u], condition: {{gte: 2}}}}\n---\n",
            at - 1
        );
    }
    compiles("a chain of correlations", &text);
}

#[test]
fn large_sets_compile() {
    let hash = |at: usize| format!("{:032x}", (at as u128 + 1) * 0x9E37_79B9_7F4A_7C15_F39C_0C69);
    let hashes = format!("s: {{\"h|contains\": [{}]}}, condition: s", list(50_000, hash));
    compiles("a list of hashes", &rule("Hashes", &hashes));
    let rules: String = (0..20_000)
        .map(|at| {
            format!(
                "title: R{at}\nlogsource: {{product: p{at}}}\ndetection:\n  \
                 s: {{c|contains: \"{}\", i|endswith: '\\x{at}'}}\n  condition: s\n---\n",
                hash(at)
            )
        })
        .collect();
    compiles("many rules, each of its own log source", &rules);
}
