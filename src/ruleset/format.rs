//! The `.sgt` file: a header, a section table and sections, all little-endian.
//!
//! ```text
//! 0   magic 89 53 47 54 0D 0A 1A 0A     8   format version      12  oldest reader version
//! 16  number of sections                20  rules left out      24  length of the file (u64)
//! 32  SHA-256 of what the rules mean    64  CRC-32 of the file with these four bytes zero
//! 68  zero                              72  sections: id, flags, offset (u64), length (u64)
//! ```
//! Sections begin at multiples of 64. The identity does not depend on how rules are found and
//! executed, see [`canonical_bytes`]. Texts that an antivirus might take for the attack they describe
//! are masked with a fixed key stream. A reader skips unknown sections unless they are critical.

use super::codec::{
    DecodeError, Reader, Record, read_all, read_bytes, read_sparse, write_all, write_bytes,
    write_sparse,
};
use super::debug::{self, Debug, DebugSection};
use super::indicators::Indicators;
use super::normal::NormalSection;
use super::tables::{FieldIndex, Predicate, Rule, Slot, Tables, flag};
use super::{LoadError, LoadErrorKind, foreign};
use crate::limits;

/// First bytes of every file; a transfer that changes line ends or strips bit 7 breaks them.
pub const MAGIC: [u8; 8] = *b"\x89SGT\r\n\x1a\n";
/// The version that the compiler writes.
pub const VERSION: u32 = 1;
/// The oldest version that is read.
pub const OLDEST: u32 = 1;
const HEADER: usize = 72;
const ENTRY: usize = 24;
const ALIGN: usize = 64;

const CRITICAL: u32 = 1;
const MASKED: u32 = 2;

/// Section ids. 32 and 33 are kept for signatures and correlations.
mod section {
    pub const TEXTS: u32 = 1;
    pub const NEEDLES: u32 = 2;
    pub const KEYS: u32 = 3;
    pub const SOURCES: u32 = 4;
    pub const PREDICATES: u32 = 5;
    pub const INDEX: u32 = 6;
    pub const PROGRAMS: u32 = 7;
    pub const REGEXES: u32 = 8;
    pub const RULES: u32 = 9;
    pub const DEBUG: u32 = 10;
    pub const AUTOMATA: u32 = 11;
    pub const INDICATORS: u32 = 34;
    pub const DESTINATIONS: u32 = 35;
}

/// Id, name and flags of every section that this version knows, in file order.
const SECTIONS: [(u32, &str, u32); 13] = [
    (section::TEXTS, "texts", CRITICAL | MASKED),
    (section::NEEDLES, "needles", CRITICAL | MASKED),
    (section::KEYS, "keys", CRITICAL),
    (section::SOURCES, "sources", CRITICAL),
    (section::PREDICATES, "predicates", CRITICAL),
    (section::INDEX, "index", CRITICAL),
    (section::PROGRAMS, "programs", CRITICAL),
    (section::REGEXES, "regexes", CRITICAL),
    (section::RULES, "rules", CRITICAL),
    (section::DEBUG, "debug", MASKED),
    (section::AUTOMATA, "automata", CRITICAL),
    (section::INDICATORS, "indicators", CRITICAL | MASKED),
    (section::DESTINATIONS, "destinations", 0),
];

/// Whether tables have a section: without indicators there is none, nor without destinations.
fn has(id: u32, tables: &Tables) -> bool {
    match id {
        section::INDICATORS => tables.indicators.is_some(),
        section::DESTINATIONS => !tables.normal.encoded().is_empty(),
        _ => true,
    }
}

/// What the header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Format version.
    pub version: u32,
    /// SHA-256 of [`canonical_bytes`].
    pub identity: [u8; 32],
    /// Rules that the compiler was told to leave out.
    pub skipped_rules: u32,
    /// Name and size of every known section.
    pub sections: Vec<(&'static str, u64)>,
}

fn error(kind: LoadErrorKind, offset: Option<usize>, message: impl Into<String>) -> LoadError {
    LoadError { kind, offset: offset.map(|o| o as u64), message: message.into() }
}

/// Unmasks a debug section.
pub(super) fn unmask_debug(bytes: &mut [u8]) {
    mask(section::DEBUG, bytes);
}

/// XORs with a key stream that depends only on the section. It is its own inverse.
fn mask(id: u32, bytes: &mut [u8]) {
    let mut state = 0x9E37_79B9_7F4A_7C15u64 ^ (u64::from(id) << 32 | 0x5347_5400);
    let mut key = || {
        // xorshift64*
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    };
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_le_bytes(*word) ^ key()).to_le_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key().to_le_bytes()) {
        *byte ^= key;
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::decode(&bytes[at..at + 4])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::decode(&bytes[at..at + 8])
}

/// Reads the tables. The checksum is verified; the tables' invariants are not, and the debug section
/// is not decoded.
pub fn read(bytes: &[u8]) -> Result<(Header, Tables, DebugSection), LoadError> {
    if bytes.len() < MAGIC.len() || bytes[..8] != MAGIC {
        let empty = bytes.is_empty();
        let cut = !empty && MAGIC.starts_with(&bytes[..bytes.len().min(8)]);
        return Err(if cut {
            error(
                LoadErrorKind::Truncated,
                Some(bytes.len()),
                "the file ends inside its header: copy it again",
            )
        } else if empty {
            error(LoadErrorKind::Truncated, Some(0), "the file is empty")
        } else {
            error(
                LoadErrorKind::NotSgt,
                Some(0),
                "not a compiled rule file: make one with `sigmatag compile RULES -o FILE.sgt`",
            )
        });
    }
    if bytes.len() < HEADER {
        return Err(error(
            LoadErrorKind::Truncated,
            Some(bytes.len()),
            "the file ends inside its header: copy it again",
        ));
    }
    let (version, oldest_reader) = (u32_at(bytes, 8), u32_at(bytes, 12));
    if version < OLDEST || oldest_reader > VERSION {
        return Err(error(
            LoadErrorKind::UnsupportedVersion,
            Some(8),
            format!(
                "format version {version} (needs a reader of version {oldest_reader}), this \
                 library reads {OLDEST} to {VERSION}: compile the rules with the sigmatag of \
                 this library's version"
            ),
        ));
    }
    let length = u64_at(bytes, 24);
    if length > bytes.len() as u64 {
        return Err(error(
            LoadErrorKind::Truncated,
            Some(bytes.len()),
            format!("{} bytes of {length}: copy the file again", bytes.len()),
        ));
    }
    if length < bytes.len() as u64 {
        return Err(error(
            LoadErrorKind::Corrupt,
            Some(length as usize),
            format!("{} bytes after the end of the file", bytes.len() as u64 - length),
        ));
    }
    if bytes.len() > limits::MAX_FILE {
        return Err(error(
            LoadErrorKind::TooLarge,
            None,
            format!("{} bytes, the limit is {}", bytes.len(), limits::MAX_FILE),
        ));
    }
    if checksum(bytes) != u32_at(bytes, 64) {
        return Err(error(
            LoadErrorKind::Corrupt,
            Some(64),
            "the checksum does not match: the file was damaged, compile or copy it again",
        ));
    }
    sections(bytes, version)
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[..64]);
    hasher.update(&[0; 4]);
    hasher.update(&bytes[68..]);
    hasher.finalize()
}

fn sections(bytes: &[u8], version: u32) -> Result<(Header, Tables, DebugSection), LoadError> {
    let corrupt =
        |offset: usize, message: &str| error(LoadErrorKind::Corrupt, Some(offset), message);
    let count = u32_at(bytes, 16) as usize;
    let table_end = count
        .checked_mul(ENTRY)
        .and_then(|size| size.checked_add(HEADER))
        .filter(|&end| end <= bytes.len())
        .ok_or_else(|| corrupt(16, "the section table ends beyond the file"))?;
    let mut tables = Tables::default();
    let mut debug = DebugSection::default();
    let mut seen = [false; SECTIONS.len()];
    let mut header = Header {
        version,
        identity: <[u8; 32]>::try_from(&bytes[32..64]).unwrap_or_default(),
        skipped_rules: u32_at(bytes, 20),
        sections: Vec::new(),
    };
    for entry in (HEADER..table_end).step_by(ENTRY) {
        let (id, flags) = (u32_at(bytes, entry), u32_at(bytes, entry + 4));
        let (offset, len) = (u64_at(bytes, entry + 8), u64_at(bytes, entry + 16));
        let end = offset.checked_add(len).filter(|&end| end <= bytes.len() as u64);
        if end.is_none() || offset < table_end as u64 {
            return Err(corrupt(entry, "a section lies outside the file"));
        }
        let Some(known) = SECTIONS.iter().position(|s| s.0 == id) else {
            if flags & CRITICAL != 0 {
                return Err(error(
                    LoadErrorKind::UnsupportedVersion,
                    Some(entry),
                    format!("section {id} is needed but unknown to this library: upgrade it"),
                ));
            }
            continue;
        };
        let (_, name, known_flags) = SECTIONS[known];
        if std::mem::replace(&mut seen[known], true) {
            return Err(corrupt(entry, "a section occurs twice"));
        }
        if flags != known_flags {
            return Err(corrupt(entry, "a section has flags that do not belong to it"));
        }
        let raw = &bytes[offset as usize..(offset + len) as usize];
        header.sections.push((name, len));
        if id == section::DEBUG {
            debug = DebugSection::new(raw.to_vec());
            continue;
        }
        if id == section::DESTINATIONS {
            tables.normal = NormalSection::new(raw.to_vec());
            continue;
        }
        let unmasked;
        let data = if flags & MASKED != 0 {
            let mut copy = raw.to_vec();
            mask(id, &mut copy);
            unmasked = copy;
            &unmasked[..]
        } else {
            raw
        };
        decode(id, data, &mut tables).map_err(|e| {
            error(
                LoadErrorKind::Corrupt,
                Some(offset as usize + e.offset),
                format!("section `{name}`: expected {}", e.message),
            )
        })?;
    }
    for ((id, name, flags), seen) in SECTIONS.iter().zip(seen) {
        if flags & CRITICAL != 0 && !seen && has(*id, &tables) {
            return Err(corrupt(16, &format!("section `{name}` is missing")));
        }
    }
    Ok((header, tables, debug))
}

fn decode(id: u32, data: &[u8], t: &mut Tables) -> Result<(), DecodeError> {
    let r = &mut Reader::new(data);
    match id {
        section::TEXTS => {
            t.texts = read_bytes(r)?;
            t.fields = read_all(r)?;
            t.logsources = read_all(r)?;
        }
        section::NEEDLES => t.needles = read_bytes(r)?,
        section::KEYS => {
            t.containers = r.u32()?;
            t.keys = foreign::read_keys(r)?;
        }
        section::SOURCES => t.sources = foreign::read_sources(r)?,
        section::PREDICATES => {
            t.predicates = read_all(r)?;
            t.tokens = read_all(r)?;
            t.networks = read_all(r)?;
            t.numbers = read_all(r)?;
        }
        section::INDEX => {
            t.indexes = read_sparse(r, FieldIndex::EMPTY, t.fields.len() + 1)?;
            t.slots = read_sparse(r, Slot::EMPTY, r.remaining() / 2)?;
            t.entries = read_all(r)?;
            t.filters = read_all(r)?;
            t.nested = read_all(r)?;
            t.groups = r.u32()?;
            t.links = read_all(r)?;
            t.linked = read_all(r)?;
            t.waiting_starts = read_all(r)?;
            t.waiting_rules = read_all(r)?;
            t.open_rules = read_all(r)?;
        }
        section::PROGRAMS => t.program = read_all(r)?,
        section::REGEXES => t.regexes.list = read_all(r)?,
        section::RULES => {
            t.rules = read_all(r)?;
            t.correlations = read_all(r)?;
        }
        section::AUTOMATA => {
            let p = &mut t.regexes.programs;
            p.list = read_all(r)?;
            p.joints = read_all(r)?;
            p.moves = read_all(r)?;
            p.exits = read_all(r)?;
            p.classes_read = read_all(r)?;
            p.parts = read_all(r)?;
            p.rows = read_all(r)?;
            p.columns = read_bytes(r)?;
            p.classes = read_all(r)?;
            p.ranges = read_all(r)?;
            t.regexes.automata = read_all(r)?;
            t.regexes.columns = read_bytes(r)?;
            t.regexes.transitions = read_all(r)?;
        }
        section::INDICATORS => {
            t.indicators = Some(Box::new(Indicators::decode(r, t.fields.len())?));
        }
        _ => {}
    }
    std::mem::replace(r, Reader::new(&[])).finish()
}

fn encode(id: u32, t: &Tables) -> Vec<u8> {
    let mut out = Vec::new();
    let o = &mut out;
    match id {
        section::TEXTS => {
            write_bytes(&t.texts, o);
            write_all(&t.fields, o);
            write_all(&t.logsources, o);
        }
        section::NEEDLES => write_bytes(&t.needles, o),
        section::KEYS => {
            t.containers.encode(o);
            foreign::write_keys(&t.keys, o);
        }
        section::SOURCES => foreign::write_sources(&t.sources, o),
        section::PREDICATES => {
            write_all(&t.predicates, o);
            write_all(&t.tokens, o);
            write_all(&t.networks, o);
            write_all(&t.numbers, o);
        }
        section::INDEX => {
            write_sparse(&t.indexes, &FieldIndex::EMPTY, o);
            write_sparse(&t.slots, &Slot::EMPTY, o);
            write_all(&t.entries, o);
            write_all(&t.filters, o);
            write_all(&t.nested, o);
            t.groups.encode(o);
            write_all(&t.links, o);
            write_all(&t.linked, o);
            write_all(&t.waiting_starts, o);
            write_all(&t.waiting_rules, o);
            write_all(&t.open_rules, o);
        }
        section::PROGRAMS => write_all(&t.program, o),
        section::REGEXES => write_all(&t.regexes.list, o),
        section::RULES => {
            write_all(&t.rules, o);
            write_all(&t.correlations, o);
        }
        section::AUTOMATA => {
            let p = &t.regexes.programs;
            write_all(&p.list, o);
            write_all(&p.joints, o);
            write_all(&p.moves, o);
            write_all(&p.exits, o);
            write_all(&p.classes_read, o);
            write_all(&p.parts, o);
            write_all(&p.rows, o);
            write_bytes(&p.columns, o);
            write_all(&p.classes, o);
            write_all(&p.ranges, o);
            write_all(&t.regexes.automata, o);
            write_bytes(&t.regexes.columns, o);
            write_all(&t.regexes.transitions, o);
        }
        section::INDICATORS => t.indicators.iter().for_each(|indicators| indicators.encode(o)),
        section::DESTINATIONS => o.extend_from_slice(t.normal.encoded()),
        _ => {}
    }
    out
}

/// What the identity is a hash of: what the rules mean, and nothing that the compiler chose for
/// speed, which may depend on a site's traffic. `conditions` are those of the rules, over predicates.
pub fn canonical_bytes(tables: &Tables, conditions: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for id in [section::TEXTS, section::NEEDLES, section::SOURCES] {
        write_bytes(&encode(id, tables), &mut out);
    }
    let meaning = |p: &Predicate| Predicate { flags: p.flags & !flag::INDEXED, ..*p };
    write_all(&tables.predicates.iter().map(meaning).collect::<Vec<_>>(), &mut out);
    write_all(&tables.tokens, &mut out);
    write_all(&tables.networks, &mut out);
    write_all(&tables.numbers, &mut out);
    for regex in &tables.regexes.list {
        regex.source.encode(&mut out);
        regex.flags.encode(&mut out);
    }
    let meaning = |rule: &Rule| Rule { program: 0, ..*rule };
    write_all(&tables.rules.iter().map(meaning).collect::<Vec<_>>(), &mut out);
    write_all(&tables.correlations, &mut out);
    write_bytes(conditions, &mut out);
    if let Some(indicators) = &tables.indicators {
        indicators.encode(&mut out);
    }
    // What is written for a destination is what somebody will read.
    if !tables.normal.encoded().is_empty() {
        write_bytes(tables.normal.encoded(), &mut out);
    }
    out
}

/// Writes the file.
pub fn write(tables: &Tables, debug: &Debug, identity: [u8; 32], skipped_rules: u32) -> Vec<u8> {
    let present = SECTIONS.into_iter().filter(|(id, ..)| has(*id, tables));
    let count = present.clone().count();
    let mut out = vec![0; (HEADER + ENTRY * count).next_multiple_of(ALIGN)];
    for (index, (id, _, flags)) in present.enumerate() {
        let mut data = if id == section::DEBUG { debug::encode(debug) } else { encode(id, tables) };
        if flags & MASKED != 0 {
            mask(id, &mut data);
        }
        let offset = out.len() as u64;
        out.extend_from_slice(&data);
        out.resize(out.len().next_multiple_of(ALIGN), 0);
        let mut entry = Vec::with_capacity(ENTRY);
        id.encode(&mut entry);
        flags.encode(&mut entry);
        offset.encode(&mut entry);
        (data.len() as u64).encode(&mut entry);
        out[HEADER + index * ENTRY..][..ENTRY].copy_from_slice(&entry);
    }
    let mut header = MAGIC.to_vec();
    VERSION.encode(&mut header);
    VERSION.encode(&mut header);
    (count as u32).encode(&mut header);
    skipped_rules.encode(&mut header);
    (out.len() as u64).encode(&mut header);
    header.extend_from_slice(&identity);
    out[..header.len()].copy_from_slice(&header);
    let sum = checksum(&out).to_le_bytes();
    out[64..68].copy_from_slice(&sum);
    out
}

/// Repairs the checksum of bytes that a test changed on purpose.
pub fn reseal(bytes: &mut [u8]) {
    if bytes.len() >= HEADER {
        let sum = checksum(bytes).to_le_bytes();
        bytes[64..68].copy_from_slice(&sum);
    }
}
