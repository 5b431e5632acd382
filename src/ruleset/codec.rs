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
