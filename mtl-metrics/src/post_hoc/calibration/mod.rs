//! Calibration: probabilities that come true as often as they say.
//!
//! | kind | what is fitted | of `c` choices | order of the answers |
//! |---|---|---|---|
//! | `temperature` | one number, or one a label | the same for all | stays |
//! | `isotonic` | a curve that never falls | one each against the others, then divided by their sum | of yes/no: stays, up to ties |
//! | `auto` | one of these, or nothing: whose log-loss is smallest on folds that it was not fitted on | | |
//!
//! What is fitted has one of the forms of [`Curve`]. A method is its file and a line of the list.

mod auto;
mod curve;
mod isotonic;
mod temperature;

use std::fmt::Debug;

pub use auto::AutoConfig;
pub use curve::{Curve, FROM_ONE, FROM_ZERO};
pub use isotonic::IsotonicConfig;
use mtl_core::{prediction::Prediction, registry};
use serde::{Deserialize, Serialize};
pub use temperature::{RANGE, TemperatureConfig};

use super::evidence::{Asked, Choices, Evidence, Question, edited};
use crate::value::OrReason;

registry! {
    /// How probabilities are calibrated.
    pub enum CalibrationConfig, what = "calibration", part = CalibrationPart {
        Temperature(TemperatureConfig) = "temperature", "all logits over one number: less or more sure, in the same order";
        Isotonic(IsotonicConfig) = "isotonic", "how often each probability came true, as a curve that never falls";
        Auto(AutoConfig) = "auto", "whichever of these, or nothing, has the smallest log-loss on folds it was not fitted on";
    }
}

/// What a method of calibration does; all of it is fitted on samples with a label.
pub trait CalibrationPart: Debug + Send + Sync {
    /// The maps of `c` choices: one for all, or one each; none changes nothing.
    ///
    /// # Errors
    /// Why there is none.
    fn of_choices(&self, choices: &Choices) -> OrReason<Vec<Curve>>;

    /// The maps of yes/no labels: one for all, or one each; none changes nothing.
    ///
    /// # Errors
    /// Why there is none.
    fn of_questions(&self, questions: &[Question]) -> OrReason<Vec<Curve>>;
}

/// A calibration that was fitted.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Calibration {
    /// One map for all outputs, or one each; none changes nothing.
    pub curves: Vec<Curve>,
}

impl Calibration {
    /// Whether probabilities of such answers can be calibrated.
    ///
    /// # Errors
    /// Why not.
    pub fn suits(asked: Asked) -> OrReason<()> {
        match asked {
            Asked::OneOf | Asked::YesNo => Ok(()),
            Asked::Numbers | Asked::Other(_) => Err(format!("{} have no probability to calibrate", asked.describe())),
        }
    }

    /// Fits one.
    ///
    /// # Errors
    /// Why there is none.
    pub fn fit(config: &CalibrationConfig, evidence: &Evidence) -> OrReason<Self> {
        evidence.some()?;
        let curves = match evidence {
            Evidence::OneOf(choices) => config.part().of_choices(choices)?,
            Evidence::YesNo(questions) => config.part().of_questions(questions)?,
        };
        Ok(Self { curves })
    }

    /// The calibrated answers, as probabilities.
    ///
    /// # Errors
    /// The reason for answers without probabilities.
    pub fn apply(&self, prediction: &Prediction) -> OrReason<Prediction> {
        let of_labels = matches!(prediction, Prediction::MultiLabel { .. });
        edited(prediction, |row| {
            if of_labels { curve::of_labels(&self.curves, row) } else { curve::of_choices(&self.curves, row) }
        })
    }

    /// Checks one that was read from a file, for an answer of that many outputs.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, width: usize) -> OrReason<()> {
        if ![0, 1, width].contains(&self.curves.len()) {
            return Err(format!("{} calibrations for {width} outputs", self.curves.len()));
        }
        self.curves.iter().try_for_each(Curve::check)
    }

    /// What was fitted, in words: `T = 1.43`.
    #[must_use]
    pub fn describe(&self) -> String {
        let of = |curve: &Curve| match curve {
            Curve::Power { temperature } => {
                let end = if RANGE.contains(temperature) { ", the end of its range" } else { "" };
                format!("T = {temperature:.4}{end}")
            }
            Curve::Line { xs, .. } => format!("a curve of {} knots", xs.len()),
        };
        match self.curves.as_slice() {
            [] => "nothing changed".into(),
            curves => curves.iter().map(of).collect::<Vec<_>>().join("; "),
        }
    }
}
