//! Task-query pooling: every task asks the shared tokens its own questions, all in one attention call.
//!
//! ```text
//! a_tqh = softmax_l( u_tqh . k_l / sqrt(d) )                one weight per token l, for task t, query q, head h
//! p_tq  = [ sum_l a_tqh v_l ]_{h = 1..h}                    [b, h d]
//! p_t   = [ p_t1 .. p_tm ]                                  [b, m h d]
//! ```
//! `k_l`, `v_l` keys and values, one each per token; `u_tqh` learned vectors, owned by task `t`. This is multi-head
//! attention with `m` queries per task in which what can be multiplied beforehand has been: a query times a key
//! projection is one learned vector, and a value projection per head followed by the output projection is one linear
//! layer on the concatenated heads, which is left to the layer that follows (a test compares with plain multi-head
//! attention). So no token is projected at all, each head brings home a whole token's width, and all `T m h` questions
//! of all tasks meet the tokens in **one** product. Queries and heads enter only by their product `m h`; queries are
//! told apart in the maps.
//!
//! **Shapes** keys and values `[b, l, d]`; result per task `[b, m h d]`; maps `[b, h, T m, l]`.
//!
//! **Reference** pooling by learned queries: Lee et al., "Set Transformer", ICML 2019 (PMA); learned queries per task
//! over shared tokens: the task prompts of Ye and Xu, "TaskPrompter", ICLR 2023, and relatives.
//!
//! **Differs from** PMA: the merged projections above, each head as wide as a token. Cost: `2 b l T m h d`
//! multiply-adds.

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
    /// By task.
    query_names: Vec<Vec<String>>,
    shape: PoolShape,
    backend: AttnBackend,
}

impl TaskQueryPool {
    /// Queries named `<task>.queries` inside `scope`, each owned by its task; standard normal at first, so that on keys
    /// of unit variance the scores have unit variance too.
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
            tensors.push(place.role(Role::Task(task_idx)).param(
                "queries",
                &[queries, heads, width],
                Init::Normal(1.0),
            )?);
            let named = (0..queries).map(|q| if queries == 1 { name.to_string() } else { format!("{name}.{q}") });
            query_names.push(named.collect());
        }
        Ok(Self { name: scope.name().to_owned(), queries: tensors, query_names, shape, backend })
    }

    /// The width of what one task gets: `m h d`.
    #[must_use]
    pub fn outputs(&self) -> i64 {
        self.shape.queries * self.shape.heads * self.shape.width
    }

    /// Pools the tokens for the tasks of those indices, in that order; a task that does not ask costs nothing. The maps are kept when the context wants maps: queries are named by task (with
    /// `.0`, `.1`, ... when a task has several), keys as the tokens are.
    ///
    /// # Shapes
    /// `keys.xs`, `values`: `[b, l, d]`, result per task `[b, m h d]`. Keys should be normalized: see
    /// [`TaskQueryPool::new`].
    ///
    /// # Errors
    /// [`Error::Shape`] for keys or values of another width; [`Error::UnknownName`] for a task that does not exist.
    pub fn forward(&self, keys: &Tokens, values: &Tensor, tasks: &[usize], cx: &Cx) -> Result<Vec<Tensor>> {
        let op = || self.name.clone();
        let PoolShape { width, queries, heads } = self.shape;
        let [b, l, d] = keys.xs.size()[..] else { return Err(self.refuse(&keys.xs)) };
        if d != width {
            return Err(self.refuse(&keys.xs));
        }
        if values.size() != [b, l, d] {
            return Err(self.refuse(values));
        }
        let own =
            tasks.iter().map(|&t| self.queries.get(t).ok_or_else(|| self.unknown(t))).collect::<Result<Vec<_>>>()?;
        if own.is_empty() {
            return Ok(Vec::new());
        }
        let n_tasks = own.len() as i64;
        let rows = n_tasks * queries * heads;
        let q = Tensor::f_stack(&own, 0).and_then(|q| q.f_view([1, 1, rows, d])).op(op())?;
        let q = q.f_expand([b, 1, rows, d], true).op(op())?; // [b, 1, T m h, d]
        let ks = keys.xs.f_unsqueeze(1).op(op())?; // [b, 1, l, d]
        let mask = match &keys.pad_mask {
            Some(pad_mask) => AttnMask::none().and_padding(pad_mask)?,
            None => AttnMask::none(),
        };
        let options = AttnOptions { backend: self.backend, scale: None, weights: cx.wants_traces() };
        let vs = values.f_unsqueeze(1).op(op())?; // [b, 1, l, d]
        let attended = attend(&q, &ks, &vs, &mask, &options)?;
        if let Some(weights) = &attended.weights {
            let by_head = weights.f_view([b, n_tasks * queries, heads, l]).and_then(|w| w.f_transpose(1, 2));
            let weights = by_head.op(op())?; // [b, h, T m, l]
            let names = keys.names.as_deref().unwrap_or_default().to_vec();
            let queries = tasks.iter().flat_map(|&t| self.query_names[t].iter().cloned()).collect();
            cx.trace(|| AttnTrace { site: self.name.clone(), queries, keys: names, weights });
        }
        let per_task = attended.out.f_reshape([b, n_tasks, self.outputs()]).op(op())?; // [b, T, m h d]
        per_task.f_unbind(1).op(op()) // T x [b, m h d]
    }

    fn unknown(&self, task_idx: usize) -> Error {
        let known = (0..self.queries.len()).map(|t| t.to_string()).collect();
        Error::UnknownName { what: "task of index", name: task_idx.to_string(), known }
    }

    fn refuse(&self, xs: &Tensor) -> Error {
        let expected = format!("[b, l, {}]", self.shape.width);
        Error::Shape { op: self.name.clone(), tensor: "keys and values", expected, found: xs.size() }
    }
}

/// Names for the cells of a map, row by row: `r0c0`, `r0c1`, ...
pub(crate) fn cell_names(h: i64, w: i64) -> Arc<[String]> {
    (0..h).flat_map(|r| (0..w).map(move |c| format!("r{r}c{c}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multi_head::{MultiHead, MultiHeadConfig};
    use mtl_core::{mode::Mode, params::ParamSet, rng::Rng, task::Task};
    use tch::{Device, Kind};

    fn tasks() -> TaskSet {
        TaskSet::new(["income", "age"].map(|n| Task::new(n).unwrap()).to_vec()).unwrap()
    }

    fn tokens(b: i64, l: i64, d: i64) -> Tokens {
        let mut rng = Rng::new(5);
        let numbers: Vec<f64> = (0..b * l * d).map(|_| rng.normal()).collect();
        Tokens { xs: Tensor::from_slice(&numbers).view([b, l, d]), pad_mask: None, names: None }
    }

    #[test]
    fn equals_plain_multi_head_attention_with_its_projections_multiplied_out() {
        let (d, heads, inner) = (6, 2, 4);
        let mut plain = ParamSet::new(Kind::Double, Device::Cpu, 3);
        let config = MultiHeadConfig { width: d, heads, inner: Some(inner), bias: false, ..Default::default() };
        let module = MultiHead::new(&mut plain.root(), &config).unwrap();
        let weight = |name: &str| plain.get(name).unwrap().tensor().view([-1, d]);
        let (wq, wk, wv) = (weight("q.weight"), weight("k.weight"), weight("v.weight"));
        let wo = plain.get("out.weight").unwrap().tensor();
        let (memory, asking) = (tokens(3, 5, d), tokens(1, 2, d)); // the same two queries for every sample
        let asking = Tokens { xs: asking.xs.expand([3, 2, d], true).contiguous(), ..asking };
        let expected = module.forward(&asking, &memory, AttnMask::none(), &Cx::new(Mode::Eval)).unwrap(); // [b, 2, d]

        let mut merged = ParamSet::new(Kind::Double, Device::Cpu, 4);
        let shape = PoolShape { width: d, queries: 1, heads };
        let pool = TaskQueryPool::new(&mut merged.root(), &tasks(), shape, AttnBackend::Auto).unwrap();
        let _guard = tch::no_grad_guard();
        #[expect(clippy::cast_precision_loss, reason = "a small width")]
        let rescale = (d as f64).sqrt() / ((inner / heads) as f64).sqrt();
        for (task_idx, name) in [(0, "income.queries"), (1, "age.queries")] {
            let q = asking.xs.get(0).get(task_idx).unsqueeze(0).matmul(&wq.tr()).view([heads, 1, inner / heads]);
            let u = q.matmul(&wk.view([heads, inner / heads, d])) * rescale; // [h, 1, d]
            merged.get(name).unwrap().tensor().shallow_clone().copy_(&u.transpose(0, 1));
        }
        let pooled = pool.forward(&memory, &memory.xs, &[0, 1], &Cx::new(Mode::Eval)).unwrap();
        for (task_idx, p) in (0..).zip(&pooled) {
            let heads_apart = p.view([3, heads, 1, d]).matmul(&wv.view([heads, inner / heads, d]).transpose(1, 2));
            let found = heads_apart.reshape([3, inner]).matmul(&wo.tr()); // [b, d]
            let gap = (found - expected.select(1, task_idx)).abs().max().double_value(&[]);
            assert!(gap < 1e-12, "{gap}");
        }
    }

    #[test]
    fn maps_name_tasks_and_tokens() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let shape = PoolShape { width: 4, queries: 2, heads: 3 };
        let pool = TaskQueryPool::new(&mut params.root().sub("tasks"), &tasks(), shape, AttnBackend::Auto).unwrap();
        let keys = Tokens { names: Some(cell_names(1, 5)), ..tokens(2, 5, 4) };
        let cx = Cx::new(Mode::Eval).with_traces();
        let pooled = pool.forward(&keys, &keys.xs, &[0, 1], &cx).unwrap();
        let trace = cx.take_traces().remove(0);
        assert_eq!(trace.queries, ["income.0", "income.1", "age.0", "age.1"]);
        assert_eq!((trace.keys[4].as_str(), trace.weights.size()), ("r0c4", vec![2, 3, 4, 5]));
        // Query 1, head 2 of the second task, by hand from the map and from the result.
        let by_map = trace.weights.get(0).get(2).get(3).unsqueeze(0).matmul(&keys.xs.get(0)).squeeze_dim(0);
        let by_pool = pooled[1].get(0).view([2, 3, 4]).get(1).get(2);
        assert!((by_map - by_pool).abs().max().double_value(&[]) < 1e-12);
        // One task alone asks its own queries only.
        let alone = pool.forward(&keys, &keys.xs, &[1], &cx).unwrap();
        assert!((&alone[0] - &pooled[1]).abs().max().double_value(&[]) < 1e-12);
        assert_eq!(cx.take_traces()[0].queries, ["age.0", "age.1"]);
        assert!(pool.forward(&keys, &keys.xs, &[2], &cx).is_err());
        assert_eq!((params.owned_by(0).len(), params.owned_by(1).len(), params.shared().len()), (1, 1, 0));
    }

    #[test]
    fn sizes_are_checked() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let shape = PoolShape { width: 4, queries: 1, heads: 1 };
        let pool = TaskQueryPool::new(&mut params.root(), &tasks(), shape, AttnBackend::Auto).unwrap();
        let cx = Cx::new(Mode::Eval);
        let (good, narrow) = (tokens(2, 3, 4), tokens(2, 3, 5));
        assert!(pool.forward(&narrow, &good.xs, &[0, 1], &cx).is_err());
        let e = pool.forward(&good, &narrow.xs, &[0, 1], &cx).unwrap_err().to_string();
        assert!(e.contains("keys and values must be [b, l, 4], found [2, 3, 5]"), "{e}");
        let none = PoolShape { heads: 0, ..shape };
        let e = TaskQueryPool::new(&mut params.root().sub("x"), &tasks(), none, AttnBackend::Auto).unwrap_err();
        assert_eq!(e.to_string(), "task-query pool: heads must be >= 1, found 0");
    }
}
