//! A sequence of tokens, one after the other: a gated recurrent decoder that attends to the features.
//!
//! ```text
//! m_j   = token j of the features, k_j = W_k m_j                   [b, l, d], [b, l, w]     padding is hidden
//! s_0   = tanh(W_0 pool(features) + b_0),  a_0 = 0                 [b, w]
//! s_t   = GRU(W_x e(y_(t-1)) + W_f a_(t-1), s_(t-1))               [b, w]     y_0 the start
//! c_t   = sum_j softmax_j(s_t . k_j) m_j                           [b, d]     attention
//! a_t   = tanh(W_a [c_t; s_t] + b_a)                               [b, w]
//! p_t   = softmax(W_o drop(a_t) + b_o)                             [b, v + 1] the last one is the end
//!
//! sum   = - sum_{i, t known} log p_t(y_it),  t up to the end, which is a token like others
//! count = number of known tokens + of labeled sequences; with weights of samples both are weighted
//! ```
//! `v` tokens, `w` width of the state. In training `y_(t-1)` is the label (teacher forcing); an unknown one is passed on as the
//! start. In evaluation no label is looked at: the answer is searched for, by the most probable next token or by a beam of
//! hypotheses, which are ranked by `log p / length^alpha`, the end counted. All samples of a batch are searched at once, until all
//! have ended or are as long as the longest sequence of the training labels (`max_length` says otherwise).
//!
//! **Shapes** features as tokens `[b, l, d]`, a pooled vector is one token; labels `[b, t]` of `Int64`, -100 where unknown and in the
//! padding.
//!
//! **Reference** Luong, Pham, Manning, "Effective Approaches to Attention-based Neural Machine Translation", EMNLP 2015, global
//! attention with the score *general*, and input feeding; Cho et al., EMNLP 2014, for the cell; Wu et al., "Google's Neural Machine
//! Translation System", 2016, equation 14, for ranking by length.
//!
//! **Differs from** Luong: a GRU for the LSTM, one layer, started from the pooled features, which need not be those of a recurrent
//! encoder. From Wu: the length itself stands in the denominator, without the constant 5.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | settings, loss, the head |
//! | `network.rs` | parameters, one step, teacher forcing |
//! | `search.rs` | the most probable next token, and the beam |

mod network;
mod search;

use mtl_core::{
    Error, Result, TorchContext,
    answer::{Answer, Labels, Sequence},
    batch::{MISSING_CLASS, Target},
    context::Cx,
    label_stats::LabelStats,
    loss::TaskLoss,
    mode::Mode,
    params::Init,
    prediction::Prediction,
};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

use crate::{
    ask::{Ask, HeadNeeds},
    head::{Head, HeadOutput, HeadSpec},
    part::HeadPart,
    place::HeadPlace,
};
use network::{Memory, Network, Sizes};
use search::Search;

/// The name of what teacher forcing gave in a head's output.
const LOGITS: &str = "logits";
/// The longest answer where neither settings nor training labels say one.
const LONGEST: f64 = 100.0;

/// Settings of [`GruDecoderHead`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GruDecoderHeadConfig {
    /// Width of the state, >= 1; default 128.
    #[schemars(range(min = 1))]
    pub width: i64,
    /// Width of a token's embedding, >= 1; default 64.
    #[schemars(range(min = 1))]
    pub embedding: i64,
    /// Dropout before the output layer, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// Share of the label's mass spread over all tokens, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub label_smoothing: f64,
    /// Hypotheses kept in the search, >= 1; 1 takes the most probable next token; default 1.
    #[schemars(range(min = 1))]
    pub beam: i64,
    /// Hypotheses are ranked by their log probability over their length to this power, >= 0; 0 prefers short ones; default 1.
    #[schemars(range(min = 0.0))]
    pub length_normalization: f64,
    /// Tokens of the longest answer; 0 takes the longest sequence of the training labels; default 0.
    pub max_length: u32,
}

impl Default for GruDecoderHeadConfig {
    fn default() -> Self {
        Self {
            width: 128,
            embedding: 64,
            dropout: 0.0,
            label_smoothing: 0.0,
            beam: 1,
            length_normalization: 1.0,
            max_length: 0,
        }
    }
}

/// A recurrent decoder with attention.
#[derive(Debug)]
pub struct GruDecoderHead {
    spec: HeadSpec,
    network: Network,
    /// `[1]`: tokens of the longest answer, saved with the parameters.
    longest: Tensor,
    config: GruDecoderHeadConfig,
}

impl GruDecoderHead {
    /// The metrics that suit it; the first judges the task unless the user names another.
    pub const METRICS: &[&str] = &["exact-match", "token-error-rate"];

    /// A head for sequences of those tokens. How long answers may be is taken from the statistics of the training labels; without
    /// them it waits for weights to be loaded, and is 100 until then.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] without tokens or for a setting out of range.
    pub fn new(mut place: HeadPlace<'_>, sequence: &Sequence, config: &GruDecoderHeadConfig) -> Result<Self> {
        place.answer.check("gru-decoder head")?;
        let refuse = |field, expected: &str, found: String| {
            Err(Error::InvalidConfig { what: "gru-decoder head", field, expected: expected.into(), found })
        };
        for (field, value) in [("width", config.width), ("embedding", config.embedding), ("beam", config.beam)] {
            if value < 1 {
                return refuse(field, ">= 1", value.to_string());
            }
        }
        if !(0.0..1.0).contains(&config.label_smoothing) {
            return refuse("label_smoothing", "in [0, 1)", config.label_smoothing.to_string());
        }
        let alpha = config.length_normalization;
        if !(alpha.is_finite() && alpha >= 0.0) {
            return refuse("length_normalization", ">= 0", alpha.to_string());
        }
        let vocabulary = sequence.tokens.len() as i64;
        let sizes = Sizes { vocabulary, embedding: config.embedding, width: config.width, dropout: config.dropout };
        let network = Network::new(&mut place.scope, place.view, sizes)?;
        let longest = place.scope.buffer("longest", &[1], Init::Zeros)?;
        let seen = match place.labels {
            Some(LabelStats::Items { lengths, .. }) => lengths.spread.as_ref().map_or(LONGEST, |spread| spread.max()),
            Some(
                LabelStats::Class { .. }
                | LabelStats::MultiLabel { .. }
                | LabelStats::Values { .. }
                | LabelStats::Custom { .. },
            )
            | None => LONGEST,
        };
        {
            let _guard = tch::no_grad_guard();
            let _ = longest.shallow_clone().f_fill_(seen).op("longest sequence")?;
        }
        let needs = HeadNeeds { target: true, ..HeadNeeds::default() };
        let output = format!("first state [b, {}]; in training logits [b, t, {}] too", config.width, vocabulary + 1);
        let spec = HeadSpec { needs, ..place.spec("gru-decoder", output, Self::METRICS)? };
        Ok(Self { spec, network, longest, config: config.clone() })
    }

    /// Labels with the end behind the last token of each labeled sequence.
    ///
    /// # Shapes
    /// `[b, t]` to `[b, t + 1]`.
    fn with_end(&self, target: &Target) -> Result<Tensor> {
        let cells = target.cells();
        let end = self.network.vocabulary();
        let Some(lengths) = target.lengths() else { return self.not_ragged(cells) };
        let run = || {
            let nothing = cells.f_new_full([cells.size()[0], 1], MISSING_CLASS, (Kind::Int64, cells.device()))?;
            let known = cells.f_ne(MISSING_CLASS)?.f_any_dim(1, true)?; // [b, 1]
            let at = lengths.f_unsqueeze(1)?;
            let is_labeled = known.f_logical_or(&at.f_eq(0)?)?;
            let ends = nothing.f_masked_fill(&is_labeled, end)?;
            Tensor::f_cat(&[cells, &nothing], 1)?.f_scatter(1, &at, &ends)
        };
        run().op(format!("labels of task {}", self.spec.task))
    }

    fn not_ragged<T>(&self, found: &Tensor) -> Result<T> {
        Err(Error::Shape {
            op: format!("task {}", self.spec.task),
            tensor: "target",
            expected: "sequences with lengths".into(),
            found: found.size(),
        })
    }
}

impl HeadPart for GruDecoderHeadConfig {
    fn metrics(&self, _: &Answer) -> &'static [&'static str] {
        GruDecoderHead::METRICS
    }

    fn default_for(&self) -> Option<&'static str> {
        Some(Sequence::NAME)
    }

    fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        let Answer::Sequence(sequence) = place.answer else { return Err(place.refuses("gru-decoder")) };
        Ok(Box::new(GruDecoderHead::new(place, sequence, self)?))
    }
}

impl Head for GruDecoderHead {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    /// With a target it also runs the decoder on it, here and not in the loss: layers run where the tape and the precision of the
    /// pass are.
    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        let memory = self.network.attend(ask.features, ask.cx)?;
        let logits = match ask.target().filter(|_| ask.cx.mode() == Mode::Train) {
            Some(target) => {
                let labels = self.spec.accept_as(&[self.config.width], &memory.start, target)?;
                Some(self.network.taught(&memory, labels, ask.cx)?)
            }
            None => None,
        };
        let out = memory.into_output();
        Ok(match logits {
            Some(logits) => out.with(LOGITS, logits),
            None => out,
        })
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let labels = self.spec.accept_as(&[self.config.width], out.main(), target)?;
        let Some(sequences) = target.sample_mass() else { return self.not_ragged(labels) };
        let mass = target.mass() + sequences;
        if mass <= 0.0 {
            return Ok(TaskLoss::absent());
        }
        let logits = match out.extra(LOGITS) {
            Ok(logits) => logits.shallow_clone(),
            // In evaluation nothing was computed of the labels yet.
            Err(_) => self.network.taught(&Memory::of(out)?, labels, &Cx::new(Mode::Eval))?,
        };
        let labels = self.with_end(target)?; // [b, t + 1]
        let op = || format!("loss of task {}", self.spec.task);
        let classes = self.network.vocabulary() + 1;
        let (flat, flat_labels) = (logits.f_reshape([-1, classes]).op(op())?, labels.f_reshape([-1]).op(op())?);
        let loss = |how| {
            let smoothing = self.config.label_smoothing;
            flat.f_cross_entropy_loss(&flat_labels, None::<Tensor>, how, MISSING_CLASS, smoothing).op(op())
        };
        let sum = match target.weights() {
            None => loss(Reduction::Sum)?,
            Some(_) => {
                let losses = loss(Reduction::None)?.f_view_as(&labels).op(op())?;
                self.spec.weighted_sum(&losses, target)?
            }
        };
        Ok(TaskLoss::new(sum, mass))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        let _guard = tch::no_grad_guard();
        let memory = Memory::of(&out.to_kind(self.network.kind())?)?;
        let max_length = match self.config.max_length {
            #[expect(clippy::cast_possible_truncation, reason = "a number of tokens")]
            0 => f64::try_from(&self.longest).op("longest sequence")? as i64,
            given => i64::from(given),
        };
        let search = Search { network: &self.network, max_length, alpha: self.config.length_normalization };
        let found = if self.config.beam == 1 { search.greedy(&memory) } else { search.beam(&memory, self.config.beam) };
        Ok(Prediction::Sequence { tokens: Labels::lists(&found?) })
    }
}

#[cfg(test)]
mod tests;
