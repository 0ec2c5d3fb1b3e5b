//! From the section `[compare]` to a list of runs.

use mtl_data::DataInfo;

use super::CompareConfig;
use crate::{
    config::{RunConfig, TaskConfig},
    error::Result,
    parts::{architecture::Architecture, encoder::AnyEncoder, method::MethodConfig},
    study::files::fingerprint,
};

/// One way to learn the tasks: what a row of the table is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Method {
    /// Its name in tables, unique in a plan.
    pub name: String,
    /// Its encoder.
    pub encoder: AnyEncoder,
    /// What its tasks share.
    pub sharing: Architecture,
    /// How its tasks are balanced.
    pub balancer: MethodConfig,
}

/// A whole comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What all cells have in common: data, training, tasks, device.
    pub base: RunConfig,
    /// The methods, in the order of the table.
    pub methods: Vec<Method>,
    /// What a task alone is trained by; `None` for no baselines.
    pub baseline: Option<Method>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// Level of the intervals.
    pub level: f64,
    /// Error rate of the test of ranks.
    pub alpha: f64,
}

/// What a cell trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// All tasks, by the method of that index.
    Method(usize),
    /// The task of that index, alone.
    Alone(usize),
}

/// One run of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What it trains.
    pub subject: Subject,
    /// With which seed.
    pub seed: u64,
    /// For people: `hard + upgrad, seed 2`.
    pub title: String,
    /// The whole configuration.
    pub config: RunConfig,
    /// The name of its folder.
    pub folder: String,
}

/// The name of the single-task networks in tables.
pub(super) const ALONE: &str = "single task";

impl Plan {
    /// The plan of a file.
    ///
    /// # Errors
    /// [`mtl_core::Error::InvalidConfig`] for a setting out of range; [`mtl_core::Error::Duplicate`] for a name that two
    /// methods bear.
    pub fn new(base: RunConfig, config: &CompareConfig) -> Result<Self> {
        config.validate()?;
        let mut methods = Vec::new();
        // Without any list the run itself is compared (with its tasks alone), unless methods are spelled out.
        if !config.sharing.is_empty() || !config.balancer.is_empty() || config.method.is_empty() {
            let mut sharing: Vec<Architecture> = config.sharing.iter().map(|s| s.0.clone()).collect();
            let mut balancers: Vec<MethodConfig> = config.balancer.iter().map(|b| b.0.clone()).collect();
            if sharing.is_empty() {
                sharing.push(base.sharing.clone());
            }
            if balancers.is_empty() {
                balancers.push(base.balancer.clone());
            }
            for (sharing_name, sharing) in named(&sharing, Architecture::name) {
                for (balancer_name, balancer) in named(&balancers, MethodConfig::name) {
                    methods.push(Method {
                        name: format!("{sharing_name} + {balancer_name}"),
                        encoder: base.encoder.clone(),
                        sharing: sharing.clone(),
                        balancer: balancer.clone(),
                    });
                }
            }
        }
        methods.extend(config.method.iter().map(|entry| Method {
            name: entry.name.clone(),
            encoder: entry.encoder.as_ref().map_or_else(|| base.encoder.clone(), |e| e.0.clone()),
            sharing: entry.sharing.as_ref().map_or_else(|| base.sharing.clone(), |s| s.0.clone()),
            balancer: entry.balancer.as_ref().map_or_else(|| base.balancer.clone(), |b| b.0.clone()),
        }));
        for (at, method) in methods.iter().enumerate() {
            if method.name == ALONE || methods[..at].iter().any(|m| m.name == method.name) {
                return Err(mtl_core::Error::Duplicate { what: "method", name: method.name.clone() }.into());
            }
        }
        let baseline = match config.baselines {
            true => Some(Method {
                name: ALONE.into(),
                encoder: base.encoder.clone(),
                sharing: Architecture::by_name("hard")?,
                balancer: MethodConfig::default(),
            }),
            false => None,
        };
        let seeds = config.seeds.from(base.train.seed);
        Ok(Self { methods, baseline, seeds, level: config.level, alpha: config.alpha, base })
    }

    /// The tasks of the comparison: those that the file names, else all of the data.
    #[must_use]
    pub fn tasks(&self, info: &DataInfo) -> Vec<TaskConfig> {
        let default = |name: String| TaskConfig { name, ..TaskConfig::default() };
        match self.base.tasks.is_empty() {
            true => info.tasks.iter().map(|task| default(task.name.to_string())).collect(),
            false => self.base.tasks.clone(),
        }
    }

    /// All runs, seed by seed, so that an interrupted comparison has whole seeds to show.
    ///
    /// # Errors
    /// As [`RunConfig::to_toml`].
    pub fn cells(&self, info: &DataInfo) -> Result<Vec<Cell>> {
        let tasks = self.tasks(info);
        let mut cells = Vec::new();
        for &seed in &self.seeds {
            if let Some(baseline) = &self.baseline {
                for (at, task) in tasks.iter().enumerate() {
                    let mut config = self.config(baseline, std::slice::from_ref(task), seed);
                    // An expression over several tasks says nothing about one of them alone.
                    config.train.selection = "mean".into();
                    config.joint.clear();
                    let title = format!("{} alone, seed {seed}", task.name);
                    cells.push(Cell::new(Subject::Alone(at), seed, title, config)?);
                }
            }
            for (at, method) in self.methods.iter().enumerate() {
                let config = self.config(method, &tasks, seed);
                let title = format!("{}, seed {seed}", method.name);
                cells.push(Cell::new(Subject::Method(at), seed, title, config)?);
            }
        }
        Ok(cells)
    }

    fn config(&self, method: &Method, tasks: &[TaskConfig], seed: u64) -> RunConfig {
        let mut config = self.base.clone();
        config.encoder = method.encoder.clone();
        config.sharing = method.sharing.clone();
        config.balancer = method.balancer.clone();
        config.tasks = tasks.to_vec();
        config.train.seed = seed;
        config
    }
}

impl Cell {
    fn new(subject: Subject, seed: u64, title: String, config: RunConfig) -> Result<Self> {
        let kind = match subject {
            Subject::Method(_) => format!("{}-{}", config.sharing.name(), config.balancer.name()),
            Subject::Alone(_) => format!("alone-{}", config.tasks.first().map_or("", |t| t.name.as_str())),
        };
        // The words are for people, the digits tell cells apart.
        let folder = format!("{kind}-{seed}-{}", fingerprint(&config, "")?);
        Ok(Self { subject, seed, title, config, folder })
    }
}

/// Names of members of a registry; those that occur several times, with other settings, are numbered.
fn named<T>(members: &[T], name: impl Fn(&T) -> &'static str) -> Vec<(String, &T)> {
    let label = |at: usize, member: &T| {
        let own = name(member);
        let before = members[..at].iter().filter(|m| name(m) == own).count();
        if before == 0 { own.to_owned() } else { format!("{own} ({})", before + 1) }
    };
    members.iter().enumerate().map(|(at, member)| (label(at, member), member)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StudyConfig;

    fn plan(more: &str) -> Result<Plan> {
        let run = "[data]\nkind = \"synthetic-mmoe\"\n[encoder]\nkind = \"tabular\"\n[train]\nseed = 4\nselection = \"y1.r2 + y2.r2\"\n";
        let study = StudyConfig::parse(&format!("{run}{more}"), "s.toml".as_ref())?;
        Plan::new(study.run, &study.compare)
    }

    fn cells(plan: &Plan) -> Vec<Cell> {
        let info = plan.base.data.load().unwrap().info;
        plan.cells(&info).unwrap()
    }

    #[test]
    fn the_grid_is_complete_and_seeds_are_outermost() {
        let plan =
            plan("[compare]\nsharing = [\"hard\", \"mmoe\"]\nbalancer = [\"equal\", \"upgrad\"]\nseeds = 2\n").unwrap();
        let names: Vec<&str> = plan.methods.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["hard + equal", "hard + upgrad", "mmoe + equal", "mmoe + upgrad"]);
        let cells = cells(&plan);
        assert_eq!(cells.len(), 2 * (2 + 4));
        assert_eq!(cells[0].title, "y1 alone, seed 4");
        assert_eq!((cells[6].seed, cells[6].subject), (5, Subject::Alone(0)));
        assert_eq!((cells[0].config.train.selection.as_str(), cells[0].config.tasks.len()), ("mean", 1));
        let mut folders: Vec<&str> = cells.iter().map(|c| c.folder.as_str()).collect();
        folders.sort_unstable();
        folders.dedup();
        assert_eq!(folders.len(), cells.len());
    }

    #[test]
    fn a_changed_grid_keeps_the_folders_of_equal_cells() {
        let few = cells(&plan("[compare]\nsharing = [\"mmoe\"]\nseeds = 1\n").unwrap());
        let more = "[compare]\nsharing = [\"hard\", { kind = \"mmoe\" }]\nseeds = [9, 4]\nlevel = 0.9\n";
        let many = cells(&plan(more).unwrap());
        assert!(few.iter().all(|cell| many.iter().any(|c| c.folder == cell.folder && c.config == cell.config)));
        let other = cells(&plan("[compare]\nsharing = [{ kind = \"mmoe\", experts = 3 }]\nseeds = 1\n").unwrap());
        assert_ne!(few[2].folder, other[2].folder);
        assert_eq!(few[0].folder, other[0].folder, "a task alone does not depend on what is compared");
    }

    #[test]
    fn methods_by_name_and_repeated_kinds() {
        let two =
            plan("[compare]\nsharing = [\"mmoe\", { kind = \"mmoe\", experts = 2 }]\nbaselines = false\n").unwrap();
        assert_eq!(two.methods[1].name, "mmoe (2) + equal");
        assert!(two.baseline.is_none());
        let own = plan("[[compare.method]]\nname = \"mine\"\nbalancer = \"upgrad\"\n").unwrap();
        assert_eq!((own.methods.len(), own.methods[0].balancer.name()), (1, "upgrad"));
        let e = plan("[[compare.method]]\nname = \"a\"\n[[compare.method]]\nname = \"a\"\n").unwrap_err().to_string();
        assert_eq!(e, "method \"a\" is given twice");
        assert_eq!(plan("").unwrap().methods[0].name, "hard + equal", "the run itself");
    }
}
