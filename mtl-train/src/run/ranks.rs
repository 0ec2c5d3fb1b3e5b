//! How many ranks train ([`mtl_core::world`]), where a configuration leaves it to the machine.
//!
//! ```text
//! on an accelerator, or more than four processors             one
//! parts from outside the workspace                            one
//! largest product of a training batch >= 2^30 multiply-adds   one
//! anything else                                               a rank for every processor, each with 128 samples of a batch at least
//! ```
//! A second thread inside operations has to share out every single product; most of what it gains is lost again by waiting. A rank
//! has its own samples and waits a few times a step. Very large products are shared out well, and a rank of few samples runs the
//! same number of operations on less. Two ranks with one thread each against one with two, samples per second, on two quiet processors
//! (`mtl-bench --suite ranks`, with `--only CONFIG.toml` for most; medians of two to five rounds). Beside other programs ranks gain more:
//! threads wait for each other at every operation.
//!
//! | network | batch | ratio |
//! |---|---|---|
//! | Census-Income, hidden layers of 128 and 64 | 32, 64, 128, 256, 1024 | 0.98, 0.87, 1.11, 1.24, 1.51 |
//! | the same with layers of 1024 (2^30 multiply-adds) | 1024 | 1.02 |
//! | mixture of 8 experts of 256; that of `census-mmoe.toml` | 1024; 128 | 1.22; 1.00 |
//! | task-query attention | 1024 | 1.23 |
//! | generated numbers, 4 experts | 256 | 1.16 |
//! | convolutions on pairs of garments | 128 | 1.20 |
//! | ATIS, recurrent layers | 32, 64 | 1.37, 1.51 |
//! | ResNet-18 (2^30.5 multiply-adds for 32 pictures) | 32, 64, 128 | 0.88, 0.92, 0.88 |
//!
//! More than four processors were never measured. Parts from outside may look at their batch as a whole in ways that nobody here knows
//! of (those that pass the laws do not, or over all ranks): for them ranks are for who asks.
//!
//! As with [threads] the choice depends on the configuration and the machine, never on the load of the moment, and the
//! number is written into the run's `config.toml`.

use mtl_core::{encode::EncoderConfig, share::SharingConfig};
use mtl_heads::HeadConfig;
use serde::{Deserialize, Serialize};

use super::threads::{self, Work};
use crate::{parts::architecture::Architecture, train::model::ModelConfig};

/// Samples of a batch that a rank should have at least.
const LEAST: usize = 128;
/// Multiply-adds of a product that threads share out as well as ranks do.
const LARGE: u64 = 1 << 30;
/// Processors for which ranks were measured, or nearly.
const FEW: usize = 4;

/// What a configuration says of ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged, expecting = "a number of ranks, or \"auto\"")]
pub enum Ranks {
    /// So many, >= 1.
    Number(#[schemars(range(min = 1))] u32),
    /// As many as pay.
    ByWork(Auto),
}

/// The word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Auto {
    /// As many as pay by the sizes of batches and products.
    Auto,
}

impl Ranks {
    /// The number where it is given.
    #[must_use]
    pub fn number(self) -> Option<usize> {
        match self {
            Self::Number(n) => Some(n as usize),
            Self::ByWork(Auto::Auto) => None,
        }
    }
}

/// Ranks for batches of so many samples, of whose operations the largest is so large, on so many processors.
#[must_use]
pub fn that_pay(largest: Work, batch_size: usize, processors: usize) -> usize {
    let pays = largest.product < LARGE && processors <= FEW;
    if pays { processors.min(batch_size / LEAST).max(1) } else { 1 }
}

/// The same for this process on this machine; a number of threads that the user gave it bounds ranks too.
#[must_use]
pub fn by_work(largest: Work, batch_size: usize) -> usize {
    match threads::usual() {
        1 => 1,
        _ => that_pay(largest, batch_size, threads::processors()),
    }
}

/// Whether all parts are the workspace's own, of which it is known that they learn from parts of a batch what they learn from the whole.
#[must_use]
pub fn are_ours(parts: &ModelConfig) -> bool {
    let is_ours = |encoder: &EncoderConfig| !matches!(encoder, EncoderConfig::Outside(_));
    let sharing = match &parts.sharing {
        Architecture::Core(SharingConfig::Outside(_)) => false,
        Architecture::Core(SharingConfig::Fusion(config)) => {
            config.parts.iter().filter_map(|part| part.encoder.as_ref()).all(is_ours)
        }
        Architecture::Core(_) | Architecture::Attention(_) => true,
    };
    sharing && parts.encoder.is_ours() && !parts.heads.iter().any(|head| matches!(head, Some(HeadConfig::Outside(_))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_for_batches_that_can_be_shared() {
        let small = Work::default();
        for (largest, batch_size, processors, ranks) in [
            (small, 1024, 2, 2),
            (small, 384, 4, 3),
            (small, 1024, 16, 1),
            (small, 255, 2, 1),
            (small, 4096, 1, 1),
            (small, 0, 0, 1),
            (Work { product: LARGE - 1, numbers: u64::MAX }, 1024, 2, 2),
            (Work { product: LARGE, numbers: 1 }, 1024, 2, 1),
        ] {
            assert_eq!(that_pay(largest, batch_size, processors), ranks, "{largest:?} {batch_size} {processors}");
        }
    }

    #[test]
    fn files_say_a_number_or_auto() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Device {
            ranks: Ranks,
        }
        for (text, ranks) in [("ranks = 3", Ranks::Number(3)), ("ranks = \"auto\"", Ranks::ByWork(Auto::Auto))] {
            let device: Device = toml::from_str(text).unwrap();
            assert_eq!((device.ranks, toml::to_string(&device).unwrap().trim()), (ranks, text));
        }
        let e = toml::from_str::<Device>("ranks = \"all\"").unwrap_err().to_string();
        assert!(e.contains("a number of ranks, or \"auto\""), "{e}");
    }
}
