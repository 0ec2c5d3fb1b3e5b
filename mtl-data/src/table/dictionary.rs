//! Texts to codes in order of first appearance: the inner loop of reading categorical columns.
//!
//! One arena holds all texts, one open-addressing table finds them, so that a chunk's dictionary costs three
//! allocations whatever the number of texts. The texts come from the user's own file; the hash is fast, not secret.

/// A set of texts, each with a code counted from 0.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dictionary {
    arena: Vec<u8>,
    /// End of each text in the arena; it starts where the one before ends.
    ends: Vec<usize>,
    /// Hash of each text, so that growing and most mismatches never look at the arena.
    hashes: Vec<u64>,
    /// Code + 1, or 0 for a free slot; the length is a power of two.
    slots: Vec<u32>,
}

impl Dictionary {
    /// The number of texts.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a code; empty for a code that was never given.
    pub(crate) fn get(&self, code: usize) -> &[u8] {
        let start = if code == 0 { 0 } else { self.ends.get(code - 1).copied().unwrap_or(0) };
        self.ends.get(code).and_then(|&end| self.arena.get(start..end)).unwrap_or_default()
    }

    /// The code of `text`, which is added when it is new.
    ///
    /// `None` when it is new and `accept` refuses it, or after 2^32 - 2 texts.
    pub(crate) fn code(&mut self, text: &[u8], accept: impl FnOnce(&[u8]) -> bool) -> Option<u32> {
        if self.ends.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let hash = hash(text);
        let slot = self.find(hash, text);
        if let Some(code) = self.slots[slot].checked_sub(1) {
            return Some(code);
        }
        let code = u32::try_from(self.ends.len()).ok().filter(|&c| c < u32::MAX - 1)?;
        if !accept(text) {
            return None;
        }
        self.arena.extend_from_slice(text);
        self.ends.push(self.arena.len());
        self.hashes.push(hash);
        self.slots[slot] = code + 1;
        Some(code)
    }

    /// The slot that holds `text`, or the free slot where it belongs.
    #[expect(clippy::cast_possible_truncation, reason = "the low bits of a hash choose the slot")]
    fn find(&self, hash: u64, text: &[u8]) -> usize {
        let last = self.slots.len() - 1;
        let mut slot = hash as usize & last;
        while let Some(code) = self.slots[slot].checked_sub(1) {
            let code = code as usize;
            if self.hashes[code] == hash && self.get(code) == text {
                break;
            }
            slot = (slot + 1) & last;
        }
        slot
    }

    #[expect(clippy::cast_possible_truncation, reason = "codes are below 2^32; the low bits of a hash choose the slot")]
    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        self.slots = vec![0; size];
        for (code, &hash) in self.hashes.iter().enumerate() {
            let mut slot = hash as usize & (size - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (size - 1);
            }
            self.slots[slot] = code as u32 + 1;
        }
    }
}

/// Multiply-and-fold over eight bytes at a time.
fn hash(text: &[u8]) -> u64 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |h: u64, word: u64| {
        let product = u128::from(h ^ word) * u128::from(K);
        #[expect(clippy::cast_possible_truncation, reason = "both halves of the product are used")]
        let folded = (product >> 64) as u64 ^ product as u64;
        folded
    };
    let (words, rest) = text.as_chunks::<8>();
    let mut h = K ^ text.len() as u64;
    for word in words {
        h = fold(h, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    fold(fold(h, u64::from_le_bytes(last)), K)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_count_first_appearances() {
        let mut d = Dictionary::default();
        let yes = |_: &[u8]| true;
        let codes: Vec<_> = ["b", "a", "b", "", "a"].map(|t| d.code(t.as_bytes(), yes).unwrap()).into();
        assert_eq!(codes, [0, 1, 0, 2, 1]);
        assert_eq!((d.len(), d.get(0), d.get(2), d.get(9)), (3, b"b".as_slice(), b"".as_slice(), b"".as_slice()));
        assert_eq!(d.code(b"new", |_| false), None);
        assert_eq!(d.len(), 3);
    }

    #[test]
    fn thousands_of_texts_keep_their_codes() {
        let mut d = Dictionary::default();
        let texts: Vec<_> = (0..5000).map(|i| format!("text number {i}")).collect();
        for (i, text) in texts.iter().enumerate() {
            assert_eq!(d.code(text.as_bytes(), |_| true), Some(u32::try_from(i).unwrap()));
        }
        for (i, text) in texts.iter().enumerate() {
            assert_eq!(d.code(text.as_bytes(), |_| false), Some(u32::try_from(i).unwrap()));
            assert_eq!(d.get(i), text.as_bytes());
        }
    }
}
