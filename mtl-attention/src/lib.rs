//! Attention for multi-task learning: one kernel, masks that cannot be misread, and tasks that ask their own questions.
//!
//! In a multi-task model attention answers "which part of what is shared does *this* task need?". [`TaskQuerySharing`]
//! is the smallest useful form: an encoder gives tokens (fields of a table, cells of a picture), and each task pools
//! them with learned queries of its own. It is a sharing architecture like any other, so every head and balancer works
//! with it, and its maps can be read.
//!
//! ```
//! use mtl_attention::{AttentionSummary, TaskQueryConfig, TaskQuerySharing};
//! use mtl_core::encode::{EncoderConfig, TabularEncoderConfig};
//! use mtl_core::input::{CategoricalField, InputSpec};
//! use mtl_core::{batch::Inputs, context::Cx, mode::Mode, params::ParamSet, share::{Sharing, TaskMask}};
//! use mtl_core::task::{Task, TaskSet};
//! use tch::{Device, Kind, Tensor};
//!
//! # fn main() -> mtl_core::Result<()> {
//! let tasks = TaskSet::new(vec![Task::new("income")?, Task::new("married")?])?;
//! let field = |name: &str| CategoricalField { name: name.into(), cardinality: 9 };
//! let spec = InputSpec::table(vec![field("sex"), field("region"), field("work")], Vec::new());
//!
//! let mut params = ParamSet::new(Kind::Float, Device::Cpu, 7);
//! let mut root = params.root();
//! let tokens = EncoderConfig::Tabular(TabularEncoderConfig { token_width: 32, hidden: vec![], ..Default::default() });
//! let encoder = tokens.build(&mut root.sub("encoder"), &spec)?;
//! let model = TaskQuerySharing::new(&mut root.sub("sharing"), encoder, &tasks, &TaskQueryConfig::default())?;
//!
//! let rows = Tensor::zeros([5, 3], (Kind::Int64, Device::Cpu)); // [b, fields]
//! let cx = Cx::new(Mode::Eval).with_traces();
//! let inputs = Inputs::new(vec![("categorical".to_owned(), rows)])?;
//! let shared = model.forward(&inputs, &TaskMask::all(2), &cx)?;
//! assert_eq!(shared.per_task.len(), 2); // features of each task, for its head
//!
//! let maps = AttentionSummary::of_all(&cx.take_traces())?;
//! let (strongest, weight) = maps[0].top("income", 1)?[0]; // such as ("work", 0.41)
//! assert!(["sex", "region", "work"].contains(&strongest) && weight >= 1.0 / 3.0);
//! # Ok(())
//! # }
//! ```
//!
//! | item | what | file |
//! |---|---|---|
//! | [`attend`], [`explain_backend`] | scaled dot-product attention, fused or explicit, and why | `attend.rs` |
//! | [`AttnMask`] | causal, padding, bias: the only place that knows libtorch's dialects | `mask.rs` |
//! | [`MultiHead`] | multi-head self- and cross-attention | `multi_head.rs` |
//! | [`SelfBlock`], [`FeedForward`] | pre-norm block, token-wise layer | `block.rs`, `feed_forward.rs` |
//! | [`CellPositions`] | learned positions for cells of maps | `positions.rs` |
//! | [`TaskQueryPool`] | queries of all tasks over shared tokens, in one call | `task_pool.rs` |
//! | [`TaskQuerySharing`] | the architecture made of these | `task_query.rs` |
//! | [`TransformerEncoder`] | self-attention over tokens of any input, in stages | `encoder.rs`, `tokenizer/` |
//! | [`AttentionConfig`], [`AttentionEncoderConfig`] | architectures and encoders by name | here |
//! | [`AttentionSummary`] | mean maps, by task and key | `summary.rs` |

mod attend;
mod block;
mod encoder;
mod feed_forward;
mod mask;
mod multi_head;
mod positions;
mod summary;
mod task_pool;
mod task_query;
mod tokenizer;

pub use attend::{Attended, AttnBackend, AttnOptions, AttnPath, BackendChoice, attend, explain_backend};
pub use block::SelfBlock;
pub use encoder::{TransformerEncoder, TransformerEncoderConfig};
pub use feed_forward::FeedForward;
pub use mask::{AttnMask, CausalAlign};
pub use multi_head::{MultiHead, MultiHeadConfig};
pub use positions::CellPositions;
pub use summary::AttentionSummary;
pub use task_pool::{PoolShape, TaskQueryPool};
pub use task_query::{TaskQueryConfig, TaskQuerySharing};

use mtl_core::{
    Result,
    encode::{BuildEncoder, Encoder, EncoderPart, EncoderPlan, Takes},
    input::InputSpec,
    params::Scope,
    registry,
    share::{Sharing, SharingPart},
    task::TaskSet,
};

registry! {
    /// The attention architectures that a config file can name.
    pub enum AttentionConfig, what = "attention architecture", part = SharingPart {
        TaskQuery(TaskQueryConfig) = "task-query", "each task reads shared tokens with its own learned queries";
    }
}

impl AttentionConfig {
    /// Builds the architecture with encoders of `plan`, for those tasks. `scope` is where the model lives: encoders are made below
    /// `encoder`, the architecture's own parameters below `sharing`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](mtl_core::Error::InvalidConfig) for a setting out of range or an encoder whose features
    /// the architecture cannot use.
    pub fn build(&self, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        self.part().build(scope, plan, tasks)
    }
}

registry! {
    /// The encoders made of attention that a config file can name.
    pub enum AttentionEncoderConfig, what = "encoder", part = EncoderPart {
        Transformer(TransformerEncoderConfig) = "transformer", "self-attention over table fields, patches of pictures, words, signals or sets";
    }
}

impl AttentionEncoderConfig {
    /// Which inputs it takes.
    #[must_use]
    pub fn takes(&self) -> Takes {
        self.part().takes()
    }

    /// Builds the encoder for inputs of that kind.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](mtl_core::Error::InvalidConfig) for settings out of range or inputs that the encoder
    /// cannot take.
    pub fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        self.part().build(scope, spec)
    }
}

impl BuildEncoder for AttentionEncoderConfig {
    fn build(&self, scope: &mut Scope<'_>, spec: &InputSpec) -> Result<Box<dyn Encoder>> {
        Self::build(self, scope, spec)
    }
}
