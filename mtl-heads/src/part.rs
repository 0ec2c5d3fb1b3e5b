//! What the settings of a head are asked: before there is a head, and for one.

use mtl_core::{
    Error, Result,
    answer::{Answer, AnswerTag},
    distribution::Form,
};

use crate::{HeadConfig, head::Head, place::HeadPlace};

/// The settings of a head, ours or from outside: what [`HeadConfig::register`] takes.
pub trait HeadPart: std::fmt::Debug + Send + Sync {
    /// The names of the metrics that suit the head on such answers; the first judges the task unless the user names another.
    fn metrics(&self, answer: &Answer) -> &'static [&'static str];

    /// The kind of answer, by name, that learns by this head where no other is named; none, unless overridden. Of several heads that
    /// say the same kind the first of the list is its default, ours before those from outside.
    fn default_for(&self) -> Option<&'static str> {
        None
    }

    /// As [`HeadConfig::form`]; none, unless overridden.
    fn form(&self) -> Option<Form> {
        None
    }

    /// As [`HeadConfig::restores`]; nothing, unless overridden.
    fn restores(&self) -> Option<&str> {
        None
    }

    /// Builds the head there, as [`HeadConfig::build`].
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range, or when the head learns from other labels than these
    /// ([`HeadPlace::refuses`]).
    fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>>;
}

impl HeadConfig {
    /// The head that suits such answers, with default settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a kind of answer that no head is the [default](HeadPart::default_for) of.
    pub fn default_for(answer: &Answer) -> Result<Self> {
        Self::default_of(answer.tag())
    }

    /// As [`default_for`](Self::default_for), where only the kind is known.
    ///
    /// # Errors
    /// As [`default_for`](Self::default_for).
    pub fn default_of(tag: AnswerTag) -> Result<Self> {
        let heads = Self::all().into_iter().filter_map(|(name, _)| Self::by_name(name).ok());
        heads.into_iter().find(|head| head.part().default_for() == Some(tag.name())).ok_or_else(|| {
            Error::InvalidConfig {
                what: "head",
                field: "kind",
                expected: format!("a head of one's own for answers of kind {:?}", tag.name()),
                found: "none that is said to be their default".into(),
            }
        })
    }

    /// Which distribution the head says of each number, where it answers by [`Prediction::Forecast`]: files and exports have columns
    /// for it.
    ///
    /// [`Prediction::Forecast`]: mtl_core::prediction::Prediction::Forecast
    #[must_use]
    pub fn form(&self) -> Option<Form> {
        self.part().form()
    }

    /// The input that the head restores: then the task's labels are that input, and the data need not have any.
    #[must_use]
    pub fn restores(&self) -> Option<&str> {
        self.part().restores()
    }

    /// The names of the metrics that suit the head on such answers; the first judges the task unless the user names another. Tags that
    /// spell spans are judged by spans, others by items.
    #[must_use]
    pub fn metrics(&self, answer: &Answer) -> &'static [&'static str] {
        self.part().metrics(answer)
    }

    /// Builds the head there: on features of its view, for answers as the data has them.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range, or when the head learns other answers than these.
    pub fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        self.part().build(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_ours_has_one_default() {
        let kinds: Vec<&str> = HeadConfig::ALL
            .iter()
            .filter_map(|(name, _)| HeadConfig::by_name(name).unwrap().part().default_for())
            .collect();
        for (kind, _) in Answer::ALL {
            assert_eq!(kinds.iter().filter(|own| *own == kind).count(), 1, "{kind}");
        }
        let e = HeadConfig::default_of(AnswerTag::Custom("boxes")).unwrap_err().to_string();
        assert!(e.contains("a head of one's own for answers of kind \"boxes\""), "{e}");
    }
}
