//! x
pub mod auroc;
pub mod roc;
pub mod sweep;

pub use auroc::Auroc;
pub use roc::{RocCurve, RocPoint};
pub use sweep::{Stop, Sweep};
