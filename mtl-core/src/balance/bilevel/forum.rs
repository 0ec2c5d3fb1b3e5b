//! FORUM: every held-out loss falls while the parameters stay near what the weighted training losses ask for.
//!
//! ```text
//! f(a, theta) = sum_i s_i l_i(theta)                       s = softmax(a): the training loss
//! q(a, theta) = f(a, theta) - f(a, theta_T)                theta_T: T plain steps of size eta on f from theta
//! grad q      = ( s_i [(l_i - f) - (l_i(theta_T) - f(a, theta_T))] ,  sum_i s_i g_i )      parts for a and theta
//! h_i         = grad of held-out loss i, unit length;      pi_i = rho - <grad q, h_i> / |grad q|^2
//! lambda      = argmin over the simplex, v >= max(sum_i lambda_i pi_i, 0), of
//!               ½ |sum_i lambda_i h_i + v grad q|^2 - v rho |grad q|^2 / 2
//! L           = L + b (lambda - L),   b = (epoch + 1)^(-3/4);      v = max(sum_i L_i pi_i, 0)
//! direction   = sum_i L_i h_i + v sum_i s_i g_i,           a -= Adam( v grad_a q )
//! ```
//! The lower-level problem (training) is turned into the constraint `q <= 0`, whose gradient needs no second derivative
//! because that of the value function is a partial one; `v` is chosen so that `q` falls by at least `rho |grad q|^2` per
//! unit of step wherever it must.
//!
//! **Shapes**: joint Gramian `[2m, 2m]`: rows of the step, then rows of the held-out batch; losses `[m]` before and after
//! the inner steps. State: `a`, Adam's moments, `L`, the epoch.
//!
//! **The minimum** over `lambda` and `v` is exact, see [`Barrier`].
//!
//! **Reference**: Ye, Lin, Cao, Zhang, Tsang, "A first-order multi-gradient algorithm for multi-objective bi-level
//! optimization", ECAI 2024, <https://arxiv.org/abs/2401.09257>, algorithm 1 with equations 9 and 11.
//!
//! **Differs from** the authors' code and LibMTL, which solve the problem with a general cone solver in every step, after
//! a square root by the eigenvectors of an asymmetric routine that can be complex, and copy the model for the inner steps.
//! Held-out rows without a label of their task stay out of the minimum. As everywhere here, a task's own parameters
//! follow its training loss.

use serde::{Deserialize, Serialize};

use crate::{
    balance::{Balancer, Epoch, Evidence, Gramian, Look, Needs, Outcome, adam::Adam, check, solver::Barrier},
    error::Result,
    state::{StateDict, StateValue},
    task::TaskSet,
};

/// Settings of [`Forum`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ForumConfig {
    /// Adam's learning rate of the weights; > 0, default 1e-3.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
    /// `eta`, the size of the inner steps; > 0, default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub inner_lr: f64,
    /// `T`, how many inner steps; >= 1, default 5.
    #[schemars(range(min = 1))]
    pub inner_steps: u32,
    /// How fast the training constraint must fall; > 0, default 0.1.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub rho: f64,
}

impl Default for ForumConfig {
    fn default() -> Self {
        Self { learning_rate: 1e-3, inner_lr: 0.1, inner_steps: 5, rho: 0.1 }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub struct Forum {
    config: ForumConfig,
    logits: Vec<f64>,
    adam: Adam,
    lambda: Vec<f64>,
    epoch: u64,
    barrier: Barrier,
    along: Vec<f64>,
    lengths: Vec<f64>,
    found: Vec<f64>,
    held_out: Gramian,
    shares: Vec<f64>,
}

impl Forum {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`](crate::Error::InvalidConfig) for a setting outside its range.
    pub fn new(config: &ForumConfig, tasks: &TaskSet) -> Result<Self> {
        check::positive("forum", "learning_rate", config.learning_rate)?;
        check::positive("forum", "inner_lr", config.inner_lr)?;
        check::positive("forum", "rho", config.rho)?;
        if config.inner_steps == 0 {
            return check::refuse("forum", "inner_steps", "at least 1".to_owned(), config.inner_steps);
        }
        let m = tasks.len();
        Ok(Self {
            logits: vec![0.0; m],
            adam: Adam::new(m, config.learning_rate, 0.0),
            lambda: vec![0.0; m],
            epoch: 0,
            barrier: Barrier::new(),
            along: Vec::new(),
            lengths: Vec::new(),
            found: Vec::new(),
            held_out: Gramian::default(),
            shares: Vec::new(),
            config: config.clone(),
        })
    }
}

/// `softmax(a)` over some tasks.
fn softmax(logits: &[f64], tasks: &[usize], out: &mut [f64]) {
    let top = tasks.iter().map(|&t| logits[t]).fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (out, &t) in out.iter_mut().zip(tasks) {
        *out = (logits[t] - top).exp();
        sum += *out;
    }
    out.iter_mut().take(tasks.len()).for_each(|s| *s /= sum);
}

impl Balancer for Forum {
    fn name(&self) -> &'static str {
        "forum"
    }

    fn needs(&self) -> Needs {
        Needs { losses: true, looks: &[Look::HeldOut, Look::Again], ..Needs::gramian() }
    }

    fn inner_lr(&self) -> f64 {
        self.config.inner_lr
    }

    fn inner_steps(&self) -> u32 {
        self.config.inner_steps
    }

    fn current_weights(&self, tasks: &[usize], weights: &mut [f64]) {
        softmax(&self.logits, tasks, weights);
    }

    fn weigh(&mut self, evidence: &Evidence<'_>, weights: &mut [f64]) -> Result<Outcome> {
        let joint = evidence.checked_joint(self.name(), 2)?;
        let losses = evidence.checked_losses(self.name())?;
        let again = evidence.checked_losses_again(self.name())?;
        let (tasks, m) = (evidence.tasks, evidence.tasks.len());
        self.shares.resize(m, 0.0);
        softmax(&self.logits, tasks, &mut self.shares);
        let shares = &self.shares;
        let mean = |values: &[f64]| shares.iter().zip(values).map(|(s, l)| s * l).sum::<f64>();
        let fall = mean(losses) - mean(again);
        let slope = |k: usize| shares[k] * (losses[k] - again[k] - fall);
        let mut square = (0..m).map(|k| slope(k).powi(2)).sum::<f64>();
        for i in 0..m {
            square += shares[i] * (0..m).map(|j| shares[j] * joint.get(i, j)).sum::<f64>();
        }
        // Unit held-out rows, and how far each goes along grad q, in units of grad q.
        let unit = self.held_out.rebuild(m);
        for buffer in [&mut self.lengths, &mut self.along, &mut self.found] {
            buffer.resize(m, 0.0);
        }
        for k in 0..m {
            self.lengths[k] = joint.norm(m + k);
        }
        let inverse = |k: usize| if self.lengths[k] > 0.0 { 1.0 / self.lengths[k] } else { 0.0 };
        for k in 0..m {
            let product = (0..m).map(|i| shares[i] * joint.get(i, m + k)).sum::<f64>() * inverse(k);
            self.along[k] = if square > 0.0 { product / square } else { 0.0 };
            for j in 0..m {
                unit[k * m + j] = joint.get(m + k, m + j) * inverse(k) * inverse(j);
            }
        }
        let rho = self.config.rho;
        let outcome = self.barrier.solve(&self.held_out, &self.along, square, rho, &mut self.found);
        let beta = (self.epoch as f64 + 1.0).powf(-0.75);
        let mut sum = 0.0;
        for (&t, lambda) in tasks.iter().zip(&self.found) {
            self.lambda[t] += beta * (lambda - self.lambda[t]);
            sum += self.lambda[t];
        }
        // The running weights of the tasks that are here need not sum to 1 when others are away.
        let sum = if sum > 0.0 { sum } else { 1.0 };
        let running = |t: usize| self.lambda[t] / sum;
        let pull = tasks.iter().zip(&self.along).map(|(&t, along)| running(t) * (rho - along)).sum::<f64>();
        let v = if square > 0.0 { pull.max(0.0) } else { 0.0 };
        for (k, &t) in tasks.iter().enumerate() {
            weights[k] = v * shares[k];
            let length = self.lengths[k];
            weights[m + k] = if length > 0.0 { running(t) / length } else { 0.0 };
        }
        for (k, &t) in tasks.iter().enumerate() {
            self.adam.step(t, &mut self.logits[t], v * slope(k));
        }
        outcome.accept(self.name(), weights, 1e-8)
    }

    fn epoch_end(&mut self, epoch: &Epoch<'_>) -> Result<()> {
        self.epoch = epoch.index + 1;
        Ok(())
    }

    fn state(&self) -> StateDict {
        let mut state = StateDict::new()
            .with("logits", StateValue::Numbers(self.logits.clone()))
            .with("lambda", StateValue::Numbers(self.lambda.clone()))
            .with("epoch", StateValue::Count(self.epoch));
        self.adam.save(&mut state);
        state
    }

    fn load_state(&mut self, state: &StateDict) -> Result<()> {
        let adam = self.adam.loaded("forum", state)?;
        let logits = state.numbers("forum", "logits", self.logits.len())?.to_vec();
        let lambda = state.numbers("forum", "lambda", self.lambda.len())?.to_vec();
        let epoch = state.count("forum", "epoch")?;
        (self.adam, self.logits, self.lambda, self.epoch) = (adam, logits, lambda, epoch);
        Ok(())
    }

    fn reset(&mut self) {
        self.adam.reset();
        self.logits.fill(0.0);
        self.lambda.fill(0.0);
        self.epoch = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::balance::testing;

    fn forum(rho: f64) -> Forum {
        Forum::new(&ForumConfig { rho, learning_rate: 0.5, ..ForumConfig::default() }, &testing::tasks(2)).unwrap()
    }

    fn weigh(method: &mut Forum, rows: &[[f64; 2]; 4], losses: [f64; 2], again: [f64; 2]) -> Vec<f64> {
        let (gramian, joint) = (Gramian::of_rows(&rows[..2]), Gramian::of_rows(rows));
        let evidence = Evidence {
            tasks: &[0, 1],
            losses: &losses,
            losses_again: &again,
            gramian: Some(&gramian),
            joint: Some(&joint),
            ..Evidence::default()
        };
        let mut weights = vec![0.0; 4];
        method.weigh(&evidence, &mut weights).unwrap();
        weights
    }

    #[test]
    fn training_is_left_alone_where_held_out_descent_serves_it() {
        // Held-out rows point where training goes: every pi is below 0, v = 0, the shortest combination of the unit rows.
        let rows = [[1.0, 0.0], [0.0, 1.0], [2.0, 0.0], [0.0, 3.0]];
        let weights = weigh(&mut forum(0.1), &rows, [1.0, 1.0], [0.5, 0.5]);
        testing::assert_close(&weights, &[0.0, 0.0, 0.25, 0.5 / 3.0], 1e-12);
    }

    #[test]
    fn training_is_kept_falling_where_held_out_descent_would_raise_it() {
        // Training wants (1, 0); both held-out losses want (-1, 0) and a bit of (0, 1).
        let rows = [[1.0, 0.0], [1.0, 0.0], [-0.6, 0.8], [-0.6, 0.8]];
        let rho = 0.1;
        let weights = weigh(&mut forum(rho), &rows, [1.0, 1.0], [1.0, 1.0]);
        let along = |k: usize| rows.iter().zip(&weights).map(|(row, w)| w * row[k]).sum::<f64>();
        // |grad q|^2 = 1: the direction's part along it is rho exactly.
        assert!((along(0) - rho).abs() < 1e-12 && (along(1) - 0.8).abs() < 1e-12, "{weights:?}");
        assert!((weights[0] - 0.5 * (rho + 0.6)).abs() < 1e-12, "{weights:?}");
    }

    #[test]
    fn a_task_that_training_can_still_learn_is_turned_down_in_the_constraint() {
        // grad_a q = s_i (own fall - mean fall): positive for the task whose loss falls more, so its weight falls.
        let rows = [[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [-1.0, 0.0]];
        let mut method = forum(0.1);
        weigh(&mut method, &rows, [2.0, 1.0], [1.0, 1.0]);
        let mut shares = [0.0; 2];
        method.current_weights(&[0, 1], &mut shares);
        // Adam's first step is 0.5 in each logit.
        let want = 1.0 / (1.0 + 1.0f64.exp());
        assert!((shares[0] - want).abs() < 1e-6, "{shares:?}");
    }

    #[test]
    fn a_task_without_held_out_labels_steers_nothing() {
        let rows = [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 3.0]];
        let weights = weigh(&mut forum(0.1), &rows, [1.0, 1.0], [0.5, 0.5]);
        testing::assert_close(&weights, &[0.0, 0.0, 0.0, 1.0 / 3.0], 1e-12);
    }
}
