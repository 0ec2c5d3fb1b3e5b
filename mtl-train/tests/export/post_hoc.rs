//! What is fitted to answers goes where the model goes: run, package, recording, table of answers, report, evaluation.

use std::fs;

use mtl_core::prediction::Prediction;
use mtl_train::{
    analysis::run_report,
    config::RunConfig,
    deploy::{
        export::{Formats, TORCHSCRIPT, export},
        predict::{OutputFormat, Predictor, Writer},
    },
    run::{
        dir::RunDir,
        life::{Limit, Run},
        outcome::Outcome,
        session::Session,
    },
};
use tch::Device;

use crate::fixture::{CONFIG, difference, join, rows};

/// The fixture's configuration with something fitted to every task.
fn config(folder: &std::path::Path) -> String {
    CONFIG
        .replace("[data]\nkind", &format!("[data]\ndir = {folder:?}\nkind"))
        .replace("selection =", "calibration_share = 0.5\nselection =")
        .replace(
            "name = \"grade\"\n[[task]]",
            "name = \"grade\"\ncalibration = { kind = \"isotonic\" }\nconformal = { coverage = 0.8, score = { kind = \"aps\" } }\n\
             reject = { kind = \"share\", share = 0.25 }\n[[task]]",
        )
        .replace(
            "name = \"sold\"\n",
            "name = \"sold\"\ncalibration = { kind = \"temperature\" }\nconformal = { coverage = 0.8 }\nthreshold = { kind = \"bayes\", \
             false_negative = 4 }\nreject = { kind = \"cost\", cost = 0.3 }\n",
        )
        .replace("name = \"price\"\n", "name = \"price\"\nconformal = { coverage = 0.8 }\n")
        .replace("name = \"box\"\n", "name = \"box\"\nconformal = { coverage = 0.5 }\n")
}

#[test]
fn what_is_fitted_goes_where_the_model_goes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("train.csv"), rows(1, 300, false)).unwrap();
    fs::write(path("test.csv"), rows(2, 123, true)).unwrap();
    let text = config(folder.path());
    let config = RunConfig::parse(&text, "run.toml".as_ref()).unwrap();
    let splits = config.data.load().unwrap();
    let mut run = Run::create(&path("run"), config, &splits).unwrap();
    assert_eq!(run.session().validation.source().len(), 30, "half of validation chooses");
    run.train(Limit::End, &mut ()).unwrap();
    let outcome = run.finish(None).unwrap();
    let dir = RunDir::open(&path("run")).unwrap();

    // What it is worth is written down, before and after, of the part that was fitted on and of test.
    assert_eq!(Outcome::read(&dir).unwrap().unwrap().post_hoc, outcome.post_hoc);
    let found = outcome.post_hoc.clone().unwrap();
    assert_eq!((found.share, found.tasks.len()), (0.5, 4));
    let (grade, sold, boxes) = (&found.tasks[0], &found.tasks[1], &found.tasks[3]);
    assert_eq!((grade.on_fit.samples, grade.test.samples), (30, 123));
    let losses = sold.on_fit.probabilities.unwrap();
    assert!(losses.after.log_loss.unwrap() <= losses.before.log_loss.unwrap() + 1e-6, "{losses:?}");
    assert!(grade.on_fit.covered[0].coverage >= 0.8 && sold.on_fit.covered[0].coverage >= 0.8);
    assert!(sold.test.decided[0].threshold - 0.2 < 1e-6 && grade.on_fit.selected[0].rejected <= 0.25);
    assert_eq!(boxes.test.covered.iter().map(|own| own.output.as_str()).collect::<Vec<_>>(), ["w", "h"]);
    run_report::write_with(&dir, run.config(), Some(&splits), Some(run.session())).unwrap();
    let page = fs::read_to_string(dir.report()).unwrap();
    assert!(page.contains("Calibration, sets and decisions") && page.contains("Risk over coverage"));
    // The network's own metrics are as they were.
    assert_eq!(outcome.test, run.session().test().unwrap());

    // Run, weights and recording say the same, and it is not what the network says.
    export(&dir, &path("package"), Formats::Both).unwrap();
    export(&dir, &path("weights"), Formats::Safetensors).unwrap();
    let alone = path("alone.pt");
    fs::copy(path("package").join(TORCHSCRIPT), &alone).unwrap();
    let card = fs::read_to_string(path("package").join("README.md")).unwrap();
    assert!(
        card.contains("## Calibration, sets and decisions")
            && card.contains("Probabilities of grade, sold are calibrated")
    );
    let csv = path("test.csv");
    let said =
        |model: &Predictor| -> Vec<Vec<Prediction>> { model.answers(&csv, 50).unwrap().map(Result::unwrap).collect() };
    let of_run = Predictor::of_run(&dir).unwrap();
    let expected = join(said(&of_run).into_iter());
    for place in [&path("package"), &path("weights"), &alone] {
        let found = join(said(&Predictor::open(place, Device::Cpu).unwrap()).into_iter());
        let off = difference(&expected, &found);
        assert!(off <= 1e-5, "{}: {off}", place.display());
    }
    let model = run.session().trainer.model();
    let batches = run.session().test_loader().epoch(0).unwrap();
    let own = join(batches.map(|batch| model.predict(&batch.unwrap().inputs).unwrap()));
    assert!(difference(&expected[..2], &own[..2]) > 1e-3 && difference(&expected[2..], &own[2..]) <= 1e-6);

    // The table of answers has a column for all of it.
    let written = |format: OutputFormat| {
        let mut writer = Writer::new(Vec::new(), format, &of_run.description().tasks).unwrap();
        said(&of_run).iter().for_each(|batch| writer.write(batch).unwrap());
        String::from_utf8(writer.finish().unwrap().1).unwrap()
    };
    let table = written(OutputFormat::Csv);
    let header = table.lines().next().unwrap();
    for column in ["grade.set", "grade.rejected", "sold.yes.set", "sold.yes.decided", "sold.yes.rejected", "price.low"]
    {
        assert!(header.split(',').any(|name| name == column), "{column} of {header}");
    }
    assert!(table.lines().all(|line| line.split(',').count() == header.split(',').count()));
    let first: serde_json::Value = serde_json::from_str(written(OutputFormat::Jsonl).lines().next().unwrap()).unwrap();
    assert!(first["grade"]["set"].is_array() && first["sold"]["labels"]["yes"]["rejected"].is_boolean(), "{first}");
    let [low, high] = [0, 1].map(|end| first["box"]["interval"]["w"][end].as_f64().unwrap());
    assert!(low < first["box"]["values"]["w"].as_f64().unwrap() && high > low);

    // Other settings are fitted to the run that has ended, without a step.
    drop(run);
    let other = RunConfig::parse(&text.replace("coverage = 0.5", "coverage = 0.75"), "run.toml".as_ref()).unwrap();
    let mut run = Run::resume(&path("run"), other, &splits).unwrap();
    run.train(Limit::End, &mut ()).unwrap();
    let again = run.finish(None).unwrap();
    assert_eq!(
        (&again.test, again.post_hoc.as_ref().map(|own| &own.tasks[..3])),
        (&outcome.test, Some(&found.tasks[..3]))
    );
    assert!(again.post_hoc.unwrap().tasks[3].fitted[0].contains("coverage 0.75"));

    // A file that is damaged, or missing, is refused by name.
    let kept = fs::read_to_string(dir.post_hoc()).unwrap();
    fs::write(dir.post_hoc(), kept.replacen("0.8", "0.9", 1)).unwrap();
    assert!(Predictor::of_run(&dir).unwrap_err().to_string().contains("damaged or was edited"));
    fs::remove_file(dir.post_hoc()).unwrap();
    let e = Predictor::of_run(&dir).unwrap_err().to_string();
    assert!(e.contains("post_hoc.json") && e.contains("grade, sold, price, box: has the run finished?"), "{e}");
}

#[test]
fn what_cannot_be_fitted_is_refused_before_the_first_step() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("train.csv"), rows(1, 300, false)).unwrap();
    fs::write(folder.path().join("test.csv"), rows(2, 50, false)).unwrap();
    let text = config(folder.path());
    let refusal = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let config = RunConfig::parse(&text.replacen(from, to, 1), "run.toml".as_ref());
        let e = match config {
            Err(e) => e,
            Ok(config) => {
                let splits = config.data.load().unwrap();
                Run::create(&folder.path().join("run"), config, &splits).unwrap_err()
            }
        };
        assert!(!folder.path().join("run").exists(), "{e}");
        e.to_string()
    };
    let e = refusal("coverage = 0.8 }\nhead", "coverage = 0.8 }\ncalibration = { kind = \"auto\" }\nhead");
    assert!(e.contains("numbers have no probability to calibrate"), "{e}");
    let e = refusal("score = { kind = \"aps\" }", "score = { kind = \"contiguous\" }");
    assert!(e.contains("it is of grades"), "{e}");
    let e = refusal("coverage = 0.8, score", "coverage = 0.99, score");
    assert!(e.contains("0.99 takes 99 labeled ones") && e.contains("30 of grade"), "{e}");
    let e = refusal("\nreject = { kind = \"share\", share = 0.25 }", "\nthreshold = { kind = \"f1\" }");
    assert!(e.contains("one of 3 classes has no one threshold"), "{e}");
    let plain = CONFIG.replace("[data]\nkind", &format!("[data]\ndir = {:?}\nkind", folder.path()));
    let plain = plain.replace("selection =", "calibration_share = 0.5\nselection =");
    let config = RunConfig::parse(&plain, "run.toml".as_ref()).unwrap();
    let notes = Session::new(&config, &config.data.load().unwrap()).unwrap().notes();
    assert!(notes.iter().any(|note| note.message.contains("no task has calibration")), "{notes:?}");
}
