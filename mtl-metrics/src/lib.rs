//! Exact, mergeable metrics for one task, and the numbers that sum several tasks up.
//!
//! A metric here is a state that batches are folded into, that merges with other states, and that is read when a value
//! is wanted. Three decisions shape the crate:
//!
//! * **Nothing depends on order.** Counts are integers, sums are held without rounding ([`ExactSum`]), AUROC counts pairs.
//!   Batch size, thread count and the order in which machines report change no bit of a value.
//! * **Nothing is guessed.** Scores say whether they are logits or probabilities, missing labels are marked, and a
//!   value that is not defined is `None` with the reason, never a 0, a 0.5 or a NaN that looks like a result.
//! * **Nothing needs a tensor.** Metrics read plain arrays, in parallel when they are long.
//!
//! ```
//! use mtl_core::{prediction::{Prediction, Reference, Scores}, task::{Task, TaskSet}};
//! use mtl_metrics::{MetricSet, aggregate::{Aggregate, Composite}, known};
//! use ndarray::array;
//!
//! let tasks = TaskSet::new(vec![Task::new("image")?.judged_by(known("accuracy")?), Task::new("text")?.judged_by(known("accuracy")?)])?;
//! let mut metrics = MetricSet::primary(&tasks)?;
//! let composite = Composite::parse("0.6*image.accuracy + 0.4*text.accuracy", &metrics)?;
//! // Once per batch and task, in any order; -100 marks a missing label:
//! let logits = |scores| Prediction::Class { scores, kind: Scores::Logits };
//! metrics.update(0, &logits(array![[2.0, 0.1], [0.3, 1.5]]), &Reference::Class(vec![0, 1]))?;
//! metrics.update(1, &logits(array![[0.2, 0.1], [0.3, 0.5], [9.0, 9.5]]), &Reference::Class(vec![0, 0, -100]))?;
//! // At the end of the epoch:
//! let report = metrics.compute();
//! assert_eq!(report.value(1, "accuracy"), Some(0.5));
//! assert_eq!(composite.compute(&report)?.value, Some(0.8));
//! # Ok::<(), mtl_core::Error>(())
//! ```
//!
//! | room | metrics | of |
//! |---|---|---|
//! | [`class`] | accuracy, top-k, precision, recall, F-beta, kappa, MCC, log-loss, Brier, calibration, hinge, confusion | one label, most also yes/no labels |
//! | [`binary`] | AUROC, partial AUROC, average precision, KS, Gini, EER, detection cost, operating points, PCOC, GAUC | yes/no, or one class against the rest |
//! | [`multi_label`] | subset accuracy, Hamming, samples-F1, coverage, LRAP, ranking loss, one-error, enrichment, BEDROC | several yes/no labels |
//! | [`ordinal`] | weighted kappa, error in grades, off-by-one, rank correlations | grades |
//! | [`regress`] | absolute, squared, relative and scaled errors, deviances, correlations, CRPS, intervals, C-index | numbers and forecasts |
//!
//! Each room's page has a table: what a metric equals, how large its state is, where it differs on purpose. By name, with
//! settings (`ece@bins=10`), they are in the [`MetricRegistry`], which is what configurations, heads and expressions read.
//!
//! The other rooms have batches of their own. Those that numbers, classes or labels can be read as
//! ([`FromJudged`]: signals, rankings, partitions, protected groups, points, depths, ..) judge heads like the first ones; the
//! rest waits for the answers it is for, and can be fed by hand with [`Streaming::update_batch`].
//!
//! | room | what |
//! |---|---|
//! | [`text`] | BLEU, chrF, TER, ROUGE, perplexity, distinct-n |
//! | [`audio`] | WER, CER, MER, WIL, WIP, DER, JER, SNR, SI-SDR, SDR, STOI, ESTOI, MCD, F0 RMSE |
//! | [`tags`] | span F1, token accuracy, segments, answers |
//! | [`ranking`] | NDCG, MAP, MRR, recall@k and the like; coverage, diversity, novelty |
//! | [`cluster`] | NMI, ARI, V-measure, cluster accuracy |
//! | [`embedding`] | recall of embeddings, CKA, RSA |
//! | [`fairness`] | demographic parity, equal opportunity, equalized odds, calibration by group |
//! | [`detect`] | COCO AP and AR of boxes and of masks, temporal mAP, panoptic quality, MOTA, IDF1 |
//! | [`dense`] | mIoU, Dice, pixel accuracy, boundary IoU, Hausdorff-95, depth errors, angles of normals |
//! | [`keypoint`] | OKS AP and AR, PCK, PCKh, MPJPE, PA-MPJPE |
//! | [`image`] | PSNR, SSIM, MS-SSIM, UQI, SAM, Fréchet distance, KID |
//! | [`trajectory`] | minADE, minFDE, miss rate, NLL, collisions |
//! | [`decision`] | top actions, regret, IPS, SNIPS, DR, win rate, Elo, makespan gap |
//!
//! | across tasks | what |
//! |---|---|
//! | [`MetricSet`] | all metrics of all tasks, to a [`MetricReport`] |
//! | [`Joint`] | what several tasks say of one sample: right in all of them |
//! | [`aggregate::TaskMean`], [`aggregate::TaskWeighted`] | means of the primary metrics |
//! | [`aggregate::Skill`] | a metric against what a constant answer has: 0 as good, 1 perfect |
//! | [`aggregate::Composite`] | an expression such as `0.6*image.accuracy + 0.4*text.accuracy` |
//! | [`aggregate::DeltaM`] | mean relative gain over single-task models |
//! | [`aggregate::Objectives`] | Pareto set, hypervolume, epsilon indicator |
//! | [`aggregate::Balance`], [`aggregate::negative_transfer_rate`] | who pays for the mean |
//! | [`aggregate::Continual`], [`aggregate::Windowed`], [`aggregate::Fading`] | tasks in sequence, streams |
//! | [`aggregate::LookAhead`] | task affinity |
//! | [`stats`] | intervals over seeds, bootstrap, DeLong; paired tests; Friedman, Nemenyi; Holm |
//!
//! [`post_hoc`] is what is fitted to a trained model's answers on validation: calibration, conformal sets and intervals, thresholds, a
//! reject option.
//!
//! A metric of your own is a [`Metric`] in one file: give it a state (one of [`class::accuracy::Hits`], [`mean::ExactMean`],
//! [`samples::ScoreSamples`], .. or yours), run [`laws::check`] on it, and name it with [`MetricRegistry::with`] (or add it to one
//! set with [`MetricSet::add`]). Its batch is [`MetricBatch`], or one of yours with a [`FromJudged`].

pub mod aggregate;
pub mod audio;
pub mod binary;
pub mod class;
pub mod cluster;
mod contract;
pub mod decision;
pub mod dense;
pub mod detect;
pub mod embedding;
pub mod fairness;
pub mod image;
pub mod input;
mod kernel;
pub mod keypoint;
pub mod laws;
pub mod multi_label;
pub mod ordinal;
pub mod post_hoc;
pub mod ranking;
pub mod registry;
pub mod regress;
pub mod state;
pub mod stats;
pub mod tags;
pub mod text;
pub mod trajectory;

// Where a name is used, its room says nothing: these are known by their own.
pub(crate) use contract::saved;
pub use contract::{any, joint, judged, metric, report, set, value};
pub(crate) use kernel::{assignment, chunks, refusal};
pub use kernel::{fold, probability};
pub use state::{domain, exact_sum, keyed, mean, ranks, samples, weight};

pub use any::AnyMetric;
pub use binary::{Auroc, RocCurve, RocPoint};
pub use class::{Accuracy, ConfusionMatrix, LogLoss, MacroF1};
pub use exact_sum::ExactSum;
pub use input::MetricBatch;
pub use joint::{Joint, JointConfig, JointEntry, JointKind};
pub use judged::{FromJudged, Shelf};
pub use metric::{Metric, MetricState, Streaming};
pub use registry::{MetricRegistry, build, evaluate, known};
pub use regress::{Mae, R2, Rmse};
pub use report::MetricReport;
pub use set::MetricSet;
pub use value::{MetricValue, OrReason};
