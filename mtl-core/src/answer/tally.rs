//! How much of each class a batch holds: what a loss whose classes weigh differently is divided by.
//!
//! ```text
//! whole numbers, one a sample    m_c = sum_i v_i [y_i = c]                      one entry a class, up to the largest there is
//! yes or no, k columns           no_0 yes_0 no_1 yes_1 .. : sum_i v_i [y_ij = 0], sum_i v_i [y_ij = 1]
//! ```
//! `v_i` the sample's weight, 1 unless given. Counted where labels are on the host already, so that no step waits for an accelerator.

use tch::{Device, Kind, Tensor};

use crate::{
    error::{Result, TorchContext},
    prediction::MISSING_CLASS,
};

/// Of whole numbers.
pub(super) fn of_indices(labels: &[i64], max_label: Option<i64>, weights: Option<&[f32]>) -> Vec<f64> {
    let classes = max_label.and_then(|max| usize::try_from(max).ok()).map_or(0, |max| max + 1);
    let mut masses = vec![0.0; classes];
    for (sample, label) in labels.iter().enumerate().filter(|(_, label)| **label != MISSING_CLASS) {
        if let Some(mass) = usize::try_from(*label).ok().and_then(|class| masses.get_mut(class)) {
            *mass += weight(weights, sample);
        }
    }
    masses
}

/// Of yes or no, `columns` a sample.
pub(super) fn of_yes_no(cells: &[f32], columns: usize, weights: Option<&[f32]>) -> Vec<f64> {
    let columns = columns.max(1);
    let mut masses = vec![0.0; 2 * columns];
    for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_nan()) {
        masses[2 * (at % columns) + usize::from(*cell > 0.5)] += weight(weights, at / columns);
    }
    masses
}

/// Of a batch that is laid out already.
pub(super) fn of_cells(cells: &Tensor, max_label: Option<i64>, weights: Option<&Tensor>) -> Result<Vec<f64>> {
    let flat = |t: &Tensor| t.f_to_device(Device::Cpu).and_then(|t| t.f_reshape([-1])).op("count labels");
    let weights = weights.map(|w| Vec::<f32>::try_from(flat(w)?).op("count labels")).transpose()?;
    let columns: i64 = cells.size().iter().skip(1).product();
    match cells.kind() {
        Kind::Int64 => {
            let labels = Vec::<i64>::try_from(flat(cells)?).op("count labels")?;
            Ok(of_indices(&labels, max_label, weights.as_deref()))
        }
        _ => {
            let cells = Vec::<f32>::try_from(flat(cells)?).op("count labels")?;
            Ok(of_yes_no(&cells, usize::try_from(columns).unwrap_or(1), weights.as_deref()))
        }
    }
}

fn weight(weights: Option<&[f32]>, sample: usize) -> f64 {
    weights.and_then(|weights| weights.get(sample)).map_or(1.0, |w| f64::from(*w))
}
