//! Samples picked out of what predictions and references are stored in, and samples put behind others.

use ndarray::{Array2, Axis};

use crate::answer::Labels;

/// A field of a prediction or a reference.
pub(crate) trait Rows: Sized {
    /// The samples at these rows, in that order; rows that do not exist are left out.
    fn gather(&self, rows: &[usize]) -> Self;

    /// Puts samples behind its own; false, and nothing has changed, for those of another form.
    fn append(&mut self, more: &Self) -> bool;
}

impl Rows for Array2<f32> {
    fn gather(&self, rows: &[usize]) -> Self {
        let (n, width) = self.dim();
        let mut flat = Vec::with_capacity(rows.len() * width);
        let mut found = 0;
        for &row in rows.iter().filter(|row| **row < n) {
            match self.as_slice() {
                Some(all) => flat.extend_from_slice(&all[row * width..(row + 1) * width]),
                None => flat.extend(self.row(row)),
            }
            found += 1;
        }
        // As many as were put there.
        Self::from_shape_vec((found, width), flat).unwrap_or_else(|_| self.select(Axis(0), &existing(rows, n)))
    }

    fn append(&mut self, more: &Self) -> bool {
        self.append(Axis(0), more.view()).is_ok()
    }
}

impl Rows for Vec<i64> {
    fn gather(&self, rows: &[usize]) -> Self {
        rows.iter().filter_map(|&row| self.get(row).copied()).collect()
    }

    fn append(&mut self, more: &Self) -> bool {
        self.extend_from_slice(more);
        true
    }
}

impl Rows for Labels {
    fn gather(&self, rows: &[usize]) -> Self {
        if rows.iter().all(|&row| row < self.len()) {
            self.gather(rows)
        } else {
            self.gather(&existing(rows, self.len()))
        }
    }

    fn append(&mut self, more: &Self) -> bool {
        self.append(more).is_ok()
    }
}

impl Rows for Option<Labels> {
    fn gather(&self, rows: &[usize]) -> Self {
        self.as_ref().map(|labels| Rows::gather(labels, rows))
    }

    fn append(&mut self, more: &Self) -> bool {
        match (self, more) {
            (Some(own), Some(more)) => Rows::append(own, more),
            (own, more) => own.is_none() && more.is_none(),
        }
    }
}

fn existing(rows: &[usize], n: usize) -> Vec<usize> {
    rows.iter().copied().filter(|&row| row < n).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn rows_are_picked_in_any_memory_order() {
        let matrix = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]];
        let want = array![[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]];
        assert_eq!(Rows::gather(&matrix, &[2, 0, 9, 2]), want);
        let turned = array![[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]].reversed_axes();
        assert_eq!(Rows::gather(&turned, &[2, 0, 9, 2]), want);
        assert_eq!(Rows::gather(&matrix, &[]).dim(), (0, 2));
        assert_eq!(Rows::gather(&vec![7, 8], &[1, 5, 1]), [8, 8]);
        let lists = Labels::lists(&[vec![1], vec![], vec![2, 3]]);
        assert_eq!(Rows::gather(&Some(lists), &[2, 7, 0]), Some(Labels::lists(&[vec![2, 3], vec![1]])));
    }

    #[test]
    fn rows_are_put_behind_others_of_the_same_form() {
        let mut column = Array2::<f32>::zeros((0, 1));
        for batch in [array![[1.0]], array![[2.0], [3.0]], Array2::zeros((0, 1))] {
            assert!(Rows::append(&mut column, &batch));
        }
        assert_eq!(column, array![[1.0], [2.0], [3.0]]);
        assert!(!Rows::append(&mut column, &array![[1.0, 2.0]]), "another width");
        let mut lists = Labels::lists(&[vec![1]]);
        assert!(!Rows::append(&mut lists, &Labels::indices(vec![1])));
        assert!(Rows::append(&mut lists, &Labels::lists(&[vec![], vec![2, 3]])));
        assert_eq!(lists, Labels::lists(&[vec![1], vec![], vec![2, 3]]));
        let mut path = None;
        assert!(Rows::append(&mut path, &None) && !Rows::append(&mut path, &Some(lists)));
    }
}
