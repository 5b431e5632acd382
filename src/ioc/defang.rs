//! Values that were made harmless for people: `hxxp://evil[.]example` is repaired.

use std::borrow::Cow;

/// What stands for what, without regard to case.
const REPAIRS: [(&str, &str); 18] = [
    ("[.]", "."),
    ("(.)", "."),
    ("{.}", "."),
    ("[dot]", "."),
    ("(dot)", "."),
    ("{dot}", "."),
    ("[:]", ":"),
    ("[://]", "://"),
    ("[:/]/", "://"),
    ("[/]", "/"),
    ("[at]", "@"),
    ("(at)", "@"),
    ("{at}", "@"),
    ("[@]", "@"),
    ("(@)", "@"),
    ("\\.", "."),
    ("[.", "."),
    (".]", "."),
];

/// The value as it was meant, and whether anything was repaired. An address in brackets keeps them.
pub fn repair(text: &str) -> (Cow<'_, str>, bool) {
    let mut out = Cow::Borrowed(text);
    if text.contains(['[', ']', '(', '{', '\\']) {
        let repaired = replace(text);
        if repaired != text {
            out = Cow::Owned(repaired);
        }
    }
    for (broken, whole) in [("hxxps", "https"), ("hxxp", "http"), ("fxp", "ftp"), ("h**p", "http")]
    {
        let is_scheme =
            out.get(..broken.len()).is_some_and(|text| text.eq_ignore_ascii_case(broken))
                && out[broken.len()..].starts_with([':', '[', 's']);
        if is_scheme {
            out = Cow::Owned(format!("{whole}{}", &out[broken.len()..]));
            break;
        }
    }
    let is_repaired = matches!(out, Cow::Owned(_));
    (out, is_repaired)
}

fn replace(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let found = REPAIRS.iter().find(|(broken, _)| {
            let begins = rest.as_bytes().get(..broken.len());
            begins.is_some_and(|text| text.eq_ignore_ascii_case(broken.as_bytes()))
        });
        match found {
            Some((broken, whole)) => {
                out.push_str(whole);
                rest = &rest[broken.len()..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::repair;

    #[test]
    fn what_was_made_harmless_is_repaired() {
        for (text, expected) in [
            ("evil[.]example", "evil.example"),
            ("evil(dot)example", "evil.example"),
            ("evil[DOT]example", "evil.example"),
            ("evil[.example", "evil.example"),
            ("evil.]example", "evil.example"),
            ("hxxp://evil[.]example/a", "http://evil.example/a"),
            ("hXXps[:]//evil.example", "https://evil.example"),
            ("hxxp[://]evil.example", "http://evil.example"),
            ("hxxps://evil.example", "https://evil.example"),
            ("fxp://evil.example", "ftp://evil.example"),
            ("192[.]0[.]2[.]1", "192.0.2.1"),
            ("bob(at)evil[.]example", "bob@evil.example"),
            ("2001[:]db8::1", "2001:db8::1"),
            ("évil[.]example", "évil.example"),
        ] {
            assert_eq!(repair(text), (expected.into(), true), "{text}");
        }
        for text in
            ["evil.example", "http://[2001:db8::1]/", "hxxpert.example", "a(b)c.exe", "é", ""]
        {
            assert_eq!(repair(text), (text.into(), false), "{text}");
        }
    }
}
