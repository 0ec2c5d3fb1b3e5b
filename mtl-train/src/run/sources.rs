//! What a run does about data of several sources: which of them its tasks need, and how batches are made of them.
//!
//! ```text
//! [data.reviews], [data.customers]   -->  one Splits, whose source has parts
//! [[task]]                           -->  the parts that have labels of a wanted task; the others are left out, with their inputs
//! [train.mix], [train.sources.X]     -->  Mixing: which part a batch is of, how large it is
//! [train.sampler]                    -->  Sampler: which rows an epoch has, of one source too
//! ```
//! So a single-task baseline of a study trains on its own source, with the encoder of its inputs alone.

use std::{ops::RangeInclusive, sync::Arc};

use mtl_core::{balance::Look, input::InputSpec, registry::ByKind};
use mtl_data::{
    DataInfo, Loader, LoaderConfig, Mix, MixedPart, Mixing, Order, Sampler, Source, SourcePart, Subset, TaskInfo,
    mix::Joint,
    sampler::{self, By},
};

use crate::{
    config::RunConfig,
    error::{Error, Result},
    run::self_supervised,
    train::{
        model::Model,
        trainer::{Budget, TrainConfig, Trainer},
    },
};

/// The inputs that tasks of these names need: those of the sources that have labels of one of them; all where there is one source.
///
/// # Errors
/// As [`Sources::tasks_by_source`](mtl_data::datasets::Sources::tasks_by_source) and [`InputSpec::joined`].
pub fn inputs_for(config: &RunConfig, inputs: &InputSpec, tasks: &[&str]) -> Result<InputSpec> {
    let Some(sources) = config.data.sources().filter(|_| !inputs.sets().is_empty()) else { return Ok(inputs.clone()) };
    let restored = self_supervised::of(config);
    let mut wanted = Vec::new();
    for (source, own) in sources.tasks_by_source()? {
        let Some(set) = inputs.sets().iter().find(|set| set.is_of(source)) else { continue };
        let has = own.iter().any(|(name, _)| tasks.contains(&name.as_str()));
        let restores = |(task, input): &(String, String)| tasks.contains(&task.as_str()) && set.inputs.contains(input);
        if has || restored.iter().any(restores) {
            wanted.push((source, inputs.of_set(set)?));
        }
    }
    Ok(InputSpec::joined(wanted.iter().map(|(source, spec)| (*source, spec)))?)
}

/// The samples that have labels of some task, of a source that has parts; itself where that is all, or there are no parts.
///
/// # Errors
/// As [`Subset::new`].
pub fn with_labels(source: Arc<dyn Source>) -> Result<Arc<dyn Source>> {
    let parts = source.parts();
    if parts.iter().all(|part| !part.tasks.is_empty()) {
        return Ok(source);
    }
    let wanted = parts.iter().filter(|part| !part.tasks.is_empty());
    let positions = wanted.flat_map(|part| part.start..part.start + part.len).collect();
    Ok(Arc::new(Subset::new(source, positions)?))
}

/// The first samples of a split, so many batches of each part.
#[must_use]
pub fn first_positions(config: &TrainConfig, source: &dyn Source, batches: u64) -> Vec<u64> {
    let of = |size: usize, start: u64, len: u64| start..start + len.min(batches.saturating_mul(size as u64));
    match &source.parts()[..] {
        [] => of(config.batch_size, 0, source.len()).collect(),
        parts => parts.iter().flat_map(|part| of(batch_size(config, part), part.start, part.len)).collect(),
    }
}

fn batch_size(config: &TrainConfig, part: &SourcePart) -> usize {
    config.sources.get(&part.name).and_then(|own| own.batch_size).unwrap_or(config.batch_size)
}

/// The smallest and the largest size of a training batch, whichever source it is of; of a source with fewer samples it is as many.
#[must_use]
pub fn batch_sizes(config: &TrainConfig, train: &dyn Source) -> RangeInclusive<usize> {
    let of = |size: usize, len: u64| size.min(usize::try_from(len).unwrap_or(usize::MAX));
    let parts = train.parts();
    let of_parts: Vec<usize> = parts.iter().map(|part| of(batch_size(config, part), part.len)).collect();
    let one = of(config.batch_size, train.len());
    *of_parts.iter().min().unwrap_or(&one)..=*of_parts.iter().max().unwrap_or(&one)
}

/// How the parts of the training samples are mixed.
#[must_use]
pub fn mixing(config: &TrainConfig, train: &dyn Source) -> Mixing {
    let one = |part: &SourcePart| {
        let own = config.sources.get(&part.name).copied().unwrap_or_default();
        MixedPart { batch_size: own.batch_size, batches: own.batches }
    };
    let epochs = match config.budget() {
        Budget::Epochs(n) => n,
        // How many that are follows from the length of one, which a loader knows: see `with_epochs`.
        Budget::Steps(_) => 1,
        // Nobody knows before the run: what changes from epoch to epoch refuses.
        Budget::Time => 0,
    };
    Mixing { mix: config.mix.clone().unwrap_or_default(), parts: train.parts().iter().map(one).collect(), epochs }
}

/// What the configuration says of the rows of an epoch. Of tasks of the data that are not learned here, as in a study's single-task
/// baseline of another, it says nothing.
///
/// # Errors
/// [`mtl_core::Error::UnknownTask`] for a task that the data do not have.
pub fn sampler(config: &TrainConfig, data: &DataInfo, learned: &[TaskInfo]) -> Result<Option<Sampler>> {
    let Some(ByKind(sampler)) = &config.sampler else { return Ok(None) };
    let is_task = |tasks: &[TaskInfo], name: &str| tasks.iter().any(|task| task.name.as_str() == name);
    let known = |name: &str| match is_task(&data.tasks, name) {
        true => Ok(is_task(learned, name)),
        false => {
            let known = data.tasks.iter().map(|task| task.name.to_string()).collect();
            let e = mtl_core::Error::UnknownTask { name: name.to_owned(), known };
            Err(Error::from(e).in_section("train.sampler"))
        }
    };
    if let Sampler::Composed(composed) = sampler {
        let mut composed = composed.clone();
        for name in composed.tasks.clone().keys() {
            if !known(name)? {
                composed.tasks.remove(name);
            }
        }
        return Ok(Some(Sampler::Composed(composed)));
    }
    let has_classes = |tasks: &[TaskInfo]| tasks.iter().any(|task| sampler::has_classes(&task.answer));
    let speaks = match sampler.part().by() {
        By::NoTask => true,
        By::OnlyTask => has_classes(learned) || !has_classes(&data.tasks),
        By::Task(name) => known(name)?,
    };
    Ok(speaks.then(|| sampler.clone()))
}

/// What is wrong with a loader of training samples, at the key that it is about.
#[must_use]
pub fn of_loader(e: mtl_data::Error) -> Error {
    use mtl_core::Error as Core;
    let section = match &e {
        mtl_data::Error::Core(
            Core::InvalidConfig { what: "sampler", .. } | Core::UnknownTask { .. } | Core::UnknownName { .. },
        ) => "train.sampler",
        _ => "train",
    };
    Error::from(e).in_section(section)
}

/// The same loader, which knows how many epochs there will be where the budget is in steps: mixers may change from one to the next.
///
/// # Errors
/// As [`Loader::new`].
pub fn with_epochs(loader: Loader, trainer: &Trainer) -> Result<Loader> {
    match trainer.config().budget() {
        Budget::Steps(steps) if loader.source().parts().len() > 1 => {
            let epochs = steps.div_ceil(trainer.steps_per_epoch(&loader).unwrap_or(1).max(1)).max(1);
            let mixing = Mixing { epochs, ..loader.config().mixing.clone() };
            Ok(Loader::new(loader.source().clone(), LoaderConfig { mixing, ..loader.config().clone() })?)
        }
        Budget::Epochs(_) | Budget::Steps(_) | Budget::Time => Ok(loader),
    }
}

/// The same samples with a batch of each part after the other, in a random order of their own: what needs the labels of all tasks at once
/// takes them together ([`Batches::per_step`](mtl_data::Batches::per_step)). The same loader where there are no parts.
///
/// # Errors
/// As [`Loader::new`].
pub fn side_by_side(loader: &Loader) -> Result<Loader> {
    if loader.source().parts().len() < 2 {
        return Ok(loader.clone());
    }
    let mixing = Mixing { mix: Mix::Joint(Joint {}), ..loader.config().mixing.clone() };
    let config = LoaderConfig { order: Order::Shuffled, mixing, ..loader.config().clone() };
    Ok(Loader::new(loader.source().clone(), config)?)
}

/// The fewest samples that a batch may have in training, of whichever part.
///
/// # Errors
/// As [`Model::least_batch`](crate::train::model::Model::least_batch).
pub fn least_batch(model: &Model, train: &dyn Source) -> Result<usize> {
    let device = model.params().device();
    let parts = train.parts();
    let starts = parts.iter().map(|part| part.start).chain(parts.is_empty().then_some(0));
    let mut least = 1; // of no samples the loader says so in its own words
    for start in starts.filter(|start| *start < train.len()) {
        least = least.max(model.least_batch(&train.batch(&[start])?.inputs.to_device(device)?)?);
    }
    Ok(least)
}

/// Refuses a method that would be asked about other tasks than it looks at: further batches, and those after the first where several are
/// accumulated, may be of another source.
///
/// # Errors
/// [`mtl_core::Error::InvalidConfig`] naming the method.
pub fn check_method(trainer: &Trainer, train: &dyn Source) -> Result<()> {
    if train.parts().len() < 2 {
        return Ok(());
    }
    let (needs, name, accumulate) = (trainer.needs(), trainer.method_name(), trainer.config().accumulate);
    let refuse = |section: &str, field, expected: String, found: String| {
        let e = mtl_core::Error::InvalidConfig { what: "several sources", field, expected, found };
        Err(Error::from(e).in_section(section))
    };
    if needs.looks.iter().any(|look| *look != Look::Again) {
        let expected =
            "a balancer that learns from the step's own batch, as the next may be of another source".to_owned();
        return refuse("balancer", "kind", expected, name.to_owned());
    }
    if accumulate > 1 && needs.losses && !needs.gramian {
        let expected = format!("1 for {name}, which looks at the losses of the first batch (take mix joint)");
        return refuse("train", "accumulate", expected, accumulate.to_string());
    }
    Ok(())
}
