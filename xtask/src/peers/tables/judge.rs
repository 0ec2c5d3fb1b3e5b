//! From answers to a row of the table: who answers for the peers, and how the sides compare.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::ours::Ours;
use super::score::Judged;
use super::table::{Seconds, SetRow, TaskRow};
use super::truth::{Answers, Kind, PeerLine, Task, Truth};
use super::verdict::{Difference, Pair, compare, mean};

/// What one seed of a set gave.
#[derive(Debug)]
pub(super) struct Seed {
    pub(super) truth: Truth,
    pub(super) ours: Ours,
    pub(super) peers: Vec<PeerLine>,
}

/// A side's judged answers, by tasks; nothing where it has none.
type JudgedTasks = Vec<Option<Judged>>;

/// Scores and verdicts of a set.
pub(super) fn judge(name: &'static str, seeds: &[Seed]) -> Result<SetRow> {
    let n_tasks = seeds.first().map_or(0, |seed| seed.truth.tasks.len());
    let (mut ours, mut alone, mut chosen) = (Vec::new(), Vec::new(), Vec::new());
    let mut all: BTreeMap<(usize, String), Vec<f64>> = BTreeMap::new();
    let mut who = vec![BTreeSet::new(); n_tasks];
    for seed in seeds {
        let of = |answers: Option<&Answers>, task: &Task| {
            answers.map(|said| Judged::new(task, &task.test, said)).transpose()
        };
        let tasks = || seed.truth.tasks.iter();
        ours.push(
            tasks().map(|task| of(seed.ours.together.test.get(&task.name), task)).collect::<Result<JudgedTasks>>()?,
        );
        let single = |task: &Task| seed.ours.alone.get(&task.name)?.test.get(&task.name);
        alone.push(tasks().map(|task| of(single(task), task)).collect::<Result<JudgedTasks>>()?);
        let mut best = JudgedTasks::new();
        for (at, task) in tasks().enumerate() {
            let mut first: Option<(f64, Judged, &str)> = None;
            for line in seed.peers.iter().filter(|line| line.task == task.name) {
                let judged = Judged::new(task, &task.test, &line.test)?;
                all.entry((at, line.peer.clone())).or_default().extend(plain(&judged, task.test.len()));
                let held = Judged::new(task, &task.validation, &line.validation)?;
                // Where validation has one answer only, the first peer that was tried stands.
                let held = plain(&held, task.validation.len()).unwrap_or(f64::NEG_INFINITY);
                if first.as_ref().is_none_or(|(other, ..)| held > *other) {
                    first = Some((held, judged, &line.peer));
                }
            }
            who[at].extend(first.as_ref().map(|(.., peer)| (*peer).to_owned()));
            best.push(first.map(|(_, judged, _)| judged));
        }
        chosen.push(best);
    }
    let against = |theirs: &[JudgedTasks]| -> (Vec<Option<Difference>>, Option<Difference>) {
        let complete = |tasks: &'_ JudgedTasks| tasks.iter().all(Option::is_some);
        let pairs =
            seeds.iter().zip(&ours).zip(theirs).filter(|((_, ours), theirs)| complete(ours) && complete(theirs));
        let pairs = pairs.map(|((seed, ours), theirs)| Pair {
            rows: &seed.truth.test_rows,
            ours: ours.iter().flatten().collect(),
            theirs: theirs.iter().flatten().collect(),
        });
        compare(&pairs.collect::<Vec<_>>(), n_tasks)
    };
    let (against_peers, set_against_peers) = against(&chosen);
    let (against_alone, set_against_alone) = against(&alone);
    let over_seeds = |of: &[JudgedTasks], at: usize| {
        let judged = of.iter().zip(seeds).filter_map(|(tasks, seed)| Some((tasks.get(at)?.as_ref()?, seed)));
        mean(judged.filter_map(|(judged, seed)| plain(judged, seed.truth.test_rows.len())))
    };
    let first = seeds.first().map_or(&[][..], |seed| &seed.truth.tasks);
    let tasks = first.iter().enumerate().map(|(at, task)| TaskRow {
        name: task.name.clone(),
        measure: match task.kind {
            Kind::YesNo { .. } => "AUROC",
            Kind::Number { .. } => "1 - RRMSE",
            Kind::Classes { .. } => "accuracy",
        },
        ours: over_seeds(&ours, at),
        alone: over_seeds(&alone, at),
        peers: all
            .iter()
            .filter(|((of, _), _)| *of == at)
            .map(|((_, peer), scores)| (peer.clone(), mean(scores.iter().copied())))
            .collect(),
        chosen: over_seeds(&chosen, at),
        who: who[at].iter().cloned().collect(),
        against_peers: against_peers[at],
        against_alone: against_alone[at],
    });
    let seconds = |of: &dyn Fn(&Seed) -> f64| mean(seeds.iter().map(of)).unwrap_or(f64::NAN);
    let runs = |seed: &'_ Seed| {
        std::iter::once(&seed.ours.together).chain(seed.ours.alone.values()).cloned().collect::<Vec<_>>()
    };
    Ok(SetRow {
        name,
        seeds: seeds.len(),
        tasks: tasks.collect(),
        against_peers: set_against_peers,
        against_alone: set_against_alone,
        seconds: Seconds {
            ours: seconds(&|seed| seed.ours.together.seconds),
            alone: seconds(&|seed| seed.ours.alone.values().map(|run| run.seconds).sum()),
            peers: seconds(&|seed| seed.peers.iter().map(|line| line.seconds).sum()),
        },
        failed: seeds.iter().flat_map(runs).filter_map(|run| run.failed).collect(),
    })
}

/// The score of all rows, once each.
fn plain(judged: &Judged, rows: usize) -> Option<f64> {
    judged.score(&vec![1.0; rows])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::tables::ours::Trained;
    use crate::peers::tables::verdict::Verdict;

    /// A seed with one yes/no task of six rows; answers of ours, of a peer that validation likes, of one that it does not.
    fn seed(ours: [f64; 6], liked: [f64; 6], other: [f64; 6]) -> Seed {
        let labels: Vec<Option<f64>> = [1.0, 1.0, 1.0, 0.0, 0.0, 0.0].map(Some).into();
        let kind = Kind::YesNo { positive: "1".into() };
        let task = Task { name: "t".into(), kind, validation: vec![Some(1.0), Some(0.0)], test: labels };
        let line = |peer: &str, validation: [f64; 2], test: [f64; 6]| PeerLine {
            task: "t".into(),
            peer: peer.into(),
            seconds: 2.0,
            validation: Answers::One(validation.into()),
            test: Answers::One(test.into()),
        };
        let test = BTreeMap::from([("t".to_owned(), Answers::One(ours.into()))]);
        Seed {
            truth: Truth { tasks: vec![task], test_rows: (0..6).collect() },
            ours: Ours { together: Trained { seconds: 1.0, test, failed: None }, alone: BTreeMap::new() },
            peers: vec![line("other", [0.1, 0.9], other), line("liked", [0.9, 0.1], liked)],
        }
    }

    #[test]
    fn validation_chooses_the_peer_and_not_test() {
        let (right, wrong) = ([0.9, 0.8, 0.7, 0.3, 0.2, 0.1], [0.1, 0.2, 0.3, 0.7, 0.8, 0.9]);
        let row = judge("x", &[seed(right, wrong, right), seed(right, wrong, right)]).unwrap();
        let task = &row.tasks[0];
        assert_eq!((task.ours, task.chosen, &task.who[..]), (Some(1.0), Some(0.0), &["liked".to_owned()][..]));
        assert_eq!(task.peers, [("liked".to_owned(), Some(0.0)), ("other".to_owned(), Some(1.0))]);
        assert_eq!((row.verdict(), row.against_alone), (Verdict::Better, None));
        assert_eq!(row.seconds, Seconds { ours: 1.0, alone: 0.0, peers: 4.0 });
        assert_eq!(judge("x", &[seed(right, right, wrong)]).unwrap().verdict(), Verdict::Even);
    }
}
