//! The modifiers of Sigma 2.1: their names and which of them may stand together, in which order.
//!
//! Names only. What a modifier does to a value is the business of the compiler and, independently,
//! of the reference evaluator.

/// Modifiers of one family exclude each other, except regular expression flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// `contains`, `startswith`, `endswith`
    Position,
    /// `all`
    All,
    /// `neq`
    Neq,
    /// `cased`
    Cased,
    /// `re`
    Regex,
    /// `i`, `m`, `s`
    RegexFlag,
    /// `exists`
    Exists,
    /// `cidr`
    Cidr,
    /// `wide`, `utf16le`, `utf16be`, `utf16`
    Utf16,
    /// `base64`, `base64offset`
    Base64,
    /// `windash`
    Windash,
    /// `gt`, `gte`, `lt`, `lte`
    Comparison,
    /// `fieldref`
    FieldReference,
    /// `minute`, `hour`, `day`, `week`, `month`, `year`
    TimePart,
    /// `expand`
    Expand,
}

/// A name that may follow `|` in a field key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modifier {
    /// As written.
    pub name: &'static str,
    /// The name that this one is a synonym of, or itself (`ignorecase` -> `i`,
    /// `utf16le` -> `wide`).
    pub canonical: &'static str,
    /// What it excludes and goes with.
    pub family: Family,
}

const fn modifier(name: &'static str, canonical: &'static str, family: Family) -> Modifier {
    Modifier { name, canonical, family }
}

/// Every known modifier, sorted by name.
pub const MODIFIERS: &[Modifier] = &[
    modifier("all", "all", Family::All),
    modifier("base64", "base64", Family::Base64),
    modifier("base64offset", "base64offset", Family::Base64),
    modifier("cased", "cased", Family::Cased),
    modifier("cidr", "cidr", Family::Cidr),
    modifier("contains", "contains", Family::Position),
    modifier("day", "day", Family::TimePart),
    modifier("dotall", "s", Family::RegexFlag),
    modifier("endswith", "endswith", Family::Position),
    modifier("exists", "exists", Family::Exists),
    modifier("expand", "expand", Family::Expand),
    modifier("fieldref", "fieldref", Family::FieldReference),
    modifier("gt", "gt", Family::Comparison),
    modifier("gte", "gte", Family::Comparison),
    modifier("hour", "hour", Family::TimePart),
    modifier("i", "i", Family::RegexFlag),
    modifier("ignorecase", "i", Family::RegexFlag),
    modifier("lt", "lt", Family::Comparison),
    modifier("lte", "lte", Family::Comparison),
    modifier("m", "m", Family::RegexFlag),
    modifier("minute", "minute", Family::TimePart),
    modifier("month", "month", Family::TimePart),
    modifier("multiline", "m", Family::RegexFlag),
    modifier("neq", "neq", Family::Neq),
    modifier("re", "re", Family::Regex),
    modifier("s", "s", Family::RegexFlag),
    modifier("startswith", "startswith", Family::Position),
    modifier("utf16", "utf16", Family::Utf16),
    modifier("utf16be", "utf16be", Family::Utf16),
    modifier("utf16le", "wide", Family::Utf16),
    modifier("week", "week", Family::TimePart),
    modifier("wide", "wide", Family::Utf16),
    modifier("windash", "windash", Family::Windash),
    modifier("year", "year", Family::TimePart),
];

/// The modifier of that exact name.
pub fn find(name: &str) -> Option<&'static Modifier> {
    MODIFIERS.binary_search_by(|known| known.name.cmp(name)).ok().map(|at| &MODIFIERS[at])
}

/// The canonical name behind a synonym; any other name is returned as it is.
pub fn canonical(name: &str) -> &str {
    find(name).map_or(name, |known| known.canonical)
}

impl Family {
    /// Families that may stand beside this one. `all` and `neq` concern the whole item and go
    /// with everything, except that `exists` has one value and nothing to join.
    fn companions(self) -> &'static [Family] {
        use Family::{
            Base64, Cased, Comparison, Expand, FieldReference, Position, Regex, RegexFlag,
            TimePart, Utf16, Windash,
        };
        match self {
            Position => &[Cased, Regex, RegexFlag, Utf16, Base64, Windash, FieldReference, Expand],
            Cased => &[Position, Utf16, Base64, Windash, FieldReference, Expand],
            Regex => &[RegexFlag, Position, Expand],
            RegexFlag => &[Regex, Position, Expand],
            Utf16 => &[Base64, Position, Cased],
            Base64 => &[Utf16, Position, Cased],
            Windash => &[Position, Cased, Expand],
            Comparison => &[TimePart],
            FieldReference => &[Position, Cased],
            TimePart => &[Comparison],
            Expand => &[Position, Cased, Regex, RegexFlag, Windash],
            Family::All | Family::Neq | Family::Exists | Family::Cidr => &[],
        }
    }

    /// Whether the two may stand in one key, in some order.
    pub fn goes_with(self, other: Family) -> bool {
        match (self, other) {
            (Family::All, Family::Exists) | (Family::Exists, Family::All) => false,
            (Family::RegexFlag, Family::RegexFlag) => true,
            (a, b) if a == b => false,
            (Family::All | Family::Neq, _) | (_, Family::All | Family::Neq) => true,
            (a, b) => a.companions().contains(&b),
        }
    }

    /// Whether this one has to stand before the other.
    pub fn precedes(self, other: Family) -> bool {
        match (self, other) {
            (_, Family::All | Family::Neq) => false,
            (Family::Regex, _) => true,
            (Family::Utf16, Family::Base64 | Family::Position) => true,
            (Family::Base64 | Family::FieldReference, Family::Position) => true,
            (Family::TimePart, Family::Comparison) => true,
            _ => false,
        }
    }

    /// Whether keywords cannot have it: it means one named field.
    pub fn needs_field(self) -> bool {
        matches!(
            self,
            Family::Exists
                | Family::FieldReference
                | Family::Comparison
                | Family::TimePart
                | Family::Cidr
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_sorted_and_canonical_names_are_in_it() {
        assert!(MODIFIERS.windows(2).all(|pair| pair[0].name < pair[1].name));
        for known in MODIFIERS {
            let canonical = find(known.canonical).expect("canonical name is known");
            assert_eq!(canonical.canonical, known.canonical);
            assert_eq!(canonical.family, known.family);
        }
    }

    #[test]
    fn synonyms() {
        assert_eq!(canonical("ignorecase"), "i");
        assert_eq!(canonical("multiline"), "m");
        assert_eq!(canonical("dotall"), "s");
        assert_eq!(canonical("utf16le"), "wide");
        assert_eq!(canonical("nothing"), "nothing");
        assert!(find("Contains").is_none() && find("").is_none());
    }

    #[test]
    fn going_together_is_symmetric() {
        for a in MODIFIERS {
            for b in MODIFIERS {
                assert_eq!(
                    a.family.goes_with(b.family),
                    b.family.goes_with(a.family),
                    "{} and {}",
                    a.name,
                    b.name
                );
                assert!(
                    !(a.family.precedes(b.family) && b.family.precedes(a.family))
                        || a.family == b.family,
                    "{} and {} each before the other",
                    a.name,
                    b.name
                );
            }
        }
    }
}
