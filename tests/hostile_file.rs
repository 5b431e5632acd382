//! Damaged and hostile rule files: loading ends with a reason or a rule set, and what loads can
//! match any event and ends.
//!
//! Every truncation and every flipped bit of a small file with all kinds of sections, as it is and
//! with its checksum repaired; random edits; headers of other versions.
#![cfg(feature = "compile")]

mod generator;
mod memory;

use generator::Rng;
use memory::Held;
use sigmatag::compile::{self, Options};
use sigmatag::engine::explain::Explainer;
use sigmatag::engine::{Engine, Event, Format, Options as EngineOptions, Scratch, Tagging};
use sigmatag::ioc::{self, Reading, Set};
use sigmatag::rule::ast::{Collection, Placeholders};
use sigmatag::rule::descriptor::{Descriptor, built_in, read};
use sigmatag::rule::load::load_text;
use sigmatag::ruleset::format::reseal;
use sigmatag::ruleset::tables::{FieldIndex, NONE, Part, Table, Tables};
use sigmatag::ruleset::verify::verify;
use sigmatag::ruleset::{LoadErrorKind, RuleSet};
use sigmatag::source::Encoding;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What a load may hold beyond the file itself: tables are bounded by the file, and what is decoded
/// for explanations is at most some twenty times its section.
const MOST_MEMORY: usize = 64 << 20;
/// What loading and matching one file may take; a loop would never end.
const MOST_TIME: Duration = Duration::from_secs(20);

/// A small rule for every kind of section: automata and programs, globs, networks, keywords, numbers,
/// references, dates, groups, counters, a source, debug texts.
const RULES: &str = r"
title: a
id: a
level: high
tags: [attack.t1059]
logsource: {category: c, product: windows}
detection:
  s:
    f|endswith: ['\x.exe', 'longer needle']
    g|contains: [ab, 'é', abcdef]
    h|startswith: [p, prefix]
    f: [eq1, 4688]
  n: {f|re: 'b\s+-d'}
  u: {f|re: '\bn\w{2}\b'}
  p: {f|re: '(ab|c)[^/]{2,70}(?:xé|yd?)$'}
  condition: s or 1 of n* or u or p
---
title: b
id: b
logsource: {product: linux}
detection:
  a: {f: 'C:\*\?x*', g|windash: ' -e'}
  b: {ip|cidr: [10.0.0.0/8, 'fe80::/10']}
  c: {n|gte: 3, t|hour: 5}
  d: {f|fieldref|contains: g}
  e: {z: null, y|exists: true}
  k: [word, 'key*word']
  condition: 2 of them and not k or e and k
---
title: c
id: c
logsource: {product: linux}
detection:
  k: [word, 'key*word', wor]
  g: {g|contains: [ré, Ж]}
  h: {h|startswith: 'C:\Windows\', g|endswith: 'a rather long literal in a table'}
  i: {i|contains: 'a long literal'}
  condition: k or g or h or i
";

/// [`RULES`], enough literals with a marker for a table of them, and networks in networks.
fn rules() -> String {
    let literal = |n: u64| format!("k={:016x}", n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let literals: Vec<String> = (0..64).map(literal).collect();
    let logsource = "{product: linux}";
    let list = literals.join(", ");
    format!(
        "{RULES}---\ntitle: d\nid: d\nlogsource: {logsource}\ndetection:\n  \
         m: {{m|contains: [{list}]}}\n  \
         n: {{ip|cidr: [10.1.0.0/16, 10.1.2.0/24, 10.1.2.3/32, 'fe80::1/128', '::/0']}}\n  \
         condition: m or n\n"
    )
}

fn file() -> Vec<u8> {
    let loaded = load_text("r.yml", &rules(), &Placeholders::new());
    assert!(!loaded.has_errors(), "{:?}", loaded.diagnostics);
    let options = Options { sources: sources(), ..Options::default() };
    compile::compile(&loaded.collection, &options).unwrap().bytes
}

/// Every kind of table in few bytes: a source of its own, and the smallest built-in ones.
fn sources() -> Vec<Descriptor> {
    let own = "
source: own
title: Own
logsources: [{product: p, when: {all: [{path: kind, is: 1}]}}, {product: q, otherwise: true}]
when: {all: [{path: own, exists: true}]}
fields: {kind: [kind, meta.kind]}
lift: [data]
positions: [{path: list, when: {all: [{path: kind, is: 1}]}, names: [f, '-', g]}]
variants: [{when: {any: [{path: kind, is: 2}]}, fields: {h: old}}]
derive: {k: {decoder: lookup, from: kind, values: {1: word, 2: other}, default: none}}
";
    let mut diagnostics = Vec::new();
    let mut sources = read(&"own.yml".into(), own, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let small = ["azure-mysql", "mariadb-audit"];
    sources.extend(built_in().into_iter().filter(|source| small.contains(&source.name.as_str())));
    sources
}

/// Events that reach every kind of predicate.
const EVENTS: [&[u8]; 11] = [
    br#"{"own":1,"kind":1,"list":["x\\x.exe",0,"xxabcdefxx"],"data":{"h":"prefixed"}}"#,
    br#"{"own":1,"meta":{"kind":2},"old":"p","list":[1]}"#,
    br#"{"log":"20261122 09:15:02,db,app,10.1.2.3,4,5,QUERY,shop,'x',0"}"#,
    br#"{"f":"x\\x.exe","g":"xxabcdefxx","h":"prefixed","n":3.5,"t":"2024-07-10T05:00:00Z"}"#,
    br#"{"f":["C:\\a\\yx","b  -d","n\u00e9w"],"g":" \u2013e","ip":"10.1.2.3","a":"a keyword here"}"#,
    br#"{"f":4688,"g":null,"y":{},"x":{"z":1},"ip":"fe80::1","k":"word"}"#,
    br#"{"category":"MySqlAuditLogs","properties":{"event_class":"general_log","sql_text":"x"}}"#,
    b"{\"f\":\"\xff\xfe word nab\",\"g\":\"\xc3\",\"h\":\"p\"}",
    br#"{"m":"a=b,K=0000000000000000,k=9E3779B97F4A7C15,k=1"}"#,
    br#"{"records":[{"category":"MySqlAuditLogs","properties":"{\"user\":\"u\"}"},{}]}"#,
    br#"{"db.statement":"a.evil.example 203.0.113.9 2001:db8::1 x@phish.example http://u.example/a /evil.exe 0123456789abcdef0123456789abcdef"}"#,
];

/// Loads bytes and, if they load, matches and tags. Panics if a promise is broken.
fn examine(bytes: &[u8]) -> Result<(), LoadErrorKind> {
    let start = Instant::now();
    let memory = Held::begin();
    let loaded = RuleSet::from_bytes(bytes);
    let outcome = match loaded {
        Err(error) => {
            assert!(!error.message.is_empty());
            Err(error.kind)
        }
        Ok(rules) => {
            // Explanations have a section of their own, which loading does not decode.
            if let Ok(mut explainer) = Explainer::new(&rules) {
                for rule in 0..rules.rule_count() {
                    assert!(explainer.condition(rule).len() <= bytes.len());
                    assert!(explainer.place(rule).len() <= bytes.len());
                    for data in EVENTS {
                        let _ = explainer.explain(rule, data, Encoding::Json, b"", |_| {});
                    }
                }
            }
            let engine = Engine::new(Arc::new(rules), EngineOptions::default());
            let mut scratch = Scratch::new(&engine);
            let mut out = Vec::new();
            for data in EVENTS {
                let event = Event::new(Format::Json, data);
                let tagging =
                    Tagging { split_records: true, strip_foreign: true, ..Tagging::default() };
                if let Ok((Some(needed), _)) = scratch.tag_prepare(&engine, &event, &tagging) {
                    out.resize(needed, 0);
                    scratch.tag_write(data, &mut out).expect("a prepared tag can be written");
                }
            }
            Ok(())
        }
    };
    let peak = memory.peak();
    assert!(peak <= MOST_MEMORY + 16 * bytes.len(), "{peak} bytes of memory");
    assert!(start.elapsed() <= MOST_TIME, "{:?}", start.elapsed());
    outcome
}

/// Runs every case on all processors; how often each outcome occurred.
fn sweep<C: Send + Sync + std::fmt::Debug>(
    cases: &[C],
    make: impl Fn(&C) -> Vec<u8> + Sync,
) -> BTreeMap<String, usize> {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let work = || {
        let mut outcomes = BTreeMap::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let bytes = make(case);
            let outcome = catch_unwind(AssertUnwindSafe(|| examine(&bytes)))
                .unwrap_or_else(|_| panic!("{case:?} breaks a promise"));
            *outcomes.entry(format!("{outcome:?}")).or_insert(0) += 1;
        }
        outcomes
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut all = BTreeMap::new();
        for thread in threads {
            let outcomes = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            for (outcome, count) in outcomes {
                *all.entry(outcome).or_insert(0) += count;
            }
        }
        all
    })
}

fn kinds(outcomes: &BTreeMap<String, usize>) -> Vec<&str> {
    outcomes.keys().map(String::as_str).collect()
}

/// A file of indicators of every kind, with details of every form, and where their section lies.
fn indicator_file() -> (Vec<u8>, std::ops::Range<usize>) {
    let stix = r#"{"objects":[{"type":"indicator","id":"indicator--00000000-0000-4000-8000-000000000001",
        "name":"n","labels":["l"],"confidence":7,"valid_until":"2100-01-01T00:00:00Z","pattern":"[domain-name:value = 'evil.example' OR file:hashes.MD5 = '0123456789abcdef0123456789abcdef']"}]}"#;
    let csv = "type,value,uuid\ndomain,evil.example,own\nemail,x@phish.example,00000000-0000-4000-8000-000000000002\nfilename,evil.exe,\n";
    let list = "203.0.113.9\n203.0.112.0/21\n2001:db8::/32\n2001:db8::1\nhttp://u.example/a\n";
    let reading = Reading { of: None, at: 1_780_000_000 };
    let feeds = [("a", stix), ("b", csv), ("c", list)];
    let feeds = feeds.map(|(name, text)| {
        let feed = ioc::read(name, text.as_bytes(), reading).unwrap();
        assert_eq!(feed.report.problems(), []);
        feed
    });
    let indicators = Some(Arc::new(Set::new(feeds.into(), 4).unwrap()));
    let options = Options { indicators, ..Options::default() };
    let bytes = compile::compile(&Collection::default(), &options).unwrap().bytes;
    let count = u32::from_le_bytes(bytes[16..20].try_into().unwrap()) as usize;
    let last = &bytes[72 + 24 * (count - 1)..][..24];
    assert_eq!(last[..4], 34u32.to_le_bytes());
    let part = |at: usize| u64::from_le_bytes(last[at..at + 8].try_into().unwrap()) as usize;
    let section = part(8)..part(8) + part(16);
    (bytes, section)
}

#[test]
fn damaged_indicators() {
    let (bytes, section) = indicator_file();
    assert_eq!(examine(&bytes), Ok(()));
    let rules = RuleSet::from_bytes(&bytes).unwrap();
    let set = rules.indicators().unwrap();
    assert!(!set.several.is_empty() && !set.uuids.is_empty() && !set.tags.is_empty());
    let bits: Vec<usize> = (section.start * 8..section.end * 8).collect();
    let flipped = sweep(&bits, |&bit| {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        reseal(&mut bytes);
        bytes
    });
    println!("{flipped:?}");
    assert!(flipped["Ok(())"] > 1000 && flipped["Err(Corrupt)"] > 1000, "{flipped:?}");
    let mut rng = Rng::new(generator::seed());
    let seeds: Vec<u64> = (0..5_000).map(|_| rng.next()).collect();
    let edited = sweep(&seeds, |&seed| {
        let mut rng = Rng::new(seed);
        let mut bytes = bytes.clone();
        for _ in 0..1 + rng.below(6) {
            let at = section.start + rng.below(section.len() - 4);
            let mut word = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            word ^= match rng.below(3) {
                0 => rng.next() as u32 & 0xff,
                1 => 1 << rng.below(32),
                _ => rng.next() as u32,
            };
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        reseal(&mut bytes);
        bytes
    });
    println!("{edited:?}");
    assert!(edited["Err(Corrupt)"] > 100 && edited["Ok(())"] > 100, "{edited:?}");
}

#[test]
fn the_file_has_every_kind_of_section() {
    let bytes = file();
    let rules = RuleSet::from_bytes(&bytes).unwrap();
    let tables = rules.tables();
    let engines: Vec<&str> =
        (0..rules.regex_count()).map(|i| rules.regexes().engine(i as usize)).collect();
    for kind in ["automaton", "automaton, program for non-ASCII text", "program"] {
        assert!(engines.contains(&kind), "no {kind}: {engines:?}");
    }
    assert!(!tables.tokens.is_empty() && !tables.networks.is_empty());
    assert!(!tables.numbers.is_empty() && !tables.sources.sources.is_empty());
    assert!(tables.groups > 0 && !rules.debug().unwrap().items.is_empty());
    let index = |holds: fn(&FieldIndex) -> bool| tables.indexes.iter().any(holds);
    assert!(!tables.indexes.last().unwrap().is_empty(), "no keywords");
    assert!(index(|field| !field.ascii.shorts.is_empty()), "no literal of three bytes");
    assert!(!tables.waiting_rules.is_empty(), "no rule that waits for a field");
    assert!(index(|field| field.ascii.stride > 1), "no stride");
    assert!(index(|field| !field.marked.is_empty()), "no marker");
    assert!(index(|field| field.v4.len > 3 && field.v6.len > 2), "no networks");
    assert!(index(|field| !field.other.shorts.is_empty()), "no short literal beyond ASCII");
    assert!(index(|field| field.suffix_lengths >> 24 != 0), "no long key");
    for (name, len) in &rules.header().sections {
        assert!(*len > 4, "section {name} is empty");
    }
    assert_eq!(examine(&bytes), Ok(()));
    println!("{} bytes", bytes.len());
}

/// What look-ups of networks and markers rest on is proved, not believed.
#[test]
fn networks_and_markers_are_verified() {
    let rules = RuleSet::from_bytes(&file()).unwrap();
    let tables = rules.tables();
    let at = tables.indexes.iter().position(|index| index.v4.len > 3).unwrap();
    let marked = tables.indexes.iter().position(|index| !index.marked.is_empty()).unwrap();
    let first = tables.indexes[at].v4.start as usize;
    let network =
        |nested: usize| tables.predicates[tables.nested[nested].predicate as usize].a as usize;
    let (outer, inner) = (network(first), network(first + 1));
    type Change<'a> = &'a dyn Fn(&mut Tables);
    let cases: [(&str, Change<'_>); 17] = [
        ("networks are out of order", &|t| {
            t.networks[outer].last = t.networks[inner].first;
            t.networks[outer].first = t.networks[inner].first;
            t.nested[first].first = t.networks[inner].first;
        }),
        ("a network lies in another one", &|t| t.nested.swap(first, first + 1)),
        ("a predicate of another network", &|t| t.nested[first].first += 1),
        ("a predicate of another network", &|t| {
            t.nested[first].predicate = t.nested[first + 1].predicate;
        }),
        ("a predicate of another network", &|t| t.nested[first].predicate = NONE),
        ("a predicate of another network", &|t| {
            t.indexes[at].v6 = t.indexes[at].v4;
            t.indexes[at].v4 = Part::EMPTY;
        }),
        ("a network lies in another one", &|t| t.nested[first + 1].outer = NONE),
        ("a network lies in another one", &|t| t.nested[first].outer = 0),
        ("a network lies in another one", &|t| t.nested[first + 2].outer = 2),
        ("a list ends beyond its pool", &|t| t.indexes[at].v4.len += 100),
        ("not every indexed one can be found", &|t| t.indexes[at].v6 = Part::EMPTY),
        ("not every indexed one can be found", &|t| t.nested.push(t.nested[first])),
        ("lists share networks", &|t| t.indexes[at].v6 = t.indexes[at].v4),
        ("no first bits in common", &|t| t.networks[outer].last -= 1),
        ("no first bits in common", &|t| t.networks[outer].first = 1 << 32),
        ("an unknown marker", &|t| t.indexes[marked].marked.marker = b'k'),
        ("a filter without its table", &|t| t.indexes[marked].marked.filter = Table::EMPTY),
    ];
    assert_eq!(verify(tables), Ok(()));
    for (number, (message, change)) in cases.into_iter().enumerate() {
        let mut changed = tables.clone();
        change(&mut changed);
        let found = verify(&changed).map_err(|invalid| invalid.message);
        assert_eq!(found, Err(message), "case {number}");
    }
}

#[test]
fn truncations() {
    let bytes = file();
    let lengths: Vec<usize> = (0..bytes.len()).collect();
    let plain = sweep(&lengths, |&len| bytes[..len].to_vec());
    assert_eq!(kinds(&plain), ["Err(Truncated)"]);
    let sealed = sweep(&lengths, |&len| {
        // The header agrees with the length, so that the sections themselves are short.
        let mut cut = bytes[..len].to_vec();
        if len >= 72 {
            cut[24..32].copy_from_slice(&(len as u64).to_le_bytes());
            reseal(&mut cut);
        }
        cut
    });
    println!("{sealed:?}");
    assert!(
        sealed
            .keys()
            .all(|kind| kind.contains("Truncated") || kind.contains("Corrupt") || kind == "Ok(())")
    );
    // Only padding behind the last section may be missing.
    assert!(sealed.get("Ok(())").is_none_or(|&count| count < 64), "{sealed:?}");
}

#[test]
fn flipped_bits() {
    let bytes = file();
    let bits: Vec<usize> = (0..bytes.len() * 8).collect();
    let flipped = |bit: usize| {
        let mut bytes = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    let plain = sweep(&bits, |&bit| flipped(bit));
    println!("{plain:?}");
    assert!(!plain.contains_key("Ok(())"), "{plain:?}");
    // The magic, the versions and the length; everything else is the checksum's.
    assert_eq!(plain["Err(NotSgt)"], 64);
    assert!(plain["Err(Corrupt)"] > bits.len() - 64 * 4, "{plain:?}");
    let sealed = sweep(&bits, |&bit| {
        let mut bytes = flipped(bit);
        reseal(&mut bytes);
        bytes
    });
    println!("{sealed:?}");
    assert!(sealed["Ok(())"] > 1000 && sealed["Err(Corrupt)"] > 1000, "{sealed:?}");
}

#[test]
fn random_edits() {
    let bytes = file();
    let seed = generator::seed();
    let mut rng = Rng::new(seed);
    let seeds: Vec<u64> = (0..20_000).map(|_| rng.next()).collect();
    let outcomes = sweep(&seeds, |&seed| {
        let mut rng = Rng::new(seed);
        let mut bytes = bytes.clone();
        for _ in 0..1 + rng.below(8) {
            let at = 72 + rng.below(bytes.len() - 72 - 8);
            match rng.below(6) {
                0 => bytes[at..at + 4].fill(0xff),
                1 => bytes[at..at + 4].fill(0),
                2 => bytes[at] = rng.next() as u8,
                3 => bytes[at..at + 4].copy_from_slice(&(rng.next() as u32 % 64).to_le_bytes()),
                4 => bytes[at] = bytes[at].wrapping_add(1),
                _ => {
                    let from = 72 + rng.below(bytes.len() - 72 - 8);
                    bytes.copy_within(from..from + 8, at);
                }
            }
        }
        reseal(&mut bytes);
        bytes
    });
    println!("SIGMATAG_SEED={seed}: {outcomes:?}");
    assert!(outcomes["Err(Corrupt)"] > 1000 && outcomes["Ok(())"] > 10, "{outcomes:?}");
}

/// The file with another section: copied bytes under an unknown id.
fn with_section(bytes: &[u8], id: u32, flags: u32) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let count = u32::from_le_bytes(out[16..20].try_into().unwrap());
    let table_end = 72 + 24 * count as usize;
    // The first section begins behind padding that has room for one more entry, or everything
    // moves.
    let first = (0..count as usize)
        .map(|index| u64::from_le_bytes(out[72 + 24 * index + 8..][..8].try_into().unwrap()))
        .min()
        .unwrap() as usize;
    if first < table_end + 24 {
        out.splice(first..first, [0; 64]);
        for index in 0..count as usize {
            let at = 72 + 24 * index + 8;
            let offset = u64::from_le_bytes(out[at..at + 8].try_into().unwrap()) + 64;
            out[at..at + 8].copy_from_slice(&offset.to_le_bytes());
        }
    }
    let data = out.len() as u64;
    out.extend([0xaa; 64]);
    out[16..20].copy_from_slice(&(count + 1).to_le_bytes());
    let mut entry = Vec::new();
    entry.extend(id.to_le_bytes());
    entry.extend(flags.to_le_bytes());
    entry.extend(data.to_le_bytes());
    entry.extend(64u64.to_le_bytes());
    out[table_end..table_end + 24].copy_from_slice(&entry);
    let len = out.len() as u64;
    out[24..32].copy_from_slice(&len.to_le_bytes());
    reseal(&mut out);
    out
}

#[test]
fn other_versions_and_other_files() {
    let bytes = file();
    let changed = |at: usize, value: u32| {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        reseal(&mut bytes);
        bytes
    };
    let cases: [(&str, Vec<u8>, Result<(), LoadErrorKind>); 13] = [
        ("as it is", bytes.clone(), Ok(())),
        ("newer, readable by this version", changed(8, 7), Ok(())),
        ("newer", changed(12, 2), Err(LoadErrorKind::UnsupportedVersion)),
        ("version 0", changed(8, 0), Err(LoadErrorKind::UnsupportedVersion)),
        ("unknown section", with_section(&bytes, 77, 0), Ok(())),
        ("unknown section", with_section(&bytes, 32, 4), Ok(())),
        (
            "unknown critical section",
            with_section(&bytes, 77, 1),
            Err(LoadErrorKind::UnsupportedVersion),
        ),
        ("a section twice", with_section(&bytes, 1, 7), Err(LoadErrorKind::Corrupt)),
        ("empty", Vec::new(), Err(LoadErrorKind::Truncated)),
        ("wrong magic", changed(0, 0), Err(LoadErrorKind::NotSgt)),
        ("YAML", RULES.into(), Err(LoadErrorKind::NotSgt)),
        ("line ends changed", b"\x89SGT\n\x1a\n".to_vec(), Err(LoadErrorKind::NotSgt)),
        ("longer", [&bytes[..], b"x"].concat(), Err(LoadErrorKind::Corrupt)),
    ];
    for (what, bytes, expected) in cases {
        assert_eq!(examine(&bytes), expected, "{what}");
    }
}
