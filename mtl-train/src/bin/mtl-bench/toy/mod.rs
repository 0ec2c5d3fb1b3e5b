//! The two-objective toy of the conflict literature: which methods reach the front, and from where.
//!
//! Two losses of two numbers, with a valley that traps plain descent when one gradient is much longer than the other
//! (Liu et al., CAGrad, NeurIPS 2021; starts also of Navon et al., Nash-MTL, ICML 2022, and Liu et al., FAMO, NeurIPS
//! 2023). Everything is exact f64 and takes seconds; the methods are those of the registry, driven as an engine would.
//!
//! A run has *reached* the front when the shortest convex combination of the gradients is below 1e-3 with `x2 < -7` (where
//! the Pareto set lies, at `x2 = -8.355`, `x1` in `[-7, 7]`).

mod descent;
mod problem;
mod show;

use mtl_core::{
    balance::{
        BalancerConfig,
        scalarizer::FamoConfig,
        weighting::{CaGradConfig, NashMtlConfig},
    },
    task::{Task, TaskSet},
};
use mtl_metrics::known;
use mtl_train::Result;
use serde::Serialize;

pub(crate) use show::{page, print};

/// All published starts, and one of CAGrad's that Nash-MTL and FAMO leave out (the last).
const STARTS: [[f64; 2]; 6] = [[-8.5, 7.5], [0.0, 0.0], [9.0, 9.0], [-7.5, -0.5], [9.0, -1.0], [-8.5, -5.0]];
/// Scales of the first loss.
const SCALES: [f64; 2] = [1.0, 0.1];
/// Adam steps of a run.
const STEPS: usize = 50_000;

/// One descent.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Run {
    pub(crate) start: [f64; 2],
    pub(crate) end: [f64; 2],
    /// The first step at which the front was reached.
    pub(crate) reached: Option<usize>,
    /// Why the method gave up, if it did.
    pub(crate) failed: Option<String>,
    /// Some points of the way.
    #[serde(skip)]
    pub(crate) path: Vec<[f64; 2]>,
}

/// A method from all starts at one scale.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    pub(crate) method: &'static str,
    pub(crate) scale: f64,
    pub(crate) runs: Vec<Run>,
}

/// A claim about the outcomes, and whether it holds.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Check {
    pub(crate) claim: String,
    pub(crate) holds: bool,
}

/// Everything the suite found.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Toy {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) checks: Vec<Check>,
}

/// The methods, with the settings of the published runs.
fn methods(scale: f64) -> Result<Vec<(&'static str, BalancerConfig)>> {
    let famo = |decay| {
        BalancerConfig::Famo(FamoConfig { decay, lower_bounds: vec![-21.0 * scale, -21.0], ..FamoConfig::default() })
    };
    let mut methods = Vec::new();
    for name in ["equal", "mgda", "pcgrad", "upgrad"] {
        methods.push((name, BalancerConfig::by_name(name)?));
    }
    methods.push(("cagrad", BalancerConfig::CaGrad(CaGradConfig { c: 0.5, ..CaGradConfig::default() })));
    methods.push(("nash-mtl", BalancerConfig::NashMtl(NashMtlConfig { max_norm: 1.0 })));
    for name in ["imtl-g", "aligned-mtl"] {
        methods.push((name, BalancerConfig::by_name(name)?));
    }
    methods.extend([("famo, gamma 0", famo(0.0)), ("famo, gamma 1e-3", famo(1e-3))]);
    Ok(methods)
}

/// Runs the methods whose name `wanted` accepts.
pub(crate) fn run(wanted: impl Fn(&str) -> bool) -> Result<Toy> {
    let tasks = ["L1", "L2"].map(|n| Task::new(n).and_then(|task| Ok(task.judged_by(known("rmse")?))));
    let tasks = TaskSet::new(tasks.into_iter().collect::<mtl_core::Result<_>>()?)?;
    let mut outcomes = Vec::new();
    for scale in SCALES {
        for (method, config) in methods(scale)?.into_iter().filter(|(name, _)| wanted(name)) {
            let runs = STARTS.iter().map(|&start| Ok(descent::descend(config.build(&tasks)?, start, scale, STEPS)));
            outcomes.push(Outcome { method, scale, runs: runs.collect::<mtl_core::Result<_>>()? });
        }
    }
    let checks = checks(&outcomes);
    Ok(Toy { outcomes, checks })
}

/// What the literature says about these methods on this toy.
fn checks(outcomes: &[Outcome]) -> Vec<Check> {
    let of = |method: &str| outcomes.iter().filter(|o| o.method == method).collect::<Vec<_>>();
    let mut checks = Vec::new();
    for method in ["nash-mtl", "imtl-g", "mgda", "famo, gamma 0"] {
        let all = of(method);
        let holds = !all.is_empty() && all.iter().all(|o| o.runs.iter().all(|r| r.reached.is_some()));
        checks.push(Check { claim: format!("{method} reaches the front from every start, at both scales"), holds });
    }
    let equal = of("equal");
    let holds = !equal.is_empty() && equal.iter().all(|o| o.runs[2].reached.is_none());
    checks.push(Check { claim: "equal weights fail from (9, 9)".into(), holds });
    if let [one, other] = of("nash-mtl")[..] {
        let apart = one.runs.iter().zip(&other.runs);
        let apart = apart.map(|(a, b)| (a.end[0] - b.end[0]).hypot(a.end[1] - b.end[1])).fold(0.0, f64::max);
        checks.push(Check {
            claim: format!(
                "nash-mtl ends at the same points for both scales (apart by at most {apart:.1e}, asked 1e-2)"
            ),
            holds: apart <= 1e-2,
        });
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_literature_says_holds() {
        let headline = ["equal", "mgda", "nash-mtl", "imtl-g", "famo, gamma 0"];
        let toy = run(|name| headline.contains(&name)).unwrap();
        assert_eq!(toy.checks.len(), 6);
        for check in &toy.checks {
            assert!(check.holds, "{}", check.claim);
        }
    }
}
