//! The bytes of a file as UTF-8 whose lines end with a line feed: the only text that the parser knows.
//!
//! ```text
//! bytes --unpack--> bytes --decode--> UTF-8 --lines--> UTF-8, one line feed a line [--blanks--> one tab between fields]
//! ```
//! A byte order mark says what the encoding is, else the format does. A line ends with a line feed, with carriage returns
//! before it, or with a carriage return alone, as old systems wrote it; inside quotes none of them ends a row. Where
//! runs of blanks separate fields, each run becomes one tab, so that the parser needs no other grammar. The usual file,
//! UTF-8 without lone carriage returns, passes as it is, without a copy.

use std::{
    borrow::Cow,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};
use memchr::{memchr, memchr_iter, memchr2_iter};

use super::{
    format::{CsvFormat, Delimiter},
    json_lines::{self, JsonLines},
    unpack::{HEAD, Unpacked, is_packed, refuse_known},
};
use crate::error::{Error, Result};

/// Bytes read at a time.
const PIECE: usize = 1 << 18;

/// A reader's text, piece by piece.
pub(crate) struct TextReader<R: Read> {
    path: PathBuf,
    bytes: Unpacked<R>,
    format: CsvFormat,
    /// `None` before the first bytes; then `Some(None)` for UTF-8, which needs none.
    decoder: Option<Option<Decoder>>,
    lines: Lines,
    /// Whether its text is objects, and how they become rows; `None` before the first text.
    json: Option<Option<JsonLines>>,
    /// Lines passed, to say where a letter is none.
    line: u64,
    ended: bool,
}

impl<R: Read> TextReader<R> {
    /// # Errors
    /// [`Error::NotText`] for a file that is known and no text; [`Error::Io`].
    pub(crate) fn open(path: &Path, reader: R, format: CsvFormat) -> Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            bytes: Unpacked::open(path, reader)?,
            format,
            decoder: None,
            lines: Lines::new(&format),
            json: None,
            line: 1,
            ended: false,
        })
    }

    /// Whether there is no more text.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// Reads on until `text` is `size` bytes long or the file ends.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::NotText`]; [`Error::Encoding`] for bytes that are no letters.
    pub(crate) fn fill(&mut self, text: &mut Vec<u8>, size: usize) -> Result<()> {
        while !self.ended && text.len() < size {
            let mut piece = Vec::new();
            let wanted = (size - text.len()).clamp(HEAD, PIECE) as u64;
            let found = (&mut self.bytes).take(wanted).read_to_end(&mut piece);
            match found {
                Ok(n) => self.ended = (n as u64) < wanted,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(e) => return Err(Error::io(&self.path, e)),
            }
            let piece = self.decode(piece)?;
            if self.json.is_none() && !piece.trim_ascii_start().is_empty() {
                let json =
                    json_lines::is_it(&piece, &self.format).then(|| JsonLines::new(self.path.clone(), &self.format));
                self.json = Some(json.transpose()?);
            }
            match &mut self.json {
                Some(Some(json)) => json.push(&piece, self.ended, text)?,
                Some(None) | None => self.lines.push(&piece, self.ended, text),
            }
        }
        Ok(())
    }

    /// Whether the text read so far is rows made of objects, whose header stands in no line.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.json, Some(Some(_)))
    }

    fn decode(&mut self, mut piece: Vec<u8>) -> Result<Vec<u8>> {
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            none => {
                refuse_known(&self.path, &piece)?;
                let (encoding, mark) = encoding_of(&self.path, &piece, &self.format)?;
                piece.drain(..mark);
                none.insert((encoding != UTF_8).then(|| encoding.new_decoder_without_bom_handling()))
            }
        };
        let Some(decoder) = decoder else { return Ok(piece) };
        let mut text =
            Vec::with_capacity(decoder.max_utf8_buffer_length_without_replacement(piece.len()).unwrap_or(PIECE));
        let mut rest = piece.as_slice();
        loop {
            let from = text.len();
            text.resize(from + rest.len() * 3 + 16, 0);
            let (outcome, read, written) =
                decoder.decode_to_utf8_without_replacement(rest, &mut text[from..], self.ended);
            text.truncate(from + written);
            rest = &rest[read..];
            match outcome {
                DecoderResult::InputEmpty => break,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    let line = self.line + super::chunk::count_lines(&text);
                    let encoding = decoder.encoding().name().to_ascii_lowercase();
                    return Err(Error::Encoding { path: self.path.clone(), line, encoding });
                }
            }
        }
        self.line += super::chunk::count_lines(&text);
        Ok(text)
    }
}

/// All of a file's text, and whether it was made of objects.
///
/// # Errors
/// As [`TextReader::open`] and [`TextReader::fill`].
pub(crate) fn whole<'a>(path: &Path, bytes: &'a [u8], format: &CsvFormat) -> Result<(Cow<'a, [u8]>, bool)> {
    let head = &bytes[..bytes.len().min(HEAD)];
    if !is_packed(head) && format.delimiter != Delimiter::Whitespace && !has_lone_return(bytes) {
        refuse_known(path, head)?;
        let (encoding, mark) = encoding_of(path, head, format)?;
        if encoding == UTF_8 && !json_lines::is_it(&bytes[mark..], format) {
            return Ok((Cow::Borrowed(&bytes[mark..]), false));
        }
    }
    let mut text = Vec::with_capacity(bytes.len());
    let mut reader = TextReader::open(path, bytes, *format)?;
    reader.fill(&mut text, usize::MAX)?;
    Ok((Cow::Owned(text), reader.is_json()))
}

/// The encoding, and the length of the mark that says so.
fn encoding_of(path: &Path, head: &[u8], format: &CsvFormat) -> Result<(&'static Encoding, usize)> {
    let refuse = |found: &str, advice: &str| {
        Err(Error::NotText { path: path.to_owned(), found: found.into(), advice: advice.into() })
    };
    if is_packed(head) {
        return refuse("a file that was compressed twice", "unpack it once");
    }
    if let Some(marked) = Encoding::for_bom(head) {
        return Ok(marked);
    }
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|&&b| b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let (many, few) = (head.len() / 5, head.len() / 20);
    if format.encoding.0 == UTF_8 && head.len() >= 8 && even.max(odd) > many {
        return match even.min(odd) <= few {
            true if odd > even => {
                refuse("UTF-16 without a byte order mark", "write encoding = \"utf-16le\" under [data.format]")
            }
            true => refuse("UTF-16 without a byte order mark", "write encoding = \"utf-16be\" under [data.format]"),
            false => refuse("bytes that no text has", "name a table in text (CSV)"),
        };
    }
    Ok((format.encoding.0, 0))
}

/// Whether a carriage return stands without a line feed after it (and after further ones).
fn has_lone_return(bytes: &[u8]) -> bool {
    memchr_iter(b'\r', bytes).any(|at| !matches!(bytes.get(at + 1), Some(b'\n' | b'\r')))
}

/// Line ends, and runs of blanks where they separate fields.
#[derive(Debug)]
struct Lines {
    quotes: bool,
    /// Whether the text so far ends inside quotes.
    is_inside: bool,
    /// Carriage returns at the end of the text so far: what follows says what they are.
    held: usize,
    blanks: Option<Blanks>,
}

impl Lines {
    fn new(format: &CsvFormat) -> Self {
        let blanks = (format.delimiter == Delimiter::Whitespace).then(Blanks::default);
        Self { quotes: format.quotes, is_inside: false, held: 0, blanks }
    }

    fn push(&mut self, piece: &[u8], is_last: bool, text: &mut Vec<u8>) {
        let held = vec![b'\r'; std::mem::take(&mut self.held)];
        let joined = if held.is_empty() { Cow::Borrowed(piece) } else { Cow::Owned([&held, piece].concat()) };
        match &mut self.blanks {
            None => {
                ends(&joined, is_last, self.quotes, &mut self.is_inside, &mut self.held, text);
            }
            Some(blanks) => {
                let mut lines = Vec::with_capacity(joined.len());
                ends(&joined, is_last, self.quotes, &mut self.is_inside, &mut self.held, &mut lines);
                blanks.push(&lines, self.quotes, text);
            }
        }
    }
}

/// Appends `piece` with lone carriage returns outside quotes made line feeds.
fn ends(piece: &[u8], is_last: bool, quotes: bool, is_inside: &mut bool, held: &mut usize, text: &mut Vec<u8>) {
    if memchr(b'\r', piece).is_none() {
        if quotes {
            *is_inside ^= memchr_iter(b'"', piece).count() % 2 == 1;
        }
        text.extend_from_slice(piece);
        return;
    }
    // Up to where bytes are in `text` already.
    let mut done = 0;
    for at in memchr2_iter(b'\r', if quotes { b'"' } else { b'\r' }, piece) {
        if piece[at] == b'"' {
            *is_inside = !*is_inside;
            continue;
        }
        if at < done {
            continue;
        }
        let run = piece[at..].iter().take_while(|&&b| b == b'\r').count();
        let after = piece.get(at + run);
        text.extend_from_slice(&piece[done..at]);
        done = at + run;
        match after {
            None if !is_last => *held = run,
            Some(b'\n') => text.extend_from_slice(&piece[at..done]),
            _ if *is_inside => text.extend_from_slice(&piece[at..done]),
            _ => text.resize(text.len() + run, b'\n'),
        }
    }
    text.extend_from_slice(&piece[done..]);
}

/// Where the text so far ends.
#[derive(Debug)]
struct Blanks {
    is_line_start: bool,
    is_blank: bool,
    is_inside: bool,
}

impl Default for Blanks {
    fn default() -> Self {
        Self { is_line_start: true, is_blank: false, is_inside: false }
    }
}

impl Blanks {
    /// Appends `piece` with each run of blanks between fields made a tab, those around a line dropped.
    fn push(&mut self, piece: &[u8], quotes: bool, text: &mut Vec<u8>) {
        for &byte in piece {
            if self.is_inside {
                self.is_inside = byte != b'"';
                text.push(byte);
                continue;
            }
            match byte {
                b' ' | b'\t' | b'\r' => self.is_blank = true,
                b'\n' => {
                    (self.is_line_start, self.is_blank) = (true, false);
                    text.push(byte);
                }
                _ => {
                    if self.is_blank && !self.is_line_start {
                        text.push(b'\t');
                    }
                    (self.is_line_start, self.is_blank) = (false, false);
                    self.is_inside = quotes && byte == b'"';
                    text.push(byte);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(bytes: &[u8], format: CsvFormat, size: usize) -> Result<String> {
        let mut reader = TextReader::open("t.csv".as_ref(), bytes, format)?;
        let mut text = Vec::new();
        while !reader.is_ended() {
            let until = text.len() + size;
            reader.fill(&mut text, until)?;
        }
        let (all, _) = whole("t.csv".as_ref(), bytes, &format)?;
        assert_eq!(String::from_utf8_lossy(&all), String::from_utf8_lossy(&text));
        Ok(String::from_utf8(text).unwrap())
    }

    const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

    fn encoded(text: &str, encoding: &str) -> Vec<u8> {
        match encoding {
            "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            _ => Encoding::for_label(encoding.as_bytes()).unwrap().encode(text).0.into_owned(),
        }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    #[test]
    fn every_kind_of_file_gives_the_same_text() {
        let text = format!("größe,ort\n{}", "1,Zürich\n2,\"Ge\nnf\"\n".repeat(2000));
        let plain = CsvFormat::DEFAULT;
        let of = |label: &str| CsvFormat { encoding: label.to_owned().try_into().unwrap(), ..plain };
        let marked = |mark: &[u8], body: Vec<u8>| [mark, &body].concat();
        for (bytes, format) in [
            (text.clone().into_bytes(), plain),
            (marked(UTF_8_MARK, text.clone().into_bytes()), plain),
            (marked(b"\xff\xfe", encoded(&text, "utf-16le")), plain),
            (marked(b"\xfe\xff", encoded(&text, "utf-16be")), plain),
            (encoded(&text, "utf-16le"), of("utf-16le")),
            (encoded(&text, "windows-1252"), of("latin1")),
            // The mark is believed, whatever was written.
            (marked(b"\xff\xfe", encoded(&text, "utf-16le")), of("latin1")),
            (gzip(text.as_bytes()), plain),
            ([gzip(&text.as_bytes()[..5000]), gzip(&text.as_bytes()[5000..])].concat(), plain),
            (zstd(text.as_bytes()), plain),
            (
                [
                    zstd(&text.as_bytes()[..5000]),
                    b"\x50\x2a\x4d\x18\x03\0\0\0abc".to_vec(),
                    zstd(&text.as_bytes()[5000..]),
                ]
                .concat(),
                plain,
            ),
            (gzip(&marked(b"\xff\xfe", encoded(&text, "utf-16le"))), plain),
        ] {
            for size in [1, 700, 1 << 20] {
                assert_eq!(read(&bytes, format, size).unwrap(), text, "{size} {:?}", &bytes[..4]);
            }
        }
    }

    #[test]
    fn lines_end_in_three_ways() {
        for (bytes, expected) in [
            ("a\rb\r", "a\nb\n"),
            ("a\r\nb\r\n", "a\r\nb\r\n"),
            ("a\r\r\nb\n", "a\r\r\nb\n"),
            ("a\r\rb", "a\n\nb"),
            ("\"a\rb\"\rc\r", "\"a\rb\"\nc\n"),
            ("a\nb\rc", "a\nb\nc"),
        ] {
            assert_eq!(read(bytes.as_bytes(), CsvFormat::DEFAULT, 1).unwrap(), expected, "{bytes:?}");
            // However the text comes in pieces.
            for cut in 0..bytes.len() {
                let mut lines = Lines::new(&CsvFormat::DEFAULT);
                let mut text = Vec::new();
                lines.push(&bytes.as_bytes()[..cut], false, &mut text);
                lines.push(&bytes.as_bytes()[cut..], true, &mut text);
                assert_eq!(String::from_utf8(text).unwrap(), expected, "{bytes:?} at {cut}");
            }
        }
        let no_quotes = CsvFormat { quotes: false, ..CsvFormat::DEFAULT };
        assert_eq!(read(b"5\"\r6\"\r", no_quotes, 1).unwrap(), "5\"\n6\"\n");
    }

    #[test]
    fn runs_of_blanks_become_one_tab() {
        let format = CsvFormat { delimiter: Delimiter::Whitespace, ..CsvFormat::DEFAULT };
        let text = read(b"  a   b\t c \r\n1 \"x  \"\"y\" \t 3\n \n\n4\r", format, 1).unwrap();
        assert_eq!(text, "a\tb\tc\n1\t\"x  \"\"y\"\t3\n\n\n4\n");
    }

    #[test]
    fn what_is_no_text_is_named() {
        let refusal = |bytes: &[u8]| read(bytes, CsvFormat::DEFAULT, 100).unwrap_err().to_string();
        for (bytes, part) in [
            (b"PK\x03\x04\x14\0\x06\0workbook".as_slice(), "found a zip archive (an .xlsx"),
            (b"PAR1\x15\x04\x15\0", "found a Parquet file; write it as CSV"),
            (b"BZh91AY&SY\x01\x02", "compressed by bzip2"),
            (b"<!DOCTYPE html><html>", "found a web page"),
            (b"a\0,\0b\0\n\0c\0,\0d\0", "encoding = \"utf-16le\""),
            (b"\0a\0,\0b\0\n\0c\0,\0d", "encoding = \"utf-16be\""),
            (b"\0\0\0\0\0\0\0\0\0\0\0a", "bytes that no text has"),
        ] {
            let e = refusal(bytes);
            assert!(e.starts_with("t.csv: expected a table in text, found ") && e.contains(part), "{e}");
        }
        assert!(refusal(&gzip(&gzip(b"a,b\n"))).contains("compressed twice"));
        let packed = gzip("a,b\n".repeat(9000).as_bytes());
        let e = refusal(&packed[..packed.len() - 9]);
        assert!(e.starts_with("t.csv: cannot read: damaged or cut short inside gzip"), "{e}");
        let e = refusal(&zstd("a,b\n".repeat(9000).as_bytes())[..20]);
        assert!(e.contains("inside zstd"), "{e}");
        // Letters that some file begins with are letters.
        for text in ["PAR1,x\n1,2\n", "ORC,BZh\n", "Obj\n"] {
            assert_eq!(read(text.as_bytes(), CsvFormat::DEFAULT, 9).unwrap(), text);
        }
        let lone = [b"\xff\xfe".as_slice(), &encoded("a\nb", "utf-16le"), &[0x00, 0xd8, b'x', 0]].concat();
        let e = refusal(&lone);
        assert_eq!(
            e,
            "t.csv:2: expected text in utf-16le, found bytes that are none (another encoding under [data.format]?)"
        );
    }
}
