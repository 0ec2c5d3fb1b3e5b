//! Metrics of numbers and forecasts equal scikit-learn's, scipy's, torchmetrics', properscoring's and lifelines' values of
//! `golden/make_regress.py`, to 1e-12.

use crate::cases;
use mtl_metrics::{
    MetricValue, Streaming,
    regress::{
        CIndex, CrpsEnsemble, CrpsGaussian, CrpsQuantile, Ensemble, Gaussian, IntervalCoverage, IntervalWidth,
        Intervals, Quantiles, Survival, Winkler,
    },
};
use serde_json::Value;

#[test]
fn numbers() {
    let n_checked = cases::check("regress.json");
    let names = [
        "mae",
        "mse",
        "rmse",
        "r2",
        "adjusted-r2@2",
        "explained-variance",
        "mape",
        "smape",
        "wmape",
        "rmsle",
        "poisson-deviance",
        "gamma-deviance",
        "tweedie-deviance@-1",
        "tweedie-deviance@0",
        "tweedie-deviance@1.5",
        "tweedie-deviance@3",
        "pearson",
        "spearman",
        "kendall",
        "ccc",
        "direction-accuracy",
        "pinball@0.1",
        "pinball@0.9",
    ];
    for name in names {
        assert!(n_checked.get(name).is_some_and(|&n| n >= 10), "{name}: {:?}", n_checked.get(name));
    }
    assert!(cases::read("regress.json").len() >= 40);
}

/// A target of 0: scikit-learn divides by 2.2e-16, here the value is undefined.
#[test]
fn a_percentage_of_nothing_is_undefined() {
    let mut n_differ = 0;
    for case in cases::read("regress.json") {
        let Some(theirs) = case["theirs"].get("mape").and_then(Value::as_f64) else { continue };
        let (prediction, reference) = cases::pair(&case);
        let weights = case.get("weights").map(cases::row);
        let mut metric = cases::build("mape");
        let mut batch = mtl_metrics::MetricBatch::new(&prediction, &reference);
        if let Some(weights) = &weights {
            batch = batch.with_weights(weights);
        }
        metric.update_batch(&batch).unwrap();
        assert!(metric.compute().value.is_none());
        n_differ += usize::from(theirs > 1e10);
    }
    assert!(n_differ > 0);
}

fn forecast(case: &Value, name: &str) -> MetricValue {
    let of = |key: &str| cases::row(&case[key]);
    let flat = |key: &str| cases::matrix(&case[key]).into_raw_vec_and_offset().0;
    let alpha = || name.trim_start_matches("winkler@").parse().unwrap();
    match case["kind"].as_str().unwrap() {
        "ensemble" => {
            let (members, truth) = (cases::matrix(&case["members"]), of("truth"));
            let n_members = members.ncols();
            let mut metric = Streaming::new(CrpsEnsemble);
            metric.update_batch(&Ensemble::new(&flat("members"), n_members, &truth).unwrap()).unwrap();
            metric.compute()
        }
        "gaussian" => {
            let mut metric = Streaming::new(CrpsGaussian);
            metric.update_batch(&Gaussian::new(&of("mean"), &of("deviation"), &of("truth")).unwrap()).unwrap();
            metric.compute()
        }
        "quantiles" => {
            let levels: Vec<f64> = case["levels"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
            let mut metric = Streaming::new(CrpsQuantile);
            metric.update_batch(&Quantiles::new(&levels, &flat("values"), &of("truth")).unwrap()).unwrap();
            metric.compute()
        }
        "survival" => {
            let seen: Vec<bool> = case["seen"].as_array().unwrap().iter().map(|x| x.as_bool().unwrap()).collect();
            let mut metric = Streaming::new(CIndex);
            metric.update_batch(&Survival::new(&of("times"), &seen, &of("scores")).unwrap()).unwrap();
            metric.compute()
        }
        _ => {
            let (lower, upper, truth) = (of("lower"), of("upper"), of("truth"));
            let batch = Intervals::new(&lower, &upper, &truth).unwrap();
            match name {
                "interval-coverage" => {
                    let mut metric = Streaming::new(IntervalCoverage);
                    metric.update_batch(&batch).unwrap();
                    metric.compute()
                }
                "interval-width" => {
                    let mut metric = Streaming::new(IntervalWidth);
                    metric.update_batch(&batch).unwrap();
                    metric.compute()
                }
                _ => {
                    let mut metric = Streaming::new(Winkler::new(alpha()).unwrap());
                    assert!(mtl_metrics::MetricRegistry::ours().same(metric.name(), name));
                    metric.update_batch(&batch).unwrap();
                    metric.compute()
                }
            }
        }
    }
}

#[test]
fn forecasts() {
    let cases = cases::read("forecast.json");
    assert!(cases.len() >= 40);
    for case in &cases {
        for (name, want) in case["expected"].as_object().unwrap() {
            let found = forecast(case, name);
            let same = match (found.value, want.as_f64()) {
                (Some(found), Some(want)) => (found - want).abs() <= 1e-12 * want.abs().max(1.0),
                (found, want) => found.is_none() && want.is_none(),
            };
            assert!(same, "{}, {name}: {found:?} against {want}", case["name"]);
        }
    }
}
