//! Laws that every sharing architecture obeys, on whatever encoder.
//!
//! ```text
//! views        every task gets the features that it was promised, in the kind of the parameters, one row per sample, of an ensemble
//!              one for each of its members
//! repeatable   evaluation gives the same bits twice
//! samples      in evaluation a sample's features do not depend on the others in its batch, and the rows of a member lie together;
//!              one sample is a batch
//! wanted       a task that is not wanted has no features, none of its layers runs, its running statistics stay; and what the
//!              wanted ones get is the same without it
//! roles        every parameter is reached by some task; a shared one by several (by one, where there is only one task), a task's
//!              own and its gate by that task alone
//! boundary     all that is shared reaches the tasks through the boundary, or is met above it: gradients that are cut there
//!              and go on from there are those of the whole graph. This is what step modes live on
//! auxiliary    losses of the architecture are finite scalars that carry a gradient
//! saved        parameters and buffers, saved and loaded, give the same bits
//! gradient     in f64 the gradient is what differences say
//! finite       features and gradients are finite, in f32 and in f64
//! ```
//! [`check`] runs all of them and reports every broken one, so a test is one line per encoder:
//!
//! ```
//! use mtl_core::{
//!     encode::{EncoderConfig, EncoderPlan, InputSpec}, laws, share::SharingConfig, task::{Task, TaskSet},
//! };
//!
//! let tasks = TaskSet::new(["a", "b"].iter().map(|n| Task::new(n)).collect::<Result<_, _>>()?)?;
//! let spec = InputSpec::table(Vec::new(), vec!["x".into(), "y".into()]);
//! let (encoder, sharing) = (EncoderConfig::by_name("mlp")?, SharingConfig::by_name("mtan")?);
//! laws::sharing::check(
//!     &tasks,
//!     |scope| sharing.build(scope, &EncoderPlan::new(&encoder, &spec), &tasks),
//!     |kind, rows| laws::sharing::inputs(&spec, kind, rows),
//! )?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! What a law needs of the settings: no dropout (laws compare passes), and an encoder whose evaluation treats samples one by one,
//! as all of ours do.

mod evaluation;
mod gradients;
mod subject;

use std::ops::Range;

use tch::Kind;

use subject::Subject;

pub use super::rows::inputs;
use super::{BrokenLaws, in_both_kinds};
use crate::{batch::Inputs, error::Result, params::Scope, share::Sharing, task::TaskSet};

/// Runs every law over the architecture that `build` makes in the scope of a model. `inputs` gives rows of an endless table of
/// samples, numbers in the given kind; [`inputs`](fn@inputs) does.
///
/// # Errors
/// [`BrokenLaws`], one entry per broken law and kind.
pub fn check(
    tasks: &TaskSet,
    build: impl Fn(&mut Scope<'_>) -> Result<Box<dyn Sharing>>,
    inputs: impl Fn(Kind, Range<i64>) -> Result<Inputs>,
) -> std::result::Result<(), BrokenLaws> {
    type Law = fn(&Subject<'_>) -> Result<Option<String>>;
    let laws: [(&'static str, Law); 8] = [
        ("views", evaluation::views),
        ("repeatable", evaluation::repeatable),
        ("samples", evaluation::samples),
        ("wanted", evaluation::wanted),
        ("roles", gradients::roles),
        ("boundary", gradients::boundary),
        ("auxiliary", gradients::auxiliary),
        ("finite", gradients::finite),
    ];
    let made = |kind, seed| Subject::new(tasks, &build, &inputs, kind, seed);
    in_both_kinds(
        "views",
        |kind| made(kind, 1),
        |kind, subject, broken| {
            for (name, law) in laws {
                broken.note(name, law(subject));
            }
            broken.note("saved", made(kind, 2).and_then(|other| evaluation::saved(subject, &other)));
            if kind == Kind::Double {
                broken.note("gradient", gradients::gradient(subject));
            }
        },
    )
}
