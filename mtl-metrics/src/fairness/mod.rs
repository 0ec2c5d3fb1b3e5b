//! Metrics of fairness: whether groups are treated alike.
//!
//! A batch is [`GroupedScores`]: probabilities or decisions, truth, and the group of each sample; weights are optional.
//!
//! | metric | what | equal to | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`GroupParity`] | demographic parity, equal opportunity, equalized odds; difference or ratio; [`GroupReport`] | fairlearn 0.15, weights included | 52 bytes a group | groups without a rate are left out (0 there); one group alone is undefined |
//! | [`CalibrationByGroup`] | the largest ECE of a group | torchmetrics `BinaryCalibrationError` by group | 0.6 kB a bin | a bound belongs to the lower bin |

mod calibration;
mod groups;
mod parity;

pub use calibration::{CalibrationByGroup, GroupBins};
pub use groups::GroupedScores;
pub use parity::{Comparison, GroupParity, GroupRates, GroupReport, Parity};
