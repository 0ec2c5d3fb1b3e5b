//! Reading attention maps: what each task looks at, on average over a data set.
//!
//! ```text
//! mean_qk = 1 / n sum_i 1 / h sum_j weights_ijqk          n samples, h heads
//! ```
//! A batch's map is `[b, h, q, k]`; nobody can read that. [`AttentionSummary`] adds up batch after batch in `f64` and
//! gives one small table, queries by keys, with the names of both; queries of one task can be averaged further.
//!
//! A word of caution belongs beside every such table: a weight says where a task looked, not what made it decide (Jain
//! and Wallace, "Attention is not Explanation", NAACL 2019; Wiegreffe and Pinter, EMNLP 2019).

use mtl_core::{Error, Result, TorchContext, context::AttnTrace};
use ndarray::{Array2, Axis};
use tch::{Device, Kind, Tensor};

/// The mean attention of one site over the batches added so far.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionSummary {
    site: String,
    queries: Vec<String>,
    keys: Vec<String>,
    sum: Array2<f64>,
    samples: u64,
}

impl AttentionSummary {
    /// Starts with a first map; queries and keys without names are numbered.
    ///
    /// # Errors
    /// [`Error::Shape`] when the map is not `[b, h, q, k]` or does not have as many rows and columns as names.
    pub fn new(trace: &AttnTrace) -> Result<Self> {
        let [_, _, q, k] = trace.weights.size()[..] else { return Err(misfit(trace, "[b, h, q, k]".into())) };
        let (queries, keys) = (names(&trace.queries, q), names(&trace.keys, k));
        let sum = Array2::zeros((queries.len(), keys.len()));
        let mut summary = Self { site: trace.site.clone(), queries, keys, sum, samples: 0 };
        summary.add(trace)?;
        Ok(summary)
    }

    /// Summaries of all sites that occur in `traces`, in order of first occurrence: what a forward pass over a data set
    /// leaves behind. Maps of sizes that change between batches cannot be averaged; such a site is refused.
    ///
    /// # Errors
    /// As [`AttentionSummary::new`] and [`AttentionSummary::add`].
    pub fn of_all(traces: &[AttnTrace]) -> Result<Vec<Self>> {
        let mut summaries: Vec<Self> = Vec::new();
        for trace in traces {
            match summaries.iter_mut().find(|s| s.site == trace.site) {
                Some(summary) => summary.add(trace)?,
                None => summaries.push(Self::new(trace)?),
            }
        }
        Ok(summaries)
    }

    /// Adds the map of another batch.
    ///
    /// # Errors
    /// [`Error::Shape`] when it has other queries or keys; [`Error::State`] when it is from another site or bears other
    /// names.
    pub fn add(&mut self, trace: &AttnTrace) -> Result<()> {
        let (n_q, n_k) = self.sum.dim();
        let [b, _, q, k] = trace.weights.size()[..] else { return Err(misfit(trace, "[b, h, q, k]".into())) };
        if (usize::try_from(q), usize::try_from(k)) != (Ok(n_q), Ok(n_k)) {
            return Err(misfit(trace, format!("[b, h, {n_q}, {n_k}]")));
        }
        if trace.site != self.site || names(&trace.queries, q) != self.queries || names(&trace.keys, k) != self.keys {
            let reason = format!("the map of {} has other names than the maps of {} before it", trace.site, self.site);
            return Err(Error::State { what: "attention summary".into(), reason });
        }
        let mean = trace.weights.f_mean_dim(&[1i64][..], false, Kind::Double); // [b, q, k]
        let sum = mean.and_then(|m| m.f_sum_dim_intlist(&[0i64][..], false, Kind::Double)).op("attention summary")?;
        self.sum += &to_array(&sum, (n_q, n_k))?;
        self.samples += u64::try_from(b).unwrap_or(0);
        Ok(())
    }

    /// Where the maps were taken.
    #[must_use]
    pub fn site(&self) -> &str {
        &self.site
    }

    /// The names of the queries: tasks, with `.0`, `.1`, ... when a task has several.
    #[must_use]
    pub fn queries(&self) -> &[String] {
        &self.queries
    }

    /// The names of the keys: fields of a table, `r0c0` cells of a map, numbers where nothing is known.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// How many samples have been added.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Mean weights, `[queries, keys]`; rows sum to 1 when no sample was padded entirely.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a data set has far fewer than 2^52 samples")]
    pub fn by_query(&self) -> Array2<f64> {
        &self.sum / self.samples.max(1) as f64
    }

    /// The tasks (the queries' names without number) and their mean weights, `[tasks, keys]`.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "there are few queries")]
    pub fn by_task(&self) -> (Vec<String>, Array2<f64>) {
        let by_query = self.by_query();
        let mut tasks: Vec<String> = Vec::new();
        let mut rows: Vec<Vec<usize>> = Vec::new();
        for (row, query) in self.queries.iter().enumerate() {
            let task = query.split_once('.').map_or(query.as_str(), |(task, _)| task);
            match tasks.iter().position(|t| t == task) {
                Some(idx) => rows[idx].push(row),
                None => {
                    tasks.push(task.to_owned());
                    rows.push(vec![row]);
                }
            }
        }
        let mut table = Array2::zeros((tasks.len(), self.keys.len()));
        for (mut target, rows) in table.axis_iter_mut(Axis(0)).zip(&rows) {
            for &row in rows {
                target += &by_query.row(row);
            }
            target /= rows.len() as f64;
        }
        (tasks, table)
    }

    /// The `n` keys that a task looks at most, strongest first, with their mean weights.
    ///
    /// # Errors
    /// [`Error::UnknownTask`] when no query belongs to such a task.
    pub fn top(&self, task: &str, n: usize) -> Result<Vec<(&str, f64)>> {
        let (tasks, table) = self.by_task();
        let Some(row) = tasks.iter().position(|t| t == task) else {
            return Err(Error::UnknownTask { name: task.to_owned(), known: tasks });
        };
        let mut ranked: Vec<_> = self.keys.iter().map(String::as_str).zip(table.row(row).iter().copied()).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1)); // stable: equal weights keep the keys' order
        ranked.truncate(n);
        Ok(ranked)
    }
}

fn names(given: &[String], n: i64) -> Vec<String> {
    if given.is_empty() { (0..n).map(|i| i.to_string()).collect() } else { given.to_vec() }
}

fn misfit(trace: &AttnTrace, expected: String) -> Error {
    let op = format!("attention summary of {}", trace.site);
    Error::Shape { op, tensor: "weights", expected, found: trace.weights.size() }
}

fn to_array(t: &Tensor, dim: (usize, usize)) -> Result<Array2<f64>> {
    let flat = t.f_to_device(Device::Cpu).and_then(|t| t.f_contiguous()).and_then(|t| t.f_view(-1));
    let numbers = Vec::<f64>::try_from(&flat.op("attention summary")?).op("attention summary")?;
    Array2::from_shape_vec(dim, numbers).map_err(|_| Error::Shape {
        op: "attention summary".into(),
        tensor: "weights",
        expected: format!("[{}, {}]", dim.0, dim.1),
        found: t.size(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn trace(weights: &[f32], shape: [i64; 4], queries: &[&str], keys: &[&str]) -> AttnTrace {
        let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        let weights = Tensor::from_slice(weights).view(shape);
        AttnTrace { site: "pool".into(), queries: owned(queries), keys: owned(keys), weights }
    }

    #[test]
    fn batches_add_up_to_the_mean_over_samples_and_heads() {
        let queries = ["income.0", "income.1", "age"];
        let one = [0.5, 0.5, 1.0, 0.0, 0.25, 0.75];
        let two = [0.5, 0.5, 0.0, 1.0, 0.75, 0.25, 0.0, 1.0, 1.0, 0.0, 0.5, 0.5];
        let mut summary = AttentionSummary::new(&trace(&one, [1, 1, 3, 2], &queries, &["sex", "work"])).unwrap();
        summary.add(&trace(&two, [2, 1, 3, 2], &queries, &["sex", "work"])).unwrap();
        assert_eq!(summary.samples(), 3);
        let by_query = array![[1.0, 2.0], [2.0, 1.0], [1.5, 1.5]] / 3.0;
        assert!((&summary.by_query() - &by_query).iter().all(|d| d.abs() < 1e-12));
        let (tasks, table) = summary.by_task();
        assert_eq!(tasks, ["income", "age"]);
        assert!((&table - &array![[0.5, 0.5], [0.5, 0.5]]).iter().all(|d| d.abs() < 1e-12));
        assert_eq!(summary.top("age", 1).unwrap()[0].0, "sex");
        assert_eq!(
            summary.top("wage", 1).unwrap_err().to_string(),
            r#"unknown task "wage", known tasks are income, age"#
        );
    }

    #[test]
    fn heads_are_averaged_and_missing_names_are_numbers() {
        let map = trace(&[1.0, 0.0, 0.0, 1.0], [1, 2, 1, 2], &[], &[]);
        let summaries = AttentionSummary::of_all(&[map]).unwrap();
        assert_eq!(
            (summaries[0].site(), summaries[0].queries(), summaries[0].keys().len()),
            ("pool", &["0".to_owned()][..], 2)
        );
        assert_eq!(summaries[0].by_query(), array![[0.5, 0.5]]);
    }

    #[test]
    fn maps_that_do_not_belong_together_are_refused() {
        let map = || trace(&[1.0, 0.0], [1, 1, 1, 2], &["a"], &["x", "y"]);
        let mut summary = AttentionSummary::new(&map()).unwrap();
        assert!(summary.add(&trace(&[1.0], [1, 1, 1, 1], &["a"], &["x"])).is_err());
        let e = summary.add(&trace(&[1.0, 0.0], [1, 1, 1, 2], &["a"], &["x", "z"])).unwrap_err();
        assert!(e.to_string().contains("other names"), "{e}");
        assert_eq!(summary, AttentionSummary::new(&map()).unwrap());
        assert!(AttentionSummary::new(&trace(&[1.0, 0.0], [1, 1, 1, 2], &["a", "b"], &["x", "y"])).is_err());
    }
}
