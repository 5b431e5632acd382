//! The grammar of STIX patterns, as far as indicators need it.
//!
//! Comparison expressions are read in full. Of what stands between and behind observations only its
//! kind is kept: no indicator can say "then" or "within".

use crate::limits::{PATTERN_BYTES, PATTERN_DEPTH, PATTERN_TESTS};

/// A pattern: alternatives, of which each is an observation.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Observations joined by OR.
    pub observations: Vec<Test>,
    /// What else joins or follows observations: then no indicator says the same.
    pub beyond: Option<&'static str>,
}

/// A comparison expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// All hold.
    And(Vec<Test>),
    /// One holds.
    Or(Vec<Test>),
    /// A comparison.
    Compare(Compare),
}

/// A comparison of one property.
#[derive(Debug, Clone, PartialEq)]
pub struct Compare {
    /// Type of the object, as in `ipv4-addr`.
    pub object: String,
    /// The property, as in `hashes.SHA-256` or `to_refs[*].value`.
    pub path: String,
    /// `=`, `IN`, `ISSUBSET` and so on, in upper case.
    pub operator: &'static str,
    /// Whether `NOT` stands before it.
    pub is_negated: bool,
    /// The values; of one that is no text its source.
    pub values: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Symbol(&'static str),
}

const SYMBOLS: [&str; 16] =
    ["!=", "<>", "<=", ">=", "==", "=", "<", ">", "[", "]", "(", ")", ":", ".", ",", "*"];

/// Operators that are words.
const OPERATORS: [&str; 6] = ["IN", "LIKE", "MATCHES", "ISSUBSET", "ISSUPERSET", "EXISTS"];

/// Reads a pattern.
///
/// # Errors
/// Where it is not of the grammar, or over a limit.
pub fn parse(text: &str) -> Result<Pattern, String> {
    if text.len() > PATTERN_BYTES {
        return Err(format!("the pattern has {} bytes, the limit is {PATTERN_BYTES}", text.len()));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, tests: 0 };
    let mut pattern = Pattern { observations: Vec::new(), beyond: None };
    parser.observations(&mut pattern, 0)?;
    match parser.peek() {
        None => Ok(pattern),
        Some(_) => Err(parser.expected("the end of the pattern")),
    }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, String> {
    let mut tokens = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text.len() - rest.len();
        let Some(first) = rest.chars().next() else { return Ok(tokens) };
        // `t'...'`, `h'...'` and `b'...'` are texts of other kinds.
        let quoted = match rest.as_bytes() {
            [b'\'', ..] => Some(1),
            [b't' | b'h' | b'b', b'\'', ..] => Some(2),
            _ => None,
        };
        if let Some(quote) = quoted {
            let (value, len) = quoted_text(&rest[quote..])
                .ok_or(format!("byte {at} of the pattern: a text without end"))?;
            tokens.push((at, Token::Text(value)));
            rest = &rest[quote + len..];
            continue;
        }
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+');
        if is_word(first) {
            let len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            tokens.push((at, Token::Word(rest[..len].to_owned())));
            rest = &rest[len..];
            continue;
        }
        let Some(symbol) = SYMBOLS.into_iter().find(|symbol| rest.starts_with(symbol)) else {
            return Err(format!(
                "byte {at} of the pattern: `{}` has no place there",
                first.escape_debug()
            ));
        };
        tokens.push((at, Token::Symbol(symbol)));
        rest = &rest[symbol.len()..];
    }
}

/// A text up to its quote, and its length with the quote.
fn quoted_text(rest: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => return Some((value, at + 1)),
            '\\' => value.push(chars.next()?.1),
            c => value.push(c),
        }
    }
    None
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    tests: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn expected(&self, what: &str) -> String {
        match self.tokens.get(self.at) {
            Some((at, _)) => format!("byte {at} of the pattern: expected {what}"),
            None => format!("the pattern ends where {what} is expected"),
        }
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let is_there = matches!(self.peek(), Some(Token::Symbol(own)) if *own == symbol);
        self.at += usize::from(is_there);
        is_there
    }

    fn keyword(&mut self, word: &str) -> bool {
        let is_there =
            matches!(self.peek(), Some(Token::Word(own)) if own.eq_ignore_ascii_case(word));
        self.at += usize::from(is_there);
        is_there
    }

    /// Observations, what joins them and what qualifies them.
    fn observations(&mut self, pattern: &mut Pattern, depth: usize) -> Result<(), String> {
        if depth > PATTERN_DEPTH {
            return Err(format!("the pattern nests deeper than {PATTERN_DEPTH} levels"));
        }
        loop {
            if self.symbol("[") {
                let test = self.any(0)?;
                if !self.symbol("]") {
                    return Err(self.expected("`]`, AND or OR"));
                }
                pattern.observations.push(test);
            } else if self.symbol("(") {
                self.observations(pattern, depth + 1)?;
                if !self.symbol(")") {
                    return Err(self.expected("`)`"));
                }
            } else {
                return Err(self.expected("an observation in `[` and `]`"));
            }
            self.qualifiers(pattern)?;
            if self.keyword("OR") {
                continue;
            }
            if self.keyword("AND") {
                pattern.beyond = Some("it asks for several observations (AND)");
            } else if self.keyword("FOLLOWEDBY") {
                pattern.beyond = Some("it asks for observations one after the other (FOLLOWEDBY)");
            } else {
                return Ok(());
            }
        }
    }

    fn qualifiers(&mut self, pattern: &mut Pattern) -> Result<(), String> {
        loop {
            if self.keyword("WITHIN") {
                self.value()?;
                if !self.keyword("SECONDS") {
                    return Err(self.expected("SECONDS"));
                }
                // Of a single observation it says nothing.
            } else if self.keyword("REPEATS") {
                self.value()?;
                if !self.keyword("TIMES") {
                    return Err(self.expected("TIMES"));
                }
                pattern.beyond = Some("it asks for several observations (REPEATS)");
            } else if self.keyword("START") {
                self.value()?;
                if !self.keyword("STOP") {
                    return Err(self.expected("STOP"));
                }
                self.value()?;
                pattern.beyond = Some("it asks for a time of the observation (START, STOP)");
            } else {
                return Ok(());
            }
        }
    }

    fn any(&mut self, depth: usize) -> Result<Test, String> {
        let mut tests = vec![self.all(depth)?];
        while self.keyword("OR") {
            tests.push(self.all(depth)?);
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { Test::Or(tests) })
    }

    fn all(&mut self, depth: usize) -> Result<Test, String> {
        let mut tests = vec![self.test(depth)?];
        while self.keyword("AND") {
            tests.push(self.test(depth)?);
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { Test::And(tests) })
    }

    fn test(&mut self, depth: usize) -> Result<Test, String> {
        if depth > PATTERN_DEPTH {
            return Err(format!("the pattern nests deeper than {PATTERN_DEPTH} levels"));
        }
        if self.symbol("(") {
            let test = self.any(depth + 1)?;
            if !self.symbol(")") {
                return Err(self.expected("`)`"));
            }
            return Ok(test);
        }
        self.tests += 1;
        if self.tests > PATTERN_TESTS {
            return Err(format!("the pattern has more than {PATTERN_TESTS} comparisons"));
        }
        let mut is_negated = self.keyword("NOT");
        if self.keyword("EXISTS") {
            let (object, path) = self.path()?;
            let values = Vec::new();
            return Ok(Test::Compare(Compare {
                object,
                path,
                operator: "EXISTS",
                is_negated,
                values,
            }));
        }
        let (object, path) = self.path()?;
        is_negated |= self.keyword("NOT");
        let operator = self.operator()?;
        let values = if operator == "IN" { self.set()? } else { vec![self.value()?] };
        Ok(Test::Compare(Compare { object, path, operator, is_negated, values }))
    }

    fn path(&mut self) -> Result<(String, String), String> {
        let Some(Token::Word(object)) = self.peek().cloned() else {
            return Err(self.expected("an object's type"));
        };
        self.at += 1;
        if !self.symbol(":") {
            return Err(self.expected("`:`"));
        }
        let mut path = String::new();
        loop {
            match self.peek().cloned() {
                Some(Token::Word(part) | Token::Text(part)) => path.push_str(&part),
                _ => return Err(self.expected("a property")),
            }
            self.at += 1;
            while self.symbol("[") {
                match self.peek().cloned() {
                    Some(Token::Symbol("*")) => path.push_str("[*]"),
                    Some(Token::Word(index)) => path.push_str(&format!("[{index}]")),
                    _ => return Err(self.expected("an index")),
                }
                self.at += 1;
                if !self.symbol("]") {
                    return Err(self.expected("`]`"));
                }
            }
            if !self.symbol(".") {
                return Ok((object.to_ascii_lowercase(), path));
            }
            path.push('.');
        }
    }

    fn operator(&mut self) -> Result<&'static str, String> {
        for symbol in ["==", "=", "!=", "<>", "<=", ">=", "<", ">"] {
            if self.symbol(symbol) {
                return Ok(if symbol == "==" { "=" } else { symbol });
            }
        }
        for word in OPERATORS {
            if self.keyword(word) {
                return Ok(word);
            }
        }
        Err(self.expected("an operator"))
    }

    fn set(&mut self) -> Result<Vec<String>, String> {
        if !self.symbol("(") {
            return Err(self.expected("`(`"));
        }
        let mut values = vec![self.value()?];
        while self.symbol(",") {
            self.tests += 1;
            if self.tests > PATTERN_TESTS {
                return Err(format!("the pattern has more than {PATTERN_TESTS} comparisons"));
            }
            values.push(self.value()?);
        }
        if !self.symbol(")") {
            return Err(self.expected("`,` or `)`"));
        }
        Ok(values)
    }

    /// A text, a number or a word.
    fn value(&mut self) -> Result<String, String> {
        let value = match self.peek() {
            Some(Token::Text(value) | Token::Word(value)) => value.clone(),
            _ => return Err(self.expected("a value")),
        };
        self.at += 1;
        // The fraction of a number.
        if self.symbol(".")
            && let Some(Token::Word(fraction)) = self.peek().cloned()
        {
            self.at += 1;
            return Ok(format!("{value}.{fraction}"));
        }
        Ok(value)
    }
}
