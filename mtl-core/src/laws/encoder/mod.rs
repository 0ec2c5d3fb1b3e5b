//! Laws that every encoder obeys, over whatever inputs it takes.
//!
//! ```text
//! views        there is a stage, names of stages differ, every stage gives the features that it was promised to give, in the kind
//!              of the parameters, one row per sample, of an ensemble one for each of its members
//! stages       the stages, one after the other, are the whole; there is none beyond the last
//! parts        built in parts (EncoderPlan::stages) it is the whole, bit for bit, and every parameter is made once
//! repeatable   evaluation gives the same bits twice
//! samples      in evaluation a sample's features do not depend on the others in its batch, and the rows of a member lie together;
//!              one sample is a batch
//! padding      a batch that is wider than its longest sample gives the same features
//! parameters   every parameter is reached by a finite gradient, belongs to a stage, lies in the place and has the role that the
//!              encoder was given
//! inputs       a batch without one of the inputs, and an input of a modality that is not taken, are refused by name
//! reads        every input that is taken changes the features
//! tape         what is recorded are layers whose weights lie below that name, and their cost grows with the batch
//! saved        parameters and buffers, saved and loaded, give the same bits; another seed does not
//! seeded       two encoders of one seed are equal, bit for bit
//! finite       features are finite, in f32 and in f64
//! gradient     in f64 the gradient is what differences say
//! ```
//! [`check`] runs all of them and reports every broken one, so a test is one line per encoder and kind of input:
//!
//! ```
//! use mtl_core::{encode::{EncoderConfig, InputSpec}, laws};
//!
//! let spec = InputSpec::table(Vec::new(), vec!["x".into(), "y".into()]);
//! laws::encoder::check(&EncoderConfig::by_name("mlp")?, &spec)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! What a law needs of the settings: no dropout (laws compare passes), and small sizes, since the gradient is looked at in f64. A
//! closure `|scope, spec| Ok(Box::new(Mine::new(scope, spec)?))` builds an encoder of one's own.

mod evaluation;
mod inputs;
mod parameters;
mod stages;
mod subject;

use tch::Kind;

use subject::Subject;

pub use super::rows::inputs;
use super::{BrokenLaws, in_both_kinds};
use crate::{
    encode::{BuildEncoder, InputSpec},
    error::Result,
};

/// Runs every law over the encoder that `how` builds for inputs as in `spec`, all of which it must take.
///
/// # Errors
/// [`BrokenLaws`], one entry per broken law and kind of number.
pub fn check(how: &dyn BuildEncoder, spec: &InputSpec) -> std::result::Result<(), BrokenLaws> {
    type Law = fn(&Subject<'_>) -> Result<Option<String>>;
    let laws: [(&'static str, Law); 11] = [
        ("views", stages::views),
        ("stages", stages::stages),
        ("parts", stages::parts),
        ("repeatable", evaluation::repeatable),
        ("samples", evaluation::samples),
        ("padding", evaluation::padding),
        ("parameters", parameters::parameters),
        ("inputs", inputs::inputs),
        ("reads", inputs::reads),
        ("tape", parameters::tape),
        ("finite", evaluation::finite),
    ];
    let made = |kind, seed| Subject::new(how, spec, kind, seed);
    in_both_kinds(
        "views",
        |kind| made(kind, 1),
        |kind, subject, broken| {
            for (name, law) in laws {
                broken.note(name, law(subject));
            }
            broken.note("seeded", made(kind, 1).and_then(|other| evaluation::seeded(subject, &other)));
            broken.note("saved", made(kind, 2).and_then(|other| evaluation::saved(subject, &other)));
            if kind == Kind::Double {
                broken.note("gradient", parameters::gradient(subject));
            }
        },
    )
}
