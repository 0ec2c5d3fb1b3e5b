//! Every balancer of the registry obeys the public laws, and what it claims of itself.
//!
//! A method states in [`claims`] which properties it has; one that is missing there fails the test.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use mtl_core::{
    Result,
    answer::Class,
    balance::{Balancer, BalancerConfig},
    laws::balancer::{self, Claims},
    metric::{MetricFacts, MetricName, MetricSpec},
    task::{Task, TaskSet},
};

fn claims(name: &str) -> Option<Claims> {
    Some(match name {
        "equal" => Claims { sum: Some((1.0, 1)), linear: true, ..Claims::USUAL },
        "modo" | "sdmgrad" => Claims { sum: Some((1.0, 0)), stateless: false, ..Claims::USUAL },
        // Adam's epsilon gives the weights' learning a scale.
        "auto-lambda" | "moml" => Claims { stateless: false, degree: None, ..Claims::USUAL },
        "forum" => Claims { stateless: false, degree: None, fair: false, ..Claims::USUAL },
        "fixed" => Claims { sum: Some((1.0, 1)), linear: true, ..Claims::USUAL },
        "uncertainty" => Claims { stateless: false, linear: false, ..Claims::USUAL },
        "pcgrad" => Claims { permutation: false, ..Claims::USUAL },
        "mgda" => Claims { sum: Some((1.0, 0)), non_conflicting: true, ..Claims::USUAL },
        "upgrad" => Claims { non_conflicting: true, linear: true, ..Claims::USUAL },
        "rlw" => Claims { sum: Some((1.0, 0)), permutation: false, fair: false, ..Claims::USUAL },
        "log" | "gls" => Claims::USUAL,
        "pbi" | "cosmos" => Claims { non_negative: false, ..Claims::USUAL },
        "stch" => Claims::USUAL,
        "loss-norm" | "imtl-l" | "lbtw" | "dtp" | "go4align" => Claims { stateless: false, ..Claims::USUAL },
        "dwa" => Claims { sum: Some((1.0, 1)), stateless: false, ..Claims::USUAL },
        "famo" => Claims { sum: Some((1.0, 0)), stateless: false, ..Claims::USUAL },
        "ldc-mtl" => Claims { permutation: false, stateless: false, ..Claims::USUAL },
        "dualproj" => Claims { non_conflicting: true, ..Claims::USUAL },
        "cagrad" => Claims::USUAL,
        "imtl-g" => Claims { non_negative: false, ..Claims::USUAL },
        "nash-mtl" => Claims { non_conflicting: true, degree: Some(-1), ..Claims::USUAL },
        "fairgrad" => Claims { non_conflicting: true, degree: Some(-1), ..Claims::USUAL },
        "aligned-mtl" => Claims { non_negative: false, ..Claims::USUAL },
        "config" => Claims { non_negative: false, linear: true, ..Claims::USUAL },
        "gradvac" => Claims { permutation: false, stateless: false, ..Claims::USUAL },
        "gradnorm" => Claims { stateless: false, ..Claims::USUAL },
        "mgda-ub" => Claims { sum: Some((1.0, 0)), non_conflicting: true, ..Claims::USUAL },
        "gradops" => Claims { non_negative: false, non_conflicting: true, linear: true, ..Claims::USUAL },
        "metabalance" => Claims { permutation: false, stateless: false, ..Claims::USUAL },
        "krum" => Claims { sum: Some((1.0, 0)), permutation: false, fair: false, ..Claims::USUAL },
        "son-goku" => Claims { permutation: false, stateless: false, ..Claims::USUAL },
        "cr-mogm" => Claims { stateless: false, ..Claims::USUAL },
        "per-block" => Claims { permutation: false, stateless: false, ..Claims::USUAL },
        "pipeline" => Claims { sum: Some((1.0, 1)), linear: true, ..Claims::USUAL },
        _ => return None,
    })
}

fn tasks(m: usize) -> TaskSet {
    TaskSet::new((0..m.max(1)).map(|i| Task::new(&format!("t{i}")).unwrap().judged_by(share())).collect()).unwrap()
}

/// The method of that name with default settings; those without defaults get equal ones.
fn make(name: &str, m: usize) -> Result<Box<dyn Balancer>> {
    let mut config = BalancerConfig::by_name(name).unwrap();
    if let BalancerConfig::Fixed(fixed) = &mut config {
        fixed.weights = vec![1.0; m.max(1)];
    }
    config.build(&tasks(m))
}

#[test]
fn every_method_obeys_the_laws_and_keeps_its_claims() {
    let mut broken = Vec::new();
    for (name, about) in BalancerConfig::ALL {
        let claims = claims(name).unwrap_or_else(|| panic!("{name} has no entry in `claims`"));
        assert!(!about.is_empty());
        assert_eq!(make(name, 3).unwrap().name(), *name);
        broken.extend(balancer::check(claims, &|m| make(name, m)).err().map(|laws| format!("{name}: {laws}")));
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn configurations_round_trip_and_refuse_unknown_fields() {
    for (name, _) in BalancerConfig::ALL {
        let config = BalancerConfig::by_name(name).unwrap();
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<BalancerConfig>(&text).unwrap(), config, "{text}");
        let typo = format!(r#"{{"kind":"{name}","no_such_setting":1}}"#);
        assert!(serde_json::from_str::<BalancerConfig>(&typo).is_err(), "{name} takes unknown fields");
    }
}

/// A metric of classes that is a share.
fn share() -> MetricSpec {
    let facts = MetricFacts::maximize("a share", &[Class::NAME]).between(0.0, 1.0);
    MetricSpec::new(MetricName::new("accuracy").unwrap(), facts)
}
