//! The heads that a config file can name.

use mtl_core::{
    Error, Result,
    answer::{Answer, AnswerTag},
    registry,
};

use crate::{
    class::{ClassHead, ClassHeadConfig},
    crf::{CrfHead, CrfHeadConfig},
    funnel::{FunnelHead, FunnelHeadConfig},
    gru_decoder::{GruDecoderHead, GruDecoderHeadConfig},
    head::Head,
    masked_reconstruction::{MaskedReconstructionHead, MaskedReconstructionHeadConfig},
    multi_label::{MultiLabelHead, MultiLabelHeadConfig},
    ordinal::{OrdinalHead, OrdinalHeadConfig},
    place::HeadPlace,
    regress::{RegressHead, RegressHeadConfig},
    tags::{self, TagsHead, TagsHeadConfig},
};

/// The settings of a head from outside: what [`HeadConfig::register`] takes.
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
    /// [`Error::InvalidConfig`] for a setting out of range, or when the head learns from other labels than these.
    fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>>;
}

registry! {
    /// The heads that a config file can name.
    pub enum HeadConfig, what = "head", outside = HeadPart {
        Class(ClassHeadConfig) = "class", "one of several classes: softmax and cross entropy";
        MultiLabel(MultiLabelHeadConfig) = "multi-label", "yes/no labels, one is binary: sigmoid and binary cross entropy";
        Funnel(FunnelHeadConfig) = "funnel", "yes/no labels, yes only after yes of another task: clicks, then purchases";
        Ordinal(OrdinalHeadConfig) = "ordinal", "grades, classes in an order: ordered thresholds (CORAL or cumulative link)";
        Regress(RegressHeadConfig) = "regress", "numbers: absolute, squared or Huber loss";
        MaskedReconstruction(MaskedReconstructionHeadConfig) = "masked-reconstruction", "hidden numbers of an input, restored: needs no labels";
        GruDecoder(GruDecoderHeadConfig) = "gru-decoder", "a sequence of tokens: recurrent decoder with attention, greedy or beam search";
        Tags(TagsHeadConfig) = "tags", "a tag for each item: softmax and cross entropy";
        Crf(CrfHeadConfig) = "crf", "a tag for each item, as a chain: conditional random field, Viterbi";
    }
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
        match self {
            Self::MaskedReconstruction(config) => Some(&config.input),
            Self::Outside(part) => part.restores(),
            Self::Class(_)
            | Self::MultiLabel(_)
            | Self::Funnel(_)
            | Self::Regress(_)
            | Self::Ordinal(_)
            | Self::GruDecoder(_)
            | Self::Tags(_)
            | Self::Crf(_) => None,
        }
    }

    /// The names of the metrics that suit the head on such answers; the first judges the task unless the user names another. Tags that
    /// spell spans are judged by spans, others by items.
    #[must_use]
    pub fn metrics(&self, answer: &Answer) -> &'static [&'static str] {
        match self {
            Self::Class(_) => ClassHead::METRICS,
            Self::MultiLabel(_) => MultiLabelHead::METRICS,
            Self::Regress(_) => RegressHead::METRICS,
            Self::Funnel(_) => FunnelHead::METRICS,
            Self::Ordinal(_) => OrdinalHead::METRICS,
            Self::GruDecoder(_) => GruDecoderHead::METRICS,
            Self::MaskedReconstruction(_) => MaskedReconstructionHead::METRICS,
            Self::Tags(_) | Self::Crf(_) => match answer {
                Answer::Tags(tags) => tags::metrics(tags),
                Answer::Class(_)
                | Answer::MultiLabel(_)
                | Answer::Values(_)
                | Answer::Ordinal(_)
                | Answer::Sequence(_)
                | Answer::Custom(_) => &[], // refused where the head is built
            },
            Self::Outside(part) => part.metrics(answer),
        }
    }

    /// Builds the head there: on features of its view, for answers as the data has them.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range, or when the head learns other answers than these.
    pub fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        Ok(match (self, place.answer) {
            (Self::Class(c), Answer::Class(classes)) => Box::new(ClassHead::new(place, classes, c)?),
            (Self::MultiLabel(c), Answer::MultiLabel(labels)) => Box::new(MultiLabelHead::new(place, labels, c)?),
            (Self::Funnel(c), Answer::MultiLabel(labels)) => Box::new(FunnelHead::new(place, labels, c)?),
            (Self::Regress(c), Answer::Values(values)) => Box::new(RegressHead::new(place, values, c)?),
            (Self::Ordinal(c), Answer::Ordinal(grades)) => Box::new(OrdinalHead::new(place, grades, c)?),
            (Self::MaskedReconstruction(c), Answer::Values(values)) => {
                Box::new(MaskedReconstructionHead::new(place, values, c)?)
            }
            (Self::GruDecoder(c), Answer::Sequence(tokens)) => Box::new(GruDecoderHead::new(place, tokens, c)?),
            (Self::Tags(c), Answer::Tags(tags)) => Box::new(TagsHead::new(place, tags, c)?),
            (Self::Crf(c), Answer::Tags(tags)) => Box::new(CrfHead::new(place, tags, c)?),
            (Self::Outside(part), _) => return part.build(place),
            (
                Self::Class(_)
                | Self::MultiLabel(_)
                | Self::Funnel(_)
                | Self::Regress(_)
                | Self::Ordinal(_)
                | Self::GruDecoder(_)
                | Self::MaskedReconstruction(_)
                | Self::Tags(_)
                | Self::Crf(_),
                answer,
            ) => {
                let suits = Self::default_for(answer).map(|head| format!("{:?}", head.name()));
                let suits = suits.unwrap_or_else(|_| "a head of one's own".into());
                return Err(Error::InvalidConfig {
                    what: "head",
                    field: "kind",
                    expected: format!("{suits} for the labels of task {}", place.task),
                    found: format!("{:?}, the labels are {}", self.name(), answer.describe()),
                });
            }
        })
    }
}
