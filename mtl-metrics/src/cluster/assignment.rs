//! The cheapest way to match rows with columns one to one: the Hungarian method.
//!
//! ```text
//! minimize sum_i cost[i, m(i)] over permutations m
//! ```
//!
//! Rows are added one by one; each is let in along a shortest alternating path under potentials that keep reduced costs
//! from being negative. O(n^3).
//!
//! **Reference** H. Kuhn, *The Hungarian method for the assignment problem*, 1955; R. Jonker and A. Volgenant, *A shortest
//! augmenting path algorithm for dense and sparse linear assignment problems*, Computing 1987; scipy
//! `linear_sum_assignment` (equal cost; among equal matchings it may choose another).

/// The column of every row in a cheapest matching of a square matrix of finite costs, row by row.
pub(crate) fn best_assignment(costs: &[f64], n: usize) -> Vec<usize> {
    // Column n is a place for the row that is being let in.
    let (mut of_row, mut of_column) = (vec![0.0; n], vec![0.0; n + 1]);
    let mut row_of = vec![usize::MAX; n + 1];
    let mut from = vec![n; n + 1];
    for row in 0..n {
        row_of[n] = row;
        let (mut least, mut visited) = (vec![f64::INFINITY; n], vec![false; n + 1]);
        let mut column = n;
        while row_of[column] != usize::MAX {
            visited[column] = true;
            let at = row_of[column];
            let (mut step, mut next) = (f64::INFINITY, n);
            for j in (0..n).filter(|&j| !visited[j]) {
                let reduced = costs[at * n + j] - of_row[at] - of_column[j];
                if reduced < least[j] {
                    (least[j], from[j]) = (reduced, column);
                }
                if least[j] < step {
                    (step, next) = (least[j], j);
                }
            }
            if next == n {
                // Only costs that are not numbers leave no way.
                return (0..n).collect();
            }
            for j in 0..=n {
                if visited[j] {
                    of_row[row_of[j]] += step;
                    of_column[j] -= step;
                } else if let Some(least) = least.get_mut(j) {
                    *least -= step;
                }
            }
            column = next;
        }
        while column != n {
            row_of[column] = row_of[from[column]];
            column = from[column];
        }
    }
    let mut matched = vec![0; n];
    for (column, &row) in row_of.iter().enumerate().take(n) {
        if let Some(place) = matched.get_mut(row) {
            *place = column;
        }
    }
    matched
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cost(costs: &[f64], n: usize, matched: &[usize]) -> f64 {
        matched.iter().enumerate().map(|(i, &j)| costs[i * n + j]).sum()
    }

    /// Over all permutations of the columns from `at` on.
    fn least(costs: &[f64], n: usize, columns: &mut Vec<usize>, at: usize) -> f64 {
        if at == n {
            return cost(costs, n, columns);
        }
        let mut best = f64::INFINITY;
        for other in at..n {
            columns.swap(at, other);
            best = best.min(least(costs, n, columns, at + 1));
            columns.swap(at, other);
        }
        best
    }

    proptest! {
        #[test]
        fn as_cheap_as_the_best_of_all(n in 1_usize..7, numbers in prop::collection::vec(-9_i32..9, 36)) {
            let costs: Vec<f64> = numbers.iter().take(n * n).map(|&x| f64::from(x)).collect();
            let matched = best_assignment(&costs, n);
            let mut sorted = matched.clone();
            sorted.sort_unstable();
            prop_assert_eq!(sorted, (0..n).collect::<Vec<_>>());
            // Whole numbers: exact in any order.
            let least = least(&costs, n, &mut (0..n).collect(), 0);
            prop_assert!((cost(&costs, n, &matched) - least).abs() < 0.5);
        }
    }

    #[test]
    fn nothing_and_nonsense() {
        assert!(best_assignment(&[], 0).is_empty());
        assert_eq!(best_assignment(&[f64::NAN; 4], 2), [0, 1]);
    }
}
