//! The search itself: rounds of candidates over folds, then the refit.

use std::{fs, path::Path, sync::Arc};

use mtl_core::{
    balance::{BalancerConfig, scalarizer::FixedConfig},
    metric::Direction,
};
use mtl_data::{Folds, ForTasks, Source, Splits};
use mtl_metrics::stats::Estimate;

use super::{
    CandidateScores, CvWeightsConfig, Found, RoundScores,
    fold::{self, FoldRun},
    halving::{by_score, rounds, survivors},
    page,
};
use crate::{
    config::RunConfig,
    error::{Error, Result},
    parts::method::MethodConfig,
    run::{
        data::RunData,
        dir::RunDir,
        json,
        life::{Ended, Limit, Run},
        memory::PeakMemory,
        self_supervised,
        session::Session,
    },
    study::files::{Files, fingerprint, finished},
    train::{checkpoint::write_atomic, trainer::Observer},
};

/// The files of a search: `folds/` (a folder per candidate and fold), `refit-*/`, `cv_weights.json`, `cv_weights.html`.
#[must_use]
pub fn files(root: &Path) -> Files {
    Files::new(root, "cv_weights")
}

/// What is being trained.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'a> {
    /// The weights in task order, mean 1.
    pub weights: &'a [f64],
    /// Fold, from 1, of so many; `None` for the refit.
    pub fold: Option<[usize; 2]>,
    /// Round, from 1, of so many.
    pub round: [usize; 2],
    /// Candidate of the round, from 1, of so many.
    pub candidate: [usize; 2],
}

impl Trial<'_> {
    /// For people: `round 1/3, candidate 2/7, fold 1/5, weights 0.50 1.50`.
    #[must_use]
    pub fn title(&self) -> String {
        let weights: Vec<String> = self.weights.iter().map(|w| format!("{w:.2}")).collect();
        let weights = weights.join(" ");
        let ([r, rs], [c, cs]) = (self.round, self.candidate);
        match self.fold {
            Some([f, fs]) => format!("round {r}/{rs}, candidate {c}/{cs}, fold {f}/{fs}, weights {weights}"),
            None => format!("refit, weights {weights}"),
        }
    }
}

/// Someone who watches a search.
pub trait WatchTrials {
    /// Before a run trains (or goes on); gives who watches that run, and may ask it to stop.
    fn begin(&mut self, _trial: &Trial<'_>, _session: &Session) -> Box<dyn Observer> {
        Box::new(())
    }

    /// A run on a fold has its score so far.
    fn done(&mut self, _trial: &Trial<'_>, _score: Option<f64>) {}

    /// A run on a fold could not be trained: its candidate has no score, the others go on.
    fn failed(&mut self, _trial: &Trial<'_>, _error: &Error) {}
}

/// Nobody watches.
impl WatchTrials for () {}

/// Searches weights for the tasks of `run` below `root`; `None` when a watcher asked to stop. Call it again to go on.
///
/// The balancer of `run` does not matter: weights are fixed. `splits` is the data of `run`, loaded already.
///
/// # Errors
/// [`mtl_core::Error::InvalidConfig`] for a setting out of range or a single task; what is wrong with the run's settings;
/// [`Error::Io`] when a file cannot be written; the refit's failure. A failure while training on a fold leaves its
/// candidate without a score.
pub fn search(
    run: &RunConfig,
    config: &CvWeightsConfig,
    splits: &Splits,
    root: &Path,
    watch: &mut dyn WatchTrials,
) -> Result<Option<Found>> {
    let Ground { tasks, candidates, folds, parts, direction, rounds: total } = Ground::new(run, config, splits)?;
    let data = RunData::of(&run.data, splits);
    fs::create_dir_all(root).map_err(|e| Error::io(root, "cannot make folder", e))?;
    data.save(root)?;
    let mut race = Race { run, config, root, parts: &parts, direction, failures: Vec::new() };
    let rounds = rounds(total, config.min_epochs, config.halving);
    let mut scores: Vec<CandidateScores> = candidates
        .into_iter()
        .map(|weights| CandidateScores { weights, rounds: Vec::new(), against_equal: None })
        .collect();
    let Some(chosen) = race.rounds(&rounds, &mut scores, watch)? else { return Ok(None) };
    against_equal(&mut scores, direction, config.level)?;

    let weights = scores.get(chosen).map(|c| c.weights.clone()).unwrap_or_default();
    let last = weighed(run, &weights);
    let refit_folder = format!("refit-{}", fingerprint(&last, "")?);
    let folder = root.join(&refit_folder);
    if RunDir::holds_run(&folder) {
        RunDir::open(&folder)?.check_data(&data)?;
    }
    let refit = match finished(&folder)? {
        Some((outcome, _)) => outcome,
        None => {
            let peak = PeakMemory::start();
            let n = rounds.len();
            let trial = Trial { weights: &weights, fold: None, round: [n, n], candidate: [1, 1] };
            let mut again = Run::enter(&folder, last, splits)?;
            let mut watcher = watch.begin(&trial, again.session());
            if again.train(Limit::End, &mut *watcher)? != Ended::Finished {
                return Ok(None);
            }
            drop(watcher);
            let outcome = again.finish(peak.megabytes())?;
            again.dir().drop_checkpoints()?;
            watch.done(&trial, outcome.score());
            outcome
        }
    };
    let k = parts.len() as u64;
    let trained = |c: &CandidateScores| c.rounds.last().map_or(0, |round| round.epochs) * k;
    let found = Found {
        dataset: run.data.name().into(),
        origin: splits.origin,
        tasks,
        selection: run.train.selection.clone(),
        direction,
        fold_sizes: folds.parts().iter().map(Vec::len).collect(),
        fold_notes: folds.notes().to_vec(),
        epochs_trained: scores.iter().map(trained).sum(),
        epochs_in_full: scores.len() as u64 * k * total,
        rounds,
        candidates: scores,
        chosen,
        refit,
        refit_folder,
        failures: race.failures,
    };
    let files = files(root);
    json::write(&files.json(), &found)?;
    write_atomic(&files.html(), page(&found).to_html().as_bytes())?;
    Ok(Some(found))
}

/// Builds all that a search needs and trains nothing.
///
/// # Errors
/// Those of [`search`] that can be found before anything is trained.
pub fn check(run: &RunConfig, config: &CvWeightsConfig, splits: &Splits) -> Result<()> {
    Ground::new(run, config, splits).map(drop)
}

/// What a search stands on.
struct Ground {
    tasks: Vec<String>,
    candidates: Vec<Vec<f64>>,
    folds: Folds,
    parts: Vec<Splits>,
    direction: Direction,
    /// Validations of a run: epochs, unless `validate_every` says otherwise.
    rounds: u64,
}

impl Ground {
    fn new(run: &RunConfig, config: &CvWeightsConfig, splits: &Splits) -> Result<Self> {
        config.validate()?;
        let tasks: Vec<String> = match run.tasks.is_empty() {
            true => splits.info.tasks.iter().map(|task| task.name.to_string()).collect(),
            false => run.tasks.iter().map(|task| task.name.clone()).collect(),
        };
        let candidates = config.candidates.weights(tasks.len())?;
        let names: Vec<&str> = tasks.iter().map(String::as_str).collect();
        let labels: Arc<dyn Source> =
            Arc::new(ForTasks::select(self_supervised::source(run, splits.train.clone())?, &names)?);
        let folds = Folds::dealt(&labels, &splits.dealt, config.folds, config.seed)?;
        let parts = fold::splits(splits, &folds)?;
        // Builds everything once, so that a wrong setting is found before anything is trained.
        let equal = candidates.first().map(Vec::as_slice).unwrap_or_default();
        let session = Session::new(&weighed(run, equal), parts.first().unwrap_or(splits))?;
        let (direction, rounds) = (session.trainer.selection().direction(), session.total_rounds());
        Ok(Self { tasks, candidates, folds, parts, direction, rounds })
    }
}

/// The run with fixed weights.
fn weighed(run: &RunConfig, weights: &[f64]) -> RunConfig {
    let fixed = BalancerConfig::Fixed(FixedConfig { weights: weights.to_vec() });
    RunConfig { balancer: MethodConfig::from(fixed), ..run.clone() }
}

/// What all rounds need.
struct Race<'a> {
    run: &'a RunConfig,
    config: &'a CvWeightsConfig,
    root: &'a Path,
    parts: &'a [Splits],
    direction: Direction,
    failures: Vec<String>,
}

impl Race<'_> {
    /// All rounds; the position of the winner, `None` when a watcher asked to stop.
    fn rounds(
        &mut self,
        rounds: &[u64],
        scores: &mut [CandidateScores],
        watch: &mut dyn WatchTrials,
    ) -> Result<Option<usize>> {
        let mut alive: Vec<usize> = (0..scores.len()).collect();
        for (round, &epochs) in rounds.iter().enumerate() {
            for (number, &at) in alive.iter().enumerate() {
                let place = ([round + 1, rounds.len()], [number + 1, alive.len()]);
                let Some(candidate) = scores.get_mut(at) else { continue };
                let Some(folds) = self.round(&candidate.weights, epochs, place, watch)? else { return Ok(None) };
                let all: Option<Vec<f64>> = folds.iter().copied().collect();
                let estimate = all.map(|all| Estimate::new(&all, self.config.level)).transpose()?;
                candidate.rounds.push(RoundScores { epochs, folds, estimate });
            }
            let means: Vec<Option<f64>> = alive.iter().map(|at| scores.get(*at)?.mean(round)).collect();
            if round + 1 == rounds.len() {
                let best = by_score(&means, self.direction).first().and_then(|at| alive.get(*at)).copied();
                self.drop_checkpoints(&alive, scores)?;
                return match (best, means.iter().any(Option::is_some)) {
                    (Some(best), true) => Ok(Some(best)),
                    _ => Err(self.nothing_scored()),
                };
            }
            let keep: Vec<usize> = survivors(&means, self.config.halving, self.direction);
            // Equal weights stay as the reference, whatever their score.
            let (stay, go): (Vec<usize>, Vec<usize>) =
                (0..alive.len()).partition(|at| keep.contains(at) || alive.get(*at) == Some(&0));
            let ids = |positions: Vec<usize>| positions.into_iter().filter_map(|at| alive.get(at).copied()).collect();
            let (stay, go): (Vec<usize>, Vec<usize>) = (ids(stay), ids(go));
            self.drop_checkpoints(&go, scores)?;
            alive = stay;
        }
        Ok(None)
    }

    /// The scores of one candidate on all folds.
    fn round(
        &mut self,
        weights: &[f64],
        epochs: u64,
        (round, candidate): ([usize; 2], [usize; 2]),
        watch: &mut dyn WatchTrials,
    ) -> Result<Option<Vec<Option<f64>>>> {
        let mut scores = Vec::with_capacity(self.parts.len());
        for (fold, part) in self.parts.iter().enumerate() {
            let run = self.fold_run(weights, fold)?;
            let trial = Trial { weights, fold: Some([fold + 1, self.parts.len()]), round, candidate };
            match run.score(part, epochs, self.direction, &mut |session| watch.begin(&trial, session)) {
                Ok(Some(score)) => {
                    watch.done(&trial, score);
                    scores.push(score);
                }
                Ok(None) => return Ok(None),
                Err(error @ Error::Step { .. }) => {
                    watch.failed(&trial, &error);
                    self.failures.push(format!("{}: {error}", trial.title()));
                    scores.push(None);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Some(scores))
    }

    fn fold_run(&self, weights: &[f64], fold: usize) -> Result<FoldRun> {
        let config = weighed(self.run, weights);
        let context = format!("fold {fold} of {} by seed {}", self.parts.len(), self.config.seed);
        let name = format!("fold{}-{}", fold + 1, fingerprint(&config, &context)?);
        Ok(FoldRun { folder: self.root.join("folds").join(name), config })
    }

    fn drop_checkpoints(&self, candidates: &[usize], scores: &[CandidateScores]) -> Result<()> {
        for candidate in candidates.iter().filter_map(|at| scores.get(*at)) {
            for fold in 0..self.parts.len() {
                self.fold_run(&candidate.weights, fold)?.drop_checkpoints()?;
            }
        }
        Ok(())
    }

    fn nothing_scored(&self) -> Error {
        let reason = self.failures.first().cloned().unwrap_or_else(|| "the selection score is undefined".into());
        mtl_core::Error::State { what: "cv_weights".into(), reason: format!("no candidate has a score: {reason}") }
            .into()
    }
}

/// What every candidate is worth against equal weights, on the folds of its last round.
fn against_equal(scores: &mut [CandidateScores], direction: Direction, level: f64) -> Result<()> {
    let Some((equal, others)) = scores.split_first_mut() else { return Ok(()) };
    for candidate in others {
        let Some(last) = candidate.rounds.last() else { continue };
        let Some(reference) = equal.rounds.iter().find(|round| round.epochs == last.epochs) else { continue };
        let both = last.folds.iter().zip(&reference.folds).filter_map(|(ours, theirs)| Some(((*ours)?, (*theirs)?)));
        let (mut ours, mut theirs): (Vec<f64>, Vec<f64>) = both.unzip();
        if ours.len() < last.folds.len() {
            continue;
        }
        if direction == Direction::Minimize {
            std::mem::swap(&mut ours, &mut theirs);
        }
        candidate.against_equal = Some(Estimate::paired(&ours, &theirs, level)?);
    }
    Ok(())
}
