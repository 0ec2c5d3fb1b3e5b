//! The laws of merging for metrics with batches or settings of their own: forecasts, intervals, survival times, groups, scaled
//! errors and costs; and spoiled forecasts, which are refused.

use crate::cases::draw::{Random, Task, draw, select};
use mtl_core::{Result, prediction::Scores};
use mtl_metrics::{
    Metric, MetricBatch, Streaming,
    binary::{ExpectedCost, Gauc},
    laws::{Tolerance, check_with},
    regress::{
        CIndex, CrpsEnsemble, CrpsGaussian, CrpsQuantile, Ensemble, Gaussian, IntervalCoverage, IntervalWidth,
        Intervals, Mase, Quantiles, Survival, Winkler,
    },
};
use ndarray::array;

/// Checks every law on random data of 0 to 40 samples.
fn laws<M: Metric>(metric: M, feed: impl Fn(&mut Streaming<M>, &mut Random, usize, &[usize]) -> Result<()>) {
    for seed in 0..40 {
        let random = &mut Random(seed);
        let n = random.below(41);
        let (order, cuts) = (random.shuffled(n), random.cuts(n));
        // The data are drawn anew from the seed each time, so that a feed needs no state.
        let rows = |metric: &mut Streaming<M>, rows: &[usize]| feed(metric, &mut Random(seed + 1000), n, rows);
        check_with(&Streaming::new(metric.clone()), n, rows, &order, &cuts, Tolerance::Bits)
            .unwrap_or_else(|e| panic!("{} {seed}: {e}", metric.name()));
    }
}

fn numbers(random: &mut Random, n: usize) -> Vec<f32> {
    (0..n).map(|_| random.number()).collect()
}

/// Numbers, some of them missing.
fn truth(random: &mut Random, n: usize) -> Vec<f32> {
    (0..n).map(|_| if random.below(6) == 0 { f32::NAN } else { random.number() }).collect()
}

fn pick(values: &[f32], width: usize, rows: &[usize]) -> Vec<f32> {
    rows.iter().flat_map(|&row| values[row * width..(row + 1) * width].to_vec()).collect()
}

#[test]
fn forecasts_merge_to_the_bit() {
    laws(CrpsEnsemble, |metric, random, n, rows| {
        let (members, truth) = (numbers(random, 4 * n), truth(random, n));
        metric.update_batch(&Ensemble::new(&pick(&members, 4, rows), 4, &pick(&truth, 1, rows))?)
    });
    laws(CrpsGaussian, |metric, random, n, rows| {
        let (mean, truth) = (numbers(random, n), truth(random, n));
        let deviation: Vec<f32> = numbers(random, n).iter().map(|x| x.exp()).collect();
        let [mean, deviation, truth] = [&mean, &deviation, &truth].map(|values| pick(values, 1, rows));
        metric.update_batch(&Gaussian::new(&mean, &deviation, &truth)?)
    });
    laws(CrpsQuantile, |metric, random, n, rows| {
        let (values, truth) = (numbers(random, 3 * n), truth(random, n));
        metric.update_batch(&Quantiles::new(&[0.1, 0.5, 0.9], &pick(&values, 3, rows), &pick(&truth, 1, rows))?)
    });
    laws(CIndex, |metric, random, n, rows| {
        let (times, scores) = (numbers(random, n), numbers(random, n));
        let seen: Vec<bool> = (0..n).map(|_| random.below(3) > 0).collect();
        let seen: Vec<bool> = rows.iter().map(|&row| seen[row]).collect();
        metric.update_batch(&Survival::new(&pick(&times, 1, rows), &seen, &pick(&scores, 1, rows))?)
    });
}

#[test]
fn intervals_merge_to_the_bit() {
    fn bounds(random: &mut Random, n: usize, rows: &[usize]) -> [Vec<f32>; 3] {
        let (lower, truth) = (numbers(random, n), truth(random, n));
        let upper: Vec<f32> = lower.iter().map(|low| low + random.number().abs()).collect();
        [&lower, &upper, &truth].map(|values| pick(values, 1, rows))
    }
    laws(IntervalCoverage, |metric, random, n, rows| {
        let [lower, upper, truth] = bounds(random, n, rows);
        metric.update_batch(&Intervals::new(&lower, &upper, &truth)?)
    });
    laws(IntervalWidth, |metric, random, n, rows| {
        let [lower, upper, truth] = bounds(random, n, rows);
        metric.update_batch(&Intervals::new(&lower, &upper, &truth)?)
    });
    laws(Winkler::new(0.1).unwrap(), |metric, random, n, rows| {
        let [lower, upper, truth] = bounds(random, n, rows);
        metric.update_batch(&Intervals::new(&lower, &upper, &truth)?)
    });
}

#[test]
fn settings_and_groups_merge_to_the_bit() {
    for task in [Task::Labels(1, Scores::Probs), Task::Labels(1, Scores::Logits), Task::Classes(2, Scores::Logits)] {
        laws(Gauc, |metric, random, n, rows| {
            let data = draw(task, n, 5, random);
            let groups: Vec<u64> = (0..n).map(|_| random.below(5) as u64 * 1_000_003).collect();
            let weights: Vec<f32> = (0..n).map(|_| [1.0, 1.0, 0.5, 0.0][random.below(4)]).collect();
            let groups: Vec<u64> = rows.iter().map(|&row| groups[row]).collect();
            let (weights, (prediction, reference)) = (pick(&weights, 1, rows), select(&data, rows));
            metric.update_batch(&MetricBatch::new(&prediction, &reference).with_groups(&groups).with_weights(&weights))
        });
        let costs = ExpectedCost::new(array![[0.0, 1.5], [10.0, -1.0]]).unwrap();
        laws(costs, |metric, random, n, rows| {
            let (prediction, reference) = select(&draw(task, n, 5, random), rows);
            metric.update_batch(&MetricBatch::new(&prediction, &reference))
        });
    }
    laws(Mase::new(vec![0.5, 3.0]).unwrap(), |metric, random, n, rows| {
        let (prediction, reference) = select(&draw(Task::Positive(2), n, 5, random), rows);
        metric.update_batch(&MetricBatch::new(&prediction, &reference))
    });
}

#[test]
fn spoiled_forecasts_do_no_harm() {
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -f32::MAX, 0.0, -1.0, 1e-45];
    let random = &mut Random(7);
    let (mut n_refused, mut n_taken) = (0, 0);
    let mut outcome = |result: Result<mtl_metrics::MetricValue>| match result {
        Ok(found) => {
            n_taken += 1;
            assert!(found.value.is_none_or(f64::is_finite), "{found:?}");
        }
        Err(e) => {
            n_refused += 1;
            assert!(!e.to_string().contains('\n'), "{e}");
        }
    };
    fn run<M: Metric>(metric: M, batch: Result<M::Batch<'_>>) -> Result<mtl_metrics::MetricValue> {
        let mut metric = Streaming::new(metric);
        metric.update_batch(&batch?)?;
        Ok(metric.compute())
    }
    for _ in 0..20_000 {
        let n = random.below(5);
        let mut spoil = |len: usize| -> Vec<f32> {
            let len = if random.below(12) == 0 { len + 1 } else { len };
            (0..len).map(|_| if random.below(10) == 0 { odd[random.below(8)] } else { random.number() }).collect()
        };
        let (a, b, c, wide) = (spoil(n), spoil(n), spoil(n), spoil(3 * n));
        outcome(run(CrpsEnsemble, Ensemble::new(&wide, 3, &a)));
        outcome(run(CrpsGaussian, Gaussian::new(&a, &b, &c)));
        outcome(run(CrpsQuantile, Quantiles::new(&[0.1, 0.5, 0.9], &wide, &a)));
        outcome(run(Winkler::new(0.1).unwrap(), Intervals::new(&a, &b, &c)));
        let seen: Vec<bool> = a.iter().map(|x| *x > 0.0).collect();
        outcome(run(CIndex, Survival::new(&b, &seen, &c)));
    }
    assert!(n_refused > 10_000 && n_taken > 10_000, "{n_refused} refused, {n_taken} taken");
}
