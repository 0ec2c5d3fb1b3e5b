//! Words as small numbers: white space, and the table that gives each distinct word of a text an id.
//!
//! N-grams, alignments and subsequences only ask whether two words are equal, and equal numbers are found faster than
//! equal strings. Words are compared whole, so ids are exact; the hash only says where to look.

use std::ops::Range;

/// White space as Python's `str.split` and `str.strip` see it: Unicode's, and the separators U+001C..U+001F.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

/// Bytes of the white space character at the start of `text` (UTF-8), 0 when there is none.
#[inline]
pub(crate) fn space_len(text: &[u8]) -> usize {
    match text {
        [0x09..=0x0d | 0x1c..=0x20, ..] => 1,
        [0xc2, 0x85 | 0xa0, ..] => 2,
        [0xe1, 0x9a, 0x80, ..]
        | [0xe2, 0x80, 0x80..=0x8a | 0xa8 | 0xa9 | 0xaf, ..]
        | [0xe2, 0x81, 0x9f, ..]
        | [0xe3, 0x80, 0x80, ..] => 3,
        _ => 0,
    }
}

/// The words of a text, split at white space.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// Gives each distinct word the next number, from 0.
#[derive(Debug, Default)]
pub(crate) struct WordIds {
    /// The distinct words one after another.
    text: Vec<u8>,
    known: Vec<(u64, Range<usize>)>,
    /// Ids plus 1, 0 where free; a power of two in length, at most half full.
    slots: Vec<u32>,
}

impl WordIds {
    /// Forgets every word, keeps the room.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.known.clear();
        self.slots.fill(0);
    }

    /// Distinct words so far.
    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// The number of a word.
    pub(crate) fn id(&mut self, word: &[u8]) -> u32 {
        if self.known.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = hash(word);
        let mut at = self.slot(hash);
        loop {
            match self.slots[at].checked_sub(1) {
                None => break,
                Some(id) => {
                    let (other, range) = &self.known[id as usize];
                    if *other == hash && &self.text[range.clone()] == word {
                        return id;
                    }
                }
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
        #[expect(clippy::cast_possible_truncation, reason = "a text of 2^32 distinct words does not fit into memory")]
        let id = self.known.len() as u32;
        let start = self.text.len();
        self.text.extend_from_slice(word);
        self.known.push((hash, start..self.text.len()));
        self.slots[at] = id + 1;
        id
    }

    fn slot(&self, hash: u64) -> usize {
        (hash >> 20) as usize & (self.slots.len() - 1)
    }

    fn grow(&mut self) {
        let len = (self.slots.len() * 2).max(256);
        self.slots.clear();
        self.slots.resize(len, 0);
        for id in 0..self.known.len() {
            let mut at = self.slot(self.known[id].0);
            while self.slots[at] != 0 {
                at = (at + 1) & (len - 1);
            }
            #[expect(clippy::cast_possible_truncation, reason = "see `id`")]
            let id = id as u32;
            self.slots[at] = id + 1;
        }
    }
}

/// A multiplicative hash of eight bytes at a time, its best bits in the middle.
fn hash(word: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = word.len() as u64;
    let mut chunks = word.chunks_exact(8);
    for chunk in &mut chunks {
        let part = chunk.iter().rev().fold(0, |part, &byte| part << 8 | u64::from(byte));
        hash = (hash.rotate_left(23) ^ part).wrapping_mul(FACTOR);
    }
    let rest = chunks.remainder().iter().rev().fold(0, |part, &byte| part << 8 | u64::from(byte));
    hash = (hash.rotate_left(23) ^ rest).wrapping_mul(FACTOR);
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_views_of_white_space_agree() {
        for c in (0..=0x10_ffff).filter_map(char::from_u32) {
            let mut bytes = [0; 4];
            let encoded = c.encode_utf8(&mut bytes).as_bytes();
            assert_eq!(space_len(encoded), if is_space(c) { c.len_utf8() } else { 0 }, "{c:?}");
        }
    }

    #[test]
    fn equal_words_have_equal_ids() {
        let mut ids = WordIds::default();
        for round in 0..2 {
            let words: Vec<String> = (0..3000).map(|i| format!("word{}", i % 1000)).collect();
            let found: Vec<u32> = words.iter().map(|word| ids.id(word.as_bytes())).collect();
            assert_eq!(found, (0..3000).map(|i| i % 1000).collect::<Vec<u32>>(), "round {round}");
            assert_eq!((ids.len(), ids.id(b""), ids.id(b"a much longer word")), (1000, 1000, 1001));
            ids.clear();
        }
    }
}
