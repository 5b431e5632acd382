use super::*;
use crate::rule::ast::{Expr, Item, Scalar, Search};

const RULE: &str = "title: T\nlogsource:\n    category: test\ndetection:\n    s:\n        F: x\n    condition: s\n";

fn load(text: &str) -> Loaded {
    load_text("t.yml", text, &Placeholders::new())
}

fn codes(loaded: &Loaded) -> Vec<&'static str> {
    loaded.diagnostics.iter().map(|diagnostic| diagnostic.code).collect()
}

/// A rule whose selection has these lines.
fn with_items(lines: &[&str]) -> String {
    let body: String = lines.iter().map(|line| format!("        {line}\n")).collect();
    format!(
        "title: T\nlogsource:\n    category: test\ndetection:\n    s:\n{body}    condition: s\n"
    )
}

fn items(loaded: &Loaded, rule: usize, search: &str) -> Vec<Item> {
    let search = loaded.collection.rules[rule].detection.search(search).expect("the search");
    match &search.body {
        Search::All(items) => items.clone(),
        Search::Any(_) => panic!("not a map"),
    }
}

fn text(value: &str) -> Scalar {
    Scalar::Str(value.to_owned())
}

#[test]
fn a_rule_keeps_its_values_and_places() {
    let loaded = load(&with_items(&["Field.Name|contains|all:", "    - 00000429", "    - 16"]));
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let item = &items(&loaded, 0, "s")[0];
    assert_eq!(item.field.as_deref(), Some("Field.Name"));
    assert_eq!(item.pos, Pos { line: 6, column: 9 });
    let modifiers: Vec<_> = item.modifiers.iter().map(|m| (m.value.as_str(), m.pos)).collect();
    assert_eq!(
        modifiers,
        [("contains", Pos { line: 6, column: 20 }), ("all", Pos { line: 6, column: 29 }),]
    );
    let values: Vec<_> = item.values.iter().map(|v| (v.value.clone(), v.pos.line)).collect();
    assert_eq!(values, [(text("00000429"), 7), (Scalar::Int(16), 8)]);
    assert!(item.is_list);
    let condition = &loaded.collection.rules[0].detection.conditions[0];
    assert_eq!(condition.expr, Expr::Search("s".to_owned()));
    assert_eq!(condition.pos, Pos { line: 9, column: 16 });
    assert_eq!(loaded.collection.rules[0].logsource_pos, Pos { line: 2, column: 1 });
}

#[test]
fn byte_order_mark_crlf_and_empty_documents_change_nothing() {
    let plain = load(RULE).collection.rules;
    let crlf = RULE.replace('\n', "\r\n");
    for text in [
        format!("\u{feff}{RULE}"),
        crlf,
        format!("---\n---\n{RULE}---\n# nothing\n").replacen("---\n---\n", "", 1),
    ] {
        let loaded = load(&text);
        assert_eq!(loaded.collection.rules, plain, "{text:?}");
        assert!(loaded.diagnostics.is_empty() && loaded.refused == 0, "{text:?}");
    }
}

#[test]
fn searches_are_maps_lists_and_keywords() {
    let body = "title: T\nlogsource:\n    category: test\ndetection:\n    kw:\n        - a\n        - 4625\n    one: b\n    maps:\n        - F: x\n          G: y\n        - c\n    condition: kw or one or maps\n";
    let loaded = load(body);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let kw = &items(&loaded, 0, "kw")[0];
    assert_eq!((kw.field.as_deref(), kw.is_list, kw.values.len()), (None, true, 2));
    let one = &items(&loaded, 0, "one")[0];
    assert_eq!((one.is_list, one.values[0].value.clone()), (false, text("b")));
    let maps = loaded.collection.rules[0].detection.search("maps").expect("maps");
    let Search::Any(members) = &maps.body else { panic!("a list of maps is an alternative") };
    assert!(matches!(&members[0], Search::All(items) if items.len() == 2));
    assert!(matches!(&members[1], Search::All(items) if items[0].field.is_none()));
}

#[test]
fn an_empty_value_list_stays_empty() {
    let loaded = load(&with_items(&["F: []", "4624: ~"]));
    assert_eq!(codes(&loaded), ["empty-value-list"]);
    let items = items(&loaded, 0, "s");
    assert!(items[0].values.is_empty() && items[0].is_list);
    assert_eq!(items[1].field.as_deref(), Some("4624"));
    assert_eq!(items[1].values[0].value, Scalar::Null);
}

#[test]
fn reading_resumes_after_a_broken_document() {
    let text = format!("a: [\n---\n{RULE}---\nb: 'open\n---\n--- {{\n---\n{RULE}");
    let loaded = load(&text);
    assert_eq!(loaded.collection.rules.len(), 2, "{:?}", loaded.diagnostics);
    assert!(codes(&loaded).iter().all(|code| *code == "yaml-syntax"), "{:?}", codes(&loaded));
    assert_eq!(loaded.refused, 3);
    let places: Vec<u32> =
        loaded.collection.rules.iter().map(|rule| rule.meta.place.pos.line).collect();
    assert_eq!(places, [3, 15]);
}

#[test]
fn directives_belong_to_the_document_after_them() {
    let text =
        format!("# head\n%YAML 1.2\n---\n{RULE}...\n# next\n%YAML 1.2\n---\n{RULE}---\n{RULE}");
    let loaded = load(&text);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let lines: Vec<u32> =
        loaded.collection.rules.iter().map(|rule| rule.meta.place.pos.line).collect();
    assert_eq!(lines, [4, 15, 23]);
}

#[test]
fn a_file_of_broken_documents_is_read_in_linear_time() {
    let loaded = load(&"[\n---\n".repeat(20_000));
    assert_eq!(loaded.refused, 20_000);
    let last = loaded.diagnostics.last().expect("one");
    assert!(last.place.pos.line > 39_990, "{last}");
}

#[test]
fn several_problems_of_a_document_are_reported_in_order() {
    let text = with_items(&["F|contians: x", "G|re: '['", "H|cidr: foo"])
        .replace("condition: s", "condition: t and u");
    let loaded = load(&text);
    assert_eq!(
        codes(&loaded),
        [
            "unknown-modifier",
            "regex-invalid",
            "cidr-invalid",
            "unknown-identifier",
            "unknown-identifier"
        ]
    );
    assert!(loaded.diagnostics.iter().all(|d| d.subject.as_deref() == Some("T")));
    assert_eq!((loaded.refused, loaded.collection.rules.len()), (1, 0));
}

#[test]
fn a_global_template_is_merged_deeply_and_wins() {
    let text = "action: global\ntitle: G\nlogsource:\n    product: linux\ndetection:\n    base:\n        A: 1\n        B: 2\n    condition: base and own\n---\ntitle: ignored\nlogsource:\n    category: test\ndetection:\n    base:\n        B: 3\n        C: 4\n    own:\n        F: x\n---\naction: reset\n---\n".to_owned() + RULE;
    let loaded = load(&text);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let rules = &loaded.collection.rules;
    assert_eq!(rules.len(), 2);
    assert_eq!(rules[0].meta.title, "G");
    assert_eq!(rules[0].logsource.product.as_deref(), Some("linux"));
    assert_eq!(rules[0].logsource.category.as_deref(), Some("test"));
    let base = items(&loaded, 0, "base");
    let pairs: Vec<_> = base
        .iter()
        .map(|item| (item.field.as_deref().expect("field"), item.values[0].value.clone()))
        .collect();
    assert_eq!(pairs, [("B", Scalar::Int(2)), ("C", Scalar::Int(4)), ("A", Scalar::Int(1))]);
    assert_eq!(rules[1].meta.title, "T");
}

#[test]
fn repeat_merges_over_the_rule_before() {
    let text = format!("{RULE}---\naction: repeat\ntitle: U\ndetection:\n    s:\n        G: y\n");
    let loaded = load(&text);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    assert_eq!(loaded.collection.rules[1].meta.title, "U");
    assert_eq!(items(&loaded, 0, "s").len(), 1);
    assert_eq!(items(&loaded, 1, "s").len(), 2);

    let broken = format!("{RULE}---\na: [\n---\naction: repeat\ntitle: U\n");
    assert_eq!(codes(&load(&broken)), ["yaml-syntax", "action-repeat"]);
}

#[test]
fn templates_cannot_multiply_without_bound() {
    let value = "x".repeat(1 << 20);
    let mut text = with_items(&[&format!("F: {value}")]);
    for _ in 0..limits::TEMPLATE_BYTES / value.len() + 2 {
        text.push_str("---\naction: repeat\ntitle: T\n");
    }
    let loaded = load(&text);
    assert!(codes(&loaded).contains(&"template-limit"), "{:?}", codes(&loaded));
}

#[test]
fn alias_bombs_and_deep_nesting_are_refused() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let members = vec![format!("*a{}", level - 1); 9].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{members}]\n"));
    }
    bomb.push_str("---\n");
    bomb.push_str(RULE);
    let loaded = load(&bomb);
    assert_eq!(codes(&loaded), ["yaml-alias-bomb"]);
    assert_eq!((loaded.refused, loaded.collection.rules.len()), (1, 1));

    for deep in ["[".repeat(200), "- ".repeat(5000), "{a: ".repeat(100)] {
        let loaded = load(&format!("{deep}\n---\n{RULE}"));
        assert!(
            codes(&loaded).iter().all(|code| ["yaml-depth", "yaml-syntax"].contains(code)),
            "{:?}",
            codes(&loaded)
        );
        assert_eq!((loaded.refused, loaded.collection.rules.len()), (1, 1));
    }
    assert_eq!(
        codes(&load(&format!("a: {}{}\n", "[".repeat(100), "]".repeat(100)))),
        ["yaml-depth"]
    );
}

#[test]
fn duplicate_keys_are_found_in_large_maps() {
    let lines: Vec<String> = (0..100).map(|at| format!("F{at}: x")).collect();
    let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert!(load(&with_items(&lines)).diagnostics.is_empty());
    lines.push("'F50': y");
    assert_eq!(codes(&load(&with_items(&lines))), ["duplicate-key"]);
}

#[test]
fn problems_and_searches_are_capped() {
    let lines: Vec<String> = (0..1000).map(|at| format!("F{at}|nope: x")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let loaded = load(&with_items(&lines));
    assert_eq!(loaded.diagnostics.len(), limits::DIAGNOSTICS + 1);
    assert_eq!(codes(&loaded).last(), Some(&"too-many-problems"));

    let searches: String =
        (0..=limits::SEARCHES).map(|at| format!("    s{at}:\n        F: x\n")).collect();
    let text = format!(
        "title: T\nlogsource:\n    category: test\ndetection:\n{searches}    condition: s1\n"
    );
    assert_eq!(codes(&load(&text)), ["too-many-searches"]);
}

#[test]
fn columns_within_folded_and_quoted_conditions() {
    for (condition, line, column) in [
        ("s and xyz", 7, 22),
        ("\"s and xyz\"", 7, 23),
        (">-\n        s\n        and xyz", 9, 13),
        ("s\n        and\n        xyz", 9, 9),
    ] {
        let loaded = load(&RULE.replace("condition: s", &format!("condition: {condition}")));
        assert_eq!(codes(&loaded), ["unknown-identifier"], "{condition}");
        let diagnostic = &loaded.diagnostics[0];
        assert_eq!(diagnostic.place.pos, Pos { line, column }, "{condition}");
        assert_eq!(diagnostic.length, 3);
    }
}

#[test]
fn a_text_that_is_too_large_is_refused() {
    let loaded = load(&" ".repeat(limits::RULE_FILE_BYTES + 1));
    assert_eq!(codes(&loaded), ["file-too-large"]);
}

#[test]
fn folders_are_read_in_order_without_hidden_names() {
    let folder = tempfile::tempdir().expect("folder");
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("b/c")).expect("folder");
    fs::create_dir_all(path(".git")).expect("folder");
    fs::create_dir_all(path("empty")).expect("folder");
    for (name, title) in
        [("z.yml", "z"), ("a.yaml", "a"), ("b/c/m.yml", "m"), (".git/x.yml", "x"), ("n.txt", "n")]
    {
        fs::write(path(name), RULE.replace("title: T", &format!("title: {title}"))).expect("file");
    }
    fs::write(path("bad.yml"), b"title: a\nx: \xc3\xa9\xff\n").expect("file");
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path(), path("b/loop")).expect("link");

    let paths = [folder.path().to_owned(), path("z.yml"), path("missing.yml"), path("empty")];
    let loaded = load_paths(&paths, &Placeholders::new());
    let titles: Vec<&str> =
        loaded.collection.rules.iter().map(|rule| rule.meta.title.as_str()).collect();
    assert_eq!(titles, ["a", "m", "z"]);
    assert_eq!(loaded.sources.len(), 3);
    assert_eq!(codes(&loaded), ["file-not-utf8", "file-unreadable", "no-rule-files"]);
    assert_eq!(loaded.diagnostics[0].place.pos, Pos { line: 2, column: 5 });
    assert!(loaded.diagnostics[1].place.file.ends_with("missing.yml"));
    assert!(loaded.has_errors());
}

/// Any text ends with findings, never with a panic: cut and stir good rules.
#[test]
fn mangled_rules_never_panic() {
    let seed = with_items(&[
        "F|re|i: '^(a|b)$'",
        "G|contains|expand: '%x%'",
        "H|cidr: 10.0.0.0/8",
        "I|base64offset|contains: \"a\\\\b\"",
        "'|all': [x, *y]",
    ]);
    let characters: Vec<char> = seed.chars().collect();
    let noise =
        ['[', '{', '*', '&', '\'', '"', '|', '\n', ':', '-', '%', '!', '\u{feff}', 'é', '('];
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("small")
    };
    for _ in 0..3000 {
        let mut text = characters.clone();
        for _ in 0..=random(6) {
            let at = random(text.len());
            match random(3) {
                0 => text[at] = noise[random(noise.len())],
                1 => text.insert(at, noise[random(noise.len())]),
                _ => {
                    text.remove(at);
                }
            }
        }
        let text: String = text.into_iter().collect();
        let loaded = load(&text);
        let documents = loaded.collection.rules.len() + loaded.refused;
        assert!(documents > 0 || !loaded.diagnostics.is_empty(), "{text}");
        assert_eq!(loaded.refused > 0, loaded.has_errors(), "{text}");
    }
}
