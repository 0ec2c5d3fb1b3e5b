//! What an encoder takes of a data set's inputs.
//!
//! An encoder says it once, and every input of the data set is either taken or refused by name: none is left out in
//! silence.

use crate::{
    error::{Error, Result},
    input::{InputSpec, Modality},
};

/// The inputs that an encoder works on.
#[derive(Debug, Clone, Copy)]
pub struct Takes {
    /// The encoder's name, for messages: `conv encoder`.
    pub encoder: &'static str,
    /// What it takes, in words: `one picture`.
    pub what: &'static str,
    /// Whether it takes an input of that modality.
    pub accepts: fn(&Modality) -> bool,
    /// The most inputs that it takes together.
    pub at_most: usize,
}

impl Takes {
    /// Whether the encoder takes every input, there is one, and all come together.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] naming the encoder and the first input that it does not take, with its modality, or the sources that bring
    /// other inputs.
    pub fn check(&self, spec: &InputSpec) -> Result<()> {
        let refuse = |found: String| {
            let expected = self.what.to_owned();
            Err(Error::InvalidConfig { what: self.encoder, field: "inputs", expected, found })
        };
        if let Some((name, modality)) = spec.iter().find(|(_, modality)| !(self.accepts)(modality)) {
            return refuse(format!("input {name}: {}", modality.describe()));
        }
        if let [first, second, ..] = spec.sets() {
            return refuse(format!(
                "those of {} or of {}, never together: take kind per-source",
                first.name, second.name
            ));
        }
        match spec.len() {
            0 => refuse("none".into()),
            n if n > self.at_most => refuse(format!("{n}: {}", spec.describe())),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Picture;

    #[test]
    fn what_is_not_taken_is_named() {
        let accepts = |m: &Modality| matches!(m, Modality::Picture(_));
        let takes = Takes { encoder: "conv encoder", what: "one picture", accepts, at_most: 1 };
        let picture = Modality::from(Picture { channels: 1, height: 2, width: 2 });
        let one = InputSpec::new([("a", picture.clone())]).unwrap();
        takes.check(&one).unwrap();
        let refusal = |spec: &InputSpec| takes.check(spec).unwrap_err().to_string();
        assert_eq!(refusal(&InputSpec::default()), "conv encoder: inputs must be one picture, found none");
        let table = InputSpec::table(Vec::new(), vec!["x".into()]);
        let expected = "conv encoder: inputs must be one picture, found input numeric: 1 numeric field";
        assert_eq!(refusal(&table), expected);
        let two = InputSpec::new([("a", picture.clone()), ("b", picture)]).unwrap();
        assert!(refusal(&two).ends_with("found 2: a (picture of 1 x 2 x 2), b (picture of 1 x 2 x 2)"));
    }
}
