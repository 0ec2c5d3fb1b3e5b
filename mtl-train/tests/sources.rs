//! Data of several sources, from the configuration file to the last verb: other inputs, other sizes, tasks of their own.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use mtl_core::step::StepMode;
use mtl_data::{Mix, Source};
use mtl_train::{
    RunConfig, Session,
    analysis::{
        affinity::{AffinityOptions, affinity},
        dry_run::DryRun,
        explain::{self, ExplainOptions, Samples},
        inspect::{self, Examination},
        run_report,
    },
    config::ConfigSource,
    deploy::{
        export::{Formats, export},
        predict::{Predictor, Request, predict_file},
    },
    run::{
        data::Reopen,
        dir::RunDir,
        life::{Ended, Limit, Run},
        outcome::Outcome,
        plan::ModelPlan,
        sources::side_by_side,
    },
    study::compare::{self, Plan},
    train::{
        checkpoint::CheckpointStore,
        trainer::{Ending, Flow, Observer, StepSummary},
    },
};
use tch::{Device, Tensor};
use tempfile::TempDir;

/// What is drawn, and threads inside operations, are of the process: tests that train take turns.
static TURN: Mutex<()> = Mutex::new(());

/// A folder with the files of two sources, while it is this test's turn.
struct Place {
    dir: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Place {
    fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Customers of a shop (a table) and what was written about it (texts): two sources in a folder.
fn place() -> Place {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let mut rows = String::from("age,visits,town,churn,spend\n");
    for i in 0..120 {
        let (age, visits) = (20 + i * 7 % 40, i * 5 % 9);
        let town = ["ulm", "bonn", "kiel"][i % 3];
        rows += &format!("{age},{visits},{town},{},{}\n", ["no", "yes"][usize::from(visits > 4)], 3 * age + visits);
    }
    fs::write(dir.path().join("customers.csv"), rows).unwrap();
    let (mut texts, mut moods) = (String::new(), String::new());
    for i in 0..70 {
        let mood = ["bad", "good"][i % 2];
        texts += &format!("the shop in {} was {} today\n", ["ulm", "bonn", "kiel"][i % 3], ["awful", "lovely"][i % 2]);
        moods += &format!("{mood}\n");
    }
    fs::write(dir.path().join("texts"), texts).unwrap();
    fs::write(dir.path().join("moods"), moods).unwrap();
    Place { dir, _turn: turn }
}

/// The configuration, with lines of `[train]` and whatever stands behind it.
fn text(place: &Place, train: &str, more: &str) -> String {
    let dir = place.path();
    format!(
        r#"
        [data.reviews]
        kind = "parallel-text"
        dir = {dir:?}
        text = "texts"
        tasks = [{{ name = "mood", file = "moods", kind = "class" }}]

        [data.customers]
        kind = "csv"
        dir = {dir:?}
        train = "customers.csv"
        schema = {{ columns = [
            {{ name = "age", kind = "numeric" }},
            {{ name = "visits", kind = "numeric" }},
            {{ name = "town", kind = "categorical" }},
            {{ name = "churn", kind = "label", label = "class" }},
            {{ name = "spend", kind = "label", label = "value" }},
        ] }}

        [encoder]
        kind = "per-source"
        width = 8
        hidden = [6]
        sources.customers = {{ kind = "tabular", token_width = 2, hidden = [8] }}
        sources.reviews = {{ kind = "lstm", embedding = 4, hidden = 4 }}

        [train]
        batch_size = 16
        optimizer = {{ kind = "adamw", lr = 0.01 }}
        {train}

        [device]
        threads = 1
        {more}
        "#
    )
}

fn config(place: &Place, train: &str, more: &str) -> RunConfig {
    RunConfig::parse(&text(place, train, more), Path::new("test.toml")).unwrap()
}

/// With steps in proportion to gradients, as of one that is next to nothing roundings are made large otherwise, and nothing drawn for
/// samples, which each rank draws for its own.
fn plain(text: &str) -> String {
    let text = text.replace("kind = \"adamw\", lr = 0.01", "kind = \"sgd\", lr = 0.02");
    text.replace("embedding = 4, hidden = 4", "embedding = 4, hidden = 4, word_dropout = 0.0")
}

/// Stops after so many steps, and remembers which tasks each was about.
#[derive(Default)]
struct Steps {
    stop_at: Option<u64>,
    seen: Vec<Vec<usize>>,
    /// Whether the last step had a Gramian, and of how many tasks.
    gramian: Option<usize>,
}

impl Observer for Steps {
    fn step(&mut self, step: &StepSummary<'_>) {
        self.seen.push(step.report.active.clone());
        self.gramian = step.report.gramian.as_ref().map(|gramian| gramian.m());
    }

    fn flow(&self) -> Flow {
        match self.stop_at {
            Some(n) if self.seen.len() as u64 >= n => Flow::Stop,
            _ => Flow::Continue,
        }
    }
}

fn values(session: &Session) -> Vec<(String, Tensor)> {
    session.trainer.model().params().tensors().map(|(name, t)| (name.to_owned(), t.detach().copy())).collect()
}

const MIXED: &str =
    "epochs = 3\nmix = { kind = \"temperature\", temperature = 2.0 }\nsources = { reviews = { batch_size = 8 } }";

#[test]
fn a_run_of_two_sources_is_killed_resumed_and_used() {
    let place = place();
    let config = config(&place, MIXED, "");
    let splits = config.data.load().unwrap();
    let [whole, pieces] = ["whole", "pieces"].map(|name| place.path().join(name));
    let mut run = Run::create(&whole, config.clone(), &splits).unwrap();
    let mut steps = Steps::default();
    assert_eq!(run.train(Limit::End, &mut steps).unwrap(), Ended::Finished);
    // Sources come by name, so customers' tasks are first; a step is of one source.
    assert!(steps.seen.iter().all(|tasks| *tasks == [0, 1] || *tasks == [2]));
    assert!(steps.seen.contains(&vec![0, 1]) && steps.seen.contains(&vec![2]));
    let outcome = run.finish(None).unwrap();
    run_report::write_with(run.dir(), run.config(), Some(&splits), Some(run.session())).unwrap();

    // Stopped inside an epoch, then at the end of one, then to the end.
    for stop_at in [Some(5), None] {
        let mut run = Run::enter(&pieces, config.clone(), &splits).unwrap();
        let mut steps = Steps { stop_at, ..Steps::default() };
        let limit = if stop_at.is_some() { Limit::End } else { Limit::Epochs(2) };
        let ended = run.train(limit, &mut steps).unwrap();
        assert_eq!(ended, if stop_at.is_some() { Ended::Stopped } else { Ended::Paused });
    }
    let again = Run::data(&pieces, &config).unwrap();
    let mut run = Run::resume(&pieces, config.clone(), &again).unwrap();
    assert_eq!(run.train(Limit::End, &mut ()).unwrap(), Ended::Finished);
    run.finish(None).unwrap();
    run_report::write_with(run.dir(), run.config(), Some(&again), Some(run.session())).unwrap();
    for file in ["model.safetensors", "metrics.json", "data.json"] {
        assert!(fs::read(whole.join(file)).unwrap() == fs::read(pieces.join(file)).unwrap(), "{file} differs");
    }

    // One file of metrics, each task judged on its own source's samples.
    let read = Outcome::at(&whole).unwrap().unwrap();
    assert_eq!(read.test, outcome.test);
    let tasks: Vec<&str> = read.test.tasks.iter().map(|task| task.task.as_str()).collect();
    assert_eq!(tasks, ["churn", "spend", "mood"]);
    let mood = read.test.entry("mood", "accuracy").unwrap();
    assert_eq!(mood.outcome.support, splits.sources[1].splits.test.len());

    used(&place, &whole);
    learned_elsewhere(&place, &whole);
}

/// Report, prediction, export and explanation of the finished run.
fn used(place: &Place, root: &Path) {
    let dir = RunDir::open(root).unwrap();
    let (page, changes) = run_report::write(&dir, &Reopen::default()).unwrap();
    assert!(changes.is_empty());
    let page = fs::read_to_string(page).unwrap();
    for word in ["reviews", "customers", "mood", "spend", "lovely"] {
        assert!(page.contains(word), "{word} is not on the page");
    }
    let session = dir.session().unwrap();
    assert_eq!(session.test().unwrap(), Outcome::at(root).unwrap().unwrap().test);
    let drawn = session.drawn(session.total_steps()).unwrap();
    assert!(page.contains("What was drawn of each source"));
    assert_eq!(drawn.iter().map(|part| part.drawn).sum::<u64>(), session.total_steps());
    // Each task's step changes the losses of all, also of those that other samples have.
    let each = side_by_side(&session.validation).unwrap();
    let found = affinity(session.trainer.model(), &each, &AffinityOptions { batches: 1, step: 0.01 }).unwrap();
    assert!(found.look_ahead.iter().flatten().all(Option::is_some), "{found:?}");

    let package = place.path().join("package");
    export(&dir, &package, Formats::Safetensors).unwrap();
    let card = fs::read_to_string(package.join("README.md")).unwrap();
    assert!(card.contains("mtl predict . --source reviews --input FILE --output answers.csv  # mood"), "{card}");
    let e = export(&dir, &place.path().join("traced"), Formats::Torchscript).unwrap_err().to_string();
    assert!(e.contains("export with --format safetensors"), "{e}");
    for model in [root, package.as_path()] {
        let predictor = Predictor::open(model, Device::Cpu).unwrap();
        let ask = |input: &str, source: Option<&str>| {
            let output = place.path().join("answers.csv");
            let request = Request {
                input: place.path().join(input),
                source: source.map(str::to_owned),
                output: Some(output.clone()),
                format: None,
                batch_size: 50,
            };
            let found = predict_file(&predictor, &request).map_err(|e| e.to_string())?;
            Ok::<_, String>(((found.rows, found.source), fs::read_to_string(output).unwrap()))
        };
        let ((rows, source), answers) = ask("texts", None).unwrap();
        assert_eq!((rows, source.as_deref()), (70, Some("reviews")), "no table reads it");
        assert!(answers.starts_with("row,mood,mood.bad,mood.good\n"), "{answers}");
        let ((rows, _), answers) = ask("customers.csv", Some("customers")).unwrap();
        assert!(rows == 120 && answers.starts_with("row,churn,churn.no,churn.yes,spend\n"), "{answers}");
        let e = ask("customers.csv", None).unwrap_err();
        assert!(e.contains("it can be read as samples of customers and of reviews; say of which source it is"), "{e}");
        assert!(
            ask("texts", Some("revews"))
                .unwrap_err()
                .contains("unknown source \"revews\", known are customers, reviews")
        );
        // What is said of a file is what evaluation said of its samples.
        let batch = session.validation.source().batch(&[0]).unwrap();
        let said = session.trainer.model().predict_wanted(&batch.inputs, |task| task < 2).unwrap();
        let same = predictor.predict_tasks(&batch.inputs, &[0, 1]).unwrap();
        assert_eq!(said.into_iter().flatten().collect::<Vec<_>>(), same);
    }

    let options = ExplainOptions { samples: Samples::Random(4), reference: 4, draws: 2, ..ExplainOptions::default() };
    let model = session.trainer.model();
    let e = explain::explain(model, session.validation.source(), &options).unwrap_err().to_string();
    assert!(e.contains("of one source at a time, found those of customers and of reviews"), "{e}");
    let own = mtl_data::source::PartOf::new(session.validation.source().clone(), "customers").unwrap();
    let found = explain::explain(model, &own, &options).unwrap();
    assert!(found.attributions.iter().all(|a| a.task != "mood") && !found.attributions.is_empty());
}

/// Parts of the model in a third configuration, which has one of the sources alone.
fn learned_elsewhere(place: &Place, root: &Path) {
    let table = text(place, "epochs = 1", "").replace("[data.customers]", "[data]");
    let alone = &table[table.find("[data]").unwrap()..];
    let encoder = alone.find("[encoder]").unwrap();
    let train = alone.find("[train]").unwrap();
    let text = format!(
        r#"{}
        [encoder]
        kind = "tabular"
        token_width = 2
        hidden = [8]
        [init]
        from = {root:?}
        map = {{ encoder = "encoder.sources.customers", "heads.churn" = "heads.churn" }}
        {}"#,
        &alone[..encoder],
        &alone[train..]
    );
    let third = RunConfig::parse(&text, Path::new("third.toml")).unwrap();
    let splits = third.data.load().unwrap();
    let mut session = Session::new(&third, &splits).unwrap();
    let e = third.init.as_ref().unwrap().load(&mut session).unwrap_err().to_string();
    // The head stood behind the shared layers, which are of another width.
    assert!(e.contains("heads.churn"), "{e}");
    let text = text.replace(", \"heads.churn\" = \"heads.churn\"", "");
    let third = RunConfig::parse(&text, Path::new("third.toml")).unwrap();
    let mut session = Session::new(&third, &splits).unwrap();
    let report = third.init.as_ref().unwrap().load(&mut session).unwrap();
    assert!(report.loaded.len() >= 3 && report.refused.is_empty(), "{report}");
    let before = RunDir::open(root).unwrap().model().unwrap().model;
    for name in &report.loaded {
        let there = name.replace("encoder.", "encoder.sources.customers.");
        let same = before.params().get(&there).unwrap().tensor()
            == session.trainer.model().params().get(name).unwrap().tensor();
        assert!(same, "{name}");
    }
}

#[test]
fn every_mixer_trains_and_a_joint_step_is_about_all_tasks() {
    let place = place();
    for (name, _) in Mix::ALL {
        let config =
            config(&place, &format!("steps = 12\nmix = {{ kind = {name:?} }}"), "[balancer]\nkind = \"upgrad\"");
        let splits = config.data.load().unwrap();
        let new = || Session::new(&config, &splits).unwrap();
        let (mut session, mut steps) = (new(), Steps::default());
        session.fit(&mut steps, None).unwrap();
        assert_eq!(steps.seen.len(), 12, "{name}");
        // The same in two pieces.
        let store = CheckpointStore::open(&place.path().join(name), 1).unwrap();
        let mut first = Steps { stop_at: Some(5), ..Steps::default() };
        assert_eq!(new().fit(&mut first, Some(&store)).unwrap(), Ending::Stopped);
        let mut second = new();
        second.trainer.resume(store.latest().unwrap().unwrap().0).unwrap();
        second.fit(&mut (), None).unwrap();
        assert!(values(&second) == values(&session), "{name} goes on otherwise");
        match *name {
            "joint" => {
                assert!(steps.seen.iter().all(|tasks| *tasks == [0, 1, 2]));
                assert_eq!(steps.gramian, Some(3), "gradients of both sources meet");
            }
            "round-robin" => {
                // Each epoch begins with the first source.
                let n = usize::try_from(session.train.n_batches()).unwrap();
                let expected = [vec![0, 1], vec![2]];
                for epoch in steps.seen.chunks(n) {
                    assert!(epoch.iter().zip(expected.iter().cycle()).all(|(tasks, expected)| tasks == expected));
                }
            }
            _ => assert!(steps.seen.iter().all(|tasks| *tasks == [0, 1] || *tasks == [2]), "{name}"),
        }
        assert!(session.test().unwrap().tasks.iter().all(|task| task.metrics[0].outcome.value.is_some()), "{name}");
    }
    // Two passes in one step are nothing special to any way of taking it.
    let stepped = |mode: &str| {
        let train = format!("steps = 3\nmix = {{ kind = \"joint\" }}\nstep_mode = {{ kind = {mode:?} }}");
        let text = plain(&text(&place, &train, "[balancer]\nkind = \"upgrad\""));
        let config = RunConfig::parse(&text, Path::new("test.toml")).unwrap();
        let mut session = Session::new(&config, &config.data.load().unwrap()).unwrap();
        session.fit(&mut (), None).unwrap();
        values(&session)
    };
    let exact = stepped("exact");
    for (mode, _) in StepMode::ALL.iter().filter(|(mode, _)| !["exact", "representation"].contains(mode)) {
        for ((name, expected), (_, found)) in exact.iter().zip(stepped(mode)) {
            let far = (expected - found).abs().max().double_value(&[]);
            assert!(far < 1e-4, "{mode}: {name} is {far:e} off");
        }
    }
    // A joint step of equal weights is the sum of what its sources' steps would be: nothing is scaled by their number.
    let one = |mix: &str, balancer: &str| {
        let train = format!("steps = 1\nmix = {{ kind = {mix:?} }}\nclip_norm = 1e9");
        let config = config(&place, &train, &format!("[balancer]\nkind = {balancer:?}"));
        let splits = config.data.load().unwrap();
        let mut session = Session::new(&config, &splits).unwrap();
        let before = values(&session);
        session.fit(&mut (), None).unwrap();
        (before, values(&session))
    };
    let (before, after) = one("joint", "equal");
    let moved = |name: &str| before.iter().zip(&after).any(|((own, a), (_, b))| own.starts_with(name) && a != b);
    for part in ["encoder.sources.customers", "encoder.sources.reviews", "encoder.trunk0", "heads.churn", "heads.mood"]
    {
        assert!(moved(part), "{part} has learned");
    }
}

#[test]
fn ranks_draw_alike_and_learn_what_one_would() {
    let place = place();
    // A method that weighs gradients against each other makes roundings larger.
    for (mix, balancer, near) in [("joint", "equal", 5e-6), ("temperature", "equal", 5e-6), ("joint", "upgrad", 1e-4)] {
        let on = |device: &str| {
            let train = format!("steps = 6\nmix = {{ kind = {mix:?} }}");
            let text = plain(&text(&place, &train, &format!("[balancer]\nkind = {balancer:?}")));
            let config = RunConfig::parse(&text.replace("threads = 1", device), Path::new("test.toml")).unwrap();
            let mut session = Session::new(&config, &config.data.load().unwrap()).unwrap();
            session.fit(&mut (), None).unwrap();
            (session.ranks(), values(&session))
        };
        let ((one, expected), (two, found)) = (on("threads = 1"), on("ranks = 2"));
        assert_eq!((one, two), (1, 2));
        let far = |(a, b): (&(String, Tensor), &(String, Tensor))| (&a.1 - &b.1).abs().max().double_value(&[]);
        let worst = expected.iter().zip(&found).map(far).fold(0.0, f64::max);
        assert!(worst < near, "{mix}, {balancer}: {worst:e} off");
    }
}

#[test]
fn a_step_of_one_source_leaves_what_belongs_to_others_alone() {
    let place = place();
    let config = config(&place, "steps = 1\nmix = { kind = \"round-robin\" }", "");
    let splits = config.data.load().unwrap();
    let mut session = Session::new(&config, &splits).unwrap();
    let before = values(&session);
    session.fit(&mut (), None).unwrap();
    for ((name, before), (_, after)) in before.iter().zip(values(&session)) {
        let foreign = name.starts_with("encoder.sources.reviews") || name.starts_with("heads.mood");
        // What no label standardizes and no row reaches may stay; what is foreign must.
        assert!(!foreign || *before == after, "{name} has moved");
    }
    let moved = |part: &str| {
        let after = values(&session);
        before.iter().zip(&after).any(|((name, a), (_, b))| name.starts_with(part) && a != b)
    };
    assert!(moved("encoder.sources.customers") && moved("encoder.trunk0") && moved("heads.churn"));
}

#[test]
fn a_task_alone_trains_on_its_own_source() {
    let place = place();
    let config = config(&place, "epochs = 1", "[[task]]\nname = \"mood\"");
    let splits = config.data.load().unwrap();
    let plan = ModelPlan::new(&config, &splits.info).unwrap();
    let inputs: Vec<&str> = plan.inputs.iter().map(|(name, _)| name).collect();
    assert_eq!((inputs, plan.inputs.sets().len()), (vec!["text"], 1), "no encoder for what it never sees");
    let session = Session::new(&config, &splits).unwrap();
    assert_eq!(session.train.source().len(), splits.sources[1].splits.train.len());

    // Both at once: what a dry run says is about the layers of both.
    let both = self::config(&place, "epochs = 1", "");
    let dry = DryRun::new(&both, &splits).unwrap();
    let learned: usize = dry.layers.iter().map(|layer| layer.parameters).sum();
    let owned = dry.tasks.iter().map(|task| task.own).sum::<usize>() + dry.tasks[0].shared;
    assert!(learned > owned / 2 && dry.tasks.iter().all(|task| task.known > 0.0), "{learned} of {owned}");
    for name in ["encoder.sources.customers.width.0", "encoder.sources.reviews.width.0"] {
        assert!(dry.layers.iter().any(|layer| layer.name == name), "{:?}", dry.layers);
    }

    let more = "[compare]\nbalancer = [{ kind = \"equal\" }]\nseeds = [1]";
    let source = ConfigSource::new(text(&place, "epochs = 1", more), Path::new("test.toml"), &[]).unwrap();
    let study = source.study().unwrap();
    let plan = Plan::new(study.run, &study.compare).unwrap();
    let found = compare::run(&plan, &splits, &place.path().join("study"), &mut ()).unwrap().unwrap();
    assert_eq!(found.tasks.len(), 3);
    assert!(compare::to_text(&found).contains("mood"));
}

#[test]
fn what_cannot_be_is_refused_in_a_line() {
    let place = place();
    let refusal = |text: &str| {
        let source = ConfigSource::new(text, Path::new("test.toml"), &[]).unwrap();
        let config = match source.config() {
            Ok(config) => config,
            Err(e) => return e.to_string(),
        };
        let splits = match config.data.load() {
            Ok(splits) => splits,
            Err(e) => return source.explain(e.into()).to_string(),
        };
        let mut session = match Session::new(&config, &splits) {
            Ok(session) => session,
            Err(e) => return source.explain(e).to_string(),
        };
        let (train, validation) = (session.train.clone(), session.validation.clone());
        source.explain(session.trainer.fit(&train, &validation, &mut (), None).unwrap_err()).to_string()
    };
    let whole = |train: &str, more: &str| text(&place, train, more);
    let single = "data = { kind = \"synthetic-mmoe\" }\n";
    let tables = [table(&place, "first", "churn", 1), table(&place, "second", "spend", 1), "[encoder]".into()].concat();
    let tables = tables.replacen("name = \"visits\", kind = \"numeric\"", "name = \"visits\", kind = \"ignore\"", 1);
    for (text, part) in [
        (
            format!("{single}train = {{ mix = {{ kind = \"uniform\" }} }}"),
            "mix must be left out where [data] is a single data set",
        ),
        (
            format!("{single}train = {{ sources = {{ a = {{ batches = 3 }} }} }}"),
            "sources must be left out where [data] is a single",
        ),
        (
            whole("sources = { revews = { batch_size = 4 } }", ""),
            "unknown source \"revews\", known are customers, reviews",
        ),
        (
            whole("", "").replace("sources.customers", "sources.shoppers"),
            "unknown source \"shoppers\", known are customers, reviews",
        ),
        (
            whole("sources = { reviews = { batch_size = 0 } }", ""),
            "train.sources.reviews.batch_size must be >= 1, found 0",
        ),
        (
            whole("sources = { reviews = { batches = 20000000 } }", ""),
            "train.sources.reviews.batches must be in [1, 10000000], found 20000000",
        ),
        (whole("mix = { kind = \"temprature\" }", ""), "train.mix.kind: unknown \"temprature\""),
        (whole("mix = { kind = \"temperature\", temperature = 0.5 }", ""), "train.mix.temperature must be >= 1"),
        (
            whole("", "").replace("name = \"mood\", file", "name = \"churn\", file"),
            "sources must be of tasks of their own: put files of one task together in one source, or rename one, found churn in reviews",
        ),
        (
            whole("", "").replace("[data.reviews]", "[data.\"re.views\"]"),
            "named by letters, digits, - and _, found \"re.views\"",
        ),
        (
            tables.replace("[encoder]", "[encoder]\nkind = \"mlp\""),
            "mlp encoder: inputs must be numeric fields, found those of first or of second, never together: take kind per-source",
        ),
        (
            whole("", "[sharing]\nkind = \"fusion\""),
            "of inputs that every sample has, to be put together, found those of customers or of reviews",
        ),
        (
            whole("", "[[joint_metric]]\nname = \"both\"\nkind = \"all-correct\"\ntasks = [\"churn\", \"mood\"]"),
            "tasks must be of one source: it is about samples that have labels of all, found churn, mood",
        ),
        (
            whole("", "[balancer]\nkind = \"auto-lambda\""),
            "a balancer that learns from the step's own batch, as the next may be of another source, found auto-lambda",
        ),
        (
            whole("mix = { kind = \"joint\" }\naccumulate = 2", ""),
            "accumulate must be 1 where a step has 2 batches already, one of each source",
        ),
        (
            whole(
                "mix = { kind = \"joint\" }\nstep_mode = { kind = \"representation\" }",
                "[balancer]\nkind = \"upgrad\"",
            ),
            "mix must be another than joint where task gradients are taken at the features",
        ),
    ] {
        let e = refusal(&text);
        assert!(e.contains(part), "{e}\nlacks {part}");
    }
    let e = ConfigSource::read_in(&written(&place, &whole("", "")), &[], Some(Path::new("x"))).unwrap_err().to_string();
    assert!(e.contains("one data set: --set data.<name>.dir for each source, found several"), "{e}");
    let set = ["data.reviews.seed=3".to_owned(), "train.mix.kind=joint".to_owned(), "task.mood.weight=2".to_owned()];
    let set = ConfigSource::read(&written(&place, &whole("", "")), &set).unwrap().config().unwrap();
    assert_eq!((set.train.mix.unwrap().name(), set.tasks.len(), set.tasks[2].weight), ("joint", 3, 2.0));
}

fn written(place: &Place, text: &str) -> PathBuf {
    let path = place.path().join("run.toml");
    fs::write(&path, text).unwrap();
    path
}

/// The table of customers as a source with one of its tasks.
fn table(place: &Place, name: &str, task: &str, seed: u64) -> String {
    let (other, label) = if task == "churn" { ("spend", "class") } else { ("churn", "value") };
    format!(
        r#"[data.{name}]
        kind = "csv"
        dir = {:?}
        train = "customers.csv"
        seed = {seed}
        schema = {{ columns = [{{ name = "age", kind = "numeric" }}, {{ name = "visits", kind = "numeric" }},
            {{ name = "town", kind = "ignore" }}, {{ name = "{task}", kind = "label", label = "{label}" }},
            {{ name = "{other}", kind = "ignore" }}] }}
        "#,
        place.path(),
    )
}

#[test]
fn the_doctor_looks_at_each_source_and_between_them() {
    let place = place();
    let source = ConfigSource::new(text(&place, "epochs = 1", ""), Path::new("test.toml"), &[]).unwrap();
    let examined = Examination::new(&source);
    assert!(!examined.is_broken(), "{:?}", examined.all());
    assert!(examined.findings.iter().any(|f| f.place.starts_with("reviews: ")), "{:?}", examined.findings);

    // The same table twice, each time with another task, cut alike and cut otherwise.
    let findings = |seed: u64| {
        let text = [table(&place, "first", "churn", 1), table(&place, "second", "spend", seed)].concat();
        let config = RunConfig::parse(&text, Path::new("test.toml")).unwrap();
        let found = inspect::check(&config.data.load().unwrap()).unwrap();
        let crossed = found.into_iter().map(|f| f.to_string()).filter(|f| f.contains("the trunk"));
        crossed.collect::<Vec<_>>()
    };
    assert!(!findings(1).iter().any(|f| f.contains("is cut from customers.csv")), "cut alike, {:?}", findings(1));
    assert!(
        findings(2).iter().any(|f| f.contains("is cut from customers.csv, as is first, but otherwise")),
        "{:?}",
        findings(2)
    );
}
