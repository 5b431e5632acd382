//! One `field|modifier: value` line: from what the author wrote to predicates.

use super::bounds::Sum;
use super::ir::{Fields, Ir, KEYWORDS, OrderedNumber, PredicateKey, Predicates, Test};
use super::pattern::{Pattern, Utf16};
use super::regex;
use crate::event::number::{Number, NumberText};
use crate::limits;
use crate::rule::ast::{Item, Placeholders, Scalar};
use crate::ruleset::tables::{comparison, reference_mode, time_part};
use std::net::IpAddr;

/// What lowering needs to share predicates and fields.
pub struct Context<'a> {
    /// All predicates so far.
    pub predicates: &'a mut Predicates,
    /// All fields so far.
    pub fields: &'a mut Fields,
    /// What all rules so far come to.
    pub sum: &'a mut Sum,
    /// Texts for `expand`.
    pub placeholders: &'a Placeholders,
}

/// An item with its values kept apart, for `explain`.
pub struct LoweredItem {
    /// The whole item.
    pub ir: Ir,
    /// Each value: as written, and its condition.
    pub values: Vec<(String, Ir)>,
}

/// What the modifiers ask for.
#[derive(Default)]
struct Modifiers {
    all: bool,
    negated: bool,
    cased: bool,
    contains: bool,
    starts: bool,
    ends: bool,
    windash: bool,
    expand: bool,
    exists: bool,
    cidr: bool,
    field_ref: bool,
    /// Flags, if `re` is there.
    regex: Option<u32>,
    utf16: Option<Utf16>,
    base64: bool,
    base64_offset: bool,
    comparison: Option<u32>,
    time_part: Option<u32>,
}

impl Modifiers {
    fn read(item: &Item) -> Result<Modifiers, String> {
        let mut m = Modifiers::default();
        for modifier in &item.modifiers {
            match modifier.value.as_str() {
                "all" => m.all = true,
                "neq" => m.negated = true,
                "cased" => m.cased = true,
                "contains" => m.contains = true,
                "startswith" => m.starts = true,
                "endswith" => m.ends = true,
                "windash" => m.windash = true,
                "expand" => m.expand = true,
                "exists" => m.exists = true,
                "cidr" => m.cidr = true,
                "fieldref" => m.field_ref = true,
                "re" => m.regex = Some(m.regex.unwrap_or(0)),
                "i" | "ignorecase" => m.regex = Some(m.regex.unwrap_or(0) | 1),
                "m" | "multiline" => m.regex = Some(m.regex.unwrap_or(0) | 2),
                "s" | "dotall" => m.regex = Some(m.regex.unwrap_or(0) | 4),
                "wide" | "utf16le" => m.utf16 = Some(Utf16::Little),
                "utf16be" => m.utf16 = Some(Utf16::Big),
                "utf16" => m.utf16 = Some(Utf16::Marked),
                "base64" => m.base64 = true,
                "base64offset" => m.base64_offset = true,
                "gt" => m.comparison = Some(comparison::GT),
                "gte" => m.comparison = Some(comparison::GTE),
                "lt" => m.comparison = Some(comparison::LT),
                "lte" => m.comparison = Some(comparison::LTE),
                "minute" => m.time_part = Some(time_part::MINUTE),
                "hour" => m.time_part = Some(time_part::HOUR),
                "day" => m.time_part = Some(time_part::DAY),
                "week" => m.time_part = Some(time_part::WEEK),
                "month" => m.time_part = Some(time_part::MONTH),
                "year" => m.time_part = Some(time_part::YEAR),
                other => return Err(format!("unknown modifier `{other}`")),
            }
        }
        Ok(m)
    }
}

/// Gives an item its meaning.
///
/// # Errors
/// What the front end should have refused, or a limit.
pub fn lower(item: &Item, context: &mut Context<'_>) -> Result<LoweredItem, String> {
    let modifiers = Modifiers::read(item)?;
    let field = match &item.field {
        Some(name) => context.fields.intern(name),
        None => KEYWORDS,
    };
    let mut values = Vec::with_capacity(item.values.len());
    for value in &item.values {
        let ir = lower_value(field, &modifiers, &value.value, context)?;
        values.push((written(&value.value), ir));
    }
    if item.values.is_empty() {
        // `field: []` means null.
        let key = PredicateKey { field, test: Test::Null };
        values.push(("[]".to_owned(), Ir::Predicate(context.predicates.intern(key))));
    }
    let parts = values.iter().map(|(_, ir)| ir.clone());
    let ir = if modifiers.all { Ir::and(parts) } else { Ir::or(parts) };
    let ir = if modifiers.negated { Ir::negate(ir) } else { ir };
    Ok(LoweredItem { ir, values })
}

/// A value as the author would recognise it.
fn written(value: &Scalar) -> String {
    match value {
        Scalar::Null => "null".to_owned(),
        other => text(other).unwrap_or_default(),
    }
}

/// The text of a value; `None` for null.
fn text(value: &Scalar) -> Option<String> {
    let number = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match value {
        Scalar::Null => None,
        Scalar::Bool(value) => Some(value.to_string()),
        Scalar::Int(value) => Some(number(NumberText::new().int(*value))),
        Scalar::BigInt(digits) => Some(digits.clone()),
        Scalar::Float(value) => NumberText::new().float(*value).map(number),
        Scalar::Str(text) => Some(text.clone()),
    }
}

fn number(value: &Scalar) -> Result<OrderedNumber, String> {
    match value {
        Scalar::Int(value) => Ok(Number::Int(*value).into()),
        Scalar::Float(value) => Ok(Number::Float(*value).into()),
        Scalar::BigInt(digits) => digits
            .parse::<f64>()
            .map(|value| Number::Float(value).into())
            .map_err(|e| format!("`{digits}`: {e}")),
        other => Err(format!("`{}` is not a number", written(other))),
    }
}

fn lower_value(
    field: u32,
    m: &Modifiers,
    value: &Scalar,
    context: &mut Context<'_>,
) -> Result<Ir, String> {
    let mut predicate =
        |test: Test| Ir::Predicate(context.predicates.intern(PredicateKey { field, test }));
    if m.exists {
        let exists = predicate(Test::Exists);
        return match value {
            Scalar::Bool(true) => Ok(exists),
            Scalar::Bool(false) => Ok(Ir::negate(exists)),
            _ => Err("`exists` needs true or false".to_owned()),
        };
    }
    if let Some(part) = m.time_part {
        let comparison = m.comparison.unwrap_or(comparison::EQ);
        return Ok(predicate(Test::TimePart { part, comparison, number: number(value)? }));
    }
    if let Some(comparison) = m.comparison {
        return Ok(predicate(Test::Compare { comparison, number: number(value)? }));
    }
    let Some(text) = text(value) else {
        return Ok(predicate(Test::Null));
    };
    if m.field_ref {
        let mode = match (m.contains, m.starts, m.ends) {
            (true, _, _) | (_, true, true) => reference_mode::CONTAINS,
            (_, true, _) => reference_mode::PREFIX,
            (_, _, true) => reference_mode::SUFFIX,
            _ => reference_mode::EQUALS,
        };
        let other = context.fields.intern(&text);
        let test = Test::FieldRef { field: other, mode, cased: m.cased };
        return Ok(Ir::Predicate(context.predicates.intern(PredicateKey { field, test })));
    }
    let texts = if m.expand {
        super::placeholder::expand(&text, context.placeholders)?
    } else {
        vec![text]
    };
    let mut forms = Vec::new();
    for text in texts {
        forms.push(if m.cidr {
            lower_network(field, &text, context)?
        } else if let Some(flags) = m.regex {
            lower_regex(field, &text, flags, context)?
        } else {
            lower_text(field, m, &text, context)?
        });
    }
    Ok(Ir::or(forms))
}

fn lower_network(field: u32, text: &str, context: &mut Context<'_>) -> Result<Ir, String> {
    let network: ipnet::IpNet = match text.parse() {
        Ok(network) => network,
        Err(_) => text.parse::<IpAddr>().map_err(|_| format!("`{text}` is not a network"))?.into(),
    };
    let number = |address: IpAddr| match address {
        IpAddr::V4(v4) => i128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6) as i128,
    };
    let version = if network.addr().is_ipv4() { 4 } else { 6 };
    let test =
        Test::Cidr { version, first: number(network.network()), last: number(network.broadcast()) };
    Ok(Ir::Predicate(context.predicates.intern(PredicateKey { field, test })))
}

fn lower_regex(
    field: u32,
    source: &str,
    flags: u32,
    context: &mut Context<'_>,
) -> Result<Ir, String> {
    let prepared = regex::prepare(source, flags)?;
    context.sum.add_regex(&prepared.source, flags, prepared.size)?;
    let guards: Vec<Ir> = prepared
        .required
        .iter()
        .map(|literal| {
            let pattern = Pattern::literal(literal).open_start().open_end();
            let test = Test::Pattern { pattern, cased: false };
            Ir::Predicate(context.predicates.intern(PredicateKey { field, test }))
        })
        .collect();
    let test = Test::Regex { source: prepared.source, flags };
    let search = Ir::Predicate(context.predicates.intern(PredicateKey { field, test }));
    // The index finds the required literals anyway; the search runs only where one occurs.
    Ok(if guards.is_empty() { search } else { Ir::and([Ir::or(guards), search]) })
}

fn lower_text(
    field: u32,
    m: &Modifiers,
    text: &str,
    context: &mut Context<'_>,
) -> Result<Ir, String> {
    let mut pattern = Pattern::parse(text);
    if let Some(encoding) = m.utf16 {
        pattern = pattern.utf16(encoding);
    }
    let wildcard = || format!("`{text}`: a wildcard cannot be encoded");
    let mut patterns = if m.base64 {
        vec![pattern.base64().ok_or_else(wildcard)?]
    } else if m.base64_offset {
        pattern.base64_offsets().ok_or_else(wildcard)?
    } else {
        vec![pattern]
    };
    for pattern in &mut patterns {
        let mut changed = std::mem::take(pattern);
        if m.windash {
            changed = changed.windash();
        }
        let anywhere = m.contains || (field == KEYWORDS && !m.starts && !m.ends);
        if anywhere || m.ends {
            changed = changed.open_start();
        }
        if anywhere || m.starts {
            changed = changed.open_end();
        }
        if changed.pieces().len() > limits::PATTERN_PIECES {
            let most = limits::PATTERN_PIECES;
            return Err(format!(
                "a value of more than {most} literals, wildcards and flag dashes: use several values \
                 with `all`"
            ));
        }
        *pattern = if m.cased { changed } else { changed.folded() };
    }
    Ok(Ir::or(patterns.into_iter().map(|pattern| {
        let test = Test::Pattern { pattern, cased: m.cased };
        Ir::Predicate(context.predicates.intern(PredicateKey { field, test }))
    })))
}
