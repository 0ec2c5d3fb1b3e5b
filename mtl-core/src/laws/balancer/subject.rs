//! A method under test, and how laws ask it.

use super::{Build, Claims, cases::losses};
use crate::{
    balance::{Balancer, Epoch, Evidence, Gramian},
    error::Result,
};

/// A method that can be made for any number of tasks.
pub(super) struct Subject<'a> {
    pub(super) claims: Claims,
    pub(super) build: &'a Build<'a>,
}

impl Subject<'_> {
    /// A fresh one.
    pub(super) fn make(&self, m: usize) -> Result<Box<dyn Balancer>> {
        (self.build)(m.max(1))
    }

    /// The weights of a fresh one.
    pub(super) fn weigh(&self, g: &Gramian, losses: &[f64]) -> Result<Vec<f64>> {
        weigh(self.make(g.m())?.as_mut(), g, losses, 0)
    }
}

/// The weights for all tasks of a Gramian. Further looks see the same gradients again, losses that fell a little; blocks are two
/// halves.
pub(super) fn weigh(method: &mut dyn Balancer, g: &Gramian, losses: &[f64], step: u64) -> Result<Vec<f64>> {
    weigh_some(method, &(0..g.m()).collect::<Vec<_>>(), g, losses, step)
}

/// The weights for those tasks, whose Gramian and losses are given.
pub(super) fn weigh_some(
    method: &mut dyn Balancer,
    tasks: &[usize],
    g: &Gramian,
    losses: &[f64],
    step: u64,
) -> Result<Vec<f64>> {
    let m = g.m();
    let mut half = Gramian::default();
    half.rebuild(m).copy_from_slice(&g.values().iter().map(|x| 0.5 * x).collect::<Vec<_>>());
    let blocks = [half.clone(), half];
    let needs = method.needs();
    let joint = tiled(g, usize::from(needs.gramian) + needs.looks_with_rows());
    let joint = (!needs.looks.is_empty()).then_some(&joint);
    let mut weights = vec![f64::NAN; m];
    weights.resize(m * (1 + needs.looks_with_rows()), 0.0);
    let again: Vec<f64> = losses.iter().map(|l| 0.9 * l).collect();
    let evidence = Evidence { tasks, losses, losses_again: &again, gramian: Some(g), blocks: &blocks, joint, step };
    method.weigh(&evidence, &mut weights)?;
    weights.truncate(m);
    Ok(weights)
}

/// The Gramian of `sets` copies of the rows, one after the other.
pub(super) fn tiled(g: &Gramian, sets: usize) -> Gramian {
    let (m, n) = (g.m(), g.m() * sets);
    let mut joint = Gramian::default();
    joint.rebuild(n).iter_mut().enumerate().for_each(|(e, v)| *v = g.get(e / n % m, e % n % m));
    joint
}

/// A few steps and epochs with slowly falling losses; the weights of all steps in a row.
pub(super) fn drive(method: &mut dyn Balancer, g: &Gramian, steps: std::ops::Range<u64>) -> Result<Vec<f64>> {
    let m = g.m();
    let tasks: Vec<usize> = (0..m).collect();
    let mut out = Vec::new();
    for step in steps {
        let at = |k: u64| -> Vec<f64> {
            let fallen = |(i, l): (usize, &f64)| l * 0.97f64.powf(k as f64 * (1 + i % 3) as f64);
            losses(m).iter().enumerate().map(fallen).collect()
        };
        if let Ok(weights) = weigh(method, g, &at(step), step) {
            out.extend(weights);
            method.after_step(&at(step + 1), &tasks)?;
        }
        if step % 2 == 1 {
            let kpis: Vec<f64> = (0..m).map(|i| 0.5 + 0.03 * step as f64 + 0.01 * i as f64).collect();
            method.epoch_end(&Epoch { index: step / 2, kpis: &kpis })?;
        }
    }
    Ok(out)
}

/// Whether both are the same numbers, bit by bit.
pub(super) fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

/// Length of `sum_i (a_i - b_i) g_i` relative to that of the longest term; weights far below `usual` count as rounding. So
/// directions are compared, not weights, which dependent gradients leave open.
pub(super) fn distance(g: &Gramian, a: &[f64], b: &[f64], usual: f64) -> f64 {
    let longest = (0..g.m()).map(|i| g.norm(i)).fold(0.0, f64::max);
    if longest <= 0.0 {
        return 0.0;
    }
    let difference: Vec<f64> = a.iter().zip(b).map(|(x, y)| x - y).collect();
    let scale = (0..g.m()).map(|i| a[i].abs().max(b[i].abs()) * g.norm(i) / longest).fold(0.0, f64::max);
    let mut squared = 0.0;
    for i in 0..g.m() {
        for j in 0..g.m() {
            squared += difference[i] * (g.get(i, j) / longest / longest) * difference[j];
        }
    }
    squared.max(0.0).sqrt() / scale.max(1e-3 * usual)
}
