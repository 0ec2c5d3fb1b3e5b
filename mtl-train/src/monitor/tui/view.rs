//! How the dashboard looks, in a frame of any size.
//!
//! ```text
//! title   epoch, step, rate, learning rate, time left      3 lines with the bar
//! loss    curves of all tasks    | tasks  loss weight metric
//! conflict strip, newest right: ▲ ▴ agree, · neither, ▾ ▼ disagree
//! ```
//! Signs and colors say the same, so that neither is needed alone. What does not fit is left out, from the bottom.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Modifier, Style},
    symbols::Marker,
    text::{Line, Span},
    widgets::{Axis, Block, Cell, Chart, Dataset, GraphType, LineGauge, Paragraph, Row, Table},
};

use super::state::{Dashboard, Pair, TaskState};
use crate::monitor::progress::clock;

/// The colors of tasks: those of the report, as near as 256 colors come.
const COLORS: [Color; 7] = [
    Color::Indexed(33),
    Color::Indexed(208),
    Color::Indexed(36),
    Color::Indexed(175),
    Color::Indexed(178),
    Color::Indexed(75),
    Color::Indexed(246),
];

/// Pairs of tasks in the strip.
const MOST_PAIRS: u16 = 6;
const NAME_WIDTH: usize = 24;

/// Draws a dashboard.
pub fn draw(frame: &mut Frame<'_>, dashboard: &Dashboard) {
    let n_pairs = u16::try_from(dashboard.pairs.len()).unwrap_or(u16::MAX).clamp(1, MOST_PAIRS);
    let [head, middle, strip, foot] = Layout::vertical([
        Constraint::Length(2),
        Constraint::Min(6),
        Constraint::Length(n_pairs + 2),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    header(frame, head, dashboard);
    let [curves, tasks] = Layout::horizontal([Constraint::Percentage(58), Constraint::Percentage(42)]).areas(middle);
    losses(frame, curves, dashboard);
    table(frame, tasks, dashboard);
    conflict(frame, strip, dashboard);
    let words = match dashboard.is_stopping {
        true => "stopping: a checkpoint is being written",
        false => "q: write a checkpoint and stop",
    };
    frame.render_widget(Paragraph::new(words).style(Style::new().add_modifier(Modifier::DIM)), foot);
}

fn header(frame: &mut Frame<'_>, area: Rect, d: &Dashboard) {
    let [words, bar] = Layout::vertical([Constraint::Length(1), Constraint::Length(1)]).areas(area);
    let epochs = d.epochs.map_or_else(String::new, |n| format!("/{n}"));
    let best = d.best_epoch.map_or_else(String::new, |e| format!("   best epoch {}", e + 1));
    let score = d.score.map_or_else(String::new, |s| format!("   score {s:.4}"));
    let line = Line::from(vec![
        Span::styled(d.title.clone(), Style::new().add_modifier(Modifier::BOLD)),
        Span::raw(format!("   epoch {}{epochs}{score}{best}   lr {:.2e}", d.epoch + 1, d.lr)),
        Span::raw(format!("   {:.0} samples/s", d.samples_per_second)),
    ]);
    frame.render_widget(Paragraph::new(line), words);
    let share = if d.total_steps > 0 { d.step as f64 / d.total_steps as f64 } else { 0.0 };
    let eta = d.left.map_or_else(|| "?".to_owned(), clock);
    let gauge = LineGauge::default()
        .ratio(share.clamp(0.0, 1.0))
        .label(format!("{}/{}  eta {eta}", d.step, d.total_steps))
        .filled_style(Style::new().fg(COLORS[0]))
        .unfilled_style(Style::new().fg(Color::DarkGray));
    frame.render_widget(gauge, bar);
}

fn color(task: usize) -> Color {
    COLORS[task % COLORS.len()]
}

fn losses(frame: &mut Frame<'_>, area: Rect, d: &Dashboard) {
    let all = || d.tasks.iter().flat_map(|t| &t.losses);
    let low = all().map(|p| p.1).fold(f64::INFINITY, f64::min);
    let high = all().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
    let block = Block::bordered().title(" training loss, running mean ");
    if low > high {
        frame.render_widget(Paragraph::new("waiting for the first step").block(block), area);
        return;
    }
    let margin = ((high - low) * 0.05).max(1e-9);
    let (bottom, top) = (low - margin, high + margin);
    let first = all().map(|p| p.0).fold(f64::INFINITY, f64::min);
    let last = (d.step as f64).max(first + 1.0);
    let datasets: Vec<Dataset<'_>> = d
        .tasks
        .iter()
        .enumerate()
        .map(|(idx, task)| {
            Dataset::default()
                .name(task.name.as_str())
                .marker(Marker::Braille)
                .graph_type(GraphType::Line)
                .style(Style::new().fg(color(idx)))
                .data(&task.losses)
        })
        .collect();
    let chart = Chart::new(datasets)
        .block(block)
        .legend_position(None)
        .x_axis(Axis::default().bounds([first, last]).labels([format!("{first:.0}"), format!("{last:.0}")]))
        .y_axis(Axis::default().bounds([bottom, top]).labels([format!("{low:.3}"), format!("{high:.3}")]));
    frame.render_widget(chart, area);
}

fn table(frame: &mut Frame<'_>, area: Rect, d: &Dashboard) {
    let metric = |task: &TaskState| match &task.metric {
        Some((name, Some(value), before)) => {
            // A tie shows no arrow; which way is better is the metric's affair.
            let arrow = before.map_or(" ", |b| {
                if *value > b {
                    "\u{2191}"
                } else if *value < b {
                    "\u{2193}"
                } else {
                    " "
                }
            });
            format!("{name} {value:.4}{arrow}")
        }
        Some((name, None, _)) => format!("{name} undefined"),
        None => "-".into(),
    };
    let row = |(idx, task): (usize, &TaskState)| {
        Row::new([
            Cell::from(Line::from(vec![
                Span::styled("\u{2501} ", Style::new().fg(color(idx))),
                Span::raw(task.name.clone()),
            ])),
            Cell::from(task.smooth.map_or_else(|| "-".into(), |l| format!("{l:.4}"))),
            Cell::from(format!("{:.3}", task.weight)),
            Cell::from(metric(task)),
        ])
    };
    let rows: Vec<Row<'_>> = d.tasks.iter().enumerate().map(row).collect();
    let widths = [Constraint::Fill(2), Constraint::Length(8), Constraint::Length(7), Constraint::Fill(3)];
    let head = Row::new(["task", "loss", "weight", "validation"]).style(Style::new().add_modifier(Modifier::BOLD));
    frame.render_widget(Table::new(rows, widths).header(head).block(Block::bordered().title(" tasks ")), area);
}

/// Sign and color of a cosine.
fn sign(cosine: f64) -> (&'static str, Color) {
    match cosine {
        c if c < -0.3 => ("\u{25bc}", Color::Indexed(208)),
        c if c < -0.03 => ("\u{25be}", Color::Indexed(215)),
        c if c > 0.3 => ("\u{25b2}", Color::Indexed(33)),
        c if c > 0.03 => ("\u{25b4}", Color::Indexed(75)),
        _ => ("\u{b7}", Color::Indexed(245)),
    }
}

fn conflict(frame: &mut Frame<'_>, area: Rect, d: &Dashboard) {
    let block = Block::bordered().title(" gradient conflict by step: \u{25b2} agree \u{b7} neither \u{25bc} disagree ");
    let inner = block.inner(area);
    let pairs = d.worst_pairs(usize::from(inner.height));
    frame.render_widget(block, area);
    if pairs.is_empty() {
        let words = "this balancer does not look at gradients";
        frame.render_widget(Paragraph::new(words).style(Style::new().add_modifier(Modifier::DIM)), inner);
        return;
    }
    let width = usize::from(inner.width);
    let name_width = pairs.iter().map(|p| p.name.chars().count()).max().unwrap_or(0).min(NAME_WIDTH);
    let room = width.saturating_sub(name_width + 8);
    let line = |pair: &&Pair| {
        let name: String = pair.name.chars().take(name_width).collect();
        let newest = &pair.cosines[pair.cosines.len().saturating_sub(room)..];
        let now = pair.cosines.last().copied().unwrap_or(0.0);
        let mut spans = vec![Span::raw(format!("{name:name_width$} ")), Span::raw(format!("{now:>5.2} "))];
        spans.extend(newest.iter().map(|c| {
            let (sign, color) = sign(*c);
            Span::styled(sign, Style::new().fg(color))
        }));
        Line::from(spans)
    };
    frame.render_widget(Paragraph::new(pairs.iter().map(line).collect::<Vec<_>>()), inner);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::trainer::{EpochSummary, StepSummary};
    use mtl_core::{
        balance::{Conflict, Gramian},
        metric::Direction,
        step::{StepReport, TaskStep},
        task::TaskName,
    };
    use mtl_metrics::{
        MetricReport, MetricValue,
        report::{MetricEntry, TaskReport},
    };
    use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};

    fn fed(n_steps: u64, with_gramian: bool) -> Dashboard {
        let mut dashboard = Dashboard::new("census", &["income".to_owned(), "marital".to_owned()], 100);
        for step in 0..n_steps {
            let loss = 1.0 / (step + 1) as f64;
            let task = |loss| TaskStep { loss: Some(loss), count: 1.0, weight: 0.75, clip: 1.0, dropped: None };
            let second = if step.is_multiple_of(2) { [-1.0, 0.0] } else { [1.0, 1.0] };
            let report = StepReport {
                tasks: vec![task(loss), task(2.0 * loss)],
                active: vec![0, 1],
                gramian: with_gramian.then(|| Gramian::of_rows(&[[1.0, 0.0], second])),
                ..StepReport::default()
            };
            dashboard.step(&StepSummary {
                epoch: 0,
                step,
                total_steps: 100,
                lr: 2e-3,
                gradient_norm: None,
                report: &report,
                samples_per_second: 1234.0,
            });
        }
        dashboard
    }

    fn screen(dashboard: &Dashboard, width: u16, height: u16) -> (String, Buffer) {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, dashboard)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        let lines = buffer.content().chunks(usize::from(width));
        (lines.map(|line| line.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect(), buffer)
    }

    fn epoch(score: f64) -> EpochSummary {
        let task = |name: &str| TaskReport {
            task: TaskName::new(name).unwrap(),
            metrics: vec![MetricEntry {
                metric: "auroc".into(),
                direction: Direction::Maximize,
                outcome: MetricValue::defined(score, 1),
            }],
        };
        EpochSummary {
            every: crate::train::trainer::Every::default(),
            epoch: 0,
            epochs: 6,
            step: 40,
            train_loss: vec![None; 2],
            mean_weight: vec![1.0; 2],
            conflict: Conflict::default(),
            blocks: Vec::new(),
            validation: MetricReport { tasks: vec![task("income"), task("marital")], ..MetricReport::default() },
            score: Some(score),
            terms: 1,
            left_out: Vec::new(),
            is_best: true,
            incidents: 0,
            frozen: vec![false; 2],
            seconds: 1.0,
            samples_per_second: 1.0,
        }
    }

    #[test]
    fn everything_is_on_the_screen() {
        let mut dashboard = fed(40, true);
        dashboard.epoch(&epoch(0.9));
        dashboard.epoch(&epoch(0.95));
        let (text, buffer) = screen(&dashboard, 120, 30);
        for words in [
            "census",
            "epoch 1/6",
            "best epoch 1",
            "40/100",
            "eta 0:0",
            "1234 samples/s",
            "lr 2.00e-3",
            "income",
            "marital",
            "0.750",
            "auroc 0.9500\u{2191}",
            "income / marital",
            "gradient conflict",
            "q: write",
        ] {
            assert!(text.contains(words), "{words} is missing in\n{text}");
        }
        // Odd steps agree (cosine 0.71), even ones do not (-1): the strip alternates and ends with the newest.
        assert!(text.contains("\u{25bc}\u{25b2}\u{25bc}\u{25b2}"), "{text}");
        assert!(text.contains(" 0.71 "), "{text}");
        let cell = buffer.content().iter().find(|c| c.symbol() == "\u{25bc}" && c.fg == Color::Indexed(208));
        assert!(cell.is_some(), "disagreement has a color too");
        let curve =
            |idx: usize| buffer.content().iter().filter(|c| c.fg == color(idx) && is_braille(c.symbol())).count();
        assert!(curve(0) > 5 && curve(1) > 5, "{text}");
    }

    fn is_braille(symbol: &str) -> bool {
        symbol.chars().all(|c| ('\u{2801}'..='\u{28ff}').contains(&c))
    }

    #[test]
    fn nothing_yet_and_no_gradients() {
        let (text, _) = screen(&Dashboard::new("x", &["a".to_owned()], 0), 100, 24);
        assert!(text.contains("waiting for the first step") && text.contains("does not look at gradients"), "{text}");
        let (text, _) = screen(&fed(3, false), 100, 24);
        assert!(text.contains("does not look at gradients"), "{text}");
    }

    #[test]
    fn any_size_of_window_is_drawn() {
        let mut dashboard = fed(3000, true);
        dashboard.stopping();
        for (width, height) in [(1, 1), (5, 3), (20, 8), (40, 12), (300, 100)] {
            screen(&dashboard, width, height);
        }
        let (text, _) = screen(&dashboard, 90, 24);
        assert!(text.contains("stopping"), "{text}");
    }
}
