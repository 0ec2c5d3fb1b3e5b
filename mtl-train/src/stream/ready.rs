//! What a run of a stream is made of, before it has a folder: model, trainer, stream.

use std::{path::Path, sync::Arc, time::Duration};

use mtl_core::{batch::Batch, label_stats::LabelStats};
use mtl_data::{
    Kept, Origin, Preprocessing, Source,
    kept::{Cut, Part, Provenance},
    table::stream::{Follow, Opened, Stop, StreamOptions, StreamPosition, TableStream},
};

use super::settings::{Settled, refused};
use crate::{
    analysis::inspect::Finding,
    config::RunConfig,
    error::{Error, Result},
    run::{data::RunData, dir::RunDir, opened::read_weights, plan::ModelPlan, threads},
    train::{model::Model, trainer::Trainer},
};

/// A run that could start.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) settled: Settled,
    pub(super) data: RunData,
    pub(super) trainer: Trainer,
    pub(super) stream: Arc<TableStream>,
}

impl Ready {
    /// A new model, which the first rows of the stream teach codes, scales and classes; and the first batch of these.
    ///
    /// # Errors
    /// What is wrong with a setting or with the stream's beginning.
    pub(super) fn warmed_up(mut settled: Settled, stop: &Stop) -> Result<(Self, Batch)> {
        let mut opened = open(&settled, stop)?;
        let wanted = settled.stream.warmup_rows;
        let warm = opened.warm_up(wanted, settled.stream.bad_rows)?;
        let words = "rows teach codes, scales and classes; they are learned from and not judged";
        settled.notes.push(Finding::note("stream", format!("the first {} {words}", warm.rows)));
        if warm.rows < wanted {
            let words = format!("the stream has ended within its warm-up of {} rows: nothing is judged", wanted);
            settled.notes.push(Finding::warning("stream", words));
        }
        let cut = Cut { train: Part::whole(warm.rows), validation: Part::whole(0), test: Part::whole(0) };
        let fitted = warm.fitted;
        let data = Kept {
            settings: settled.config.data.without_places(),
            origin: Origin::Real,
            info: fitted.info()?,
            preprocessing: Some(Preprocessing::Table { format: settled.csv()?.format, fitted }),
            provenance: Provenance { cut, ..Provenance::default() },
        };
        let mut data = RunData { data, labels: warm.labels };
        let learner = Learner::new(&settled.config, &data, false)?;
        let n = warm.rows.min(settled.config.train.batch_size as u64);
        let mut first = warm.source.batch(&(0..n).collect::<Vec<_>>())?;
        first.targets = learner.tasks.iter().map(|&task| first.targets.get_mut(task).and_then(Option::take)).collect();
        data.labels = learner.tasks.iter().filter_map(|&task| data.labels.get(task).cloned()).collect();
        Ok((learner.learns(settled, data, opened, None)?, first))
    }

    /// The model of a finished run, with what that knows of its data.
    ///
    /// # Errors
    /// As above; [`Error::Checkpoint`] for a run on other columns or of other tasks.
    pub(super) fn from_run(mut settled: Settled, from: &Path, stop: &Stop) -> Result<Self> {
        let opened = open(&settled, stop)?;
        let run = RunDir::open(from)?;
        let data = run.data()?;
        let csv = settled.csv()?;
        let refuse = |reason: String| Error::Checkpoint { path: from.to_owned(), reason };
        let fitted = data.data.fitted();
        let fitted = fitted.ok_or_else(|| refuse("was not trained on a table, and a stream is rows of one".into()))?;
        if *fitted.schema() != csv.schema {
            return Err(refuse("was trained on columns that mean something else than those of [data.schema]".into()));
        }
        let tasks = |config: &RunConfig| -> Result<Vec<String>> {
            Ok(ModelPlan::new(config, &data.data.info)?.names().into_iter().map(str::to_owned).collect())
        };
        let (theirs, ours) = (tasks(&run.config()?)?, tasks(&settled.config)?);
        if theirs != ours {
            let [theirs, ours] = [theirs, ours].map(|names| names.join(", "));
            return Err(refuse(format!("learned the tasks {theirs}, and {ours} are to go on")));
        }
        let preprocessing = Some(Preprocessing::Table { format: csv.format, fitted: fitted.clone() });
        let weights = read_weights(&run.weights(), "cannot read weights (has the run finished?)")?;
        let kept = Kept { settings: settled.config.data.without_places(), preprocessing, ..data.data };
        let data = RunData { data: kept, labels: data.labels };
        let words = "goes on learning, with its codes, scales and classes; its optimizer begins anew";
        settled.notes.push(Finding::note("stream", format!("the model of {} {words}", from.display())));
        let learner = Learner::new(&settled.config, &data, true)?;
        learner.model.params().load_tensors(&weights)?;
        learner.learns(settled, data, opened, None)
    }

    /// The same as at an earlier time, on the stream from a position on; the weights are still to come.
    ///
    /// # Errors
    /// As above; [`mtl_data::Error::Stream`] for another stream.
    pub(super) fn again(mut settled: Settled, data: RunData, at: &StreamPosition, stop: &Stop) -> Result<Self> {
        let opened = open(&settled, stop)?;
        if !opened.can_be_read_again() {
            let words = "lines of the standard input are passed over, since they were learned from";
            settled.notes.push(Finding::note("stream", format!("{} {words}", at.lines)));
        }
        Learner::new(&settled.config, &data, true)?.learns(settled, data, opened, Some(at))
    }
}

fn open(settled: &Settled, stop: &Stop) -> Result<Opened> {
    let settings = &settled.stream;
    let follow = settings.follow.then(|| Follow { idle: settings.idle_seconds.map(Duration::from_secs_f64) });
    let opened = settled.csv()?.stream(follow, stop.clone())?;
    match settings.idle_seconds {
        Some(seconds) if !opened.can_be_read_again() => {
            let expected = "left out for what is no file: it ends when whoever writes it ends it".into();
            Err(refused("idle_seconds", expected, &seconds.to_string()).in_section("stream"))
        }
        _ => Ok(opened),
    }
}

/// The model of a run, and what its stream has to know of it.
struct Learner {
    model: Model,
    /// The smallest batch that it learns from.
    least: usize,
    /// Where its tasks stand in the schema's list.
    tasks: Vec<usize>,
}

impl Learner {
    /// The model for data; `is_loaded` says that weights come from elsewhere, with what was taken from labels.
    fn new(config: &RunConfig, data: &RunData, is_loaded: bool) -> Result<Self> {
        let info = &data.data.info;
        let plan = ModelPlan::new(config, info)?;
        let place = |name: &str| info.tasks.iter().position(|task| task.name.as_str() == name);
        let tasks: Option<Vec<usize>> = plan.names().into_iter().map(place).collect();
        let restored = || refused("task", "one of the table's columns: a stream restores no inputs".into(), "another");
        let tasks = tasks.ok_or_else(|| restored().in_section("task"))?;
        let device = config.device.apply().map_err(|e| e.in_section("device"))?;
        let own = |&task: &usize| data.labels.get(task).cloned();
        let labels: Vec<LabelStats> = if is_loaded { Vec::new() } else { tasks.iter().filter_map(own).collect() };
        let model = plan.build(&labels, device, config.train.seed)?;
        let size = config.train.batch_size;
        threads::settle(&config.device, &model, &plan, size..=size);
        let least = model.least_batch(&plan.inputs.example(1)?.to_device(device)?)?;
        Ok(Self { model, least, tasks })
    }

    /// The trainer, and the stream from a position on.
    fn learns(self, settled: Settled, data: RunData, opened: Opened, start: Option<&StreamPosition>) -> Result<Ready> {
        let (config, settings) = (&settled.config, &settled.stream);
        let options = StreamOptions {
            batch_size: config.train.batch_size,
            least: self.least,
            bad_rows: settings.bad_rows,
            unknown_labels: settings.unknown_labels,
        };
        let trainer = Trainer::new(self.model, &config.balancer, config.train.clone())?;
        trainer.check_online()?;
        let fitted = data.data.fitted().cloned();
        let fitted = fitted.ok_or_else(|| refused("data", "what a table taught".into(), "something else"))?;
        let stream = Arc::new(TableStream::new(opened, fitted, options, start)?.of_tasks(self.tasks));
        Ok(Ready { settled, data, trainer, stream })
    }
}
