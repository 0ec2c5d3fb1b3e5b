//! Labels of numbers that nothing, or nothing more, can be learned from.
//!
//! | check | level |
//! |---|---|
//! | all training labels of an output are the same | warning |
//! | they differ by so little, for their size, that `f32` rounds the differences away | warning |

use mtl_data::{
    TaskInfo,
    stats::{LabelStats, Spread},
};

use super::{Finding, Level};

/// What the statistics of the training labels have to say, task by task.
#[must_use]
pub fn labels(tasks: &[TaskInfo], stats: &[LabelStats]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (task, stats) in tasks.iter().zip(stats) {
        for (output, numbers) in stats.numbers().iter().enumerate() {
            let Some(spread) = numbers.spread.as_ref().filter(|_| numbers.known > 1) else { continue };
            if let Some(what) = fault(spread, numbers.known) {
                // Only tasks of numbers have outputs with a spread.
                let name = (task.answer.width() > 1).then(|| format!(", output {}", task.answer.output(output)));
                let place = format!("train, task {}{}", task.name, name.unwrap_or_default());
                found.push(Finding { level: Level::Warning, place, message: what });
            }
        }
    }
    found
}

fn fault(spread: &Spread, known: u64) -> Option<String> {
    let step = 2.0 * spread.f32_rounding();
    if spread.lost_in_f32() {
        return Some(format!(
            "its labels are near {} and differ by less than f32 can tell apart (steps of {step:.3e}): give them as differences \
             from a number near {}, and add it to the predictions",
            spread.median(),
            spread.median(),
        ));
    }
    spread.is_constant().then(|| {
        format!(
            "all {known} labels are {}: there is nothing to learn, and no scale to learn it in (1 is used)",
            spread.min()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{answer::Answer, task::TaskName};
    use mtl_data::stats::Numbers;

    fn of(names: &[&str], columns: &mut [Vec<f64>]) -> Vec<Finding> {
        let task = TaskInfo { name: TaskName::new("price").unwrap(), answer: Answer::values(names.to_vec()) };
        let numbers = columns.iter_mut().map(|values| Numbers {
            known: values.len() as u64,
            missing: 0,
            spread: Spread::of(values),
        });
        labels(&[task], &[LabelStats::Values { outputs: numbers.collect() }])
    }

    #[test]
    fn constant_and_rounded_labels_are_told_apart() {
        let found = of(&["price"], &mut [vec![7.0; 5]]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].place, "train, task price");
        assert!(found[0].message.starts_with("all 5 labels are 7: there is nothing to learn"), "{}", found[0].message);
        #[expect(clippy::cast_possible_truncation, reason = "rounding is what is looked at")]
        let rounded = |i: i32| f64::from((1.7e12 + 1000.0 * f64::from(i)) as f32);
        let milliseconds = (0..60).map(rounded).collect();
        let found = of(&["at", "rating"], &mut [milliseconds, vec![1.0, 2.0, 3.0]]);
        assert_eq!((found.len(), found[0].place.as_str()), (1, "train, task price, output at"));
        assert!(found[0].message.contains("less than f32 can tell apart (steps of 2."), "{}", found[0].message);
    }

    #[test]
    fn ordinary_labels_are_fine() {
        assert_eq!(of(&["y"], &mut [vec![1e9, 2e9]]), []);
        assert_eq!(of(&["y"], &mut [vec![0.0, 1e-30]]), []);
        assert_eq!(of(&["y"], &mut [vec![3.0]]), [], "one label");
        assert_eq!(of(&["y"], &mut [vec![]]), [], "none: said elsewhere");
    }
}
