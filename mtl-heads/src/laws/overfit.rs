//! The law that looks at training: four samples can be learned by heart.

use mtl_core::{
    Result,
    answer::Cells,
    mode::Mode,
    params::Param,
    prediction::{Prediction, Reference},
    shim::{AdamStep, Graph, fused_adam, grad},
};
use ndarray::{Array2, Axis};
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
    Ok(wrong(&prediction, &samples.labels.select(Axis(0), &rows), &target.reference()?))
}

/// How the answer differs from labels that were learned by heart, if it does.
fn wrong(prediction: &Prediction, labels: &Array2<f32>, truth: &Reference) -> Option<String> {
    match prediction {
        Prediction::Class { scores, .. } | Prediction::Ordinal { scores, .. } => {
            scores.rows().into_iter().zip(labels.column(0)).find_map(|(row, label)| {
                let best = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(class, _)| class);
                #[expect(clippy::cast_precision_loss, reason = "few classes")]
                let found = best.unwrap_or(0) as f32;
                (found.to_bits() != label.to_bits())
                    .then(|| format!("class {label} learned by heart decodes as {found}"))
            })
        }
        Prediction::MultiLabel { scores, .. } => scores.iter().zip(labels).find_map(|(score, label)| {
            ((*score > 0.5) != (*label > 0.5)).then(|| format!("label {label} learned by heart decodes as {score}"))
        }),
        Prediction::Values { values } => {
            let mean = labels.mean_axis(Axis(0))?;
            let error: f32 = (values - labels).iter().map(|d| d.abs()).sum();
            let spread: f32 = (labels - &mean).iter().map(|d| d.abs()).sum();
            (error > 0.2 * spread)
                .then(|| format!("numbers learned by heart are off by {error} in sum, always the mean by {spread}"))
        }
        Prediction::Tags { .. } => lists(truth, |sample| prediction.said_tags(sample)),
        Prediction::Sequence { tokens } => lists(truth, |sample| match tokens.cells() {
            Cells::Index(cells) => Some(cells[tokens.range(sample)].to_vec()),
            Cells::Number(_) => None,
        }),
        // What an answer of a kind from outside should be, its own tests know; the loss has fallen.
        Prediction::Custom { .. } => None,
    }
}

/// The first sample whose list of items is another than is said.
fn lists(truth: &Reference, said: impl Fn(usize) -> Option<Vec<i64>>) -> Option<String> {
    let (Reference::Tags(labels) | Reference::Sequence(labels)) = truth else {
        return Some(format!("lists are answered to {}", truth.describe()));
    };
    let Cells::Index(cells) = labels.cells() else { return Some("labels are no indices".into()) };
    (0..labels.len()).find_map(|sample| {
        let (label, said) = (&cells[labels.range(sample)], said(sample)?);
        (said != label).then(|| format!("items {label:?} learned by heart decode as {said:?}"))
    })
}

fn refs(tensors: &[Tensor]) -> Vec<&Tensor> {
    tensors.iter().collect()
}
