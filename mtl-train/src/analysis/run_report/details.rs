//! What a task's answers on validation look like: curves, calibration, confusion, residuals, worst samples.
//!
//! Areas and errors are those of the metrics' own states, so that no figure here contradicts the table of results.

use std::cmp::Ordering;

use mtl_core::answer::Answer;
use mtl_metrics::{
    Auroc, ConfusionMatrix, RocCurve, binary::PrecisionRecallCurve, class::Ece, samples::Column as Scores,
};

use super::{
    outputs::{Judged, Outputs, Rows},
    wilson,
    worst::{self, Fields},
};
use crate::report::{
    Axis, Bar, BarChart, BarSeries, Block, ChartShape, Columns, HeatMap, LineChart, Note, NoteKind, Reference, Series,
    decimals, fixed, written,
};

/// Labels or classes that get a curve each.
const MOST_CURVES: usize = 7;
/// Points of a curve.
const POINTS: usize = 200;
/// Classes of a confusion matrix.
const MOST_CLASSES: usize = 30;
/// Bars of a distribution.
const BARS: usize = 15;
/// As many classes have room for their confusion in a column; that of more gets the width of the page.
const COLUMN_CLASSES: usize = 8;
/// Groups of equal size along predicted values.
const GROUPS: usize = 10;

/// Everything there is to show of a task.
pub(super) fn task(answer: &Answer, at: usize, outputs: &Outputs, fields: &Fields) -> Vec<Block> {
    let Some(own) = outputs.tasks.get(at) else { return Vec::new() };
    if own.ids.is_empty() {
        let words = match own.answers {
            Judged::Other(what) => format!("No charts for {what}."),
            Judged::Classes { .. } | Judged::YesNo { .. } | Judged::Values { .. } | Judged::Tags(_) => {
                "No sample of the split has a label of this task.".to_owned()
            }
        };
        return vec![Note::new(NoteKind::Info, words).into()];
    }
    let (mut charts, mut wide): (Vec<Block>, Vec<Block>) = (Vec::new(), Vec::new());
    match &own.answers {
        Judged::Classes { probs, labels } => {
            let names = names(answer, probs.width());
            charts.extend(rankings(&of_classes(
                outputs.metrics.get::<Auroc>(at).map(|m| m.remembered().columns()),
                labels,
                &names,
            )));
            charts.extend(reliability("probability of the class that was named", at, outputs));
            let confusion = confusion(&names, &own.confusion);
            if names.len() > COLUMN_CLASSES {
                wide.extend(confusion);
            } else {
                charts.extend(confusion);
            }
            if let Answer::Ordinal(_) = answer {
                charts.extend(grades_off(probs, labels));
            }
        }
        Judged::YesNo { probs, .. } => {
            let names = names(answer, probs.width());
            let columns = outputs.metrics.get::<Auroc>(at).map(|m| m.remembered().columns()).unwrap_or_default();
            charts.extend(rankings(&names.iter().cloned().zip(columns).collect::<Vec<_>>()));
            charts.extend(reliability("probability of yes", at, outputs));
            if let [name] = names.as_slice() {
                charts.extend(confusion(&[format!("not {name}"), name.clone()], &own.confusion));
            }
        }
        Judged::Values { predicted, labels } => {
            let names = names(answer, predicted.width());
            for (at, name) in names.iter().enumerate().take(MOST_CURVES) {
                let pairs = predicted.column(at).zip(labels.column(at)).filter(|(p, y)| p.is_finite() && y.is_finite());
                charts.extend(residuals(name, &pairs.collect::<Vec<_>>()));
            }
        }
        // What tags are worth stands beside the words that they are of.
        Judged::Tags(_) | Judged::Other(_) => {}
    }
    let mut blocks: Vec<Block> = Vec::new();
    if !charts.is_empty() {
        blocks.push(Columns { blocks: charts, min_width: 300 }.into());
    }
    blocks.extend(wide);
    blocks.extend(worst::tagged(answer, own, fields).map(Block::from));
    blocks.push(worst::table(answer, own, fields).into());
    blocks
}

/// The names of classes, labels or numbers.
pub(super) fn names(answer: &Answer, width: usize) -> Vec<String> {
    (0..width).map(|at| answer.output(at)).collect()
}

/// Each class against all others; of two classes the second. The most frequent classes come first.
fn of_classes<'a>(columns: Option<&'a [Scores]>, labels: &[usize], names: &[String]) -> Vec<(String, &'a Scores)> {
    let columns = columns.unwrap_or_default();
    if let ([only], [_, second]) = (columns, names) {
        return vec![(second.clone(), only)];
    }
    let mut by_count: Vec<usize> = (0..names.len().min(columns.len())).collect();
    let count = |class: &usize| labels.iter().filter(|l| *l == class).count();
    by_count.sort_by_cached_key(|class| std::cmp::Reverse(count(class)));
    by_count.truncate(MOST_CURVES);
    by_count.into_iter().map(|class| (names[class].clone(), &columns[class])).collect()
}

fn rankings(questions: &[(String, &Scores)]) -> Vec<Block> {
    let curves: Vec<(&String, RocCurve, PrecisionRecallCurve)> = questions
        .iter()
        .take(MOST_CURVES)
        .filter_map(|(name, column)| {
            Some((name, RocCurve::new(column, POINTS).ok()?, PrecisionRecallCurve::new(column, POINTS).ok()?))
        })
        .collect();
    if curves.is_empty() {
        return vec![Note::new(NoteKind::Info, "No curves: every label of the split is the same.").into()];
    }
    let unit = |label: &str| Axis { range: Some([0.0, 1.0]), ..Axis::new(label) };
    // A single question needs no name in the legend.
    let named = |name: &String, value: f64| {
        if curves.len() == 1 { written(value) } else { format!("{name} {}", written(value)) }
    };
    let roc = curves.iter().map(|(name, roc, _)| {
        let points = roc.points.iter().map(|p| [p.false_positive_rate, p.true_positive_rate]);
        Series::new(named(name, roc.auroc), points.collect())
    });
    let pr = curves.iter().map(|(name, _, pr)| Series::new(named(name, pr.average_precision), pr.points.clone()));
    let more = match questions.len() > MOST_CURVES {
        true => format!(" The first {MOST_CURVES} of {} labels.", questions.len()),
        false => String::new(),
    };
    let chance = match curves.as_slice() {
        [(_, _, only)] => Some(Reference::Level { y: only.prevalence, label: "chance".into() }),
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

/// The reliability diagram of the metric `ece`, whose bins and error these are.
fn reliability(what: &str, at: usize, outputs: &Outputs) -> Option<Block> {
    let found = outputs.metrics.get::<Ece>(at)?.diagram().ok()?;
    let unit = |label: &str| Axis { range: Some([0.0, 1.0]), ..Axis::new(label) };
    let mut series = Series::new("this model", found.bins.iter().map(|b| [b.confidence, b.accuracy]).collect());
    let band = |b: &mtl_metrics::class::calibration::ReliabilityBin| {
        #[expect(clippy::cast_precision_loss, reason = "a count of samples")]
        let [low, high] = wilson::interval(b.accuracy, b.n as f64);
        [b.confidence, low, high]
    };
    series.band = found.bins.iter().map(band).collect();
    let counts: Vec<String> = found.bins.iter().map(|b| b.n.to_string()).collect();
    let chart = LineChart {
        title: "Calibration".into(),
        caption: format!(
            "Expected calibration error (the metric ece) {}. Band: 95 % intervals; samples per bin: {}.",
            written(found.ece),
            counts.join(", ")
        ),
        x: unit(what),
        y: unit("share that came true"),
        series: vec![series],
        reference: Some(Reference::Diagonal { label: "calibrated".into() }),
        shape: ChartShape::Square,
        ..LineChart::default()
    };
    Some(chart.into())
}

fn confusion(names: &[String], counted: &ConfusionMatrix) -> Option<Block> {
    let n = names.len();
    if n > MOST_CLASSES || n == 0 || counted.n_classes() != n {
        return None;
    }
    let counts = counted.counts();
    let rate = |row: ndarray::ArrayView1<'_, u64>| -> Vec<f64> {
        let sum: u64 = row.sum();
        #[expect(clippy::cast_precision_loss, reason = "shares for people")]
        row.iter().map(|c| if sum > 0 { 100.0 * *c as f64 / sum as f64 } else { f64::NAN }).collect()
    };
    let supports: Vec<String> = counts.rows().into_iter().map(|row| row.sum().to_string()).collect();
    let heat = HeatMap {
        title: "Confusion".into(),
        caption: format!(
            "Rows: the truth; columns: what was said; percent of the row. Samples per row: {}.",
            supports.join(", ")
        ),
        rows: names.to_vec(),
        columns: names.to_vec(),
        values: counts.rows().into_iter().map(rate).collect(),
        range: Some([0.0, 100.0]),
        decimals: 1,
        ..HeatMap::default()
    };
    Some(heat.into())
}

/// How many grades the most probable grade is off, below and above the truth.
fn grades_off(probs: &Rows, labels: &[usize]) -> Option<Block> {
    let reach = probs.width().checked_sub(1)?;
    let mut counts = vec![0_u32; 2 * reach + 1];
    for (row, label) in probs.iter().zip(labels) {
        let top = row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(grade, _)| grade);
        let bar = (reach + top).checked_sub(*label).and_then(|bar| counts.get_mut(bar));
        bar.into_iter().for_each(|n| *n += 1);
    }
    let share = |count: &u32| Bar::from(100.0 * f64::from(*count) / labels.len().max(1) as f64);
    let name = |bar: usize| match bar.cmp(&reach) {
        Ordering::Less => format!("{} below", reach - bar),
        Ordering::Equal => "right".to_owned(),
        Ordering::Greater => format!("{} above", bar - reach),
    };
    let chart = BarChart {
        title: "Grades off".into(),
        caption: "The most probable grade beside the true one.".into(),
        value: Axis { unit: Some("%".into()), ..Axis::new("samples") },
        categories: (0..counts.len()).map(name).collect(),
        series: vec![BarSeries { name: "samples".into(), bars: counts.iter().map(share).collect() }],
        decimals: 1,
        ..BarChart::default()
    };
    Some(chart.into())
}

/// Residuals (prediction minus truth): along the prediction, and as a whole.
fn residuals(name: &str, pairs: &[(f64, f64)]) -> Vec<Block> {
    if pairs.is_empty() {
        return Vec::new();
    }
    let mut by_prediction: Vec<(f64, f64)> = pairs.iter().map(|(p, y)| (*p, p - y)).collect();
    by_prediction.sort_by(|a, b| a.0.total_cmp(&b.0));
    let groups = GROUPS.min(by_prediction.len());
    let mut median = Series::new("median", Vec::new());
    for group in 0..groups {
        let own = &by_prediction[group * by_prediction.len() / groups..(group + 1) * by_prediction.len() / groups];
        let middle = own.iter().map(|(p, _)| p).sum::<f64>() / own.len().max(1) as f64;
        let sorted = sorted(own.iter().map(|(_, r)| *r));
        median.points.push([middle, quantile(&sorted, 0.5)]);
        median.band.push([middle, quantile(&sorted, 0.1), quantile(&sorted, 0.9)]);
    }
    let along = LineChart {
        title: format!("{name}: residuals"),
        caption: "Prediction minus truth. Band: 10th to 90th percentile, over tenths of the samples.".into(),
        x: Axis::new("prediction"),
        y: Axis::new("residual"),
        series: vec![median],
        reference: Some(Reference::Level { y: 0.0, label: "exact".into() }),
        ..LineChart::default()
    };
    vec![along.into(), distribution(name, &sorted(by_prediction.iter().map(|(_, r)| *r))).into()]
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the bars there are")]
fn distribution(name: &str, sorted: &[f64]) -> BarChart {
    // The outermost hundredths would make all others one bar.
    let (low, high) = (quantile(sorted, 0.01), quantile(sorted, 0.99));
    let width = ((high - low) / BARS as f64).max(f64::MIN_POSITIVE);
    let mut counts = [0_u32; BARS];
    for residual in sorted {
        let bar = ((residual - low) / width).clamp(0.0, (BARS - 1) as f64) as usize;
        counts[bar] += 1;
    }
    let from = |bar: usize| low + width * bar as f64;
    // As many decimals as tell neighboring ends apart.
    let digits = decimals(width).saturating_sub(2);
    let share = |count: &u32| Bar::from(100.0 * f64::from(*count) / sorted.len().max(1) as f64);
    BarChart {
        title: format!("{name}: distribution of residuals"),
        caption: "The first and last bars hold everything beyond them.".into(),
        value: Axis { unit: Some("%".into()), ..Axis::new("samples") },
        categories: (0..BARS)
            .map(|b| format!("{} to {}", fixed(from(b), digits), fixed(from(b + 1), digits)))
            .collect(),
        series: vec![BarSeries { name: "samples".into(), bars: counts.iter().map(share).collect() }],
        decimals: 1,
        ..BarChart::default()
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// Linear between order statistics; NaN of nothing.
pub(super) fn quantile(sorted: &[f64], q: f64) -> f64 {
    let (Some(first), n) = (sorted.first(), sorted.len()) else { return f64::NAN };
    let place = q * (n - 1) as f64;
    let below = sorted.iter().enumerate().take_while(|(at, _)| *at as f64 <= place).last();
    let Some((at, low)) = below else { return *first };
    let high = sorted.get(at + 1).unwrap_or(low);
    low + (high - low) * (place - at as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_by_hand() {
        let values = [1.0, 2.0, 4.0];
        for (q, value) in [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (1.0, 4.0)] {
            assert!((quantile(&values, q) - value).abs() < 1e-12, "{q}");
        }
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn confusion_counts_rows_of_truth() {
        use mtl_core::prediction::{Prediction, Reference, Scores};
        let names = ["no", "yes"].map(String::from);
        let mut counted = ConfusionMatrix::default();
        let scores = ndarray::array![[0.9, 0.1], [0.2, 0.8], [0.1, 0.9]];
        let said = Prediction::Class { scores, kind: Scores::Probs };
        counted.update(&said, &Reference::Class(vec![0, 0, 1])).unwrap();
        let Some(Block::HeatMap(map)) = confusion(&names, &counted) else { panic!() };
        assert_eq!(map.values, [[50.0, 50.0], [0.0, 100.0]]);
        assert!(map.caption.ends_with("2, 1."), "{}", map.caption);
    }

    #[test]
    fn grades_off_by_hand() {
        let mut probs = Rows::default();
        let rows = [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.2, 0.7, 0.1], [0.2, 0.7, 0.1]];
        rows.into_iter().for_each(|row| probs.push(row));
        let Some(Block::BarChart(chart)) = grades_off(&probs, &[2, 2, 1, 0]) else { panic!() };
        assert_eq!(chart.categories, ["2 below", "1 below", "right", "1 above", "2 above"]);
        let shares: Vec<f64> = chart.series[0].bars.iter().map(|bar| bar.value).collect();
        assert!(shares.iter().zip([25.0, 0.0, 50.0, 25.0, 0.0]).all(|(a, b)| (a - b).abs() < 1e-12), "{shares:?}");
    }

    #[test]
    fn equal_residuals_do_not_break_the_bars() {
        let chart = distribution("y", &[2.0; 5]);
        assert!(chart.series[0].bars.iter().map(|b| b.value).sum::<f64>() > 99.9);
        assert_eq!(residuals("y", &[]), []);
        assert_eq!(residuals("y", &[(1.0, 1.0)]).len(), 2);
    }
}
