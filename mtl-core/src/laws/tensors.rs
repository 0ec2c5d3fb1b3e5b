//! What laws measure on tensors.

use tch::{Kind, Tensor};

use crate::{
    error::{Result, TorchContext},
    features::{Features, Tokens},
    params::{Param, ParamSet},
};

/// All numbers of features, one after the other; tokens that are padding count as 0.
pub(super) fn flat(features: &Features) -> Result<Tensor> {
    if let Features::Tokens(Tokens { xs, pad_mask: Some(mask), .. }) = features {
        let mask = mask.f_unsqueeze(2).op("law")?; // [b, l, 1]
        return xs.f_masked_fill(&mask, 0.0).and_then(|xs| xs.f_reshape([-1])).op("law");
    }
    let parts = features.tensors().into_iter().map(|t| t.f_reshape([-1]).op("law")).collect::<Result<Vec<_>>>()?;
    Tensor::f_cat(&parts, 0).op("law")
}

/// The rows of the sample in that place, one a member: of `members` blocks of rows the row in that place of each.
pub(super) fn rows_of(t: &Tensor, members: i64, place: i64) -> Result<Tensor> {
    let by_member = t.f_unflatten(0, [members, -1]).op("law")?; // [k, b, ..]
    by_member.f_narrow(1, place, 1).and_then(|rows| rows.f_flatten(0, 1)).op("law")
}

/// A scalar that weighs every number of features differently, as a head would.
pub(super) fn loss(features: &Features) -> Result<Tensor> {
    let flat = flat(features)?;
    let n = flat.numel() as i64;
    let weights = Tensor::f_arange(n, (flat.kind(), flat.device())).and_then(|w| w.f_mul_scalar(0.37));
    let weights = weights.and_then(|w| w.f_cos()).op("law")?;
    flat.f_sub_scalar(0.3).and_then(|x| x.f_square()).and_then(|x| x.f_dot(&weights)).op("law")
}

/// The parameter that this tensor is.
pub(super) fn parameter_of<'a>(params: &'a ParamSet, weight: &Tensor) -> Option<&'a Param> {
    params.params().iter().find(|param| param.tensor().data_ptr() == weight.data_ptr())
}

/// The largest absolute value; 0 without any.
pub(super) fn largest(t: &Tensor) -> Result<f64> {
    if t.numel() == 0 {
        return Ok(0.0);
    }
    let largest = t.f_abs().and_then(|t| t.f_max()).and_then(|t| t.f_to_kind(Kind::Double)).op("law")?;
    f64::try_from(&largest).op("law")
}

/// The largest difference, relative to the largest number beyond 1.
pub(super) fn gap(a: &Tensor, b: &Tensor) -> Result<f64> {
    Ok(largest(&a.f_sub(b).op("law")?)? / largest(a)?.max(1.0))
}

/// How far two passes over the same samples may be apart where sums run in another order.
pub(super) fn tolerance(kind: Kind) -> f64 {
    if kind == Kind::Double { 1e-10 } else { 1e-4 }
}

/// The buffers as they are now.
pub(super) fn buffers(params: &ParamSet) -> Result<Vec<Tensor>> {
    params.buffers().iter().map(|b| b.tensor().f_detach_copy().op("law")).collect()
}

/// Puts the buffers back.
pub(super) fn restore(params: &ParamSet, buffers: &[Tensor]) -> Result<()> {
    let _guard = tch::no_grad_guard();
    for (buffer, before) in params.buffers().iter().zip(buffers) {
        buffer.tensor().shallow_clone().f_copy_(before).op("law")?;
    }
    Ok(())
}

/// What a law finds, the buffers put back after it: a pass in training moves running statistics.
pub(super) fn with_buffers_back<T>(params: &ParamSet, law: impl FnOnce() -> Result<T>) -> Result<T> {
    let before = buffers(params)?;
    let found = law();
    restore(params, &before)?;
    found
}
