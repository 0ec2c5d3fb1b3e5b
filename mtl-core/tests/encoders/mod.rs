//! The encoders of the registry, small: laws look at every gradient in f64.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use mtl_core::{
    encode::{
        Adapters, ConvEncoderConfig, EncoderConfig, LstmEncoderConfig, MlpEncoderConfig, ResNet18Config,
        TabmEncoderConfig, TabularEncoderConfig,
    },
    nn::Activation,
};

/// Every encoder, in the order of the registry.
pub(crate) fn all() -> Vec<EncoderConfig> {
    EncoderConfig::ALL.iter().map(|(name, _)| small(name)).collect()
}

/// An encoder by its name; `tanh` where there is a choice, so that no unit is dead.
pub(crate) fn small(name: &str) -> EncoderConfig {
    let activation = Activation::Tanh;
    match EncoderConfig::by_name(name).unwrap() {
        EncoderConfig::Mlp(_) => {
            EncoderConfig::Mlp(MlpEncoderConfig { hidden: vec![6, 5, 4], activation, dropout: 0.0 })
        }
        EncoderConfig::Tabm(_) => EncoderConfig::Tabm(TabmEncoderConfig {
            members: 3,
            adapters: Adapters::All,
            token_width: 2,
            numbers: None,
            hidden: vec![4, 3],
            activation,
            dropout: 0.0,
        }),
        EncoderConfig::Tabular(_) => {
            let (token_width, hidden) = (3, vec![6, 5]);
            EncoderConfig::Tabular(TabularEncoderConfig { token_width, hidden, activation, ..Default::default() })
        }
        EncoderConfig::Conv(_) => {
            EncoderConfig::Conv(ConvEncoderConfig { channels: vec![3, 4], activation, dropout: 0.0 })
        }
        EncoderConfig::ResNet18(_) => EncoderConfig::ResNet18(ResNet18Config { width: 2, large_images: false }),
        EncoderConfig::Lstm(_) => EncoderConfig::Lstm(LstmEncoderConfig {
            embedding: 6,
            hidden: 3,
            layers: 2,
            word_dropout: 0.0,
            ..LstmEncoderConfig::default()
        }),
        EncoderConfig::Outside(part) => panic!("{part:?} is not of this crate"),
    }
}
