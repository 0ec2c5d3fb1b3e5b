//! Values by hand, and slopes against differences.
#![expect(clippy::float_cmp, reason = "exact by construction")]

use mtl_core::{
    answer::{Answer, Class, MultiLabel, numbered},
    batch::{MISSING_CLASS, Target},
    features::View,
    label_stats::{LabelStats, YesNo},
    params::ParamSet,
    shim::{Graph, grad},
    task::TaskName,
};
use ndarray::array;
use tch::{Device, Kind, Tensor};

use super::{ClassWeighting, ClassWeights, Classes};
use crate::{Head, HeadConfig, HeadPlace};

fn weights(text: &str, counts: Option<&[u64]>) -> mtl_core::Result<Vec<f64>> {
    #[derive(serde::Deserialize)]
    struct Holder {
        class_weights: ClassWeights,
    }
    let holder: Holder = toml::from_str(&format!("class_weights = {text}")).unwrap();
    holder.class_weights.weights("class head", Classes { names: &["a", "b", "c"].map(String::from), counts })
}

fn near(found: &[f64], by_hand: &[f64]) {
    assert_eq!(found.len(), by_hand.len());
    assert!(found.iter().zip(by_hand).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?} is not {by_hand:?}");
}

#[test]
fn weights_by_hand() {
    let counts = Some(&[6u64, 3, 1][..]);
    near(&weights("\"balanced\"", counts).unwrap(), &[10.0 / 18.0, 10.0 / 9.0, 10.0 / 3.0]);
    near(&weights("{ kind = \"balanced\", power = 0.0 }", counts).unwrap(), &[1.0; 3]);
    near(&weights("\"balanced\"", Some(&[6, 0, 2])).unwrap(), &[8.0 / 12.0, 1.0, 2.0]);
    // Effective numbers of 1, 2, 3 samples at 0.9: 1, 1.9, 2.71.
    let inverse = [1.0 / 2.71, 1.0 / 1.9, 1.0];
    let mean = inverse.iter().sum::<f64>() / 3.0;
    let found = weights("{ kind = \"effective-number\", beta = 0.9 }", Some(&[3, 2, 1])).unwrap();
    near(&found, &inverse.map(|w| w / mean));
    near(&weights("{ kind = \"effective-number\", beta = 0.0 }", counts).unwrap(), &[1.0; 3]);
    near(&weights("{ kind = \"given\", classes = { b = 4.0 } }", None).unwrap(), &[1.0, 4.0, 1.0]);
    near(&weights("[1.0, 2.0, 3.0]", None).unwrap(), &[1.0, 2.0, 3.0]);
    near(&weights("[2.0]", None).unwrap(), &[2.0; 3]);
    near(&weights("\"effective-number\"", None).unwrap(), &[1.0; 3]);
    for rule in ClassWeighting::ALL.iter().map(|(name, _)| ClassWeighting::by_name(name).unwrap()) {
        let weights = rule.part().weights(Classes { names: &["a", "b"].map(String::from), counts: Some(&[0, 0]) });
        assert_eq!(weights.unwrap(), [1.0, 1.0], "{rule:?}: nothing is known");
    }
}

#[test]
fn what_cannot_weigh_is_refused() {
    let refused = |text: &str| weights(text, None).unwrap_err().to_string();
    assert!(refused("[1.0, 2.0]").starts_with("class head: class_weights must be none, one or 3 numbers, each > 0"));
    assert!(refused("{ kind = \"balanced\", power = 2.0 }").contains("power must be in [0, 1]"));
    assert!(refused("{ kind = \"effective-number\", beta = 1.0 }").contains("beta must be in [0, 1)"));
    assert!(refused("{ kind = \"given\", classes = { d = 1.0 } }").contains("unknown class to weigh \"d\""));
    assert!(refused("{ kind = \"given\", classes = { a = 0.0 } }").contains("each > 0, found 0 for a"));
    assert!(toml::from_str::<HeadConfig>("kind = \"class\"\nclass_weights = \"balance\"").is_err());
}

/// A head for the answer, in double precision.
fn head(text: &str, answer: &Answer, stats: &LabelStats) -> Box<dyn Head> {
    let config: HeadConfig = toml::from_str(text).unwrap();
    let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
    let (task, view) = (TaskName::new("income").unwrap(), View::Pooled { width: 2 });
    config.build(HeadPlace::new(params.root(), &task, &view, answer).with_labels(Some(stats))).unwrap()
}

/// The sum, the count and the slope of a loss, which central differences find too.
fn loss(head: &dyn Head, logits: &[f64], target: &Target) -> (f64, f64) {
    let width = logits.len() as i64 / target.batch_size();
    let at = |logits: &[f64]| Tensor::from_slice(logits).view([-1, width]);
    let leaf = at(logits).set_requires_grad(true);
    let found = head.loss(&leaf.shallow_clone().into(), target).unwrap();
    let slope = grad(&[&found.sum], None, &[&leaf], Graph::Free).unwrap().remove(0).unwrap();
    let slope = Vec::<f64>::try_from(slope.view(-1)).unwrap();
    for place in 0..logits.len() {
        let moved = |by: f64| {
            let mut logits = logits.to_vec();
            logits[place] += by;
            head.loss(&at(&logits).into(), target).unwrap().sum.double_value(&[])
        };
        let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert!((difference - slope[place]).abs() < 1e-7, "place {place}: {difference} is not {}", slope[place]);
    }
    (found.sum.double_value(&[]), found.count)
}

fn close((sum, count): (f64, f64), by_hand: f64, mass: f64) {
    assert!((sum - by_hand).abs() < 1e-12 && (count - mass).abs() < 1e-12, "{sum} {count}: {by_hand} {mass}");
}

/// `-log softmax(z)_y`.
fn nll(z: [f64; 3], y: usize) -> f64 {
    z.iter().map(|z| z.exp()).sum::<f64>().ln() - z[y]
}

#[test]
fn classes_by_hand() {
    let answer = Answer::Class(Class { classes: numbered(3) });
    let stats = LabelStats::Class { counts: vec![6, 3, 0], missing: 0 };
    let rows = [[1.0, 0.0, -1.0], [0.5, 2.0, 0.0], [0.1, 0.2, 0.3]];
    let target = Target::class("income", &[0, 2, MISSING_CLASS]).unwrap();
    let found =
        |text: &str| loss(&*head(&format!("kind = \"class\"\n{text}"), &answer, &stats), rows.as_flattened(), &target);
    let (first, second) = (nll(rows[0], 0), nll(rows[1], 2));
    let focal = |l: f64, g: f64| (1.0 - (-l).exp()).powf(g) * l;
    close(found("focal = {}"), focal(first, 2.0) + focal(second, 2.0), 2.0);
    close(found("focal = { gamma = 0.5 }"), focal(first, 0.5) + focal(second, 0.5), 2.0);
    close(found("focal = { gamma = 0.0 }"), first + second, 2.0);
    // Of 9 labels 6, 3, none; the class that never occurs counts as one.
    let adjusted = |row: [f64; 3]| std::array::from_fn(|c| row[c] + 0.5 * ([6.0, 3.0, 1.0][c] / 9.0f64).ln());
    let (a, b) = (nll(adjusted(rows[0]), 0), nll(adjusted(rows[1]), 2));
    close(found("logit_adjustment = 0.5"), a + b, 2.0);
    let all = "class_weights = [2.0, 1.0, 3.0]\nfocal = { gamma = 1.0 }\nlogit_adjustment = 0.5";
    close(found(all), 2.0 * focal(a, 1.0) + 3.0 * focal(b, 1.0), 5.0);
    close(found("class_weights = \"balanced\""), 0.75 * first + second, 1.75);
}

#[test]
fn yes_and_no_by_hand() {
    let answer = Answer::MultiLabel(MultiLabel { labels: numbered(2) });
    let counted = |yes, no| YesNo { yes, no, missing: 0 };
    let stats = LabelStats::MultiLabel { labels: vec![counted(2, 8), counted(5, 0)] };
    let logits = [1.0, -2.0, 0.5, 3.0];
    let target = Target::multi_label("income", array![[1.0, 0.0], [f32::NAN, 1.0]].view()).unwrap();
    let found =
        |text: &str| loss(&*head(&format!("kind = \"multi-label\"\n{text}"), &answer, &stats), &logits, &target);
    let l = |z: f64| (1.0 + (-z).exp()).ln(); // of yes; of no l(-z)
    let (a, b, c) = (l(1.0), l(2.0), l(3.0));
    let focal = |l: f64| (1.0 - (-l).exp()).powi(2) * l;
    close(found("focal = { alpha = 0.25 }"), 0.25 * focal(a) + 0.75 * focal(b) + 0.25 * focal(c), 1.25);
    close(found("class_weights = [3.0, 2.0]"), 2.0 * a + 3.0 * b + 2.0 * c, 7.0);
    // 2 of 10 are yes: 2.5; all 5 of the other are yes, which weighs 1.
    close(found("class_weights = \"balanced\""), 2.5 * a + b + c, 4.5);
    let (first, second) = ((2.0f64 / 8.0).ln(), 5.0f64.ln());
    close(found("logit_adjustment = 1.0"), l(1.0 + first) + l(2.0 - second) + l(3.0 + second), 3.0);
}

#[test]
fn what_is_sure_has_no_loss_and_a_slope() {
    let answer = Answer::Class(Class { classes: numbered(3) });
    let stats = LabelStats::Class { counts: vec![1, 1, 1], missing: 0 };
    let target = Target::class("income", &[0, 1]).unwrap();
    for gamma in ["0.5", "1.0", "2.0"] {
        let text = format!("kind = \"class\"\nfocal = {{ gamma = {gamma} }}");
        let (sum, _) = loss(&*head(&text, &answer, &stats), &[900.0, 0.0, 0.0, -900.0, 900.0, 0.0], &target);
        assert_eq!(sum, 0.0, "{gamma}");
    }
}
