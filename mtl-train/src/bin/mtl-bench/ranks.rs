//! Ranks against threads: the same global batches by one rank with every processor inside operations, and by as many ranks as there
//! are processors, with one thread each. In turn, so often; the median of each, and of the ratios of each round.
//!
//! `mtl-bench --suite ranks --data-dir census` (or `--synthetic`) measures the table network and experts; `--only CONFIG.toml` another
//! run's configuration instead, with its own data.

use std::path::Path;

use mtl_core::share::{MmoeConfig, SharingConfig};
use mtl_data::{DatasetConfig, Origin, Splits};
use mtl_train::{
    Result, RunConfig,
    parts::architecture::Architecture,
    run::{session::Session, threads},
    study::compare::Subject,
};
use serde::Serialize;

use crate::{
    load::Stopwatch,
    models::{encoder, plan},
};

/// More than a measurement can finish.
const MANY_EPOCHS: u64 = 1_000_000;

/// What was found for a network.
#[derive(Debug, Serialize)]
pub(crate) struct RankRate {
    pub(crate) network: String,
    pub(crate) ranks: usize,
    /// Samples per second of one rank with every processor inside operations: median over rounds.
    pub(crate) one: f64,
    /// Of the ranks.
    pub(crate) several: f64,
    /// Median of the rounds' ratios.
    pub(crate) ratio: f64,
}

/// Measures the networks on `data`, or that of a configuration file.
pub(crate) fn measure(data: &DatasetConfig, file: Option<&str>, rounds: u64, seconds: f64) -> Result<Vec<RankRate>> {
    let mut found = Vec::new();
    for (network, config, splits) in networks(data, file)? {
        let ranks = threads::processors().max(2);
        let (mut one, mut several) = (Vec::new(), Vec::new());
        for round in 1..=rounds {
            one.push(rate(&config, &splits, 1, seconds)?);
            several.push(rate(&config, &splits, ranks, seconds)?);
            let (a, b) = (one.last().copied().unwrap_or_default(), several.last().copied().unwrap_or_default());
            eprintln!("round {round} of {rounds}: {network}, one rank {a:.0}, {ranks} ranks {b:.0} samples/s");
        }
        let ratios = one.iter().zip(&several).map(|(a, b)| b / a).collect();
        found.push(RankRate { network, ranks, one: median(one), several: median(several), ratio: median(ratios) });
    }
    Ok(found)
}

/// For people.
#[expect(clippy::print_stdout, reason = "the result of the program")]
pub(crate) fn show(rates: &[RankRate]) {
    for RankRate { network, ranks, one, several, ratio } in rates {
        println!("{network}: one rank {one:.0}, {ranks} ranks {several:.0} samples/s, ratio {ratio:.2}");
    }
}

fn networks(data: &DatasetConfig, file: Option<&str>) -> Result<Vec<(String, RunConfig, Splits)>> {
    if let Some(file) = file {
        let config = RunConfig::load(Path::new(file))?;
        let splits = config.data.load()?;
        return Ok(vec![(file.to_owned(), config, splits)]);
    }
    let splits = data.load()?;
    let cells = plan(data, &splits.info, MANY_EPOCHS, 1, None)?.cells(&splits.info)?;
    let Some(mut cell) = cells.into_iter().find(|cell| cell.subject == Subject::Method(0)) else {
        return Ok(Vec::new());
    };
    if splits.origin == Origin::Synthetic {
        cell.config.encoder = encoder(3, &[128, 64]); // 100 fields: the width of Census-Income, 39 fields of 8
    }
    let experts = MmoeConfig { experts: 8, hidden: vec![256], ..MmoeConfig::default() };
    let sharing = Architecture::Core(SharingConfig::Mmoe(experts));
    let mixture = RunConfig { sharing, ..cell.config.clone() };
    Ok(vec![("table network".to_owned(), cell.config, splits.clone()), ("wide experts".to_owned(), mixture, splits)])
}

/// Samples per second.
fn rate(config: &RunConfig, splits: &Splits, ranks: usize, seconds: f64) -> Result<f64> {
    let mut config = config.clone();
    config.train.epochs = MANY_EPOCHS;
    let inside = if ranks == 1 { threads::processors() } else { 1 };
    config.device.threads = u32::try_from(inside).ok();
    config.device.ranks = u32::try_from(ranks).ok();
    let mut session = Session::new(&config, splits)?;
    let mut stopwatch = Stopwatch::new(seconds);
    session.fit(&mut stopwatch, None)?;
    Ok(stopwatch.rate(config.train.batch_size))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
