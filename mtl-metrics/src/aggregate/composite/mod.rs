//! Composite metrics: an expression of the user's over the metrics of the tasks.
//!
//! ```text
//! 0.6*image.accuracy + 0.4*text.accuracy
//! harmonic(income.auroc, never-married.auroc)
//! 0.5*scene.accuracy + 0.5*norm(depth.rmse, 1.2, 0.0)
//! ```
//!
//! # Language
//!
//! ```text
//! expr    = term  { ("+" | "-") term }
//! term    = unary { ("*" | "/") unary }
//! unary   = "-" unary | number | metric | call | "(" expr ")"
//! metric  = task "." name | joint                                       joint: a metric over several tasks
//! call    = ("min" | "max" | "mean" | "harmonic" | "geometric") "(" expr { "," expr } ")"
//!         | "norm" "(" expr "," worst "," best ")"                  worst, best: constant
//! ```
//!
//! Names may contain `-`, so a name is read by what is known, not by its characters: a task's name is all that stands
//! before the dot and must be a task; the metric's name is the longest one that the task computes, or that exists, with
//! which the text goes on after the dot. `a-b.macro-f1-c.r2` is `a-b.macro-f1` minus `c.r2`.
//!
//! # What may be combined
//!
//! A composite has to have a direction and a scale, and is refused otherwise, where it is written:
//! * **Direction.** Each part rises or falls when its metrics get better. `+`, `min`, `max` and the means need parts that
//!   agree, a minus sign or a division turns a part around: `a.accuracy - b.error` is fine, a sum of both is not.
//!   Products and quotients need parts that cannot be negative.
//! * **Scale.** Different metrics combine only when each is in `[0, 1]` or wrapped in `norm(x, worst, best)`, which maps
//!   `worst` to 0 and `best` to 1 (values beyond count as these).
//!
//! `harmonic` and `geometric` take parts that cannot be negative and are 0 when one of them is.

mod parser;
mod sense;

use std::fmt;

use mtl_core::{Result, metric::Direction, task::TaskName};
use serde::{Deserialize, Serialize, Serializer};

use super::{Aggregate, Normalizer};
use crate::{report::MetricReport, set::MetricSet, value::MetricValue};

/// A composite as it stands in a config file: text, not yet checked against the tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CompositeSpec(pub String);

impl CompositeSpec {
    /// Parses and checks the text, see [`Composite::parse`].
    ///
    /// # Errors
    /// As [`Composite::parse`].
    pub fn resolve(&self, metrics: &MetricSet) -> Result<Composite> {
        Composite::parse(&self.0, metrics)
    }
}

/// A checked expression over the metrics of a task set. Written as its text.
///
/// ```
/// use mtl_core::{metric::Direction, task::{Task, TaskSet}};
/// use mtl_metrics::{MetricSet, aggregate::{Aggregate, Composite}, known};
/// let tasks = TaskSet::new(vec![Task::new("image")?.judged_by(known("accuracy")?), Task::new("text")?.judged_by(known("accuracy")?)])?;
/// let metrics = MetricSet::primary(&tasks)?;
/// let composite = Composite::parse("0.6*image.accuracy + 0.4*text.accuracy", &metrics)?;
/// assert_eq!(composite.direction(), Direction::Maximize);
/// let e = Composite::parse("0.6*image.accuracy + 0.4*txt.accuracy", &metrics).unwrap_err();
/// assert!(e.to_string().contains(r#"unknown task "txt", known tasks are image, text at column 26"#), "{e}");
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Composite {
    text: String,
    ops: Vec<Op>,
    direction: Direction,
}

/// One step of the expression in postfix order: evaluation is a loop over a stack, however deep the text nests.
#[derive(Debug, Clone, PartialEq)]
enum Op {
    Number(f64),
    Metric { task: TaskName, metric: String },
    Joint(String),
    Negate,
    Add,
    Subtract,
    Multiply,
    Divide,
    Call { function: Function, n_args: usize },
    Normalize(Normalizer),
}

/// Functions of any number of parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    Min,
    Max,
    Mean,
    Harmonic,
    Geometric,
}

impl Function {
    const ALL: [Self; 5] = [Self::Min, Self::Max, Self::Mean, Self::Harmonic, Self::Geometric];

    fn name(self) -> &'static str {
        match self {
            Self::Min => "min",
            Self::Max => "max",
            Self::Mean => "mean",
            Self::Harmonic => "harmonic",
            Self::Geometric => "geometric",
        }
    }

    fn apply(self, args: &[f64]) -> f64 {
        let n = args.len() as f64;
        match self {
            Self::Min => args.iter().copied().fold(f64::INFINITY, f64::min),
            Self::Max => args.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Self::Mean => args.iter().sum::<f64>() / n,
            // Both are continued to zero: 1/0 is infinite and log 0 minus infinity, which come out as 0.
            Self::Harmonic => n / args.iter().map(|x| x.abs().recip()).sum::<f64>(),
            Self::Geometric => (args.iter().map(|x| x.ln()).sum::<f64>() / n).exp(),
        }
    }
}

impl Composite {
    /// Parses an expression and checks it against the tasks and the metrics that each computes.
    ///
    /// # Errors
    /// [`mtl_core::Error::Parse`] with the column (counted in characters from 1): what does not parse, an unknown task, a
    /// metric that the task does not compute, parts that may not be combined, no metric at all.
    pub fn parse(text: &str, metrics: &MetricSet) -> Result<Self> {
        let (ops, direction) = parser::parse(text, metrics)?;
        Ok(Self { text: text.to_owned(), ops, direction })
    }

    /// The text it was parsed from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The metrics in it by task and name, each once, in the order of the text.
    #[must_use]
    pub fn metrics(&self) -> Vec<(&TaskName, &str)> {
        let mut found = Vec::new();
        for op in &self.ops {
            if let Op::Metric { task, metric } = op
                && !found.contains(&(task, metric.as_str()))
            {
                found.push((task, metric.as_str()));
            }
        }
        found
    }
}

impl Composite {
    /// The metrics over several tasks in it, each once, in the order of the text.
    #[must_use]
    pub fn joint(&self) -> Vec<&str> {
        let mut found: Vec<&str> = Vec::new();
        for op in &self.ops {
            if let Op::Joint(name) = op
                && !found.contains(&name.as_str())
            {
                found.push(name);
            }
        }
        found
    }
}

impl Aggregate for Composite {
    fn name(&self) -> &'static str {
        "composite"
    }

    fn direction(&self) -> Direction {
        self.direction
    }

    fn compute(&self, report: &MetricReport) -> Result<MetricValue> {
        let mut stack: Vec<f64> = Vec::new();
        let mut support = u64::MAX;
        for op in &self.ops {
            let value = match op {
                Op::Number(number) => *number,
                Op::Metric { task, metric } => {
                    let outcome = &report.entry(task.as_str(), metric)?.outcome;
                    support = support.min(outcome.support);
                    match outcome.get() {
                        Ok(value) => value,
                        Err(reason) => {
                            return Ok(MetricValue::undefined(format!("{task}.{metric}: {reason}"), support));
                        }
                    }
                }
                Op::Joint(name) => {
                    let outcome = &report.joint(name)?.outcome;
                    support = support.min(outcome.support);
                    match outcome.get() {
                        Ok(value) => value,
                        Err(reason) => return Ok(MetricValue::undefined(format!("{name}: {reason}"), support)),
                    }
                }
                Op::Negate => -pop(&mut stack),
                Op::Normalize(normalizer) => normalizer.apply(pop(&mut stack)),
                Op::Call { function, n_args } => {
                    let args = stack.split_off(stack.len().saturating_sub(*n_args));
                    function.apply(&args)
                }
                Op::Add | Op::Subtract | Op::Multiply | Op::Divide => {
                    let right = pop(&mut stack);
                    let left = pop(&mut stack);
                    match op {
                        Op::Add => left + right,
                        Op::Subtract => left - right,
                        Op::Multiply => left * right,
                        _ if right == 0.0 => {
                            return Ok(MetricValue::undefined(format!("division by zero in {:?}", self.text), support));
                        }
                        _ => left / right,
                    }
                }
            };
            stack.push(value);
        }
        Ok(MetricValue::defined(pop(&mut stack), support))
    }
}

/// The parser pushes what every operation takes, so the stack is never empty here; NaN would show up as undefined.
fn pop(stack: &mut Vec<f64>) -> f64 {
    stack.pop().unwrap_or(f64::NAN)
}

impl fmt::Display for Composite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Composite {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
