//! IP addresses where a source writes a host name, an address, or an address with a port.

use super::Decoded;
use crate::event::address::is_address;

/// What MariaDB writes behind an address whose port it does not know.
const UNAVAILABLE: &[u8] = b":unavailable";
/// Longest text of an address.
const MAX: usize = 64;

/// The address; missing for anything else. `203.0.113.9:51022` is that address, and so is
/// `[2001:db8::1]:51022`. An IPv6 address and a port with only a colon between are told apart if they
/// are no address together, as they never are with a port of five digits; otherwise the text is taken as
/// it stands.
pub fn decode(input: &[u8]) -> Decoded {
    match parts(input) {
        Some(Parts { address: (0, end), .. }) if end == input.len() => Decoded::Same,
        Some(Parts { address: (start, end), is_address: true, .. }) => {
            Decoded::Part { start, len: end - start }
        }
        _ => Decoded::Missing,
    }
}

/// The port behind an address or a host's name; missing if there is none.
pub fn port(input: &[u8]) -> Decoded {
    match parts(input).and_then(|parts| parts.port) {
        Some(start) => Decoded::Part { start, len: input.len() - start },
        None => Decoded::Missing,
    }
}

/// A host and a port.
struct Parts {
    /// First byte and end of the address or name.
    address: (usize, usize),
    is_address: bool,
    /// First byte of the port.
    port: Option<usize>,
}

/// `None` for a name without a port.
fn parts(input: &[u8]) -> Option<Parts> {
    let text = Some(input).filter(|text| text.len() <= MAX)?;
    let text = text.strip_suffix(UNAVAILABLE).unwrap_or(text);
    if is_address(text) {
        return Some(Parts { address: (0, text.len()), is_address: true, port: None });
    }
    let colon = text.iter().rposition(|byte| *byte == b':')?;
    let (host, port) = (&text[..colon], colon + 1);
    if !is_port(&text[port..]) {
        return None;
    }
    let inner = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]"));
    let (start, name) = inner.map_or((0, host), |inner| (1, inner));
    let is_address = is_address(name);
    // A name has no colon.
    let is_name = || !name.is_empty() && !name.contains(&b':') && std::str::from_utf8(name).is_ok();
    (is_address || is_name()).then(|| Parts {
        address: (start, start + name.len()),
        is_address,
        port: Some(port),
    })
}

/// A number from 0 to 65535.
fn is_port(text: &[u8]) -> bool {
    let number = text.iter().try_fold(0u32, |number, byte| {
        let digit = Some(byte.wrapping_sub(b'0')).filter(|digit| *digit <= 9)?;
        Some(number * 10 + u32::from(digit)).filter(|number| *number <= u16::MAX.into())
    });
    number.is_some() && !text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::super::{Decoder, Parameter, tests::run};
    use super::parts;
    use std::net::IpAddr;

    /// What is said of a text by the standard library's parsers alone.
    fn plain(input: &[u8]) -> Option<((usize, usize), bool, Option<usize>)> {
        let text = std::str::from_utf8(input).ok().filter(|text| text.len() <= super::MAX)?;
        let text = text.strip_suffix(":unavailable").unwrap_or(text);
        if text.parse::<IpAddr>().is_ok() {
            return Some(((0, text.len()), true, None));
        }
        let (host, port) = text.rsplit_once(':')?;
        if !port.bytes().all(|byte| byte.is_ascii_digit()) || port.parse::<u16>().is_err() {
            return None;
        }
        let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let (start, name) = inner.map_or((0, host), |inner| (1, inner));
        let is_address = name.parse::<IpAddr>().is_ok();
        let is_name = !name.is_empty() && !name.contains(':');
        let port = Some(text.len() - port.len());
        (is_address || is_name).then_some(((start, start + name.len()), is_address, port))
    }

    #[test]
    fn every_text_of_what_hosts_and_ports_are_made_of() {
        let pieces: [&[u8]; 14] = [
            b"203.0.113.9",
            b"2001:db8::1",
            b"[",
            b"]",
            b":",
            b"80",
            b"65535",
            b"65536",
            b"0",
            b"a",
            b".",
            b"\xff",
            b":unavailable",
            b"\xc3\xa4",
        ];
        let mut texts = vec![Vec::new()];
        for at in 0..1 + 14 + 14usize.pow(2) + 14usize.pow(3) {
            texts.extend(pieces.map(|piece| [&texts[at][..], piece].concat()));
        }
        texts.push(vec![b'a'; 80]);
        let mut found = 0;
        for text in texts {
            let parts = parts(&text).map(|parts| (parts.address, parts.is_address, parts.port));
            assert_eq!(parts, plain(&text), "{:?}", text.escape_ascii());
            found += u32::from(parts.is_some());
        }
        assert!(found > 500, "{found}");
    }

    #[test]
    fn addresses_and_nothing_else() {
        let address = |text: &str| {
            run(Decoder::Address, text.as_bytes(), Parameter::default())
                .map(|bytes| String::from_utf8(bytes).unwrap())
        };
        assert_eq!(address("203.0.113.9").as_deref(), Some("203.0.113.9"));
        assert_eq!(address("203.0.113.9:51022").as_deref(), Some("203.0.113.9"));
        assert_eq!(address("2001:db8::1").as_deref(), Some("2001:db8::1"));
        assert_eq!(address("[2001:db8::1]:3306").as_deref(), Some("2001:db8::1"));
        assert_eq!(address("2001:db8::1:51022").as_deref(), Some("2001:db8::1"));
        assert_eq!(address("2001:db8::1:3306").as_deref(), Some("2001:db8::1:3306"));
        for text in ["", "localhost", "%", "shop-db-1", "shop-db-1:3306", "1.2.3", "1.2.3.4:", ":1"]
        {
            assert_eq!(address(text), None, "{text}");
        }
        assert_eq!(address("203.0.113.9:unavailable").as_deref(), Some("203.0.113.9"));
        assert_eq!(address("::1:unavailable").as_deref(), Some("::1"));
        let port = |text: &str| {
            run(Decoder::Port, text.as_bytes(), Parameter::default())
                .map(|bytes| String::from_utf8(bytes).unwrap())
        };
        assert_eq!(port("203.0.113.9:51022").as_deref(), Some("51022"));
        assert_eq!(port("[2001:db8::1]:3306").as_deref(), Some("3306"));
        assert_eq!(port("2001:db8::1:51022").as_deref(), Some("51022"));
        assert_eq!(port("localhost:0").as_deref(), Some("0"));
        for text in [
            "",
            "localhost",
            "203.0.113.9",
            "::1",
            ":1",
            "a:65536",
            "a:b:1",
            "a:+1",
            "::1:unavailable",
        ] {
            assert_eq!(port(text), None, "{text}");
        }
    }
}
