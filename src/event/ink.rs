//! Writing to the end of a buffer in blocks.
//!
//! Most of what is written is short: keys, names, brackets. So there is always room for a block behind
//! what was written; a short text is copied as a whole block, whatever follows it, and the next one
//! is written over what was too much.

/// Bytes of a text that are looked at and copied together.
pub const BLOCK: usize = 16;
const WORD: usize = BLOCK / 2;
/// Bytes of a key that are copied together.
const LONG_BLOCK: usize = 32;
/// Room behind what was written: a block of any kind, with quotes, a comma and a colon around it or an
/// escape at its end.
const ROOM: usize = LONG_BLOCK + 8;
/// Bytes that room grows by. Room is filled with zeros, mostly for nothing: so how much it is must not
/// depend on what the buffer had before, which of a chunk may be megabytes.
const STEP: usize = 1024;

/// Appends to a buffer. The buffer has its length again when this is dropped.
pub struct Ink<'a> {
    /// What was written, and room behind it.
    room: &'a mut Vec<u8>,
    at: usize,
}

impl<'a> Ink<'a> {
    /// Writes behind what is in the buffer, about so many bytes.
    #[inline]
    pub fn behind(out: &'a mut Vec<u8>, expected: usize) -> Ink<'a> {
        let at = out.len();
        out.resize(at.saturating_add(expected).saturating_add(ROOM), 0);
        Ink { room: out, at }
    }

    /// Appends a byte.
    #[inline(always)]
    pub fn byte(&mut self, byte: u8) {
        place(self.room, self.at)[0] = byte;
        self.at += 1;
    }

    /// Appends a text as it is.
    #[inline]
    pub fn text(&mut self, text: &[u8]) {
        if let Some(place) =
            self.room.get_mut(self.at..).and_then(|room| room.get_mut(..text.len()))
        {
            copy(text, place);
            self.at += text.len();
        } else {
            self.with(|out| out.extend_from_slice(text));
        }
    }

    /// Appends the `len` bytes at `start` of `data` as they are.
    #[inline(always)]
    pub fn part(&mut self, data: &[u8], start: usize, len: usize) {
        if let Some(block) = data.get(start..).and_then(<[u8]>::first_chunk::<LONG_BLOCK>)
            && len <= LONG_BLOCK
        {
            place(self.room, self.at)[..LONG_BLOCK].copy_from_slice(block);
            self.at += len;
            return;
        }
        self.text(data.get(start..start.saturating_add(len)).unwrap_or_default());
    }

    /// Appends the text of `len` bytes at `start` of `data` as a msgpack string.
    #[inline(always)]
    pub fn msgpack_part(&mut self, data: &[u8], start: usize, len: usize) {
        if let Some(block) = data.get(start..).and_then(<[u8]>::first_chunk::<LONG_BLOCK>)
            && len < LONG_BLOCK
        {
            let place = place(self.room, self.at);
            place[0] = 0xa0 | len as u8;
            place[1..=LONG_BLOCK].copy_from_slice(block);
            self.at += len + 1;
            return;
        }
        self.msgpack_string(data.get(start..start.saturating_add(len)).unwrap_or_default());
    }

    /// Appends a text as a msgpack string of the shortest form; beyond 4 GiB, which no record comes near,
    /// only as much as its header can say.
    #[inline(never)]
    pub fn msgpack_string(&mut self, text: &[u8]) {
        let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let place = place(self.room, self.at);
        match len {
            0..=31 => {
                place[0] = 0xa0 | len as u8;
                self.at += 1;
            }
            32..=0xff => {
                [place[0], place[1]] = [0xd9, len as u8];
                self.at += 2;
            }
            _ => {
                let [a, b, c, d] = len.to_be_bytes();
                match u16::try_from(len) {
                    Ok(_) => [place[0], place[1], place[2]] = [0xda, c, d],
                    Err(_) => {
                        [place[0], place[1], place[2], place[3], place[4]] = [0xdb, a, b, c, d];
                    }
                }
                self.at += if len <= 0xffff { 3 } else { 5 };
            }
        }
        self.text(text.get(..len as usize).unwrap_or(text));
    }

    /// Where the next byte is written.
    #[inline]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Takes back what was written from there on.
    #[inline]
    pub fn truncate(&mut self, at: usize) {
        self.at = self.at.min(at);
    }

    /// What was written from there on.
    #[inline]
    pub fn written(&mut self, from: usize) -> &mut [u8] {
        self.room.get_mut(from..self.at).unwrap_or_default()
    }

    /// Has others write to the buffer, which may be anything that they append.
    #[cold]
    pub fn with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.room.truncate(self.at);
        write(self.room);
        self.at = self.room.len();
        grow(self.room, self.at);
    }

    /// Appends a comma, or nothing.
    #[inline(always)]
    pub fn comma(&mut self, is_written: bool) {
        place(self.room, self.at)[0] = b',';
        self.at += usize::from(is_written);
    }

    /// Appends the text of `len` bytes at `start` of `data` as a JSON string, quotes included; bytes
    /// that are not UTF-8 stay as they are. The text is in `data`.
    #[inline(always)]
    pub fn json_string(&mut self, data: &[u8], start: usize, len: usize) {
        self.framed::<false>(false, data, start, len);
    }

    /// The same as the key of a member: a comma before it, if wanted, and a colon behind it.
    #[inline(always)]
    pub fn json_key(&mut self, comma: bool, data: &[u8], start: usize, len: usize) {
        self.framed::<true>(comma, data, start, len);
    }

    /// A string, and what stands around it as a key.
    #[inline(always)]
    fn framed<const IS_KEY: bool>(&mut self, comma: bool, data: &[u8], start: usize, len: usize) {
        let quote = if IS_KEY { usize::from(comma) } else { 0 };
        if let Some(block) = data.get(start..).and_then(<[u8]>::first_chunk)
            && len <= BLOCK
            && is_plain(block, len)
        {
            let place = place(self.room, self.at);
            if IS_KEY {
                place[0] = b',';
            }
            place[quote] = b'"';
            place[quote + 1..][..BLOCK].copy_from_slice(block);
            place[quote + len + 1] = b'"';
            if IS_KEY {
                place[quote + len + 2] = b':';
            }
            self.at += quote + len + 2 + usize::from(IS_KEY);
            return;
        }
        if IS_KEY {
            self.comma(comma);
        }
        self.at = string(data, start, len, self.room, self.at);
        if IS_KEY {
            self.byte(b':');
        }
    }
}

impl Drop for Ink<'_> {
    #[inline]
    fn drop(&mut self) {
        self.room.truncate(self.at);
    }
}

/// Copies a text to a place of its length.
///
/// PERF: most are shorter than two words, where a call costs more than the copy.
#[inline(always)]
fn copy(text: &[u8], place: &mut [u8]) {
    if text.len() <= BLOCK
        && let (Some(first), Some(last)) = (text.first_chunk::<WORD>(), text.last_chunk::<WORD>())
        && let Some(to) = place.first_chunk_mut::<WORD>()
    {
        *to = *first;
        if let Some(to) = place.last_chunk_mut::<WORD>() {
            *to = *last;
        }
        return;
    }
    place.copy_from_slice(text);
}

/// The room at `at`, behind what was written.
#[inline(always)]
fn place(room: &mut Vec<u8>, at: usize) -> &mut [u8] {
    if room.len() < at + ROOM {
        grow(room, at);
    }
    &mut room[at..at + ROOM]
}

#[cold]
#[inline(never)]
fn grow(room: &mut Vec<u8>, at: usize) {
    room.resize(at + STEP + ROOM, 0);
}

/// Writes a string of any length, with its quotes, to `to`: where it ends.
#[inline(never)]
fn string(data: &[u8], start: usize, len: usize, room: &mut Vec<u8>, mut to: usize) -> usize {
    place(room, to)[0] = b'"';
    to += 1;
    let data = data.get(..start.saturating_add(len).saturating_add(BLOCK)).unwrap_or(data);
    let end = start.saturating_add(len).min(data.len());
    let mut at = start;
    while at < end {
        let rest = &data[at..];
        let padded;
        let block = match rest.first_chunk() {
            Some(block) => block,
            None => {
                padded = last_block(rest);
                &padded
            }
        };
        let left = (end - at).min(BLOCK);
        let plain = plain(block, left);
        let place = place(room, to);
        place[..BLOCK].copy_from_slice(block);
        (at, to) = (at + plain, to + plain);
        if plain < left {
            let (escape, len) = &ESCAPES[usize::from(data[at]) % ESCAPES.len()];
            place[plain % BLOCK..][..escape.len()].copy_from_slice(escape);
            (at, to) = (at + 1, to + usize::from(*len));
        }
    }
    place(room, to)[0] = b'"';
    to + 1
}

/// The last bytes, with letters behind them.
fn last_block(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [b'a'; BLOCK];
    block.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    block
}

/// Whether no byte of the first `count` stands escaped.
#[inline(always)]
fn is_plain(block: &[u8; BLOCK], count: usize) -> bool {
    let [low, high] = words(block);
    // PERF: blanks and exclamation marks are taken for quotes, which spares a comparison. What is
    // behind a text counts, but is mostly plain as well.
    let suspicious = |word: u64| (word.wrapping_sub(ONES * 0x23) | equal(word, b'\\')) & !word;
    (suspicious(low) | suspicious(high)) & HIGHEST == 0 || plain(block, count) == count
}

/// How many bytes there are before the first one that stands escaped; `count` if none of the first
/// `count` does.
#[inline]
fn plain(block: &[u8; BLOCK], count: usize) -> usize {
    let [low, high] = words(block).map(escaped);
    let found = match low {
        0 => WORD + high.trailing_zeros() as usize / 8,
        _ => low.trailing_zeros() as usize / 8,
    };
    found.min(count)
}

/// How each byte stands escaped, and the length of that.
static ESCAPES: [([u8; 6], u8); 128] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut table = [([0; 6], 1); 128];
    let mut at = 0;
    while at < table.len() {
        let byte = at as u8;
        table[at] = match byte {
            b'"' | b'\\' => ([b'\\', byte, 0, 0, 0, 0], 2),
            b'\n' => (*b"\\n\0\0\0\0", 2),
            b'\r' => (*b"\\r\0\0\0\0", 2),
            b'\t' => (*b"\\t\0\0\0\0", 2),
            0..0x20 => ([b'\\', b'u', b'0', b'0', DIGITS[at / 16], DIGITS[at % 16]], 6),
            _ => ([byte, 0, 0, 0, 0, 0], 1),
        };
        at += 1;
    }
    table
};

/// One in each byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
const HIGHEST: u64 = ONES << 7;

#[inline(always)]
fn words(block: &[u8; BLOCK]) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *block;
    [[a, b, c, d, e, f, g, h], [i, j, k, l, m, n, o, p]].map(u64::from_le_bytes)
}

/// Of a word with the highest bits clear, marks bytes that are this one. The lowest mark is exact:
/// borrows only spoil bytes above one that was found.
#[inline(always)]
fn equal(word: u64, byte: u8) -> u64 {
    (word ^ (ONES * u64::from(byte))).wrapping_sub(ONES)
}

/// Marks what stands escaped in a string: quotes, backslashes, and what is below 0x20. The lowest mark
/// is exact.
#[inline(always)]
fn escaped(word: u64) -> u64 {
    let control = word.wrapping_sub(ONES * 0x20);
    (equal(word, b'"') | equal(word, b'\\') | control) & !word & HIGHEST
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Letter by letter.
    fn encoded(text: &[u8]) -> Vec<u8> {
        let mut out = b"\"".to_vec();
        for &byte in text {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                0..0x20 => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => out.push(byte),
            }
        }
        out.push(b'"');
        out
    }

    #[test]
    fn strings_are_written_at_every_place_of_a_record() {
        for special in [b'"', b'\\', b'\n', 0, 0x1f, 0x7f, 0x80, 0xff, b'!', b' '] {
            for at in 0..40 {
                let mut record = [b'a'; 40];
                record[at] = special;
                for start in 0..40 {
                    for len in 0..=40 - start {
                        let text = &record[start..start + len];
                        let mut out = b"before".to_vec();
                        let mut ink = Ink::behind(&mut out, 0);
                        ink.json_key(false, &record, start, len);
                        ink.json_key(true, &record, start, len);
                        ink.json_string(&record, start, len);
                        ink.byte(b'|');
                        ink.text(text);
                        drop(ink);
                        let quoted = encoded(text);
                        let keys = [&quoted[..], b":,", &quoted, b":"].concat();
                        let right = [b"before", &keys[..], &quoted, b"|", text].concat();
                        assert_eq!(out, right, "{special:#x} at {at}, {start} {len}");
                    }
                }
            }
        }
        assert_eq!(encoded(b"\x01\x1f\r\t"), br#""\u0001\u001f\r\t""#);
    }

    #[test]
    fn what_a_buffer_had_costs_nothing() {
        // Tags of a chunk are written behind each other.
        let mut out = vec![b'x'; 1 << 20];
        let before = out.len();
        let mut ink = Ink::behind(&mut out, 100);
        let mut most = 0;
        for number in 0..200 {
            ink.byte(b'a');
            ink.text(&[b'b'; 150]);
            ink.json_string(&[b'c'; 60], 0, 60);
            if number % 20 == 0 {
                ink.with(|out| out.push(b'd'));
            }
            most = most.max(ink.room.len() - ink.at);
        }
        assert!(most <= STEP + ROOM, "{most} bytes of room");
        drop(ink);
        assert_eq!(out.len() - before, 200 * (1 + 150 + 62) + 10);
    }

    #[test]
    fn every_byte_is_escaped_as_json_has_it() {
        for byte in 0..=255u8 {
            for len in [1, 15, 16, 17, 33] {
                let text = vec![byte; len];
                let mut out = Vec::new();
                Ink::behind(&mut out, 0).json_string(&text, 0, len);
                assert_eq!(out, encoded(&text), "{byte:#x}");
                if byte < 0x80 {
                    let back: String = serde_json::from_slice(&out).unwrap();
                    assert_eq!(back.as_bytes(), text, "{byte:#x}");
                }
            }
        }
    }

    #[test]
    fn what_is_escaped_is_found_in_blocks() {
        for byte in 0..=255u8 {
            for other in [b'a', 0x80, 0xff, b'!', b'#', b'[', b']', 0x20, b'"', 0] {
                for at in 0..BLOCK {
                    let mut block = [other; BLOCK];
                    block[at] = byte;
                    for count in 0..=BLOCK {
                        let is_escaped = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
                        let right = block[..count].iter().position(is_escaped);
                        assert_eq!(is_plain(&block, count), right.is_none(), "{block:?} {count}");
                        assert_eq!(plain(&block, count), right.unwrap_or(count), "{block:?}");
                    }
                }
            }
        }
    }
}
