//! The tables of docs/normalization.md are those of `destinations/`.
#![cfg(feature = "compile")]

mod common;

use common::{assert_committed, root};
use sigmatag::destination::Form;
use sigmatag::rule::descriptor::{Choice, Condition, Document, Member, TestGroup, destinations};
use sigmatag::source::TestKind;
use std::fmt::Write as _;

fn code(texts: &[String]) -> String {
    texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", ")
}

fn test_group(group: &TestGroup) -> String {
    let part = |tests: &[sigmatag::rule::descriptor::FieldTest], between: &str| {
        let one = |test: &sigmatag::rule::descriptor::FieldTest| {
            let values = code(&test.values);
            match test.kind {
                TestKind::Exists => format!("there is `{}`", test.path),
                TestKind::Is => format!("`{}` is {values}", test.path),
                TestKind::Contains => format!("`{}` contains {values}", test.path),
            }
        };
        tests.iter().map(one).collect::<Vec<_>>().join(between)
    };
    let parts = [part(&group.all, " and "), part(&group.any, " or ")];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" and ")
}

fn condition(condition: &Condition) -> String {
    let mut parts = Vec::new();
    if !condition.logsources.is_empty() {
        let names = condition.logsources.iter().filter_map(|logsource| logsource.category.clone());
        parts.push(format!("of {}", code(&names.collect::<Vec<_>>())));
    }
    if !condition.when.is_empty() {
        parts.push(condition.when.iter().map(test_group).collect::<Vec<_>>().join(", or "));
    }
    match parts.is_empty() {
        true => String::new(),
        false => format!(" if {}", parts.join(" and ")),
    }
}

fn choice(choice: &Choice) -> String {
    let from = choice.from.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" - ");
    let what = match choice.form {
        Form::Text => from,
        Form::Original => "the event as it came".to_owned(),
        Form::Constant => format!("the text {}", code(&choice.values)),
        Form::ConstantList => format!("the list {}", code(&choice.values)),
        Form::ConstantNumber => format!("the number {}", choice.number),
        Form::Distinct if choice.each == Form::Text => format!("list of {from}"),
        Form::Distinct => format!("list of {from}, each as {}", name(choice.each)),
        Form::Lookup => {
            let mut rows: Vec<(String, Vec<&str>)> = Vec::new();
            for (key, result) in &choice.table {
                match rows.iter_mut().find(|(known, _)| known == result) {
                    Some((_, keys)) => keys.push(key),
                    None => rows.push((result.clone(), vec![key])),
                }
            }
            let rows: Vec<String> = rows
                .iter()
                .map(|(result, keys)| format!("`{result}` ({})", keys.join(", ")))
                .collect();
            format!("by {from}: {}", rows.join(", "))
        }
        form => format!("{from} as {}", name(form)),
    };
    what + &condition(&choice.condition)
}

fn name(form: Form) -> &'static str {
    Form::NAMED.into_iter().find(|(_, known)| *known == form).expect("a name").0
}

/// Rows of those members that `other` does not have in the same way.
fn table(document: &Document, other: &[Member]) -> String {
    let mut text = String::from("| member | value |\n|---|---|\n");
    for member in document.members.iter().filter(|member| !other.contains(member)) {
        let choices: Vec<String> = member.choices.iter().map(choice).collect();
        let _ = writeln!(
            text,
            "| `{}` | {} |",
            member.name,
            choices.join("; else ").replace("`|`", "`\\|`")
        );
    }
    text
}

#[test]
fn tables_are_those_of_the_data() {
    let path = "docs/normalization.md";
    let committed = std::fs::read_to_string(root().join(path)).expect("the document");
    let all = destinations();
    let sekoia = &all[0];
    let mut shown = Vec::new();
    let mut text = String::new();
    let mut parts = committed.split("<!-- begin: ");
    text.push_str(parts.next().expect("the beginning"));
    for part in parts {
        let (place, rest) = part.split_once(" -->\n").expect("a place");
        let (_, behind) = rest.split_once("<!-- end -->").expect("an end");
        let (destination, document) = place.split_once('/').expect("destination/document");
        let destination = all.iter().find(|own| own.name == destination).expect("a destination");
        let found = destination.documents.iter().find(|own| own.name == document);
        let base = sekoia.documents.iter().find(|own| own.name == document);
        let others = base.filter(|_| destination.name == "ecs").map_or(&[][..], |own| &own.members);
        let table = table(found.expect("a document"), others);
        let _ = write!(text, "<!-- begin: {place} -->\n{table}<!-- end -->{behind}");
        shown.push(place.to_owned());
    }
    assert_committed(path, &text);
    for destination in &all {
        for document in &destination.documents {
            let place = format!("{}/{}", destination.name, document.name);
            let said = shown.contains(&place) || place == "ecs/linux-file";
            assert!(said, "docs/normalization.md does not show {place}");
        }
    }
}
