//! The walker for XML: where values go, what is decoded, and that no input does harm.

use sigmatag::event::keys::KeyTable;
use sigmatag::event::slots::Slots;
use sigmatag::event::value::{Store, Value};
use sigmatag::event::xml::{begins_like_record, skip_prolog, walk};
use sigmatag::event::{Malformed, MalformedKind};
use std::time::Instant;

/// Fields that the tests ask for.
const FIELDS: [&str; 12] = [
    "Event.System.Channel",
    "Event.System.Provider.#attributes.Name",
    "Event.System.EventID",
    "Event.EventData.Image",
    "Event.EventData.Data",
    "Event.EventData.a&b",
    "AUDIT_RECORD.NAME",
    "AUDIT_RECORD.SQLTEXT",
    "AUDIT_RECORD.USER",
    "R",
    "R.x",
    "R.x.y",
];

struct Walked {
    result: Result<usize, Malformed>,
    fields: Vec<(&'static str, String)>,
    leaves: Vec<String>,
}

fn keys() -> KeyTable {
    let fields: Vec<&[u8]> = FIELDS.iter().map(|name| name.as_bytes()).collect();
    KeyTable::build(&fields, &[])
}

fn slots() -> Slots {
    let mut slots = Slots::new(FIELDS.len());
    slots.arena_store = Store::Inner;
    slots.wants_leaves = true;
    slots
}

fn run(data: &[u8]) -> Walked {
    let mut slots = slots();
    slots.begin();
    // Spans count from a base.
    let result = walk(data, Store::Input, 100, &keys(), &mut slots);
    let text = |value: Value| match value {
        Value::Str(span) => {
            let all = if span.store == Store::Input { data } else { &slots.arena };
            let start = span.start as usize - if span.store == Store::Input { 100 } else { 0 };
            String::from_utf8_lossy(&all[start..start + span.len as usize]).into_owned()
        }
        other => format!("{other:?}"),
    };
    let fields = FIELDS
        .iter()
        .enumerate()
        .flat_map(|(at, name)| slots.values(at as u32).map(move |value| (*name, value)))
        .map(|(name, value)| (name, text(value)))
        .collect();
    Walked { result, fields, leaves: slots.leaves().iter().copied().map(text).collect() }
}

/// The fields of XML that is whole.
fn fields(xml: &str) -> Vec<(&'static str, String)> {
    let found = run(xml.as_bytes());
    assert_eq!(found.result, Ok(xml.len()), "{xml}");
    found.fields
}

fn pairs<'f>(found: &'f [(&'static str, String)]) -> Vec<(&'static str, &'f str)> {
    found.iter().map(|(name, text)| (*name, &text[..])).collect()
}

#[test]
fn elements_attributes_and_named_data_are_paths() {
    let event = "<Event xmlns='urn:x'><System><Provider Name=\"Linux-Sysmon\" Guid='{1}'/>\n\
        <EventID Qualifiers='0'>11</EventID><Channel>A/B</Channel></System>\
        <EventData><Data Name='Image'>/bin/a</Data><Data>one</Data><Data  Name = \"a&amp;b\" >x</Data>\
        <Data>two</Data></EventData></Event >";
    assert_eq!(
        pairs(&fields(event)),
        [
            ("Event.System.Channel", "A/B"),
            ("Event.System.Provider.#attributes.Name", "Linux-Sysmon"),
            ("Event.System.EventID", "11"),
            ("Event.EventData.Image", "/bin/a"),
            ("Event.EventData.Data", "one"),
            ("Event.EventData.Data", "two"),
            ("Event.EventData.a&b", "x"),
        ]
    );
    let leaves = run(event.as_bytes()).leaves;
    assert_eq!(leaves, ["Linux-Sysmon", "{1}", "", "0", "11", "A/B", "/bin/a", "one", "x", "two"]);
}

#[test]
fn records_of_attributes_and_of_elements_are_the_same() {
    let expected = [
        ("AUDIT_RECORD.NAME", "Query"),
        ("AUDIT_RECORD.SQLTEXT", "SELECT '<a>'\n&\t\u{1}\u{e9}"),
        ("AUDIT_RECORD.USER", ""),
    ];
    let text = "SELECT &apos;&lt;a&gt;&#39;&#10;&amp;&#x9;&#1;&#xe9;";
    for xml in [
        format!("<AUDIT_RECORD\n NAME=\"Query\"\n SQLTEXT=\"{text}\"\n USER=\"\"\n/>"),
        format!("<AUDIT_RECORD NAME='Query' SQLTEXT='{text}' USER=''></AUDIT_RECORD>"),
        format!(
            "<AUDIT_RECORD>\n <NAME>Query</NAME>\n<SQLTEXT>{text}</SQLTEXT><USER/>\n</AUDIT_RECORD>"
        ),
        "<AUDIT_RECORD><!-- <NAME>no</NAME> --><NAME>Qu<!-- x -->ery</NAME><SQLTEXT>SELECT \
         <![CDATA['<a>'\n&]]>&#9;&#1;\u{e9}</SQLTEXT><USER></USER><?pi x?></AUDIT_RECORD>"
            .to_owned(),
    ] {
        assert_eq!(pairs(&fields(&xml)), expected, "{xml}");
    }
    // Names inside other elements are not the record's.
    let nested = "<AUDIT_RECORD><NAME>Connect</NAME><A><B><NAME>_pid</NAME></B></A></AUDIT_RECORD>";
    assert_eq!(pairs(&fields(nested)), [("AUDIT_RECORD.NAME", "Connect")]);
}

#[test]
fn what_is_no_reference_stays() {
    for text in ["&", "&;", "&x;", "a & b", "&#;", "&#x;", "&#xd800;", "&#1114112;", "&#-1;", "&lt"]
    {
        let found = fields(&format!("<R><x>{text}</x></R>"));
        assert_eq!(found[1], ("R.x", text.to_owned()));
    }
    let found = fields("<R><x>&#0000000000065;&#65;&amp;lt;</x></R>");
    assert_eq!(found[1].1, "AA&lt;", "nothing is decoded twice");
}

#[test]
fn text_beside_elements_is_a_value_and_white_space_is_none() {
    let found = fields("<R> a <x> <y>1</y> b </x> </R>");
    let expected =
        [("R", " a "), ("R", "Object"), ("R.x", "Object"), ("R.x", " b "), ("R.x.y", "1")];
    assert_eq!(pairs(&found), expected);
    assert_eq!(pairs(&fields("<R><x> </x></R>")), [("R", "Object"), ("R.x", " ")]);
}

#[test]
fn what_is_cut_off_keeps_what_it_has() {
    let xml =
        "<AUDIT_RECORD><NAME>Query</NAME><SQLTEXT>SELECT &lt;1 FROM t</SQLTEXT></AUDIT_RECORD>";
    for len in 1..xml.len() {
        let found = run(&xml.as_bytes()[..len]);
        assert!(found.result.is_err(), "{}", &xml[..len]);
        if len > 57 {
            let text = &found.fields[1].1;
            assert!("SELECT <1 FROM t".starts_with(&text[..]) && text.len() > 7, "{text}");
        }
    }
}

#[test]
fn what_breaks_the_grammar_is_told() {
    for (xml, kind) in [
        ("", MalformedKind::Truncated),
        ("x", MalformedKind::BadByte),
        ("<>", MalformedKind::BadByte),
        ("<1>", MalformedKind::BadByte),
        ("<R", MalformedKind::Truncated),
        ("<R x>", MalformedKind::BadByte),
        ("<R x=1>", MalformedKind::BadByte),
        ("<R x='1>", MalformedKind::Truncated),
        ("<R/ >", MalformedKind::BadByte),
        ("</R>", MalformedKind::BadByte),
        ("<R></S>", MalformedKind::BadByte),
        ("<R></R x>", MalformedKind::BadByte),
        ("<R><x></R></x>", MalformedKind::BadByte),
        ("<R><!DOCTYPE a></R>", MalformedKind::BadByte),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><R>&b;</R>", MalformedKind::BadByte),
        ("<R><!-- ", MalformedKind::Truncated),
        ("<R><![CDATA[x", MalformedKind::Truncated),
        ("<R><?x", MalformedKind::Truncated),
    ] {
        let found = run(xml.as_bytes()).result.expect_err(xml);
        assert_eq!(found.kind, kind, "{xml}: {found}");
    }
}

#[test]
fn elements_inside_each_other_are_bounded() {
    let nested = |depth: usize| format!("{}{}", "<R>".repeat(depth), "</R>".repeat(depth));
    assert!(run(nested(64).as_bytes()).result.is_ok());
    let found = run(nested(65).as_bytes()).result.expect_err("too deep");
    assert_eq!(found.kind, MalformedKind::TooDeep);
}

#[test]
fn records_are_told_from_prose() {
    let keys = keys();
    for text in [
        "<R>",
        "<R x='1'/>",
        "<AUDIT_RECORD\n NAME",
        "<?xml version=\"1.0\"?>\n<AUDIT>\n <R>",
        "<!-- x --> <R>",
        "</AUDIT>\n<R>",
    ] {
        assert!(begins_like_record(text.as_bytes(), &keys), "{text}");
    }
    for text in ["", "<", "R", "<html>", "<r>", "<R", "<R-x>", "<AUDIT>", "<?xml", "<!DOCTYPE R>"] {
        assert!(!begins_like_record(text.as_bytes(), &keys), "{text}");
    }
    assert_eq!(skip_prolog(b" <?xml?> <AUDIT> </AUDIT> <!-- a --> <R>", 0), 37);
}

/// Pieces of which hostile XML is made.
const PIECES: [&str; 20] = [
    "<R>",
    "</R>",
    "<x ",
    "y='",
    "'",
    "\"",
    "/>",
    ">",
    "&",
    "&lt;",
    "&#",
    ";",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?",
    "?>",
    " ",
    "\u{fffd}",
];

#[test]
fn no_input_panics() {
    let (keys, mut slots) = (keys(), slots());
    let mut state = 1u32;
    let mut next = |limit: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % limit
    };
    let (mut whole, mut broken) = (0, 0);
    for _ in 0..200_000 {
        let mut text = String::from("<R>");
        for _ in 0..next(14) {
            text.push_str(PIECES[next(PIECES.len())]);
        }
        let mut bytes = text.into_bytes();
        if next(4) == 0 {
            let at = next(bytes.len());
            bytes[at] = next(256) as u8;
        }
        slots.begin();
        let at = skip_prolog(&bytes, 0);
        match walk(&bytes[at..], Store::Input, 0, &keys, &mut slots) {
            Ok(end) => {
                assert!(at + end <= bytes.len());
                whole += 1;
            }
            Err(_) => broken += 1,
        }
        assert!(slots.arena.len() <= bytes.len() * 2, "decoding makes nothing longer");
    }
    assert!(whole > 1_000 && broken > 1_000, "{whole} {broken}");
}

#[test]
fn time_grows_with_the_bytes() {
    let (keys, mut slots) = (keys(), slots());
    let mut time = |piece: &str, count: usize| {
        let text = format!("<R>{}", piece.repeat(count));
        let run = |slots: &mut Slots| {
            let start = Instant::now();
            slots.begin();
            let _ = skip_prolog(text.as_bytes(), 3);
            let _ = walk(text.as_bytes(), Store::Input, 0, &keys, slots);
            start.elapsed()
        };
        (0..3).map(|_| run(&mut slots)).min().expect("three runs").as_secs_f64()
    };
    for piece in
        PIECES.into_iter().chain(["<x></x>", "&#9", "a<!---->", "x<![CDATA[y]]>", "<x y='1'/>"])
    {
        let (short, long) = (time(piece, 4_000), time(piece, 64_000));
        // Sixteen times the bytes; the rest is room for a busy machine.
        assert!(long < short * 160.0 + 0.05, "{piece}: {short} {long}");
    }
}
