//! Results of games: win rate and Elo ratings with intervals.
//!
//! ```text
//! win rate of a player = (wins + draws / 2) / games                 interval: Wilson's score
//! P(a beats b) = 1 / (1 + 10^(-(R_a - R_b) / 400))                  a draw is half a win for each
//! R: the ratings of maximum likelihood over all games, of mean 0; interval: R +- z sqrt of the inverse Fisher information
//! ```
//!
//! Ratings are those that the usual one-game-at-a-time update drifts around; as a maximum they do not depend on the
//! order of games, so that logs can be merged. They exist when every group of players has taken a point from the
//! others; otherwise they are undefined, with the reason.
//!
//! **Input** games as `(a, b, outcome)`. **State** 40 bytes a pair of players. **Cost** `p^3` a Newton step.
//!
//! **Reference** R. Bradley, M. Terry, Biometrika 39, 1952; D. Hunter, *MM Algorithms for Generalized Bradley-Terry
//! Models*, Ann. Statist. 2004; E. Wilson, JASA 22, 1927. Equal to scipy's minimum of the same likelihood. **Differs
//! from** Elo's running update, which depends on order and step.

use std::collections::BTreeMap;

use mtl_core::{Result, metric::Direction};
use serde::{Deserialize, Serialize};

use crate::{
    metric::{Metric, MetricState, add_counts, refused},
    refusal::refuse,
    value::{MetricValue, OrReason},
};

/// Points of rating that make ten to one.
const SCALE: f64 = 400.0 / std::f64::consts::LN_10;

/// How a game ended for its first player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Won.
    Win,
    /// Neither won.
    Draw,
    /// Lost.
    Loss,
}

/// Games `(first player, second player, outcome for the first)`, checked.
#[derive(Debug, Clone, Copy)]
pub struct Games<'a>(&'a [(u64, u64, Outcome)]);

impl<'a> Games<'a> {
    /// Checks games.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a game of a player against itself.
    pub fn new(games: &'a [(u64, u64, Outcome)]) -> Result<Self> {
        match games.iter().position(|(a, b, _)| a == b) {
            None => Ok(Self(games)),
            Some(idx) => {
                let found = format!("{} against itself (game {idx})", games[idx].0);
                Err(refuse("games", "players", "two different ones", found))
            }
        }
    }
}

/// Results by pair of players, the smaller id first: `[wins of the first, draws, wins of the second]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Results(BTreeMap<(u64, u64), [u64; 3]>);

impl Results {
    fn players(&self) -> Vec<u64> {
        let mut players: Vec<u64> = self.0.keys().flat_map(|&(a, b)| [a, b]).collect();
        players.sort_unstable();
        players.dedup();
        players
    }

    fn games(&self) -> u64 {
        self.0.values().flatten().sum()
    }
}

impl MetricState for Results {
    fn merge(&mut self, other: &Self) -> OrReason<()> {
        let mut merged = self.clone();
        other.0.iter().try_for_each(|(&pair, counts)| add_counts(merged.0.entry(pair).or_default(), counts))?;
        *self = merged;
        Ok(())
    }

    fn check(&self) -> OrReason<()> {
        let total = self.0.values().flatten().try_fold(0_u64, |sum, &count| sum.checked_add(count));
        if total.is_some() && self.0.keys().all(|(a, b)| a < b) {
            Ok(())
        } else {
            Err("its games are damaged".to_owned())
        }
    }
}

fn record(games: &Games<'_>) -> Results {
    let mut results = Results::default();
    for &(a, b, outcome) in games.0 {
        let (pair, swapped) = if a < b { ((a, b), false) } else { ((b, a), true) };
        let idx = match (outcome, swapped) {
            (Outcome::Draw, _) => 1,
            (Outcome::Win, false) | (Outcome::Loss, true) => 0,
            _ => 2,
        };
        results.0.entry(pair).or_default()[idx] += 1;
    }
    results
}

/// A number with the ends of its interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The estimate.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Share of the points that a player took, `[0, 1]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WinRate {
    /// The player.
    pub player: u64,
}

impl WinRate {
    /// The share with Wilson's interval of `z` standard errors (1.96 for 95%).
    ///
    /// # Errors
    /// The reason without a game of the player.
    pub fn interval(&self, state: &Results, z: f64) -> OrReason<Interval> {
        let (points, n) = self.points(state);
        if n == 0 {
            return Err(format!("no game of player {}", self.player));
        }
        let (n, p) = (n as f64, points / n as f64);
        let (middle, width) = ((p + z * z / (2.0 * n)), z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt());
        let norm = 1.0 + z * z / n;
        Ok(Interval { value: p, low: (middle - width) / norm, high: (middle + width) / norm })
    }

    fn points(&self, state: &Results) -> (f64, u64) {
        let mut sums = (0.0, 0);
        for (&(a, b), &[first, draws, second]) in &state.0 {
            if a == self.player || b == self.player {
                sums.0 += if a == self.player { first } else { second } as f64 + draws as f64 / 2.0;
                sums.1 += first + draws + second;
            }
        }
        sums
    }
}

impl Metric for WinRate {
    type Batch<'a> = Games<'a>;
    type State = Results;

    fn name(&self) -> &'static str {
        "win-rate"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (0.0, 1.0)
    }

    fn update(&self, state: &mut Results, batch: &Games<'_>) -> Result<()> {
        state.merge(&record(batch)).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Results) -> MetricValue {
        let (points, n) = self.points(state);
        if n == 0 {
            MetricValue::undefined(format!("no game of player {}", self.player), 0)
        } else {
            MetricValue::ratio(points, n)
        }
    }
}

/// Rating of a player over the mean of all, points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elo {
    /// The player whose rating is the value.
    pub player: u64,
}

impl Elo {
    /// Ratings of all players by id, with intervals of `z` standard errors (1.96 for 95%).
    ///
    /// # Errors
    /// The reason when the ratings of maximum likelihood do not exist.
    pub fn ratings(&self, state: &Results, z: f64) -> OrReason<Vec<(u64, Interval)>> {
        let players = state.players();
        let n = players.len();
        if n == 0 {
            return Err("no game".to_owned());
        }
        let place: BTreeMap<u64, usize> = players.iter().enumerate().map(|(idx, &player)| (player, idx)).collect();
        // [a, b, points of a, games]
        let pairs: Vec<(usize, usize, f64, f64)> = state
            .0
            .iter()
            .map(|(pair, &[first, draws, second])| {
                let points = first as f64 + draws as f64 / 2.0;
                (place[&pair.0], place[&pair.1], points, first as f64 + draws as f64 + second as f64)
            })
            .collect();
        connected(&pairs, n, &players)?;
        let mut ratings = vec![0.0; n];
        for _ in 0..200 {
            let (slope, curvature) = derivatives(&pairs, &ratings);
            let (inverse, ok) = inverse_spd(&curvature, n);
            if !ok {
                break;
            }
            let step: Vec<f64> =
                inverse.chunks_exact(n).map(|row| row.iter().zip(&slope).map(|(a, b)| a * b).sum()).collect();
            // The likelihood is concave; a step is cut to stay where its quadratic is a good one.
            let largest = step.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
            let factor = if largest > 2.0 { 2.0 / largest } else { 1.0 };
            ratings.iter_mut().zip(&step).for_each(|(rating, step)| *rating += factor * step);
            if largest <= 1e-14 * ratings.iter().fold(1.0_f64, |size, x| size.max(x.abs())) {
                break;
            }
        }
        let mean = ratings.iter().sum::<f64>() / n as f64;
        ratings.iter_mut().for_each(|rating| *rating -= mean);
        let (_, curvature) = derivatives(&pairs, &ratings);
        let (inverse, ok) = inverse_spd(&curvature, n);
        if !ok {
            return Err("the ratings did not converge".to_owned());
        }
        // The matrix had 1/n added everywhere to fix the mean; its inverse has that direction with eigenvalue 1.
        let one = |(idx, &player): (usize, &u64)| {
            let width = z * (inverse[idx * (n + 1)] - 1.0 / n as f64).max(0.0).sqrt() * SCALE;
            let value = ratings[idx] * SCALE;
            (player, Interval { value, low: value - width, high: value + width })
        };
        Ok(players.iter().enumerate().map(one).collect())
    }
}

/// Gradient and negative Hessian of the log-likelihood in natural units, plus `1/n` in every place of the matrix.
fn derivatives(pairs: &[(usize, usize, f64, f64)], ratings: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let n = ratings.len();
    let (mut slope, mut curvature) = (vec![0.0; n], vec![1.0 / n as f64; n * n]);
    for &(a, b, points, games) in pairs {
        let chance = 1.0 / (1.0 + (ratings[b] - ratings[a]).exp());
        slope[a] += points - games * chance;
        slope[b] -= points - games * chance;
        let bend = games * chance * (1.0 - chance);
        curvature[a * n + a] += bend;
        curvature[b * n + b] += bend;
        curvature[a * n + b] -= bend;
        curvature[b * n + a] -= bend;
    }
    (slope, curvature)
}

/// The inverse of a symmetric positive matrix by Gauss-Jordan steps, and whether it has one.
fn inverse_spd(matrix: &[f64], n: usize) -> (Vec<f64>, bool) {
    let mut a = matrix.to_vec();
    let mut inverse = vec![0.0; n * n];
    (0..n).for_each(|i| inverse[i * (n + 1)] = 1.0);
    for k in 0..n {
        let pivot = a[k * (n + 1)];
        if pivot.is_nan() || pivot <= 0.0 {
            return (inverse, false);
        }
        for of in [&mut a, &mut inverse] {
            of[k * n..(k + 1) * n].iter_mut().for_each(|x| *x /= pivot);
        }
        for row in (0..n).filter(|&row| row != k) {
            let factor = a[row * n + k];
            for of in [&mut a, &mut inverse] {
                (0..n).for_each(|col| of[row * n + col] -= factor * of[k * n + col]);
            }
        }
    }
    (inverse, true)
}

/// Whether from every player one can reach every other along "took a point from".
fn connected(pairs: &[(usize, usize, f64, f64)], n: usize, players: &[u64]) -> OrReason<()> {
    for backwards in [false, true] {
        let mut seen = vec![false; n];
        let mut open = vec![0];
        seen[0] = true;
        while let Some(at) = open.pop() {
            for &(a, b, points, games) in pairs {
                let (won, lost) = (points > 0.0, games > points);
                let (forth, back) = if backwards { (lost, won) } else { (won, lost) };
                for (from, to, goes) in [(a, b, forth), (b, a, back)] {
                    if from == at && goes && !seen[to] {
                        seen[to] = true;
                        open.push(to);
                    }
                }
            }
        }
        if let Some(idx) = seen.iter().position(|seen| !seen) {
            let (a, b) = (players[0], players[idx]);
            let (from, to) = if backwards { (b, a) } else { (a, b) };
            return Err(format!("no chain of points leads from player {from} to player {to}"));
        }
    }
    Ok(())
}

impl Metric for Elo {
    type Batch<'a> = Games<'a>;
    type State = Results;

    fn name(&self) -> &'static str {
        "elo"
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn range(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, f64::INFINITY)
    }

    fn update(&self, state: &mut Results, batch: &Games<'_>) -> Result<()> {
        state.merge(&record(batch)).map_err(|reason| refused(self.name(), reason))
    }

    fn compute(&self, state: &Results) -> MetricValue {
        match self.ratings(state, 0.0) {
            Err(reason) => MetricValue::undefined(reason, state.games()),
            Ok(ratings) => match ratings.iter().find(|(player, _)| *player == self.player) {
                Some((_, rating)) => MetricValue::defined(rating.value, state.games()),
                None => MetricValue::undefined(format!("no game of player {}", self.player), state.games()),
            },
        }
    }
}

crate::judged::answers_to_come! {
    Games<'a> => "games";
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Draw, Loss, Win};

    #[test]
    fn two_players_by_hand() {
        // 10 to 1 is 400 points.
        let mut games = vec![(1, 2, Win); 10];
        games.push((2, 1, Win));
        let results = record(&Games::new(&games).unwrap());
        let elo = Elo { player: 1 };
        assert!((elo.compute(&results).value.unwrap() - 200.0).abs() < 1e-10);
        // Fisher information of the difference: n p (1 - p) = 11 * 10/11 * 1/11; a rating is half of it.
        let ratings = elo.ratings(&results, 1.0).unwrap();
        let want = SCALE * (1.1_f64).sqrt() / 2.0;
        assert!((ratings[0].1.high - 200.0 - want).abs() < 1e-9, "{ratings:?} {want}");
    }

    #[test]
    fn ratings_that_do_not_exist_have_a_reason() {
        let elo = Elo { player: 1 };
        assert_eq!(elo.compute(&Results::default()).get(), Err("no game"));
        let results = record(&Games::new(&[(1, 2, Win), (2, 3, Draw)]).unwrap());
        assert_eq!(elo.compute(&results).get(), Err("no chain of points leads from player 2 to player 1"));
        assert!(Games::new(&[(4, 4, Draw)]).is_err());
    }

    #[test]
    fn win_rate_by_hand() {
        let results = record(&Games::new(&[(1, 2, Win), (3, 1, Draw), (1, 3, Loss), (2, 3, Win)]).unwrap());
        let rate = WinRate { player: 1 };
        assert_eq!((rate.compute(&results).value, rate.compute(&results).support), (Some(0.5), 3));
        let interval = rate.interval(&results, 1.96).unwrap();
        assert!((interval.low + interval.high - 1.0).abs() < 1e-15 && interval.low > 0.0);
        assert_eq!(WinRate { player: 9 }.compute(&results).get(), Err("no game of player 9"));
    }
}
