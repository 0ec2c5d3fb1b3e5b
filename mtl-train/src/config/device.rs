//! Where a run computes, and how reproducibly.

use mtl_core::shim;
use serde::{Deserialize, Serialize};

use crate::{
    error::Result,
    run::{ranks::Ranks, threads},
};

/// Where a run computes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DeviceConfig {
    /// `cpu`, `cuda` or `cuda:1`; default `cpu`.
    pub kind: String,
    /// Threads inside operations, >= 1; default `OMP_NUM_THREADS` if it is set, else every processor for large products and
    /// every processor but one for small ones. A run's folder records the number, because sums depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub threads: Option<u32>,
    /// Ranks: copies of the model in threads of their own, each of which learns its part of every batch, with one thread inside
    /// operations; >= 1, or `"auto"` for as many as pay by the sizes of products; default 1. More than one only on `cpu`. A run's
    /// folder records the number, and may go on with another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ranks: Option<Ranks>,
    /// Whether an operation without a deterministic kernel stops the run instead of differing between runs;
    /// default false.
    pub deterministic: bool,
}

impl Default for DeviceConfig {
    fn default() -> Self {
        Self { kind: "cpu".into(), threads: None, ranks: None, deterministic: false }
    }
}

impl DeviceConfig {
    /// The device, checked to be there; sets deterministic mode and a number of threads that is given for the process (one
    /// that is not depends on the model: [`Session`](crate::run::session::Session) settles it).
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for an unknown or missing device, 0 threads or ranks, or several of both.
    pub fn apply(&self) -> Result<tch::Device> {
        let refuse = |field, expected: &str, found: String| {
            Err(mtl_core::Error::InvalidConfig { what: "device", field, expected: expected.into(), found }.into())
        };
        let device = match self.kind.split_once(':') {
            None if self.kind == "cpu" => tch::Device::Cpu,
            None if self.kind == "cuda" => tch::Device::Cuda(0),
            Some(("cuda", index)) if index.parse::<usize>().is_ok() => tch::Device::Cuda(index.parse().unwrap_or(0)),
            _ => return refuse("kind", "cpu, cuda or cuda:<index>", format!("{:?}", self.kind)),
        };
        if let tch::Device::Cuda(index) = device
            && tch::Cuda::device_count() <= i64::try_from(index).unwrap_or(i64::MAX)
        {
            let there = format!("a device of this machine, which has {} CUDA devices", tch::Cuda::device_count());
            return refuse("kind", &there, format!("{:?}", self.kind));
        }
        let _ = threads::usual(); // looked up before it is changed for the first time
        match self.threads {
            Some(0) => return refuse("threads", ">= 1", "0".into()),
            Some(n) => tch::set_num_threads(i32::try_from(n).unwrap_or(i32::MAX)),
            None => {}
        }
        match (self.asks().number(), self.threads) {
            (Some(0), _) => return refuse("ranks", ">= 1", "0".into()),
            (Some(ranks @ 2..), _) if device != tch::Device::Cpu => {
                return refuse("ranks", &format!("1 on {}", self.kind), ranks.to_string());
            }
            (Some(2..) | None, Some(threads @ 2..)) => {
                return refuse("threads", "1 (or left out) with several ranks", threads.to_string());
            }
            (Some(2..), _) => tch::set_num_threads(1),
            _ => {}
        }
        shim::set_deterministic(self.deterministic)?;
        Ok(device)
    }

    /// The same with the numbers of ranks and threads that are in force written down: a run that goes on must go on with them.
    #[must_use]
    pub fn recorded(&self, ranks: usize) -> Self {
        let in_force = u32::try_from(tch::get_num_threads()).ok();
        let ranks = self.ranks.map(|_| Ranks::Number(u32::try_from(ranks).unwrap_or(u32::MAX)));
        Self { threads: self.threads.or(in_force), ranks, ..self.clone() }
    }

    /// The same with what a run has recorded in place of what is not said here. Threads go with the number of ranks: with another one they
    /// are settled anew.
    #[must_use]
    pub fn as_in(&self, run: &Self) -> Self {
        let ranks = if self.ranks.and_then(Ranks::number).is_none() { run.ranks } else { self.ranks };
        let device = Self { ranks, ..self.clone() };
        let threads = if device.asks() == run.asks() { self.threads.or(run.threads) } else { self.threads };
        Self { threads, ..device }
    }

    /// What is asked for of ranks, by default one.
    #[must_use]
    pub fn asks(&self) -> Ranks {
        self.ranks.unwrap_or(Ranks::Number(1))
    }
}
