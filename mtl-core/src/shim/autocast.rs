//! Mixed precision: matrix products and convolutions in bf16 while a guard lives.
//!
//! ```text
//! f32 weight --cast--> bf16 --product--> bf16 --cast--> f32       gradients come back through the casts, in f32
//! ```
//! libtorch decides per operation: products, convolutions and attention run in bf16, losses, norms and exponentials in
//! f32, the rest in the kind of its inputs. Parameters and their gradients keep their kind. bf16 has the range of f32, so no
//! loss scaling is needed. Forward passes only: backward passes use the kinds that the forward pass recorded.
//!
//! `tch::autocast` switches CUDA only; this one works on the CPU as well.

use std::marker::PhantomData;

use tch::Device;

use super::{check, ffi};
use crate::error::{Error, Result};

/// Autocast to bf16, or none, on one kind of device and this thread, until dropped. Guards nest, and must be dropped in the reverse
/// order of their making.
#[derive(Debug)]
pub struct Autocast {
    cuda: bool,
    previous: [i32; 2],
    // The switch belongs to the thread.
    _not_send: PhantomData<*const ()>,
}

impl Autocast {
    /// Switches autocast on for `device`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a device other than the CPU and CUDA; [`Error::Torch`] when libtorch refuses.
    pub fn bf16(device: Device) -> Result<Self> {
        let cuda = match device {
            Device::Cpu => false,
            Device::Cuda(_) => true,
            other => {
                return Err(Error::InvalidConfig {
                    what: "precision",
                    field: "device",
                    expected: "cpu or cuda for bf16".into(),
                    found: format!("{other:?}"),
                });
            }
        };
        Self::enter(cuda, true)
    }

    /// Switches autocast off for `device`, for an operation that libtorch would cast to another kind; `None` where there is none
    /// to be switched.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn off(device: Device) -> Result<Option<Self>> {
        match device {
            Device::Cpu => Self::enter(false, false).map(Some),
            Device::Cuda(_) => Self::enter(true, false).map(Some),
            _ => Ok(None),
        }
    }

    fn enter(cuda: bool, enabled: bool) -> Result<Self> {
        let mut previous = [0; 2];
        let (device, on) = (i32::from(cuda), i32::from(enabled));
        check("autocast", unsafe { ffi::mtl_autocast_enter(device, on, previous.as_mut_ptr()) })?;
        Ok(Self { cuda, previous, _not_send: PhantomData })
    }
}

impl Drop for Autocast {
    fn drop(&mut self) {
        // Setting switches back cannot fail once they could be set.
        unsafe { ffi::mtl_autocast_exit(i32::from(self.cuda), self.previous.as_ptr()) };
    }
}

#[cfg(test)]
mod tests {
    use tch::Kind;

    use super::*;

    fn product_kind() -> Kind {
        let xs = Tensor::ones([2, 2], (Kind::Float, Device::Cpu));
        xs.matmul(&xs).kind()
    }

    use tch::Tensor;

    #[test]
    fn guards_nest_and_leave_what_they_found() {
        assert_eq!(product_kind(), Kind::Float);
        {
            let _outer = Autocast::bf16(Device::Cpu).unwrap();
            assert_eq!(product_kind(), Kind::BFloat16);
            drop(Autocast::bf16(Device::Cpu).unwrap());
            {
                let _none = Autocast::off(Device::Cpu).unwrap();
                assert_eq!(product_kind(), Kind::Float);
            }
            assert_eq!(product_kind(), Kind::BFloat16);
            // A thread of its own knows nothing of it.
            assert_eq!(std::thread::spawn(product_kind).join().unwrap(), Kind::Float);
        }
        assert_eq!(product_kind(), Kind::Float);
    }

    #[test]
    fn weights_and_gradients_stay_in_f32() {
        let w = Tensor::full([3, 2], 0.5, (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let xs = Tensor::from_slice(&[1.0f32, 2.0]).view([1, 2]);
        let out = {
            let _guard = Autocast::bf16(Device::Cpu).unwrap();
            xs.linear(&w, None::<Tensor>)
        };
        assert_eq!((out.kind(), w.kind()), (Kind::BFloat16, Kind::Float));
        let grads =
            crate::shim::grad(&[out.to_kind(Kind::Float).sum(Kind::Float)], None, &[&w], crate::shim::Graph::Free);
        let grad = grads.unwrap().remove(0).unwrap();
        assert_eq!(grad.kind(), Kind::Float);
        assert_eq!(Vec::<f32>::try_from(grad.view([-1])).unwrap(), [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    }

    #[test]
    fn other_devices_are_refused() {
        let e = Autocast::bf16(Device::Mps).unwrap_err().to_string();
        assert_eq!(e, "precision: device must be cpu or cuda for bf16, found Mps");
    }
}
