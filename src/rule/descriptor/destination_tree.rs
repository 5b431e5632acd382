//! Destinations to the tables of [`crate::destination`]: dotted names become a tree.

use std::collections::BTreeSet;

use super::compile::{Compiler, append};
use super::destination::{Choice, Condition, Destination, Document, Member};
use super::{Descriptor, Ids};
use crate::destination::{self as tables, DestinationTables, Form};
use crate::rule::ast::LogSource;
use crate::source::{Range, SourceTables};

/// A member, or an object of some.
enum Tree<'a> {
    Leaf(&'a str, &'a [Choice]),
    Object(&'a str, Vec<Tree<'a>>),
}

impl Tree<'_> {
    fn count(&self) -> usize {
        match self {
            Tree::Leaf(..) => 1,
            Tree::Object(_, inside) => 1 + inside.iter().map(Tree::count).sum::<usize>(),
        }
    }
}

/// The tree of dotted names. Members of an object stand together, where its first one stood.
fn tree<'a>(members: &[(&'a str, &'a [Choice])]) -> Vec<Tree<'a>> {
    let mut all = Vec::new();
    let mut done = BTreeSet::new();
    for (name, choices) in members {
        let Some((first, _)) = name.split_once('.') else {
            all.push(Tree::Leaf(name, choices));
            continue;
        };
        if !done.insert(first) {
            continue;
        }
        let inside: Vec<(&str, &[Choice])> = members
            .iter()
            .filter_map(|(name, choices)| {
                let rest = name.strip_prefix(first)?.strip_prefix('.')?;
                Some((rest, *choices))
            })
            .collect();
        all.push(Tree::Object(first, tree(&inside)));
    }
    all
}

fn tree_of(members: &[Member]) -> Vec<Tree<'_>> {
    let pairs: Vec<(&str, &[Choice])> =
        members.iter().map(|member| (member.name.as_str(), &member.choices[..])).collect();
    tree(&pairs)
}

/// The number of members, objects included.
pub(super) fn count_nodes(members: &[Member]) -> usize {
    tree_of(members).iter().map(Tree::count).sum()
}

/// Compiles sources with all fields that destinations need, and the destinations. `ids` are those that
/// the sources were compiled with before, so that all numbers but those of fields that only
/// destinations need are the same.
pub fn compile_normal(
    descriptors: &[Descriptor],
    destinations: &[Destination],
    ids: &mut Ids<'_>,
) -> (SourceTables, DestinationTables) {
    let mut maker =
        Maker { compiler: Compiler::new(descriptors, ids), tables: DestinationTables::default() };
    for destination in destinations {
        maker.destination(destination);
    }
    (maker.compiler.tables, maker.tables)
}

struct Maker<'a, 'b> {
    compiler: Compiler<'a, 'b>,
    tables: DestinationTables,
}

impl Maker<'_, '_> {
    fn destination(&mut self, destination: &Destination) {
        let name = self.compiler.text(&destination.name);
        let documents: Vec<tables::Document> =
            destination.documents.iter().map(|document| self.document(document)).collect();
        let documents = append(&mut self.tables.documents, documents);
        let lists = u8::from(destination.lists);
        self.tables.destinations.push(tables::Destination { name, documents, lists });
    }

    fn document(&mut self, document: &Document) -> tables::Document {
        let trees = tree_of(&document.members);
        let mut nodes = Vec::new();
        trees.iter().for_each(|tree| self.node(tree, &mut nodes));
        tables::Document {
            condition: self.condition(&document.condition),
            nodes: append(&mut self.tables.nodes, nodes),
            members: trees.len() as u32,
        }
    }

    /// Recursion ends: names have a bounded number of parts.
    fn node(&mut self, tree: &Tree<'_>, nodes: &mut Vec<tables::Node>) {
        match tree {
            Tree::Leaf(name, choices) => {
                let key = self.compiler.text(name);
                let choices: Vec<tables::Choice> =
                    choices.iter().map(|choice| self.choice(choice)).collect();
                let choices = append(&mut self.tables.choices, choices);
                nodes.push(tables::Node { key, choices, end: 0, members: 0 });
            }
            Tree::Object(name, inside) => {
                let key = self.compiler.text(name);
                let at = nodes.len();
                let members = inside.len() as u32;
                nodes.push(tables::Node { key, choices: Range::default(), end: 0, members });
                inside.iter().for_each(|tree| self.node(tree, nodes));
                nodes[at].end = nodes.len() as u32;
            }
        }
    }

    fn condition(&mut self, condition: &Condition) -> tables::Condition {
        let wanted = &condition.logsources;
        let fits = |own: &LogSource| wanted.iter().any(|wanted| wanted.is_part_of(own));
        let known = self.compiler.logsources.iter().filter(|(own, _)| fits(own));
        let ids: BTreeSet<u32> = known.map(|(_, id)| *id).collect();
        tables::Condition {
            groups: match &condition.when[..] {
                [] => Range::default(),
                groups => self.compiler.groups(groups),
            },
            is_routed: u8::from(!wanted.is_empty()),
            logsources: append(&mut self.compiler.tables.paths, ids),
        }
    }

    fn choice(&mut self, choice: &Choice) -> tables::Choice {
        let rows = choice.table.iter().flat_map(|(key, result)| [key, result]);
        let texts: Vec<&String> = match choice.form {
            Form::Lookup => rows.chain(&choice.default).collect(),
            _ => choice.values.iter().collect(),
        };
        let values: Vec<Range> = texts.into_iter().map(|text| self.compiler.text(text)).collect();
        tables::Choice {
            condition: self.condition(&choice.condition),
            form: choice.form as u8,
            each: choice.each as u8,
            from: self.compiler.paths(&choice.from),
            values: append(&mut self.compiler.tables.values, values),
            number: choice.number,
        }
    }
}
