//! Multi-gate mixture of experts: tasks mix shared experts, each by a gate of its own.
//!
//! ```text
//! z     = pooled encoder output                                [b, d_in]
//! f_e   = expert e, fully connected layers on z                [b, d],  e = 1..E
//! g_t   = softmax(z W_t + b_t)                                 [b, E], the gate of task t
//! y_t   = sum_e g_te f_e                                       [b, d]
//! aux   = balance * mean_t CV^2(mean over the batch of g_t)    CV = standard deviation over mean, across experts
//! ```
//! **Reference** Ma et al., "Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts", KDD
//! 2018; the load-balance loss is the importance loss of Shazeer et al., "Outrageously Large Neural Networks", ICLR 2017,
//! equation 6, per gate and averaged over tasks, so that a task may prefer experts but not all its samples one of them.
//!
//! **Differs from** LibMTL, whose gates read the raw input (pixels) and whose experts are `E` encoders run one after the
//! other: here gates read the same pooled features as the experts, and all experts are one batched product. Defaults:
//! 8 experts of `[64]`, balance 0.01 (0 switches it off).
//!
//! Tasks that are not wanted get no mixture. Their gates still take part in the load-balance loss, which is about the use of the
//! experts by all tasks, whichever has labels in a batch.
//!
//! The boundary is what all tasks read: the features as the gates see them, and the experts' outputs.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::{AuxiliaryLoss, SharedFeatures, Sharing, SharingPart, TaskMask};
use crate::{
    batch::Inputs,
    context::{AttnTrace, Cx},
    encode::{Encoder, EncoderPlan},
    error::{Error, Result, TorchContext},
    features::{Features, View},
    nn::{Activation, Dropout, Experts, Linear},
    params::{Role, Scope},
    task::TaskSet,
    world::sum_on_graph,
};

/// Settings of [`Mmoe`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MmoeConfig {
    /// How many experts, >= 1; default 8.
    #[schemars(range(min = 1))]
    pub experts: i64,
    /// Widths of an expert's layers, at least one, each >= 1; default `[64]`.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each layer of an expert; default `relu`.
    pub activation: Activation,
    /// Dropout after each layer of an expert, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// Weight of the load-balance loss, >= 0; default 0.01.
    #[schemars(range(min = 0.0))]
    pub balance: f64,
}

impl Default for MmoeConfig {
    fn default() -> Self {
        Self { experts: 8, hidden: vec![64], activation: Activation::Relu, dropout: 0.0, balance: 0.01 }
    }
}

/// The architecture.
#[derive(Debug)]
pub struct Mmoe {
    encoder: Box<dyn Encoder>,
    layers: Vec<Experts>,
    gates: Vec<Gate>,
    activation: Activation,
    dropout: Dropout,
    balance: f64,
    views: Vec<View>,
}

#[derive(Debug)]
struct Gate {
    task: String,
    linear: Linear,
}

impl Gate {
    /// What the task gets of experts `[b, E, d]` with weights `[b, E]`.
    fn mixture(&self, weights: &Tensor, experts: &Tensor, cx: &Cx) -> Result<Features> {
        let mixed = weights.f_unsqueeze(1).and_then(|w| w.f_bmm(experts)).and_then(|y| y.f_squeeze_dim(1));
        let mixed = mixed.op("mmoe")?; // [b, d]
        cx.trace(|| AttnTrace {
            site: format!("{}.gate", self.task),
            queries: vec![self.task.clone()],
            keys: (0..weights.size()[1]).map(|e| format!("expert{e}")).collect(),
            weights: weights.detach().view([-1, 1, 1, weights.size()[1]]),
        });
        Ok(Features::Pooled(mixed))
    }
}

impl Mmoe {
    /// Puts experts on `encoder`. They are made in `scope` with the stage `experts`, gates below `gates.<task>`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range.
    pub fn new(scope: &mut Scope<'_>, encoder: Box<dyn Encoder>, tasks: &TaskSet, config: &MmoeConfig) -> Result<Self> {
        if config.hidden.is_empty() {
            return refuse("hidden", "at least one layer", "[]".into());
        }
        if !(config.balance >= 0.0 && config.balance.is_finite()) {
            return refuse("balance", ">= 0", config.balance.to_string());
        }
        let mut width = encoder.view()?.width();
        let pooled = width;
        let mut layers = Vec::with_capacity(config.hidden.len());
        for (idx, &h) in config.hidden.iter().enumerate() {
            let mut place = scope.stage("experts");
            layers.push(Experts::new(&mut place.sub(format!("experts{idx}")), config.experts, width, h)?);
            width = h;
        }
        let mut gates = Vec::with_capacity(tasks.len());
        for (task_idx, task) in tasks.names().enumerate() {
            let mut place = scope.sub("gates");
            let mut place = place.sub(task.as_str());
            let linear = Linear::new(&mut place.role(Role::Gate(task_idx)), pooled, config.experts)?;
            gates.push(Gate { task: task.to_string(), linear });
        }
        let (activation, dropout) = (config.activation, Dropout::new(config.dropout)?);
        let views = vec![View::Pooled { width }; tasks.len()];
        Ok(Self { encoder, layers, gates, activation, dropout, balance: config.balance, views })
    }

    /// `[b, E, d]`: sample by sample, so that a gate's mixture is one batched product.
    fn experts(&self, pooled: &Tensor, cx: &Cx) -> Result<Tensor> {
        let mut xs = pooled.shallow_clone();
        for layer in &self.layers {
            xs = self.dropout.forward(self.activation.forward(&layer.forward(&xs, cx)?)?, cx)?; // [E, b, h]
        }
        xs.f_transpose(0, 1).op("mmoe")
    }

    /// Squared coefficient of variation of a gate's mean use of experts, over the batch of all ranks.
    fn imbalance(gate: &Tensor, cx: &Cx) -> Result<Tensor> {
        let usage = match cx.world() {
            None => gate.f_mean_dim(&[0i64][..], false, None::<Kind>).op("mmoe")?, // [E], sums to 1
            Some(_) => {
                let sum = gate.f_sum_dim_intlist(&[0i64][..], false, None::<Kind>).op("mmoe")?;
                let sum = sum_on_graph(&sum, cx.world())?;
                // Every sample's gate sums to 1, so all together are the number of samples.
                let n = sum.f_detach().and_then(|s| s.f_sum(s.kind())).op("mmoe")?;
                sum.f_div(&n).op("mmoe")?
            }
        };
        let experts = usage.numel() as i64;
        // The mean is 1/E, so CV^2 = E^2 var = E sum u^2 - 1 (population variance: 0 is balanced, E - 1 is one expert).
        let square = usage.f_square().and_then(|u| u.f_sum(gate.kind()));
        square.and_then(|s| s.f_mul_scalar(experts)).and_then(|s| s.f_sub_scalar(1.0)).op("mmoe")
    }
}

impl SharingPart for MmoeConfig {
    fn build(&self, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        let encoder = plan.whole(&mut scope.sub("encoder"))?;
        Ok(Box::new(Mmoe::new(&mut scope.sub("sharing"), encoder, tasks, self)?))
    }
}

impl Sharing for Mmoe {
    fn name(&self) -> &'static str {
        "mmoe"
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn members(&self) -> i64 {
        self.encoder.members()
    }

    fn forward(&self, inputs: &Inputs, wanted: &TaskMask, cx: &Cx) -> Result<SharedFeatures> {
        let pooled = self.encoder.forward(inputs, cx)?.pooled()?; // [b, d_in]
        let experts = self.experts(&pooled, cx)?; // [b, E, d]
        let read_by_gates = pooled.f_alias().op("mmoe")?;
        let mut per_task = Vec::with_capacity(self.gates.len());
        let mut imbalance: Option<Tensor> = None;
        for (task_idx, gate) in self.gates.iter().enumerate() {
            if !wanted.contains(task_idx) && self.balance == 0.0 {
                per_task.push(None);
                continue;
            }
            let weights = gate.linear.forward(&read_by_gates, cx)?.f_softmax(-1, None).op("mmoe")?; // [b, E]
            per_task.push(match wanted.contains(task_idx) {
                true => Some(gate.mixture(&weights, &experts, cx)?),
                false => None,
            });
            if self.balance > 0.0 {
                let own = Self::imbalance(&weights, cx)?;
                imbalance = Some(match imbalance {
                    None => own,
                    Some(sum) => sum.f_add(&own).op("mmoe")?,
                });
            }
        }
        let mut auxiliary = Vec::new();
        if let Some(sum) = imbalance {
            #[expect(clippy::cast_precision_loss, reason = "a count of tasks")]
            let factor = self.balance / self.gates.len() as f64;
            auxiliary.push(AuxiliaryLoss { name: "load-balance", loss: sum.f_mul_scalar(factor).op("mmoe")? });
        }
        Ok(SharedFeatures { per_task, auxiliary, boundary: vec![read_by_gates, experts] })
    }
}

fn refuse<T>(field: &'static str, expected: &str, found: String) -> Result<T> {
    Err(Error::InvalidConfig { what: "mmoe", field, expected: expected.to_owned(), found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::Mode;
    use tch::Device;

    #[test]
    fn a_gate_that_uses_all_experts_alike_is_balanced() {
        let even = Tensor::full([6, 4], 0.25, (Kind::Double, Device::Cpu));
        assert!(Mmoe::imbalance(&even, &Cx::new(Mode::Train)).unwrap().double_value(&[]).abs() < 1e-12);
        let one = Tensor::from_slice(&[1.0, 0.0, 0.0, 0.0]).repeat([6]).view([6, 4]);
        assert!((Mmoe::imbalance(&one, &Cx::new(Mode::Train)).unwrap().double_value(&[]) - 3.0).abs() < 1e-12);
    }
}
