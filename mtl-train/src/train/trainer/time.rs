//! A budget by the clock: as many optimizer steps as fit into a time.
//!
//! ```text
//! time = "2m"               as many steps as two minutes hold, validation included
//! time = "2m", epochs = 50  50 epochs, or fewer where they take longer
//! ```
//! A learning rate that falls over the run has to know how long the run is. So time becomes steps: after 1, 2, 4, 8, .. steps and after
//! every validation the run looks how fast it is and *plans* how many steps fit into what is left. Once a tenth of the time is over
//! and a validation was among it (or a third is over without one) the plan is kept: from there on the run is one of so many
//! steps, and a resumed one goes on to the same bits. Where the machine becomes slower than planned, the first validation after the time
//! is the last. On several ranks the mean of their clocks counts, so that all plan alike.
//!
//! Counted are training and validation; what comes before (reading data) and after (the test, the report) is not.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use mtl_data::{Batches, Finding};

use super::{Budget, Observer, Trainer};
use crate::error::Result;

/// A length of time, as files say it: `"90s"`, `"2m"`, `"1h 30m"`; above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeLimit(Duration);

impl TimeLimit {
    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0.as_secs_f64()
    }
}

impl FromStr for TimeLimit {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let refuse = || format!("expected a length of time such as \"90s\", \"2m\" or \"1h 30m\", found {text:?}");
        match humantime::parse_duration(text.trim()) {
            Ok(length) if !length.is_zero() => Ok(Self(length)),
            Ok(_) | Err(_) => Err(refuse()),
        }
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl Serialize for TimeLimit {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeLimit {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for TimeLimit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeLimit".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

/// Of the time, what is planned with: a machine is not always equally fast.
const PLANNED: f64 = 0.95;
/// What validation is taken to cost before there was one.
const UNKNOWN_VALIDATION: f64 = 0.1;
/// From these shares of the time on a plan is kept: with a validation, and without one.
const KEPT: f64 = 0.1;
const KEPT_UNJUDGED: f64 = 1.0 / 3.0;

/// How fast a run is, and what follows for its length; part of the checkpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Pace {
    /// Spent on training and validation so far.
    pub(super) seconds: f64,
    /// Optimizer steps that fit; none before there was a look.
    pub(super) steps: Option<u64>,
    /// The time that this was planned for, in seconds, once it is kept.
    kept_for: Option<f64>,
    /// Whether the time was over at the last validation.
    pub(super) is_over: bool,
}

impl Pace {
    /// The budget: the planned steps where they are fewer than what `given` says.
    pub(super) fn budget(&self, given: Budget, per_epoch: Option<u64>) -> Budget {
        match (self.steps, given.steps(per_epoch)) {
            (Some(planned), Some(most)) if planned < most => Budget::Steps(planned),
            (Some(planned), None) => Budget::Steps(planned),
            (Some(_) | None, _) => given,
        }
    }

    /// Whether the clock is to be looked at after so many steps.
    pub(super) fn is_due(&self, limit: TimeLimit, step: u64) -> bool {
        step.is_power_of_two() && self.kept_for != Some(limit.seconds())
    }

    /// Looks at the clock after `step` steps, of which some are validated already. Gives whether the plan is kept from here on.
    #[expect(clippy::cast_precision_loss, reason = "steps stay far below 2^52")]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 0, and saturating")]
    pub(super) fn plan(&mut self, limit: TimeLimit, step: u64, is_judged: bool) -> bool {
        let limit = limit.seconds();
        if self.kept_for == Some(limit) || step == 0 {
            return false;
        }
        let rest = if is_judged { PLANNED } else { PLANNED - UNKNOWN_VALIDATION };
        let left = (rest * limit - self.seconds).max(0.0);
        let each = (self.seconds / step as f64).max(1e-9);
        self.steps = Some(step.saturating_add((left / each) as u64));
        let share = self.seconds / limit;
        let keeps = share >= if is_judged { KEPT } else { KEPT_UNJUDGED };
        self.kept_for = keeps.then_some(limit);
        keeps
    }
}

impl Pace {
    /// That of a run which goes on: a plan for another time holds no longer.
    pub(super) fn resumed(self, limit: Option<TimeLimit>) -> Self {
        let seconds = limit.map(TimeLimit::seconds);
        if self.kept_for.is_none() || self.kept_for == seconds {
            return self;
        }
        let is_over = seconds.is_some_and(|limit| self.seconds >= limit);
        Self { steps: None, kept_for: None, is_over, ..self }
    }
}

impl Trainer {
    /// Plans the run's length where its budget is a time and a look is due.
    pub(super) fn look_at_clock(
        &mut self,
        train: &dyn Batches,
        is_validated: bool,
        observer: &mut dyn Observer,
    ) -> Result<()> {
        let Some(limit) = self.config.time else { return Ok(()) };
        let step = self.counters.step;
        if !is_validated && !self.counters.pace.is_due(limit, step) {
            return Ok(());
        }
        let mut seconds = [self.counters.pace.seconds];
        self.world().sum_numbers(&mut seconds)?;
        #[expect(clippy::cast_precision_loss, reason = "few ranks")]
        let mean = seconds[0] / self.world().size() as f64;
        let is_judged = is_validated || !self.counters.history.is_empty();
        let pace = &mut self.counters.pace;
        pace.seconds = mean;
        if is_validated {
            pace.is_over = mean >= limit.seconds();
        }
        if pace.plan(limit, step, is_judged)
            && let Budget::Steps(steps) = self.budget(train)
            && self.config.steps.is_none_or(|most| steps < most)
        {
            observer.noticed(&Finding::note("train.time", format!("{limit} is enough for {steps} steps")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> TimeLimit {
        text.parse().unwrap()
    }

    #[test]
    fn times_are_written_as_people_say_them() {
        assert_eq!((limit("2m").seconds(), limit("1h 30m").seconds(), limit("500ms").seconds()), (120.0, 5400.0, 0.5));
        assert_eq!((limit("120s").to_string(), limit("90m").to_string()), ("2m".into(), "1h 30m".into()));
        for wrong in ["", "2", "0s", "-1m", "soon"] {
            let e = wrong.parse::<TimeLimit>().unwrap_err();
            assert!(e.contains("\"2m\"") && e.ends_with(&format!("found {wrong:?}")), "{e}");
        }
    }

    #[test]
    fn a_plan_by_hand() {
        let (limit, mut pace) = (limit("100s"), Pace { seconds: 2.0, ..Pace::default() });
        assert!(!pace.plan(limit, 4, false), "a fiftieth of the time is too early to keep a plan");
        assert_eq!(pace.steps, Some(4 + 166), "85 seconds less 2, half a second each");
        pace.seconds = 20.0;
        assert!(!pace.plan(limit, 40, false), "a fifth without validation is");
        assert!(pace.plan(limit, 40, true));
        assert_eq!(pace.steps, Some(40 + 150));
        pace.seconds = 90.0;
        assert!(!pace.plan(limit, 60, true) && pace.steps == Some(190), "what is kept is kept");
        assert!(!pace.is_due(limit, 64) && Pace::default().is_due(limit, 64) && !Pace::default().is_due(limit, 65));
        let longer = "200s".parse().unwrap();
        assert!(pace.is_due(longer, 64) && pace.plan(longer, 90, true));
        assert_eq!(pace.steps, Some(190), "a time that has grown is planned anew: 100 seconds left, one a step");
    }

    #[test]
    fn the_smaller_budget_counts() {
        let planned = |steps| Pace { steps, ..Pace::default() };
        let epochs = Budget::Epochs(3);
        assert_eq!(planned(None).budget(epochs, Some(7)), epochs);
        assert_eq!(planned(Some(21)).budget(epochs, Some(7)), epochs, "a plan that is long enough changes nothing");
        assert_eq!(planned(Some(20)).budget(epochs, Some(7)), Budget::Steps(20));
        assert_eq!(planned(Some(20)).budget(Budget::Time, Some(7)), Budget::Steps(20));
        assert_eq!(planned(Some(20)).budget(epochs, None), Budget::Steps(20));
    }
}
