//! The order in which fields are applied.
//!
//! A canonical field replaces a raw key of its name. A field that reads that raw key therefore
//! comes before; a derived field that reads another derived field comes after it.

/// Sorts so that every item comes after those that `after(item)` names, and otherwise keeps the
/// order given. Of items that wait for each other, the first one's index is the error.
pub(super) fn sort<T>(
    items: Vec<T>,
    must_precede: impl Fn(&T, &T) -> bool,
) -> Result<Vec<T>, usize> {
    let mut waiting: Vec<(usize, T)> = items.into_iter().enumerate().collect();
    let mut sorted = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let free = (0..waiting.len()).find(|&candidate| {
            waiting.iter().enumerate().all(|(other, item)| {
                other == candidate || !must_precede(&item.1, &waiting[candidate].1)
            })
        });
        match free {
            Some(free) => sorted.push(waiting.remove(free).1),
            None => return Err(waiting[0].0),
        }
    }
    Ok(sorted)
}

#[cfg(test)]
mod tests {
    use super::sort;

    #[test]
    fn keeps_the_order_where_it_may() {
        // Pairs (name, what it waits for).
        let items = vec![("d", "c"), ("a", ""), ("c", "b"), ("b", "")];
        let sorted = sort(items, |first, second| first.0 == second.1).unwrap();
        let names: Vec<&str> = sorted.iter().map(|item| item.0).collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
    }

    #[test]
    fn names_an_item_of_the_cycle() {
        let items = vec![("a", ""), ("b", "c"), ("c", "b")];
        assert_eq!(sort(items, |first, second| first.0 == second.1), Err(1));
    }
}
