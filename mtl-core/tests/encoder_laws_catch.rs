//! The laws find what is wrong with an encoder that is wrong on purpose: a checker that never complains checks nothing.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::atomic::{AtomicU64, Ordering};

use mtl_core::{
    Error, Result,
    batch::Inputs,
    context::{Cx, Product, TapeEntry},
    encode::{Encoder, Stage},
    features::{Features, View},
    input::{InputSpec, Length, Modality, Numeric, Tokens},
    laws,
    nn::Linear,
    params::{Init, Role, Scope},
};
use tch::{Kind, Tensor};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    PromisesMore,
    OneNameForTwoStages,
    WholeIsMore,
    RunsWhatIsNotThere,
    StageInAnotherPart,
    Random,
    LooksAtNeighbors,
    CountsPadding,
    HasAnIdleParameter,
    HasAParameterOfNoStage,
    KeepsItsParametersToItself,
    TakesAnything,
    MissesNothing,
    ReadsOneInput,
    InventsLayers,
    RemembersOutsideItsParameters,
    DrawsFromElsewhere,
    Infinite,
    WrongGradient,
    ClaimsMembers,
    MixesMembers,
}

/// Numbers and words: `tanh(W x + mean of word vectors)`, then a linear layer.
#[derive(Debug)]
struct Wrong {
    fault: Fault,
    first: Linear,
    words: Tensor,
    second: Linear,
    stages: Vec<Stage>,
    calls: AtomicU64,
    hidden: f64,
}

static MADE: AtomicU64 = AtomicU64::new(0);

impl Wrong {
    fn new(fault: Fault, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Self> {
        match fault {
            Fault::KeepsItsParametersToItself => Self::within(fault, &mut scope.role(Role::Task(0)), spec),
            _ => Self::within(fault, scope, spec),
        }
    }

    fn within(fault: Fault, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Self> {
        if spec.len() > 2 && fault != Fault::TakesAnything {
            let found = spec.describe();
            let expected = "numbers and words".to_owned();
            return Err(Error::InvalidConfig { what: "wrong encoder", field: "inputs", expected, found });
        }
        let made = MADE.fetch_add(1, Ordering::Relaxed) as f64;
        let words = scope.stage("first").param("words", &[5, 4], Init::Normal(0.7))?;
        let first = Linear::new(&mut scope.stage("first").sub("linear0"), 2, 4)?;
        let of_second = if fault == Fault::StageInAnotherPart { "first" } else { "second" };
        let second = Linear::new(&mut scope.stage(of_second).sub("linear1"), 4, 3)?;
        match fault {
            Fault::HasAnIdleParameter => _ = scope.stage("first").param("idle", &[2], Init::Ones)?,
            Fault::HasAParameterOfNoStage => _ = scope.stage("third").param("extra", &[2], Init::Ones)?,
            Fault::DrawsFromElsewhere => {
                let _guard = tch::no_grad_guard();
                let _ = words.shallow_clone().f_add_scalar_(made)?;
            }
            _ => {}
        }
        let width = if fault == Fault::PromisesMore { 5 } else { 4 };
        let name = if fault == Fault::OneNameForTwoStages { "first" } else { "second" };
        let stages = vec![
            Stage { name: "first".into(), view: View::Pooled { width } },
            Stage { name: name.into(), view: View::Pooled { width: 3 } },
        ];
        Ok(Self { fault, first, words, second, stages, calls: AtomicU64::new(0), hidden: made })
    }

    /// The mean of the vectors of a sample's words.
    fn words(&self, inputs: &Inputs) -> Result<Tensor> {
        let input = inputs.input("words")?;
        let vectors = self.words.f_index_select(0, &input.tensor().f_reshape([-1])?)?;
        let [b, l] = [input.tensor().size()[0], input.tensor().size()[1]];
        let vectors = vectors.f_view([b, l, 4])?;
        let keep = match input.pad_mask()? {
            Some(mask) if self.fault != Fault::CountsPadding => mask.f_logical_not()?,
            _ => Tensor::f_ones([b, l], (Kind::Bool, vectors.device()))?,
        };
        let keep = keep.f_to_kind(vectors.kind())?.f_unsqueeze(2)?;
        let count = keep.f_sum_dim_intlist(1i64, false, None::<Kind>)?.f_clamp_min(1.0)?;
        Ok(vectors.f_mul(&keep)?.f_sum_dim_intlist(1i64, false, None::<Kind>)?.f_div(&count)?)
    }
}

impl Encoder for Wrong {
    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn members(&self) -> i64 {
        if matches!(self.fault, Fault::ClaimsMembers | Fault::MixesMembers) { 2 } else { 1 }
    }

    fn embed(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        let mut hidden = match inputs.get("numbers") {
            Err(_) if self.fault == Fault::MissesNothing => self.words(inputs)?,
            numbers => self.first.forward(numbers?, cx)?,
        };
        match self.fault {
            Fault::ReadsOneInput => _ = inputs.get("words")?,
            _ => hidden = hidden.f_add(&self.words(inputs)?)?,
        }
        let mut hidden = hidden.tanh();
        match self.fault {
            Fault::Random => hidden += self.calls.fetch_add(1, Ordering::Relaxed) as f64,
            Fault::LooksAtNeighbors => hidden = &hidden - hidden.mean_dim(0i64, true, None::<Kind>) * 0.5,
            Fault::RemembersOutsideItsParameters => hidden += self.hidden,
            Fault::Infinite => hidden = &hidden / hidden.zeros_like(),
            Fault::WrongGradient => hidden = &hidden + hidden.detach(),
            // The members of a sample lie together in place of the samples of a member.
            Fault::MixesMembers => hidden = Tensor::stack(&[&hidden, &(&hidden * 2.0)], 1).flatten(0, 1),
            Fault::InventsLayers => cx.record(|| TapeEntry {
                layer: "encoder.nowhere".into(),
                input: hidden.shallow_clone(),
                output: hidden.shallow_clone(),
                multiply_adds: 1,
                product: Product::Linear { weight: self.words.shallow_clone(), bias: None },
            }),
            _ => {}
        }
        Ok(Features::Pooled(hidden))
    }

    fn advance(&self, stage_idx: usize, features: Features, cx: &Cx) -> Result<Features> {
        if stage_idx != 1 && self.fault != Fault::RunsWhatIsNotThere {
            return Err(Error::UnknownName { what: "stage", name: stage_idx.to_string(), known: vec!["1".into()] });
        }
        if stage_idx > 1 {
            return Ok(features);
        }
        Ok(Features::Pooled(self.second.forward(&features.pooled()?, cx)?))
    }

    fn forward(&self, inputs: &Inputs, cx: &Cx) -> Result<Features> {
        let ys = self.advance(1, self.embed(inputs, cx)?, cx)?.pooled()?;
        Ok(Features::Pooled(if self.fault == Fault::WholeIsMore { ys * 2.0 } else { ys }))
    }
}

/// The laws that are broken.
fn broken(fault: Fault) -> Vec<&'static str> {
    let words = Tokens { vocabulary: 5, pad: 0, length: Length::Ragged(4), unknown: None };
    let spec = InputSpec::new([
        ("numbers", Modality::from(Numeric::new(vec!["x".into(), "y".into()]))),
        ("words", words.into()),
    ]);
    let how = |scope: &mut Scope<'_>, spec: &InputSpec| -> Result<Box<dyn Encoder>> {
        Ok(Box::new(Wrong::new(fault, scope, spec)?))
    };
    let outcome = laws::encoder::check(&how, &spec.unwrap());
    outcome.err().map_or(Vec::new(), |broken| broken.names())
}

#[test]
fn an_encoder_without_faults_passes() {
    assert_eq!(broken(Fault::None), Vec::<&str>::new());
}

#[test]
fn every_law_finds_the_fault_that_it_is_for() {
    for (fault, law) in [
        (Fault::PromisesMore, "views"),
        (Fault::OneNameForTwoStages, "views"),
        (Fault::WholeIsMore, "stages"),
        (Fault::RunsWhatIsNotThere, "stages"),
        (Fault::StageInAnotherPart, "parts"),
        (Fault::Random, "repeatable"),
        (Fault::LooksAtNeighbors, "samples"),
        (Fault::CountsPadding, "padding"),
        (Fault::HasAnIdleParameter, "parameters"),
        (Fault::HasAParameterOfNoStage, "parameters"),
        (Fault::KeepsItsParametersToItself, "parameters"),
        (Fault::TakesAnything, "inputs"),
        (Fault::MissesNothing, "inputs"),
        (Fault::ReadsOneInput, "reads"),
        (Fault::InventsLayers, "tape"),
        (Fault::RemembersOutsideItsParameters, "saved"),
        (Fault::RemembersOutsideItsParameters, "seeded"),
        (Fault::DrawsFromElsewhere, "seeded"),
        (Fault::Infinite, "finite"),
        (Fault::WrongGradient, "gradient"),
        (Fault::ClaimsMembers, "views"),
        (Fault::MixesMembers, "samples"),
    ] {
        let found = broken(fault);
        assert!(found.contains(&law), "{fault:?} breaks {found:?}, not {law}");
    }
}
