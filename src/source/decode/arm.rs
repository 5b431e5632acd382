//! Azure resource ids: `/subscriptions/ID/resourceGroups/NAME/providers/NAMESPACE/TYPE/NAME`.

use super::{Decoded, Rewrite};

/// The segment after the first of the named ones (lower case, separated by `/`).
///
/// Diagnostic settings write resource ids in upper case and other fields as the owner typed
/// them; Azure compares both without case, so the result is in lower case. A text that is no
/// path is taken to be the name itself, which lets a descriptor list plain fields before ids.
pub(super) fn decode(input: &[u8], wanted: &[u8]) -> Decoded {
    if !input.contains(&b'/') {
        return lower(input, 0, input.len());
    }
    let mut start = 0;
    let mut follows = false;
    for segment in input.split(|byte| *byte == b'/') {
        if follows && !segment.is_empty() {
            return lower(input, start, segment.len());
        }
        follows = !segment.is_empty()
            && wanted.split(|byte| *byte == b'/').any(|name| name.eq_ignore_ascii_case(segment));
        start += segment.len() + 1;
    }
    Decoded::Missing
}

fn lower(input: &[u8], start: usize, len: usize) -> Decoded {
    if input[start..start + len].iter().any(u8::is_ascii_uppercase) {
        return Decoded::Rewrite { start, len, with: Rewrite::Lower };
    }
    Decoded::Part { start, len }
}

#[cfg(test)]
mod tests {
    use super::super::tests::run;
    use super::super::{Decoder, Parameter};

    #[test]
    fn segments_are_named_without_case() {
        let id = "/SUBSCRIPTIONS/ABC-1/RESOURCEGROUPS/Rg-One/PROVIDERS/MICROSOFT.DBFORMYSQL/FLEXIBLESERVERS/DB-1";
        let table = [
            (id, "servers/flexibleservers", Some("db-1")),
            (id, "resourcegroups", Some("rg-one")),
            (id, "subscriptions", Some("abc-1")),
            (id, "vaults", None),
            ("/subscriptions/a/", "subscriptions", Some("a")),
            ("/subscriptions/", "subscriptions", None),
            ("/subscriptions//a", "subscriptions", None),
            ("DB-1", "servers", Some("db-1")),
            ("db-1", "servers", Some("db-1")),
            ("", "servers", Some("")),
            ("///", "servers", None),
        ];
        for (input, segment, expected) in table {
            let parameter = Parameter { text: segment.as_bytes(), ..Parameter::default() };
            let name = run(Decoder::ArmName, input.as_bytes(), parameter);
            assert_eq!(name.as_deref(), expected.map(str::as_bytes), "{input} {segment}");
        }
    }
}
