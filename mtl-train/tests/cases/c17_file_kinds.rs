//! Files as people have them: line ends of any system, encodings, compression, delimiters, marks in numbers.

use std::io::Write;

use crate::run::{Place, csv_config};

const COLUMNS: [&str; 3] = [
    r#"{ name = "menge", kind = "numeric" }"#,
    r#"{ name = "ort", kind = "categorical" }"#,
    r#"{ name = "gut", kind = "label", label = { binary = { positive = "ja" } } }"#,
];

fn rows(delimiter: &str, decimal: &str) -> String {
    let mut text = ["menge", "ort", "gut"].join(delimiter) + "\n";
    for at in 0..60 {
        let number = format!("{}{decimal}{}", at * 7 % 19, at % 10);
        text +=
            &([number.as_str(), ["Zürich", "Genève", "Chur"][at % 3], ["ja", "nein"][at % 2]].join(delimiter) + "\n");
    }
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn utf16(text: &str) -> Vec<u8> {
    [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

fn place(bytes: &[u8], format: &str) -> Place {
    let place = Place::new();
    place.write("train.csv", bytes);
    place.write(
        "run.toml",
        csv_config(&COLUMNS).replace("[data.schema]", &format!("[data.format]\n{format}\n[data.schema]")),
    );
    place
}

/// What a run finds, and the answers for the same file.
fn run(bytes: &[u8], format: &str) -> (String, String) {
    let place = place(bytes, format);
    place.done(&["train", "run.toml", "--run-dir", "run"]);
    let answers = place.done(&["predict", "run", "--input", "train.csv"]).out;
    (place.read("run/metrics.json"), answers)
}

#[test]
fn every_kind_of_file_gives_the_same_run() {
    let text = rows(",", ".");
    let usual = run(text.as_bytes(), "");
    assert_eq!(usual.1.lines().count(), 61);
    for (bytes, format) in [
        (text.replace('\n', "\r").into_bytes(), ""),
        (gzip(text.as_bytes()), ""),
        (gzip(&utf16(&text.replace('\n', "\r\n"))), ""),
        (latin1(&text), "encoding = \"windows-1252\""),
        (rows(";", ",").into_bytes(), "delimiter = \";\"\ndecimal = \",\""),
        (rows("   ", ".").into_bytes(), "delimiter = \"whitespace\""),
    ] {
        assert_eq!(run(&bytes, format), usual, "{format} {:?}", &bytes[..6]);
    }
}

#[test]
fn what_needs_a_setting_is_refused_with_it() {
    let text = rows(",", ".");
    for (bytes, parts) in [
        (latin1(&text), ["train.csv:2: column \"ort\"", "encoding = \"windows-1252\""]),
        (rows(";", ".").into_bytes(), ["train.csv:1", "delimiter = \";\""]),
        (rows("\t", ".").into_bytes(), ["train.csv:1", r#"delimiter = "\t""#]),
        (rows("|", ".").into_bytes(), ["train.csv:1", "delimiter = \"|\""]),
        (rows("  ", ".").into_bytes(), ["train.csv:1", "delimiter = \"whitespace\""]),
        (text.replace("menge", "Menge ").into_bytes(), ["train.csv:1", "is it \"Menge\"?"]),
        (text.replace("7.1,", "\"7,1\",").into_bytes(), ["train.csv:3", "decimal = \",\""]),
        (text.replace("7.1,", "1'007.1,").into_bytes(), ["train.csv:3", "thousands = \"'\""]),
        (
            text.replace("7.1,", "n/a,").into_bytes(),
            ["train.csv:3", "missing = [\"\", \"n/a\"] under [data.schema] and missing = \"mean\""],
        ),
        (b"PK\x03\x04\x14\0\x06\0\x08\0\0\0!\0".to_vec(), ["train.csv", "a zip archive (an .xlsx"]),
        (b"PAR1\x15\x04\x15\x10\0\0".to_vec(), ["train.csv", "a Parquet file"]),
        (utf16(&text)[2..].to_vec(), ["train.csv", "encoding = \"utf-16le\""]),
        (gzip(text.as_bytes())[..100].to_vec(), ["train.csv", "cut short inside gzip"]),
    ] {
        let e = place(&bytes, "").refused(&["train", "run.toml"]);
        assert_eq!(e.lines().count(), 1, "{e}");
        assert!(parts.iter().all(|part| e.contains(part)), "{parts:?} is missing in {e}");
    }
}

#[test]
fn answers_stand_beside_lines() {
    let text = rows(",", ".");
    let place = place(text.as_bytes(), "");
    place.done(&["train", "run.toml", "--run-dir", "run"]);
    place.write("gap.csv", "menge,ort\n1,Chur\n\n2,Chur\n");
    let e = place.refused(&["predict", "run", "--input", "gap.csv"]);
    assert!(e.contains("gap.csv:3: expected 2 columns, found an empty line"), "{e}");
    for end in ["", "\n", "\n\n \n", "\r\n\r\n"] {
        place.write("new.csv", format!("menge,ort\n1,Chur\n2,Chur{end}"));
        assert_eq!(place.done(&["predict", "run", "--input", "new.csv"]).out.lines().count(), 3, "{end:?}");
    }
}

#[test]
fn an_empty_line_of_one_column_is_a_row() {
    let place = Place::new();
    let rows: String = (0..40).map(|at| format!("{},{}\n", ["a", "b"][at % 2], ["u", "v"][at % 2])).collect();
    place.write("train.csv", format!("x,y\n{rows}"));
    let columns = [r#"{ name = "x", kind = "categorical" }"#, r#"{ name = "y", kind = "label", label = "class" }"#];
    place.write("run.toml", csv_config(&columns));
    place.done(&["train", "run.toml", "--run-dir", "run"]);
    place.write("new.csv", "x\na\n\nb\n\"\"\n");
    let answers = place.done(&["predict", "run", "--input", "new.csv"]).out;
    let lines: Vec<&str> = answers.lines().skip(1).collect();
    assert_eq!(lines.len(), 4, "{answers}");
    let answer = |at: usize| lines[at].split_once(',').unwrap().1;
    assert_eq!(answer(1), answer(3));
    assert_ne!(answer(0), answer(2));
}
