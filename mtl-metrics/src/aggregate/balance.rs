//! Whether all tasks gain, or some at the cost of others: what a mean of gains hides.
//!
//! ```text
//! worst, best        smallest and largest gain over the single-task model, percent (gains: see DeltaM)
//! gini               sum_ij |r_i - r_j| / (2 T sum_i r_i),   r = 1 + gain / 100       0: all gain alike
//! negative transfer  share of tasks that are worse than alone beyond the noise between seeds
//! loss-rate spread   largest over smallest of L_t(now) / L_t(start)                   1: all tasks learn alike
//! ```
//! **References** C. Gini, *Variabilita e mutabilita*, 1912; Z. Chen et al., *GradNorm*, ICML 2018 (loss ratios as training
//! rates). **Differs from** a Gini index of the gains themselves, which has no meaning once a gain is negative: `r` is the
//! performance relative to the single-task model, positive as long as nothing is worse than useless.

use serde::{Deserialize, Serialize};

use crate::{stats::Estimate, value::OrReason};

/// How evenly the gains are spread over tasks.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// The smallest gain, percent.
    pub worst: f64,
    /// The largest gain, percent.
    pub best: f64,
    /// Gini index of relative performance, `[0, 1 - 1/T]`; `None` when a task lost 100 % or more.
    pub gini: Option<f64>,
}

impl Balance {
    /// Of the gains of all tasks, in percent ([`relative_gain`](super::relative_gain)).
    ///
    /// # Errors
    /// The reason, when there is no task or a gain is not finite.
    pub fn of(gains: &[f64]) -> OrReason<Self> {
        if gains.is_empty() {
            return Err("no task".into());
        }
        if let Some(task) = gains.iter().position(|g| !g.is_finite()) {
            return Err(format!("the gain of task {task} is {}", gains[task]));
        }
        let (mut worst, mut best) = (f64::INFINITY, f64::NEG_INFINITY);
        gains.iter().for_each(|&g| (worst, best) = (worst.min(g), best.max(g)));
        Ok(Self { worst, best, gini: gini(gains) })
    }
}

fn gini(gains: &[f64]) -> Option<f64> {
    let mut relative: Vec<f64> = gains.iter().map(|g| 1.0 + g / 100.0).collect();
    relative.sort_by(f64::total_cmp);
    let sum: f64 = relative.iter().sum();
    if relative[0] <= 0.0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of tasks")]
    let (n, rank) = (relative.len() as f64, |i: usize| i as f64 + 1.0);
    // Sorted, sum_ij |r_i - r_j| = 2 sum_i (2 i - n - 1) r_i.
    let spread: f64 = relative.iter().enumerate().map(|(i, r)| (2.0 * rank(i) - n - 1.0) * r).sum();
    Some((spread / (n * sum)).max(0.0))
}

/// Share of tasks whose paired differences to the single-task model (more is better) lie below 0 with their whole
/// interval: worse than the noise between seeds explains.
///
/// # Errors
/// The reason, when there is no task, or one ran with a single seed, of whose noise nothing is known.
pub fn negative_transfer_rate(differences: &[Estimate]) -> OrReason<f64> {
    if differences.is_empty() {
        return Err("no task".into());
    }
    if let Some(task) = differences.iter().position(|d| d.interval.is_none()) {
        return Err(format!("task {task} ran with one seed"));
    }
    let worse = differences.iter().filter(|d| d.is_below_zero()).count();
    #[expect(clippy::cast_precision_loss, reason = "a count of tasks")]
    Ok(worse as f64 / differences.len() as f64)
}

/// Largest over smallest ratio of a task's loss to its loss at the start.
///
/// # Errors
/// The reason, when there are no or not as many losses, or one is not finite and positive.
pub fn loss_rate_spread(start: &[f64], now: &[f64]) -> OrReason<f64> {
    if start.is_empty() || start.len() != now.len() {
        return Err(format!("{} losses at the start, {} now", start.len(), now.len()));
    }
    let (mut low, mut high) = (f64::INFINITY, 0.0f64);
    for (task, (s, n)) in start.iter().zip(now).enumerate() {
        if !(*s > 0.0 && *n > 0.0 && s.is_finite() && n.is_finite()) {
            return Err(format!("the loss of task {task} went from {s} to {n}"));
        }
        (low, high) = (low.min(n / s), high.max(n / s));
    }
    Ok(high / low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let b = Balance::of(&[10.0, -20.0, 40.0]).unwrap();
        assert_eq!((b.worst, b.best), (-20.0, 40.0));
        // r = 1.1, 0.8, 1.4: differences 0.3, 0.3, 0.6, each twice; 2.4 / (2 * 3 * 3.3).
        assert!((b.gini.unwrap() - 2.4 / 19.8).abs() < 1e-15);
        assert_eq!(Balance::of(&[5.0; 4]).unwrap().gini, Some(0.0));
        assert_eq!(Balance::of(&[-120.0, 5.0]).unwrap().gini, None);
        assert_eq!(Balance::of(&[]).unwrap_err(), "no task");
        assert!(Balance::of(&[1.0, f64::NAN]).unwrap_err().contains("task 1"));
    }

    #[test]
    fn worse_beyond_noise() {
        let of = |values: &[f64]| Estimate::new(values, 0.95).unwrap();
        let differences = [of(&[-1.0, -1.1, -0.9]), of(&[-1.0, 1.0, -0.1]), of(&[0.5, 0.6, 0.5]), of(&[-0.2, -0.2])];
        assert_eq!(negative_transfer_rate(&differences), Ok(0.5));
        assert_eq!(negative_transfer_rate(&[of(&[-1.0])]).unwrap_err(), "task 0 ran with one seed");
    }

    #[test]
    fn tasks_that_learn_at_different_rates() {
        assert_eq!(loss_rate_spread(&[2.0, 4.0], &[1.0, 1.0]), Ok(2.0));
        assert!(loss_rate_spread(&[2.0, 0.0], &[1.0, 1.0]).unwrap_err().contains("task 1"));
        assert!(loss_rate_spread(&[2.0], &[]).unwrap_err().contains("0 now"));
    }
}
