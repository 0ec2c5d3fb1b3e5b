//! The decoder and its search against formulas by hand and against a search through everything.

use super::*;
use mtl_core::{
    answer::{Answer, Labels, numbered},
    features::{Features, Tokens, View},
    label_stats::{LabelStats, Numbers, Spread},
    params::ParamSet,
    task::TaskName,
};
use tch::Device;

const VOCABULARY: usize = 3;

fn head(config: &GruDecoderHeadConfig, stats: Option<&LabelStats>) -> Result<(ParamSet, GruDecoderHead)> {
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
    let (task, view, answer) =
        (TaskName::new("words")?, View::Tokens { width: 5 }, Answer::sequence(numbered(VOCABULARY)));
    let Answer::Sequence(sequence) = &answer else { panic!() };
    let place = HeadPlace::new(params.root(), &task, &view, &answer).with_labels(stats);
    let head = GruDecoderHead::new(place, sequence, config)?;
    // Differences of probabilities that a search can go wrong by.
    let _guard = tch::no_grad_guard();
    for param in params.params() {
        let _ = param.tensor().shallow_clone().g_mul_scalar_(3.0);
    }
    Ok((params, head))
}

fn small(beam: i64, length_normalization: f64, max_length: u32) -> GruDecoderHeadConfig {
    GruDecoderHeadConfig { width: 6, embedding: 4, beam, length_normalization, max_length, ..Default::default() }
}

fn features(b: i64, lengths: Option<&[i64]>) -> Features {
    let mut rng = mtl_core::rng::Rng::new(5);
    let numbers: Vec<f64> = (0..b * 4 * 5).map(|_| rng.normal()).collect();
    let xs = Tensor::from_slice(&numbers).view([b, 4, 5]);
    let pad_mask =
        lengths.map(|l| Tensor::arange(4, (Kind::Int64, Device::Cpu)).ge_tensor(&Tensor::from_slice(l).unsqueeze(1)));
    Features::Tokens(Tokens { xs, pad_mask, names: None })
}

fn target(lists: &[Vec<i64>]) -> Target {
    Target::new("words", &Answer::sequence(numbered(VOCABULARY)), &Labels::lists(lists)).unwrap()
}

/// `log p` of a whole sequence, its end included if it has one, by the loss of one sample.
fn log_p(head: &GruDecoderHead, out: &HeadOutput, row: i64, tokens: &[i64], ends: bool) -> f64 {
    let memory = Memory::of(out).unwrap();
    let one = Memory::of(&{
        let pick = |t: &Tensor| t.narrow(0, row, 1);
        let one = memory.into_output();
        let picked = HeadOutput::from(pick(one.main()));
        let picked = picked.with("tokens", pick(one.extra("tokens").unwrap()));
        picked.with("keys", pick(one.extra("keys").unwrap()))
    })
    .unwrap();
    let labels = Tensor::from_slice(tokens).view([1, -1]);
    let log_p = head.network.taught(&one, &labels, &Cx::new(Mode::Eval)).unwrap().log_softmax(-1, Kind::Double);
    let end = ends.then_some(VOCABULARY as i64);
    tokens.iter().copied().chain(end).enumerate().map(|(t, y)| log_p.double_value(&[0, t as i64, y])).sum()
}

fn answers(head: &GruDecoderHead, out: &HeadOutput) -> Labels {
    match head.decode(out).unwrap() {
        Prediction::Sequence { tokens } => tokens,
        other => panic!("{}", other.describe()),
    }
}

/// All sequences of at most `longest` tokens; those of `longest` without their end too.
fn all_sequences(longest: usize) -> Vec<(Vec<i64>, bool)> {
    let mut all = vec![Vec::new()];
    let mut found = vec![(Vec::new(), true)];
    for length in 1..=longest {
        all =
            all.iter().flat_map(|s: &Vec<i64>| (0..VOCABULARY as i64).map(|y| [s.clone(), vec![y]].concat())).collect();
        // The last token that fits may be the end, or a token.
        found.extend(all.iter().map(|s| (s.clone(), length < longest)));
    }
    found
}

#[test]
fn loss_and_count_are_those_of_all_tokens_and_ends() {
    let (_, head) = head(&small(1, 1.0, 3), None).unwrap();
    let out = head.forward(&Ask::new(&features(4, None), &Cx::new(Mode::Eval))).unwrap();
    let lists = [vec![2, 0], vec![], vec![MISSING_CLASS], vec![1]];
    let loss = head.loss(&out, &target(&lists)).unwrap();
    let by_hand: f64 = [0usize, 1, 3].map(|row| log_p(&head, &out, row as i64, &lists[row], true)).iter().sum();
    assert!((loss.sum.double_value(&[]) + by_hand).abs() < 1e-12, "{by_hand}");
    assert_eq!(loss.count.to_bits(), 6f64.to_bits(), "three tokens, three ends");
    // An unknown token in a sequence has no loss; what follows has one.
    let gap = head.loss(&out, &target(&[vec![MISSING_CLASS, 0], vec![], vec![], vec![]])).unwrap();
    assert_eq!(gap.count.to_bits(), 5f64.to_bits(), "one token, four ends");
    // Weights of samples weigh all of it.
    let weighted = target(&lists).with_weights("words", &[0.5, 2.0, 9.0, 0.0]).unwrap();
    let weighted = head.loss(&out, &weighted).unwrap();
    let by_hand = 0.5 * log_p(&head, &out, 0, &lists[0], true) + 2.0 * log_p(&head, &out, 1, &[], true);
    assert!((weighted.sum.double_value(&[]) + by_hand).abs() < 1e-6);
    assert_eq!(weighted.count.to_bits(), (0.5 * 3.0 + 2.0f64).to_bits());
}

#[test]
fn the_target_changes_the_training_forward_and_not_the_evaluation_forward() {
    let (_, head) = head(&small(1, 1.0, 3), None).unwrap();
    let features = features(2, None);
    let (one, other) = (target(&[vec![2, 0], vec![1]]), target(&[vec![0, 0], vec![2]]));
    let run = |mode, target: Option<&Target>| {
        let cx = Cx::new(mode);
        let ask = Ask::new(&features, &cx);
        head.forward(&target.map_or(ask, |target| ask.with_target(target))).unwrap()
    };
    let logits = |target| run(Mode::Train, Some(target)).extra(LOGITS).unwrap().shallow_clone();
    assert_eq!(logits(&one).size(), [2, 3, 4]);
    let changed = (logits(&one) - logits(&other)).abs().amax([2i64].as_slice(), false);
    // The first token is foretold without any label, the second given the first one.
    assert!(changed.select(1, 0).max().double_value(&[]) == 0.0 && changed.select(1, 1).min().double_value(&[]) > 1e-6);
    let blind = run(Mode::Eval, None);
    for target in [&one, &other] {
        let seeing = run(Mode::Eval, Some(target));
        assert!(seeing.main() == blind.main() && seeing.extra(LOGITS).is_err());
        assert_eq!(answers(&head, &seeing), answers(&head, &blind));
        // What is lost is the same in both, though one of them computes it later.
        let (taught, later) = (run(Mode::Train, Some(target)), head.loss(&blind, target).unwrap());
        assert_eq!(head.loss(&taught, target).unwrap().sum, later.sum);
    }
}

#[test]
fn a_beam_of_everything_finds_the_best_of_all_sequences() {
    for alpha in [0.0, 1.0] {
        let (_, head) = head(&small(64, alpha, 3), None).unwrap();
        let out = head.forward(&Ask::new(&features(3, None), &Cx::new(Mode::Eval))).unwrap();
        let found = answers(&head, &out);
        let mut lengths = Vec::new();
        for row in 0..3usize {
            let rank = |tokens: &[i64], ends: bool| {
                let length = (tokens.len() + usize::from(ends)) as f64;
                log_p(&head, &out, row as i64, tokens, ends) / length.powf(alpha)
            };
            let all = all_sequences(3);
            let best = all.iter().max_by(|a, b| rank(&a.0, a.1).total_cmp(&rank(&b.0, b.1))).unwrap();
            assert_eq!(found.gather(&[row]), Labels::lists(std::slice::from_ref(&best.0)), "sample {row}, {alpha}");
            lengths.push(best.0.len());
        }
        assert!(lengths.iter().any(|n| *n != lengths[0]) || alpha > 0.0, "all of one length: {lengths:?}");
    }
}

#[test]
fn greedy_takes_the_most_probable_next_token() {
    let (_, head) = head(&small(1, 1.0, 4), None).unwrap();
    let out = head.forward(&Ask::new(&features(5, None), &Cx::new(Mode::Eval))).unwrap();
    let found = answers(&head, &out);
    for row in 0..5usize {
        let mut tokens: Vec<i64> = Vec::new();
        while tokens.len() < 4 {
            let of = |y: i64| match y == VOCABULARY as i64 {
                true => log_p(&head, &out, row as i64, &tokens, true),
                false => log_p(&head, &out, row as i64, &[tokens.clone(), vec![y]].concat(), false),
            };
            let best = (0..=VOCABULARY as i64).max_by(|a, b| of(*a).total_cmp(&of(*b))).unwrap();
            if best == VOCABULARY as i64 {
                break;
            }
            tokens.push(best);
        }
        assert_eq!(found.gather(&[row]), Labels::lists(&[tokens]));
    }
}

#[test]
fn padding_is_not_seen() {
    let (_, head) = head(&small(1, 1.0, 3), None).unwrap();
    let cx = Cx::new(Mode::Eval);
    let labels = target(&[vec![1, 2], vec![0], vec![2]]);
    let loss = |features: &Features| {
        head.loss(&head.forward(&Ask::new(features, &cx)).unwrap(), &labels).unwrap().sum.double_value(&[])
    };
    let padded = features(3, Some(&[2, 4, 0]));
    let Features::Tokens(tokens) = &padded else { panic!() };
    let noise = tokens.pad_mask.as_ref().unwrap().unsqueeze(-1).to_kind(Kind::Double) * 100.0;
    let noisy =
        Tokens { xs: &tokens.xs + noise, pad_mask: tokens.pad_mask.as_ref().map(Tensor::shallow_clone), names: None };
    let (plain, noisy) = (loss(&padded), loss(&Features::Tokens(noisy)));
    assert!(plain.is_finite() && (plain - noisy).abs() < 1e-12, "{plain} {noisy}");
    assert!((plain - loss(&features(3, None))).abs() > 1e-3, "the mask hides something");
}

#[test]
fn answers_are_as_long_as_the_longest_training_sequence() {
    let lengths = |stats: Option<&LabelStats>, max_length| {
        let (params, head) = head(&small(1, 1.0, max_length), stats).unwrap();
        // Never an end.
        let _guard = tch::no_grad_guard();
        let _ = params.get("out.bias").unwrap().tensor().get(VOCABULARY as i64).fill_(-1e4);
        let out = head.forward(&Ask::new(&features(2, None), &Cx::new(Mode::Eval))).unwrap();
        answers(&head, &out).offsets().unwrap().to_vec()
    };
    let spread = Spread::of(&mut [2.0, 7.0, 3.0]);
    let numbers = Numbers { known: 3, missing: 0, spread };
    let stats = LabelStats::Items { counts: vec![4; VOCABULARY], missing: 0, lengths: numbers };
    assert_eq!(lengths(Some(&stats), 0), [0, 7, 14]);
    assert_eq!(lengths(Some(&stats), 9), [0, 9, 18]);
    assert_eq!(lengths(None, 0), [0, 100, 200]);
}

#[test]
fn settings_out_of_range_are_named() {
    let refused = |config: GruDecoderHeadConfig| head(&config, None).unwrap_err().to_string();
    let base = small(1, 1.0, 3);
    assert_eq!(
        refused(GruDecoderHeadConfig { beam: 0, ..base.clone() }),
        "gru-decoder head: beam must be >= 1, found 0"
    );
    assert!(refused(GruDecoderHeadConfig { width: 0, ..base.clone() }).contains("width must be >= 1"));
    assert!(refused(GruDecoderHeadConfig { embedding: -1, ..base.clone() }).contains("embedding must be >= 1"));
    assert!(refused(GruDecoderHeadConfig { label_smoothing: 1.0, ..base.clone() }).contains("label_smoothing"));
    assert!(refused(GruDecoderHeadConfig { length_normalization: -0.5, ..base }).contains("must be >= 0"));
}
