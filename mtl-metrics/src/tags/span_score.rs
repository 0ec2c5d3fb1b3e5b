//! Precision, recall and F1 over spans: named entities, slots, arguments.
//!
//! ```text
//! P = found / said     R = found / true     F1 = 2 found / (said + true)      found: equal in start, end and type
//!
//! micro: over all types; macro: mean over types that occur; weighted: mean by number of true spans
//! ```
//!
//! As named in files, `span-f1@scheme=auto,mode=conll,average=micro`, the usual values left out: **`span-f1` is the F1 of
//! `conlleval.pl`**, which is micro over chunks read leniently ([`SpanMode::Conll`]); there in percent, here 0 to 1. `auto` tells BIO
//! and BIOES by their letters. Names that spell no spans are refused where the metric meets its task.
//!
//! Items without a known tag are left out of both sequences before spans are read, so that their neighbors touch: right for pieces
//! of words, of which the first carries the tag. With weights of samples a span counts by its sample's.
//!
//! **Reference** E. Tjong Kim Sang and S. Buchholz, CoNLL-2000, `conlleval.pl`; seqeval 1.2.2 `precision_score`, `recall_score`, `f1_score`, default and strict mode, to 1e-12.
//! **Differs from** seqeval: precision without a said span, recall without a true one, and F1 with neither are not defined
//! (0 there, and in conlleval) and averages leave them out. **State** three counts a type.

use mtl_core::{
    Error, Result,
    answer::Answer,
    metric::{Direction, Setting, Settings},
};
use serde::{Deserialize, Serialize};

use super::{
    pairs::{TagPairs, in_sequence},
    tag_set::{Scheme, SpanMode, TagSet},
};
use crate::{
    chunks::fold_chunks,
    metric::{Metric, MetricState, refused},
    value::{MetricValue, OrReason},
    weight::Tally,
};

const CHUNK: usize = 256;

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpanMeasure {
    /// Share of said spans that are true.
    Precision,
    /// Share of true spans that were said.
    Recall,
    /// Their harmonic mean.
    #[default]
    F1,
}

/// How types are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SpanAverage {
    /// All spans alike.
    #[default]
    Micro,
    /// All types alike.
    Macro,
    /// Types by their number of true spans.
    Weighted,
}

/// A score over spans, 0 to 1.
///
/// ```
/// use mtl_metrics::{Metric, tags::{Scheme, SpanAverage, SpanMeasure, SpanMode, SpanScore, TagPairs, TagSet}};
/// let tags = TagSet::new(&["O", "B-PER", "I-PER"], Scheme::Bio)?;
/// let f1 = SpanScore::new(tags, SpanMode::Conll, SpanMeasure::F1, SpanAverage::Micro);
/// let mut counts = Default::default();
/// f1.update(&mut counts, &TagPairs::new(&[[1, 2, 0, 1]], &[[1, 2, 0, 0]])?)?;
/// assert_eq!((f1.name(), f1.compute(&counts).value), ("span-f1", Some(2.0 / 3.0)));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SpanScore {
    /// None before it is known what is answered.
    tags: Option<TagSet>,
    /// How the names of an answer spell spans; told by their letters where it is not said.
    scheme: Option<Scheme>,
    mode: SpanMode,
    measure: SpanMeasure,
    average: SpanAverage,
    name: String,
}

impl SpanScore {
    /// What can be set in its name.
    pub const SETTINGS: &'static [Setting] = &[
        Setting::words("scheme", &["auto", "bio", "bioes", "iob1"]),
        Setting::words("mode", &["conll", "strict"]),
        Setting::words("average", &["micro", "macro", "weighted"]),
    ];

    /// That measure over spans spelled by these tags.
    #[must_use]
    pub fn new(tags: TagSet, mode: SpanMode, measure: SpanMeasure, average: SpanAverage) -> Self {
        Self { tags: Some(tags), ..Self::of_names(None, mode, measure, average) }
    }

    /// That measure over spans spelled by the names of an answer, which it is told before the first batch
    /// ([`Metric::for_answer`]).
    #[must_use]
    pub fn of_names(scheme: Option<Scheme>, mode: SpanMode, measure: SpanMeasure, average: SpanAverage) -> Self {
        let measured = match measure {
            SpanMeasure::Precision => "precision",
            SpanMeasure::Recall => "recall",
            SpanMeasure::F1 => "f1",
        };
        let schemed = match scheme {
            None => "",
            Some(Scheme::Bio) => "scheme=bio",
            Some(Scheme::Bioes) => "scheme=bioes",
            Some(Scheme::Iob1) => "scheme=iob1",
        };
        let strict = if mode == SpanMode::Strict { "mode=strict" } else { "" };
        let averaged = match average {
            SpanAverage::Micro => "",
            SpanAverage::Macro => "average=macro",
            SpanAverage::Weighted => "average=weighted",
        };
        let set: Vec<&str> = [schemed, strict, averaged].into_iter().filter(|word| !word.is_empty()).collect();
        let at = if set.is_empty() { "" } else { "@" };
        Self { tags: None, scheme, mode, measure, average, name: format!("span-{measured}{at}{}", set.join(",")) }
    }

    /// As a name sets it.
    pub(crate) fn of_settings(measure: SpanMeasure, settings: &Settings) -> Self {
        let scheme = match settings.word("scheme") {
            "bio" => Some(Scheme::Bio),
            "bioes" => Some(Scheme::Bioes),
            "iob1" => Some(Scheme::Iob1),
            _ => None,
        };
        let mode = if settings.word("mode") == "strict" { SpanMode::Strict } else { SpanMode::Conll };
        let average = match settings.word("average") {
            "macro" => SpanAverage::Macro,
            "weighted" => SpanAverage::Weighted,
            _ => SpanAverage::Micro,
        };
        Self::of_names(scheme, mode, measure, average)
    }

    fn tags(&self) -> Result<&TagSet> {
        self.tags.as_ref().ok_or_else(|| Error::InvalidConfig {
            what: "metric",
            field: "answer",
            expected: format!("known, with its tags, before {} counts spans", self.name),
            found: "none".into(),
        })
    }

    /// All measures of every type, in the order of [`TagSet::types`].
    #[must_use]
    pub fn report(&self, counts: &SpanCounts) -> Vec<TypeReport> {
        let report = |(kind, name): (usize, &String)| {
            let spans = counts.of_type(kind);
            TypeReport {
                name: name.clone(),
                precision: spans.measure(SpanMeasure::Precision),
                recall: spans.measure(SpanMeasure::Recall),
                f1: spans.measure(SpanMeasure::F1),
                counts: counts.items(kind),
            }
        };
        let types = self.tags.as_ref().map(TagSet::types).unwrap_or_default();
        types.iter().enumerate().take(counts.n_types()).map(report).collect()
    }
}

impl Metric for SpanScore {
    type Batch<'a> = TagPairs<'a>;
    type State = SpanCounts;
    const STATE_VERSION: u16 = 2;

    fn name(&self) -> &str {
        &self.name
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn for_answer(&self, answer: &Answer) -> Result<Self> {
        let Answer::Tags(tags) = answer else { return Ok(self.clone()) }; // whoever judges other answers refuses them by kind
        let read = match self.scheme {
            None => TagSet::told(&tags.tags),
            Some(scheme) => TagSet::new(&tags.tags, scheme),
        };
        let spans = read.ok().filter(|set| !set.types().is_empty());
        let tags = spans.ok_or_else(|| Error::InvalidConfig {
            what: "metric",
            field: "tags",
            expected: format!("names that spell spans (O, B-.., I-..) for {}; tag-accuracy needs none", self.name),
            found: tags.tags.iter().take(6).cloned().collect::<Vec<_>>().join(", "),
        })?;
        Ok(Self { tags: Some(tags), ..self.clone() })
    }

    fn update(&self, state: &mut SpanCounts, pairs: &TagPairs<'_>) -> Result<()> {
        let tags = self.tags()?;
        let n_types = tags.types().len();
        let part: SpanCounts = fold_chunks(pairs.len(), CHUNK, |range| {
            let mut counts = SpanCounts { cells: Tally::new(CELLS * n_types) };
            for idx in range {
                let ((said, truth), weight) = (pairs.known(idx), pairs.weight(idx));
                let spans =
                    |classes: &[i64]| tags.spans(classes, self.mode).map_err(|e| in_sequence(e, &self.name, idx));
                let (said, truth) = (spans(&said)?, spans(&truth)?);
                for span in &said {
                    counts.cells.add(CELLS * span.kind + SAID, weight);
                    // Both lists are sorted.
                    if truth.binary_search(span).is_ok() {
                        counts.cells.add(CELLS * span.kind + FOUND, weight);
                    }
                }
                truth.iter().for_each(|span| counts.cells.add(CELLS * span.kind + TRUTH, weight));
            }
            Ok(counts)
        })?;
        state.merge(&part).map_err(|reason| refused(&self.name, reason))
    }

    fn compute(&self, state: &SpanCounts) -> MetricValue {
        let types = || (0..state.n_types()).map(|kind| state.of_type(kind));
        let all = types().fold(Spans::default(), |sum, spans| Spans {
            said: sum.said + spans.said,
            truth: sum.truth + spans.truth,
            found: sum.found + spans.found,
        });
        let support = (0..state.n_types()).fold(0u64, |sum, kind| sum.saturating_add(state.items(kind).truth));
        let micro = match all.measure(self.measure) {
            Ok(value) => MetricValue::defined(value, support),
            Err(reason) => return MetricValue::undefined(reason, support),
        };
        let types = || types().filter(|spans| spans.said + spans.truth > 0.0);
        match self.average {
            SpanAverage::Micro => micro,
            SpanAverage::Macro => {
                let parts: Vec<_> = types().map(|spans| spans.measure(self.measure)).collect();
                MetricValue::average(&parts, "type", support)
            }
            SpanAverage::Weighted => {
                let parts = types().filter_map(|spans| Some((spans.truth, spans.measure(self.measure).ok()?)));
                let (weight, sum) = parts.fold((0.0, 0.0), |(weight, sum), (n, x)| (weight + n, sum + n * x));
                if weight <= 0.0 {
                    return MetricValue::undefined("no true span", support);
                }
                MetricValue::defined(sum / weight, support)
            }
        }
    }
}

/// Spans of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TypeCounts {
    /// Spans predicted.
    pub said: u64,
    /// Spans that are true.
    pub truth: u64,
    /// Spans that are both.
    pub found: u64,
}

/// The weight of the spans of one type, or of all.
#[derive(Debug, Clone, Copy, Default)]
struct Spans {
    said: f64,
    truth: f64,
    found: f64,
}

impl Spans {
    fn measure(self, measure: SpanMeasure) -> OrReason<f64> {
        let (found, of, missing) = match measure {
            SpanMeasure::Precision => (self.found, self.said, "no predicted span"),
            SpanMeasure::Recall => (self.found, self.truth, "no true span"),
            SpanMeasure::F1 => (2.0 * self.found, self.said + self.truth, "no span"),
        };
        if of > 0.0 { Ok(found / of) } else { Err(missing.to_owned()) }
    }
}

/// All measures of one type; each is the reason where it is not defined.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeReport {
    /// The type.
    pub name: String,
    /// Share of predicted spans that are true.
    pub precision: OrReason<f64>,
    /// Share of true spans that were predicted.
    pub recall: OrReason<f64>,
    /// Their harmonic mean.
    pub f1: OrReason<f64>,
    /// How many spans these are of, whatever their weight.
    pub counts: TypeCounts,
}

/// Spans by type: three cells each.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SpanCounts {
    cells: Tally,
}

const SAID: usize = 0;
const TRUTH: usize = 1;
const FOUND: usize = 2;
const CELLS: usize = 3;

impl SpanCounts {
    fn n_types(&self) -> usize {
        self.cells.len() / CELLS
    }

    fn of_type(&self, kind: usize) -> Spans {
        let of = |cell| self.cells.value(CELLS * kind + cell);
        Spans { said: of(SAID), truth: of(TRUTH), found: of(FOUND) }
    }

    fn items(&self, kind: usize) -> TypeCounts {
        let of = |cell| self.cells.items().get(CELLS * kind + cell).copied().unwrap_or(0);
        TypeCounts { said: of(SAID), truth: of(TRUTH), found: of(FOUND) }
    }
}

impl MetricState for SpanCounts {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let (ours, theirs) = (self.n_types(), other.n_types());
        if ours > 0 && theirs > 0 && ours != theirs {
            return Err(format!("{ours} types cannot be merged with {theirs}"));
        }
        self.cells.merge(&other.cells)
    }

    fn check(&self) -> OrReason<()> {
        self.cells.check()?;
        let fits = |kind: usize| {
            let (counts, spans) = (self.items(kind), self.of_type(kind));
            counts.found <= counts.said.min(counts.truth) && spans.found <= spans.said.min(spans.truth)
        };
        let whole = self.cells.len().is_multiple_of(CELLS) && (0..self.n_types()).all(fits);
        if whole { Ok(()) } else { Err("its counts contradict each other".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tags::Scheme;

    fn value(measure: SpanMeasure, average: SpanAverage, said: &[i64], truth: &[i64]) -> MetricValue {
        let tags = TagSet::new(&["O", "B-X", "I-X", "B-Y", "I-Y"], Scheme::Bio).unwrap();
        let score = SpanScore::new(tags, SpanMode::Conll, measure, average);
        let mut counts = SpanCounts::default();
        score.update(&mut counts, &TagPairs::new(&[said], &[truth]).unwrap()).unwrap();
        score.compute(&counts)
    }

    #[test]
    fn averages_by_hand() {
        // X: 1 of 1 said, 1 of 2 true. Y: 0 of 1 said, none true.
        let (said, truth) = ([1, 2, 0, 0, 3], [1, 2, 0, 1, 0]);
        let f1 = |average| value(SpanMeasure::F1, average, &said, &truth).value.unwrap();
        assert_eq!((f1(SpanAverage::Micro), f1(SpanAverage::Macro)), (0.5, 1.0 / 3.0));
        assert!((f1(SpanAverage::Weighted) - 2.0 / 3.0).abs() < 1e-15);
        let recall = value(SpanMeasure::Recall, SpanAverage::Macro, &said, &truth);
        assert_eq!((recall.value, recall.parts, recall.left_out), (Some(0.5), 2, 1));
    }

    #[test]
    fn nothing_said_or_true() {
        assert_eq!(value(SpanMeasure::F1, SpanAverage::Macro, &[0], &[0]).get(), Err("no span"));
        assert_eq!(value(SpanMeasure::Precision, SpanAverage::Micro, &[0], &[1]).get(), Err("no predicted span"));
        assert_eq!(value(SpanMeasure::F1, SpanAverage::Weighted, &[1], &[0]).get(), Err("no true span"));
        // A token without a true tag does not exist: 1 2 is one span for both.
        assert_eq!(value(SpanMeasure::F1, SpanAverage::Micro, &[1, 0, 2], &[1, -100, 2]).value, Some(1.0));
    }

    /// A transcript that was counted by hand by the rules of `conlleval.pl`: its lines `token gold said` in comments.
    #[test]
    fn as_conlleval_counts() {
        let tags = TagSet::told(&["O", "B-from", "I-from", "B-to", "I-to"]).unwrap();
        let classes = |text: &str| tags.classes(&text.split(' ').collect::<Vec<_>>()).unwrap();
        // Gold chunks: from 1-2, to 4; said: from 1, from 2 (B again), to 4. An I after O begins one: said I-to at 4.
        let first = (classes("O B-from B-from O I-to"), classes("O B-from I-from O B-to"));
        // Gold: to 0-1, to 2. Said: to 0, from 1 (another type begins one), to 2. Of two equal in start and end one differs in type.
        let second = (classes("B-to I-from B-to"), classes("B-to I-to B-to"));
        // A sentence ends a chunk: nothing runs over to the next.
        let third = (classes("I-to"), classes("B-to"));
        let (said, truth): (Vec<_>, Vec<_>) = [first, second, third].into_iter().unzip();
        let pairs = TagPairs::new(&said, &truth).unwrap();
        let score = |measure| {
            let score = SpanScore::new(tags.clone(), SpanMode::Conll, measure, SpanAverage::Micro);
            let mut counts = SpanCounts::default();
            score.update(&mut counts, &pairs).unwrap();
            (score.compute(&counts).value.unwrap(), score.report(&counts))
        };
        // 9 tokens, 5 chunks; 7 found, 3 of them right: the last one of each sentence.
        let ((precision, report), (recall, _), (f1, _)) =
            (score(SpanMeasure::Precision), score(SpanMeasure::Recall), score(SpanMeasure::F1));
        assert_eq!((precision, recall, f1), (3.0 / 7.0, 3.0 / 5.0, 0.5));
        assert_eq!(report[0].counts, TypeCounts { said: 3, truth: 1, found: 0 });
        assert_eq!((report[1].name.as_str(), report[1].counts), ("to", TypeCounts { said: 4, truth: 4, found: 3 }));
    }

    #[test]
    fn names_come_from_the_answer() {
        let named = |name: &str| crate::build(name).unwrap();
        for name in ["span-f1", "span-f1@scheme=iob1,mode=strict,average=macro", "span-recall@average=weighted"] {
            assert_eq!(named(name).name(), name);
        }
        let mut f1 = named("span-f1");
        let e = f1.set_answer(&Answer::tags(["NOUN", "VERB"])).unwrap_err().to_string();
        let want = "metric: tags must be names that spell spans (O, B-.., I-..) for span-f1; tag-accuracy needs none, found NOUN, VERB";
        assert_eq!(e, want);
        assert!(named("span-f1@scheme=bio").set_answer(&Answer::tags(["O", "S-x"])).is_err());
        f1.set_answer(&Answer::tags(["O", "S-x"])).unwrap();
        assert!(crate::build("span-f1@mode=lax").is_err());
    }

    #[test]
    fn a_sample_of_weight_two_is_two() {
        let tags = TagSet::new(&["O", "B-X"], Scheme::Bio).unwrap();
        let score = SpanScore::new(tags, SpanMode::Conll, SpanMeasure::F1, SpanAverage::Micro);
        let (said, truth) = ([[1, 0], [1, 0]], [[1, 0], [0, 1]]);
        let value = |weights: &[f32]| {
            let pairs = TagPairs::new(&said, &truth).unwrap().with_weights(weights).unwrap();
            let mut counts = SpanCounts::default();
            score.update(&mut counts, &pairs).unwrap();
            score.compute(&counts).value
        };
        assert_eq!(
            (value(&[1.0, 1.0]), value(&[2.0, 1.0]), value(&[1.0, 0.0])),
            (Some(0.5), Some(2.0 / 3.0), Some(1.0))
        );
    }
}
