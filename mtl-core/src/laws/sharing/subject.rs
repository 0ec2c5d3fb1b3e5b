//! An architecture under test, and what a law asks of it.

use std::ops::Range;

use tch::{Device, Kind};

use crate::{
    batch::Inputs,
    context::Cx,
    error::Result,
    mode::Mode,
    params::{ParamSet, Scope},
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
}
