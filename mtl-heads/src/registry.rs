//! The heads that a config file can name.

use mtl_core::{
    Error, Result,
    answer::{Answer, AnswerTag},
    features::View,
    label_stats::LabelStats,
    params::Scope,
    registry,
    task::TaskName,
};

use crate::{
    class::{ClassHead, ClassHeadConfig},
    crf::{CrfHead, CrfHeadConfig},
    funnel::{FunnelHead, FunnelHeadConfig},
    head::Head,
    multi_label::{MultiLabelHead, MultiLabelHeadConfig},
    ordinal::{OrdinalHead, OrdinalHeadConfig},
    regress::{RegressHead, RegressHeadConfig},
    tags::{self, TagsHead, TagsHeadConfig},
};

/// The settings of a head from outside: what [`HeadConfig::register`] takes.
pub trait HeadPart: std::fmt::Debug + Send + Sync {
    /// The names of the metrics that suit the head on such answers; the first judges the task unless the user names another.
    fn metrics(&self, answer: &Answer) -> &'static [&'static str];

    /// Builds the head of `task`, as [`HeadConfig::build`].
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range, or when the head learns from other labels than these.
    fn build(
        &self,
        scope: &mut Scope<'_>,
        task: &TaskName,
        view: &View,
        answer: &Answer,
        stats: Option<&LabelStats>,
    ) -> Result<Box<dyn Head>>;
}

registry! {
    /// The heads that a config file can name.
    pub enum HeadConfig, what = "head", outside = HeadPart {
        Class(ClassHeadConfig) = "class", "one of several classes: softmax and cross entropy";
        MultiLabel(MultiLabelHeadConfig) = "multi-label", "yes/no labels, one is binary: sigmoid and binary cross entropy";
        Funnel(FunnelHeadConfig) = "funnel", "yes/no labels, yes only after yes of another task: clicks, then purchases";
        Ordinal(OrdinalHeadConfig) = "ordinal", "grades, classes in an order: ordered thresholds (CORAL or cumulative link)";
        Regress(RegressHeadConfig) = "regress", "numbers: absolute, squared or Huber loss";
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
            AnswerTag::Sequence | AnswerTag::Custom(_) => {
                return Err(Error::InvalidConfig {
                    what: "head",
                    field: "kind",
                    expected: format!("a head of one's own for answers of kind {:?}", tag.name()),
                    found: "none that a file can name".into(),
                });
            }
        })
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

    /// Builds the head of `task` on features of that view, for answers as the data has them.
    ///
    /// `scope` is the task's own place: `root.sub("heads").sub(task).role(Role::Task(task_idx))`. `stats` are those of the training
    /// labels, from which heads take centers, scales and thresholds; `None` when weights will be loaded, which bring them.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range, or when the head learns other answers than these.
    pub fn build(
        &self,
        scope: &mut Scope<'_>,
        task: &TaskName,
        view: &View,
        answer: &Answer,
        stats: Option<&LabelStats>,
    ) -> Result<Box<dyn Head>> {
        Ok(match (self, answer) {
            (Self::Class(c), Answer::Class(classes)) => Box::new(ClassHead::new(scope, task, view, classes, c)?),
            (Self::MultiLabel(c), Answer::MultiLabel(labels)) => {
                Box::new(MultiLabelHead::new(scope, task, view, labels, c)?)
            }
            (Self::Funnel(c), Answer::MultiLabel(labels)) => Box::new(FunnelHead::new(scope, task, view, labels, c)?),
            (Self::Regress(c), Answer::Values(values)) => {
                Box::new(RegressHead::new(scope, task, view, values, c, stats)?)
            }
            (Self::Outside(part), answer) => return part.build(scope, task, view, answer, stats),
            (Self::Ordinal(c), Answer::Ordinal(grades)) => {
                Box::new(OrdinalHead::new(scope, task, view, grades, c, stats)?)
            }
            (Self::Tags(c), Answer::Tags(tags)) => Box::new(TagsHead::new(scope, task, view, tags, c)?),
            (Self::Crf(c), Answer::Tags(tags)) => Box::new(CrfHead::new(scope, task, view, tags, c)?),
            (
                Self::Class(_)
                | Self::MultiLabel(_)
                | Self::Funnel(_)
                | Self::Regress(_)
                | Self::Ordinal(_)
                | Self::Tags(_)
                | Self::Crf(_),
                _,
            ) => {
                return Err(Error::InvalidConfig {
                    what: "head",
                    field: "kind",
                    expected: format!("{:?} for the labels of task {task}", Self::default_for(answer)?.name()),
                    found: format!("{:?}, the labels are {}", self.name(), answer.describe()),
                });
            }
        })
    }
}
