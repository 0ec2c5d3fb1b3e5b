//! How the tasks' gradients get along, over many steps: as a whole and per parameter block.
//!
//! ```text
//! cosine      <g_i, g_j> / (|g_i| |g_j|)                     mean over steps
//! conflict    share of steps with cosine < threshold         Recon's S-conflict score (threshold S, default 0)
//! severity    mean cosine over the conflicting steps         0: none, -1: opposite
//! magnitude   2 |g_i| |g_j| / (|g_i|^2 + |g_j|^2)            1: equally long, 0: one drowns the other; mean over steps
//! ```
//! **References** Shi et al., "Recon: Reducing Conflicting Gradients From the Root For Multi-Task Learning", ICLR 2023 (which
//! makes the blocks of highest conflict task-specific); Yu et al., "Gradient Surgery for Multi-Task Learning", NeurIPS 2020
//! (magnitude similarity).
//!
//! Only sums are kept, so two stretches of a run merge exactly, and a checkpoint holds them in a few numbers.

use serde::{Deserialize, Serialize};

use super::Gramian;

/// Sums over the steps in which both tasks of a pair took part, `[m, m]` row-major each.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Pairs {
    cosine: Vec<f64>,
    conflict: Vec<f64>,
    severity: Vec<f64>,
    magnitude: Vec<f64>,
    steps: Vec<f64>,
}

impl Pairs {
    fn new(m: usize) -> Self {
        let zeros = vec![0.0; m * m];
        Self {
            cosine: zeros.clone(),
            conflict: zeros.clone(),
            severity: zeros.clone(),
            magnitude: zeros.clone(),
            steps: zeros,
        }
    }

    fn add(&mut self, m: usize, active: &[usize], gramian: &Gramian, threshold: f64) {
        for (i, &a) in active.iter().enumerate() {
            for (j, &b) in active.iter().enumerate() {
                let at = a * m + b;
                let (cosine, sum) = (gramian.cosine(i, j), gramian.diag(i) + gramian.diag(j));
                self.cosine[at] += cosine;
                if cosine < threshold {
                    self.conflict[at] += 1.0;
                    self.severity[at] += cosine;
                }
                self.magnitude[at] += if sum > 0.0 { 2.0 * gramian.norm(i) * gramian.norm(j) / sum } else { 1.0 };
                self.steps[at] += 1.0;
            }
        }
    }

    /// Mean of `sums` over `steps`, `[m][m]`.
    fn mean(&self, m: usize, sums: &[f64], steps: &[f64]) -> Vec<Vec<f64>> {
        if self.steps.iter().all(|n| *n == 0.0) {
            return Vec::new();
        }
        let at = |a: usize, b: usize| sums[a * m + b] / steps[a * m + b].max(1.0);
        (0..m).map(|a| (0..m).map(|b| at(a, b)).collect()).collect()
    }

    fn figures(&self, m: usize) -> Conflict {
        Conflict {
            cosine: self.mean(m, &self.cosine, &self.steps),
            conflict: self.mean(m, &self.conflict, &self.steps),
            severity: self.mean(m, &self.severity, &self.conflict),
            magnitude: self.mean(m, &self.magnitude, &self.steps),
        }
    }
}

/// Means over steps, `[m][m]` each; empty when no step was seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// Mean cosine.
    pub cosine: Vec<Vec<f64>>,
    /// Share of steps with a cosine below the threshold.
    pub conflict: Vec<Vec<f64>>,
    /// Mean cosine over those steps, 0 where there was none.
    #[serde(default)]
    pub severity: Vec<Vec<f64>>,
    /// Mean magnitude similarity.
    pub magnitude: Vec<Vec<f64>>,
}

impl Conflict {
    /// Mean share of conflicting steps over all pairs of different tasks; 0 when none was seen.
    #[must_use]
    pub fn score(&self) -> f64 {
        let m = self.conflict.len();
        let pairs = (m * m.saturating_sub(1)).max(1) as f64;
        self.off_diagonal().map(|(share, _)| share).sum::<f64>() / pairs
    }

    /// Mean cosine over the conflicting steps of all pairs of different tasks; 0 when there was none.
    #[must_use]
    pub fn mean_severity(&self) -> f64 {
        let (sum, share) =
            self.off_diagonal().fold((0.0, 0.0), |(sum, all), (share, severity)| (sum + share * severity, all + share));
        if share > 0.0 { sum / share } else { 0.0 }
    }

    /// Share of conflicting steps and their mean cosine for every pair of different tasks. Logs of before severity was
    /// kept have none.
    fn off_diagonal(&self) -> impl Iterator<Item = (f64, f64)> {
        let severity = |i: usize, j: usize| self.severity.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0.0);
        let rows = self.conflict.iter().enumerate();
        rows.flat_map(move |(i, row)| {
            let others = row.iter().enumerate().filter(move |(j, _)| *j != i);
            others.map(move |(j, share)| (*share, severity(i, j)))
        })
    }
}

/// The statistics of a run, or of a stretch of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ConflictStats {
    m: usize,
    threshold: f64,
    whole: Pairs,
    blocks: Vec<(String, Pairs)>,
}

impl ConflictStats {
    /// Statistics of `m` tasks that count a cosine below `threshold` as a conflict.
    #[must_use]
    pub fn new(m: usize, threshold: f64) -> Self {
        Self { m, threshold, whole: Pairs::new(m), blocks: Vec::new() }
    }

    /// Adds a step: the Gramian of the active tasks, and that of every block when it was watched.
    pub fn add(&mut self, active: &[usize], gramian: &Gramian, names: &[String], blocks: &[Gramian]) {
        if active.len() != gramian.m() || active.iter().any(|a| *a >= self.m) {
            return; // another set of tasks than announced
        }
        self.whole.add(self.m, active, gramian, self.threshold);
        for (name, block) in names.iter().zip(blocks).filter(|(_, block)| block.m() == active.len()) {
            let known = self.blocks.iter().position(|(n, _)| n == name);
            let at = known.unwrap_or_else(|| {
                self.blocks.push((name.clone(), Pairs::new(self.m)));
                self.blocks.len() - 1
            });
            self.blocks[at].1.add(self.m, active, block, self.threshold);
        }
    }

    /// Means over all parameters.
    #[must_use]
    pub fn whole(&self) -> Conflict {
        self.whole.figures(self.m)
    }

    /// Means per block, in order of first appearance.
    #[must_use]
    pub fn blocks(&self) -> Vec<(String, Conflict)> {
        self.blocks.iter().map(|(name, pairs)| (name.clone(), pairs.figures(self.m))).collect()
    }

    /// Blocks by their share of conflicting steps, the highest first: candidates for parameters of their own per task.
    #[must_use]
    pub fn most_conflicting(&self) -> Vec<(String, f64)> {
        let mut ranked: Vec<(String, f64)> = self.blocks().into_iter().map(|(n, c)| (n, c.score())).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing::assert_close;

    #[test]
    fn two_steps_by_hand() {
        let mut stats = ConflictStats::new(3, 0.0);
        let names = ["early".to_owned(), "late".to_owned()];
        // Tasks 0 and 2: cosine 0, then -0.5; lengths 1 and 2, then 1 and 1.
        let first = Gramian::new(2, vec![1.0, 0.0, 0.0, 4.0]).unwrap();
        let second = Gramian::new(2, vec![1.0, -0.5, -0.5, 1.0]).unwrap();
        stats.add(&[0, 2], &first, &names, &[first.clone(), second.clone()]);
        stats.add(&[0, 2], &second, &names, &[]);
        let whole = stats.whole();
        assert_close(&[whole.cosine[0][2], whole.cosine[2][0], whole.conflict[0][2]], &[-0.25, -0.25, 0.5], 1e-15);
        assert!((whole.magnitude[0][2] - 0.9).abs() < 1e-15); // (0.8 + 1) / 2
        assert_close(&[whole.severity[0][2], whole.severity[0][1], whole.mean_severity()], &[-0.5, 0.0, -0.5], 1e-15);
        assert_close(&[whole.cosine[0][0], whole.cosine[1][0]], &[1.0, 0.0], 1e-15);
        assert_eq!(stats.most_conflicting(), [("late".to_owned(), 2.0 / 6.0), ("early".to_owned(), 0.0)]);
        let text = serde_json::to_string(&stats).unwrap();
        assert_eq!(serde_json::from_str::<ConflictStats>(&text).unwrap(), stats);
    }

    #[test]
    fn nothing_seen_is_empty_and_strangers_are_left_out() {
        let mut stats = ConflictStats::new(2, -0.1);
        assert_eq!((stats.whole(), stats.most_conflicting().len()), (Conflict::default(), 0));
        let g = Gramian::of_rows(&[[1.0, 0.0], [-0.05, 1.0]]);
        stats.add(&[0, 5], &g, &[], &[]);
        assert_eq!(stats.whole(), Conflict::default());
        stats.add(&[0, 1], &g, &[], &[]);
        assert!(stats.whole().conflict[0][1] < 0.5, "a cosine of -0.05 is above the threshold");
    }
}
