//! Charts of how a run went: losses, metrics, learning rate, weights, conflict.

use mtl_core::balance::Conflict;

use super::history::{History, StepLine};
use crate::report::{
    Axis, Block, Columns, Details, Heading, HeatMap, LineChart, Marker, Palette, Paragraph, Reference, Series, fixed,
    written,
};
use crate::train::trainer::EpochSummary;

/// Pairs of tasks drawn as lines.
const MOST_PAIRS: usize = 10;
/// Lines of a chart that can be told apart.
pub(super) const MOST_LINES: usize = 7;
/// Tasks of a matrix; of more, those that disagree most.
const MOST_ROWS: usize = 24;

/// Training loss and validation metrics of every task; the primary metrics in the open.
pub(super) fn curves(history: &History) -> Vec<Block> {
    let (mut charts, mut further) = (Vec::new(), Vec::new());
    for task in 0..history.facts.tasks.len() {
        let (first, others) = of_task(history, task);
        charts.extend(first);
        further.extend(others);
    }
    let mut blocks = vec![Block::from(Columns::new(charts))];
    if !further.is_empty() {
        blocks.push(Details::new("Further metrics on validation", vec![Columns::new(further).into()]).into());
    }
    blocks
}

/// The curves of one task: loss and primary metric, and the other metrics.
pub(super) fn of_task(history: &History, task: usize) -> (Vec<Block>, Vec<Block>) {
    let mut charts: Vec<Block> = loss(history, task).into_iter().collect();
    let mut metrics = metrics(history, task).into_iter();
    charts.extend(metrics.next());
    (charts, metrics.collect())
}

fn loss(history: &History, task: usize) -> Option<Block> {
    let name = history.facts.tasks.get(task)?;
    let steps = history.steps.iter();
    let logged = steps.map(|s| [s.step as f64, s.losses.get(task).copied().flatten().unwrap_or(f64::NAN)]).collect();
    let mean = |e: &EpochSummary| e.train_loss.get(task).copied().flatten().unwrap_or(f64::NAN);
    // A mean stands in the middle of what it is the mean of.
    let mut from = 0;
    let mean_over = match history.noun() {
        "epoch" => "mean over an epoch",
        _ => "mean between validations",
    };
    let epochs = history.epochs.iter().map(|e| {
        let middle = (from + e.step) as f64 / 2.0;
        from = e.step;
        [middle, mean(e)]
    });
    let epochs = Series::new(mean_over, epochs.collect());
    let chart = LineChart {
        title: format!("{name}: training loss"),
        x: Axis::new("step"),
        y: Axis::new("loss"),
        series: vec![Series::new("batch", logged), epochs],
        ..LineChart::default()
    };
    Some(chart.into())
}

/// A chart per metric of the task, the primary one first, the chosen epoch marked.
fn metrics(history: &History, task: usize) -> Vec<Block> {
    let Some(first) = history.epochs.first().and_then(|e| e.validation.tasks.get(task)) else { return Vec::new() };
    let chart = |(at, metric): (usize, &str)| -> Block {
        let value = |e: &EpochSummary| e.validation.tasks.get(task)?.metrics.get(at)?.outcome.value;
        let mut series = Series::by_epoch(metric, history.epochs.iter().map(value));
        if let Some(best) = history.best() {
            let y = value(best).unwrap_or(f64::NAN);
            series.markers.push(Marker { x: (best.epoch + 1) as f64, y, label: format!("chosen {}", history.noun()) });
        }
        LineChart {
            title: format!("{}: {metric} on validation", first.task),
            x: Axis::new(history.noun()),
            y: Axis::new(metric),
            series: vec![series],
            ..LineChart::default()
        }
        .into()
    };
    first.metrics.iter().map(|m| m.metric.as_str()).enumerate().map(chart).collect()
}

/// Learning rate, gradient norm, loss weights.
pub(super) fn optimization(history: &History) -> Vec<Block> {
    let over_steps = |title: &str, y: &str, value: &dyn Fn(&StepLine) -> f64| LineChart {
        title: title.into(),
        x: Axis::new("step"),
        y: Axis::new(y),
        series: vec![Series::new(y, history.steps.iter().map(|s| [s.step as f64, value(s)]).collect())],
        ..LineChart::default()
    };
    let mut charts: Vec<Block> = vec![over_steps("Learning rate", "learning rate", &|s| s.lr).into()];
    if history.steps.iter().any(|s| s.gradient_norm.is_some()) {
        let norm =
            over_steps("Norm of all gradients before clipping", "norm", &|s| s.gradient_norm.unwrap_or(f64::NAN));
        charts.push(norm.into());
    }
    let weight = |s: &StepLine, task: usize| s.weights.get(task).copied().flatten();
    let mut known = history.steps.iter().flat_map(|s| &s.weights).copied().flatten();
    if let Some(first) = known.next().filter(|first| known.all(|w| w.to_bits() == first.to_bits())) {
        let words = format!("Every task had the loss weight {} in every step.", written(first));
        charts.push(Paragraph::new(words).into());
        return vec![Columns::new(charts).into()];
    }
    let mut shown: Vec<usize> = (0..history.facts.tasks.len()).collect();
    let all = shown.len();
    if all > MOST_LINES {
        // Those whose weight moves most.
        let range = |task: &usize| {
            let known = || history.steps.iter().filter_map(|s| weight(s, *task));
            known().fold(f64::NEG_INFINITY, f64::max) - known().fold(f64::INFINITY, f64::min)
        };
        shown.sort_by(|a, b| range(b).total_cmp(&range(a)));
        shown.truncate(MOST_LINES);
        shown.sort_unstable();
    }
    let series = shown.iter().map(|&task| {
        let point = |s: &StepLine| [s.step as f64, weight(s, task).unwrap_or(f64::NAN)];
        Series::new(&history.facts.tasks[task], history.steps.iter().map(point).collect())
    });
    let more = if all > MOST_LINES {
        format!(" The {MOST_LINES} of {all} tasks whose weight moves most.")
    } else {
        String::new()
    };
    let weights = LineChart {
        title: "Loss weights over time".into(),
        caption: format!(
            "What the balancer multiplies each task's loss or gradient with; 0 for a task that was left out.{more}"
        ),
        x: Axis::new("step"),
        y: Axis::new("weight"),
        series: series.collect(),
        ..LineChart::default()
    };
    charts.push(weights.into());
    vec![Columns::new(charts).into()]
}

/// How the tasks' gradients got along, as a whole, by block, over time; nothing when no step looked.
pub(super) fn conflict(history: &History) -> Vec<Block> {
    let tasks = &history.facts.tasks;
    let seen: Vec<_> = history.epochs.iter().filter(|e| !e.conflict.cosine.is_empty()).collect();
    let Some(last) = seen.last() else { return Vec::new() };
    let value = |(i, j): (usize, usize)| last.conflict.cosine.get(i).and_then(|row| row.get(j)).copied();
    let mut shown: Vec<usize> = (0..tasks.len()).collect();
    if tasks.len() > MOST_ROWS {
        let lowest = |i: &usize| {
            let others = (0..tasks.len()).filter(|j| j != i);
            others.filter_map(|j| value((*i, j))).filter(|c| c.is_finite()).fold(f64::INFINITY, f64::min)
        };
        shown.sort_by(|a, b| lowest(a).total_cmp(&lowest(b)));
        shown.truncate(MOST_ROWS);
        shown.sort_unstable();
    }
    let more = if tasks.len() > MOST_ROWS {
        format!(" The {MOST_ROWS} of {} tasks that disagree most with another.", tasks.len())
    } else {
        String::new()
    };
    let names: Vec<String> = shown.iter().filter_map(|at| tasks.get(*at).cloned()).collect();
    let map = |title: &str, caption: &str, values: &[Vec<f64>], palette| {
        let of = |i: &usize| {
            shown.iter().map(|j| values.get(*i).and_then(|r| r.get(*j)).copied().unwrap_or(f64::NAN)).collect()
        };
        let range = if palette == Palette::Diverging { [-1.0, 1.0] } else { [0.0, 1.0] };
        let heat = HeatMap {
            title: title.into(),
            caption: format!("{caption}{more}"),
            rows: names.clone(),
            columns: names.clone(),
            values: shown.iter().map(of).collect(),
            palette,
            range: Some(range),
            decimals: 2,
        };
        Block::from(heat)
    };
    let mut maps = vec![
        map("Mean cosine", "Below 0 (orange) two tasks pull apart.", &last.conflict.cosine, Palette::Diverging),
        map("Share of conflicting steps", "Steps with a cosine below 0.", &last.conflict.conflict, Palette::Sequential),
        map(
            "Magnitude similarity",
            "1: gradients of equal length; near 0 one drowns the other.",
            &last.conflict.magnitude,
            Palette::Sequential,
        ),
    ];
    let pairs: Vec<(usize, usize)> = (0..tasks.len()).flat_map(|i| (i + 1..tasks.len()).map(move |j| (i, j))).collect();
    if pairs.len() <= MOST_PAIRS {
        let line = |&(i, j): &(usize, usize)| {
            let at = |s: &StepLine| [s.step as f64, s.cosine(i, j).unwrap_or(f64::NAN)];
            let points = history.steps.iter().filter(|s| s.cosine(i, j).is_some()).map(at).collect();
            Series::new(format!("{} / {}", tasks[i], tasks[j]), points)
        };
        maps.push(
            LineChart {
                title: "Cosine over time".into(),
                x: Axis::new("step"),
                y: Axis::new("cosine"),
                series: pairs.iter().map(line).collect(),
                reference: Some(Reference::Level { y: 0.0, label: "no conflict above".into() }),
                ..LineChart::default()
            }
            .into(),
        );
    }
    let mut blocks = vec![
        Heading::section("Gradient conflict").into(),
        Paragraph::new(format!(
            "Gradients of the tasks with respect to the shared parameters, over the steps of epoch {}: {} % of the steps of a pair were in conflict, with a mean cosine of {} where they were.",
            last.epoch + 1,
            fixed(100.0 * last.conflict.score(), 0),
            fixed(last.conflict.mean_severity(), 2),
        ))
        .into(),
        Columns { blocks: maps, min_width: 300 }.into(),
    ];
    blocks.extend(by_block(&last.blocks, tasks, &pairs));
    blocks
}

/// One row per parameter block, one column per pair of tasks: where in the network they disagree.
fn by_block(blocks: &[(String, Conflict)], tasks: &[String], pairs: &[(usize, usize)]) -> Option<Block> {
    let seen: Vec<&(String, Conflict)> = blocks.iter().filter(|(_, c)| !c.cosine.is_empty()).collect();
    if seen.is_empty() {
        return None;
    }
    let value =
        |c: &Conflict, (i, j): (usize, usize)| c.cosine.get(i).and_then(|r| r.get(j)).copied().unwrap_or(f64::NAN);
    // Of many pairs the ones that disagree most somewhere.
    let mut shown = pairs.to_vec();
    if shown.len() > 4 * MOST_PAIRS {
        let lowest = |pair| seen.iter().map(|(_, c)| value(c, pair)).fold(f64::INFINITY, f64::min);
        shown.sort_by(|a, b| lowest(*a).total_cmp(&lowest(*b)));
        shown.truncate(4 * MOST_PAIRS);
    }
    let left_out = pairs.len() - shown.len();
    let more = if left_out > 0 { format!(" {left_out} pairs that agree better are left out.") } else { String::new() };
    let heat = HeatMap {
        title: "Mean cosine by block of parameters".into(),
        caption: format!("Rows from the input upwards; orange blocks are where tasks pull apart.{more}"),
        rows: seen.iter().map(|(name, _)| name.clone()).collect(),
        columns: shown.iter().map(|&(i, j)| format!("{} / {}", tasks[i], tasks[j])).collect(),
        values: seen.iter().map(|(_, c)| shown.iter().map(|pair| value(c, *pair)).collect()).collect(),
        palette: Palette::Diverging,
        range: Some([-1.0, 1.0]),
        decimals: 2,
    };
    Some(heat.into())
}
