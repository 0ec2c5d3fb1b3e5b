//! A run as a thing: from a configuration to a session, and the folder that it lives in.
//!
//! | module | holds |
//! |---|---|
//! | [`session`], [`plan`] | from a configuration to a run; to its model alone, without samples |
//! | [`init`] | first values from another model |
//! | [`life`] | created, resumed, trained, finished |
//! | [`dir`], [`number`] | its folder; the next one's name |
//! | [`data`], [`outcome`], [`cost`] | what it remembers of its data; what it found out; what it took |
//! | [`post_hoc`] | what was fitted to its answers: calibration, sets, thresholds |
//! | [`opened`] | a folder opened again: data, model |
//! | [`machine`], [`memory`] | what it runs on; what the process holds |
//! | [`threads`], [`ranks`] | how many work inside operations; how many side by side |
//! | [`self_supervised`], [`sources`] | tasks whose labels are inputs; data of several sources |
//! | [`interrupt`] | Ctrl-C |

pub mod cost;
pub mod data;
pub mod dir;
pub mod init;
pub mod interrupt;
pub(crate) mod json;
pub mod life;
pub mod machine;
pub mod memory;
pub mod number;
pub mod opened;
pub mod outcome;
pub mod plan;
pub mod post_hoc;
pub mod ranks;
pub(crate) mod sealed_json;
pub mod self_supervised;
pub mod session;
pub mod sources;
pub mod threads;
