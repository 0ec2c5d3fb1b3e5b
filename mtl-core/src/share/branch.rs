//! Branching: the first stages of an encoder are shared, the others exist once per task or group of tasks.
//!
//! ```text
//! z   = f_{at - 1}(.. f_0(x))                    shared by all
//! y_t = f^g_J(.. f^g_at(z))                      g: the group of task t, alone in it if none is named
//! ```
//! **Shapes** as the encoder's own: every branch ends as the whole encoder does.
//!
//! **Reference** the tree of layers of Lu et al., "Fully-adaptive Feature Sharing in Multi-Task Networks", CVPR 2017, with one
//! fork; where to fork is what they, Guo et al. ("Learning to Branch", ICML 2020) and others search for. **Differs from** them: the
//! place and the groups are settings, `mtl affinity` helps to choose groups. Default: only the last stage exists once per task.
//!
//! **Whose parameters.** A branch of one task belongs to it; one of several is shared by them, and a balancer decides on it like on the
//! trunk, with nothing from tasks outside. The boundary is what tasks of their own branch read of the trunk, and the ends of
//! the branches of several. A branch whose tasks are all unwanted does not run.

use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::{SharedFeatures, Sharing, SharingPart, TaskMask};
use crate::{
    batch::Inputs,
    context::Cx,
    encode::{EncoderPlan, Stage, Stages},
    error::{Error, Result},
    features::{Features, View},
    params::{Role, Scope},
    task::TaskSet,
};

/// A stage of the encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum BranchAt {
    /// By its place, counted from 0.
    Place(usize),
    /// By its name.
    Name(String),
}

/// Settings of [`Branch`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BranchConfig {
    /// The first stage that is not shared, by name or counted from 0, not the first of the encoder; default the last one.
    pub at: Option<BranchAt>,
    /// Tasks that share a branch, as lists of names; a task in no list has a branch of its own; default none.
    pub groups: Vec<Vec<String>>,
}

/// The architecture.
#[derive(Debug)]
pub struct Branch {
    trunk: Stages,
    branches: Vec<OneBranch>,
    views: Vec<View>,
}

#[derive(Debug)]
struct OneBranch {
    /// Indices of its tasks.
    tasks: Vec<usize>,
    stages: Stages,
}

impl Branch {
    /// The trunk is made in `scope` below `encoder`, branches below `encoder.branches.<task>`, with the names of several tasks
    /// joined by `+`.
    ///
    /// # Errors
    /// [`Error::InvalidConfig`] for an encoder of one stage, for a stage that is not there, and for a task in two groups;
    /// [`Error::UnknownTask`] for one that does not exist; as [`EncoderPlan::stages`].
    pub fn new(scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet, config: &BranchConfig) -> Result<Self> {
        let outline = plan.outline()?;
        let at = place(config.at.as_ref(), &outline)?;
        let groups = groups(&config.groups, tasks)?;
        let mut scope = scope.sub("encoder");
        let trunk = plan.stages(&mut scope, 0..at)?;
        let mut scope = scope.sub("branches");
        let mut branches = Vec::with_capacity(groups.len());
        for group in groups {
            let names: Vec<&str> =
                tasks.names().enumerate().filter(|(t, _)| group.contains(t)).map(|(_, n)| n.as_str()).collect();
            let role = match group[..] {
                [only] => Role::Task(only),
                _ => Role::Shared,
            };
            let mut place = scope.sub(names.join("+"));
            let stages = plan.stages(&mut place.role(role), at..outline.len())?;
            branches.push(OneBranch { tasks: group, stages });
        }
        let view = outline.last().map(|s| s.view.clone());
        let views = view.into_iter().cycle().take(tasks.len()).collect();
        Ok(Self { trunk, branches, views })
    }
}

/// The first stage of the branches.
fn place(at: Option<&BranchAt>, stages: &[Stage]) -> Result<usize> {
    let found = match at {
        None => stages.len().checked_sub(1),
        Some(BranchAt::Place(place)) => Some(*place),
        Some(BranchAt::Name(name)) => stages.iter().position(|s| s.name == *name),
    };
    match found {
        Some(place) if (1..stages.len()).contains(&place) => Ok(place),
        _ => {
            let names: Vec<String> =
                stages.iter().enumerate().skip(1).map(|(idx, s)| format!("{} ({idx})", s.name)).collect();
            let expected = match names.is_empty() {
                true => "a later stage of the encoder, which has only one; take one with more".to_owned(),
                false => format!("a stage of the encoder after its first, one of {}", names.join(", ")),
            };
            let found = match at {
                None => format!("{:?}", stages.iter().map(|s| s.name.as_str()).collect::<Vec<_>>()),
                Some(BranchAt::Place(place)) => place.to_string(),
                Some(BranchAt::Name(name)) => format!("{name:?}"),
            };
            Err(Error::InvalidConfig { what: "branch", field: "at", expected, found })
        }
    }
}

/// The tasks of every branch by index, in the order of their first tasks.
fn groups(named: &[Vec<String>], tasks: &TaskSet) -> Result<Vec<Vec<usize>>> {
    let mut group_of: Vec<Option<usize>> = vec![None; tasks.len()];
    for (group, names) in named.iter().enumerate() {
        for name in names {
            let Some(task_idx) = tasks.names().position(|n| n.as_str() == name) else {
                let known = tasks.names().map(ToString::to_string).collect();
                return Err(Error::UnknownTask { name: name.clone(), known });
            };
            if group_of[task_idx].replace(group).is_some() {
                return Err(Error::Duplicate { what: "task in the groups of branch", name: name.clone() });
            }
        }
    }
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut made: Vec<Option<usize>> = vec![None; named.len()];
    for (task_idx, group) in group_of.into_iter().enumerate() {
        match group {
            Some(group) => match made[group] {
                Some(at) => groups[at].push(task_idx),
                None => {
                    made[group] = Some(groups.len());
                    groups.push(vec![task_idx]);
                }
            },
            None => groups.push(vec![task_idx]),
        }
    }
    Ok(groups)
}

impl SharingPart for BranchConfig {
    fn build(&self, scope: &mut Scope<'_>, plan: &EncoderPlan<'_>, tasks: &TaskSet) -> Result<Box<dyn Sharing>> {
        Ok(Box::new(Branch::new(scope, plan, tasks, self)?))
    }
}

impl Sharing for Branch {
    fn name(&self) -> &'static str {
        "branch"
    }

    fn views(&self) -> &[View] {
        &self.views
    }

    fn members(&self) -> i64 {
        self.trunk.members()
    }

    fn forward(&self, inputs: &Inputs, wanted: &TaskMask, cx: &Cx) -> Result<SharedFeatures> {
        let mut per_task: Vec<Option<Features>> = self.views.iter().map(|_| None).collect();
        let mut boundary: Vec<Tensor> = Vec::new();
        let trunk = self.trunk.embed(inputs, cx)?;
        // What tasks alone in their branch read is one handle, apart from what goes on into the branches of several: the graph is
        // cut in both, and no gradient must be counted in one and again in the other.
        let mut read: Option<Features> = None;
        let note = |boundary: &mut Vec<Tensor>, features: &Features| {
            boundary.extend(features.tensors().into_iter().map(Tensor::shallow_clone));
        };
        for branch in &self.branches {
            if !branch.tasks.iter().any(|t| wanted.contains(*t)) {
                continue;
            }
            let features = match branch.tasks[..] {
                [_] => {
                    let read = match &read {
                        Some(read) => read.shallow_clone(),
                        None => {
                            let alias = trunk.alias()?;
                            note(&mut boundary, &alias);
                            read.insert(alias).shallow_clone()
                        }
                    };
                    branch.stages.advance(read, cx)?
                }
                _ => {
                    let features = branch.stages.advance(trunk.shallow_clone(), cx)?.aliased()?;
                    note(&mut boundary, &features);
                    features
                }
            };
            for &t in branch.tasks.iter().filter(|t| wanted.contains(**t)) {
                per_task[t] = Some(features.shallow_clone());
            }
        }
        Ok(SharedFeatures { per_task, auxiliary: Vec::new(), boundary })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        encode::{EncoderConfig, MlpEncoderConfig},
        input::InputSpec,
        mode::Mode,
        params::ParamSet,
        task::Task,
    };
    use tch::{Device, Kind};

    fn build(params: &mut ParamSet, hidden: &[i64], config: &BranchConfig) -> Result<Branch> {
        let tasks = TaskSet::new(["a", "b", "c"].map(|n| Task::new(n).unwrap()).into()).unwrap();
        let spec = InputSpec::table(Vec::new(), vec!["x".into(), "y".into()]);
        let encoder = EncoderConfig::Mlp(MlpEncoderConfig { hidden: hidden.to_vec(), ..Default::default() });
        Branch::new(&mut params.root(), &EncoderPlan::new(&encoder, &spec), &tasks, config)
    }

    fn config(text: &str) -> BranchConfig {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn tasks_of_a_group_share_a_branch_and_others_have_their_own() {
        let mut params = ParamSet::new(Kind::Double, Device::Cpu, 1);
        let sharing = build(&mut params, &[4, 4, 3], &config(r#"{ "at": "layer1", "groups": [["c", "a"]] }"#)).unwrap();
        let names: Vec<&str> = params.params().iter().map(|p| p.name()).filter(|n| n.ends_with("weight")).collect();
        let branch = |group: &str, layer| format!("encoder.branches.{group}.layer{layer}.0.weight");
        let expected =
            ["encoder.layer0.0.weight".into(), branch("a+c", 1), branch("a+c", 2), branch("b", 1), branch("b", 2)];
        assert_eq!(names, expected);
        assert_eq!(params.get(&branch("a+c", 2)).unwrap().role(), Role::Shared);
        assert_eq!(params.get(&branch("b", 1)).unwrap().role(), Role::Task(1));
        let xs = Tensor::from_slice(&[0.5, -1.0, 2.0, 1.0]).view([2, 2]);
        let inputs = Inputs::new(vec![("numeric".into(), xs)]).unwrap();
        let all = sharing.forward(&inputs, &TaskMask::all(3), &Cx::new(Mode::Eval)).unwrap();
        let pooled = [0, 1, 2].map(|t| all.of(t).unwrap().pooled().unwrap());
        assert!(pooled[0].equal(&pooled[2]) && !pooled[0].equal(&pooled[1]));
        assert_eq!(all.boundary.len(), 2);
        let alone = sharing.forward(&inputs, &TaskMask::of(3, |t| t == 1), &Cx::new(Mode::Eval)).unwrap();
        assert_eq!((alone.boundary.len(), alone.per_task[0].is_none()), (1, true));
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_choice() {
        let refusal = |hidden: &[i64], text: &str| {
            let mut params = ParamSet::new(Kind::Float, Device::Cpu, 1);
            build(&mut params, hidden, &config(text)).unwrap_err().to_string()
        };
        let stages = "branch: at must be a stage of the encoder after its first, one of layer1 (1), layer2 (2), found";
        assert_eq!(refusal(&[4, 4, 4], r#"{ "at": 0 }"#), format!("{stages} 0"));
        assert_eq!(refusal(&[4, 4, 4], r#"{ "at": "layer3" }"#), format!("{stages} \"layer3\""));
        assert!(refusal(&[4], "{}").contains("which has only one; take one with more, found [\"layer0\"]"));
        assert!(refusal(&[4, 4], r#"{ "groups": [["a", "x"]] }"#).contains("unknown task \"x\""));
        assert!(refusal(&[4, 4], r#"{ "groups": [["a"], ["b", "a"]] }"#).contains("\"a\" is given twice"));
    }
}
