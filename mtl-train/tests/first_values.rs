//! First values from another model: a trunk, a model with a task more, a frozen part; and what is refused.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test, helpers included")]

use std::path::Path;

use mtl_core::{params::to_safetensors, state::StateValue};
use mtl_train::{
    RunConfig, Session,
    run::{
        dir::RunDir,
        life::{Ended, Limit, Run},
    },
    train::trainer::Trainer,
};
use tch::{Kind, Tensor};

fn config(targets: &str, more: &str) -> RunConfig {
    let text = format!(
        r#"
        data    = {{ kind = "synthetic-mmoe", train = 300, validation = 100, test = 100, targets = "{targets}" }}
        encoder = {{ kind = "mlp", hidden = [8, 6] }}
        {more}
        "#
    );
    RunConfig::parse(&text, "test.toml".as_ref()).unwrap()
}

const TRAIN: &str = "train = { epochs = 2, batch_size = 100, schedule = { kind = \"constant\" } }";

/// A finished run of two tasks.
fn former(root: &Path) -> RunDir {
    let config = config("binary", TRAIN);
    let splits = config.data.load().unwrap();
    let mut run = Run::create(root, config, &splits).unwrap();
    assert_eq!(run.train(Limit::End, &mut ()).unwrap(), Ended::Finished);
    run.finish(None).unwrap();
    run.dir().clone()
}

fn values(trainer: &Trainer) -> Vec<(String, Tensor)> {
    trainer.model().params().tensors().map(|(name, tensor)| (name.to_owned(), tensor.detach().copy())).collect()
}

fn of<'a>(all: &'a [(String, Tensor)], name: &str) -> &'a Tensor {
    &all.iter().find(|(own, _)| own == name).unwrap_or_else(|| panic!("{name}")).1
}

#[test]
fn a_trunk_that_stays_as_it_is_and_heads_that_learn() {
    let folder = tempfile::tempdir().unwrap();
    let before = former(&folder.path().join("before"));
    let trunk = before.model().unwrap().model;
    let init = format!("init = {{ from = {:?}, map = {{ encoder = \"encoder\" }} }}", before.root());
    let train = TRAIN.replace("epochs", "groups = [{ prefix = \"encoder\", lr_factor = 0 }], epochs");
    let config = config("values", &format!("{init}\n{train}"));
    let splits = config.data.load().unwrap();
    let root = folder.path().join("after");
    let mut run = Run::create(&root, config.clone(), &splits).unwrap();
    let note = run.notes().iter().find(|note| note.place == "init").unwrap().to_string();
    assert!(note.contains("4 tensors loaded") && note.contains("heads.y1"), "{note}");
    let first = values(&run.session().trainer);
    for (name, tensor) in trunk.params().tensors().filter(|(name, _)| name.starts_with("encoder.")) {
        assert_eq!(of(&first, name), tensor, "{name}");
    }
    let trained = run.session().trainer.model().params().params().iter().filter(|p| p.is_trained());
    assert!(trained.clone().count() > 0 && trained.clone().all(|p| p.name().starts_with("heads.")));
    assert_eq!(run.train(Limit::Epochs(1), &mut ()).unwrap(), Ended::Paused);
    drop(run);
    // The source may be gone when the run goes on.
    std::fs::rename(before.root(), folder.path().join("elsewhere")).unwrap();
    let mut run = Run::resume(&root, config, &splits).unwrap();
    assert_eq!(run.train(Limit::End, &mut ()).unwrap(), Ended::Finished);
    let last = values(&run.session().trainer);
    for (name, tensor) in &first {
        let moved = of(&last, name) != tensor;
        let learns = name.starts_with("heads.") && run.session().trainer.model().params().get(name).is_ok();
        assert_eq!(moved, learns, "{name}");
    }
    let log = std::fs::read_to_string(root.join("log.jsonl")).unwrap();
    assert!(log.contains("first values from"), "the log says where they are from");
}

#[test]
fn a_run_with_two_tasks_more_starts_where_the_other_ended() {
    let folder = tempfile::tempdir().unwrap();
    let before = former(&folder.path().join("before"));
    let model = before.model().unwrap().model;
    let init = format!("init = {{ from = {:?}, optimizer = true }}", before.root());
    let config = config("both", &format!("{init}\n{TRAIN}"));
    let splits = config.data.load().unwrap();
    let run = Run::create(&folder.path().join("after"), config, &splits).unwrap();
    let trainer = &run.session().trainer;
    let first = values(trainer);
    for (name, tensor) in model.params().tensors() {
        assert_eq!(of(&first, name), tensor, "{name}");
    }
    assert!(first.len() > model.params().tensors().count());
    let state = trainer.checkpoint().unwrap().optimizer;
    let has =
        |name: &str| state.iter().any(|(own, value)| own.ends_with(name) && matches!(value, StateValue::Tensor(_)));
    assert!(has(".heads.y1-high.out.weight"), "{:?}", state.iter().map(|(name, _)| name).collect::<Vec<_>>());
    assert!(!has(".heads.y1.out.weight"), "a new task starts afresh");
}

#[test]
fn a_live_model_gets_a_task_and_loses_one() {
    let config = config("both", TRAIN);
    let splits = config.data.load().unwrap();
    let with = |names: &[&str]| {
        let tasks: String = names.iter().map(|name| format!("[[task]]\nname = \"{name}\"\n")).collect();
        let text = format!("{}\n{tasks}", config.to_toml().unwrap());
        Session::new(&RunConfig::parse(&text, "test.toml".as_ref()).unwrap(), &splits).unwrap()
    };
    let mut former = with(&["y1", "y1-high", "y2"]);
    former.trainer.fit(&former.train, &former.validation, &mut (), None).unwrap();
    let mut next = with(&["y1", "y2", "y2-high"]);
    let fresh = values(&next.trainer);
    let report = next.trainer.carry(&former.trainer).unwrap();
    assert!(report.unused.iter().all(|name| name.starts_with("heads.y1-high.")), "{report}");
    assert!(report.missing.iter().all(|name| name.starts_with("heads.y2-high.")), "{report}");
    let (old, now) = (values(&former.trainer), values(&next.trainer));
    for (name, tensor) in &now {
        let expected = if name.starts_with("heads.y2-high.") { of(&fresh, name) } else { of(&old, name) };
        assert_eq!(tensor, expected, "{name}");
    }
    // Moments go on bit by bit; the new task has none.
    let (old, now) = (former.trainer.checkpoint().unwrap().optimizer, next.trainer.checkpoint().unwrap().optimizer);
    let tensor = |state: &mtl_core::state::StateDict, name: &str| state.tensor("test", name).map(Tensor::copy);
    assert!(now.iter().count() > 0);
    for (name, _) in now.iter() {
        assert_eq!(tensor(&now, name).unwrap(), tensor(&old, name).unwrap(), "{name}");
        assert!(!name.contains("y1-high") && !name.contains("y2-high"), "{name}");
    }
    next.trainer.fit(&next.train, &next.validation, &mut (), None).unwrap();
    let learned = next.trainer.history().last().unwrap();
    assert_eq!(learned.validation.tasks.len(), 3);
}

#[test]
fn what_does_not_fit_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let before = former(&folder.path().join("before"));
    let refused = |more: &str| {
        let config = config("binary", &format!("{more}\n{TRAIN}"));
        let root = folder.path().join("refused");
        let e = Run::create(&root, config.clone(), &config.data.load().unwrap()).unwrap_err().to_string();
        assert!(!root.exists(), "nothing is made");
        e
    };
    let from = |path: &Path, more: &str| format!("init = {{ from = {path:?}{more} }}");
    let e = refused(&from(&folder.path().join("nowhere.safetensors"), ""));
    assert!(e.contains("nowhere.safetensors: cannot read weights"), "{e}");
    let e = refused(&from(before.root(), ", map = { encoder = \"trunk\" }"));
    assert!(e.contains("map must be names that lead to tensors of the file") && e.contains("encoder."), "{e}");
    let other = [("encoder.layers.0.weight".to_owned(), Tensor::zeros([2, 2], (Kind::Float, tch::Device::Cpu)))];
    let own =
        values(&Session::new(&config("binary", TRAIN), &config("binary", TRAIN).data.load().unwrap()).unwrap().trainer);
    let name = own.iter().map(|(name, _)| name).find(|name| name.starts_with("encoder.")).unwrap();
    let bytes = to_safetensors(other.iter().map(|(_, tensor)| (name.as_str(), tensor)), &[]).unwrap();
    let file = folder.path().join("small.safetensors");
    std::fs::write(&file, bytes).unwrap();
    let e = refused(&from(&file, ""));
    assert!(e.contains("weights of the same shapes") && e.contains("has shape [2, 2], not ["), "{e}");
    std::fs::write(&file, "nothing").unwrap();
    assert!(refused(&from(&file, "")).contains("weights are damaged"));
}
