//! Parameters that tch made: a `VarStore` of one's own, seen as a [`ParamSet`].
//!
//! The set holds handles to the same memory. What an optimizer of tch does to the store happens to the set, and gradients that
//! [`Gradients::write_to`](crate::step::Gradients::write_to) writes are what that optimizer reads.
//!
//! A store remembers names in no order, so parameters come sorted by name: the same network gives the same order in every
//! process, which saved states of optimizers and balancers rest on.

use tch::nn::VarStore;

use super::{Buffer, Param, ParamSet, Role};
use crate::error::{Error, Result};

impl ParamSet {
    /// The variables of `store`, each with the role that `role` gives to its name. Variables that need no gradient become
    /// buffers. One that is made in the store later is not part of the set.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a store without trainable variables, or with trainable variables of several kinds, naming
    /// one of each.
    ///
    /// # Examples
    /// Two tasks on a trunk of tch's own layers, balanced by UPGrad, stepped by tch's Adam:
    /// ```
    /// use mtl_core::{
    ///     balance::BalancerConfig, loss::TaskLoss, params::{ParamSet, Role},
    ///     step::{Policy, StepEngine}, task::{Task, TaskSet},
    /// };
    /// use tch::{Device, Kind, Reduction, Tensor, nn, nn::{Module, OptimizerConfig}};
    ///
    /// let vs = nn::VarStore::new(Device::Cpu);
    /// let trunk = nn::linear(vs.root() / "trunk", 8, 16, nn::LinearConfig::default());
    /// let heads = ["near", "far"].map(|task| nn::linear(vs.root() / task, 16, 1, nn::LinearConfig::default()));
    ///
    /// let tasks = TaskSet::new(vec![Task::new("near")?, Task::new("far")?])?;
    /// let params = ParamSet::adopt(&vs, |name| match name.split('.').next() {
    ///     Some("near") => Role::Task(0),
    ///     Some("far") => Role::Task(1),
    ///     _ => Role::Shared,
    /// })?;
    /// let method = BalancerConfig::by_name("upgrad")?.build(&tasks)?;
    /// let mut engine = StepEngine::new(tasks, &params, method, Policy::default());
    /// let mut adam = nn::Adam::default().build(&vs, 1e-2)?;
    /// for step in 0..20 {
    ///     let xs = Tensor::randn([32, 8], (Kind::Float, Device::Cpu));
    ///     let ys = [xs.sum_dim_intlist(1, true, None), -xs.select(1, 0).unsqueeze(1)];
    ///     let zs = trunk.forward(&xs).relu();
    ///     let loss = |(head, y): (&nn::Linear, &Tensor)| TaskLoss::new(head.forward(&zs).mse_loss(y, Reduction::Sum), 32.0);
    ///     let losses: Vec<TaskLoss> = heads.iter().zip(&ys).map(loss).collect();
    ///     if let (Some(gradients), _report) = engine.backward(&params, &losses.into(), step)? {
    ///         gradients.write_to(&params)?;
    ///         adam.step();
    ///     }
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn adopt(store: &VarStore, role: impl Fn(&str) -> Role) -> Result<Self> {
        let mut named: Vec<(String, tch::Tensor)> = store.variables().into_iter().collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        let refuse = |expected: String, found: String| {
            Err(Error::InvalidConfig { what: "adopted parameters", field: "store", expected, found })
        };
        let first = named.iter().find(|(_, tensor)| tensor.requires_grad());
        let Some((first, kind)) = first.map(|(name, tensor)| (name.clone(), tensor.kind())) else {
            let found = format!("{} variables, none trainable", named.len());
            return refuse("at least one trainable variable".into(), found);
        };
        let mut set = Self::new(kind, store.device(), 0);
        for (name, tensor) in named {
            if !tensor.requires_grad() {
                let role = role(&name);
                set.buffers.push(Buffer { name, tensor, role });
                continue;
            }
            if tensor.kind() != kind {
                let found = format!("{name} of kind {:?}", tensor.kind());
                return refuse(format!("variables of one kind, {kind:?} as {first}"), found);
            }
            let role = role(&name);
            set.params.push(Param { name, tensor, role, stage: None });
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        balance::BalancerConfig,
        loss::TaskLoss,
        step::{Policy, StepEngine},
        task::{Task, TaskSet},
    };
    use tch::{
        Device, Kind, Tensor,
        nn::{self, OptimizerConfig},
    };

    fn role(name: &str) -> Role {
        if name.starts_with("head") { Role::Task(0) } else { Role::Shared }
    }

    #[test]
    fn the_set_and_the_store_are_one_memory() {
        let store = VarStore::new(Device::Cpu);
        let root = store.root();
        let trunk = root.ones("trunk", &[2]);
        let head = root.ones("head", &[2]);
        let _running = root.zeros_no_train("running", &[3]);
        let set = ParamSet::adopt(&store, role).unwrap();
        assert_eq!(set.params().iter().map(Param::name).collect::<Vec<_>>(), ["head", "trunk"]);
        assert_eq!((set.shared(), set.owned_by(0), set.buffers().len()), (vec![1], vec![0], 1));

        // One step of plain descent on (trunk . head - 3)^2 by hand: both gradients are 2 (2 - 3) [1, 1].
        let tasks = TaskSet::new(vec![Task::new("only").unwrap()]).unwrap();
        let method = BalancerConfig::by_name("upgrad").unwrap().build(&tasks).unwrap();
        let mut engine = StepEngine::new(tasks, &set, method, Policy::default());
        let loss = (&trunk * &head).sum(Kind::Float) - 3.0;
        let losses = vec![TaskLoss::new(loss.square(), 1.0)];
        let (gradients, _) = engine.backward(&set, &losses.into(), 0).unwrap();
        gradients.unwrap().write_to(&set).unwrap();
        let mut sgd = nn::Sgd::default().build(&store, 0.25).unwrap();
        sgd.step();
        for tensor in [&trunk, &head, set.params()[0].tensor(), set.params()[1].tensor()] {
            assert_eq!(Vec::<f32>::try_from(tensor).unwrap(), [1.5, 1.5]);
        }
    }

    #[test]
    fn what_cannot_be_adopted_is_named() {
        let store = VarStore::new(Device::Cpu);
        let e = ParamSet::adopt(&store, role).unwrap_err().to_string();
        assert_eq!(
            e,
            "adopted parameters: store must be at least one trainable variable, found 0 variables, none trainable"
        );
        let _ = store.root().ones("a", &[1]);
        let _ = store.root().add("b", Tensor::ones([1], (Kind::Double, Device::Cpu)), true);
        let e = ParamSet::adopt(&store, role).unwrap_err().to_string();
        assert!(e.ends_with("store must be variables of one kind, Float as a, found b of kind Double"), "{e}");
    }
}
