//! One of `c` grades: one direction in feature space with `c - 1` ordered thresholds along it, or a chain of `c - 1` questions.
//!
//! ```text
//! coral, cumulative-link
//! z       = tower(features)                                             [b, 1]
//! t_0     = r_0,   t_k = t_(k-1) + softplus(r_k)                        [c - 1], ascending whatever r is
//! l_ik    = z_i - t_k                                                   [b, c - 1], the logit of P(y_i > k)
//!
//! coral:            loss_i = - sum_k [y_i > k] log s(l_ik) + [y_i <= k] log (1 - s(l_ik))
//! cumulative-link:  loss_i = - log P(y_i),  P(k) = s(l_(k-1)) - s(l_k),  s(l_(-1)) = 1,  s(l_(c-1)) = 0
//!
//! corn
//! z       = tower(features)                                             [b, c - 1]
//! l_ik    = z_ik - r_k                                                  [b, c - 1], the logit of P(y_i > k | y_i > k - 1)
//! loss_i  = - sum_{k <= y_i} [y_i > k] log s(l_ik) + [y_i = k] log (1 - s(l_ik))   = - log P(y_i)
//! P(k)    = s(l_0) .. s(l_(k-1)) (1 - s(l_k)),  s(l_(c-1)) = 0
//!
//! sum = sum_{i known} w_(y_i) loss_i,   count = sum_{i known} w_(y_i);  with weights of samples: sum_i v_i w loss_i over sum_i v_i w
//! p_ik = P(k)                                                           decode, [b, c]
//! ```
//! `s` the logistic function, `w` weights of grades (1 unless given, see [`crate::imbalance`]). `P(y > k)` falls in `k` for every input (*rank consistency*), and no probability is negative: because
//! thresholds ascend, and in `corn` because each question multiplies by what is at most 1. `corn` needs no common direction, so that
//! what tells low grades apart need not tell high ones apart; it learns a question from the grades that reach it alone. Thresholds
//! start where the training labels' shares put them at `z = 0`.
//!
//! **Shapes** features pooled to `[b, d]`; labels `[b]` of `Int64`, `0..c` from low to high, -100 where unknown.
//!
//! **Reference** `coral`: Cao, Mirjalili, Raschka, "Rank consistent ordinal regression for neural networks with application to
//! age estimation", Pattern Recognition Letters 140, 2020. `cumulative-link`: McCullagh, "Regression models for ordinal data",
//! JRSS B 42(2), 1980 (proportional odds). `corn`: Shi, Cao, Raschka, "Deep neural networks for rank-consistent ordinal regression
//! based on conditional probabilities", Pattern Analysis and Applications 26, 2023.
//!
//! **Differs from** the papers' code: in CORAL's thresholds are free and only ordered at the optimum (its theorem 1), here always;
//! CORN's divides the sum by the number of questions that the batch answers, here by the samples, so that parts of a batch add up;
//! the answer is the most probable grade, as metrics take it, where both papers count the thresholds that are passed (the median).

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
    constant::Constant,
    decode::to_array,
    head::{Head, HeadOutput, HeadSpec},
    imbalance::{self, ClassWeights},
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
    /// A chain of yes/no questions, each asked of the grades that reach it; no common direction.
    Corn,
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
    /// `"coral"` (a question per threshold), `"cumulative-link"` (the likelihood of the grade) or `"corn"` (a chain of questions, each
    /// with weights of its own); default `"coral"`.
    pub loss: OrdinalLoss,
    /// How much a sample counts by its grade, as if it were there so many times: `"balanced"`, `"effective-number"`, a table with the `kind`
    /// and its settings, or a list of a number > 0 for each grade; only ratios matter; default all alike.
    #[serde(skip_serializing_if = "ClassWeights::is_none")]
    pub class_weights: ClassWeights,
}

impl Default for OrdinalHeadConfig {
    fn default() -> Self {
        let (loss, class_weights) = (OrdinalLoss::Coral, ClassWeights::default());
        Self { hidden: Vec::new(), activation: Activation::Relu, dropout: 0.0, loss, class_weights }
    }
}

/// Ordinal regression.
#[derive(Debug)]
pub struct OrdinalHead {
    spec: HeadSpec,
    tower: Tower,
    /// `r`, `[c - 1]`; of `corn` the thresholds themselves.
    raw_thresholds: Tensor,
    loss: OrdinalLoss,
    class_weights: Option<Constant>,
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
        let shape = TowerShape {
            hidden: &config.hidden,
            activation: config.activation,
            dropout: config.dropout,
            members: place.members,
        };
        let (directions, start, output) = match config.loss {
            OrdinalLoss::Coral | OrdinalLoss::CumulativeLink => {
                (1, start(&shares(c, place.labels)), "logits of exceeding each grade but the last")
            }
            OrdinalLoss::Corn => (
                c as i64 - 1,
                start_of_chain(&shares(c, place.labels)),
                "logits of exceeding each grade but the last once it is reached",
            ),
        };
        let class_weights = config.class_weights.of_classes("ordinal head", &grades.grades, place.labels)?;
        let tower = Tower::new(&mut place.scope, place.view, directions, shape)?;
        let raw_thresholds = place.scope.param("thresholds", &[c as i64 - 1], Init::Zeros)?;
        let start = Tensor::f_from_slice(&start).op("thresholds")?;
        {
            let _guard = tch::no_grad_guard();
            raw_thresholds.shallow_clone().f_copy_(&start).op("thresholds")?;
        }
        let spec = place.spec("ordinal", format!("{output} [b, {}]", c - 1), Self::METRICS)?;
        let class_weights = class_weights.map(Constant::new);
        Ok(Self { spec, tower, raw_thresholds, loss: config.loss, class_weights })
    }

    fn n_thresholds(&self) -> i64 {
        self.raw_thresholds.size().first().copied().unwrap_or(0)
    }

    /// `t`, `[c - 1]`, ascending but for `corn`.
    fn thresholds(&self) -> Result<Tensor> {
        if self.loss == OrdinalLoss::Corn {
            return Ok(self.raw_thresholds.shallow_clone());
        }
        let n = self.n_thresholds();
        let run = || {
            let first = self.raw_thresholds.f_narrow(0, 0, 1)?;
            let gaps = self.raw_thresholds.f_narrow(0, 1, n - 1)?.f_softplus()?;
            Tensor::f_cat(&[first, gaps], 0)?.f_cumsum(0, None::<Kind>)
        };
        run().op("thresholds")
    }

    /// `log P(k)` of every grade from the logits.
    ///
    /// # Shapes
    /// `[b, c - 1]` to `[b, c]`.
    fn log_probs(&self, logits: &Tensor) -> Result<Tensor> {
        match self.loss {
            OrdinalLoss::Coral | OrdinalLoss::CumulativeLink => log_probs(logits),
            OrdinalLoss::Corn => log_probs_of_chain(logits),
        }
    }
}

/// The shares of the grades among the training labels; equal ones where they are not known.
fn shares(n_grades: usize, stats: Option<&LabelStats>) -> Vec<f64> {
    let even = vec![1.0 / n_grades as f64; n_grades];
    let shares: Option<Vec<f64>> = stats.and_then(|s| s.shares().into_iter().collect());
    shares.filter(|shares| shares.len() == n_grades).unwrap_or(even)
}

/// The logit of a share that is neither 0 nor 1 when training starts.
fn logit(share: f64) -> f64 {
    let p = share.clamp(SMALLEST_SHARE, 1.0 - SMALLEST_SHARE);
    (p / (1.0 - p)).ln()
}

/// Where the thresholds of a chain start: at `z = 0` a question is answered as by the training labels that reach it.
fn start_of_chain(shares: &[f64]) -> Vec<f64> {
    let mut reaching = 1.0;
    let stays = shares.iter().take(shares.len() - 1).map(|share| {
        let stays = if reaching > 0.0 { share / reaching } else { 0.5 };
        reaching -= share;
        logit(stays)
    });
    stays.collect()
}

/// Where thresholds start: `r` such that at `z = 0` grades have the shares of the training labels.
fn start(shares: &[f64]) -> Vec<f64> {
    let mut below = 0.0;
    let mut last: Option<f64> = None;
    let mut raw = Vec::with_capacity(shares.len() - 1);
    for share in shares.iter().take(shares.len() - 1) {
        below += share;
        let wanted = logit(below);
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

/// `log P(k)` from the logits of `P(y > k | y > k - 1)`: a sum of logarithms, in which nothing cancels.
///
/// # Shapes
/// `[b, c - 1]` to `[b, c]`.
fn log_probs_of_chain(logits: &Tensor) -> Result<Tensor> {
    let run = || {
        let zeros = logits.f_zeros_like()?.f_narrow(1, 0, 1)?; // [b, 1]
        let reached = Tensor::f_cat(&[&zeros, &logits.f_log_sigmoid()?.f_cumsum(1, None::<Kind>)?], 1)?; // [b, c]
        reached.f_add(&Tensor::f_cat(&[&logits.f_neg()?.f_log_sigmoid()?, &zeros], 1)?)
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
            OrdinalLoss::CumulativeLink | OrdinalLoss::Corn => self
                .log_probs(logits)?
                .f_cross_entropy_loss(labels, None::<Tensor>, Reduction::None, MISSING_CLASS, 0.0)
                .op(op())?, // [b]; the logarithms of probabilities are their own log softmax
        };
        let Some(weights) = &self.class_weights else {
            return Ok(TaskLoss::new(self.spec.weighted_sum(&losses, target)?, target.mass()));
        };
        let mut each = imbalance::of_labels(weights, labels, logits)?; // [b]
        if losses.dim() > 1 {
            each = each.f_unsqueeze(-1).op(op())?;
        }
        let losses = losses.f_mul(&each).op(op())?;
        Ok(TaskLoss::new(self.spec.weighted_sum(&losses, target)?, target.mass_by(weights.values())))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        Ok(Prediction::Ordinal { scores: to_array(&self.answer(out)?)?, kind: Scores::Probs })
    }

    fn answer(&self, out: &HeadOutput) -> Result<Tensor> {
        self.log_probs(out.main())?.f_exp().op("decode") // [b, c]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{features::View, params::ParamSet, task::TaskName};
    use tch::Device;

    const CORAL: f64 = 2.076_115_584_112_225_4;
    const CORN: f64 = 1.480_716_241_770_407;

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
        let corn = -(s(1.0) * (1.0 - s(-0.5))).ln() - (s(2.0) * s(1.0)).ln();
        let by_hand = [(OrdinalLoss::Coral, coral), (OrdinalLoss::CumulativeLink, link), (OrdinalLoss::Corn, corn)];
        for (loss, by_hand) in by_hand {
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
        for counts in [vec![0, 0, 0], vec![5, 0, 5], vec![10, 0, 0], vec![0, 0, 7]] {
            let shares = shares(3, Some(&LabelStats::Class { counts, missing: 4 }));
            assert!(start(&shares).iter().chain(&start_of_chain(&shares)).all(|r| r.is_finite()), "{shares:?}");
        }
    }

    #[test]
    fn a_chain_starts_at_the_shares_and_its_probabilities_are_whole() {
        let stats = LabelStats::Class { counts: vec![6, 3, 1], missing: 4 };
        let head = head(OrdinalLoss::Corn, Some(&stats));
        let at_zero: HeadOutput = head.thresholds().unwrap().neg().view([1, 2]).into();
        let Prediction::Ordinal { scores, .. } = head.decode(&at_zero).unwrap() else { panic!() };
        for (found, share) in scores.iter().zip([0.6, 0.3, 0.1]) {
            assert!((found - share).abs() < 1e-6, "{scores}");
        }
        // However large logits are, probabilities add up to 1 and their logarithms stay numbers.
        let wild = Tensor::from_slice(&[60.0, -60.0, -700.0, 700.0, 30.0, 30.0]).view([3, 2]);
        let logs = log_probs_of_chain(&wild).unwrap();
        let sums = Vec::<f64>::try_from(logs.exp().sum_dim_intlist(&[1i64][..], false, Kind::Double)).unwrap();
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-12), "{sums:?}");
        assert!(Vec::<f64>::try_from(logs.view(-1)).unwrap().iter().all(|log| log.is_finite()));
    }

    /// `tests/golden/make_heads_golden.py`, and for CORAL the example in the documentation of the authors' `coral_pytorch`, whose mean
    /// over three samples is 0.6920.
    #[test]
    fn the_papers_losses() {
        let grades = Answer::ordinal(mtl_core::answer::numbered(5));
        let Answer::Ordinal(of_five) = &grades else { panic!() };
        let logits = [[2.1, 1.8, -2.1, -1.8], [1.9, -1.0, -1.5, -1.3], [1.9, 1.8, 1.7, 1.6]];
        let out: HeadOutput = Tensor::from_slice(logits.as_flattened()).view([3, 4]).into();
        let target = Target::ordinal("grade", &[2, 1, 4]).unwrap();
        for (loss, sum) in [(OrdinalLoss::Coral, CORAL), (OrdinalLoss::Corn, CORN)] {
            let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
            let (task, view) = (TaskName::new("grade").unwrap(), View::Pooled { width: 2 });
            let config = OrdinalHeadConfig { loss, ..Default::default() };
            let head =
                OrdinalHead::new(HeadPlace::new(params.root(), &task, &view, &grades), of_five, &config).unwrap();
            let found = head.loss(&out, &target).unwrap().sum.double_value(&[]);
            assert!((found - sum).abs() < 1e-12, "{loss:?}: {found}");
        }
        assert!((CORAL / 3.0 - 0.6920).abs() < 5e-5);
    }
}
