//! What is said of a sample beside its answer: set or interval, decision, rejection; as columns and as JSON.
//!
//! | task | columns | JSON |
//! |---|---|---|
//! | one of several | `task.set` (`a\|b`), `task.decided`, `task.rejected` | `"set": ["a", "b"]`, `"decided": "b"`, `"rejected": false` |
//! | yes or no | `task.label.set`, `.decided`, `.rejected` | the same below `"labels": {"label": ..}` |
//! | numbers | `task.low`, `task.high`; of several `task.name.low`, .. | `"interval": {"name": [low, high]}` |
//!
//! Only what the task asks for is there, behind the columns of the answer.

use mtl_core::{
    answer::{Answer, Written},
    prediction::Prediction,
};
use serde_json::{Map, Value, json};

use super::{
    PostHoc,
    conformal::Scratch,
    evidence::{Asked, probabilities, single},
    reject::{of_choices, of_label},
};
use crate::value::OrReason;

/// What is said of a label, or of a choice among several.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Said {
    /// The choices in the set; of yes/no labels 0 is no, 1 yes.
    pub set: Option<Vec<usize>>,
    /// What is decided.
    pub decided: Option<usize>,
    /// Whether it is left to somebody else.
    pub rejected: Option<bool>,
}

/// The names of a yes/no label's choices.
const NO_YES: [&str; 2] = ["no", "yes"];

impl PostHoc {
    /// What is said of a sample beside its (calibrated) answer: an entry a yes/no label, one alone of one of several, none of numbers.
    #[must_use]
    pub fn said(&self, prediction: &Prediction, row: usize) -> Vec<Said> {
        let (mut probs, mut scratch) = (Vec::new(), Scratch::default());
        if !probabilities(prediction, row, &mut probs) {
            return Vec::new();
        }
        let mut of = |output: usize, probs: &[f64], (decided, risk): (usize, f64)| Said {
            set: self.conformal.as_ref().map(|conformal| {
                let mut set = Vec::new();
                conformal.set(output, probs, &mut scratch, &mut set);
                set
            }),
            decided: self.threshold.as_ref().map(|_| decided),
            rejected: self.reject.as_ref().map(|reject| reject.rejects(output, risk)),
        };
        let thresholds = self.threshold.as_ref();
        if let Prediction::MultiLabel { .. } = prediction {
            let labels = probs.iter().enumerate();
            let said = labels.map(|(label, &p)| {
                let (says_yes, risk) = of_label(thresholds, label, p);
                of(label, &[1.0 - p, p], (usize::from(says_yes), risk))
            });
            return said.collect();
        }
        vec![of(0, &probs, of_choices(thresholds, &probs))]
    }

    /// The columns behind those of the answer; a name is written behind the task's.
    #[must_use]
    pub fn columns(&self, answer: &Answer) -> Vec<String> {
        let own: Vec<&str> = match Asked::by(answer.tag()) {
            Asked::Numbers if self.conformal.is_some() => vec!["low", "high"],
            Asked::OneOf | Asked::YesNo => [
                self.conformal.as_ref().map(|_| "set"),
                self.threshold.as_ref().map(|_| "decided"),
                self.reject.as_ref().map(|_| "rejected"),
            ]
            .into_iter()
            .flatten()
            .collect(),
            Asked::Numbers | Asked::Other(_) => Vec::new(),
        };
        let prefixes: Vec<String> = match Asked::by(answer.tag()) {
            Asked::Numbers if answer.width() == 1 => vec![String::new()],
            Asked::YesNo | Asked::Numbers => answer.names().iter().map(|name| format!("{name}.")).collect(),
            Asked::OneOf | Asked::Other(_) => vec![String::new()],
        };
        prefixes.iter().flat_map(|prefix| own.iter().map(move |name| format!("{prefix}{name}"))).collect()
    }

    /// Gives the fields of a sample to `put`, one a column of [`columns`](Self::columns).
    ///
    /// # Errors
    /// Why the prediction has none.
    pub fn write(
        &self,
        answer: &Answer,
        prediction: &Prediction,
        row: usize,
        put: &mut dyn FnMut(Written<'_>),
    ) -> OrReason<()> {
        if let (Asked::Numbers, Some(conformal)) = (Asked::by(answer.tag()), &self.conformal) {
            for output in 0..answer.width() {
                let ends = conformal.interval(prediction, row, output)?;
                ends.into_iter().for_each(|end| put(Written::Number(single(end))));
            }
            return Ok(());
        }
        for said in self.said(prediction, row) {
            if let Some(set) = said.set {
                put(Written::Text(&set.iter().map(|at| choice(answer, *at)).collect::<Vec<_>>().join("|")));
            }
            if let Some(decided) = said.decided {
                put(Written::Text(&choice(answer, decided)));
            }
            if let Some(rejected) = said.rejected {
                put(Written::Text(if rejected { "true" } else { "false" }));
            }
        }
        Ok(())
    }

    /// Adds what is said of a sample to the JSON of its answer.
    ///
    /// # Errors
    /// Why the prediction has none.
    pub fn add_json(&self, answer: &Answer, prediction: &Prediction, row: usize, to: &mut Value) -> OrReason<()> {
        let Value::Object(fields) = to else { return Ok(()) };
        if let (Asked::Numbers, Some(conformal)) = (Asked::by(answer.tag()), &self.conformal) {
            let mut intervals = Map::new();
            for (output, name) in answer.names().iter().enumerate() {
                let [low, high] = conformal.interval(prediction, row, output)?;
                intervals.insert(name.clone(), json!([single(low), single(high)]));
            }
            fields.insert("interval".into(), Value::Object(intervals));
            return Ok(());
        }
        let object = |said: &Said| {
            let mut own = Map::new();
            if let Some(set) = &said.set {
                own.insert("set".into(), set.iter().map(|at| json!(choice(answer, *at))).collect());
            }
            if let Some(decided) = said.decided {
                own.insert("decided".into(), json!(choice(answer, decided)));
            }
            if let Some(rejected) = said.rejected {
                own.insert("rejected".into(), json!(rejected));
            }
            own
        };
        let said = self.said(prediction, row);
        if Asked::by(answer.tag()) == Asked::YesNo {
            let labels: Map<String, Value> =
                answer.names().iter().cloned().zip(said.iter().map(|own| Value::Object(object(own)))).collect();
            fields.insert("labels".into(), Value::Object(labels));
        } else {
            said.iter().for_each(|own| fields.extend(object(own)));
        }
        Ok(())
    }
}

/// What a choice is called: a class, or no and yes.
fn choice(answer: &Answer, at: usize) -> String {
    match Asked::by(answer.tag()) {
        Asked::YesNo => NO_YES.get(at).map_or_else(|| at.to_string(), |name| (*name).to_owned()),
        Asked::OneOf | Asked::Numbers | Asked::Other(_) => answer.output(at),
    }
}
