//! Ranks against threads: the same global batches by one rank with every processor inside operations, and by as many ranks as there
//! are processors, with one thread each. In turn, so often, the first of a round changing; medians of each, and of the rounds' ratios.
//! Steps alone are counted: no validation, no reading of data before the first step.
//!
//! | network | what it is |
//! |---|---|
//! | `table` | Census-Income (or as many generated numbers), hidden layers of 128 and 64, batches of 1024: small products |
//! | `wide experts` | the same data, a mixture of 8 experts of 256 |
//! | `text` | ATIS by `configs/atis.toml`: recurrent layers on 32 sentences, tags by a field |
//! | `pictures` | two garments by ResNet-18, 32 pictures: convolutions, batch normalization over all ranks |
//!
//! `--only PART` measures those whose name contains it, `--only CONFIG.toml` another run's configuration with its own data.

use std::path::Path;

use mtl_core::{
    encode::{EncoderConfig, ResNet18Config},
    share::{MmoeConfig, SharingConfig},
    step::StepMode,
};
use mtl_data::{DatasetConfig, Origin, Splits};
use mtl_train::{
    Result, RunConfig,
    parts::{architecture::Architecture, encoder::AnyEncoder, method::MethodConfig},
    run::{
        ranks::{Auto, Ranks},
        session::Session,
        threads,
    },
    study::compare::Subject,
    train::trainer::Every,
};
use serde::Serialize;

use crate::{
    console,
    load::Stopwatch,
    models::{encoder, plan},
    step::median,
};

/// More steps than a measurement can finish.
const MANY: u64 = 1 << 40;
/// Ratios that two ranks are held to on two processors.
const BARS: [(&str, f64); 2] = [("table", 1.35), ("wide experts", 1.0)];

/// What was found for a network.
#[derive(Debug, Serialize)]
pub(crate) struct RankRate {
    pub(crate) network: String,
    pub(crate) batch: usize,
    pub(crate) ranks: usize,
    /// Samples per second of one rank with every processor inside operations: median over rounds.
    pub(crate) one: f64,
    /// Of the ranks.
    pub(crate) several: f64,
    /// Median of the rounds' ratios.
    pub(crate) ratio: f64,
    /// The smallest and the largest of them.
    pub(crate) spread: [f64; 2],
    /// How many ranks `device.ranks = "auto"` takes.
    pub(crate) auto: usize,
}

/// A configuration on its data.
struct Network {
    name: String,
    config: RunConfig,
    splits: Splits,
}

/// Measures the networks on `data` and their own, or that of a configuration file. Those whose data is not here are named.
pub(crate) fn measure(data: &DatasetConfig, only: Option<&str>, rounds: u64, seconds: f64) -> Result<Vec<RankRate>> {
    if let Some(file) = only.map(Path::new).filter(|path| path.extension().is_some_and(|e| e == "toml")) {
        let config = RunConfig::load(file)?;
        let splits = config.data.load()?;
        let name = file.display().to_string();
        return Ok(vec![of(&Network { name, config, splits }, rounds, seconds)?]);
    }
    let mut found = Vec::new();
    for (name, make) in NETWORKS.iter().filter(|(name, _)| only.is_none_or(|part| name.contains(part))) {
        match make(data) {
            Ok((config, splits)) => {
                found.push(of(&Network { name: (*name).to_owned(), config, splits }, rounds, seconds)?);
            }
            Err(e) => eprintln!("{name} is left out: {e}"),
        }
    }
    Ok(found)
}

fn of(network: &Network, rounds: u64, seconds: f64) -> Result<RankRate> {
    let ranks = threads::processors().max(2);
    let (mut one, mut several, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        // Whoever comes second has a warmer machine.
        let order = if round % 2 == 1 { [1, ranks] } else { [ranks, 1] };
        let mut rates = [0.0, 0.0];
        for n in order {
            rates[usize::from(n > 1)] = rate(network, n, seconds)?;
        }
        let [a, b] = rates;
        eprintln!("round {round} of {rounds}: {}, one rank {a:.0}, {ranks} ranks {b:.0} samples/s", network.name);
        one.push(a);
        several.push(b);
        ratios.push(b / a);
    }
    let spread = [ratios.iter().copied().fold(f64::INFINITY, f64::min), ratios.iter().copied().fold(0.0, f64::max)];
    let mut chosen = network.config.clone();
    (chosen.device.ranks, chosen.device.threads) = (Some(Ranks::ByWork(Auto::Auto)), None);
    Ok(RankRate {
        network: network.name.clone(),
        batch: network.config.train.batch_size,
        ranks,
        one: median(&mut one),
        several: median(&mut several),
        ratio: median(&mut ratios),
        spread,
        auto: Session::new(&chosen, &network.splits)?.ranks(),
    })
}

/// For people: the table, and what it says of the bars.
#[expect(clippy::print_stdout, reason = "the result of the program")]
pub(crate) fn show(rates: &[RankRate]) {
    let mut table =
        console::table(&["network", "batch", "ranks", "one rank", "ranks, samples/s", "ratio", "from", "to", "auto"]);
    for rate in rates {
        table.add_row([
            rate.network.clone(),
            rate.batch.to_string(),
            rate.ranks.to_string(),
            format!("{:.0}", rate.one),
            format!("{:.0}", rate.several),
            format!("{:.2}", rate.ratio),
            format!("{:.2}", rate.spread[0]),
            format!("{:.2}", rate.spread[1]),
            rate.auto.to_string(),
        ]);
    }
    println!("{}", console::right(table, 1));
    for (name, bar) in BARS {
        if let Some(rate) = rates.iter().find(|rate| rate.network == name && rate.ranks == 2) {
            let verdict = if rate.ratio >= bar { "kept" } else { "MISSED" };
            println!("{name}: {:.2} of one rank, at least {bar}: {verdict}", rate.ratio);
        }
    }
}

type Make = fn(&DatasetConfig) -> Result<(RunConfig, Splits)>;

const NETWORKS: [(&str, Make); 4] =
    [("table", table), ("wide experts", experts), ("text", text), ("pictures", pictures)];

fn table(data: &DatasetConfig) -> Result<(RunConfig, Splits)> {
    let splits = data.load()?;
    let cells = plan(data, &splits.info, 1, 1, None)?.cells(&splits.info)?;
    let mut config = match cells.into_iter().find(|cell| cell.subject == Subject::Method(0)) {
        Some(cell) => cell.config,
        None => RunConfig::parse(include_str!("../../../configs/census-hard.toml"), "census-hard.toml".as_ref())?,
    };
    if splits.origin == Origin::Synthetic {
        config.encoder = encoder(3, &[128, 64]); // 100 fields: the width of Census-Income, 39 fields of 8
    }
    Ok((config, splits))
}

fn experts(data: &DatasetConfig) -> Result<(RunConfig, Splits)> {
    let (config, splits) = table(data)?;
    let experts = MmoeConfig { experts: 8, hidden: vec![256], ..MmoeConfig::default() };
    Ok((RunConfig { sharing: Architecture::Core(SharingConfig::Mmoe(experts)), ..config }, splits))
}

fn text(_: &DatasetConfig) -> Result<(RunConfig, Splits)> {
    let config = RunConfig::parse(include_str!("../../../configs/atis.toml"), "atis.toml".as_ref())?;
    let splits = config.data.load()?;
    Ok((config, splits))
}

fn pictures(_: &DatasetConfig) -> Result<(RunConfig, Splits)> {
    let mut config =
        RunConfig::parse(include_str!("../../../configs/fashion-pairs.toml"), "fashion-pairs.toml".as_ref())?;
    config.encoder = AnyEncoder::Core(EncoderConfig::ResNet18(ResNet18Config::default()));
    config.balancer = MethodConfig::default();
    config.train.step_mode = StepMode::default();
    config.train.batch_size = 32;
    let splits = config.data.load()?;
    Ok((config, splits))
}

/// Samples per second.
fn rate(network: &Network, ranks: usize, seconds: f64) -> Result<f64> {
    let mut config = network.config.clone();
    (config.train.epochs, config.train.steps) = (None, Some(MANY));
    config.train.validate_every = Every::Steps(MANY);
    let inside = if ranks == 1 { threads::processors() } else { 1 };
    config.device.threads = u32::try_from(inside).ok();
    config.device.ranks = u32::try_from(ranks).ok().map(Ranks::Number);
    let mut session = Session::new(&config, &network.splits)?;
    let mut stopwatch = Stopwatch::new(seconds);
    session.fit(&mut stopwatch, None)?;
    Ok(stopwatch.rate(config.train.batch_size))
}
