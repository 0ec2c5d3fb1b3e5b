//! How many threads work inside operations, where the user does not say.
//!
//! ```text
//! of a training batch: largest product >= 2^26 multiply-adds, or
//!                      a layer gives >= 2^20 numbers                   every processor
//! smaller                                                              every processor but one, at least 1
//! ```
//! The threads of an operation wait for the last of them. When another program takes a processor, that last one is the
//! thread which has none, and all others wait with it, operation after operation; with one processor left free there is
//! room for the other program, and for the threads that prepare batches. What that costs on a quiet machine is little as
//! long as products are small: on two processors a second thread gave 5 % for a largest product of 42 million
//! multiply-adds (Census-Income, hidden layers of 128 and 64, batches of 1024; 14 % in another measurement), 18 % for 84, 35 % for
//! 168. Layers on many tokens have small products and large outputs, whose additions and activations are shared out too: a second
//! thread gave task-query attention on the same data 39 % (43 million multiply-adds, 1.3 million numbers). Beside a busy
//! program one thread kept 0.8 of the quiet speed, two kept 0.45. `cargo xtask bench --suite load` measures it.
//!
//! The choice depends on the configuration and the machine, never on the load of the moment: a load seen at the start would
//! make two runs of one configuration differ in their last bits. The number is written into the run's `config.toml`.
//! `device.threads`, `OMP_NUM_THREADS` and `MKL_NUM_THREADS` take the choice away from here.

use std::{sync::OnceLock, thread::available_parallelism};

use mtl_core::{context::Cx, input::InputSpec, mode::Mode};
use tch::Device;

use super::ranks;
use crate::{config::DeviceConfig, error::Result, train::model::Model};

/// Multiply-adds of a product from which on every processor pays.
const LARGE: u64 = 1 << 26;
/// Numbers of a layer's output from which on it does.
const WIDE: u64 = 1 << 20;

/// The largest there is to do at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Multiply-adds of a product.
    pub product: u64,
    /// Numbers that a layer gives.
    pub numbers: u64,
}

impl Work {
    /// Enough for every processor.
    pub const LARGE: Self = Self { product: LARGE, numbers: WIDE };

    fn times(self, samples: u64) -> Self {
        Self { product: self.product.saturating_mul(samples), numbers: self.numbers.saturating_mul(samples) }
    }

    pub(super) fn is_large(self) -> bool {
        self.product >= LARGE || self.numbers >= WIDE
    }
}

/// What a user sets to decide it for the process.
const CHOICES: [&str; 2] = ["OMP_NUM_THREADS", "MKL_NUM_THREADS"];

/// Threads for operations of which the largest is so large, on a machine for which libtorch would take `usual` threads (of two threads of a core it counts one) and whose system offers `processors`.
#[must_use]
pub fn inside_operations(largest: Work, usual: usize, processors: usize) -> usize {
    let offered = if largest.is_large() { processors } else { processors.saturating_sub(1) };
    usual.min(offered).max(1)
}

/// The number of threads that libtorch takes by itself, or by `OMP_NUM_THREADS`: what was in force before a session of this
/// process changed it.
#[must_use]
pub fn usual() -> usize {
    static FIRST: OnceLock<usize> = OnceLock::new();
    *FIRST.get_or_init(|| usize::try_from(tch::get_num_threads()).unwrap_or(1))
}

/// Processors that the system offers to this process.
#[must_use]
pub fn processors() -> usize {
    available_parallelism().map_or(1, usize::from)
}

/// Threads for operations of which the largest is so large, in this process on this machine.
#[must_use]
pub fn by_work(largest: Work) -> usize {
    match CHOICES.iter().any(|name| std::env::var_os(name).is_some()) {
        true => usual(),
        false => inside_operations(largest, usual(), processors()),
    }
}

/// Settles what the settings leave open for training `model` on batches of so many samples: sets the number of threads, and gives that of
/// ranks.
pub(crate) fn settle(config: &DeviceConfig, model: &Model, inputs: &InputSpec, batch_size: usize) -> usize {
    let is_cpu = model.params().device() == Device::Cpu;
    let asked = config.asks().number();
    if let (Some(ranks), Some(_)) | (Some(ranks @ 2..), None) = (asked, config.threads) {
        return ranks; // and threads are set by now
    }
    // A model that cannot run fails in its first step, where the error can name the batch.
    let largest = || of_a_sample(model, inputs).unwrap_or_default().times(batch_size as u64);
    let largest = if is_cpu { largest() } else { Work::LARGE };
    let ranks = asked.unwrap_or_else(|| ranks::by_work(largest, batch_size));
    let threads = match (ranks, config.threads) {
        (_, Some(threads)) => threads as usize,
        (2.., None) => 1,
        (_, None) if is_cpu => by_work(largest),
        (_, None) => usual(),
    };
    tch::set_num_threads(i32::try_from(threads).unwrap_or(1));
    ranks
}

/// What the largest layers have to do for one sample.
fn of_a_sample(model: &Model, inputs: &InputSpec) -> Result<Work> {
    let _guard = tch::no_grad_guard();
    let cx = Cx::new(Mode::Eval).with_tape();
    let output = model.forward(&inputs.example(1)?.to_device(model.params().device())?, |_| true, &cx)?;
    let tape = cx.take_tape();
    let product = tape.0.iter().map(|entry| entry.multiply_adds).max().unwrap_or(0);
    // Embeddings are on no tape; where tasks attend to them they are what the trunk gives.
    let outputs = tape.0.iter().map(|entry| &entry.output).chain(&output.boundary);
    Ok(Work { product, numbers: outputs.map(|xs| xs.numel() as u64).max().unwrap_or(0) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::RunConfig, run::session::Session};

    #[test]
    fn one_processor_stays_free_unless_there_is_much_to_do() {
        let (small, product) = (Work::default(), Work { product: LARGE, numbers: 1 });
        for (largest, usual, processors, threads) in [
            (small, 2, 2, 1),
            (Work { product: LARGE - 1, numbers: WIDE - 1 }, 2, 2, 1),
            (product, 2, 2, 2),
            (Work { product: 1, numbers: WIDE }, 2, 2, 2),
            (small, 1, 1, 1),
            (product, 1, 1, 1),
            (small, 16, 16, 15),
            (small, 8, 16, 8),   // a thread a core: its siblings are free
            (product, 64, 4, 4), // a container that is offered less than the machine has
            (small, 64, 4, 3),
        ] {
            assert_eq!(inside_operations(largest, usual, processors), threads, "{largest:?} {usual} {processors}");
        }
    }

    #[test]
    fn the_largest_layer_is_found() {
        for (sharing, encoder, product, numbers) in [
            ("hard", r#"{ kind = "tabular", token_width = 2, hidden = [8, 4] }"#, 100 * 2 * 8, 8),
            ("hard", r#"{ kind = "tabular", token_width = 1, hidden = [3, 300, 7] }"#, 300 * 7, 300),
            ("task-query", r#"{ kind = "tabular", token_width = 16, hidden = [] }"#, 8 * 16 * 128, 100 * 16),
        ] {
            let text = format!(
                r#"
                data    = {{ kind = "synthetic-mmoe", train = 300, validation = 100, test = 100, targets = "binary" }}
                encoder = {encoder}
                sharing = {{ kind = "{sharing}" }}
                "#
            );
            let config = RunConfig::parse(&text, "test".as_ref()).unwrap();
            let splits = config.data.load().unwrap();
            let session = Session::new(&config, &splits).unwrap();
            let inputs = &splits.train.info().inputs;
            let found = of_a_sample(session.trainer.model(), inputs).unwrap();
            assert_eq!(found, Work { product, numbers }, "{encoder}");
        }
    }
}
