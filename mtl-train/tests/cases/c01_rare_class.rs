//! A class that the cut puts outside the training part is a class all the same: the classes are those of the whole file.

use mtl_core::answer::Answer;
use mtl_data::DatasetConfig;

use crate::run::{Place, csv_config};

const GIRTH: &str = r#"{ name = "girth", kind = "numeric" }"#;
const TREE: &str = r#"{ name = "tree", kind = "label", label = "class" }"#;
const ALIVE: &str = r#"{ name = "alive", kind = "label", label = { binary = { positive = "yes" } } }"#;

/// `n` rows, of which `rare` alone has the third text.
fn rows(n: usize, rare: usize, column: &str, texts: [&str; 3]) -> String {
    let row = |at: usize| format!("{}.{},{}\n", at % 9, at % 7, if at == rare { texts[2] } else { texts[at % 2] });
    format!("girth,{column}\n{}", (0..n).map(row).collect::<String>())
}

fn data(place: &Place) -> DatasetConfig {
    let text = format!(
        "kind = \"csv\"\ndir = {:?}\ntrain = \"train.csv\"\n[schema]\ncolumns = [{GIRTH}, {TREE}]",
        place.path().display().to_string()
    );
    toml::from_str(&text).unwrap()
}

#[test]
fn classes_are_those_of_the_file_wherever_the_cut_puts_them() {
    let place = Place::new();
    let mut outside = 0;
    for rare in 0..60 {
        place.write("train.csv", rows(60, rare, "tree", ["alder", "birch", "cedar"]));
        let splits = data(&place).load().unwrap();
        assert_eq!(splits.info.tasks[0].answer, Answer::class(["alder", "birch", "cedar"]), "{rare}");
        let train = splits.train.batch(&(0..splits.train.len()).collect::<Vec<_>>()).unwrap();
        outside += usize::from(!train.ids.contains(&(rare as u64)));
    }
    assert_eq!(outside, 11, "a tenth of 60 rows is cut off to test, a tenth of the other 54 to validate");
}

#[test]
fn a_run_goes_on_and_the_doctor_says_so() {
    let place = Place::new();
    place.write("run.toml", csv_config(&[GIRTH, TREE]));
    let outside = (0..60)
        .find(|&rare| {
            place.write("train.csv", rows(60, rare, "tree", ["alder", "birch", "cedar"]));
            let splits = data(&place).load().unwrap();
            let test = splits.test.batch(&(0..splits.test.len()).collect::<Vec<_>>()).unwrap();
            test.ids.contains(&(rare as u64))
        })
        .unwrap();
    place.write("train.csv", rows(60, outside, "tree", ["alder", "birch", "cedar"]));
    place.done(&["train", "run.toml", "--run-dir", "run"]);
    let doctor = place.done(&["doctor", "run.toml"]).out;
    assert!(doctor.contains("\"cedar\" never occurs in training, but in test"), "{doctor}");
    let data = place.done(&["data", "run.toml"]).out;
    assert!(data.contains("cedar"), "{data}");
}

#[test]
fn three_rows_are_cut_as_sixty_are() {
    let place = Place::new();
    place.write("train.csv", "girth,tree\n0,p\n1,q\n2,p\n");
    let splits = data(&place).load().unwrap();
    assert_eq!(splits.info.tasks[0].answer, Answer::class(["p", "q"]));
    place.write("run.toml", csv_config(&[GIRTH, TREE]));
    let ran = place.mtl(&["doctor", "run.toml"]);
    assert!(!ran.out.contains("unknown") && !ran.err.contains("unknown"), "{ran:?}");
}

#[test]
fn a_label_that_only_another_file_has_is_refused_with_the_way_out() {
    let place = Place::new();
    place.write("train.csv", rows(40, 3, "tree", ["alder", "birch", "cedar"]));
    place.write("test.csv", "girth,tree\n1,alder\n2,yew\n");
    let config =
        csv_config(&[GIRTH, TREE]).replace("train = \"train.csv\"", "train = \"train.csv\"\ntest = \"test.csv\"");
    place.write("run.toml", &config);
    let e = place.refused(&["train", "run.toml", "--run-dir", "run"]);
    for part in
        ["test.csv:3", "task tree", "\"yew\"", "label = { classes = [\"alder\", \"birch\", \"cedar\", \"yew\"] }"]
    {
        assert!(e.contains(part), "{part:?} is missing in {e}");
    }
    let doctor = place.mtl(&["doctor", "run.toml"]);
    assert_eq!(doctor.code, 2);
    assert!(doctor.out.contains("yew") && doctor.out.contains("samples"), "{doctor:?}");
    // The way out is one.
    let named = config.replace("label = \"class\"", r#"label = { classes = ["alder", "birch", "cedar", "yew"] }"#);
    place.write("run.toml", named);
    place.done(&["train", "run.toml", "--run-dir", "run"]);
}

#[test]
fn a_rare_third_text_is_no_wherever_it_stands_and_is_said() {
    let place = Place::new();
    place.write("run.toml", csv_config(&[GIRTH, ALIVE]));
    for rare in [0, 5, 17, 31] {
        place.write("train.csv", rows(60, rare, "alive", ["no", "yes", "maybe"]));
        let ran = place.done(&["train", "run.toml", "--dry-run"]);
        assert!(ran.err.contains(r#"3 texts for two answers: "yes" count as yes"#), "{ran:?}");
    }
}
