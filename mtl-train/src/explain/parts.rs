//! The parts of an input that an explanation speaks of, and how to take them away.
//!
//! | input | parts | a part that is taken away |
//! |---|---|---|
//! | `categorical [b, f]`, `numeric [b, n]` | one a field, by name | has the value of another sample |
//! | `image [b, c, h, w]` | cells of a grid, `r0c0` | has the mean color of other samples |
//!
//! Another sample's value keeps each field within what the model has seen, which a constant would not; what is broken is its
//! relation to the rest. An image's cells are related to their neighbors, so a mean color is the smaller break there.

use mtl_core::{Error, Result, TorchContext, batch::Inputs};
use mtl_data::DataInfo;
use tch::{Kind, Tensor};

/// The parts of the inputs of a data set, in the order categorical fields, numeric fields, cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    names: Vec<String>,
    n_categorical: usize,
    n_numeric: usize,
    grid: Option<Grid>,
}

/// How an image is cut into cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Grid {
    rows: i64,
    columns: i64,
    height: i64,
    width: i64,
}

/// Cells along each side of an image unless attention maps have a grid of their own.
const SIDE: i64 = 6;

fn size(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn count(n: i64) -> usize {
    usize::try_from(n).unwrap_or(0)
}

impl Parts {
    /// The parts of `inputs`. An image gets the grid whose cells `keys` (of an attention map) name, if they do.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for inputs that have no parts: no table, no image, or something else beside them.
    pub fn of(info: &DataInfo, inputs: &Inputs, keys: &[String]) -> Result<Self> {
        let known = ["categorical", "numeric", "image"];
        let unknown: Vec<&str> = inputs.iter().map(|(name, _)| name).filter(|name| !known.contains(name)).collect();
        let (n_categorical, n_numeric) = (info.categorical.len(), info.numeric.len());
        let mut names: Vec<String> = info.categorical.iter().map(|f| f.name.clone()).collect();
        names.extend(info.numeric.iter().cloned());
        let grid = info.image.as_ref().map(|image| {
            let (rows, columns) = grid_of(keys).unwrap_or((SIDE, SIDE));
            let (height, width) = (size(image.height), size(image.width));
            Grid { rows: rows.clamp(1, height), columns: columns.clamp(1, width), height, width }
        });
        if let Some(grid) = grid {
            names.extend((0..grid.rows).flat_map(|r| (0..grid.columns).map(move |c| format!("r{r}c{c}"))));
        }
        if names.is_empty() || !unknown.is_empty() {
            let found =
                if unknown.is_empty() { "none of them".to_owned() } else { format!("input {}", unknown.join(", ")) };
            return Err(Error::InvalidConfig {
                what: "explain",
                field: "inputs",
                expected: "fields of a table or an image".into(),
                found,
            });
        }
        Ok(Self { names, n_categorical, n_numeric, grid })
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none; never so for parts that were made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Rows and columns of the cells, if there are any.
    #[must_use]
    pub fn grid(&self) -> Option<(usize, usize)> {
        self.grid.map(|g| (count(g.rows), count(g.columns)))
    }

    /// The position of a part by name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    /// Attributions of the inputs as attributions of the parts.
    ///
    /// # Shapes
    /// `input` is `categorical [b, f]`, `numeric [b, n]` or `image [b, c, h, w]`; the result `[b, parts]` is 0 for the
    /// parts of other inputs.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for another input; [`Error::Torch`] for another shape.
    pub fn sum(&self, input: &str, attribution: &Tensor) -> Result<Tensor> {
        let total = size(self.len());
        let (own, before) = match (input, self.grid) {
            ("categorical", _) => (attribution.shallow_clone(), 0),
            ("numeric", _) => (attribution.shallow_clone(), size(self.n_categorical)),
            ("image", Some(grid)) => {
                let pixels = attribution.f_sum_dim_intlist(&[1i64][..], false, None::<Kind>); // [b, h, w]
                let flat = pixels.and_then(|p| p.f_flatten(1, -1)).op("sum over cells")?;
                let cells = flat.f_matmul(&grid.membership(&flat)?.f_transpose(0, 1).op("cells")?);
                (cells.op("sum over cells")?, size(self.n_categorical + self.n_numeric))
            }
            _ => {
                return Err(Error::UnknownName {
                    what: "input",
                    name: input.to_owned(),
                    known: ["categorical", "numeric", "image"].map(String::from).to_vec(),
                });
            }
        };
        let after = total - before - own.size().get(1).copied().unwrap_or(0);
        own.f_constant_pad_nd([before, after]).op("attribution of parts") // [b, parts]
    }

    /// The inputs without the parts marked in `gone`.
    ///
    /// # Shapes
    /// `gone`: `[b, parts]` of `Bool`; `donors`: inputs of the same batch size, row `i` stands in for sample `i`; `image`
    /// needs the mean image `[c, h, w]`.
    ///
    /// # Errors
    /// [`Error::Torch`] when shapes do not fit.
    pub fn delete(
        &self,
        inputs: &Inputs,
        gone: &Tensor,
        donors: &Inputs,
        mean_image: Option<&Tensor>,
    ) -> Result<Inputs> {
        let slice = |from: usize, len: usize| gone.f_narrow(1, size(from), size(len)).op("deleted parts");
        let mut changed = Vec::new();
        for (name, xs) in inputs.iter() {
            let ys = match (name, self.grid, mean_image) {
                ("categorical", ..) => donors.get(name)?.f_where_self(&slice(0, self.n_categorical)?, xs),
                ("numeric", ..) => donors.get(name)?.f_where_self(&slice(self.n_categorical, self.n_numeric)?, xs),
                ("image", Some(grid), Some(mean)) => {
                    let cells = slice(self.n_categorical + self.n_numeric, count(grid.rows * grid.columns))?;
                    let cells = cells.f_to_kind(Kind::Float).op("deleted cells")?;
                    let pixels = cells.f_matmul(&grid.membership(&cells)?);
                    let shape = [-1, 1, grid.height, grid.width];
                    let gone = pixels.and_then(|p| p.f_gt(0.5)).and_then(|p| p.f_view(shape)).op("deleted cells")?;
                    mean.f_unsqueeze(0).op("deleted cells")?.f_where_self(&gone, xs)
                }
                _ => Ok(xs.shallow_clone()),
            };
            changed.push((name.to_owned(), ys.op("delete parts")?));
        }
        Inputs::new(changed)
    }
}

impl Grid {
    /// `[cells, h * w]` of the kind and place of `like`: 1 where the pixel is in the cell. Cells differ by at most one row
    /// and column of pixels.
    fn membership(&self, like: &Tensor) -> Result<Tensor> {
        let Self { rows, columns, height, width } = *self;
        let cell = |y: i64, x: i64| y * rows / height * columns + x * columns / width;
        let of_pixel: Vec<i64> = (0..height).flat_map(|y| (0..width).map(move |x| cell(y, x))).collect();
        let one_hot = Tensor::from_slice(&of_pixel).f_one_hot(rows * columns); // [h w, cells]
        let one_hot = one_hot.and_then(|t| t.f_transpose(0, 1)).and_then(|t| t.f_to_kind(like.kind()));
        one_hot.and_then(|t| t.f_to_device(like.device())).op("cells of an image")
    }
}

/// Rows and columns of names such as `r0c0`, when all are such names and none is missing.
fn grid_of(keys: &[String]) -> Option<(i64, i64)> {
    let parse = |key: &String| -> Option<(i64, i64)> {
        let (row, column) = key.strip_prefix('r')?.split_once('c')?;
        Some((row.parse().ok()?, column.parse().ok()?))
    };
    let cells: Vec<(i64, i64)> = keys.iter().filter_map(parse).collect();
    let rows = cells.iter().map(|(r, _)| r + 1).max()?;
    let columns = cells.iter().map(|(_, c)| c + 1).max()?;
    (size(cells.len()) == rows * columns).then_some((rows, columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_data::{CategoricalField, ImageInfo};

    fn table() -> DataInfo {
        DataInfo {
            categorical: vec![CategoricalField { name: "sex".into(), cardinality: 3 }],
            numeric: vec!["age".into(), "hours".into()],
            ..DataInfo::default()
        }
    }

    fn rows(codes: &[i64], numbers: &[f32]) -> Inputs {
        let b = codes.len() as i64;
        Inputs::new(vec![
            ("categorical".into(), Tensor::from_slice(codes).view([b, 1])),
            ("numeric".into(), Tensor::from_slice(numbers).view([b, 2])),
        ])
        .unwrap()
    }

    #[test]
    fn fields_come_from_the_donor() {
        let inputs = rows(&[1, 2], &[10.0, 11.0, 20.0, 21.0]);
        let donors = rows(&[0, 0], &[-1.0, -2.0, -3.0, -4.0]);
        let parts = Parts::of(&table(), &inputs, &[]).unwrap();
        assert_eq!(parts.names(), ["sex", "age", "hours"]);
        let gone = Tensor::from_slice(&[true, false, false, false, true, true]).view([2, 3]);
        let left = parts.delete(&inputs, &gone, &donors, None).unwrap();
        assert_eq!(Vec::<i64>::try_from(left.get("categorical").unwrap().flatten(0, -1)).unwrap(), [0, 2]);
        let numbers = Vec::<f32>::try_from(left.get("numeric").unwrap().flatten(0, -1)).unwrap();
        assert_eq!(numbers, [10.0, 11.0, -3.0, -4.0]);
        let sums = parts.sum("numeric", &Tensor::from_slice(&[1f32, 2.0, 3.0, 4.0]).view([2, 2])).unwrap();
        assert_eq!(Vec::<f32>::try_from(sums.flatten(0, -1)).unwrap(), [0.0, 1.0, 2.0, 0.0, 3.0, 4.0]);
    }

    #[test]
    fn cells_of_an_image() {
        let info = DataInfo {
            image: Some(ImageInfo { channels: 2, height: 3, width: 4, mean: 0.0, std: 1.0 }),
            ..DataInfo::default()
        };
        let image = Tensor::arange(24, (Kind::Float, tch::Device::Cpu)).view([1, 2, 3, 4]);
        let inputs = Inputs::new(vec![("image".into(), image.shallow_clone())]).unwrap();
        let keys: Vec<String> = ["r0c0", "r0c1"].map(String::from).to_vec();
        let parts = Parts::of(&info, &inputs, &keys).unwrap();
        assert_eq!((parts.grid(), parts.len()), (Some((1, 2)), 2));
        let sums = Vec::<f32>::try_from(parts.sum("image", &image).unwrap().flatten(0, -1)).unwrap();
        // 24 numbers from 0; each of the 12 pixels of the right half is 2 more than one of the left.
        assert_eq!(sums, [126.0, 150.0]);
        let mean = Tensor::full([2, 3, 4], -1.0, (Kind::Float, tch::Device::Cpu));
        let gone = Tensor::from_slice(&[false, true]).view([1, 2]);
        let left = parts.delete(&inputs, &gone, &inputs, Some(&mean)).unwrap();
        let row = Vec::<f32>::try_from(left.get("image").unwrap().flatten(0, -1)).unwrap();
        assert_eq!(row[..4], [0.0, 1.0, -1.0, -1.0]);
    }

    #[test]
    fn inputs_without_parts_are_refused_by_name() {
        let inputs =
            Inputs::new(vec![("sound".into(), Tensor::zeros([1, 5], (Kind::Float, tch::Device::Cpu)))]).unwrap();
        let e = Parts::of(&DataInfo::default(), &inputs, &[]).unwrap_err().to_string();
        assert!(e.contains("input sound"), "{e}");
        assert_eq!(grid_of(&["r0c0".into(), "r1c1".into()]), None);
    }
}
