//! Tasks that the data do not have: their labels are inputs, which a head restores.
//!
//! ```text
//! [[task]] name = "restore", head = { kind = "masked-reconstruction", input = "numeric" }
//!     RunConfig --of--> (task, input) --> DataInfo and sources of the data, with that task behind their own
//! ```
//! A run's files know the data as they are; the task is added again wherever the run's configuration meets them
//! ([`ModelPlan`](crate::run::plan::ModelPlan), [`Session`](crate::run::session::Session)).

use std::sync::Arc;

use mtl_data::{DataInfo, Source, source::Restored};

use crate::{
    config::{RunConfig, TaskConfig},
    error::{Error, Result},
};

/// The tasks of `config` whose labels are inputs: the name of each, and its input.
#[must_use]
pub fn of(config: &RunConfig) -> Vec<(String, String)> {
    config.tasks.iter().filter_map(restored).collect()
}

fn restored(task: &TaskConfig) -> Option<(String, String)> {
    Some((task.name.clone(), task.head.as_ref()?.restores()?.to_owned()))
}

/// The data with these tasks.
///
/// # Errors
/// As [`DataInfo::with_restored`]: a task that the data have, an input that they have not.
pub fn info(config: &RunConfig, info: &DataInfo) -> Result<DataInfo> {
    let mut tasks = config.tasks.iter().enumerate().filter_map(|(idx, task)| Some((idx, restored(task)?)));
    tasks.try_fold(info.clone(), |info, (idx, task)| {
        info.with_restored(&[task]).map_err(|e| Error::from(e).in_section(format!("task[{idx}]")))
    })
}

/// A split of the data with these tasks; itself where there are none.
///
/// # Errors
/// As [`info`].
pub fn source(config: &RunConfig, source: Arc<dyn Source>) -> Result<Arc<dyn Source>> {
    match &of(config)[..] {
        [] => Ok(source),
        tasks => Ok(Arc::new(Restored::new(source, tasks).map_err(|e| Error::from(e).in_section("task"))?)),
    }
}
