//! How many ranks train ([`mtl_core::world`]), where a configuration leaves it to the machine (`device.ranks = "auto"`).
//!
//! ```text
//! largest product of a training batch small (see threads)     a rank for every processor, each with 256 samples of a batch at least
//! anything else: large products, an accelerator               one
//! ```
//! A second thread inside operations has to share out every single product; where these are small, most of what it gains is lost again
//! by waiting. A rank has its own samples and waits a few times a step. Large products are shared out well, and a rank of few samples
//! runs the same operations on less. `cargo xtask bench --suite ranks` measures both.
//!
//! As with [threads](super::threads) the choice depends on the configuration and the machine, never on the load of the moment, and the
//! number is written into the run's `config.toml`.

use serde::{Deserialize, Serialize};

use super::threads::{self, Work};

/// Samples of a batch that a rank should have at least.
const LEAST: usize = 256;

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
    /// By the sizes of products.
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
    if largest.is_large() { 1 } else { processors.min(batch_size / LEAST).max(1) }
}

/// The same for this process on this machine; a number of threads that the user gave it bounds ranks too.
#[must_use]
pub fn by_work(largest: Work, batch_size: usize) -> usize {
    that_pay(largest, batch_size, threads::usual().min(threads::processors()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_for_small_products_in_batches_that_can_be_shared() {
        let small = Work::default();
        for (largest, batch_size, processors, ranks) in [
            (small, 1024, 2, 2),
            (small, 1024, 16, 4),
            (small, 511, 8, 1),
            (small, 4096, 1, 1),
            (small, 0, 0, 1),
            (Work::LARGE, 1024, 2, 1),
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
