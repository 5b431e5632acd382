//! IP addresses where a source writes a host name, an address, or an address with a port.

use super::Decoded;
use std::net::{IpAddr, Ipv4Addr};

/// Longest text of an address.
const MAX: usize = 64;

/// The address; missing for anything else. `203.0.113.9:51022` is that address; an IPv6 address and
/// a port with a colon between cannot be told apart, so it is taken as it stands.
pub fn decode(input: &[u8]) -> Decoded {
    let Ok(text) = std::str::from_utf8(input) else { return Decoded::Missing };
    if text.len() > MAX {
        return Decoded::Missing;
    }
    if text.parse::<IpAddr>().is_ok() {
        return Decoded::Same;
    }
    match text.rsplit_once(':') {
        Some((address, port)) if address.parse::<Ipv4Addr>().is_ok() && is_port(port) => {
            Decoded::Part { start: 0, len: address.len() }
        }
        _ => Decoded::Missing,
    }
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::super::{Decoder, Parameter, tests::run};

    #[test]
    fn addresses_and_nothing_else() {
        let address = |text: &str| {
            run(Decoder::Address, text.as_bytes(), Parameter::default())
                .map(|bytes| String::from_utf8(bytes).unwrap())
        };
        assert_eq!(address("203.0.113.9").as_deref(), Some("203.0.113.9"));
        assert_eq!(address("203.0.113.9:51022").as_deref(), Some("203.0.113.9"));
        assert_eq!(address("2001:db8::1").as_deref(), Some("2001:db8::1"));
        for text in ["", "localhost", "%", "shop-db-1", "shop-db-1:3306", "1.2.3", "1.2.3.4:", ":1"]
        {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
