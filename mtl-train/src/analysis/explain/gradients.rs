//! Attribution by gradients: gradient times input, and integrated gradients.
//!
//! ```text
//! gradient times input   a_i = (x_i - x'_i) df(x)/dx_i
//! integrated gradients   a_i = (x_i - x'_i) mean over k of df(x' + alpha_k (x - x'))/dx_i,  alpha_k = (k + 1/2) / steps
//! f    the head's number for the answer that the model gave: logit of the class, plus or minus logit of yes, the number; of an
//!      ensemble the mean of its members' numbers
//! x'   the mean of reference samples, of inputs as they are and of embeddings for codes
//! ```
//! Positive attributions speak for the answer. Integrated gradients add up to `f(x) - f(x')`; what the sum of steps misses of
//! that is returned as the gap. Gradients saturate, so that gradient times input can be 0 where a part decides.
//!
//! **Reference** Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks", ICML 2017.
//! **Differs from** the paper in the baseline, which it leaves to the user and takes as black for images, and in midpoints.

use std::cell::Cell;

use mtl_core::{
    Error, Result, TorchContext,
    batch::Inputs,
    context::Cx,
    mode::Mode,
    shim::{Graph, grad},
};
use tch::{Kind, Tensor};

use super::{answer::Chosen, baseline::Baseline, parts::Parts};
use crate::train::model::Model;

/// A point between baseline and input, from which gradients are taken.
fn between(xs: &Tensor, baseline: &Tensor, alpha: f64) -> Result<Tensor> {
    let _guard = tch::no_grad_guard();
    let way = xs.f_sub(baseline).and_then(|d| d.f_mul_scalar(alpha)).and_then(|d| d.f_add(baseline));
    way.and_then(|x| x.f_detach()?.f_set_requires_grad(true)).op("point between baseline and input")
}

/// The attributions of one task.
#[derive(Debug)]
pub struct Attributed {
    /// `[b, parts]`; positive speaks for the answer.
    pub scores: Tensor,
    /// Mean over samples of `|f(x) - f(x') - sum of attributions|` over the mean of `|f(x) - f(x')|`.
    pub gap: f64,
}

/// Attributions of every task for which there are answers, in `steps` points (1 or more; 0 means gradient times input).
///
/// # Errors
/// As [`Model::forward`]; [`Error::Shape`] for a head whose numbers are not one a class, label or value.
pub fn attribute(
    model: &Model,
    inputs: &Inputs,
    answers: &[Option<Vec<Chosen>>],
    baseline: &Baseline,
    parts: &Parts,
    steps: u32,
) -> crate::Result<Vec<Option<Attributed>>> {
    let alphas: Vec<f64> = match steps {
        0 => vec![1.0],
        n => (0..n).map(|k| (f64::from(k) + 0.5) / f64::from(n)).collect(),
    };
    let share = 1.0 / alphas.len() as f64;
    // By task, then leaf; leaves come in the same order in every pass.
    let mut sums: Vec<Vec<Option<Tensor>>> = answers.iter().map(|_| Vec::new()).collect();
    for alpha in &alphas {
        let pass = Pass::run(model, inputs, baseline, *alpha)?;
        let wanted: Vec<usize> = (0..answers.len()).filter(|t| answers[*t].is_some()).collect();
        for (place, &task) in wanted.iter().enumerate() {
            let Some(given) = &answers[task] else { continue };
            let f = pass.objective(task, given)?.f_sum(None::<Kind>).op("objective")?;
            let graph = if place + 1 == wanted.len() { Graph::Free } else { Graph::Keep };
            let leaves: Vec<&Tensor> = pass.leaves.iter().map(|leaf| &leaf.xs).collect();
            let gradients = grad(&[f], None, &leaves, graph)?;
            sums[task].resize_with(leaves.len(), || None);
            for (sum, gradient) in sums[task].iter_mut().zip(gradients) {
                let Some(gradient) = gradient else { continue };
                let part = gradient.f_detach().and_then(|g| g.f_mul_scalar(share)).op("attribution")?;
                *sum = Some(match sum.take() {
                    Some(sum) => sum.f_add(&part).op("attribution")?,
                    None => part,
                });
            }
        }
    }
    let (whole, empty) = (Pass::run(model, inputs, baseline, 1.0)?, Pass::run(model, inputs, baseline, 0.0)?);
    let mut attributed = Vec::with_capacity(answers.len());
    for (task, given) in answers.iter().enumerate() {
        let Some(given) = given else {
            attributed.push(None);
            continue;
        };
        let scores = whole.scores(&sums[task], parts)?;
        let change = whole.objective(task, given)?.f_sub(&empty.objective(task, given)?).op("gap")?;
        let sum = scores.f_sum_dim_intlist(&[1i64][..], false, Kind::Double).op("gap")?;
        let size = |t: &Tensor| -> Result<f64> {
            let mean = t.f_detach().and_then(|t| t.f_abs()).and_then(|t| t.f_mean(Kind::Double)).op("gap")?;
            f64::try_from(&mean).op("gap")
        };
        let missed = size(&change.f_sub(&sum).op("gap")?)?;
        attributed.push(Some(Attributed { scores, gap: missed / size(&change)?.max(1e-12) }));
    }
    Ok(attributed)
}

/// What gradients are taken of: an input, or one of its embeddings.
struct Leaf {
    input: String,
    xs: Tensor,
    baseline: Tensor,
    is_embedding: bool,
}

/// One forward pass from a point between baseline and input.
struct Pass {
    leaves: Vec<Leaf>,
    /// The heads' numbers.
    main: Vec<Option<Tensor>>,
}

impl Pass {
    fn run(model: &Model, inputs: &Inputs, baseline: &Baseline, alpha: f64) -> crate::Result<Self> {
        let mut leaves = Vec::new();
        let moved = inputs.map(|name, xs| match baseline.get(name).filter(|_| xs.is_floating_point()) {
            Some(baseline) => {
                let leaf = between(xs, baseline, alpha)?;
                let (xs, baseline) = (leaf.shallow_clone(), baseline.shallow_clone());
                leaves.push(Leaf { input: name.to_owned(), xs, baseline, is_embedding: false });
                Ok(leaf)
            }
            None => Ok(xs.shallow_clone()),
        })?;
        let embedded = || baseline.embedded.iter().map(|(_, mean)| mean.shallow_clone());
        let (means, next): (Vec<Tensor>, _) = (embedded().collect(), Cell::new(0));
        let cx = Cx::new(Mode::Eval).with_embeddings(move |_, xs| match means.get(next.replace(next.get() + 1)) {
            Some(baseline) => between(xs, baseline, alpha),
            None => Ok(xs.shallow_clone()),
        });
        let output = model.forward(&moved, |_| true, &cx)?;
        let passed = cx.take_embeddings().into_iter().zip(embedded());
        leaves.extend(passed.map(|(e, baseline)| Leaf { input: e.input, xs: e.xs, baseline, is_embedding: true }));
        let main = output.heads.iter().map(|head| head.as_ref().map(|h| model.mean_of_members(h.main())).transpose());
        Ok(Self { main: main.collect::<crate::Result<_>>()?, leaves })
    }

    /// `[b]`: the head's number for each sample's answer.
    fn objective(&self, task: usize, answers: &[Chosen]) -> Result<Tensor> {
        let b = answers.len() as i64;
        let main = self.main.get(task).and_then(Option::as_ref);
        let fits = |t: &&Tensor| matches!(t.size()[..], [rows, width] if rows == b && width > 0);
        let Some(main) = main.filter(fits) else {
            return Err(Error::Shape {
                op: "attribution".into(),
                tensor: "head output",
                expected: format!("[{b}, numbers]"),
                found: main.map(Tensor::size).unwrap_or_default(),
            });
        };
        if let Some(Chosen::Grade(_)) = answers.first() {
            // Thresholds along one direction say all of them where the sample is; of a chain of questions each says its part.
            return main.f_mean_dim(&[1i64][..], false, None::<Kind>).op("objective"); // [b]
        }
        let (places, signs): (Vec<i64>, Vec<f32>) = answers
            .iter()
            .map(|answer| match *answer {
                Chosen::Class(at) | Chosen::Value(at) => (at as i64, 1.0),
                Chosen::Grade(_) => (0, 1.0),
                Chosen::YesNo { label, yes } => (label as i64, if yes { 1.0 } else { -1.0 }),
            })
            .unzip();
        let place = |t: Tensor| t.to_device(main.device());
        let picked = main.f_gather(1, &place(Tensor::from_slice(&places).view([-1, 1])), false).op("objective")?;
        picked.f_squeeze_dim(1).and_then(|p| p.f_mul(&place(Tensor::from_slice(&signs)))).op("objective") // [b]
    }

    /// Mean gradients times the way from the baseline, summed over what is inside a part.
    fn scores(&self, gradients: &[Option<Tensor>], parts: &Parts) -> Result<Tensor> {
        let b = self.leaves.first().map_or(0, |leaf| leaf.xs.size()[0]);
        let mut total = Tensor::f_zeros([b, parts.len() as i64], (Kind::Float, tch::Device::Cpu)).op("attribution")?;
        for (leaf, gradient) in self.leaves.iter().zip(gradients) {
            let Some(gradient) = gradient else { continue };
            let way = leaf.xs.f_detach().and_then(|x| x.f_sub(&leaf.baseline));
            let product = way.and_then(|d| d.f_mul(gradient)).op("attribution")?;
            let per_input = match leaf.is_embedding {
                // An embedding's width goes: [b, f, d] to [b, f].
                true => product.f_sum_dim_intlist(&[2i64][..], false, None::<Kind>).op("attribution")?,
                false => product,
            };
            let own = parts.sum(&leaf.input, &per_input.f_to_device(tch::Device::Cpu).op("attribution")?)?;
            total = total.f_add(&own.f_to_kind(Kind::Float).op("attribution")?).op("attribution")?;
        }
        Ok(total)
    }
}
