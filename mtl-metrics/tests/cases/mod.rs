//! Golden cases read from JSON, and every metric of heads by the name that it has there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test, helpers included")]
#![allow(dead_code, reason = "each test program uses its own part")]

pub(crate) mod draw;
pub(crate) mod names;

use std::{collections::BTreeMap, path::Path};

use mtl_core::prediction::{Prediction, Reference, Scores};
use mtl_metrics::{AnyMetric, MetricBatch, MetricRegistry};
use ndarray::Array2;
use serde_json::Value;

/// The cases of a golden file.
pub(crate) fn read(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    golden["cases"].as_array().unwrap().clone()
}

/// A row of numbers, NaN for null.
pub(crate) fn row(numbers: &Value) -> Vec<f32> {
    let number = |x: &Value| if x.is_null() { f32::NAN } else { x.to_string().parse().unwrap() };
    numbers.as_array().unwrap().iter().map(number).collect()
}

/// Rows of numbers, NaN for null.
pub(crate) fn matrix(rows: &Value) -> Array2<f32> {
    let rows: Vec<Vec<f32>> = rows.as_array().unwrap().iter().map(row).collect();
    let n_cols = rows.first().map_or(1, Vec::len);
    Array2::from_shape_vec((rows.len(), n_cols), rows.concat()).unwrap()
}

/// What was said and what is true.
pub(crate) fn pair(case: &Value) -> (Prediction, Reference) {
    let said = matrix(&case["said"]);
    let kind = if case["kind"] == "logits" { Scores::Logits } else { Scores::Probs };
    match case["task"].as_str().unwrap() {
        "class" => {
            let labels = case["truth"].as_array().unwrap().iter().map(|label| label.as_i64().unwrap()).collect();
            (Prediction::Class { scores: said, kind }, Reference::Class(labels))
        }
        "multi-label" => (Prediction::MultiLabel { scores: said, kind }, Reference::MultiLabel(matrix(&case["truth"]))),
        _ => (Prediction::Values { values: said }, Reference::Values(matrix(&case["truth"]))),
    }
}

/// A metric by its name, in any spelling.
pub(crate) fn build(name: &str) -> Box<dyn AnyMetric> {
    mtl_metrics::build(name).unwrap_or_else(|e| panic!("{e}"))
}

/// Every expected value of a file of head metrics, against ours; how many cases each metric had.
pub(crate) fn check(file: &str) -> BTreeMap<String, usize> {
    let mut n_checked = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in read(file) {
        let (prediction, reference) = pair(&case);
        let weights = case.get("weights").map(row);
        for (name, want) in case["expected"].as_object().unwrap() {
            let mut metric = build(name);
            assert!(MetricRegistry::ours().same(metric.name(), name), "{name} became {}", metric.name());
            let mut batch = MetricBatch::new(&prediction, &reference);
            if let Some(weights) = &weights {
                batch = batch.with_weights(weights);
            }
            match metric.update_batch(&batch) {
                Ok(()) => {}
                Err(e) => {
                    wrong.push(format!("{}: {name}: {e}", case["name"]));
                    continue;
                }
            }
            let found = metric.compute();
            let same = match (found.value, want.as_f64()) {
                (Some(found), Some(want)) => (found - want).abs() <= 1e-12 * want.abs().max(1.0),
                (None, None) => found.undefined.is_some(),
                _ => false,
            };
            if !same {
                wrong.push(format!("{}: {name}: {found:?} against {want}", case["name"]));
            }
            *n_checked.entry(name.clone()).or_default() += 1;
        }
    }
    assert!(wrong.is_empty(), "{file}: {} differ\n{}", wrong.len(), wrong.join("\n"));
    n_checked
}
