//! Sums by hand, distributions of labels beside those of scaled labels, and what is refused. What the laws of heads say of every family
//! `tests/head_contract.rs` runs, what SciPy says of densities `mtl_core::distribution`.

use super::*;
use mtl_core::{
    features::View,
    label_stats::{LabelStats, Numbers, Spread},
    params::ParamSet,
    task::TaskName,
};
use ndarray::array;

fn head(config: &LikelihoodHeadConfig, stats: Option<&LabelStats>) -> Result<LikelihoodHead> {
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
    let task = TaskName::new("visits")?;
    let values = Values { names: mtl_core::answer::numbered(2) };
    let (view, answer) = (View::Pooled { width: 2 }, Answer::Values(values.clone()));
    LikelihoodHead::new(HeadPlace::new(params.root(), &task, &view, &answer).with_labels(stats), &values, config)
}

fn of_family(family: Family) -> LikelihoodHeadConfig {
    LikelihoodHeadConfig { family, ..Default::default() }
}

fn stats(columns: [Vec<f64>; 2]) -> LabelStats {
    let numbers = |mut values: Vec<f64>| Numbers { known: 4, missing: 0, spread: Spread::of(&mut values) };
    LabelStats::Values { outputs: columns.map(numbers).into() }
}

fn some_output(head: &LikelihoodHead) -> HeadOutput {
    let n = 2 * 2 * head.density().parameters().len() as i64;
    let xs: Vec<f64> = (0..n).map(|i| 0.3 * (i as f64 - 2.0) * if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    Tensor::from_slice(&xs).view([2, n / 2]).into()
}

#[test]
fn a_gaussian_by_hand() {
    let head = head(&of_family(Family::Gaussian), None).unwrap();
    let out: HeadOutput = Tensor::from_slice(&[0.5, 0.0, 9.0, 9.0]).view([1, 4]).into();
    let target = Target::values("visits", array![[1.5, f32::NAN]].view()).unwrap();
    let loss = head.loss(&out, &target).unwrap();
    let by_hand = 0.5 / 1.001f64.powi(2) + 1.001f64.ln() + 0.5 * (2.0 * std::f64::consts::PI).ln();
    assert!((loss.sum.double_value(&[]) - by_hand).abs() < 1e-12);
    assert!((loss.count - 1.0).abs() < 1e-12);
}

/// What is decoded is the distribution of the labels: its density at a label is the loss, but for the constant of the scale.
#[test]
fn parameters_come_back_in_the_labels_unit() {
    let real = stats([vec![100.0, 120.0, 140.0, 90.0], vec![-0.1, 0.0, 0.1, 0.4]]);
    let counts = stats([vec![0.0, 3.0, 900.0, 40.0], vec![0.0, 1.0, 1.0, 0.0]]);
    for family in Family::ALL {
        let density = family.density();
        let is_real = density.support() == Support::Real;
        let (stats, labels) = if is_real {
            (&real, array![[95.0, 0.3], [130.0, -0.2]])
        } else {
            (&counts, array![[7.0, 0.0], [450.0, 3.0]])
        };
        let head = head(&of_family(*family), Some(stats)).unwrap();
        let out = some_output(&head);
        let loss = head.loss(&out, &Target::values("visits", labels.view()).unwrap()).unwrap().sum.double_value(&[]);
        let parameters = Vec::<f64>::try_from(head.answer(&out).unwrap().view(-1)).unwrap();
        let mut expected = 0.0;
        for (cell, p) in parameters.chunks(density.parameters().len()).enumerate() {
            let scale = if is_real { stats.numbers()[cell % 2].spread.as_ref().unwrap().moments.std } else { 1.0 };
            expected -= density.log_density(p, f64::from(labels[[cell / 2, cell % 2]])) + scale.ln();
        }
        assert!((loss - expected).abs() < 1e-5 * expected.abs(), "{family}: {loss} {expected}");
        let Prediction::Forecast(said) = head.decode(&out).unwrap() else { panic!() };
        let mean = density.mean(&parameters[..density.parameters().len()]);
        assert!((f64::from(said.points()[[0, 0]]) - mean).abs() < 1e-4 * mean.abs(), "{family}");
    }
}

#[test]
fn training_starts_at_the_labels_mean() {
    let labels = stats([vec![0.0, 3.0, 900.0, 97.0], vec![0.0, 0.0, 0.0, 0.0]]);
    for family in [Family::Gaussian, Family::Poisson, Family::NegativeBinomial] {
        let head = head(&of_family(family), Some(&labels)).unwrap();
        let zeros = some_output(&head).main().zeros_like();
        let Prediction::Forecast(said) = head.decode(&zeros.into()).unwrap() else { panic!() };
        assert!((said.points()[[0, 0]] - 250.0).abs() < 0.01, "{family}: {}", said.points());
    }
}

#[test]
fn labels_that_are_no_counts_are_refused() {
    for family in [Family::Poisson, Family::NegativeBinomial] {
        let head = head(&of_family(family), None).unwrap();
        let out = some_output(&head);
        for (wrong, shown) in [(-1.0, "-1"), (1.5, "1.5")] {
            let target = Target::values("visits", array![[3.0, f32::NAN], [0.0, wrong]].view()).unwrap();
            let e = head.loss(&out, &target).unwrap_err().to_string();
            let expected = format!(
                "task visits: value must be a whole number >= 0 for the {family} family, or NaN for missing, found {shown} (sample 1)"
            );
            assert_eq!(e, expected);
        }
        let good = Target::values("visits", array![[3.0, f32::NAN], [0.0, 12.0]].view()).unwrap();
        assert!(head.loss(&out, &good).is_ok());
    }
    let negative = stats([vec![1.0, 2.0, 3.0, 4.0], vec![-2.5, 0.0, 1.0, 0.0]]);
    let e = head(&of_family(Family::Poisson), Some(&negative)).unwrap_err().to_string();
    assert!(e.contains("labels of task visits, which go down to -2.5, found \"poisson\""), "{e}");
}
