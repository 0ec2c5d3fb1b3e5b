//! Reading of golden files.

use mtl_metrics::MetricValue;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A file's text, parsed.
pub(crate) fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A field as any type; panics name the case.
pub(crate) fn get<T: DeserializeOwned>(case: &Value, field: &str) -> T {
    serde_json::from_value(case[field].clone()).unwrap_or_else(|e| panic!("{field} of {}: {e}", case["name"]))
}

/// Equal within a relative tolerance, or undefined where the reference is.
#[track_caller]
pub(crate) fn same(found: &MetricValue, want: Option<f64>, tolerance: f64, context: &str) {
    match (found.value, want) {
        (Some(value), Some(want)) => {
            assert!((value - want).abs() <= tolerance * want.abs().max(1.0), "{context}: {value} against {want}");
        }
        (None, None) => assert!(found.undefined.is_some(), "{context}"),
        _ => panic!("{context}: {found:?} against {want:?}"),
    }
}
