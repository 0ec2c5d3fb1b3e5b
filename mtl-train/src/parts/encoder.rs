//! The encoders of all crates under one name space: what `[encoder] kind = ".."` may say.

use mtl_attention::AttentionEncoderConfig;
use mtl_core::{
    Result,
    encode::{
        BuildEncoder, ConvEncoderConfig, Encoder, EncoderConfig, EncoderPart, InputSpec, LstmEncoderConfig,
        TabularEncoderConfig,
    },
    params::Scope,
};
use mtl_data::DatasetConfig;

use crate::parts::{
    architecture::Architecture,
    per_source::{MadeOfOthers, PerSourceConfig},
    union::union,
};

union! {
    /// An encoder, from whichever crate.
    pub enum AnyEncoder, what = "encoder", part = EncoderPart {
        /// One of layers alone.
        Core(EncoderConfig),
        /// One made of attention.
        Attention(AttentionEncoderConfig),
        /// One made of others.
        Others(MadeOfOthers),
    }
}

impl BuildEncoder for AnyEncoder {
    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        self.part().build(scope, spec)
    }
}

impl From<EncoderConfig> for AnyEncoder {
    fn from(config: EncoderConfig) -> Self {
        Self::Core(config)
    }
}

impl From<MadeOfOthers> for AnyEncoder {
    fn from(config: MadeOfOthers) -> Self {
        Self::Others(config)
    }
}

impl AnyEncoder {
    /// Whether it, and all that it is made of, is the workspace's own.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Core(config) => !matches!(config, EncoderConfig::Outside(_)),
            Self::Attention(_) => true,
            Self::Others(MadeOfOthers::PerSource(config)) => config.encoders().all(Self::is_ours),
        }
    }

    /// The encoder of a run that names none: `per-source` for several sources; `conv` for pictures; `lstm` for texts; for
    /// a table `tabular`, with a trunk of 128 and 64, or,
    /// where the architecture reads the fields themselves, without a trunk and with tokens as wide as a small trunk.
    #[must_use]
    pub fn default_for(data: &DatasetConfig, sharing: &Architecture) -> Self {
        match sharing.part().reads_fields() {
            reads_fields if data.sources().is_some() => {
                let config = if reads_fields { PerSourceConfig::of_fields() } else { PerSourceConfig::default() };
                MadeOfOthers::PerSource(config).into()
            }
            _ if data.has_pictures() => EncoderConfig::Conv(ConvEncoderConfig::default()).into(),
            _ if data.has_texts() => EncoderConfig::Lstm(LstmEncoderConfig::default()).into(),
            true => {
                let tokens = TabularEncoderConfig { token_width: 32, hidden: Vec::new(), ..Default::default() };
                EncoderConfig::Tabular(tokens).into()
            }
            false => table(),
        }
    }
}

/// The encoder of most tables.
pub(crate) fn table() -> AnyEncoder {
    EncoderConfig::Tabular(TabularEncoderConfig::default()).into()
}
