//! A small run of two tasks with one shared trunk.

use std::path::Path;

use mtl_train::{Result, config::RunConfig, session::Session};

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
