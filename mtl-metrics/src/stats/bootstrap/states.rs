//! Any metric: one state a unit, merged as often as the unit was drawn.

use mtl_core::Result;

use super::{Bootstrap, BootstrapInterval};
use crate::{
    metric::{Metric, Streaming},
    value::OrReason,
};

impl Bootstrap {
    /// The interval of a metric, given one of it per unit (a speaker, a user, an image), each fed with that unit alone.
    ///
    /// Fast for states of a few counts (WER, BLEU, confusion); states that hold samples are copied whole into each resample,
    /// for which [`auroc`](Self::auroc) and [`run`](Self::run) are better doors.
    ///
    /// ```
    /// use mtl_metrics::{Streaming, stats::Bootstrap, text::{Bleu, BleuConfig, TextPairs}};
    /// let pairs = [("the cat sat on the mat", "the cat sat on a mat"), ("he is at home now", "he is at home now"),
    ///              ("it rains all the day", "it rains the whole day"), ("we go to the old town", "we go to the old city")];
    /// let mut sentences = Vec::new();
    /// for (said, meant) in pairs {
    ///     let mut bleu = Streaming::new(Bleu::new(BleuConfig::default())?);
    ///     bleu.update_batch(&TextPairs::new(&[said], &[meant])?)?;
    ///     sentences.push(bleu);
    /// }
    /// let bleu = Bootstrap::default().states(&sentences)?;
    /// let ([low, high], value) = (bleu.interval.unwrap(), bleu.value.unwrap());
    /// assert!(low < value && value < high, "{low} {value} {high}");
    /// # Ok::<(), mtl_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run); [`mtl_core::Error::State`] for metrics of different settings or kinds of data.
    pub fn states<M: Metric>(&self, metrics: &[Streaming<M>]) -> Result<BootstrapInterval> {
        let empty = metrics.first().map(|first| Streaming::new(first.metric().clone()));
        // Once aloud, so that what does not merge is an error and not a value that is not defined.
        if let Some(mut whole) = empty.clone() {
            metrics.iter().try_for_each(|metric| whole.merge(metric))?;
        }
        let merged = |often: &mut dyn Iterator<Item = u32>| -> OrReason<f64> {
            let Some(mut whole) = empty.clone() else { return Err("no unit".to_owned()) };
            for (metric, often) in metrics.iter().zip(often) {
                for _ in 0..often {
                    whole.merge(metric).map_err(|e| e.to_string())?;
                }
            }
            whole.compute().get().map_err(str::to_owned)
        };
        self.interval(
            metrics.len(),
            |counts| merged(&mut counts.iter().copied()),
            |unit| merged(&mut (0..metrics.len()).map(|idx| u32::from(idx != unit))),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        audio::{ErrorRate, Rate, Unit},
        stats::{Draws, Units},
        text::TextPairs,
    };

    #[test]
    fn error_rates_by_states_and_by_ratio() {
        let pairs = [("a b c", "a b d"), ("a", "a"), ("x y", "z"), ("k l m n", "k l m n"), ("", "a b")];
        let metric = |unit, (said, meant): (&str, &str)| {
            let mut metric = Streaming::new(ErrorRate::new(Rate::Error, unit));
            metric.update_batch(&TextPairs::new(&[said], &[meant]).unwrap()).unwrap();
            metric
        };
        let states: Vec<_> = pairs.iter().map(|pair| metric(Unit::Words, *pair)).collect();
        let bootstrap = Bootstrap { draws: Draws { n: 400, seed: 8 }, ..Bootstrap::default() };
        let by_ratio = bootstrap.ratio(&Units::samples(5), &[1., 0., 2., 0., 2.], &[3., 1., 1., 4., 2.]).unwrap();
        assert_eq!(bootstrap.states(&states).unwrap(), by_ratio);
        let mixed = [states[0].clone(), metric(Unit::Characters, pairs[1])];
        assert!(bootstrap.states(&mixed).unwrap_err().to_string().contains("it belongs to metric cer"));
        let none: [Streaming<ErrorRate>; 0] = [];
        assert_eq!(bootstrap.states(&none).unwrap().value.unwrap_err(), "no unit");
    }
}
