//! Labeled sequences and answers score as seqeval, MS-TCN's rules, mir_eval and the SQuAD and MLQA rules score them
//! (`golden/make_tags.py` says how the cases were made).

use std::path::Path;

use mtl_metrics::{
    Metric, MetricValue,
    tags::{
        AnswerLanguage, AnswerMeasure, BoundaryF, Scheme, SegmentalEdit, SegmentalF1, SpanAverage, SpanMeasure,
        SpanMode, SpanScore, Squad, TagAccuracy, TagPairs, TagSet,
    },
    text::TextPairs,
};
use serde_json::Value;

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tags.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn classes(value: &Value) -> Vec<i64> {
    list(value).iter().map(|x| x.as_i64().unwrap()).collect()
}

fn same(found: &MetricValue, want: &Value, context: &str) {
    match want.as_f64() {
        Some(want) => {
            let value = found.value.unwrap_or_else(|| panic!("{context}: {found:?} against {want}"));
            assert!((value - want).abs() <= 1e-12, "{context}: {value} against {want}");
        }
        None => assert!(found.value.is_none() && found.undefined.is_some(), "{context}: {found:?}"),
    }
}

fn value<M: Metric>(metric: &M, batch: &M::Batch<'_>) -> (M::State, MetricValue) {
    let mut state = M::State::default();
    metric.update(&mut state, batch).unwrap();
    let value = metric.compute(&state);
    (state, value)
}

#[test]
fn spans_as_seqeval() {
    let golden = golden();
    assert!(list(&golden["spans"]).len() >= 40);
    for case in list(&golden["spans"]) {
        let names: Vec<&str> = list(&case["tags"]).iter().map(|tag| tag.as_str().unwrap()).collect();
        let scheme: Scheme = serde_json::from_value(case["scheme"].clone()).unwrap();
        let tags = TagSet::new(&names, scheme).unwrap();
        let said: Vec<Vec<i64>> = list(&case["said"]).iter().map(classes).collect();
        let truth: Vec<Vec<i64>> = list(&case["truth"]).iter().map(classes).collect();
        let pairs = TagPairs::new(&said, &truth).unwrap();
        same(&value(&TagAccuracy, &pairs).1, &case["accuracy"], case["name"].as_str().unwrap());
        for (mode, key) in [(SpanMode::Conll, "conll"), (SpanMode::Strict, "strict")] {
            let want = &case[key];
            let score = |measure, average| SpanScore::new(tags.clone(), mode, measure, average);
            let measures = [SpanMeasure::Precision, SpanMeasure::Recall, SpanMeasure::F1];
            for (idx, measure) in measures.into_iter().enumerate() {
                for (average, key) in [(SpanAverage::Micro, "micro"), (SpanAverage::Macro, "macro")] {
                    let metric = score(measure, average);
                    let context = format!("{}, {}", case["name"], metric.name());
                    same(&value(&metric, &pairs).1, &want[key][idx], &context);
                }
            }
            let weighted = score(SpanMeasure::F1, SpanAverage::Weighted);
            let (counts, found) = value(&weighted, &pairs);
            same(&found, &want["weighted_f1"], &format!("{}, {}", case["name"], weighted.name()));
            // seqeval lists the types that occur, by name.
            let mut report = weighted.report(&counts);
            report.retain(|entry| entry.f1.is_ok());
            report.sort_by(|a, b| a.name.cmp(&b.name));
            let support: Vec<u64> = report.iter().map(|entry| entry.counts.truth).collect();
            assert_eq!(serde_json::json!(support), want["support"], "{}", case["name"]);
            for (entry, want) in report.iter().zip(list(&want["f1"])) {
                assert!((entry.f1.as_ref().unwrap() - want.as_f64().unwrap()).abs() <= 1e-12, "{}", case["name"]);
            }
        }
    }
}

#[test]
fn segments_by_the_rules() {
    let golden = golden();
    assert!(list(&golden["segments"]).len() >= 40);
    for (idx, case) in list(&golden["segments"]).iter().enumerate() {
        let (said, truth) = ([classes(&case["said"])], [classes(&case["truth"])]);
        let (pairs, background) = (TagPairs::new(&said, &truth).unwrap(), case["background"].as_i64());
        for (percent, want) in [10, 25, 50, 75].into_iter().zip(list(&case["f1"])) {
            let (counts, _) = value(&SegmentalF1::new(percent, background).unwrap(), &pairs);
            assert_eq!(serde_json::json!([counts.said, counts.truth, counts.hits]), *want, "case {idx} at {percent}");
        }
        same(&value(&SegmentalEdit::new(background), &pairs).1, &case["edit"], &format!("edit, case {idx}"));
        for (tolerance, want) in [0, 1, 3].into_iter().zip(list(&case["boundary"])) {
            same(&value(&BoundaryF::new(tolerance), &pairs).1, want, &format!("boundary, case {idx}, {tolerance}"));
        }
    }
}

#[test]
fn answers_by_the_rules() {
    let golden = golden();
    assert!(list(&golden["answers"]).len() >= 40);
    for case in list(&golden["answers"]) {
        let said = [case["said"].as_str().unwrap()];
        let truth = [list(&case["truth"]).iter().map(|answer| answer.as_str().unwrap()).collect::<Vec<_>>()];
        let pairs = TextPairs::with_references(&said, &truth).unwrap();
        for (language, key) in [(AnswerLanguage::English, "english"), (AnswerLanguage::Chinese, "chinese")] {
            for (idx, measure) in [AnswerMeasure::ExactMatch, AnswerMeasure::F1].into_iter().enumerate() {
                let squad = Squad::new(measure, language);
                same(&value(&squad, &pairs).1, &case[key][idx], &format!("{} of {case}", squad.name()));
            }
        }
    }
}
