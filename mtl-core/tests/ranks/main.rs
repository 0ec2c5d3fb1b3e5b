//! Ranks on parts of a batch equal one rank on the whole: every step mode with every balancer and aggregator of the registries.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "helpers of tests; small numbers"
)]

mod net;

use mtl_core::{
    Result,
    balance::{AggregatorConfig, BalancerConfig, Method},
    step::{NonFinitePolicy, Policy, StepMode},
    task::TaskSet,
    world::{alone, together},
};
use net::{Plan, Ran, TRUNKS, Trunk};

/// In `f32`, after four steps.
const CLOSE: f32 = 1e-6;

fn balancer(name: &str, tasks: &TaskSet) -> Result<Method> {
    let mut config = BalancerConfig::by_name(name)?;
    if let BalancerConfig::Fixed(fixed) = &mut config {
        fixed.weights = vec![0.5, 2.0, 1.0];
    }
    Ok(config.build(tasks)?.into())
}

type Build = Box<dyn Fn(&TaskSet) -> Result<Method> + Sync>;

fn methods() -> Vec<(&'static str, Build)> {
    let mut all: Vec<(&'static str, Build)> = Vec::new();
    for (name, _) in BalancerConfig::ALL {
        all.push((name, Box::new(move |tasks| balancer(name, tasks))));
    }
    for (name, _) in AggregatorConfig::ALL {
        all.push((name, Box::new(move |tasks| Ok(AggregatorConfig::by_name(name)?.build(tasks)?.into()))));
    }
    all
}

fn plan<'a>(trunk: Trunk, mode: &StepMode, method: &'a (dyn Fn(&TaskSet) -> Result<Method> + Sync)) -> Plan<'a> {
    Plan { trunk, mode: mode.clone(), method, policy: Policy::default(), clip: None, accumulate: 1, odd: None }
}

/// What is wrong with so many ranks, measured by one; empty when nothing is.
fn compare(plan: &Plan<'_>, sizes: &[usize]) -> Vec<String> {
    let one = plan.run(&alone());
    let mut wrong = Vec::new();
    for &size in sizes {
        match (&one, together(size, |world| plan.run(&world))) {
            (Ok(one), Ok(ranks)) => wrong.extend(differences(one, &ranks).map(|text| format!("{size} ranks: {text}"))),
            // What one rank refuses, several refuse with the same words.
            (Err(one), Err(ranks)) if one.to_string() == ranks.to_string() => {}
            (one, ranks) => wrong.push(format!(
                "{size} ranks: one gives {:?}, several {:?}",
                one.as_ref().map(|_| ()).map_err(ToString::to_string),
                ranks.map(|_| ()).map_err(|e| e.to_string())
            )),
        }
    }
    wrong
}

fn differences(one: &Ran, ranks: &[Ran]) -> Option<String> {
    if let Some(rank) = ranks.iter().position(|rank| rank.decisions != ranks[0].decisions) {
        return Some(format!("rank {rank} decides {:?}, rank 0 {:?}", ranks[rank].decisions, ranks[0].decisions));
    }
    if ranks.iter().any(|rank| rank.weights.iter().zip(&ranks[0].weights).any(|(a, b)| a.to_bits() != b.to_bits())) {
        return Some("ranks have other weights".into());
    }
    if one.weights.iter().any(|w| !w.is_finite()) {
        return Some("weights are no numbers".into());
    }
    let apart = one.weights.iter().zip(&ranks[0].weights).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    (apart > CLOSE).then(|| format!("weights are {apart:e} apart"))
}

/// Every step mode, each with a Gramian that is no estimate.
fn modes() -> Vec<StepMode> {
    let exact = |name: &str| match name {
        "factored" => serde_json::from_str(r#"{"kind":"factored","gramian":"exact"}"#).unwrap(),
        name => StepMode::by_name(name).unwrap(),
    };
    StepMode::ALL.iter().map(|(name, _)| exact(name)).collect()
}

fn table(trunk: Trunk, sizes: &[usize]) {
    let (mut wrong, mut ran, mut refused) = (Vec::new(), 0, Vec::new());
    for mode in modes() {
        for (name, method) in methods() {
            let plan = plan(trunk, &mode, method.as_ref());
            match plan.run(&alone()) {
                Ok(_) => ran += 1,
                Err(e) => refused.push(format!("{}, {name}: {e}", mode.name())),
            }
            let found = compare(&plan, sizes).into_iter();
            wrong.extend(found.map(|text| format!("{trunk:?}, {}, {name}: {text}", mode.name())));
        }
    }
    assert!(wrong.is_empty(), "{} of {ran}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(ran > 3 * StepMode::ALL.len() * methods().len() / 4, "only {ran} ran at all:\n{}", refused.join("\n"));
}

#[test]
fn every_method_in_every_mode_on_dense_layers() {
    table(Trunk::Mlp, &[2, 3, 4]);
}

#[test]
fn every_method_in_every_mode_on_experts() {
    table(Trunk::Experts, &[3]);
}

#[test]
fn every_method_in_every_mode_with_norms_over_the_batch() {
    table(Trunk::Norms, &[2]);
}

#[test]
fn micro_batches_are_parts_too() {
    let mut wrong = Vec::new();
    for (name, method) in methods() {
        for trunk in TRUNKS {
            let exact = StepMode::default();
            let plan = Plan { accumulate: 2, ..plan(trunk, &exact, method.as_ref()) };
            wrong.extend(compare(&plan, &[2, 3]).into_iter().map(|text| format!("{trunk:?}, {name}: {text}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn task_gradients_are_clipped_alike() {
    let mut wrong = Vec::new();
    for (name, method) in methods() {
        for mode in modes() {
            let plan = Plan { clip: Some(0.3), ..plan(Trunk::Mlp, &mode, method.as_ref()) };
            wrong.extend(compare(&plan, &[3]).into_iter().map(|text| format!("{}, {name}: {text}", mode.name())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_finite_on_one_rank_is_so_for_all() {
    for non_finite in [NonFinitePolicy::Stop, NonFinitePolicy::SkipStep, NonFinitePolicy::DropTask] {
        for name in ["equal", "upgrad", "auto-lambda"] {
            for odd in [0, 12] {
                let method = |tasks: &TaskSet| balancer(name, tasks);
                let exact = StepMode::default();
                let policy = Policy { non_finite, ..Policy::default() };
                let plan = Plan { policy, odd: Some(odd), ..plan(Trunk::Mlp, &exact, &method) };
                assert_eq!(compare(&plan, &[2, 4]), Vec::<String>::new(), "{non_finite:?}, {name}, sample {odd}");
                let stopped = plan.run(&alone()).err().map(|e| e.to_string());
                let expected =
                    (non_finite == NonFinitePolicy::Stop).then(|| "loss of task b is not finite (NaN)".to_owned());
                assert_eq!(stopped, expected);
            }
        }
    }
}

/// The sketch looks along directions that a power iteration finds in `f32`: their last digits hang on the order of sums more than
/// weights do, so the estimate (unbiased for any directions) is another one in its fifth digit.
#[test]
fn a_wide_layer_is_sketched_by_all_ranks_alike() {
    let method = |tasks: &TaskSet| balancer("upgrad", tasks);
    let sketched: StepMode = serde_json::from_str(r#"{"kind":"factored","rank":8,"tolerance":10.0}"#).unwrap();
    for trunk in TRUNKS {
        let plan = plan(trunk, &sketched, &method);
        let one = plan.run(&alone()).unwrap();
        for size in [2, 3, 4] {
            let ranks = together(size, |world| plan.run(&world)).unwrap();
            assert!(ranks.iter().all(|rank| rank.decisions == ranks[0].decisions), "{trunk:?}, {size} ranks");
            let apart = one.weights.iter().zip(&ranks[0].weights).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-4, "{trunk:?}, {size} ranks: weights are {apart:e} apart");
        }
    }
}
