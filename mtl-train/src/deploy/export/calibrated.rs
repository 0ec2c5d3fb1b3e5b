//! Calibrated probabilities as operations of the recorded network: the forms of [`Curve`] on tensors.
//!
//! ```text
//! power   p -> exp((ln p - ln top) / T), of yes/no sigmoid((ln p - ln(1 - p)) / T)
//! line    searchsorted for the knot above, then the line from the one before; of one of several all divided by their sum
//! ```
//! In `Double`, as [`post_hoc`](mtl_metrics::post_hoc) computes; knots are constants of the recording.

use mtl_core::{TorchContext, answer::AnswerTag};
use mtl_metrics::post_hoc::calibration::{Curve, FROM_ONE, FROM_ZERO};
use tch::{Device, Kind, Tensor};

use super::description::TaskDescription;
use crate::error::Result;

/// The calibrations of all tasks.
pub(super) struct Calibrated {
    tasks: Vec<Option<Maps>>,
}

/// Those of a task: one for all outputs, or one each.
struct Maps {
    /// Whether each output is a question of its own.
    of_labels: bool,
    maps: Vec<Map>,
}

enum Map {
    Power(f64),
    Line { xs: Tensor, ys: Tensor },
}

impl Calibrated {
    /// The constants are made here: within a recording they would be lost.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub(super) fn of(tasks: &[TaskDescription], device: Device) -> Result<Self> {
        let map = |curve: &Curve| -> Result<Map> {
            Ok(match curve {
                Curve::Power { temperature } => Map::Power(*temperature),
                Curve::Line { xs, ys } => {
                    let knots =
                        |list: &[f64]| Tensor::from_slice(list).f_to_device(device).op("knots of a calibration");
                    Map::Line { xs: knots(xs)?, ys: knots(ys)? }
                }
            })
        };
        let of = |task: &TaskDescription| -> Result<Option<Maps>> {
            let curves = task.post_hoc.as_ref().and_then(|fit| fit.calibration.as_ref()).map(|own| &own.curves);
            let Some(curves) = curves.filter(|curves| !curves.is_empty()) else { return Ok(None) };
            let of_labels = task.answer.tag() == AnswerTag::MultiLabel;
            Ok(Some(Maps { of_labels, maps: curves.iter().map(map).collect::<Result<_>>()? }))
        };
        Ok(Self { tasks: tasks.iter().map(of).collect::<Result<_>>()? })
    }

    /// The answer of a task, calibrated where it asks for that.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub(super) fn apply(&self, task_idx: usize, answer: Tensor) -> Result<Tensor> {
        match self.tasks.get(task_idx).and_then(Option::as_ref) {
            None => Ok(answer),
            Some(maps) => Ok(maps.apply(&answer).op("calibrate")?),
        }
    }
}

impl Maps {
    /// `[b, c]` to `[b, c]`.
    fn apply(&self, answer: &Tensor) -> std::result::Result<Tensor, tch::TchError> {
        let probs = answer.f_to_kind(Kind::Double)?;
        let top = probs.f_amax(&[-1i64][..], true)?.f_clamp_min(FROM_ZERO)?;
        let width = answer.size().last().copied().unwrap_or(0);
        let mapped = match self.maps.as_slice() {
            [Map::Power(temperature)] => self.power(&probs, &top, *temperature)?,
            maps => {
                let mut columns = Vec::with_capacity(maps.len());
                for at in 0..width {
                    let column = probs.f_narrow(1, at, 1)?;
                    let own = usize::try_from(at).ok().and_then(|at| maps.get(at)).or(maps.first());
                    columns.push(match own {
                        None => column,
                        Some(Map::Power(temperature)) => self.power(&column, &top, *temperature)?,
                        Some(Map::Line { xs, ys }) => line(xs, ys, &column)?,
                    });
                }
                Tensor::f_cat(&columns, 1)?
            }
        };
        if self.of_labels {
            return mapped.f_to_kind(answer.kind());
        }
        let sum = mapped.f_sum_dim_intlist(&[-1i64][..], true, Kind::Double)?;
        // All alike where nothing is left: (0 + 1) / (0 + c).
        let nothing = sum.f_le(0.0)?.f_to_kind(Kind::Double)?;
        let all = sum.f_add(&nothing.f_mul_scalar(width as f64)?)?;
        mapped.f_add(&nothing)?.f_div(&all)?.f_to_kind(answer.kind())
    }

    fn power(&self, probs: &Tensor, top: &Tensor, temperature: f64) -> std::result::Result<Tensor, tch::TchError> {
        if self.of_labels {
            let p = probs.f_clamp(FROM_ZERO, 1.0 - FROM_ONE)?;
            return p.f_log()?.f_sub(&p.f_neg()?.f_log1p()?)?.f_div_scalar(temperature)?.f_sigmoid();
        }
        probs.f_clamp_min(FROM_ZERO)?.f_log()?.f_sub(&top.f_log()?)?.f_div_scalar(temperature)?.f_exp()
    }
}

/// The line through knots at every number of `[b, 1]`.
fn line(xs: &Tensor, ys: &Tensor, column: &Tensor) -> std::result::Result<Tensor, tch::TchError> {
    let n = xs.size().first().copied().unwrap_or(0);
    if n < 2 {
        return column.f_mul_scalar(0.0)?.f_add(ys);
    }
    let x = column.f_reshape([-1])?.f_maximum(&xs.f_select(0, 0)?)?.f_minimum(&xs.f_select(0, n - 1)?)?;
    let above = x.f_searchsorted(xs, false, true, "right", None::<&Tensor>)?.f_clamp(1i64, n - 1)?;
    let below = above.f_sub_scalar(1i64)?;
    let at = |list: &Tensor, knots: &Tensor| list.f_index_select(0, knots);
    let (low, high) = (at(xs, &below)?, at(xs, &above)?);
    let (from, to) = (at(ys, &below)?, at(ys, &above)?);
    let share = x.f_sub(&low)?.f_div(&high.f_sub(&low)?)?;
    from.f_add(&to.f_sub(&from)?.f_mul(&share)?)?.f_reshape([-1, 1])
}
