//! Calibration and conformal prediction equal scikit-learn's, scipy's and numpy's values of `golden/make_post_hoc.py`.

use mtl_core::{
    answer::Answer,
    prediction::{Prediction, Reference, Scores},
};
use mtl_metrics::{
    MetricBatch,
    post_hoc::{
        Calibration, CalibrationConfig, Conformal, ConformalConfig,
        calibration::{Curve, IsotonicConfig, TemperatureConfig},
        conformal::{ApsConfig, ContiguousConfig, LacConfig, RapsConfig, ScoreConfig},
        evidence::Evidence,
        share_interval,
    },
};
use ndarray::Array2;
use serde_json::Value;

use crate::{
    cases,
    reading::{get, parse},
};

const FILE: &str = include_str!("post_hoc.json");

fn near(found: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), want.len(), "{what}");
    for (found, want) in found.iter().zip(want) {
        assert!((found - want).abs() <= tolerance, "{what}: {found} against {want}");
    }
}

/// Class labels and the yes/no question whether the class is the second.
fn answers(case: &Value) -> [(Prediction, Reference); 2] {
    let probs = cases::matrix(&case["probs"]);
    let labels: Vec<i64> = get(case, "labels");
    let column = |numbers: Vec<f32>| Array2::from_shape_vec((numbers.len(), 1), numbers).unwrap();
    let second = column(probs.column(1).to_vec());
    let yes = column(labels.iter().map(|label| f32::from(u8::from(*label == 1))).collect());
    let kind = Scores::Probs;
    [
        (Prediction::Class { scores: probs, kind }, Reference::Class(labels)),
        (Prediction::MultiLabel { scores: second, kind }, Reference::MultiLabel(yes)),
    ]
}

#[test]
fn what_is_fitted_is_what_others_fit() {
    let file = parse(FILE);
    let cases = file["cases"].as_array().unwrap();
    let mut n_calibrated = 0;
    for case in cases.iter().filter(|case| case.get("probs").is_some()) {
        let expected = &case["expected"];
        let weights = case.get("weights").map(cases::row);
        let [classes, labels] = answers(case);
        let batch = |(said, truth): &'_ (Prediction, Reference)| -> Evidence {
            let batch = MetricBatch::new(said, truth);
            Evidence::of(&weights.as_ref().map_or(batch, |weights| batch.with_weights(weights))).unwrap()
        };
        let fit =
            |config: CalibrationConfig, on: &(Prediction, Reference)| Calibration::fit(&config, &batch(on)).unwrap();
        let temperature = |on: &(Prediction, Reference)| {
            let fitted = fit(CalibrationConfig::Temperature(TemperatureConfig::default()), on);
            let [Curve::Power { temperature }] = fitted.curves[..] else { panic!("{fitted:?}") };
            temperature
        };
        near(&[temperature(&classes)], &[get(expected, "temperature")], 1e-6, "temperature");
        near(&[temperature(&labels)], &[get(expected, "temperature_of_yes")], 1e-6, "temperature of yes");
        let curve = fit(CalibrationConfig::Isotonic(IsotonicConfig {}), &labels);
        let at = cases::row(&case["at"]);
        let found: Vec<f64> = at.iter().map(|p| curve.curves[0].of_yes(f64::from(*p))).collect();
        near(&found, &get::<Vec<f64>>(expected, "isotonic"), 1e-12, "isotonic");
        if let Some(want) = expected.get("calibrated") {
            let fitted = fit(CalibrationConfig::Isotonic(IsotonicConfig {}), &classes);
            let Prediction::Class { scores, .. } = fitted.apply(&classes.0).unwrap() else { panic!() };
            for (row, want) in scores.rows().into_iter().zip(want.as_array().unwrap()) {
                let found: Vec<f64> = row.iter().map(|p| f64::from(*p)).collect();
                near(&found, &serde_json::from_value::<Vec<f64>>(want.clone()).unwrap(), 1e-6, "calibrated");
                n_calibrated += 1;
            }
            sets(case, &classes);
        }
    }
    assert_eq!(n_calibrated, 60);
}

fn sets(case: &Value, (said, truth): &(Prediction, Reference)) {
    let Prediction::Class { scores, .. } = said else { panic!() };
    let grades: Vec<String> = (0..scores.ncols()).map(|grade| grade.to_string()).collect();
    let kinds = [
        ("lac", ScoreConfig::Lac(LacConfig {})),
        ("aps", ScoreConfig::Aps(ApsConfig {})),
        ("raps", ScoreConfig::Raps(RapsConfig { penalty: 0.1, free: 2 })),
        ("contiguous", ScoreConfig::Contiguous(ContiguousConfig {})),
    ];
    for (name, score) in kinds {
        let fit = |coverage: f64| {
            let config = ConformalConfig { coverage, score: Some(score.clone()), by_class: false };
            let batch = MetricBatch::new(said, truth);
            Conformal::fit(&config, &Answer::class(grades.clone()), None, &batch).unwrap().quantiles[0][0].unwrap()
        };
        near(&[0.5, 0.8, 0.9].map(fit), &get::<Vec<f64>>(&case["expected"], name), 1e-12, name);
    }
}

#[test]
fn intervals_of_shares() {
    let file = parse(FILE);
    let case = file["cases"].as_array().unwrap().iter().find(|case| case.get("shares").is_some()).unwrap();
    let shares: Vec<[f64; 2]> = get(case, "shares");
    let want: Vec<[f64; 2]> = get(&case["expected"], "proportion_ci");
    for ([k, n], want) in shares.iter().zip(want) {
        near(&share_interval(*k, *n), &want, 1e-9, "share");
    }
}
