//! Metrics of forecasts and decisions equal numpy, scipy and scikit-learn: `golden/make_trajectory.py`.

use crate::reading::{get, parse, same};
use mtl_metrics::{
    Metric, MetricValue, Streaming,
    decision::{
        Elo, Estimator, ExpertBatch, Games, Log, LogBatch, MakespanGap, Makespans, OffPolicyValue, Outcome, Regret,
        TopAction, ValuedBatch, WinRate,
    },
    trajectory::{AdeOf, CollisionRate, Displacement, ForecastNll, Forecasts, GaussianForecasts, MissBy, Scene},
};
use serde_json::Value;

fn golden() -> Value {
    parse(include_str!("trajectory.json"))
}

fn value<M: Metric>(metric: M, batch: &M::Batch<'_>) -> MetricValue {
    let mut metric = Streaming::new(metric);
    metric.update_batch(batch).unwrap();
    metric.compute()
}

#[test]
fn forecasts_are_equal() {
    let golden = golden();
    let cases = golden["forecasts"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let (ways, truth): (Vec<[f64; 2]>, Vec<[f64; 2]>) = (get(case, "ways"), get(case, "truth"));
        let probs: Vec<f64> = get(case, "probs");
        let shape: [usize; 3] = get(case, "shape");
        let batch = Forecasts::new(&ways, &probs, &truth, shape).unwrap();
        for k in [1, 3] {
            for metric in [
                Displacement::ade(k, AdeOf::Best).unwrap(),
                Displacement::ade(k, AdeOf::BestEnd).unwrap(),
                Displacement::fde(k).unwrap(),
                Displacement::miss_rate(k, 2.0, MissBy::End).unwrap(),
                Displacement::miss_rate(k, 2.0, MissBy::WorstPoint).unwrap(),
            ] {
                let name = metric.name().to_owned();
                same(
                    &value(metric, &batch),
                    get(&case["values"], &name),
                    1e-12,
                    &format!("{name} of {}", case["name"]),
                );
            }
        }
        let spreads: Vec<[f64; 3]> = get(case, "spreads");
        let nll = value(ForecastNll, &GaussianForecasts::new(batch, &spreads).unwrap());
        same(&nll, get(&case["values"], "forecast-nll"), 1e-12, &case["name"].to_string());
        let scene: Vec<[f64; 2]> = get(case, "scene");
        for steps in [0, 2] {
            let found = value(CollisionRate::new(0.7, steps).unwrap(), &Scene::new(&scene, shape[2]).unwrap());
            same(&found, get(&case["collision"], &steps.to_string()), 1e-12, &case["name"].to_string());
        }
    }
}

#[test]
fn actions_are_equal() {
    let golden = golden();
    let cases = golden["actions"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let scores: Vec<Option<f64>> = get(case, "scores");
        let scores: Vec<f64> = scores.into_iter().map(|x| x.unwrap_or(f64::NEG_INFINITY)).collect();
        let (expert, values): (Vec<usize>, Vec<f64>) = (get(case, "expert"), get(case, "values"));
        let a = get(case, "a");
        for (k, want) in case["top"].as_object().unwrap() {
            let metric = TopAction::new(k.parse().unwrap()).unwrap();
            let found = value(metric, &ExpertBatch::new(&scores, &expert, a).unwrap());
            same(&found, want.as_f64(), 1e-12, &case["name"].to_string());
        }
        let regret = value(Regret, &ValuedBatch::new(&scores, &values, a).unwrap());
        same(&regret, get(case, "regret"), 1e-12, &case["name"].to_string());
    }
}

#[test]
fn off_policy_values_are_equal() {
    let golden = golden();
    let cases = golden["logs"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let list = |field| -> Vec<f64> { get(case, field) };
        let (rewards, logged, policy) = (list("rewards"), list("logged"), list("policy"));
        let (taken, mean) = (list("taken"), list("mean"));
        let log = Log { rewards: &rewards, logged: &logged, policy: &policy, model: Some((&taken, &mean)) };
        let cap = get::<Option<f64>>(case, "cap").unwrap_or(f64::INFINITY);
        for estimator in [Estimator::Ips, Estimator::Snips, Estimator::DoublyRobust] {
            let metric = OffPolicyValue::new(estimator, cap).unwrap();
            let mut streaming = Streaming::new(metric);
            streaming.update_batch(&LogBatch::new(log).unwrap()).unwrap();
            let estimate = metric.estimate(streaming.remembered());
            let [want, error]: [Option<f64>; 2] = get(&case["values"], metric.name());
            let context = format!("{} of {}", metric.name(), case["name"]);
            same(&estimate.value, want, 1e-12, &context);
            // Squares cancel: the root of 1e-16 of them is left.
            let near = |found: Option<f64>, want: Option<f64>, tolerance: f64| match (found, want) {
                (Some(a), Some(b)) => (a - b).abs() <= tolerance * b.abs().max(1.0),
                (a, b) => a.is_some() == b.is_some(),
            };
            assert!(near(estimate.standard_error, error, 1e-8), "{context}: {:?} {error:?}", estimate.standard_error);
            assert!(near(estimate.effective_samples, get(case, "ess"), 1e-12), "{context}");
        }
    }
}

#[test]
fn ratings_are_equal() {
    let golden = golden();
    let cases = golden["games"].as_array().unwrap();
    assert!(cases.len() >= 40);
    let mut n_rated = 0;
    for case in cases {
        let outcome = |code: u64| [Outcome::Win, Outcome::Draw, Outcome::Loss][usize::try_from(code).unwrap()];
        let games: Vec<(u64, u64, u64)> = get(case, "games");
        let games: Vec<_> = games.into_iter().map(|(a, b, code)| (a, b, outcome(code))).collect();
        let players: Vec<u64> = get(case, "players");
        let elo = Elo { player: players[0] };
        let mut metric = Streaming::new(elo);
        metric.update_batch(&Games::new(&games).unwrap()).unwrap();
        let want: Option<Vec<(f64, f64)>> = get(case, "ratings");
        match (elo.ratings(metric.remembered(), 1.0), want) {
            (Ok(found), Some(want)) => {
                n_rated += 1;
                assert_eq!(found.iter().map(|(player, _)| *player).collect::<Vec<_>>(), players);
                for ((_, found), (rating, error)) in found.into_iter().zip(want) {
                    let context = format!("{}: {found:?} against {rating} +- {error}", case["name"]);
                    assert!((found.value - rating).abs() < 1e-7, "{context}");
                    assert!((found.high - found.value - error).abs() < 1e-6 * error.max(1.0), "{context}");
                }
            }
            (Err(reason), None) => assert!(reason.starts_with("no chain of points"), "{reason}"),
            (found, want) => panic!("{}: {found:?} against {want:?}", case["name"]),
        }
        let rate = WinRate { player: players[0] };
        same(&rate.compute(metric.remembered()), get(case, "rate"), 1e-12, &case["name"].to_string());
        let interval = rate.interval(metric.remembered(), 1.96).unwrap();
        let [low, high]: [f64; 2] = get(case, "wilson");
        assert!((interval.low - low).abs() < 1e-12 && (interval.high - high).abs() < 1e-12);
    }
    assert!(n_rated >= 15, "{n_rated} with ratings");
}

#[test]
fn gaps_are_equal() {
    let golden = golden();
    let cases = golden["makespans"].as_array().unwrap();
    assert!(cases.len() >= 40);
    for case in cases {
        let (said, best): (Vec<f64>, Vec<f64>) = (get(case, "said"), get(case, "best"));
        let found = value(MakespanGap, &Makespans::new(&said, &best).unwrap());
        same(&found, get(case, "gap"), 1e-12, "makespans");
    }
}
