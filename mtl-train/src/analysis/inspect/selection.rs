//! What the validation labels do to `train.selection`: metrics that they leave undefined, known before anything is trained.

use super::{Finding, Level};
use crate::train::trainer::LeftOut;

/// A warning for each metric that selection goes without. That nothing remains to choose by is an error of the
/// configuration, and no finding: [`Selection::on`](crate::train::trainer::Selection::on) gives it.
#[must_use]
pub fn selection(left_out: &[LeftOut]) -> Vec<Finding> {
    let finding = |left_out: &LeftOut| {
        let task = left_out.task.as_ref().map_or_else(String::new, |task| format!(", task {task}"));
        Finding {
            level: Level::Warning,
            place: format!("validation{task}"),
            message: format!(
                "{} is undefined ({}): train.selection chooses the epoch without it",
                left_out.metric, left_out.reason
            ),
        }
    };
    left_out.iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::trainer::Cause;

    #[test]
    fn task_metric_and_reason_are_named() {
        let left_out = LeftOut {
            task: Some(String::from("cold").try_into().unwrap()),
            metric: "auroc".into(),
            reason: "no positive sample".into(),
            because_of: Cause::Labels,
        };
        let [found] = &selection(&[left_out])[..] else { panic!("one finding") };
        assert_eq!(found.place, "validation, task cold");
        let expected = "auroc is undefined (no positive sample): train.selection chooses the epoch without it";
        assert_eq!(found.message, expected);
    }
}
