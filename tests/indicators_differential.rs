//! What the engine finds of indicators in random texts, against a list that is gone through from
//! beginning to end.
#![cfg(feature = "compile")]

mod common;
mod generator;
mod indicator_judge;

use generator::Rng;
use indicator_judge::{Found, Judge};
use serde_json::json;
use sigmatag::compile::{self, Options};
use sigmatag::engine::{Engine, Event, Format, Mode, Options as EngineOptions, Scratch, Vectors};
use sigmatag::ioc::{self, Reading, Set};
use sigmatag::rule::ast::Collection;
use sigmatag::rule::descriptor::built_in;
use sigmatag::ruleset::RuleSet;
use std::sync::Arc;

const LIST: &str = "
203.0.113.66
198.51.100.7
10.1.2.3
2001:db8::66
::ffff:192.0.2.9
10.0.0.0/8
10.1.0.0/16
203.0.113.64/30
2001:db8::/32
2001:db8:0:1::/64
evil.example
a.evil.example
n.example
xn--vil-9la.example
example.co.uk
http://evil.example/a
http://evil.example
https://drop.example:8443/p/%7Ex/?id=1
ftp://198.51.100.7/x.sh
http://[2001:db8::66]/y
paste.example/raw
0123456789abcdef0123456789abcdef
0123456789abcdef0123456789abcdef01234567
b123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
00000000000000000000000000000000000000000000000000000000000000010000000000000000000000000000000000000000000000000000000000000002
bob@phish.example
n+x@evil.example
";

const FILES: &str = "evil.exe\nsqlnc.dll\nn.sh\nnoending\na b.txt\nçava.bat\n";

fn judge() -> Judge {
    let mut judge = Judge {
        ips: Vec::new(),
        networks: Vec::new(),
        domains: Vec::new(),
        urls: Vec::new(),
        hashes: Vec::new(),
        emails: Vec::new(),
        files: FILES.lines().map(str::to_owned).collect(),
    };
    for line in LIST.lines().filter(|line| !line.is_empty()) {
        let text = line.to_owned();
        if let Ok(address) = line.parse::<std::net::IpAddr>() {
            judge.ips.push(address.to_canonical());
        } else if let Ok(network) = line.parse() {
            judge.networks.push(network);
        } else if line.contains('@') {
            judge.emails.push(text);
        } else if line.contains('/') {
            judge.urls.push(text);
        } else if line.contains('.') {
            judge.domains.push(text);
        } else {
            judge.hashes.push(text);
        }
    }
    judge
}

fn rules() -> Arc<RuleSet> {
    let at = 1_780_000_000;
    let values = ioc::read("values", LIST.as_bytes(), Reading { of: None, at }).unwrap();
    let of = Some(ioc::value::Type::FileName);
    let files = ioc::read("files", FILES.as_bytes(), Reading { of, at }).unwrap();
    for feed in [&values, &files] {
        assert_eq!(feed.report.problems(), [], "{}", feed.name);
    }
    let indicators = Some(Arc::new(Set::new(vec![values, files], 4).unwrap()));
    let options = Options { sources: built_in(), indicators, ..Options::default() };
    Arc::new(compile::rule_set(&Collection::default(), &options).unwrap())
}

/// What the engine finds, values as they are written in the list.
fn found(scratch: &mut Scratch, engine: &Engine, event: &serde_json::Value) -> (Found, bool) {
    let data = event.to_string();
    scratch.match_event(engine, &Event::new(Format::Json, data.as_bytes())).unwrap();
    let rules = engine.rules();
    let set = rules.indicators().unwrap();
    let hits = scratch.indicators();
    let mut all = Found::new();
    let judge = judge();
    for hit in hits {
        let indicator = set.indicator(hit).unwrap();
        let value = indicator.value();
        let value = String::from_utf8(value.as_bytes().to_vec()).unwrap();
        let (kind, value) = match indicator.kind() {
            "url" => {
                let is_it = |url: &&String| match url.split_once("://") {
                    Some(_) => indicator_judge::canonical(url).unwrap().0 == value,
                    None => {
                        indicator_judge::canonical(&format!("http://{url}")).unwrap().1 == value
                    }
                };
                ("url", judge.urls.iter().find(is_it).unwrap_or_else(|| panic!("{value}")).clone())
            }
            "md5" | "sha1" | "sha256" | "sha512" => ("hash", value),
            "ip" => ("ip", value),
            "network" => ("network", value),
            "domain" => ("domain", value),
            "email" => ("email", value),
            "file_name" => ("file_name", value),
            other => panic!("{other}"),
        };
        assert!(all.insert((kind, value)), "{hit:?} twice for {event}");
    }
    (all, hits.iter().any(|hit| hit.more))
}

/// Pieces of texts: values, parts of them, and everything that may stand around them.
fn pieces() -> Vec<String> {
    let around = [
        " ",
        " ",
        " ",
        "'",
        "\"",
        "`",
        "\\",
        "\\",
        "\\\\",
        "\\n",
        "\\t",
        "\\0",
        "/",
        "/",
        ".",
        ".",
        "-",
        "_",
        "=",
        "@",
        "@",
        ":",
        "::",
        ",",
        ";",
        "(",
        ")",
        "<",
        ">",
        "[",
        "]",
        "{",
        "}",
        "|",
        "%",
        "%2F",
        "%7e",
        "+",
        "?",
        "&",
        "#",
        "~",
        "$",
        "!",
        "*",
        "n",
        "r",
        "0",
        "b",
        "Z",
        "0x",
        "0X",
        "x",
        "http://",
        "HTTPS://",
        "ftp://",
        "://",
        ":80",
        ":443",
        ":8443",
        "user:pw@",
        "www.",
        "SELECT ",
        "LOAD_FILE('",
        "é",
        "请",
        "\u{7f}",
        "\t",
        "\n",
        "fe80",
        "10.1.2.3",
        "10.200.0.1",
        "203.0.113.67",
        "203.0.113.68",
        "2001:db8::1",
        "2001:DB8:0:1::5",
        "::ffff:10.1.2.3",
        "MASTER_HOST='",
        "C:\\\\temp\\\\",
        "C:\\temp\\",
        "/tmp/",
        "/p/~x/",
        "/p/~x?id=1",
        "/a",
        "/a/",
        "/a/#f",
        "drop.example",
        "paste.example",
        "phish.example",
        "raw",
    ];
    let values = LIST.lines().chain(FILES.lines()).filter(|line| !line.is_empty());
    let values: Vec<String> = values.map(str::to_owned).collect();
    let mut all: Vec<String> = around.iter().map(|text| (*text).to_owned()).collect();
    for _ in 0..2 {
        all.extend(values.iter().cloned());
    }
    all.extend(values.iter().map(|value| value.to_uppercase()));
    all.extend(
        values.iter().map(|value| value[..value.floor_char_boundary(value.len() / 2)].to_owned()),
    );
    all
}

fn random(rng: &mut Rng, pieces: &[String]) -> String {
    (0..1 + rng.below(9)).map(|_| rng.pick(pieces).as_str()).collect()
}

/// Memory of both ways to look at texts. It is kept from event to event, as what it remembers is.
fn both(engine: &Engine) -> [Scratch; 2] {
    [Vectors::Avx2, Vectors::Plain]
        .map(|vectors| Scratch::with_vectors(engine, Mode::Indexed, vectors))
}

fn compare(
    name: &str,
    wrap: impl Fn(&str) -> serde_json::Value,
    expect: impl Fn(&Judge, &str) -> Found,
) {
    let rules = rules();
    let engine = Engine::new(rules, EngineOptions::default());
    let mut scratches = both(&engine);
    let (judge, pieces) = (judge(), pieces());
    let rounds = if cfg!(debug_assertions) { 30_000 } else { 300_000 };
    let mut rng = Rng::new(7);
    let (mut hits, mut kinds) = (0u32, std::collections::BTreeMap::<&str, u32>::new());
    for _ in 0..rounds {
        let text = random(&mut rng, &pieces);
        let event = wrap(&text);
        let [(own, more), plain] = scratches.each_mut().map(|own| found(own, &engine, &event));
        assert_eq!((&own, more), (&plain.0, plain.1), "{name}: {text:?}");
        let expected = expect(&judge, &text);
        if more {
            assert!(own.is_subset(&expected), "{name}: {text:?}\n{own:?}\n{expected:?}");
        } else {
            assert_eq!(own, expected, "{name}: {text:?}");
        }
        hits += u32::from(!own.is_empty());
        own.iter().for_each(|(kind, _)| *kinds.entry(kind).or_default() += 1);
    }
    assert!(hits > rounds / 100 && hits < rounds, "{name}: {hits} of {rounds}");
    println!("{name}: {hits} of {rounds} with hits, {kinds:?}");
}

#[test]
fn statements() {
    let wrap = |text: &str| json!({ "db.statement": text });
    compare("statement", wrap, |judge, text| judge.words(text.as_bytes()));
}

#[test]
fn addresses_and_names() {
    let wrap = |text: &str| json!({ "destination": { "address": text } });
    compare("host", wrap, |judge, text| {
        let of = |(kind, _): &(&str, String)| matches!(*kind, "ip" | "network" | "domain");
        judge.words(text.as_bytes()).into_iter().filter(of).collect()
    });
}

#[test]
fn hashes() {
    let wrap = |text: &str| json!({ "Hashes": text });
    compare("hashes", wrap, |judge, text| {
        judge.words(text.as_bytes()).into_iter().filter(|(kind, _)| *kind == "hash").collect()
    });
}

#[test]
fn paths() {
    let wrap = |text: &str| json!({ "TargetFilename": text });
    compare("path", wrap, |judge, text| {
        let bare = text.trim_matches(|c: char| c.is_ascii_whitespace());
        let bare = bare.strip_prefix('"').unwrap_or(bare);
        let bare = bare.strip_suffix('"').unwrap_or(bare);
        let name = bare.rsplit(['/', '\\']).next().unwrap().to_lowercase();
        judge
            .files
            .iter()
            .filter(|file| **file == name)
            .map(|file| ("file_name", file.clone()))
            .collect()
    });
}

#[test]
fn urls() {
    let wrap = |text: &str| json!({ "url": { "full": text } });
    compare("url", wrap, |judge, text| {
        let bare = text.trim_matches(|c: char| c.is_ascii_whitespace());
        let mut found = Found::new();
        judge.url(bare, &mut found);
        let scheme = regex::Regex::new(r"(?s)^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//([^/?#\\]*)").unwrap();
        if let Some(authority) = scheme.captures(bare) {
            let authority = authority.get(1).unwrap().as_str();
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            let bracket = regex::Regex::new(r"^\[[^\]]*\](?::.*)?$").unwrap();
            let host = match host.starts_with('[') {
                true if bracket.is_match(host) => &host[..=host.find(']').unwrap()],
                true => "",
                false => host.split(':').next().unwrap(),
            };
            let of = |(kind, _): &(&str, String)| matches!(*kind, "ip" | "network" | "domain");
            found.extend(judge.words(host.as_bytes()).into_iter().filter(of));
        }
        found
    });
}

/// Each value at each place of a text, so that it lies across every border of what is looked at together,
/// at the end and before it, with what may stand around it.
#[test]
fn values_across_borders() {
    let engine = Engine::new(rules(), EngineOptions::default());
    let mut scratches = both(&engine);
    let judge = judge();
    let values = LIST.lines().chain(FILES.lines()).filter(|line| !line.is_empty());
    let fillers = ["x", "b", "7", "x b7"];
    let (mut number, mut hits) = (0usize, 0);
    for value in values {
        for before in 0..70 {
            for behind in [0, 1, 15, 16, 17, 31, 32, 33] {
                number += 1;
                if cfg!(debug_assertions) && number % 7 != 0 {
                    continue;
                }
                let filler = fillers[number % fillers.len()];
                let around = [("'", "'"), (" ", ""), ("/", " "), ("\\n", ")"), ("", "\u{e9}")];
                let (left, right) = around[number / 4 % around.len()];
                let fill = |len: usize| filler.chars().cycle().take(len).collect::<String>();
                let text = format!("{}{left}{value}{right}{}", fill(before), fill(behind));
                let event = json!({ "db.statement": text });
                let expected = judge.words(text.as_bytes());
                for scratch in &mut scratches {
                    assert_eq!(found(scratch, &engine, &event).0, expected, "{text:?}");
                }
                hits += usize::from(!expected.is_empty());
            }
        }
    }
    assert!(hits > number / 14, "{hits} of {number}");
}

/// The same short texts in fields that are looked at for different kinds, in one event after the other:
/// what was not found in one field says nothing about another.
#[test]
fn short_texts_in_several_fields() {
    let engine = Engine::new(rules(), EngineOptions::default());
    let mut scratches = both(&engine);
    let judge = judge();
    let texts = [
        "203.0.113.66",
        "10.1.2.3",
        "192.0.2.9",
        "192.0.2.8",
        "a.evil.example",
        "N.EXAMPLE",
        "evil.exe",
        "n.sh",
        "/noending",
        "noending",
        "shop",
        "app-01",
        "1.1.1.1",
        "203.0.113.67.",
        "x",
        "",
        "2001:db8::66",
        "b@evil.example",
        "n+x@evil.example",
        "evil.example.org",
    ];
    let mut rng = Rng::new(11);
    let (mut hits, rounds) = (0, if cfg!(debug_assertions) { 10_000 } else { 100_000 });
    for _ in 0..rounds {
        let [host, statement, hash, path] = [0; 4].map(|_| *rng.pick(&texts));
        let event = json!({
            "destination.address": host, "db.statement": statement, "Hashes": hash,
            "TargetFilename": path,
        });
        let mut expected = judge.words(statement.as_bytes());
        let of = |(kind, _): &(&str, String)| matches!(*kind, "ip" | "network" | "domain");
        expected.extend(judge.words(host.as_bytes()).into_iter().filter(of));
        let name = path.rsplit('/').next().unwrap().to_lowercase();
        let files = judge.files.iter().filter(|file| **file == name);
        expected.extend(files.map(|file| ("file_name", file.clone())));
        for scratch in &mut scratches {
            assert_eq!(found(scratch, &engine, &event).0, expected, "{event}");
        }
        hits += u32::from(!expected.is_empty());
    }
    assert!(hits > rounds / 4 && hits < rounds, "{hits}");
}
