//! BLEU of a corpus: how many n-grams of the hypotheses are in the references.
//!
//! ```text
//! BLEU = 100 * BP * exp(mean_{n=1..N} ln p_n)        p_n = matches_n / totals_n, sums over the corpus
//! BP   = min(1, exp(1 - r / h))                      h, r: tokens of hypotheses, of the references closest in length
//! ```
//!
//! An n-gram matches as often as in the reference that has it most often. A `p_n` of 0 is smoothed as [`Smoothing`] says.
//!
//! **Reference** K. Papineni et al., *BLEU: a method for automatic evaluation of machine translation*, ACL 2002;
//! M. Post, *A call for clarity in reporting BLEU scores*, WMT 2018, <https://aclanthology.org/W18-6319>; sacreBLEU 2.6
//! `BLEU`, to 1e-12 for every tokenizer of [`Tokenizer`] and every smoothing method; smoothing after B. Chen and
//! C. Cherry, WMT 2014, <https://aclanthology.org/W14-3346>.
//! **Differs from** sacreBLEU: without any reference token BLEU is not defined (it says 0); n-gram counts are exact
//! integers and merge. **State** 8 (2 N + 3) bytes. **Cost** one table look-up per token and order.

use mtl_core::{Error, Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::{
    bleu_counts::{BleuCounts, MAX_ORDER},
    ngrams::{NgramMatcher, OrderCounts},
    pairs::TextPairs,
    tokenize::{Buffers, Tokenizer},
    words::WordIds,
};
use crate::{
    chunks::fold_chunks,
    metric::{Metric, MetricState, refused},
    value::{MetricValue, OrReason},
};

/// Texts that one thread takes at a time.
const CHUNK: usize = 256;

/// What becomes of an order without a match.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Smoothing {
    /// BLEU is 0 then.
    None,
    /// Its matches are this number (sacreBLEU's default: 0.1).
    Floor(f64),
    /// This number is added to matches and totals of all orders above 1 (sacreBLEU's default: 1).
    AddK(f64),
    /// Its matches are 1/2, those of the next such order 1/4, and so on: mteval-v13a.
    #[default]
    Exp,
}

impl Smoothing {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Floor(_) => "floor",
            Self::AddK(_) => "addk",
            Self::Exp => "exp",
        }
    }
}

/// Settings of [`Bleu`]; the defaults are sacreBLEU's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BleuConfig {
    /// How texts become tokens.
    pub tokenizer: Tokenizer,
    /// What becomes of an order without a match.
    pub smoothing: Smoothing,
    /// The highest order of n-grams, 1 to 16; 4.
    pub max_order: usize,
    /// Whether texts are lower-cased first.
    pub lowercase: bool,
    /// Whether only orders up to the longest hypothesis count: for single sentences.
    pub effective_order: bool,
}

impl Default for BleuConfig {
    fn default() -> Self {
        Self {
            tokenizer: Tokenizer::V13a,
            smoothing: Smoothing::Exp,
            max_order: 4,
            lowercase: false,
            effective_order: false,
        }
    }
}

/// BLEU of a corpus, 0 to 100.
///
/// ```
/// use mtl_metrics::{Metric, text::{Bleu, BleuConfig, TextPairs}};
/// let bleu = Bleu::new(BleuConfig::default())?;
/// let mut counts = Default::default();
/// bleu.update(&mut counts, &TextPairs::new(&["the cat sat on the mat."], &["the cat is on the mat."])?)?;
/// let report = bleu.report(&counts).unwrap();
/// assert_eq!((counts.matches(), counts.totals()), (&[6, 4, 2, 1][..], &[7, 6, 5, 4][..]));
/// assert!((report.score - 48.892302243490086).abs() < 1e-12);
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Bleu {
    config: BleuConfig,
    name: String,
}

impl Bleu {
    /// BLEU with these settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for an order outside 1 to 16 or a smoothing value that is not positive.
    pub fn new(config: BleuConfig) -> Result<Self> {
        if !(1..=MAX_ORDER).contains(&config.max_order) {
            return Err(Error::InvalidConfig {
                what: "bleu",
                field: "max_order",
                expected: format!("1 to {MAX_ORDER}"),
                found: config.max_order.to_string(),
            });
        }
        if let Smoothing::Floor(value) | Smoothing::AddK(value) = config.smoothing
            && !(value > 0.0 && value.is_finite())
        {
            return Err(Error::InvalidConfig {
                what: "bleu",
                field: "smoothing",
                expected: "positive and finite".into(),
                found: value.to_string(),
            });
        }
        let mut name = String::from("bleu");
        let standard = BleuConfig::default();
        if config.tokenizer != standard.tokenizer {
            name = format!("{name}-{}", config.tokenizer.name());
        }
        if config.smoothing != standard.smoothing {
            name = format!("{name}-{}", config.smoothing.name());
        }
        if config.max_order != standard.max_order {
            name = format!("{name}-{}gram", config.max_order);
        }
        if config.lowercase {
            name.push_str("-lc");
        }
        if config.effective_order {
            name.push_str("-eff");
        }
        Ok(Self { config, name })
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &BleuConfig {
        &self.config
    }

    /// The score with what it is made of.
    ///
    /// # Errors
    /// The reason why there is none: no text, or no token in any reference.
    pub fn report(&self, counts: &BleuCounts) -> OrReason<BleuReport> {
        if counts.texts == 0 {
            return Err("no text".into());
        }
        if counts.reference_len == 0 {
            return Err("no token in any reference".into());
        }
        let (h, r) = (counts.hypothesis_len as f64, counts.reference_len as f64);
        let brevity_penalty = match h {
            0.0 => 0.0,
            _ if h < r => (1.0 - r / h).exp(),
            _ => 1.0,
        };
        let precisions = self.precisions(counts);
        let orders = if self.config.effective_order {
            precisions.iter().take_while(|p| p.is_some()).count().max(1)
        } else {
            precisions.len()
        };
        // A precision that is not defined or 0 makes the mean of logarithms -infinity: BLEU is 0.
        let logs = precisions.iter().take(orders).map(|p| p.unwrap_or(0.0).ln());
        let score = if counts.matches.iter().all(|&n| n == 0) {
            0.0
        } else {
            brevity_penalty * (logs.sum::<f64>() / orders as f64).exp()
        };
        Ok(BleuReport {
            score,
            precisions: precisions.into_iter().map(|p| p.unwrap_or(0.0)).collect(),
            brevity_penalty,
            hypothesis_len: counts.hypothesis_len,
            reference_len: counts.reference_len,
        })
    }

    /// Smoothed precisions in percent; `None` from the first order on of which hypotheses have no n-gram.
    fn precisions(&self, counts: &BleuCounts) -> Vec<Option<f64>> {
        let mut precisions = Vec::with_capacity(counts.matches.len());
        let (mut ended, mut halves) = (false, 1.0);
        for (idx, (&matches, &total)) in counts.matches.iter().zip(&counts.totals).enumerate() {
            let (mut matches, mut total) = (matches as f64, total as f64);
            if let Smoothing::AddK(k) = self.config.smoothing
                && idx > 0
            {
                matches += k;
                total += k;
            }
            ended |= total == 0.0;
            if ended {
                precisions.push(None);
                continue;
            }
            precisions.push(Some(match self.config.smoothing {
                _ if matches > 0.0 => 100.0 * matches / total,
                Smoothing::Exp => {
                    halves *= 2.0;
                    100.0 / (halves * total)
                }
                Smoothing::Floor(value) => 100.0 * value / total,
                Smoothing::None | Smoothing::AddK(_) => 0.0,
            }));
        }
        precisions
    }
}

impl Metric for Bleu {
    type Batch<'a> = TextPairs<'a>;
    type State = BleuCounts;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 100.0)
    }

    fn update(&self, state: &mut BleuCounts, pairs: &TextPairs<'_>) -> Result<()> {
        let order = self.config.max_order;
        let part: BleuCounts = fold_chunks(pairs.len(), CHUNK, |range| {
            let mut counts = BleuCounts::new(order);
            let mut room = Room::default();
            for idx in range {
                let (hypothesis, references) = pairs.get(idx);
                room.add(&self.config, &mut counts, hypothesis, references);
            }
            Ok(counts)
        })?;
        state.merge(&part).map_err(|reason| refused(&self.name, reason))
    }

    fn compute(&self, state: &BleuCounts) -> MetricValue {
        match self.report(state) {
            Ok(report) => MetricValue::defined(report.score, state.texts),
            Err(reason) => MetricValue::undefined(reason, state.texts),
        }
    }
}

/// What is kept from text to text.
#[derive(Default)]
struct Room {
    buffers: Buffers,
    ids: WordIds,
    matcher: NgramMatcher,
    tokens: Vec<u32>,
}

impl Room {
    fn add(&mut self, config: &BleuConfig, counts: &mut BleuCounts, hypothesis: &str, references: &[&str]) {
        self.ids.clear();
        self.tokens.clear();
        let mut ends = Vec::with_capacity(references.len() + 1);
        for text in references.iter().copied().chain([hypothesis]) {
            let lower = config.lowercase.then(|| text.to_lowercase());
            let (tokens, ids) = (&mut self.tokens, &mut self.ids);
            config.tokenizer.for_each_token(lower.as_deref().unwrap_or(text), &mut self.buffers, |token| {
                tokens.push(ids.id(token));
            });
            ends.push(self.tokens.len());
        }
        let mut start = 0;
        let mut texts: Vec<&[u32]> = Vec::with_capacity(ends.len());
        for end in ends {
            texts.push(self.tokens.get(start..end).unwrap_or_default());
            start = end;
        }
        let hypothesis = texts.pop().unwrap_or_default();
        let mut orders = [OrderCounts::default(); MAX_ORDER];
        let orders = &mut orders[..counts.matches.len().min(MAX_ORDER)];
        self.matcher.count(hypothesis, &texts, orders);
        for ((matches, total), order) in counts.matches.iter_mut().zip(&mut counts.totals).zip(orders) {
            *matches += order.matches;
            *total += order.hypothesis;
        }
        let closest = texts.iter().map(|tokens| tokens.len()).min_by_key(|&len| (len.abs_diff(hypothesis.len()), len));
        counts.reference_len += closest.unwrap_or(0) as u64;
        counts.hypothesis_len += hypothesis.len() as u64;
        counts.texts += 1;
    }
}

/// A BLEU score with its parts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BleuReport {
    /// 0 to 100.
    pub score: f64,
    /// By order, in percent, smoothed; 0 where hypotheses have no such n-gram.
    pub precisions: Vec<f64>,
    /// 0 to 1.
    pub brevity_penalty: f64,
    /// Tokens of all hypotheses.
    pub hypothesis_len: u64,
    /// Tokens of the references that are closest in length, the shorter one of two.
    pub reference_len: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(config: BleuConfig, hypotheses: &[&str], references: &[&str]) -> f64 {
        let bleu = Bleu::new(config).unwrap();
        let mut counts = BleuCounts::default();
        bleu.update(&mut counts, &TextPairs::new(hypotheses, references).unwrap()).unwrap();
        bleu.compute(&counts).value.unwrap()
    }

    #[test]
    fn by_hand() {
        let config = BleuConfig { max_order: 2, tokenizer: Tokenizer::None, ..BleuConfig::default() };
        // 2 of 3 words, 1 of 2 pairs, one word too short.
        let want = 100.0 * (1.0 - 4.0 / 3.0_f64).exp() * (2.0 / 3.0 * 0.5_f64).sqrt();
        assert!((score(config.clone(), &["a b c"], &["a b d e"]) - want).abs() < 1e-12);
        // No pair matches: half a match.
        let want = 100.0 * (2.0 / 3.0 * 0.25_f64).sqrt();
        assert!((score(config, &["a b c"], &["b a d"]) - want).abs() < 1e-12);
    }

    #[test]
    fn the_closest_reference_gives_the_length() {
        let bleu = Bleu::new(BleuConfig::default()).unwrap();
        let mut counts = BleuCounts::default();
        let references = [["a b", "a b c d", "a b c d e f"]];
        bleu.update(&mut counts, &TextPairs::with_references(&["x y z"], &references).unwrap()).unwrap();
        assert_eq!((counts.hypothesis_len, counts.reference_len), (3, 2));
    }

    #[test]
    fn nothing_to_compare_with() {
        let bleu = Bleu::new(BleuConfig::default()).unwrap();
        let mut counts = BleuCounts::default();
        assert_eq!(bleu.compute(&counts).get(), Err("no text"));
        bleu.update(&mut counts, &TextPairs::new(&["a"], &[" "]).unwrap()).unwrap();
        assert_eq!(bleu.compute(&counts).get(), Err("no token in any reference"));
        assert!(score(BleuConfig::default(), &[""], &["a"]).abs() < 1e-300);
    }

    #[test]
    fn names_and_settings() {
        let config = BleuConfig { tokenizer: Tokenizer::Zh, smoothing: Smoothing::Floor(0.1), ..BleuConfig::default() };
        assert_eq!(Bleu::new(config).unwrap().name(), "bleu-zh-floor");
        assert!(Bleu::new(BleuConfig { max_order: 0, ..BleuConfig::default() }).is_err());
        assert!(Bleu::new(BleuConfig { smoothing: Smoothing::AddK(f64::NAN), ..BleuConfig::default() }).is_err());
    }
}
