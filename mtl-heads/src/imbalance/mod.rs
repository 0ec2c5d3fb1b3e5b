//! Losses for classes of unequal size: weights of classes, focal loss, logit adjustment.
//!
//! ```text
//! class_weights      w_y l_i          a class of weight 2 is as if each of its rows were there twice, to the sum, the count and the gradient
//! focal              (1 - p_y)^g l_i  rows that are answered well already count less
//! logit_adjustment   l(z + tau log pi) a rare class must win by more while it is learned
//! ```
//! `l_i` the loss of a sample, `p_y` the probability of its label, `pi` the shares of the classes among training labels. They go together: the
//! logits are adjusted, the loss is computed and dampened, then weighed. The count that a sum is divided by is `sum_i v_i w_(y_i)`, so only
//! ratios of weights matter. What rules need they take from the statistics of the training labels; without them (a model whose weights
//! will be loaded computes no loss) every class counts alike.
//!
//! Only the loss of training changes: answers are decoded as ever, and no metric of validation knows of weights. What does change is what
//! the network learns to say: probabilities are then those of a world in which classes have other shares, rare ones are said too
//! often, and a `calibration` of the task puts that right (`docs/imbalance.md`).
//!
//! | file | what | reference |
//! |---|---|---|
//! | `balanced.rs` | [`Balanced`]: weights by the inverse of a class's size | King, Zeng, "Logistic regression in rare events data", 2001 |
//! | `effective_number.rs` | [`EffectiveNumber`]: by the inverse of its effective number | Cui et al., CVPR 2019 |
//! | `given.rs` | [`Given`]: by name, as the user says | |
//! | `focal.rs` | [`Focal`] | Lin et al., ICCV 2017 |
//! | `prior.rs` | logit adjustment | Menon et al., ICLR 2021 |

mod balanced;
mod class_weights;
mod effective_number;
mod focal;
mod given;
mod prior;
#[cfg(test)]
mod tests;

pub use balanced::Balanced;
pub use class_weights::ClassWeights;
pub(crate) use class_weights::{of_labels, pairs};
pub use effective_number::EffectiveNumber;
pub use focal::Focal;
pub use given::Given;
pub(crate) use prior::{check_tau, log_odds, log_shares};

use mtl_core::Result;

/// What is known of the classes that weights are for.
#[derive(Debug, Clone, Copy)]
pub struct Classes<'a> {
    /// Their names, in order.
    pub names: &'a [String],
    /// How many training samples each has; `None` where nobody knows.
    pub counts: Option<&'a [u64]>,
}

/// What gives each class its weight.
pub trait WeightPart {
    /// A weight > 0 for each class. Only their ratios matter.
    ///
    /// # Errors
    /// `InvalidConfig` for a setting out of range, or a name that no class has.
    fn weights(&self, classes: Classes<'_>) -> Result<Vec<f64>>;
}

mtl_core::registry! {
    /// How classes weigh in a loss.
    pub enum ClassWeighting, what = "class weights", part = WeightPart {
        Balanced(Balanced) = "balanced", "inversely to a class's size, so that all classes weigh the same together";
        EffectiveNumber(EffectiveNumber) = "effective-number", "inversely to a class's effective number, which grows slower than its size";
        Given(Given) = "given", "as the table says, by the names of classes";
    }
}
