//! A program with parts of one's own, one of each kind: answer, modality, data set, metric, head, encoder, sharing
//! architecture, balancing method. It is `mtl` with nine lines more.
//!
//! Goal: say in TOML what the toolkit does not know, with everything that comes with it: keys checked with a caret, `list`,
//! resume, `eval`, `predict` on raw files, reports, exports. `weather.toml` names all of them: where the wind comes from (an
//! angle: 359 degrees is next to 1) and whether it rains, from time (fields that come round again) and pressure.
//!
//! | file | part | implements |
//! |---|---|---|
//! | `angle.rs` | a kind of answer: names, form of labels, constant answer, how it is written | `AnswerKind`, `CustomAnswer` |
//! | `cyclic.rs` | a modality: form of a batch, what it is in words | `ModalityKind`, `CustomModality` |
//! | `weather.rs` | a data set: settings, reading, what is learned, samples | `DatasetPart`, `CustomPreprocessing`, `Source` |
//! | `angle_error.rs` | a metric: a sum that merges | `Metric` |
//! | `compass.rs` | a head: network, loss, answer | `HeadPart`, `Head` |
//! | `harmonics.rs` | an encoder: which inputs it takes, its stages | `EncoderPart`, `Encoder` |
//! | `adapters.rs` | a sharing architecture: what tasks share | `SharingPart`, `Sharing` |
//! | `hardest.rs` | a balancing method: losses to weights | `BalancerPart`, `Balancer` |
//! | `parts.rs` | the list of them | |
//! | `laws.rs`, `build.rs` | the public laws, over these parts; where libtorch is: of a crate outside | |
//!
//! A part is a settings type (serde, schemars, `Default`), whose fields and comments are what users read in `mtl list keys`, and
//! what it builds. Nothing else of the toolkit is touched; take the folder as it is for a crate of your own. The numbers of
//! `weather.csv` are made up: wind from the sea by day, from the land by night, rain when the pressure is low.
//!
//! ```text
//! cargo run -p mtl-train --example own_parts -- list metrics
//! cargo run -p mtl-train --example own_parts -- train mtl-train/examples/own_parts/weather.toml \
//!     --set data.dir=mtl-train/examples/own_parts --run-dir runs/weather
//! cargo run -p mtl-train --example own_parts -- report runs/weather
//! ```
//! Expect: `angle-error` falls from about 90 degrees, which is what a constant answer has, to about 20.
#![allow(missing_docs, reason = "an example: what users read is the documentation of settings")]
#![allow(clippy::cast_possible_truncation, reason = "small numbers")]

use std::process::ExitCode;

use mtl_train::program;

#[path = "parts.rs"]
mod parts;

fn main() -> ExitCode {
    program::run(parts::parts())
}
