//! Every architecture on every encoder: recorded with two batch sizes, the same answers in any.

use std::path::Path;

use mtl_core::{
    encode::{EncoderConfig, TabularEncoderConfig},
    nn::NumberEmbeddingConfig,
};
use mtl_data::Splits;
use mtl_train::{
    config::RunConfig,
    deploy::export::{Formats, Package, TORCHSCRIPT, TorchScript, export_session},
    parts::{architecture::Architecture, encoder::AnyEncoder},
    run::session::Session,
};
use tch::Device;

use crate::fixture::{CONFIG, difference, join, pictures, rows};

/// Exports without training (weights are random, which is harder) and compares in batches that were not recorded.
fn compare(config: &RunConfig, splits: &Splits, session: &Session, to: &Path) {
    let name = format!("{} on {}", config.sharing.name(), config.encoder.name());
    export_session(session, config, to, Formats::Both).unwrap_or_else(|e| panic!("{name}: {e}"));
    let script = TorchScript::load(&to.join(TORCHSCRIPT), Device::Cpu).unwrap();
    let rebuilt = Package::open(to).unwrap().model(Device::Cpu).unwrap().unwrap();
    let model = session.trainer.model();
    for positions in [vec![3], vec![0, 2, 1], (0..17).map(|i| i % splits.test.len()).collect()] {
        let inputs = splits.test.batch(&positions).unwrap().inputs;
        let expected = join(std::iter::once(model.predict(&inputs).unwrap()));
        let scripted = join(std::iter::once(script.predict(&inputs).unwrap()));
        let weighted = join(std::iter::once(rebuilt.predict(&inputs).unwrap()));
        let n = positions.len();
        assert!(difference(&expected, &scripted) <= 1e-5, "{name}, TorchScript, {n}");
        assert!(difference(&expected, &weighted) <= 1e-6, "{name}, weights, {n}");
    }
}

fn all_on(data: &str) -> usize {
    let base = format!("{data}\nencoder = {{ kind = \"mlp\" }}\ndevice = {{ threads = 1 }}\n");
    let base = RunConfig::parse(&base, "all.toml".as_ref()).unwrap();
    let splits = base.data.load().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut done = 0;
    for (encoder, _) in AnyEncoder::all() {
        for (sharing, _) in Architecture::all() {
            let config = RunConfig {
                encoder: AnyEncoder::by_name(encoder).unwrap(),
                sharing: Architecture::by_name(sharing).unwrap(),
                ..base.clone()
            };
            // Some do not take such inputs, or such features; that is said where it is tested.
            let Ok(session) = Session::new(&config, &splits) else { continue };
            compare(&config, &splits, &session, &folder.path().join(format!("{encoder}-{sharing}")));
            done += 1;
        }
    }
    done
}

#[test]
fn every_architecture_on_every_table_encoder() {
    let done = all_on(
        "data = { kind = \"synthetic-mmoe\", train = 40, validation = 9, test = 9, targets = \"both\" }\n\
         train = { selection = \"y1-high.auroc\" }",
    );
    assert!(done >= 6, "{done}");
}

#[test]
fn every_embedding_of_numbers() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("train.csv"), rows(1, 90, false)).unwrap();
    std::fs::write(folder.path().join("test.csv"), rows(2, 20, true)).unwrap();
    let text = CONFIG.replace("[data]", &format!("[data]\ndir = {:?}", folder.path()));
    let base = RunConfig::parse(&text, "numbers.toml".as_ref()).unwrap();
    let splits = base.data.load().unwrap();
    for (name, _) in NumberEmbeddingConfig::ALL {
        let numbers = NumberEmbeddingConfig::by_name(name).unwrap();
        let encoder = EncoderConfig::Tabular(TabularEncoderConfig { numbers, ..Default::default() }).into();
        let config = RunConfig { encoder, ..base.clone() };
        compare(&config, &splits, &Session::new(&config, &splits).unwrap(), &folder.path().join(name));
    }
}

#[test]
fn every_architecture_on_every_picture_encoder() {
    let folder = tempfile::tempdir().unwrap();
    pictures(folder.path());
    let done = all_on(&format!("data = {{ kind = \"fashion-pairs\", dir = {:?}, validation = 0.3 }}", folder.path()));
    assert!(done >= 6, "{done}");
}
