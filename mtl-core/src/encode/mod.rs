//! Encoders: from inputs to features, in named stages.
//!
//! A sharing architecture does not only want the end of an encoder: cross-stitch, MTAN or branching work between its
//! stages. So an [`Encoder`] is a list of named stages; [`Encoder::embed`] runs the first on the raw inputs,
//! [`Encoder::advance`] each later one on features, and [`Encoder::forward`] is the fold that most users want.
//!
//! Architectures build encoders themselves, whole or in part and as many as they want: from an [`EncoderPlan`] (`plan.rs`).
//!
//! | encoder | takes | gives | file |
//! |---|---|---|---|
//! | [`MlpEncoder`] | numeric fields | pooled | `mlp.rs` |
//! | [`TabmEncoder`] | categorical and numeric fields | pooled, once a member | `tabm.rs` |
//! | [`TabularEncoder`] | categorical and numeric fields | tokens (one a field), then pooled | `tabular.rs` |
//! | [`ConvEncoder`] | one picture | pyramid | `conv.rs` |
//! | [`ResNet18`] | one picture | pyramid | `resnet.rs` |
//! | [`LstmEncoder`] | one text or signal | tokens (one a word or moment) | `lstm.rs` |
//!
//! An encoder may be an ensemble that shares most of its weights: then it says how many [members](Encoder::members) it has, and gives
//! every sample's features once for each.
//!
//! What an encoder takes it says by [`Takes`]; an input that it does not take is refused by name when it is built.

mod conv;
mod lstm;
mod mlp;
mod plan;
mod resnet;
mod table_row;
mod tabm;
mod tabular;
mod takes;

use std::fmt::Debug;

pub use crate::input::InputSpec;
pub use conv::{ConvEncoder, ConvEncoderConfig};
pub use lstm::{LstmEncoder, LstmEncoderConfig};
pub use mlp::{MlpEncoder, MlpEncoderConfig};
pub use plan::{BuildEncoder, EncoderPlan, Stages};
pub use resnet::{ResNet18, ResNet18Config};
pub use tabm::{Adapters, TabmEncoder, TabmEncoderConfig};
pub use tabular::{TabularEncoder, TabularEncoderConfig};
pub use takes::Takes;

use crate::{
    context::Cx,
    error::{Error, Result},
    features::{Features, View},
    input::{Inputs, Modality, Picture},
    params::Scope,
    registry,
};

/// One stage of an encoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its name: parameters of the stage carry it.
    pub name: String,
    /// What the stage gives.
    pub view: View,
}

/// From inputs to features, in stages.
pub trait Encoder: Debug + Send {
    /// The stages in order; at least one.
    fn stages(&self) -> &[Stage];

    /// How many networks it is at once, `k`; 1 unless overridden. Every stage gives features of `k b` rows for a batch of `b` samples:
    /// row `m b + i` is sample `i` as member `m` sees it, so that a member's rows lie together. Every member is trained on its own loss,
    /// and their answers are averaged: that is done by whoever holds the model, so architectures and heads see rows like any other.
    fn members(&self) -> i64 {
        1
    }

    /// Runs the first stage.
    ///
    /// # Errors
    /// [`Error::UnknownName`] when an input is missing; [`Error::Shape`] when one does not fit.
    fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features>;

    /// Runs stage `stage_idx` (1 or later) on the output of the stage before.
    ///
    /// # Errors
    /// [`Error::Shape`] when the features do not fit; [`Error::UnknownName`] for a stage that does not exist.
    fn advance(&self, stage_idx: usize, features: Features, cx: &Cx) -> Result<Features>;

    /// Runs all stages.
    ///
    /// # Errors
    /// As [`Encoder::embed`] and [`Encoder::advance`].
    fn forward(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        (1..self.stages().len()).try_fold(self.embed(inputs, cx)?, |features, idx| self.advance(idx, features, cx))
    }

    /// What the last stage gives.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for an encoder without stages.
    fn view(&self) -> Result<&View> {
        self.stages().last().map(|s| &s.view).ok_or_else(|| no_stage(self.stages(), 0))
    }
}

/// How many members the features of several encoders have together: those of an ensemble, to which the features of others are
/// [repeated](Features::for_members).
///
/// # Errors
/// [`Error::InvalidConfig`] in the name of `what`, for ensembles of different numbers.
pub fn common_members<'a>(what: &'static str, encoders: impl IntoIterator<Item = &'a dyn Encoder>) -> Result<i64> {
    encoders.into_iter().map(Encoder::members).try_fold(1, |common, members| match (common, members) {
        (1, members) | (members, 1) => Ok(members),
        (common, members) if common == members => Ok(members),
        (common, members) => Err(Error::InvalidConfig {
            what,
            field: "members",
            expected: "the same for all ensembles that are put together".into(),
            found: format!("{common} and {members}"),
        }),
    })
}

/// Name and shape of the one picture of a data set.
fn picture(spec: &InputSpec, takes: &Takes) -> Result<(String, Picture)> {
    takes.check(spec)?;
    match spec.iter().next() {
        Some((name, Modality::Picture(picture))) => Ok((name.to_owned(), *picture)),
        // Ruled out by the check before.
        _ => Err(Error::InvalidConfig {
            what: takes.encoder,
            field: "inputs",
            expected: takes.what.to_owned(),
            found: spec.describe(),
        }),
    }
}

/// The error for a stage that does not exist.
fn no_stage(stages: &[Stage], stage_idx: usize) -> Error {
    Error::UnknownName {
        what: "stage",
        name: stage_idx.to_string(),
        known: stages.iter().map(|s| s.name.clone()).collect(),
    }
}

/// The settings of an encoder, ours or from outside: what [`EncoderConfig::register`] takes.
pub trait EncoderPart: Debug + Send + Sync {
    /// Which inputs it takes; others are refused by name.
    fn takes(&self) -> Takes;

    /// Builds the encoder for inputs of that kind, its parameters in `scope`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for settings out of range or inputs that the encoder cannot take.
    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>>;
}

registry! {
    /// The encoders that a config file can name.
    pub enum EncoderConfig, what = "encoder", outside = EncoderPart {
        Mlp(MlpEncoderConfig) = "mlp", "fully connected layers over a vector of numbers";
        Tabm(TabmEncoderConfig) = "tabm", "an ensemble of fully connected networks over a table's fields, which share their weights";
        Tabular(TabularEncoderConfig) = "tabular", "one token a table field, then fully connected layers";
        Conv(ConvEncoderConfig) = "conv", "small convolutional network over images";
        ResNet18(ResNet18Config) = "resnet18", "residual network of 18 layers over images";
        Lstm(LstmEncoderConfig) = "lstm", "long short-term memory over a text or a signal, in both directions";
    }
}

impl EncoderConfig {
    /// Which inputs it takes.
    #[must_use]
    pub fn takes(&self) -> Takes {
        self.part().takes()
    }

    /// Builds the encoder for inputs of that kind.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for settings out of range or inputs that the encoder cannot take.
    pub fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        self.part().build(scope, spec)
    }
}
