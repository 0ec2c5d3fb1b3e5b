use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::*;
use crate::{
    laws,
    loader::{Batches, LoaderPosition},
    table::{CsvFormat, FittedSchema, Schema, Table},
};
use mtl_core::{batch::Batch, prediction::Reference};

const SCHEMA: &str = r#"columns = [
    { name = "x", kind = "numeric", transform = "none" },
    { name = "c", kind = "categorical" },
    { name = "y", kind = "label", label = "class" },
]"#;

fn schema() -> Schema {
    toml::from_str(SCHEMA).unwrap()
}

fn row(i: usize) -> String {
    format!("{i},{},{}\n", ["red", "blue"][i % 2], ["a", "b", "c"][i % 3])
}

fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn opened(path: &Path, follow: Option<Follow>, stop: Stop) -> Opened {
    Opened::new(path, &CsvFormat::default(), &schema(), follow, stop).unwrap()
}

fn fitted() -> FittedSchema {
    let text = "x,c,y\n1,red,a\n2,blue,b\n3,red,c\n";
    let table = Table::parse("first".as_ref(), text.as_bytes(), &CsvFormat::default(), &schema()).unwrap();
    FittedSchema::fit(&schema(), &table, &[0, 1, 2]).unwrap()
}

const LENIENT: StreamOptions =
    StreamOptions { batch_size: 4, least: 1, bad_rows: BadRows::Skip, unknown_labels: UnknownLabels::Missing };

fn stream(path: &Path, options: StreamOptions, start: Option<&StreamPosition>) -> crate::Result<TableStream> {
    TableStream::new(opened(path, None, Stop::default()), fitted(), options, start)
}

fn all(stream: &TableStream, next_batch: u64) -> crate::Result<Vec<Batch>> {
    stream.batches_from(LoaderPosition { epoch: 0, next_batch })?.collect()
}

fn numbers(batch: &Batch) -> Vec<f32> {
    Vec::try_from(batch.inputs.get("numeric").unwrap().view(-1)).unwrap()
}

fn classes(batch: &Batch) -> Vec<i64> {
    match batch.targets[0].as_ref().unwrap().reference().unwrap() {
        Reference::Class(classes) => classes,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_is_batches_of_a_size_and_obeys_their_laws() {
    let text: String = "x,c,y\n".to_owned() + &(0..22).map(row).collect::<String>();
    let (_folder, path) = file(text.trim_end());
    let stream = stream(&path, StreamOptions::of(4), None).unwrap();
    let batches = all(&stream, 0).unwrap();
    assert_eq!(batches.iter().map(Batch::len).collect::<Vec<_>>(), [4, 4, 4, 4, 4, 2]);
    assert_eq!(
        (batches[2].ids.as_slice(), numbers(&batches[2])),
        ([8, 9, 10, 11].as_slice(), vec![8.0, 9.0, 10.0, 11.0])
    );
    assert_eq!(classes(&batches[5]), [2, 0]);
    laws::batches::check(&stream, laws::batches::Coverage::Once).unwrap();
}

#[test]
fn how_bytes_arrive_changes_nothing() {
    let rows = |i: usize| match i {
        5 => "5,\"red\nor blue\",b\n".to_owned(),
        7 => "seven,red,b\n".to_owned(),
        11 => "\n".to_owned(),
        i => row(i),
    };
    let text: String = "x,c,y\n".to_owned() + &(0..40).map(rows).collect::<String>();
    let (_folder, whole) = file(&text);
    let at_once = stream(&whole, LENIENT, None).unwrap();
    let expected = all(&at_once, 0).unwrap();

    let (_folder, grown) = file("");
    let stop = Stop::default();
    let writer = {
        let (path, stop) = (grown.clone(), stop.clone());
        thread::spawn(move || {
            for piece in text.as_bytes().chunks(61) {
                OpenOptions::new().append(true).open(&path).unwrap().write_all(piece).unwrap();
                thread::sleep(Duration::from_millis(2));
            }
            thread::sleep(Duration::from_millis(400));
            stop.stop();
        })
    };
    let followed = opened(&grown, Some(Follow { idle: None }), stop);
    let followed = TableStream::new(followed, fitted(), LENIENT, None).unwrap();
    let found = all(&followed, 0).unwrap();
    writer.join().unwrap();
    assert_eq!(found.len(), 9, "38 rows: what fills no batch is left to whoever goes on");
    for (number, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!((&found.ids, numbers(found), classes(found)), (&expected.ids, numbers(expected), classes(expected)));
        let number = number as u64 + 1;
        assert_eq!(followed.counts(number), at_once.counts(number));
    }
}

#[test]
fn what_is_wrong_is_refused_with_its_line_or_counted() {
    let text = "x,c,y\n1,red,a\n2,red\n3,green,b\nx,red,c\n5,blue,q\n6,red,a\n7,red,b\n8,red,c\n";
    let (_folder, path) = file(text);
    let refusal = |options| all(&stream(&path, options, None).unwrap(), 0).unwrap_err().to_string();
    let e = refusal(StreamOptions { bad_rows: BadRows::Refuse, ..LENIENT });
    assert!(e.contains("rows.csv:3: expected 3 columns, found 2"), "{e}");
    let e = refusal(StreamOptions { unknown_labels: UnknownLabels::Refuse, ..LENIENT });
    assert!(e.contains("rows.csv:6: column \"y\": label \"q\" of task y is none of"), "{e}");

    let lenient = stream(&path, LENIENT, None).unwrap();
    let batches = all(&lenient, 0).unwrap();
    assert_eq!(numbers(&batches[0]), [1.0, 3.0, 5.0, 6.0]);
    assert_eq!(classes(&batches[0]), [0, 1, mtl_core::prediction::MISSING_CLASS, 0]);
    let passed = Passed { bad_rows: 2, unknown_labels: 1, unknown_categories: 1 };
    assert_eq!(lenient.position(1).unwrap().passed, passed);
    let told = lenient.faults().join("\n");
    assert!(told.contains(":3: ") && told.contains(":5: column \"x\"") && told.contains("label \"q\""), "{told}");
}

#[test]
fn whoever_goes_on_from_a_position_finds_the_batches_that_follow_or_another_stream() {
    let bad = |i: usize| if i % 5 == 3 { format!("{i}\n") } else { row(i) };
    let text: String = "x,c,y\n".to_owned() + &(0..60).map(bad).collect::<String>();
    let (_folder, path) = file(&text);
    let whole = stream(&path, LENIENT, None).unwrap();
    let expected = all(&whole, 0).unwrap();
    for batch in 0..=expected.len() as u64 {
        let at = whole.position(batch).unwrap();
        let at: StreamPosition = serde_json::from_str(&serde_json::to_string(&at).unwrap()).unwrap();
        let rest = stream(&path, LENIENT, Some(&at)).unwrap();
        let found = all(&rest, batch).unwrap();
        assert_eq!(found.len() as u64, expected.len() as u64 - batch);
        for (number, (found, expected)) in (batch..).zip(found.iter().zip(&expected[batch as usize..])) {
            assert_eq!((&found.ids, numbers(found)), (&expected.ids, numbers(expected)));
            assert_eq!(rest.position(number + 1), whole.position(number + 1));
        }
    }
    let at = whole.position(9).unwrap();
    let refusal = |text: &str| {
        fs::write(&path, text).unwrap();
        stream(&path, LENIENT, Some(&at)).unwrap_err().to_string()
    };
    let e = refusal(&text[..text.len() / 3]);
    assert!(e.contains("bytes (36 rows) that were learned from, found"), "{e}");
    let e = refusal(&text.replace("30,red", "99,red"));
    assert!(e.contains("others: it was rewritten or is another stream"), "{e}");
    let last = whole.position(12).unwrap();
    fs::write(&path, text.trim_end()).unwrap();
    let open = stream(&path, LENIENT, None).unwrap();
    let _ = all(&open, 0).unwrap();
    let open = open.position(12).unwrap();
    fs::write(&path, text.trim_end().to_owned() + "7,red,a\n").unwrap();
    let e = stream(&path, LENIENT, Some(&open)).unwrap_err().to_string();
    assert!(e.contains("a line end after line 61, which was learned as the last one"), "{e}");
    assert_eq!((last.rows, open.rows), (48, 48));
}

#[test]
fn the_first_rows_teach_and_stay_to_be_read() {
    let text: String = "\u{feff}x,c,y\n".to_owned() + &(0..9).map(row).collect::<String>() + "9,pink,z\n";
    let (_folder, path) = file(&text);
    let mut first = opened(&path, None, Stop::default());
    let warm = first.warm_up(5, BadRows::Refuse).unwrap();
    assert_eq!((warm.rows, warm.labels[0].samples()), (5, 5));
    let stream = TableStream::new(first, warm.fitted, LENIENT, None).unwrap();
    let batches = all(&stream, 0).unwrap();
    assert_eq!(batches.iter().map(Batch::len).sum::<usize>(), 10);
    let passed = stream.position(3).unwrap().passed;
    assert_eq!((passed.unknown_labels, passed.unknown_categories), (1, 1), "row 9 is behind the first five");
    let mut few = opened(&path, None, Stop::default());
    assert_eq!(few.warm_up(1000, BadRows::Refuse).unwrap().rows, 10, "all there are");
    fs::write(&path, "x,c,y\n").unwrap();
    let e = opened(&path, None, Stop::default()).warm_up(3, BadRows::Refuse).unwrap_err().to_string();
    assert!(e.contains("at least one row of data"), "{e}");
}
