use super::*;

const KNOWN: [&str; 8] = ["a", "b", "c", "sel_x", "sel_y", "_hidden", "notepad", "all_x"];

fn ok(text: &str) -> Expr {
    let (expr, problems) = parse(text, &KNOWN, Names::Searches);
    assert!(problems.is_empty(), "{text}: {problems:?}");
    expr.expect("an expression")
}

fn problem(text: &str) -> Problem {
    let (expr, mut problems) = parse(text, &KNOWN, Names::Searches);
    assert!(expr.is_none(), "{text} was accepted");
    problems.pop().expect("a problem")
}

fn search(name: &str) -> Expr {
    Expr::Search(name.to_owned())
}

fn not(expr: Expr) -> Expr {
    Expr::Not(Box::new(expr))
}

#[test]
fn not_binds_tighter_than_and_than_or() {
    let expected = Expr::Or(vec![
        Expr::And(vec![search("a"), not(search("b"))]),
        Expr::And(vec![not(search("c")), search("b")]),
    ]);
    assert_eq!(ok("a and not b or not c and b"), expected);
    assert_eq!(ok("not (a and b)"), not(Expr::And(vec![search("a"), search("b")])));
    assert_eq!(ok("not not a"), not(not(search("a"))));
    assert_eq!(
        ok("a and(b or c)"),
        Expr::And(vec![search("a"), Expr::Or(vec![search("b"), search("c")])])
    );
}

#[test]
fn chains_and_parentheses_are_flat() {
    let chain = Expr::And(vec![search("a"), search("b"), search("c")]);
    assert_eq!(ok("a and b and c"), chain);
    assert_eq!(ok("a and (b and c)"), chain);
    assert_eq!(ok("((a and b)) and c"), chain);
    assert_eq!(ok("(((((a)))))"), search("a"));
}

#[test]
fn keywords_are_whole_tokens() {
    assert_eq!(ok("notepad"), search("notepad"));
    assert_eq!(ok("all_x"), search("all_x"));
    assert_eq!(ok("not notepad"), not(search("notepad")));
}

#[test]
fn selectors() {
    assert_eq!(ok("1 of them"), Expr::Of(Quantifier::AtLeast(1), Target::Them));
    assert_eq!(ok("any of them"), ok("1 of them"));
    assert_eq!(ok("all of sel_*"), Expr::Of(Quantifier::All, Target::Pattern("sel_*".to_owned())));
    assert_eq!(
        ok("not 2 of sel*_* and a"),
        Expr::And(vec![
            not(Expr::Of(Quantifier::AtLeast(2), Target::Pattern("sel*_*".to_owned()))),
            search("a")
        ])
    );
}

#[test]
fn selectors_that_never_hold_are_warned_about() {
    for (text, code) in [
        ("a or 1 of nothing_*", "selector-matches-nothing"),
        ("a or all of nothing_*", "selector-matches-nothing"),
        ("a or 3 of sel_*", "selector-too-few"),
        ("a or 1 of *hidden", "selector-matches-nothing"),
    ] {
        let (expr, problems) = parse(text, &KNOWN, Names::Searches);
        assert!(expr.is_some(), "{text}");
        assert_eq!(problems.len(), 1, "{text}");
        assert_eq!((problems[0].code, problems[0].severity), (code, Severity::Warning));
    }
    assert_eq!(
        ok("1 of _hid*"),
        Expr::Of(Quantifier::AtLeast(1), Target::Pattern("_hid*".to_owned()))
    );
}

#[test]
fn errors_have_a_code_and_a_column() {
    for (text, code, offset) in [
        ("", "condition-syntax", 0),
        ("  ", "condition-syntax", 0),
        ("or a", "condition-syntax", 0),
        ("a and and b", "condition-syntax", 6),
        ("a and", "condition-syntax", 5),
        ("(a and b", "condition-syntax", 0),
        ("a and b)", "condition-syntax", 7),
        ("()", "condition-syntax", 1),
        ("not", "condition-syntax", 3),
        ("a b", "condition-syntax", 2),
        ("a not b", "condition-syntax", 2),
        ("a & b", "condition-syntax", 2),
        ("a and é", "condition-syntax", 6),
        ("of them", "condition-syntax", 0),
        ("them", "condition-syntax", 0),
        ("0 of them", "condition-syntax", 0),
        ("1 of", "condition-syntax", 2),
        ("1 of (a)", "condition-syntax", 2),
        ("1 of and", "condition-syntax", 5),
        ("1", "condition-syntax", 0),
        ("all", "condition-syntax", 0),
        ("99999999999 of them", "condition-limit", 0),
        ("a*", "condition-pattern", 0),
        ("a AND b", "condition-case", 2),
        ("a and (a OR b)", "condition-case", 9),
        ("NOT a", "condition-case", 0),
        ("1 OF them", "condition-case", 2),
        ("ALL of them", "condition-case", 0),
        ("1 of THEM", "condition-case", 5),
        ("a | count() by x > 5", "condition-aggregation", 2),
        ("a | near b", "condition-aggregation", 2),
        ("a and selectoin", "unknown-identifier", 6),
    ] {
        let problem = problem(text);
        assert_eq!((problem.code, problem.offset), (code, offset), "{text}: {problem:?}");
        assert!(problem.help.is_some(), "{text} has no repair");
    }
}

#[test]
fn every_unknown_identifier_is_reported() {
    let (_, problems) = parse("sel_z or x1 and a", &KNOWN, Names::Searches);
    let offsets: Vec<usize> = problems.iter().map(|problem| problem.offset).collect();
    assert_eq!(offsets, [0, 9]);
    assert!(problems[0].message.contains("did you mean `sel_x`?"), "{}", problems[0].message);
}

#[test]
fn rule_references_have_no_quantifiers() {
    let (expr, problems) = parse("a and not b", &["a", "b"], Names::RuleReferences);
    assert!(expr.is_some() && problems.is_empty());
    let (expr, problems) = parse("1 of them", &["a", "b"], Names::RuleReferences);
    assert!(expr.is_none());
    assert_eq!(problems[0].code, "condition-syntax");
}

#[test]
fn redundant_parentheses_are_free_but_nesting_is_capped() {
    let deep = format!("{}a{}", "(".repeat(30_000), ")".repeat(30_000));
    assert_eq!(ok(&deep), search("a"));
    let long = vec!["a"; 10_000].join(" or ");
    assert!(matches!(ok(&long), Expr::Or(members) if members.len() == 10_000));

    let nested = |levels: usize| {
        let mut text = "a".to_owned();
        for level in 0..levels {
            text = format!("(b {} {text})", if level % 2 == 0 { "and" } else { "or" });
        }
        text
    };
    ok(&nested(limits::CONDITION_DEPTH - 1));
    assert_eq!(problem(&nested(limits::CONDITION_DEPTH)).code, "condition-limit");
    assert_eq!(problem(&format!("{}a", "not ".repeat(2000))).code, "condition-limit");
    assert_eq!(problem(&"a or ".repeat(20_000)).code, "condition-limit");
}

#[test]
fn patterns_cover_whole_names() {
    for (pattern, name, expected) in [
        ("sel*", "sel", true),
        ("sel*", "selection", true),
        ("*_x", "a_x_x", true),
        ("s*ct*n_*", "selection_x", true),
        ("s*ct*n_*", "selection", false),
        ("selection", "selection", true),
        ("selection", "selection_x", false),
        ("**", "", true),
        ("*a*", "bbb", false),
    ] {
        assert_eq!(pattern_matches(pattern, name), expected, "{pattern} on {name}");
    }
}
