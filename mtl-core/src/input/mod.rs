//! Inputs: what a sample brings into the network, each under a name, each of a modality.
//!
//! A data set describes its inputs once, in an [`InputSpec`]: an ordered list of names and [`Modality`]s. Encoders are
//! built from it and say which modalities they take; the doctor, explanations and exports ask it. A batch carries the
//! [`Inputs`] that it describes, one [`Input`] a name: a tensor, and the samples' lengths where they differ.
//!
//! | modality | tensor in a batch | lengths | file |
//! |---|---|---|---|
//! | [`Categorical`]: fields of a table that hold one of a few texts | codes `[b, f]` of `Int64` | | `categorical.rs` |
//! | [`Numeric`]: fields of a table that hold numbers | `[b, n]` of a float kind | | `numeric.rs` |
//! | [`Picture`] | `[b, c, h, w]` of a float kind | | `picture.rs` |
//! | [`Tokens`]: words or other pieces of text, by number | ids `[b, l]` of `Int64` | `[b]` if ragged | `tokens.rs` |
//! | [`Signal`]: audio, a series of measurements | `[b, c, l]` of a float kind | `[b]` if ragged | `signal.rs` |
//! | [`Set`]: items without an order | `[b, l, d]` of a float kind | `[b]` if ragged | `set.rs` |
//! | [`Custom`]: a modality of a user's crate | as it says | as it says | `custom.rs` |
//!
//! A ragged input is padded to the longest sample of the batch; what lies beyond a sample's length is padding, always
//! the modality's padding value, and [`Input::pad_mask`] says where. Lengths travel with the tensor: to another device,
//! into a part of the batch, into a longer batch.
//!
//! How values were made (vocabularies, what was subtracted and divided) is not said here: that is preprocessing, which
//! belongs to the data. Nothing is matched by input name anywhere: names are the data set's, and a sample may have two
//! pictures.
//!
//! A modality is its file, which answers the questions of [`ModalityKind`], its line in the list below, and an encoder
//! that takes it.
//!
//! # Examples
//! ```
//! use mtl_core::input::{InputSpec, Length, Modality, Picture, Tokens};
//!
//! let picture = Modality::from(Picture { channels: 3, height: 32, width: 32 });
//! let words = Tokens { vocabulary: 1000, pad: 0, unknown: None, length: Length::Ragged(20) };
//! let spec = InputSpec::new([("left", picture.clone()), ("right", picture), ("caption", words.clone().into())])?;
//!
//! let caption = words.batch(&[vec![5, 7, 9], vec![4]])?;
//! assert_eq!(caption.tensor().size(), [2, 3]); // padded to the longest
//! let mask = caption.pad_mask()?.ok_or("ragged inputs have a mask")?;
//! assert_eq!(Vec::<bool>::try_from(mask.flatten(0, -1))?, [false, false, false, false, true, true]);
//!
//! let inputs = spec.example(4)?; // made up: what a network is measured on
//! spec.check(&inputs)?;
//! assert_eq!(inputs.get("right")?.size(), [4, 3, 32, 32]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod categorical;
mod cells;
mod check;
mod custom;
mod inputs;
mod layout;
mod made_up;
mod numeric;
mod picture;
mod set;
mod signal;
mod spec;
mod tokens;

use std::{fmt::Debug, ops::Deref};

pub use categorical::{Categorical, CategoricalField};
pub use cells::Cells;
pub use custom::{Custom, CustomModality, register, registered};
pub use inputs::{Input, Inputs};
pub use layout::{Layout, Length, Numbers};
pub use numeric::Numeric;
pub use picture::Picture;
use serde::{Deserialize, Serialize};
pub use set::Set;
pub use signal::Signal;
pub use spec::{InputSet, InputSpec, NamedInput};
pub use tokens::Tokens;

use crate::{error::Result, rng::Rng};

/// What every modality answers, ours and those from outside.
pub trait ModalityKind: Debug + Send + Sync {
    /// What it is, for messages and pages: `2 categorical fields`.
    fn describe(&self) -> String;

    /// What the numbers of its tensor are, for whoever makes them elsewhere: `codes, one column each: sex in 0..3`.
    fn meaning(&self) -> String;

    /// How a batch of it lies in memory.
    fn layout(&self) -> Layout;

    /// Whether its sizes can be: each at least 1, and small enough for memory to be asked for.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) naming `input`.
    fn validate(&self, input: &str) -> Result<()> {
        check::sizes(input, &self.layout())
    }

    /// For whole numbers: how many values there are, from 0, for each place of the last axis, or one number for all of
    /// them. Empty for real numbers.
    fn cardinalities(&self) -> Vec<i64> {
        Vec::new()
    }

    /// What fills the places beyond a sample's length.
    fn padding(&self) -> i64 {
        0
    }

    /// For ids: the one of everything that has no id of its own, because it was not there when the others were learned.
    fn unknown(&self) -> Option<i64> {
        None
    }

    /// Whether the values of a batch can be: whole numbers within their cardinality, lengths within the tensor, padding
    /// where the lengths say so. Reads the tensor; its form must have been checked before.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) naming `input` and what was found.
    fn check_values(&self, input: &str, found: &Input) -> Result<()> {
        check::values(input, found, &self.layout(), &self.cardinalities(), self.padding())
    }

    /// `n` made-up samples: whole numbers over their whole range, real ones around 0 with deviation 1, as scaled ones
    /// are.
    ///
    /// # Errors
    /// [`Error::Torch`](crate::Error::Torch) for sizes that no memory holds.
    fn example(&self, n: i64, rng: &mut Rng) -> Result<Input> {
        made_up::example(n, &self.layout(), &self.cardinalities(), self.padding(), rng)
    }

    /// The parts of a sample that one can point at.
    fn cells(&self) -> Cells<'_>;
}

impl Modality {
    /// One input that two sources bring under one name; `None` where they do not describe the same. Where numbers lie is a source's
    /// own: edges that differ are left out.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Numeric(one), Self::Numeric(other)) => one.joined(other).map(Self::Numeric),
            _ => (self == other).then(|| self.clone()),
        }
    }
}

macro_rules! modalities {
    ( $( $variant:ident($kind:ty) = $key:literal, $about:literal; )+ ) => {
        /// What an input is.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind")]
        pub enum Modality {
            $( #[doc = $about] #[serde(rename = $key)] $variant($kind), )+
        }

        impl Modality {
            /// Every modality: name and one-line description.
            pub const ALL: &'static [(&'static str, &'static str)] = &[ $( ($key, $about), )+ ];

            /// Its name in files.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $( Self::$variant(_) => $key, )+ }
            }

            /// Every modality, those that were [`register`]ed in place of `custom`.
            #[must_use]
            pub fn all() -> Vec<(&'static str, &'static str)> {
                Self::ALL.iter().copied().filter(|(name, _)| *name != "custom").chain(registered()).collect()
            }
        }

        impl Deref for Modality {
            type Target = dyn ModalityKind;

            fn deref(&self) -> &Self::Target {
                match self { $( Self::$variant(kind) => kind, )+ }
            }
        }

        $( impl From<$kind> for Modality {
            fn from(kind: $kind) -> Self {
                Self::$variant(kind)
            }
        } )+
    };
}

modalities! {
    Categorical(Categorical) = "categorical", "fields of a table, each one of a few texts";
    Numeric(Numeric) = "numeric", "fields of a table that hold numbers";
    Picture(Picture) = "picture", "a picture of fixed size";
    Tokens(Tokens) = "tokens", "pieces of a text by number";
    Signal(Signal) = "signal", "values over time: audio, measurements";
    Set(Set) = "set", "items without an order, a vector each";
    Custom(Custom) = "custom", "a modality from outside";
}

#[cfg(test)]
mod laws;
