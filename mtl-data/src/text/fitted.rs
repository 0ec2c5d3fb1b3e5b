//! What was learned of texts: vocabularies, and the labels that there can be.
//!
//! Vocabularies hold words of the samples that are learned from and of no others, so that a word which only validation or test
//! samples have is unknown there as it will be in use. Labels are those of the whole training file, of the lines that were cut from
//! it too: which answers there can be is part of the question.

use std::collections::HashSet;

use mtl_core::{
    input::{InputSpec, Length, Tokens},
    task::TaskName,
};
use serde::{Deserialize, Serialize};

use super::{Lines, TextLabel, Vocabulary};
use crate::{
    error::{Error, Result},
    info::{DataInfo, TaskInfo},
    table::label_text::sort,
};

/// Texts and tasks with what was learned of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedTexts {
    /// Whether letters are made small before words are looked up.
    pub lowercase: bool,
    /// The most words that a text may have; >= 1.
    pub max_length: i64,
    /// The texts of a sample, in order; at least one.
    pub inputs: Vec<FittedText>,
    /// The tasks, in order.
    pub tasks: Vec<TextTask>,
}

/// One of a sample's texts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FittedText {
    /// The name of the input.
    pub name: String,
    /// The words that it knows.
    pub vocabulary: Vocabulary,
}

/// A task whose labels are lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextTask {
    /// Its name.
    pub name: TaskName,
    /// What its lines are.
    pub kind: TextLabel,
    /// The labels in the order of their numbers.
    pub known: Vec<String>,
}

impl FittedText {
    /// Learns from the lines at `positions`: words that occur at least `min_count` times there, the most frequent first, of equally
    /// frequent ones in the order of the alphabet.
    ///
    /// # Errors
    /// [`Vocabulary::new`]'s.
    pub(crate) fn fit(name: &str, lines: &Lines, positions: &[u64], min_count: u64) -> Result<Self> {
        let counts = lines.counts(positions);
        let mut words: Vec<(&String, u64)> = lines.words.iter().zip(counts).collect();
        words.retain(|&(_, count)| count >= min_count.max(1));
        words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let vocabulary = Vocabulary::new(words.into_iter().map(|(word, _)| word.clone()).collect())?;
        Ok(Self { name: name.to_owned(), vocabulary })
    }

    /// The ids of a file's words, line after line.
    pub(crate) fn ids(&self, lines: &Lines) -> Vec<u32> {
        let by_code: Vec<u32> = lines.words.iter().map(|word| self.vocabulary.id(word)).collect();
        let id = |code: &u32| by_code.get(*code as usize).copied().unwrap_or(Vocabulary::UNKNOWN);
        lines.codes.iter().map(id).collect()
    }
}

impl TextTask {
    /// The labels of a file, `missing` ones left out: classes and tags in their order, words of sequences the most frequent first.
    ///
    /// # Errors
    /// [`Error::EmptyTask`] without a known label among the lines at `positions`; [`Error::OneClass`] where there is only one to
    /// choose from.
    pub(crate) fn fit(
        name: &TaskName,
        kind: TextLabel,
        lines: &Lines,
        positions: &[u64],
        missing: &[String],
    ) -> Result<Self> {
        let file = || lines.path.file_name().map_or_else(String::new, |f| f.to_string_lossy().into_owned());
        let is_known = |word: &String| !missing.contains(word);
        let learned = lines.words.iter().zip(lines.counts(positions));
        if !learned.into_iter().any(|(word, count)| count > 0 && is_known(word)) {
            return Err(Error::EmptyTask { path: lines.path.clone(), task: name.to_string(), column: file() });
        }
        let mut known: Vec<String> = lines.words.iter().filter(|word| is_known(word)).cloned().collect();
        match kind {
            TextLabel::Class | TextLabel::Tags => {
                sort(&mut known);
                if let [only] = known.as_slice() {
                    let (path, task, label) = (lines.path.clone(), name.to_string(), only.clone());
                    return Err(Error::OneClass { path, task, column: file(), label });
                }
            }
            TextLabel::Sequence => {
                let all: Vec<u64> = (0..lines.len() as u64).collect();
                let mut counted: Vec<(String, u64)> =
                    lines.words.iter().cloned().zip(lines.counts(&all)).filter(|(word, _)| is_known(word)).collect();
                counted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
                known = counted.into_iter().map(|(word, _)| word).collect();
            }
        }
        Ok(Self { name: name.clone(), kind, known })
    }

    /// Adds the labels that another file has and this task has not, in order of appearance; gives how many.
    pub(crate) fn add(&mut self, lines: &Lines, missing: &[String]) -> usize {
        let known: HashSet<&str> = self.known.iter().map(String::as_str).collect();
        let is_new = |word: &&String| !missing.contains(word) && !known.contains(word.as_str());
        let new: Vec<String> = lines.words.iter().filter(is_new).cloned().collect();
        let n = new.len();
        self.known.extend(new);
        n
    }
}

impl FittedTexts {
    /// The inputs: texts as ids, [`Vocabulary::PAD`] in the padding.
    ///
    /// # Errors
    /// `Duplicate` or `Input` for names that cannot be.
    pub fn inputs(&self) -> Result<InputSpec> {
        let tokens = |text: &FittedText| Tokens {
            vocabulary: text.vocabulary.size(),
            pad: Vocabulary::PAD.into(),
            unknown: Some(Vocabulary::UNKNOWN.into()),
            length: Length::Ragged(self.max_length),
        };
        Ok(InputSpec::new(self.inputs.iter().map(|text| (text.name.clone(), tokens(text).into())))?)
    }

    /// What encoders and heads need to know.
    ///
    /// # Errors
    /// As [`FittedTexts::inputs`].
    pub fn info(&self) -> Result<DataInfo> {
        let task = |task: &TextTask| TaskInfo { name: task.name.clone(), answer: task.kind.answer(&task.known) };
        Ok(DataInfo { inputs: self.inputs()?, tasks: self.tasks.iter().map(task).collect() })
    }

    /// Checks one that was read from a file.
    ///
    /// # Errors
    /// `InvalidConfig` without a text, or for a length that cannot be; those of [`FittedTexts::inputs`].
    pub fn validate(&self) -> Result<()> {
        if self.inputs.is_empty() {
            return Err(Error::config("fitted texts", "inputs", "at least one text", "none"));
        }
        Ok(self.inputs()?.validate()?)
    }

    /// The words of a text's ids; a word that the vocabulary does not have is `[unknown]`. Padding and inputs that are no texts have
    /// none.
    #[must_use]
    pub fn words(&self, input: &str, ids: &[i64]) -> Vec<&str> {
        let Some(text) = self.inputs.iter().find(|text| text.name == input) else { return Vec::new() };
        let own = ids.iter().filter(|&&id| id != i64::from(Vocabulary::PAD));
        own.map(|&id| text.vocabulary.word(id).unwrap_or("[unknown]")).collect()
    }

    /// Refuses a text with more words than there may be.
    pub(crate) fn too_long(&self, words: usize) -> Option<(String, String)> {
        let is_long = i64::try_from(words).map_or(true, |words| words > self.max_length);
        is_long.then(|| {
            let found = format!("{words} (raise max_length under [data] and train again: no text is cut)");
            (format!("at most {} words", self.max_length), found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Unit;

    fn lines(text: &str, unit: Unit) -> Lines {
        Lines::parse("t".as_ref(), text.as_bytes(), unit, false).unwrap()
    }

    #[test]
    fn only_lines_that_are_learned_from_are_known_words() {
        let text = lines("b a b\nc a\nd d d d\n", Unit::Word);
        let fitted = FittedText::fit("text", &text, &[0, 1], 1).unwrap();
        assert_eq!(fitted.vocabulary.words(), ["a", "b", "c"]);
        assert_eq!(fitted.ids(&text), [3, 2, 3, 4, 2, 1, 1, 1, 1]);
        assert_eq!(FittedText::fit("text", &text, &[0, 1], 2).unwrap().vocabulary.words(), ["a", "b"]);
        let all = FittedTexts { lowercase: false, max_length: 3, inputs: vec![fitted], tasks: Vec::new() };
        assert_eq!(all.words("text", &[2, 1, 4, 0, 0]).join(" "), "a [unknown] c");
        assert_eq!(all.inputs().unwrap().describe(), "text (text of tokens in 0..5, at most 3 long)");
        assert!(all.too_long(3).is_none() && all.too_long(4).is_some());
        assert!(FittedTexts { max_length: 0, ..all }.validate().is_err());
    }

    #[test]
    fn labels_are_those_of_the_whole_file_and_what_is_added_comes_last() {
        let name = TaskName::new("t").unwrap();
        let file = lines("b\n?\na\n", Unit::Line);
        let missing = vec!["?".to_owned()];
        let mut task = TextTask::fit(&name, TextLabel::Class, &file, &[0], &missing).unwrap();
        assert_eq!(task.known, ["a", "b"]);
        assert_eq!((task.add(&lines("a\n?\n0\n", Unit::Line), &missing), task.known.join(" ").as_str()), (1, "a b 0"));
        let e = TextTask::fit(&name, TextLabel::Class, &file, &[1], &missing).unwrap_err().to_string();
        assert!(e.contains("at least one known label"), "{e}");
        let e = TextTask::fit(&name, TextLabel::Tags, &lines("o o\no\n", Unit::Word), &[0, 1], &[]).unwrap_err();
        assert!(e.to_string().contains("only \"o\""), "{e}");
        let said = TextTask::fit(&name, TextLabel::Sequence, &lines("y x\nx\n", Unit::Word), &[0, 1], &[]).unwrap();
        assert_eq!(said.known, ["x", "y"]);
    }
}
