//! A document as a real run would make it, to be looked at.
//!
//! ```text
//! MTL_REPORT_DEMO=demo.html cargo test -p mtl-train --test pages demo
//! ```

use mtl_train::report::{
    Axis, AxisScale, Bar, BarChart, BarSeries, Best, Cell, ChartShape, Column, Columns, Details, Document, Heading,
    HeatMap, KeyValue, KeyValueStyle, KeyValues, LineChart, Marker, Note, NoteKind, Palette, Paragraph, Reference, Row,
    Series, Table, TaggedLine, TaggedText, TaggedWord,
};

use crate::well_formed;

const MODELS: [&str; 5] =
    ["single task", "hard sharing, equal weights", "hard sharing, UPGrad", "task-query attention", "MMoE, 8 experts"];

const FIELDS: [&str; 40] = [
    "age",
    "class of worker",
    "industry code",
    "occupation code",
    "education",
    "wage per hour",
    "enrolled in education institution last week",
    "major industry",
    "major occupation",
    "race",
    "hispanic origin",
    "sex",
    "member of a labor union",
    "reason for unemployment",
    "full or part time employment",
    "capital gains",
    "capital losses",
    "dividends from stocks",
    "tax filer status",
    "region of previous residence",
    "state of previous residence",
    "detailed household and family status",
    "household summary",
    "change in msa",
    "change in region",
    "move within region",
    "lived here a year ago",
    "migration from sunbelt",
    "persons employed",
    "parents present",
    "father's country",
    "mother's country",
    "own country",
    "citizenship",
    "own business",
    "veterans questionnaire",
    "veterans benefits",
    "weeks worked in year",
    "year",
    "<b>hostile & \"field\"</b>",
];

/// A wiggle in `[-1, 1]` that depends on its arguments only.
fn wiggle(a: usize, b: usize) -> f64 {
    ((a * 37 + b * 101 + a * b * 13) as f64).sin()
}

fn tagged() -> TaggedText {
    let word = |(text, truth, said): (&str, &str, &str)| TaggedWord {
        text: text.into(),
        truth: Some(truth.into()),
        said: said.into(),
    };
    let words = [
        ("flights", "O", "O"),
        ("from", "O", "O"),
        ("st.", "B-fromloc.city_name", "B-fromloc.city_name"),
        ("louis", "I-fromloc.city_name", "O"),
        ("to", "O", "O"),
        ("burbank", "B-toloc.city_name", "B-stoploc.city_name"),
        ("on", "O", "B-depart_date.day_name"),
        ("monday", "B-depart_date.day_name", "B-depart_date.day_name"),
    ];
    TaggedText {
        title: "Texts with the most surprising tags".into(),
        texts: vec![TaggedLine { name: "512".into(), words: words.map(word).into() }],
        caption: "Names are sample ids.".into(),
    }
}

fn results() -> Table {
    let metric =
        |task: &str, label: &str, best| Column { group: Some(task.into()), best: Some(best), ..Column::new(label) };
    let plain = |label: &str, best| Column { best, ..Column::new(label) };
    let mut rows: Vec<Row> = MODELS
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let w = |k| wiggle(i, k) * 0.001;
            Row::measured(
                *name,
                vec![
                    Cell::with_spread(0.950 + w(1), 0.000_4, 4),
                    Cell::number(0.121 - w(2), 3),
                    Cell::with_spread(0.994 + w(3) / 2.0, 0.000_2, 4),
                    Cell::number(0.081 - w(4), 3),
                    Cell::number(0.972 + w(5), 4),
                    if i == 0 { Cell::Missing } else { Cell::number(w(6) * 100.0, 2) },
                    Cell::number(1.1 + i as f64 * 0.4, 1),
                    Cell::number(3.0 + i as f64 * 1.7, 1),
                ],
            )
        })
        .collect();
    let published = |name: &str, a, b| Row {
        footnote: Some(1),
        ..Row::published(name, vec![Cell::number(a, 4), Cell::Missing, Cell::number(b, 4)])
    };
    rows.extend([published("Shared bottom", 0.9478, 0.9827), published("MMoE", 0.9410, 0.9926)]);
    Table {
        caption: "Census-Income KDD, official test split, mean of 3 seeds".into(),
        corner: "model".into(),
        columns: vec![
            metric("income > 50k", "AUROC", Best::Highest),
            metric("income > 50k", "log-loss", Best::Lowest),
            metric("never married", "AUROC", Best::Highest),
            metric("never married", "log-loss", Best::Lowest),
            plain("composite", Some(Best::Highest)),
            plain("delta_m (%)", Some(Best::Highest)),
            plain("parameters (M)", None),
            plain("s / epoch", Some(Best::Lowest)),
        ],
        rows,
        footnotes: vec![
            "Values of the paper, with its own handling of features; `not` comparable digit by digit.".into(),
        ],
    }
}

fn losses(task: &str, level: f64) -> LineChart {
    let curve = |model: usize, epoch: usize, seed: usize| {
        level * (1.0 + 1.6 * (-(epoch as f64) / 4.0).exp() + 0.03 * wiggle(model, epoch + seed) + 0.02 * model as f64)
    };
    let series = MODELS.iter().enumerate().map(|(model, name)| {
        // One run lost two epochs of its log, so that gaps are seen.
        let value = |e: usize| if model == 2 && (e == 7 || e == 8) { None } else { Some(curve(model, e, 0)) };
        let mut series = Series::by_epoch(*name, (1..=20).map(value));
        if model < 2 {
            let seeds = |e: usize| (0..3).map(move |seed| curve(model, e, seed) + wiggle(e, seed) * 0.01 * level);
            series.band = (1..=20)
                .map(|e| [e as f64, seeds(e).fold(f64::INFINITY, f64::min), seeds(e).fold(0.0, f64::max)])
                .collect();
        }
        let best = 14 + model;
        if model != 2 {
            series.markers.push(Marker { x: best as f64, y: curve(model, best, 0), label: "best epoch".into() });
        }
        series
    });
    LineChart {
        title: format!("Validation loss: {task}"),
        caption: "Band: lowest to highest of three seeds.".into(),
        x: Axis::new("epoch"),
        y: Axis { scale: AxisScale::Log, ..Axis::new("log-loss") },
        series: series.collect(),
        ..LineChart::default()
    }
}

fn roc(task: &str, power: f64) -> LineChart {
    let series = MODELS.iter().take(4).enumerate().map(|(model, name)| {
        let power = power * (1.0 + 0.4 * model as f64);
        let points = (0..=2000).map(|i| f64::from(i) / 2000.0).map(|x: f64| [x, x.powf(1.0 / power)]);
        Series::new(*name, points.collect())
    });
    LineChart {
        title: format!("ROC: {task}"),
        x: Axis { range: Some([0.0, 1.0]), ..Axis::new("false positive rate") },
        y: Axis { range: Some([0.0, 1.0]), ..Axis::new("true positive rate") },
        series: series.collect(),
        reference: Some(Reference::Diagonal { label: "chance".into() }),
        shape: ChartShape::Square,
        ..LineChart::default()
    }
}

fn cosines(title: &str, names: &[&str]) -> HeatMap {
    let names: Vec<String> = names.iter().map(|n| (*n).into()).collect();
    let cosine = |i: usize, j: usize| if i == j { 1.0 } else { wiggle(i.min(j) + 1, i.max(j) + 2) * 0.8 };
    let values = (0..names.len()).map(|i| (0..names.len()).map(|j| cosine(i, j)).collect()).collect();
    HeatMap {
        title: title.into(),
        rows: names.clone(),
        columns: names,
        values,
        palette: Palette::Diverging,
        range: Some([-1.0, 1.0]),
        decimals: 2,
        ..HeatMap::default()
    }
}

fn attention() -> HeatMap {
    let weight = |task: usize, field: usize| (wiggle(task + 3, field) * 2.2).exp() / 120.0;
    HeatMap {
        title: "Attention by field and task".into(),
        caption: "Mean weight that the query of each task gives to each of the 40 fields, test split.".into(),
        rows: vec!["income > 50k".into(), "never married".into()],
        columns: FIELDS.iter().map(|f| (*f).into()).collect(),
        values: (0..2).map(|t| (0..40).map(|f| weight(t, f)).collect()).collect(),
        decimals: 2,
        ..HeatMap::default()
    }
}

fn weights() -> LineChart {
    let series = ["income > 50k", "never married"].iter().enumerate().map(|(task, name)| {
        let sign = if task == 0 { 1.0 } else { -1.0 };
        let weight =
            |i: i32| 1.0 + sign * (0.5 - 0.4 * (-f64::from(i) / 6000.0).exp() + 0.05 * (f64::from(i) / 90.0).sin());
        Series::new(*name, (0..20_000).map(|i| [f64::from(i), weight(i)]).collect())
    });
    LineChart {
        title: "Loss weights over time: UPGrad".into(),
        x: Axis::new("step"),
        y: Axis::new("weight"),
        series: series.collect(),
        reference: Some(Reference::Level { y: 1.0, label: "equal weights".into() }),
        ..LineChart::default()
    }
}

fn delta() -> BarChart {
    let series = ["income > 50k", "never married"].iter().enumerate().map(|(task, name)| BarSeries {
        name: (*name).into(),
        bars: (1..5)
            .map(|model| {
                let value = wiggle(task + 2, model) * 0.8;
                Bar { value, interval: Some([value - 0.12, value + 0.15]) }
            })
            .collect(),
    });
    BarChart {
        title: "Change against single-task models".into(),
        caption: "Mean and range of three seeds.".into(),
        value: Axis { unit: Some("%".into()), ..Axis::new("relative change of AUROC") },
        categories: MODELS[1..].iter().map(|m| (*m).into()).collect(),
        series: series.collect(),
        decimals: 2,
        ..BarChart::default()
    }
}

pub(super) fn demo() -> Document {
    let mut demo = Document::new("Census-Income KDD: two tasks, five models");
    demo.subtitle = "quick suite \u{b7} 199 523 training rows \u{b7} 2 threads \u{b7} seed 1 to 3".into();
    let tile =
        |key: &str, value: &str, remark: &str| KeyValue { key: key.into(), value: value.into(), remark: remark.into() };
    demo.push(KeyValues {
        items: vec![
            tile("best composite", "0.9731", "task-query attention"),
            tile("delta_m", "+0.42 %", "against single-task models"),
            tile("exact step", "1.03 \u{d7}", "of forward and 2 backwards"),
            tile("throughput", "61 k / s", "samples, 2 cores"),
        ],
        style: KeyValueStyle::Tiles,
    });
    demo.push(Note::new(
        NoteKind::Caution,
        "The data are **not** real: `--data-dir` was empty, so the generator was used.",
    ));
    demo.push(Heading::section("Results"));
    demo.push(Paragraph::new("Models were chosen on the validation split; the test split was read once. Run `mtl report` to make this page again."));
    demo.push(results());
    demo.push(delta());
    demo.push(Heading::section("Curves"));
    demo.push(Columns::new(vec![losses("income > 50k", 0.12).into(), losses("never married", 0.08).into()]));
    demo.push(Columns::new(vec![roc("income > 50k", 6.0).into(), roc("never married", 20.0).into()]));
    demo.push(weights());
    demo.push(Heading::section("Conflict"));
    let tasks = ["income", "married", "education", "age group", "hours", "sector", "migration", "citizenship"];
    demo.push(Columns::new(vec![
        cosines("Cosines of task gradients", &["income > 50k", "never married"]).into(),
        cosines("Cosines of task gradients, eight tasks", &tasks).into(),
    ]));
    demo.push(Heading::section("Attention"));
    demo.push(attention());
    demo.push(Heading::section("Texts"));
    demo.push(tagged());
    demo.push(Heading::section("Run"));
    demo.push(Note::new(NoteKind::Failure, "Seed 3 of `hard sharing` diverged at step 1 204 and is left out."));
    demo.push(LineChart { title: "Gradient norm".into(), ..LineChart::default() });
    demo.push(Details::new(
        "Environment and configuration",
        vec![
            KeyValues::list([
                ("libtorch", "2.11.0 (CPU)"),
                ("threads", "2"),
                ("balancer", "upgrad"),
                ("command", "cargo xtask bench --suite quick --seeds 3 --json target/bench/report.json"),
            ])
            .into(),
        ],
    ));
    demo
}

#[test]
fn demo_is_well_formed_and_small() {
    let html = demo().to_html();
    assert_eq!(well_formed::check(&html), Ok(()));
    assert!(html.len() < 200_000, "{} bytes", html.len());
    if let Some(path) = std::env::var_os("MTL_REPORT_DEMO") {
        std::fs::write(path, html).unwrap();
    }
}
