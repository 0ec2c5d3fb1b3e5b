//! The statistics equal those of scipy and statsmodels on the cases of `golden/stats.json`; `golden/make_stats_golden.py` says
//! how it is made.

use std::path::Path;

use mtl_core::metric::Direction;
use mtl_metrics::{
    OrReason,
    stats::{
        Alternative, ApproximateRandomization, Basis, Bootstrap, Delong, DelongTest, Draws, Estimate, FiveByTwo,
        Friedman, Holm, Interval, McNemar, SignFlip, StudentizedRange, Units, Wilcoxon, WilcoxonMethod,
    },
};
use serde_json::Value;

const ALTERNATIVES: [Alternative; 3] = [Alternative::TwoSided, Alternative::Greater, Alternative::Less];
/// What differs is rounding, and the last digits of the distributions.
const CLOSE: f64 = 1e-12;

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

fn float32(list: &Value) -> Vec<f32> {
    list.as_array().unwrap().iter().map(|x| x.to_string().parse().unwrap()).collect()
}

fn integers(list: &Value) -> Vec<u64> {
    list.as_array().unwrap().iter().map(|x| x.as_u64().unwrap()).collect()
}

/// Equal, or undefined where the reference has nothing.
#[track_caller]
fn assert_same(found: &OrReason<f64>, wanted: &Value, what: &str) {
    match found {
        Ok(found) => assert_near(*found, wanted, CLOSE, what),
        Err(reason) => assert!(wanted.is_null(), "{what}: {reason}, where {wanted} is wanted"),
    }
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

#[test]
fn delong() {
    let cases = golden("delong");
    for (idx, case) in cases.iter().enumerate() {
        let labels: Vec<bool> = integers(&case["labels"]).iter().map(|label| *label == 1).collect();
        let (ours, theirs) = (float32(&case["ours"]), float32(&case["theirs"]));
        let what = format!("case {idx}, n = {}", labels.len());
        let one = Delong::new(&labels, &ours, case["level"].as_f64().unwrap()).unwrap();
        assert_same(&one.auroc, &case["auroc"], &what);
        assert_same(&one.variance, &case["variance"], &what);
        // Without variance the reference has an interval of no width, we have none.
        let end = |which: usize| one.interval.clone().map(|ends| ends[which]);
        assert_same(&end(0), &case["interval"][0], &what);
        assert_same(&end(1), &case["interval"][1], &what);
        for (which, alternative) in ALTERNATIVES.into_iter().enumerate() {
            let test = DelongTest::new(&labels, &ours, &theirs, alternative).unwrap();
            assert_same(&test.variance, &case["between"], &what);
            assert_same(&test.z, &case["z"], &what);
            assert_same(&test.p, &case["p"][which], &what);
        }
    }
    assert_eq!(cases.len(), 51);
}

#[test]
fn mcnemar() {
    let cases = golden("mcnemar");
    for case in &cases {
        let [b, c] = ["b", "c"].map(|field| case[field].as_u64().unwrap());
        let test = McNemar::new(b, c);
        assert_eq!(test.basis == Basis::Exact, case["exact"].as_bool().unwrap());
        assert_near(test.statistic, &case["statistic"], CLOSE, &format!("{b} {c}"));
        if b + c == 0 {
            // statsmodels: nobody disagrees, p = 1. Nothing was observed, so we have none.
            assert!(test.p.is_err() && case["p"] == 1.0);
        } else {
            assert_same(&test.p, &case["p"], &format!("{b} {c}"));
        }
    }
    assert_eq!(cases.len(), 45);
}

#[test]
fn wilcoxon() {
    let cases = golden("wilcoxon");
    let (mut n_exact, mut n_normal) = (0, 0);
    for (idx, case) in cases.iter().enumerate() {
        let (ours, theirs) = (numbers(&case["ours"]), numbers(&case["theirs"]));
        for (which, alternative) in ALTERNATIVES.into_iter().enumerate() {
            let what = format!("case {idx}, n = {}, {alternative:?}", ours.len());
            let test = |method| Wilcoxon::new(&ours, &theirs, alternative, method).unwrap();
            let (found, normal) = (test(WilcoxonMethod::Auto), test(WilcoxonMethod::Normal));
            if found.basis == Basis::Exact {
                n_exact += 1;
            } else {
                n_normal += 1;
            }
            if found.n == 0 {
                // scipy has p = 1 for few pairs that are all equal, and nothing for many.
                assert!(
                    found.p.is_err() && normal.p.is_err() && (case["p"][which].is_null() || case["p"][which] == 1.0)
                );
                continue;
            }
            assert_near(found.rank_sum_above, &case["above"], CLOSE, &what);
            assert_same(&found.p, &case["p"][which], &what);
            assert_same(&normal.p, &case["normal"][which], &what);
        }
    }
    assert_eq!(cases.len(), 52);
    assert!(n_exact > 60 && n_normal > 30, "{n_exact} {n_normal}");
}

#[test]
fn sign_flips() {
    let cases = golden("sign_flip");
    for (idx, case) in cases.iter().enumerate() {
        let (ours, theirs) = (numbers(&case["ours"]), numbers(&case["theirs"]));
        for (which, alternative) in ALTERNATIVES.into_iter().enumerate() {
            let test = SignFlip::new(&ours, &theirs, alternative, Draws::default()).unwrap();
            let what = format!("case {idx}, n = {}, {alternative:?}", ours.len());
            assert_eq!(test.basis, Basis::Exact, "{what}");
            if ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() <= 0.0) {
                // scipy: p = 1.
                assert!(test.p.is_err() && (case["p"].is_null() || case["p"][which] == 1.0), "{what}");
            } else {
                assert_same(&test.p, &case["p"][which], &what);
            }
        }
    }
    assert_eq!(cases.len(), 48);
}

#[test]
fn holm() {
    let cases = golden("holm");
    for case in &cases {
        let found = Holm::new(&numbers(&case["p"])).unwrap().adjusted;
        let wanted = case["adjusted"].as_array().unwrap();
        assert_eq!(found.len(), wanted.len());
        for (found, wanted) in found.iter().zip(wanted) {
            assert_near(*found, wanted, CLOSE, &case["p"].to_string());
        }
    }
    assert_eq!(cases.len(), 50);
}

#[test]
fn five_by_two() {
    let cases = golden("five_by_two");
    for case in &cases {
        let [ours, theirs] =
            ["ours", "theirs"].map(|field| serde_json::from_value::<[[f64; 2]; 5]>(case[field].clone()).unwrap());
        for (which, alternative) in ALTERNATIVES.into_iter().enumerate() {
            let test = FiveByTwo::new(&ours, &theirs, alternative).unwrap();
            assert_same(&test.t, &case["t"], &case.to_string());
            assert_same(&test.p, &case["p"][which], &case.to_string());
        }
    }
    assert_eq!(cases.len(), 24);
}

#[test]
fn bootstrap_intervals_from_given_resamples() {
    let cases = golden("bootstrap");
    for (idx, case) in cases.iter().enumerate() {
        let (a, b) = (numbers(&case["a"]), numbers(&case["b"]));
        let units = Units::groups(&integers(&case["groups"]));
        let digits = |text: &Value| text.as_str().unwrap().bytes().map(|digit| u32::from(digit - b'0')).collect();
        let resamples: Vec<Vec<u32>> = case["resamples"].as_array().unwrap().iter().map(digits).collect();
        let is_auroc = case["kind"] == "auroc";
        let statistic = |counts: &[u32]| {
            let sum = |xs: &[f64]| counts.iter().zip(xs).map(|(c, x)| f64::from(*c) * x).sum::<f64>();
            let weighted = || counts.iter().zip(&a).zip(&b).map(|((c, a), b)| (f64::from(*c), *a, *b > 0.0));
            let (mut above, mut pairs) = (0.0, 0.0);
            for (c, p, _) in weighted().filter(|(.., positive)| *positive) {
                for (d, n, _) in weighted().filter(|(.., positive)| !*positive) {
                    above += c * d * (2.0 * f64::from(p > n) + f64::from(p >= n) - f64::from(p > n));
                    pairs += c * d;
                }
            }
            Ok(if is_auroc { above / (2.0 * pairs) } else { sum(&a) / sum(&b) })
        };
        for (interval, field) in [(Interval::Percentile, "percentile"), (Interval::Bca, "bca")] {
            let what = format!("case {idx}, {}, {field}", case["kind"]);
            let bootstrap = Bootstrap { interval, level: case["level"].as_f64().unwrap(), ..Bootstrap::default() };
            let found = bootstrap.run_given(&units, &resamples, statistic).unwrap();
            assert_same(&found.value, &case["value"], &what);
            assert_same(&found.standard_error, &case["standard_error"], &what);
            assert_same(&found.interval.clone().map(|ends| ends[0]), &case[field][0], &what);
            assert_same(&found.interval.map(|ends| ends[1]), &case[field][1], &what);
            if interval == Interval::Bca {
                assert_near(found.terms.unwrap().acceleration, &case["acceleration"], CLOSE, &what);
                // The doors for sums and for AUROC leave units out in ways of their own.
                let labels: Vec<bool> = b.iter().map(|b| *b > 0.0).collect();
                let scores: Vec<f32> = float32(&case["a"]);
                let door =
                    if is_auroc { bootstrap.auroc(&units, &labels, &scores) } else { bootstrap.ratio(&units, &a, &b) };
                assert_near(door.unwrap().terms.unwrap().acceleration, &case["acceleration"], CLOSE, &what);
            }
        }
    }
    assert_eq!(cases.len(), 27);
}

#[test]
fn random_exchanges_agree_with_all_of_them() {
    let cases = golden("randomization");
    let draws = Draws { n: 20_000, seed: 11 };
    for (idx, case) in cases.iter().enumerate() {
        let rows = |field: &str| serde_json::from_value::<Vec<[u64; 2]>>(case[field].clone()).unwrap();
        let (ours, theirs) = (rows("ours"), rows("theirs"));
        for (which, alternative) in ALTERNATIVES.into_iter().enumerate() {
            let wer = |&[edits, words]: &[u64; 2]| Ok(edits as f64 / words as f64);
            let test = ApproximateRandomization::new(&ours, &theirs, wer, alternative, draws).unwrap();
            let what = format!("case {idx}, {alternative:?}");
            for (found, wanted) in test.values.unwrap().iter().zip(case["values"].as_array().unwrap()) {
                assert_near(*found, wanted, CLOSE, &what);
            }
            let (found, exact) = (test.p.unwrap(), case["p"][which].as_f64().unwrap());
            // Five standard deviations of a share of the draws, and the one that is added.
            let slack = 5.0 * (exact * (1.0 - exact) / 20_000.0).sqrt() + 1e-4;
            assert!((found - exact).abs() <= slack, "{what}: {found} against {exact}");
        }
    }
    assert_eq!(cases.len(), 12);
}
