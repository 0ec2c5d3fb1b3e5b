//! Every encoder and every architecture of the workspace learns on ranks what it learns on one: the number of ranks is chosen by itself
//! for these. That heads do is a law of theirs (`parts`), for methods `mtl-core/tests/ranks` has it.

use std::{ops::Range, path::Path, sync::Arc};

use mtl_core::{
    answer::Answer,
    batch::{Batch, Target},
    input::{Categorical, CategoricalField, InputSpec, Length, Modality, Numeric, Picture, Set, Signal, Tokens},
    prediction::MISSING_CLASS,
    task::TaskName,
};
use mtl_data::{
    DataInfo, Origin, Source, Splits, Subset, TaskInfo,
    kept::{Cut, Provenance},
};
use mtl_train::{
    RunConfig,
    parts::{architecture::Architecture, encoder::AnyEncoder},
    run::session::Session,
};
use tch::Tensor;

use super::{
    ranks::{assert_alike, on},
    run::turn,
};

/// Made-up inputs of any kind, by ids; two tasks, one of which lacks labels.
struct Made(DataInfo);

impl Made {
    const LEN: u64 = 70;

    fn splits(inputs: InputSpec, train: u64) -> Splits {
        let task = |name| TaskInfo { name: TaskName::new(name).unwrap(), answer: Answer::class(["no", "yes"]) };
        let info = DataInfo { inputs, tasks: vec![task("odd"), task("high")] };
        let whole: Arc<dyn Source> = Arc::new(Self(info.clone()));
        let part =
            |range: Range<u64>| -> Arc<dyn Source> { Arc::new(Subset::new(whole.clone(), range.collect()).unwrap()) };
        Splits {
            train: part(0..train),
            validation: part(43..58),
            test: part(58..Self::LEN),
            info,
            preprocessing: None,
            origin: Origin::Synthetic,
            provenance: Provenance { cut: Cut::whole([train, 15, 12]), ..Provenance::default() },
            findings: Vec::new(),
            dealt: Default::default(),
            sources: Vec::new(),
        }
    }
}

impl Source for Made {
    fn info(&self) -> &DataInfo {
        &self.0
    }
    fn len(&self) -> u64 {
        Self::LEN
    }
    fn batch(&self, positions: &[u64]) -> mtl_data::Result<Batch> {
        let at: Vec<i64> = positions.iter().map(|p| p.cast_signed()).collect();
        let odd: Vec<i64> = at.iter().map(|p| p % 2).collect();
        let high: Vec<i64> = at.iter().map(|p| if p % 3 == 0 { MISSING_CLASS } else { i64::from(p % 7 > 3) }).collect();
        let targets = vec![Some(Target::class("odd", &odd)?), Some(Target::class("high", &high)?)];
        let inputs = self.0.inputs.example(Self::LEN.cast_signed())?.select(&Tensor::from_slice(&at))?;
        Ok(Batch::new(inputs, targets, positions.to_vec())?)
    }
}

fn table() -> InputSpec {
    let field = |name: &str, cardinality| CategoricalField { name: name.into(), cardinality };
    let codes = Categorical { fields: vec![field("town", 3), field("job", 5)] };
    let numbers = Numeric::new(vec!["age".into(), "wage".into()]);
    InputSpec::new([("codes", Modality::from(codes)), ("numbers", numbers.into())]).unwrap()
}

fn picture(side: i64) -> InputSpec {
    InputSpec::new([("image", Modality::from(Picture { channels: 1, height: side, width: side }))]).unwrap()
}

/// What a run says of the data that is put under it, and so many batches of an epoch.
fn trained(splits: &Splits, parts: &str, batch_size: u64, ranks: usize) -> mtl_train::Result<Session> {
    let text = format!(
        "data = {{ kind = \"synthetic-mmoe\" }}\ndevice = {{ {} }}\n{parts}\n[train]\nepochs = 1\nseed = 4\n\
         workers = 0\noptimizer = {{ kind = \"sgd\", lr = 0.02 }}\nbatch_size = {batch_size}",
        on(ranks)
    );
    let mut session = Session::new(&RunConfig::parse(&text, Path::new("run.toml"))?, splits)?;
    session.fit(&mut (), None)?;
    Ok(session)
}

/// Two batches and one of a single sample: no rank could normalize its part, or has one. The run is as short as that, because a network
/// that normalizes over few samples multiplies roundings: after eight steps one thread and two of one rank differ by 4e-4, too.
#[test]
fn norms_are_over_the_batch_of_all_ranks() {
    let _turn = turn();
    let parts = "encoder = { kind = \"resnet18\", width = 2 }";
    for batch_size in [7, 3] {
        let splits = Made::splits(picture(16), 2 * batch_size + 1);
        let one = trained(&splits, parts, batch_size, 1).unwrap();
        for ranks in [2, 3, 4] {
            let several = trained(&splits, parts, batch_size, ranks).unwrap();
            assert_alike(&several, &one, &format!("batches of {batch_size}, {ranks} ranks"));
        }
    }
}

/// The fewest kinds of inputs that some encoder of the test must take.
const INPUTS: usize = 5;

#[test]
fn every_encoder_learns_on_ranks_what_it_learns_on_one() {
    let _turn = turn();
    let one = |modality: Modality| InputSpec::new([("x", modality)]).unwrap();
    let numbers = Numeric::new(vec!["age".into(), "wage".into()]);
    let inputs = [
        table(),
        one(numbers.into()),
        picture(16),
        one(Tokens { vocabulary: 7, pad: 0, unknown: None, length: Length::Ragged(5) }.into()),
        one(Signal { channels: 2, rate: None, length: Length::Ragged(6) }.into()),
        one(Set { width: 3, length: Length::Ragged(4) }.into()),
    ];
    let mut taken = [false; 6];
    // That of several sources is in `tests/sources.rs`.
    for (name, _) in AnyEncoder::all().filter(|(name, _)| *name != "per-source") {
        let mut is_built = false;
        for (spec, taken) in inputs.iter().zip(&mut taken) {
            let settings = match name {
                "lstm" => ", word_dropout = 0.0", // drawn by each rank for its own samples
                "resnet18" => ", width = 2",
                _ => "",
            };
            let parts = format!("encoder = {{ kind = {name:?}{settings} }}");
            let splits = Made::splits(spec.clone(), 15);
            // Which inputs an encoder takes is its own matter.
            let Ok(one) = trained(&splits, &parts, 7, 1) else { continue };
            assert_alike(&trained(&splits, &parts, 7, 2).unwrap(), &one, &format!("{name} on {spec:?}"));
            (is_built, *taken) = (true, true);
        }
        assert!(is_built, "{name} takes no input of this test");
    }
    assert!(taken.iter().filter(|taken| **taken).count() >= INPUTS, "{taken:?}");
}

#[test]
fn every_architecture_learns_on_ranks_what_it_learns_on_one() {
    let _turn = turn();
    let splits = Made::splits(table(), 15);
    for (name, _) in Architecture::all() {
        let settings = match name {
            "fusion" => {
                r#", width = 4, parts = [{ inputs = ["codes"] }, { inputs = ["numbers"], encoder = { kind = "mlp" } }]"#
            }
            "branch" => r#", at = "trunk0""#,
            _ => "",
        };
        let hidden = if name == "task-query" { "[]" } else { "[6, 4]" };
        let parts = format!(
            "encoder = {{ kind = \"tabular\", token_width = 4, hidden = {hidden} }}\n\
             sharing = {{ kind = {name:?}{settings} }}"
        );
        let one = trained(&splits, &parts, 7, 1).unwrap();
        for ranks in [2, 3] {
            assert_alike(&trained(&splits, &parts, 7, ranks).unwrap(), &one, &format!("{name}, {ranks} ranks"));
        }
    }
}
