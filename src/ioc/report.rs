//! What became of the lines or objects of a feed that are not among its indicators.

/// Most problems of a feed that are named one by one.
const NAMED: usize = 20;

/// What can become of an indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Count {
    /// It cannot be read: a damaged line, a value that is none.
    Bad,
    /// It says something that is not looked for: another kind of observation, another language.
    Unsupported,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// Its author took it back, or wrote a newer version.
    Revoked,
    /// Its author says that it is not meant for detection (`to_ids`).
    NotForDetection,
    /// It was written so that nobody opens it by mistake, and is repaired. It is among the
    /// indicators.
    Repaired,
    /// It asks for more than its value, which is not looked at. It is among the indicators.
    Widened,
}

/// All of them, with what is said about them.
const COUNTS: [(Count, &str); 8] = [
    (Count::Bad, "bad"),
    (Count::Unsupported, "unsupported"),
    (Count::Expired, "expired"),
    (Count::NotYetValid, "not yet valid"),
    (Count::Revoked, "revoked or replaced"),
    (Count::NotForDetection, "not for detection"),
    (Count::Repaired, "repaired"),
    (Count::Widened, "matched by their value alone"),
];

/// Something about one line or object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What became of it.
    pub count: Count,
    /// The line, or 0 where an id says which it is.
    pub line: u64,
    /// The id of the object, may be empty.
    pub id: String,
    /// What is wrong, and the repair.
    pub message: String,
}

/// What became of the lines or objects of a feed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    counts: [u64; COUNTS.len()],
    problems: Vec<Problem>,
}

impl Report {
    /// Counts something that needs no explanation.
    pub fn count(&mut self, count: Count) {
        self.counts[count as usize] += 1;
    }

    /// Counts something and names it, if not too many were named.
    pub fn add(&mut self, count: Count, line: u64, id: &str, message: impl Into<String>) {
        self.count(count);
        let of_kind = self.problems.iter().filter(|problem| problem.count == count).count();
        if of_kind < NAMED {
            let id = super::value::short(id);
            self.problems.push(Problem { count, line, id, message: message.into() });
        }
    }

    /// How many of one kind there are.
    pub fn number(&self, count: Count) -> u64 {
        self.counts[count as usize]
    }

    /// What there is, with its description.
    pub fn numbers(&self) -> impl Iterator<Item = (Count, &'static str, u64)> + '_ {
        let all = COUNTS.iter().map(|(count, name)| (*count, *name, self.number(*count)));
        all.filter(|(.., number)| *number > 0)
    }

    /// What is named, in reading order.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// How many of a kind are counted and not named.
    pub fn unnamed(&self, count: Count) -> u64 {
        let named = self.problems.iter().filter(|problem| problem.count == count).count() as u64;
        if named == 0 { 0 } else { self.number(count) - named }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_stand_in_the_order_of_their_numbers() {
        for (index, (count, _)) in COUNTS.iter().enumerate() {
            assert_eq!(*count as usize, index);
        }
    }

    #[test]
    fn what_is_named_is_bounded_by_kind() {
        let mut report = Report::default();
        for line in 1..=50 {
            report.add(Count::Bad, line, "", "wrong");
        }
        report.add(Count::Unsupported, 51, "x\n", "other");
        report.count(Count::Expired);
        assert_eq!((report.number(Count::Bad), report.unnamed(Count::Bad)), (50, 30));
        assert_eq!((report.problems().len(), report.problems()[20].id.as_str()), (21, "x\\n"));
        assert_eq!((report.number(Count::Expired), report.unnamed(Count::Expired)), (1, 0));
        let numbers: Vec<_> = report.numbers().map(|(_, name, number)| (name, number)).collect();
        assert_eq!(numbers, [("bad", 50), ("unsupported", 1), ("expired", 1)]);
    }
}
