//! Sources ready to look at single records with every field they name, for people who want to see
//! what becomes of a log.

use std::cell::RefCell;

use super::{Descriptor, Ids, compile_sources};
use crate::event::Malformed;
use crate::event::keys::KeyTable;
use crate::rule::ast::LogSource;
use crate::source::{
    Broken, Buffers, Encoding, Listing, Outcome, SourceTables, for_each_event, list,
};

/// Compiled sources, and memory to run them.
pub struct Probe {
    pub(super) names: Vec<String>,
    pub(super) logsources: Vec<LogSource>,
    pub(super) tables: SourceTables,
    pub(super) keys: KeyTable,
    buffers: Buffers,
}

/// What one event of a record is.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Its number in the record, from 0.
    pub index: u32,
    /// The source that recognised it.
    pub source: Option<String>,
    /// `product/category/service` of each of its logsources.
    pub logsources: Vec<String>,
    /// Whether it is inside the record, as text or in an array; else it is the record.
    pub is_inside: bool,
    /// Its fields.
    pub listing: Listing,
}

impl Probe {
    /// Compiles sources. `referenced`: the fields to show.
    ///
    /// # Panics
    /// If the compiler of descriptors is wrong.
    pub fn new(descriptors: &[Descriptor], referenced: &[String]) -> Probe {
        let names = RefCell::new(Vec::<String>::new());
        let containers = RefCell::new(Vec::<String>::new());
        let logsources = RefCell::new(Vec::<LogSource>::new());
        for name in referenced {
            id(&names, name.clone());
        }
        let tables = compile_sources(
            descriptors,
            &mut Ids {
                field: &mut |name| id(&names, name.to_owned()),
                container: &mut |path| id(&containers, path.to_owned()),
                logsource: &mut |logsource| id(&logsources, logsource.clone()),
                referenced,
            },
        );
        let (names, containers) = (names.into_inner(), containers.into_inner());
        let bytes = |texts: &[String]| -> Vec<Vec<u8>> {
            texts.iter().map(|text| text.clone().into_bytes()).collect()
        };
        let (field_bytes, container_bytes) = (bytes(&names), bytes(&containers));
        let keys = KeyTable::build(
            &field_bytes.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            &container_bytes.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        );
        let logsources = logsources.into_inner();
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let (fields, places) = (count(names.len()), count(containers.len()));
        let verdict = tables.verify(fields, places, count(logsources.len()));
        assert!(verdict.is_ok(), "a legal descriptor compiles to legal tables: {verdict:?}");
        assert!(keys.verify(fields, places).is_ok(), "a key table is made for its names");
        let buffers = Buffers::new(&tables, names.len(), true);
        Probe { names, logsources, tables, keys, buffers }
    }

    /// Looks at a record.
    ///
    /// # Errors
    /// If it is not what its encoding says, or nested too deep.
    pub fn run(
        &mut self,
        record: &[u8],
        encoding: Encoding,
    ) -> Result<(Vec<Seen>, Outcome), Malformed> {
        let Probe { names, logsources, tables, keys, buffers } = self;
        let mut seen = Vec::new();
        let outcome = for_each_event(record, encoding, tables, keys, buffers, |event| {
            let logsource = |id: &u32| text(&logsources[*id as usize]);
            seen.push(Seen {
                index: event.index,
                source: event.source.map(|source| tables.name(source).to_owned()),
                logsources: event.logsources.iter().map(logsource).collect(),
                is_inside: event.place.is_some(),
                listing: list(&event.view, names),
            });
        })?;
        Ok((seen, outcome))
    }

    /// What was broken in the record looked at last: the source's name, where it is known, and how.
    pub fn broken(&self) -> impl Iterator<Item = (Option<&str>, &'static str)> {
        self.buffers.broken().iter().map(|Broken { source, breakage }| {
            (source.map(|source| self.tables.name(source)), breakage.name())
        })
    }
}

fn text(logsource: &LogSource) -> String {
    let LogSource { product, category, service } = logsource;
    [product, category, service].map(|part| part.as_deref().unwrap_or("")).join("/")
}

fn id<T: PartialEq>(known: &RefCell<Vec<T>>, item: T) -> u32 {
    let mut known = known.borrow_mut();
    let at = known.iter().position(|other| *other == item).unwrap_or_else(|| {
        known.push(item);
        known.len() - 1
    });
    // A table of sources has a cap far below this.
    u32::try_from(at).unwrap_or(u32::MAX)
}
