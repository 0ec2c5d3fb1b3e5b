//! A task that is solved after a few steps: its loss becomes exactly 0, and the other goes on.

use crate::run::Place;

/// `side` is the sign of an input of size 500, `amount` follows the other input.
fn place(extra: &str) -> Place {
    let place = Place::new();
    let rows: Vec<String> = (0..200)
        .map(|i| {
            let (size, z) = (400.0 + f64::from(i * 53 % 151), f64::from(i * 71 % 199) / 99.5 - 1.0);
            let (x, side) = if i % 2 == 0 { (-size, "no") } else { (size, "yes") };
            format!("{x:.1},{z:.3},{side},{:.3},{}", 0.6 * z + 0.05, if z > 0.0 { "warm" } else { "cold" })
        })
        .collect();
    place.write("train.csv", format!("x,z,side,amount,air\n{}\n", rows.join("\n")));
    place.write(
        "run.toml",
        format!(
            r#"
[data]
kind = "csv"
train = "train.csv"
[data.schema]
missing = [""]
columns = [
    {{ name = "x", kind = "numeric", transform = "none" }},
    {{ name = "z", kind = "numeric" }},
    {{ name = "side", kind = "label", label = {{ binary = {{ positive = "yes" }} }} }},
    {{ name = "amount", kind = "label", label = "value" }},
    {{ name = "air", kind = "label", label = "class" }},
]
[encoder]
kind = "tabular"
token_width = 4
hidden = [16]
[device]
threads = 1
[train]
epochs = 40
batch_size = 16
selection = "side.auroc"
optimizer = {{ kind = "adamw", lr = 1e-2 }}
{extra}
"#
        ),
    );
    place
}

const TWO: &str = "[[task]]\nname = \"side\"\n[[task]]\nname = \"amount\"\n";

/// The losses of every step, in task order, and whether a task was dropped as solved.
fn steps(place: &Place, run: &str) -> Vec<(Vec<f64>, bool)> {
    let lines = place.read(&format!("{run}/log.jsonl"));
    let lines = lines.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
    lines
        .filter(|l| l["type"] == "step")
        .map(|l| {
            let losses = l["losses"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
            (losses, l["dropped"].to_string().contains("Solved"))
        })
        .collect()
}

fn mean(of: &[(Vec<f64>, bool)], task: usize) -> f64 {
    of.iter().map(|(losses, _)| losses[task]).sum::<f64>() / of.len() as f64
}

#[test]
fn the_other_task_goes_on_under_methods_of_logarithms() {
    for balancer in ["log", "gls"] {
        let place = place(TWO);
        place.done(&[
            "train",
            "run.toml",
            "--run-dir",
            "run",
            "--set",
            &format!("balancer.kind={balancer}"),
            "--log-every",
            "1",
        ]);
        let steps = steps(&place, "run");
        assert!(steps.iter().any(|(losses, solved)| losses[0] == 0.0 && *solved), "{balancer}: side is solved");
        let (first, last) = (mean(&steps[..10], 1), mean(&steps[steps.len() - 10..], 1));
        assert!(last < 0.2 * first, "{balancer}: amount goes from {first} to {last}");
    }
}

#[test]
fn so_it_does_under_methods_that_divide_by_losses_or_lengths() {
    for balancer in ["go4align", "lbtw", "famo", "gradnorm", "db-mtl", "mgda", "ldc-mtl"] {
        let place = place(TWO);
        let set = format!("balancer.kind={balancer}");
        place.done(&[
            "train",
            "run.toml",
            "--run-dir",
            "run",
            "--set",
            &set,
            "--set",
            "train.epochs=15",
            "--log-every",
            "1",
        ]);
        let steps = steps(&place, "run");
        let (first, last) = (mean(&steps[..10], 1), mean(&steps[steps.len() - 10..], 1));
        assert!(last < 0.6 * first, "{balancer}: amount goes from {first} to {last}");
    }
}

#[test]
fn two_of_three_solved_and_a_pipeline_around() {
    let three = "[[task]]\nname = \"side\"\n[[task]]\nname = \"amount\"\n[[task]]\nname = \"air\"\n";
    let place = place(three);
    let set = "balancer={ kind = \"pipeline\", normalize = \"loss\" }";
    place.done(&["train", "run.toml", "--run-dir", "run", "--set", set, "--log-every", "1"]);
    let steps = steps(&place, "run");
    let (first, last) = (mean(&steps[..10], 1), mean(&steps[steps.len() - 10..], 1));
    assert!(last < 0.5 * first, "amount goes from {first} to {last}");
}

#[test]
fn micro_batches_and_clipped_tasks_have_solved_ones_too() {
    for (run, set) in [("accumulated", "train.accumulate=3"), ("clipped", "train.clip_task_norm=1.0")] {
        let place = place(TWO);
        place.done(&[
            "train",
            "run.toml",
            "--run-dir",
            run,
            "--set",
            "balancer.kind=log",
            "--set",
            set,
            "--log-every",
            "1",
        ]);
        let steps = steps(&place, run);
        let (first, last) = (mean(&steps[..10], 1), mean(&steps[steps.len() - 10..], 1));
        assert!(last < 0.5 * first, "{run}: amount goes from {first} to {last}");
    }
}
