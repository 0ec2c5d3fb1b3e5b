//! Laws that every head obeys, to be run over one's own.
//!
//! ```text
//! shape        an answer has one row per sample, a prediction too, and its kind fits the labels
//! missing      marking a label as missing = deleting the sample: loss, count, gradients; exactly 0 for the missing one
//! absent       no label at all: count 0, no NaN
//! weights      weights 2 = the samples twice, weight 0 = without the sample: loss, count, gradients
//! parts        a batch in two parts: sums and counts add up to those of the whole, and gradients do
//! permutation  samples in another order: the same loss, the answers in that order
//! overfit      four samples can be learned by heart, and the decoded answer then is the label
//! finite       loss and gradients are finite, every parameter gets one, in f32 and in f64
//! repeatable   evaluation gives the same bits twice
//! padding      answers of any number of items: with more padding behind the features the loss and the answers are the same
//! unseen       in evaluation the answer is the same whether the label is there or not
//! saved        parameters saved and loaded give the same bits
//! refused      labels of another kind, another batch or out of range are errors that name the task
//! ```
//! [`check`] runs all of them and reports every broken one, so a test is one line:
//!
//! ```
//! use mtl_core::{answer::Answer, features::View, task::TaskName};
//! use mtl_heads::{HeadConfig, HeadPlace, laws};
//!
//! let task = TaskName::new("demo").unwrap();
//! let view = View::Pooled { width: 8 };
//! let answer = Answer::multi_label(["old", "rich"]);
//! let config = HeadConfig::default_for(&answer).unwrap();
//! laws::check(|scope| config.build(HeadPlace::new(scope, &task, &view, &answer)), laws::unit_values).unwrap();
//! ```

mod overfit;
mod samples;
mod subject;

pub use mtl_core::laws::{Broken, BrokenLaws};
use mtl_core::{Result, input::InputSpec, params::Scope, rng::Rng};
use tch::Kind;

use crate::head::Head;
use samples::Samples;
use subject::Subject;

/// The laws, in the order in which they stand above.
pub const NAMES: &[&str] = &[
    "shape",
    "missing",
    "absent",
    "weights",
    "parts",
    "permutation",
    "overfit",
    "finite",
    "repeatable",
    "padding",
    "unseen",
    "saved",
    "refused",
];

/// Numbers in `[-1, 1]`: labels for a head that takes any.
pub fn unit_values(rng: &mut Rng) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a label has the precision of f32")]
    let value = (2.0 * rng.uniform() - 1.0) as f32;
    value
}

/// Small counts 0, 1, .. 5: labels for a head that takes counts.
pub fn counts(rng: &mut Rng) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a small whole number")]
    let count = (rng.uniform() * 6.0).floor() as f32;
    count
}

/// Runs every law over the head that `build` makes. Features are made for the view in its spec; class and yes/no labels
/// are drawn as its [`Answer`](mtl_core::answer::Answer) says, numbers from `value`. Dropout must be 0: a law compares
/// losses. A head that reads others is given drawn numbers of the form of its own answer; for one that reads inputs there is
/// [`check_on`].
///
/// # Errors
/// [`BrokenLaws`], one entry per broken law.
pub fn check<H: Head>(
    build: impl Fn(Scope<'_>) -> Result<H>,
    value: fn(&mut Rng) -> f32,
) -> std::result::Result<(), BrokenLaws> {
    check_on(&InputSpec::default(), build, value)
}

/// As [`check`], for a head that reads inputs as described: it is given made-up ones. A head that restores hidden cells is asked for
/// all of them at once.
///
/// # Errors
/// As [`check`].
pub fn check_on<H: Head>(
    inputs: &InputSpec,
    build: impl Fn(Scope<'_>) -> Result<H>,
    value: fn(&mut Rng) -> f32,
) -> std::result::Result<(), BrokenLaws> {
    type Law<H> = fn(&Subject<H>, &Samples) -> Result<Option<String>>;
    let laws: [(&'static str, Law<H>); 12] = [
        ("shape", subject::shape),
        ("missing", subject::missing),
        ("absent", subject::absent),
        ("weights", subject::weights),
        ("parts", subject::parts),
        ("permutation", subject::permutation),
        ("finite", subject::finite),
        ("repeatable", subject::repeatable),
        ("padding", subject::padding),
        ("unseen", subject::unseen),
        ("refused", subject::refused),
        ("overfit", overfit::overfit),
    ];
    let mut broken = BrokenLaws(Vec::new());
    let mut note = |law, outcome: Result<Option<String>>| broken.note(law, outcome);
    for kind in [Kind::Double, Kind::Float] {
        match Subject::new(&build, kind, 1) {
            Ok(subject) => {
                let samples = match Samples::new(subject.head.spec(), inputs, 6, kind, value) {
                    Ok(samples) => samples,
                    Err(e) => {
                        note("shape", Err(e));
                        continue;
                    }
                };
                for (name, law) in laws {
                    note(name, law(&subject, &samples));
                }
                let other = Subject::new(&build, kind, 2);
                note("saved", other.and_then(|other| subject::saved(&subject, &other, &samples)));
            }
            Err(e) => note("finite", Err(e)),
        }
    }
    broken.verdict()
}
