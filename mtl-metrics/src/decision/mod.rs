//! Decisions: actions and their values, policies from logged decisions, games, schedules.
//!
//! | metric | what | equal to | state | differences on purpose |
//! |---|---|---|---|---|
//! | [`TopAction`] | expert action among the k best | scikit-learn `top_k_accuracy_score` | 552 bytes | ties go to the first action |
//! | [`Regret`] | value lost against the best action | numpy | 552 bytes | |
//! | [`OffPolicyValue`] | IPS, SNIPS, DR with standard error, effective samples | numpy | 3.9 kB | |
//! | [`WinRate`] | points over games, Wilson's interval | statsmodels' formula | 40 bytes a pair | |
//! | [`Elo`] | ratings of maximum likelihood with interval | scipy `minimize` | 40 bytes a pair | independent of the order of games |
//! | [`MakespanGap`] | relative gap to the best schedules | numpy | 560 bytes | a share, not percent |

pub mod actions;
pub mod games;
pub mod makespan;
pub mod off_policy;

pub use actions::{ExpertBatch, Regret, TopAction, ValuedBatch};
pub use games::{Elo, Games, Interval, Outcome, Results, WinRate};
pub use makespan::{MakespanGap, Makespans};
pub use off_policy::{Estimator, Log, LogBatch, OffPolicyValue, PolicyEstimate};
