//! Sequences reversed: a decoder that attends to tokens learns an algorithm, not its samples. The source is one of its own, with tokens
//! of any number in, and as many out.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::{Arc, Mutex};

use mtl_core::{
    answer::{Answer, Labels, numbered},
    batch::{Batch, Target},
    context::Cx,
    encode::EncoderPlan,
    input::{InputSpec, Inputs, Length, Tokens},
    loss::TaskLoss,
    mode::Mode,
    params::ParamSet,
    prediction::Prediction,
    rng::{Rng, derive},
    step::{Policy, StepEngine},
    task::{Task, TaskName, TaskSet},
};
use mtl_data::{DataInfo, Loader, LoaderConfig, Order, Result, Source, TaskInfo, stats};
use mtl_heads::{Ask, Head, HeadConfig, HeadOutput, HeadPlace, HeadSpec};
use mtl_train::{
    parts::{architecture::Architecture, encoder::AnyEncoder, method::MethodConfig},
    train::{
        model::{Blueprint, Model, ModelConfig},
        optim::OptimizerConfig,
    },
};
use tch::{Device, Kind};

const LETTERS: i64 = 8;
const LONGEST: i64 = 7;

/// Texts of random letters, and the same backwards.
struct Reversed {
    info: DataInfo,
    texts: Vec<Vec<i64>>,
}

impl Reversed {
    fn new(texts: Vec<Vec<i64>>) -> Arc<Self> {
        let tokens = Tokens { vocabulary: LETTERS + 1, pad: LETTERS, length: Length::Ragged(LONGEST), unknown: None };
        let answer = Answer::sequence(numbered(usize::try_from(LETTERS).unwrap()));
        let tasks = vec![TaskInfo { name: TaskName::new("back").unwrap(), answer }];
        Arc::new(Self { info: DataInfo { inputs: InputSpec::new([("tokens", tokens.into())]).unwrap(), tasks }, texts })
    }
}

impl Source for Reversed {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        self.texts.len() as u64
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        let texts: Vec<&Vec<i64>> = positions.iter().map(|p| &self.texts[usize::try_from(*p).unwrap()]).collect();
        let tokens = Tokens { vocabulary: LETTERS + 1, pad: LETTERS, length: Length::Ragged(LONGEST), unknown: None };
        let inputs = Inputs::new(vec![("tokens".to_owned(), tokens.batch(&texts)?)])?;
        let back: Vec<Vec<i64>> = texts.iter().map(|text| text.iter().rev().copied().collect()).collect();
        let target = Target::new("back", &self.info.tasks[0].answer, &Labels::lists(&back))?;
        Ok(Batch::new(inputs, vec![Some(target)], positions.to_vec())?)
    }
}

/// Texts to learn from, and others that are not among them.
fn texts(learned: usize, unseen: usize) -> (Vec<Vec<i64>>, Vec<Vec<i64>>) {
    let mut rng = Rng::new(derive(1, "reversal", 0));
    let mut drawn: Vec<Vec<i64>> = Vec::new();
    while drawn.len() < learned + unseen {
        let length = 2 + rng.below(LONGEST as u64 - 1);
        let text: Vec<i64> = (0..length).map(|_| rng.below(LETTERS as u64) as i64).collect();
        // Short ones run out: they may stand among the learned twice, never on both sides.
        if drawn.len() < learned || !drawn[..learned].contains(&text) {
            drawn.push(text);
        }
    }
    let unseen = drawn.split_off(learned);
    (drawn, unseen)
}

fn build(source: &dyn Source, head: &str) -> Model {
    let info = source.info();
    let answers = [info.tasks[0].answer.clone()];
    let labels = stats::of(source).unwrap();
    let blueprint = Blueprint {
        inputs: &info.inputs,
        answers: &answers,
        labels: &labels,
        kind: Kind::Float,
        device: Device::Cpu,
        seed: 3,
    };
    let encoder = "kind = 'transformer'\nwidth = 32\nheads = 4\nblocks = 1\nhidden = 64";
    let config = ModelConfig {
        encoder: toml::from_str::<AnyEncoder>(encoder).unwrap(),
        sharing: Architecture::by_name("hard").unwrap(),
        heads: vec![Some(toml::from_str(head).unwrap())],
    };
    let tasks = TaskSet::new(vec![Task::new("back").unwrap()]).unwrap();
    Model::build(&config, &tasks, &blueprint).unwrap()
}

/// The share of samples whose whole answer is right.
fn exact_match(model: &Model, source: &dyn Source) -> f64 {
    let batch = source.batch(&(0..source.len()).collect::<Vec<_>>()).unwrap();
    let Prediction::Sequence { tokens } = model.predict(&batch.inputs).unwrap().remove(0) else { panic!() };
    let truth = batch.targets[0].as_ref().unwrap().labels().unwrap();
    let right = (0..truth.len()).filter(|&row| tokens.gather(&[row]) == truth.gather(&[row])).count();
    right as f64 / truth.len() as f64
}

#[test]
fn a_decoder_learns_to_reverse_texts_that_it_never_saw() {
    let (learned, unseen) = texts(4000, 300);
    let (learned, unseen): (Arc<dyn Source>, Arc<dyn Source>) = (Reversed::new(learned), Reversed::new(unseen));
    let model = build(&*learned, "kind = 'gru-decoder'\nwidth = 64\nembedding = 16");
    assert!(exact_match(&model, &*unseen) < 0.05, "untrained");
    let config = LoaderConfig { batch_size: 64, order: Order::Shuffled, seed: 5, ..LoaderConfig::default() };
    let loader = Loader::new(learned, config).unwrap();
    let mut engine = StepEngine::new(
        model.tasks().clone(),
        model.params(),
        MethodConfig::default().build(model.tasks()).unwrap(),
        Policy::default(),
    );
    let mut optimizer = OptimizerConfig::default().build().unwrap();
    let (epochs, mut step) = (14u32, 0);
    for epoch in 0..epochs {
        let lr = 4e-3 * (1.0 - f64::from(epoch) / f64::from(epochs));
        for batch in loader.epoch(epoch.into()).unwrap() {
            let forward = model.losses(&batch.unwrap(), &Cx::new(Mode::Train)).unwrap();
            let (gradients, _) = engine.backward(model.params(), &forward, step).unwrap();
            optimizer.step(model.params(), &gradients.unwrap(), lr).unwrap();
            step += 1;
        }
    }
    let found = exact_match(&model, &*unseen);
    assert_eq!(found.to_bits(), 1f64.to_bits(), "exact match on unseen texts: {found}");
    // The same weights, searched by a beam.
    let beam = build(&*unseen, "kind = 'gru-decoder'\nwidth = 64\nembedding = 16\nbeam = 4");
    beam.params().load_safetensors(&model.params().to_safetensors().unwrap()).unwrap();
    assert_eq!(exact_match(&beam, &*unseen).to_bits(), 1f64.to_bits());
}

/// A head that writes down in which mode it saw a label.
#[derive(Debug)]
struct Watched {
    head: Box<dyn Head>,
    seen: Arc<Mutex<Vec<(Mode, bool)>>>,
}

impl Head for Watched {
    fn spec(&self) -> &HeadSpec {
        self.head.spec()
    }

    fn forward(&self, ask: &Ask<'_>) -> mtl_core::Result<HeadOutput> {
        self.seen.lock().unwrap().push((ask.cx.mode(), ask.target().is_some()));
        self.head.forward(ask)
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> mtl_core::Result<TaskLoss> {
        self.head.loss(out, target)
    }

    fn decode(&self, out: &HeadOutput) -> mtl_core::Result<Prediction> {
        self.head.decode(out)
    }
}

#[test]
fn the_model_shows_the_label_in_training_only() {
    let source = Reversed::new(texts(40, 1).0);
    let (info, tasks) = (source.info(), TaskSet::new(vec![Task::new("back").unwrap()]).unwrap());
    let encoder: AnyEncoder =
        toml::from_str("kind = 'transformer'\nwidth = 16\nheads = 2\nblocks = 1\nhidden = 16").unwrap();
    let mut params = ParamSet::new(Kind::Float, Device::Cpu, 3);
    let plan = EncoderPlan::new(&encoder, &info.inputs);
    let sharing = Architecture::by_name("hard").unwrap().build(&mut params.root(), &plan, &tasks).unwrap();
    let (name, answer) = (&info.tasks[0].name, &info.tasks[0].answer);
    let place = HeadPlace::in_model(params.root(), 0, name, &sharing.views()[0], answer);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let head = HeadConfig::default_for(answer).unwrap().build(place).unwrap();
    let head = Watched { head, seen: seen.clone() };
    let model = Model::new(params, tasks, sharing, vec![Box::new(head)]).unwrap();
    let batch = source.batch(&(0..8).collect::<Vec<_>>()).unwrap();
    let loss = |mode| model.losses(&batch, &Cx::new(mode)).unwrap().losses[0].sum.double_value(&[]);
    let (taught, afterwards) = (loss(Mode::Train), loss(Mode::Eval));
    model.predict(&batch.inputs).unwrap();
    assert_eq!(*seen.lock().unwrap(), [(Mode::Train, true), (Mode::Eval, false), (Mode::Eval, false)]);
    // An evaluation has a loss all the same, and it is the same: the label is looked at after the answer.
    assert_eq!(taught.to_bits(), afterwards.to_bits());
}
