//! Little-endian encoding of the tables. Reading is bounded by the bytes that are there: a count
//! can never make it allocate more than a small multiple of the file.

/// Where and why bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// Offset in the section.
    pub offset: usize,
    /// What was expected.
    pub message: &'static str,
}

/// Reads from a section.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// Reads `bytes` from the start.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    /// The next `len` bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        match self.bytes.get(self.at..).and_then(|rest| rest.get(..len)) {
            Some(bytes) => {
                self.at += len;
                Ok(bytes)
            }
            None => Err(self.error("more bytes")),
        }
    }

    /// The next integer.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        let bytes = self.take(4)?;
        Ok(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    /// Bytes that are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// An error at the current place.
    pub fn error(&self, message: &'static str) -> DecodeError {
        DecodeError { offset: self.at, message }
    }

    /// Succeeds if everything was read.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.error("the end of the section")) }
    }
}

/// Something with one encoding.
pub trait Record: Sized {
    /// Encoded size in bytes.
    const SIZE: usize;
    /// Appends the encoding.
    fn encode(&self, out: &mut Vec<u8>);
    /// Reads exactly `SIZE` bytes.
    fn decode(bytes: &[u8]) -> Self;
}

macro_rules! integer_record {
    ($($t:ty),*) => {$(
        impl Record for $t {
            const SIZE: usize = size_of::<$t>();
            #[inline]
            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            #[inline]
            fn decode(bytes: &[u8]) -> Self {
                // PERF: a conversion of a fixed size is a load; a copied slice can be a call.
                bytes.first_chunk().map_or(0, |raw| <$t>::from_le_bytes(*raw))
            }
        }
    )*};
}
integer_record!(u8, u16, u32, u64, i128);

impl<T: Record, const N: usize> Record for [T; N] {
    const SIZE: usize = N * T::SIZE;
    fn encode(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|element| element.encode(out));
    }
    #[inline]
    fn decode(bytes: &[u8]) -> Self {
        std::array::from_fn(|index| T::decode(&bytes[index * T::SIZE..]))
    }
}

/// Defines a struct of integers and its encoding, field after field.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident: $t:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $t,)* }

        impl $crate::ruleset::codec::Record for $name {
            const SIZE: usize = 0 $(+ <$t as $crate::ruleset::codec::Record>::SIZE)*;
            fn encode(&self, out: &mut Vec<u8>) {
                $($crate::ruleset::codec::Record::encode(&self.$field, out);)*
            }
            #[inline]
            fn decode(bytes: &[u8]) -> Self {
                let mut at = 0;
                $(
                    let $field = <$t as $crate::ruleset::codec::Record>::decode(&bytes[at..]);
                    at += <$t as $crate::ruleset::codec::Record>::SIZE;
                )*
                let _ = at;
                $name { $($field,)* }
            }
        }
    };
}
pub(crate) use record;

/// Appends a count and the records.
pub fn write_all<T: Record>(records: &[T], out: &mut Vec<u8>) {
    (records.len() as u32).encode(out);
    for record in records {
        record.encode(out);
    }
}

/// Reads what `write_all` wrote.
pub fn read_all<T: Record>(reader: &mut Reader<'_>) -> Result<Vec<T>, DecodeError> {
    let count = reader.u32()? as usize;
    let size = count.checked_mul(T::SIZE).ok_or_else(|| reader.error("a smaller count"))?;
    Ok(reader.take(size)?.chunks_exact(T::SIZE).map(T::decode).collect())
}

/// Appends a length and the bytes.
pub fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    (bytes.len() as u32).encode(out);
    out.extend_from_slice(bytes);
}

/// Reads what `write_bytes` wrote.
pub fn read_bytes(reader: &mut Reader<'_>) -> Result<Vec<u8>, DecodeError> {
    let len = reader.u32()? as usize;
    Ok(reader.take(len)?.to_vec())
}

/// Appends a count, one bit for each record that says whether it is there, and the records that
/// are. The others are `empty`.
pub fn write_sparse<T: Record + PartialEq>(records: &[T], empty: &T, out: &mut Vec<u8>) {
    (records.len() as u32).encode(out);
    for group in records.chunks(8) {
        let bits = (0..).zip(group).map(|(bit, record)| u8::from(record != empty) << bit);
        out.push(bits.fold(0, |all, bit| all | bit));
    }
    for record in records.iter().filter(|record| *record != empty) {
        record.encode(out);
    }
}

/// Reads what `write_sparse` wrote, at most `most` records: what is not there takes memory too.
pub fn read_sparse<T: Record + Copy>(
    reader: &mut Reader<'_>,
    empty: T,
    most: usize,
) -> Result<Vec<T>, DecodeError> {
    let count = reader.u32()? as usize;
    if count > most {
        return Err(reader.error("a smaller count"));
    }
    let present = reader.take(count.div_ceil(8))?;
    let mut records = vec![empty; count];
    for (group, present) in records.chunks_mut(8).zip(present) {
        let mut present = *present;
        while present != 0 {
            let bit = present.trailing_zeros() as usize;
            present &= present - 1;
            match group.get_mut(bit) {
                Some(record) => *record = T::decode(reader.take(T::SIZE)?),
                None => return Err(reader.error("no record behind the last")),
            }
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sparse_records_come_back() {
        for count in [0, 1, 7, 8, 9, 64, 100] {
            let records: Vec<u32> = (0..count).map(|n| if n % 3 == 1 { n } else { 0 }).collect();
            let mut out = Vec::new();
            write_sparse(&records, &0, &mut out);
            let mut reader = Reader::new(&out);
            assert_eq!(read_sparse(&mut reader, 0, count as usize), Ok(records));
            assert_eq!(reader.remaining(), 0);
            for len in 0..out.len() {
                let cut = read_sparse(&mut Reader::new(&out[..len]), 0u32, count as usize);
                assert!(cut.is_err(), "{count} {len}");
            }
        }
    }

    #[test]
    fn sparse_records_are_bounded() {
        let many = [255, 255, 255, 255, 0];
        assert!(read_sparse(&mut Reader::new(&many), 0u32, 1000).is_err());
        // A bit for a fourth record of three.
        let beyond = [3, 0, 0, 0, 8, 1, 0, 0, 0];
        assert!(read_sparse(&mut Reader::new(&beyond), 0u32, 3).is_err());
    }
}
