//! Rows of one class in memory, and which of them are nearest to one.

/// Numbers and codes of some rows, row by row.
#[derive(Debug, Clone, Default)]
pub(super) struct Cells {
    pub(super) numbers: Vec<f32>,
    pub(super) codes: Vec<i64>,
    pub(super) n_numbers: usize,
    pub(super) n_codes: usize,
}

impl Cells {
    pub(super) fn numbers(&self, row: usize) -> &[f32] {
        &self.numbers[row * self.n_numbers..(row + 1) * self.n_numbers]
    }

    pub(super) fn codes(&self, row: usize) -> &[i64] {
        &self.codes[row * self.n_codes..(row + 1) * self.n_codes]
    }

    /// The median of the numbers' standard deviations over `n` rows; 1 without numbers, where only categories tell rows apart.
    pub(super) fn median_deviation(&self, n: usize) -> f64 {
        let deviation = |column: usize| {
            let values = || (0..n).map(|row| f64::from(self.numbers(row)[column]));
            let mean = values().sum::<f64>() / n.max(1) as f64;
            (values().map(|x| (x - mean).powi(2)).sum::<f64>() / n.max(1) as f64).sqrt()
        };
        let mut deviations: Vec<f64> = (0..self.n_numbers).map(deviation).collect();
        deviations.sort_by(f64::total_cmp);
        match deviations.len() {
            0 => 1.0,
            k if k % 2 == 1 => deviations[k / 2],
            k => f64::midpoint(deviations[k / 2 - 1], deviations[k / 2]),
        }
    }

    /// The squared distance of two rows, a category that differs being worth `penalty`.
    pub(super) fn distance(&self, a: usize, b: usize, penalty: f64) -> f64 {
        let numbers = self.numbers(a).iter().zip(self.numbers(b));
        let numbers: f64 = numbers.map(|(x, y)| f64::from(x - y).powi(2)).sum();
        let differ = self.codes(a).iter().zip(self.codes(b)).filter(|(x, y)| x != y).count();
        numbers + penalty * differ as f64
    }

    /// The `k` rows among `candidates` that are nearest to a row, itself left out, the nearest first; of equally near ones the first.
    pub(super) fn nearest(&self, row: usize, candidates: &[usize], k: usize, penalty: f64) -> Vec<usize> {
        let others = candidates.iter().copied().filter(|&other| other != row);
        let mut by_distance: Vec<(f64, usize)> =
            others.map(|other| (self.distance(row, other, penalty), other)).collect();
        let k = k.min(by_distance.len());
        let order = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if k < by_distance.len() {
            by_distance.select_nth_unstable_by(k, order);
            by_distance.truncate(k);
        }
        by_distance.sort_by(order);
        by_distance.into_iter().map(|(_, other)| other).collect()
    }

    /// The category that most of some rows have in a column; of ties that of `own`, else the first.
    pub(super) fn majority(&self, own: usize, rows: &[usize], column: usize) -> i64 {
        let of = |row: usize| self.codes(row)[column];
        let votes = |code: i64| rows.iter().filter(|&&row| of(row) == code).count();
        let most = rows.iter().map(|&row| votes(of(row))).max().unwrap_or(0);
        if votes(of(own)) == most {
            return of(own);
        }
        rows.iter().map(|&row| of(row)).find(|&code| votes(code) == most).unwrap_or_else(|| of(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells() -> Cells {
        let numbers = vec![0.0, 0.0, 3.0, 4.0, 0.0, 1.0, 9.0, 9.0];
        Cells { numbers, codes: vec![1, 2, 2, 1], n_numbers: 2, n_codes: 1 }
    }

    #[test]
    fn distances_by_hand() {
        let cells = cells();
        assert!((cells.distance(0, 1, 7.0) - 32.0).abs() < 1e-12, "3^2 + 4^2 + 7");
        assert!((cells.distance(0, 3, 7.0) - 162.0).abs() < 1e-12);
        assert_eq!(cells.nearest(0, &[0, 1, 2, 3], 2, 0.25), [2, 1]);
        assert_eq!(cells.nearest(0, &[0, 1, 2, 3], 2, 1e6), [3, 2], "a category is worth more than any number");
        assert_eq!(cells.nearest(0, &[0, 1], 5, 0.25), [1], "fewer than asked for");
        // Columns 0, 3, 0, 9 and 0, 4, 1, 9: deviations of mean 3 and 3.5.
        let by_hand = f64::midpoint(13.5f64.sqrt(), 12.25f64.sqrt());
        assert!((cells.median_deviation(4) - by_hand).abs() < 1e-9, "{}", cells.median_deviation(4));
    }

    #[test]
    fn ties_between_categories_are_the_rows_own() {
        let cells = cells();
        assert_eq!(cells.majority(0, &[1, 2, 3], 0), 2);
        assert_eq!(cells.majority(0, &[1, 3], 0), 1);
        assert_eq!(cells.majority(1, &[0, 3], 0), 1);
    }
}
