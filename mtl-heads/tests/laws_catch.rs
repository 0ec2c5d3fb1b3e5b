//! The laws find what is wrong with a head that is wrong on purpose: a checker that never complains checks nothing. For every law there
//! is a fault that breaks it, in a head that else obeys all of them.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::atomic::{AtomicU32, Ordering};

use mtl_core::{
    Result,
    answer::{Answer, Labels, Sequence, numbered},
    batch::Target,
    features::{Features, View},
    input::InputSpec,
    loss::TaskLoss,
    mode::Mode,
    params::{Init, Scope},
    prediction::{Prediction, Scores},
    task::TaskName,
};
use mtl_heads::{
    Ask, GruDecoderHead, GruDecoderHeadConfig, Head, HeadConfig, HeadNeeds, HeadOutput, HeadPlace, HeadSpec, Tower,
    TowerShape, laws, to_array,
};
use ndarray::Axis;
use tch::{Kind, Tensor};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Nothing,
    /// A row too few is decoded.
    LosesASample,
    /// Classes are decoded where numbers are asked for.
    AnswersClasses,
    /// A missing label counts as a zero.
    MissingIsZero,
    /// The mean over the batch, with a count of 1.
    Mean,
    /// Weights of samples are not looked at.
    Unweighted,
    /// Each sample is measured against the mean of its batch.
    LooksAround,
    /// The place in the batch is part of the answer.
    Place,
    /// A parameter that nothing depends on.
    Idle,
    /// The gradient is not finite.
    RootOfZero,
    /// Noise in evaluation.
    Noise,
    /// Items that only pad a sample count as items.
    SeesPadding,
    /// The answer is the label, wherever there is one.
    Peeks,
    /// What the answer depends on is not among the parameters.
    Forgets,
    /// Labels are taken as they come.
    TakesAnything,
    /// An error that does not say whose it is.
    Anonymous,
    /// The answer is not what was learned.
    DecodesHalf,
}

/// The law that each breaks, others beside it perhaps.
const FAULTS: [(Fault, &str); 16] = [
    (Fault::LosesASample, "shape"),
    (Fault::AnswersClasses, "shape"),
    (Fault::MissingIsZero, "missing"),
    (Fault::Mean, "absent"),
    (Fault::Unweighted, "weights"),
    (Fault::LooksAround, "parts"),
    (Fault::Place, "permutation"),
    (Fault::Idle, "finite"),
    (Fault::RootOfZero, "finite"),
    (Fault::Noise, "repeatable"),
    (Fault::SeesPadding, "padding"),
    (Fault::Peeks, "unseen"),
    (Fault::Forgets, "saved"),
    (Fault::TakesAnything, "refused"),
    (Fault::Anonymous, "refused"),
    (Fault::DecodesHalf, "overfit"),
];

/// Squared error.
#[derive(Debug)]
struct Faulty {
    spec: HeadSpec,
    tower: Tower,
    fault: Fault,
    outside: f64,
}

static BUILT: AtomicU32 = AtomicU32::new(0);

impl Faulty {
    fn new(mut scope: Scope<'_>, fault: Fault) -> Result<Self> {
        if fault == Fault::Idle {
            let _ = scope.param("idle", &[1], Init::Zeros)?;
        }
        let pooled = View::Pooled { width: 6 };
        let view = if fault == Fault::SeesPadding { View::Tokens { width: 6 } } else { pooled.clone() };
        let (task, answer) = (TaskName::new("demo")?, Answer::values(["y"]));
        let mut place = HeadPlace::new(scope, &task, &view, &answer);
        let mut spec = place.spec("faulty", "numbers [b, 1]", &["mae"])?;
        spec.needs = HeadNeeds { target: true, ..HeadNeeds::default() };
        let tower = Tower::new(&mut place.scope, &pooled, 1, TowerShape::default())?;
        Ok(Self { spec, tower, fault, outside: f64::from(BUILT.fetch_add(1, Ordering::Relaxed)) })
    }
}

impl Head for Faulty {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        let zs = match ask.features {
            Features::Tokens(tokens) => {
                let mean = tokens.xs.mean_dim(1i64, false, None::<Kind>);
                self.tower.forward(&Features::Pooled(mean), ask.cx)?
            }
            pooled => self.tower.forward(pooled, ask.cx)?,
        }; // [b, 1]
        let zs = match self.fault {
            Fault::Place => &zs + Tensor::arange(zs.size()[0], (zs.kind(), zs.device())).view([-1, 1]) * 0.1,
            Fault::LooksAround => &zs - zs.mean(None::<Kind>) * 0.1,
            Fault::Noise if ask.cx.mode() == Mode::Eval => &zs + zs.rand_like() * 1e-3,
            Fault::Forgets => &zs + self.outside,
            Fault::Peeks => match ask.target().filter(|_| ask.cx.mode() == Mode::Eval) {
                Some(target) => target.cells().to_kind(zs.kind()),
                None => zs,
            },
            Fault::RootOfZero => &zs + (&zs * 0.0).sqrt(),
            _ => zs,
        };
        Ok(zs.into())
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let zs = out.main();
        let ys = match self.fault {
            Fault::TakesAnything => target.cells().to_kind(zs.kind()).view([-1, 1]).narrow(0, 0, 1).expand_as(zs),
            Fault::Anonymous => self
                .spec
                .accept(zs, target)
                .map_err(|_| mtl_core::Error::UnknownName {
                    what: "label",
                    name: "of some kind".into(),
                    known: Vec::new(),
                })?
                .to_kind(zs.kind()),
            _ => self.spec.accept(zs, target)?.to_kind(zs.kind()),
        };
        let missing = ys.isnan();
        let ys = ys.masked_fill(&missing, 0.0);
        let losses = (zs - ys).square();
        let losses = if self.fault == Fault::MissingIsZero { losses } else { losses.masked_fill(&missing, 0.0) };
        Ok(match self.fault {
            Fault::Mean => TaskLoss::new(losses.mean(None::<Kind>), 1.0),
            Fault::Unweighted => TaskLoss::new(losses.sum(None::<Kind>), target.known()),
            Fault::TakesAnything => TaskLoss::new(losses.sum(None::<Kind>), target.mass()),
            _ if target.mass() <= 0.0 => TaskLoss::absent(),
            _ => TaskLoss::new(self.spec.weighted_sum(&losses, target)?, target.mass()),
        })
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        let values = to_array(out.main())?;
        Ok(match self.fault {
            Fault::LosesASample => {
                let rows: Vec<usize> = (1..values.nrows()).collect();
                Prediction::Values { values: values.select(Axis(0), &rows) }
            }
            Fault::AnswersClasses => Prediction::Class { scores: values, kind: Scores::Logits },
            Fault::DecodesHalf => Prediction::Values { values: values * 0.5 },
            _ => Prediction::Values { values },
        })
    }
}

fn broken(fault: Fault) -> Vec<&'static str> {
    let verdict = laws::check(|scope| Faulty::new(scope, fault), laws::unit_values);
    verdict.err().map(|broken| broken.0.iter().map(|b| b.law).collect()).unwrap_or_default()
}

#[test]
fn every_law_finds_a_head_that_breaks_it() {
    assert_eq!(broken(Fault::Nothing), Vec::<&str>::new());
    for (fault, law) in FAULTS {
        let found = broken(fault);
        assert!(found.contains(&law), "{fault:?} breaks {found:?}, not {law}");
        assert!(found.iter().all(|law| laws::NAMES.contains(law)), "{found:?}");
    }
    for law in laws::NAMES {
        assert!(FAULTS.iter().any(|(_, broken)| broken == law), "no fault breaks {law}");
    }
}

/// A decoder that is wrong in what it decodes alone: the tensor of its output is right.
#[derive(Debug)]
struct Parrot {
    head: GruDecoderHead,
    fault: Fault,
}

impl Parrot {
    fn new(scope: Scope<'_>, fault: Fault) -> Result<Self> {
        let (task, view) = (TaskName::new("demo")?, View::Tokens { width: 6 });
        let sequence = Sequence { tokens: numbered(3) };
        let answer = Answer::Sequence(sequence.clone());
        let config = GruDecoderHeadConfig { width: 12, embedding: 4, max_length: 4, ..Default::default() };
        Ok(Self { head: GruDecoderHead::new(HeadPlace::new(scope, &task, &view, &answer), &sequence, &config)?, fault })
    }
}

impl Head for Parrot {
    fn spec(&self) -> &HeadSpec {
        self.head.spec()
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        let out = self.head.forward(ask)?;
        Ok(match ask.target().filter(|_| self.fault == Fault::Peeks) {
            Some(target) => out.with("label", target.cells().shallow_clone()),
            None => out,
        })
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        self.head.loss(out, target)
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        let rows = usize::try_from(out.main().size()[0]).unwrap();
        Ok(match (self.fault, out.extra("label")) {
            (Fault::Place, _) => Prediction::Sequence {
                tokens: Labels::lists(&(0..rows).map(|row| vec![row as i64 % 3]).collect::<Vec<_>>()),
            },
            (_, Ok(_)) => Prediction::Sequence { tokens: Labels::lists(&vec![vec![2, 2]; rows]) },
            _ => self.head.decode(out)?,
        })
    }
}

#[test]
fn what_is_wrong_in_decoding_alone_is_found_too() {
    for (fault, law) in [(Fault::Peeks, "unseen"), (Fault::Place, "permutation"), (Fault::Place, "overfit")] {
        let broken = laws::check(|scope| Parrot::new(scope, fault), laws::unit_values).unwrap_err();
        assert!(broken.0.iter().any(|b| b.law == law), "{fault:?}: {law} is not among {broken}");
    }
    laws::check(|scope| Parrot::new(scope, Fault::Nothing), laws::unit_values).unwrap();
}

#[test]
fn a_head_that_reads_inputs_needs_some() {
    let (task, view, answer) =
        (TaskName::new("restore").unwrap(), View::Pooled { width: 4 }, Answer::values(["x", "y"]));
    let inputs = InputSpec::table(Vec::new(), vec!["x".into(), "y".into()]);
    let head: HeadConfig = toml::from_str("kind = \"masked-reconstruction\"\nhidden = [32]").unwrap();
    let build = |scope: Scope<'_>| head.build(HeadPlace::new(scope, &task, &view, &answer).with_inputs(&inputs));
    let e = laws::check(build, laws::unit_values).unwrap_err().to_string();
    assert!(e.contains("masked-reconstruction of task restore reads (check_on)"), "{e}");
    laws::check_on(&inputs, build, laws::unit_values).unwrap();
}
