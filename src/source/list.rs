//! Lists of fixed size, for what is remembered.

/// Up to `N` items; what is beyond is forgotten, and the list says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct List<T, const N: usize> {
    items: [T; N],
    /// How many were added, those included that had no place.
    count: usize,
}

impl<T: Copy, const N: usize> List<T, N> {
    /// No items. `item` fills the places that are free.
    pub fn new(item: T) -> List<T, N> {
        List { items: [item; N], count: 0 }
    }

    pub fn clear(&mut self) {
        self.count = 0;
    }

    #[inline]
    pub fn push(&mut self, item: T) {
        if let Some(place) = self.items.get_mut(self.count) {
            *place = item;
        }
        self.count += 1;
    }

    /// Whether every item has a place.
    pub fn is_whole(&self) -> bool {
        self.count <= N
    }

    #[inline]
    pub fn items(&self) -> &[T] {
        self.items.get(..self.count).unwrap_or(&self.items)
    }
}

impl<T: Copy + Default, const N: usize> Default for List<T, N> {
    fn default() -> List<T, N> {
        List::new(T::default())
    }
}

#[cfg(test)]
mod tests {
    use super::List;

    #[test]
    fn what_has_no_place_is_missed() {
        let mut list = List::<u8, 2>::default();
        assert_eq!((list.items(), list.is_whole()), (&[][..], true));
        list.push(1);
        list.push(2);
        assert_eq!((list.items(), list.is_whole()), (&[1, 2][..], true));
        list.push(3);
        assert_eq!((list.items(), list.is_whole()), (&[1, 2][..], false));
        list.clear();
        assert_eq!((list.items(), list.is_whole()), (&[][..], true));
    }
}
