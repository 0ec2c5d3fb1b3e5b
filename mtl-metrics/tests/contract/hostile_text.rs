//! A hundred thousand mutated texts and as many mutated recordings: metrics refuse them in one line or give a number, and a
//! refused batch changes nothing.

use crate::drawing::{Random, survives};
use mtl_metrics::{
    Metric, Streaming,
    audio::{
        Allowed, CepstrumPairs, DiarizationErrorRate, Diarizations, ErrorRate, F0Rmse, JaccardErrorRate,
        MelCepstralDistortion, PitchPairs, Rate, SignalPairs, SignalRatio, Stoi, Turn, Unit,
    },
    text::{
        Bleu, BleuConfig, Chrf, ChrfConfig, DistinctN, Perplexity, Rouge, RougeKind, Smoothing, Ter, TerConfig,
        TextPairs, Tokenizer,
    },
};

const N: usize = 100_000;

/// Texts that mutations start from.
const TEXTS: [&str; 8] = [
    "The cat sat on the mat, e.g. at 3.14 (or 1,000.50).",
    "a b c d e f g h i j k l m n o p",
    "It's &quot;quoted&quot; &amp;lt; and <skipped> co-\noperation\nsecond line",
    "\u{6211}\u{4eec}\u{4eca}\u{5929}\u{53bb}\u{5317}\u{4eac}\u{3002}BLEU 3.5\u{5206}",
    "relational agreements were generalized hopefully; skies were dying",
    "\u{ab}1,5\u{20ac}\u{bb} \u{2014} x\u{b2}\u{2162} e\u{301} \u{1f600}\u{200d}\u{1f468}",
    "",
    "the the the the the the the the the the the the",
];

/// What mutations put in.
const PIECES: [&str; 12] =
    ["\0", "\u{85}", "\u{200b}", "\u{feff}", "\u{10ffff}", "\u{130}", "\u{1e9e}", "-\n", "&amp;", "\n\n", ".,.", "9-9"];

/// A text, cut, doubled, turned round and sown with what texts seldom hold.
fn text(random: &mut Random) -> String {
    let mut text: Vec<char> = TEXTS[random.below(TEXTS.len())].chars().collect();
    for _ in 0..random.below(5) {
        let at = random.below(text.len() + 1);
        match random.below(7) {
            0 => text.truncate(at),
            1 => text.insert(at, char::from_u32(random.below(0x11_0000) as u32).unwrap_or('\u{fffd}')),
            2 => text.insert(at, char::from(random.below(0x80) as u8)),
            3 => text.splice(at..at, PIECES[random.below(PIECES.len())].chars()).for_each(drop),
            4 => text.extend_from_within(at..text.len().min(at + 30)),
            5 => text[at..].reverse(),
            _ => drop(text.drain(at..text.len().min(at + 3))),
        }
    }
    text.into_iter().collect()
}

/// Metrics with what they have seen; each is started anew now and then.
struct Seen<M: Metric>(Vec<Streaming<M>>);

impl<M: Metric> Seen<M> {
    fn new(metrics: impl IntoIterator<Item = M>) -> Self {
        Self(metrics.into_iter().map(Streaming::new).collect())
    }

    fn feed<'a>(&mut self, random: &mut Random, batch: mtl_core::Result<M::Batch<'a>>) -> bool {
        let at = random.below(self.0.len());
        if random.below(50) == 0 {
            self.0[at].reset();
        }
        if let Err(e) = &batch {
            assert!(!e.to_string().contains('\n'), "one line: {e}");
        }
        survives(&mut self.0[at], batch)
    }
}

#[test]
fn mutated_texts_do_no_harm() {
    let random = &mut Random(3);
    let smoothings = [Smoothing::Exp, Smoothing::None, Smoothing::Floor(0.1), Smoothing::AddK(1.0)];
    let bleu = |(n, tokenizer): (usize, Tokenizer)| {
        let (smoothing, effective_order) = (smoothings[n % 4], n % 2 == 0);
        Bleu::new(BleuConfig { tokenizer, smoothing, effective_order, lowercase: n > 2, ..BleuConfig::default() })
    };
    let mut bleus = Seen::new(Tokenizer::ALL.into_iter().enumerate().map(|n| bleu(n).unwrap()));
    let plus = ChrfConfig { word_order: 2, lowercase: true, eps_smoothing: true, ..ChrfConfig::default() };
    let mut chrfs = Seen::new([ChrfConfig::default(), plus].map(|config| Chrf::new(config).unwrap()));
    let all = TerConfig { normalized: true, no_punct: true, asian_support: true, case_sensitive: false };
    let mut ters = Seen::new([TerConfig::default(), all].map(Ter::new));
    let kinds = [RougeKind::N(1), RougeKind::N(2), RougeKind::L, RougeKind::Lsum];
    let mut rouges =
        Seen::new(kinds.into_iter().flat_map(|kind| [Rouge::new(kind).unwrap(), Rouge::stemmed(kind).unwrap()]));
    let mut distinct = Seen::new(Tokenizer::ALL.map(|tokenizer| DistinctN::new(2, tokenizer).unwrap()));
    let mut perplexity = Seen::new([Perplexity]);
    let mut fed = [0_u32; 2];
    for case in 0..N {
        let hypotheses = random.list(1, text);
        let n = if random.below(40) == 0 { random.below(3) } else { 1 };
        let references = random.list(n, |random| {
            let n = if random.below(40) == 0 { 0 } else { 1 + random.below(2) };
            random.list(n, text)
        });
        let pairs = TextPairs::with_references(&hypotheses, &references);
        let accepted = match case % 6 {
            0 => bleus.feed(random, pairs),
            1 => chrfs.feed(random, pairs),
            2 => ters.feed(random, pairs),
            3 => rouges.feed(random, pairs),
            4 => distinct.feed(random, Ok(vec![hypotheses[0].as_str()])),
            _ => {
                let n = random.below(4);
                let numbers = random.list(n, |random| random.hostile(-9.0, 0.0));
                perplexity.feed(random, Ok(numbers.as_slice()))
            }
        };
        fed[usize::from(accepted)] += 1;
    }
    assert!(fed.iter().all(|&n| n > 1000), "refused and accepted: {fed:?}");
}

#[test]
fn mutated_recordings_do_no_harm() {
    let random = &mut Random(4);
    let rates = [Rate::Error, Rate::Match, Rate::Lost, Rate::Preserved];
    let mut errors = Seen::new(
        rates.into_iter().flat_map(|rate| [Unit::Words, Unit::Characters].map(|unit| ErrorRate::new(rate, unit))),
    );
    let mut ders = Seen::new([(0.0, false), (0.25, true)].map(|(c, skip)| DiarizationErrorRate::new(c, skip).unwrap()));
    let mut jers = Seen::new([JaccardErrorRate]);
    let allowed = [Allowed::Nothing, Allowed::Scale, Allowed::Filter];
    let mut ratios = Seen::new(allowed.into_iter().flat_map(|a| [false, true].map(|mean| SignalRatio::new(a, mean))));
    let mut stois = Seen::new([Stoi::default(), Stoi::extended()]);
    let mut cepstra = Seen::new([MelCepstralDistortion]);
    let mut pitches = Seen::new([F0Rmse]);
    // Samples of any size, once in two hundred one that is no number.
    let sample = |random: &mut Random| -> f32 {
        if random.below(200) == 0 {
            [f32::NAN, f32::INFINITY, f32::MAX, f32::MIN, 1e-45, 0.0][random.below(6)]
        } else {
            random.number(-1.0, 1.0) as f32
        }
    };
    let turns = |random: &mut Random| -> Vec<Turn> {
        let n = random.below(5);
        random.list(n, |random| {
            let start = random.hostile(0.0, 9.0);
            let end = start + random.hostile(0.0, 3.0);
            Turn { speaker: [0, 1, 2, u32::MAX][random.below(4)], start, end }
        })
    };
    let mut fed = [0_u32; 2];
    for case in 0..N {
        let accepted = match case % 7 {
            0 => {
                let (said, truth) = (random.list(1, text), random.list(1, text));
                errors.feed(random, TextPairs::new(&said, &truth))
            }
            1 => {
                let (said, truth) = ([turns(random)], [turns(random)]);
                ders.feed(random, Diarizations::new(&said, &truth))
            }
            2 => {
                let (said, truth) = ([turns(random)], [turns(random)]);
                jers.feed(random, Diarizations::new(&said, &truth))
            }
            3 => {
                let n = random.below(40);
                let (said, m) = (random.list(n, sample), random.length(n));
                let truth = random.list(m, sample);
                ratios.feed(random, SignalPairs::new(&[said], &[truth]))
            }
            4 => {
                // Long ones are dear and few: constant, of huge samples, silent, or noise that stops.
                let n = if random.below(60) == 0 { 4090 + random.below(20) } else { random.below(300) };
                let (volume, stop) = ([0.0, 1.0, f32::MAX, 1e-45][random.below(4)], random.below(n + 1));
                let constant = random.below(3) == 0;
                let signal = |random: &mut Random, len: usize| -> Vec<f32> {
                    let at =
                        |idx: usize, x: f32| if idx < stop { if constant { volume } else { x * volume } } else { 0.0 };
                    (0..len).map(|idx| at(idx, random.number(-1.0, 1.0) as f32)).collect()
                };
                let (said, m) = (signal(random, n), random.length(n));
                let truth = signal(random, m);
                stois.feed(random, SignalPairs::new(&[said], &[truth]))
            }
            5 => {
                let (n, m) = (3 * random.below(5), 3 * random.below(5));
                let (n, m) = (random.length(n), random.length(m));
                let (said, truth) = (random.list(n, sample), random.list(m, sample));
                let width = random.length(3);
                cepstra.feed(random, CepstrumPairs::new(&[said], &[truth], width))
            }
            _ => {
                let n = random.below(6);
                let (said, m) = (random.list(n, sample), random.length(n));
                let truth = random.list(m, sample);
                pitches.feed(random, PitchPairs::new(&said, &truth))
            }
        };
        fed[usize::from(accepted)] += 1;
    }
    assert!(fed.iter().all(|&n| n > 1000), "refused and accepted: {fed:?}");
}
