//! What every metric with a batch of its own promises (texts, speech, tags, rankings, clusters, fairness): the laws of
//! merging to the bit, the same bits at any number of threads, and an error or a number, never a panic, for every input.

use mtl_core::Result;
use mtl_metrics::{
    Metric, Streaming,
    audio::{
        Allowed, CepstrumPairs, DiarizationErrorRate, Diarizations, ErrorRate, F0Rmse, JaccardErrorRate,
        MelCepstralDistortion, PitchPairs, Rate, SignalPairs, SignalRatio, Stoi, Turn, Unit,
    },
    cluster::{Agreement, Assignments},
    embedding::{Distance, EmbeddingRecall, Embeddings, LinearCka, Representations, Rsa},
    fairness::{CalibrationByGroup, Comparison, GroupParity, GroupedScores, Parity},
    laws,
    ranking::{AtK, Coverage, Diversity, Gain, Ndcg, Novelty, RankedQueries, RankingAtK, RecommendedLists},
    tags::{
        AnswerLanguage, AnswerMeasure, BoundaryF, Scheme, SegmentalEdit, SegmentalF1, SpanAverage, SpanMeasure,
        SpanMode, SpanScore, Squad, TagAccuracy, TagPairs, TagSet,
    },
    text::{
        Bleu, BleuConfig, Chrf, ChrfConfig, DistinctN, Perplexity, Rouge, RougeKind, Smoothing, Ter, TerConfig,
        TextPairs, Tokenizer,
    },
};
use proptest::prelude::*;

/// SplitMix64, so that a case is a number.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn number(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 22) as f32 - 2.0
    }

    fn numbers(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.number()).collect()
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 16] = [
            "a", "b ", " ", "the ", "3.5", ", ", "\u{4f60}", "\u{597d}", "\n", "-", "\u{e9}", "'s ", "&amp;", "x",
            "\u{3000}", ".",
        ];
        (0..self.below(24)).map(|_| PARTS[self.below(PARTS.len())]).collect()
    }
}

/// What a check does with a metric, its data set and how to feed rows of it.
trait Check {
    fn run<M: Metric>(&mut self, metric: M, n: usize, feed: impl Fn(&mut Streaming<M>, &[usize]) -> Result<()> + Sync);
}

fn pick<T: Clone>(items: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|&row| items[row].clone()).collect()
}

/// Runs a check over every metric on random data of `n` items.
fn each_metric(n: usize, random: &mut Random, check: &mut impl Check) {
    texts(n, random, check);
    speech(n, random, check);
    tags(n, random, check);
    rankings(n, random, check);
    clusters(n, random, check);
    fairness(n, random, check);
}

fn texts(n: usize, random: &mut Random, check: &mut impl Check) {
    let said: Vec<String> = (0..n).map(|_| random.text()).collect();
    let truth: Vec<Vec<String>> = (0..n).map(|_| (0..1 + random.below(3)).map(|_| random.text()).collect()).collect();
    macro_rules! pairs {
        ($metric:expr) => {
            check.run($metric, n, |metric, rows| {
                let (said, truth) = (pick(&said, rows), pick(&truth, rows));
                metric.update_batch(&TextPairs::with_references(&said, &truth)?)
            })
        };
    }
    for tokenizer in Tokenizer::ALL {
        pairs!(Bleu::new(BleuConfig { tokenizer, ..BleuConfig::default() }).unwrap());
    }
    for smoothing in [Smoothing::None, Smoothing::Floor(0.1), Smoothing::AddK(1.0)] {
        pairs!(
            Bleu::new(BleuConfig { smoothing, effective_order: true, lowercase: true, ..BleuConfig::default() })
                .unwrap()
        );
    }
    pairs!(Chrf::new(ChrfConfig::default()).unwrap());
    pairs!(Chrf::new(ChrfConfig { word_order: 2, eps_smoothing: true, ..ChrfConfig::default() }).unwrap());
    pairs!(Ter::new(TerConfig::default()));
    pairs!(Ter::new(TerConfig { normalized: true, no_punct: true, asian_support: true, case_sensitive: true }));
    for kind in [RougeKind::N(1), RougeKind::N(2), RougeKind::L, RougeKind::Lsum] {
        pairs!(Rouge::new(kind).unwrap());
        pairs!(Rouge::stemmed(kind).unwrap());
    }
    for measure in [AnswerMeasure::ExactMatch, AnswerMeasure::F1] {
        pairs!(Squad::new(measure, AnswerLanguage::English));
        pairs!(Squad::new(measure, AnswerLanguage::Chinese));
    }
    check.run(DistinctN::new(2, Tokenizer::V13a).unwrap(), n, |metric, rows| {
        let texts: Vec<&str> = rows.iter().map(|&row| said[row].as_str()).collect();
        metric.update_batch(&texts)
    });
    let log_probs: Vec<f64> = (0..n).map(|_| f64::from(random.number()).abs() * -3.0).collect();
    check.run(Perplexity, n, |metric, rows| metric.update_batch(&pick(&log_probs, rows).as_slice()));
}

fn speech(n: usize, random: &mut Random, check: &mut impl Check) {
    let said: Vec<String> = (0..n).map(|_| random.text()).collect();
    let truth: Vec<String> = (0..n).map(|_| random.text()).collect();
    for unit in [Unit::Words, Unit::Characters] {
        for rate in [Rate::Error, Rate::Match, Rate::Lost, Rate::Preserved] {
            check.run(ErrorRate::new(rate, unit), n, |metric, rows| {
                metric.update_batch(&TextPairs::new(&pick(&said, rows), &pick(&truth, rows))?)
            });
        }
    }
    let turns = |random: &mut Random| -> Vec<Turn> {
        let turn = |random: &mut Random| {
            let start = random.below(40) as f64 / 10.0;
            Turn { speaker: random.below(3) as u32, start, end: start + f64::from(random.number().abs()) }
        };
        (0..random.below(6)).map(|_| turn(random)).collect()
    };
    let said: Vec<Vec<Turn>> = (0..n).map(|_| turns(random)).collect();
    let truth: Vec<Vec<Turn>> = (0..n).map(|_| turns(random)).collect();
    macro_rules! recordings {
        ($metric:expr) => {
            check.run($metric, n, |metric, rows| {
                metric.update_batch(&Diarizations::new(&pick(&said, rows), &pick(&truth, rows))?)
            })
        };
    }
    recordings!(DiarizationErrorRate::new(0.0, false).unwrap());
    recordings!(DiarizationErrorRate::new(0.1, true).unwrap());
    recordings!(JaccardErrorRate);
    let lengths: Vec<usize> = (0..n).map(|_| random.below(20)).collect();
    let said: Vec<Vec<f32>> = lengths.iter().map(|&len| random.numbers(len)).collect();
    let truth: Vec<Vec<f32>> = lengths.iter().map(|&len| random.numbers(len)).collect();
    for allowed in [Allowed::Nothing, Allowed::Scale, Allowed::Filter] {
        check.run(SignalRatio::new(allowed, true), n, |metric, rows| {
            metric.update_batch(&SignalPairs::new(&pick(&said, rows), &pick(&truth, rows))?)
        });
    }
    // Few signals are long enough for a value.
    let lengths: Vec<usize> = (0..n).map(|idx| random.below(300) + if idx % 6 == 0 { 4100 } else { 0 }).collect();
    let said: Vec<Vec<f32>> = lengths.iter().map(|&len| random.numbers(len)).collect();
    let truth: Vec<Vec<f32>> = lengths.iter().map(|&len| random.numbers(len)).collect();
    for stoi in [Stoi::default(), Stoi::extended()] {
        check.run(stoi, n, |metric, rows| {
            metric.update_batch(&SignalPairs::new(&pick(&said, rows), &pick(&truth, rows))?)
        });
    }
    let mut frames = || -> Vec<Vec<f32>> {
        (0..n)
            .map(|_| {
                let len = 3 * (1 + random.below(4));
                random.numbers(len)
            })
            .collect()
    };
    let (said, truth) = (frames(), frames());
    check.run(MelCepstralDistortion, n, |metric, rows| {
        metric.update_batch(&CepstrumPairs::new(&pick(&said, rows), &pick(&truth, rows), 3)?)
    });
    let pitch = |random: &mut Random| if random.below(4) == 0 { 0.0 } else { 100.0 + 20.0 * random.number() };
    let said: Vec<f32> = (0..n).map(|_| pitch(random)).collect();
    let truth: Vec<f32> = (0..n).map(|_| pitch(random)).collect();
    check
        .run(F0Rmse, n, |metric, rows| metric.update_batch(&PitchPairs::new(&pick(&said, rows), &pick(&truth, rows))?));
}

fn tags(n: usize, random: &mut Random, check: &mut impl Check) {
    let lengths: Vec<usize> = (0..n).map(|_| random.below(12)).collect();
    let mut sequences = |missing: bool| -> Vec<Vec<i64>> {
        let class = |random: &mut Random| if missing && random.below(9) == 0 { -100 } else { random.below(5) as i64 };
        lengths.iter().map(|&len| (0..len).map(|_| class(random)).collect()).collect()
    };
    let (said, truth) = (sequences(false), sequences(true));
    macro_rules! pairs {
        ($metric:expr) => {
            check.run($metric, n, |metric, rows| {
                metric.update_batch(&TagPairs::new(&pick(&said, rows), &pick(&truth, rows))?)
            })
        };
    }
    for (scheme, last) in [(Scheme::Bio, "I-Y"), (Scheme::Iob1, "I-Y"), (Scheme::Bioes, "E-X")] {
        for mode in [SpanMode::Conll, SpanMode::Strict] {
            for average in [SpanAverage::Micro, SpanAverage::Macro, SpanAverage::Weighted] {
                for measure in [SpanMeasure::Precision, SpanMeasure::Recall, SpanMeasure::F1] {
                    let tags = TagSet::new(&["O", "B-X", "I-X", "B-Y", last], scheme).unwrap();
                    pairs!(SpanScore::new(tags, mode, measure, average));
                }
            }
        }
    }
    pairs!(TagAccuracy);
    pairs!(SegmentalF1::new(50, Some(0)).unwrap());
    pairs!(SegmentalEdit::new(None));
    pairs!(BoundaryF::new(1));
}

fn rankings(n: usize, random: &mut Random, check: &mut impl Check) {
    let lengths: Vec<usize> = (0..n).map(|_| random.below(9)).collect();
    let scores: Vec<Vec<f32>> =
        lengths.iter().map(|&len| random.numbers(len).into_iter().map(f32::round).collect()).collect();
    let relevance: Vec<Vec<f32>> =
        lengths.iter().map(|&len| (0..len).map(|_| random.below(3) as f32).collect()).collect();
    let weights: Vec<f32> = (0..n).map(|_| random.number().abs()).collect();
    macro_rules! queries {
        ($metric:expr) => {
            check.run($metric, n, |metric, rows| {
                let (scores, relevance) = (pick(&scores, rows).concat(), pick(&relevance, rows).concat());
                let weights = pick(&weights, rows);
                metric
                    .update_batch(&RankedQueries::new(&scores, &relevance, &pick(&lengths, rows))?.weighted(&weights)?)
            })
        };
    }
    for k in [None, Some(3)] {
        queries!(Ndcg::new(k, Gain::Linear).unwrap());
        queries!(Ndcg::new(k, Gain::Exponential).unwrap());
        for measure in AtK::ALL {
            queries!(RankingAtK::new(measure, k).unwrap());
        }
    }
    let lists: Vec<Vec<u32>> = lengths.iter().map(|&len| (0..len).map(|_| random.below(9) as u32).collect()).collect();
    macro_rules! lists {
        ($metric:expr) => {
            check.run($metric, n, |metric, rows| metric.update_batch(&RecommendedLists::new(&pick(&lists, rows))))
        };
    }
    lists!(Coverage::new(3, 9).unwrap());
    lists!(Diversity::new(3, &Random(5).numbers(18), 2).unwrap());
    lists!(Novelty::new(3, &[1, 2, 3, 4, 5, 6, 7, 8, 9], 9).unwrap());
}

fn clusters(n: usize, random: &mut Random, check: &mut impl Check) {
    let classes: Vec<i64> = (0..n).map(|_| random.below(3) as i64).collect();
    let clusters: Vec<i64> = (0..n).map(|_| random.below(4) as i64 - 2).collect();
    for measure in Agreement::ALL {
        check.run(measure, n, |metric, rows| {
            metric.update_batch(&Assignments::new(&pick(&classes, rows), &pick(&clusters, rows))?)
        });
    }
    let (gallery, kinds) = (Random(3).numbers(20), [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]);
    let gallery = Embeddings::new(&gallery, &kinds, 2).unwrap();
    let vectors: Vec<[f32; 2]> = (0..n).map(|_| [random.number(), random.number() + 3.0]).collect();
    for distance in [Distance::Cosine, Distance::Euclidean] {
        check.run(EmbeddingRecall::new(2, distance, &gallery).unwrap(), n, |metric, rows| {
            let vectors = pick(&vectors, rows).concat();
            metric.update_batch(&Embeddings::new(&vectors, &pick(&classes, rows), 2)?)
        });
    }
    check.run(LinearCka, n, |metric, rows| {
        let x = pick(&vectors, rows).concat();
        let y: Vec<f32> = rows.iter().map(|&row| classes[row] as f32).collect();
        metric.update_batch(&Representations::new(&x, 2, &y, 1)?)
    });
    check.run(Rsa, n, |metric, rows| {
        let x = pick(&vectors, rows).concat();
        let y: Vec<f32> =
            rows.iter().flat_map(|&row| [vectors[row][1], classes[row] as f32, vectors[row][0]]).collect();
        metric.update_batch(&Representations::new(&x, 2, &y, 3)?)
    });
}

fn fairness(n: usize, random: &mut Random, check: &mut impl Check) {
    let scores: Vec<f32> = (0..n).map(|_| random.below(11) as f32 / 10.0).collect();
    let truth: Vec<bool> = (0..n).map(|_| random.below(2) == 0).collect();
    let groups: Vec<u64> = (0..n).map(|_| random.below(3) as u64).collect();
    let weights: Vec<f32> = (0..n).map(|_| if random.below(2) == 0 { 1.0 } else { random.number().abs() }).collect();
    macro_rules! samples {
        ($metric:expr) => {
            check.run($metric, n, |metric, rows| {
                let (scores, truth, groups) = (pick(&scores, rows), pick(&truth, rows), pick(&groups, rows));
                let weights = pick(&weights, rows);
                metric.update_batch(&GroupedScores::new(&scores, &truth, &groups)?.weighted(&weights)?)
            })
        };
    }
    for parity in [Parity::Demographic, Parity::EqualOpportunity, Parity::EqualizedOdds] {
        for comparison in [Comparison::Difference, Comparison::Ratio] {
            samples!(GroupParity::new(parity, comparison, 0.5).unwrap());
        }
    }
    samples!(CalibrationByGroup::new(10).unwrap());
}

struct Laws {
    seed: u64,
}

impl Check for Laws {
    fn run<M: Metric>(&mut self, metric: M, n: usize, feed: impl Fn(&mut Streaming<M>, &[usize]) -> Result<()> + Sync) {
        let mut random = Random(self.seed);
        let mut order: Vec<usize> = (0..n).collect();
        (1..n).rev().for_each(|idx| order.swap(idx, random.below(idx + 1)));
        let mut cuts = [random.below(n + 1), random.below(n + 1), random.below(n + 1)];
        cuts.sort_unstable();
        let (lowest, highest) = metric.range();
        let fresh = Streaming::new(metric);
        laws::check_with(&fresh, n, &feed, &order, &cuts, laws::Tolerance::Bits).unwrap();
        let mut whole = fresh.clone();
        feed(&mut whole, &order).unwrap();
        if let Some(value) = whole.compute().value {
            let slack = 1e-9;
            assert!((lowest - slack..=highest + slack).contains(&value), "{}: {value} out of range", fresh.name());
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-+@=,".contains(c);
        assert!(!fresh.name().is_empty() && fresh.name().chars().all(allowed), "{}", fresh.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_laws_hold_to_the_bit(n in 0_usize..14, seed in any::<u64>()) {
        each_metric(n, &mut Random(seed), &mut Laws { seed });
    }
}

struct Threads(Vec<rayon::ThreadPool>);

impl Check for Threads {
    fn run<M: Metric>(&mut self, metric: M, n: usize, feed: impl Fn(&mut Streaming<M>, &[usize]) -> Result<()> + Sync) {
        let rows: Vec<usize> = (0..n).collect();
        let results = self.0.iter().map(|pool| {
            pool.install(|| {
                let mut metric = Streaming::new(metric.clone());
                feed(&mut metric, &rows).unwrap();
                (metric.state().unwrap(), metric.compute().value.map(f64::to_bits))
            })
        });
        let results: Vec<_> = results.collect();
        assert!(results.windows(2).all(|w| w[0] == w[1]), "{}", metric.name());
    }
}

#[test]
fn threads_do_not_matter() {
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    each_metric(700, &mut Random(11), &mut Threads(vec![pool(1), pool(2), pool(4)]));
}

/// Feeds rows in any order, some many times, and mutated bytes to states; counts what it did.
struct Hostile {
    seed: u64,
    n_tried: u64,
}

impl Check for Hostile {
    fn run<M: Metric>(&mut self, metric: M, n: usize, feed: impl Fn(&mut Streaming<M>, &[usize]) -> Result<()> + Sync) {
        let mut random = Random(self.seed);
        let mut streaming = Streaming::new(metric);
        let rows: Vec<usize> = (0..n).map(|_| random.below(n)).collect();
        feed(&mut streaming, &rows).unwrap();
        let bytes = streaming.state().unwrap();
        for _ in 0..40 {
            let mut mutated = bytes.clone();
            for _ in 0..1 + random.below(3) {
                let at = random.below(mutated.len());
                match random.below(3) {
                    0 => mutated[at] = random.next() as u8,
                    1 => mutated.truncate(at.max(1)),
                    _ => mutated.insert(at, random.next() as u8),
                }
            }
            // Either refused, or a state like any other.
            let mut other = streaming.clone();
            let before = other.state().unwrap();
            if other.load_state(&mutated).is_ok() {
                let value = other.compute();
                assert!(value.value.is_none_or(f64::is_finite) && value.value.is_some() != value.undefined.is_some());
                let _ = other.merge(&streaming).map(|()| other.compute());
            } else {
                assert_eq!(other.state().unwrap(), before, "a refused state changes nothing");
            }
            self.n_tried += 1;
        }
    }
}

#[test]
fn mutated_states_are_refused_or_sound() {
    let (mut seed, mut n_tried) = (0, 0);
    while n_tried < 70_000 {
        seed += 1;
        let mut hostile = Hostile { seed, n_tried: 0 };
        each_metric(1 + seed as usize % 7, &mut Random(seed), &mut hostile);
        n_tried += hostile.n_tried;
    }
}

#[test]
fn mutated_inputs_are_refused_or_sound() {
    // Numbers that break sums, lengths that do not fit, classes that do not exist, characters from everywhere.
    const BAD: [f32; 10] =
        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 0.0, -0.0, 1.0, f32::MAX, f32::MIN_POSITIVE, 1e-45];
    const CLASSES: [i64; 8] = [-100, -1, 0, 1, 4, 5, i64::MAX, i64::MIN];
    fn sound<M: Metric>(metric: &M, batch: Result<M::Batch<'_>>) {
        let mut state = M::State::default();
        let Ok(batch) = batch else { return };
        if metric.update(&mut state, &batch).is_err() {
            assert_eq!(state, M::State::default(), "{}: a refused batch changes nothing", metric.name());
        }
        let value = metric.compute(&state);
        assert!(value.value.is_none_or(f64::is_finite) && value.value.is_some() != value.undefined.is_some());
    }
    let mut random = Random(2);
    let tags = TagSet::new(&["O", "B-X", "I-X", "B-Y", "I-Y"], Scheme::Bio).unwrap();
    for _ in 0..1500 {
        let n = random.below(5);
        let mut floats = |len: usize| -> Vec<f32> {
            (0..len)
                .map(|_| if random.below(3) == 0 { BAD[random.below(BAD.len())] } else { random.number().abs() / 4.0 })
                .collect()
        };
        let (a, b, c) = (floats(n), floats(n), floats(n));
        let off = usize::from(random.below(6) == 0);
        let classes: Vec<i64> = (0..n + off).map(|_| CLASSES[random.below(CLASSES.len())]).collect();
        let said: Vec<i64> = (0..n).map(|_| random.below(5) as i64).collect();
        let any_char = |random: &mut Random| {
            let code = if random.below(2) == 0 { random.below(0x80) } else { random.below(0x11_0000) };
            char::from_u32(code as u32).unwrap_or('\u{fffd}')
        };
        let text: String = (0..random.below(12)).map(|_| any_char(&mut random)).collect();
        let other: String = (0..random.below(12)).map(|_| any_char(&mut random)).collect();
        let (one, two) = ([text.as_str()], [other.as_str()]);

        for tokenizer in Tokenizer::ALL {
            sound(&Bleu::new(BleuConfig { tokenizer, ..BleuConfig::default() }).unwrap(), TextPairs::new(&one, &two));
        }
        sound(&Chrf::new(ChrfConfig { word_order: 2, ..ChrfConfig::default() }).unwrap(), TextPairs::new(&one, &two));
        let all = TerConfig { normalized: true, no_punct: true, asian_support: true, case_sensitive: false };
        sound(&Ter::new(all), TextPairs::new(&one, &two));
        sound(&Rouge::new(RougeKind::Lsum).unwrap(), TextPairs::new(&one, &two));
        sound(&Squad::new(AnswerMeasure::F1, AnswerLanguage::Chinese), TextPairs::new(&one, &two));
        sound(&ErrorRate::new(Rate::Lost, Unit::Characters), TextPairs::new(&one, &two));
        let log_probs: Vec<f64> = a.iter().map(|&x| -f64::from(x)).collect();
        sound(&Perplexity, Ok(log_probs.as_slice()));
        sound(
            &SpanScore::new(tags.clone(), SpanMode::Strict, SpanMeasure::F1, SpanAverage::Macro),
            TagPairs::new(std::slice::from_ref(&said), std::slice::from_ref(&classes)),
        );
        let reversed = [classes.clone()];
        sound(&SegmentalF1::new(1, Some(-1)).unwrap(), TagPairs::new(&reversed, &reversed));
        let queries = RankedQueries::new(&a, &b, &[n / 2, n + off - n / 2]);
        for metric in AtK::ALL {
            sound(&RankingAtK::new(metric, Some(2)).unwrap(), queries.as_ref().map_err(copy).cloned());
        }
        sound(
            &Ndcg::new(None, Gain::Exponential).unwrap(),
            queries.as_ref().map_err(copy).cloned().and_then(|q| q.weighted(&c)),
        );
        let items: Vec<u32> = classes.iter().map(|&c| c.unsigned_abs().try_into().unwrap_or(u32::MAX)).collect();
        sound(&Coverage::new(2, 5).unwrap(), Ok(RecommendedLists::new(std::slice::from_ref(&items))));
        for measure in Agreement::ALL {
            sound(&measure, Assignments::new(&classes, &said));
        }
        sound(&LinearCka, Representations::new(&a, 1, &b, 1 + off));
        sound(&Rsa, Representations::new(&a, 1 + off, &b, 1 + off));
        let truth: Vec<bool> = said.iter().map(|&c| c > 1).collect();
        let parity = GroupParity::new(Parity::EqualizedOdds, Comparison::Ratio, 0.5).unwrap();
        sound(
            &parity,
            GroupedScores::new(&a, &truth, &items[..n].iter().map(|&item| u64::from(item)).collect::<Vec<_>>())
                .and_then(|samples| samples.weighted(&b)),
        );
        for allowed in [Allowed::Nothing, Allowed::Scale, Allowed::Filter] {
            sound(
                &SignalRatio::new(allowed, false),
                SignalPairs::new(std::slice::from_ref(&a), std::slice::from_ref(&b)),
            );
        }
        sound(&MelCepstralDistortion, CepstrumPairs::new(std::slice::from_ref(&a), std::slice::from_ref(&b), 2));
        sound(&F0Rmse, PitchPairs::new(&a, &b));
        let turns: Vec<Turn> =
            a.iter().zip(&b).map(|(&x, &y)| Turn { speaker: 0, start: f64::from(x), end: f64::from(y) }).collect();
        sound(&JaccardErrorRate, Diarizations::new(std::slice::from_ref(&turns), std::slice::from_ref(&turns)));
    }
}

/// A copy of an error, as far as this test looks at it.
fn copy(error: &mtl_core::Error) -> mtl_core::Error {
    assert!(!error.to_string().contains('\n'), "one line: {error}");
    mtl_core::Error::State { what: "copy".into(), reason: error.to_string() }
}
