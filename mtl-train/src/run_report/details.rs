//! What a task's answers on validation look like: curves, calibration, confusion, residuals, worst samples.

use mtl_data::LabelKind;

use super::{
    outputs::{Answers, Rows, TaskOutputs},
    ranking::Curves,
    reliability::Reliability,
    worst,
};
use crate::report::{
    Axis, Bar, BarChart, BarSeries, Block, ChartShape, Columns, Heading, HeatMap, LineChart, Note, NoteKind, Reference,
    Series,
};

/// Labels or classes that get a curve each.
const MOST_CURVES: usize = 7;
/// Classes of a confusion matrix.
const MOST_CLASSES: usize = 30;
/// Bars of a distribution.
const BARS: usize = 15;
/// Groups of equal size along predicted values.
const GROUPS: usize = 10;

/// Everything there is to show of a task.
pub(super) fn task(name: &str, label: &LabelKind, outputs: &TaskOutputs) -> Vec<Block> {
    let mut blocks: Vec<Block> = vec![Heading::part(name).into()];
    if outputs.ids.is_empty() {
        let words = match outputs.answers {
            Answers::Other(what) => format!("No charts for {what}."),
            _ => "No sample of the split has a label of this task.".to_owned(),
        };
        blocks.push(Note::new(NoteKind::Info, words).into());
        return blocks;
    }
    let mut charts: Vec<Block> = Vec::new();
    match (&outputs.answers, label) {
        (Answers::Classes { probs, labels }, label) => {
            let names = names(label, probs.width());
            charts.extend(rankings(&of_classes(probs, labels, &names)));
            let top = |row: &[f64]| {
                row.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or((0, f64::NAN), |(at, p)| (at, *p))
            };
            let said: Vec<(usize, f64)> = probs.iter().map(top).collect();
            let came_true = said.iter().zip(labels).map(|((at, p), label)| (*p, at == label));
            charts.extend(reliability("probability of the class that was named", came_true));
            charts.extend(confusion(&names, said.iter().map(|(at, _)| *at).zip(labels.iter().copied())));
        }
        (Answers::YesNo { probs, labels }, label) => {
            let names = names(label, probs.width());
            let questions = names
                .iter()
                .enumerate()
                .map(|(at, name)| (name.clone(), probs.column(at).zip(labels.column(at)).collect::<Vec<(f64, f64)>>()));
            let questions: Vec<_> = questions.collect();
            charts.extend(rankings(&questions));
            let all = questions.iter().flat_map(|(_, pairs)| pairs).filter(|(_, y)| !y.is_nan());
            charts.extend(reliability("probability of yes", all.map(|(p, y)| (*p, *y > 0.5))));
            if let [(name, pairs)] = questions.as_slice() {
                let pairs = pairs.iter().filter(|(_, y)| !y.is_nan());
                let pairs = pairs.map(|(p, y)| (usize::from(*p >= 0.5), usize::from(*y > 0.5)));
                charts.extend(confusion(&[format!("not {name}"), name.clone()], pairs));
            }
        }
        (Answers::Values { predicted, labels }, label) => {
            let names = names(label, predicted.width());
            for (at, name) in names.iter().enumerate().take(MOST_CURVES) {
                let pairs = predicted.column(at).zip(labels.column(at)).filter(|(p, y)| p.is_finite() && y.is_finite());
                charts.extend(residuals(name, &pairs.collect::<Vec<_>>()));
            }
        }
        (Answers::Other(_), _) => {}
    }
    blocks.push(Columns::new(charts).into());
    blocks.push(worst::table(label, outputs).into());
    blocks
}

/// The names of classes, labels or numbers.
pub(super) fn names(label: &LabelKind, width: usize) -> Vec<String> {
    let (LabelKind::Class { classes: given }
    | LabelKind::Binary { labels: given }
    | LabelKind::Values { names: given }) = label;
    (0..width).map(|at| given.get(at).cloned().unwrap_or_else(|| at.to_string())).collect()
}

/// Each class against all others; of two classes the second.
fn of_classes(probs: &Rows, labels: &[usize], names: &[String]) -> Vec<(String, Vec<(f64, f64)>)> {
    let shown: Vec<usize> = match names.len() {
        2 => vec![1],
        n => {
            let mut by_count: Vec<usize> = (0..n).collect();
            let count = |class: &usize| labels.iter().filter(|l| *l == class).count();
            by_count.sort_by_cached_key(|class| std::cmp::Reverse(count(class)));
            by_count
        }
    };
    let question = |class: usize| {
        let is = labels.iter().map(|l| f64::from(u8::from(*l == class)));
        (names[class].clone(), probs.column(class).zip(is).collect())
    };
    shown.into_iter().take(MOST_CURVES).map(question).collect()
}

fn rankings(questions: &[(String, Vec<(f64, f64)>)]) -> Vec<Block> {
    let curves: Vec<(&String, Curves)> = questions
        .iter()
        .take(MOST_CURVES)
        .filter_map(|(name, pairs)| Some((name, Curves::of(pairs.iter().copied())?)))
        .collect();
    if curves.is_empty() {
        return vec![Note::new(NoteKind::Info, "No curves: every label of the split is the same.").into()];
    }
    let unit = |label: &str| Axis { range: Some([0.0, 1.0]), ..Axis::new(label) };
    let roc = curves.iter().map(|(name, c)| Series::new(format!("{name} {:.4}", c.auroc), c.roc.clone()));
    let pr = curves.iter().map(|(name, c)| Series::new(format!("{name} {:.4}", c.average_precision), c.pr.clone()));
    let more = match questions.len() > MOST_CURVES {
        true => format!(" The first {MOST_CURVES} of {} labels.", questions.len()),
        false => String::new(),
    };
    let chance = match curves.as_slice() {
        [(_, only)] => Some(Reference::Level { y: only.prevalence, label: "chance".into() }),
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

fn reliability(what: &str, pairs: impl Iterator<Item = (f64, bool)>) -> Option<Block> {
    let found = Reliability::of(pairs)?;
    let unit = |label: &str| Axis { range: Some([0.0, 1.0]), ..Axis::new(label) };
    let mut series = Series::new("this model", found.bins.iter().map(|b| [b.confidence, b.frequency]).collect());
    series.band = found.bins.iter().map(|b| [b.confidence, b.interval[0], b.interval[1]]).collect();
    let counts: Vec<String> = found.bins.iter().map(|b| b.n.to_string()).collect();
    let chart = LineChart {
        title: "Calibration".into(),
        caption: format!(
            "Expected calibration error {:.4}. Band: 95 % intervals; samples per bin: {}.",
            found.error,
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

/// Pairs of predicted and true class.
fn confusion(names: &[String], pairs: impl Iterator<Item = (usize, usize)>) -> Option<Block> {
    let n = names.len();
    if n > MOST_CLASSES || n == 0 {
        return None;
    }
    let mut counts = vec![vec![0.0; n]; n];
    for (predicted, truth) in pairs.filter(|(p, t)| *p < n && *t < n) {
        counts[truth][predicted] += 1.0;
    }
    let rate = |row: &Vec<f64>| {
        let sum: f64 = row.iter().sum();
        row.iter().map(|c| if sum > 0.0 { 100.0 * c / sum } else { f64::NAN }).collect()
    };
    let supports: Vec<String> = counts.iter().map(|row| format!("{:.0}", row.iter().sum::<f64>())).collect();
    let heat = HeatMap {
        title: "Confusion".into(),
        caption: format!(
            "Rows: the truth; columns: what was said; percent of the row. Samples per row: {}.",
            supports.join(", ")
        ),
        rows: names.to_vec(),
        columns: names.to_vec(),
        values: counts.iter().map(rate).collect(),
        range: Some([0.0, 100.0]),
        decimals: 1,
        ..HeatMap::default()
    };
    Some(heat.into())
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
    let digits = usize::from(width < 10.0) * 2;
    let share = |count: &u32| Bar::from(100.0 * f64::from(*count) / sorted.len().max(1) as f64);
    BarChart {
        title: format!("{name}: distribution of residuals"),
        caption: "The first and last bars hold everything beyond them.".into(),
        value: Axis { unit: Some("%".into()), ..Axis::new("samples") },
        categories: (0..BARS).map(|b| format!("{:.digits$} to {:.digits$}", from(b), from(b + 1))).collect(),
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
fn quantile(sorted: &[f64], q: f64) -> f64 {
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
        let names = ["no", "yes"].map(String::from);
        let Some(Block::HeatMap(map)) = confusion(&names, [(0, 0), (1, 0), (1, 1), (9, 1)].into_iter()) else {
            panic!()
        };
        assert_eq!(map.values, [[50.0, 50.0], [0.0, 100.0]]);
        assert!(map.caption.ends_with("2, 1."), "{}", map.caption);
    }

    #[test]
    fn equal_residuals_do_not_break_the_bars() {
        let chart = distribution("y", &[2.0; 5]);
        assert!(chart.series[0].bars.iter().map(|b| b.value).sum::<f64>() > 99.9);
        assert_eq!(residuals("y", &[]), []);
        assert_eq!(residuals("y", &[(1.0, 1.0)]).len(), 2);
    }
}
