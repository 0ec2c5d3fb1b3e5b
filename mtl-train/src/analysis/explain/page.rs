//! An explanation as a page.
//!
//! Of up to four tasks everything stands in the open, sorted by what it is; of more, a table of all leads to one folded part a
//! task. How many samples are drawn depends on how many maps there are: a page is to be read, and sent by mail.

use super::{Attribution, ExplainedAnswer, Explanation, Method, Permutation};
use crate::report::{
    Align, Axis, Bar, BarChart, BarSeries, Block, Cell, Column, Columns, Details, Document, Heading, HeatMap, KeyValue,
    KeyValueStyle, KeyValues, LineChart, Note, NoteKind, Palette, Paragraph, Row, Series, Table,
};

/// Parts shown of many.
const TOP: usize = 12;
/// Samples shown of many.
const SAMPLES: usize = 24;
/// Cells of all maps of samples together, and the fewest samples that are worth a map.
const CELLS: usize = 12_000;
const FEWEST_SAMPLES: usize = 4;
/// More tasks than this are folded, one by one.
const FEW_TASKS: usize = 4;
/// Keys of a map that is shown whole; of larger ones the most looked at.
const MOST_KEYS: usize = 48;

/// The page of an explanation.
#[must_use]
pub fn document(title: &str, explanation: &Explanation) -> Document {
    let mut doc = Document::new(title);
    let (n, parts) = (explanation.samples.len(), explanation.parts.len());
    doc.subtitle = format!("what the answers to {n} samples rest on, of {parts} parts of the input");
    doc.push(tiles(explanation));
    doc.blocks.extend(notes(explanation));
    doc.blocks.extend(explanation.permutation.iter().flat_map(|found| permuted(found, &tasks(explanation))));
    doc.push(Heading::section("Deletion test"));
    doc.push(Paragraph::new(
        "Parts of the input are taken away in the order of the explanation, and in random orders. A gain above 0 by \
         more than its spread means that the explanation names parts that the answer rests on.",
    ));
    doc.blocks.extend(overview(explanation));
    if tasks(explanation).len() <= FEW_TASKS {
        doc.push(Columns::new(deletion_curves(explanation)));
        doc.push(Heading::section("Parts of the input"));
        doc.push(Columns::new(shares(explanation)));
        doc.blocks.extend(maps(explanation));
        doc.push(Heading::section("Samples"));
        doc.blocks.extend(samples(explanation, None));
    } else {
        doc.push(Heading::section("Task by task"));
        doc.blocks.extend(folded(explanation, true));
        doc.blocks.extend(maps(explanation));
    }
    doc
}

/// The part of an explanation that belongs into the report of a run.
#[must_use]
pub fn blocks(explanation: &Explanation) -> Vec<Block> {
    let mut blocks = notes(explanation);
    blocks.extend(overview(explanation));
    if tasks(explanation).len() <= FEW_TASKS {
        let mut charts = deletion_curves(explanation);
        charts.extend(shares(explanation));
        blocks.push(Columns::new(charts).into());
    } else {
        blocks.extend(folded(explanation, false));
    }
    blocks.extend(attention(explanation));
    blocks
}

/// The address of what a task's answers rest on.
fn address(task: usize) -> String {
    format!("rests-{}", task + 1)
}

/// A folded part a task.
fn folded(explanation: &Explanation, with_samples: bool) -> Vec<Block> {
    let mut charts = deletion_curves(explanation).into_iter();
    let fold = |(at, task): (usize, &str)| -> Block {
        let mut own: Vec<Block> = charts.next().into_iter().collect();
        own.extend(shares_of(explanation, task));
        let mut blocks: Vec<Block> = vec![Columns { blocks: own, min_width: 300 }.into()];
        if with_samples {
            blocks.extend(samples(explanation, Some(task)));
        }
        Details::new(task, blocks).at(address(at)).into()
    };
    Details::around("tasks", tasks(explanation).into_iter().enumerate().map(fold).collect())
}

/// The deletion test of every task; of many tasks a row each, that of the explanation which gains most.
fn overview(explanation: &Explanation) -> Vec<Block> {
    let tasks = tasks(explanation);
    if tasks.len() <= FEW_TASKS {
        return vec![faithfulness(explanation.attributions.iter().map(|a| (a, None))).into()];
    }
    let best = |(at, task): (usize, &&str)| {
        let gain = |a: &&Attribution| a.faithfulness.as_ref().map_or(f64::NEG_INFINITY, |f| f.gain);
        let own = of_task(explanation, task).into_iter().max_by(|a, b| gain(a).total_cmp(&gain(b)));
        own.map(|a| (a, Some(address(at))))
    };
    let mut table = faithfulness(tasks.iter().enumerate().filter_map(best));
    if explanation.attributions.len() > tasks.len() {
        table.footnotes.push("Of several explanations of a task the one that gains most.".into());
    }
    vec![table.into()]
}

/// The attention maps with their heading.
fn maps(explanation: &Explanation) -> Vec<Block> {
    if explanation.maps.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![Heading::section("Attention maps").into()];
    blocks.extend(attention(explanation));
    blocks
}

/// What the first metric of each task loses without the fields that it needs most.
fn permuted(found: &Permutation, tasks: &[&str]) -> Vec<Block> {
    let row = |task: &str, own: &super::Importance| {
        let interval = own.interval.map_or_else(|| "-".into(), |(low, high)| format!("{low:.4} to {high:.4}"));
        Row::measured(
            format!("{task}: {}", own.part),
            vec![Cell::Text(own.metric.clone()), Cell::number(own.loss, 4), Cell::Text(interval)],
        )
    };
    let rows_of =
        |task: &&str| -> Vec<Row> { found.of_task(task).into_iter().take(TOP).map(|own| row(task, own)).collect() };
    let table = Table {
        caption: format!("What is lost: {} permutations of each field, {} samples", found.repeats, found.samples),
        corner: "field".into(),
        columns: vec![Column::words("metric"), Column::new("loss"), Column::new("95 % interval")],
        rows: tasks.iter().flat_map(rows_of).collect(),
        ..Table::default()
    };
    let words = "The values of a field are dealt to other samples, and the metric is measured again: a loss above 0 is what the model \
                 needs the field for. Of two fields that say the same neither is missed.";
    vec![Heading::section("Permutation importance").into(), Paragraph::new(words).into(), table.into()]
}

fn notes(explanation: &Explanation) -> Vec<Block> {
    explanation.notes.iter().map(|note| Note::new(NoteKind::Info, note.clone()).into()).collect()
}

fn tiles(explanation: &Explanation) -> KeyValues {
    let best = |task: &str| {
        let own = explanation.attributions.iter().filter(|a| a.task == task);
        let tested = own.filter_map(|a| a.faithfulness.as_ref().map(|f| (a, f)));
        tested.max_by(|a, b| a.1.gain.total_cmp(&b.1.gain))
    };
    let mut items = Vec::new();
    // Of many tasks those whose explanations gain most.
    let mut shown: Vec<_> = tasks(explanation).into_iter().filter_map(|task| Some((task, best(task)?))).collect();
    if shown.len() > FEW_TASKS {
        shown.sort_by(|a, b| b.1.1.gain.total_cmp(&a.1.1.gain));
        shown.truncate(FEW_TASKS);
    }
    for (task, (attribution, f)) in shown {
        items.push(KeyValue {
            key: format!("{task}: gain"),
            value: format!("{:.3} \u{b1} {:.3}", f.gain, f.spread).replace('-', "\u{2212}"),
            remark: format!("{}, over {} random orders", attribution.method, f.draws),
        });
    }
    KeyValues { items, style: KeyValueStyle::Tiles }
}

/// The tasks that have an attribution, in order.
fn tasks(explanation: &Explanation) -> Vec<&str> {
    let mut tasks: Vec<&str> = Vec::new();
    for attribution in &explanation.attributions {
        if !tasks.contains(&attribution.task.as_str()) {
            tasks.push(&attribution.task);
        }
    }
    tasks
}

fn of_task<'a>(explanation: &'a Explanation, task: &str) -> Vec<&'a Attribution> {
    explanation.attributions.iter().filter(|a| a.task == task).collect()
}

fn faithfulness<'a>(attributions: impl Iterator<Item = (&'a Attribution, Option<String>)>) -> Table {
    let attributions: Vec<_> = attributions.collect();
    // A column that says the same in every row takes the room of numbers on a narrow page.
    let only = attributions.first().map(|(a, _)| a.method);
    let only = only.filter(|method| attributions.iter().all(|(a, _)| a.method == *method));
    let row = |(a, address): &(&Attribution, Option<String>)| {
        let f = a.faithfulness.as_ref();
        let number = |value: Option<f64>| value.map_or(Cell::Missing, |v| Cell::number(v, 3));
        let mut cells = vec![
            number(f.map(|f| f.effect)),
            number(f.map(|f| f.random)),
            f.map_or(Cell::Missing, |f| Cell::with_spread(f.gain, f.spread, 3)),
            number(a.gap),
        ];
        if only.is_none() {
            cells.insert(0, Cell::Text(a.method.to_string()));
        }
        Row { link: address.clone(), ..Row::measured(&a.task, cells) }
    };
    let column = |label: &str| Column::new(label);
    let mut columns = vec![column("in its order"), column("at random"), column("gain"), column("gap")];
    if only.is_none() {
        columns.insert(0, Column { align: Align::Left, ..column("explanation") });
    }
    let by = only.map_or_else(String::new, |method| format!(", explained by {method}"));
    Table {
        caption: format!("Change of the answer when parts go{by}"),
        corner: "task".into(),
        columns,
        rows: attributions.iter().map(row).collect(),
        footnotes: vec![
            "Mean over samples and deletion steps: lost probability of the answer, or change of the number in standard \
             deviations of predictions. \u{b1} is the standard deviation over random orders and stand-ins."
                .into(),
            "Gap: share of the model's change that integrated gradients do not account for; 0 is exact.".into(),
        ],
    }
}

fn deletion_curves(explanation: &Explanation) -> Vec<Block> {
    let chart = |task: &str| {
        let tested: Vec<_> =
            of_task(explanation, task).into_iter().filter_map(|a| Some((a.method, a.faithfulness.as_ref()?))).collect();
        let mut series: Vec<Series> = tested
            .iter()
            .map(|(method, f)| Series::new(method.name(), f.curve.iter().map(|p| [p.share, p.effect]).collect()))
            .collect();
        if let Some((_, f)) = tested.first() {
            let random = f.curve.iter().map(|p| [p.share, p.random]).collect();
            series.push(Series { dashed: true, ..Series::new("random order", random) });
        }
        let chart = LineChart {
            title: format!("{task}: deletion"),
            x: Axis { range: Some([0.0, 1.0]), ..Axis::new("share of parts taken away") },
            y: Axis::new("change of the answer"),
            series,
            ..LineChart::default()
        };
        chart.into()
    };
    tasks(explanation).into_iter().map(chart).collect()
}

/// What each task's answers rest on: bars of the first parts, or cells where the parts are an image.
fn shares(explanation: &Explanation) -> Vec<Block> {
    tasks(explanation).into_iter().flat_map(|task| shares_of(explanation, task)).collect()
}

fn shares_of(explanation: &Explanation, task: &str) -> Vec<Block> {
    let own = of_task(explanation, task);
    if let Some((rows, columns)) = explanation.grid {
        return own.into_iter().map(|a| cells(a, rows, columns).into()).collect();
    }
    let Some(first) = own.first() else { return Vec::new() };
    let top = first.top(TOP);
    let which = match explanation.parts.len() {
        n if n > top.len() => format!("the first {} of {n} parts", top.len()),
        n => format!("all {n} parts"),
    };
    let bars = |a: &&Attribution| BarSeries {
        name: a.method.name().into(),
        bars: top.iter().map(|part| Bar::from(100.0 * a.share.get(*part).copied().unwrap_or(0.0))).collect(),
    };
    let chart = BarChart {
        title: format!("{task}: largest shares"),
        caption: format!("Share of each part in the absolute scores, mean over samples; {which}, by {}.", first.method),
        value: Axis { unit: Some("%".into()), ..Axis::new("share") },
        categories: top.iter().filter_map(|part| explanation.parts.get(*part).cloned()).collect(),
        series: own.iter().map(bars).collect(),
        decimals: 1,
        ..BarChart::default()
    };
    vec![chart.into()]
}

fn cells(a: &Attribution, rows: usize, columns: usize) -> HeatMap {
    HeatMap {
        title: format!("{}: {}", a.task, a.method),
        caption: "Share of each cell of the image in the absolute scores, percent, mean over samples.".into(),
        rows: (0..rows).map(|r| format!("row {r}")).collect(),
        columns: (0..columns).map(|c| c.to_string()).collect(),
        values: a.share.chunks(columns.max(1)).map(|row| row.iter().map(|s| 100.0 * s).collect()).collect(),
        decimals: 1,
        ..HeatMap::default()
    }
}

fn attention(explanation: &Explanation) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for map in &explanation.maps {
        // Of a map with many keys, those that anybody looks at most.
        let mut keys: Vec<usize> = (0..map.keys.len()).collect();
        let most = |key: usize| map.weights.iter().filter_map(|row| row.get(key)).copied().fold(0.0, f64::max);
        if keys.len() > MOST_KEYS {
            keys.sort_by(|&a, &b| most(b).total_cmp(&most(a)));
            keys.truncate(MOST_KEYS);
            keys.sort_unstable();
        }
        let n_rows = map.queries.len().min(MOST_KEYS);
        let left_out = map.keys.len() - keys.len();
        let more =
            if left_out > 0 { format!(" {left_out} keys with less weight are left out.") } else { String::new() };
        let heat = HeatMap {
            title: map.site.clone(),
            caption: format!(
                "Mean attention weight over {} samples; rows sum to 1 over all keys.{more} A weight says where was \
                 looked, not by itself why was decided.",
                map.samples
            ),
            rows: map.queries.iter().take(n_rows).cloned().collect(),
            columns: keys.iter().map(|k| map.keys[*k].clone()).collect(),
            values: map.weights.iter().take(n_rows).map(|row| keys.iter().map(|k| row[*k]).collect()).collect(),
            decimals: 2,
            ..HeatMap::default()
        };
        let row = |query: usize| {
            let top: Vec<String> = map.top(query, 5).iter().map(|(key, w)| format!("{key} {w:.2}")).collect();
            let entropy = map.entropy.get(query).map_or(Cell::Missing, |e| Cell::number(*e, 2));
            Row::measured(map.queries[query].clone(), vec![entropy, Cell::Text(top.join(", "))])
        };
        let table = Table {
            corner: "query".into(),
            columns: vec![Column::new("entropy"), Column { align: Align::Left, ..Column::new("looks most at") }],
            rows: (0..n_rows).map(row).collect(),
            footnotes: vec!["Entropy over its largest possible value: 1 looks everywhere alike, 0 at one key.".into()],
            ..Table::default()
        };
        if n_rows > 6 {
            blocks
                .push(Details::new(format!("{} ({n_rows} queries)", map.site), vec![heat.into(), table.into()]).into());
        } else {
            blocks.extend([heat.into(), table.into()]);
        }
    }
    blocks
}

/// Single samples, of one task or of all: what speaks for and against each answer.
fn samples(explanation: &Explanation, task: Option<&str>) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let columns = TOP.min(explanation.parts.len()).max(1);
    let shown = (CELLS / (columns * explanation.attributions.len().max(1))).clamp(FEWEST_SAMPLES, SAMPLES);
    for attribution in explanation.attributions.iter().filter(|a| task.is_none_or(|task| a.task == task)) {
        let top = attribution.top(TOP);
        let names = explanation.samples.iter().take(shown).map(|sample| {
            let answer = sample.answers.iter().find(|a| a.task == attribution.task);
            format!("{}{}", sample.id, answer.map_or_else(String::new, |a| format!(": {}", in_words(a))))
        });
        let signed = attribution.method != Method::Attention;
        let heat = HeatMap {
            title: format!("{}: {}", attribution.task, attribution.method),
            caption: match signed {
                true => "Blue parts speak for the answer that was given, orange ones against it.".into(),
                false => "Attention that reaches each part.".to_owned(),
            },
            rows: names.collect(),
            columns: top.iter().filter_map(|part| explanation.parts.get(*part).cloned()).collect(),
            values: attribution
                .scores
                .iter()
                .take(shown)
                .map(|row| top.iter().map(|part| row.get(*part).copied().unwrap_or(f64::NAN)).collect())
                .collect(),
            palette: if signed { Palette::Diverging } else { Palette::Sequential },
            decimals: 2,
            ..HeatMap::default()
        };
        blocks.push(heat.into());
    }
    blocks
}

/// The answer, and what was wrong with it.
fn in_words(a: &ExplainedAnswer) -> String {
    match a.truth.as_deref() {
        Some(truth) if truth == a.answer => a.answer.clone(),
        Some(truth) if a.answer.strip_prefix("not ") == Some(truth) => format!("missed {truth}"),
        Some(truth) if truth.strip_prefix("not ") == Some(&a.answer) => format!("false alarm {}", a.answer),
        truth => format!("{} (truth {})", a.answer, truth.unwrap_or("unknown")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_metrics::MetricReport;

    use crate::analysis::explain::{AttentionMap, DeletionPoint, ExplainedSample, Faithfulness, Importance};

    fn explanation() -> Explanation {
        let point = |share, effect, random| DeletionPoint { share, effect, random };
        Explanation {
            samples: vec![ExplainedSample {
                id: 7,
                answers: vec![ExplainedAnswer {
                    task: "<income>".into(),
                    answer: "rich".into(),
                    strength: 0.8,
                    truth: Some("not rich".into()),
                }],
            }],
            parts: vec!["age".into(), "work & pay".into()],
            grid: None,
            maps: vec![AttentionMap {
                site: "pool".into(),
                queries: vec!["<income>".into()],
                keys: vec!["age".into(), "work & pay".into()],
                weights: vec![vec![0.25, 0.75]],
                entropy: vec![0.8],
                samples: 1,
            }],
            attributions: vec![Attribution {
                method: Method::IntegratedGradients,
                task: "<income>".into(),
                share: vec![0.25, 0.75],
                scores: vec![vec![-0.5, 1.5]],
                gap: Some(0.01),
                faithfulness: Some(Faithfulness {
                    effect: 0.3,
                    random: 0.1,
                    gain: 0.2,
                    spread: 0.03,
                    draws: 10,
                    curve: vec![point(0.5, 0.25, 0.05), point(1.0, 0.35, 0.35)],
                }),
            }],
            permutation: Some(Permutation {
                samples: 50,
                repeats: 4,
                whole: MetricReport::default(),
                importances: vec![Importance {
                    task: "<income>".into(),
                    metric: "auroc".into(),
                    part: "work & pay".into(),
                    loss: 0.125,
                    interval: Some((0.0625, 0.1875)),
                }],
            }),
            notes: vec!["a note".into()],
        }
    }

    #[test]
    fn the_page_says_what_was_found() {
        let html = document("Run x", &explanation()).to_html();
        for words in [
            "0.200",
            "work &amp; pay",
            "&lt;income&gt;",
            "7: false alarm rich",
            "a note",
            "0.1250",
            "0.0625 to 0.1875",
            "random order",
            "0.80",
            "when parts go, explained by integrated-gradients",
            "all 2 parts, by integrated-gradients",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("<income>") && !html.contains("<script"));
        let answer = |answer: &str, truth: Option<&str>| {
            let (answer, truth) = (answer.to_owned(), truth.map(str::to_owned));
            in_words(&ExplainedAnswer { task: "t".into(), answer, strength: 0.5, truth })
        };
        assert_eq!(answer("not Y", Some("Y")), "missed Y");
        assert_eq!(answer("Y", Some("Y")), "Y");
        assert_eq!(answer("cat", Some("dog")), "cat (truth dog)");
        assert_eq!(answer("cat", None), "cat (truth unknown)");
    }
}
