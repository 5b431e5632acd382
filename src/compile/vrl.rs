//! Rules as a program in Vector's remap language, for Vectors that cannot load a library.
//!
//! ```text
//! Collection --lower--> Ir over predicates --write--> one block for each field, a list of conditions
//! ```
//!
//! Enter at [`program`]. What stays true: the program means what the rules mean, for every event that VRL
//! holds as decoded fields, or the rule is refused with the reason.
//!
//! # Form of the program
//! VRL has no functions of users, and chains of `if` take it a time to compile that grows with the square of
//! their number. So the conditions are the elements of one list of booleans, and what tests of one
//! field share is worked out before, once.
//!
//! The texts of a field are one text, each between two [`EDGE`]s: that a value is `x`, begins with it or
//! ends with it is then that `EDGE x EDGE`, `EDGE x` or `x EDGE` occurs, for one value and for lists of
//! them. `downcase` is not simple folding: it leaves `ſ` as it is, which folds to `s`, and makes two characters of
//! `İ`, the first an `i`. Both are replaced before; then it is right for literals of ASCII. All other
//! literals are regular expressions, in which `(?i)` is simple folding.

use super::CompileError;
use super::bounds::{self, Sum};
use super::ir::{Fields, Ir, KEYWORDS, PredicateKey, Predicates, Test};
use super::item::Context;
use super::lower::lower;
use super::pattern::{DASHES, Pattern, Piece};
use crate::limits;
use crate::rule::ast::{Collection, Filter, LogSource, Rule};
use crate::rule::descriptor::Descriptor;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Stands between texts. It is no character, so logs do not have it; where one does, it is [`OTHER`].
const EDGE: char = '\u{FFFF}';
/// No character either, and in no literal.
const OTHER: char = '\u{FFFE}';

/// Writes the program.
///
/// # Errors
/// Every rule that the program cannot express, with the reason, and what exceeds a
/// [limit](crate::limits).
pub fn program(
    collection: &Collection,
    sources: &[Descriptor],
) -> Result<String, Vec<CompileError>> {
    let rules = super::emit::ordered(collection)?;
    let most = limits::VRL_RULES;
    if rules.len() > most {
        return Err(vec![bounds::whole(format!(
            "{} rules, the limit of a VRL program is {most}: every rule tests its fields anew for each event, so \
             the time grows with the rules; choose rules (--logsource, --min-level, --status), or use the Lua \
             module or `sigmatag serve`, which do not have that limit",
            rules.len()
        ))]);
    }
    let mut writer = Writer::default();
    let filters: Vec<&Filter> = collection.filters.iter().collect();
    let mut errors = Vec::new();
    let mut conditions = Vec::new();
    for (id, rule) in &rules {
        let error = |message| CompileError {
            place: rule.meta.place.clone(),
            subject: rule.meta.title.clone(),
            message,
        };
        let mut context = Context {
            predicates: &mut writer.predicates,
            fields: &mut writer.fields,
            sum: &mut writer.sum,
            placeholders: &collection.placeholders,
        };
        let lowered = match lower(rule, &filters, &mut context) {
            Ok(lowered) => lowered,
            Err(failed) => {
                errors.push(error(failed.message));
                continue;
            }
        };
        let checked = writer.check(&lowered.ir, rule, sources);
        match checked.and_then(|()| writer.expression(&lowered.ir)) {
            Ok(condition) => conditions.push((id.as_str(), *rule, condition)),
            Err(message) => errors.push(error(message)),
        }
    }
    if errors.is_empty() { Ok(writer.finish(&conditions)) } else { Err(errors) }
}

/// What the tests of a field need.
#[derive(Debug, Default)]
struct Needs {
    /// The text in lower case.
    folded: bool,
    /// The text as it is.
    cased: bool,
    /// Whether it is there.
    exists: bool,
}

#[derive(Default)]
struct Writer {
    predicates: Predicates,
    fields: Fields,
    sum: Sum,
    needs: BTreeMap<u32, Needs>,
    /// Statements that conditions refer to.
    counts: Vec<String>,
}

impl Writer {
    /// Refuses fields that only sigmatag has.
    fn check(&self, ir: &Ir, rule: &Rule, sources: &[Descriptor]) -> Result<(), String> {
        match ir {
            Ir::True | Ir::False => Ok(()),
            Ir::Not(inner) => self.check(inner, rule, sources),
            Ir::And(parts) | Ir::Or(parts) | Ir::AtLeast(_, parts) => {
                parts.iter().try_for_each(|part| self.check(part, rule, sources))
            }
            Ir::Predicate(id) => {
                let field = self.predicates.list()[*id as usize].field;
                let Some(name) = self.fields.names().get(field as usize) else { return Ok(()) };
                let derives = |source: &&Descriptor| {
                    source.derived.iter().any(|derived| derived.name == *name)
                        && source
                            .logsources
                            .iter()
                            .any(|own| agree(&own.logsource, &rule.logsource))
                };
                match sources.iter().find(derives) {
                    None => Ok(()),
                    Some(source) => Err(format!(
                        "the field `{name}` is computed from others for events of the source `{}`, which VRL \
                         cannot do: use the Lua module or `sigmatag serve`",
                        source.name
                    )),
                }
            }
        }
    }

    fn expression(&mut self, ir: &Ir) -> Result<String, String> {
        Ok(match ir {
            Ir::True => "true".to_owned(),
            Ir::False => "false".to_owned(),
            Ir::Not(inner) => format!("!({})", self.expression(inner)?),
            Ir::And(parts) => self.joined(parts, " && ")?,
            Ir::Or(parts) => self.joined(parts, " || ")?,
            Ir::AtLeast(count, parts) => {
                let list = self.joined(parts, ", ")?;
                let name = format!("count{}", self.counts.len());
                let list = &list[1..list.len() - 1];
                self.counts.push(format!(
                    "{name} = length(filter([{list}]) -> |_index, holds| {{ holds == true }})"
                ));
                format!("{name} >= {count}")
            }
            Ir::Predicate(id) => {
                let key = self.predicates.list()[*id as usize].clone();
                self.predicate(&key)?
            }
        })
    }

    fn joined(&mut self, parts: &[Ir], between: &str) -> Result<String, String> {
        let parts: Result<Vec<String>, String> =
            parts.iter().map(|part| self.expression(part)).collect();
        Ok(format!("({})", parts?.join(between)))
    }

    fn predicate(&mut self, key: &PredicateKey) -> Result<String, String> {
        let field = key.field;
        if field == KEYWORDS {
            return Err("keywords are looked for in every value of an event, which VRL cannot do \
                        for a list of rules: name a field"
                .to_owned());
        }
        let name = &self.fields.names()[field as usize];
        if name.chars().any(|c| c.is_control() || c == '"' || c == '\\') {
            return Err(format!("the field {name:?} has no path in VRL"));
        }
        let what = match &key.test {
            Test::Pattern { pattern, cased } => return self.pattern(field, pattern, *cased),
            Test::Regex { source, flags } => {
                self.needs.entry(field).or_default();
                return Ok(search(field, &format!("{}{source}", inline_flags(*flags))));
            }
            Test::Null => {
                self.needs.entry(field).or_default();
                return Ok(format!("is_null(value{field})"));
            }
            Test::Exists => {
                self.needs.entry(field).or_default().exists = true;
                return Ok(format!("there{field}"));
            }
            Test::Cidr { .. } => "`cidr`",
            Test::Compare { .. } => "a comparison of numbers",
            Test::FieldRef { .. } => "`fieldref`",
            Test::TimePart { .. } => "a part of a date",
        };
        Err(format!(
            "field `{name}`: {what} cannot be written in VRL with the same meaning: use the Lua module or \
             `sigmatag serve`"
        ))
    }

    fn pattern(&mut self, field: u32, pattern: &Pattern, cased: bool) -> Result<String, String> {
        let needs = self.needs.entry(field).or_default();
        let (starts, ends, literal) = match pattern.pieces() {
            [Piece::Any] => return Ok(format!("length(texts{field}) > 0")),
            [] => (true, true, &b""[..]),
            [Piece::Literal(text)] => (true, true, &text[..]),
            [Piece::Any, Piece::Literal(text)] => (false, true, &text[..]),
            [Piece::Literal(text), Piece::Any] => (true, false, &text[..]),
            [Piece::Any, Piece::Literal(text), Piece::Any] => (false, false, &text[..]),
            pieces => return expression_of(pieces, cased).map(|source| search(field, &source)),
        };
        let Some(text) = plain(literal) else {
            return expression_of(pattern.pieces(), cased).map(|source| search(field, &source));
        };
        let variable = if cased { "cased" } else { "folded" };
        needs.cased |= cased;
        needs.folded |= !cased;
        let edge = |is: bool| if is { EDGE.to_string() } else { String::new() };
        Ok(format!("contains({variable}{field}, \"{}{text}{}\")", edge(starts), edge(ends)))
    }

    fn finish(&self, conditions: &[(&str, &Rule, String)]) -> String {
        let mut out = format!(
            "# Sigma rules as a program of Vector's remap language; written by sigmatag {}: change the rules, not \
             this.\n# An event that rules match gets the field `sigma`.\n",
            env!("CARGO_PKG_VERSION")
        );
        for (field, needs) in &self.needs {
            write_field(&mut out, *field, &self.fields.names()[*field as usize], needs);
        }
        for count in &self.counts {
            let _ = writeln!(out, "{count}");
        }
        out.push_str("hits = [\n");
        for (_, rule, condition) in conditions {
            let title = rule.meta.title.replace(|c: char| c.is_control(), " ");
            let _ = writeln!(out, "  # {title}\n  {condition},");
        }
        out.push_str("]\nif includes(hits, true) {\n  rules = [\n");
        for (id, rule, _) in conditions {
            let level = rule.meta.level.map_or("", |level| level.as_str());
            let _ = writeln!(
                out,
                "    {{\"id\": {}, \"title\": {}, \"level\": {}, \"number\": {}}},",
                quoted(id),
                quoted(&rule.meta.title),
                quoted(level),
                super::level_number(rule.meta.level)
            );
        }
        out.push_str(
            "  ]\n  found = []\n  level = 0\n  for_each(hits) -> |index, hit| {\n    if hit == true {\n      \
             rule = object!(get!(rules, [index]))\n      number = int!(rule.number)\n      \
             if number > level { level = number }\n      del(rule.number)\n      \
             if rule.level == \"\" { del(rule.level) }\n      found = push(found, rule)\n    }\n  }\n  \
             .sigma = {\"rules\": found}\n  if level > 0 {\n    \
             .sigma.level = get!([\"\", \"informational\", \"low\", \"medium\", \"high\", \"critical\"], [level])\n  \
             }\n}\n.\n",
        );
        out
    }
}

fn agree(a: &LogSource, b: &LogSource) -> bool {
    let same = |a: &Option<String>, b: &Option<String>| a.is_none() || b.is_none() || a == b;
    same(&a.product, &b.product) && same(&a.category, &b.category) && same(&a.service, &b.service)
}

/// The variables of a field: `value`, `texts`, and what else is needed.
fn write_field(out: &mut String, field: u32, name: &str, needs: &Needs) {
    let path: Vec<&str> = name.split('.').collect();
    let quoted_path = |parts: &[&str]| {
        parts.iter().map(|part| format!(".\"{part}\"")).collect::<Vec<_>>().concat()
    };
    let whole = quoted_path(&[name]);
    let nested = quoted_path(&path);
    let (v, t) = (format!("value{field}"), format!("there{field}"));
    let _ = writeln!(out, "\n# {name}");
    if path.len() == 1 {
        let _ = writeln!(out, "{v} = {whole}\n{t} = exists({whole})");
    } else {
        // A key with dots in it wins; a path may lead through lists of objects.
        let lists: Vec<String> = (1..path.len())
            .map(|length| format!("is_array({})", quoted_path(&path[..length])))
            .collect();
        let _ = writeln!(
            out,
            "{v} = null\n{t} = false\nif exists({whole}) {{\n  {v} = {whole}\n  {t} = true\n}} else if {} {{\n  \
             reached = [{}]",
            lists.join(" || "),
            quoted_path(&path[..1])
        );
        for part in &path[1..] {
            let _ = writeln!(
                out,
                "  next = []\n  for_each(flatten(reached)) -> |_index, one| {{\n    if is_object(one) && \
                 includes(keys(object!(one)), \"{part}\") {{ next = push(next, get!(one, [\"{part}\"])) }}\n  }}\n  \
                 reached = next"
            );
        }
        let _ = writeln!(
            out,
            "  if length(reached) > 0 {{\n    {v} = reached\n    {t} = true\n  }}\n}} else {{\n  {v} = {nested}\n  \
             {t} = exists({nested})\n}}"
        );
    }
    let clean = |value: &str| format!("replace({value}, \"{EDGE}\", \"{OTHER}\")");
    let _ = writeln!(
        out,
        "texts{field} = []\nif is_string({v}) {{\n  texts{field} = [{}]\n}} else if is_array({v}) {{\n  \
         for_each(flatten(array!({v}))) -> |_index, one| {{\n    if is_string(one) {{ texts{field} = push(texts{field}, {}) \
         }} else if is_integer(one) || is_float(one) || is_boolean(one) || is_timestamp(one) {{ texts{field} = \
         push(texts{field}, to_string!(one)) }}\n  }}\n}} else if is_integer({v}) || is_float({v}) || is_boolean({v}) \
         || is_timestamp({v}) {{\n  texts{field} = [to_string!({v})]\n}}",
        clean(&format!("string!({v})")),
        clean("string!(one)"),
    );
    if !needs.folded && !needs.cased {
        return;
    }
    let _ = writeln!(
        out,
        "cased{field} = \"\"\nif length(texts{field}) > 0 {{ cased{field} = \"{EDGE}\" + join!(texts{field}, \"{EDGE}\") + \
         \"{EDGE}\" }}"
    );
    if needs.folded {
        let _ = writeln!(
            out,
            "folded{field} = downcase(replace(replace(cased{field}, \"\u{17F}\", \"s\"), \"\u{130}\", \"{OTHER}\"))"
        );
    }
}

fn search(field: u32, source: &str) -> String {
    format!("match_array(texts{field}, r'{}')", unquoted(source))
}

/// A regular expression without the quote that would end its literal.
fn unquoted(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut characters = source.chars();
    while let Some(c) = characters.next() {
        match c {
            '\'' => out.push_str(r"\x27"),
            '\\' => match characters.next() {
                Some('\'') => out.push_str(r"\x27"),
                Some(escaped) => out.extend(['\\', escaped]),
                None => out.push('\\'),
            },
            _ => out.push(c),
        }
    }
    out
}

fn inline_flags(flags: u32) -> String {
    let names = [(1, 'i'), (2, 'm'), (4, 's')];
    let set: String =
        names.iter().filter(|(bit, _)| flags & bit != 0).map(|(_, name)| *name).collect();
    if set.is_empty() { set } else { format!("(?{set})") }
}

/// The literal inside quotes, if it is printable ASCII.
fn plain(literal: &[u8]) -> Option<String> {
    let is_plain = literal.iter().all(|byte| matches!(byte, b' '..=b'~'));
    is_plain.then(|| escaped(&String::from_utf8_lossy(literal)))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(&text.replace(|c: char| c.is_control(), " ")))
}

/// `{{` would begin a template.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('{', "\\{").replace('}', "\\}")
}

/// A pattern as a regular expression for the whole text.
fn expression_of(pieces: &[Piece], cased: bool) -> Result<String, String> {
    let mut out = String::from(if cased { r"(?s)\A" } else { r"(?si)\A" });
    for piece in pieces {
        match piece {
            Piece::Any => out.push_str(".*"),
            Piece::One => out.push('.'),
            Piece::Dash => {
                out.push('[');
                for dash in DASHES {
                    let _ = write!(out, "\\x{{{:x}}}", u32::from(dash));
                }
                out.push(']');
            }
            Piece::Literal(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if text.contains([EDGE, OTHER]) => {
                    return Err("a value with U+FFFE or U+FFFF cannot be looked for".to_owned());
                }
                // A control character has no place in a literal of VRL.
                Ok(text) => text.chars().for_each(|c| {
                    if c.is_alphanumeric() {
                        out.push(c);
                    } else {
                        let _ = write!(out, "\\x{{{:x}}}", u32::from(c));
                    }
                }),
                Err(_) => {
                    return Err("a value is not UTF-8 once encoded, and VRL's texts are".to_owned());
                }
            },
        }
    }
    out.push_str(r"\z");
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_end_a_literal() {
        assert_eq!(unquoted(r"it's \' \\' \d"), r"it\x27s \x27 \\\x27 \d");
        assert_eq!(escaped(r#"a\b "{{x}}""#), r#"a\\b \"\{\{x\}\}\""#);
        assert_eq!(quoted("a\nb"), "\"a b\"");
    }

    #[test]
    fn patterns_are_expressions() {
        let pattern = Pattern::parse("a.b*?\u{1}ä").folded();
        let source = expression_of(pattern.pieces(), false).expect("UTF-8");
        assert_eq!(source, "(?si)\\Aa\\x{2e}b.*.\\x{1}ä\\z");
        let regex = regex::Regex::new(&source).expect("a regex");
        assert!(regex.is_match("A.B\n12\u{1}Ä") && !regex.is_match("a.b\u{1}ä"));
        let dashes = Pattern::parse(" -x").windash();
        let source = expression_of(dashes.pieces(), true).expect("UTF-8");
        assert!(regex::Regex::new(&source).expect("a regex").is_match(" \u{2014}x"));
    }
}
