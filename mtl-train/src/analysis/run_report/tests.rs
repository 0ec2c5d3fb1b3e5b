//! Reports of small runs: what is in them, what an unfinished run gets, and that nothing hostile gets through.

use mtl_core::label_stats::LabelStats;

use super::*;
use crate::monitor::runlog::{LogConfig, RunFacts, RunLogs};

fn config(extra: &str) -> RunConfig {
    let text = format!(
        r#"
        data    = {{ kind = "synthetic-mmoe", train = 400, validation = 200, test = 100, targets = "binary" }}
        encoder = {{ kind = "tabular", token_width = 4, hidden = [] }}
        sharing = {{ kind = "task-query", features = 8, heads = 2 }}
        train   = {{ epochs = 2, batch_size = 100, statistics_every = 1 }}
        log     = {{ every = 1, csv = true, tensorboard = true, histograms = true }}
        balancer = {{ kind = "pcgrad" }}
        {extra}
        "#
    );
    RunConfig::parse(&text, "test".as_ref()).unwrap()
}

/// A finished run in a folder.
fn run(root: &std::path::Path, config: &RunConfig) -> (RunDir, Session) {
    let splits = config.data.load().unwrap();
    let mut session = Session::new(config, &splits).unwrap();
    let dir = RunDir::create(root, config, session.data()).unwrap();
    let facts = RunFacts::of(config, &splits, &session);
    let mut logs = RunLogs::create(&dir, &config.log, &facts, &config.to_toml().unwrap()).unwrap();
    let store = CheckpointStore::open(&dir.checkpoints(), 2).unwrap();
    session.trainer.fit(&session.train, &session.validation, &mut logs, Some(&store)).unwrap();
    assert_eq!(logs.failures().count(), 0);
    (dir, session)
}

#[test]
fn the_report_of_a_run_before_and_after_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("");
    let (dir, session) = run(&folder.path().join("small"), &config);

    write(&dir, &Reopen::default()).unwrap();
    let html = std::fs::read_to_string(dir.report()).unwrap();
    assert!(html.contains("This run has not finished: 2 epochs are done"));

    let model = session.trainer.model();
    write_atomic(&dir.weights(), &model.params().to_safetensors().unwrap()).unwrap();
    let (test, intervals) = session.test_with_intervals().unwrap();
    let best = session.trainer.history().iter().rfind(|e| e.is_best).unwrap();
    let metrics = serde_json::json!({
        "best_epoch": 1, "validation": best.validation, "test": test, "intervals": intervals,
        "constant": { "validation": best.validation, "test": test },
    });
    write_atomic(&dir.metrics(), metrics.to_string().as_bytes()).unwrap();
    write(&dir, &Reopen::default()).unwrap();
    let html = std::fs::read_to_string(dir.report()).unwrap();
    for words in [
        "Synthetic data",
        "Test numbers are those that the finished run wrote down",
        "Loss weights over time",
        "Learning rate",
        "Share of conflicting steps",
        "Mean cosine by block of parameters",
        "Precision and recall",
        "Expected calibration error",
        "Confusion",
        "Worst of 200 samples",
        "random order",
        "shared by all tasks",
        "multiply-adds of a forward pass",
        "train.optimizer.kind",
        "bootstrap, 1000 resamples of the test samples",
        "Not told apart from a constant answer on test: y1-high (auroc",
        "missed: truth ",
        "The doctor found nothing wrong",
        "chooses epochs and settings",
    ] {
        assert!(html.contains(words), "{words}");
    }
    let outcome = Outcome::read(&dir).unwrap();
    // The one pass that the page makes gives the numbers of the run, and curves are those of the metrics.
    let said = outputs(model, &session.validation).unwrap();
    assert_eq!(said.report, best.validation);
    for task in 0..2 {
        let shown = |words: String| assert!(html.contains(&words), "{words}");
        let auroc = said.metrics.get::<mtl_metrics::Auroc>(task).unwrap().compute().value.unwrap();
        assert_eq!(said.report.tasks[task].metrics[0].outcome.value, Some(auroc));
        shown(crate::report::written(auroc));
        let ece = said.metrics.get::<mtl_metrics::class::Ece>(task).unwrap().compute().value.unwrap();
        shown(format!("Expected calibration error (the metric ece) {}", crate::report::written(ece)));
    }
    let tested = test.tasks[0].metrics[0].outcome.value.unwrap();
    assert!(html.contains(&format!("{tested:.4}")), "the test value is that of metrics.json");
    assert_eq!(outcome.unwrap().intervals.unwrap(), intervals);
    assert!(!html.contains("<script"));
}

#[test]
fn all_logs_of_a_run_tell_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, session) = run(&folder.path().join("small"), &config(""));
    let history = History::read(&dir.log()).unwrap();
    assert_eq!(history.epochs, session.trainer.history());
    assert_eq!(history.steps.len(), 8);
    assert!(history.steps[0].cosine(0, 1).is_some());

    let events = std::fs::read_dir(dir.tensorboard()).unwrap().next().unwrap().unwrap().path();
    let events = crate::monitor::runlog::tensorboard::read(&events).unwrap();
    let losses: Vec<f32> = events.iter().filter_map(|e| e.scalar("train/y1-high/loss")).collect();
    let logged = history.steps.iter().map(|s| s.losses[0].unwrap());
    assert_eq!(losses.len(), 8);
    assert!(losses.iter().zip(logged).all(|(event, line)| (f64::from(*event) - line).abs() < 1e-6));
    use crate::monitor::runlog::tensorboard::{Value, What};
    let histograms = events.iter().filter_map(|e| match &e.what {
        What::Values(values) => Some(values.iter().filter(|(_, v)| matches!(v, Value::Histogram(_))).count()),
        What::Version(_) => None,
    });
    assert_eq!(histograms.sum::<usize>(), 2 * session.trainer.model().params().params().len());

    let mut rows = csv::Reader::from_path(dir.root().join("steps.csv")).unwrap();
    let headers = rows.headers().unwrap().clone();
    let place = headers.iter().position(|h| h == "y1-high.loss").unwrap();
    let column: Vec<f64> = rows.records().map(|r| r.unwrap()[place].parse().unwrap()).collect();
    assert_eq!(column, history.steps.iter().map(|s| s.losses[0].unwrap()).collect::<Vec<_>>());
    let mut rows = csv::Reader::from_path(dir.root().join("epochs.csv")).unwrap();
    let headers = rows.headers().unwrap().clone();
    let place = headers.iter().position(|h| h == "y2-high.auroc").unwrap();
    let column: Vec<f64> = rows.records().map(|r| r.unwrap()[place].parse().unwrap()).collect();
    let value = |e: &crate::train::trainer::EpochSummary| e.validation.tasks[1].metrics[0].outcome.value.unwrap();
    assert_eq!(column, history.epochs.iter().map(value).collect::<Vec<_>>());
    assert_eq!(LogConfig::default().every, 10);
}

#[test]
fn a_run_without_a_checkpoint_gets_what_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("");
    let session = Session::new(&config, &config.data.load().unwrap()).unwrap();
    let dir = RunDir::create(&folder.path().join("empty"), &config, session.data()).unwrap();
    std::fs::write(dir.log(), "{\"type\":\"run\",\"tasks\":[\"<b>y1</b>\"],\"seed\":1}\n").unwrap();
    write_with(&dir, &config, None, None).unwrap();
    let html = std::fs::read_to_string(dir.report()).unwrap();
    assert!(html.contains("There is no model yet"));
    assert!(!html.contains("<b>y1"));
}

/// A table with six tasks of three kinds, one of them in tens of thousands and one with gaps.
fn table_of_six(folder: &std::path::Path) -> RunConfig {
    let row = |i: usize| {
        let (age, town) = (20 + i * 37 % 60, ["Ulm", "Bonn"][i % 2]);
        let yes = |n: usize| if (age + n * i) % 5 < 2 { "Y" } else { "N" };
        let gap = if i.is_multiple_of(4) { "" } else { yes(3) };
        format!("{age},{town},{},{},{gap},{},{},{}\n", yes(1), yes(2), ["low", "high"][i % 2], 1000 * age, age % 7)
    };
    let file = folder.join("six.csv");
    std::fs::write(&file, format!("age,town,a,b,c,d,e,f\n{}", (0..400).map(row).collect::<String>())).unwrap();
    let text = format!(
        r#"
        [data]
        kind = "csv"
        train = "{}"
        schema.missing = [""]
        schema.columns = [
            {{ name = "age", kind = "numeric" }}, {{ name = "town", kind = "categorical" }},
            {{ name = "a", kind = "label", label = {{ binary = {{ positive = "Y" }} }} }},
            {{ name = "b", kind = "label", label = {{ binary = {{ positive = "Y" }} }} }},
            {{ name = "c", kind = "label", label = {{ binary = {{ positive = "Y" }} }} }},
            {{ name = "d", kind = "label", label = "class" }},
            {{ name = "e", kind = "label", label = "value" }},
            {{ name = "f", kind = "label", label = "value" }},
        ]
        [encoder]
        kind = "tabular"
        token_width = 2
        hidden = [8]
        [train]
        epochs = 2
        batch_size = 64
        selection = "a.auroc"
        "#,
        file.display()
    );
    RunConfig::parse(&text, "test".as_ref()).unwrap()
}

#[test]
fn many_tasks_are_folded_and_the_table_leads_to_each() {
    let folder = tempfile::tempdir().unwrap();
    let config = table_of_six(folder.path());
    let (dir, session) = run(&folder.path().join("six"), &config);
    let (test, intervals) = session.test_with_intervals().unwrap();
    let [mean] = &intervals.means[..] else { panic!("three tasks of AUROC: {:?}", intervals.means) };
    assert_eq!((mean.tasks, mean.of.metric.as_str()), (3, "auroc"));
    let constant = serde_json::json!({ "validation": test, "test": test });
    let metrics = serde_json::json!({ "best_epoch": 1, "test": test, "intervals": intervals, "constant": constant });
    write_atomic(&dir.metrics(), metrics.to_string().as_bytes()).unwrap();
    let (history, outcome) = (History::read(&dir.log()).unwrap(), Outcome::read(&dir).unwrap());
    let splits = config.data.load().unwrap();
    let page = document("six", &config, &history, outcome.as_ref(), Some(&splits), Some(&session)).unwrap();
    let html = page.to_html();
    for task in 1..=6 {
        assert!(html.contains(&format!("<a href=\"#task-{task}\">")), "a row leads to task {task}");
        assert!(html.contains(&format!("<div id=\"task-{task}\">")), "and task {task} is there");
    }
    let LabelStats::MultiLabel { labels } = &session.labels()[2] else { panic!("yes or no") };
    let gaps = 100.0 * labels[0].missing as f64 / session.train.source().len() as f64;
    let gaps = format!("{gaps:.1} %");
    for words in [
        "mean of 3 tasks",
        "Task by task",
        "town: Ulm",
        "age: ",
        "auroc on validation",
        &gaps,
        "over 3 tasks, 95 % interval ",
        "Not told apart from a constant answer on test (",
        " of 6 tasks): ",
        "Every task had the loss weight 1.000 in every step.",
    ] {
        assert!(html.contains(words), "{words}");
    }
    // Errors in tens of thousands and in ones share no axis: each line starts at 1. Ranks by AUROC do.
    let [Block::Columns(Columns { blocks, .. })] = &overview::curves(&history)[..] else { panic!("one row of charts") };
    let charts =
        blocks.iter().map(|block| if let Block::LineChart(chart) = block { chart } else { panic!("{block:?}") });
    let starts = |title: &str| {
        let chart = charts.clone().find(|chart| chart.title == title).unwrap();
        chart.series.iter().map(|line| line.points[0][1]).collect::<Vec<_>>()
    };
    assert!(starts("rmse on validation, first epoch = 1").iter().all(|y| (y - 1.0).abs() < 1e-12));
    let aurocs = starts("auroc on validation");
    // One that validation does not define is a gap in its line.
    assert!(aurocs.len() == 3 && aurocs.iter().all(|y| y.is_nan() || (0.0..=1.0).contains(y)), "{aurocs:?}");
    // Whole numbers of the file come back as such.
    let ages = html.match_indices("age: ").map(|(at, _)| &html[at + 5..at + 7]).filter(|age| !age.starts_with('#'));
    assert!(
        ages.clone().count() > 10 && ages.clone().all(|age| age.parse::<u32>().is_ok()),
        "{:?}",
        ages.collect::<Vec<_>>()
    );
    let found =
        explain::explain(session.trainer.model(), session.validation.source(), &ExplainOptions::default()).unwrap();
    let explained = explain::document("six", &found);
    assert!(explained.to_html().contains("<a href=\"#rests-6\">"));
}
