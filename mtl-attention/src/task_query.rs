//! Task-query sharing: one encoder gives tokens, every task reads them with its own queries.
//!
//! ```text
//! x    = project(tokens) (+ positions)       [b, l, d]        shared; projection optional, positions for maps
//! x    = block_k(.. block_1(x))              [b, l, d]        shared, optional: tokens look at one another
//! x    = feed_forward(x)                     [b, l, d]        shared, optional: token by token
//! k, v = norm(x), x                          [b, l, d]        the boundary between trunk and tasks
//! p_t  = pool_t(k, v)                        [b, m h d]       all tasks in one attention call
//! z_t  = act(norm(W_t p_t + b_t))            [b, o]           owned by task t
//! z_t  = feed_forward_t(z_t)                 [b, o]           optional
//! ```
//! Fields of a table are tokens, cells of a feature map are tokens. What a task looks at is printed by
//! [`AttentionSummary`](crate::AttentionSummary).
//!
//! Why it is strong enough for tables: softmax-weighted sums of `m h` kinds over tokens of width `d` are `m h d`
//! numbers that depend on all fields, and the weights depend on the fields' values, so already the pooling multiplies
//! fields with one another; the task's own layers do the rest. Two things matter in practice. Tokens should be wide
//! (`token_width` 32 in the encoder): fields are added up in that space, and need room not to be confused. And only the
//! keys are normalized: a normalized value forgets how large a number was. Blocks of self-attention let fields meet
//! before pooling, at about ten times the cost.
//!
//! **Shapes** tokens or maps from the encoder; features per task `[b, o]`.
//!
//! **Reference** Lee et al., "Set Transformer", ICML 2019; Gorishniy et al., NeurIPS 2021 for blocks over table fields.
//!
//! **Differs from** either: queries per task, see [`TaskQueryPool`]; values are not normalized. Cost per sample:
//! `2 l T m h d + T m h d o` multiply-adds without the optional parts.

use mtl_core::{
    Error, Result, TorchContext,
    batch::Inputs,
    context::Cx,
    encode::{Encoder, EncoderPlan},
    features::{Features, Tokens, View},
    nn::{Activation, Dropout, LayerNorm, Linear},
    params::{Role, Scope},
    share::{SharedFeatures, Sharing, SharingPart, TaskMask},
    task::TaskSet,
};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::{
    attend::AttnBackend,
    block::SelfBlock,
    feed_forward::FeedForward,
    mask::AttnMask,
    multi_head::MultiHeadConfig,
    positions::CellPositions,
    task_pool::{PoolShape, TaskQueryPool, cell_names},
};

/// Settings of [`TaskQuerySharing`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskQueryConfig {
    /// Width of tokens inside, >= 0; 0 keeps the encoder's width and makes no projection; default 0.
    #[schemars(range(min = 0))]
    pub width: i64,
    /// Queries per task, >= 1; default 1.
    #[schemars(range(min = 1))]
    pub queries: i64,
    /// Heads per query, >= 1; each brings home a whole token's width; default 8.
    #[schemars(range(min = 1))]
    pub heads: i64,
    /// Self-attention blocks over the tokens before pooling, >= 0; default 0.
    pub blocks: usize,
    /// Heads of those blocks, >= 1 and a divisor of the width; default 4.
    #[schemars(range(min = 1))]
    pub block_heads: i64,
    /// Inner width of the token-wise layers (that of each block, and one before pooling when there is no block), >= 0;
    /// 0 leaves out the one before pooling and is refused with blocks; default 0.
    #[schemars(range(min = 0))]
    pub token_hidden: i64,
    /// Width of a task's features, >= 1; default 128.
    #[schemars(range(min = 1))]
    pub features: i64,
    /// Inner width of each task's residual layer, >= 0; 0 leaves it out; default 0.
    #[schemars(range(min = 0))]
    pub task_hidden: i64,
    /// Side of the learned grid of positions when the tokens are cells of a map, >= 0; 0 leaves it out; default 4.
    #[schemars(range(min = 0))]
    pub position_grid: i64,
    /// After each hidden layer; default `relu`.
    pub activation: Activation,
    /// Dropout inside token-wise and task layers and on task features, in `[0, 1)`; default 0.
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub dropout: f64,
    /// The way attention is computed; default `auto`.
    pub backend: AttnBackend,
}

impl Default for TaskQueryConfig {
    fn default() -> Self {
        Self {
            width: 0,
            queries: 1,
            heads: 8,
            blocks: 0,
            block_heads: 4,
            token_hidden: 0,
            features: 128,
            task_hidden: 0,
            position_grid: 4,
            activation: Activation::Relu,
            dropout: 0.0,
            backend: AttnBackend::Auto,
        }
    }
}

/// What one task makes of what its queries brought home.
#[derive(Debug)]
struct TaskTower {
    merge: Linear,
    norm: LayerNorm,
    residual: Option<FeedForward>,
}

/// The architecture.
#[derive(Debug)]
pub struct TaskQuerySharing {
    encoder: Box<dyn Encoder>,
    project: Option<Linear>,
    positions: Option<CellPositions>,
    blocks: Vec<SelfBlock>,
    token_layer: Option<FeedForward>,
    norm: LayerNorm,
    pool: TaskQueryPool,
    towers: Vec<TaskTower>,
    activation: Activation,
    dropout: Dropout,
    views: Vec<View>,
}

impl TaskQuerySharing {
    /// Lets the tasks of `tasks` read what `encoder` gives. Shared parameters are made in `scope` with the stage
    /// `attention`, those of a task below `tasks.<task>`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range, or for an encoder that gives neither tokens nor maps.
    pub fn new(
        scope: &mut Scope<'_>,
        encoder: Box<dyn Encoder>,
        tasks: &TaskSet,
        config: &TaskQueryConfig,
    ) -> Result<Self> {
        let view = encoder.view()?.clone();
        if matches!(view, View::Pooled { .. }) {
            return refuse(
                "encoder",
                "one that gives tokens or maps (the tabular encoder with `hidden = []`, the conv encoder)",
                view.describe(),
            );
        }
        let at_least = |field, found: i64, least: i64| match found >= least {
            true => Ok(()),
            false => refuse(field, &format!(">= {least}"), found.to_string()),
        };
        at_least("width", config.width, 0)?;
        at_least("queries", config.queries, 1)?;
        at_least("heads", config.heads, 1)?;
        at_least("token_hidden", config.token_hidden, i64::from(config.blocks > 0))?;
        at_least("features", config.features, 1)?;
        at_least("task_hidden", config.task_hidden, 0)?;
        at_least("position_grid", config.position_grid, 0)?;
        let (dropout, activation) = (Dropout::new(config.dropout)?, config.activation);
        let d = if config.width == 0 { view.width() } else { config.width };

        let mut shared = scope.stage("attention");
        let project = match config.width {
            0 => None,
            _ => Some(Linear::new(&mut shared.sub("project"), view.width(), d)?),
        };
        let positions = match (&view, config.position_grid) {
            (View::Pyramid { .. }, side) if side > 0 => {
                Some(CellPositions::new(&mut shared.sub("positions"), view.width(), side)?)
            }
            _ => None,
        };
        let attention =
            MultiHeadConfig { width: d, heads: config.block_heads, backend: config.backend, ..Default::default() };
        let blocks = (0..config.blocks).map(|idx| {
            let mut place = shared.sub(format!("block{idx}"));
            SelfBlock::new(&mut place, &attention, config.token_hidden, activation, dropout)
        });
        let blocks = blocks.collect::<Result<Vec<_>>>()?;
        let token_layer = match (config.blocks, config.token_hidden) {
            (0, hidden) if hidden > 0 => {
                Some(FeedForward::new(&mut shared.sub("feed_forward"), d, hidden, activation, dropout)?)
            }
            _ => None,
        };
        let norm = LayerNorm::new(&mut shared.sub("norm"), d)?;

        let mut place = scope.sub("tasks");
        let shape = PoolShape { width: d, queries: config.queries, heads: config.heads };
        let pool = TaskQueryPool::new(&mut place, tasks, shape, config.backend)?;
        let o = config.features;
        let towers = tasks.names().enumerate().map(|(task_idx, name)| {
            let mut place = place.sub(name.as_str());
            let mut place = place.role(Role::Task(task_idx));
            let merge = Linear::new(&mut place.sub("merge"), pool.outputs(), o)?;
            let norm = LayerNorm::new(&mut place.sub("norm"), o)?;
            let residual = match config.task_hidden {
                0 => None,
                hidden => Some(FeedForward::new(&mut place.sub("feed_forward"), o, hidden, activation, dropout)?),
            };
            Ok(TaskTower { merge, norm, residual })
        });
        let towers = towers.collect::<Result<Vec<_>>>()?;
        let views = vec![View::Pooled { width: o }; tasks.len()];
        Ok(Self { encoder, project, positions, blocks, token_layer, norm, pool, towers, activation, dropout, views })
    }

    /// What the encoder gives, as tokens; cells of a map get positions, and names when maps are wanted.
    fn tokens(&self, features: Features, cx: &Cx) -> Result<Tokens> {
        let Features::Pyramid(mut maps) = features else { return features.into_tokens() };
        let Some(map) = maps.pop() else { return Features::Pyramid(maps).into_tokens() };
        let map = match &self.positions {
            Some(positions) => positions.forward(&map)?, // [b, c, h, w]
            None => map,
        };
        let names = match map.size()[..] {
            [_, _, h, w] if cx.wants_traces() => Some(cell_names(h, w)),
            _ => None,
        };
        let tokens = Features::Pyramid(vec![map]).into_tokens()?; // [b, h w, c]
        Ok(Tokens { names, ..tokens })
    }

    fn tower(&self, tower: &TaskTower, pooled: &Tensor, cx: &Cx) -> Result<Features> {
        let zs = tower.norm.forward(&tower.merge.forward(pooled, cx)?)?; // [b, o]
        let mut zs = self.dropout.forward(self.activation.forward(&zs)?, cx)?;
        if let Some(residual) = &tower.residual {
            zs = residual.forward(&zs, cx)?;
        }
        Ok(Features::Pooled(zs))
    }
}

impl SharingPart for TaskQueryConfig {
    fn build(&self, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        let encoder = plan.whole(&mut scope.sub("encoder"))?;
        Ok(Box::new(TaskQuerySharing::new(&mut scope.sub("sharing"), encoder, tasks, self)?))
    }

    fn reads_fields(&self) -> bool {
        true
    }
}

impl Sharing for TaskQuerySharing {
    fn name(&self) -> &'static str {
        "task-query"
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn members(&self) -> i64 {
        self.encoder.members()
    }

    fn forward(&self, inputs: &Inputs, wanted: &TaskMask, cx: &Cx) -> Result<SharedFeatures> {
        let mut tokens = self.tokens(self.encoder.forward(inputs, cx)?, cx)?; // [b, l, d_in]
        if let Some(project) = &self.project {
            tokens.xs = project.forward(&tokens.xs, cx)?; // [b, l, d]
        }
        for block in &self.blocks {
            tokens = block.forward(tokens, AttnMask::none(), cx)?;
        }
        if let Some(layer) = &self.token_layer {
            tokens.xs = layer.forward(&tokens.xs, cx)?;
        }
        let values = tokens.xs.f_alias().op("task-query sharing")?; // [b, l, d]
        let keys = Tokens { xs: self.norm.forward(&tokens.xs)?, ..tokens }; // [b, l, d]
        let asking: Vec<usize> = wanted.tasks().filter(|t| *t < self.towers.len()).collect();
        let pooled = self.pool.forward(&keys, &values, &asking, cx)?; // one [b, m h d] for each task that asks
        let mut per_task: Vec<Option<Features>> = self.towers.iter().map(|_| None).collect();
        for (t, pooled) in asking.into_iter().zip(&pooled) {
            per_task[t] = Some(self.tower(&self.towers[t], pooled, cx)?);
        }
        Ok(SharedFeatures { per_task, auxiliary: Vec::new(), boundary: vec![keys.xs, values] })
    }
}

fn refuse<T>(field: &'static str, expected: &str, found: String) -> Result<T> {
    Err(Error::InvalidConfig { what: "task-query sharing", field, expected: expected.to_owned(), found })
}
