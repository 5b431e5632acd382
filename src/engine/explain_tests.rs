use super::*;
use crate::compile;
use crate::rule::ast::Placeholders;
use crate::rule::descriptor::built_in;
use crate::rule::load::load_text;

const RULES: &str = "\
title: Shell by name or switch
id: a
logsource:
    product: windows
detection:
    selection:
        Image|endswith:
            - '\\cmd.exe'
            - '\\sh.exe'
        CommandLine|contains|all:
            - ' /c '
            - 'whoami'
    filter:
        User: null
    condition: selection and not filter
---
title: Keyword
id: b
logsource:
    category: any
detection:
    keywords:
        - needle
        - 7
    condition: keywords
---
title: Other user
id: c
logsource:
    product: mysql
detection:
    selection:
        user|neq: app
        host|exists: true
        owner|fieldref: user
    condition: selection
---
title: Expression
id: d
logsource:
    product: mysql
detection:
    selection:
        sql|re: 'sleep\\(\\d+\\)'
    condition: selection
";

fn rules(strip_debug: bool) -> RuleSet {
    let loaded = load_text("rules.yml", RULES, &Placeholders::new());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let options = compile::Options { strip_debug, sources: built_in(), ..Default::default() };
    compile::rule_set(&loaded.collection, &options).expect("rules compile")
}

fn explain(rule: u32, record: &str, logsource: &str) -> Explanation {
    let rules = rules(false);
    let mut explainer = Explainer::new(&rules).expect("debug section");
    let mut all = Vec::new();
    let json = Encoding::Json;
    explainer
        .explain(rule, record.as_bytes(), json, logsource.as_bytes(), |e| all.push(e))
        .expect("well-formed");
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn text(text: &str) -> Found {
    Found::Text(text.to_owned())
}

#[test]
fn every_part_has_its_verdict_line_and_witness() {
    let record = r#"{"Image":["C:\\x\\CMD.exe","/bin/sh"],"CommandLine":"cmd /c dir","User":"u"}"#;
    let found = explain(0, record, "");
    assert!(found.applies && !found.holds && !found.matched);
    let selection = &found.selections[0];
    assert_eq!((selection.name.as_str(), selection.line, selection.held), ("selection", 6, false));
    let image = &selection.items[0];
    assert_eq!((image.key.as_str(), image.line, image.held), ("Image|endswith", 7, true));
    assert_eq!(image.fields[0].values, [text("C:\\x\\CMD.exe"), text("/bin/sh")]);
    let [cmd, sh] = &image.values[..] else { panic!("{image:?}") };
    assert_eq!((cmd.text.as_str(), cmd.held, sh.held), ("\\cmd.exe", true, false));
    let field = Some("Image".to_owned());
    assert_eq!(cmd.witnesses, [Witness { field, value: text("C:\\x\\CMD.exe") }]);
    assert!(sh.witnesses.is_empty());
    let line = &selection.items[1];
    assert!(!line.held && line.values[0].held && !line.values[1].held);
    let filter = &found.selections[1];
    assert_eq!((filter.name.as_str(), filter.held), ("filter", false));
}

#[test]
fn a_missing_field_is_not_present_and_is_null() {
    let found = explain(0, r#"{"Image":"\\cmd.exe","CommandLine":" /c whoami"}"#, "");
    assert!(found.selections[0].held && found.selections[1].held && !found.matched);
    let user = &found.selections[1].items[0];
    assert!(user.held && !user.fields[0].present && user.values[0].witnesses.is_empty());
    let found = explain(0, r#"{"User":null}"#, "");
    let user = &found.selections[1].items[0];
    assert!(user.held && user.fields[0].present);
    assert_eq!(user.values[0].witnesses[0].value, Found::Null);
}

#[test]
fn keywords_name_no_field() {
    let found = explain(1, r#"{"a":{"b":["x","a NEEDLE"]},"c":7}"#, "");
    assert!(found.matched);
    let item = &found.selections[0].items[0];
    assert_eq!(item.key, "keywords");
    assert!(item.fields.is_empty() && item.held);
    assert_eq!(item.values[0].witnesses, [Witness { field: None, value: text("a NEEDLE") }]);
    assert_eq!(item.values[1].witnesses, [Witness { field: None, value: Found::Int(7) }]);
}

#[test]
fn negated_items_and_field_references() {
    let found = explain(2, r#"{"user":"app","host":5,"owner":"APP"}"#, "");
    let [user, host, owner] = &found.selections[0].items[..] else { panic!("{found:?}") };
    assert!(!user.held && user.values[0].held);
    assert_eq!(user.values[0].witnesses[0].value, text("app"));
    assert!(host.held);
    assert_eq!(host.values[0].witnesses[0].value, Found::Int(5));
    assert!(owner.held);
    let names: Vec<&str> = owner.fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(names, ["owner", "user"]);
}

#[test]
fn literals_behind_an_expression_are_no_witnesses() {
    let found = explain(3, r#"{"sql":["sleep(x)","SLEEP(1)"]}"#, "");
    let value = &found.selections[0].items[0].values[0];
    assert!(!value.held && value.witnesses.is_empty(), "{value:?}");
    let found = explain(3, r#"{"sql":["sleep(x)","sleep(12)"]}"#, "");
    let value = &found.selections[0].items[0].values[0];
    let field = Some("sql".to_owned());
    assert!(value.held);
    assert_eq!(value.witnesses, [Witness { field, value: text("sleep(12)") }]);
}

#[test]
fn a_rule_of_another_log_source_does_not_apply() {
    let record = r#"{"user":"root","host":"h","owner":"root"}"#;
    let found = explain(2, record, "");
    assert!(found.matched && found.logsources.is_empty());
    let found = explain(2, record, "windows//");
    assert!(found.holds && !found.applies && !found.matched);
    assert_eq!(found.logsources, ["windows//"]);
    assert!(explain(2, record, "mysql//").matched);
}

#[test]
fn every_event_of_a_record_is_explained() {
    let event = |user: &str| {
        format!(
            r#"{{"category":"MySqlAuditLogs","operationName":"LogEvent","resourceId":"/x/MICROSOFT.DBFORMYSQL/FLEXIBLESERVERS/S","properties":{{"event_class":"general_log","user":"{user}","host":"h","owner":"root"}}}}"#
        )
    };
    let record = format!(r#"{{"records":[{},{}]}}"#, event("app"), event("root"));
    let rules = rules(false);
    let mut explainer = Explainer::new(&rules).expect("debug section");
    let mut all = Vec::new();
    let outcome = explainer
        .explain(2, record.as_bytes(), Encoding::Json, b"", |e| all.push(e))
        .expect("well-formed");
    assert_eq!((outcome.events, outcome.recognised), (2, 2));
    assert_eq!(all.iter().map(|e| e.event).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(all[0].source.as_deref(), Some("azure-mysql"));
    assert!(!all[0].logsources.is_empty());
    assert!(all[0].selections[0].items[0].values[0].held);
    assert!(!all[1].selections[0].items[0].values[0].held);
}

#[test]
fn bad_records_and_stripped_rule_sets_are_refused() {
    let rules_with = rules(false);
    let mut explainer = Explainer::new(&rules_with).expect("debug section");
    assert_eq!(explainer.place(0), "rules.yml:1");
    assert_eq!(explainer.condition(0), "selection and not filter");
    let mut run = |record: &[u8], max: u32| {
        explainer.max_record = max;
        explainer.explain(0, record, Encoding::Json, b"", |_| panic!("nothing to explain"))
    };
    assert!(matches!(run(b"{\"a\":", 100), Err(MatchError::Malformed { .. })));
    assert!(matches!(run(b"{\"a\":1}", 3), Err(MatchError::Unexamined { .. })));
    let deep = ["[".repeat(100), "]".repeat(100)].concat();
    let deep = format!("{{\"a\":{deep}}}");
    assert!(matches!(run(deep.as_bytes(), 1000), Err(MatchError::Unexamined { .. })));
    assert_eq!(Explainer::new(&rules(true)).err(), Some(Unexplainable::Stripped));
}
