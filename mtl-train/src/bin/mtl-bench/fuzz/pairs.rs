//! The tables and configurations that mutation starts from: small, valid, each of another kind.
//!
//! Every test table has a column `row` that counts its lines from 1: it comes back among the inputs, so a row that slipped
//! can be seen from outside.

use std::fmt::Write;

/// A configuration with the files that it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) config: Vec<u8>,
    pub(crate) train: Vec<u8>,
    pub(crate) test: Vec<u8>,
}

/// One kind of pair.
struct Kind {
    /// What separates fields.
    delimiter: char,
    header: &'static str,
    /// The line with that number, without `row`.
    line: fn(usize) -> String,
    /// `[data.schema]` and what else `[data]` needs, then the rest.
    config: &'static str,
}

const TRAIN_ROWS: usize = 28;
const TEST_ROWS: usize = 13;

const KINDS: [Kind; 5] = [
    Kind {
        delimiter: ',',
        header: "age,job,class",
        line: |i| format!("{},{},{}", 20 + i * 7 % 41, ["clerk", "smith", "baker"][i % 3], ["a", "b"][i / 2 % 2]),
        config: r#"
[data.schema]
columns = [
    { name = "row", kind = "numeric" },
    { name = "age", kind = "numeric" },
    { name = "job", kind = "categorical" },
    { name = "class", kind = "label", label = "class" },
]
[encoder]
kind = "tabular"
token_width = 2
hidden = [4]
[train]
epochs = 2
batch_size = 8
workers = 0
"#,
    },
    Kind {
        delimiter: ',',
        header: "size,note,rich,price,area",
        line: |i| {
            let note = ["\"large, old\"", "\"said \"\"no\"\"\"", "plain", "\"\""][i % 4];
            let price = if i % 6 == 5 { String::new() } else { format!("{}.5", 100 + i * 13 % 57) };
            format!("{}.25,{note},{},{price},{}", i % 9, ["yes", "no", ""][i % 3 % (1 + i % 3)], i * i % 23)
        },
        config: r#"
[data.schema]
missing = ["", "?"]
columns = [
    { name = "row", kind = "numeric" },
    { name = "size", kind = "numeric", transform = "log1p-standard" },
    { name = "note", kind = "categorical", min_count = 2 },
    { name = "rich", kind = "label", label = { binary = { positive = "yes" } } },
    { name = "price", kind = "label", task = "value", label = "value" },
    { name = "area", kind = "label", task = "value", label = "value" },
]
[encoder]
kind = "tabular"
token_width = 2
hidden = [4]
dropout = 0.1
[sharing]
kind = "mmoe"
experts = 2
hidden = [3]
[balancer]
kind = "upgrad"
[train]
epochs = 2
batch_size = 9
workers = 0
selection = "rich.auroc"
optimizer = { kind = "adamw", lr = 0.01 }
[[task]]
name = "value"
[[task]]
name = "rich"
weight = 0.5
"#,
    },
    Kind {
        delimiter: ';',
        header: "x;y;one;two;three",
        line: |i| {
            let bit = |at: usize| ["0", "1"][(i >> at) & 1];
            format!("-{}e-1;{};{};{};{}", i % 5, i % 4, bit(0), bit(1), bit(2))
        },
        config: r#"
[data.format]
delimiter = ";"
[data.schema]
columns = [
    { name = "row", kind = "numeric", missing = "mean" },
    { name = "x", kind = "numeric" },
    { name = "y", kind = "ignore" },
    { name = "one", kind = "label", task = "flags", label = { binary = { positive = "1" } } },
    { name = "two", kind = "label", task = "flags", label = { binary = { positive = "1" } } },
    { name = "three", kind = "label", label = { binary = { positive = "1" } } },
]
[encoder]
kind = "mlp"
hidden = [5]
[balancer]
kind = "uncertainty"
[train]
epochs = 3
batch_size = 8
workers = 0
patience = 2
selection = "0.5*flags.auroc + 0.5*three.auroc"
"#,
    },
    Kind {
        delimiter: '\t',
        header: "city\tstreet\tgrade\tclicks",
        line: |i| {
            let grade = if i % 5 == 4 { "?" } else { ["1", "2", "3", "4"][i % 4] };
            format!("{}\t{}\t{grade}\t{}", ["Ulm", "Köln", "São Paulo"][i % 3], i % 7, i % 3)
        },
        config: r#"
[data.format]
delimiter = "\t"
[data.schema]
missing = ["?"]
tasks = ["clicks", "grade"]
columns = [
    { name = "city", kind = "categorical" },
    { name = "row", kind = "numeric" },
    { name = "street", kind = "categorical" },
    { name = "grade", kind = "label", label = "class" },
    { name = "clicks", kind = "label", label = "value" },
]
[encoder]
kind = "tabular"
token_width = 3
hidden = []
[sharing]
kind = "task-query"
[balancer]
kind = "dwa"
[train]
epochs = 2
batch_size = 7
workers = 0
selection = "grade.accuracy"
clip_norm = 1.0
"#,
    },
    Kind {
        delimiter: ',',
        header: "a,b,c,d",
        line: |i| format!("{},{},{},{}", i % 3, i * 5 % 7, 1e6 + i as f64, ["u", "v", "w"][i % 3]),
        config: r#"
[data.schema]
columns = [
    { name = "row", kind = "numeric" },
    { name = "a", kind = "categorical" },
    { name = "b", kind = "numeric" },
    { name = "c", kind = "label", label = "value" },
    { name = "d", kind = "label", label = "class" },
]
[encoder]
kind = "tabular"
token_width = 2
hidden = [4, 3]
[balancer]
kind = "famo"
[train]
epochs = 2
batch_size = 10
workers = 0
selection = "d.accuracy"
accumulate = 1
schedule = { kind = "cosine" }
"#,
    },
];

/// The valid pairs.
pub(crate) fn valid() -> Vec<Pair> {
    KINDS
        .iter()
        .map(|kind| {
            let table = |n: usize, from: usize| {
                let mut text = format!("row{}{}\n", kind.delimiter, kind.header);
                for i in 1..=n {
                    let _ = writeln!(text, "{i}{}{}", kind.delimiter, (kind.line)(i + from));
                }
                text.into_bytes()
            };
            let head =
                "[data]\nkind = \"csv\"\ntrain = \"train.csv\"\ntest = \"test.csv\"\nvalidation_fraction = 0.25\n";
            let config = format!("{head}{}", kind.config).into_bytes();
            Pair { config, train: table(TRAIN_ROWS, 0), test: table(TEST_ROWS, 5) }
        })
        .collect()
}
