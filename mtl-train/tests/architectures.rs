//! Every architecture as a model: what a batch with labels of some tasks costs and changes, and the section that an error names.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use mtl_core::{
    answer::Answer,
    batch::{Batch, Target},
    context::Cx,
    encode::{EncoderConfig, ResNet18Config},
    input::{CategoricalField, InputSpec, Modality, Picture},
    laws,
    mode::Mode,
    share::SharingConfig,
    shim::{Graph, grad},
    task::{Task, TaskSet},
};
use mtl_train::{
    parts::{architecture::Architecture, encoder::AnyEncoder},
    train::model::{Blueprint, Model, ModelConfig},
};
use tch::{Device, Kind, Tensor};

/// A table with pictures, of which `inputs` are wanted.
fn spec(inputs: &[&str]) -> InputSpec {
    let field = CategoricalField { name: "job".into(), cardinality: 4 };
    let table = InputSpec::table(vec![field], vec!["age".into(), "wage".into()]);
    let image = Modality::from(Picture { channels: 1, height: 8, width: 8 });
    let all = table.iter().chain([("image", &image)]).filter(|(name, _)| inputs.contains(name));
    InputSpec::new(all.map(|(name, m)| (name, m.clone()))).unwrap()
}

fn model(inputs: &[&str], encoder: AnyEncoder, sharing: Architecture) -> mtl_train::Result<Model> {
    let tasks = TaskSet::new(["a", "b"].map(|n| Task::new(n).unwrap()).into()).unwrap();
    let inputs = spec(inputs);
    let answers = [Answer::values(["y"]), Answer::values(["y"])];
    let blueprint =
        Blueprint { inputs: &inputs, answers: &answers, labels: &[], kind: Kind::Float, device: Device::Cpu, seed: 4 };
    Model::build(&ModelConfig { encoder, sharing, heads: Vec::new() }, &tasks, &blueprint)
}

/// A batch with labels of the first task alone.
fn batch(inputs: &[&str]) -> Batch {
    let values = ndarray::Array2::from_shape_fn((6, 1), |(row, _)| if row % 2 == 0 { 0.5 } else { -1.0 });
    let inputs = laws::sharing::inputs(&spec(inputs), Kind::Float, 0..6).unwrap();
    Batch { inputs, targets: vec![Some(Target::values("a", values.view()).unwrap()), None], ids: (0..6).collect() }
}

#[test]
fn a_batch_without_labels_of_a_task_leaves_what_is_its_own_alone() {
    let resnet = || EncoderConfig::ResNet18(ResNet18Config { width: 2, large_images: false }).into();
    let transformer = || AnyEncoder::by_name("transformer").unwrap();
    for (name, _) in Architecture::all() {
        // Fusion encodes fields as well as pictures; the residual network has statistics of batches.
        let (inputs, encoder): (&[&str], AnyEncoder) = match name {
            "fusion" => (&["categorical", "numeric", "image"], transformer()),
            _ => (&["image"], resnet()),
        };
        let batch = || batch(inputs);
        let model = model(inputs, encoder, Architecture::by_name(name).unwrap()).unwrap();
        // Heads have buffers too, which no batch moves.
        let statistics = model.params().buffers().iter().filter(|b| b.name().contains("running"));
        let own = statistics.filter(|b| b.role().owner() == Some(1));
        let own: Vec<(&str, &Tensor, Tensor)> = own.map(|b| (b.name(), b.tensor(), b.tensor().copy())).collect();
        assert_eq!(!own.is_empty(), name == "branch", "{name}: a branch of its own has norms of its own");
        let forward = model.losses(&batch(), &Cx::new(Mode::Train)).unwrap();
        for (buffer, now, before) in own {
            assert!(now.equal(&before), "{name}: {buffer} moved");
        }
        let leaves: Vec<&Tensor> = model.params().params().iter().map(|p| p.tensor()).collect();
        let gradients = grad(&[&forward.losses[0].sum], None, &leaves, Graph::Free).unwrap();
        for (param, gradient) in model.params().params().iter().zip(gradients) {
            let foreign = param.role().owner() == Some(1);
            let moved = gradient.is_some_and(|g| g.abs().max().double_value(&[]) > 0.0);
            assert!(!(foreign && moved), "{name}: {} got a gradient", param.name());
        }
        assert_eq!(model.predict(&batch().inputs).unwrap().len(), 2, "{name}");
    }
}

#[test]
fn an_error_names_the_section_that_is_to_be_changed() {
    let refusal = |encoder: &str, sharing: &str| {
        let encoder: AnyEncoder = toml::from_str(encoder).unwrap();
        match model(&["numeric"], encoder, toml::from_str(sharing).unwrap()).unwrap_err() {
            mtl_train::Error::Setting { section, source } => (section, source.to_string()),
            e => panic!("{e}"),
        }
    };
    let (section, e) = refusal("kind = 'mlp'\nhidden = [4, 0]", "kind = 'cross-stitch'");
    assert_eq!(section, "encoder", "{e}");
    let (section, e) = refusal("kind = 'mlp'\nhidden = [4]", "kind = 'branch'");
    assert!(section == "sharing" && e.contains("which has only one"), "{section}: {e}");
    let (section, e) = refusal("kind = 'mlp'\nhidden = [4, 4]", "kind = 'branch'\nat = 5");
    assert!(section == "sharing" && e.contains("one of layer1 (1), found 5"), "{section}: {e}");
    let hard = SharingConfig::by_name("hard").unwrap();
    assert!(model(&["numeric"], AnyEncoder::by_name("mlp").unwrap(), hard.into()).is_ok());
}
