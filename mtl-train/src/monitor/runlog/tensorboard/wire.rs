//! The wire format of protocol buffers, as far as event messages need it.
//!
//! ```text
//! field    = key value             key = varint(number << 3 | kind)
//! kind 0   varint                  7 bits a byte, the lowest first, high bit: more follow
//! kind 1   8 bytes little-endian   double
//! kind 2   varint length, bytes    string, message, packed numbers
//! kind 5   4 bytes little-endian   float
//! ```
//! **Reference** the encoding page of the protocol buffers documentation.

/// Appends fields to a message.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            let [low, ..] = value.to_le_bytes();
            self.0.push(low | 0x80);
            value >>= 7;
        }
        let [low, ..] = value.to_le_bytes();
        self.0.push(low);
    }

    fn key(&mut self, field: u32, kind: u32) {
        self.varint(u64::from(field << 3 | kind));
    }

    pub(super) fn integer(mut self, field: u32, value: u64) -> Self {
        self.key(field, 0);
        self.varint(value);
        self
    }

    pub(super) fn double(mut self, field: u32, value: f64) -> Self {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn float(mut self, field: u32, value: f32) -> Self {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    pub(super) fn bytes(mut self, field: u32, value: &[u8]) -> Self {
        self.key(field, 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    pub(super) fn message(self, field: u32, value: &Self) -> Self {
        self.bytes(field, &value.0)
    }

    pub(super) fn packed_doubles(self, field: u32, values: &[f64]) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.bytes(field, &bytes)
    }
}

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Field<'a> {
    Integer(u64),
    Double(f64),
    Float(f32),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    pub(super) fn as_bytes(self) -> Option<&'a [u8]> {
        if let Self::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(super) fn as_text(self) -> Option<String> {
        self.as_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The numbers of a packed field.
    pub(super) fn as_doubles(self) -> Option<Vec<f64>> {
        let (chunks, rest) = self.as_bytes()?.as_chunks::<8>();
        rest.is_empty().then(|| chunks.iter().map(|chunk| f64::from_le_bytes(*chunk)).collect())
    }
}

/// The fields of a message in order; `None` when the bytes are no message.
pub(super) fn fields(mut rest: &[u8]) -> Option<Vec<(u32, Field<'_>)>> {
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (key, after) = varint(rest)?;
        let number = u32::try_from(key >> 3).ok()?;
        let (value, after) = match key & 7 {
            0 => varint(after).map(|(v, after)| (Field::Integer(v), after))?,
            1 => after.split_first_chunk().map(|(v, after)| (Field::Double(f64::from_le_bytes(*v)), after))?,
            2 => {
                let (length, after) = varint(after)?;
                let (bytes, after) = after.split_at_checked(usize::try_from(length).ok()?)?;
                (Field::Bytes(bytes), after)
            }
            5 => after.split_first_chunk().map(|(v, after)| (Field::Float(f32::from_le_bytes(*v)), after))?,
            _ => return None,
        };
        found.push((number, value));
        rest = after;
    }
    Some(found)
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (idx, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * idx);
        if byte & 0x80 == 0 {
            return Some((value, bytes.get(idx + 1..)?));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_documentation() {
        assert_eq!(Message::default().integer(1, 150).into_bytes(), [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().bytes(2, b"testing").into_bytes(), b"\x12\x07testing");
        let inner = Message::default().integer(1, 150);
        assert_eq!(Message::default().message(3, &inner).into_bytes(), [0x1a, 0x03, 0x08, 0x96, 0x01]);
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = Message::default()
            .double(1, 0.1)
            .integer(2, u64::MAX)
            .float(3, -1.5)
            .packed_doubles(4, &[1.0, f64::INFINITY])
            .into_bytes();
        let read = fields(&bytes).unwrap();
        assert_eq!(read[..3], [(1, Field::Double(0.1)), (2, Field::Integer(u64::MAX)), (3, Field::Float(-1.5))]);
        assert_eq!(read[3].1.as_doubles().unwrap(), [1.0, f64::INFINITY]);
        for end in 1..bytes.len() {
            let _ = fields(&bytes[..end]); // torn messages are refused or shorter, never a panic
        }
        assert_eq!(fields(&[0xff; 11]), None);
        assert_eq!(fields(&[0x0b]), None, "kind 3 is not read");
    }
}
