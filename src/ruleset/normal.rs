//! What writing documents for destinations needs: most of it is what reading events needs once more,
//! with fields that no rule names. Few hosts ask for it, so it stays encoded until one does. Damage
//! is found then.

use super::codec::Reader;
use super::foreign;
use super::tables::Tables;
use crate::destination::{Normal, Prepared};
use std::sync::OnceLock;

/// The section as it is in the file, and what it says once somebody asked.
#[derive(Debug, Clone, Default)]
pub struct NormalSection {
    encoded: Vec<u8>,
    decoded: OnceLock<Result<Box<Prepared>, String>>,
}

impl PartialEq for NormalSection {
    fn eq(&self, other: &NormalSection) -> bool {
        self.encoded == other.encoded
    }
}

impl NormalSection {
    /// A section's bytes.
    pub fn new(encoded: Vec<u8>) -> NormalSection {
        NormalSection { encoded, decoded: OnceLock::new() }
    }

    /// The section of the file.
    pub fn of(normal: &Normal) -> NormalSection {
        let mut encoded = Vec::new();
        foreign::write_normal(normal, &mut encoded);
        NormalSection::new(encoded)
    }

    /// Its bytes; none if the rule set has no destinations.
    pub fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// What it says beside these tables; decoded and verified at the first call.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn get(&self, tables: &Tables) -> Result<&Prepared, &str> {
        let decoded = self.decoded.get_or_init(|| {
            if self.encoded.is_empty() {
                return Ok(Box::new(Prepared::new(Normal::default())));
            }
            let mut reader = Reader::new(&self.encoded);
            let read = foreign::read_normal(&mut reader)
                .and_then(|normal| reader.finish().map(|()| normal));
            let normal = read.map_err(|e| {
                format!("byte {} of section `destinations`: expected {}", e.offset, e.message)
            })?;
            normal.verify(
                tables.fields.len() as u32,
                tables.containers,
                tables.logsources.len() as u32,
                tables.sources.sources.len(),
            )?;
            Ok(Box::new(Prepared::new(normal)))
        });
        decoded.as_deref().map_err(String::as_str)
    }
}
