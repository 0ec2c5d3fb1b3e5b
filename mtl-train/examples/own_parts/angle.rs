//! A kind of answer: a direction in degrees, `[0, 360)`, of which 359 is next to 1.
//!
//! ```text
//! labels [b, 1] of Float, NaN where unknown          prediction [b, 1], degrees
//! constant answer: the mean direction                written: degrees
//! ```

use mtl_core::{
    answer::{AnswerKind, CellRule, Cells, Constant, Counter, CustomAnswer, Labels, Layout, OrReason, Written},
    label_stats::LabelStats,
    prediction::{Prediction, Reference},
};
use ndarray::{Array1, Array2, Axis};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A direction, by its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Angle {
    pub(crate) names: Vec<String>,
}

impl Angle {
    pub(crate) const KIND: &str = "angle";

    /// An answer for each sample.
    pub(crate) fn prediction(degrees: Vec<f32>) -> Prediction {
        Prediction::Custom { kind: Self::KIND, values: Labels::numbers(Array1::from(degrees).insert_axis(Axis(1))) }
    }
}

/// The direction of a vector, in degrees.
pub(crate) fn degrees(sin: f64, cos: f64) -> f32 {
    (sin.atan2(cos).to_degrees() as f32).rem_euclid(360.0) % 360.0
}

/// Labels or answers of this kind: a number a sample.
pub(crate) fn numbers(labels: &Labels) -> &[f32] {
    match labels.cells() {
        Cells::Number(numbers) => numbers,
        Cells::Index(_) => &[],
    }
}

impl AnswerKind for Angle {
    fn kind(&self) -> &'static str {
        Self::KIND
    }
    fn names(&self) -> &[String] {
        &self.names
    }
    fn layout(&self) -> Layout {
        Layout::dense(CellRule::Number, &[1])
    }
    fn shape(&self) -> Vec<i64> {
        vec![1]
    }
    fn describe(&self) -> String {
        "directions [b, 1] in degrees".into()
    }
    fn summary(&self) -> String {
        "direction".into()
    }
    fn meaning(&self) -> String {
        "a direction in degrees, 0 to 360".into()
    }
    fn lead(&self) -> &'static str {
        "degrees:"
    }
    fn least(&self) -> (&'static str, usize) {
        ("directions", 1)
    }

    fn counter(&self) -> Box<dyn Counter> {
        Box::new(Mean::default())
    }

    fn constant(&self, stats: &LabelStats, _best: Constant, of: &Reference) -> OrReason<Prediction> {
        let LabelStats::Custom { values, .. } = stats else { return Err("no statistics of directions".into()) };
        let sum = |key: &str| values[key].as_f64().ok_or_else(|| format!("no sum of {key}"));
        Ok(Self::prediction(vec![degrees(sum("sin")?, sum("cos")?); of.batch_size()]))
    }

    fn repeat(&self, truth: &Reference) -> OrReason<Prediction> {
        let Reference::Custom { labels, .. } = truth else { return Err("no directions".into()) };
        Ok(Self::prediction(numbers(labels).iter().map(|x| if x.is_nan() { 0.0 } else { *x }).collect()))
    }

    fn label_text(&self, truth: &Reference, row: usize) -> String {
        let Reference::Custom { labels, .. } = truth else { return "-".into() };
        numbers(labels).get(row).filter(|x| !x.is_nan()).map_or_else(|| "-".into(), |x| format!("{x:.0} degrees"))
    }

    fn columns(&self) -> Vec<Option<String>> {
        vec![None]
    }

    fn write(&self, prediction: &Prediction, row: usize, put: &mut dyn FnMut(Written<'_>)) -> OrReason<()> {
        put(Written::Number(answer(prediction, row)?));
        Ok(())
    }

    fn json(&self, prediction: &Prediction, row: usize) -> OrReason<Value> {
        Ok(json!({ "degrees": answer(prediction, row)? }))
    }

    fn prediction(&self, numbers: Array2<f32>) -> OrReason<Prediction> {
        Ok(Self::prediction(numbers.iter().copied().collect()))
    }
}

impl CustomAnswer for Angle {
    fn settings(&self) -> Value {
        json!(self)
    }
}

fn answer(prediction: &Prediction, row: usize) -> OrReason<f32> {
    let Prediction::Custom { values, .. } = prediction else { return Err("no direction".into()) };
    numbers(values).get(row).copied().ok_or_else(|| format!("no row {row}"))
}

/// The sum of unit vectors of the known directions.
#[derive(Default)]
struct Mean {
    samples: u64,
    known: u64,
    sin: f64,
    cos: f64,
}

impl Counter for Mean {
    fn count(&mut self, labels: &Reference) {
        self.samples += labels.batch_size() as u64;
        let Reference::Custom { labels, .. } = labels else { return };
        for x in numbers(labels).iter().filter(|x| !x.is_nan()) {
            let (sin, cos) = f64::from(*x).to_radians().sin_cos();
            (self.sin, self.cos, self.known) = (self.sin + sin, self.cos + cos, self.known + 1);
        }
    }

    fn skip(&mut self, n: u64) {
        self.samples += n;
    }

    fn finish(self: Box<Self>) -> LabelStats {
        let values = json!({ "sin": self.sin, "cos": self.cos });
        LabelStats::Custom { samples: self.samples, known: self.known, values }
    }
}
