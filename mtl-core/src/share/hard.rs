//! Hard parameter sharing: one encoder, every task's head on its end.
//!
//! ```text
//! z = f(x),   y_t = h_t(z)
//! ```
//! Reference: Caruana, "Multitask Learning: A Knowledge-Based Source of Inductive Bias", ICML 1993. Differs from: nothing
//! known. Cost: one encoder pass for any number of tasks.

use serde::{Deserialize, Serialize};

use super::{SharedFeatures, Sharing, SharingPart, TaskMask};
use crate::{
    batch::Inputs,
    context::Cx,
    encode::{Encoder, EncoderPlan},
    error::{Error, Result},
    features::View,
    params::Scope,
    task::TaskSet,
};

/// Settings of [`HardSharing`]: there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HardSharingConfig {}

/// One trunk for all tasks.
#[derive(Debug)]
pub struct HardSharing {
    encoder: Box<dyn Encoder>,
    views: Vec<View>,
}

impl HardSharing {
    /// Shares `encoder` between `n_tasks` tasks.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] without tasks.
    pub fn new(encoder: Box<dyn Encoder>, n_tasks: usize) -> Result<Self> {
        if n_tasks == 0 {
            return Err(Error::InvalidConfig {
                what: "hard sharing",
                field: "tasks",
                expected: "at least one".into(),
                found: "none".into(),
            });
        }
        let views = vec![encoder.view()?.clone(); n_tasks];
        Ok(Self { encoder, views })
    }
}

impl SharingPart for HardSharingConfig {
    fn build(&self, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        let encoder = plan.whole(&mut scope.sub("encoder"))?;
        Ok(Box::new(HardSharing::new(encoder, tasks.len())?))
    }
}

impl Sharing for HardSharing {
    fn name(&self) -> &'static str {
        "hard"
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn members(&self) -> i64 {
        self.encoder.members()
    }

    fn forward(&self, inputs: &Inputs, wanted: &TaskMask, cx: &Cx) -> Result<SharedFeatures> {
        // Of nested maps each gets a handle of its own: the gradient of a fine map is then what heads read from it, without
        // what flows back from the coarser ones, and the graph can be cut there.
        let features = self.encoder.forward(inputs, cx)?.aliased()?;
        let boundary = features.tensors().into_iter().map(tch::Tensor::shallow_clone).collect();
        let per_task = (0..self.views.len()).map(|t| wanted.contains(t).then(|| features.shallow_clone())).collect();
        Ok(SharedFeatures { per_task, auxiliary: Vec::new(), boundary })
    }
}
