//! An architecture under test, and what a law asks of it.

use std::ops::Range;

use tch::{Device, Kind, Tensor};

use crate::{
    batch::Inputs,
    context::Cx,
    error::{Result, TorchContext},
    features::Features,
    input::InputSpec,
    mode::Mode,
    params::{ParamSet, Scope},
    rng::Rng,
    share::{SharedFeatures, Sharing, TaskMask},
    task::TaskSet,
};

/// Rows of inputs.
type Rows<'a> = dyn Fn(Kind, Range<i64>) -> Result<Inputs> + 'a;

/// The architecture with its parameters.
pub(super) struct Subject<'a> {
    pub(super) params: ParamSet,
    pub(super) sharing: Box<dyn Sharing>,
    pub(super) n_tasks: usize,
    rows: &'a Rows<'a>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(
        tasks: &TaskSet,
        build: &dyn Fn(&mut Scope<'_>) -> Result<Box<dyn Sharing>>,
        rows: &'a Rows<'a>,
        kind: Kind,
        seed: u64,
    ) -> Result<Self> {
        let mut params = ParamSet::new(kind, Device::Cpu, seed);
        let sharing = build(&mut params.root())?;
        Ok(Self { params, sharing, n_tasks: tasks.len(), rows })
    }

    pub(super) fn inputs(&self, rows: Range<i64>) -> Result<Inputs> {
        (self.rows)(self.params.kind(), rows)
    }

    /// A pass for all tasks over the first five samples.
    pub(super) fn run(&self, mode: Mode) -> Result<SharedFeatures> {
        self.run_for(&TaskMask::all(self.n_tasks), &Cx::new(mode))
    }

    pub(super) fn run_for(&self, wanted: &TaskMask, cx: &Cx) -> Result<SharedFeatures> {
        self.sharing.forward(&self.inputs(0..5)?, wanted, cx)
    }

    /// A scalar of a task's features that weighs every number of them differently, as a head would.
    pub(super) fn loss(&self, features: &Features) -> Result<Tensor> {
        let flat = flat(features)?;
        let n = flat.numel() as i64;
        let weights = Tensor::f_arange(n, (flat.kind(), flat.device())).and_then(|w| w.f_mul_scalar(0.37));
        let weights = weights.and_then(|w| w.f_cos()).op("law")?;
        flat.f_sub_scalar(0.3).and_then(|x| x.f_square()).and_then(|x| x.f_dot(&weights)).op("law")
    }

    /// The buffers as they are now.
    pub(super) fn buffers(&self) -> Result<Vec<Tensor>> {
        self.params.buffers().iter().map(|b| b.tensor().f_detach_copy().op("law")).collect()
    }

    /// Puts the buffers back.
    pub(super) fn restore(&self, buffers: &[Tensor]) -> Result<()> {
        let _guard = tch::no_grad_guard();
        for (buffer, before) in self.params.buffers().iter().zip(buffers) {
            buffer.tensor().shallow_clone().f_copy_(before).op("law")?;
        }
        Ok(())
    }
}

/// All numbers of features, one after the other.
pub(super) fn flat(features: &Features) -> Result<Tensor> {
    let parts = features.tensors().into_iter().map(|t| t.f_reshape([-1]).op("law")).collect::<Result<Vec<_>>>()?;
    Tensor::f_cat(&parts, 0).op("law")
}

/// Rows of made-up samples for that spec, the same whenever they are asked for: codes over their whole range, numbers and pixels
/// around 0 with deviation 1.
///
/// # Errors
/// [`Error::Torch`](crate::Error::Torch) for sizes that no memory holds.
pub fn inputs(spec: &InputSpec, kind: Kind, rows: Range<i64>) -> Result<Inputs> {
    let row = |row: i64| {
        let made = spec.iter().enumerate().map(|(place, (name, modality))| {
            let mut rng = Rng::new(row.unsigned_abs() * 7 + place as u64 + 2);
            Ok((name.to_owned(), modality.example(1, &mut rng)?))
        });
        Inputs::new(made.collect::<Result<Vec<_>>>()?)
    };
    let made = rows.map(row).collect::<Result<Vec<_>>>()?;
    let whole = spec.concat(&made.iter().collect::<Vec<_>>())?;
    whole.map(|_, t| match t.is_floating_point() {
        true => t.f_to_kind(kind).op("law inputs"),
        false => Ok(t.shallow_clone()),
    })
}
