//! TER: the edits that make a translation its reference, moving a block of words being one of them.
//!
//! ```text
//! TER = 100 * edits / reference words           edits = shifts + insertions + deletions + substitutions
//! ```
//!
//! The fewest edits with shifts are hard to find, so TER is what one greedy search finds: as long as some shift of up to 10
//! words, over at most 50, to where they stand in the reference, lowers the edit distance, the best one is made; and the
//! distance itself looks 25 words to both sides of the diagonal. The search *is* the definition, so its order and its
//! limits are those of the reference program. Of several references the fewest edits count, over their mean length.
//!
//! **Reference** M. Snover et al., *A study of translation edit rate with targeted human annotation*, AMTA 2006; Tercom;
//! sacreBLEU 2.6 `TER`, edits exactly, the rate to 1e-12.
//! **Differs from** sacreBLEU: not defined without any reference word (it says 0 or 100). **State** 0.6 kB. **Cost** per tried
//! shift the rows of the distance matrix from the first moved word on.

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use super::{
    pairs::TextPairs,
    ter_search::Search,
    tokenize::{Buffers, split},
    words::{WordIds, is_space},
};
use crate::{
    chunks::fold_chunks,
    exact_sum::ExactSum,
    metric::{Metric, MetricState, refused},
    value::{MetricValue, OrReason},
};

const CHUNK: usize = 16;

/// Settings of [`Ter`]; the defaults, all off, are sacreBLEU's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "four independent switches of Tercom")]
pub struct TerConfig {
    /// Whether entities are decoded and punctuation becomes words.
    pub normalized: bool,
    /// Whether punctuation is removed.
    pub no_punct: bool,
    /// Whether both of these also concern Chinese and Japanese, whose characters become words when normalized.
    pub asian_support: bool,
    /// Whether case matters.
    pub case_sensitive: bool,
}

/// TER of a corpus, 0 to 100 and beyond.
///
/// ```
/// use mtl_metrics::{Metric, text::{Ter, TerConfig, TextPairs}};
/// let ter = Ter::new(TerConfig::default());
/// let mut counts = Default::default();
/// // One block is moved:
/// ter.update(&mut counts, &TextPairs::new(&["on the mat a cat sat"], &["a cat sat on the mat"])?)?;
/// assert_eq!((counts.edits(), ter.compute(&counts).to_string().starts_with("16.6666")), (1, true));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Ter {
    config: TerConfig,
    name: String,
}

impl Ter {
    /// TER with these settings.
    #[must_use]
    pub fn new(config: TerConfig) -> Self {
        let mut name = String::from("ter");
        for (set, suffix) in [
            (config.normalized, "-norm"),
            (config.no_punct, "-nopunct"),
            (config.asian_support, "-asian"),
            (config.case_sensitive, "-case"),
        ] {
            if set {
                name.push_str(suffix);
            }
        }
        Self { config, name }
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &TerConfig {
        &self.config
    }

    fn tokens(&self, text: &str, buffers: &mut Buffers, ids: &mut WordIds) -> Vec<u32> {
        let text = text.trim_end_matches(is_space);
        let mut text = if self.config.case_sensitive { text.to_owned() } else { text.to_lowercase() };
        if self.config.normalized {
            text = normalize(&text, buffers);
            if self.config.asian_support {
                text = asian_apart(&text);
            }
        }
        if self.config.no_punct {
            let asian = self.config.asian_support;
            text.retain(|c| !(".,?:;!\"()".contains(c) || asian && is_asian_punctuation(c)));
        }
        let mut tokens = Vec::new();
        split(text.as_bytes(), |word| tokens.push(ids.id(word)));
        tokens
    }
}

/// Tercom's normalization of Western text.
fn normalize(text: &str, buffers: &mut Buffers) -> String {
    let text = text.replace("\n-", "").replace('\n', " ");
    let text = text.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    let room = buffers.text();
    room.clear();
    room.extend_from_slice(format!(" {text} ").as_bytes());
    buffers.separate_signs();
    let text = String::from_utf8_lossy(buffers.text()).replace("'s ", " 's ");
    let room = buffers.text();
    room.clear();
    room.extend_from_slice(text.as_bytes());
    buffers.separate_points();
    String::from_utf8_lossy(buffers.text()).into_owned()
}

fn asian_apart(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_asian(c) || is_asian_punctuation(c) {
            out.extend([' ', c, ' ']);
        } else {
            out.push(c);
        }
    }
    out
}

/// Ideographs, radicals, strokes and their compatibility forms (up to U+3F22, as Tercom's port has it); no kana.
fn is_asian(c: char) -> bool {
    matches!(u32::from(c),
        0x2e80..=0x2eff | 0x31c0..=0x31ef | 0x3200..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0xfe30..=0xfe4f)
}

fn is_asian_punctuation(c: char) -> bool {
    matches!(u32::from(c),
        0x3001 | 0x3002 | 0x3008..=0x3011 | 0x3014..=0x301f | 0xff61..=0xff65 | 0x30fb
        | 0xff0e | 0xff0c | 0xff1f | 0xff1a | 0xff1b | 0xff01 | 0xff02 | 0xff08 | 0xff09)
}

impl Metric for Ter {
    type Batch<'a> = TextPairs<'a>;
    type State = TerCounts;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, f64::INFINITY)
    }

    fn update(&self, state: &mut TerCounts, pairs: &TextPairs<'_>) -> Result<()> {
        let part: TerCounts = fold_chunks(pairs.len(), CHUNK, |range| {
            let mut counts = TerCounts::default();
            let (mut buffers, mut ids) = (Buffers::default(), WordIds::default());
            for idx in range {
                let (hypothesis, references) = pairs.get(idx);
                ids.clear();
                let hypothesis = self.tokens(hypothesis, &mut buffers, &mut ids);
                let (mut fewest, mut words) = (u64::MAX, 0);
                for reference in references {
                    let reference = self.tokens(reference, &mut buffers, &mut ids);
                    fewest = fewest.min(Search::edits(&hypothesis, &reference));
                    words += reference.len();
                }
                counts.edits += fewest;
                counts.reference_len.add(words as f64 / references.len() as f64);
                counts.texts += 1;
            }
            Ok(counts)
        })?;
        state.merge(&part).map_err(|reason| refused(&self.name, reason))
    }

    fn compute(&self, state: &TerCounts) -> MetricValue {
        let words = state.reference_len.value();
        if state.texts == 0 {
            MetricValue::undefined("no text", 0)
        } else if words == 0.0 {
            MetricValue::undefined("no word in any reference", state.texts)
        } else {
            MetricValue::defined(100.0 * (state.edits as f64 / words), state.texts)
        }
    }
}

/// Edits and words of a corpus.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TerCounts {
    edits: u64,
    /// Of several references the mean.
    reference_len: ExactSum,
    texts: u64,
}

impl TerCounts {
    /// Edits of all texts, shifts included.
    #[must_use]
    pub fn edits(&self) -> u64 {
        self.edits
    }
}

impl MetricState for TerCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let sums = (self.edits.checked_add(other.edits), self.texts.checked_add(other.texts));
        let (Some(edits), Some(texts)) = sums else { return Err("a count is beyond 64 bits".into()) };
        (self.edits, self.texts) = (edits, texts);
        self.reference_len.merge(&other.reference_len);
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let words = self.reference_len.value();
        let nothing = self.edits == 0 && words == 0.0;
        if words.is_finite() && words >= 0.0 && (self.texts > 0 || nothing) {
            Ok(())
        } else {
            Err("its counts contradict each other".into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ter(config: TerConfig, hypothesis: &str, references: &[&str]) -> (u64, MetricValue) {
        let (ter, mut counts) = (Ter::new(config), TerCounts::default());
        ter.update(&mut counts, &TextPairs::with_references(&[hypothesis], &[references]).unwrap()).unwrap();
        (counts.edits(), ter.compute(&counts))
    }

    #[test]
    fn the_best_of_several_over_their_mean_length() {
        let (edits, value) = ter(TerConfig::default(), "a b", &["A c d", "a b c d e"]);
        assert_eq!((edits, value.value), (2, Some(50.0)));
        let (edits, _) = ter(TerConfig { case_sensitive: true, ..TerConfig::default() }, "a b", &["A b"]);
        assert_eq!(edits, 1);
    }

    #[test]
    fn normalization() {
        let mut buffers = Buffers::default();
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(&normalize("it's 1,5 (&amp;) end.", &mut buffers)), "it 's 1,5 ( & ) end .");
        assert_eq!(
            words(&asian_apart("a\u{4f60}\u{597d}\u{3002}\u{3042}\u{3044}")),
            "a \u{4f60} \u{597d} \u{3002} \u{3042}\u{3044}"
        );
        let config = TerConfig { no_punct: true, ..TerConfig::default() };
        assert_eq!(ter(config, "a, b!", &["a b"]).0, 0);
        assert_eq!(Ter::new(config).name(), "ter-nopunct");
    }

    #[test]
    fn empty_texts() {
        assert_eq!(ter(TerConfig::default(), "a", &[""]).1.get(), Err("no word in any reference"));
        assert_eq!(ter(TerConfig::default(), "", &["a b"]).1.value, Some(100.0));
    }
}
