//! The assignment of rows to columns with the smallest total cost.
//!
//! ```text
//! min over one-to-one maps a of  sum_i cost[i, a(i)]          rows <= columns; every row gets a column
//! ```
//!
//! Rows are added one by one along the shortest augmenting path; potentials keep reduced costs non-negative.
//!
//! **Shapes** costs `[r, c]` row by row, finite. **Cost** `O(r^2 c)`.
//! **Reference** R. Jonker, A. Volgenant, *A shortest augmenting path algorithm for dense and sparse linear assignment
//! problems*, Computing 38, 1987; scipy `linear_sum_assignment`. **Differs from** nothing known; among assignments of
//! equal cost either may be given.

/// The column of every row, `None` for rows without one (when there are more rows than columns).
#[must_use]
pub(crate) fn cheapest(costs: &[f64], n_rows: usize, n_cols: usize) -> Vec<Option<usize>> {
    if n_rows > n_cols {
        let transposed: Vec<f64> =
            (0..n_cols).flat_map(|col| (0..n_rows).map(move |row| costs[row * n_cols + col])).collect();
        let mut columns = vec![None; n_rows];
        for (col, row) in cheapest(&transposed, n_cols, n_rows).into_iter().enumerate() {
            if let Some(row) = row {
                columns[row] = Some(col);
            }
        }
        return columns;
    }
    let mut row_potential = vec![0.0; n_rows];
    let mut col_potential = vec![0.0; n_cols];
    let mut row_of: Vec<Option<usize>> = vec![None; n_cols];
    for first in 0..n_rows {
        let mut distance = vec![f64::INFINITY; n_cols];
        let mut before: Vec<Option<usize>> = vec![None; n_cols];
        let mut done = vec![false; n_cols];
        let (mut row, mut last, mut reached) = (first, None, 0.0);
        let end = loop {
            let mut next: Option<usize> = None;
            for col in 0..n_cols {
                if done[col] {
                    continue;
                }
                let way = reached + costs[row * n_cols + col] - row_potential[row] - col_potential[col];
                if way < distance[col] {
                    distance[col] = way;
                    before[col] = last;
                }
                let nearer = |best: usize| distance[col] < distance[best];
                // Among equals a free column ends the search at once.
                let tie = |best: usize| distance[col] <= distance[best] && row_of[col].is_none();
                if next.is_none_or(|best| nearer(best) || tie(best)) {
                    next = Some(col);
                }
            }
            let Some(col) = next else { break None };
            reached = distance[col];
            done[col] = true;
            match row_of[col] {
                None => break Some(col),
                Some(taken) => (row, last) = (taken, Some(col)),
            }
        };
        row_potential[first] += reached;
        for col in (0..n_cols).filter(|&col| done[col]) {
            let slack = reached - distance[col];
            col_potential[col] -= slack;
            if let Some(row) = row_of[col] {
                row_potential[row] += slack;
            }
        }
        let mut at = end;
        while let Some(col) = at {
            row_of[col] = before[col].map_or(Some(first), |back| row_of[back]);
            at = before[col];
        }
    }
    let mut columns = vec![None; n_rows];
    for (col, row) in row_of.into_iter().enumerate() {
        if let Some(row) = row {
            columns[row] = Some(col);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::rng::Rng;

    fn total(costs: &[f64], n_cols: usize, columns: &[Option<usize>]) -> f64 {
        columns.iter().enumerate().filter_map(|(row, col)| col.map(|col| costs[row * n_cols + col])).sum()
    }

    /// The best of all permutations.
    fn by_trying(costs: &[f64], n: usize, row: usize, used: u32) -> f64 {
        if row == n {
            return 0.0;
        }
        let free = (0..n).filter(|col| used & (1 << col) == 0);
        free.map(|col| costs[row * n + col] + by_trying(costs, n, row + 1, used | 1 << col))
            .fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn equals_the_best_of_all_permutations() {
        let mut rng = Rng::new(5);
        for n in 1..=6 {
            for _ in 0..50 {
                // Coarse numbers, so that there are ties; negative ones too.
                let costs: Vec<f64> = (0..n * n).map(|_| (rng.next_u64() % 9) as f64 - 4.0).collect();
                let columns = cheapest(&costs, n, n);
                let mut seen: Vec<_> = columns.iter().map(|col| col.unwrap()).collect();
                seen.sort_unstable();
                assert_eq!(seen, (0..n).collect::<Vec<_>>());
                assert!((total(&costs, n, &columns) - by_trying(&costs, n, 0, 0)).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn wide_and_tall() {
        let costs = [5.0, 1.0, 9.0, 2.0, 1.0, 9.0];
        assert_eq!(cheapest(&costs, 2, 3), [Some(1), Some(0)]);
        assert_eq!(cheapest(&costs, 3, 2), [Some(1), None, Some(0)]);
        assert!(cheapest(&[], 0, 3).is_empty());
        assert_eq!(cheapest(&[], 2, 0), [None, None]);
    }
}
