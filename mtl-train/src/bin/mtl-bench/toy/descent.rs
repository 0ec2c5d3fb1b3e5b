//! One descent with Adam along the direction that a method chooses.

use mtl_core::balance::{Balancer, Evidence, Gramian};

use super::{
    Run,
    problem::{Point, evaluate},
};

const LEARNING_RATE: f64 = 1e-3;
/// Points kept of a way.
const PATH: usize = 300;

/// Descends from `start`; the rows, policy and order of calls are those of the step engine.
pub(super) fn descend(mut method: Box<dyn Balancer>, start: [f64; 2], scale: f64, steps: usize) -> Run {
    let mut run = Run { start, end: start, reached: None, failed: None, path: vec![start] };
    let (mut x, mut m, mut v) = (start, [0.0; 2], [0.0; 2]);
    let (mut power1, mut power2) = (1.0, 1.0);
    let mut point = evaluate(x, scale);
    for step in 0..steps {
        if run.reached.is_none() && x[1] < -7.0 && shortest(&point) < 1e-3 {
            run.reached = Some(step);
        }
        let weights = match weigh(method.as_mut(), &point, step as u64) {
            Ok(weights) => weights,
            Err(e) => {
                run.failed = Some(format!("step {step}: {e}"));
                break;
            }
        };
        power1 *= 0.9;
        power2 *= 0.999;
        for axis in 0..2 {
            let d = weights[0] * point.gradients[0][axis] + weights[1] * point.gradients[1][axis];
            m[axis] = 0.9 * m[axis] + 0.1 * d;
            v[axis] = 0.999 * v[axis] + 0.001 * d * d;
            x[axis] -= LEARNING_RATE * (m[axis] / (1.0 - power1)) / ((v[axis] / (1.0 - power2)).sqrt() + 1e-8);
        }
        point = evaluate(x, scale);
        let told = match method.needs().losses_after_step {
            true => method.after_step(&point.losses, &[0, 1]),
            false => Ok(()),
        };
        if let Err(e) = told {
            run.failed = Some(format!("step {step}: {e}"));
            break;
        }
        if (step + 1) % (steps / PATH).max(1) == 0 {
            run.path.push(x);
        }
    }
    run.end = x;
    run.path.push(x);
    run
}

/// The engine's rule: a task whose gradient vanishes is left out, and a task alone follows its gradient.
fn weigh(method: &mut dyn Balancer, point: &Point, step: u64) -> mtl_core::Result<[f64; 2]> {
    let gramian = Gramian::of_rows(&point.gradients);
    let largest = gramian.diag(0).max(gramian.diag(1));
    let present = [0, 1].map(|t| gramian.diag(t) > largest * 1e-24);
    if method.needs().gramian && present != [true, true] {
        return Ok(present.map(|p| f64::from(u8::from(p))));
    }
    let mut weights = [1.0; 2];
    let evidence =
        Evidence { tasks: &[0, 1], losses: &point.losses, gramian: Some(&gramian), step, ..Evidence::default() };
    method.weigh(&evidence, &mut weights)?;
    Ok(weights)
}

/// Length of the shortest convex combination of the two gradients: 0 at Pareto stationary points.
fn shortest(point: &Point) -> f64 {
    let [g, h] = point.gradients;
    let dot = |a: [f64; 2], b: [f64; 2]| a[0] * b[0] + a[1] * b[1];
    let apart = dot(g, g) - 2.0 * dot(g, h) + dot(h, h);
    let share = if apart > 0.0 { ((dot(h, h) - dot(g, h)) / apart).clamp(0.0, 1.0) } else { 0.5 };
    let d = [0, 1].map(|axis| share * g[axis] + (1.0 - share) * h[axis]);
    d[0].hypot(d[1])
}
