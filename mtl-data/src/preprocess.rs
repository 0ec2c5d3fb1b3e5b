//! From raw files to input tensors, as in training: what a model needs beside its weights.
//!
//! ```text
//! training:    file -> Splits, learning vocabularies, means, scales      Splits::preprocessing: each data set says its
//! own prediction:  file -> Preprocessing::read -> Inputs, batch by batch     the same codes and numbers
//! ```
//!
//! A [`Preprocessing`] is small, serializable and complete: it needs no data set and no configuration. What the network
//! has to know of its inputs is less ([`Preprocessing::inputs`]): how numbers were scaled does not concern it.

mod custom;
mod sources;

use std::{
    fs::File,
    io::{Read, stdin},
    path::Path,
};

pub use custom::{Custom, CustomPreprocessing, RawInputs, register};
pub use sources::SourceReading;
pub(crate) use sources::mean_the_same;

use mtl_core::{
    TorchContext,
    input::{InputSpec, Inputs, Modality, Picture},
};
use serde::{Deserialize, Serialize};
use tch::Tensor;

use crate::{
    error::{Error, Result},
    idx::Items,
    picture_files::{NamedPictures, PictureFiles},
    source::{Scaling, Source, TableSource},
    table::{CsvFormat, FittedSchema, InputRows},
    text::{FittedTexts, RawTexts},
};

/// Pictures of bytes: their shape, and how values are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPictures {
    /// Color channels.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// What is subtracted from values in `[0, 1]`.
    pub mean: f32,
    /// What they are divided by after that; > 0.
    pub std: f32,
}

impl RawPictures {
    /// The name of the input that they become.
    pub const INPUT: &'static str = "image";

    pub(crate) fn new([channels, height, width]: [usize; 3], Scaling { mean, std }: Scaling) -> Self {
        Self { channels, height, width, mean, std }
    }

    /// How values are scaled.
    #[must_use]
    pub fn scaling(&self) -> Scaling {
        Scaling { mean: self.mean, std: self.std }
    }

    /// The input that they become, `[b, channels, height, width]` of `Float`.
    #[must_use]
    pub fn inputs(&self) -> InputSpec {
        // One input with a constant name: nothing to refuse.
        InputSpec::new([(Self::INPUT, self.modality())]).unwrap_or_default()
    }

    pub(crate) fn modality(&self) -> Modality {
        let [channels, height, width] = self.shape();
        Picture { channels, height, width }.into()
    }

    fn shape(&self) -> [i64; 3] {
        [self.channels, self.height, self.width].map(|n| i64::try_from(n).unwrap_or(i64::MAX))
    }

    /// # Errors
    /// `InvalidConfig` for pictures without pixels or of an unusable scale.
    pub(crate) fn validate(&self) -> Result<()> {
        let pixels = [self.channels, self.height, self.width];
        let pixels = pixels.iter().try_fold(1usize, |all, &size| all.checked_mul(size));
        let usable = pixels.is_some_and(|n| (1..1 << 31).contains(&n))
            && self.mean.is_finite()
            && self.std.is_finite()
            && self.std > 0.0;
        match usable {
            true => Ok(()),
            false => Err(Error::config("pictures", "image", "at least one pixel, std > 0", format!("{self:?}"))),
        }
    }

    /// The scaled value of each of the 256 values that a byte has: one arithmetic for training and prediction.
    pub(crate) fn values(&self) -> [f32; 256] {
        std::array::from_fn(|pixel| (pixel as f32 / 255.0 - self.mean) / self.std)
    }

    /// A batch of scaled pixels, picture by picture.
    pub(crate) fn batch(&self, pixels: &[f32]) -> Result<Inputs> {
        Ok(Inputs::new(vec![(Self::INPUT.to_owned(), self.tensor(pixels)?)])?)
    }

    /// Scaled pixels as a tensor, `[b, c, h, w]`.
    pub(crate) fn tensor(&self, pixels: &[f32]) -> Result<Tensor> {
        let [c, h, w] = self.shape();
        let b = pixels.len().checked_div(self.channels * self.height * self.width).unwrap_or(0);
        Ok(Tensor::f_from_slice(pixels).and_then(|t| t.f_view([b as i64, c, h, w])).op("pictures")?)
    }

    /// Bytes of a file as a tensor of scaled pixels, `[b, c, h, w]`.
    pub(crate) fn tensor_of_bytes(&self, bytes: &[u8]) -> Result<Tensor> {
        let values = self.values();
        self.tensor(&bytes.iter().map(|&byte| values[usize::from(byte)]).collect::<Vec<f32>>())
    }
}

/// How raw samples become inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Preprocessing {
    /// Rows of a CSV file: texts become codes, numbers are scaled.
    Table {
        /// How text is cut into fields.
        format: CsvFormat,
        /// What the columns mean, and what was learned about them.
        fitted: FittedSchema,
    },
    /// Pictures of an idx file: bytes are scaled.
    Pictures {
        /// Their shape, and how values are scaled.
        image: RawPictures,
    },
    /// Lines of text: words become ids.
    Text {
        /// The vocabularies, and what else was learned.
        fitted: FittedTexts,
    },
    /// Pictures of several idx files, one of each in a sample.
    PictureFiles {
        /// The inputs in order.
        images: Vec<NamedPictures>,
    },
    /// Samples of several sources, each in files of its own kind.
    Sources {
        /// How each is read, in order.
        sources: Vec<SourceReading>,
    },
    /// As a data set from outside says.
    Custom(Custom),
}

impl Preprocessing {
    /// What was learned of a table's columns; `None` for what is no table.
    #[must_use]
    pub fn table(&self) -> Option<&FittedSchema> {
        match self {
            Self::Table { fitted, .. } => Some(fitted),
            Self::Pictures { .. }
            | Self::PictureFiles { .. }
            | Self::Text { .. }
            | Self::Sources { .. }
            | Self::Custom(_) => None,
        }
    }

    /// Shape and scaling of the pictures of an input; `None` where it has none.
    #[must_use]
    pub fn pictures(&self, input: &str) -> Option<&RawPictures> {
        match self {
            Self::Pictures { image } => (input == RawPictures::INPUT).then_some(image),
            Self::PictureFiles { images } => images.iter().find(|one| one.name == input).map(|one| &one.image),
            Self::Table { .. } | Self::Text { .. } | Self::Sources { .. } | Self::Custom(_) => None,
        }
    }

    /// What was learned of texts; `None` for what are none.
    #[must_use]
    pub fn texts(&self) -> Option<&FittedTexts> {
        match self {
            Self::Text { fitted } => Some(fitted),
            Self::Table { .. }
            | Self::Pictures { .. }
            | Self::PictureFiles { .. }
            | Self::Sources { .. }
            | Self::Custom(_) => None,
        }
    }

    /// What a data set from outside says; `None` for those of ours.
    #[must_use]
    pub fn custom(&self) -> Option<&dyn CustomPreprocessing> {
        match self {
            Self::Custom(custom) => Some(custom.get()),
            Self::Table { .. }
            | Self::Pictures { .. }
            | Self::PictureFiles { .. }
            | Self::Sources { .. }
            | Self::Text { .. } => None,
        }
    }

    /// How each of several sources is read; nothing where there is one.
    #[must_use]
    pub fn sources(&self) -> &[SourceReading] {
        match self {
            Self::Sources { sources } => sources,
            Self::Table { .. }
            | Self::Pictures { .. }
            | Self::PictureFiles { .. }
            | Self::Text { .. }
            | Self::Custom(_) => &[],
        }
    }

    /// The same for some tasks: of several sources those alone that have labels of one of them.
    #[must_use]
    pub fn for_tasks(&self, names: &[&str]) -> Self {
        match self {
            Self::Sources { sources } => {
                let is_wanted = |source: &&SourceReading| source.tasks.iter().any(|own| names.contains(&own.as_str()));
                Self::Sources { sources: sources.iter().filter(is_wanted).cloned().collect() }
            }
            Self::Table { .. }
            | Self::Pictures { .. }
            | Self::PictureFiles { .. }
            | Self::Text { .. }
            | Self::Custom(_) => self.clone(),
        }
    }

    /// How one of several sources is read.
    ///
    /// # Errors
    /// `UnknownName`, listing the sources there are.
    pub fn source(&self, name: &str) -> Result<&SourceReading> {
        self.sources().iter().find(|source| source.name == name).ok_or_else(|| {
            let known = self.sources().iter().map(|source| source.name.clone()).collect();
            mtl_core::Error::UnknownName { what: "source", name: name.to_owned(), known }.into()
        })
    }

    /// The inputs that it gives.
    ///
    /// # Errors
    /// Those of [`FittedSchema::validate`]; `InvalidConfig` for pictures without pixels or of an unusable scale; those of a
    /// [`CustomPreprocessing`].
    pub fn inputs(&self) -> Result<InputSpec> {
        match self {
            Self::Table { fitted, .. } => {
                fitted.validate()?;
                Ok(fitted.inputs())
            }
            Self::Pictures { image } => {
                image.validate()?;
                Ok(image.inputs())
            }
            Self::Text { fitted } => {
                fitted.validate()?;
                fitted.inputs()
            }
            Self::PictureFiles { images } => NamedPictures::inputs(images),
            Self::Sources { sources } => sources::inputs(sources),
            Self::Custom(custom) => custom.get().inputs(),
        }
    }

    /// What a file must be, in words: `CSV rows with a header, or JSON lines`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Table { format: CsvFormat { header: true, .. }, .. } => {
                "CSV rows with a header, or JSON lines".into()
            }
            Self::Table { .. } => "CSV rows without header, columns in the order of training".into(),
            Self::Pictures { image: RawPictures { channels, height, width, .. } } => {
                format!("an idx file of {channels} x {height} x {width} bytes a picture")
            }
            Self::Text { fitted } => {
                let names: Vec<&str> = fitted.inputs.iter().map(|input| input.name.as_str()).collect();
                let tabs =
                    if names.len() > 1 { format!(": {}, separated by tabs", names.join(", ")) } else { String::new() };
                format!("lines of text, a sample each{tabs}; words are separated by blanks")
            }
            Self::PictureFiles { images } => NamedPictures::describe(images),
            Self::Sources { sources } => {
                let one = |source: &SourceReading| {
                    let raw = source.raw.as_ref().map_or_else(|| "made by the caller".to_owned(), |raw| raw.describe());
                    format!("of source {}: {raw}", source.name)
                };
                sources.iter().map(one).collect::<Vec<_>>().join("; ")
            }
            Self::Custom(custom) => custom.get().describe(),
        }
    }

    /// The inputs of all samples of a file, `batch_size` at a time (the last of a block may be fewer); `-` is the
    /// standard input, for tables and texts. Where a sample has several pictures, the path is that of a folder with a file for each.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be opened; whatever is wrong in its header, with its place; `InvalidConfig`
    /// for a batch size of 0. Errors of samples come from the iterator.
    pub fn read(&self, path: &Path, batch_size: usize) -> Result<InputBatches> {
        let inputs = self.inputs()?;
        if batch_size == 0 {
            return Err(Error::config("prediction", "batch_size", ">= 1", "0"));
        }
        let bytes = || -> Result<Box<dyn Read + Send>> {
            Ok(match path == Path::new("-") {
                true => Box::new(stdin()),
                false => Box::new(File::open(path).map_err(|e| Error::io(path, e))?),
            })
        };
        let reader = match self {
            Self::Table { format, fitted } => {
                Reader::Table { rows: Box::new(fitted.parse_inputs(path, bytes()?, format)?), block: None }
            }
            Self::Text { fitted } => Reader::Text { lines: Box::new(RawTexts::open(fitted, path, bytes()?)?) },
            Self::Pictures { image } => Reader::Pictures { items: open_pictures(path, image)?, image: *image },
            Self::Custom(custom) => Reader::Custom { batches: custom.get().read(path, batch_size)?, inputs },
            Self::PictureFiles { images } => Reader::PictureFiles(PictureFiles::open(path, images)?),
            Self::Sources { sources } => {
                let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
                let expected = format!("that of one source ({}): which has to be said", names.join(", "));
                return Err(Error::config("prediction", "input", expected, path.display().to_string()));
            }
        };
        Ok(InputBatches { reader, batch_size, ids: Vec::new(), failed: false })
    }
}

/// Opens an idx file of such pictures.
pub(crate) fn open_pictures(path: &Path, image: &RawPictures) -> Result<Items> {
    let items = Items::open(path)?;
    let RawPictures { channels, height, width, .. } = *image;
    let fits = match items.dims() {
        [_, h, w] => channels == 1 && (*h, *w) == (height, width),
        [_, c, h, w] => (*c, *h, *w) == (channels, height, width),
        _ => false,
    };
    if !fits {
        let (expected, found) = (format!("pictures of {channels} x {height} x {width}"), format!("{:?}", items.dims()));
        return Err(Error::Idx { path: path.to_owned(), expected, found: format!("sizes {found}") });
    }
    if items.dims().first() == Some(&0) {
        return Err(Error::NoRows { path: path.to_owned() });
    }
    Ok(items)
}

/// The inputs of a file's samples, in order.
#[derive(Debug)]
pub struct InputBatches {
    reader: Reader,
    batch_size: usize,
    /// What the samples of the batch given last are called, column by column.
    ids: Vec<Vec<String>>,
    failed: bool,
}

enum Reader {
    Table {
        rows: Box<InputRows<Box<dyn Read + Send>>>,
        /// The block in use, and how many of its rows have been given out.
        block: Option<(TableSource, u64)>,
    },
    Pictures {
        items: Items,
        image: RawPictures,
    },
    Text {
        lines: Box<RawTexts<Box<dyn Read + Send>>>,
    },
    Custom {
        batches: RawInputs,
        /// What they are said to be.
        inputs: InputSpec,
    },
    PictureFiles(PictureFiles),
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Table { .. } => "table",
            Self::Pictures { .. } => "pictures",
            Self::Text { .. } => "text",
            Self::Custom { .. } => "custom",
            Self::PictureFiles(_) => "picture files",
        })
    }
}

impl InputBatches {
    /// The columns of a table that say what rows are called ([`Column::Id`](crate::table::Column::Id)), as far as the file has them;
    /// none of other data.
    #[must_use]
    pub fn id_names(&self) -> Vec<String> {
        match &self.reader {
            Reader::Table { rows, .. } => rows.id_names().map(str::to_owned).collect(),
            Reader::Pictures { .. } | Reader::Text { .. } | Reader::Custom { .. } | Reader::PictureFiles(_) => {
                Vec::new()
            }
        }
    }

    /// Those that the table's schema has and the file lacks.
    #[must_use]
    pub fn lacking_ids(&self) -> Vec<String> {
        match &self.reader {
            Reader::Table { rows, .. } => rows.lacking_ids().map(str::to_owned).collect(),
            Reader::Pictures { .. } | Reader::Text { .. } | Reader::Custom { .. } | Reader::PictureFiles(_) => {
                Vec::new()
            }
        }
    }

    /// What the samples of the batch given last are called: for each of [`id_names`](Self::id_names) a text a sample.
    #[must_use]
    pub fn ids(&self) -> &[Vec<String>] {
        &self.ids
    }

    fn next_batch(&mut self) -> Result<Option<Inputs>> {
        match &mut self.reader {
            Reader::Table { rows, block } => loop {
                if let Some((source, next)) = block
                    && *next < source.len()
                {
                    let end = source.len().min(*next + self.batch_size as u64);
                    let inputs = source.batch(&(*next..end).collect::<Vec<_>>())?.inputs;
                    let place = |row: u64| usize::try_from(row).unwrap_or(usize::MAX);
                    self.ids = rows.ids(place(*next)..place(end));
                    *next = end;
                    return Ok(Some(inputs));
                }
                match rows.next() {
                    None => return Ok(None),
                    Some(source) => *block = Some((source?, 0)),
                }
            },
            Reader::Pictures { items, image } => {
                let bytes = items.take(self.batch_size)?;
                if bytes.is_empty() {
                    return Ok(None);
                }
                Ok(Some(Inputs::new(vec![(RawPictures::INPUT.to_owned(), image.tensor_of_bytes(&bytes)?)])?))
            }
            Reader::Text { lines } => lines.take(self.batch_size),
            Reader::Custom { batches, inputs } => {
                let Some(batch) = batches.next().transpose()? else { return Ok(None) };
                inputs.check(&batch)?;
                Ok(Some(batch))
            }
            Reader::PictureFiles(files) => files.take(self.batch_size),
        }
    }
}

impl Iterator for InputBatches {
    type Item = Result<Inputs>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let batch = self.next_batch();
        self.failed = batch.is_err();
        batch.transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets::DatasetConfig;

    fn image(std: f32) -> Preprocessing {
        Preprocessing::Pictures { image: RawPictures { channels: 1, height: 1, width: 2, mean: 0.5, std } }
    }

    fn round_trip(p: &Preprocessing) {
        let text = serde_json::to_string(p).unwrap();
        assert_eq!(&serde_json::from_str::<Preprocessing>(&text).unwrap(), p, "{text}");
    }

    #[test]
    fn tables_come_in_batches_and_in_order() {
        let config: DatasetConfig =
            toml::from_str("kind = \"synthetic-mmoe\"\ntrain = 30\nvalidation = 5\ntest = 5").unwrap();
        let splits = config.load().unwrap();
        let p = splits.preprocessing.clone().unwrap();
        round_trip(&p);
        assert_eq!(p.inputs().unwrap(), splits.info.inputs);
        let batch = splits.test.batch(&[0, 1, 2, 3, 4]).unwrap();
        let xs = batch.inputs.get("numeric").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.csv");
        let rows: Vec<Vec<f32>> = (0..5).map(|row| Vec::try_from(xs.get(row)).unwrap()).collect();
        let line = |row: &Vec<f32>| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(",") + "\n";
        let names: Vec<String> = (0..100).map(|i| format!("x{i}")).collect();
        let text: String = names.join(",") + "\n" + &rows.iter().map(line).collect::<String>();
        std::fs::write(&path, text).unwrap();
        let batches: Vec<Inputs> = p.read(&path, 2).unwrap().map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(Inputs::batch_size).collect::<Vec<_>>(), [2, 2, 1]);
        let found: Vec<_> = batches.iter().map(|b| b.get("numeric").unwrap()).collect();
        assert_eq!(&Tensor::cat(&found, 0), xs);
        assert!(p.read(&path, 0).is_err());
    }

    #[test]
    fn pictures_are_scaled_as_in_training() {
        let p = image(0.25);
        round_trip(&p);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pictures");
        let write = |header: &[u8], items: &[u8]| std::fs::write(&path, [header, items].concat()).unwrap();
        write(&[0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2], &[0, 255, 51, 0, 0, 0]);
        let batches: Vec<Inputs> = p.read(&path, 2).unwrap().map(Result::unwrap).collect();
        assert_eq!(batches.iter().map(Inputs::batch_size).collect::<Vec<_>>(), [2, 1]);
        let first = batches[0].get("image").unwrap();
        assert_eq!(first.size(), [2, 1, 1, 2]);
        assert_eq!(Vec::<f32>::try_from(first.view(-1)).unwrap(), [-2.0, 2.0, (0.2 - 0.5) / 0.25, -2.0]);
        let refusal = || p.read(&path, 2).unwrap_err().to_string();
        write(&[0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2], &[0; 4]);
        assert!(refusal().ends_with("expected pictures of 1 x 1 x 2, found sizes [1, 2, 2]"));
        write(&[0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2], &[]);
        assert!(refusal().ends_with("expected at least one row of data, found none"));
        assert!(image(0.0).read(&path, 2).unwrap_err().to_string().contains("std > 0"));
    }
}
