//! `report.html`: the figures of a bench run for people.

use mtl_attention::AttentionSummary;
use mtl_core::balance::Conflict;
use mtl_train::report::{
    Align, Axis, Bar, BarChart, BarSeries, Best, Cell, ChartShape, Column, Columns, Document, Heading, HeatMap,
    KeyValues, LineChart, Marker, Note, NoteKind, Palette, Paragraph, Reference, Row, Series, Table,
};
use mtl_train::train::trainer::EpochSummary;

use crate::{
    compare::Detail,
    published::CENSUS,
    summary::{ModelSummary, Scores, Summary},
    toy,
};

pub(crate) fn page(summary: &Summary, details: &[Detail]) -> Document {
    let mut doc = Document::new("Multi-task bench");
    doc.subtitle = match (summary.dataset, summary.source) {
        (Some(dataset), Some(source)) => format!("{dataset} ({source}), suite {}", summary.suite),
        _ => format!("suite {}", summary.suite),
    };
    if summary.source == Some("synthetic") {
        doc.push(Note::new(
            NoteKind::Caution,
            "Synthetic data from the built-in generator: no figure here is about real data.",
        ));
    }
    if !summary.models.is_empty() {
        doc.push(Heading::section("Models"));
        doc.push(models(summary));
        doc.push(gains(summary));
        doc.push(KeyValues::list(details.iter().map(|d| (d.name.clone(), d.about.clone()))));
    }
    if !details.is_empty() {
        doc.push(Heading::section("Training"));
        doc.push(Columns::new(curves(details).into_iter().map(Into::into).collect()));
        doc.push(Heading::section("ROC on the test split"));
        doc.push(Columns::new(roc(details).into_iter().map(Into::into).collect()));
        conflicts(&mut doc, details);
        attention(&mut doc, details);
    }
    if !summary.step.is_empty() {
        doc.push(Heading::section("Cost of a step"));
        doc.push(step(summary));
    }
    if !summary.load.is_empty() {
        doc.push(Heading::section("Beside other programs"));
        doc.push(load(summary));
    }
    if let Some(toy) = &summary.toy {
        toy::page(toy).into_iter().for_each(|block| doc.push(block));
    }
    doc.push(Heading::section("Environment"));
    doc.push(KeyValues::list(summary.environment.iter().map(|(k, v)| (*k, v.clone()))));
    doc
}

fn task_names(summary: &Summary) -> Vec<String> {
    summary.models.first().map(|m| m.tasks.keys().cloned().collect()).unwrap_or_default()
}

fn models(summary: &Summary) -> Table {
    let tasks = task_names(summary);
    let best = |label: &str, best| Column { best: Some(best), ..Column::new(label) };
    let mut columns: Vec<Column> =
        tasks.iter().map(|t| Column { group: Some("AUROC".into()), ..best(t, Best::Highest) }).collect();
    columns.push(best("mean AUROC", Best::Highest));
    columns.push(best("delta_m, %", Best::Highest));
    columns.push(Column::new("parameters"));
    columns.push(Column::new("s per epoch"));
    columns.push(Column::new("samples per s"));
    columns.push(Column { align: Align::Right, ..Column::new("seeds") });
    let mut rows: Vec<Row> = summary.models.iter().map(|m| Row::measured(&m.name, cells(m, &tasks))).collect();
    if summary.source == Some("real") {
        for (name, income, marital, _) in CENSUS {
            let mut cells = vec![Cell::number(*income, 4), Cell::number(*marital, 4)];
            cells.resize(columns.len(), Cell::Missing);
            rows.push(Row::published(*name, cells));
        }
    }
    let footnotes = match summary.source {
        Some("real") => vec![
            "Test split; the epoch is chosen on a validation part of the training split. ± is the standard deviation over seeds.".into(),
            "Published rows use other feature handling: levels differ by more than methods do.".into(),
        ],
        _ => vec!["Test split; the epoch is chosen on validation.".into()],
    };
    Table { caption: "Equal budgets".into(), corner: "model".into(), columns, rows, footnotes }
}

fn cells(model: &ModelSummary, tasks: &[String]) -> Vec<Cell> {
    let get = |scores: &Scores, task: &String| scores.get(task).and_then(|m| m.get("auroc")).copied();
    let mut cells: Vec<Cell> = Vec::new();
    for task in tasks {
        cells.push(match (get(&model.tasks, task), get(&model.spread, task)) {
            (Some(value), Some(spread)) if model.seeds > 1 => Cell::with_spread(value, spread, 4),
            (Some(value), _) => Cell::number(value, 4),
            _ => Cell::Missing,
        });
    }
    #[expect(clippy::cast_precision_loss, reason = "for print")]
    cells.extend([
        Cell::number(model.composite, 4),
        model.delta_m.map_or(Cell::Missing, |d| Cell::number(d, 2)),
        Cell::number(model.params as f64, 0),
        Cell::number(model.seconds_per_epoch, 2),
        Cell::number(model.samples_per_second, 0),
        Cell::number(model.seeds as f64, 0),
    ]);
    cells
}

fn gains(summary: &Summary) -> BarChart {
    let with: Vec<&ModelSummary> = summary.models.iter().filter(|m| m.delta_m.is_some()).collect();
    let bars = with.iter().map(|m| Bar { value: m.delta_m.unwrap_or(0.0), interval: None }).collect();
    BarChart {
        title: "delta_m: mean gain over single-task networks".into(),
        caption: "Percent; above 0 the tasks help each other.".into(),
        value: Axis { unit: Some("%".into()), ..Axis::new("delta_m") },
        categories: with.iter().map(|m| m.name.clone()).collect(),
        series: vec![BarSeries { name: "delta_m".into(), bars }],
        baseline: 0.0,
        decimals: 2,
    }
}

/// Validation score and training loss per task, a chart per task, a line per model.
fn curves(details: &[Detail]) -> Vec<LineChart> {
    let Some(first) = details.first() else { return Vec::new() };
    let mut charts = Vec::new();
    for task in &first.tasks {
        let (mut scores, mut losses) = (Vec::new(), Vec::new());
        for detail in details {
            // A single-task model has a run per task, the others one for all.
            let own = detail.histories.iter().find_map(|history| {
                let place = history.first()?.validation.tasks.iter().position(|t| t.task.as_str() == task)?;
                Some((history, place))
            });
            let Some((history, place)) = own else { continue };
            let value = |e: &mtl_train::train::trainer::EpochSummary| {
                e.validation.tasks[place].metrics.first().and_then(|m| m.outcome.value)
            };
            let mut series = Series::by_epoch(&detail.name, history.iter().map(value));
            #[expect(clippy::cast_precision_loss, reason = "for a plot")]
            if let Some(best) = history.iter().rfind(|e| e.is_best) {
                let y = value(best).unwrap_or(f64::NAN);
                series.markers.push(Marker { x: (best.epoch + 1) as f64, y, label: "chosen epoch".into() });
            }
            scores.push(series);
            losses.push(Series::by_epoch(&detail.name, history.iter().map(|e| e.train_loss[place])));
        }
        let chart = |title: String, y: &str, series| LineChart {
            title,
            x: Axis::new("epoch"),
            y: Axis::new(y),
            series,
            ..LineChart::default()
        };
        charts.push(chart(format!("{task}: validation AUROC"), "AUROC", scores));
        charts.push(chart(format!("{task}: training loss"), "loss", losses));
    }
    charts
}

fn roc(details: &[Detail]) -> Vec<LineChart> {
    let Some(first) = details.first() else { return Vec::new() };
    let chart = |task: &String| {
        let series = details.iter().filter_map(|d| {
            let (_, curve) = d.roc.iter().find(|(t, _)| t == task)?;
            let points = curve.points.iter().map(|p| [p.false_positive_rate, p.true_positive_rate]).collect();
            Some(Series::new(&d.name, points))
        });
        LineChart {
            title: task.clone(),
            x: Axis { range: Some([0.0, 1.0]), ..Axis::new("false positive rate") },
            y: Axis { range: Some([0.0, 1.0]), ..Axis::new("true positive rate") },
            series: series.collect(),
            reference: Some(Reference::Diagonal { label: "chance".into() }),
            shape: ChartShape::Square,
            ..LineChart::default()
        }
    };
    first.tasks.iter().map(chart).collect()
}

/// Mean cosine between the tasks' gradients, where a balancer looked at them.
/// One row per parameter block, one column per pair of tasks: where in the network the tasks disagree.
fn by_block(detail: &Detail, epoch: &EpochSummary) -> Option<HeatMap> {
    let n = detail.tasks.len();
    let pairs: Vec<(usize, usize)> = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j))).collect();
    let row = |conflict: &Conflict| pairs.iter().map(|&(i, j)| conflict.cosine[i][j]).collect();
    let blocks: Vec<_> = epoch.blocks.iter().filter(|(_, c)| !c.cosine.is_empty()).collect();
    (!blocks.is_empty()).then(|| HeatMap {
        title: format!("{}: mean cosine by block, last epoch", detail.name),
        rows: blocks.iter().map(|(name, _)| name.clone()).collect(),
        columns: pairs.iter().map(|&(i, j)| format!("{} / {}", detail.tasks[i], detail.tasks[j])).collect(),
        values: blocks.iter().map(|(_, conflict)| row(conflict)).collect(),
        palette: Palette::Diverging,
        range: Some([-1.0, 1.0]),
        decimals: 2,
        ..HeatMap::default()
    })
}

fn conflicts(doc: &mut Document, details: &[Detail]) {
    let mut maps = Vec::new();
    let mut lines = Vec::new();
    for detail in details {
        let Some(history) = detail.histories.first() else { continue };
        let with: Vec<_> = history.iter().filter(|e| !e.conflict.cosine.is_empty()).collect();
        let Some(last) = with.last() else { continue };
        maps.push(HeatMap {
            title: format!("{}: mean cosine, last epoch", detail.name),
            rows: detail.tasks.clone(),
            columns: detail.tasks.clone(),
            values: last.conflict.cosine.clone(),
            palette: Palette::Diverging,
            range: Some([-1.0, 1.0]),
            decimals: 2,
            ..HeatMap::default()
        });
        maps.extend(by_block(detail, last));
        for (i, a) in detail.tasks.iter().enumerate() {
            for (j, b) in detail.tasks.iter().enumerate().skip(i + 1) {
                let values = with.iter().map(|e| e.conflict.cosine.get(i).and_then(|r| r.get(j)).copied());
                lines.push(Series::by_epoch(format!("{}: {a} / {b}", detail.name), values));
            }
        }
    }
    if maps.is_empty() {
        return;
    }
    doc.push(Heading::section("Gradient conflict"));
    doc.push(Paragraph::new(
        "Cosine between the tasks' gradients with respect to the shared parameters; below 0 they disagree.",
    ));
    let mut blocks: Vec<mtl_train::report::Block> = maps.into_iter().map(Into::into).collect();
    blocks.push(
        LineChart {
            title: "Mean cosine by epoch".into(),
            x: Axis::new("epoch"),
            y: Axis::new("cosine"),
            series: lines,
            reference: Some(Reference::Level { y: 0.0, label: "no conflict above".into() }),
            ..LineChart::default()
        }
        .into(),
    );
    doc.push(Columns::new(blocks));
}

/// Where each task looks.
fn attention(doc: &mut Document, details: &[Detail]) {
    let maps: Vec<(&str, &AttentionSummary)> =
        details.iter().flat_map(|d| d.attention.iter().map(|a| (d.name.as_str(), a))).collect();
    if maps.is_empty() {
        return;
    }
    doc.push(Heading::section("Attention by field and task"));
    for (name, map) in maps {
        let (tasks, weights) = map.by_task();
        doc.push(HeatMap {
            title: format!("{name}: {}", map.site()),
            caption: format!(
                "Mean attention weight over {} test samples; rows sum to 1. Attention is where a model looks, not by itself why it decides.",
                map.samples()
            ),
            rows: tasks,
            columns: map.keys().to_vec(),
            values: weights.rows().into_iter().map(|r| r.to_vec()).collect(),
            palette: Palette::Sequential,
            decimals: 3,
            ..HeatMap::default()
        });
    }
}

fn load(summary: &Summary) -> Table {
    let row = |rate: &crate::load::LoadRate| {
        let cells = vec![
            Cell::Text(rate.neighbor.to_string()),
            Cell::number(f64::from(rate.threads), 0),
            Cell::number(rate.samples_per_second, 0),
            Cell::number(rate.of_quiet, 2),
        ];
        Row::measured(rate.way.to_string(), cells)
    };
    Table {
        caption: "Samples per second of training beside others".into(),
        corner: "threads and waits".into(),
        columns: ["beside", "threads", "samples per s", "of quiet"].map(Column::new).into(),
        rows: summary.load.iter().map(row).collect(),
        footnotes: vec![format!(
            "Medians over rounds in turn; expected as delivered: at least {} of quiet.",
            crate::load::LEAST
        )],
    }
}

fn step(summary: &Summary) -> Table {
    #[expect(clippy::cast_precision_loss, reason = "for print")]
    let row = |s: &crate::summary::StepRatio| {
        let cells = vec![
            Cell::number(s.tasks as f64, 0),
            Cell::Text(s.mode.into()),
            Cell::number(s.floor_ms, 2),
            Cell::number(s.step_ms, 2),
            Cell::number(s.ratio_to_floor, 3),
            Cell::number(s.ratio_to_equal, 3),
        ];
        Row::measured(s.model, cells)
    };
    let mut footnotes = vec![
        "Floor: one forward pass and one backward pass per task, alternated with the step in one run; medians of paired ratios.".to_owned(),
    ];
    if let Some(o) = &summary.optimizer {
        footnotes.push(format!(
            "AdamW over 10 M parameters in 100 tensors: tch {:.1} ms, fused {:.1} ms, {:.1} times faster.",
            o.tch_ms, o.fused_ms, o.fused_adamw_speedup
        ));
    }
    Table {
        caption: "Time of the whole gradient step over its floor".into(),
        corner: "model".into(),
        columns: ["tasks", "mode", "floor, ms", "step, ms", "over floor", "over equal"].map(Column::new).into(),
        rows: summary.step.iter().map(row).collect(),
        footnotes,
    }
}
