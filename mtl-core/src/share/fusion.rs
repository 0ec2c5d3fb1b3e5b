//! Fusion: each input, or group of inputs, has an encoder of its own, and what they say is put together at the end.
//!
//! ```text
//! x_i = pooled output of the encoder of part i                [b, d_i],  i = 1..n
//! x   = [x_1 ; .. ; x_n]                                      [b, sum d_i]
//!
//! concatenation   y = relu(W x + b)                           [b, d], the same for all tasks
//! gated           h_i = tanh(W_i x_i + b_i)                   [b, d], shared
//!                 g_t = softmax over i of (V_t x + c_t ; 0)   [b, n, d], the gate of task t: for each number of y_t
//!                 y_t = sum_i g_ti * h_i                      [b, d]
//! ```
//! **Reference** concatenation: late fusion, as in Baltrusaitis, Ahuja and Morency, "Multimodal Machine Learning: A Survey and
//! Taxonomy", TPAMI 2019; gated: Arevalo et al., "Gated Multimodal Units for Information Fusion", ICLR workshop 2017.
//!
//! **Differs from** the gated unit: every task has a gate, because which input tells more depends on the task; gates have an offset; and
//! for more than two parts the weights of a number still add up to 1 (softmax with one logit fixed at 0, which for two parts is
//! exactly the unit's `z` and `1 - z`), where the paper's own form has independent sigmoids.
//!
//! A part is one input or several that one encoder reads; by default the fields of a table are one part, every other input one of its
//! own. Each is encoded by `[encoder]`, unless it names an encoder of its own:
//!
//! ```toml
//! encoder = { kind = "conv" }
//!
//! [sharing]
//! kind = "fusion"
//! combine = "gated"
//! parts = [{ inputs = ["image"] }, { inputs = ["categorical", "numeric"], encoder = { kind = "tabular" } }]
//! ```
//! Maps and tokens are pooled, so heads get one vector per sample. The boundary is `y`, or all `h_i` and `x` as gates read it.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{SharedFeatures, Sharing, SharingPart, TaskMask};
use crate::{
    batch::Inputs,
    context::Cx,
    encode::{Encoder, EncoderConfig, EncoderPlan, common_members},
    error::{Error, Result, TorchContext},
    features::{Features, View},
    nn::Linear,
    params::{Role, Scope},
    task::TaskSet,
};

/// How inputs are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// Side by side, then one layer.
    #[default]
    Concatenation,
    /// Weighed against one another, number by number, by a gate per task.
    Gated,
}

/// What one of the encoders reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FusionPart {
    /// Its inputs by name, at least one.
    pub inputs: Vec<String>,
    /// What encodes them; default the run's encoder.
    #[serde(default)]
    pub encoder: Option<EncoderConfig>,
}

/// Settings of [`Fusion`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FusionConfig {
    /// How inputs are put together; default `concatenation`.
    pub combine: Combine,
    /// Width of what tasks get, >= 1; default 64.
    #[schemars(range(min = 1))]
    pub width: i64,
    /// The parts, at least two; default the fields of a table as one, every other input as one of its own.
    pub parts: Vec<FusionPart>,
}

impl Default for FusionConfig {
    fn default() -> Self {
        Self { combine: Combine::Concatenation, width: 64, parts: Vec::new() }
    }
}

/// The architecture.
#[derive(Debug)]
pub struct Fusion {
    encoders: Vec<Box<dyn Encoder>>,
    layers: Layers,
    views: Vec<View>,
    members: i64,
}

#[derive(Debug)]
enum Layers {
    Concatenation(Linear),
    Gated { parts: Vec<Linear>, gates: Vec<Linear>, width: i64 },
}

impl Fusion {
    /// Encoders are made in `scope` below `encoder.parts.<input>`, with the names of several inputs joined by `+`, layers below
    /// `sharing` with the stage `fusion`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for fewer than two parts, one without inputs, ensembles of different numbers of members, or a width below 1; [`Error::UnknownName`] for an input
    /// that the data do not have; as [`EncoderPlan::whole`].
    pub fn new(scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet, config: &FusionConfig) -> Result<Self> {
        let all = || {
            let own = |inputs: Vec<&str>| inputs.into_iter().map(str::to_owned).collect();
            plan.input_groups().into_iter().map(|g| FusionPart { inputs: own(g), encoder: None }).collect()
        };
        let parts: Vec<FusionPart> = if config.parts.is_empty() { all() } else { config.parts.clone() };
        let names: Vec<String> = parts.iter().map(|p| p.inputs.join("+")).collect();
        if parts.len() < 2 || parts.iter().any(|p| p.inputs.is_empty()) {
            return refuse("parts", "at least two, each with at least one input", format!("{names:?}"));
        }
        if config.width < 1 {
            return refuse("width", ">= 1", config.width.to_string());
        }
        if let [first, second, ..] = plan.spec().sets() {
            let found = format!("those of {} or of {}, never together", first.name, second.name);
            return refuse("parts", "of inputs that every sample has, to be put together", found);
        }
        let mut encoders = Vec::with_capacity(parts.len());
        for (part, name) in parts.iter().zip(&names) {
            let own = plan.for_inputs(&part.inputs)?;
            let own = match &part.encoder {
                Some(encoder) => own.with_encoder(encoder),
                None => own,
            };
            let mut place = scope.sub("encoder");
            let mut place = place.sub("parts");
            encoders.push(own.whole(&mut place.sub(name))?);
        }
        let widths = encoders.iter().map(|e| Ok(e.view()?.width())).collect::<Result<Vec<i64>>>()?;
        let (total, width) = (widths.iter().sum(), config.width);
        let mut place = scope.stage("fusion");
        let mut place = place.sub("sharing");
        let layers = match config.combine {
            Combine::Concatenation => Layers::Concatenation(Linear::new(&mut place.sub("fused"), total, width)?),
            Combine::Gated => {
                let mut own = place.sub("parts");
                let hidden = names.iter().zip(&widths).map(|(name, &w)| Linear::new(&mut own.sub(name), w, width));
                let hidden = hidden.collect::<Result<Vec<_>>>()?;
                let free = parts.len() as i64 - 1;
                let mut own = place.sub("gates");
                let gates = tasks.names().enumerate().map(|(task_idx, name)| {
                    let mut place = own.sub(name.as_str());
                    Linear::new(&mut place.role(Role::Gate(task_idx)), total, free * width)
                });
                Layers::Gated { parts: hidden, gates: gates.collect::<Result<_>>()?, width }
            }
        };
        let members = common_members("fusion", encoders.iter().map(AsRef::as_ref))?;
        Ok(Self { encoders, layers, views: vec![View::Pooled { width }; tasks.len()], members })
    }
}

/// What a task gets of `hidden [b, n, d]`, by its gate over `read [b, sum d_i]`.
fn gated(gate: &Linear, read: &Tensor, hidden: &Tensor, width: i64, cx: &Cx) -> Result<Tensor> {
    let logits = gate.forward(read, cx)?; // [b, (n - 1) d]
    let logits = logits.f_view([-1, hidden.size()[1] - 1, width]).op("fusion")?;
    let fixed = logits.f_narrow(1, 0, 1).and_then(|l| l.f_zeros_like()).op("fusion")?; // [b, 1, d]
    let weights = Tensor::f_cat(&[logits, fixed], 1).and_then(|l| l.f_softmax(1, None)).op("fusion")?;
    weights.f_mul(hidden).and_then(|p| p.f_sum_dim_intlist(&[1i64][..], false, None::<tch::Kind>)).op("fusion") // [b, d]
}

impl SharingPart for FusionConfig {
    fn build(&self, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        Ok(Box::new(Fusion::new(scope, plan, tasks, self)?))
    }
}

impl Sharing for Fusion {
    fn name(&self) -> &'static str {
        "fusion"
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn members(&self) -> i64 {
        self.members
    }

    fn forward(&self, inputs: &Inputs, wanted: &TaskMask, cx: &Cx) -> Result<SharedFeatures> {
        let pooled = self.encoders.iter().map(|encoder| {
            let own = Features::Pooled(encoder.forward(inputs, cx)?.pooled()?);
            own.for_members(if encoder.members() == 1 { self.members } else { 1 })?.pooled()
        });
        let pooled = pooled.collect::<Result<Vec<_>>>()?; // [b, d_i] each
        let read = Tensor::f_cat(&pooled, 1).op("fusion")?; // [b, sum d_i]
        let n_tasks = self.views.len();
        let (per_task, boundary) = match &self.layers {
            Layers::Concatenation(linear) => {
                let fused = linear.forward(&read, cx)?.f_relu().op("fusion")?; // [b, d]
                let features = |t| wanted.contains(t).then(|| Features::Pooled(fused.shallow_clone()));
                ((0..n_tasks).map(features).collect(), vec![fused])
            }
            Layers::Gated { parts, gates, width } => {
                let hidden = parts.iter().zip(&pooled).map(|(layer, xs)| {
                    let ys = layer.forward(xs, cx)?;
                    ys.f_tanh().op("fusion")
                });
                let hidden = Tensor::f_stack(&hidden.collect::<Result<Vec<_>>>()?, 1).op("fusion")?; // [b, n, d]
                let one = |(t, gate)| match wanted.contains(t) {
                    true => Ok(Some(Features::Pooled(gated(gate, &read, &hidden, *width, cx)?))),
                    false => Ok(None),
                };
                (
                    gates.iter().enumerate().map(one).collect::<Result<_>>()?,
                    vec![read.shallow_clone(), hidden.shallow_clone()],
                )
            }
        };
        Ok(SharedFeatures { per_task, auxiliary: Vec::new(), boundary })
    }
}

fn refuse<T>(field: &'static str, expected: &str, found: String) -> Result<T> {
    Err(Error::InvalidConfig { what: "fusion", field, expected: expected.to_owned(), found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        input::{InputSpec, Modality, Numeric, Picture},
        mode::Mode,
        params::ParamSet,
        task::Task,
    };
    use tch::{Device, Kind};

    fn tasks() -> TaskSet {
        TaskSet::new(["a", "b"].map(|n| Task::new(n).unwrap()).into()).unwrap()
    }

    #[test]
    fn a_gate_weighs_two_inputs_as_z_and_one_minus_z() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 2);
        let gate = Linear::new(&mut params.root().sub("gate"), 3, 2).unwrap();
        let read = Tensor::from_slice(&[0.3, -1.0, 0.5, 2.0, 0.0, 1.0]).view([2, 3]);
        let hidden = Tensor::arange(8, (Kind::Double, Device::Cpu)).view([2, 2, 2]);
        let cx = Cx::new(Mode::Eval);
        let found = gated(&gate, &read, &hidden, 2, &cx).unwrap();
        let z = gate.forward(&read, &cx).unwrap().sigmoid();
        let by_hand: Tensor = &z * hidden.select(1, 0) + (1.0 - &z) * hidden.select(1, 1);
        assert!((found - by_hand).abs().max().double_value(&[]) < 1e-14);
    }

    #[test]
    fn each_part_reaches_its_own_encoder_only() {
        let image = Modality::from(Picture { channels: 1, height: 8, width: 8 });
        let x = Modality::from(Numeric::new(vec!["x".into()]));
        let spec = InputSpec::new([("numeric", x), ("image", image.clone())]).unwrap();
        let config: FusionConfig = serde_json::from_str(
            r#"{ "combine": "gated", "parts": [{ "inputs": ["image"] }, { "inputs": ["numeric"], "encoder": { "kind": "mlp" } }] }"#,
        )
        .unwrap();
        let conv = EncoderConfig::by_name("conv").unwrap();
        let plan = EncoderPlan::new(&conv, &spec);
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 2);
        let sharing = Fusion::new(&mut params.root(), &plan, &tasks(), &config).unwrap();
        assert_eq!(sharing.views()[1], View::Pooled { width: 64 });
        assert!(params.get("encoder.parts.numeric.layer0.0.weight").is_ok());
        assert!(params.get("encoder.parts.image.block0.weight").is_ok());
        assert_eq!(params.get("sharing.gates.b.weight").unwrap().role(), Role::Gate(1));
        assert_eq!(params.get("sharing.parts.image.weight").unwrap().stage(), Some("fusion"));

        let refusal = |config: FusionConfig, spec: &InputSpec| {
            let plan = EncoderPlan::new(&conv, spec);
            Fusion::new(&mut ParamSet::new(Kind::Float, Device::Cpu, 2).root(), &plan, &tasks(), &config)
                .unwrap_err()
                .to_string()
        };
        let only = InputSpec::new([("image", image)]).unwrap();
        let e = refusal(FusionConfig::default(), &only);
        assert_eq!(e, "fusion: parts must be at least two, each with at least one input, found [\"image\"]");
        let sound = FusionPart { inputs: vec!["sound".into()], encoder: None };
        let e = refusal(FusionConfig { parts: vec![sound.clone(), sound], ..Default::default() }, &spec);
        assert!(e.starts_with("unknown input \"sound\""), "{e}");
        let tabm = |input: &str, members: i64| {
            let text = format!(r#"{{ "inputs": ["{input}"], "encoder": {{ "kind": "tabm", "members": {members} }} }}"#);
            serde_json::from_str::<FusionPart>(&text).unwrap()
        };
        let numbers = || Modality::from(Numeric::new(vec!["x".into()]));
        let two = InputSpec::new([("a", numbers()), ("b", numbers())]).unwrap();
        let e = refusal(FusionConfig { parts: vec![tabm("a", 2), tabm("b", 3)], ..Default::default() }, &two);
        assert_eq!(e, "fusion: members must be the same for all ensembles that are put together, found 2 and 3");
        let e = refusal(FusionConfig { width: 0, ..Default::default() }, &spec);
        assert_eq!(e, "fusion: width must be >= 1, found 0");
        assert!(refusal(FusionConfig::default(), &spec).contains("one picture"), "conv cannot take the fields");
    }
}
