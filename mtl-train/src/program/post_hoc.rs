//! What was fitted to a task's answers and what it is worth, as lines below a table.

use std::fmt::Display;

use mtl_metrics::post_hoc::{Quality, Verdict};

use super::table::table;
use crate::{Result, report::written};

/// A number of a verdict's probabilities.
type Measure = fn(&Quality) -> Option<f64>;

/// Shows one task's, by `out`.
pub(super) fn show(
    task: &str,
    fitted: &[String],
    found: &Verdict,
    out: &dyn Fn(&dyn Display) -> Result<()>,
) -> Result<()> {
    out(&format_args!("{task}: {}", fitted.join("; ")))?;
    let number = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), written);
    if let Some(own) = &found.probabilities {
        let mut table = table(&["probabilities", "before", "after"], 1);
        let measures: [(&str, Measure); 3] =
            [("ece", |own| own.ece), ("log-loss", |own| own.log_loss), ("brier", |own| own.brier)];
        for (name, measure) in measures {
            table.add_row([name.to_owned(), number(measure(&own.before)), number(measure(&own.after))]);
        }
        out(&table)?;
    }
    for own in &found.covered {
        let output = if own.output.is_empty() { task } else { &own.output };
        let [low, high] = own.interval.map(written);
        let (coverage, size) = (written(own.coverage), written(own.size));
        let what = if own.singles.is_some() { "choices in the mean" } else { "wide in the mean" };
        out(&format_args!(
            "{output}: {coverage} hold the truth ({low} to {high}; promised {}), {size} {what}",
            own.target
        ))?;
    }
    for own in &found.decided {
        let [hits, alarms, misses, quiet] = own.counts.map(written);
        let costs = [own.cost, own.cost_at_half].map(written);
        out(&format_args!(
            "{}: yes from {} on: {hits} right yes, {alarms} false yes, {misses} false no, {quiet} right no; cost {} in the mean, {} from \
             0.5 on",
            own.output,
            written(own.threshold),
            costs[0],
            costs[1]
        ))?;
    }
    for own in &found.selected {
        let output = if own.output.is_empty() { task } else { &own.output };
        out(&format_args!(
            "{output}: {} rejected; wrong: {} of all, {} of those kept",
            written(own.rejected),
            written(own.error),
            number(own.error_kept)
        ))?;
    }
    Ok(())
}
