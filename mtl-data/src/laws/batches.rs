//! Laws that whatever gives a trainer its batches obeys.
//!
//! ```text
//! length      an epoch has as many batches as it says, if it says so, and none of them is empty
//! repeatable  the same epoch gives the same bits again
//! resume      from any position on there come the batches that an uninterrupted epoch gives from there; from its end none
//! beyond      a position behind an end that is known before is refused
//! apart       two walks at once do not disturb each other, and one that is dropped early disturbs nobody
//! targets     targets alone are those of the batches
//! parts       the parts of ranks, put together, are the batch, from any position on; a batch too small to divide is everybody's
//! dealt       what ranks evaluate is every batch of the first epoch, each by one of them (who refuses several ranks owes neither)
//! coverage    the ids of every epoch are what was claimed, see Coverage; the same in every epoch where it is each once
//! ```
//! [`check`] looks at the first epochs, or at the beginning of one that does not end:
//!
//! ```
//! use mtl_data::{Loader, LoaderConfig, datasets::DatasetConfig, laws};
//!
//! let data = DatasetConfig::by_name("synthetic-mmoe")?.load()?;
//! let loader = Loader::new(data.validation, LoaderConfig::default())?;
//! laws::batches::check(&loader, laws::batches::Coverage::Once)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use mtl_core::laws::BrokenLaws;

use super::sample::{NO_LABEL, Sample, answers, samples};
use crate::{
    error::Result,
    loader::{BatchIter, Batches, LoaderPosition, Shard},
};

/// Which samples an epoch shows. A sample is known by its id and by the tasks that it has labels of, since data sets of separate
/// tasks count their ids each for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// Every sample once, and the same ones in every epoch: training and evaluation. An epoch is read to its end.
    Once,
    /// No sample twice: the last batch is dropped where it is not full, say. An epoch is read to its end.
    AtMostOnce,
    /// As chance or a stream brings them.
    Drawn,
}

/// So many batches of an epoch are looked at where it need not be read to its end.
const LOOKED_AT: usize = 64;
/// Epochs that are looked at.
const EPOCHS: u64 = 2;

/// Runs every law over some batches.
///
/// # Errors
/// [`BrokenLaws`], one entry per broken law.
pub fn check(batches: &dyn Batches, coverage: Coverage) -> std::result::Result<(), BrokenLaws> {
    type Law = fn(&dyn Batches) -> Result<Option<String>>;
    let laws: [(&'static str, Law); 8] = [
        ("length", length),
        ("repeatable", repeatable),
        ("resume", resume),
        ("beyond", beyond),
        ("apart", apart),
        ("targets", targets),
        ("parts", parts),
        ("dealt", dealt),
    ];
    let mut broken = BrokenLaws(Vec::new());
    for (name, law) in laws {
        broken.note(name, law(batches));
    }
    if coverage != Coverage::Drawn {
        broken.note("coverage", covers(batches, coverage));
    }
    broken.verdict()
}

fn at(epoch: u64, next_batch: u64) -> LoaderPosition {
    LoaderPosition { epoch, next_batch }
}

/// The first batches of a walk.
fn first(walk: BatchIter<'_>) -> Result<Vec<Vec<Sample>>> {
    walk.take(LOOKED_AT).map(|batch| samples(&batch?)).collect()
}

fn beginning(batches: &dyn Batches, epoch: u64) -> Result<Vec<Vec<Sample>>> {
    first(batches.batches_from(at(epoch, 0))?)
}

fn length(batches: &dyn Batches) -> Result<Option<String>> {
    let said = batches.n_batches();
    for epoch in 0..EPOCHS {
        let mut n = 0_u64;
        for batch in batches.batches_from(at(epoch, 0))?.take(said.map_or(LOOKED_AT, |_| usize::MAX)) {
            if batch?.is_empty() {
                return Ok(Some(format!("batch {n} of epoch {epoch} has no sample")));
            }
            n += 1;
            // One that does not end although it says where is not to be waited for.
            if said.is_some_and(|said| n > said) {
                break;
            }
        }
        if n == 0 || said.is_some_and(|said| said != n) {
            let said = said.map_or_else(|| "at least one".to_owned(), |n| n.to_string());
            return Ok(Some(format!("epoch {epoch} has {n} batches where it says {said}")));
        }
    }
    Ok(None)
}

fn repeatable(batches: &dyn Batches) -> Result<Option<String>> {
    for epoch in 0..EPOCHS {
        let (once, again) = (beginning(batches, epoch)?, beginning(batches, epoch)?);
        if let Some(place) = unlike(&once, &again) {
            return Ok(Some(format!("epoch {epoch}: batch {place} is another the second time")));
        }
    }
    Ok(None)
}

fn resume(batches: &dyn Batches) -> Result<Option<String>> {
    for epoch in (0..EPOCHS).rev() {
        let whole = beginning(batches, epoch)?;
        let n = whole.len();
        for from in [n / 2, n.saturating_sub(1), 1, n] {
            let Some(expected) = whole.get(from..) else { continue };
            let rest = first(batches.batches_from(at(epoch, from as u64))?)?;
            // What lies behind the batches that were looked at is not compared.
            let rest = if n < LOOKED_AT { &rest[..] } else { &rest[..rest.len().min(expected.len())] };
            if let Some(place) = unlike(expected, rest) {
                let place = from + place;
                return Ok(Some(format!("epoch {epoch} from batch {from} on: batch {place} is not that of the whole")));
            }
        }
        // The end of a long epoch, which was not looked at.
        for (from, left) in batches.n_batches().into_iter().flat_map(|n| [(n.saturating_sub(1), 1), (n, 0)]) {
            let found = batches.batches_from(at(epoch, from))?.take(2).count();
            if found != left {
                return Ok(Some(format!(
                    "epoch {epoch} from batch {from} on: {found} batches or more instead of {left}"
                )));
            }
        }
    }
    Ok(None)
}

fn beyond(batches: &dyn Batches) -> Result<Option<String>> {
    let Some(n) = batches.n_batches() else { return Ok(None) };
    let taken = batches.batches_from(at(0, n + 1)).is_ok() || batches.targets_from(at(0, n + 1)).is_ok();
    Ok(taken.then(|| format!("batch {} of {n} is not refused", n + 1)))
}

fn apart(batches: &dyn Batches) -> Result<Option<String>> {
    let expected: Vec<_> = (0..EPOCHS).map(|epoch| beginning(batches, epoch)).collect::<Result<_>>()?;
    drop(batches.batches_from(at(0, 0))?.next());
    let mut walks: Vec<_> = (0..EPOCHS).map(|epoch| batches.batches_from(at(epoch, 0))).collect::<Result<_>>()?;
    for place in 0..expected.iter().map(Vec::len).max().unwrap_or(0) {
        for (epoch, (walk, expected)) in walks.iter_mut().zip(&expected).enumerate() {
            let Some(expected) = expected.get(place) else { continue };
            let found = walk.next().transpose()?.map(|batch| samples(&batch)).transpose()?;
            if found.as_ref() != Some(expected) {
                return Ok(Some(format!("epoch {epoch}: batch {place} is another while epochs are read side by side")));
            }
        }
    }
    Ok(None)
}

fn targets(batches: &dyn Batches) -> Result<Option<String>> {
    let (mut whole, mut alone) = (batches.batches_from(at(0, 0))?, batches.targets_from(at(0, 0))?);
    for place in 0..LOOKED_AT {
        let (batch, alone) = (whole.next().transpose()?, alone.next().transpose()?);
        let (batch, alone) = match (batch, alone) {
            (None, None) => return Ok(None),
            (Some(batch), Some(alone)) => (batch, alone),
            (batch, _) => {
                let which = if batch.is_some() { "batches" } else { "targets" };
                return Ok(Some(format!("there are more {which}: {place} of the others")));
            }
        };
        let said = |targets: &[Option<_>]| -> Result<Vec<_>> {
            targets.iter().map(|target| answers(target.as_ref(), batch.len())).collect()
        };
        if said(&batch.targets)? != said(&alone)? {
            return Ok(Some(format!("batch {place} has other targets than the targets alone")));
        }
    }
    Ok(None)
}

/// Numbers of ranks that are tried: one that divides most batches evenly, and one that does not.
const RANKS: [usize; 2] = [2, 3];

fn parts(batches: &dyn Batches) -> Result<Option<String>> {
    for (size, from) in RANKS.into_iter().zip([1, 0]) {
        let position = at(1, from);
        let walks: Result<Vec<_>> = (0..size).map(|rank| batches.parts_from(position, Shard { rank, size })).collect();
        let Ok(mut walks) = walks else { continue };
        for (place, batch) in batches.batches_from(position)?.take(LOOKED_AT).enumerate() {
            let (place, expected) = (place as u64 + from, samples(&batch?)?);
            let mut found = Vec::new();
            for (rank, walk) in walks.iter_mut().enumerate() {
                let shard = Shard { rank, size };
                let Some(part) = walk.next().transpose()? else {
                    return Ok(Some(format!("rank {rank} of {size} has no part of batch {place}")));
                };
                if part.whole != expected.len() {
                    let (said, n) = (part.whole, expected.len());
                    return Ok(Some(format!(
                        "rank {rank} of {size} says {said} samples of batch {place}, which has {n}"
                    )));
                }
                let own = samples(&part.batch)?;
                if !shard.divides(expected.len()) && own != expected {
                    return Ok(Some(format!(
                        "rank {rank} of {size} has not all of batch {place}, too small to divide"
                    )));
                }
                found.extend(own);
            }
            let is_divided = Shard { rank: 0, size }.divides(expected.len());
            if is_divided && found != expected {
                return Ok(Some(format!("the parts of {size} ranks put together are not batch {place} of epoch 1")));
            }
        }
    }
    Ok(None)
}

fn dealt(batches: &dyn Batches) -> Result<Option<String>> {
    let whole = beginning(batches, 0)?;
    for size in RANKS {
        for rank in 0..size {
            let Ok(walk) = batches.dealt(Shard { rank, size }) else { continue };
            let expected: Vec<_> = whole.iter().skip(rank).step_by(size).cloned().collect();
            let mut found = first(walk)?;
            // Of a long epoch more is dealt than was looked at.
            if whole.len() == LOOKED_AT {
                found.truncate(expected.len());
            }
            if let Some(place) = unlike(&expected, &found) {
                return Ok(Some(format!(
                    "rank {rank} of {size} evaluates another batch than number {}",
                    rank + place * size
                )));
            }
        }
    }
    Ok(None)
}

fn covers(batches: &dyn Batches, coverage: Coverage) -> Result<Option<String>> {
    let mut before: Option<Vec<(u64, Vec<bool>)>> = None;
    for epoch in 0..EPOCHS {
        let mut seen = Vec::new();
        for batch in batches.batches_from(at(epoch, 0))? {
            let of = |sample: Sample| (sample.id, sample.answers.iter().map(|a| a != NO_LABEL).collect::<Vec<_>>());
            seen.extend(samples(&batch?)?.into_iter().map(of));
        }
        seen.sort_unstable();
        if let Some(twice) = seen.windows(2).find(|pair| pair[0] == pair[1]) {
            return Ok(Some(format!("epoch {epoch} has sample {} twice", twice[0].0)));
        }
        if coverage == Coverage::Once
            && let Some(before) = before.replace(seen.clone())
            && before != seen
        {
            let (n, now) = (before.len(), seen.len());
            return Ok(Some(format!(
                "epoch {epoch} has other samples than the one before: {now} instead of {n}, or others"
            )));
        }
    }
    Ok(None)
}

/// The first batch that differs.
fn unlike(a: &[Vec<Sample>], b: &[Vec<Sample>]) -> Option<usize> {
    let differs = a.iter().zip(b).position(|(a, b)| a != b);
    differs.or((a.len() != b.len()).then_some(a.len().min(b.len())))
}
