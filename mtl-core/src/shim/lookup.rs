//! Rows of a table by index.

use std::ptr;

use tch::Tensor;

use super::{check, ffi, handle, take};
use crate::error::Result;

/// `table[rows]` on the CPU, with a gradient that adds each row where it belongs, in the order of the lookups: the bits of
/// libtorch's `embedding` and `index_select`, in a fraction of their time. It can be differentiated twice and batched.
///
/// # Shapes
/// `table`: `[n, d]`, `rows`: `Int64` of any shape `[..]`, each in `0..n`; result `[.., d]`.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) for an index outside the table or of another kind, or a table that is no matrix.
pub fn lookup(table: &Tensor, rows: &Tensor) -> Result<Tensor> {
    let mut out = ptr::null_mut();
    check("lookup", unsafe { ffi::mtl_lookup(handle(table), handle(rows), &raw mut out) })?;
    Ok(take(out).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shim::{Graph, Rows, grad};
    use tch::{Device, Kind};

    /// A table of `n` rows, lookups of many rows several times, and what comes back for each.
    fn case(n: i64, lookups: i64, width: i64, kind: Kind) -> (Tensor, Tensor, Tensor) {
        tch::manual_seed(3);
        let table = Tensor::randn([n, width], (kind, Device::Cpu)).set_requires_grad(true);
        let rows = Tensor::randint(n, [lookups, 3], (Kind::Int64, Device::Cpu));
        (table, rows, Tensor::randn([lookups, 3, width], (kind, Device::Cpu)))
    }

    #[test]
    fn value_and_gradient_have_the_bits_of_an_embedding() {
        // The last is large enough for several threads, the width no multiple of a vector.
        for (n, lookups, width) in [(5, 4, 1), (7, 0, 4), (200, 900, 8), (50, 20_000, 11)] {
            for kind in [Kind::Float, Kind::Double] {
                let (table, rows, back) = case(n, lookups, width, kind);
                let (ours, theirs) =
                    (lookup(&table, &rows).unwrap(), Tensor::embedding(&table, &rows, -1, false, false));
                assert_eq!(ours.size(), [lookups, 3, width]);
                assert_eq!(ours, theirs);
                let of = |y: &Tensor| {
                    grad(&[y], Some(&[back.shallow_clone()]), &[&table], Graph::Free).unwrap().remove(0).unwrap()
                };
                assert_eq!(of(&ours), of(&theirs), "{n} rows, {lookups} lookups, width {width}");
            }
        }
    }

    #[test]
    fn it_can_be_differentiated_twice() {
        let (table, rows, _) = case(4, 6, 2, Kind::Double);
        // The second derivative of sum(y^3) along ones is 6 times the sum of the entry's lookups.
        let cube = lookup(&table, &rows).unwrap().pow_tensor_scalar(3).sum(Kind::Double);
        let first = grad(&[&cube], None, &[&table], Graph::Create).unwrap().remove(0).unwrap();
        let second = grad(&[&first.sum(Kind::Double)], None, &[&table], Graph::Free).unwrap().remove(0).unwrap();
        let uses = rows.view([-1]).bincount::<Tensor>(None, 4).view([-1, 1]);
        assert!((second - &table.detach() * 6.0 * uses).abs().max().double_value(&[]) < 1e-12);
    }

    #[test]
    fn tasks_can_be_batched() {
        let (table, rows, _) = case(6, 5, 2, Kind::Double);
        let y = lookup(&table, &rows).unwrap();
        let back = Tensor::randn([3, 5, 3, 2], (Kind::Double, Device::Cpu));
        let mut batched = Rows::of(&[&table]).unwrap();
        batched.backward_batched(&[&y], &[back.shallow_clone()], 3, true).unwrap();
        for (k, task) in (0..3).enumerate() {
            let one = grad(&[&y], Some(&[back.get(task)]), &[&table], Graph::Keep).unwrap().remove(0).unwrap();
            let row = batched.get(k, 0).unwrap().unwrap();
            assert!((one - row).abs().max().double_value(&[]) < 1e-14);
        }
    }

    #[test]
    fn an_index_outside_the_table_is_an_error() {
        let (table, ..) = case(4, 1, 2, Kind::Float);
        for odd in [4i64, -1] {
            assert!(lookup(&table, &Tensor::from_slice(&[odd])).is_err());
        }
    }
}
