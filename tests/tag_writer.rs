//! Tagged records read back by other parsers, and compared with the records before.

use rmpv::Value as Doc;
use sigmatag::event::chunk::{RecordKind, Records};
use sigmatag::event::forward::{Message, Mode};
use sigmatag::event::msgpack;
use sigmatag::limits::MAX_TAG_BYTES;
use sigmatag::tag::plan::{Counts, Plan, PlanError};
use sigmatag::tag::{FoundIndicators, Shape, Style, TagRule};

const HIGH: TagRule<'static> = TagRule {
    id: b"c61daa90-3c1e-4f18-af62-8f288b5c9aaf",
    title: b"UDF \"library\" created",
    author: b"J\xc3\xb6rg, Ann",
    license: b"",
    level: 4,
    tags: b"attack.execution, attack.t1059.001,attack.t1505",
    event: None,
    indicators: FoundIndicators::NONE,
};
const LOW: TagRule<'static> = TagRule {
    id: b"d2",
    title: b"Second",
    author: b"Ann",
    license: b"DRL 1.1",
    level: 2,
    tags: b"attack.t1505",
    event: Some(3),
    indicators: FoundIndicators::NONE,
};

fn style(shape: Shape) -> Style<'static> {
    Style { shape, key: b"sigma", ruleset: b"1f3a5c7e9b0d2f4a" }
}

fn output(plan: &mut Plan, data: &[u8]) -> Vec<u8> {
    let length = plan.finish(data.len()).unwrap();
    let mut out = vec![0xc1; length];
    assert_eq!(plan.write(data, &mut out), Ok(length));
    if length > 0 {
        let short = length - 1;
        assert_eq!(
            plan.write(data, &mut out.clone()[..short]),
            Err(PlanError::SmallBuffer(length))
        );
    }
    assert_eq!(plan.write(&[data, b"x"].concat(), &mut out.clone()), Err(PlanError::OtherData));
    out
}

fn tag_json_with(text: &str, shape: Shape, rules: &[TagRule<'_>]) -> (String, Counts) {
    let mut plan = Plan::new();
    plan.begin();
    let start = text.find('{').unwrap();
    let end = text.rfind('}').unwrap() + 1;
    let rules = rules.iter().copied();
    plan.tag_json(text.as_bytes(), start..end, &style(shape), rules).unwrap();
    assert!(!plan.is_empty() || plan.counts().omitted > 0);
    let out = output(&mut plan, text.as_bytes());
    (String::from_utf8(out).unwrap(), plan.counts())
}

fn tag_json(text: &str, shape: Shape) -> String {
    tag_json_with(text, shape, &[HIGH, LOW]).0
}

fn tag_msgpack(data: &[u8], shape: Shape, rules: &[TagRule<'_>]) -> (Vec<u8>, Counts) {
    let mut plan = Plan::new();
    plan.begin();
    plan.tag_msgpack(data, 0..data.len(), &style(shape), rules.iter().copied()).unwrap();
    (output(&mut plan, data), plan.counts())
}

fn decode(mut data: &[u8]) -> Doc {
    let doc = rmpv::decode::read_value(&mut data).unwrap();
    assert!(data.is_empty());
    doc
}

fn encode(doc: &Doc) -> Vec<u8> {
    let mut out = Vec::new();
    rmpv::encode::write_value(&mut out, doc).unwrap();
    out
}

/// JSON to msgpack, members in order, duplicates kept (in the order of the text).
fn to_doc(value: &serde_json::Value) -> Doc {
    match value {
        serde_json::Value::Null => Doc::Nil,
        serde_json::Value::Bool(value) => Doc::from(*value),
        serde_json::Value::Number(value) => Doc::from(value.as_i64().unwrap()),
        serde_json::Value::String(text) => Doc::from(text.as_str()),
        serde_json::Value::Array(items) => Doc::Array(items.iter().map(to_doc).collect()),
        serde_json::Value::Object(members) => Doc::Map(
            members.iter().map(|(key, value)| (key.as_str().into(), to_doc(value))).collect(),
        ),
    }
}

fn sorted(doc: Doc) -> Doc {
    match doc {
        Doc::Array(items) => Doc::Array(items.into_iter().map(sorted).collect()),
        Doc::Map(pairs) => {
            let mut pairs: Vec<(Doc, Doc)> =
                pairs.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            pairs.sort_by_key(|(key, _)| key.to_string());
            Doc::Map(pairs)
        }
        other => other,
    }
}

const NESTED: &str = r#""sigma":{"level":"high","ruleset":"1f3a5c7e9b0d2f4a","rules":[{"id":"c61daa90-3c1e-4f18-af62-8f288b5c9aaf","title":"UDF \"library\" created","level":"high","tags":["attack.execution","attack.t1059.001","attack.t1505"],"author":"Jörg, Ann"},{"id":"d2","title":"Second","level":"low","tags":["attack.t1505"],"author":"Ann","license":"DRL 1.1","event":3}]}"#;
const FLAT: &str = r#""SigmaIds":["c61daa90-3c1e-4f18-af62-8f288b5c9aaf","d2"],"SigmaTitles":["UDF \"library\" created","Second"],"SigmaLevel":"high","SigmaTags":["attack.execution","attack.t1059.001","attack.t1505"],"AttackTechniques":["T1059.001","T1505"],"SigmaAuthors":["Jörg, Ann","Ann"],"SigmaRuleset":"1f3a5c7e9b0d2f4a""#;
const RULE: &str = r#""id":["c61daa90-3c1e-4f18-af62-8f288b5c9aaf","d2"],"name":["UDF \"library\" created","Second"],"author":["Jörg, Ann","Ann"],"license":["DRL 1.1"],"ruleset":"1f3a5c7e9b0d2f4a","level":"high""#;
const MARK: &str = r#""sigma":{"level":"high","ruleset":"1f3a5c7e9b0d2f4a","ids":["c61daa90-3c1e-4f18-af62-8f288b5c9aaf","d2"]}"#;
const TECHNIQUE: &str = r#""technique":{"id":["T1059.001","T1505"]}"#;

#[test]
fn golden_json() {
    assert_eq!(tag_json(r#"{"a":1}"#, Shape::Nested), format!(r#"{{"a":1,{NESTED}}}"#));
    assert_eq!(tag_json("{}", Shape::Nested), format!("{{{NESTED}}}"));
    assert_eq!(tag_json(" { \"a\" : 1 } \n", Shape::Flat), format!(" {{ \"a\" : 1,{FLAT} }} \n"));
    let ecs =
        format!(r#""rule":{{{RULE}}},"threat":{{{TECHNIQUE}}},"event":{{"kind":"alert"}},{MARK}"#);
    assert_eq!(tag_json(r#"{"a":1}"#, Shape::Ecs), format!(r#"{{"a":1,{ecs}}}"#));
    assert_eq!(tag_json("{}", Shape::Ecs), format!("{{{ecs}}}"));
}

#[test]
fn ecs_merges_and_keeps_scalars() {
    let cases = [
        // Into existing maps, empty and not; an array is replaced.
        (
            r#"{"rule":{},"threat":{"framework":"M","technique":{"name":["x"],"id":["old"]}},"event":{"kind":"event"},"z":1}"#,
            format!(
                r#"{{"rule":{{{RULE}}},"threat":{{"framework":"M","technique":{{"name":["x"],"id":["T1059.001","T1505"]}}}},"event":{{"kind":"event"}},"z":1}}"#
            ),
            1,
            0,
        ),
        (
            r#"{"rule":{"category":"c"},"threat":{"framework":"M"},"event":{"code":1}}"#,
            format!(
                r#"{{"rule":{{"category":"c",{RULE}}},"threat":{{"framework":"M",{TECHNIQUE}}},"event":{{"code":1,"kind":"alert"}}}}"#
            ),
            0,
            0,
        ),
        // Scalars stay: the whole group, or one member.
        (
            r#"{"rule":"mine","threat":5,"event":"login"}"#,
            r#"{"rule":"mine","threat":5,"event":"login"}"#.into(),
            0,
            8,
        ),
        (
            r#"{"rule":{"id":"mine","level":3},"threat":{"technique":"T1"},"event":{"kind":null}}"#,
            format!(
                r#"{{"rule":{{"id":"mine","level":3,{}}},"threat":{{"technique":"T1"}},"event":{{"kind":null}}}}"#,
                r#""name":["UDF \"library\" created","Second"],"author":["Jörg, Ann","Ann"],"license":["DRL 1.1"],"ruleset":"1f3a5c7e9b0d2f4a""#
            ),
            0,
            3,
        ),
        // Null is nothing; dotted names count; of two maps the last one takes the values.
        (
            r#"{"rule":null,"threat.technique.id":["T9"],"event.kind":"event","a":1}"#,
            format!(
                r#"{{"threat.technique.id":["T9"],"event.kind":"event","a":1,"rule":{{{RULE}}}}}"#
            ),
            1,
            1,
        ),
        (
            r#"{"rule":{"a":1},"rule":{"b":1},"threat":{"technique":{"id":"T9"}},"event":{"kind":"e"}}"#,
            format!(
                r#"{{"rule":{{"a":1}},"rule":{{"b":1,{RULE}}},"threat":{{"technique":{{"id":"T9"}}}},"event":{{"kind":"e"}}}}"#
            ),
            0,
            1,
        ),
    ];
    for (before, after, replaced, omitted) in cases {
        let (text, counts) = tag_json_with(before, Shape::Ecs, &[HIGH, LOW]);
        let after = format!("{},{MARK}}}", after.strip_suffix('}').unwrap());
        assert_eq!(text, after);
        assert_eq!((counts.replaced, counts.omitted), (replaced, omitted), "{before}");
        // msgpack says the same (duplicate keys aside, which serde_json does not keep).
        if before.matches("\"rule\":").count() == 1 {
            let before: serde_json::Value = serde_json::from_str(before).unwrap();
            let after: serde_json::Value = serde_json::from_str(&after).unwrap();
            let (bytes, same) = tag_msgpack(&encode(&to_doc(&before)), Shape::Ecs, &[HIGH, LOW]);
            assert_eq!(sorted(decode(&bytes)), sorted(to_doc(&after)));
            assert_eq!(same, counts);
        }
    }
}

/// All objects of up to four members, with and without white space: what stays, stays in order
/// and byte for byte.
#[test]
fn every_pattern_of_replaced_members() {
    for spaced in [false, true] {
        for count in 0..5u32 {
            for pattern in 0..3u32.pow(count) {
                let kinds: Vec<u32> =
                    (0..count).map(|place| pattern / 3u32.pow(place) % 3).collect();
                let member = |(place, kind): (usize, &u32)| match (kind, spaced) {
                    (0, false) => format!(r#""k{place}":[{place},{{"sigma":1}}]"#),
                    (0, true) => format!(r#""k{place}" : [ {place} , {{"sigma":1}} ]"#),
                    (1, _) => r#""sigma":{"x":"}\"],"}"#.to_string(),
                    _ => r#""\u0073igma" : 1e5"#.to_string(),
                };
                let all: Vec<String> = kinds.iter().enumerate().map(member).collect();
                let kept: Vec<String> =
                    kinds.iter().enumerate().filter(|(_, kind)| **kind == 0).map(member).collect();
                let (separator, begin) = if spaced { (" ,\n ", "{\t") } else { (",", "{") };
                let text = format!("{begin}{} }}", all.join(separator));
                let (out, counts) = tag_json_with(&text, Shape::Nested, &[HIGH, LOW]);
                assert_eq!(counts.replaced as usize, all.len() - kept.len());
                let parsed: serde_json::Value = serde_json::from_str(&out).unwrap();
                assert_eq!(parsed.as_object().unwrap().len(), kept.len() + 1, "{text} {out}");
                assert!(out.contains(NESTED), "{out}");
                let mut rest = out.as_str();
                for member in kept {
                    let at = rest.find(&member).unwrap_or_else(|| panic!("{text} {out}"));
                    rest = &rest[at + member.len()..];
                }
            }
        }
    }
}

/// The bytes of each member of a map, and the key if it is a string.
fn raw_members(data: &[u8]) -> Vec<(Option<String>, Vec<u8>)> {
    let (count, mut at) = msgpack::map_header(data, 0).unwrap();
    let members = (0..count)
        .map(|_| {
            let value = msgpack::skip(data, at).unwrap();
            let end = msgpack::skip(data, value).unwrap();
            let key = decode(&data[at..value]).as_str().map(str::to_string);
            (key, data[std::mem::replace(&mut at, end)..end].to_vec())
        })
        .collect();
    assert_eq!(at, data.len());
    members
}

#[test]
fn msgpack_members_that_stay_are_identical() {
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut below = |bound: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 33) % bound
    };
    let flat = [
        "SigmaIds",
        "SigmaTitles",
        "SigmaLevel",
        "SigmaTags",
        "AttackTechniques",
        "SigmaAuthors",
        "SigmaRuleset",
    ];
    let mut replaced = 0;
    for round in 0..3000 {
        let members: Vec<(Doc, Doc)> = (0..below(24))
            .map(|index| {
                let key = match below(6) {
                    0 => Doc::from("sigma"),
                    1 => Doc::from(flat[below(7) as usize]),
                    2 => Doc::from(index),
                    _ => Doc::from(format!("key{index}")),
                };
                let value = match below(4) {
                    0 => Doc::Nil,
                    1 => Doc::from("x".repeat(below(300) as usize)),
                    2 => Doc::Array(vec![Doc::from(below(70000)); below(20) as usize]),
                    _ => Doc::Map(vec![(Doc::from("sigma"), Doc::F64(0.5))]),
                };
                (key, value)
            })
            .collect();
        let before = encode(&Doc::Map(members));
        let (shape, ours): (Shape, &[&str]) =
            if round % 2 == 0 { (Shape::Nested, &["sigma"]) } else { (Shape::Flat, &flat) };
        let (after, counts) = tag_msgpack(&before, shape, &[HIGH, LOW]);
        let is_ours = |key: &Option<String>| key.as_deref().is_some_and(|key| ours.contains(&key));
        let (gone, mut expected): (Vec<_>, Vec<_>) =
            raw_members(&before).into_iter().partition(|(key, _)| is_ours(key));
        assert_eq!(counts.replaced, gone.len() as u64);
        replaced += gone.len();
        let after = raw_members(&after);
        let tag = &after[expected.len()..];
        assert_eq!(tag.iter().map(|(key, _)| key.clone().unwrap()).collect::<Vec<_>>(), ours);
        expected.extend_from_slice(tag);
        assert_eq!(after, expected);
        // The tag says the same as the JSON one.
        let golden = if shape == Shape::Nested { NESTED } else { FLAT };
        let golden: serde_json::Value = serde_json::from_str(&format!("{{{golden}}}")).unwrap();
        let pairs: Vec<u8> = tag.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
        let tag = decode(&[&[0x80 + ours.len() as u8], pairs.as_slice()].concat());
        assert_eq!(sorted(tag), sorted(to_doc(&golden)));
    }
    assert!(replaced > 1000);
}

fn map_of(header: &[u8], count: usize) -> Vec<u8> {
    [header, &b"\xa1k\x01".repeat(count)].concat()
}

#[test]
fn map_headers_grow_only_when_they_must() {
    let cases: [(&[u8], usize, &[u8]); 9] = [
        (b"\x80", 0, b"\x81"),
        (b"\x8e", 14, b"\x8f"),
        (b"\x8f", 15, b"\xde\x00\x10"),
        (b"\xde\x00\x00", 0, b"\xde\x00\x01"),
        (b"\xde\x00\x0f", 15, b"\xde\x00\x10"),
        (b"\xde\xff\xfe", 65534, b"\xde\xff\xff"),
        (b"\xde\xff\xff", 65535, b"\xdf\x00\x01\x00\x00"),
        (b"\xdf\x00\x00\x00\x01", 1, b"\xdf\x00\x00\x00\x02"),
        (b"\xdf\x00\x00\xff\xff", 65535, b"\xdf\x00\x01\x00\x00"),
    ];
    for (header, count, grown) in cases {
        let before = map_of(header, count);
        let (after, _) = tag_msgpack(&before, Shape::Nested, &[HIGH]);
        assert!(after.starts_with(grown), "{header:02x?}");
        let members = &before[header.len()..];
        assert_eq!(&after[grown.len()..grown.len() + members.len()], members);
        assert_eq!(decode(&after).as_map().unwrap().len(), count + 1);
    }
    // Flat adds seven at once.
    let (after, _) = tag_msgpack(&map_of(b"\x89", 9), Shape::Flat, &[HIGH]);
    assert_eq!(&after[..3], b"\xde\x00\x10");
    // One goes, one comes: the header stays.
    let (after, counts) = tag_msgpack(b"\x81\xa5sigma\xc0", Shape::Nested, &[HIGH]);
    assert_eq!((after[0], counts.replaced), (0x81, 1));
    // A `bin` key is a string like any other.
    let (after, counts) = tag_msgpack(b"\x81\xc4\x05sigma\xc0", Shape::Nested, &[HIGH]);
    assert_eq!((after[0], counts.replaced), (0x81, 1));
}

#[test]
fn chunks_keep_everything_else() {
    let pieces: [(&[u8], bool); 6] = [
        (b"\x92\x92\xd7\0\xff\xff\xff\xff\0\0\0\0\x80\x81\xa1a\x01", false),
        (b"\x92\x92\xd7\0\x6b\x02\xd5\xc5\0\0\0\0\x81\xa1m\x01\xdf\0\0\0\x01\xa1a\x01", true),
        (b"\x92\x92\xd7\0\x6b\x02\xd5\xc5\0\0\0\0\x80\x81\xa1a\x02", false),
        (b"\x92\xce\x65\x53\xf1\x00\x82\xa5sigma\xc0\xa1a\x03", true),
        (b"\x07", false),
        (b"\x92\x92\xc7\x08\0\xff\xff\xff\xfe\0\0\0\0\xdf\0\0\0\0\xdf\0\0\0\0\x92\x05", false),
    ];
    let data: Vec<u8> = pieces.iter().flat_map(|(bytes, _)| bytes.iter().copied()).collect();
    let mut plan = Plan::new();
    // Twice: a plan is reused.
    for _ in 0..2 {
        plan.begin();
        let mut expected = Vec::new();
        for (bytes, matches) in pieces {
            let record = Records::new(bytes).next().unwrap();
            if matches {
                expected.extend_from_slice(&bytes[..record.body_start]);
                let body = &bytes[record.body_start..record.end];
                expected.extend(tag_msgpack(body, Shape::Nested, &[LOW]).0);
            } else {
                expected.extend_from_slice(bytes);
            }
        }
        for record in Records::new(&data) {
            let tagged = record.kind == RecordKind::Record
                && data[record.body_start..record.end] != *b"\x81\xa1a\x02";
            if tagged {
                let rules = std::iter::once(LOW);
                plan.tag_msgpack(
                    &data,
                    record.body_start..record.end,
                    &style(Shape::Nested),
                    rules,
                )
                .unwrap();
            }
        }
        assert_eq!(output(&mut plan, &data), expected);
        assert_eq!(plan.counts().tagged, 2);
        assert_eq!(plan.counts().replaced, 1);
    }
    plan.begin();
    assert!(plan.is_empty());
    assert_eq!(output(&mut plan, &data), data);
    // Records can be left out, but not given twice or backwards.
    plan.begin();
    plan.remove(17..40).unwrap();
    assert!(!plan.is_empty());
    assert_eq!(plan.remove(30..50), Err(PlanError::OutOfOrder));
    let rules = std::iter::once(LOW);
    let error = plan.tag_msgpack(&data, 20..30, &style(Shape::Nested), rules);
    assert_eq!(error, Err(PlanError::OutOfOrder));
    assert_eq!(output(&mut plan, &data), [&data[..17], &data[40..]].concat());
}

#[test]
fn packed_messages_get_their_new_length() {
    let entry = |filler: usize| {
        let body = Doc::Map(vec![(Doc::from("a"), Doc::from("x".repeat(filler)))]);
        [b"\x92\x05".to_vec(), encode(&body)].concat()
    };
    let mut seen = Vec::new();
    for filler in [1, 20, 200, 60_000, 65_500, 70_000] {
        for wide in [false, true] {
            let entries = [entry(filler), entry(1)].concat();
            let length = entries.len() as u32;
            let header = match length {
                _ if wide => [b"\xc6".as_slice(), &length.to_be_bytes()].concat(),
                0..=31 => vec![0xa0 | length as u8],
                32..=255 => vec![0xc4, length as u8],
                256..=65535 => [b"\xda".as_slice(), &(length as u16).to_be_bytes()].concat(),
                _ => [b"\xdb".as_slice(), &length.to_be_bytes()].concat(),
            };
            let option = b"\x82\xa4size\x02\xa5chunk\xa3abc";
            let data = [b"\x93\xa3tag", header.as_slice(), &entries, option].concat();
            let message = Message::read(&data, 0).unwrap();
            let Mode::PackedForward { header, .. } = message.mode.clone() else {
                panic!("not packed")
            };
            let mut plan = Plan::new();
            plan.begin();
            plan.begin_message(&data, &message).unwrap();
            let records: Vec<_> = message.records(&data).collect();
            for record in &records {
                let rules = [HIGH, LOW].into_iter();
                plan.tag_msgpack(
                    &data,
                    record.body_start..record.end,
                    &style(Shape::Nested),
                    rules,
                )
                .unwrap();
            }
            let out = output(&mut plan, &data);
            let tagged = Message::read(&out, 0).unwrap();
            assert_eq!(tagged.span, 0..out.len());
            assert!(out.starts_with(b"\x93\xa3tag") && out.ends_with(option));
            let Mode::PackedForward { header: new_header, .. } = tagged.mode.clone() else {
                panic!("not packed")
            };
            seen.push((data[header.start], out[new_header.start]));
            let bodies: Vec<_> = tagged.records(&out).collect();
            assert_eq!(bodies.len(), 2);
            for (old, new) in records.iter().zip(bodies) {
                assert_eq!(new.kind, RecordKind::Record);
                let expected =
                    tag_msgpack(&data[old.body_start..old.end], Shape::Nested, &[HIGH, LOW]).0;
                assert_eq!(out[new.body_start..new.end], expected);
            }
        }
    }
    // Entries of 14, 33, 213, 60,014, 65,514 and 70,016 bytes before: the family of the header
    // stays, its width grows where it must.
    let narrow: Vec<(u8, u8)> = seen.iter().copied().step_by(2).collect();
    assert_eq!(
        narrow,
        [(0xae, 0xda), (0xc4, 0xc5), (0xc4, 0xc5), (0xda, 0xda), (0xda, 0xdb), (0xdb, 0xdb)]
    );
    assert!(seen.iter().skip(1).step_by(2).all(|widths| *widths == (0xc6, 0xc6)));
}

fn many(count: usize, texts: &[String]) -> Vec<TagRule<'_>> {
    (0..count)
        .map(|index| TagRule {
            id: texts[index].as_bytes(),
            title: b"A title",
            author: if index % 2 == 0 { b"Even" } else { b"Odd" },
            license: b"",
            level: [1, 5, 3][index % 3],
            tags: b"attack.t1505",
            event: None,
            indicators: FoundIndicators::NONE,
        })
        .collect()
}

#[test]
fn a_large_tag_drops_its_lowest_levels_and_says_so() {
    let ids: Vec<String> = (0..2000).map(|index| format!("{index:0>36}")).collect();
    for shape in [Shape::Nested, Shape::Flat, Shape::Ecs] {
        for count in [10, 100, 300, 2000] {
            let rules = many(count, &ids);
            let (text, counts) = tag_json_with("{}", shape, &rules);
            assert!(text.len() <= MAX_TAG_BYTES + 2, "{shape:?} {count}: {}", text.len());
            let tag: serde_json::Value = serde_json::from_str(&text).unwrap();
            let ids_of = |value: &serde_json::Value| -> Vec<usize> {
                let items = value.as_array().unwrap().iter();
                items.map(|id| id.as_str().unwrap().parse().unwrap()).collect()
            };
            let (kept, level, truncated, authors) = match shape {
                Shape::Nested => {
                    let entries = tag["sigma"]["rules"].as_array().unwrap();
                    let kept: Vec<usize> = entries
                        .iter()
                        .map(|e| e["id"].as_str().unwrap().parse().unwrap())
                        .collect();
                    for (entry, index) in entries.iter().zip(&kept) {
                        assert_eq!(entry["author"], if index % 2 == 0 { "Even" } else { "Odd" });
                    }
                    (kept, &tag["sigma"]["level"], &tag["sigma"]["truncated"], 2)
                }
                Shape::Flat => {
                    assert_eq!(
                        tag["SigmaTitles"].as_array().unwrap().len(),
                        ids_of(&tag["SigmaIds"]).len()
                    );
                    let authors = tag["SigmaAuthors"].as_array().unwrap().len();
                    (ids_of(&tag["SigmaIds"]), &tag["SigmaLevel"], &tag["SigmaTruncated"], authors)
                }
                Shape::Ecs => {
                    let rule = &tag["rule"];
                    let authors = rule["author"].as_array().unwrap().len();
                    (ids_of(&rule["id"]), &rule["level"], &rule["truncated"], authors)
                }
            };
            assert_eq!((level.as_str(), authors), (Some("critical"), 2));
            assert_eq!(truncated.as_u64().unwrap_or(0), (count - kept.len()) as u64);
            assert_eq!(counts.dropped, (count - kept.len()) as u64);
            assert_eq!(counts.truncated, u64::from(kept.len() < count));
            assert!(kept.is_sorted());
            if count == 10 {
                assert_eq!(kept.len(), 10);
            }
            if kept.len() < count {
                // No more would have fitted, and none of a lower level was kept before a higher one.
                assert!(text.len() > MAX_TAG_BYTES - 300, "{shape:?} {count}: {}", text.len());
                let lowest = kept.iter().map(|&index| rules[index].level).min().unwrap();
                let higher = rules.iter().filter(|rule| rule.level > lowest).count();
                assert_eq!(
                    kept.iter().filter(|&&index| rules[index].level > lowest).count(),
                    higher
                );
            }
        }
    }
}

#[test]
fn a_rule_that_never_fits_does_not_push_out_the_others() {
    let long = "\u{1}".repeat(3000);
    let huge = TagRule { author: long.as_bytes(), level: 5, ..HIGH };
    for shape in [Shape::Nested, Shape::Flat, Shape::Ecs] {
        let (text, counts) = tag_json_with("{\"a\":1}", shape, &[huge, LOW]);
        assert_eq!(counts.dropped, 1);
        assert!(text.contains("\"d2\"") && text.contains("critical"), "{text}");
        let (text, counts) = tag_json_with("{\"a\":1}", shape, &[huge]);
        assert_eq!(counts.dropped, 1);
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
    }
}

#[test]
fn damaged_records_are_refused_and_leave_the_plan_as_it_was() {
    let data = encode(&Doc::Map(vec![
        (Doc::from("rule"), Doc::Map(vec![(Doc::from("id"), Doc::Array(vec![Doc::from(1)]))])),
        (Doc::from("threat"), Doc::Map(vec![])),
        (Doc::from("sigma"), Doc::from("x")),
    ]));
    let text = br#" {"rule":{"id":["\u0031"]} ,"threat":{}, "sigma":"x"}"#;
    for shape in [Shape::Nested, Shape::Flat, Shape::Ecs] {
        let mut plan = Plan::new();
        for end in 0..data.len() {
            plan.begin();
            let short = &data[..end];
            let error = plan.tag_msgpack(short, 0..end, &style(shape), [HIGH].into_iter());
            assert!(matches!(error, Err(PlanError::Malformed(_))), "{end}");
            assert!(plan.is_empty());
            assert_eq!(output(&mut plan, short), short);
            for value in 0..=255 {
                let mut damaged = data.clone();
                damaged[end] = value;
                plan.begin();
                let _ =
                    plan.tag_msgpack(&damaged, 0..data.len(), &style(shape), [HIGH].into_iter());
                output(&mut plan, &damaged);
            }
        }
        for end in 1..text.len() {
            plan.begin();
            let error = plan.tag_json(&text[..end], 1..end, &style(shape), [HIGH].into_iter());
            assert!(matches!(error, Err(PlanError::Malformed(_))), "{end}");
            assert!(plan.is_empty());
            for value in 0..=255 {
                let mut damaged = text.to_vec();
                damaged[end] = value;
                plan.begin();
                let _ = plan.tag_json(&damaged, 1..text.len(), &style(shape), [HIGH].into_iter());
                output(&mut plan, &damaged);
            }
        }
    }
}
