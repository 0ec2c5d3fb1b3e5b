//! Every architecture as a model: what a batch with labels of some tasks costs and changes, and the section that an error names.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use mtl_core::{
    answer::Answer,
    batch::{Batch, Target},
    context::Cx,
    encode::{Adapters, EncoderConfig, EncoderPlan, MlpEncoderConfig, ResNet18Config, TabmEncoderConfig},
    features::View,
    input::{CategoricalField, InputSpec, Inputs, Modality, Picture},
    laws,
    mode::Mode,
    nn::Activation,
    params::Scope,
    prediction::Prediction,
    share::{SharedFeatures, Sharing, SharingConfig, SharingPart, TaskMask},
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

/// The answers of an ensemble's tasks: of every kind that has a mean.
fn of_every_kind() -> (TaskSet, Vec<Answer>, Vec<Option<mtl_heads::HeadConfig>>) {
    let tasks = ["class", "values", "labels", "grade", "likely"].map(|n| Task::new(n).unwrap());
    let answers = vec![
        Answer::class(["a", "b", "c"]),
        Answer::values(["y", "z"]),
        Answer::multi_label(["old", "rich"]),
        Answer::ordinal(["low", "mid", "high"]),
        Answer::values(["w"]),
    ];
    let mut heads = vec![None; 5];
    heads[4] = Some(mtl_heads::HeadConfig::by_name("likelihood").unwrap());
    (TaskSet::new(tasks.into()).unwrap(), answers, heads)
}

/// Labels with gaps, and weights of samples where they are wanted.
fn labels_of_every_kind() -> Vec<Option<Target>> {
    let (nan, missing) = (f32::NAN, mtl_core::batch::MISSING_CLASS);
    let targets = [
        Target::class("class", &[0, 2, missing, 1]),
        Target::values("values", ndarray::array![[1.0, nan], [0.5, -1.0], [2.0, 0.0], [nan, nan]].view()),
        Target::multi_label("labels", ndarray::array![[1.0, 0.0], [nan, 1.0], [0.0, 0.0], [1.0, 1.0]].view()),
        Target::ordinal("grade", &[2, missing, 0, 1]),
        Target::values("likely", ndarray::array![[1.5], [nan], [-0.5], [0.25]].view()),
    ];
    let weighted = |(at, target): (usize, mtl_core::Result<Target>)| match at % 2 {
        0 => target.unwrap().with_weights("weighted", &[0.5, 2.0, 1.0, 0.0]).unwrap(),
        _ => target.unwrap(),
    };
    targets.into_iter().enumerate().map(|target| Some(weighted(target))).collect()
}

fn numbers(prediction: &Prediction) -> Vec<f64> {
    let matrix = match prediction {
        Prediction::Class { scores, .. }
        | Prediction::MultiLabel { scores, .. }
        | Prediction::Ordinal { scores, .. } => scores,
        Prediction::Values { values } => values,
        Prediction::Forecast(forecast) => forecast.points(),
        other => panic!("{other:?}"),
    };
    matrix.iter().map(|x| f64::from(*x)).collect()
}

/// The ensemble against its members, each built and run as a network of its own.
#[test]
fn an_ensemble_learns_and_answers_as_its_members_do_on_average() {
    const MEMBERS: i64 = 3;
    let (tasks, answers, heads) = of_every_kind();
    let inputs = spec(&["numeric"]);
    let build = |encoder: EncoderConfig| {
        let kind = Kind::Double;
        let blueprint =
            Blueprint { inputs: &inputs, answers: &answers, labels: &[], kind, device: Device::Cpu, seed: 4 };
        let sharing = SharingConfig::by_name("hard").unwrap().into();
        Model::build(&ModelConfig { encoder: encoder.into(), sharing, heads: heads.clone() }, &tasks, &blueprint)
    };
    let (hidden, activation) = (vec![5, 4], Activation::Tanh);
    let ensemble = build(EncoderConfig::Tabm(TabmEncoderConfig {
        members: MEMBERS,
        hidden: hidden.clone(),
        activation,
        ..TabmEncoderConfig::default()
    }))
    .unwrap();
    let networks: Vec<Model> = (0..MEMBERS)
        .map(|m| {
            let own = build(EncoderConfig::Mlp(MlpEncoderConfig { hidden: hidden.clone(), activation, dropout: 0.0 }));
            let own = own.unwrap();
            let _guard = tch::no_grad_guard();
            for param in own.params().params() {
                let get = |name: &str| ensemble.params().get(name).map(|p| p.tensor());
                let layer = param.name().strip_suffix(".0.weight").or_else(|| param.name().strip_suffix(".0.bias"));
                let value = match (layer, param.name().ends_with("weight")) {
                    (Some(layer), true) => {
                        get(&format!("{layer}.weight")).unwrap() * get(&format!("{layer}.scale_in")).unwrap().get(m)
                    }
                    (Some(layer), false) => get(&format!("{layer}.bias")).unwrap().get(m).view(-1),
                    // The end of a tower is each member's own; what a head has beside it all share.
                    (None, _) if param.name().ends_with("out.weight") => get(param.name()).unwrap().get(m).tr(),
                    (None, _) if param.name().ends_with("out.bias") => get(param.name()).unwrap().get(m).view(-1),
                    (None, _) => get(param.name()).unwrap().shallow_clone(),
                };
                param.tensor().shallow_clone().copy_(&value);
            }
            own
        })
        .collect();
    let batch = || Batch {
        inputs: laws::sharing::inputs(&inputs, Kind::Double, 0..4).unwrap(),
        targets: labels_of_every_kind(),
        ids: (0..4).collect(),
    };
    let close =
        |found: f64, expected: f64, what: &str| assert!((found - expected).abs() < 1e-6, "{what}: {found} {expected}");
    let of_each: Vec<Vec<Prediction>> = networks.iter().map(|net| net.predict(&batch().inputs).unwrap()).collect();
    let answered = ensemble.predict(&batch().inputs).unwrap();
    let exported = ensemble.answer_tensors(&batch().inputs).unwrap();
    for (task, (said, tensor)) in answered.iter().zip(&exported).enumerate() {
        assert_eq!((said.batch_size(), tensor.size()[0]), (4, 4), "one answer a sample");
        let each: Vec<Vec<f64>> = of_each.iter().map(|own| numbers(&own[task])).collect();
        assert!(each[0] != each[1], "members differ");
        for (at, found) in numbers(said).into_iter().enumerate() {
            let mean = each.iter().map(|own| own[at]).sum::<f64>() / MEMBERS as f64;
            close(found, mean, &format!("answer {at} of task {task}"));
        }
        if task < 4 {
            let flat = Vec::<f64>::try_from(tensor.to_kind(Kind::Double).reshape([-1])).unwrap();
            flat.iter().zip(numbers(said)).for_each(|(exported, said)| close(*exported, said, "export"));
        }
    }
    let cx = || Cx::new(Mode::Train);
    let losses = ensemble.losses(&batch(), &cx()).unwrap().losses;
    for (task, loss) in losses.iter().enumerate() {
        let own: Vec<_> = networks.iter().map(|net| net.losses(&batch(), &cx()).unwrap().losses.remove(task)).collect();
        assert!((loss.count - own[0].count).abs() < 1e-12, "labels of samples are counted: {}", loss.count);
        let mean = own.iter().map(|loss| loss.sum.double_value(&[])).sum::<f64>() / MEMBERS as f64;
        close(loss.sum.double_value(&[]), mean, &format!("loss of task {task}"));
    }
    // A label that does not exist is told of its sample.
    let mut wrong = batch();
    wrong.targets[0] = Some(Target::class("class", &[0, 1, 2, 7]).unwrap());
    let e = ensemble.losses(&wrong, &cx()).unwrap_err().to_string();
    assert_eq!(e, "task class: label must be in 0..3, found 7 (sample 3)");
}

#[test]
fn what_cannot_be_averaged_or_does_not_hand_members_on_is_refused() {
    let tasks = TaskSet::new(vec![Task::new("words").unwrap()]).unwrap();
    let inputs = spec(&["numeric"]);
    let tabm = || EncoderConfig::Tabm(TabmEncoderConfig { adapters: Adapters::First, ..TabmEncoderConfig::default() });
    let refusal = |answer: Answer, sharing: Architecture| {
        let blueprint = Blueprint {
            inputs: &inputs,
            answers: &[answer],
            labels: &[],
            kind: Kind::Float,
            device: Device::Cpu,
            seed: 4,
        };
        let config = ModelConfig { encoder: tabm().into(), sharing, heads: Vec::new() };
        match Model::build(&config, &tasks, &blueprint).unwrap_err() {
            mtl_train::Error::Setting { section, source } => format!("{section}: {source}"),
            e => panic!("{e}"),
        }
    };
    let hard = || SharingConfig::by_name("hard").unwrap().into();
    let e = refusal(Answer::sequence(["a", "b"]), hard());
    assert!(
        e.starts_with("encoder: encoder: members must be 1 for task words: several answers of sequence have no mean"),
        "{e}"
    );
    SharingConfig::register::<Deaf>("deaf", "hard sharing that says nothing of members").unwrap();
    let e = refusal(Answer::values(["y"]), SharingConfig::by_name("deaf").unwrap().into());
    assert!(
        e.contains("one that hands on the 8 members of the encoder, found \"deaf\", which gives features of 1"),
        "{e}"
    );
}

#[derive(Debug, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Deaf {}

#[derive(Debug)]
struct DeafSharing(Box<dyn Sharing>);

impl SharingPart for Deaf {
    fn build(
        &self,
        scope: &mut Scope<'_>,
        plan: &EncoderPlan<'_>,
        tasks: &TaskSet,
    ) -> mtl_core::Result<Box<dyn Sharing>> {
        Ok(Box::new(DeafSharing(SharingConfig::by_name("hard")?.build(scope, plan, tasks)?)))
    }
}

impl Sharing for DeafSharing {
    fn name(&self) -> &'static str {
        "deaf"
    }

    fn views(&self) -> &[View] {
        self.0.views()
    }

    fn forward(&self, inputs: &Inputs, wanted: &TaskMask, cx: &Cx) -> mtl_core::Result<SharedFeatures> {
        self.0.forward(inputs, wanted, cx)
    }
}
