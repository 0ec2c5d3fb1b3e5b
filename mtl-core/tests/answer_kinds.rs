//! Laws over all kinds of answers, ours and kinds from outside that later work brings: each passes through every form that
//! labels take, and comes back from a file as itself.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use mtl_core::{
    Error,
    answer::{
        Answer, AnswerKind, AnswerTag, CellRule, Cells, Constant, Counter, Custom, CustomAnswer, Labels, Layout,
        OrReason, Storage, Written, register, registered,
    },
    batch::{Batch, Inputs, MISSING_CLASS, Target},
    label_stats::LabelStats,
    prediction::{Prediction, Reference},
};
use ndarray::array;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};

/// A kind that says nothing but what its labels look like: boxes, maps, points, lists, times to event.
#[derive(Debug, Clone)]
struct Plain {
    kind: &'static str,
    names: Vec<String>,
    layout: Layout,
}

/// Counts known cells.
#[derive(Default)]
struct Known {
    samples: u64,
    known: u64,
}

impl Counter for Known {
    fn count(&mut self, labels: &Reference) {
        self.samples += labels.batch_size() as u64;
        let Reference::Custom { labels, .. } = labels else { return };
        self.known += match labels.cells() {
            Cells::Index(cells) => cells.iter().filter(|c| **c != MISSING_CLASS).count() as u64,
            Cells::Number(cells) => cells.iter().filter(|c| !c.is_nan()).count() as u64,
        };
    }

    fn skip(&mut self, n: u64) {
        self.samples += n;
    }

    fn finish(self: Box<Self>) -> LabelStats {
        LabelStats::Custom { samples: self.samples, known: self.known, values: json!({ "known": self.known }) }
    }
}

impl AnswerKind for Plain {
    fn kind(&self) -> &'static str {
        self.kind
    }
    fn names(&self) -> &[String] {
        &self.names
    }
    fn layout(&self) -> Layout {
        self.layout.clone()
    }
    fn shape(&self) -> Vec<i64> {
        self.layout.shape(0)[1..].to_vec()
    }
    fn describe(&self) -> String {
        format!("{} {:?}", self.kind, self.layout.item)
    }
    fn summary(&self) -> String {
        self.kind.to_owned()
    }
    fn meaning(&self) -> String {
        self.names.join(", ")
    }
    fn lead(&self) -> &'static str {
        self.kind
    }
    fn least(&self) -> (&'static str, usize) {
        ("names", 1)
    }
    fn counter(&self) -> Box<dyn Counter> {
        Box::new(Known::default())
    }
    fn label_text(&self, truth: &Reference, row: usize) -> String {
        let Reference::Custom { labels, .. } = truth else { return "-".into() };
        format!("{} cells", labels.range(row).len())
    }
    fn columns(&self) -> Vec<Option<String>> {
        vec![None]
    }
    fn write(&self, prediction: &Prediction, row: usize, put: &mut dyn FnMut(Written<'_>)) -> OrReason<()> {
        let Prediction::Custom { kind, values } = prediction else { return Err("no answer of this kind".into()) };
        put(Written::Text(&format!("{kind} of {}", values.range(row).len())));
        Ok(())
    }
    fn json(&self, prediction: &Prediction, row: usize) -> OrReason<Value> {
        let Prediction::Custom { values, .. } = prediction else { return Err("no answer of this kind".into()) };
        Ok(json!({ "cells": values.range(row).len() }))
    }
}

impl CustomAnswer for Plain {
    fn settings(&self) -> Value {
        json!({ "of": self.kind, "names": self.names })
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Settings {
            of: String,
            names: Vec<String>,
        }
        let Settings { of, names } = Settings::deserialize(deserializer)?;
        let kind = KINDS.into_iter().find(|kind| *kind == of).ok_or_else(|| D::Error::custom("no such kind"))?;
        Ok(Self { kind, names, layout: layout(kind) })
    }
}

/// The kinds, by name: how the program would register them.
const KINDS: [&str; 5] = ["boxes", "map", "points", "list", "time-to-event"];

fn layout(kind: &str) -> Layout {
    match kind {
        "boxes" => Layout::ragged(CellRule::Number, &[5]),
        "map" => Layout::dense(CellRule::Index { below: 3 }, &[-1, -1]),
        "points" => Layout::dense(CellRule::Number, &[4, 3]),
        "list" => Layout::ragged(CellRule::Number, &[]),
        _ => Layout::dense(CellRule::Number, &[2]),
    }
}

fn register_all() {
    KINDS.iter().for_each(|kind| register::<Plain>(kind, "says nothing but what its labels look like").unwrap());
}

/// An answer with the labels of five samples; the third is not labeled, and where samples have any number of items the fourth
/// has none.
struct Case {
    answer: Answer,
    labels: Labels,
    /// Known cells.
    known: f64,
}

fn case(answer: Answer, labels: Labels, known: u32) -> Case {
    Case { answer, labels, known: known.into() }
}

fn ragged(cells: Cells, offsets: &[usize], item: &[usize]) -> Labels {
    Labels::ragged(cells, offsets.to_vec(), item).unwrap()
}

fn cases() -> Vec<Case> {
    let nan = f32::NAN;
    let miss = MISSING_CLASS;
    let names = ["a", "b", "c"];
    let custom = |kind: &'static str| {
        Answer::Custom(Custom::new(Plain { kind, names: vec![kind.to_owned()], layout: layout(kind) }))
    };
    let lists = Labels::lists(&[vec![0, 1], vec![2], vec![miss], vec![], vec![1, miss, 0]]);
    let box_cells = |n: usize| (0..5 * n).map(|i| i as f32).collect::<Vec<_>>();
    let boxes = [box_cells(2), box_cells(1), vec![nan; 5], box_cells(3)].concat();
    let map = [[0, 1, 2, 0], [1; 4], [miss; 4], [miss, 1, 1, 1], [2; 4]].concat();
    let points = (0..60).map(|i| if (24..36).contains(&i) { nan } else { i as f32 }).collect();
    let queries = vec![1.0, 0.0, 2.0, nan, 0.5];
    let times = array![[3.0, 1.0], [9.5, 0.0], [nan, nan], [1.0, 1.0], [2.0, nan]];
    vec![
        case(Answer::class(names), Labels::indices(vec![0, 1, miss, 2, 1]), 4),
        case(Answer::ordinal(names), Labels::indices(vec![0, 1, miss, 2, 1]), 4),
        case(
            Answer::multi_label(["x", "y"]),
            Labels::numbers(array![[0.0, 1.0], [1.0, nan], [nan, nan], [1.0, 1.0], [0.0, 0.0]]),
            7,
        ),
        case(Answer::values(["x"]), Labels::numbers(array![[0.5], [-1.0], [nan], [7.0], [8.0]]), 4),
        case(Answer::tags(names), lists.clone(), 5),
        case(Answer::sequence(names), lists, 5),
        case(custom("boxes"), ragged(Cells::Number(boxes), &[0, 2, 3, 4, 4, 7], &[5]), 30),
        case(custom("map"), Labels::dense(Cells::Index(map), 5, &[2, 2]).unwrap(), 15),
        case(custom("points"), Labels::dense(Cells::Number(points), 5, &[4, 3]).unwrap(), 48),
        case(custom("list"), ragged(Cells::Number(queries), &[0, 2, 3, 4, 4, 5], &[]), 4),
        case(custom("time-to-event"), Labels::numbers(times), 7),
    ]
}

/// NaN equals NaN.
fn same(a: &Labels, b: &Labels) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

/// Whether a prediction has the axes that the answer announces.
fn fits(answer: &Answer, prediction: &Prediction) -> bool {
    let (announced, found) = (answer.shape(), prediction.axes());
    announced.len() == found.len() && announced.iter().zip(&found).all(|(a, f)| *a < 0 || a == f)
}

#[test]
fn every_kind_is_among_the_cases() {
    let cases = cases();
    for (name, _) in Answer::ALL {
        assert!(cases.iter().any(|case| case.answer.kind() == *name), "{name} has no case");
    }
}

/// What intervals and laws of metrics do with answers and labels, whatever the kind.
#[test]
fn samples_are_picked_and_put_together_again() {
    for Case { answer, labels, .. } in cases() {
        let truth = Target::new("t", &answer, &labels).unwrap().reference().unwrap();
        assert_eq!(truth.describe(), truth.tag().labels(), "{}", answer.kind());
        let known = [0, 1, 2, 3, 4, 9].map(|row| truth.truth().knows(row));
        assert_eq!(known, [true, true, false, true, true, false], "{}", answer.kind());
        let mut rest = truth.gather(&[0, 1, 2]);
        assert!(rest.append(&truth.gather(&[3, 7, 4])), "a row that does not exist is left out");
        assert_eq!(format!("{rest:?}"), format!("{truth:?}"), "{}", answer.kind());
        assert_eq!((rest.batch_size(), rest.cells()), (5, labels.cells().len()));
        let said = answer.repeat(&truth);
        let said = said.unwrap_or_else(|_| Prediction::Custom { kind: answer.kind(), values: labels.clone() });
        let mut again = said.gather(&[0, 1, 2]);
        assert!(again.append(&said.gather(&[3, 4])));
        assert_eq!(format!("{again:?}"), format!("{said:?}"), "{}", answer.kind());
        for other in cases().iter().filter(|other| other.answer.tag() != answer.tag()) {
            let foreign = Target::new("t", &other.answer, &other.labels).unwrap().reference().unwrap();
            assert!(foreign.tag() == truth.tag() || !rest.append(&foreign), "{}", answer.kind());
        }
    }
}

#[test]
fn every_kind_comes_back_from_a_file() {
    register_all();
    for Case { answer, .. } in cases() {
        let text = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), answer, "{text}");
        assert!(!answer.describe().is_empty() && !answer.summary().is_empty() && !answer.meaning().is_empty());
        assert_eq!(answer.tag().name(), answer.kind());
    }
    assert!(KINDS.iter().all(|kind| registered().iter().any(|(name, _)| name == kind)));
    assert_eq!(Answer::all().len(), Answer::ALL.len() + KINDS.len());
    let unknown = serde_json::from_str::<Answer>(r#"{"custom": {"kind": "masks", "settings": {}}}"#).unwrap_err();
    assert!(unknown.to_string().starts_with(r#"unknown kind of answer "masks", known are "#), "{unknown}");
    // A name of ours is taken.
    assert!(matches!(register::<Plain>("class", "").unwrap_err(), Error::Duplicate { .. }));
    // Files of older runs.
    let binary = r#"{"binary": {"labels": ["rich"]}}"#;
    assert_eq!(serde_json::from_str::<Answer>(binary).unwrap(), Answer::multi_label(["rich"]));
    assert!(serde_json::from_str::<Answer>(r#"{"class": {"classes": ["a"], "more": 1}}"#).is_err());
}

#[test]
fn labels_survive_every_way_they_go() {
    for Case { answer, labels, known } in cases() {
        let name = answer.kind();
        let target = Target::new("t", &answer, &labels).unwrap();
        assert_eq!((target.known().to_bits(), target.batch_size()), (known.to_bits(), 5), "{name}");
        assert!(target.check("t", &answer).is_ok() && same(&target.labels().unwrap(), &labels), "{name}");
        assert_eq!(target.cells().kind(), answer.layout().cells.kind(), "{name}");
        // Selecting and gathering are the same.
        let rows = [4usize, 2, 0, 4];
        let index = Tensor::from_slice(&rows.map(|row| row as i64));
        let selected = target.select(&index).unwrap().to_device(Device::Cpu).unwrap();
        let gathered = Target::new("t", &answer, &labels.gather(&rows)).unwrap();
        assert!(same(&selected.labels().unwrap(), &gathered.labels().unwrap()), "{name}");
        assert_eq!(selected.known().to_bits(), gathered.known().to_bits(), "{name}");
        // What is not labeled has nothing known, and takes part in a batch.
        let unlabeled = Target::new("t", &answer, &labels.unlabeled(2)).unwrap();
        assert!(unlabeled.known().abs() < 1e-12 && unlabeled.batch_size() == 2, "{name}");
        let joined = Labels::concat(&[labels.gather(&[0, 1]), labels.unlabeled(1), labels.gather(&[3, 4])]).unwrap();
        assert!(same(&joined, &labels), "{name}");
        // Weights: a sample of weight 2 counts twice.
        let weighted = target.with_weights("t", &[2.0, 1.0, 1.0, 0.0, 1.0]).unwrap();
        let (first, fourth) = (Target::new("t", &answer, &labels.gather(&[0])), labels.gather(&[3]));
        let (first, fourth) = (first.unwrap().known(), Target::new("t", &answer, &fourth).unwrap().known());
        assert!((weighted.mass() - (known + first - fourth)).abs() < 1e-9, "{name}");
        let inputs = Inputs::new(vec![("numeric".into(), Tensor::zeros([5, 1], (Kind::Float, Device::Cpu)))]).unwrap();
        let batch = Batch::new(inputs, vec![Some(weighted)], (10..15).collect()).unwrap().select(&[3, 0]).unwrap();
        let target = batch.targets[0].as_ref().unwrap();
        assert!((target.mass() - 2.0 * first).abs() < 1e-9, "{name}");
        assert!(same(&target.labels().unwrap(), &labels.gather(&[3, 0])), "{name}");
    }
}

#[test]
fn what_is_of_another_kind_is_refused() {
    let all = cases();
    for Case { answer, labels, .. } in &all {
        let target = Target::new("t", answer, labels).unwrap();
        for other in all.iter().filter(|other| other.answer.tag() != answer.tag()) {
            let e = target.check("t", &other.answer).unwrap_err().to_string();
            assert!(e.starts_with("task t: target must be "), "{e}");
        }
        let wrong = match answer.layout().storage {
            Storage::Dense => Labels::lists(&[vec![0]]),
            Storage::Ragged => Labels::indices(vec![0]),
        };
        assert!(Target::new("t", answer, &wrong).unwrap_err().to_string().contains("task t"), "{}", answer.kind());
        assert!(answer.check("test").is_ok());
    }
    assert_eq!(Answer::class(["a"]).check("test").unwrap_err().to_string(), "test: classes must be >= 2, found 1");
}

#[test]
fn statistics_by_hand() {
    for Case { answer, labels, known } in cases() {
        let mut counter = answer.counter();
        counter.count(&Target::new("t", &answer, &labels).unwrap().reference().unwrap());
        counter.skip(2);
        let stats = counter.finish();
        assert!((stats.known() as f64 - known).abs() < 1e-9, "{}: {stats:?}", answer.kind());
        assert_eq!(stats.samples(), 7, "{}", answer.kind());
        let text = serde_json::to_string(&stats).unwrap();
        assert_eq!(serde_json::from_str::<LabelStats>(&text).unwrap(), stats, "{text}");
        match &stats {
            LabelStats::Items { counts, missing, lengths } => {
                assert_eq!((counts.as_slice(), *missing), ([2, 2, 1].as_slice(), 2));
                assert_eq!((lengths.known, lengths.missing), (4, 3));
                assert!((lengths.spread.as_ref().unwrap().moments.mean - 1.5).abs() < 1e-12);
            }
            LabelStats::Class { counts, missing } => {
                assert_eq!((counts.as_slice(), *missing), ([1, 2, 1].as_slice(), 3));
            }
            LabelStats::MultiLabel { .. } | LabelStats::Values { .. } | LabelStats::Custom { .. } => {}
        }
    }
}

#[test]
fn what_a_kind_cannot_say_it_refuses_with_a_reason() {
    for Case { answer, labels, .. } in cases() {
        let truth = Target::new("t", &answer, &labels).unwrap().reference().unwrap();
        let mut counter = answer.counter();
        counter.count(&truth);
        let constant = answer.constant(&counter.finish(), Constant::Mean, &truth);
        let repeated = answer.repeat(&truth);
        for prediction in [constant, repeated] {
            match prediction {
                Ok(prediction) => {
                    assert!(fits(&answer, &prediction) && prediction.batch_size() == 5, "{prediction:?}");
                    assert_eq!(prediction.not_finite(), None);
                }
                Err(reason) => assert!(!reason.is_empty()),
            }
        }
        let ours = !matches!(answer.tag(), AnswerTag::Custom(_));
        match answer.strata(&truth) {
            Ok(strata) => assert!(ours && strata.len() == 5 && strata[2] == 0, "{}: {strata:?}", answer.kind()),
            Err(reason) => assert!(!ours && reason.contains(answer.kind()), "{reason}"),
        }
        let dense = answer.layout().storage == Storage::Dense;
        assert_eq!(answer.label_columns(&truth).is_ok(), ours && dense, "{}", answer.kind());
        assert!(!answer.label_text(&truth, 0).is_empty());
    }
}

#[test]
fn written_answers_have_the_columns_that_were_announced() {
    for Case { answer, labels, .. } in cases() {
        let truth = Target::new("t", &answer, &labels).unwrap().reference().unwrap();
        let mut counter = answer.counter();
        counter.count(&truth);
        let stats = counter.finish();
        let said = answer.constant(&stats, Constant::Mean, &truth).or_else(|_| answer.repeat(&truth));
        let custom = || Prediction::Custom { kind: answer.kind(), values: labels.gather(&[0, 1]) };
        let prediction = said.unwrap_or_else(|_| custom());
        assert!(fits(&answer, &prediction), "{prediction:?}");
        let mut fields = 0;
        answer.write(&prediction, 1, &mut |_| fields += 1).unwrap();
        assert_eq!(fields, answer.columns().len(), "{}", answer.kind());
        assert!(answer.json(&prediction, 0).unwrap().is_object(), "{}", answer.kind());
        let foreign = Prediction::Custom { kind: "nothing", values: labels };
        if !matches!(answer.tag(), AnswerTag::Custom(_)) {
            assert!(answer.write(&foreign, 0, &mut |_| ()).unwrap_err().contains("not nothing"));
        }
    }
}
