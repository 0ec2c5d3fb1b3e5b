//! The compared models: same data, same budget, same optimizer; only what is shared, and how, differs.

use mtl_attention::{AttentionConfig, TaskQueryConfig};
use mtl_core::{
    encode::{EncoderConfig, TabularEncoderConfig},
    share::{HardSharingConfig, SharingConfig},
};
use mtl_data::DatasetConfig;
use mtl_heads::{HeadConfig, MultiLabelHeadConfig};
use mtl_train::{
    Result,
    architecture::Architecture,
    config::{DeviceConfig, RunConfig, TaskConfig},
    encoder::AnyEncoder,
    method::MethodConfig,
    optim::{AdamWConfig, OptimizerConfig},
    trainer::TrainConfig,
};

/// One way to learn the tasks.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// Its name in tables.
    pub(crate) name: &'static str,
    /// One line on what it is.
    pub(crate) about: &'static str,
    /// Whether every task gets a network of its own.
    pub(crate) separate: bool,
    sharing: Architecture,
    hidden: Vec<i64>,
    token_width: i64,
    balancer: &'static str,
    lr: f64,
}

/// The candidates, the single-task baseline first.
pub(crate) fn candidates() -> Vec<Candidate> {
    let hard = || Architecture::Core(SharingConfig::Hard(HardSharingConfig::default()));
    let base = Candidate {
        name: "single task",
        about: "one network per task",
        separate: true,
        sharing: hard(),
        hidden: vec![128, 64],
        token_width: 8,
        balancer: "equal",
        lr: 2e-3,
    };
    vec![
        base.clone(),
        Candidate { name: "hard, equal", about: "one trunk, equal weights", separate: false, ..base.clone() },
        Candidate {
            name: "hard, upgrad",
            about: "one trunk, conflicts resolved by UPGrad",
            separate: false,
            balancer: "upgrad",
            ..base.clone()
        },
        Candidate {
            name: "task query",
            about: "each task attends to the fields with queries of its own, equal weights",
            separate: false,
            sharing: Architecture::Attention(AttentionConfig::TaskQuery(TaskQueryConfig::default())),
            hidden: vec![],
            token_width: 32,
            ..base
        },
    ]
}

impl Candidate {
    /// The run of this candidate on `tasks`.
    pub(crate) fn config(&self, data: &DatasetConfig, tasks: &[String], epochs: u64, seed: u64) -> Result<RunConfig> {
        let task = |name: &String| TaskConfig {
            name: name.clone(),
            weight: 1.0,
            primary: None,
            baseline: None,
            head: Some(HeadConfig::MultiLabel(MultiLabelHeadConfig { hidden: vec![32], ..Default::default() })),
        };
        Ok(RunConfig {
            data: data.clone(),
            encoder: AnyEncoder::Core(EncoderConfig::Tabular(TabularEncoderConfig {
                token_width: self.token_width,
                hidden: self.hidden.clone(),
                dropout: 0.2,
                ..Default::default()
            })),
            sharing: self.sharing.clone(),
            balancer: MethodConfig::by_name(self.balancer)?,
            train: TrainConfig {
                epochs,
                batch_size: 1024,
                seed,
                optimizer: OptimizerConfig::AdamW(AdamWConfig { lr: self.lr, ..Default::default() }),
                ..TrainConfig::default()
            },
            tasks: tasks.iter().map(task).collect(),
            device: DeviceConfig::default(),
        })
    }
}
