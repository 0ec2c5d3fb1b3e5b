//! Data for multi-task learning: typed tables, pictures, texts, mixers of sources, and a loader that keeps the trainer busy.
//!
//! A training run wants batches: tensors of inputs, one target per task, in an order that a seed determines. Between a
//! file and a batch stand four steps, each a type of its own, so that each can be used, tested and replaced alone:
//!
//! ```text
//! file --> Table, Idx --> FittedSchema --> Source --> Loader --> Batch
//!          read           learned from     random     order,     (mtl-core)
//!          in parallel    training rows    access     workers
//! ```
//!
//! Three promises hold throughout. **Nothing leaks**: vocabularies and means come from the training rows alone.
//! **Nothing depends on timing**: a batch is a function of `(seed, epoch, number)`, whatever the number of workers, and an
//! epoch can be taken up in its middle. **Nothing is guessed**: a row that is too short, a label that training never saw,
//! a number that is none, a file that is cut short stop the run with one line that names file, line, column and task, and
//! says what to write instead where a setting would help. What merely looks wrong is a [`Finding`] of the [`Splits`].
//!
//! # Examples
//! ```
//! use mtl_data::{CsvFormat, FittedSchema, Loader, LoaderConfig, Schema, Table, source::split};
//!
//! let schema: Schema = toml::from_str(r#"columns = [
//!     { name = "color", kind = "categorical" },
//!     { name = "weight", kind = "numeric" },
//!     { name = "ripe", kind = "label", label = { binary = { positive = "yes" } } },
//!     { name = "price", kind = "label", label = "value" },
//! ]"#)?;
//! let text = "color,weight,ripe,price\nred,150,yes,0.4\ngreen,140,no,0.3\nred,180,yes,\ngreen,90,no,0.2\n";
//! let table = Table::parse("apples.csv".as_ref(), text.as_bytes(), &CsvFormat::default(), &schema)?;
//!
//! let (train, _validation) = split(table.n_rows() as u64, 0.25, 0)?;
//! let fitted = FittedSchema::fit(&schema, &table, &train)?;
//! let source = std::sync::Arc::new(fitted.encode(&table)?);
//!
//! let loader = Loader::new(source, LoaderConfig { batch_size: 3, workers: 2, ..LoaderConfig::default() })?;
//! for batch in loader.epoch(0)? {
//!     let batch = batch?;
//!     assert_eq!(batch.inputs.get("numeric")?.size(), [batch.len() as i64, 1]);
//!     assert_eq!(batch.targets.len(), 2); // ripe, price; one price is missing
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//! | module | what it holds |
//! |---|---|
//! | [`datasets`] | data sets by name: [`DatasetConfig`] to [`Splits`] |
//! | [`table`] | [`Schema`], [`Table`], [`FittedSchema`]: CSV files |
//! | [`text`] | [`FittedTexts`], [`Vocabulary`](text::Vocabulary): parallel files of texts and labels |
//! | [`idx`] | pictures in the format of the MNIST family |
//! | [`kept`] | [`Kept`]: what a run remembers of its data, so that nothing is learned twice |
//! | [`preprocess`] | [`Preprocessing`]: from raw files to inputs, for prediction |
//! | [`source`] | the [`Source`] trait, [`TableSource`], [`TextSource`], [`FashionPairs`], [`Subset`], [`Concat`], [`Joined`], [`ForTasks`], [`Folds`] |
//! | [`laws`] | what every source, and whatever gives batches, obeys: to be run over one's own |
//! | [`split`] | [`Split`]: whole groups, the future, equal shares |
//! | [`stats`] | [`stats::of`]: counts, shares and spread of a split's labels |
//! | [`mix`] | [`Mix`]: which of several sources each batch comes from |
//! | [`loader`] | [`Batches`]; [`Loader`]: batches built ahead, in [`Order`] |
//! | [`rng`] | random numbers that no update changes |
//! | [`DataInfo`] | what encoders and heads need to know |
//!
//! Reading and composing run on rayon's threads, building batches on the loader's; results are the same for any number of
//! either. The crate prints nothing.

mod error;
mod finding;
mod info;
mod order;
mod picture_files;

pub mod datasets;
pub mod idx;
pub mod kept;
pub mod laws;
pub mod loader;
pub mod mix;
pub mod preprocess;
pub mod rng;
pub mod sampler;
pub mod source;
pub mod split;
pub mod stats;
pub mod table;
pub mod text;

pub use datasets::{DatasetConfig, DatasetPart, Origin, Splits};
pub use error::{Error, Result};
pub use finding::{Finding, Level};
pub use info::{DataInfo, TaskInfo};
pub use kept::{Kept, Loading, OnChange};
pub use loader::{
    BatchIter, Batches, DrawnPart, Epoch, Loader, LoaderConfig, LoaderPosition, MixedPart, Mixing, Part, PartIter,
    Shard, TargetIter,
};
pub use mix::Mix;
pub use order::Order;
pub use picture_files::NamedPictures;
pub use preprocess::{InputBatches, Preprocessing, RawPictures};
pub use sampler::Sampler;
pub use source::{Concat, FashionPairs, Folds, ForTasks, Joined, Source, SourcePart, Subset, TableSource, TextSource};
pub use split::Split;
pub use table::{CsvFormat, FittedSchema, Schema, Table};
pub use text::FittedTexts;
