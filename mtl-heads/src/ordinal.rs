//! One of `c` grades: one direction in feature space, `c - 1` ordered thresholds along it.
//!
//! ```text
//! z       = tower(features)                                             [b, 1]
//! t_0     = r_0,   t_k = t_(k-1) + softplus(r_k)                        [c - 1], ascending whatever r is
//! l_ik    = z_i - t_k                                                   [b, c - 1], the logit of P(y_i > k)
//!
//! coral:            loss_i = - sum_k [y_i > k] log s(l_ik) + [y_i <= k] log (1 - s(l_ik))
//! cumulative-link:  loss_i = - log P(y_i),  P(k) = s(l_(k-1)) - s(l_k),  s(l_(-1)) = 1,  s(l_(c-1)) = 0
//!
//! sum = sum_{i known} loss_i,   count = number of known samples;  with weights: sum_i v_i loss_i over sum_i v_i
//! p_ik = P(k)                                                           decode, [b, c]
//! ```
//! `s` the logistic function. Because thresholds ascend, `P(y > k)` falls in `k` for every input (*rank consistency*), and no
//! probability is negative. Thresholds start where the training labels' shares put them at `z = 0`.
//!
//! **Shapes** features pooled to `[b, d]`; labels `[b]` of `Int64`, `0..c` from low to high, -100 where unknown.
//!
//! **Reference** `coral`: Cao, Mirjalili, Raschka, "Rank consistent ordinal regression for neural networks with application to
//! age estimation", Pattern Recognition Letters 140, 2020. `cumulative-link`: McCullagh, "Regression models for ordinal data",
//! JRSS B 42(2), 1980 (proportional odds).
//!
//! **Differs from** the paper's code: there thresholds are free and only ordered at the optimum (its theorem 1), here always; the
//! answer is the most probable grade, as metrics take it, where the paper counts the thresholds that are passed (the median).

use mtl_core::{
    Result, TorchContext,
    answer::{Answer, Ordinal},
    batch::{MISSING_CLASS, Target},
    label_stats::LabelStats,
    loss::TaskLoss,
    nn::Activation,
    params::Init,
    prediction::{Prediction, Scores},
};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

use crate::{
    ask::Ask,
    decode::to_array,
    head::{Head, HeadOutput, HeadSpec},
    part::HeadPart,
    place::HeadPlace,
    tower::{Tower, TowerShape},
};

/// The share of the labels beyond the outermost thresholds is at least this when they start.
const SMALLEST_SHARE: f64 = 1e-3;
/// Thresholds start at least so far apart, in logits.
const SMALLEST_GAP: f64 = 1e-2;

/// What a grade costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrdinalLoss {
    /// A yes/no question per threshold: grades far off cost more.
    #[default]
    Coral,
    /// The likelihood of the grade: probabilities are calibrated.
    CumulativeLink,
}

/// Settings of [`OrdinalHead`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OrdinalHeadConfig {
    /// Widths of hidden layers, each >= 1; default none.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each hidden layer; default `relu`.
    pub activation: Activation,
    /// Dropout after each hidden layer (on the features when there is none), in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// `"coral"` (a question per threshold) or `"cumulative-link"` (the likelihood of the grade); default `"coral"`.
    pub loss: OrdinalLoss,
}

impl Default for OrdinalHeadConfig {
    fn default() -> Self {
        Self { hidden: Vec::new(), activation: Activation::Relu, dropout: 0.0, loss: OrdinalLoss::Coral }
    }
}

/// Ordinal regression.
#[derive(Debug)]
pub struct OrdinalHead {
    spec: HeadSpec,
    tower: Tower,
    /// `r`, `[c - 1]`.
    raw_thresholds: Tensor,
    loss: OrdinalLoss,
}

impl OrdinalHead {
    /// The metrics that suit it; the first judges the task unless the user names another.
    pub const METRICS: &[&str] = &["grade-mae", "quadratic-kappa", "off-by-one", "accuracy"];

    /// A head for those grades, its thresholds started by the statistics of the training labels.
    /// Without them every grade starts equally probable.
    ///
    /// # Errors
    /// [`InvalidConfig`](mtl_core::Error::InvalidConfig) for fewer than two grades or a setting out of range.
    pub fn new(mut place: HeadPlace<'_>, grades: &Ordinal, config: &OrdinalHeadConfig) -> Result<Self> {
        place.answer.check("ordinal head")?;
        let c = grades.grades.len();
        let shape = TowerShape { hidden: &config.hidden, activation: config.activation, dropout: config.dropout };
        let tower = Tower::new(&mut place.scope, place.view, 1, shape)?;
        let raw_thresholds = place.scope.param("thresholds", &[c as i64 - 1], Init::Zeros)?;
        let start = Tensor::f_from_slice(&start(c, place.labels)).op("thresholds")?;
        {
            let _guard = tch::no_grad_guard();
            raw_thresholds.shallow_clone().f_copy_(&start).op("thresholds")?;
        }
        let output = format!("logits of exceeding each grade but the last [b, {}]", c - 1);
        Ok(Self { spec: place.spec("ordinal", output, Self::METRICS)?, tower, raw_thresholds, loss: config.loss })
    }

    fn n_thresholds(&self) -> i64 {
        self.raw_thresholds.size().first().copied().unwrap_or(0)
    }

    /// `t`, `[c - 1]`, ascending.
    fn thresholds(&self) -> Result<Tensor> {
        let n = self.n_thresholds();
        let run = || {
            let first = self.raw_thresholds.f_narrow(0, 0, 1)?;
            let gaps = self.raw_thresholds.f_narrow(0, 1, n - 1)?.f_softplus()?;
            Tensor::f_cat(&[first, gaps], 0)?.f_cumsum(0, None::<Kind>)
        };
        run().op("thresholds")
    }
}

/// Where thresholds start: `r` such that at `z = 0` grades have the shares of the training labels.
fn start(n_grades: usize, stats: Option<&LabelStats>) -> Vec<f64> {
    let even = vec![1.0 / n_grades as f64; n_grades];
    let shares: Option<Vec<f64>> = stats.and_then(|s| s.shares().into_iter().collect());
    let shares = shares.filter(|shares| shares.len() == n_grades).unwrap_or(even);
    let mut below = 0.0;
    let mut last: Option<f64> = None;
    let mut raw = Vec::with_capacity(n_grades - 1);
    for share in shares.iter().take(n_grades - 1) {
        below += share;
        let p = below.clamp(SMALLEST_SHARE, 1.0 - SMALLEST_SHARE);
        let wanted = (p / (1.0 - p)).ln();
        match last {
            None => {
                raw.push(wanted);
                last = Some(wanted);
            }
            Some(before) => {
                let gap = (wanted - before).max(SMALLEST_GAP);
                raw.push(gap.exp_m1().ln()); // softplus of it is the gap
                last = Some(before + gap);
            }
        }
    }
    raw
}

/// `log P(k)` from the logits of `P(y > k)`.
///
/// # Shapes
/// `[b, c - 1]` to `[b, c]`.
fn log_probs(logits: &Tensor) -> Result<Tensor> {
    let run = || {
        let n = logits.size().last().copied().unwrap_or(1);
        let zeros = logits.f_zeros_like()?.f_narrow(1, 0, 1)?; // [b, 1]
        // s(a) - s(b) = s(a) s(-b) (1 - exp(b - a)): nothing cancels.
        let above = Tensor::f_cat(&[&zeros, &logits.f_log_sigmoid()?], 1)?; // [b, c]
        let below = Tensor::f_cat(&[&logits.f_neg()?.f_log_sigmoid()?, &zeros], 1)?;
        let sum = above.f_add(&below)?;
        if n == 1 {
            return Ok(sum);
        }
        let gaps = logits.f_narrow(1, 0, n - 1)?.f_sub(&logits.f_narrow(1, 1, n - 1)?)?.f_clamp_min(1e-7)?;
        let inner = gaps.f_neg()?.f_expm1()?.f_neg()?.f_log()?; // [b, c - 2]
        sum.f_add(&Tensor::f_cat(&[&zeros, &inner, &zeros], 1)?)
    };
    run().op("probabilities of grades")
}

impl HeadPart for OrdinalHeadConfig {
    fn metrics(&self, _: &Answer) -> &'static [&'static str] {
        OrdinalHead::METRICS
    }

    fn default_for(&self) -> Option<&'static str> {
        Some(Ordinal::NAME)
    }

    fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        let Answer::Ordinal(grades) = place.answer else { return Err(place.refuses("ordinal")) };
        Ok(Box::new(OrdinalHead::new(place, grades, self)?))
    }
}

impl Head for OrdinalHead {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        let zs = self.tower.forward(ask.features, ask.cx)?; // [b, 1]
        let thresholds = self.thresholds()?.f_to_kind(zs.kind()).op("thresholds")?;
        Ok(zs.f_sub(&thresholds).op("logits of grades")?.into()) // [b, c - 1]
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let logits = out.main();
        let labels = self.spec.accept_as(&[self.n_thresholds()], logits, target)?;
        if target.mass() <= 0.0 {
            return Ok(TaskLoss::absent());
        }
        let op = || format!("loss of task {}", self.spec.task);
        let losses = match self.loss {
            OrdinalLoss::Coral => {
                let labels = labels.f_unsqueeze(-1).op(op())?; // [b, 1]
                let levels = Tensor::f_arange(self.n_thresholds(), (Kind::Int64, logits.device())).op(op())?;
                let exceeds = labels.f_gt_tensor(&levels).and_then(|t| t.f_to_kind(logits.kind())).op(op())?;
                let known = match target.is_complete() {
                    true => None,
                    false => Some(labels.f_ge(0).and_then(|t| t.f_to_kind(logits.kind())).op(op())?),
                };
                let none = None::<Tensor>;
                logits.f_binary_cross_entropy_with_logits(&exceeds, known, none, Reduction::None).op(op())? // [b, c - 1]
            }
            OrdinalLoss::CumulativeLink => log_probs(logits)?
                .f_cross_entropy_loss(labels, None::<Tensor>, Reduction::None, MISSING_CLASS, 0.0)
                .op(op())?, // [b]; the logarithms of probabilities are their own log softmax
        };
        Ok(TaskLoss::new(self.spec.weighted_sum(&losses, target)?, target.mass()))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        Ok(Prediction::Ordinal { scores: to_array(&self.answer(out)?)?, kind: Scores::Probs })
    }

    fn answer(&self, out: &HeadOutput) -> Result<Tensor> {
        log_probs(out.main())?.f_exp().op("decode") // [b, c]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{features::View, params::ParamSet, task::TaskName};
    use tch::Device;

    fn head(loss: OrdinalLoss, stats: Option<&LabelStats>) -> OrdinalHead {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let task = TaskName::new("grade").unwrap();
        let grades = Ordinal { grades: ["low", "mid", "high"].map(String::from).to_vec() };
        let config = OrdinalHeadConfig { loss, ..Default::default() };
        let (view, answer) = (View::Pooled { width: 2 }, Answer::Ordinal(grades.clone()));
        let place = HeadPlace::new(params.root(), &task, &view, &answer).with_labels(stats);
        OrdinalHead::new(place, &grades, &config).unwrap()
    }

    fn logistic(x: f64) -> f64 {
        1.0 / (1.0 + (-x).exp())
    }

    #[test]
    fn each_loss_by_hand() {
        let out: HeadOutput = Tensor::from_slice(&[1.0, -0.5, 2.0, 1.0, 0.0, -3.0]).view([3, 2]).into();
        let target = Target::ordinal("grade", &[1, 2, MISSING_CLASS]).unwrap();
        let s = logistic;
        let coral = -(s(1.0).ln() + (1.0 - s(-0.5)).ln()) - (s(2.0).ln() + s(1.0).ln());
        let link = -(s(1.0) - s(-0.5)).ln() - s(1.0).ln();
        for (loss, by_hand) in [(OrdinalLoss::Coral, coral), (OrdinalLoss::CumulativeLink, link)] {
            let found = head(loss, None).loss(&out, &target).unwrap();
            assert!((found.sum.double_value(&[]) - by_hand).abs() < 1e-12, "{loss:?}");
            assert!((found.count - 2.0).abs() < 1e-12);
        }
        let Prediction::Ordinal { scores, .. } = head(OrdinalLoss::Coral, None).decode(&out).unwrap() else { panic!() };
        let by_hand = [1.0 - s(1.0), s(1.0) - s(-0.5), s(-0.5)];
        for (found, by_hand) in scores.row(0).iter().zip(by_hand) {
            assert!((f64::from(*found) - by_hand).abs() < 1e-6);
        }
    }

    #[test]
    fn thresholds_start_at_the_shares_and_stay_in_order() {
        let stats = LabelStats::Class { counts: vec![6, 3, 1], missing: 4 };
        let head = head(OrdinalLoss::Coral, Some(&stats));
        let thresholds = Vec::<f64>::try_from(head.thresholds().unwrap()).unwrap();
        assert!((logistic(thresholds[0]) - 0.6).abs() < 1e-6 && (logistic(thresholds[1]) - 0.9).abs() < 1e-6);
        let _guard = tch::no_grad_guard();
        head.raw_thresholds.shallow_clone().copy_(&Tensor::from_slice(&[3.0, -40.0]));
        let thresholds = Vec::<f64>::try_from(head.thresholds().unwrap()).unwrap();
        assert!(thresholds[0] <= thresholds[1], "{thresholds:?}");
        let empty = LabelStats::Class { counts: vec![0, 0, 0], missing: 4 };
        assert!(start(3, Some(&empty)).iter().chain(&start(3, None)).all(|r| r.is_finite()));
        let gap = LabelStats::Class { counts: vec![5, 0, 5], missing: 0 };
        assert!(start(3, Some(&gap)).iter().all(|r| r.is_finite()));
    }
}
