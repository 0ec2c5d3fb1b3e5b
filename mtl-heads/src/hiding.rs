//! Cells of an input that are hidden from the trunk, for a task whose head restores them.
//!
//! ```text
//! training     of the k fields of a sample, m = round(share k) chosen at random are hidden; at least one, at most k - 1 (of a single field: that one)
//! evaluation   the fields are dealt to g = k / m groups, rounded up, field j to group j mod g; the batch passes the trunk once a
//!              group, which is hidden then, so that every cell is restored once, from the cells of the other groups
//! ```
//! A hidden number is 0, which is the mean where preprocessing standardizes. That a cell is hidden the head is told, the encoder is
//! not. What is in a hidden cell reaches neither: trunk and head are given the inputs without them, and other tasks the inputs as
//! they are, from a pass of their own. So a label cannot leak, and an evaluation needs no random number: its answer does not depend
//! on the batch that a sample is in.
//!
//! **Reference** Vincent et al., "Extracting and Composing Robust Features with Denoising Autoencoders", ICML 2008 (masking noise);
//! Devlin et al., "BERT", NAACL 2019.
//!
//! **Differs from** both: the number of hidden cells of a sample is fixed, so that a loss knows how many it is over without waiting for
//! an accelerator; evaluation hides every cell once.

use mtl_core::{
    Error, Result, TorchContext,
    input::{Inputs, Modality},
    shim,
};
use tch::{Device, Kind, Tensor};

/// Which cells of the inputs are hidden for a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Hiding {
    input: String,
    fields: i64,
    share: f64,
}

/// What is hidden in one pass of the trunk.
#[derive(Debug)]
pub struct Hidden {
    /// `[g b, k]` of `Bool`.
    mask: Tensor,
    groups: i64,
    /// Of a sample, over all groups.
    cells: i64,
    /// How many members of an ensemble see the pass.
    members: i64,
}

impl Hiding {
    /// Hides that share of the fields of the input of that name; `head` is whose restores them.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] unless `0 < share < 1`, or for an input that is not numbers of a table.
    pub fn new(head: &'static str, name: &str, modality: &Modality, share: f64) -> Result<Self> {
        let Modality::Numeric(numeric) = modality else {
            return Err(Error::InvalidConfig {
                what: head,
                field: "input",
                expected: "an input of numeric fields".into(),
                found: format!("{name}, {}", modality.describe()),
            });
        };
        if !(share > 0.0 && share < 1.0) {
            let (expected, found) = ("in (0, 1)".into(), share.to_string());
            return Err(Error::InvalidConfig { what: head, field: "share", expected, found });
        }
        Ok(Self { input: name.to_owned(), fields: numeric.names.len() as i64, share })
    }

    /// The input of which cells are hidden.
    #[must_use]
    pub fn input(&self) -> &str {
        &self.input
    }

    /// How many cells a sample has.
    #[must_use]
    pub fn fields(&self) -> i64 {
        self.fields
    }

    /// How many cells of a sample are hidden in training.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a number of fields")]
    pub fn cells(&self) -> i64 {
        ((self.share * self.fields as f64).round() as i64).clamp(1, (self.fields - 1).max(1))
    }

    /// In how many groups evaluation hides the cells.
    fn groups(&self) -> i64 {
        let cells = self.cells();
        (self.fields + cells - 1) / cells
    }

    /// What a training step hides: drawn from libtorch's generator, which is seeded for every step.
    ///
    /// # Errors
    /// [`Error::Shape`] for inputs otherwise than described; [`Error::Torch`] when libtorch refuses.
    pub fn draw(&self, inputs: &Inputs) -> Result<Hidden> {
        let (cells, xs) = (self.cells(), self.of(inputs)?);
        let drawn = shim::uniform_like(xs)?;
        let run = || {
            let (_, chosen) = drawn.f_topk(cells, 1, true, false)?;
            let none = xs.f_zeros_like()?.f_to_kind(Kind::Bool)?;
            none.f_scatter_value(1, &chosen, 1)
        };
        Ok(Hidden { mask: run().op("hidden cells")?, groups: 1, cells, members: 1 })
    }

    /// What an evaluation hides: every cell once.
    ///
    /// # Errors
    /// As [`Hiding::draw`].
    pub fn deal(&self, inputs: &Inputs) -> Result<Hidden> {
        let (groups, xs) = (self.groups(), self.of(inputs)?);
        let run = || {
            let on = (Kind::Int64, xs.device());
            let group = Tensor::f_arange(groups, on)?.f_unsqueeze(1)?;
            let mask = Tensor::f_arange(self.fields, on)?.f_remainder(groups)?.f_eq_tensor(&group)?; // [g, k]
            mask.f_repeat_interleave_self_int(xs.size()[0], 0, None)
        };
        Ok(Hidden { mask: run().op("hidden cells")?, groups, cells: self.fields, members: 1 })
    }

    /// The inputs without what is hidden; where it is in groups, the batch once for each, one after the other.
    ///
    /// # Errors
    /// As [`Hiding::draw`].
    pub fn without(&self, inputs: &Inputs, hidden: &Hidden) -> Result<Inputs> {
        let blank = |name: &str, xs: &Tensor| match name == self.input {
            true => xs.f_masked_fill(&hidden.mask, 0.0).op("hidden cells"),
            false => Ok(xs.shallow_clone()),
        };
        if hidden.groups == 1 {
            return inputs.map(blank);
        }
        let all = Tensor::f_arange(inputs.batch_size(), (Kind::Int64, inputs.device()));
        let all = all.and_then(|all| all.f_repeat([hidden.groups])).op("hidden cells")?;
        inputs.select(&all)?.map(blank)
    }

    fn of<'a>(&self, inputs: &'a Inputs) -> Result<&'a Tensor> {
        let xs = inputs.get(&self.input)?;
        match xs.size()[..] {
            [_, k] if k == self.fields => Ok(xs),
            _ => Err(Error::Shape {
                op: "hidden cells".into(),
                tensor: "input",
                expected: format!("[b, {}]", self.fields),
                found: xs.size(),
            }),
        }
    }
}

impl Hidden {
    /// All `k` cells of `b` samples at once: what a head is asked where nothing is left to see.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn everything(b: i64, k: i64, device: Device) -> Result<Self> {
        Ok(Self {
            mask: Tensor::f_ones([b, k], (Kind::Bool, device)).op("hidden cells")?,
            groups: 1,
            cells: k,
            members: 1,
        })
    }

    /// The same cells as each of so many members of an ensemble has them hidden: its rows of the pass, one member's after the other's.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn for_members(self, members: i64) -> Result<Self> {
        let mask = self.mask.f_repeat([members, 1]).op("hidden cells")?;
        Ok(Self { mask, members: self.members * members, ..self })
    }

    /// Where cells are hidden.
    ///
    /// # Shapes
    /// `[n, k]` of `Bool`; `n` is the number of rows of the pass: `b`, or `g b` where cells are hidden in `g` groups, once a member.
    pub fn mask(&self) -> &Tensor {
        &self.mask
    }

    /// What was restored, of hidden cells alone: each from the group in which it was hidden; 0 where a cell never was.
    ///
    /// # Shapes
    /// `restored`: `[n, k]`; result `[b, k]`, once a member.
    ///
    /// # Errors
    /// [`Error::Torch`] for another shape.
    pub fn gather(&self, restored: &Tensor) -> Result<Tensor> {
        let seen = restored.f_masked_fill(&self.mask.f_logical_not().op("restored cells")?, 0.0);
        self.by_group(&seen.op("restored cells")?)?
            .f_sum_dim_intlist(&[1i64][..], false, None::<Kind>)
            .and_then(|sum| sum.f_flatten(0, 1))
            .op("restored cells")
    }

    /// Which cells were hidden in one group or another, `[b, k]` of `Bool`, once a member; `None` for all of them.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn anywhere(&self) -> Result<Option<Tensor>> {
        if self.cells == self.mask.size().last().copied().unwrap_or(0) {
            return Ok(None);
        }
        let any = self.by_group(&self.mask)?.f_any_dim(1, false);
        any.and_then(|any| any.f_flatten(0, 1)).op("hidden cells").map(Some)
    }

    /// `[n, k]` as `[members, g, b, k]`.
    fn by_group(&self, cells: &Tensor) -> Result<Tensor> {
        let (n, k) = cells.size2().op("hidden cells")?;
        cells.f_view([self.members, self.groups, n / (self.members * self.groups), k]).op("hidden cells")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::input::{InputSpec, Numeric};

    fn hiding(fields: usize, share: f64) -> Hiding {
        let modality = Numeric::new(mtl_core::answer::numbered(fields)).into();
        Hiding::new("test head", "numeric", &modality, share).unwrap()
    }

    fn inputs(b: i64, k: i64) -> Inputs {
        let numeric = Tensor::arange(b * k, (Kind::Float, Device::Cpu)).view([b, k]) + 1.0;
        let other = Tensor::arange(b, (Kind::Float, Device::Cpu)).view([b, 1]);
        Inputs::new(vec![("numeric".to_owned(), numeric), ("other".to_owned(), other)]).unwrap()
    }

    #[test]
    fn training_hides_so_many_cells_of_each_sample() {
        for (fields, share, cells) in [(10, 0.3, 3), (10, 0.01, 1), (10, 0.99, 9), (2, 0.5, 1), (1, 0.5, 1)] {
            let (hiding, inputs) = (hiding(fields, share), inputs(50, fields as i64));
            tch::manual_seed(4);
            let hidden = hiding.draw(&inputs).unwrap();
            let each = hidden.mask().sum_dim_intlist(&[1i64][..], false, Kind::Int64);
            assert!(Vec::<i64>::try_from(each).unwrap().iter().all(|n| *n == cells), "{fields} {share}");
            assert_eq!((hiding.cells(), hidden.cells), (cells, cells));
            let ever = hidden.mask().any_dim(0, false).all();
            assert!(bool::try_from(ever).unwrap() || share < 0.1, "some field is never hidden");
            let blank = hiding.without(&inputs, &hidden).unwrap();
            let (before, after) = (inputs.get("numeric").unwrap(), blank.get("numeric").unwrap());
            assert_eq!(after.eq(0.0), *hidden.mask());
            assert_eq!(hidden.gather(before).unwrap() + after, *before);
            assert_eq!(blank.get("other").unwrap(), inputs.get("other").unwrap());
        }
    }

    #[test]
    fn evaluation_hides_every_cell_once() {
        for (fields, share, groups) in [(5, 0.3, 3), (5, 0.9, 2), (5, 1e-12, 5), (2, 0.4, 2), (1, 0.3, 1)] {
            let (hiding, inputs) = (hiding(fields, share), inputs(4, fields as i64));
            let hidden = hiding.deal(&inputs).unwrap();
            assert_eq!(hidden.mask().size(), [groups * 4, fields as i64]);
            let blank = hiding.without(&inputs, &hidden).unwrap();
            assert_eq!((blank.batch_size(), hidden.cells), (groups * 4, fields as i64));
            assert!(hidden.anywhere().unwrap().is_none());
            let numbers = inputs.get("numeric").unwrap();
            assert_eq!(hidden.gather(&numbers.repeat([groups, 1])).unwrap(), *numbers);
            assert!(f64::try_from(hidden.gather(blank.get("numeric").unwrap()).unwrap().abs().max()).unwrap() == 0.0);
            assert_eq!(blank.get("other").unwrap(), &inputs.get("other").unwrap().repeat([groups, 1]));
        }
        let spec = InputSpec::table(Vec::new(), mtl_core::answer::numbered(3));
        let e = hiding(2, 0.5).draw(&spec.example(2).unwrap()).unwrap_err().to_string();
        assert_eq!(e, "hidden cells: input must be [b, 2], found [2, 3]");
    }

    #[test]
    fn only_a_share_of_numbers_can_be_hidden() {
        let numeric = Numeric::new(vec!["age".into()]).into();
        for share in [0.0, 1.0, -0.5, f64::NAN] {
            let e = Hiding::new("restore head", "numeric", &numeric, share).unwrap_err().to_string();
            assert!(e.starts_with("restore head: share must be in (0, 1), found"), "{e}");
        }
        let picture = mtl_core::input::Picture { channels: 1, height: 2, width: 2 }.into();
        let e = Hiding::new("restore head", "photo", &picture, 0.5).unwrap_err().to_string();
        assert!(e.starts_with("restore head: input must be an input of numeric fields, found photo, picture"), "{e}");
    }
}
