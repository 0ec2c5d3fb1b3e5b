//! Times corpus BLEU and WER on two text files, one sentence a line: hypotheses and references.
//!
//! ```text
//! cargo run --release -p mtl-metrics --example text_speed -- hypotheses.txt references.txt
//! ```
//!
//! `sacrebleu` and `jiwer` read the same two files for a comparison.
#![expect(clippy::print_stdout, reason = "what the program is for")]

use std::{env, fs, time::Instant};

use mtl_metrics::{
    Metric, Streaming,
    speech::{ErrorRate, Rate, Unit},
    text::{Bleu, BleuConfig, Chrf, ChrfConfig, TextPairs},
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = env::args().skip(1).collect();
    let [hypotheses, references] = paths.as_slice() else {
        return Err("give two files: hypotheses and references".into());
    };
    let (hypotheses, references) = (fs::read_to_string(hypotheses)?, fs::read_to_string(references)?);
    let (hypotheses, references): (Vec<&str>, Vec<&str>) = (hypotheses.lines().collect(), references.lines().collect());
    time(&Bleu::new(BleuConfig::default())?, &hypotheses, &references)?;
    time(&Chrf::new(ChrfConfig::default())?, &hypotheses, &references)?;
    time(&ErrorRate::new(Rate::Error, Unit::Words), &hypotheses, &references)?;
    time(&ErrorRate::new(Rate::Error, Unit::Characters), &hypotheses, &references)?;
    Ok(())
}

/// Prints the best of five runs.
fn time<M>(metric: &M, hypotheses: &[&str], references: &[&str]) -> Result<(), Box<dyn std::error::Error>>
where
    M: for<'a> Metric<Batch<'a> = TextPairs<'a>>,
{
    let (mut best, mut outcome) = (f64::INFINITY, None);
    for _ in 0..5 {
        let start = Instant::now();
        let mut streaming = Streaming::new(metric.clone());
        streaming.update_batch(&TextPairs::new(hypotheses, references)?)?;
        outcome = Some(streaming.compute());
        best = best.min(start.elapsed().as_secs_f64());
    }
    let value = outcome.map(|value| value.to_string()).unwrap_or_default();
    println!("{:<6} {value:<20} {best:.4} s, {:.0} sentences a second", metric.name(), hypotheses.len() as f64 / best);
    Ok(())
}
