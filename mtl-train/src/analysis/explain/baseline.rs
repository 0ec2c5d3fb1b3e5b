//! What a part is compared with, and what stands in its place when it is deleted: means over reference samples.

use mtl_core::{Result, TorchContext, batch::Inputs, context::Cx, mode::Mode};
use tch::{Kind, Tensor};

use crate::train::model::Model;

/// What attributions are measured against: means over reference samples.
#[derive(Debug)]
pub struct Baseline {
    /// By input, without the batch axis: inputs with gradients.
    pub(super) means: Vec<(String, Tensor)>,
    /// Embeddings of inputs without, in the order in which they pass: an architecture with several encoders embeds an input
    /// several times.
    pub(super) embedded: Vec<(String, Tensor)>,
}

impl Baseline {
    /// The means over some reference samples.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn new(model: &Model, reference: &Inputs) -> crate::Result<Self> {
        let cx = Cx::new(Mode::Eval).with_embeddings(|_, xs| Ok(xs.shallow_clone()));
        {
            let _guard = tch::no_grad_guard();
            model.forward(reference, |_| true, &cx)?;
        }
        let mut means = Vec::new();
        for (name, input) in reference.iter().filter(|(_, input)| input.tensor().is_floating_point()) {
            means.push((name.to_owned(), mean(input.tensor())?));
        }
        let embedded = cx.take_embeddings().into_iter().map(|e| Ok((e.input, mean(&e.xs)?)));
        Ok(Self { means, embedded: embedded.collect::<Result<_>>()? })
    }

    /// The mean of an input, or of its first embedding.
    #[must_use]
    pub fn get(&self, input: &str) -> Option<&Tensor> {
        self.means.iter().chain(&self.embedded).find(|(name, _)| name == input).map(|(_, mean)| mean)
    }
}

fn mean(xs: &Tensor) -> Result<Tensor> {
    xs.f_detach().and_then(|x| x.f_mean_dim(&[0i64][..], false, None::<Kind>)).op("baseline")
}
