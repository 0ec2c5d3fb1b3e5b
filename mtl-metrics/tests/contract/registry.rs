//! What the list of metrics promises: every name builds what its line says, reads back as it is written, refuses settings out of
//! range by name; every metric that today's answers feed is computed on them and merges whichever way these come.

use crate::cases::draw::Random;
use mtl_core::{
    Error,
    answer::{Answer, Cells, Class, Labels, MultiLabel, Ordinal, Sequence, Tags, Values},
    distribution::{Family, Forecast, Form},
    metric::{Direction, MetricFacts, MetricName, Setting},
    prediction::{Prediction, Reference, Scores},
};
use mtl_metrics::{
    AnyMetric, MetricBatch, MetricRegistry, MetricSet, Streaming,
    aggregate::{Aggregate, Composite},
    build, known, laws,
    registry::Entry,
    regress::{Pinball, Rmse},
};
use ndarray::Array2;

fn entries() -> &'static [Entry] {
    MetricRegistry::ours().entries()
}

fn name(text: &str) -> MetricName {
    MetricName::new(text).unwrap()
}

#[test]
fn a_line_and_its_metric_say_the_same() {
    for entry in entries() {
        entry.check().unwrap_or_else(|e| panic!("{e}"));
        let usual = entry.usual();
        let found = known(&usual).unwrap();
        assert_eq!(found.to_string(), usual, "a name is written as it is read");
        assert_eq!(found.facts(), entry.facts(), "{usual}");
        assert!(!entry.facts().about.is_empty() && !entry.facts().answers.is_empty(), "{usual}");
        let metric = build(&usual).unwrap();
        assert_eq!(
            (metric.name(), metric.direction(), metric.range()),
            (usual.as_str(), found.direction(), found.facts().range)
        );
        let (low, high) = metric.range();
        assert!(low < high, "{usual}");
    }
}

#[test]
fn no_name_means_two_metrics() {
    for (idx, entry) in entries().iter().enumerate() {
        for other in &entries()[idx + 1..] {
            assert_ne!(entry.usual(), other.usual());
        }
    }
}

/// A value of the setting that is neither its usual one nor an end of its range.
fn another(setting: &Setting) -> &'static str {
    if let Some(last) = setting.choices().last() {
        return last;
    }
    match setting.key {
        "bins" | "k" | "inputs" | "percent" | "tolerance" | "steps" => "3",
        "alpha" | "level" | "fpr" | "recall" | "precision" | "sensitivity" | "q" | "p" => "0.25",
        "nearest" => "0.5",
        _ => "2.5",
    }
}

#[test]
fn settings_are_part_of_the_name_and_keep_their_range() {
    for entry in entries() {
        for setting in entry.facts().settings {
            let spelled = format!("{}@{}={}", entry.base(), setting.key, another(setting));
            let found = known(&spelled).unwrap_or_else(|e| panic!("{e}"));
            assert_ne!(found.to_string(), entry.usual(), "{spelled}: another setting is another metric");
            assert_eq!(known(found.name().as_str()).unwrap(), found, "{spelled}: what is written reads back");
            let text = found.to_string();
            assert!(text.contains(&format!("{}={}", setting.key, another(setting))), "{spelled} became {text}");
            for bad in ["inf", "nan", "x", "-1e300"] {
                let e = known(&format!("{}@{}={bad}", entry.base(), setting.key)).unwrap_err();
                let Error::InvalidConfig { what, field, expected, .. } = &e else { panic!("{spelled}: {e}") };
                assert_eq!((*what, *field, expected), (entry.base(), setting.key, &setting.range()), "{e}");
            }
        }
        let e = known(&format!("{}@colour=3", entry.base())).unwrap_err().to_string();
        assert!(e.contains("unknown"), "{e}");
    }
}

#[test]
fn every_spelling_that_ever_was_is_understood() {
    for (old, new) in [
        ("top-5-accuracy", "top-k-accuracy@k=5"),
        ("top-3-accuracy", "top-k-accuracy@k=3"),
        ("partial-auroc@0.1", "partial-auroc@fpr=0.1"),
        ("partial-auroc", "partial-auroc@fpr=0.1"),
        ("min-dcf@0.01", "min-dcf@p=0.01"),
        ("ef@1%", "ef@percent=1"),
        ("bedroc@20", "bedroc@alpha=20"),
        ("macro-f0.5", "macro-f@beta=0.5"),
        ("ece@10", "ece@bins=10"),
        ("ece@bins=15", "ece"),
        ("ndcg@10", "ndcg@k=10"),
        ("recall@fpr=0.05", "recall@fpr=0.05"),
        ("recall@k=5", "recall@k=5"),
        ("recall@precision=0.5", "recall@precision=0.5"),
        ("min-dcf@miss=10,p=0.05", "min-dcf@p=0.05,miss=10"),
        ("tweedie-deviance@-1", "tweedie-deviance@power=-1"),
        ("macro-f1", "macro-f1"),
        ("span-f1@average=macro,scheme=auto", "span-f1@average=macro"),
        ("span-recall@mode=strict,scheme=iob1", "span-recall@scheme=iob1,mode=strict"),
    ] {
        assert_eq!(known(old).unwrap().to_string(), new);
        assert!(MetricRegistry::ours().same(old, new));
    }
}

#[test]
fn wrong_names_are_refused_with_what_is_right() {
    let e = known("acuracy").unwrap_err().to_string();
    assert!(e.starts_with(r#"unknown metric "acuracy", known are accuracy, "#), "{e}");
    let e = known("recall").unwrap_err().to_string();
    assert_eq!(e, r#"unknown metric "recall", known are recall@fpr=0.01, recall@precision=0.9, recall@k=10"#);
    let e = known("eec@bins=10").unwrap_err().to_string();
    assert!(e.contains("known are ece"), "{e}");
    assert!(known("ece@bins=10,bins=11").unwrap_err().to_string().contains("twice"));
    assert!(known("Accuracy").is_err());
}

/// What is answered where names matter.
fn answer(entry: &Entry, kind: &str) -> Answer {
    match kind {
        Sequence::NAME => Answer::sequence(["the", "cat", "sat", "on"]),
        _ => Answer::tags(["O", "B-x", "I-x", "B-y", "I-y", "B-z", "I-z"].into_iter().take(classes(entry))),
    }
}

/// So many classes or tags that a metric of them is defined: five of four classes are all of them.
fn classes(entry: &Entry) -> usize {
    if entry.base() == "top-k-accuracy" { 7 } else { 4 }
}

/// Lists of samples: of tokens, of any lengths, or scores and tags of equally many items.
fn lists(kind: &str, n: usize, n_tags: usize, random: &mut Random) -> (Prediction, Reference) {
    let lengths: Vec<usize> = (0..n).map(|_| 1 + random.below(5)).collect();
    if kind == Sequence::NAME {
        // Like the truth, but for a token here and there; some are not labeled.
        let truth: Vec<Vec<i64>> =
            lengths.iter().map(|&n| (0..n + 3).map(|_| random.below(4) as i64).collect()).collect();
        let mut heard = |token: i64| match random.below(8) {
            0 => None,
            1 => Some(0),
            _ => Some(token),
        };
        let said: Vec<Vec<i64>> =
            truth.iter().map(|tokens| tokens.iter().filter_map(|&token| heard(token)).collect()).collect();
        let truth: Vec<Vec<i64>> =
            truth.into_iter().map(|tokens| if random.below(10) == 0 { vec![-100] } else { tokens }).collect();
        return (Prediction::Sequence { tokens: Labels::lists(&said) }, Reference::Sequence(Labels::lists(&truth)));
    }
    let truth: Vec<Vec<i64>> = lengths
        .iter()
        .map(|&n| (0..n).map(|_| if random.below(10) == 0 { -100 } else { random.below(n_tags) as i64 }).collect())
        .collect();
    let truth = Labels::lists(&truth);
    let scores = (0..n_tags * truth.cells().len()).map(|_| random.number()).collect();
    let scores = Labels::ragged(Cells::Number(scores), truth.offsets().unwrap().to_vec(), &[n_tags]).unwrap();
    (Prediction::Tags { scores, kind: Scores::Logits, path: None }, Reference::Tags(truth))
}

/// For metrics of distributions some of these numbers, for others the numbers.
fn distributions(base: &str, values: Array2<f32>) -> Prediction {
    let form = match base {
        "crps" | "nll" | "crps-gaussian" => Form::Family { family: Family::Gaussian, levels: Vec::new() },
        "crps-quantile" | "interval-coverage" | "interval-width" | "winkler" => {
            Form::Quantiles { levels: vec![0.05, 0.5, 0.95] }
        }
        _ => return Prediction::Values { values },
    };
    // Around each number, rising, by which it is a mean and a deviation too.
    let width = form.width();
    let numbers = Array2::from_shape_fn((values.nrows(), values.ncols() * width), |(row, at)| {
        let value = values[[row, at / width]];
        match (width, at % width) {
            (3, at) => value * (0.8 + 0.2 * at as f32),
            (_, 0) => value,
            _ => 0.3 * value,
        }
    });
    Prediction::Forecast(Forecast::new(form, numbers).unwrap())
}

/// Answers of one kind that every metric of it can read, about a tenth unknown, and a group for each sample.
fn draw(entry: &Entry, kind: &str, n: usize, random: &mut Random) -> (Prediction, Reference, Vec<u64>) {
    let groups = (0..n).map(|_| random.below(3) as u64).collect();
    let missing = |random: &mut Random| random.below(10) == 0;
    let yes_no = entry.facts().about.contains("needs groups") || entry.base().contains("kappa");
    let classes = classes(entry);
    let (prediction, truth) = match kind {
        Tags::NAME | Sequence::NAME => lists(kind, n, classes, random),
        Class::NAME | Ordinal::NAME => {
            let c = if yes_no { 2 } else { classes };
            let scores = Array2::from_shape_simple_fn((n, c), || random.number());
            let labels = (0..n).map(|_| if missing(random) { -100 } else { random.below(c) as i64 }).collect();
            match kind {
                Ordinal::NAME => (Prediction::Ordinal { scores, kind: Scores::Logits }, Reference::Ordinal(labels)),
                _ => (Prediction::Class { scores, kind: Scores::Logits }, Reference::Class(labels)),
            }
        }
        MultiLabel::NAME => {
            let one = ["grade", "off-by-one", "nmi", "homogeneity", "completeness", "v-measure", "ari", "cluster"];
            let c = if yes_no || one.iter().any(|start| entry.base().starts_with(start)) { 1 } else { 3 };
            let scores = Array2::from_shape_simple_fn((n, c), || random.number());
            let label = |random: &mut Random| if missing(random) { f32::NAN } else { random.below(2) as f32 };
            let labels = Array2::from_shape_simple_fn((n, c), || label(random));
            (Prediction::MultiLabel { scores, kind: Scores::Logits }, Reference::MultiLabel(labels))
        }
        _ => {
            // Positive, a multiple of 2 and of 3 columns; signals are long, whole rows are unknown.
            let columns = match entry.base() {
                "mase" => 1,
                name if name.starts_with("normal") => 3,
                "stoi" | "estoi" => 6000,
                _ => 6,
            };
            let mut truth = Array2::from_shape_simple_fn((n, columns), || random.number().exp());
            if entry.base() == "fall-out" {
                truth.column_mut(0).fill(0.0); // without something irrelevant there is nothing to fall for
            }
            let values = truth.mapv(|x| x * (1.0 + 0.1 * random.number().abs()));
            for row in 0..n {
                if missing(random) {
                    truth.row_mut(row).fill(f32::NAN);
                }
            }
            (distributions(entry.base(), values), Reference::Values(truth))
        }
    };
    (prediction, truth, groups)
}

#[test]
fn a_hundred_names_are_computed_on_the_answers_of_today() {
    let mut computed = 0;
    for entry in entries().iter().filter(|entry| entry.is_fed()) {
        let usual = entry.usual();
        for kind in entry.facts().answers {
            let random = &mut Random(11);
            let n = if entry.base().contains("stoi") { 3 } else { 40 };
            let (prediction, truth, groups) = draw(entry, kind, n, random);
            let answer = answer(entry, kind);
            let fresh = || {
                let mut metric = build(&usual).unwrap();
                if [Tags::NAME, Sequence::NAME].contains(kind) {
                    metric.set_answer(&answer).unwrap();
                }
                metric
            };
            let feed = |metric: &mut Box<dyn AnyMetric>, rows: &[usize]| {
                let (said, truth) = (prediction.gather(rows), truth.gather(rows));
                let of: Vec<u64> = rows.iter().map(|&row| groups[row]).collect();
                let ids: Vec<u64> = rows.iter().map(|&row| row as u64).collect();
                let batch = MetricBatch::new(&said, &truth).of_task("t").with_ids(&ids).of_answer(&answer);
                let needs_groups = entry.facts().about.contains("needs groups");
                metric.update_batch(&if needs_groups { batch.with_groups(&of) } else { batch })
            };
            let mut metric = fresh();
            feed(&mut metric, &(0..n).collect::<Vec<_>>()).unwrap_or_else(|e| panic!("{usual} of {kind}: {e}"));
            let value = metric.compute().value.unwrap_or_else(|| panic!("{usual} of {kind}: {:?}", metric.compute()));
            let (low, high) = metric.range();
            assert!((low..=high).contains(&value), "{usual} of {kind}: {value}");
            let (order, cuts) = (random.shuffled(n), random.cuts(n));
            laws::check_with(&fresh(), n, feed, &order, &cuts, laws::Tolerance::Relative(1e-9))
                .unwrap_or_else(|e| panic!("{usual} of {kind}: {e}"));
        }
        computed += 1;
    }
    assert!(computed >= 100, "only {computed} metrics can be computed");
}

#[test]
fn rankings_within_groups_do_not_care_how_they_are_cut() {
    for base in ["ndcg", "mrr", "map", "recall@k=2", "fall-out@k=2", "r-precision"] {
        let random = &mut Random(5);
        let n = 60;
        let scores = Array2::from_shape_simple_fn((n, 1), || random.number());
        let labels = Array2::from_shape_simple_fn((n, 1), || random.below(2) as f32);
        let (prediction, truth) =
            (Prediction::MultiLabel { scores, kind: Scores::Logits }, Reference::MultiLabel(labels));
        let groups: Vec<u64> = (0..n).map(|_| random.below(7) as u64).collect();
        let feed = |metric: &mut Box<dyn AnyMetric>, rows: &[usize]| {
            let (said, truth) = (prediction.gather(rows), truth.gather(rows));
            let of: Vec<u64> = rows.iter().map(|&row| groups[row]).collect();
            metric.update_batch(&MetricBatch::new(&said, &truth).with_groups(&of))
        };
        let (order, cuts) = (random.shuffled(n), random.cuts(n));
        laws::check_with(&build(base).unwrap(), n, feed, &order, &cuts, laws::Tolerance::Bits)
            .unwrap_or_else(|e| panic!("{base}: {e}"));
    }
}

#[test]
fn metrics_of_answers_to_come_refuse_those_of_today_by_name() {
    let values = Array2::ones((2, 6));
    let (prediction, truth) = (Prediction::Values { values: values.clone() }, Reference::Values(values));
    let mut waiting = 0;
    for entry in entries().iter().filter(|entry| !entry.is_fed()) {
        let kinds = entry.facts().answers;
        assert!(
            !kinds.iter().any(|kind| [Tags::NAME, Sequence::NAME, Ordinal::NAME].contains(kind)),
            "{}",
            entry.base()
        );
        if ["ssim", "uqi"].contains(&entry.base()) {
            continue; // Their batch reads numbers as pixels; a picture is no answer yet.
        }
        let mut metric = build(&entry.usual()).unwrap();
        let e = metric.update_batch(&MetricBatch::new(&prediction, &truth).of_task("income")).unwrap_err().to_string();
        let kind = entry.facts().answers[0];
        assert!(e.contains(&format!("answers of kind {kind} ({} of task income)", entry.usual())), "{e}");
        waiting += 1;
    }
    assert!(waiting > 20, "{waiting}");
}

#[test]
fn a_metric_from_outside_is_one_like_ours() {
    let facts = MetricFacts::minimize("pinball loss under another name", &[Values::NAME])
        .with(const { &[Setting::between("q", 0.0, 1.0).or(0.5)] });
    #[derive(Debug, Clone)]
    struct Mine(MetricName, Pinball);
    impl mtl_metrics::Metric for Mine {
        type Batch<'a> = MetricBatch<'a>;
        type State = <Pinball as mtl_metrics::Metric>::State;
        fn name(&self) -> &str {
            self.0.as_str()
        }
        fn direction(&self) -> Direction {
            self.1.direction()
        }
        fn range(&self) -> (f64, f64) {
            self.1.range()
        }
        fn update(&self, state: &mut Self::State, batch: &MetricBatch<'_>) -> mtl_core::Result<()> {
            self.1.update(state, batch)
        }
        fn compute(&self, state: &Self::State) -> mtl_metrics::MetricValue {
            self.1.compute(state)
        }
    }
    let build = |settings: &mtl_core::metric::Settings| -> mtl_core::Result<Box<dyn AnyMetric>> {
        Ok(Box::new(Streaming::new(Mine(settings.name()?, Pinball::new(settings.number("q")?)?))))
    };
    let registry = MetricRegistry::default().with("check-loss", facts, build).unwrap();
    assert_eq!(registry.find(&name("check-loss@0.9")).unwrap().to_string(), "check-loss@q=0.9");
    assert!(MetricRegistry::ours().find(&name("check-loss")).is_err(), "ours are as they were");
    assert!(registry.clone().with("check-loss", facts, build).is_err(), "a name is taken once");
    // The process's has it once it is registered; again is nothing, another of that name is refused.
    for _ in 0..2 {
        mtl_metrics::registry::register("check-loss", facts, build).unwrap();
    }
    assert!(mtl_metrics::registry::process().find(&name("check-loss@q=0.9")).is_ok());
    assert!(MetricRegistry::ours().find(&name("check-loss")).is_err(), "ours are as they were");
    let other =
        |_: &mtl_core::metric::Settings| -> mtl_core::Result<Box<dyn AnyMetric>> { Ok(Box::new(Streaming::new(Rmse))) };
    let taken = mtl_metrics::registry::register("check-loss", facts, other).unwrap_err();
    assert!(matches!(taken, mtl_core::Error::Duplicate { .. }), "{taken}");
    let wrong = MetricFacts::maximize("the wrong way round", &[Values::NAME]);
    let e = MetricRegistry::default().with("rmse-2", wrong, |_| Ok(Box::new(Streaming::new(Rmse)))).unwrap_err();
    assert!(e.to_string().contains("it calls itself rmse"), "{e}");

    // Sets and expressions read it.
    let task = mtl_core::task::Task::new("age").unwrap().judged_by(registry.find(&name("check-loss@q=0.9")).unwrap());
    let tasks = mtl_core::task::TaskSet::new(vec![task]).unwrap();
    let mut set = MetricSet::primary_of(&registry, &tasks).unwrap();
    let values = |x: f32| Array2::from_elem((1, 1), x);
    set.update(0, &Prediction::Values { values: values(1.0) }, &Reference::Values(values(3.0))).unwrap();
    let composite = Composite::parse("2*age.check-loss@0.9", &set).unwrap();
    let found = composite.compute(&set.compute()).unwrap().value.unwrap();
    assert!((found - 2.0 * 0.9 * 2.0).abs() < 1e-12, "{found}");
    assert!(MetricSet::primary(&tasks).is_err());
}

#[test]
fn expressions_read_settings_and_old_spellings() {
    let task = mtl_core::task::Task::new("a").unwrap().judged_by(known("auroc").unwrap());
    let tasks = mtl_core::task::TaskSet::new(vec![task]).unwrap();
    let chosen =
        MetricName::several(&["recall@fpr=0.05", "ece@bins=10", "top-5-accuracy", "accuracy", "ef@1%"]).unwrap();
    let set = MetricSet::new(&tasks, &[chosen]).unwrap();
    let metrics = |text: &str| -> Vec<String> {
        let composite = Composite::parse(text, &set).unwrap_or_else(|e| panic!("{e}"));
        composite.metrics().iter().map(|(_, metric)| (*metric).to_owned()).collect()
    };
    assert_eq!(metrics("a.recall@fpr=0.05-0.5*(1-a.accuracy)"), ["recall@fpr=0.05", "accuracy"]);
    assert_eq!(metrics("mean(a.top-5-accuracy,a.accuracy)"), ["top-k-accuracy@k=5", "accuracy"]);
    assert_eq!(metrics("min(1 - a.ece@10,a.recall@fpr=0.05)"), ["ece@bins=10", "recall@fpr=0.05"]);
    assert_eq!(metrics("a.accuracy-2"), ["accuracy"]);
    assert_eq!(metrics("norm(a.ef@1%, 0, 100)+a.accuracy"), ["ef@percent=1", "accuracy"]);
    let e = Composite::parse("a.ece@bins=11", &set).unwrap_err().to_string();
    assert!(e.contains(r#"does not compute "ece@bins=11", it computes recall@fpr=0.05, ece@bins=10"#), "{e}");
}

#[test]
fn reports_of_older_versions_are_found_by_todays_names() {
    let task = mtl_core::task::Task::new("a").unwrap();
    let set = MetricSet::new(
        &mtl_core::task::TaskSet::new(vec![task]).unwrap(),
        &[MetricName::several(&["top-k-accuracy@k=5", "accuracy"]).unwrap()],
    );
    let mut report = set.unwrap().compute();
    report.tasks[0].metrics[0].metric = "top-5-accuracy".to_owned();
    assert_eq!(report.entry("a", "top-k-accuracy@k=5").unwrap().metric, "top-5-accuracy");
    assert!(report.entry("a", "accuracy").is_ok() && report.entry("a", "auroc").is_err());
}
