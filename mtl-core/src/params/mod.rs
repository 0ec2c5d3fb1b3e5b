//! Parameters with names, roles and stages.
//!
//! A [`ParamSet`] owns every trainable tensor of a model. Each has a unique dotted name (`encoder.trunk.0.weight`, part of
//! the file format, fixed forever), a [`Role`] and the name of the encoder stage it belongs to. "The shared parameters" is
//! therefore a query over roles, never a list that an architecture has to keep right.
//!
//! Initial values come from a stream per parameter (seed and name), so adding a layer does not change the others.

mod adopt;
mod bytes;
mod init;
mod part;
mod scope;

use tch::{Device, Kind, Tensor};

pub use bytes::{Metadata, NamedTensors, from_safetensors, to_safetensors};
pub use init::Init;
pub use part::{LoadReport, NameMap, Refused};
pub use scope::Scope;

use crate::error::{Error, Result, TorchContext};

/// Whom a parameter belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// All tasks: balancers decide on its gradient.
    Shared,
    /// One task, by index: a head, a tower, a task query.
    Task(usize),
    /// One task's gate over shared experts; follows its task like [`Role::Task`], but is listed apart.
    Gate(usize),
}

impl Role {
    /// The task that owns the parameter, if one does.
    #[must_use]
    pub fn owner(self) -> Option<usize> {
        match self {
            Self::Shared => None,
            Self::Task(task_idx) | Self::Gate(task_idx) => Some(task_idx),
        }
    }
}

/// One trainable tensor and what is known about it.
#[derive(Debug)]
pub struct Param {
    name: String,
    tensor: Tensor,
    role: Role,
    stage: Option<String>,
}

impl Param {
    /// The dotted name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The leaf tensor.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// Whom it belongs to.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The encoder stage it belongs to, if any: the unit of per-block statistics.
    #[must_use]
    pub fn stage(&self) -> Option<&str> {
        self.stage.as_deref()
    }

    /// Whether it is trained: a parameter that is not costs no gradient, and no balancer sees it.
    #[must_use]
    pub fn is_trained(&self) -> bool {
        self.tensor.requires_grad()
    }

    /// Whether weight decay applies: to matrices and larger, not to biases and norm scales.
    #[must_use]
    pub fn decays(&self) -> bool {
        self.tensor.dim() >= 2
    }
}

/// A tensor that belongs to a model but is not trained.
#[derive(Debug)]
pub struct Buffer {
    name: String,
    tensor: Tensor,
    role: Role,
}

impl Buffer {
    /// The dotted name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tensor, which layers change in place.
    pub fn tensor(&self) -> &Tensor {
        &self.tensor
    }

    /// Whom it belongs to.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }
}

/// The parameters of one model, in creation order.
#[derive(Debug)]
pub struct ParamSet {
    params: Vec<Param>,
    buffers: Vec<Buffer>,
    kind: Kind,
    device: Device,
    seed: u64,
    /// How many numbers there may be, all tensors together.
    limit: usize,
}

impl ParamSet {
    /// An empty set whose parameters will be of that kind, on that device, initialized from that seed.
    #[must_use]
    pub fn new(kind: Kind, device: Device, seed: u64) -> Self {
        Self { params: Vec::new(), buffers: Vec::new(), kind, device, seed, limit: usize::MAX }
    }

    /// The same set for at most `limit` numbers: a model that is built from a file must not be larger than the weights that
    /// come with it, whatever the file claims.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// The scope in which a model makes its parameters: shared until said otherwise.
    pub fn root(&mut self) -> Scope<'_> {
        Scope::root(self)
    }

    /// The kind of all parameters.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The device of all parameters.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// The parameters in creation order: the order of every list of gradients.
    #[must_use]
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// The buffers in creation order.
    #[must_use]
    pub fn buffers(&self) -> &[Buffer] {
        &self.buffers
    }

    /// Everything that is saved, by name: parameters, then buffers.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        let params = self.params.iter().map(|p| (p.name.as_str(), &p.tensor));
        params.chain(self.buffers.iter().map(|b| (b.name.as_str(), &b.tensor)))
    }

    /// The parameter of that name.
    ///
    /// # Errors
    /// [`Error::UnknownName`], listing the names there are.
    pub fn get(&self, name: &str) -> Result<&Param> {
        self.params.iter().find(|p| p.name == name).ok_or_else(|| Error::UnknownName {
            what: "parameter",
            name: name.to_owned(),
            known: self.params.iter().map(|p| p.name.clone()).collect(),
        })
    }

    /// Positions of the parameters that every task shares.
    #[must_use]
    pub fn shared(&self) -> Vec<usize> {
        self.positions(|p| p.role.owner().is_none())
    }

    /// Positions of the parameters that belong to one task.
    #[must_use]
    pub fn owned_by(&self, task_idx: usize) -> Vec<usize> {
        self.positions(|p| p.role.owner() == Some(task_idx))
    }

    /// Takes the parameters at `positions` out of training, or back into it. An engine asks once, when it is made; what is taken
    /// out later is still told gradients by it.
    ///
    /// # Errors
    /// [`Error::Torch`] when libtorch refuses.
    pub fn train(&self, positions: &[usize], is_trained: bool) -> Result<()> {
        for param in positions.iter().filter_map(|&at| self.params.get(at)) {
            let _same = param.tensor.f_set_requires_grad(is_trained).op(format!("train {}", param.name))?;
        }
        Ok(())
    }

    /// How many numbers there are to learn.
    #[must_use]
    pub fn numel(&self) -> usize {
        self.params.iter().map(|p| p.tensor.numel()).sum()
    }

    /// How many numbers the parameters at `positions` hold.
    #[must_use]
    pub fn numel_of(&self, positions: &[usize]) -> usize {
        positions.iter().filter_map(|&i| self.params.get(i)).map(|p| p.tensor.numel()).sum()
    }

    fn positions(&self, keep: impl Fn(&Param) -> bool) -> Vec<usize> {
        self.params.iter().enumerate().filter(|(_, p)| keep(p)).map(|(i, _)| i).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(seed: u64, names: &[&str]) -> ParamSet {
        let mut set = ParamSet::new(Kind::Double, Device::Cpu, seed);
        for name in names {
            let _ = set.root().param(name, &[3, 2], Init::Uniform(0.5)).unwrap();
        }
        set
    }

    #[test]
    fn values_depend_on_seed_and_name_only() {
        let (alone, among) = (set(1, &["b"]), set(1, &["a", "b"]));
        assert_eq!(alone.get("b").unwrap().tensor(), among.get("b").unwrap().tensor());
        assert_ne!(among.get("a").unwrap().tensor(), among.get("b").unwrap().tensor());
        assert_ne!(alone.get("b").unwrap().tensor(), set(2, &["b"]).get("b").unwrap().tensor());
        assert!(alone.get("b").unwrap().tensor().abs().max().double_value(&[]) <= 0.5);
    }

    #[test]
    fn a_model_is_not_larger_than_allowed() {
        let mut set = ParamSet::new(Kind::Double, Device::Cpu, 0).with_limit(10);
        let _ = set.root().param("a", &[3, 3], Init::Zeros).unwrap();
        for shape in [&[2][..], &[1 << 40, 1 << 40]] {
            let e = set.root().buffer("b", shape, Init::Zeros).unwrap_err().to_string();
            assert!(e.contains("at most 10 numbers for the whole model") && e.contains("after 9"), "{e}");
        }
        assert_eq!(set.root().param("b", &[1], Init::Zeros).unwrap().numel(), 1);
        assert!(
            ParamSet::new(Kind::Double, Device::Cpu, 0).root().param("a", &[1 << 40, 1 << 40], Init::Ones).is_err()
        );
    }

    #[test]
    fn a_name_is_given_once_and_roles_are_a_query() {
        let mut set = ParamSet::new(Kind::Float, Device::Cpu, 0);
        let mut root = set.root();
        let mut encoder = root.sub("encoder");
        let _ = encoder.stage("stem").param("weight", &[2, 2], Init::Zeros).unwrap();
        let e = encoder.param("weight", &[2], Init::Zeros).unwrap_err();
        assert_eq!(e.to_string(), r#"parameter "encoder.weight" is given twice"#);
        let _ = root.sub("heads").sub("a").role(Role::Task(0)).param("weight", &[5], Init::Ones).unwrap();
        let _ = root.sub("gate").role(Role::Gate(1)).param("weight", &[7], Init::Ones).unwrap();
        assert_eq!((set.shared(), set.owned_by(0), set.owned_by(1)), (vec![0], vec![1], vec![2]));
        assert_eq!(set.numel(), 16);
        assert_eq!(set.numel_of(&set.shared()), 4);
        assert_eq!(set.params()[0].stage(), Some("stem"));
        assert!(set.params()[0].decays() && !set.params()[1].decays());
        assert!(set.params().iter().all(|p| p.tensor().requires_grad()));
    }
}
