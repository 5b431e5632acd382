//! Bytes at a fixed distance from the beginning of a member, readable without further checks.

/// Bytes that a walker reads from at a time. A key of up to 31 bytes lies inside with what is
/// before and behind it, so that one check does for all of them.
pub(super) const WINDOW: usize = 48;

/// The last bytes of a record, which are no whole window, with zeros behind them. A reader must not
/// take these zeros for bytes of the record.
///
/// PERF: made once, and not for each member, because bytes that were just copied in pieces cannot
/// be read as a whole before all of them have arrived.
pub(super) struct Tail {
    start: usize,
    /// As many as are left, at most a window, and zeros behind them.
    pub bytes: [u8; 2 * WINDOW],
}

impl Tail {
    /// The tail of `data` from `start` on.
    #[inline(never)]
    pub fn new(data: &[u8], start: usize) -> Tail {
        let mut bytes = [0; 2 * WINDOW];
        let rest = data.get(start..).unwrap_or_default();
        let len = rest.len().min(WINDOW);
        bytes[..len].copy_from_slice(&rest[..len]);
        Tail { start, bytes }
    }

    /// The window at `at`.
    #[inline(never)]
    fn at(&self, at: usize) -> &[u8; WINDOW] {
        const NOTHING: &[u8; WINDOW] = &[0; WINDOW];
        let window = at.checked_sub(self.start).and_then(|at| self.bytes.get(at..));
        window.and_then(|window| window.first_chunk()).unwrap_or(NOTHING)
    }
}

/// The window at `at`. `tail` must be empty at first and always belong to the same `data`, which is
/// read forwards.
#[inline(always)]
pub(super) fn window<'a>(
    data: &'a [u8],
    at: usize,
    tail: &'a mut Option<Tail>,
) -> &'a [u8; WINDOW] {
    match data.get(at..).and_then(|rest| rest.first_chunk()) {
        Some(window) => window,
        None => tail.get_or_insert_with(|| Tail::new(data, at)).at(at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_the_bytes_of_the_data_and_zeros() {
        let data: Vec<u8> = (1..=120).collect();
        for len in 0..=data.len() {
            for step in 1..20 {
                let mut tail = None;
                for at in (0..=len).step_by(step) {
                    let mut expected = data[at..len].to_vec();
                    expected.resize(WINDOW.max(len - at), 0);
                    let found = window(&data[..len], at, &mut tail);
                    assert_eq!(found[..], expected[..WINDOW], "{at} of {len}");
                }
            }
        }
        assert_eq!(window(&[1], 5, &mut None), &[0; WINDOW]);
    }
}
