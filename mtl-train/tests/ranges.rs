//! The range of a setting stands in two places: in an attribute of its field, from which files are checked and documents made, and
//! in the part that is made of it, for whoever makes parts without a file. This holds both together: each value just outside a
//! documented range is refused by the check of the file, at its path, and by the part itself, in its own words.
//!
//! Parts of `[data]` read files before they look at some of their settings; of them only the generated data set is made here.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::path::Path;

use mtl_core::{
    answer::{Answer, numbered},
    encode::{BuildEncoder, EncoderPlan},
    features::View,
    input::{CategoricalField, InputSpec, Length, Picture, Tokens},
    params::ParamSet,
    task::{Task, TaskName, TaskSet},
};
use mtl_data::DatasetConfig;
use mtl_heads::{HeadConfig, HeadPlace};
use mtl_train::{
    config::{ConfigSource, Group, KeyDoc, groups},
    parts::{architecture::Architecture, encoder::AnyEncoder, method::MethodConfig},
    stream::StreamConfig,
    train::trainer::TrainConfig,
};
use serde::de::DeserializeOwned;
use tch::{Device, Kind};
use toml::{Table, Value};

/// The nearest numbers outside a range in words (`>= 1`, `in (0, 1]`): an open end itself, else one step beyond.
fn outside(range: &str) -> Vec<f64> {
    let number = |text: &str| text.trim().parse::<f64>().unwrap_or_else(|_| panic!("{range:?}"));
    if let Some(inside) = range.strip_prefix("in ") {
        let (low, high) = inside[1..inside.len() - 1].split_once(',').unwrap();
        let low = number(low) - if inside.starts_with('(') { 0.0 } else { 1.0 };
        return vec![low, number(high) + if inside.ends_with(')') { 0.0 } else { 1.0 }];
    }
    match range.split_once(' ').unwrap() {
        (">", low) => vec![number(low), number(low) - 1.0],
        (">=", low) => vec![number(low) - 1.0],
        other => panic!("{other:?}"),
    }
}

/// The value in the form that the key takes: a number, or a list of it.
fn form(key: &KeyDoc, x: f64) -> Value {
    let whole = key.takes.contains("whole number");
    #[expect(clippy::cast_possible_truncation, reason = "bounds are small")]
    let number = if whole { Value::Integer(x as i64) } else { Value::Float(x) };
    match key.takes.split_once("a list of ") {
        Some((_, rest)) => vec![number; usize::from(rest.as_bytes()[0] - b'0')].into(),
        None if key.takes.contains("a list") => vec![number].into(),
        None => number,
    }
}

/// The configuration that is this table alone.
fn document(group: &Group, innermost: Table) -> Table {
    group.path.rsplit('.').fold(innermost, |mut inside, step| {
        // Tables that only one kind of what is around them has.
        let around = [
            ("data.schema", "data", "csv"),
            ("data.tasks", "data", "idx"),
            ("task[].head.loss", "head", "regress"),
            ("task[].head.class_weights", "head", "class"),
            ("task[].head.focal", "head", "class"),
            ("encoder.numbers", "encoder", "tabular"),
        ];
        if let Some((_, _, kind)) = around.iter().find(|(path, key, _)| group.path.starts_with(path) && step == *key) {
            inside.insert("kind".into(), (*kind).into());
        }
        let value = match step.strip_suffix("[]") {
            Some(_) => vec![Value::Table(inside)].into(),
            None => Value::Table(inside),
        };
        Table::from_iter([(step.trim_end_matches("[]").to_owned(), value)])
    })
}

/// Keys without a default that the others need to be looked at.
fn required(group: &Group) -> Table {
    match group.kind.as_deref() {
        Some("funnel") => Table::from_iter([("after".to_owned(), "other".into())]),
        Some("branch") => Table::from_iter([("at".to_owned(), "layer0".into())]),
        // Heads of blocks are looked at where there is a block.
        Some("task-query") => {
            Table::from_iter([("blocks".to_owned(), 1.into()), ("token_hidden".to_owned(), 8.into())])
        }
        _ => Table::new(),
    }
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value.clone()).map_err(|e| format!("not read: {e}"))
}

fn tasks() -> TaskSet {
    TaskSet::new(["task", "other", "third", "fourth"].map(|name| Task::new(name).unwrap()).into()).unwrap()
}

fn inputs() -> Vec<InputSpec> {
    let field = CategoricalField { name: "job".into(), cardinality: 5 };
    let picture = Picture { channels: 3, height: 8, width: 8 };
    let words = Tokens { vocabulary: 9, pad: 0, unknown: Some(1), length: Length::Ragged(5) };
    let spec = |name: &str, modality| InputSpec::new([(name, modality)]).unwrap();
    vec![
        InputSpec::table(vec![field], vec!["age".into()]),
        spec("image", picture.into()),
        spec("text", words.into()),
        InputSpec::new([("left", picture.into()), ("right", picture.into())]).unwrap(),
        InputSpec::table(Vec::new(), vec!["age".into(), "wage".into()]),
    ]
}

/// What the part says of its settings, for everything that it could be made on; nothing where it is made of them every time.
fn refusals(section: &str, value: &Value) -> Vec<String> {
    let mut params = ParamSet::new(Kind::Float, Device::Cpu, 0);
    let mut said: Vec<Result<(), String>> = Vec::new();
    match section {
        "balancer" => {
            said.push(read::<MethodConfig>(value).and_then(|c| c.build(&tasks()).map(drop).map_err(|e| e.to_string())));
        }
        "train" => said.push(read::<TrainConfig>(value).and_then(|c| c.validate().map_err(|e| e.to_string()))),
        "data" => said.push(read::<DatasetConfig>(value).and_then(|c| c.load().map(drop).map_err(|e| e.to_string()))),
        "encoder" => match read::<AnyEncoder>(value) {
            Ok(config) => {
                for (at, spec) in inputs().iter().enumerate() {
                    let made = config.build(&mut params.root().sub(format!("at{at}")), spec);
                    said.push(made.map(drop).map_err(|e| e.to_string()));
                }
            }
            Err(e) => said.push(Err(e)),
        },
        "sharing" => match read::<Architecture>(value) {
            Ok(config) => {
                for (at, (spec, encoder)) in inputs().iter().zip(["tabular", "conv", "lstm", "conv", "mlp"]).enumerate()
                {
                    let encoder = AnyEncoder::by_name(encoder).unwrap();
                    let plan = EncoderPlan::new(&encoder, spec);
                    let made = config.build(&mut params.root().sub(format!("at{at}")), &plan, &tasks());
                    said.push(made.map(drop).map_err(|e| e.to_string()));
                }
            }
            Err(e) => said.push(Err(e)),
        },
        "task" => match read::<HeadConfig>(&value[0]["head"]) {
            Ok(config) => {
                let (task, spec) = (TaskName::new("task").unwrap(), InputSpec::table(Vec::new(), numbered(2)));
                let answers = [
                    Answer::class(numbered(3)),
                    Answer::multi_label(numbered(1)),
                    Answer::ordinal(numbered(3)),
                    Answer::values(numbered(2)),
                    Answer::tags(["O", "B-x", "I-x"]),
                    Answer::sequence(numbered(4)),
                ];
                for (at, answer) in answers.iter().enumerate() {
                    let view = View::Tokens { width: 4 };
                    let mut root = params.root();
                    let place = HeadPlace::new(root.sub(format!("at{at}")), &task, &view, answer).with_inputs(&spec);
                    said.push(config.build(place).map(drop).map_err(|e| e.to_string()));
                }
            }
            Err(e) => said.push(Err(e)),
        },
        "stream" => said.push(read::<StreamConfig>(value).and_then(|c| c.validate(1).map_err(|e| e.to_string()))),
        other => panic!("{other}"),
    }
    said.into_iter().filter_map(Result::err).collect()
}

#[test]
fn what_a_range_leaves_out_is_refused_by_the_file_and_by_the_part() {
    let (mut wrong, mut n_file, mut n_part) = (Vec::new(), 0, 0);
    for group in groups() {
        for key in &group.keys {
            let Some(range) = &key.range else { continue };
            for x in outside(range) {
                let mut table = required(&group);
                if let Some(kind) = &group.kind {
                    table.insert("kind".into(), kind.clone().into());
                }
                table.insert(key.key.clone(), form(key, x));
                let document = document(&group, table);
                let place = format!("{}.{}", group.path.replace("[]", "[0]"), key.key);
                let name = format!("{place} of {:?} = {x}, {range}", group.kind);

                let source =
                    ConfigSource::new(toml::to_string(&document).unwrap(), Path::new("run.toml"), &[]).unwrap();
                let at_value =
                    |path: &str| path == place || path.strip_prefix(&place).is_some_and(|rest| rest == "[0]");
                match source.faults().iter().find(|fault| at_value(&fault.path.to_string())) {
                    Some(fault) if fault.error.to_string().contains(&format!(" must be {range}, found ")) => {
                        n_file += 1;
                    }
                    Some(fault) => wrong.push(format!("file, {name}: {}", fault.error)),
                    None => wrong.push(format!("file, {name}: not refused")),
                }

                let section = group.path.split(['.', '[']).next().unwrap();
                let made = match section {
                    "balancer" | "encoder" | "sharing" => group.path == section,
                    "train" | "stream" => true,
                    "data" => group.kind.as_deref() == Some("synthetic-mmoe"),
                    "task" => group.path == "task[].head",
                    _ => false,
                };
                if !made {
                    continue;
                }
                // What no number of the field's type can be is not read.
                let said = refusals(section, &document[section]);
                let layer = ["size must be", "outputs must be", "heads must be"]; // of a layer that is made with it
                // A value with a unit, `{ steps = 5 }`, is told by the setting that it is of.
                let table = group.path.split_once('.').map(|(_, inside)| inside);
                let about = |e: &&String| {
                    e.starts_with("not read")
                        || e.contains(&key.key)
                        || table.is_some_and(|table| e.contains(table))
                        || layer.iter().any(|words| e.contains(words))
                };
                match said.iter().any(|e| about(&e)) {
                    true => n_part += 1,
                    false => wrong.push(format!("part, {name}: {said:?}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(n_file > 300 && n_part > 250, "{n_file} in files, {n_part} by parts");
}
