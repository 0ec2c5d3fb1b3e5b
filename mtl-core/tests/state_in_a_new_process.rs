//! Every method with a state goes on in another process as if it had never been interrupted, to the last bit.
//!
//! The test starts its own program again with [`CHILD`] set; the child loads the state from a file, goes on and prints the
//! bits of what it chose.
#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_possible_truncation, reason = "helpers of tests")]

use std::{env, fs, process::Command};

use mtl_core::{
    answer::Class,
    balance::{
        Aggregator, AggregatorConfig, Balancer, BalancerConfig, Epoch, Evidence, Gramian, aggregator::aggregate,
    },
    metric::{MetricFacts, MetricName, MetricSpec},
    params::{from_safetensors, to_safetensors},
    rng::Rng,
    state::StateDict,
    task::{Task, TaskSet},
};

const CHILD: &str = "MTL_TEST_CONTINUE";
const M: usize = 3;
const HALF: u64 = 6;

fn tasks() -> TaskSet {
    TaskSet::new(["a", "b", "c"].map(|n| Task::new(n).unwrap().judged_by(share())).into()).unwrap()
}

fn rows(step: u64, n: usize) -> Vec<Vec<f64>> {
    let mut rng = Rng::new(step + 1);
    (0..n).map(|_| (0..5).map(|_| rng.normal()).collect()).collect()
}

fn losses(step: u64) -> Vec<f64> {
    (0..M).map(|t| 1.5 + 0.3 * ((step as f64) * 0.7 + t as f64).sin()).collect()
}

fn balancer(name: &str) -> Box<dyn Balancer> {
    let mut config = BalancerConfig::by_name(name).unwrap();
    if let BalancerConfig::Fixed(fixed) = &mut config {
        fixed.weights = vec![1.0; M];
    }
    config.build(&tasks()).unwrap()
}

/// Bits of the weights of some steps.
fn drive_balancer(method: &mut dyn Balancer, steps: std::ops::Range<u64>) -> Vec<u64> {
    let mut bits = Vec::new();
    let needs = method.needs();
    for step in steps {
        let own = Gramian::of_rows(&rows(step, M));
        let joint = Gramian::of_rows(&rows(step, M * (usize::from(needs.gramian) + needs.looks_with_rows())));
        let blocks = [own.clone(), own.clone()];
        let (losses, after) = (losses(step), losses(step + 1));
        let evidence = Evidence {
            tasks: &[0, 1, 2],
            losses: &losses,
            losses_again: &after,
            gramian: Some(&own),
            blocks: &blocks,
            joint: Some(&joint),
            step,
        };
        let mut weights = vec![1.0; M * (1 + needs.looks_with_rows())];
        method.weigh(&evidence, &mut weights).unwrap();
        bits.extend(weights.iter().map(|w| w.to_bits()));
        method.after_step(&after, &[0, 1, 2]).unwrap();
        if step % 2 == 1 {
            method
                .epoch_end(&Epoch { index: step / 2, kpis: &[0.6, 0.7, 0.8].map(|k| k + 0.01 * step as f64) })
                .unwrap();
        }
    }
    bits
}

/// Bits of the directions of some steps, over two blocks.
fn drive_aggregator(method: &mut dyn Aggregator, steps: std::ops::Range<u64>) -> Vec<u64> {
    let mut bits = Vec::new();
    for step in steps {
        let wide = rows(step, M);
        let narrow: Vec<Vec<f32>> = wide.iter().map(|r| r.iter().map(|x| *x as f32).collect()).collect();
        let blocks: Vec<Vec<&[f32]>> = [0..2, 2..5].map(|cut| narrow.iter().map(|r| &r[cut.clone()]).collect()).into();
        let (gramian, losses) = (Gramian::of_rows(&wide), losses(step));
        let evidence =
            Evidence { tasks: &[0, 1, 2], losses: &losses, gramian: Some(&gramian), step, ..Evidence::default() };
        let mut directions = vec![vec![0.0; 2], vec![0.0; 3]];
        aggregate(method, &evidence, &blocks, &mut directions).unwrap();
        bits.extend(directions.iter().flatten().map(|x| u64::from(x.to_bits())));
    }
    bits
}

fn save(state: &StateDict, path: &std::path::Path) {
    let tensors = state.to_tensors();
    let bytes = to_safetensors(tensors.iter().map(|(n, t)| (n.as_str(), t)), &[]).unwrap();
    fs::write(path, bytes).unwrap();
}

fn load(path: &str) -> StateDict {
    StateDict::from_tensors(path, from_safetensors(&fs::read(path).unwrap()).unwrap().0).unwrap()
}

fn continue_elsewhere(kind: &str, name: &str, state: &StateDict) -> String {
    let path = env::temp_dir().join(format!("mtl-state-{}-{kind}-{name}.safetensors", std::process::id()));
    save(state, &path);
    let output = Command::new(env::current_exe().unwrap())
        .args(["every_state_goes_on_in_a_new_process", "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{kind} {name} {}", path.display()))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    fs::remove_file(&path).unwrap();
    assert!(output.status.success(), "{kind} {name}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines().find_map(|l| l.split_once("bits: ")).map(|(_, bits)| bits.to_owned()).unwrap_or_default()
}

#[test]
fn every_state_goes_on_in_a_new_process() {
    if let Ok(orders) = env::var(CHILD) {
        let (kind, rest) = orders.split_once(' ').unwrap();
        let (name, path) = rest.split_once(' ').unwrap();
        let state = load(path);
        let bits = if kind == "balancer" {
            let mut method = balancer(name);
            method.load_state(&state).unwrap();
            drive_balancer(method.as_mut(), HALF..2 * HALF)
        } else {
            let mut method = AggregatorConfig::by_name(name).unwrap().build(&tasks()).unwrap();
            method.load_state(&state).unwrap();
            drive_aggregator(method.as_mut(), HALF..2 * HALF)
        };
        println!("bits: {bits:?}");
        return;
    }
    let mut stateful = 0;
    for (name, _) in BalancerConfig::ALL {
        let mut method = balancer(name);
        drive_balancer(method.as_mut(), 0..HALF);
        let state = method.state();
        if state.is_empty() {
            continue;
        }
        stateful += 1;
        let found = continue_elsewhere("balancer", name, &state);
        assert_eq!(found, format!("{:?}", drive_balancer(method.as_mut(), HALF..2 * HALF)), "{name}");
    }
    for (name, _) in AggregatorConfig::ALL {
        let mut method = AggregatorConfig::by_name(name).unwrap().build(&tasks()).unwrap();
        drive_aggregator(method.as_mut(), 0..HALF);
        let state = method.state();
        if state.is_empty() {
            continue;
        }
        stateful += 1;
        let found = continue_elsewhere("aggregator", name, &state);
        assert_eq!(found, format!("{:?}", drive_aggregator(method.as_mut(), HALF..2 * HALF)), "{name}");
    }
    assert!(stateful >= 18, "only {stateful} methods have a state");
}

/// A metric of classes that is a share.
fn share() -> MetricSpec {
    let facts = MetricFacts::maximize("a share", &[Class::NAME]).between(0.0, 1.0);
    MetricSpec::new(MetricName::new("accuracy").unwrap(), facts)
}
