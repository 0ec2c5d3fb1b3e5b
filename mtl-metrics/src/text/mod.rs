//! Metrics of texts that a model wrote.
//!
//! A batch is a [`TextPairs`]: hypotheses beside one or more references each. Counts are integers over exact n-grams (not
//! over hashes of them), so values do not depend on batches, threads or ranks.
//!
//! | metric | what | equal to | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`Bleu`] | n-gram precision with brevity penalty, 0-100 | sacreBLEU 2.6 `BLEU`: tokenizers 13a, zh, intl, char, none; smoothing none, floor, add-k, exp | 88 bytes | undefined without reference tokens (0 there) |
//! | [`Chrf`] | character (and word) n-gram F, 0-100 | sacreBLEU 2.6 `CHRF`, chrF and chrF++ | 24 bytes an order | undefined without reference characters (0 there) |
//! | [`Ter`] | edits with shifts per reference word, 0-100 and above | sacreBLEU 2.6 `TER` | 0.6 kB | undefined without reference words (0 or 100 there) |
//! | [`Rouge`] | ROUGE-1..9, -L, -Lsum, mean F; stems on demand ([`porter_stem`]) | rouge-score 0.1.2, with and without stemmer | 1.7 kB | nothing known |
//! | [`Perplexity`] | exp of the mean negative log-probability | torchmetrics `Perplexity` | 552 bytes | a token of probability 0 is an error |
//! | [`DistinctN`] | share of n-grams that are new | its formula | 16 bytes an n-gram | nothing known |

mod bleu;
mod bleu_counts;
mod chrf;
mod distinct;
pub(crate) mod ngrams;
mod pairs;
mod perplexity;
mod porter;
mod rouge;
pub(crate) mod subsequence;
mod ter;
mod ter_search;
mod tokenize;
pub(crate) mod words;

pub use bleu::{Bleu, BleuConfig, BleuReport, Smoothing};
pub use bleu_counts::BleuCounts;
pub use chrf::{Chrf, ChrfConfig, ChrfCounts};
pub use distinct::{DistinctN, NgramSet};
pub use pairs::TextPairs;
pub use perplexity::Perplexity;
pub use porter::porter_stem;
pub use rouge::{Rouge, RougeKind, RougeScores, RougeSums};
pub use ter::{Ter, TerConfig, TerCounts};
pub use tokenize::Tokenizer;
