//! What `class.rs` and `regress.rs` do not look at, against scikit-learn (`golden/metrics.json`, made by
//! `golden/make_golden.py`): how many parts a mean has and which it leaves out, matrices of confusion, ROC curves.

use std::path::Path;

use crate::cases::pair;
use mtl_metrics::{AnyMetric, Auroc, ConfusionMatrix, Streaming, evaluate};
use serde_json::Value;

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/metrics.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn parts_and_what_is_left_out_are_counted() {
    let golden = golden();
    let mut n_checked = std::collections::BTreeMap::<String, usize>::new();
    for case in golden["cases"].as_array().unwrap() {
        let (prediction, reference) = pair(case);
        for expected in case["expected"].as_array().unwrap() {
            let metric = expected["metric"].as_str().unwrap();
            let found = evaluate(metric, &prediction, &reference).unwrap();
            let context = format!("{metric}, {}: {found:?} against {expected}", case["name"]);
            match expected["value"].as_f64() {
                Some(want) => {
                    let value = found.value.unwrap_or_else(|| panic!("{context}"));
                    assert!((value - want).abs() <= 1e-12 * want.abs().max(1.0), "{context}");
                    assert_eq!(found.parts, expected["parts"].as_u64().unwrap(), "{context}");
                    assert_eq!(found.left_out, expected["left_out"].as_u64().unwrap(), "{context}");
                }
                None => assert!(found.value.is_none() && found.undefined.is_some(), "{context}"),
            }
            *n_checked.entry(metric.to_owned()).or_default() += 1;
        }
    }
    assert!(n_checked.len() == 7 && n_checked.values().all(|&n| n >= 10), "{n_checked:?}");
}

#[test]
fn confusion_matrices_are_equal() {
    for case in golden()["confusions"].as_array().unwrap() {
        let (prediction, reference) = pair(case);
        let mut confusion = ConfusionMatrix::default();
        confusion.update(&prediction, &reference).unwrap();
        let counts: Vec<Vec<u64>> = confusion.counts().rows().into_iter().map(|row| row.to_vec()).collect();
        assert_eq!(serde_json::json!(counts), case["counts"], "{}", case["name"]);
    }
}

#[test]
fn roc_curves_are_equal() {
    for case in golden()["rocs"].as_array().unwrap() {
        let (prediction, reference) = pair(case);
        let mut auroc = Streaming::new(Auroc);
        auroc.update(&prediction, &reference).unwrap();
        let curve = auroc.roc_curves(10_000).remove(0).unwrap();
        let rates: Vec<f64> = curve.points.iter().map(|p| p.false_positive_rate).collect();
        assert_eq!(serde_json::json!(rates), case["fpr"], "{}", case["name"]);
        let rates: Vec<f64> = curve.points.iter().map(|p| p.true_positive_rate).collect();
        assert_eq!(serde_json::json!(rates), case["tpr"], "{}", case["name"]);
        let thresholds: Vec<Option<f64>> = curve.points.iter().map(|p| p.threshold.map(f64::from)).collect();
        assert_eq!(serde_json::json!(thresholds), case["threshold"], "{}", case["name"]);
    }
}
