//! A last batch of one sample under batch normalization: it is joined to the batch before it, and said so; where no batch can have
//! two samples, the run is refused before its first step.

use crate::run::Place;

/// An idx file of pictures, 8 x 8 (or wider), and one of labels 0, 1, 2, 0, ..
fn pictures(place: &Place, name: &str, n: usize, side: usize) {
    let mut images = vec![0, 0, 8, 3];
    for size in [n, side, side] {
        images.extend(u32::try_from(size).unwrap().to_be_bytes());
    }
    images.extend((0..n * side * side).map(|i| u8::try_from((i * 7919) % 251).unwrap()));
    place.write(&format!("images{name}"), images);
    let mut labels = vec![0, 0, 8, 1];
    labels.extend(u32::try_from(n).unwrap().to_be_bytes());
    labels.extend((0..n).map(|i| u8::try_from(i % 3).unwrap()));
    place.write(&format!("labels{name}"), labels);
}

fn place(n: usize, side: usize, batch_size: usize, extra: &str) -> Place {
    let place = Place::new();
    pictures(&place, "9", n, side);
    pictures(&place, "6", 6, side);
    place.write(
        "run.toml",
        format!(
            r#"
[data]
kind = "idx"
train = {{ images = "images9", labels = ["labels9"] }}
validation = {{ images = "images6", labels = ["labels6"] }}
test = {{ images = "images6", labels = ["labels6"] }}
tasks = [{{ name = "shape", classes = 3 }}]
[encoder]
kind = "resnet18"
width = 4
[device]
threads = 1
[train]
epochs = 2
batch_size = {batch_size}
{extra}
"#
        ),
    );
    place
}

fn steps(place: &Place) -> usize {
    let log = place.read("run/log.jsonl");
    assert!(!log.contains("NaN"), "{log}");
    log.lines().filter(|l| l.contains("\"type\":\"step\"")).count()
}

const SAID: &str = "the last batch of an epoch has 5 samples";

#[test]
fn a_single_one_left_over_is_joined_and_said_so() {
    let place = place(9, 8, 4, "");
    let ran = place.done(&["train", "run.toml", "--run-dir", "run", "--log-every", "1"]);
    assert_eq!(ran.err.matches(SAID).count(), 1, "{}", ran.err);
    assert!(ran.err.contains("batch_size"), "{}", ran.err);
    assert_eq!(steps(&place), 4, "two epochs of batches of 4 and 5");
    let dry = place.done(&["train", "run.toml", "--dry-run"]).out;
    assert!(dry.contains(SAID), "{dry}");
}

#[test]
fn micro_batches_too() {
    let place = place(9, 8, 4, "accumulate = 2");
    let ran = place.done(&["train", "run.toml", "--run-dir", "run", "--log-every", "1"]);
    assert!(ran.err.contains(SAID), "{}", ran.err);
    assert_eq!(steps(&place), 2);
}

#[test]
fn a_single_training_sample_is_refused_before_the_first_step() {
    for (n, batch_size, says) in [
        (1, 4, "at least 2 samples, as the network cannot train on fewer at once, found 1"),
        (9, 1, "batch_size must be >= 2"),
    ] {
        let place = place(n, 8, batch_size, "");
        for flag in [&["--run-dir", "run"][..], &["--dry-run"]] {
            let complaint = place.refused(&[&["train", "run.toml"], flag].concat());
            assert!(complaint.contains(says), "{complaint}");
        }
        assert!(!place.path().join("run").exists());
    }
}

#[test]
fn larger_maps_and_networks_without_batch_normalization_keep_their_batch_of_one() {
    // 32 x 32 leaves maps of 4 x 4 at the end: one picture has a deviation.
    let place = place(9, 32, 4, "");
    let ran = place.done(&["train", "run.toml", "--run-dir", "run", "--log-every", "1"]);
    assert!(!ran.err.contains("the last batch"), "{}", ran.err);
    assert_eq!(steps(&place), 6, "two epochs of 4, 4 and 1");
}

#[test]
fn a_run_interrupted_between_joined_batches_goes_on_alike() {
    let straight = place(9, 8, 4, "schedule = { kind = \"constant\" }");
    straight.done(&["train", "run.toml", "--run-dir", "run", "--log-every", "1", "--set", "train.epochs=3"]);
    let resumed = place(9, 8, 4, "schedule = { kind = \"constant\" }");
    resumed.done(&["train", "run.toml", "--run-dir", "run", "--log-every", "1"]);
    resumed.done(&["train", "run", "--resume", "--log-every", "1", "--set", "train.epochs=3"]);
    let losses = |place: &Place| -> Vec<String> {
        let log = place.read("run/log.jsonl");
        let lines = log.lines().filter(|l| l.contains("\"type\":\"step\""));
        lines.map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["losses"].to_string()).collect()
    };
    assert_eq!(losses(&straight), losses(&resumed));
}
