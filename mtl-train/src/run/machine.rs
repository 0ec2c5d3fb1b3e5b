//! What the program runs on: versions, threads, devices, which attention kernels libtorch would choose.
//!
//! The answers come from libtorch itself, asked with small tensors, not from tables of what it should do.

use mtl_core::shim;
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use crate::{
    error::Result,
    run::{ranks, threads},
};

/// A machine as libtorch sees it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Machine {
    /// Version of this program.
    pub version: &'static str,
    /// Version of the libtorch that it was built against.
    pub libtorch: &'static str,
    /// Operating system and processor family.
    pub platform: String,
    /// The widest vector instructions of the processor that libtorch has kernels for.
    pub instructions: &'static str,
    /// Threads inside operations with large products.
    pub threads: usize,
    /// Threads inside operations of a model with small products only, see [`crate::run::threads`].
    pub threads_small: usize,
    /// Ranks that a model with small products and large batches has with `device.ranks = "auto"`, see [`crate::run::ranks`].
    pub ranks_small: usize,
    /// How the threads of an operation wait for each other, see [`mtl_core::shim::waiting`].
    pub waiting: String,
    /// Processors that the system offers to this process.
    pub processors: usize,
    /// CUDA devices that can be used.
    pub cuda_devices: i64,
    /// Whether libtorch was built with CUDA and cuDNN.
    pub cudnn: bool,
    /// Which kernel scaled dot-product attention takes.
    pub attention: Vec<AttentionKernel>,
}

/// The choice for one way of calling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttentionKernel {
    /// The way of calling: device, kind, what is special.
    pub case: String,
    /// `fused (flash)`, `fused (efficient)`, `fused (cudnn)` or `separate operations`.
    pub kernel: &'static str,
}

impl Machine {
    /// Asks libtorch and the system.
    ///
    /// # Errors
    /// [`mtl_core::Error::Torch`] when libtorch refuses to make a small tensor.
    pub fn look() -> Result<Self> {
        let cuda_devices = tch::Cuda::device_count();
        let mut attention = Vec::new();
        let devices = (0..cuda_devices.min(1)).map(|_| Device::Cuda(0));
        for device in [Device::Cpu].into_iter().chain(devices) {
            for kind in [Kind::Float, Kind::BFloat16] {
                for (special, masked, dropout) in
                    [("", false, 0.0), (" with a mask", true, 0.0), (" with dropout", false, 0.1)]
                {
                    let case = format!("{device:?} {kind:?}{special}").to_lowercase();
                    attention.push(AttentionKernel { case, kernel: kernel(device, kind, masked, dropout)? });
                }
            }
        }
        Ok(Self {
            version: env!("CARGO_PKG_VERSION"),
            libtorch: option_env!("MTL_LIBTORCH_VERSION").unwrap_or("unknown"),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            instructions: instructions(),
            threads: threads::by_work(threads::Work::LARGE),
            threads_small: threads::by_work(threads::Work::default()),
            ranks_small: ranks::by_work(threads::Work::default(), usize::MAX),
            waiting: shim::waiting().to_string(),
            processors: threads::processors(),
            cuda_devices,
            cudnn: tch::Cuda::cudnn_is_available(),
            attention,
        })
    }
}

#[cfg(target_arch = "x86_64")]
fn instructions() -> &'static str {
    match (is_x86_feature_detected!("avx512f"), is_x86_feature_detected!("avx2")) {
        (true, _) => "avx512",
        (_, true) => "avx2",
        _ => "sse",
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn instructions() -> &'static str {
    if cfg!(target_arch = "aarch64") { "neon" } else { "none" }
}

fn kernel(device: Device, kind: Kind, masked: bool, dropout: f64) -> Result<&'static str> {
    let q = Tensor::f_zeros([2, 2, 16, 16], (kind, device)).map_err(mtl_core::Error::from)?; // [b, h, l, d]
    let mask = masked.then(|| Tensor::f_ones([2, 1, 16, 16], (Kind::Bool, device))).transpose();
    let mask = mask.map_err(mtl_core::Error::from)?;
    let chosen = Tensor::f_internal_fused_sdp_choice(&q, &q, &q, mask.as_ref(), dropout, false, None, false);
    Ok(match chosen.map_err(mtl_core::Error::from)? {
        1 => "fused (flash)",
        2 => "fused (efficient)",
        3 => "fused (cudnn)",
        _ => "separate operations",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_answers() {
        let machine = Machine::look().unwrap();
        assert!(machine.libtorch.starts_with("2.") && machine.threads >= 1 && machine.processors >= 1);
        assert!(machine.threads_small >= 1 && machine.threads_small <= machine.threads && !machine.waiting.is_empty());
        let plain = machine.attention.iter().find(|a| a.case == "cpu float").unwrap();
        assert_eq!(plain.kernel, "fused (flash)");
        let dropout = machine.attention.iter().find(|a| a.case == "cpu float with dropout").unwrap();
        assert_eq!(dropout.kernel, "separate operations");
    }
}
