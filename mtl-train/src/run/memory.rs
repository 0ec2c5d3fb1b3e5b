//! Memory of this process, as the system tells it.
//!
//! The system counts the largest resident size of a process; the counter can be set back. What the process holds already
//! (data, libraries) is subtracted, after freed memory of earlier work has been given back, so that the order of measurements
//! does not matter. Linux only; elsewhere nothing is measured.

use std::fs;

use mtl_core::shim;

/// The most memory that this process has held, in bytes; `None` where the system does not tell.
#[must_use]
pub fn peak() -> Option<u64> {
    status("VmHWM")
}

/// The memory that this process holds now, in bytes; `None` where the system does not tell.
#[must_use]
pub fn resident() -> Option<u64> {
    status("VmRSS")
}

/// A measurement that has begun.
#[derive(Debug)]
pub struct PeakMemory {
    before: Option<u64>,
}

impl PeakMemory {
    /// Starts counting anew.
    #[must_use]
    pub fn start() -> Self {
        shim::release_memory();
        let reset = fs::write("/proc/self/clear_refs", "5").is_ok();
        Self { before: if reset { status("VmRSS") } else { None } }
    }

    /// The peak since then over what was there then, in MB (1e6 bytes).
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "megabytes")]
    pub fn megabytes(&self) -> Option<f64> {
        Some(peak()?.saturating_sub(self.before?) as f64 * 1e-6)
    }
}

/// A field of `/proc/self/status`, in bytes.
fn status(field: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_large_block_is_seen_after_it_was_freed() {
        // Other tests of this process take and free memory meanwhile: the block is far larger than all that they hold.
        const SIZE: usize = 512 << 20;
        let measured = PeakMemory::start();
        let mut block: Vec<u8> = Vec::with_capacity(SIZE);
        for place in block.spare_capacity_mut().iter_mut().step_by(4096) {
            place.write(1);
        }
        drop(std::hint::black_box(block));
        let seen = measured.megabytes();
        // Containers may forbid setting the counter back; then nothing is measured rather than something wrong.
        assert!(seen.is_none_or(|megabytes| megabytes > 400.0), "{seen:?}");
        let bytes = peak().unwrap();
        assert!(bytes > 1 << 20 && bytes < 1 << 44, "{bytes}");
    }
}
