//! Rankings, clusters and fairness as scikit-learn, trec_eval, scipy and fairlearn have them
//! (`golden/make_ranking.py` says how the cases were made).

use std::path::Path;

use mtl_metrics::{
    Metric, MetricValue,
    cluster::{Agreement, Assignments},
    embedding::{Distance, EmbeddingRecall, Embeddings, LinearCka, Representations, Rsa},
    fairness::{CalibrationByGroup, Comparison, GroupParity, GroupedScores, Parity},
    ranking::{AtK, Coverage, Diversity, Gain, Ndcg, Novelty, RankedQueries, RankingAtK, RecommendedLists},
};
use serde_json::Value;

fn golden(family: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{family}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    // By way of text: the shortest decimal of an f32 is not its nearest f64.
    list(value).iter().map(|x| x.to_string().parse().unwrap()).collect()
}

fn integers<T: TryFrom<i64, Error: std::fmt::Debug>>(value: &Value) -> Vec<T> {
    list(value).iter().map(|x| T::try_from(x.as_i64().unwrap()).unwrap()).collect()
}

fn flags(value: &Value) -> Vec<bool> {
    list(value).iter().map(|x| x.as_bool().unwrap()).collect()
}

fn same(found: &MetricValue, want: &Value, context: &str) {
    match want.as_f64() {
        Some(want) => {
            let value = found.value.unwrap_or_else(|| panic!("{context}: {found:?} against {want}"));
            assert!((value - want).abs() <= 1e-12 * want.abs().max(1.0), "{context}: {value} against {want}");
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
fn ndcg_as_scikit_learn() {
    let golden = golden("ranking");
    assert!(list(&golden["ndcg"]).len() >= 40);
    for (idx, case) in list(&golden["ndcg"]).iter().enumerate() {
        let (scores, relevance, weights) =
            (floats(&case["scores"]), floats(&case["relevance"]), floats(&case["weights"]));
        let queries = RankedQueries::new(&scores, &relevance, &integers::<usize>(&case["lengths"])).unwrap();
        let queries = queries.weighted(&weights).unwrap();
        for (gain, key) in [(Gain::Linear, "linear"), (Gain::Exponential, "exponential")] {
            for (k, want) in list(&golden["ks"]).iter().zip(list(&case[key])) {
                let ndcg = Ndcg::new(k.as_u64().map(|k| k as usize), gain).unwrap();
                let (_, found) = value(&ndcg, &queries);
                same(&found, want, &format!("{}, case {idx}", ndcg.name()));
                assert_eq!(found.left_out, case["left_out"].as_u64().unwrap());
            }
        }
    }
}

#[test]
fn first_places_as_trec_eval() {
    let golden = golden("ranking");
    assert!(list(&golden["at_k"]).len() >= 40);
    for (idx, case) in list(&golden["at_k"]).iter().enumerate() {
        let (scores, relevance) = (floats(&case["scores"]), floats(&case["relevance"]));
        let queries = RankedQueries::new(&scores, &relevance, &integers::<usize>(&case["lengths"])).unwrap();
        let mut n = 0;
        for measure in AtK::ALL {
            for k in [None, Some(1), Some(3), Some(10)] {
                let metric = RankingAtK::new(measure, k).unwrap();
                if let Some(want) = case["expected"].get(metric.name()) {
                    same(&value(&metric, &queries).1, want, &format!("{}, case {idx}", metric.name()));
                    n += 1;
                }
            }
        }
        assert_eq!(n, 18 + 3, "r-precision comes up with every k");
    }
}

#[test]
fn catalogs_by_their_formulas() {
    let golden = golden("ranking");
    for (idx, case) in list(&golden["catalog"]).iter().enumerate() {
        let (k, d) = (case["k"].as_u64().unwrap() as usize, case["d"].as_u64().unwrap() as usize);
        let (items, known_by) = (floats(&case["items"]), integers::<u64>(&case["known_by"]));
        let lists: Vec<Vec<u32>> = list(&case["lists"]).iter().map(integers).collect();
        let lists = RecommendedLists::new(&lists);
        let context = format!("case {idx}");
        same(&value(&Coverage::new(k, known_by.len()).unwrap(), &lists).1, &case["coverage"], &context);
        same(&value(&Diversity::new(k, &items, d).unwrap(), &lists).1, &case["diversity"], &context);
        same(&value(&Novelty::new(k, &known_by, 50).unwrap(), &lists).1, &case["novelty"], &context);
    }
}

#[test]
fn partitions_as_scikit_learn() {
    let golden = golden("cluster");
    assert!(list(&golden["partitions"]).len() >= 40);
    for (idx, case) in list(&golden["partitions"]).iter().enumerate() {
        let (classes, clusters) = (integers::<i64>(&case["classes"]), integers::<i64>(&case["clusters"]));
        let batch = Assignments::new(&classes, &clusters).unwrap();
        for measure in Agreement::ALL {
            let context = format!("{}, case {idx}", measure.name());
            same(&value(&measure, &batch).1, &case["expected"][measure.name()], &context);
        }
    }
}

#[test]
fn embeddings_by_their_formulas() {
    let golden = golden("cluster");
    for (idx, case) in list(&golden["embeddings"]).iter().enumerate() {
        let (vectors, classes) = (floats(&case["vectors"]), integers::<i64>(&case["classes"]));
        let all = Embeddings::new(&vectors, &classes, case["d"].as_u64().unwrap() as usize).unwrap();
        let places: Vec<usize> = (0..classes.len()).collect();
        for (distance, key) in [(Distance::Cosine, "cosine"), (Distance::Euclidean, "euclidean")] {
            let recall = EmbeddingRecall::new(case["k"].as_u64().unwrap() as usize, distance, &all).unwrap();
            same(&value(&recall, &all.at(&places).unwrap()).1, &case[key], &format!("{key}, case {idx}"));
        }
    }
    for (idx, case) in list(&golden["ckas"]).iter().enumerate() {
        let (x, y) = (floats(&case["x"]), floats(&case["y"]));
        let (p, q) = (case["p"].as_u64().unwrap() as usize, case["q"].as_u64().unwrap() as usize);
        let batch = Representations::new(&x, p, &y, q).unwrap();
        same(&value(&LinearCka, &batch).1, &case["cka"], &format!("cka, case {idx}"));
        same(&value(&Rsa, &batch).1, &case["rsa"], &format!("rsa, case {idx}"));
    }
}

#[test]
fn parities_as_fairlearn() {
    let golden = golden("fairness");
    assert!(list(&golden["parity"]).iter().filter(|case| case["by_fairlearn"] == true).count() >= 20);
    for (idx, case) in list(&golden["parity"]).iter().enumerate() {
        let (said, truth, groups) = (floats(&case["said"]), flags(&case["truth"]), integers::<u64>(&case["groups"]));
        let weights = floats(&case["weights"]);
        let batch = GroupedScores::new(&said, &truth, &groups).unwrap().weighted(&weights).unwrap();
        for parity in [Parity::Demographic, Parity::EqualOpportunity, Parity::EqualizedOdds] {
            for comparison in [Comparison::Difference, Comparison::Ratio] {
                let metric = GroupParity::new(parity, comparison, 0.5).unwrap();
                let context = format!("{}, case {idx}", metric.name());
                same(&value(&metric, &batch).1, &case["expected"][metric.name()], &context);
            }
        }
    }
}

#[test]
fn calibration_by_its_formula() {
    let golden = golden("fairness");
    assert!(list(&golden["calibration"]).len() >= 40);
    for (idx, case) in list(&golden["calibration"]).iter().enumerate() {
        let (scores, truth, groups) =
            (floats(&case["scores"]), flags(&case["truth"]), integers::<u64>(&case["groups"]));
        let metric = CalibrationByGroup::new(case["n_bins"].as_u64().unwrap() as u16).unwrap();
        let (bins, worst) = value(&metric, &GroupedScores::new(&scores, &truth, &groups).unwrap());
        let errors: Vec<f64> = list(&case["errors"]).iter().map(|x| x.as_f64().unwrap()).collect();
        for ((_, found), want) in bins.report().iter().zip(&errors) {
            assert!((found.as_ref().unwrap() - want).abs() <= 1e-12, "case {idx}: {found:?} against {want}");
        }
        same(&worst, &serde_json::json!(errors.iter().copied().fold(0.0, f64::max)), &format!("case {idx}"));
    }
}
