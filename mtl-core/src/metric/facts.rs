//! What is known of a metric as data: enough to choose, weigh and stop by it without computing it.

use std::fmt;

use super::{Direction, MetricName, Setting};
use crate::answer::{Constant, Values};

/// What is known of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricFacts {
    /// Which way is better.
    pub direction: Direction,
    /// The values it can take, `(lowest, highest)`; infinite where there is no bound.
    pub range: (f64, f64),
    /// What it is, in one line.
    pub about: &'static str,
    /// The kinds of answer it is for, by name, such as [`Class::NAME`](crate::answer::Class::NAME).
    pub answers: &'static [&'static str],
    /// Which of the constant answers it likes best.
    pub constant: Constant,
    /// What can be set.
    pub settings: &'static [Setting],
}

impl MetricFacts {
    /// A metric of such answers of which more is better, without a bound and with nothing to set.
    #[must_use]
    pub const fn maximize(about: &'static str, answers: &'static [&'static str]) -> Self {
        let range = (f64::NEG_INFINITY, f64::INFINITY);
        Self { direction: Direction::Maximize, range, about, answers, constant: Constant::Mean, settings: &[] }
    }

    /// A metric of such answers of which less is better, at least 0 and with nothing to set.
    #[must_use]
    pub const fn minimize(about: &'static str, answers: &'static [&'static str]) -> Self {
        Self { direction: Direction::Minimize, range: (0.0, f64::INFINITY), ..Self::maximize(about, answers) }
    }

    /// The same, its values between these.
    #[must_use]
    pub const fn between(mut self, lowest: f64, highest: f64) -> Self {
        self.range = (lowest, highest);
        self
    }

    /// The same with settings.
    #[must_use]
    pub const fn with(mut self, settings: &'static [Setting]) -> Self {
        self.settings = settings;
        self
    }

    /// The same, liking that constant answer best; the mean, unless this is said.
    #[must_use]
    pub const fn at_best(mut self, constant: Constant) -> Self {
        self.constant = constant;
        self
    }

    /// Whether it is a share, `[0, 1]`: only such metrics may be mixed without a normalizer.
    #[must_use]
    pub fn is_unit_range(&self) -> bool {
        self.range == (0.0, 1.0)
    }

    /// Whether it judges numbers and nothing else.
    #[must_use]
    pub fn is_of_numbers(&self) -> bool {
        self.answers.iter().all(|answers| *answers == Values::NAME)
    }
}

/// A metric that a list knows: its name in the form that is written everywhere, and its facts.
///
/// ```
/// use mtl_core::{answer::Class, metric::{MetricFacts, MetricName, MetricSpec}};
/// let facts = MetricFacts::maximize("share of samples whose top class is the label", &[Class::NAME]).between(0.0, 1.0);
/// let accuracy = MetricSpec::new(MetricName::new("accuracy")?, facts);
/// assert!(accuracy.is_unit_range() && accuracy.direction().better(0.9, 0.8));
/// # Ok::<(), mtl_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSpec {
    name: MetricName,
    facts: MetricFacts,
}

impl MetricSpec {
    /// Joins them. Names that come from users are looked up instead.
    #[must_use]
    pub fn new(name: MetricName, facts: MetricFacts) -> Self {
        Self { name, facts }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &MetricName {
        &self.name
    }

    /// What is known of it.
    #[must_use]
    pub fn facts(&self) -> &MetricFacts {
        &self.facts
    }

    /// Which way is better.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.facts.direction
    }

    /// See [`MetricFacts::is_unit_range`].
    #[must_use]
    pub fn is_unit_range(&self) -> bool {
        self.facts.is_unit_range()
    }

    /// See [`MetricFacts::is_of_numbers`].
    #[must_use]
    pub fn is_of_numbers(&self) -> bool {
        self.facts.is_of_numbers()
    }
}

impl fmt::Display for MetricSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.name, f)
    }
}
