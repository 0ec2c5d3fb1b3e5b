//! Rows in memory: tables and generated data.
//!
//! One input of categorical fields, one of numbers, or both, under the names that the description gives them. Rows lie
//! one after the other in the form in which they are gathered, codes in 16 bits where they fit, so that a random row
//! costs two or three cache lines and a batch one allocation per tensor.

use std::{cell::RefCell, ops::Range};

use mtl_core::{
    TorchContext,
    answer::Labels,
    batch::{Batch, Inputs, Target},
    input::{Input, InputSpec, Modality},
};
use rayon::prelude::*;
use tch::Tensor;

use super::{Source, indices};
use crate::{
    error::{Error, Result},
    info::{DataInfo, TaskInfo},
    table::SampleFacts,
};

/// Batches with fewer cells than this are gathered by the calling thread: splitting them costs more than it saves.
const PARALLEL_CELLS: usize = 1 << 19;

/// Categorical codes row by row: `[n, fields]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Codes {
    /// All codes below 2^16.
    Narrow(Vec<u16>),
    /// Any code.
    Wide(Vec<u32>),
}

impl Codes {
    fn len(&self) -> usize {
        match self {
            Self::Narrow(codes) => codes.len(),
            Self::Wide(codes) => codes.len(),
        }
    }

    /// Whether every code is below its column's cardinality.
    fn fit(&self, cardinalities: &[i64]) -> bool {
        let width = cardinalities.len().max(1);
        match self {
            Self::Narrow(codes) => {
                codes.chunks_exact(width).all(|row| row.iter().zip(cardinalities).all(|(&c, &n)| i64::from(c) < n))
            }
            Self::Wide(codes) => {
                codes.chunks_exact(width).all(|row| row.iter().zip(cardinalities).all(|(&c, &n)| i64::from(c) < n))
            }
        }
    }
}

/// Rows of codes, numbers and labels; sample ids are row numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct TableSource {
    info: DataInfo,
    parts: Vec<TablePart>,
    n_rows: usize,
    codes: Codes,
    numeric: Vec<f32>,
    labels: Vec<Labels>,
    /// One per task.
    facts: Vec<SampleFacts>,
}

/// An input of a table: its name, and which cells it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TablePart {
    name: String,
    width: usize,
    is_codes: bool,
}

impl TableSource {
    /// A source from rows that are in memory already.
    ///
    /// # Shapes
    /// `codes`: `n_rows x` categorical fields, row by row; `numeric`: `n_rows x` numeric fields, row by row; `labels`:
    /// one per task.
    ///
    /// # Errors
    /// `InvalidConfig` when inputs are no table's or of two modalities at most once, or when a length or a code does not
    /// agree with `info`; `Shape` or `Label`, naming the task, when labels do not.
    pub fn from_rows(
        info: DataInfo,
        n_rows: usize,
        codes: Codes,
        numeric: Vec<f32>,
        labels: Vec<Labels>,
    ) -> Result<Self> {
        let refuse =
            |field, expected: String, found: String| Err(Error::config("table source", field, expected, found));
        let parts = parts(&info.inputs)?;
        let width = |is_codes: bool| parts.iter().find(|part| part.is_codes == is_codes).map_or(0, |part| part.width);
        for (field, found, width) in [("codes", codes.len(), width(true)), ("numeric", numeric.len(), width(false))] {
            if Some(found) != n_rows.checked_mul(width) {
                return refuse(field, format!("{n_rows} rows of {width}"), format!("{found} cells"));
            }
        }
        let cardinalities = info.inputs.iter().map(|(_, modality)| modality.cardinalities()).find(|c| !c.is_empty());
        if !codes.fit(&cardinalities.unwrap_or_default()) {
            return refuse("codes", "below their column's cardinality".into(), "a larger one".into());
        }
        if labels.len() != info.tasks.len() {
            return refuse("labels", format!("one per task, {}", info.tasks.len()), labels.len().to_string());
        }
        for (labels, task) in labels.iter().zip(&info.tasks) {
            if labels.len() != n_rows {
                return refuse("labels", format!("{n_rows} of task {}", task.name), labels.len().to_string());
            }
            // Checked once as a whole, so that no batch of an epoch finds a label that is none.
            Target::count(task.name.as_str(), &task.answer, labels)?;
        }
        let facts = vec![SampleFacts::default(); labels.len()];
        Ok(Self { info, parts, n_rows, codes, numeric, labels, facts })
    }

    /// The same rows with weights and groups, one entry a task.
    ///
    /// # Errors
    /// `InvalidConfig` unless there is one per task, and one of each per row.
    pub(crate) fn with_sample_facts(self, facts: Vec<SampleFacts>) -> Result<Self> {
        let fits = |n: usize| n == self.n_rows;
        let all = |facts: &SampleFacts| {
            facts.weights.as_ref().is_none_or(|w| fits(w.len())) && facts.groups.as_ref().is_none_or(|g| fits(g.len()))
        };
        if facts.len() != self.labels.len() || !facts.iter().all(all) {
            let expected = format!("{} rows of {} tasks", self.n_rows, self.labels.len());
            return Err(Error::config("table source", "weights and groups", expected, "others"));
        }
        Ok(Self { facts, ..self })
    }

    /// Cells of these rows that hold code 0: categories that nobody fitted.
    pub(crate) fn unknown_codes(&self, rows: Range<usize>) -> u64 {
        let width = self.parts.iter().find(|part| part.is_codes).map_or(0, |part| part.width);
        let cells = rows.start * width..rows.end * width;
        let n = match &self.codes {
            Codes::Narrow(codes) => codes.get(cells).map_or(0, |cells| cells.iter().filter(|&&code| code == 0).count()),
            Codes::Wide(codes) => codes.get(cells).map_or(0, |cells| cells.iter().filter(|&&code| code == 0).count()),
        };
        n as u64
    }

    fn targets_of(&self, rows: &[usize]) -> Result<Vec<Option<Target>>> {
        let targets = self.info.tasks.iter().zip(self.labels.iter().zip(&self.facts));
        let target = |(task, (labels, facts)): (&TaskInfo, (&Labels, &SampleFacts))| {
            let name = task.name.as_str();
            let mut target = Target::new(name, &task.answer, &labels.gather(rows))?;
            if let Some(weights) = &facts.weights {
                target = target.with_weights(name, &rows.iter().map(|&row| weights[row]).collect::<Vec<_>>())?;
            }
            if let Some(groups) = &facts.groups {
                target = target.with_groups(name, &rows.iter().map(|&row| groups[row]).collect::<Vec<_>>())?;
            }
            Ok(Some(target))
        };
        targets.map(target).collect()
    }

    fn inputs(&self, rows: &[usize]) -> Result<Inputs> {
        let mut inputs: Vec<(String, Input)> = Vec::with_capacity(self.parts.len());
        for TablePart { name, width, is_codes } in &self.parts {
            let cells = match (is_codes, &self.codes) {
                (true, Codes::Narrow(codes)) => gather(codes, *width, rows, i64::from)?,
                (true, Codes::Wide(codes)) => gather(codes, *width, rows, i64::from)?,
                (false, _) => gather(&self.numeric, *width, rows, |x| x)?,
            };
            inputs.push((name.clone(), cells.into())); // [b, width]
        }
        Ok(Inputs::new(inputs)?)
    }
}

/// The inputs that rows can give: at most one of codes and one of numbers.
fn parts(inputs: &InputSpec) -> Result<Vec<TablePart>> {
    let mut parts: Vec<TablePart> = Vec::with_capacity(2);
    for (name, modality) in inputs.iter() {
        let (width, is_codes) = match modality {
            Modality::Categorical(table) => (table.fields.len(), true),
            Modality::Numeric(table) => (table.names.len(), false),
            other => {
                let found = format!("input {name}: {}", other.describe());
                return Err(Error::config("table source", "inputs", "categorical or numeric fields", found));
            }
        };
        if parts.iter().any(|part| part.is_codes == is_codes) {
            let found = inputs.describe();
            return Err(Error::config("table source", "inputs", "one input of codes and one of numbers", found));
        }
        parts.push(TablePart { name: name.to_owned(), width, is_codes });
    }
    Ok(parts)
}

impl Source for TableSource {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        self.n_rows as u64
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        let rows = indices("table", self.len(), positions)?;
        Ok(Batch::new(self.inputs(&rows)?, self.targets_of(&rows)?, positions.to_vec())?)
    }

    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        self.targets_of(&indices("table", self.len(), positions)?)
    }
}

/// A number that is gathered into a tensor of `Self`, through a buffer that each thread keeps.
trait Cell: tch::kind::Element + Copy + Default + Send + 'static {
    fn with_buffer<R>(run: impl FnOnce(&mut Vec<Self>) -> R) -> R;
}

macro_rules! cell {
    ($($kind:ty),+) => { $(
        impl Cell for $kind {
            fn with_buffer<R>(run: impl FnOnce(&mut Vec<Self>) -> R) -> R {
                thread_local!(static BUFFER: RefCell<Vec<$kind>> = const { RefCell::new(Vec::new()) });
                // A buffer in use means a source inside a source: that one gets its own.
                BUFFER.with(|buffer| match buffer.try_borrow_mut() {
                    Ok(mut buffer) => run(&mut buffer),
                    Err(_) => run(&mut Vec::new()),
                })
            }
        }
    )+ };
}
cell!(i64, f32);

/// `[rows.len(), width]` from rows of `width` cells.
fn gather<T: Copy + Sync, C: Cell>(
    cells: &[T],
    width: usize,
    rows: &[usize],
    widen: impl Fn(T) -> C + Sync,
) -> Result<Tensor> {
    let copy = |row: usize, out: &mut [C]| {
        for (out, &cell) in out.iter_mut().zip(&cells[row * width..(row + 1) * width]) {
            *out = widen(cell);
        }
    };
    C::with_buffer(|buffer| {
        buffer.resize(rows.len() * width, C::default());
        if buffer.len() < PARALLEL_CELLS {
            buffer.chunks_exact_mut(width).zip(rows).for_each(|(out, &row)| copy(row, out));
        } else {
            buffer.par_chunks_exact_mut(width).with_min_len(1024).zip(rows).for_each(|(out, &row)| copy(row, out));
        }
        Ok(Tensor::f_from_slice(buffer).and_then(|t| t.f_view([rows.len() as i64, width as i64])).op("gather rows")?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::info::TaskInfo;
    use mtl_core::{answer::Answer, input::CategoricalField, task::TaskName};

    fn info(n_numeric: usize, cardinalities: &[i64]) -> DataInfo {
        let fields = cardinalities.iter().map(|&cardinality| CategoricalField { name: "c".into(), cardinality });
        DataInfo {
            inputs: InputSpec::table(fields.collect(), (0..n_numeric).map(|i| format!("x{i}")).collect()),
            tasks: vec![TaskInfo { name: TaskName::new("y").unwrap(), answer: Answer::class(["a", "b"]) }],
        }
    }

    #[test]
    fn rows_come_in_the_order_asked_for() {
        let codes = Codes::Wide(vec![1, 10, 2, 20, 3, 30]);
        let labels = vec![Labels::indices(vec![0, 1, -100])];
        let source = TableSource::from_rows(info(1, &[4, 31]), 3, codes, vec![0.5, 1.5, 2.5], labels).unwrap();
        let batch = source.batch(&[2, 0, 2]).unwrap();
        let codes = batch.inputs.get("categorical").unwrap();
        assert_eq!((codes.kind(), codes.size()), (tch::Kind::Int64, vec![3, 2]));
        assert_eq!(Vec::<i64>::try_from(codes.view(-1)).unwrap(), [3, 30, 1, 10, 3, 30]);
        assert_eq!(Vec::<f32>::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap(), [2.5, 0.5, 2.5]);
        assert_eq!((batch.ids.as_slice(), batch.targets[0].as_ref().unwrap().known()), ([2, 0, 2].as_slice(), 1.0));
        let e = source.batch(&[0, 3]).unwrap_err().to_string();
        assert_eq!(e, "table: expected a position below 3, found 3");
    }

    #[test]
    fn large_batches_are_gathered_alike() {
        let n = 20_000usize;
        let numeric: Vec<f32> = (0..n * 40).map(|i| i as f32).collect();
        let labels = vec![Labels::indices(vec![0; n])];
        let source = TableSource::from_rows(info(40, &[]), n, Codes::Narrow(vec![]), numeric.clone(), labels).unwrap();
        let positions: Vec<u64> = (0..n as u64).rev().collect();
        let batch = source.batch(&positions).unwrap();
        let gathered = Vec::<f32>::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap();
        assert!(gathered.chunks(40).zip(numeric.chunks(40).rev()).all(|(a, b)| a == b));
        assert!(batch.inputs.get("categorical").is_err());
    }

    #[test]
    fn what_does_not_agree_with_its_description_is_refused() {
        let make = |numeric: usize, code: u16, label: i64| {
            let (codes, labels) = (Codes::Narrow(vec![code]), vec![Labels::indices(vec![label])]);
            TableSource::from_rows(info(2, &[3]), 1, codes, vec![0.0; numeric], labels).map_err(|e| e.to_string())
        };
        assert!(make(2, 2, 1).is_ok());
        assert_eq!(make(3, 2, 1).unwrap_err(), "table source: numeric must be 1 rows of 2, found 3 cells");
        assert!(make(2, 3, 1).unwrap_err().contains("below their column's cardinality"));
        assert!(make(2, 2, 2).unwrap_err().contains("task y"));
    }
}
