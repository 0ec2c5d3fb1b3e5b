//! Class, binary, multi-label and ordinal metrics equal scikit-learn's, scipy's, torchmetrics' and rdkit's values of
//! `golden/make_class.py`, to 1e-12. What differs on purpose is checked to differ, and why is said here and in the tables of
//! the families.

use std::collections::BTreeMap;

use crate::cases;
use mtl_metrics::MetricBatch;

/// At least so many cases, and each of these metrics in some of them.
fn covers(n_checked: &BTreeMap<String, usize>, n_cases: usize, file: &str, names: &[&str]) {
    assert!(cases::read(file).len() >= n_cases, "{file}");
    for name in names {
        assert!(n_checked.get(*name).is_some_and(|&n| n >= 5), "{file}: {name} has {:?} cases", n_checked.get(*name));
    }
}

#[test]
fn classes() {
    let names = [
        "accuracy",
        "top-5-accuracy",
        "top-2-accuracy",
        "balanced-accuracy",
        "macro-precision",
        "micro-precision",
        "weighted-precision",
        "macro-recall",
        "micro-recall",
        "weighted-recall",
        "macro-f1",
        "micro-f1",
        "weighted-f1",
        "macro-f2",
        "weighted-f0.5",
        "cohen-kappa",
        "linear-kappa",
        "quadratic-kappa",
        "mcc",
        "log-loss",
        "brier",
        "ece",
        "mce",
        "adaptive-ece",
        "hinge",
        "auroc",
        "auroc-ovo",
        "pcoc-error",
    ];
    covers(&cases::check("class.json"), 40, "class.json", &names);
}

#[test]
fn questions() {
    let names = [
        "auroc",
        "partial-auroc@0.1",
        "average-precision",
        "ks",
        "gini",
        "eer",
        "min-dcf@0.01",
        "recall@fpr=0.01",
        "recall@fpr=0.3",
        "precision@recall=0.9",
        "precision@recall=0.5",
        "recall@precision=0.9",
        "recall@precision=0.6",
        "specificity@sensitivity=0.9",
        "ef@20%",
        "bedroc@20",
        "brier",
        "ece",
        "mce",
        "adaptive-ece",
        "pcoc-error",
        "hinge",
    ];
    covers(&cases::check("binary.json"), 40, "binary.json", &names);
}

#[test]
fn labels() {
    let names = [
        "accuracy",
        "hamming-loss",
        "subset-accuracy",
        "samples-f1",
        "macro-f1",
        "micro-f1",
        "coverage-error",
        "lrap",
        "ranking-loss",
        "one-error",
        "average-precision",
        "auroc",
        "mcc",
        "balanced-accuracy",
        "ece",
        "bedroc@20",
    ];
    covers(&cases::check("multi_label.json"), 40, "multi_label.json", &names);
}

#[test]
fn grades() {
    let names = [
        "cohen-kappa",
        "linear-kappa",
        "quadratic-kappa",
        "grade-mae",
        "off-by-one",
        "grade-kendall",
        "grade-spearman",
    ];
    covers(&cases::check("ordinal.json"), 40, "ordinal.json", &names);
}

/// The library's value and ours, where they part.
#[test]
fn differences_on_purpose() {
    let mut differs = BTreeMap::<String, usize>::new();
    for file in ["class.json", "multi_label.json"] {
        for case in cases::read(file) {
            let Some(theirs) = case.get("theirs").and_then(|theirs| theirs.as_object()) else { continue };
            let (prediction, reference) = cases::pair(&case);
            let weights = case.get("weights").map(cases::row);
            for (name, theirs) in theirs {
                let mut metric = cases::build(name);
                let mut batch = MetricBatch::new(&prediction, &reference);
                if let Some(weights) = &weights {
                    batch = batch.with_weights(weights);
                }
                metric.update_batch(&batch).unwrap();
                let (found, theirs) = (metric.compute(), theirs.as_f64().unwrap());
                let differ = match name.as_str() {
                    // 0 with one class only: undefined here.
                    "mcc" => {
                        assert!(found.value.is_none() && theirs.abs() < 1e-12, "{}: {found:?}", case["name"]);
                        true
                    }
                    // A class that is never said counts as 0 there; left out here, so that ours is not lower.
                    "macro-precision" => {
                        let ours = found.value.unwrap();
                        assert!(ours >= theirs - 1e-12, "{}: {found:?} {theirs}", case["name"]);
                        assert_eq!(
                            ours > theirs + 1e-9,
                            found.left_out > 0 && ours > 0.0,
                            "{}: {found:?}",
                            case["name"]
                        );
                        found.left_out > 0
                    }
                    // A sample with nothing true and nothing said counts as 0 there; skipped here.
                    "samples-f1" => {
                        assert!(found.value.unwrap() >= theirs - 1e-12, "{}: {found:?} {theirs}", case["name"]);
                        found.value.unwrap() > theirs + 1e-9
                    }
                    // A quantile that falls on a confidence is that confidence; numpy rounds some below it.
                    "adaptive-ece" => (found.value.unwrap() - theirs).abs() > 1e-12,
                    // A confidence of 1 has a bin of its own there.
                    "ece" | "mce" => true,
                    _ => panic!("{name} is not said to differ"),
                };
                *differs.entry(name.clone()).or_default() += usize::from(differ);
            }
        }
    }
    for name in ["mcc", "macro-precision", "samples-f1", "adaptive-ece", "ece"] {
        assert!(differs.get(name).is_some_and(|&n| n > 0), "{name}: {differs:?}");
    }
}
