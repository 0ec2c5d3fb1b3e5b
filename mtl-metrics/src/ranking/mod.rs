//! Metrics of ranked lists: search, recommendation, retrieval.
//!
//! A batch is [`RankedQueries`] (items with score and relevance, by query, weights optional) or [`RecommendedLists`] (items by
//! position in a catalog). Heads' answers become rankings by [`Judged`]. Values are means over queries; the result says how many queries were left out.
//!
//! | metric | what | equal to | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`Ndcg`] | discounted gain, linear or `2^r - 1`, ties averaged | scikit-learn `ndcg_score` | 1.1 kB | queries without relevant items are left out (0 there) |
//! | [`RankingAtK`] | precision, recall, hit rate, MAP, MRR, R-precision, fall-out | trec_eval 9; torchmetrics 1.9 | 1.1 kB | ties keep their order; MAP@k over all relevant items; queries without relevant items are left out |
//! | [`Coverage`] | share of the catalog shown | its formula | 1 bit an item | nothing known |
//! | [`Diversity`] | mean 1 - cosine within lists | its formula | 1.1 kB | nothing known |
//! | [`Novelty`] | mean surprisal in bits | its formula | 1.1 kB | an item nobody knows is an error |

mod at_k;
mod catalog;
mod judged;
mod ndcg;
mod queries;

pub use at_k::{AtK, RankingAtK};
pub use catalog::{Coverage, Diversity, ItemSet, Novelty, RecommendedLists};
pub use judged::{Judged, Rankings};
pub use ndcg::{Gain, Ndcg};
pub use queries::{QueryMean, RankedQueries};
