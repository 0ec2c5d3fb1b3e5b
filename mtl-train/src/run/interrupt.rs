//! Ctrl-C and termination: the run writes a checkpoint and ends, instead of losing the steps since the last one.
//!
//! The first SIGINT or SIGTERM asks the trainer to stop after the step at hand; a second one ends the process at once, as
//! it would have without us. Programs exit with 128 + the signal's number, as shells expect.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use crate::{
    error::{Error, Result},
    train::trainer::{Flow, Observer},
};

/// An observer that stops the run when the process is asked to end.
#[derive(Debug, Clone)]
pub struct Interrupt {
    signal: Arc<AtomicUsize>,
}

impl Interrupt {
    /// Listens from now on, for the rest of the process.
    ///
    /// # Errors
    /// [`Error::Io`] when the system refuses.
    pub fn listen() -> Result<Self> {
        let io = |e| Error::io("signals", "cannot listen", e);
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [SIGINT, SIGTERM] {
            let seen = Arc::new(AtomicBool::new(false));
            // In this order: the shutdown of the second signal looks at what the first has set.
            flag::register_conditional_shutdown(number, 128 + number, seen.clone()).map_err(io)?;
            flag::register(number, seen).map_err(io)?;
            flag::register_usize(number, signal.clone(), number.unsigned_abs() as usize).map_err(io)?;
        }
        Ok(Self { signal })
    }

    /// The exit code to end with, once a signal has come.
    #[must_use]
    pub fn exit_code(&self) -> Option<u8> {
        match self.signal.load(Ordering::SeqCst) {
            0 => None,
            number => u8::try_from(128 + number).ok(),
        }
    }
}

impl Observer for Interrupt {
    fn flow(&self) -> Flow {
        if self.exit_code().is_some() { Flow::Stop } else { Flow::Continue }
    }
}
