//! Random batches of heads, from a seed.
#![allow(clippy::cast_possible_truncation, reason = "numbers below a length")]

use mtl_core::prediction::{MISSING_CLASS, Prediction, Reference, Scores};
use ndarray::Array2;

/// SplitMix64, so that a case is a number.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// In [-4, 4], often equal to an earlier one.
    pub(crate) fn number(&mut self) -> f32 {
        match self.below(3) {
            0 => self.below(5) as f32 - 2.0,
            _ => (self.next() >> 40) as f32 / (1 << 21) as f32 - 4.0,
        }
    }

    pub(crate) fn shuffled(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        (1..n).rev().for_each(|idx| order.swap(idx, self.below(idx + 1)));
        order
    }

    /// Rising positions at which `n` samples are cut.
    pub(crate) fn cuts(&mut self, n: usize) -> Vec<usize> {
        let mut cuts: Vec<usize> = (0..self.below(5)).map(|_| self.below(n + 1)).collect();
        cuts.sort_unstable();
        cuts
    }
}

/// What a metric reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    Classes(usize, Scores),
    Labels(usize, Scores),
    Values(usize),
    /// Numbers above 0, so that every metric of numbers takes them.
    Positive(usize),
}

/// The tasks that a metric takes.
pub(crate) fn tasks_of(name: &str) -> Vec<Task> {
    if mtl_metrics::known(name).is_ok_and(|metric| metric.is_of_numbers()) {
        return vec![Task::Positive(1), Task::Positive(3)];
    }
    let both = |task: fn(usize, Scores) -> Task, n| [task(n, Scores::Probs), task(n, Scores::Logits)];
    let classes = [both(Task::Classes, 2), both(Task::Classes, 4)].concat();
    let question = both(Task::Labels, 1).to_vec();
    let labels = both(Task::Labels, 3).to_vec();
    let by_row = ["subset-accuracy", "samples-f1", "coverage-error", "lrap", "ranking-loss", "one-error"];
    let mut tasks = match name {
        _ if name.starts_with("top-") => both(Task::Classes, 7).to_vec(),
        "auroc-ovo" => classes,
        _ if name.contains("kappa") || name.starts_with("grade-") || name == "off-by-one" => {
            [classes, question].concat()
        }
        _ if by_row.contains(&name) => [question, labels].concat(),
        _ => [classes, question, labels].concat(),
    };
    if name == "hinge" {
        tasks.retain(|task| matches!(task, Task::Classes(_, Scores::Logits) | Task::Labels(_, Scores::Logits)));
    }
    tasks
}

/// `n` samples, about one label in `1 / missing` unknown.
pub(crate) fn draw(task: Task, n: usize, missing: usize, random: &mut Random) -> (Prediction, Reference) {
    let unknown = |random: &mut Random| missing > 0 && random.below(missing) == 0;
    match task {
        Task::Classes(c, kind) => {
            let mut scores = Array2::from_shape_simple_fn((n, c), || random.number());
            if kind == Scores::Probs {
                for mut row in scores.rows_mut() {
                    row.mapv_inplace(f32::exp);
                    let sum = row.sum();
                    row /= sum;
                }
            }
            let label = |random: &mut Random| if unknown(random) { MISSING_CLASS } else { random.below(c) as i64 };
            (Prediction::Class { scores, kind }, Reference::Class((0..n).map(|_| label(random)).collect()))
        }
        Task::Labels(c, kind) => {
            let score = |random: &mut Random| match kind {
                Scores::Logits => random.number(),
                Scores::Probs => 1.0 / (1.0 + random.number().exp()),
            };
            let scores = Array2::from_shape_simple_fn((n, c), || score(random));
            let label = |random: &mut Random| if unknown(random) { f32::NAN } else { random.below(2) as f32 };
            let labels = Array2::from_shape_simple_fn((n, c), || label(random));
            (Prediction::MultiLabel { scores, kind }, Reference::MultiLabel(labels))
        }
        Task::Values(k) => {
            let values = Array2::from_shape_simple_fn((n, k), || random.number() * 100.0);
            let truth = |random: &mut Random| if unknown(random) { f32::NAN } else { random.number() * 100.0 };
            (Prediction::Values { values }, Reference::Values(Array2::from_shape_simple_fn((n, k), || truth(random))))
        }
        Task::Positive(k) => {
            let values = Array2::from_shape_simple_fn((n, k), || random.number().exp());
            let truth = |random: &mut Random| if unknown(random) { f32::NAN } else { random.number().exp() };
            (Prediction::Values { values }, Reference::Values(Array2::from_shape_simple_fn((n, k), || truth(random))))
        }
    }
}

/// The samples at these positions.
pub(crate) fn select(data: &(Prediction, Reference), rows: &[usize]) -> (Prediction, Reference) {
    (data.0.gather(rows), data.1.gather(rows))
}
