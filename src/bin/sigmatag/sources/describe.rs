//! One source, explained.

use serde_json::{Value, json};
use sigmatag::compile::logsource_text;
use sigmatag::rule::descriptor::{CanonicalField, DerivedField, Descriptor, FieldTest, TestGroup};
use sigmatag::source::TestKind;
use std::fmt::Write as _;

/// A condition in words.
pub fn condition(groups: &[TestGroup]) -> String {
    let group = |group: &TestGroup| {
        let mut parts: Vec<String> = group.all.iter().map(test).collect();
        let any: Vec<String> = group.any.iter().map(test).collect();
        match &any[..] {
            [] => {}
            [one] => parts.push(one.clone()),
            _ if parts.is_empty() && groups.len() == 1 => return any.join(", or "),
            _ => parts.push(format!("({})", any.join(", or "))),
        }
        parts.join(" and ")
    };
    groups.iter().map(group).collect::<Vec<_>>().join("; or ")
}

/// A test in words.
pub fn test(test: &FieldTest) -> String {
    let verb = match test.kind {
        TestKind::Is => "is",
        TestKind::Contains => "contains",
        TestKind::Exists => return format!("there is `{}`", test.path),
    };
    format!("`{}` {verb} {}", test.path, test.values.join(" or "))
}

/// For people.
pub fn text(source: &Descriptor) -> String {
    let mut out = format!("{}: {}\n", source.name, source.title);
    if let Some(description) = &source.description {
        let _ = writeln!(out, "{}", description.trim());
    }
    let _ = writeln!(out, "described at {}", source.place);
    let _ = writeln!(out, "\nrecognised if\n  {}", condition(&source.when));
    let own = source.logsources.iter().map(|own| {
        let name = logsource_text(&own.logsource);
        match (own.when.is_empty(), own.otherwise) {
            (false, _) => format!("{name}  if {}", condition(&own.when)),
            (true, true) => format!("{name}  if none of the others"),
            (true, false) => name,
        }
    });
    section(&mut out, "log sources (product/category/service)", own);
    let texts = source.text_payloads.iter().map(|text| {
        let when = match &text.when[..] {
            [] => String::new(),
            groups => format!("  if {}", condition(groups)),
        };
        format!("{}  {}{when}", text.path, text.encoding.name())
    });
    let objects =
        source.containers.iter().map(|path| format!("{path}  objects, or arrays of them"));
    section(&mut out, "the event may be inside", texts.chain(objects));
    section(&mut out, "fields taken from around the event", source.inherited.iter().cloned());
    section(&mut out, "objects that may arrive as JSON text", source.json_strings.iter().cloned());
    section(&mut out, "fields, and where they are taken from", source.fields.iter().map(field));
    let lifts = source.lifts.iter().map(|path| format!("{path}  every member is a field"));
    section(&mut out, "lifted objects", lifts);
    let positions = source.positions.iter().map(|named| {
        let names = named.names.iter().map(|name| name.as_deref().unwrap_or("-"));
        let names = names.collect::<Vec<_>>().join(", ");
        let when = if named.when.is_empty() {
            String::new()
        } else {
            format!("  if {}", condition(&named.when))
        };
        format!("{}[{}]{when}: {names}", named.path, named.names.len())
    });
    section(&mut out, "names by position", positions);
    let variants = source.variants.iter().flat_map(|variant| {
        let heading = format!("if {}", condition(&variant.when));
        std::iter::once(heading).chain(variant.fields.iter().map(|f| format!("  {}", field(f))))
    });
    section(&mut out, "fields of some events", variants);
    section(&mut out, "derived fields", source.derived.iter().map(derived));
    out
}

fn section(out: &mut String, heading: &str, lines: impl Iterator<Item = String>) {
    for (at, line) in lines.enumerate() {
        if at == 0 {
            let _ = writeln!(out, "\n{heading}");
        }
        let _ = writeln!(out, "  {line}");
    }
}

fn field(field: &CanonicalField) -> String {
    format!("{:<24} {}", field.name, field.paths.join(", "))
}

fn derived(field: &DerivedField) -> String {
    let decoder = field.decoder.name();
    if field.from.is_empty() {
        return format!("{:<24} {decoder} {}", field.name, field.text).trim_end().to_owned();
    }
    format!("{:<24} {decoder} of {}", field.name, field.from.join(", "))
}

/// For programs.
pub fn report(source: &Descriptor) -> Value {
    let fields = |fields: &[CanonicalField]| -> Value {
        fields.iter().map(|field| (field.name.clone(), json!(field.paths))).collect()
    };
    let optional = |groups: &[TestGroup]| (!groups.is_empty()).then(|| condition(groups));
    json!({
        "name": source.name,
        "title": source.title,
        "description": source.description,
        "at": source.place.to_string(),
        "when": condition(&source.when),
        "logsources": source.logsources.iter().map(|own| json!({
            "logsource": logsource_text(&own.logsource),
            "when": optional(&own.when),
            "otherwise": own.otherwise,
        })).collect::<Vec<_>>(),
        "payloads": source.text_payloads.iter().map(|text| json!({
            "path": text.path, "encoding": text.encoding.name(), "when": optional(&text.when),
        })).collect::<Vec<_>>(),
        "containers": source.containers,
        "inherited": source.inherited,
        "json_strings": source.json_strings,
        "fields": fields(&source.fields),
        "lifts": source.lifts,
        "positions": source.positions.iter().map(|named| json!({
            "path": named.path, "when": optional(&named.when), "names": named.names,
        })).collect::<Vec<_>>(),
        "variants": source.variants.iter().map(|variant| json!({
            "when": condition(&variant.when), "fields": fields(&variant.fields),
        })).collect::<Vec<_>>(),
        "derived": source.derived.iter().map(|field| json!({
            "name": field.name, "decoder": field.decoder.name(), "from": field.from,
        })).collect::<Vec<_>>(),
    })
}
