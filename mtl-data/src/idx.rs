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
    io::{BufRead, BufReader, ErrorKind, Read},
    path::{Path, PathBuf},
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

impl Idx {
    /// The header of such a file: magic number and sizes.
    pub(crate) fn header(&self) -> Vec<u8> {
        let rank = u8::try_from(self.dims.len()).unwrap_or(u8::MAX);
        let sizes = self.dims.iter().map(|&dim| u32::try_from(dim).unwrap_or(u32::MAX));
        [0, 0, 8, rank].into_iter().chain(sizes.flat_map(u32::to_be_bytes)).collect()
    }
}

/// Reads a file, compressed or not, that must have `rank` axes.
///
/// # Errors
/// [`Error::Io`] when it cannot be read or decompressed; [`Error::Idx`] when it is not an idx file of bytes, has another
/// rank, or holds fewer or more bytes than its header promises.
pub fn read(path: &Path, rank: usize) -> Result<Idx> {
    decode(path, open_file(path)?, rank)
}

/// The number of axes of a file, compressed or not.
///
/// # Errors
/// [`Error::Io`] when it cannot be read; [`Error::Idx`] when it is not an idx file of bytes.
pub fn rank(path: &Path) -> Result<usize> {
    let mut magic = Vec::new();
    open_file(path)?.take(4).read_to_end(&mut magic).map_err(|e| Error::io(path, e))?;
    match magic[..] {
        [0, 0, 8, rank] => Ok(rank.into()),
        _ => Err(Error::Idx {
            path: path.to_owned(),
            expected: "an idx file of bytes (magic 0 0 8)".into(),
            found: format!("magic {magic:?}"),
        }),
    }
}

/// The bytes of a file, unpacked if it is compressed.
fn open_file(path: &Path) -> Result<Box<dyn Read + Send>> {
    let mut file = BufReader::new(File::open(path).map_err(|e| Error::io(path, e))?);
    let compressed = file.fill_buf().map_err(|e| Error::io(path, e))?.starts_with(&[0x1f, 0x8b]);
    Ok(if compressed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) })
}

/// The items of a file one after the other, so that a file of any size costs no more memory than is asked for at once.
pub struct Items {
    path: PathBuf,
    reader: Box<dyn Read + Send>,
    dims: Vec<usize>,
    next: usize,
}

impl std::fmt::Debug for Items {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Items").field("path", &self.path).field("dims", &self.dims).finish_non_exhaustive()
    }
}

impl Items {
    /// Opens a file, compressed or not, and reads its header.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read; [`Error::Idx`] when it is not an idx file of bytes.
    pub fn open(path: &Path) -> Result<Self> {
        let mut reader = open_file(path)?;
        let mut magic = Vec::new();
        (&mut reader).take(4).read_to_end(&mut magic).map_err(|e| Error::io(path, e))?;
        // A header that is cut short is said as such when the rest of it is missing.
        let rank = magic.get(3).map_or(1, |&rank| usize::from(rank));
        let mut whole = std::io::Cursor::new(magic).chain(reader);
        let (dims, _) = header(path, &mut whole, rank)?;
        let (_, reader) = whole.into_inner();
        Ok(Self { path: path.to_owned(), reader, dims: dims.iter().map(|&dim| dim as usize).collect(), next: 0 })
    }

    /// The sizes, slowest axis first: the number of items, then the sizes of one.
    #[must_use]
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }

    /// The bytes of the next items, at most `n`; none after the last.
    ///
    /// # Errors
    /// [`Error::Idx`] when the file holds fewer or more bytes than its header promises; [`Error::Io`].
    pub fn take(&mut self, n: usize) -> Result<Vec<u8>> {
        let n_items = self.dims.first().copied().unwrap_or(0);
        let n = n.min(n_items - self.next);
        let size: usize = self.dims.iter().skip(1).product();
        let mut bytes = Vec::new();
        // One byte more than there may be shows a file that is too long.
        let last = self.next + n == n_items;
        let promised = n * size;
        let read = (&mut self.reader).take(promised as u64 + u64::from(last)).read_to_end(&mut bytes);
        match read {
            Err(e) if e.kind() != ErrorKind::UnexpectedEof => return Err(Error::io(&self.path, e)),
            _ => {}
        }
        let wrong = |found: &str| {
            let expected = format!("{n_items} items of {size} bytes");
            Err(Error::Idx { path: self.path.clone(), expected, found: found.into() })
        };
        match bytes.len() {
            found if found < promised => wrong("fewer, cut short"),
            found if found > promised => wrong("more"),
            _ => {
                self.next += n;
                Ok(bytes)
            }
        }
    }
}

/// Reads an uncompressed idx array; `path` is what errors call it.
///
/// # Errors
/// As [`read`].
pub fn decode(path: &Path, mut reader: impl Read, rank: usize) -> Result<Idx> {
    let wrong = |expected: String, found: String| Error::Idx { path: path.to_owned(), expected, found };
    let (dims, promised) = header(path, &mut reader, rank)?;
    let mut data = Vec::new();
    let read = reader.take(promised + 1).read_to_end(&mut data);
    if let Err(source) = read {
        // A compressed file that is cut short fails in the decompressor.
        return Err(match source.kind() {
            ErrorKind::UnexpectedEof => wrong(bytes(promised, &dims), format!("{} bytes, cut short", data.len())),
            _ => Error::io(path, source),
        });
    }
    match data.len() as u64 {
        found if found < promised => Err(wrong(bytes(promised, &dims), format!("{found} bytes"))),
        found if found > promised => Err(wrong(bytes(promised, &dims), "more".into())),
        _ => Ok(Idx { dims: dims.iter().map(|&dim| dim as usize).collect(), data }),
    }
}

/// The sizes, and the number of bytes that they promise.
fn header(path: &Path, mut reader: impl Read, rank: usize) -> Result<(Vec<u32>, u64)> {
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
    match promised {
        Some(promised) => Ok((dims, promised)),
        None => Err(wrong(format!("at most {MAX_BYTES} bytes of items"), format!("a header of sizes {dims:?}"))),
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
    fn items_come_one_after_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let items = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Items::open(&path)
        };
        let mut three = items(&[&[0, 0, 8, 2, 0, 0, 0, 3, 0, 0, 0, 2][..], &[1, 2, 3, 4, 5, 6]].concat()).unwrap();
        assert_eq!(three.dims(), [3, 2]);
        assert_eq!((three.take(2).unwrap(), three.take(2).unwrap()), (vec![1, 2, 3, 4], vec![5, 6]));
        assert!(three.take(2).unwrap().is_empty());
        let mut more = items(&[&FILE[..], &[0]].concat()).unwrap();
        assert!(more.take(9).unwrap_err().to_string().ends_with("expected 1 items of 2 bytes, found more"));
        let e = items(&FILE[..17]).unwrap().take(1).unwrap_err().to_string();
        assert!(e.ends_with("found fewer, cut short"), "{e}");
        for bad in [&b"PK\x03\x04"[..], &[], &FILE[..9], &[0, 0, 8]] {
            assert!(matches!(items(bad), Err(Error::Idx { .. })), "{bad:?}");
        }
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
