//! Losses of very different size: the largest is all that a sum of losses learns from.
//!
//! ```text
//! c_t = |task weight * balancer weight * mean loss|      of the untrained network, on the first batch
//! found when  max c / min c > 100                        over the tasks with a label in the batch and a loss above 0
//! ```
//! The balancer's weight is in it, so a method that brings losses to one size (their logarithm, their geometric mean) is not
//! accused. Said once: by the dry run and the doctor, and after the first step of training, from what the step has read anyway.

use mtl_core::{step::TaskStep, task::TaskSet};

use super::{Finding, Level};

/// Sizes further apart than this are worth a word.
const APART: f64 = 100.0;

/// What the first step's losses have to say; `None` when their sizes are close enough.
#[must_use]
pub fn losses(tasks: &TaskSet, step: &[TaskStep]) -> Option<Finding> {
    let part = |(task, seen): (&mtl_core::task::Task, &TaskStep)| {
        let (loss, weight) = (seen.loss?, seen.weight * task.weight);
        let size = (weight * loss).abs();
        (size > 0.0 && size.is_finite()).then(|| (task.name.to_string(), loss, size))
    };
    let mut parts: Vec<(String, f64, f64)> = tasks.iter().zip(step).filter_map(part).collect();
    parts.sort_by(|a, b| b.2.total_cmp(&a.2));
    let ((_, _, most), (_, _, least)) = (parts.first()?, parts.last()?);
    if most / least <= APART {
        return None;
    }
    let list: Vec<String> = parts.iter().map(|(name, loss, _)| format!("{name} {}", short(*loss))).collect();
    Some(Finding {
        level: Level::Warning,
        place: "losses".into(),
        message: format!(
            "those of the untrained network differ by {} times ({}): the largest drowns the others; bring numbers to one size \
             with `head.transform = \"standard\"` in [[task]], set `weight` there, or take a balancer that does not mind, such as \
             `balancer.kind = \"log\"`",
            short(most / least),
            list.join(", "),
        ),
    })
}

/// Three digits.
fn short(x: f64) -> String {
    let digits = match x.abs() {
        a if !(0.001..1e5).contains(&a) => return format!("{x:.2e}"),
        a if a < 0.01 => 5,
        a if a < 0.1 => 4,
        a if a < 1.0 => 3,
        a if a < 10.0 => 2,
        a if a < 100.0 => 1,
        _ => 0,
    };
    format!("{x:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::task::Task;

    fn tasks(weights: &[f64]) -> TaskSet {
        let named = ["price", "rating", "sold"].into_iter().zip(weights);
        let tasks = named
            .map(|(name, &w)| Task::new(name).unwrap().judged_by(mtl_metrics::known("rmse").unwrap()).with_weight(w));
        TaskSet::new(tasks.collect()).unwrap()
    }

    fn step(loss: Option<f64>, weight: f64) -> TaskStep {
        TaskStep { loss, count: 1.0, weight, clip: 1.0, dropped: None }
    }

    #[test]
    fn tasks_and_losses_are_named_largest_first() {
        let tasks = tasks(&[1.0, 1.0, 1.0]);
        let found = losses(&tasks, &[step(Some(0.7), 1.0), step(Some(9.1e9), 1.0), step(Some(12.5), 1.0)]).unwrap();
        assert_eq!(found.level, Level::Warning);
        let start = "those of the untrained network differ by 1.30e10 times (rating 9.10e9, sold 12.5, price 0.700): ";
        assert!(found.message.starts_with(start), "{}", found.message);
        for way_out in ["head.transform", "weight", "balancer.kind"] {
            assert!(found.message.contains(way_out), "{way_out}");
        }
    }

    #[test]
    fn weights_count_and_absent_or_solved_tasks_do_not() {
        let seen = |a: f64, b: f64| [step(Some(1000.0), a), step(Some(1.0), b), step(None, 0.0)];
        assert!(losses(&tasks(&[1.0; 3]), &seen(1.0, 1.0)).is_some());
        assert_eq!(losses(&tasks(&[0.1, 1.0, 1.0]), &seen(1.0, 1.0)), None, "the user's weight");
        assert_eq!(losses(&tasks(&[1.0; 3]), &seen(0.001, 1.0)), None, "the balancer's weight");
        assert_eq!(losses(&tasks(&[1.0; 3]), &[step(Some(1000.0), 1.0), step(Some(0.0), 1.0), step(None, 0.0)]), None);
        assert_eq!(
            losses(&tasks(&[1.0; 3]), &[step(Some(f64::NAN), 1.0), step(Some(5.0), 1.0), step(None, 0.0)]),
            None
        );
    }
}
