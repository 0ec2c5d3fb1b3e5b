//! Metrics of labeled sequences: tags of tokens, spans, segments of frames, answers cut out of a text.
//!
//! | metric | what | equal to | state | differs on purpose |
//! |---|---|---|---|---|
//! | [`SpanScore`] | precision, recall, F1 over spans; micro, macro, weighted; [`TypeReport`] | `conlleval.pl`; seqeval 1.2.2, default and strict; BIO, BIOES, IOB1 | three counts a type | without spans undefined (0 there) and left out of averages |
//! | [`TagAccuracy`] | share of items right | seqeval `accuracy_score` | two counts | missing items are skipped |
//! | [`ExactMatch`] | share of samples right as a whole, sequences too | sentence accuracy | two counts | missing items are skipped |
//! | [`SegmentalF1`] | F1 of segments at an IoU | MS-TCN's evaluation | 24 bytes | 0-1; the last segment ends after the last frame |
//! | [`SegmentalEdit`] | order of segments | MS-TCN's evaluation | 552 bytes | 0-1; sequences without segments are left out |
//! | [`BoundaryF`] | F1 of boundaries within a tolerance | mir_eval 0.8 `segment.detection(trim=True)` | 24 bytes | counts are summed over sequences |
//! | [`Squad`] | exact match and F1 of answers; Chinese by characters | SQuAD 2.0 and MLQA scripts | 552 bytes | 0-1 |

mod exact_match;
mod pairs;
mod segments;
mod span_score;
mod squad;
mod tag_accuracy;
mod tag_set;

pub use exact_match::ExactMatch;
pub use pairs::TagPairs;
pub use segments::{BoundaryF, MatchCounts, SegmentalEdit, SegmentalF1};
pub use span_score::{SpanAverage, SpanCounts, SpanMeasure, SpanScore, TypeCounts, TypeReport};
pub use squad::{AnswerLanguage, AnswerMeasure, Squad};
pub use tag_accuracy::TagAccuracy;
pub use tag_set::{Scheme, Span, SpanMode, TagSet};
