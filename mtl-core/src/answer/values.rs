//! Numbers.
//!
//! ```text
//! labels [b, k] of Float, NaN where unknown            prediction [b, k], in the labels' unit
//! constant answer: means, or medians                   written: the numbers
//! ```
//! A head may say a [distribution](crate::distribution) of each number: [`Prediction::Forecast`], whose points are numbers like any
//! others. Constant is then the normal distribution of the training labels' mean and deviation.

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    AnswerKind, CellRule, Constant, Counter, LabelColumn, Labels, Layout, OrReason, Written,
    class::{UNKNOWN, rows},
    counter,
    question::{Labeled, by_name, foreign, list, strange},
};
use crate::{
    distribution::{Family, Forecast, Form},
    error::Result,
    label_stats::{LabelStats, Spread},
    prediction::{Prediction, Reference},
};

/// Numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Values {
    /// Names in the order of the target's columns.
    pub names: Vec<String>,
}

impl Labeled for Values {
    const LABELS: &'static str = "numbers [b, k]";

    fn reference(labels: Labels) -> Result<Reference> {
        labels.into_numbers().map(Reference::Values)
    }
}

impl AnswerKind for Values {
    fn kind(&self) -> &'static str {
        Self::NAME
    }

    fn names(&self) -> &[String] {
        &self.names
    }

    fn layout(&self) -> Layout {
        Layout::dense(CellRule::Number, &[self.names.len() as i64])
    }

    fn shape(&self) -> Vec<i64> {
        vec![self.names.len() as i64]
    }

    fn describe(&self) -> String {
        format!("numbers [b, {}]", self.names.len())
    }

    fn summary(&self) -> String {
        match self.names.len() {
            1 => "number".to_owned(),
            n => format!("{n} numbers"),
        }
    }

    fn meaning(&self) -> String {
        format!("the numbers {}", list(&self.names))
    }

    fn lead(&self) -> &'static str {
        "numbers:"
    }

    fn least(&self) -> (&'static str, usize) {
        ("values", 1)
    }

    fn has_mean(&self) -> bool {
        true
    }

    fn counter(&self) -> Box<dyn Counter> {
        counter::Columns::new(self.names.len())
    }

    #[expect(clippy::cast_possible_truncation, reason = "predictions are f32")]
    fn constant(&self, stats: &LabelStats, best: Constant, of: &Reference) -> OrReason<Prediction> {
        let spreads: Option<Vec<&Spread>> = stats.numbers().iter().map(|n| n.spread.as_ref()).collect();
        if best == Constant::Distribution {
            let moments = spreads.ok_or(UNKNOWN)?.into_iter().map(|spread| spread.moments);
            let row: Vec<f32> = moments.flat_map(|m| [m.mean as f32, m.std as f32]).collect();
            if row.chunks(2).any(|normal| normal[1] <= 0.0) {
                return Err("labels that are all alike have no distribution".to_owned());
            }
            return gaussian(rows(&row, of.batch_size()));
        }
        let number = |spread: &&Spread| match best {
            Constant::Median => spread.median() as f32,
            Constant::Mean | Constant::Logits | Constant::Distribution => spread.moments.mean as f32,
        };
        let row: Vec<f32> = spreads.ok_or(UNKNOWN)?.iter().map(number).collect();
        Ok(Prediction::Values { values: rows(&row, of.batch_size()) })
    }

    fn repeat(&self, truth: &Reference) -> OrReason<Prediction> {
        let Reference::Values(values) = truth else { return strange(self.kind(), truth) };
        Ok(Prediction::Values { values: values.mapv(|value| if value.is_nan() { 0.0 } else { value }) })
    }

    /// Of distributions the normal one around the label, as narrow as a thousandth of its size.
    fn repeat_for(&self, truth: &Reference, best: Constant) -> OrReason<Prediction> {
        let Reference::Values(values) = truth else { return strange(self.kind(), truth) };
        match best {
            Constant::Mean | Constant::Median | Constant::Logits => self.repeat(truth),
            Constant::Distribution => {
                gaussian(Array2::from_shape_fn((values.nrows(), 2 * values.ncols()), |(row, at)| {
                    let value = values[[row, at / 2]];
                    let value = if value.is_nan() { 0.0 } else { value };
                    if at % 2 == 0 { value } else { 1e-3 * value.abs().max(1.0) }
                }))
            }
        }
    }

    /// Numbers cannot be stratified, so only known and missing are told apart.
    fn strata(&self, truth: &Reference) -> OrReason<Vec<u64>> {
        let Reference::Values(values) = truth else { return strange(self.kind(), truth) };
        Ok(values.rows().into_iter().map(|row| u64::from(row.iter().any(|cell| !cell.is_nan()))).collect())
    }

    fn can_be_right(&self) -> OrReason<()> {
        Err("numbers are near or far, not right or wrong".into())
    }

    fn label_columns(&self, truth: &Reference) -> OrReason<Vec<LabelColumn>> {
        let Reference::Values(values) = truth else { return strange(self.kind(), truth) };
        let number = |x: &f32| (!x.is_nan()).then_some(f64::from(*x));
        Ok(values.columns().into_iter().map(|c| LabelColumn::Numbers(c.iter().map(number).collect())).collect())
    }

    fn label_text(&self, truth: &Reference, row: usize) -> String {
        let Reference::Values(values) = truth else { return "-".into() };
        let row = values.rows().into_iter().nth(row);
        let words = row.into_iter().flat_map(|row| row.to_vec());
        words.map(|x| if x.is_nan() { "-".to_owned() } else { format!("{x:.4}") }).collect::<Vec<_>>().join(", ")
    }

    fn columns(&self) -> Vec<Option<String>> {
        match self.names.len() {
            1 => vec![None],
            _ => self.names.iter().cloned().map(Some).collect(),
        }
    }

    fn write(&self, prediction: &Prediction, row: usize, put: &mut dyn FnMut(Written<'_>)) -> OrReason<()> {
        if let Prediction::Forecast(forecast) = prediction {
            return forecast.write(row, &mut |x| put(Written::Number(x)));
        }
        let Prediction::Values { values } = prediction else { return foreign(self.kind(), prediction) };
        values.row(row).iter().for_each(|x| put(Written::Number(*x)));
        Ok(())
    }

    fn json(&self, prediction: &Prediction, row: usize) -> OrReason<Value> {
        if let Prediction::Forecast(forecast) = prediction {
            return forecast.json(row, &self.names);
        }
        let Prediction::Values { values } = prediction else { return foreign(self.kind(), prediction) };
        Ok(json!({ "values": by_name(&self.names, values.row(row)) }))
    }

    fn prediction(&self, numbers: Array2<f32>) -> OrReason<Prediction> {
        Ok(Prediction::Values { values: numbers })
    }
}

/// Normal distributions, mean and deviation of each output.
fn gaussian(numbers: Array2<f32>) -> OrReason<Prediction> {
    Forecast::new(Form::Family { family: Family::Gaussian, levels: Vec::new() }, numbers).map(Prediction::Forecast)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{answer::Answer, label_stats::Numbers};
    use ndarray::array;

    #[test]
    fn constant_answers_are_means_or_medians() {
        let answer = Answer::values(["price"]);
        let of = |spread| LabelStats::Values { outputs: vec![Numbers { known: 3, missing: 0, spread }] };
        let stats = of(Spread::of(&mut [0.0, 1.0, 8.0]));
        let constant = |best| answer.constant(&stats, best, &Reference::Values(array![[0.0]])).unwrap();
        assert_eq!(constant(Constant::Mean), Prediction::Values { values: array![[3.0]] });
        assert_eq!(constant(Constant::Median), Prediction::Values { values: array![[1.0]] });
        assert_eq!(answer.constant(&of(None), Constant::Mean, &Reference::Values(array![[0.0]])).unwrap_err(), UNKNOWN);
        let truth = Reference::Values(array![[2.5], [f32::NAN]]);
        assert_eq!((answer.strata(&truth).unwrap(), answer.label_text(&truth, 1)), (vec![1, 0], "-".into()));
    }
}
