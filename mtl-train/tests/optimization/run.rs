//! A small run of two tasks with one shared trunk.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use mtl_train::{Result, config::RunConfig, run::session::Session};

/// libtorch has one generator for the whole process (initialization, dropout): tests take turns.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whatever `sections` say about `[train]` (first) and other sections.
pub(crate) fn try_session(balancer: &str, sections: &str) -> Result<Session> {
    let text = format!(
        r#"
data = {{ kind = "synthetic-mmoe", train = 320, validation = 100, test = 100, targets = "binary" }}
encoder = {{ kind = "tabular", token_width = 2, hidden = [8], dropout = 0.1 }}
device = {{ threads = 1 }}
balancer = {{ kind = {balancer:?} }}
[train]
epochs = 4
batch_size = 64
seed = 5
{sections}
"#
    );
    let config = RunConfig::parse(&text, Path::new("run.toml"))?;
    Session::new(&config, &config.data.load()?)
}

pub(crate) fn session(sections: &str) -> Session {
    try_session("uncertainty", sections).unwrap()
}

pub(crate) fn weights(session: &Session) -> Vec<u8> {
    session.trainer.model().params().to_safetensors().unwrap()
}

/// Weights, best weights and every state a checkpoint holds. (The file's metadata has no fixed order.)
pub(crate) fn everything(session: &Session) -> (Vec<u8>, String) {
    let checkpoint = session.trainer.checkpoint().unwrap();
    let of = |section: &str, list: Vec<(String, tch::Tensor)>| -> Vec<_> {
        list.into_iter().map(|(name, t)| (format!("{section} {name}"), t)).collect()
    };
    let mut tensors = of("params", checkpoint.params);
    tensors.extend(of("best", checkpoint.best));
    for (section, state) in [
        ("optimizer", &checkpoint.optimizer),
        ("balancer", &checkpoint.balancer),
        ("schedule", &checkpoint.schedule),
        ("ema", &checkpoint.ema),
    ] {
        tensors.extend(of(section, state.to_tensors()));
    }
    let named = tensors.iter().map(|(name, t)| (name.as_str(), t));
    (mtl_core::params::to_safetensors(named, &[]).unwrap(), checkpoint.counters)
}
