//! Conditions: text to [`Expr`].
//!
//! ```text
//! expr  := or ;  or := and ("or" and)* ;  and := not ("and" not)* ;  not := "not" not | atom
//! atom  := "(" expr ")" | quant "of" target | ident
//! quant := "1" | "any" | "all" | N>=1       target := "them" | pattern with *
//! ident := [A-Za-z0-9_-]+
//! ```
//!
//! Operator precedence with two explicit stacks, so that no text can exhaust the call stack.
//! Parentheses and chains of one operator are flattened while parsing; what remains nested is
//! capped, because everyone who walks an [`Expr`] does so recursively.

mod tokens;

use std::collections::HashSet;

use super::ast::{Expr, Quantifier, Target};
use super::diagnostic::{Severity, did_you_mean, quoted, similar};
use crate::limits;
use tokens::{Kind, Token, is_word_byte, tokens};

/// Something wrong with a condition; offset and length count characters of its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Errors refuse the document.
    pub severity: Severity,
    /// One of [`super::diagnostic::CODES`].
    pub code: &'static str,
    /// First character concerned.
    pub offset: usize,
    /// How many characters.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// The repair.
    pub help: Option<String>,
}

/// What names mean in a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// Search identifiers of a rule or filter.
    Searches,
    /// Rule references of a temporal correlation: no quantifiers.
    RuleReferences,
}

/// Words that cannot be used as an identifier.
pub(super) const RESERVED: [&str; 3] = ["and", "or", "not"];

/// Whether a condition can name it.
pub(super) fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(is_word_byte) && !RESERVED.contains(&name)
}

/// Parses a condition whose identifiers must be in `known`.
///
/// Returns the expression unless there is an error among the problems.
pub fn parse(text: &str, known: &[&str], names: Names) -> (Option<Expr>, Vec<Problem>) {
    let mut parser = Parser {
        known,
        lookup: known.iter().copied().collect(),
        names,
        operands: Vec::new(),
        operators: Vec::new(),
        problems: Vec::new(),
    };
    let expr = match parser.run(text) {
        Ok(expr) => Some(expr),
        Err(problem) => {
            parser.problems.push(*problem);
            None
        }
    };
    let failed = parser.problems.iter().any(|problem| problem.severity == Severity::Error);
    (expr.filter(|_| !failed), parser.problems)
}

/// Whether `pattern` with `*` covers the whole of `name`.
pub(super) fn pattern_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    // Where to resume after the last star: it takes one more character each time.
    let mut resume: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            resume = Some((p + 1, n));
            p += 1;
        } else if pattern.get(p) == Some(&name[n]) {
            p += 1;
            n += 1;
        } else if let Some((after_star, taken)) = resume {
            resume = Some((after_star, taken + 1));
            p = after_star;
            n = taken + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The names that a target stands for.
pub(super) fn target_matches(target: &Target, name: &str) -> bool {
    match target {
        Target::Them => !name.starts_with('_'),
        Target::Pattern(pattern) => {
            (pattern.starts_with('_') || !name.starts_with('_')) && pattern_matches(pattern, name)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Open,
    Or,
    And,
    Not,
}

/// An expression and how deep its operators nest.
struct Operand {
    expr: Expr,
    depth: usize,
}

struct Parser<'k> {
    known: &'k [&'k str],
    lookup: HashSet<&'k str>,
    names: Names,
    operands: Vec<Operand>,
    /// With the offset of the token.
    operators: Vec<(Operator, usize)>,
    problems: Vec<Problem>,
}

type Fallible<T> = Result<T, Box<Problem>>;

fn error(
    code: &'static str,
    token: Token<'_>,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Box<Problem> {
    Box::new(Problem {
        severity: Severity::Error,
        code,
        offset: token.offset,
        length: token.text.chars().count(),
        message: message.into(),
        help: Some(help.into()),
    })
}

impl Parser<'_> {
    fn run(&mut self, text: &str) -> Fallible<Expr> {
        let start = Token { kind: Kind::Other, text: "", offset: 0 };
        if text.len() > limits::CONDITION_BYTES {
            let message = format!("the condition is longer than {} bytes", limits::CONDITION_BYTES);
            return Err(error("condition-limit", start, message, "split it into a list"));
        }
        let tokens = tokens(text);
        let end = Token {
            kind: Kind::Other,
            text: "",
            offset: tokens.last().map_or(0, |token| token.offset + token.text.len()),
        };
        if tokens.is_empty() {
            let help = "name a search identifier";
            return Err(error("condition-syntax", start, "the condition is empty", help));
        }
        let mut at = 0;
        let mut wants_operand = true;
        while let Some(&token) = tokens.get(at) {
            at += 1;
            if token.kind == Kind::Pipe {
                return Err(aggregation(token, tokens.get(at)));
            }
            if token.kind == Kind::Other {
                let message = format!("{} has no meaning in a condition", quoted(token.text));
                let help = "names consist of letters, digits, `_` and `-`";
                return Err(error("condition-syntax", token, message, help));
            }
            if wants_operand {
                wants_operand = self.operand(token, &tokens, &mut at)?;
            } else {
                wants_operand = self.operator(token)?;
            }
        }
        if wants_operand {
            let message = "the condition ends where a name is expected";
            let help = "add the missing search identifier, or remove the operator";
            return Err(error("condition-syntax", end, message, help));
        }
        while let Some(&(operator, offset)) = self.operators.last() {
            if operator == Operator::Open {
                let open = Token { kind: Kind::Open, text: "(", offset };
                let help = "add `)`";
                return Err(error("condition-syntax", open, "`(` is never closed", help));
            }
            self.reduce()?;
        }
        match self.operands.pop() {
            Some(operand) => Ok(operand.expr),
            None => Err(error("condition-syntax", start, "the condition is empty", "name one")),
        }
    }

    /// Where an operand may begin. Returns whether one is still wanted.
    fn operand(
        &mut self,
        token: Token<'_>,
        tokens: &[Token<'_>],
        at: &mut usize,
    ) -> Fallible<bool> {
        match (token.kind, token.text) {
            (Kind::Open, _) => {
                self.operators.push((Operator::Open, token.offset));
                return Ok(true);
            }
            (Kind::Word, "not") => {
                self.operators.push((Operator::Not, token.offset));
                return Ok(true);
            }
            (Kind::Close, _) => {
                let help = "put a search identifier before it";
                return Err(error(
                    "condition-syntax",
                    token,
                    "`)` stands where a name is expected",
                    help,
                ));
            }
            (_, "and" | "or") => {
                let message = format!("`{}` stands where a name is expected", token.text);
                let help = "`and` and `or` need a name on both sides";
                return Err(error("condition-syntax", token, message, help));
            }
            _ => {}
        }
        if let Some(quantifier) = quantifier(token)? {
            let next = tokens.get(*at).filter(|next| next.kind == Kind::Word);
            if let Some(of) = next.filter(|next| next.text == "of") {
                *at += 1;
                let target = tokens.get(*at).copied();
                *at += 1;
                let expr = self.selector(token, quantifier, *of, target)?;
                self.operands.push(Operand { expr, depth: 1 });
                return Ok(false);
            }
            if let Some(of) = next.filter(|next| next.text.eq_ignore_ascii_case("of")) {
                return Err(lower_case(*of));
            }
        }
        self.name(token, tokens.get(*at))?;
        self.operands.push(Operand { expr: Expr::Search(token.text.to_owned()), depth: 1 });
        Ok(false)
    }

    fn name(&mut self, token: Token<'_>, next: Option<&Token<'_>>) -> Fallible<()> {
        if self.lookup.contains(token.text) {
            return Ok(());
        }
        if token.text.contains('*') {
            let message = format!("the pattern {} needs a quantifier", quoted(token.text));
            let help = format!("write `1 of {0}` or `all of {0}`", token.text);
            return Err(error("condition-pattern", token, message, help));
        }
        let lower = token.text.to_ascii_lowercase();
        let is_operator = matches!(lower.as_str(), "not" | "and" | "or");
        let before_of = next.is_some_and(|next| next.text.eq_ignore_ascii_case("of"));
        if is_operator || (before_of && matches!(lower.as_str(), "all" | "any")) {
            return Err(lower_case(token));
        }
        if token.text == "of" {
            let help = "write `1 of` or `all of`";
            return Err(error("condition-syntax", token, "`of` without a quantifier", help));
        }
        if token.text == "them" {
            let help = "write `1 of them` or `all of them`";
            return Err(error("condition-syntax", token, "`them` without a quantifier", help));
        }
        if matches!(token.text, "all" | "any") || token.text.bytes().all(|b| b.is_ascii_digit()) {
            let message = format!("{} is a quantifier and needs `of`", quoted(token.text));
            let help = "write `1 of them` or `all of selection_*`";
            return Err(error("condition-syntax", token, message, help));
        }
        self.unknown(token);
        Ok(())
    }

    /// An unknown name does not stop the parser: others may be wrong as well.
    fn unknown(&mut self, token: Token<'_>) {
        if self.problems.len() >= limits::DIAGNOSTICS {
            return;
        }
        let suggestion = similar(token.text, self.known.iter().copied());
        let suggestion = did_you_mean(suggestion);
        let (message, help) = match self.names {
            Names::Searches => (
                format!("unknown identifier {}{suggestion}", quoted(token.text)),
                "define it in this document's detection, or correct the name",
            ),
            Names::RuleReferences => (
                format!("{} is not listed under `rules`{suggestion}", quoted(token.text)),
                "list the rule under `rules` by the same name",
            ),
        };
        self.problems.push(*error("unknown-identifier", token, message, help));
    }

    fn selector(
        &mut self,
        first: Token<'_>,
        quantifier: Quantifier,
        of: Token<'_>,
        target: Option<Token<'_>>,
    ) -> Fallible<Expr> {
        if self.names == Names::RuleReferences {
            let message = format!("`{} of` is not part of correlation conditions", first.text);
            let help = "combine the rules with `and`, `or` and `not`";
            return Err(error("condition-syntax", first, message, help));
        }
        let Some(target) = target.filter(|target| target.kind == Kind::Word) else {
            let help = "write `them` or a pattern such as `selection_*`";
            return Err(error("condition-syntax", of, "`of` needs a target", help));
        };
        if RESERVED.contains(&target.text) {
            let message = format!("`{}` stands where a pattern is expected", target.text);
            let help = "write `them` or a pattern such as `selection_*`";
            return Err(error("condition-syntax", target, message, help));
        }
        let meant = match target.text {
            "them" => Target::Them,
            other if other.eq_ignore_ascii_case("them") && !self.lookup.contains(other) => {
                return Err(lower_case(target));
            }
            pattern => Target::Pattern(pattern.to_owned()),
        };
        let found = self.known.iter().filter(|name| target_matches(&meant, name)).count();
        let needed = match quantifier {
            Quantifier::All => 1,
            Quantifier::AtLeast(least) => least as usize,
        };
        if found < needed && self.problems.len() < limits::DIAGNOSTICS {
            let (code, message) = if found == 0 {
                (
                    "selector-matches-nothing",
                    format!("{} matches no identifier, so this is never true", quoted(target.text)),
                )
            } else {
                (
                    "selector-too-few",
                    format!(
                        "{} matches only {found}, so `{} of` is never true",
                        quoted(target.text),
                        first.text
                    ),
                )
            };
            let mut problem = *error(code, target, message, "correct the pattern");
            problem.severity = Severity::Warning;
            self.problems.push(problem);
        }
        Ok(Expr::Of(quantifier, meant))
    }

    /// After an operand. Returns whether another one is wanted.
    fn operator(&mut self, token: Token<'_>) -> Fallible<bool> {
        let operator = match (token.kind, token.text) {
            (Kind::Close, _) => loop {
                match self.operators.last() {
                    Some((Operator::Open, _)) => {
                        self.operators.pop();
                        return Ok(false);
                    }
                    Some(_) => self.reduce()?,
                    None => {
                        let help = "remove it, or add `(`";
                        return Err(error("condition-syntax", token, "`)` was never opened", help));
                    }
                }
            },
            (_, "and") => Operator::And,
            (_, "or") => Operator::Or,
            (Kind::Word, text)
                if ["and", "or", "not", "of"].contains(&text.to_ascii_lowercase().as_str())
                    && text.bytes().any(|byte| byte.is_ascii_uppercase()) =>
            {
                return Err(lower_case(token));
            }
            _ => {
                let message =
                    format!("{} stands where `and` or `or` is expected", quoted(token.text));
                let help = "join the two sides with `and` or `or`";
                return Err(error("condition-syntax", token, message, help));
            }
        };
        // Everything that binds at least as tightly is complete (left-associative).
        while let Some((before, _)) = self.operators.last() {
            let tighter = match before {
                Operator::Open => false,
                Operator::Or => operator == Operator::Or,
                Operator::And | Operator::Not => true,
            };
            if !tighter {
                break;
            }
            self.reduce()?;
        }
        self.operators.push((operator, token.offset));
        Ok(true)
    }

    /// Applies the operator on top of the stack.
    fn reduce(&mut self) -> Fallible<()> {
        let Some((operator, offset)) = self.operators.pop() else { return Ok(()) };
        let here = Token { kind: Kind::Word, text: "", offset };
        let missing = || error("condition-syntax", here, "an operand is missing", "add a name");
        let right = self.operands.pop().ok_or_else(missing)?;
        let operand = match operator {
            Operator::Not => {
                Operand { depth: right.depth + 1, expr: Expr::Not(Box::new(right.expr)) }
            }
            _ => {
                let left = self.operands.pop().ok_or_else(missing)?;
                join(operator, left, right)
            }
        };
        if operand.depth > limits::CONDITION_DEPTH {
            let message = format!("operators are nested deeper than {}", limits::CONDITION_DEPTH);
            let help = "name parts of it as search identifiers";
            return Err(error("condition-limit", here, message, help));
        }
        self.operands.push(operand);
        Ok(())
    }
}

/// Joins two operands; operands that are chains of the same operator are taken apart.
fn join(operator: Operator, left: Operand, right: Operand) -> Operand {
    let mut members = Vec::new();
    let mut depth = 0;
    for Operand { expr, depth: inner } in [left, right] {
        match expr {
            Expr::And(parts) if operator == Operator::And => {
                append(&mut members, parts);
                depth = depth.max(inner);
            }
            Expr::Or(parts) if operator == Operator::Or => {
                append(&mut members, parts);
                depth = depth.max(inner);
            }
            other => {
                members.push(other);
                depth = depth.max(inner + 1);
            }
        }
    }
    let expr = if operator == Operator::And { Expr::And(members) } else { Expr::Or(members) };
    Operand { expr, depth }
}

/// Keeps the vector of a long chain instead of copying it for each further member.
fn append(members: &mut Vec<Expr>, parts: Vec<Expr>) {
    if members.is_empty() {
        *members = parts;
    } else {
        members.extend(parts);
    }
}

fn quantifier(token: Token<'_>) -> Fallible<Option<Quantifier>> {
    match token.text {
        "all" => Ok(Some(Quantifier::All)),
        "any" => Ok(Some(Quantifier::AtLeast(1))),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => match digits.parse() {
            Ok(0) => {
                let help = "write `1 of`, or `not 1 of` for none";
                Err(error("condition-syntax", token, "`0 of` is always true", help))
            }
            Ok(number) => Ok(Some(Quantifier::AtLeast(number))),
            Err(_) => {
                let message = format!("{} is too large", quoted(digits));
                Err(error("condition-limit", token, message, "write a smaller number"))
            }
        },
        _ => Ok(None),
    }
}

fn lower_case(token: Token<'_>) -> Box<Problem> {
    let message = format!("`{}` must be lower case", token.text);
    let help = format!("write `{}`", token.text.to_ascii_lowercase());
    error("condition-case", token, message, help)
}

fn aggregation(pipe: Token<'_>, next: Option<&Token<'_>>) -> Box<Problem> {
    let word = next.map_or("", |next| next.text);
    if word == "near" {
        let message = "`| near` was replaced by correlation rules";
        let help = "write a second document with `correlation: {type: temporal, ...}` that lists the rules";
        return error("condition-aggregation", pipe, message, help);
    }
    let shown = if word.is_empty() { "count".to_owned() } else { word.to_owned() };
    let message = format!("`| {shown}()` aggregations were replaced by correlation rules");
    let help =
        "write a second document with `correlation: {type: event_count, ...}` that lists this rule";
    error("condition-aggregation", pipe, message, help)
}

#[cfg(test)]
mod tests;
