//! A stage of a funnel: yes here only after yes there. Clicks, then purchases; symptoms, then a diagnosis that needs them.
//!
//! ```text
//! a      = tower(features)                                       [b, c]   logit of "yes, given yes before"
//! log p  = log s(a) + log p_before                               [b, c]   p_before: what the head of the task before gave
//! sum    = - sum_{(i, c) known} y_ic log p_ic + (1 - y_ic) log (1 - p_ic)
//! count  = number of known cells
//! p      = exp(log p)                                            decode
//! ```
//! `s` the logistic function. The loss is over all samples, not over those that came through the stage before: a head that learned
//! from clicked samples alone would be asked about all of them (selection bias). Stages can be chained, and by construction no stage
//! is more probable than the one before it.
//!
//! **Shapes** features pooled to `[b, d]`; labels `[b, c]` in `{0, 1}`, NaN where unknown; the task before has as many labels.
//!
//! **Reference** Ma et al., "Entire Space Multi-Task Model", SIGIR 2018, equation 3.
//!
//! **Differs from** the paper: `p_before` comes without its graph, so that the head before learns from its own labels only (see
//! [`Ask`]); there, both losses move both towers. Everything is computed with logarithms, which stay finite for small products.

use mtl_core::{
    Error, Result, TorchContext,
    answer::{Answer, MultiLabel},
    batch::Target,
    loss::TaskLoss,
    nn::Activation,
    prediction::{Prediction, Scores},
    task::TaskName,
};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::{
    ask::{Ask, HeadNeeds},
    decode::to_array,
    head::{Head, HeadOutput, HeadSpec},
    multi_label::MultiLabelHead,
    part::HeadPart,
    place::HeadPlace,
    tower::{Tower, TowerShape},
};

/// The name under which a stage gives the logarithm of its probability to the next one.
const LOG_YES: &str = "log_yes";
/// `log p` above this is taken as this: the logarithm of `1 - p` would have no gradient.
const SUREST: f64 = -1e-6;

/// Settings of [`FunnelHead`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FunnelHeadConfig {
    /// The task of the stage before: yes/no labels, as many as here; required.
    pub after: String,
    /// Widths of hidden layers, each >= 1; default none.
    #[schemars(inner(range(min = 1)))]
    pub hidden: Vec<i64>,
    /// After each hidden layer; default `relu`.
    pub activation: Activation,
    /// Dropout after each hidden layer (on the features when there is none), in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
}

impl Default for FunnelHeadConfig {
    fn default() -> Self {
        Self { after: String::new(), hidden: Vec::new(), activation: Activation::Relu, dropout: 0.0 }
    }
}

/// Yes only after yes of another task.
#[derive(Debug)]
pub struct FunnelHead {
    spec: HeadSpec,
    tower: Tower,
}

impl FunnelHead {
    /// The metrics that suit it; the first judges the task unless the user names another.
    pub const METRICS: &[&str] = MultiLabelHead::METRICS;

    /// A head for those yes/no labels.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] without labels, for a stage before that is no name or the task itself, or for a setting out of range.
    pub fn new(mut place: HeadPlace<'_>, labels: &MultiLabel, config: &FunnelHeadConfig) -> Result<Self> {
        place.answer.check("funnel head")?;
        let before = TaskName::new(&config.after).ok().filter(|before| before != place.task);
        let Some(before) = before else {
            return Err(Error::InvalidConfig {
                what: "funnel head",
                field: "after",
                expected: format!("the task that comes before {}", place.task),
                found: format!("{:?}", config.after),
            });
        };
        let width = labels.labels.len() as i64;
        let shape = TowerShape {
            hidden: &config.hidden,
            activation: config.activation,
            dropout: config.dropout,
            members: place.members,
        };
        let output = format!("log probabilities [b, {width}], after {before}");
        let needs = HeadNeeds { after: vec![before], ..HeadNeeds::default() };
        Ok(Self {
            spec: HeadSpec { needs, ..place.spec("funnel", output, Self::METRICS)? },
            tower: Tower::new(&mut place.scope, place.view, width, shape)?,
        })
    }

    /// `log p` of the stage before: of another funnel as it says, of logits their log sigmoid.
    fn before(&self, ask: &Ask<'_>) -> Result<Tensor> {
        let mut log_p: Option<Tensor> = None;
        for before in &self.spec.needs.after {
            let out = ask.other(before.as_str())?;
            log_p = Some(match out.extra(LOG_YES) {
                Ok(log_yes) => log_yes.shallow_clone(),
                Err(_) => out.main().f_log_sigmoid().op(format!("funnel after {before}"))?,
            });
        }
        log_p.ok_or_else(|| Error::UnknownName { what: "head to read", name: "none".into(), known: Vec::new() })
    }
}

impl HeadPart for FunnelHeadConfig {
    fn metrics(&self, _: &Answer) -> &'static [&'static str] {
        FunnelHead::METRICS
    }

    fn build(&self, place: HeadPlace<'_>) -> Result<Box<dyn Head>> {
        let Answer::MultiLabel(labels) = place.answer else { return Err(place.refuses("funnel")) };
        Ok(Box::new(FunnelHead::new(place, labels, self)?))
    }
}

impl Head for FunnelHead {
    fn spec(&self) -> &HeadSpec {
        &self.spec
    }

    fn forward(&self, ask: &Ask<'_>) -> Result<HeadOutput> {
        let given_before = self.tower.forward(ask.features, ask.cx)?; // [b, c]
        let before = self.before(ask)?;
        if before.size() != given_before.size() {
            return Err(Error::Shape {
                op: format!("task {}", self.spec.task),
                tensor: "the stage before",
                expected: format!("{:?}, as many yes/no labels as here", given_before.size()),
                found: before.size(),
            });
        }
        let log_p = given_before.f_log_sigmoid().and_then(|log| log.f_add(&before.f_to_kind(log.kind())?));
        let log_p = log_p.op(format!("task {}", self.spec.task))?; // [b, c], <= 0
        Ok(HeadOutput::from(log_p.shallow_clone()).with(LOG_YES, log_p))
    }

    fn loss(&self, out: &HeadOutput, target: &Target) -> Result<TaskLoss> {
        let labels = self.spec.accept(out.main(), target)?;
        if target.mass() <= 0.0 {
            return Ok(TaskLoss::absent());
        }
        let op = || format!("loss of task {}", self.spec.task);
        let ys = labels.f_to_kind(out.main().kind()).op(op())?; // [b, c], NaN where unknown
        let missing = ys.f_isnan().op(op())?;
        let ys = ys.f_masked_fill(&missing, 0.0).op(op())?;
        let log_p = out.main().f_clamp_max(SUREST).op(op())?;
        // Both sides come to the same constant where nothing is known: no loss, and no gradient through the fill.
        let yes = log_p.f_mul(&ys).op(op())?;
        let no = log_one_minus_exp(&log_p).and_then(|no| no.f_mul(&ys.f_rsub_scalar(1.0)?)).op(op())?;
        let losses = yes.f_add(&no).and_then(|l| l.f_neg()).and_then(|l| l.f_masked_fill(&missing, 0.0)).op(op())?;
        Ok(TaskLoss::new(self.spec.weighted_sum(&losses, target)?, target.mass()))
    }

    fn decode(&self, out: &HeadOutput) -> Result<Prediction> {
        Ok(Prediction::MultiLabel { scores: to_array(&self.answer(out)?)?, kind: Scores::Probs })
    }

    fn answer(&self, out: &HeadOutput) -> Result<Tensor> {
        out.main().f_exp().op("decode")
    }
}

/// `log(1 - e^x)` for `x < 0`, exact at both ends.
///
/// **Reference** Maechler, "Accurately computing log(1 - exp(-|a|))", 2012: the two forms meet at `-log 2`.
fn log_one_minus_exp(x: &Tensor) -> std::result::Result<Tensor, tch::TchError> {
    let near = x.f_gt(-std::f64::consts::LN_2)?;
    // Each form gets a number at which it is finite where the other one counts: a NaN there would reach the gradient.
    let of_near = x.f_masked_fill(&near.f_logical_not()?, -0.5)?.f_expm1()?.f_neg()?.f_log()?;
    let of_far = x.f_masked_fill(&near, -1.0)?.f_exp()?.f_neg()?.f_log1p()?;
    of_near.f_where_self(&near, &of_far)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::{
        context::Cx,
        features::{Features, View},
        mode::Mode,
        params::ParamSet,
    };
    use ndarray::array;
    use tch::{Device, Kind};

    fn head(after: &str) -> Result<FunnelHead> {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 3);
        let labels = MultiLabel { labels: vec!["yes".into()] };
        let config = FunnelHeadConfig { after: after.into(), ..FunnelHeadConfig::default() };
        let (task, view, answer) =
            (TaskName::new("buy")?, View::Pooled { width: 2 }, Answer::MultiLabel(labels.clone()));
        FunnelHead::new(HeadPlace::new(params.root(), &task, &view, &answer), &labels, &config)
    }

    #[test]
    fn a_stage_is_a_product_and_its_loss_that_of_the_product() {
        let (head, cx) = (head("click").unwrap(), Cx::new(Mode::Eval));
        let features = Features::Pooled(Tensor::from_slice(&[0.5, -1.0, 2.0, 0.3]).view([2, 2]));
        let click = Tensor::from_slice(&[0.7, -2.0]).view([2, 1]);
        let others = [(TaskName::new("click").unwrap(), HeadOutput::from(click.shallow_clone()))];
        let ask = Ask::new(&features, &cx).with_others(&others);
        let out = head.forward(&ask).unwrap();
        let given = head.tower.forward(&features, &cx).unwrap().sigmoid();
        let by_hand = Vec::<f64>::try_from((given * click.sigmoid()).view(-1)).unwrap();
        let Prediction::MultiLabel { scores, kind: Scores::Probs } = head.decode(&out).unwrap() else { panic!() };
        assert!(scores.iter().zip(&by_hand).all(|(p, q)| (f64::from(*p) - q).abs() < 1e-6), "{scores} {by_hand:?}");
        let target = Target::multi_label("buy", array![[1.0], [0.0]].view()).unwrap();
        let loss = head.loss(&out, &target).unwrap();
        let expected = -(by_hand[0].ln() + (1.0 - by_hand[1]).ln());
        assert!((loss.sum.double_value(&[]) - expected).abs() < 1e-12);
        // The next stage reads the product.
        assert!(out.extra(LOG_YES).unwrap() == out.main());
    }

    #[test]
    fn logarithms_are_exact_at_both_ends() {
        let xs: [f64; 5] = [-1e-6, -0.1, -0.7, -5.0, -40.0];
        let found = Vec::<f64>::try_from(log_one_minus_exp(&Tensor::from_slice(&xs)).unwrap()).unwrap();
        for (x, found) in xs.iter().zip(found) {
            let exact = if *x > -0.5 { (-x.exp_m1()).ln() } else { (-x.exp()).ln_1p() };
            assert!((found - exact).abs() <= 1e-15 * exact.abs(), "{x}: {found} {exact}");
        }
    }

    #[test]
    fn what_cannot_be_a_stage_is_refused() {
        for after in ["", "buy", "a.b"] {
            let e = head(after).unwrap_err().to_string();
            assert!(e.starts_with("funnel head: after must be the task that comes before buy, found"), "{e}");
        }
        let (head, cx) = (head("click").unwrap(), Cx::new(Mode::Eval));
        let features = Features::Pooled(Tensor::zeros([2, 2], (Kind::Double, Device::Cpu)));
        let e = head.forward(&Ask::new(&features, &cx)).unwrap_err().to_string();
        assert!(e.starts_with(r#"unknown head to read "click""#), "{e}");
        let wide =
            [(TaskName::new("click").unwrap(), HeadOutput::from(Tensor::zeros([2, 3], (Kind::Double, Device::Cpu))))];
        let e = head.forward(&Ask::new(&features, &cx).with_others(&wide)).unwrap_err().to_string();
        assert!(e.starts_with("task buy: the stage before must be [2, 1]"), "{e}");
    }
}
