//! Task-query pooling: every task asks the shared tokens its own questions, all in one attention call.
//!
//! ```text
//! a_tqh = softmax_l( u_tqh . x_l / sqrt(d) )                one weight per token l, for task t, query q, head h
//! p_tq  = [ sum_l a_tqh x_l ]_{h = 1..h}                    [b, h d]
//! p_t   = [ p_t1 .. p_tm ]                                  [b, m h d]
//! ```
//! `x_l` tokens, `u_tqh` learned vectors, owned by task `t`. This is multi-head attention with `m` queries per task in
//! which what can be multiplied beforehand has been: a query times a key projection is one learned vector, and a value
//! projection per head followed by the output projection is one linear layer on the concatenated heads, which is left to
//! the layer that follows. So there is no projection of tokens at all: keys and values *are* the tokens, each head brings
//! home a whole token's width, and all `T m h` questions of all tasks meet the tokens in **one** product.
//!
//! **Shapes** tokens `[b, l, d]`; result per task `[b, m h d]`; maps `[b, h, T m, l]`.
//!
//! **Reference** pooling by learned queries: Lee et al., "Set Transformer", ICML 2019 (PMA); one query per task over
//! shared tokens: the task tokens of Ye and Xu, "TaskPrompter", ICLR 2023, and relatives.
//!
//! **Differs from** PMA: the merged projections above, each head as wide as a token. Cost: `2 b l T m h d` multiply-adds.

use std::sync::Arc;

use mtl_core::{
    Error, Result, TorchContext,
    context::{AttnTrace, Cx},
    features::Tokens,
    params::{Init, Role, Scope},
    task::TaskSet,
};
use tch::Tensor;

use crate::{
    attend::{AttnBackend, AttnOptions, attend},
    mask::AttnMask,
};

/// The sizes of a [`TaskQueryPool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolShape {
    /// Width of a token.
    pub width: i64,
    /// Queries per task.
    pub queries: i64,
    /// Heads per query.
    pub heads: i64,
}

/// Learned queries of every task over shared tokens.
#[derive(Debug)]
pub struct TaskQueryPool {
    name: String,
    queries: Vec<Tensor>,
    query_names: Vec<String>,
    shape: PoolShape,
    backend: AttnBackend,
}

impl TaskQueryPool {
    /// Queries named `<task>.queries` inside `scope`, each owned by its task.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a size below 1.
    pub fn new(scope: &mut Scope<'_>, tasks: &TaskSet, shape: PoolShape, backend: AttnBackend) -> Result<Self> {
        let PoolShape { width, queries, heads } = shape;
        if let Some((field, found)) =
            [("width", width), ("queries", queries), ("heads", heads)].into_iter().find(|(_, n)| *n < 1)
        {
            let (expected, found) = (">= 1".into(), found.to_string());
            return Err(Error::InvalidConfig { what: "task-query pool", field, expected, found });
        }
        let (mut tensors, mut query_names) = (Vec::new(), Vec::new());
        for (task_idx, name) in tasks.names().enumerate() {
            let mut place = scope.sub(name.as_str());
            // On normalized tokens the scores then start with standard deviation 1: the heads differ from the first step.
            tensors.push(place.role(Role::Task(task_idx)).param(
                "queries",
                &[queries, heads, width],
                Init::Normal(1.0),
            )?);
            query_names
                .extend((0..queries).map(|q| if queries == 1 { name.to_string() } else { format!("{name}.{q}") }));
        }
        Ok(Self { name: scope.name().to_owned(), queries: tensors, query_names, shape, backend })
    }

    /// The width of what one task gets: `m h d`.
    #[must_use]
    pub fn outputs(&self) -> i64 {
        self.shape.queries * self.shape.heads * self.shape.width
    }

    /// Pools the tokens for every task. The maps are kept when the context wants maps: queries are named by task (with
    /// `.0`, `.1`, ... when a task has several), keys as the tokens are.
    ///
    /// # Shapes
    /// `tokens.xs`: `[b, l, d]`, result per task `[b, m h d]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for tokens of another width.
    pub fn forward(&self, tokens: &Tokens, values: &Tensor, cx: &Cx) -> Result<Vec<Tensor>> {
        let op = || self.name.clone();
        let PoolShape { width, queries, heads } = self.shape;
        let [b, l, d] = tokens.xs.size()[..] else { return Err(self.refuse(&tokens.xs)) };
        if d != width {
            return Err(self.refuse(&tokens.xs));
        }
        let n_tasks = self.queries.len() as i64;
        let rows = n_tasks * queries * heads;
        let q = Tensor::f_stack(&self.queries, 0).and_then(|q| q.f_view([1, 1, rows, d])).op(op())?;
        let q = q.f_expand([b, 1, rows, d], true).op(op())?; // [b, 1, T m h, d]
        let ks = tokens.xs.f_unsqueeze(1).op(op())?; // [b, 1, l, d]
        let mask = match &tokens.pad_mask {
            Some(pad_mask) => AttnMask::none().and_padding(pad_mask)?,
            None => AttnMask::none(),
        };
        let options = AttnOptions { backend: self.backend, scale: None, weights: cx.wants_traces() };
        let vs = values.f_unsqueeze(1).op(op())?; // [b, 1, l, d]
        let attended = attend(&q, &ks, &vs, &mask, &options)?;
        if let Some(weights) = &attended.weights {
            let by_head = weights.f_view([b, n_tasks * queries, heads, l]).and_then(|w| w.f_transpose(1, 2));
            let weights = by_head.op(op())?; // [b, h, T m, l]
            let keys = tokens.names.as_deref().unwrap_or_default().to_vec();
            cx.trace(|| AttnTrace { site: self.name.clone(), queries: self.query_names.clone(), keys, weights });
        }
        let per_task = attended.out.f_reshape([b, n_tasks, self.outputs()]).op(op())?; // [b, T, m h d]
        per_task.f_unbind(1).op(op()) // T x [b, m h d]
    }

    fn refuse(&self, xs: &Tensor) -> Error {
        let expected = format!("[b, l, {}]", self.shape.width);
        Error::Shape { op: self.name.clone(), tensor: "tokens", expected, found: xs.size() }
    }
}

/// Names for the cells of a map, row by row: `r0c0`, `r0c1`, ...
pub(crate) fn cell_names(h: i64, w: i64) -> Arc<[String]> {
    (0..h).flat_map(|r| (0..w).map(move |c| format!("r{r}c{c}"))).collect()
}
