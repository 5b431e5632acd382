//! Named decoders: how a derived field is computed from the text of another.
//!
//! A decoder looks at bytes and says where the result is: nowhere, in the input itself, or in a
//! copy that one of the in-place rewrites shortens. No decoder allocates, recurses or makes its
//! input longer, so a derived field never costs more memory than the text it came from.

mod account;
mod address;
mod arm;
mod code;
mod quoting;
mod sql;

use crate::event::value::{Span, Value};

/// A decoder. The numbers are those of the file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Decoder {
    /// SQL without comments and superfluous white space.
    SqlNorm = 1,
    /// The first keyword of a normalised statement, in upper case.
    SqlVerb = 2,
    /// Whether a statement is as long as the longest that its source writes.
    SqlTruncated = 3,
    /// The login name in `priv[login] @ host [ip]`.
    MysqlUser = 4,
    /// The account name in `priv[login] @ host [ip]`.
    MysqlPrivUser = 5,
    /// The host name in `priv[login] @ host [ip]`.
    MysqlHost = 6,
    /// The address in `priv[login] @ host [ip]`.
    MysqlIp = 7,
    /// A segment of an Azure resource id, in lower case.
    ArmName = 8,
    /// `success` or `failure`, from an error code or an event's subclass.
    Outcome = 9,
    /// The text without white space.
    Compact = 10,
    /// A text that the descriptor gives.
    Constant = 11,
    /// The result that the descriptor's table has for a text.
    Lookup = 12,
    /// An IP address, without the port behind it.
    Address = 13,
    /// A normalised statement without its texts.
    SqlCode = 14,
    /// The port behind an IP address or a host name.
    Port = 15,
    /// The texts of a field, one behind the other with blanks between.
    Join = 16,
}

impl Decoder {
    /// All decoders, in the order of their numbers.
    pub const ALL: [Decoder; 16] = [
        Decoder::SqlNorm,
        Decoder::SqlVerb,
        Decoder::SqlTruncated,
        Decoder::MysqlUser,
        Decoder::MysqlPrivUser,
        Decoder::MysqlHost,
        Decoder::MysqlIp,
        Decoder::ArmName,
        Decoder::Outcome,
        Decoder::Compact,
        Decoder::Constant,
        Decoder::Lookup,
        Decoder::Address,
        Decoder::SqlCode,
        Decoder::Port,
        Decoder::Join,
    ];

    /// The name that descriptors use.
    pub fn name(self) -> &'static str {
        match self {
            Decoder::SqlNorm => "sql_norm",
            Decoder::SqlVerb => "sql_verb",
            Decoder::SqlTruncated => "sql_truncated",
            Decoder::MysqlUser => "mysql_user",
            Decoder::MysqlPrivUser => "mysql_priv_user",
            Decoder::MysqlHost => "mysql_host",
            Decoder::MysqlIp => "mysql_ip",
            Decoder::ArmName => "arm_name",
            Decoder::Outcome => "outcome",
            Decoder::Compact => "compact",
            Decoder::Constant => "constant",
            Decoder::Lookup => "lookup",
            Decoder::Address => "address",
            Decoder::SqlCode => "sql_code",
            Decoder::Port => "port",
            Decoder::Join => "join",
        }
    }

    /// The decoder with that number in a file.
    #[inline]
    pub fn from_number(number: u8) -> Option<Decoder> {
        Decoder::ALL.get(usize::from(number).wrapping_sub(1)).copied()
    }

    /// The decoder with that name in a descriptor.
    pub fn from_name(name: &str) -> Option<Decoder> {
        Decoder::ALL.into_iter().find(|decoder| decoder.name() == name)
    }
}

/// How a source quotes statements before it logs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Quoting {
    /// As they were sent.
    None = 0,
    /// `\'`, `\"`, `\\`, `\n`, `\r`, `\t`, `\0` as the MariaDB audit plug-in writes them.
    Backslash = 1,
    /// The same, as often as it shows that it was done.
    Repeated = 2,
}

impl Quoting {
    /// The quoting with that number in a file.
    pub fn from_number(number: u32) -> Option<Quoting> {
        match number {
            0 => Some(Quoting::None),
            1 => Some(Quoting::Backslash),
            2 => Some(Quoting::Repeated),
            _ => None,
        }
    }
}

/// What `mysql_user`, `mysql_host` and `mysql_ip` make of a text that is no account notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum AccountForm {
    /// It is the part itself.
    Any = 0,
    /// It is something else, and the field is missing.
    Account = 1,
}

impl AccountForm {
    /// The form with that number in a file.
    pub fn from_number(number: u32) -> Option<AccountForm> {
        match number {
            0 => Some(AccountForm::Any),
            1 => Some(AccountForm::Account),
            _ => None,
        }
    }
}

/// What a decoder is told besides its input.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parameter<'a> {
    /// `sql_truncated`: the limit in bytes. `sql_norm`: the [`Quoting`]. `mysql_user`,
    /// `mysql_host`, `mysql_ip`: the [`AccountForm`].
    pub number: u32,
    /// `arm_name`: the segment names, lower case, separated by `/`.
    pub text: &'a [u8],
}

/// Where the result of a decoder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoded {
    /// The field is missing.
    Missing,
    /// The input as it is.
    Same,
    /// A part of the input.
    Part {
        /// First byte.
        start: usize,
        /// Number of bytes.
        len: usize,
    },
    /// A copy of a part of the input, shortened in place by [`rewrite`].
    Rewrite {
        /// First byte.
        start: usize,
        /// Number of bytes.
        len: usize,
        /// How.
        with: Rewrite,
    },
    /// A boolean.
    Bool(bool),
    /// A fixed word.
    Word(&'static [u8]),
}

/// A change in place that never lengthens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewrite {
    /// SQL normalisation.
    Sql(Quoting),
    /// SQL reduced to its code.
    Code,
    /// ASCII letters to lower case.
    Lower,
    /// ASCII letters to upper case.
    Upper,
    /// White space removed.
    Compact,
}

/// What was found out about the texts of an event that several fields are computed from.
#[derive(Default)]
pub struct Memory {
    account: account::LastAccount,
    id: arm::LastId,
}

/// Decodes the text at `span`. What is remembered must be of the same event.
#[inline(always)]
pub fn decode_text(
    decoder: Decoder,
    input: &[u8],
    span: Span,
    parameter: Parameter<'_>,
    memory: &mut Memory,
) -> Decoded {
    let mut account = |part| {
        let form = AccountForm::from_number(parameter.number).unwrap_or(AccountForm::Any);
        account::decode(input, span, part, form, &mut memory.account)
    };
    match decoder {
        Decoder::SqlNorm => {
            let quoting = Quoting::from_number(parameter.number).unwrap_or(Quoting::None);
            if sql::is_normal(input, quoting) {
                return Decoded::Same;
            }
            Decoded::Rewrite { start: 0, len: input.len(), with: Rewrite::Sql(quoting) }
        }
        Decoder::SqlVerb => sql::verb(input),
        Decoder::SqlCode => Decoded::Rewrite { start: 0, len: input.len(), with: Rewrite::Code },
        Decoder::SqlTruncated => Decoded::Bool(input.len() >= parameter.number as usize),
        Decoder::MysqlUser => account(account::Part::Login),
        Decoder::MysqlPrivUser => account(account::Part::Account),
        Decoder::MysqlHost => account(account::Part::Host),
        Decoder::MysqlIp => account(account::Part::Address),
        Decoder::ArmName => arm::decode(input, span, parameter.text, &mut memory.id),
        Decoder::Outcome => outcome(input),
        Decoder::Compact => {
            if input.iter().any(|byte| is_space(*byte)) {
                Decoded::Rewrite { start: 0, len: input.len(), with: Rewrite::Compact }
            } else {
                Decoded::Same
            }
        }
        Decoder::Address => address::decode(input),
        Decoder::Port => address::port(input),
        Decoder::Join => Decoded::Same,
        // Both come from the descriptor, not from a text alone.
        Decoder::Constant | Decoder::Lookup => Decoded::Missing,
    }
}

/// Appends the code of a normalised statement, as [`Decoder::SqlCode`] reduces it.
pub fn sql_code_into(statement: &[u8], out: &mut Vec<u8>) {
    code::reduce(statement, out);
}

/// Decodes a value that is not a text.
pub fn decode_other(decoder: Decoder, value: Value) -> Decoded {
    match decoder {
        Decoder::Outcome => {
            let failed = match value {
                Value::Int(code) => code != 0,
                Value::Uint(_) => true,
                Value::Float(code) => code != 0.0,
                _ => return Decoded::Missing,
            };
            Decoded::Word(if failed { b"failure" } else { b"success" })
        }
        Decoder::SqlNorm
        | Decoder::SqlVerb
        | Decoder::SqlCode
        | Decoder::SqlTruncated
        | Decoder::Constant
        | Decoder::Lookup
        | Decoder::Address
        | Decoder::MysqlPrivUser => Decoded::Missing,
        Decoder::MysqlUser
        | Decoder::MysqlHost
        | Decoder::MysqlIp
        | Decoder::ArmName
        | Decoder::Port
        | Decoder::Join
        | Decoder::Compact => Decoded::Same,
    }
}

/// Rewrites what stands in `bytes` from `start` on, which becomes no longer.
pub fn rewrite(with: Rewrite, bytes: &mut Vec<u8>, start: usize) {
    let text = &mut bytes[start..];
    let len = match with {
        Rewrite::Sql(quoting) => sql::normalise(text, quoting),
        Rewrite::Code => return code::reduce_in_place(bytes, start),
        Rewrite::Lower => {
            text.make_ascii_lowercase();
            text.len()
        }
        Rewrite::Upper => {
            text.make_ascii_uppercase();
            text.len()
        }
        Rewrite::Compact => {
            let mut written = 0;
            for read in 0..text.len() {
                if !is_space(text[read]) {
                    text[written] = text[read];
                    written += 1;
                }
            }
            written
        }
    };
    bytes.truncate(start + len);
}

/// An error code as text, or a word that says it. Anything else leaves the outcome open: a connection
/// event without a status does not say whether the login worked.
fn outcome(input: &[u8]) -> Decoded {
    let is = |word: &[u8]| input.eq_ignore_ascii_case(word);
    if is(b"error") || is(b"unsuccessful") {
        return Decoded::Word(b"failure");
    }
    if is(b"successful") {
        return Decoded::Word(b"success");
    }
    if input.is_empty() || !input.iter().all(u8::is_ascii_digit) {
        return Decoded::Missing;
    }
    let failed = input.iter().any(|digit| *digit != b'0');
    Decoded::Word(if failed { b"failure" } else { b"success" })
}

/// White space as MySQL's lexer sees it.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::event::value::Store;

    /// Runs a decoder as the runtime does; `None` is a missing field.
    pub(crate) fn run(decoder: Decoder, input: &[u8], parameter: Parameter<'_>) -> Option<Vec<u8>> {
        let span = Span { store: Store::Input, start: 0, len: input.len() as u32 };
        match decode_text(decoder, input, span, parameter, &mut Memory::default()) {
            Decoded::Missing => None,
            Decoded::Same => Some(input.to_vec()),
            Decoded::Part { start, len } => Some(input[start..start + len].to_vec()),
            Decoded::Rewrite { start, len, with } => {
                let mut copy = input[start..start + len].to_vec();
                rewrite(with, &mut copy, 0);
                Some(copy)
            }
            Decoded::Bool(value) => Some(value.to_string().into_bytes()),
            Decoded::Word(word) => Some(word.to_vec()),
        }
    }

    fn text(decoder: Decoder, input: &str) -> Option<String> {
        run(decoder, input.as_bytes(), Parameter::default())
            .map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn numbers_and_names_are_unique_and_lead_back() {
        for decoder in Decoder::ALL {
            assert_eq!(Decoder::from_number(decoder as u8), Some(decoder));
            assert_eq!(Decoder::from_name(decoder.name()), Some(decoder));
        }
        assert_eq!(Decoder::from_number(0), None);
        assert_eq!(Decoder::from_name("sql"), None);
    }

    #[test]
    fn outcome_follows_the_error_code() {
        let word = |value| match decode_other(Decoder::Outcome, value) {
            Decoded::Word(word) => Some(word),
            _ => None,
        };
        assert_eq!(word(Value::Int(0)), Some(&b"success"[..]));
        assert_eq!(word(Value::Int(1045)), Some(&b"failure"[..]));
        assert_eq!(word(Value::Float(0.0)), Some(&b"success"[..]));
        assert_eq!(word(Value::Null), None);
        assert_eq!(text(Decoder::Outcome, "0").as_deref(), Some("success"));
        assert_eq!(text(Decoder::Outcome, "1064").as_deref(), Some("failure"));
        assert_eq!(text(Decoder::Outcome, "ERROR").as_deref(), Some("failure"));
        assert_eq!(text(Decoder::Outcome, "unsuccessful").as_deref(), Some("failure"));
        assert_eq!(text(Decoder::Outcome, "Successful").as_deref(), Some("success"));
        assert_eq!(text(Decoder::Outcome, "CONNECT"), None);
        assert_eq!(text(Decoder::Outcome, ""), None);
    }

    #[test]
    fn compact_removes_white_space() {
        assert_eq!(text(Decoder::Compact, "CHANGE USER").as_deref(), Some("CHANGEUSER"));
        assert_eq!(text(Decoder::Compact, "LOG").as_deref(), Some("LOG"));
        assert_eq!(text(Decoder::Compact, " \t").as_deref(), Some(""));
    }

    #[test]
    fn truncation_is_told_by_length() {
        let at = |len: usize| {
            run(
                Decoder::SqlTruncated,
                &vec![b'x'; len],
                Parameter { number: 2048, ..Parameter::default() },
            )
        };
        assert_eq!(at(2047), Some(b"false".to_vec()));
        assert_eq!(at(2048), Some(b"true".to_vec()));
        assert_eq!(at(5000), Some(b"true".to_vec()));
    }
}
