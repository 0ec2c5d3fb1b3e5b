//! Wrong input through the program: one line naming file, line, task or key, exit code 2, nothing half-written.
#![allow(clippy::unwrap_used, clippy::panic, clippy::float_cmp, reason = "helpers of tests; exact values on purpose")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Runs the program; gives its error: one line, below it at most the line of the file with carets.
    fn refused(&self, config: &str) -> String {
        let config = self.write("run.toml", config);
        let run_dir = self.0.path().join("run");
        let out = Command::new(env!("CARGO_BIN_EXE_mtl"))
            .current_dir(self.0.path())
            .arg("train")
            .arg(&config)
            .arg("--run-dir")
            .arg(&run_dir)
            .output()
            .unwrap();
        let stderr = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(2), "{stderr}");
        let lines: Vec<&str> = stderr.trim_end().lines().collect();
        let is_excerpt = lines.len() == 4 && lines[3].ends_with('^') && lines[1].trim() == "|";
        assert!(lines.len() == 1 || is_excerpt, "{stderr}");
        assert!(!run_dir.exists(), "a run folder was made for: {stderr}");
        stderr.trim_end().to_owned()
    }
}

fn csv_config(extra: &str) -> String {
    format!(
        r#"
[data]
kind = "csv"
train = "train.csv"
test = "test.csv"
validation_fraction = 0.25
[data.schema]
missing = [""]
columns = [
    {{ name = "age", kind = "numeric" }},
    {{ name = "job", kind = "categorical" }},
    {{ name = "class", kind = "label", label = "class" }},
    {{ name = "rich", kind = "label", label = {{ binary = {{ positive = "yes" }} }} }},
]
[encoder]
kind = "tabular"
[train]
epochs = 1
{extra}
"#
    )
}

const GOOD: &str = "age,job,class,rich\n31,clerk,a,yes\n40,smith,b,no\n22,clerk,a,no\n35,smith,b,yes\n50,clerk,b,no\n61,smith,a,yes\n28,clerk,a,no\n33,smith,b,yes\n";

fn with_files(train: &str, test: &str) -> Place {
    let place = Place::new();
    place.write("train.csv", train);
    place.write("test.csv", test);
    place
}

#[test]
fn tables() {
    let cases = [
        (
            "a wrong column count",
            GOOD.replace("22,clerk,a,no", "22,clerk,a"),
            GOOD.to_owned(),
            ["train.csv:4", "expected 4 columns", "found 3"],
        ),
        ("NaN in a feature", GOOD.replace("22,", "NaN,"), GOOD.to_owned(), ["train.csv:4", "\"age\"", "NaN"]),
        ("a number that is none", GOOD.replace("22,", "old,"), GOOD.to_owned(), ["train.csv:4", "\"age\"", "old"]),
        (
            "an unknown label at test time",
            GOOD.to_owned(),
            GOOD.replace("40,smith,b", "40,smith,z"),
            ["test.csv:3", "task class", "is none of"],
        ),
        ("no rows", "age,job,class,rich\n".to_owned(), GOOD.to_owned(), ["train.csv", "at least one row", "none"]),
        (
            "an empty task",
            GOOD.replace(",yes", ",").replace(",no", ","),
            GOOD.to_owned(),
            ["task rich", "train", "label"],
        ),
    ];
    for (name, train, test, parts) in cases {
        let line = with_files(&train, &test).refused(&csv_config(""));
        for part in parts {
            assert!(line.contains(part), "{name}: {part:?} is missing in {line}");
        }
    }
    let line = Place::new().refused(&csv_config(""));
    assert!(line.contains("train.csv"), "{line}");
}

#[test]
fn configuration() {
    let place = with_files(GOOD, GOOD);
    let typo = place.refused(&csv_config("bacth_size = 4"));
    for part in ["run.toml:19", "bacth_size", "did you mean \"batch_size\""] {
        assert!(typo.contains(part), "{part:?} is missing in {typo}");
    }
    let cases = [
        (csv_config("").replace("epochs = 1", "epochs = 0"), ["run.toml:18", "epochs", ">= 1, found 0"]),
        (csv_config("optimizer = { kind = \"adamw\", lrr = 1 }"), ["run.toml:19", "lrr", "did you mean \"lr\""]),
        (csv_config("\n[balancer]\nkind = \"upgrd\""), ["run.toml:21", "upgrd", "did you mean \"upgrad\""]),
        (csv_config("\n[encodr]\nkind = \"mlp\""), ["run.toml:20", "encodr", "did you mean \"encoder\""]),
        (csv_config("\n[[task]]\nname = \"riches\""), ["riches", "known tasks are", "class, rich"]),
        (csv_config("\n[device]\nkind = \"tpu\""), ["device", "cpu, cuda", "tpu"]),
        (csv_config("selection = \"0.6*class.accuracy + 0.4*rich.acuracy\""), ["acuracy", "column", "rich"]),
        ("[data\nkind = 1".to_owned(), ["run.toml:1", "unclosed table", "error"]),
        (csv_config("\n[[task]]\nname = \"class\"\nhead = { kind = \"regress\" }"), ["head", "class", "regress"]),
    ];
    for (config, parts) in cases {
        let line = place.refused(&config);
        for part in parts {
            assert!(line.contains(part), "{part:?} is missing in {line}");
        }
    }
}

/// An idx file: zero bytes, kind 8 (unsigned bytes), rank, sizes, values.
fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, u8::try_from(sizes.len()).unwrap()];
    sizes.iter().for_each(|s| bytes.extend(s.to_be_bytes()));
    bytes.extend(values);
    bytes
}

#[test]
fn idx_files() {
    let config = |dir: &Path| {
        let dir = dir.display();
        format!("[data]\nkind = \"fashion-pairs\"\ndir = \"{dir}\"\n[encoder]\nkind = \"conv\"\n[train]\nepochs = 1\n")
    };
    let files = |place: &Place, images: Vec<u8>, labels: Vec<u8>| {
        place.write("train-images-idx3-ubyte", &images);
        place.write("train-labels-idx1-ubyte", &labels);
        place.write("t10k-images-idx3-ubyte", &images);
        place.write("t10k-labels-idx1-ubyte", &labels);
    };
    let pixels = vec![7u8; 20 * 28 * 28];
    let labels: Vec<u8> = (0..20).map(|i| i % 10).collect();

    let place = Place::new();
    files(&place, idx(&[20, 28, 28], &pixels[..1000]), idx(&[20], &labels));
    let line = place.refused(&config(place.0.path()));
    assert!(line.contains("train-images") && line.contains("expected") && line.contains("found"), "{line}");

    let place = Place::new();
    let mut wrong = labels.clone();
    wrong[3] = 12;
    files(&place, idx(&[20, 28, 28], &pixels), idx(&[20], &wrong));
    let line = place.refused(&config(place.0.path()));
    assert!(line.contains("train-labels") && line.contains("item 3") && line.contains("found 12"), "{line}");
}
