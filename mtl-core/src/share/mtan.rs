//! Multi-task attention network: one shared trunk, and each task picks at every stage what it wants of it.
//!
//! ```text
//! s^j   = f^j(s^{j-1})                                  stage j of the shared trunk
//! m_t^j = sigmoid(V_t^j relu(W_t^j [s^j ; r(a_t^{j-1})]))     the attention of task t, one number per element
//! a_t^j = m_t^j * s^j                                   what the task keeps
//! y_t   = a_t^J
//! ```
//! `W`, `V` act on channels alone (1x1 convolutions of maps, linear layers of vectors and of each token), `[;]` puts channels side
//! by side, `r` brings the task's features of the stage before to the size of this one; at the first stage there are none.
//!
//! **Shapes** `s^j`, `m_t^j`, `a_t^j` alike, for whatever stage `j` makes: `[b, c]`, tokens `[b, l, c]`, or a map `[b, c, h, w]`. Of
//! a pyramid the task gets its `a_t^j` in place of the map of stage `j`.
//!
//! **Reference** Liu, Johns and Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019.
//!
//! **Differs from** the paper: a stage gives one tensor, so the mask both reads it and is laid on it, where the paper reads
//! the end of a block and masks its middle; `r` is a mean (over cells that become one, or over all tokens or cells when a vector
//! is wanted) where the paper has a 3x3 convolution and a maximum, whose linear part `W` already holds; no batch normalization
//! inside the attention, so that one sample is enough and a mask does not depend on the others in its batch. Works on
//! vectors and tokens as well. `hidden` is the width between `W` and `V`; default 0: as wide as the stage.
//!
//! The boundary is every stage as tasks read it. Cost: one encoder, and about `3 c^2` multiply-adds per element of
//! a stage for each wanted task.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{SharedFeatures, Sharing, SharingPart, TaskMask};
use crate::{
    batch::Inputs,
    context::Cx,
    encode::{Encoder, EncoderPlan},
    error::{Error, Result, TorchContext},
    features::{Features, View},
    nn::{Conv2d, ConvConfig, Linear},
    params::{Role, Scope},
    task::TaskSet,
};

/// Settings of [`Mtan`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MtanConfig {
    /// Width inside the attention modules, >= 0; 0 makes them as wide as their stage; default 0.
    #[schemars(range(min = 0))]
    pub hidden: i64,
}

/// The architecture.
#[derive(Debug)]
pub struct Mtan {
    encoder: Box<dyn Encoder>,
    /// By stage, then task.
    attention: Vec<Vec<Attention>>,
    views: Vec<View>,
}

/// The attention of one task at one stage.
#[derive(Debug)]
struct Attention {
    read: Pointwise,
    mask: Pointwise,
}

/// A linear layer over channels.
#[derive(Debug)]
enum Pointwise {
    Last(Linear),
    Map(Conv2d),
}

impl Pointwise {
    fn new(scope: &mut Scope<'_>, view: &View, inputs: i64, outputs: i64) -> Result<Self> {
        let config = ConvConfig { kernel: 1, stride: 1, padding: 0 };
        Ok(match view {
            View::Pyramid { .. } => Self::Map(Conv2d::new(scope, inputs, outputs, config)?),
            View::Pooled { .. } | View::Tokens { .. } => Self::Last(Linear::new(scope, inputs, outputs)?),
        })
    }

    fn forward(&self, xs: &Tensor, cx: &Cx) -> Result<Tensor> {
        match self {
            Self::Last(linear) => linear.forward(xs, cx),
            Self::Map(conv) => conv.forward(xs, cx),
        }
    }
}

impl Mtan {
    /// Lets every task attend to the stages of `encoder`. Attention modules are made in `scope` below `<task>.<stage>`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range, or for an encoder of which a stage adds several maps to the pyramid.
    pub fn new(scope: &mut Scope<'_>, encoder: Box<dyn Encoder>, tasks: &TaskSet, config: &MtanConfig) -> Result<Self> {
        if config.hidden < 0 {
            return refuse("hidden", ">= 0", config.hidden.to_string());
        }
        let (stages, view) = (encoder.stages().to_vec(), encoder.view()?.clone());
        let mut attention = Vec::with_capacity(stages.len());
        let (mut before, mut maps) = (0, 0);
        for stage in &stages {
            if let View::Pyramid { channels } = &stage.view {
                if channels.len() > maps + 1 {
                    return refuse("encoder", "one whose stages add one map each", stage.view.describe());
                }
                maps = channels.len();
            }
            let width = stage.view.width();
            let hidden = if config.hidden == 0 { width } else { config.hidden };
            let modules = tasks.names().enumerate().map(|(task_idx, name)| {
                let mut place = scope.sub(name.as_str());
                let mut place = place.stage(&stage.name);
                let mut place = place.role(Role::Task(task_idx));
                let mut place = place.sub(&stage.name);
                Ok(Attention {
                    read: Pointwise::new(&mut place.sub("read"), &stage.view, width + before, hidden)?,
                    mask: Pointwise::new(&mut place.sub("mask"), &stage.view, hidden, width)?,
                })
            });
            attention.push(modules.collect::<Result<_>>()?);
            before = width;
        }
        Ok(Self { encoder, attention, views: vec![view; tasks.len()] })
    }
}

impl Attention {
    /// The task's features of this stage: `stage` with `shared`, its newest part as tasks read it, masked.
    fn forward(&self, stage: &Features, shared: &Tensor, before: Option<Features>, cx: &Cx) -> Result<Features> {
        let axis = if matches!(stage, Features::Pyramid(_)) { 1 } else { -1 };
        let read = match &before {
            None => self.read.forward(shared, cx)?,
            Some(before) => {
                let both = Tensor::f_cat(&[shared, &resized(before, stage, shared)?], axis).op("mtan")?;
                self.read.forward(&both, cx)?
            }
        };
        let mask = self.mask.forward(&read.f_relu().op("mtan")?, cx)?.f_sigmoid().op("mtan")?;
        let own = mask.f_mul(shared).op("mtan")?;
        Ok(match (stage, before) {
            // The finer maps are those that the task kept of the stages that made them.
            (Features::Pyramid(maps), Some(Features::Pyramid(mut finer))) => {
                finer.truncate(maps.len() - 1);
                finer.push(own);
                Features::Pyramid(finer)
            }
            (stage, _) => stage.shallow_clone().with_newest(own),
        })
    }
}

/// The newest part of `before` in the size of `shared`, the newest part of `stage`; channels stay.
fn resized(before: &Features, stage: &Features, shared: &Tensor) -> Result<Tensor> {
    let size = shared.size();
    match (before, stage, &size[..]) {
        (Features::Pyramid(_), Features::Pyramid(_), &[_, _, h, w]) => {
            let map = before.newest()?;
            match map.size()[..] {
                [_, _, own_h, own_w] if (own_h, own_w) == (h, w) => Ok(map.shallow_clone()),
                _ => map.f_adaptive_avg_pool2d([h, w]).op("mtan"),
            }
        }
        (Features::Tokens(tokens), Features::Tokens(_), &[_, l, _]) if tokens.xs.size()[1] == l => {
            Ok(tokens.xs.shallow_clone())
        }
        (_, Features::Tokens(_), &[_, l, _]) => {
            before.pooled()?.f_unsqueeze(1).and_then(|v| v.f_expand([-1, l, -1], false)).op("mtan")
        }
        (_, Features::Pyramid(_), &[_, _, h, w]) => {
            let cell = before.pooled()?.f_unsqueeze(-1).and_then(|v| v.f_unsqueeze(-1)).op("mtan")?;
            cell.f_expand([-1, -1, h, w], false).op("mtan")
        }
        _ => before.pooled(),
    }
}

impl SharingPart for MtanConfig {
    fn build(&self, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        let encoder = plan.whole(&mut scope.sub("encoder"))?;
        Ok(Box::new(Mtan::new(&mut scope.sub("sharing"), encoder, tasks, self)?))
    }
}

impl Sharing for Mtan {
    fn name(&self) -> &'static str {
        "mtan"
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn members(&self) -> i64 {
        self.encoder.members()
    }

    fn forward(&self, inputs: &Inputs, wanted: &TaskMask, cx: &Cx) -> Result<SharedFeatures> {
        let mut per_task: Vec<Option<Features>> = self.views.iter().map(|_| None).collect();
        let mut boundary = Vec::with_capacity(self.attention.len());
        let mut trunk = self.encoder.embed(inputs, cx)?;
        for (idx, modules) in self.attention.iter().enumerate() {
            if idx > 0 {
                trunk = self.encoder.advance(idx, trunk, cx)?;
            }
            // A handle of its own: the graph can be cut there, and what goes on along the trunk is not in its gradient.
            let shared = trunk.newest()?.f_alias().op("mtan")?;
            for (t, (module, own)) in modules.iter().zip(&mut per_task).enumerate() {
                if wanted.contains(t) {
                    *own = Some(module.forward(&trunk, &shared, own.take(), cx)?);
                }
            }
            boundary.push(shared);
        }
        Ok(SharedFeatures { per_task, auxiliary: Vec::new(), boundary })
    }
}

fn refuse<T>(field: &'static str, expected: &str, found: String) -> Result<T> {
    Err(Error::InvalidConfig { what: "mtan", field, expected: expected.to_owned(), found })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind, kind::FLOAT_CPU};

    use crate::features::Tokens;

    fn ramp(shape: &[i64]) -> Tensor {
        Tensor::arange(shape.iter().product::<i64>(), (Kind::Double, Device::Cpu)).view(shape)
    }

    #[test]
    fn features_of_the_stage_before_are_brought_to_size() {
        let tokens = |xs: Tensor| Features::Tokens(Tokens { xs, pad_mask: None, names: None });
        let (map, vector) = (Features::Pyramid(vec![ramp(&[1, 1, 2, 4])]), Features::Pooled(ramp(&[1, 2])));
        let coarse = Tensor::zeros([1, 3, 1, 2], FLOAT_CPU);
        let stage = Features::Pyramid(vec![Tensor::new(), coarse.shallow_clone()]);
        let values = |t: Tensor| Vec::<f64>::try_from(t.contiguous().view([-1])).unwrap();
        assert_eq!(
            values(resized(&map, &stage, &coarse).unwrap()),
            [2.5, 4.5],
            "means of cells 0, 1, 4, 5 and 2, 3, 6, 7"
        );
        assert_eq!(values(resized(&vector, &stage, &coarse).unwrap()), [0.0, 0.0, 1.0, 1.0]);
        let (two, three) = (ramp(&[1, 2, 2]), ramp(&[1, 3, 5]));
        let stage = tokens(three.shallow_clone());
        assert_eq!(values(resized(&tokens(two.shallow_clone()), &stage, &three).unwrap()), [1.0, 2.0].repeat(3));
        assert!(resized(&tokens(ramp(&[1, 3, 4])), &stage, &three).unwrap().equal(&ramp(&[1, 3, 4])));
        let pooled = ramp(&[1, 7]);
        let stage = Features::Pooled(pooled.shallow_clone());
        assert_eq!(values(resized(&tokens(two), &stage, &pooled).unwrap()), [1.0, 2.0]);
    }
}
