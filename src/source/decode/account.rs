//! MySQL's account notation: `priv[login] @ host [address]`.
//!
//! The general and slow logs, Azure's events and Percona's audit plug-ins all write it; blanks
//! and empty parts vary (`u[u] @  [10.0.0.1]`, `root[root] @ localhost []`).

use super::{AccountForm, Decoded};
use crate::event::value::Span;

/// Which part of the notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The name the client gave. It is what connection events call the user.
    Login,
    /// The name of the account that the server chose; empty for anonymous accounts.
    Account,
    /// The host name, often empty.
    Host,
    /// The address.
    Address,
}

/// The text that was split last: an event is asked for several parts of one.
#[derive(Default)]
pub(super) struct LastAccount {
    text: Option<Span>,
    parts: Option<Parts>,
}

/// The part of an account notation, which is the text at `span`. A text in another form is by
/// default taken as it is (events of other classes carry the bare part), except for the account,
/// which then is not known.
#[inline]
pub(super) fn decode(
    input: &[u8],
    span: Span,
    part: Part,
    form: AccountForm,
    last: &mut LastAccount,
) -> Decoded {
    // Mostly a bare part, which ends in something else.
    let Some(parts) = input.last().filter(|byte| **byte == b']').and_then(|_| {
        if last.text != Some(span) {
            *last = LastAccount { text: Some(span), parts: split(input) };
        }
        last.parts.as_ref()
    }) else {
        return match (part, form) {
            (Part::Account, _) | (_, AccountForm::Account) => Decoded::Missing,
            (_, AccountForm::Any) => Decoded::Same,
        };
    };
    let (start, end) = match part {
        Part::Login if parts.login.0 == parts.login.1 => parts.account,
        Part::Login => parts.login,
        Part::Account => parts.account,
        Part::Host => parts.host,
        Part::Address => parts.address,
    };
    Decoded::Part { start, len: end - start }
}

/// Byte ranges, end excluded.
struct Parts {
    account: (usize, usize),
    login: (usize, usize),
    host: (usize, usize),
    address: (usize, usize),
}

/// Splits from the right, because the client chose the names on the left: a user called
/// `x] @ y [z` must not move the address.
#[inline(never)]
fn split(input: &[u8]) -> Option<Parts> {
    const MIDDLE: &[u8] = b"] @ ";
    let address_end = input.len().checked_sub(1).filter(|end| input[*end] == b']')?;
    let mut middle = address_end;
    loop {
        // PERF: one byte is looked for, which is nowhere but here.
        middle = input[..middle].iter().rposition(|byte| *byte == b'@')?;
        let start = middle.checked_sub(2)?;
        if input[start..].starts_with(MIDDLE) {
            middle = start;
            break;
        }
    }
    let host_start = middle + MIDDLE.len();
    if address_end < host_start {
        return None;
    }
    let address_start =
        host_start + input[host_start..address_end].iter().rposition(|byte| *byte == b'[')? + 1;
    let trimmed = input[host_start..address_start - 1].trim_ascii();
    let host = if trimmed.is_empty() {
        (host_start, host_start)
    } else {
        let lead = input[host_start..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        (host_start + lead, host_start + lead + trimmed.len())
    };
    let open = opening_bracket(&input[..middle])?;
    Some(Parts {
        account: (0, open),
        login: (open + 1, middle),
        host,
        address: (address_start, address_end),
    })
}

/// Where the login name's bracket opens in `priv[login`. Both names are mostly equal, which
/// settles it even for names with brackets; otherwise the first bracket is taken.
fn opening_bracket(names: &[u8]) -> Option<usize> {
    let half = names.len() / 2;
    if names.len() % 2 == 1 && names[half] == b'[' && names[..half] == names[half + 1..] {
        return Some(half);
    }
    names.iter().position(|byte| *byte == b'[')
}

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::super::{Decoder, Parameter};
    use super::*;
    use crate::event::value::Store;

    fn parts(input: &str) -> [Option<String>; 4] {
        [Decoder::MysqlUser, Decoder::MysqlPrivUser, Decoder::MysqlHost, Decoder::MysqlIp].map(
            |decoder| {
                run(decoder, input.as_bytes(), Parameter::default())
                    .map(|bytes| String::from_utf8(bytes).unwrap())
            },
        )
    }

    #[test]
    fn every_part_is_found() {
        let table = [
            ("app[app] @  [203.0.113.9]", ["app", "app", "", "203.0.113.9"]),
            ("app[app] @ web-1 [203.0.113.9]", ["app", "app", "web-1", "203.0.113.9"]),
            ("root[root] @ localhost []", ["root", "root", "localhost", ""]),
            ("[guest] @  [203.0.113.9]", ["guest", "", "", "203.0.113.9"]),
            ("proxied[bob] @ h [::1]", ["bob", "proxied", "h", "::1"]),
            ("kept[] @ h [::1]", ["kept", "kept", "h", "::1"]),
            (
                "skip-grants user[root] @ localhost []",
                ["root", "skip-grants user", "localhost", ""],
            ),
            ("a[b[a[b] @  [::1]", ["a[b", "a[b", "", "::1"]),
            ("x] @ y [z[x] @ y [z] @  [::1]", ["x] @ y [z", "x] @ y [z", "", "::1"]),
        ];
        for (input, expected) in table {
            assert_eq!(parts(input), expected.map(|part| Some(part.to_string())), "{input}");
        }
    }

    #[test]
    fn a_text_is_remembered_until_another_comes() {
        // Two texts of one length, in one buffer and in two.
        let texts = ["app[app] @ h [::1]", "b[cdef] @ web-1 []"];
        let span = |store, start| Span { store, start, len: 18 };
        let places = [span(Store::Input, 0), span(Store::Input, 18), span(Store::Derived, 0)];
        let forms = [AccountForm::Any, AccountForm::Account];
        let parts = [Part::Login, Part::Account, Part::Host, Part::Address];
        let mut last = LastAccount::default();
        for step in 0..200usize {
            let place = step * 7 % 5 % 3;
            let input = texts[usize::from(place > 0)].as_bytes();
            let (part, form) = (parts[step % 4], forms[step / 4 % 2]);
            let found = decode(input, places[place], part, form, &mut last);
            let fresh = decode(input, places[place], part, form, &mut LastAccount::default());
            assert_eq!(found, fresh, "{step}");
        }
    }

    #[test]
    fn other_forms_stay() {
        for input in ["app", "", "a@b", "a[a] @ b", "[", "] @ ]", "a] @ [x]", "] @ "] {
            let same = Some(input.to_string());
            assert_eq!(parts(input), [same.clone(), None, same.clone(), same], "{input}");
        }
    }

    #[test]
    fn other_forms_are_refused_where_only_accounts_are_meant() {
        let only = Parameter { number: 1, ..Parameter::default() };
        assert_eq!(run(Decoder::MysqlUser, b"web-1", only), None);
        assert_eq!(run(Decoder::MysqlIp, b"a[b] @ h [::1]", only), Some(b"::1".to_vec()));
    }
}
