//! The statistics equal scipy's on the cases of `golden/stats.json` (`golden/make_stats_golden.py` says how it is made).
#![expect(clippy::unwrap_used, reason = "a test, helpers included")]

use std::path::Path;

use mtl_core::metric::Direction;
use mtl_metrics::stats::{Estimate, Friedman, StudentizedRange};
use serde_json::Value;

fn golden(part: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/stats.json");
    let whole: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    whole[part].as_array().unwrap().clone()
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn assert_near(found: f64, wanted: &Value, tolerance: f64, what: &str) {
    let wanted = wanted.as_f64().unwrap();
    assert!((found - wanted).abs() <= tolerance * wanted.abs().max(1e-3), "{what}: {found} against {wanted}");
}

#[test]
fn t_intervals() {
    let cases = golden("estimates");
    for case in &cases {
        let values = numbers(&case["values"]);
        let [low, high] = Estimate::new(&values, case["level"].as_f64().unwrap()).unwrap().interval.unwrap();
        let what = format!("n = {}, level {}", values.len(), case["level"]);
        assert_near(low, &case["low"], 1e-10, &what);
        assert_near(high, &case["high"], 1e-10, &what);
    }
    assert_eq!(cases.len(), 30);
}

#[test]
fn friedman() {
    let cases = golden("friedman");
    for case in &cases {
        let rows = case["scores"].as_array().unwrap().iter();
        let blocks: Vec<_> = rows.map(|row| (numbers(row), Direction::Maximize)).collect();
        let what = format!("{} blocks of {}", blocks.len(), blocks[0].0.len());
        let test = Friedman::new(&blocks).unwrap();
        for (found, wanted) in test.mean_ranks.iter().zip(case["mean_ranks"].as_array().unwrap()) {
            assert_near(*found, wanted, 1e-12, &what);
        }
        assert_near(test.chi2, &case["chi2"], 1e-10, &what);
        assert_near(test.chi2_p, &case["chi2_p"], 1e-9, &what);
        assert_near(test.f.unwrap(), &case["f"], 1e-10, &what);
        assert_near(test.f_p, &case["f_p"], 1e-9, &what);
    }
    assert_eq!(cases.len(), 8);
}

#[test]
fn studentized_ranges() {
    let cases = golden("ranges");
    for case in &cases {
        let range = StudentizedRange::new(case["k"].as_u64().unwrap().try_into().unwrap()).unwrap();
        let q = range.quantile(case["p"].as_f64().unwrap()).unwrap();
        assert_near(q, &case["q"], 1e-8, &format!("k = {}, p = {}", case["k"], case["p"]));
    }
    assert_eq!(cases.len(), 36);
}
