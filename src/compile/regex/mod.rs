//! Regular expressions at compile time: dialect and required literals here, programs and automata
//! in files of their own.

pub mod automaton;
mod determinise;
mod graph;
pub mod program;

use crate::event::fold::fold;
use crate::limits;
use regex_syntax::ast::{self, Ast};
use regex_syntax::hir::{Class, Hir, HirKind};

/// An expression ready for the tables.
pub struct Prepared {
    /// Its source in Rust's syntax and semantics.
    pub source: String,
    /// Characters and classes, with counted repetitions multiplied out.
    pub size: u64,
    /// Shortest match in bytes.
    pub min_len: u32,
    /// The parsed source.
    pub hir: Hir,
    /// Folded literals of which every matching text contains at least one; empty if unknown.
    pub required: Vec<Vec<u8>>,
}

/// Reads an expression.
///
/// # Errors
/// If Rust's syntax does not know it or a limit is exceeded.
pub fn prepare(source: &str, flags: u32) -> Result<Prepared, String> {
    let source = dollar_before_final_newline(source, flags)?;
    let hir = parse(&source, flags)?;
    let required = required_literals(&hir);
    let min_len = hir.properties().minimum_len().unwrap_or(0).min(u32::MAX as usize) as u32;
    Ok(Prepared { source, size: size(&hir), min_len, hir, required })
}

/// Characters and classes, with counted repetitions multiplied out: about the steps of a program.
fn size(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
            size(&repetition.sub).saturating_mul(u64::from(times))
        }
        HirKind::Capture(capture) => size(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(size).fold(1, u64::saturating_add)
        }
    }
}

fn parse(source: &str, flags: u32) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new()
        .utf8(false)
        .case_insensitive(flags & 1 != 0)
        .multi_line(flags & 2 != 0)
        .dot_matches_new_line(flags & 4 != 0)
        .nest_limit(limits::REGEX_DEPTH)
        .build()
        .parse(source)
        .map_err(|e| e.to_string())
}

/// PCRE's `$` also matches before a final newline, Rust's does not. A `$` that ends the
/// expression or a branch becomes `(?:\n?\z)`; one that is followed by something is left alone,
/// as nothing but a newline could follow it.
fn dollar_before_final_newline(source: &str, flags: u32) -> Result<String, String> {
    let mut tree = ast::parse::ParserBuilder::new()
        .nest_limit(limits::REGEX_DEPTH)
        .build()
        .parse(source)
        .map_err(|e| e.to_string())?;
    if !rewrite_tail(&mut tree, flags & 2 != 0)? {
        return Ok(source.to_owned());
    }
    let mut out = String::new();
    ast::print::Printer::new().print(&tree, &mut out).map_err(|e| e.to_string())?;
    Ok(out)
}

/// Rewrites the `$` at the ends of branches; returns whether there was one.
fn rewrite_tail(tree: &mut Ast, multi_line: bool) -> Result<bool, String> {
    match tree {
        Ast::Assertion(assertion)
            if assertion.kind == ast::AssertionKind::EndLine && !multi_line =>
        {
            *tree = ast::parse::Parser::new().parse(r"(?:\n?\z)").map_err(|e| e.to_string())?;
            Ok(true)
        }
        Ast::Group(group) => {
            let inner = match &group.kind {
                ast::GroupKind::NonCapturing(flags) => {
                    flags.flag_state(ast::Flag::MultiLine).unwrap_or(multi_line)
                }
                _ => multi_line,
            };
            rewrite_tail(&mut group.ast, inner)
        }
        Ast::Alternation(alternation) => {
            let mut any = false;
            for branch in &mut alternation.asts {
                any |= rewrite_tail(branch, multi_line)?;
            }
            Ok(any)
        }
        Ast::Concat(concat) => {
            let mut state = multi_line;
            for part in &concat.asts {
                if let Ast::Flags(set) = part {
                    state = set.flags.flag_state(ast::Flag::MultiLine).unwrap_or(state);
                }
            }
            // Flags and empty groups after the `$` consume nothing.
            match concat.asts.iter_mut().rev().find(|a| !matches!(a, Ast::Flags(_) | Ast::Empty(_)))
            {
                Some(last) => rewrite_tail(last, state),
                None => Ok(false),
            }
        }
        _ => Ok(false),
    }
}

/// Most alternatives that a set of required literals may have.
const MAX_ALTERNATIVES: usize = 64;

#[derive(Default)]
struct Literals {
    /// The expression matches exactly these texts (folded), if they are few.
    exact: Option<Vec<Vec<u8>>>,
    /// Every match contains one of these.
    best: Vec<Vec<u8>>,
    /// Every match begins with one of these and ends with one of them (a repetition).
    edge: Option<Vec<Vec<u8>>>,
}

fn required_literals(hir: &Hir) -> Vec<Vec<u8>> {
    let set = known(analyse(hir));
    if shortest(&set) >= 2 { set } else { Vec::new() }
}

/// The best set of which every match contains a member.
fn known(found: Literals) -> Vec<Vec<u8>> {
    better(found.best, found.exact.or(found.edge).unwrap_or_default())
}

fn shortest(set: &[Vec<u8>]) -> usize {
    set.iter().map(Vec::len).min().unwrap_or(0)
}

/// The set whose shortest literal is longer; of equals the smaller.
fn better(a: Vec<Vec<u8>>, b: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let rank = |set: &Vec<Vec<u8>>| (shortest(set).min(8), std::cmp::Reverse(set.len()));
    if rank(&b) > rank(&a) { b } else { a }
}

fn cross(left: &[Vec<u8>], right: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    if left.len() * right.len() > MAX_ALTERNATIVES {
        return None;
    }
    let mut all: Vec<Vec<u8>> =
        left.iter().flat_map(|l| right.iter().map(|r| [&l[..], &r[..]].concat())).collect();
    all.sort();
    all.dedup();
    Some(all)
}

fn analyse(hir: &Hir) -> Literals {
    let unknown = Literals::default();
    let exactly = |set: Vec<Vec<u8>>| Literals { exact: Some(set), ..Literals::default() };
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => exactly(vec![Vec::new()]),
        HirKind::Literal(literal) if std::str::from_utf8(&literal.0).is_ok() => {
            exactly(vec![fold(&literal.0)])
        }
        HirKind::Literal(_) => unknown,
        HirKind::Class(class) => match class_members(class) {
            Some(members) => exactly(members),
            None => unknown,
        },
        HirKind::Capture(capture) => analyse(&capture.sub),
        HirKind::Repetition(repetition) => {
            if repetition.min == 0 {
                return unknown;
            }
            let sub = analyse(&repetition.sub);
            if repetition.max == Some(1) {
                return sub;
            }
            Literals { exact: None, best: sub.best, edge: sub.exact }
        }
        HirKind::Concat(parts) => {
            let mut best = Vec::new();
            let mut run = vec![Vec::new()];
            let mut exact = true;
            for part in parts {
                let part = analyse(part);
                best = better(best, part.best);
                let joined = part.exact.as_ref().and_then(|set| cross(&run, set));
                if let Some(joined) = joined {
                    run = joined;
                    continue;
                }
                exact = false;
                let next = part.exact.or(part.edge);
                let longer = next.as_ref().and_then(|set| cross(&run, set));
                best = better(best, longer.unwrap_or(run));
                run = next.unwrap_or_else(|| vec![Vec::new()]);
            }
            if exact {
                return Literals { exact: Some(run), best, edge: None };
            }
            Literals { best: better(best, run), ..Literals::default() }
        }
        HirKind::Alternation(branches) => {
            let branches: Vec<Literals> = branches.iter().map(analyse).collect();
            let union = |sets: Vec<Vec<Vec<u8>>>| {
                let mut all: Vec<Vec<u8>> = sets.into_iter().flatten().collect();
                all.sort();
                all.dedup();
                (all.len() <= MAX_ALTERNATIVES).then_some(all)
            };
            if branches.iter().all(|b| b.exact.is_some()) {
                let sets = branches.into_iter().filter_map(|b| b.exact).collect();
                return Literals { exact: union(sets), ..Literals::default() };
            }
            let sets: Vec<Vec<Vec<u8>>> = branches.into_iter().map(known).collect();
            if sets.iter().any(Vec::is_empty) {
                return unknown;
            }
            Literals { best: union(sets).unwrap_or_default(), ..Literals::default() }
        }
    }
}

/// The folded members of a class that has few of them.
fn class_members(class: &Class) -> Option<Vec<Vec<u8>>> {
    const MAX_MEMBERS: usize = 8;
    let mut members = Vec::new();
    match class {
        Class::Unicode(class) => {
            for range in class.ranges() {
                for c in range.start()..=range.end() {
                    if members.len() == MAX_MEMBERS * 4 {
                        return None;
                    }
                    members.push(fold(c.to_string().as_bytes()));
                }
            }
        }
        Class::Bytes(class) => {
            if !class.is_ascii() {
                return None;
            }
            for range in class.ranges() {
                for byte in range.start()..=range.end() {
                    if members.len() == MAX_MEMBERS * 4 {
                        return None;
                    }
                    members.push(fold(&[byte]));
                }
            }
        }
    }
    members.sort();
    members.dedup();
    (!members.is_empty() && members.len() <= MAX_MEMBERS).then_some(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn required(source: &str, flags: u32) -> Vec<String> {
        prepare(source, flags)
            .map(|p| p.required)
            .unwrap_or_default()
            .into_iter()
            .map(|l| String::from_utf8_lossy(&l).into_owned())
            .collect()
    }

    #[test]
    fn required_literals_are_found_and_folded() {
        assert_eq!(required(r"LOAD_FILE\s*\(", 0), ["load_file"]);
        assert_eq!(required(r"load_file\s*\(", 1), ["load_file"]);
        assert_eq!(required(r"^(foo|bar)baz$", 0), ["barbaz", "foobaz"]);
        assert_eq!(required(r"a.*longer.*b", 0), ["longer"]);
        assert_eq!(required(r"x?abc+", 0), ["abc"]);
        assert!(required(r"(abc)?", 0).is_empty());
        assert!(required(r"(abc|.)", 0).is_empty());
        assert!(required(r".{1000,}", 0).is_empty());
        assert_eq!(required(r"k\.exe", 1), ["k.exe"]);
    }

    #[test]
    fn only_a_final_dollar_is_rewritten() {
        let rewritten = |source, flags| dollar_before_final_newline(source, flags);
        assert_eq!(rewritten("a$", 0).as_deref(), Ok(r"a(?:\n?\z)"));
        assert_eq!(rewritten("(a$|b)", 0).as_deref(), Ok(r"(a(?:\n?\z)|b)"));
        assert_eq!(rewritten("a$", 2).as_deref(), Ok("a$"));
        assert_eq!(rewritten("(?m)a$", 0).as_deref(), Ok("(?m)a$"));
        assert_eq!(rewritten("(?m:a$)|b$", 0).as_deref(), Ok(r"(?m:a$)|b(?:\n?\z)"));
        assert_eq!(rewritten("a$b", 0).as_deref(), Ok("a$b"));
        assert_eq!(rewritten(r"a\$", 0).as_deref(), Ok(r"a\$"));
    }
}

#[cfg(test)]
#[path = "execution_tests.rs"]
mod execution_tests;
