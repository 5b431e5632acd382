//! JSON in base64, as message queues wrap it.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding may be missing.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Whether a text is what an object, or an array of objects, begins like in base64. Tokens that begin
/// like it have parts, with dots between.
pub fn begins_like_json(text: &[u8]) -> bool {
    // `{"`, `{` and white space, `[{`.
    let begins = matches!(
        text,
        [b'e', b'y', b'A'..=b'L', ..]
            | [b'e', b'w', b'k'..=b'r' | b'0'..=b'3', ..]
            | [b'W', b'3', b's'..=b'v', ..]
    );
    begins && memchr::memchr(b'.', text).is_none()
}

/// How many bytes a text of `len` says at most, with some that the decoder may use.
pub fn room(len: usize) -> usize {
    len / 4 * 3 + 3
}

/// Writes what a text says to `out`, which has [`room`] for it. `None` if it is no base64.
pub fn decode(text: &[u8], out: &mut [u8]) -> Option<usize> {
    ENGINE.decode_slice(text.trim_ascii_end(), out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose;

    #[test]
    fn what_begins_like_json_is_told_and_decoded() {
        for json in ["{}", r#"{"a":1}"#, "{ \"a\": 1}", "{\n\"a\"", "{\t", "{\r\n", r#"[{"a":[]}]"#]
        {
            for engine in [general_purpose::STANDARD, general_purpose::STANDARD_NO_PAD] {
                let text = engine.encode(json);
                assert_eq!(begins_like_json(text.as_bytes()), json != "{}", "{json}");
                let mut out = vec![0; room(text.len())];
                let text = format!("{text}\n");
                assert_eq!(decode(text.as_bytes(), &mut out), Some(json.len()), "{json}");
                assert_eq!(&out[..json.len()], json.as_bytes());
            }
        }
        for text in ["", "e", "ey", "eyJhbGciOiJIUzI1NiJ9.e30.x", "event", "Warning", "W1sx"] {
            assert!(!begins_like_json(text.as_bytes()), "{text}");
        }
        for text in ["eyJ!", "eyJhI", "eyJ hIjoxfQ=="] {
            assert_eq!(decode(text.as_bytes(), &mut [0; 64]), None, "{text}");
        }
    }
}
