//! How many threads work inside operations, where the user does not say.
//!
//! ```text
//! largest product of a training batch >= 2^26 multiply-adds   every processor
//! smaller                                                     every processor but one, at least 1
//! ```
//! The threads of an operation wait for the last of them. When another program takes a processor, that last one is the
//! thread which has none, and all others wait with it, operation after operation; with one processor left free there is
//! room for the other program, and for the threads that prepare batches. What that costs on a quiet machine is little as
//! long as products are small: on two processors a second thread gave 5 % for a largest product of 42 million
//! multiply-adds (Census-Income, hidden layers of 128 and 64, batches of 1024), 18 % for 84, 35 % for 168. Beside a busy
//! program one thread kept 0.8 of the quiet speed, two kept 0.45. `cargo xtask bench --suite load` measures it.
//!
//! The choice depends on the configuration and the machine, never on the load of the moment: a load seen at the start would
//! make two runs of one configuration differ in their last bits. The number is written into the run's `config.toml`.
//! `device.threads`, `OMP_NUM_THREADS` and `MKL_NUM_THREADS` take the choice away from here.

use std::{sync::OnceLock, thread::available_parallelism};

use mtl_core::{context::Cx, input::InputSpec, mode::Mode};
use tch::Device;

use crate::{error::Result, model::Model};

/// Multiply-adds of a product from which on every processor pays.
const LARGE: u64 = 1 << 26;

/// What a user sets to decide it for the process.
const CHOICES: [&str; 2] = ["OMP_NUM_THREADS", "MKL_NUM_THREADS"];

/// Threads for operations whose largest takes so many multiply-adds, on a machine for which libtorch would take `usual`
/// threads (of two threads of a core it counts one) and whose system offers `processors`.
#[must_use]
pub fn inside_operations(largest: u64, usual: usize, processors: usize) -> usize {
    let offered = if largest >= LARGE { processors } else { processors.saturating_sub(1) };
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

/// Threads for operations whose largest takes so many multiply-adds, in this process on this machine.
#[must_use]
pub fn by_work(largest: u64) -> usize {
    match CHOICES.iter().any(|name| std::env::var_os(name).is_some()) {
        true => usual(),
        false => inside_operations(largest, usual(), processors()),
    }
}

/// Sets the number of threads for training `model` on batches of so many samples.
pub(crate) fn settle(model: &Model, inputs: &InputSpec, batch_size: usize) {
    let threads = match model.params().device() {
        // A model that cannot run fails in its first step, where the error can name the batch.
        Device::Cpu => by_work(largest_product(model, inputs).unwrap_or(0).saturating_mul(batch_size as u64)),
        _ => usual(),
    };
    tch::set_num_threads(i32::try_from(threads).unwrap_or(1));
}

/// Multiply-adds of the largest layer for one sample.
fn largest_product(model: &Model, inputs: &InputSpec) -> Result<u64> {
    let _guard = tch::no_grad_guard();
    let cx = Cx::new(Mode::Eval).with_tape();
    model.forward(&inputs.example(1)?.to_device(model.params().device())?, |_| true, &cx)?;
    Ok(cx.take_tape().0.iter().map(|entry| entry.multiply_adds).max().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::RunConfig, session::Session};

    #[test]
    fn one_processor_stays_free_unless_products_are_large() {
        for (largest, usual, processors, threads) in [
            (0, 2, 2, 1),
            (LARGE - 1, 2, 2, 1),
            (LARGE, 2, 2, 2),
            (0, 1, 1, 1),
            (LARGE, 1, 1, 1),
            (0, 16, 16, 15),
            (0, 8, 16, 8),     // a thread a core: its siblings are free
            (LARGE, 64, 4, 4), // a container that is offered less than the machine has
            (0, 64, 4, 3),
        ] {
            assert_eq!(inside_operations(largest, usual, processors), threads, "{largest} {usual} {processors}");
        }
    }

    #[test]
    fn the_largest_layer_is_found() {
        for (encoder, expected) in [
            (r#"{ kind = "tabular", token_width = 2, hidden = [8, 4] }"#, 100 * 2 * 8),
            (r#"{ kind = "tabular", token_width = 1, hidden = [3, 300, 7] }"#, 300 * 7),
        ] {
            let text = format!(
                r#"
                data    = {{ kind = "synthetic-mmoe", train = 300, validation = 100, test = 100, targets = "binary" }}
                encoder = {encoder}
                "#
            );
            let config = RunConfig::parse(&text, "test".as_ref()).unwrap();
            let splits = config.data.load().unwrap();
            let session = Session::new(&config, &splits).unwrap();
            let inputs = &splits.train.info().inputs;
            assert_eq!(largest_product(session.trainer.model(), inputs).unwrap(), expected, "{encoder}");
        }
    }
}
