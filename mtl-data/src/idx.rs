//! The idx format of the MNIST family: a small header, then bytes.
//!
//! ```text
//! 0 0 kind rank            kind 8 = unsigned bytes, the only one these data sets use
//! rank x u32, big endian   sizes
//! bytes                    items, last axis fastest
//! ```
//!
//! Files may be gzip-compressed, which is seen from their content, not their name. What the header claims is compared
//! with what the file holds while it is read: memory grows with the data that really arrives, and reading stops one byte
//! after the size that the header promises, so that neither a lying header nor a decompression bomb costs more than the
//! honest file would.
//!
//! **Reference**: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", 1998.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;

use crate::error::{Error, Result};

/// No data set of this family is larger; a header that claims more is wrong.
const MAX_BYTES: u64 = 1 << 33;

/// An array of bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx {
    /// The sizes, slowest axis first.
    pub dims: Vec<usize>,
    /// The items.
    pub data: Vec<u8>,
}

/// Reads a file, compressed or not, that must have `rank` axes.
///
/// # Errors
/// [`Error::Io`] when it cannot be read or decompressed; [`Error::Idx`] when it is not an idx file of bytes, has another
/// rank, or holds fewer or more bytes than its header promises.
pub fn read(path: &Path, rank: usize) -> Result<Idx> {
    decode(path, open(path)?, rank)
}

/// The number of axes of a file, compressed or not.
///
/// # Errors
/// [`Error::Io`] when it cannot be read; [`Error::Idx`] when it is not an idx file of bytes.
pub fn rank(path: &Path) -> Result<usize> {
    let mut magic = Vec::new();
    open(path)?.take(4).read_to_end(&mut magic).map_err(|e| Error::io(path, e))?;
    match magic[..] {
        [0, 0, 8, rank] => Ok(rank.into()),
        _ => Err(Error::Idx {
            path: path.to_owned(),
            expected: "an idx file of bytes (magic 0 0 8)".into(),
            found: format!("magic {magic:?}"),
        }),
    }
}

fn open(path: &Path) -> Result<Box<dyn Read>> {
    let mut file = BufReader::new(File::open(path).map_err(|e| Error::io(path, e))?);
    let compressed = {
        use std::io::BufRead;
        file.fill_buf().map_err(|e| Error::io(path, e))?.starts_with(&[0x1f, 0x8b])
    };
    Ok(if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// Reads an uncompressed idx array; `path` is what errors call it.
///
/// # Errors
/// As [`read`].
pub fn decode(path: &Path, mut reader: impl Read, rank: usize) -> Result<Idx> {
    let wrong = |expected: String, found: String| Error::Idx { path: path.to_owned(), expected, found };
    let header_len = 4 + 4 * rank;
    let mut header = Vec::new();
    (&mut reader).take(header_len as u64).read_to_end(&mut header).map_err(|e| Error::io(path, e))?;
    match header.get(..4) {
        Some([0, 0, 8, found]) if usize::from(*found) == rank => {}
        Some([0, 0, 8, found]) => return Err(wrong(format!("an idx array of {rank} axes"), format!("{found} axes"))),
        Some(magic) => return Err(wrong("an idx file of bytes (magic 0 0 8)".into(), format!("magic {magic:?}"))),
        None => {}
    }
    if header.len() < header_len {
        return Err(wrong(format!("an idx header of {header_len} bytes"), format!("{} bytes", header.len())));
    }
    let (sizes, _) = header[4..].as_chunks::<4>();
    let dims: Vec<u32> = sizes.iter().map(|size| u32::from_be_bytes(*size)).collect();
    let promised = dims.iter().try_fold(1u64, |all, &dim| all.checked_mul(dim.into())).filter(|&n| n <= MAX_BYTES);
    let Some(promised) = promised else {
        return Err(wrong(format!("at most {MAX_BYTES} bytes of items"), format!("a header of sizes {dims:?}")));
    };
    let mut data = Vec::new();
    let read = reader.take(promised + 1).read_to_end(&mut data);
    if let Err(source) = read {
        // A compressed file that is cut short fails in the decompressor.
        return Err(match source.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                wrong(bytes(promised, &dims), format!("{} bytes, cut short", data.len()))
            }
            _ => Error::io(path, source),
        });
    }
    match data.len() as u64 {
        found if found < promised => Err(wrong(bytes(promised, &dims), format!("{found} bytes"))),
        found if found > promised => Err(wrong(bytes(promised, &dims), "more".into())),
        _ => Ok(Idx { dims: dims.iter().map(|&dim| dim as usize).collect(), data }),
    }
}

fn bytes(promised: u64, dims: &[u32]) -> String {
    let sizes: Vec<_> = dims.iter().map(ToString::to_string).collect();
    format!("{promised} bytes of items ({})", sizes.join(" x "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use crate::rng::{Rng, Stream};

    const FILE: [u8; 18] = [0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 7, 9];

    fn refusal(bytes: &[u8]) -> String {
        decode("x.idx".as_ref(), bytes, 3).unwrap_err().to_string()
    }

    #[test]
    fn plain_and_compressed_files_read_alike() {
        let dir = tempfile::tempdir().unwrap();
        let (plain, packed) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&plain, FILE).unwrap();
        let mut encoder = GzEncoder::new(File::create(&packed).unwrap(), Compression::default());
        encoder.write_all(&FILE).unwrap();
        encoder.finish().unwrap();
        let expected = Idx { dims: vec![1, 2, 1], data: vec![7, 9] };
        assert_eq!(read(&plain, 3).unwrap(), expected);
        assert_eq!(read(&packed, 3).unwrap(), expected);
        let cut = std::fs::read(&packed).unwrap();
        std::fs::write(&packed, &cut[..cut.len() - 12]).unwrap();
        let e = read(&packed, 3).unwrap_err().to_string();
        assert!(e.starts_with(&packed.display().to_string()) && e.lines().count() == 1, "{e}");
        assert!(read(&dir.path().join("none"), 3).unwrap_err().to_string().contains("none: cannot read: "));
    }

    #[test]
    fn what_is_wrong_is_said_in_bytes() {
        assert_eq!(refusal(&FILE[..17]), "x.idx: expected 2 bytes of items (1 x 2 x 1), found 1 bytes");
        assert_eq!(refusal(&[&FILE[..], &[0]].concat()), "x.idx: expected 2 bytes of items (1 x 2 x 1), found more");
        assert_eq!(refusal(&FILE[..9]), "x.idx: expected an idx header of 16 bytes, found 9 bytes");
        assert_eq!(refusal(&[]), "x.idx: expected an idx header of 16 bytes, found 0 bytes");
        assert_eq!(
            refusal(b"PK\x03\x04"),
            "x.idx: expected an idx file of bytes (magic 0 0 8), found magic [80, 75, 3, 4]"
        );
        assert_eq!(refusal(&[0, 0, 8, 1, 0, 0, 0, 0]), "x.idx: expected an idx array of 3 axes, found 1 axes");
    }

    #[test]
    fn a_header_that_lies_costs_no_memory() {
        let huge = [&[0, 0, 8, 3][..], &[255; 12]].concat();
        assert!(refusal(&huge).contains("at most 8589934592 bytes"));
        let large = [&[0, 0, 8, 3][..], &[0, 0, 255, 255, 0, 0, 255, 255, 0, 0, 0, 1], &[1, 2]].concat();
        assert!(refusal(&large).ends_with("found 2 bytes"));
    }

    #[test]
    fn mutated_files_never_panic() {
        let mut rng = Rng::new(1, Stream::Synthetic, 0);
        let mut accepted = 0;
        for _ in 0..100_000 {
            let mut bytes = FILE.to_vec();
            for _ in 0..=rng.below(3) {
                let at = usize::try_from(rng.below(bytes.len() as u64)).unwrap();
                bytes[at] = rng.next().to_le_bytes()[0];
            }
            bytes.truncate(usize::try_from(rng.below(40)).unwrap());
            match decode("x".as_ref(), &bytes[..], 3) {
                Ok(idx) => {
                    assert_eq!(idx.data.len(), idx.dims.iter().product::<usize>());
                    accepted += 1;
                }
                Err(e) => assert_eq!(e.to_string().lines().count(), 1),
            }
        }
        assert!(accepted > 0);
    }
}
