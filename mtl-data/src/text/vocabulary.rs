//! Words by number.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, quoted};

/// The words that training texts hold: the most frequent has id 2, then the next; id 0 is padding, id 1 every word that is not
/// there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Vocabulary {
    words: Vec<String>,
    ids: HashMap<String, u32>,
}

impl Vocabulary {
    /// The id of padding.
    pub const PAD: u32 = 0;
    /// The id of words that training texts do not hold.
    pub const UNKNOWN: u32 = 1;
    /// The id of the first word.
    const FIRST: u32 = 2;

    /// The words in the order of their ids.
    ///
    /// # Errors
    /// `InvalidConfig` for a word that stands there twice, is empty or holds a blank, or for 2^31 words and more.
    pub fn new(words: Vec<String>) -> Result<Self> {
        let mut ids = HashMap::with_capacity(words.len());
        let limit = u32::try_from(i32::MAX).unwrap_or(u32::MAX);
        for (word, id) in words.iter().zip(Self::FIRST..) {
            let is_word = !word.is_empty() && !word.contains([' ', '\t', '\n', '\r']);
            if id >= limit || !is_word || ids.insert(word.clone(), id).is_some() {
                let expected = "words without blanks, each once";
                return Err(Error::config("vocabulary", "words", expected, quoted(word)));
            }
        }
        Ok(Self { words, ids })
    }

    /// How many ids there are, padding and the unknown word included.
    #[must_use]
    pub fn size(&self) -> i64 {
        self.words.len() as i64 + i64::from(Self::FIRST)
    }

    /// The id of a word.
    #[must_use]
    pub fn id(&self, word: &str) -> u32 {
        self.ids.get(word).copied().unwrap_or(Self::UNKNOWN)
    }

    /// The word of an id; `None` for padding, the unknown word and ids beyond the last.
    #[must_use]
    pub fn word(&self, id: i64) -> Option<&str> {
        let at = usize::try_from(id.checked_sub(i64::from(Self::FIRST))?).ok()?;
        self.words.get(at).map(String::as_str)
    }

    /// The words in the order of their ids.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

impl TryFrom<Vec<String>> for Vocabulary {
    type Error = Error;

    fn try_from(words: Vec<String>) -> Result<Self> {
        Self::new(words)
    }
}

impl From<Vocabulary> for Vec<String> {
    fn from(vocabulary: Vocabulary) -> Self {
        vocabulary.words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_begin_behind_padding_and_the_unknown_word() {
        let words = Vocabulary::new(vec!["to".into(), "from".into()]).unwrap();
        assert_eq!((words.id("to"), words.id("from"), words.id("via"), words.size()), (2, 3, 1, 4));
        assert_eq!([0, 1, 2, 3, 4, -1].map(|id| words.word(id)), [None, None, Some("to"), Some("from"), None, None]);
        let text = serde_json::to_string(&words).unwrap();
        assert_eq!((text.as_str(), serde_json::from_str::<Vocabulary>(&text).unwrap()), (r#"["to","from"]"#, words));
        for bad in [["a", "a"], ["a", ""], ["a", "b c"]] {
            assert!(Vocabulary::new(bad.map(str::to_owned).to_vec()).is_err());
        }
    }
}
