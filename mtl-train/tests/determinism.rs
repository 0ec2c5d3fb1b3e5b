//! Same seed, same threads: the same bits after 100 steps. Another seed: others.
//!
//! A test binary of its own, because libtorch's generator belongs to the process.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use std::path::Path;

use mtl_train::{
    config::RunConfig,
    run::session::Session,
    train::trainer::{Flow, Observer, StepSummary},
};

struct First100(u64);

impl Observer for First100 {
    fn step(&mut self, step: &StepSummary<'_>) {
        self.0 = step.step + 1;
    }
    fn flow(&self) -> Flow {
        if self.0 >= 100 { Flow::Stop } else { Flow::Continue }
    }
}

fn weights(seed: u64, workers: usize, sharing: &str, balancer: &str) -> Vec<u8> {
    let text = format!(
        r#"
        data = {{ kind = "synthetic-mmoe", train = 8000, targets = "binary" }}
        encoder = {{ kind = "tabular", token_width = 4, hidden = [{}], dropout = 0.2 }}
        sharing = {{ kind = "{sharing}" }}
        balancer = {{ kind = "{balancer}" }}
        train = {{ seed = {seed}, batch_size = 64, epochs = 2, workers = {workers} }}
        device = {{ threads = 2 }}
        "#,
        if sharing == "hard" { "16" } else { "" }
    );
    let config = RunConfig::parse(&text, Path::new("test.toml")).unwrap();
    let mut session = Session::new(&config, &config.data.load().unwrap()).unwrap();
    let mut observer = First100(0);
    session.trainer.fit(&session.train, &session.validation, &mut observer, None).unwrap();
    assert_eq!(session.trainer.step(), 100);
    session.trainer.model().params().to_safetensors().unwrap()
}

#[test]
fn a_run_is_a_function_of_its_settings() {
    for (sharing, balancer) in [("hard", "upgrad"), ("task-query", "uncertainty")] {
        let first = weights(1, 1, sharing, balancer);
        assert!(first == weights(1, 1, sharing, balancer), "{sharing}, {balancer}");
        assert!(first == weights(1, 0, sharing, balancer), "workers change nothing");
        assert!(first == weights(1, 3, sharing, balancer), "workers change nothing");
        assert!(first != weights(2, 1, sharing, balancer), "the seed does");
    }
}
