//! Methods that choose weights by what they do to held-out data.
//!
//! ```text
//! theta(w) = theta - a sum_i w_i g_i        where a plain step with the weights w would lead (`Look::Ahead`)
//! choose w such that the held-out losses at theta(w) fall
//! ```
//! Because `theta(w)` is linear in `w`, the derivative needs no second derivative of the losses and no finite difference:
//! `d l_val / d w_i = -a <grad l_val(theta(w)), g_i>`, an entry of the joint Gramian of the step's rows and the rows ahead.
//!
//! FORUM goes another way: it descends on held-out losses at `theta` itself, with training as a constraint.

pub mod auto_lambda;
pub mod forum;
mod learned;
pub mod moml;

pub use auto_lambda::{AutoLambda, AutoLambdaConfig};
pub use forum::{Forum, ForumConfig};
pub use moml::{Moml, MomlConfig};
