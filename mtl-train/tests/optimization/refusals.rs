//! What cannot work is refused before the first step, in one line.

use super::run::try_session;

fn says(balancer: &str, train: &str) -> String {
    try_session(balancer, train).map(drop).unwrap_err().to_string()
}

#[test]
fn settings_are_refused_with_their_line() {
    let mut wrong = Vec::new();
    for (train, expected) in [
        ("ema = { decay = 1.5 }", "run.toml:10: train.ema.decay must be in [0, 1), found 1.5"),
        ("ema = { dekay = 0.9 }", "did you mean \"decay\"?"),
        ("clip_task_norm = 0.0", "run.toml:10: train.clip_task_norm must be > 0, found 0.0"),
        ("precision = 'fp8'", "run.toml:10: train.precision: unknown \"fp8\", expected one of \"f32\", \"bf16\""),
        (
            "precision = 'bf16'\nstep_mode = { kind = 'factored' }",
            "run.toml:10: train: precision must be f32 with the factored step mode, which multiplies layer outputs, found bf16",
        ),
        ("schedule = { kind = 'cosin' }", "did you mean \"cosine\"?"),
        ("schedule = { kind = 'one-cycle', pct_start = 1.5 }", "train.schedule.pct_start must be in (0, 1), found 1.5"),
        (
            "dropout_schedule = { kind = 'plateau' }",
            "train: dropout_schedule must be a schedule that does not wait for validation, found plateau",
        ),
        ("optimizer = { kind = 'adagard' }", "did you mean \"adagrad\"?"),
        (
            "groups = [{ role = 'shard' }]",
            "unknown \"shard\", expected one of \"shared\", \"task\", \"gate\", did you mean \"shared\"?",
        ),
        ("groups = [{ role = 'shared', lr = 2 }]", "key \"lr\" is unknown"),
        (
            "groups = [{ lr_factor = 2.0 }]",
            "run.toml:10: parameter group: role must be given, or task, stage or prefix, found none of them",
        ),
        ("groups = [{ role = 'shared', lr_factor = -1.0 }]", "train.groups[0].lr_factor must be >= 0, found -1.0"),
        ("groups = [{ task = 'y3' }]", "unknown task \"y3\", known tasks are y1-high, y2-high"),
        (
            "groups = [{ role = 'gate' }]",
            "groups that each fit a parameter which no earlier one fits, found { role = \"gate\" }",
        ),
    ] {
        let found = says("equal", train);
        if !found.contains(expected) {
            wrong.push(format!("{train}\n  says {found}\n  not  {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn task_clipping_refuses_methods_with_further_looks() {
    let found = says("modo", "clip_task_norm = 1.0");
    assert_eq!(found, "step: balancer must be one without further looks when task gradients are clipped, found modo");
}
