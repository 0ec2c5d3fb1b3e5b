//! Laws that every mixer of sources obeys.
//!
//! ```text
//! shares       one for each source, none negative, together 1; sources of one size have like shares
//! choices      as many as asked for, each of a source that there is
//! met          every source comes, sooner or later
//! frequencies  over many epochs each source comes as often as its share says, within five standard deviations of a binomial draw
//! repeatable   the same generator gives the same choices
//! restart      from any position on come the choices that an uninterrupted epoch gives from there
//! steps        an epoch is made of whole steps
//! ```
//! [`check`] tries them on sources of several sizes:
//!
//! ```
//! use mtl_data::{laws, mix::{Mix, Temperature}};
//!
//! laws::mix::check(&Mix::Temperature(Temperature { temperature: 2.0, limit: None }))?;
//! # Ok::<(), mtl_data::laws::BrokenLaws>(())
//! ```

use mtl_core::laws::BrokenLaws;

use crate::{
    error::Result,
    mix::{Mix, MixPart, MixSchedule, Moment},
    rng::{Rng, Stream},
};

/// Batches of sources: alike, small and large, many, one alone.
const SIZES: [&[u64]; 5] = [&[5, 5], &[1, 40], &[3, 9, 30], &[2, 4, 2, 8, 4, 16], &[7]];
/// Epochs of a run.
const EPOCHS: u64 = 120;

/// Runs every law over a mixer.
///
/// # Errors
/// [`BrokenLaws`], one entry per broken law.
pub fn check(mix: &Mix) -> std::result::Result<(), BrokenLaws> {
    let mut broken = BrokenLaws(Vec::new());
    check_part(mix.part(), &mut broken);
    broken.note("restart", over_sizes(|n| restart(mix, n)));
    broken.verdict()
}

/// The laws that need no name: of whatever implements [`MixPart`].
///
/// # Errors
/// As [`check`].
pub fn of_part(mix: &dyn MixPart) -> std::result::Result<(), BrokenLaws> {
    let mut broken = BrokenLaws(Vec::new());
    check_part(mix, &mut broken);
    broken.verdict()
}

fn check_part(mix: &dyn MixPart, broken: &mut BrokenLaws) {
    type Law = fn(&dyn MixPart, &[u64]) -> Result<Option<String>>;
    let laws: [(&'static str, Law); 6] = [
        ("shares", shares),
        ("choices", choices),
        ("met", met),
        ("frequencies", frequencies),
        ("repeatable", repeatable),
        ("steps", steps),
    ];
    for (name, law) in laws {
        broken.note(name, over_sizes(|n| law(mix, n)));
    }
}

/// The first sizes for which a law is broken.
fn over_sizes(law: impl Fn(&[u64]) -> Result<Option<String>>) -> Result<Option<String>> {
    for n in SIZES {
        if let Some(how) = law(n)? {
            return Ok(Some(format!("sources of {n:?} batches: {how}")));
        }
    }
    Ok(None)
}

fn moment(epoch: u64) -> Moment {
    Moment { epoch, epochs: EPOCHS }
}

fn of_epoch(mix: &dyn MixPart, n: &[u64], epoch: u64) -> Result<Vec<usize>> {
    mix.choices(n, mix.batches(n), moment(epoch), &mut Rng::new(3, Stream::Task, epoch))
}

fn shares(mix: &dyn MixPart, n: &[u64]) -> Result<Option<String>> {
    for epoch in [0, 1, EPOCHS / 2, EPOCHS - 1, EPOCHS] {
        let found = mix.shares(n, moment(epoch))?;
        let sum: f64 = found.iter().sum();
        if found.len() != n.len() || found.iter().any(|share| !(0.0..=1.0).contains(share)) || (sum - 1.0).abs() > 1e-9
        {
            return Ok(Some(format!("shares {found:?} in epoch {epoch}")));
        }
        let alike = |a: usize, b: usize| n[a] != n[b] || (found[a] - found[b]).abs() < 1e-12;
        if let Some(b) = (1..n.len()).find(|&b| !(0..b).all(|a| alike(a, b))) {
            return Ok(Some(format!("source {b} has another share than one of its size, {found:?}")));
        }
    }
    Ok(None)
}

fn choices(mix: &dyn MixPart, n: &[u64]) -> Result<Option<String>> {
    for n_batches in [0, 1, 7, mix.batches(n), 3 * mix.batches(n) + 1] {
        let found = mix.choices(n, n_batches, moment(1), &mut Rng::new(3, Stream::Task, 1))?;
        if found.len() as u64 != n_batches || found.iter().any(|&source| source >= n.len()) {
            return Ok(Some(format!(
                "{} choices of {n_batches} asked for, up to {:?}",
                found.len(),
                found.iter().max()
            )));
        }
    }
    Ok(None)
}

fn met(mix: &dyn MixPart, n: &[u64]) -> Result<Option<String>> {
    let mut seen = vec![false; n.len()];
    for epoch in 0..EPOCHS {
        of_epoch(mix, n, epoch)?.into_iter().for_each(|source| seen[source] = true);
    }
    Ok(seen.iter().position(|seen| !seen).map(|source| format!("source {source} never comes in {EPOCHS} epochs")))
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn frequencies(mix: &dyn MixPart, n: &[u64]) -> Result<Option<String>> {
    let (mut counts, mut expected, mut variance) = (vec![0.0; n.len()], vec![0.0; n.len()], vec![0.0; n.len()]);
    for epoch in 0..EPOCHS {
        let found = of_epoch(mix, n, epoch)?;
        for (source, share) in mix.shares(n, moment(epoch))?.into_iter().enumerate() {
            counts[source] += found.iter().filter(|&&own| own == source).count() as f64;
            expected[source] += share * found.len() as f64;
            variance[source] += share * (1.0 - share) * found.len() as f64;
        }
    }
    let off = (0..n.len()).find(|&i| (counts[i] - expected[i]).abs() > 5.0 * f64::sqrt(variance[i]) + 1.0);
    Ok(off.map(|i| format!("source {i} comes {} times where its share says {:.1}", counts[i], expected[i])))
}

fn repeatable(mix: &dyn MixPart, n: &[u64]) -> Result<Option<String>> {
    let differs = of_epoch(mix, n, 2)? != of_epoch(mix, n, 2)?;
    Ok(differs.then(|| "the same epoch comes otherwise the second time".to_owned()))
}

fn steps(mix: &dyn MixPart, n: &[u64]) -> Result<Option<String>> {
    let (batches, per_step) = (mix.batches(n), mix.per_step(n.len()));
    let whole = batches > 0 && per_step > 0 && batches.is_multiple_of(per_step);
    Ok((!whole).then(|| format!("an epoch of {batches} batches in steps of {per_step}")))
}

fn restart(mix: &Mix, n: &[u64]) -> Result<Option<String>> {
    let whole = MixSchedule::new(mix, n, moment(5), 9)?;
    for from in [0, 1, whole.draws().len() / 2, whole.draws().len()] {
        let mut sought = MixSchedule::new(mix, n, moment(5), 9)?;
        sought.seek(from as u64)?;
        if sought.collect::<Vec<_>>() != whole.draws()[from..] {
            return Ok(Some(format!("from batch {from} on it comes otherwise")));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forgets the last source of several, whatever it says.
    struct Forgetful;

    impl MixPart for Forgetful {
        fn shares(&self, n: &[u64], _moment: Moment) -> Result<Vec<f64>> {
            Ok(vec![1.0 / n.len() as f64; n.len()])
        }
        fn choices(&self, n: &[u64], n_batches: u64, _: Moment, rng: &mut Rng) -> Result<Vec<usize>> {
            let known = (n.len() as u64 - 1).max(1);
            Ok((0..n_batches).map(|_| usize::try_from(rng.below(known)).unwrap()).collect())
        }
        fn per_step(&self, sources: usize) -> u64 {
            sources as u64 * 1000
        }
    }

    /// Has shares that are none.
    struct Greedy;

    impl MixPart for Greedy {
        fn shares(&self, n: &[u64], moment: Moment) -> Result<Vec<f64>> {
            Ok((0..n.len()).map(|at| if at == 0 { 0.7 } else { 0.1 * (moment.epoch + 1) as f64 }).collect())
        }
    }

    #[test]
    fn a_mixer_that_breaks_them_is_caught() {
        let broken = |mix: &dyn MixPart| of_part(mix).unwrap_err().names();
        assert_eq!(broken(&Forgetful), ["met", "frequencies", "steps"]);
        assert!(broken(&Greedy).contains(&"shares"));
    }
}
