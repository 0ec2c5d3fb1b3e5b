//! Distributions said of a batch.

use ndarray::Array2;
use serde_json::{Map, Value, json};

use super::Form;
use crate::{answer::OrReason, prediction::Rows};

/// What is said of the numbers of a batch: of each a distribution, all of one form.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    form: Form,
    /// `[b, k]`.
    points: Array2<f32>,
    /// `[b, k width]`, output by output.
    numbers: Array2<f32>,
}

impl Forecast {
    /// The numbers of a form, output by output.
    ///
    /// # Shapes
    /// `numbers`: `[b, k width]` for `k` outputs and a form of that [width](Form::width), in the labels' unit.
    ///
    /// # Errors
    /// Why these are no numbers of that form.
    pub fn new(form: Form, numbers: Array2<f32>) -> OrReason<Self> {
        let width = form.width();
        if width == 0 || !numbers.ncols().is_multiple_of(width) {
            return Err(format!(
                "{} is said by {width} numbers an output, not by {}",
                form.describe(),
                numbers.ncols()
            ));
        }
        let mut p = Vec::with_capacity(width);
        let mut points = Array2::zeros((numbers.nrows(), numbers.ncols() / width));
        for ((row, output), point) in points.indexed_iter_mut() {
            p.clear();
            p.extend((0..width).map(|j| f64::from(numbers[[row, output * width + j]])));
            *point = single(form.point(&p));
        }
        Ok(Self { form, points, numbers })
    }

    /// The form.
    #[must_use]
    pub fn form(&self) -> &Form {
        &self.form
    }

    /// The number that stands for each distribution, `[b, k]`: means, of quantiles medians.
    #[must_use]
    pub fn points(&self) -> &Array2<f32> {
        &self.points
    }

    /// Reads the numbers of an output of a sample into `p`: parameters of a family, or quantiles.
    pub fn read(&self, row: usize, output: usize, p: &mut Vec<f64>) {
        let width = self.form.width();
        p.clear();
        p.extend((0..width).map(|j| self.numbers.get([row, output * width + j]).map_or(f64::NAN, |x| f64::from(*x))));
    }

    /// Other numbers of the same form in the place of these.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn map_numbers(self, change: impl FnOnce(&Array2<f32>) -> Array2<f32>) -> OrReason<Self> {
        Self::new(self.form, change(&self.numbers))
    }

    /// The samples at these rows, in that order; rows that do not exist are left out.
    #[must_use]
    pub fn gather(&self, rows: &[usize]) -> Self {
        let form = self.form.clone();
        Self { form, points: self.points.gather(rows), numbers: self.numbers.gather(rows) }
    }

    /// Puts samples behind its own; false, and nothing has changed, for those of another form.
    pub fn append(&mut self, more: &Self) -> bool {
        self.form == more.form
            && Rows::append(&mut self.points, &more.points)
            && Rows::append(&mut self.numbers, &more.numbers)
    }

    /// The numbers of an output as they are written, in the order of [`Form::columns`].
    fn written(&self, row: usize, output: usize, put: &mut dyn FnMut(f32)) -> OrReason<()> {
        let mut p = Vec::new();
        self.read(row, output, &mut p);
        if let Form::Family { .. } = self.form {
            p.iter().for_each(|x| put(single(*x)));
        }
        for level in self.form.levels() {
            put(single(self.form.quantile(&p, *level)?));
        }
        Ok(())
    }

    /// The fields of the answer to a sample, one a column of [`Form::columns`].
    ///
    /// # Errors
    /// Why the form does not tell a number that is written.
    pub fn write(&self, row: usize, put: &mut dyn FnMut(f32)) -> OrReason<()> {
        for (output, point) in self.points.row(row).iter().enumerate() {
            put(*point);
            self.written(row, output, put)?;
        }
        Ok(())
    }

    /// The answer to a sample as JSON, for outputs of those names: `{"values": {..}, "forecast": {"price": {"mean": 3.0, ..}}}`.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn json(&self, row: usize, names: &[String]) -> OrReason<Value> {
        let (mut values, mut forecasts) = (Map::new(), Map::new());
        let keys = self.form.written();
        for ((output, point), name) in self.points.row(row).iter().enumerate().zip(names) {
            values.insert(name.clone(), json!(point));
            let mut numbers = Vec::with_capacity(keys.len());
            self.written(row, output, &mut |x| numbers.push(json!(x)))?;
            forecasts.insert(name.clone(), Value::Object(keys.iter().cloned().zip(numbers).collect()));
        }
        let form = match &self.form {
            Form::Family { family, .. } => family.name(),
            Form::Quantiles { .. } => "quantiles",
        };
        Ok(json!({ "values": values, "form": form, "forecast": forecasts }))
    }
}

/// Predictions are of single precision.
#[expect(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
fn single(x: f64) -> f32 {
    x as f32
}
