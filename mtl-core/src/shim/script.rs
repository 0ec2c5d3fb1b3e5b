//! TorchScript: a network recorded while it runs ([`Trace`]), and a saved one run without its Rust code ([`Script`]).
//!
//! A trace is the list of libtorch operations of one forward pass. Whatever Rust computed on the way (sizes, above all)
//! is a constant in it, so a network is recorded twice, with batches of different sizes, and numbers that differ become
//! expressions of the batch's size: the saved module takes any.

use std::{
    borrow::Borrow,
    ffi::{CString, c_void},
    os::raw::c_char,
    ptr, slice,
};

use tch::{Device, Tensor};

use super::{check, ffi, ffi::Handle, handle, handles, take};
use crate::{
    error::{Error, Result},
    params::ParamSet,
};

/// One recorded forward pass.
#[derive(Debug)]
pub struct Trace {
    raw: *mut ffi::RawTrace,
}

impl Drop for Trace {
    fn drop(&mut self) {
        unsafe { ffi::mtl_trace_free(self.raw) }
    }
}

/// Ends a recording that did not come to its end, also when the network panics.
struct Recording;

impl Drop for Recording {
    fn drop(&mut self) {
        unsafe { ffi::mtl_trace_abandon() }
    }
}

impl Trace {
    /// Records what `network` does with `inputs`, which it must use itself (not copies of them). Everything in `params`
    /// becomes a named tensor of the module, without gradient; other tensors become constants. Nothing is recorded of
    /// memory that is written behind libtorch's back, as by [`Tensor::from_slice`]: a network that makes constants must
    /// have made them in an earlier pass.
    ///
    /// # Errors
    /// Those of `network`; [`Error::Torch`] when an output does not depend on the inputs, or inside another recording.
    pub fn record<E: From<Error>>(
        inputs: &[(&str, &Tensor)],
        params: &ParamSet,
        network: impl FnOnce() -> std::result::Result<Vec<Tensor>, E>,
    ) -> std::result::Result<Self, E> {
        let _guard = tch::no_grad_guard();
        let input_names = Names::new(inputs.iter().map(|(name, _)| *name))?;
        let input_handles: Vec<Handle> = inputs.iter().map(|(_, t)| handle(t)).collect();
        let names = Names::new(params.tensors().map(|(name, _)| name))?;
        let tensors: Vec<Handle> = params.tensors().map(|(_, t)| handle(t)).collect();
        let mut raw = ptr::null_mut();
        check("trace", unsafe {
            ffi::mtl_trace_begin(
                input_names.pointers.as_ptr(),
                input_handles.as_ptr(),
                input_handles.len() as i64,
                names.pointers.as_ptr(),
                tensors.as_ptr(),
                params.params().len() as i64,
                tensors.len() as i64,
                &raw mut raw,
            )
        })?;
        let trace = Self { raw };
        let recording = Recording;
        let outputs = network()?;
        let outputs = handles(&outputs);
        check("trace", unsafe { ffi::mtl_trace_end(trace.raw, outputs.as_ptr(), outputs.len() as i64) })?;
        std::mem::forget(recording);
        Ok(trace)
    }

    /// The bytes of a TorchScript file whose method `forward` takes the inputs in order, in a batch of any size, and
    /// gives a tuple of the outputs. `other` is a recording of the same network with another batch size; the text
    /// `extra.1` goes into the file under the name `extra.0`.
    ///
    /// # Errors
    /// [`Error::Torch`] when the recordings differ in more than sizes.
    pub fn save(self, other: &Self, extra: (&str, &str)) -> Result<Vec<u8>> {
        let name = c_string(extra.0)?;
        let mut bytes: Vec<u8> = Vec::new();
        check("save TorchScript", unsafe {
            ffi::mtl_trace_save(
                self.raw,
                other.raw,
                name.as_ptr(),
                extra.1.as_ptr().cast(),
                extra.1.len() as i64,
                append,
                (&raw mut bytes).cast(),
            )
        })?;
        Ok(bytes)
    }
}

extern "C" fn append(context: *mut c_void, bytes: *const u8, len: usize) {
    // The context is the vector that `save` lends for the duration of the call.
    let out = unsafe { &mut *context.cast::<Vec<u8>>() };
    out.extend_from_slice(unsafe { slice::from_raw_parts(bytes, len) });
}

/// A loaded TorchScript module that gives a tuple of tensors.
#[derive(Debug)]
pub struct Script {
    raw: *mut ffi::RawScript,
    extra: String,
}

// The module is reference-counted atomically, and every use of it borrows.
unsafe impl Send for Script {}

impl Drop for Script {
    fn drop(&mut self) {
        unsafe { ffi::mtl_script_free(self.raw) }
    }
}

impl Script {
    /// Loads the bytes of a file, and the text that it keeps under the name `extra`. TorchScript is a program: bytes from
    /// somebody whom you do not trust do not belong here.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch cannot read it; [`Error::State`] when the text is no UTF-8.
    pub fn load(bytes: &[u8], device: Device, extra: &str) -> Result<Self> {
        let name = c_string(extra)?;
        let device = match device {
            Device::Cuda(index) => i32::try_from(index).unwrap_or(i32::MAX),
            _ => -1,
        };
        let mut raw = ptr::null_mut();
        check("load TorchScript", unsafe {
            ffi::mtl_script_load(bytes.as_ptr(), bytes.len(), device, name.as_ptr(), &raw mut raw)
        })?;
        let mut script = Self { raw, extra: String::new() };
        let mut len = 0;
        let text = unsafe { ffi::mtl_script_extra(raw, &raw mut len) };
        let text = unsafe { slice::from_raw_parts(text.cast::<u8>(), usize::try_from(len).unwrap_or(0)) };
        script.extra = std::str::from_utf8(text)
            .map_err(|e| Error::State { what: "TorchScript".into(), reason: format!("{extra} is no text: {e}") })?
            .to_owned();
        Ok(script)
    }

    /// The text that was asked for; empty when the file holds none.
    #[must_use]
    pub fn extra(&self) -> &str {
        &self.extra
    }

    /// Runs `forward`, without a graph.
    ///
    /// # Errors
    /// [`Error::Torch`] when the inputs do not fit, or the result is not a tuple of `n_outputs` tensors.
    pub fn forward<T: Borrow<Tensor>>(&self, inputs: &[T], n_outputs: usize) -> Result<Vec<Tensor>> {
        let inputs = handles(inputs);
        let mut outputs = vec![ptr::null_mut(); n_outputs];
        check("run TorchScript", unsafe {
            ffi::mtl_script_forward(
                self.raw,
                inputs.as_ptr(),
                inputs.len() as i64,
                outputs.as_mut_ptr(),
                n_outputs as i64,
            )
        })?;
        Ok(outputs.into_iter().filter_map(take).collect())
    }
}

/// Texts as C reads them.
struct Names {
    pointers: Vec<*const c_char>,
    _owned: Vec<CString>,
}

impl Names {
    fn new<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self> {
        let owned: Vec<CString> = names.map(c_string).collect::<Result<_>>()?;
        Ok(Self { pointers: owned.iter().map(|name| name.as_ptr()).collect(), _owned: owned })
    }
}

fn c_string(text: &str) -> Result<CString> {
    let refuse = |_| Error::State { what: "TorchScript".into(), reason: format!("{text:?} holds a zero byte") };
    CString::new(text).map_err(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::Init;
    use tch::Kind;

    /// `y = x W`, and a matrix of as many ones as there are samples.
    fn record(params: &ParamSet, b: i64) -> Trace {
        let xs = Tensor::ones([b, 2], (Kind::Float, Device::Cpu));
        let w = params.get("layers.first-one.weight").unwrap().tensor();
        let network = || -> Result<Vec<Tensor>> {
            let ys = xs.matmul(w); // [b, 3]
            let flat = ys.reshape([b * 3]); // a size that Rust computed
            Ok(vec![ys, flat.sum_to_size([1]) + xs.expand([b + 1, b, 2], false).sum(Kind::Float)])
        };
        Trace::record(&[("xs", &xs)], params, network).unwrap()
    }

    fn params() -> ParamSet {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 3);
        let _ = params.root().sub("layers").sub("first-one").param("weight", &[2, 3], Init::Normal(1.0)).unwrap();
        params
    }

    #[test]
    fn any_batch_size_runs_whatever_was_recorded() {
        let params = params();
        let bytes = record(&params, 5).save(&record(&params, 8), ("mtl.json", "{\"a\":1}")).unwrap();
        let script = Script::load(&bytes, Device::Cpu, "mtl.json").unwrap();
        assert_eq!(script.extra(), "{\"a\":1}");
        let w = params.get("layers.first-one.weight").unwrap().tensor();
        for b in [1, 2, 7, 100] {
            let xs = Tensor::rand([b, 2], (Kind::Float, Device::Cpu));
            let out = script.forward(&[&xs], 2).unwrap();
            let ys = xs.matmul(&w.detach());
            assert!(out[0].allclose(&ys, 1e-6, 1e-6, false) && !out[0].requires_grad());
            let expected = (ys.sum(Kind::Float) + xs.sum(Kind::Float) * (b + 1) as f64).double_value(&[]);
            assert!((out[1].double_value(&[0]) - expected).abs() < 1e-3 * expected.abs().max(1.0), "{b}");
        }
        assert!(script.forward(&[Tensor::ones([2, 3], (Kind::Float, Device::Cpu))], 2).is_err());
        assert!(script.forward(&[Tensor::ones([2, 2], (Kind::Float, Device::Cpu))], 1).is_err());
        assert_eq!(Script::load(&bytes, Device::Cpu, "other").unwrap().extra(), "");
    }

    #[test]
    fn parameters_keep_their_names() {
        let params = params();
        let bytes = record(&params, 2).save(&record(&params, 3), ("mtl.json", "")).unwrap();
        let module = tch::CModule::load_data(&mut bytes.as_slice()).unwrap();
        let named = module.named_parameters().unwrap();
        assert_eq!(named.len(), 1);
        assert_eq!(named[0].0, "layers.first-one.weight");
        assert!(named[0].1.equal(params.get("layers.first-one.weight").unwrap().tensor()));
    }

    #[test]
    fn what_cannot_be_recorded_is_refused_and_leaves_no_recording_behind() {
        let params = params();
        let xs = Tensor::ones([2, 2], (Kind::Float, Device::Cpu));
        let fails = || -> Result<Vec<Tensor>> { Err(Error::Duplicate { what: "task", name: "x".into() }) };
        assert!(matches!(Trace::record(&[("xs", &xs)], &params, fails), Err(Error::Duplicate { .. })));
        let outside = Tensor::from(1.0);
        let unrelated = || -> Result<Vec<Tensor>> { Ok(vec![outside.shallow_clone()]) };
        assert!(Trace::record(&[("xs", &xs)], &params, unrelated).is_err());
        assert!(record(&params, 3).save(&record(&params, 3), ("x", "")).is_err());
        let by_size = |b: i64| {
            let xs = Tensor::ones([b, 2], (Kind::Float, Device::Cpu));
            let network = || -> Result<Vec<Tensor>> { Ok(vec![if b > 3 { xs.relu() } else { xs.sigmoid() }]) };
            Trace::record(&[("xs", &xs)], &params, network).unwrap()
        };
        let e = by_size(2).save(&by_size(4), ("x", "")).unwrap_err().to_string();
        assert!(e.contains("other operations for a batch of 2"), "{e}");
        assert!(Script::load(b"junk", Device::Cpu, "x").is_err());
    }
}
