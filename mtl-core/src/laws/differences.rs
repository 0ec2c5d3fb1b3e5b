//! Gradients against differences.
//!
//! ```text
//! d      a random direction over all parameters
//! said   sum_p <dL/dp, d_p>
//! found  (L(p + h d) - L(p - h d)) / 2h,   h = 1e-7
//! ```
//! Taken a little away from the first values: there many a unit sits exactly on the kink of its rectifier (offsets of 0, maps of
//! zeros), where there is no gradient to speak of.

use tch::{Kind, Tensor};

use crate::{
    error::{Result, TorchContext},
    params::ParamSet,
    rng::Rng,
    shim::{Graph, grad},
};

/// A loss whose gradient is not what differences say.
pub(super) struct Differing {
    /// Its place among the losses.
    pub(super) loss: usize,
    /// The gradient along the direction.
    pub(super) said: f64,
    /// The difference along it.
    pub(super) found: f64,
}

/// The first of the losses whose gradient is not what differences say; parameters are as before after it. Needs f64, and losses that
/// are the same in every pass.
pub(super) fn differing(params: &ParamSet, losses: &dyn Fn() -> Result<Vec<Tensor>>) -> Result<Option<Differing>> {
    const AWAY: f64 = 0.03;
    let before = params.params().iter().map(|p| p.tensor().f_detach_copy().op("law")).collect::<Result<Vec<_>>>()?;
    go(params, &directions(params, 12)?, AWAY)?;
    let found = along(params, &directions(params, 11)?, losses);
    let _guard = tch::no_grad_guard();
    for (param, before) in params.params().iter().zip(&before) {
        param.tensor().shallow_clone().f_copy_(before).op("law")?;
    }
    found
}

/// A random step of every parameter.
fn directions(params: &ParamSet, seed: u64) -> Result<Vec<Tensor>> {
    let mut rng = Rng::new(seed);
    let random = params.params().iter().map(|p| {
        let values: Vec<f64> = (0..p.tensor().numel()).map(|_| rng.normal()).collect();
        Tensor::f_from_slice(&values).and_then(|d| d.f_view(&p.tensor().size()[..])).op("law")
    });
    random.collect()
}

/// Moves every parameter along its direction.
fn go(params: &ParamSet, directions: &[Tensor], length: f64) -> Result<()> {
    let _guard = tch::no_grad_guard();
    for (param, direction) in params.params().iter().zip(directions) {
        let step = direction.f_mul_scalar(length).op("law")?;
        let _ = param.tensor().shallow_clone().f_add_(&step).op("law")?;
    }
    Ok(())
}

fn along(
    params: &ParamSet,
    directions: &[Tensor],
    losses: &dyn Fn() -> Result<Vec<Tensor>>,
) -> Result<Option<Differing>> {
    const STEP: f64 = 1e-7;
    let number = |t: &Tensor| f64::try_from(t).op("law");
    let leaves: Vec<&Tensor> = params.params().iter().map(|p| p.tensor()).collect();
    let mut said = Vec::new();
    for loss in losses()? {
        let mut sum = 0.0;
        for (gradient, direction) in grad(&[loss], None, &leaves, Graph::Keep)?.iter().zip(directions) {
            if let Some(gradient) = gradient {
                sum += number(&gradient.f_mul(direction).and_then(|p| p.f_sum(Kind::Double)).op("law")?)?;
            }
        }
        said.push(sum);
    }
    let values = || losses()?.iter().map(number).collect::<Result<Vec<f64>>>();
    go(params, directions, STEP)?;
    let ahead = values()?;
    go(params, directions, -2.0 * STEP)?;
    let behind = values()?;
    for (loss, (said, (ahead, behind))) in said.into_iter().zip(ahead.into_iter().zip(behind)).enumerate() {
        let found = (ahead - behind) / (2.0 * STEP);
        let gap = (found - said).abs() / said.abs().max(1.0);
        if gap.is_nan() || gap > 1e-4 {
            return Ok(Some(Differing { loss, said, found }));
        }
    }
    Ok(None)
}
