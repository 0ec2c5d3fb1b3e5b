//! Samples of a batch as something that can be compared.

use mtl_core::{
    TorchContext,
    answer::{Cells, Labels},
    batch::{Batch, MISSING_CLASS, Target},
    input::{Input, Inputs},
};
use tch::{Kind, Tensor};

use crate::error::Result;

/// What a task says of a sample that it has no label of.
pub(super) const NO_LABEL: &str = "no label";

/// One sample, without padding, as something that can be compared bit by bit: missing labels are equal to each other, and to a
/// task without target, since a batch holds what some of its samples have.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) id: u64,
    /// Per input.
    inputs: Vec<Vec<u64>>,
    /// Per task: labels, weight, group.
    pub(super) answers: Vec<String>,
}

pub(super) fn samples(batch: &Batch) -> Result<Vec<Sample>> {
    let n = batch.len();
    let inputs = rows(&batch.inputs, n)?;
    let answers =
        batch.targets.iter().map(|target| answers(target.as_ref(), n)).collect::<Result<Vec<Vec<String>>>>()?;
    let sample = |(row, inputs): (usize, Vec<Vec<u64>>)| Sample {
        id: batch.ids[row],
        inputs,
        answers: answers.iter().filter_map(|task| task.get(row).cloned()).collect(),
    };
    Ok(inputs.into_iter().enumerate().map(sample).collect())
}

/// The numbers of every sample, input by input.
fn rows(inputs: &Inputs, n: usize) -> Result<Vec<Vec<Vec<u64>>>> {
    let mut rows = vec![Vec::new(); n];
    for (_, input) in inputs.iter() {
        let lengths = input.lengths().map(|t| Vec::<i64>::try_from(t).op("law")).transpose()?;
        for (row, numbers) in rows.iter_mut().enumerate() {
            numbers.push(bits(&row_of(input, row, lengths.as_deref())?)?);
        }
    }
    Ok(rows)
}

fn row_of(input: &Input, row: usize, lengths: Option<&[i64]>) -> Result<Tensor> {
    let all = input.tensor().f_get(row as i64).op("law")?;
    Ok(match (lengths.and_then(|lengths| lengths.get(row)), input.ragged_axis()) {
        (Some(&length), Some(axis)) => all.f_narrow(axis - 1, 0, length).op("law")?,
        _ => all,
    })
}

fn bits(t: &Tensor) -> Result<Vec<u64>> {
    let flat = t.f_to_kind(Kind::Double).and_then(|t| t.f_reshape([-1])).op("law")?;
    let numbers = Vec::<f64>::try_from(&flat).op("law")?;
    // What is as long as it is wide differs by its shape too.
    let sizes = t.size().into_iter().map(i64::unsigned_abs);
    Ok(sizes.chain(numbers.into_iter().map(f64::to_bits)).collect())
}

/// What a task's target says of each sample.
pub(super) fn answers(target: Option<&Target>, n: usize) -> Result<Vec<String>> {
    let nothing = || NO_LABEL.to_owned();
    let Some(target) = target else { return Ok(vec![nothing(); n]) };
    let (labels, weights, groups) = (target.labels()?, target.plain_weights()?, target.plain_groups()?);
    let is_missing = |labels: &Labels| match labels.cells() {
        Cells::Index(cells) => !cells.is_empty() && cells.iter().all(|cell| *cell == MISSING_CLASS),
        Cells::Number(cells) => !cells.is_empty() && cells.iter().all(|cell| cell.is_nan()),
    };
    let of = |row: usize| {
        let labels = labels.gather(&[row]);
        if is_missing(&labels) {
            return nothing();
        }
        let weight = weights.as_ref().and_then(|w| w.get(row));
        let group = groups.as_ref().and_then(|g| g.get(row));
        format!("{labels:?}, weight {weight:?}, group {group:?}")
    };
    Ok((0..n).map(of).collect())
}
