//! The compared models: same data, same budget, same optimizer; only what is shared, and how, differs.

use mtl_attention::{AttentionConfig, TaskQueryConfig};
use mtl_core::{
    encode::{EncoderConfig, TabularEncoderConfig},
    share::{HardSharingConfig, SharingConfig},
};
use mtl_data::{DataInfo, DatasetConfig};
use mtl_heads::{HeadConfig, MultiLabelHeadConfig};
use mtl_train::{
    Result,
    config::{DeviceConfig, RunConfig, TaskConfig},
    monitor::runlog::LogConfig,
    parts::{architecture::Architecture, encoder::AnyEncoder, method::MethodConfig},
    study::compare::{Method, Plan},
    train::{
        optim::{AdamWConfig, OptimizerConfig},
        trainer::TrainConfig,
    },
};

/// Name and one line on what it is, the single-task baseline first.
pub(crate) const ABOUT: [(&str, &str); 4] = [
    ("single task", "one network per task"),
    ("hard, equal", "one trunk, equal weights"),
    ("hard, upgrad", "one trunk, conflicts resolved by UPGrad"),
    ("task query", "each task attends to the fields with queries of its own, equal weights"),
];

/// The comparison; of the multi-task models only those whose name contains `only`.
pub(crate) fn plan(data: &DatasetConfig, info: &DataInfo, epochs: u64, seeds: u64, only: Option<&str>) -> Result<Plan> {
    let hard = || Architecture::Core(SharingConfig::Hard(HardSharingConfig::default()));
    let task_query = Architecture::Attention(AttentionConfig::TaskQuery(TaskQueryConfig::default()));
    let method = |at: usize, encoder: AnyEncoder, sharing, balancer: &str| -> Result<Method> {
        let name = ABOUT.get(at).map_or("", |(name, _)| *name).to_owned();
        Ok(Method { name, encoder, sharing, balancer: MethodConfig::by_name(balancer)? })
    };
    let trunk = || encoder(8, &[128, 64]);
    let mut methods = vec![
        method(1, trunk(), hard(), "equal")?,
        method(2, trunk(), hard(), "upgrad")?,
        method(3, encoder(32, &[]), task_query, "equal")?,
    ];
    methods.retain(|method| only.is_none_or(|part| method.name.contains(part)));
    let task = |name: String| TaskConfig {
        name,
        head: Some(HeadConfig::MultiLabel(MultiLabelHeadConfig { hidden: vec![32], ..Default::default() })),
        ..TaskConfig::default()
    };
    let base = RunConfig {
        init: None,
        stream: None,
        data: data.clone(),
        encoder: trunk(),
        sharing: hard(),
        balancer: MethodConfig::default(),
        train: TrainConfig {
            epochs: Some(epochs),
            batch_size: 1024,
            optimizer: OptimizerConfig::AdamW(AdamWConfig { lr: 2e-3, ..Default::default() }),
            ..TrainConfig::default()
        },
        tasks: info.tasks.iter().map(|t| task(t.name.to_string())).collect(),
        joint: Vec::new(),
        log: LogConfig::default(),
        device: DeviceConfig::default(),
    };
    let baseline = Some(method(0, trunk(), hard(), "equal")?);
    Ok(Plan { base, methods, baseline, seeds: (0..seeds).collect(), level: 0.95, alpha: 0.05 })
}

/// Tokens of that width, then hidden layers.
pub(crate) fn encoder(token_width: i64, hidden: &[i64]) -> AnyEncoder {
    AnyEncoder::Core(EncoderConfig::Tabular(TabularEncoderConfig {
        token_width,
        hidden: hidden.to_vec(),
        dropout: 0.2,
        ..Default::default()
    }))
}
