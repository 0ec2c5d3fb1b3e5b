//! An encoder for samples that do not all bring the same inputs: each source's own, then layers that all share.
//!
//! ```text
//! h_s = pooled output of the encoder of source s           [b, d_s]      s: the source that the batch is of
//! x_0 = relu(W_s h_s + b_s)                                [b, width]    still the source's own
//! x_i = drop(act(V_i x_{i-1} + c_i)),  i = 1..n            [b, hidden_i] shared by all
//! ```
//! Two tables with different columns, or texts here and pictures there, have no layer in common that could read both. What they can
//! share begins where their features have one width: `W_s` brings them there. Sources that bring the same inputs share their encoder too.
//! Architectures see one encoder of the stages `sources`, `trunk0`, `trunk1`, ..: a column per task (cross-stitch), a branch at `trunk0`,
//! attention at every stage (MTAN) work as on any other. In a step of one source nothing of the others runs, and no parameter of theirs
//! gets a gradient.
//!
//! Where a source's encoder is an ensemble, its members go on through the shared layers, and features of sources whose encoder is none
//! are the same for each member.
//!
//! With `hidden = []` and `width = 0` nothing is added: features are what the source's encoder says, which must then be of one form for
//! all (tokens of one width, say, for attention over a table's fields).
//!
//! **Reference** the shared trunk over modality-specific input networks of Kaiser et al., "One Model To Learn Them All", 2017,
//! arXiv:1706.05137.

use std::collections::BTreeMap;

use mtl_core::{
    Result,
    batch::Inputs,
    context::Cx,
    encode::{
        ConvEncoderConfig, Encoder, EncoderConfig, EncoderPart, LstmEncoderConfig, Stage, TabularEncoderConfig, Takes,
        common_members,
    },
    error::Error,
    features::{Features, View},
    input::{InputSet, InputSpec, Modality},
    nn::{Activation, Dropout, Mlp},
    params::Scope,
};
use serde::{Deserialize, Serialize};

use super::encoder::AnyEncoder;

mtl_core::registry! {
    /// The encoders that are made of others.
    pub enum MadeOfOthers, what = "encoder", part = EncoderPart {
        PerSource(PerSourceConfig) = "per-source", "an encoder for each source's inputs, then layers that all share";
    }
}

/// Settings of [`PerSource`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PerSourceConfig {
    /// Width to which each source's features are brought by a layer of its own, >= 0; 0 leaves them as they are, which is for `hidden = []`;
    /// default 64.
    #[schemars(range(min = 0))]
    pub width: i64,
    /// Widths of the layers that all sources share, each >= 1; default `[64]`.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each of them; default `relu`.
    pub activation: Activation,
    /// Dropout after each of them, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// What encodes the inputs of a source that names nothing; default what suits them: `tabular` with a layer of 128 for a table's
    /// fields, `conv` for a picture, `lstm` for a text or a signal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<Box<AnyEncoder>>,
    /// What encodes the inputs of a source, by its name; one of which no task is learned has none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, AnyEncoder>,
}

impl Default for PerSourceConfig {
    fn default() -> Self {
        Self {
            width: 64,
            hidden: vec![64],
            activation: Activation::Relu,
            dropout: 0.0,
            encoder: None,
            sources: BTreeMap::new(),
        }
    }
}

impl PerSourceConfig {
    /// For architectures that choose among the fields of tables: tokens of each source, and no layer that mixes them.
    pub(crate) fn of_fields() -> Self {
        let tokens = TabularEncoderConfig { token_width: 32, hidden: Vec::new(), ..Default::default() };
        let encoder = Some(Box::new(EncoderConfig::Tabular(tokens).into()));
        Self { width: 0, hidden: Vec::new(), encoder, ..Self::default() }
    }

    /// Those that it names.
    pub(crate) fn encoders(&self) -> impl Iterator<Item = &AnyEncoder> {
        self.encoder.as_deref().into_iter().chain(self.sources.values())
    }

    /// What encodes a set of inputs.
    fn encoder_of(&self, set: &InputSet, spec: &InputSpec) -> Result<AnyEncoder> {
        let mut named = self.sources.iter().filter(|(source, _)| set.is_of(source));
        if let Some((source, encoder)) = named.next() {
            return match named.find(|(_, other)| *other != encoder) {
                None => Ok(encoder.clone()),
                Some((other, _)) => {
                    let expected = format!("one encoder for {source} and {other}, which bring the same inputs");
                    refuse("sources", &expected, "two".into())
                }
            };
        }
        self.encoder.as_deref().map_or_else(|| suiting(set, spec), |encoder| Ok(encoder.clone()))
    }
}

/// What encodes inputs of which nothing is said.
fn suiting(set: &InputSet, spec: &InputSpec) -> Result<AnyEncoder> {
    let are = |is: fn(&Modality) -> bool| spec.iter().all(|(_, modality)| is(modality));
    let one = |is: fn(&Modality) -> bool| spec.len() == 1 && are(is);
    let config = if are(|m| matches!(m, Modality::Categorical(_) | Modality::Numeric(_))) {
        EncoderConfig::Tabular(TabularEncoderConfig { hidden: vec![128], ..Default::default() })
    } else if one(|m| matches!(m, Modality::Picture(_))) {
        EncoderConfig::Conv(ConvEncoderConfig::default())
    } else if one(|m| matches!(m, Modality::Tokens(_) | Modality::Signal(_))) {
        EncoderConfig::Lstm(LstmEncoderConfig::default())
    } else {
        let expected = format!("an encoder for {}, whose inputs none is the default of", set.name);
        return refuse("sources", &expected, spec.describe());
    };
    Ok(config.into())
}

/// The encoder.
#[derive(Debug)]
pub struct PerSource {
    /// What it is built for.
    spec: InputSpec,
    /// By set of inputs.
    sources: Vec<OneSource>,
    trunk: Vec<Mlp>,
    stages: Vec<Stage>,
    members: i64,
}

#[derive(Debug)]
struct OneSource {
    encoder: Box<dyn Encoder>,
    /// To the width that all have; `None` where features stay as they are.
    layer: Option<Mlp>,
}

impl PerSource {
    /// Any inputs: what a source's encoder does not take that one refuses.
    pub const TAKES: Takes =
        Takes { encoder: "per-source encoder", what: "inputs", accepts: |_| true, at_most: usize::MAX };

    /// Encoders are made in `scope` below `sources.<name>`, names of several sources that bring the same inputs joined by `+`, or
    /// `sources.all` where there are none; shared layers below `trunk<i>`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range, for inputs that no encoder is named for or suits, and for features of several
    /// forms that no layer brings together, or ensembles of different numbers of members; those of the encoders.
    pub fn new(scope: &mut Scope<'_>, spec: &InputSpec, config: &PerSourceConfig) -> Result<Self> {
        let PerSourceConfig { width, hidden, activation, dropout, .. } = config;
        if *width < 0 || (*width == 0 && !hidden.is_empty()) {
            return refuse("width", ">= 1 where there are shared layers", width.to_string());
        }
        let dropout = Dropout::new(*dropout)?;
        let all = InputSet { name: "all".into(), inputs: spec.iter().map(|(name, _)| name.to_owned()).collect() };
        let sets = if spec.sets().is_empty() { std::slice::from_ref(&all) } else { spec.sets() };
        let mut sources: Vec<OneSource> = Vec::with_capacity(sets.len());
        let mut view: Option<View> = None;
        for set in sets {
            let own = spec.of_set(set)?;
            let built = config.encoder_of(set, &own)?;
            let mut place = scope.one_stage("sources");
            let mut place = place.sub("sources");
            let mut place = place.sub(&set.name);
            let encoder =
                built.part().build(&mut place, &own).map_err(|e| e.inside(format!("sources.{}", set.name)))?;
            let ends = encoder.view()?.clone();
            let layer = match width {
                0 => None,
                width => Some(Mlp::new(
                    &mut place.sub("width"),
                    ends.width(),
                    &[*width],
                    Activation::Relu,
                    Dropout::new(0.0)?,
                )?),
            };
            let ends = layer.as_ref().map_or(ends, |layer| View::Pooled { width: layer.outputs() });
            if let Some(view) = view.as_ref().filter(|view| **view != ends) {
                let found = format!("{} of {} after {}", ends.describe(), set.name, view.describe());
                return refuse("width", "above 0 where encoders end in several forms", found);
            }
            view = Some(ends);
            sources.push(OneSource { encoder, layer });
        }
        let Some(view) = view else { return refuse("sources", "at least one", "none".into()) };
        let mut before = view.width();
        let mut stages = vec![Stage { name: "sources".into(), view }];
        let mut trunk = Vec::with_capacity(hidden.len());
        for (idx, &h) in hidden.iter().enumerate() {
            let name = format!("trunk{idx}");
            let mut place = scope.stage(&name);
            trunk.push(Mlp::new(&mut place.sub(&name), before, &[h], *activation, dropout)?);
            stages.push(Stage { name, view: View::Pooled { width: h } });
            before = h;
        }
        let members = common_members("per-source encoder", sources.iter().map(|source| source.encoder.as_ref()))?;
        Ok(Self { spec: spec.clone(), sources, trunk, stages, members })
    }
}

impl EncoderPart for PerSourceConfig {
    fn takes(&self) -> Takes {
        PerSource::TAKES
    }

    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        Ok(Box::new(PerSource::new(scope, spec, self)?))
    }
}

impl Encoder for PerSource {
    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn members(&self) -> i64 {
        self.members
    }

    fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        let at = if self.sources.len() < 2 { 0 } else { self.spec.set_of(inputs)? };
        let Some(source) = self.sources.get(at) else { return Err(no_stage(&self.stages, 0)) };
        let features = source.encoder.forward(inputs, cx)?;
        let features = match &source.layer {
            None => features,
            Some(layer) => Features::Pooled(layer.forward(&features.pooled()?, cx)?),
        };
        features.for_members(if source.encoder.members() == 1 { self.members } else { 1 })
    }

    fn advance(&self, stage_idx: usize, features: Features, cx: &Cx) -> Result<Features> {
        let layer = stage_idx.checked_sub(1).and_then(|at| self.trunk.get(at));
        let layer = layer.ok_or_else(|| no_stage(&self.stages, stage_idx))?;
        Ok(Features::Pooled(layer.forward(&features.pooled()?, cx)?))
    }
}

fn no_stage(stages: &[Stage], idx: usize) -> Error {
    let known = stages.iter().map(|stage| stage.name.clone()).collect();
    Error::UnknownName { what: "stage", name: idx.to_string(), known }
}

fn refuse<T>(field: &'static str, expected: &str, found: String) -> Result<T> {
    Err(Error::InvalidConfig { what: "per-source encoder", field, expected: expected.to_owned(), found })
}

#[cfg(test)]
mod tests {
    use mtl_core::{
        encode::{BuildEncoder, EncoderPlan},
        input::{Length, Picture, Tokens},
        laws,
        mode::Mode,
        params::{ParamSet, Role},
    };
    use tch::{Device, Kind};

    use super::*;

    fn spec() -> InputSpec {
        let text = Tokens { vocabulary: 7, pad: 0, unknown: Some(1), length: Length::Ragged(5) };
        let text = InputSpec::new([("text", Modality::from(text))]).unwrap();
        let table = InputSpec::table(Vec::new(), vec!["x".into(), "y".into()]);
        let picture = Modality::from(Picture { channels: 1, height: 12, width: 12 });
        let picture = InputSpec::new([("image", picture)]).unwrap();
        InputSpec::joined([("a", &text), ("b", &table), ("c", &picture), ("d", &text)]).unwrap()
    }

    fn config(text: &str) -> PerSourceConfig {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn it_is_an_encoder_like_any_other() {
        let spec = spec();
        let config = AnyEncoder::by_name("per-source").unwrap();
        for set in spec.sets() {
            let own = spec.of_set(set).unwrap();
            assert_eq!(laws::encoder::check(&config, &own), Ok(()), "{}", set.name);
        }
        let tokens: AnyEncoder = MadeOfOthers::PerSource(PerSourceConfig::of_fields()).into();
        assert_eq!(laws::encoder::check(&tokens, &spec.of_set(&spec.sets()[1]).unwrap()), Ok(()));
    }

    #[test]
    fn a_batch_runs_the_encoder_of_its_source_and_what_all_share() {
        let (spec, mut params) = (spec(), ParamSet::new(Kind::Float, Device::Cpu, 1));
        let config = config("width = 8\nhidden = [6, 4]\nsources = { b = { kind = \"mlp\", hidden = [5] } }");
        let encoder = PerSource::new(&mut params.root().sub("encoder"), &spec, &config).unwrap();
        let stages: Vec<&str> = encoder.stages().iter().map(|stage| stage.name.as_str()).collect();
        assert_eq!(stages, ["sources", "trunk0", "trunk1"]);
        assert!(params.params().iter().all(|p| stages.contains(&p.stage().unwrap())), "no stage of a part counts");
        assert!(params.get("encoder.sources.a+d.width.0.weight").is_ok());
        assert!(params.get("encoder.sources.b.layer0.0.weight").is_ok());
        for set in spec.sets() {
            let mut params = ParamSet::new(Kind::Float, Device::Cpu, 1);
            let encoder = PerSource::new(&mut params.root().sub("encoder"), &spec, &config).unwrap();
            let inputs = spec.of_set(set).unwrap().example(3).unwrap();
            let out = encoder.forward(&inputs, &Cx::new(Mode::Train)).unwrap().pooled().unwrap();
            assert_eq!(out.size(), [3, 4]);
            out.sum(Kind::Float).backward();
            let own = format!("encoder.sources.{}.", set.name);
            for p in params.params() {
                let is_run = p.name().starts_with(&own) || p.name().starts_with("encoder.trunk");
                assert_eq!(p.tensor().grad().defined(), is_run, "{} in a batch of {}", p.name(), set.name);
            }
        }
        let mut shared = ParamSet::new(Kind::Float, Device::Cpu, 1);
        let any: AnyEncoder = MadeOfOthers::PerSource(config).into();
        let plan = EncoderPlan::new(&any as &dyn BuildEncoder, &spec);
        plan.stages(&mut shared.root().role(Role::Task(0)), 1..3).unwrap();
        assert_eq!(shared.params().len(), 4, "a part has none of the sources' encoders");
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        let refusal = |text: &str| {
            let mut params = ParamSet::new(Kind::Float, Device::Cpu, 1);
            PerSource::new(&mut params.root(), &spec(), &config(text)).unwrap_err().to_string()
        };
        assert!(refusal("width = 0").contains("width must be >= 1 where there are shared layers, found 0"));
        let e = refusal("sources = { a = { kind = \"lstm\" }, d = { kind = \"transformer\" } }");
        assert!(e.contains("one encoder for a and d, which bring the same inputs"), "{e}");
        let e = refusal("width = 0\nhidden = []");
        assert!(
            e.contains("above 0 where encoders end in several forms, found pooled [b, 128] of b after tokens"),
            "{e}"
        );
        let e = refusal("sources = { b = { kind = \"conv\" } }");
        assert!(e.contains("conv encoder: inputs must be one picture"), "{e}");
    }
}
