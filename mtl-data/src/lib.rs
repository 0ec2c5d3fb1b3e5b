//! Data for multi-task learning: typed tables, pictures, texts, samplers, and a loader that keeps the trainer busy.
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
//! | [`source`] | the [`Source`] trait, [`TableSource`], [`TextSource`], [`FashionPairs`], [`Subset`], [`Concat`], [`ForTasks`], [`source::Restored`], [`Folds`] |
//! | [`laws`] | what every source, and whatever gives batches, obeys: to be run over one's own |
//! | [`split`] | [`Split`]: whole groups, the future, equal shares |
//! | [`stats`] | [`stats::of`]: counts, shares and spread of a split's labels |
//! | [`sampler`] | [`Order`] of samples, [`TaskSampler`] of data sets |
//! | [`loader`] | [`Batches`]; [`Loader`], [`MultiLoader`]: batches built ahead |
//! | [`rng`] | random numbers that no update changes |
//! | [`DataInfo`] | what encoders and heads need to know |
//!
//! Reading and composing run on rayon's threads, building batches on the loader's; results are the same for any number of
//! either. The crate prints nothing.

mod error;
mod finding;
mod info;
mod picture_files;

pub mod datasets;
pub mod idx;
pub mod kept;
pub mod laws;
pub mod loader;
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
    BatchIter, Batches, Epoch, Loader, LoaderConfig, LoaderPosition, MultiConfig, MultiLoader, Part, PartIter, Shard,
    TargetIter,
};
pub use picture_files::NamedPictures;
pub use preprocess::{InputBatches, Preprocessing, RawPictures};
pub use sampler::{Order, TaskSampler};
pub use source::{Concat, FashionPairs, Folds, ForTasks, Source, Subset, TableSource, TextSource};
pub use split::Split;
pub use table::{CsvFormat, FittedSchema, Schema, Table};
pub use text::FittedTexts;
