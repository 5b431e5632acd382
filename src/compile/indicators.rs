//! Indicators in a rule set: the fields they are looked for in, their tables, and the rules as which
//! they are reported.

use super::Options;
use super::emit::Emit;
use super::ir::Fields;
use crate::ioc::emit::{emit, watched};
use crate::rule::ast::LogSource;
use crate::ruleset::debug::Debug;
use crate::ruleset::tables::{Rule, Text, op};

/// Gives the fields ids in which indicators are looked for, before the sources say how to get them.
pub fn intern(options: &Options, fields: &mut Fields) {
    let watched = options.indicators.iter().flat_map(|set| watched(set));
    watched.for_each(|watched| {
        fields.intern(watched.name);
    });
}

impl Emit {
    /// Adds the tables, and behind all other rules one for each feed and type. Their programs never
    /// match: what reports them are the tables.
    pub(super) fn indicators(&mut self, options: &Options, fields: &mut Fields, debug: &mut Debug) {
        let Some(set) = options.indicators.as_ref().filter(|set| !set.is_empty()) else { return };
        let emitted = emit(set, &mut |name| fields.intern(name));
        let mut indicators = emitted.indicators;
        indicators.first_rule = self.tables.rules.len() as u32;
        // Whatever an event is, an indicator in it counts.
        let logsource = self.logsource(&LogSource::default());
        for rule in &emitted.rules {
            let none = Text { start: 0, len: 0 };
            let (id, title) = (rule.id.as_bytes(), rule.title.as_bytes());
            let (id, title) = (self.texts.add(id), self.texts.add(title));
            self.tables.rules.push(Rule {
                program: op::REJECT,
                logsource,
                level: set.level(),
                id,
                title,
                author: none,
                license: none,
                tags: none,
            });
            if !options.strip_debug {
                debug.conditions.push(none);
                debug.places.push(none);
            }
        }
        indicators.derive(self.tables.fields.len());
        self.tables.indicators = Some(Box::new(indicators));
    }
}
