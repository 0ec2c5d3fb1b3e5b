//! Task heads.

mod class;
mod constant;
mod decode;
mod head;
mod multi_label;
mod registry;
mod regress;
mod target;
mod tower;

pub use class::{ClassHead, ClassHeadConfig};
pub use decode::to_array;
pub use head::{Head, HeadOutput, HeadSpec};
pub use multi_label::{MultiLabelHead, MultiLabelHeadConfig};
pub use registry::HeadConfig;
pub use regress::{RegressHead, RegressHeadConfig, RegressLoss};
pub use target::TargetSpec;
pub use tower::{Tower, TowerShape};
