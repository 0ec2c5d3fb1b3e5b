//! Many fully connected networks at once that share their weights: a parameter-efficient ensemble over a table's row.
//!
//! ```text
//! x_m  = row                                             [b, i], numbers as they are or embedded, codes as learned vectors, for every member m
//! x_m <- drop(act(s_m * (W (r_m * x_m)) + b_m))          once a layer; one W for all members, r, s, b of each
//! ```
//! Stages `layer0`, `layer1`, ...; each gives `[k b, d]`, the rows of member `m` together ([`Encoder::members`]). With
//! `adapters = "first"` (TabM-mini) members have an `r` of their own in the first layer, and share everything else.
//!
//! Members train on a loss each, and the mean of their answers is the answer. That costs `k` times the multiply-adds of one network,
//! and beside its parameters `k (i + 2 o)` numbers a layer of `i` inputs and `o` outputs. Heads built of a `Tower` end in a layer of
//! each member's own.
//!
//! **Reference** Gorishniy, Kotelnikov and Babenko, "TabM: Advancing Tabular Deep Learning with Parameter-Efficient Ensembling", ICLR
//! 2025, arXiv 2410.24210; the layer is that of BatchEnsemble ([`EnsembleLinear`]).
//!
//! **Differs from** the paper in codes, which are learned vectors, as in our other encoders, and not one-hot: with one sign a member
//! and field the same family of functions at a width of its own. Hidden layers of a head, which the paper has not, are shared by members.
//! Defaults: 8 members instead of 32, which cost four times as much, and widths of our other encoders without dropout, where it tunes both.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{Encoder, EncoderPart, Stage, Takes, no_stage, table_row::TableRow};
use crate::{
    context::Cx,
    error::{Error, Result, TorchContext},
    features::{Features, View},
    input::{InputSpec, Inputs, Modality},
    nn::{Activation, Dropout, EnsembleLinear, Linear, NumberEmbeddingConfig, Scales},
    params::Scope,
    registry::ByKind,
};

/// Where members differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Adapters {
    /// In every layer, by scales of inputs and outputs and by biases: TabM.
    #[default]
    All,
    /// In the first layer, by scales of inputs: TabM-mini.
    First,
}

/// Settings of [`TabmEncoder`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TabmEncoderConfig {
    /// Networks of the ensemble, >= 1; the cost of a step grows with them; default 8.
    #[schemars(range(min = 1))]
    pub members: i64,
    /// Where they differ: `"all"` layers or the `"first"`; default `"all"`.
    pub adapters: Adapters,
    /// Width of the vector of a categorical field, and of a number where `numbers` names an embedding, >= 1; default 8.
    #[schemars(range(min = 1))]
    pub token_width: i64,
    /// How numbers become vectors, by name or as a table; default none: numbers as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<ByKind<NumberEmbeddingConfig>>,
    /// Widths of the layers, at least one, each >= 1; default `[128, 64]`.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each layer; default `relu`.
    pub activation: Activation,
    /// Dropout after each layer, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for TabmEncoderConfig {
    fn default() -> Self {
        Self {
            members: 8,
            adapters: Adapters::All,
            token_width: 8,
            numbers: None,
            hidden: vec![128, 64],
            activation: Activation::Relu,
            dropout: 0.0,
        }
    }
}

/// The encoder.
#[derive(Debug)]
pub struct TabmEncoder {
    row: TableRow,
    first: EnsembleLinear,
    later: Vec<Layer>,
    members: i64,
    activation: Activation,
    dropout: Dropout,
    stages: Vec<Stage>,
}

/// A layer behind the first.
#[derive(Debug)]
enum Layer {
    /// Of every member its own.
    Ensemble(EnsembleLinear),
    /// The same for all.
    Shared(Linear),
}

impl TabmEncoder {
    /// Fields of a table.
    pub const TAKES: Takes = Takes {
        encoder: "tabm encoder",
        what: "categorical or numeric fields",
        accepts: |modality| matches!(modality, Modality::Categorical(_) | Modality::Numeric(_)),
        at_most: usize::MAX,
    };

    /// # Errors
    /// [`Error::InvalidConfig`] without inputs, for one that is no table's, without layers, or for a setting out of range.
    pub fn new(scope: &mut Scope<'_>, spec: &InputSpec, config: &TabmEncoderConfig) -> Result<Self> {
        Self::TAKES.check(spec)?;
        let refuse = |field, expected: &str, found: String| {
            Err(Error::InvalidConfig { what: "tabm encoder", field, expected: expected.to_owned(), found })
        };
        for (field, value) in [("members", config.members), ("token_width", config.token_width)] {
            if value < 1 {
                return refuse(field, ">= 1", value.to_string());
            }
        }
        let Some((&width, later_widths)) = config.hidden.split_first() else {
            return refuse("hidden", "at least one layer", "[]".into());
        };
        let dropout = Dropout::new(config.dropout)?;
        let scales = match config.adapters {
            Adapters::All => Scales::All,
            Adapters::First => Scales::Inputs,
        };
        let stage = |at: usize, width: i64| Stage { name: format!("layer{at}"), view: View::Pooled { width } };
        let mut stages = vec![stage(0, width)];
        let mut place = scope.stage("layer0");
        let row = TableRow::new(
            &mut place.sub("fields"),
            spec,
            config.token_width,
            config.numbers.as_ref().map(|numbers| &numbers.0),
        )?;
        let first = EnsembleLinear::first(&mut place.sub("layer0"), config.members, row.fields(), width, scales)?;
        let (mut later, mut inputs) = (Vec::with_capacity(later_widths.len()), width);
        for (&width, at) in later_widths.iter().zip(1..) {
            let stage = stage(at, width);
            let mut place = scope.stage(&stage.name);
            let mut place = place.sub(&stage.name);
            later.push(match config.adapters {
                Adapters::All => {
                    Layer::Ensemble(EnsembleLinear::new(&mut place, config.members, inputs, width, scales)?)
                }
                Adapters::First => Layer::Shared(Linear::new(&mut place, inputs, width)?),
            });
            stages.push(stage);
            inputs = width;
        }
        Ok(Self { row, first, later, members: config.members, activation: config.activation, dropout, stages })
    }

    /// What a layer gives, `[k, b, d]` or `[k b, d]`, as features.
    fn features(&self, ys: &Tensor, cx: &Cx) -> Result<Features> {
        let ys = self.dropout.forward(self.activation.forward(ys)?, cx)?;
        let width = ys.size().last().copied().unwrap_or(1);
        Ok(Features::Pooled(ys.f_reshape([-1, width]).op("tabm encoder")?)) // [k b, d]
    }
}

impl EncoderPart for TabmEncoderConfig {
    fn takes(&self) -> Takes {
        TabmEncoder::TAKES
    }

    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(TabmEncoder::new(scope, spec, self)?))
    }
}

impl Encoder for TabmEncoder {
    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn members(&self) -> i64 {
        self.members
    }

    fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        let row = self.row.forward(inputs, self.first.kind(), cx)?; // [b, i]
        self.features(&self.first.forward(&row, cx)?, cx)
    }

    fn advance(&self, stage_idx: usize, features: Features, cx: &Cx) -> Result<Features> {
        let layer = stage_idx.checked_sub(1).and_then(|at| self.later.get(at));
        let layer = layer.ok_or_else(|| no_stage(&self.stages, stage_idx))?;
        let xs = features.pooled()?; // [k b, i]
        let ys = match layer {
            Layer::Ensemble(layer) => {
                let width = xs.size().last().copied().unwrap_or(1);
                layer.forward(&xs.f_reshape([self.members, -1, width]).op("tabm encoder")?, cx)?
            }
            Layer::Shared(layer) => layer.forward(&xs, cx)?,
        };
        self.features(&ys, cx)
    }
}
