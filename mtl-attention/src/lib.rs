//! Attention for multi-task learning.

mod attend;
mod block;
mod feed_forward;
mod mask;
mod multi_head;
mod positions;
mod registry;
mod summary;
mod task_pool;
mod task_query;

pub use attend::{Attended, AttnBackend, AttnOptions, AttnPath, BackendChoice, attend, explain_backend};
pub use block::SelfBlock;
pub use feed_forward::FeedForward;
pub use mask::{AttnMask, CausalAlign};
pub use multi_head::{MultiHead, MultiHeadConfig};
pub use positions::CellPositions;
pub use registry::AttentionConfig;
pub use summary::AttentionSummary;
pub use task_pool::{PoolShape, TaskQueryPool};
pub use task_query::{TaskQueryConfig, TaskQuerySharing};
