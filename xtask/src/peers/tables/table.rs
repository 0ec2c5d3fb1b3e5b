//! What the suite prints: a table of sets, one of tasks, and a line that counts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::json;

use super::verdict::{Difference, Verdict, mean};

/// A task of a set; means over seeds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TaskRow {
    pub(super) name: String,
    pub(super) measure: &'static str,
    /// One network for all tasks, and one for this task.
    pub(super) ours: Option<f64>,
    pub(super) alone: Option<f64>,
    /// Every peer, by name.
    pub(super) peers: Vec<(String, Option<f64>)>,
    /// That which validation chose in each seed, and which these were.
    pub(super) chosen: Option<f64>,
    pub(super) who: Vec<String>,
    pub(super) against_peers: Option<Difference>,
    pub(super) against_alone: Option<Difference>,
}

/// A set; means over its tasks, seconds for all of them together.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct SetRow {
    pub(super) name: &'static str,
    pub(super) seeds: usize,
    pub(super) tasks: Vec<TaskRow>,
    pub(super) against_peers: Option<Difference>,
    pub(super) against_alone: Option<Difference>,
    pub(super) seconds: Seconds,
    /// Why a run of ours has no answers.
    pub(super) failed: Vec<String>,
}

/// Mean over seeds of what each side took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seconds {
    pub(super) ours: f64,
    pub(super) alone: f64,
    /// All peers with all settings.
    pub(super) peers: f64,
}

impl SetRow {
    /// A run that failed is a loss, whatever the other seeds say.
    pub(super) fn verdict(&self) -> Verdict {
        match &self.against_peers {
            Some(difference) if self.failed.is_empty() => difference.verdict(),
            Some(_) | None => Verdict::Worse,
        }
    }
}

/// Everything, as Markdown.
pub(super) fn render(sets: &[SetRow]) -> String {
    let mut text = String::from(
        "| set | tasks | seeds | ours | best peer | difference (95 %) | verdict | against single tasks | ours, s | single, s | \
         peers, s |\n|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for set in sets {
        let over_tasks = |of: fn(&TaskRow) -> Option<f64>| mean(set.tasks.iter().filter_map(of));
        let Seconds { ours, alone, peers } = set.seconds;
        line(
            &mut text,
            &[
                set.name.to_owned(),
                set.tasks.len().to_string(),
                set.seeds.to_string(),
                score(over_tasks(|task| task.ours)),
                score(over_tasks(|task| task.chosen)),
                interval(set.against_peers.as_ref()),
                set.verdict().to_string(),
                against(set.against_alone.as_ref()),
                format!("{ours:.1}"),
                format!("{alone:.1}"),
                format!("{peers:.1}"),
            ],
        );
    }
    text.push_str(
        "\n| task | measure | ours | single | peers | chosen on validation | difference (95 %) | verdict |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (set, task) in sets.iter().flat_map(|set| set.tasks.iter().map(move |task| (set, task))) {
        let peers = task.peers.iter().map(|(name, value)| format!("{name} {}", score(*value)));
        line(
            &mut text,
            &[
                format!("{}.{}", set.name, task.name),
                task.measure.to_owned(),
                score(task.ours),
                score(task.alone),
                peers.collect::<Vec<_>>().join(", "),
                format!("{} ({})", score(task.chosen), task.who.join(", ")),
                interval(task.against_peers.as_ref()),
                task.against_peers.map_or_else(|| "-".to_owned(), |difference| difference.verdict().to_string()),
            ],
        );
    }
    for set in sets {
        set.failed.iter().for_each(|why| text.push_str(&format!("\n{}: no answers: {why}", set.name)));
    }
    text.push_str(&closing(sets));
    text
}

/// A JSON line for each task.
pub(super) fn lines(sets: &[SetRow]) -> String {
    let tasks = sets.iter().flat_map(|set| set.tasks.iter().map(move |task| (set, task)));
    let interval = |difference: &Option<Difference>| difference.map(|d| [d.value, d.low, d.high]);
    let line = |(set, task): (&SetRow, &TaskRow)| {
        json!({
            "set": set.name, "task": task.name, "measure": task.measure, "seeds": set.seeds,
            "ours": task.ours, "alone": task.alone, "peers": task.peers.iter().cloned().collect::<BTreeMap<_, _>>(),
            "chosen": task.chosen, "who": task.who,
            "against_peers": interval(&task.against_peers), "against_alone": interval(&task.against_alone),
            "set_against_peers": interval(&set.against_peers), "set_against_alone": interval(&set.against_alone),
            "seconds": { "ours": set.seconds.ours, "alone": set.seconds.alone, "peers": set.seconds.peers },
        })
        .to_string()
            + "\n"
    };
    tasks.map(line).collect()
}

/// How many of each.
fn closing(sets: &[SetRow]) -> String {
    let count = |wanted| sets.iter().filter(|set| set.verdict() == wanted).count();
    let hurts = |set: &&SetRow| set.against_alone.is_some_and(|difference| difference.verdict() == Verdict::Worse);
    format!(
        "\n{} sets: better on {}, even on {}, worse on {}; sharing hurts on {}\n",
        sets.len(),
        count(Verdict::Better),
        count(Verdict::Even),
        count(Verdict::Worse),
        sets.iter().filter(hurts).count(),
    )
}

fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}

fn interval(difference: Option<&Difference>) -> String {
    difference.map_or_else(|| "-".to_owned(), |d| format!("{:+.4} ({:+.4} to {:+.4})", d.value, d.low, d.high))
}

fn against(difference: Option<&Difference>) -> String {
    difference.map_or_else(|| "-".to_owned(), |d| format!("{} {}", d.verdict(), interval(Some(d))))
}

fn line(text: &mut String, cells: &[String]) {
    // Writing to a text cannot fail.
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_failed_is_a_loss() {
        let better = Some(Difference { value: 0.2, low: 0.1, high: 0.3 });
        let set = |failed: Vec<String>| SetRow {
            name: "x",
            seeds: 5,
            tasks: Vec::new(),
            against_peers: better,
            against_alone: None,
            seconds: Seconds { ours: 1.0, alone: 0.0, peers: 2.0 },
            failed,
        };
        let (good, bad) = (set(Vec::new()), set(vec!["mtl train: error".into()]));
        assert_eq!((good.verdict(), bad.verdict()), (Verdict::Better, Verdict::Worse));
        assert!(lines(&[good.clone(), bad.clone()]).is_empty(), "no task");
        let text = render(&[good, bad]);
        assert!(
            text.contains("| x | 0 | 5 | - | - | +0.2000 (+0.1000 to +0.3000) | better | - | 1.0 | 0.0 | 2.0 |"),
            "{text}"
        );
        assert!(text.ends_with("2 sets: better on 1, even on 0, worse on 1; sharing hurts on 0\n"), "{text}");
    }
}
