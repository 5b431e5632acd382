//! The sections of the document, in its order.

mod calls;
mod cold;
mod criterion;
mod documents;
mod fluent_bit;
mod hostile;
mod latency;
mod load;
pub mod profile;
mod rivals;
mod rules;
mod size;
mod throughput;

use crate::context::Context;
use crate::page::Page;

/// A part of the document that can be measured alone.
pub struct Section {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Measures and writes it.
    ///
    /// # Errors
    /// If something that should work does not. What cannot be had here is skipped on the page.
    pub run: fn(&Context, &mut Page) -> Result<(), String>,
}

/// All of them.
pub static ALL: [Section; 13] = [
    Section { name: "latency", title: "Time of a record", run: latency::run },
    Section { name: "documents", title: "Indicators and documents", run: documents::run },
    Section { name: "throughput", title: "Throughput", run: throughput::run },
    Section { name: "load", title: "Loading, compiling, memory", run: load::run },
    Section { name: "rules", title: "More rules", run: rules::run },
    Section { name: "size", title: "Longer fields", run: size::run },
    Section { name: "cold", title: "Cold caches", run: cold::run },
    Section { name: "calls", title: "Calls from C", run: calls::run },
    Section { name: "hostile", title: "Hostile events", run: hostile::run },
    Section { name: "fluent-bit", title: "Inside Fluent Bit", run: fluent_bit::run },
    Section { name: "rivals", title: "Other engines", run: rivals::run },
    Section { name: "criterion", title: "Criterion", run: criterion::run },
    Section { name: "profile", title: "Where instructions go", run: profile::run },
];
