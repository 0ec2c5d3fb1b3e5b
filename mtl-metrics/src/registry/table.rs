//! The metrics of this crate by name: one line each.
//!
//! | a line says | and the metric itself says |
//! |---|---|
//! | its name without settings, for which answers it is, what it is, what can be set in which range, what makes it | its name with settings, direction, range |
//!
//! `mtl-metrics/tests/contract/registry.rs` holds the two together and computes every metric that today's answers feed.
//! The others are listed with the answers they are for, and refuse today's by name.

use mtl_core::{
    answer::{Class, Constant, MultiLabel, Ordinal, Sequence, Tags, Values},
    metric::Setting,
};

use super::{called::Called, entry::Entry};
use crate::{
    audio::{
        Allowed, DiarizationErrorRate, ErrorRate, F0Rmse, JaccardErrorRate, MelCepstralDistortion, Rate, SignalRatio,
        Stoi, TokenErrorRate, Unit,
    },
    binary::{
        Auroc, AveragePrecision, Eer, Gauc, Gini, Ks, MinDcf, PartialAuroc, PcocError, PrecisionAtRecall, RecallAtFpr,
        RecallAtPrecision, SpecificityAtSensitivity,
    },
    class::{
        Accuracy, AdaptiveEce, AurocOvo, Average, BalancedAccuracy, Brier, CohenKappa, Ece, FBeta, Hinge, LogLoss,
        MacroF1, Mcc, Mce, MicroF1, Precision, Recall, Spacing, TopK, WeightedF1,
    },
    cluster::Agreement,
    decision::{Estimator, MakespanGap, OffPolicyValue, Regret, TopAction},
    dense::{AngleNumber, Depth, DepthNumber, NormalAngle, NormalMedian},
    detect::{CocoAp, CocoNumber, MaskAp, PanopticQuality, TemporalMap, Tracking, TrackingNumber},
    embedding::{LinearCka, Rsa},
    fairness::{CalibrationByGroup, Comparison, GroupParity, Parity},
    image::{FrechetDistance, Kid, Psnr, PsnrMean, SpectralAngle, Ssim, Subsets, Uqi},
    keypoint::{COCO_SIGMAS, Mpjpe, OksAp, OksNumber, Pck},
    multi_label::{
        Bedroc, CoverageError, Enrichment, HammingLoss, Lrap, OneError, RankingLoss, SamplesF1, SubsetAccuracy,
    },
    ordinal::{GradeKendall, GradeMae, GradeSpearman, OffByOne},
    ranking::{AtK, Gain, Judged, Ndcg, RankingAtK},
    regress::{
        AdjustedR2, CIndex, Ccc, Central, Crps, CrpsEnsemble, CrpsGaussian, CrpsQuantile, DirectionAccuracy,
        ExplainedVariance, Kendall, Mae, Mape, Mase, Measure, Mse, Nll, Pearson, Pinball, R2, Rmse, Rmsle, Smape,
        Spearman, Tweedie, Wmape,
    },
    tags::{
        AnswerLanguage, AnswerMeasure, BoundaryF, ExactMatch, SegmentalEdit, SegmentalF1, SpanMeasure, SpanScore,
        Squad, TagAccuracy,
    },
    text::{Bleu, BleuConfig, Chrf, ChrfConfig, DistinctN, Perplexity, Rouge, RougeKind, Ter, TerConfig, Tokenizer},
    trajectory::{AdeOf, CollisionRate, Displacement, ForecastNll, MissBy},
};

/// One class, grade or tag, or yes/no labels.
const SCORES: &[&str] = &[Class::NAME, MultiLabel::NAME, Ordinal::NAME, Tags::NAME];
/// One class, grade or tag.
const ONE: &[&str] = &[Class::NAME, Ordinal::NAME, Tags::NAME];
/// The same of samples alone: what goes by groups of samples, or by thresholds that tags have no use for.
const RATED: &[&str] = &[Class::NAME, MultiLabel::NAME, Ordinal::NAME];
/// Grades; a class is one where classes are in an order.
const GRADES: &[&str] = &[Ordinal::NAME, Class::NAME, MultiLabel::NAME];
/// Yes/no labels.
const LABELS: &[&str] = &[MultiLabel::NAME];
/// Numbers.
const NUMBERS: &[&str] = &[Values::NAME];
/// Whatever can be ranked.
const RANKED: &[&str] = &[Class::NAME, MultiLabel::NAME, Values::NAME, Ordinal::NAME];
const SEQUENCE: &[&str] = &[Sequence::NAME];
const TAGS: &[&str] = &[Tags::NAME];
/// Any number of items a sample.
const LISTS: &[&str] = &[Tags::NAME, Sequence::NAME];
const LIKELIHOODS: &[&str] = &["likelihoods of tokens"];
const BOXES: &[&str] = &["boxes"];
const MASKS: &[&str] = &["masks"];
const MAPS: &[&str] = &["maps"];
const TRACKS: &[&str] = &["tracks"];
const KEYPOINTS: &[&str] = &["keypoints"];
const TURNS: &[&str] = &["turns of speakers"];
const TIMES: &[&str] = &["times to event"];
const WAYS_TAKEN: &[&str] = &["distributions of ways"];
const ENSEMBLES: &[&str] = &["ensembles"];
const DECISIONS: &[&str] = &["logged decisions"];

const BINS: &[Setting] = &[Setting::count("bins", 1, 65_536).or(15.0)];
/// The share that an interval promises to hold.
const LEVEL: &[Setting] = &[Setting::between("level", 0.0, 1.0).or(0.9)];
const BETA: &[Setting] = &[Setting::between("beta", 0.0, f64::INFINITY).shown(2.0)];
/// Of the first k places, or of all.
const FIRST: &[Setting] = &[Setting::count("k", 1, 1_000_000)];
const AT: &[Setting] = &[Setting::count("k", 1, 1_000_000).shown(10.0)];
const WAYS: &[Setting] = &[Setting::count("k", 1, 1000).shown(1.0)];
const MISSES: &[Setting] =
    &[Setting::count("k", 1, 1000).shown(1.0), Setting::between("radius", 0.0, f64::INFINITY).shown(2.0)];
const RANGE: f64 = 1.0;

/// All of them, in the order of the documentation.
#[rustfmt::skip]
pub(super) fn entries() -> Vec<Entry> {
    const fn limit(key: &'static str, usual: f64) -> Setting {
        Setting::between(key, 0.0, 1.0).from().to().shown(usual)
    }
    const FPR: &[Setting] = &[limit("fpr", 0.01)];
    const RECALL: &[Setting] = &[limit("recall", 0.9)];
    const PRECISION: &[Setting] = &[limit("precision", 0.9)];
    const SENSITIVITY: &[Setting] = &[limit("sensitivity", 0.9)];
    const PARTIAL: &[Setting] = &[Setting::between("fpr", 0.0, 1.0).to().shown(0.1)];
    const COSTS: &[Setting] = &[
        Setting::between("p", 0.0, 1.0).shown(0.01),
        Setting::between("miss", 0.0, f64::INFINITY).or(1.0),
        Setting::between("alarm", 0.0, f64::INFINITY).or(1.0),
    ];
    vec![
        Entry::of("accuracy", Accuracy, SCORES, "share of samples whose top class is the label"),
        Entry::set("top-k-accuracy", ONE, "share of labels among the k highest scores", const { &[Setting::count("k", 1, 1_000_000).shown(5.0)] }, |s| TopK::new(s.count("k")?)).once("top-*-accuracy"),
        Entry::of("balanced-accuracy", BalancedAccuracy, SCORES, "mean over classes of how much was found"),
        Entry::of("macro-precision", Precision { average: Average::Macro }, SCORES, "mean over classes of how much of what was said is right"),
        Entry::of("macro-recall", Recall { average: Average::Macro }, SCORES, "mean over classes of how much of what is true was found"),
        Entry::of("macro-f1", MacroF1::default(), SCORES, "mean over classes of the F1 score"),
        Entry::of("micro-precision", Precision { average: Average::Micro }, SCORES, "precision of all classes' counts together"),
        Entry::of("micro-recall", Recall { average: Average::Micro }, SCORES, "recall of all classes' counts together"),
        Entry::of("micro-f1", MicroF1::default(), SCORES, "F1 score of all classes' counts together"),
        Entry::of("weighted-precision", Precision { average: Average::Weighted }, SCORES, "mean precision over classes, by how often they occur"),
        Entry::of("weighted-recall", Recall { average: Average::Weighted }, SCORES, "mean recall over classes, by how often they occur"),
        Entry::of("weighted-f1", WeightedF1::default(), SCORES, "mean F1 score over classes, by how often they occur"),
        Entry::set("macro-f", SCORES, "mean over classes of the F-beta score", BETA, |s| FBeta::new(s.number("beta")?, Average::Macro)).once("macro-f*"),
        Entry::set("micro-f", SCORES, "F-beta score of all classes' counts together", BETA, |s| FBeta::new(s.number("beta")?, Average::Micro)).once("micro-f*"),
        Entry::set("weighted-f", SCORES, "mean F-beta score over classes, by how often they occur", BETA, |s| FBeta::new(s.number("beta")?, Average::Weighted)).once("weighted-f*"),
        Entry::of("cohen-kappa", CohenKappa { spacing: Spacing::None }, SCORES, "agreement beyond chance"),
        Entry::of("mcc", Mcc, SCORES, "Matthews correlation of truth and answer"),
        Entry::of("log-loss", LogLoss, SCORES, "mean negative log-likelihood of the label, nats"),
        Entry::of("brier", Brier, SCORES, "mean squared distance of probabilities from the truth"),
        Entry::set("ece", SCORES, "gap of confidence and accuracy, mean over bins of equal width", BINS, |s| Ece::new(s.count("bins")?)),
        Entry::set("mce", SCORES, "gap of confidence and accuracy, largest of bins of equal width", BINS, |s| Mce::new(s.count("bins")?)),
        Entry::set("adaptive-ece", SCORES, "gap of confidence and accuracy over bins of equal content", BINS, |s| AdaptiveEce::new(s.count("bins")?)),
        Entry::of("hinge", Hinge, SCORES, "margin missing to the best other class; logits only").at_best(Constant::Logits),
        Entry::of("auroc", Auroc, SCORES, "area under the ROC curve, exact"),
        Entry::of("auroc-ovo", AurocOvo, ONE, "area under the ROC curve, mean over pairs of classes"),
        Entry::set("partial-auroc", RATED, "area under the ROC curve up to a false positive rate", PARTIAL, |s| PartialAuroc::new(s.number("fpr")?)),
        Entry::of("gauc", Gauc, RATED, "area under the ROC curve within groups, by their size; needs groups"),
        Entry::of("average-precision", AveragePrecision, SCORES, "area under the precision-recall steps; over labels the mAP"),
        Entry::of("ks", Ks, RATED, "largest distance of the score distributions of yes and no"),
        Entry::of("gini", Gini, RATED, "twice the area under the ROC curve less 1"),
        Entry::of("eer", Eer, RATED, "error where misses and false alarms are equally frequent"),
        Entry::set("min-dcf", RATED, "detection cost of the best threshold, a share p being targets", COSTS, |s| MinDcf::new(s.number("p")?, s.number("miss")?, s.number("alarm")?)),
        Entry::set("recall", RATED, "best recall at a false positive rate of at most fpr", FPR, |s| RecallAtFpr::new(s.number("fpr")?)),
        Entry::set("precision", RATED, "best precision at a recall of at least recall", RECALL, |s| PrecisionAtRecall::new(s.number("recall")?)),
        Entry::set("recall", RATED, "best recall at a precision of at least precision", PRECISION, |s| RecallAtPrecision::new(s.number("precision")?)),
        Entry::set("specificity", RATED, "best specificity at a sensitivity of at least sensitivity", SENSITIVITY, |s| SpecificityAtSensitivity::new(s.number("sensitivity")?)),
        Entry::of("pcoc-error", PcocError, RATED, "distance from 1 of predicted over observed"),
        Entry::of("subset-accuracy", SubsetAccuracy, LABELS, "share of samples with all labels right"),
        Entry::of("hamming-loss", HammingLoss, SCORES, "share of labels said wrong"),
        Entry::of("samples-f1", SamplesF1, LABELS, "mean F1 score of each sample's labels"),
        Entry::of("coverage-error", CoverageError, LABELS, "how many labels from the top hold all true ones"),
        Entry::of("lrap", Lrap, LABELS, "precision at the ranks of true labels"),
        Entry::of("ranking-loss", RankingLoss, LABELS, "share of label pairs in the wrong order"),
        Entry::of("one-error", OneError, LABELS, "share of samples whose top label is false"),
        Entry::set("ef", RATED, "actives among the best percent, over chance", const { &[Setting::between("percent", 0.0, 100.0).to().shown(1.0)] }, |s| Enrichment::new(s.number("percent")?)),
        Entry::set("bedroc", RATED, "early recognition of actives", const { &[Setting::between("alpha", 0.0, 500.0).to().shown(20.0)] }, |s| Bedroc::new(s.number("alpha")?)),
        Entry::of("linear-kappa", CohenKappa { spacing: Spacing::Linear }, GRADES, "agreement of grades beyond chance, by distance"),
        Entry::of("quadratic-kappa", CohenKappa { spacing: Spacing::Quadratic }, GRADES, "agreement of grades beyond chance, by squared distance (QWK)"),
        Entry::of("grade-mae", GradeMae, GRADES, "mean distance from the true grade, in grades").at_best(Constant::Median),
        Entry::of("off-by-one", OffByOne, GRADES, "share of answers at most one grade off"),
        Entry::of("grade-kendall", GradeKendall, GRADES, "Kendall's tau-b of grades"),
        Entry::of("grade-spearman", GradeSpearman, GRADES, "Spearman correlation of grades"),

        Entry::of("mae", Mae, NUMBERS, "mean absolute error").at_best(Constant::Median),
        Entry::of("mse", Mse, NUMBERS, "mean squared error"),
        Entry::of("rmse", Rmse, NUMBERS, "root mean squared error"),
        Entry::of("r2", R2, NUMBERS, "coefficient of determination"),
        Entry::set("adjusted-r2", NUMBERS, "coefficient of determination, paying for so many inputs", const { &[Setting::count("inputs", 1, 1_000_000).shown(1.0)] }, |s| Ok(AdjustedR2::new(u32::try_from(s.count("inputs")?).unwrap_or(u32::MAX)))),
        Entry::of("explained-variance", ExplainedVariance, NUMBERS, "share of variance explained, a constant offset forgiven"),
        Entry::of("mape", Mape, NUMBERS, "mean error as a share of the target").at_best(Constant::Median),
        Entry::of("smape", Smape, NUMBERS, "mean error as a share of prediction and target").at_best(Constant::Median),
        Entry::of("wmape", Wmape, NUMBERS, "all errors as a share of all targets").at_best(Constant::Median),
        Entry::of("rmsle", Rmsle, NUMBERS, "root mean squared logarithmic error; numbers above -1").at_best(Constant::Median),
        Entry::set("mase", NUMBERS, "mean absolute error in units of a naive forecast's error; one output", const { &[Setting::between("scale", 0.0, f64::INFINITY).shown(1.0)] }, |s| Ok(Called(s.name()?, Mase::new(vec![s.number("scale")?])?))),
        Entry::of("poisson-deviance", Tweedie::poisson(), NUMBERS, "mean Poisson deviance; predictions above 0"),
        Entry::of("gamma-deviance", Tweedie::gamma(), NUMBERS, "mean gamma deviance; numbers above 0"),
        Entry::set("tweedie-deviance", NUMBERS, "mean Tweedie deviance; predictions above 0", const { &[Setting::between("power", -10.0, 10.0).shown(1.5)] }, |s| Tweedie::new(s.number("power")?)),
        Entry::set("pinball", NUMBERS, "mean pinball loss of a quantile", const { &[Setting::between("q", 0.0, 1.0).from().to().shown(0.5)] }, |s| Pinball::new(s.number("q")?)),
        Entry::of("crps", Crps, NUMBERS, "continuous ranked probability score of distributions; of plain numbers the absolute error").at_best(Constant::Distribution),
        Entry::of("nll", Nll, NUMBERS, "mean negative log-likelihood of distributions, nats").at_best(Constant::Distribution),
        Entry::of("crps-gaussian", CrpsGaussian, NUMBERS, "continuous ranked probability score of normal distributions").at_best(Constant::Distribution),
        Entry::of("crps-quantile", CrpsQuantile, NUMBERS, "continuous ranked probability score of quantiles").at_best(Constant::Distribution),
        Entry::set("interval-coverage", NUMBERS, "share of targets within the central interval of their distribution", LEVEL, |s| Central::new(s.name()?.as_str(), s.number("level")?, Measure::Coverage)).at_best(Constant::Distribution),
        Entry::set("interval-width", NUMBERS, "mean width of the central intervals of distributions", LEVEL, |s| Central::new(s.name()?.as_str(), s.number("level")?, Measure::Width)).at_best(Constant::Distribution),
        Entry::set("winkler", NUMBERS, "width of central intervals and what targets beyond them cost", const { &[Setting::between("alpha", 0.0, 1.0).shown(0.1)] }, |s| Central::new(s.name()?.as_str(), 1.0 - s.number("alpha")?, Measure::Score)).at_best(Constant::Distribution),
        Entry::of("pearson", Pearson, NUMBERS, "Pearson correlation"),
        Entry::of("spearman", Spearman, NUMBERS, "Spearman correlation of ranks"),
        Entry::of("kendall", Kendall, NUMBERS, "Kendall's tau-b"),
        Entry::of("ccc", Ccc, NUMBERS, "concordance correlation"),
        Entry::of("direction-accuracy", DirectionAccuracy, NUMBERS, "share of changes whose sign was predicted"),

        Entry::set("ndcg", RANKED, "discounted gain of a ranking over that of the best one", FIRST, |s| Ok(Judged(Ndcg::new(s.get_count("k"), Gain::Linear)?))),
        Entry::set("ndcg-exp", RANKED, "discounted gain of a ranking, 2^relevance - 1, over that of the best one", FIRST, |s| Ok(Judged(Ndcg::new(s.get_count("k"), Gain::Exponential)?))),
        Entry::set("map", RANKED, "mean over queries of precision at the places of relevant items", FIRST, |s| Ok(Judged(RankingAtK::new(AtK::AveragePrecision, s.get_count("k"))?))),
        Entry::set("mrr", RANKED, "mean of one over the place of the first relevant item", FIRST, |s| Ok(Judged(RankingAtK::new(AtK::ReciprocalRank, s.get_count("k"))?))),
        Entry::set("precision", RANKED, "share of the first k places that is relevant", AT, |s| Ok(Judged(RankingAtK::new(AtK::Precision, s.get_count("k"))?))),
        Entry::set("recall", RANKED, "share of relevant items among the first k places", AT, |s| Ok(Judged(RankingAtK::new(AtK::Recall, s.get_count("k"))?))),
        Entry::set("hit-rate", RANKED, "share of queries with a relevant item among the first k places", AT, |s| Ok(Judged(RankingAtK::new(AtK::HitRate, s.get_count("k"))?))),
        Entry::set("fall-out", RANKED, "share of irrelevant items among the first k places", AT, |s| Ok(Judged(RankingAtK::new(AtK::FallOut, s.get_count("k"))?))),
        Entry::set("r-precision", RANKED, "precision of as many places as there are relevant items", &[], |_| Ok(Judged(RankingAtK::new(AtK::RPrecision, None)?))),

        Entry::set("demographic-parity-difference", RATED, "largest difference of selection rates; needs groups", &[], |_| GroupParity::new(Parity::Demographic, Comparison::Difference, 0.5)),
        Entry::set("demographic-parity-ratio", RATED, "smallest over largest selection rate; needs groups", &[], |_| GroupParity::new(Parity::Demographic, Comparison::Ratio, 0.5)),
        Entry::set("equal-opportunity-difference", RATED, "largest difference of true positive rates; needs groups", &[], |_| GroupParity::new(Parity::EqualOpportunity, Comparison::Difference, 0.5)),
        Entry::set("equal-opportunity-ratio", RATED, "smallest over largest true positive rate; needs groups", &[], |_| GroupParity::new(Parity::EqualOpportunity, Comparison::Ratio, 0.5)),
        Entry::set("equalized-odds-difference", RATED, "largest difference of true or false positive rates; needs groups", &[], |_| GroupParity::new(Parity::EqualizedOdds, Comparison::Difference, 0.5)),
        Entry::set("equalized-odds-ratio", RATED, "smallest ratio of true or false positive rates; needs groups", &[], |_| GroupParity::new(Parity::EqualizedOdds, Comparison::Ratio, 0.5)),
        Entry::set("calibration-by-group", RATED, "largest calibration error of a group; needs groups", const { &[Setting::count("bins", 1, 65_535).shown(15.0)] }, |s| CalibrationByGroup::new(u16::try_from(s.count("bins")?).unwrap_or(u16::MAX))),

        Entry::of("nmi", Agreement::Nmi, RATED, "mutual information of answers and classes, whatever these are called"),
        Entry::of("homogeneity", Agreement::Homogeneity, RATED, "whether one answer means one class only"),
        Entry::of("completeness", Agreement::Completeness, RATED, "whether one class gets one answer only"),
        Entry::of("v-measure", Agreement::VMeasure, RATED, "harmonic mean of homogeneity and completeness"),
        Entry::of("ari", Agreement::AdjustedRand, RATED, "pairs of samples told together or apart rightly, beyond chance"),
        Entry::of("cluster-accuracy", Agreement::Accuracy, RATED, "accuracy under the best matching of answers and classes"),
        Entry::of("linear-cka", LinearCka, NUMBERS, "similarity of predictions and targets as representations"),
        Entry::of("rsa", Rsa, NUMBERS, "whether predictions and targets find the same samples alike"),

        Entry::set("psnr", NUMBERS, "peak signal to noise, mean over samples, dB; numbers span range", const { &[Setting::between("range", 0.0, 1e15).to().or(RANGE)] }, |s| Ok(Called(s.name()?, Psnr::new(s.number("range")?, PsnrMean::Images)?))),
        Entry::set("psnr-pixels", NUMBERS, "peak signal to noise of all numbers together, dB; numbers span range", const { &[Setting::between("range", 0.0, 1e15).to().or(RANGE)] }, |s| Ok(Called(s.name()?, Psnr::new(s.number("range")?, PsnrMean::Pixels)?))),
        Entry::of("sam", SpectralAngle, NUMBERS, "mean angle of predicted and true vectors, radians"),
        Entry::of("frechet-distance", FrechetDistance, NUMBERS, "distance of the distributions of predicted and true features"),
        Entry::set("kid", NUMBERS, "kernel distance of the distributions of predicted and true features", &[], |_| Kid::new(Subsets::All)),
        Entry::of("snr", SignalRatio::new(Allowed::Nothing, false), NUMBERS, "signal to noise of a sample's numbers, dB"),
        Entry::of("si-sdr", SignalRatio::new(Allowed::Scale, false), NUMBERS, "signal to distortion whatever the scale, dB"),
        Entry::of("si-sdr-zero-mean", SignalRatio::new(Allowed::Scale, true), NUMBERS, "signal to distortion whatever scale and offset, dB"),
        Entry::of("sdr", SignalRatio::new(Allowed::Filter, false), NUMBERS, "signal to distortion whatever a filter does, dB"),
        Entry::of("stoi", Stoi::default(), NUMBERS, "intelligibility of signals of 10 kHz"),
        Entry::of("estoi", Stoi::extended(), NUMBERS, "intelligibility of signals of 10 kHz, maskers modulated"),
        Entry::of("mcd", MelCepstralDistortion, NUMBERS, "mel cepstral distortion, a frame a sample, dB"),
        Entry::of("f0-rmse", F0Rmse, NUMBERS, "error of pitch where both are voiced"),
        Entry::set("min-ade", NUMBERS, "mean distance of points x, y of the best of k ways", WAYS, |s| Displacement::ade(s.count("k")?, AdeOf::Best)),
        Entry::set("min-fde", NUMBERS, "distance of the last point of the best of k ways", WAYS, |s| Displacement::fde(s.count("k")?)),
        Entry::set("miss-rate", NUMBERS, "share of ways whose end is farther off than radius", MISSES, |s| Displacement::miss_rate(s.count("k")?, s.number("radius")?, MissBy::End)),
        Entry::set("miss-rate-worst-point", NUMBERS, "share of ways with a point farther off than radius", MISSES, |s| Displacement::miss_rate(s.count("k")?, s.number("radius")?, MissBy::WorstPoint)),
        Entry::of("makespan-gap", MakespanGap, NUMBERS, "how much longer than the best, as a share"),
        Entry::of("regret", Regret, NUMBERS, "value lost by the action of the highest score"),
        Entry::set("top-action", &[Class::NAME, Ordinal::NAME], "share of states whose expert action is among the k best", const { &[Setting::count("k", 1, 1_000_000).shown(1.0)] }, |s| TopAction::new(s.count("k")?)),
        Entry::of("mpjpe", Mpjpe { aligned: false }, NUMBERS, "mean distance of joints x, y, z"),
        Entry::of("pa-mpjpe", Mpjpe { aligned: true }, NUMBERS, "mean distance of joints x, y, z after the best alignment"),
        Entry::set("abs-rel", NUMBERS, "mean error of depths as a share of them", DEPTHS, |s| depth(s, DepthNumber::AbsRel)),
        Entry::set("sq-rel", NUMBERS, "mean squared error of depths over them", DEPTHS, |s| depth(s, DepthNumber::SqRel)),
        Entry::set("depth-rmse", NUMBERS, "root mean squared error of depths", DEPTHS, |s| depth(s, DepthNumber::Rmse)),
        Entry::set("depth-rmse-log", NUMBERS, "root mean squared error of logarithms of depths", DEPTHS, |s| depth(s, DepthNumber::RmseLog)),
        Entry::set("depth-log10", NUMBERS, "mean error of decimal logarithms of depths", DEPTHS, |s| depth(s, DepthNumber::Log10)),
        Entry::set("delta-1", NUMBERS, "share of depths within a factor of 1.25", DEPTHS, |s| depth(s, DepthNumber::Delta1)),
        Entry::set("delta-2", NUMBERS, "share of depths within a factor of 1.25 squared", DEPTHS, |s| depth(s, DepthNumber::Delta2)),
        Entry::set("delta-3", NUMBERS, "share of depths within a factor of 1.25 cubed", DEPTHS, |s| depth(s, DepthNumber::Delta3)),
        Entry::of("normal-mean", NormalAngle { number: AngleNumber::Mean }, NUMBERS, "mean angle of vectors x, y, z, degrees"),
        Entry::of("normal-median", NormalMedian, NUMBERS, "median angle of vectors x, y, z, degrees"),
        Entry::of("normal-11.25", NormalAngle { number: AngleNumber::Below11 }, NUMBERS, "share of angles below 11.25 degrees"),
        Entry::of("normal-22.5", NormalAngle { number: AngleNumber::Below22 }, NUMBERS, "share of angles below 22.5 degrees"),
        Entry::of("normal-30", NormalAngle { number: AngleNumber::Below30 }, NUMBERS, "share of angles below 30 degrees"),

        Entry::set("bleu", SEQUENCE, "n-gram precision of texts with a brevity penalty", &[], |_| Bleu::new(BleuConfig::default())),
        Entry::set("chrf", SEQUENCE, "F2 score of character n-grams", &[], |_| Chrf::new(ChrfConfig::default())),
        Entry::set("chrf++", SEQUENCE, "F2 score of character n-grams, words and pairs of them", &[], |_| Chrf::new(ChrfConfig { word_order: 2, ..ChrfConfig::default() })),
        Entry::set("ter", SEQUENCE, "edits and shifts of words over the reference's length", &[], |_| Ok(Ter::new(TerConfig::default()))),
        Entry::set("rouge1", SEQUENCE, "F1 score of words", &[], |_| Rouge::new(RougeKind::N(1))),
        Entry::set("rouge2", SEQUENCE, "F1 score of pairs of words", &[], |_| Rouge::new(RougeKind::N(2))),
        Entry::set("rouge-l", SEQUENCE, "F1 score of the longest common subsequence", &[], |_| Rouge::new(RougeKind::L)),
        Entry::set("rouge-lsum", SEQUENCE, "F1 score of the union of common subsequences of sentences", &[], |_| Rouge::new(RougeKind::Lsum)),
        Entry::of("perplexity", Perplexity, LIKELIHOODS, "exponential of the mean negative log-likelihood of tokens"),
        Entry::set("distinct-1", SEQUENCE, "different words over all", &[], |_| DistinctN::new(1, Tokenizer::None)),
        Entry::set("distinct-2", SEQUENCE, "different pairs of words over all", &[], |_| DistinctN::new(2, Tokenizer::None)),
        Entry::of("wer", ErrorRate::new(Rate::Error, Unit::Words), SEQUENCE, "word error rate"),
        Entry::of("cer", ErrorRate::new(Rate::Error, Unit::Characters), SEQUENCE, "character error rate"),
        Entry::of("mer", ErrorRate::new(Rate::Match, Unit::Words), SEQUENCE, "errors per step of the alignment of words"),
        Entry::of("wil", ErrorRate::new(Rate::Lost, Unit::Words), SEQUENCE, "word information lost"),
        Entry::of("wip", ErrorRate::new(Rate::Preserved, Unit::Words), SEQUENCE, "word information preserved"),
        Entry::of("squad-em", Squad::new(AnswerMeasure::ExactMatch, AnswerLanguage::English), SEQUENCE, "share of answers that are right to the letter, but for articles and punctuation"),
        Entry::of("squad-f1", Squad::new(AnswerMeasure::F1, AnswerLanguage::English), SEQUENCE, "mean F1 score of an answer's words"),
        Entry::of("token-error-rate", TokenErrorRate, SEQUENCE, "wrong, missing and needless tokens over true ones"),
        Entry::of("exact-match", ExactMatch, LISTS, "share of samples that are right as a whole"),
        Entry::of("tag-accuracy", TagAccuracy, TAGS, "share of items tagged right"),
        Entry::set("span-f1", TAGS, "F1 score of spans that tags spell, as conlleval counts", SpanScore::SETTINGS, |s| Ok(SpanScore::of_settings(SpanMeasure::F1, s))),
        Entry::set("span-precision", TAGS, "share of spans said that are true", SpanScore::SETTINGS, |s| Ok(SpanScore::of_settings(SpanMeasure::Precision, s))),
        Entry::set("span-recall", TAGS, "share of true spans that were said", SpanScore::SETTINGS, |s| Ok(SpanScore::of_settings(SpanMeasure::Recall, s))),
        Entry::set("segmental-f1", TAGS, "F1 score of segments that overlap by so many percent", const { &[Setting::count("percent", 1, 100).shown(50.0)] }, |s| SegmentalF1::new(u8::try_from(s.count("percent")?).unwrap_or(u8::MAX), None)),
        Entry::of("segmental-edit", SegmentalEdit::new(None), TAGS, "edit score of segments in their order"),
        Entry::set("boundary-f", TAGS, "F1 score of boundaries within a tolerance of tokens", const { &[Setting::count("tolerance", 0, 1_000_000).shown(2.0)] }, |s| Ok(BoundaryF::new(s.count("tolerance")?))),
        Entry::set("der", TURNS, "diarization error rate", &[], |_| DiarizationErrorRate::new(0.0, false)),
        Entry::of("jer", JaccardErrorRate, TURNS, "Jaccard error rate of speakers"),
        Entry::of("coco-ap", CocoAp { number: CocoNumber::Ap }, BOXES, "average precision of boxes over IoU .50 to .95"),
        Entry::of("coco-ap50", CocoAp { number: CocoNumber::Ap50 }, BOXES, "average precision of boxes at IoU .50"),
        Entry::of("coco-ap75", CocoAp { number: CocoNumber::Ap75 }, BOXES, "average precision of boxes at IoU .75"),
        Entry::of("coco-ar-100", CocoAp { number: CocoNumber::Ar100 }, BOXES, "average recall of 100 boxes an image"),
        Entry::of("coco-mask-ap", MaskAp { number: CocoNumber::Ap }, MASKS, "average precision of masks over IoU .50 to .95"),
        Entry::of("coco-mask-ap50", MaskAp { number: CocoNumber::Ap50 }, MASKS, "average precision of masks at IoU .50"),
        Entry::of("panoptic-quality", PanopticQuality, MASKS, "panoptic quality of segments"),
        Entry::of("temporal-map", TemporalMap, BOXES, "mean average precision of segments in time"),
        Entry::of("mota", Tracking { number: TrackingNumber::Mota }, TRACKS, "tracking accuracy"),
        Entry::of("motp", Tracking { number: TrackingNumber::Motp }, TRACKS, "overlap of matched tracks"),
        Entry::of("idf1", Tracking { number: TrackingNumber::Idf1 }, TRACKS, "F1 score of identities"),
        Entry::set("collision-rate", TRACKS, "share of agents nearer to another than reach", COLLISIONS, |s| CollisionRate::new(s.number("reach")?, u32::try_from(s.count("steps")?).unwrap_or(u32::MAX))),
        Entry::set("oks-ap", KEYPOINTS, "average precision of poses over OKS .50 to .95", &[], |_| OksAp::new(OksNumber::Ap, &COCO_SIGMAS)),
        Entry::set("oks-ar", KEYPOINTS, "average recall of poses over OKS .50 to .95", &[], |_| OksAp::new(OksNumber::Ar, &COCO_SIGMAS)),
        Entry::set("pck", KEYPOINTS, "share of keypoints nearer than alpha lengths of the person", const { &[Setting::between("alpha", 0.0, f64::INFINITY).shown(0.2)] }, |s| Pck::new(s.number("alpha")?)),
        Entry::set("pckh", KEYPOINTS, "share of keypoints nearer than alpha lengths of the head", const { &[Setting::between("alpha", 0.0, f64::INFINITY).shown(0.5)] }, |s| Pck::head(s.number("alpha")?)),
        Entry::set("ssim", MAPS, "structural similarity of pictures whose numbers span range", const { &[Setting::between("range", 0.0, 1e15).to().or(RANGE)] }, |s| Ok(Called(s.name()?, Ssim::new(s.number("range")?)?))),
        Entry::of("uqi", Uqi, MAPS, "universal quality index of pictures"),
        Entry::of("forecast-nll", ForecastNll, WAYS_TAKEN, "negative log-likelihood of the way taken"),
        Entry::of("crps-ensemble", CrpsEnsemble, ENSEMBLES, "continuous ranked probability score of an ensemble"),
        Entry::of("c-index", CIndex, TIMES, "share of comparable pairs in the right order of time"),
        Entry::set("ips", DECISIONS, "value of a policy by inverse propensities", &[], |_| OffPolicyValue::new(Estimator::Ips, f64::INFINITY)),
        Entry::set("snips", DECISIONS, "value of a policy by self-normalized inverse propensities", &[], |_| OffPolicyValue::new(Estimator::Snips, f64::INFINITY)),
        Entry::set("doubly-robust", DECISIONS, "value of a policy, doubly robust", &[], |_| OffPolicyValue::new(Estimator::DoublyRobust, f64::INFINITY)),
    ]
}

const DEPTHS: &[Setting] =
    &[Setting::between("nearest", 0.0, 1e6).or(1e-3), Setting::between("farthest", 0.0, 1e6).or(80.0)];
const COLLISIONS: &[Setting] =
    &[Setting::between("reach", 0.0, f64::INFINITY).shown(1.0), Setting::count("steps", 0, 1000).shown(0.0)];

/// A number of depths in the range that is asked for.
#[expect(clippy::cast_possible_truncation, reason = "depths are f32")]
fn depth(settings: &mtl_core::metric::Settings, number: DepthNumber) -> mtl_core::Result<Called<Depth>> {
    let (nearest, farthest) = (settings.number("nearest")? as f32, settings.number("farthest")? as f32);
    Ok(Called(settings.name()?, Depth::new(number, nearest, farthest)?))
}
