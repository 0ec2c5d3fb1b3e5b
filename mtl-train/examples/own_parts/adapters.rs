//! One trunk, corrected per task: `z_t = z + A_t z`.

use mtl_core::{
    Result,
    context::Cx,
    encode::{Encoder, EncoderPlan},
    features::{Features, View},
    input::Inputs,
    nn::Linear,
    params::{Role, Scope},
    share::{SharedFeatures, Sharing, SharingPart, TaskMask},
    task::TaskSet,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the architecture: there are none.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AdaptersConfig {}

impl SharingPart for AdaptersConfig {
    fn build(&self, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        let encoder = plan.whole(&mut scope.sub("encoder"))?;
        let width = encoder.view()?.width();
        let mut place = scope.sub("sharing");
        let mut own = Vec::with_capacity(tasks.len());
        for (idx, name) in tasks.names().enumerate() {
            own.push(Linear::new(&mut place.sub(name.as_str()).role(Role::Task(idx)), width, width)?);
        }
        Ok(Box::new(Adapters { encoder, views: vec![View::Pooled { width }; own.len()], own }))
    }
}

#[derive(Debug)]
struct Adapters {
    encoder: Box<dyn Encoder>,
    own: Vec<Linear>,
    views: Vec<View>,
}

impl Sharing for Adapters {
    fn name(&self) -> &'static str {
        "adapters"
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn members(&self) -> i64 {
        self.encoder.members()
    }

    fn forward(&self, inputs: &Inputs, wanted: &TaskMask, cx: &Cx) -> Result<SharedFeatures> {
        let z = self.encoder.forward(inputs, cx)?.pooled()?.shallow_clone(); // [b, d]
        let mut per_task = Vec::with_capacity(self.own.len());
        for (idx, own) in self.own.iter().enumerate() {
            let corrected = || Ok::<_, mtl_core::Error>(Features::Pooled(z.f_add(&own.forward(&z, cx)?)?));
            per_task.push(wanted.contains(idx).then(corrected).transpose()?);
        }
        Ok(SharedFeatures { per_task, auxiliary: Vec::new(), boundary: vec![z] })
    }
}
