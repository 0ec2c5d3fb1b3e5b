//! Cutting the bytes of a file where rows begin, so that threads can read the pieces.
//!
//! A line end inside quotes does not end a row. Whether a byte is inside quotes depends on how many quotes stand before
//! it, so quotes are counted per piece first (in parallel), and each cut moves to the first line end with an even count.
//! That holds for every well-formed file; in a malformed one the rows before the first fault are still cut right, and
//! the reader stops there.

use std::ops::Range;

use memchr::{memchr_iter, memchr2_iter};
use rayon::prelude::*;

/// Ranges of whole rows that cover `bytes`, each about `size` long.
pub(crate) fn chunks(bytes: &[u8], size: usize, quotes: bool) -> Vec<Range<usize>> {
    let size = size.max(1);
    let n_pieces = bytes.len().div_ceil(size);
    let pieces = |i: usize| &bytes[i * size..((i + 1) * size).min(bytes.len())];
    let counts: Vec<usize> = if quotes {
        (0..n_pieces).into_par_iter().map(|i| memchr_iter(b'"', pieces(i)).count()).collect()
    } else {
        vec![0; n_pieces]
    };
    let mut cuts = vec![0];
    let mut inside = false;
    for (i, count) in counts.iter().enumerate().take(n_pieces.saturating_sub(1)) {
        inside ^= count % 2 == 1;
        let start = (i + 1) * size;
        // A row longer than a piece: the cut before already lies behind this piece's start.
        if cuts.last().is_some_and(|&cut| cut > start) {
            continue;
        }
        let cut = row_end(&bytes[start..], inside, quotes).map_or(bytes.len(), |end| start + end);
        cuts.push(cut);
    }
    cuts.push(bytes.len());
    cuts.windows(2).map(|w| w[0]..w[1]).filter(|r| !r.is_empty()).collect()
}

/// The position after the first line end outside quotes.
pub(super) fn row_end(bytes: &[u8], mut inside: bool, quotes: bool) -> Option<usize> {
    if !quotes {
        return memchr::memchr(b'\n', bytes).map(|at| at + 1);
    }
    for at in memchr2_iter(b'\n', b'"', bytes) {
        match bytes[at] {
            b'"' => inside = !inside,
            _ if !inside => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The position after the last line end outside quotes of bytes that begin with a row.
pub(crate) fn last_row_end(bytes: &[u8], quotes: bool) -> Option<usize> {
    if !quotes {
        return memchr::memrchr(b'\n', bytes).map(|at| at + 1);
    }
    let (mut end, mut inside) = (None, false);
    for at in memchr2_iter(b'\n', b'"', bytes) {
        match bytes[at] {
            b'"' => inside = !inside,
            _ if !inside => end = Some(at + 1),
            _ => {}
        }
    }
    end
}

/// The number of line ends.
pub(crate) fn count_lines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_rows_whatever_their_size() {
        let text = b"a,b\n\"x\ny\",2\n\"say \"\"\n\"\"\",3\nlast,4";
        let ends = [4, 12, 26, text.len()];
        for size in 1..=text.len() + 1 {
            let pieces = chunks(text, size, true);
            assert_eq!(pieces.first().map(|r| r.start), Some(0));
            assert!(pieces.windows(2).all(|w| w[0].end == w[1].start), "{pieces:?}");
            assert!(pieces.iter().all(|r| ends.contains(&r.end)), "size {size}: {pieces:?}");
        }
    }

    #[test]
    fn the_last_row_ends_outside_quotes() {
        let text = b"a,b\n\"x\ny\",2\nlast,\"4\n";
        assert_eq!((last_row_end(text, true), last_row_end(text, false)), (Some(12), Some(text.len())));
        assert_eq!((last_row_end(b"\"\n\n", true), last_row_end(b"a", false)), (None, None));
    }

    #[test]
    fn without_quotes_a_quote_is_a_letter() {
        let text = b"5\" pipe\n6\" pipe\n";
        assert_eq!(chunks(text, 4, false), [0..8, 8..16]);
        assert!(chunks(b"", 4, true).is_empty());
        assert_eq!(count_lines(text), 2);
    }
}
