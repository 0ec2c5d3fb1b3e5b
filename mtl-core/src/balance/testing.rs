//! What the unit tests of methods share: task sets, one-line calls, tolerant comparison.

use crate::{
    answer::{Class, Values},
    balance::{Balancer, BalancerConfig, Evidence, Gramian},
    error::Result,
    metric::{MetricFacts, MetricName, MetricSpec},
    task::{Task, TaskSet},
};

/// A metric of classes that is a share.
pub(crate) fn share() -> MetricSpec {
    let facts = MetricFacts::maximize("a share", &[Class::NAME]).between(0.0, 1.0);
    MetricSpec::new(MetricName::new("accuracy").unwrap(), facts)
}

/// A metric of numbers.
pub(crate) fn error() -> MetricSpec {
    MetricSpec::new(MetricName::new("rmse").unwrap(), MetricFacts::minimize("an error", &[Values::NAME]))
}

/// Classification tasks `t0, t1, ..`.
pub(crate) fn tasks(m: usize) -> TaskSet {
    TaskSet::new((0..m).map(|i| Task::new(&format!("t{i}")).unwrap().judged_by(share())).collect()).unwrap()
}

/// The weights of a method of that name, with default settings, for these gradients.
pub(crate) fn weigh_rows<R: AsRef<[f64]>>(name: &str, rows: &[R]) -> Result<Vec<f64>> {
    let mut method = BalancerConfig::by_name(name)?.build(&tasks(rows.len()))?;
    weigh(method.as_mut(), &Gramian::of_rows(rows), &vec![1.0; rows.len()], 0)
}

/// The weights for a Gramian of the first tasks and their losses.
pub(crate) fn weigh(method: &mut dyn Balancer, gramian: &Gramian, losses: &[f64], step: u64) -> Result<Vec<f64>> {
    let tasks: Vec<usize> = (0..gramian.m()).collect();
    let mut weights = vec![f64::NAN; gramian.m()];
    let evidence = Evidence { tasks: &tasks, losses, gramian: Some(gramian), step, ..Evidence::default() };
    method.weigh(&evidence, &mut weights)?;
    Ok(weights)
}

/// The weights for the losses of the first tasks.
pub(crate) fn weigh_losses(method: &mut dyn Balancer, losses: &[f64], step: u64) -> Result<Vec<f64>> {
    let tasks: Vec<usize> = (0..losses.len()).collect();
    let mut weights = vec![f64::NAN; losses.len()];
    method.weigh(&Evidence { tasks: &tasks, losses, step, ..Evidence::default() }, &mut weights)?;
    Ok(weights)
}

/// Same length, and no entry farther apart than `tolerance` times the largest.
#[track_caller]
pub(crate) fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    let scale = expected.iter().fold(0.0, |a: f64, x| a.max(x.abs()));
    let close = found.len() == expected.len()
        && found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance * scale.max(f64::MIN_POSITIVE));
    assert!(close, "found {found:?}, expected {expected:?} within {tolerance:e}");
}
