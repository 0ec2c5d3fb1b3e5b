//! A table read as a stream: positions, what arrives in pieces, what is refused.

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
        assert_eq!(followed.position(number), at_once.position(number));
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
    let told: String = lenient.findings().iter().map(|finding| format!("{finding}\n")).collect();
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
        let expected = expected.iter().skip(usize::try_from(batch).unwrap());
        for (number, (found, expected)) in (batch..).zip(found.iter().zip(expected)) {
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
    // Its line end alone is no more of that line.
    for end in ["\n", "\r\n"] {
        fs::write(&path, format!("{}{end}7,red,a{end}8,blue,b{end}", text.trim_end())).unwrap();
        let rest = all(&stream(&path, LENIENT, Some(&open)).unwrap(), 12).unwrap();
        assert_eq!((rest.len(), numbers(&rest[0])), (1, vec![7.0, 8.0]));
    }
    let e = refusal(&text.replacen("x,c,y", "c,x,y", 1));
    assert!(e.contains("expected \"x\" as column 1, as it was learned from, found \"c\""), "{e}");
}

#[test]
fn a_file_that_is_followed_is_the_same_file() {
    let text: String = "x,c,y\n".to_owned() + &(0..8).map(row).collect::<String>();
    type Change = fn(&Path);
    let changes: [(Change, &str); 3] = [
        (|path| fs::write(path, "x,c,y\n").unwrap(), "6 bytes: it was cut off"),
        (
            |path| {
                fs::rename(path, path.with_extension("old")).unwrap();
                fs::write(path, "x,c,y\n1,red,a\n".repeat(100)).unwrap();
            },
            "another file of that name: it was replaced",
        ),
        (|path| fs::remove_file(path).unwrap(), "cannot read"),
    ];
    for (change, said) in changes {
        let (_folder, path) = file(&text);
        let followed = opened(&path, Some(Follow { idle: None }), Stop::default());
        let stream = TableStream::new(followed, fitted(), LENIENT, None).unwrap();
        let mut walk = stream.batches_from(LoaderPosition::default()).unwrap();
        assert_eq!([walk.next(), walk.next()].map(|batch| batch.unwrap().unwrap().len()), [4, 4]);
        change(&path);
        let e = walk.next().unwrap().unwrap_err().to_string();
        assert!(e.contains(said) && e.contains("rows.csv"), "{e}");
    }
    // One that has lost rows since is refused at once, and not waited for.
    let (_folder, path) = file(&text);
    let whole = stream(&path, LENIENT, None).unwrap();
    let _ = all(&whole, 0).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    let shorter = opened(&path, Some(Follow { idle: None }), Stop::default());
    let e = TableStream::new(shorter, fitted(), LENIENT, whole.position(2).as_ref()).unwrap_err().to_string();
    assert!(e.contains("it was cut off or is another stream"), "{e}");
}

#[test]
fn half_a_line_is_waited_for_and_line_ends_may_have_two_bytes() {
    let (_folder, path) = file("x,c,y\r\n1,red,a\r\n2,blue,b\r\n3,red,c\r\n4,bl");
    let followed = opened(&path, Some(Follow { idle: Some(Duration::from_millis(60)) }), Stop::default());
    let stream_of = TableStream::new(followed, fitted(), LENIENT, None).unwrap();
    let found = all(&stream_of, 0).unwrap();
    assert_eq!((found.len(), numbers(&found[0])), (1, vec![1.0, 2.0, 3.0]));
    let at = stream_of.position(1).unwrap();
    assert_eq!((at.rows, at.lines), (3, 4));
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"ue,b\r\n5,red,c").unwrap();
    let rest = stream(&path, LENIENT, Some(&at)).unwrap();
    assert_eq!(numbers(&all(&rest, 1).unwrap()[0]), [4.0, 5.0]);
    let told: String = rest.findings().iter().map(ToString::to_string).collect();
    assert!(told.contains("line 6 has no line end, and was taken for a whole row"), "{told}");
}

#[test]
fn what_holds_no_row_fills_no_memory_and_is_counted() {
    let bad = "1,red\n".repeat(30_000) + &"\n".repeat(30_000);
    let text = format!("x,c,y\n{}{bad}{}{bad}", row(0), (1..7).map(row).collect::<String>());
    let (_folder, path) = file(&text);
    let stream = stream(&path, StreamOptions { least: 2, ..LENIENT }, None).unwrap();
    let found = all(&stream, 0).unwrap();
    assert_eq!(found.iter().map(Batch::len).collect::<Vec<_>>(), [4, 3]);
    let at = |batch| stream.position(batch).unwrap();
    assert_eq!((at(1).passed.bad_rows, at(1).lines, at(2).lines), (30_000, 60_005, 60_008));
    let told: String = stream.findings().iter().map(|finding| format!("{finding}\n")).collect();
    assert_eq!(told.matches("passed over and counted").count(), 1, "{told}");
    assert!(told.contains("30000 rows behind the last batch could not be read"), "{told}");

    let (_folder, path) = file(&format!("x,c,y\n{}", (0..5).map(row).collect::<String>()));
    let few =
        TableStream::new(opened(&path, None, Stop::default()), fitted(), StreamOptions { least: 2, ..LENIENT }, None);
    let few = few.unwrap();
    assert_eq!(all(&few, 0).unwrap().len(), 1);
    assert!(few.findings()[0].message.contains("1 rows at the end are left: a batch of this model has at least 2"));

    // A quote that nobody closes is found before the rest of the stream is one row.
    for open in ["\"", ""] {
        let endless = format!("x,c,y\n{}{open}{}", row(0), "a".repeat((1 << 25) + 10));
        let (_folder, path) = file(&endless);
        let followed = opened(&path, Some(Follow { idle: None }), Stop::default());
        let stream = TableStream::new(followed, fitted(), LENIENT, None).unwrap();
        let e = all(&stream, 0).unwrap_err().to_string();
        assert!(e.contains("rows.csv:3: ") && e.contains("is a quote never closed?"), "{e}");
    }
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
