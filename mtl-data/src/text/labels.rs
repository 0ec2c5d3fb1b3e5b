//! Lines of labels: classes, tags, sequences.

use std::collections::HashMap;

use mtl_core::{
    answer::{Answer, AnswerTag, Cells, Labels},
    batch::MISSING_CLASS,
};
use serde::{Deserialize, Serialize};

use super::{FittedTexts, Lines, TextTask, Unit};
use crate::error::{Error, Result, list, quoted};

/// What the lines of a file of labels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TextLabel {
    /// One of several classes: the line.
    Class,
    /// A tag for each word of a text.
    Tags,
    /// Words to be said, one or more.
    Sequence,
}

impl TextLabel {
    /// What has a label of its own in a file of this kind.
    pub(crate) fn unit(self) -> Unit {
        match self {
            Self::Class => Unit::Line,
            Self::Tags | Self::Sequence => Unit::Word,
        }
    }

    /// The kind of answer.
    #[must_use]
    pub fn tag(self) -> AnswerTag {
        match self {
            Self::Class => AnswerTag::Class,
            Self::Tags => AnswerTag::Tags,
            Self::Sequence => AnswerTag::Sequence,
        }
    }

    pub(super) fn answer(self, known: &[String]) -> Answer {
        match self {
            Self::Class => Answer::class(known),
            Self::Tags => Answer::tags(known),
            Self::Sequence => Answer::sequence(known),
        }
    }

    /// What one label is called.
    fn noun(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Tags => "tag",
            Self::Sequence => "word",
        }
    }
}

impl FittedTexts {
    /// The labels of a file, in the order of its lines; `missing` are texts that mean "not known".
    ///
    /// # Errors
    /// [`Error::Line`] for a label that the task does not have.
    pub(crate) fn labels(&self, task: &TextTask, lines: &Lines, missing: &[String]) -> Result<Labels> {
        // Once for all words: sequences have as many as a language.
        let numbers: HashMap<&str, i64> = task.known.iter().map(String::as_str).zip(0..).collect();
        let index = |word: &String| match missing.contains(word) {
            true => Some(MISSING_CLASS),
            false => numbers.get(word.as_str()).copied(),
        };
        let by_code: Vec<Option<i64>> = lines.words.iter().map(index).collect();
        let mut cells = Vec::with_capacity(lines.codes.len());
        for line in 0..lines.len() {
            for &code in lines.line(line) {
                match by_code.get(code as usize).copied().flatten() {
                    Some(cell) => cells.push(cell),
                    None => return Err(unknown(task, lines, line, code)),
                }
            }
        }
        Ok(match task.kind {
            TextLabel::Class => Labels::indices(cells),
            TextLabel::Tags | TextLabel::Sequence => Labels::ragged(Cells::Index(cells), lines.offsets.clone(), &[])?,
        })
    }
}

fn unknown(task: &TextTask, lines: &Lines, line: usize, code: u32) -> Error {
    let expected = format!("a {} of task {}, one of {}", task.kind.noun(), task.name, list(&task.known));
    let found = format!(
        "{}, which the training file does not have; write new_labels = \"add\" under [data] to let it count as an error of the \
         model",
        quoted(lines.word(code))
    );
    lines.fault(line, expected, found)
}

/// Refuses tags that do not stand beside the words of a text.
///
/// # Errors
/// [`Error::Line`] naming the line of tags.
pub(crate) fn beside(tags: &Lines, text: &Lines) -> Result<()> {
    match (0..tags.len()).find(|&at| tags.line(at).len() != text.line(at).len()) {
        None => Ok(()),
        Some(at) => {
            let expected =
                format!("{} tags, one for each word of {}:{}", text.line(at).len(), text.path.display(), at + 1);
            Err(tags.fault(at, expected, tags.line(at).len().to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use mtl_core::task::TaskName;

    use super::*;

    /// More different words than can be looked for one by one.
    #[test]
    fn a_sequence_may_have_the_words_of_a_language() {
        const N: usize = 200_000;
        let text = |from: usize| (from..from + N).map(|i| format!("w{i:07}\n")).collect::<String>();
        let lines = |from| Lines::parse("t".as_ref(), text(from).as_bytes(), Unit::Word, false).unwrap();
        let (first, half_new) = (lines(0), lines(N / 2));
        let name = TaskName::new("said").unwrap();
        let mut task = TextTask::fit(&name, TextLabel::Sequence, &first, &[0], &[]).unwrap();
        let fitted = FittedTexts { lowercase: false, max_length: 1, inputs: Vec::new(), tasks: Vec::new() };
        let begin = Instant::now();
        let e = fitted.labels(&task, &half_new, &[]).unwrap_err().to_string();
        assert!(e.starts_with(&format!("t:{}: expected a word of task said", N / 2 + 1)), "{e}");
        assert_eq!(task.add(&half_new, &[]), N / 2);
        assert_eq!(fitted.labels(&task, &half_new, &[]).unwrap().len(), N);
        // One by one it takes far longer, on any machine.
        assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
    }
}
