//! The heads that a config file can name.

use mtl_core::{Error, Result, features::View, label_stats::LabelStats, params::Scope, registry, task::TaskName};

use crate::{
    class::{ClassHead, ClassHeadConfig},
    head::Head,
    multi_label::{MultiLabelHead, MultiLabelHeadConfig},
    regress::{RegressHead, RegressHeadConfig},
    target::TargetSpec,
};

/// The settings of a head from outside: what [`HeadConfig::register`] takes.
pub trait HeadPart: std::fmt::Debug + Send + Sync {
    /// The names of the metrics that suit the head; the first judges the task unless the user names another.
    fn metrics(&self) -> &'static [&'static str];

    /// Builds the head of `task`, as [`HeadConfig::build`].
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range, or when the head learns from other labels than these.
    fn build(
        &self,
        scope: &mut Scope<'_>,
        task: &TaskName,
        view: &View,
        target: &TargetSpec,
        stats: Option<&LabelStats>,
    ) -> Result<Box<dyn Head>>;
}

registry! {
    /// The heads that a config file can name.
    pub enum HeadConfig, what = "head", outside = HeadPart {
        Class(ClassHeadConfig) = "class", "one of several classes: softmax and cross entropy";
        MultiLabel(MultiLabelHeadConfig) = "multi-label", "yes/no labels, one is binary: sigmoid and binary cross entropy";
        Regress(RegressHeadConfig) = "regress", "numbers: absolute, squared or Huber loss";
    }
}

impl HeadConfig {
    /// The head that suits such labels, with default settings.
    #[must_use]
    pub fn default_for(target: &TargetSpec) -> Self {
        match target {
            TargetSpec::Class { .. } => Self::Class(ClassHeadConfig::default()),
            TargetSpec::MultiLabel { .. } => Self::MultiLabel(MultiLabelHeadConfig::default()),
            TargetSpec::Values { .. } => Self::Regress(RegressHeadConfig::default()),
        }
    }

    /// The names of the metrics that suit the head; the first judges the task unless the user names another.
    #[must_use]
    pub fn metrics(&self) -> &'static [&'static str] {
        match self {
            Self::Class(_) => ClassHead::METRICS,
            Self::MultiLabel(_) => MultiLabelHead::METRICS,
            Self::Regress(_) => RegressHead::METRICS,
            Self::Outside(part) => part.metrics(),
        }
    }

    /// Builds the head of `task` on features of that view, for labels as the data has them.
    ///
    /// `scope` is the task's own place: `root.sub("heads").sub(task).role(Role::Task(task_idx))`. `stats` are those of the training
    /// labels, from which heads take centers and scales; `None` when weights will be loaded, which bring them.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range, or when the head learns from other labels than these.
    pub fn build(
        &self,
        scope: &mut Scope<'_>,
        task: &TaskName,
        view: &View,
        target: &TargetSpec,
        stats: Option<&LabelStats>,
    ) -> Result<Box<dyn Head>> {
        Ok(match (self, *target) {
            (Self::Class(c), TargetSpec::Class { classes }) => Box::new(ClassHead::new(scope, task, view, classes, c)?),
            (Self::MultiLabel(c), TargetSpec::MultiLabel { labels }) => {
                Box::new(MultiLabelHead::new(scope, task, view, labels, c)?)
            }
            (Self::Regress(c), TargetSpec::Values { values }) => {
                Box::new(RegressHead::new(scope, task, view, values, c, stats)?)
            }
            (Self::Outside(part), target) => return part.build(scope, task, view, &target, stats),
            (head, target) => {
                return Err(Error::InvalidConfig {
                    what: "head",
                    field: "kind",
                    expected: format!("{:?} for the labels of task {task}", Self::default_for(&target).name()),
                    found: format!("{:?}, the labels are {}", head.name(), target.describe()),
                });
            }
        })
    }
}
