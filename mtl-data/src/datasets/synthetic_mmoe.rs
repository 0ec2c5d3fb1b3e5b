//! The generated two-task data of the MMoE paper: how related the tasks are is a setting.
//!
//! ```text
//! u1, u2   random orthogonal unit vectors in R^d
//! w1 = c u1                     w2 = c (p u1 + sqrt(1 - p^2) u2)         so that cos(w1, w2) = p
//! x  ~ N(0, I)
//! y_k = w_k x + sum_i sin(alpha_i w_k x + beta_i) + noise                noise ~ N(0, s^2)
//! ```
//!
//! `d = 100` inputs; `p` is `correlation`, `c` is `scale`, `s` is `noise`; `alpha_i` and `beta_i` are drawn from N(0, 1)
//! once per seed. As `p` falls the tasks have less in common and a shared trunk should fall behind a mixture of experts.
//!
//! **Reference**: J. Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts",
//! KDD 2018, section 3.2.
//! **Differs from** the paper: it leaves `c`, the number of sines and their parameters open; the defaults here (0.3, 5,
//! standard normal, 10 000 rows to train on) are those of the public re-implementation `keras-mmoe`. The binary targets
//! (`y_k` above its training median) are ours, so that AUROC can be reported.

use std::sync::Arc;

use mtl_core::{
    answer::{Answer, AnswerTag},
    task::TaskName,
};
use ndarray::Array2;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{DatasetPart, Origin, Splits, named};
use crate::{
    error::{Error, Result},
    info::{DataInfo, TaskInfo},
    kept::{Cut, Loading},
    preprocess::Preprocessing,
    rng::{Rng, Stream},
    source::{Codes, Labels, Source, Subset, TableSource},
    table::{CsvFormat, FittedSchema},
};

const DIM: usize = 100;

/// What is learned from the generated numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SyntheticTargets {
    /// `y1` and `y2` themselves, as in the paper.
    #[default]
    Values,
    /// `y1-high` and `y2-high`: whether they are above the training median.
    Binary,
    /// All four.
    Both,
}

/// The generator's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SyntheticMmoe {
    /// Rows to train on; >= 1, default 10 000.
    #[schemars(range(min = 1))]
    pub train: usize,
    /// Rows to validate on; default 1 000.
    pub validation: usize,
    /// Rows to test on; default 1 000.
    pub test: usize,
    /// The cosine `p` between the tasks' weights, in `[-1, 1]`; default 0.8.
    #[schemars(range(min = -1.0, max = 1.0))]
    pub correlation: f64,
    /// The length `c` of the weights; > 0, default 0.3.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub scale: f64,
    /// The number of sines; default 5.
    pub n_sines: usize,
    /// The noise's standard deviation `s`; >= 0, default 0.1.
    #[schemars(range(min = 0.0))]
    pub noise: f64,
    /// What is learned.
    pub targets: SyntheticTargets,
    /// What everything random depends on; default 0.
    pub seed: u64,
}

impl Default for SyntheticMmoe {
    fn default() -> Self {
        Self {
            train: 10_000,
            validation: 1_000,
            test: 1_000,
            correlation: 0.8,
            scale: 0.3,
            n_sines: 5,
            noise: 0.1,
            targets: SyntheticTargets::Values,
            seed: 0,
        }
    }
}

impl SyntheticMmoe {
    /// Generates all rows, in parallel; they depend on the settings only.
    ///
    /// # Errors
    /// `InvalidConfig` for a setting outside its range.
    pub fn load(&self) -> Result<Splits> {
        self.load_with(&mut Loading::default())
    }

    fn load_with(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        self.validate()?;
        let n_rows = self.train + self.validation + self.test;
        let rule = Rule::draw(self);
        let mut numeric = vec![0.0; n_rows * DIM];
        let mut ys = vec![[0.0; 2]; n_rows];
        numeric.par_chunks_exact_mut(DIM).zip(&mut ys).enumerate().for_each(|(row, (xs, ys))| {
            // Key 0 drew the rule; each row has its own.
            *ys = rule.row(&mut Rng::new(self.seed, Stream::Synthetic, row as u64 + 1), xs);
        });
        let (tasks, labels) = self.label(&ys)?;
        let preprocessing = preprocessing(&tasks)?;
        let info = DataInfo { inputs: preprocessing.inputs()?, tasks };
        let whole: Arc<dyn Source> =
            Arc::new(TableSource::from_rows(info, n_rows, Codes::Narrow(Vec::new()), numeric, labels)?);
        let range = |from: usize, n: usize| (from as u64..(from + n) as u64).collect::<Vec<_>>();
        let test = Subset::new(whole.clone(), range(self.train + self.validation, self.test))?;
        let (learn, validation) = (range(0, self.train), range(self.train, self.validation));
        let splits = Splits::new(&whole, learn, validation, Arc::new(test), Some(preprocessing))?;
        // The settings say everything: there are no files to compare.
        let cut = Cut::whole([self.train, self.validation, self.test].map(|n| n as u64));
        loading.finish(Splits { origin: Origin::Synthetic, ..splits }, cut)
    }

    fn validate(&self) -> Result<()> {
        let refuse =
            |field, expected: &str, found: String| Err(Error::config("synthetic-mmoe", field, expected, found));
        if self.train == 0 {
            return refuse("train", ">= 1", "0".into());
        }
        if !(-1.0..=1.0).contains(&self.correlation) {
            return refuse("correlation", "in [-1, 1]", self.correlation.to_string());
        }
        if !(self.scale > 0.0 && self.scale.is_finite()) {
            return refuse("scale", "> 0 and finite", self.scale.to_string());
        }
        if !(self.noise >= 0.0 && self.noise.is_finite()) {
            return refuse("noise", ">= 0 and finite", self.noise.to_string());
        }
        Ok(())
    }

    /// Tasks and labels for the generated numbers.
    #[expect(clippy::cast_possible_truncation, reason = "targets are f32")]
    fn label(&self, ys: &[[f64; 2]]) -> Result<(Vec<TaskInfo>, Vec<Labels>)> {
        let (mut tasks, mut labels) = (Vec::new(), Vec::new());
        let column =
            |value: &dyn Fn(&[f64; 2]) -> f32| Array2::from_shape_fn((ys.len(), 1), |(row, _)| value(&ys[row]));
        if self.targets != SyntheticTargets::Binary {
            for k in 0..2 {
                let name = format!("y{}", k + 1);
                tasks.push(TaskInfo { name: TaskName::new(&name)?, answer: Answer::values([name]) });
                labels.push(Labels::numbers(column(&|y| y[k] as f32)));
            }
        }
        if self.targets != SyntheticTargets::Values {
            for k in 0..2 {
                let name = format!("y{}-high", k + 1);
                let median = median(ys[..self.train].iter().map(|y| y[k]).collect());
                tasks.push(TaskInfo { name: TaskName::new(&name)?, answer: Answer::multi_label(["high"]) });
                labels.push(Labels::numbers(column(&|y| f32::from(y[k] > median))));
            }
        }
        Ok((tasks, labels))
    }
}

impl DatasetPart for SyntheticMmoe {
    fn tasks(&self) -> Result<Vec<(TaskName, AnswerTag)>> {
        let mut tasks = Vec::new();
        if self.targets != SyntheticTargets::Binary {
            tasks.extend(named(&["y1", "y2"], AnswerTag::Values)?);
        }
        if self.targets != SyntheticTargets::Values {
            tasks.extend(named(&["y1-high", "y2-high"], AnswerTag::MultiLabel)?);
        }
        Ok(tasks)
    }

    fn load(&self, loading: &mut Loading<'_>) -> Result<Splits> {
        self.load_with(loading)
    }
}

/// The generated numbers as columns of a table, as they are: a model predicts for a file of such rows.
pub(crate) fn preprocessing(tasks: &[TaskInfo]) -> Result<Preprocessing> {
    let numbers: Vec<String> = (0..DIM).map(|i| format!("x{i}")).collect();
    let tasks: Vec<TaskName> = tasks.iter().map(|task| task.name.clone()).collect();
    Ok(Preprocessing::Table { format: CsvFormat::DEFAULT, fitted: FittedSchema::of_numbers(&numbers, &tasks)? })
}

/// The lower median.
fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len().saturating_sub(1) / 2;
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f64::total_cmp).1 }
}

/// What turns inputs into targets.
struct Rule {
    weights: [Vec<f64>; 2],
    /// `(alpha, beta)` of each sine.
    sines: Vec<(f64, f64)>,
    noise: f64,
}

impl Rule {
    fn draw(config: &SyntheticMmoe) -> Self {
        let mut rng = Rng::new(config.seed, Stream::Synthetic, 0);
        let mut normal = || (0..DIM).map(|_| rng.normal()).collect::<Vec<f64>>();
        let u1 = unit(normal());
        let raw = normal();
        let along = dot(&raw, &u1);
        let u2 = unit(raw.iter().zip(&u1).map(|(r, u)| r - along * u).collect());
        let (c, p) = (config.scale, config.correlation);
        let across = (1.0 - p * p).max(0.0).sqrt();
        let w1 = u1.iter().map(|u| c * u).collect();
        let w2 = u1.iter().zip(&u2).map(|(u1, u2)| c * (p * u1 + across * u2)).collect();
        let sines = (0..config.n_sines).map(|_| (rng.normal(), rng.normal())).collect();
        Self { weights: [w1, w2], sines, noise: config.noise }
    }

    /// Fills `xs` and returns both targets.
    #[expect(clippy::cast_possible_truncation, reason = "inputs are f32")]
    fn row(&self, rng: &mut Rng, xs: &mut [f32]) -> [f64; 2] {
        for x in xs.iter_mut() {
            *x = rng.normal() as f32;
        }
        self.weights.each_ref().map(|w| {
            let wx: f64 = w.iter().zip(xs.iter()).map(|(w, &x)| w * f64::from(x)).sum();
            let waves: f64 = self.sines.iter().map(|(alpha, beta)| (alpha * wx + beta).sin()).sum();
            wx + waves + self.noise * rng.normal()
        })
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn unit(v: Vec<f64>) -> Vec<f64> {
    let norm = dot(&v, &v).sqrt();
    v.into_iter().map(|x| x / norm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::prediction::Reference;

    #[test]
    fn weights_have_the_cosine_asked_for() {
        for correlation in [-1.0, 0.0, 0.5, 1.0] {
            let rule = Rule::draw(&SyntheticMmoe { correlation, ..SyntheticMmoe::default() });
            let [w1, w2] = &rule.weights;
            assert!((dot(w1, w1).sqrt() - 0.3).abs() < 1e-12 && (dot(w2, w2).sqrt() - 0.3).abs() < 1e-12);
            assert!((dot(w1, w2) / 0.09 - correlation).abs() < 1e-12);
        }
    }

    #[test]
    fn targets_follow_the_formula() {
        let rule = Rule { weights: [vec![2.0; DIM], vec![0.0; DIM]], sines: vec![(0.5, 0.25)], noise: 0.0 };
        let mut xs = [0.0f32; DIM];
        let [y1, y2] = rule.row(&mut Rng::new(0, Stream::Synthetic, 1), &mut xs);
        let wx: f64 = xs.iter().map(|&x| 2.0 * f64::from(x)).sum();
        assert!((y1 - (wx + (0.5 * wx + 0.25).sin())).abs() < 1e-9);
        assert!((y2 - 0.25f64.sin()).abs() < 1e-12);
    }

    #[test]
    fn binary_targets_are_balanced_and_splits_disjoint() {
        let config = SyntheticMmoe { train: 501, targets: SyntheticTargets::Both, ..SyntheticMmoe::default() };
        let splits = config.load().unwrap();
        assert_eq!((splits.train.len(), splits.validation.len(), splits.test.len()), (501, 1000, 1000));
        assert_eq!(splits.validation.batch(&[0]).unwrap().ids, [501]);
        let batch = splits.train.batch(&(0..501).collect::<Vec<_>>()).unwrap();
        let Reference::MultiLabel(high) = batch.targets[2].as_ref().unwrap().reference().unwrap() else { panic!() };
        assert_eq!(high.iter().filter(|&&label| label > 0.5).count(), 250);
        assert_eq!((splits.info.tasks.len(), splits.origin), (4, Origin::Synthetic));
    }

    #[test]
    fn settings_are_checked() {
        let refusal = |config: SyntheticMmoe| config.load().unwrap_err().to_string();
        let bad = SyntheticMmoe { correlation: 1.5, ..SyntheticMmoe::default() };
        assert_eq!(refusal(bad), "synthetic-mmoe: correlation must be in [-1, 1], found 1.5");
        assert!(refusal(SyntheticMmoe { train: 0, ..SyntheticMmoe::default() }).contains("train must be >= 1"));
        assert!(refusal(SyntheticMmoe { noise: f64::NAN, ..SyntheticMmoe::default() }).contains("noise"));
    }
}
