//! What the settings of a head are asked: before there is a head, and for one.

use mtl_core::{
    Error, Result,
    answer::{Answer, AnswerTag},
};

use crate::{
    HeadConfig, class::ClassHeadConfig, gru_decoder::GruDecoderHeadConfig, head::Head,
    multi_label::MultiLabelHeadConfig, ordinal::OrdinalHeadConfig, place::HeadPlace, regress::RegressHeadConfig,
    tags::TagsHeadConfig,
};

/// The settings of a head, ours or from outside: what [`HeadConfig::register`] takes.
pub trait HeadPart: std::fmt::Debug + Send + Sync {
    /// The names of the metrics that suit the head on such answers; the first judges the task unless the user names another.
    fn metrics(&self, answer: &Answer) -> &'static [&'static str];

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
    /// [`Error::InvalidConfig`] for a kind of answer that no head of this crate learns.
    pub fn default_for(answer: &Answer) -> Result<Self> {
        Self::default_of(answer.tag())
    }

    /// As [`default_for`](Self::default_for), where only the kind is known.
    ///
    /// # Errors
    /// As [`default_for`](Self::default_for).
    pub fn default_of(tag: AnswerTag) -> Result<Self> {
        Ok(match tag {
            AnswerTag::Class => Self::Class(ClassHeadConfig::default()),
            AnswerTag::MultiLabel => Self::MultiLabel(MultiLabelHeadConfig::default()),
            AnswerTag::Values => Self::Regress(RegressHeadConfig::default()),
            AnswerTag::Ordinal => Self::Ordinal(OrdinalHeadConfig::default()),
            AnswerTag::Tags => Self::Tags(TagsHeadConfig::default()),
            AnswerTag::Sequence => Self::GruDecoder(GruDecoderHeadConfig::default()),
            AnswerTag::Custom(_) => {
                return Err(Error::InvalidConfig {
                    what: "head",
                    field: "kind",
                    expected: format!("a head of one's own for answers of kind {:?}", tag.name()),
                    found: "none that a file can name".into(),
                });
            }
        })
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
