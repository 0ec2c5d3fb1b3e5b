//! Exact match and F1 of answers, as SQuAD defines them.
//!
//! ```text
//! EM = [normalize(said) = normalize(answer)]      F1: over the bags of tokens of both      the best of the true answers
//! ```
//!
//! English is lower-cased, loses ASCII punctuation and the words `a`, `an`, `the`, and is split at white space. Chinese
//! loses Unicode punctuation too, keeps articles, and every character U+4E00..U+9FA5 is a token.
//!
//! **Reference** P. Rajpurkar et al., *SQuAD: 100,000+ questions*, EMNLP 2016, evaluation script 2.0; for Chinese the
//! evaluation script of MLQA (P. Lewis et al., ACL 2020).
//! **Differs from** both: 0 to 1 and not 0 to 100. As in version 2.0 (not 1.1), two answers empty after normalization have
//! an F1 of 1. **State** 552 bytes.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::{
    chunks::fold_chunks,
    mean::ExactMean,
    metric::{Metric, MetricState, refused},
    text::{TextPairs, words::words},
    value::MetricValue,
};

const CHUNK: usize = 256;

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerMeasure {
    /// Whether an answer is right.
    ExactMatch,
    /// How much of it is.
    F1,
}

/// How answers are normalized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerLanguage {
    /// Words, without articles.
    #[default]
    English,
    /// Characters.
    Chinese,
}

/// Mean exact match or F1 of answers, 0 to 1.
///
/// ```
/// use mtl_metrics::{Metric, tags::{AnswerLanguage, AnswerMeasure, Squad}, text::TextPairs};
/// let f1 = Squad::new(AnswerMeasure::F1, AnswerLanguage::English);
/// let mut mean = Default::default();
/// f1.update(&mut mean, &TextPairs::new(&["The Eiffel Tower."], &["a tower"])?)?;
/// assert_eq!((f1.name(), f1.compute(&mean).value), ("squad-f1", Some(2.0 / 3.0)));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Squad {
    measure: AnswerMeasure,
    language: AnswerLanguage,
}

impl Squad {
    /// That measure of answers in that language.
    #[must_use]
    pub fn new(measure: AnswerMeasure, language: AnswerLanguage) -> Self {
        Self { measure, language }
    }

    fn score(&self, said: &[String], truth: &[String]) -> f64 {
        if self.measure == AnswerMeasure::ExactMatch || said.is_empty() || truth.is_empty() {
            return f64::from(u8::from(said == truth));
        }
        let (mut left, mut shared) = (truth.iter().collect::<Vec<_>>(), 0);
        for token in said {
            if let Some(at) = left.iter().position(|other| *other == token) {
                left.swap_remove(at);
                shared += 1;
            }
        }
        2.0 * f64::from(shared) / (said.len() + truth.len()) as f64
    }
}

impl AnswerLanguage {
    /// The tokens of an answer.
    #[must_use]
    pub fn tokens(self, answer: &str) -> Vec<String> {
        let lower = answer.to_lowercase();
        match self {
            Self::English => {
                let text: String = lower.chars().filter(|c| !c.is_ascii_punctuation()).collect();
                words(&without_articles(&text)).map(str::to_owned).collect()
            }
            Self::Chinese => {
                let mut text = String::new();
                for c in lower.chars().filter(|&c| !is_punctuation(c)) {
                    if ('\u{4e00}'..='\u{9fa5}').contains(&c) {
                        text.extend([' ', c, ' ']);
                    } else {
                        text.push(c);
                    }
                }
                words(&text).map(str::to_owned).collect()
            }
        }
    }
}

/// Blanks for the articles among the runs of letters and digits.
fn without_articles(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let of_word = is_word(first);
        let end = rest.find(|c| is_word(c) != of_word).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        out.push_str(if of_word && matches!(run, "a" | "an" | "the") { " " } else { run });
        rest = after;
    }
    out
}

/// What `\w` matches in Python.
fn is_word(c: char) -> bool {
    use GeneralCategoryGroup::{Letter, Number};
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii() && matches!(c.general_category_group(), Letter | Number)
}

fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation() || !c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Punctuation
}

impl Metric for Squad {
    type Batch<'a> = TextPairs<'a>;
    type State = ExactMean;

    fn name(&self) -> &'static str {
        match (self.measure, self.language) {
            (AnswerMeasure::ExactMatch, AnswerLanguage::English) => "squad-em",
            (AnswerMeasure::F1, AnswerLanguage::English) => "squad-f1",
            (AnswerMeasure::ExactMatch, AnswerLanguage::Chinese) => "squad-em-zh",
            (AnswerMeasure::F1, AnswerLanguage::Chinese) => "squad-f1-zh",
        }
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut ExactMean, pairs: &TextPairs<'_>) -> Result<()> {
        let part: ExactMean = fold_chunks(pairs.len(), CHUNK, |range| {
            let mut mean = ExactMean::default();
            for idx in range {
                let (said, answers) = pairs.get(idx);
                let said = self.language.tokens(said);
                let scores = answers.iter().map(|answer| self.score(&said, &self.language.tokens(answer)));
                mean.add(scores.fold(0.0, f64::max));
            }
            Ok(mean)
        })?;
        state.merge(&part).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &ExactMean) -> MetricValue {
        if state.n() == 0 { MetricValue::undefined("no answer", 0) } else { state.value() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalization() {
        let english = |text| AnswerLanguage::English.tokens(text).join(" ");
        assert_eq!(english("The  \"U.S.\"\u{2014}an A-1 a\u{2014}the_x"), "us\u{2014} a1 \u{2014}thex");
        assert_eq!(english("Theatre, a\u{e9} The"), "theatre a\u{e9}");
        let chinese = |text| AnswerLanguage::Chinese.tokens(text).join(" ");
        assert_eq!(chinese("\u{300a}\u{7ea2}\u{697c}\u{300b} The 1\u{ff0c}x"), "\u{7ea2} \u{697c} the 1x");
    }

    #[test]
    fn the_best_answer_counts() {
        let value = |measure, said: &str, answers: &[&str]| {
            let squad = Squad::new(measure, AnswerLanguage::English);
            let mut mean = ExactMean::default();
            squad.update(&mut mean, &TextPairs::with_references(&[said], &[answers]).unwrap()).unwrap();
            squad.compute(&mean).value
        };
        assert_eq!(value(AnswerMeasure::F1, "x x y", &["z", "x y y y", ""]), Some(4.0 / 7.0));
        assert_eq!(value(AnswerMeasure::ExactMatch, "The x!", &["z", "x"]), Some(1.0));
        assert_eq!(value(AnswerMeasure::F1, "the", &["", "z"]), Some(1.0));
        assert_eq!(value(AnswerMeasure::F1, "", &["z"]), Some(0.0));
    }
}
