//! A chain of tags over the items of one sample, as plain numbers: its best path, and how probable each tag of each item is.
//!
//! ```text
//! score(y)  = start_{y_1} + sum_t e_{t, y_t} + sum_t step_{y_{t-1}, y_t} + end_{y_l}
//! best      = argmax_y score(y)                                         Viterbi
//! p_{t, k}  = sum_{y : y_t = k} exp score(y) / sum_y exp score(y)       forward and backward sums
//! ```
//! All sums are kept as logarithms relative to the largest; between items they are multiplied by `exp(step)` once a pair of tags,
//! so that an item costs `c^2` products and `c` exponentials. A step of minus infinity is one that may not be taken.
//!
//! **Reference** L. Rabiner, "A tutorial on hidden Markov models", Proc. IEEE 1989, with scores in place of probabilities.

/// What may follow what, and how well.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    n: usize,
    start: Vec<f64>,
    end: Vec<f64>,
    /// `[from, to]`.
    step: Vec<f64>,
    /// `exp(step - largest)`, `[from, to]` and `[to, from]`.
    forward: Vec<f64>,
    backward: Vec<f64>,
    largest: f64,
}

impl Chain {
    /// `step` is `[n, n]`, row by row from one tag to all; scores may be minus infinity, not all of them.
    pub(super) fn new(start: Vec<f64>, step: Vec<f64>, end: Vec<f64>) -> Self {
        let n = start.len();
        let largest = step.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let largest = if largest.is_finite() { largest } else { 0.0 };
        let forward: Vec<f64> = step.iter().map(|score| (score - largest).exp()).collect();
        let backward = (0..n * n).map(|at| forward[at % n * n + at / n]).collect();
        Self { n, start, end, step, forward, backward, largest }
    }

    /// The best path over `scores` `[l, n]`, and its score. Of equal ones the first tags win, from the end.
    pub(super) fn best(&self, scores: &[f64]) -> (Vec<usize>, f64) {
        let n = self.n;
        let mut items = scores.chunks_exact(n);
        let Some(first) = items.next() else { return (Vec::new(), 0.0) };
        let mut reach: Vec<f64> = first.iter().zip(&self.start).map(|(score, start)| score + start).collect();
        let mut from: Vec<Vec<usize>> = Vec::new();
        for item in items {
            let (mut next, mut last) = (vec![f64::NEG_INFINITY; n], vec![0; n]);
            for (tag, reached) in reach.iter().enumerate() {
                let steps = &self.step[tag * n..(tag + 1) * n];
                for ((next, last), step) in next.iter_mut().zip(&mut last).zip(steps) {
                    let score = reached + step;
                    if score > *next {
                        (*next, *last) = (score, tag);
                    }
                }
            }
            next.iter_mut().zip(item).for_each(|(next, score)| *next += score);
            (reach, _) = (next, from.push(last));
        }
        let (mut tag, mut best) = (0, f64::NEG_INFINITY);
        for (at, (reached, end)) in reach.iter().zip(&self.end).enumerate() {
            if reached + end > best {
                (tag, best) = (at, reached + end);
            }
        }
        let mut path = vec![tag];
        for last in from.iter().rev() {
            tag = last[tag];
            path.push(tag);
        }
        path.reverse();
        (path, best)
    }

    /// The probability of every tag of every item, `[l, n]`, and the logarithm of the sum over all paths. Where all paths but one are
    /// less probable than numbers can say, that one has probability 1.
    pub(super) fn marginals(&self, scores: &[f64]) -> (Vec<f64>, f64) {
        let n = self.n;
        let l = scores.len() / n.max(1);
        if l == 0 {
            return (Vec::new(), 0.0);
        }
        // Logarithms of the sums over what comes before an item, itself included, and over what comes after.
        let (mut before, mut after) = (vec![0.0; l * n], vec![0.0; l * n]);
        for (at, sum) in before[..n].iter_mut().enumerate() {
            *sum = scores[at] + self.start[at];
        }
        for t in 1..l {
            let (done, rest) = before.split_at_mut(t * n);
            self.pass(&self.forward, &done[(t - 1) * n..], &mut rest[..n]);
            rest[..n].iter_mut().zip(&scores[t * n..]).for_each(|(sum, score)| *sum += score);
        }
        after[(l - 1) * n..].copy_from_slice(&self.end);
        for t in (0..l - 1).rev() {
            let (rest, done) = after.split_at_mut((t + 1) * n);
            let next: Vec<f64> = done[..n].iter().zip(&scores[(t + 1) * n..]).map(|(sum, score)| sum + score).collect();
            self.pass(&self.backward, &next, &mut rest[t * n..]);
        }
        let whole = log_sum(before[(l - 1) * n..].iter().zip(&self.end).map(|(sum, end)| sum + end));
        let mut probs: Vec<f64> = before.iter().zip(&after).map(|(before, after)| before + after).collect();
        for item in probs.chunks_exact_mut(n) {
            let all = log_sum(item.iter().copied());
            item.iter_mut().for_each(|sum| *sum = (*sum - all).exp());
        }
        if whole.is_finite() && probs.iter().all(|p| p.is_finite()) {
            return (probs, whole);
        }
        let (path, best) = self.best(scores);
        probs.fill(0.0);
        path.iter().enumerate().for_each(|(t, tag)| probs[t * n + tag] = 1.0);
        (probs, best)
    }

    /// `next_j = log sum_i exp(sums_i) steps_ij + largest`.
    fn pass(&self, steps: &[f64], sums: &[f64], next: &mut [f64]) {
        let most = sums.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        next.fill(0.0);
        for (sum, steps) in sums.iter().zip(steps.chunks_exact(self.n)) {
            let weight = (sum - most).exp();
            if weight > 0.0 {
                next.iter_mut().zip(steps).for_each(|(next, step)| *next += weight * step);
            }
        }
        next.iter_mut().for_each(|next| *next = next.ln() + most + self.largest);
    }
}

fn log_sum(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    most + terms.map(|term| (term - most).exp()).sum::<f64>().ln()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use mtl_core::rng::Rng;

    /// A chain and the scores of `l` items, drawn.
    pub(in crate::crf) fn drawn(n: usize, l: usize, seed: u64) -> (Vec<f64>, Vec<f64>, Vec<f64>, Vec<f64>) {
        let mut rng = Rng::new(seed);
        let mut draw = |k: usize| (0..k).map(|_| 2.0 * rng.normal()).collect::<Vec<f64>>();
        (draw(n), draw(n * n), draw(n), draw(l * n))
    }

    /// All paths with their scores.
    pub(in crate::crf) fn paths(start: &[f64], step: &[f64], end: &[f64], scores: &[f64]) -> Vec<(Vec<usize>, f64)> {
        let n = start.len();
        let l = scores.len() / n;
        let path =
            |code: usize| -> Vec<usize> { (0..l).map(|t| code / n.pow(u32::try_from(t).unwrap()) % n).collect() };
        let score = |path: &Vec<usize>| {
            let items: f64 = path.iter().enumerate().map(|(t, tag)| scores[t * n + tag]).sum();
            let steps: f64 = path.windows(2).map(|pair| step[pair[0] * n + pair[1]]).sum();
            start[path[0]] + items + steps + end[path[l - 1]]
        };
        (0..n.pow(u32::try_from(l).unwrap()))
            .map(path)
            .map(|path| {
                let s = score(&path);
                (path, s)
            })
            .collect()
    }

    #[test]
    fn sums_and_best_paths_are_those_of_all_paths() {
        for (n, l) in [(2, 1), (2, 5), (3, 4), (4, 3), (5, 2)] {
            let (start, mut step, end, scores) = drawn(n, l, (n * 10 + l) as u64);
            if n > 2 {
                step[1] = f64::NEG_INFINITY; // a step that may not be taken
            }
            let chain = Chain::new(start.clone(), step.clone(), end.clone());
            let all = paths(&start, &step, &end, &scores);
            let sum: f64 = all.iter().map(|(_, score)| score.exp()).sum();
            let (probs, whole) = chain.marginals(&scores);
            assert!((whole - sum.ln()).abs() < 1e-10, "{whole} {}", sum.ln());
            for t in 0..l {
                for tag in 0..n {
                    let of: f64 = all.iter().filter(|(path, _)| path[t] == tag).map(|(_, score)| score.exp()).sum();
                    assert!((probs[t * n + tag] - of / sum).abs() < 1e-10);
                }
            }
            let (best, most) = all.iter().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
            let (path, score) = chain.best(&scores);
            assert!(path == *best && (score - most).abs() < 1e-10, "{path:?} {best:?}");
        }
    }

    #[test]
    fn extreme_scores_stay_numbers() {
        // The only way that may be taken is e^1000 times less probable item by item.
        let none = f64::NEG_INFINITY;
        let chain = Chain::new(vec![0.0, none], vec![none, 0.0, 0.0, none], vec![0.0, 0.0]);
        let scores = [0.0, 1000.0, 1000.0, 0.0, 0.0, 1000.0];
        let (probs, whole) = chain.marginals(&scores);
        assert_eq!((probs, chain.best(&scores)), (vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0], (vec![0, 1, 0], 0.0)));
        assert!(whole.abs() < 1e-9, "{whole}");
        let free = Chain::new(vec![0.0; 2], vec![500.0, -500.0, -500.0, 500.0], vec![0.0; 2]);
        let (probs, whole) = free.marginals(&[0.0; 8]);
        assert!(probs.iter().all(|p| (p - 0.5).abs() < 1e-9) && (whole - 1500.0 - 2f64.ln()).abs() < 1e-9);
        assert_eq!((free.best(&[]).0.len(), free.marginals(&[]).0.len()), (0, 0));
    }
}
