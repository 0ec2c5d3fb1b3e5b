//! TFRecord: a file of byte strings, each with its length and two checksums.
//!
//! ```text
//! length  u64 little-endian
//! check   u32 little-endian   masked CRC-32C of the 8 bytes of length
//! data    length bytes
//! check   u32 little-endian   masked CRC-32C of data
//! ```

use super::crc32c::masked;

/// Appends a record.
pub(super) fn push(out: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    out.extend(length);
    out.extend(masked(&length).to_le_bytes());
    out.extend(data);
    out.extend(masked(data).to_le_bytes());
}

/// The next record of `rest` and what comes after it; `None` at the end, and where the file is torn or damaged: from
/// there on nothing can be trusted.
pub(super) fn next(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = rest.split_first_chunk::<8>()?;
    let (check, rest) = rest.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*check) != masked(length) {
        return None;
    }
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let (data, rest) = rest.split_at_checked(length)?;
    let (check, rest) = rest.split_first_chunk::<4>()?;
    (u32::from_le_bytes(*check) == masked(data)).then_some((data, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut rest: &[u8]) -> Vec<&[u8]> {
        let mut found = Vec::new();
        while let Some((data, after)) = next(rest) {
            found.push(data);
            rest = after;
        }
        found
    }

    #[test]
    fn records_come_back_until_the_first_damage() {
        let mut file = Vec::new();
        for data in [&b"one"[..], b"", b"three"] {
            push(&mut file, data);
        }
        assert_eq!(all(&file), [&b"one"[..], b"", b"three"]);
        for end in 0..file.len() {
            assert!(all(&file[..end]).len() < 3, "torn at {end}");
        }
        let second = 8 + 4 + 3 + 4;
        for position in 0..file.len() {
            let mut damaged = file.clone();
            damaged[position] ^= 0x10;
            assert_eq!(all(&damaged).first().copied() == Some(&b"one"[..]), position >= second, "{position}");
        }
    }

    #[test]
    fn a_length_beyond_the_file_reads_nothing() {
        let mut file = Vec::new();
        let length = u64::MAX.to_le_bytes();
        file.extend(length);
        file.extend(masked(&length).to_le_bytes());
        file.extend([0; 64]);
        assert!(next(&file).is_none());
    }
}
