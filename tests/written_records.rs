//! What is written with splitting, dropping and stripping, in every format and shape, read back by
//! other parsers and compared with what a model of the records expects.
#![cfg(feature = "compile")]

mod records;

use records::model::{Expected, Node, Options, expect, keys_of};
use records::{Rng, decode_all, engine, to_msgpack};
use serde_json::Value;
use sigmatag::engine::{Engine, Event, Format, Scratch, Shape, Summary, Tagging};
use sigmatag::event::chunk::{RecordKind, Records};
use sigmatag::event::forward::{Message, Mode};

/// Output of a call, or the input where nothing was to do.
fn written(
    engine: &Engine,
    scratch: &mut Scratch,
    format: Format,
    data: &[u8],
    options: Options,
) -> (Vec<u8>, bool, Summary) {
    let tagging = Tagging {
        shape: options.shape,
        split_records: options.split,
        only_matching: options.only,
        strip_foreign: options.strip,
        ..Tagging::default()
    };
    let event = Event::new(format, data);
    let (needed, summary) = scratch.tag_prepare(engine, &event, &tagging).unwrap();
    let Some(needed) = needed else { return (data.to_vec(), false, summary) };
    let mut out = vec![0xc1; needed];
    assert_eq!(scratch.tag_write(data, &mut out), Ok(needed));
    (out, true, summary)
}

fn all_options() -> impl Iterator<Item = Options> {
    [Shape::Nested, Shape::Flat, Shape::Ecs].into_iter().flat_map(|shape| {
        (0..8).map(move |bits| Options {
            shape,
            split: bits & 1 != 0,
            only: bits & 2 != 0,
            strip: bits & 4 != 0,
        })
    })
}

/// Compares one record that came out with what is expected.
fn compare(out: &Value, expected: &Expected, options: Options) {
    let keys = keys_of(options.shape);
    let without = |value: &Value, keys: &[&str]| {
        let mut value = value.clone();
        value.as_object_mut().unwrap().retain(|key, _| !keys.contains(&key.as_str()));
        value
    };
    if !expected.hit {
        let body = &expected.body;
        let wanted = if options.strip { without(body, keys) } else { body.clone() };
        assert_eq!(*out, wanted, "{options:?}");
        return;
    }
    let ids = match options.shape {
        Shape::Nested => &out["sigma"]["rules"][0]["id"],
        Shape::Flat => &out["SigmaIds"][0],
        Shape::Ecs => &out["sigma"]["ids"][0],
    };
    assert_eq!(ids, "drop", "{options:?}: {out}");
    let mut gone = keys.to_vec();
    if options.shape == Shape::Ecs {
        gone.extend(["rule", "event", "threat"]);
    }
    assert_eq!(without(out, &gone), without(&expected.body, keys), "{options:?}");
}

fn compare_all(out: &[Value], expected: &[Expected], options: Options) {
    assert_eq!(out.len(), expected.len(), "{options:?}\n{out:?}\n{expected:?}");
    for (out, expected) in out.iter().zip(expected) {
        compare(out, expected, options);
    }
}

/// What the model says about the counters of some records together.
fn compare_counts(summary: &Summary, nodes: &[Node], options: Options) {
    let mut wanted = Summary::default();
    for node in nodes {
        let (expected, split, dropped) = expect(node, options);
        wanted.split_records += u64::from(split);
        wanted.dropped_records += dropped;
        for record in expected {
            let own = keys_of(options.shape);
            let planted = own.iter().filter(|key| record.body.get(**key).is_some()).count() as u64;
            if record.hit {
                wanted.tag_replaced += planted;
            } else if options.strip {
                wanted.stripped_records += u64::from(planted > 0);
            }
        }
    }
    let of = |s: &Summary| (s.split_records, s.dropped_records, s.stripped_records, s.tag_replaced);
    assert_eq!(of(summary), of(&wanted), "{options:?}");
}

/// Whether the model wants any byte changed.
fn is_changed(nodes: &[Node], options: Options) -> bool {
    nodes.iter().any(|node| {
        let (expected, split, dropped) = expect(node, options);
        let keys = keys_of(options.shape);
        let strips = |record: &Expected| keys.iter().any(|key| record.body.get(*key).is_some());
        split
            || dropped > 0
            || expected.iter().any(|record| record.hit || options.strip && strips(record))
    })
}

#[test]
fn json_documents() {
    let engine = engine();
    let mut scratch = Scratch::new(&engine);
    let mut rng = Rng(7);
    for round in 0..600 {
        let node = Node::random(&mut rng);
        let (before, behind) = if round % 3 == 0 { (" \t", " \r\n") } else { ("", "") };
        let text = format!("{before}{}{behind}", node.value());
        for options in all_options() {
            let nodes = std::slice::from_ref(&node);
            let (expected, _, _) = expect(&node, options);
            let (out, changed, summary) =
                written(&engine, &mut scratch, Format::Json, text.as_bytes(), options);
            assert_eq!(changed, is_changed(nodes, options), "{options:?} {text}");
            compare_counts(&summary, nodes, options);
            let out = String::from_utf8(out).unwrap();
            if expected.is_empty() {
                assert_eq!(out, "");
                continue;
            }
            let body = out.strip_prefix(before).unwrap().strip_suffix(behind).unwrap();
            let out: Vec<Value> =
                body.split('\n').map(|line| serde_json::from_str(line).unwrap()).collect();
            compare_all(&out, &expected, options);
        }
    }
}

#[test]
fn msgpack_maps() {
    let engine = engine();
    let mut scratch = Scratch::new(&engine);
    let mut rng = Rng(11);
    for _ in 0..600 {
        let node = Node::random(&mut rng);
        let data = to_msgpack(&node.value());
        for options in all_options() {
            let nodes = std::slice::from_ref(&node);
            let (expected, _, _) = expect(&node, options);
            let (out, changed, summary) =
                written(&engine, &mut scratch, Format::Msgpack, &data, options);
            assert_eq!(changed, is_changed(nodes, options));
            compare_counts(&summary, nodes, options);
            compare_all(&decode_all(&out), &expected, options);
        }
    }
}

const GROUP_START: &[u8] = b"\x92\x92\xd7\0\xff\xff\xff\xff\0\0\0\0\x80\x81\xa5sigma\x01";
const GROUP_END: &[u8] = b"\x92\x92\xd7\0\xff\xff\xff\xfe\0\0\0\0\x80\x80";

/// A piece of a chunk: bytes that pass, or a record with the bytes before its body.
enum Piece {
    Passes(&'static [u8]),
    Record(Vec<u8>, Node),
}

fn pieces(rng: &mut Rng) -> Vec<Piece> {
    (0..rng.below(6))
        .map(|index| match rng.below(8) {
            0 => Piece::Passes(GROUP_START),
            1 => Piece::Passes(GROUP_END),
            2 => Piece::Passes(b"\x93\x05\x80\x80"),
            3 | 4 => Piece::Record(vec![0x92, index as u8], Node::random(rng)),
            _ => {
                let head = b"\x92\x92\xd7\0\x6b\x02\xd5\xc5\0\0\0\x01\x81\xa1m\xa5sigma";
                Piece::Record(head.to_vec(), Node::random(rng))
            }
        })
        .collect()
}

#[test]
fn chunks() {
    let engine = engine();
    let mut scratch = Scratch::new(&engine);
    let mut rng = Rng(23);
    let (mut unchanged, mut emptied) = (0, 0);
    for _ in 0..600 {
        let pieces = pieces(&mut rng);
        let mut data = Vec::new();
        let mut nodes = Vec::new();
        for piece in &pieces {
            match piece {
                Piece::Passes(bytes) => data.extend_from_slice(bytes),
                Piece::Record(head, node) => {
                    data.extend_from_slice(head);
                    data.extend(to_msgpack(&node.value()));
                    nodes.push(node.clone());
                }
            }
        }
        for options in all_options() {
            let (out, changed, summary) =
                written(&engine, &mut scratch, Format::FlbChunk, &data, options);
            assert_eq!(changed, is_changed(&nodes, options));
            compare_counts(&summary, &nodes, options);
            unchanged += u32::from(!changed);
            emptied += u32::from(changed && out.is_empty());
            let mut found = Records::new(&out);
            for piece in &pieces {
                match piece {
                    Piece::Passes(bytes) => {
                        let record = found.next().unwrap();
                        assert_eq!(&out[record.start..record.end], *bytes);
                    }
                    Piece::Record(head, node) => {
                        for expected in expect(node, options).0 {
                            let record = found.next().unwrap();
                            assert_eq!(record.kind, RecordKind::Record);
                            assert_eq!(out[record.start..record.body_start], *head);
                            let body = decode_all(&out[record.body_start..record.end]);
                            compare_all(&body, &[expected], options);
                        }
                    }
                }
            }
            assert_eq!(found.next(), None);
        }
    }
    assert!(unchanged > 100 && emptied > 10, "{unchanged} {emptied}");
}

const TIME: &[u8] = b"\xd7\0\x6b\x02\xd5\xc5\0\0\0\x01";

/// A message of each mode around some records, with the option's size right.
fn messages(nodes: &[Node]) -> Vec<Vec<u8>> {
    let entries: Vec<Vec<u8>> = nodes
        .iter()
        .map(|node| [b"\x92".as_slice(), TIME, &to_msgpack(&node.value())].concat())
        .collect();
    let all = entries.concat();
    let option = [b"\x82\xa5chunk\xa2id\xa4size".as_slice(), &[nodes.len() as u8]].concat();
    let array = [&[0x90 + nodes.len() as u8], all.as_slice()].concat();
    let wide = [b"\xdd\0\0\0".as_slice(), &[nodes.len() as u8], &all].concat();
    let packed = [b"\xc6".as_slice(), &(all.len() as u32).to_be_bytes(), &all].concat();
    let mut out = Vec::new();
    for entries in [array, wide, packed] {
        out.push([b"\x93\xa3tag".as_slice(), &entries, &option].concat());
        out.push([b"\x92\xa3tag".as_slice(), &entries].concat());
    }
    if let [node] = nodes {
        let body = to_msgpack(&node.value());
        out.push([b"\x94\xa3tag".as_slice(), TIME, &body, &option].concat());
        out.push([b"\x93\xa3tag".as_slice(), TIME, &body].concat());
    }
    out
}

/// The bodies of a message; each must have the time, and the option's size their number.
fn bodies(out: &[u8], message: &Message, had_option: bool) -> Vec<Value> {
    let records: Vec<Value> = match &message.mode {
        Mode::Message { time, body } => {
            assert_eq!(&out[time.clone()], TIME);
            decode_all(&out[body.clone()])
        }
        _ => message
            .records(out)
            .map(|record| {
                assert_eq!(record.kind, RecordKind::Record);
                assert_eq!(&out[record.start + 1..record.body_start], TIME);
                decode_all(&out[record.body_start..record.end]).remove(0)
            })
            .collect(),
    };
    let size = message.size.as_ref().map(|(_, size)| *size);
    assert_eq!(size, had_option.then_some(records.len() as u64));
    // Other parsers agree that it is one value.
    let values = decode_all(&out[message.span.clone()]);
    assert_eq!(values.len(), 1);
    if let Some(option) = values[0].as_array().unwrap().last().filter(|_| had_option) {
        assert_eq!(option["chunk"], "id");
    }
    records
}

#[test]
fn forward_messages() {
    let engine = engine();
    let mut scratch = Scratch::new(&engine);
    let mut rng = Rng(31);
    for round in 0..250 {
        let count = if round % 2 == 0 { 1 } else { rng.below(4) };
        let nodes: Vec<Node> = (0..count).map(|_| Node::random(&mut rng)).collect();
        for data in messages(&nodes) {
            let had_option = data.windows(4).any(|bytes| bytes == b"size");
            for options in all_options() {
                let expected: Vec<Expected> =
                    nodes.iter().flat_map(|node| expect(node, options).0).collect();
                let (out, changed, summary) =
                    written(&engine, &mut scratch, Format::Forward, &data, options);
                assert_eq!(changed, is_changed(&nodes, options));
                compare_counts(&summary, &nodes, options);
                if expected.is_empty() && changed {
                    assert_eq!(out, b"", "{options:?}");
                    continue;
                }
                let message = Message::read(&out, 0).unwrap();
                assert_eq!(message.span, 0..out.len());
                compare_all(&bodies(&out, &message, had_option), &expected, options);
            }
            // Two messages behind each other are two messages.
            let twice = [data.as_slice(), &data].concat();
            let options = Options { shape: Shape::Nested, split: true, only: true, strip: true };
            let (one, ..) = written(&engine, &mut scratch, Format::Forward, &data, options);
            let (two, ..) = written(&engine, &mut scratch, Format::Forward, &twice, options);
            assert_eq!(two, [one.as_slice(), &one].concat());
        }
    }
}

/// Damage anywhere: what comes out is as readable as what went in, and records that were not to be
/// changed are there byte for byte.
#[test]
fn damaged_chunks() {
    let engine = engine();
    let mut scratch = Scratch::new(&engine);
    let mut rng = Rng(47);
    let all: Vec<Options> = all_options().collect();
    let (mut malformed, mut sound) = (0, 0);
    for _ in 0..300 {
        let mut data = Vec::new();
        for _ in 0..1 + rng.below(3) {
            data.extend_from_slice(b"\x92\x92\xd7\0\x6b\x02\xd5\xc5\0\0\0\x01\x81\xa1m\x05");
            data.extend(to_msgpack(&Node::random(&mut rng).value()));
        }
        for _ in 0..40 {
            let mut damaged = data.clone();
            for _ in 0..1 + rng.below(3) {
                let at = rng.below(damaged.len() as u64) as usize;
                damaged[at] = rng.below(256) as u8;
            }
            let options = all[rng.below(all.len() as u64) as usize];
            let (out, changed, _) =
                written(&engine, &mut scratch, Format::FlbChunk, &damaged, options);
            assert!(changed || out == damaged);
            let before: Vec<_> = Records::new(&damaged).collect();
            let after: Vec<_> = Records::new(&out).collect();
            let is_bad = |kind: &RecordKind| matches!(kind, RecordKind::Malformed(_)).then_some(());
            let bad = |data: &[u8], records: &[sigmatag::event::chunk::Record]| -> Vec<Vec<u8>> {
                let bad = records.iter().filter(|record| is_bad(&record.kind).is_some());
                bad.map(|record| data[record.start..record.end].to_vec()).collect()
            };
            assert_eq!(bad(&out, &after), bad(&damaged, &before), "{options:?}");
            malformed += u32::from(before.iter().any(|record| is_bad(&record.kind).is_some()));
            sound += after.len() as u32;
            if !options.split && !options.only {
                assert_eq!(after.len(), before.len());
                for (new, old) in after.iter().zip(&before) {
                    let (new, old) = (&out[new.start..new.end], &damaged[old.start..old.end]);
                    let tagged = |bytes: &[u8]| {
                        bytes.windows(4).any(|part| part == b"drop" || part == b"igma")
                    };
                    assert!(new == old || tagged(new) || tagged(old));
                }
            }
        }
    }
    assert!(malformed > 500 && sound > 5_000, "{malformed} {sound}");
}
