//! A batch is read as it should be, and refused by name where it cannot be.

use super::*;
use ndarray::array;

#[test]
fn shapes_and_kinds_must_agree() {
    let prediction = Prediction::Class { scores: array![[0.1, 0.9], [0.5, 0.5]], kind: Scores::Probs };
    let two_of_three = Reference::Class(vec![0, 1, 1]);
    let e = MetricBatch::new(&prediction, &two_of_three).of_task("a").scores("auroc").unwrap_err().to_string();
    assert_eq!(e, "auroc of task a: reference must be as the prediction, [2, 2], found [3, 2]");
    let numbers = Reference::Values(array![[1.0], [2.0]]);
    let e = MetricBatch::new(&prediction, &numbers).of_task("a").values("rmse").unwrap_err().to_string();
    let want = "metric: input must be numbers with numbers (rmse of task a), found class scores [b, c] with \
                numbers [b, k]";
    assert_eq!(e, want);
    let empty = Prediction::Values { values: Array2::zeros((2, 0)) };
    let truth = Reference::Values(Array2::zeros((2, 0)));
    assert!(MetricBatch::new(&empty, &truth).values("mae").is_err());
}

#[test]
fn a_transposed_matrix_is_read_by_rows() {
    let array = array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]].reversed_axes();
    let matrix = Matrix::new(&array);
    assert_eq!(matrix.flat(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    assert_eq!((matrix.n_rows(), matrix.n_cols()), (2, 3));
    assert_eq!(matrix.rows(1..2).next().unwrap(), [2.0, 4.0, 6.0]);
    assert_eq!(matrix.rows(1..9).count(), 0);
}

#[test]
fn errors_name_the_sample_by_its_id() {
    let prediction = Prediction::Values { values: array![[0.0], [0.0]] };
    let reference = Reference::Values(array![[0.0], [0.0]]);
    let batch = MetricBatch::new(&prediction, &reference).of_task("age").with_ids(&[70, 71]);
    let e = batch.class(9, 3, 1).unwrap_err().to_string();
    assert_eq!(e, "task age: label must be in 0..3, found 9 (sample 71)");
    let e = batch.score(1.2, Scores::Probs, 0).unwrap_err().to_string();
    assert_eq!(e, "task age: score must be a probability, found 1.2 (sample 70)");
    assert_eq!(batch.yes_no(f32::NAN, 0).unwrap(), None);
    assert!(batch.with_ids(&[1]).values("mae").is_err());
}

#[test]
fn weights_are_checked_and_never_dropped() {
    let prediction = Prediction::Values { values: array![[0.0], [0.0], [0.0]] };
    let reference = Reference::Values(array![[0.0], [0.0], [0.0]]);
    let batch = MetricBatch::new(&prediction, &reference).of_task("age");
    assert_eq!(batch.weight(2).ok(), Some(1.0));
    let weighted = batch.with_weights(&[0.5, -1.0, f32::NAN]);
    assert_eq!(weighted.weight(0).ok(), Some(0.5));
    let e = weighted.weight(1).unwrap_err().to_string();
    assert_eq!(e, "task age: weight must be finite and not negative, found -1 (sample 1)");
    assert!(weighted.weight(2).is_err() && weighted.weighted_values("mae").is_ok());
    let e = weighted.values("rank").unwrap_err().to_string();
    assert_eq!(e, "metric: weights must be absent, rank knows none (task age), found sample weights");
    let e = batch.with_weights(&[1.0]).weighted_values("mae").unwrap_err().to_string();
    assert_eq!(e, "mae of task age: weights must be [3], one per prediction, found [1]");
}

#[test]
fn grades_and_tags_are_seen_as_classes() {
    let scores = array![[0.2, 0.8], [0.9, 0.1]];
    let grades = Prediction::Ordinal { scores: scores.clone(), kind: Scores::Probs };
    let truth = Reference::Ordinal(vec![1, 0]);
    let batch = MetricBatch::new(&grades, &truth);
    assert!(matches!(batch.scores("accuracy").unwrap(), ScoreBatch::Class { labels: [1, 0], .. }));
    // A grade is no class: labels of another kind are refused.
    assert!(MetricBatch::new(&grades, &Reference::Class(vec![1, 0])).scores("accuracy").is_err());

    let items = Cells::Number(vec![0.2, 0.8, 0.9, 0.1, 0.5, 0.5]);
    let scores = Labels::ragged(items, vec![0, 0, 1, 3], &[2]).unwrap();
    let of_items = scores.clone();
    let tags = Prediction::Tags { scores, kind: Scores::Probs, path: None };
    let truth = Reference::Tags(Labels::lists(&[vec![], vec![1], vec![0, 5]]));
    let batch = MetricBatch::new(&tags, &truth).of_task("words").with_ids(&[70, 71, 72]);
    let ScoreBatch::Class { scores, labels, .. } = batch.scores("accuracy").unwrap() else { panic!() };
    assert_eq!((scores.n_rows(), scores.n_cols(), labels), (3, 2, [1, 0, 5].as_slice()));
    let e = batch.class(labels[2], scores.n_cols(), 2).unwrap_err().to_string();
    assert_eq!(e, "task words: label must be in 0..2, found 5 (sample 72)");
    assert!(
        batch.with_groups(&[1; 3]).weighted_scores("accuracy").unwrap_err().to_string().contains("absent for tags")
    );
    // Weights are the samples', rows are items.
    let weighted = batch.with_weights(&[9.0, 0.5, 2.0]);
    let weights: Vec<f32> = (0..3).map(|row| weighted.weight(row).unwrap()).collect();
    assert_eq!((weights, weighted.weighted_scores("accuracy").is_ok()), (vec![0.5, 2.0, 2.0], true));
    assert!(batch.with_weights(&[1.0]).weighted_scores("accuracy").is_err());
    // A path says what is said.
    let path = Some(Labels::lists(&[vec![], vec![0], vec![1, 7]]));
    let chain = Prediction::Tags { scores: of_items, kind: Scores::Probs, path };
    let on_path = MetricBatch::new(&chain, &truth);
    assert_eq!(
        (
            batch.top_class(&[0.2, 0.8], Scores::Probs, 0).unwrap(),
            on_path.top_class(&[0.2, 0.8], Scores::Probs, 0).unwrap()
        ),
        (1, 0)
    );
    assert!(
        on_path
            .top_class(&[0.5, 0.5], Scores::Probs, 2)
            .unwrap_err()
            .to_string()
            .contains("predicted tag must be in 0..2, found 7")
    );
    let e = on_path.tags("x").unwrap_err().to_string();
    assert!(e.contains("predicted tag must be one of 0..2, of scores that are numbers, found 7"), "{e}");
    assert_eq!(batch.tags("x").unwrap().0, [vec![], vec![1], vec![0, 0]]);
    let nan = Labels::ragged(Cells::Number(vec![0.2, 0.8, 0.9, f32::NAN, 0.5, 0.5]), vec![0, 0, 1, 3], &[2]).unwrap();
    let nan = Prediction::Tags { scores: nan, kind: Scores::Probs, path: None };
    let e = MetricBatch::new(&nan, &truth).with_ids(&[70, 71, 72]).tags("x").unwrap_err().to_string();
    assert!(e.contains("predicted tag") && e.contains("(sample 72)"), "{e}");
    // What is not labeled has one missing item, whatever was answered.
    let unlabeled = Reference::Tags(Labels::lists(&[vec![], vec![1], vec![MISSING_CLASS]]));
    let stretched = MetricBatch::new(&tags, &unlabeled).stretched().unwrap();
    assert_eq!(stretched, Reference::Tags(Labels::lists(&[vec![], vec![1], vec![MISSING_CLASS; 2]])));
    assert!(batch.stretched().is_none());
    let short = Reference::Tags(Labels::lists(&[vec![], vec![1], vec![0]]));
    assert!(MetricBatch::new(&tags, &short).scores("accuracy").is_err());

    let said = Prediction::Sequence { tokens: Labels::lists(&[vec![1, 2], vec![]]) };
    let truth = Reference::Sequence(Labels::lists(&[vec![1], vec![2]]));
    let batch = MetricBatch::new(&said, &truth);
    let pairs: Vec<_> = batch.sequences("wer").unwrap().iter().map(|pair| (pair.said, pair.truth)).collect();
    assert_eq!(pairs, [([1, 2].as_slice(), [1].as_slice()), (&[], &[2])]);
    assert!(batch.with_weights(&[1.0; 2]).sequences("wer").is_err());
    let gaps = |lists: &[Vec<i64>]| Reference::Sequence(Labels::lists(lists));
    let (gap, none) = (gaps(&[vec![1, MISSING_CLASS], vec![2]]), gaps(&[vec![MISSING_CLASS], vec![2]]));
    assert!(
        MetricBatch::new(&said, &gap).sequences("wer").unwrap_err().to_string().contains("in all tokens or in none")
    );
    assert_eq!(MetricBatch::new(&said, &none).sequences("wer").unwrap().len(), 1);
    assert!(batch.scores("accuracy").is_err());
}
