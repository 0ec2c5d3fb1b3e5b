//! Laws that every source of samples obeys.
//!
//! ```text
//! len         positions below the length are there, all others are refused, by batches and by targets alike
//! order       a batch holds the samples asked for, in that order, as often as asked for, and none depends on the others
//! inputs      inputs are as the description says: names, kinds, shapes, lengths, codes; numbers are finite
//! labels      there is one target per task, or none; labels are of the task's kind and in range
//! targets     the targets alone are those of the batch
//! empty       no positions are a batch of no samples, of the same form
//! repeatable  the same positions give the same bits
//! threads     several threads at once get what one gets
//! parts       where there are parts, they cover the source one after the other, and a batch of two is refused
//! ```
//! Of a source of parts the other laws are about each part. [`check`] looks at a few positions of any source, so a test is one line:
//!
//! ```
//! use mtl_data::{datasets::DatasetConfig, laws};
//!
//! let data = DatasetConfig::by_name("synthetic-mmoe")?.load()?;
//! laws::source::check(&*data.validation)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::thread;

use mtl_core::{
    TorchContext,
    batch::{Batch, Target},
    laws::BrokenLaws,
};
use tch::Device;

use super::sample::{Sample, answers, samples};
use crate::{
    error::{Error, Result},
    info::DataInfo,
    source::{Source, SourcePart},
};

/// Positions that are looked at, if there are so many.
const POSITIONS: u64 = 16;
/// Threads that ask at once.
const THREADS: usize = 4;

/// Runs every law over a source.
///
/// # Errors
/// [`BrokenLaws`], one entry per broken law.
pub fn check(source: &dyn Source) -> std::result::Result<(), BrokenLaws> {
    type Law = fn(&dyn Source) -> Result<Option<String>>;
    let laws: [(&'static str, Law); 8] = [
        ("len", len),
        ("order", order),
        ("inputs", inputs),
        ("labels", labels),
        ("targets", targets),
        ("empty", empty),
        ("repeatable", repeatable),
        ("threads", threads),
    ];
    let mut broken = BrokenLaws(Vec::new());
    let all = source.parts();
    for (name, law) in laws {
        match &all[..] {
            [] => broken.note(name, law(source)),
            parts => broken.note(
                name,
                parts.iter().map(|part| law(&OfPart { source, part })).find_map(Result::transpose).transpose(),
            ),
        }
    }
    broken.note("parts", parts(source, &all));
    broken.verdict()
}

/// One part of a source.
struct OfPart<'a> {
    source: &'a dyn Source,
    part: &'a SourcePart,
}

impl OfPart<'_> {
    fn inner(&self, positions: &[u64]) -> Result<Vec<u64>> {
        let SourcePart { start, len, .. } = *self.part;
        let inner = |&found: &u64| match found < len {
            true => Ok(start + found),
            false => Err(Error::Position { what: "part", len, found }),
        };
        positions.iter().map(inner).collect()
    }
}

impl Source for OfPart<'_> {
    fn info(&self) -> &DataInfo {
        self.source.info()
    }
    fn len(&self) -> u64 {
        self.part.len
    }
    fn batch(&self, positions: &[u64]) -> Result<Batch> {
        self.source.batch(&self.inner(positions)?)
    }
    fn targets(&self, positions: &[u64]) -> Result<Vec<Option<Target>>> {
        self.source.targets(&self.inner(positions)?)
    }
}

fn parts(source: &dyn Source, parts: &[SourcePart]) -> Result<Option<String>> {
    let mut end = 0;
    for part in parts {
        if part.start != end || part.len == 0 {
            return Ok(Some(format!("{} begins at {} with {} samples, behind {end}", part.name, part.start, part.len)));
        }
        end += part.len;
        if let Some(task) = part.tasks.iter().find(|task| **task >= source.n_tasks()) {
            return Ok(Some(format!("{} has labels of task {task}, of {}", part.name, source.n_tasks())));
        }
        let targets = source.targets(&[part.start])?;
        if let Some(task) = targets.iter().enumerate().position(|(task, t)| t.is_some() && !part.tasks.contains(&task))
        {
            return Ok(Some(format!("{} has labels of task {task}, which it does not say", part.name)));
        }
    }
    if !parts.is_empty() && end != source.len() {
        return Ok(Some(format!("parts of {end} samples together, of {}", source.len())));
    }
    let mixed = parts.get(1).is_some_and(|second| source.batch(&[0, second.start]).is_ok());
    Ok(mixed.then(|| "a batch of two parts is not refused".to_owned()))
}

/// Some positions, neither ascending nor each once.
fn some(source: &dyn Source) -> Vec<u64> {
    let n = source.len().min(POSITIONS);
    let spread: Vec<u64> = (0..n).map(|at| (n - 1 - at) * source.len() / n).collect();
    let (odd, even): (Vec<_>, Vec<_>) = spread.into_iter().enumerate().partition(|(at, _)| at % 2 == 1);
    let mut positions: Vec<u64> = odd.into_iter().chain(even).map(|(_, position)| position).collect();
    positions.extend(source.len().checked_sub(1));
    positions.extend(positions.first().copied());
    positions
}

fn len(source: &dyn Source) -> Result<Option<String>> {
    let n = source.len();
    if source.is_empty() != (n == 0) || source.n_tasks() != source.info().tasks.len() {
        return Ok(Some(format!("{n} samples, empty: {}; {} tasks", source.is_empty(), source.n_tasks())));
    }
    if let Some(last) = n.checked_sub(1) {
        source.batch(&[last])?;
    }
    for beyond in [n, n.saturating_add(1), u64::MAX] {
        for (what, taken) in [
            ("a batch", source.batch(&[beyond]).is_ok()),
            ("a batch with others", n > 0 && source.batch(&[0, beyond]).is_ok()),
            ("targets", source.targets(&[beyond]).is_ok()),
        ] {
            if taken {
                return Ok(Some(format!("{what} of position {beyond}, where there are {n}")));
            }
        }
    }
    Ok(None)
}

fn order(source: &dyn Source) -> Result<Option<String>> {
    let positions = some(source);
    let together = samples(&source.batch(&positions)?)?;
    if together.len() != positions.len() {
        return Ok(Some(format!("{} samples for {} positions", together.len(), positions.len())));
    }
    for (place, (&position, sample)) in positions.iter().zip(&together).enumerate() {
        if samples(&source.batch(&[position])?)?.first() != Some(sample) {
            return Ok(Some(format!("position {position}, asked for in place {place}, is not what it is alone")));
        }
    }
    Ok(None)
}

fn inputs(source: &dyn Source) -> Result<Option<String>> {
    let spec = &source.info().inputs;
    spec.validate()?;
    let positions = some(source);
    let batch = source.batch(&positions)?;
    spec.check_values(&batch.inputs)?;
    for (name, input) in batch.inputs.iter() {
        let xs = input.tensor();
        if xs.device() != Device::Cpu || xs.size().first() != Some(&(positions.len() as i64)) {
            return Ok(Some(format!("{name} is {:?} on {:?} for {} samples", xs.size(), xs.device(), positions.len())));
        }
        if xs.is_floating_point() && xs.f_isfinite().and_then(|t| t.f_all()).op("law")?.int64_value(&[]) == 0 {
            return Ok(Some(format!("{name} is not finite")));
        }
    }
    Ok(None)
}

fn labels(source: &dyn Source) -> Result<Option<String>> {
    let positions = some(source);
    let batch = source.batch(&positions)?;
    if batch.targets.len() != source.n_tasks() {
        return Ok(Some(format!("{} targets for {} tasks", batch.targets.len(), source.n_tasks())));
    }
    for (task, target) in source.info().tasks.iter().zip(&batch.targets) {
        let Some(target) = target else { continue };
        target.check(task.name.as_str(), &task.answer)?;
        // Every cell, whoever made the target.
        let (known, largest) = Target::count(task.name.as_str(), &task.answer, &target.labels()?)?;
        if (known as f64).to_bits() != target.known().to_bits() || largest != target.max_label() {
            return Ok(Some(format!("task {}: {known} known labels, the target says {}", task.name, target.known())));
        }
    }
    Ok(None)
}

fn targets(source: &dyn Source) -> Result<Option<String>> {
    let positions = some(source);
    let (alone, batch) = (source.targets(&positions)?, source.batch(&positions)?.targets);
    if alone.len() != batch.len() {
        return Ok(Some(format!("{} targets alone, {} in a batch", alone.len(), batch.len())));
    }
    for (task, (alone, batch)) in source.info().tasks.iter().zip(alone.iter().zip(&batch)) {
        if answers(alone.as_ref(), positions.len())? != answers(batch.as_ref(), positions.len())? {
            return Ok(Some(format!("task {}: other targets alone than in a batch", task.name)));
        }
    }
    Ok(None)
}

fn empty(source: &dyn Source) -> Result<Option<String>> {
    let batch = source.batch(&[])?;
    if !batch.is_empty() || batch.targets.len() != source.n_tasks() || source.targets(&[])?.len() != source.n_tasks() {
        return Ok(Some(format!("{} samples, {} targets", batch.len(), batch.targets.len())));
    }
    source.info().inputs.check(&batch.inputs)?;
    Ok(None)
}

fn repeatable(source: &dyn Source) -> Result<Option<String>> {
    let positions = some(source);
    let same = samples(&source.batch(&positions)?)? == samples(&source.batch(&positions)?)?;
    Ok((!same).then(|| "the same positions give other samples the second time".into()))
}

fn threads(source: &dyn Source) -> Result<Option<String>> {
    let positions = some(source);
    let expected = samples(&source.batch(&positions)?)?;
    let found = thread::scope(|scope| {
        let ask = || -> Result<Vec<Sample>> { samples(&source.batch(&positions)?) };
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
        threads.into_iter().map(|thread| thread.join().ok()).collect::<Vec<_>>()
    });
    for found in found {
        match found {
            None => return Ok(Some("a thread panicked".into())),
            Some(found) => {
                if found? != expected {
                    return Ok(Some("a thread got other samples".into()));
                }
            }
        }
    }
    Ok(None)
}
