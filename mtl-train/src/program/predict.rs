//! `mtl predict`: answers for raw rows, texts or pictures.

use std::path::PathBuf;

use crate::{
    Result,
    config::DeviceConfig,
    deploy::predict::{OutputFormat, Predicted, Predictor, Request, predict_file},
    monitor::console::note,
};
use clap::Args as ClapArgs;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// An exported package, a run's folder, or a TorchScript file of `mtl export`.
    model: PathBuf,
    /// Rows as in training (label columns may be missing), texts (a line a sample), an idx file of pictures, or, where a sample has
    /// several pictures, a folder with an idx file for each; `-` is the standard input, for rows and texts.
    #[arg(long)]
    input: PathBuf,
    /// The source that the samples are of, for a model of several; default the one that can read them, if it is one alone.
    #[arg(long)]
    source: Option<String>,
    /// Where the answers go; default the standard output.
    #[arg(long)]
    output: Option<PathBuf>,
    /// `csv` or `jsonl`; default as the output's name says, else csv.
    #[arg(long)]
    format: Option<OutputFormat>,
    /// Samples that are answered at once.
    #[arg(long, default_value_t = 4096)]
    batch_size: usize,
    /// `cpu`, `cuda` or `cuda:1`; a run's folder says itself.
    #[arg(long, default_value = "cpu")]
    device: String,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let device = DeviceConfig { kind: args.device.clone(), threads: None, ..DeviceConfig::default() }.apply()?;
    let predictor = Predictor::open(&args.model, device)?;
    let request = Request {
        input: args.input.clone(),
        source: args.source.clone(),
        output: args.output.clone(),
        format: args.format,
        batch_size: args.batch_size,
    };
    let Predicted { rows, source, lacking_ids } = predict_file(&predictor, &request)?;
    if !lacking_ids.is_empty() {
        let names = lacking_ids.join(", ");
        note(format_args!(
            "note: the input has no column {names}: answers say which row they are of, not what it is called"
        ));
    }
    if let (None, Some(source)) = (&args.source, source) {
        note(format_args!("note: answered as samples of {source}, the one source that can read them"));
    }
    if let Some(output) = &args.output {
        note(format_args!("{rows} answers in {}", output.display()));
    }
    Ok(())
}
