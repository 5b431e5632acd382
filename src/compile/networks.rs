//! Networks: which lies in which, and how many addresses of traffic are in them.

use crate::ruleset::tables::{NONE, Nested, Network};

/// Networks of one version with their predicates, as the index has them. All are different, and of
/// two one lies in the other or they have no address in common.
pub fn nested(mut networks: Vec<(Network, u32)>) -> Vec<Nested> {
    networks.sort_by_key(|(network, _)| (network.first as u128, !(network.last as u128)));
    let mut list: Vec<Nested> = Vec::with_capacity(networks.len());
    for (at, (network, predicate)) in networks.iter().enumerate() {
        let mut outer = at.checked_sub(1);
        while let Some(candidate) = outer.filter(|outer| !networks[*outer].0.has(network)) {
            outer = list[candidate].outer();
        }
        let outer = outer.map_or(NONE, |outer| outer as u32);
        list.push(Nested { first: network.first, predicate: *predicate, outer });
    }
    list
}

/// First and last address of a block, and the share of addresses in traffic that it is guessed to
/// have.
type Block = (u8, u128, u128, f64);

/// What addresses are in. Half of them are a site's own.
const BLOCKS: [Block; 10] = [
    v4([10, 0, 0, 0], 8, 0.2),
    v4([172, 16, 0, 0], 12, 0.06),
    v4([192, 168, 0, 0], 16, 0.12),
    v4([127, 0, 0, 0], 8, 0.04),
    v4([169, 254, 0, 0], 16, 0.01),
    v4([0, 0, 0, 0], 0, 0.47),
    v6(1, 128, 0.02),
    v6(0xFE80 << 112, 10, 0.02),
    v6(0xFC00 << 112, 7, 0.01),
    v6(0x2000 << 112, 3, 0.05),
];

const fn v4(address: [u8; 4], prefix: u32, share: f64) -> Block {
    let first = u32::from_be_bytes(address);
    let last = first | u32::MAX.unbounded_shr(prefix);
    (4, first as u128, last as u128, share)
}

const fn v6(first: u128, prefix: u32, share: f64) -> Block {
    (6, first, first | u128::MAX.unbounded_shr(prefix), share)
}

/// The share of texts of a field with addresses that are guessed to be in a network, above 0.
pub fn share(version: u8, first: u128, last: u128) -> f64 {
    let of = |(block_version, block_first, block_last, share): &Block| {
        let (from, to) = (first.max(*block_first), last.min(*block_last));
        if *block_version != version || from > to {
            return 0.0;
        }
        // Sizes less one, of which the largest does not pass an integer: nearly the same.
        share * ((to - from) as f64 + 1.0) / ((block_last - block_first) as f64 + 1.0)
    };
    BLOCKS.iter().map(of).sum::<f64>() + 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        let network: ipnet::IpNet = text.parse().unwrap();
        let bits = |address| match address {
            std::net::IpAddr::V4(v4) => i128::from(u32::from(v4)),
            std::net::IpAddr::V6(v6) => u128::from(v6) as i128,
        };
        let version = if network.addr().is_ipv4() { 4 } else { 6 };
        Network { version, first: bits(network.network()), last: bits(network.broadcast()) }
    }

    #[test]
    fn networks_lie_in_the_smallest_around_them() {
        let texts = [
            "10.1.2.0/24",
            "10.0.0.0/8",
            "10.1.0.0/16",
            "10.1.2.3/32",
            "10.2.0.0/16",
            "0.0.0.0/0",
            "11.0.0.0/8",
            "10.0.0.0/9",
            "255.255.255.255/32",
        ];
        let list = nested(texts.map(network).into_iter().zip(0..).collect());
        let name = |nested: &Nested| texts[nested.predicate as usize];
        let found: Vec<(&str, Option<&str>)> = list
            .iter()
            .map(|nested| (name(nested), nested.outer().map(|outer| name(&list[outer]))))
            .collect();
        assert_eq!(
            found,
            [
                ("0.0.0.0/0", None),
                ("10.0.0.0/8", Some("0.0.0.0/0")),
                ("10.0.0.0/9", Some("10.0.0.0/8")),
                ("10.1.0.0/16", Some("10.0.0.0/9")),
                ("10.1.2.0/24", Some("10.1.0.0/16")),
                ("10.1.2.3/32", Some("10.1.2.0/24")),
                ("10.2.0.0/16", Some("10.0.0.0/9")),
                ("11.0.0.0/8", Some("0.0.0.0/0")),
                ("255.255.255.255/32", Some("0.0.0.0/0")),
            ]
        );
    }

    #[test]
    fn shares_follow_what_is_in_a_network() {
        let share = |text| {
            let Network { version, first, last } = network(text);
            share(version, first as u128, last as u128)
        };
        assert!((share("0.0.0.0/0") + share("::/0") - 1.0).abs() < 0.01);
        assert!(share("10.0.0.0/8") > 0.2 && share("10.1.0.0/16") < 0.001);
        assert!(share("8.8.8.0/24") < 1e-5 && share("8.8.8.8/32") > 0.0);
        assert!(share("::1/128") > 0.01 && share("ff00::/8") < 1e-5);
    }
}
