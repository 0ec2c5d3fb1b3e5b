//! What every statistic keeps to: the same bits at any number of threads and in any order of samples, answers that turn round
//! when two systems change places, p-values in (0, 1], and no panic on any input.

use std::fmt::Debug;

use crate::cases::draw::Random;
use mtl_core::Result;
use mtl_metrics::{
    OrReason, Streaming,
    audio::{ErrorRate, Rate, Unit},
    stats::{
        Alternative, ApproximateRandomization, Bootstrap, BootstrapInterval, Delong, DelongTest, Draws, FiveByTwo,
        Holm, Interval, McNemar, Resampling, SignFlip, Units, Wilcoxon, WilcoxonMethod,
    },
    text::TextPairs,
};
use proptest::prelude::*;

const ALTERNATIVES: [Alternative; 3] = [Alternative::TwoSided, Alternative::Greater, Alternative::Less];

/// The same in pools of one, two and four threads.
fn at_any_thread_count<T: PartialEq + Debug + Send>(run: impl Fn() -> T + Sync) -> T {
    let [one, two, four] = [1, 2, 4].map(|n| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(&run)
    });
    assert_eq!(one, two);
    assert_eq!(one, four);
    one
}

fn wer(&[edits, words]: &[u64; 2]) -> OrReason<f64> {
    if words == 0 { Err("no word".to_owned()) } else { Ok(edits as f64 / words as f64) }
}

/// Numbers of a few sizes, many of them equal.
fn score() -> impl Strategy<Value = f64> {
    prop_oneof![(-8_i32..9).prop_map(|x| f64::from(x) / 4.0), -2.0..2.0_f64]
}

fn pairs(n: std::ops::Range<usize>) -> impl Strategy<Value = (Vec<f64>, Vec<f64>)> {
    prop::collection::vec((score(), score()), n).prop_map(|pairs| pairs.into_iter().unzip())
}

fn labelled() -> impl Strategy<Value = (Vec<bool>, Vec<f32>, Vec<f32>, Vec<u64>)> {
    let sample = (any::<bool>(), -4_i32..5, -40_i32..41, 0_u64..6);
    prop::collection::vec(sample, 0..40).prop_map(|samples| {
        let labels = samples.iter().map(|sample| sample.0).collect();
        let ours = samples.iter().map(|sample| sample.1 as f32 / 2.0).collect();
        let theirs = samples.iter().map(|sample| sample.2 as f32 / 8.0).collect();
        (labels, ours, theirs, samples.iter().map(|sample| sample.3).collect())
    })
}

fn in_range(p: &OrReason<f64>) -> bool {
    match p {
        Ok(p) => *p > 0.0 && *p <= 1.0,
        Err(reason) => !reason.is_empty() && !reason.contains('\n'),
    }
}

#[test]
fn the_same_bits_at_any_thread_count() {
    let random = &mut Random(4);
    let n = 90;
    let mut numbers = || (0..n).map(|_| f64::from(random.number())).collect::<Vec<f64>>();
    let (a, b) = (numbers(), numbers());
    let words: Vec<f64> = b.iter().map(|x| 3.0 + x.abs().floor()).collect();
    let labels: Vec<bool> = b.iter().map(|x| *x > 0.5).collect();
    let scores: Vec<f32> = a.iter().zip(&b).map(|(a, b)| (a + b) as f32).collect();
    let groups: Vec<u64> = (0..n as u64).map(|idx| idx % 23).collect();
    let ones = |xs: &[f64]| xs.iter().map(|x| [(x.abs() * 3.0) as u64, 9]).collect::<Vec<[u64; 2]>>();
    let draws = Draws { n: 3000, seed: 6 };
    for resampling in [Resampling::Multinomial, Resampling::Poisson] {
        for (units, interval) in [(Units::samples(n), Interval::Bca), (Units::groups(&groups), Interval::Percentile)] {
            let bootstrap = Bootstrap { draws, resampling, interval, level: 0.9 };
            let found = at_any_thread_count(|| {
                [
                    bootstrap.ratio(&units, &a, &words).unwrap(),
                    bootstrap.auroc(&units, &labels, &scores).unwrap(),
                    bootstrap.run(&units, |counts| Ok(f64::from(counts[3]) - f64::from(counts[8]))).unwrap(),
                ]
            });
            assert!(found.iter().all(|found| found.interval.is_ok()), "{found:?}");
        }
    }
    for alternative in ALTERNATIVES {
        let p = at_any_thread_count(|| SignFlip::new(&a, &b, alternative, draws).unwrap().p);
        assert!(in_range(&p));
        let p = at_any_thread_count(|| {
            ApproximateRandomization::new(&ones(&a), &ones(&b), wer, alternative, draws).unwrap().p
        });
        assert!(in_range(&p) && p.is_ok());
    }
}

#[test]
fn seeds_matter() {
    let (a, ones) = ((0..50).map(|i| f64::from(i * i % 17)).collect::<Vec<_>>(), vec![1.0; 50]);
    let interval = |seed| {
        let bootstrap = Bootstrap { draws: Draws { n: 200, seed }, ..Bootstrap::default() };
        bootstrap.ratio(&Units::samples(50), &a, &ones).unwrap().interval.unwrap()
    };
    assert_eq!(interval(1), interval(1));
    assert_ne!(interval(1), interval(2));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn systems_that_change_places_turn_answers_round((a, b) in pairs(0..45)) {
        let draws = Draws { n: 200, seed: 3 };
        for alternative in ALTERNATIVES {
            let back = alternative.reversed();
            let (one, two) = (SignFlip::new(&a, &b, alternative, draws)?, SignFlip::new(&b, &a, back, draws)?);
            prop_assert!(one.p == two.p && in_range(&one.p), "{one:?} {two:?}");
            for method in [WilcoxonMethod::Auto, WilcoxonMethod::Exact, WilcoxonMethod::Normal] {
                let (one, two) = (Wilcoxon::new(&a, &b, alternative, method)?, Wilcoxon::new(&b, &a, back, method)?);
                prop_assert_eq!((one.rank_sum_above, one.n), (two.rank_sum_below, two.n));
                prop_assert!(close(&one.p, &two.p) && in_range(&one.p), "{one:?} {two:?}");
            }
            let counts = |xs: &[f64]| xs.iter().map(|x| [(x.abs() * 2.0) as u64, 7]).collect::<Vec<[u64; 2]>>();
            let randomized = |a: &[f64], b: &[f64], alternative| {
                ApproximateRandomization::new(&counts(a), &counts(b), wer, alternative, draws)
            };
            let (one, two) = (randomized(&a, &b, alternative)?, randomized(&b, &a, back)?);
            prop_assert!(one.p == two.p && in_range(&one.p), "{one:?} {two:?}");
        }
        let right = |xs: &[f64]| xs.iter().map(|x| *x > 0.0).collect::<Vec<_>>();
        let (one, two) = (McNemar::of_samples(&right(&a), &right(&b))?, McNemar::of_samples(&right(&b), &right(&a))?);
        prop_assert!(one.p == two.p && one.only_ours == two.only_theirs && in_range(&one.p));
    }

    #[test]
    fn the_order_of_pairs_does_not_matter((a, b) in pairs(1..28), turn in 0_usize..28) {
        let rotated = |xs: &[f64]| {
            let mut xs = xs.to_vec();
            let by = turn % xs.len();
            xs.rotate_left(by);
            xs
        };
        for alternative in ALTERNATIVES {
            let flip = |a: &[f64], b: &[f64]| SignFlip::new(a, b, alternative, Draws::default()).unwrap().p;
            prop_assert_eq!(flip(&a, &b), flip(&rotated(&a), &rotated(&b)));
            let rank = |a: &[f64], b: &[f64]| Wilcoxon::new(a, b, alternative, WilcoxonMethod::Auto).unwrap().p;
            prop_assert!(close(&rank(&a, &b), &rank(&rotated(&a), &rotated(&b))));
        }
    }

    #[test]
    fn aurocs((labels, ours, theirs, groups) in labelled()) {
        let one = Delong::new(&labels, &ours, 0.95)?;
        if let (Ok(area), Ok([low, high])) = (&one.auroc, &one.interval) {
            prop_assert!(low <= area && area <= high && (0.0..=1.0).contains(low) && (0.0..=1.0).contains(high));
        }
        // To the bit in any order of samples.
        let back = |xs: &[f32]| xs.iter().rev().copied().collect::<Vec<_>>();
        let labels_back: Vec<bool> = labels.iter().rev().copied().collect();
        prop_assert_eq!(&one, &Delong::new(&labels_back, &back(&ours), 0.95)?);
        for alternative in ALTERNATIVES {
            let (there, here) = (
                DelongTest::new(&labels, &ours, &theirs, alternative)?,
                DelongTest::new(&labels_back, &back(&theirs), &back(&ours), alternative.reversed())?,
            );
            prop_assert!(there.p == here.p && there.variance == here.variance && in_range(&there.p));
        }
        // One class for the other and scores upside down is the same question.
        let (other, negated): (Vec<bool>, Vec<f32>) = labels.iter().zip(&ours).map(|(y, s)| (!y, -s)).unzip();
        let flipped = Delong::new(&other, &negated, 0.95)?;
        prop_assert_eq!(flipped.auroc.ok(), one.auroc.clone().ok());
        // The bootstrap says the same of the data, whatever its units.
        let bootstrap = Bootstrap { draws: Draws { n: 100, seed: 2 }, ..Bootstrap::default() };
        for units in [Units::samples(labels.len()), Units::groups(&groups)] {
            let found = bootstrap.auroc(&units, &labels, &ours)?;
            prop_assert_eq!(found.value.clone().ok(), one.auroc.clone().ok());
            prop_assert!(sound(&found) && found.interval.as_ref().is_ok_and(|[low, high]| *low >= 0.0 && *high <= 1.0)
                || found.interval.is_err());
        }
        // Samples of a group in another order: the same groups, the same bits.
        let groups_back: Vec<u64> = groups.iter().rev().copied().collect();
        prop_assert_eq!(
            bootstrap.auroc(&Units::groups(&groups), &labels, &ours)?,
            bootstrap.auroc(&Units::groups(&groups_back), &labels_back, &back(&ours))?
        );
    }

    #[test]
    fn the_percentile_interval_of_a_symmetric_mean_holds_it(half in prop::collection::vec(0.1..3.0_f64, 4..30)) {
        let values: Vec<f64> = half.iter().flat_map(|x| [5.0 + x, 5.0 - x]).collect();
        let bootstrap = Bootstrap { interval: Interval::Percentile, draws: Draws { n: 400, seed: 1 }, ..Bootstrap::default() };
        let found = bootstrap.ratio(&Units::samples(values.len()), &values, &vec![1.0; values.len()])?;
        let [low, high] = found.interval.clone().unwrap();
        prop_assert!(low < 5.0 && 5.0 < high && sound(&found), "{found:?}");
        // A wider level holds the narrower one, and scale and place carry over.
        let wide = Bootstrap { level: 0.99, ..bootstrap.clone() };
        let [lower, higher] = wide.ratio(&Units::samples(values.len()), &values, &vec![1.0; values.len()])?.interval.unwrap();
        prop_assert!(lower <= low && high <= higher);
        let doubled: Vec<f64> = values.iter().map(|x| 2.0 * x).collect();
        let [twice_low, twice_high] =
            bootstrap.ratio(&Units::samples(values.len()), &doubled, &vec![1.0; values.len()])?.interval.unwrap();
        prop_assert_eq!([twice_low, twice_high], [2.0 * low, 2.0 * high]);
    }

    #[test]
    fn holm_lies_between_nothing_and_bonferroni(p in prop::collection::vec(0.0..=1.0_f64, 0..30), turn in 0_usize..30) {
        let holm = Holm::new(&p)?;
        let m = p.len() as f64;
        for ((p, adjusted), claimed) in p.iter().zip(&holm.adjusted).zip(holm.claims(0.05)?) {
            prop_assert!(p <= adjusted && *adjusted <= (m * p).min(1.0) + 1e-15 && claimed == (*adjusted <= 0.05));
        }
        let mut rotated = p.clone();
        rotated.rotate_left(turn.min(p.len()));
        let mut wanted = holm.adjusted;
        wanted.rotate_left(turn.min(p.len()));
        prop_assert_eq!(Holm::new(&rotated)?.adjusted, wanted);
    }

    #[test]
    fn five_by_two_turns_round(scores in prop::collection::vec(score(), 20)) {
        let rows = |xs: &[f64]| -> [[f64; 2]; 5] { std::array::from_fn(|i| [xs[2 * i], xs[2 * i + 1]]) };
        let (a, b) = (rows(&scores[..10]), rows(&scores[10..]));
        for alternative in ALTERNATIVES {
            let (one, two) = (FiveByTwo::new(&a, &b, alternative)?, FiveByTwo::new(&b, &a, alternative.reversed())?);
            prop_assert!(one.p == two.p && in_range(&one.p) && one.mean_difference == -two.mean_difference);
        }
    }
}

fn close(a: &OrReason<f64>, b: &OrReason<f64>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => (a - b).abs() <= 1e-14 * a.max(1e-3),
        (a, b) => a == b,
    }
}

/// Finite numbers, ends in order, and a count of what was left out that adds up.
fn sound(found: &BootstrapInterval) -> bool {
    let ends = found.interval.as_ref().is_ok_and(|[low, high]| low.is_finite() && high.is_finite() && low <= high);
    let error = found.standard_error.as_ref().is_ok_and(|error| error.is_finite() && *error >= 0.0);
    (ends || found.interval.is_err())
        && (error || found.standard_error.is_err())
        && found.value.as_ref().is_ok_and(|value| value.is_finite()) == found.value.is_ok()
        && found.left_out <= found.resamples
}

#[test]
fn hostile_input_does_no_harm() {
    let odd =
        [f64::NAN, f64::INFINITY, -f64::INFINITY, f64::MAX, -f64::MAX, 1e100, -1e100, 0.0, -0.0, 1e-320, 1.0, -1.0];
    let random = &mut Random(17);
    let (mut n_refused, mut n_undefined, mut n_taken) = (0_u32, 0_u32, 0_u32);
    let mut outcome = |result: Result<Vec<OrReason<f64>>>| match result {
        Err(e) => {
            n_refused += 1;
            let text = e.to_string();
            assert!(!text.contains('\n') && text.contains(": "), "{text}");
        }
        Ok(values) => {
            for value in values {
                match value {
                    Ok(value) => {
                        n_taken += 1;
                        assert!(value.is_finite());
                    }
                    Err(reason) => {
                        n_undefined += 1;
                        assert!(!reason.is_empty() && !reason.contains('\n'));
                    }
                }
            }
        }
    };
    let ends = |interval: OrReason<[f64; 2]>| match interval {
        Ok([low, high]) => vec![Ok(low), Ok(high)],
        Err(reason) => vec![Err(reason)],
    };
    for round in 0..24_000 {
        let n = [0, 1, 2, 3, 5, 8, 33][random.below(7)];
        // Half of the rounds only ties and zeros, so that what is undefined is met; a few lengths that disagree.
        let tame = random.below(2) == 0;
        let mut list = |len: usize| -> Vec<f64> {
            let len = if random.below(15) == 0 { len + 1 } else { len };
            let number = |random: &mut Random| match random.below(if tame { 60 } else { 12 }) {
                0 => odd[random.below(odd.len())],
                1..=5 => random.below(3) as f64,
                _ => f64::from(random.number()),
            };
            (0..len).map(|_| number(random)).collect()
        };
        let (a, b, scores) = (list(n), list(n), list(n));
        let (levels, p_values) = (list(1), list(n).iter().map(|x| x.abs() / 4.0).collect::<Vec<_>>());
        let counts =
            |xs: &[f64]| xs.iter().map(|x| [(x.abs() * 1e18) as u64, x.abs() as u64]).collect::<Vec<[u64; 2]>>();
        let labels: Vec<bool> = b.iter().map(|x| *x > 0.0).collect();
        let single = |xs: &[f64]| xs.iter().map(|x| *x as f32).collect::<Vec<f32>>();
        let level = levels.first().map_or(0.0, |x| x.abs());
        let ids: Vec<u64> = b.iter().map(|x| x.to_bits() % 7).collect();
        let alternative = ALTERNATIVES[random.below(3)];
        let method = [WilcoxonMethod::Auto, WilcoxonMethod::Exact, WilcoxonMethod::Normal][random.below(3)];
        let draws = Draws { n: random.below(9), seed: round };
        outcome(SignFlip::new(&a, &b, alternative, draws).map(|test| vec![test.mean_difference, test.p]));
        outcome(Wilcoxon::new(&a, &b, alternative, method).map(|test| vec![test.p]));
        outcome(McNemar::of_samples(&labels, &a.iter().map(|x| *x > 0.0).collect::<Vec<_>>()).map(|test| vec![test.p]));
        outcome(Holm::new(&p_values).and_then(|holm| {
            holm.claims(level)?;
            Ok(holm.adjusted.into_iter().map(Ok).collect())
        }));
        outcome(
            Delong::new(&labels, &single(&scores), level)
                .map(|delong| [vec![delong.auroc, delong.variance], ends(delong.interval)].concat()),
        );
        outcome(
            DelongTest::new(&labels, &single(&scores), &single(&a), alternative)
                .map(|test| vec![test.variance, test.z, test.p]),
        );
        let fold = |xs: &[f64]| -> [[f64; 2]; 5] {
            std::array::from_fn(|i| std::array::from_fn(|j| xs.get(2 * i + j).copied().unwrap_or(0.25)))
        };
        outcome(
            FiveByTwo::new(&fold(&a), &fold(&b), alternative)
                .map(|test| vec![Ok(test.mean_difference), test.t, test.p]),
        );
        let randomized = ApproximateRandomization::new(&counts(&a), &counts(&b), wer, alternative, draws);
        outcome(randomized.map(|test| vec![test.p]));
        // Mostly as large as the list; drawn rarely, since each takes 100 resamples.
        if round % 8 == 0 {
            let units = if round % 16 == 0 { Units::samples(n) } else { Units::groups(&ids) };
            let resampling = if random.below(2) == 0 { Resampling::Multinomial } else { Resampling::Poisson };
            let interval = if random.below(2) == 0 { Interval::Bca } else { Interval::Percentile };
            let n_draws = if random.below(10) == 0 { random.below(100) } else { 100 };
            let level = if tame { 0.9 } else { level };
            let bootstrap = Bootstrap { draws: Draws { n: n_draws, seed: round }, resampling, interval, level };
            let mut add = |found: Result<BootstrapInterval>| {
                outcome(found.map(|found| {
                    assert!(sound(&found), "{found:?}");
                    [vec![found.value, found.standard_error], ends(found.interval)].concat()
                }));
            };
            add(bootstrap.ratio(&units, &a, &b));
            add(bootstrap.auroc(&units, &labels, &single(&scores)));
            add(bootstrap
                .run(&units, |drawn| a.get(drawn.len() / 2).copied().ok_or_else(|| "nothing there".to_owned())));
            let given: Vec<Vec<u32>> =
                (0..random.below(4)).map(|i| vec![1; if i == 2 { n + 1 } else { units.len() }]).collect();
            add(bootstrap.run_given(&units, &given, |drawn| Ok(drawn.iter().map(|c| f64::from(*c)).sum())));
        }
    }
    assert!(n_refused > 20_000 && n_undefined > 20_000 && n_taken > 50_000, "{n_refused} {n_undefined} {n_taken}");
}

#[test]
fn states_take_part() {
    let metric = |said: &str, meant: &str| {
        let mut metric = Streaming::new(ErrorRate::new(Rate::Error, Unit::Words));
        metric.update_batch(&TextPairs::new(&[said], &[meant]).unwrap()).unwrap();
        metric
    };
    let meant = ["a b c d", "e f", "g h i", "j k l m n", "o p", "q r s", "t u v w", "x y z"];
    let ours: Vec<_> =
        meant.iter().enumerate().map(|(i, meant)| metric(&meant[..meant.len() - 2 * (i % 2)], meant)).collect();
    let theirs: Vec<_> = meant.iter().map(|meant| metric(&meant[..1], meant)).collect();
    let found = at_any_thread_count(|| Bootstrap::default().states(&ours).unwrap());
    let [low, high] = found.interval.unwrap();
    assert!(low < 4.0 / 26.0 && 4.0 / 26.0 < high && found.value == Ok(4.0 / 26.0), "{low} {high}");
    let draws = Draws { n: 2000, seed: 1 };
    let test =
        at_any_thread_count(|| ApproximateRandomization::of_states(&ours, &theirs, Alternative::Less, draws).unwrap());
    let back = ApproximateRandomization::of_states(&theirs, &ours, Alternative::Greater, draws).unwrap();
    assert!(test.p == back.p && test.p.unwrap() < 0.02);
}
