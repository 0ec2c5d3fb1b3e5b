//! Classes that are numbers stand in the order of their values, however they are written.

use mtl_core::answer::Answer;
use mtl_data::DatasetConfig;

use crate::run::Place;

/// The classes of a label column that holds these texts, in turn.
pub(crate) fn classes(texts: &[&str]) -> Vec<String> {
    let place = Place::new();
    let rows: String = (0..120).map(|row| format!("{row},{}\n", texts[row % texts.len()])).collect();
    place.write("train.csv", format!("points,grade\n{rows}"));
    let text = format!(
        "kind = \"csv\"\ndir = {:?}\ntrain = \"train.csv\"\n[schema]\ncolumns = [{{ name = \"points\", kind = \"numeric\" }}, \
         {{ name = \"grade\", kind = \"label\", label = \"class\" }}]",
        place.path().display().to_string()
    );
    let config: DatasetConfig = toml::from_str(&text).unwrap();
    match config.load().unwrap().info.tasks.remove(0).answer {
        Answer::Class(answer) => answer.classes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whole_and_decimal_grades_have_one_order() {
    let whole: Vec<String> = (1..=12).map(|grade| grade.to_string()).collect();
    let decimal: Vec<String> = (1..=12).map(|grade| format!("{grade}.0")).collect();
    let shuffled = |texts: &[String]| {
        let mut texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        texts.sort_unstable();
        classes(&texts)
    };
    assert_eq!(shuffled(&whole), whole);
    assert_eq!(shuffled(&decimal), decimal);
}

#[test]
fn so_have_halves_signs_and_exponents() {
    assert_eq!(classes(&["10", "9.5", "9", "10.5"]), ["9", "9.5", "10", "10.5"]);
    assert_eq!(classes(&["2", "-1", "0", "-10"]), ["-10", "-1", "0", "2"]);
    assert_eq!(classes(&["1e3", "5", "2e1"]), ["5", "2e1", "1e3"]);
    // One text that is none makes all of them texts.
    assert_eq!(classes(&["10", "9", "x"]), ["10", "9", "x"]);
}
