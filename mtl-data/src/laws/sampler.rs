//! Laws that every sampler obeys, over rows that a user brings.
//!
//! ```text
//! length      every epoch has as many rows as it says, and each of them exists
//! repeatable  the same epoch gives the same rows again, and another one others
//! expected    what rows are expected to come adds up to an epoch; in every epoch each comes as often, give or take less than its slack
//! unbiased    over epochs a row comes as often as expected
//! ```
//! Rows that a sampler makes ([`grown`](crate::sampler::SamplerPart::grown)) are there when it deals.

use std::sync::Arc;

use mtl_core::laws::BrokenLaws;

use crate::{
    error::Result,
    rng::{Rng, Stream},
    sampler::{Deal, Rows, SamplerPart},
    source::Source,
};

/// Epochs over which rows are counted.
const EPOCHS: u64 = 64;
/// How far the mean over them may be from what is expected: six standard deviations of a coin.
const TOLERANCE: f64 = 0.375;

/// What is wrong with a deal of so many rows; nothing where it keeps the law.
type Law = fn(&dyn Deal, u64) -> Option<String>;

/// Runs every law over what a sampler makes of some rows in batches of that size. Where it says nothing of them, there is nothing to break.
///
/// # Errors
/// [`BrokenLaws`], one entry per broken law; a refusal of the rows breaks `length`.
pub fn check(
    sampler: &dyn SamplerPart,
    source: &Arc<dyn Source>,
    batch_size: usize,
) -> std::result::Result<(), BrokenLaws> {
    let mut broken = BrokenLaws(Vec::new());
    let planned = || -> Result<Option<(Box<dyn Deal>, u64)>> {
        let grown = sampler.grown(source, 3)?.unwrap_or_else(|| source.clone());
        let rows = Rows::new(&*grown, 0, grown.len(), batch_size);
        Ok(sampler.plan(&rows)?.map(|deal| (deal, rows.len())))
    };
    match planned() {
        Ok(None) => {}
        Ok(Some((deal, n))) => {
            let laws: [(&'static str, Law); 4] =
                [("length", length), ("repeatable", repeatable), ("expected", expected), ("unbiased", unbiased)];
            for (name, law) in laws {
                broken.note(name, Ok::<_, crate::Error>(law(&*deal, n)));
            }
        }
        Err(e) => broken.note("length", Err::<Option<String>, _>(e)),
    }
    broken.verdict()
}

fn epoch(deal: &dyn Deal, number: u64) -> Vec<u64> {
    deal.rows(&mut Rng::new(5, Stream::Sampler, number))
}

/// How often each row comes.
fn times(deal: &dyn Deal, number: u64, n: u64) -> Vec<u64> {
    let mut times = vec![0; usize::try_from(n).unwrap_or(0)];
    let rows = epoch(deal, number);
    rows.iter().filter_map(|&row| usize::try_from(row).ok()).for_each(|row| {
        times.get_mut(row).into_iter().for_each(|n| *n += 1);
    });
    times
}

fn length(deal: &dyn Deal, n: u64) -> Option<String> {
    (0..4).find_map(|number| {
        let rows = epoch(deal, number);
        let (said, found) = (deal.len(), rows.len() as u64);
        if said != found {
            return Some(format!("epoch {number} has {found} rows where it says {said}"));
        }
        rows.iter().find(|&&row| row >= n).map(|row| format!("epoch {number} has row {row} of {n}"))
    })
}

fn repeatable(deal: &dyn Deal, _: u64) -> Option<String> {
    if epoch(deal, 0) != epoch(deal, 0) {
        return Some("epoch 0 is another the second time".into());
    }
    (deal.len() > 8 && epoch(deal, 0) == epoch(deal, 1)).then(|| "two epochs are the same".into())
}

fn expected(deal: &dyn Deal, n: u64) -> Option<String> {
    let expected = deal.expected();
    let (sum, len) = (expected.iter().sum::<f64>(), deal.len() as f64);
    if expected.len() as u64 != n || (sum - len).abs() > 1e-6 * len.max(1.0) {
        return Some(format!("{} of {n} rows are expected {sum} times together, an epoch has {len}", expected.len()));
    }
    (0..8).find_map(|number| {
        let times = times(deal, number, n);
        let off = expected.iter().zip(&times).position(|(e, &n)| (n as f64 - e).abs() > deal.slack() - 1e-9);
        off.map(|row| format!("row {row} comes {} times in epoch {number}, expected are {}", times[row], expected[row]))
    })
}

fn unbiased(deal: &dyn Deal, n: u64) -> Option<String> {
    let mut sums = vec![0u64; usize::try_from(n).unwrap_or(0)];
    for number in 0..EPOCHS {
        sums.iter_mut().zip(times(deal, number, n)).for_each(|(sum, times)| *sum += times);
    }
    let means: Vec<f64> = sums.iter().map(|&sum| sum as f64 / EPOCHS as f64).collect();
    let off = deal.expected().iter().zip(&means).position(|(e, mean)| (mean - e).abs() > TOLERANCE * deal.slack());
    off.map(|row| {
        format!(
            "row {row} comes {} times in the mean of {EPOCHS} epochs, expected are {}",
            means[row],
            deal.expected()[row]
        )
    })
}
