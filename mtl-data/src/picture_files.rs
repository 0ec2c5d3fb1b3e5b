//! Several pictures in a sample: one idx file each, pictures of one number belong together.

use std::path::{Path, PathBuf};

use mtl_core::input::{InputSpec, Inputs};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    idx::Items,
    preprocess::{RawPictures, open_pictures},
};

/// The pictures of one of several inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedPictures {
    /// The name of the input.
    pub name: String,
    /// Their shape, and how values are scaled.
    pub image: RawPictures,
}

impl NamedPictures {
    /// The inputs that these pictures become, in their order.
    ///
    /// # Errors
    /// Those of [`InputSpec::new`]; `InvalidConfig` for pictures without pixels or of an unusable scale.
    pub(crate) fn inputs(all: &[Self]) -> Result<InputSpec> {
        all.iter().try_for_each(|one| one.image.validate())?;
        Ok(InputSpec::new(all.iter().map(|one| (one.name.as_str(), one.image.modality())))?)
    }

    /// What a place of files must be, in words.
    pub(crate) fn describe(all: &[Self]) -> String {
        let one = |Self { name, image }: &Self| {
            format!("{name} of {} x {} x {} bytes a picture", image.channels, image.height, image.width)
        };
        format!("a folder with an idx file for each input: {}", all.iter().map(one).collect::<Vec<_>>().join(", "))
    }
}

/// The files of a folder, read side by side.
#[derive(Debug)]
pub(crate) struct PictureFiles(Vec<(NamedPictures, PathBuf, Items)>);

impl PictureFiles {
    /// Opens the file of each input in a folder: the one that is called as the input, with any ending (`left`, `left.idx`,
    /// `left.idx.gz`).
    ///
    /// # Errors
    /// `InvalidConfig` for a path that is no folder, and for an input without a file or with several; [`Error::Idx`] for
    /// pictures of another shape, or fewer of one input than of another.
    pub(crate) fn open(folder: &Path, pictures: &[NamedPictures]) -> Result<Self> {
        let refuse = |expected: String, found: String| Err(Error::config("prediction", "input", expected, found));
        if !folder.is_dir() {
            return refuse(NamedPictures::describe(pictures), format!("{}, which is no folder", folder.display()));
        }
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, e))? {
            names.push(entry.map_err(|e| Error::io(folder, e))?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        let mut files: Vec<(NamedPictures, PathBuf, Items)> = Vec::with_capacity(pictures.len());
        for one in pictures {
            let is_of = |file: &&String| file.split('.').next() == Some(one.name.as_str());
            let found: Vec<&String> = names.iter().filter(is_of).collect();
            let [file] = found[..] else {
                let expected = format!("a folder with one file of {}: {}.idx, say", one.name, one.name);
                return refuse(expected, format!("{} in {}", found.len(), folder.display()));
            };
            let path = folder.join(file);
            let items = open_pictures(&path, &one.image)?;
            if let Some((_, first, others)) = files.first()
                && others.dims().first() != items.dims().first()
            {
                let n = |items: &Items| items.dims().first().copied().unwrap_or(0);
                let expected = format!("{} pictures, as many as in {}", n(others), first.display());
                return Err(Error::Idx { path, expected, found: n(&items).to_string() });
            }
            files.push((one.clone(), path, items));
        }
        Ok(Self(files))
    }

    /// The next `n` samples, or what is left of them; `None` at the end.
    pub(crate) fn take(&mut self, n: usize) -> Result<Option<Inputs>> {
        let mut inputs = Vec::with_capacity(self.0.len());
        for (one, _, items) in &mut self.0 {
            let bytes = items.take(n)?;
            if bytes.is_empty() {
                return Ok(None);
            }
            inputs.push((one.name.clone(), one.image.tensor_of_bytes(&bytes)?));
        }
        Ok(Some(Inputs::new(inputs)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn write(path: &Path, n: u8, pixels: &[u8]) {
        fs::write(path, [&[0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 1, 0, 0, 0, 2], pixels].concat()).unwrap();
    }

    #[test]
    fn files_are_found_by_the_names_of_inputs_and_read_side_by_side() {
        let dir = tempfile::tempdir().unwrap();
        let image = RawPictures { channels: 1, height: 1, width: 2, mean: 0.0, std: 1.0 };
        let of = |name: &str| NamedPictures { name: name.into(), image };
        let both = [of("left"), of("right")];
        let refusal = || PictureFiles::open(dir.path(), &both).unwrap_err().to_string();
        write(&dir.path().join("left.idx"), 3, &[0, 255, 51, 0, 0, 0]);
        let e = refusal();
        assert!(
            e.contains("prediction: input must be a folder with one file of right: right.idx, say, found 0 in"),
            "{e}"
        );
        write(&dir.path().join("right"), 2, &[255, 0, 0, 51]);
        assert!(refusal().contains("right: expected 3 pictures, as many as in"), "{}", refusal());
        write(&dir.path().join("right"), 3, &[255, 0, 0, 51, 0, 0]);
        let mut files = PictureFiles::open(dir.path(), &both).unwrap();
        let first = files.take(2).unwrap().unwrap();
        let pixels = |name: &str| Vec::<f32>::try_from(first.get(name).unwrap().view(-1)).unwrap();
        assert_eq!((pixels("left"), pixels("right")), (vec![0.0, 1.0, 0.2, 0.0], vec![1.0, 0.0, 0.0, 0.2]));
        assert_eq!(files.take(2).unwrap().unwrap().batch_size(), 1);
        assert!(files.take(2).unwrap().is_none());
        write(&dir.path().join("left.idx.gz"), 3, &[0; 6]);
        assert!(refusal().contains("one file of left: left.idx, say, found 2 in"), "{}", refusal());
        let e = PictureFiles::open(&dir.path().join("right"), &both).unwrap_err().to_string();
        assert!(e.contains("left of 1 x 1 x 2 bytes a picture, right of") && e.ends_with("which is no folder"), "{e}");
    }
}
