//! What is fitted to a trained model's answers, on samples that it did not learn from: calibrated probabilities, sets and intervals,
//! thresholds, a reject option.
//!
//! ```text
//! answers on validation --fit--> PostHoc --calibrated--> probabilities that come true
//!                                        \----said-----> sets, intervals, decisions, rejections        --Verdict--> before and after
//! ```
//! | room | what | registry |
//! |---|---|---|
//! | [`calibration`] | temperature, isotonic regression, or the better one | [`CalibrationConfig`] |
//! | [`conformal`] | LAC, APS, RAPS, sets of grades; intervals from residuals and quantiles | [`ScoreConfig`](conformal::ScoreConfig) |
//! | [`threshold`] | from which probability on yes is said: by cost, F1, Youden, as set | [`ThresholdConfig`] |
//! | [`reject`] | Chow's rule, a share of answers, a share of errors | [`RejectConfig`] |
//!
//! They are fitted in this order, each on what the one before left: sets, thresholds and risks are of calibrated probabilities. A method is
//! one file and one line. All arithmetic is `f64` and plain; weights of samples count in every one.
//!
//! ```
//! use mtl_core::{answer::Answer, prediction::{Prediction, Reference, Scores}};
//! use mtl_metrics::{MetricBatch, post_hoc::{CalibrationConfig, ConformalConfig, PostHocConfig}};
//! use ndarray::Array2;
//!
//! // Said with 0.9, right three times of four: odds of 9 that should be odds of 3.
//! let scores = Array2::from_shape_fn((40, 2), |(_, class)| [0.1, 0.9][class]);
//! let said = Prediction::Class { scores, kind: Scores::Probs };
//! let truth = Reference::Class((0..40).map(|i| i64::from(i % 4 != 0)).collect());
//! let config = PostHocConfig {
//!     calibration: Some(CalibrationConfig::by_name("temperature")?),
//!     conformal: Some(ConformalConfig { coverage: 0.9, ..Default::default() }),
//!     ..Default::default()
//! };
//! let answer = Answer::class(["no", "yes"]);
//! let fitted = config.fit(&answer, None, &MetricBatch::new(&said, &truth))?;
//! let calibrated = fitted.calibrated(&said).unwrap();
//! let Prediction::Class { scores, .. } = &calibrated else { unreachable!() };
//! assert!((scores[[0, 1]] - 0.75).abs() < 1e-6);
//! assert_eq!(fitted.said(&calibrated, 0)[0].set, Some(vec![0, 1])); // 0.9 of the truth needs both
//! # Ok::<(), mtl_core::Error>(())
//! ```

pub mod calibration;
pub mod conformal;
pub mod evidence;
pub mod reject;
mod said;
pub mod threshold;
mod verdict;

pub use calibration::{Calibration, CalibrationConfig};
pub use conformal::{Conformal, ConformalConfig};
use mtl_core::{
    Error, Result,
    answer::Answer,
    distribution::Form,
    prediction::{Prediction, Reference},
};
pub use reject::{Reject, RejectConfig};
pub use said::Said;
use serde::{Deserialize, Serialize};
pub use threshold::{ThresholdConfig, Thresholds};
pub use verdict::{Covered, Decided, Probabilities, Quality, Selected, Verdict, share_interval};

use self::evidence::Asked;
use crate::{MetricBatch, value::OrReason};

/// What a task wants of all this.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PostHocConfig {
    /// How probabilities are calibrated.
    pub calibration: Option<CalibrationConfig>,
    /// Sets or intervals.
    pub conformal: Option<ConformalConfig>,
    /// From which probability on yes is said.
    pub threshold: Option<ThresholdConfig>,
    /// Which answers are rejected.
    pub reject: Option<RejectConfig>,
}

/// What was fitted for a task.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PostHoc {
    /// Samples with a label that it was fitted on.
    pub samples: u64,
    /// Maps of probabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    /// Quantiles of scores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conformal: Option<Conformal>,
    /// Thresholds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Thresholds>,
    /// Bounds of risk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reject: Option<Reject>,
}

impl PostHocConfig {
    /// Whether nothing is wanted.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the settings make sense for such answers, of a head that says distributions of that form.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] below the key that is wrong (`calibration`, `conformal`, `threshold`, `reject`), naming what it is.
    pub fn check(&self, answer: &Answer, form: Option<&Form>) -> Result<()> {
        let asked = Asked::by(answer.tag());
        let unfit = |field, reason: String| Error::InvalidConfig {
            what: "task",
            field,
            expected: "left out for such a task".into(),
            found: format!("it: {reason}"),
        };
        if self.calibration.is_some() {
            Calibration::suits(asked).map_err(|reason| unfit("calibration", reason).inside("calibration"))?;
        }
        if let Some(conformal) = &self.conformal {
            conformal.check(answer, form).map_err(|e| e.inside("conformal"))?;
        }
        if let Some(threshold) = &self.threshold {
            Thresholds::suits(answer).map_err(|reason| unfit("threshold", reason).inside("threshold"))?;
            threshold.part().validate().map_err(|e| e.inside("threshold"))?;
        }
        if let Some(reject) = &self.reject {
            Reject::suits(asked).map_err(|reason| unfit("reject", reason).inside("reject"))?;
            reject.part().validate().map_err(|e| e.inside("reject"))?;
        }
        self.check_names(answer)
    }

    /// Columns that are added must not be called as an output is.
    fn check_names(&self, answer: &Answer) -> Result<()> {
        let taken = [
            ("conformal", self.conformal.is_some(), "set"),
            ("threshold", self.threshold.is_some(), "decided"),
            ("reject", self.reject.is_some(), "rejected"),
        ];
        let is_class = Asked::by(answer.tag()) == Asked::OneOf;
        match taken.iter().find(|(_, wanted, name)| *wanted && is_class && answer.names().iter().any(|own| own == name))
        {
            None => Ok(()),
            Some((field, _, name)) => Err(Error::InvalidConfig {
                what: "task",
                field,
                expected: format!("classes of other names than {name:?}, which is its column of predictions"),
                found: format!("a class {name:?}"),
            }
            .inside(field)),
        }
    }

    /// Fits everything on answers beside what is right.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for what these samples do not allow; what is wrong with answers and labels.
    pub fn fit(&self, answer: &Answer, form: Option<&Form>, batch: &MetricBatch<'_>) -> Result<PostHoc> {
        let truth = batch.reference();
        let samples = (0..truth.batch_size()).filter(|row| truth.truth().knows(*row)).count() as u64;
        let mut fitted = PostHoc { samples, ..PostHoc::default() };
        let refused = |field, reason: String| Error::InvalidConfig {
            what: "task",
            field,
            expected: format!("one that the answers of task {} allow", batch.task()),
            found: reason,
        };
        if let Some(config) = &self.calibration {
            let found = Calibration::fit(config, &evidence::Evidence::of(batch)?);
            fitted.calibration = Some(found.map_err(|reason| refused("calibration", reason).inside("calibration"))?);
        }
        let calibrated = fitted.calibrated(batch.prediction());
        let calibrated = calibrated.map_err(|reason| refused("calibration", reason))?;
        let batch = batch.answered(&calibrated);
        if let Some(config) = &self.conformal {
            fitted.conformal = Some(Conformal::fit(config, answer, form, &batch).map_err(|e| e.inside("conformal"))?);
        }
        if let Some(config) = &self.threshold {
            fitted.threshold = Some(Thresholds::fit(config, answer, &batch).map_err(|e| e.inside("threshold"))?);
        }
        if let Some(config) = &self.reject {
            let found = Reject::fit(config, fitted.threshold.as_ref(), answer, &batch);
            fitted.reject = Some(found.map_err(|e| e.inside("reject"))?);
        }
        Ok(fitted)
    }
}

impl PostHoc {
    /// The answers with calibrated probabilities; themselves where none was fitted.
    ///
    /// # Errors
    /// The reason for answers without probabilities.
    pub fn calibrated(&self, prediction: &Prediction) -> OrReason<Prediction> {
        match &self.calibration {
            Some(calibration) => calibration.apply(prediction),
            // As probabilities, where they are scores: risks and sets are of these.
            None => match prediction {
                Prediction::Class { .. } | Prediction::Ordinal { .. } | Prediction::MultiLabel { .. } => {
                    evidence::edited(prediction, |_| {})
                }
                Prediction::Values { .. }
                | Prediction::Forecast(_)
                | Prediction::Tags { .. }
                | Prediction::Sequence { .. }
                | Prediction::Custom { .. } => Ok(prediction.clone()),
            },
        }
    }

    /// Checks one that was read from a file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, answer: &Answer, form: Option<&Form>) -> OrReason<()> {
        if let Some(calibration) = &self.calibration {
            Calibration::suits(Asked::by(answer.tag()))?;
            calibration.check(answer.width())?;
        }
        self.conformal.as_ref().map_or(Ok(()), |own| own.check(answer, form))?;
        self.threshold.as_ref().map_or(Ok(()), |own| own.check(answer))?;
        self.reject.as_ref().map_or(Ok(()), |own| own.check(answer))
    }

    /// What was fitted, in words, a line each.
    #[must_use]
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.calibration.as_ref().map(|own| format!("calibration: {}", own.describe())));
        lines.extend(self.conformal.as_ref().map(Conformal::describe));
        lines.extend(self.threshold.as_ref().map(Thresholds::describe));
        lines.extend(self.reject.as_ref().map(Reject::describe));
        lines
    }

    /// What it is worth on other samples: answers of the model itself beside what is right.
    ///
    /// # Errors
    /// As [`Verdict::of`].
    pub fn judge(
        &self,
        answer: &Answer,
        prediction: &Prediction,
        reference: &Reference,
        weights: Option<&[f32]>,
    ) -> Result<Verdict> {
        Verdict::of(self, answer, prediction, reference, weights)
    }
}
