//! Methods that look at the Gramian of the task gradients: one backward pass per task and step.

mod mgda;
mod pcgrad;
mod upgrad;

pub use mgda::{Mgda, MgdaConfig, MgdaNormalization};
pub use pcgrad::{PcGrad, PcGradConfig};
pub use upgrad::{UpGrad, UpGradConfig};
