//! The models that steps are timed on.

use mtl_attention::{AttentionEncoderConfig, TransformerEncoderConfig};
use mtl_core::{
    answer::Answer,
    batch::{Batch, Target},
    encode::{ConvEncoderConfig, EncoderConfig, MlpEncoderConfig, ResNet18Config, TabularEncoderConfig},
    input::{CategoricalField, InputSpec, Picture},
    share::{MmoeConfig, SharingConfig},
    task::{Task, TaskSet},
};
use mtl_metrics::known;
use mtl_train::{
    Result,
    parts::{architecture::Architecture, encoder::AnyEncoder},
    train::model::{Blueprint, Model, ModelConfig},
};
use ndarray::Array2;
use tch::{Device, Kind};

/// A model and the size of its batch.
pub(super) struct Case {
    pub(super) name: &'static str,
    encoder: AnyEncoder,
    sharing: Architecture,
    inputs: InputSpec,
    batch: i64,
    /// Whether the quick suite times it too.
    pub(super) quick: bool,
    /// Whether its operations are so small that batching them could pay.
    pub(super) tiny: bool,
}

pub(super) fn cases() -> Vec<Case> {
    let numbers = |n: usize| (0..n).map(|i| format!("x{i}")).collect();
    let numeric = |n: usize| InputSpec::table(Vec::new(), numbers(n));
    let image = |[channels, height, width]: [i64; 3]| {
        InputSpec::new([("image", Picture { channels, height, width }.into())]).unwrap_or_default()
    };
    let field = |i: i64| CategoricalField { name: format!("c{i}"), cardinality: 5 + i };
    let mlp = |hidden: &[i64]| EncoderConfig::Mlp(MlpEncoderConfig { hidden: hidden.to_vec(), ..Default::default() });
    let hard = || Architecture::Core(SharingConfig::Hard(Default::default()));
    let base = |name, encoder: AnyEncoder, inputs, batch| Case {
        name,
        encoder,
        sharing: hard(),
        inputs,
        batch,
        quick: false,
        tiny: false,
    };
    let experts = MmoeConfig { experts: 8, hidden: vec![512, 256], ..MmoeConfig::default() };
    vec![
        Case { quick: true, tiny: true, ..base("mlp 64-64-64", mlp(&[64, 64, 64]).into(), numeric(64), 256) },
        Case {
            quick: true,
            ..base(
                "tabular 39 fields 128-64",
                EncoderConfig::Tabular(TabularEncoderConfig::default()).into(),
                InputSpec::table((0..32).map(field).collect(), numbers(7)),
                1024,
            )
        },
        Case {
            quick: true,
            ..base(
                "conv 16-32-64 on 36x36",
                EncoderConfig::Conv(ConvEncoderConfig::default()).into(),
                image([1, 36, 36]),
                64,
            )
        },
        base("mlp 512-1024x4", mlp(&[1024; 4]).into(), numeric(512), 256),
        Case {
            sharing: Architecture::Core(SharingConfig::Mmoe(experts)),
            ..base("mmoe 256, 8 x 512-256", mlp(&[256]).into(), numeric(256), 1024)
        },
        base(
            "transformer 128 x 4, 32 tokens",
            AnyEncoder::Attention(AttentionEncoderConfig::Transformer(TransformerEncoderConfig::default())),
            numeric(32),
            64,
        ),
        base("resnet-18 on 32x32", EncoderConfig::ResNet18(ResNet18Config::default()).into(), image([3, 32, 32]), 32),
    ]
}

/// A case for so many tasks, with a batch.
pub(super) struct Subject {
    pub(super) tasks: TaskSet,
    pub(super) model: Model,
    pub(super) batch: Batch,
}

impl Case {
    pub(super) fn subject(&self, n_tasks: usize) -> Result<Subject> {
        let tasks: Vec<Task> = (0..n_tasks)
            .map(|t| Task::new(&format!("t{t}")).and_then(|task| Ok(task.judged_by(known("rmse")?))))
            .collect::<mtl_core::Result<_>>()?;
        let tasks = TaskSet::new(tasks)?;
        let answers = vec![Answer::values(["y"]); n_tasks];
        let blueprint = Blueprint {
            inputs: &self.inputs,
            answers: &answers,
            labels: &[],
            kind: Kind::Float,
            device: Device::Cpu,
            seed: 1,
        };
        let config = ModelConfig { encoder: self.encoder.clone(), sharing: self.sharing.clone(), heads: Vec::new() };
        let model = Model::build(&config, &tasks, &blueprint)?;
        Ok(Subject { batch: batch(self, n_tasks)?, tasks, model })
    }
}

fn batch(case: &Case, n_tasks: usize) -> Result<Batch> {
    let b = case.batch;
    let rows = usize::try_from(b).unwrap_or(0);
    let targets: Vec<Option<Target>> = (0..n_tasks)
        .map(|t| {
            // Tasks that have something in common and something of their own.
            let value = |(r, _): (usize, usize)| if r % (t + 2) == 0 { 1.0 } else { -1.0 };
            Target::values(&format!("t{t}"), Array2::from_shape_fn((rows, 1), value).view()).map(Some)
        })
        .collect::<mtl_core::Result<_>>()?;
    Ok(Batch::new(case.inputs.example(b)?, targets, (0..b.unsigned_abs()).collect())?)
}
