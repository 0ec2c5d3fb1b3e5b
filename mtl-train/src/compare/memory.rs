//! Peak memory of a part of a program.
//!
//! The system counts the largest resident size of a process; the counter can be set back. What the process holds already
//! (data, libraries) is subtracted, after freed memory of earlier work has been given back, so that the order of cells
//! does not matter. Linux only; elsewhere nothing is measured.

use std::fs;

use mtl_core::shim;

/// A measurement that has begun.
#[derive(Debug)]
pub(crate) struct PeakMemory {
    before: Option<f64>,
}

impl PeakMemory {
    /// Starts counting anew.
    pub(crate) fn start() -> Self {
        shim::release_memory();
        let reset = fs::write("/proc/self/clear_refs", "5").is_ok();
        Self { before: if reset { status("VmRSS") } else { None } }
    }

    /// The peak since then over what was there then, in MB (1e6 bytes).
    pub(crate) fn megabytes(&self) -> Option<f64> {
        Some((status("VmHWM")? - self.before?).max(0.0))
    }
}

/// A field of `/proc/self/status`, in MB.
fn status(field: &str) -> Option<f64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|line| line.starts_with(field))?;
    let kibibytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1.024e-3)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_large_block_is_seen_after_it_was_freed() {
        let peak = PeakMemory::start();
        let block = vec![1_u8; 64 << 20];
        assert_eq!(block.iter().map(|b| u64::from(*b)).sum::<u64>(), 64 << 20);
        drop(block);
        let seen = peak.megabytes();
        // Containers may forbid setting the counter back; then nothing is measured rather than something wrong.
        assert!(seen.is_none_or(|megabytes| megabytes > 60.0), "{seen:?}");
    }
}
