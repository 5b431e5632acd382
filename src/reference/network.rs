//! `cidr`: IPv4 and IPv6 networks. The two never contain each other's addresses.

use std::net::IpAddr;

/// A network: addresses of one version that agree in the first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u32,
}

impl Network {
    /// Reads `address/prefix`, or an address, which is a network of its own. Bits behind the
    /// prefix must be zero.
    pub fn parse(text: &str) -> Result<Network, String> {
        let wrong = |what: &str| format!("`{text}` is not a network: {what}");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong("no IPv4 or IPv6 address"))?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                digits.parse().map_err(|_| wrong("no prefix length"))?
            }
            Some(_) => return Err(wrong("no prefix length")),
        };
        if prefix > width {
            return Err(wrong("the prefix is too long"));
        }
        let network = Network { address, prefix };
        let host_bits = (0..width - prefix).fold(0u128, |bits, at| bits | 1 << at);
        if bits(address) & host_bits != 0 {
            return Err(wrong("bits are set behind the prefix"));
        }
        Ok(network)
    }

    /// Whether the text is an address of this network, and nothing else.
    pub fn contains(&self, text: &[u8]) -> bool {
        let Some(address) = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok())
        else {
            return false;
        };
        let width = match (self.address, address) {
            (IpAddr::V4(_), IpAddr::V4(_)) => 32,
            (IpAddr::V6(_), IpAddr::V6(_)) => 128,
            _ => return false,
        };
        let different = bits(self.address) ^ bits(address);
        // A shift by all 128 bits leaves nothing to differ.
        different.checked_shr(width - self.prefix).unwrap_or(0) == 0
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipnet::IpNet;

    #[test]
    fn containment() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", &["10.0.0.0", "10.255.255.255"][..], &["9.255.255.255", "11.0.0.0"][..]),
            ("172.16.0.0/12", &["172.31.255.255"], &["172.32.0.0", "172.15.255.255"]),
            ("192.168.1.6/31", &["192.168.1.6", "192.168.1.7"], &["192.168.1.5", "192.168.1.8"]),
            ("192.168.1.7", &["192.168.1.7"], &["192.168.1.6"]),
            ("0.0.0.0/0", &["0.0.0.0", "255.255.255.255"], &["::", "::ffff:1.2.3.4"]),
            ("::/0", &["::", "ffff::", "::ffff:10.0.0.1"], &["10.0.0.1"]),
            ("fe80::/10", &["fe80::1", "FEBF::"], &["fec0::", "fe80::1%eth0"]),
            ("::1", &["::1", "0:0:0:0:0:0:0:1"], &["::2", "127.0.0.1"]),
            (
                "10.0.0.0/8",
                &[],
                &[
                    "",
                    "10.0.0",
                    "10.0.0.1:80",
                    " 10.0.0.1",
                    "10.0.0.1\n",
                    "010.0.0.1",
                    "10.0.0.256",
                    "10",
                    "x",
                    "[::1]",
                    "10.0.0.0/8",
                ],
            ),
        ] {
            let parsed = Network::parse(network).unwrap();
            for address in inside {
                assert!(parsed.contains(address.as_bytes()), "{address} in {network}");
            }
            for address in outside {
                assert!(!parsed.contains(address.as_bytes()), "{address} in {network}");
            }
        }
        assert!(!Network::parse("10.0.0.0/8").unwrap().contains(b"10.0.0.\xff"));
    }

    #[test]
    fn containment_agrees_with_another_crate_at_every_prefix() {
        for (address, width) in
            [("203.0.113.85", 32), ("2001:db8:5555:aaaa:5555:aaaa:5555:aaab", 128)]
        {
            for prefix in 0..=width {
                let theirs = format!("{address}/{prefix}").parse::<IpNet>().unwrap().trunc();
                let ours = Network::parse(&theirs.to_string()).unwrap();
                for flipped in 0..width {
                    let bit = 1u128 << flipped;
                    let other: IpAddr = match address.parse().unwrap() {
                        IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) ^ bit as u32).into()),
                        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) ^ bit).into()),
                    };
                    let contains = ours.contains(other.to_string().as_bytes());
                    assert_eq!(contains, theirs.contains(&other), "{other} in {theirs}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_network() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.*",
            "::/129",
            "fe80::1/10",
            "localhost",
        ] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }
}
