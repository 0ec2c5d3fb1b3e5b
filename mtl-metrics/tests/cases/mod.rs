//! Golden cases read from JSON, and every metric of heads by the name that it has there.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test, helpers included")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "settings in names are small")]
#![allow(dead_code, reason = "each test program uses its own part")]

pub(crate) mod draw;

use std::{collections::BTreeMap, path::Path};

use mtl_core::prediction::{Prediction, Reference, Scores};
use mtl_metrics::{
    AnyMetric, MetricBatch, Streaming,
    binary::{PrecisionAtRecall, RecallAtFpr, RecallAtPrecision},
    class::{Average, FBeta, Precision, Recall, TopK},
    multi_label::Enrichment,
    registry,
    regress::{AdjustedR2, Pinball, Tweedie},
};
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

fn boxed<M>(metric: M) -> Box<dyn AnyMetric>
where
    M: for<'a> mtl_metrics::Metric<Batch<'a> = MetricBatch<'a>>,
{
    Box::new(Streaming::new(metric))
}

/// A metric by its name: one of the registry, or one with other settings.
pub(crate) fn build(name: &str) -> Box<dyn AnyMetric> {
    if let Ok(id) = name.parse() {
        return registry::build(id).unwrap();
    }
    let number = |name: &str, prefix: &str| -> Option<f64> { name.strip_prefix(prefix)?.parse().ok() };
    for (word, average) in [("macro-", Average::Macro), ("micro-", Average::Micro), ("weighted-", Average::Weighted)] {
        match name.strip_prefix(word) {
            Some("precision") => return boxed(Precision { average }),
            Some("recall") => return boxed(Recall { average }),
            Some(f) => return boxed(FBeta::new(number(f, "f").unwrap(), average).unwrap()),
            None => {}
        }
    }
    let built = None
        .or_else(|| number(name, "recall@fpr=").map(|x| boxed(RecallAtFpr::new(x).unwrap())))
        .or_else(|| number(name, "precision@recall=").map(|x| boxed(PrecisionAtRecall::new(x).unwrap())))
        .or_else(|| number(name, "recall@precision=").map(|x| boxed(RecallAtPrecision::new(x).unwrap())))
        .or_else(|| number(name.trim_end_matches('%'), "ef@").map(|x| boxed(Enrichment::new(x).unwrap())))
        .or_else(|| number(name.trim_end_matches("-accuracy"), "top-").map(|k| boxed(TopK::new(k as usize).unwrap())))
        .or_else(|| number(name, "pinball@").map(|x| boxed(Pinball::new(x).unwrap())))
        .or_else(|| number(name, "tweedie-deviance@").map(|x| boxed(Tweedie::new(x).unwrap())))
        .or_else(|| number(name, "adjusted-r2@").map(|x| boxed(AdjustedR2::new(x as u32))))
        .or_else(|| (name == "gamma-deviance").then(|| boxed(Tweedie::gamma())));
    built.unwrap_or_else(|| panic!("no metric is called {name}"))
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
            assert_eq!(metric.name(), name);
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
