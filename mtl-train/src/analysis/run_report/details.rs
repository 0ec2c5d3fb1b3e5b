//! What a task's answers on validation look like, drawn: curves, calibration, confusion, residuals, worst samples.
//!
//! Every number is one of the [`Evaluation`](super::Evaluation), which `metrics.json` keeps.

use std::cmp::Ordering;

use mtl_core::answer::Answer;

use super::{
    evaluation::{Calibration, Confusion, GradesOff, MOST_CURVES, Rankings, Residuals, TaskEvaluation},
    outputs::TaskOutputs,
    worst::{self, Fields},
};
use crate::report::{
    Axis, Bar, BarChart, BarSeries, Block, ChartShape, Columns, HeatMap, LineChart, Note, NoteKind, Reference, Series,
    decimals, fixed, written,
};

/// As many classes have room for their confusion in a column; that of more gets the width of the page.
const COLUMN_CLASSES: usize = 8;

/// Everything there is to show of a task.
pub(super) fn task(answer: &Answer, found: &TaskEvaluation, own: &TaskOutputs, fields: &Fields) -> Vec<Block> {
    if let Some(words) = &found.without_charts {
        return vec![Note::new(NoteKind::Info, words.clone()).into()];
    }
    let mut charts: Vec<Block> = Vec::new();
    charts.extend(found.rankings.iter().flat_map(rankings));
    charts.extend(found.calibration.as_ref().map(reliability));
    let (wide, narrow): (Vec<&Confusion>, Vec<&Confusion>) =
        found.confusion.iter().partition(|confusion| confusion.classes.len() > COLUMN_CLASSES);
    charts.extend(narrow.into_iter().map(confusion));
    if !found.grades_off.is_empty() {
        charts.push(grades_off(&found.grades_off, found.samples));
    }
    charts.extend(found.residuals.iter().flat_map(residuals));
    let mut blocks: Vec<Block> = Vec::new();
    if !charts.is_empty() {
        blocks.push(Columns { blocks: charts, min_width: 300 }.into());
    }
    blocks.extend(wide.into_iter().map(confusion));
    blocks.extend(worst::tagged(answer, own, fields).map(Block::from));
    blocks.push(worst::table(found, own, fields).into());
    blocks
}

fn unit(label: &str) -> Axis {
    Axis { range: Some([0.0, 1.0]), ..Axis::new(label) }
}

fn rankings(found: &Rankings) -> Vec<Block> {
    if found.ranked.is_empty() {
        return vec![Note::new(NoteKind::Info, "No curves: every label of the split is the same.").into()];
    }
    // A single question needs no name in the legend.
    let named = |name: &str, value: f64| match found.ranked.len() {
        1 => written(value),
        _ => format!("{name} {}", written(value)),
    };
    let roc = found.ranked.iter().map(|own| Series::new(named(&own.name, own.auroc), own.roc.clone()));
    let pr = found.ranked.iter();
    let pr = pr.map(|own| Series::new(named(&own.name, own.average_precision), own.precision_recall.clone()));
    let more = match found.questions > MOST_CURVES {
        true => format!(" The first {MOST_CURVES} of {} labels.", found.questions),
        false => String::new(),
    };
    let chance = match found.ranked.as_slice() {
        [only] => Some(Reference::Level { y: only.prevalence, label: "chance".into() }),
        _ => None,
    };
    vec![
        LineChart {
            title: "ROC".into(),
            caption: format!("Numbers are areas under the curves.{more}"),
            x: unit("false positive rate"),
            y: unit("true positive rate"),
            series: roc.collect(),
            reference: Some(Reference::Diagonal { label: "chance".into() }),
            shape: ChartShape::Square,
            ..LineChart::default()
        }
        .into(),
        LineChart {
            title: "Precision and recall".into(),
            caption: format!("Numbers are average precisions.{more}"),
            x: unit("recall"),
            y: unit("precision"),
            series: pr.collect(),
            reference: chance,
            shape: ChartShape::Square,
            ..LineChart::default()
        }
        .into(),
    ]
}

fn reliability(found: &Calibration) -> Block {
    let mut series = Series::new("this model", found.bins.iter().map(|b| [b.confidence, b.accuracy]).collect());
    series.band = found.bins.iter().map(|b| [b.confidence, b.interval[0], b.interval[1]]).collect();
    let counts: Vec<String> = found.bins.iter().map(|b| b.samples.to_string()).collect();
    let chart = LineChart {
        title: "Calibration".into(),
        caption: format!(
            "Expected calibration error (the metric ece) {}. Band: 95 % intervals; samples per bin: {}.",
            written(found.ece),
            counts.join(", ")
        ),
        x: unit(&found.of),
        y: unit("share that came true"),
        series: vec![series],
        reference: Some(Reference::Diagonal { label: "calibrated".into() }),
        shape: ChartShape::Square,
        ..LineChart::default()
    };
    chart.into()
}

fn confusion(found: &Confusion) -> Block {
    #[expect(clippy::cast_precision_loss, reason = "shares for people")]
    let rate = |row: &Vec<u64>| -> Vec<f64> {
        let sum: u64 = row.iter().sum();
        row.iter().map(|c| if sum > 0 { 100.0 * *c as f64 / sum as f64 } else { f64::NAN }).collect()
    };
    let supports: Vec<String> = found.counts.iter().map(|row| row.iter().sum::<u64>().to_string()).collect();
    let heat = HeatMap {
        title: "Confusion".into(),
        caption: format!(
            "Rows: the truth; columns: what was said; percent of the row. Samples per row: {}.",
            supports.join(", ")
        ),
        rows: found.classes.clone(),
        columns: found.classes.clone(),
        values: found.counts.iter().map(rate).collect(),
        range: Some([0.0, 100.0]),
        decimals: 1,
        ..HeatMap::default()
    };
    heat.into()
}

#[expect(clippy::cast_precision_loss, reason = "a share for people")]
fn percent(part: u64, of: u64) -> Bar {
    Bar::from(100.0 * part as f64 / of.max(1) as f64)
}

fn grades_off(found: &[GradesOff], samples: u64) -> Block {
    let name = |by: i64| match by.cmp(&0) {
        Ordering::Less => format!("{} below", -by),
        Ordering::Equal => "right".to_owned(),
        Ordering::Greater => format!("{by} above"),
    };
    let chart = BarChart {
        title: "Grades off".into(),
        caption: "The most probable grade beside the true one.".into(),
        value: Axis { unit: Some("%".into()), ..Axis::new("samples") },
        categories: found.iter().map(|off| name(off.by)).collect(),
        series: vec![BarSeries {
            name: "samples".into(),
            bars: found.iter().map(|off| percent(off.samples, samples)).collect(),
        }],
        decimals: 1,
        ..BarChart::default()
    };
    chart.into()
}

/// Residuals (prediction minus truth): along the prediction, and as a whole.
fn residuals(found: &Residuals) -> Vec<Block> {
    let mut median = Series::new("median", found.groups.iter().map(|g| [g.prediction, g.median]).collect());
    median.band = found.groups.iter().map(|g| [g.prediction, g.low, g.high]).collect();
    let along = LineChart {
        title: format!("{}: residuals", found.name),
        caption: "Prediction minus truth. Band: 10th to 90th percentile, over tenths of the samples.".into(),
        x: Axis::new("prediction"),
        y: Axis::new("residual"),
        series: vec![median],
        reference: Some(Reference::Level { y: 0.0, label: "exact".into() }),
        ..LineChart::default()
    };
    // As many decimals as tell neighboring ends apart.
    let width = found.bars.first().map_or(0.0, |bar| bar.to - bar.from);
    let digits = decimals(width).saturating_sub(2);
    let samples = found.bars.iter().map(|bar| bar.samples).sum();
    let distribution = BarChart {
        title: format!("{}: distribution of residuals", found.name),
        caption: "The first and last bars hold everything beyond them.".into(),
        value: Axis { unit: Some("%".into()), ..Axis::new("samples") },
        categories: found
            .bars
            .iter()
            .map(|bar| format!("{} to {}", fixed(bar.from, digits), fixed(bar.to, digits)))
            .collect(),
        series: vec![BarSeries {
            name: "samples".into(),
            bars: found.bars.iter().map(|bar| percent(bar.samples, samples)).collect(),
        }],
        decimals: 1,
        ..BarChart::default()
    };
    vec![along.into(), distribution.into()]
}
