//! Below the floor: per task only gradients of layer outputs, then one weight-gradient pass for all tasks.
//!
//! A backward pass spends half of its time on the gradients of activations, half on those of weights. `K` passes compute
//! the second half `K` times, only to add them up. For a layer `y = a W^T` whose input `a [n, in]` is the same for all
//! tasks,
//!
//! ```text
//! D_t  = gradient of l_t with respect to y              [n, out], one backward pass per task without weight gradients
//! W_t  = D_t^T a                                        never made
//! G   += [<W_i, W_j>]                                   from the factors a and D_t, see `forms.rs`
//! d_W  = (sum_t w_t D_t)^T a                            one product for all tasks
//! ```
//! and likewise for convolutions. Every other parameter (biases, norms, embeddings, whatever a custom layer holds, a layer
//! that ran twice) keeps exact rows as in the exact mode.
//!
//! The direction is exact for its weights. The Gramian is exact with `gramian = "exact"`; with `"sketch"` it is an
//! unbiased estimate (`sketch.rs`) with an estimate of its own error, and where that exceeds `tolerance` the step falls
//! back to the exact one.
//!
//! With several ranks the factors stay with the samples they belong to: exact forms sum weight gradients over ranks, sketches
//! their few columns only (one projection for all ranks), and the combined gradient is summed once.
//!
//! Measured, over one forward and `K` backward passes: `cargo xtask bench --suite step`. Memory: `K` gradients of layer
//! outputs instead of `K` copies of the weights. No reference: we know of no library that does this; the identity
//! `<D_i^T a, D_j^T a> = <D_i, (a a^T) D_j>` is that of Goodfellow, "Efficient per-example gradient computations", 2015,
//! used across tasks instead of samples.

mod forms;
mod layer;
mod sketch;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tch::Tensor;

use self::{
    forms::{Form, LayerGram},
    layer::Layer,
};
use super::{Collected, Sink, TaskGradients};
use crate::{
    error::{Error, Result},
    rng::derive,
    shim::Rows,
    step::{pass::Pass, reduce},
    world::World,
};

/// How the Gramian is taken from the factors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GramianForm {
    /// An unbiased estimate, cheap at any width.
    #[default]
    Sketch,
    /// Per layer the cheaper of two exact forms.
    Exact,
}

/// Settings of the factored mode.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FactoredConfig {
    /// How the Gramian is taken; default `sketch`.
    pub gramian: GramianForm,
    /// Columns of the sketch, >= 4; layers no wider than this are exact; default 16.
    #[schemars(range(min = 4))]
    pub rank: i64,
    /// Estimated relative error (Frobenius norm) above which a step takes the exact form, > 0; default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub tolerance: f64,
    /// Seed of the sketch; default 0.
    pub seed: u64,
}

impl Default for FactoredConfig {
    fn default() -> Self {
        Self { gramian: GramianForm::Sketch, rank: 16, tolerance: 0.1, seed: 0 }
    }
}

impl FactoredConfig {
    pub(super) fn validate(&self) -> Result<()> {
        let refuse = |field, expected: &str, found: String| {
            Err(Error::InvalidConfig { what: "factored step", field, expected: expected.into(), found })
        };
        if self.rank < 4 {
            return refuse("rank", ">= 4", self.rank.to_string());
        }
        if self.tolerance.is_nan() || self.tolerance <= 0.0 {
            return refuse("tolerance", "positive", self.tolerance.to_string());
        }
        Ok(())
    }
}

pub(super) fn collect<'a>(pass: Pass<'a>, config: &FactoredConfig) -> Result<Collected<'a>> {
    let layers = layer::on_tape(&pass)?;
    let plain = layer::not_covered(&pass, &layers);
    let (outputs, heads, mut exact) = backward(&pass, &layers, &plain)?;
    reduce::rows(pass.world.as_ref(), &mut exact)?;
    let seed = derive(config.seed, "sketch", pass.step);
    let form = |layer: &Layer| match config.gramian {
        GramianForm::Sketch => Form::sketched(layer, config.rank, pass.active.len()),
        GramianForm::Exact => Form::exact(layer, pass.active.len()),
    };
    let mut grams = Vec::with_capacity(layers.len());
    for (l, layer) in layers.iter().enumerate() {
        grams.push(forms::gram(layer, &outputs, l, form(layer), seed, pass.world.as_ref())?);
    }
    let mut factored = Factored { layers, outputs, grams, exact, plain, world: pass.world.clone(), error: None };
    factored.error = factored.estimate()?;
    if factored.error.is_some_and(|e| e > config.tolerance || e.is_nan()) {
        for (l, layer) in factored.layers.iter().enumerate() {
            if factored.grams[l].is_estimate() {
                factored.grams[l] = forms::gram(
                    layer,
                    &factored.outputs,
                    l,
                    Form::exact(layer, pass.active.len()),
                    seed,
                    pass.world.as_ref(),
                )?;
            }
        }
        factored.error = Some(0.0);
    }
    Ok(Collected { shared: Box::new(factored), heads })
}

type Own = Vec<Vec<Option<Tensor>>>;

/// The gradients of layer outputs (one column a layer), of tasks' own parameters, and the exact rows: the parameters
/// that no layer covers, then the layers' biases.
fn backward(pass: &Pass<'_>, layers: &[Layer], plain: &[usize]) -> Result<(Rows, Own, Rows)> {
    let shared = pass.shared_tensors();
    let inputs: Vec<&Tensor> = layers.iter().map(|l| &l.output).collect();
    let with_bias: Vec<usize> = (0..layers.len()).filter(|&l| layers[l].bias.is_some()).collect();
    let mut outputs = Rows::of(&inputs)?;
    let mut exact = Rows::given(plain.len() + with_bias.len())?;
    let mut heads = Vec::with_capacity(pass.active.len());
    for (k, &t) in pass.active.iter().enumerate() {
        let extra: Vec<&Tensor> = plain.iter().map(|&i| shared[i]).chain(pass.owned_tensors(t)).collect();
        let mut row = pass.backward(&mut outputs, k, &extra)?;
        heads.push(row.split_off(plain.len()));
        for &l in &with_bias {
            row.push(outputs.get(k, l)?.map(|d| layers[l].bias_grad(&d)).transpose()?);
        }
        exact.push(&row)?;
    }
    Ok((outputs, heads, exact))
}

/// The factors of one step.
struct Factored {
    layers: Vec<Layer>,
    /// One row per task, one column per layer: gradients of the layer's output.
    outputs: Rows,
    /// Per layer, its part of the Gramian.
    grams: Vec<LayerGram>,
    /// One row per task; columns: `plain`, then the biases of those layers that have one.
    exact: Rows,
    /// Indices of the shared parameters that no layer covers.
    plain: Vec<usize>,
    world: Arc<dyn World>,
    error: Option<f64>,
}

impl Factored {
    /// Shared parameters of the columns of `exact`.
    fn exact_params(&self) -> impl Iterator<Item = usize> {
        self.plain.iter().copied().chain(self.layers.iter().filter_map(|l| l.bias))
    }

    fn gram_over(&self, member: &dyn Fn(usize) -> bool) -> Result<Vec<f64>> {
        let columns: Vec<usize> = self.exact_params().enumerate().filter(|(_, p)| member(*p)).map(|(c, _)| c).collect();
        let mut sum = self.exact.gramian(Some(&columns))?;
        for (layer, gram) in self.layers.iter().zip(&self.grams).filter(|(l, _)| member(l.weight)) {
            debug_assert_eq!(sum.len(), gram.values.len(), "{}", layer.name);
            sum.iter_mut().zip(&gram.values).for_each(|(s, v)| *s += v);
        }
        Ok(sum)
    }

    /// The relative error of the whole Gramian: half the difference of its two halves' estimates, which have as much
    /// randomness as their mean has error. `None` when every layer is exact.
    fn estimate(&self) -> Result<Option<f64>> {
        if !self.grams.iter().any(LayerGram::is_estimate) {
            return Ok(None);
        }
        let total = self.gram_over(&|_| true)?;
        let mut difference = vec![0.0; total.len()];
        for gram in &self.grams {
            difference.iter_mut().zip(&gram.spread).for_each(|(d, s)| *d += s);
        }
        let norm = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
        let scale = norm(&total);
        Ok(Some(if scale == 0.0 { 0.0 } else { norm(&difference) / scale }))
    }
}

impl TaskGradients for Factored {
    fn gramian(&self) -> Result<Vec<f64>> {
        self.gram_over(&|_| true)
    }

    fn block_gramian(&self, block: &[usize]) -> Result<Vec<f64>> {
        self.gram_over(&|p| block.contains(&p))
    }

    fn keep(&mut self, rows: &[usize]) -> Result<()> {
        let k = self.outputs.len();
        self.grams.iter_mut().for_each(|gram| gram.keep(rows, k));
        self.outputs.keep(rows)?;
        self.exact.keep(rows)
    }

    fn combine(&mut self, block: &[usize], weights: &[f64], out: &mut Sink<'_>) -> Result<()> {
        let params: Vec<usize> = self.exact_params().collect();
        let columns: Vec<usize> = (0..params.len()).filter(|&c| block.contains(&params[c])).collect();
        for (&c, grad) in columns.iter().zip(self.exact.combine(Some(&columns), weights)?) {
            grad.map_or(Ok(()), |g| out(params[c], g))?;
        }
        // Weight gradients that the Gramian needed anyway are combined, the others made once, of this rank's samples.
        let inside: Vec<usize> = (0..self.layers.len()).filter(|&l| block.contains(&self.layers[l].weight)).collect();
        let (made, unmade): (Vec<usize>, Vec<usize>) = inside.iter().partition(|&&l| self.grams[l].rows.is_some());
        let mut grads: Vec<Option<Tensor>> = Vec::with_capacity(unmade.len());
        for &l in &unmade {
            let cotangent = self.outputs.combine(Some(&[l]), weights)?.pop().flatten();
            grads.push(cotangent.map(|cotangent| self.layers[l].weight_grad(&cotangent)).transpose()?);
        }
        reduce::list(self.world.as_ref(), &mut grads)?;
        for &l in &made {
            if let Some(rows) = &mut self.grams[l].rows {
                let grad = rows.combine(None, weights)?.pop().flatten();
                grad.map_or(Ok(()), |g| out(self.layers[l].weight, g))?;
            }
        }
        for (&l, grad) in unmade.iter().zip(grads) {
            grad.map_or(Ok(()), |g| out(self.layers[l].weight, g))?;
        }
        Ok(())
    }

    fn error_estimate(&self) -> Option<f64> {
        self.error
    }
}
