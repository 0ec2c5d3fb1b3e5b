//! Texts and transcripts score as sacreBLEU, rouge-score and jiwer score them (`golden/make_text.py` says how the cases
//! were made). Counts are equal, values to 1e-12; where ours is not defined on purpose the file holds null.

use std::path::Path;

use mtl_metrics::{
    Metric, MetricValue,
    audio::{Edit, ErrorRate, Rate, Unit},
    text::{Bleu, BleuConfig, Chrf, ChrfConfig, Rouge, RougeKind, Smoothing, Ter, TerConfig, TextPairs, porter_stem},
};
use serde_json::Value;

fn golden(family: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{family}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn strings(value: &Value) -> Vec<&str> {
    list(value).iter().map(|text| text.as_str().unwrap()).collect()
}

fn flag(settings: &Value, key: &str) -> bool {
    settings[key].as_bool().unwrap_or(false)
}

fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(|x| x.as_f64().unwrap()).collect()
}

fn near(found: f64, want: f64, context: &str) {
    assert!((found - want).abs() <= 1e-12 * want.abs().max(1.0), "{context}: {found} against {want}");
}

fn same(found: &MetricValue, want: &Value, context: &str) {
    match want.as_f64() {
        Some(want) => near(found.value.unwrap_or(f64::NAN), want, context),
        None => assert!(found.value.is_none() && found.undefined.is_some(), "{context}: {found:?}"),
    }
}

fn update<M: Metric>(metric: &M, batch: &M::Batch<'_>) -> M::State {
    let mut state = M::State::default();
    metric.update(&mut state, batch).unwrap();
    state
}

fn bleu(settings: &Value) -> Bleu {
    let value = |standard| settings["smooth_value"].as_f64().unwrap_or(standard);
    let smoothing = match settings["smooth_method"].as_str() {
        None | Some("exp") => Smoothing::Exp,
        Some("none") => Smoothing::None,
        Some("floor") => Smoothing::Floor(value(0.1)),
        Some("add-k") => Smoothing::AddK(value(1.0)),
        other => unreachable!("{other:?}"),
    };
    Bleu::new(BleuConfig {
        tokenizer: settings["tokenize"].as_str().unwrap_or("13a").parse().unwrap(),
        smoothing,
        max_order: settings["max_ngram_order"].as_u64().unwrap_or(4) as usize,
        lowercase: flag(settings, "lowercase"),
        effective_order: flag(settings, "effective_order"),
    })
    .unwrap()
}

fn chrf(settings: &Value) -> Chrf {
    Chrf::new(ChrfConfig {
        char_order: settings["char_order"].as_u64().unwrap_or(6) as usize,
        word_order: settings["word_order"].as_u64().unwrap_or(0) as usize,
        beta: settings["beta"].as_f64().unwrap_or(2.0),
        lowercase: flag(settings, "lowercase"),
        whitespace: flag(settings, "whitespace"),
        eps_smoothing: flag(settings, "eps_smoothing"),
    })
    .unwrap()
}

/// Every case with its texts; there are at least 40, for every metric and setting.
fn each_case(golden: &Value, mut check: impl FnMut(&Value, &TextPairs<'_>)) {
    assert!(list(&golden["cases"]).len() >= 40);
    for case in list(&golden["cases"]) {
        let hypotheses = strings(&case["hypotheses"]);
        let references: Vec<Vec<&str>> = list(&case["references"]).iter().map(strings).collect();
        check(case, &TextPairs::with_references(&hypotheses, &references).unwrap());
    }
}

#[test]
fn bleu_as_sacrebleu() {
    let golden = golden("text");
    each_case(&golden, |case, pairs| {
        for (settings, want) in list(&golden["bleus"]).iter().zip(list(&case["bleu"])) {
            let context = format!("{}, {settings}", case["name"]);
            let bleu = bleu(settings);
            let counts = update(&bleu, pairs);
            assert_eq!(serde_json::json!(counts.matches()), want["matches"], "{context}");
            assert_eq!(serde_json::json!(counts.totals()), want["totals"], "{context}");
            same(&bleu.compute(&counts), &want["score"], &context);
            if let Ok(report) = bleu.report(&counts) {
                assert_eq!(serde_json::json!([report.hypothesis_len, report.reference_len]), want["lens"], "{context}");
                near(report.brevity_penalty, want["bp"].as_f64().unwrap(), &context);
                if counts.matches().iter().any(|&n| n > 0) {
                    // Without any match sacreBLEU stops before it smooths.
                    for (found, want) in report.precisions.iter().zip(numbers(&want["precisions"])) {
                        near(*found, want, &context);
                    }
                }
            }
        }
    });
}

#[test]
fn chrf_as_sacrebleu() {
    let golden = golden("text");
    each_case(&golden, |case, pairs| {
        for (settings, want) in list(&golden["chrfs"]).iter().zip(list(&case["chrf"])) {
            let chrf = chrf(settings);
            same(&chrf.compute(&update(&chrf, pairs)), &want["score"], &format!("{}, {settings}", case["name"]));
        }
    });
}

#[test]
fn ter_as_sacrebleu() {
    let golden = golden("text");
    each_case(&golden, |case, pairs| {
        for (settings, want) in list(&golden["ters"]).iter().zip(list(&case["ter"])) {
            let ter = Ter::new(TerConfig {
                normalized: flag(settings, "normalized"),
                no_punct: flag(settings, "no_punct"),
                asian_support: flag(settings, "asian_support"),
                case_sensitive: flag(settings, "case_sensitive"),
            });
            let (context, counts) = (format!("{}, {settings}", case["name"]), update(&ter, pairs));
            assert_eq!(counts.edits(), want["edits"].as_u64().unwrap(), "{context}");
            same(&ter.compute(&counts), &want["score"], &context);
        }
    });
}

#[test]
fn rouge_as_rouge_score() {
    let golden = golden("text");
    let kinds = [RougeKind::N(1), RougeKind::N(2), RougeKind::N(3), RougeKind::L, RougeKind::Lsum];
    each_case(&golden, |case, pairs| {
        type Make = fn(RougeKind) -> mtl_core::Result<Rouge>;
        let makers: [(&str, Make); 2] = [("rouge", Rouge::new), ("stemmed", Rouge::stemmed)];
        for (key, make) in makers {
            for ((kind, name), want) in kinds.into_iter().zip(list(&golden["rouges"])).zip(list(&case[key])) {
                let rouge = make(kind).unwrap();
                let scores = rouge.report(&update(&rouge, pairs)).unwrap();
                for (found, want) in [scores.precision, scores.recall, scores.f1].into_iter().zip(numbers(want)) {
                    near(found, want, &format!("{}, {key}, {name}", case["name"]));
                }
            }
        }
    });
}

#[test]
fn stems_as_nltk() {
    let golden = golden("text");
    assert!(list(&golden["stems"]).len() >= 600);
    let pairs: Vec<Vec<&str>> = list(&golden["stems"]).iter().map(strings).collect();
    let wrong: Vec<_> = pairs.iter().filter(|pair| porter_stem(pair[0]) != pair[1]).collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:?}", wrong.len(), pairs.len());
}

#[test]
fn transcripts_as_jiwer() {
    let golden = golden("speech");
    for case in list(&golden["cases"]) {
        let (hypotheses, references) = (strings(&case["hypotheses"]), strings(&case["references"]));
        let pairs = TextPairs::new(&hypotheses, &references).unwrap();
        for (unit, key) in [(Unit::Words, "words"), (Unit::Characters, "characters")] {
            let (want, context) = (&case[key], format!("{}, {key}", case["name"]));
            let counts = update(&ErrorRate::new(Rate::Error, unit), &pairs);
            let found = [counts.hits, counts.substitutions, counts.deletions, counts.insertions];
            assert_eq!(serde_json::json!(found), want["counts"], "{context}");
            let rates = [Rate::Error, Rate::Match, Rate::Lost, Rate::Preserved];
            for (rate, want) in rates.into_iter().zip(list(&want["values"])) {
                same(&ErrorRate::new(rate, unit).compute(&counts), want, &context);
            }
        }
        for ((hypothesis, reference), want) in hypotheses.iter().zip(&references).zip(strings(&case["alignments"])) {
            let letter = |edit: Edit| match edit {
                Edit::Hit => '=',
                Edit::Substitution => 's',
                Edit::Deletion => 'd',
                Edit::Insertion => 'i',
            };
            let edits = ErrorRate::new(Rate::Error, Unit::Words).align(hypothesis, reference);
            assert_eq!(edits.into_iter().map(letter).collect::<String>(), want, "{}", case["name"]);
        }
    }
    assert!(list(&golden["cases"]).len() >= 40);
}
