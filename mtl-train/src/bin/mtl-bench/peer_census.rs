//! Our side of the end-to-end comparison with PyTorch on Census-Income (`xtask/src/peers/census.py` is theirs): reading,
//! training with validation after each epoch, test. One JSON line in the format that `cargo xtask bench --suite peers` reads.

use std::{path::Path, time::Instant};

use mtl_train::{Result, config::RunConfig, run::session::Session};
use serde_json::json;

#[expect(clippy::print_stdout, reason = "what the caller reads")]
pub(crate) fn run(data_dir: &Path, epochs: u64) -> Result<()> {
    let start = Instant::now();
    let config = RunConfig::parse(
        &format!(
            r#"
            data     = {{ kind = "census-income", dir = {data_dir:?} }}
            encoder  = {{ kind = "tabular", token_width = 8, hidden = [128] }}
            sharing  = {{ kind = "mmoe", experts = 8, hidden = [128, 64], balance = 0.0 }}
            balancer = {{ kind = "equal" }}
            train    = {{ epochs = {epochs}, batch_size = 1024, optimizer = {{ kind = "adamw", lr = 2e-3 }} }}
            device   = {{ threads = 2 }}
            "#
        ),
        "peer-census".as_ref(),
    )?;
    let splits = config.data.load()?;
    let reading = start.elapsed().as_secs_f64();
    let mut session = Session::new(&config, &splits)?;
    session.trainer.fit(&session.train, &session.validation, &mut (), None)?;
    let test = session.test()?;
    let seconds = start.elapsed().as_secs_f64();
    let auroc = |task_idx| test.value(task_idx, "auroc");
    println!(
        "{}",
        json!({
            "what": "census, MMoE",
            "seconds": seconds,
            "parts": { "reading": reading, "training and metrics": seconds - reading },
            "samples": epochs * session.train.source().len() as u64,
            "check": { "income": auroc(0), "marital": auroc(1) },
        })
    );
    Ok(())
}
