//! Cross-stitch networks: a whole network per task, and after every stage each task reads a learned mixture of all of them.
//!
//! ```text
//! x_t^0 = inputs
//! z_t^j = f_t^j(x_t^{j-1})                      stage j of the column of task t
//! x_t^j = sum_s a_ts^j z_s^j                    the cross-stitch unit, a^j [m, m] or [m, m, c]
//! y_t   = x_t^J
//! ```
//! **Shapes** `z_t^j` is whatever stage `j` makes: `[b, c]`, tokens `[b, l, c]`, or a map `[b, c, h, w]`; of a pyramid its newest
//! map is mixed, the finer ones were by the stages that made them. `m` tasks, `c` channels.
//!
//! **Reference** Misra, Shrivastava, Gupta and Hebert, "Cross-stitch Networks for Multi-task Learning", CVPR 2016.
//!
//! **Differs from** the paper in where it starts: columns have first values of their own instead of those of single-task
//! networks trained before, and units stand after every stage of the encoder, which for the AlexNet of the paper are its pooling
//! and fully connected layers. Defaults: one number per channel, as in the paper (`unit`), 0.9 for a task's own column, the rest
//! shared out evenly among the others (`own`).
//!
//! **Whose parameters.** Every column but the last mixture serves all tasks, so columns and units are shared; the last unit's row
//! `a_t^J` is task `t`'s alone, a gate over the columns. The boundary between trunk and tasks is what that row reads: the ends of
//! the columns. For the same reason all columns run whichever tasks are wanted. Units are vectors for the optimizer, so that
//! weight decay does not pull them towards zero. Cost: `m` encoders and `m^2` scaled sums a stage.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{SharedFeatures, Sharing, SharingPart, TaskMask};
use crate::{
    batch::Inputs,
    context::Cx,
    encode::{Encoder, EncoderPlan},
    error::{Error, Result, TorchContext},
    features::{Features, View},
    params::{Init, Role, Scope},
    task::TaskSet,
};

/// What a cross-stitch unit has a number for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StitchUnit {
    /// Each pair of tasks and each channel.
    #[default]
    Channel,
    /// Each pair of tasks.
    Stage,
}

/// Settings of [`CrossStitch`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CrossStitchConfig {
    /// What a unit has a number for; default `channel`.
    pub unit: StitchUnit,
    /// What a task takes of its own column at first, in `[0, 1]`; the rest comes from the others, evenly; default 0.9.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub own: f64,
}

impl Default for CrossStitchConfig {
    fn default() -> Self {
        Self { unit: StitchUnit::Channel, own: 0.9 }
    }
}

/// The architecture.
#[derive(Debug)]
pub struct CrossStitch {
    columns: Vec<Box<dyn Encoder>>,
    units: Vec<Unit>,
    views: Vec<View>,
}

/// The mixtures after one stage.
#[derive(Debug)]
struct Unit {
    /// Per task, the weights of all columns, `[m * c]` or `[m]`.
    rows: Vec<Tensor>,
    /// `[m, c]`, or `[m, 1]`.
    shape: [i64; 2],
}

impl CrossStitch {
    /// Columns are made in `scope` below `encoder.columns.<task>`, units below `sharing.<stage>.<task>`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range, as [`EncoderPlan::whole`].
    pub fn new(
        scope: &mut Scope<'_>,
        plan: &EncoderPlan<'_>,
        tasks: &TaskSet,
        config: &CrossStitchConfig,
    ) -> Result<Self> {
        if !(0.0..=1.0).contains(&config.own) {
            return Err(Error::InvalidConfig {
                what: "cross-stitch",
                field: "own",
                expected: "in [0, 1]".into(),
                found: config.own.to_string(),
            });
        }
        let mut place = scope.sub("encoder");
        let mut place = place.sub("columns");
        let columns = tasks.names().map(|name| plan.whole(&mut place.sub(name.as_str())));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let first = columns.first().ok_or_else(no_tasks)?;
        let (stages, view) = (first.stages().to_vec(), first.view()?.clone());
        let mut units = Vec::with_capacity(stages.len());
        for (idx, stage) in stages.iter().enumerate() {
            let channels = match config.unit {
                StitchUnit::Channel => stage.view.width(),
                StitchUnit::Stage => 1,
            };
            let mut place = scope.stage(&stage.name);
            let mut place = place.sub("sharing");
            let mut place = place.sub(&stage.name);
            let shape = [columns.len() as i64, channels];
            let rows = tasks.names().enumerate().map(|(t, name)| {
                let role = if idx + 1 < stages.len() { Role::Shared } else { Role::Gate(t) };
                first_row(&mut place.role(role), name.as_str(), shape, t, config.own)
            });
            units.push(Unit { rows: rows.collect::<Result<_>>()?, shape });
        }
        Ok(Self { columns, units, views: vec![view; tasks.len()] })
    }
}

/// The weights of one task at first: `own` for its own column, the same for each of the others, all together 1.
fn first_row(scope: &mut Scope<'_>, name: &str, [m, channels]: [i64; 2], own_idx: usize, own: f64) -> Result<Tensor> {
    let row = scope.param(name, &[m * channels], Init::Zeros)?;
    #[expect(clippy::cast_precision_loss, reason = "a count of tasks")]
    let (own, other) = if m == 1 { (1.0, 0.0) } else { (own, (1.0 - own) / (m - 1) as f64) };
    let values: Vec<f64> =
        (0..m * channels).map(|i| if i / channels == own_idx as i64 { own } else { other }).collect();
    let _guard = tch::no_grad_guard();
    row.shallow_clone().f_copy_(&Tensor::from_slice(&values)).op("cross-stitch")?;
    Ok(row)
}

fn no_tasks() -> Error {
    Error::InvalidConfig { what: "cross-stitch", field: "tasks", expected: "at least one".into(), found: "none".into() }
}

impl Unit {
    /// What task `task_idx` reads of the columns: its own column's features with their newest part mixed.
    fn mix(&self, task_idx: usize, columns: &[Features]) -> Result<Features> {
        let (row, own) = (&self.rows[task_idx], &columns[task_idx]);
        let weights = row.f_view(self.shape).op("cross-stitch")?; // [m, c]
        let mut sum: Option<Tensor> = None;
        for (column, s) in columns.iter().zip(0i64..) {
            let part = column.newest()?;
            let weight = weights.f_select(0, s).op("cross-stitch")?; // [c]
            // Channels are the last axis, but the second of four in a map.
            let weight = match column {
                Features::Pyramid(_) => weight.f_view([self.shape[1], 1, 1]).op("cross-stitch")?,
                _ => weight,
            };
            sum = Some(match sum {
                None => part.f_mul(&weight).op("cross-stitch")?,
                Some(sum) => sum.f_addcmul(part, &weight).op("cross-stitch")?,
            });
        }
        let sum = sum.ok_or_else(no_tasks)?;
        Ok(own.shallow_clone().with_newest(sum))
    }
}

impl SharingPart for CrossStitchConfig {
    fn build(&self, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        Ok(Box::new(CrossStitch::new(scope, plan, tasks, self)?))
    }
}

impl Sharing for CrossStitch {
    fn name(&self) -> &'static str {
        "cross-stitch"
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn members(&self) -> i64 {
        // All columns are of one plan.
        self.columns.first().map_or(1, |column| column.members())
    }

    fn forward(&self, inputs: &Inputs, wanted: &TaskMask, cx: &Cx) -> Result<SharedFeatures> {
        let mut columns = self.columns.iter().map(|c| c.embed(inputs, cx)).collect::<Result<Vec<_>>>()?;
        let tasks = 0..columns.len();
        for (idx, unit) in self.units.iter().enumerate().take(self.units.len() - 1) {
            let mixed = tasks.clone().map(|t| unit.mix(t, &columns)).collect::<Result<Vec<_>>>()?;
            let next = self.columns.iter().zip(mixed).map(|(c, xs)| c.advance(idx + 1, xs, cx));
            columns = next.collect::<Result<_>>()?;
        }
        let columns = columns.into_iter().map(Features::aliased).collect::<Result<Vec<_>>>()?;
        let boundary = columns.iter().flat_map(Features::tensors).map(Tensor::shallow_clone).collect();
        let Some(last) = self.units.last() else { return Err(no_tasks()) };
        let per_task = tasks.map(|t| wanted.contains(t).then(|| last.mix(t, &columns)).transpose());
        Ok(SharedFeatures { per_task: per_task.collect::<Result<_>>()?, auxiliary: Vec::new(), boundary })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        encode::{EncoderConfig, MlpEncoderConfig},
        input::InputSpec,
        mode::Mode,
        nn::Activation,
        params::ParamSet,
        task::Task,
    };
    use tch::{Device, Kind};

    #[test]
    fn one_stage_by_hand() {
        let tasks = TaskSet::new(["a", "b"].map(|n| Task::new(n).unwrap()).into()).unwrap();
        let spec = InputSpec::table(Vec::new(), vec!["x".into()]);
        let mlp = MlpEncoderConfig { hidden: vec![2, 3], activation: Activation::Tanh, dropout: 0.0 };
        let encoder = EncoderConfig::Mlp(mlp);
        let plan = EncoderPlan::new(&encoder, &spec);
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 5);
        let config = CrossStitchConfig { own: 0.75, ..Default::default() };
        let sharing = CrossStitch::new(&mut params.root(), &plan, &tasks, &config).unwrap();
        let get = |name: &str| params.get(name).unwrap().tensor();
        assert_eq!(Vec::<f64>::try_from(get("sharing.layer0.b")).unwrap(), [0.25, 0.25, 0.75, 0.75]);
        assert_eq!(params.get("sharing.layer0.b").unwrap().role(), Role::Shared);
        assert_eq!(params.get("sharing.layer1.b").unwrap().role(), Role::Gate(1));

        let xs = Tensor::from_slice(&[0.5, -1.0, 2.0]).view([3, 1]);
        let inputs = Inputs::new(vec![("numeric".into(), xs.shallow_clone())]).unwrap();
        let found = sharing.forward(&inputs, &TaskMask::all(2), &Cx::new(Mode::Eval)).unwrap();
        let layer = |task: &str, idx: usize, xs: &Tensor| {
            let at = |part: &str| get(&format!("encoder.columns.{task}.layer{idx}.0.{part}"));
            (xs.matmul(&at("weight").tr()) + at("bias")).tanh()
        };
        let (za, zb) = (layer("a", 0, &xs), layer("b", 0, &xs));
        let (xa, xb) = (&za * 0.75 + &zb * 0.25, &za * 0.25 + &zb * 0.75);
        let (za, zb) = (layer("a", 1, &xa), layer("b", 1, &xb));
        let by_hand = [&za * 0.75 + &zb * 0.25, &za * 0.25 + &zb * 0.75];
        for (t, by_hand) in by_hand.iter().enumerate() {
            let gap = (found.of(t).unwrap().pooled().unwrap() - by_hand).abs().max().double_value(&[]);
            assert!(gap < 1e-14, "{gap}");
        }
        assert!(found.of(2).unwrap_err().to_string().contains("known are 0, 1"));
        let bad = CrossStitchConfig { own: 1.5, ..config };
        let e = CrossStitch::new(&mut params.root().sub("bad"), &plan, &tasks, &bad).unwrap_err().to_string();
        assert_eq!(e, "cross-stitch: own must be in [0, 1], found 1.5");
    }
}
