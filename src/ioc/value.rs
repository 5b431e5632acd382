//! Values of feeds, checked and brought into the form in which they are compared.

use crate::event::fold::fold;
use crate::limits::INDICATOR_BYTES;
use crate::ruleset::indicators::{kind, url};
use ipnet::IpNet;
use std::net::IpAddr;

/// What a feed says a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// An address or a network.
    Ip,
    /// A domain; names below it count.
    Domain,
    /// A URL.
    Url,
    /// A hash of a file; of its digits' number.
    Hash,
    /// A mail address.
    Email,
    /// A file's name.
    FileName,
}

/// Types by the names that options and feeds use.
pub const TYPES: [(&str, Type); 6] = [
    ("ip", Type::Ip),
    ("domain", Type::Domain),
    ("url", Type::Url),
    ("hash", Type::Hash),
    ("email", Type::Email),
    ("file_name", Type::FileName),
];

/// A value in the form in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value {
    /// See [`kind`].
    pub kind: u8,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A value, or why it is none and the repair.
pub type Parsed = Result<Value, String>;

/// Brings a value of a type into its form.
///
/// # Errors
/// If it is none, or would match what is everywhere.
pub fn parse(of: Type, text: &str) -> Parsed {
    let text = text.trim();
    if text.is_empty() {
        return Err("the value is empty".to_owned());
    }
    if text.len() > INDICATOR_BYTES {
        return Err(format!("the value has {} bytes, the limit is {INDICATOR_BYTES}", text.len()));
    }
    match of {
        Type::Ip => ip(text),
        Type::Domain => domain(text),
        Type::Url => self::url(text),
        Type::Hash => hash(text),
        Type::Email => email(text),
        Type::FileName => file_name(text),
    }
}

/// Brings a value into its form whose type is told from its shape. The name of a file never is: it
/// looks like a domain.
///
/// # Errors
/// As [`parse`]; if the shape says nothing, or something that is hardly meant.
pub fn parse_by_shape(text: &str) -> Parsed {
    let text = text.trim();
    let address = text.split_once('/').map_or(text, |(address, _)| address);
    if address.parse::<IpAddr>().is_ok() && !text.contains("//") {
        return parse(Type::Ip, text);
    }
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex && matches!(text.len(), 32 | 40 | 64 | 128) {
        return parse(Type::Hash, text);
    }
    if text.contains("://") || text.contains('/') && !text.starts_with('/') {
        return parse(Type::Url, text);
    }
    if text.contains('@') {
        return parse(Type::Email, text);
    }
    let end = text.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
    if FILE_ENDINGS.contains(&&*end) {
        return Err(format!(
            "`{text}` may be the name of a file: say what it is with --indicator-type file_name"
        ));
    }
    parse(Type::Domain, text).map_err(|_| {
        format!(
            "`{}` has the shape of no indicator: say what it is with --indicator-type",
            short(text)
        )
    })
}

/// Endings of files that are no top-level domains.
const FILE_ENDINGS: [&str; 30] = [
    "asp", "aspx", "bat", "bin", "cmd", "dat", "dll", "doc", "docm", "docx", "elf", "exe", "hta",
    "iso", "jar", "js", "jsp", "lnk", "msi", "pdf", "php", "ps1", "rar", "scr", "sys", "tmp",
    "txt", "vbs", "xls", "xlsx",
];

/// The beginning of a text, for messages.
pub fn short(text: &str) -> String {
    let mut out: String = text.chars().take(80).flat_map(char::escape_debug).collect();
    if text.chars().nth(80).is_some() {
        out.push_str("...");
    }
    out
}

fn ip(text: &str) -> Parsed {
    let wrong = || format!("`{}` is no IP address or network", short(text));
    let net = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse::<IpNet>().map_err(|_| wrong())?.trunc(),
    };
    let net = mapped(net);
    let address = net.network();
    if net.prefix_len() == 0 {
        return Err(format!("`{text}` is every address"));
    }
    let is_single = net.prefix_len() == net.max_prefix_len();
    if is_single && (address.is_unspecified() || address.is_loopback()) {
        return Err(format!("`{text}` is every machine's own address"));
    }
    let (single, network, mut bytes) = match address {
        IpAddr::V4(address) => (kind::IPV4, kind::NETWORK4, address.octets().to_vec()),
        IpAddr::V6(address) => (kind::IPV6, kind::NETWORK6, address.octets().to_vec()),
    };
    if is_single {
        return Ok(Value { kind: single, bytes });
    }
    bytes.push(net.prefix_len());
    Ok(Value { kind: network, bytes })
}

/// IPv4 addresses in IPv6 are the former.
fn mapped(net: IpNet) -> IpNet {
    if let IpAddr::V6(address) = net.network()
        && let Some(address) = address.to_ipv4_mapped()
        && let Some(len) = net.prefix_len().checked_sub(96)
        && let Ok(net) = IpNet::new(address.into(), len)
    {
        return net;
    }
    net
}

fn domain(text: &str) -> Parsed {
    let name = text.strip_suffix('.').unwrap_or(text);
    // What is below it counts anyway.
    let name = name.strip_prefix("*.").or(name.strip_prefix('.')).unwrap_or(name);
    let wrong = |why: &str| Err(format!("`{}` is no domain: {why}", short(text)));
    if !name.is_ascii() {
        return wrong("write it as DNS has it, with labels that begin with `xn--`");
    }
    let labels: Vec<&str> = name.split('.').collect();
    if name.len() > 253 {
        return wrong("it is longer than 253 bytes");
    }
    let is_label = |label: &&str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(fits)
    };
    if !labels.iter().all(is_label) {
        return wrong("labels have 1 to 63 letters, digits and `-`");
    }
    let [_, .., top] = &labels[..] else {
        return wrong("a single label would match all below it");
    };
    if top.bytes().all(|byte| byte.is_ascii_digit()) {
        return wrong("the last label is a number");
    }
    Ok(Value { kind: kind::DOMAIN, bytes: name.to_ascii_lowercase().into_bytes() })
}

fn url(text: &str) -> Parsed {
    let wrong = |why: &str| Err(format!("`{}` is no URL: {why}", short(text)));
    if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return wrong("blanks in URLs are written `%20`");
    }
    // Without a scheme it matches whatever the scheme is.
    let text = if text.contains("://") || text.starts_with("//") {
        text.to_owned()
    } else {
        format!("//{text}")
    };
    let Some(parts) = url::parts(text.as_bytes()) else {
        return wrong("it has no scheme and host");
    };
    let host = &text[parts.host];
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    if !is_address {
        domain(host).map_err(|why| format!("`{}` is no URL: {why}", short(&text)))?;
    }
    let mut bytes = Vec::new();
    if url::normalise(text.as_bytes(), &mut bytes).is_none() {
        return wrong("it has no scheme and host");
    }
    Ok(Value { kind: kind::URL, bytes })
}

/// The hashes of nothing, which every empty file has.
const OF_NOTHING: [&str; 3] = [
    "d41d8cd98f00b204e9800998ecf8427e",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
];

fn hash(text: &str) -> Parsed {
    let kind = match text.len() {
        32 => kind::MD5,
        40 => kind::SHA1,
        64 => kind::SHA256,
        128 => kind::SHA512,
        len => {
            let text = short(text);
            let why = "MD5 has 32 digits, SHA-1 40, SHA-256 64, SHA-512 128";
            return Err(format!("`{text}` has {len} characters: {why}"));
        }
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pair = |pair: &[u8]| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8);
    let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(pair).collect();
    let Some(bytes) = bytes else {
        return Err(format!(
            "`{}` is no hash: it has other characters than 0-9 and a-f",
            short(text)
        ));
    };
    if OF_NOTHING.contains(&&*text.to_ascii_lowercase()) {
        return Err(format!("`{}` is the hash of every empty file", short(text)));
    }
    Ok(Value { kind, bytes })
}

fn email(text: &str) -> Parsed {
    let wrong = || format!("`{}` is no mail address", short(text));
    let (local, host) = text.rsplit_once('@').ok_or_else(wrong)?;
    let is_plain = |c: char| !c.is_whitespace() && !matches!(c, '<' | '>' | '"' | ',' | ';' | '@');
    if local.is_empty() || local.len() > 64 || !local.chars().all(is_plain) {
        return Err(wrong());
    }
    domain(host).map_err(|_| wrong())?;
    let text = text.strip_suffix('.').unwrap_or(text);
    Ok(Value { kind: kind::EMAIL, bytes: fold(text.as_bytes()) })
}

fn file_name(text: &str) -> Parsed {
    if text.contains(['/', '\\']) {
        let text = short(text);
        return Err(format!(
            "`{text}` is a path: only names of files are compared, without folders"
        ));
    }
    if text.contains(char::is_control) || text.contains(['*', '?']) {
        let text = short(text);
        return Err(format!(
            "`{text}` is no file's name: wildcards and control characters do not count"
        ));
    }
    let bytes = fold(text.as_bytes());
    if bytes.len() > 255 || bytes.len() < 3 {
        return Err(format!("`{}`: names of files have 3 to 255 bytes here", short(text)));
    }
    Ok(Value { kind: kind::FILE_NAME, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind and bytes in short, or `Err` if it is refused.
    fn read(of: Option<Type>, text: &str) -> Option<(u8, String)> {
        let value = of.map_or_else(|| parse_by_shape(text), |of| parse(of, text)).ok()?;
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let bytes = match value.kind {
            kind::DOMAIN | kind::URL | kind::EMAIL | kind::FILE_NAME => {
                String::from_utf8(value.bytes).unwrap()
            }
            _ => hex(&value.bytes),
        };
        Some((value.kind, bytes))
    }

    #[test]
    fn shapes_say_what_a_value_is() {
        for (text, kind, bytes) in [
            ("203.0.113.9", kind::IPV4, "cb007109"),
            ("203.0.113.9/32", kind::IPV4, "cb007109"),
            ("203.0.113.9/24", kind::NETWORK4, "cb00710018"),
            ("::ffff:203.0.113.9", kind::IPV4, "cb007109"),
            ("::ffff:203.0.113.0/120", kind::NETWORK4, "cb00710018"),
            ("2001:DB8::1", kind::IPV6, "20010db8000000000000000000000001"),
            ("2001:db8::/32", kind::NETWORK6, "20010db800000000000000000000000020"),
            ("Evil.Example.", kind::DOMAIN, "evil.example"),
            ("*.evil.example", kind::DOMAIN, "evil.example"),
            ("_dmarc.evil.example", kind::DOMAIN, "_dmarc.evil.example"),
            ("http://Evil.example:80/A", kind::URL, "http://evil.example/A"),
            ("evil.example/a/", kind::URL, "//evil.example/a"),
            ("http://203.0.113.9/", kind::URL, "http://203.0.113.9"),
            ("Bob@Evil.example", kind::EMAIL, "bob@evil.example"),
            ("00112233445566778899AABBCCDDEEFF", kind::MD5, "00112233445566778899aabbccddeeff"),
        ] {
            assert_eq!(read(None, text), Some((kind, bytes.to_owned())), "{text}");
        }
        for text in [
            "",
            " ",
            "evil",
            "evil.exe",
            "a b.example",
            "evil..example",
            "-",
            ".",
            "1.2.3",
            "1.2.3.4.5",
            "0.0.0.0",
            "127.0.0.1",
            "::",
            "::1",
            "::/0",
            "10.0.0.0/33",
            "d41d8cd98f00b204e9800998ecf8427e",
            "bücher.example",
            "@",
            "a@b",
            "a@@b.example",
            "http://",
            "http:///x",
            "http://x",
            "/etc/passwd",
            "http://a.example/b c",
            "x\u{0}.example",
        ] {
            assert_eq!(read(None, text), None, "{text}");
        }
        let long = format!("{}.example", "a".repeat(64));
        assert_eq!(read(None, &long), None);
    }

    #[test]
    fn names_of_files_are_folded_and_have_no_folder() {
        let of = Some(Type::FileName);
        for (text, expected) in [
            ("Evil.EXE", Some("evil.exe")),
            (" a b.txt ", Some("a b.txt")),
            ("ÇAVA.bat", Some("çava.bat")),
            ("C:\\x\\evil.exe", None),
            ("/tmp/evil", None),
            ("*.exe", None),
            ("ab", None),
        ] {
            let expected = expected.map(|name| (kind::FILE_NAME, name.to_owned()));
            assert_eq!(read(of, text), expected, "{text}");
        }
    }
}
