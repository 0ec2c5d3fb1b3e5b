//! An encoder for each input, from a configuration: the texts and the numbers of a table, and two pictures in a sample.

use crate::run::{Place, csv_config};

const COLUMNS: [&str; 4] = [
    r#"{ name = "shop", kind = "categorical" }"#,
    r#"{ name = "price", kind = "numeric" }"#,
    r#"{ name = "sold", kind = "label", label = { binary = { positive = "yes" } } }"#,
    r#"{ name = "stars", kind = "label", label = "value" }"#,
];

/// Both tasks need both inputs.
fn table() -> Place {
    let place = Place::new();
    let row = |i: u32| {
        let (shop, price) = (i % 4, f64::from(i * 37 % 100) / 10.0);
        let sold = if f64::from(shop) * 3.0 > price { "yes" } else { "no" };
        format!("s{shop},{price},{sold},{}\n", f64::from(shop) - price / 5.0)
    };
    place.write("train.csv", format!("shop,price,sold,stars\n{}", (0..400).map(row).collect::<String>()));
    place
}

fn metric(place: &Place, task: usize) -> f64 {
    let metrics: serde_json::Value = serde_json::from_str(&place.read("run/metrics.json")).unwrap();
    metrics["test"]["tasks"][task]["metrics"][0]["outcome"]["value"].as_f64().unwrap()
}

#[test]
fn the_two_inputs_of_a_table_have_an_encoder_each() {
    for (combine, least) in [("concatenation", 0.9), ("gated", 0.9)] {
        let place = table();
        let config = csv_config(&COLUMNS).replace("hidden = [4]", "hidden = [16]").replace("epochs = 1", "epochs = 12");
        let sharing = format!(
            "[sharing]\nkind = \"fusion\"\ncombine = \"{combine}\"\nwidth = 16\nparts = [{{ inputs = [\"categorical\"] }}, {{ inputs \
             = [\"numeric\"], encoder = {{ kind = \"mlp\", hidden = [16] }} }}]\n"
        );
        place.write("c.toml", config + &sharing);
        let shown = place.done(&["train", "c.toml", "--dry-run"]).out;
        assert!(shown.contains("sharing."), "{shown}");
        place.done(&["train", "c.toml", "--run-dir", "run", "--set", "train.optimizer.lr=0.02"]);
        place.done(&["train", "run", "--resume", "--set", "train.epochs=14"]);
        assert!(metric(&place, 0) > least, "{combine}: {}", metric(&place, 0));
        for verb in ["eval", "report", "explain"] {
            place.done(&[verb, "run"]);
        }
        place.done(&["export", "run", "--to", "model"]);
        place.write("new.csv", "price,shop\n1.5,s3\n9.5,s0\n");
        let answers = ["run", "model", "model/model.pt"].map(|m| place.done(&["predict", m, "--input", "new.csv"]).out);
        let yes = |answers: &str| -> Vec<f64> {
            answers.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse().unwrap()).collect()
        };
        for answers in &answers {
            assert!(yes(answers)[0] > 0.5 && yes(answers)[1] < 0.5, "{combine}: {answers}");
        }
    }
}

#[test]
fn a_part_that_names_no_input_is_refused_with_those_there_are() {
    let place = table();
    let sharing =
        "[sharing]\nkind = \"fusion\"\nparts = [{ inputs = [\"categorical\"] }, { inputs = [\"numbers\"] }]\n";
    place.write("c.toml", csv_config(&COLUMNS) + sharing);
    let e = place.refused(&["train", "c.toml", "--dry-run"]);
    assert!(e.contains(r#"unknown input "numbers", known are categorical, numeric"#), "{e}");
}

const SIDE: usize = 6;

fn idx(n: usize, pixels: &[u8]) -> Vec<u8> {
    let side = u8::try_from(SIDE).unwrap();
    let n = u32::try_from(n).unwrap().to_be_bytes();
    [&[0, 0, 8, 3], &n[..], &[0, 0, 0, side, 0, 0, 0, side], pixels].concat()
}

/// How bright the pictures of a sample are.
fn light(i: usize) -> (u8, u8) {
    (u8::try_from(i * 53 % 200).unwrap(), u8::try_from(i * 91 % 190 + 5).unwrap())
}

fn pictures(light: impl Iterator<Item = u8>) -> Vec<u8> {
    light.flat_map(|light| (0..SIDE * SIDE).map(move |at| light + u8::try_from(at % 7).unwrap())).collect()
}

#[test]
fn two_pictures_in_a_sample_go_through_the_whole_program() {
    let place = Place::new();
    let n = 300;
    place.write("left.idx", idx(n, &pictures((0..n).map(|i| light(i).0))));
    place.write("right.idx", idx(n, &pictures((0..n).map(|i| light(i).1))));
    let bytes = u32::try_from(n).unwrap().to_be_bytes();
    let labels: Vec<u8> = (0..n).map(|i| u8::from(light(i).0 > light(i).1)).collect();
    place.write("brighter.idx", [&[0, 0, 8, 1], &bytes[..], &labels].concat());
    let config = "[data]\nkind = \"idx\"\nstandardize = true\ntasks = [{ name = \"brighter\", classes = 2, names = [\"right\", \"left\"] }]\n\
         train = { images = { left = \"left.idx\", right = \"right.idx\" }, labels = [\"brighter.idx\"] }\n\
         [encoder]\nkind = \"conv\"\nchannels = [4, 8]\n[sharing]\nkind = \"fusion\"\nwidth = 16\n[train]\nepochs = 12\n\
         batch_size = 32\n[device]\nthreads = 1\n";
    place.write("c.toml", config);
    place.done(&["doctor", "c.toml"]);
    place.done(&["train", "c.toml", "--run-dir", "run", "--set", "train.optimizer.lr=0.01"]);
    place.done(&["train", "run", "--resume", "--set", "train.epochs=13"]);
    assert!(metric(&place, 0) > 0.9, "{}", metric(&place, 0));
    for verb in ["eval", "report", "explain"] {
        place.done(&[verb, "run"]);
    }
    place.done(&["export", "run", "--to", "model"]);
    place.write("new/left.idx", idx(3, &pictures([10, 180, 90].into_iter())));
    place.write("new/right.idx", idx(3, &pictures([150, 20, 10].into_iter())));
    for model in ["run", "model", "model/model.pt"] {
        let answers = place.done(&["predict", model, "--input", "new"]).out;
        let said: Vec<&str> = answers.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
        assert_eq!(said, ["right", "left", "left"], "{model}: {answers}");
    }
    let e = place.refused(&["predict", "run", "--input", "new/left.idx"]);
    assert!(e.contains("a folder with an idx file for each input: left of 1 x 6 x 6 bytes a picture, right of"), "{e}");
    // A file of the run that is another now is known by its input.
    place.write("right.idx", idx(n, &pictures((0..n).map(|i| light(i).0))));
    let e = place.refused(&["eval", "run"]);
    assert!(e.contains("right.idx: content changed"), "{e}");
    // An encoder of one picture alone says so.
    place.write("c.toml", config.replace("kind = \"fusion\"\nwidth = 16", "kind = \"hard\""));
    let e = place.refused(&["train", "c.toml", "--dry-run"]);
    assert!(e.contains("conv encoder: inputs must be one picture, found 2: left"), "{e}");
}
