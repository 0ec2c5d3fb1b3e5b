//! Several inputs of one modality in a sample, and inputs of any length: from a source of one's own through loader,
//! encoder, training, evaluation, the doctor and an export; and what cannot be done for them yet is said by name.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{path::Path, sync::Arc};

use mtl_core::{
    batch::{Batch, Target},
    input::{Input, InputSpec, Inputs, Length, Modality, Picture, Tokens},
    task::TaskName,
};
use mtl_data::{
    DataInfo, Loader, LoaderConfig, Origin, Result, Source, Splits, Subset, TaskInfo,
    kept::{Cut, Provenance},
    source::Concat,
};
use mtl_train::{
    analysis::{
        explain::{ExplainOptions, explain},
        inspect::{DataSummary, check},
    },
    config::RunConfig,
    deploy::{
        export::{Formats, export_session},
        predict::Predictor,
    },
    run::session::Session,
};
use tch::{Device, Kind, Tensor};

/// Two pictures and two texts; both tasks can be told from them: is the left picture the brighter one, is the question
/// the longer text?
struct Pairs {
    info: DataInfo,
    n: u64,
    /// The second text is wrong in this sample: one of its ids is no id.
    broken: Option<u64>,
}

fn words(longest: i64) -> Tokens {
    Tokens { vocabulary: 12, pad: 11, unknown: None, length: Length::Ragged(longest) }
}

fn pairs(n: u64) -> Pairs {
    let picture = Modality::from(Picture { channels: 1, height: 4, width: 4 });
    let inputs = InputSpec::new([
        ("left", picture.clone()),
        ("question", words(6).into()),
        ("right", picture),
        ("answer", words(5).into()),
    ]);
    let task = |name: &str| TaskInfo {
        name: TaskName::new(name).unwrap(),
        answer: mtl_core::answer::Answer::class(["no", "yes"]),
    };
    Pairs { info: DataInfo { inputs: inputs.unwrap(), tasks: vec![task("brighter"), task("longer")] }, n, broken: None }
}

fn lengths(p: u64) -> [u64; 2] {
    [p * 5 % 7, p * 11 % 6]
}

impl Source for Pairs {
    fn info(&self) -> &DataInfo {
        &self.info
    }

    fn len(&self) -> u64 {
        self.n
    }

    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        let light = |p: u64| [(p % 5) as f64, (p * 3 % 4) as f64 + 0.5];
        let picture = |side: usize| {
            let of = |p: &u64| Tensor::full([1, 1, 4, 4], light(*p)[side], (Kind::Float, Device::Cpu));
            match positions {
                [] => Tensor::zeros([0, 1, 4, 4], (Kind::Float, Device::Cpu)),
                _ => Tensor::cat(&positions.iter().map(of).collect::<Vec<_>>(), 0),
            }
        };
        let text = |which: usize, longest: i64| -> Result<Input> {
            let id = |p: u64, at: u64| i64::try_from((p + at) % 11).unwrap();
            let of = |p: &u64| (0..lengths(*p)[which]).map(|at| id(*p, at)).collect::<Vec<_>>();
            let input = words(longest).batch(&positions.iter().map(of).collect::<Vec<_>>())?;
            match positions.iter().any(|p| self.broken == Some(*p)) && which == 1 {
                true => Ok(input.with(input.tensor() + 50)?),
                false => Ok(input),
            }
        };
        let inputs = vec![
            ("left".to_owned(), picture(0).into()),
            ("question".to_owned(), text(0, 6)?),
            ("right".to_owned(), picture(1).into()),
            ("answer".to_owned(), text(1, 5)?),
        ];
        let brighter: Vec<i64> = positions.iter().map(|p| i64::from(light(*p)[0] > light(*p)[1])).collect();
        let longer: Vec<i64> = positions.iter().map(|p| i64::from(lengths(*p)[0] > lengths(*p)[1])).collect();
        let targets = vec![Some(Target::class("brighter", &brighter)?), Some(Target::class("longer", &longer)?)];
        Ok(Batch::new(Inputs::new(inputs)?, targets, positions.to_vec())?)
    }
}

fn splits() -> Splits {
    let whole: Arc<dyn Source> = Arc::new(pairs(500));
    let part =
        |from: u64, to: u64| -> Arc<dyn Source> { Arc::new(Subset::new(whole.clone(), (from..to).collect()).unwrap()) };
    Splits {
        train: part(0, 400),
        validation: part(400, 450),
        test: part(450, 500),
        info: whole.info().clone(),
        preprocessing: None,
        origin: Origin::Synthetic,
        provenance: Provenance { cut: Cut::whole([400, 50, 50]), ..Provenance::default() },
        findings: Vec::new(),
        dealt: Default::default(),
        sources: Vec::new(),
    }
}

fn config(encoder: &str) -> RunConfig {
    let text = format!(
        r#"
        # Named only: the data come from the test.
        data    = {{ kind = "synthetic-mmoe" }}
        encoder = {encoder}
        train   = {{ epochs = 20, batch_size = 25, optimizer = {{ kind = "adam", lr = 0.01 }} }}
        device  = {{ threads = 1 }}
        "#
    );
    RunConfig::parse(&text, Path::new("run.toml")).unwrap()
}

const TRANSFORMER: &str = r#"{ kind = "transformer", width = 16, heads = 2, blocks = 1, hidden = 16, patch = 2 }"#;

#[test]
fn a_loader_hands_on_every_input_with_its_lengths() {
    let source = Arc::new(pairs(30));
    let spec = source.info().inputs.clone();
    // Batches of two sources are padded to the longest of both.
    let doubled: Arc<dyn Source> = Arc::new(Concat::new(vec![source.clone(), source]).unwrap());
    for workers in [0, 2] {
        let config = LoaderConfig { batch_size: 8, workers, seed: 3, ..LoaderConfig::default() };
        let loader = Loader::new(doubled.clone(), config).unwrap();
        let mut seen = 0;
        for batch in loader.epoch(0).unwrap() {
            let batch = batch.unwrap();
            spec.check_values(&batch.inputs).unwrap();
            for (which, name) in ["question", "answer"].into_iter().enumerate() {
                let input = batch.inputs.input(name).unwrap();
                let found = Vec::<i64>::try_from(input.lengths().unwrap()).unwrap();
                let expected: Vec<i64> =
                    batch.ids.iter().map(|id| i64::try_from(lengths(id % 30)[which]).unwrap()).collect();
                assert_eq!(found, expected, "{name}");
                assert_eq!(
                    input.tensor().size()[1],
                    *expected.iter().max().unwrap(),
                    "padded to the longest, no further"
                );
            }
            seen += batch.len();
            let part = batch.select(&[1, 0]).unwrap();
            spec.check_values(&part.inputs).unwrap();
        }
        assert_eq!(seen, 60);
    }
}

#[test]
fn a_batch_that_is_not_as_described_is_refused_by_the_loader() {
    let other = Pairs {
        info: DataInfo { inputs: InputSpec::table(Vec::new(), vec!["x".into()]), ..pairs(9).info },
        ..pairs(9)
    };
    let loader = Loader::new(Arc::new(other), LoaderConfig::default()).unwrap();
    let e = loader.epoch(0).unwrap().next().unwrap().unwrap_err().to_string();
    assert!(e.contains(r#"unknown input "left", known are numeric"#), "{e}");
}

#[test]
fn a_transformer_learns_from_two_pictures_and_two_texts() {
    let (config, splits) = (config(TRANSFORMER), splits());
    let mut session = Session::new(&config, &splits).unwrap();
    session.trainer.fit(&session.train, &session.validation, &mut (), None).unwrap();
    let report = session.test().unwrap();
    for task in ["brighter", "longer"] {
        let accuracy = report.entry(task, "accuracy").unwrap().outcome.value.unwrap();
        assert!(accuracy > 0.9, "{task}: {accuracy}");
    }
    // Nothing is read from a file for such inputs, which is said; what needs parts or one length says so by name.
    let folder = tempfile::tempdir().unwrap();
    let e = export_session(&session, &config, &folder.path().join("both"), Formats::Both).unwrap_err().to_string();
    assert!(e.contains("input question (text of tokens in 0..12, at most 6 long): a recording knows"), "{e}");
    let package = folder.path().join("package");
    export_session(&session, &config, &package, Formats::Safetensors).unwrap();
    let model = Predictor::open(&package, Device::Cpu).unwrap();
    assert_eq!(model.description().inputs, splits.info.inputs);
    assert!(model.preprocessing().unwrap_err().to_string().contains("its inputs must be made by the caller"));
    let batch = splits.test.batch(&[0, 1, 2]).unwrap();
    let (ours, packed) = (session.trainer.model().predict(&batch.inputs), model.predict(&batch.inputs));
    assert_eq!(ours.unwrap(), packed.unwrap());
    let shapes: Vec<_> = model.description().input_tensors.iter().map(|t| t.shape_text()).collect();
    assert_eq!(shapes, ["[batch, 1, 4, 4]", "[batch, length]", "[batch, 1, 4, 4]", "[batch, length]"]);
    let e = explain(session.trainer.model(), &splits.test, &ExplainOptions::default()).unwrap_err().to_string();
    assert!(e.contains("explain: inputs must be") && e.contains("input question: text of tokens"), "{e}");
}

#[test]
fn encoders_that_cannot_take_an_input_name_it() {
    for (encoder, found) in [
        (r#"{ kind = "conv" }"#, "conv encoder: inputs must be one picture, found input question: text of tokens"),
        (r#"{ kind = "mlp" }"#, "mlp encoder: inputs must be numeric fields, found input left: picture of 1 x 4 x 4"),
    ] {
        let e = Session::new(&config(encoder), &splits()).unwrap_err().to_string();
        assert!(e.contains(found), "{e}");
    }
}

#[test]
fn summaries_and_the_doctor_speak_of_every_input() {
    let summary = DataSummary::new(&splits(), 2).unwrap();
    let [train, ..] = &summary.splits;
    let found: Vec<String> = train.inputs.iter().map(|input| format!("{}: {}", input.name, input.describe())).collect();
    assert_eq!(found[0], "left: picture of 1 x 4 x 4, 0.000 to 4.000, mean 2.000");
    assert!(found[1].starts_with("question: text of tokens in 0..12, at most 6 long, 0 to "), "{}", found[1]);
    assert!(summary.inputs.contains("answer (text of tokens in 0..12, at most 5 long)"), "{}", summary.inputs);
    assert_eq!(summary.rows[1].fields[0].0, "question");
    let findings = check(&splits()).unwrap();
    let unseen = findings.iter().find(|finding| finding.message.contains("not searched")).unwrap();
    assert!(unseen.place.contains("left (picture") && unseen.place.contains("answer (text"), "{}", unseen.place);
    let broken: Arc<dyn Source> = Arc::new(Pairs { broken: Some(2), ..pairs(9) });
    let e = check(&Splits { train: broken, ..splits() }).unwrap_err().to_string();
    assert!(e.contains("input answer: "), "{e}");
}
