//! Every schedule against `torch.optim.lr_scheduler` (`tests/golden/make_optim_golden.py`).

use mtl_core::metric::Direction;
use mtl_train::train::schedule::{Schedule, ScheduleConfig};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    curves: Vec<Curve>,
    plateaus: Vec<Plateau>,
}

#[derive(Deserialize)]
struct Curve {
    config: ScheduleConfig,
    total: u64,
    factors: Vec<f64>,
}

#[derive(Deserialize)]
struct Plateau {
    config: ScheduleConfig,
    maximize: bool,
    scores: Vec<f64>,
    factors: Vec<f64>,
}

#[test]
fn curves_and_plateaus_are_those_of_torch() {
    let golden: Golden = serde_json::from_str(include_str!("../golden/schedules.json")).unwrap();
    for Curve { config, total, factors } in &golden.curves {
        config.validate().unwrap();
        for (step, expected) in (0u64..).zip(factors) {
            let found = config.factor(step, *total);
            assert!((found - expected).abs() < 1e-12, "{config:?} at {step}: {found} and {expected}");
        }
    }
    let mut drops = 0;
    for case in &golden.plateaus {
        let direction = if case.maximize { Direction::Maximize } else { Direction::Minimize };
        let mut schedule = Schedule::new(case.config.clone()).unwrap();
        for (epoch, (score, expected)) in case.scores.iter().zip(&case.factors).enumerate() {
            let before = schedule.factor(0, 1);
            schedule.hear(Some(*score), direction);
            let found = schedule.factor(0, 1);
            drops += usize::from(found < before);
            assert!((found - expected).abs() < 1e-12, "{:?} in epoch {epoch}: {found} and {expected}", case.config);
        }
    }
    assert!(drops > 20, "{drops} drops test little");
    let covered = golden.curves.iter().map(|c| &c.config).chain(golden.plateaus.iter().map(|p| &p.config));
    let covered: Vec<&str> = covered.map(ScheduleConfig::name).collect();
    for (name, _) in ScheduleConfig::ALL {
        assert!(covered.contains(name), "{name} has no golden values");
    }
}
