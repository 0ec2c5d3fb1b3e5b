//! One answer of those of an ensemble's members.
//!
//! ```text
//! mean_i = 1/k sum_m answer_(m b + i)      in the space of the answer: probabilities, numbers in the labels' unit
//! ```
//! | answer | mean of |
//! |---|---|
//! | classes, grades | probabilities; logits become probabilities first |
//! | yes/no labels | probabilities of yes |
//! | numbers | numbers |
//! | distributions | parameters; quantiles level by level |
//!
//! All of these are convex sets: the mean of probabilities sums to 1, quantiles that rise have means that rise, a mean of parameters is
//! within their ranges. Where losses are convex in what is averaged (log loss of probabilities, squares and absolute errors of numbers,
//! pinball losses of quantiles), the mean costs no more than the members do on average.
//!
//! **Distributions.** A mixture of the members' distributions is of no [`Form`](crate::distribution::Form): it would be said by `k` times
//! the numbers, and its quantiles have no closed form. Averaged are parameters, which for families that move and stretch (Gaussian,
//! Laplace; Student's t where the degrees of freedom agree) is exactly the distribution whose quantiles are the means of the members'
//! quantiles, so that its CRPS is no more than theirs on average; its mean is that of the mixture for every family. It is sharper than
//! the mixture: what members disagree about does not widen it.
//!
//! **Reference** Lichtendahl, Grushka-Cockayne and Winkler, "Is It Better to Average Probabilities or Quantiles?", Management Science
//! 59(7), 2013.

use ndarray::{Array2, Axis, s};

use super::{Prediction, Scores};
use crate::answer::OrReason;

impl Prediction {
    /// The mean answer to each sample. Of `members` answers each, those of member `m` to `b` samples are the rows `m b .. (m + 1) b`.
    ///
    /// # Errors
    /// Why answers of this kind have no mean, or that there are not as many of each member.
    pub fn mean_of_members(self, members: usize) -> OrReason<Self> {
        if members == 1 {
            return Ok(self);
        }
        let rows = self.batch_size();
        if members == 0 || !rows.is_multiple_of(members) {
            return Err(format!("{rows} answers are not those of {members} members"));
        }
        let mean = |matrix: &Array2<f32>| mean(matrix, members);
        Ok(match self {
            Self::Class { scores, kind } => Self::Class { scores: mean(&shares(scores, kind)), kind: Scores::Probs },
            Self::Ordinal { scores, kind } => {
                Self::Ordinal { scores: mean(&shares(scores, kind)), kind: Scores::Probs }
            }
            Self::MultiLabel { mut scores, kind } => {
                if kind == Scores::Logits {
                    scores.mapv_inplace(|logit| 1.0 / (1.0 + (-logit).exp()));
                }
                Self::MultiLabel { scores: mean(&scores), kind: Scores::Probs }
            }
            Self::Values { values } => Self::Values { values: mean(&values) },
            Self::Forecast(forecast) => Self::Forecast(forecast.map_numbers(mean)?),
            Self::Tags { .. } | Self::Sequence { .. } | Self::Custom { .. } => {
                return Err(format!("several answers by {} have no mean", self.describe()));
            }
        })
    }
}

/// The mean of `members` blocks of rows.
fn mean(matrix: &Array2<f32>, members: usize) -> Array2<f32> {
    let b = matrix.nrows() / members;
    let mut sum = matrix.slice(s![..b, ..]).to_owned();
    for m in 1..members {
        sum += &matrix.slice(s![m * b..(m + 1) * b, ..]);
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of members")]
    let share = 1.0 / members as f32;
    sum * share
}

/// Probabilities of one of several.
fn shares(mut scores: Array2<f32>, kind: Scores) -> Array2<f32> {
    if kind == Scores::Logits {
        for mut row in scores.axis_iter_mut(Axis(0)) {
            let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.mapv_inplace(|logit| (logit - top).exp());
            let sum = row.sum();
            row.mapv_inplace(|raised| raised / sum);
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        answer::Labels,
        distribution::{Family, Forecast, Form},
    };
    use ndarray::array;

    #[test]
    fn answers_are_averaged_in_their_own_space() {
        // Two members, two samples.
        let scores = array![[0.2, 0.8], [1.0, 0.0], [0.6, 0.4], [0.5, 0.5]];
        let class = Prediction::Class { scores: scores.clone(), kind: Scores::Probs };
        assert_eq!(class.clone().mean_of_members(1).unwrap(), class);
        let close = |found: Prediction, expected: &Array2<f32>| {
            let (Prediction::Class { scores, kind }
            | Prediction::Ordinal { scores, kind }
            | Prediction::MultiLabel { scores, kind }) = found
            else {
                panic!()
            };
            assert_eq!(kind, Scores::Probs);
            assert!((scores - expected).iter().all(|gap| gap.abs() < 1e-6));
        };
        let expected = array![[0.4, 0.6], [0.75, 0.25]];
        close(class.mean_of_members(2).unwrap(), &expected);
        let logits = array![[0.2f32, 0.8], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]];
        let grades = Prediction::Ordinal { scores: logits.mapv(f32::ln), kind: Scores::Logits };
        close(grades.mean_of_members(2).unwrap(), &array![[0.4, 0.6], [0.75, 0.25]]);
        let labels = Prediction::MultiLabel { scores: logits.mapv(|p| (p / (1.0 - p)).ln()), kind: Scores::Logits };
        close(labels.mean_of_members(2).unwrap(), &array![[0.4, 0.6], [0.75, 0.25]]);
        let values = Prediction::Values { values: array![[1.0], [3.0], [5.0], [-3.0]] };
        assert_eq!(values.clone().mean_of_members(2).unwrap(), Prediction::Values { values: array![[3.0], [0.0]] });
        assert_eq!(values.clone().mean_of_members(4).unwrap(), Prediction::Values { values: array![[1.5]] });
        assert_eq!(values.mean_of_members(3).unwrap_err(), "4 answers are not those of 3 members");
        let tokens = Prediction::Sequence { tokens: Labels::lists(&[vec![1], vec![2]]) };
        assert_eq!(tokens.mean_of_members(2).unwrap_err(), "several answers by tokens [b, l] have no mean");
    }

    /// The quantiles of the mean are the means of the quantiles, for families that move and stretch.
    #[test]
    fn the_mean_of_distributions_has_the_mean_of_quantiles() {
        for family in [Family::Gaussian, Family::Laplace] {
            let form = Form::Family { family, levels: Vec::new() };
            let (one, other) = ([1.0f32, 0.5], [4.0f32, 2.0]);
            let numbers = array![one, other];
            let both = Prediction::Forecast(Forecast::new(form.clone(), numbers).unwrap());
            let Prediction::Forecast(found) = both.mean_of_members(2).unwrap() else { panic!() };
            let mut p = Vec::new();
            found.read(0, 0, &mut p);
            assert_eq!((p.as_slice(), found.points()), (&[2.5, 1.25][..], &array![[2.5]]));
            for level in [0.03, 0.4, 0.9] {
                let quantile = |p: [f32; 2]| form.quantile(&p.map(f64::from), level).unwrap();
                let gap = form.quantile(&p, level).unwrap() - (quantile(one) + quantile(other)) / 2.0;
                assert!(gap.abs() < 1e-9, "{family} {level}: {gap}");
            }
        }
        let form = Form::Quantiles { levels: vec![0.1, 0.5] };
        let both = Prediction::Forecast(Forecast::new(form, array![[1.0, 2.0], [1.0, 6.0]]).unwrap());
        let Prediction::Forecast(found) = both.mean_of_members(2).unwrap() else { panic!() };
        assert_eq!(found.points(), &array![[4.0]]);
    }
}
