//! The check that destinations pass before they are used.

use super::form::Form;
use super::tables::{Condition, Node, Normal};
use crate::limits::{DOCUMENT_DEPTH, DOCUMENT_MEMBERS, SOURCE_ELEMENTS};

const MEMBERS: &str = "destinations: an object has more or fewer members than it says";
const TOO_LARGE: &str = "destinations: the documents are too large together";

impl Normal {
    /// Checks every reference: hostile members can then neither panic nor name a field or log
    /// source that does not exist. The arguments are the counts of the rule set's tables.
    pub fn verify(
        &self,
        field_count: u32,
        container_count: u32,
        logsource_count: u32,
        source_count: usize,
    ) -> Result<(), &'static str> {
        self.keys.verify(field_count, container_count)?;
        self.sources.verify(field_count, container_count, logsource_count)?;
        if self.sources.sources.len() != source_count {
            return Err("destinations: their sources are not those of the rules");
        }
        let tables = &self.tables;
        let sizes = [
            tables.destinations.len(),
            tables.documents.len(),
            tables.nodes.len(),
            tables.choices.len(),
        ];
        if sizes.into_iter().any(|size| size > SOURCE_ELEMENTS) {
            return Err("destinations: a table is too large");
        }
        for destination in &tables.destinations {
            if !destination.name.fits(self.sources.text.len())
                || !destination.documents.fits(tables.documents.len())
            {
                return Err("destinations: a destination refers outside its tables");
            }
            if std::str::from_utf8(destination.name.of(&self.sources.text)).is_err() {
                return Err("destinations: a name is not UTF-8");
            }
        }
        // Documents that share members have them each.
        let mut members = 0usize;
        let mut keys = 0usize;
        for document in &tables.documents {
            self.verify_condition(&document.condition)?;
            if !document.nodes.fits(tables.nodes.len()) {
                return Err("destinations: a document refers outside its tables");
            }
            if document.nodes.count as usize > DOCUMENT_MEMBERS {
                return Err("destinations: a document has too many members");
            }
            let nodes = document.nodes.of(&tables.nodes);
            verify_nesting(nodes, document.members)?;
            members += nodes.len();
            keys = nodes.iter().fold(keys, |sum, node| sum.saturating_add(node.key.count as usize));
            if members > SOURCE_ELEMENTS || keys > SOURCE_ELEMENTS {
                return Err(TOO_LARGE);
            }
        }
        for node in &tables.nodes {
            if !node.key.fits(self.sources.text.len()) || !node.choices.fits(tables.choices.len()) {
                return Err("destinations: a member refers outside its tables");
            }
            if std::str::from_utf8(node.key.of(&self.sources.text)).is_err() {
                return Err("destinations: a key is not UTF-8");
            }
        }
        for choice in &tables.choices {
            self.verify_condition(&choice.condition)?;
            let Some(form) = Form::from_number(choice.form) else {
                return Err("destinations: an unknown form");
            };
            let is_list = form == Form::Distinct;
            if is_list && !Form::from_number(choice.each).is_some_and(Form::is_part) {
                return Err("destinations: a list of no known form");
            }
            if !choice.from.fits(self.sources.paths.len())
                || choice.from.of(&self.sources.paths).iter().any(|field| *field >= field_count)
            {
                return Err("destinations: a choice of an unknown field");
            }
            if !choice.values.fits(self.sources.values.len()) {
                return Err("destinations: a choice refers outside the values");
            }
        }
        Ok(())
    }

    fn verify_condition(&self, condition: &Condition) -> Result<(), &'static str> {
        if !condition.groups.fits(self.sources.groups.len())
            || !condition.logsources.fits(self.sources.paths.len())
        {
            return Err("destinations: a condition refers outside its tables");
        }
        Ok(())
    }
}

/// Objects end inside those around them, have as many members as they say, and are not nested too
/// deep.
fn verify_nesting(nodes: &[Node], members: u32) -> Result<(), &'static str> {
    let mut open = [(0, 0); DOCUMENT_DEPTH + 1];
    open[0] = (nodes.len(), members);
    let mut depth = 0;
    for at in 0..=nodes.len() {
        while depth > 0 && open[depth].0 <= at {
            if open[depth].1 != 0 {
                return Err(MEMBERS);
            }
            depth -= 1;
        }
        let Some(node) = nodes.get(at) else { break };
        let (end, left) = &mut open[depth];
        *left = left.checked_sub(1).ok_or(MEMBERS)?;
        if node.choices.count > 0 {
            continue;
        }
        let outer = *end;
        if node.end as usize <= at || node.end as usize > outer {
            return Err("destinations: an object ends outside the one around it");
        }
        depth += 1;
        *open.get_mut(depth).ok_or("destinations: objects are nested too deep")? =
            (node.end as usize, node.members);
    }
    if open[0].1 == 0 { Ok(()) } else { Err(MEMBERS) }
}

#[cfg(test)]
mod tests {
    use super::super::tables::{Choice, DestinationTables, Document};
    use super::*;
    use crate::event::keys::KeyTable;
    use crate::source::{Range, SourceTables};

    /// So many documents of the same members, whose keys have so many bytes.
    fn shared(documents: usize, members: u32, key: u32) -> Result<(), &'static str> {
        let range = |count| Range { first: 0, count };
        let node = Node { key: range(key), choices: range(1), ..Node::default() };
        let document = Document { nodes: range(members), members, ..Document::default() };
        let choice = Choice { form: Form::Text as u8, ..Choice::default() };
        let normal = Normal {
            keys: KeyTable::build(&[], &[]),
            sources: SourceTables { text: vec![b'k'; key as usize], ..SourceTables::default() },
            tables: DestinationTables {
                documents: vec![document; documents],
                nodes: vec![node; members as usize],
                choices: vec![choice],
                ..DestinationTables::default()
            },
        };
        normal.verify(0, 0, 0, 0)
    }

    #[test]
    fn what_documents_share_is_bounded() {
        // Each is made ready by itself, so a small file must not become a large list of steps.
        assert_eq!(shared(1000, 255, 4), Ok(()));
        for (documents, members, key) in [(4200, 255, 0), (1000, 255, 5), (1, 255, 1 << 20)] {
            assert_eq!(shared(documents, members, key), Err(TOO_LARGE));
        }
    }
}
