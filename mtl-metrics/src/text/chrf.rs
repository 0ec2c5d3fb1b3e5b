//! chrF and chrF++: F-score over n-grams of characters, and of words.
//!
//! ```text
//! P = mean_n matches_n / hypothesis_n     R = mean_n matches_n / reference_n     over orders that both texts have
//! chrF = 100 (1 + beta^2) P R / (beta^2 P + R)
//! ```
//!
//! Orders are 1 to 6 of characters without blanks and, for chrF++, 1 to 2 of words whose punctuation is set apart. Counts
//! are summed over the corpus; of several references the one with the best score of the sentence counts.
//!
//! **Reference** M. Popovic, *chrF: character n-gram F-score for automatic MT evaluation*, WMT 2015,
//! <https://aclanthology.org/W15-3049>, and *chrF++*, WMT 2017, <https://aclanthology.org/W17-4770>; sacreBLEU 2.6 `CHRF`,
//! to 1e-12.
//! **Differs from** sacreBLEU: not defined without text or without any reference n-gram (it says 0); word n-grams compare
//! word by word, where it joins words with blanks. **State** 24 bytes an order.

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::{
    ngrams::{NgramMatcher, OrderCounts},
    pairs::TextPairs,
    words::{WordIds, is_space, words},
};
use crate::{
    chunks::fold_chunks,
    metric::{Metric, MetricState, add_counts, refused},
    value::{MetricValue, OrReason},
};

const CHUNK: usize = 64;
/// The highest order of characters or words that can be asked for.
const MAX_ORDER: usize = 16;

/// Settings of [`Chrf`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChrfConfig {
    /// The highest order of character n-grams, 1 to 16; 6.
    pub char_order: usize,
    /// The highest order of word n-grams, 0 to 16: 0 for chrF, 2 for chrF++.
    pub word_order: usize,
    /// How much more recall counts than precision, above 0; 2.
    pub beta: f64,
    /// Whether texts are lower-cased first.
    pub lowercase: bool,
    /// Whether blanks are characters.
    pub whitespace: bool,
    /// The score as a mean over orders of smoothed F-scores, as chrF++.py, NLTK and Moses have it.
    pub eps_smoothing: bool,
}

impl Default for ChrfConfig {
    fn default() -> Self {
        Self { char_order: 6, word_order: 0, beta: 2.0, lowercase: false, whitespace: false, eps_smoothing: false }
    }
}

/// chrF of a corpus, 0 to 100.
///
/// ```
/// use mtl_metrics::{Metric, text::{Chrf, ChrfConfig, TextPairs}};
/// let chrf = Chrf::new(ChrfConfig { word_order: 2, ..ChrfConfig::default() })?;
/// let mut counts = Default::default();
/// chrf.update(&mut counts, &TextPairs::new(&["the cat sat."], &["the cat sat."])?)?;
/// assert_eq!((chrf.name(), chrf.compute(&counts).value), ("chrf++", Some(100.0)));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Chrf {
    config: ChrfConfig,
    name: String,
}

impl Chrf {
    /// chrF with these settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting outside its range.
    pub fn new(config: ChrfConfig) -> Result<Self> {
        let invalid = |field, expected: &str, found: String| {
            Err(Error::InvalidConfig { what: "chrf", field, expected: expected.into(), found })
        };
        if !(1..=MAX_ORDER).contains(&config.char_order) {
            return invalid("char_order", "1 to 16", config.char_order.to_string());
        }
        if config.word_order > MAX_ORDER {
            return invalid("word_order", "0 to 16", config.word_order.to_string());
        }
        if !(config.beta > 0.0 && config.beta.is_finite()) {
            return invalid("beta", "positive and finite", config.beta.to_string());
        }
        let mut name = format!("chrf{}", "+".repeat(config.word_order));
        if config.char_order != 6 {
            name = format!("{name}-{}gram", config.char_order);
        }
        for (set, suffix) in [(config.lowercase, "-lc"), (config.whitespace, "-space"), (config.eps_smoothing, "-eps")]
        {
            if set {
                name.push_str(suffix);
            }
        }
        Ok(Self { config, name })
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &ChrfConfig {
        &self.config
    }

    fn n_orders(&self) -> usize {
        self.config.char_order + self.config.word_order
    }

    /// The score of counts, 0 to 100.
    fn score(&self, orders: &[OrderCounts]) -> f64 {
        const EPS: f64 = 1e-16;
        let factor = self.config.beta * self.config.beta;
        let (mut precision, mut recall, mut sum, mut effective) = (0.0, 0.0, 0.0, 0_u32);
        for order in orders {
            let share = |n: u64| if n > 0 { order.matches as f64 / n as f64 } else { EPS };
            let (p, r) = (share(order.hypothesis), share(order.reference));
            let denominator = factor * p + r;
            sum += if denominator > 0.0 { (1.0 + factor) * p * r / denominator } else { EPS };
            if order.hypothesis > 0 && order.reference > 0 {
                precision += p;
                recall += r;
                effective += 1;
            }
        }
        if self.config.eps_smoothing {
            return 100.0 * sum / orders.len() as f64;
        }
        if precision + recall == 0.0 {
            return 0.0;
        }
        let (p, r) = (precision / f64::from(effective), recall / f64::from(effective));
        100.0 * ((1.0 + factor) * p * r / (factor * p + r))
    }
}

impl Metric for Chrf {
    type Batch<'a> = TextPairs<'a>;
    type State = ChrfCounts;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 100.0)
    }

    fn update(&self, state: &mut ChrfCounts, pairs: &TextPairs<'_>) -> Result<()> {
        let part: ChrfCounts = fold_chunks(pairs.len(), CHUNK, |range| {
            let mut counts = ChrfCounts { counts: vec![0; 3 * self.n_orders()], texts: 0 };
            let mut room = Room::default();
            for idx in range {
                let (hypothesis, references) = pairs.get(idx);
                let best = room.best(self, hypothesis, references);
                for (sums, order) in counts.counts.chunks_exact_mut(3).zip(best) {
                    for (sum, n) in sums.iter_mut().zip([order.hypothesis, order.reference, order.matches]) {
                        *sum += n;
                    }
                }
                counts.texts += 1;
            }
            Ok(counts)
        })?;
        state.merge(&part).map_err(|reason| refused(&self.name, reason))
    }

    fn compute(&self, state: &ChrfCounts) -> MetricValue {
        let orders = state.orders();
        if state.texts == 0 {
            MetricValue::undefined("no text", 0)
        } else if orders.iter().all(|order| order.reference == 0) {
            MetricValue::undefined("no character in any reference", state.texts)
        } else {
            MetricValue::defined(self.score(&orders), state.texts)
        }
    }
}

/// What is kept from text to text.
#[derive(Default)]
struct Room {
    ids: WordIds,
    matcher: NgramMatcher,
}

/// A text as numbers.
#[derive(Default)]
struct Tokens {
    chars: Vec<u32>,
    words: Vec<u32>,
}

impl Room {
    /// The counts against the reference that gives the best score, the first of equals.
    fn best(&mut self, chrf: &Chrf, hypothesis: &str, references: &[&str]) -> Vec<OrderCounts> {
        self.ids.clear();
        let hypothesis = self.tokens(&chrf.config, hypothesis);
        let mut best: Option<(f64, Vec<OrderCounts>)> = None;
        for reference in references {
            let reference = self.tokens(&chrf.config, reference);
            let mut orders = vec![OrderCounts::default(); chrf.n_orders()];
            let (of_chars, of_words) = orders.split_at_mut(chrf.config.char_order);
            self.matcher.count(&hypothesis.chars, &[&reference.chars], of_chars);
            self.matcher.count(&hypothesis.words, &[&reference.words], of_words);
            for order in orders.iter_mut().filter(|order| order.reference == 0) {
                // What no reference could match is not held against the hypothesis.
                order.hypothesis = 0;
            }
            let score = chrf.score(&orders);
            if best.as_ref().is_none_or(|(highest, _)| score > *highest) {
                best = Some((score, orders));
            }
        }
        best.map(|(_, orders)| orders).unwrap_or_default()
    }

    fn tokens(&mut self, config: &ChrfConfig, text: &str) -> Tokens {
        let lower = config.lowercase.then(|| text.to_lowercase());
        let text = lower.as_deref().unwrap_or(text);
        let chars = text.chars().filter(|&c| config.whitespace || !is_space(c)).map(u32::from).collect();
        let mut tokens = Tokens { chars, words: Vec::new() };
        if config.word_order > 0 {
            for word in words(text) {
                let (head, tail) = apart(word);
                tokens
                    .words
                    .extend([head, tail].iter().filter(|part| !part.is_empty()).map(|w| self.ids.id(w.as_bytes())));
            }
        }
        tokens
    }
}

/// A word with the punctuation at its end or else its start set apart; one part is empty when there is none.
fn apart(word: &str) -> (&str, &str) {
    if word.chars().nth(1).is_none() {
        (word, "")
    } else if word.ends_with(|c: char| c.is_ascii_punctuation()) {
        word.split_at(word.len() - 1)
    } else if word.starts_with(|c: char| c.is_ascii_punctuation()) {
        word.split_at(1)
    } else {
        (word, "")
    }
}

/// Counts of a corpus.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChrfCounts {
    /// By order, characters first: n-grams of hypotheses, of references, shared.
    counts: Vec<u64>,
    texts: u64,
}

impl ChrfCounts {
    fn orders(&self) -> Vec<OrderCounts> {
        let order = |c: &[u64]| OrderCounts { hypothesis: c[0], reference: c[1], matches: c[2] };
        self.counts.chunks_exact(3).map(order).collect()
    }
}

impl MetricState for ChrfCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        if other.counts.is_empty() {
            return Ok(());
        }
        if self.counts.is_empty() {
            self.clone_from(other);
            return Ok(());
        }
        if self.counts.len() != other.counts.len() {
            return Err(format!("{} orders cannot be merged with {}", self.counts.len() / 3, other.counts.len() / 3));
        }
        let texts = self.texts.checked_add(other.texts).ok_or("a count is beyond 64 bits")?;
        add_counts(&mut self.counts, &other.counts)?;
        self.texts = texts;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let fits = self.counts.len().is_multiple_of(3)
            && self.counts.len() <= 6 * MAX_ORDER
            && self.orders().iter().all(|order| order.matches <= order.hypothesis.min(order.reference));
        if fits { Ok(()) } else { Err("its n-gram counts contradict each other".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(config: ChrfConfig, hypothesis: &str, references: &[&str]) -> MetricValue {
        let chrf = Chrf::new(config).unwrap();
        let mut counts = ChrfCounts::default();
        chrf.update(&mut counts, &TextPairs::with_references(&[hypothesis], &[references]).unwrap()).unwrap();
        chrf.compute(&counts)
    }

    #[test]
    fn by_hand() {
        let config = ChrfConfig { char_order: 2, beta: 1.0, ..ChrfConfig::default() };
        // a b c against a b d d: 2/3 and 1/2 are right, 2/4 and 1/3 are found.
        let (p, r) = ((2.0 / 3.0 + 0.5) / 2.0, (0.5 + 1.0 / 3.0) / 2.0);
        let found = value(config.clone(), "a bc", &["ab dd"]).value.unwrap();
        assert!((found - 100.0 * 2.0 * p * r / (p + r)).abs() < 1e-12);
        // The reference that fits best counts.
        assert_eq!(value(config, "abc", &["xyz", "abc", "ab"]).value, Some(100.0));
    }

    #[test]
    fn punctuation_apart() {
        assert_eq!(apart("(hi)"), ("(hi", ")"));
        assert_eq!(apart("(hi"), ("(", "hi"));
        assert_eq!((apart("."), apart("h\u{e9}"), apart("\u{e9}!")), ((".", ""), ("h\u{e9}", ""), ("\u{e9}", "!")));
    }

    #[test]
    fn nothing_to_compare_with() {
        assert_eq!(value(ChrfConfig::default(), "a", &[" "]).get(), Err("no character in any reference"));
        assert_eq!(value(ChrfConfig::default(), "", &["a"]).value, Some(0.0));
        assert!(Chrf::new(ChrfConfig { beta: 0.0, ..ChrfConfig::default() }).is_err());
    }
}
