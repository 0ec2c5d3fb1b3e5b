//! What a file is, told from its first bytes, and compressed ones unpacked on the way.
//!
//! gzip and zstd are read as if they were not there, several members or frames in a row included. What is known and is
//! no table in text (a workbook, a Parquet file, an archive) is refused by its name with what to do about it, rather than
//! by the strange field that its first line would make.

use std::{
    io::{self, BufRead, BufReader, Cursor, Read},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{
    BlockDecodingStrategy, FrameDecoder,
    errors::{FrameDecoderError, ReadFrameHeaderError},
};

use crate::error::{Error, Result};

/// Bytes looked at.
pub(crate) const HEAD: usize = 512;

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// First bytes, what they are the first of, and what to do. Those that are letters could begin a text: they count only
/// where bytes that no text has follow.
const KNOWN: [(&[u8], &str, &str); 22] = [
    (b"PK\x03\x04", "a zip archive (an .xlsx or .ods workbook is one)", "unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls)", "save the sheet as CSV"),
    (b"PAR1", "a Parquet file", "write it as CSV"),
    (b"ARROW1", "an Arrow or Feather file", "write it as CSV"),
    (b"FEA1", "a Feather file", "write it as CSV"),
    (b"ORC", "an ORC file", "write it as CSV"),
    (b"Obj\x01", "an Avro file", "write it as CSV"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "write it as CSV"),
    (b"SQLite format 3\0", "an SQLite data base", "write the table as CSV"),
    (b"\x93NUMPY", "a NumPy array", "write it as CSV"),
    (b"\x80\x04\x95", "a Python pickle", "write it as CSV"),
    (b"$FL2", "an SPSS file", "write it as CSV"),
    (b"<stata_dta>", "a Stata file", "write it as CSV"),
    (b"\xfd7zXZ\0", "compressed by xz", "unpack it, or compress it with gzip or zstd"),
    (b"BZh", "compressed by bzip2", "unpack it, or compress it with gzip or zstd"),
    (b"\x04\x22\x4d\x18", "compressed by lz4", "unpack it, or compress it with gzip or zstd"),
    (b"\x1f\x9d", "compressed by compress", "unpack it, or compress it with gzip or zstd"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"Rar!\x1a\x07", "a rar archive", "unpack it"),
    (b"%PDF-", "a PDF document", "save the table as CSV"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", "name a table in text"),
    (b"\xff\xfe\0\0", "text in UTF-32", "write it in UTF-8"),
];

/// Where an archive by tar says so.
const TAR_AT: usize = 257;

/// A reader whose first bytes have been looked at: they come first again.
type Whole<R> = BufReader<io::Chain<Cursor<Vec<u8>>, R>>;

/// The bytes of a file, unpacked.
pub(crate) enum Unpacked<R: Read> {
    Plain(Whole<R>),
    Gzip(Box<MultiGzDecoder<Whole<R>>>),
    Zstd(Box<Frames<Whole<R>>>),
}

impl<R: Read> Unpacked<R> {
    /// Looks at the first bytes.
    ///
    /// # Errors
    /// [`Error::NotText`] for what is known and no text; [`Error::Io`].
    pub(crate) fn open(path: &Path, mut reader: R) -> Result<Self> {
        let mut head = Vec::new();
        (&mut reader).take(HEAD as u64).read_to_end(&mut head).map_err(|e| Error::io(path, e))?;
        refuse_known(path, &head)?;
        let (is_gzip, is_zstd) = (head.starts_with(GZIP), head.starts_with(ZSTD));
        let whole = BufReader::new(Cursor::new(head).chain(reader));
        Ok(match (is_gzip, is_zstd) {
            (true, _) => Self::Gzip(Box::new(MultiGzDecoder::new(whole))),
            (_, true) => Self::Zstd(Box::new(Frames::new(whole))),
            _ => Self::Plain(whole),
        })
    }

    /// What it was compressed by.
    fn packer(&self) -> Option<&'static str> {
        match self {
            Self::Plain(_) => None,
            Self::Gzip(_) => Some("gzip"),
            Self::Zstd(_) => Some("zstd"),
        }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let packer = self.packer();
        let read = match self {
            Self::Plain(reader) => reader.read(out),
            Self::Gzip(reader) => reader.read(out),
            Self::Zstd(reader) => reader.read(out),
        };
        match packer {
            Some(packer) => {
                read.map_err(|e| io::Error::new(e.kind(), format!("damaged or cut short inside {packer}: {e}")))
            }
            None => read,
        }
    }
}

/// Refuses what is known and no text.
///
/// # Errors
/// [`Error::NotText`].
pub(crate) fn refuse_known(path: &Path, head: &[u8]) -> Result<()> {
    let no_text = head.iter().any(|&b| b < 9 || (14..32).contains(&b));
    let refuse = |found: &str, advice: &str| {
        Err(Error::NotText { path: path.to_owned(), found: found.into(), advice: advice.into() })
    };
    if no_text && let Some((_, found, advice)) = KNOWN.iter().find(|(magic, ..)| head.starts_with(magic)) {
        return refuse(found, advice);
    }
    if no_text && head.get(TAR_AT..).is_some_and(|rest| rest.starts_with(b"ustar")) {
        return refuse("a tar archive", "unpack it");
    }
    let is_page = |head: &[u8]| {
        let text =
            String::from_utf8_lossy(head).trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']).to_ascii_lowercase();
        text.starts_with("<!doctype html") || text.starts_with("<html")
    };
    if is_page(head) {
        return refuse("a web page (a download that answered with one?)", "fetch the file itself");
    }
    Ok(())
}

/// Whether a reader would have to unpack these bytes.
pub(crate) fn is_packed(head: &[u8]) -> bool {
    head.starts_with(GZIP) || head.starts_with(ZSTD)
}

/// The content of zstd frames, one after the other, each checked against its checksum if it has one.
pub(crate) struct Frames<R: BufRead> {
    decoder: FrameDecoder,
    source: R,
    is_inside: bool,
}

impl<R: BufRead> Frames<R> {
    fn new(source: R) -> Self {
        Self { decoder: FrameDecoder::new(), source, is_inside: false }
    }

    /// Goes to the next frame; false behind the last.
    fn start(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.init(&mut self.source) {
                Ok(()) => return Ok(true),
                // A frame of someone's own data, to be passed over.
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame { length, .. })) => {
                    io::copy(&mut (&mut self.source).take(length.into()), &mut io::sink())?;
                }
                Err(e) => return Err(io::Error::other(e.to_string())),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !out.is_empty() {
            if !self.is_inside {
                self.is_inside = self.start()?;
                if !self.is_inside {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                let blocks = self.decoder.decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBytes(out.len()));
                blocks.map_err(|e| io::Error::other(e.to_string()))?;
            }
            let n = self.decoder.read(out)?;
            if n > 0 {
                return Ok(n);
            }
            let written = self.decoder.get_checksum_from_data();
            if written.is_some() && written != self.decoder.get_calculated_checksum() {
                return Err(io::Error::other("the checksum of the content is another"));
            }
            self.is_inside = false;
        }
        Ok(0)
    }
}
