//! Indicators in a text, found the slow way: every indicator is tried on every piece, by code that
//! shares nothing with the engine. Addresses and networks are those of `std` and `ipnet`, URLs those
//! of the crate `url`, pieces are found by regular expressions.

use ipnet::IpNet;
use regex::bytes::Regex;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::LazyLock;

/// What was found: type and value as written in the list.
pub type Found = BTreeSet<(&'static str, String)>;

/// A list of indicators as they were written.
pub struct Judge {
    pub ips: Vec<IpAddr>,
    pub networks: Vec<IpNet>,
    pub domains: Vec<String>,
    pub urls: Vec<String>,
    pub hashes: Vec<String>,
    pub emails: Vec<String>,
    pub files: Vec<String>,
}

fn regex(source: &str) -> Regex {
    Regex::new(&format!("(?s-u){source}")).unwrap()
}

static PIECES: LazyLock<Regex> = LazyLock::new(|| regex(r"\\\\|[A-Za-z0-9._-]+|."));
static COLONS: LazyLock<Regex> = LazyLock::new(|| regex("[0-9A-Fa-f.:]+"));
static SCHEME: LazyLock<Regex> =
    LazyLock::new(|| regex("(?i)(https|http|ftps|sftp|tftp|ftp|ldaps|ldap|smb|ws)$"));
static ANY_SCHEME: LazyLock<Regex> = LazyLock::new(|| regex("[A-Za-z0-9+.-]{1,16}$"));
static LOCAL: LazyLock<Regex> = LazyLock::new(|| regex("[A-Za-z0-9._%+-]+$"));
static HOST: LazyLock<Regex> = LazyLock::new(|| regex("^[A-Za-z0-9._-]+"));

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The spelling in which two URLs are compared, with and without scheme.
pub fn canonical(written: &str) -> Option<(String, String)> {
    let (scheme, rest) = written.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // A host that is no name or address is none of any list.
    let url = url::Url::parse(&format!("{scheme}://{authority}/")).ok()?;
    let host = url.host_str()?.trim_end_matches('.');
    let port = url.port().map_or(String::new(), |port| format!(":{port}"));
    let path = path.split('#').next()?;
    // Only what nobody needs to escape is undone.
    let mut out = String::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let escape = rest.get(1..3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escape.filter(|_| first == '%' && !rest[1..3].starts_with('+')) {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(byte.into());
                rest = &rest[3..];
            }
            Some(_) => {
                out.push_str(&rest[..3].to_uppercase());
                rest = &rest[3..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    let (path, query) = out.split_at(out.find('?').unwrap_or(out.len()));
    let path = path.strip_suffix('/').unwrap_or(path);
    let own = format!("//{}{port}{path}{query}", host.to_lowercase());
    Some((format!("{}:{own}", scheme.to_lowercase()), own))
}

impl Judge {
    fn address(&self, address: IpAddr, found: &mut Found) {
        let address = address.to_canonical();
        for ip in self.ips.iter().filter(|ip| **ip == address) {
            found.insert(("ip", ip.to_string()));
        }
        for network in self.networks.iter().filter(|network| network.contains(&address)) {
            found.insert(("network", network.to_string()));
        }
    }

    fn domain(&self, word: &str, found: &mut Found) {
        let word = word.to_lowercase();
        for domain in &self.domains {
            if word == *domain || word.ends_with(&format!(".{domain}")) {
                found.insert(("domain", domain.clone()));
            }
        }
    }

    fn file(&self, name: &str, found: &mut Found) {
        for file in self.files.iter().filter(|file| **file == name.to_lowercase()) {
            found.insert(("file_name", file.clone()));
        }
    }

    fn word(&self, word: &str, in_path: bool, found: &mut Found) {
        let bare = word.trim_end_matches('.');
        let digits = word.strip_prefix("0x").or(word.strip_prefix("0X")).unwrap_or(word);
        for hash in &self.hashes {
            if [word, digits].iter().any(|own| own.eq_ignore_ascii_case(hash)) {
                found.insert(("hash", hash.clone()));
            }
        }
        if !word.contains('.') && !in_path {
            return;
        }
        // No name of a domain or a file is longer.
        if bare.len() <= 255 {
            self.file(bare, found);
            if word.contains('.') {
                self.domain(bare, found);
            }
        }
        if let Ok(address) = bare.parse::<std::net::Ipv4Addr>() {
            self.address(address.into(), found);
        }
    }

    pub fn url(&self, candidate: &str, found: &mut Found) {
        let Some((whole, own)) = canonical(candidate) else { return };
        for url in &self.urls {
            let is_it = match url.contains("://") {
                true => canonical(url).unwrap().0 == whole,
                false => canonical(&format!("http://{url}")).unwrap().1 == own,
            };
            if is_it {
                found.insert(("url", url.clone()));
            }
        }
    }

    fn email(&self, address: &str, found: &mut Found) {
        for email in self.emails.iter().filter(|email| **email == address.to_lowercase()) {
            found.insert(("email", email.clone()));
        }
    }

    /// Everything in a statement.
    pub fn words(&self, statement: &[u8]) -> Found {
        let mut found = Found::new();
        let mut before: &[u8] = b"";
        for piece in PIECES.find_iter(statement) {
            let bytes = piece.as_bytes();
            if bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b)) {
                let in_path = matches!(before, b"/" | b"\\" | br"\\");
                let word = text(bytes);
                self.word(&word, in_path, &mut found);
                if before == b"\\" && b"nrtb0Z".contains(&bytes[0]) && word.len() > 1 {
                    self.word(&word[1..], in_path, &mut found);
                }
            }
            before = bytes;
        }
        for run in COLONS.find_iter(statement) {
            let run = text(run.as_bytes());
            let mut run = run.trim_end_matches('.');
            if run.ends_with(':') && !run.ends_with("::") {
                run = &run[..run.len() - 1];
            }
            if run.starts_with(':') && !run.starts_with("::") {
                run = &run[1..];
            }
            if let Ok(address) = run.parse::<std::net::Ipv6Addr>() {
                self.address(address.into(), &mut found);
            }
        }
        for (at, _) in statement.iter().enumerate().filter(|(_, byte)| **byte == b'@') {
            let local = LOCAL.find(&statement[..at]).map(|local| text(local.as_bytes()));
            let host = HOST.find(&statement[at + 1..]).map(|host| text(host.as_bytes()));
            let (Some(local), Some(host)) = (local, host) else { continue };
            let host = host.trim_end_matches('.');
            self.email(&format!("{local}@{host}"), &mut found);
            let is_escaped = statement[..at - local.len()].ends_with(b"\\");
            if is_escaped && local.starts_with(['n', 'r', 't', 'b', '0', 'Z']) {
                self.email(&format!("{}@{host}", &local[1..]), &mut found);
            }
        }
        self.urls_in(statement, &mut found);
        found
    }

    fn urls_in(&self, statement: &[u8], found: &mut Found) {
        let places = statement.windows(3).enumerate().filter(|(_, window)| *window == b"://");
        for (at, _) in places {
            let letter = |run: regex::bytes::Match<'_>| {
                let first = run.as_bytes().iter().position(u8::is_ascii_alphabetic)?;
                Some(run.start() + first)
            };
            let known = SCHEME.find(&statement[..at]).map(|scheme| scheme.start());
            let other = || ANY_SCHEME.find(&statement[..at]).and_then(letter);
            let Some(start) = known.or_else(other) else { continue };
            let ends = |byte: &u8| *byte <= b' ' || b"'\"`<>\\\x7f".contains(byte);
            let rest = &statement[start..];
            let len = rest.iter().position(ends).unwrap_or(rest.len());
            let whole = text(&rest[..len]);
            let short = whole.split(['(', ')', ',', ';', '|', '^', '{', '}']).next().unwrap();
            for candidate in [&*whole, short] {
                self.url(candidate, found);
                let marks = ['.', ',', ';', ':', '!', '?', ')', ']', '}', '|', '*'];
                self.url(candidate.trim_end_matches(marks), found);
            }
        }
    }
}
