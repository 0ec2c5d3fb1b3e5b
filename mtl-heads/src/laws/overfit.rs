//! The law that looks at training: four samples can be learned by heart.

use mtl_core::{
    Result,
    answer::{Cells, Labels},
    mode::Mode,
    params::Param,
    prediction::{Prediction, Said},
    shim::{AdamStep, Graph, fused_adam, grad},
};
use ndarray::{ArrayView2, Axis};
use tch::Tensor;

use super::{samples::Samples, subject::Subject};
use crate::head::Head;

const STEPS: u32 = 400;

/// Trains on the first four samples; the loss must fall and the decoded answer must then be the label.
pub(super) fn overfit<H: Head>(subject: &Subject<H>, samples: &Samples) -> Result<Option<String>> {
    let rows: Vec<usize> = samples.all().into_iter().take(4).collect();
    let (given, target) = (samples.given(&rows)?, samples.target(&rows, |_| true)?);
    let before = subject.params.to_safetensors()?;
    let params: Vec<&Tensor> = subject.params.params().iter().map(Param::tensor).collect();
    let zeros = || params.iter().map(|p| p.f_zeros_like()).collect::<std::result::Result<Vec<_>, _>>();
    let (avgs, avg_sqs) = (zeros()?, zeros()?);
    let steps: Vec<Tensor> = params.iter().map(|_| Tensor::from(0.0f32)).collect();
    let (mut first, mut last) = (f64::NAN, f64::NAN);
    for step in 0..STEPS {
        let loss = subject.head.loss(&subject.trained(&given, &target)?, &target)?;
        last = loss.sum.f_double_value(&[])?;
        if step == 0 {
            first = last;
        }
        let grads = grad(&[&loss.mean()?], None, &params, Graph::Free)?;
        let filled = grads.into_iter().zip(&params).map(|(g, p)| g.map_or_else(|| p.f_zeros_like(), Ok));
        let grads = filled.collect::<std::result::Result<Vec<_>, _>>()?;
        let lr = 0.05 * (1.0 - f64::from(step) / f64::from(STEPS));
        let adamw = AdamStep { lr, beta1: 0.9, beta2: 0.99, weight_decay: 0.0, eps: 1e-8, decoupled: true };
        let _guard = tch::no_grad_guard();
        fused_adam(&params, &refs(&grads), &refs(&avgs), &refs(&avg_sqs), None, &refs(&steps), adamw)?;
    }
    let prediction = subject.head.decode(&subject.answer(&given, Mode::Eval)?)?;
    subject.params.load_safetensors(&before)?;
    if last.is_nan() || last >= first {
        return Ok(Some(format!("the loss of four samples went from {first} to {last} in {STEPS} steps")));
    }
    Ok(wrong(&prediction, &samples.labels.gather(&rows)))
}

/// How the answer differs from labels that were learned by heart, if it does.
fn wrong(prediction: &Prediction, labels: &Labels) -> Option<String> {
    match (prediction.said(), labels.cells()) {
        (Said::OneOf { scores, .. }, Cells::Index(labels)) => {
            let found = scores.rows().into_iter().map(|row| largest(row.iter()));
            differing("class", found, labels)
        }
        (Said::YesNo { scores, .. }, Cells::Number(labels)) => scores.iter().zip(labels).find_map(|(s, l)| {
            ((*s > 0.5) != (*l > 0.5)).then(|| format!("label {l} learned by heart decodes as {s}"))
        }),
        (Said::Numbers(values), Cells::Number(labels)) => {
            let labels = ArrayView2::from_shape(values.dim(), labels).ok()?;
            let mean = labels.mean_axis(Axis(0))?;
            let error: f32 = (values - &labels).iter().map(|d| d.abs()).sum();
            let spread: f32 = (&labels - &mean).iter().map(|d| d.abs()).sum();
            // A likelihood learns widths beside places, and takes longer over both.
            (error > 0.3 * spread)
                .then(|| format!("numbers learned by heart are off by {error} in sum, always the mean by {spread}"))
        }
        (Said::Tags { .. }, Cells::Index(cells)) => (0..labels.len()).find_map(|sample| {
            let (label, said) = (&cells[labels.range(sample)], prediction.said_tags(sample));
            (said.as_deref() != Some(label)).then(|| format!("tags {label:?} learned by heart decode as {said:?}"))
        }),
        (Said::Tokens(tokens), Cells::Index(_)) => {
            (tokens != labels).then(|| format!("sequences {labels:?} learned by heart decode as {tokens:?}"))
        }
        // What an answer of a form of its own should be, the kind's own tests know; the loss has fallen.
        (Said::Own(_), _) => None,
        (Said::OneOf { .. } | Said::YesNo { .. } | Said::Numbers(_) | Said::Tags { .. } | Said::Tokens(_), _) => {
            Some(format!("{} are no answer to such labels", prediction.describe()))
        }
    }
}

/// The place of the largest score.
fn largest<'a>(scores: impl Iterator<Item = &'a f32>) -> i64 {
    scores.enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(at, _)| at as i64)
}

fn differing(what: &str, mut found: impl Iterator<Item = i64>, labels: &[i64]) -> Option<String> {
    labels.iter().find_map(|label| {
        let found = found.next();
        (found != Some(*label)).then(|| match found {
            Some(found) => format!("{what} {label} learned by heart decodes as {found}"),
            None => format!("{what} {label} learned by heart is not answered"),
        })
    })
}

fn refs(tensors: &[Tensor]) -> Vec<&Tensor> {
    tensors.iter().collect()
}
