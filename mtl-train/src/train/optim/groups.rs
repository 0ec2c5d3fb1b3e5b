//! Parameter groups: learning rates and weight decay by role, task, stage or name.
//!
//! ```toml
//! [train]
//! optimizer = { kind = "adamw", lr = 1e-3 }
//! groups = [
//!     { role = "shared", stage = "embed", lr_factor = 0.1 },        # a pretrained start moves slowly
//!     { task = "income", lr_factor = 2.0, weight_decay = 0.0 },     # head, tower and gate of one task
//! ]
//! ```
//! Factors multiply what the schedule says, so that all groups warm up and anneal together. A parameter belongs to the
//! **first** group whose every selector fits it; one that no group fits keeps the optimizer's own settings. Groups are
//! checked against the model before the first step: an unknown task or stage, or a group that is left with no parameter,
//! is an error instead of a silent nothing.

use mtl_core::{
    Error,
    params::{Param, ParamSet, Role},
    task::TaskSet,
};
use serde::{Deserialize, Serialize};

use super::check;
use crate::error::Result;

/// Which parameters, and what is different for them. At least one of the selectors `role`, `task`, `stage` and `prefix` is
/// given; all that are given must fit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GroupConfig {
    /// Parameters of that role; default any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<RoleName>,
    /// Parameters that belong to that task alone, whatever their role; default any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// Parameters of that stage of the encoder; default any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Parameters whose dotted name begins so, at a dot; default any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Multiplies the learning rate, >= 0; 0 freezes the group, which then costs no gradient and is seen by no balancer; default 1.
    #[schemars(range(min = 0.0))]
    pub lr_factor: f64,
    /// Replaces the optimizer's weight decay, >= 0 (still on matrices and larger only); default the optimizer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0))]
    pub weight_decay: Option<f64>,
}

impl Default for GroupConfig {
    fn default() -> Self {
        Self { role: None, task: None, stage: None, prefix: None, lr_factor: 1.0, weight_decay: None }
    }
}

/// The roles of parameters, as config files name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RoleName {
    /// What all tasks share.
    Shared,
    /// Heads, towers and queries of single tasks.
    Task,
    /// Gates of single tasks over shared experts.
    Gate,
}

impl GroupConfig {
    /// Checks what can be checked without a model.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a factor out of range or a group without a selector.
    pub fn validate(&self) -> mtl_core::Result<()> {
        check(
            "parameter group",
            "lr_factor",
            self.lr_factor >= 0.0 && self.lr_factor.is_finite(),
            ">= 0",
            self.lr_factor,
        )?;
        let decay = self.weight_decay.unwrap_or(0.0);
        check("parameter group", "weight_decay", decay >= 0.0 && decay.is_finite(), ">= 0", decay)?;
        if self.role.is_none() && self.task.is_none() && self.stage.is_none() && self.prefix.is_none() {
            let (expected, found) = ("given, or task, stage or prefix".to_owned(), "none of them".to_owned());
            return Err(Error::InvalidConfig { what: "parameter group", field: "role", expected, found });
        }
        Ok(())
    }

    fn fits(&self, param: &Param, tasks: &TaskSet) -> bool {
        let role = self.role.is_none_or(|role| match param.role() {
            Role::Shared => role == RoleName::Shared,
            Role::Task(_) => role == RoleName::Task,
            Role::Gate(_) => role == RoleName::Gate,
            _ => false,
        });
        let owner = param.role().owner().and_then(|t| tasks.get(t));
        let task = self.task.as_deref().is_none_or(|name| owner.is_some_and(|t| t.name.as_str() == name));
        let stage = self.stage.as_deref().is_none_or(|stage| param.stage() == Some(stage));
        let prefix = self.prefix.as_deref().is_none_or(|prefix| {
            let rest = param.name().strip_prefix(prefix.trim_end_matches('.'));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        role && task && stage && prefix
    }

    /// The selectors, as a user wrote them.
    fn describe(&self) -> String {
        let role = self.role.map(|r| format!("role = {:?}", format!("{r:?}").to_lowercase()));
        let quoted = |key: &str, value: &Option<String>| value.as_ref().map(|v| format!("{key} = {v:?}"));
        let rest = [quoted("task", &self.task), quoted("stage", &self.stage), quoted("prefix", &self.prefix)];
        role.into_iter().chain(rest.into_iter().flatten()).collect::<Vec<_>>().join(", ")
    }
}

/// What a parameter's group asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Multiplies the learning rate.
    pub lr_factor: f64,
    /// Replaces the weight decay.
    pub weight_decay: Option<f64>,
}

/// The group of every parameter. The default is one group of all, with the optimizer's own settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ParamGroups(Vec<Rate>);

impl ParamGroups {
    /// Finds the group of every parameter.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for a setting out of range, or a group that no parameter is left for;
    /// [`Error::UnknownTask`] and [`Error::UnknownName`] for a task or stage that the model has not.
    pub fn resolve(groups: &[GroupConfig], params: &ParamSet, tasks: &TaskSet) -> Result<Self> {
        let mut stages: Vec<&str> = Vec::new();
        for stage in params.params().iter().filter_map(Param::stage) {
            if !stages.contains(&stage) {
                stages.push(stage);
            }
        }
        for (idx, group) in groups.iter().enumerate() {
            let place = |key: &str| format!("groups[{idx}]{key}");
            group.validate().map_err(|e| e.inside(place("")))?;
            if let Some(name) = group.task.as_ref().filter(|name| !tasks.names().any(|n| n.as_str() == name.as_str())) {
                let known = tasks.names().map(ToString::to_string).collect();
                return Err(Error::UnknownTask { name: name.clone(), known }.inside(place(".task")).into());
            }
            if let Some(name) = group.stage.as_ref().filter(|name| !stages.contains(&name.as_str())) {
                let known = stages.iter().map(|s| (*s).to_owned()).collect();
                return Err(Error::UnknownName { what: "stage", name: name.clone(), known }
                    .inside(place(".stage"))
                    .into());
            }
        }
        let plain = Rate { lr_factor: 1.0, weight_decay: None };
        let mut used = vec![false; groups.len()];
        let mut rates = Vec::with_capacity(params.params().len());
        for param in params.params() {
            let group = groups.iter().zip(&mut used).find(|(group, _)| group.fits(param, tasks));
            rates.push(group.map_or(plain, |(group, used)| {
                *used = true;
                Rate { lr_factor: group.lr_factor, weight_decay: group.weight_decay }
            }));
        }
        if let Some((group, _)) = groups.iter().zip(used).find(|(_, used)| !used) {
            let expected = "groups that each fit a parameter which no earlier one fits".to_owned();
            let found = format!("{{ {} }}", group.describe());
            return Err(Error::InvalidConfig { what: "train", field: "groups", expected, found }.into());
        }
        Ok(Self(rates))
    }

    /// What the parameter at `position` gets.
    #[must_use]
    pub fn rate(&self, position: usize) -> Rate {
        self.0.get(position).copied().unwrap_or(Rate { lr_factor: 1.0, weight_decay: None })
    }

    /// Positions of the parameters that never move.
    #[must_use]
    pub fn frozen(&self, params: &ParamSet) -> Vec<usize> {
        (0..params.params().len()).filter(|&at| self.rate(at).lr_factor <= 0.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use mtl_core::{params::Init, task::Task};
    use tch::{Device, Kind};

    use super::*;

    fn model() -> (ParamSet, TaskSet) {
        let mut params = ParamSet::new(Kind::Float, Device::Cpu, 0);
        let mut root = params.root();
        let _ = root.sub("encoder").stage("embed").param("table", &[4, 2], Init::Zeros).unwrap();
        let _ = root.sub("encoder").stage("trunk").param("weight", &[2, 2], Init::Zeros).unwrap();
        let _ = root.sub("gate").role(Role::Gate(1)).param("weight", &[2, 2], Init::Zeros).unwrap();
        for t in 0..2 {
            let _ = root.sub(format!("head{t}")).role(Role::Task(t)).param("weight", &[2], Init::Zeros).unwrap();
        }
        let tasks =
            ["income", "marital"].map(|n| Task::new(n).unwrap().judged_by(mtl_metrics::known("auroc").unwrap()));
        (params, TaskSet::new(tasks.into()).unwrap())
    }

    fn factors(text: &str) -> Result<Vec<f64>> {
        #[derive(Deserialize)]
        struct Groups {
            groups: Vec<GroupConfig>,
        }
        let (params, tasks) = model();
        let groups: Groups = toml::from_str(text).unwrap();
        let resolved = ParamGroups::resolve(&groups.groups, &params, &tasks)?;
        Ok((0..5).map(|p| resolved.rate(p).lr_factor).collect())
    }

    #[test]
    fn the_first_fitting_group_counts() {
        let of = |text: &str| factors(text).unwrap();
        assert_eq!(of("groups = []"), [1.0; 5]);
        assert_eq!(of(r#"groups = [{ role = "shared", lr_factor = 0.1 }]"#), [0.1, 0.1, 1.0, 1.0, 1.0]);
        assert_eq!(of(r#"groups = [{ task = "marital", lr_factor = 2 }]"#), [1.0, 1.0, 2.0, 1.0, 2.0]);
        let nested = r#"groups = [{ stage = "embed", lr_factor = 0 }, { prefix = "encoder", lr_factor = 0.5 },
                                  { task = "marital", role = "gate", lr_factor = 3 }]"#;
        assert_eq!(of(nested), [0.0, 0.5, 3.0, 1.0, 1.0]);
        // A prefix ends at a dot: "head" is no prefix of "head0".
        assert!(factors(r#"groups = [{ prefix = "head" }]"#).is_err());
    }

    #[test]
    fn what_is_wrong_is_said() {
        let says = |text: &str| factors(text).unwrap_err().to_string();
        let unknown = says(r#"groups = [{ task = "incom" }]"#);
        assert_eq!(unknown, r#"unknown task "incom", known tasks are income, marital"#);
        assert_eq!(says(r#"groups = [{ stage = "stem" }]"#), r#"unknown stage "stem", known are embed, trunk"#);
        assert_eq!(
            says("groups = [{ lr_factor = 2 }]"),
            "parameter group: role must be given, or task, stage or prefix, found none of them"
        );
        let shadowed = says(r#"groups = [{ role = "shared" }, { role = "shared", stage = "trunk" }]"#);
        assert_eq!(
            shadowed,
            r#"train: groups must be groups that each fit a parameter which no earlier one fits, found { role = "shared", stage = "trunk" }"#
        );
        assert_eq!(
            says(r#"groups = [{ role = "shared", lr_factor = -1 }]"#),
            "parameter group: lr_factor must be >= 0, found -1"
        );
        assert!(says(r#"groups = [{ role = "shared", weight_decay = nan }]"#).contains("weight_decay must be >= 0"));
    }
}
