//! Attention maps: what they say as they are, and how much attention reaches each part of the input in the end.
//!
//! ```text
//! entropy_q  = - sum_k w_qk ln w_qk / ln(keys)          mean over samples and heads; 1: everywhere, 0: one key only
//! rollout    R_0 = I,  R_l = (A_l + I) / 2 R_(l-1)      A_l: mean over heads of the l-th self-attention map
//!            score of part p for task t = mean over t's queries of (A_pool R)_qp
//! ```
//! A block of self-attention moves information between tokens before a task's queries read them, so its map has to be
//! followed backwards; the identity stands for the residual path. Without task queries every token counts alike.
//!
//! **Reference** Abnar and Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020 (rollout).

use mtl_attention::AttentionSummary;
use mtl_core::{Result, TorchContext, context::AttnTrace};
use serde::Serialize;
use tch::{Device, Kind, Tensor};

use super::parts::Parts;

/// One attention map, averaged over samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttentionMap {
    /// Where it was taken.
    pub site: String,
    /// What looks: tasks, or tokens.
    pub queries: Vec<String>,
    /// What is looked at.
    pub keys: Vec<String>,
    /// Mean weights, `[queries][keys]`.
    pub weights: Vec<Vec<f64>>,
    /// Entropy of each query's weights over the logarithm of the number of keys, in `[0, 1]`.
    pub entropy: Vec<f64>,
    /// Samples averaged.
    pub samples: u64,
}

/// The maps of one forward pass.
///
/// # Errors
/// [`mtl_core::Error::Shape`] for maps that are none.
pub fn maps(traces: &[AttnTrace]) -> Result<Vec<AttentionMap>> {
    traces.iter().map(map).collect()
}

fn map(trace: &AttnTrace) -> Result<AttentionMap> {
    let summary = AttentionSummary::new(trace)?;
    let by_query = summary.by_query();
    let w = &trace.weights;
    let keys = w.size().last().copied().unwrap_or(1);
    let surprise = w.f_clamp_min(1e-30).and_then(|p| p.f_log()).and_then(|l| l.f_mul(w)).op("entropy")?;
    let entropy = surprise.f_sum_dim_intlist(&[-1i64][..], false, Kind::Double); // [b, h, q]
    let mean = entropy.and_then(|e| e.f_mean_dim(&[0i64, 1][..], false, Kind::Double)).op("entropy")?; // [q]
    let most = if keys > 1 { (keys as f64).ln() } else { 1.0 };
    Ok(AttentionMap {
        site: summary.site().to_owned(),
        queries: summary.queries().to_vec(),
        keys: summary.keys().to_vec(),
        weights: by_query.rows().into_iter().map(|row| row.to_vec()).collect(),
        entropy: numbers(&mean)?.iter().map(|e| (-e / most).max(0.0)).collect(),
        samples: summary.samples(),
    })
}

impl AttentionMap {
    /// The `n` keys that a query looks at most, strongest first.
    #[must_use]
    pub fn top(&self, query: usize, n: usize) -> Vec<(&str, f64)> {
        let row = self.weights.get(query).map_or(&[][..], Vec::as_slice);
        let mut ranked: Vec<(&str, f64)> = self.keys.iter().map(String::as_str).zip(row.iter().copied()).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1)); // stable: equal weights keep the keys' order
        ranked.truncate(n);
        ranked
    }
}

fn numbers(t: &Tensor) -> Result<Vec<f64>> {
    let flat = t.f_to_device(Device::Cpu).and_then(|t| t.f_reshape([-1])).and_then(|t| t.f_to_kind(Kind::Double));
    Vec::<f64>::try_from(&flat.op("read numbers")?).op("read numbers")
}

/// The attention that reaches each part for each task, `[b, parts]` per task; `None` when no map looks at the parts (a
/// model without attention, or with attention over experts only).
///
/// # Errors
/// [`mtl_core::Error::Torch`] when maps of different sizes follow one another.
pub fn reaching(traces: &[AttnTrace], parts: &Parts, tasks: &[String]) -> Result<Option<Vec<Tensor>>> {
    let over_parts = |t: &&AttnTrace| !t.keys.is_empty() && t.keys.iter().all(|key| parts.position(key).is_some());
    let relevant: Vec<&AttnTrace> = traces.iter().filter(over_parts).collect();
    let Some(first) = relevant.first() else { return Ok(None) };
    let mut rollout: Option<Tensor> = None; // [b, l, parts]: keys in the order of the first map
    let mut pooled: Option<(&AttnTrace, Tensor)> = None;
    for trace in relevant.iter().copied().filter(|t| t.keys == first.keys) {
        let mean = trace.weights.f_mean_dim(&[1i64][..], false, Kind::Float).op("rollout")?; // [b, q, k]
        let reached = match &rollout {
            Some(before) => mean.f_matmul(before).op("rollout")?,
            None => mean,
        };
        if trace.queries == trace.keys {
            let residual = match &rollout {
                Some(before) => before.shallow_clone(),
                None => {
                    let l = trace.keys.len() as i64;
                    Tensor::f_eye(l, (Kind::Float, reached.device())).op("rollout")?
                }
            };
            rollout = Some(reached.f_add(&residual).and_then(|r| r.f_mul_scalar(0.5)).op("rollout")?);
        } else {
            pooled = Some((trace, reached));
        }
    }
    let to_parts = |scores: &Tensor| -> Result<Tensor> {
        let order: Vec<i64> = first.keys.iter().filter_map(|k| parts.position(k)).map(|p| p as i64).collect();
        let empty = Tensor::f_zeros([scores.size()[0], parts.len() as i64], (Kind::Float, scores.device()));
        empty
            .and_then(|e| e.f_index_copy(1, &Tensor::from_slice(&order).to_device(scores.device()), scores))
            .op("rollout")
    };
    let mut per_task = Vec::with_capacity(tasks.len());
    for task in tasks {
        let rows: Option<Vec<i64>> = pooled.as_ref().map(|(trace, _)| {
            let own = |query: &String| query == task || query.split_once('.').is_some_and(|(name, _)| name == task);
            (0..).zip(&trace.queries).filter(|(_, q)| own(q)).map(|(row, _)| row).collect()
        });
        let scores = match (&pooled, rows) {
            (Some((_, reached)), Some(rows)) if !rows.is_empty() => {
                reached.f_index_select(1, &Tensor::from_slice(&rows).to_device(reached.device())).op("rollout")?
            }
            (Some((_, reached)), _) => reached.shallow_clone(),
            (None, _) => match &rollout {
                Some(rollout) => rollout.shallow_clone(),
                None => return Ok(None),
            },
        };
        per_task.push(to_parts(&scores.f_mean_dim(&[1i64][..], false, Kind::Float).op("rollout")?)?);
    }
    Ok(Some(per_task))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::input::InputSpec;

    fn parts() -> Parts {
        Parts::of(&InputSpec::table(Vec::new(), ["x", "y"].map(String::from).to_vec()), &[]).unwrap()
    }

    fn trace(site: &str, queries: &[&str], keys: &[&str], weights: &[f32]) -> AttnTrace {
        let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        let shape = [1, 1, queries.len() as i64, keys.len() as i64];
        AttnTrace {
            site: site.into(),
            queries: owned(queries),
            keys: owned(keys),
            weights: Tensor::from_slice(weights).view(shape),
        }
    }

    #[test]
    fn entropy_is_1_everywhere_and_0_on_one_key() {
        let found = map(&trace("pool", &["a", "b"], &["x", "y"], &[0.5, 0.5, 1.0, 0.0])).unwrap();
        assert!((found.entropy[0] - 1.0).abs() < 1e-6 && found.entropy[1].abs() < 1e-6, "{:?}", found.entropy);
        assert_eq!(found.top(1, 1), [("x", 1.0)]);
    }

    #[test]
    fn rollout_by_hand() {
        // Token x attends to y only: after the block, x holds half of each.
        let block = trace("block0", &["x", "y"], &["x", "y"], &[0.0, 1.0, 0.0, 1.0]);
        let pool = trace("pool", &["a", "b.0", "b.1"], &["x", "y"], &[1.0, 0.0, 0.5, 0.5, 0.0, 1.0]);
        let gate = trace("a.gate", &["a"], &["expert0"], &[1.0]);
        let tasks = ["a", "b"].map(String::from);
        let found = reaching(&[block, pool, gate], &parts(), &tasks).unwrap().unwrap();
        let read = |t: &Tensor| Vec::<f32>::try_from(t.flatten(0, -1)).unwrap();
        assert_eq!(read(&found[0]), [0.5, 0.5]);
        assert_eq!(read(&found[1]), [0.125, 0.875]);
    }

    #[test]
    fn attention_over_experts_reaches_no_part() {
        let gate = trace("a.gate", &["a"], &["expert0"], &[1.0]);
        assert!(reaching(&[gate], &parts(), &["a".to_owned()]).unwrap().is_none());
    }
}
