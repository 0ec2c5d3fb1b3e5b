//! Learned positions for the cells of a feature map.
//!
//! ```text
//! x_ij = x_ij + resize(P, h, w)_ij         P: [d, g, g]
//! ```
//! Cells taken as tokens are a set: without positions, attention cannot tell the top from the bottom. One learned grid
//! is resized bilinearly to whatever map comes, so the module does not depend on the size of the pictures.
//!
//! **Reference** learned positions: Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, which resizes its
//! grid between resolutions in the same way.

use mtl_core::{
    Error, Result, TorchContext,
    params::{Init, Scope},
};
use tch::Tensor;

/// A learned grid of positions.
#[derive(Debug)]
pub struct CellPositions {
    name: String,
    grid: Tensor,
}

impl CellPositions {
    /// A `side` x `side` grid for vectors of that width, small at first.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a side below 1.
    pub fn new(scope: &mut Scope<'_>, width: i64, side: i64) -> Result<Self> {
        if side < 1 {
            let (expected, found) = (">= 1".into(), side.to_string());
            return Err(Error::InvalidConfig { what: "cell positions", field: "side", expected, found });
        }
        let grid = scope.param("grid", &[1, width, side, side], Init::Normal(0.02))?;
        Ok(Self { name: scope.name().to_owned(), grid })
    }

    /// Adds a position to each cell.
    ///
    /// # Shapes
    /// `map`: `[b, d, h, w]`, result the same.
    ///
    /// # Errors
    /// [`Error::Shape`] for a map of another width.
    pub fn forward(&self, map: &Tensor) -> Result<Tensor> {
        match (&map.size()[..], self.grid.size()[1]) {
            (&[_, c, h, w], d) if c == d => {
                let grid = self.grid.f_upsample_bilinear2d([h, w], false, None, None).op(self.name.as_str())?;
                map.f_add(&grid).op(self.name.as_str())
            }
            (found, d) => Err(Error::Shape {
                op: self.name.clone(),
                tensor: "map",
                expected: format!("[b, {d}, h, w]"),
                found: found.to_vec(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mtl_core::params::ParamSet;
    use tch::{Device, Kind};

    #[test]
    fn a_map_of_the_grid_size_gets_the_grid_and_others_a_resized_one() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 0);
        let positions = CellPositions::new(&mut params.root().sub("positions"), 3, 2).unwrap();
        let grid = params.get("positions.grid").unwrap().tensor();
        let zeros = |h, w| Tensor::zeros([2, 3, h, w], (Kind::Double, Device::Cpu));
        let same = positions.forward(&zeros(2, 2)).unwrap();
        assert!((same.get(1) - grid.get(0)).abs().max().double_value(&[]) < 1e-15);
        assert_eq!(positions.forward(&zeros(5, 7)).unwrap().size(), [2, 3, 5, 7]);
        let e = positions.forward(&Tensor::zeros([2, 4, 2, 2], (Kind::Double, Device::Cpu))).unwrap_err();
        assert_eq!(e.to_string(), "positions: map must be [b, 3, h, w], found [2, 4, 2, 2]");
        assert!(CellPositions::new(&mut params.root().sub("none"), 3, 0).is_err());
    }
}
