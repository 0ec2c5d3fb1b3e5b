//! The parts of an input that an explanation speaks of, and how to take them away.
//!
//! | cells of the input ([`Cells`]) | parts | a part that is taken away |
//! |---|---|---|
//! | codes, numbers | one a field, by name | has the value of another sample |
//! | grid | cells of a coarser grid, `r0c0`, with the input's name before it where there are several | has the mean color of other samples |
//!
//! Another sample's value keeps each field within what the model has seen, which a constant would not; what is broken is its
//! relation to the rest. An image's cells are related to their neighbors, so a mean color is the smaller break there.
//! Positions of a text or a signal, and inputs without parts, are refused by name: what stands for a word that is taken
//! away is not settled here.

use mtl_core::{
    Error, Result, TorchContext,
    input::{Cells, InputSpec, Inputs},
};
use tch::{Kind, Tensor};

use super::baseline::Baseline;

/// The parts of the inputs of a data set, in the order of the inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    names: Vec<String>,
    sections: Vec<Section>,
}

/// The parts of one input.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Section {
    input: String,
    /// Where its parts start, and how many there are.
    start: usize,
    len: usize,
    /// How a picture is cut; `None` for columns.
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
    /// The parts of inputs. A picture gets the grid whose cells `keys` (of attention maps) name, if they do.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] without inputs, or naming one that has no parts which can be taken away.
    pub fn of(inputs: &InputSpec, keys: &[&str]) -> Result<Self> {
        let refuse = |found: String| {
            let expected = "fields of a table or pictures".to_owned();
            Err(Error::InvalidConfig { what: "explain", field: "inputs", expected, found })
        };
        let (mut names, mut sections) = (Vec::new(), Vec::new());
        for (input, modality) in inputs.iter() {
            let start = names.len();
            let mut grid = None;
            match modality.cells() {
                Cells::Codes(fields) => names.extend(fields.iter().map(|field| field.name.clone())),
                Cells::Numbers(fields) => names.extend_from_slice(fields),
                Cells::Grid { height, width } => {
                    // As encoders name patches: by the input where there are several.
                    let prefix = if inputs.is_only(input) { String::new() } else { format!("{input}.") };
                    let (rows, columns) = grid_of(keys, &prefix).unwrap_or((SIDE, SIDE));
                    let cut = Grid { rows: rows.clamp(1, height), columns: columns.clamp(1, width), height, width };
                    let cells = (0..cut.rows).flat_map(|r| (0..cut.columns).map(move |c| (r, c)));
                    names.extend(cells.map(|(r, c)| format!("{prefix}r{r}c{c}")));
                    grid = Some(cut);
                }
                Cells::Positions | Cells::Whole => return refuse(format!("input {input}: {}", modality.describe())),
            }
            sections.push(Section { input: input.to_owned(), start, len: names.len() - start, grid });
        }
        if names.is_empty() {
            return refuse("none".into());
        }
        Ok(Self { names, sections })
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The input and the column of each, where all are fields of a table.
    pub(super) fn columns(&self) -> Option<Vec<(&str, i64)>> {
        let is_table = self.sections.iter().all(|section| section.grid.is_none());
        let places = self
            .sections
            .iter()
            .flat_map(|section| (0..section.len).map(move |column| (section.input.as_str(), size(column))));
        is_table.then(|| places.collect())
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

    /// Rows and columns of the cells, if all parts are those of one picture.
    #[must_use]
    pub fn grid(&self) -> Option<(usize, usize)> {
        match &self.sections[..] {
            [only] => only.grid.map(|g| (count(g.rows), count(g.columns))),
            _ => None,
        }
    }

    /// The position of a part by name.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    fn section(&self, input: &str) -> Result<&Section> {
        self.sections.iter().find(|section| section.input == input).ok_or_else(|| Error::UnknownName {
            what: "input",
            name: input.to_owned(),
            known: self.sections.iter().map(|section| section.input.clone()).collect(),
        })
    }

    /// Attributions of the inputs as attributions of the parts.
    ///
    /// # Shapes
    /// `attribution` is `[b, fields]` or `[b, c, h, w]`; the result `[b, parts]` is 0 for the parts of other inputs.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for another input; [`Error::Torch`] for another shape.
    pub fn sum(&self, input: &str, attribution: &Tensor) -> Result<Tensor> {
        let section = self.section(input)?;
        let own = match section.grid {
            None => attribution.shallow_clone(),
            Some(grid) => {
                let pixels = attribution.f_sum_dim_intlist(&[1i64][..], false, None::<Kind>); // [b, h, w]
                let flat = pixels.and_then(|p| p.f_flatten(1, -1)).op("sum over cells")?;
                let cells = flat.f_matmul(&grid.membership(&flat)?.f_transpose(0, 1).op("cells")?);
                cells.op("sum over cells")?
            }
        };
        let before = size(section.start);
        let after = size(self.len()) - before - own.size().get(1).copied().unwrap_or(0);
        own.f_constant_pad_nd([before, after]).op("attribution of parts") // [b, parts]
    }

    /// The inputs without the parts marked in `gone`.
    ///
    /// # Shapes
    /// `gone`: `[b, parts]` of `Bool`; `donors`: inputs of the same batch size, row `i` stands in for sample `i`.
    ///
    /// # Errors
    /// [`Error::UnknownName`] for a picture of which `baseline` has no mean; [`Error::Torch`] when shapes do not fit.
    pub fn delete(&self, inputs: &Inputs, gone: &Tensor, donors: &Inputs, baseline: &Baseline) -> Result<Inputs> {
        inputs.map(|name, xs| {
            let Section { start, len, grid, .. } = self.section(name)?;
            let own = gone.f_narrow(1, size(*start), size(*len)).op("deleted parts")?;
            let Some(grid) = grid else { return donors.get(name)?.f_where_self(&own, xs).op("delete parts") };
            let mean = baseline.get(name).ok_or_else(|| Error::UnknownName {
                what: "mean of input",
                name: name.to_owned(),
                known: baseline.means.iter().chain(&baseline.embedded).map(|(known, _)| known.clone()).collect(),
            })?;
            let cells = own.f_to_kind(Kind::Float).op("deleted cells")?;
            let pixels = cells.f_matmul(&grid.membership(&cells)?);
            let shape = [-1, 1, grid.height, grid.width];
            let gone = pixels.and_then(|p| p.f_gt(0.5)).and_then(|p| p.f_view(shape)).op("deleted cells")?;
            mean.f_unsqueeze(0).and_then(|mean| mean.f_where_self(&gone, xs)).op("delete parts")
        })
    }
}

impl Grid {
    /// `[cells, h * w]` of the kind and place of `like`: 1 where the pixel is in the cell. Cells differ by at most one
    /// row and column of pixels.
    fn membership(&self, like: &Tensor) -> Result<Tensor> {
        let Self { rows, columns, height, width } = *self;
        let cell = |y: i64, x: i64| y * rows / height * columns + x * columns / width;
        let of_pixel: Vec<i64> = (0..height).flat_map(|y| (0..width).map(move |x| cell(y, x))).collect();
        let one_hot = Tensor::from_slice(&of_pixel).f_one_hot(rows * columns); // [h w, cells]
        let one_hot = one_hot.and_then(|t| t.f_transpose(0, 1)).and_then(|t| t.f_to_kind(like.kind()));
        one_hot.and_then(|t| t.f_to_device(like.device())).op("cells of an image")
    }
}

/// Rows and columns of the names that are `prefix` and then such as `r0c0`, when none is missing.
fn grid_of(keys: &[&str], prefix: &str) -> Option<(i64, i64)> {
    let parse = |key: &&str| -> Option<(i64, i64)> {
        let (row, column) = key.strip_prefix(prefix)?.strip_prefix('r')?.split_once('c')?;
        Some((row.parse().ok()?, column.parse().ok()?))
    };
    let mut cells: Vec<(i64, i64)> = keys.iter().filter_map(parse).collect();
    // Several maps have the same keys.
    cells.sort_unstable();
    cells.dedup();
    let rows = cells.iter().map(|(r, _)| r + 1).max()?;
    let columns = cells.iter().map(|(_, c)| c + 1).max()?;
    (size(cells.len()) == rows * columns).then_some((rows, columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::input::{CategoricalField, Length, Modality, Picture, Tokens};

    fn table() -> InputSpec {
        let sex = CategoricalField { name: "sex".into(), cardinality: 3 };
        InputSpec::table(vec![sex], vec!["age".into(), "hours".into()])
    }

    fn rows(codes: &[i64], numbers: &[f32]) -> Inputs {
        let b = codes.len() as i64;
        Inputs::new(vec![
            ("categorical".to_owned(), Tensor::from_slice(codes).view([b, 1])),
            ("numeric".to_owned(), Tensor::from_slice(numbers).view([b, 2])),
        ])
        .unwrap()
    }

    fn means(means: Vec<(&str, Tensor)>) -> Baseline {
        Baseline {
            means: means.into_iter().map(|(name, mean)| (name.to_owned(), mean)).collect(),
            embedded: Vec::new(),
        }
    }

    #[test]
    fn fields_come_from_the_donor() {
        let inputs = rows(&[1, 2], &[10.0, 11.0, 20.0, 21.0]);
        let donors = rows(&[0, 0], &[-1.0, -2.0, -3.0, -4.0]);
        let parts = Parts::of(&table(), &[]).unwrap();
        assert_eq!(parts.names(), ["sex", "age", "hours"]);
        let gone = Tensor::from_slice(&[true, false, false, false, true, true]).view([2, 3]);
        let left = parts.delete(&inputs, &gone, &donors, &means(vec![])).unwrap();
        assert_eq!(Vec::<i64>::try_from(left.get("categorical").unwrap().flatten(0, -1)).unwrap(), [0, 2]);
        let numbers = Vec::<f32>::try_from(left.get("numeric").unwrap().flatten(0, -1)).unwrap();
        assert_eq!(numbers, [10.0, 11.0, -3.0, -4.0]);
        let sums = parts.sum("numeric", &Tensor::from_slice(&[1f32, 2.0, 3.0, 4.0]).view([2, 2])).unwrap();
        assert_eq!(Vec::<f32>::try_from(sums.flatten(0, -1)).unwrap(), [0.0, 1.0, 2.0, 0.0, 3.0, 4.0]);
    }

    #[test]
    fn cells_of_an_image() {
        let picture = Modality::from(Picture { channels: 2, height: 3, width: 4 });
        let spec = InputSpec::new([("photo", picture.clone())]).unwrap();
        let image = Tensor::arange(24, (Kind::Float, tch::Device::Cpu)).view([1, 2, 3, 4]);
        let inputs = Inputs::new(vec![("photo".to_owned(), image.shallow_clone())]).unwrap();
        let parts = Parts::of(&spec, &["r0c0", "r0c1"]).unwrap();
        assert_eq!((parts.grid(), parts.len()), (Some((1, 2)), 2));
        let sums = Vec::<f32>::try_from(parts.sum("photo", &image).unwrap().flatten(0, -1)).unwrap();
        // 24 numbers from 0; each of the 12 pixels of the right half is 2 more than one of the left.
        assert_eq!(sums, [126.0, 150.0]);
        let mean = Tensor::full([2, 3, 4], -1.0, (Kind::Float, tch::Device::Cpu));
        let gone = Tensor::from_slice(&[false, true]).view([1, 2]);
        let left = parts.delete(&inputs, &gone, &inputs, &means(vec![("photo", mean)])).unwrap();
        let row = Vec::<f32>::try_from(left.get("photo").unwrap().flatten(0, -1)).unwrap();
        assert_eq!(row[..4], [0.0, 1.0, -1.0, -1.0]);
        let e = parts.delete(&inputs, &gone, &inputs, &means(vec![])).unwrap_err().to_string();
        assert!(e.contains("mean of input \"photo\""), "{e}");

        let two = InputSpec::new([("left", picture.clone()), ("right", picture)]).unwrap();
        let parts = Parts::of(&two, &["right.r0c0", "right.r1c0"]).unwrap();
        assert_eq!((parts.len(), parts.grid()), (3 * 4 + 2, None));
        assert_eq!(parts.names().last().map(String::as_str), Some("right.r1c0"));
    }

    #[test]
    fn inputs_without_parts_are_refused_by_name() {
        let words = Tokens { vocabulary: 9, pad: 0, unknown: None, length: Length::Ragged(4) };
        let spec = InputSpec::new([("words", words.into())]).unwrap();
        let e = Parts::of(&spec, &[]).unwrap_err().to_string();
        assert!(e.contains("found input words: text of tokens in 0..9, at most 4 long"), "{e}");
        assert!(Parts::of(&InputSpec::default(), &[]).unwrap_err().to_string().ends_with("found none"));
        assert_eq!(grid_of(&["r0c0", "r1c1"], ""), None);
    }
}
