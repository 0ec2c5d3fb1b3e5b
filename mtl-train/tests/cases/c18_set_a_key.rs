//! Any key can be set from the command line: a table that the file leaves out starts as the default one, a task that only
//! the data names can be set, and a refusal says what else to set.

use crate::run::Place;

fn place() -> Place {
    let rows: String = (0..100).map(|i| format!("{},{},{}\n", i % 13, 2 * (i % 13), ["no", "yes"][i % 2])).collect();
    let place = Place::new();
    place.write("train.csv", format!("x,y,z\n{rows}"));
    let columns = [
        r#"{ name = "x", kind = "numeric" }"#,
        r#"{ name = "y", kind = "label", label = "value" }"#,
        r#"{ name = "z", kind = "label", label = "class" }"#,
    ];
    let config = crate::run::csv_config(&columns) + "[log]\nevery = 1\n";
    place.write("c.toml", config.replace("epochs = 1\n", "epochs = 1\nselection = \"1.0*z.accuracy\"\n"));
    // No section but the data's: everything is a default.
    place.write("bare.toml", config.split("[encoder]").next().unwrap());
    place
}

/// What a run with the flags writes down as its configuration.
fn resolved(place: &Place, file: &str, sets: &[&str]) -> toml::Table {
    let mut args = vec!["train", file, "--run-dir"];
    let folder = format!("run-{}", sets.join(",").replace(['"', ' ', '/', '{', '}', '[', ']'], ""));
    args.push(&folder);
    sets.iter().for_each(|set| args.extend(["--set", *set]));
    place.done(&args);
    toml::from_str(&place.read(&format!("{folder}/config.toml"))).unwrap()
}

fn refused(place: &Place, set: &str) -> String {
    place.refused(&["train", "c.toml", "--dry-run", "--set", set])
}

#[test]
fn tables_that_the_file_leaves_out_start_as_the_default_one() {
    let place = place();
    let run = resolved(
        &place,
        "c.toml",
        &["train.optimizer.lr=0.01", "train.schedule.warmup_steps=3", "balancer.reduction=mean", "task.y.primary=mae"],
    );
    let train = &run["train"];
    assert_eq!((train["optimizer"]["kind"].as_str(), train["optimizer"]["lr"].as_float()), (Some("adamw"), Some(0.01)));
    assert_eq!(train["schedule"]["kind"].as_str(), Some("cosine"));
    assert_eq!(train["schedule"]["warmup_steps"].as_integer(), Some(3));
    assert_eq!(run["balancer"]["kind"].as_str(), Some("equal"));
    assert_eq!(run["balancer"]["reduction"].as_str(), Some("mean"));
    let tasks = run["task"].as_array().unwrap();
    assert_eq!(tasks.len(), 2, "the other task is learned as before");
    assert_eq!((tasks[0]["name"].as_str(), tasks[0]["primary"].as_str()), (Some("y"), Some("mae")));
}

/// What a default depends on is known: the encoder follows the data, a head its labels.
#[test]
fn a_default_that_depends_on_the_data_is_the_right_one() {
    let place = place();
    let small = ["train.epochs=1", "train.selection=1.0*z.accuracy", "device.threads=1"];
    let sets = ["encoder.hidden=[8]", "task.z.head.hidden=[4]", "sharing.kind=mmoe", "sharing.experts=2"];
    let run = resolved(&place, "bare.toml", &[&small[..], &sets[..]].concat());
    assert_eq!((run["encoder"]["kind"].as_str(), run["encoder"]["hidden"][0].as_integer()), (Some("tabular"), Some(8)));
    assert_eq!(run["task"][1]["head"]["kind"].as_str(), Some("class"));
    assert_eq!((run["sharing"]["kind"].as_str(), run["sharing"]["experts"].as_integer()), (Some("mmoe"), Some(2)));
}

/// Any list of named items goes by name, and every verb that reads a configuration takes the flag.
#[test]
fn items_go_by_name_and_every_verb_takes_the_flag() {
    let place = place();
    let more = place.done(&["data", "c.toml", "--set", "data.schema.columns.y.kind=ignore", "--set", "data.seed=3"]);
    assert!(!more.out.contains("│ y") && more.out.contains('z'), "{}", more.out);
    assert!(more.err.contains("data.schema.columns[1].label belongs to the kind that --set replaced"), "{}", more.err);
    let sets = ["--set", "compare.seeds=1", "--set", "compare.baselines=false", "--set", "train.optimizer.lr=0.02"];
    let ran = place.done(&[&["compare", "c.toml", "--dir", "grid"][..], &sets[..]].concat());
    assert!(ran.err.contains("[1/1] hard + equal, seed 0: epoch 1 of 1, "), "{}", ran.err);
    let sets = ["--set", "cv_weights.folds=2", "--set", "cv_weights.candidates.steps=2", "--set", "train.seed=5"];
    let ran = place.done(&[&["compare", "c.toml", "--cv-weights", "--dir", "weights"][..], &sets[..]].concat());
    assert!(ran.err.contains("fold 2/2"), "{}", ran.err);
}

#[test]
fn refusals_say_what_else_to_set() {
    let place = place();
    let e = refused(&place, "balancer.c=0.5");
    assert!(e.starts_with("error: --set balancer.c=0.5: [balancer] key \"c\" is unknown of \"equal\""), "{e}");
    assert!(e.contains("\"cagrad\"") && e.contains("set balancer.kind"), "{e}");
    let e = refused(&place, "task.w.primary=mae");
    assert_eq!(
        e,
        "error: --set task.w.primary=mae: the file has no [[task]] named w, nor has its data; known tasks are y, z"
    );
    let e = refused(&place, "data.schema.columns.w.kind=ignore");
    assert!(e.contains("the file has no [[data.schema.columns]] named w"), "{e}");
    let e = refused(&place, "train.lr=0.1");
    assert!(e.contains("write lr = 0.1 in [train.optimizer]"), "{e}");
    assert!([e].iter().all(|e| e.lines().count() == 1));
}
