//! An encoder under test, and what laws feed it.

use tch::{Device, Kind, Tensor};

use super::super::rows::of_kind;
use crate::{
    batch::Inputs,
    context::Cx,
    encode::{BuildEncoder, Encoder, EncoderPlan, InputSpec},
    error::{Result, TorchContext},
    features::Features,
    mode::Mode,
    params::ParamSet,
};

/// Samples that laws look at: of every length where samples have one.
pub(super) const SAMPLES: i64 = 5;
/// Where the encoder's parameters lie.
pub(super) const PLACE: &str = "encoder";

/// The encoder with its parameters.
pub(super) struct Subject<'a> {
    pub(super) params: ParamSet,
    pub(super) encoder: Box<dyn Encoder>,
    pub(super) how: &'a dyn BuildEncoder,
    pub(super) spec: &'a InputSpec,
    pub(super) seed: u64,
}

impl<'a> Subject<'a> {
    pub(super) fn new(how: &'a dyn BuildEncoder, spec: &'a InputSpec, kind: Kind, seed: u64) -> Result<Self> {
        let mut params = ParamSet::new(kind, Device::Cpu, seed);
        let encoder = EncoderPlan::new(how, spec).whole(&mut params.root().sub(PLACE))?;
        Ok(Self { params, encoder, how, spec, seed })
    }

    /// All samples as one batch.
    pub(super) fn batch(&self) -> Result<Inputs> {
        of_kind(&self.spec.example(SAMPLES)?, self.params.kind())
    }

    /// Some of them, in that order; the batch stays as wide as it was.
    pub(super) fn samples(&self, samples: &[i64]) -> Result<Inputs> {
        self.batch()?.select(&Tensor::f_from_slice(samples).op("law")?)
    }

    /// The features of all samples.
    pub(super) fn run(&self, mode: Mode) -> Result<Features> {
        self.encoder.forward(&self.batch()?, &Cx::new(mode))
    }
}
