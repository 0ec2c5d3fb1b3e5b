//! What every metric of forecasts and decisions promises: the laws of merging to the bit, the same bits at any number
//! of threads,
//! and an error, never a panic, for every bad input.

use crate::drawing::{Random, obeys, survives};
use mtl_metrics::{
    Streaming,
    decision::{
        Elo, Estimator, ExpertBatch, Games, Log, LogBatch, MakespanGap, Makespans, OffPolicyValue, Outcome, Regret,
        TopAction, ValuedBatch, WinRate,
    },
    laws::Tolerance,
    trajectory::{AdeOf, CollisionRate, Displacement, ForecastNll, Forecasts, GaussianForecasts, MissBy, Scene},
};
use proptest::prelude::*;

type Draw = fn(&mut Random, f64, f64) -> f64;

fn points(random: &mut Random, n: usize, draw: Draw) -> Vec<[f64; 2]> {
    random.list(n, |r| [draw(r, 0.0, 8.0), draw(r, 0.0, 8.0)])
}

fn game(random: &mut Random) -> (u64, u64, Outcome) {
    let outcome = [Outcome::Win, Outcome::Draw, Outcome::Loss][random.below(3)];
    let (a, b) = (random.below(4) as u64, random.below(4) as u64);
    (a, if a == b { 4 } else { b }, outcome)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn laws_hold_to_the_bit(seed in any::<u64>(), n in 0_usize..12) {
        let random = &mut Random(seed);
        let agents = random.list(n, |r| (points(r, 6, Random::number), points(r, 3, Random::number), r.number(0.1, 0.9)));
        let one = |i: usize| (&agents[i].0, [agents[i].2, 1.0 - agents[i].2], &agents[i].1);
        for metric in [
            Displacement::ade(1, AdeOf::Best).unwrap(),
            Displacement::ade(2, AdeOf::BestEnd).unwrap(),
            Displacement::fde(2).unwrap(),
            Displacement::miss_rate(2, 2.0, MissBy::End).unwrap(),
            Displacement::miss_rate(2, 2.0, MissBy::WorstPoint).unwrap(),
        ] {
            let feed = |seen: &mut Streaming<Displacement>, idx: &[usize]| {
                idx.iter().try_for_each(|&i| {
                    let (ways, probs, truth) = one(i);
                    seen.update_batch(&Forecasts::new(ways, &probs, truth, [1, 2, 3])?)
                })
            };
            obeys(metric, n, feed, random, Tolerance::Bits).unwrap();
        }
        let feed = |seen: &mut Streaming<ForecastNll>, idx: &[usize]| {
            idx.iter().try_for_each(|&i| {
                let (ways, probs, truth) = one(i);
                let forecasts = Forecasts::new(ways, &probs, truth, [1, 2, 3])?;
                seen.update_batch(&GaussianForecasts::new(forecasts, &[[1.0, 2.0, 0.3]; 6])?)
            })
        };
        obeys(ForecastNll, n, feed, random, Tolerance::Bits).unwrap();
        let feed = |seen: &mut Streaming<CollisionRate>, idx: &[usize]| {
            idx.iter().try_for_each(|&i| seen.update_batch(&Scene::new(&agents[i].0, 3)?))
        };
        obeys(CollisionRate::new(1.0, 2).unwrap(), n, feed, random, Tolerance::Bits).unwrap();

        let scores = random.list(n, |r| r.list(3, |r| r.number(0.0, 1.0)));
        let expert = random.list(n, |r| r.below(3));
        let join = |idx: &[usize]| idx.iter().flat_map(|&i| scores[i].clone()).collect::<Vec<f64>>();
        let feed = |seen: &mut Streaming<TopAction>, idx: &[usize]| {
            let expert: Vec<usize> = idx.iter().map(|&i| expert[i]).collect();
            seen.update_batch(&ExpertBatch::new(&join(idx), &expert, 3)?)
        };
        obeys(TopAction::new(2).unwrap(), n, feed, random, Tolerance::Bits).unwrap();
        let feed = |seen: &mut Streaming<Regret>, idx: &[usize]| {
            let values: Vec<f64> = join(idx).iter().map(|x| x.sin()).collect();
            seen.update_batch(&ValuedBatch::new(&join(idx), &values, 3)?)
        };
        obeys(Regret, n, feed, random, Tolerance::Bits).unwrap();
        for estimator in [Estimator::Ips, Estimator::Snips, Estimator::DoublyRobust] {
            let feed = |seen: &mut Streaming<OffPolicyValue>, idx: &[usize]| {
                let column = |k: usize| idx.iter().map(|&i| scores[i][k] * 0.5 + 0.25).collect::<Vec<f64>>();
                let (rewards, logged, policy) = (column(0), column(1), column(2));
                let log = Log { rewards: &rewards, logged: &logged, policy: &policy, model: Some((&policy, &logged)) };
                seen.update_batch(&LogBatch::new(log)?)
            };
            obeys(OffPolicyValue::new(estimator, 2.0).unwrap(), n, feed, random, Tolerance::Bits).unwrap();
        }
        let games = random.list(n, game);
        let some = |idx: &[usize]| idx.iter().map(|&i| games[i]).collect::<Vec<_>>();
        let feed = |seen: &mut Streaming<Elo>, idx: &[usize]| seen.update_batch(&Games::new(&some(idx))?);
        obeys(Elo { player: 0 }, n, feed, random, Tolerance::Bits).unwrap();
        let feed = |seen: &mut Streaming<WinRate>, idx: &[usize]| seen.update_batch(&Games::new(&some(idx))?);
        obeys(WinRate { player: 0 }, n, feed, random, Tolerance::Bits).unwrap();
        let feed = |seen: &mut Streaming<MakespanGap>, idx: &[usize]| {
            let column = |k: usize| idx.iter().map(|&i| scores[i][k] + 1.0).collect::<Vec<f64>>();
            seen.update_batch(&Makespans::new(&column(0), &column(1))?)
        };
        obeys(MakespanGap, n, feed, random, Tolerance::Bits).unwrap();
    }
}

#[test]
fn a_hundred_thousand_bad_inputs_do_no_harm() {
    let random = &mut Random(15);
    let mut fed = [[0_u32; 2]; 8];
    let mut count = |kind: usize, ok: bool| fed[kind][usize::from(ok)] += 1;
    let mut ade = Streaming::new(Displacement::ade(2, AdeOf::BestEnd).unwrap());
    let (mut nll, mut collision) = (Streaming::new(ForecastNll), Streaming::new(CollisionRate::new(1.0, 1).unwrap()));
    let (mut top, mut regret) = (Streaming::new(TopAction::new(1).unwrap()), Streaming::new(Regret));
    let mut value = Streaming::new(OffPolicyValue::new(Estimator::Snips, f64::INFINITY).unwrap());
    let (mut elo, mut gap) = (Streaming::new(Elo { player: 1 }), Streaming::new(MakespanGap));
    for case in 0..12_500 {
        let [n, k, t] = [random.below(3), random.below(3), random.below(3)];
        let ways_len = random.length(n * k * t);
        let (ways, truth) = (points(random, ways_len, Random::hostile), points(random, n * t, Random::hostile));
        let probs = random.list(n * k, |r| if k == 1 { 1.0 } else { r.hostile(0.0, 1.0) });
        count(0, survives(&mut ade, Forecasts::new(&ways, &probs, &truth, [n, k, t])));
        let spreads = random.list(n * k * t, |r| [r.hostile(0.5, 1.0), r.hostile(0.5, 1.0), r.hostile(-0.9, 0.9)]);
        let mixed = Forecasts::new(&ways, &probs, &truth, [n, k, t]).and_then(|f| GaussianForecasts::new(f, &spreads));
        count(1, survives(&mut nll, mixed));
        count(2, survives(&mut collision, Scene::new(&ways, t)));
        let a = random.below(4);
        let scores_len = random.length(n * a);
        let scores = random.list(scores_len, |r| r.hostile(0.0, 1.0));
        let expert = random.list(n, |r| r.below(a + 1));
        count(3, survives(&mut top, ExpertBatch::new(&scores, &expert, a)));
        let values = random.list(n * a, |r| r.hostile(0.0, 1.0));
        count(4, survives(&mut regret, ValuedBatch::new(&scores, &values, a)));
        let list = |r: &mut Random| r.list(n, |r| r.hostile(0.05, 1.0));
        let (rewards, mut logged, policy) = (list(random), list(random), list(random));
        logged.truncate(random.length(n));
        count(
            5,
            survives(
                &mut value,
                LogBatch::new(Log { rewards: &rewards, logged: &logged, policy: &policy, model: None }),
            ),
        );
        let mut games = random.list(n, game);
        if let Some(first) = games.first_mut().filter(|_| case % 7 == 0) {
            first.1 = first.0;
        }
        count(6, survives(&mut elo, Games::new(&games)));
        count(7, survives(&mut gap, Makespans::new(&rewards, &logged)));
    }
    assert!(fed.iter().flatten().all(|&n| n > 300), "refused and accepted: {fed:?}");
}
