//! The encodings of rule values: UTF-16, Base64, and Base64 at an unknown offset.

/// A UTF-16 encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Utf16 {
    /// `wide`, `utf16le`
    LittleEndian,
    /// `utf16be`
    BigEndian,
    /// `utf16`: a byte order mark, then little-endian.
    Marked,
}

impl Utf16 {
    /// What stands before the text.
    pub fn mark(self) -> &'static [u8] {
        match self {
            Utf16::Marked => b"\xff\xfe",
            Utf16::LittleEndian | Utf16::BigEndian => b"",
        }
    }

    /// The text without a mark.
    pub fn encode(self, scalar: char) -> Vec<u8> {
        let mut units = [0; 2];
        let units = scalar.encode_utf16(&mut units).iter();
        match self {
            Utf16::BigEndian => units.flat_map(|unit| unit.to_be_bytes()).collect(),
            Utf16::LittleEndian | Utf16::Marked => {
                units.flat_map(|unit| unit.to_le_bytes()).collect()
            }
        }
    }
}

/// Base64, standard alphabet, padded.
pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(*group.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let six = bits >> (18 - 6 * at) & 63;
            text.push(if at <= group.len() { ALPHABET[six as usize].into() } else { '=' });
        }
    }
    text
}

/// What the Base64 of any text contains that contains these bytes: one text for each position
/// modulo 3 where they can begin, without the characters that depend on their neighbours.
pub fn base64_offsets(bytes: &[u8]) -> [String; 3] {
    [0, 1, 2].map(|offset| {
        let encoded = base64(&[&vec![b' '; offset], bytes].concat());
        let begin = [0, 2, 3][offset];
        let end = encoded.len() - [0, 3, 2][(bytes.len() + offset) % 3];
        // Of a single byte (or none) nothing may be left.
        encoded.get(begin..end).unwrap_or("").to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    #[test]
    fn base64_agrees_with_the_crate() {
        for length in 0..70u32 {
            let bytes: Vec<u8> = (0..length).map(|at| (at * 97 + length * 31) as u8).collect();
            assert_eq!(base64(&bytes), BASE64_STANDARD.encode(&bytes), "{length}");
        }
    }

    #[test]
    fn offsets_are_in_the_base64_of_every_surrounding() {
        for needle in [
            &b"a"[..],
            b"ab",
            b"foobar",
            b"/bin/bash",
            "é-é".as_bytes(),
            b"p\0i\0n\0g\0",
            b"\xff\xff\xff\xff",
        ] {
            let offsets = base64_offsets(needle);
            for before in 0..7 {
                for after in 0..5 {
                    for filler in [0u8, b' ', b'x', 0xff] {
                        let text = [&vec![filler; before], needle, &vec![filler; after]].concat();
                        let encoded = BASE64_STANDARD.encode(text);
                        assert!(encoded.contains(&offsets[before % 3]), "{needle:?} in {encoded}");
                    }
                }
            }
        }
    }

    #[test]
    fn offsets_are_as_long_as_can_be() {
        // One character more at either end would depend on the neighbours: it differs between
        // some two surroundings.
        for needle in [&b"ab"[..], b"abc", b"foobar", b"/bin/bash"] {
            for (offset, stable) in base64_offsets(needle).iter().enumerate() {
                let bits = needle.len() * 8 - (6 - offset * 8 % 6) % 6;
                assert_eq!(stable.len(), bits / 6, "{needle:?} at {offset}");
            }
        }
        assert_eq!(base64_offsets(b"foobar"), ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]);
        assert_eq!(base64_offsets(b"a"), ["Y", "", "h"]);
        assert_eq!(base64_offsets(b""), ["", "", ""]);
    }

    #[test]
    fn utf16_of_every_plane() {
        assert_eq!(Utf16::LittleEndian.encode('é'), [0xe9, 0]);
        assert_eq!(Utf16::BigEndian.encode('é'), [0, 0xe9]);
        assert_eq!(Utf16::Marked.encode('😀'), [0x3d, 0xd8, 0x00, 0xde]);
        assert_eq!(Utf16::BigEndian.encode('😀'), [0xd8, 0x3d, 0xde, 0x00]);
        assert_eq!((Utf16::Marked.mark(), Utf16::BigEndian.mark()), (&b"\xff\xfe"[..], &b""[..]));
    }
}
